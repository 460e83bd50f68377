"""The critical beta: closed forms, bisection with certain signs, and why there is none."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
from flint import arb, fmpq
from hypothesis import given

from tests.automata import automata
from theory.arithmetic.exact import Undecided, to_float
from theory.automata.critical_beta import critical_beta, gaining_cycle
from theory.automata.spectral_radius import converges
from theory.examples.automata import random_automaton
from theory.language_models.automaton import Arc, Automaton
from theory.language_models.rewards import Reward


def loop(rewards: Sequence[Reward]) -> Automaton:
    """One state, letters of probability 1/4 that stay, stop 1/2."""
    arcs = [Arc(0, 0, token, fmpq(1, 4), r) for token, r in zip("ab", rewards, strict=True)]
    return Automaton.of("ab", arcs, [fmpq(1, 2)]).rewarded()


@pytest.mark.parametrize("reward", ["1/5", "3000", "1000000", "1/1000000"])
def test_closed_form(reward: str) -> None:
    """(1 + e^{r/beta}) / 4 = 1 at beta = r / log 3, above and below the beta that is given."""
    exact = fmpq(*map(int, (reward + "/1").split("/")[:2]))
    found = critical_beta(loop([Reward(exact), Reward()]), fmpq(1))
    assert found.value is not None
    assert found.value.overlaps(arb(exact) / arb(3).log())
    assert to_float(found.value.rad() / found.value) < 1e-40


def test_a_reward_given_as_a_factor() -> None:
    """e^R = 2 at beta = 3: r = 3 log 2, and (1 + 2^{3 / beta}) / 4 = 1 at beta = 3 log 2 / log 3."""
    found = critical_beta(loop([Reward(factor=fmpq(2)), Reward()]), fmpq(3))
    assert found.value is not None
    assert found.value.overlaps(3 * arb(2).log() / arb(3).log())


@given(automata())
def test_where_bisection_ends(automaton: Automaton) -> None:
    """Finite just above, infinite just below, by the solvability of the path sums alone; no value: finite far out."""
    kept = automaton.rewarded()
    try:
        found = critical_beta(kept, fmpq(1))
    except Undecided:
        return
    if found.value is None:
        assert found.reason
        assert converges(kept, fmpq(1), fmpq(8))
        return
    t = fmpq(round(2**40 / to_float(found.value)), 2**40)
    assert converges(kept, fmpq(1), t * fmpq(999, 1000))
    assert not converges(kept, fmpq(1), t * fmpq(1001, 1000))


def test_no_cycle_gains() -> None:
    """Rewards that cancel around every cycle, that only cost, or finitely many strings: Z is finite at every beta."""
    up, down = Reward(fmpq(3000)), Reward(fmpq(-3000))
    arcs = [Arc(0, 1, "a", fmpq(1, 2), up), Arc(1, 0, "a", fmpq(1, 2), down)]
    around = Automaton.of("a", arcs, [fmpq(1, 2), fmpq(1, 2)]).rewarded()
    for automaton in (around, loop([down, Reward()])):
        found = critical_beta(automaton, fmpq(1))
        assert found.value is None
        assert "no cycle" in found.reason
    once = Automaton.of("a", [Arc(0, 1, "a", fmpq(1, 2), up)], [fmpq(1, 2), fmpq(1)]).rewarded()
    assert "finitely many" in critical_beta(once, fmpq(1)).reason


def test_a_cycle_that_gains_next_to_nothing() -> None:
    """e^R = 3 / e^{1.0986122886681096}: a + log x > 0 by 2e-16, decided, with a critical beta far below 1."""
    small = Reward(fmpq(-10986122886681096, 10**16), fmpq(3))
    found = critical_beta(loop([small, small]), fmpq(1))
    assert found.value is not None
    exact = arb(3).log() - fmpq(10986122886681096, 10**16)
    assert found.value.overlaps(exact / arb(2).log())


def best_cycle_by_enumeration(automaton: Automaton) -> float:
    """The largest mean reward of a simple cycle, by walking all of them."""
    _, reward = automaton.floats()
    graph, best = automaton.graph, -math.inf

    def walk(start: int, at: int, seen: tuple[int, ...], gained: float) -> None:
        nonlocal best
        for step in np.flatnonzero(graph.source == at).tolist():
            state = int(graph.target[step])
            if state == start:
                best = max(best, (gained + float(reward[step])) / len(seen))
            elif start < state < graph.states and state not in seen:
                walk(start, state, (*seen, state), gained + float(reward[step]))

    for start in range(graph.states):
        walk(start, start, (start,), 0.0)
    return best


@pytest.mark.parametrize("seed", range(200))
def test_never_finite_beyond_it_and_the_cycle_is_the_best(seed: int) -> None:
    """200 random automata: finite just above the critical beta, infinite just below, and the cycle that is named."""
    rng = np.random.default_rng([41, seed])
    automaton = random_automaton(rng, 2 + seed % 4, 2).rewarded()
    found = critical_beta(automaton, fmpq(1))
    best = best_cycle_by_enumeration(automaton)
    if found.value is None:
        assert not found.cycle
        assert best <= 1e-12
        return
    t = fmpq(round(2**50 / to_float(found.value)), 2**50)
    near = fmpq(1, 10**6)
    assert converges(automaton, fmpq(1), t * (1 - near))
    assert not converges(automaton, fmpq(1), t * (1 + near))
    steps = max((gaining_cycle(automaton, c) for c in automaton.graph.components()), key=len)
    assert found.cycle
    means = [
        float(automaton.floats()[1][cycle].mean())
        for c in automaton.graph.components()
        if (cycle := gaining_cycle(automaton, c))
    ]
    assert max(means) == pytest.approx(best, abs=1e-12)
    for one, two in itertools.pairwise([*steps, steps[0]]):
        assert automaton.graph.target[one] == automaton.graph.source[two]
