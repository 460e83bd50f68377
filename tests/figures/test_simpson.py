"""Simpson's figure: counted corpora, the crossing, and the least-squares lines, by other routes."""

from __future__ import annotations

import numpy as np
import pytest

from figures import simpson
from figures.gallery import as_csv
from tests.figures.committed import assert_committed
from theory.arithmetic.exact import precision


@pytest.fixture(scope="module")
def record() -> simpson.Record:
    """The numbers drawn, computed once."""
    with precision():
        return simpson.compute()


def test_committed(record: simpson.Record) -> None:
    """simpson.csv; N is spaced in float64."""
    assert_committed("simpson", record)


def test_computed_twice(record: simpson.Record) -> None:
    """Nothing is drawn at random."""
    assert as_csv(simpson.compute().rows()) == as_csv(record.rows())


def test_counted_corpora_lie_on_the_formula(record: simpson.Record) -> None:
    """Cov = W/N + B with W = 4, B = -1/4, and with the tree's W and B in float64."""
    for size, cov in record.c8.counted:
        assert cov == pytest.approx(4 / size - 1 / 4, abs=1e-15)
    log_prior, reward = np.log(np.array([1, 2, 2]) / 5), np.log([3, 3, 4])
    laws = np.array([[3 / 17, 6 / 17, 8 / 17], [81 / 145 / 5, 81 / 145 * 4 / 5, 64 / 145]])
    within = np.mean([np.cov(log_prior, reward, aweights=q, ddof=0)[0, 1] for q in laws])
    between = np.prod([(laws[0] - laws[1]) @ v for v in (log_prior, reward)]) / 4
    for size, cov in record.tree.counted:
        assert cov == pytest.approx(within / size + between, abs=1e-15)


def test_crossings(record: simpson.Record) -> None:
    """N* = 16 and 139.974; the line changes its sign there and nowhere else."""
    for curve, turn in ((record.c8, 16), (record.tree, 139.97410192)):
        assert curve.crossing == pytest.approx(turn, abs=1e-8)
        assert ((curve.total > 0) == (curve.size < curve.crossing)).all()


def test_lines_through_the_corpora(record: simpson.Record) -> None:
    """Weighted least squares by numpy; the slopes are +.6, 0 and -.6."""
    for cloud, slope in zip(record.clouds, (0.6, 0.0, -0.6), strict=True):
        _, x, y, p = cloud.corpora.T
        assert p.sum() == pytest.approx(1, abs=1e-12)
        fitted = np.polyfit(x, y, 1, w=np.sqrt(p))
        assert fitted[0] == pytest.approx(cloud.slope, abs=1e-9)
        assert np.polyval(fitted, cloud.mean[0]) == pytest.approx(cloud.mean[1], abs=1e-9)
        assert cloud.slope == pytest.approx(slope, abs=1e-12)


def test_correlations(record: simpson.Record) -> None:
    """From one corpus: positive at N = 1 and near -1 at 10^5; mixed by string: the same at every N."""
    *from_one, mixed = record.correlation.values()
    for points in from_one:
        assert points[0, 1] > 0.35
        assert -1 < points[-1, 1] < -0.99
        assert (np.diff(points[:, 1]) < 0).all()
    # (L, R) uniform on (0, 1), (4, 5), (1, 0), (5, 4)
    expected = np.corrcoef([0, 4, 1, 5], [1, 5, 0, 4])[0, 1]
    assert mixed[:, 1] == pytest.approx(np.full(len(mixed), expected), abs=1e-12)
