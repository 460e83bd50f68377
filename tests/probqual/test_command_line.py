"""The command line: what it prints, what it writes and where, and the three exit statuses."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from flint import arb, fmpq
from typer.testing import CliRunner

from probqual import commands
from probqual.command_line import CommandFiles, app
from theory.claims import registry
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile
from theory.claims.registry import claims
from theory.report import ngrams, paper_check, studies
from theory.report import pages as report_pages
from theory.report.paper_check import README_MARKS

CLAIMS = claims()

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = [p for p in sorted((ROOT / "examples").glob("*.toml")) if "[prior]" in p.read_text(encoding="utf-8")]
NONE = next(claim for claim in CLAIMS if claim.id == "adaptors.none")

CHECK_KEYS = [
    "id",
    "verdict",
    "evidence",
    "clauses",
    "instances",
    "residual",
    "seconds",
    "controls",
    "figure",
    "sampled",
]
CONTROL_KEYS = ["name", "breaks", "verdict", "witness"]
MODEL_KEYS = {
    "log_partition",
    "entropy",
    "varentropy",
    "mean_log_prior",
    "mean_reward",
    "var_log_prior",
    "var_reward",
    "cov",
    "corr",
    "exchange_coefficient",
}
CORPUS_KEYS = {"typical_probability", "chebyshev_bound", "conditional_corr", "conditional_corr_limit"}
OTHER_KEYS = {"adaptors", "spectral_radius", "critical_temperature"}
ADAPTOR_KEYS = {
    "name",
    "value",
    "normalise",
    "mean_log_prior",
    "mean_reward",
    "entropy",
    "kl_to_aligned",
    "cross_entropy",
    "kl_local_global",
    "w_max",
    "acceptance",
    "exchange_coefficient",
}


def run(*arguments: str) -> Any:
    """The command in this process, in a terminal narrower than any message: exit_code, stdout, stderr."""
    return CliRunner(env={"COLUMNS": "40"}).invoke(app, list(arguments))


def refused(done: Any) -> str:
    """The one line of a command that ended with status 2 and printed nothing else."""
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("probqual: ")
    return str(line)


def files(folder: Path) -> dict[str, str]:
    """Every file below a folder, with its text."""
    return {str(p.relative_to(folder)): p.read_text("utf-8") for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, in no checkout."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with a report in it; the current folder is one below."""
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "probqual"\n', "utf-8")
    (tmp_path / "paper_check.md").write_text("# Old\n\nlast line\n", "utf-8")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    return tmp_path


# --- claims -------------------------------------------------------------------------------------------------------


def test_claims() -> None:
    """Every claim, one line each in the registry's order, however long: this is no terminal."""
    done = CliRunner(env={"COLUMNS": None}).invoke(app, ["claims"])
    assert done.exit_code == 0
    assert done.stderr == ""
    lines = [line for line in done.stdout.splitlines() if not line.startswith(" ")]
    assert [line.split()[0] for line in lines] == [claim.id for claim in CLAIMS]
    assert [" ".join(line.split()[1:]) for line in lines] == [claim.title for claim in CLAIMS]


def test_claims_of_one_id() -> None:
    """Clauses, formulas, hypotheses, source and every control, none of them cut or read as markup."""
    done = run("claims", "adaptors.none")
    assert done.exit_code == 0
    for text in (
        NONE.id,
        NONE.source,
        *NONE.hypotheses,
        *(c.text for c in NONE.clauses),
        *(c.breaks for c in NONE.controls),
    ):
        assert text in done.stdout
    assert "adaptors.exchange" not in done.stdout


def test_claims_of_a_family() -> None:
    done = run("claims", "simpson", "line.identity")
    assert done.exit_code == 0
    shown = [line.split()[0] for line in done.stdout.splitlines() if "." in line[:20] and not line.startswith(" ")]
    assert shown == [c.id for c in CLAIMS if c.id == "line.identity" or c.id.startswith("simpson.")]


def test_claims_in_json(outside: Path) -> None:
    """To standard output alone, or to a file and nothing to standard output."""
    done = run("claims", "--json", "-")
    assert done.exit_code == 0
    listed = json.loads(done.stdout)
    assert [entry["id"] for entry in listed] == [claim.id for claim in CLAIMS]
    assert {"id", "title", "clauses", "hypotheses", "source", "controls"} <= set(listed[0])
    assert run("claims", "adaptors.none", "--json", "none.json").exit_code == 0
    (entry,) = json.loads(files(outside).pop("none.json"))
    assert entry == next(e for e in listed if e["id"] == "adaptors.none")
    assert set(files(outside)) == {"none.json"}


@pytest.mark.parametrize("command", [["claims"], ["check", "--profile", "quick", "--only"]])
def test_unknown_id(command: list[str], outside: Path) -> None:
    """Status 2 and one line that names the id and what there is; nothing is run or written."""
    line = refused(run(*command, "adaptors.nine", "--json", "out.json"))
    assert "'adaptors.nine'" in line
    assert "adaptors.none" in line
    assert files(outside) == {}


@pytest.mark.parametrize("command", [["claims"], ["check", "--only", "adaptors.none", "--profile", "quick"]])
def test_json_that_cannot_be_written(command: list[str], outside: Path) -> None:
    done = run(*command, "--json", "nowhere/out.json")
    assert done.exit_code == 2
    assert "nowhere/out.json" in done.stderr.splitlines()[-1]
    assert files(outside) == {}


# --- check --------------------------------------------------------------------------------------------------------


def test_check_one_claim(checkout: Path) -> None:
    """The entry has the keys of the contract, and the report in the checkout is left alone."""
    before = files(checkout)
    done = run("check", "--only", "adaptors.none", "--profile", "quick", "--jobs", "1", "--json", "out.json")
    assert done.exit_code == 0, done.output
    after = files(checkout)
    (entry,) = json.loads(after.pop("below/out.json"))
    assert after == before
    assert list(entry) == CHECK_KEYS
    assert entry["id"] == "adaptors.none"
    assert entry["verdict"] in {"PROVED", "CERTIFIED"}
    assert [clause["text"] for clause in entry["clauses"]] == [clause.text for clause in NONE.clauses]
    assert {"text", "grade", "evidence"} <= set(entry["clauses"][0])
    assert entry["instances"][:3] == ["C1, every law", "C1", "C3"]
    assert 0 <= entry["residual"] < 1e-60
    assert entry["seconds"] > 0
    for control, described in zip(NONE.controls, entry["controls"], strict=True):
        assert list(described) == CONTROL_KEYS
        assert (described["name"], described["breaks"]) == (control.name, control.breaks)
        assert described["verdict"] == "REFUTED"
        assert set(described["witness"]) == {"case", "label", "value", "spec"}
    assert "adaptors.none" in done.stdout
    assert f"{len(NONE.controls)} of {len(NONE.controls)}" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["--only", "adaptors.none", "correlation.sharp"],
        ["--only", "correlation.sharp", "--only", "adaptors.none"],
        ["--only", "adaptors.none", "correlation.sharp", "adaptors.none"],
    ],
)
def test_several_ids_after_only(arguments: list[str], outside: Path) -> None:
    """Each claim once, in the registry's order, as plain JSON on standard output and nothing else there."""
    done = run("check", *arguments, "--profile", "quick", "--jobs", "1", "--json", "-")
    assert done.exit_code == 0, done.output
    assert [entry["id"] for entry in json.loads(done.stdout)] == ["correlation.sharp", "adaptors.none"]
    assert files(outside) == {}


def test_a_family_after_only() -> None:
    done = run("check", "--only", "prompts", "--profile", "quick", "--jobs", "1", "--json", "-")
    assert done.exit_code == 0, done.output
    expected = [claim.id for claim in CLAIMS if claim.id.startswith("prompts.")]
    assert [entry["id"] for entry in json.loads(done.stdout)] == expected


def test_full_profile_of_one_claim_writes_no_report(checkout: Path) -> None:
    before = files(checkout)
    assert run("check", "--only", "adaptors.none", "--jobs", "1").exit_code == 0
    assert files(checkout) == before


def test_another_seed_gives_the_same_verdict() -> None:
    done = run(
        "check", "--only", "correlation.sharp", "--profile", "quick", "--seed", "7", "--jobs", "1", "--json", "-"
    )
    assert done.exit_code == 0
    assert json.loads(done.stdout)[0]["verdict"] == "PROVED"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--verify", "--profile", "quick"],
        ["--verify", "--only", "adaptors.none"],
        ["--verify", "--seed", "1"],
        ["--output", "report.md", "--profile", "quick"],
        ["--output", "report.md", "--only", "adaptors.none"],
        ["adaptors.none"],
        ["adaptors.none", "--profile", "quick"],
    ],
)
def test_check_refuses(arguments: list[str], checkout: Path) -> None:
    """The report is of all claims in the full profile; ids come after --only."""
    before = files(checkout)
    assert "--only" in refused(run("check", *arguments))
    assert files(checkout) == before


@pytest.mark.parametrize("arguments", [["--profile", "medium"], ["--jobs", "0"], ["--seed", "-1"], ["--nonsense"]])
def test_check_refuses_unknown_settings(arguments: list[str], checkout: Path) -> None:
    before = files(checkout)
    done = run("check", "--only", "adaptors.none", *arguments)
    assert done.exit_code == 2
    assert arguments[0] in done.output
    assert files(checkout) == before


def test_verify_outside_a_checkout(outside: Path) -> None:
    assert "paper_check.md" in refused(run("check", "--verify"))
    assert files(outside) == {}


# --- check with claims made up ------------------------------------------------------------------------------------


def one(value: Any) -> Callable[[Profile], list[Case]]:
    return lambda profile: [Case("the case", value)]


def is_zero(value: Any) -> Iterator[Finding]:
    yield Finding("the number", value)


def made_up(value: Any, broken: Any = fmpq(1)) -> Claim:
    """The claim that a value is 0, with a control that says so of another."""
    control = Control("the-control", "says it of something else", is_zero, one(broken))
    clauses = (Clause("only", "the number is 0"),)
    return dataclasses.replace(
        NONE, id="made.up", clauses=clauses, check=is_zero, cases=one(value), controls=(control,), figure=None
    )


def use(
    monkeypatch: pytest.MonkeyPatch, *claims: Claim, text: str = "# Report\n", beside: dict[str, str] | None = None
) -> None:
    """Make these all the claims there are, the studies nothing, and these texts the front page and those beside it."""
    by_id = {claim.id: claim for claim in claims}
    monkeypatch.setattr(registry, "modules", lambda: dict.fromkeys(by_id, ""))
    monkeypatch.setattr(registry, "load", by_id.__getitem__)
    monkeypatch.setattr(studies, "toy_study", lambda: None)
    monkeypatch.setattr(studies, "words_study", lambda beta: None)
    monkeypatch.setattr(studies, "trigram_study", lambda beta: None)
    monkeypatch.setattr(studies, "audit_study", lambda: ())
    for name in ("adapted_rows", "reward_rows"):
        monkeypatch.setattr(ngrams, name, tuple)
    monkeypatch.setattr(ngrams, "ngram_study", lambda rows, adapted: None)
    monkeypatch.setattr(paper_check, "readme_table", lambda report: "| the table |")
    monkeypatch.setattr(report_pages, "pages", lambda report: {"paper_check.md": text} | (beside or {}))


@pytest.mark.parametrize(
    ("value", "broken", "says"),
    [
        (fmpq(1, 3), fmpq(1), "made.up FAILS on the case: the number is 1/3"),
        (arb(0, 1), fmpq(1), "made.up FAILS on the case: the number is 0"),
        (fmpq(0), fmpq(0), "made.up: control the-control is CERTIFIED, not REFUTED"),
        (fmpq(0), arb(0, 1), "made.up: control the-control is UNDECIDED, not REFUTED"),
    ],
    ids=["refuted", "undecided", "control holds", "control undecided"],
)
def test_a_verdict_that_differs(
    value: Any, broken: Any, says: str, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Status 1, what fails is printed, and the JSON is written all the same."""
    use(monkeypatch, made_up(value, broken))
    done = run("check", "--profile", "quick", "--jobs", "1", "--json", "out.json")
    assert done.exit_code == 1, done.output
    assert says in done.stdout
    (entry,) = json.loads(files(outside)["out.json"])
    assert entry["id"] == "made.up"
    assert (entry["verdict"] == "CERTIFIED") == (value == fmpq(0))


def test_a_number_without_bounds(outside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An identity whose ball is the whole line is UNDECIDED: status 1, and JSON, not an error about JSON."""
    use(monkeypatch, made_up(arb(0, float("inf"))))
    done = run("check", "--profile", "quick", "--jobs", "1", "--json", "out.json")
    assert done.exit_code == 1, done.output
    assert json.loads(files(outside)["out.json"])[0]["verdict"] == "UNDECIDED"


def test_a_slip_of_our_own_is_not_bad_input(outside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A claim whose check stops with a ValueError is a fault of the program: status 2 is for what the user gave."""

    def slips(value: Any) -> Iterator[Finding]:
        raise ValueError("a slip")
        yield

    use(monkeypatch, dataclasses.replace(made_up(fmpq(0)), check=slips))
    done = run("check", "--profile", "quick", "--jobs", "1")
    assert done.exit_code not in (0, 2)


def test_all_claims_write_the_report(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the checkout that the current folder belongs to, and then --verify agrees with it."""
    use(monkeypatch, made_up(fmpq(0)), text="# New\n\nlast line\n")
    done = run("check", "--jobs", "1")
    assert done.exit_code == 0, done.output
    assert (checkout / "paper_check.md").read_text("utf-8") == "# New\n\nlast line\n"
    before = files(checkout)
    assert run("check", "--verify", "--jobs", "1").exit_code == 0
    assert files(checkout) == before


def test_verify_says_where_the_report_differs(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Status 1, the first line that differs with its number and both versions; the file stays."""
    before = files(checkout)
    for text, number in (("# Old\n\nother line\n", 3), ("# Old\n\nlast line\nmore\n", 4), ("# Old\n", 2)):
        use(monkeypatch, made_up(fmpq(0)), text=text)
        done = run("check", "--verify", "--jobs", "1")
        assert done.exit_code == 1
        assert f"paper_check.md:{number} differs" in done.stderr
    assert files(checkout) == before


def test_verify_sees_the_end_of_the_file(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file without its last newline, or with one too many, is not what the code writes."""
    text = "# Old\n\nlast line\n"
    use(monkeypatch, made_up(fmpq(0)), text=text)
    for other in (text + "\n", text[:-1]):
        (checkout / "paper_check.md").write_text(other, "utf-8")
        assert run("check", "--verify", "--jobs", "1").exit_code == 1, repr(other)


def test_every_page_is_written_and_compared(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a whole checkout the pages stand beside the report; a page that differs or is left over is status 1."""
    (checkout / "README.md").write_text(f"# R\n\n{README_MARKS[0]}\n{README_MARKS[1]}\n", "utf-8")
    beside = {"docs/claims/made.up.md": "# made.up\n", "examples/witnesses/made.up.toml": "x = 1\n"}
    use(monkeypatch, made_up(fmpq(0)), beside=beside)
    left_over = checkout / "docs" / "claims" / "older.md"
    left_over.parent.mkdir(parents=True)
    left_over.write_text("# older\n", "utf-8")
    done = run("check", "--jobs", "1")
    assert done.exit_code == 0, done.output
    assert "and 3 pages beside it" in done.stderr
    assert not left_over.exists()
    assert "\n| the table |\n" in (checkout / "README.md").read_text("utf-8")
    assert {path: (checkout / path).read_text("utf-8") for path in beside} == beside
    assert run("check", "--verify", "--jobs", "1").exit_code == 0
    left_over.write_text("# older\n", "utf-8")
    done = run("check", "--verify", "--jobs", "1")
    assert done.exit_code == 1
    assert "older.md is of an older report" in done.stderr
    left_over.unlink()
    (checkout / "examples" / "witnesses" / "made.up.toml").write_text("x = 2\n", "utf-8")
    done = run("check", "--verify", "--jobs", "1")
    assert done.exit_code == 1
    assert "made.up.toml:1 differs" in done.stderr
    assert "3 of 4 pages are what the code writes" in done.stderr


def test_a_report_of_a_failing_claim_is_written_with_status_one(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, made_up(fmpq(2)))
    assert run("check", "--jobs", "1").exit_code == 1
    assert (checkout / "paper_check.md").read_text("utf-8") == "# Report\n"
    assert run("check", "--verify", "--jobs", "1").exit_code == 1


def test_outside_a_checkout_nothing_but_json_is_written(outside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All claims in the full profile: no report, unless --output names a file."""
    use(monkeypatch, made_up(fmpq(0)))
    done = run("check", "--jobs", "1", "--json", "out.json")
    assert done.exit_code == 0, done.output
    assert set(files(outside)) == {"out.json"}
    assert "--output" in done.stderr
    assert run("check", "--jobs", "1", "--output", "report.md").exit_code == 0
    assert files(outside)["report.md"] == "# Report\n"
    assert set(files(outside)) == {"out.json", "report.md"}


def test_another_project_is_no_checkout(outside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (outside / "pyproject.toml").write_text('[project]\nname = "another"\n', "utf-8")
    use(monkeypatch, made_up(fmpq(0)))
    before = files(outside)
    assert run("check", "--jobs", "1").exit_code == 0
    assert files(outside) == before


# --- exact --------------------------------------------------------------------------------------------------------


def certified(found: dict[str, Any], accuracy: Fraction = Fraction(1, 10**20)) -> None:
    """NAME_ball = [midpoint, radius] in decimals: an interval around the float beside it, up to its rounding.

    The radius is small beside the number; large back-off models are summed in float64, with a bound.
    """
    for name, ball in found.items():
        if name.endswith("_ball"):
            middle, radius = (Fraction(text) for text in ball)
            value = Fraction(found[name.removesuffix("_ball")])
            assert abs(value - middle) <= radius + abs(middle) * Fraction(1, 2**53)
            assert 0 <= radius <= accuracy * max(1, abs(middle))


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=pytest.mark.slow if path.stem == "tree" else ()) for path in EXAMPLES],
    ids=lambda path: path.stem,
)
def test_examples(path: Path, outside: Path) -> None:
    """Every example ends with status 0, and its JSON has every key of the contract."""
    done = run("exact", str(path), "--json", "out.json")
    assert done.exit_code == 0, done.output
    found = json.loads(files(outside)["out.json"])
    assert set(files(outside)) == {"out.json"}
    assert set(found) >= MODEL_KEYS | CORPUS_KEYS | OTHER_KEYS
    assert found["status"] == "OK"
    assert all(isinstance(found[key], float) for key in MODEL_KEYS)
    accuracy = Fraction(1, 10**6 if path.stem == "speeches" else 10**20)
    certified(found, accuracy)
    for entry in found["adaptors"]:
        assert set(entry) >= ADAPTOR_KEYS
        certified(entry, accuracy)
    assert found["typical_probability"] is None or 0 <= found["typical_probability"] <= 1
    assert "entropy" in done.stdout


def test_there_are_examples() -> None:
    assert {"c1", "c2", "c3", "c4", "c5", "toy", "tree"} <= {path.stem for path in EXAMPLES}


def test_exact_prints_json_alone(outside: Path) -> None:
    """--json - : JSON on standard output, nothing else there, no file."""
    done = run("exact", str(ROOT / "examples" / "c4.toml"), "--json", "-")
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert found["exchange_coefficient"] == 0.5
    assert found["entropy"] == pytest.approx(1.0549201679861442, rel=1e-15)
    assert files(outside) == {}


def test_exact_prints_a_table(outside: Path) -> None:
    """Without --json nothing is written; the numbers are printed with their radii."""
    done = run("exact", str(ROOT / "examples" / "c5.toml"))
    assert done.exit_code == 0
    assert "exchange coefficient b" in done.stdout
    assert "-1.92373664" in done.stdout
    assert files(outside) == {}


def test_exact_without_a_corpus(outside: Path) -> None:
    """The corpus keys are there and null; so are those of automata for a table."""
    (outside / "spec.toml").write_text(
        '[prior]\nkind = "table"\nstrings = ["x", "y"]\nprobs = ["1/3", "2/3"]\n[reward]\nexp_values = [1, 2]\n',
        "utf-8",
    )
    found = json.loads(run("exact", "spec.toml", "--json", "-").stdout)
    assert [found[key] for key in sorted(CORPUS_KEYS)] == [None] * 4
    assert found["spectral_radius"] is None
    assert found["critical_temperature"] is None
    assert found["adaptors"] == []


# --- help ---------------------------------------------------------------------------------------------------------


def test_help_lists_the_commands() -> None:
    """Each with the first line of its own help; without a command the same is shown."""
    done = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["--help"])
    assert done.exit_code == 0
    listed = dict(re.findall(r"^  (\w+)  +(\S.*)$", done.stdout.partition("Commands:")[2], re.MULTILINE))
    assert list(listed) == list(CommandFiles())
    for name, line in listed.items():
        text = inspect.getdoc(getattr(importlib.import_module(f"probqual.commands.{name}"), name)) or ""
        assert line.rstrip(".") in text.partition("\n")[0]
    alone = CliRunner(env={"COLUMNS": "200"}).invoke(app, [])
    assert (alone.exit_code, alone.stdout, alone.stderr) == (0, done.stdout, "")


def test_unknown_command() -> None:
    """Status 2, and the command that was meant."""
    line = refused(run("chekc"))
    assert "'chekc'" in line
    assert "'check'" in line


def test_a_new_command_is_one_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file in the folder of the commands is listed and called by its name."""
    text = 'def greet(name: str) -> None:\n    """Greet."""\n    print("hello", name)\n'
    (tmp_path / "greet.py").write_text(text, "utf-8")
    monkeypatch.setattr(commands, "__path__", [*commands.__path__, str(tmp_path)])
    try:
        assert re.search(r"^  greet +Greet\.$", run("--help").stdout, re.MULTILINE)
        assert run("greet", "you").stdout == "hello you\n"
        assert "Example: probqual exact" in run("exact", "--help").stdout
    finally:
        sys.modules.pop("probqual.commands.greet", None)


# --- processes ----------------------------------------------------------------------------------------------------


def process(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The command as a person starts it, away from the checkout."""
    return subprocess.run(
        [sys.executable, "-m", "probqual", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.slow
def test_process_check(tmp_path: Path) -> None:
    """Two worker processes, progress on standard error as plain lines, JSON on standard output, no file."""
    done = process(
        "check",
        "--only",
        "adaptors.none",
        "correlation.sharp",
        "--profile",
        "quick",
        "--jobs",
        "2",
        "--json",
        "-",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert [entry["id"] for entry in json.loads(done.stdout)] == ["correlation.sharp", "adaptors.none"]
    assert sorted(line.split()[0] for line in done.stderr.splitlines()) == ["1/2", "2/2"]
    assert "\x1b" not in done.stdout + done.stderr
    assert files(tmp_path) == {}


def test_process_exact(tmp_path: Path) -> None:
    done = process("exact", str(ROOT / "examples" / "c1.toml"), "--json", "out.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
    assert json.loads(files(tmp_path)["out.json"])["corr"] == pytest.approx(1, abs=1e-15)
    assert set(files(tmp_path)) == {"out.json"}


def test_process_bad_input(tmp_path: Path) -> None:
    done = process("claims", "nothing", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("probqual: no claim 'nothing'; known: ")
    assert len(done.stderr.splitlines()) == 1
    assert files(tmp_path) == {}


def test_processes_of_a_check_have_one_thread_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless the user has said how many; and what the command itself has stays as it was."""
    check = importlib.import_module("probqual.commands.check")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    before = dict(os.environ)
    with check._one_thread_each():
        assert {name: os.environ[name] for name in check.THREADS} == {
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "3",
            "MKL_NUM_THREADS": "1",
        }
    assert dict(os.environ) == before
