"""Confidence sets against their definitions by brute force, and against normal laws whose coverage is known."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from simulations.agreement.statistics import clopper_pearson
from simulations.arrays import Floats
from simulations.estimation import intervals
from simulations.estimation.intervals import ANY, FEWEST, NOTHING, correlation, mean, ratio, verdict_of
from theory.report.records import Estimate

T7 = 2.3646242515927844
"""Student's quantile at 97.5 % and 7 degrees of freedom, from a table; and at 6."""
T6 = 2.4469118511449692


def rows(seed: int, count: int, prompts: int = 8) -> list[Floats]:
    """So many columns of normal numbers."""
    return list(np.random.default_rng(seed).normal(size=(count, prompts)))


# --- means --------------------------------------------------------------------------------------------------------


def test_a_symmetric_sample_has_students_interval() -> None:
    """Skewness 0: mean +- t s / sqrt P at P - 2 degrees of freedom."""
    values = np.array([-3.0, -2, -1, -0.5, 0.5, 1, 2, 3]) + 5
    found = mean(values)
    radius = T6 * values.std(ddof=1) / math.sqrt(8)
    assert found.bounds == pytest.approx((5, 5 - radius, 5 + radius), abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_halls_polynomial_at_the_ends(seed: int) -> None:
    """At either end T + g T^2 / (3 sqrt P) + g^2 T^3 / (27 P) + g / (6 sqrt P) is Student's quantile."""
    values = np.random.default_rng(seed).gamma(0.5, size=8)
    value, low, high = mean(values).bounds
    g, n = float(stats.skew(values, bias=False)), 8
    g = min(max(g, -math.sqrt(n)), math.sqrt(n))
    for end, sign in ((low, 1), (high, -1)):
        t = math.sqrt(n) * (value - end) / values.std(ddof=1)
        shape = t + g * t**2 / (3 * math.sqrt(n)) + g**2 * t**3 / (27 * n) + g / (6 * math.sqrt(n))
        assert shape == pytest.approx(sign * T6, abs=1e-9)


def test_a_skewed_law_is_covered_better_than_by_student() -> None:
    """Gamma(1/4) at 8 prompts, 2,000 runs: Student's interval misses far more often, and on one side."""
    rng = np.random.default_rng(3)
    plain = corrected = 0
    for _ in range(2000):
        values = rng.gamma(0.25, size=8)
        _, low, high = mean(values).bounds
        corrected += low <= 0.25 <= high
        plain += abs(values.mean() - 0.25) <= T7 * values.std(ddof=1) / math.sqrt(8)
    assert corrected > plain + 40


def test_equal_values_have_an_interval_without_width() -> None:
    """Nothing varies: what there is is known."""
    assert mean(np.full(9, 2.5)) == Estimate(2.5, 2.5, 2.5)


# --- ratios -------------------------------------------------------------------------------------------------------


def in_set(found: Estimate, value: float) -> bool:
    """Whether a set that an estimate states holds a value."""
    if found.low is not None and found.high is not None:
        return found.low <= value <= found.high
    if found.outside is not None:
        return not found.outside[0] < value < found.outside[1]
    assert found.note == ANY
    return True


def accepted(u: Floats, v: Floats, value: float) -> bool:
    """The t test of E (u - value v) = 0."""
    residual = u - value * v
    return bool(abs(residual.mean()) <= T7 * residual.std(ddof=1) / math.sqrt(8))


@pytest.mark.parametrize("level", [3.0, 0.7, 0.2, 0.0])
def test_fiellers_set_is_the_inverted_t_test(level: float) -> None:
    """Intervals, complements of intervals and whole lines, each as the t test says at 400 values."""
    kinds = set()
    for seed in range(30):
        u, v = rows(seed, 2)
        u, v = u + level / 2 + v / 3, v + level
        found = ratio(u, v)
        kinds.add("between" if found.low is not None else "outside" if found.outside is not None else "all")
        for value in np.tan(np.linspace(-1.55, 1.55, 400)):
            assert in_set(found, value) == accepted(u, v, value)
    assert kinds >= ({"between"} if level == 3 else {"outside", "all"} if level == 0 else {"between", "outside"})


def covered(interval: Callable[[Floats, Floats], tuple[float, float] | Estimate], level: float, runs: int) -> int:
    """In how many runs of normal (u, v) with means (level, level) the set holds 1."""
    hits = 0
    for stream in np.random.default_rng(11).spawn(runs):
        u, v = stream.normal(level, 1, size=(2, 8))
        found = interval(u, v)
        hits += in_set(found, 1.0) if isinstance(found, Estimate) else found[0] <= 1 <= found[1]
    return hits


def by_jackknife(u: Floats, v: Floats) -> tuple[float, float]:
    """The interval that was printed before: value +- t times the jackknife's error."""
    left = (u.sum() - u) / (v.sum() - v)
    error = math.sqrt(7 / 8 * ((left - left.mean()) ** 2).sum())
    return u.mean() / v.mean() - T7 * error, u.mean() / v.mean() + T7 * error


@pytest.mark.parametrize("level", [2.0, 0.5, 0.1])
def test_fieller_covers_normal_ratios_exactly(level: float) -> None:
    """95 % whatever the denominator, within the exact binomial bounds at 1e-6."""
    assert 0.95 in clopper_pearson(covered(ratio, level, 2000), 2000, 1e-6)


def test_the_jackknife_of_a_ratio_does_not() -> None:
    """The control: at a denominator of half a standard deviation."""
    assert 0.95 not in clopper_pearson(covered(by_jackknife, 0.5, 2000), 2000, 1e-6)


# --- correlations -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
def test_a_correlations_set_is_the_inverted_test(seed: int) -> None:
    """All rho with |mean(u - rho v)| <= t sd(u - rho v) / sqrt P, cut to [-1, 1]."""
    c, a, b = rows(seed, 3)
    c, a, b = 0.3 * c + 0.4, (0.5 * a) ** 2 + 0.5, (0.5 * b) ** 2 + 0.5
    found = correlation(c, a, b)
    u, v = c / math.sqrt(a.mean() * b.mean()), (a / a.mean() + b / b.mean()) / 2
    assert found.value == pytest.approx(u.mean())
    for value in np.linspace(-1, 1, 401):
        residual = u - value * v
        inside = abs(residual.mean()) <= T7 * residual.std(ddof=1) / math.sqrt(8)
        assert (found.low <= value <= found.high) == inside


def test_a_variance_that_may_be_zero() -> None:
    """No value where it is estimated at 0 or below, any correlation where it varies by its own size."""
    c, a, b = (np.abs(v) for v in rows(1, 3))
    assert correlation(c, a - a.mean() - 1, b).value is None
    wild = np.array([50.0] + [1e-3] * 7)
    found = correlation(c, wild, wild)
    assert (found.low, found.high) == (-1, 1)
    assert "any correlation" in str(found.note)


# --- what has no interval -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("prompts", range(1, FEWEST))
def test_too_few_prompts(prompts: int) -> None:
    """A value, no interval, and the number that one needs."""
    c, a, b = (np.abs(v) + 1 for v in rows(2, 3, prompts))
    for found in (mean(c), ratio(c, a), correlation(c, a, b)):
        assert found.value is not None
        assert (found.low, found.high, found.note) == (None, None, "too few prompts: 8 needed")


def test_what_does_not_exist() -> None:
    """No prompts, infinite numbers, a denominator of 0."""
    u, v = rows(3, 2)
    infinite = np.where(np.arange(8) == 3, -np.inf, u)
    nan = np.where(np.arange(8) == 3, np.nan, u)
    for bad in (infinite, nan, np.zeros(0)):
        assert mean(bad) == NOTHING
        assert ratio(bad, v[: len(bad)]) == NOTHING
        reason = NOTHING if len(bad) else intervals.ALONE
        assert correlation(bad, v[: len(bad)], v[: len(bad)]) == reason
    assert ratio(u, np.zeros(8)) == NOTHING
    assert ratio(u, np.full(8, 1e-13), intervals.NOISE) == NOTHING


# --- verdicts -----------------------------------------------------------------------------------------------------

UP, DOWN = math.nextafter(0, 1), math.nextafter(-1, -2)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (-1.0, 0.0, "no"),
        (-0.5, -0.5, "no"),
        (-1.0, -1.0, "no"),
        (0.0, 0.0, "no"),
        (UP, 3.0, "yes"),
        (-3.0, DOWN, "yes"),
        (0.0, 3.0, "undecided"),
        (0.0, UP, "undecided"),
        (-3.0, -1.0, "undecided"),
        (DOWN, -1.0, "undecided"),
        (DOWN, 0.0, "undecided"),
        (-1.0, UP, "undecided"),
        (-2.0, 1.0, "undecided"),
        (None, None, "undecided"),
    ],
)
def test_verdicts_at_every_edge(low: float | None, high: float | None, verdict: str) -> None:
    """yes outside [-1, 0], no inside it, both with their ends; else undecided."""
    assert verdict_of(Estimate(None if low is None else (low + (high or 0)) / 2, low, high)) == verdict
