"""Mixtures of adaptors and of prompts: the covariance matrices against corpora counted one by one."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.strategies import models
from theory.adaptors.exact import chain
from theory.adaptors.moments import moments
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import Undecided
from theory.corpora.mixtures import (
    Covariance,
    Joint,
    Mixture,
    adaptor_mixture,
    certain_sign,
    crossing,
    identification,
    prompt_tree,
    prompts,
)
from theory.examples import finite as examples
from theory.probability.information import entropy

_VALUES = st.integers(-4, 4)


@st.composite
def joints(draw: Any, largest: int = 3) -> Joint:
    """Laws of (L, R) on a few points with small integers for probabilities and values."""
    points = draw(st.lists(st.tuples(_VALUES, _VALUES), min_size=1, max_size=largest))
    return Joint.of(draw(st.lists(st.integers(1, 6), min_size=len(points), max_size=len(points))), points)


@st.composite
def mixtures(draw: Any, largest: int = 3) -> Mixture:
    """Two or three laws of (L, R) with rational weights."""
    parts = draw(st.lists(joints(largest), min_size=2, max_size=3))
    weight = draw(st.lists(st.integers(1, 5), min_size=len(parts), max_size=len(parts)))
    return Mixture(Joint.of(weight, [(0, 0)] * len(parts)).prob, tuple(parts))


@st.composite
def prompt_trees(draw: Any) -> Aligned:
    """Two or three prompts with one to three answers each."""
    shape = draw(st.lists(st.integers(1, 3), min_size=2, max_size=3))
    rows = [[draw(st.lists(st.integers(1, 9), min_size=n, max_size=n)) for n in shape] for _ in range(2)]
    return prompt_tree(*rows)


def sequences(joint: Joint, size: int) -> list[tuple[fmpq, fmpq, fmpq]]:
    """(probability, Lbar, Rbar) of every ordered sequence of N points: the longest way round."""
    rows = []
    for chosen in itertools.product(range(len(joint)), repeat=size):
        prob = math.prod((joint.prob[k] for k in chosen), start=fmpq(1))
        rows.append((prob, *(sum((v[k] for k in chosen), fmpq(0)) / size for v in (joint.log_prior, joint.reward))))
    return rows


def raw_covariance(rows: list[tuple[fmpq, fmpq, fmpq]]) -> tuple[fmpq, fmpq, fmpq]:
    """(Var L, Var R, Cov) as E[xy] - E x E y."""

    def mean(f: Any) -> fmpq:
        return sum((p * f(l, r) for p, l, r in rows), fmpq(0))

    mean_l, mean_r = mean(lambda l, _: l), mean(lambda _, r: r)
    return (
        mean(lambda l, _: l * l) - mean_l * mean_l,
        mean(lambda _, r: r * r) - mean_r * mean_r,
        mean(lambda l, r: l * r) - mean_l * mean_r,
    )


@given(mixtures(), st.integers(1, 3))
def test_corpora_from_one_part_each(mixture: Mixture, size: int) -> None:
    """Cov(Lbar, Rbar) = W/N + B, Var likewise: over every ordered sequence from every part."""
    rows = [
        (w * p, l, r)
        for w, part in zip(mixture.weight, mixture.parts, strict=True)
        for p, l, r in sequences(part, size)
    ]
    assert raw_covariance(rows) == mixture.corpus_covariance(size).entries()
    assert mixture.corpora(size).pooled().covariance() == mixture.corpus_covariance(size)


@given(mixtures(largest=2), st.integers(1, 3))
def test_strings_that_draw_their_own_part(mixture: Mixture, size: int) -> None:
    """Cov(Lbar, Rbar) = (W + B)/N where every string draws its part."""
    expected = (mixture.within() + mixture.between()).scaled(fmpq(1, size))
    assert raw_covariance(sequences(mixture.pooled(), size)) == expected.entries()


@given(st.fractions(-9, 9, max_denominator=9), st.fractions(-9, 9, max_denominator=9))
def test_crossing_is_where_the_sign_changes(one: Any, two: Any) -> None:
    """W/N + B takes two signs over N >= 1 iff N* = -W/B > 1; it is 0 at N*, and nowhere else."""
    within, between = (fmpq(v.numerator, v.denominator) for v in (one, two))
    turn = crossing(within, between)
    start, end = within + between, between
    if turn is None:
        assert start * end >= 0
        return
    assert start * end < 0
    assert within / turn + between == 0
    for factor, side in ((fmpq(99, 100), start), (fmpq(101, 100), end)):
        if turn * factor > 1:
            assert (within / (turn * factor) + between) * side > 0


def test_no_crossing_where_one_string_has_covariance_zero() -> None:
    """W/N + B with W = -B is B (1 - 1/N): 0 at N = 1, of the sign of B at every N > 1, so that no sign changes."""
    assert crossing(fmpq(1), fmpq(-1)) is None
    assert crossing(fmpq(-3), fmpq(3)) is None
    assert crossing(fmpq(3), fmpq(-2)) == fmpq(3, 2)


def test_crossing_refuses_an_unclear_sign() -> None:
    with pytest.raises(Undecided, match="sign of B"):
        crossing(arb(1), arb(0, 1))
    with pytest.raises(Undecided, match="N\\* - 1"):
        crossing(arb(1), arb(-1, 1e-20))
    assert certain_sign(arb(0), "zero") == 0


def test_correlation_does_not_exist_for_a_constant() -> None:
    assert Covariance(fmpq(0), fmpq(1), fmpq(0)).correlation is None
    assert Covariance(fmpq(1), fmpq(0), fmpq(0)).correlation is None
    assert Covariance(fmpq(4), fmpq(9), fmpq(-6)).correlation == -1


@given(models())
def test_adaptor_mixture_has_the_adaptors_moments(aligned: Aligned) -> None:
    """W and B of two local adaptors, from the moments that tradeoff.py gives of each."""
    numbers = aligned.balls()
    mixture = adaptor_mixture(numbers, [(), chain(("temperature", "1/2"))], "global")
    cooled = numbers.prob**2 / (numbers.prob**2).sum()
    base = moments(numbers)
    mean_l, mean_r = (cooled * numbers.log_prior).sum(), (cooled * numbers.reward).sum()
    cov = (cooled * numbers.log_prior * numbers.reward).sum() - mean_l * mean_r
    assert (mixture.within().cov * 2 - base.cov - cov).contains(0)
    gap = (base.mean_log_prior - mean_l) * (base.mean_reward - mean_r)
    assert (mixture.between().cov * 4 - gap).contains(0)


# --- prompts ------------------------------------------------------------------------------------------------------


@given(prompt_trees())
def test_answers_follow_the_aligned_tree(aligned: Aligned) -> None:
    """p+(y | x) = p+(x, y) / p+(x) of the tree, and p+(x) = P(x) Z(x) / Z: the reward tilts the prompts of the tree."""
    model, numbers = prompts(aligned), aligned.balls()
    answers = [p for part in model.mixture.parts for p in part.prob]
    weights = [w for w, part in zip(model.mixture.weight, model.mixture.parts, strict=True) for _ in part.prob]
    partition = [z for z, part in zip(model.log_partition, model.mixture.parts, strict=True) for _ in part.prob]
    for joint, answer, weight, level in zip(numbers.prob, answers, weights, partition, strict=True):
        assert (joint - answer * weight * (level - numbers.log_partition).exp()).contains(0)


@given(prompt_trees())
def test_levels_of_prompts(aligned: Aligned) -> None:
    """E[L + R | x] = log Z(x) - H(x) and Var(L + R | x) = V(x)."""
    model = prompts(aligned)
    for k, part in enumerate(model.mixture.parts):
        assert (sum(part.mean()) - model.log_partition[k] + model.entropy[k]).contains(0)
        var_l, var_r, cov = part.covariance().entries()
        assert (var_l + var_r + 2 * cov - model.varentropy[k]).contains(0)
        assert (model.entropy[k] - entropy(part.prob)).contains(0)


def test_prompts_of_a_written_tree() -> None:
    model = prompts(prompt_tree([[1, 2], [2, 3, 1]], [[1, 3], [2, 1, 5]]))
    assert model.names == ("a", "b")
    assert list(model.mixture.weight) == [fmpq(1, 3), fmpq(2, 3)]
    assert (model.log_partition[0] - (arb(7) / 3).log()).contains(0)
    assert (model.mixture.parts[0].prob[1] - fmpq(6, 7)).contains(0)


def test_prompts_refuse_what_is_no_conditional_model() -> None:
    with pytest.raises(ValueError, match="the empty string has none"):
        prompts(examples.random_tree(np.random.default_rng(0), 2, 2))
    with pytest.raises(ValueError, match="no reward may be -inf"):
        prompts(examples.table((1, 1, 1), (1, 2, 0)))


# --- identification -----------------------------------------------------------------------------------------------


@given(mixtures(), st.lists(st.fractions(-20, 20, max_denominator=4), min_size=3, max_size=3))
def test_no_reward_leaves_the_range(mixture: Mixture, extra: list[Any]) -> None:
    """-e < Corr(L, R + g) <= sqrt(e^2 + k^2) for k > 0, mirrored for k < 0, |Corr| < e for k = 0."""
    found = _identified(mixture)
    shift = [fmpq(v.numerator, v.denominator) for v in extra[: len(mixture)]]
    matrix = mixture.rewarded(shift).pooled().covariance()
    square = matrix.cov * matrix.cov / (matrix.var_log_prior * matrix.var_reward)
    assert square <= found.share + found.slope
    if found.side * matrix.cov <= 0 and not (found.share == 0 and found.side == 0):
        assert square < found.share


@given(mixtures(), st.integers(1, 19))
def test_every_value_in_the_range_is_reached(mixture: Mixture, part: int) -> None:
    """Corr(L, R + g) = c for the g that is handed out, c anywhere between the ends."""
    found = _identified(mixture)
    assume(found.share != 0 or found.side != 0)
    low, high = found.ends()
    target = low + (high - low) * part / 20
    reached = mixture.rewarded(found.reward_reaching(target)).pooled().covariance().correlation
    assert abs(reached - target) < 1e-60


@given(mixtures())
def test_far_end_is_attained(mixture: Mixture) -> None:
    """Corr(L, R + g)^2 = e^2 + k^2 at g = (S^2 / E Cov) E[L | x] - E[R | x], in rationals."""
    found = _identified(mixture)
    assume(found.side != 0)
    matrix = mixture.rewarded(found.extreme_reward()).pooled().covariance()
    assert matrix.cov * matrix.cov == (found.share + found.slope) * matrix.var_log_prior * matrix.var_reward
    assert matrix.cov * found.side > 0
    assert found.attained() == (found.side < 0, found.side > 0)


@given(mixtures(), st.fractions(-9, 9, max_denominator=4))
def test_only_the_part_within_prompts_is_identified(mixture: Mixture, by: Any) -> None:
    """e, k, rho_w and S are the same for r and r + g(x)."""
    found = _identified(mixture)
    other = identification(mixture.rewarded([fmpq(by.numerator, by.denominator), *[fmpq(0)] * (len(mixture) - 1)]))
    assert (found.share, found.slope, found.side, found.spread) == (other.share, other.slope, other.side, other.spread)


def _identified(mixture: Mixture) -> Any:
    within, between = mixture.within(), mixture.between()
    assume(within.var_reward != 0 and within.var_log_prior + between.var_log_prior != 0)
    return identification(mixture)


def test_rewards_of_the_prompt_alone_leave_the_closed_range() -> None:
    """With R constant given x: two values of E[L | x] give Corr = -e or e only, three give all of [-e, e]."""
    flat = Joint.of((1, 1), [(0, 0), (2, 0)])
    apart = Joint(flat.prob, flat.log_prior + 2, flat.reward)
    further = Joint(flat.prob, flat.log_prior + 5, flat.reward)
    for parts, rewards, squares in (
        ((flat, apart), ((3, 0), (0, 1)), {fmpq(1, 2)}),
        ((flat, apart, further), ((0, 2, 5), (0, 8, 1)), {fmpq(38, 47), fmpq(0)}),
    ):
        mixture = Mixture.even(*parts)
        with pytest.raises(ValueError, match="R must vary"):
            identification(mixture)
        found = set()
        for extra in rewards:
            matrix = mixture.rewarded([fmpq(g) for g in extra]).pooled().covariance()
            found.add(matrix.cov * matrix.cov / (matrix.var_log_prior * matrix.var_reward))
        assert found == squares


def test_identification_refuses_what_has_no_range() -> None:
    part = Joint.of((1, 1), [(0, 0), (1, 1)])
    with pytest.raises(ValueError, match="at least two prompts"):
        identification(Mixture.even(part))
    level = Joint.of((1, 1), [(0, 0), (0, 1)])
    with pytest.raises(ValueError, match="L must not be constant"):
        identification(Mixture.even(level, level))
    unclear = Joint(part.prob, part.log_prior, part.reward * arb(0, 1))
    with pytest.raises(Undecided):
        identification(Mixture.even(unclear, unclear))
