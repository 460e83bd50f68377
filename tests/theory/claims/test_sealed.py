"""A proof belongs to its clause: swapping two, or giving a clause "1 = 1", is noticed."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
import sympy as sp

from tests.theory.claims.sealed import clauses, seal, sealed
from theory.claims.claim import Proof
from theory.claims.symbolic import vanishes

PROVED = clauses()


def test_every_proof_is_sealed() -> None:
    assert list(sealed()) == list(PROVED)


@pytest.mark.parametrize("name", PROVED)
def test_a_clause_and_its_proof_are_as_they_were_read(name: str) -> None:
    """Changed words or a changed proof: read both again, then run ``python -m tests.theory.claims.sealed``."""
    assert seal(PROVED[name]) == sealed()[name]


def test_no_two_proofs_can_be_swapped() -> None:
    """No two clauses have the same identities, so that either would differ from its seal with the other's proof."""
    proofs = [(name, tuple(entry["proves"])) for name, entry in sealed().items()]
    for (one, first), (other, second) in itertools.combinations(proofs, 2):
        assert set(first).isdisjoint(second), (one, other)


@pytest.mark.parametrize("name", PROVED)
def test_one_equals_one_proves_no_clause(name: str) -> None:
    nothing = Proof(PROVED[name].proof.covers, lambda: [vanishes(sp.Integer(0), "1 = 1")])  # type: ignore[union-attr]
    assert seal(replace(PROVED[name], proof=nothing)) != sealed()[name]


@pytest.mark.parametrize("name", PROVED)
def test_an_identity_says_something(name: str) -> None:
    """Every line names both sides or what holds; none is empty, and none is said twice."""
    lines = sealed()[name]["proves"]
    assert lines
    assert len(set(lines)) == len(lines)
    assert all(len(line) >= 5 for line in lines)
