"""The small models: C1 to C7 as printed, the paper's toy at 50 digits, and random models."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp

from tests.reference import real
from tests.strategies import weights
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import Array, floats, objects
from theory.examples import finite as examples
from theory.examples.finite import C6_PROPOSAL, dense_tree, from_laws, random_table, random_tree, table, toy
from theory.language_models.tree import TreeModel

PRINTED = {
    "c1": ((1, 2, 4), (1, 4, 16), fmpq(3)),
    "c2": ((3, 2, 2, 2, 2), (9, 4, 4, 4, 4), fmpq(25, 11)),
    "c3": ((1, 2, 4), (1, 4, 12), fmpq(17, 7)),
    "c4": ((8, 4, 1), (2, 1, 2), fmpq(20, 13)),
    "c5": ((1, 2, 8), (2, 3, 6), fmpq(4)),
    "c6": ((10, 6, 3), (5, 4, 1), fmpq(60, 19)),
    "c7": ((6, 3, 7, 2), (11, 5, 11, 1), fmpq(1)),
}
"""Name: p and p+ up to a constant, Z."""


def law(values: tuple[int, ...] | list[int]) -> list[fmpq]:
    return [fmpq(v, sum(values)) for v in values]


def prob(aligned: Aligned) -> Array:
    found = aligned.exact_prob()
    assert found is not None
    return found


def covariance(q: list[Any], f: list[Any], g: list[Any]) -> Any:
    """Cov(f, g) = (1/2) sum sum q q' (f - f')(g - g'), with no means to subtract."""
    n = range(len(q))
    return sum(q[i] * q[j] * (f[i] - f[j]) * (g[i] - g[j]) for i in n for j in n) / 2


@pytest.mark.parametrize("name", PRINTED)
def test_printed_laws(name: str) -> None:
    """p, p+ and Z of C1 to C7, as rationals; e^R = Z p+ / p."""
    prior, aligned, partition = PRINTED[name]
    found: Aligned = getattr(examples, name)()
    assert found.prior.tolist() == law(prior)
    assert prob(found).tolist() == law(aligned)
    for r, p, a in zip(found.reward, law(prior), law(aligned), strict=True):
        assert (r.exponent, r.factor) == (fmpq(0), partition * a / p)


def test_c2_is_a_tree() -> None:
    """Token a (16/25 under p+), then one of four equiprobable tokens; or token b (9/25). Then the end."""
    found = examples.c2()
    assert found.names() == ("b", "a 1", "a 2", "a 3", "a 4")
    assert [found.tree.tokens(node) for node in range(3)] == [[], ["a"], ["b"]]
    assert found.tree.levels == (0, 1, 3, 7)
    numbers = found.balls()
    assert [abs(m - p) < 1e-70 for m, p in zip(numbers.prefix_prob[:3], [1, fmpq(16, 25), fmpq(9, 25)], strict=True)]
    assert [float(p) for p in numbers.end_prob] == [0, 0, 1, 1, 1, 1, 1]


@given(weights(3, 3))
def test_c1_is_collinear(values: list[int]) -> None:
    """E_q R = E_q L + log 7 for every q."""
    numbers = examples.c1().balls()
    q = objects(law(values))
    gap = (q * numbers.reward).sum() - (q * numbers.log_prior).sum() - arb(7).log()
    assert gap.contains(0)
    assert gap.rad() < 1e-70


@pytest.mark.parametrize(
    ("name", "sign_l", "sign_r", "b"),
    [("c1", 1, 1, "-0.5"), ("c3", 1, 1, None), ("c4", -1, 1, "0.5"), ("c5", 1, -1, "-1.924")],
)
def test_exchange_coefficients(name: str, sign_l: int, sign_r: int, b: str | None) -> None:
    """b = Cov(L, I) / Var I; cooling moves E L by -b V and E R by (1 + b) V: the signs that the models stand for."""
    prior, aligned, partition = PRINTED[name]
    with mp.workdps(40):
        q = [real(p) for p in law(aligned)]
        l = [mp.log(real(p)) for p in law(prior)]
        i = [-mp.log(a) for a in q]
        r = [mp.log(real(partition)) - x - y for x, y in zip(l, i, strict=True)]
        variance = covariance(q, i, i)
        coefficient = covariance(q, l, i) / variance
        assert mp.sign(-covariance(q, l, i)) == sign_l
        assert mp.sign(-covariance(q, r, i)) == sign_r
        assert abs(-covariance(q, r, i) - (1 + coefficient) * variance) < 1e-30
        assert b is None or abs(coefficient - real(b)) < 5e-4


def test_c6_proposal() -> None:
    """(1, 12, 3) / 16, and w* = max p+ / q = 8."""
    assert list(C6_PROPOSAL) == law([1, 12, 3])
    assert max(a / q for a, q in zip(prob(examples.c6()), C6_PROPOSAL, strict=True)) == 8


def test_c7_ranks() -> None:
    """Spearman of the strings is -.488, yet (6/pi) arcsin(rho/2) of their Pearson correlation is +.465."""
    prior, aligned, _ = PRINTED["c7"]
    q = [float(a) for a in floats(objects(law(aligned)))]
    l = [math.log(p) for p in prior]
    r = [math.log(a / p) for a, p in zip(aligned, prior, strict=True)]

    def ranks(values: list[float]) -> list[float]:
        return [sum(m * ((w < v) + (w == v) / 2) for m, w in zip(q, values, strict=True)) for v in values]

    def correlation(f: list[float], g: list[float]) -> float:
        return float(covariance(q, f, g) / math.sqrt(covariance(q, f, f) * covariance(q, g, g)))

    assert abs(correlation(ranks(l), ranks(r)) + 0.488) < 5e-4
    assert abs(6 / math.pi * math.asin(correlation(l, r) / 2) - 0.465) < 5e-4


@given(weights(1, 6), st.data())
def test_tables_from_rewards_and_from_laws(prior: list[int], data: Any) -> None:
    """p+ = p x / sum p x for e^R = x; given p and p+ instead, Z = 1 and the same p+ comes back."""
    factors = data.draw(st.lists(st.integers(1, 9), min_size=len(prior), max_size=len(prior)))
    expected = law([p * x for p, x in zip(prior, factors, strict=True)])
    found = table(prior, factors)
    assert found.prior.tolist() == law(prior)
    assert prob(found).tolist() == expected
    secret = from_laws(prior, expected, [f"name {k}" for k in range(len(prior))])
    assert prob(secret).tolist() == expected
    assert sum((c for c, _ in secret.weight_parts()), start=fmpq(0)) == 1
    assert secret.names() == tuple(f"name {k}" for k in range(len(prior)))


def toy_doubles() -> tuple[Any, Any]:
    """The doubles p+ and p of the paper's recipe, drawn again; softmax written without a shift."""
    rng = np.random.RandomState(42)
    aligned = rng.dirichlet([0.1] * 1000)
    logits = aligned ** (1 / 42) + rng.uniform(-0.42, 0.42, 1000)
    weight = np.exp(logits)
    return aligned, weight / weight.sum()


def test_toy_entropies() -> None:
    """H(p+) = 5.00530610973 and H(p) = 6.86898275192, here rounded to ten decimals; published 5.01 and 6.87."""
    with mp.workdps(50):
        for doubles, digits in zip(toy_doubles(), ("5.0053061097", "6.8689827519"), strict=True):
            values = [mp.mpf(float(v)) for v in doubles]
            total = mp.fsum(values)
            assert mp.nstr(-mp.fsum(v / total * mp.log(v / total) for v in values), 11) == digits


def test_toy_is_the_recipe() -> None:
    """The exact toy: 1,000 strings, Z = 1 exactly, p and p+ the doubles up to their rounding, R = log(p+ / p)."""
    found = toy()
    aligned, prior = toy_doubles()
    assert len(found) == 1000
    assert sum((c for c, _ in found.weight_parts()), start=fmpq(0)) == 1
    assert found.prior.sum() == prob(found).sum() == 1
    assert np.allclose(floats(prob(found)), aligned, rtol=1e-14, atol=0)
    assert np.allclose(floats(found.prior), prior, rtol=1e-13, atol=0)
    numbers = found.floats()
    assert np.allclose(numbers.reward, np.log(aligned / prior), rtol=0, atol=1e-12)
    assert abs(-(numbers.prob * np.log(numbers.prob)).sum() - 5.0053061097) < 1e-10
    assert abs(-(floats(found.prior) * numbers.log_prior).sum() - 6.8689827519) < 1e-10


def test_toy_correlation_depends_on_the_measure() -> None:
    """Corr(L, R) over strings is +.4856 unweighted (published .49) and -.1294 under p+."""
    aligned, prior = toy_doubles()
    points = np.stack([np.log(prior), np.log(aligned / prior)])
    assert abs(np.corrcoef(points)[0, 1] - 0.4856) < 5e-5
    weighted = np.cov(points, aweights=aligned)
    assert abs(weighted[0, 1] / math.sqrt(weighted[0, 0] * weighted[1, 1]) + 0.1294) < 5e-5


def test_random_models_take_their_rng_from_the_caller() -> None:
    """The same seed makes the same model, another seed another one."""
    makers: list[Callable[[np.random.Generator], Aligned]] = [
        lambda rng: random_table(rng, 6),
        lambda rng: random_tree(rng, 2, 4),
    ]
    for make in makers:
        one, same, other = (make(np.random.default_rng(seed)) for seed in (1, 1, 2))
        assert (one.names(), one.prior.tolist(), one.reward) == (same.names(), same.prior.tolist(), same.reward)
        assert (one.names(), one.prior.tolist()) != (other.names(), other.prior.tolist())


@pytest.mark.parametrize("seed", range(20))
def test_random_models_are_small_and_rational(seed: int) -> None:
    """A table of the size asked for; a tree within the depth; p sums to 1 exactly; e^R an integer in range."""
    rng = np.random.default_rng(seed)
    found, tree = random_table(rng, 5, 7), random_tree(rng, 3, 3, 4)
    assert len(found) == 5
    assert all(len(name.split()) <= 3 for name in tree.names())
    for model, largest in ((found, 7), (tree, 4)):
        assert model.prior.sum() == prob(model).sum() == 1
        assert all(r.exponent == 0 and r.factor.q == 1 and 1 <= r.factor <= largest for r in model.reward)


def depth_first(model: TreeModel, node: int = 0, mass: float = 1.0) -> Iterator[tuple[int, float]]:
    """(node, probability) of every string, down one branch after the other."""
    yield node, mass * float(model.end[node])
    for child in np.flatnonzero(model.tree.parent == node):
        yield from depth_first(model, int(child), mass * float(model.prob[child]))


@pytest.mark.parametrize(("tokens", "depth"), [(1, 0), (1, 5), (2, 0), (2, 6), (3, 4), (5, 3), (7, 1)])
def test_dense_tree_holds_every_string(tokens: int, depth: int) -> None:
    """All (V^{T+1} - 1) / (V - 1) strings of at most T tokens; masses sum to 1 and equal a depth-first walk."""
    model = dense_tree(np.random.default_rng(0), tokens, depth)
    count = sum(tokens**d for d in range(depth + 1))
    assert tokens == 1 or count == (tokens ** (depth + 1) - 1) // (tokens - 1)
    names = model.names()
    assert len(model.tree) == len(names) == len(set(names)) == count
    assert {len(name.split()) for name in names} == set(range(depth + 1))
    found = model.string_prob()
    assert (found > 0).all()
    assert abs(math.fsum(found) - 1) < 1e-14
    walked = dict(depth_first(model))
    assert np.allclose(found, [walked[node] for node in range(count)], rtol=1e-13, atol=0)
    assert np.allclose(model.tree.sum_children(model.prob) + model.end, 1, rtol=1e-14, atol=0)


def distance_from_beta(values: Array, tokens: int) -> float:
    """sup_x |F_n(x) - F(x)|, F(x) = 1 - (1 - x)^V the law of one coordinate of a uniform Dirichlet vector."""
    ordered = np.sort(values)
    law_function = 1 - (1 - ordered) ** tokens
    n = len(ordered)
    return float(max((np.arange(1, n + 1) / n - law_function).max(), (law_function - np.arange(n) / n).max()))


def test_dense_tree_rows_are_uniform_dirichlet() -> None:
    """P(end | u) has the law Beta(1, V), independently at n prefixes: P(distance >= d) <= 2 exp(-2 n d^2), here 1e-9.

    Uniform weights divided by their sum would be 0.13 away, more than 2 d.
    """
    tokens, depth = 3, 8
    rng = np.random.default_rng(0)
    model = dense_tree(rng, tokens, depth)
    inner = model.tree.levels[-2]
    allowed = math.sqrt(math.log(2e9) / (2 * inner))
    assert distance_from_beta(model.end[:inner], tokens) < allowed
    wrong = rng.random((inner, tokens + 1))
    assert distance_from_beta(wrong[:, 0] / wrong.sum(axis=1), tokens) > 2 * allowed
