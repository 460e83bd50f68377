"""The look of every figure: sizes, fonts, and one colour, line and mark for each thing that is drawn.

Colours are those of Okabe and Ito (2008), which colour-blind readers tell apart; line and mark differ as well, so
that grey print does too. The settings are a dict, entered with ``matplotlib.rc_context``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType

WIDTH_SINGLE = 3.4
"""Inches: one column of a two-column page."""

WIDTH_DOUBLE = 7.0
"""Inches: the whole width of a page."""

DPI = 300

_BLACK, _GREY, _PALE = "#000000", "#767676", "#d9d9d9"
_ORANGE, _SKY, _GREEN, _YELLOW = "#e69f00", "#56b4e9", "#009e73", "#f0e442"
_BLUE, _VERMILION, _PURPLE = "#0072b2", "#d55e00", "#cc79a7"

Dashes = str | tuple[float, tuple[float, ...]]

_SOLID: Dashes = "-"
_DASHED: Dashes = (0, (5, 2))
_DOTTED: Dashes = (0, (1, 1.4))
_DASH_DOT: Dashes = (0, (5, 1.5, 1, 1.5))
_DASH_DOT_DOT: Dashes = (0, (5, 1.5, 1, 1.5, 1, 1.5))
_LONG: Dashes = (0, (9, 2.5))
_SHORT: Dashes = (0, (2.5, 1.5))

_THINGS: dict[str, tuple[str, Dashes, str]] = {
    # laws
    "p+": (_BLACK, _SOLID, "*"),
    "p": (_GREEN, _DASHED, "D"),
    "strings": (_GREY, _SOLID, "."),
    "uniform": (_ORANGE, _DOTTED, "s"),
    "mixture": (_PURPLE, _SOLID, "P"),
    "target": (_BLACK, _SOLID, "*"),
    "proposal": (_ORANGE, _DASHED, "^"),
    # adaptors and paths
    "global": (_BLUE, _SOLID, "s"),
    "local": (_VERMILION, _DASHED, "o"),
    "temperature": (_VERMILION, _SOLID, "o"),
    "beta": (_GREEN, _DASH_DOT, "v"),
    "1:1": (_PURPLE, _DOTTED, "x"),
    "truncation": (_ORANGE, _SHORT, "^"),
    "order-preserving": (_SKY, _DASHED, "h"),
    "hull": (_GREY, _SOLID, "."),
    # exact numbers, limits and bounds
    "exact": (_BLACK, _SOLID, "o"),
    "sampled": (_BLUE, _SOLID, "o"),
    "limit": (_VERMILION, _DASHED, "s"),
    "bound": (_SKY, _DASH_DOT, "^"),
    "normal": (_ORANGE, _DOTTED, "v"),
    "Chebyshev": (_ORANGE, _DASHED, "s"),
    "one-sided": (_GREEN, _DASH_DOT, "^"),
    "Chernoff": (_BLUE, _SHORT, "v"),
    "typical": (_GREEN, _SOLID, "o"),
    "reference": (_GREY, _DOTTED, "x"),
    # corpora and chains
    "all corpora": (_GREY, _SOLID, "."),
    "re-binned": (_VERMILION, _DASHED, "D"),
    "iid": (_BLUE, _DASHED, "s"),
    "chain": (_VERMILION, _SOLID, "o"),
    "accept-all": (_PURPLE, _DOTTED, "X"),
    "acceptance": (_GREEN, _DASH_DOT, "^"),
    # parts of a covariance
    "within": (_BLUE, _DASHED, "s"),
    "between": (_ORANGE, _DOTTED, "^"),
    "total": (_BLACK, _SOLID, "o"),
    # quantities
    "L": (_BLUE, _SOLID, "o"),
    "R": (_VERMILION, _DASHED, "s"),
    "I": (_GREEN, _DASH_DOT, "^"),
    "entropy": (_PURPLE, _DOTTED, "D"),
    "divergence": (_ORANGE, _SHORT, "v"),
}

COLOUR: dict[str, str] = {name: colour for name, (colour, _, _) in _THINGS.items()} | {
    "region": _PALE,
    "light": "#efefef",
    "grid": "#e4e4e4",
    "text": "#333333",
}
"""The colour of a thing by its name in the legend, and of areas and captions."""

LINE: dict[str, Dashes] = {name: dashes for name, (_, dashes, _) in _THINGS.items()}
"""The dashes of a thing: what grey print shows."""

MARK: dict[str, str] = {name: mark for name, (_, _, mark) in _THINGS.items()}
"""The marker of a thing."""


class LineLook(TypedDict):
    """Colour and dashes, as keywords of ``Axes.plot``."""

    color: str
    linestyle: Dashes


class SeriesLook(LineLook):
    """Colour, dashes and marker, as keywords of ``Axes.plot`` and ``Axes.errorbar``."""

    marker: str


SERIES: tuple[SeriesLook, ...] = tuple(
    {"color": colour, "linestyle": dashes, "marker": mark}
    for colour, dashes, mark in (
        (_BLACK, _SOLID, "o"),
        (_BLUE, _DASHED, "s"),
        (_VERMILION, _DASH_DOT, "^"),
        (_GREEN, _SHORT, "D"),
        (_PURPLE, _DASH_DOT_DOT, "v"),
        (_ORANGE, _DOTTED, "P"),
        (_SKY, _LONG, "X"),
    )
)
"""Colour, dashes and marker of the first, second, ... of several alike series: sizes, settings."""


def paper() -> dict[RcKeyType, str | float | bool]:
    """The settings of all figures, for ``matplotlib.rc_context``."""
    return {
        "figure.dpi": 100,
        "figure.constrained_layout.use": True,
        "figure.constrained_layout.w_pad": 0.04,
        "figure.constrained_layout.h_pad": 0.04,
        "font.family": "DejaVu Sans",
        "font.size": 7.5,
        "mathtext.fontset": "dejavusans",
        "axes.titlesize": 8,
        "axes.titlelocation": "left",
        "axes.titlepad": 4,
        "axes.labelsize": 7.5,
        "axes.labelpad": 2.5,
        "axes.linewidth": 0.6,
        "axes.edgecolor": "#555555",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "axes.grid": True,
        "axes.formatter.use_mathtext": True,
        "axes.formatter.offset_threshold": 5,
        "grid.color": COLOUR["grid"],
        "grid.linewidth": 0.5,
        "xtick.labelsize": 6.5,
        "ytick.labelsize": 6.5,
        "xtick.color": "#333333",
        "ytick.color": "#333333",
        "xtick.major.size": 2.5,
        "ytick.major.size": 2.5,
        "xtick.minor.size": 1.3,
        "ytick.minor.size": 1.3,
        "xtick.major.width": 0.5,
        "ytick.major.width": 0.5,
        "xtick.minor.width": 0.4,
        "ytick.minor.width": 0.4,
        "lines.linewidth": 1.2,
        "lines.markersize": 3.5,
        "lines.markeredgewidth": 0.6,
        "lines.solid_capstyle": "round",
        "patch.linewidth": 0.6,
        "errorbar.capsize": 1.5,
        "legend.fontsize": 6.5,
        "legend.frameon": True,
        "legend.framealpha": 0.9,
        "legend.edgecolor": "none",
        "legend.fancybox": False,
        "legend.handlelength": 2.4,
        "legend.borderpad": 0.25,
        "legend.labelspacing": 0.35,
        "legend.columnspacing": 1.2,
        "savefig.dpi": DPI,
        "savefig.facecolor": "white",
        "svg.fonttype": "none",
        "svg.hashsalt": "probqual",
    }


def line(name: str) -> LineLook:
    """Colour and dashes of a thing, as keywords of ``Axes.plot``."""
    return {"color": COLOUR[name], "linestyle": LINE[name]}


def mark(name: str) -> SeriesLook:
    """Colour and marker of a thing without a line, as keywords of ``Axes.plot`` and ``Axes.errorbar``."""
    return {"color": COLOUR[name], "marker": MARK[name], "linestyle": "none"}


def series(number: int) -> SeriesLook:
    """The look of the k-th of several alike series; where the looks run out they come again with a star."""
    look = SERIES[number % len(SERIES)]
    return look if number < len(SERIES) else look | {"marker": "*"}


def title(axes: Axes, letter: str, text: str) -> None:
    """Name a panel: a bold letter and a few words above its left end."""
    axes.set_title(rf"$\mathbf{{{letter}}}$  {text}")


def note(axes: Axes, text: str, x: float, y: float, ha: Literal["left", "right"] = "left") -> Text:
    """A few words inside a panel, at fractions of its width and height."""
    return axes.text(x, y, text, transform=axes.transAxes, fontsize=6.5, color=COLOUR["text"], ha=ha, va="top")


def size(figure: Figure, width: float, height: float) -> None:
    """Set the size in inches."""
    figure.set_size_inches(width, height)
