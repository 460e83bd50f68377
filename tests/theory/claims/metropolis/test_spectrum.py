"""metropolis.spectrum: the distance from the heaviest string, step by step, and a tie at the least weight."""

from __future__ import annotations

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given

from tests.theory.claims.metropolis.chains import chained_tables
from theory.arithmetic.exact import objects
from theory.claims.metropolis.models import (
    Chained,
)
from theory.claims.metropolis.spectrum import tied
from theory.probability.information import total_variation


@given(chained_tables())
def test_spectrum(content: Chained) -> None:
    """P^k -> pi at the rate 1 - 1/w*: TV from x1 shrinks by exactly that factor in every step."""
    walk = content.chain
    star = max(walk.weight)
    heaviest = [w == star for w in walk.weight].index(True)
    law = objects(fmpq(int(x == heaviest)) for x in range(len(walk)))
    kernel, distance = walk.kernel(), 1 - walk.target[heaviest]
    for _ in range(4):
        assert total_variation(law, walk.target) == distance
        law, distance = objects(law.dot(kernel)), distance * (1 - 1 / star)
    assert walk.spectrum()[1] == 1 - 1 / star


def test_a_tie_at_the_least_weight() -> None:
    """q = (2, 1, 1)/4, w = (2/3, 2/3, 2): eigenvalues 1, 1/2 and 0, by numpy, although two states have lambda = 0."""
    walk = tied().content.chain
    assert list(walk.proposal) == [fmpq(1, 2), fmpq(1, 4), fmpq(1, 4)]
    assert list(walk.weight) == [fmpq(2, 3), fmpq(2, 3), fmpq(2)]
    assert list(walk.spectrum()) == [1, fmpq(1, 2), 0]
    q, w = np.array([0.5, 0.25, 0.25]), np.array([2 / 3, 2 / 3, 2.0])
    kernel = q * np.minimum(1, w / w[:, None])
    kernel += np.diag(1 - kernel.sum(axis=1))
    assert sorted(np.linalg.eigvals(kernel).real) == pytest.approx([0, 0.5, 1], abs=1e-12)
