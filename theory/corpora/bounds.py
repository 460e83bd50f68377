"""Typicality by a bound: where a corpus off the band is so improbable that no sum over corpora is needed."""

from __future__ import annotations

import math

from flint import arb, fmpq

from theory.arithmetic.exact import Undecided, ball, exp, to_float, widen
from theory.corpora.atoms import Atoms, Window
from theory.probability.concentration import berry_esseen

_SHARP = 2.0**-100
"""A bound counts where it moves none of the six sums by more than this."""

_LEAST_EXPONENT = 60.0
"""N eps^2 / (2 V) below this promises no useful bound, and none is looked for."""


def by_range(law: Atoms, size: int, epsilon: fmpq) -> Window | None:
    """The sums over all corpora where the band is wider than every |I - H|, so that all are typical; else None."""
    limit = ball(epsilon)
    # one that is too far says so at once: mostly the first
    if not all(value.abs_upper() < limit for value in law.surprisal) or not law.reach(1)[2] < limit:
        return None
    return Window((arb(1), arb(0), arb(0), *_squares(law, size)), "whole range")


def _squares(law: Atoms, size: int) -> list[arb]:
    """E[x^2], E[xy] and E[y^2] of all corpora."""
    mass, x, y = law.prob, law.log_prior, law.surprisal
    values = (mass * (x * x + law.spread), mass * x * y, mass * y * y)
    return [value.sum() * size for value in values]


def by_bound(law: Atoms, size: int, epsilon: fmpq) -> Window | None:
    """The sums over all corpora, widened by a bound of what lies off the band; None where the bound is not sharp.

    P(|Ibar - H| >= eps) is at most the two-sided bound of Chernoff (1952), the sum over both signs of
    inf_s exp(N (log E e^{+-s (I - H)} - s eps)); any s gives a bound.
    """
    outside = _chernoff(law, size, epsilon)
    if not outside < _SHARP:
        return None
    factors = law.reach(size)
    if not all(outside * factor < _SHARP for factor in factors):
        return None
    sums = (arb(0), arb(0), *_squares(law, size))
    # P(typical) lies in [1 - outside, 1]: the middle of that, so that no float above 1 comes out
    mass = (1 - outside).lower().union(arb(1))
    return Window((mass, *(widen(s, outside * f) for s, f in zip(sums, factors[1:], strict=True))), "Chernoff bound")


def _chernoff(law: Atoms, size: int, epsilon: fmpq) -> arb:
    """A bound of P(|Ibar - H| >= eps): for each sign the best of a few s around eps / V."""
    limit = ball(epsilon)
    prob, deviation, *_ = law.floats()
    # far from the borderline float64 tells it, and the sum of balls is not needed
    if to_float(limit * limit * size) < _LEAST_EXPONENT * float(prob @ deviation**2):
        return arb(1)
    variance = (law.prob * law.surprisal * law.surprisal).sum()
    if not limit * limit * size > 2 * _LEAST_EXPONENT * variance:
        return arb(1)
    first = (limit / variance).mid()
    total = arb(0)
    for sign in (1, -1):
        best = arb(0)
        for k in range(-8, 6):
            s = first * arb(2) ** k
            exponent = (law.prob * exp(law.surprisal * (s * sign))).sum().log() - s * limit
            if exponent.is_finite() and exponent < best:
                best = exponent
        total += (best * size).exp()
    return total


def by_normal(law: Atoms, size: int, epsilon: fmpq, most: float) -> Window:
    """P(|Ibar - H| < eps) of the normal law with the same variance; its error is a proven bound, not an estimate.

    The correlation given typicality is not known by this route.

    Raises:
        Undecided: the bound of Berry and Esseen exceeds ``most``.
    """
    deviation = law.surprisal
    variance = (law.prob * deviation * deviation).sum()
    third = (law.prob * abs(deviation) * deviation * deviation).sum()
    error = 2 * to_float(berry_esseen(third, variance, size)) if variance > 0 else math.inf
    if not error <= most:
        raise Undecided(f"no sum over {len(law)} atoms at N = {size} is cheap, and the normal law errs by {error:.1g}")
    mass = math.erf(to_float(ball(epsilon) * (size / variance / 2).sqrt()))
    return Window((mass,), "normal, Berry-Esseen bound", error=error + 1e-15)


__all__ = ["by_bound", "by_normal", "by_range"]
