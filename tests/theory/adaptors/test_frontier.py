"""The family q_{s,t}, its inverse, fronts under a budget, hulls and corpora on the line, each along a second route."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from flint import arb, fmpq
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.strategies import models, rationals, tables, weights
from theory.adaptors.exact import adapt_global, chain, decide
from theory.adaptors.frontier import (
    Member,
    budget_member,
    divergence_limit,
    gaining_direction,
    gaining_mixture,
    member,
    member_with_means,
)
from theory.adaptors.hull import hull, independent, orientation
from theory.adaptors.moments import moments
from theory.alignment.gibbs import Aligned, align
from theory.arithmetic.exact import Undecided, exp, floats, log, objects, precision, to_float
from theory.corpora.on_the_line import exact_corpora, sequences
from theory.examples.finite import c1, c2, c3, c4, c5, c7, table
from theory.language_models.rewards import Reward
from theory.language_models.tree import TreeModel
from theory.probability.information import entropy, kl_divergence


def at(aligned: Aligned, prior_power: fmpq, reward_power: fmpq) -> Member:
    numbers = aligned.balls()
    return member(numbers.log_prior, numbers.reward, prior_power, reward_power)


def zero(value: object) -> bool:
    """Whether a ball holds 0 and is tight."""
    number = arb(value)
    return bool(number.contains(0)) and float(number.rad()) < 1e-40


def mixed(reward: list[tuple[int, fmpq]], prior: list[int]) -> Aligned:
    """A table with R = a + log x for the given pairs (a, x)."""
    total = sum(prior)
    model = TreeModel.table([f"y{k}" for k in range(len(prior))], objects(fmpq(w, total) for w in prior))
    return align(model, [Reward(fmpq(a), x) for a, x in reward])


# --- the family ---------------------------------------------------------------------------------------------------


@given(models(), rationals(1, 6))
def test_temperature_is_the_diagonal(aligned: Aligned, temperature: fmpq) -> None:
    """q_{tau, tau} is the global temperature 1/tau of p+; its moments are those of the adapted law."""
    numbers = aligned.balls()
    law = adapt_global(numbers, decide(numbers, chain(("temperature", temperature))))
    other = moments(numbers, law)
    q = at(aligned, 1 / temperature, 1 / temperature)
    assert all(zero(a - b) for a, b in zip(q.prob, law.prob, strict=True))
    for name in ("mean_log_prior", "mean_reward", "var_log_prior", "var_reward", "cov", "entropy"):
        assert zero(getattr(q, name) - getattr(other, name)), name


@given(tables(), st.integers(-3, 3), st.integers(-3, 3))
def test_member_is_rational_at_integers(aligned: Aligned, s: int, t: int) -> None:
    """q_{s,t} = p^s x^t / sum p^s x^t, x = e^R: rational for integers s and t."""
    weight = objects(p**s * r.factor**t for p, r in zip(aligned.prior, aligned.reward, strict=True))
    q = at(aligned, fmpq(s), fmpq(t))
    assert all(zero(a - b / weight.sum()) for a, b in zip(q.prob, weight, strict=True))
    assert zero(q.log_partition.exp() / weight.sum() - 1)


@given(tables(3), rationals(1, 4), st.integers(-2, 2))
def test_means_determine_the_member(aligned: Aligned, s: fmpq, t: int) -> None:
    """(s, t) -> (E L, E R) is injective where 1, L, R are independent, and Newton inverts it in balls and in floats."""
    assume(independent(aligned.balls()))
    numbers, q = aligned.balls(), at(aligned, s, fmpq(t))
    back = member_with_means(numbers.log_prior, numbers.reward, q.mean_log_prior, q.mean_reward)
    assert zero(back.prior_power - s)
    assert zero(back.reward_power - t)
    near = member_with_means(
        floats(numbers.log_prior), floats(numbers.reward), to_float(q.mean_log_prior), to_float(q.mean_reward)
    )
    scale = to_float(q.var_log_prior + q.var_reward) ** 2 / to_float(q.determinant)
    assert near.prior_power == pytest.approx(to_float(s), abs=1e-9 * max(scale, 1))
    assert near.reward_power == pytest.approx(t, abs=1e-9 * max(scale, 1))


@given(tables(4), weights(4, 6))
def test_member_has_the_largest_entropy(aligned: Aligned, law: list[int]) -> None:
    """H(q_{s,t}) - H(q) = KL(q || q_{s,t}) >= 0 for every q with the same means."""
    assume(len(law) == len(aligned) and independent(aligned.balls()))
    numbers, prob = aligned.balls(), objects(fmpq(w, sum(law)) for w in law)
    means = (prob * numbers.log_prior).sum(), (prob * numbers.reward).sum()
    q = member_with_means(numbers.log_prior, numbers.reward, *means)
    gap = kl_divergence(prob, q.prob)
    assert zero(q.entropy - entropy(prob) - gap)
    assert not gap < 0


def test_known_members() -> None:
    """C4: uniform means have (s, t) = (0, 0), the prior's (1, 0); det Cov = q1 q2 q3 D^2 on three strings."""
    numbers = c4().balls()
    for s, t in ((0, 0), (1, 0), (1, 1)):
        q = at(c4(), fmpq(s), fmpq(t))
        back = member_with_means(numbers.log_prior, numbers.reward, q.mean_log_prior, q.mean_reward)
        assert zero(back.prior_power - s)
        assert zero(back.reward_power - t)
    one = at(c4(), fmpq(1), fmpq(1))
    two = arb(2).log()
    assert zero(one.determinant - arb(fmpq(4, 125)) * (3 * two * two) ** 2)
    mean = moments(numbers)
    assert zero(one.flow[0] - 3 * one.flow[1])  # b = 1/2
    assert zero(one.flow[1] - mean.exchange_coefficient * mean.var_surprisal)


@given(models())
def test_flow_is_the_turned_temperature(aligned: Aligned) -> None:
    """At p+ the 1:1 flow (s', t') is ((1 + b) V, b V): (dE R / dtau, -dE L / dtau) of the temperature."""
    mean = moments(aligned.balls())
    assume(not mean.constant.surprisal)
    flow, b = at(aligned, fmpq(1), fmpq(1)).flow, mean.exchange_coefficient
    assert zero(flow[0] - (1 + b) * mean.var_surprisal)
    assert zero(flow[1] - b * mean.var_surprisal)


@pytest.mark.parametrize("means", [(-1, -1), (0, 0), (-5, 1)])
@pytest.mark.parametrize("exact", [True, False])
def test_no_member_outside_the_hull(means: tuple[int, int], exact: bool) -> None:
    """Means outside the hull are refused, in both arithmetics."""
    numbers = c5().balls() if exact else c5().floats()
    with pytest.raises(ValueError, match="not in the interior of the hull"):
        member_with_means(numbers.log_prior, numbers.reward, *(arb(x) if exact else float(x) for x in means))


def test_no_member_at_a_corner_or_without_an_interior() -> None:
    """A corner of the hull is not in its interior; with R constant, or on a line, there is none."""
    numbers = c5().balls()
    with pytest.raises(ValueError, match="interior of the hull"):
        member_with_means(numbers.log_prior, numbers.reward, numbers.log_prior[0], numbers.reward[0])
    flat = table((1, 2, 4), (1, 1, 1)).balls()
    with pytest.raises(ValueError, match="constant"):
        member_with_means(flat.log_prior, flat.reward, arb(-1), arb(0))
    point = table((1, 1, 1), (2, 2, 2)).balls()
    with pytest.raises(ValueError, match="interior of the hull"):
        member_with_means(point.log_prior, point.reward, arb(-5), arb(1))
    line = c1().balls()
    with pytest.raises(ValueError, match="interior of the hull"):
        member_with_means(line.log_prior, line.reward, arb(-1), arb(1))


# --- budgets ------------------------------------------------------------------------------------------------------


@given(tables(3), st.integers(0, 3), st.integers(0, 3), st.integers(1, 9), weights(3, 6))
def test_budget_member_is_best(aligned: Aligned, a: int, b: int, tenths: int, rival: list[int]) -> None:
    """a E_q L + b E_q R <= its value at q_{1 + ua, 1 + ub} for every q with KL(q || p+) <= the budget; u > 0."""
    numbers, own, w = aligned.balls(), at(aligned, fmpq(1), fmpq(1)), (fmpq(a), fmpq(b))
    limit = divergence_limit(own, numbers.log_prior, numbers.reward, w)
    assume(len(rival) == len(aligned) and limit > fmpq(1, 10**6))
    budget = limit * fmpq(tenths, 10)
    best = budget_member(numbers.log_prior, numbers.reward, own, w, budget)
    assert zero(best.divergence(own) - budget)
    assert best.prior_power + best.reward_power > 2
    law = objects(fmpq(x, sum(rival)) for x in rival)
    while not kl_divergence(law, own.prob) <= budget:
        law = (law + own.prob) * fmpq(1, 2)
    value = numbers.log_prior * a + numbers.reward * b
    assert not (law * value).sum() > (best.prob * value).sum()


@given(tables(3, 5, 9), st.integers(1, 9))
def test_floats_follow_the_balls(aligned: Aligned, tenths: int) -> None:
    """The float64 path gives the same member."""
    numbers, rough, w = aligned.balls(), aligned.floats(), (fmpq(2), fmpq(1))
    base = at(aligned, fmpq(0), fmpq(0))
    limit = divergence_limit(base, numbers.log_prior, numbers.reward, w)
    assume(limit > fmpq(1, 10**6))
    budget = limit * fmpq(tenths, 10)
    exact = budget_member(numbers.log_prior, numbers.reward, base, w, budget)
    uniform = member(rough.log_prior, rough.reward, 0.0, 0.0)
    near = budget_member(rough.log_prior, rough.reward, uniform, (2.0, 1.0), to_float(budget))
    assert near.entropy == pytest.approx(to_float(exact.entropy), abs=1e-7)
    assert np.abs(near.prob - floats(exact.prob)).max() < 1e-6


def test_budget_out_of_range() -> None:
    """The budget must be positive and below -log of the best strings' mass; C4: R is largest at z, with 2/5."""
    numbers, own = c4().balls(), at(c4(), fmpq(1), fmpq(1))
    weight = (fmpq(0), fmpq(1))
    limit = divergence_limit(own, numbers.log_prior, numbers.reward, weight)
    assert zero(limit - arb(fmpq(5, 2)).log())
    for budget in (arb(0), limit, arb(2)):
        with pytest.raises(ValueError, match="budget must be > 0 and <"):
            budget_member(numbers.log_prior, numbers.reward, own, weight, budget)
    ties = table((1, 1, 2), (3, 3, 1))
    both = divergence_limit(at(ties, fmpq(1), fmpq(1)), ties.balls().log_prior, ties.balls().reward, weight)
    assert zero(both - arb(fmpq(8, 6)).log())
    rough = ties.floats()
    same = divergence_limit(member(rough.log_prior, rough.reward, 1.0, 1.0), rough.log_prior, rough.reward, (0.0, 1.0))
    assert same == pytest.approx(math.log(8 / 6))


# --- laws that gain -----------------------------------------------------------------------------------------------


@given(models(), st.integers(-3, 3), st.integers(-3, 3))
def test_gaining_direction(aligned: Aligned, a: int, b: int) -> None:
    """E g = 0, E[g L] = a det Cov and E[g R] = b det Cov."""
    numbers, own = aligned.balls(), at(aligned, fmpq(1), fmpq(1))
    g = gaining_direction(own, numbers.log_prior, numbers.reward, (fmpq(a), fmpq(b)))
    assert zero((own.prob * g).sum())
    assert zero((own.prob * g * numbers.log_prior).sum() - own.determinant * a)
    assert zero((own.prob * g * numbers.reward).sum() - own.determinant * b)


@given(models())
def test_gaining_mixture(aligned: Aligned) -> None:
    """One or two strings with more E L and more E R than p+, wherever the hull has an interior."""
    numbers, own = aligned.balls(), at(aligned, fmpq(1), fmpq(1))
    law = gaining_mixture(numbers, (own.mean_log_prior, own.mean_reward))
    if law is None:
        assert not independent(numbers)
        return
    assert sum(1 for p in law if p != 0) <= 2
    assert zero(law.sum() - 1)
    assert (law * numbers.log_prior).sum() > own.mean_log_prior
    assert (law * numbers.reward).sum() > own.mean_reward


def test_gaining_mixtures_of_the_models() -> None:
    """C3: z has more of both. C4: x and z mixed, equal gains. None on a falling line."""
    for aligned, strings in ((c3(), [2]), (c4(), [0, 2])):
        numbers, own = aligned.balls(), at(aligned, fmpq(1), fmpq(1))
        law = gaining_mixture(numbers, (own.mean_log_prior, own.mean_reward))
        assert law is not None
        assert [y for y, p in enumerate(law) if p != 0] == strings
        gains = (law * numbers.log_prior).sum() - own.mean_log_prior, (law * numbers.reward).sum() - own.mean_reward
        assert zero(gains[0] - gains[1]) == (len(strings) == 2)
    falling = table((4, 2, 1), (1, 2, 4))
    own = at(falling, fmpq(1), fmpq(1))
    assert gaining_mixture(falling.balls(), (own.mean_log_prior, own.mean_reward)) is None


def test_a_gain_below_the_rounding_is_undecided() -> None:
    """E^R = e^{200}, e, 1: p+ is next to x, and at 256 bits no gain over it is certain; at 1024 bits it is."""
    aligned = align(
        TreeModel.table(["x", "y", "z"], objects(fmpq(k, 7) for k in (1, 2, 4))),
        [Reward(exponent=fmpq(level)) for level in (200, 1, 0)],
    )
    own = at(aligned, fmpq(1), fmpq(1))
    with pytest.raises(Undecided, match="raise the precision"):
        gaining_mixture(aligned.balls(), (own.mean_log_prior, own.mean_reward))
    with precision(1024):
        own = at(aligned, fmpq(1), fmpq(1))
        law = gaining_mixture(aligned.balls(), (own.mean_log_prior, own.mean_reward))
        assert law is not None
        assert (law * aligned.balls().reward).sum() > own.mean_reward


# --- the hull -----------------------------------------------------------------------------------------------------


@given(models())
def test_hull_is_convex_and_holds_every_string(aligned: Aligned) -> None:
    """No string is right of an edge; corners turn left; corners are among the strings."""
    numbers, corners = aligned.balls(), hull(aligned.balls())
    assert len(set(corners)) == len(corners)
    assert (len(corners) >= 3) == independent(numbers)
    if len(corners) < 3:
        return
    turn = [*corners[1:], *corners[:2]]
    for (i, j), k in zip(zip(corners, turn, strict=False), turn[1:], strict=True):
        assert orientation(numbers, i, j, k) == 1
        assert all(orientation(numbers, i, j, y) >= 0 for y in range(len(aligned)))


@given(tables(3, 5), st.permutations(range(3)))
def test_orientation_is_alternating(aligned: Aligned, order: list[int]) -> None:
    """Exchanging two strings changes the sign."""
    numbers = aligned.balls()
    inversions = sum(1 for i, j in itertools.combinations(order, 2) if i > j)
    expected = orientation(numbers, 0, 1, 2) * (-1) ** inversions
    assert orientation(numbers, *order) == expected


@pytest.mark.parametrize(
    ("aligned", "on_a_line"),
    [
        (c1(), True),  # columns: R = L + log 7
        (c2(), True),
        (table((1, 2, 4), (1, 3, 9)), True),  # rows: (log 4, log 9) = 2 (log 2, log 3)
        (table((1, 1, 1), (1, 2, 3)), True),  # L constant
        (mixed([(0, fmpq(1)), (1, fmpq(2)), (2, fmpq(4))], [1, 3, 9]), True),  # rows with R = a + log x
        (mixed([(0, fmpq(1)), (1, fmpq(2)), (2, fmpq(5))], [1, 3, 9]), False),
        (c3(), False),
        (c7(), False),
        (table((10**9, 10**9 + 1, 10**9 + 2), (10**9, 10**9 + 1, 10**9 + 2)), True),
        (table((10**9, 10**9 + 1, 10**9 + 2), (10**9, 10**9 + 1, 10**9 + 3)), False),
    ],
)
def test_independence_is_decided_formally(aligned: Aligned, on_a_line: bool) -> None:
    """Collinear strings are recognised by unique factorisation, near ones are told apart."""
    assert independent(aligned.balls()) is not on_a_line
    assert (len(hull(aligned.balls())) < 3) is on_a_line


def test_hull_of_equal_strings() -> None:
    """Strings with one (L, R) are one corner, the first of them; two points are two corners."""
    assert hull(table((1, 1, 1), (2, 2, 2)).balls()) == (0,)
    two = table((2, 1, 2, 1), (1, 1, 1, 1))
    assert hull(two.balls()) == (1, 0)


# --- corpora on the line ------------------------------------------------------------------------------------------


points = st.tuples(st.integers(-2, 2), st.integers(-2, 2))


@given(st.lists(points, min_size=3, max_size=5), st.integers(1, 5), points)
def test_exact_corpora_are_all_the_types(strings: list[tuple[int, int]], size: int, totals: tuple[int, int]) -> None:
    """Counts k with sum k = N, sum k a = A and sum k b = B: compared with all compositions of N."""
    compositions = (k for k in itertools.product(range(size + 1), repeat=len(strings)) if sum(k) == size)
    wanted = {
        k
        for k in compositions
        if tuple(sum(n * p[c] for n, p in zip(k, strings, strict=True)) for c in (0, 1)) == totals
    }
    try:
        found = exact_corpora(strings, size, totals)
    except ValueError:
        assert all(
            (q[0] - p[0]) * (r[1] - p[1]) == (r[0] - p[0]) * (q[1] - p[1])
            for p, q, r in itertools.combinations(strings, 3)
        )
        return
    assert len(found) == len(set(found))
    assert set(found) == wanted


@given(st.lists(st.integers(0, 6), min_size=1, max_size=5))
def test_sequences_is_the_multinomial_coefficient(counts: list[int]) -> None:
    """N! / prod k!"""
    assert sequences(counts) == math.factorial(sum(counts)) // math.prod(map(math.factorial, counts))


def test_sequences_sum_to_all_corpora() -> None:
    """Over all totals the types of N = 4 corpora of 4 strings have 4^4 sequences."""
    strings = [(0, 0), (1, 0), (0, 1), (1, 2)]
    totals = itertools.product(range(5), range(9))
    types = [counts for total in totals for counts in exact_corpora(strings, 4, total)]
    assert sum(map(sequences, types)) == 4**4
    assert len(set(types)) == math.comb(7, 3)


def test_logarithms_agree_with_the_model() -> None:
    """exp(L) and exp(R) of the balls are the model's p and e^R."""
    numbers = c5().balls()
    assert all(zero(a / b - 1) for a, b in zip(exp(numbers.log_prior), c5().prior, strict=True))
    assert all(zero(a - b) for a, b in zip(log(c5().prior), numbers.log_prior, strict=True))
