"""Corpora whose totals of two integer coordinates are given, counted exactly."""

from __future__ import annotations

import math
from collections.abc import Sequence


def exact_corpora(points: Sequence[tuple[int, int]], size: int, totals: tuple[int, int]) -> list[tuple[int, ...]]:
    """The types (counts of each string) of the corpora of N strings with the given totals of two integer statistics.

    Three strings whose points are not collinear are solved for, the others enumerated. Cost: O(N^{n-3}).

    Raises:
        ValueError: the points lie on one line, so that the totals do not determine three counts.
    """
    solved, det = _base_triple(points)
    others = [y for y in range(len(points)) if y not in solved]
    (x0, y0), (x1, y1), (x2, y2) = (points[y] for y in solved)
    found = []

    def extend(counts: tuple[int, ...], left: int, first: int, second: int) -> None:
        if len(counts) < len(others):
            x, y = points[others[len(counts)]]
            for k in range(left + 1):
                extend((*counts, k), left - k, first - k * x, second - k * y)
            return
        u, v = first - left * x0, second - left * y0
        one, two = u * (y2 - y0) - v * (x2 - x0), v * (x1 - x0) - u * (y1 - y0)
        if one % det or two % det:
            return
        tail = (left - one // det - two // det, one // det, two // det)
        if min(tail) >= 0:
            counts_of = dict(zip((*others, *solved), (*counts, *tail), strict=True))
            found.append(tuple(counts_of[y] for y in range(len(points))))

    extend((), size, *totals)
    return found


def _base_triple(points: Sequence[tuple[int, int]]) -> tuple[tuple[int, int, int], int]:
    """Three strings not on one line, and twice the area of their triangle."""
    for k in range(2, len(points)):
        for j in range(1, k):
            for i in range(j):
                (x0, y0), (x1, y1), (x2, y2) = points[i], points[j], points[k]
                det = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
                if det:
                    return (i, j, k), det
    raise ValueError("the points lie on one line; three strings off a line are needed")


def sequences(counts: Sequence[int]) -> int:
    """How many corpora have these counts: N! / prod k_y!"""
    total, product = 0, 1
    for k in counts:
        total += k
        product *= math.comb(total, k)
    return product
