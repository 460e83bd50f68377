"""Weights before normalisation: the gauge, the entropies met along a string, and derivatives in 1 / T."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import models, rationals, trees
from theory.adaptors.exact import Chain, adapt, chain, decide
from theory.adaptors.gauge import (
    Weights,
    adaptor_weights,
    gauge_of,
    global_law,
    global_series,
    local_law,
    local_series,
    local_slope,
    next_token_laws,
    path_entropy,
    scaled,
    softmax,
)
from theory.alignment.gibbs import Aligned, align
from theory.arithmetic.exact import Array, balls, objects, to_float
from theory.examples.finite import c2
from theory.language_models.rewards import Reward
from theory.language_models.tree import TreeModel
from theory.probability.information import entropy, total_variation

SQUARE = chain(("temperature", "1/2"))
_SETTINGS = st.sampled_from(
    [
        SQUARE,
        chain(("top_k", 1)),
        chain(("top_k", 2)),
        chain(("nucleus", "2/3")),
        chain(("typical", "1/2")),
        chain(("min_p", "1/2"), ("temperature", "1/3")),
    ]
)
_FACTORS = st.lists(rationals(1, 5), min_size=7, max_size=7)


def zero(value: object) -> bool:
    """Whether a ball holds 0 and is tight."""
    number = arb(value)
    return bool(number.contains(0)) and float(number.rad()) < 1e-60


def cycled(values: list[fmpq], size: int) -> Array:
    return objects(itertools.islice(itertools.cycle(values), size))


def weights_of(aligned: Aligned, steps: Chain) -> Weights:
    return adaptor_weights(next_token_laws(aligned), decide(aligned.balls(), steps))


@given(models(), _SETTINGS, _FACTORS)
def test_local_law_is_gauge_invariant(aligned: Aligned, steps: Chain, factors: list[fmpq]) -> None:
    """q_loc(gamma w) = q_loc(w); q_glob of the softmax gauge is q_loc; both laws are those of the adaptor."""
    weights = weights_of(aligned, steps)
    moved = scaled(weights, cycled(factors, len(aligned.tree)))
    assert local_law(moved).tolist() == local_law(weights).tolist()
    assert global_law(softmax(moved)).tolist() == local_law(weights).tolist()
    numbers = aligned.balls()
    for law, normalise in ((local_law(weights), "local"), (global_law(weights), "global")):
        adapted = adapt(numbers, decide(numbers, steps), normalise)
        kept = balls(law[aligned.node])
        assert zero(total_variation(kept[adapted.string], adapted.prob))
        assert law.sum() == 1


@given(models(), _SETTINGS, _FACTORS, _FACTORS)
def test_any_law_on_the_support_is_reached(
    aligned: Aligned, steps: Chain, masses: list[fmpq], factors: list[fmpq]
) -> None:
    """q_glob(gamma w) = q for gamma(u) = G(u) / G(parent of u), G = q / prod w; from any other gauge, too."""
    weights = scaled(weights_of(aligned, steps), cycled(factors, len(aligned.tree)))
    on = [w != 0 for w in weights.product()]
    target = objects(m if keep else fmpq(0) for m, keep in zip(cycled(masses, len(on)), on, strict=True))
    target = target / target.sum()
    gauge = gauge_of(weights, target)
    assert all(g > 0 for g in gauge)
    reached = scaled(weights, gauge)
    assert reached.product().tolist() == target.tolist()
    assert global_law(reached).tolist() == target.tolist()
    assert local_law(reached).tolist() == local_law(weights).tolist()


@given(trees(), _SETTINGS)
def test_gauge_between_the_two_normalisations(aligned: Aligned, steps: Chain) -> None:
    """gamma = 1/c takes q_glob to q_loc; the gauge for q_glob itself is 1/C at the root and 1 elsewhere."""
    weights = weights_of(aligned, steps)
    moved = scaled(weights, 1 / weights.normalisers())
    assert global_law(moved).tolist() == local_law(weights).tolist()
    own = gauge_of(weights, global_law(weights))
    assert own[0] == 1 / weights.product().sum()
    assert set(own[1:]) <= {fmpq(1)}


@given(models())
def test_local_and_global_slope(aligned: Aligned) -> None:
    """d(E_glob - E_loc) f / dtau = -Cov(f, sum h) at tau = 1, and E sum h = H."""
    numbers = aligned.balls()
    along = path_entropy(numbers)
    assert zero((numbers.prob * along).sum() - entropy(numbers.prob))
    for values in (numbers.log_prior, numbers.reward, along):
        mean, slope = local_slope(numbers, values, arb(1))
        assert zero(mean - (numbers.prob * values).sum())
        centred = numbers.prob * (values - mean)
        assert zero(-(centred * numbers.surprisal).sum() - slope + (centred * along).sum())


@given(models(), rationals(1, 5))
def test_series_agree_with_laws(aligned: Aligned, tau: fmpq) -> None:
    """The series of E f at tau + x has the value and the slope of the recursion, and the adapted laws as values."""
    numbers = aligned.balls()
    values = numbers.log_prior
    series = local_series(numbers, values, arb(tau), 3)
    mean, slope = local_slope(numbers, values, arb(tau))
    assert zero(series[0] - mean)
    assert zero(series[1] - slope)
    kept = decide(numbers, chain(("temperature", 1 / tau)))
    for normalise, value in (("local", mean), ("global", global_series(numbers, values, arb(tau), 2)[0])):
        law = adapt(numbers, kept, normalise)
        assert zero((law.prob * values[law.string]).sum() - value)


def test_c2() -> None:
    """By hand: p+ = (4, 4, 4, 4, 9)/25; T = 1/2 makes (16, 16, 16, 16, 81)/145, locally (64, 64, 64, 64, 81)/337."""
    aligned = c2()
    weights = weights_of(aligned, SQUARE)
    assert dict(zip(aligned.names(), global_law(weights)[aligned.node], strict=True))["b"] == fmpq(81, 145)
    assert dict(zip(aligned.names(), local_law(weights)[aligned.node], strict=True))["b"] == fmpq(81, 337)
    before, heads, stepwise = fmpq(9, 25), fmpq(81, 145), fmpq(81, 337)
    assert stepwise < before < heads
    entropy_of_a = math.log(4)
    binary = -(0.64 * math.log(0.64) + 0.36 * math.log(0.36))
    numbers = aligned.balls()
    along = dict(zip(aligned.names(), path_entropy(numbers), strict=True))
    assert float(along["b"]) == pytest.approx(binary, abs=1e-14)
    assert float(along["a 1"]) == pytest.approx(binary + entropy_of_a, abs=1e-14)
    # dE_glob L - dE_loc L = -Cov(L, sum h): L and the entropy of the path are both two-valued
    gap = -0.64 * 0.36 * math.log(2 / 3) * entropy_of_a
    centred = numbers.prob * (numbers.log_prior - (numbers.prob * numbers.log_prior).sum())
    assert -float((centred * path_entropy(numbers)).sum()) == pytest.approx(gap, abs=1e-14)


def test_series_of_a_ball_enclose() -> None:
    """The coefficients at tau = 1 +- 1/8 hold the coefficients at every tau in between."""
    aligned = c2()
    numbers = aligned.balls()
    around = local_series(numbers, numbers.log_prior, arb(1, 0.125), 4)
    for tau in np.linspace(0.875, 1.125, 5):
        inside = local_series(numbers, numbers.log_prior, arb(float(tau)), 4)
        assert all(around[k].contains(inside[k]) for k in range(4))


def test_balls_for_broken_powers() -> None:
    """T = 2 makes weights that are balls; the laws are those of the adaptor all the same."""
    aligned = c2()
    steps = chain(("temperature", 2))
    weights = weights_of(aligned, steps)
    assert isinstance(weights.edge[1], arb)
    law = local_law(weights)[aligned.node]
    b = dict(zip(aligned.names(), law, strict=True))["b"]
    assert to_float(b) == pytest.approx(0.6 / (0.6 + 0.8), abs=1e-15)


def test_refusals() -> None:
    aligned = c2()
    weights = weights_of(aligned, chain(("top_k", 1)))
    everywhere = global_law(weights_of(aligned, SQUARE))
    with pytest.raises(ValueError, match="the target must live on the support of the weights"):
        gauge_of(weights, everywhere)
    model = TreeModel.table(("x", "y"), objects((fmpq(1, 2), fmpq(1, 2))))
    irrational = align(model, [Reward(), Reward(exponent=fmpq(1))])
    with pytest.raises(ValueError, match=r"p\+ must be rational"):
        next_token_laws(irrational)
