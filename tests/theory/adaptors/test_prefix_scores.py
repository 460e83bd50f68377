"""Prefix scores: values and means by enumeration, powers, and the law as a product of steps."""

from __future__ import annotations

from fractions import Fraction

import pytest
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import models
from theory.adaptors.prefix_scores import (
    PrefixWeights,
    guided_law,
    guided_steps,
    mean_scores,
    prior_model,
    value_weights,
)
from theory.alignment.gibbs import Aligned, align
from theory.arithmetic.exact import fraction, objects
from theory.claims.tree_search import tree
from theory.language_models.rewards import Reward
from theory.language_models.tree import TreeModel

FORK = ((), ((), ()))


def behind(aligned: Aligned) -> list[list[int]]:
    """The strings that begin with each prefix, by their tokens."""
    tokens = [aligned.tree.tokens(int(node)) for node in aligned.node]
    prefixes = [aligned.tree.tokens(node) for node in range(len(aligned.tree))]
    return [[k for k, y in enumerate(tokens) if y[: len(u)] == u] for u in prefixes]


@given(models())
def test_values_and_means(aligned: Aligned) -> None:
    """V(u) and E[R | u] over the strings that begin with u."""
    p, x = [fraction(v) for v in aligned.prior], [fraction(r.factor) for r in aligned.reward]
    numbers = aligned.balls()
    weights, scores = value_weights(numbers), mean_scores(numbers)
    assert [fraction(v) for v in weights.string] == x
    assert list(scores.string) == list(numbers.reward)
    for u, rows in enumerate(behind(aligned)):
        total = sum(p[k] for k in rows)
        assert fraction(weights.prefix[u]) == sum(p[k] * x[k] for k in rows) / total
        mean = sum((arb(aligned.prior[k]) * numbers.reward[k] for k in rows), arb(0))
        assert (scores.prefix[u] * fmpq(total.numerator, total.denominator) - mean).contains(0)


@given(models(), st.lists(st.integers(1, 9), min_size=30, max_size=30))
def test_a_guided_law_is_a_product_of_steps(aligned: Aligned, drawn: list[int]) -> None:
    """q(y) is the product of p(t | u) w(u t)/sum, for any weights; it sums to 1 and w = 1 gives p."""
    n, size = len(aligned.tree), len(aligned)
    prefix = objects(fmpq(drawn[k % 30], 1 + k % 4) for k in range(n))
    string = objects(fmpq(drawn[-1 - k % 30], 1 + k % 3) for k in range(size))
    law = guided_law(aligned, PrefixWeights(prefix, string))
    assert sum(law) == 1
    mass = [sum(fraction(aligned.prior[k]) for k in rows) for rows in behind(aligned)]
    ends = {int(node): k for k, node in enumerate(aligned.node)}
    for k, node in enumerate(aligned.node):
        path = [int(node)]
        while path[-1] > 0:
            path.append(int(aligned.tree.parent[path[-1]]))
        expected = Fraction(1)
        for place, down in zip(path[::-1], [*path[::-1][1:], None], strict=True):
            total = sum(
                (mass[c] * fraction(prefix[c]) for c in range(1, n) if int(aligned.tree.parent[c]) == place),
                start=Fraction(0),
            )
            own = fraction(aligned.prior[ends[place]]) * fraction(string[ends[place]]) if place in ends else Fraction(0)
            step = own if down is None else mass[down] * fraction(prefix[down])
            expected *= step / (total + own)
        assert fraction(law[k]) == expected
    ones = PrefixWeights(objects([fmpq(1)] * n), objects([fmpq(1)] * size))
    assert list(guided_law(aligned, ones)) == list(aligned.prior / aligned.prior.sum())


def test_powers() -> None:
    """Whole powers of rationals are rational, others balls; w^0 = 1; e^w of scores."""
    weights = PrefixWeights(objects([fmpq(4, 9)]), objects([fmpq(2), fmpq(1, 3)]))
    assert list(weights.raised(fmpq(3)).string) == [fmpq(8), fmpq(1, 27)]
    assert list(weights.raised(fmpq(0)).prefix) == [1]
    assert (weights.raised(fmpq(1, 2)).prefix[0] - fmpq(2, 3)).contains(0)
    assert (weights.raised(fmpq(1, 3)).string[0] ** 3 - 2).contains(0)
    raised = PrefixWeights(objects([arb(0)]), objects([arb(2).log()])).exp()
    assert (raised.string[0] - 2).contains(0)
    assert raised.prefix[0] == 1


def test_values_of_transcendental_rewards_are_balls() -> None:
    """r = (0, 1, 2): V at the root is (1 + e + e^2)/3, and V-guided steps are p+."""
    prior = TreeModel.table(["x", "y", "z"], objects([fmpq(1, 3)] * 3))
    aligned = align(prior, [Reward(exponent=fmpq(r)) for r in range(3)])
    weights = value_weights(aligned.balls())
    assert (weights.prefix[0] * 3 - 1 - arb(1).exp() - arb(2).exp()).contains(0)
    gaps = guided_law(aligned, weights) - aligned.balls().prob
    assert all(gap.contains(0) for gap in gaps)


@pytest.mark.parametrize("strength", [0, 1, 5])
def test_steps_of_a_fork(strength: int) -> None:
    """p = (3, 1, 2)/6, V = 3 behind the second token: steps (1/2) 4^l and (1/2) 3^l, then (1/3) 7^l and 2/3."""
    aligned = tree(FORK, (3, 1, 2), (4, 7, 1))
    steps = guided_steps(aligned, value_weights(aligned.balls()).raised(fmpq(strength)))
    root = [fmpq(4**strength, 2), fmpq(3**strength, 2)]
    assert list(steps.edge) == [1, *root, fmpq(7**strength, 3), fmpq(2, 3)]
    assert prior_model(aligned).string_prob().tolist() == [fmpq(1, 2), fmpq(1, 6), fmpq(1, 3)]
