"""Order-preserving adaptors: the polygon by programme, by enumeration, by linear programming; exchanges; thinning."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
from flint import arb, fmpq
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from tests.strategies import models, rationals, tables, trees
from theory.adaptors.exact import Chain, adapt_local, chain, decide
from theory.adaptors.fractional import fractional_truncation, thinned
from theory.adaptors.log_forms import LogForm, Point
from theory.adaptors.order_preserving import (
    AXES,
    Corner,
    Ranking,
    corner_count,
    corner_law,
    every_corner,
    exchange,
    losses,
    mean_point,
    normals,
    polygon,
    ranking,
    slack,
    slopes,
    string_points,
    support,
)
from theory.alignment.gibbs import Aligned, align
from theory.arithmetic.exact import Array, floats, objects, precision, to_float
from theory.examples.finite import c1, c2, c3, c4, table
from theory.language_models.rewards import Reward
from theory.language_models.tree import TreeModel

_WHOLE = st.tuples(st.integers(-5, 5), st.integers(-5, 5))
_KEEPING = st.sampled_from(
    [
        chain(("temperature", "1/2")),
        chain(("temperature", 3)),
        chain(("top_k", 2)),
        chain(("nucleus", "3/5")),
        chain(("min_p", "1/2")),
        chain(("epsilon", "1/4")),
        chain(("eta", "1/2")),
        chain(("temperature", "2/3"), ("nucleus", "4/5"), ("top_k", 2)),
    ]
)


def ranked(aligned: Aligned) -> Ranking:
    return ranking(aligned.balls())


def zero(value: object) -> bool:
    """Whether a ball holds 0 and is tight."""
    number = arb(value)
    return bool(number.contains(0)) and float(number.rad()) < 1e-60


def place(point: Point) -> tuple[float, float]:
    return float(point.log_prior.ball()), float(point.reward.ball())


def constraints(found: Ranking) -> Array:
    """Rows a with a q <= 0 for the laws q of strings that keep the order: q(u t_{j+1}) - q(u t_j)."""
    tree, node = found.aligned.tree, found.aligned.node.tolist()
    below = np.zeros((len(tree), len(node)))
    for y, end in enumerate(node):
        while end >= 0:
            below[end, y] = 1
            end = int(tree.parent[end])
    own = {u: np.eye(len(node))[y] for y, u in enumerate(node)}
    rows = []
    for u, order in enumerate(found.order):
        masses = [own[t] if t == u else below[t] for t in order]
        rows += [two - one for one, two in itertools.pairwise(masses)]
    return np.array(rows) if rows else np.zeros((1, len(node)))


# --- numbers ------------------------------------------------------------------------------------------------------


@given(rationals(1, 30), rationals(1, 30), rationals(1, 9))
def test_log_form(first: fmpq, second: fmpq, factor: fmpq) -> None:
    """log(v w) - log v - log w is the rational 0, and c log v has the sign of c log v."""
    together = LogForm.log(first * second) - LogForm.log(first) - LogForm.log(second)
    assert together.number() == fmpq(0)
    assert isinstance(together.number(), fmpq)
    form = LogForm.log(first).scaled(factor)
    assert form.sign() == (first > 1) - (first < 1)
    assert zero(form.ball() - arb(first).log() * factor)


def test_log_form_of_exponentials() -> None:
    """e^a log v keeps a: e log 4 - 2 e log 2 = 0, and the enclosure follows the precision."""
    e_log_four = LogForm.log(fmpq(4)).scaled(fmpq(1), fmpq(1))
    e_log_two = LogForm.log(fmpq(2)).scaled(fmpq(1), fmpq(1))
    assert (e_log_four - e_log_two.scaled(fmpq(2))).sign() == 0
    assert (e_log_four - e_log_two).sign() == 1
    mixed = (e_log_four + LogForm.constant(fmpq(1, 3))).scaled(fmpq(1), fmpq(-1))
    assert zero(mixed.ball() - arb(4).log() - arb(-1).exp() / 3)
    with precision(1000):
        assert float((mixed.ball() - arb(4).log() - arb(-1).exp() / 3).rad()) < 1e-290


def test_log_form_of_a_large_number() -> None:
    """What is too large to factor is a symbol of its own: equal to itself, and a ball all the same."""
    large = fmpq(3 * 2**200 + 1, 7)
    assert (LogForm.log(large) - LogForm.log(large)).sign() == 0
    assert zero(LogForm.log(large).ball() - arb(large).log())


@given(tables(3, 3), _WHOLE)
def test_points(aligned: Aligned, direction: tuple[int, int]) -> None:
    """Turned by a right angle a point is orthogonal to itself; inner products agree with float64."""
    one, two, three = string_points(aligned)
    assert one.along(one.outward()) == fmpq(0)
    assert (one - two).side((one - two).outward()) == 0
    value = (one - three).along(Point.whole(*direction))
    numbers = aligned.floats()
    log_prior, reward = numbers.log_prior[0] - numbers.log_prior[2], numbers.reward[0] - numbers.reward[2]
    assert to_float(value) == pytest.approx(direction[0] * log_prior + direction[1] * reward, abs=1e-12)


# --- the polygon --------------------------------------------------------------------------------------------------


@given(models(), _WHOLE)
def test_support_is_the_best_choice_of_top_tokens(aligned: Aligned, direction: tuple[int, int]) -> None:
    """V(root) = max over all choices of a number of top tokens at each context of E_q[a L + c R]."""
    found, along = ranked(aligned), Point.whole(*direction)
    assume(corner_count(found) <= 60)
    every = list(every_corner(found))
    assert len(every) == corner_count(found)
    points = string_points(aligned)
    best = support(found, along)
    gaps = [(best.point - mean_point(points, corner_law(found, tops))).along(along) for tops in every]
    assert all(gap >= 0 for gap in gaps)
    assert any(isinstance(gap, fmpq) for gap in gaps)
    assert corner_law(found, best.tops).sum() == 1


@settings(max_examples=40)
@given(models(), st.floats(-math.pi, math.pi))
def test_support_by_linear_programming(aligned: Aligned, angle: float) -> None:
    """max E_q[a L + c R] over the laws of strings with q(u t_{j+1}) <= q(u t_j) is the programme's V(root)."""
    found, numbers = ranked(aligned), aligned.floats()
    a, c = (fmpq(round(1000 * v), 1000) for v in (math.cos(angle), math.sin(angle)))
    gain = to_float(a) * numbers.log_prior + to_float(c) * numbers.reward
    rows = constraints(found)
    solved = linprog(-gain, A_ub=rows, b_ub=np.zeros(len(rows)), A_eq=np.ones((1, len(gain))), b_eq=[1])
    best = support(found, Point(LogForm.constant(a), LogForm.constant(c))).point
    assert -solved.fun == pytest.approx(to_float(a) * place(best)[0] + to_float(c) * place(best)[1], abs=1e-8)


@given(models())
def test_polygon_holds_every_corner(aligned: Aligned) -> None:
    """All choices of top tokens lie on the inner side of every edge; the corners turn strictly to the left."""
    found = ranked(aligned)
    assume(corner_count(found) <= 40)
    corners = polygon(found)
    points = string_points(aligned)
    every = [mean_point(points, corner_law(found, tops)) for tops in every_corner(found)]
    for normal in normals(corners):
        best = support(found, normal).point
        assert all((best - point).side(normal) >= 0 for point in every)
    if len(corners) > 2:
        edges = [two.point - one.point for one, two in zip(corners, [*corners[1:], corners[0]], strict=True)]
        for one, two in zip(edges, [*edges[1:], edges[0]], strict=True):
            assert two.side(one.outward()) < 0
    for corner in corners:
        apart = mean_point(points, corner_law(found, corner.tops)) - corner.point
        assert apart.log_prior.sign() == 0 == apart.reward.sign()


def local_law(aligned: Aligned, steps: Chain) -> Array:
    numbers = aligned.balls()
    law = adapt_local(numbers, decide(numbers, steps))
    mass = objects([fmpq(0)] * len(aligned))
    mass[law.string] = law.prob
    return mass


@given(models(), _KEEPING)
def test_adaptors_stay_inside(aligned: Aligned, steps: Chain) -> None:
    """They keep the order, and V(root) - E_q[a L + c R] = sum of (slope of q) * (loss of the programme) >= 0."""
    found, numbers = ranked(aligned), aligned.balls()
    mass = local_law(aligned, steps)
    law = slopes(found, mass)
    assert all(weight >= 0 for row in law for weight in row)
    for axis in AXES:
        direction = Point.whole(*axis)
        inside = slack(losses(found, direction), law)
        assert inside >= 0
        best = support(found, direction).point
        gap_l = best.log_prior.ball() - (mass * numbers.log_prior).sum()
        gap_r = best.reward.ball() - (mass * numbers.reward).sum()
        assert zero(axis[0] * gap_l + axis[1] * gap_r - inside)


@given(trees())
def test_mixtures_keep_the_order(aligned: Aligned) -> None:
    """The laws that keep the order are convex: a mixture of corners has slopes >= 0, exactly."""
    found = ranked(aligned)
    corners = polygon(found)
    mixture = sum(corner_law(found, corner.tops) * fmpq(1, len(corners)) for corner in corners)
    assert mixture.sum() == 1
    assert all(weight >= 0 for row in slopes(found, mixture) for weight in row)


# --- exchanges ----------------------------------------------------------------------------------------------------


def best_exchange(found: Ranking, side: int) -> float:
    """max s with side (E_q R - E R) >= s and side (E L - E_q L) >= s over the laws that keep the order."""
    numbers = found.aligned.floats()
    rise_r = side * (numbers.reward - numbers.prob @ numbers.reward)
    fall_l = side * (numbers.prob @ numbers.log_prior - numbers.log_prior)
    rows = [[*row, 0.0] for row in constraints(found)] + [[*-rise_r, 1.0], [*-fall_l, 1.0]]
    n = len(rise_r)
    solved = linprog(
        [0.0] * n + [-1.0],
        A_ub=np.array(rows),
        b_ub=np.zeros(len(rows)),
        A_eq=np.array([[1.0] * n + [0.0]]),
        b_eq=[1],
        bounds=[(0, None)] * n + [(None, None)],
    )
    return float(-solved.fun)


@settings(max_examples=60)
@given(models())
def test_exchange_by_linear_programming(aligned: Aligned) -> None:
    """Some order-preserving adaptor raises one mean and lowers the other iff the best joint gain is > 0."""
    found = ranked(aligned)
    corners = polygon(found)
    for raises, side in (("reward", 1), ("log_prior", -1)):
        decided = exchange(found, corners, raises)
        gain = best_exchange(found, side)
        assert decided.possible == (gain > 1e-7)
        assert decided.possible != (decided.separator is not None)
        if decided.possible:
            law = decided.law(found)
            change = law - aligned.balls().prob
            assert side * (change * aligned.balls().reward).sum() > 0
            assert side * (change * aligned.balls().log_prior).sum() < 0
            assert all(weight >= 0 for row in slopes(found, law) for weight in row)


def decisions(aligned: Aligned) -> list[bool]:
    found = ranked(aligned)
    corners = polygon(found)
    return [exchange(found, corners, raises).possible for raises in ("reward", "log_prior")]


def test_c1_and_c3() -> None:
    """C1 is a line: nothing trades off. In C3 no temperature does, but an order-preserving adaptor does, both ways."""
    assert decisions(c1()) == [False, False]
    assert decisions(c2()) == [False, False]
    assert decisions(c3()) == [True, True]
    assert decisions(c4()) == [True, True]


def test_c3_by_hand() -> None:
    """p+ = (1, 4, 12)/17: the corners are (L, R) averaged over the top 1, 2 and 3 strings."""
    found = ranked(c3())
    log_prior, reward = [math.log(v / 7) for v in (4, 2, 1)], [math.log(v) for v in (3, 2, 1)]
    expected = {(round(sum(log_prior[:j]) / j, 12), round(sum(reward[:j]) / j, 12)) for j in (1, 2, 3)}
    assert {tuple(round(v, 12) for v in place(corner.point)) for corner in polygon(found)} == expected
    assert [corner.tops[0] for corner in polygon(found)] == [1, 2, 3]
    assert corner_count(ranked(c2())) == 8


def tied_tree() -> Aligned:
    """Three branches of 1/3 each, which end at once or split evenly in two and in three; L and R fall along them."""
    strings = [(0,), (1, 0), (1, 1), (2, 0), (2, 1), (2, 2)]
    model = TreeModel.from_strings("abc", strings, objects(fmpq(w, 33) for w in (9, 6, 6, 4, 4, 4)))
    return align(model, [Reward(factor=fmpq(x)) for x in (8, 6, 6, 6, 6, 6)])


def test_nothing_trades_off_at_a_corner() -> None:
    """p+ is a corner of the polygon where everything ties; L and R are not collinear, and yet nothing trades off."""
    aligned = tied_tree()
    assert decisions(aligned) == [False, False]
    points = string_points(aligned)
    assert (points[1] - points[0]).side((points[3] - points[0]).outward()) != 0
    found = ranked(aligned)
    for raises in ("reward", "log_prior"):
        separator = exchange(found, polygon(found), raises).separator
        assert separator is not None
        at_aligned = slack(losses(found, separator), slopes(found, aligned.exact_prob()))
        assert at_aligned == fmpq(0)
        assert isinstance(at_aligned, fmpq)


def test_irrational_aligned_law() -> None:
    """r = (0, 1/2, 1): p+ is irrational, the corners are not, and the decision is made all the same."""
    model = TreeModel.table(("x", "y", "z"), objects((fmpq(4, 7), fmpq(1, 7), fmpq(2, 7))))
    aligned = align(model, [Reward(exponent=fmpq(k, 2)) for k in range(3)])
    found = ranked(aligned)
    assert decisions(aligned) == [best_exchange(found, side) > 1e-9 for side in (1, -1)]


def test_flat_polygons() -> None:
    """One string, or L and R constant: a point. p+ uniform: L + R is constant, and the polygon a segment."""
    (point,) = polygon(ranked(table((1,), (1,))))
    assert isinstance(point, Corner)
    assert len(polygon(ranked(table((1, 1, 1), (2, 2, 2))))) == 1
    segment = polygon(ranked(table((1, 2, 4), (4, 2, 1))))
    assert len(segment) == 2
    assert decisions(table((1, 2, 4), (4, 2, 1))) == [True, False]


def test_typical_leaves_the_polygon() -> None:
    """p+ = (12, 10, 3)/25, all distances apart: typical 1/10 keeps the second string only, outside the polygon."""
    aligned = table((4, 5, 3), (3, 2, 1))
    mass = local_law(aligned, chain(("typical", "1/10")))
    assert [to_float(m) > 0 for m in mass] == [False, True, False]
    found = ranked(aligned)
    law = slopes(found, mass)
    assert any(weight < 0 for row in law for weight in row)
    assert any(slack(losses(found, normal), law) < 0 for normal in normals(polygon(found)))


# --- thinning -----------------------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(tables(2, 6), st.integers(1, 20))
def test_fractional_truncation_is_cheapest(aligned: Aligned, share: int) -> None:
    """It keeps mass m exactly, and min { E_q I : q <= p+ / m } is attained by it."""
    prob, mass = aligned.exact_prob(), fmpq(share, 20)
    assert prob is not None
    weights = fractional_truncation(prob, mass)
    assert weights.sum() == mass
    assert all(0 <= w <= p for w, p in zip(weights, prob, strict=True))
    surprisal = aligned.floats().surprisal
    solved = linprog(surprisal, bounds=[(0, to_float(p)) for p in prob], A_eq=[[1.0] * len(prob)], b_eq=[share / 20])
    assert floats(weights) @ surprisal == pytest.approx(solved.fun, abs=1e-9)


def totals(values: Sequence[fmpq]) -> list[fmpq]:
    return list(itertools.accumulate(values))


@given(tables(2, 6), st.integers(1, 12), st.integers(1, 12))
def test_fractional_truncation_is_continuous(aligned: Aligned, one: int, two: int) -> None:
    """TV(q_m, q_m') <= 1 - m/m', and at a sum of whole strings no string is cut."""
    prob = aligned.exact_prob()
    assert prob is not None
    less, more = (fmpq(k, 12) for k in sorted((one, two)))
    first, second = fractional_truncation(prob, less) / less, fractional_truncation(prob, more) / more
    assert sum(abs(a - b) for a, b in zip(first, second, strict=True)) / 2 <= 1 - less / more
    for mass in totals(sorted(prob, reverse=True)):
        assert all(w in (0, p) for w, p in zip(fractional_truncation(prob, mass), prob, strict=True))


def test_thinning_by_hand() -> None:
    prob = objects((fmpq(1, 8), fmpq(1, 2), fmpq(3, 8)))
    assert fractional_truncation(prob, fmpq(3, 4)).tolist() == [0, fmpq(1, 2), fmpq(1, 4)]
    assert thinned(prob, range(3), fmpq(3, 4)).tolist() == [fmpq(1, 8), fmpq(1, 2), fmpq(1, 8)]
    with pytest.raises(ValueError, match=r"the kept mass must be in \(0, 1\], got 0"):
        fractional_truncation(prob, fmpq(0))
