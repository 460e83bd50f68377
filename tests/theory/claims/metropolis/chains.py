"""Random chains towards p+."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.strategies import tables
from theory.claims.metropolis.models import (
    Chained,
    chained,
)
from theory.models.finite import FiniteModel


@st.composite
def chained_tables(draw: Any, smallest: int = 2, largest: int = 4) -> Chained:
    """A table with a chain towards its p+, the proposal from small integers."""
    aligned = draw(tables(smallest, largest, 6))
    proposal = draw(st.lists(st.integers(1, 6), min_size=len(aligned), max_size=len(aligned)))
    return chained(FiniteModel.of(aligned), proposal)
