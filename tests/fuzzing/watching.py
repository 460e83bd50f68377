"""Commands on many files, in this process: what they exit with, how long they take, how much memory."""

from __future__ import annotations

import resource
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from probqual.command_line import app

MOST_SECONDS, MOST_BYTES = 10.0, 1 << 30

_HANGS = 120
"""Seconds on the clock after which an input is given up."""


@dataclass(slots=True)
class Seen:
    """What came out of the inputs so far."""

    statuses: Counter[int] = field(default_factory=Counter)
    slowest: float = 0.0
    slow_text: str = ""
    failures: list[str] = field(default_factory=list)
    before: int = field(default_factory=lambda: _peak())

    @property
    def memory(self) -> int:
        """By how much the inputs raised the most that this process has had, bytes: other tests may run in it, too."""
        return _peak() - self.before


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


Check = Callable[[Any, Path, Seen], None]
"""Runs a command on an input, in an empty folder."""


def invoked(seen: Seen, shown: str, *arguments: str | Path) -> Any:
    """The command's outcome: exit 0, 1 or 2, within time and memory, and one line where it is 2.

    Args:
        seen: counts it.
        shown: the input, for the report.
        arguments: of the command line.
    """
    start = time.process_time()
    with _alarm():
        result = CliRunner(env={"COLUMNS": "400"}).invoke(app, [str(a) for a in arguments])
    spent = time.process_time() - start
    seen.statuses[result.exit_code] += 1
    if spent > seen.slowest:
        seen.slowest, seen.slow_text = spent, shown[:4000]
    assert result.exit_code in {0, 1, 2}, result.output
    assert spent < MOST_SECONDS, f"{spent:.1f} s"
    assert seen.memory < MOST_BYTES, f"{seen.memory / 2**20:.0f} MiB"
    if result.exit_code == 2:
        lines = result.stderr.strip().splitlines()
        assert lines, "exit 2 without a word"
        assert sum(line.startswith("probqual: ") for line in lines) == 1, result.output
        assert lines[-1].startswith("probqual: "), result.output
        assert "\x1b" not in lines[-1], repr(lines[-1])
        assert len(lines[-1]) < 4000, lines[-1][:200]
    return result


@contextmanager
def _alarm() -> Iterator[None]:
    def give_up(number: int, frame: object) -> None:
        raise TimeoutError(f"not done after {_HANGS} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(_HANGS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def run(strategy: st.SearchStrategy[Any], check: Check, inputs: int, *, derandomize: bool = False) -> Seen:
    """That many inputs, at random or the same ones each time; what fails is kept, and the others are tried, too."""
    seen = Seen()
    with tempfile.TemporaryDirectory() as root:

        @settings(
            max_examples=inputs,
            deadline=None,
            database=None,
            derandomize=derandomize,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(strategy)
        def fuzz(given_input: Any) -> None:
            folder = Path(root) / "input"
            folder.mkdir()
            try:
                check(given_input, folder, seen)
            except Exception as error:  # an assertion, or what a command should have caught
                seen.failures.append(f"{type(error).__name__}: {str(error)[:400]}\n{str(given_input)[:3000]}")
            finally:
                shutil.rmtree(folder)

        fuzz()
    return seen
