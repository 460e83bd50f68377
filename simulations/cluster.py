"""A dask cluster that the user has: the connection to it, and what goes wrong with it, in one line."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from distributed import Client

ANSWER = 10
"""Seconds that the scheduler has to answer."""

PATIENCE = 30
"""Seconds that the first worker is waited for."""


class WorkersLost(ValueError):
    """The workers were killed; what was made is in the store, and the same command goes on."""

    @staticmethod
    def by(error: BaseException) -> WorkersLost:
        """As it is said."""
        reason = " ".join(str(error).split())[:160]
        return WorkersLost(f"workers were lost ({reason}); run the same command again to go on")


@contextlib.contextmanager
def connected(address: str) -> Iterator[Client]:
    """A connection to the cluster whose scheduler has an address, "tcp://...".

    Raises:
        ValueError: dask is not installed, or the scheduler does not answer.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise ValueError(f"a dask cluster needs dask.distributed ({error}); install probqual[cluster]") from None
    try:
        client = Client(address, timeout=f"{ANSWER}s", set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ValueError(f"no dask scheduler answers at {address}: {reason}") from None
    with client:
        yield client


__all__ = ["ANSWER", "PATIENCE", "WorkersLost", "connected"]
