"""Words beside points, and axes on one scale.

A label takes the place around its point that is free of marks, of other labels with the thin lines that join them to
their points and, if it can be, of lines.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_AROUND = tuple((round(math.cos(a), 9), round(math.sin(a), 9)) for a in np.pi / 4 * np.array([1, 0, 7, 3, 4, 5, 2, 6]))
_AWAY = (4.5, 9.0, 15.0, 23.0, 33.0, 45.0)
"""Points between a mark and its label; from the second on a thin line joins them."""

_MARK = 3.5
_ON_LABEL, _ON_MARK, _OUTSIDE, _CROSSED, _ON_BAR, _ON_LEADER = 100.0, 60.0, 200.0, 40.0, 30.0, 15.0
_ON_LINE, _FARTHER = 1.0, 4.0
_HAIR = 1.5
"""Points between a label and the end of an interval's bar."""
_STEP = 3.0
"""Pixels between the places of a line that labels avoid."""

MOST = 4.0
"""Axes of one unit are drawn on one scale up to this ratio of their ranges."""


@dataclass(frozen=True, slots=True)
class Label:
    """Words at a point of the axes, in data coordinates; the colour of the style's text unless one is named."""

    x: float
    y: float
    text: str
    colour: str | None = None


@dataclass(frozen=True, slots=True)
class _Box:
    """A rectangle, in pixels."""

    left: float
    low: float
    right: float
    high: float

    def meets(self, other: _Box) -> bool:
        return self.left < other.right and other.left < self.right and self.low < other.high and other.low < self.high

    def wider(self, by: float) -> _Box:
        """The box with so much around it."""
        return _Box(self.left - by, self.low - by, self.right + by, self.high + by)

    def holds(self, points: Floats) -> int:
        """How many of the points, shape (2, n), lie in it."""
        x, y = points
        return int(((x > self.left) & (x < self.right) & (y > self.low) & (y < self.high)).sum())


def place(
    axes: Axes,
    labels: Sequence[Label],
    lines: Iterable[Floats] = (),
    size: float = 6,
    marks: Iterable[tuple[float, float]] = (),
    bars: Iterable[Floats] = (),
) -> None:
    """Write labels, in this order, where they lie on nothing; the limits and the legend must stand before.

    Args:
        axes: what is drawn, in the coordinates of the points.
        labels: each beside its point; every point is a mark that labels leave free.
        lines: paths that labels avoid, shape (2, n) each.
        size: of the font, points.
        marks: points without a label, which labels leave free, too.
        bars: intervals and lines, shape (2, n) each: however short the piece below a label, it strikes the words
            through.
    """
    figure = axes.get_figure(root=True)
    assert figure is not None, "axes belong to a figure"
    figure.draw_without_rendering()
    pixel = figure.dpi / 72
    frame = axes.get_window_extent()
    inside = _Box(frame.x0, frame.y0, frame.x1, frame.y1)
    points = [axes.transData.transform((one.x, one.y)) for one in labels]
    others = [axes.transData.transform(mark) for mark in marks]
    half = _MARK * pixel
    own_marks = [_Box(x - half, y - half, x + half, y + half) for x, y in (*points, *others)]
    avoided = [np.empty((2, 0)), *(_dense(axes.transData.transform(line.T).T) for line in lines if line.shape[1] > 1)]
    crossing = [_dense(axes.transData.transform(bar.T).T, _STEP / 6) for bar in bars]
    on_lines, taken, leaders = np.concatenate(avoided, axis=1), list[_Box](), np.empty((2, 0))

    def cost_of(box: _Box, far: int) -> float:
        cost = _ON_LABEL * sum(box.meets(other) for other in taken) + _FARTHER * far
        cost += _ON_MARK * sum(box.meets(other) for other in own_marks) + _ON_LINE * box.holds(on_lines)
        cost += _ON_BAR * sum(box.wider(_HAIR * pixel).holds(bar) > 0 for bar in crossing)
        return cost + _OUTSIDE * (not _within(box, inside)) + _CROSSED * (box.holds(leaders) > 0)

    for place_of, (one, (x, y)) in enumerate(zip(labels, points, strict=True)):
        other_marks = [box for k, box in enumerate(own_marks) if k != place_of and not box.holds(np.array([[x], [y]]))]
        made = axes.annotate(one.text, (one.x, one.y), (0, 0), textcoords="offset points", fontsize=size, zorder=7)
        extent = made.get_window_extent()
        made.remove()
        best = None
        for far, away in enumerate(_AWAY):
            for right, up in _AROUND:
                box = _beside(x + right * away * pixel, y + up * away * pixel, right, up, extent.width, extent.height)
                cost = cost_of(box, far)
                leader = _leader(x, y, right * away * pixel, up * away * pixel) if far > 0 else leaders[:, :0]
                cost += _CROSSED * sum(other.holds(leader) > 0 for other in taken)
                cost += _ON_LEADER * sum(other.holds(leader) > 0 for other in other_marks)
                if best is None or cost < best[0]:
                    best = (cost, box, leader, far, right * away, up * away, right, up)
        assert best is not None, "there are places to try"
        _, box, leader, far, shift_x, shift_y, right, up = best
        taken.append(box)
        leaders = np.concatenate((leaders, leader), axis=1)
        _write(axes, one, (shift_x, shift_y), (right, up), size, joined=far > 0)


def _write(
    axes: Axes, one: Label, shift: tuple[float, float], way: tuple[float, float], size: float, *, joined: bool
) -> None:
    """The words, shifted by points; the line begins at the corner or edge of the words that is next to their mark."""
    right, up = way
    across = 0.0 if right > 0.1 else 1.0 if right < -0.1 else 0.5
    along = 0.0 if up > 0.1 else 1.0 if up < -0.1 else 0.5
    line = {"arrowstyle": "-", "linewidth": 0.4, "shrinkA": 0, "shrinkB": 2, "relpos": (across, along)}
    axes.annotate(
        one.text,
        (one.x, one.y),
        shift,
        textcoords="offset points",
        fontsize=size,
        color=one.colour,
        zorder=7,
        ha={0.0: "left", 0.5: "center", 1.0: "right"}[across],
        va={0.0: "bottom", 0.5: "center", 1.0: "top"}[along],
        arrowprops=line if joined else None,
    ).set_in_layout(False)


def _leader(x: float, y: float, across: float, along: float) -> Floats:
    """Places on the thin line from a mark to its label, shape (2, n)."""
    share = np.linspace(0.0, 1.0, 16)
    return np.stack((x + share * across, y + share * along))


def _beside(x: float, y: float, right: float, up: float, width: float, height: float) -> _Box:
    """The box of a text whose corner or edge towards its point is at x, y."""
    left = x if right > 0.1 else x - width if right < -0.1 else x - width / 2
    low = y if up > 0.1 else y - height if up < -0.1 else y - height / 2
    return _Box(left, low, left + width, low + height)


def _within(box: _Box, frame: _Box) -> bool:
    return frame.left <= box.left and box.right <= frame.right and frame.low <= box.low and box.high <= frame.high


def _dense(path: Floats, step: float = _STEP) -> Floats:
    """Places along a polygonal line, some pixels apart; none of a line that has no finite point."""
    finite = path[:, np.isfinite(path).all(axis=0)]
    if not finite.size:
        return np.empty((2, 0))
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(finite, axis=1)))])
    places = np.arange(0.0, min(along[-1], 1e5), step)
    return np.stack([np.interp(places, along, row) for row in finite])


def one_scale(axes: Axes) -> str:
    """Draw both axes, of one unit, on one scale; or the words that they are not, where that would be unreadable.

    The limits are widened to fill the axes, whose legend and limits must stand before.
    """
    figure = axes.get_figure(root=True)
    assert figure is not None, "axes belong to a figure"
    figure.draw_without_rendering()
    width, height = axes.get_window_extent().size
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    ratio = (right - left) / width / ((high - low) / height)
    if 1 / MOST <= ratio <= MOST:
        more = max(1.0, 1 / ratio) - 1, max(1.0, ratio) - 1
        axes.set_xlim(left - (right - left) * more[0] / 2, right + (right - left) * more[0] / 2)
        axes.set_ylim(low - (high - low) * more[1] / 2, high + (high - low) * more[1] / 2)
        axes.set_aspect("equal", adjustable="box")
        return ""
    if ratio > 1:
        return f"scales differ: 1 nat up is as long as {ratio:.2g} nats across"
    return f"scales differ: 1 nat across is as long as {1 / ratio:.2g} nats up"


__all__ = ["MOST", "Label", "one_scale", "place"]
