"""Estimates within a prompt: exact expectations over all samples of small laws, and literal loops."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from simulations.arrays import Floats
from simulations.estimation.prompts import (
    Prompts,
    acceptances,
    largest_over_mean,
    rank_moments,
    relative_variance,
    strings_needed,
    total,
)
from simulations.estimation.strings import Strings

CLOSE = 1e-9


def strings(prompt: Sequence[int] | Floats, **others: Any) -> Strings:
    """Strings of one setting of which only the prompts matter."""
    size = len(prompt)
    zeros = np.zeros(size)
    fields: dict[str, Any] = {
        "setting": np.zeros(size, dtype=np.int64),
        "log_prior": zeros,
        "log_aligned": zeros,
        "log_weight": np.zeros((1, size)),
        "log_normaliser": np.zeros((1, size)),
        "reward": zeros,
        "length": np.ones(size, dtype=np.int64),
        "ended": np.ones(size, dtype=bool),
    }
    return Strings(prompt=np.array(prompt, dtype=np.int64), **(fields | others))


def one_prompt(size: int) -> Prompts:
    """So many strings after one prompt."""
    return Prompts.of(strings([7] * size))


def samples(prob: Sequence[float], size: int) -> Iterator[tuple[list[int], float]]:
    """Every sample of so many outcomes, with its probability."""
    for drawn in itertools.product(range(len(prob)), repeat=size):
        yield list(drawn), math.prod(prob[k] for k in drawn)


LAW = np.array([0.5, 0.3, 0.2])
ONE, TWO = np.array([1.0, -2.0, 4.0]), np.array([3.0, 0.5, -1.0])
EXACT = float(LAW @ (ONE * TWO) - (LAW @ ONE) * (LAW @ TWO))


def expected(statistic: Callable[[list[int]], float], size: int) -> float:
    """Its expectation over all samples of LAW."""
    return sum(weight * statistic(drawn) for drawn, weight in samples(LAW.tolist(), size))


# --- covariances --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [2, 3, 4])
def test_a_covariance_within_a_prompt_has_no_bias(size: int) -> None:
    """E over all samples is Cov, whatever their number; the covariance over n instead is (n - 1)/n of it."""
    found = expected(lambda k: float(one_prompt(size).covs(ONE[k], TWO[k])[0]), size)
    assert found == pytest.approx(EXACT, abs=CLOSE)
    plain = expected(lambda k: float(np.cov(ONE[k], TWO[k], ddof=0)[0, 1]), size)
    assert plain == pytest.approx(EXACT * (size - 1) / size, abs=CLOSE)


def test_prompts_of_one_string_have_no_covariance() -> None:
    """They are left out; means keep them."""
    prompts = Prompts.of(strings([4, 4, 9, 2, 2, 2]))
    values = np.array([1.0, 3.0, 8.0, 0.0, 3.0, 6.0])
    assert prompts.names.tolist() == [2, 4, 9]
    assert prompts.means(values).tolist() == [3, 2, 8]
    assert prompts.covs(values, values).tolist() == [9, 2]
    assert prompts.strings == 2


# --- the correction of ratios -------------------------------------------------------------------------------------


def ratio_of(weight: Floats, values: Floats) -> float:
    """A mean under weights."""
    return float((weight * values).sum() / weight.sum())


def corrected(size: int, weight: Floats, values: Floats) -> float:
    """The same by the code under test."""
    return float(one_prompt(size).corrected(lambda w, v, _: v / w, weight, weight * values)[0])


@given(st.integers(2, 6), st.integers(0, 1000))
def test_the_correction_by_loops(size: int, seed: int) -> None:
    """n f(all) - (n - 1) mean of f without one."""
    rng = np.random.default_rng(seed)
    weight, values = rng.gamma(1.0, size=size) + 0.01, rng.normal(size=size)
    left = [ratio_of(np.delete(weight, k), np.delete(values, k)) for k in range(size)]
    by_hand = size * ratio_of(weight, values) - (size - 1) * float(np.mean(left))
    assert corrected(size, weight, values) == pytest.approx(by_hand, abs=1e-8)


def test_the_correction_lowers_the_order_of_the_bias() -> None:
    """Twice the strings halve the plain bias and quarter what is left of it; and it is smaller to begin with."""
    weight = np.array([1.0, 2.0, 4.0])
    exact = float((LAW * weight) @ ONE / (LAW @ weight))
    plain, better = (
        [abs(expected(lambda k, n=n, f=f: f(n, weight[k], ONE[k]), n) - exact) for n in (4, 8)]
        for f in (lambda n, w, v: ratio_of(w, v), corrected)
    )
    assert plain[1] / plain[0] > 0.4
    assert better[1] / better[0] < 0.3
    assert better[1] < plain[1] / 5


def test_a_single_string_cannot_be_corrected() -> None:
    """NaN, where others have their value."""
    prompts = Prompts.of(strings([0, 1, 1]))
    found = prompts.corrected(lambda v, n: v / n, np.array([3.0, 1.0, 2.0]))
    assert np.isnan(found[0])
    assert found[1] == pytest.approx(1.5)


# --- acceptance ---------------------------------------------------------------------------------------------------


def accepted(weight: Floats) -> float:
    """E min(w, w') / E w over pairs of different strings."""
    pairs = [min(a, b) for a, b in itertools.permutations(weight.tolist(), 2)]
    return float(np.mean(pairs) / np.mean(weight))


@given(st.lists(st.integers(1, 30), min_size=3, max_size=7), st.integers(-300, 300))
def test_acceptance_by_loops(weights: list[int], level: int) -> None:
    """Pairs of different strings, corrected by leaving out one string; a factor of the weights does not matter."""
    weight, size = np.array(weights, dtype=np.float64), len(weights)
    left = float(np.mean([accepted(np.delete(weight, k)) for k in range(size)]))
    by_hand = size * accepted(weight) - (size - 1) * left
    assert acceptances(one_prompt(size), np.log(weight) + level)[0] == pytest.approx(by_hand, abs=1e-8)


def test_acceptances_of_several_prompts_at_once() -> None:
    """Each prompt alone gives the same; fewer than three strings give NaN; the order does not matter."""
    rng = np.random.default_rng(2)
    prompt, log_weight = rng.integers(0, 4, size=30), rng.normal(size=30)
    prompt = np.concatenate([prompt, [9, 9]])
    log_weight = np.concatenate([log_weight, [0.1, 0.2]])
    found = acceptances(Prompts.of(strings(prompt)), log_weight)
    for place, x in enumerate(range(4)):
        own = log_weight[prompt == x]
        assert found[place] == pytest.approx(acceptances(one_prompt(len(own)), own)[0], abs=CLOSE)
    assert np.isnan(found[4])
    order = rng.permutation(32)
    again = acceptances(Prompts.of(strings(prompt[order])), log_weight[order])
    assert again[:4] == pytest.approx(found[:4], abs=CLOSE)


def test_acceptance_is_less_biased_than_with_the_string_itself() -> None:
    """1 - Gini, where a string is proposed to itself, is high by (1 - A) / n; the corrected one by far less."""
    weight = np.array([1.0, 2.0, 4.0])
    exact = float((LAW[:, None] * LAW * np.minimum.outer(weight, weight)).sum() / (LAW @ weight))

    def gini(k: list[int]) -> float:
        return float(np.minimum.outer(weight[k], weight[k]).mean() / weight[k].mean())

    plain = expected(gini, 6) - exact
    better = expected(lambda k: float(acceptances(one_prompt(6), np.log(weight[k]))[0]), 6) - exact
    assert plain > 0.02
    assert abs(better) < plain / 10


# --- weights ------------------------------------------------------------------------------------------------------


def test_how_many_strings_weights_need() -> None:
    """Var w / (E w)^2 = 1/4 for weights 1 and 3 alike: 39.9 x 16^(1/4) / 4 = 19.95; the largest is 3/2 of the mean."""
    prompt = np.repeat(np.arange(16), 4)
    log_weight = np.tile(np.log([1.0, 3.0, 3.0, 1.0]), 16) + prompt
    prompts = Prompts.of(strings(prompt))
    assert relative_variance(prompts, log_weight) == pytest.approx(1 / 4)
    assert largest_over_mean(prompts, log_weight) == pytest.approx(3 / 2)
    assert strings_needed(prompts, log_weight, 39.9) == 20
    assert strings_needed(prompts, np.zeros(64), 40.0) == 0


# --- over all prompts ---------------------------------------------------------------------------------------------


def test_a_covariance_over_all_prompts_has_no_bias() -> None:
    """Three prompts drawn from two kinds with two strings each: E over every draw is the covariance of the mixture."""
    kinds = np.array([[0.5, 0.5], [0.2, 0.8]])
    one, two = np.array([[0.0, 2.0], [3.0, 1.0]]), np.array([[1.0, -1.0], [0.0, 5.0]])
    share = kinds / 2
    exact = float((share * one * two).sum() - (share * one).sum() * (share * two).sum())
    prompts, found, plain = Prompts.of(strings(np.repeat(np.arange(3), 2))), 0.0, 0.0
    for kind in itertools.product(range(2), repeat=3):
        who = np.repeat(kind, 2)
        for drawn in itertools.product(range(2), repeat=6):
            weight = float(np.prod(kinds[who, drawn])) / 8
            a, b = one[who, drawn], two[who, drawn]
            found += weight * float(total(prompts, a, b).mean())
            plain += weight * float(np.cov(a, b, ddof=0)[0, 1])
    assert found == pytest.approx(exact, abs=CLOSE)
    assert abs(plain - exact) > 0.05


def test_pseudo_values_of_a_total_covariance() -> None:
    """P times the whole less (P - 1) times the rest, by loops over pairs of different prompts."""
    rng = np.random.default_rng(4)
    prompt = rng.integers(0, 5, size=25)
    one, two = rng.normal(size=(2, 25))

    def covariance(kept: set[int]) -> float:
        means = {x: (one[prompt == x].mean(), two[prompt == x].mean()) for x in kept}
        both = np.mean([(one * two)[prompt == x].mean() for x in kept])
        return float(both - np.mean([means[x][0] * means[y][1] for x, y in itertools.permutations(kept, 2)]))

    by_hand = [5 * covariance({*range(5)}) - 4 * covariance({*range(5)} - {x}) for x in range(5)]
    assert total(Prompts.of(strings(prompt)), one, two) == pytest.approx(by_hand, abs=CLOSE)


def test_two_prompts_have_no_pseudo_values() -> None:
    """Leaving one out leaves no pair."""
    assert np.isnan(total(Prompts.of(strings([0, 0, 1, 1])), np.arange(4.0), np.arange(4.0))).all()


@pytest.mark.parametrize("count", [5, 130])
def test_ranks_by_scipy(count: int) -> None:
    """Pseudo-values of the moments of mid-ranks, ties included, one prompt or one of 64 groups of prompts left out."""
    rng = np.random.default_rng(count)
    prompt = np.repeat(np.arange(count), 4)
    one, two = rng.integers(0, 9, size=(2, len(prompt))).astype(float)
    group = prompt % min(count, 64)

    def moments(kept: Any) -> Floats:
        ranks = [stats.rankdata(v[kept]) / kept.sum() for v in (one, two)]
        return np.cov(*ranks, ddof=0)[[0, 0, 1], [1, 0, 1]]

    groups = min(count, 64)
    whole = moments(np.ones(len(prompt), dtype=bool))
    by_hand = [groups * whole - (groups - 1) * moments(group != g) for g in range(groups)]
    found = rank_moments(Prompts.of(strings(prompt)), one, two)
    assert np.array(found) == pytest.approx(np.array(by_hand).T, abs=CLOSE)
    rho = whole[0] / math.sqrt(whole[1] * whole[2])
    assert rho == pytest.approx(stats.spearmanr(one, two).statistic)
