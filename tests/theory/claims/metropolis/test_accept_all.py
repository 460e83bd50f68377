"""metropolis.accept-all: the kernel forgets the target; C2 corrected, by hand."""

from __future__ import annotations

import pytest
from flint import arb, fmpq
from hypothesis import given

from tests.strategies import weights
from tests.theory.claims.metropolis.chains import chained_tables
from theory.arithmetic.exact import objects
from theory.claims.claim import Profile
from theory.claims.metropolis.accept_all import CLAIM
from theory.claims.metropolis.models import (
    AdaptedModel,
    Chained,
    correction,
    replay,
)
from theory.claims.running import run_control
from theory.corpora.metropolis import transition_matrix
from theory.examples.finite import c2
from theory.quantities.answer import quantities
from theory.specification.finite import parse_specification


@given(chained_tables(), weights(4, 4))
def test_accept_all(content: Chained, start: list[int]) -> None:
    """m P = q for every law m: the target does not come in."""
    q, n = content.chain.proposal, len(content.chain)
    law = objects(fmpq(v, sum(start[:n])) for v in start[:n])
    kernel = transition_matrix(q, objects([fmpq(1)] * n * n).reshape(n, n))
    assert (objects(law.dot(kernel)) == q).all()


def test_c2_correction() -> None:
    """C2 at local T = 1/2: c = 337/625 at the root, 1/4 after a."""
    spec = _c2_cooled()
    adapted = replay(spec)
    assert isinstance(adapted, AdaptedModel)
    content = correction(adapted)
    assert content is not None
    assert list(content.chain.proposal) == [fmpq(81, 337), *[fmpq(64, 337)] * 4]
    assert list(content.chain.target) == [fmpq(81, 145), *[fmpq(16, 145)] * 4]
    reported = quantities(parse_specification(spec))["adaptors"][0]
    assert reported["w_max"] == pytest.approx(float(arb(max(content.chain.weight))), abs=1e-15)
    assert reported["acceptance"] == pytest.approx(float(arb(content.chain.acceptance())), abs=1e-15)


def _c2_cooled() -> str:
    control = next(c for c in CLAIM.controls if c.name == "local-is-global")
    witness = run_control(control, Profile("quick")).witness
    assert witness is not None
    assert len(parse_specification(witness.spec).aligned) == len(c2())
    return witness.spec
