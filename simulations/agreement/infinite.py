"""Automata: strings of any length, drawn step by step."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from simulations.agreement.comparison import Comparison, event, law, mean
from simulations.agreement.setting import Experiment, Setting
from simulations.sampling import draws
from theory.adaptors.exact import chain
from theory.arithmetic.exact import floats, precision, to_float
from theory.automata.adaptors import AlignedAutomaton, adapt_automaton_global, align_automaton, decide_automaton
from theory.automata.moments import family
from theory.automata.path_sums import totals
from theory.claims.automata.ambiguity import sums_of_squares
from theory.claims.automata.leak import Hazard
from theory.examples.automata import letters, two_geometrics, two_states
from theory.language_models.automaton import Graph

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

LONG = 2000
"""Steps after which a walk is given up: far beyond any string of these models."""


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """An automaton's graph with the law of each step, and (log p, R) of each, shapes (n,) and (2, n)."""

    graph: Graph
    law: Floats
    features: Floats


@functools.lru_cache(maxsize=1)
def aligned() -> tuple[AlignedAutomaton, Steps]:
    """The aligned automaton of two states."""
    with precision():
        found = align_automaton(two_states())
        return found, Steps(found.graph, floats(found.law), floats(found.features))


def length_law(steps: Steps, longest: int) -> Floats:
    """P(k tokens), k = 0..longest - 1, and the rest: by powers of the matrix, shape (longest + 1,)."""
    graph = steps.graph
    matrix = np.zeros((graph.states, graph.states + 1))
    np.add.at(matrix, (graph.source, graph.target), steps.law)
    row, found = np.zeros(graph.states), []
    row[graph.initial] = 1.0
    for _ in range(longest):
        following = row @ matrix
        found.append(following[-1])
        row = following[:-1]
    return np.array([*found, row.sum()])


def lengths(length: Index, longest: int) -> Index:
    """Counts of 0..longest - 1 tokens, and of more."""
    return np.bincount(np.minimum(length, longest), minlength=longest + 1)


def partition(setting: Setting) -> Iterator[Comparison]:
    """The lengths of strings of the aligned automaton; the shortest one has probability b / Z."""
    rng, (_, steps) = setting.rng("partition"), aligned()
    found = draws.walks(steps.graph, steps.law, steps.features, setting.draws, LONG, rng=rng)
    yield law("automata.partition", "two states: length of a string", length_law(steps, 12), lengths(found.length, 12))


@functools.lru_cache(maxsize=1)
def power_means() -> tuple[float, float]:
    """E_{p+} p(Y)^{1/2} and E_{p+} p(Y): quotients of Z(s, t)."""
    with precision():
        base = family(two_states(), fmpq(1), fmpq(1)).log_total
        found = [family(two_states(), s, fmpq(1)).log_total - base for s in (fmpq(3, 2), fmpq(2))]
    return math.exp(to_float(found[0])), math.exp(to_float(found[1]))


def path_sums(setting: Setting) -> Iterator[Comparison]:
    """E_{p+} e^{uL} at u = 1/2 and 1: values of the cumulant function whose derivatives are the moments."""
    rng, (_, steps) = setting.rng("path-sums"), aligned()
    found = draws.walks(steps.graph, steps.law, steps.features, setting.draws, LONG, rng=rng)
    for power, exact in zip((0.5, 1.0), power_means(), strict=True):
        values = np.exp(power * found.sums[0])
        yield mean("automata.moments", f"two states: E exp({power:g} L)", exact, values, (0.0, 1.0))


@functools.lru_cache(maxsize=1)
def warm_letters() -> tuple[Steps, float]:
    """Three letters at a global temperature just below the critical one, and the chance to go on, in closed form.

    That is the sum over letters of (a / 3)^tau, a = .9; letters are independent, so lengths are geometric.
    """
    with precision():
        found = align_automaton(letters((1, 1, 1), fmpq(9, 10)))
        warm = adapt_automaton_global(found, decide_automaton(found, chain(("temperature", "21/20"))))
        if warm is None:
            raise AssertionError("a temperature keeps every string")
        value = totals(warm.graph, warm.weight)
        doob = warm.weight * value[warm.graph.target] / value[warm.graph.source]
        steps = Steps(warm.graph, floats(doob), floats(found.features[:, warm.step]))
    return steps, 3 * 0.3 ** (20 / 21)


def critical(setting: Setting) -> Iterator[Comparison]:
    """Lengths at a temperature just below the critical one."""
    rng, (steps, going_on) = setting.rng("critical"), warm_letters()
    found = draws.walks(steps.graph, steps.law, steps.features, setting.draws, LONG, rng=rng)
    short = found.length < 40
    yield event("automata.critical-temperature", "three letters, T = 21/20: fewer than 40", 1 - going_on**40, short)


def leak(setting: Setting) -> Iterator[Comparison]:
    """Stop hazard 1/(n+2) at local T = 1/2: how many strings go on after 300 letters, few of which ever end."""
    rng, limit = setting.rng("leak"), 300
    alive = np.ones(setting.draws, dtype=bool)
    for n in range(limit + 1):
        m = float(n + 1)
        alive &= rng.random(setting.draws) < m * m / (m * m + 1)
    yield event(
        "automata.leak", "hazard 1/(n+2), T = 1/2: beyond 300 letters", to_float(Hazard(2).survival(limit)), alive
    )


def ambiguity(setting: Setting) -> Iterator[Comparison]:
    """E p(Y) = sum over strings of p^2, where most strings have two paths."""
    rng, automaton = setting.rng("ambiguity"), two_geometrics()
    log_prior, reward = automaton.floats()
    found = draws.walks(
        automaton.graph, floats(automaton.prob), np.stack((log_prior, reward)), setting.draws, LONG, rng=rng
    )
    n = found.length
    string = 0.5 * 0.7 * 0.3 ** (n - 1) + 0.5 * 0.4 * 0.6 ** (n - 1)
    with precision():
        _, over_strings = sums_of_squares(automaton)
        exact = to_float(over_strings)
    yield mean("automata.ambiguity", "two geometric laws: E p(Y)", exact, string, (0.0, 1.0))


EXPERIMENTS: tuple[Experiment, ...] = (partition, path_sums, critical, leak, ambiguity)

__all__ = ["EXPERIMENTS"]
