"""The figure of the plane: paths against the exponential family, polygons against the exact programme."""

from __future__ import annotations

import math

import numpy as np
import pytest
from flint import fmpq

from figures import plane
from tests.figures.committed import assert_committed
from theory.adaptors.frontier import member
from theory.adaptors.order_preserving import polygon, ranking
from theory.arithmetic.exact import precision, to_float
from theory.examples import finite as examples


@pytest.fixture(scope="module")
def record() -> plane.Record:
    """The numbers drawn, computed once."""
    with precision():
        return plane.compute()


def _inside(polygon_points: np.ndarray, point: np.ndarray, slack: float = 1e-9) -> bool:
    """Whether a point is in the convex polygon with these corners, counterclockwise; shape (2, k)."""
    edges = np.roll(polygon_points, -1, axis=1) - polygon_points
    gaps = point[:, None] - polygon_points
    return bool((edges[0] * gaps[1] - edges[1] * gaps[0] >= -slack).all())


def test_committed(record: plane.Record) -> None:
    """plane.csv; means are BLAS products, so the last digits may differ between processors."""
    assert_committed("plane", record)


def test_computed_twice(record: plane.Record) -> None:
    """C2 again: the same numbers."""
    (kept,) = (one for one in record.planes if one.name == "C2")
    assert plane.small_plane("C2").rows() == kept.rows()


def test_paths_are_in_the_family(record: plane.Record) -> None:
    """Global temperature T has the means of q_{tau,tau}, tau = 1/T; the beta path those of q_{1,t}, p at 0, p+ at 1."""
    for one in record.planes[:4]:
        numbers = getattr(examples, one.name.lower())().floats()
        for t, l, r in one.temperature.T[::7]:
            other = member(numbers.log_prior, numbers.reward, 1 / t, 1 / t)
            assert (l, r) == pytest.approx((other.mean_log_prior, other.mean_reward), abs=1e-12)
    for one in record.planes:
        assert one.beta[1:, 0] == pytest.approx(one.prior, abs=1e-9)
        (place,) = np.flatnonzero(np.abs(one.beta[0] - 1) < 1e-12)
        assert one.beta[1:, place] == pytest.approx(one.aligned, abs=1e-9)


def test_everything_is_in_the_hull(record: plane.Record) -> None:
    """p, p+, paths, polygon and truncations are means of laws of strings."""
    for one in record.planes:
        if one.hull.shape[1] < 3:
            continue
        points = [one.prior, one.aligned, *one.temperature[1:].T, *one.local[1:].T, *one.beta[1:].T, *one.polygon.T]
        points += [np.array([t.mean_log_prior, t.mean_reward]) for t in one.truncations]
        assert all(_inside(one.hull, point) for point in points)


def test_local_paths_are_in_the_polygon(record: plane.Record) -> None:
    """Local temperature and local truncations keep the order; so do p+ and, for tables, the global ones."""
    for one in record.planes:
        if one.polygon.shape[1] < 3:
            continue
        path = one.local if one.local.shape[1] else one.temperature
        points = [one.aligned, *path[1:].T]
        points += [np.array([t.mean_log_prior, t.mean_reward]) for t in one.truncations if t.normalise == "local"]
        # 48 directions of the words' polygon leave a little outside
        slack = 0.05 if one.name == "words" else 1e-9
        assert all(_inside(one.polygon, point, slack) for point in points)


def test_who_trades_off(record: plane.Record) -> None:
    """T = 1/2 against p+: C5 raises L and lowers R; C3, C1 raise both; C2: global raises both, local lowers both."""
    gains = {one.name: one.temperature[1:, 0] - one.aligned for one in record.planes}
    assert gains["C5"][0] > 0 > gains["C5"][1]
    assert all((gains[name] > 0).all() for name in ("C3", "C1", "C2"))
    (c2,) = (one for one in record.planes if one.name == "C2")
    assert (c2.local[1:, 0] - c2.aligned < 0).all()


def test_c2_at_one_half(record: plane.Record) -> None:
    """Local: a with 256/337, then any of four; global: b with 81/145. By hand."""
    (c2,) = (one for one in record.planes if one.name == "C2")
    for path, share in ((c2.local, 81 / 337), (c2.temperature, 81 / 145)):
        log_prior = share * math.log(3 / 11) + (1 - share) * math.log(2 / 11)
        reward = share * math.log(3) + (1 - share) * math.log(2)
        assert path[1:, 0] == pytest.approx([log_prior, reward], abs=1e-12)


def test_float_programme_is_the_exact_one() -> None:
    """On random trees every corner found in float64 is a corner of the exact polygon, and reaches as far as it."""
    rng = np.random.default_rng(5)
    for _ in range(12):
        aligned = examples.random_tree(rng, 3, 3)
        if len(aligned) < 3:
            continue
        ranked = ranking(aligned.balls())
        exact = np.array(
            [[to_float(c.point.log_prior.ball()), to_float(c.point.reward.ball())] for c in polygon(ranked)]
        ).T
        found = plane.float_polygon(ranked, aligned.floats())
        for corner in found.T:
            assert np.abs(exact - corner[:, None]).max(axis=0).min() < 1e-9
        for angle in np.linspace(0, 2 * math.pi, 48, endpoint=False):
            # in these unscaled directions the 48 corners may miss a little, never go beyond
            direction = np.array([math.cos(angle), math.sin(angle)])
            gap = (direction @ exact).max() - (direction @ found).max()
            assert -1e-9 < gap < 0.02 * np.ptp(exact, axis=1).max() + 1e-9


def test_marks_move(record: plane.Record) -> None:
    """At the figure's own T and k nothing changes; at others the marks are on the same paths, and the paths stay."""
    with precision():
        assert plane.marked(record).rows() == record.rows()
        moved = plane.marked(record, fmpq(2), 1)
    for one, old in zip(moved.planes, record.planes, strict=True):
        assert (one.temperature[:, 1:] == old.temperature[:, 1:]).all()
        assert one.temperature[0, 0] == 2
        if one.name == "words":
            assert one.truncations == old.truncations
            continue
        numbers = getattr(examples, one.name.lower())().floats()
        other = member(numbers.log_prior, numbers.reward, 0.5, 0.5)
        assert tuple(one.temperature[1:, 0]) == pytest.approx((other.mean_log_prior, other.mean_reward), abs=1e-12)
        best = numbers.prob.argmax()
        if one.name != "C2":  # its likeliest first token is not its likeliest string
            assert one.truncations
            for cut in one.truncations:
                means = (numbers.log_prior[best], numbers.reward[best])
                assert (cut.mean_log_prior, cut.mean_reward) == pytest.approx(means, abs=1e-12)
