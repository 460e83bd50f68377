"""Locally typical windows a row at a time against a bisection in all rows at once, and against their definition."""

from __future__ import annotations

import numpy as np
import pytest

from simulations.sampling.row_totals import BlockTotals
from simulations.sampling.typical_run import Rows, by_places, nearest_runs

pytest.importorskip("numba", reason="numba is not installed")


def rows_of(rng: np.random.Generator, size: int, dtype: type, ties: bool, power: float) -> tuple[Rows, np.ndarray]:
    """Falling scores, a run of each row inside them, and the weights."""
    scores = (rng.choice([0.5, 2.0, 6.0], (40, 1)) * rng.standard_normal((40, size))).astype(dtype)
    if ties:
        scores = np.round(scores * 4) / 4
    falling = -np.sort(-scores, axis=1)
    falling[::3, size - size // 5 :] = -np.inf
    low = rng.integers(0, size // 2, 40) * rng.integers(0, 2, 40)
    high = np.minimum(low + rng.integers(1, size, 40), (falling > -np.inf).sum(axis=1))
    high = np.maximum(high, low + 1)
    weight = np.exp(power * (falling.astype(np.float64) - falling[:, :1]))
    return Rows(falling, power, BlockTotals.of(falling, power), low, high), weight


@pytest.mark.parametrize("power", [1.0, 1.25])
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [5, 300])
def test_one_row_at_a_time_and_all_at_once(size: int, dtype: type, ties: bool, power: float) -> None:
    """The same places for every share of the mass; they have it, and one token fewer has not."""
    rows, weight = rows_of(np.random.default_rng(8), size, dtype, ties, power)
    place = np.arange(size)
    inside = (place >= rows.low[:, None]) & (place < rows.high[:, None])
    mass = np.where(inside, weight, 0.0).sum(axis=1)
    law = np.where(inside, weight / mass[:, None], 1.0)
    with np.errstate(divide="ignore"):
        entropy = -np.where(inside, law * np.log(law), 0.0).sum(axis=1)
        far = np.where(inside, np.abs(-np.log(law) - entropy[:, None]), np.inf)
    for share in (0.01, 0.2, 0.5, 0.9, 0.99):
        start, count = nearest_runs(rows, entropy, np.log(mass), share * mass)
        other = by_places(rows, entropy, np.log(mass), share * mass)
        assert np.array_equal(start, other[0])
        assert np.array_equal(count, other[1])
        assert ((start >= rows.low) & (start + count <= rows.high)).all()
        nearest = np.sort(far, axis=1)
        for n in range(len(law)):
            chosen = far[n, start[n] : start[n] + count[n]]
            assert np.allclose(np.sort(chosen), nearest[n, : count[n]], rtol=0, atol=1e-9)
            order = np.argsort(far[n], kind="stable")
            assert law[n, start[n] : start[n] + count[n]].sum() >= share - 1e-9
            if count[n] > 1 and not ties:
                assert law[n, order[: count[n] - 1]].sum() < share + 1e-9
