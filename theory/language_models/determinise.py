"""Ambiguous automata as deterministic ones with the same law of strings, where that takes finitely many states.

After tokens w the belief b_w(i) is the probability that the path stands in state i, given that it has emitted w and
goes on or stops now. The next token's law is P(t | b) = sum_i b(i) sum_j p(i, t, j), the belief behind it has
b'(j) = sum_i b(i) p(i, t, j) / P(t | b), and P(stop | b) = sum_i b(i) stop(i). The deterministic automaton has the
reachable beliefs as its states. Two beliefs are one state where they give every continuation the same probability: with
M(t) the matrix of p(., t, .), where they agree on the span of M(t_1) ... M(t_n) stop. The states are then the different
laws of what may follow. They may be infinitely many: no deterministic automaton has the law then, and log p of a string
is no sum along a path.

Source: Mohri, Computational Linguistics 23 (1997), weighted determinisation; Schuetzenberger (1961) for the span; the
beliefs are the mixed states of a hidden Markov model (Blackwell 1957).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from flint import fmpq

from theory.arithmetic.exact import whole_numbers

MOST_BELIEFS = 2_000
"""States of a deterministic automaton; more are not looked for."""

MOST_PRODUCTS = 2_000_000
"""Products of rationals in looking for them."""

MOST_BITS = 4_000
"""Of a number in a belief: where the beliefs are infinitely many, their numbers grow with every token."""

MOST_MERGED = 100
"""States of an automaton for which the span is found; beyond, beliefs are one state only where they are equal."""

_Belief = tuple[tuple[int, fmpq], ...]


class Step(NamedTuple):
    """An arc of a machine: source, target, token and probability."""

    source: int
    target: int
    token: str
    prob: fmpq


def determinise(steps: Sequence[Step], stop: Sequence[fmpq], initial: int) -> tuple[list[Step], list[fmpq]] | None:
    """The arcs and stops of the deterministic automaton with the same law; its initial state is 0.

    Cost: O(B n) products for B beliefs and n arcs.

    Args:
        steps: in any order; with the stop a state's probabilities sum to 1.
        stop: per state, shape (S,).
        initial: a state.

    Returns:
        None where more than ``MOST_BELIEFS`` states or ``MOST_PRODUCTS`` products are needed, or numbers of more
        than ``MOST_BITS`` bits.
    """
    leaving: list[list[Step]] = [[] for _ in stop]
    for step in steps:
        if step.prob != 0:
            leaving[step.source].append(step)
    beliefs: list[_Belief] = [((initial, fmpq(1)),)]
    span = _span(leaving, stop) if len(stop) <= MOST_MERGED else None
    number = {_key(beliefs[0], span): 0}
    found: list[Step] = []
    stops: list[fmpq] = []
    products = 0
    for here, belief in enumerate(beliefs):  # grows while it is read
        products += sum(len(leaving[state]) for state, _ in belief)
        if products > MOST_PRODUCTS:
            return None
        stops.append(sum((p * stop[state] for state, p in belief), start=fmpq(0)))
        for token, behind in _following(belief, leaving).items():
            total = sum(behind.values(), start=fmpq(0))
            own = tuple((state, behind[state] / total) for state in sorted(behind))
            if any(p.q.bit_length() > MOST_BITS for _, p in own):
                return None
            place = number.setdefault(_key(own, span), len(beliefs))
            if place == len(beliefs):
                if place >= MOST_BELIEFS:
                    return None
                beliefs.append(own)
            found.append(Step(here, place, token, total))
    return found, stops


def _following(belief: _Belief, leaving: Sequence[Sequence[Step]]) -> dict[str, dict[int, fmpq]]:
    """sum_i b(i) p(i, t, j) by token t and state j."""
    found: dict[str, dict[int, fmpq]] = {}
    for state, p in belief:
        for step in leaving[state]:
            behind = found.setdefault(step.token, {})
            behind[step.target] = behind.get(step.target, fmpq(0)) + p * step.prob
    return found


def _span(leaving: Sequence[Sequence[Step]], stop: Sequence[fmpq]) -> list[list[fmpq]]:
    """A basis of the span of M(t_1) ... M(t_n) stop over all strings: what tells beliefs apart. Cost: O(S^2 n)."""
    basis: list[tuple[int, list[fmpq]]] = []  # the first entry that is not 0 stands at the pivot and is 1
    waiting = [list(stop)]
    while waiting:
        vector = waiting.pop()
        for pivot, known in basis:
            if vector[pivot] != 0:
                factor = vector[pivot]
                vector = [x - factor * y for x, y in zip(vector, known, strict=True)]
        first = next((k for k, x in enumerate(vector) if x != 0), None)
        if first is None:
            continue
        vector = [x / vector[first] for x in vector]
        basis.append((first, vector))
        before: dict[str, list[fmpq]] = {}
        for row in leaving:
            for source, target, token, prob in row:
                if vector[target] != 0:
                    before.setdefault(token, [fmpq(0)] * len(stop))[source] += prob * vector[target]
        waiting += before.values()
    return [vector for _, vector in basis]


def _key(belief: _Belief, span: Sequence[Sequence[fmpq]] | None) -> tuple[int, ...]:
    """What tells the belief from others."""
    if span is None:
        return (*(state for state, _ in belief), *whole_numbers(*(p for _, p in belief)))
    return whole_numbers(*(sum((p * vector[state] for state, p in belief), start=fmpq(0)) for vector in span))


__all__ = ["MOST_BELIEFS", "MOST_BITS", "MOST_MERGED", "MOST_PRODUCTS", "Step", "determinise"]
