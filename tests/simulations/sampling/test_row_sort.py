"""The sort by digits against numpy's, bit by bit, and when which of them is taken."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from simulations.sampling import row_sort
from simulations.sampling.row_sort import by_numpy, falling_rows
from theory.arithmetic.compiled import WORTH

pytest.importorskip("numba", reason="numba is not installed")


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_sort, "_numpy_is_slow", lambda: True)


def by_digits(scores: np.ndarray) -> np.ndarray:
    falling = np.empty_like(scores)
    row_sort._by_digits(scores.view(np.uint32), falling.view(np.uint32))
    return falling


@given(
    arrays.arrays(
        np.float32, st.tuples(st.integers(1, 3), st.integers(1, 40)), elements=st.floats(width=32, allow_nan=False)
    )
)
def test_any_rows(scores: np.ndarray) -> None:
    """Every float32 but NaN: infinities, subnormal numbers, both zeros, ties."""
    assert np.array_equal(by_digits(scores), by_numpy(scores))


def test_rows_of_logits(slow: None) -> None:
    """Many ties, as of bfloat16 models, impossible tokens, and a view that is not contiguous; nothing is written to."""
    rng = np.random.default_rng(4)
    scores = (3 * rng.standard_normal((6, WORTH // 2))).astype(np.float32)
    scores[1::2].view(np.uint32)[:] &= np.uint32(0xFFFF0000)
    scores[:, 5] = -np.inf
    before = scores.copy()
    for rows in (scores, scores[:, ::2], np.asfortranarray(scores)):
        assert rows.size >= WORTH
        found = falling_rows(rows)
        assert found.tobytes() == by_numpy(rows).tobytes()
    assert np.array_equal(scores, before)


def test_what_is_sorted_by_digits(slow: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long float32 rows on hosts with a slow sort; NaN come last as numpy has them."""
    called = []

    def recorded(bits: np.ndarray, falling: np.ndarray) -> None:
        called.append(bits.shape)
        falling[:] = by_numpy(bits.view(np.float32)).view(np.uint32)

    monkeypatch.setattr(row_sort, "_by_digits", recorded)
    long = np.linspace(0, 1, WORTH, dtype=np.float32)[None]
    for scores in (long, long[:, :-1], long.astype(np.float64)):
        assert np.array_equal(falling_rows(scores), scores[:, ::-1])
    assert called == [(1, WORTH)]
    monkeypatch.setattr(row_sort, "_numpy_is_slow", lambda: False)
    falling_rows(long)
    assert called == [(1, WORTH)]


def test_nan_come_last(slow: None) -> None:
    scores = np.zeros((1, WORTH), dtype=np.float32)
    scores[0, 3] = np.nan
    assert np.flatnonzero(np.isnan(falling_rows(scores)[0])).tolist() == [WORTH - 1]
