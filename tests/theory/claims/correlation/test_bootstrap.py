"""correlation.bootstrap: ordered pools listed, and two pools that differ."""

from __future__ import annotations

import itertools
import math

import pytest
from flint import fmpq
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.strategies import tables
from theory.alignment.gibbs import Aligned
from theory.claims.correlation.models import joint_of
from theory.corpora.resampling import pools
from theory.examples import finite as examples
from theory.models.finite import FiniteModel


@given(tables(2, 3, 4), st.integers(2, 3))
def test_bootstrap(aligned: Aligned, pool: int) -> None:
    """Corr(Lbar, Rbar | pool) = Corr(pool), Var(Lbar) = (1 + N/(n - 1)) E Var(Lbar | pool): ordered pools, N = 2.

    The pool's mean alone: N/(n - 1) E Var(Lbar | pool).
    """
    found = FiniteModel.of(aligned)
    assume(not found.mean.constant.log_prior and not found.mean.constant.reward)
    law = joint_of(found)
    mean_l = found.mean.mean_log_prior
    error = shown = own = found.numbers.log_partition * 0
    for members in itertools.product(range(len(aligned)), repeat=pool):
        prob = math.prod((law.prob[k] for k in members), start=fmpq(1))
        values = [[v[k] for k in members] for v in (law.log_prior, law.reward)]
        means = [[(v[i] + v[j]) / 2 for i, j in itertools.product(range(pool), repeat=2)] for v in values]
        covariances = [_covariance(*v) for v in (values, means)]
        assert (covariances[0] - covariances[1] * 2).contains(0)
        shown += prob * _covariance(means[0], means[0])
        centre = sum(values[0]) / pool - mean_l
        own += prob * centre * centre
        error += prob * sum((v - mean_l) * (v - mean_l) for v in means[0]) / pool**2
    assert (error - shown * (1 + fmpq(2, pool - 1))).contains(0)
    assert (own - shown * fmpq(2, pool - 1)).contains(0)


def _covariance(one: list, two: list) -> object:
    return sum(a * b for a, b in zip(one, two, strict=True)) / len(one) - sum(one) * sum(two) / len(one) ** 2


def test_two_pools_of_one_law_differ() -> None:
    """C7, pools of 3: their correlations run from -1 to +1, that of p+ is .482."""
    found = FiniteModel.of(examples.c7())
    matrices = [part.covariance() for part in pools(joint_of(found), 3).parts]
    values = [float(m.correlation) for m in matrices if m.var_log_prior > 0 and m.var_reward > 0]
    assert min(values) == pytest.approx(-1)
    assert max(values) == pytest.approx(1)
    assert float(found.mean.correlation) == pytest.approx(0.4822, abs=1e-4)
