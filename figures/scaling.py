"""How the time and the memory of each kind of work grow with its size, as measured by ``probqual bench``."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.figure import Figure

from figures import style
from theory.report.records import bench_record

CLAIMS = ("line.exact-typicality", "metropolis.spectrum", "automata.moments")
CAPTION = (
    "Seconds of one call, the best of three, and bytes by which the process grew, inputs included, against size: every "
    "size in a process of its own, up to what takes about 20 s or half of the machine's memory. The exponents are "
    "least-squares slopes in logarithms over the last three sizes. Sizes are strings, states, steps or rows of "
    "logits, as named in docs/benchmarks.md."
)
SEED: int | None = 7
PARAMETERS = {"record": "theory/data/bench.json"}


@dataclass(frozen=True, slots=True)
class Curve:
    """One kind of work: (size, seconds, bytes) of each point, and the exponents."""

    name: str
    unit: str
    points: tuple[tuple[int, float, int], ...]
    time_slope: float | None
    memory_slope: float | None


@dataclass(frozen=True, slots=True)
class Record:
    """What is drawn."""

    curves: tuple[Curve, ...]

    def rows(self) -> list[dict[str, str | float]]:
        """A row per size."""
        return [
            {"series": curve.name, "unit": curve.unit, "size": float(size), "seconds": seconds, "bytes": float(memory)}
            for curve in self.curves
            for size, seconds, memory in curve.points
        ]


def compute() -> Record:
    """Read the committed measurements."""
    return Record(
        tuple(
            Curve(
                own.name.removesuffix("-fast"),
                own.unit,
                tuple((p.size, p.seconds, p.memory) for p in own.points),
                own.time_slope,
                own.memory_slope,
            )
            for own in bench_record().growth
        )
    )


def draw(record: Record, figure: Figure) -> None:
    """Time on the left, memory on the right, one legend with both exponents below."""
    style.size(figure, style.WIDTH_DOUBLE, 3.5)
    axes = figure.subplot_mosaic([list("ab")])
    for letter, column, label, text in (
        ("a", 1, "seconds of a call", "time"),
        ("b", 2, "bytes the process grew by", "memory"),
    ):
        for number, curve in enumerate(record.curves):
            shown = [p for p in curve.points if p[column] > 0]
            name = f"{curve.name}  {_exponent(curve.time_slope)}, {_exponent(curve.memory_slope)}"
            x, y = [p[0] for p in shown], [p[column] for p in shown]
            axes[letter].plot(
                x,
                y,
                label=name,
                linewidth=0.8,
                **style.series(number),
                markersize=4.5 if number >= len(style.SERIES) else None,
            )
        axes[letter].set_xscale("log")
        axes[letter].set_yscale("log")
        axes[letter].set_xlabel("size")
        axes[letter].set_ylabel(label)
        style.title(axes[letter], letter, text)
    handles, labels = axes["a"].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, title="exponents of time, memory")


def _exponent(value: float | None) -> str:
    return "-" if value is None else f"{value:z.2f}"


__all__ = ["CAPTION", "CLAIMS", "PARAMETERS", "SEED", "Record", "compute", "draw"]
