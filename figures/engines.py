"""Where engines' defaults and one nominal setting lead in the plane of (E L, E R), on models known exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures import style
from theory.arithmetic.exact import precision, to_float
from theory.claims.instances import named
from theory.report.engines import EngineRow, small_rows

CLAIMS = ("adaptors.exchange", "adaptors.none")
CAPTION = (
    "E L and E R in nats of the law that each engine samples token by token, by its defaults (filled) and at "
    "temperature 0.7, top-k 40, top-p 0.9, min-p 0.05 as far as it has them (open). The star is p+. In C4 the defaults "
    "of llama.cpp and ctransformers trade L for R, and the greedy or nearly greedy defaults of node-llama-cpp, "
    "gpt4all, ctranslate2 and mlx-lm trade R for L. In C5 every engine that moves trades R for L, in C2 every one "
    "lowers both, in C3 every one raises both. Several engines often have one law."
)
SEED: int | None = None
PARAMETERS = {"models": "C2, C3, C4, C5", "nominal": "T 0.7, top-k 40, top-p 0.9, min-p 0.05"}

_SHOWN = ("C2", "C3", "C4", "C5")


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """What is drawn: the engines' rows, and (E L, E R) under p+ of each model."""

    engines: Sequence[EngineRow]
    aligned: dict[str, tuple[float, float]]

    def rows(self) -> list[dict[str, str | float]]:
        """One row per model, engine and setting."""
        own: list[dict[str, str | float]] = [
            {"series": f"{row.model}: {row.engine}, {row.setting}", "x": row.mean_log_prior, "y": row.mean_reward}
            for row in self.engines
        ]
        return own + [{"series": f"{name}: p+", "x": x, "y": y} for name, (x, y) in self.aligned.items()]


def compute() -> Record:
    """The rows of the report's page on the models that are shown."""
    with precision():
        means = {case.name: case.content.mean for case in named(*_SHOWN)}
    aligned = {name: (to_float(at.mean_log_prior), to_float(at.mean_reward)) for name, at in means.items()}
    return Record([row for row in small_rows() if row.model in _SHOWN], aligned)


def draw(record: Record, figure: Figure) -> None:
    """A panel a model."""
    style.size(figure, style.WIDTH_DOUBLE, 5.2)
    axes = figure.subplot_mosaic([list("ab"), list("cd")])
    for letter, name in zip("abcd", _SHOWN, strict=True):
        _panel(axes[letter], record, name)
        style.title(axes[letter], letter, name)
    axes["a"].legend(loc="lower right", fontsize=5.5)


_SETTINGS = {
    "defaults": ("local", "each engine's defaults", True),
    "nominal": ("global", "T 0.7, top-k 40, top-p 0.9, min-p 0.05", False),
}
"""Colour, words and whether a mark is filled."""

_LINE, _HEIGHT = 6.5, 130.0
"""Points from one label to the next, and of a panel."""


def _panel(axis: Axes, record: Record, name: str) -> None:
    own = [row for row in record.engines if row.model == name]
    across, up = [row.mean_log_prior for row in own], [row.mean_reward for row in own]
    low, high = min(across), max(across)
    axis.plot(*record.aligned[name], "*", color=style.COLOUR["p+"], markersize=10, label="$p_+$")
    labels: list[tuple[float, float, str, str]] = []
    for setting, (colour, words, filled) in _SETTINGS.items():
        places: dict[tuple[float, float], list[str]] = {}
        for row in own:
            if row.setting == setting:
                places.setdefault((round(row.mean_log_prior, 6), round(row.mean_reward, 6)), []).append(row.engine)
        (marks,) = axis.plot(*zip(*places, strict=True), "o", color=style.COLOUR[colour], markersize=4, label=words)
        marks.set_markerfacecolor(style.COLOUR[colour] if filled else "none")
        for place, engines in places.items():
            text = ", ".join(engines) if len(engines) < 3 else f"{engines[0]} and {len(engines) - 1} more"
            labels.append((*place, text, style.COLOUR[colour]))
    scale = _HEIGHT / (1.3 * (max(up) - min(up)))
    below: dict[bool, float] = {}
    for x, y, text, shade in sorted(labels, key=lambda label: -label[1]):
        left = x > (low + high) / 2 and high - x < 0.2 * (high - low)
        # labels on one side stand under one another where their marks are closer than a line
        height = min(y * scale, below.get(left, y * scale + _LINE) - _LINE)
        below[left] = height
        axis.annotate(
            text,
            (x, y),
            textcoords="offset points",
            xytext=(-6 if left else 6, height - y * scale - 1.5),
            ha="right" if left else "left",
            fontsize=5,
            color=shade,
        )
    axis.margins(0.3, 0.15)
    axis.set_xlabel("E L (nats)")
    axis.set_ylabel("E R (nats)")
