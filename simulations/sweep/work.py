"""The shards of a sweep, in this process, in local ones, or on a dask cluster; the same rows whoever makes them.

A shard's rows depend on the store's key and the shard's number alone. Workers compute and hand the rows back; this
process commits them to the store, so that a cluster needs no common disk, and a killed worker costs its shard at most.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import joblib
import numpy as np
import pyarrow as pa

from simulations.bridge.store import Store
from simulations.cluster import PATIENCE, WorkersLost, connected
from simulations.sweep.measure import ModelRow, columns, measure
from simulations.sweep.models import draw
from simulations.sweep.plan import Sweep
from theory.arithmetic.exact import precision

_KINDS = {"int": pa.int64(), "float": pa.float64(), "text": pa.string(), "sign": pa.int8()}


def rows_of(sweep: Sweep, shard: int, rng: np.random.Generator) -> list[ModelRow]:
    """The rows of a shard."""
    with precision():
        return [measure(number, draw(sweep, rng=rng), sweep) for number in sweep.of_shard(shard)]


def table_of(sweep: Sweep, rows: list[ModelRow]) -> pa.Table:
    """Rows as the store keeps them."""
    return pa.table(
        {name: pa.array([row[name] for row in rows], _KINDS[kind]) for name, kind in columns(sweep).items()}
    )


ShardRows = tuple[int, list[ModelRow]]
"""A shard's number, and its rows."""

Call = tuple[Callable[..., ShardRows], tuple[object, ...], dict[str, object]]
"""One that is to be made, as joblib.delayed has it."""


def _made(sweep: Sweep, shard: int, rng: np.random.Generator) -> ShardRows:
    return shard, rows_of(sweep, shard, rng)


@dataclass(frozen=True, slots=True)
class Backend:
    """Where shards are made.

    Args:
        jobs: processes, or tasks on a cluster at a time.
        address: of the scheduler of a dask cluster, "tcp://..."; None for processes of this machine.
    """

    jobs: int
    address: str | None = None

    @contextlib.contextmanager
    def opened(self) -> Iterator[Callable[[Iterable[Call]], Iterable[ShardRows]]]:
        """What takes joblib's delayed calls and gives their results in the order in which they end.

        Raises:
            ValueError: dask is not installed, or the scheduler does not answer.
        """
        if self.address is None:
            yield joblib.Parallel(n_jobs=self.jobs, return_as="generator_unordered", batch_size=1)
            return
        with (
            connected(self.address) as client,
            joblib.parallel_config(backend="dask", client=client, wait_for_workers_timeout=PATIENCE),
        ):
            yield joblib.Parallel(return_as="generator_unordered", batch_size=1)


def work(sweep: Sweep, store: Store, backend: Backend) -> Iterator[tuple[int, int]]:
    """Make what is missing; (shard, models in it) as each is committed.

    Raises:
        WorkersLost: the backend's processes were killed.
        StoreError, OSError: the store cannot be written.
    """
    missing = store.missing()
    if not missing:
        return
    with backend.opened() as run:
        calls = (joblib.delayed(_made)(sweep, shard, store.rng(shard)) for shard in missing)
        try:
            for shard, rows in run(calls):
                if commit(sweep, store, shard, rows):
                    yield shard, len(rows)
        except _lost() as error:
            raise WorkersLost.by(error) from None


def commit(sweep: Sweep, store: Store, shard: int, rows: list[ModelRow]) -> bool:
    """Write a shard, unless another process has it; whether it was written."""
    with store.claim(shard) as mine:
        if not mine:
            return False
        store.tidy(shard)
        if store.committed(shard):
            return False
        store.write(shard, table_of(sweep, rows), mine)
    return True


def _lost() -> tuple[type[BaseException], ...]:
    """What the backends raise when their processes die."""
    found: list[type[BaseException]] = [joblib.externals.loky.process_executor.TerminatedWorkerError]
    if "distributed" in sys.modules:
        scheduler = sys.modules["distributed"]
        found += [scheduler.scheduler.KilledWorker, scheduler.comm.CommClosedError]
    return tuple(found)


__all__ = ["Backend", "WorkersLost", "commit", "rows_of", "table_of", "work"]
