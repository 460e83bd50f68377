"""A sweep from its file to its store and its summary: what the command line calls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from simulations.bridge.store import Store
from simulations.sweep.key import configuration
from simulations.sweep.plan import Sweep, read_sweep
from simulations.sweep.summary import summarise
from simulations.sweep.work import Backend, work
from theory.report.records import SweepRecord


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """A sweep that is ready to go on."""

    sweep: Sweep
    store: Store
    backend: Backend

    @staticmethod
    def open(path: Path, output: Path | None, jobs: int, address: str | None) -> Session:
        """Read the sweep file and open its store.

        Raises:
            ValueError: one of them cannot be used, in a line that says why.
            OSError: the store cannot be written.
        """
        sweep = read_sweep(path, output)
        return Session(sweep, Store.open(sweep.folder, configuration(sweep), sweep.shards), Backend(jobs, address))

    def work(self) -> Iterator[tuple[int, int]]:
        """Make what is missing; (shard, models) as each is committed."""
        return work(self.sweep, self.store, self.backend)

    def summary(self) -> SweepRecord:
        """The numbers of the finished sweep."""
        return summarise(self.store)


__all__ = ["Session"]
