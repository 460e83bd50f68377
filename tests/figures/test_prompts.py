"""The prompts' figure: bands from their formula, the example by weighted moments in float64."""

from __future__ import annotations

import math

import numpy as np
import pytest
from flint import fmpq

from figures import prompts
from figures.gallery import as_csv
from tests.figures.committed import assert_committed
from theory.arithmetic.exact import precision, to_float

WEIGHT = np.array([1, 6]) / 3  # p e^R / sum of p, prompt a: p = (1, 2)/3, e^R = (1, 3)
OTHER = np.array([4, 3, 5]) / 6  # prompt b: p = (2, 3, 1)/6, e^R = (2, 1, 5)
PROB = np.concatenate((WEIGHT / WEIGHT.sum() / 3, OTHER / OTHER.sum() * 2 / 3))
LOG_PRIOR = np.log(np.array([1 / 3, 2 / 3, 1 / 3, 1 / 2, 1 / 6]))
REWARD = np.log([1, 3, 2, 1, 5])
SECOND = np.array([0, 0, 1, 1, 1])


def _correlation(offset: float) -> float:
    matrix = np.cov(LOG_PRIOR, REWARD + offset * SECOND, aweights=PROB, ddof=0)
    return float(matrix[0, 1] / math.sqrt(matrix[0, 0] * matrix[1, 1]))


@pytest.fixture(scope="module")
def record() -> prompts.Record:
    """The numbers drawn, computed once."""
    with precision():
        return prompts.compute()


def test_committed(record: prompts.Record) -> None:
    """prompts.csv, digit by digit: everything is a ball."""
    assert_committed("prompts", record)


def test_computed_twice(record: prompts.Record) -> None:
    """Nothing is drawn at random."""
    assert as_csv(prompts.compute().rows()) == as_csv(record.rows())


def test_bands(record: prompts.Record) -> None:
    """(-e, sqrt(e^2 + (1 - e^2) rho_w^2)] for rho_w > 0, mirrored for rho_w < 0, open at both ends for rho_w = 0."""
    points = [
        (to_float(fmpq(*e)), rho, band, k)
        for band, e in zip(record.by_within, ((0, 1), (5, 13), (4, 5)), strict=True)
        for k, rho in enumerate(band.x)
    ]
    points += [
        (e, rho, band, k)
        for band, rho in zip(record.by_share, (0, 0.5, 0.9), strict=True)
        for k, e in enumerate(band.x)
    ]
    for e, rho, band, k in points:
        far = math.sqrt(e**2 + (1 - e**2) * rho**2)
        low, high = (-far if rho < 0 else -e), (far if rho > 0 else e)
        assert (band.low[k], band.high[k]) == pytest.approx((low, high), abs=1e-12)
        alone = e == 0 and rho == 0
        assert tuple(band.attained[k]) == (rho < 0 or alone, rho > 0 or alone)


@pytest.mark.parametrize(("half", "rho"), [(fmpq(1, 5), fmpq(-1, 2)), (fmpq(1, 2), fmpq(9, 10)), (fmpq(1, 3), fmpq(1))])
def test_mixtures_of_the_bands(half: fmpq, rho: fmpq) -> None:
    """e = 2m/(1 + m^2) and rho_w, from the eight strings in float64."""
    mixture = prompts.two_level(half, rho)
    log_prior, reward, prob = (
        np.array([[to_float(v) for v in getattr(part, name)] for part in mixture.parts])
        for name in ("log_prior", "reward", "prob")
    )
    levels = (prob * log_prior).sum(axis=1)
    m = to_float(half)
    variance = np.var(levels) / np.cov(log_prior.ravel(), aweights=prob.ravel(), ddof=0)
    assert math.sqrt(variance) == pytest.approx(2 * m / (1 + m * m), abs=1e-12)
    matrix = np.cov(log_prior[0], reward[0], aweights=prob[0], ddof=0)
    assert matrix[0, 1] / math.sqrt(matrix[0, 0] * matrix[1, 1]) == pytest.approx(to_float(rho), abs=1e-12)


def test_example(record: prompts.Record) -> None:
    """Corr(L, R + g) from five strings; its least value is the infimum, and it stays below the supremum."""
    found = record.example
    for offset, value in zip(found.offset, found.correlation, strict=True):
        assert value == pytest.approx(_correlation(offset), abs=1e-12)
    assert found.given == pytest.approx(_correlation(0), abs=1e-12)
    assert found.far[1] == pytest.approx(found.ends[0], abs=1e-12)
    assert found.correlation.min() == pytest.approx(found.ends[0], abs=1e-12)
    assert found.ends == pytest.approx((-0.86382798, 0.68089981), abs=1e-8)
    assert _correlation(-1e6) == pytest.approx(found.ends[1], abs=1e-5)
    assert found.correlation.max() < found.ends[1]


def test_planes(record: prompts.Record) -> None:
    """The strings drawn have the correlation that is written above them: as given, the infimum, 1/2."""
    wanted = (record.example.given, record.example.ends[0], 0.5)
    for plane, value in zip(record.planes, wanted, strict=True):
        _, x, y, p = plane.strings.T
        matrix = np.cov(x, y, aweights=p, ddof=0)
        assert p == pytest.approx(PROB, abs=1e-12)
        assert plane.correlation == pytest.approx(value, abs=1e-12)
        assert matrix[0, 1] / math.sqrt(matrix[0, 0] * matrix[1, 1]) == pytest.approx(value, abs=1e-12)
