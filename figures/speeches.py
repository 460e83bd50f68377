"""A real language model with infinitely many strings: where its aligned laws end, and what adaptors do to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from flint import arb, fmpq
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from figures import style
from theory.arithmetic.exact import rational, to_float
from theory.automata.ngram import ngram_critical_beta, ngram_critical_temperature, ngram_moments
from theory.examples.speech_ngrams import length, rewards, speech_bigrams, valence
from theory.models.ngram import AlignedNGram
from theory.report.ngrams import ADAPTED, AdaptorRow, adapted_rows

CLAIMS = ("automata.partition", "automata.critical-temperature", "adaptors.exchange")
CAPTION = (
    "Word bigrams of the State of the Union speeches, with R the valence of each word over beta, or 1/beta for each "
    "word. Means of L and R for valence over 10 (a; line: global temperatures from 1/2 to 1.005; star: p+; squares: "
    "local adaptors): all of them trade against p+. The entropy grows without bound as beta falls to its critical "
    "value, 2.686 for valence and 24.35 for words (b), and so T_c falls to 1 there (c)."
)
SEED: int | None = None
DIGITS = 6
"""Sums are taken in float64: later digits are not certain."""
PARAMETERS = {"model": "theory/data/speeches.arpa.gz", "a": "valence, beta = 10"}

Floats = NDArray[np.float64]

_TEMPERATURES = ("1/2", "7/10", "9/10", "97/100", "99/100", "998/1000", "1003/1000", "1005/1000")
_LOCAL = (("top_k", "50", "local"), ("min_p", "1/20", "local"))
_BETAS = {"valence": (2.8, 3.2, 4.0, 8.0, 30.0), "words": (25.0, 27.0, 32.0, 50.0, 150.0)}
_LOOK = {"valence": "exact", "words": "local"}


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """What is drawn.

    Args:
        cooled: (T, E L, E R) of global temperatures and p+, shape (m, 3).
        local: the laws of local adaptors.
        entropy: name of the reward to (beta, H), shapes (m, 2).
        critical: name to (beta, T_c), shapes (m, 2).
        critical_beta: by name.
    """

    cooled: Floats
    local: tuple[AdaptorRow, ...]
    entropy: dict[str, Floats]
    critical: dict[str, Floats]
    critical_beta: dict[str, float]

    def rows(self) -> list[dict[str, str | float]]:
        """A row per point."""
        rows: list[dict[str, str | float]] = [
            {"panel": "a", "series": "global temperature", "at": t, "x": l, "y": r} for t, l, r in self.cooled
        ]
        for law in self.local:
            assert law.mean_log_prior is not None, "these leave mass at the ends"
            assert law.mean_reward is not None, "these leave mass at the ends"
            rows.append({"panel": "a", "series": f"local {law.adaptor}", "x": law.mean_log_prior, "y": law.mean_reward})
        for panel, series in (("b", self.entropy), ("c", self.critical)):
            for name, points in series.items():
                rows += [{"panel": panel, "series": name, "x": x, "y": y} for x, y in points]
        rows += [{"panel": "b", "series": f"{name}, critical beta", "x": x} for name, x in self.critical_beta.items()]
        return rows


def compute() -> Record:
    """Certified sums, and local laws in float64."""
    model = speech_bigrams()
    gain = {"valence": valence, "words": length}
    entropy: dict[str, Floats] = {}
    critical: dict[str, Floats] = {}
    least = {}
    for name, betas in _BETAS.items():
        heights, ends = [], []
        for beta in betas:
            found = ngram_moments(model, gain[name](beta))
            heights.append((beta, to_float(found.log_total - found.mean[0] - found.mean[1])))
            value = ngram_critical_temperature(model, gain[name](beta)).value
            assert value is not None, "the speeches have contexts that go on in many ways"
            ends.append((beta, to_float(value)))
        entropy[name], critical[name] = np.array(heights), np.array(ends)
        at = ngram_critical_beta(model, gain[name](1.0), arb(1)).value
        assert at is not None, "some words have a positive reward"
        least[name] = to_float(at)
    return Record(_cooled(), adapted_rows(_LOCAL), entropy, critical, least)


def _cooled() -> Floats:
    name, beta = ADAPTED
    model = AlignedNGram.of(speech_bigrams(), rewards(name, rational(beta)))
    points = [(1.0, to_float(model.mean.mean_log_prior), to_float(model.mean.mean_reward))]
    rows = adapted_rows([("temperature", t, "global") for t in _TEMPERATURES])
    for t, row in zip(_TEMPERATURES, rows, strict=True):
        assert row.mean_log_prior is not None, "these temperatures are below the critical one"
        assert row.mean_reward is not None, "these temperatures are below the critical one"
        points.append((to_float(fmpq(*map(int, t.split("/")))), row.mean_log_prior, row.mean_reward))
    return np.array(sorted(points))


def draw(record: Record, figure: Figure) -> None:
    """The plane of means; entropies and critical temperatures against beta."""
    style.size(figure, style.WIDTH_DOUBLE, 2.4)
    axes = figure.subplot_mosaic([list("abc")])
    _draw_plane(axes["a"], record)
    excess = {name: points - (0, 1) for name, points in record.critical.items()}
    for panel, series, label, ticks in (
        ("b", record.entropy, "entropy, $H$ (nats)", (200, 500, 1000, 2000)),
        ("c", excess, "$T_c-1$", (0.0005, 0.001, 0.002, 0.005)),
    ):
        for name, points in series.items():
            x, colour = points[:, 0] / record.critical_beta[name], style.COLOUR[_LOOK[name]]
            axes[panel].plot(x, points[:, 1], **style.line(_LOOK[name]), label=name)
            axes[panel].plot(x, points[:, 1], linestyle="none", marker="o", markersize=2.5, color=colour)
        axes[panel].axvline(1, **style.line("reference"), linewidth=0.8)
        axes[panel].set_xscale("log")
        axes[panel].set_yscale("log")
        axes[panel].set_xticks([1, 2, 5, 10], ["1", "2", "5", "10"])
        axes[panel].set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        axes[panel].minorticks_off()
        axes[panel].set_xlabel("beta / critical beta")
        axes[panel].set_ylabel(label)
        axes[panel].legend(loc="upper right" if panel == "b" else "lower right", fontsize=6)
    style.title(axes["b"], "b", "strings grow")
    style.title(axes["c"], "c", "the critical temperature")


def _draw_plane(axes: Axes, record: Record) -> None:
    temperature, mean_l, mean_r = record.cooled.T
    axes.plot(-mean_l, mean_r, **style.line("exact"), label="global temperature")
    axes.plot(-mean_l, mean_r, linestyle="none", marker="o", markersize=2.5, color=style.COLOUR["exact"])
    own = int(np.flatnonzero(temperature == 1)[0])
    axes.plot(-mean_l[own], mean_r[own], **style.mark("p+"), markersize=8, zorder=3)
    for k, shift in ((0, (-34, -2)), (2, (-32, -6)), (len(temperature) - 1, (5, -3))):
        place = (-mean_l[k], mean_r[k])
        axes.annotate(f"$T={temperature[k]:g}$", place, shift, textcoords="offset points", fontsize=6)
    for law, marker in zip(record.local, "sD", strict=True):
        assert law.mean_log_prior is not None, "these leave mass at the ends"
        assert law.mean_reward is not None, "these leave mass at the ends"
        label, colour = f"local {law.adaptor.replace('_', ' ')}", style.COLOUR["local"]
        x, y = -law.mean_log_prior, law.mean_reward
        axes.plot(x, y, marker=marker, markersize=3.5, linestyle="none", color=colour, label=label)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(800, 5)
    axes.set_xlabel("$-\\mathrm{E}\\,L$ (nats)")
    axes.set_ylabel("$\\mathrm{E}\\,R$ (nats)")
    axes.legend(loc="lower left", fontsize=6)
    style.title(axes, "a", "valence, beta = 10")


__all__ = ["CAPTION", "CLAIMS", "DIGITS", "PARAMETERS", "SEED", "Record", "compute", "draw"]
