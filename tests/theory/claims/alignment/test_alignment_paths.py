"""Strength and best of n: a property each, verdicts, and witnesses that replay."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import rationals, tables
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import log
from theory.claims.alignment.best_of_n import CLAIM as BEST_OF_N
from theory.claims.alignment.best_of_n import Draws
from theory.claims.alignment.strength import CLAIM as STRENGTH
from theory.claims.alignment.strength import Path, far_sign, sway_example
from theory.claims.claim import Claim, Profile, Verdict, run, run_control
from theory.claims.instances import replay
from theory.claims.registry import find
from theory.examples.finite import table
from theory.models.finite import FiniteModel

CLAIMS = find(["alignment.strength", "alignment.best-of-n"])


@given(tables(largest=5), rationals(top=6))
def test_strength(aligned: Aligned, strength: fmpq) -> None:
    """d E r = sum q_i q_j (r_i - r_j)^2, d E L = sum q_i q_j (L_i - L_j)(r_i - r_j) over pairs, d KL = lambda d E r."""
    path = Path(FiniteModel.of(aligned), strength)
    law, reward = path.family.law(arb(strength)), path.found.numbers.reward
    prior = log(aligned.prior)
    pairs = list(itertools.combinations(range(len(aligned)), 2))
    variance = sum((law[i] * law[j] * (reward[i] - reward[j]) ** 2 for i, j in pairs), start=arb(0))
    exchange = sum((law[i] * law[j] * (prior[i] - prior[j]) * (reward[i] - reward[j]) for i, j in pairs), start=arb(0))
    gain, cost, likelihood = path.expansions()
    assert gain.overlaps(variance)
    assert cost.overlaps(variance * strength)
    assert likelihood.overlaps(exchange)


def test_the_example_of_both_directions() -> None:
    """p = (1, 4, 2)/7, r = (0, 1, 2): E L = -.9557, -.9491, -1.2493 at lambda = 0, .2, 6."""
    path = Path(sway_example(), fmpq(0))
    values = [float(path.means(arb(s))[2]) for s in (fmpq(0), fmpq(1, 5), fmpq(6))]
    assert values == pytest.approx([-0.9557, -0.9491, -1.2493], abs=5e-5)


@given(tables(smallest=2, largest=3, top=5))
def test_far_out_the_sign_is_that_of_the_best_pairs(aligned: Aligned) -> None:
    """The sign of Cov(L, r) under p_lambda at lambda = 60 is the one read off the largest r_i + r_j."""
    found = FiniteModel.of(aligned)
    covariance = Path(found, fmpq(60)).derivatives()[2]
    expected = far_sign(found)
    if expected:
        assert covariance * expected > 0


@given(tables(largest=5, top=6), st.integers(2, 7))
def test_best_of_n(aligned: Aligned, n: int) -> None:
    """KL(q_n || p) < log n - (n-1)/n; and E_{p_lambda} r >= E_{q_n} r at every lambda that costs no less.

    For any lambda > 0: lambda (E_lambda r - E_q r) = KL(q || p_lambda) + KL(p_lambda || p) - KL(q || p).
    """
    draws = Draws(FiniteModel.of(aligned), n)
    assert draws.divergence < arb(n).log() - fmpq(n - 1, n)
    path = Path(draws.found, fmpq(1))
    mean_reward, cost, _ = path.means(arb(n))
    if not draws.found.is_prior and cost > draws.divergence:
        assert mean_reward > (draws.law * draws.found.numbers.reward).sum()


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_verdicts(claim: Claim) -> None:
    result = run(claim, Profile("quick"))
    assert result.as_expected, result
    assert result.verdict is Verdict.PROVED


def _replayed(name: str, spec: str) -> Any:
    """The content that a control's check takes, from a witness's specification."""
    found = replay(spec)
    draws = {"ties-to-the-first": 2, "ties-among-strings": 3, "smaller-bound": 2, "unequal-cost": 4}
    if name in draws:
        return Draws(found, draws[name])
    return found if name == "one-way" else Path(found, fmpq(2))


@pytest.mark.parametrize(
    ("claim", "name", "case"),
    [
        (STRENGTH, "never-falls", "p = (1, 2), e^R = (2, 1), lambda = 2"),
        (STRENGTH, "one-way", "p = (1, 1, 2), e^R = (1, 3, 2)"),
        (STRENGTH, "no-strength", "p = (1, 1), e^R = (1, 2), lambda = 2"),
        (BEST_OF_N, "ties-to-the-first", "p = (1, 1), e^R = (1, 1), n = 2"),
        (BEST_OF_N, "ties-among-strings", "p = (1, 2), e^R = (1, 1), n = 3"),
        (BEST_OF_N, "smaller-bound", "p = (1, 1), e^R = (1, 1), n = 2"),
        (BEST_OF_N, "unequal-cost", "p = (1, 1), e^R = (1, 2), n = 4"),
    ],
)
def test_controls_are_refuted_and_their_witnesses_replay(claim: Claim, name: str, case: str) -> None:
    control = next(c for c in claim.controls if c.name == name)
    result = run_control(control, Profile("quick"))
    assert result.verdict is Verdict.REFUTED
    assert result.witness is not None
    assert result.witness.case == case
    again = list(control.check(_replayed(name, result.witness.spec)))
    assert any(finding.outcome == "fails" for finding in again)


def test_nothing_smaller_sways() -> None:
    """Up to the witness of "one-way" every table is decided, so that it is the smallest on up to three strings."""
    control = next(c for c in STRENGTH.controls if c.name == "one-way")
    for one in control.cases(Profile("quick")):
        (finding,) = control.check(one.content)
        if finding.outcome == "fails":
            assert one.name == "p = (1, 1, 2), e^R = (1, 3, 2)"
            return
        assert finding.outcome == "holds"
    raise AssertionError("no witness")


def test_a_sway_by_hand() -> None:
    """p = (1, 2, 1)/4, e^r = (1, 2, 3): E L = -(3/2) log 2, then higher, and -> log(1/4) as lambda grows."""
    path = Path(FiniteModel.of(table((1, 2, 1), (1, 2, 3))), fmpq(0))
    start, middle, far = (path.means(arb(s))[2] for s in (fmpq(0), fmpq(1, 5), fmpq(40)))
    assert start.overlaps(-arb(2).log() * fmpq(3, 2))
    assert middle > start > far
    assert abs(far + arb(4).log()) < 1e-4
