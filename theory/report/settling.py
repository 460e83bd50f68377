"""What would settle an open question: how many prompts an interval needs to leave a border behind.

The width of an interval over prompts falls like one over the square root of their number. So an estimate whose
interval holds a border is clear of it with (half width / distance to the border)^2 times as many prompts, if it does
not move. It is a plan and no promise: more prompts move the estimate, too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from theory.report.records import Estimate, GibbsAnalysis, PairAnalysis

_MOST = 1000
"""Times as many prompts as there are; beyond it the number says nothing but that it is large."""

EXCHANGE = (-1.0, 0.0)
"""The borders of b, between which a small cooling raises both means."""


def times_as_many(estimate: Estimate, borders: Sequence[float]) -> float | None:
    """How many times as many prompts would have an interval of this centre that holds no border; None if it holds none.

    >>> times_as_many(Estimate(1.0, 0.0, 2.0), (0.5,))
    4.0
    >>> times_as_many(Estimate(1.0, 0.75, 1.25), (0.5,)) is None
    True
    """
    value, low, high = estimate.value, estimate.low, estimate.high
    if value is None or low is None or high is None or not any(low <= border <= high for border in borders):
        return None
    distance = min(abs(value - border) for border in borders)
    return math.inf if distance == 0 else ((high - low) / 2 / distance) ** 2


def settled_by(found: PairAnalysis | GibbsAnalysis, *estimates: Estimate, borders: Sequence[float] = (0.0,)) -> str:
    """How many prompts and strings would settle a question that rests on these estimates; "" where that is not known.

    Args:
        found: the run; its prompts are those that have all their strings.
        estimates: every one of which must be clear of the borders.
        borders: of the question: a sign turns at 0.

    >>> from theory.report.records import pair_record
    >>> run = pair_record("default")
    >>> settled_by(run, Estimate(1.0, -1.0, 3.0))
    'about 70 prompts, 1,120 strings of a setting, would settle it if the estimate stays'
    >>> settled_by(run, Estimate(1.0, None, None, "too few prompts: 8 needed"))
    'too few prompts: 8 needed'
    """
    for estimate in estimates:
        if estimate.value is not None and estimate.low is None:
            return estimate.note or ""
    factors = [factor for one in estimates if (factor := times_as_many(one, borders)) is not None]
    if not factors:
        return ""
    prompts, factor = prompts_of(found), max(factors)
    if factor > _MOST:
        return f"more than {_MOST * prompts:,} prompts would be needed"
    # one more than the border's own number, in tens
    needed = (math.floor(factor * prompts / 10) + 1) * 10
    strings = round(needed * found.strings / (prompts * len(found.run.chains)))
    return f"about {needed:,} prompts, {strings:,} strings of a setting, would settle it if the estimate stays"


def apart(one: Estimate, two: Estimate) -> bool:
    """Whether both have intervals that do not meet: a careful way to say that two numbers differ."""
    if one.low is None or one.high is None or two.low is None or two.high is None:
        return False
    return one.high < two.low or two.high < one.low


def prompts_of(found: PairAnalysis | GibbsAnalysis) -> int:
    """The prompts that an analysis rests on: of a run that was stopped, those that have all their strings."""
    run = found.run
    if any(note.startswith("unfinished") for note in found.notes):
        return found.strings // (run.strings * len(run.chains))
    return len(run.prompts)


__all__ = ["EXCHANGE", "apart", "prompts_of", "settled_by", "times_as_many"]
