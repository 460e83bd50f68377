"""One run of all comparisons: exact values beside samples, with one budget for false alarms."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from simulations.agreement import corpora, decoding, estimates, infinite, markov, strings
from simulations.agreement.comparison import DIFFERS, Comparison, SettledComparison, settle
from simulations.agreement.faults import FAULTS, Fault
from simulations.agreement.procedures import Parts
from simulations.agreement.setting import Experiment, Setting
from simulations.agreement.statistics import BUDGET, Ledger
from theory.claims.registry import claims
from theory.report.records import ComparisonRecord, Training
from theory.seed import SEED

DRAWS = {"quick": (20_000, 5_000), "full": (200_000, 50_000)}
"""Strings and corpora per comparison."""

EXPERIMENTS: tuple[Experiment, ...] = (
    *strings.EXPERIMENTS,
    *corpora.EXPERIMENTS,
    *markov.EXPERIMENTS,
    *infinite.EXPERIMENTS,
    *decoding.EXPERIMENTS,
    *estimates.EXPERIMENTS,
)
"""Those that need no torch."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run found.

    Args:
        setting: how it was made.
        rows: one per comparison, in the order of the claims.
        spent: the sum of all alphas.
    """

    setting: Setting
    rows: tuple[SettledComparison, ...]
    spent: float

    @property
    def differing(self) -> tuple[SettledComparison, ...]:
        """The rows that do not agree."""
        return tuple(row for row in self.rows if row.verdict == DIFFERS)

    def record(self, device: str | None, plant: str | None, trained: Training | None) -> ComparisonRecord:
        """The run with its settings, ledger and rows.

        Args:
            device: that torch was to run on; None for the one by default.
            plant: the fault that was planted; None for none.
            trained: the trained policy; None where there was none.
        """
        return ComparisonRecord(
            seed=self.setting.seed,
            draws=self.setting.draws,
            corpora=self.setting.corpora,
            budget=BUDGET,
            spent=self.spent,
            differing=len(self.differing),
            rows=tuple(row.record() for row in self.rows),
            device=device,
            plant=plant,
            dpo=trained,
        )


def setting(profile: str, seed: int = SEED, draws: int | None = None, parts: Parts | None = None) -> Setting:
    """The setting of a profile; ``draws`` scales corpora with it.

    Raises:
        ValueError: fewer than 1,000 draws, which would say next to nothing.
    """
    count, many = DRAWS[profile]
    if draws is not None:
        if draws < 1000:
            raise ValueError(f"at least 1,000 draws are needed to say anything, got {draws}")
        count, many = draws, max(100, many * draws // count)
    return Setting(seed, count, many, parts or Parts())


def run(
    chosen: Setting, experiments: Sequence[Experiment] = EXPERIMENTS, progress: Callable[[str], None] | None = None
) -> Outcome:
    """All experiments, then all verdicts, each at its share of the budget.

    Args:
        chosen: how many draws, from which seed, by which procedures.
        experiments: in the order of the claims.
        progress: called with the name of each experiment that has ended.
    """
    found: list[Comparison] = []
    for experiment in experiments:
        found += experiment(chosen)
        if progress is not None:
            progress(experiment.__name__)
    place = {claim.id: number for number, claim in enumerate(claims())}
    found.sort(key=lambda one: place.get(one.claim, len(place)))
    ledger = Ledger()
    rows = settle(found, ledger)
    return Outcome(chosen, tuple(rows), ledger.spent)


class _Watched:
    """Procedures that note which of them are asked for."""

    def __init__(self, parts: Parts, asked: set[str]) -> None:
        self._parts, self._asked = parts, asked

    def __getattr__(self, name: str) -> object:
        self._asked.add(name)
        return getattr(self._parts, name)


@dataclass(slots=True, eq=False)
class _Once:
    """An experiment whose comparisons are kept, with the procedures that it asked for."""

    experiment: Experiment
    found: tuple[Comparison, ...] = ()
    asked: set[str] = field(default_factory=set)

    def __call__(self, chosen: Setting) -> tuple[Comparison, ...]:
        watched = cast("Parts", _Watched(chosen.parts, self.asked))
        self.found = tuple(self.experiment(replace(chosen, parts=watched)))
        return self.found

    def under(self, fault: Fault) -> Experiment:
        """What it finds under a fault: what it found, unless it asked for the procedure that is done wrong."""
        return self.experiment if self.asked & fault.replaced else lambda _: self.found


def caught(
    seed: int, experiments: Sequence[Experiment] = EXPERIMENTS, faults: Sequence[Fault] = FAULTS
) -> Iterator[tuple[Fault, Outcome]]:
    """Every planted fault with what the quick profile makes of it.

    An experiment has a stream of randomness of its own. So one that never asks for the procedure that is done wrong
    finds what it finds without the fault, and is not made again.
    """
    once = [_Once(experiment) for experiment in experiments]
    run(setting("quick", seed), once)
    for fault in faults:
        yield fault, run(setting("quick", seed, parts=fault.parts), [one.under(fault) for one in once])


__all__ = ["DRAWS", "EXPERIMENTS", "SEED", "Outcome", "caught", "run", "setting"]
