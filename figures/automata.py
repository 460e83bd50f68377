"""Infinite support: where Z(s, t) is finite, the critical temperature, and where the mass goes above it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from flint import arb, fmpq
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from figures import style
from theory.adaptors.exact import chain
from theory.arithmetic.exact import floats, precision, to_float
from theory.automata.adaptors import AlignedAutomaton, Leak, adapt_automaton_local, align_automaton, decide_automaton
from theory.automata.moments import path_moments
from theory.automata.path_sums import step_weights, totals
from theory.automata.spectral_radius import critical_temperature, spectral_radius
from theory.claims.automata.leak import Hazard
from theory.examples.automata import letters, speeches, two_geometrics, two_states, vowels_over_consonants
from theory.language_models.automaton import Automaton, Graph

CLAIMS = ("automata.partition", "automata.critical-temperature", "automata.leak", "automata.ambiguity")
CAPTION = (
    "Z(s, t) = sum p^s e^{tR} is finite to the right of the line where the spectral radius is 1 (a; full and shaded: "
    "two states; broken: letter bigrams of the speeches with R = 1/8 per vowel and -1/8 per consonant). Heating moves "
    "p+ down the line s = t and out of the domain at 1/T_c: T_c = 2.303 and 1.0119. T_c - 1 shrinks as strings grow "
    "(b; 32,000 tokens, going on with probability .99: 0.00097). The bigrams under a global temperature, cut at 400 "
    "letters: above T_c the mass sits at the cut, wherever that is (c; thin: cut at 200). Uncut, the mean length "
    "diverges at T_c; under a local temperature nothing happens there (d). A local temperature can leak: at a stop "
    "hazard of 1/(n+2) and T = 1/2, 27.2 percent of the strings never end (e). Sums over paths are not sums over "
    "strings where strings have two paths: .1971 against .3678 at s = 2 (f)."
)
SEED: int | None = None

DIGITS = 8
"""Sums are taken in float64, in an order of the processor's choice: later digits are not certain."""
PARAMETERS = {"bigrams": "28 states, beta = 8", "two states": "theory.language_models.automaton.two_states"}

Floats = NDArray[np.float64]

_BETA = fmpq(8)
_HOT = 1.05
_BITS = 96
_CAPS = (100, 400, 1600)
_CUT, _OTHER_CUT = 400, 200


@dataclass(frozen=True, slots=True, eq=False)
class Domain:
    """Where Z(s, t) is finite: s to the right of the boundary.

    Args:
        boundary: (s, t) with spectral radius 1, shape (m, 2).
        critical: T_c of p+.
    """

    boundary: Floats
    critical: float


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """What is drawn.

    Args:
        two_states, bigrams: the domains.
        letters: name to (mean length, T_c - 1) of independent letters, shapes (m, 2).
        models: name to (mean length, T_c - 1) of one model.
        lengths: (T, cap) to P(length = n | length <= cap), n = 0, ..., cap.
        mean_length: cap, or "no cap" or "local", to (T, mean length), shapes (m, 2).
        survival: T to (n, P(more than n letters)), shapes (m, 2).
        infinite: P(infinite) at T = 1/2.
        sums: (s, over paths, over strings), shape (m, 3).
    """

    two_states: Domain
    bigrams: Domain
    letters: dict[str, Floats]
    models: dict[str, tuple[float, float]]
    lengths: dict[tuple[float, int], Floats]
    mean_length: dict[str, Floats]
    survival: dict[str, Floats]
    infinite: float
    sums: Floats

    def rows(self) -> list[dict[str, str | float]]:
        """One row per point."""
        rows: list[dict[str, str | float]] = []
        for name, domain in (("two states", self.two_states), ("bigrams", self.bigrams)):
            rows += [{"series": f"{name}, spectral radius 1", "x": x, "y": y} for x, y in domain.boundary]
            rows.append({"series": f"{name}, T_c", "y": domain.critical})
        for name, points in self.letters.items():
            rows += [{"series": f"{name}, T_c - 1 against mean length", "x": x, "y": y} for x, y in points]
        for name, (x, y) in self.models.items():
            rows.append({"series": f"{name}, T_c - 1 against mean length", "x": x, "y": y})
        for (temperature, cap), law in self.lengths.items():
            rows += [
                {"series": f"bigrams at T = {temperature:.6g}, length up to {cap}", "x": float(n), "y": p}
                for n, p in enumerate(law)
            ]
        for name, points in self.mean_length.items():
            rows += [{"series": f"bigrams, mean length, {name}", "x": x, "y": y} for x, y in points]
        for name, points in self.survival.items():
            rows += [{"series": f"stop hazard 1/(n+2), {name}, P(more than n)", "x": x, "y": y} for x, y in points]
        rows.append({"series": "stop hazard 1/(n+2), T = 1/2, P(infinite)", "y": self.infinite})
        for s, paths, strings in self.sums:
            rows += [{"series": "ambiguous, sum over paths", "x": s, "y": paths}]
            rows += [{"series": "ambiguous, sum over strings", "x": s, "y": strings}]
        return rows


def compute() -> Record:
    """Domains and critical temperatures in balls; sums over lengths in float64."""
    small, prior = two_states(), speeches(vowels_over_consonants(_BETA), 2)
    aligned = align_automaton(prior)
    bigrams = domain(prior, [fmpq(k) for k in range(-7, 8)])
    return Record(
        two_states=domain(small, [fmpq(k, 2) for k in range(-14, 15)]),
        bigrams=bigrams,
        letters=_letters(),
        models={"32,000 tokens": (99.0, _excess((1,) * 32000, fmpq(99, 100))), "bigrams": _model(aligned, bigrams)},
        lengths={
            (temperature, cap): _length_law(aligned, temperature, cap)
            for temperature, cap in (
                (0.95, _CUT),
                (1.0, _CUT),
                (bigrams.critical, _CUT),
                (_HOT, _CUT),
                (_HOT, _OTHER_CUT),
            )
        },
        mean_length=_mean_lengths(aligned, bigrams.critical),
        survival={f"T = 1/{tau}": _survival(tau) for tau in (1, 2, 3)},
        infinite=to_float(Hazard(2).infinite()),
        sums=sums(),
    )


# --- the domain ---------------------------------------------------------------------------------------------------


def domain(automaton: Automaton, heights: Sequence[fmpq]) -> Domain:
    """The boundary at these t, and T_c."""
    critical = critical_temperature(automaton)
    assert critical is not None, "some state has two arcs that return"
    boundary: list[tuple[float, float]] = []
    with precision(_BITS):
        for t in heights:
            near = boundary[-1][0] if boundary else 0.5
            boundary.append((_boundary(automaton, t, near), to_float(t)))
    return Domain(np.array(boundary), to_float(critical))


def _boundary(automaton: Automaton, t: fmpq, near: float) -> float:
    """s at which the spectral radius is 1, by the secant method on its logarithm, which is convex and falls in s."""
    points = [near, near + 0.02]
    values = [_log_radius(automaton, s, t) for s in points]
    while abs(values[-1]) > 1e-11 and len(points) < 20:
        slope = (values[-1] - values[-2]) / (points[-1] - points[-2])
        points.append(points[-1] - values[-1] / slope)
        values.append(_log_radius(automaton, points[-1], t))
    return points[-1]


def _log_radius(automaton: Automaton, s: float, t: fmpq) -> float:
    return to_float(spectral_radius(automaton.graph, step_weights(automaton, fmpq(*s.as_integer_ratio()), t)).log())


# --- the critical temperature -------------------------------------------------------------------------------------


def _letters() -> dict[str, Floats]:
    """T_c - 1 of uniform independent letters against the mean length m = a / (1 - a)."""
    found = {}
    lengths = [fmpq(round(10 ** (1 + k / 4)), 10) for k in range(17)]
    for name, size in (("2 letters", 2), ("26 letters", 26)):
        found[name] = np.array([(to_float(m), _excess((1,) * size, m / (m + 1))) for m in lengths])
    # uniform letters have H_tau = log V for every tau, so that T_c - 1 = log(1/a) / log V
    many = arb(32_000).log()
    found["32,000 tokens"] = np.array([(to_float(m), to_float(arb((m + 1) / m).log() / many)) for m in lengths])
    return found


def _excess(weights: Sequence[int], going_on: fmpq) -> float:
    """T_c - 1 of independent letters with these weights."""
    critical = critical_temperature(letters(weights, going_on))
    assert critical is not None, "more than one letter"
    return to_float(critical - 1)


def _model(aligned: AlignedAutomaton, domain: Domain) -> tuple[float, float]:
    return _mean_length(aligned.graph, floats(aligned.law)), domain.critical - 1


# --- lengths ------------------------------------------------------------------------------------------------------


def _by_length(graph: Graph, weight: Floats, longest: int) -> Floats:
    """The total weight of the strings of n letters, n = 0, ..., longest: e_0' M^n b."""
    inner = graph.target < graph.states
    moves = np.zeros((graph.states, graph.states))
    np.add.at(moves, (graph.source[inner], graph.target[inner]), weight[inner])
    ends = np.bincount(graph.source[~inner], weight[~inner], graph.states)
    state = np.zeros(graph.states)
    state[graph.initial] = 1
    found = []
    for _ in range(longest + 1):
        found.append(state @ ends)
        state = state @ moves
    return np.array(found)


def _length_law(aligned: AlignedAutomaton, temperature: float, cap: int) -> Floats:
    """P(length = n | length <= cap) under the global temperature, n = 0, ..., cap."""
    weight = _by_length(aligned.graph, floats(aligned.law) ** (1 / temperature), cap)
    law: Floats = weight / weight.sum()
    return law


def _mean_length(graph: Graph, weight: Floats) -> float:
    """The mean number of letters of strings with probabilities proportional to products of weights, without a cap."""
    return float(path_moments(graph, weight, np.ones((1, len(graph)))).mean[0]) - 1  # the end is a step


def _mean_lengths(aligned: AlignedAutomaton, critical: float) -> dict[str, Floats]:
    """Mean length against T: globally with each cap and without, and locally."""
    law, graph = floats(aligned.law), aligned.graph
    below = critical - (critical - 0.97) * np.geomspace(1, 2e-3, 24)
    found = {
        "no cap": np.array([(t, _mean_length(graph, law ** (1 / t))) for t in below]),
        "local": np.array([_local_mean_length(aligned, fmpq(k, 100)) for k in range(97, 108, 2)]),
    }
    steps = np.unique(np.append(np.linspace(0.97, 1.07, 41), critical))
    for cap in _CAPS:
        count = np.arange(cap + 1)
        found[f"cap {cap}"] = np.array([(t, float(_length_law(aligned, t, cap) @ count)) for t in steps])
    return found


def _local_mean_length(aligned: AlignedAutomaton, temperature: fmpq) -> tuple[float, float]:
    local = adapt_automaton_local(aligned, decide_automaton(aligned, chain(("temperature", temperature))))
    assert not isinstance(local, Leak), "a temperature keeps every step, so every state can still stop"
    return to_float(temperature), _mean_length(local.graph, floats(local.weight))


# --- leak and ambiguity -------------------------------------------------------------------------------------------


def _survival(tau: int) -> Floats:
    """(n, P(more than n letters)) of the local temperature 1/tau, n on a log scale."""
    lengths = np.unique(np.geomspace(1, 1000, 40).round().astype(int)).tolist()
    return np.array([(n, to_float(Hazard(tau).survival(n))) for n in lengths])


def sums() -> Floats:
    """(s, sum over paths of p^s, sum over strings of p^s): one letter, so that a string is its length."""
    automaton = two_geometrics()
    law = _by_length(automaton.graph, floats(automaton.prob), 400)
    law = law[law > 0]
    rows = []
    for s in (fmpq(k, 20) for k in range(12, 61)):
        paths = totals(automaton.graph, step_weights(automaton, s, fmpq(0)))[automaton.graph.initial]
        rows.append((to_float(s), to_float(paths), float((law ** to_float(s)).sum())))
    return np.array(rows)


# --- drawing ------------------------------------------------------------------------------------------------------


def draw(record: Record, figure: Figure) -> None:
    """Domains, critical temperatures and lengths above; mean lengths, the leak and ambiguity below."""
    style.size(figure, style.WIDTH_DOUBLE, 4.5)
    axes = figure.subplot_mosaic([list("abc"), list("def")])
    _draw_domains(axes["a"], record)
    _draw_critical(axes["b"], record)
    _draw_lengths(axes["c"], record)
    _draw_mean_lengths(axes["d"], record)
    _draw_leak(axes["e"], record)
    _draw_sums(axes["f"], record)


def _draw_domains(axes: Axes, record: Record) -> None:
    right = 2.0
    s, t = record.two_states.boundary.T
    axes.fill_betweenx(t, s, right, color=style.COLOUR["light"], linewidth=0, zorder=0)
    axes.plot(s, t, **style.line("exact"), label="two states")
    axes.plot(*record.bigrams.boundary.T, **style.line("local"), label="bigrams")
    axes.plot((0, right), (0, right), **style.line("reference"), linewidth=0.9, label="$s=t=1/T$")
    for domain, name in ((record.two_states, "exact"), (record.bigrams, "local")):
        tau = 1 / domain.critical
        axes.plot(tau, tau, marker="o", color=style.COLOUR[name], markerfacecolor="white", markersize=4)
    axes.plot(1, 1, **style.mark("p+"), markersize=7, zorder=3)
    axes.plot(1, 0, **style.mark("p"), markersize=4, zorder=3)
    axes.annotate("$p_+$", (1, 1), (6, -2), textcoords="offset points", fontsize=7)
    axes.annotate("$p$", (1, 0), (6, -5), textcoords="offset points", fontsize=7)
    axes.text(0.06, -2.9, "$Z=\\infty$", fontsize=7)
    axes.text(1.45, -4.2, "$Z$ finite", fontsize=7)
    axes.set_xlim(0, right)
    axes.set_ylim(-6, 7)
    axes.set_xlabel("$s$, exponent of $p$")
    axes.set_ylabel("$t$, exponent of $e^R$", labelpad=-2)
    axes.legend(loc="upper right", fontsize=6, handlelength=1.8)
    style.title(axes, "a", "the domain of $Z(s,t)$")


def _draw_critical(axes: Axes, record: Record) -> None:
    for (name, points), look in zip(record.letters.items(), style.SERIES[1:], strict=False):
        axes.plot(*points.T, color=look["color"], linestyle=look["linestyle"], label=name)
    for name, text, marker, face, size in (
        ("32,000 tokens", "going on: $a=.99$", "o", "white", 3.5),
        ("bigrams", "bigrams, $p_+$", "*", "black", 8),
    ):
        axes.plot(
            *record.models[name],
            color="black",
            linestyle="none",
            label=text,
            marker=marker,
            markerfacecolor=face,
            markersize=size,
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(1, 1e4)
    axes.set_ylim(1e-6, 1.5)
    axes.set_xlabel("mean length (tokens)")
    axes.set_ylabel("$T_c-1$")
    axes.legend(loc="lower left", fontsize=6)
    style.title(axes, "b", "the critical temperature")


def _draw_lengths(axes: Axes, record: Record) -> None:
    looks = (*style.SERIES[:4], style.SERIES[3])
    for ((_, cap), law), look in zip(record.lengths.items(), looks, strict=True):
        width = 0.8 if cap == _OTHER_CUT else 1.2
        axes.plot(np.arange(1, cap + 1), law[1:], color=look["color"], linestyle=look["linestyle"], linewidth=width)
    critical = f"$T_c={record.bigrams.critical:.4f}$"
    places = (("$T=0.95$", 112, 3e-8), ("$T=1$", 222, 1.3e-4), (critical, 212, 4.2e-3), (f"$T={_HOT}$", 287, 1e-7))
    for (text, x, y), look in zip(places, style.SERIES, strict=False):
        axes.text(x, y, text, color=look["color"], fontsize=6.5)
    axes.set_yscale("log")
    axes.set_xlim(0, _CUT)
    axes.set_ylim(1e-8, 1)
    axes.set_xlabel("length, $n$ (letters)")
    axes.set_ylabel("$P($length $=n)$, cut")
    style.title(axes, "c", "bigrams, cut at 400 (200)")


def _draw_mean_lengths(axes: Axes, record: Record) -> None:
    axes.axvline(record.bigrams.critical, **style.line("reference"), linewidth=0.8)
    for cap, look in zip(_CAPS, style.SERIES[1:], strict=False):
        axes.plot(*record.mean_length[f"cap {cap}"].T, color=look["color"], linestyle=look["linestyle"])
        axes.text(1.07, cap * 1.08, f"cut at {cap}", color=look["color"], fontsize=6.5, ha="right")
    axes.plot(*record.mean_length["no cap"].T, **style.line("exact"), linewidth=1.7)
    axes.plot(*record.mean_length["local"].T, **style.mark("exact"), markerfacecolor="white")
    axes.text(1.009, 2200, "uncut", fontsize=6.5, ha="right")
    axes.text(1.07, 22, "local, uncut", fontsize=6.5, ha="right")
    axes.text(record.bigrams.critical + 0.002, 8.5, "$T_c$", fontsize=7, color=style.COLOUR["reference"])
    axes.set_yscale("log")
    axes.set_xlim(0.967, 1.073)
    axes.set_ylim(7, 5000)
    axes.set_xticks([0.98, 1, 1.02, 1.04, 1.06])
    axes.set_xlabel("temperature, $T$")
    axes.set_ylabel("mean length (letters)")
    style.title(axes, "d", "bigrams: global and local")


def _draw_leak(axes: Axes, record: Record) -> None:
    axes.axhline(record.infinite, **style.line("reference"), label=f"$\\pi/\\sinh\\pi={record.infinite:.4f}$")
    for (name, points), look in zip(record.survival.items(), style.SERIES, strict=False):
        text = f"$T={name.removeprefix('T = ')}$".replace("1/1", "1")
        axes.plot(*points.T, color=look["color"], linestyle=look["linestyle"], label=text)
    axes.set_xscale("log")
    axes.set_xlim(1, 1000)
    axes.set_ylim(0, 0.62)
    axes.set_xlabel("$n$ (letters)")
    axes.set_ylabel("$P($more than $n)$")
    axes.legend(loc="upper right", fontsize=6)
    style.title(axes, "e", "a local temperature leaks")


def _draw_sums(axes: Axes, record: Record) -> None:
    s, paths, strings = record.sums.T
    axes.plot(s, strings, **style.line("exact"), label="over strings")
    axes.plot(s, paths, **style.line("local"), label="over paths")
    at = int(np.flatnonzero(s == 2)[0])
    for value, name, up in ((strings[at], "exact", True), (paths[at], "local", False)):
        axes.plot(2, value, marker="o", color=style.COLOUR[name], markerfacecolor="white", markersize=4)
        axes.annotate(
            f"{value:.4f}",
            (2, value),
            (3, 4) if up else (-3, -4),
            textcoords="offset points",
            ha="left" if up else "right",
            va="bottom" if up else "top",
            color=style.COLOUR[name],
            fontsize=6.5,
        )
    axes.set_yscale("log")
    axes.set_xlim(s[0], s[-1])
    axes.set_ylim(0.04, 3)
    ticks = (0.05, 0.1, 0.2, 0.5, 1, 2)
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel("$s$")
    axes.set_ylabel("sum of $p^s$")
    axes.legend(loc="upper right")
    style.title(axes, "f", "two paths for a string")
