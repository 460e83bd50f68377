"""A stronger alignment, lambda = 1/beta: E r and KL rise, E L goes up and then down."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from flint import arb, fmpq
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from figures import style
from theory.arithmetic.exact import floats, to_float
from theory.claims.alignment.strength import CLAIM as STRENGTH
from theory.claims.alignment.strength import Path, sway_example
from theory.claims.claim import Profile
from theory.claims.instances import replay
from theory.claims.running import run_control
from theory.models.finite import FiniteModel

CLAIMS = ("alignment.strength",)
CAPTION = (
    "The laws proportional to p e^{lambda r}, lambda = 1/beta. E L rises, is highest where Cov(L, r) = 0, and falls "
    "(a): for p = (1, 4, 2)/7, r = (0, 1, 2), from -0.956 at lambda = 0 past -0.949 at 0.2 to -1.249 at 6; and for "
    "the smallest table that a search finds. The derivatives: Var r >= 0 and lambda Var r >= 0, but Cov(L, r) has no "
    "sign (b; circles: coefficients of power series, lines: the formulas). E r (c) and KL (d) only rise. In between "
    "the likeliest string takes the mass, in the end the best one (e): the path in the plane turns back (f)."
)
SEED: int | None = None
PARAMETERS = {"example": "p = (1, 4, 2)/7, r = (0, 1, 2)", "smallest table": "found by the control one-way"}

Floats = NDArray[np.float64]

_LARGEST = 6
_ANCHORS = (fmpq(0), fmpq(1, 5), fmpq(6))
_MARKED = (fmpq(0), fmpq(1), fmpq(2), fmpq(4))


@dataclass(frozen=True, slots=True, eq=False)
class Strengths:
    """A model along lambda, shapes (m,): per reward unit, reward units, nats.

    Args:
        name: its weights of p and its rewards.
        strength: lambda.
        log_prior, reward, divergence: E L, E r, KL(p_lambda || p).
        derivative: (Var r, lambda Var r, Cov(L, r)), shape (m, 3).
        law: p_lambda of each string, shape (m, n).
        peak: (lambda, E L, E r, KL) where Cov(L, r) = 0.
    """

    name: str
    strength: Floats
    log_prior: Floats
    reward: Floats
    divergence: Floats
    derivative: Floats
    law: Floats
    peak: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """What is drawn.

    Args:
        example: the three strings of the caption.
        smallest: the witness of the search.
        anchors: (lambda, E L, E r, KL) of the example at lambda = 0, 1/5, 6.
        marked: the same at the strengths marked on the path.
        series: (lambda, Var r, lambda Var r, Cov(L, r)) of the example from power series, shape (k, 4).
    """

    example: Strengths
    smallest: Strengths
    anchors: Floats
    marked: Floats
    series: Floats

    def rows(self) -> list[dict[str, str | float]]:
        """One row per model, quantity and lambda."""
        rows: list[dict[str, str | float]] = []
        for found in (self.example, self.smallest):
            quantities = {
                "E L": found.log_prior,
                "E r": found.reward,
                "KL": found.divergence,
                "Var r": found.derivative[:, 0],
                "lambda Var r": found.derivative[:, 1],
                "Cov(L, r)": found.derivative[:, 2],
            } | {f"probability of string {k + 1}": found.law[:, k] for k in range(found.law.shape[1])}
            for quantity, values in quantities.items():
                rows += [
                    {"series": f"{found.name}: {quantity}", "x": x, "y": y}
                    for x, y in zip(found.strength, values, strict=True)
                ]
            rows.append({"series": f"{found.name}: highest E L", "x": found.peak[0], "y": found.peak[1]})
        rows += [{"series": "example, E L at lambda", "x": x, "y": y} for x, y, *_ in self.anchors]
        for k, name in enumerate(("Var r", "lambda Var r", "Cov(L, r)"), start=1):
            rows += [
                {"series": f"example, {name} from a power series", "x": row[0], "y": row[k]} for row in self.series
            ]
        return rows


def compute() -> Record:
    """The example, and the smallest table whose E L goes both ways, searched for by the claim's control."""
    example = sway_example()
    return Record(
        example=_along("p = (1, 4, 2)/7, r = (0, 1, 2)", example),
        smallest=_along(*smallest_table()),
        anchors=np.array([_at(example, s) for s in _ANCHORS]),
        marked=np.array([_at(example, s) for s in _MARKED]),
        series=np.array(
            [(to_float(s), *floats(np.array(Path(example, s).expansions(), dtype=object))) for s in _steps(12)]
        ),
    )


def smallest_table() -> tuple[str, FiniteModel]:
    """The witness against a monotone E L with the fewest strings, then the least sum of the weights of p and e^r.

    Raises:
        ValueError: the search ended without one.
    """
    control = next(c for c in STRENGTH.controls if c.name == "one-way")
    witness = run_control(control, Profile("quick")).witness
    if witness is None:
        raise ValueError("no table of the search has an E L that goes both ways")
    return witness.case, replay(witness.spec)


def _steps(count: int) -> list[fmpq]:
    return [fmpq(_LARGEST * k, count) for k in range(count + 1)]


def _at(found: FiniteModel, strength: fmpq) -> tuple[float, float, float, float]:
    """(lambda, E L, E r, KL)."""
    reward, divergence, log_prior = Path(found, strength).means(arb(strength))
    return to_float(strength), to_float(log_prior), to_float(reward), to_float(divergence)


def _along(name: str, found: FiniteModel) -> Strengths:
    steps = _steps(120)
    points = np.array([_at(found, s) for s in steps])
    paths = [Path(found, s) for s in steps]
    return Strengths(
        name=name,
        strength=points[:, 0],
        log_prior=points[:, 1],
        reward=points[:, 2],
        divergence=points[:, 3],
        derivative=floats(np.array([path.derivatives() for path in paths], dtype=object)),
        law=floats(np.array([path.family.law(arb(path.strength)) for path in paths], dtype=object)),
        peak=_at(found, _turn(found)),
    )


def _turn(found: FiniteModel) -> fmpq:
    """lambda with Cov(L, r) = 0, by halving [0, 6] forty times: Cov > 0 at 0 and < 0 at 6."""
    low, high = fmpq(0), fmpq(_LARGEST)
    for _ in range(40):
        middle = (low + high) / 2
        if Path(found, middle).derivatives()[2] > 0:
            low = middle
        else:
            high = middle
    return low


# --- drawing ------------------------------------------------------------------------------------------------------

_STRENGTH = "$\\lambda=1/\\beta$  (per reward unit)"


def draw(record: Record, figure: Figure) -> None:
    """E L, its derivatives and the plane above; E r, KL and the laws below."""
    style.size(figure, style.WIDTH_DOUBLE, 4.4)
    axes = figure.subplot_mosaic([list("abc"), list("def")])
    both = ((record.example, "exact", "$p=(1,4,2)/7,\\ r=(0,1,2)$"), (record.smallest, "global", _label(record)))
    _draw_likelihood(axes["a"], record, both)
    _draw_derivatives(axes["b"], record)
    for found, name, _ in both:
        look = _look(name)
        axes["d"].plot(found.strength, found.reward, **look)
        axes["e"].plot(found.strength, found.divergence, **look)
        axes["c"].plot(found.log_prior, found.reward, **look)
        axes["c"].plot(found.peak[1], found.peak[2], marker="v", color=look["color"], markersize=4)
    style.title(axes["d"], "d", "reward: always up")
    axes["d"].set_ylabel("$\\mathbb{E}\\,r$  (reward units)")
    style.title(axes["e"], "e", "divergence: always up")
    axes["e"].set_ylabel("KL$(p_\\lambda\\,\\|\\,p)$  (nats)")
    _draw_laws(axes["f"], record)
    _draw_plane(axes["c"], record)
    for name in "abdef":
        axes[name].set_xlim(0, _LARGEST)
        axes[name].set_xlabel(_STRENGTH)


def _look(name: str) -> style.LineLook:
    """The first example is drawn full, the second broken."""
    return {"color": style.COLOUR[name], "linestyle": style.LINE["exact" if name == "exact" else "p"]}


def _label(record: Record) -> str:
    p, factor = record.smallest.name.split(", e^R = ")
    weights = [int(w) for w in p.removeprefix("p = (").removesuffix(")").split(", ")]
    return f"$p=({','.join(map(str, weights))})/{sum(weights)},\\ e^r={factor.replace(' ', '')}$"


def _draw_likelihood(axes: Axes, record: Record, both: tuple[tuple[Strengths, str, str], ...]) -> None:
    inset = axes.inset_axes((0.12, 0.11, 0.40, 0.29))
    for found, name, text in both:
        look = _look(name)
        axes.plot(found.strength, found.log_prior, **look, label=text)
        gain = (found.log_prior - found.log_prior[0]) * 1000
        inset.plot(found.strength, gain, **look)
        inset.plot(
            found.peak[0], (found.peak[1] - found.log_prior[0]) * 1000, marker="v", color=look["color"], markersize=4
        )
    axes.plot(
        record.anchors[:, 0],
        record.anchors[:, 1],
        **style.mark("exact"),
        markerfacecolor="white",
        markersize=4,
        clip_on=False,
    )
    inset.axhline(0, color="black", linewidth=0.6, zorder=1)
    inset.set_xlim(0, 1.2)
    inset.set_ylim(-9, 9)
    inset.set_title("change, $10^{-3}$ nats", fontsize=6, loc="left", pad=2)
    inset.tick_params(labelsize=5.5)
    inset.set_xticks([0, 0.5, 1])
    axes.set_ylim(-1.56, -0.86)
    axes.set_ylabel("$\\mathbb{E}\\,L$  (nats)")
    axes.legend(loc="upper right", fontsize=6)
    style.title(axes, "a", "likelihood: up, then down")


def _draw_derivatives(axes: Axes, record: Record) -> None:
    found = record.example
    axes.axhline(0, color="black", linewidth=0.6, zorder=1)
    axes.axvline(found.peak[0], **style.line("reference"), linewidth=0.8, zorder=1)
    labels = (
        "Var $r=d\\,\\mathbb{E}\\,r/d\\lambda$",
        "$\\lambda$ Var $r=d\\,$KL$/d\\lambda$",
        "Cov$(L,r)=d\\,\\mathbb{E}\\,L/d\\lambda$",
    )
    for k, (name, text) in enumerate(zip(("R", "divergence", "L"), labels, strict=True)):
        axes.plot(found.strength, found.derivative[:, k], **style.line(name), label=text)
        axes.plot(
            record.series[:, 0],
            record.series[:, k + 1],
            color=style.COLOUR[name],
            marker="o",
            linestyle="none",
            markerfacecolor="white",
            markersize=3,
            clip_on=False,
        )
    axes.set_ylim(-0.15, 0.56)
    axes.set_ylabel("per unit of $\\lambda$")
    axes.legend(loc="upper right", fontsize=6)
    style.title(axes, "b", "derivatives, first example")


def _draw_laws(axes: Axes, record: Record) -> None:
    found = record.example
    for k, look in enumerate(style.SERIES[: found.law.shape[1]]):
        axes.plot(found.strength, found.law[:, k], color=look["color"], linestyle=look["linestyle"])
    for text, x, y, k in (
        ("$x$: $p=1/7$, $r=0$", 0.12, -0.065, 0),
        ("$y$: $p=4/7$, $r=1$", 1.85, 0.28, 1),
        ("$z$: $p=2/7$, $r=2$", 3.0, 0.83, 2),
    ):
        axes.text(x, y, text, fontsize=6.5, color=style.SERIES[k]["color"])
    axes.set_ylim(-0.09, 1)
    axes.set_ylabel("$p_\\lambda$")
    style.title(axes, "f", "the laws, first example")


def _draw_plane(axes: Axes, record: Record) -> None:
    axes.plot(record.marked[:, 1], record.marked[:, 2], **style.mark("exact"), markerfacecolor="white", markersize=4)
    for strength, log_prior, reward, _ in record.marked:
        place = (5, 3) if strength else (6, -6)
        axes.annotate(f"$\\lambda={strength:g}$", (log_prior, reward), place, textcoords="offset points", fontsize=6)
    axes.set_xlim(-1.3, -0.89)
    axes.set_xlabel("$\\mathbb{E}\\,L$  (nats)")
    axes.set_ylabel("$\\mathbb{E}\\,r$  (reward units)")
    style.title(axes, "c", "the plane")
