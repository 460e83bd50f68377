"""The figure of b: the formula of two invariants, the slice, and what cooling does."""

from __future__ import annotations

import math

import numpy as np
import pytest

from figures import exchange
from tests.figures.committed import assert_committed
from theory.arithmetic.exact import floats, precision, to_float
from theory.claims.instances import named


@pytest.fixture(scope="module")
def record() -> exchange.Record:
    """The numbers drawn, computed once."""
    with precision():
        return exchange.compute()


def test_committed(record: exchange.Record) -> None:
    """exchange.csv; sums over strings are BLAS products, of which the certain digits are printed."""
    assert_committed("exchange", record)


def test_b_is_a_function_of_two_invariants(record: exchange.Record) -> None:
    """b = -(1 + k rho) / (1 + k^2 + 2 k rho), k = sd R / sd L, for every model that is marked."""
    for place in record.places:
        formula = float(exchange.of_invariants(np.array(place.ratio), np.array(place.correlation)))
        assert formula == pytest.approx(place.exchange, rel=1e-9)


def test_anchors(record: exchange.Record) -> None:
    """C1, C2: -1/2; C4: 1/2; C5: -1.924; and on which side of the edge each model lies."""
    found = {place.name: place.exchange for place in record.places}
    assert found["C1"] == pytest.approx(-0.5, abs=1e-12)
    assert found["C2"] == pytest.approx(-0.5, abs=1e-12)
    assert found["C4"] == pytest.approx(0.5, abs=1e-12)
    assert found["C5"] == pytest.approx(-1.924, abs=5e-4)
    outside = {name for name, b in found.items() if not -1 <= b <= 0}
    assert outside == {"C4", "C5", "words, beta = 2"}


def test_edge_of_the_region(record: exchange.Record) -> None:
    """-1 <= b <= 0 exactly where Corr >= -min(k, 1/k)."""
    edge = -np.minimum(record.ratio, 1 / record.ratio)[None, :]
    inside = (record.exchange >= -1) & (record.exchange <= 0)
    clear = np.abs(record.correlation[:, None] - edge) > 1e-12
    assert (inside == (record.correlation[:, None] >= edge))[clear].all()


def test_slice_contains_the_models(record: exchange.Record) -> None:
    """At (0, 0), (1, 0) and (0, 1) b is that of C3, C4 and C5, in balls."""
    corners = [
        floats(np.stack([c.numbers.log_prior, c.numbers.reward])) for c in (o.content for o in named("C3", "C4", "C5"))
    ]
    for one, (x, y) in zip(named("C3", "C4", "C5"), ((0, 0), (1, 0), (0, 1)), strict=True):
        expected = to_float(one.content.mean.exchange_coefficient)
        assert exchange.slice_exchange(corners, x, y) == pytest.approx(expected, rel=1e-12)


def test_cooling_moves_as_b_says(record: exchange.Record) -> None:
    """dE L/dtau = -bV and dE R/dtau = (1 + b)V by central differences along p+^tau, at points of the slice."""
    corners = [
        floats(np.stack([c.numbers.log_prior, c.numbers.reward])) for c in (o.content for o in named("C3", "C4", "C5"))
    ]
    for x, y in ((-0.4, 0.2), (0.3, 0.3), (0.8, -0.2), (0.2, 1.3), (1.4, 0.1)):
        log_prior, reward = (1 - x - y) * corners[0] + x * corners[1] + y * corners[2]
        log_prior = log_prior - math.log(np.exp(log_prior).sum())

        def means(tau: float, l: np.ndarray = log_prior, r: np.ndarray = reward) -> np.ndarray:
            weight = np.exp(tau * (l + r))
            return np.array([weight @ l, weight @ r]) / weight.sum()

        step = 1e-5
        slope = (means(1 + step) - means(1 - step)) / (2 * step)
        b = exchange.slice_exchange(corners, x, y)
        variance = slope.sum()
        assert slope == pytest.approx([-b * variance, (1 + b) * variance], rel=1e-6, abs=1e-9)


def test_one_more_model(record: exchange.Record) -> None:
    """A model is added once; one whose invariants are drawn already is not."""
    c5 = next(place for place in record.places if place.name == "C5")
    assert exchange.with_place(record, exchange.Place("yours", c5.ratio, c5.correlation, c5.exchange)) is record
    more = exchange.with_place(record, exchange.Place("yours", 2.0, 0.0, -0.2))
    assert more.places[:-1] == record.places
    assert more.places[-1].name == "yours"
    assert more.exchange is record.exchange
