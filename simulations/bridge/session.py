"""A run from its file to its store: what the command line calls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from simulations.bridge.adapters import Loader
from simulations.bridge.analyse import analyse
from simulations.bridge.cost import check_size
from simulations.bridge.pairs import check_models, load_models, loader
from simulations.bridge.prompts import tokenisation_warnings
from simulations.bridge.rewards import Scorer, scorer
from simulations.bridge.runs import Run, read_run, read_runs
from simulations.bridge.sample import Made, Plan, work
from simulations.bridge.store import Store
from theory.report.records import GibbsAnalysis, PairAnalysis


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """A run that is ready to go on.

    Args:
        plan: what is made.
        store: where.
        reward: what gives rewards; None for the secret reward.
        notes: lines to print before.
        name: of the adapter, where the run file names several.
    """

    plan: Plan
    store: Store
    reward: Scorer | None
    notes: tuple[str, ...] = ()
    name: str | None = None

    @staticmethod
    def open(path: Path, output: Path | None) -> Session:
        """Read the run file, load the models, check them against themselves, and open the store.

        Raises:
            ValueError: one of them cannot be used, in a line that says why; or the file names several adapters.
            OSError: the store cannot be written.
        """
        run = read_run(path, output)
        return Session._of(run, loader(run))

    @staticmethod
    def each(path: Path, output: Path | None) -> Iterator[Session]:
        """One session for each adapter that the run file names, one after another on a base that is loaded once.

        Raises:
            ValueError, OSError: as ``open``.
        """
        runs = read_runs(path, output)
        models = loader(runs[0])
        for run in runs:
            yield replace(Session._of(run, models), name=run.aligned if len(runs) > 1 else None)

    @staticmethod
    def _of(run: Run, models: Loader) -> Session:
        check_size(len(run.prompts), len(run.chains), run.strings, run.length)
        reward = scorer(run.reward, run.source, run.label, reads=run.reads, base=run.base)
        plan, check = check_models(Plan.of(run, load_models(run, models)))
        store = Store.open(run.folder, plan.configuration(), len(plan.shards))
        notes = list(plan.models.notes)
        if check is not None:
            store.keep_check(check)
            kinds = [prompt.kind for prompt in run.given]
            texts = {
                text: ids for text, ids, kind in zip(plan.run.prompts, plan.ids, kinds, strict=True) if kind == "prompt"
            }
            notes += tokenisation_warnings(texts, plan.models.encode)
        return Session(plan, store, reward, tuple(notes))

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
