"""adaptors.gauge: the claim on random models, gauges and laws."""

from __future__ import annotations

from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import models, rationals
from tests.theory.claims.edits import failures
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import objects
from theory.claims.adaptors.gauge import CLAIM, Gauging
from theory.models.finite import FiniteModel


@given(
    models(), st.lists(rationals(1, 5), min_size=15, max_size=15), st.lists(rationals(1, 5), min_size=15, max_size=15)
)
def test_gauge(aligned: Aligned, factors: list[fmpq], masses: list[fmpq]) -> None:
    """q_loc(gamma w) = q_loc(w), and {q_glob(gamma w) : gamma > 0} are all laws on the support of q_glob(w)."""
    gauge = objects(factors[: len(aligned.tree)])
    assert failures(CLAIM.check(Gauging(FiniteModel.of(aligned), gauge, objects(masses[: len(aligned)])))) == []
