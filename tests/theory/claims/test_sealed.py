"""A proof belongs to its clause: swapping two, or giving a clause "1 = 1", is noticed."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
import sympy as sp

from tests.theory.claims.sealed import clauses, seal, sealed
from theory.claims.claim import Proof
from theory.claims.formal import checked
from theory.claims.symbolic import vanishes

PROVED = clauses()
SYMBOLIC = {name: clause for name, clause in PROVED.items() if clause.proof is not None}
FORMAL = {name: clause for name, clause in PROVED.items() if clause.formal}


def test_every_proof_is_sealed() -> None:
    assert list(sealed()) == list(PROVED)


@pytest.mark.parametrize("name", PROVED)
def test_a_clause_and_its_proof_are_as_they_were_read(name: str) -> None:
    """Changed words or a changed proof: read both again, then run ``python -m tests.theory.claims.sealed``."""
    assert seal(PROVED[name]) == sealed()[name]


def test_no_two_proofs_can_be_swapped() -> None:
    """No two clauses have the same identities, so that either would differ from its seal with the other's proof."""
    proofs = [(name, tuple(sealed()[name]["proves"])) for name in SYMBOLIC]
    for (one, first), (other, second) in itertools.combinations(proofs, 2):
        assert set(first) != set(second), (one, other)
    formal = [(name, sealed()[name]["formal"]) for name in FORMAL]
    for (one, left), (other, right) in itertools.combinations(formal, 2):
        same_claim = one.partition("#")[0] == other.partition("#")[0]
        assert left != right or (same_claim and PROVED[one].text != PROVED[other].text), (one, other)


@pytest.mark.parametrize("name", FORMAL)
def test_another_formal_statement_is_noticed(name: str) -> None:
    """Any other statement in its place differs from the seal, and so does another sentence."""
    own = PROVED[name]
    others = next(names for names in (c.formal for c in FORMAL.values()) if set(names) != set(own.formal))
    assert seal(replace(own, formal=others)) != sealed()[name]
    assert seal(replace(own, text=own.text + " or not")) != sealed()[name]


@pytest.mark.parametrize("name", FORMAL)
def test_formal_statements_are_of_the_claim(name: str) -> None:
    """The comment above a statement names its claim; a clause leans on statements of its own claim."""
    claim_id = name.partition("#")[0]
    statements = [checked().statements[statement] for statement in PROVED[name].formal]
    assert all(one.control is None for one in statements)
    assert {one.claim for one in statements} == {claim_id}


@pytest.mark.parametrize("name", SYMBOLIC)
def test_one_equals_one_proves_no_clause(name: str) -> None:
    nothing = Proof(PROVED[name].proof.covers, lambda: [vanishes(sp.Integer(0), "1 = 1")])  # type: ignore[union-attr]
    assert seal(replace(PROVED[name], proof=nothing)) != sealed()[name]


@pytest.mark.parametrize("name", SYMBOLIC)
def test_an_identity_says_something(name: str) -> None:
    """Every line names both sides or what holds; none is empty, and none is said twice."""
    lines = sealed()[name]["proves"]
    assert lines
    assert len(set(lines)) == len(lines)
    assert all(len(line) >= 5 for line in lines)
