"""Local against global, the gauge, order-preserving adaptors, attainability: properties, anchors, witnesses."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.strategies import models, rationals, tables, trees
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import objects
from theory.claims.adaptors.gauge import Gauging
from theory.claims.adaptors.local_global import Cooling
from theory.claims.claim import Claim, Control, Finding, Profile, Verdict, run, run_control
from theory.claims.instances import named, replay
from theory.claims.registry import find
from theory.claims.tree_search import shapes, tree, trees_by_size
from theory.models.finite import FiniteModel

CLAIMS = find(["adaptors.local-global", "adaptors.gauge", "adaptors.order-preserving", "adaptors.attainability"])

BY_ID = {claim.id: claim for claim in CLAIMS}
QUICK = Profile("quick")
_CONTROLS = [(claim, control) for claim in CLAIMS for control in claim.controls]
_IDS = [f"{claim.id}-{control.name}" for claim, control in _CONTROLS]


def failures(claim_id: str, content: Any) -> list[Finding]:
    """The findings that do not certainly hold."""
    return [finding for finding in BY_ID[claim_id].check(content) if finding.outcome != "holds"]


@given(models())
def test_local_global(aligned: Aligned) -> None:
    """d(E_glob f - E_loc f)/dtau = -Cov(f, sum_t h_t) at tau = 1."""
    assert failures("adaptors.local-global", Cooling(FiniteModel.of(aligned))) == []


@given(
    models(), st.lists(rationals(1, 5), min_size=15, max_size=15), st.lists(rationals(1, 5), min_size=15, max_size=15)
)
def test_gauge(aligned: Aligned, factors: list[fmpq], masses: list[fmpq]) -> None:
    """q_loc(gamma w) = q_loc(w), and {q_glob(gamma w) : gamma > 0} are all laws on the support of q_glob(w)."""
    gauge = objects(factors[: len(aligned.tree)])
    assert failures("adaptors.gauge", Gauging(FiniteModel.of(aligned), gauge, objects(masses[: len(aligned)]))) == []


@settings(max_examples=120)
@given(st.one_of(tables(2, 4), trees(2, 2)))
def test_order_preserving(aligned: Aligned) -> None:
    """max_q E_q[a L + c R] = V(root), V(u) = max_j (V(u t_1) + ... + V(u t_j)) / j, and what follows from it."""
    assert failures("adaptors.order-preserving", FiniteModel.of(aligned)) == []


@given(st.one_of(tables(2, 4), trees(2, 2)))
def test_attainability(aligned: Aligned) -> None:
    """CE(q_tau) fills (min I, plain average of I), and every mass m has a truncation with a fractional threshold."""
    assert failures("adaptors.attainability", FiniteModel.of(aligned)) == []


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: str(claim.id))
def test_verdict(claim: Claim) -> None:
    result = run(claim, QUICK)
    assert result.verdict is Verdict.PROVED
    assert result.as_expected


@pytest.mark.parametrize(("claim", "control"), _CONTROLS, ids=_IDS)
def test_witness_replays(claim: Claim, control: Control) -> None:
    """Every control finds its witness, and the witness fails again when it is read from its specification."""
    witness = run_control(control, QUICK).witness
    assert witness is not None
    assert witness.spec
    assert any(finding.outcome == "fails" for finding in control.check(replay(witness.spec)))


SMALLEST = {
    "wrong-sign": "[. [. .]]: p = (1, 1, 1), e^R = (1, 1, 2)",
    "same-law": "[. [. .]]: p = (1, 1, 1), e^R = (1, 1, 1)",
    "same-direction": "[. [. .]]: p = (1, 1, 2), e^R = (3, 2, 1)",
    "both-cool": "[. [. .]]: p = (2, 1, 3), e^R = (2, 3, 1)",
    "gauge-invariant": "[. .]: p = (1, 1), e^R = (1, 1)",
    "power-is-softmax": "[. [. .]]: p = (1, 1, 1), e^R = (1, 1, 1)",
    "factor-per-token": "[. .]: p = (1, 1), e^R = (1, 1)",
    "end-not-scored": "[. .]: p = (1, 1), e^R = (1, 1)",
    "typical": "[. . .]: p = (1, 1, 1), e^R = (1, 1, 2)",
    "one-k": "[. [. .]]: p = (1, 1, 1), e^R = (2, 1, 2)",
    "ties-either-way": "[. .]: p = (1, 2), e^R = (2, 1)",
    "comonotone-is-safe": "[. . .]: p = (1, 1, 2), e^R = (1, 2, 2)",
    "whole-strings": "[. .]: p = (1, 1), e^R = (1, 1)",
    "local-falls": "[. [. .]]: p = (1, 1, 1), e^R = (3, 2, 2)",
}


@pytest.mark.parametrize(("claim", "control"), _CONTROLS, ids=_IDS)
def test_smallest_witness(claim: Claim, control: Control) -> None:
    """The smallest witnesses are these; every case before one is decided, so that none is overlooked."""
    witness = run_control(control, QUICK).witness
    assert witness is not None
    assert witness.case == SMALLEST[control.name]
    before = itertools.takewhile(lambda case: case.name != witness.case, control.cases(QUICK))
    assert all(finding.outcome == "holds" for case in before for finding in control.check(case.content))


def test_c2_local_and_global() -> None:
    """C2 in float64: global T = 1/2 raises E L and E R, local T = 1/2 lowers both."""
    log_prior, reward = np.log([2 / 11, 3 / 11]), np.log([2, 3])
    own, everywhere, stepwise = (np.array([1 - b, b]) for b in (9 / 25, 81 / 145, 81 / 337))
    for values in (log_prior, reward):
        assert stepwise @ values < own @ values < everywhere @ values
    content = next(c.content for c in BY_ID["adaptors.local-global"].cases(QUICK) if c.name == "C2")
    assert content.moves == (1, 1, -1, -1)


def test_the_exchange_turns() -> None:
    """p = (1, 1, 2)/4, e^R = (3, 2, 1): global T = 1/2 lowers E L and raises E R, local raises E L and lowers E R."""
    own, everywhere = np.array([3, 2, 2]) / 7, np.array([9, 4, 4]) / 17
    stepwise = np.array([9 / 25, 8 / 25, 8 / 25])
    for values, sign in ((np.log([1, 1, 2]), -1), (np.log([3, 2, 1]), 1)):
        assert sign * (everywhere - own) @ values > 0
        assert sign * (stepwise - own) @ values < 0


def test_shapes() -> None:
    """The trees whose inner prefixes branch are counted by the small Schroeder numbers: 1, 1, 3, 11, 45."""
    assert [len(list(shapes(n))) for n in range(1, 6)] == [1, 1, 3, 11, 45]
    first = next(trees_by_size(2, 2, 4, ordered=True))
    assert first.name == "[. .]: p = (1, 1), e^R = (1, 1)"
    assert len(first.content.aligned) == 2
    ordered = [c.name for c in trees_by_size(3, 3, 7, ordered=True)]
    unordered = [c.name for c in trees_by_size(3, 3, 7, ordered=False)]
    assert set(unordered) < set(ordered)


def test_tree() -> None:
    """Weights go to the strings from left to right, whatever their depth."""
    aligned = tree((((), ()), ()), (1, 2, 3), (4, 5, 6))
    assert dict(zip(aligned.names(), aligned.prior, strict=True)) == {
        "a a": fmpq(1, 6),
        "a b": fmpq(2, 6),
        "b": fmpq(3, 6),
    }
    assert [reward.factor for reward in aligned.reward] == [6, 4, 5]


def test_temperature_interval_of_c4() -> None:
    """C4: p+ = (2, 1, 2)/5; CE along temperature lies between log(5/2) and the plain average of I."""
    found = named("C4")[0].content
    low, high = math.log(5 / 2), (2 * math.log(5 / 2) + math.log(5)) / 3
    for tau in (0.01, 1.0, 30.0):
        weight = np.array([2.0, 1.0, 2.0]) ** tau
        mean = weight @ -np.log(np.array([2, 1, 2]) / 5) / weight.sum()
        assert low < mean < high
    labels = [finding.label for finding in BY_ID["adaptors.attainability"].check(found)]
    assert "min I is not attained" in labels
