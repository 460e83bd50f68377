"""Aligned automata: the Doob transform of p e^R, in balls, as exact rationals, and as formal next-token laws."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

from flint import arb, ctx, fmpq, fmpq_poly

from theory.arithmetic.exact import Array, Diverges, Undecided, balls, objects
from theory.arithmetic.formal import FormalSum
from theory.automata.path_sums import step_features, step_weights, totals
from theory.automata.spectral_radius import converges
from theory.language_models.automaton import Automaton, Graph

_ONE, _ZERO = fmpq(1), fmpq(0)


@dataclass(frozen=True, slots=True, eq=False)
class AlignedAutomaton:
    """p+ as an automaton, in balls at the working precision.

    Args:
        automaton: the prior and the reward, on the states that keep mass.
        value: v_i, the sum of p e^R over the paths from each state; shape (S + 1,).
        law: p+ of each step given its state, shape (n,).
        log_partition: log Z = log v at the initial state, nats.
        features: (log p, R) of each step, shape (2, n), nats.
    """

    automaton: Automaton
    value: Array
    law: Array
    log_partition: arb
    features: Array

    @property
    def graph(self) -> Graph:
        """The steps of p+."""
        return self.automaton.graph


def align_automaton(automaton: Automaton) -> AlignedAutomaton:
    """Tilt the automaton by its reward: the Doob transform.

    Source: Doob (1957), of transition laws by a harmonic function.

    Raises:
        ValueError: every string is removed (Z = 0).
        Diverges: Z is infinite, and there is no aligned law.
        Undecided: the spectral radius cannot be told from 1.
    """
    kept = automaton.rewarded()
    if not converges(kept, _ONE, _ONE):
        raise Diverges("the rewarded law diverges: the spectral radius of p e^R is at least 1, and Z is infinite")
    weight = step_weights(kept, _ONE, _ONE)
    if kept.graph.states > _RATIONAL_STATES:  # the numbers would be rationals of many thousand digits
        weight = balls(weight)
    value = totals(kept.graph, weight)
    law = balls(weight * value[kept.graph.target] / value[kept.graph.source])
    enclosed = balls(value)
    return AlignedAutomaton(kept, enclosed, law, enclosed[kept.graph.initial].log(), step_features(kept))


def doob(automaton: Automaton) -> Automaton:
    """p+ as an exact automaton with rational next-token laws; its reward is kept, so that tilting can go on.

    Raises:
        ValueError: p e^R is not rational.
        Diverges: Z is infinite.
    """
    kept = automaton.rewarded()
    weight = step_weights(kept, _ONE, _ONE)
    if not all(isinstance(w, fmpq) for w in weight):
        raise ValueError("e^R must be rational for a rational aligned law; use align_automaton for balls")
    value = totals(kept.graph, weight)
    prob = weight * value[kept.graph.target] / value[kept.graph.source]
    return Automaton(kept.alphabet, kept.graph, kept.token, prob, kept.reward, kept.state)


# --- formal next-token laws ---------------------------------------------------------------------------------------

_RATIONAL_STATES, _POLYNOMIAL_STATES, _POLYNOMIAL_DEGREE = 120, 40, 2000
_MOST_BITS = 1024


def formal_law(automaton: Automaton) -> list[FormalSum]:
    """p+ of each step times a positive number that depends on its state only, formally.

    It is w_ij v_j, with v_j = u_j / det(I - M): the numerators u_j and the determinant are polynomials in X = e^{1/d},
    d the common denominator of the exponents, and found by elimination without fractions (Bareiss 1968). With too many
    states or powers of X, v_j stays a symbol: steps to the same state can then be seen to be equal, others not.
    """
    graph, parts = automaton.graph, automaton.parts()
    denominator = math.lcm(*(int(a.q) for _, a in parts))
    degrees = [int((a * denominator).p) for _, a in parts]
    spread = graph.states * (max(degrees) - min(*degrees, 0))
    if not any(degrees) and graph.states <= _RATIONAL_STATES:
        weight = objects(c for c, _ in parts)
        value = totals(graph, weight)
        return [FormalSum.of(c, _ZERO) for c in weight * value[graph.target]]
    if graph.states > _POLYNOMIAL_STATES or spread > _POLYNOMIAL_DEGREE:
        return _symbolic_law(automaton)
    numerators = _numerators(graph, [c for c, _ in parts], degrees)
    result = []
    for (c, _), degree, j in zip(parts, degrees, graph.target.tolist(), strict=True):
        polynomial = numerators[j]
        result.append(
            FormalSum(
                {
                    (fmpq(k + degree, denominator), ()): polynomial[k] * c
                    for k in range(polynomial.degree() + 1)
                    if polynomial[k] != 0
                }
            )
        )
    return result


@dataclass(frozen=True, slots=True, eq=False)
class _StateWeight(FormalSum):
    """c e^a v_j, with v_j a symbol that the terms' keys carry in the place of a radical.

    Args:
        value: encloses the number at the working precision.
    """

    value: Callable[[], arb]

    def ball(self) -> arb:
        return self.value()


def _symbolic_law(automaton: Automaton) -> list[FormalSum]:
    laws: dict[int, Array] = {}

    def law(step: int) -> arb:
        if ctx.prec > _MOST_BITS:
            raise Undecided(f"a tie among {automaton.graph.states} states that {_MOST_BITS} bits do not settle")
        if ctx.prec not in laws:
            laws[ctx.prec] = align_automaton(automaton).law
        found: arb = laws[ctx.prec][step]
        return found

    return [
        _StateWeight({(a, ((-1 - j, _ONE),)): c}, functools.partial(law, step))
        for step, ((c, a), j) in enumerate(zip(automaton.parts(), automaton.graph.target.tolist(), strict=True))
    ]


def _numerators(graph: Graph, coefficients: list[fmpq], degrees: list[int]) -> list[fmpq_poly]:
    """Polynomials u_0, ..., u_{S-1}, det with v_j = u_j / det; each row of I - M is scaled by a power of X."""
    size = graph.states
    shift = [0] * size
    for degree, i in zip(degrees, graph.source.tolist(), strict=True):
        shift[i] = max(shift[i], -degree)
    rows = [[fmpq_poly([0]) for _ in range(size + 1)] for _ in range(size)]
    for i in range(size):
        rows[i][i] += _monomial(_ONE, shift[i])
    for c, degree, i, j in zip(coefficients, degrees, graph.source.tolist(), graph.target.tolist(), strict=True):
        rows[i][j] += _monomial(c if j == size else -c, degree + shift[i])
    previous = fmpq_poly([1])
    for k in range(size - 1):  # the leading minors of an M-matrix are positive: no pivot is 0
        for i in range(k + 1, size):
            for j in range(k + 1, size + 1):
                rows[i][j] = (rows[i][j] * rows[k][k] - rows[i][k] * rows[k][j]) // previous
            rows[i][k] = fmpq_poly([0])
        previous = rows[k][k]
    determinant = rows[-1][size - 1]
    found = [fmpq_poly([0])] * size
    for i in range(size - 1, -1, -1):
        rest = sum((rows[i][j] * found[j] for j in range(i + 1, size)), start=fmpq_poly([0]))
        found[i] = (determinant * rows[i][size] - rest) // rows[i][i]
    return [*found, determinant]


def _monomial(coefficient: fmpq, degree: int) -> fmpq_poly:
    return fmpq_poly([0] * degree + [coefficient])


# --- kept sets ----------------------------------------------------------------------------------------------------


__all__ = ["AlignedAutomaton", "align_automaton", "doob", "formal_law"]
