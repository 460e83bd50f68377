"""All rows of the table of ratios, measured one after the other, and what is kept of them."""

from __future__ import annotations

import cProfile
import datetime
import importlib.util
import pstats
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from simulations.bench import automata, growth, laws, machine, ngrams, projection, samplers
from simulations.bench.growth import SERIES
from simulations.bench.timing import Benchmark, Disagreement, Work, measure, time_spent
from theory.report.records import BenchRecord, BenchRow, Growth, PhysicalLimit, Rates, TimeSpent

_BRIDGE = ("torch", "transformers", "pyarrow")

REGRESSION = 0.6
"""A median ratio below this share of the predicted one has become slower."""


def rows() -> tuple[Benchmark, ...]:
    """Those of which this environment has everything that the project itself needs."""
    found = (*laws.ROWS, *automata.ROWS, *ngrams.ROWS, *samplers.ROWS)
    if all(importlib.util.find_spec(name) for name in _BRIDGE):
        from simulations.bench import real, stored, transformer

        return (*found, *transformer.ROWS, *real.ROWS, *stored.ROWS)
    return found


def chosen(names: Sequence[str]) -> tuple[Benchmark, ...]:
    """The rows with these names; all for none.

    Raises:
        ValueError: a name that no row has.
    """
    known = {row.name: row for row in rows()}
    for name in names:
        if name not in known:
            raise ValueError(f"no benchmark {name!r}; known: {', '.join(known)}")
    return tuple(known[name] for name in names) if names else tuple(known.values())


def able(names: Sequence[str]) -> tuple[list[Benchmark], dict[str, list[str]]]:
    """(the rows with these names that can be measured here, and of the others what each lacks).

    Raises:
        ValueError: a name that no row has.
    """
    wanted = chosen(names)
    missing = {row.name: lacking(row) for row in wanted if lacking(row)}
    return [row for row in wanted if row.name not in missing], missing


def record(
    measurable: Sequence[Benchmark], *, rounds: int, checkout: Path | None, advance: Callable[[str], None]
) -> BenchRecord:
    """Rows and environment; of a whole one also how cost grows and what larger work costs.

    Args:
        measurable: rows whose packages are all installed.
        rounds: of each row, at most.
        checkout: if given, growth is measured too, and what a sweep like its examples/sweep.toml would cost.
        advance: told the name of what has been measured.

    Raises:
        Disagreement: the two sides of a row differ.
    """
    rows = []
    for row in measurable:
        rows.append(measured(row, rounds=rounds))
        advance(row.name)
    found = BenchRecord(
        rows=tuple(rows),
        machine=machine.description(),
        versions=machine.versions(),
        rates=machine.rates(),
        measured=datetime.date.today().isoformat(),
    )
    if checkout is not None:
        series = []
        for one in SERIES:
            series.append(grown(one))
            advance(f"growth of {one.name}")
        whole = projection.rates(checkout / "examples" / "sweep.toml")
        found = replace(found, growth=tuple(series), projection=whole)
    return found


def lacking(row: Benchmark) -> list[str]:
    """What a row needs and is not installed here."""
    return [name for name in row.packages if importlib.util.find_spec(name) is None]


def measured(row: Benchmark, *, rounds: int = 9) -> BenchRow:
    """One row: seconds and ratios, the limit, and a profile where the aim is not reached.

    Raises:
        Disagreement: the two sides differ.
    """
    work = row.prepare()
    timed = measure(work, rounds=rounds)
    met = timed.ratio.median >= row.aim
    limit = work.limit
    return BenchRow(
        name=row.name,
        work=row.work,
        peer=row.peer,
        aim=row.aim,
        met=met,
        rounds=timed.rounds,
        ratio=timed.ratio,
        ours=timed.ours,
        theirs=timed.theirs,
        limit=None if limit is None else PhysicalLimit(limit.what, limit.seconds, timed.ours.median / limit.seconds),
        profile=None if met else profile(work.ours),
        leans=row.leans,
    )


def profile(work: Work) -> tuple[TimeSpent, ...]:
    """Where the time of a call goes: the functions with the largest share of their own."""
    profiler = cProfile.Profile()
    profiler.runcall(work)
    return time_spent(pstats.Stats(profiler))


def grown(series: growth.Series) -> Growth:
    """One series, with its slopes."""
    points = list(growth.grow(series))
    return Growth(
        name=series.name,
        work=series.work,
        unit=series.unit,
        points=tuple(points),
        time_slope=growth.slope(points, lambda p: p.seconds),
        memory_slope=growth.slope(points, lambda p: float(p.memory)),
    )


def predicted(row: BenchRow, before: Rates, here: Rates) -> float:
    """The median ratio that a recorded row should have on another machine: each side's time as its rate changed.

    ratio_here = ratio_before (ours_here / ours_before) (peer_before / peer_here), with the rates that the two sides
    lean on.
    """
    ours, theirs = (getattr(here, name) / getattr(before, name) for name in row.leans)
    return row.ratio.median * float(ours / theirs)


def slower(found: BenchRecord, recorded: BenchRecord) -> list[str]:
    """What has become slower than the record predicts for this machine, as ratios to the peers: a line for each row."""
    before = {row.name: row for row in recorded.rows}
    lines = []
    for row in found.rows:
        if row.name not in before:
            continue
        expected = predicted(before[row.name], recorded.rates, found.rates)
        if row.ratio.median < REGRESSION * expected:
            lines.append(
                f"{row.name}: {row.ratio.median:.3g} times the peer; {expected:.3g} times is predicted for this "
                f"machine from {before[row.name].ratio.median:.3g} times on the recorded one"
            )
    return lines


__all__ = [
    "REGRESSION",
    "SERIES",
    "Disagreement",
    "able",
    "chosen",
    "grown",
    "lacking",
    "measured",
    "predicted",
    "profile",
    "record",
    "rows",
    "slower",
]
