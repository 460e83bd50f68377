"""Adaptors of engines on exact models: which keep the order, what local and global laws are, and what is refused."""

from __future__ import annotations

import math
import random

import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.strategies import trees
from theory.adaptors.applied import applied, weights_of
from theory.adaptors.bends import longest_match
from theory.adaptors.chains import FURTHER_ADAPTORS, KINDS
from theory.adaptors.exact import Row, adapt, chain, decide
from theory.adaptors.log_forms import Point
from theory.adaptors.order_preserving import ranking, support
from theory.adaptors.rows import Before
from theory.alignment.gibbs import Aligned, align
from theory.arithmetic.exact import precision, to_float
from theory.arithmetic.formal import FormalSum
from theory.examples.finite import table
from theory.language_models.rewards import Reward
from theory.language_models.tree import TreeModel
from theory.models.finite import FiniteModel

SETTINGS = {
    "top_n_sigma": "1",
    "top_h": "2/3",
    "top_a": "1/2",
    "tail_free": "1/2",
    "dynamic_temperature": "1",
    "quadratic": "1/2 curve=2",
    "xtc": "1/5 probability=1",
    "repetition_penalty": "3/2",
    "presence_penalty": "1",
    "frequency_penalty": "1",
    "dry": "1 allowed=1",
    "no_repeat_ngram": "1",
}
"""One setting of each that bites."""


def weights(law: list[int], name: str, history: tuple[int, ...]) -> list[float]:
    """The weights after one step, on the law proportional to whole numbers."""
    with precision(128):
        formal = [FormalSum.of(fmpq(w), fmpq(0)) for w in law]
        before = Before(history, tuple(range(len(law))))
        row = Row(formal, [f.ball() for f in formal], fmpq(1), list(range(len(law))), before)
        return [to_float(w) for w in weights_of(applied(row, chain((name, SETTINGS[name]))))]


@pytest.mark.parametrize("name", FURTHER_ADAPTORS)
def test_which_keep_the_order(name: str) -> None:
    """Those that say so, on 300 random laws; each of the others turns the order round on one of them."""
    rng, turned = random.Random(5), False
    for _ in range(300):
        law = [rng.randint(1, 6) for _ in range(rng.randint(2, 7))]
        found = weights(law, name, tuple(rng.randrange(len(law)) for _ in range(4)))
        pairs = [(i, j) for i in range(len(law)) for j in range(len(law)) if law[i] > law[j]]
        turned |= any(found[i] < found[j] * (1 - 1e-12) for i, j in pairs)
    assert turned != KINDS[name].keeps_order


@settings(max_examples=25)
@given(trees(), st.sampled_from([name for name in FURTHER_ADAPTORS if KINDS[name].keeps_order]))
def test_those_that_keep_the_order_stay_in_the_polygon(aligned: Aligned, name: str) -> None:
    """E L and E R of their local laws are within the support function of order-preserving adaptors."""
    found = FiniteModel.of(aligned)
    ranked = ranking(found.numbers)
    at = found.moments(found.law(chain((name, SETTINGS[name])), "local"))
    for axis in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1)):
        best = support(ranked, Point.whole(*axis)).point
        gap = (best.log_prior.ball() - at.mean_log_prior) * axis[0] + (best.reward.ball() - at.mean_reward) * axis[1]
        assert not gap < 0


def test_xtc_leaves_the_polygon() -> None:
    """p+ = (1, 2)/3 where the likelier string has less reward: no order-preserving adaptor has E R above p+'s own."""
    found = FiniteModel.of(table((1, 4), (2, 1)))
    best = support(ranking(found.numbers), Point.whole(0, 1)).point.reward.ball()
    at = found.moments(found.law(chain(("xtc", "1/10 probability=1")), "local"))
    assert at.mean_reward > best


def test_xtc_has_no_global_law() -> None:
    """The reason is said; its local law has no correction."""
    found = FiniteModel.of(table((1, 2, 3), (1, 1, 1)))
    kept = decide(found.numbers, chain(("xtc", "1/10")))
    with pytest.raises(ValueError, match="no global law"):
        adapt(found.numbers, kept, "global")
    correction = found.correction(found.adapted(chain(("xtc", "1/10")), "local"))
    assert correction.acceptance is None
    assert "no global law" in correction.reasons["acceptance"]


def two_tokens(length: int) -> Aligned:
    """Strings of a and b of one length, each token a with probability 1/2, the end for certain."""
    rows: dict[tuple[str, ...], list[fmpq]] = {(): [fmpq(1, 2), fmpq(1, 2), fmpq(0)]}
    level: list[tuple[str, ...]] = [()]
    for depth in range(1, length + 1):
        level = [(*u, t) for u in level for t in "ab"]
        for u in level:
            last = depth == length
            rows[u] = [fmpq(0), fmpq(0), fmpq(1)] if last else [fmpq(1, 2), fmpq(1, 2), fmpq(0)]
    model = TreeModel.from_next(("a", "b"), rows)
    return align(model, [Reward() for _ in model.strings()])


@pytest.mark.parametrize(
    ("name", "value", "factor"),
    [
        ("presence_penalty", "1/2", math.exp(-0.5)),
        ("frequency_penalty", "1/2", math.exp(-0.5)),
        ("repetition_penalty", "2", 0.5),
    ],
)
@pytest.mark.parametrize("normalise", ["local", "global"])
def test_two_coins_with_a_penalty(name: str, value: str, factor: float, normalise: str) -> None:
    """aa has w = 1/2 * f/2 with f the factor of a seen token, ab 1/4; local and global agree by symmetry."""
    found = FiniteModel.of(two_tokens(2))
    law = found.law(chain((name, value)), normalise)
    prob = {found.aligned.names()[y]: to_float(p) for y, p in zip(law.string, law.prob, strict=True)}
    assert prob["a a"] == pytest.approx(factor / (1 + factor) / 2)
    assert prob["a b"] == pytest.approx(1 / (1 + factor) / 2)


def test_frequency_counts_and_presence_does_not() -> None:
    """After aa the third a has e^-1 by frequency 1/2, e^-1/2 by presence 1/2."""
    found = FiniteModel.of(two_tokens(3))
    for name, last in (("frequency_penalty", math.exp(-1)), ("presence_penalty", math.exp(-0.5))):
        law = found.law(chain((name, "1/2")), "local")
        prob = {found.aligned.names()[y]: to_float(p) for y, p in zip(law.string, law.prob, strict=True)}
        assert prob["a a a"] / prob["a a b"] == pytest.approx(last)


def test_no_repeated_pair() -> None:
    """Of three tokens, no pair twice: aaa is gone, aab stays."""
    found = FiniteModel.of(two_tokens(3))
    law = found.law(chain(("no_repeat_ngram", "2")), "local")
    names = {found.aligned.names()[y] for y in law.string}
    assert "a a a" not in names
    assert {"a a b", "a b a", "b a a"} <= names


@pytest.mark.parametrize(
    ("history", "token", "length"),
    [((0, 1, 0, 1), 0, 2), ((0, 1, 0, 1), 1, 0), ((0, 0, 0), 0, 2), ((), 0, 0), ((2, 1, 0, 1), 0, 1)],
)
def test_longest_matches(history: tuple[int, ...], token: int, length: int) -> None:
    """The longest end of the history that stood right before the token, by comparing all ends."""
    places = [k for k, t in enumerate(history) if t == token]
    ends = [n for n in range(1, len(history)) for k in places if n <= k and history[k - n : k] == history[-n:]]
    assert longest_match(history, token) == max(ends, default=0) == length
