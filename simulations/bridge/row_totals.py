"""Passes over whole rows of tokens: compiled where numba is installed and the rows are long enough, else in numpy.

Sums of exp(power x), x measured from the row's largest score, are what ``sorted_rows`` needs; scores come in falling
order, and -inf is an impossible token, of weight 0. Exponentials are float64 where compiled, else of the scores'
precision; sums are float64.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory import kernels

Floats = NDArray[np.float64]
Reals = NDArray[Any]
Index = NDArray[np.int64]

_BLOCK = 128

try:
    import numba

    from theory.kernels import elementwise, exponential, reduction
except ImportError:
    _COMPILED = False
else:
    _COMPILED = True

    @elementwise
    def _fill(row: Reals, power: float, weight: Floats) -> None:
        for k in range(len(row)):
            weight[k] = exponential(power * (row[k] - row[0]))

    @numba.njit
    def _running(rows: Reals, power: float, totals: Floats) -> None:
        for n in range(len(rows)):
            _fill(rows[n], power, totals[n])
            total = 0.0
            for k in range(rows.shape[1]):
                total += totals[n, k]
                totals[n, k] = total

    @reduction
    def _row_sums(row: Reals, power: float) -> Any:
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
    def _block_sum(weight: Reals) -> Any:
        total = 0.0
        for k in range(len(weight)):
            total += weight[k]
        return total

    @numba.njit
    def _inverse_cdf(weight: Reals, uniform: Floats, drawn: Index, total: Floats) -> None:
        size = weight.shape[1]
        blocks = np.empty((size + _BLOCK - 1) // _BLOCK)
        for n in range(len(weight)):
            for b in range(len(blocks)):
                blocks[b] = _block_sum(weight[n, b * _BLOCK : (b + 1) * _BLOCK])
            total[n] = blocks.sum()
            target, reached, b = uniform[n] * total[n], 0.0, 0
            while b + 1 < len(blocks) and reached + blocks[b] <= target:
                reached += blocks[b]
                b += 1
            k = b * _BLOCK
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


def running_totals(falling: Reals, power: float) -> Floats:
    """sum_{j <= k} exp(power x_j) for each place k, shape (n, V)."""
    if not _worth_compiling(falling):
        return np.cumsum(_weights(falling, power), axis=1, dtype=np.float64)
    totals = np.empty(falling.shape)
    _running(falling, power, totals)
    return totals


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
    return _COMPILED and falling.size >= kernels.WORTH


def _weights(falling: Reals, power: float) -> Reals:
    shifted = falling - falling[:, :1]
    if power != 1:
        shifted *= falling.dtype.type(power)
    return np.asarray(np.exp(shifted, out=shifted))


def _products(falling: Reals, weight: Reals) -> Reals:
    return np.asarray(weight * np.maximum(falling - falling[:, :1], np.finfo(falling.dtype).min))


__all__ = ["inverse_cdf", "running_scores", "running_totals", "sums"]
