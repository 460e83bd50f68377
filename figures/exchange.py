"""Where temperature trades off: the exchange coefficient b over all models, and over a slice of 3-string models.

b = -(Var L + Cov) / V depends on a model through the ratio of the standard deviations and the correlation of L and R
alone, so that every model has its place in one plane. The slice is log-linear in p and in e^R and contains C3, C4 and
C5 themselves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from flint import fmpq
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from figures import style
from theory.adaptors.moments import FloatMoments, float_moments
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import floats, to_float
from theory.claims.instances import named
from theory.examples.words import speeches
from theory.models.finite import FiniteModel

CLAIMS = ("adaptors.exchange", "adaptors.none")

CAPTION = (
    "The exchange coefficient b. Cooling at p+ raises both L and R where -1 <= b <= 0 (grey); below, it trades R for L "
    "(b < -1), and above L for R (b > 0). (a) Every model, by the ratio and the correlation of the standard deviations "
    "of L and R: temperature trades off where Corr < -min(ratio, 1/ratio). (b) Models of three strings: L and R are "
    "those of C3 + x (C4 - C3) + y (C5 - C3); the circles are C3, C4 and C5 themselves."
)

SEED: int | None = None

DIGITS = 8
"""Sums are taken in float64, in an order of the processor's choice: later digits are not certain."""

BETAS = (fmpq(1, 2), fmpq(1), fmpq(2))
PARAMETERS = {"models": "C1 to C5, C7, the paper's toy, words at beta = 1/2, 1, 2"}

_NAMED = ("C1", "C2", "C3", "C4", "C5", "C7", "toy")
_CORNERS = ("C3", "C4", "C5")
_RATIOS, _RATIO_STEPS, _CORRELATION_STEPS = (1 / 16, 16.0), 57, 51
_SLICE, _SLICE_STEPS = (-0.6, 1.6), 78

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Place:
    """A model in the plane of the invariants.

    Args:
        ratio: sd R / sd L under p+.
        correlation: Corr(L, R) under p+.
        exchange: b.
    """

    name: str
    ratio: float
    correlation: float
    exchange: float

    @staticmethod
    def of(name: str, mean: FloatMoments) -> Place:
        """Of a model with these moments."""
        deviation = math.sqrt(mean.var_log_prior * mean.var_reward)
        ratio = math.sqrt(mean.var_reward / mean.var_log_prior)
        return Place(name, ratio, mean.cov / deviation, exchange(mean))


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """The numbers drawn.

    Args:
        ratio: shape (m,); sd R / sd L.
        correlation: shape (k,).
        exchange: b at each, shape (k, m).
        places: the models.
        along: x and y of the slice, shape (s,).
        slice_exchange: b at (x, y), shape (s, s), y first.
    """

    ratio: Floats
    correlation: Floats
    exchange: Floats
    places: tuple[Place, ...]
    along: Floats
    slice_exchange: Floats

    def rows(self) -> list[dict[str, str | float]]:
        """Long format: series, x, y, b. The invariants of a model: x the ratio, y the correlation."""
        rows: list[dict[str, str | float]] = [
            {"series": place.name, "x": place.ratio, "y": place.correlation, "b": place.exchange}
            for place in self.places
        ]
        for series, x, y, values in (
            ("invariants", self.ratio, self.correlation, self.exchange),
            ("slice", self.along, self.along, self.slice_exchange),
        ):
            rows += [
                {"series": series, "x": x[j], "y": y[i], "b": values[i, j]}
                for i in range(len(y))
                for j in range(len(x))
            ]
        return rows


def exchange(mean: FloatMoments) -> float:
    """b = Cov(L, I) / V = -(Var L + Cov(L, R)) / V."""
    return -(mean.var_log_prior + mean.cov) / mean.varentropy


def of_invariants(ratio: Floats, correlation: Floats) -> Floats:
    """b = -(1 + k rho) / (1 + k^2 + 2 k rho), with k = sd R / sd L."""
    return -(1 + ratio * correlation) / (1 + ratio**2 + 2 * ratio * correlation)


def compute() -> Record:
    """The plane of the invariants, the models, and the slice."""
    ratio = np.geomspace(*_RATIOS, _RATIO_STEPS)
    correlation = np.cos(np.linspace(math.pi, 0, _CORRELATION_STEPS + 2))[1:-1]
    along = np.linspace(*_SLICE, _SLICE_STEPS)
    corners = [_coordinates(named(name)[0].content.aligned) for name in _CORNERS]
    return Record(
        ratio=ratio,
        correlation=correlation,
        exchange=of_invariants(ratio[None, :], correlation[:, None]),
        places=(*(_place(name) for name in _NAMED), *_words()),
        along=along,
        slice_exchange=np.array([[slice_exchange(corners, x, y) for x in along] for y in along]),
    )


def with_place(record: Record, place: Place) -> Record:
    """The record with one more model, unless one that is drawn has its invariants."""
    for one in record.places:
        if math.isclose(one.ratio, place.ratio) and math.isclose(one.correlation, place.correlation):
            return record
    return replace(record, places=(*record.places, place))


def _place(name: str) -> Place:
    found: FiniteModel = named(name)[0].content
    mean = found.mean
    ratio = to_float((mean.var_reward / mean.var_log_prior).sqrt())
    return Place(name, ratio, _limited(to_float(mean.correlation)), to_float(mean.exchange_coefficient))


def _limited(correlation: float) -> float:
    """A correlation of 1 is drawn as one, although its ball reaches beyond."""
    return max(-1.0, min(1.0, correlation))


def _words() -> list[Place]:
    """The words of the speeches: one prior, and the valence divided by each beta."""
    aligned = speeches(fmpq(1))
    prior, reward = floats(aligned.prior), aligned.floats().reward
    return [Place.of(f"words, beta = {beta}", float_moments(prior, reward / to_float(beta))) for beta in BETAS]


def _coordinates(aligned: Aligned) -> Floats:
    """(L, R) of each string, shape (2, n)."""
    numbers = aligned.floats()
    return np.stack([numbers.log_prior, numbers.reward])


def slice_exchange(corners: list[Floats], x: float, y: float) -> float:
    """b of the model with (L, R) = C3 + x (C4 - C3) + y (C5 - C3), p normalised."""
    log_prior, reward = (1 - x - y) * corners[0] + x * corners[1] + y * corners[2]
    prior = np.exp(log_prior - log_prior.max())
    return exchange(float_moments(prior / prior.sum(), reward))


# --- drawing ------------------------------------------------------------------------------------------------------


def draw(record: Record, figure: Figure) -> None:
    """All models, and the slice."""
    style.size(figure, style.WIDTH_DOUBLE, 3.5)
    left, right = figure.subplots(1, 2)
    _draw_invariants(left, record)
    _draw_slice(right, record)


_LEVELS = (-4, -2, -1, -0.75, -0.5, -0.25, 0, 1, 3)
_BOTH, _L_GAINS, _R_GAINS = "cooling: $L$ ↑, $R$ ↑", "cooling: $L$ ↑, $R$ ↓", "cooling: $L$ ↓, $R$ ↑"

Points = tuple[tuple[float, float], ...]


def _draw_levels(axes: Axes, x: Floats, y: Floats, values: Floats, labels: Points) -> None:
    """The shaded region, its edge, and lines of constant b, labelled near the given points."""
    axes.contourf(x, y, values, levels=[-1, 0], colors=[style.COLOUR["region"]])
    lines = axes.contour(
        x, y, values, levels=_LEVELS, colors="#555555",
        linewidths=[1.4 if level in (-1, 0) else 0.6 for level in _LEVELS], linestyles="-",
    )  # fmt: skip
    axes.clabel(lines, fmt=_level, fontsize=5.5, inline_spacing=2, manual=labels)
    axes.grid(False)


def _level(value: float) -> str:
    return f"{value:g}".replace("-", "−")


def _say(axes: Axes, text: str, x: float, y: float, ground: str) -> None:
    """Words at a point of the plane; lines behind them give way."""
    box = {"facecolor": ground, "edgecolor": "none", "pad": 1.0}
    axes.text(x, y, text, fontsize=6.5, color=style.COLOUR["text"], ha="center", va="center", bbox=box)


def _mark(axes: Axes, name: str, x: float, y: float, offset: tuple[float, float], marker: str = "o") -> None:
    axes.plot(x, y, marker, color=style.COLOUR["p+"], markersize=4, clip_on=False, zorder=5)
    axes.annotate(name, (x, y), xytext=offset, textcoords="offset points", fontsize=6.5)


_OFFSETS: dict[str, tuple[float, float]] = {
    "C2": (5, -8), "C3": (-13, -8), "C4": (5, 2), "C5": (-5, 5), "words, beta = 2": (-7, -11),
}  # fmt: skip


def _draw_invariants(axes: Axes, record: Record) -> None:
    labels = ((0.45, 0.75), (1, 0.75), (2.2, 0.75), (0.56, -0.56), (1.8, -0.56))
    _draw_levels(axes, record.ratio, record.correlation, record.exchange, labels)
    axes.set_xscale("log", base=2)
    for place in record.places:
        # C1 and C2 have the same invariants
        text = {"C1": "", "C2": "C1, C2"}.get(place.name, place.name.replace("words, beta", r"$\beta$"))
        marker = "s" if place.name.startswith("words") else "o"
        _mark(axes, text, place.ratio, place.correlation, _OFFSETS.get(place.name, (5, 3)), marker)
    _say(axes, _BOTH, 5, 0.3, style.COLOUR["region"])
    _say(axes, _L_GAINS, 0.2, -0.78, "white")
    _say(axes, _R_GAINS, 5, -0.78, "white")
    axes.plot([], [], "o", color=style.COLOUR["p+"], markersize=4, label="C1 to C5, C7, toy")
    axes.plot([], [], "s", color=style.COLOUR["p+"], markersize=4, label=r"words at this $\beta$")
    axes.legend(loc="upper left", bbox_to_anchor=(0, 0.75), handlelength=1, facecolor=style.COLOUR["region"])
    axes.set_xticks([1 / 16, 1 / 4, 1, 4, 16], ["1/16", "1/4", "1", "4", "16"])
    axes.set_xlim(*_RATIOS)
    axes.set_ylim(-1, 1)
    axes.set_xlabel(r"$\mathrm{sd}\,R\,/\,\mathrm{sd}\,L$ under $p_+$")
    axes.set_ylabel(r"$\mathrm{Corr}(L,R)$ under $p_+$")
    style.title(axes, "a", "b of every model")


def _draw_slice(axes: Axes, record: Record) -> None:
    labels = (
        (-0.43, 0.0), (0.2, 0.55), (-0.3, -0.4), (0.0, -0.3), (0.15, -0.3), (0.3, -0.1), (0.7, -0.3), (-0.3, 1.05),
        (1.4, 0.73), (1.3, 1.0), (1.2, 1.25), (0.8, 1.3), (0.6, 1.45),
    )  # fmt: skip
    _draw_levels(axes, record.along, record.along, record.slice_exchange, labels)
    for name, x, y in (("C3", 0, 0), ("C4", 1, 0), ("C5", 0, 1)):
        _mark(axes, name, x, y, (-14, -3))
    _say(axes, _BOTH, 1.27, 0.9, style.COLOUR["region"])
    _say(axes, _L_GAINS, -0.15, 0.75, "white")
    _say(axes, _R_GAINS, 0.78, -0.47, "white")
    axes.set_xlabel("x: from C3 to C4")
    axes.set_ylabel("y: from C3 to C5")
    style.title(axes, "b", "b in a slice of the models of three strings")
