"""A run from its file to its store: what the command line calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from simulations.bridge.accounting import diagnose
from simulations.bridge.adapters import Loader
from simulations.bridge.cost import check_size
from simulations.bridge.pairs import check_models, load_models, loader
from simulations.bridge.prompts import tokenisation_warnings
from simulations.bridge.reward_set import rewards_of
from simulations.bridge.rewards import Rewards
from simulations.bridge.runs import Run, read_run, read_runs
from simulations.bridge.sample import Made, Plan, drawn_shard, work
from simulations.bridge.samples import Samples, read_samples
from simulations.bridge.score import Scoring
from simulations.bridge.store import Store
from theory.files import JsonObject


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """A run that is ready to go on.

    Args:
        plan: what is made.
        store: where.
        rewards: what gives them.
        notes: lines to print before.
        name: of the adapter, where the run file names several.
        given: strings to score; None where they are to be drawn.
    """

    plan: Plan
    store: Store
    rewards: Rewards
    notes: tuple[str, ...] = ()
    name: str | None = None
    given: Scoring | None = None

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
    def each(path: Path, output: Path | None, device: str | None = None) -> Iterator[Session]:
        """One session for each adapter that the run file names, one after another on a base that is loaded once.

        Args:
            path: of the run file.
            output: where to store the run instead of what the file says.
            device: of torch, instead of what the file says.

        Raises:
            ValueError, OSError: as ``open``.
        """
        runs = read_runs(path, output, device=device)
        models = loader(runs[0])
        for run in runs:
            yield replace(Session._of(run, models), name=_name(run, runs))

    @staticmethod
    def of_samples(path: Path, samples: Path, output: Path | None) -> Iterator[Session]:
        """One session for each adapter that the run file names, or a single one, of strings that are given.

        Raises:
            ValueError: as ``open``; the file of strings cannot be used, or its log-probabilities cannot be explained.
            OSError: the store cannot be written.
        """
        found = read_samples(samples)
        runs = read_runs(path, output, samples=found.rewards)
        models = loader(runs[0])
        for run in runs:
            yield replace(Session._given(run, models, found), name=_name(run, runs))

    @staticmethod
    def numbered(path: Path, output: Path | None, number: int, samples: Path | None) -> Session:
        """One of the sessions that ``each`` gives, or ``of_samples`` where there are samples, without those before it.

        Raises:
            ValueError, OSError: as ``open`` and ``of_samples``.
        """
        found = None if samples is None else read_samples(samples)
        runs = read_runs(path, output, samples=None if found is None else found.rewards)
        run = runs[number]
        models = loader(run)
        session = Session._of(run, models) if found is None else Session._given(run, models, found)
        return replace(session, name=_name(run, runs))

    @staticmethod
    def _given(run: Run, models: Loader, found: Samples) -> Session:
        """Of strings that are given."""
        rewards = rewards_of(run, models.device)
        scoring = Scoring.of(run, load_models(run, models), found)
        plan, check = check_models(scoring.plan)
        scoring = replace(scoring, plan=plan)
        diagnosis = diagnose(scoring)
        notes = list(scoring.notes)
        if diagnosis is not None:
            plan = replace(plan, given=diagnosis.words)
            scoring = replace(scoring, plan=plan)
            notes.append(f"{'' if diagnosis.ours else 'warning: '}the log-probabilities that came: {diagnosis.words}")
        return replace(Session._stored(plan, rewards, check, notes), given=scoring)

    @staticmethod
    def _of(run: Run, models: Loader) -> Session:
        check_size(len(run.prompts), len(run.chains), run.strings, run.length)
        # a function's module is imported before the files that decide its rewards are listed
        rewards = rewards_of(run, models.device)
        plan, check = check_models(Plan.of(run, load_models(run, models)))
        notes: list[str] = []
        if check is not None:
            kinds = [prompt.kind for prompt in run.given]
            texts = {
                text: ids for text, ids, kind in zip(plan.run.prompts, plan.ids, kinds, strict=True) if kind == "prompt"
            }
            notes += tokenisation_warnings(texts, plan.models.encode)
        return Session._stored(plan, rewards, check, notes)

    @staticmethod
    def _stored(plan: Plan, rewards: Rewards, check: JsonObject | None, notes: Sequence[str]) -> Session:
        store = Store.open(plan.run.folder, plan.configuration(), len(plan.shards))
        if check is not None:
            store.keep_check(check)
        return Session(plan, store, rewards, (*plan.run.said, *plan.models.notes, *notes))

    def maker(self, number: int) -> pa.Table:
        """The shard of a number, drawn or scored."""
        if self.given is not None:
            return self.given.table(number, self.rewards)
        return drawn_shard(self.plan, self.store, number, self.rewards)

    def work(self) -> Iterator[Made]:
        """Make what is missing, shard by shard."""
        return work(self.plan, self.store, self.rewards, self.maker)


def _name(run: Run, runs: Sequence[Run]) -> str | None:
    """Of the adapter, where there are several."""
    return run.aligned if len(runs) > 1 else None


__all__ = ["Session"]
