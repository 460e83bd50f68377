"""The record of speed: ``probqual bench``."""

from __future__ import annotations

from typing import ClassVar

from pydantic.dataclasses import dataclass

from theory.report.records.format import STRICT


@dataclass(frozen=True, slots=True, config=STRICT)
class MedianRange:
    """The least, the median and the largest of several measurements."""

    low: float
    median: float
    high: float


@dataclass(frozen=True, slots=True, config=STRICT)
class PhysicalLimit:
    """What no program can beat: the least seconds of a unit on this machine, and how many times as long ours takes."""

    what: str
    seconds: float
    times: float


@dataclass(frozen=True, slots=True, config=STRICT)
class TimeSpent:
    """A function's share of the time of a call, and how often it was called."""

    function: str
    share: float
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class BenchRow:
    """One row of the table of ratios: seconds per unit on both sides, and theirs over ours, round by round.

    Args:
        limit: None where none is known.
        profile: where the time goes, of a row that does not reach its aim.
        leans: the rate of the machine that most of our time and most of the peer's depends on, names of ``Rates``.
    """

    name: str
    work: str
    peer: str
    aim: float
    met: bool
    rounds: int
    ratio: MedianRange
    ours: MedianRange
    theirs: MedianRange
    limit: PhysicalLimit | None
    profile: tuple[TimeSpent, ...] | None
    leans: tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class Machine:
    """What the numbers were measured on, in words."""

    processor: str
    cores: str
    memory: str
    system: str
    python: str


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class Rates:
    """How fast the machine's memory, arithmetic, sorting, generators and interpreter are, on one core."""

    bytes_per_second: float
    uniforms_per_second: float
    exponentials_per_second: float
    word_products_per_second: float
    float32_flops_per_second: float
    sorted_per_second: float
    python_steps_per_second: float


@dataclass(frozen=True, slots=True, config=STRICT)
class GrowthPoint:
    """One size: seconds of a call, and bytes by which the process grew."""

    size: int
    seconds: float
    memory: int


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class Growth:
    """One kind of work at growing size, with its exponents; None where there are too few sizes."""

    name: str
    work: str
    unit: str
    points: tuple[GrowthPoint, ...]
    time_slope: float | None
    memory_slope: float | None


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class SweepRates:
    """Claims and adaptors of a sweep, and seconds on one core, strings and bytes on disk of one of its models."""

    claims: int
    adaptors: int
    seconds_per_model: float
    strings_per_model: float
    bytes_per_model: float


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class Projection:
    """What larger work costs: a sweep, and seconds of thirty adaptors on a row of logits by size of vocabulary.

    None for what needs a package that was not installed.
    """

    sweep: SweepRates | None
    adaptors: dict[str, float] | None


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class BenchRecord:
    """All rows with their environment and their day; a record of the whole has growth and a projection, too."""

    FORMAT: ClassVar[int] = 2
    MADE_BY: ClassVar[str] = "probqual bench"

    rows: tuple[BenchRow, ...]
    machine: Machine
    versions: dict[str, str]
    rates: Rates
    growth: tuple[Growth, ...] = ()
    projection: Projection | None = None
    measured: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class CommandRow:
    """One command and its peer, each in a process of its own: CPU seconds and the most bytes held, round by round.

    Args:
        aim: theirs over ours, in seconds, to reach.
        peak_aim: ours over theirs, in bytes, to stay below; None where none was set.
        profile: where the time goes, of a row that does not reach an aim.
    """

    name: str
    work: str
    peer: str
    aim: float
    peak_aim: float | None
    met: bool
    rounds: int
    ratio: MedianRange
    ours: MedianRange
    theirs: MedianRange
    our_peak: MedianRange
    their_peak: MedianRange
    profile: tuple[TimeSpent, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class CommandRecord:
    """All of them, with the earlier commit whose build some are compared with."""

    FORMAT: ClassVar[int] = 1
    MADE_BY: ClassVar[str] = "probqual bench --against"

    rows: tuple[CommandRow, ...]
    against: str
    committed: str
    machine: Machine
    versions: dict[str, str]
    measured: str


__all__ = [
    "BenchRecord",
    "BenchRow",
    "CommandRecord",
    "CommandRow",
    "Growth",
    "GrowthPoint",
    "Machine",
    "MedianRange",
    "PhysicalLimit",
    "Projection",
    "Rates",
    "SweepRates",
    "TimeSpent",
]
