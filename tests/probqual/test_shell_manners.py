"""What a shell expects of a command: help with an example, one line for an error, standard streams, signals."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import probqual
from probqual.command_line import CommandFiles, app
from theory.quantities import answer

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-c", "import probqual; probqual.main()"]

SPEC = """
[prior]
kind = "table"
strings = ["x", "y"]
probs = ["1/3", "2/3"]
[reward]
exp_values = ["1", "2"]
"""


def shell(*arguments: str, given: str = "", **environment: str) -> Any:
    """The command as a process of its own."""
    return subprocess.run(
        [*COMMAND, *arguments],
        input=given,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | environment,
        check=False,
    )


def test_commands_are_those_of_the_contract() -> None:
    wanted = {
        "check",
        "claims",
        "exact",
        "figures",
        "compare",
        "sample",
        "score",
        "analyse",
        "engines",
        "conform",
        "convert",
        "train",
        "bench",
        "explore",
        "sweep",
    }
    assert set(CommandFiles()) == wanted


@pytest.mark.parametrize("name", CommandFiles())
def test_help_has_an_example(name: str) -> None:
    """Every command says what it does, in a sentence, and how it is called."""
    done = CliRunner().invoke(app, [name, "--help"], env={"TERM": "dumb", "COLUMNS": "200"})
    assert done.exit_code == 0
    assert re.search(rf"Example: probqual {name}\b", done.output)
    assert "--help" in done.output


def test_completion_is_offered() -> None:
    """For bash, without a word that belongs elsewhere."""
    done = shell("--show-completion", "bash", SHELL="/bin/bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert done.returncode == 0
    assert "_PROBQUAL_COMPLETE" in done.stdout or "complete" in done.stdout


def test_version() -> None:
    done = shell("--version")
    assert done.returncode == 0
    assert re.fullmatch(r"probqual \d+\.\d+\.\d+\n", done.stdout)


def test_specification_from_standard_input() -> None:
    """The same numbers as from a file, as JSON on standard output alone."""
    done = shell("exact", "-", "--json", "-", given=SPEC)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["log_partition"] == pytest.approx(0.5108256237659907)
    assert done.stderr == ""


def test_an_exact_zero_is_shown_as_zero() -> None:
    """The adaptor that keeps one string has entropy 0: a ball around 0 is not printed as 1e-77."""
    done = shell("exact", "-", given=SPEC + '[[adaptor]]\nname = "top_k"\nvalue = 1\n')
    (row,) = [line for line in done.stdout.splitlines() if "top_k 1" in line]
    assert row.split("│")[6].strip() == "0"
    assert not re.search(r"\de-\d\d", row)


def test_error_in_standard_input_is_named() -> None:
    done = shell("exact", "-", given=SPEC.replace("2/3", "3/3"))
    assert done.returncode == 2
    assert done.stderr.startswith("probqual: standard input: ")
    assert done.stderr.count("\n") == 1


def test_debug_shows_where() -> None:
    """The traceback on standard error, and still the line and the status."""
    done = shell("--debug", "exact", "-", given="[prior")
    assert done.returncode == 2
    assert "Traceback" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("probqual: standard input: TOML syntax")


def test_unexpected_error_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A slip of ours: neither 0, 1 nor 2, no traceback unless asked for."""

    def slip(*_: Any, **__: Any) -> Any:
        raise RuntimeError("a slip\nof two lines")

    monkeypatch.setattr(answer, "quantities", slip)
    monkeypatch.setattr(sys, "argv", ["probqual", "exact", str(ROOT / "examples" / "c1.toml")])
    with pytest.raises(SystemExit) as caught:
        probqual.main()
    assert caught.value.code == 70
    assert capsys.readouterr().err == "probqual: unexpected RuntimeError: a slip of two lines; --debug shows where\n"
    monkeypatch.setattr(sys, "argv", ["probqual", "--debug", "exact", str(ROOT / "examples" / "c1.toml")])
    with pytest.raises(RuntimeError):
        probqual.main()


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["exact"], 2, "Missing argument"),
        (["nothing"], 2, "No such command"),
        (["check", "--profile", "slow"], 2, "slow"),
        (["claims", "nothing"], 2, "no claim 'nothing'"),
        (["bench", "speed", "--here"], 2, "no benchmark 'speed'"),
    ],
)
def test_mistakes(arguments: list[str], status: int, words: str) -> None:
    done = shell(*arguments)
    assert done.returncode == status
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_no_colour() -> None:
    """NO_COLOR is respected although a terminal is feigned; nothing is styled where standard output is none."""
    assert "\x1b[" not in shell("exact", "examples/c1.toml").stdout
    feigned = shell("exact", "examples/c1.toml", NO_COLOR="1", FORCE_COLOR="1").stdout
    assert not re.search(r"\x1b\[[\d;]*[349]\d", feigned)


@pytest.mark.slow
def test_interrupted(tmp_path: Path) -> None:
    """Ctrl-C in the middle: nothing half-written, a line that says what to do, status 130."""
    process = subprocess.Popen(
        [*COMMAND, "check", "--profile", "full", "--jobs", "1", "--output", str(tmp_path / "report.md")],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
        start_new_session=True,
        # a shell that starts jobs in the background has them ignore the signal
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stderr is not None
    process.stderr.readline()  # the first claim is done
    time.sleep(0.2)
    os.killpg(process.pid, signal.SIGINT)
    _, text = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stopped; nothing half-written is left" in text
    assert "Traceback" not in text
    assert list(tmp_path.iterdir()) == []
