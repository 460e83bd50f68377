"""The smallest chains, and chains in specifications."""

from __future__ import annotations

import itertools

import numpy as np
from flint import fmpq

from theory.claims.metropolis.corpora import CLAIM
from theory.claims.metropolis.models import (
    Chained,
    chained_case,
    replay,
    smallest_chains,
)
from theory.examples.finite import C6_PROPOSAL, c6
from theory.models.finite import FiniteModel
from theory.specification.finite import parse_specification


def test_search_leaves_no_smaller_chain_undecided() -> None:
    """Below the sum of the witness of the changed sign every finding is decided, and holds."""
    control = next(c for c in CLAIM.controls if c.name == "iid-sign")
    for case in smallest_chains(3, 15):
        assert all(finding.outcome == "holds" for finding in control.check(case.content)), case.name


def test_smallest_chains_are_exhaustive() -> None:
    """Two strings, sum of weights at most 8: as many as there are classes of weights up to the order of the strings."""
    listed = {case.name for case in smallest_chains(2, 8)}
    classes = set()
    for values in itertools.product(range(1, 5), repeat=6):
        parts = values[:2], values[2:4], values[4:]
        if sum(values) <= 8 and all(np.gcd.reduce(part) == 1 for part in parts):
            columns = sorted(zip(*parts, strict=True))
            p, x, q = zip(*columns, strict=True)
            classes.add(f"p = {p}, e^R = {x}, proposal = {q}")
    assert listed == classes


def test_chained_case_is_a_specification() -> None:
    """The proposal stands in a comment: the file is one that is read."""
    case = chained_case("C6", FiniteModel.of(c6()), C6_PROPOSAL)
    assert case.name == "C6, proposal = (1/16, 3/4, 3/16)"
    assert list(parse_specification(case.spec).aligned.names()) == ["x", "y", "z"]
    again = replay(case.spec)
    assert isinstance(again, Chained)
    assert list(again.chain.proposal) == list(C6_PROPOSAL)
    assert list(again.chain.target) == [fmpq(5, 10), fmpq(4, 10), fmpq(1, 10)]
