"""automata.critical-temperature: the equation it solves, and the published number."""

from __future__ import annotations

import math

from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st

from theory.arithmetic.exact import to_float
from theory.automata.spectral_radius import critical_temperature
from theory.claims.automata.ambiguity import sums_of_squares
from theory.claims.automata.leak import Hazard
from theory.examples.automata import letters, two_geometrics


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


def test_published_numbers() -> None:
    """1.00097; pi / sinh(pi) = .27203; .1971 over paths against .3678 over strings."""
    critical = critical_temperature(letters((1,) * 32000, fmpq(99, 100)))
    assert critical is not None
    assert f"{to_float(critical):.5f}" == "1.00097"
    assert f"{to_float(Hazard(2).infinite()):.5f}" == "0.27203"
    assert f"{math.pi / math.sinh(math.pi):.5f}" == "0.27203"
    paths, strings = sums_of_squares(two_geometrics())
    assert (f"{to_float(paths):.4f}", f"{to_float(strings):.4f}") == ("0.1971", "0.3678")
