"""alignment.strength: slopes over pairs of strings, and two models on which E L rises and falls."""

from __future__ import annotations

import itertools
import math

import pytest
from flint import arb, fmpq
from hypothesis import given

from tests.strategies import rationals, tables
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import log
from theory.claims.alignment.strength import CLAIM, Path, far_sign, sway_example
from theory.examples.finite import table
from theory.models.finite import FiniteModel


@given(tables(largest=5), rationals(top=6))
def test_strength(aligned: Aligned, strength: fmpq) -> None:
    """d E r = sum q_i q_j (r_i - r_j)^2, d E L = sum q_i q_j (L_i - L_j)(r_i - r_j) over pairs, d KL = lambda d E r."""
    path = Path(FiniteModel.of(aligned), strength)
    law, reward = path.family.law(arb(strength)), path.found.numbers.reward
    prior = log(aligned.prior)
    pairs = list(itertools.combinations(range(len(aligned)), 2))
    variance = sum((law[i] * law[j] * (reward[i] - reward[j]) ** 2 for i, j in pairs), start=arb(0))
    exchange = sum((law[i] * law[j] * (prior[i] - prior[j]) * (reward[i] - reward[j]) for i, j in pairs), start=arb(0))
    gain, cost, likelihood = path.expansions()
    assert gain.overlaps(variance)
    assert cost.overlaps(variance * strength)
    assert likelihood.overlaps(exchange)


def test_the_example_of_both_directions() -> None:
    """p = (1, 4, 2)/7, r = (0, 1, 2): E L = -.9557, -.9491, -1.2493 at lambda = 0, .2, 6."""
    path = Path(sway_example(), fmpq(0))
    values = [float(path.means(arb(s))[2]) for s in (fmpq(0), fmpq(1, 5), fmpq(6))]
    assert values == pytest.approx([-0.9557, -0.9491, -1.2493], abs=5e-5)


@given(tables(smallest=2, largest=3, top=5))
def test_far_out_the_sign_is_that_of_the_best_pairs(aligned: Aligned) -> None:
    """The sign of Cov(L, r) under p_lambda at lambda = 60 is the one read off the largest r_i + r_j."""
    found = FiniteModel.of(aligned)
    covariance = Path(found, fmpq(60)).derivatives()[2]
    expected = far_sign(found)
    if expected:
        assert covariance * expected > 0


@pytest.mark.parametrize(("prior", "sign"), [((1, 2), 1), ((2, 1), -1)])
def test_two_strings_go_one_way(prior: tuple[int, int], sign: int) -> None:
    """p = (1, 2)/3, e^r = (1, 2): E L rises at every lambda; p = (2, 1)/3: it falls. By E L itself, in float64."""
    total = sum(prior)
    values = []
    for strength in (0.0, 0.5, 1.0, 4.0):
        weight = [p / total * x**strength for p, x in zip(prior, (1, 2), strict=True)]
        values.append(sum(w * math.log(p / total) for w, p in zip(weight, prior, strict=True)) / sum(weight))
    assert all((b - a) * sign > 0 for a, b in itertools.pairwise(values))
    found = FiniteModel.of(table(prior, (1, 2)))
    (finding,) = [f for f in CLAIM.check(Path(found, fmpq(1, 2))) if f.clause == "no-sign"]
    assert finding.outcome == "holds"
    assert ("rises" if sign > 0 else "falls") in finding.label


def test_divergence_falls_below_zero() -> None:
    """p = (1, 1)/2, r = (0, log 2): KL at lambda = -2, p_l = (4, 1)/5, exceeds that at -5/3."""
    path = Path(FiniteModel.of(table((1, 1), (1, 2))), fmpq(0))
    far = path.means(arb(-2))[1]
    assert float(far) == pytest.approx(0.8 * math.log(1.6) + 0.2 * math.log(0.4), rel=1e-12)
    assert path.means(arb(fmpq(-5, 3)))[1] < far


def test_a_sway_by_hand() -> None:
    """p = (1, 2, 1)/4, e^r = (1, 2, 3): E L = -(3/2) log 2, then higher, and -> log(1/4) as lambda grows."""
    path = Path(FiniteModel.of(table((1, 2, 1), (1, 2, 3))), fmpq(0))
    start, middle, far = (path.means(arb(s))[2] for s in (fmpq(0), fmpq(1, 5), fmpq(40)))
    assert start.overlaps(-arb(2).log() * fmpq(3, 2))
    assert middle > start > far
    assert abs(far + arb(4).log()) < 1e-4
