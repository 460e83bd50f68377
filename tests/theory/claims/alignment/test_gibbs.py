"""alignment.gibbs: the objective as a product of rationals, two laws by hand, edited formulas."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import models
from tests.theory.claims.edits import (
    Edit,
    ln,
    model,
    negated,
    nudged,
    numbers,
    one_nudged,
    rational,
    rotated,
    turns_red,
)
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import fraction
from theory.claims.alignment.gibbs import CLAIM
from theory.claims.instances import law_of, named
from theory.models.finite import FiniteModel
from theory.probability.heavy_tails import TowerString
from theory.probability.information import kl_divergence


def power_product(bases: list[Fraction], exponents: list[int]) -> Fraction:
    """prod_i bases_i ** exponents_i."""
    return math.prod((b**k for b, k in zip(bases, exponents, strict=True)), start=Fraction(1))


@given(models(), st.lists(st.integers(0, 12), min_size=15, max_size=15))
def test_gibbs(aligned: Aligned, chosen: list[int]) -> None:
    """E_q[R] - KL(q||p) = log Z - KL(q||p+) <= log Z, with equality for q = p+ only.

    For q = k/K with integers k both sides times K are logarithms of rationals, prod (p e^R / q)^k prod (q/p+)^k = Z^K,
    and the inequality is that between weighted means.
    """
    k = chosen[: len(aligned)]
    k[0] += not any(k)
    size = sum(k)
    p, x = [fraction(v) for v in aligned.prior], [fraction(r.factor) for r in aligned.reward]
    z = sum((a * b for a, b in zip(p, x, strict=True)), start=Fraction(0))
    own = [a * b / z for a, b in zip(p, x, strict=True)]
    q = [Fraction(n, size) for n in k]
    objective = power_product([a * b / c if c else Fraction(1) for a, b, c in zip(p, x, q, strict=True)], k)
    gap = power_product([c / a for c, a in zip(q, own, strict=True)], k)
    assert objective * gap == z**size
    assert gap == 1 if q == own else gap > 1
    found = FiniteModel.of(aligned)
    law = law_of(found, [rational(c) for c in q])
    value = (law.prob * found.numbers.reward[law.string]).sum() - kl_divergence(law.prob, aligned.prior[law.string])
    assert (value * size - ln(objective)).contains(0)
    assert (kl_divergence(law.prob, found.numbers.prob[law.string]) * size - ln(gap)).contains(0)
    assert (found.numbers.log_partition - ln(z)).contains(0)


def test_objective_of_the_uniform_law() -> None:
    """C1: Z = 3, and the uniform law reaches log(12/7), short of log 3 by KL = log(7/4)."""
    found = named("C1")[0].content
    law = law_of(found, [fmpq(1)] * 3)
    value = (law.prob * found.numbers.reward).sum() - kl_divergence(law.prob, found.aligned.prior)
    assert (value - ln(Fraction(12, 7))).contains(0)
    assert (found.numbers.log_partition - arb(3).log()).contains(0)
    assert (kl_divergence(law.prob, found.numbers.prob) - ln(Fraction(7, 4))).contains(0)


def test_the_objective_needs_one_mean() -> None:
    """2^-n under 2^-4^n/c: E R and KL(p+ || p) exceed 1,000 nats after 12 strings; R - log p+/p stays -log c.

    Old: the gap was stated for every q << p on countable sets; at q = p+ it is inf - inf there.
    """
    c = sum(Fraction(1, 2 ** (4**n)) for n in range(1, 7))
    reward = [(4**n - n) * math.log(2) for n in range(1, 13)]
    ratio = [-n * math.log(2) + 4**n * math.log(2) + math.log(c) for n in range(1, 13)]
    assert sum(r / 2**n for n, r in enumerate(reward, 1)) > 1000
    assert sum(r / 2**n for n, r in enumerate(ratio, 1)) > 1000
    assert [r - a for r, a in zip(reward, ratio, strict=True)] == pytest.approx([-math.log(c)] * 12, rel=1e-8)
    assert Fraction(1, 16) < c < Fraction(1, 15)
    for n in (2, 3, 30):
        findings = list(CLAIM.check(TowerString(n)))
        assert {(finding.clause, finding.outcome) for finding in findings} == {("infinite-means", "holds")}
        assert findings[-1].value == fmpq(4**n - n - 4, 2**n) - 1


def test_a_law_on_fewer_strings_falls_short() -> None:
    """C1 without its first string: p = (2, 4)/7, e^R = (2, 4): q = (1, 1)/2 reaches log sqrt(4 16)/7 2 < log 3."""
    found = named("C1")[0].content
    finding = next(f for f in CLAIM.check(found) if f.label == "J(p+) > J(all strings but the first)")
    assert (finding.value - arb(3).log() + (arb(8) * 2 / 7).log()).contains(0)


@pytest.mark.parametrize("n", [1, 2, 30])
def test_objective_without_bound(n: int) -> None:
    """p(k) = 2^-k, e^R = 2^k: the uniform law on n strings has prod p e^R n = n^n, so J = log n."""
    assert math.prod(Fraction(2**k, 2**k) * n for k in range(1, n + 1)) == n**n
    (finding,) = CLAIM.check(n)
    assert finding.outcome == "holds"
    assert finding.label == f"J(q_{n}) = log {n}"
    assert finding.clause == "infinite-sum"


EDITS: dict[str, Edit] = {
    "R": numbers("reward", negated),
    "one R": numbers("reward", one_nudged),
    "log Z": numbers("log_partition", nudged),
    "-log Z": numbers("log_partition", negated),
    "p+": numbers("prob", rotated),
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("name", ["C3", "C4", "C5"])
def test_an_edited_formula_turns_red(edit: str, name: str) -> None:
    """The claim holds on the model, and certainly fails once a sign or one digit of one number is changed."""
    turns_red(CLAIM, model(name), EDITS[edit])
