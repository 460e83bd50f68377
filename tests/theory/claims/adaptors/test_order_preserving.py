"""adaptors.order-preserving: the claim on random tables and trees."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.strategies import tables, trees
from tests.theory.claims.edits import failures
from theory.alignment.gibbs import Aligned
from theory.claims.adaptors.order_preserving import CLAIM
from theory.models.finite import FiniteModel


@settings(max_examples=120)
@given(st.one_of(tables(2, 4), trees(2, 2)))
def test_order_preserving(aligned: Aligned) -> None:
    """max_q E_q[a L + c R] = V(root), V(u) = max_j (V(u t_1) + ... + V(u t_j)) / j, and what follows from it."""
    assert failures(CLAIM.check(FiniteModel.of(aligned))) == []
