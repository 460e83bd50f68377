"""Symbolic proofs: true identities are proved, false ones refused, also where they hold at every point tried."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import sympy as sp
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.strategies import tables
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import fraction
from theory.claims.claim import ProofFailed
from theory.claims.symbolic import covariance, mean, model, simplex, vanishes

A, B, C = sp.symbols("a b c", positive=True)
X, Y = sp.symbols("x y", real=True)


def telescope(n: int) -> Any:
    """log w_1 - log w_n = sum of log w_i / w_{i+1}."""
    w = model(n).weight
    return sp.log(w[0]) - sp.log(w[-1]) - sum(sp.log(a / b) for a, b in itertools.pairwise(w))


def surprisals(n: int) -> Any:
    """E L + E R + E I - log Z under any law."""
    m = model(n)
    return sum(mean(simplex(n), part) for part in (m.log_prior, m.reward, m.surprisal)) - m.log_partition


TRUE = {
    "zero": sp.Integer(0),
    "binomial": (A + B) ** 3 - A**3 - 3 * A**2 * B - 3 * A * B**2 - B**3,
    "fractions": 1 / (A + B) + 1 / (A - B) - 2 * A / (A**2 - B**2),
    "logarithms": sp.log(A * B / C) - sp.log(A) - sp.log(B) + sp.log(C),
    "powers": sp.log(A**3) - 3 * sp.log(A),
    "logarithm of a share": sp.log(A / (A + B)) - sp.log(A) + sp.log(A + B),
    "exponentials": sp.exp(X + Y) - sp.exp(X) * sp.exp(Y),
    "roots": sp.sqrt(A) * sp.sqrt(A) - A,
    "telescope": telescope(4),
    "a law sums to one": mean(simplex(4), [1] * 4) - 1,
    "aligned law sums to one": sp.Add(*model(4).prob) - 1,
    "constant rewards covary with nothing": covariance(model(3).prob, model(3).log_prior, [X] * 3),
    "surprisals": surprisals(3),
}


@pytest.mark.parametrize("what", TRUE)
def test_true_identities_are_proved(what: str) -> None:
    assert vanishes(TRUE[what], what) == what


FALSE = {
    "one": sp.Integer(1),
    "sign": (A - B) ** 2 - A**2 + B**2,
    "factor": covariance(model(3).prob, model(3).reward, [2 * r for r in model(3).reward])
    - covariance(model(3).prob, model(3).reward, model(3).reward),
    "log of a sum": sp.log(A + B) - sp.log(A) - sp.log(B),
    "mean of a product": mean(simplex(3), [a * b for a, b in zip((A, B, C), (C, B, A), strict=True)])
    - mean(simplex(3), (A, B, C)) * mean(simplex(3), (C, B, A)),
    "tiny": A * sp.Rational(1, 10**30),
    "infinite": sp.zoo,
    "almost": sp.Rational(1, 10**25) * (A - B),
}


@pytest.mark.parametrize("what", FALSE)
def test_false_identities_are_refused(what: str) -> None:
    with pytest.raises(ProofFailed, match=what):
        vanishes(FALSE[what], what)


def test_no_number_is_never_proved() -> None:
    """0/0 is not 0; it may stop the run instead of failing the proof."""
    with pytest.raises((ProofFailed, TypeError)):
        vanishes(sp.nan, "no number")


def points(symbols: list[Any]) -> list[dict[Any, Any]]:
    """The points at which an expression in these symbols is evaluated, read off from what is refused there."""
    seen = []

    class Watched(sp.Function):  # type: ignore[misc]
        @classmethod
        def eval(cls, *arguments: Any) -> Any:
            if all(a.is_Rational for a in arguments):
                seen.append(dict(zip(symbols, arguments, strict=True)))
                return sp.Integer(0)
            return None

    with pytest.raises(ProofFailed, match="cancel"):
        vanishes(Watched(*symbols), "watched")
    return seen


@pytest.mark.parametrize("symbols", [[A], [A, B], [A, B, C]], ids=["one", "two", "three"])
def test_false_ones_that_are_zero_wherever_they_are_tried(symbols: list[Any]) -> None:
    """The product of the distances to every point that is tried is no identity, and is refused as one."""
    tried = points(symbols)
    assert len(tried) == 3
    assert all(value > 0 for point in tried for value in point.values())
    assert len({tuple(point.values()) for point in tried}) == 3
    product = sp.Mul(*(sp.Add(*((s - value) ** 2 for s, value in point.items())) for point in tried))
    for point in tried:
        assert product.subs(point) == 0
    with pytest.raises(ProofFailed, match="trap: does not cancel"):
        vanishes(product, "trap")
    with pytest.raises(ProofFailed, match="does not cancel"):
        vanishes(product / (1 + A) + sp.log(A) - sp.log(A), "trap with a denominator")


@pytest.mark.parametrize(
    "wrong",
    [
        sp.Piecewise((1, sp.Eq(A, 3)), (0, True)),
        sp.KroneckerDelta(A, 3),
        sp.Max(0, A - 10**6),
        sp.floor(A / 10**6),
        sp.Heaviside(A - 10**6),
    ],
    ids=["at one point", "delta", "far away", "floor", "step"],
)
def test_false_ones_at_few_points_only(wrong: Any) -> None:
    """An expression that is 0 almost everywhere, or everywhere near 1, is not 0."""
    with pytest.raises(ProofFailed, match="does not cancel"):
        vanishes(wrong, "almost")


@pytest.mark.parametrize(
    "wrong",
    [sp.Abs(X) - X, sp.sqrt(X**2) - X, sp.log(X**2) - 2 * sp.log(X), sp.log(X * Y) - sp.log(X) - sp.log(Y)],
    ids=["modulus", "root", "log of a square", "log of a product"],
)
def test_false_ones_for_negative_numbers(wrong: Any) -> None:
    """x and y are real, not positive: |x| = x and log x^2 = 2 log x are false at -1, where no point is tried."""
    with pytest.raises(ProofFailed):
        vanishes(wrong, "positive only")


@settings(max_examples=60)
@given(tables(2, 4), st.lists(st.integers(1, 9), min_size=4, max_size=4))
def test_model_is_the_aligned_model(aligned: Aligned, q: list[int]) -> None:
    """With w_i = p_i e^{R_i} put in: prob = p+, e^{log_partition} = Z; mean and covariance are those of rationals."""
    n = len(aligned)
    m = model(n)
    exact = [fraction(p) for p in aligned.exact_prob()]  # type: ignore[union-attr]
    weight = [fraction(p * r.factor) for p, r in zip(aligned.prior, aligned.reward, strict=True)]
    values = dict(zip(m.weight, (sp.Rational(w.numerator, w.denominator) for w in weight), strict=True))
    assert [p.subs(values) for p in m.prob] == [sp.Rational(p.numerator, p.denominator) for p in exact]
    assert sp.exp(m.log_partition.subs(values)) == sum(values.values())
    one, two = q[:n], q[::-1][:n]
    e_one, e_two = (sum(p * v for p, v in zip(exact, values, strict=True)) for values in (one, two))
    by_hand = sum(p * a * b for p, a, b in zip(exact, one, two, strict=True)) - e_one * e_two
    found = covariance(m.prob, one, two).subs(values)
    assert fmpq(int(found.p), int(found.q)) == fmpq(by_hand.numerator, by_hand.denominator)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_simplex(n: int) -> None:
    """n - 1 free symbols, and the sum is 1."""
    law = simplex(n)
    assert len(law) == n
    assert len(sp.Add(*law[:-1]).free_symbols) == n - 1
    assert sp.expand(sp.Add(*law)) == 1
