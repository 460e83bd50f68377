"""What sampling adaptors did on SmolLM2 and its adapters: means of L and of both rewards, setting by setting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures import style
from figures.labels import Label, place
from theory.adaptors.exact import chain
from theory.report.records import pair_record

CLAIMS = ("adaptors.exchange", "alignment.strength")
CAPTION = (
    "SmolLM2-135M-Instruct is the prior; three adapters were trained on it by direct preference optimisation: towards "
    "VADER, the same after fewer steps, and towards the valence of words. Each is sampled token by token under eight "
    "settings after 32 prompts. Upper row: mean log-likelihood under the prior and mean secret reward log p+/p. Lower "
    "row: the reward that was asked for, over beta, in its place. Bars are 95 % intervals over prompts, each setting "
    "alone. The star is p+ itself, the line joins the temperatures. A setting to the lower right of the star would "
    "give reward for likelihood."
)
SEED: int | None = 1
PARAMETERS = {"run": "examples/smollm2_pair.toml", "interval": "95 % over prompts; none where it would not cover"}

RUNS = {
    "smollm2-vader-weak": ("towards VADER, early", "vader"),
    "smollm2-vader": ("towards VADER", "vader"),
    "smollm2-valence": ("towards valence", "valence"),
}

Bounds = tuple[float, float, float]

_NAMES = {
    "nucleus 9/10": "nucleus .9",
    "min_p 1/10": "min-p .1",
    "top_k 50 then nucleus 19/20": "top-k 50, nucleus .95",
}


@dataclass(frozen=True, slots=True)
class Point:
    """One setting of one adapter: (value, low, high) of each mean, nats."""

    run: str
    setting: str
    temperature: float | None
    log_prior: Bounds
    secret: Bounds
    reward: Bounds


@dataclass(frozen=True, slots=True)
class Record:
    """What is drawn."""

    points: tuple[Point, ...]

    def rows(self) -> list[dict[str, str | float]]:
        """A row per adapter and setting."""
        rows: list[dict[str, str | float]] = []
        for point in self.points:
            row: dict[str, str | float] = {"series": point.run, "setting": point.setting}
            for name, bounds in (("E L", point.log_prior), ("E R", point.secret), ("E r/beta", point.reward)):
                row |= {name: bounds[0], f"{name} low": bounds[1], f"{name} high": bounds[2]}
            rows.append(row)
        return rows


def compute() -> Record:
    """Read the committed analyses."""
    points = []
    for run, (_, reward) in RUNS.items():
        found = pair_record(run)
        for steps, own in zip(found.run.chains, found.settings, strict=True):
            alone = len(steps) == 1 and steps[0][0] == "temperature"
            numerator, _, denominator = steps[0][1].partition("/") if alone else ("1", "", "1")
            temperature = None if steps and not alone else int(numerator) / int(denominator or 1)
            points.append(
                Point(
                    run,
                    str(chain(*steps)) if steps else "T = 1",
                    temperature,
                    own.mean_log_prior.drawn,
                    own.mean_reward.drawn,
                    own.rewards[reward].mean.drawn,
                )
            )
    return Record(tuple(points))


def draw(record: Record, figure: Figure) -> None:
    """Two rows of planes, a column an adapter."""
    style.size(figure, style.WIDTH_DOUBLE, 4.6)
    axes = figure.subplots(2, len(RUNS), sharex="col", squeeze=False)
    letters = iter("abcdef")
    for here in axes[0, 1:]:
        here.sharey(axes[0, 0])
    for row, what in enumerate(("secret", "reward")):
        for column, (run, (title, reward)) in enumerate(RUNS.items()):
            own = [point for point in record.points if point.run == run]
            here = axes[row, column]
            _plane(here, own, what)
            asked = {"secret": "E $R$, the secret reward  (nats)", "reward": f"E $r/\\beta$, {reward}  (nats)"}
            here.set_ylabel(asked[what])
            if row == 1:
                here.set_xlabel("E $L$  (nats)")
            style.title(here, next(letters), title if row == 0 else "the reward asked for")
    for here in axes[0]:
        left, right = here.get_xlim()
        here.set_xlim(left, right + 0.25 * (right - left))  # the coldest setting's label stands at its right
    axes[0, 0].legend(loc="lower right", fontsize=5.5)
    for row, what in enumerate(("secret", "reward")):
        for column, run in enumerate(RUNS):
            _labels(axes[row, column], [point for point in record.points if point.run == run], what)


def _plane(axes: Axes, points: list[Point], what: str) -> None:
    warm = sorted((p for p in points if p.temperature is not None), key=lambda p: p.temperature or 0.0)
    x, y = [p.log_prior[0] for p in warm], [getattr(p, what)[0] for p in warm]
    axes.plot(x, y, **(style.series(0) | {"marker": ""}), linewidth=0.8, label="temperature alone")
    number = 1
    for point in points:
        across, up = point.log_prior, getattr(point, what)
        look = style.series(0 if point.temperature is not None else number)
        if point.temperature is None:
            number += 1
        label = None if point.temperature is not None else _named(point.setting)
        axes.errorbar(
            [across[0]],
            [up[0]],
            xerr=[[across[0] - across[1]], [across[2] - across[0]]],
            yerr=[[up[0] - up[1]], [up[2] - up[0]]],
            **(look | {"linestyle": "none"}),
            elinewidth=0.5,
            capsize=0,
            label=label,
        )
        if point.temperature == 1:
            axes.plot([across[0]], [up[0]], **style.mark("p+"), markersize=9, zorder=5)


def _labels(axes: Axes, points: list[Point], what: str) -> None:
    """The temperatures, where they lie on nothing; the whole figure's layout must stand before."""
    warm = [p for p in points if p.temperature is not None]
    bars = [np.array([[p.log_prior[0]] * 2, getattr(p, what)[1:]]) for p in points]
    path = np.array(sorted((p.log_prior[0], getattr(p, what)[0]) for p in warm)).T
    others = [(p.log_prior[0], getattr(p, what)[0]) for p in points if p.temperature is None]
    labels = [Label(p.log_prior[0], getattr(p, what)[0], f"$T={p.temperature:g}$") for p in warm]
    place(axes, labels, [path, *bars], size=5.5, marks=others)


def _named(setting: str) -> str:
    if setting in _NAMES:
        return _NAMES[setting]
    return "llama.cpp's defaults" if len(setting) > 40 else setting


__all__ = ["CAPTION", "CLAIMS", "PARAMETERS", "SEED", "Record", "compute", "draw"]
