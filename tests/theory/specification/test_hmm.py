"""Hidden Markov models with a stop: the law against the forward algorithm, moments by enumeration, what is refused."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from theory.quantities.answer import answer
from theory.specification.hmm import hmm_specification
from theory.specification.reader import parse_document
from theory.specification.tables import SpecificationError

MODEL = """
[prior]
kind = "hmm"
alphabet = ["a", "b"]
start = ["3/4", "1/4"]
transition = [["1/4", "1/4"], ["0", "1/2"]]
emission = [["1", "0"], ["0", "1"]]
stop = ["1/2", "1/2"]
[reward]
beta = "1"
token = {a = "1/10"}
"""

# Whether a path stands in state 0 or 2 changes nothing of what may follow; "c" says that it stands in 1.
ALIKE = """
[prior]
kind = "hmm"
alphabet = ["a", "b", "c"]
start = ["1/2", "1/4", "1/4"]
transition = [["1/8", "1/4", "1/8"], ["1/3", "0", "1/3"], ["1/4", "1/4", "0"]]
emission = [["1/2", "1/2", "0"], ["0", "0", "1"], ["1/2", "1/2", "0"]]
stop = ["1/2", "1/3", "1/2"]
"""


def forward(document: Any, tokens: tuple[int, ...]) -> float:
    """p of a string by the forward algorithm in float64, for strings of at least one token."""
    prior = document["prior"]
    number = np.vectorize(lambda text: float.fromhex(text) if "x" in text else _fraction(text))
    start, move, emit, stop = (number(np.array(prior[k])) for k in ("start", "transition", "emission", "stop"))
    alpha = start * emit[:, tokens[0]]
    for token in tokens[1:]:
        alpha = (alpha @ move) * emit[:, token]
    return float(alpha @ stop)


def _fraction(text: str) -> float:
    above, _, below = text.partition("/")
    return float(above) / float(below or 1)


@pytest.mark.parametrize("text", [MODEL, ALIKE])
def test_law_is_that_of_the_forward_algorithm(text: str) -> None:
    document = parse_document(text)
    spec = hmm_specification(document)
    found = {tokens: float(p.p) / float(p.q) for tokens, p, _ in spec.automaton.strings(5)}
    for length in range(1, 6):
        for tokens in itertools.product(range(len(spec.automaton.alphabet)), repeat=length):
            assert found.get(tokens, 0.0) == pytest.approx(forward(document, tokens), rel=1e-13, abs=0)
    assert () not in found


def test_states_that_nothing_tells_apart_are_merged() -> None:
    """Before the first token, behind a or b, behind c: three laws of what follows, though beliefs are many."""
    spec = hmm_specification(parse_document(ALIKE))
    assert spec.automaton.graph.states == 3
    assert "determinised exactly, from 4 states to 3" in " ".join(spec.notes)
    assert spec.exact


def test_infinitely_many_laws_are_refused() -> None:
    """Where state 1 writes a as well, the odds of 1 behind a, aa, aaa are all different."""
    text = ALIKE.replace('["0", "0", "1"]', '["1", "0", "0"]')
    line = r'the string "a" has two paths: states start-\d and start-\d, .*infinitely many states, or more than the'
    with pytest.raises(SpecificationError, match=line):
        hmm_specification(parse_document(text))


def test_moments_by_enumeration() -> None:
    """log Z, H and E R of strings up to 60 tokens: a^i b^j as the model's graph says, each with its probability."""
    document = parse_document(MODEL)
    found = answer(document, Path())
    weights = []
    for i, j in itertools.product(range(60), range(60)):
        if i + j:
            p = forward(document, (0,) * i + (1,) * j)
            weights.append((p * math.exp(i / 10), i / 10))
    total = math.fsum(w for w, _ in weights)
    assert found["log_partition"] == pytest.approx(math.log(total), abs=1e-13)
    assert found["mean_reward"] == pytest.approx(math.fsum(w * r for w, r in weights) / total, abs=1e-12)
    entropy = -math.fsum(w / total * math.log(w / total) for w, _ in weights if w > 0)
    assert found["entropy"] == pytest.approx(entropy, abs=1e-12)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('start = ["3/4", "1/4"]', 'start = ["3/4", "1/8"]', "prior.start: probabilities must sum to 1, got 7/8"),
        ('start = ["3/4", "1/4"]', "start = []", "prior.start: the list is empty"),
        ('["0", "1/2"]]', '["0", "1/3"]]', "prior.transition, state 1: probabilities must sum to 1, got 5/6"),
        ('["0", "1/2"]]', '["-1/2", "1"]]', "prior.transition, state 1, state 0: a probability must be >= 0"),
        ('["0", "1"]]', '["0", "1", "0"]]', "prior.emission, state 1: needs 2 probabilities, got 3"),
        ('["0", "1"]]', "1]", "prior.emission"),
        ('stop = ["1/2", "1/2"]', 'stop = ["1/2"]', "prior.stop: needs 2 entries as prior.start has, got 1"),
        ('stop = ["1/2", "1/2"]\n', "", "prior.stop is missing"),
        ('alphabet = ["a", "b"]', 'alphabet = ["a", "a"]', "prior.alphabet"),
        ("token = {a", "token = {c", "token 'c' is not in prior.alphabet"),
        ('kind = "hmm"', 'kind = "hmm"\nend = 1', "unknown key 'end' in [prior]"),
    ],
)
def test_refused(old: str, new: str, message: str) -> None:
    assert old in MODEL
    with pytest.raises(SpecificationError) as caught:
        answer(parse_document(MODEL.replace(old, new)), Path())
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
