"""The figure of the strength: tilted laws, differences and the turning point in float64."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import optimize

from figures import strength
from figures.gallery import as_csv
from tests.figures.committed import assert_committed
from theory.arithmetic.exact import precision

Floats = NDArray[np.float64]

EXAMPLE = (np.array([1, 4, 2]) / 7, np.array([0.0, 1, 2]))
SMALLEST = (np.array([1, 1, 2]) / 4, np.log([1, 3, 2]))


def _law(prior: Floats, reward: Floats, at: float) -> Floats:
    weight = prior * np.exp(at * reward)
    law: Floats = weight / weight.sum()
    return law


def _covariance(prior: Floats, reward: Floats, at: float) -> float:
    """Cov(L, r) under p_lambda."""
    return float(np.cov(np.log(prior), reward, aweights=_law(prior, reward, at), ddof=0)[0, 1])


@pytest.fixture(scope="module")
def record() -> strength.Record:
    """The numbers drawn, computed once."""
    with precision():
        return strength.compute()


def test_committed(record: strength.Record) -> None:
    """strength.csv, digit by digit: everything is a ball."""
    assert_committed("strength", record)


def test_computed_twice(record: strength.Record) -> None:
    """Nothing is drawn at random."""
    assert as_csv(strength.compute().rows()) == as_csv(record.rows())


def test_smallest_table(record: strength.Record) -> None:
    """Four strings' worth of weights of p and six of e^r; at its turning point E r = log 2."""
    assert record.smallest.name == "p = (1, 1, 2), e^R = (1, 3, 2)"
    assert record.smallest.peak[2] == pytest.approx(np.log(2), abs=1e-10)


@pytest.mark.parametrize("name", ["example", "smallest"])
def test_curves(record: strength.Record, name: str) -> None:
    """E L, E r, KL, the derivatives and the laws at every strength drawn."""
    prior, reward = EXAMPLE if name == "example" else SMALLEST
    found: strength.Strengths = getattr(record, name)
    for k, at in enumerate(found.strength):
        law = _law(prior, reward, at)
        mean = law @ reward
        divergence = law @ np.log(law / prior)
        assert found.law[k] == pytest.approx(law, abs=1e-13)
        drawn = (found.log_prior[k], found.reward[k], found.divergence[k])
        assert drawn == pytest.approx((law @ np.log(prior), mean, divergence), abs=1e-12)
        variance = law @ (reward - mean) ** 2
        wanted = (variance, at * variance, _covariance(prior, reward, at))
        assert tuple(found.derivative[k]) == pytest.approx(wanted, abs=1e-12)
    for values, column in ((found.reward, 0), (found.divergence, 1), (found.log_prior, 2)):
        slope = np.gradient(values, found.strength, edge_order=2)
        assert slope == pytest.approx(found.derivative[:, column], abs=2e-3)


@pytest.mark.parametrize("name", ["example", "smallest"])
def test_turning_point(record: strength.Record, name: str) -> None:
    """E L is highest where Cov(L, r) = 0, by Brent's method; it rises before and falls after."""
    prior, reward = EXAMPLE if name == "example" else SMALLEST
    found: strength.Strengths = getattr(record, name)
    turn = optimize.brentq(lambda at: _covariance(prior, reward, at), 0, 6, xtol=1e-14)
    assert found.peak[0] == pytest.approx(turn, abs=1e-10)
    before = found.strength < turn
    assert (np.diff(found.log_prior[before]) > 0).all()
    assert (np.diff(found.log_prior[~before]) < 0).all()
    assert found.peak[1] > found.log_prior.max()


def test_anchors(record: strength.Record) -> None:
    """E L = -.9557, -.9491, -1.2493 at lambda = 0, .2, 6; power series agree with the formulas."""
    assert record.anchors[:, 1] == pytest.approx([-0.9557, -0.9491, -1.2493], abs=5e-5)
    for at, *series in record.series:
        k = int(np.flatnonzero(record.example.strength == at)[0])
        assert series == pytest.approx(list(record.example.derivative[k]), abs=1e-13)
