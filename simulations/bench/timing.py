"""Two ways to do one piece of work, timed by turns in one process."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Work = Callable[[], Any]

_LEAST_SECONDS = 0.02
"""A round repeats short work until it has lasted this long."""


class Disagreement(ArithmeticError):
    """The two ways do not give the same number; their times mean nothing."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What no program can beat on this machine: the least seconds that one unit of our work could take.

    Args:
        what: the physical step that cannot be left out, in words.
        seconds: that it takes at the measured rate of this machine.
    """

    what: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Pair:
    """The same work twice.

    Args:
        ours, theirs: what is timed.
        agree: raises Disagreement unless the two results are the same answer; called once, not timed.
        ours_units, theirs_units: how many units of work one call does.
        limit: None where none is known.
    """

    ours: Work
    theirs: Work
    agree: Callable[[Any, Any], None]
    ours_units: float = 1
    theirs_units: float = 1
    limit: Limit | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table of ratios.

    Args:
        name: a slug.
        work: what is done, in words.
        peer: with what ours is compared.
        aim: the ratio to reach.
        packages: modules that must be importable.
        prepare: builds the pair; building is not timed.
    """

    name: str
    work: str
    peer: str
    aim: float
    packages: tuple[str, ...]
    prepare: Callable[[], Pair]


@dataclass(frozen=True, slots=True)
class Spread:
    """The least, the median and the largest of several measurements."""

    low: float
    median: float
    high: float

    @staticmethod
    def of(values: list[float]) -> Spread:
        """Of at least one value."""
        return Spread(min(values), statistics.median(values), max(values))


@dataclass(frozen=True, slots=True)
class Timed:
    """What was measured of a row: seconds per unit on both sides, and theirs over ours, round by round."""

    ours: Spread
    theirs: Spread
    ratio: Spread
    rounds: int


def measure(pair: Pair, *, rounds: int = 9, budget: float = 30.0) -> Timed:
    """Time both by turns, so that a slow moment of the machine hits both; one round of each warms up.

    Args:
        pair: the same work twice.
        rounds: at most.
        budget: seconds after which no further round begins; at least two are made.

    Raises:
        Disagreement: the results differ.
    """
    pair.agree(pair.ours(), pair.theirs())
    calls = [_calls(work) for work in (pair.ours, pair.theirs)]
    ours: list[float] = []
    theirs: list[float] = []
    start = time.perf_counter()
    while len(ours) < rounds and (len(ours) < 2 or time.perf_counter() - start < budget):
        ours.append(seconds(pair.ours, calls[0]) / pair.ours_units)
        theirs.append(seconds(pair.theirs, calls[1]) / pair.theirs_units)
    ratios = [slow / fast for fast, slow in zip(ours, theirs, strict=True)]
    return Timed(Spread.of(ours), Spread.of(theirs), Spread.of(ratios), len(ours))


def seconds(work: Work, calls: int = 1) -> float:
    """Seconds of one call, the mean of several in a row."""
    start = time.perf_counter()
    for _ in range(calls):
        work()
    return (time.perf_counter() - start) / calls


def _calls(work: Work) -> int:
    """How many calls a round needs."""
    return max(1, int(_LEAST_SECONDS / max(seconds(work), 1e-9)))


def close(relative: float) -> Callable[[Any, Any], None]:
    """Numbers agree to so much, relative to the second."""

    def agree(ours: Any, theirs: Any) -> None:
        pairs = zip(ours, theirs, strict=True) if isinstance(theirs, tuple | list) else [(ours, theirs)]
        for one, other in pairs:
            if not abs(one - other) <= relative * abs(other):
                raise Disagreement(f"{one!r} against {other!r}")

    return agree


__all__ = ["Disagreement", "Limit", "Pair", "Row", "Spread", "Timed", "close", "measure", "seconds"]
