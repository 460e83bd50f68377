"""Whole commands, each in a process of its own, against the build of an earlier commit or against what they import.

What is timed is a process's CPU seconds, its children's included, with one thread for numerical libraries; and the most
memory that it held. A few rows time a function instead, in a process of either build.
"""

from __future__ import annotations

import datetime
import functools
import json
import os
import pstats
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from simulations.bench import machine
from simulations.bench.timing import Disagreement, median_range, time_spent
from theory.files import write_whole
from theory.report.records import CommandRecord, CommandRow, TimeSpent

Answer = Callable[[], object]

THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True, slots=True)
class Run:
    """One process of Python.

    Args:
        arguments: of python.
        tree: the checkout whose modules it imports.
        answer: what came out, read after the process has ended; None to compare nothing.
        timed: the process itself prints, last, the JSON of its seconds and its answer, and these count.
    """

    arguments: tuple[str, ...]
    tree: Path
    answer: Answer | None = None
    timed: bool = False


@dataclass(frozen=True, slots=True)
class Spent:
    """CPU seconds, bytes at the peak, and what came out."""

    seconds: float
    peak: int
    answer: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A row: ours and its peer.

    Args:
        name: a slug.
        work: what is done, in words.
        peer: with what it is compared.
        aim: their seconds over ours, to reach.
        peak: our memory over theirs, to stay below; None where none was set.
        sides: (ours, theirs) from the checkout, the earlier build, and a folder to write in.
        packages: modules that must be importable.
        rounding: relative differences of numbers that are none.
        alone: arguments that keep ours in one process, in which the profiler sees its work.
    """

    name: str
    work: str
    peer: str
    aim: float
    sides: Callable[[Path, Path, Path], tuple[Run, Run]]
    peak: float | None = None
    packages: tuple[str, ...] = ()
    rounding: float = 1e-6
    alone: tuple[str, ...] = ()


# --- running -------------------------------------------------------------------------------------------------------


# A process's peak begins with that of the one that started it, so that a small one does.
_WAITS = """
import json, os, subprocess, sys, tempfile
with tempfile.TemporaryFile() as out:
    process = subprocess.Popen(sys.argv[1:], stdout=out)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    out.seek(0)
    text = out.read().decode(errors="replace")
print(json.dumps([usage.ru_utime + usage.ru_stime, 1024 * usage.ru_maxrss, text]))
sys.exit(process.returncode)
"""


def spent(run: Run, folder: Path) -> Spent:
    """Run it in a folder outside of every checkout, so that it writes nothing unasked.

    Raises:
        Disagreement: it failed.
    """
    environment = os.environ | THREADS | {"PYTHONPATH": str(run.tree), "NO_COLOR": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # or every process compiles all that it imports
    command = [sys.executable, *run.arguments]
    told = subprocess.run(
        [sys.executable, "-S", "-c", _WAITS, *command],
        cwd=folder,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    if told.returncode:
        raise Disagreement(f"python {' '.join(run.arguments)[:200]} in {run.tree} fails: {told.stderr[-300:]}")
    seconds, peak, text = json.loads(told.stdout)
    answer = run.answer() if run.answer is not None else None
    if run.timed:
        seconds, answer = json.loads(text.splitlines()[-1])
    return Spent(seconds, peak, answer)


def measured(row: Command, now: Path, before: Path, *, rounds: int, budget: float = 60.0) -> CommandRow:
    """Both sides by turns, after one run of each that warms caches up and shows that they answer alike.

    Args:
        row: what is measured.
        now: this checkout.
        before: the earlier build.
        rounds: at most; at least two.
        budget: seconds after which no further round begins.

    Raises:
        Disagreement: they do not answer alike, or one fails.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours, theirs = row.sides(now, before, folder)
        found, others = spent(ours, folder), spent(theirs, folder)
        if not alike(found.answer, others.answer, row.rounding):
            raise Disagreement(f"{row.name}: {str(found.answer)[:80]} against {str(others.answer)[:80]}")
        pairs: list[tuple[Spent, Spent]] = []
        start = time.monotonic()
        while len(pairs) < rounds and (len(pairs) < 2 or time.monotonic() - start < budget):
            pairs.append((spent(ours, folder), spent(theirs, folder)))
        ratio = median_range([theirs.seconds / ours.seconds for ours, theirs in pairs])
        peaks = [median_range([float(pair[k].peak) for pair in pairs]) for k in (0, 1)]
        met = ratio.median >= row.aim and (row.peak is None or peaks[0].median <= row.peak * peaks[1].median)
        return CommandRow(
            name=row.name,
            work=row.work,
            peer=row.peer,
            aim=row.aim,
            peak_aim=row.peak,
            met=met,
            rounds=len(pairs),
            ratio=ratio,
            ours=median_range([pair[0].seconds for pair in pairs]),
            theirs=median_range([pair[1].seconds for pair in pairs]),
            our_peak=peaks[0],
            their_peak=peaks[1],
            profile=None if met else profiled(replace(ours, arguments=(*ours.arguments, *row.alone)), folder),
        )


def alike(one: object, other: object, relative: float = 1e-6) -> bool:
    """Equal; numbers, which two builds may round differently, to so much."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(value, other[key], relative) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(functools.partial(alike, relative=relative), one, other))
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= relative * max(abs(one), abs(other))
    return one == other


def profiled(run: Run, folder: Path) -> tuple[TimeSpent, ...]:
    """Where the time of the process goes: its own functions with the largest share, children left out."""
    out = folder / "profile"
    if run.arguments[0] == "-c":
        script = folder / "script.py"
        write_whole(script, run.arguments[1])
        arguments = ("-m", "cProfile", "-o", str(out), str(script), *run.arguments[2:])
    else:
        arguments = ("-m", "cProfile", "-o", str(out), *run.arguments)
    spent(Run(arguments, run.tree), folder)
    return time_spent(pstats.Stats(str(out)))


def described(root: Path, commit: str) -> tuple[str, str]:
    """(the short name of a commit, its day).

    Raises:
        ValueError: the checkout has no such commit.
    """
    asked = ["git", "log", "-1", "--format=%h %cs", "--end-of-options", f"{commit}^{{commit}}"]
    told = subprocess.run(asked, cwd=root, check=False, capture_output=True, text=True)
    if told.returncode:
        raise ValueError(f"{commit}: git has no such commit here: {told.stderr.strip().splitlines()[0]}")
    short, day = told.stdout.split()
    return short, day


@contextmanager
def build(root: Path, commit: str) -> Iterator[Path]:
    """The files of a commit in a folder of their own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive = folder / "archive.tar"
        subprocess.run(["git", "archive", "--output", str(archive), commit], cwd=root, check=True, capture_output=True)
        with tarfile.open(archive) as tar:
            tar.extractall(folder / "build", filter="data")
        yield folder / "build"


def record(
    root: Path, commit: str, wanted: Sequence[Command], *, rounds: int, advance: Callable[[str], None]
) -> CommandRecord:
    """These rows, with their environment.

    Args:
        root: this checkout.
        commit: the earlier one.
        wanted: which rows.
        rounds: of each row, at most; at least two.
        advance: told the name of what has been measured.

    Raises:
        ValueError: the checkout has no such commit.
        Disagreement: two sides of a row do not answer alike, or one fails.
    """
    found = []
    short, day = described(root, commit)
    with build(root, short) as before:
        for row in wanted:
            found.append(measured(row, root, before, rounds=rounds))
            advance(row.name)
    return CommandRecord(
        rows=tuple(found),
        against=short,
        committed=day,
        machine=machine.description(),
        versions=machine.versions(),
        measured=datetime.date.today().isoformat(),
    )


__all__ = [
    "Answer",
    "Command",
    "Run",
    "Spent",
    "alike",
    "build",
    "described",
    "measured",
    "profiled",
    "record",
    "spent",
]
