"""Claims and models from outside: docs/adding-a-claim.md to the letter in a fresh folder, and what may go wrong."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from probqual.command_line import app
from theory.arithmetic.exact import precision
from theory.claims import on_model, outside, registry
from theory.claims.claim import Claim
from theory.claims.on_model import Silent, check_on
from theory.claims.registry import everywhere
from theory.claims.running import run_on
from theory.specification.any_model import read_model
from theory.specification.finite import parse_specification

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "adding-a-claim.md").read_text(encoding="utf-8")
EXAMPLES = ROOT / "examples"


def blocks(kind: str) -> list[str]:
    """The fenced blocks of the page that begin so."""
    return re.findall(rf"^```{re.escape(kind)}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def own(folder: Path) -> Path:
    """below_the_top.py as the page has it."""
    (text,) = blocks('python title="below_the_top.py"')
    (folder / "below_the_top.py").write_text(text)
    return folder / "below_the_top.py"


def call(*arguments: Any) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_page_works_to_the_letter(tmp_path: Path) -> None:
    """Its file and its commands, in a fresh folder; each ends with 0, and the model is the user's."""
    own(tmp_path)
    (tmp_path / "examples").symlink_to(EXAMPLES)
    (commands,) = [text for text in blocks("sh") if "below_the_top" in text]
    outputs = []
    for line in commands.splitlines():
        program, *arguments = line.split()
        assert program == "probqual"
        done = subprocess.run(
            [sys.executable, "-m", "probqual", *arguments],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        outputs.append(done.stdout)
    assert re.search(r"alignment\.below-the-top\s*│ CERTIFIED.*1 of 1", outputs[0])
    assert re.search(r"alignment\.below-the-top\s*│.*SAMPLED", outputs[1])
    for claim in ("alignment.below-the-top", "alignment.gibbs", "alignment.secret-reward"):
        assert re.search(rf"^{re.escape(claim)} holds: .* \(CERTIFIED, ", outputs[2], re.MULTILINE)
    assert "on c5.toml: 3 of 3 claims hold" in outputs[2]


def test_a_wrong_sampler_of_ones_own_is_noticed(tmp_path: Path) -> None:
    path = own(tmp_path)
    path.write_text(path.read_text().replace("gap[string], known", "0.9 * gap[string], known"))
    assert call("compare", "--claims", path, "--profile", "quick").exit_code == 1


@pytest.mark.parametrize("name", ["c1", "c5", "tree"])
def test_claims_on_a_model(name: str, tmp_path: Path) -> None:
    """Every claim that speaks of any finite model stands on the examples; the others say why they do not apply."""
    done = call("check", "--model", EXAMPLES / f"{name}.toml", "--verbose", "--json", tmp_path / "out.json")
    assert done.exit_code == 0
    found = json.loads((tmp_path / "out.json").read_text())
    ran = {entry["id"] for entry in found}
    assert ran <= {claim.id for claim in everywhere()}
    assert {"alignment.gibbs", "adaptors.exchange", "line.identity"} <= ran
    for entry in found:
        assert entry["verdict"] in {"CERTIFIED", "TESTED"}
        assert entry["instances"] == [f"{name}.toml"]
        assert entry["clauses"]
        assert f"{entry['id']} {entry['said']} ({entry['verdict']}, " in done.stdout
    silent = re.findall(r"^(\S+) does not apply: (.+)$", done.stdout, re.MULTILINE)
    assert {claim_id for claim_id, _ in silent} | ran == {claim.id for claim in registry.claims()}


WRONG = """
from theory.claims.claim import Claim, Clause, Control, Finding
from theory.claims.instances import small

def check(found):
    yield Finding("E L - E R", found.mean.mean_log_prior - found.mean.mean_reward, "positive")

CLAIMS = Claim(id="mine.wrong", sentence="", clauses=(Clause(name="wrong", text="E L is above E R"),), hypotheses=(),
    source="", check=check, cases=small, controls=(Control("none", "nothing", check, small),), everywhere=True)
"""


def test_a_refuted_claim_prints_its_witness(tmp_path: Path) -> None:
    """Exit status 1, the number, and the model as a specification that replays it."""
    (tmp_path / "wrong.py").write_text(WRONG)
    arguments = ("check", "--claims", tmp_path / "wrong.py", "--model", EXAMPLES / "c5.toml", "--only", "line")
    done = call(*arguments, "--json", tmp_path / "out.json")
    assert done.exit_code == 1
    assert "mine.wrong FAILS on c5.toml: E L - E R is -2.5" in done.stdout
    assert 'probs = ["1/11", "2/11", "8/11"]' in done.stdout
    entry = next(e for e in json.loads((tmp_path / "out.json").read_text()) if e["id"] == "mine.wrong")
    assert entry["verdict"] == "REFUTED"
    assert entry["failures"][0]["label"] == "E L - E R"


def test_a_long_table_is_checked_on_its_likeliest_strings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """p and p+ are divided by what these have of them, and the name of the case says so."""
    monkeypatch.setattr("theory.specification.any_model.SHORT", 3)
    monkeypatch.setattr(on_model, "MOST_LIKELY", 3)
    (tmp_path / "x.csv").write_text("string,prob,reward\na,0.1,0\nb,0.2,1\nc,0.3,-1\nd,0.4,2\n")
    (tmp_path / "x.toml").write_text('[prior]\nkind = "table"\nfile = "x.csv"\n[reward]\nbeta = "1"\n')
    spec = read_model(tmp_path / "x.toml")
    found = list(check_on(spec, "x", everywhere()))
    results = [one for one in found if not isinstance(one, Silent)]
    assert results
    weights = [0.1, 0.2 * math.e, 0.3 / math.e, 0.4 * math.e**2]
    for one in results:
        assert one.instances == (f"x, its 3 likeliest strings ({1 - 0.1 / sum(weights):.6g} of p+)",)
        assert str(one.verdict) in {"CERTIFIED", "TESTED"}


def test_removed_strings_are_outside_the_support() -> None:
    """A reward -inf removes a string: the claims are checked on p given the others, and stand."""
    text = """[prior]
kind = "table"
strings = ["x", "y", "z"]
probs = ["1/2", "1/4", "1/4"]
[reward]
beta = "1"
values = ["0", "-inf", "1"]
"""
    found = [one for one in check_on(parse_specification(text), "x", everywhere()) if not isinstance(one, Silent)]
    assert {str(one.verdict) for one in found} <= {"CERTIFIED", "TESTED"}
    assert {one.instances for one in found} == {("x, p given the strings that no reward removes",)}


def test_what_costs_too_much_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_model, "_SQUARED", {"adaptors.affine-line": 2})
    found = list(check_on(read_model(EXAMPLES / "c5.toml"), "c5", registry.find(["adaptors.affine-line"])))
    assert found == [Silent("adaptors.affine-line", "its cost grows with the square of the 3 strings; run up to 2")]


def test_infinitely_many_strings_are_refused() -> None:
    done = call("check", "--model", EXAMPLES / "automaton.toml", "--only", "line.identity")
    assert done.exit_code == 2
    assert "infinitely many strings" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("option", [("--profile", "quick"), ("--seed", "3")])
def test_options_of_random_models_are_refused_with_a_model(option: tuple[str, str]) -> None:
    """They would change nothing, which nobody would see."""
    done = call("check", "--model", EXAMPLES / "c5.toml", "--only", "line.identity", *option)
    assert done.exit_code == 2
    assert "--profile and --seed choose models at random; with --model leave them out" in done.stderr


def test_a_clause_that_says_nothing_is_left_out() -> None:
    """And a claim that says nothing at all has no verdict."""
    with precision():
        spec = read_model(EXAMPLES / "c5.toml")
        (claim,) = registry.find(["line.identity"])
        case = on_model._case(spec, "c5", 256)
        silent = Claim(
            claim.id, "", claim.clauses, (), "", lambda _: iter(()), claim.cases, claim.controls, everywhere=True
        )
        assert run_on(silent, case) is None
        found = run_on(claim, case)
        assert found is not None
        assert found.controls == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "a file of claims is a Python file, NAME.py, that exists"),
        ("x = 1", "there is no CLAIMS = (...) in it"),
        ("CLAIMS = (1,)", "expected claims (theory.claims.claim.Claim), got int"),
        ("CLAIMS = ()", "expected claims (theory.claims.claim.Claim), got nothing"),
        ("1 / 0", "running it fails: ZeroDivisionError: division by zero"),
        (WRONG + "\nCLAIMS = (CLAIMS, CLAIMS)", "two claims have the id 'mine.wrong'"),
        (WRONG.replace("mine.wrong", "line.identity"), "line.identity is one of the project's own claims"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line(text: str | None, says: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "x.py").write_text(text)
    done = call("check", "--claims", tmp_path / "x.py")
    assert done.exit_code == 2
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_entry_points_are_known_by_their_ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package on the path whose metadata names a claim; all of the project's claims stay what no ids give."""
    (tmp_path / "wrong_claims.py").write_text(WRONG)
    folder = tmp_path / "wrong_claims-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: wrong-claims\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text("[probqual.claims]\nmine = wrong_claims:CLAIMS\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    outside.installed.cache_clear()
    registry.load.cache_clear()
    try:
        assert [claim.id for claim in registry.find(["mine"])] == ["mine.wrong"]
        assert "mine.wrong" not in {claim.id for claim in registry.find([])}
        assert call("check", "--model", EXAMPLES / "c5.toml", "--only", "mine.wrong").exit_code == 1
        (tmp_path / "wrong_claims.py").write_text("")
        sys.modules.pop("wrong_claims")
        outside.installed.cache_clear()
        with pytest.raises(ValueError, match=r"entry point mine of probqual\.claims: AttributeError"):
            registry.find(["mine"])
    finally:
        outside.installed.cache_clear()
        registry.load.cache_clear()


def test_claims_that_do_not_apply_are_counted() -> None:
    """In one line, unless they are asked for; a claim about any finite model that is silent on this one says why."""
    (here,) = call("check", "--model", EXAMPLES / "c5.toml", "--only", "line").stdout.splitlines()[:1]
    assert here.startswith("line.identity holds: in every corpus the averages of L and R sum to log Z = 1.38629 less")
    lines = call("check", "--model", EXAMPLES / "c5.toml", "--only", "line").stdout.splitlines()
    assert len(lines) == 3
    assert lines[1].startswith(
        f"not checked here: {len(registry.find(['line'])) - 1} claims about other kinds of models"
    )
    assert lines[2] == "on c5.toml: 1 of 1 claims hold, 0 refuted, 0 undecided"


def words_of(text: str, claim_id: str) -> str:
    (claim,) = registry.find([claim_id])
    (found,) = check_on(parse_specification(text), "x", [claim])
    assert not isinstance(found, Silent)
    return found.said


TABLE = """[prior]
kind = "table"
strings = ["x", "y", "z"]
probs = [{probs}]
[reward]
exp_values = [{rewards}]
"""


@pytest.mark.parametrize(
    ("probs", "rewards", "claim_id", "says"),
    [
        # C5 by hand: p+ = (2, 3, 6)/11, log Z = log 4
        ('"1/11","2/11","8/11"', '"8","6","3"', "alignment.gibbs", "log Z = 1.38629"),
        ('"1/11","2/11","8/11"', '"8","6","3"', "adaptors.exchange", "-1.92374 is outside [-1, 0], and a small global"),
        ('"1/11","2/11","8/11"', '"8","6","3"', "adaptors.exchange", "does this: trades R for L"),
        ('"1/11","2/11","8/11"', '"8","6","3"', "adaptors.interior", "p+ is not Pareto-optimal"),
        # C1, R = L + log 7: b = -1/2, k = 1/2, and V = 4 Var L
        ('"1/7","2/7","4/7"', '"1","2","4"', "adaptors.exchange", "-0.5 is between -1 and 0, and a small global"),
        ('"1/7","2/7","4/7"', '"1","2","4"', "adaptors.slope-bound", "k/(1 - k) = 1 nats per nat of E L"),
        ('"1/7","2/7","4/7"', '"1","2","4"', "adaptors.interior", "one line that does not fall"),
        ('"1/7","2/7","4/7"', '"1","2","4"', "correlation.sharp", "does not force Corr(L, R) = 1"),
        # R = c - L/2: a falling line
        ('"1/21","4/21","16/21"', '"4","2","1"', "adaptors.interior", "one falling line"),
        # R = c - L: V = 0
        ('"1/7","2/7","4/7"', '"4","2","1"', "adaptors.exchange", "all strings have the same p+, V = 0"),
        ('"1/3","1/3","1/3"', '"2","2","2"', "adaptors.interior", "all strings have the same L and R"),
        # constant reward: p+ = p
        ('"1/7","2/7","4/7"', '"1","1","1"', "alignment.secret-reward", "KL(p+ || p) = 0"),
    ],
)
def test_what_holds_is_said_with_the_models_numbers(probs: str, rewards: str, claim_id: str, says: str) -> None:
    assert says in words_of(TABLE.format(probs=probs, rewards=rewards), claim_id)
