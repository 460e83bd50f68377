"""Errors as lines and exit statuses: what is the user's, what is ours, and what is shown of each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from probqual.command_line import app
from probqual.errors import BadInput, Stopped, bad_files, bad_values, exit_status, optional_libraries


def raising(error: BaseException) -> Callable[[], Any]:
    def call() -> Any:
        raise error

    return call


@pytest.mark.parametrize(
    ("call", "status", "said"),
    [
        (lambda: None, 0, ""),
        (lambda: 1, 1, ""),
        (lambda: 130, 130, "stopped; nothing half-written is left, the same command starts again\n"),
        (raising(BadInput("beta:\n  must be > 0")), 2, "probqual: beta: must be > 0\n"),
        (raising(BadInput("a \x1b[1m b \0 \u2028 c")), 2, "probqual: a \\x1b[1m b \\x00 c\n"),
        (raising(BadInput("a" * 9999 + ", got z")), 2, f"probqual: {'a' * 490} ... {'a' * 293}, got z\n"),
        (raising(Stopped("stopped; go on")), 130, "stopped; go on\n"),
        (raising(ValueError("a slip")), 70, "probqual: unexpected ValueError: a slip; --debug shows where\n"),
        (raising(KeyError("x" * 999)), 70, f"probqual: unexpected KeyError: '{'x' * 299}; --debug shows where\n"),
    ],
)
def test_statuses(call: Callable[[], Any], status: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_status(call, lambda: False) == status
    found = capsys.readouterr()
    assert (found.out, found.err) == ("", said)


def test_debug(capsys: pytest.CaptureFixture[str]) -> None:
    """A traceback to where it came from in front of the line; an error of ours is not caught."""

    def call() -> Any:
        with bad_values():
            int("seven")

    assert exit_status(call, lambda: True) == 2
    *trace, line = capsys.readouterr().err.splitlines()
    assert line == "probqual: invalid literal for int() with base 10: 'seven'"
    assert any('int("seven")' in text for text in trace)
    with pytest.raises(ZeroDivisionError):
        exit_status(lambda: 1 // 0, lambda: True)


def test_files(tmp_path: Path) -> None:
    """Of an error that names its file, either can be said: that file, or what the user named."""
    (tmp_path / "run").mkdir()
    missing = tmp_path / "run" / "{key}.json"
    for says, expected in (("{file}: {reason}", f"{missing}: No such"), ("{place}: gone", f"{tmp_path / 'run'}: gone")):
        with pytest.raises(BadInput) as caught, bad_files(tmp_path / "run", says):
            missing.read_text("utf-8")
        assert str(caught.value).startswith(expected)
    with pytest.raises(BadInput, match=r"^run: no more space$"), bad_files(Path("run"), "{file}: {reason}"):
        raise OSError("no more space")


def test_a_path_with_a_nul() -> None:
    """No file has such a name, and Python says so by a ValueError, before any file is touched."""
    with pytest.raises(BadInput, match=r"'a\\x00b': a path holds no NUL"), bad_files(Path("a\0b"), "{place}"):
        raise AssertionError("is not reached")


@pytest.mark.parametrize(
    "arguments",
    [
        ("exact", "a\0b"),
        ("exact", "SPEC", "--json", "a\0b"),
        ("exact", "SPEC", "--json", "x" * 300),
        ("exact", "SPEC", "--json", "SPEC/out.json"),
        ("claims", "--json", "a\0b"),
        ("explore", "--output", "a\0b"),
        ("figures", "toy", "--output", "a\0b"),
        ("sample", "a\0b"),
        ("sample", "SPEC", "--output", "a\0b"),
        ("analyse", "a\0b"),
        ("sweep", "a\0b"),
        ("sweep", "SPEC", "--output", "a\0b"),
    ],
)
def test_paths_that_cannot_be(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """One line and exit 2, whichever argument it is."""
    if arguments[0] in {"sample", "analyse", "sweep"}:
        pytest.importorskip("torch" if arguments[0] != "sweep" else "joblib")
    spec = Path(__file__).resolve().parents[2] / "examples" / "c5.toml"
    done = CliRunner().invoke(app, [one.replace("SPEC", str(spec)) for one in arguments])
    assert done.exit_code == 2, done.output
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("probqual: ")


def test_other_errors_pass() -> None:
    """Each context takes its own kind alone: a slip of ours stays one."""
    for context in (bad_values(), bad_files(Path(), ""), optional_libraries("needs it", "bridge")):
        with pytest.raises(ZeroDivisionError), context:
            raise ZeroDivisionError


def test_missing_library() -> None:
    with pytest.raises(BadInput) as caught, optional_libraries("needs bread", "bakery"):
        import no_such_module  # noqa: F401
    assert str(caught.value) == "needs bread (No module named 'no_such_module'); install probqual[bakery]"
