"""The smallest automata come in order."""

from __future__ import annotations

import itertools

from theory.claims.automata.models import smallest_automata


def test_smallest_automata_are_in_order() -> None:
    """Letters, then the sum of the integer weights of p and e^R; the first is a fair coin with no reward."""
    cases = list(itertools.islice(smallest_automata(2, 7), 60))
    sizes = [len(case.content.graph) for case in cases]
    assert sizes == sorted(sizes)
    assert cases[0].name == "one state, letters (1,) and end 1, e^R = (1,)"
