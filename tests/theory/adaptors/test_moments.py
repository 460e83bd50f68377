"""Moments of (L, R) by pairs of strings, the identities they must obey, and the one-pass float64 moments."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.strategies import models, tables, weights
from theory.adaptors.exact import adapt, chain, decide
from theory.adaptors.moments import Moments, constants, float_moments, moments
from theory.alignment.gibbs import Aligned, align
from theory.arithmetic.exact import Array, floats, objects, to_float
from theory.claims.instances import law_of
from theory.examples.finite import c4, c5, from_laws, table
from theory.language_models.rewards import Reward
from theory.language_models.tree import TreeModel
from theory.models.finite import FiniteModel

Floats = NDArray[np.float64]


def close(first: Any, second: Any) -> bool:
    """Two balls that overlap and are both narrow."""
    return bool(first.overlaps(second) and max(first.rad(), second.rad()) < 1e-60)


def pair_covariance(prob: Array, first: Array, second: Array) -> Any:
    """Cov(f, g) = (1/2) sum_{i, j} q_i q_j (f_i - f_j) (g_i - g_j)."""
    gaps = np.subtract.outer(first, first) * np.subtract.outer(second, second)
    return (np.multiply.outer(prob, prob) * gaps).sum() / 2


def check_definitions(aligned: Aligned, law: Any, found: Moments) -> None:
    """Every field by its definition, variances by pairs."""
    numbers = aligned.balls()
    q = law.prob
    log_prior, reward, surprisal = (v[law.string] for v in (numbers.log_prior, numbers.reward, numbers.surprisal))
    expected = {
        "mean_log_prior": (q * log_prior).sum(),
        "mean_reward": (q * reward).sum(),
        "entropy": -(q * np.log(q)).sum(),
        "cross_entropy": -(q * np.log(numbers.prob[law.string])).sum(),
        "kl_to_aligned": (q * np.log(q / numbers.prob[law.string])).sum(),
        "var_log_prior": pair_covariance(q, log_prior, log_prior),
        "var_reward": pair_covariance(q, reward, reward),
        "cov": pair_covariance(q, log_prior, reward),
        "var_surprisal": pair_covariance(q, surprisal, surprisal),
        "cov_log_prior_surprisal": pair_covariance(q, log_prior, surprisal),
    }
    for name, value in expected.items():
        assert close(getattr(found, name), value), name


@given(models())
def test_moments_under_the_aligned_law(aligned: Aligned) -> None:
    """E, Var and Cov under p+ by their definitions."""
    check_definitions(
        aligned, law_of(FiniteModel.of(aligned), list(aligned.balls().prob)), FiniteModel.of(aligned).mean
    )


@given(tables(), weights(6, 6))
def test_moments_under_any_law(aligned: Aligned, competitor: list[int]) -> None:
    """The same under a law that is not p+."""
    law = law_of(FiniteModel.of(aligned), [fmpq(w) for w in competitor[: len(aligned)]])
    check_definitions(aligned, law, FiniteModel.of(aligned).moments(law))


@given(models(), st.sampled_from(["temperature", "min_p"]), st.sampled_from(["local", "global"]))
def test_identities(aligned: Aligned, name: str, normalise: str) -> None:
    """CE = H(q) + KL(q || p+); E_q L + E_q R + H(q) = log Z - KL; Var I = Var L + Var R + 2 Cov; Cov(L, I)."""
    numbers = aligned.balls()
    law = adapt(numbers, decide(numbers, chain((name, "1/2"))), normalise)
    q = moments(numbers, law)
    assert close(q.cross_entropy, q.entropy + q.kl_to_aligned)
    assert close(q.mean_log_prior + q.mean_reward + q.entropy, numbers.log_partition - q.kl_to_aligned)
    assert close(q.var_surprisal, q.var_log_prior + q.var_reward + 2 * q.cov)
    assert close(q.cov_log_prior_surprisal, -(q.var_log_prior + q.cov))
    if q.exchange_coefficient is not None:
        assert close(q.exchange_coefficient * q.var_surprisal, -(q.var_log_prior + q.cov))
    if q.correlation is not None:
        assert close(q.correlation * q.correlation * q.var_log_prior * q.var_reward, q.cov * q.cov)
        assert not abs(q.correlation) > 1


@given(models())
def test_ratios_are_none_exactly_where_a_variance_is_zero(aligned: Aligned) -> None:
    """Corr needs Var L > 0 and Var R > 0, b needs Var I > 0; equal rationals decide."""
    found = FiniteModel.of(aligned).mean
    exact = aligned.exact_prob()
    assert exact is not None
    one_prior, one_weight = len(set(aligned.prior)) == 1, len(set(exact)) == 1
    one_reward = len({p / q for p, q in zip(exact, aligned.prior, strict=True)}) == 1
    assert (found.constant.log_prior, found.constant.reward) == (one_prior, one_reward)
    assert (found.correlation is None) == (one_prior or one_reward)
    assert (found.exchange_coefficient is None) == one_weight
    for constant, variance in zip(
        (one_prior, one_reward, one_weight), (found.var_log_prior, found.var_reward, found.var_surprisal), strict=True
    ):
        assert variance.contains(0) if constant else variance > 0


def test_each_variance_can_vanish() -> None:
    """p uniform, r constant, p+ uniform, and a law on one string."""
    uniform, constant = table((1, 1, 1), (1, 2, 3)), table((1, 2, 3), (2, 2, 2))
    flat = from_laws((1, 2, 3), (1, 1, 1))
    assert FiniteModel.of(uniform).mean.correlation is None
    assert FiniteModel.of(constant).mean.correlation is None
    assert FiniteModel.of(flat).mean.exchange_coefficient is None
    assert FiniteModel.of(flat).mean.correlation.overlaps(arb(-1))
    one = FiniteModel.of(uniform).moments(law_of(FiniteModel.of(uniform), [0, fmpq(1), 0]))
    assert (one.correlation, one.exchange_coefficient) == (None, None)
    assert constants(uniform, np.array([1])).surprisal


def test_equal_rewards_written_alike_are_constant() -> None:
    """1/2 + 1/3 in either order, log 2 + log 3 and log 6: one value each."""
    model = TreeModel.table(["x", "y"], objects([fmpq(1, 3), fmpq(2, 3)]))
    half, third = Reward(exponent=fmpq(1, 2)), Reward(exponent=fmpq(1, 3))
    two, three, six = (Reward(factor=fmpq(k)) for k in (2, 3, 6))
    for pair in ([half + third, third + half], [two + three, six]):
        assert FiniteModel.of(align(model, pair)).mean.constant.reward
    assert not FiniteModel.of(align(model, [half, third])).mean.constant.reward


def test_exchange_coefficients_of_c4_and_c5() -> None:
    """b = 1/2 exactly, and -1.924."""
    assert (FiniteModel.of(c4()).mean.exchange_coefficient - fmpq(1, 2)).contains(0)
    assert to_float(FiniteModel.of(c5()).mean.exchange_coefficient) == pytest.approx(-1.924, abs=5e-4)


# --- one pass in float64 ------------------------------------------------------------------------------------------


def exact_moments(prior: Floats, reward: Floats) -> dict[str, float]:
    """The moments of exactly these doubles, in balls; variances about the mean."""
    p, r = (objects(arb(float(x)) for x in values) for values in (prior, reward))
    weight = p * np.exp(r)
    total = weight.sum()
    q, log_prior = weight / total, np.log(p)
    surprisal = total.log() - log_prior - r

    def mean(values: Array) -> Any:
        return (q * values).sum()

    def covariance(first: Array, second: Array) -> Any:
        return mean((first - mean(first)) * (second - mean(second)))

    found = {
        "log_partition": total.log(),
        "entropy": mean(surprisal),
        "varentropy": covariance(surprisal, surprisal),
        "mean_log_prior": mean(log_prior),
        "mean_reward": mean(r),
        "var_log_prior": covariance(log_prior, log_prior),
        "var_reward": covariance(r, r),
        "cov": covariance(log_prior, r),
    }
    assert max(v.rad() for v in found.values()) < 1e-40
    return {name: to_float(v) for name, v in found.items()}


def check_floats(prior: Floats, reward: Floats, chunk: int = 8192) -> None:
    """Each moment within 1e-10 of its ball, relatively or absolutely."""
    found = float_moments(prior, reward, chunk)
    for name, value in exact_moments(prior, reward).items():
        assert getattr(found, name) == pytest.approx(value, rel=1e-10, abs=1e-10), name


@pytest.mark.parametrize("offset", [0, 700, -700, 10_000])
@pytest.mark.parametrize("chunk", [1, 3, 16, 8192])
def test_float_moments_beside_balls(offset: int, chunk: int) -> None:
    """Random tables of up to 60 strings, rewards with a large common offset, any chunk length."""
    rng = np.random.default_rng(20240610)
    for _ in range(20):
        n = int(rng.integers(1, 61))
        prior = rng.dirichlet(np.full(n, float(rng.choice([0.3, 1, 30])))) + 1e-300
        check_floats(prior, rng.normal(scale=float(rng.choice([0.1, 1, 5])), size=n) + offset, chunk)


@pytest.mark.parametrize("offset", [0, 700])
@pytest.mark.parametrize("size", [1e-3, 1e-6])
def test_tiny_variances(size: float, offset: float) -> None:
    """Nearly uniform p and nearly constant r: the variances, of order size^2, keep six figures."""
    rng = np.random.default_rng(7)
    prior = (1 + size * rng.uniform(-1, 1, 40)) / 40
    reward = offset + size * rng.uniform(-1, 1, 40)
    found, expected = float_moments(prior, reward), exact_moments(prior, reward)
    for name in ("var_log_prior", "var_reward", "cov", "varentropy"):
        assert 0 < expected["var_reward"] < size**2
        assert abs(getattr(found, name) - expected[name]) < 1e-6 * size**2, name


@pytest.mark.parametrize("distance", [30.0, 300.0, 3000.0])
def test_a_bulk_far_from_the_first_chunk(distance: float) -> None:
    """The first chunk carries next to no mass, and its rewards are far from those of the others."""
    reward = np.random.default_rng(5).normal(size=40)
    reward[:4] -= distance
    check_floats(np.full(40, 1 / 40), reward, chunk=4)


@given(models())
def test_float_moments_of_rational_models(aligned: Aligned) -> None:
    """On rational models the one pass agrees with the balls of ``moments``."""
    numbers, exact = aligned.floats(), FiniteModel.of(aligned)
    found = float_moments(floats(aligned.prior), numbers.reward)
    pairs = {
        "log_partition": exact.numbers.log_partition,
        "entropy": exact.mean.entropy,
        "varentropy": exact.mean.var_surprisal,
        **{name: getattr(exact.mean, name) for name in ("mean_log_prior", "mean_reward", "cov", "var_reward")},
    }
    for name, value in pairs.items():
        assert getattr(found, name) == pytest.approx(to_float(value), rel=1e-12, abs=1e-12), name


def test_moments_in_floats() -> None:
    """``moments`` takes either arithmetic."""
    aligned = c5()
    found, exact = moments(aligned.floats()), FiniteModel.of(aligned).mean
    assert found.correlation == pytest.approx(to_float(exact.correlation), rel=1e-13)
    assert found.exchange_coefficient == pytest.approx(to_float(exact.exchange_coefficient), rel=1e-13)
