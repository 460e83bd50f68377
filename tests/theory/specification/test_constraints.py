"""constraint = "REGEX": masked and conditioned side by side, on tables, trees and automata, and what is refused."""

from __future__ import annotations

import itertools
import math
import re

import pytest

from theory.quantities.answer import answer
from theory.specification.constraints import language
from theory.specification.reader import parse_document
from theory.specification.tables import SpecificationError

pytest.importorskip("interegular")

TABLE = """
constraint = "x+|y"
[prior]
kind = "table"
strings = ["x", "xx", "y", "z"]
probs = ["1/4", "1/4", "1/8", "3/8"]
[reward]
exp_values = ["1", "1", "1", "1"]
"""

TREE = """
constraint = "de|g[ab]"
[prior]
kind = "tree"
alphabet = ["d", "e", "g", "a", "b"]
[prior.next]
"" = ["2/3", "0", "1/3", "0", "0", "0"]
"d" = ["31/32", "1/32", "0", "0", "0", "0"]
"g" = ["0", "0", "0", "1/2", "1/2", "0"]
[reward]
beta = "1"
token = {a = "1"}
"""

AUTOMATON = """
constraint = "de|g[ab]"
[prior]
kind = "automaton"
alphabet = ["d", "e", "g", "a", "b"]
states = 4
initial = 0
stop = ["0", "0", "0", "1"]
[[prior.arc]]
from = 0
to = 1
token = "d"
prob = "2/3"
[[prior.arc]]
from = 0
to = 2
token = "g"
prob = "1/3"
[[prior.arc]]
from = 1
to = 3
token = "d"
prob = "31/32"
[[prior.arc]]
from = 1
to = 3
token = "e"
prob = "1/32"
[[prior.arc]]
from = 2
to = 3
token = "a"
prob = "1/2"
[[prior.arc]]
from = 2
to = 3
token = "b"
prob = "1/2"
[reward]
beta = "1"
token = {a = "1"}
"""

WORDS = """
constraint = "(ab)*"
[prior]
kind = "automaton"
alphabet = ["a", "b"]
states = 1
initial = 0
stop = ["1/2"]
[[prior.arc]]
from = 0
to = 0
token = "a"
prob = "1/4"
[[prior.arc]]
from = 0
to = 0
token = "b"
prob = "1/4"
[reward]
beta = "1"
token = {a = "0"}
"""


def test_a_table_has_one_step() -> None:
    """Masked and conditioned agree: P = 5/8, H of (2, 2, 1)/5."""
    found = answer(parse_document(TABLE))["constraint"]
    expected = math.log(5) - (4 / 5) * math.log(2)
    assert found["probability"] == pytest.approx(5 / 8)
    assert found["masked"]["entropy"] == pytest.approx(expected)
    assert found["conditioned"]["entropy"] == pytest.approx(expected)
    assert found["kl_masked_conditioned"] == pytest.approx(0, abs=1e-30)
    assert found["probability_ball"]


def test_a_tree_by_hand() -> None:
    """After d only e is allowed, of probability 1/32: the mask keeps all of d's mass, conditioning hardly any."""
    found = answer(parse_document(TREE))["constraint"]
    e = math.e
    start = {"d": 2 / 3, "g": (e + 1) / 6}
    total = start["d"] + start["g"]
    inside = {"de": start["d"] / 32 / total, "ga": e / 6 / total, "gb": 1 / 6 / total}
    masked = {"de": start["d"] / total, "ga": inside["ga"], "gb": inside["gb"]}
    probability = sum(inside.values())
    conditioned = {name: p / probability for name, p in inside.items()}
    assert found["probability"] == pytest.approx(probability)
    assert found["masked"]["mean_reward"] == pytest.approx(masked["ga"])
    assert found["conditioned"]["mean_reward"] == pytest.approx(conditioned["ga"])
    kl = sum(p * math.log(p / conditioned[name]) for name, p in masked.items())
    back = sum(p * math.log(p / masked[name]) for name, p in conditioned.items())
    assert found["kl_masked_conditioned"] == pytest.approx(kl)
    assert found["kl_conditioned_masked"] == pytest.approx(back)


def test_an_automaton_gives_the_numbers_of_its_tree() -> None:
    """The product with the language, against the strings of the tree."""
    one, two = (answer(parse_document(text))["constraint"] for text in (TREE, AUTOMATON))
    for name in ("masked", "conditioned"):
        for key in ("mean_log_prior", "mean_reward", "entropy", "kl_to_aligned"):
            if name == "conditioned" or key != "kl_to_aligned":
                assert two[name][key] == pytest.approx(one[name][key], rel=1e-14), (name, key)
    assert two["probability"] == pytest.approx(one["probability"], rel=1e-14)
    assert two["kl_masked_conditioned"] == pytest.approx(one["kl_masked_conditioned"], rel=1e-14)


def test_infinitely_many_strings() -> None:
    """(ab)*: P = sum over k of (1/16)^k / 2 = 8/15; masked, k is geometric with 1/3, the odds of a against the end."""
    found = answer(parse_document(WORDS))["constraint"]
    assert found["probability"] == pytest.approx(8 / 15)
    pairs = {"conditioned": 1 / 16, "masked": 1 / 3}
    for name, ratio in pairs.items():
        mean = ratio / (1 - ratio)
        assert found[name]["mean_log_prior"] == pytest.approx(-math.log(2) - mean * math.log(16))


@pytest.mark.parametrize("regex", ["(a|b)*c", "a{2,3}b?", "[^a]c*", "(ab|ba)+", "a.*c"])
def test_languages_against_re(regex: str) -> None:
    """Every word of up to five letters, whole and in two parts."""
    own = language(regex)
    for length in range(6):
        for word in map("".join, itertools.product("abc", repeat=length)):
            expected = re.fullmatch(regex, word) is not None
            assert own.accepts(word) == expected
            assert own.final(own.step(own.step(own.start, word[:2]), word[2:])) == expected


@pytest.mark.parametrize(
    ("regex", "message"),
    [("(", "constraint: '\\(' is not understood"), ("(a)\\\\1", "is not understood"), ("q", "none of the 4 strings")],
)
def test_refused(regex: str, message: str) -> None:
    """One line that says what is wrong with the expression."""
    with pytest.raises(SpecificationError, match=message):
        answer(parse_document(TABLE.replace("x+|y", regex)))


def test_an_automaton_without_a_string_in_the_language_is_refused() -> None:
    """The product has no path to an end."""
    with pytest.raises(SpecificationError, match="constraint: no string of the model is in the language"):
        answer(parse_document(WORDS.replace("(ab)*", "c")))
