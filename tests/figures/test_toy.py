"""The toy's figure: what is drawn at random agrees with what is exact."""

from __future__ import annotations

import math

import numpy as np
import pytest

from figures import toy
from tests.figures.committed import assert_committed
from theory.arithmetic.exact import precision
from theory.report.studies import rebinned_correlation


@pytest.fixture(scope="module")
def record() -> toy.Record:
    """The numbers drawn, computed once."""
    with precision():
        return toy.compute()


def test_committed(record: toy.Record) -> None:
    """toy.csv; sums over strings are BLAS products, of which the certain digits are printed."""
    assert_committed("toy", record)


def test_draws_repeat(record: toy.Record) -> None:
    """The same seed draws the same corpora."""
    one, two = (toy.drawn(record.strings, np.random.default_rng(toy.SEED), corpora=2 * toy.CHUNK) for _ in range(2))
    assert (one == two).all()
    assert one.shape == (2, 2 * toy.CHUNK)


def test_string_correlations(record: toy.Record) -> None:
    """Each string once: +.4856, by numpy; under p+: -.1294, by weighted moments in float64."""
    log_prior, reward, prob = record.strings
    assert record.once.correlation == pytest.approx(np.corrcoef(log_prior, reward)[0, 1], abs=1e-12)
    assert record.once.slope == pytest.approx(np.polyfit(log_prior, reward, 1)[0], abs=1e-9)
    matrix = np.cov(log_prior, reward, aweights=prob, ddof=0)
    assert record.weighted.correlation == pytest.approx(
        matrix[0, 1] / math.sqrt(matrix[0, 0] * matrix[1, 1]), abs=1e-12
    )
    assert record.once.correlation == pytest.approx(0.4856, abs=5e-5)
    assert record.weighted.correlation == pytest.approx(-0.1294, abs=5e-5)


def test_corpora_agree_with_the_exact_law(record: toy.Record) -> None:
    """Share of typical corpora, correlations and the ellipse: drawn against exact, at five standard errors."""
    drawn, exact = record.shares
    assert exact == pytest.approx(0.2089852674, abs=1e-9)
    assert abs(drawn - exact) < 5 * math.sqrt(exact * (1 - exact) / toy.CORPORA)
    for sampled, rho, count in (
        (record.sampled[0], record.weighted.correlation, toy.CORPORA),
        (record.sampled[1], record.given.correlation, drawn * toy.CORPORA),
    ):
        assert abs(math.atanh(sampled) - math.atanh(rho)) < 5 / math.sqrt(count - 3)
    assert record.given.correlation == pytest.approx(-0.8119, abs=5e-5)
    assert record.cells.sum() == pytest.approx(toy.CORPORA, rel=0.002)


def test_ellipse_holds_95_percent(record: toy.Record) -> None:
    """Every point of the curve has the Mahalanobis distance whose chi-square probability with 2 degrees is .95."""
    prob = record.strings[2] / record.strings[2].sum()
    covariance = np.cov(record.strings[:2], aweights=prob, ddof=0) * 1e6 / toy.SIZE
    distance = (record.ellipse * np.linalg.solve(covariance, record.ellipse)).sum(axis=0)
    assert distance == pytest.approx(np.full(len(distance), -2 * math.log(0.05)), rel=1e-9)


def test_rebinning_makes_the_bins_equal(record: toy.Record) -> None:
    """Each of the ten bins carries a tenth of the weight, and the correlation is near the one that was published."""
    x, y, weight = record.typical
    place = np.minimum((10 * (x - x.min()) / np.ptp(x)).astype(int), 9)
    totals = np.bincount(place, weights=weight, minlength=10)
    assert totals == pytest.approx(np.full(10, 0.1), abs=1e-12)
    assert (np.abs(x + y) < 1).all()
    matrix = np.cov(x, y, aweights=weight, ddof=0)
    assert record.rebinned.correlation == pytest.approx(matrix[0, 1] / math.sqrt(matrix[0, 0] * matrix[1, 1]), abs=1e-9)
    (published,) = (group for group in record.groups if group.size == 213)
    assert abs(published.after + 0.92) < published.after_margin
    assert published.before - published.before_margin < record.given.correlation
    assert record.given.correlation < published.before + published.before_margin


def test_more_corpora_more_correlation(record: toy.Record) -> None:
    """After re-binning the correlation grows with the number of corpora, as expected of a normal pair."""
    after = [group.after for group in record.groups]
    assert after == sorted(after, reverse=True)
    for group in record.groups:
        assert abs(group.after - rebinned_correlation(record.given.correlation, group.size)) < 0.02
