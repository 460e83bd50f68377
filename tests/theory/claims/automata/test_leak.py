"""automata.leak: survivals, and top-1 followed by hand."""

from __future__ import annotations

import math

from flint import arb, fmpq
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.automata import automata
from theory.adaptors.exact import chain
from theory.arithmetic.exact import to_float
from theory.automata.adaptors import Leak, adapt_automaton_local, align_automaton, decide_automaton
from theory.automata.spectral_radius import converges
from theory.claims.automata.leak import Hazard
from theory.language_models.automaton import Automaton

ONE = fmpq(1)


@given(st.integers(2, 6), st.integers(1, 60))
def test_leak(tau: int, length: int) -> None:
    """P(infinite) = prod m^tau / (m^tau + 1): below every survival, and above it times e^{-sum m^-tau}."""
    infinite = Hazard(tau).infinite()
    survival = Hazard(tau).survival(length)
    assert infinite < arb(survival)
    rest = 1 / ((tau - 1) * (length + 1) ** (tau - 1))
    assert to_float(infinite) >= to_float(survival) * math.exp(-rest) * (1 - 1e-12)
    assert float(infinite.rad()) < 1e-60


def test_prior_of_the_leak_keeps_its_mass() -> None:
    """P(more than n letters) = prod (1 - 1/(k+2)) over k <= n = 1/(n + 2)."""
    product = ONE
    for k in range(10):
        product *= 1 - fmpq(1, k + 2)
        assert Hazard(1).survival(k) == product == fmpq(1, k + 2)


@given(st.integers(2, 4), st.integers(0, 12))
def test_cooled_hazard(tau: int, length: int) -> None:
    """Each step of the law, (n + 1, 1)/(n + 2), to the power tau and renormalised: m^tau/(m^tau + 1), m = n + 1."""
    survival = 1.0
    for n in range(length + 1):
        going_on, ending = ((n + 1) / (n + 2)) ** tau, (1 / (n + 2)) ** tau
        survival *= going_on / (going_on + ending)
    assert math.isclose(to_float(Hazard(tau).survival(length)), survival, rel_tol=1e-12)


@given(automata(states=3), st.sampled_from(["1/3", "1/2", "2"]))
def test_temperatures_do_not_leak_on_finite_automata(automaton: Automaton, value: str) -> None:
    """Every state that could stop still can: the local law has total mass 1."""
    kept = automaton.rewarded()
    assume(converges(kept, ONE, ONE))
    aligned = align_automaton(kept)
    found = adapt_automaton_local(aligned, decide_automaton(aligned, chain(("temperature", value))))
    assert not isinstance(found, Leak)


@given(automata(states=3))
def test_finite_automata_leak_iff_they_reach_a_dead_end(automaton: Automaton) -> None:
    """Top-1 runs along one path: it leaks all its mass, or none; and it does iff the path meets itself."""
    kept = automaton.rewarded()
    assume(converges(kept, ONE, ONE))
    aligned = align_automaton(kept)
    decided = decide_automaton(aligned, chain(("top_k", 1)))
    state, seen = kept.graph.initial, set[int]()
    while state != kept.graph.states and state not in seen:
        seen.add(state)
        (step,) = [k for k in range(len(kept.graph)) if kept.graph.source[k] == state and decided.step[k]]
        state = int(kept.graph.target[step])
    law = adapt_automaton_local(aligned, decided)
    assert isinstance(law, Leak) == (state != kept.graph.states)
    if isinstance(law, Leak):
        assert law.mass == 1
