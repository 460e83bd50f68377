"""``make branches``: a small claim with an unreached branch and a silent case, and some of the real ones."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.branches import Notes, Row, table, telling, watch

ROOT = Path(__file__).resolve().parents[3]

SMALL = """
def size(x):
    return "small" if x < 3 else "large"

def check(x):
    if x == 0 or x > 9:
        return
    for divisor in [d for d in range(2, x) if x % d == 0]:
        yield finding(f"{size(divisor)} divisor")
    while x > 100:
        x -= 1
    try:
        yield finding(1 / (x - 1))
    except ZeroDivisionError:
        yield finding("one")

def never_entered(x):
    return 1 if x else 2

def broken(x):
    yield finding("", "fails" if x == 12 and not size(x) == "small" else "holds")
"""


def watched(cases: list[int], control: list[int]) -> tuple[Row, Notes]:
    """The small claim on these numbers, and its control on those."""
    notes = Notes()
    made: dict[str, Any] = {
        "__branches__": notes,
        "finding": lambda _, outcome="holds": SimpleNamespace(outcome=outcome),
    }
    exec(telling(SMALL, "small.py", notes), made)

    def listed(numbers: list[int]) -> Any:
        return lambda _: [SimpleNamespace(name=str(x), content=x) for x in numbers]

    controls = [SimpleNamespace(check=made["broken"], cases=listed(control))]
    claim = SimpleNamespace(id="a.small", check=made["check"], cases=listed(cases), controls=controls)
    return watch(claim, None, notes), notes


def test_unreached_branches_and_silent_cases() -> None:
    """2 has no divisor of its own; 0 is silent; nothing is above 9, none of the divisors is 3 or more, no x is 1."""
    row, notes = watched([0, 2, 4], [])
    assert row == Row("a.small", 3, ("0",))
    assert notes.unreached() == [
        "small.py:3 size: x < 3 -> false",
        "small.py:6 check: x > 9 -> true",
        "small.py:10 check: x > 100 -> true",
        "small.py:14 check: except ZeroDivisionError -> body",
    ]


def test_a_control_reaches_a_branch_up_to_its_witness() -> None:
    """12 is the witness: it takes "large"; what comes after it is not looked at, nor what only controls enter."""
    assert "small.py:3 size: x < 3 -> false" not in watched([0, 2, 4], [5, 12])[1].unreached()
    assert "small.py:3 size: x < 3 -> false" in watched([0, 2, 4], [5])[1].unreached()


def test_everything_reached() -> None:
    """0, 10, 1 and 6 = 2 * 3 leave nothing but the loop, which no case of at most 9 enters."""
    assert watched([0, 10, 1, 6], [])[1].unreached() == ["small.py:10 check: x > 100 -> true"]


def test_the_module_computes_what_it_did() -> None:
    """Conditions that tell keep their meaning: the same findings as from the plain source."""
    plain: dict[str, Any] = {"finding": str}
    exec(SMALL, plain)
    told: dict[str, Any] = {"finding": str, "__branches__": Notes()}
    exec(telling(SMALL, "small.py", told["__branches__"]), told)
    assert all(list(plain["check"](x)) == list(told["check"](x)) for x in range(12))


def test_the_table_names_silent_cases() -> None:
    """Seven silent cases: six names and an ellipsis."""
    _, line = table([Row("a.small", 9, tuple("abcdefg"))])
    assert line.split() == ["a.small", "9", "7", "a,", "b,", "c,", "d,", "e,", "f,", ".."]


def test_real_claims() -> None:
    """Cases reach every branch of these checks; in a process of its own, before any claim is loaded."""
    ids = ["adaptors.exchange", "alignment.gibbs", "automata.partition"]
    command = [sys.executable, "-m", "tests.branches", *ids]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    header, *lines, blank, last = done.stdout.splitlines()
    assert header.split() == ["claim", "cases", "silent"]
    assert sorted(line.split()[0] for line in lines) == ids
    assert (blank, last) == ("", "0 branches unreached")
