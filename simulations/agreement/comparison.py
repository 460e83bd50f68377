"""What it means for a sample to agree with an exact value: comparisons, their intervals, and their verdicts.

A comparison is made of draws and an exact value, without an error probability; a run collects all of them first and
then gives each an equal share of its budget, so that the whole run has one bound on false alarms. A comparison that
involves no chance (two ways to score the same strings, say) spends nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from simulations.agreement.statistics import (
    Interval,
    Ledger,
    clopper_pearson,
    correlation_interval,
    empirical_bernstein,
    g_critical,
    half_g,
)
from theory.report.records import SampledRow

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

Agreement = Literal["SAMPLED", "DIFFERS"]
SAMPLED: Agreement = "SAMPLED"
DIFFERS: Agreement = "DIFFERS"


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """An exact value beside what draws say of it.

    Args:
        claim: the id of the claim it belongs to.
        what: the number, in words: "C5, T = 1/2: E L".
        exact: its exact value.
        estimate: what the draws give.
        interval: [low, high] at an error probability; alpha 0 for a comparison without chance.
        draws: how many independent draws went into it.
        by_chance: whether it needs a share of the budget.
    """

    claim: str
    what: str
    exact: float
    estimate: float
    interval: Callable[[float], Interval]
    draws: int
    by_chance: bool = True


@dataclass(frozen=True, slots=True)
class SettledComparison:
    """A settled comparison: SAMPLED where the interval holds the exact value, else DIFFERS."""

    claim: str
    what: str
    exact: float
    estimate: float
    low: float
    high: float
    alpha: float
    draws: int
    verdict: Agreement

    def record(self) -> SampledRow:
        """The row as JSON has it: what is infinite or does not exist is None."""
        exact, estimate, low, high = (
            value if math.isfinite(value) else None for value in (self.exact, self.estimate, self.low, self.high)
        )
        return SampledRow(self.claim, self.what, exact, estimate, low, high, self.alpha, self.draws, self.verdict)


def settle(comparisons: Sequence[Comparison], ledger: Ledger) -> list[SettledComparison]:
    """The verdicts, each comparison that involves chance at an equal share of the ledger's budget."""
    parts = sum(c.by_chance for c in comparisons)
    rows = []
    for c in comparisons:
        alpha = ledger.share(f"{c.claim}: {c.what}", parts) if c.by_chance else 0.0
        found = c.interval(alpha)
        verdict = SAMPLED if c.exact in found else DIFFERS
        rows.append(
            SettledComparison(c.claim, c.what, c.exact, c.estimate, found.low, found.high, alpha, c.draws, verdict)
        )
    return rows


def mean(
    claim: str, what: str, exact: float, values: Floats, bounds: tuple[float, float], accuracy: float = 0.0
) -> Comparison:
    """E[X] of bounded X, against independent draws of it; the interval is the empirical Bernstein one.

    Fewer than two draws say no more than the bounds do.

    Args:
        claim: its id.
        what: is compared, in words.
        exact: the value.
        values: shape (n,).
        bounds: values that X never leaves, known beforehand.
        accuracy: how far each value may be from the one meant, because float32 rounds: it widens the interval.
    """
    few = len(values) < 2

    def interval(alpha: float) -> Interval:
        if few:
            return Interval(*bounds, alpha)
        found = empirical_bernstein(values, *bounds, alpha)
        slack = accuracy + 1e-12 * (1 + abs(bounds[0]) + abs(bounds[1]))
        return Interval(found.low - slack, found.high + slack, alpha)

    return Comparison(claim, what, exact, math.nan if few else float(values.mean()), interval, len(values))


def event(claim: str, what: str, exact: float, happened: NDArray[np.bool_]) -> Comparison:
    """The probability of an event, by the exact binomial law.

    Raises:
        ValueError: no draws.
    """
    if not len(happened):
        raise ValueError(f"{claim}, {what}: no draws say nothing of a probability")
    hits, trials = int(happened.sum()), len(happened)
    return Comparison(claim, what, exact, hits / trials, lambda alpha: clopper_pearson(hits, trials, alpha), trials)


def law(claim: str, what: str, prob: Floats, counts: Counts) -> Comparison:
    """A whole law: KL of the observed frequencies from it, 0 for the right one, within the G test's critical value.

    Args:
        claim: its id.
        what: is compared, in words.
        prob: shape (K,), summing to 1.
        counts: shape (K,).

    Raises:
        ValueError: no draws.
    """
    total = int(counts.sum())
    if not total:
        raise ValueError(f"{claim}, {what}: no draws say nothing of a law")
    found = half_g(counts, prob) / total
    outcomes = int((prob > 0).sum())

    def interval(alpha: float) -> Interval:
        return Interval(found - g_critical(outcomes, alpha) / total, found, alpha)

    return Comparison(claim, f"{what} ({outcomes} outcomes): KL of the frequencies", 0.0, found, interval, total)


def correlation(
    claim: str, what: str, exact: float, first: Floats, second: Floats, bounds: Sequence[tuple[float, float]]
) -> Comparison:
    """Corr(X, Y) of bounded variables, given less their exact means.

    Args:
        claim: its id.
        what: is compared, in words.
        exact: the value.
        first: one variable, shape (n,).
        second: the other, shape (n,).
        bounds: of each variable less its mean.
    """
    few = len(first) < 2
    scale = 0.0 if few else math.sqrt((first**2).mean() * (second**2).mean())
    estimate = float((first * second).mean() / scale) if scale > 0 else math.nan

    def interval(alpha: float) -> Interval:
        return Interval(-1.0, 1.0, alpha) if few else correlation_interval(first, second, bounds, alpha)

    return Comparison(claim, what, exact, estimate, interval, len(first))


def same(claim: str, what: str, exact: Iterable[float], found: Iterable[float], within: float) -> Comparison:
    """Two routes to the same numbers: the largest difference must not exceed ``within``; no chance is involved.

    A number that is not finite, or a number too many, differs.
    """
    one, two = np.asarray(list(exact), dtype=np.float64), np.asarray(list(found), dtype=np.float64)
    with np.errstate(invalid="ignore"):
        gap = float(np.abs(one - two).max()) if one.shape == two.shape and len(one) else float("inf")
    gap = float("inf") if np.isnan(gap) else gap
    return Comparison(
        claim,
        f"{what}: largest difference",
        0.0,
        gap,
        lambda _: Interval(gap - within, gap, 0.0),
        len(one),
        by_chance=False,
    )


__all__ = [
    "DIFFERS",
    "SAMPLED",
    "Comparison",
    "SettledComparison",
    "correlation",
    "event",
    "law",
    "mean",
    "same",
    "settle",
]
