"""A tree as a decoder: its three ways to hand out logits, against one another and against laws in fractions."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import fmpq
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from simulations.decoders.tree import TreeDecoder
from simulations.sampling.adaptors import log_weights
from simulations.sampling.generate import PAD
from tests.strategies import models, trees
from theory.adaptors.exact import chain
from theory.adaptors.gauge import next_token_laws
from theory.alignment.gibbs import Aligned, align
from theory.arithmetic.exact import floats, fraction, objects
from theory.examples.finite import dense_tree, random_tree
from theory.language_models.rewards import REMOVED, Reward
from theory.language_models.tree import TreeModel

Floats = NDArray[np.float64]
Tokens = NDArray[np.int64]
Path = tuple[int, ...]
Laws = dict[Path, list[Fraction]]

ACCURACY = 1e-12


def paths_of(aligned: Aligned) -> list[Path]:
    """The token ids of each string, without the end."""
    alphabet = aligned.tree.alphabet
    return [tuple(alphabet.index(t) for t in aligned.tree.tokens(int(node))) for node in aligned.node]


def laws_of(paths: list[Path], masses: list[Fraction], width: int) -> Laws:
    """The next-token law at every prefix of these strings, the end last: ratios of sums of masses."""
    sums: Laws = {}
    for path, mass in zip(paths, masses, strict=True):
        for t, token in enumerate((*path, width - 1)):
            sums.setdefault(path[:t], [Fraction(0)] * width)[token] += mass
    return {prefix: [m / sum(own) for m in own] for prefix, own in sums.items()}


def exact_laws(aligned: Aligned) -> Laws:
    """Of p+."""
    exact = aligned.exact_prob()
    assert exact is not None
    return laws_of(paths_of(aligned), [fraction(p) for p in exact], len(aligned.tree.alphabet) + 1)


def decoder_of(model: TreeModel) -> TreeDecoder:
    return TreeDecoder.of(model.tree, floats(model.prob), floats(model.end))


def blank(width: int) -> list[Fraction]:
    """The law where a string has ended, or has left the tree."""
    return [Fraction(1, width)] * width


def is_law(log_law: Floats, exact: list[Fraction]) -> bool:
    """Within 1e-12 relatively, and -inf where the probability is 0."""
    return all(
        (math.isinf(found) and found < 0) if p == 0 else abs(math.exp(found) - p) <= ACCURACY * p
        for found, p in zip(log_law.tolist(), exact, strict=True)
    )


def sequences(width: int, length: int) -> Tokens:
    """All sequences of ids, those that no string begins with too, cut to PAD after their end."""
    found = []
    for path in itertools.product(range(width), repeat=length):
        kept = next((t + 1 for t, token in enumerate(path) if token == width - 1), length)
        found.append((*path[:kept], *[PAD] * (length - kept)))
    return np.array(sorted(set(found)))


def complaints(decoder: TreeDecoder, laws: Laws, length: int, prompt: Path = ()) -> set[str]:
    """What is wrong with a decoder, along all sequences of so many tokens after a prompt."""
    width = len(next(iter(laws.values())))
    tokens = sequences(width, length)
    prompts = np.tile(np.array(prompt, dtype=np.int64), (len(tokens), 1))
    at_once = decoder.logits(prompts, tokens)
    wrong = set()
    if decoder.end != width - 1:
        wrong.add("end")
    if at_once.shape != (*tokens.shape, width):
        return {"shape"}
    for row, path in enumerate(tokens.tolist()):
        for place in range(length):
            prefix = (*prompt, *path[:place])
            if not is_law(at_once[row, place], laws.get(prefix, blank(width))):
                wrong.add("logits")
    stepwise = [decoder.begin(prompts)]
    for column in tokens.T[:-1]:
        stepwise.append(decoder.advance(np.where(column == PAD, 0, column)))
    for place, step in enumerate(stepwise):
        # rows that have ended get any token: only those that go on must agree
        alive = tokens[:, place] != PAD
        if not np.array_equal(step[alive], at_once[alive, place]):
            wrong.add("advance")
    return wrong


@given(trees())
def test_every_prefix(aligned: Aligned) -> None:
    """One pass and step by step, to the bit; p+'s next-token laws; the uniform law beyond the tree."""
    laws = exact_laws(aligned)
    assert complaints(decoder_of(next_token_laws(aligned)), laws, 4) == set()


@given(trees(tokens=3, depth=3), st.integers(0, 30))
def test_every_prefix_after_a_prompt(aligned: Aligned, number: int) -> None:
    """A prompt is a path from the root, of any length."""
    laws = exact_laws(aligned)
    prompt = sorted(laws)[number % len(laws)]
    assert complaints(decoder_of(next_token_laws(aligned)), laws, 2, prompt) == set()


@given(models())
def test_tables_too(aligned: Aligned) -> None:
    """A table's string is one token, and then it ends."""
    laws = exact_laws(aligned)
    assert complaints(decoder_of(next_token_laws(aligned)), laws, 2) == set()


def test_float_trees() -> None:
    """A dense tree of float64, whose laws are given."""
    model = dense_tree(np.random.default_rng(1), 2, 3)
    prefixes = [tuple(int(t[1:]) for t in model.tree.tokens(node)) for node in range(len(model.tree))]
    decoder = TreeDecoder.of(model.tree, model.prob, model.end)
    for node, prefix in enumerate(prefixes):
        law = np.exp(decoder.begin(np.array([prefix], dtype=np.int64).reshape(1, -1)))[0]
        own = [*(model.prob[list(model.tree.children(node))] if len(prefix) < 3 else (0, 0)), model.end[node]]
        assert law == pytest.approx(own, rel=1e-15)


@given(trees())
def test_a_token_that_the_tree_lacks(aligned: Aligned) -> None:
    """It leads where ended strings stay, whatever follows."""
    laws = exact_laws(aligned)
    width = len(aligned.tree.alphabet) + 1
    decoder = decoder_of(next_token_laws(aligned))
    missing = [(*u, t) for u, law in laws.items() for t in range(width) if law[t] == 0 or t == width - 1]
    for path in missing:
        assert is_law(decoder.begin(np.array([path]))[0], blank(width))
        for token in range(width):
            assert is_law(decoder.advance(np.array([token]))[0], blank(width))


def test_rows_are_their_own() -> None:
    """Rows walk side by side; to begin again forgets the walk before, and one pass does not disturb it."""
    aligned = random_tree(np.random.default_rng(1), 3, 4)
    decoder = decoder_of(next_token_laws(aligned))
    tokens = np.array([path for path in sequences(4, 3) if PAD not in path])
    none = np.zeros((len(tokens), 0), dtype=np.int64)
    decoder.begin(none)
    decoder.advance(tokens[::-1, 0])
    first = decoder.begin(none)
    second = decoder.advance(tokens[:, 0])
    at_once = decoder.logits(none, tokens)
    third = decoder.advance(tokens[:, 1])
    for place, step in enumerate((first, second, third)):
        assert np.array_equal(step, at_once[:, place])
    before = decoder.log_law.copy()
    third += 1.0
    assert np.array_equal(decoder.log_law, before)


def test_advance_needs_a_beginning() -> None:
    """Nothing to continue."""
    decoder = decoder_of(next_token_laws(random_tree(np.random.default_rng(1), 2, 2)))
    with pytest.raises(ValueError, match=r"advance\(\) continues what begin\(\) began"):
        decoder.advance(np.array([0]))


@given(trees(tokens=3, depth=3), st.integers(0, 30))
def test_ends_at(aligned: Aligned, number: int) -> None:
    """The prefix of each string, its prompt included; of one that was cut, the prefix of its tokens."""
    decoder = decoder_of(next_token_laws(aligned))
    end = len(aligned.tree.alphabet)
    where = {tuple(aligned.tree.alphabet.index(t) for t in aligned.tree.tokens(n)): n for n in range(len(aligned.tree))}
    prompt = sorted(where)[number % len(where)]
    inside = [path[len(prompt) :] for path in where if path[: len(prompt)] == prompt]
    prompts = np.tile(np.array(prompt, dtype=np.int64), (len(inside), 1))
    for closing in ((end,), ()):
        tokens = np.array([[*path, *closing, *[PAD] * (4 - len(path) - len(closing))] for path in inside])
        assert decoder.ends_at(prompts, tokens).tolist() == [where[(*prompt, *path)] for path in inside]


# --- prior and aligned ----------------------------------------------------------------------------------------------


@st.composite
def with_removed(draw: Any) -> tuple[Aligned, TreeModel, list[bool]]:
    """(aligned, the prior as a model, which of its strings stay): some rewards are -inf."""
    own = draw(trees())
    mass = np.empty(len(own.tree), dtype=object)
    mass[:] = fmpq(0)
    mass[own.node] = own.prior
    prior = TreeModel.from_masses(own.tree, mass)
    stay = draw(st.lists(st.booleans(), min_size=len(own), max_size=len(own)).filter(any))
    return align(prior, [r if s else REMOVED for r, s in zip(own.reward, stay, strict=True)]), prior, stay


@given(models())
def test_pair(aligned: Aligned) -> None:
    """The next-token laws of p and of p+, at every prefix."""
    prior, own = TreeDecoder.pair(aligned)
    width = len(aligned.tree.alphabet) + 1
    log_prior = laws_of(paths_of(aligned), [fraction(p) for p in aligned.prior], width)
    assert complaints(own, exact_laws(aligned), 2) == set()
    assert complaints(prior, log_prior, 2) == set()
    model = next_token_laws(aligned)
    for node in range(len(aligned.tree)):
        children = list(aligned.tree.children(node))
        ids = [*aligned.tree.token[children].tolist(), width - 1]
        law = np.exp(own.log_law[node])
        assert law[ids] == pytest.approx([*floats(model.prob[children]), floats(model.end)[node]], rel=ACCURACY)
        assert law.sum() == pytest.approx(1.0, abs=ACCURACY)
        assert np.isneginf(np.delete(own.log_law[node], ids)).all()


@given(with_removed())
def test_pair_with_removed_strings(case: tuple[Aligned, TreeModel, list[bool]]) -> None:
    """The prior is p given that the string is not removed: its law on the prefixes that keep mass."""
    aligned, model, stay = case
    prior, own = TreeDecoder.pair(aligned)
    masses = [fraction(p) for p, s in zip(model.string_prob(), stay, strict=True) if s]
    laws = laws_of(paths_of(aligned), masses, len(aligned.tree.alphabet) + 1)
    assert complaints(prior, laws, 3) == set()
    assert complaints(own, exact_laws(aligned), 3) == set()


def test_pair_keeps_small_probabilities() -> None:
    """A string of prior probability 1e-30 and p+ near 1/2 has both to full precision."""
    small = fmpq(1, 10**30)
    rows = {(): [small, 1 - small, fmpq(0)], ("a",): [fmpq(1, 3), fmpq(0), fmpq(2, 3)]}
    model = TreeModel.from_next(("a", "b"), rows)
    factors = {"a": 1 / small, "b": fmpq(1), "a a": 1 / small}
    aligned = align(model, [Reward(factor=factors[name]) for name in model.names()])
    prior, own = TreeDecoder.pair(aligned)
    assert math.exp(prior.log_law[0, 0]) == pytest.approx(1e-30, rel=1e-13)
    assert math.exp(own.log_law[0, 0]) == pytest.approx(0.5, rel=1e-13)
    for decoder in (prior, own):
        assert np.exp(decoder.log_law[1]) == pytest.approx([1 / 3, 0, 2 / 3], rel=1e-13)


# --- wrong copies ---------------------------------------------------------------------------------------------------

TREE = random_tree(np.random.default_rng(1), 3, 4)


def law_changed(change: Callable[[Floats], Floats]) -> TreeDecoder:
    decoder = decoder_of(next_token_laws(TREE))
    return replace(decoder, log_law=change(decoder.log_law.copy()))


def child_changed(change: Callable[[Tokens], Tokens]) -> TreeDecoder:
    decoder = decoder_of(next_token_laws(TREE))
    return replace(decoder, child=change(decoder.child.copy()))


def advance_forgets() -> TreeDecoder:
    """A decoder whose ``advance`` returns to the root."""

    class Forgetful(TreeDecoder):
        def advance(self, tokens: Tokens) -> Floats:
            self._node = np.zeros(len(tokens), dtype=np.int64)
            return TreeDecoder.advance(self, tokens)

    decoder = decoder_of(next_token_laws(TREE))
    return Forgetful(decoder.child, decoder.log_law)


WRONG: dict[str, Callable[[], TreeDecoder]] = {
    "probabilities for logits": lambda: law_changed(np.exp),
    "the end comes first": lambda: law_changed(lambda law: np.roll(law, 1, axis=1)),
    "half precision": lambda: law_changed(lambda law: law.astype(np.float16).astype(np.float64)),
    "laws of the next prefix": lambda: law_changed(lambda law: np.roll(law, 1, axis=0)),
    "prefix for token masses": lambda: law_changed(lambda law: law + np.linspace(0, -1, len(law))[:, None]),
    "children one too far": lambda: child_changed(lambda child: np.where(child > 1, child - 1, child)),
    "what is missing leads to the root": lambda: child_changed(lambda child: np.where(child < 0, 0, child)),
    "the end leads to the root": lambda: child_changed(lambda c: np.where(np.arange(4) == 3, 0, c)),
    "steps start at the root": advance_forgets,
    "prior for aligned": lambda: TreeDecoder.pair(TREE)[0],
}


def test_the_right_decoder() -> None:
    """The control of the controls."""
    assert complaints(decoder_of(next_token_laws(TREE)), exact_laws(TREE), 4) == set()
    assert complaints(TreeDecoder.pair(TREE)[1], exact_laws(TREE), 4) == set()


@pytest.mark.parametrize("slip", WRONG)
def test_wrong_decoders_are_noticed(slip: str) -> None:
    """Each slip shows at some prefix."""
    assert complaints(WRONG[slip](), exact_laws(TREE), 4)


@given(trees())
def test_prior_and_aligned_differ(aligned: Aligned) -> None:
    """Where the rewards are not all alike, the two decoders are not."""
    assume(len({r.factor for r in aligned.reward}) > 1)
    prior, own = TreeDecoder.pair(aligned)
    assert np.abs(np.exp(prior.log_law) - np.exp(own.log_law)).max() > 1e-6


def test_exact_ties_survive_in_a_tree() -> None:
    """P(a) = 3/10 = P(b ends here) by sums of subtrees: top-k 2 keeps the lower index of the tie."""
    strings = [(), (0,), (1, 0), (1, 1)]
    model = TreeModel.from_strings(("b", "a"), strings, objects(fmpq(w, 10) for w in (4, 3, 1, 2)))
    _, decoder = TreeDecoder.pair(align(model, [Reward()] * 4))
    first = decoder.begin(np.zeros((1, 0), dtype=np.int64))
    assert first[0, 0] == first[0, 1]
    assert np.isfinite(log_weights(first, chain(("top_k", 2)))).tolist() == [[True, False, True]]
