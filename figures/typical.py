"""What looking only at typical corpora does to the correlation, and how more data at fixed epsilon undoes it.

Everything is exact: for C7 the multinomial law of the counts is summed in balls, for the paper's
toy the characteristic function is inverted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from flint import fmpq
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from figures import style
from theory.adaptors.moments import Moments
from theory.arithmetic.exact import rational, to_float
from theory.claims.instances import named
from theory.corpora.atoms import Atoms, Window, atoms
from theory.corpora.inversion import by_inversion
from theory.corpora.multinomial import by_multinomial
from theory.corpora.typicality import conditional_correlation_limit
from theory.models.finite import FiniteModel

CLAIMS = ("correlation.typical", "line.exact-typicality")

CAPTION = (
    "The correlation of Lbar and Rbar given |Ibar - H| < epsilon, against epsilon. For C7 (a to c) it falls from "
    "Corr = +0.48 under p+ (dotted) towards -1 as the band narrows; the bound lies above it wherever it says "
    "something, and the limit for epsilon = c / sqrt N is reached quickly. For the paper's toy (d; dotted: -0.13) the "
    "exact values lie on the limit. At fixed epsilon (C7: 1/20; toy: 0.001) the exact values (marks) return to Corr "
    "under p+ as N grows (e; lines: limit), while ever more of the corpora are typical (f)."
)

SEED: int | None = None

DIGITS = 8
"""Sums are taken in float64, in an order of the processor's choice: later digits are not certain."""

SMALL, SMALL_SIZES, SMALL_EPSILON = "C7", (10, 100, 1000), fmpq(1, 20)
TOY_SIZES, TOY_EPSILON = (10_000, 100_000, 1_000_000), fmpq(1, 1000)
PARAMETERS = {"models": f"{SMALL} and the paper's toy", "epsilon": f"{SMALL_EPSILON} and {TOY_EPSILON} in (e) and (f)"}

_WIDTHS = {10: (0.02, 1.0, 300), 100: (0.006, 0.32, 150), 1000: (0.002, 0.1, 18)}
_TOY_WIDTHS = (1e-4, 2e-2, 6)
_SMALL_GROWTH = (10, 1000, 10)
_TOY_GROWTH = (1_000, 100_000_000, 11)
_MANY, _CURVE = 100, 61

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One model along epsilon or N.

    Args:
        model: its name.
        size: N where epsilon varies, 0 where N does.
        epsilon: epsilon where N varies, 0 where epsilon does; nats.
        x: what varies, shape (points,).
        exact: Corr(Lbar, Rbar | typical); NaN where no or only one corpus is typical.
        bound: -sqrt(1 - Var(Ibar | typical) / max(Var(Lbar | typical), Var(Rbar | typical))); NaN where it is silent.
        probability: P(typical).
        limit: x, and the large-N correlation at c = epsilon sqrt N, shape (2, points).
        unconditional: Corr_{p+}(L, R).
    """

    model: str
    size: int
    epsilon: float
    x: Floats
    exact: Floats
    bound: Floats
    probability: Floats
    limit: Floats
    unconditional: float

    def setting(self, x: float) -> dict[str, str | float]:
        """What a row says of the point x."""
        return {"model": self.model, "N": self.size or x, "epsilon": self.epsilon or x}


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """The numbers drawn: along epsilon at several N for both models, and along N at a fixed epsilon."""

    small: tuple[Series, ...]
    toy: tuple[Series, ...]
    growing: tuple[Series, ...]

    def rows(self) -> list[dict[str, str | float]]:
        """Long format: model, N, epsilon, series, y."""
        rows: list[dict[str, str | float]] = []
        for one in (*self.small, *self.toy, *self.growing):
            for k, x in enumerate(one.x):
                rows += [
                    one.setting(x) | {"series": name, "y": values[k]}
                    for name, values in (("exact", one.exact), ("bound", one.bound), ("P(typical)", one.probability))
                    if not math.isnan(values[k])
                ]
            rows += [one.setting(x) | {"series": "limit", "y": y} for x, y in one.limit.T]
            rows.append({"model": one.model, "series": "Corr under p+", "y": one.unconditional})
        return rows


def compute() -> Record:
    """All correlations, exactly. Cost: a few seconds, most of it for the toy."""
    small: FiniteModel = named(SMALL)[0].content
    toy: FiniteModel = named("toy")[0].content
    return Record(
        small=tuple(_along_epsilon(SMALL, small, n, _WIDTHS[n]) for n in SMALL_SIZES),
        toy=tuple(_along_epsilon("toy", toy, n, _TOY_WIDTHS) for n in TOY_SIZES),
        growing=(
            _along_size(SMALL, small, SMALL_EPSILON, _SMALL_GROWTH),
            _along_size("toy", toy, TOY_EPSILON, _TOY_GROWTH),
        ),
    )


def _along_epsilon(model: str, found: FiniteModel, size: int, widths: tuple[float, float, int]) -> Series:
    first, last, count = widths
    epsilons = [rational(f"{v:.4g}") for v in np.geomspace(first, last, count)]
    return _series(model, found, [(size, e) for e in epsilons], size, 0.0, np.array([to_float(e) for e in epsilons]))


def _along_size(model: str, found: FiniteModel, epsilon: fmpq, growth: tuple[int, int, int]) -> Series:
    first, last, count = growth
    sizes = sorted({round(v) for v in np.geomspace(first, last, count)})
    settings = [(n, epsilon) for n in sizes]
    return _series(model, found, settings, 0, to_float(epsilon), np.array(sizes, dtype=np.float64))


def _series(
    model: str, found: FiniteModel, settings: Sequence[tuple[int, fmpq]], size: int, epsilon: float, x: Floats
) -> Series:
    law = atoms(found.numbers)
    exact, bound, probability = np.array([_point(law, *setting) for setting in settings]).T
    limit = _limit(found.mean, size, epsilon, x)
    return Series(model, size, epsilon, x, exact, bound, probability, limit, to_float(found.mean.correlation))


def _limit(mean: Moments, size: int, epsilon: float, x: Floats) -> Floats:
    """The curve of the limit over the range of x, which is epsilon where N is fixed and N where epsilon is."""
    grid = np.array([float(f"{v:.4g}") for v in np.geomspace(x[0], x[-1], _CURVE)])
    settings = [(size, rational(float(v))) if size else (round(v), rational(epsilon)) for v in grid]
    return np.stack([grid, [to_float(conditional_correlation_limit(mean, *setting)) for setting in settings]])


def _point(law: Atoms, size: int, epsilon: fmpq) -> tuple[float, float, float]:
    window = by_inversion(law, size, epsilon) if len(law) > _MANY else by_multinomial(law, size, epsilon)
    exact = window.conditional_correlation()
    return (
        math.nan if exact is None else to_float(exact),
        math.nan if exact is None else correlation_bound(window),
        min(to_float(window.mass), 1.0),
    )


def correlation_bound(window: Window) -> float:
    """-sqrt(1 - Var(Ibar | A) / max(Var(Lbar | A), Var(Rbar | A))), A the typical corpora; NaN where it is silent.

    From the totals x of L - E L and y of I - H; R - E R = -x - y.
    """
    mean_x, mean_y, xx, xy, yy = (to_float(s / window.mass) for s in window.sums[1:])
    var_x, cov, var_y = xx - mean_x * mean_x, xy - mean_x * mean_y, yy - mean_y * mean_y
    larger = max(var_x, var_x + 2 * cov + var_y)
    return -math.sqrt(1 - var_y / larger) if var_y < larger else math.nan


# --- drawing ------------------------------------------------------------------------------------------------------


def draw(record: Record, figure: Figure) -> None:
    """C7 above; the toy and the return below."""
    style.size(figure, style.WIDTH_DOUBLE, 4.5)
    panels = figure.subplots(2, 3)
    for axes, letter, one in zip(panels[0], "abc", record.small, strict=True):
        _draw_small(axes, one)
        style.title(axes, letter, f"{one.model}, N = {one.size:,}")
    panels[0][0].legend(loc="upper left")
    _draw_toy(panels[1][0], record.toy)
    _draw_return(panels[1][1], record.growing)
    _draw_probability(panels[1][2], record.growing)


_CORRELATION = r"$\mathrm{Corr}(\bar L,\bar R\mid\mathrm{typical})$"
_EPSILON = r"$\varepsilon$  (nats)"


def _reference(axes: Axes, value: float) -> None:
    axes.axhline(value, **style.line("reference"), linewidth=0.9)


def _draw_small(axes: Axes, one: Series) -> None:
    _reference(axes, one.unconditional)
    axes.plot(*one.limit, **style.line("limit"), label="limit")
    axes.plot(one.x, one.exact, **style.line("exact"), linewidth=1, label="exact")
    axes.plot(one.x, one.bound, **style.line("bound"), linewidth=1.5, label="bound")
    axes.set_xscale("log")
    axes.set_ylim(-1.05, 1.05)
    axes.set_xlabel(_EPSILON)
    axes.set_ylabel(_CORRELATION)


def _draw_toy(axes: Axes, several: Sequence[Series]) -> None:
    _reference(axes, several[0].unconditional)
    for one, look in zip(several, style.SERIES, strict=False):
        axes.plot(*one.limit, color=look["color"], linestyle=look["linestyle"], linewidth=0.9)
        axes.plot(one.x, one.exact, color=look["color"], marker=look["marker"], linestyle="none", markersize=3)
        axes.plot([], [], **look, markersize=3, linewidth=0.9, label=f"N = {one.size:,}")
    axes.set_xscale("log")
    axes.set_ylim(-1.05, 0.55)
    axes.set_xlabel(_EPSILON)
    axes.set_ylabel(_CORRELATION)
    axes.legend(loc="upper left")
    style.title(axes, "d", "toy: exact (marks), limit (lines)")


_LOOKS = {SMALL: style.SERIES[1], "toy": style.SERIES[2]}


def _draw_return(axes: Axes, several: Sequence[Series]) -> None:
    for one in several:
        look = _LOOKS[one.model]
        _reference(axes, one.unconditional)
        axes.plot(*one.limit, color=look["color"], linestyle=look["linestyle"], linewidth=0.9)
        axes.plot(one.x, one.exact, color=look["color"], marker=look["marker"], linestyle="none")
        axes.plot([], [], **look, linewidth=0.9, label=rf"{one.model}, $\varepsilon$ = {one.epsilon:g}")
    axes.set_xscale("log")
    axes.set_ylim(-1.05, 1.05)
    axes.set_xlabel("N, strings in a corpus")
    axes.set_ylabel(_CORRELATION)
    axes.legend(loc="upper left")
    style.title(axes, "e", r"back to $\mathrm{Corr}_{p_+}$ at fixed $\varepsilon$")


def _draw_probability(axes: Axes, several: Sequence[Series]) -> None:
    for one in several:
        axes.plot(one.x, one.probability, **_LOOKS[one.model], label=rf"{one.model}, $\varepsilon$ = {one.epsilon:g}")
    axes.set_xscale("log")
    axes.set_ylim(-0.02, 1.4)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1])
    axes.set_xlabel("N, strings in a corpus")
    axes.set_ylabel(r"$P(|\bar I-\mathrm{H}|<\varepsilon)$")
    axes.legend(loc="upper left")
    style.title(axes, "f", "how many are typical")
