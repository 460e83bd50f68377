"""The figures of the embedded pair: what the committed analysis says, point by point."""

from __future__ import annotations

import pytest

from figures import pair, pair_corpora
from tests.figures.committed import assert_committed
from theory.report.records import pair_record


def test_committed() -> None:
    """pair.csv and pair_corpora.csv are the committed analysis."""
    assert_committed("pair", pair.compute())
    assert_committed("pair_corpora", pair_corpora.compute())


def test_points_are_the_settings() -> None:
    """A point for each of eight adaptors at four temperatures, with its own interval around it."""
    record, found = pair.compute(), pair_record("default")
    assert len(record.points) == len(found.settings) == 32
    assert len({(point.adaptor, point.temperature) for point in record.points}) == 32
    for point, own in zip(record.points, found.settings, strict=True):
        for bounds, estimate in (
            (point.mean_log_prior, own.mean_log_prior),
            (point.exchange, own.exchange_coefficient),
        ):
            assert bounds == estimate.drawn
            assert bounds[1] < bounds[0] < bounds[2]


def test_slope_through_the_aligned_model() -> None:
    """-(1 + b) / b of the setting without an adaptor at T = 1."""
    record = pair.compute()
    (base,) = (p for p in record.points if p.adaptor == "none" and p.temperature == 1)
    assert record.slope == pytest.approx(-(1 + base.exchange[0]) / base.exchange[0])


def test_corpora_follow_within_and_between() -> None:
    """At large N the correlation of corpora is that of the settings' means; N* is where W/N + B changes its sign."""
    record, found = pair_corpora.compute(), pair_record("default")
    assert record.corpora[:, 0].tolist() == [1, 10, 100, 1000]
    w, b = found.pooled.within_cov, found.pooled.between_cov
    for size, value, _, _ in record.corpora:
        assert (value > 0) == (w / size + b > 0)
    if record.crossing is not None:
        assert w / record.crossing + b == pytest.approx(0, abs=1e-9)
