"""adaptors.local-entropy: slopes from pairs of strings, three numbers by hand, when local cooling raises H, edits."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import models
from tests.theory.claims.adaptors.rationals import cooled, covariance, parts
from tests.theory.claims.edits import Edit, failures, ln, model, moment, nudged, numbers, one_nudged, turns_red
from theory.adaptors.exact import chain
from theory.adaptors.gauge import local_slope, path_entropy
from theory.adaptors.moments import Moments
from theory.alignment.gibbs import Aligned
from theory.claims.adaptors import local_entropy
from theory.claims.adaptors.local_entropy import CLAIM
from theory.claims.adaptors.models import TEMPERATURES, tempered
from theory.claims.claim import Profile
from theory.claims.instances import replay
from theory.claims.running import run_control
from theory.models.finite import FiniteModel

QUICK = Profile("quick")


def entropy(weights: Sequence[Any]) -> float:
    """H of a law proportional to the weights, nats."""
    total = sum(float(w) for w in weights)
    return -math.fsum(float(w) / total * math.log(float(w) / total) for w in weights)


def exact_rows() -> dict[str, Any]:
    """C2 is token a and then one of four alike, 4/25 each, or token b, 9/25; squared whole, or token by token."""
    return {
        "C2, global T = 1/2: H": entropy([16, 16, 16, 16, 81]),
        "C2, local T = 1/2: H": entropy([16**2, 9**2]) + 16**2 / (16**2 + 9**2) * math.log(4),
    }


@given(models(), st.sampled_from([fmpq(1, 3), fmpq(1), fmpq(7, 4)]))
def test_local_entropy(aligned: Aligned, tau: fmpq) -> None:
    """dH/dtau = tau dE I/dtau = -tau sum_{x<y} q(x) q(y) (I(x) - I(y))^2, so that global cooling lowers H."""
    found = FiniteModel.of(aligned)
    assert failures(CLAIM.check(found)) == []
    surprisal = [-ln(v) for v in parts(aligned)[3]]
    weight = [(-i * tau).exp() for i in surprisal]
    total = sum(weight, start=arb(0))
    pairs = itertools.combinations(zip(weight, surprisal, strict=True), 2)
    spread = sum((a * b * (i - j) * (i - j) for (a, i), (b, j) in pairs), start=arb(0)) / (total * total)
    assert (tau * cooled(surprisal, tau, surprisal)[1] + tau * spread).contains(0)
    assert (tempered(found, tau).var_surprisal - spread).contains(0)
    assert (local_entropy._entropy(found, tau)[1] + tau * spread).contains(0)
    assert not tempered(found, 2 * tau).entropy > tempered(found, tau).entropy


@given(models())
def test_where_local_cooling_raises_the_entropy(aligned: Aligned) -> None:
    """dH(q_loc)/dtau = dE_loc I/dtau = Cov(I, sum h) - V at tau = 1."""
    found, own = FiniteModel.of(aligned), parts(aligned)[3]
    surprisal = [-ln(v) for v in own]
    slope = local_slope(found.numbers, found.numbers.surprisal, arb(1))[1]
    along = list(path_entropy(found.numbers))
    assert (slope - covariance(own, surprisal, along) + covariance(own, surprisal, surprisal)).contains(0)


def test_the_smallest_tree_by_hand() -> None:
    """p+ = (3, 2, 2)/7: local T = 1/2 leads to 9/25 and twice 8/25, global to (9, 4, 4)/17."""
    expected = (entropy([3, 2, 2]), entropy([9, 8, 8]), entropy([9, 4, 4]))
    assert expected == pytest.approx((1.0789922, 1.0970324, 1.0176030), abs=5e-8)
    control = next(control for control in CLAIM.controls if control.name == "local")
    witness = run_control(control, QUICK).witness
    assert witness is not None
    assert witness.case == "[. [. .]]: p = (1, 1, 1), e^R = (3, 2, 2)"
    found = replay(witness.spec)
    assert list(found.mass()) == [fmpq(3, 7), fmpq(2, 7), fmpq(2, 7)]
    cool = chain(("temperature", "1/2"))
    laws = [found.mean, *(found.moments(found.law(cool, normalise)) for normalise in ("local", "global"))]
    assert [float(at.entropy) for at in laws] == pytest.approx(expected, rel=1e-14)


EDITS: dict[str, tuple[str, Edit]] = {
    "I": ("C3", numbers("surprisal", one_nudged)),
    "H": ("C5", moment("entropy", nudged)),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_formula_turns_red(edit: str) -> None:
    """The claim holds on the model, and certainly fails once a sign or a digit of one number is changed."""
    name, change = EDITS[edit]
    turns_red(CLAIM, model(name), change)


@pytest.mark.parametrize("factor", [-1, fmpq(1, 2)])
def test_a_wrong_variance_turns_red(factor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the other sign or half of V every slope fails, and nothing else does."""

    def wrong(found: FiniteModel, tau: fmpq) -> Moments:
        at = tempered(found, tau)
        return replace(at, var_surprisal=factor * at.var_surprisal)

    monkeypatch.setattr(local_entropy, "tempered", wrong)
    failing = [finding.label for finding in CLAIM.check(model("C5")) if finding.outcome != "holds"]
    assert failing == [f"dH/dtau + tau V, tau = {tau}" for tau in TEMPERATURES]
