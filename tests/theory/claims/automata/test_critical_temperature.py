"""automata.critical-temperature: the equation it solves, and the published number."""

from __future__ import annotations

import math

import pytest
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st

from theory.arithmetic.exact import to_float
from theory.automata.path_sums import step_weights
from theory.automata.spectral_radius import converges, critical_temperature, spectral_radius
from theory.claims.automata.ambiguity import sums_of_squares
from theory.claims.automata.leak import Hazard
from theory.examples.automata import letters, two_geometrics
from theory.language_models.automaton import Arc, Automaton


@given(st.lists(st.integers(1, 9), min_size=2, max_size=5), st.integers(1, 9), st.integers(1, 9))
def test_critical_temperature(weights: list[int], go: int, stop: int) -> None:
    """a^tau sum q^tau = 1 at tau = 1/T_c, which is T_c = 1 + log(1/a) / H_{1/T_c}(letters)."""
    going_on = fmpq(go, go + stop)
    found = critical_temperature(letters(weights, going_on))
    assert found is not None
    tau = 1 / found
    total = sum(((arb(going_on * w) / sum(weights)) ** tau for w in weights), start=arb(0))
    assert (total - 1).contains(0)
    assert found > 1


def test_cycles_without_a_branch() -> None:
    """a then b then a again or the end: rho(M(tau, tau)) = (product of the steps)^(tau/2) < 1 at every tau > 0."""
    half = fmpq(1, 2)
    cycle = Automaton.of(("a", "b"), [Arc(0, 1, "a", half), Arc(1, 0, "b", fmpq(2, 3))], [half, fmpq(1, 3)])
    assert critical_temperature(cycle) is None
    for tau in (fmpq(2), fmpq(1), fmpq(1, 100)):
        radius = spectral_radius(cycle.graph, step_weights(cycle, tau, tau))
        assert abs(to_float(radius) - (1 / 3) ** (float(tau.p) / float(tau.q) / 2)) < 1e-12
        assert converges(cycle, tau, tau)


@pytest.mark.parametrize(
    ("weights", "going_on", "critical"), [((1, 1), fmpq(1, 2), 2), ((1, 1, 1, 1), fmpq(1, 2), 1.5)]
)
def test_uniform_letters(weights: tuple[int, ...], going_on: fmpq, critical: float) -> None:
    """T_c = 1 - log a / log m: 2 for m = 2, a = 1/2, and 3/2 for m = 4; at T_c itself the sum is infinite."""
    automaton = letters(weights, going_on)
    assert to_float(critical_temperature(automaton)) == pytest.approx(critical)
    tau = 1 / fmpq(round(2 * critical), 2)
    assert not converges(automaton, tau, tau)
    assert converges(automaton, tau * fmpq(101, 100), tau * fmpq(101, 100))


def test_published_numbers() -> None:
    """1.00097; pi / sinh(pi) = .27203; .1971 over paths against .3678 over strings."""
    critical = critical_temperature(letters((1,) * 32000, fmpq(99, 100)))
    assert critical is not None
    assert f"{to_float(critical):.5f}" == "1.00097"
    assert f"{to_float(Hazard(2).infinite()):.5f}" == "0.27203"
    assert f"{math.pi / math.sinh(math.pi):.5f}" == "0.27203"
    paths, strings = sums_of_squares(two_geometrics())
    assert (f"{to_float(paths):.4f}", f"{to_float(strings):.4f}") == ("0.1971", "0.3678")
