"""The law of Ibar as the law of products of rationals."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from flint import arb, fmpq

from tests.theory.claims.edits import (
    rational,
)
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import fraction
from theory.claims.instances import named
from theory.claims.line.models import SizedCorpus, sized


def ball(value: Fraction) -> arb:
    return arb(rational(value))


def aligned_law(aligned: Aligned) -> list[Fraction]:
    """p+ = p e^R / Z in rationals."""
    weight = [fraction(p) * fraction(r.factor) for p, r in zip(aligned.prior, aligned.reward, strict=True)]
    return [w / sum(weight) for w in weight]


def law_of_products(q: list[Fraction], size: int) -> dict[Fraction, Fraction]:
    """The law of W = q(y_1) ... q(y_N) = e^{-N Ibar}: equal surprisals are equal rationals."""
    found = {Fraction(1): Fraction(1)}
    for _ in range(size):
        longer: dict[Fraction, Fraction] = {}
        for (w, mass), p in itertools.product(found.items(), q):
            longer[w * p] = longer.get(w * p, Fraction(0)) + mass * p
        found = longer
    return found


def moments_of(q: list[Fraction]) -> tuple[arb, arb, arb]:
    """(H, V, E|I - H|^3) of the surprisal I = -log q."""
    entropy = sum((-ball(p).log() * rational(p) for p in q), start=arb(0))
    gaps = [-ball(p).log() - entropy for p in q]
    variance = sum((g * g * rational(p) for g, p in zip(gaps, q, strict=True)), start=arb(0))
    return entropy, variance, sum((abs(g * g * g) * rational(p) for g, p in zip(gaps, q, strict=True)), start=arb(0))


def mass_where(law: dict[Fraction, Fraction], size: int, event: Callable[[arb], Any]) -> Fraction:
    """P of an event of Ibar."""
    return sum((mass for w, mass in law.items() if event(-ball(w).log() / size)), start=Fraction(0))


def corpora_of(name: str) -> SizedCorpus:
    (one,) = sized(named(name), (4,), fmpq(1, 2))
    content: SizedCorpus = one.content
    return content
