"""A model, its laws and their slopes along temperature, from rationals."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from flint import arb, arb_series, fmpq

from tests.theory.claims.edits import (
    rational,
)
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import fraction


def parts(aligned: Aligned) -> tuple[list[Fraction], list[Fraction], Fraction, list[Fraction]]:
    """(p, e^R, Z, p+) in rationals."""
    p, x = [fraction(v) for v in aligned.prior], [fraction(r.factor) for r in aligned.reward]
    z = sum((a * b for a, b in zip(p, x, strict=True)), start=Fraction(0))
    return p, x, z, [a * b / z for a, b in zip(p, x, strict=True)]


def share(chosen: Sequence[int], size: int) -> list[Fraction]:
    """A law on ``size`` strings from whole numbers, not all of them 0."""
    k = list(chosen[:size])
    k[0] += not any(k)
    return [Fraction(n, sum(k)) for n in k]


def mean(q: Sequence[Fraction], values: Sequence[arb]) -> arb:
    """E_q f; what has no mass does not count."""
    return sum((v * rational(m) for m, v in zip(q, values, strict=True) if m), start=arb(0))


def covariance(q: Sequence[Fraction], one: Sequence[arb], two: Sequence[arb]) -> arb:
    """E[fg] - E f E g."""
    return mean(q, [a * b for a, b in zip(one, two, strict=True)]) - mean(q, one) * mean(q, two)


def cooled(surprisal: Sequence[arb], tau: fmpq, values: Sequence[arb]) -> arb_series:
    """E f under q_{tau + h}, proportional to e^{-(tau + h) I}, as a power series in h up to h^1."""
    w = [arb_series([-i * tau, -i], prec=2).exp() for i in surprisal]
    return sum((a * v for a, v in zip(w, values, strict=True)), start=arb_series([0], prec=2)) / sum(
        w, start=arb_series([0], prec=2)
    )
