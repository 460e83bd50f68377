"""adaptors.exchange: slopes by power series, what cooling does to the named models, edited formulas."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import pytest
from flint import arb, fmpq
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.strategies import models
from tests.theory.claims.adaptors.rationals import cooled, covariance, parts
from tests.theory.claims.edits import Edit, failures, ln, model, moment, negated, numbers, one_nudged, turns_red
from theory.adaptors.exact import chain
from theory.alignment.gibbs import Aligned
from theory.claims.adaptors.exchange import CLAIM
from theory.claims.adaptors.models import tempered
from theory.claims.claim import Profile
from theory.claims.instances import named
from theory.claims.running import run_control
from theory.examples.finite import table
from theory.models.finite import FiniteModel


def signs(*values: arb) -> set[int]:
    """The certain signs; 0 for a ball around 0."""
    return {1 if v > 0 else -1 if v < 0 else 0 for v in values}


@given(models(), st.sampled_from([fmpq(1, 3), fmpq(1), fmpq(7, 4), fmpq(3)]))
def test_exchange(aligned: Aligned, tau: fmpq) -> None:
    """dE L/dtau = -b V and dE R/dtau = (1 + b) V under q_tau, derivatives by power series.

    b outside [-1, 0] iff Cov < -min(Var L, Var R) iff V < |Var L - Var R|; the larger variance gains on cooling.
    """
    p, x, _, own = parts(aligned)
    assume(len(set(own)) > 1)
    log_prior, reward, surprisal = [ln(v) for v in p], [ln(v) for v in x], [-ln(v) for v in own]
    at = tempered(FiniteModel.of(aligned), tau)
    b, v = at.exchange_coefficient, at.var_surprisal
    slope_l, slope_r = (cooled(surprisal, tau, values)[1] for values in (log_prior, reward))
    assert (slope_l + b * v).contains(0)
    assert (slope_r - (1 + b) * v).contains(0)
    assert slope_l + slope_r > 0
    var_l, var_r, v = (covariance(own, f, f) for f in (log_prior, reward, surprisal))
    b, cov = covariance(own, log_prior, surprisal) / v, covariance(own, log_prior, reward)
    assert (b - FiniteModel.of(aligned).mean.exchange_coefficient).contains(0)
    assert len(signs(b * (1 + b), -cov - arb.min(var_l, var_r), abs(var_l - var_r) - v)) == 1
    if b * (1 + b) > 0:
        slopes = [cooled(surprisal, fmpq(1), values)[1] for values in (log_prior, reward)]
        assert slopes[0] * slopes[1] < 0
        assert signs(slopes[1] - slopes[0]) == signs(var_r - var_l)


def moves(name: str, normalise: str) -> list[int]:
    """The signs of the change of E L and E R from T = 1 to T = 1/2."""
    found: FiniteModel = named(name)[0].content
    after = found.moments(found.law(chain(("temperature", "1/2")), normalise))
    changes = (after.mean_log_prior - found.mean.mean_log_prior, after.mean_reward - found.mean.mean_reward)
    return [1 if change > 0 else -1 if change < 0 else 0 for change in changes]


@pytest.mark.parametrize(
    ("name", "normalise", "expected"),
    [
        ("C1", "global", [1, 1]),
        ("C2", "local", [-1, -1]),
        ("C2", "global", [1, 1]),
        ("C3", "global", [1, 1]),
        ("C4", "global", [-1, 1]),
        ("C5", "global", [1, -1]),
    ],
)
def test_what_cooling_does(name: str, normalise: str, expected: list[int]) -> None:
    """(E L, E R) from T = 1 to T = 1/2: C4 trades L for R, C5 R for L, C2 turns with the normalisation."""
    assert moves(name, normalise) == expected


def test_c5_in_float64() -> None:
    """C5: p+ = (2, 3, 6)/11 and b = -1.924, so the slope -(1 + b)/b is -.480; C4: b = 1/2 and a slope of -3."""
    q, prior = [2 / 11, 3 / 11, 6 / 11], [1 / 11, 2 / 11, 8 / 11]
    log_prior, surprisal = [math.log(v) for v in prior], [-math.log(v) for v in q]
    e_l, e_i = (sum(m * v for m, v in zip(q, values, strict=True)) for values in (log_prior, surprisal))
    cov = sum(m * (l - e_l) * (i - e_i) for m, l, i in zip(q, log_prior, surprisal, strict=True))
    b = cov / sum(m * (i - e_i) ** 2 for m, i in zip(q, surprisal, strict=True))
    assert b == pytest.approx(-1.924, abs=5e-4)
    assert float(named("C5")[0].content.mean.exchange_coefficient) == pytest.approx(b, rel=1e-13)
    assert (named("C4")[0].content.mean.exchange_coefficient - fmpq(1, 2)).contains(0)
    for name, slope in (("C5", -(1 + b) / b), ("C4", -3.0)):
        found: FiniteModel = named(name)[0].content
        surprisals = list(found.numbers.surprisal)
        tangents = [cooled(surprisals, fmpq(1), list(v))[1] for v in (found.numbers.log_prior, found.numbers.reward)]
        assert float(tangents[1] / tangents[0]) == pytest.approx(slope, rel=1e-12)


def test_toy_does_not_trade() -> None:
    """b = -.018 lies in [-1, 0]: cooling the toy raises both."""
    assert float(named("toy")[0].content.mean.exchange_coefficient) == pytest.approx(-0.018117, abs=5e-7)
    assert moves("toy", "global") == [1, 1]


def means(prior: Sequence[int], factor: Sequence[int], tau: float) -> tuple[float, float, float]:
    """(E L, E R, Cov(L, I)/V) under q_tau in float64."""
    weight = [(p * x) ** tau for p, x in zip(prior, factor, strict=True)]
    q = [w / sum(weight) for w in weight]
    surprisal = [-math.log(p * x) for p, x in zip(prior, factor, strict=True)]

    def mean(values: Sequence[float]) -> float:
        return math.fsum(m * v for m, v in zip(q, values, strict=True))

    log_prior = [math.log(p / sum(prior)) for p in prior]
    e_l, e_i = mean(log_prior), mean(surprisal)
    cov = mean([(l - e_l) * (i - e_i) for l, i in zip(log_prior, surprisal, strict=True)])
    return e_l, mean([math.log(x) for x in factor]), cov / mean([(i - e_i) ** 2 for i in surprisal])


def test_the_border_is_decided_to_second_order() -> None:
    """b = 0 on (1, 4, 8), (1, 8, 2): E L falls on either side, so that cooling trades; on (1, 1), (1, 2) it stays."""
    prior, factor = (1, 4, 8), (1, 8, 2)
    e_l, e_r, b = means(prior, factor, 1)
    assert b == pytest.approx(0, abs=1e-15)
    cooled_l, cooled_r, _ = means(prior, factor, 1.01)
    assert (cooled_l - e_l, cooled_r - e_r) == pytest.approx((-1.5e-5, 3.1e-3), rel=0.05)
    warmed_l, warmed_r, _ = means(prior, factor, 0.99)
    assert warmed_l < e_l
    assert warmed_r < e_r
    assert means((1, 1), (1, 2), 2)[0] == means((1, 1), (1, 2), 1)[0] == math.log(1 / 2)
    for one in ((prior, factor), (factor, prior), ((1, 1), (1, 2)), ((1, 2), (1, 1))):
        findings = list(CLAIM.check(FiniteModel.of(table(*one))))
        assert failures(findings) == []
        assert any("just above 1" in f.label for f in findings if f.clause == "second-order")


def test_a_finite_step_needs_b_along_the_path() -> None:
    """p = (1, 1, 2), e^R = (1, 5, 2): b = -.0347 at T = 1, and yet T = 1/2 lowers E L and raises E R."""
    before, after = (means((1, 1, 2), (1, 5, 2), tau) for tau in (1, 2))
    assert before[2] == pytest.approx(-0.0347, abs=5e-5)
    assert (after[0] - before[0], after[1] - before[1]) == pytest.approx((-0.0132028, 0.1400770), abs=5e-8)
    control = next(control for control in CLAIM.controls if control.name == "finite-step")
    witness = run_control(control, Profile("quick")).witness
    assert witness is not None
    assert witness.case == "p = (1, 1, 2), e^R = (1, 5, 2)"


def test_a_negative_covariance_needs_three_strings() -> None:
    """Two strings trade exactly where their covariance is negative; (1, 1, 2), (1, 2, 1) have b = -1/2 and Cov < 0."""
    control = next(control for control in CLAIM.controls if control.name == "negative-suffices")
    witness = run_control(control, Profile("quick")).witness
    assert witness is not None
    assert witness.case == "p = (1, 1, 2), e^R = (1, 2, 1)"
    assert means((1, 1, 2), (1, 2, 1), 1)[2] == pytest.approx(-1 / 2)
    for p, x in itertools.product(itertools.product(range(1, 5), repeat=2), repeat=2):
        rising = (p[1] - p[0]) * (x[1] - x[0])
        if p[0] * x[0] != p[1] * x[1] and rising != 0:
            b = means(p, x, 1)[2]
            assert (b * (1 + b) > 0) is (rising < 0)


EDITS: dict[str, tuple[str, Edit]] = {
    "L": ("C5", numbers("log_prior", one_nudged)),
    "R": ("C5", numbers("reward", negated)),
    "one R": ("C2", numbers("reward", one_nudged)),
    "I": ("C3", numbers("surprisal", one_nudged)),
    "Cov(L, I)": ("C4", moment("cov_log_prior_surprisal", negated)),
    "Cov": ("C4", moment("cov", negated)),
    "V": ("C4", moment("var_surprisal", lambda v: 4 * v)),
    "Var L": ("C4", moment("var_log_prior", lambda v: 2 * v)),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_formula_turns_red(edit: str) -> None:
    """The claim holds on the model, and certainly fails once a sign or a digit of one number is changed."""
    name, change = EDITS[edit]
    turns_red(CLAIM, model(name), change)
