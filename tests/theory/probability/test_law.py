"""Finite laws: what is refused and why, and moments along a second route in three arithmetics."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import weights
from theory.arithmetic.exact import Array, ball, balls, floats, objects
from theory.probability.law import Law, check_distinct, check_sums_to_one

SIXTH = fmpq(1, 6)
VALUES = st.builds(fmpq, st.integers(-9, 9), st.integers(1, 5))


def law(values: list[int]) -> Law:
    return Law.of({f"y{k}": fmpq(v) for k, v in enumerate(values)})


def zero(value: Any) -> bool:
    """Whether a ball holds 0 and is tight."""
    return bool(arb(value).contains(0)) and float(arb(value).rad()) < 1e-60


@given(st.lists(st.integers(0, 12), min_size=1, max_size=8).filter(any))
def test_law_of_weights(values: list[int]) -> None:
    """p(y) = w(y) / sum w on the outcomes of positive weight, in the order given; alike in every arithmetic."""
    named = {f"y{k}": v for k, v in enumerate(values)}
    expected = {name: fmpq(v, sum(values)) for name, v in named.items() if v}
    exact = Law.of({name: fmpq(v) for name, v in named.items()})
    assert dict(zip(exact.support, exact.prob, strict=True)) == expected
    assert list(exact.support) == list(expected)
    assert len(exact) == len(expected)
    for found in (Law.of(named), Law.of({name: float(v) for name, v in named.items()}), exact.floats()):
        assert found.support == exact.support
        assert found.prob.dtype == np.float64
        assert np.allclose(found.prob, floats(exact.prob), rtol=1e-15, atol=0)
    for found in (Law.of({name: arb(v) for name, v in named.items()}), exact.balls()):
        assert found.support == exact.support
        assert all(zero(p - q) for p, q in zip(found.prob, exact.prob, strict=True))


@given(st.data(), weights(1))
def test_moments(data: Any, values: list[int]) -> None:
    """E f = sum p f, Cov(f, g) = E fg - E f E g = (1/2) sum sum p p' (f - f')(g - g'); floats and balls agree."""
    p = law(values)
    f, g = (objects(data.draw(VALUES) for _ in values) for _ in range(2))
    mean = sum((w * x for w, x in zip(values, f, strict=True)), start=fmpq(0)) / sum(values)
    pairs = itertools.product(range(len(values)), repeat=2)
    crossed = sum((p.prob[i] * p.prob[j] * (f[i] - f[j]) * (g[i] - g[j]) for i, j in pairs), start=fmpq(0)) / 2
    assert p.mean(f) == mean
    assert p.covariance(f, g) == p.covariance(g, f) == crossed == p.mean(f * g) - p.mean(f) * p.mean(g)
    assert p.variance(f) == p.mean(f * f) - mean * mean
    assert zero(p.balls().covariance(balls(f), balls(g)) - crossed)
    assert abs(p.floats().covariance(floats(f), floats(g)) - float(ball(crossed))) < 1e-12


ARITHMETICS: list[Callable[[fmpq], Any]] = [fmpq, ball, lambda q: float(ball(q))]


@pytest.mark.parametrize("number", ARITHMETICS, ids=["rationals", "balls", "floats"])
@pytest.mark.parametrize("bad", [fmpq(0), -SIXTH])
def test_a_probability_that_is_not_positive_is_refused(number: Callable[[fmpq], Any], bad: fmpq) -> None:
    values = [number(2 * SIXTH), number(bad), number(4 * SIXTH - bad)]
    prob: Array = np.array(values) if isinstance(values[0], float) else objects(values)
    with pytest.raises(ValueError, match="the probability of 'birch' must be > 0, got"):
        Law(("maple", "birch", "cedar"), prob)


@pytest.mark.parametrize("bad", [arb(0, 1), arb("nan"), float("nan")])
def test_a_probability_that_may_be_zero_is_refused(bad: Any) -> None:
    """A ball around 0 is not certainly positive, and nan is no probability."""
    with pytest.raises(ValueError, match="the probability of 'birch' must be > 0, got"):
        Law(("maple", "birch"), objects([ball(1), bad]) if isinstance(bad, arb) else np.array([1.0, bad]))


@pytest.mark.parametrize(
    "weights",
    [
        {"maple": 1, "birch": -3},
        {"maple": 3.0, "birch": -1.0, "cedar": 1.0},
        {"maple": fmpq(1), "birch": fmpq(-1)},
        {"maple": fmpq(1), "birch": fmpq(-2)},
        {"maple": 1.0, "birch": float("nan")},
        {"maple": 1.0, "birch": float("inf")},
    ],
)
def test_a_bad_weight_is_named(weights: dict[str, Any]) -> None:
    """The message names the negative or infinite weight itself, whatever it does to the total."""
    with pytest.raises(ValueError, match="birch"):
        Law.of(weights)


def test_a_weight_that_may_be_zero_is_not_left_out() -> None:
    """A ball around 0 is a weight of unknown sign: to leave it out would be a guess."""
    with pytest.raises(ValueError, match="birch"):
        Law.of({"maple": arb(1), "birch": arb(0, 1)})


def test_an_empty_law_is_refused() -> None:
    for empty in ({}, {"maple": 0}, {"maple": fmpq(0)}, {"maple": 0.0}):
        with pytest.raises(ValueError, match="a law needs at least one outcome"):
            Law.of(empty)
    with pytest.raises(ValueError, match="a law needs at least one outcome"):
        Law((), np.array([]))


def test_names_and_probabilities_must_match() -> None:
    with pytest.raises(ValueError, match="2 outcomes but 1 probabilities"):
        Law(("maple", "birch"), np.array([1.0]))
    with pytest.raises(ValueError, match="'birch' occurs twice"):
        Law(("maple", "birch", "birch"), objects([fmpq(1, 3)] * 3))
    with pytest.raises(ValueError, match="'cedar' occurs twice"):
        check_distinct(["maple", "cedar", "birch", "cedar", "birch"])
    check_distinct([])


def test_rationals_must_sum_to_exactly_one() -> None:
    third, tiny = fmpq(1, 3), fmpq(1, 10**40)
    check_sums_to_one(objects([third] * 3))
    for total, prob in ((1 - tiny, [third, third, third - tiny]), (fmpq(7, 8), [fmpq(1, 2), fmpq(3, 8)])):
        with pytest.raises(ValueError, match=f"must sum to 1, got {total}; use Law.of"):
            check_sums_to_one(objects(prob))


def test_balls_must_enclose_one() -> None:
    check_sums_to_one(objects([arb(1) / 3] * 3))
    check_sums_to_one(objects([arb(1) / 3, fmpq(2, 3)]))
    for prob in ([arb(1) / 3, arb(1) / 3], [arb(1) / 3, arb(2) / 3 + arb("1e-60")]):
        with pytest.raises(ValueError, match=r"must sum to 1, got .*; use Law.of"):
            check_sums_to_one(objects(prob))


def test_floats_sum_to_one_within_a_billionth() -> None:
    for slack in (0.0, 9e-10, -9e-10):
        check_sums_to_one(np.array([0.5, 0.5 + slack]))
    for total in (1.1, 1 - 2e-9, 1 + 2e-9, float("inf"), float("nan")):
        with pytest.raises(ValueError, match=r"must sum to 1, got .*; use Law.of"):
            check_sums_to_one(np.array([0.5, total - 0.5]))
