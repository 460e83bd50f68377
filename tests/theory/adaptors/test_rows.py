"""The order of a law's tokens: float64 first and exact comparisons for neighbours, against exact comparisons alone."""

from __future__ import annotations

import functools
import random

import pytest
from flint import arb, fmpq

from theory.adaptors.rows import Row
from theory.arithmetic.exact import precision
from theory.arithmetic.formal import FormalSum


def row_of(weights: list[tuple[fmpq, fmpq]]) -> Row:
    """A law of weights c e^a."""
    formal = [FormalSum.of(c, a) for c, a in weights]
    return Row(formal, [own.ball() for own in formal], fmpq(1), list(range(len(formal))))


def exactly(row: Row) -> list[int]:
    """Falling, ties to the lower index, by exact comparisons alone."""
    return sorted(row.kept, key=functools.cmp_to_key(lambda i, j: row.compare(j, i) or i - j))


@pytest.mark.parametrize("seed", range(20))
def test_the_order_is_that_of_exact_comparisons(seed: int) -> None:
    """Ties, neighbours that float64 cannot tell apart, and weights with exponentials."""
    rng = random.Random(seed)
    with precision():
        weights = []
        for _ in range(60):
            base = fmpq(rng.randint(1, 5), rng.randint(1, 5))
            weights.append((base + fmpq(rng.randint(-2, 2), 1 << rng.choice((49, 51, 53, 60, 200))), fmpq(0)))
        weights += [(fmpq(rng.randint(1, 9)), fmpq(rng.randint(-3, 3), 2)) for _ in range(20)]
        # e^(1/2) to seventeen digits, beside the number itself
        weights += [(fmpq(16487212707001282, 10**16), fmpq(0)), (fmpq(1), fmpq(1, 2))] * 2
        rng.shuffle(weights)
        row = row_of(weights)
        assert row.descending() == exactly(row)
        row.kept = sorted(rng.sample(row.kept, 40))
        assert row.descending() == exactly(row)


def test_a_row_remembers_no_other_cut_and_no_other_power() -> None:
    """A chain of cuts and temperatures on one row, against fresh rows."""
    with precision():
        weights = [(fmpq(k % 5 + 1), fmpq(k % 3)) for k in range(20)]
        row = row_of(weights)
        for power, kept in ((fmpq(1), 20), (fmpq(2), 15), (fmpq(1, 2), 15), (fmpq(1, 2), 7)):
            row.power, row.kept = power, row.kept[:kept]
            fresh = row_of(weights)
            fresh.power, fresh.kept = power, list(row.kept)
            assert row.descending() == exactly(fresh)
            assert all(row.weight(t).overlaps(fresh.weight(t)) for t in row.kept)
            assert (row.total(row.kept) - fresh.total(fresh.kept)).contains(0)


def test_weights_that_float64_does_not_hold() -> None:
    """Beyond its range, or in balls that are wide, exact comparisons order all."""
    with precision():
        for weights in (
            [(fmpq(k % 7 + 1), fmpq(-800 - k % 5)) for k in range(30)],
            [(fmpq(k % 7 + 1), fmpq(900)) for k in range(30)],
        ):
            row = row_of(weights)
            assert row.descending() == exactly(row)
        formal = [FormalSum.of(fmpq(k % 11 + 1), fmpq(0)) for k in range(30)]
        wide = Row(formal, [own.ball() + arb(0, 0.3) for own in formal], fmpq(1), list(range(30)))
        assert wide.descending() == exactly(wide)
