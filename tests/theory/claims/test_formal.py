"""The record of checked proofs: it counts for its own sources alone, and lifts a clause only if all is checked."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from flint import fmpq

from tests.theory.claims.test_claim import ONLY, claim
from theory.claims import running
from theory.claims.claim import Profile
from theory.claims.formal import STALE, Checked, Statement, read
from theory.claims.grades import Grade, Verdict
from theory.claims.running import run

SOURCE = "Definition x : Prop := True.\n"
STATEMENT = {
    "claim": "made.up",
    "control": None,
    "sentence": "Nothing.",
    "file": "Statements.v",
    "proof": "Family.v",
    "text": SOURCE.strip(),
    "sha256": "0" * 64,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A source and the record of its check."""
    (tmp_path / "Statements.v").write_text(SOURCE, "utf-8")
    written(tmp_path)
    return tmp_path


def written(path: Path, **changes: Any) -> None:
    content = {
        "format": 1,
        "versions": {"coq": "8.16.1"},
        "axioms": [],
        "sources": {"Statements.v": hashlib.sha256(SOURCE.encode()).hexdigest()},
        "statements": {"x": STATEMENT},
    }
    (path / "checked.json").write_text(json.dumps(content | changes), "utf-8")


def test_a_record_of_these_sources(folder: Path) -> None:
    found = read(folder)
    assert found.statements["x"].proof == "Family.v"
    assert found.versions["coq"] == "8.16.1"


def test_a_changed_source_proves_nothing(folder: Path) -> None:
    """One letter, one file more, one file less, or no record at all."""
    (folder / "Statements.v").write_text(SOURCE.replace("True", "False"), "utf-8")
    assert not read(folder).statements
    (folder / "Statements.v").write_text(SOURCE, "utf-8")
    assert read(folder).statements
    (folder / "More.v").write_text("", "utf-8")
    assert not read(folder).statements
    (folder / "More.v").unlink()
    (folder / "Statements.v").unlink()
    assert not read(folder).statements
    (folder / "checked.json").unlink()
    assert not read(folder).statements


def test_another_format_is_refused(folder: Path) -> None:
    written(folder, format=2)
    with pytest.raises(ValueError, match=r"proofs/checked\.json: format 2, and this code reads 1: run `make proofs`"):
        read(folder)


def use(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Make these the statements that are checked."""
    statement = Statement(**STATEMENT)
    found = Checked(MappingProxyType(dict.fromkeys(names, statement)), MappingProxyType({}), ())
    monkeypatch.setattr(running, "checked", lambda: found)


def formal(*names: str, **changes: Any) -> Any:
    return claim(fmpq(0), clauses=(replace(ONLY, formal=names, **changes),))


def test_formal(monkeypatch: pytest.MonkeyPatch) -> None:
    """All statements of the clause are checked: FORMAL, and the claim PROVED."""
    use(monkeypatch, "x", "y")
    result = run(formal("x", "y"), Profile("quick"))
    assert result.verdict is Verdict.PROVED
    assert result.clauses[0].grade is Grade.FORMAL
    assert result.clauses[0].evidence == (
        "proof checked by machine: x in proofs/Family.v, y in proofs/Family.v; 1 finding on 1 case"
    )


@pytest.mark.parametrize("cited", ["", "Somebody, theorem 1"])
def test_one_that_is_not_checked(cited: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the clause has the grade that it has without the proof, and a note says why."""
    use(monkeypatch, "x")
    (clause,) = run(formal("x", "z", cited=cited), Profile("quick")).clauses
    assert clause.grade is (Grade.CITED if cited else Grade.CERTIFIED)
    assert clause.evidence.endswith(f"; {STALE}")


def test_no_proof_makes_good_for_a_case_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, "x")
    refuted = claim(fmpq(1), clauses=(replace(ONLY, formal=("x",)),))
    assert run(refuted, Profile("quick")).verdict is Verdict.REFUTED
