"""automata.ambiguity: sums over paths and over strings."""

from __future__ import annotations

from flint import fmpq
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.automata import automata
from theory.claims.automata.ambiguity import sums_of_squares
from theory.claims.automata.models import by_length
from theory.language_models.automaton import Arc, Automaton, ambiguity, unchecked


@given(automata(states=3, exponents=False))
def test_deterministic_automata_are_unambiguous(automaton: Automaton) -> None:
    """The sum of p^2 over paths is that over strings."""
    paths, strings = sums_of_squares(automaton)
    assert ambiguity(automaton) is None
    assert paths == strings


@given(st.integers(0, 4), st.integers(0, 4), st.integers(1, 4))
def test_ambiguity(first: int, second: int, stop: int) -> None:
    """Two loops with one letter: over strings the ratio is (u + v)^2, over paths u^2 + v^2."""
    assume(first + second > 0)
    total = first + second + stop
    automaton = unchecked(("a",), [Arc(0, 0, "a", fmpq(w, total)) for w in (first, second)], [fmpq(stop, total)])
    paths, strings = sums_of_squares(automaton)
    u, v, end = fmpq(first, total), fmpq(second, total), fmpq(stop, total)
    assert strings == end**2 / (1 - (u + v) ** 2)
    assert paths == end**2 / (1 - u**2 - v**2)
    assert (ambiguity(automaton) is None) == (paths == strings)
    assert paths <= strings
    # p itself: n letters have the probability end (u + v)^n, summed over 2^n paths or not
    by_paths = by_length(automaton, automaton.prob, 5)
    assert by_paths == [end * (u + v) ** n for n in range(6)]
