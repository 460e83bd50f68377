"""The record of a simulation: how often the intervals of ``probqual analyse`` hold the truth."""

from __future__ import annotations

from typing import ClassVar

from pydantic.dataclasses import dataclass

from theory.report.records.format import STRICT


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class Covered:
    """One interval of one design.

    Args:
        place: in the analysis: "settings.1.exchange_coefficient"; "trades" stands for a verdict of yes or no.
        truth: the number itself; None for a verdict.
        printed: runs that gave an interval, or a verdict.
        held: those whose interval holds the truth, or whose verdict is right.
    """

    place: str
    truth: float | None
    printed: int
    held: int


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class CoveredDesign:
    """One kind of run.

    Args:
        name: of the design.
        prompts: that a run draws.
        strings: a prompt and setting.
        gibbs: whether a prior is tilted by the reward, or a pair sampled by settings.
        reward: the standard deviation of a string's reward, nats.
        settings: the chains, as text.
        intervals: every one that an analysis prints.
    """

    name: str
    prompts: int
    strings: int
    gibbs: bool
    reward: float
    settings: tuple[str, ...]
    intervals: tuple[Covered, ...]


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class CoverageRecord:
    """All designs, so many runs each, from one seed."""

    FORMAT: ClassVar[int] = 1
    MADE_BY: ClassVar[str] = "make coverage"

    runs: int
    seed: int
    date: str
    designs: tuple[CoveredDesign, ...]


__all__ = ["CoverageRecord", "Covered", "CoveredDesign"]
