"""``probqual compare``: verdicts and exit statuses, planted faults, bad input, and what it writes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import simulations.agreement
from probqual.command_line import app
from simulations.agreement.faults import FAULTS
from theory.claims.registry import repeated

REPEATED = repeated()

ROW_KEYS = ["claim", "what", "exact", "estimate", "low", "high", "alpha", "draws", "verdict"]


def run(*arguments: str) -> Any:
    """The command in this process, without the models that need torch unless a device is named."""
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, ["compare", *arguments])


@pytest.fixture
def without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where torch is not installed: importing it fails."""
    monkeypatch.setitem(sys.modules, "simulations.agreement.models", None)
    monkeypatch.delattr(simulations.agreement, "models", raising=False)


def refused(done: Any) -> str:
    """The one line of a command that ended with status 2."""
    assert done.exit_code == 2, done.output
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("probqual: ")]
    assert done.stdout == ""
    return str(line)


def test_faults_are_listed() -> None:
    """A name a line, at least 20; as JSON with what each does wrong."""
    done = run("--list-plants")
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [fault.name for fault in FAULTS]
    assert len(FAULTS) >= 20
    described = json.loads(run("--list-plants", "--json", "-").stdout)
    assert described == [{"name": fault.name, "wrong": fault.wrong} for fault in FAULTS]


@pytest.mark.usefixtures("without_torch")
def test_agrees() -> None:
    """Every claim is there, SAMPLED, and the run says that the torch models were left out."""
    done = run("--profile", "quick", "--json", "-")
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert {row["claim"] for row in found["rows"]} == {claim.id for claim in REPEATED}
    assert all(list(row) == ROW_KEYS and row["verdict"] == "SAMPLED" for row in found["rows"])
    assert found["spent"] <= found["budget"] * (1 + 1e-9)
    assert found["differing"] == 0
    assert "tiny models are left out" in done.stderr


@pytest.mark.usefixtures("without_torch")
@pytest.mark.parametrize("name", ["inverted-ratio", "end-unscored"])
def test_planted_fault_differs(name: str) -> None:
    """Exit status 1, and the table says which claims do not agree."""
    done = run("--profile", "quick", "--plant", name)
    assert done.exit_code == 1
    assert "DIFFERS" in done.stdout


@pytest.mark.usefixtures("without_torch")
def test_table() -> None:
    """Claim, exact value, estimate, interval and verdict; the last line counts."""
    done = run("--profile", "quick", "--seed", "5")
    assert done.exit_code == 0
    head = done.stdout.splitlines()[0]
    assert all(word in head for word in ("claim", "exact", "estimate", "interval", "verdict"))
    assert done.stdout.splitlines()[-1].endswith("0 differ")


@pytest.mark.usefixtures("without_torch")
def test_draws_and_seed_are_used() -> None:
    """--draws is the number of draws; another seed gives other estimates of the same exact values."""
    one, two = (json.loads(run("--draws", "4000", "--seed", seed, "--json", "-").stdout) for seed in "12")
    assert one["draws"] == 4000
    assert [row["exact"] for row in one["rows"]] == [row["exact"] for row in two["rows"]]
    assert [row["estimate"] for row in one["rows"]] != [row["estimate"] for row in two["rows"]]


@pytest.mark.usefixtures("without_torch")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--plant", "nonsense"), "no fault 'nonsense'; known: always-accept"),
        (("--draws", "10"), "at least 1,000 draws"),
        (("--device", "cpu"), "--device needs torch"),
        (("--plant", "clamped", "--record", "record.json"), "leave --plant out"),
        (("--profile", "quick", "--json", "no/such/folder/x.json"), "cannot be written"),
    ],
)
def test_bad_input(arguments: tuple[str, ...], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line that says what is wrong, status 2, and nothing written."""
    monkeypatch.chdir(tmp_path)
    assert words in refused(run(*arguments))
    assert not list(tmp_path.iterdir())


def test_device_that_is_not_there() -> None:
    """torch is asked for it, and its reason is passed on in one line."""
    pytest.importorskip("torch")
    assert "--device nowhere: torch cannot use it here" in refused(run("--device", "nowhere"))


def test_tiny_models_are_compared() -> None:
    """With torch the rows of both kinds of tiny models are there, on the device that was named."""
    pytest.importorskip("transformers")
    done = run("--profile", "quick", "--device", "cpu", "--json", "-")
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert {"tiny llama", "tiny gpt2"} <= {row["what"].split(",")[0].split(":")[0] for row in found["rows"]}
    assert found["device"] == "cpu"


@pytest.mark.usefixtures("without_torch")
def test_record(tmp_path: Path) -> None:
    """The run without a fault, and what every planted fault did."""
    done = run("--profile", "quick", "--record", str(tmp_path / "record.json"))
    assert done.exit_code == 0
    record = json.loads((tmp_path / "record.json").read_text(encoding="utf-8"))
    assert [fault["name"] for fault in record["faults"]] == [fault.name for fault in FAULTS]
    assert all(fault["differing"] > 0 for fault in record["faults"])
