"""metropolis.acceptance: the rate over pairs."""

from __future__ import annotations

import itertools

from flint import fmpq
from hypothesis import given

from tests.theory.claims.metropolis.chains import chained_tables
from theory.claims.metropolis.models import (
    Chained,
)


@given(chained_tables(2, 6))
def test_acceptance(content: Chained) -> None:
    """max(1/w*, (1 - TV)^2) <= E min(w, w') <= 1 - TV."""
    walk = content.chain
    pairs = list(itertools.product(range(len(walk)), repeat=2))
    q, w = walk.proposal, walk.weight
    rate = sum((q[x] * q[y] * min(w[x], w[y]) for x, y in pairs), start=fmpq(0))
    overlap = sum((min(a, b) for a, b in zip(q, walk.target, strict=True)), start=fmpq(0))
    assert walk.acceptance() == rate
    assert max(1 / max(w), overlap**2) <= rate <= overlap
