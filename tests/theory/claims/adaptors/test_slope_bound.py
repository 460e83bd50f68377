"""adaptors.slope-bound: slopes by power series, two strings, edited formulas."""

from __future__ import annotations

import pytest
from flint import arb, fmpq
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.strategies import models
from tests.theory.claims.adaptors.rationals import cooled, parts
from tests.theory.claims.edits import TINY, Edit, ln, model, numbers, turns_red
from theory.alignment.gibbs import Aligned
from theory.claims.adaptors.slope_bound import CLAIM
from theory.examples.finite import table
from theory.models.finite import FiniteModel


@given(models(), st.sampled_from([fmpq(1, 3), fmpq(1), fmpq(2)]))
def test_slope_bound(aligned: Aligned, tau: fmpq) -> None:
    """|dE R/dE L| <= k/(1 - k) for k = sd R/sd I < 1 along q_tau; with two strings and E R rising it is met."""
    p, x, _, own = parts(aligned)
    assume(len(set(own)) > 1)
    log_prior, reward, surprisal = [ln(v) for v in p], [ln(v) for v in x], [-ln(v) for v in own]
    w = [(-i * tau).exp() for i in surprisal]
    q = [v / sum(w, start=arb(0)) for v in w]

    def variance(values: list[arb]) -> arb:
        centre = sum((a * v for a, v in zip(q, values, strict=True)), start=arb(0))
        return sum((a * (v - centre) * (v - centre) for a, v in zip(q, values, strict=True)), start=arb(0))

    ratio = variance(reward) / variance(surprisal)
    assume(len(set(x)) > 1 and ratio < 1)
    k = ratio.sqrt()
    slope_l, slope_r = (cooled(surprisal, tau, values)[1] for values in (log_prior, reward))
    gap = k / (1 - k) * abs(slope_l) - abs(slope_r)
    assert not gap < 0
    if len(own) == 2 and slope_r > 0:
        assert gap.contains(0)
        assert float(gap.rad()) < 1e-40


def test_slope_bound_is_met_by_two_strings() -> None:
    """p = e^R = (1, 2): k = 1/2, so the bound is 1, and dE R = dE L."""
    found = FiniteModel.of(table((1, 2), (1, 2)))
    assert (found.mean.var_reward * 4 - found.mean.var_surprisal).contains(0)
    at = found.mean.exchange_coefficient
    assert (at + fmpq(1, 2)).contains(0)
    assert {finding.outcome for finding in CLAIM.check(found)} == {"holds"}


def test_slope_bound_is_strict_where_reward_falls() -> None:
    """p = (1, 8), e^R = (2, 1): I falls by log 4 and R by log 2, so k = 1/2, b = -3/2 and |dE R/dE L| = 1/3 < 1."""
    found = FiniteModel.of(table((1, 8), (2, 1)))
    assert (found.mean.var_reward * 4 - found.mean.var_surprisal).contains(0)
    assert (found.mean.exchange_coefficient + fmpq(3, 2)).contains(0)
    findings = list(CLAIM.check(found))
    assert {finding.outcome for finding in findings} == {"holds"}
    assert any("k |dE L| > " in finding.label for finding in findings)


def test_nothing_bounds_the_slope_beyond_k_of_1() -> None:
    """p = (1, 4, 8), e^R = (1, 8, 2): b = 0, E L stands still to first order, and k^2 = Var R/V is above 1."""
    found = FiniteModel.of(table((1, 4, 8), (1, 8, 2)))
    assert found.mean.exchange_coefficient.contains(0)
    assert found.mean.var_reward > found.mean.var_surprisal
    assert not any(f.label.endswith("tau = 1") and f.clause == "bound" for f in CLAIM.check(found))


EDITS: dict[str, tuple[str, Edit]] = {
    "R": ("C3", numbers("reward", lambda r: r / 4)),
    "R of a line": ("C1", numbers("reward", lambda r: r * (1 + TINY))),
    "L": ("C3", numbers("log_prior", lambda l: l * 0)),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_formula_turns_red(edit: str) -> None:
    """The claim holds on the model, and certainly fails once a sign or a digit of one number is changed."""
    name, change = EDITS[edit]
    turns_red(CLAIM, model(name), change)
