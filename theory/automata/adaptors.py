"""Aligned automata and what sampling adaptors make of them: automata again, or nothing.

The Doob transform tilts the next-token law at state i by the future: P_ij = w_ij v_j / v_i, with w = p e^R and v_i the
sum over all paths from i; the product along a string is p+(y) = p(y) e^{R(y)} / Z. A local adaptor acts on these laws
state by state, a global one keeps its weights unnormalised. Kept sets are decided formally, state by state, as in
``theory.adaptors.exact``: arcs in alphabet order, the end last.

Two things can go wrong that cannot on a finite tree. A local law can lose mass to infinite strings (it leaks): iff a
state that it reaches cannot stop any more. A global temperature above the critical one has no finite normaliser.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from flint import arb, ctx, fmpq, fmpq_poly

from theory.adaptors.exact import Chain, Row
from theory.adaptors.moments import Constant, Moments
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import Array, Undecided, balls, exp, log, objects, power
from theory.arithmetic.formal import FormalSum
from theory.automata.moments import PathMoments, path_moments
from theory.automata.path_sums import Diverges, step_features, step_weights, totals
from theory.automata.spectral_radius import converges
from theory.language_models.automaton import Automaton, Graph, Index, Mask, is_constant
from theory.language_models.tree import PrefixTree

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


@dataclass(frozen=True, slots=True, eq=False)
class KeptSteps:
    """What a chain keeps of an aligned automaton.

    Args:
        step: shape (n,).
        power: the exponent that temperatures leave on the kept probabilities.
    """

    step: Mask
    power: fmpq


def decide_automaton(aligned: AlignedAutomaton, steps: Chain) -> KeptSteps:
    """What the chain keeps at every state, decided formally.

    Raises:
        ValueError: a truncation on an automaton that is not deterministic: its states are not its prefixes.
        Undecided: a tie that no formal test settles.
    """
    exponent = functools.reduce(lambda p, step: p / step.value if step.name == "temperature" else p, steps, _ONE)
    graph = aligned.graph
    kept = np.ones(len(graph), dtype=bool)
    if all(step.name == "temperature" for step in steps):
        return KeptSteps(kept, exponent)
    require_deterministic(aligned.automaton)
    formal = formal_law(aligned.automaton)
    bounds = np.append(graph.starts, len(graph)).tolist()
    for low, high in itertools.pairwise(bounds):
        if high - low < 2:
            continue
        row = Row(formal[low:high], list(aligned.law[low:high]), _ONE, list(range(high - low)))
        for step in steps:
            row.apply(step)
        kept[low:high] = False
        kept[[low + k for k in row.kept]] = True
    return KeptSteps(kept, exponent)


def require_deterministic(automaton: Automaton) -> None:
    """Refuse an automaton whose states do not fix the next-token law.

    Raises:
        ValueError: names a state and a token.
    """
    found = automaton.branching()
    if found is not None:
        state, token = found
        raise ValueError(
            f"needs a deterministic automaton, but state {state} has two arcs with token {token!r}; "
            "only the global temperature does without"
        )


# --- adapted laws -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class AdaptedAutomaton:
    """A law of strings proportional to the product of step weights along the path.

    Args:
        graph: trimmed.
        step: the aligned automaton's steps, shape (m,).
        weight: balls, shape (m,): the law of the next step (local), or unnormalised (global).
        log_sum: log of the sum of weights at each step's state (local), else 0; shape (m,), nats.
    """

    graph: Graph
    step: Index
    weight: Array
    log_sum: Array


@dataclass(frozen=True, slots=True)
class Leak:
    """A local law that loses mass: to infinite strings, with the given probability > 0."""

    mass: arb


def adapt_automaton_local(aligned: AlignedAutomaton, kept: KeptSteps) -> AdaptedAutomaton | Leak:
    """q_loc(y) = prod w_t / c_t, or the mass that it loses to infinite strings.

    On a finite automaton it loses mass iff a state that it reaches cannot reach a stop; truncations can do that,
    temperatures cannot.

    Raises:
        ValueError: the automaton is not deterministic.
    """
    require_deterministic(aligned.automaton)
    graph = aligned.graph
    weight = objects(w if m else arb(0) for w, m in zip(_powers(aligned.law, kept), kept.step, strict=True))
    sums = graph.row_sums(weight)
    if kept.power == 1:
        whole = np.logical_and.reduceat(kept.step, graph.starts)
        sums = objects(arb(1) if w else c for c, w in zip(sums, whole, strict=True))
    law, log_sum = weight / sums[graph.source], log(sums)[graph.source]
    found = graph.trim(kept.step)
    if found is None:
        return Leak(arb(1))
    trimmed, steps = found
    result = AdaptedAutomaton(trimmed, steps, law[steps], log_sum[steps])
    if (graph.reachable(kept.step) & ~graph.stopping(kept.step)).any():
        return Leak(1 - totals(trimmed, result.weight)[trimmed.initial])
    return result


def adapt_automaton_global(aligned: AlignedAutomaton, kept: KeptSteps) -> AdaptedAutomaton | None:
    """q_glob(y) = prod w_t / C, from its unnormalised weights; None where no string keeps all its steps.

    Raises:
        Diverges: C is infinite.
        Undecided: that cannot be told.
    """
    found = aligned.graph.trim(kept.step)
    if found is None:
        return None
    graph, steps = found
    if kept.power < 1:
        part = aligned.automaton.restrict(kept.step)
        assert part is not None, "the same steps were just trimmed"
        if not converges(part, kept.power, kept.power):
            raise Diverges("the global law has no finite normaliser: the temperature is not below the critical one")
    weight = _powers(aligned.law, kept)[steps]
    return AdaptedAutomaton(graph, steps, weight, objects([arb(0)] * len(steps)))


def _powers(law: Array, kept: KeptSteps) -> Array:
    return law if kept.power == 1 else objects(power(p, kept.power) for p in law)


def whole_law(aligned: AlignedAutomaton) -> AdaptedAutomaton:
    """p+ itself."""
    size = len(aligned.graph)
    return AdaptedAutomaton(aligned.graph, np.arange(size), aligned.law, objects([arb(0)] * size))


@dataclass(frozen=True, slots=True, eq=False)
class AdaptedMoments:
    """The moments of (L, R) under an adapted law, with what else its path sums give.

    Args:
        moments: as for finite laws.
        log_total: log C of a global law, 0 of a local one, nats.
        mean_log_sum: E sum_t log c_t of a local law, nats.
        paths: the moments of the features (L, R, log weight, log p+, log c) along paths.
    """

    moments: Moments
    log_total: arb
    mean_log_sum: arb
    paths: PathMoments


def adapted_moments(aligned: AlignedAutomaton, law: AdaptedAutomaton) -> AdaptedMoments:
    """The moments by matrix formulas: with I = -log p+ = log Z - L - R along every path."""
    features = np.stack(
        (*aligned.features[:, law.step], log(law.weight), log(aligned.law[law.step]), law.log_sum),
    )
    found = path_moments(law.graph, law.weight, features)
    mean_l, mean_r, log_weight, log_aligned, log_sum = found.mean
    var_l, cov, var_r = found.covariance[0, 0], found.covariance[0, 1], found.covariance[1, 1]
    return AdaptedMoments(
        moments=Moments(
            mean_log_prior=mean_l,
            mean_reward=mean_r,
            entropy=found.log_total - log_weight,
            cross_entropy=-log_aligned,
            kl_to_aligned=log_weight - log_aligned - found.log_total,
            var_log_prior=var_l,
            var_reward=var_r,
            cov=cov,
            var_surprisal=found.covariance[3, 3],
            cov_log_prior_surprisal=-found.covariance[0, 3],
            constant=constant_features(aligned.automaton, law.graph, law.step),
            bits=ctx.prec,
        ),
        log_total=found.log_total,
        mean_log_sum=log_sum,
        paths=found,
    )


def constant_features(automaton: Automaton, graph: Graph, step: Index) -> Constant:
    """Which of L, R, I take one value only on the paths of a trimmed part of the automaton, decided exactly."""
    prior = [(automaton.prob[k], _ZERO) for k in step]
    reward = [(automaton.reward[k].factor, automaton.reward[k].exponent) for k in step]
    both = [(p * x, a) for (p, _), (x, a) in zip(prior, reward, strict=True)]
    return Constant(
        log_prior=is_constant(graph, prior),
        reward=is_constant(graph, reward),
        surprisal=is_constant(graph, both),
    )


# --- local against global -----------------------------------------------------------------------------------------


def local_global_divergence(local: AdaptedMoments, log_total: arb) -> arb:
    """KL(q_loc || q_glob) = log C - E_loc sum_t log c_t: both laws have the same weights."""
    return log_total - local.mean_log_sum


@dataclass(frozen=True, slots=True)
class LargestRatio:
    """max q_glob / q_loc over the strings, or why there is none."""

    value: arb | None
    reason: str = ""


def largest_ratio(local: AdaptedAutomaton, log_total: arb) -> LargestRatio:
    """max q_glob / q_loc = max over strings of prod_t c_t, divided by C.

    The best path visits no state twice, unless some cycle has a product of c_t above 1: then there is no largest.
    Cost: O(S n) at most, by relaxation.
    """
    graph = local.graph
    starts = graph.starts
    gain = exp(local.log_sum[starts])
    best = objects([arb(0)] * graph.states + [arb(1)])
    for _ in range(graph.states + 1):
        ahead = best[graph.target]
        reached = objects(
            functools.reduce(arb.max, ahead[low:high])
            for low, high in zip(starts, [*starts[1:], len(graph)], strict=True)
        )
        following = np.append(gain * reached, objects([arb(1)]))
        unchanged = all(a.mid() == b.mid() and a.rad() == b.rad() for a, b in zip(best, following, strict=True))
        grown = any(a > b for a, b in zip(following, best, strict=True))
        best = following
        if unchanged:
            break
    else:
        if grown:
            return LargestRatio(None, "there is no largest: each round of some cycle adds to the ratio")
        if not all(c < 1 for c in gain if c != 1):
            return LargestRatio(None, "it cannot be told whether some cycle adds to the ratio")
    return LargestRatio(best[graph.initial] / log_total.exp())


def string_count(graph: Graph) -> int | None:
    """How many paths there are; None for infinitely many."""
    if not graph.acyclic:
        return None
    count = [0] * graph.states + [1]
    starts = np.append(graph.starts, len(graph)).tolist()
    target = graph.target.tolist()
    for state in graph.upwards():
        count[state] = sum(count[target[step]] for step in range(starts[state], starts[state + 1]))
    return count[graph.initial]


def unrolled(automaton: Automaton, length: int) -> Aligned:
    """The strings of at most ``length`` tokens as a finite aligned model, prior masses as they are.

    Of an acyclic automaton with ``length`` = its number of states this is the whole model.
    """
    strings = [(tokens, p, r) for tokens, p, r in automaton.rewarded().strings(length) if not r.removes]
    strings.sort(key=lambda string: (len(string[0]), string[0]))
    prefixes = sorted({t[:k] for t, _, _ in strings for k in range(len(t) + 1)}, key=lambda t: (len(t), t))
    node = {prefix: k for k, prefix in enumerate(prefixes)}
    parent = np.array([-1] + [node[prefix[:-1]] for prefix in prefixes[1:]], dtype=np.int64)
    token = np.array([-1] + [prefix[-1] for prefix in prefixes[1:]], dtype=np.int64)
    return Aligned(
        tree=PrefixTree.of(automaton.alphabet, parent, token),
        node=np.array([node[tokens] for tokens, _, _ in strings], dtype=np.int64),
        prior=objects(p for _, p, _ in strings),
        reward=tuple(r for _, _, r in strings),
    )


__all__ = [
    "AdaptedAutomaton",
    "AdaptedMoments",
    "AlignedAutomaton",
    "KeptSteps",
    "LargestRatio",
    "Leak",
    "adapt_automaton_global",
    "adapt_automaton_local",
    "adapted_moments",
    "align_automaton",
    "constant_features",
    "decide_automaton",
    "doob",
    "formal_law",
    "largest_ratio",
    "local_global_divergence",
    "require_deterministic",
    "string_count",
    "unrolled",
    "whole_law",
]
