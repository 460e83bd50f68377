"""Whether 1, L and R are independent: the first table on which they are, and constants that do not matter."""

from __future__ import annotations

from hypothesis import given

from tests.strategies import pairs_of_laws
from theory.adaptors.hull import independent
from theory.alignment.gibbs import Aligned
from theory.claims.claim import Profile
from theory.claims.instances import integer_cases
from theory.examples.finite import table

QUICK = Profile("quick")


def test_no_smaller_plane() -> None:
    """(1, 1, 2) with e^R = (1, 2, 1) is the first table with 1, L, R independent: two strings are always on a line."""
    first = next(c for c in integer_cases(QUICK) if independent(c.content.numbers))
    assert first.name == "p = (1, 1, 2), e^R = (1, 2, 1)"


@given(pairs_of_laws(3, 4))
def test_independence_of_named_laws(aligned: Aligned) -> None:
    """A table and the same table with another constant in R are independent together."""
    shifted = table(list(aligned.prior), [r.factor * 3 for r in aligned.reward])
    assert independent(aligned.balls()) is independent(shifted.balls())
