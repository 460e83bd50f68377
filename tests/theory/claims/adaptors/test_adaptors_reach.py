"""What adaptors can reach: each claim as a property of random models, its anchors, and its controls."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import pytest
from flint import arb, fmpq
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.strategies import models, pairs_of_laws, tables, weights
from theory.adaptors.frontier import member_with_means
from theory.adaptors.hull import independent
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import objects
from theory.claims.adaptors.affine_line import CLAIM as AFFINE_LINE
from theory.claims.adaptors.conditioning import CLAIM as CONDITIONING
from theory.claims.adaptors.conditioning import line_corpora
from theory.claims.adaptors.family import CLAIM as FAMILY
from theory.claims.adaptors.front_models import Trial
from theory.claims.adaptors.interior import CLAIM as INTERIOR
from theory.claims.claim import Claim, Control, Finding, Profile, Verdict, run, run_control
from theory.claims.instances import integer_cases, named, replay
from theory.claims.registry import find
from theory.corpora.on_the_line import exact_corpora, sequences
from theory.examples.finite import c1, c2, c4, from_laws, table
from theory.models.finite import FiniteModel
from theory.probability.information import kl_divergence

CLAIMS = find(["adaptors.family", "adaptors.interior", "adaptors.affine-line", "adaptors.conditioning"])

QUICK = Profile("quick")
CONTROLS = [(claim, control) for claim in CLAIMS for control in claim.controls]


def failures(findings: Iterable[Finding]) -> list[str]:
    """The findings that do not certainly hold."""
    return [f"{f.label}: {f.value}" for f in findings if f.outcome != "holds"]


def content(claim: Claim, control: Control, spec: str) -> Any:
    """What the control's check takes, from the specification of its witness."""
    found = replay(spec)
    return found if claim is not CONDITIONING else line_corpora(found, fmpq(0), 256)


# --- the claims ---------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(tables(3, 5), weights(3, 5), weights(3, 5, 1000))
def test_family(aligned: Aligned, one: list[int], two: list[int]) -> None:
    """(s, t) -> (E L, E R) is a diffeomorphism onto the interior of the hull; its quadrants are the fronts."""
    found = FiniteModel.of(aligned)
    assume(independent(found.numbers) and len(one) == len(two) == len(aligned))
    rivals = tuple(objects(fmpq(w, sum(law)) for w in law) for law in (one, two))
    assert failures(FAMILY.check(Trial(found, rivals))) == []


@given(models())
def test_interior(aligned: Aligned) -> None:
    """p+ (1 + eps g) has more E L and more E R by eps det Cov; p+ is undominated iff (L, R) is on a falling line."""
    assert failures(INTERIOR.check(FiniteModel.of(aligned))) == []


@given(st.lists(st.integers(1, 8), min_size=2, max_size=5), st.integers(1, 4))
def test_interior_of_a_rising_or_falling_line(prior: list[int], power: int) -> None:
    """With R = c + k L p+ is dominated for k > 0 and Pareto-optimal for k < 0."""
    for sign in (1, -1):
        aligned = table(prior, [fmpq(p) ** (sign * power) for p in prior])
        findings = list(INTERIOR.check(FiniteModel.of(aligned)))
        assert failures(findings) == []
        if len(set(prior)) > 1:
            assert ("does not fall" in findings[0].label) is (sign > 0)
        else:
            assert "one point" in findings[0].label


@given(models())
def test_affine_line(aligned: Aligned) -> None:
    """E_q L = E_q l(I) for q = p+ g(I); (1 + b)(E_q L - E L) + b (E_q R - E R) = 0 for all of them iff l is affine."""
    assert failures(AFFINE_LINE.check(FiniteModel.of(aligned))) == []


@given(st.lists(st.integers(1, 12), min_size=2, max_size=5), st.integers(1, 5), st.integers(1, 4))
def test_affine_line_of_two_levels(prior: list[int], first: int, split: int) -> None:
    """With two values of I the regression l is affine."""
    assume(split < len(prior))
    aligned = from_laws(prior, [first] * split + [first + 1] * (len(prior) - split))
    findings = list(AFFINE_LINE.check(FiniteModel.of(aligned)))
    assert failures(findings) == []
    assert any("on the line" in f.label for f in findings)


@given(st.lists(st.integers(-2, 2), min_size=4, max_size=4), st.lists(st.integers(1, 4), min_size=4, max_size=4))
def test_conditioning(prior: list[int], counts: list[int]) -> None:
    """P(Lbar = l, Rbar = m) = exp(-N KL(q || p+)) P_q(Lbar = l, Rbar = m), q the member with E L = l and E R = m."""
    points = list(zip(prior, (0, 0, 1, 2), strict=True))
    aligned = table([fmpq(2) ** a for a, _ in points], [fmpq(2) ** (k - a) for a, k in points])
    numbers, size = aligned.balls(), sum(counts)
    assume(independent(numbers))
    shares = objects(fmpq(k, size) for k in counts)
    q = member_with_means(
        numbers.log_prior, numbers.reward, (shares * numbers.log_prior).sum(), (shares * numbers.reward).sum()
    )
    totals = tuple(sum(k * point[c] for k, point in zip(counts, points, strict=True)) for c in (0, 1))
    types = exact_corpora(points, size, totals)
    assert tuple(counts) in types
    own, other = (
        sum((arb(sequences(k)) * math.prod(p**x for p, x in zip(law, k, strict=True)) for k in types), start=arb(0))
        for law in (aligned.exact_prob(), q.prob)
    )
    gap = own - (-size * kl_divergence(q.prob, numbers.prob)).exp() * other
    assert gap.contains(0)
    assert gap.rad() < 1e-60
    assert own <= (-size * kl_divergence(q.prob, numbers.prob)).exp()


# --- verdicts -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda c: c.id)
def test_verdict(claim: Claim) -> None:
    """Proved where exact, tested where it is a limit; every control is refuted."""
    result = run(claim, QUICK)
    assert result.failures == ()
    assert result.verdict is (Verdict.PROVED if claim.exact else Verdict.TESTED)
    assert result.as_expected


WITNESSES = {
    "dependent": "p = (1, 1), e^R = (1, 1)",
    "backward-flow": "p = (1, 1, 2), e^R = (1, 2, 1)",
    "entropy-for-divergence": "p = (1, 1, 2), e^R = (1, 2, 1)",
    "any-weights": "p = (1, 1, 2), e^R = (1, 2, 1)",
    "both-vary": "p = (1, 2), e^R = (2, 1)",
    "free": "p = (1, 1, 2), e^R = (1, 2, 1)",
    "not-affine": "p = (1, 1, 2), e^R = (1, 2, 2)",
    "ties-by-index": "p = (1, 1, 2), e^R = (1, 2, 1)",
    "inverse-slope": "p = (1, 1), e^R = (1, 2)",
}


@pytest.mark.parametrize(("claim", "control"), CONTROLS, ids=lambda x: getattr(x, "id", getattr(x, "name", "")))
def test_control(claim: Claim, control: Control) -> None:
    """The broken claim is refuted, and fails again on the specification of its witness."""
    result = run_control(control, QUICK)
    assert result.verdict is Verdict.REFUTED
    witness = result.witness
    assert witness is not None
    assert control.name not in WITNESSES or WITNESSES[control.name] == witness.case
    again = control.check(content(claim, control, witness.spec))
    assert any(f.outcome == "fails" and f.label == witness.label for f in again)


def test_no_smaller_plane() -> None:
    """(1, 1, 2) with e^R = (1, 2, 1) is the first table with 1, L, R independent: two strings are always on a line."""
    first = next(c for c in integer_cases(QUICK) if independent(c.content.numbers))
    assert first.name == "p = (1, 1, 2), e^R = (1, 2, 1)"


# --- anchors ------------------------------------------------------------------------------------------------------


def test_c1_is_dominated_though_collinear() -> None:
    """C1 is on a rising line: the string z has more of both than p+. So is C2."""
    for aligned, top in ((c1(), 2), (c2(), 0)):
        found = FiniteModel.of(aligned)
        labels = {f.label for f in INTERIOR.check(found)}
        assert "a line that does not fall: its upper end gains" in labels
        assert found.numbers.log_prior[top] > found.mean.mean_log_prior
        assert found.numbers.reward[top] > found.mean.mean_reward


def test_slopes_of_the_lines() -> None:
    """C4 has b = 1/2 and two values of I: its string-level adaptors move along the slope -3; C2's along +1."""
    for aligned, b in ((c4(), fmpq(1, 2)), (c2(), fmpq(-1, 2))):
        found = FiniteModel.of(aligned)
        gap = found.mean.exchange_coefficient - b
        assert gap.contains(0)
        assert any("on the line" in f.label for f in AFFINE_LINE.check(found))


def test_family_of_the_toy() -> None:
    """Jacobian, inverse and flow on the thousand strings of the toy."""
    toy = named("toy")[0].content
    assert failures(FAMILY.check(Trial(toy, ()))) == []


def test_line_corpora() -> None:
    """(1, 2, 1, 2) with e^R = (1, 1/2, 2, 2): 5/4 is E k; at l = E L the member is p+ itself."""
    found = FiniteModel.of(table((1, 2, 1, 2), (1, fmpq(1, 2), 2, 2)))
    corpora = line_corpora(found, fmpq(5, 8), 32)
    assert corpora.points == ((0, 0), (1, 0), (0, 1), (1, 2))
    assert corpora.level == fmpq(5, 4)
    assert corpora.cell == 1
    own = corpora.conditioned()
    assert all((power - 1).contains(0) for power in (own.prior_power, own.reward_power))


def test_line_corpora_refused() -> None:
    """Odd sizes have no corpus on the line, other models no lattice in powers of two."""
    found = FiniteModel.of(table((1, 2, 1, 2), (1, fmpq(1, 2), 2, 2)))
    with pytest.raises(ValueError, match="N = 31 strings cannot"):
        line_corpora(found, fmpq(1, 2), 31)
    with pytest.raises(ValueError, match="not a power of two"):
        line_corpora(FiniteModel.of(table((1, 3, 1), (1, 1, 2))), fmpq(1, 2), 32)


@given(pairs_of_laws(3, 4))
def test_independence_of_named_laws(aligned: Aligned) -> None:
    """A table and the same table with another constant in R are independent together."""
    shifted = table(list(aligned.prior), [r.factor * 3 for r in aligned.reward])
    assert independent(aligned.balls()) is independent(shifted.balls())
