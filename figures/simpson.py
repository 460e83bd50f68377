"""Corpora that come from one of several adaptors each: their covariance W/N + B, and where it changes its sign."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from figures import style
from theory.adaptors.exact import Chain, chain
from theory.arithmetic.exact import floats, to_float
from theory.claims.simpson.crossing import c8, reversing_tree
from theory.corpora.mixtures import Mixture, adaptor_mixture, crossing

CLAIMS = ("simpson.crossing",)
CAPTION = (
    "Every corpus comes from one of two adaptors, and under each of them L and R rise together; yet "
    "Cov(Lbar, Rbar) = W/N + B turns negative at N* = -W/B. C8: N* = 16 (a); its corpora of three sizes, with the "
    "least-squares line (c to e). A tree with p = (1, 2, 2)/5 and e^R = (3, 3, 4), sampled from p+ and at local "
    "temperature 1/2: N* = 139.97 (b). With two adaptors the correlation tends to -1; it keeps its value where every "
    "string draws its own adaptor (f). Circles: all corpora counted; lines: the formula."
)
SEED: int | None = None

DIGITS = 8
"""Sums are taken in float64, in an order of the processor's choice: later digits are not certain."""
PARAMETERS = {
    "C8": "q1 uniform on (L, R) = (0, 1), (4, 5), q2 on (1, 0), (5, 4)",
    "tree": "strings a 1, a 2, b 1, p = (1, 2, 2)/5, e^R = (3, 3, 4)",
}

Floats = NDArray[np.float64]

_CLOUDS = (4, 16, 64)
_BASE = Chain()
_COOL, _HOT = chain(("temperature", "1/2")), chain(("temperature", 2))
_C8, _MIXED = "C8", "C8, mixed by string"
_NEAR, _FAR = "tree, $T=1,\\frac{1}{2}$", "tree, $T=\\frac{1}{2},2$"


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Cov(Lbar, Rbar) of a mixture against N, nats^2.

    Args:
        size: N of the lines, whole or not, shape (m,).
        within: W/N, shape (m,).
        between: B.
        crossing: N*.
        counted: (N, Cov) from all corpora of N strings, shape (k, 2).
    """

    size: Floats
    within: Floats
    between: float
    crossing: float
    counted: Floats

    @property
    def total(self) -> Floats:
        """W/N + B."""
        return self.within + self.between


@dataclass(frozen=True, slots=True, eq=False)
class Cloud:
    """The corpora of N strings from each of the two adaptors, and how they vary together.

    Args:
        corpora: (adaptor, Lbar, Rbar, probability), shape (m, 4).
        slope: Cov / Var(Lbar) over all corpora: of the least-squares line through the mean.
        mean: (E Lbar, E Rbar).
    """

    size: int
    corpora: Floats
    slope: float
    mean: tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """What is drawn; ``correlation`` maps a label to (N, Corr(Lbar, Rbar)), shape (m, 2)."""

    c8: Curve
    tree: Curve
    clouds: tuple[Cloud, ...]
    correlation: dict[str, Floats]

    def rows(self) -> list[dict[str, str | float]]:
        """One row per point of a curve, and per corpus of a cloud."""
        rows: list[dict[str, str | float]] = []
        for name, curve in (("C8", self.c8), ("tree", self.tree)):
            rows += [{"series": f"{name}, W/N", "x": x, "y": y} for x, y in zip(curve.size, curve.within, strict=True)]
            rows.append({"series": f"{name}, B", "x": curve.size[0], "y": curve.between})
            rows += [
                {"series": f"{name}, W/N + B", "x": x, "y": y} for x, y in zip(curve.size, curve.total, strict=True)
            ]
            rows += [{"series": f"{name}, counted", "x": x, "y": y} for x, y in curve.counted]
            rows.append({"series": f"{name}, N*", "x": curve.crossing, "y": 0.0})
        for cloud in self.clouds:
            rows += [
                {"series": f"C8, corpora of N = {cloud.size} from q{int(part)}", "x": x, "y": y, "probability": p}
                for part, x, y, p in cloud.corpora
            ]
            rows.append({"series": f"C8, slope over corpora of N = {cloud.size}", "x": cloud.size, "y": cloud.slope})
        for label, points in self.correlation.items():
            rows += [{"series": f"correlation, {_plain(label)}", "x": x, "y": y} for x, y in points]
        return rows


def _plain(label: str) -> str:
    """A label without its markup."""
    return label.replace("\\frac{1}{2}", "1/2").replace("$", "").replace("=", " = ").replace(",2", ", 2")


def compute() -> Record:
    """C8 in rationals, the tree in balls; every counted covariance sums over all corpora of that size."""
    aligned = reversing_tree()
    numbers = aligned.balls()
    first, second = c8(), adaptor_mixture(numbers, [_BASE, _COOL], "local")
    third = adaptor_mixture(numbers, [_COOL, _HOT], "local")
    mixed = Mixture.even(first.pooled())
    return Record(
        c8=_curve(first, np.geomspace(3.6, 220, 120), (4, 6, 9, 12, 15, 16, 17, 24, 40, 80, 150)),
        tree=_curve(second, np.geomspace(34, 1900, 120), (40, 60, 90, 120, 139, 140)),
        clouds=tuple(_cloud(first, size) for size in _CLOUDS),
        correlation={
            _C8: _correlation(first),
            _NEAR: _correlation(second),
            _FAR: _correlation(third),
            _MIXED: _correlation(mixed),
        },
    )


def _curve(mixture: Mixture, size: Floats, counted: tuple[int, ...]) -> Curve:
    within, between = mixture.within().cov, mixture.between().cov
    return Curve(
        size=size,
        within=to_float(within) / size,
        between=to_float(between),
        crossing=to_float(crossing(within, between)),
        counted=np.array([(n, to_float(mixture.corpora(n).pooled().covariance().cov)) for n in counted]),
    )


def _cloud(mixture: Mixture, size: int) -> Cloud:
    corpora = mixture.corpora(size)
    rows = [
        (k + 1, *row)
        for k, (share, part) in enumerate(zip(mixture.weight, corpora.parts, strict=True))
        for row in zip(floats(part.log_prior), floats(part.reward), floats(part.prob * share), strict=True)
    ]
    pooled = corpora.pooled()
    matrix = pooled.covariance()
    mean_l, mean_r = pooled.mean()
    slope = to_float(matrix.cov / matrix.var_log_prior)
    return Cloud(size, np.array(rows), slope, (to_float(mean_l), to_float(mean_r)))


def _correlation(mixture: Mixture) -> Floats:
    """(N, Corr) at whole N, about evenly spread in log N."""
    sizes = np.unique(np.geomspace(1, 100_000, 90).round().astype(int)).tolist()
    return np.array([(n, to_float(mixture.corpus_covariance(n).correlation)) for n in sizes])


# --- drawing ------------------------------------------------------------------------------------------------------


def draw(record: Record, figure: Figure) -> None:
    """Two covariances above; below, corpora of three sizes and the correlations."""
    style.size(figure, style.WIDTH_DOUBLE, 4.3)
    above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=[1.12, 1])[:, 0]
    axes: dict[str, Axes] = {
        **above.subplot_mosaic([list("ab")]),
        **below.subplot_mosaic([list("cdef")], width_ratios=[1, 1, 1, 1.5]),
    }
    _draw_curve(axes["a"], record.c8, 1.0, (-0.42, 1.12), (4, 8, 16, 32, 64, 128))
    axes["a"].set_ylabel("Cov($\\bar L,\\bar R$)  (nats$^2$)")
    axes["a"].text(15, -0.13, "$N^*=16$", ha="right", fontsize=7)
    axes["a"].legend(loc="upper right")
    style.title(axes["a"], "a", "C8: positive under either adaptor")
    _draw_curve(axes["b"], record.tree, 1e4, (-1.55, 4.1), (40, 70, 140, 280, 560, 1120))
    axes["b"].set_ylabel("Cov($\\bar L,\\bar R$)  ($10^{-4}$ nats$^2$)")
    axes["b"].text(131, -0.48, f"$N^*={record.tree.crossing:.2f}$", ha="right", fontsize=7)
    style.title(axes["b"], "b", "a tree: $p_+$ and local temperature 1/2")
    for name, cloud in zip("cde", record.clouds, strict=True):
        _draw_cloud(axes[name], cloud)
        style.title(axes[name], name, f"C8, $N={cloud.size}$")
        axes[name].tick_params(labelleft=name == "c")
    axes["c"].set_ylabel("$\\bar R$  (nats)")
    axes["c"].legend(loc="lower right", handlelength=1.0, handletextpad=0.3)
    _draw_correlation(axes["f"], record)
    style.title(axes["f"], "f", "correlation of corpora")


def _draw_curve(axes: Axes, curve: Curve, scale: float, limits: tuple[float, float], ticks: tuple[int, ...]) -> None:
    axes.axhline(0, color="black", linewidth=0.6, zorder=1)
    axes.axvline(curve.crossing, **style.line("reference"), linewidth=0.8, zorder=1)
    axes.plot(curve.size, curve.within * scale, **style.line("within"), label="$W/N$, within adaptors")
    level = np.full_like(curve.size, curve.between * scale)
    axes.plot(curve.size, level, **style.line("between"), label="$B$, between their means")
    axes.plot(curve.size, curve.total * scale, **style.line("total"), linewidth=1.7, label="$W/N+B$")
    counted = curve.counted * (1, scale)
    axes.plot(*counted.T, **style.mark("exact"), markerfacecolor="white", markersize=4, label="all corpora counted")
    axes.set_xscale("log")
    axes.set_xticks(ticks, [str(n) for n in ticks])
    axes.minorticks_off()
    axes.set_xlim(curve.size[0], curve.size[-1])
    axes.set_ylim(*limits)
    axes.set_xlabel("strings in a corpus, $N$")


def _draw_cloud(axes: Axes, cloud: Cloud) -> None:
    """Areas grow with the probability of a corpus given N."""
    largest = cloud.corpora[:, 3].max()
    for part, name, text in ((1, "global", "$q_1$"), (2, "truncation", "$q_2$")):
        own = cloud.corpora[cloud.corpora[:, 0] == part]
        own = own[own[:, 3] > 1e-3 * largest]
        axes.scatter(
            own[:, 1],
            own[:, 2],
            s=1 + 26 * own[:, 3] / largest,
            color=style.COLOUR[name],
            marker=style.MARK[name],
            linewidth=0,
            label=text,
        )
    x = np.array([-0.6, 5.6])
    axes.plot(x, cloud.mean[1] + cloud.slope * (x - cloud.mean[0]), **style.line("exact"), zorder=1)
    axes.set_xlim(-0.6, 5.6)
    axes.set_ylim(-0.6, 5.6)
    axes.set_aspect("equal")
    axes.set_xticks(range(0, 6))
    axes.set_yticks(range(0, 6))
    axes.set_xlabel("$\\bar L$  (nats)")
    style.note(axes, f"slope ${cloud.slope:+.1f}$" if cloud.slope else "slope 0", 0.04, 0.98)


def _draw_correlation(axes: Axes, record: Record) -> None:
    axes.axhline(0, color="black", linewidth=0.6, zorder=1)
    for (label, points), look in zip(record.correlation.items(), style.SERIES, strict=False):
        text = None if label == _MIXED else label
        axes.plot(*points.T, color=look["color"], linestyle=look["linestyle"], label=text)
    (_, level), *_ = record.correlation[_MIXED]
    axes.text(8e4, level - 0.05, _MIXED, color=style.SERIES[3]["color"], fontsize=6.5, ha="right", va="top")
    axes.set_xscale("log")
    axes.set_xlim(1, 1e5)
    axes.set_ylim(-1.06, 1.06)
    axes.set_xticks([1, 10, 100, 1000, 10_000, 100_000])
    axes.set_yticks([-1, -0.5, 0, 0.5, 1])
    axes.set_xlabel("strings in a corpus, $N$")
    axes.set_ylabel("Corr($\\bar L,\\bar R$)", labelpad=-2)
    axes.legend(loc="upper right", bbox_to_anchor=(1.0, 0.83), handlelength=2.0)
