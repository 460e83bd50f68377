"""adaptors.interior: the claim on random models and on lines; C1 and C2 by hand."""

from __future__ import annotations

from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import models
from tests.theory.claims.edits import failures
from theory.alignment.gibbs import Aligned
from theory.claims.adaptors.interior import CLAIM
from theory.examples.finite import c1, c2, table
from theory.models.finite import FiniteModel


@given(models())
def test_interior(aligned: Aligned) -> None:
    """p+ (1 + eps g) has more E L and more E R by eps det Cov; p+ is undominated iff (L, R) is on a falling line."""
    assert failures(CLAIM.check(FiniteModel.of(aligned))) == []


@given(st.lists(st.integers(1, 8), min_size=2, max_size=5), st.integers(1, 4))
def test_interior_of_a_rising_or_falling_line(prior: list[int], power: int) -> None:
    """With R = c + k L p+ is dominated for k > 0 and Pareto-optimal for k < 0."""
    for sign in (1, -1):
        aligned = table(prior, [fmpq(p) ** (sign * power) for p in prior])
        findings = list(CLAIM.check(FiniteModel.of(aligned)))
        assert failures(findings) == []
        if len(set(prior)) > 1:
            assert ("does not fall" in findings[0].label) is (sign > 0)
        else:
            assert "one point" in findings[0].label


def test_c1_is_dominated_though_collinear() -> None:
    """C1 is on a rising line: the string z has more of both than p+. So is C2."""
    for aligned, top in ((c1(), 2), (c2(), 0)):
        found = FiniteModel.of(aligned)
        labels = {f.label for f in CLAIM.check(found)}
        assert "a line that does not fall: its upper end gains" in labels
        assert found.numbers.log_prior[top] > found.mean.mean_log_prior
        assert found.numbers.reward[top] > found.mean.mean_reward
