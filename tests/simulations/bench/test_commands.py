"""Whole commands: what is counted of a process, what is compared, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from simulations.bench import command_rows
from simulations.bench.commands import Command, Run, alike, build, described, measured, spent
from simulations.bench.pages import benchmarks_page
from simulations.bench.timing import Disagreement
from theory.report.records import MedianRange, TimeSpent, bench_record, command_record, earlier_bench_record

ROOT = Path(__file__).resolve().parents[3]

AIMS = {
    "version": 1 / 1.2,
    "help": 1 / 1.2,
    "exact-c1": 1 / 3,
    "exact-rational": 3,
    "exact-corpus-command": 1 / 1.5,
    "typicality-build": 3,
    "automaton-build": 3,
    "sweep-build": 5,
    "check-full": 2.5,
    "sample-prompt": 3.5,
}


def script(text: str, *, timed: bool = False) -> Run:
    return Run(("-c", text), ROOT, timed=timed)


def test_seconds_and_peak_of_the_process_alone(tmp_path: Path) -> None:
    """64 MiB and 0.3 s of a child's child are counted; what this process holds is not."""
    held = bytearray(200 << 20)
    worker = "import time; data = b'x' * (64 << 20)\nwhile time.process_time() < 0.3: pass"
    found = spent(script(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {worker!r}])"), tmp_path)
    assert found.seconds >= 0.3
    assert 64 << 20 <= found.peak < 128 << 20
    assert len(held) > found.peak


def test_a_process_that_times_itself(tmp_path: Path) -> None:
    found = spent(script("print('noise'); print('[2.5, [1, 0.5]]')", timed=True), tmp_path)
    assert (found.seconds, found.answer) == (2.5, [1, 0.5])


def test_a_process_that_fails_is_named(tmp_path: Path) -> None:
    with pytest.raises(Disagreement, match=r"fails: (?s:.)*ZeroDivisionError"):
        spent(script("1 / 0"), tmp_path)


def test_modules_come_from_the_tree(tmp_path: Path) -> None:
    """Of the folder that the run names, although this environment has another copy."""
    (tmp_path / "theory.py").write_text("WHERE = 7\n", encoding="utf-8")
    text = "import json, theory; print(json.dumps([1, theory.WHERE]))"
    assert spent(Run(("-c", text), tmp_path, timed=True), tmp_path).answer == 7


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"a": [1.0, "x"]}, {"a": [1.0 + 1e-9, "x"]}, True),
        ({"a": [1.0, "x"]}, {"a": [1.0 + 1e-5, "x"]}, False),
        ({"a": 1.0}, {"b": 1.0}, False),
        ([1.0], [1.0, 1.0], False),
        ("PROVED", "REFUTED", False),
        (None, None, True),
        (0.0, 0.0, True),
    ],
)
def test_alike(one: object, other: object, same: bool) -> None:
    assert alike(one, other) is same


def command(ours: str, theirs: str, **settings: float) -> Command:
    return Command(
        name="made-up",
        work="nothing",
        peer="nothing else",
        aim=settings.get("aim", 0.1),
        peak=settings.get("peak"),
        sides=lambda now, before, folder: (script(ours, timed=True), script(theirs, timed=True)),
    )


def test_a_row(tmp_path: Path) -> None:
    """Theirs over ours, round by round; without a profile where the aim is reached."""
    row = measured(command("print('[2.0, 1]')", "print('[6.0, 1]')", aim=2.5), tmp_path, tmp_path, rounds=2)
    assert row.ratio == MedianRange(3.0, 3.0, 3.0)
    assert (row.met, row.rounds, row.profile) == (True, 2, None)


@pytest.mark.parametrize("settings", [{"aim": 4.0}, {"aim": 1.0, "peak": 0.1}])
def test_an_aim_that_is_not_reached_has_a_profile(tmp_path: Path, settings: dict[str, float]) -> None:
    work = "def slow():\n    return sum(i * i for i in range(300_000))\nslow()\nprint('[2.0, 1]')"
    row = measured(command(work, "print('[6.0, 1]')", **settings), tmp_path, tmp_path, rounds=2)
    assert not row.met
    assert row.profile is not None
    assert row.profile[0].function == "genexpr"
    assert row.profile[0].calls == 300_001


def test_other_answers_are_not_timed(tmp_path: Path) -> None:
    with pytest.raises(Disagreement, match="made-up: 1 against 2"):
        measured(command("print('[2.0, 1]')", "print('[6.0, 2]')"), tmp_path, tmp_path, rounds=2)


def test_the_build_of_a_commit(tmp_path: Path) -> None:
    """The files as they were committed, not as they are."""
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org"]
    (tmp_path / "a.txt").write_text("then", encoding="utf-8")
    for words in (["init", "--quiet"], ["add", "a.txt"], ["commit", "--quiet", "-m", "x"]):
        subprocess.run([*git, *words], cwd=tmp_path, check=True)
    (tmp_path / "a.txt").write_text("now", encoding="utf-8")
    with build(tmp_path, "HEAD") as folder:
        assert (folder / "a.txt").read_text(encoding="utf-8") == "then"
    assert not folder.exists()
    assert len(described(tmp_path, "HEAD")) == 2
    for commit in ("nowhere", "HEAD:a.txt", "--output=x"):
        with pytest.raises(ValueError, match=f"{commit}: git has no such commit here"):
            described(tmp_path, commit)
    assert not (tmp_path / "x").exists()


def test_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [row.name for row in command_rows.chosen(["help", "version"])] == ["help", "version"]
    with pytest.raises(ValueError, match="no command 'speed'; known: version, help"):
        command_rows.chosen(["speed"])
    lacking = replace(command_rows.ROWS[0], packages=("no_such_package",))
    monkeypatch.setattr(command_rows, "ROWS", (lacking,))
    with pytest.raises(ValueError, match="version: needs no_such_package"):
        command_rows.chosen([])


@pytest.mark.parametrize("name", ["version", "exact-c1", "exact-corpus-command"])
def test_a_real_row_in_small(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both sides run, and where they answer, they answer alike."""
    monkeypatch.setattr(command_rows, "LONG", 50)
    (row,) = command_rows.chosen([name])
    ours, theirs = (spent(side, tmp_path) for side in row.sides(ROOT, ROOT, tmp_path))
    assert alike(ours.answer, theirs.answer)
    assert min(ours.seconds, theirs.seconds) > 0
    assert (ours.answer is not None) == (name == "exact-corpus-command")


def test_every_command_is_recorded() -> None:
    """All rows, with their aims; a shortfall has its profile."""
    found = command_record()
    assert {row.name: row.aim for row in found.rows} == AIMS
    for row in found.rows:
        fits = row.peak_aim is None or row.our_peak.median <= row.peak_aim * row.their_peak.median
        assert row.met == (row.ratio.median >= row.aim and fits)
        assert row.met or row.profile


def test_a_shortfall_is_said() -> None:
    record = command_record()
    row = replace(record.rows[0], met=False, profile=(TimeSpent("slow_part", 0.75, 12),), peak_aim=0.65)
    text = benchmarks_page(bench_record(), earlier_bench_record(), replace(record, rows=(row,)))
    part = text.partition("## Whole commands")[2].partition("## How cost grows")[0]
    assert "| 0.83, memory <= 0.65 | **not met** |" in part
    assert "Not met: probqual --version. Where a call's time goes: 75 % slow_part (12 calls)." in part
    assert f"`probqual bench --against {record.against}`" in part


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--verify"], "--verify is of the rows without --against; leave one of the two out"),
        (["speed"], "no command 'speed'"),
        (["version"], "nowhere: git has no such commit here"),
    ],
)
def test_refusals(words: list[str], said: str) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "probqual", "bench", "--here", "--against", "nowhere", *words],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert told.returncode == 2
    assert said in told.stderr
    assert len(told.stderr.strip().splitlines()) == 1


def test_outside_of_a_checkout(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "probqual", "bench", "--here", "--against", "HEAD"],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    assert (told.returncode, told.stdout) == (2, "")
    assert "call it in a checkout" in told.stderr
