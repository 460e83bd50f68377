"""The record of a sweep over random models: ``probqual sweep``."""

from __future__ import annotations

from typing import ClassVar

from pydantic import model_validator
from pydantic.dataclasses import dataclass

from theory.report.records.format import STRICT


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class SweepFileRecord:
    """The fields of a sweep file that decide what comes out.

    Args:
        step: between levels of the reward; None where each model draws one of ``steps``.
        families: (kind, sizes, largest weight) of each.
        adaptors: (name or names, value or values, normalise) of each, as written.
    """

    models: int
    chunk: int
    seed: int
    claims: tuple[str, ...]
    betas: tuple[str, ...]
    levels: int
    step: str | None = None
    steps: tuple[str, ...] = ()
    corpus: int
    band: str
    families: tuple[tuple[str, tuple[tuple[int, ...], ...], int], ...]
    adaptors: tuple[tuple[str | tuple[str, ...], str | int | float | tuple[str | int | float, ...], str], ...]

    @model_validator(mode="after")
    def _one_step_or_several(self) -> SweepFileRecord:
        if (self.step is None) != (len(self.steps) > 1):
            raise ValueError("it has either a step or several steps")
        return self


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class Share:
    """How often something happened, with the Clopper-Pearson interval of its probability; None of nothing."""

    count: int
    of: int
    value: float | None
    low: float | None
    high: float | None

    @property
    def bounds(self) -> tuple[float, float, float]:
        """(value, low, high) of a share of something.

        Raises:
            ValueError: it is of nothing.
        """
        if self.value is None or self.low is None or self.high is None:
            raise ValueError(f"a share of something is needed, got {self}")
        return self.value, self.low, self.high


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class LabelledShare(Share):
    """The share among the models of one label: a number of strings, a beta, a correlation."""

    label: str


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class SignTurn:
    """How often the sign of corpora is not that of strings where one hypothesis is dropped, and the claim that says so.

    Args:
        turns: among all models.
        from_positive, from_negative: among those whose strings have that sign.
    """

    name: str
    dropped: str
    claim: str
    turns: Share
    from_positive: Share
    from_negative: Share


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class AdaptorDirections:
    """Which way an adaptor moves, counted in words; of those that move, the shares that trade and that lower both."""

    adaptor: str
    normalise: str
    counts: dict[str, int]
    trades: Share
    lowers_both: Share


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class ClaimOutcomes:
    """The worst outcome of a claim on each model, counted."""

    id: str
    holds: int
    silent: int
    undecided: int
    fails: int


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class SweepRecord:
    """What a finished sweep says.

    Args:
        key: of the store.
        models, strings: how many.
        level: of the intervals.
        undecided, still: models on which it is not decided whether temperature trades, or on which nothing moves.
        trades: of the others, those on which it does; the ``by_`` ones by label, those by step only where models
            draw theirs.
        negative_covariance: those that trade among models whose strings have a negative covariance under p+.
        witnesses: specifications of models on which a claim fails, three at most.
    """

    FORMAT: ClassVar[int] = 1
    MADE_BY: ClassVar[str] = "probqual sweep --record"

    key: str
    sweep: SweepFileRecord
    models: int
    strings: int
    level: float
    undecided: int
    still: int
    trades: Share
    by_strings: tuple[LabelledShare, ...]
    by_beta: tuple[LabelledShare, ...]
    by_correlation: tuple[LabelledShare, ...]
    by_beta_and_correlation: tuple[LabelledShare, ...]
    by_step: tuple[LabelledShare, ...] = ()
    by_step_and_strings: tuple[LabelledShare, ...] = ()
    negative_covariance: Share
    turns: tuple[SignTurn, ...]
    adaptors: tuple[AdaptorDirections, ...]
    claims: tuple[ClaimOutcomes, ...]
    witnesses: tuple[str, ...]


__all__ = [
    "AdaptorDirections",
    "ClaimOutcomes",
    "LabelledShare",
    "Share",
    "SignTurn",
    "SweepFileRecord",
    "SweepRecord",
]
