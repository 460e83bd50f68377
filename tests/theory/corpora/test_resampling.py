"""Pools and ranks: against every ordered pool, and against scipy on samples written out."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from flint import arb, fmpq
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from tests.strategies import tables
from theory.alignment.gibbs import Aligned, align
from theory.arithmetic.exact import objects, to_float
from theory.corpora.mixtures import Joint
from theory.corpora.resampling import (
    corpus_rank_moments,
    pools,
    rank_correlation_limit,
    rank_moments,
    squared_understatement,
)
from theory.examples import finite as examples
from theory.language_models.rewards import reward_over_beta
from theory.language_models.tree import TreeModel

_POINTS = st.lists(st.tuples(st.integers(1, 4), st.integers(-3, 3), st.integers(-3, 3)), min_size=2, max_size=3)


def _joint(points: list[tuple[int, int, int]]) -> Joint:
    return Joint.of([w for w, _, _ in points], [(l, r) for _, l, r in points])


@given(_POINTS, st.integers(2, 3))
def test_pools_are_all_ordered_pools(points: list[tuple[int, int, int]], size: int) -> None:
    """E Cov(pool) = (n - 1)/n Sigma and Cov of the pools' means = Sigma/n, over ordered pools of n strings."""
    law = _joint(points)
    drawn = pools(law, size)
    sigma = law.covariance()
    assert drawn.within() == sigma.scaled(fmpq(size - 1, size))
    assert drawn.between() == sigma.scaled(fmpq(1, size))
    ordered = fmpq(0)
    for members in itertools.product(range(len(law)), repeat=size):
        prob = math.prod((law.prob[k] for k in members), start=fmpq(1))
        first, second = (sum((v[k] for k in members), fmpq(0)) / size for v in (law.log_prior, law.reward))
        both = sum((law.log_prior[k] * law.reward[k] for k in members), fmpq(0)) / size
        ordered += prob * (both - first * second)
    assert drawn.within().cov == ordered


@given(_POINTS, st.integers(2, 3), st.integers(1, 3))
def test_spread_is_understated(points: list[tuple[int, int, int]], pool: int, size: int) -> None:
    """E(Lbar - E L)^2 = (1 + N/(n - 1)) E Var(Lbar | pool), over all pools and all their corpora."""
    law = _joint(points)
    truth = law.mean()[0]
    corpora = pools(law, pool).corpora(size)
    everything = corpora.pooled()
    error = sum(
        (p * (l - truth) * (l - truth) for p, l in zip(everything.prob, everything.log_prior, strict=True)), fmpq(0)
    )
    assert error == squared_understatement(size, pool) * corpora.within().var_log_prior


def test_understatement_of_a_large_study() -> None:
    """200,000 strings per corpus from a pool of 2,000: a factor of 10.05; n = 1 has no spread at all."""
    assert math.sqrt(to_float(squared_understatement(200_000, 2_000))) == pytest.approx(10.0524, abs=1e-4)
    with pytest.raises(ValueError, match="at least two strings"):
        squared_understatement(5, 1)


@given(_POINTS)
def test_ranks_are_those_of_a_sample_written_out(points: list[tuple[int, int, int]]) -> None:
    """Spearman's correlation of integer weights = scipy's on every point repeated as often as its weight."""
    weight, first, second = zip(*points, strict=True)
    assume(len(set(first)) > 1 and len(set(second)) > 1)
    found = rank_moments(weight, first, second).correlation
    written = [np.repeat(v, weight) for v in (first, second)]
    assert float(found) == pytest.approx(float(stats.spearmanr(*written).statistic), abs=1e-12)


@given(tables(2, 3, 6), st.integers(1, 3))
def test_corpus_ranks_are_those_of_sequences(aligned: Aligned, size: int) -> None:
    """The ranks of corpora by counts = the ranks of ordered sequences, their means as exact products."""
    prob, prior = aligned.exact_prob(), aligned.prior
    merit = [r.factor for r in aligned.reward]
    assert prob is not None
    scale = math.lcm(*(int(p.q) for p in prob))
    rows = []
    for chosen in itertools.product(range(len(aligned)), repeat=size):
        weight = math.prod(int((prob[k] * scale).p) for k in chosen)
        rows.append((weight, *(math.prod((v[k] for k in chosen), start=fmpq(1)) for v in (prior, merit))))
    assert rank_moments(*zip(*rows, strict=True)) == corpus_rank_moments(aligned, size)


def test_constant_has_no_rank_correlation() -> None:
    assert rank_moments([1, 2], [3, 3], [1, 2]).correlation is None


def test_ranks_refuse_an_irrational_law() -> None:
    model = TreeModel.table(["x", "y"], objects([fmpq(1, 2)] * 2))
    aligned = align(model, [reward_over_beta(0, fmpq(1)), reward_over_beta(1, fmpq(1))])
    with pytest.raises(ValueError, match=r"e\^\(r/beta\)"):
        corpus_rank_moments(aligned, 2)


@pytest.mark.parametrize("rho", [-0.95, -0.5, 0.0, 0.3, 0.9])
def test_limit_is_that_of_the_bivariate_normal_law(rho: float) -> None:
    """(6/pi) arcsin(rho/2) = 12 E[Phi(X) Phi(Y)] - 3 for Corr(X, Y) = rho, by quadrature on a square."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    x, z = np.meshgrid(nodes, nodes)
    mass = np.outer(weights, weights) / (2 * math.pi)
    y = rho * x + math.sqrt(1 - rho * rho) * z
    value = 12 * float((mass * stats.norm.cdf(x) * stats.norm.cdf(y)).sum()) - 3
    assert float(rank_correlation_limit(arb(rho))) == pytest.approx(value, abs=1e-9)


def test_rank_model_changes_its_sign() -> None:
    """C7: strings -.488, corpora of 3 positive, limit +.465."""
    aligned = examples.c7()
    strings, three = (corpus_rank_moments(aligned, size) for size in (1, 3))
    assert float(strings.correlation) == pytest.approx(-0.488, abs=5e-4)
    assert three.cov > 0
    numbers = aligned.balls()
    rho = Joint(numbers.prob, numbers.log_prior, numbers.reward).covariance().correlation
    assert float(rank_correlation_limit(rho)) == pytest.approx(0.465, abs=5e-4)
