"""key.json of a sweep: what its store's key is the hash of."""

from __future__ import annotations

from typing import ClassVar

import flint
import numpy as np
from pydantic.dataclasses import dataclass

from simulations.bridge.store import Store, StoreError
from simulations.sweep.plan import Sweep
from theory.files import JsonObject
from theory.report.records import RecordError, SweepFileRecord, as_json, record_of
from theory.report.records.format import STRICT


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class SweepKey:
    """The sweep file, and what the numbers depend on besides it; the format is that of the columns and the draws."""

    FORMAT: ClassVar[int] = 1
    MADE_BY: ClassVar[str] = "probqual sweep"

    sweep: SweepFileRecord
    versions: dict[str, str]
    shards: int


def configuration(sweep: Sweep) -> JsonObject:
    """key.json of a sweep."""
    versions = {"numpy": np.__version__, "python-flint": flint.__version__}
    return as_json(SweepKey(sweep=sweep.record(), versions=versions, shards=sweep.shards))


def sweep_key(store: Store) -> SweepKey:
    """What a store says of its sweep.

    Raises:
        StoreError: key.json is damaged, of another format, or of something else than a sweep.
    """
    try:
        return record_of(SweepKey, store.configuration, str(store.folder / "key.json"))
    except RecordError as error:
        raise StoreError(str(error)) from None


__all__ = ["SweepKey", "configuration", "sweep_key"]
