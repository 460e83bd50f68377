"""Rewards R = a + log x, kept exact: sums multiply e^R, and -inf absorbs."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp

from tests.reference import real
from tests.strategies import rationals
from theory.language_models.rewards import REMOVED, Reward, exp_reward, reward_over_beta, total_reward

SIGNED = st.builds(fmpq, st.integers(-9, 9), st.integers(1, 6))
REWARDS = st.builds(Reward, SIGNED, rationals())


def nats(reward: Reward) -> Any:
    """a + log x at the working precision of mpmath; -inf for x = 0."""
    return real(reward.exponent) + mp.log(real(reward.factor)) if reward.factor else mp.ninf


@given(st.lists(REWARDS, max_size=5), st.randoms(use_true_random=False))
def test_total_reward_is_the_sum(parts: list[Reward], shuffle: Any) -> None:
    """R = sum R_k in nats, in any order; no parts earn 0."""
    whole = total_reward(parts)
    with mp.workdps(60):
        assert abs(nats(whole) - mp.fsum(map(nats, parts))) < 1e-50
    shuffle.shuffle(parts)
    assert total_reward(parts) == whole
    assert total_reward([]) == Reward() == Reward(fmpq(0), fmpq(1))


@given(st.lists(REWARDS, max_size=4), st.integers(0, 4))
def test_minus_infinity_absorbs(parts: list[Reward], place: int) -> None:
    """-inf + R = -inf, wherever it stands; no finite rewards make it."""
    assert not total_reward(parts).removes
    assert total_reward([*parts[:place], REMOVED, *parts[place:]]).removes


@given(SIGNED, rationals())
def test_reward_over_beta(r: fmpq, beta: fmpq) -> None:
    """R = r / beta, so e^R = e^{r/beta}; beta R and beta R' of r and r' add up to r + r'."""
    for written in (r, str(r)):
        found = reward_over_beta(written, beta)
        assert found == Reward(exponent=r / beta)
        assert not found.removes
    assert reward_over_beta(r, beta) + reward_over_beta(2 * r, beta) == reward_over_beta(3 * r, beta)


def test_numbers_are_read_exactly() -> None:
    """0.1 is 1/10, whatever binary makes of it."""
    assert reward_over_beta(0.1, fmpq(1)) == reward_over_beta("1/10", fmpq(1)) == Reward(fmpq(1, 10))
    assert reward_over_beta(-3, fmpq(2)) == Reward(fmpq(-3, 2))
    assert exp_reward(0.1) == exp_reward("1/10") == Reward(factor=fmpq(1, 10))


@given(rationals())
def test_exp_reward_is_the_factor(x: fmpq) -> None:
    """R = log x; the product of e^R is the e^R of the sum, exactly."""
    assert exp_reward(x) == exp_reward(str(x)) == Reward(factor=x)
    assert exp_reward(x) + exp_reward(1 / x) == Reward()


@pytest.mark.parametrize("value", ["-inf", "-Infinity", " -INF ", -math.inf])
def test_minus_infinity_removes(value: str | float) -> None:
    assert reward_over_beta(value, fmpq(3)) == REMOVED
    assert REMOVED.removes


def test_an_exponentiated_zero_removes() -> None:
    for zero in (0, "0", 0.0, "0/5"):
        assert exp_reward(zero) == REMOVED


@pytest.mark.parametrize("value", ["inf", "+inf", "infinity", math.inf, math.nan, "nan", "good", "", "1/0", True])
def test_what_is_no_reward_is_refused(value: Any) -> None:
    """The message says what arrived."""
    for read in (lambda v: reward_over_beta(v, fmpq(1)), exp_reward):
        with pytest.raises(ValueError, match=r"number|denominator 0") as caught:
            read(value)
        assert str(value) in str(caught.value)


@pytest.mark.parametrize("value", [-1, "-1/2", -0.25, "-inf", -math.inf])
def test_a_negative_exponential_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"-1|-0\.25|-inf"):
        exp_reward(value)
    with pytest.raises(ValueError, match=r"e\^\(r/beta\) must be >= 0, got -1/3"):
        Reward(factor=fmpq(-1, 3))


def test_rewards_compare_by_value() -> None:
    pool = [Reward(fmpq(a), fmpq(x)) for a, x in itertools.product((0, 1), (1, 2))]
    assert len(set(pool)) == 4
    assert {Reward(fmpq(2, 2), fmpq(4, 2))} <= set(pool)
