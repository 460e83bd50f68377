"""How the adapters on SmolLM2 were trained: the loss of every step, and what they do on held-out prompts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from figures import style
from theory.report.records import TRAININGS, Estimate, TrainingRecord, training_record

CLAIMS = ("alignment.secret-reward",)
CAPTION = (
    "Direct preference optimisation of two adapters on SmolLM2-135M-Instruct, towards VADER and towards the valence "
    "of words. (a) Loss of the training pairs, the mean of the last 25 steps; before training it is log 2. From step "
    "251 on strings come a second time, and the loss falls below that of held-out prompts, which stands at the right "
    "with its interval; the dashed lines are the least losses that their preferences allow. (b) Held-out prompts: how "
    "often the secret reward R = log p+/p puts the preferred string first, and how often the stated reward itself "
    "would. (c) The mean of the stated reward over beta under the prior and under the aligned model. Bars are 95 % "
    "intervals over prompts."
)
SEED: int | None = 1
PARAMETERS = {"recipes": "smollm2-vader, smollm2-valence", "interval": "95 % over prompts"}

_WINDOW = 25

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """What is drawn: the records, and the running means of their losses."""

    trainings: dict[str, TrainingRecord]
    losses: dict[str, Floats]

    def rows(self) -> list[dict[str, str | float]]:
        """A row per step, and one per number of the held-out prompts."""
        rows: list[dict[str, str | float]] = []
        for name, losses in self.losses.items():
            first = _WINDOW
            rows += [{"series": f"{name}: loss", "x": first + k, "y": float(loss)} for k, loss in enumerate(losses)]
            held_out, beta = self.trainings[name].held_out, _beta(self.trainings[name])
            for what, estimate, scale in (
                ("accuracy of R", held_out.accuracy, 1.0),
                ("accuracy of r", held_out.best_accuracy, 1.0),
                ("loss", held_out.loss, 1.0),
                ("least loss", held_out.least_loss, 1.0),
                ("E r/beta under p", held_out.mean_reward_prior, beta),
                ("E r/beta under p+", held_out.mean_reward_aligned, beta),
            ):
                value, low, high = (number / scale for number in estimate.drawn)
                rows.append({"series": f"{name}, held out: {what}", "y": value, "low": low, "high": high})
        return rows


def compute() -> Record:
    """Read the committed records."""
    trainings = {name: training_record(name) for name in TRAININGS}
    losses = {}
    for name, record in trainings.items():
        steps = np.array([step.loss for step in record.history])
        losses[name] = np.convolve(steps, np.ones(_WINDOW) / _WINDOW, mode="valid")
    return Record(trainings, losses)


def _beta(record: TrainingRecord) -> float:
    numerator, _, denominator = record.beta.partition("/")
    return int(numerator) / int(denominator or 1)


def draw(record: Record, figure: Figure) -> None:
    """Losses, accuracies, means."""
    style.size(figure, style.WIDTH_DOUBLE, 2.6)
    axes = figure.subplot_mosaic([list("abc")], width_ratios=[1.5, 1, 1])
    _losses(axes["a"], record)
    held_out = {name: found.held_out for name, found in record.trainings.items()}
    _bars(
        axes["b"],
        {name: [(own.best_accuracy, "by $r$", 1.0), (own.accuracy, "by $R$", 1.0)] for name, own in held_out.items()},
    )
    axes["b"].axvline(0.5, **style.line("reference"), linewidth=0.8)
    axes["b"].set_xlabel("preferred string first (share)")
    style.title(axes["b"], "b", "order, held-out")
    _bars(
        axes["c"],
        {
            name: [
                (own.mean_reward_prior, "prior $p$", _beta(record.trainings[name])),
                (own.mean_reward_aligned, "aligned $p_+$", _beta(record.trainings[name])),
            ]
            for name, own in held_out.items()
        },
    )
    axes["c"].set_xlabel("E $r/\\beta$  (nats)")
    style.title(axes["c"], "c", "mean reward")


def _losses(axes: Axes, record: Record) -> None:
    for number, (name, losses) in enumerate(record.losses.items()):
        look = style.series(number) | {"marker": ""}
        axes.plot(_WINDOW + np.arange(len(losses)), losses, **look, linewidth=0.9, label=name)
        least = record.trainings[name].held_out.least_loss.value
        if least is not None:
            axes.axhline(least, **(look | {"linestyle": "--"}), linewidth=0.6)
        value, low, high = record.trainings[name].held_out.loss.drawn
        place = len(record.trainings[name].history) + 12 + 8 * number
        bars = [[value - low], [high - value]]
        axes.errorbar([place], [value], yerr=bars, **(style.series(number) | {"linestyle": "none"}), elinewidth=0.8)
    fresh = next(iter(record.trainings.values())).fresh
    axes.axvline(fresh, **style.line("reference"), linewidth=0.8)
    said: dict[str, Any] = {"textcoords": "offset points", "fontsize": 5.5}
    axes.annotate("new pairs", (fresh, 0.46), xytext=(-3, 2), ha="right", **said)
    axes.annotate("the same pairs again", (fresh, 0.46), xytext=(3, 2), **said)
    held_out = next(iter(record.trainings.values())).held_out.loss.drawn[1]
    place = max(len(one.history) for one in record.trainings.values()) + 16
    axes.annotate("held-out\nprompts", (place, held_out), xytext=(0, -4), ha="center", va="top", **said)
    least = max(one.held_out.least_loss.drawn[0] for one in record.trainings.values())
    axes.annotate("least possible on held-out prompts", (_WINDOW, least), xytext=(2, 2), **said)
    axes.axhline(math.log(2), **style.line("reference"), linewidth=0.8)
    axes.annotate("log 2: before training", (_WINDOW, math.log(2)), xytext=(2, 2), **said)
    axes.set_xlabel("step")
    axes.set_ylabel("loss, mean of 25 steps  (nats)")
    axes.legend(loc="best")
    style.title(axes, "a", "training")


def _bars(axes: Axes, groups: dict[str, list[tuple[Estimate, str, float]]]) -> None:
    place, ticks, labels = 0.0, [], []
    for number, (name, members) in enumerate(groups.items()):
        for estimate, what, scale in members:
            value, low, high = (bound / scale for bound in estimate.drawn)
            look = style.series(number) | {"linestyle": "none"}
            axes.errorbar([value], [place], xerr=[[value - low], [high - value]], **look, elinewidth=0.8, capsize=0)
            ticks.append(place)
            labels.append(f"{name}, {what}")
            place -= 1
        place -= 0.5
    axes.set_yticks(ticks, labels)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(place + 0.7, 0.8)


__all__ = ["CAPTION", "CLAIMS", "PARAMETERS", "SEED", "Record", "compute", "draw"]
