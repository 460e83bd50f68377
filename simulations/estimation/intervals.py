"""Confidence sets from independent prompts: means, ratios and correlations, with the prompts too few refused.

Prompts are drawn independently, and every function here takes one number a prompt (or a few), unbiased for that prompt.
What is estimated is a mean over all prompts, a ratio of two such means, or C / sqrt(A B) of three.

- A mean: Student's t with Hall's cubic correction for skewness (P. Hall, "On the removal of skewness by
  transformation", J. R. Statist. Soc. B 54, 1992).
- A ratio: Fieller's set, which is unbounded where the denominator may be 0 (E. C. Fieller, "Some problems in interval
  estimation", J. R. Statist. Soc. B 16, 1954).
- A correlation: Fieller's set of the linearised C / sqrt(A B), cut to [-1, 1].

``make coverage`` measures how often they hold the truth: docs/results/coverage.md.
"""

from __future__ import annotations

import functools
import math
from dataclasses import replace

import numpy as np
import scipy.special

from simulations.arrays import Floats
from theory.report.records import Estimate

LEVEL = 0.95

FEWEST = 8
"""Prompts that an interval needs: with fewer, means of skewed laws are missed, and sets of ratios are far too wide."""

NOISE = 1e-12
"""Variances below this, nats^2, are rounding."""

NOTHING = Estimate(None, None, None)

ALONE = Estimate(None, None, None, "no prompt has two strings: several of each are needed")
"""What only strings of one prompt can tell: its variances, and what is made of them."""

ANY = "any number is possible: the denominator may be 0"
"""The note of a ratio whose set is the whole line."""


@functools.cache
def _quantile(freedom: int) -> float:
    return float(scipy.special.stdtrit(freedom, (1 + LEVEL) / 2))


def without_interval(value: float, needed: int, what: str = "prompts") -> Estimate:
    """A value whose interval would not cover: "too few prompts: 8 needed"."""
    return Estimate(float(value), None, None, f"too few {what}: {needed:,} needed")


def cut(found: Estimate, least: float, most: float) -> Estimate:
    """An estimate of what lies between two numbers, value and interval cut to them."""

    def between(value: float | None) -> float | None:
        return None if value is None else min(max(value, least), most)

    return replace(found, value=between(found.value), low=between(found.low), high=between(found.high))


def mean(values: Floats) -> Estimate:
    """The mean of independent values, shape (P,), with its interval.

    T = sqrt(P) (mean - mu) / s is turned into T + g T^2 / (3 sqrt P) + g^2 T^3 / (27 P) + g / (6 sqrt P), g the sample
    skewness, whose quantiles are Student's at P - 2 degrees of freedom: one is spent on s, one on g.
    """
    prompts, centre = len(values), float(np.mean(values)) if len(values) else math.nan
    if not math.isfinite(centre):
        return NOTHING
    if prompts < FEWEST:
        return without_interval(centre, FEWEST)
    gaps = values - centre
    deviation = float(np.sqrt((gaps**2).sum() / (prompts - 1)))
    if deviation == 0:
        return Estimate(centre, centre, centre)
    root, quantile = math.sqrt(prompts), _quantile(prompts - 2)
    skewness = _skewness(gaps)

    def untransformed(t: float) -> float:
        if abs(skewness) < 1e-9:
            return t
        cube = 1 + skewness * (t - skewness / (6 * root)) / root
        return 3 * root / skewness * (float(np.cbrt(cube)) - 1)

    scale = deviation / root
    return Estimate(centre, centre - scale * untransformed(quantile), centre - scale * untransformed(-quantile))


def _skewness(gaps: Floats) -> float:
    """Of deviations from their mean, by Fisher's unbiased moments; at most sqrt P, as of one value that differs."""
    prompts = len(gaps)
    second, third = float((gaps**2).mean()), float((gaps**3).mean())
    factor = math.sqrt(prompts * (prompts - 1)) / (prompts - 2)
    limit = math.sqrt(prompts)
    return float(min(max(factor * third / second**1.5, -limit), limit))


def ratio(above: Floats, below: Floats, least: float = 0.0) -> Estimate:
    """E above / E below by Fieller's set: all s with |mean(above - s below)| <= t sd(above - s below) / sqrt P.

    Args:
        above: one a prompt, shape (P,).
        below: one a prompt, shape (P,).
        least: a denominator up to here, in its absolute value, is 0.
    """
    top, bottom = (float(np.mean(v)) if len(v) else math.nan for v in (above, below))
    if not (math.isfinite(top) and math.isfinite(bottom)) or abs(bottom) <= least:
        return NOTHING
    value = top / bottom
    if len(above) < FEWEST:
        return without_interval(value, FEWEST)
    spread = np.cov(above, below) / len(above) * _quantile(len(above) - 1) ** 2
    return _roots(value, bottom**2 - spread[1, 1], top * bottom - spread[0, 1], top**2 - spread[0, 0])


def _roots(value: float, a: float, b: float, c: float) -> Estimate:
    """Where a s^2 - 2 b s + c <= 0: between two numbers, outside two numbers, or everywhere."""
    inner = b * b - a * c
    if a > 0:
        root = math.sqrt(max(inner, 0.0))
        return Estimate(value, (b - root) / a, (b + root) / a)
    if inner <= 0 or a == 0:
        return Estimate(value, None, None, ANY)
    root = math.sqrt(inner)
    low, high = sorted(((b - root) / a, (b + root) / a))
    words = f"at most {low:.3g} or at least {high:.3g}: the denominator may be 0"
    return Estimate(value, None, None, words, (low, high))


def correlation(cov: Floats, first: Floats, second: Floats) -> Estimate:
    """C / sqrt(A B) from a covariance and two variances a prompt, unbiased for it or jackknife pseudo-values.

    The set of rho with |mean(u - rho v)| <= t sd(u - rho v) / sqrt P, where u = cov / sqrt(A B) and v = (first / A +
    second / B) / 2 linearise the quotient at the means A and B.

    Args:
        cov: shape (P,).
        first: of the one variable, shape (P,).
        second: of the other, shape (P,).
    """
    if not len(cov):
        return ALONE
    means = [float(np.mean(v)) for v in (cov, first, second)]
    if not np.isfinite(means).all():
        return NOTHING
    c, a, b = means
    if min(a, b) <= NOISE:
        return Estimate(None, None, None, "a variance may be 0" if len(cov) > 1 else None)
    quotient = c / math.sqrt(a * b)
    value = min(max(quotient, -1.0), 1.0)
    if len(cov) < FEWEST:
        return without_interval(value, FEWEST)
    u, v = cov / math.sqrt(a * b), (first / a + second / b) / 2
    spread = np.cov(u, v) / len(cov) * _quantile(len(cov) - 1) ** 2
    whole = Estimate(value, -1.0, 1.0, "any correlation is possible: a variance may be 0")
    if spread[1, 1] >= 1:
        return whole
    found = _roots(value, 1 - spread[1, 1], quotient - spread[0, 1], quotient**2 - spread[0, 0])
    _, low, high = found.bounds
    return Estimate(value, max(low, -1.0), min(high, 1.0))


def verdict_of(b: Estimate) -> str:
    """yes where the interval of b lies outside [-1, 0], no where it lies inside, else undecided."""
    if b.low is None or b.high is None:
        return "undecided"
    if b.high < -1 or b.low > 0:
        return "yes"
    return "no" if b.low >= -1 and b.high <= 0 else "undecided"


__all__ = [
    "ALONE",
    "ANY",
    "FEWEST",
    "LEVEL",
    "NOISE",
    "NOTHING",
    "correlation",
    "cut",
    "mean",
    "ratio",
    "verdict_of",
    "without_interval",
]
