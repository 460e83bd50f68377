"""Hypothesis strategies for automata: small integer weights, so that every probability is rational and shrinks well."""

from __future__ import annotations

from typing import Any

from flint import fmpq
from hypothesis import strategies as st

from theory.language_models.automaton import Arc, Automaton
from theory.language_models.rewards import Reward


def rewards(exponents: bool = True) -> st.SearchStrategy[Reward]:
    """R = a + log x with small a (0 unless ``exponents``) and x around 1."""
    factors = st.builds(fmpq, st.integers(1, 6), st.integers(4, 6))
    if not exponents:
        return st.builds(lambda x: Reward(factor=x), factors)
    return st.builds(Reward, st.sampled_from([fmpq(0), fmpq(0), fmpq(-1, 2), fmpq(1, 3)]), factors)


@st.composite
def automata(draw: Any, states: int = 4, tokens: int = 2, top: int = 4, exponents: bool = True) -> Automaton:
    """Deterministic automata; arcs may be missing, states may be cut off, and Z may be infinite."""
    return _drawn(draw, draw(st.integers(1, states)), tokens, top, exponents, lambda state, count: (0, count - 1))


@st.composite
def acyclic_automata(draw: Any, states: int = 5, tokens: int = 2, top: int = 4, exponents: bool = True) -> Automaton:
    """Deterministic automata with finitely many strings: arcs lead to later states, and paths meet again."""
    return _drawn(
        draw, draw(st.integers(1, states)), tokens, top, exponents, lambda state, count: (state + 1, count - 1)
    )


def _drawn(draw: Any, count: int, tokens: int, top: int, exponents: bool, span: Any) -> Automaton:
    alphabet = tuple("abcdefgh"[:tokens])
    arcs, stop = [], []
    for state in range(count):
        low, high = span(state, count)
        weights = [draw(st.integers(0, top)) if low <= high else 0 for _ in alphabet]
        ending = draw(st.integers(1 if state == 0 or not any(weights) else 0, top))
        total = sum(weights) + ending
        stop.append(fmpq(ending, total))
        for token, weight in zip(alphabet, weights, strict=True):
            if weight:
                target = draw(st.integers(low, high))
                arcs.append(Arc(state, target, token, fmpq(weight, total), draw(rewards(exponents))))
    return Automaton.of(alphabet, arcs, stop)
