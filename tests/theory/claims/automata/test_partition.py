"""automata.partition: partial sums over strings, and a formula that is no sum."""

from __future__ import annotations

import pytest
from flint import fmpq
from hypothesis import given

from tests.automata import automata
from theory.arithmetic.exact import Diverges, to_float
from theory.automata.adaptors import doob
from theory.automata.path_sums import step_weights, totals
from theory.automata.spectral_radius import converges
from theory.claims.automata.models import by_length, one_state
from theory.language_models.automaton import Automaton

ONE = fmpq(1)


@given(automata(states=3, exponents=False))
def test_partition(automaton: Automaton) -> None:
    """Z = e_0' (I - M)^-1 b is the sum over strings: partial sums by length grow to it, or without bound."""
    kept = automaton.rewarded()
    weight = step_weights(kept, ONE, ONE)
    short = [to_float(p * r.factor) for _, p, r in kept.strings(5)]
    try:
        found = totals(kept.graph, weight)[kept.graph.initial]
    except Diverges:
        assert not converges(kept, ONE, ONE)
        return
    assert sum(short) <= to_float(found) * (1 + 1e-12)
    tilted = doob(kept)
    for (_, p, r), (_, q, _) in zip(kept.strings(3), tilted.strings(3), strict=True):
        assert q == p * r.factor / found


@given(automata(states=3, exponents=False))
def test_partition_of_squares(automaton: Automaton) -> None:
    """Z(2, 1) = sum p^2 e^R, by the same formula with other weights."""
    kept = automaton.rewarded()
    weight = step_weights(kept, fmpq(2), ONE)
    by_string = [fmpq(0)] * 5
    for tokens, p, r in kept.strings(4):
        by_string[len(tokens)] += p * p * r.factor
    assert by_length(kept, weight, 4) == by_string
    if converges(kept, fmpq(2), ONE):
        assert totals(kept.graph, weight)[kept.graph.initial] >= sum(by_string, start=fmpq(0))


def test_the_formula_without_the_radius() -> None:
    """p = 1/2, e^R = 3: the radius is 3/2, and the formula gives (1/2)/(1 - 3/2) = -1 for a sum of positive terms."""
    automaton = one_state((1,), 1, (3,))
    with pytest.raises(Diverges):
        totals(automaton.graph, step_weights(automaton, ONE, ONE))
