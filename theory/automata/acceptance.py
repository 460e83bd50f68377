"""Acceptance of independent Metropolis-Hastings from a local to a global law on infinitely many strings.

A string is weighed by w = c^K / C, where the sums of weights c_i of the states that it passes are powers of one number
c and K counts them. Two strings side by side, in step with their counts, are a path of the product automaton: with
a_k = P(K > k) = s T^k 1, T the law from one counted state to the next and s that of the first,

    E min(w, w') = (1 - (1 - c) sum_k c^k (2 a_k - a_k^2)) / C    for c < 1, where the longer of the two decides,
    E min(w, w') = (1 + (c - 1) sum_k c^k a_k^2) / C              for c > 1, where the shorter does,

and sum_k c^k a_k^2 = (s x s)' (I - c T x T)^-1 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from flint import arb, arb_mat, fmpq

from theory.arithmetic.exact import Array, Undecided, objects
from theory.arithmetic.formal import common_unit
from theory.automata.adaptors import AdaptedAutomaton, AlignedAutomaton, KeptSteps, formal_law
from theory.automata.path_sums import eliminate

_MOST_COUNTED = 16
"""The product automaton has as many states as the square of this."""

_MOST_POWER = 16


@dataclass(frozen=True, slots=True)
class Acceptance:
    """At stationarity, or why it is not known."""

    value: arb | None
    reason: str = ""


def product_acceptance(
    aligned: AlignedAutomaton, kept: KeptSteps, local: AdaptedAutomaton, log_total: arb
) -> Acceptance:
    """E min(w, w') over pairs of strings of the local law, where a product automaton gives it.

    ``log_total`` is log C of the global law, nats.
    """
    if kept.weight is not None:
        return Acceptance(None, "the weights are no power of the law's, and no product automaton is known for them")
    graph = local.graph
    starts = graph.starts
    states = aligned.graph.source[local.step[starts]]
    counts = _counts(aligned, kept, states.tolist())
    if counts is None:
        return Acceptance(None, "the sums of weights of its states are no powers of one number, no product automaton")
    if sum(counts) > _MOST_COUNTED:
        return Acceptance(None, f"a product automaton of more than {_MOST_COUNTED}^2 states is not solved")
    if not any(counts):
        return Acceptance(arb(1))
    place = next(k for k, n in enumerate(counts) if n)
    log_base = local.log_sum[starts[place]] / counts[place]
    try:
        first, following = _counted_chain(local, counts)
        found = _expected_minimum(log_base.exp(), first, following)
    except Undecided as error:
        return Acceptance(None, f"the product automaton is undecided: {error}")
    return Acceptance(found / log_total.exp())


def _counts(aligned: AlignedAutomaton, kept: KeptSteps, states: Sequence[int]) -> list[int] | None:
    """n_i >= 0 with c_i = c^{n_i} for the sum of weights at each of these states, decided formally; None without."""
    graph = aligned.graph
    formal = formal_law(aligned.automaton)
    bounds = [*graph.starts.tolist(), len(graph)]
    integer = kept.power.q == 1 and kept.power <= _MOST_POWER
    keys: list[object] = []
    for state in states:
        low, high = bounds[state], bounds[state + 1]
        ratios = [formal[k].ratio(formal[low]) for k in range(low, high)]
        shares = [r for r in ratios if r is not None]
        if high - low == 1 or (kept.power == 1 and kept.step[low:high].all()):
            keys.append(fmpq(1))
        elif len(shares) < len(ratios):
            keys.append(f"state {state}")
        else:
            total = sum(shares, start=fmpq(0))
            chosen = sorted(r / total for r, m in zip(shares, kept.step[low:high], strict=True) if m)
            power = int(kept.power.p)
            keys.append(sum((p**power for p in chosen), start=fmpq(0)) if integer else str(chosen))
    other = list(dict.fromkeys(str(key) for key in keys if key != 1))
    if len(other) <= 1:
        return [int(key != 1) for key in keys]
    exact = [key for key in keys if isinstance(key, fmpq)]
    return common_unit(exact) if len(exact) == len(keys) else None


def _counted_chain(local: AdaptedAutomaton, counts: Sequence[int]) -> tuple[Array, Array]:
    """(s, T): the law of the first counted state, shape (m,), and from one to the next, shape (m, m); they may end."""
    graph = local.graph
    size = graph.states
    step = np.full((size, size), arb(0), dtype=object)
    for i, j, w in zip(graph.source.tolist(), graph.target.tolist(), local.weight, strict=True):
        if j < size:
            step[i, j] = step[i, j] + w
    counted = [i for i in range(size) if counts[i]]
    free = [i for i in range(size) if not counts[i]]
    onward = step[:, counted]
    if free:
        matrix = arb_mat(len(free), len(free), [arb(int(i == j)) - step[i, j] for i in free for j in free])
        ahead = eliminate(matrix, step[np.ix_(free, counted)].T.copy()).T
        onward = onward + step[:, free] @ ahead
    place, units = {}, 0
    for i in counted:
        place[i] = units
        units += counts[i]
    first, following = objects([arb(0)] * units), np.full((units, units), arb(0), dtype=object)
    for i in counted:
        last = place[i] + counts[i] - 1
        for k in range(place[i], last):
            following[k, k + 1] = arb(1)
        for column, j in enumerate(counted):
            following[last, place[j]] = onward[i, column]
    if counts[graph.initial]:
        first[place[graph.initial]] = arb(1)
    else:
        for column, j in enumerate(counted):
            first[place[j]] = onward[graph.initial, column]
    return first, following


def _expected_minimum(base: arb, first: Array, following: Array) -> arb:
    """E c^max(K, K') for c < 1, E c^min(K, K') for c > 1."""
    size = len(first)
    pairs = [(i, j) for i in range(size) for j in range(size)]
    product = arb_mat(
        size**2,
        size**2,
        [arb(int(i == k and j == l)) - base * following[i, k] * following[j, l] for i, j in pairs for k, l in pairs],
    )
    ones = objects([arb(1)] * size**2)
    both = (objects(first[i] * first[j] for i, j in pairs) * eliminate(product, ones[None, :])[0]).sum()
    if base > 1:
        found: arb = 1 + (base - 1) * both
        return found
    if not base < 1:
        raise Undecided("a sum of weights cannot be told from 1")
    single = arb_mat(size, size, [arb(int(i == k)) - base * following[i, k] for i, k in pairs])
    one = (first * eliminate(single, ones[None, :size])[0]).sum()
    result: arb = 1 - (1 - base) * (2 * one - both)
    return result


__all__ = ["Acceptance", "product_acceptance"]
