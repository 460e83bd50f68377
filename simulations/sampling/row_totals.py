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
    def _row_sums(row: Reals, peak: float, power: float) -> tuple[float, float]:
        mass = score = 0.0
        for k in range(len(row)):
            x = max(row[k] - peak, -1e6)  # finite, so that it may be multiplied by 0
            weight = exponential(power * x)
            mass += weight
            score += weight * x
        return mass, score

    @numba.njit
    def _sums(rows: Reals, peak: Reals, power: float, mass: Floats, score: Floats) -> None:
        for n in range(len(rows)):
            mass[n], score[n] = _row_sums(rows[n], peak[n], power)

    @numba.njit
    def _log_totals(rows: Reals, peak: Floats, found: Floats) -> None:
        for n in range(len(rows)):
            found[n] = np.log(part(rows[n], peak[n], 1.0))

    @numba.njit
    def _narrow(rows: Reals, peak: Floats, log_total: Floats, found: Reals) -> None:
        for n in range(len(rows)):
            for k in range(rows.shape[1]):
                found[n, k] = (rows[n, k] - peak[n]) - log_total[n]

    @reduction
    def _part_between(row: Reals, bottom: float, top: float, power: float) -> float:
        total = 0.0
        for k in range(len(row)):
            total += exponential(power * (row[k] - top)) if bottom <= row[k] <= top else 0.0
        return total

    @numba.njit
    def _draw_between(rows: Reals, bottom: Floats, top: Floats, power: float, uniform: Floats, drawn: Index) -> None:
        size = rows.shape[1]
        blocks = np.empty((size + BLOCK - 1) // BLOCK)
        for n in range(len(rows)):
            row, low, high = rows[n], bottom[n], top[n]
            for b in range(len(blocks)):
                blocks[b] = _part_between(row[b * BLOCK : (b + 1) * BLOCK], low, high, power)
            target, reached, b = uniform[n] * blocks.sum(), 0.0, 0
            while b + 1 < len(blocks) and reached + blocks[b] <= target:
                reached += blocks[b]
                b += 1
            drawn[n] = -1  # a target that rounded up to the whole
            for k in range(b * BLOCK, size):
                weight = exponential(power * (row[k] - high)) if low <= row[k] <= high else 0.0
                if weight > 0:
                    drawn[n] = k
                reached += weight
                if reached > target:
                    break
            k = b * BLOCK
            while drawn[n] < 0 and k > 0:
                k -= 1
                if low <= row[k] <= high and exponential(power * (row[k] - high)) > 0:
                    drawn[n] = k

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
    return EveryTotal(np.cumsum(_weights(falling, power, falling[:, 0].astype(np.float64)), axis=1, dtype=np.float64))


def sums(rows: Reals, peak: Floats, power: float) -> tuple[Floats, Floats]:
    """sum exp(power x) and sum x exp(power x) of each row, shapes (n,); in any order, x as precise as the rows."""
    if not _worth_compiling(rows):
        weight = _weights(rows, power, peak)
        return weight.sum(axis=1, dtype=np.float64), _products(rows, weight, peak).sum(axis=1, dtype=np.float64)
    mass, score = np.empty(len(rows)), np.empty(len(rows))
    _sums(rows, peak.astype(rows.dtype), power, mass, score)
    return mass, score


def log_totals(rows: Reals) -> tuple[Floats, Floats]:
    """(the largest score of each row, log of the sum of exp(x - largest)), in any order, shapes (n,); in float64."""
    peak = rows.max(axis=1).astype(np.float64)
    if not _worth_compiling(rows):
        return peak, np.log(np.exp(rows.astype(np.float64) - peak[:, None]).sum(axis=1))
    found = np.empty(len(rows))
    _log_totals(rows, peak, found)
    return peak, found


def narrowed(rows: Reals, peak: Floats, log_total: Floats) -> NDArray[np.float32]:
    """log p of each token, rounded to float32 from float64, without an array of those; shape (n, V)."""
    if not _worth_compiling(rows):
        return ((rows.astype(np.float64) - peak[:, None]) - log_total[:, None]).astype(np.float32)
    found = np.empty(rows.shape, dtype=np.float32)
    _narrow(rows, peak, log_total, found)
    return found


def draw_between(rows: Reals, bottom: Floats, top: Floats, power: float, uniform: Floats) -> Index:
    """The first token whose running share of exp(power x) over bottom <= x <= top exceeds a draw, shape (n,).

    The sums are float64; the last token with a weight where a share rounds up to the whole.

    Args:
        rows: scores in any order, shape (n, V).
        bottom: of each row, shape (n,).
        top: of each row, shape (n,).
        power: > 0.
        uniform: in [0, 1), shape (n,).
    """
    drawn = np.empty(len(rows), dtype=np.int64)
    if _worth_compiling(rows):
        _draw_between(rows, bottom, top, power, uniform, drawn)
        return drawn
    wide = rows.astype(np.float64)
    inside = (wide >= bottom[:, None]) & (wide <= top[:, None])
    weight = np.where(inside, np.exp(power * np.where(inside, wide - top[:, None], 0.0)), 0.0)
    cumulative = np.cumsum(weight, axis=1)
    found = (cumulative <= uniform[:, None] * cumulative[:, -1:]).sum(axis=1)
    last = rows.shape[1] - 1 - (weight[:, ::-1] > 0).argmax(axis=1)
    return np.asarray(np.minimum(found, last), dtype=np.int64)


def running_scores(falling: Reals, power: float) -> Floats:
    """sum_{j <= k} x_j exp(power x_j) for each place k, shape (n, V)."""
    peak = falling[:, 0].astype(np.float64)
    return np.cumsum(_products(falling, _weights(falling, power, peak), peak), axis=1, dtype=np.float64)


def _worth_compiling(falling: Reals) -> bool:
    return COMPILED and falling.size >= WORTH


def _weights(rows: Reals, power: float, peak: Floats) -> Reals:
    shifted = rows - peak[:, None].astype(rows.dtype)
    if power != 1:
        shifted *= rows.dtype.type(power)
    return np.asarray(np.exp(shifted, out=shifted))


def _products(rows: Reals, weight: Reals, peak: Floats) -> Reals:
    return np.asarray(weight * np.maximum(rows - peak[:, None].astype(rows.dtype), np.finfo(rows.dtype).min))


__all__ = [
    "BLOCK",
    "COMPILED",
    "BlockTotals",
    "EveryTotal",
    "Totals",
    "draw_between",
    "first_place",
    "inverse_cdf",
    "log_totals",
    "narrowed",
    "running_scores",
    "running_totals",
    "sums",
]
