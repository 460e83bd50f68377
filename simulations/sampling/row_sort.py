"""Rows of scores in falling order.

numpy sorts float32 by vector instructions that some processors have and others run slowly: 2 to 25 ns an element. Where
it is slow and numba is installed, long float32 rows are sorted by their bits instead, digit by digit from the last (a
radix sort: Knuth 1998, The Art of Computer Programming 3, section 5.2.5). The result is the same.
"""

from __future__ import annotations

import functools
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.arithmetic.compiled import WORTH

Reals = NDArray[np.floating]
Bits = NDArray[np.uint32]

_SLOW = 8e-9
"""Seconds an element from which on numpy's sort is slower than ours."""

_by_digits: Any = None
"""(scores as bits, falling as bits), shapes (n, V): fills the latter."""

try:
    import numba
except ImportError:
    pass
else:
    _UNIT, _REST, _SHIFT = np.uint32(1), np.uint32((1 << 31) - 1), np.int32(31)
    _LOW, _DIGIT, _ONE, _TWO = np.uint32((1 << 10) - 1), np.uint32((1 << 11) - 1), np.uint32(10), np.uint32(21)

    @numba.njit
    def _turned(bits: np.uint32) -> np.uint32:
        """The bits of a number below 0; of another with all but the sign reversed: a key that rises as numbers fall."""
        return bits ^ (_REST & ~np.uint32(np.int32(bits) >> _SHIFT))

    @numba.njit
    def _to_starts(count: Bits) -> None:
        total = np.uint32(0)
        for k in range(len(count)):
            more = count[k]
            count[k] = total
            total += more

    @numba.njit
    def _radix(bits: Bits, falling: Bits) -> None:
        """Keys of 32 bits in three digits of 10, 11 and 11."""
        size = bits.shape[1]
        here, there = np.empty(size, np.uint32), np.empty(size, np.uint32)
        low, middle, high = np.empty(1 << 10, np.uint32), np.empty(1 << 11, np.uint32), np.empty(1 << 11, np.uint32)
        for n in range(len(bits)):
            row, found = bits[n], falling[n]
            low[:], middle[:], high[:] = 0, 0, 0
            for k in range(size):
                here[k] = _turned(row[k])
            for k in range(size):
                key = here[k]
                low[key & _LOW] += _UNIT
                middle[(key >> _ONE) & _DIGIT] += _UNIT
                high[key >> _TWO] += _UNIT
            _to_starts(low)
            _to_starts(middle)
            _to_starts(high)
            for k in range(size):
                key = here[k]
                place = low[key & _LOW]
                low[key & _LOW] = place + _UNIT
                there[place] = key
            for k in range(size):
                key = there[k]
                place = middle[(key >> _ONE) & _DIGIT]
                middle[(key >> _ONE) & _DIGIT] = place + _UNIT
                here[place] = key
            for k in range(size):
                key = here[k]
                place = high[key >> _TWO]
                high[key >> _TWO] = place + _UNIT
                there[place] = key
            for k in range(size):
                found[k] = _turned(there[k])

    _by_digits = _radix


def falling_rows(scores: Reals) -> Reals:
    """Each row sorted, the largest first, shape (n, V). Cost: O(n V) by digits, else O(n V log V).

    Args:
        scores: shape (n, V), -inf allowed.
    """
    if scores.dtype == np.float32 and scores.size >= WORTH and _by_digits is not None and _numpy_is_slow():
        rows = np.ascontiguousarray(scores)
        falling = np.empty_like(rows)
        _by_digits(rows.view(np.uint32), falling.view(np.uint32))
        if not np.isnan(falling[:, 0]).any():
            return falling
    return by_numpy(scores)


def by_numpy(scores: Reals) -> Reals:
    """The same by numpy's sort; NaN come last."""
    falling = np.negative(scores)
    falling.sort(axis=1)
    np.negative(falling, out=falling)
    return falling


@functools.cache
def _numpy_is_slow() -> bool:
    """Whether numpy sorts a row of random float32 at more than 8 ns an element on this host."""
    sample = np.random.default_rng(0).standard_normal(1 << 14).astype(np.float32)
    best = np.inf
    for _ in range(5):
        start = time.perf_counter()
        np.sort(sample)
        best = min(best, time.perf_counter() - start)
    return bool(best > _SLOW * len(sample))


__all__ = ["by_numpy", "falling_rows"]
