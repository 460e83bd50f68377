"""Acceptance on infinitely many strings: by hand, by all pairs of short strings, and why it is not known."""

from __future__ import annotations

import numpy as np
import pytest
from flint import fmpq

from theory.adaptors.exact import Chain, chain
from theory.arithmetic.exact import floats, to_float
from theory.automata.acceptance import Acceptance, product_acceptance
from theory.automata.adaptors import (
    AdaptedAutomaton,
    adapt_automaton_global,
    adapt_automaton_local,
    adapted_moments,
    align_automaton,
    decide_automaton,
)
from theory.examples.automata import two_states
from theory.language_models.automaton import Arc, Automaton
from theory.language_models.rewards import Reward

COOL, WARM = chain(("temperature", "1/2")), chain(("temperature", "11/10"))


def letters(*shares: int, stop: int, reward: Reward | None = None) -> Automaton:
    """One state; integer weights of the letters and of the stop."""
    total = sum(shares) + stop
    arcs = [
        Arc(0, 0, f"t{k}", fmpq(w, total), reward if reward is not None and k == 0 else Reward())
        for k, w in enumerate(shares)
    ]
    return Automaton.of([f"t{k}" for k in range(len(shares))], arcs, [fmpq(stop, total)])


def powers() -> Automaton:
    """Two states that keep 1/2 and 1/4 of their mass under top-1: powers of 1/2, one of them counted twice."""
    arcs = [
        *(Arc(0, t, token, fmpq(1, 4)) for t, token in ((0, "b"), (1, "c"))),
        Arc(1, 0, "a", fmpq(1, 8)),
        Arc(1, 1, "b", fmpq(1, 8)),
        Arc(1, 0, "c", fmpq(1, 8)),
        Arc(1, 1, "d", fmpq(1, 8)),
        Arc(1, 1, "e", fmpq(1, 8)),
        Arc(1, 1, "f", fmpq(1, 8)),
    ]
    return Automaton.of("abcdef", arcs, [fmpq(1, 2), fmpq(1, 4)])


def found_and_weights(automaton: Automaton, steps: Chain) -> tuple[Acceptance, AdaptedAutomaton, float]:
    aligned = align_automaton(automaton)
    kept = decide_automaton(aligned, steps)
    local, target = adapt_automaton_local(aligned, kept), adapt_automaton_global(aligned, kept)
    assert isinstance(local, AdaptedAutomaton)
    assert target is not None
    log_total = adapted_moments(aligned, target).log_total
    return product_acceptance(aligned, kept, local, log_total), local, to_float(log_total)


def by_strings(local: AdaptedAutomaton, log_total: float) -> float:
    """E min(w, w') over the law of log w, gathered string by string down to a mass of 1e-14."""
    graph = local.graph
    law, log_sum = floats(local.weight), floats(local.log_sum)
    bounds = [*graph.starts.tolist(), len(graph)]
    layer, done = {(graph.initial, 0.0): 1.0}, dict[float, float]()
    while layer:
        following: dict[tuple[int, float], float] = {}
        for (state, weight), mass in layer.items():
            for step in range(bounds[state], bounds[state + 1]):
                there, total = int(graph.target[step]), round(weight + log_sum[step], 9)
                if there == graph.states:
                    done[total] = done.get(total, 0.0) + mass * law[step]
                else:
                    key = (there, total)
                    following[key] = following.get(key, 0.0) + mass * law[step]
        layer = {key: mass for key, mass in following.items() if mass > 1e-14}
    values = np.array(sorted(done))
    mass = np.array([done[v] for v in values])
    above = np.append(np.cumsum(mass[::-1])[::-1][1:], 0)
    return float((np.exp(values - log_total) * mass * (mass + 2 * above)).sum())


def test_by_hand() -> None:
    """Letters 1/4, 1/4 and stop 1/2 at T = 1/2: c = 3/8, stop 2/3 and C = 2/7 give 18/23."""
    acceptance, _, _ = found_and_weights(letters(1, 1, stop=2), COOL)
    assert acceptance.value is not None
    assert acceptance.value.overlaps(fmpq(18, 23))


@pytest.mark.parametrize(
    ("automaton", "steps"),
    [
        (letters(3, 1, stop=2), COOL),
        (letters(3, 1, stop=2), WARM),
        (letters(3, 1, stop=2), chain(("top_k", 2))),
        (letters(3, 1, stop=2, reward=Reward(fmpq(1, 5))), COOL),
        (letters(3, 2, stop=2, reward=Reward(fmpq(-1, 3))), chain(("top_k", 2), ("temperature", "2/3"))),
        (powers(), chain(("epsilon", "1/4"))),
        (two_states(), chain(("nucleus", "3/4"))),
    ],
)
def test_by_all_pairs_of_strings(automaton: Automaton, steps: Chain) -> None:
    acceptance, local, log_total = found_and_weights(automaton, steps)
    assert acceptance.value is not None, acceptance.reason
    assert to_float(acceptance.value) == pytest.approx(by_strings(local, log_total), abs=1e-9)
    assert 0 < to_float(acceptance.value) <= 1


def test_nothing_to_correct() -> None:
    """All tokens kept at T = 1: local and global agree, every move is accepted."""
    acceptance, _, _ = found_and_weights(letters(3, 1, stop=2), chain(("top_k", 9)))
    assert acceptance.value == 1


def test_it_is_said_why_not() -> None:
    """Two states whose sums of squares are no powers of one number."""
    acceptance, _, _ = found_and_weights(two_states(), COOL)
    assert acceptance.value is None
    assert "powers of one number" in acceptance.reason
