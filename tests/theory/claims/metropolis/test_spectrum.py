"""metropolis.spectrum: the distance from the heaviest string, step by step."""

from __future__ import annotations

from flint import fmpq
from hypothesis import given

from tests.theory.claims.metropolis.chains import chained_tables
from theory.arithmetic.exact import objects
from theory.claims.metropolis.models import (
    Chained,
)
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
