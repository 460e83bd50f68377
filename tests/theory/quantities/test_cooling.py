"""What a small cooling does, in words: against differences along the temperature, and on the borders b = 0 and -1."""

from __future__ import annotations

import pytest
from flint import arb, fmpq
from hypothesis import given

from tests.automata import automata
from tests.strategies import models
from theory.adaptors.exact import chain
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import Diverges, Undecided
from theory.examples.finite import c1, c2, c3, c4, c5, from_laws, table
from theory.language_models.automaton import Arc, Automaton
from theory.language_models.rewards import Reward
from theory.models.automaton import AutomatonModel
from theory.models.finite import FiniteModel
from theory.models.model import AlignedModel
from theory.quantities.cooling import UNDECIDED, WORDS, cooling

CLOSE = chain(("temperature", "999999/1000000"))


def moved(model: AlignedModel) -> tuple[arb, arb] | None:
    """(E L, E R) a little below T = 1, less those at T = 1."""
    cooled = model.adapted(CLOSE, "global").moments
    if cooled is None:
        return None
    mean = model.mean
    return cooled.mean_log_prior - mean.mean_log_prior, cooled.mean_reward - mean.mean_reward


def agrees(model: AlignedModel) -> None:
    """The words are those of the signs of a small difference, unless a sign is too close to a border."""
    said, gains = cooling(model), moved(model)
    if gains is None or said == UNDECIDED:
        return
    signs = next(key for key, words in WORDS.items() if words == said)
    variance = model.mean.var_surprisal
    for sign, gain in zip(signs, gains, strict=True):
        if sign == 0:
            assert abs(gain) < arb("1e-9") * (1 + variance)
        elif abs(gain) > arb("1e-8") * variance:
            assert gain * sign > 0


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (c1(), "raises both"),
        (c2(), "raises both"),
        (c3(), "raises both"),
        (c4(), "trades L for R"),
        (c5(), "trades R for L"),
        (table((1, 1), (1, 2)), "E L stays"),
        (table((1, 2), (1, 1)), "E R stays"),
        (from_laws((1, 2), (1, 1)), "nothing moves"),
    ],
)
def test_named_models(model: Aligned, words: str) -> None:
    found = FiniteModel.of(model)
    assert cooling(found) == words
    agrees(found)


def test_borders_without_a_constant() -> None:
    """p+ = (1, 3, 1, 3)/8. L depends on the pair alone: Cov(L, I) = 0. R depends on the pair alone: Cov(R, I) = 0."""
    aligned = (1, 3, 1, 3)
    one = FiniteModel.of(from_laws((1, 1, 2, 2), aligned))
    two = FiniteModel.of(from_laws((1, 3, 2, 6), aligned))
    for found, words in ((one, "E L stays"), (two, "E R stays")):
        assert not found.mean.constant.log_prior
        assert not found.mean.constant.reward
        assert cooling(found) == words
        agrees(found)


def test_borders_of_powers_of_e() -> None:
    """The same with e^{1/2} and e^{1/3} in p+, which is then not rational."""
    half = fmpq(1, 2)
    prior = [fmpq(1, 6), fmpq(1, 6), fmpq(1, 3), fmpq(1, 3)]
    arcs = [Arc(0, 1, token, p, r) for token, p, r in zip("abcd", prior, _rewards(half), strict=True)]
    found = AutomatonModel.of(Automaton.of("abcd", arcs, [fmpq(0), fmpq(1)]))
    assert cooling(found) == "E L stays"
    agrees(found)


def _rewards(exponent: fmpq) -> list[Reward]:
    """R such that p+ is in proportion to (1, e^a, 1, e^a)."""
    return [Reward(), Reward(exponent), Reward(factor=fmpq(1, 2)), Reward(exponent, fmpq(1, 2))]


def test_a_border_of_infinitely_many_strings() -> None:
    """A first letter of prior (1/3, 2/3) and p+ (1/2, 1/2), then a free tail: R says nothing about I."""
    arcs = [
        Arc(0, 1, "a", fmpq(1, 3), Reward(factor=fmpq(2))),
        Arc(0, 1, "b", fmpq(2, 3)),
        Arc(1, 1, "a", fmpq(1, 2)),
        Arc(1, 1, "b", fmpq(1, 4)),
    ]
    found = AutomatonModel.of(Automaton.of("ab", arcs, [fmpq(0), fmpq(1, 4)]))
    assert not found.mean.constant.reward
    assert found.strings is None
    assert cooling(found) == "E R stays"
    agrees(found)
    other = [*arcs[:2], Arc(1, 1, "a", fmpq(1, 2), Reward(factor=fmpq(1, 2))), arcs[3]]
    assert cooling(AutomatonModel.of(Automaton.of("ab", other, [fmpq(0), fmpq(1, 4)]))) == "raises both"


@given(models())
def test_finite_models(aligned: Aligned) -> None:
    agrees(FiniteModel.of(aligned))


@given(automata())
def test_automata(automaton: Automaton) -> None:
    try:
        found = AutomatonModel.of(automaton)
    except (Diverges, Undecided):
        return
    agrees(found)
