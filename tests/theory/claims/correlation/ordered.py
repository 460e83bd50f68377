"""Ordered corpora listed one by one, and the toy as numpy draws it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb

from tests.theory.claims.edits import (
    ln,
    rational,
)
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import fraction


def varies(aligned: Aligned) -> bool:
    """Whether neither L nor R is constant."""
    return len(set(aligned.prior)) > 1 and len({r.factor for r in aligned.reward}) > 1


def joint(aligned: Aligned) -> list[tuple[Fraction, arb, arb]]:
    """(p+, L, R) of every string, p+ rational."""
    p, x = [fraction(v) for v in aligned.prior], [fraction(r.factor) for r in aligned.reward]
    z = sum(a * b for a, b in zip(p, x, strict=True))
    return [(a * b / z, ln(a), ln(b)) for a, b in zip(p, x, strict=True)]


def corpora(law: Sequence[tuple[Fraction, arb, arb]], size: int) -> list[tuple[Fraction, arb, arb]]:
    """(P, Lbar, Rbar) of every ordered corpus of N strings."""
    return [
        (
            math.prod((mass for mass, _, _ in drawn), start=Fraction(1)),
            sum((l for _, l, _ in drawn), start=arb(0)) / size,
            sum((r for _, _, r in drawn), start=arb(0)) / size,
        )
        for drawn in itertools.product(law, repeat=size)
    ]


def second_moments(law: Sequence[tuple[Fraction, arb, arb]]) -> tuple[arb, arb, arb]:
    """(Var L, Var R, Cov), E[fg] - E f E g, of a law that need not sum to 1."""
    total = rational(sum((mass for mass, _, _ in law), start=Fraction(0)))

    def mean(values: list[arb]) -> arb:
        return sum((v * rational(mass) for v, (mass, _, _) in zip(values, law, strict=True)), start=arb(0)) / total

    one, two = [l for _, l, _ in law], [r for _, _, r in law]
    pairs = ((one, one), (two, two), (one, two))
    var_l, var_r, cov = (
        mean([a * b for a, b in zip(*pair, strict=True)]) - mean(pair[0]) * mean(pair[1]) for pair in pairs
    )
    return var_l, var_r, cov


def drawn_toy() -> tuple[Any, Any, Any]:
    """(p+, L, R) of the toy as numpy draws it."""
    rng = np.random.RandomState(42)
    own = rng.dirichlet([0.1] * 1000)
    logits = own ** (1 / 42) + rng.uniform(-0.42, 0.42, 1000)
    prior = np.exp(logits) / np.exp(logits).sum()
    return own, np.log(prior), np.log(own) - np.log(prior)
