"""The ten departures: certified effects, controls that are refuted, and effects checked by drawing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from theory.arithmetic.exact import precision
from theory.claims.audit.models import COOLED
from theory.claims.claim import Claim, Control, Profile, Verdict, run, run_control
from theory.claims.registry import find

CLAIMS = find(["audit"])

QUICK = Profile("quick")
PAIRS = [(claim, control) for claim in CLAIMS for control in claim.controls]


def test_ten_departures() -> None:
    assert len(CLAIMS) == 10
    assert all(claim.remark.startswith("By itself") for claim in CLAIMS)
    assert all("read, not run" in claim.source for claim in CLAIMS)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: str(claim.id))
def test_certified(claim: Claim) -> None:
    with precision():
        found = run(replace(claim, controls=claim.controls[:1]), QUICK)
    assert found.verdict is Verdict.CERTIFIED
    assert found.failures == ()


@pytest.mark.parametrize(("claim", "control"), PAIRS, ids=[f"{c.id} {k.name}" for c, k in PAIRS])
def test_refuted(claim: Claim, control: Control) -> None:
    with precision():
        assert run_control(control, QUICK).verdict is Verdict.REFUTED


def test_checks_notice_a_wrong_formula(monkeypatch: pytest.MonkeyPatch) -> None:
    """With another temperature in the procedure than in the formula the first claim fails."""
    from theory.adaptors.exact import chain
    from theory.claims.audit import accept_all

    real = accept_all.accept_all
    monkeypatch.setattr(accept_all, "accept_all", lambda n, steps: real(n, chain(("temperature", "1/3"))))
    assert chain(("temperature", "1/3")) != COOLED
    with precision():
        assert run(CLAIMS[0], QUICK).verdict is Verdict.REFUTED


def test_prompts_by_drawing() -> None:
    """A million pairs (x, y): the mean of log p(y | x) / p(y) is within six standard errors of the exact shift."""
    content = next(iter(CLAIMS[2].cases(QUICK))).content
    rng = np.random.default_rng(1)
    prior = np.array([[float(p.p) / float(p.q) for p in row] for row in content.prior])
    prompt = rng.integers(0, 2, 1_000_000)
    answer = (rng.random(1_000_000) > prior[prompt, 0]).astype(int)
    pointwise = np.log(prior[prompt, answer] / prior.mean(axis=0)[answer])
    with precision():
        both = content.departure()
        exact = float((both.computed.prob * both.computed.reward).sum())
    assert abs(pointwise.mean() - exact) < 6 * pointwise.std() / 1000
