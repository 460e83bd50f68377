"""A formal proof that L or R is uncorrelated with I = -log p+ under p+, on automata: as on finitely many strings."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from flint import fmpq, fmpq_mat

from theory.alignment.uncorrelated import MOST_PRIMES, MOST_STRINGS, Pair, keys_of, logs, uncorrelated
from theory.automata.adaptors import doob, string_count, unrolled
from theory.language_models.automaton import Automaton

MOST_STATES = 40
"""Larger automata are not proved formally."""


def uncorrelated_paths(automaton: Automaton, *, prior: bool) -> bool:
    """A proof of Cov(L, I) = 0 (``prior``) or Cov(R, I) = 0 under p+; few strings are listed.

    Raises:
        Undecided: a probability is too large to be factored.
    """
    strings = string_count(automaton.graph)
    if strings is not None and strings <= MOST_STRINGS:
        return uncorrelated(unrolled(automaton, automaton.graph.states), prior=prior)
    return _of_rational_law(automaton, prior)


def _of_rational_law(automaton: Automaton, prior: bool) -> bool:
    """Covariances of the prime factors' counts along the paths of an automaton with a rational law, as rationals."""
    try:
        law = doob(automaton)
    except ValueError:
        return False
    graph = law.graph
    if graph.states > MOST_STATES:
        return False
    rows: list[Pair] = []
    for p, r in zip(automaton.prob, automaton.reward, strict=True):
        rows.append((logs(p if prior else r.factor, fmpq(0)), logs(p * r.factor, fmpq(0))))
    keys = keys_of(rows)
    if len(keys) > MOST_PRIMES:
        return False
    size, zero = graph.states, fmpq(0)
    matrix = fmpq_mat(size, size, [fmpq(int(i == j)) for i in range(size) for j in range(size)])
    steps = list(zip(graph.source.tolist(), graph.target.tolist(), law.prob, strict=True))
    for i, j, w in steps:
        if j < size:
            matrix[i, j] -= w
    inverse = matrix.inv()
    visits = [inverse[graph.initial, i] for i in range(size)]

    def differences(values: Sequence[fmpq]) -> list[fmpq]:
        right = fmpq_mat(size, 1, [zero] * size)
        for (i, _, w), value in zip(steps, values, strict=True):
            right[i, 0] += w * value
        solved = inverse * right
        ahead = [*(solved[i, 0] for i in range(size)), zero]
        return [value + ahead[j] - ahead[i] for (i, j, _), value in zip(steps, values, strict=True)]

    of_x, of_i = ({k: differences([row[s].get(k, zero) for row in rows]) for k in keys} for s in range(2))
    flow = [visits[i] * w for i, _, w in steps]
    for j, k in itertools.combinations_with_replacement(keys, 2):
        total = zero
        for one, other in {(j, k), (k, j)}:
            total += sum((f * x * y for f, x, y in zip(flow, of_x[one], of_i[other], strict=True)), start=zero)
        if total != 0:
            return False
    return True


__all__ = ["MOST_STATES", "uncorrelated_paths"]
