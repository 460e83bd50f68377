"""metropolis.acceptance: the rate over pairs, and where some state of the target is never proposed."""

from __future__ import annotations

import itertools

import pytest
from flint import fmpq
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.theory.claims.metropolis.chains import chained_tables
from theory.claims.claim import Profile
from theory.claims.metropolis.acceptance import CLAIM, pair
from theory.claims.metropolis.models import (
    Chained,
)
from theory.claims.running import run_control


@given(chained_tables(2, 6))
def test_acceptance(content: Chained) -> None:
    """max(1/w*, (1 - TV)^2) <= E min(w, w') <= 1 - TV."""
    walk = content.chain
    pairs = list(itertools.product(range(len(walk)), repeat=2))
    q, w = walk.proposal, walk.weight
    rate = sum((q[x] * q[y] * min(w[x], w[y]) for x, y in pairs), start=fmpq(0))
    overlap = sum((min(a, b) for a, b in zip(q, walk.target, strict=True)), start=fmpq(0))
    assert walk.acceptance() == rate
    assert max(1 / max(w), overlap**2) <= rate <= overlap


@given(st.lists(st.integers(1, 5), min_size=3, max_size=3), st.lists(st.integers(0, 5), min_size=3, max_size=3))
def test_targets_that_leave_states_out(proposal: list[int], target: list[int]) -> None:
    """pi << q with pi = 0 at some states: the chain on the target's states accepts E min(w, w') = 1 - Gini(w)."""
    assume(sum(target) > 0)
    q, pi = ([fmpq(w, sum(weights)) for w in weights] for weights in (proposal, target))
    w = [b / a for a, b in zip(q, pi, strict=True)]
    states = [x for x in range(3) if pi[x] > 0]
    flows = (pi[x] * q[y] * min(fmpq(1), w[y] / w[x]) for x in states for y in range(3))
    accepted = sum(flows, start=fmpq(0))
    gini = sum((q[x] * q[y] * abs(w[x] - w[y]) for x, y in itertools.product(range(3), repeat=2)), start=fmpq(0)) / 2
    assert accepted == 1 - gini
    content = pair(proposal, target).content
    assert content.accepted() == accepted
    assert {finding.outcome for finding in CLAIM.check(content)} == {"holds"}


def test_a_state_that_is_never_proposed() -> None:
    """q = (1, 0), pi = (1, 1)/2: at x all is accepted, at y nothing, hence 1/2; but 1 - Gini(w) is 1."""
    assert pair((1, 0), (1, 1)).content.accepted() == fmpq(1, 2)
    control = next(c for c in CLAIM.controls if c.name == "without-domination")
    witness = run_control(control, Profile("quick")).witness
    assert witness is not None
    assert (witness.case, witness.value) == ("proposal = (1, 0), target = (1, 1)", "-1/2")


@pytest.mark.parametrize("share", [fmpq(1), fmpq(1, 4)])
def test_another_share_of_the_gini_coefficient(share: fmpq) -> None:
    """q = (1, 1)/2, pi = (3, 1)/4: 1 - E|w - w'|/2 = 3/4 is the rate, and no other multiple gives it."""
    content = pair((1, 1), (3, 1)).content
    spread = fmpq(1, 2)  # E|w - w'| for w = (3/2, 1/2)
    assert content.accepted() == 1 - spread / 2 != 1 - spread * share
