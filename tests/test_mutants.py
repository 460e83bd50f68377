"""The list of mutants is about the present source; running them is ``make mutants``."""

from __future__ import annotations

import ast
from collections import Counter

import pytest

from tests.mutants import MUTANTS, ROOT, Mutant
from theory.claims.registry import find


def meaning(source: str) -> str:
    """What a module computes: its syntax tree without docstrings."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body[0] = ast.Pass()
    return ast.dump(tree)


@pytest.mark.parametrize("module", sorted({mutant.module for mutant in MUTANTS}))
def test_every_mutant_applies_once(module: str) -> None:
    """Each passage stands exactly once in the source, and replacing it gives another program."""
    source = (ROOT / module).read_text(encoding="utf-8")
    present = meaning(source)
    for mutant in MUTANTS:
        if mutant.module == module:
            assert meaning(mutant.applied(source)) != present, mutant.name


def test_names_are_unique() -> None:
    """A survivor is known by its name."""
    assert [name for name, count in Counter(m.name for m in MUTANTS).items() if count > 1] == []


def test_no_mutant_is_listed_twice() -> None:
    """Two names for one change would count it twice."""
    changes = Counter((m.module, m.old, m.new) for m in MUTANTS)
    assert [change for change, count in changes.items() if count > 1] == []


def test_mutants_are_many_and_spread() -> None:
    """At least 40 mutants of at least 10 modules."""
    assert len(MUTANTS) >= 40
    assert len({mutant.module for mutant in MUTANTS}) >= 10


def test_what_should_kill_them_exists() -> None:
    """The test files are there, and the claims are known."""
    for mutant in MUTANTS:
        for test in mutant.tests:
            assert (ROOT / test.partition("::")[0]).exists(), f"{mutant.name}: {test}"
        find(mutant.claims)


@pytest.mark.parametrize("source", ["b = 1", "a = 1; a = 1"])
def test_a_passage_must_stand_once(source: str) -> None:
    """A passage that is missing or ambiguous is refused, so that no mutant is silently empty."""
    with pytest.raises(ValueError, match="it must occur once"):
        Mutant("m", "x.py", "a = 1", "a = 2", (), ()).applied(source)
