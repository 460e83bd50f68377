"""Verdicts on draws made by hand, where it is known what they must be; and what the error budget is spent on.

Intervals are recomputed from the sources' formulas, and at the edge of each a verdict turns.
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from simulations.agreement.comparison import (
    DIFFERS,
    SAMPLED,
    Comparison,
    SettledComparison,
    correlation,
    event,
    law,
    mean,
    same,
    settle,
)
from simulations.agreement.statistics import BUDGET, Interval, Ledger
from theory.report.records import plain

Floats = NDArray[np.float64]


def alone(comparison: Comparison, budget: float = BUDGET) -> SettledComparison:
    """Its row in a run of its own."""
    (row,) = settle([comparison], Ledger(budget))
    return row


def ones(successes: int, size: int) -> NDArray[np.bool_]:
    return np.arange(size) < successes


def halves(size: int, low: float = 0.0, high: float = 1.0) -> Floats:
    """As many draws at one end as at the other."""
    return np.where(np.arange(size) % 2 == 0, low, high)


# --- the verdict ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("exact", "verdict"),
    [
        (0.25, SAMPLED),
        (0.5, SAMPLED),
        (0.75, SAMPLED),
        (math.nextafter(0.25, 0), DIFFERS),
        (math.nextafter(0.75, 1), DIFFERS),
        (math.nan, DIFFERS),
        (math.inf, DIFFERS),
    ],
)
def test_verdict(exact: float, verdict: str) -> None:
    """SAMPLED exactly where the closed interval holds the exact value; NaN is nowhere."""
    row = alone(Comparison("a.b", "what", exact, 0.4, lambda alpha: Interval(0.25, 0.75, alpha), 12))
    assert row.verdict == verdict
    assert (row.claim, row.what, row.estimate, row.low, row.high, row.draws) == ("a.b", "what", 0.4, 0.25, 0.75, 12)


def chancy(name: str) -> Comparison:
    return event("a.b", name, 0.5, ones(50, 100))


def certain(name: str) -> Comparison:
    return same("a.b", name, [1.0], [1.0], 1e-9)


@given(st.lists(st.booleans(), max_size=30))
def test_budget_is_shared_by_those_by_chance(kinds: list[bool]) -> None:
    """Each comparison by chance has budget / their number, the others nothing; together they spend the budget."""
    ledger = Ledger()
    rows = settle([chancy(str(k)) if by_chance else certain(str(k)) for k, by_chance in enumerate(kinds)], ledger)
    assert [row.what.split(":")[0] for row in rows] == [str(k) for k in range(len(kinds))]
    for row, by_chance in zip(rows, kinds, strict=True):
        assert row.alpha == (BUDGET / sum(kinds) if by_chance else 0.0)
    assert math.isclose(ledger.spent, BUDGET if any(kinds) else 0.0, rel_tol=1e-12)
    assert [what for what, _ in ledger.entries] == [f"a.b: {k}" for k, by_chance in enumerate(kinds) if by_chance]


def test_interval_is_asked_for_its_share() -> None:
    """The interval gets the alpha that the row shows; a spent ledger gives none."""
    asked: list[float] = []

    def interval(alpha: float) -> Interval:
        asked.append(alpha)
        return Interval(0.0, 1.0, alpha)

    comparisons = [Comparison("a.b", "what", 0.5, 0.5, interval, 1) for _ in range(4)]
    rows = settle(comparisons, Ledger(0.02))
    assert asked == [row.alpha for row in rows] == [0.005] * 4
    with pytest.raises(ValueError, match=r"^a\.b: what asks for"):
        settle(comparisons, Ledger(0.02, [("earlier", 0.019)]))


# --- means ----------------------------------------------------------------------------------------------------------


def bernstein(values: Floats, spread: float, alpha: float) -> float:
    """Theorem 4 of Maurer and Pontil, two-sided."""
    n, l = len(values), math.log(4 / alpha)
    return math.sqrt(2 * np.var(values, ddof=1) * l / n) + 7 * spread * l / (3 * (n - 1))


@pytest.mark.parametrize("size", [2, 10, 5000])
@pytest.mark.parametrize("accuracy", [0.0, 1e-4])
def test_mean_turns_at_the_radius(size: int, accuracy: float) -> None:
    """The exact value may be off by the empirical Bernstein radius and the accuracy, and by no more."""
    values = halves(size, -1.0, 3.0)
    radius = bernstein(values, 4.0, 0.01)
    for sign in (-1, 1):
        edge = float(values.mean()) + sign * min(radius, 2.0) + sign * accuracy
        for exact, verdict in ((edge - sign * 1e-9, SAMPLED), (edge + sign * 1e-9, DIFFERS)):
            row = alone(mean("a.b", "what", exact, values, (-1.0, 3.0), accuracy), 0.01)
            assert row.verdict == verdict
            assert row.estimate == values.mean()
            assert row.draws == size


@pytest.mark.parametrize("values", [[], [0.7]])
def test_few_draws_say_nothing_of_a_mean(values: list[float]) -> None:
    """Fewer than two draws: whatever lies in the bounds is SAMPLED, and there is no estimate."""
    for exact, verdict in ((0.0, SAMPLED), (1.0, SAMPLED), (1.01, DIFFERS), (-0.01, DIFFERS)):
        row = alone(mean("a.b", "what", exact, np.array(values), (0.0, 1.0)))
        assert (row.low, row.high, row.verdict, row.draws) == (0.0, 1.0, verdict, len(values))
        assert math.isnan(row.estimate)
        assert row.record().estimate is None


def test_a_value_outside_its_bounds_is_refused() -> None:
    """Bounds that a draw leaves were none: named, not clipped; NaN lies in no bounds."""
    for stray, shown in ((1.5, "1.5"), (math.nan, "nan")):
        values = np.array([0.5, stray, 0.25])
        with pytest.raises(ValueError, match=f"^value 1 is {shown}, outside the stated range"):
            alone(mean("a.b", "what", 0.5, values, (0.0, 1.0)))
        with pytest.raises(ValueError, match="outside the stated range"):
            alone(correlation("a.b", "what", 0.5, values, np.zeros(3), [(-1.0, 1.0), (-1.0, 1.0)]))


# --- events ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("hits", "trials"), [(0, 5), (5, 5), (1, 1), (0, 1), (37, 100), (4000, 20_000)])
def test_event_turns_where_the_binomial_tail_does(hits: int, trials: int) -> None:
    """SAMPLED exactly for the probabilities under which either tail is at least alpha / 2."""
    alpha = 1e-3
    for prob in np.linspace(0.0005, 0.9995, 400):
        row = alone(event("a.b", "what", float(prob), ones(hits, trials)), alpha)
        tails = stats.binom.cdf(hits, trials, prob), stats.binom.sf(hits - 1, trials, prob)
        if min(tails) >= alpha / 2 * (1 + 1e-6):
            assert row.verdict == SAMPLED
        if min(tails) <= alpha / 2 * (1 - 1e-6):
            assert row.verdict == DIFFERS
    assert (row.estimate, row.draws) == (hits / trials, trials)


def test_event_at_the_ends() -> None:
    """What is impossible must not happen, what is certain must: one draw decides."""
    assert alone(event("a.b", "what", 0.0, ones(0, 9))).verdict == SAMPLED
    assert alone(event("a.b", "what", 0.0, ones(1, 10**6))).verdict == DIFFERS
    assert alone(event("a.b", "what", 1.0, ones(9, 9))).verdict == SAMPLED
    assert alone(event("a.b", "what", 1.0, ones(10**6 - 1, 10**6))).verdict == DIFFERS


# --- laws -----------------------------------------------------------------------------------------------------------


def half_g_by_hand(counts: list[int], prob: list[float]) -> float:
    total = sum(counts)
    return sum(n * math.log(n / (total * p)) for n, p in zip(counts, prob, strict=True) if n)


@pytest.mark.parametrize("size", [100, 10_000])
def test_law_turns_at_the_critical_value(size: int) -> None:
    """N KL of the frequencies up to x with e^-x (e x / d)^d = alpha is SAMPLED; one draw moved further is not."""
    prob, alpha, d = [0.5, 0.25, 0.25], 1e-4, 2
    verdicts = []
    for moved in range(size // 4 + 1):
        counts = [size // 2 + moved, size // 4 - moved, size // 4]
        row = alone(law("a.b", "what", np.array(prob), np.array(counts)), alpha)
        x = half_g_by_hand(counts, prob)
        bound = math.exp(d - x) * (x / d) ** d if x > d else 1.0
        assert row.verdict == (SAMPLED if bound >= alpha else DIFFERS)
        assert row.estimate == pytest.approx(x / size, abs=1e-12)
        assert row.draws == size
        verdicts.append(row.verdict)
    assert verdicts[0] == SAMPLED
    assert verdicts[-1] == DIFFERS


def test_impossible_outcome_differs() -> None:
    """One draw of probability 0 is enough; it is in the JSON as null."""
    counts = np.array([500_000, 499_999, 1])
    row = alone(law("a.b", "what", np.array([0.5, 0.5, 0.0]), counts))
    assert row.verdict == DIFFERS
    assert row.estimate == math.inf
    assert row.record().estimate is None
    assert alone(law("a.b", "what", np.array([0.5, 0.5, 0.0]), np.array([5, 5, 0]))).verdict == SAMPLED


def test_outcomes_of_probability_0_are_no_degrees_of_freedom() -> None:
    """Outcomes that cannot be drawn change neither the interval nor the number that is named."""
    prob, counts = np.array([0.5, 0.3, 0.2]), np.array([520, 300, 180])
    narrow = alone(law("a.b", "what", prob, counts))
    wide = alone(law("a.b", "what", np.append(prob, [0.0] * 5), np.append(counts, [0] * 5)))
    assert (narrow.low, narrow.high, narrow.what) == (wide.low, wide.high, wide.what)
    assert narrow.what == "what (3 outcomes): KL of the frequencies"


def test_a_law_of_one_outcome() -> None:
    """It is drawn or it is not."""
    assert alone(law("a.b", "what", np.array([1.0, 0.0]), np.array([7, 0]))).verdict == SAMPLED
    assert alone(law("a.b", "what", np.array([1.0, 0.0]), np.array([7, 1]))).verdict == DIFFERS


# --- correlations ---------------------------------------------------------------------------------------------------


def corners(together: int, apart: int) -> tuple[Floats, Floats]:
    """Centred signs that agree ``together`` times and disagree ``apart`` times."""
    first = np.where(np.arange(together + apart) % 2 == 0, 1.0, -1.0)
    return first, first * np.where(np.arange(together + apart) < together, 1.0, -1.0)


@pytest.mark.parametrize(("together", "apart"), [(9000, 1000), (5000, 5000), (1000, 9000)])
def test_correlation_of_signs(together: int, apart: int) -> None:
    """X^2 = Y^2 = 1 always, so that Corr is the mean of the sign: found, and its neighbours within 0.3 are told."""
    first, second = corners(together, apart)
    exact = (together - apart) / (together + apart)
    row = alone(correlation("a.b", "what", exact, first, second, [(-1.0, 1.0)] * 2))
    assert row.estimate == pytest.approx(exact, abs=1e-12)
    assert row.verdict == SAMPLED
    for other in (exact - 0.3, exact + 0.3):
        assert alone(correlation("a.b", "what", other, first, second, [(-1.0, 1.0)] * 2)).verdict == DIFFERS
    # of the three intervals, only that of the product has a variance: each has a third of alpha
    product = bernstein(first * second, 2.0, BUDGET / 3)
    assert row.low <= exact - product
    assert exact + product <= row.high


@pytest.mark.parametrize("size", [0, 1])
def test_few_draws_say_nothing_of_a_correlation(size: int) -> None:
    """[-1, 1] without an estimate; a constant variable has none either."""
    row = alone(correlation("a.b", "what", 0.9, np.zeros(size), np.zeros(size), [(-1.0, 1.0)] * 2))
    assert (row.low, row.high, row.verdict) == (-1.0, 1.0, SAMPLED)
    assert math.isnan(row.estimate)
    constant = alone(correlation("a.b", "what", 0.9, np.zeros(1000), halves(1000, -1.0), [(-1.0, 1.0)] * 2))
    assert math.isnan(constant.estimate)
    assert constant.verdict == SAMPLED


# --- two routes -----------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=8), st.data())
def test_same_is_the_largest_difference(values: list[float], data: st.DataObject) -> None:
    """SAMPLED where no number is further off than allowed; nothing is spent."""
    other = [v + data.draw(st.floats(-2, 2)) for v in values]
    gap = max(abs(a - b) for a, b in zip(values, other, strict=True))
    ledger = Ledger()
    (inside,) = settle([same("a.b", "what", values, other, gap * (1 + 1e-12))], ledger)
    (outside,) = settle([same("a.b", "what", iter(values), iter(other), gap * (1 - 1e-12) - 1e-300)], ledger)
    assert (inside.verdict, outside.verdict) == (SAMPLED, DIFFERS)
    assert inside.estimate == gap
    assert (inside.alpha, ledger.spent, ledger.entries) == (0.0, 0.0, [])
    assert inside.draws == len(values)


NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("exact", "found"),
    [
        ([1.0, 2.0], [1.0, NAN]),
        ([1.0, NAN], [1.0, 2.0]),
        ([NAN], [NAN]),
        ([1.0], [INF]),
        ([-INF, 1.0], [-INF, 1.0]),
        ([INF, 1.0], [INF, NAN]),
        ([1.0, 2.0], [1.0]),
        ([1.0], [1.0, 1.0]),
        ([1.0, 1.0], []),
        ([], []),
    ],
)
@pytest.mark.parametrize("within", [1e-9, 1e9])
def test_same_differs(exact: list[float], found: list[float], within: float) -> None:
    """A number that is not finite, a number too many or too few, or none at all, whatever is allowed."""
    row = alone(same("a.b", "what", exact, found, within))
    assert row.verdict == DIFFERS
    assert row.record().estimate is None


# --- what is written ------------------------------------------------------------------------------------------------


def every_kind() -> list[Comparison]:
    return [
        mean("a.mean", "none", 0.5, np.zeros(0), (0.0, 1.0)),
        mean("a.mean", "many", 0.5, halves(100), (0.0, 1.0), 1e-4),
        mean("a.mean", "unbounded", 0.5, halves(100), (0.0, INF)),
        event("a.event", "never", 0.5, ones(0, 3)),
        law("a.law", "impossible", np.array([1.0, 0.0]), np.array([1, 1])),
        law("a.law", "possible", np.array([0.5, 0.5]), np.array([1, 1])),
        correlation("a.correlation", "none", 0.5, np.zeros(1), np.zeros(1), [(-1.0, 1.0)] * 2),
        correlation("a.correlation", "all", 1.0, halves(9, -1.0), halves(9, -1.0), [(-1.0, 1.0)] * 2),
        same("a.same", "nan", [1.0], [NAN], 1e-9),
        same("a.same", "alike", [1.0], [1.0], 1e-9),
        Comparison("a.exact", "nan", np.float64("nan"), np.float64("inf"), lambda alpha: Interval(-INF, INF, alpha), 3),
    ]


def test_json_has_no_nan() -> None:
    """Every kind of row is written and read back; what is not finite is null, what is finite unchanged."""
    rows = settle(every_kind(), Ledger())
    text = json.dumps([plain(row.record()) for row in rows], allow_nan=False)
    for row, again in zip(rows, json.loads(text), strict=True):
        assert list(again) == ["claim", "what", "exact", "estimate", "low", "high", "alpha", "draws", "verdict"]
        for name, value in again.items():
            original: Any = getattr(row, name)
            finite = not isinstance(original, float) or math.isfinite(original)
            assert value == (original if finite else None)


def test_no_draws_say_nothing() -> None:
    """An event or a law without draws is refused by name."""
    with pytest.raises(ValueError, match="claim, what: no draws"):
        event("claim", "what", 0.5, np.zeros(0, dtype=bool))
    with pytest.raises(ValueError, match="claim, what: no draws"):
        law("claim", "what", np.ones(2) / 2, np.zeros(2, dtype=np.int64))


# --- the estimate that is shown -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("one", "two"), [(1.0, 1.0), (3.0, 0.25), (1e-3, 40.0)])
def test_the_estimate_of_a_correlation_has_no_unit(one: float, two: float) -> None:
    """Of variables with mean 0 it is Pearson's, in whatever units they come: numpy's corrcoef is the other route."""
    first, second = np.array([-2.0, -1.0, 0.0, 1.0, 2.0]), np.array([1.0, -2.0, 0.0, 2.0, -1.0])
    second = second + first / 2
    row = alone(correlation("a.b", "what", 0.0, one * first, two * second, [(-2 * one, 2 * one), (-3 * two, 3 * two)]))
    assert row.estimate == pytest.approx(np.corrcoef(first, second)[0, 1], abs=1e-12)
