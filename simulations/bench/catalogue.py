"""All rows of the table of ratios, measured one after the other, and what is kept of them."""

from __future__ import annotations

import cProfile
import importlib.util
import pstats
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from simulations.bench import automata, growth, laws, machine, projection, samplers
from simulations.bench.growth import SERIES
from simulations.bench.timing import Disagreement, Row, Timed, measure

_BRIDGE = ("torch", "transformers", "pyarrow")

REGRESSION = 0.6
"""A median ratio below this share of the recorded one has become slower."""


def rows() -> tuple[Row, ...]:
    """Those of which this environment has everything that the project itself needs."""
    found = (*laws.ROWS, *automata.ROWS, *samplers.ROWS)
    if all(importlib.util.find_spec(name) for name in _BRIDGE):
        from simulations.bench import transformer

        return (*found, *transformer.ROWS)
    return found


def chosen(names: Sequence[str]) -> tuple[Row, ...]:
    """The rows with these names; all for none.

    Raises:
        ValueError: a name that no row has.
    """
    known = {row.name: row for row in rows()}
    for name in names:
        if name not in known:
            raise ValueError(f"no benchmark {name!r}; known: {', '.join(known)}")
    return tuple(known[name] for name in names) if names else tuple(known.values())


def able(names: Sequence[str]) -> tuple[list[Row], dict[str, list[str]]]:
    """(the rows with these names that can be measured here, and of the others what each lacks).

    Raises:
        ValueError: a name that no row has.
    """
    wanted = chosen(names)
    missing = {row.name: lacking(row) for row in wanted if lacking(row)}
    return [row for row in wanted if row.name not in missing], missing


def record(
    measurable: Sequence[Row], *, rounds: int, checkout: Path | None, advance: Callable[[str], None]
) -> dict[str, Any]:
    """Rows with their environment, and for a whole record how cost grows and what larger work would cost.

    Args:
        measurable: rows whose packages are all installed.
        rounds: of each row, at most.
        checkout: if given, growth is measured too, and what a sweep like its examples/sweep.toml would cost.
        advance: told the name of what has been measured.

    Raises:
        Disagreement: the two sides of a row differ.
    """
    found: dict[str, Any] = {"rows": []}
    for row in measurable:
        found["rows"].append(measured(row, rounds=rounds))
        advance(row.name)
    found |= environment()
    if checkout is not None:
        found["growth"] = []
        for series in SERIES:
            found["growth"].append(grown(series))
            advance(f"growth of {series.name}")
        found["projection"] = projection.rates(checkout / "examples" / "sweep.toml")
    return found


def lacking(row: Row) -> list[str]:
    """What a row needs and is not installed here."""
    return [name for name in row.packages if importlib.util.find_spec(name) is None]


def measured(row: Row, *, rounds: int = 9) -> dict[str, Any]:
    """One row as JSON: seconds and ratios, the limit, and a profile where the aim is not reached.

    Raises:
        Disagreement: the two sides differ.
    """
    pair = row.prepare()
    timed: Timed = measure(pair, rounds=rounds)
    met = timed.ratio.median >= row.aim
    limit = pair.limit
    return {
        "name": row.name,
        "work": row.work,
        "peer": row.peer,
        "aim": row.aim,
        "met": met,
        "rounds": timed.rounds,
        "ratio": asdict(timed.ratio),
        "ours": asdict(timed.ours),
        "theirs": asdict(timed.theirs),
        "limit": None if limit is None else asdict(limit) | {"times": timed.ours.median / limit.seconds},
        "profile": None if met else profile(pair.ours),
    }


def profile(work: Callable[[], Any], most: int = 6) -> list[dict[str, Any]]:
    """Where the time of a call goes: the functions with the largest share of their own."""
    profiler = cProfile.Profile()
    profiler.runcall(work)
    stats = pstats.Stats(profiler).stats  # type: ignore[attr-defined]
    whole = sum(own for _, _, own, _, _ in stats.values())
    heaviest = sorted(stats.items(), key=lambda item: -item[1][2])[:most]
    return [
        {"function": name.strip("<>"), "share": own / whole, "calls": calls}
        for (_, _, name), (_, calls, own, _, _) in heaviest
    ]


def grown(series: growth.Series) -> dict[str, Any]:
    """One series as JSON, with its slopes."""
    points = list(growth.grow(series))
    return {
        "name": series.name,
        "work": series.work,
        "unit": series.unit,
        "points": [asdict(point) for point in points],
        "time_slope": growth.slope(points, lambda p: p.seconds),
        "memory_slope": growth.slope(points, lambda p: float(p.memory)),
    }


def environment() -> dict[str, Any]:
    """The machine, its rates and the versions."""
    return {"machine": machine.description(), "versions": machine.versions(), "rates": machine.rates()}


def slower(found: Sequence[dict[str, Any]], recorded: Sequence[dict[str, Any]]) -> list[str]:
    """What has become slower, as ratios to the peers: a line for each row."""
    before = {row["name"]: row["ratio"]["median"] for row in recorded}
    return [
        f"{row['name']}: {row['ratio']['median']:.3g} times the peer, recorded {before[row['name']]:.3g} times"
        for row in found
        if row["name"] in before and row["ratio"]["median"] < REGRESSION * before[row["name"]]
    ]


__all__ = [
    "REGRESSION",
    "SERIES",
    "Disagreement",
    "able",
    "chosen",
    "environment",
    "grown",
    "lacking",
    "measured",
    "profile",
    "record",
    "rows",
    "slower",
]
