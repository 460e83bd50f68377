"""Every guarantee of the statistics against the exact law of what it speaks about, almost nothing sampled.

For few draws the binomial and multinomial laws are enumerated in rationals, so that coverage and power are numbers and
not estimates. Each check takes the procedure as an argument: the module's must pass it, and a slip must fail it.
The one statement about half a million draws is simulated, with its false-failure probability computed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import cache
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import special, stats

from simulations.agreement.statistics import (
    BUDGET,
    Interval,
    Ledger,
    Summary,
    binomial_p_value,
    clopper_pearson,
    correlation_interval,
    distribution_distance,
    dkw_radius,
    dkw_sample_size,
    empirical_bernstein,
    empirical_bernstein_of,
    event_sample_size,
    g_critical,
    g_p_value,
    half_g,
    law_sample_size,
    log_e_value,
    mean_sample_size,
)
from tests.strategies import weights

TIE = 1e-9
"""Attained values closer than this are one value; it only ever makes a tail larger, that is, a check stricter."""

ALPHAS = (0.5, 0.2, 0.05, 0.01, 1e-3)
CHANCES = st.builds(lambda a, b: Fraction(a, a + b), st.integers(1, 12), st.integers(1, 12))
LEVELS = st.builds(Fraction, st.integers(1, 60), st.just(100))
GRID = [Fraction(i, 40) for i in range(41)]


def binomial(size: int, p: Fraction) -> list[Fraction]:
    """P(k successes) for k = 0, ..., n."""
    return [math.comb(size, k) * p**k * (1 - p) ** (size - k) for k in range(size + 1)]


def binomial_floats(size: int, p: float) -> np.ndarray[Any, Any]:
    """The same for many draws, by log-factorials."""
    k = np.arange(size + 1)
    log_choose = special.gammaln(size + 1) - special.gammaln(k + 1) - special.gammaln(size - k + 1)
    return np.exp(log_choose + special.xlogy(k, p) + special.xlogy(size - k, 1 - p))


def compositions(size: int, parts: int) -> Iterator[tuple[int, ...]]:
    """Every (n_1, ..., n_K) that sums to n."""
    if parts == 1:
        yield (size,)
        return
    for first in range(size + 1):
        for rest in compositions(size - first, parts - 1):
            yield (first, *rest)


def multinomial(counts: Sequence[int], prob: Sequence[Fraction]) -> Fraction:
    """P(counts)."""
    ways = math.factorial(sum(counts)) // math.prod(math.factorial(c) for c in counts)
    return ways * math.prod((p**c for c, p in zip(counts, prob, strict=True)), start=Fraction(1))


def law(values: Sequence[int]) -> list[Fraction]:
    return [Fraction(v, sum(values)) for v in values]


def floats(values: Sequence[Any]) -> np.ndarray[Any, Any]:
    return np.array([float(v) for v in values])


def ones(successes: int, size: int) -> np.ndarray[Any, Any]:
    """Draws of an event: successes ones, the rest zeros."""
    return (np.arange(size) < successes).astype(float)


def miss(covers: Callable[[int], bool], size: int, p: Fraction) -> Fraction:
    """P(the interval from k successes does not cover)."""
    return sum((m for k, m in enumerate(binomial(size, p)) if not covers(k)), start=Fraction(0))


# --- intervals and the ledger ---------------------------------------------------------------------------------------


def test_interval_is_closed() -> None:
    """[low, high] holds its ends and nothing beyond them, and no text."""
    interval = Interval(0.25, 0.75, 0.01)
    assert all(value in interval for value in (0.25, 0.5, 0.75, np.float64(0.5)))
    assert all(value not in interval for value in (math.nextafter(0.25, 0), math.nextafter(0.75, 1), math.nan, "0.5"))
    assert interval.width == 0.5
    assert 1 in Interval(0, 2, 0.01)


def test_ledger_adds_up() -> None:
    """What was drawn is handed out, kept in order and summed; another ledger starts anew."""
    ledger = Ledger(1e-3)
    assert [ledger.draw("a", 2e-4), ledger.draw("b", 3e-4), ledger.share("c", 4)] == [2e-4, 3e-4, 2.5e-4]
    assert ledger.entries == [("a", 2e-4), ("b", 3e-4), ("c", 2.5e-4)]
    assert math.isclose(ledger.spent, 7.5e-4, rel_tol=1e-15)
    assert Ledger().budget == BUDGET == 1e-6
    assert Ledger().spent == 0


@given(st.integers(1, 400))
def test_ledger_gives_all_shares_and_no_more(parts: int) -> None:
    """n of n equal shares spend the budget, however 1/n is rounded; one more is refused and not entered."""
    ledger = Ledger(BUDGET)
    for i in range(parts):
        ledger.share(f"part {i}", parts)
    assert math.isclose(ledger.spent, BUDGET, rel_tol=1e-12)
    with pytest.raises(ValueError, match=r"^one more asks for .* of the budget is left$"):
        ledger.share("one more", parts)
    assert len(ledger.entries) == parts


def test_ledger_refuses() -> None:
    """The message says who asks, for how much, and how much there is."""
    ledger = Ledger(1e-6, [("earlier", 4e-7)])
    with pytest.raises(ValueError, match=r"^late asks for 7e-07, but 6e-07 of the budget is left$"):
        ledger.draw("late", 7e-7)
    for alpha in (0.0, -1e-9, math.nan):
        with pytest.raises(ValueError, match=r"^late: alpha must be > 0, got"):
            ledger.draw("late", alpha)
    with pytest.raises(ValueError, match="asks for inf"):
        ledger.draw("late", math.inf)
    assert ledger.draw("late", 6e-7) == 6e-7


# --- one event ------------------------------------------------------------------------------------------------------


def exact_p_value(successes: int, size: int, p: Fraction) -> Fraction:
    """min(1, 2 min(P(X <= k), P(X >= k))) in rationals."""
    prob = binomial(size, p)
    return min(Fraction(1), 2 * min(sum(prob[: successes + 1]), sum(prob[successes:])))


@given(st.data(), st.integers(1, 40), CHANCES)
def test_binomial_p_value(data: st.DataObject, size: int, p: Fraction) -> None:
    """Twice the smaller tail, against rational sums."""
    successes = data.draw(st.integers(0, size))
    exact = float(exact_p_value(successes, size, p))
    assert math.isclose(binomial_p_value(successes, size, float(p)), exact, rel_tol=1e-11)


@given(st.data(), st.integers(1, 40), CHANCES, LEVELS)
def test_clopper_pearson_is_dual_to_the_p_value(data: st.DataObject, size: int, p: Fraction, alpha: Fraction) -> None:
    """p lies outside the interval exactly where the rational p-value, and the module's, is below alpha."""
    successes = data.draw(st.integers(0, size))
    exact = exact_p_value(successes, size, p)
    assume(abs(exact - alpha) > alpha * Fraction(1, 10**10))
    outside = float(p) not in clopper_pearson(successes, size, float(alpha))
    assert outside == (exact < alpha) == (binomial_p_value(successes, size, float(p)) < alpha)


@given(st.data(), st.integers(1, 25), st.sampled_from((*ALPHAS, 1e-6, 1e-9)))
def test_clopper_pearson_ends_are_roots(data: st.DataObject, size: int, alpha: float) -> None:
    """P(X >= k) crosses alpha / 2 at the lower end and P(X <= k) at the upper one, within 1e-12: rational sums."""
    successes = data.draw(st.integers(0, size))
    interval = clopper_pearson(successes, size, alpha)
    half, less, more = Fraction(alpha) / 2, 1 - Fraction(1, 10**12), 1 + Fraction(1, 10**12)
    low, high = Fraction(interval.low), Fraction(interval.high)
    assert interval.alpha == alpha
    if successes:
        assert sum(binomial(size, low * less)[successes:]) < half < sum(binomial(size, low * more)[successes:])
    else:
        assert low == 0
    if successes < size:
        below = [sum(binomial(size, min(Fraction(1), high * side))[: successes + 1]) for side in (less, more)]
        assert below[1] < half < below[0]
    else:
        assert high == 1


@pytest.mark.parametrize("alpha", [0.05, 1e-6])
@pytest.mark.parametrize("size", [1, 2, 10, 530_000])
def test_clopper_pearson_at_the_edges(size: int, alpha: float) -> None:
    """0 of n: [0, 1 - (alpha / 2)^(1 / n)], and its mirror image for n of n: closed forms."""
    edge = -math.expm1(math.log(alpha / 2) / size)
    none, every = clopper_pearson(0, size, alpha), clopper_pearson(size, size, alpha)
    assert none.low == 0
    assert math.isclose(none.high, edge, rel_tol=1e-9)
    assert every.high == 1
    assert math.isclose(1 - every.low, edge, rel_tol=1e-9)


Limits = Callable[[int, int, float], Interval]


def worst_event_miss(limits: Limits, size: int, alpha: float) -> float:
    """The largest miss probability over a grid of p and on both sides of every end, over alpha."""
    intervals = [limits(k, size, alpha) for k in range(size + 1)]
    ends = [end + side for i in intervals for end in (i.low, i.high) for side in (-1e-12, 0, 1e-12)]
    points = GRID + [Fraction(end) for end in ends if 0 <= end <= 1]
    return max(float(miss(lambda k, p=p: float(p) in intervals[k], size, p)) for p in points) / alpha


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13])
@pytest.mark.parametrize("alpha", ALPHAS)
def test_clopper_pearson_covers(size: int, alpha: float) -> None:
    """P(miss) <= alpha at every p; and, just beyond an end, at least alpha / 2, since a whole tail misses there."""
    worst = worst_event_miss(clopper_pearson, size, alpha)
    assert 0.5 * (1 - 1e-6) <= worst <= 1


def one_sided_limits(successes: int, size: int, alpha: float) -> Interval:
    """The slip: alpha in each tail."""
    return clopper_pearson(successes, size, 2 * alpha)


def shifted_limits(successes: int, size: int, alpha: float) -> Interval:
    """The slip: the lower end from one success more."""
    low = clopper_pearson(min(successes + 1, size), size, alpha).low
    return Interval(low, clopper_pearson(successes, size, alpha).high, alpha)


def normal_limits(successes: int, size: int, alpha: float) -> Interval:
    """The slip: the normal approximation."""
    mean, z = successes / size, float(stats.norm.isf(alpha / 2))
    radius = z * math.sqrt(mean * (1 - mean) / size)
    return Interval(mean - radius, mean + radius, alpha)


@pytest.mark.parametrize("slip", [one_sided_limits, shifted_limits, normal_limits])
def test_wrong_limits_are_caught(slip: Limits) -> None:
    """The coverage check fails each slip."""
    assert worst_event_miss(slip, 13, 0.05) > 1.2


def worst_level(p_value: Callable[[int, int, float], float], size: int) -> float:
    """max over p and k of P(p-value <= its value at k) over that value."""
    worst = 0.0
    for p in GRID[1:-1]:
        prob, values = binomial(size, p), [p_value(k, size, float(p)) for k in range(size + 1)]
        for value in values:
            reached = sum(m for m, v in zip(prob, values, strict=True) if v <= value * (1 + TIE))
            worst = max(worst, float(reached) / value)
    return worst


@pytest.mark.parametrize("size", [1, 4, 9, 16])
def test_binomial_p_value_has_its_level(size: int) -> None:
    """P(p-value <= a) <= a at every attained a, and equal at the symmetric p = 1/2."""
    assert math.isclose(worst_level(binomial_p_value, size), 1, rel_tol=1e-9)


def test_an_undoubled_p_value_is_caught() -> None:
    """The slip: the smaller tail, not doubled."""
    assert worst_level(lambda k, n, p: min(stats.binom.cdf(k, n, p), stats.binom.sf(k - 1, n, p)), 9) > 1.9


@pytest.mark.parametrize(("successes", "trials"), [(-1, 5), (6, 5), (0, 0), (1, 0)])
def test_clopper_pearson_refuses(successes: int, trials: int) -> None:
    """The message gives the condition and what came."""
    with pytest.raises(ValueError, match=rf"0 <= successes <= trials .* got {successes} of {trials}$"):
        clopper_pearson(successes, trials, 0.05)


# --- a law on K outcomes --------------------------------------------------------------------------------------------

LAWS = [
    (1, [1, 1]),
    (6, [1, 1]),
    (12, [1, 9]),
    (20, [1, 99]),
    (6, [2, 3, 5]),
    (12, [1, 1, 98]),
    (15, [1, 1, 1]),
    (5, [1, 1, 1, 1]),
    (8, [1, 2, 3, 4]),
    (3, [1, 1, 1, 1, 1]),
    (2, [1, 1, 1, 1, 1, 1]),
    (7, [0, 1, 2]),
]
"""(N, weights): one draw, many draws, even, lopsided, and with an outcome of probability 0."""


def exact_half_g(counts: Sequence[int], prob: Sequence[Fraction]) -> float:
    """log of prod_i (n_i / (N p_i))^n_i, one logarithm of one rational."""
    total = sum(counts)
    ratio = Fraction(1)
    for c, p in zip(counts, prob, strict=True):
        if c and not p:
            return math.inf
        if c:
            ratio *= (c / (total * p)) ** c
    return math.log(ratio.numerator) - math.log(ratio.denominator)


@given(st.data(), weights(1, 5))
def test_half_g(data: st.DataObject, values: list[int]) -> None:
    """N KL(p^ || p), against the logarithm of a rational likelihood ratio."""
    counts = data.draw(st.lists(st.integers(0, 9), min_size=len(values), max_size=len(values)).filter(any))
    expected = exact_half_g(counts, law(values))
    assert math.isclose(half_g(np.array(counts), floats(law(values))), expected, rel_tol=1e-12, abs_tol=1e-12)


Statistic = Callable[[Any, Any], float]
Bound = Callable[[float, int], float]


def worst_tail(size: int, prob: list[Fraction], bound: Bound, statistic: Statistic = half_g) -> float:
    """max over attained x of P(half_g >= x) / bound(x)."""
    every = list(compositions(size, len(prob)))
    mass = [multinomial(c, prob) for c in every]
    attained = [statistic(np.array(c), floats(prob)) for c in every]
    worst = 0.0
    for x in attained:
        tail = sum(m for m, v in zip(mass, attained, strict=True) if v >= x - TIE)
        limit = bound(x, len(prob))
        worst = max(worst, float(tail) / limit if limit else math.inf * float(tail) if tail else 0.0)
    return worst


@pytest.mark.parametrize(("size", "values"), LAWS)
def test_g_p_value_bounds_every_tail(size: int, values: list[int]) -> None:
    """P(N KL(p^ || p) >= x) <= e^-x (e x / d)^d at every attained x, by enumeration of the multinomial law."""
    assert worst_tail(size, law(values), g_p_value) <= 1 + 1e-12


@given(st.integers(1, 7), weights(2, 4))
def test_g_p_value_bounds_the_tails_of_any_law(size: int, values: list[int]) -> None:
    """The same, for laws that are searched for."""
    assert worst_tail(size, law(values), g_p_value) <= 1 + 1e-12


@given(st.integers(1, 8), weights(2, 4), st.integers(1, 9))
def test_moment_generating_function_is_below_a_gamma(size: int, values: list[int], tenths: int) -> None:
    """E e^(s N KL(p^ || p)) <= (1 - s)^-(K - 1) for 0 <= s < 1: the theorem behind the tail bound."""
    s, prob = tenths / 10, law(values)
    moment = sum(
        float(multinomial(c, prob)) * math.exp(s * exact_half_g(c, prob)) for c in compositions(size, len(prob))
    )
    assert moment <= (1 - s) ** (1 - len(prob)) * (1 + 1e-12)


@given(st.integers(2, 40), st.integers(1, 400), st.integers(0, 99))
def test_g_p_value_is_the_best_chernoff_bound(outcomes: int, tenths: int, order: int) -> None:
    """min over 0 <= s < 1 of e^(-s x) (1 - s)^-d: below it at every s, equal at s = 1 - d / x, and 1 for x <= d."""
    x, d, s = tenths / 10, outcomes - 1, order / 100
    value = g_p_value(x, outcomes)
    assert value <= math.exp(-s * x) * (1 - s) ** -d * (1 + 1e-9)
    best = max(0.0, 1 - d / x)
    assert math.isclose(value, math.exp(-best * x) * (1 - best) ** -d, rel_tol=1e-9)
    assert value <= 1


def chi_square(x: float, outcomes: int) -> float:
    """The slip: Wilks' limit as a p-value."""
    return float(stats.chi2.sf(2 * x, outcomes - 1))


def bare_exponential(x: float, outcomes: int) -> float:
    """The slip: e^-x, without (e x / d)^d."""
    return math.exp(-x)


def one_freedom_less(x: float, outcomes: int) -> float:
    """The slip: d = K - 2."""
    d = outcomes - 2
    return 1.0 if x <= d else math.exp(d - x + (d * math.log(x / d) if d else 0))


@pytest.mark.parametrize(("bound", "excess"), [(chi_square, 7), (bare_exponential, 1.9), (one_freedom_less, 1.9)])
def test_wrong_bounds_are_caught(bound: Bound, excess: float) -> None:
    """The tails of six fair coins are above each slip."""
    assert worst_tail(6, law([1, 1]), bound) > excess


def partitions(size: int, parts: int, largest: int) -> Iterator[tuple[int, ...]]:
    """Every falling (n_1, n_2, ...) of at most K positive parts that sums to n."""
    if size == 0:
        yield ()
        return
    for first in range(min(size, largest), 0, -1):
        if first * parts >= size:
            for rest in partitions(size - first, parts - 1, first):
                yield (first, *rest)


def test_thirty_two_outcomes() -> None:
    """K = 32 = N, p uniform: all 10^18 compositions in 8349 partitions. G's limit law is off by 10^6 in the tail."""
    size = outcomes = 32
    attained, mass = [], []
    for parts in partitions(size, outcomes, size):
        counts = (*parts, *[0] * (outcomes - len(parts)))
        arrangements = math.factorial(outcomes) // math.prod(math.factorial(counts.count(c)) for c in set(counts))
        mass.append(float(arrangements * multinomial(counts, law([1] * outcomes))))
        attained.append(half_g(np.array(counts), np.full(outcomes, 1 / outcomes)))
    assert math.isclose(math.fsum(mass), 1, rel_tol=1e-12)
    order = np.argsort(attained)[::-1]
    x, tails = np.array(attained)[order], np.cumsum(np.array(mass)[order])
    tails = tails[np.searchsorted(-x, -(x - TIE), side="right") - 1]
    assert all(tail <= g_p_value(v, outcomes) * (1 + 1e-12) for v, tail in zip(x, tails, strict=True))
    ratios = [tail / chi_square(v, outcomes) for v, tail in zip(x, tails, strict=True)]
    assert min(ratios) < 1e-6
    assert max(ratios) > 2


def test_twice_the_statistic_is_caught() -> None:
    """The slip: G where G / 2 is meant."""
    assert worst_tail(6, law([2, 3, 5]), g_p_value, lambda c, p: 2 * half_g(c, p)) > 20


@given(st.integers(2, 2000), st.integers(1, 300))
def test_g_critical_inverts_the_p_value(outcomes: int, exponent: int) -> None:
    """g_p_value(g_critical(K, alpha), K) = alpha, to the tolerance of the root, 1e-9 in x; and x > d."""
    alpha = 10 ** (-exponent / 10)
    x = g_critical(outcomes, alpha)
    assert x > outcomes - 1
    assert math.isclose(g_p_value(x, outcomes), alpha, rel_tol=2e-9)
    assert g_p_value(x + 1e-8, outcomes) < alpha < g_p_value(x - 1e-8, outcomes)


@given(st.integers(2, 60), st.integers(1, 100))
def test_g_critical_grows(outcomes: int, exponent: int) -> None:
    """More outcomes or a smaller alpha need more."""
    alpha = 10 ** (-exponent / 10)
    assert g_critical(outcomes + 1, alpha) > g_critical(outcomes, alpha)
    assert g_critical(outcomes, alpha / 2) > g_critical(outcomes, alpha)


def test_an_impossible_outcome_is_found_at_once() -> None:
    """half_g and log_e_value are infinite and the p-value 0; not drawn, such an outcome says nothing."""
    prob = np.array([0.5, 0.0, 0.5])
    drawn, fair = np.array([500, 1, 499]), np.array([5, 0, 5])
    assert half_g(drawn, prob) == log_e_value(drawn, prob) == math.inf
    assert g_p_value(half_g(drawn, prob), 3) == 0
    assert half_g(fair, prob) == 0
    assert log_e_value(fair, prob) < 0


def test_one_outcome() -> None:
    """K = 1: N KL is 0 always, which no p-value below 1 may greet; more than 0 is impossible."""
    assert half_g(np.array([7]), np.array([1.0])) == 0
    assert g_p_value(0.0, 1) == 1
    assert g_p_value(math.inf, 1) == 0
    assert g_critical(1, 1e-6) == 0
    assert log_e_value(np.array([7]), np.array([1.0])) == 0


# --- the law, looked at again and again -----------------------------------------------------------------------------

PRIORS = st.sampled_from([Fraction(1, 2), Fraction(1), Fraction(2), Fraction(1, 3)])


def exact_e_value(counts: Sequence[int], prob: Sequence[Fraction], prior: Fraction) -> Fraction:
    """The product of the urn's predictions (n_i + a) / (n + K a) over p_i, one draw after the other."""
    value, seen = Fraction(1), [0] * len(prob)
    for i, count in enumerate(counts):
        for _ in range(count):
            value *= (seen[i] + prior) / (sum(seen) + len(prob) * prior) / prob[i]
            seen[i] += 1
    return value


@given(st.data(), weights(1, 5), PRIORS)
def test_log_e_value_is_an_urn(data: st.DataObject, values: list[int], prior: Fraction) -> None:
    """The Gamma functions telescope into the predictions of Polya's urn, whatever the order of the draws."""
    counts = data.draw(st.lists(st.integers(0, 9), min_size=len(values), max_size=len(values)))
    exact = exact_e_value(counts, law(values), prior)
    value = log_e_value(np.array(counts), floats(law(values)), float(prior))
    assert math.isclose(value, math.log(exact), rel_tol=1e-11, abs_tol=1e-11)
    if prior == Fraction(1, 2):
        assert log_e_value(np.array(counts), floats(law(values))) == value


@given(weights(2, 4), st.integers(0, 6), PRIORS)
def test_e_value_has_mean_one(values: list[int], size: int, prior: Fraction) -> None:
    """sum_n P(n) E(n) = 1: exactly for the urn, and to rounding for the module."""
    prob = law(values)
    every = [(c, multinomial(c, prob)) for c in compositions(size, len(prob))]
    assert sum(m * exact_e_value(c, prob, prior) for c, m in every) == 1
    mean = math.fsum(float(m) * math.exp(log_e_value(np.array(c), floats(prob), float(prior))) for c, m in every)
    assert math.isclose(mean, 1, rel_tol=1e-11)


@given(st.data(), weights(2, 5), PRIORS)
def test_e_value_is_a_martingale(data: st.DataObject, values: list[int], prior: Fraction) -> None:
    """sum_i p_i E(n + e_i) = E(n) at any counts n, likely or not."""
    counts = data.draw(st.lists(st.integers(0, 30), min_size=len(values), max_size=len(values)))
    prob = floats(law(values))
    after = [log_e_value(np.array(counts) + step, prob, float(prior)) for step in np.eye(len(values), dtype=int)]
    before = log_e_value(np.array(counts), prob, float(prior))
    assert math.isclose(math.fsum(p * math.exp(a - before) for p, a in zip(prob, after, strict=True)), 1, rel_tol=1e-11)


def test_e_value_with_an_impossible_outcome_is_a_supermartingale() -> None:
    """The mixture puts mass on what p excludes and is not paid back: the mean after N draws of 3 is below 1."""
    prob = law([1, 1, 0])
    possible = [c for c in compositions(4, 3) if c[2] == 0]
    mean = sum(float(multinomial(c, prob)) * math.exp(log_e_value(np.array(c), floats(prob))) for c in possible)
    assert math.isclose(mean, (0.5 * 2 / 1.5) * (2 / 2.5) * (3 / 3.5) * (4 / 4.5), rel_tol=1e-12)


def crossing_probability(log_value: Statistic, prob: list[Fraction], size: int, alpha: float) -> Fraction:
    """P(the value reaches 1 / alpha within N draws), K = 2: what has crossed is taken out, the rest goes on."""
    alive, crossed = {0: Fraction(1)}, Fraction(0)
    for n in range(1, size + 1):
        moved: dict[int, Fraction] = {}
        for k, m in alive.items():
            moved[k + 1] = moved.get(k + 1, Fraction(0)) + m * prob[0]
            moved[k] = moved.get(k, Fraction(0)) + m * prob[1]
        over = {k for k in moved if log_value(np.array([k, n - k]), floats(prob)) >= -math.log(alpha) - TIE}
        crossed += sum((moved[k] for k in over), start=Fraction(0))
        alive = {k: m for k, m in moved.items() if k not in over}
    return crossed


@pytest.mark.parametrize("values", [[1, 1], [1, 3], [1, 19], [9, 1]])
@pytest.mark.parametrize("alpha", [0.5, 0.2, 0.05, 0.01])
def test_ville(values: list[int], alpha: float) -> None:
    """P(E reaches 1 / alpha at any of 30 looks) <= alpha, by dynamic programming in rationals."""
    assert crossing_probability(log_e_value, law(values), 30, alpha) <= alpha


def test_ville_is_nearly_attained() -> None:
    """A biased coin crosses 2 with more than half of what Ville allows: the check has something to measure."""
    assert max(crossing_probability(log_e_value, law(v), 30, 0.5) for v in ([1, 1], [1, 3], [1, 19])) > 0.25


def test_the_maximal_likelihood_is_no_e_value() -> None:
    """The slip: the likelihood at p^ in place of the mixture's; it crosses too often."""
    assert crossing_probability(half_g, law([1, 1]), 30, 0.05) > 0.1


def test_a_wrong_normaliser_is_caught() -> None:
    """The slip: Gamma(a) / Gamma(n + a) where Gamma(K a) / Gamma(n + K a) is meant."""

    def slip(counts: Any, prob: Any) -> float:
        n = counts.sum()
        wrong = special.gammaln(0.5) - special.gammaln(n + 0.5) - special.gammaln(1) + special.gammaln(n + 1)
        return log_e_value(counts, prob) + float(wrong)

    assert crossing_probability(slip, law([1, 1]), 30, 0.05) > 0.1


# --- a distribution function ----------------------------------------------------------------------------------------

Radius = Callable[[int, float], float]


@given(st.data(), weights(1, 5))
def test_distribution_distance_is_a_supremum(data: st.DataObject, values: list[int]) -> None:
    """max |F_n(x) - F(x)| over a grid finer than all jumps: draws on the atoms, between them and outside."""
    points = sorted(data.draw(st.sets(st.integers(0, 9), min_size=len(values), max_size=len(values))))
    halves = data.draw(st.lists(st.integers(-3, 23), min_size=1, max_size=8))
    prob = law(values)
    brute = Fraction(0)
    for quarters in range(-8, 50):
        x = Fraction(quarters, 4)
        exact = sum((p for s, p in zip(points, prob, strict=True) if s <= x), start=Fraction(0))
        brute = max(brute, abs(Fraction(sum(Fraction(h, 2) <= x for h in halves), len(halves)) - exact))
    drawn = floats([Fraction(h, 2) for h in halves])
    assert math.isclose(distribution_distance(drawn, floats(points), floats(prob)), brute, rel_tol=1e-12, abs_tol=1e-12)


@pytest.mark.parametrize("size", [1, 2, 5, 11, 20])
@pytest.mark.parametrize("alpha", ALPHAS)
def test_dkw_covers_an_event(size: int, alpha: float) -> None:
    """P(sup |F_n - F| > radius) <= alpha for Bernoulli(p), p over a grid; the distance there is |k / n - p|."""
    radius = dkw_radius(size, alpha)
    for p in GRID:
        prob = floats([1 - p, p])
        distances = [distribution_distance(ones(k, size), np.array([0.0, 1.0]), prob) for k in range(size + 1)]
        assert np.allclose(distances, [abs(k / size - float(p)) for k in range(size + 1)], rtol=0, atol=1e-12)
        assert miss(lambda k, d=distances: d[k] <= radius, size, p) <= alpha


@pytest.mark.parametrize("alpha", [0.5, 0.2, 0.05])
def test_dkw_covers_four_points(alpha: float) -> None:
    """The same for laws on four points, by enumeration."""
    support = np.array([-1.0, 0.0, 2.0, 7.0])
    for size, values in ((6, [1, 1, 1, 1]), (6, [1, 2, 3, 4]), (4, [5, 1, 1, 5])):
        exceeded = Fraction(0)
        for counts in compositions(size, 4):
            distance = distribution_distance(np.repeat(support, counts), support, floats(law(values)))
            if distance > dkw_radius(size, alpha) - TIE:
                exceeded += multinomial(counts, law(values))
        assert exceeded <= alpha


def uniform_excess(radius: Radius, size: int, points: int, alpha: float) -> float:
    """P(sup |F_n - F| > radius), F uniform on many points: (draws so far) goes from point to point within a band."""
    edge = radius(size, alpha) - TIE
    alive = np.zeros(size + 1)
    alive[0] = 1.0
    for i in range(1, points + 1):
        step = np.zeros((size + 1, size + 1))
        for k in range(size + 1):
            step[k, k:] = binomial_floats(size - k, 1 / (points - i + 1))
        alive = alive @ step
        alive[np.abs(np.arange(size + 1) / size - i / points) > edge] = 0
    return 1 - float(alive.sum())


@pytest.mark.parametrize("size", [3, 10, 25])
@pytest.mark.parametrize("alpha", [0.5, 0.05, 1e-3])
def test_dkw_covers_a_fine_uniform_law(size: int, alpha: float) -> None:
    """Close to a continuous law, where Massart's constant is the best: at least a third of alpha is used at 0.5."""
    excess = uniform_excess(dkw_radius, size, 60, alpha)
    assert excess <= alpha
    assert alpha != 0.5 or excess > alpha / 3


def test_a_one_sided_radius_is_caught() -> None:
    """The slip: log(1 / alpha), one side's alpha used for both."""
    assert uniform_excess(lambda n, a: math.sqrt(math.log(1 / a) / (2 * n)), 25, 60, 0.05) > 0.05


# --- a bounded mean -------------------------------------------------------------------------------------------------

Means = Callable[[Any, float, float, float], Interval]


def worst_mean_miss(interval: Means, size: int, alpha: float, low: float = 0.0, high: float = 1.0) -> float:
    """The largest P(miss) / alpha for draws in {low, high}, over a grid of p and near every end."""
    unit = high - low
    intervals = [interval(low + unit * ones(k, size), low, high, alpha) for k in range(size + 1)]
    ends = [(end - low) / unit + side for i in intervals for end in (i.low, i.high) for side in (-1e-9, 1e-9)]
    points = GRID + [Fraction(end).limit_denominator(10**6) for end in ends if 0 <= end <= 1]
    points = points[:: max(1, len(points) // 60)]
    missed = (miss(lambda k, p=p: low + unit * float(p) in intervals[k], size, p) for p in points)
    return max(float(m) for m in missed) / alpha


@pytest.mark.parametrize("size", [2, 3, 8, 30, 70])
@pytest.mark.parametrize("alpha", [0.9, 0.5, 0.1, 0.01])
def test_empirical_bernstein_covers(size: int, alpha: float) -> None:
    """P(miss) <= alpha for values in {0, 1} with mean p, by enumeration of the number of ones."""
    assert worst_mean_miss(empirical_bernstein, size, alpha) <= 1


@pytest.mark.parametrize(("low", "high"), [(-3.0, 5.0), (0.0, 0.01), (10.0, 10.5)])
def test_empirical_bernstein_covers_in_other_units(low: float, high: float) -> None:
    """The same for values in {low, high}."""
    assert worst_mean_miss(empirical_bernstein, 30, 0.5, low, high) <= 1


@given(st.lists(st.integers(0, 12), min_size=2, max_size=12), st.integers(-5, 5), st.integers(1, 9), LEVELS)
def test_empirical_bernstein_moves_with_the_unit(values: list[int], shift: int, scale: int, alpha: Fraction) -> None:
    """Values c + s x lie in [c + s low, c + s high] and give c + s (interval), clipped to the range."""
    base = empirical_bernstein(np.array(values, float), 0, 12, float(alpha))
    moved = shift + scale * np.array(values, float)
    other = empirical_bernstein(moved, shift, shift + 12 * scale, float(alpha))
    assert math.isclose(other.low, shift + scale * base.low, rel_tol=1e-12, abs_tol=1e-9)
    assert math.isclose(other.high, shift + scale * base.high, rel_tol=1e-12, abs_tol=1e-9)
    assert 0 <= base.low <= sum(values) / len(values) <= base.high <= 12
    assert other.alpha == float(alpha)


def test_empirical_bernstein_by_hand() -> None:
    """Mean 1/2, V = 1/4 * n / (n - 1), l = log(4 / alpha): 1/2 +- sqrt(V 2 l / n) +- 7 l / (3 (n - 1)) at n = 1001."""
    values, alpha = np.array([0.0, 1.0] * 500 + [0.5]), 4 * math.exp(-2)
    interval = empirical_bernstein(values, 0.0, 1.0, alpha)
    radius = math.sqrt(0.25 * 4 / 1001) + 14 / 3000
    assert math.isclose(interval.high - 0.5, radius, rel_tol=1e-12)
    assert math.isclose(0.5 - interval.low, radius, rel_tol=1e-12)


@given(st.lists(st.integers(0, 20), min_size=2, max_size=30))
def test_summary_is_enough(values: list[int]) -> None:
    """n, the mean and the sample variance in rationals give the interval of the values."""
    n, total = len(values), sum(values)
    variance = Fraction(n * sum(v * v for v in values) - total**2, n * (n - 1))
    summary = Summary(n, float(Fraction(total, n)), float(variance))
    one, two = empirical_bernstein_of(summary, 0, 20, 0.9), empirical_bernstein(np.array(values, float), 0, 20, 0.9)
    assert math.isclose(one.low, two.low, abs_tol=1e-12)
    assert math.isclose(one.high, two.high, abs_tol=1e-12)


def without_range(values: Any, low: float, high: float, alpha: float) -> Interval:
    """The slip: the term 7 (high - low) l / (3 (n - 1)) forgotten."""
    radius = math.sqrt(2 * values.var(ddof=1) * math.log(4 / alpha) / len(values))
    return Interval(values.mean() - radius, values.mean() + radius, alpha)


def unit_range(values: Any, low: float, high: float, alpha: float) -> Interval:
    """The slip: that term without its unit, high - low."""
    radius = without_range(values, low, high, alpha).width / 2 + 7 * math.log(4 / alpha) / (3 * (len(values) - 1))
    return Interval(values.mean() - radius, values.mean() + radius, alpha)


@pytest.mark.parametrize("slip", [without_range, unit_range])
def test_wrong_radii_are_caught(slip: Means) -> None:
    """Rare large values: the sample variance is 0 with more than alpha."""
    assert worst_mean_miss(slip, 30, 0.05, 0.0, 100.0) > 2


def test_empirical_bernstein_refuses() -> None:
    """One value, and the first value outside the range, named by its place."""
    with pytest.raises(ValueError, match=r"^a sample variance needs 2 values, got 1$"):
        empirical_bernstein(np.array([0.5]), 0, 1, 0.05)
    for values, place, value in (([0.5, 2, 3], 1, "2"), ([0, 1, -0.5], 2, "-0.5"), ([math.nan, 0], 0, "nan")):
        with pytest.raises(ValueError, match=rf"^value {place} is {value}.*, outside the stated range \[0, 1\]$"):
            empirical_bernstein(np.array(values), 0, 1, 0.05)


# --- a correlation --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [20, 60, 150])
@pytest.mark.parametrize("alpha", [0.9, 0.3])
def test_correlation_of_signs_is_covered(size: int, alpha: float) -> None:
    """X and Y in {-1, 1} with mean 0: Corr = P(XY = 1) - P(XY = -1), and only the number of XY = 1 matters."""
    ends = [
        correlation_interval(np.ones(size), 2 * ones(k, size) - 1, [(-1, 1), (-1, 1)], alpha) for k in range(size + 1)
    ]
    assert min(i.width for i in ends) < 1.2
    for p in GRID:
        assert miss(lambda k, p=p: float(2 * p - 1) in ends[k], size, p) <= alpha


@pytest.mark.parametrize(("agree", "differ"), [(70, 20), (20, 70), (40, 40), (90, 0)])
def test_correlation_of_three_values_is_covered(agree: int, differ: int) -> None:
    """X and Y in {-2, 0, 2}, both 0 or neither: XY in {4, -4, 0}, X^2 = Y^2, the trinomial law enumerated."""
    size, alpha = 60, 0.9
    prob = floats([Fraction(agree, 100), Fraction(differ, 100), Fraction(100 - agree - differ, 100)])
    exact, missed, narrow = (agree - differ) / (agree + differ), 0.0, 0.0
    for counts in compositions(size, 3):
        first = np.repeat([2.0, 2.0, 0.0], counts)
        second = np.repeat([2.0, -2.0, 0.0], counts)
        interval = correlation_interval(first, second, [(-2, 2), (-2, 2)], alpha)
        mass = math.exp(
            math.lgamma(size + 1) - sum(math.lgamma(c + 1) for c in counts) + special.xlogy(counts, prob).sum()
        )
        missed += mass * (exact not in interval)
        narrow += mass * (interval.width < 2)
    assert missed <= alpha
    assert narrow > 0.5


def quotient_ends(cov: Interval, one: Interval, two: Interval) -> tuple[float, float]:
    """min and max of c / sqrt(v w) over a grid of the box, clipped to [-1, 1]."""
    grid = product(
        np.linspace(cov.low, cov.high, 5), np.linspace(one.low, one.high, 3), np.linspace(two.low, two.high, 3)
    )
    quotients = [c / math.sqrt(v * w) for c, v, w in grid]
    return max(-1.0, min(quotients)), min(1.0, max(quotients))


@given(
    st.lists(st.tuples(st.integers(-2, 2), st.integers(-3, 1)), min_size=1, max_size=5),
    st.sampled_from([0.3, 0.9]),
    st.sampled_from([60, 1000]),
)
def test_correlation_ends_are_extreme_quotients(pattern: list[tuple[int, int]], alpha: float, repeats: int) -> None:
    """The three intervals' box, searched for its extreme c / sqrt(v w); a box that holds v = 0 says nothing."""
    first, second = (np.tile(np.array(column, float), repeats) for column in zip(*pattern, strict=True))
    interval = correlation_interval(first, second, [(-2, 2), (-3, 1)], alpha)
    cov = empirical_bernstein(first * second, -6, 6, alpha / 3)
    one = empirical_bernstein(first**2, 0, 4, alpha / 3)
    two = empirical_bernstein(second**2, 0, 9, alpha / 3)
    assert interval.alpha == alpha
    if one.low <= 0 or two.low <= 0:
        assert (interval.low, interval.high) == (-1, 1)
    else:
        low, high = quotient_ends(cov, one, two)
        assert math.isclose(interval.low, low, rel_tol=1e-12, abs_tol=1e-15)
        assert math.isclose(interval.high, high, rel_tol=1e-12, abs_tol=1e-15)


def test_correlation_of_few_or_constant_values_is_unknown() -> None:
    """[-1, 1] where a variance may be 0: few values, or a coordinate that never leaves its mean."""
    signs = np.array([1.0, -1.0] * 500)
    for first, second in ((signs[:4], signs[:4]), (signs, 0 * signs), (0 * signs, signs)):
        interval = correlation_interval(first, second, [(-1, 1), (-1, 1)], 0.05)
        assert (interval.low, interval.high, interval.alpha) == (-1, 1, 0.05)
    with pytest.raises(ValueError, match="value 1 is"):
        correlation_interval(np.array([0.0, 9.0]), signs[:2], [(-1, 1), (-1, 1)], 0.05)


# --- how many draws -------------------------------------------------------------------------------------------------


def event_power(size: int, prob: float, other: float, alpha: float) -> float:
    """P(the interval from n draws of ``other`` leaves ``prob`` out), summed over the number of successes."""
    found = [prob not in clopper_pearson(k, size, alpha) for k in range(size + 1)]
    return float(binomial_floats(size, other)[found].sum())


EVENTS = [(0.5, 0.6), (0.5, 0.25), (0.1, 0.2), (0.2, 0.1), (0.9, 0.99), (0.01, 0.1), (0.05, 0.0), (0.9, 1.0)]


@pytest.mark.parametrize(("prob", "other"), EVENTS)
@pytest.mark.parametrize(("alpha", "power"), [(0.05, 0.9), (1e-6, 0.999)])
def test_event_sample_size_has_its_power(prob: float, other: float, alpha: float, power: float) -> None:
    """At n draws of ``other`` the exact test at alpha rejects ``prob`` with at least this power."""
    size = event_sample_size(prob, other, alpha, power)
    assert event_power(size, prob, other, alpha) >= power
    assert event_power(size // 3, prob, other, alpha) < power


def test_an_event_sample_size_without_power_is_caught() -> None:
    """The slip: the threshold at the truth itself, log(2 / alpha) / kl(other || prob), is reached every second time."""
    prob, other = 0.5, 0.6
    rate = other * math.log(other / prob) + (1 - other) * math.log((1 - other) / (1 - prob))
    assert event_power(math.ceil(math.log(2 / 1e-3) / rate), prob, other, 1e-3) < 0.9


def law_tests(size: int, prob: list[Fraction], alpha: float) -> np.ndarray[Any, Any]:
    """For every composition, whether the G test at alpha rejects ``prob``."""
    x = [half_g(np.array(c), floats(prob)) for c in compositions(size, len(prob))]
    return np.array([g_p_value(v, len(prob)) <= alpha for v in x])


@cache
def counts_of_three(size: int) -> np.ndarray[Any, Any]:
    return np.array(list(compositions(size, 3)))


def law_power(rejected: np.ndarray[Any, Any], size: int, truth: list[Fraction]) -> float:
    """P(rejected) under three outcomes' multinomial law."""
    counts = counts_of_three(size)
    log_ways = special.gammaln(size + 1) - special.gammaln(counts + 1).sum(axis=1)
    return float(np.exp(log_ways + special.xlogy(counts, floats(truth)).sum(axis=1))[rejected].sum())


TRIPLES = [law(c) for c in compositions(10, 3)]


def distance(one: Sequence[Fraction], two: Sequence[Fraction]) -> Fraction:
    """Total variation."""
    return sum((abs(p - q) for p, q in zip(one, two, strict=True)), start=Fraction(0)) / 2


def least_law_power(size: int, far: Fraction, alpha: float) -> float:
    """The least power over all pairs of laws on three outcomes, in tenths, at this distance."""
    powers = []
    for prob in TRIPLES:
        others = [q for q in TRIPLES if distance(prob, q) == far]
        rejected = law_tests(size, prob, alpha)
        powers += [law_power(rejected, size, q) for q in others]
    return min(powers)


@pytest.mark.parametrize(("far", "alpha", "power"), [(Fraction(1, 2), 0.05, 0.9), (Fraction(3, 5), 1e-3, 0.99)])
def test_law_sample_size_finds_every_law(far: Fraction, alpha: float, power: float) -> None:
    """Every pair of laws in tenths at this total variation distance, the trinomial law enumerated."""
    size = law_sample_size(3, float(far), alpha, power)
    assert least_law_power(size, far, alpha) >= power
    assert least_law_power(size // 3, far, alpha) < power


def two_outcome_power(size: int, outcomes: int, prob: float, other: float, alpha: float) -> float:
    """The power at K outcomes where all but two have probability 0 or next to it: exact, by the binomial law."""
    k = np.arange(size + 1)
    x = special.rel_entr(k, size * prob) + special.rel_entr(size - k, size * (1 - prob))
    return float(binomial_floats(size, other)[x >= g_critical(outcomes, alpha)].sum())


@pytest.mark.parametrize("outcomes", [2, 8, 32])
@pytest.mark.parametrize(("prob", "other"), [(0.495, 0.505), (0.5, 0.51), (0.99, 1.0), (0.2, 0.19)])
def test_law_sample_size_holds_for_two_outcomes(outcomes: int, prob: float, other: float) -> None:
    """Half against half is where Pinsker is tight: the worst law has the power that is stated."""
    size = law_sample_size(outcomes, 0.01, 1e-6, 0.999)
    assert two_outcome_power(size, outcomes, prob, other, 1e-6) >= 0.999


@pytest.mark.parametrize("outcomes", [2, 8, 32])
def test_a_law_sample_size_without_power_is_caught(outcomes: int) -> None:
    """The slip: n = x / (2 distance^2), where the expected G just reaches the critical value."""
    size = math.ceil(g_critical(outcomes, 1e-6) / (2 * 0.01**2))
    assert two_outcome_power(size, outcomes, 0.495, 0.505, 1e-6) < 0.6


def dkw_power(size: int, prob: float, other: float, alpha: float) -> float:
    """P(sup |F_n - F| exceeds the radius), F of Bernoulli(prob), the draws of Bernoulli(other)."""
    exceeded = np.abs(np.arange(size + 1) / size - prob) > dkw_radius(size, alpha)
    return float(binomial_floats(size, other)[exceeded].sum())


@pytest.mark.parametrize(("prob", "other"), [(0.5, 0.6), (0.45, 0.55), (0.1, 0.4), (0.02, 0.03)])
@pytest.mark.parametrize(("alpha", "power"), [(0.05, 0.9), (1e-6, 0.999)])
def test_dkw_sample_size_has_its_power(prob: float, other: float, alpha: float, power: float) -> None:
    """A Bernoulli law whose distribution function is off by the distance is found."""
    size = dkw_sample_size(abs(prob - other), alpha, power)
    assert dkw_power(size, prob, other, alpha) >= power


@given(st.integers(1, 99), st.sampled_from(ALPHAS), st.sampled_from([0.5, 0.9, 0.999]))
def test_dkw_sample_size_is_the_least(hundredths: int, alpha: float, power: float) -> None:
    """Both radii fit into the distance at n and not at n - 1."""
    size = dkw_sample_size(hundredths / 100, alpha, power)
    both = [dkw_radius(n, alpha) + dkw_radius(n, 1 - power) for n in (size, size - 1) if n]
    assert both[0] <= hundredths / 100 * (1 + 1e-12)
    assert size == 1 or both[1] > hundredths / 100 * (1 - 1e-12)


def test_a_dkw_sample_size_without_power_is_caught() -> None:
    """The slip: only the radius fits into the distance."""
    assert dkw_power(math.ceil(math.log(2 / 0.05) / (2 * 0.1**2)), 0.45, 0.55, 0.05) < 0.7


def mean_power(size: int, truth: float, claimed: float, spread: float, alpha: float) -> float:
    """P(the interval leaves ``claimed`` out) for values in {0, spread} with mean ``truth``."""
    found = []
    for k in range(size + 1):
        variance = spread**2 * k * (size - k) / (size * (size - 1))
        interval = empirical_bernstein_of(Summary(size, spread * k / size, variance), 0.0, spread, alpha)
        found.append(claimed not in interval)
    return float(binomial_floats(size, truth / spread)[found].sum())


MEANS = [(0.5, 0.6, 1.0), (0.1, 0.2, 1.0), (0.9, 0.8, 1.0), (0.01, 0.05, 1.0), (2.0, 1.0, 10.0), (0.0, 0.1, 1.0)]


@pytest.mark.parametrize(("truth", "claimed", "spread"), MEANS)
@pytest.mark.parametrize(("alpha", "power"), [(0.05, 0.9), (1e-6, 0.999)])
def test_mean_sample_size_has_its_power(
    truth: float, claimed: float, spread: float, alpha: float, power: float
) -> None:
    """Values in {0, spread}: deviation sqrt(mean (spread - mean)), the number of large ones binomial."""
    deviation = math.sqrt(truth * (spread - truth))
    size = mean_sample_size(deviation, spread, abs(claimed - truth), alpha, power)
    assert mean_power(size, truth, claimed, spread, alpha) >= power


@given(st.integers(0, 10), st.integers(1, 20), st.sampled_from(ALPHAS), st.sampled_from([0.5, 0.9, 0.999]))
def test_mean_sample_size_is_the_least(deviation: int, hundredths: int, alpha: float, power: float) -> None:
    """The interval of an unluckily large sample deviation and Bernstein's radius fit at n and not at n - 1.

    Values in [-1, 1] with mean 0; both unlucky events together, the mean's on either side, have 1 - power.
    """
    sd, gap, log_miss = deviation / 10, hundredths / 100, math.log(4 / (1 - power))

    def reach(n: int) -> float:
        sample = sd + 2 * math.sqrt(2 * log_miss / (n - 1))
        return empirical_bernstein_of(Summary(n, 0.0, sample**2), -1, 1, alpha).high + bernstein(n)

    def bernstein(n: int) -> float:
        return sd * math.sqrt(2 * log_miss / n) + 2 * log_miss / (3 * n)

    size = mean_sample_size(sd, 2.0, gap, alpha, power)
    assert reach(size) <= gap < reach(size - 1)


def test_an_asymptotic_sample_size_is_caught() -> None:
    """The slip: n = (deviation (z_alpha/2 + z_power) / difference)^2."""
    z = stats.norm.isf(0.025) + stats.norm.isf(0.1)
    assert mean_power(math.ceil(0.25 * z**2 / 0.1**2), 0.5, 0.6, 1.0, 0.05) < 0.5


def assert_monotone(of: Callable[[float, float, float], int]) -> None:
    """n(discrepancy, alpha, power) falls with the first two and grows with the third; it is a positive int."""
    by_gap = [of(gap, 1e-6, 0.999) for gap in (0.01, 0.02, 0.05, 0.1, 0.3)]
    by_alpha = [of(0.05, alpha, 0.999) for alpha in (1e-9, 1e-6, 1e-3, 0.05)]
    by_power = [of(0.05, 1e-6, power) for power in (0.9999, 0.999, 0.9, 0.5)]
    for falling in (by_gap, by_alpha, by_power):
        assert all(isinstance(n, int) and n > 0 for n in falling)
        assert all(a > b for a, b in pairwise(falling))


@pytest.mark.parametrize(
    "of",
    [
        lambda gap, alpha, power: event_sample_size(0.5, 0.5 + gap, alpha, power),
        lambda gap, alpha, power: event_sample_size(0.4, 0.4 - gap, alpha, power),
        lambda gap, alpha, power: law_sample_size(8, gap, alpha, power),
        dkw_sample_size,
        lambda gap, alpha, power: mean_sample_size(0.5, 1.0, gap, alpha, power),
    ],
    ids=["event up", "event down", "law", "dkw", "mean"],
)
def test_sample_sizes_are_monotone(of: Callable[[float, float, float], int]) -> None:
    """A smaller discrepancy, a smaller alpha and a larger power each need more draws."""
    assert_monotone(of)


def test_sample_sizes_grow_with_what_is_unknown() -> None:
    """More outcomes, a larger deviation or a wider range need more draws."""
    assert law_sample_size(3, 0.1, 1e-6, 0.9) < law_sample_size(4, 0.1, 1e-6, 0.9)
    assert mean_sample_size(0.1, 1, 0.1, 1e-6, 0.9) < mean_sample_size(0.2, 1, 0.1, 1e-6, 0.9)
    assert mean_sample_size(0.1, 1, 0.1, 1e-6, 0.9) < mean_sample_size(0.1, 2, 0.1, 1e-6, 0.9)
    assert mean_sample_size(1, 10, 1, 1e-6, 0.9) == mean_sample_size(0.125, 1.25, 0.125, 1e-6, 0.9)


def test_sample_sizes_refuse() -> None:
    """No number of draws finds a discrepancy of 0; a total variation distance is at most 1."""
    with pytest.raises(ValueError, match="the discrepancy must be at least 1e-6"):
        event_sample_size(0.3, 0.3, 0.05, 0.9)
    for far in (0.0, -0.1, 1.1, math.nan):
        with pytest.raises(ValueError, match=rf"a total variation distance lies in \(0, 1\], got {far}"):
            law_sample_size(3, far, 0.05, 0.9)
    assert law_sample_size(3, 1.0, 0.05, 0.9) > 0


# --- half a million draws -------------------------------------------------------------------------------------------

DRAWS, LEVEL, FAR, RUNS = 530_000, 1e-6, 0.01, 60_000


def halves(outcomes: int, far: float) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """A uniform law, and half of its outcomes raised: kl(1/2 + t || 1/2), the least divergence at this distance."""
    prob = np.full(outcomes, 1 / outcomes)
    return prob, prob + np.where(np.arange(outcomes) % 2, 2 * far / outcomes, -2 * far / outcomes)


def zipf(outcomes: int, far: float) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Masses proportional to 1 / rank; those with odd rank raised, those with even rank lowered, in proportion."""
    prob = 1 / np.arange(1, outcomes + 1)
    prob /= prob.sum()
    odd = np.arange(outcomes) % 2 == 0
    return prob, np.where(odd, prob * (1 + far / prob[odd].sum()), prob * (1 - far / prob[~odd].sum()))


def caught(prob: np.ndarray[Any, Any], truth: np.ndarray[Any, Any], seed: int) -> int:
    """In how many of the runs the G test at 1e-6 rejects ``prob``."""
    drawn = np.random.default_rng(seed).multinomial(DRAWS, truth, size=RUNS)
    x = special.rel_entr(drawn, DRAWS * prob).sum(axis=1)
    assert np.allclose(x[:20], [half_g(row, prob) for row in drawn[:20]], rtol=1e-9)
    return int((x >= g_critical(len(prob), LEVEL)).sum())


@pytest.mark.slow
@pytest.mark.parametrize("shift", [halves, zipf])
@pytest.mark.parametrize("outcomes", [2, 8, 32])
def test_one_percent_is_found_in_half_a_million_draws(
    shift: Callable[[int, float], tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]], outcomes: int
) -> None:
    """TV = 1 %, 530,000 draws, alpha = 1e-6: at least 999 of 1,000 runs find it, so few of 60,000 miss it.

    The misses refute a power below 0.999 at 1e-6: P(Bin(60,000, 1/1000) <= misses) <= 1e-6, which allows 26. At a power
    of 0.9999, more than 26 have probability 3e-10: no seed fails by bad luck.
    """
    prob, truth = shift(outcomes, FAR)
    assert math.isclose(np.abs(prob - truth).sum() / 2, FAR, rel_tol=1e-9)
    misses = RUNS - caught(prob, truth, seed=outcomes)
    assert binomial_floats(RUNS, 1e-3)[: misses + 1].sum() <= 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("outcomes", [2, 8, 32])
def test_nothing_is_found_where_nothing_is_off(outcomes: int) -> None:
    """No alarm in 60,000 runs of the law itself, but with probability 0.06 at most; a quarter of 1 % is missed."""
    prob, truth = halves(outcomes, FAR / 4)
    assert caught(prob, prob, seed=outcomes) == 0
    assert RUNS - caught(prob, truth, seed=outcomes) > RUNS / 2


def test_half_a_million_draws_are_not_enough_for_a_lopsided_law() -> None:
    """30 of 32 outcomes of probability 0 add to the critical value, not to G: what is stated needs 605,204 draws."""
    assert 0.996 < two_outcome_power(DRAWS, 32, 0.495, 0.505, LEVEL) < 0.999
    assert two_outcome_power(law_sample_size(32, FAR, LEVEL, 0.999), 32, 0.495, 0.505, LEVEL) >= 0.999
