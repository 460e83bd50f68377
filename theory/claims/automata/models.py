"""What the claims on automata share: one state, random and smallest automata."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from flint import arb, fmpq

from theory.arithmetic.exact import Array, Exact
from theory.claims.claim import Case, Profile
from theory.examples.automata import letters, random_automaton
from theory.language_models.automaton import Automaton, Graph
from theory.language_models.rewards import Reward
from theory.specification.automaton import write_automaton

ONE, ZERO = fmpq(1), fmpq(0)


NEAR = fmpq(1, 10**12)


def automaton_case(name: str, automaton: Automaton) -> Case:
    """A case whose content is the automaton, with its specification where that is short."""
    return Case(name, automaton, write_automaton(automaton) if len(automaton.graph) <= 40 else "")


def one_state(weights: Sequence[int], stop: int, factors: Sequence[int | fmpq]) -> Automaton:
    """One state: the letters t0, t1, ... and the end with probabilities proportional to integers, e^R per letter."""
    going_on = fmpq(sum(weights), sum(weights) + stop)
    return letters(weights, going_on, [Reward(factor=fmpq(x)) for x in factors])


def diverging() -> Automaton:
    """One state, p e^R of going on = 5/4 + 1/4 > 1: Z is infinite."""
    return one_state((1, 1), 2, (5, 1))


def smallest_automata(most_letters: int, most: int) -> Iterator[Case]:
    """Automata of one state, in the order (letters, sum of the integer weights of p and e^R)."""
    for count in range(1, most_letters + 1):
        for total in range(2 * count + 1, most + 1):
            for parts in itertools.product(range(1, total), repeat=2 * count):
                stop = total - sum(parts)
                weights, factors = parts[:count], parts[count:]
                if stop >= 1 and list(zip(weights, factors, strict=True)) == sorted(zip(weights, factors, strict=True)):
                    name = f"one state, letters {weights} and end {stop}, e^R = {factors}"
                    yield automaton_case(name, one_state(weights, stop, factors))


def random_automata(profile: Profile, count: int) -> Iterator[tuple[str, Automaton]]:
    """Random automata of 1 to 5 states and 2 letters, from the profile's seed."""
    rng = np.random.default_rng(profile.seed)
    for k in range(count):
        yield f"random automaton {k + 1}", random_automaton(rng, int(rng.integers(1, 6)), 2)


def entries(graph: Graph, weight: Array, zero: Any) -> tuple[list[list[Any]], list[Any]]:
    """(M, b) of these weights of the steps, as lists."""
    matrix = [[zero] * graph.states for _ in range(graph.states)]
    ends = [zero] * graph.states
    for i, j, w in zip(graph.source.tolist(), graph.target.tolist(), weight, strict=True):
        if j == graph.states:
            ends[i] += w
        else:
            matrix[i][j] += w
    return matrix, ends


def by_length(automaton: Automaton, weight: Array, length: int) -> list[Exact]:
    """The total weight of the strings of 0, 1, ..., ``length`` tokens: e_0' M^k b."""
    matrix, ends = entries(automaton.graph, weight, weight[0] * 0)
    found = []
    ahead = ends
    for _ in range(length + 1):
        found.append(ahead[automaton.graph.initial])
        ahead = [sum((w * x for w, x in zip(row, ahead, strict=True)), start=weight[0] * 0) for row in matrix]
    return found


def equality_slack() -> arb:
    """Both sides may be equal numbers in different balls: allow 10^-40."""
    return arb(fmpq(1, 10**40))
