"""The plane of (E L, E R): what can be reached at all, what order-preserving adaptors reach, and where paths lead.

The hull holds the means of every law of strings. Through p+ go the paths of temperature (whole strings, or token by
token), of beta (from the prior p on), and the line of an exchange of 1:1. The polygon is what locally normalised
adaptors that keep the next-token order can reach. Kept sets, hulls and small polygons are decided in balls; paths and
the polygon of the words are in float64.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from flint import fmpq
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from figures import style
from theory.adaptors.exact import Kept, adapt, chain, decide
from theory.adaptors.frontier import member
from theory.adaptors.hull import hull
from theory.adaptors.order_preserving import Ranking, polygon, ranking
from theory.alignment.gibbs import Aligned, Numbers
from theory.arithmetic.exact import rational, to_float
from theory.examples import finite as examples
from theory.examples.words import speeches

CLAIMS = (
    "adaptors.exchange",
    "adaptors.none",
    "adaptors.family",
    "adaptors.local-global",
    "adaptors.truncation",
    "adaptors.order-preserving",
)

CAPTION = (
    "Means of L and R in nats. Grey: the hull, which holds every law of strings. From p+ (star) the global temperature "
    "path leads, on cooling, to the square at T = 1/2: in C5 (inset: heights above the hull's lower edge, 0.01 nats) "
    "that raises L and lowers R, since b is outside [-1, 0]; in C3 and C1 it raises both, and no law at all leaves "
    "C1's line. In C2, whose strings lie on a line too, local cooling (circle) lowers both and global cooling raises "
    "both. The beta path starts at the prior p (diamond) and goes through p+. Dashed polygon: what order-preserving "
    "local adaptors reach (for the words, its corners in 48 directions). The words of the speeches at beta = 1, whole "
    "(e) and enlarged (f): both means rise at first on cooling, then R falls."
)

SEED: int | None = None

DIGITS = 8
"""Sums are taken in float64, in an order of the processor's choice: later digits are not certain."""

BETA = fmpq(1)
TEMPERATURE = fmpq(1, 2)
KEEP = 2
PARAMETERS = {"models": "C5, C3, C1, C2, words", "beta of the words": str(BETA), "marked T": str(TEMPERATURE)}

_MODELS = ("C5", "C3", "C1", "C2")
_OF_WORDS = (("top_k", "5"), ("top_k", "10"), ("nucleus", "4/5"), ("min_p", "1/5"))
_COLDEST, _HOTTEST, _STEPS = 0.12, 8.0, 49
_WORDS_COLDEST, _WORDS_HOTTEST, _WORDS_STEPS = 0.25, 2.5, 21
_STRONGEST = 6.0
_DIRECTIONS = 48

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Truncated:
    """The means under a truncation: of whole strings ("global") or token by token ("local")."""

    adaptor: str
    normalise: str
    mean_log_prior: float
    mean_reward: float


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """One model; every pair is (E L, E R) in nats.

    Args:
        name: of the model.
        exchange: b under p+.
        strings: (L, R) of each string, none for the words; shape (2, n).
        hull: its corners, counterclockwise, shape (2, m).
        corners: the words at the corners of the hull; () for the small models.
        prior: the means under p.
        aligned: the means under p+.
        temperature: T and the means along global temperature, shape (3, points); the first column is the mark.
        local: the same along local temperature; no columns for a table, where it is the same path.
        beta: t and the means under q_{1,t}, from the prior on, shape (3, points).
        polygon: what order-preserving adaptors reach, counterclockwise, shape (2, k).
        truncations: some of them.
    """

    name: str
    exchange: float
    strings: Floats
    hull: Floats
    corners: tuple[str, ...]
    prior: Floats
    aligned: Floats
    temperature: Floats
    local: Floats
    beta: Floats
    polygon: Floats
    truncations: tuple[Truncated, ...]

    def rows(self) -> list[dict[str, str | float]]:
        """Long format: model, series, x = E L, y = E R, and the parameter of a path."""
        rows: list[dict[str, str | float]] = [{"model": self.name, "series": "b", "value": self.exchange}]
        for series, points in (
            ("string", self.strings),
            ("hull", self.hull),
            ("p", self.prior[:, None]),
            ("p+", self.aligned[:, None]),
            ("order-preserving", self.polygon),
        ):
            rows += [{"model": self.name, "series": series, "x": x, "y": y} for x, y in points.T]
        for series, path in (
            ("global temperature", self.temperature),
            ("local temperature", self.local),
            ("beta", self.beta),
        ):
            rows += [{"model": self.name, "series": series, "value": v, "x": x, "y": y} for v, x, y in path.T]
        for t in self.truncations:
            name = f"{t.normalise} {t.adaptor}"
            rows.append({"model": self.name, "series": name, "x": t.mean_log_prior, "y": t.mean_reward})
        return rows


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """The models drawn."""

    planes: tuple[Plane, ...]

    def rows(self) -> list[dict[str, str | float]]:
        """The rows of each model."""
        return [row for plane in self.planes for row in plane.rows()]


def compute() -> Record:
    """All five models. Cost: a few seconds for the words."""
    return Record((*(small_plane(name) for name in _MODELS), words_plane()))


def marked(record: Record, temperature: fmpq = TEMPERATURE, keep: int = KEEP) -> Record:
    """The same with the marks at another temperature, and of another top-k of the small models; the paths stay."""
    planes = []
    for one in record.planes:
        aligned = _aligned(one.name)
        numbers, small = aligned.floats(), one.name in _MODELS
        value = to_float(temperature)
        paths = {
            normalise: np.column_stack([_at_temperature(numbers, value, normalise), path[:, 1:]])
            for normalise, path in (("global", one.temperature), ("local", one.local))
            if path.shape[1]
        }
        planes.append(
            replace(
                one,
                temperature=paths["global"],
                local=paths.get("local", one.local),
                truncations=_truncations(_top(keep), aligned.balls(), numbers) if small else one.truncations,
            )
        )
    return Record(tuple(planes))


def _aligned(name: str) -> Aligned:
    found: Aligned = speeches(BETA) if name == "words" else getattr(examples, name.lower())()
    return found


def small_plane(name: str) -> Plane:
    """C1 to C5: everything in balls but the paths."""
    aligned = _aligned(name)
    numbers = aligned.balls()
    corners = polygon(ranking(numbers))
    reached = np.array([[to_float(c.point.log_prior.ball()), to_float(c.point.reward.ball())] for c in corners])
    temperatures = np.geomspace(_HOTTEST, _COLDEST, _STEPS)
    return _plane(name, numbers, reached.T, temperatures, aligned.tree.levels[-2] > 1)


def words_plane() -> Plane:
    """The words of the speeches: kept sets, hull and the order of tokens in balls, the rest in float64."""
    aligned = _aligned("words")
    numbers = aligned.balls()
    reached = float_polygon(ranking(numbers), aligned.floats())
    temperatures = np.geomspace(_WORDS_HOTTEST, _WORDS_COLDEST, _WORDS_STEPS)
    return _plane("words", numbers, reached, temperatures, True)


def _plane(name: str, numbers: Numbers, reached: Floats, temperatures: Floats, is_tree: bool) -> Plane:
    aligned = numbers.aligned
    floats = aligned.floats()
    points = np.stack([floats.log_prior, floats.reward])
    corners = hull(numbers)
    centred = floats.surprisal - floats.prob @ floats.surprisal
    paths = {
        normalise: np.array([_at_temperature(floats, t, normalise) for t in (to_float(TEMPERATURE), *temperatures)]).T
        for normalise in ("global", "local")
        if is_tree or normalise == "global"
    }
    powers = np.linspace(0, _STRONGEST, _STEPS)
    members = [member(floats.log_prior, floats.reward, 1.0, float(t)) for t in powers]
    is_small = len(aligned) < 100
    return Plane(
        name=name,
        exchange=float(floats.prob @ (floats.log_prior * centred) / (floats.prob @ centred**2)),
        strings=points if is_small else np.empty((2, 0)),
        hull=points[:, list(corners)],
        corners=() if is_small else tuple("".join(aligned.tree.tokens(int(aligned.node[y]))) for y in corners),
        prior=points @ members[0].prob,
        aligned=points @ floats.prob,
        temperature=paths["global"],
        local=paths.get("local", np.empty((3, 0))),
        beta=np.array([[m.reward_power, m.mean_log_prior, m.mean_reward] for m in members]).T,
        polygon=reached,
        truncations=_truncations(_top(KEEP) if is_small else _OF_WORDS, numbers, floats),
    )


def _top(keep: int) -> tuple[tuple[str, str], ...]:
    return (("top_k", str(keep)),)


def _truncations(adaptors: Sequence[tuple[str, str]], numbers: Numbers, floats: Numbers) -> tuple[Truncated, ...]:
    """What is kept is decided once for both ways of normalising."""
    found = []
    for adaptor, value in adaptors:
        kept = decide(numbers, chain((adaptor, value)))
        for normalise in ("local", "global"):
            found.append(Truncated(f"{adaptor} {value}", normalise, *_means(floats, kept, normalise)))
    return tuple(found)


def _at_temperature(floats: Numbers, temperature: float, normalise: str) -> tuple[float, ...]:
    """T, E L and E R; a temperature keeps everything, so that nothing is to be decided."""
    kept = decide(floats, chain(("temperature", rational(float(temperature)))))
    return temperature, *_means(floats, kept, normalise)


def _means(floats: Numbers, kept: Kept, normalise: str) -> tuple[float, float]:
    """(E L, E R) under the adapted law, in float64."""
    law = adapt(floats, kept, normalise)
    return float(law.prob @ floats.log_prior[law.string]), float(law.prob @ floats.reward[law.string])


# --- the polygon of a large model ---------------------------------------------------------------------------------


def float_polygon(ranked: Ranking, floats: Numbers) -> Floats:
    """Corners of the order-preserving polygon in 48 directions, counterclockwise, in float64; shape (2, k).

    The directions are evenly spaced once the plane is scaled to the spread of the strings.
    """
    programme = _Programme.of(ranked, floats)
    scale = np.array([np.ptp(floats.log_prior), np.ptp(floats.reward)])
    found: list[Floats] = []
    for angle in 2 * math.pi * np.arange(_DIRECTIONS) / _DIRECTIONS:
        corner = programme.support(np.array([math.cos(angle), math.sin(angle)]) / scale)
        if not found or not np.allclose(corner, found[-1], rtol=0, atol=1e-9):
            found.append(corner)
    if len(found) > 1 and np.allclose(found[0], found[-1], rtol=0, atol=1e-9):
        found.pop()
    return np.array(found).T


@dataclass(frozen=True, slots=True, eq=False)
class _Programme:
    """The backward programme of ``theory.adaptors.order_preserving``, level by level in float64.

    Args:
        levels: of the tree's prefixes, deepest first.
        targets: where the next tokens of each level's prefixes lead, most probable first; padded with one index
            more than there are values.
        counts: how many next tokens each prefix has.
        values: (L, R) at the ends, shape (2, 2 n + 1): n prefixes, n ends, and the padding.
    """

    levels: tuple[slice, ...]
    targets: tuple[NDArray[np.int64], ...]
    counts: tuple[NDArray[np.int64], ...]
    values: Floats

    @staticmethod
    def of(ranked: Ranking, floats: Numbers) -> _Programme:
        """The programme on the order of the ranking."""
        aligned, n = ranked.aligned, len(ranked.order)
        values = np.zeros((2, 2 * n + 1))
        values[:, n + aligned.node] = np.stack([floats.log_prior, floats.reward])
        levels, targets, counts = [], [], []
        bounds = aligned.tree.levels
        for low, high in reversed(list(itertools.pairwise(bounds))):
            rows = ranked.order[low:high]
            width = max(len(row) for row in rows)
            padded = np.full((high - low, width), 2 * n, dtype=np.int64)
            for k, row in enumerate(rows):
                padded[k, : len(row)] = [n + t if t == low + k else t for t in row]
            levels.append(slice(low, high))
            targets.append(padded)
            counts.append(np.array([len(row) for row in rows]))
        return _Programme(tuple(levels), tuple(targets), tuple(counts), values)

    def support(self, direction: Floats) -> Floats:
        """(E L, E R) of the adaptor that goes farthest in the direction: V(u) = max_j mean of the top j."""
        values = self.values.copy()
        for level, targets, counts in zip(self.levels, self.targets, self.counts, strict=True):
            top = np.arange(1, targets.shape[1] + 1)
            means = np.cumsum(values[:, targets], axis=2) / top
            along = direction[0] * means[0] + direction[1] * means[1]
            along[top > counts[:, None]] = -np.inf
            values[:, level] = means[:, np.arange(len(counts)), along.argmax(axis=1)]
        result: Floats = values[:, 0]
        return result


# --- drawing ------------------------------------------------------------------------------------------------------


def draw(record: Record, figure: Figure) -> None:
    """The small models, then the words twice."""
    style.size(figure, style.WIDTH_DOUBLE, 5.3)
    panels = figure.subplots(2, 3).ravel()
    named = {plane.name: plane for plane in record.planes}
    for axes, letter, name in zip(panels, "abcde", ("C5", "C3", "C1", "C2", "words"), strict=False):
        plane = named[name]
        _draw_plane(axes, plane)
        b = f"{plane.exchange:+.2f}".replace("-", "−")
        style.title(axes, letter, f"{name}, b = {b}")
    _draw_inset(panels[0], named["C5"])
    _name_corners(panels[4], named["words"])
    _draw_plane(panels[5], named["words"])
    _enlarge(panels[5], named["words"])
    style.title(panels[5], "f", "words, enlarged")
    handles, labels = panels[4].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)


def _draw_plane(axes: Axes, plane: Plane, line_slope: float = -1, mark_scale: float = 1) -> None:
    axes.fill(*plane.hull, facecolor=style.COLOUR["light"], edgecolor=style.COLOUR["hull"], linewidth=0.8, label="hull")
    axes.plot(*plane.strings, "o", color=style.COLOUR["strings"], markersize=3 * mark_scale)
    closed = np.column_stack([plane.polygon, plane.polygon[:, 0]])
    axes.plot(*closed, **style.line("order-preserving"), linewidth=1.4, label="order-preserving, local")
    axes.axline(tuple(plane.aligned), slope=line_slope, **style.line("1:1"), linewidth=1, label="1:1 through $p_+$")
    axes.plot(*plane.beta[1:], **style.line("beta"), label=r"$\beta$ path")
    for name, path in (("global", plane.temperature), ("local", plane.local)):
        _draw_path(axes, name, path, 4.5 * mark_scale)
    _draw_truncations(axes, plane.truncations, 4.5 * mark_scale)
    axes.plot(*plane.prior, **style.mark("p"), markersize=4.5 * mark_scale, zorder=5, label="$p$")
    axes.plot(*plane.aligned, **style.mark("p+"), markersize=8 * mark_scale, zorder=6, label="$p_+$")
    axes.set_xlabel(r"$\mathrm{E}\,L$  (nats)")
    axes.set_ylabel(r"$\mathrm{E}\,R$  (nats)")
    _leave_room(axes, plane.hull)


def _draw_path(axes: Axes, name: str, path: Floats, size: float) -> None:
    """The path, and where the marked temperature leads."""
    if not path.shape[1]:
        return
    axes.plot(*path[1:, 1:], **style.line(name), label=f"temperature, {name}")
    marked_at = Fraction(float(path[0, 0])).limit_denominator(100)
    axes.plot(*path[1:, :1], **style.mark(name), markersize=size, zorder=4, label=f"T = {marked_at}, {name}")


def _draw_truncations(axes: Axes, truncations: Sequence[Truncated], size: float) -> None:
    for normalise, face in (("local", style.COLOUR["truncation"]), ("global", "none")):
        points = [(t.mean_log_prior, t.mean_reward) for t in truncations if t.normalise == normalise]
        label, look = f"truncation, {normalise}", style.mark("truncation")
        axes.plot(*np.array(points).T, **look, markerfacecolor=face, markersize=size, zorder=4, label=label)


def _leave_room(axes: Axes, points: Floats) -> None:
    """Limits a tenth beyond the points on every side."""
    low, high = points.min(axis=1), points.max(axis=1)
    margin = (high - low) / 10
    axes.set_xlim(low[0] - margin[0], high[0] + margin[0])
    axes.set_ylim(low[1] - margin[1], high[1] + margin[1])


def _draw_inset(axes: Axes, plane: Plane) -> None:
    """A hull too thin to see into: the same, with the height above its lower edge in hundredths of a nat."""
    first, last = plane.strings[:, plane.strings[0].argmin()], plane.strings[:, plane.strings[0].argmax()]
    slope = (last[1] - first[1]) / (last[0] - first[0])

    def raised(points: Floats) -> Floats:
        return np.stack([points[0], (points[1] - first[1] - slope * (points[0] - first[0])) * 100])

    def along(path: Floats) -> Floats:
        return np.stack([path[0], *raised(path[1:])])

    sheared = replace(
        plane,
        strings=raised(plane.strings),
        hull=raised(plane.hull),
        prior=raised(plane.prior),
        aligned=raised(plane.aligned),
        polygon=raised(plane.polygon),
        temperature=along(plane.temperature),
        beta=along(plane.beta),
        truncations=tuple(
            replace(t, mean_reward=float(raised(np.array([t.mean_log_prior, t.mean_reward]))[1]))
            for t in plane.truncations
        ),
    )
    axes.set_ylim(bottom=0.55)
    inset = axes.inset_axes((0.08, 0.08, 0.54, 0.42))
    _draw_plane(inset, sheared, line_slope=-100 * (1 + slope), mark_scale=0.7)
    inset.set(xlabel="", ylabel="")
    inset.set_title("height (0.01 nats)", fontsize=5, pad=2)
    inset.tick_params(labelsize=5, pad=1, length=1.5)
    inset.set_facecolor("white")


def _name_corners(axes: Axes, plane: Plane) -> None:
    """The words at some corners of the hull."""
    places = {"the": (3, 0), "best": (3, 2), "slavery": (2, -7), "fatality": (3, -9), "war": (3, -6)}
    for word, x, y in zip(plane.corners, *plane.hull, strict=True):
        if word in places:
            axes.annotate(word, (x, y), xytext=places[word], textcoords="offset points", fontsize=6, style="italic")


def _enlarge(axes: Axes, plane: Plane) -> None:
    path = np.concatenate([plane.temperature[1:], plane.local[1:], plane.beta[1:, :20]], axis=1)
    _leave_room(axes, path)
