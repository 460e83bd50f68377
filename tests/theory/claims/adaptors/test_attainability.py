"""adaptors.attainability: the claim on random tables and trees; the interval of C4 in float64."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import tables, trees
from tests.theory.claims.edits import failures
from theory.alignment.gibbs import Aligned
from theory.claims.adaptors.attainability import CLAIM
from theory.claims.instances import named
from theory.models.finite import FiniteModel


@given(st.one_of(tables(2, 4), trees(2, 2)))
def test_attainability(aligned: Aligned) -> None:
    """CE(q_tau) fills (min I, plain average of I), and every mass m has a truncation with a fractional threshold."""
    assert failures(CLAIM.check(FiniteModel.of(aligned))) == []


def test_temperature_interval_of_c4() -> None:
    """C4: p+ = (2, 1, 2)/5; CE along temperature lies between log(5/2) and the plain average of I."""
    found = named("C4")[0].content
    low, high = math.log(5 / 2), (2 * math.log(5 / 2) + math.log(5)) / 3
    for tau in (0.01, 1.0, 30.0):
        weight = np.array([2.0, 1.0, 2.0]) ** tau
        mean = weight @ -np.log(np.array([2, 1, 2]) / 5) / weight.sum()
        assert low < mean < high
    labels = [finding.label for finding in CLAIM.check(found)]
    assert "min I is not attained" in labels
