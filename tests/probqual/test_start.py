"""What a command imports before it has anything to do, and what it leaves alone altogether: how fast it starts.

tests/test_architecture.py holds what the modules of the command line import; here whole processes are looked at.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

CALL = """
import sys
sys.argv = ["probqual", *sys.argv[1:]]
import probqual
try:
    probqual.main()
finally:
    print(*sys.modules, file=sys.stderr)
"""

HEAVY = {"numpy", "scipy", "sympy", "flint", "matplotlib", "numba", "torch", "transformers", "pyarrow", "rich"}
"""Libraries that take long to import."""

PARTS = {"simulations", "figures", "theory.claims"}
"""Parts of the project that few commands need."""

OF_AUTOMATA = {"theory.automata", "theory.language_models.automaton", "theory.specification.automaton"}
"""What infinitely many strings need."""

OF_SCIPY = {
    "scipy.fft",
    "scipy.integrate",
    "scipy.linalg",
    "scipy.optimize",
    "scipy.sparse",
    "scipy.special",
    "scipy.stats",
}
"""What takes long in scipy; it is imported where it is first used."""


def imported(*arguments: str, **environment: str) -> tuple[str, set[str]]:
    """Standard output of a command, and the modules that its process has imported when it ends."""
    command = [sys.executable, "-c", CALL, *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, set(done.stderr.splitlines()[-1].split())


def completing(words: str) -> dict[str, str]:
    """The environment in which bash asks how the line goes on."""
    return {"_PROBQUAL_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}


@pytest.mark.parametrize(
    ("arguments", "environment", "says"),
    [
        (("--version",), {}, "probqual "),
        (("--help",), {}, "Compute everything about one model"),
        ((), {}, "Usage: probqual"),
        (("check", "--help"), {}, "Example: probqual check"),
        ((), completing("probqual ex"), "exact\nexplore"),
        ((), completing("probqual compare --pl"), "--plant"),
    ],
    ids=["version", "help", "nothing", "help of a command", "completed command", "completed option"],
)
def test_nothing_heavy_is_imported_to_answer(
    arguments: tuple[str, ...], environment: dict[str, str], says: str
) -> None:
    """Not by a question about the command line itself."""
    output, modules = imported(*arguments, **environment)
    assert says in output
    assert "typer" in modules
    assert not modules & (HEAVY | PARTS)


def test_a_table_needs_no_more_than_its_arithmetic() -> None:
    """exact imports numpy, flint and what prints, no part of scipy, and of the project neither claims nor sampling."""
    output, modules = imported("exact", "examples/c1.toml")
    assert "exchange coefficient b" in output
    assert modules & (HEAVY | PARTS) == {"numpy", "flint", "rich", "scipy"}
    assert not modules & (OF_SCIPY | OF_AUTOMATA)
    assert "html.entities" not in modules


def test_an_automaton_needs_scipy() -> None:
    """That what is looked for is found where it is there."""
    _, modules = imported("exact", "examples/automaton.toml", "--json", "-")
    assert modules >= {"scipy.sparse", "scipy.linalg", *OF_AUTOMATA}
    assert "rich" not in modules
