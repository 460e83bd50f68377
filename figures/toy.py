"""The paper's toy: the sign of a correlation depends on the measure, on the event, and on the bins.

Strings are shown twice, each counted once and weighted by p+. Corpora are drawn by their multinomial counts; behind
them stand the exact covariance, the exact typical band and the exact regression given the band. The typical ones are
then re-binned along Lbar, so that each of ten bins of equal width carries the same weight.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import fmpq
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import t as student

from figures import style
from theory.adaptors.moments import Moments
from theory.arithmetic.exact import floats, to_float
from theory.claims.correlation.models import PUBLISHED
from theory.claims.instances import law_of, named
from theory.corpora.atoms import Window, atoms
from theory.corpora.typicality import typical_corpora
from theory.models.finite import FiniteModel
from theory.report.studies import rebinned_correlation

CLAIMS = ("correlation.measure", "correlation.iid", "correlation.typical", "line.exact-typicality")

CAPTION = (
    "The paper's toy: 1,000 strings, corpora of N = 100,000, epsilon = 0.001 nats. Counting every string once, L and R "
    "correlate positively (a); under p+, from which corpora are drawn, negatively (b; the top of a, area as p+), and "
    "20,000 corpora repeat that (c; cells in grey, the exact 95 % ellipse in black). Keeping only the typical ones, "
    "between the two lines of slope -1, makes the correlation strongly negative (c, d); giving ten bins of equal width "
    "along Lbar equal weight makes it stronger still (e; area as the weight), the more so the more corpora are "
    "re-binned (f; bars are 95 % intervals). The 213 corpora of (d) and (e) are the group of median correlation after "
    "re-binning."
)

SEED: int | None = 20240610203

DIGITS = 8
"""Sums are taken in float64, in an order of the processor's choice: later digits are not certain."""

SIZE = 100_000
EPSILON = fmpq(1, 1000)
CORPORA = 20_000
BINS = 10
CHUNK = 2_000
PARAMETERS = {"N": str(SIZE), "epsilon": str(EPSILON), "corpora": str(CORPORA), "bins": str(BINS)}

_CELLS = 64
_REACH = 4.0
_GROUPS = (25, 50, 100, PUBLISHED["typical"], 500, 1000)
_SHOWN = int(PUBLISHED["typical"])
_LEVEL = 0.95

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fit:
    """The regression of R on L: through the means, with slope Cov / Var L; nats."""

    mean_log_prior: float
    mean_reward: float
    slope: float
    correlation: float

    @staticmethod
    def of(mean: Moments) -> Fit:
        """Under the law of these moments."""
        numbers = (mean.mean_log_prior, mean.mean_reward, mean.cov / mean.var_log_prior, mean.correlation)
        return Fit(*(to_float(v) for v in numbers))

    @staticmethod
    def given(window: Window) -> Fit:
        """Of (Lbar - E L, Rbar - E R) on 1e-3 nats, given that the corpus is typical."""
        mean_x, mean_y, xx, xy, _ = (to_float(s / window.mass) for s in window.sums[1:])
        slope = -1 - (xy - mean_x * mean_y) / (xx - mean_x * mean_x)
        correlation = to_float(window.conditional_correlation())
        return Fit(mean_x / SIZE * 1e3, -(mean_x + mean_y) / SIZE * 1e3, slope, correlation)

    def at(self, log_prior: Floats) -> Floats:
        """The line."""
        return self.mean_reward + self.slope * (log_prior - self.mean_log_prior)


@dataclass(frozen=True, slots=True, eq=False)
class Binned:
    """What re-binning does to groups of typical corpora of one size: means with 95 % intervals over disjoint groups."""

    size: int
    before: float
    before_margin: float
    after: float
    after_margin: float


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """The numbers drawn. Corpora are measured from (E L, E R), on 1e-3 nats.

    Args:
        strings: L, R and p+ of each string, shape (3, n).
        once: the fit that counts every string once.
        weighted: the fit under p+.
        edges: of the cells along Lbar and Rbar, shape (2, cells + 1).
        cells: how many of the corpora lie in each, shape (cells, cells).
        ellipse: the curve that holds 95 % of a normal law with the exact covariance, shape (2, points).
        half_width: epsilon.
        given: the exact regression given that a corpus is typical.
        sampled: the correlation of the drawn corpora: all, and the typical ones.
        shares: how many of the drawn corpora are typical, and the exact probability.
        typical: Lbar, Rbar and the weight after re-binning of one group of typical corpora, shape (3, shown).
        rebinned: their regression with these weights.
        groups: re-binning at several numbers of corpora.
        predicted: number of corpora, and the correlation expected of a normal pair after re-binning, shape (2, points).
    """

    strings: Floats
    once: Fit
    weighted: Fit
    edges: Floats
    cells: Floats
    ellipse: Floats
    half_width: float
    given: Fit
    sampled: tuple[float, float]
    shares: tuple[float, float]
    typical: Floats
    rebinned: Fit
    groups: tuple[Binned, ...]
    predicted: Floats

    def rows(self) -> list[dict[str, str | float]]:
        """Long format: panel, series, x, y, and what belongs to the point."""
        return [*self._string_rows(), *self._corpus_rows(), *self._binned_rows()]

    def _string_rows(self) -> list[dict[str, str | float]]:
        rows: list[dict[str, str | float]] = []
        for panel, series, fit in (
            ("ab", "fit, each string once", self.once),
            ("ab", "fit, under p+", self.weighted),
            ("cd", "fit, typical", self.given),
            ("e", "fit, re-binned", self.rebinned),
        ):
            centre: dict[str, str | float] = {"panel": panel, "series": series}
            centre |= {"x": fit.mean_log_prior, "y": fit.mean_reward}
            rows.append(centre | {"slope": fit.slope, "correlation": fit.correlation})
        rows += [{"panel": "ab", "series": "strings", "x": l, "y": r, "weight": p} for l, r, p in self.strings.T]
        return rows

    def _corpus_rows(self) -> list[dict[str, str | float]]:
        middle = (self.edges[:, 1:] + self.edges[:, :-1]) / 2
        rows: list[dict[str, str | float]] = [
            {"panel": "c", "series": "corpora", "x": middle[0][i], "y": middle[1][j], "weight": self.cells[i, j]}
            for i, j in np.argwhere(self.cells)
        ]
        rows += [{"panel": "c", "series": "ellipse", "x": x, "y": y} for x, y in self.ellipse.T]
        names = ("all corpora", "typical corpora")
        rows += [
            {"panel": "c", "series": f"correlation of {name}, drawn", "y": rho}
            for name, rho in zip(names, self.sampled, strict=True)
        ]
        rows += [
            {"panel": "c", "series": f"P(typical), {kind}", "y": p}
            for kind, p in zip(("drawn", "exact"), self.shares, strict=True)
        ]
        rows.append({"panel": "cd", "series": "half-width of the band", "y": self.half_width * 1e3})
        rows += [
            {"panel": "de", "series": "typical corpora", "x": x, "y": y, "weight": w} for x, y, w in self.typical.T
        ]
        return rows

    def _binned_rows(self) -> list[dict[str, str | float]]:
        rows: list[dict[str, str | float]] = []
        for g in self.groups:
            rows.append({"panel": "f", "series": "typical", "x": g.size, "y": g.before, "margin": g.before_margin})
            rows.append({"panel": "f", "series": "re-binned", "x": g.size, "y": g.after, "margin": g.after_margin})
        rows += [{"panel": "f", "series": "re-binned, expected", "x": n, "y": rho} for n, rho in self.predicted.T]
        return rows


def compute(epsilon: fmpq = EPSILON) -> Record:
    """Exact moments of strings and typical corpora, and the corpora drawn. Cost: 20,000 multinomial draws.

    Args:
        epsilon: the half-width of the typical band, nats; 1,000 of the corpora drawn, and more, must lie in it.
    """
    assert SEED is not None
    found: FiniteModel = named("toy")[0].content
    window = typical_corpora(atoms(found.numbers), SIZE, epsilon)
    strings = np.stack([floats(v) for v in (found.numbers.log_prior, found.numbers.reward, found.numbers.prob)])
    corpora = drawn(strings, np.random.default_rng(SEED))
    inside = np.abs(corpora.sum(axis=0)) < to_float(epsilon) * 1e3
    typical = corpora[:, inside]
    covariance = np.array(
        [
            [to_float(found.mean.var_log_prior), to_float(found.mean.cov)],
            [to_float(found.mean.cov), to_float(found.mean.var_reward)],
        ]
    )
    covariance *= 1e6 / SIZE
    edges = np.stack([np.linspace(-_REACH, _REACH, _CELLS + 1) * math.sqrt(covariance[k, k]) for k in (0, 1)])
    shown = _median_group(typical)
    weight = rebinning_weights(shown[0])
    span = np.geomspace(20, 1300, 40)
    given = Fit.given(window)
    return Record(
        strings=strings,
        once=Fit.of(found.moments(law_of(found, [fmpq(1)] * len(found.aligned)))),
        weighted=Fit.of(found.mean),
        edges=edges,
        cells=np.histogram2d(corpora[0], corpora[1], bins=(edges[0], edges[1]))[0],
        ellipse=_ellipse(covariance),
        half_width=to_float(epsilon),
        given=given,
        sampled=(_weighted_fit(corpora).correlation, _weighted_fit(typical).correlation),
        shares=(float(inside.mean()), to_float(window.mass)),
        typical=np.stack([*shown, weight]),
        rebinned=_weighted_fit(shown, weight),
        groups=tuple(_binned(typical, int(size)) for size in _GROUPS),
        predicted=np.stack([span, [rebinned_correlation(given.correlation, n) for n in span]]),
    )


def drawn(strings: Floats, rng: np.random.Generator, corpora: int = CORPORA) -> Floats:
    """(Lbar - E L, Rbar - E R) of corpora drawn by their counts, on 1e-3 nats; shape (2, corpora).

    Args:
        strings: L, R and p+, shape (3, n).
        rng: of the draws.
        corpora: how many, a multiple of the 2,000 that are drawn at a time.
    """
    log_prior, reward, prob = strings
    prob = prob / prob.sum()
    values = np.stack([v - prob @ v for v in (log_prior, reward)])
    parts = [values @ rng.multinomial(SIZE, prob, size=CHUNK).T.astype(np.float64) for _ in range(corpora // CHUNK)]
    return np.concatenate(parts, axis=1) * (1e3 / SIZE)


def rebinning_weights(log_prior: Floats) -> Floats:
    """Weights that give each of the ten bins of equal width that Lbar spans the same total, where it is not empty."""
    edges = np.linspace(log_prior.min(), log_prior.max(), BINS + 1)
    place = np.clip(np.searchsorted(edges, log_prior, side="right") - 1, 0, BINS - 1)
    counts = np.bincount(place, minlength=BINS)
    weight = 1 / counts[place]
    result: Floats = weight / weight.sum()
    return result


def _weighted_fit(corpora: Floats, weight: Floats | None = None) -> Fit:
    x, y = corpora
    w = np.full(len(x), 1 / len(x)) if weight is None else weight
    from_x, from_y = x - w @ x, y - w @ y
    var_x, var_y, cov = w @ from_x**2, w @ from_y**2, w @ (from_x * from_y)
    return Fit(float(w @ x), float(w @ y), float(cov / var_x), float(cov / math.sqrt(var_x * var_y)))


def _groups(typical: Floats, size: int) -> list[Floats]:
    """Disjoint groups of this size, in the order drawn."""
    return [typical[:, s : s + size] for s in range(0, typical.shape[1] - size + 1, size)]


def _rebinned_correlation(group: Floats) -> float:
    return _weighted_fit(group, rebinning_weights(group[0])).correlation


def _median_group(typical: Floats) -> Floats:
    """The group, of as many corpora as were published, whose correlation after re-binning is the median."""
    groups = sorted(_groups(typical, _SHOWN), key=_rebinned_correlation)
    return groups[len(groups) // 2]


def _binned(typical: Floats, size: int) -> Binned:
    """The mean correlation of disjoint groups of this size before and after, with Student's intervals."""
    groups = _groups(typical, size)
    quantile = float(student.ppf((1 + _LEVEL) / 2, len(groups) - 1)) / math.sqrt(len(groups))
    before = np.array([_weighted_fit(g).correlation for g in groups])
    after = np.array([_rebinned_correlation(g) for g in groups])
    return Binned(
        size,
        float(before.mean()),
        float(before.std(ddof=1)) * quantile,
        float(after.mean()),
        float(after.std(ddof=1)) * quantile,
    )


def _ellipse(covariance: Floats) -> Floats:
    """The curve of constant Mahalanobis distance that holds 95 % of a normal law."""
    angle = np.linspace(0, 2 * math.pi, 181)
    radius = math.sqrt(-2 * math.log(1 - _LEVEL))
    curve: Floats = radius * np.linalg.cholesky(covariance) @ np.stack([np.cos(angle), np.sin(angle)])
    return curve


# --- drawing ------------------------------------------------------------------------------------------------------


def draw(record: Record, figure: Figure) -> None:
    """Strings above, corpora and re-binning below."""
    style.size(figure, style.WIDTH_DOUBLE, 4.75)
    panels = figure.subplots(2, 3).ravel()
    _draw_strings(panels[0], record)
    _draw_weighted_strings(panels[1], record)
    _draw_corpora(panels[2], record)
    _draw_typical(panels[3], record)
    _draw_rebinned(panels[4], record)
    _draw_correlations(panels[5], record)


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def _draw_fits(axes: Axes, record: Record) -> None:
    x = np.array([record.strings[0].min(), record.strings[0].max()])
    for name, fit, text in (
        ("uniform", record.once, f"each once: {_signed(record.once.correlation)}"),
        ("p+", record.weighted, rf"under $p_+$: {_signed(record.weighted.correlation)}"),
    ):
        axes.plot(x, fit.at(x), **style.line(name), label=text)
    axes.set_xlabel(r"$L=\log p(y)$  (nats)")


def _draw_strings(axes: Axes, record: Record) -> None:
    log_prior, reward, _ = record.strings
    axes.plot(log_prior, reward, ".", color=style.COLOUR["strings"], markersize=2.2, alpha=0.6, markeredgewidth=0)
    _draw_fits(axes, record)
    axes.set_ylabel(r"$R=r(y)/\beta$  (nats)")
    axes.legend(loc="lower right", title=r"regression of $R$ on $L$", title_fontsize=6.5)
    style.title(axes, "a", "strings, each counted once")


def _draw_weighted_strings(axes: Axes, record: Record) -> None:
    log_prior, reward, prob = record.strings
    axes.scatter(log_prior, reward, s=prob * 1500, color=style.COLOUR["strings"], alpha=0.6, linewidths=0)
    _draw_fits(axes, record)
    axes.set_ylim(-1.2, 4.2)
    axes.set_ylabel(r"$R$  (nats)")
    style.title(axes, "b", r"strings, area $\propto p_+$")


def _draw_band(axes: Axes, record: Record, label: str | None = None) -> None:
    """The two edges of |Lbar + Rbar - (log Z - H)| < epsilon."""
    x = np.array(axes.get_xlim())
    for side in (-1, 1):
        y = -x + side * record.half_width * 1e3
        axes.plot(x, y, color=style.COLOUR["typical"], linewidth=0.9, label=label if side == -1 else None)
    axes.set_xlim(*x)


def _name_deviations(axes: Axes) -> None:
    axes.set_xlabel(r"$\bar L-\mathrm{E}\,L$  ($10^{-3}$ nats)")
    axes.set_ylabel(r"$\bar R-\mathrm{E}\,R$  ($10^{-3}$ nats)")


def _draw_corpora(axes: Axes, record: Record) -> None:
    (left, *_, right), (low, *_, high) = record.edges
    axes.imshow(
        record.cells.T, origin="lower", extent=(left, right, low, high), aspect="auto", cmap="Greys",
        interpolation="none", vmax=record.cells.max() * 1.5,
    )  # fmt: skip
    axes.grid(False)
    axes.plot(*record.ellipse, **style.line("exact"), linewidth=1, label="exact 95 % ellipse")
    _draw_band(axes, record, label="typical band")
    x = np.array([left, right]) * 0.72
    axes.plot(x, record.given.at(x), **style.line("limit"), label="regression in the band")
    axes.set_ylim(low, high * 1.35)
    axes.legend(loc="upper right")
    _name_deviations(axes)
    style.title(axes, "c", f"{CORPORA:,} corpora: Corr = {_signed(record.weighted.correlation)}")


def _draw_typical(axes: Axes, record: Record) -> None:
    x, y, _ = record.typical
    axes.plot(x, y, ".", color=style.COLOUR["strings"], markersize=4, markeredgewidth=0, alpha=0.75)
    span = _draw_strip(axes, record)
    axes.plot(span, record.given.at(span), **style.line("limit"), label="exact regression")
    axes.legend(loc="upper right")
    style.title(axes, "d", f"typical ones: Corr = {_signed(record.given.correlation)}")


def _draw_strip(axes: Axes, record: Record) -> Floats:
    """The band, with room around the typical corpora; the span of Lbar."""
    reach = float(np.abs(record.typical[0]).max()) * 1.08
    axes.set_xlim(-reach, reach)
    _draw_band(axes, record)
    axes.set_ylim(-reach - 1.4, reach + 1.4)
    _name_deviations(axes)
    span: Floats = np.array([-reach, reach]) * 0.97
    return span


def _draw_rebinned(axes: Axes, record: Record) -> None:
    x, y, weight = record.typical
    axes.scatter(x, y, s=weight * 1600, color=style.COLOUR["strings"], linewidths=0, alpha=0.6)
    span = _draw_strip(axes, record)
    for edge in np.linspace(x.min(), x.max(), BINS + 1):
        axes.axvline(edge, color=style.COLOUR["grid"], linewidth=0.6, zorder=0.5)
    axes.grid(False, axis="x")
    axes.plot(span, record.rebinned.at(span), **style.line("re-binned"), label="weighted regression")
    axes.legend(loc="upper right")
    style.title(axes, "e", f"re-binned: Corr = {_signed(record.rebinned.correlation)}")


def _draw_correlations(axes: Axes, record: Record) -> None:
    groups = record.groups
    size = np.array([g.size for g in groups], dtype=np.float64)
    handles: list[Any] = []  # a container inside a tuple is drawn, but matplotlib's types do not say so
    for name, (x, y), values, margins in (
        ("typical", (record.predicted[0], np.full(record.predicted.shape[1], record.given.correlation)),
         [g.before for g in groups], [g.before_margin for g in groups]),
        ("re-binned", record.predicted, [g.after for g in groups], [g.after_margin for g in groups]),
    ):  # fmt: skip
        (curve,) = axes.plot(x, y, **style.line(name))
        handles.append((curve, axes.errorbar(size, values, yerr=margins, **style.mark(name), elinewidth=0.8)))
    handles += axes.plot(
        [PUBLISHED["typical"]], [-0.92], "*", color="white", markeredgecolor="black", markersize=8, zorder=5
    )
    names = ["typical: exact, drawn", "re-binned: expected, drawn", f"published, {_SHOWN} corpora"]
    axes.legend(handles, names, loc="upper right")
    axes.set_xscale("log")
    axes.set_xticks(size, [f"{g.size:,}" for g in groups])
    axes.minorticks_off()
    axes.set_xlabel("number of typical corpora")
    axes.set_ylabel(r"$\mathrm{Corr}(\bar L,\bar R)$")
    highest = max(max(g.before + g.before_margin, g.after + g.after_margin) for g in groups)
    axes.set_ylim(-0.97, max(-0.72, highest + 0.1))
    style.title(axes, "f", "correlation after re-binning")
