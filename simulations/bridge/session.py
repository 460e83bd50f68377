"""A run from its file to its store: what the command line calls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from simulations.bridge.analyse import analyse
from simulations.bridge.pairs import load_models
from simulations.bridge.rewards import Scorer, scorer
from simulations.bridge.runs import read_run
from simulations.bridge.sample import Made, Plan, work
from simulations.bridge.store import Store
from theory.report.records import GibbsAnalysis, PairAnalysis


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """A run that is ready to go on: its plan, its store, and what gives rewards."""

    plan: Plan
    store: Store
    reward: Scorer | None

    @staticmethod
    def open(path: Path, output: Path | None) -> Session:
        """Read the run file, load the models, and open the store.

        Raises:
            ValueError: one of them cannot be used, in a line that says why.
            OSError: the store cannot be written.
        """
        run = read_run(path, output)
        reward = scorer(run.reward, run.source, run.label)
        plan = Plan.of(run, load_models(run))
        return Session(plan, Store.open(run.folder, plan.configuration(), len(plan.shards)), reward)

    def work(self) -> Iterator[Made]:
        """Make what is missing, shard by shard."""
        return work(self.plan, self.store, self.reward)


def analysed(folder: Path) -> PairAnalysis | GibbsAnalysis:
    """Everything that is said of the run in a folder.

    Raises:
        ValueError: there is no finished run, or a shard is damaged.
    """
    return analyse(Store.existing(folder))


__all__ = ["Session", "analysed"]
