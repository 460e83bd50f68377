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
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from flint import arb, ctx, fmpq

from theory.adaptors.applied import applied, weights_of
from theory.adaptors.exact import NO_GLOBAL, Adaptor, Chain, Row
from theory.adaptors.moments import Constant, Moments
from theory.adaptors.rows import Before
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import Array, Diverges, Undecided, exp, log, objects, power
from theory.arithmetic.formal import FormalSum
from theory.automata.aligned import AlignedAutomaton, align_automaton, doob, formal_law
from theory.automata.moments import PathMoments, path_moments
from theory.automata.path_sums import totals
from theory.automata.spectral_radius import converges
from theory.language_models.automaton import Automaton, Graph, Index, Mask, is_constant
from theory.language_models.tree import PrefixTree

_ONE = fmpq(1)


@dataclass(frozen=True, slots=True, eq=False)
class KeptSteps:
    """What a chain keeps of an aligned automaton.

    Args:
        step: shape (n,).
        power: the exponent that temperatures leave on the kept probabilities.
        weight: of each step, where they are no common power; else None.
        random: whether a coin is tossed at every token, so that there is no global law.
    """

    step: Mask
    power: fmpq
    weight: Array | None = None
    random: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Remembered:
    """What the states of an automaton know of the tokens before: ``theory.automata.histories``.

    Args:
        history: of each state, oldest first.
        formal: of each step, the law of its state up to a factor.
    """

    history: Sequence[tuple[int, ...]]
    formal: Sequence[FormalSum]


def decide_automaton(aligned: AlignedAutomaton, steps: Chain, remembered: Remembered | None = None) -> KeptSteps:
    """What the chain keeps at every state, decided formally.

    Args:
        aligned: the automaton.
        steps: the adaptors, left to right.
        remembered: what the states know of the tokens before, where they do.

    Raises:
        ValueError: a truncation on an automaton that is not deterministic: its states are not its prefixes; or a step
            that needs the tokens before.
        Undecided: a tie that no formal test settles.
    """
    steps = Chain(steps)
    exponent = functools.reduce(lambda p, step: p / step.value if step.name == "temperature" else p, steps, _ONE)
    graph = aligned.graph
    kept = np.ones(len(graph), dtype=bool)
    if all(step.name == "temperature" for step in steps):
        return KeptSteps(kept, exponent)
    if steps.history is not None and remembered is None:
        raise ValueError(needs_history(steps.history))
    require_deterministic(aligned.automaton)
    formal = formal_law(aligned.automaton) if remembered is None else remembered.formal
    weight = objects([arb(1)] * len(graph)) if steps.bends else None
    bounds = np.append(graph.starts, len(graph)).tolist()
    for state, (low, high) in enumerate(itertools.pairwise(bounds)):
        if high - low < 2:
            continue
        before = None
        if remembered is not None:
            ends = aligned.automaton.end[low:high]
            tokens = np.where(ends, -1, aligned.automaton.token[low:high]).tolist()
            before = Before(remembered.history[state], tuple(tokens))
        row = applied(Row(formal[low:high], list(aligned.law[low:high]), _ONE, list(range(high - low)), before), steps)
        kept[low:high] = False
        kept[[low + k for k in row.kept]] = True
        if weight is not None:
            weight[low:high] = weights_of(row)
    return KeptSteps(kept, exponent, weight, steps.random is not None)


def needs_history(step: Adaptor) -> str:
    """Why a step is refused on an automaton."""
    return (
        f"{step.name} needs the tokens before, and an automaton's state does not fix them; use a tree, or "
        "product = true, which follows them where finitely many states do"
    )


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
    if kept.power == 1 and kept.weight is None:
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
        ValueError: the chain tosses a coin.
    """
    if kept.random:
        raise ValueError(NO_GLOBAL)
    found = aligned.graph.trim(kept.step)
    if found is None:
        return None
    graph, steps = found
    if kept.weight is not None and string_count(graph) is None:
        raise Undecided("whether its weights have a finite sum over infinitely many strings is not known")
    if kept.power < 1 and kept.weight is None:
        part = aligned.automaton.restrict(kept.step)
        assert part is not None, "the same steps were just trimmed"
        if not converges(part, kept.power, kept.power):
            raise Diverges("the global law has no finite normaliser: the temperature is not below the critical one")
    weight = _powers(aligned.law, kept)[steps]
    return AdaptedAutomaton(graph, steps, weight, objects([arb(0)] * len(steps)))


def _powers(law: Array, kept: KeptSteps) -> Array:
    if kept.weight is not None:
        return kept.weight
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
    prior = [(automaton.prob[k], fmpq(0)) for k in step]
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
    "Remembered",
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
