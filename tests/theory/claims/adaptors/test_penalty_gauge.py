"""adaptors.penalty-gauge: the claim on random tables, the factor of the odds by floats, and wrong penalties."""

from __future__ import annotations

import math
from typing import Any

import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import tables
from tests.theory.claims.edits import failures
from theory.alignment.gibbs import Aligned
from theory.claims.adaptors import penalty_gauge
from theory.claims.adaptors.penalty_gauge import CLAIM, Seen
from theory.claims.claim import Profile
from theory.claims.running import run_control
from theory.examples.finite import c5
from theory.models.finite import FiniteModel


def share(prob: list[float], token: int, penalty: float, constant: float) -> float:
    """The share of a seen token, from logits written out."""
    logits = [math.log(p) + constant for p in prob]
    logits[token] = logits[token] / penalty if logits[token] > 0 else logits[token] * penalty
    weights = [math.exp(z) for z in logits]
    return weights[token] / math.fsum(weights)


def exact_rows() -> dict[str, Any]:
    """C5 has p+ = (2, 3, 6)/11."""
    prob = [2 / 11, 3 / 11, 6 / 11]
    return {f"C5, x seen, th = 2, constant {c}: x again": share(prob, 0, 2.0, c) for c in (0, 5)}


@given(tables(2, 5, 8), st.data())
def test_penalty_gauge(aligned: Aligned, data: st.DataObject) -> None:
    """Every finding holds, and shares are those of logits written out."""
    token = data.draw(st.integers(0, len(aligned) - 1))
    found = FiniteModel.of(aligned)
    seen = Seen(found, token)
    assert failures(CLAIM.check(seen)) == []
    prob = [float(p) for p in found.numbers.prob]
    for constant in (0, 1, 7):
        law = seen.after("repetition_penalty", fmpq(3, 2), fmpq(constant))
        assert float(law[token]) == pytest.approx(share(prob, token, 1.5, constant), abs=1e-12)


def test_the_smallest_witness() -> None:
    """p+ = (1, 1)/2, th = 2: 1/3 at constant 0; at constant 1 the logit is 1 - log 2 > 0, and it is halved."""
    (first, *_) = CLAIM.controls
    witness = run_control(first, Profile("quick")).witness
    assert witness is not None
    assert witness.case == "p = (1, 1), e^R = (1, 1)"
    assert share([0.5, 0.5], 0, 2.0, 0) == pytest.approx(1 / 3)
    assert share([0.5, 0.5], 0, 2.0, 1) == pytest.approx(1 / (1 + math.exp((1 - math.log(2)) / 2)))


@pytest.mark.parametrize("wrong", ["presence_penalty", "frequency_penalty"])
def test_another_penalty_turns_red(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A penalty that subtracts has other odds, and does not depend on the constant."""
    after = Seen.after

    def other(self: Seen, name: str, value: fmpq, gauge: fmpq) -> Any:
        return after(self, wrong if name == "repetition_penalty" else name, value, gauge)

    monkeypatch.setattr(penalty_gauge.Seen, "after", other)
    failing = {f.clause for f in CLAIM.check(Seen(FiniteModel.of(c5()))) if f.outcome != "holds"}
    assert {"odds", "depends"} <= failing
