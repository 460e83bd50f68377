"""Compiled passes over rows against the numpy ones, and both against sums in full precision."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from simulations.sampling import row_totals
from theory.arithmetic.compiled import WORTH

pytest.importorskip("numba", reason="numba is not installed")

ROWS, VOCABULARY = 5, WORTH // 4


@pytest.fixture(params=[np.float32, np.float64])
def falling(request: pytest.FixtureRequest) -> Any:
    """Scores in falling order, the last of each row impossible."""
    rng = np.random.default_rng(1)
    rows = -np.sort(-3 * rng.standard_normal((ROWS, VOCABULARY)), axis=1).astype(request.param)
    rows[:, -7:] = -np.inf
    return rows


@pytest.fixture(params=[True, False], ids=["compiled", "numpy"])
def compiled(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr(row_totals, "COMPILED", request.param)
    return bool(request.param)


def near(scores: Any) -> float:
    """Exponentials of float32 scores are float32 in numpy."""
    return 1e-12 if scores.dtype == np.float64 else 1e-6


@pytest.mark.parametrize("power", [1.0, 0.5, 2.0])
def test_sums(falling: Any, compiled: bool, power: float) -> None:
    """Against fsum, row by row."""
    mixed = np.random.default_rng(4).permuted(falling, axis=1)  # a sum is one in any order
    mass, score = row_totals.sums(mixed, falling[:, 0].astype(float), power)
    totals, scores = row_totals.running_totals(falling, power), row_totals.running_scores(falling, power)
    assert isinstance(totals, row_totals.BlockTotals) == compiled
    for places in (0, 1, 100, 128, 129, VOCABULARY - 7, VOCABULARY):
        upto = totals.upto(np.full(ROWS, places))
        for row, found, u in zip(falling.astype(float), upto, scores, strict=True):
            x = row[: min(places, VOCABULARY - 7)] - row[0]
            assert found == pytest.approx(math.fsum(np.exp(power * x)), rel=near(falling))
            if places:
                assert u[places - 1] == pytest.approx(math.fsum(x * np.exp(power * x)), rel=near(falling), abs=1e-9)
    for row, m, s, w in zip(falling.astype(float), mass, score, totals.whole(), strict=True):
        x = row[:-7] - row[0]
        weight = np.exp(power * x)
        assert m == pytest.approx(math.fsum(weight), rel=near(falling))
        assert w == pytest.approx(m, rel=1e-6)
        assert s == pytest.approx(math.fsum(x * weight), rel=near(falling))


def test_first_reaching(compiled: bool) -> None:
    """Equal scores, so that every total is a whole number: the first place in a range that reaches a target."""
    rows = np.zeros((ROWS, VOCABULARY))
    totals = row_totals.running_totals(rows, 1.0)
    for low, high in ((0, VOCABULARY), (130, VOCABULARY - 1), (5, 300), (256, 256)):
        for target in (0.5, 1.0, 6.0, 128.0, 129.0, 131.0, 299.5, float(VOCABULARY), VOCABULARY + 1.0):
            found = totals.first_reaching(np.full(ROWS, target), np.full(ROWS, low), np.full(ROWS, high))
            expected = next((k for k in range(low, high) if k + 1 >= target), high)
            assert found.tolist() == [expected] * ROWS, (low, high, target)


def test_inverse_cdf(compiled: bool) -> None:
    """Integer weights, so that every total is exact: u at a boundary belongs to the token behind it."""
    rng = np.random.default_rng(2)
    weight = rng.integers(0, 4, (ROWS, VOCABULARY)).astype(np.float32)
    weight[:, 0], weight[:, -1] = 0, 3
    running = np.cumsum(weight.astype(np.int64), axis=1)
    whole = 1 << 20  # so that target / whole and back is exact
    weight[:, -1] += (whole - running[:, -1]).astype(np.float32)
    for target in (0, 1, 127, 128, int(running[0, 40_00]), whole - 1):
        drawn, total = row_totals.inverse_cdf(weight, np.full(ROWS, target / whole))
        assert (total == whole).all()
        assert drawn.tolist() == [int(np.argmax(row > target)) for row in np.cumsum(weight.astype(np.int64), axis=1)]


def test_inverse_cdf_rounded_up(compiled: bool) -> None:
    """A share that rounds up to the whole is the last token's."""
    weight = np.full((ROWS, VOCABULARY), 0.1, dtype=np.float32)
    drawn, _ = row_totals.inverse_cdf(weight, np.full(ROWS, np.nextafter(1.0, 0.0)))
    assert (drawn == VOCABULARY - 1).all()


def test_both_draw_the_same() -> None:
    """10,000 tokens of random laws, compiled and not."""
    rng = np.random.default_rng(3)
    weight = np.exp(2 * rng.standard_normal((200, WORTH // 100)).astype(np.float32))
    assert weight.size >= WORTH
    uniform = rng.random((50, 200))
    one = [row_totals.inverse_cdf(weight, u)[0] for u in uniform]
    cumulative = np.cumsum(weight, axis=1, dtype=np.float64)
    two = [(cumulative <= (u * cumulative[:, -1])[:, None]).sum(axis=1) for u in uniform]
    assert (np.array(one) == np.array(two)).all()


@pytest.mark.usefixtures("compiled")
def test_a_long_tail_of_float32_is_drawn() -> None:
    """10^5 weights of 10^-8 behind one of 1: float32 totals would stay at 1, and no token of the tail be drawn."""
    weight = np.full((5, 100_001), 1e-8, dtype=np.float32)
    weight[:, 0] = 1
    uniform = np.array([0.0, 0.9989, 0.9991, 0.9995, 1 - 2.0**-53])
    drawn, total = row_totals.inverse_cdf(weight, uniform)
    whole = math.fsum(weight[0].astype(float))
    assert total == pytest.approx(np.full(5, whole), rel=1e-12)
    behind = (uniform * whole - 1) / float(weight[0, 1])  # tokens of the tail that a share goes past
    assert drawn.tolist() == pytest.approx([0, 0, *(1 + behind[2:4]), 100_000], abs=1.001)
    assert drawn[1] == 0 < drawn[2] < drawn[3]


def test_log_totals(falling: Any, compiled: bool) -> None:
    """Against fsum: in float64 whatever the rows have, in any order."""
    mixed = np.random.default_rng(5).permuted(falling, axis=1)
    peak, log_total = row_totals.log_totals(mixed)
    narrow = row_totals.narrowed(mixed, peak, log_total)
    assert narrow.dtype == np.float32
    for row, most, found, law in zip(mixed.astype(float), peak, log_total, narrow, strict=True):
        assert most == row.max()
        assert found == pytest.approx(math.log(math.fsum(np.exp(row - most))), abs=1e-13)
        assert (law == ((row - most) - found).astype(np.float32)).all()


@pytest.mark.parametrize("power", [1.0, 0.5, 2.0])
def test_draw_between(falling: Any, compiled: bool, power: float) -> None:
    """Against a walk through the tokens, from the smallest draw to the largest; nothing outside is drawn."""
    mixed = np.random.default_rng(6).permuted(falling, axis=1)
    for first, last in ((0, VOCABULARY - 8), (3, 3), (40, 4000)):
        bottom, top = falling[:, last].astype(float), falling[:, first].astype(float)
        for u in (0.0, 0.25, 0.7, 0.999, np.nextafter(1.0, 0.0)):
            drawn = row_totals.draw_between(mixed, bottom, top, power, np.full(ROWS, u))
            for row, low, high, k in zip(mixed.astype(float), bottom, top, drawn, strict=True):
                weight = np.where((row >= low) & (row <= high), np.exp(power * (row - high)), 0.0)
                running = np.cumsum(weight)
                assert weight[k] > 0
                assert running[k] >= u * running[-1] * (1 - 1e-12)
                assert running[k] - weight[k] <= u * running[-1] * (1 + 1e-12)


@pytest.mark.parametrize("place", [0, 127, 128, VOCABULARY - 1])
def test_draw_between_of_one_token(compiled: bool, place: int) -> None:
    """It is drawn, wherever it stands and whatever the draw."""
    rows = np.full((ROWS, VOCABULARY), -np.inf, dtype=np.float32)
    rows[:, place] = -3.0
    bottom, top = np.full(ROWS, float(np.finfo(np.float32).min)), np.full(ROWS, -3.0)
    for u in (0.0, 0.5, np.nextafter(1.0, 0.0)):
        assert (row_totals.draw_between(rows, bottom, top, 1.0, np.full(ROWS, u)) == place).all()
