"""What readers of every kind of model share, by hand: laws of floats, rewards, a corpus."""

from __future__ import annotations

from fractions import Fraction

import pytest
from flint import fmpq

from theory.arithmetic.exact import fraction
from theory.specification.adaptors import adaptor_entry
from theory.specification.documents import AdaptorTable, CorpusTable
from theory.specification.reader import Reader, corpus_entry, read_beta, read_reward
from theory.specification.tables import SpecificationError


def test_floats_are_divided_by_their_sum() -> None:
    """0.3333333333 and 0.6666666666 sum to 1 - 1e-10; divided by it they are 1/3 and 2/3, and a note says so."""
    reader = Reader()
    found = reader.law([0.3333333333, 0.6666666666], "probs", ["x", "y"])
    assert [fraction(p) for p in found] == [Fraction(1, 3), Fraction(2, 3)]
    assert reader.notes == ["probs: floats that sum to 1 - 1e-10; divided by their sum once"]
    assert reader.floats


def test_exact_laws_are_left_alone() -> None:
    """Fractions that sum to 1 are what they are; those that do not are refused, however near."""
    reader = Reader()
    assert reader.law(["1/3", "2/3"], "probs", ["x", "y"]) == [fmpq(1, 3), fmpq(2, 3)]
    assert (reader.notes, reader.floats) == ([], False)
    with pytest.raises(SpecificationError, match=r"probs: probabilities must sum to 1, got 9999999999/10000000000"):
        reader.law(["3333333333/10000000000", "6666666666/10000000000"], "probs", ["x", "y"])
    with pytest.raises(SpecificationError, match="probs, y: a probability must be >= 0, got -1/3"):
        reader.law(["4/3", "-1/3"], "probs", ["x", "y"])


def test_rewards() -> None:
    """r = 3 at beta = 2 is R = 3/2; as e^(r/beta) = 3 it is log 3, and the beta is not looked at."""
    plain = read_reward(Reader(), "3", fmpq(2), "r", exponential=False)
    assert (plain.exponent, plain.factor) == (fmpq(3, 2), fmpq(1))
    raised = read_reward(Reader(), "3", fmpq(2), "r", exponential=True)
    assert (raised.exponent, raised.factor) == (fmpq(0), fmpq(3))
    assert read_beta(Reader(), "1/4", needed=True) == fmpq(1, 4)


def test_a_corpus_has_a_string() -> None:
    """Sizes from 1 on; 0, a half and a negative one are refused by name."""
    assert corpus_entry(CorpusTable(size=1, epsilon="1/20")).size == 1
    for size in (0, -3, "1/2"):
        with pytest.raises(SpecificationError, match=r"corpus\.size must be a whole number >= 1"):
            corpus_entry(CorpusTable(size=size, epsilon="1/20"))


def test_an_adaptor_is_local_by_default() -> None:
    """What normalise is where nothing is said, and that a bare float makes it uncertified."""
    found = adaptor_entry(AdaptorTable(name="temperature", value="1/2"), 1)
    assert (found.normalise, str(found.chain), found.exact) == ("local", "temperature 1/2", True)
    assert not adaptor_entry(AdaptorTable(name="temperature", value=0.5), 1).exact
