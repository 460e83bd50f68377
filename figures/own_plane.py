"""A model of one's own in the plane of (E L, E R): its law, where temperature and beta lead, and its adaptors.

The drawing of ``probqual exact --plot``. It is no figure of the gallery, since what it shows is the user's. Everything
is in float64, except kept sets, which are decided as for the numbers.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from figures import style
from figures.labels import Label, one_scale, place
from theory.adaptors.exact import adapt, chain, decide
from theory.adaptors.frontier import member
from theory.arithmetic.exact import precision, rational, to_float
from theory.files import write_whole
from theory.models.automaton import AutomatonModel
from theory.models.finite import FiniteModel
from theory.models.model import AlignedModel
from theory.quantities.cooling import cooling
from theory.quantities.directions import effect
from theory.quantities.own_model import Model
from theory.specification.adaptors import AdaptorEntry
from theory.specification.any_model import AnySpecification

Floats = NDArray[np.float64]

_DOTS = 400
"""Up to so many strings are drawn."""

_TEMPERATURES = np.geomspace(8, 1 / 8, 41)
_OF_LOCAL = np.geomspace(4, 1 / 4, 13)
_POWERS = np.linspace(0, 4, 41)
_MANY, _LONG_NAME = 4, 24
"""More adaptors, or longer names, have their number beside the point and their name in the legend."""
_ACROSS = r"mean log-likelihood  $\mathrm{E}\,L$  (nats)"


@dataclass(frozen=True, slots=True)
class Placed:
    """One [[adaptor]] of the file: its number, what it is, what it does, and its means."""

    number: int
    name: str
    normalise: str
    effect: str
    mean_log_prior: float
    mean_reward: float


@dataclass(frozen=True, slots=True, eq=False)
class OwnPlane:
    """What is drawn; every point is (E L, E R) in nats.

    Args:
        aligned: of p+.
        prior: of p on the strings of p+; None for an automaton.
        strings: (L, R) of each string, none where they are too many; shape (2, n).
        hull: the corners of the hull of the strings, counterclockwise, none for an automaton; shape (2, m).
        temperature: along global temperature, from hot to cold; shape (2, k).
        span: the temperatures of its two ends.
        local: along local temperature, none for a table; shape (2, k).
        local_span: the temperatures of its two ends.
        beta: from the prior through p+ on; none for an automaton; shape (2, k).
        adaptors: those of the file that have a law.
        cooling: what a small cooling does, in words.
    """

    aligned: tuple[float, float]
    prior: tuple[float, float] | None
    strings: Floats
    hull: Floats
    temperature: Floats
    span: tuple[float, float]
    local: Floats
    local_span: tuple[float, float]
    beta: Floats
    adaptors: tuple[Placed, ...]
    cooling: str


def own_plane(model: AlignedModel, adaptors: tuple[AdaptorEntry, ...] = (), words: str = "") -> OwnPlane:
    """The model's points and paths. Cost: O(n) for each of some hundred laws."""
    none = np.empty((2, 0))
    aligned = (to_float(model.mean.mean_log_prior), to_float(model.mean.mean_reward))
    placed = tuple(_placed(model, adaptors))
    rows = model.plane()
    if rows is None:
        path, span = _tempered(model, "global")
        local, local_span = _tempered(model, "local")
        return OwnPlane(aligned, None, none, none, path, span, local, local_span, none, placed, words)
    log_prior, reward, surprisal = rows
    points = np.stack([log_prior, reward])
    steps = _POWERS if len(log_prior) <= 100_000 else _POWERS[::4]
    along_beta = [member(log_prior, reward, 1.0, float(t)) for t in steps]
    temperatures = _TEMPERATURES if len(log_prior) <= 100_000 else _TEMPERATURES[::4]
    return OwnPlane(
        aligned=aligned,
        prior=(float(along_beta[0].mean_log_prior), float(along_beta[0].mean_reward)),
        strings=points if len(log_prior) <= _DOTS else none,
        hull=corners(points),
        temperature=np.stack([_cooled(points, surprisal, float(t)) for t in temperatures], axis=1),
        span=(float(temperatures[0]), float(temperatures[-1])),
        local=_local(model),
        local_span=(float(_OF_LOCAL[0]), float(_OF_LOCAL[-1])),
        beta=np.array([[m.mean_log_prior, m.mean_reward] for m in along_beta]).T,
        adaptors=placed,
        cooling=words,
    )


def _placed(model: AlignedModel, adaptors: tuple[AdaptorEntry, ...]) -> list[Placed]:
    found = []
    for number, entry in enumerate(adaptors, start=1):
        law = model.adapted(entry.chain, entry.normalise)
        if law.moments is not None:
            means = to_float(law.moments.mean_log_prior), to_float(law.moments.mean_reward)
            found.append(Placed(number, str(entry.chain), entry.normalise, effect(model, law), *means))
    return found


def _cooled(points: Floats, surprisal: Floats, temperature: float) -> Floats:
    """The means under p+ to the power 1/T, normalised over whole strings."""
    weight = np.exp(-(surprisal - surprisal.min()) / temperature)
    means: Floats = points @ (weight / weight.sum())
    return means


def _local(model: AlignedModel) -> Floats:
    """Along local temperature, of a tree."""
    if not isinstance(model, FiniteModel) or len(model.aligned.tree.levels) <= 3:
        return np.empty((2, 0))
    numbers = model.aligned.floats()
    path = []
    for t in _OF_LOCAL:
        law = adapt(numbers, decide(numbers, chain(("temperature", rational(float(t))))), "local")
        path.append((float(law.prob @ numbers.log_prior[law.string]), float(law.prob @ numbers.reward[law.string])))
    return np.array(path).T


def _tempered(model: AlignedModel, normalise: str) -> tuple[Floats, tuple[float, float]]:
    """Along temperature, where there is a law, and the temperatures of the ends; of an automaton."""
    there = []
    for t in _OF_LOCAL if isinstance(model, AutomatonModel) else ():
        found = model.adapted(chain(("temperature", rational(float(t)))), normalise).moments
        if found is not None:
            there.append((float(t), to_float(found.mean_log_prior), to_float(found.mean_reward)))
    if not there:
        return np.empty((2, 0)), (1.0, 1.0)
    return np.array(there).T[1:], (there[0][0], there[-1][0])


def corners(points: Floats) -> Floats:
    """The corners of the convex hull, counterclockwise, shape (2, m), by monotone chains (Andrew 1979).

    Args:
        points: shape (2, n).
    """
    order = np.lexsort((points[1], points[0]))
    if len(order) > 5000:  # only the ends of thin slices can be corners
        place = np.linspace(0, len(order), 2001).astype(np.int64)
        kept = [order[[0, -1]]]
        for low, high in itertools.pairwise(place):
            kept.append(_slice_corners(points, order[low:high]))
        order = np.concatenate(kept)
        order = order[np.lexsort((points[1, order], points[0, order]))]
    return points[:, _chains(points, order)]


def _slice_corners(points: Floats, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    """The corners of the hull of some of the points, which lie in order."""
    return np.array(_chains(points, chosen), dtype=np.int64)


def _chains(points: Floats, order: NDArray[np.int64]) -> list[int]:
    """The corners among points that are given in lexicographic order."""
    xs, ys = points[0, order].tolist(), points[1, order].tolist()
    slack = 1e-12 * float(np.ptp(points[0])) * float(np.ptp(points[1]))  # points on an edge, up to rounding, are none
    both: list[list[int]] = []
    for places in (range(len(xs)), range(len(xs) - 1, -1, -1)):
        chain_: list[int] = []
        for k in places:
            while len(chain_) > 1:
                i, j = chain_[-2], chain_[-1]
                if (xs[j] - xs[i]) * (ys[k] - ys[i]) > (ys[j] - ys[i]) * (xs[k] - xs[i]) + slack:
                    break
                chain_.pop()
            chain_.append(k)
        both.append(chain_)
    found = both[0][:-1] + both[1][:-1] or both[0]
    return [int(order[k]) for k in found]


# --- drawing ------------------------------------------------------------------------------------------------------


def draw(plane: OwnPlane, axes: Axes) -> Axes:
    """Draw the plane; the axes are returned."""
    if plane.hull.shape[1]:
        (area,) = axes.fill(*plane.hull, linewidth=0.8, label="what laws of the strings reach")
        area.set(facecolor=style.COLOUR["light"], edgecolor=style.COLOUR["hull"])
    axes.plot(*plane.strings, "o", color=style.COLOUR["strings"], markersize=3)
    axes.axline(plane.aligned, slope=-1, **style.line("1:1"), linewidth=1, label="1:1 through $p_+$")
    if plane.beta.shape[1]:
        axes.plot(*plane.beta, **style.line("beta"), label=r"strength of alignment, 1/$\beta$")
    axes.plot(*plane.temperature, **style.line("global"), label="temperature, global")
    axes.plot(*plane.temperature[:, -1:], **style.mark("global"), zorder=4)
    if plane.local.shape[1]:
        axes.plot(*plane.local, **style.line("local"), label="temperature, local")
        axes.plot(*plane.local[:, -1:], **style.mark("local"), zorder=4)
    for placed in plane.adaptors:
        face = style.COLOUR["truncation"] if placed.normalise == "local" else "none"
        label = f"{placed.number}: {placed.name}, {placed.normalise}: {placed.effect}"
        point = (placed.mean_log_prior, placed.mean_reward)
        axes.plot(*point, **style.mark("truncation"), markerfacecolor=face, markersize=4.5, zorder=5, label=label)
    if plane.prior is not None:
        axes.plot(*plane.prior, **style.mark("p"), markersize=4.5, zorder=5, label="prior $p$")
    axes.plot(*plane.aligned, **style.mark("p+"), markersize=8, zorder=6, label="aligned $p_+$")
    axes.set_ylabel(r"mean reward  $\mathrm{E}\,R$  (nats)")
    _leave_room(plane, axes)
    axes.set_xlabel(_ACROSS)
    if plane.cooling:
        axes.set_title(f"a small cooling: {plane.cooling}")
    return axes


def finish(plane: OwnPlane, axes: Axes) -> None:
    """One scale for both means, or the words that it is not one, and words beside the points; after the legend."""
    says = one_scale(axes)
    if says:
        axes.set_xlabel(f"{_ACROSS}\n{says}")
    labels = [Label(*plane.aligned, "aligned $p_+$")]
    if plane.prior is not None:
        labels.append(Label(*plane.prior, "prior $p$"))
    together: dict[tuple[float, float], list[Placed]] = {}
    for placed in plane.adaptors:
        together.setdefault((round(placed.mean_log_prior, 9), round(placed.mean_reward, 9)), []).append(placed)
    for (x, y), some in together.items():
        words = len(plane.adaptors) <= _MANY and len(some) == 1 and len(some[0].name) <= _LONG_NAME
        labels.append(
            Label(x, y, f"{some[0].number} {some[0].name}" if words else ", ".join(str(s.number) for s in some))
        )
    for path, span in ((plane.temperature, plane.span), (plane.local, plane.local_span)):
        if path.shape[1]:
            labels += [Label(path[0, k], path[1, k], f"T = {_fraction(span[k])}") for k in (0, -1)]
    if plane.beta.shape[1]:
        labels.append(Label(plane.beta[0, -1], plane.beta[1, -1], rf"$\beta$/{_POWERS[-1]:g}"))
    left, right = axes.get_xlim()
    l, r = plane.aligned
    exchange = np.array([[left, right], [r - (left - l), r - (right - l)]])
    hull = np.column_stack([plane.hull, plane.hull[:, :1]])
    place(axes, labels, [plane.temperature, plane.local, plane.beta, exchange, hull])


def _fraction(value: float) -> str:
    """1/8, 4, or three digits."""
    found = Fraction(value).limit_denominator(10)
    return str(found) if abs(float(found) - value) < 1e-9 else f"{value:.3g}"


def _leave_room(plane: OwnPlane, axes: Axes) -> None:
    """Limits a tenth beyond what is drawn; of a long table's hull only the part around the paths."""
    laws = [plane.temperature, plane.local, plane.beta, np.array([plane.aligned]).T]
    laws += [np.array([[a.mean_log_prior], [a.mean_reward]]) for a in plane.adaptors]
    seen = np.concatenate([*laws, plane.hull] if plane.strings.shape[1] else laws, axis=1)
    low, high = seen.min(axis=1), seen.max(axis=1)
    margin = np.maximum((high - low) / 10, 1e-3)
    axes.set_xlim(low[0] - margin[0], high[0] + margin[0])
    axes.set_ylim(low[1] - margin[1], high[1] + margin[1])


def plot(model: Model, axes: Axes | None = None) -> Axes:
    """Draw a model in the plane of (E L, E R), on these axes or on those of a new figure; the axes are returned.

    Raises:
        ArithmeticError: there is no aligned law to draw.
    """
    with precision():
        found = model.aligned()
        plane = own_plane(found, model.spec.adaptors, cooling(found))
    with matplotlib.rc_context(style.paper()):
        if axes is None:
            figure = Figure()
            style.size(figure, style.WIDTH_DOUBLE, 4.2)
            return _whole(plane, figure)
        drawn = draw(plane, axes)
        finish(plane, drawn)
        return drawn


def _whole(plane: OwnPlane, figure: Figure) -> Axes:
    """The plane in a figure of its own, with its legend."""
    axes = draw(plane, figure.subplots())
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right upper")
    finish(plane, axes)
    return axes


def save(spec: AnySpecification, path: Path) -> None:
    """Draw a specification's model into a .png, .svg or .pdf file, written whole or not at all.

    Raises:
        ValueError: there is no aligned law to draw (Z is infinite, or it is not known to be finite).
        OSError: the file cannot be written.
    """
    with precision():
        try:
            model = spec.model()
        except ArithmeticError as error:
            raise ValueError(f"nothing to draw: {error}") from None
        plane = own_plane(model, spec.adaptors, cooling(model))
    buffer = BytesIO()
    with matplotlib.rc_context(style.paper()):
        figure = Figure()
        style.size(figure, style.WIDTH_DOUBLE, 4.2)
        _whole(plane, figure)
        form = path.suffix.lower()[1:]
        dates = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(form, {})
        figure.savefig(buffer, format=form, metadata=dates)
    write_whole(path, buffer.getvalue())


__all__ = ["OwnPlane", "Placed", "corners", "draw", "finish", "own_plane", "plot", "save"]
