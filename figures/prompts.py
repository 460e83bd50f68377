"""A reward known up to a function g of the prompt: the correlations of L and R + g(x) that are left open."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from flint import arb, fmpq
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from figures import style
from theory.arithmetic.exact import Exact, floats, objects, to_float
from theory.claims.prompts.models import two_prompts
from theory.corpora.mixtures import Identification, Joint, Mixture, identification, prompts

CLAIMS = ("prompts.identification",)
CAPTION = (
    "p+ fixes the reward up to a function g(x) of the prompt. Over all g, Corr(L, R + g) fills the band between the "
    "two lines of one colour; a full line is attained, a broken one only approached. Bands against rho_w for e = 0, "
    "5/13, 4/5 (a), and against e for rho_w = 0, 1/2, 9/10 (b; mirrored for rho_w < 0). An example with two prompts, "
    "where g(b) - g(a) is all that matters: every correlation from -0.864 up to, not including, 0.681 is attained "
    "while rho_w = -0.726 stays (c). Its five strings under three g, areas as P(x) p+(y | x), with the least-squares "
    "line: one p+, three correlations (d to f)."
)
SEED: int | None = None
PARAMETERS = {"example": "P = (3, 6)/9; a: p = (1, 2)/3, e^R = (1, 3); b: p = (2, 3, 1)/6, e^R = (2, 1, 5)"}

Floats = NDArray[np.float64]

_SHARES = (fmpq(0), fmpq(1, 5), fmpq(1, 2))
"""m with e = 2m / (1 + m^2) = 0, 5/13, 4/5."""

_GRID = tuple(fmpq(k, 30) for k in range(28))
_WITHIN = (fmpq(0), fmpq(1, 2), fmpq(9, 10))


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """The ends of the correlation against rho_w or e.

    Args:
        name: what the band belongs to.
        x: shape (m,).
        low: infimum, shape (m,).
        high: supremum, shape (m,).
        attained: whether low and high are values, shape (m, 2).
    """

    name: str
    x: Floats
    low: Floats
    high: Floats
    attained: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """The model of two prompts: g(b) - g(a) is all that g can move.

    Args:
        offset: g(b) - g(a), nats, shape (m,).
        correlation: Corr(L, R + g), shape (m,).
        ends: infimum and supremum.
        within: rho_w.
        far: (g(b) - g(a), Corr) where the far end is attained.
        given: Corr(L, R) with R as given, at offset 0.
    """

    offset: Floats
    correlation: Floats
    ends: tuple[float, float]
    within: float
    far: tuple[float, float]
    given: float


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """The strings under one g: (prompt, L, R + g, probability), shape (5, 4); the offset and the correlation."""

    strings: Floats
    offset: float
    correlation: float


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """What is drawn."""

    by_within: tuple[Band, ...]
    by_share: tuple[Band, ...]
    example: Example
    planes: tuple[Plane, ...]

    def rows(self) -> list[dict[str, str | float]]:
        """One row per point of an end, of the curve, and per string."""
        rows: list[dict[str, str | float]] = []
        for band in (*self.by_within, *self.by_share):
            for k, (name, values) in enumerate((("infimum", band.low), ("supremum", band.high))):
                rows += [
                    {"series": f"{band.name}, {name}", "x": x, "y": y, "attained": str(bool(a[k])).lower()}
                    for x, y, a in zip(band.x, values, band.attained, strict=True)
                ]
        found = self.example
        rows += [
            {"series": "example, Corr(L, R + g)", "x": x, "y": y}
            for x, y in zip(found.offset, found.correlation, strict=True)
        ]
        rows += [
            {"series": "example, infimum, attained", "x": found.far[0], "y": found.far[1]},
            {"series": "example, supremum, approached", "y": found.ends[1]},
            {"series": "example, rho_w", "y": found.within},
            {"series": "example, as given", "x": 0.0, "y": found.given},
        ]
        for plane in self.planes:
            rows += [
                {
                    "series": f"example at g(b) - g(a) = {plane.offset:.6g}, prompt {'ab'[int(k)]}",
                    "x": x,
                    "y": y,
                    "probability": p,
                }
                for k, x, y, p in plane.strings
            ]
            rows.append({"series": "example, Corr of the strings", "x": plane.offset, "y": plane.correlation})
        return rows


def two_level(half: fmpq, correlation: fmpq) -> Mixture:
    """Two prompts with e = 2m / (1 + m^2), m = ``half`` < 1, and rho_w = ``correlation``, all rational.

    Given a prompt, (L, R) is one of (+-1, +-1), equal signs with probability (1 + rho_w) / 2, and the second prompt
    adds 2d to L, d = 2m / (1 - m^2): Var E[L | x] = d^2, E Var(L | x) = 1, so that e^2 = d^2 / (1 + d^2).
    """
    shift = 4 * half / (1 - half * half)
    likely = [((1, 1), 1 + correlation), ((1, -1), 1 - correlation)]
    points = [(sign * l, sign * r, w) for (l, r), w in likely if w != 0 for sign in (1, -1)]
    weights = [w for _, _, w in points]
    first, second = ([(fmpq(l) + by, r) for l, r, _ in points] for by in (fmpq(0), shift))
    return Mixture.even(Joint.of(weights, first), Joint.of(weights, second))


def compute() -> Record:
    """Bands from ``identification`` of rational mixtures; the example's correlations by summing over its strings."""
    steps = [fmpq(k, 20) for k in range(-20, 21)]
    by_within = tuple(_band(f"e = {_share(m)}", steps, [two_level(m, rho) for rho in steps]) for m in _SHARES)
    shares = [_share(m) for m in _GRID]
    by_share = tuple(_band(f"rho_w = {rho}", shares, [two_level(m, rho) for m in _GRID]) for rho in _WITHIN)
    mixture = prompts(two_prompts()).mixture
    found = identification(mixture)
    far = found.extreme_reward()
    example = _example(mixture, found, to_float(far[1] - far[0]))
    positive = found.reward_reaching(arb(fmpq(1, 2)))
    offsets = (arb(0), far[1] - far[0], positive[1] - positive[0])
    return Record(by_within, by_share, example, tuple(_plane(mixture, offset) for offset in offsets))


def _share(half: fmpq) -> fmpq:
    return 2 * half / (1 + half * half)


def _band(name: str, x: list[fmpq], mixtures: list[Mixture]) -> Band:
    found = [identification(mixture) for mixture in mixtures]
    ends = floats(np.array([one.ends() for one in found], dtype=object))
    return Band(name, floats(objects(x)), ends[:, 0], ends[:, 1], np.array([one.attained() for one in found]))


def _correlation(mixture: Mixture, offset: Exact) -> arb:
    """Corr(L, R + g) with g(b) - g(a) = offset, over all strings."""
    found: arb = mixture.rewarded(objects([fmpq(0), offset])).pooled().covariance().correlation
    return found


def _example(mixture: Mixture, found: Identification, far: float) -> Example:
    offset = np.unique(np.concatenate((np.linspace(-14, 14, 113), [far])))
    low, high = found.ends()
    return Example(
        offset=offset,
        correlation=np.array([to_float(_correlation(mixture, arb(x))) for x in offset]),
        ends=(to_float(low), to_float(high)),
        within=to_float(found.within_correlation),
        far=(far, to_float(_correlation(mixture, arb(far)))),
        given=to_float(_correlation(mixture, fmpq(0))),
    )


def _plane(mixture: Mixture, offset: Exact) -> Plane:
    moved = mixture.rewarded(objects([fmpq(0), offset]))
    rows = [
        (k, *row)
        for k, (share, part) in enumerate(zip(moved.weight, moved.parts, strict=True))
        for row in zip(floats(part.log_prior), floats(part.reward), floats(part.prob * share), strict=True)
    ]
    return Plane(np.array(rows), to_float(offset), to_float(moved.pooled().covariance().correlation))


# --- drawing ------------------------------------------------------------------------------------------------------


_SHADES = ("#c9c9c9", "#dedede", "#f0f0f0")
"""From the innermost band to the outermost: they are nested."""


def draw(record: Record, figure: Figure) -> None:
    """The bands and the example above, the example's strings under three g below."""
    style.size(figure, style.WIDTH_DOUBLE, 4.4)
    axes = figure.subplot_mosaic([list("abc"), list("def")])
    _draw_bands(axes["a"], record.by_within)
    for text, y, k in (("$e=4/5$", 0.86, 2), ("$e=5/13$", 0.445, 1), ("$e=0$", 0.06, 0)):
        axes["a"].text(-0.95, y, text, fontsize=6.5, color=style.SERIES[k]["color"])
    axes["a"].set_xlim(-1, 1)
    axes["a"].set_xlabel("correlation within prompts, $\\rho_w$")
    style.title(axes["a"], "a", "what $p_+$ leaves open")
    _draw_bands(axes["b"], record.by_share)
    for text, x, y, k in (("9/10", 0.03, 0.94, 2), ("1/2", 0.03, 0.555, 1), ("0", 0.5, 0.36, 0)):
        axes["b"].text(x, y, f"$\\rho_w={text}$", fontsize=6.5, color=style.SERIES[k]["color"])
    axes["b"].text(0.12, -0.72, "$-e$ for all three", fontsize=6.5)
    axes["b"].set_xlim(0, 1)
    axes["b"].set_xlabel("$e$, with $e^2$ = Var $\\mathbb{E}[L\\,|\\,x]$ / Var $L$")
    style.title(axes["b"], "b", "for $\\rho_w\\geq 0$")
    for name in "ab":
        axes[name].set_ylim(-1.05, 1.05)
        axes[name].set_ylabel("Corr($L,R+g$)", labelpad=-1)
    _draw_example(axes["c"], record.example)
    span = max(float(np.ptp(plane.strings[:, 2])) for plane in record.planes)
    titles = ("$R$ as given", "the infimum", "another sign")
    for name, plane, text in zip("def", record.planes, titles, strict=True):
        _draw_plane(axes[name], plane, span)
        style.title(axes[name], name, f"{text}: Corr $={plane.correlation:.3f}$")
    axes["d"].legend(loc="lower left", bbox_to_anchor=(0.0, 0.05))


def _draw_bands(axes: Axes, bands: tuple[Band, ...]) -> None:
    """Full lines where the end is attained, broken ones where it is only approached; bands from the inmost out."""
    for band, shade in zip(reversed(bands), reversed(_SHADES), strict=True):
        axes.fill_between(band.x, band.low, band.high, color=shade, linewidth=0, zorder=1)
    for band, look in zip(bands, style.SERIES, strict=False):
        for values, attained in ((band.low, band.attained[:, 0]), (band.high, band.attained[:, 1])):
            _draw_end(axes, band.x, values, attained, look["color"])


def _draw_end(axes: Axes, x: Floats, values: Floats, attained: NDArray[np.bool_], colour: str) -> None:
    """Whether an end is attained changes at x = 0 only: of a piece, the point further from there decides."""
    outer = np.where(abs(x[1:]) > abs(x[:-1]), attained[1:], attained[:-1])
    for shown, dashes in ((outer, "-"), (~outer, style.LINE["limit"])):
        touched = np.append(shown, False) | np.insert(shown, 0, False)
        axes.plot(x, np.where(touched, values, np.nan), color=colour, linestyle=dashes, zorder=2)


def _draw_example(axes: Axes, found: Example) -> None:
    low, high = found.ends
    axes.axhspan(low, high, color=_SHADES[-1], zorder=0)
    axes.axhline(0, color="black", linewidth=0.6, zorder=1)
    axes.axhline(high, **style.line("limit"))
    axes.axhline(found.within, **style.line("within"))
    axes.plot(found.offset, found.correlation, **style.line("exact"))
    axes.plot(0, found.given, **style.mark("p+"), markersize=7)
    axes.plot(*found.far, **style.mark("limit"), markersize=4.5)
    for text, x, y, name in (
        (f"supremum ${high:.3f}$, approached", -13, 0.73, "limit"),
        (f"infimum ${low:.3f}$", -13, low - 0.11, "limit"),
        (f"$\\rho_w={found.within:.3f}$", -13, found.within + 0.04, "within"),
        (f"as given: ${found.given:.3f}$", 1.2, found.given - 0.03, "p+"),
    ):
        axes.text(x, y, text, fontsize=6.5, color=style.COLOUR[name])
    axes.set_xlim(-14, 14)
    axes.set_ylim(-1.05, 1.05)
    axes.set_xlabel("$g(b)-g(a)$  (nats)")
    axes.set_ylabel("Corr($L,R+g$)", labelpad=-1)
    style.title(axes, "c", "an example: two prompts")


def _draw_plane(axes: Axes, plane: Plane, span: float) -> None:
    """Areas are probabilities P(x) p+(y | x); the vertical scale is the same for all planes."""
    for k, name, text in ((0, "global", "prompt $a$"), (1, "truncation", "prompt $b$")):
        own = plane.strings[plane.strings[:, 0] == k]
        look = style.mark(name)
        axes.scatter(own[:, 1], own[:, 2], s=220 * own[:, 3], color=look["color"], marker=look["marker"], linewidth=0)
        axes.plot([], [], **look, label=text)
    prob, x, y = plane.strings[:, 3], plane.strings[:, 1], plane.strings[:, 2]
    from_x, from_y = x - prob @ x, y - prob @ y
    slope = (prob @ (from_x * from_y)) / (prob @ from_x**2)
    ends = np.array([x.min() - 0.15, x.max() + 0.15])
    axes.plot(ends, prob @ y + slope * (ends - prob @ x), **style.line("exact"), zorder=1)
    middle = (y.min() + y.max()) / 2
    axes.set_ylim(middle - 0.58 * span, middle + 0.66 * span)
    style.note(axes, f"$g(b)-g(a)={plane.offset:.2f}$" if plane.offset else "$g=0$", 0.97, 0.97, ha="right")
    axes.set_xlabel("$L=\\log\\,p(y\\,|\\,x)$  (nats)")
    axes.set_ylabel("$R+g(x)$  (nats)")
