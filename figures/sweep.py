"""A hundred thousand random models: where temperature trades, and how often the sign of corpora is not the strings'."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures import style
from theory.report.records import sweep_record

CLAIMS = ("adaptors.exchange", "correlation.measure", "correlation.typical", "simpson.crossing", "metropolis.corpora")
CAPTION = (
    "Random tables, Zipf laws and trees with rewards tied to the probabilities from fully against to fully along. "
    "Share of models on which cooling at T = 1 trades likelihood for reward: by the correlation of L and R under the "
    "prior, one line for each beta (a), and by the number of strings (b). Share of models on which the covariance of "
    "corpora has another sign than that of strings, when one hypothesis is dropped: all models, those whose strings "
    "have a positive or a negative covariance (c). Bars are 95 % Clopper-Pearson intervals."
)
SEED: int | None = 1
PARAMETERS = {"sweep": "examples/sweep.toml", "interval": "95 %, Clopper-Pearson"}

Bounds = tuple[float, float, float]

_SHORT = {
    "once": "strings\ncounted once",
    "typical": "typical\ncorpora",
    "mixed": "three\ntemperatures",
    "chain": "Metropolis\nchain",
}


@dataclass(frozen=True, slots=True)
class SharePoint:
    """One share: its series, its place, and (value, low, high)."""

    series: str
    x: float
    share: Bounds


@dataclass(frozen=True, slots=True)
class Record:
    """What is drawn.

    Args:
        correlation: by beta and Corr_p(L, R).
        strings: by number of strings.
        turns: by the hypothesis that is dropped; x is the place, the series "all", "positive" or "negative".
        dropped: the names of the places.
    """

    correlation: tuple[SharePoint, ...]
    strings: tuple[SharePoint, ...]
    turns: tuple[SharePoint, ...]
    dropped: tuple[str, ...]

    def rows(self) -> list[dict[str, str | float]]:
        """A row per share."""
        named = [("by correlation", self.correlation), ("by strings", self.strings), ("sign turned", self.turns)]
        return [
            {
                "panel": panel,
                "series": point.series,
                "x": self.dropped[int(point.x)] if panel == "sign turned" else point.x,
                "share": point.share[0],
                "low": point.share[1],
                "high": point.share[2],
            }
            for panel, points in named
            for point in points
        ]


def compute() -> Record:
    """Read the committed summary."""
    found = sweep_record()
    by_both = []
    for row in found.by_beta_and_correlation:
        beta, _, place = row.label.partition(" ")
        by_both.append(SharePoint(f"beta = {beta}", float(place), row.bounds))
    turns = [
        SharePoint(series, float(place), share.bounds)
        for place, turn in enumerate(found.turns)
        for series, share in (("all", turn.turns), ("positive", turn.from_positive), ("negative", turn.from_negative))
    ]
    return Record(
        tuple(by_both),
        tuple(SharePoint("all", float(row.label), row.bounds) for row in found.by_strings),
        tuple(turns),
        tuple(turn.name for turn in found.turns),
    )


def draw(record: Record, figure: Figure) -> None:
    """Two curves and the bars of the signs."""
    style.size(figure, style.WIDTH_DOUBLE, 2.6)
    axes = figure.subplot_mosaic([list("abc")], width_ratios=[1.25, 0.85, 1.25])
    _draw_correlation(axes["a"], record)
    _draw_strings(axes["b"], record)
    _draw_turns(axes["c"], record)
    for panel in axes.values():
        panel.set_ylim(bottom=0)


def _bars(
    axes: Axes,
    points: list[SharePoint],
    x: list[float],
    look: style.SeriesLook,
    label: str | None = None,
) -> None:
    value = [p.share[0] for p in points]
    errors = [[p.share[0] - p.share[1] for p in points], [p.share[2] - p.share[0] for p in points]]
    axes.errorbar(x, value, yerr=errors, elinewidth=0.6, capsize=0, linewidth=0.9, label=label, **look)


def _draw_correlation(axes: Axes, record: Record) -> None:
    for number, series in enumerate(dict.fromkeys(p.series for p in record.correlation)):
        own = [p for p in record.correlation if p.series == series]
        label = series.replace("beta", r"$\beta$")
        _bars(axes, own, [p.x for p in own], style.series(number), label)
    axes.set_xlabel("Corr$_p(L, R)$, middle of the bin")
    axes.set_ylabel("share of models that trade")
    axes.legend(loc="upper right")
    style.title(axes, "a", "against the prior's correlation")


def _draw_strings(axes: Axes, record: Record) -> None:
    own = list(record.strings)
    look: style.SeriesLook = {**style.line("exact"), "marker": style.MARK["exact"]}
    _bars(axes, own, [p.x for p in own], look)
    axes.set_xscale("log", base=2)
    axes.set_xticks([2, 4, 8, 16, 32], ["2", "4", "8", "16", "32"])
    axes.minorticks_off()
    axes.set_xlabel("number of strings")
    style.title(axes, "b", "against size")


def _draw_turns(axes: Axes, record: Record) -> None:
    for shift, (series, thing, label) in zip(
        (-0.22, 0.0, 0.22),
        (("all", "total", "all models"), ("positive", "L", "strings +"), ("negative", "R", "strings $-$")),
        strict=True,
    ):
        own = [p for p in record.turns if p.series == series]
        _bars(axes, own, [p.x + shift for p in own], style.mark(thing), label)
    axes.set_xticks(range(len(record.dropped)), [_SHORT[name] for name in record.dropped])
    axes.tick_params(axis="x", labelsize=5.6, length=0)
    axes.set_ylabel("share whose sign turns")
    axes.legend(loc="upper right")
    style.title(axes, "c", "corpora against strings")


__all__ = ["CAPTION", "CLAIMS", "PARAMETERS", "SEED", "Record", "compute", "draw"]
