"""How far a corpus mean strays from its expectation: bounds as functions of moments.

The mean is that of N independent copies of the surprisal I (nats) with mean H, variance V (nats^2). Numbers are
floats, rationals or balls; a ball in gives a ball out.
"""

from __future__ import annotations

import math
from typing import Any

from flint import arb, fmpq

BERRY_ESSEEN = fmpq(4748, 10000)
"""Shevtsova (2011), arXiv:1111.6554: the constant of the Berry-Esseen theorem for equal laws is <= 0.4748."""


def chebyshev(variance: Any, size: int, epsilon: Any) -> Any:
    """P(|Ibar - H| >= eps) <= V / (N eps^2); not capped at 1. Needs V < inf."""
    return variance / (size * epsilon * epsilon)


def one_sided_above(variance: Any, spread: Any, size: int, epsilon: Any) -> Any:
    """P(Lbar + Rbar - (log Z - H) >= eps) <= exp(-N eps^2 / (2 [V + s^2])), with s = H - min I.

    X = H - I has mean 0, variance V and X <= s; nothing bounds it below. Among such laws the one on {s, -V/s} has
    the largest E e^{tX}, t >= 0 (Bennett 1962). For V <= 3 s^2 Hoeffding's lemma bounds its logarithm by
    t^2 (s + V/s)^2 / 8 <= t^2 (V + s^2) / 2; for V >= s^2 it is at most t^2 V / 2.
    """
    return _exp(-(size * epsilon * epsilon) / (2 * (variance + spread * spread)))


def chernoff(log_moment: Any, order: Any, size: int, threshold: Any) -> Any:
    """P(sign(s) (Ibar - x) >= 0) <= exp(N (log E e^{sI} - s x)) for the order s.

    ``log_moment`` is log E e^{sI} = s H_{1-s}(p+), the Renyi entropy of order 1 - s.
    """
    return _exp(size * (log_moment - order * threshold))


def berry_esseen(third_absolute_moment: Any, variance: Any, size: int) -> Any:
    """sup_x |P(standardised mean <= x) - Phi(x)| <= 0.4748 E|I - H|^3 / (V^{3/2} sqrt N). Needs V > 0."""
    third, variance, exact = _together(third_absolute_moment, variance)
    if exact:
        return third * BERRY_ESSEEN / (variance * variance.sqrt() * arb(size).sqrt())
    return float(BERRY_ESSEEN.p) / float(BERRY_ESSEEN.q) * third / (variance**1.5 * math.sqrt(size))


def normal_cdf(x: Any) -> Any:
    """Phi(x), the standard normal distribution function."""
    x, _, exact = _together(x, x)
    return (1 + (x / arb(2).sqrt()).erf()) / 2 if exact else 0.5 * math.erfc(-x / math.sqrt(2))


_NARROW = 0.03


def truncated_normal_variance(variance: Any, half_width: Any) -> Any:
    """Variance of a centred normal given |x| < c: V (1 - 2 a phi(a) / (2 Phi(a) - 1)) with a = c / sqrt V.

    In float64 a narrow window takes the series (c^2 / 3)(1 - 2 a^2 / 15 + 2 a^4 / 315), where the formula cancels.
    """
    variance, half_width, exact = _together(variance, half_width)
    if exact:
        a = half_width / variance.sqrt()
        density = (-(a * a) / 2).exp() / (2 * arb.pi()).sqrt()
    else:
        a = half_width / math.sqrt(variance)
        if a < _NARROW:
            return half_width**2 / 3 * (1 - 2 * a**2 / 15 + 2 * a**4 / 315)
        density = math.exp(-a * a / 2) / math.sqrt(2 * math.pi)
    return variance * (1 - 2 * a * density / (2 * normal_cdf(a) - 1))


def _together(first: Any, second: Any) -> tuple[Any, Any, bool]:
    """Both numbers as balls if either is a rational or a ball, else as they are; and whether they are balls."""
    exact = isinstance(first, arb | fmpq) or isinstance(second, arb | fmpq)
    return (arb(first), arb(second), True) if exact else (first, second, False)


def _exp(x: Any) -> Any:
    return arb(x).exp() if isinstance(x, arb | fmpq) else math.exp(x)
