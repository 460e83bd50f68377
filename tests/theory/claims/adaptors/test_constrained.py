"""adaptors.constrained: masks and conditioning by walking the strings, the four directions, and wrong masks."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import trees
from tests.theory.claims.edits import failures
from theory.adaptors.constraints import acceptance_probability, language_mask
from theory.adaptors.exact import adapt_local
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import fraction
from theory.claims.adaptors import constrained
from theory.claims.adaptors.constrained import CLAIM, DIRECTIONS, Constrained
from theory.models.finite import FiniteModel


def exact_rows() -> dict[str, Any]:
    """p = (1, 2, 1)/4, p+ = (2, 2, 1)/5: masked, the second string has all of its branch, 3/5; conditioned, 1/2."""
    name = "[. [. .]], p = (1, 2, 1), e^R = (2, 1, 1), without its last string"
    one, two = math.log(1 / 4), math.log(1 / 2)
    return {f"{name}, masked: E L": 0.4 * one + 0.6 * two, f"{name}, conditioned: E L": 0.5 * one + 0.5 * two}


def by_walking(aligned: Aligned, inside: set[tuple[str, ...]]) -> dict[tuple[str, ...], Fraction]:
    """The masked law: at every prefix only steps towards strings of the language, renormalised."""
    exact = aligned.exact_prob()
    assert exact is not None
    mass = {tuple(name.split()): fraction(p) for name, p in zip(aligned.names(), exact, strict=True)}

    def below(prefix: tuple[str, ...], only: bool) -> Fraction:
        chosen = (m for y, m in mass.items() if (*y, "end")[: len(prefix)] == prefix and (not only or y in inside))
        return sum(chosen, start=Fraction(0))

    found = {}
    for string in inside:
        path, value = (*string, "end"), Fraction(1)
        for t in range(len(path)):
            steps = {(*y, "end")[: t + 1] for y in inside if (*y, "end")[:t] == path[:t]}
            allowed = sum((below(step, only=False) for step in steps), start=Fraction(0))
            value *= below(path[: t + 1], only=False) / allowed
        found[string] = value
    return found


@given(trees(), st.data())
def test_constrained(aligned: Aligned, data: st.DataObject) -> None:
    """The claim on any language, and the masked law by walking."""
    chosen = data.draw(st.lists(st.booleans(), min_size=len(aligned), max_size=len(aligned)).filter(any))
    inside = np.array(chosen)
    found = FiniteModel.of(aligned)
    assert failures(CLAIM.check(Constrained(found, inside))) == []
    names = [tuple(name.split()) for name in aligned.names()]
    walked = by_walking(aligned, {name for name, own in zip(names, chosen, strict=True) if own})
    masked = adapt_local(found.numbers, language_mask(aligned, inside))
    assert [float(p) for p in masked.prob] == pytest.approx([float(walked[names[y]]) for y in masked.string], abs=1e-15)


def test_all_four_directions() -> None:
    """Each pair of signs once."""
    assert {own for *_, own in DIRECTIONS} == {(1, 1), (1, -1), (-1, 1), (-1, -1)}


def test_an_empty_language_is_refused() -> None:
    """There is nothing to condition on."""
    case = next(constrained._moved_cases())
    with pytest.raises(ValueError, match="no string of the model"):
        language_mask(case.content.constrained.found.aligned, np.zeros(3, dtype=bool))


def test_a_wrong_acceptance_turns_red(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the acceptance probability of the start at every prefix the Doob transform is another law."""
    content = next(constrained._moved_cases()).content.constrained

    def flat(numbers: Any, inside: Any) -> Any:
        found = acceptance_probability(numbers, inside)
        return found * 0 + found[0]

    monkeypatch.setattr("theory.adaptors.constraints.acceptance_probability", flat)
    failing = {f.clause for f in CLAIM.check(content) if f.outcome != "holds"}
    assert failing == {"doob"}
