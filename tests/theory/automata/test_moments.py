"""Path sums: against strings one by one, engines against each other within their bounds, and the borderline of 1."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from flint import arb, arb_mat, fmpq, fmpq_mat
from hypothesis import assume, given

from tests.automata import acyclic_automata, automata
from theory.adaptors.moments import moments
from theory.arithmetic.exact import Undecided, balls, floats, objects, precision, to_float
from theory.arithmetic.formal import formal_product
from theory.automata import moments as moments_module
from theory.automata.adaptors import unrolled
from theory.automata.moments import PathMoments, family, path_moments
from theory.automata.path_sums import (
    UNIT,
    Diverges,
    Engine,
    ball_solver,
    float_solver,
    formal_weights,
    step_features,
    step_weights,
    totals,
)
from theory.automata.spectral_radius import (
    _float_perron,
    bisected_exponent,
    converges,
    critical_temperature,
    singular,
    spectral_radius,
)
from theory.examples.automata import letters, random_automaton, speeches, two_states, vowels_over_consonants
from theory.language_models.automaton import Arc, Automaton, Graph
from theory.language_models.rewards import Reward

ONE, ZERO, HALF = fmpq(1), fmpq(0), fmpq(1, 2)


def close(found: Any, expected: Any, radius: float = 1e-50) -> bool:
    """Two balls for one number: they overlap, and both are narrow."""
    gap = arb(found) - arb(expected)
    return bool(gap.contains(0)) and float(gap.rad()) <= radius


# --- against strings ----------------------------------------------------------------------------------------------


def test_enumeration_of_all_strings_to_length_16() -> None:
    """Sums over 131,071 strings and a certified tail: the interval contains the matrix formula's log Z, E L, E R.

    Tail: rows of M sum to theta or less, and b <= .65, so that the strings of k tokens weigh at most .65 theta^k; |L|
    and |R| of one of them are at most c (k + 1), c the largest per step.
    """
    automaton = two_states()
    found = family(automaton, ONE, ONE)
    theta = 0.3 * 1 + 0.2 * 1.5  # the larger row sum of M; the other is .1 * .5 + .25 * 1.25
    log_prior = {p: math.log(to_float(p)) for p, _ in automaton.kinds()[0]}
    mass = mean_l = mean_r = 0.0
    count = 0
    states = [(0, 1.0, 0.0, 0.0)]
    starts = [*automaton.graph.starts.tolist(), len(automaton.graph)]
    prob, reward = floats(automaton.prob), automaton.floats()[1]
    factor = np.exp(reward)
    for _ in range(17):
        following = []
        for state, weight, l, r in states:
            for step in range(starts[state], starts[state + 1]):
                w = weight * prob[step] * factor[step]
                here_l, here_r = l + log_prior[automaton.prob[step]], r + reward[step]
                if automaton.graph.target[step] == 2:
                    mass, mean_l, mean_r, count = mass + w, mean_l + w * here_l, mean_r + w * here_r, count + 1
                else:
                    following.append((int(automaton.graph.target[step]), w, here_l, here_r))
        states = following
    assert count == 2**17 - 1
    tail = theta**17 * 0.65 / (1 - theta)
    longest = 2.31 * sum((k + 1) * theta**k * 0.65 for k in range(17, 2000))
    partition = math.exp(to_float(found.log_total))
    assert partition - mass >= -1e-12
    assert partition - mass <= tail + 1e-12
    for k, short in enumerate((mean_l, mean_r)):
        assert abs(to_float(found.mean[k]) * partition - short) <= longest + 1e-12


@given(acyclic_automata())
def test_moments_of_finitely_many_strings(automaton: Automaton) -> None:
    """log Z, E L, E R, Var L, Cov, Var R of p+ are those of its strings, summed one by one."""
    found = family(automaton, ONE, ONE)
    finite = unrolled(automaton, automaton.graph.states)
    numbers = finite.balls()
    expected = moments(numbers)
    assert close(found.log_total, numbers.log_partition)
    assert close(found.mean[0], expected.mean_log_prior)
    assert close(found.mean[1], expected.mean_reward)
    assert close(found.covariance[0, 0], expected.var_log_prior)
    assert close(found.covariance[0, 1], expected.cov)
    assert close(found.covariance[1, 1], expected.var_reward)


@given(automata())
def test_derivatives_are_difference_quotients(automaton: Automaton) -> None:
    """A_s, A_st, A_tt at (1, 1) against central differences of A of width 10^-15, which are off by their square."""
    try:
        found = family(automaton, ONE, ONE)
    except Diverges:
        return
    h = fmpq(1, 10**15)

    def a(s: fmpq, t: fmpq) -> arb:
        return family(automaton, s, t).log_total

    scale = 1 + max(abs(to_float(v)) for v in (*found.mean, *found.covariance.flat))
    assume(scale < 1e4 and converges(automaton.rewarded(), ONE - h, ONE + h))
    first = (a(1 + h, ONE) - a(1 - h, ONE)) / (2 * h)
    mixed = (a(1 + h, 1 + h) - a(1 + h, 1 - h) - a(1 - h, 1 + h) + a(1 - h, 1 - h)) / (4 * h * h)
    second = (a(ONE, 1 + h) - 2 * a(ONE, ONE) + a(ONE, 1 - h)) / (h * h)
    for value, expected in (
        (first, found.mean[0]),
        (mixed, found.covariance[0, 1]),
        (second, found.covariance[1, 1]),
    ):
        assert abs(to_float(value - expected)) < 1e-18 * scale**4


def test_prior_is_a_law() -> None:
    """A(1, 0) = 0 at every state; H(p) = -A_s."""
    found = family(two_states(), ONE, ZERO)
    assert close(found.log_total, 0)
    assert all(close(v, 1) for v in found.value)


def test_visits_are_expected_lengths() -> None:
    """One letter, going on with probability a: 1 / (1 - a) visits."""
    found = family(letters((1,), fmpq(9, 10)), ONE, ONE)
    assert close(found.visits[0] if found.visits is not None else 0, 10)


def test_geometric_law_by_hand() -> None:
    """p = b a^n: E L = log b + log a a/(1-a), Var L = (log a)^2 a/(1-a)^2."""
    found = family(letters((1,), fmpq(9, 10)), ONE, ONE)
    log_a = arb(fmpq(9, 10)).log()
    assert close(found.mean[0], arb(fmpq(1, 10)).log() + 9 * log_a)
    assert close(found.covariance[0, 0], 90 * log_a**2)


# --- float64 and its bounds ---------------------------------------------------------------------------------------


def within(found: PathMoments, expected: PathMoments) -> bool:
    """Every float64 number is within its rigorous bound of the ball."""
    assert found.error is not None
    gaps = [
        (found.log_total, expected.log_total, found.error.log_total),
        *zip(found.mean, expected.mean, found.error.mean, strict=True),
        *zip(found.covariance.flat, expected.covariance.flat, found.error.covariance.flat, strict=True),
    ]
    return all(abs(arb(float(value)) - ball) <= arb(float(error)) for value, ball, error in gaps)


@given(automata())
def test_float_engines_keep_their_bounds(automaton: Automaton) -> None:
    """|float64 - ball| <= bound for log Z, means and covariances; no number at all where Z is infinite."""
    for engine in ("dense", "sparse"):
        _keeps_its_bound(automaton, engine)  # type: ignore[arg-type]


def _keeps_its_bound(automaton: Automaton, engine: Engine) -> None:
    try:
        expected = family(automaton, ONE, ONE)
    except Diverges:
        with pytest.raises(Undecided):
            family(automaton, ONE, ONE, engine=engine)
        return
    assert within(family(automaton, ONE, ONE, engine=engine), expected)


def test_engines_agree_to_1e_13_on_many_states() -> None:
    """200 states, the balls by elimination: log Z and the moments to 1e-13, relatively, with bounds below 1e-11."""
    automaton = random_automaton(np.random.default_rng(7), 200, 4).rewarded()
    weight, features = step_weights(automaton, ONE, ONE), step_features(automaton)
    expected = path_moments(automaton.graph, weight, features)
    for engine in ("dense", "sparse"):
        found = family(automaton, ONE, ONE, engine=engine)  # type: ignore[arg-type]
        assert within(found, expected)
        assert found.error is not None
        assert found.error.log_total < 1e-12
        for value, ball in zip(
            (found.log_total, *found.mean, *found.covariance.flat),
            (expected.log_total, *expected.mean, *expected.covariance.flat),
            strict=True,
        ):
            assert abs(value - to_float(ball)) < 1e-13 * max(1.0, abs(to_float(ball)))


def test_refined_balls_agree_with_elimination() -> None:
    """The two ways to enclose solutions overlap, for (I - M) and its transpose, and both are narrow."""
    automaton = random_automaton(np.random.default_rng(3), 90, 3).rewarded()
    graph, weight = automaton.graph, balls(step_weights(automaton, ONE, ONE))
    assert graph.states > 64
    matrix = arb_mat(graph.states, graph.states, [0] * graph.states**2)
    for i in range(graph.states):
        matrix[i, i] += 1
    for i, j, w in zip(graph.source.tolist(), graph.target.tolist(), weight, strict=True):
        if j < graph.states:
            matrix[i, j] -= w
    right = [arb(k + 1) for k in range(graph.states)]
    column = arb_mat([[v] for v in right])
    solver = ball_solver(graph, weight)
    for found, expected in (
        (solver.solve(objects(right)[None, :])[0], matrix.solve(column)),
        (solver.solve_transposed(objects(right)[None, :])[0], matrix.transpose().solve(column)),
    ):
        assert all(close(found[i], expected[i, 0]) for i in range(graph.states))


def test_bounds_hold_where_very_many_steps_lead_into_one_state() -> None:
    """250 states that all step to the first: its arrivals are summed in wider floats."""
    rng, size = np.random.default_rng(9), 250
    arcs = [
        Arc(s, t, token, fmpq(int(rng.integers(1, 40)), 100), Reward(fmpq(int(rng.integers(-9, 9)), 20)))
        for s in range(size)
        for t, token in ((0, "a"), ((s + 1) % size, "b"))
    ]
    stop = [1 - sum(arc.prob for arc in arcs[2 * s : 2 * s + 2]) for s in range(size)]
    automaton = Automaton.of(("a", "b"), arcs, stop).rewarded()
    weight, features = step_weights(automaton, ONE, ONE), step_features(automaton)
    expected = path_moments(automaton.graph, weight, features)
    for engine in ("dense", "sparse"):
        found = family(automaton, ONE, ONE, engine=engine)  # type: ignore[arg-type]
        assert within(found, expected)
        assert found.error is not None
        assert float(found.error.covariance.max()) < 1e-10


@pytest.mark.parametrize("long", [1, 7, 64])
def test_steps_in_short_runs_sum_to_the_same(long: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """In runs of about so many steps: the same values bit for bit, and the same bounds but for rounding."""
    automaton = random_automaton(np.random.default_rng(11), 60, 4).rewarded()
    log_prior, reward = automaton.floats()
    weight, features = np.exp(log_prior + reward), np.stack((log_prior, reward, log_prior + reward))
    whole = path_moments(automaton.graph, weight, features)
    monkeypatch.setattr("theory.automata.moments._LONG", long)
    monkeypatch.setattr("theory.automata.path_sums._PIECE", long)
    found = path_moments(automaton.graph, weight, features)
    assert (found.mean == whole.mean).all()
    assert (found.covariance == whole.covariance).all()
    assert found.error is not None
    assert whole.error is not None
    assert np.allclose(found.error.mean, whole.error.mean, rtol=1e-12, atol=0)
    assert np.allclose(found.error.covariance, whole.error.covariance, rtol=1e-12, atol=0)


def test_bounds_count_every_way_to_be_off() -> None:
    """The error bounds are not below those of their formulas, summed step by step in Python from the same solutions."""
    automaton = random_automaton(np.random.default_rng(12), 40, 3).rewarded()
    graph = automaton.graph
    log_prior, reward = automaton.floats()
    # the first feature is large, and nearly the same along every path: its slack is large against its size
    height = np.append(np.random.default_rng(13).normal(size=graph.states) * 10, 0.0)
    telescope = height[graph.source] - height[graph.target] + reward
    weight, features, accuracy = np.exp(log_prior + reward), np.stack((telescope, log_prior)), 1e-9
    found = path_moments(graph, weight, features, accuracy=accuracy)
    assert found.error is not None
    system = moments_module._Scaled(graph, weight, "dense", accuracy)
    visits, missed = system.visits()
    after, bound = np.append(found.ahead, [[0.0], [0.0]], axis=1), np.append(system.bound, 0.0)
    rows = [(i, int(j), k) for k, (i, j) in enumerate(zip(graph.source.tolist(), graph.target, strict=True))]

    def slack(f: int, i: int, j: int, k: int) -> float:
        heights = 3 * UNIT * (abs(after[f, i]) + abs(after[f, j]))
        return float(heights + (accuracy + 3 * UNIT) * abs(features[f, k]))

    def off(f: int, i: int, j: int, k: int) -> float:
        return float(features[f, k] + after[f, j] - after[f, i])

    def size(f: int, *step: int) -> float:
        return abs(off(f, *step)) + slack(f, *step)

    drift = []
    for f in range(2):
        left, doubt = np.zeros(graph.states), np.zeros(graph.states)
        for step in rows:
            i, j, k = step
            left[i] += system.law[k] * off(f, *step)
            inexact = system.rho * bound[j] + system.slack
            doubt[i] += system.law[k] * (slack(f, *step) + inexact * size(f, *step))
        drift.append(float((np.abs(left) + doubt).max()))
        assert drift[f] * bound[graph.initial] <= found.error.mean[f]
    short = system.rho * bound[graph.initial]
    reach = bound[graph.initial] / (1 - short)
    for d, e in ((0, 0), (1, 0), (1, 1)):
        products, doubt = np.zeros(graph.states), np.zeros(graph.states)
        for step in rows:
            i, j, k = step
            products[i] += system.law[k] * off(d, *step) * off(e, *step)
            inexact = system.rho * bound[j] + 2 * system.slack
            doubt[i] += system.law[k] * (
                bound[j] * (drift[d] * size(e, *step) + drift[e] * size(d, *step))
                + slack(d, *step) * size(e, *step)
                + slack(e, *step) * size(d, *step)
                + inexact * size(d, *step) * size(e, *step)
            )
        least = float(np.abs(visits) @ doubt) + 2 * UNIT * float(np.abs(visits * products).sum())
        least += missed * float((np.abs(products) + doubt).max()) + abs(float(found.covariance[d, e])) * short
        least = least / (1 - short) + drift[d] * drift[e] * reach**2
        assert least <= found.error.covariance[d, e] <= 1.04 * least


def test_slow_mixing_falls_back_to_sparse_lu() -> None:
    """A ring of 3,000 states that stops once in 10^5 steps: BiCGSTAB stalls, the factors solve it."""
    size = 3000
    source = np.repeat(np.arange(size), 2)
    target = np.stack([(np.arange(size) + 1) % size, np.full(size, size)], axis=1).ravel()
    weight = np.tile([1 - 1e-5, 1e-5], size)
    graph = Graph(size, 0, source, target)
    solver = float_solver(graph, weight, "sparse")
    ends = np.full(size, 1e-5)
    assert np.abs(solver.solve(ends) - 1).max() < 1e-9
    found = path_moments(graph, weight, np.log(weight)[None], engine="sparse")
    assert found.error is not None
    assert abs(found.log_total) <= found.error.log_total < 1e-6


def test_large_sparse_automaton() -> None:
    """20,000 states with 10 arcs each, all stopping with probability 1/10: Z = 1 and E length = 9 are known."""
    rng = np.random.default_rng(0)
    size, arcs = 20_000, 10
    law = rng.standard_exponential((size, arcs))
    law *= 0.9 / law.sum(axis=1, keepdims=True)
    weight = np.concatenate((law, np.full((size, 1), 0.1)), axis=1)
    target = np.concatenate((rng.integers(0, size, (size, arcs)), np.full((size, 1), size)), axis=1)
    trimmed = Graph(size, 0, np.repeat(np.arange(size), arcs + 1), target.ravel()).trim()
    assert trimmed is not None
    graph, steps = trimmed
    letter = np.ones((size, arcs + 1))
    letter[:, -1] = 0
    found = path_moments(graph, weight.ravel()[steps], letter.ravel()[steps][None], engine="sparse")
    assert found.error is not None
    assert abs(found.log_total) <= found.error.log_total < 1e-12
    assert abs(found.mean[0] - 9) <= found.error.mean[0] < 1e-10
    assert abs(found.covariance[0, 0] - 90) <= found.error.covariance[0, 0] < 1e-8


def test_exact_engine_takes_floats_as_they_are() -> None:
    graph = two_states().graph
    log_prior, reward = two_states().floats()
    weight = np.exp(log_prior + reward)
    found = path_moments(graph, weight, np.stack((log_prior, reward)), engine="exact")
    assert abs(to_float(found.log_total) - to_float(family(two_states(), ONE, ONE).log_total)) < 1e-14


# --- finite or not ------------------------------------------------------------------------------------------------


@given(automata(states=2, exponents=False))
def test_converges_iff_the_spectral_radius_is_below_1(automaton: Automaton) -> None:
    """2 x 2 by hand: rho < 1 iff det(I - M) > 0 and trace M < 2; and rho is the larger root of the quadratic."""
    kept = automaton.rewarded()
    matrix = np.full((2, 2), fmpq(0), dtype=object)
    for i, j, w in zip(kept.graph.source, kept.graph.target, step_weights(kept, ONE, ONE), strict=True):
        if j < kept.graph.states:
            matrix[i, j] += w
    trace, det = matrix[0, 0] + matrix[1, 1], matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0]
    assert converges(kept, ONE, ONE) == (1 - trace + det > 0 and trace < 2)
    root = (arb(trace) + (arb(trace * trace - 4 * det)).sqrt()) / 2
    radius = spectral_radius(kept.graph, step_weights(kept, ONE, ONE))
    assert abs(radius - root) < arb(fmpq(1, 10**30))


@pytest.mark.parametrize("digits", [12, 30, 200])
@pytest.mark.parametrize("side", [-1, 0, 1])
def test_never_a_wrong_finite_sum(digits: int, side: int) -> None:
    """A spectral radius of 1 -+ 10^-digits: finite below, infinite at and above; one state, and a ring of three."""
    near = 1 + fmpq(side, 10**digits)
    one = letters((1,), HALF, [Reward(factor=2 * near)])
    arcs = [Arc(s, (s + 1) % 3, "a", HALF, Reward(factor=fmpq(2) * (near if s == 0 else 1))) for s in range(3)]
    ring = Automaton.of(("a",), arcs, [HALF] * 3)
    for automaton in (one, ring):
        assert converges(automaton, ONE, ONE) == (side < 0)
        for engine in ("exact", "dense", "sparse"):
            if side < 0 and engine == "exact":
                found = family(automaton, ONE, ONE)
                exact = totals(automaton.graph, step_weights(automaton, ONE, ONE))[0]
                assert close(found.log_total, arb(exact).log(), 1e-30)
            elif side >= 0 or digits > 16:
                with pytest.raises((Diverges, Undecided)):
                    family(automaton, ONE, ONE, engine=engine)  # type: ignore[arg-type]
            else:
                approximate = family(automaton, ONE, ONE, engine=engine)  # type: ignore[arg-type]
                exact = totals(automaton.graph, step_weights(automaton, ONE, ONE))[0]
                assert approximate.error is not None
                assert abs(approximate.log_total - to_float(arb(exact).log())) <= approximate.error.log_total


def test_irrational_weights_at_the_border_are_decided_formally() -> None:
    """A cycle of weight (e/2)(4/(2e)) = 1: det(I - M) = 0 has no rational entry, yet is 0."""
    arcs = [
        Arc(0, 1, "a", HALF, Reward(exponent=fmpq(1))),
        Arc(1, 0, "a", HALF, Reward(exponent=fmpq(-1), factor=fmpq(4))),
    ]
    automaton = Automaton.of(("a",), arcs, [HALF, HALF])
    assert singular(automaton, ONE, ONE)
    assert not converges(automaton, ONE, ONE)
    below = Automaton.of(
        ("a",), [arcs[0], Arc(1, 0, "a", HALF, Reward(exponent=fmpq(-1), factor=4 - fmpq(1, 10**90)))], [HALF, HALF]
    )
    assert not singular(below, ONE, ONE)
    assert converges(below, ONE, ONE)


def test_temperature_at_the_border_is_decided_formally() -> None:
    """Two letters of probability 1/4: T = 2 gives 2 (1/4)^(1/2) = 1; and with 1/8: T = 3, 2 (1/8)^(1/3) = 1."""
    assert not converges(letters((1, 1), HALF), HALF, HALF)
    assert converges(letters((1, 1), HALF), HALF + fmpq(1, 10**40), HALF + fmpq(1, 10**40))
    assert not converges(letters((1, 1), fmpq(1, 4)), fmpq(1, 3), fmpq(1, 3))


def test_radicals_cancel_in_the_determinant() -> None:
    """At T = 2: one arc (1/2)^(1/2) there, two of (1/8)^(1/2) back: a cycle of 1/2 sqrt 2 * 2 * 1/4 sqrt 2 = 1/2.

    A loop of (1/4)^(1/2) = 1/2 at state 0 makes det(I - M) = 1 - 1/2 - 1/2 = 0.
    """
    arcs = [Arc(0, 1, "a", HALF), *(Arc(1, 0, t, fmpq(1, 8)) for t in "ab")]
    without = Automaton.of(("a", "b"), arcs, [HALF, fmpq(3, 4)])
    assert not singular(without, HALF, HALF)
    assert converges(without, HALF, HALF)
    looped = Automaton.of(("a", "b"), [*arcs, Arc(0, 0, "b", fmpq(1, 4))], [fmpq(1, 4), fmpq(3, 4)])
    assert singular(looped, HALF, HALF)
    assert not converges(looped, HALF, HALF)


def test_formal_weights_are_the_balls() -> None:
    automaton = two_states()
    for s, t in ((ONE, ONE), (HALF, fmpq(1, 3)), (fmpq(3, 2), fmpq(-1, 2))):
        formal = formal_weights(automaton, s, t)
        assert formal is not None
        for one, two in zip(formal, balls(step_weights(automaton, s, t)), strict=True):
            assert close(one.ball(), two)
    root = formal_weights(letters((1,), HALF), HALF, HALF)
    assert root is not None
    product = formal_product(root[0], root[0])
    assert dict(product.terms) == {(ZERO, ()): HALF}


def test_diverging_family_is_refused() -> None:
    with pytest.raises(Diverges, match="no finite normaliser"):
        family(letters((1, 1), HALF), fmpq(1, 4), fmpq(1, 4))
    with pytest.raises(Diverges, match="at least 1"):
        path_moments(two_states().graph, objects([ONE] * 6), step_features(two_states()))


# --- spectral radius and critical temperature ---------------------------------------------------------------------


def test_spectral_radius_of_many_states() -> None:
    """100 states: the enclosure holds the largest root of the characteristic polynomial of the rational matrix."""
    automaton = random_automaton(np.random.default_rng(5), 100, 3).rewarded()
    graph, weight = automaton.graph, step_weights(automaton, ONE, ONE)
    radius = spectral_radius(graph, weight)
    matrix = fmpq_mat(graph.states, graph.states, [0] * graph.states**2)
    for i, j, w in zip(graph.source.tolist(), graph.target.tolist(), weight, strict=True):
        if j < graph.states:
            matrix[i, j] += w
    numeric = np.array([[to_float(matrix[i, j]) for j in range(graph.states)] for i in range(graph.states)])
    assert abs(to_float(radius) - np.abs(np.linalg.eigvals(numeric)).max()) < 1e-12
    polynomial = matrix.charpoly()
    value = sum((arb(polynomial[k]) * radius**k for k in range(graph.states + 1)), start=arb(0))
    assert value.contains(0)
    assert float(radius.rad()) < 1e-30


def test_spectral_radius_where_the_power_method_is_slow() -> None:
    """A walk on a line of 100 states, whose two largest eigenvalues lie close together; against numpy's eigenvalues.

    Already the float64 vector has bounds of the radius as close as rounding lets them come.
    """
    pairs = [(i, j) for i in range(100) for j in (i - 1, i, i + 1) if 0 <= j < 100]
    weight = [fmpq(500 + i % 7, 1000) if i == j else fmpq(1, 5) for i, j in pairs]
    source, target = np.array(pairs).T
    radius = spectral_radius(Graph(100, 0, source, target), objects(weight))
    matrix = np.zeros((100, 100))
    matrix[source, target] = floats(objects(weight))
    largest = np.linalg.eigvalsh(matrix)[-2:]
    assert largest[1] - largest[0] < 2e-3
    assert abs(to_float(radius) - largest[1]) < 1e-12
    assert float(radius.rad()) < 1e-30
    vector = _float_perron(matrix, np.ones(100))
    assert np.ptp(matrix @ vector / vector) < 1e-13


def test_radius_of_an_acyclic_graph_is_0() -> None:
    automaton = Automaton.of(("a",), [Arc(0, 1, "a", ONE)], [ZERO, ONE])
    assert spectral_radius(automaton.graph, automaton.prob) == 0
    assert critical_temperature(automaton) is None


def test_huge_rewards_do_not_overflow() -> None:
    """e^R = e^2000 on a cycle that the way back undoes: the weights are beyond float64."""
    arcs = [
        Arc(0, 1, "a", HALF, Reward(exponent=fmpq(2000))),
        Arc(1, 0, "a", HALF, Reward(exponent=fmpq(-2000))),
        Arc(1, 1, "b", fmpq(1, 4)),
    ]
    automaton = Automaton.of(("a", "b"), arcs, [HALF, fmpq(1, 4)])
    found = family(automaton, ONE, ONE)
    assert to_float(found.log_total) > 1990
    radius = spectral_radius(automaton.graph, step_weights(automaton, ONE, ONE))
    assert close(radius**2 - radius / 4 - fmpq(1, 4), 0, 1e-30)


@given(automata(states=3))
def test_critical_temperature_is_where_bisection_ends(automaton: Automaton) -> None:
    """T_c from eigenvalues lies between the last temperature that exists and the first that does not."""
    kept = automaton.rewarded()
    assume(converges(kept, ONE, ONE))
    found = critical_temperature(kept)
    if found is None:
        assert converges(kept, fmpq(1, 10**5), fmpq(1, 10**5))
        return
    finite, infinite = bisected_exponent(kept, 12)
    assert 1 / arb(finite) <= found + arb(1e-40)
    assert infinite == 0 or found <= 1 / arb(infinite) + arb(1e-40)
    assert float(found.rad()) < 1e-30


def test_critical_temperature_of_32000_letters() -> None:
    """1.00097, and 1 - log a / log V exactly."""
    found = critical_temperature(letters((1,) * 32000, fmpq(99, 100)))
    assert found is not None
    assert f"{to_float(found):.5f}" == "1.00097"
    assert close(found, 1 - arb(fmpq(99, 100)).log() / arb(32000).log(), 1e-30)


def test_speeches() -> None:
    """Trigrams, vowels against consonants at beta = 1: a trade-off, and a critical temperature of 1.0537."""
    automaton = speeches(vowels_over_consonants(ONE))
    exact = family(automaton, ONE, ONE)
    for engine in ("dense", "sparse"):
        found = family(automaton, ONE, ONE, engine=engine)  # type: ignore[arg-type]
        assert within(found, exact)
    assert float(exact.log_total.rad()) < 1e-60
    assert f"{to_float(exact.mean[0]):.6f} {to_float(exact.mean[1]):.6f}" == "-25.259511 0.354119"
    found = critical_temperature(automaton)
    assert found is not None
    assert f"{to_float(found):.6f}" == "1.053741"


def test_higher_precision_narrows() -> None:
    with precision(512):
        found = critical_temperature(two_states())
        assert found is not None
        assert float(found.rad()) < 1e-100
