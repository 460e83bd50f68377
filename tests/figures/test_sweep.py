"""The figures of records: of the sweep over random models, and of how cost grows."""

from __future__ import annotations

import numpy as np
import pytest

from figures import scaling, sweep
from tests.figures.committed import assert_committed
from theory.report.records import bench_record, sweep_record


def test_committed() -> None:
    """sweep.csv and scaling.csv are the committed records."""
    assert_committed("sweep", sweep.compute())
    assert_committed("scaling", scaling.compute())


def test_shares_are_those_of_the_sweep() -> None:
    """Every bin, every size and every dropped hypothesis once, each with its interval around it."""
    record, found = sweep.compute(), sweep_record()
    assert len(record.correlation) == len(found.by_beta_and_correlation)
    assert sum(row.of for row in found.by_beta_and_correlation) <= found.models
    assert [p.x for p in record.strings] == [float(row.label) for row in found.by_strings]
    assert len(record.turns) == 3 * len(found.turns)
    for point in (*record.correlation, *record.strings, *record.turns):
        value, low, high = point.share
        assert 0 <= low <= value <= high <= 1


def test_exponents_are_slopes() -> None:
    """The printed exponents again, by the two ends of the last three sizes."""
    for curve in scaling.compute().curves:
        if curve.time_slope is None:
            continue
        upper = curve.points[-3:]
        (x0, y0, _), (x1, y1, _) = upper[0], upper[-1]
        assert np.log(y1 / y0) / np.log(x1 / x0) == pytest.approx(curve.time_slope, abs=0.35)


def test_growth_reaches_far() -> None:
    """At least four sizes of everything, a hundredfold where it is cheap."""
    series = {own.name: own.points for own in bench_record().growth}
    assert all(len(points) >= 4 for points in series.values())
    assert series["moments-fast"][-1].size >= 100 * series["moments-fast"][0].size
