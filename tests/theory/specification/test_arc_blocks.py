"""Arcs that are read as columns: what tomllib reads of any text, valid or not, and the same automaton."""

from __future__ import annotations

import tomllib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory.examples.automata import random_automaton
from theory.specification.arc_blocks import ArcBlocks, take_arcs
from theory.specification.automaton import read_automaton, write_automaton
from theory.specification.reader import parse_document
from theory.specification.tables import SpecificationError

HEAD = '[prior]\nkind = "automaton"\nstates = 2\n'
ARC = '[[prior.arc]]\nfrom = 0\nto = 1\ntoken = "a"\nprob = "1/2"\n'


@pytest.fixture(autouse=True)
def _from_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("theory.specification.arc_blocks.FEWEST", 1)


def plain(document: Any) -> Any:
    """The document with its arcs as dictionaries."""
    prior = document.get("prior")
    if isinstance(prior, dict) and isinstance(prior.get("arc"), ArcBlocks):
        arcs = prior["arc"]
        assert [arcs[k] for k in range(len(arcs))] == list(arcs)
        return document | {"prior": prior | {"arc": [arcs.document(k) for k in range(len(arcs))]}}
    return document


def same_as_tomllib(text: str) -> None:
    """The same document, with the same types of numbers, or refused by both."""
    try:
        expected = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        with pytest.raises(SpecificationError, match="TOML syntax"):
            parse_document(text)
        return
    assert repr(plain(parse_document(text))) == repr(expected)


KEYS = ("from", "to", "token", "prob", "reward", "exp_reward")
NUMBERS = [
    "0",
    "1",
    "-1",
    "00",
    "07",
    "+1",
    "1_000",
    "0x1f",
    "0.5",
    "1e-3",
    "1.5E+10",
    ".5",
    "1.",
    "inf",
    "-0.0",
    "true",
]
STRINGS = ['"a"', '"1/2"', '""', "'a'", r'"\u0041"', r'"a\"b"', '"#"', '"[[prior.arc]]"', '"\t"']
VALUES = st.sampled_from([*NUMBERS, *STRINGS, '"""a"""', '"a" # c', "[1]", ""])
LINES = st.tuples(
    st.sampled_from(KEYS), st.sampled_from([" = ", "=", "  =\t"]), VALUES, st.sampled_from(["", " ", "\t"])
)
HEADS = st.sampled_from([HEAD] * 4 + ["", "prior = {}\n", 'x = """\n', "prior.arc = []\n", "# [[prior.arc]]\n"])
BETWEEN = st.sampled_from(
    ["", "\n", " \n", "# note\n", "[reward]\n", "[prior.arc.more]\n", "\n\n", '"""\n', "\r\n", "[prior]\n"]
)


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Texts of arcs, most of them plainly written."""
    parts = [draw(HEADS)]
    for _ in range(draw(st.integers(1, 4))):
        if draw(st.booleans()):
            parts.append(ARC)
        else:
            lines = draw(st.lists(LINES, max_size=6))
            parts.append("[[prior.arc]]\n" + "".join("".join(line) + "\n" for line in lines))
        parts.append(draw(BETWEEN) if draw(st.integers(0, 3)) == 0 else "")
    parts.append(draw(st.sampled_from(["", '[reward]\nbeta = "1"\n', "x = 1\n", '"""\n'])))
    text = "".join(parts)
    return text[:-1] if draw(st.integers(0, 5)) == 0 else text


@given(texts())
def test_any_text_is_what_tomllib_reads(text: str) -> None:
    same_as_tomllib(text)


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        (HEAD + ARC * 3, True),
        (HEAD + (ARC + "\n") * 3 + '[reward]\nbeta = "1"\n', True),
        (HEAD + (ARC + 'reward = "1/3"\nexp_reward = 0.25\n') * 2 + ARC.rstrip("\n"), True),
        (ARC * 2 + HEAD, True),
        (HEAD + ARC + "[prior.arc.more]\nx = 1\n" + ARC, False),
        (HEAD + ARC + "[reward]\nbeta = 1\n" + ARC, False),
        ("prior = {states = 2}\n" + ARC, False),
        (f'x = """\n{ARC}"""\n', False),
        (f"{HEAD}x = '''\n{ARC}'''\n{ARC}", False),
        (HEAD + ARC + "# a note\n" + ARC, False),
        (HEAD + ARC.replace("from", "to"), False),
        (HEAD + ARC.replace('"a"', r'"\t"'), False),
        ((HEAD + ARC).replace("\n", "\r\n"), False),
        (f"{HEAD}# {ARC}", False),
    ],
)
def test_by_hand(text: str, columns: bool) -> None:
    """Plain arcs are read as columns, anything else by tomllib alone."""
    same_as_tomllib(text)
    try:
        prior = parse_document(text).get("prior")
    except SpecificationError:
        assert not columns
        return
    assert (isinstance(prior, dict) and isinstance(prior.get("arc"), ArcBlocks)) == columns


@pytest.mark.parametrize("seed", range(5))
def test_the_same_automaton(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    text = write_automaton(random_automaton(np.random.default_rng([71, seed]), 5, 3))
    columns = read_automaton(text)
    assert take_arcs(text) is not None
    monkeypatch.setattr("theory.specification.arc_blocks.FEWEST", 10**9)
    assert take_arcs(text) is None
    simple = read_automaton(text)
    assert write_automaton(columns.automaton) == write_automaton(simple.automaton)
    assert (columns.notes, columns.exact) == (simple.notes, simple.exact)


def test_errors_name_the_arc() -> None:
    text = f'{HEAD}alphabet = ["a"]\nstop = ["1/2", "1"]\n'
    for old, new, message in (
        ('"a"', '"b"', "arc 2: token 'b' is not in prior.alphabet"),
        ("to = 1", "to = 2", "arc 2, to must be one of the states 0..1, got 2"),
        ('"1/2"', '"x"', r"prior, state 0, arc 2 \('a'\): "),
        ('"1/2"', '"-1/2"', r"prior, state 0, arc 2 \('a'\): a probability must be >= 0, got -1/2"),
    ):
        with pytest.raises(SpecificationError, match=message):
            read_automaton(text + ARC + ARC.replace(old, new) + '[reward]\nbeta = "1"\n')


def test_what_is_left_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound on a file without its arcs is the usual one."""
    monkeypatch.setattr("theory.specification.reader.MOST_BYTES", 400)
    assert plain(parse_document(HEAD + ARC * 50)) == tomllib.loads(HEAD + ARC * 50)
    with pytest.raises(SpecificationError, match=r"has [0-9,]+ characters; at most 400 are read"):
        parse_document(HEAD + "# " + "x" * 1000 + "\n" + (ARC + "#\n") * 50)
