"""adaptors.order-preserving: the claim on random tables and trees."""

from __future__ import annotations

import itertools
import math

import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.strategies import tables, trees
from tests.theory.claims.edits import failures
from theory.adaptors.order_preserving import exchange, polygon, ranking, slopes
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import objects
from theory.claims.adaptors.order_preserving import CLAIM
from theory.examples.finite import c3
from theory.models.finite import FiniteModel


@settings(max_examples=120)
@given(st.one_of(tables(2, 4), trees(2, 2)))
def test_order_preserving(aligned: Aligned) -> None:
    """max_q E_q[a L + c R] = V(root), V(u) = max_j (V(u t_1) + ... + V(u t_j)) / j, and what follows from it."""
    assert failures(CLAIM.check(FiniteModel.of(aligned))) == []


def test_c3_trades_both_ways() -> None:
    """C3: (0, 3, 5)/8 keeps the order of p+ = (1, 4, 12)/17, lowers E L by .0153 and raises E R by .0080; and back."""
    found = FiniteModel.of(c3())
    law = [0, 3 / 8, 5 / 8]
    gain_l, gain_r = (
        sum((q - m) * math.log(v) for q, m, v in zip(law, (1 / 17, 4 / 17, 12 / 17), values, strict=True))
        for values in ((1, 2, 4), (1, 2, 3))
    )
    assert (gain_l, gain_r) == pytest.approx((-0.0152900, 0.0079784), abs=5e-8)
    ranked = ranking(found.numbers)
    corners = polygon(ranked)
    assert all(exchange(ranked, corners, raises).possible for raises in ("reward", "log_prior"))
    steep = itertools.chain.from_iterable(slopes(ranked, objects([fmpq(0), fmpq(3, 8), fmpq(5, 8)])))
    assert all(step >= 0 for step in steep)
