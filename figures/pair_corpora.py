"""Corpora of the embedded pair's strings, each from one adaptor: how their correlation moves with their size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from figures import style
from theory.report.records import pair_record

CLAIMS = ("simpson.crossing", "correlation.iid")
CAPTION = (
    "The strings of the embedded pair. Left: correlation of L and R within prompts under each setting, which is that "
    "of corpora of any size from that setting alone (95 % intervals over prompts). Right: corpora of N strings, each "
    "from one of the settings, have Cov = W/N + B, W the mean covariance within settings and B that of their means; "
    "circles at four sizes, with 95 % intervals over prompts where there are prompts enough for one."
)
SEED: int | None = 1
PARAMETERS = {"run": "examples/default.toml", "interval": "95 % over prompts; none where it would not cover"}

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """What is drawn.

    Args:
        within: (temperature, value, low, high) of each setting's correlation, in the run's order, shape (settings, 4).
        names: of the settings.
        corpora: (N, value, low, high), shape (sizes, 4).
        crossing: N*, None where the interval does not show that the covariance changes its sign.
    """

    within: Floats
    names: tuple[str, ...]
    corpora: Floats
    crossing: float | None

    def rows(self) -> list[dict[str, str | float]]:
        """A row per setting, and per size."""
        rows: list[dict[str, str | float]] = [
            {"series": name, "x": row[0], "y": row[1], "low": row[2], "high": row[3]}
            for name, row in zip(self.names, self.within, strict=True)
        ]
        rows += [{"series": "corpora", "x": row[0], "y": row[1], "low": row[2], "high": row[3]} for row in self.corpora]
        return rows + ([] if self.crossing is None else [{"series": "N*", "x": self.crossing, "y": 0.0}])


def compute() -> Record:
    """Read the committed analysis."""
    found = pair_record("default")
    within, names = [], []
    for steps, own in zip(found.run.chains, found.settings, strict=True):
        warmed = bool(steps) and steps[0][0] == "temperature"
        numerator, _, denominator = (steps[0][1] if warmed else "1").partition("/")
        names.append(", ".join(f"{n.replace('_', '-')} {v}" for n, v in (steps[1:] if warmed else steps)) or "none")
        within.append((int(numerator) / int(denominator or 1), *own.within_correlation.drawn))
    corpora = [(int(size), *estimate.drawn) for size, estimate in found.pooled.corpora.items()]
    crossing = found.pooled.crossing
    settled = crossing is not None and crossing.low is not None and crossing.low > 1
    where = crossing.value if settled and crossing is not None else None
    return Record(np.array(within), tuple(names), np.array(corpora), where)


def draw(record: Record, figure: Figure) -> None:
    """Correlations within settings, and of corpora from all of them."""
    style.size(figure, style.WIDTH_DOUBLE, 2.5)
    axes = figure.subplot_mosaic([list("ab")], width_ratios=[1.5, 1])
    _draw_within(axes["a"], record)
    _draw_corpora(axes["b"], record)


def _draw_within(axes: Axes, record: Record) -> None:
    axes.axhline(0, color="black", linewidth=0.6)
    names = list(dict.fromkeys(record.names))
    temperatures = sorted(set(record.within[:, 0]))
    for number, temperature in enumerate(temperatures):
        rows = [k for k, row in enumerate(record.within) if row[0] == temperature]
        x = np.array([names.index(record.names[k]) for k in rows]) + (number - (len(temperatures) - 1) / 2) * 0.17
        value, low, high = record.within[rows, 1:].T
        look = style.series(number) | {"linestyle": "none"}
        axes.errorbar(x, value, yerr=[value - low, high - value], label=f"T = {temperature:g}", elinewidth=0.7, **look)
    labels = [name.replace(", ", ",\n") if ", " in name else name.replace(" ", "\n") for name in names]
    axes.set_xticks(range(len(names)), labels, fontsize=5.6)
    axes.grid(axis="x", visible=False)
    axes.set_ylabel("Corr($L$, $R$) within prompts")
    axes.set_ylim(top=0.16)
    axes.legend(loc="upper left", ncols=4)
    style.title(axes, "a", "strings of one setting, and their corpora of any size")


def _draw_corpora(axes: Axes, record: Record) -> None:
    axes.axhline(0, color="black", linewidth=0.6)
    size, value, low, high = record.corpora.T
    axes.errorbar(size, value, yerr=[value - low, high - value], elinewidth=0.7, **style.mark("sampled"))
    axes.plot(size, value, **style.line("sampled"), linewidth=0.8)
    if record.crossing is not None:
        axes.axvline(record.crossing, **style.line("reference"), linewidth=0.8)
        axes.text(record.crossing, axes.get_ylim()[0], f" $N^*={record.crossing:.1f}$", fontsize=6.5, va="bottom")
    axes.set_xscale("log")
    axes.set_xlabel("strings per corpus $N$")
    axes.set_ylabel("Corr($\\bar L$, $\\bar R$)")
    style.title(axes, "b", "corpora from all settings")


__all__ = ["CAPTION", "CLAIMS", "PARAMETERS", "SEED", "Record", "compute", "draw"]
