"""correlation.rank: ranks in float64, the figures of C7, and no smaller model that changes its sign."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given
from scipy import stats

from tests.strategies import tables
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import floats
from theory.corpora.resampling import corpus_rank_moments, rank_correlation_limit
from theory.examples import finite as examples
from theory.models.finite import FiniteModel


@given(tables(2, 4, 4))
def test_rank(aligned: Aligned) -> None:
    """Spearman of strings = Pearson of (F(v) + F(v-))/2 under p+; the limit has the sign of rho, |limit| <= |rho|."""
    found = FiniteModel.of(aligned)
    assume(not found.mean.constant.log_prior and not found.mean.constant.reward)
    q, log_prior, reward = (floats(v) for v in (found.numbers.prob, found.numbers.log_prior, found.numbers.reward))

    def ranks(values: np.ndarray) -> np.ndarray:
        gap = values[:, None] - values[None, :]
        middle: np.ndarray = (gap > 1e-9) @ q + (np.abs(gap) <= 1e-9) @ q / 2
        return middle - q @ middle

    one, two = ranks(log_prior), ranks(reward)
    expected = q @ (one * two) / math.sqrt((q @ one**2) * (q @ two**2))
    assert float(corpus_rank_moments(aligned, 1).correlation) == pytest.approx(expected, abs=1e-9)
    rho = found.mean.correlation
    limit = rank_correlation_limit(rho)
    assert not limit * rho < 0
    assert not abs(limit) > abs(rho)


def test_figures_of_the_rank_model() -> None:
    """C7: strings -.488, corpora +.465; already at N = 3 the sign has changed, certainly."""
    found = FiniteModel.of(examples.c7())
    by_size = [corpus_rank_moments(found.aligned, size) for size in (1, 2, 3, 40)]
    assert [m.cov > 0 for m in by_size] == [False, False, True, True]
    assert float(by_size[0].correlation) == pytest.approx(-0.488, abs=5e-4)
    assert float(by_size[3].correlation) == pytest.approx(0.45497, abs=1e-5)
    assert float(rank_correlation_limit(found.mean.correlation)) == pytest.approx(0.465, abs=5e-4)


def test_no_smaller_model_changes_its_sign() -> None:
    """Three strings with weights of p and e^R up to a sum of 11, in every order: one sign; floats, by scipy."""
    for weights in itertools.product(range(1, 7), repeat=6):
        p, x = np.array(weights[:3]), np.array(weights[3:])
        if sum(weights) > 11 or len(set(weights[:3])) == 1 or len(set(weights[3:])) == 1 or (np.diff(p) < 0).any():
            continue
        q = p * x
        log_prior, reward = np.log(p), np.log(x)
        centred = [v - q @ v / q.sum() for v in (log_prior, reward)]
        ranks = [stats.rankdata(np.repeat(v, q)) for v in (p, x)]
        product = (q @ (centred[0] * centred[1])) * np.cov(*ranks)[0, 1]
        assert product > -1e-12
