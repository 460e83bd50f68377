"""Best of n, by its formula, by all n-tuples, and beside the aligned law of the same divergence."""

from __future__ import annotations

import numpy as np
import pytest
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from tests.strategies import tables
from theory.alignment.best_of_n import aligned_twin, best_of, best_of_by_enumeration, divergence_bound, reward_levels
from theory.alignment.gibbs import Aligned, align
from theory.arithmetic.exact import floats, objects
from theory.examples.finite import table
from theory.language_models.rewards import Reward
from theory.language_models.tree import TreeModel
from theory.models.finite import FiniteModel
from theory.probability.information import kl_divergence


@given(tables(largest=4, top=4), st.integers(1, 4))
def test_the_formula_by_all_tuples(aligned: Aligned, n: int) -> None:
    """p(y) [F(r)^n - F(r-)^n]/[F(r) - F(r-)] = P(the winner is y)."""
    levels = reward_levels(aligned)
    law = best_of(aligned.prior, levels, n)
    assert (law == best_of_by_enumeration(aligned.prior, levels, n)).all()
    assert law.sum() == 1


@given(tables(top=4), st.integers(1, 8))
def test_more_draws_earn_and_cost_more(aligned: Aligned, n: int) -> None:
    """F_n(r) = F(r)^n falls with n, hence q_{n+1} dominates q_n; and KL grows with n."""
    levels = reward_levels(aligned)
    now, then = (best_of(aligned.prior, levels, k) for k in (n, n + 1))
    for level in set(levels):
        below = np.array([at <= level for at in levels])
        assert now[below].sum() == aligned.prior[below].sum() ** n
        assert then[below].sum() <= now[below].sum()
    if len(set(levels)) > 1:
        assert kl_divergence(now, aligned.prior) < kl_divergence(then, aligned.prior)


def test_levels_are_formal() -> None:
    """log 2 < 1 < log 3, and equal rewards share a level."""
    rewards = [Reward(factor=fmpq(3)), Reward(exponent=fmpq(1)), Reward(factor=fmpq(2)), Reward(exponent=fmpq(1))]
    prior = TreeModel.table(["x", "y", "z", "u"], objects([fmpq(1, 4)] * 4))
    assert reward_levels(align(prior, rewards)) == (2, 1, 0, 1)


def test_ties_share_by_their_probability() -> None:
    """Inside a level q_n is proportional to p: (1, 3, 2, 2)/8 with levels (0, 1, 1, 2), n = 2."""
    prior = objects(fmpq(w, 8) for w in (1, 3, 2, 2))
    law = best_of(prior, (0, 1, 1, 2), 2)
    assert list(law) == [fmpq(1, 64), fmpq(21, 64), fmpq(14, 64), fmpq(28, 64)]


def test_the_bound_is_approached() -> None:
    """KL(q_n || p) over m equiprobable rewards falls short of log n - (n - 1)/n by about 1/m^2 times log m."""
    gaps = []
    for m in (10, 100, 1000):
        prior = objects([fmpq(1, m)] * m)
        gaps.append(float(divergence_bound(3) - kl_divergence(best_of(prior, tuple(range(m)), 3), prior)))
    assert gaps[0] > gaps[1] > gaps[2] > 0
    assert gaps[2] < 1e-4


def test_the_bound_at_small_n() -> None:
    """0 at n = 1, log 2 - 1/2 at n = 2."""
    assert divergence_bound(1) == 0
    assert divergence_bound(2).overlaps(arb(2).log() - fmpq(1, 2))


@given(tables(smallest=3, top=5), st.integers(2, 6))
def test_the_twin_by_a_float_root(aligned: Aligned, n: int) -> None:
    """lambda with KL(p_lambda || p) = KL(q_n || p), by Brent's method in floats."""
    if len(set(reward_levels(aligned))) == 1:
        return
    reward = FiniteModel.of(aligned).numbers.reward
    cost = kl_divergence(best_of(aligned.prior, reward_levels(aligned), n), aligned.prior)
    twin = aligned_twin(aligned.prior, reward, cost)
    p, r = floats(aligned.prior), floats(reward)

    def gap(strength: float) -> float:
        weight = p * np.exp(strength * (r - r.max()))
        law = weight / weight.sum()
        return float((law * np.log(law / p)).sum()) - float(cost)

    root = brentq(gap, 1e-9, 2 * float(twin.strength) + 1, xtol=1e-12)
    assert float(twin.strength) == pytest.approx(root, rel=1e-6)


def test_two_levels_are_an_aligned_law() -> None:
    """With rewards 0 and log 2, q_n is p_lambda."""
    aligned = table((1, 2, 3), (1, 2, 1))
    law = best_of(aligned.prior, reward_levels(aligned), 3)
    twin = aligned_twin(aligned.prior, FiniteModel.of(aligned).numbers.reward, kl_divergence(law, aligned.prior))
    assert all(a.contains(b) for a, b in zip(twin.law, law, strict=True))


def test_a_divergence_no_alignment_has() -> None:
    """KL(p_lambda || p) stays below -log p(argmax r)."""
    aligned = table((1, 1), (1, 2))
    with pytest.raises(ValueError, match="out of reach"):
        aligned_twin(aligned.prior, FiniteModel.of(aligned).numbers.reward, arb(1))
