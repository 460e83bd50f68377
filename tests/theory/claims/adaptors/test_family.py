"""adaptors.family: the claim on random tables with two random laws to compete with."""

from __future__ import annotations

from flint import fmpq
from hypothesis import assume, given, settings

from tests.strategies import tables, weights
from tests.theory.claims.edits import failures
from theory.adaptors.hull import independent
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import objects
from theory.claims.adaptors.family import CLAIM
from theory.claims.adaptors.front_models import Trial
from theory.models.finite import FiniteModel


@settings(max_examples=40)
@given(tables(3, 5), weights(3, 5), weights(3, 5, 1000))
def test_family(aligned: Aligned, one: list[int], two: list[int]) -> None:
    """(s, t) -> (E L, E R) is a diffeomorphism onto the interior of the hull; its quadrants are the fronts."""
    found = FiniteModel.of(aligned)
    assume(independent(found.numbers) and len(one) == len(two) == len(aligned))
    rivals = tuple(objects(fmpq(w, sum(law)) for w in law) for law in (one, two))
    assert failures(CLAIM.check(Trial(found, rivals))) == []
