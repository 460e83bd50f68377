"""Determinised automata: the same law of strings by brute force, fewest states, and where there are infinitely many."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from flint import fmpq

from theory.examples.automata import random_automaton
from theory.language_models.automaton import AmbiguousError, Arc, Automaton
from theory.language_models.determinise import Step, determinise

TOKENS = ("a", "b", "c")


def of_string(steps: Sequence[Step], stop: Sequence[fmpq], initial: int, tokens: Sequence[str]) -> fmpq:
    """The mass of a string, forwards over all its paths."""
    mass = {initial: fmpq(1)}
    for token in tokens:
        ahead: dict[int, fmpq] = {}
        for source, target, own, prob in steps:
            if own == token and source in mass:
                ahead[target] = ahead.get(target, fmpq(0)) + mass[source] * prob
        mass = ahead
    return sum((p * stop[state] for state, p in mass.items()), start=fmpq(0))


def split(seed: int, states: int) -> tuple[list[Step], list[fmpq]]:
    """A deterministic automaton whose states were doubled: each arc goes to both copies, by a share at random."""
    rng = np.random.default_rng([26, seed])
    automaton = random_automaton(rng, states, 2)
    graph, end = automaton.graph, automaton.end
    steps, stop = [], [fmpq(0)] * (2 * graph.states)
    for k in range(len(graph)):
        source = int(graph.source[k])
        for copy in (0, graph.states):
            if end[k]:
                stop[source + copy] = automaton.prob[k]
                continue
            share = fmpq(int(rng.integers(1, 10)), 10)
            token, target = automaton.alphabet[automaton.token[k]], int(graph.target[k])
            steps.append(Step(source + copy, target, token, automaton.prob[k] * share))
            steps.append(Step(source + copy, target + graph.states, token, automaton.prob[k] * (1 - share)))
    return steps, stop


@pytest.mark.parametrize("seed", range(12))
def test_doubled_states_are_merged(seed: int) -> None:
    """The law of every string up to 5 tokens is the same, and no more states are needed than before the doubling."""
    steps, stop = split(seed, 4)
    found = determinise(steps, stop, 0)
    assert found is not None
    alone, stops = found
    assert len(stops) <= len(stop) // 2
    assert len({(step.source, step.token) for step in alone}) == len(alone)
    alphabet = sorted({step.token for step in steps})
    for length in range(6):
        for tokens in itertools.product(alphabet, repeat=length):
            assert of_string(alone, stops, 0, tokens) == of_string(steps, stop, 0, tokens)


@pytest.mark.parametrize("seed", range(6))
def test_equal_beliefs_suffice_beyond_the_bound(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the span equal beliefs alone are merged: more states or none found, but never another law."""
    steps, stop = split(seed, 3)
    monkeypatch.setattr("theory.language_models.determinise.MOST_MERGED", 0)
    monkeypatch.setattr("theory.language_models.determinise.MOST_BELIEFS", 200)
    found = determinise(steps, stop, 0)
    if found is not None:
        for length in range(5):
            for tokens in itertools.product(sorted({step.token for step in steps}), repeat=length):
                assert of_string(*found, 0, tokens) == of_string(steps, stop, 0, tokens)


def test_infinitely_many_beliefs_are_noticed() -> None:
    """a by two geometric laws, of 1/2 and 1/3: after a^n the odds are (3/2)^n, so that no two beliefs agree."""
    steps = [Step(0, 1, "a", fmpq(1, 2)), Step(0, 2, "a", fmpq(1, 2))]
    steps += [Step(1, 1, "a", fmpq(1, 2)), Step(2, 2, "a", fmpq(1, 3))]
    stop = [fmpq(0), fmpq(1, 2), fmpq(2, 3)]
    assert determinise(steps, stop, 0) is None
    with pytest.raises(AmbiguousError):
        Automaton.of(("a",), [Arc(*step) for step in steps], stop)


def test_work_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    steps, stop = split(3, 4)
    monkeypatch.setattr("theory.language_models.determinise.MOST_PRODUCTS", 3)
    assert determinise(steps, stop, 0) is None
