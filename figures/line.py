"""The line Lbar + Rbar = log Z - H: how the law of the sum closes in on it, and what four bounds say of its tails.

The model is C4, whose surprisal has two values: the number of strings of the rarer one is binomial, and every
probability is a rational.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from flint import arb
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from figures import style
from theory.arithmetic.exact import objects, to_float
from theory.claims.instances import named
from theory.corpora.atoms import Atoms, atoms
from theory.corpora.enumeration import counts_of
from theory.models.finite import FiniteModel
from theory.probability.concentration import chebyshev, chernoff, one_sided_above
from theory.probability.exponential_family import ExponentialFamily

CLAIMS = ("line.concentration", "line.rate", "line.exact-typicality")

CAPTION = (
    "Corpora of N strings from C4: the exact law of x = Lbar + Rbar - (log Z - H), an atomic law shown as probability "
    "per nat (a), and the probability of straying at least as far as x, to the left for x < 0 and to the right for "
    "x > 0 (b to d, each on its own scale of x). The exact tail is a staircase. Chernoff's bound stays within a factor "
    "polynomial in N of its corners, the one-sided bound holds above the line only, and Chebyshev's does not see how "
    "fast the tails fall."
)

SEED: int | None = None

MODEL = "C4"
SIZES = (10, 100, 1000)
PARAMETERS = {"model": MODEL, "N": "10, 100, 1000"}

_LOWEST = 1e-12
_LEAST = arb(1e-15)
_DRAWN = arb(1e-3)
_POINTS = 60

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Tails:
    """Corpora of one size; x is Lbar + Rbar - (log Z - H) in nats.

    Args:
        atoms: x and its probability, ascending in x, shape (2, ...); without the improbable ones.
        below: P(. <= x) from each atom x < 0 on, the last value again at 0, shape (2, ...).
        above: P(. >= x) up to each atom x > 0, the first value also at 0, shape (2, ...).
        chernoff: bounds on either tail, shape (2, points); NaN at x = 0 separates the sides.
        one_sided: the bound on the upper tail, shape (2, points).
        chebyshev: the bound on both tails together, shape (2, points).
    """

    size: int
    atoms: Floats
    below: Floats
    above: Floats
    chernoff: Floats
    one_sided: Floats
    chebyshev: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """The numbers drawn.

    Args:
        spacing: between neighbouring atoms of the sum of N strings, nats: N times that of the mean.
    """

    spacing: float
    tails: tuple[Tails, ...]

    def rows(self) -> list[dict[str, str | float]]:
        """Long format: N, series, x, y."""
        return [
            {"N": float(tails.size), "series": series, "x": x, "y": y}
            for tails in self.tails
            for series, points in (
                ("probability of the atom", tails.atoms),
                ("exact P(. <= x)", tails.below),
                ("exact P(. >= x)", tails.above),
                ("Chernoff", tails.chernoff),
                ("one-sided", tails.one_sided),
                ("Chebyshev", tails.chebyshev),
            )
            for x, y in points.T
            if not math.isnan(y)
        ]


def compute(sizes: Sequence[int] = SIZES) -> Record:
    """The exact laws and the bounds, in balls, at three sizes N of a corpus."""
    found: FiniteModel = named(MODEL)[0].content
    law = atoms(found.numbers)
    family = ExponentialFamily(law.prob, law.surprisal)
    return Record(
        to_float(abs(law.surprisal[1] - law.surprisal[0])),
        tuple(_tails(law, family, found.mean.var_surprisal, size) for size in sizes),
    )


def _tails(law: Atoms, family: ExponentialFamily, variance: arb, size: int) -> Tails:
    x, prob = corpus_law(law, size)
    lower, upper = np.add.accumulate(prob), np.add.accumulate(prob[::-1])[::-1]
    spread = -min(law.surprisal, key=to_float)
    deviations = 9 * math.sqrt(to_float(variance) / size)
    right = _grid(min(to_float(spread), deviations))
    left = _grid(min(to_float(max(law.surprisal, key=to_float)), deviations))
    grid = np.concatenate([-left[::-1], right])
    bound = [_chernoff(family, size, v) for v in grid]
    bound.insert(len(left), math.nan)
    sided = [one_sided_above(variance, spread, size, arb(float(v))) for v in right]
    both = [arb.min(arb(1), chebyshev(variance, size, arb(float(v)))) for v in grid]
    probable = prob > _DRAWN * max(prob, key=to_float)
    below = _pairs(x, lower)[:, np.array([v < 0 for v in x]) & (lower > _LEAST)]
    above = _pairs(x, upper)[:, np.array([v > 0 for v in x]) & (upper > _LEAST)]
    return Tails(
        size=size,
        atoms=_pairs(x[probable], prob[probable]),
        below=np.column_stack([below, [0.0, below[1, -1]]]),
        above=np.column_stack([[0.0, above[1, 0]], above]),
        chernoff=np.stack([np.insert(grid, len(left), 0.0), bound]),
        one_sided=_pairs(right, sided),
        chebyshev=_pairs(grid, both),
    )


def corpus_law(law: Atoms, size: int) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """The values of H - Ibar, ascending, and their probabilities, balls. Cost: C(N + m - 1, m - 1), m atoms."""
    values, masses = [], []
    for counts in counts_of(len(law), size):
        mass = arb(math.factorial(size) // math.prod(math.factorial(k) for k in counts))
        for p, k in zip(law.prob, counts, strict=True):
            mass *= p**k
        masses.append(mass)
        values.append(-sum((i * k for i, k in zip(law.surprisal, counts, strict=True)), start=arb(0)) / size)
    order = sorted(range(len(values)), key=lambda j: to_float(values[j]))
    return objects(values[j] for j in order), objects(masses[j] for j in order)


def _chernoff(family: ExponentialFamily, size: int, x: float) -> float:
    """The bound on P(H - Ibar beyond x) with the best order s: the one whose law has that mean."""
    order = family.order_of_mean(arb(-x))
    return to_float(chernoff(family.log_moment(order), order, size, arb(-x)))


def _grid(reach: float) -> Floats:
    """Points in (0, reach) with four digits: closer together towards both ends, where the curves bend."""
    points = reach * (1 - np.cos(np.linspace(0, math.pi, _POINTS + 2)[1:-1])) / 2
    return np.array([float(f"{v:.4g}") for v in points])


def _pairs(x: object, y: object) -> Floats:
    return np.array([[to_float(v) for v in np.asarray(values)] for values in (x, y)])


# --- drawing ------------------------------------------------------------------------------------------------------


def draw(record: Record, figure: Figure) -> None:
    """The three laws, then the tails at each size."""
    style.size(figure, style.WIDTH_DOUBLE, 4.6)
    panels = figure.subplots(2, 2).ravel()
    _draw_laws(panels[0], record)
    for axes, letter, tails in zip(panels[1:], "bcd", record.tails, strict=True):
        _draw_tails(axes, tails)
        style.title(axes, letter, f"tails, N = {tails.size:,}")
    panels[1].legend(loc="lower center")


_DEVIATION = r"$x=\bar L+\bar R-(\log Z-\mathrm{H})$  (nats)"


def _draw_laws(axes: Axes, record: Record) -> None:
    for tails, look in zip(record.tails, style.SERIES, strict=False):
        x, p = tails.atoms
        density = p * tails.size / record.spacing
        size = 3 if tails.size <= 100 else 0
        axes.plot(x, density, **look, markersize=size, linewidth=1.1, label=f"N = {tails.size:,}")
    axes.axvline(0, **style.line("reference"), linewidth=0.9)
    axes.set_xlabel(_DEVIATION)
    axes.set_ylabel("probability per nat")
    axes.set_xlim(-0.36, 0.2)
    axes.legend(loc="upper left")
    style.title(axes, "a", r"law of $\bar L+\bar R$")


def _draw_tails(axes: Axes, tails: Tails) -> None:
    axes.plot(*tails.chebyshev, **style.line("Chebyshev"), label="Chebyshev (both tails)")
    axes.plot(*tails.one_sided, **style.line("one-sided"), label="one-sided")
    axes.plot(*tails.chernoff, **style.line("Chernoff"), label="Chernoff")
    axes.plot(*tails.below, **style.line("exact"), drawstyle="steps-post", label="exact")
    axes.plot(*tails.above, **style.line("exact"), drawstyle="steps-pre")
    axes.axvline(0, **style.line("reference"), linewidth=0.9)
    axes.set_yscale("log")
    axes.set_ylim(_LOWEST, 3)
    axes.set_xlim(tails.chebyshev[0, 0] * 1.04, tails.chebyshev[0, -1] * 1.08)
    axes.set_xlabel(_DEVIATION)
    axes.set_ylabel("probability of the tail")
