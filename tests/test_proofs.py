"""What proofs/checked.json says is of the sources at hand; the proofs themselves are run by ``make proofs``."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from theory.claims.registry import load, modules

ROOT = Path(__file__).resolve().parents[1]
PROOFS = ROOT / "proofs"


def script(name: str) -> ModuleType:
    """A script of the folder proofs, which is no package."""
    spec = importlib.util.spec_from_file_location(name, PROOFS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


check = script("check")
mutants = script("mutants")
FILES = check.sources()
STATED, PROVED = check.inspect(FILES)


@pytest.fixture(scope="module")
def checked() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((PROOFS / "checked.json").read_text(encoding="utf-8"))
    return content


# --- the record ---------------------------------------------------------------------------------------------------


def test_sources_are_those_that_were_checked(checked: dict[str, Any]) -> None:
    """A source that changes asks for `make proofs`."""
    assert checked["sources"] == {path.name: check.sha256(path.read_bytes()) for path in FILES}


def test_statements_are_those_that_were_checked(checked: dict[str, Any]) -> None:
    assert set(checked["statements"]) == set(STATED)
    for name, entry in checked["statements"].items():
        one = STATED[name]
        assert (entry["text"], entry["sha256"]) == (one.text, check.sha256(one.text))
        assert (entry["claim"], entry["control"], entry["file"]) == (one.claim, one.control, one.file)
        assert entry["proof"] == PROVED[name].name


def test_axioms_are_allowed(checked: dict[str, Any]) -> None:
    assert set(checked["axioms"]) <= check.AXIOMS
    page = (ROOT / "docs" / "proofs.md").read_text(encoding="utf-8")
    for axiom in check.AXIOMS:
        assert f"`{axiom.rsplit('.', maxsplit=1)[-1]}`" in page


# --- the statements -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(STATED))
def test_statement_is_of_a_known_claim(name: str) -> None:
    """Its name begins with the claim's, and a control is one that the registry has."""
    one = STATED[name]
    assert one.claim in modules()
    snake = one.claim.replace(".", "_").replace("-", "_")
    assert name.startswith(f"control_{snake}_" if one.control else f"{snake}_")
    if one.control:
        assert one.control in {control.name for control in load(one.claim).controls}
        assert ":= ~\n" in one.text
    assert len(one.sentence.split()) >= 2


def test_names_lie_in_one_file() -> None:
    """A name stated twice would be proved once only."""
    found = [name for path in FILES for name in check.statements([path])]
    assert sorted(found) == sorted(STATED)


# --- what is refused ----------------------------------------------------------------------------------------------

GOOD = {
    "Statements.v": "(** line.identity: yes. *)\nDefinition line_identity_yes : Prop :=\n  True.\n",
    "Line.v": "Theorem line_identity_yes_holds : line_identity_yes.\nProof. exact I. Qed.\n",
}


def folder(path: Path, **changed: str) -> tuple[Path, ...]:
    for name, text in {**GOOD, **{f"{stem}.v": text for stem, text in changed.items()}}.items():
        (path / name).write_text(text, encoding="utf-8")
    (path / "_CoqProject").write_text("-Q . ProbQual\nStatements.v\nLine.v\n", encoding="utf-8")
    files: tuple[Path, ...] = check.sources(path)
    return files


def test_a_good_folder_passes(tmp_path: Path) -> None:
    stated, proved = check.inspect(folder(tmp_path))
    assert stated["line_identity_yes"].sentence == "yes."
    assert proved["line_identity_yes"].name == "Line.v"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"Line": "Theorem line_identity_yes_holds : line_identity_yes.\nProof. Admitted.\n"}, "Admitted"),
        ({"Line": GOOD["Line.v"] + "Axiom cheat : False.\n"}, "Axiom"),
        ({"Line": GOOD["Line.v"] + "Unset Guard Checking.\n"}, "Guard"),
        ({"Line": ""}, "needs one theorem"),
        ({"Line": GOOD["Line.v"].replace(" : line_identity_yes", " : line_identity_no")}, "must prove"),
        ({"Line": GOOD["Line.v"] * 2}, "once"),
        ({"Statements": GOOD["Statements.v"].replace("(** line.identity: yes. *)\n", "")}, "needs a comment"),
        ({"Statements": GOOD["Statements.v"].replace("line.identity", "identity")}, "needs a comment"),
    ],
)
def test_refused(tmp_path: Path, changed: dict[str, str], message: str) -> None:
    with pytest.raises(check.Refused, match=message):
        check.inspect(folder(tmp_path, **changed))


def test_a_comment_is_no_assumption(tmp_path: Path) -> None:
    """The word may be spoken of."""
    check.inspect(folder(tmp_path, Line=GOOD["Line.v"] + "(* no Axiom (* nor Parameter *) here *)\n"))


def test_a_file_that_is_not_listed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "More.v").write_text("", encoding="utf-8")
    with pytest.raises(check.Refused, match=r"More\.v"):
        folder(tmp_path)


# --- the mutants --------------------------------------------------------------------------------------------------

LISTED = tomllib.loads((PROOFS / "mutants.toml").read_text(encoding="utf-8"))["mutant"]


def test_mutants_are_many_and_differ() -> None:
    assert len({one["name"] for one in LISTED}) == len(LISTED) >= 10
    assert sum("refutation" in one for one in LISTED) >= 10


@pytest.mark.parametrize("one", LISTED, ids=lambda one: one["name"])
def test_mutant_changes_its_statement(one: dict[str, str]) -> None:
    text = STATED[one["statement"]].text
    assert mutants.mutated(text, one["old"], one["new"]) != text
    if "refutation" not in one:
        source = PROVED[one["statement"]].read_text(encoding="utf-8")
        assert mutants.script(one["statement"], source)


# --- with Coq -----------------------------------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("coqc") is not None, reason="Coq is installed")
def test_without_coq_the_way_to_it_is_named() -> None:
    done = subprocess.run([sys.executable, PROOFS / "check.py"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "apt-get install coq libcoq-coquelicot" in done.stderr


@pytest.mark.parametrize("name", ["check.py", "mutants.py"])
def test_without_a_path_the_way_to_coq_is_named(name: str) -> None:
    """The same where Coq is installed and not found."""
    done = subprocess.run(
        [sys.executable, PROOFS / name], env={"PATH": ""}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "apt-get install coq libcoq-coquelicot" in done.stderr


@pytest.mark.skipif(shutil.which("coqc") is None, reason="Coq is not installed")
def test_statements_compile(tmp_path: Path) -> None:
    """The files without proofs: a second or two."""
    files = [path for path in FILES if path.name in {"Statements.v", "ControlStatements.v"}]
    check.compile_in(tmp_path, files)
