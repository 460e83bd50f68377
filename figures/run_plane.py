"""A run in the plane of E L and each reward: its settings with their intervals, joined where cooled.

The drawing of ``probqual analyse --plot``, and of the gallery's figure of the committed adapters.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures import style
from figures.labels import Label, one_scale, place
from theory.adaptors.exact import Chain, chain
from theory.arithmetic.exact import to_float
from theory.files import write_whole
from theory.report.records import Estimate, PairAnalysis

SECRET = "R, secret"

_ACROSS = r"mean log-likelihood  $\mathrm{E}\,L$  (nats)"
_UP = "mean secret reward\n" r"$\mathrm{E}\,R$, $R=\log(p_+/p)$  (nats)"


@dataclass(frozen=True, slots=True)
class Point:
    """One setting: the adaptors behind its temperature, that temperature, and its two means."""

    behind: str
    temperature: float
    mean_log_prior: Estimate
    mean_reward: Estimate

    @property
    def place(self) -> tuple[float, float]:
        """(E L, mean of the reward)."""
        return self.mean_log_prior.drawn[0], self.mean_reward.drawn[0]


def points(found: PairAnalysis) -> dict[str, list[Point]]:
    """{a reward: the settings that have its mean and E L}; the secret reward first."""
    planes: dict[str, list[Point]] = {}
    for given, own in zip(found.run.chains, found.settings, strict=True):
        steps = chain(*given)
        warmed = bool(steps) and steps[0].name == "temperature"
        temperature = to_float(steps[0].value) if warmed else 1.0
        behind = str(Chain(steps[1:] if warmed else steps))
        rewards = {SECRET: own.mean_reward} | {name: one.mean for name, one in own.rewards.items()}
        for name, mean in rewards.items():
            if own.mean_log_prior.value is not None and mean.value is not None:
                planes.setdefault(name, []).append(Point(behind, temperature, own.mean_log_prior, mean))
    return planes


def draw(plane: list[Point], axes: Axes) -> Axes:
    """One reward's settings: a mark each, its 95 % intervals, and a line through the temperatures of one chain."""
    for number, behind in enumerate(dict.fromkeys(point.behind for point in plane)):
        own = sorted((p for p in plane if p.behind == behind), key=lambda p: -p.temperature)
        look = style.series(number)
        for point in own:
            x, y = point.mean_log_prior.drawn, point.mean_reward.drawn
            axes.errorbar(
                [x[0]],
                [y[0]],
                xerr=[[x[0] - x[1]], [x[2] - x[0]]],
                yerr=[[y[0] - y[1]], [y[2] - y[0]]],
                **(look | {"linestyle": "none"}),
                elinewidth=0.5,
                alpha=0.5,
                capsize=0,
            )
        axes.plot(
            *zip(*(p.place for p in own), strict=True),
            label="temperature alone" if behind == "p+" else f"then {behind}",
            linewidth=0.8,
            **look,
        )
    axes.set_xlabel(_ACROSS)
    return axes


def finish(plane: list[Point], axes: Axes, *, nats: bool) -> None:
    """Temperatures beside the points of the first chain that has several, after the legend.

    Args:
        plane: what is drawn.
        axes: where.
        nats: the reward is in nats, as L is: one scale for both, or the words that it is not one.
    """
    says = one_scale(axes) if nats else ""
    if says:
        axes.set_xlabel(f"{_ACROSS}\n{says}")
    name_temperatures(plane, axes)


def name_temperatures(plane: list[Point], axes: Axes) -> None:
    """Temperatures beside the points of the first chain that has several; all marks, intervals and lines are left free.

    Args:
        plane: what is drawn.
        axes: where; the whole figure's layout, its limits and its legends must stand before.
    """
    chains: dict[str, list[Point]] = {}
    for point in sorted(plane, key=lambda p: -p.temperature):
        chains.setdefault(point.behind, []).append(point)
    bars = [np.array([p.place for p in own]).T for own in chains.values()]
    bars += [np.array([[p.place[0]] * 2, p.mean_reward.drawn[1:]]) for p in plane]
    bars += [np.array([p.mean_log_prior.drawn[1:], [p.place[1]] * 2]) for p in plane]
    # one chain's temperatures are enough: the others' lines run the same way
    named = next((own for own in chains.values() if len(own) > 1), [])
    labels = [Label(*p.place, f"T = {p.temperature:g}") for p in named]
    place(axes, labels, size=5.5, marks=[p.place for p in plane if p not in named], bars=bars)


def save(found: PairAnalysis, path: Path) -> None:
    """Draw a run into a .png, .svg or .pdf file, written whole or not at all.

    Raises:
        ValueError: no setting has means to draw.
        OSError: the file cannot be written.
    """
    planes = points(found)
    if not planes:
        raise ValueError("nothing to draw: no setting has a mean of L and of R")
    buffer = BytesIO()
    with matplotlib.rc_context(style.paper()):
        figure = Figure()
        style.size(figure, style.WIDTH_DOUBLE, 2.6 * len(planes))
        grid = figure.subplots(len(planes), squeeze=False)
        nats = {name for own in found.settings for name, one in own.rewards.items() if one.nats}
        for axes, (name, plane) in zip(grid[:, 0], planes.items(), strict=True):
            named = f"mean of {name}, {'r/beta  (nats)' if name in nats else 'in its own units'}"
            draw(plane, axes).set_ylabel(_UP if name == SECRET else named)
        figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside right upper", title="from hot to cold")
        for axes, (name, plane) in zip(grid[:, 0], planes.items(), strict=True):
            finish(plane, axes, nats=name == SECRET)
        form = path.suffix.lower()[1:]
        dates = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(form, {})
        figure.savefig(buffer, format=form, metadata=dates)
    write_whole(path, buffer.getvalue())


__all__ = ["SECRET", "Point", "draw", "finish", "name_temperatures", "points", "save"]
