"""The exponential family of a law along one function, and roots of its increasing functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from flint import arb, arb_series, ctx

from theory.arithmetic.exact import Array, Undecided

_STEPS = 400


LARGEST = 1 << 62


def increasing_root(function: Callable[[arb], arb], slope: Callable[[arb], arb], low: arb, high: arb) -> arb:
    """A ball around the root in (low, high) of an increasing function: certainly < 0 at its left end, > 0 at its right.

    Newton's method on midpoints, held inside the bracket by bisection; only the last two signs matter.

    Args:
        function: increasing.
        slope: its derivative.
        low: exact, with certainly f(low) < 0.
        high: exact, with certainly f(high) > 0.

    Raises:
        ValueError: the signs at ``low`` and ``high`` are not those.
        Undecided: the signs around the point that was found are not certain.
    """
    if not (function(low) < 0 and function(high) > 0):
        raise ValueError(f"the function must be < 0 at {low.str(5)} and > 0 at {high.str(5)}")
    resolution = arb(2) ** (-3 * ctx.prec // 4)
    point = ((low + high) / 2).mid()
    for _ in range(_STEPS):
        value = function(point)
        if value < 0:
            low = point
        elif value > 0:
            high = point
        else:
            break
        gradient = slope(point)
        step = (point - value / gradient).mid() if gradient > 0 else point
        if not (step > low and step < high):
            step = ((low + high) / 2).mid()
        moved = abs(step - point)
        point = step
        if moved <= resolution * (1 + abs(point)):
            break
    margin = (resolution * (1 + abs(point))).upper()
    if not (function((point - margin).lower()) < 0 and function((point + margin).upper()) > 0):
        raise Undecided(f"no certain signs around the root near {point.str(10)}")
    return point + arb(0, margin)


@dataclass(frozen=True, slots=True, eq=False)
class ExponentialFamily:
    """The laws q_s proportional to p e^{sX}, s real.

    Args:
        prob: p, balls, shape (n,).
        statistic: X, balls, shape (n,); at least two values that differ with certainty.
    """

    prob: Array
    statistic: Array

    def log_moment(self, s: arb) -> arb:
        """Lambda(s) = log E_p e^{sX}."""
        total: arb = (self.prob * np.exp(self.statistic * s)).sum()
        return total.log()

    def law(self, s: arb) -> Array:
        """q_s, shape (n,)."""
        weight = self.prob * np.exp(self.statistic * s)
        law: Array = weight / weight.sum()
        return law

    def mean(self, s: arb) -> arb:
        """E_{q_s} X = Lambda'(s): increasing in s."""
        value: arb = (self.law(s) * self.statistic).sum()
        return value

    def variance(self, s: arb) -> arb:
        """Var_{q_s} X = Lambda''(s) > 0."""
        law = self.law(s)
        deviation = self.statistic - (law * self.statistic).sum()
        value: arb = (law * deviation * deviation).sum()
        return value

    def divergence(self, s: arb) -> arb:
        """KL(q_s || p) = s E_{q_s} X - Lambda(s): increasing in |s|."""
        return self.mean(s) * s - self.log_moment(s)

    def expansion(self, s: arb, terms: int) -> arb_series:
        """Lambda(s + t) as a power series in t to the given number of terms: derivatives without their formulas."""
        total = arb_series([0], terms)
        for p, x in zip(self.prob, self.statistic, strict=True):
            total += arb_series([x * s, x], terms).exp() * p
        return total.log()

    def order_of_mean(self, mean: arb) -> arb:
        """The s with E_{q_s} X = mean.

        Raises:
            ValueError: the mean is not certainly between the least and the largest value of X.
        """
        if not (any(x < mean for x in self.statistic) and any(x > mean for x in self.statistic)):
            raise ValueError(f"no tilt has mean {mean.str(8)}: it is not between the least and the largest value")

        def gap(s: arb) -> arb:
            return self.mean(s) - mean

        return increasing_root(gap, self.variance, _reach(lambda s: -gap(-s), -1), _reach(gap, 1))

    def order_of_divergence(self, divergence: arb) -> arb:
        """The s > 0 with KL(q_s || p) = divergence.

        Raises:
            ValueError: the divergence is not certainly > 0, or none is as large (its limit is -log p(argmax X)).
        """
        if not divergence > 0:
            raise ValueError(f"the divergence must be > 0, got {divergence.str(8)}")

        def gap(s: arb) -> arb:
            return self.divergence(s) - divergence

        return increasing_root(gap, lambda s: s * self.variance(s), arb(0), _reach(gap, 1))


def _reach(function: Callable[[arb], arb], direction: int) -> arb:
    """direction * 2^k with certainly function(2^k) > 0, for the least such k >= 0."""
    point = arb(1)
    for _ in range(40):
        if function(point) > 0:
            return point * direction
        point = point * 2
    raise ValueError("out of reach: no tilt up to 2^40 goes as far")
