"""Two ways to do one piece of work, timed by turns in one process."""

from __future__ import annotations

import pstats
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from theory.report.records import MedianRange, TimeSpent

Work = Callable[[], object]

Ours = TypeVar("Ours")
Theirs = TypeVar("Theirs")

Answer = float | Sequence[float]

MEMORY, UNIFORMS, EXPONENTIALS, WORDS, FLOPS, SORTING, PYTHON = (
    "bytes_per_second",
    "uniforms_per_second",
    "exponentials_per_second",
    "word_products_per_second",
    "float32_flops_per_second",
    "sorted_per_second",
    "python_steps_per_second",
)
"""What a row may lean on: the rates of a machine."""

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
class TwoWays:
    """The same work done in two ways; make one with ``two_ways``.

    Args:
        ours, theirs: what is timed.
        check: raises Disagreement unless a call of each gives the same answer; not timed.
        ours_units, theirs_units: how many units of work one call does.
        limit: None where none is known.
    """

    ours: Work
    theirs: Work
    check: Callable[[], None]
    ours_units: float = 1
    theirs_units: float = 1
    limit: Limit | None = None


def two_ways(
    ours: Callable[[], Ours],
    theirs: Callable[[], Theirs],
    agree: Callable[[Ours, Theirs], None],
    *,
    ours_units: float = 1,
    theirs_units: float = 1,
    limit: Limit | None = None,
) -> TwoWays:
    """Two ways to do one piece of work.

    Args:
        ours: one of them.
        theirs: the other.
        agree: raises Disagreement unless the two results are the same answer.
        ours_units: units of work that a call of ours does.
        theirs_units: units that a call of theirs does.
        limit: what no program can beat.
    """
    return TwoWays(ours, theirs, lambda: agree(ours(), theirs()), ours_units, theirs_units, limit)


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A line of the table of ratios.

    Args:
        name: a slug.
        work: what is done, in words.
        peer: with what ours is compared.
        aim: the ratio to reach.
        packages: modules that must be importable.
        prepare: builds both; building is not timed.
        leans: the rate of the machine that most of our time depends on, and of the peer's: names of ``Rates``.
    """

    name: str
    work: str
    peer: str
    aim: float
    packages: tuple[str, ...]
    prepare: Callable[[], TwoWays]
    leans: tuple[str, str]


def median_range(values: Sequence[float]) -> MedianRange:
    """The least, the median and the largest of at least one value."""
    return MedianRange(min(values), statistics.median(values), max(values))


@dataclass(frozen=True, slots=True)
class Timed:
    """What was measured of a row: seconds per unit on both sides, and theirs over ours, round by round."""

    ours: MedianRange
    theirs: MedianRange
    ratio: MedianRange
    rounds: int


def measure(work: TwoWays, *, rounds: int = 9, budget: float = 30.0) -> Timed:
    """Time both by turns, so that a slow moment of the machine hits both; one round of each warms up.

    Args:
        work: the same in two ways.
        rounds: at most.
        budget: seconds after which no further round begins; at least two are made.

    Raises:
        Disagreement: the results differ.
    """
    work.check()
    calls = [_calls(one) for one in (work.ours, work.theirs)]
    ours: list[float] = []
    theirs: list[float] = []
    start = time.perf_counter()
    while len(ours) < rounds and (len(ours) < 2 or time.perf_counter() - start < budget):
        ours.append(seconds(work.ours, calls[0]) / work.ours_units)
        theirs.append(seconds(work.theirs, calls[1]) / work.theirs_units)
    ratios = [slow / fast for fast, slow in zip(ours, theirs, strict=True)]
    return Timed(median_range(ours), median_range(theirs), median_range(ratios), len(ours))


def seconds(work: Work, calls: int = 1) -> float:
    """Seconds of one call, the mean of several in a row."""
    start = time.perf_counter()
    for _ in range(calls):
        work()
    return (time.perf_counter() - start) / calls


def _calls(work: Work) -> int:
    """How many calls a round needs."""
    return max(1, int(_LEAST_SECONDS / max(seconds(work), 1e-9)))


def time_spent(stats: pstats.Stats, most: int = 6) -> tuple[TimeSpent, ...]:
    """Where the time went: the functions with the largest share of their own."""
    own = stats.stats  # type: ignore[attr-defined]
    whole = sum(seconds for _, _, seconds, _, _ in own.values())
    heaviest = sorted(own.items(), key=lambda item: -item[1][2])[:most]
    return tuple(
        TimeSpent(name.strip("<>"), seconds / whole, calls) for (_, _, name), (_, calls, seconds, _, _) in heaviest
    )


def close(relative: float) -> Callable[[Answer, Answer], None]:
    """Answer agree to so much, relative to the second."""

    def agree(ours: Answer, theirs: Answer) -> None:
        one, other = (value if isinstance(value, Sequence) else (value,) for value in (ours, theirs))
        for first, second in zip(one, other, strict=True):
            if not abs(first - second) <= relative * abs(second):
                raise Disagreement(f"{first!r} against {second!r}")

    return agree


__all__ = [
    "EXPONENTIALS",
    "FLOPS",
    "MEMORY",
    "PYTHON",
    "SORTING",
    "UNIFORMS",
    "WORDS",
    "Benchmark",
    "Disagreement",
    "Limit",
    "TwoWays",
    "Work",
    "close",
    "measure",
    "median_range",
    "seconds",
    "time_spent",
    "two_ways",
]
