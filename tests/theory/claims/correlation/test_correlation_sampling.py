"""correlation.rank and correlation.bootstrap: a property each, figures, and controls whose witnesses replay."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from flint import fmpq
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from tests.strategies import tables
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import floats
from theory.claims.claim import Claim, Control, Profile, Verdict, run, run_control
from theory.claims.correlation.models import joint_of
from theory.claims.instances import replay
from theory.claims.registry import find
from theory.corpora.resampling import corpus_rank_moments, pools, rank_correlation_limit
from theory.examples import finite as examples
from theory.models.finite import FiniteModel

CLAIMS = find(["correlation.rank", "correlation.bootstrap"])

RANK, BOOTSTRAP = CLAIMS
_PAIRS = [(claim, control) for claim in CLAIMS for control in claim.controls]


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


@given(tables(2, 3, 4), st.integers(2, 3))
def test_bootstrap(aligned: Aligned, pool: int) -> None:
    """Corr(Lbar, Rbar | pool) = Corr(pool), Var(Lbar) = (1 + N/(n - 1)) E Var(Lbar | pool): ordered pools, N = 2."""
    found = FiniteModel.of(aligned)
    assume(not found.mean.constant.log_prior and not found.mean.constant.reward)
    law = joint_of(found)
    mean_l = found.mean.mean_log_prior
    error = shown = found.numbers.log_partition * 0
    for members in itertools.product(range(len(aligned)), repeat=pool):
        prob = math.prod((law.prob[k] for k in members), start=fmpq(1))
        values = [[v[k] for k in members] for v in (law.log_prior, law.reward)]
        means = [[(v[i] + v[j]) / 2 for i, j in itertools.product(range(pool), repeat=2)] for v in values]
        covariances = [_covariance(*v) for v in (values, means)]
        assert (covariances[0] - covariances[1] * 2).contains(0)
        shown += prob * _covariance(means[0], means[0])
        error += prob * sum((v - mean_l) * (v - mean_l) for v in means[0]) / pool**2
    assert (error - shown * (1 + fmpq(2, pool - 1))).contains(0)


def _covariance(one: list, two: list) -> object:
    return sum(a * b for a, b in zip(one, two, strict=True)) / len(one) - sum(one) * sum(two) / len(one) ** 2


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


def test_two_pools_of_one_law_differ() -> None:
    """C7, pools of 3: their correlations run from -1 to +1, that of p+ is .482."""
    found = FiniteModel.of(examples.c7())
    matrices = [part.covariance() for part in pools(joint_of(found), 3).parts]
    values = [float(m.correlation) for m in matrices if m.var_log_prior > 0 and m.var_reward > 0]
    assert min(values) == pytest.approx(-1)
    assert max(values) == pytest.approx(1)
    assert float(found.mean.correlation) == pytest.approx(0.4822, abs=1e-4)


@pytest.mark.parametrize(("claim", "verdict"), [(RANK, Verdict.TESTED), (BOOTSTRAP, Verdict.PROVED)])
def test_verdict(claim: Claim, verdict: Verdict) -> None:
    result = run(claim, Profile("quick"))
    assert result.verdict is verdict
    assert result.as_expected


@pytest.mark.parametrize(("claim", "control"), _PAIRS, ids=lambda value: getattr(value, "name", ""))
def test_control_is_refuted_and_replays(claim: Claim, control: Control) -> None:
    result = run_control(control, Profile("quick"))
    assert result.verdict is Verdict.REFUTED
    assert result.witness is not None
    assert "fails" in [finding.outcome for finding in control.check(replay(result.witness.spec))]


def test_smallest_witnesses() -> None:
    witnesses = {control.name: run_control(control, Profile("quick")).witness for _, control in _PAIRS}
    assert {name: w.case for name, w in witnesses.items() if w is not None} == {
        "same-sign": "p = (1, 2, 3), e^R = (1, 3, 2)",
        "kendall": "C7",
        "no-understatement": "p = (1, 2), e^R = (1, 2)",
        "divided-by-n": "p = (1, 2), e^R = (1, 2)",
        "without-replacement": "p = (1, 2), e^R = (1, 2)",
        "pool-is-the-law": "p = (1, 1, 2), e^R = (1, 2, 1)",
    }
