"""Locally typical windows of rows in falling order: the tokens nearest to the entropy in surprisal that have the mass.

``nearest_runs`` is two nested bisections for all rows at once; where totals are compiled, a row at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulations.sampling import row_totals
from simulations.sampling.row_totals import BlockTotals, Totals, first_place

Floats = NDArray[np.float64]
Reals = NDArray[np.floating]
Index = NDArray[np.int64]
Mask = NDArray[np.bool_]

_compiled_runs: Any = None
"""(falling, power, starts, entropy, log_mass, target, low, high, start, count): fills the last two."""

if row_totals.COMPILED:
    import numba

    _BLOCK, _part = row_totals.BLOCK, row_totals.part

    @numba.njit
    def _total(row: Reals, power: float, starts: Floats, place: int) -> float:
        block = place // _BLOCK
        total: float = starts[block] + _part(row[block * _BLOCK : place], row[0], power)
        return total

    @numba.njit
    def _nearest(row: Reals, power: float, entropy: float, log_mass: float, count: int, low: int, high: int) -> int:
        """The first place from which ``count`` tokens start no farther from the entropy than the one behind them."""
        start, stop, peak = low, high - count, np.float64(row[0])
        while start < stop:
            place = (start + stop) >> 1
            behind = min(place + count, len(row) - 1)
            before = entropy - (log_mass - power * (np.float64(row[place]) - peak))
            after = (log_mass - power * (np.float64(row[behind]) - peak)) - entropy
            if before <= after:
                stop = place
            else:
                start = place + 1
        return start

    @numba.njit
    def _runs(
        falling: Reals,
        power: float,
        starts: Floats,
        entropy: Floats,
        log_mass: Floats,
        target: Floats,
        low: Index,
        high: Index,
        start: Index,
        count: Index,
    ) -> None:
        for n in range(len(falling)):
            row, totals = falling[n], starts[n]
            few, enough = 1, high[n] - low[n]
            while few < enough:
                middle = (few + enough) >> 1
                first = _nearest(row, power, entropy[n], log_mass[n], middle, low[n], high[n])
                mass = _total(row, power, totals, first + middle) - _total(row, power, totals, first)
                if mass >= target[n]:
                    enough = middle
                else:
                    few = middle + 1
            count[n] = few
            start[n] = _nearest(row, power, entropy[n], log_mass[n], few, low[n], high[n])

    _compiled_runs = _runs


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """What a locally typical window is of: rows, and the run of each that is looked at.

    Args:
        falling: shape (n, V).
        power: of the weights exp(power x).
        totals: running totals of them.
        low, high: the run, shape (n,).
    """

    falling: Reals
    power: float
    totals: Totals
    low: Index
    high: Index


def nearest_runs(rows: Rows, entropy: Floats, log_mass: Floats, target: Floats) -> tuple[Index, Index]:
    """(start, count) of the least number of tokens nearest to the entropy that have the mass, inside low..high - 1.

    Args:
        rows: of scores.
        entropy: of the run's law, shape (n,), nats.
        log_mass: log of the run's weights' sum, shape (n,).
        target: the mass to be reached, shape (n,).
    """
    if not isinstance(rows.totals, BlockTotals) or _compiled_runs is None:
        return by_places(rows, entropy, log_mass, target)
    start, count = np.empty(len(target), dtype=np.int64), np.empty(len(target), dtype=np.int64)
    falling, power, starts = rows.falling, rows.power, rows.totals.starts
    _compiled_runs(falling, power, starts, entropy, log_mass, target, rows.low, rows.high, start, count)
    return start, count


def by_places(rows: Rows, entropy: Floats, log_mass: Floats, target: Floats) -> tuple[Index, Index]:
    """The same, a bisection step of all rows at a time."""
    falling, low, high = rows.falling, rows.low, rows.high
    each, peak, last = np.arange(len(falling)), falling[:, 0].astype(np.float64), falling.shape[1] - 1

    def surprisal(place: Index) -> Floats:
        found: Floats = log_mass - rows.power * (falling[each, place] - peak)
        return found

    def first(holds: Callable[[Index], Mask], start: Index | int, stop: Index | int) -> Index:
        return first_place(holds, start, stop, falling.shape)

    def nearest(count: Index) -> Index:
        # the window of ``count`` tokens starts where its first is no farther from the entropy than the one behind it
        def starts(place: Index) -> Mask:
            result: Mask = entropy - surprisal(place) <= surprisal(np.minimum(place + count, last)) - entropy
            return result

        return first(starts, low, high - count)

    def enough(count: Index) -> Mask:
        count = np.clip(count + 1, 1, high - low)
        start = nearest(count)
        result: Mask = rows.totals.upto(start + count) - rows.totals.upto(start) >= target
        return result

    count = first(enough, 0, high - low - 1) + 1
    return nearest(count), count


__all__ = ["Rows", "by_places", "nearest_runs"]
