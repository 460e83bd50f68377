"""correlation.sharp: the best linear guess, where the bound is attained, edited formulas."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import pytest
from flint import arb, fmpq
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.strategies import models
from tests.theory.claims.correlation.ordered import joint, second_moments, varies
from tests.theory.claims.edits import Edit, model, moment, negated, nudged, rational, turns_red
from theory.alignment.gibbs import Aligned
from theory.claims.correlation.sharp import CLAIM, attained
from theory.claims.instances import named
from theory.models.finite import FiniteModel


@given(models(), st.fractions(-3, 3, max_denominator=6))
def test_sharp(aligned: Aligned, slope: Fraction) -> None:
    """V = Var(L + R) >= min_a Var(L + a R) = (1 - rho^2) Var L, and the same with L and R exchanged.

    V < max(Var L, Var R) implies rho <= -sqrt(1 - V/max).
    """
    assume(varies(aligned))
    law = joint(aligned)
    var_l, var_r, cov = second_moments(law)
    variance = second_moments([(mass, l + r, l) for mass, l, r in law])[0]
    left = var_l * var_r - cov * cov
    # (1 - rho^2) Var L = (Var L Var R - Cov^2) / Var R, below the variance of every L + a R
    a = rational(slope)
    assert not var_l + 2 * a * cov + a * a * var_r < left / var_r
    assert not var_r + 2 * a * cov + a * a * var_l < left / var_l
    assert not variance < left / var_r
    assert not variance < left / var_l
    larger = arb.max(var_l, var_r)
    rho = cov / (var_l * var_r).sqrt()
    smaller = arb.min(var_l, var_r)
    slack = variance - left / smaller
    assert (slack - (smaller + cov) * (smaller + cov) / smaller).contains(0)
    assert not (slack > 0 and (cov + smaller) * (cov + smaller) <= 0)
    if variance < larger:
        assert not rho > -(1 - variance / larger).sqrt()
        assert rho < 0
    found = FiniteModel.of(aligned).mean
    assert (found.var_surprisal - variance).contains(0)
    assert (found.correlation - rho).contains(0)


def test_c4_in_units_of_log_two() -> None:
    """p+ = (2, 1, 2)/5, L = (3, 2, 0), R = (0, 0, 3): Var L = 46/25, Var R = 54/25, Cov = -48/25, V = 4/25, b = 1/2."""
    mass, prior, reward = (Fraction(2, 5), Fraction(1, 5), Fraction(2, 5)), (3, 2, 0), (0, 0, 3)

    def cov(one: Sequence[int], two: Sequence[int]) -> Fraction:
        first, second = (sum(m * v for m, v in zip(mass, values, strict=True)) for values in (one, two))
        return Fraction(sum(m * a * b for m, a, b in zip(mass, one, two, strict=True)) - first * second)

    minus = [-a - r for a, r in zip(prior, reward, strict=True)]
    exact = {
        "var_log_prior": (cov(prior, prior), Fraction(46, 25)),
        "var_reward": (cov(reward, reward), Fraction(54, 25)),
        "cov": (cov(prior, reward), Fraction(-48, 25)),
        "var_surprisal": (cov(minus, minus), Fraction(4, 25)),
        "cov_log_prior_surprisal": (cov(prior, minus), Fraction(2, 25)),
    }
    found = named("C4")[0].content.mean
    unit = arb(2).log() * arb(2).log()
    for name, (computed, stated) in exact.items():
        assert computed == stated
        assert (getattr(found, name) - unit * rational(stated)).contains(0)
    assert (found.exchange_coefficient - fmpq(1, 2)).contains(0)
    assert float(found.correlation) == pytest.approx(-48 / math.sqrt(46 * 54), rel=1e-14)


def test_where_the_sharp_bound_is_attained() -> None:
    """I and R independent, in units of log 2: V = 2/9, Var R = 1/4, Var L = 17/36, Cov = -1/4, rho^2 = 9/17."""
    found = attained().mean
    unit = arb(2).log() * arb(2).log()
    stated = {"var_surprisal": (2, 9), "var_reward": (1, 4), "var_log_prior": (17, 36), "cov": (-1, 4)}
    for name, (above, below) in stated.items():
        assert (getattr(found, name) - unit * fmpq(above, below)).contains(0)
    assert (found.correlation * found.correlation - fmpq(9, 17)).contains(0)
    assert Fraction(2, 9) == (1 - Fraction(9, 17)) * Fraction(17, 36)
    assert float(found.correlation) == pytest.approx(-math.sqrt(1 - (2 / 9) / (17 / 36)), rel=1e-14)


C4_EDITS: dict[str, Edit] = {
    "Cov": moment("cov", negated),
    "V": moment("var_surprisal", lambda v: v / 100),
    "Var R": moment("var_reward", lambda v: 2 * v),
}

ATTAINED_EDITS: dict[str, Edit] = {
    "Cov": moment("cov", negated),
    "V": moment("var_surprisal", nudged),
    "Var L": moment("var_log_prior", nudged),
}


@pytest.mark.parametrize("edit", C4_EDITS)
def test_an_edited_formula_turns_red(edit: str) -> None:
    """The claim holds on C4, and certainly fails once a sign or the size of one number is changed."""
    turns_red(CLAIM, model("C4"), C4_EDITS[edit])


@pytest.mark.parametrize("edit", ATTAINED_EDITS)
def test_an_edited_equality_turns_red(edit: str) -> None:
    """The bound is attained, and certainly not once a digit of one number is changed."""
    turns_red(CLAIM, (attained(),), ATTAINED_EDITS[edit])
