"""Passes over whole rows of tokens: compiled where numba is installed and the rows are long enough, else in numpy.

Sums of exp(power x), x measured from the row's largest score, are what ``sorted_rows`` needs; scores come in falling
order, and -inf is an impossible token, of weight 0. Exponentials are float64 where compiled, else of the scores'
precision; sums are float64.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from theory.arithmetic.compiled import WORTH

Floats = NDArray[np.float64]
Reals = NDArray[np.floating]
Index = NDArray[np.int64]
Mask = NDArray[np.bool_]

BLOCK = 128
"""Places between two totals that are kept."""

try:
    import numba

    from theory.arithmetic.kernels import exponential, reduction
except ImportError:
    COMPILED = False
else:
    COMPILED = True

    @reduction
    def part(row: Reals, peak: float, power: float) -> float:
        total = 0.0
        for k in range(len(row)):
            total += exponential(power * (row[k] - peak))
        return total

    @numba.njit
    def _starts(rows: Reals, power: float, starts: Floats) -> None:
        for n in range(len(rows)):
            total = 0.0
            for b in range(starts.shape[1] - 1):
                starts[n, b] = total
                total += part(rows[n, b * BLOCK : (b + 1) * BLOCK], rows[n, 0], power)
            starts[n, -1] = total

    @numba.njit
    def _upto(rows: Reals, power: float, starts: Floats, place: Index, found: Floats) -> None:
        for n in range(len(rows)):
            b = place[n] // BLOCK
            found[n] = starts[n, b] + part(rows[n, b * BLOCK : place[n]], rows[n, 0], power)

    @numba.njit
    def _reaching(
        rows: Reals, power: float, starts: Floats, target: Floats, low: Index, high: Index, found: Index
    ) -> None:
        for n in range(len(rows)):
            first, last = low[n] // BLOCK, high[n] // BLOCK  # the block in question is in first..last
            while first < last:
                middle = (first + last) >> 1
                if starts[n, middle + 1] >= target[n]:
                    last = middle
                else:
                    first = middle + 1
            place = max(low[n], first * BLOCK)
            total = starts[n, first] + part(rows[n, first * BLOCK : place], rows[n, 0], power)
            while place < high[n]:
                total += exponential(power * (rows[n, place] - rows[n, 0]))
                if total >= target[n]:
                    break
                place += 1
            found[n] = place

    @reduction
    def _row_sums(row: Reals, power: float) -> tuple[float, float]:
        mass = score = 0.0
        for k in range(len(row)):
            x = max(row[k] - row[0], -1e6)  # finite, so that it may be multiplied by 0
            weight = exponential(power * x)
            mass += weight
            score += weight * x
        return mass, score

    @numba.njit
    def _sums(rows: Reals, power: float, mass: Floats, score: Floats) -> None:
        for n in range(len(rows)):
            mass[n], score[n] = _row_sums(rows[n], power)

    @reduction
    def _block_sum(weight: Reals) -> float:
        total = 0.0
        for k in range(len(weight)):
            total += weight[k]
        return total

    @numba.njit
    def _inverse_cdf(weight: Reals, uniform: Floats, drawn: Index, total: Floats) -> None:
        size = weight.shape[1]
        blocks = np.empty((size + BLOCK - 1) // BLOCK)
        for n in range(len(weight)):
            for b in range(len(blocks)):
                blocks[b] = _block_sum(weight[n, b * BLOCK : (b + 1) * BLOCK])
            total[n] = blocks.sum()
            target, reached, b = uniform[n] * total[n], 0.0, 0
            while b + 1 < len(blocks) and reached + blocks[b] <= target:
                reached += blocks[b]
                b += 1
            k = b * BLOCK
            while k + 1 < size and reached + weight[n, k] <= target:
                reached += weight[n, k]
                k += 1
            drawn[n] = k


def inverse_cdf(weight: Reals, uniform: Floats) -> tuple[Index, Floats]:
    """(the first token whose running total exceeds its share of the whole, the whole), shapes (B,).

    The last token where a share rounds up to the whole.

    Args:
        weight: >= 0, shape (B, V).
        uniform: in [0, 1), shape (B,).
    """
    if not _worth_compiling(weight):
        cumulative = np.cumsum(weight, axis=1, dtype=np.float64)
        total = cumulative[:, -1]
        below = (cumulative <= (uniform * total)[:, None]).sum(axis=1)
        return np.minimum(below, weight.shape[1] - 1), total
    drawn, total = np.empty(len(weight), dtype=np.int64), np.empty(len(weight))
    _inverse_cdf(weight, uniform, drawn, total)
    return drawn, total


def first_place(holds: Callable[[Index], Mask], low: Index | int, high: Index | int, shape: tuple[int, ...]) -> Index:
    """The first place in low..high - 1 at which a monotone condition holds, else high: bisection in all rows.

    Args:
        holds: of a place in each row, below V.
        low: of each row, shape (n,), or of all.
        high: likewise.
        shape: (n, V).
    """
    start, stop = (np.broadcast_to(np.asarray(v, dtype=np.int64), shape[0]).copy() for v in (low, high))
    for _ in range(int((stop - start).max(initial=0)).bit_length()):
        middle = (start + stop) >> 1
        found = holds(np.minimum(middle, shape[1] - 1))
        # a row that has arrived stays: its middle is its stop
        stop = np.where(found, middle, stop)
        start = np.where(found | (start >= stop), start, middle + 1)
    return start


class Totals(Protocol):
    """Running totals of exp(power x) over the places of each row."""

    def upto(self, place: Index) -> Floats:
        """The sum over the first ``place`` places of each row, shape (n,)."""

    def first_reaching(self, target: Floats, low: Index, high: Index) -> Index:
        """The first place in low..high - 1 whose total, itself included, reaches the row's target, else high."""

    def whole(self) -> Floats:
        """The sum over all places, shape (n,)."""


@dataclass(frozen=True, slots=True, eq=False)
class EveryTotal:
    """A total at every place.

    Args:
        totals: the place itself included, shape (n, V).
    """

    totals: Floats

    def upto(self, place: Index) -> Floats:
        """As ``Totals`` says."""
        found = np.take_along_axis(self.totals, np.maximum(place - 1, 0)[:, None], axis=1)[:, 0]
        return np.where(place > 0, found, 0.0)

    def first_reaching(self, target: Floats, low: Index, high: Index) -> Index:
        """As ``Totals`` says."""
        rows = np.arange(len(self.totals))
        return first_place(lambda place: self.totals[rows, place] >= target, low, high, self.totals.shape)

    def whole(self) -> Floats:
        """As ``Totals`` says."""
        return self.totals[:, -1]


@dataclass(frozen=True, slots=True, eq=False)
class BlockTotals:
    """A total at the start of every block of places; what is left is added when it is asked for.

    Args:
        falling: the scores, shape (n, V).
        starts: shape (n, blocks + 1).
    """

    falling: Reals
    power: float
    starts: Floats

    @staticmethod
    def of(falling: Reals, power: float) -> BlockTotals:
        """Cost: O(n V), without an array of that size."""
        starts = np.empty((len(falling), (falling.shape[1] + BLOCK - 1) // BLOCK + 1))
        _starts(falling, power, starts)
        return BlockTotals(falling, power, starts)

    def upto(self, place: Index) -> Floats:
        """As ``Totals`` says."""
        found = np.empty(len(place))
        _upto(self.falling, self.power, self.starts, place, found)
        return found

    def first_reaching(self, target: Floats, low: Index, high: Index) -> Index:
        """As ``Totals`` says."""
        found = np.empty(len(target), dtype=np.int64)
        _reaching(self.falling, self.power, self.starts, target, low, high, found)
        return found

    def whole(self) -> Floats:
        """As ``Totals`` says."""
        return self.starts[:, -1]


def running_totals(falling: Reals, power: float) -> Totals:
    """The running totals of exp(power x) of rows in falling order."""
    if _worth_compiling(falling):
        return BlockTotals.of(falling, power)
    return EveryTotal(np.cumsum(_weights(falling, power), axis=1, dtype=np.float64))


def sums(falling: Reals, power: float) -> tuple[Floats, Floats]:
    """sum exp(power x) and sum x exp(power x) of each row, shapes (n,)."""
    if not _worth_compiling(falling):
        weight = _weights(falling, power)
        return weight.sum(axis=1, dtype=np.float64), _products(falling, weight).sum(axis=1, dtype=np.float64)
    mass, score = np.empty(len(falling)), np.empty(len(falling))
    _sums(falling, power, mass, score)
    return mass, score


def running_scores(falling: Reals, power: float) -> Floats:
    """sum_{j <= k} x_j exp(power x_j) for each place k, shape (n, V)."""
    return np.cumsum(_products(falling, _weights(falling, power)), axis=1, dtype=np.float64)


def _worth_compiling(falling: Reals) -> bool:
    return COMPILED and falling.size >= WORTH


def _weights(falling: Reals, power: float) -> Reals:
    shifted = falling - falling[:, :1]
    if power != 1:
        shifted *= falling.dtype.type(power)
    return np.asarray(np.exp(shifted, out=shifted))


def _products(falling: Reals, weight: Reals) -> Reals:
    return np.asarray(weight * np.maximum(falling - falling[:, :1], np.finfo(falling.dtype).min))


__all__ = [
    "BLOCK",
    "COMPILED",
    "BlockTotals",
    "EveryTotal",
    "Totals",
    "first_place",
    "inverse_cdf",
    "running_scores",
    "running_totals",
    "sums",
]
