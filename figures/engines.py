"""Where engines' defaults and one nominal setting lead in the plane of (E L, E R), on known models and a real pair."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures import style
from figures.labels import Floats, Label, place
from theory.report.engines import PAIR, SAME, TRIGRAMS, EngineRow, pair_rows, small_rows, trigram_rows

CLAIMS = ("adaptors.exchange", "adaptors.none")
CAPTION = (
    "E L and E R in nats of the law that each engine samples token by token, by its defaults (filled) and at "
    "temperature 0.7, top-k 40, top-p 0.9, min-p 0.05 as far as it has them (open). The star is p+. In C4 the defaults "
    "of llama.cpp and ctransformers trade L for R, and the greedy or nearly greedy defaults of node-llama-cpp, "
    "gpt4all, ctranslate2 and mlx-lm trade R for L. In C5 every engine that moves trades R for L, in C2 every one "
    "lowers both, in C3 every one raises both. On the letter trigrams of the speeches greedy strings never end, and "
    "penalties have no law of states: they are left out. On the embedded pair the lines are 95 % intervals of the "
    "difference from p+, over prompts; that of the greedy engines reaches E R = 30. Several engines often have one law."
)
SEED: int | None = None
PARAMETERS = {"models": "C2, C3, C4, C5, trigrams, pair", "nominal": "T 0.7, top-k 40, top-p 0.9, min-p 0.05"}

_SHOWN = ("C2", "C3", "C4", "C5", TRIGRAMS, PAIR)


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """What is drawn: the engines' rows that have a law, and (E L, E R) under p+ of each model."""

    engines: Sequence[EngineRow]
    aligned: dict[str, tuple[float, float]]

    def rows(self) -> list[dict[str, str | float]]:
        """One row per model, engine and setting; of the pair with its intervals."""
        own: list[dict[str, str | float]] = []
        for row in self.engines:
            found: dict[str, str | float] = {
                "series": f"{row.model}: {row.engine}, {row.setting}",
                "x": row.mean_log_prior,
                "y": row.mean_reward,
            }
            if row.estimates is not None:
                (x_low, x_high), (y_low, y_high) = _ends(row, self.aligned[row.model])
                found |= {"x_low": x_low, "x_high": x_high, "y_low": y_low, "y_high": y_high}
            own.append(found)
        return own + [{"series": f"{name}: p+", "x": x, "y": y} for name, (x, y) in self.aligned.items()]


def compute() -> Record:
    """The rows of the report's page on the models that are shown. Cost: 20 seconds."""
    every = (*small_rows(), *trigram_rows(), *pair_rows())
    found = [row for row in every if row.model in _SHOWN and not math.isnan(row.mean_log_prior)]
    aligned = {row.model: (row.mean_log_prior, row.mean_reward) for row in found if row.verdict == SAME}
    return Record(found, aligned)


def _ends(row: EngineRow, aligned: tuple[float, float]) -> tuple[tuple[float, float], tuple[float, float]]:
    """The intervals of the differences from p+, put at p+."""
    assert row.estimates is not None, "asked of the pair alone"
    changes = (row.estimates.moved_log_prior, row.estimates.moved_reward)
    (x_low, x_high), (y_low, y_high) = (
        (at + bounds[1], at + bounds[2]) for at, bounds in zip(aligned, (c.bounds for c in changes), strict=True)
    )
    return (x_low, x_high), (y_low, y_high)


def draw(record: Record, figure: Figure) -> None:
    """A panel a model."""
    style.size(figure, style.WIDTH_DOUBLE, 7.6)
    axes = figure.subplot_mosaic([list("ab"), list("cd"), list("ef")])
    names = {}
    for letter, name in zip("abcdef", _SHOWN, strict=True):
        names[letter] = _panel(axes[letter], record, name)
        style.title(axes[letter], letter, name)
    axes["a"].legend(loc="center left", fontsize=5.5)
    for letter, own in names.items():
        place(axes[letter], own.labels, own.lines, size=5, marks=own.marks)


_SETTINGS = {
    "defaults": ("local", "each engine's defaults", True),
    "nominal": ("global", "T 0.7, top-k 40, top-p 0.9, min-p 0.05", False),
}
"""Colour, words and whether a mark is filled."""

_CROWDED = (TRIGRAMS, PAIR)
"""Where the open marks have no names; the report's page has them."""


@dataclass(frozen=True, slots=True, eq=False)
class Names:
    """What is still to be written on a panel: labels, the lines that they avoid, and marks without one."""

    labels: list[Label]
    lines: list[Floats]
    marks: list[tuple[float, float]]


def _panel(axis: Axes, record: Record, name: str) -> Names:
    """All but the names, which need the whole figure's layout."""
    own = [row for row in record.engines if row.model == name]
    up = [row.mean_reward for row in own]
    axis.plot(*record.aligned[name], "*", color=style.COLOUR["p+"], markersize=10, label="$p_+$")
    lines = []
    for row in own:
        if row.estimates is not None and row.verdict != SAME:
            across, along = _ends(row, record.aligned[name])
            at = row.mean_log_prior, row.mean_reward
            lines += [np.array([across, (at[1],) * 2]), np.array([(at[0],) * 2, along])]
    for line in lines:
        axis.plot(*line, color=style.COLOUR["strings"], linewidth=0.4, zorder=0)
    labels, unnamed = [], [record.aligned[name]]
    for setting, (colour, words, filled) in _SETTINGS.items():
        places: dict[tuple[float, float], list[str]] = {}
        for row in own:
            if row.setting == setting:
                places.setdefault((round(row.mean_log_prior, 6), round(row.mean_reward, 6)), []).append(row.engine)
        (marks,) = axis.plot(*zip(*places, strict=True), "o", color=style.COLOUR[colour], markersize=4, label=words)
        marks.set_markerfacecolor(style.COLOUR[colour] if filled else "none")
        for at_once, engines in places.items():
            if name in _CROWDED and not filled:
                unnamed.append(at_once)
                continue
            text = ", ".join(engines) if len(engines) < 3 else f"{engines[0]} and {len(engines) - 1} more"
            labels.append(Label(*at_once, text, style.COLOUR[colour]))
    axis.margins(0.3, 0.15)
    if name == PAIR:
        axis.set_ylim(min(up) - 0.3 * (max(up) - min(up)), max(up) + 0.15 * (max(up) - min(up)))
    axis.set_xlabel("E L (nats)")
    axis.set_ylabel("E R (nats)")
    return Names(labels, lines, unnamed)
