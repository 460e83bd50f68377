"""Tiny torch models: the cache against one pass, and their enumeration against a loop that asks the model itself."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("transformers", reason="transformers is not installed")

from simulations.bridge.models import TorchDecoder  # noqa: E402
from simulations.decoders import tiny  # noqa: E402
from simulations.decoders.dense_tree import Enumeration  # noqa: E402
from simulations.sampling import score  # noqa: E402
from simulations.sampling.adaptors import log_softmax  # noqa: E402
from simulations.sampling.generate import PAD, Decoder, generate  # noqa: E402
from theory.adaptors.exact import chain  # noqa: E402

Floats = NDArray[np.float64]
Tokens = NDArray[np.int64]
Path = tuple[int, ...]

ACCURACY = 1e-4
"""Nats: what float32 may be off by on the way to a log-probability."""

KINDS: tuple[tiny.Kind, ...] = ("llama", "gpt2")
SIZE = tiny.Size(vocabulary=5, length=4)
WHICH = [(kind, which) for kind in KINDS for which in ("prior", "aligned")]


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """torch with several threads on few cores stalls for milliseconds at a time."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def decoder_of(kind: tiny.Kind, which: str) -> TorchDecoder:
    """A fresh decoder on one of the pair's models."""
    decoder = getattr(tiny.pair(kind, SIZE), which)
    assert isinstance(decoder, TorchDecoder)
    return TorchDecoder(decoder.model, decoder.end)


def prompts_of(*rows: Path) -> Tokens:
    return np.array(rows, dtype=np.int64)


@functools.cache
def next_laws(kind: tiny.Kind, which: str, prompt: Path) -> dict[Path, Floats]:
    """log p(. | prompt, prefix) of every prefix of fewer than T tokens, one prefix at a time by the model itself."""
    model = getattr(tiny.pair(kind, SIZE), which).model
    found = {}
    with torch.no_grad():
        for length in range(SIZE.length):
            for prefix in itertools.product(range(1, SIZE.vocabulary), repeat=length):
                ids = torch.tensor([[*prompt, *prefix]])
                found[prefix] = torch.log_softmax(model(input_ids=ids).logits[0, -1].double(), dim=-1).numpy()
    return found


def outcomes() -> list[Path]:
    """Strings by length, then the prefixes of T tokens, each in the order of its ids; 0 ends a string."""
    others = range(1, SIZE.vocabulary)
    ended = [(*u, tiny.END) for d in range(SIZE.length) for u in itertools.product(others, repeat=d)]
    return ended + list(itertools.product(others, repeat=SIZE.length))


def by_loop(kind: tiny.Kind, which: str, prompt: Path) -> Floats:
    """log p of every outcome, a sum over its tokens."""
    laws = next_laws(kind, which, prompt)
    return np.array([sum(laws[path[:t]][token] for t, token in enumerate(path)) for path in outcomes()])


def padded(paths: list[Path]) -> Tokens:
    return np.array([[*path, *[PAD] * (SIZE.length - len(path))] for path in paths])


def gap(one: Floats, two: Floats) -> float:
    """The largest difference."""
    assert one.shape == two.shape
    return float(np.abs(one - two).max())


# --- the decoder ----------------------------------------------------------------------------------------------------


def cache_gap(decoder: Decoder, prompts: Tokens, tokens: Tokens) -> float:
    """How far step by step is from one pass, nats."""
    at_once = log_softmax(decoder.logits(prompts, tokens))
    steps = [decoder.begin(prompts)]
    steps += [decoder.advance(column) for column in tokens.T[:-1]]
    return gap(log_softmax(np.stack(steps, axis=1)), at_once)


EVERY = padded(list(itertools.product(range(SIZE.vocabulary), repeat=4)))
"""All sequences of four ids."""


@pytest.mark.parametrize(("kind", "which"), WHICH)
@pytest.mark.parametrize("prompt", [(1,), (3, 0, 2)], ids=str)
def test_the_cache_against_one_pass(kind: tiny.Kind, which: str, prompt: Path) -> None:
    """begin() and advance() against logits(), for all sequences of four ids side by side."""
    prompts = np.tile(np.array(prompt), (len(EVERY), 1))
    assert cache_gap(decoder_of(kind, which), prompts, EVERY) < ACCURACY


@pytest.mark.parametrize("kind", KINDS)
def test_the_cache_is_begun_anew(kind: tiny.Kind) -> None:
    """A second beginning forgets the first; one pass in between does not disturb the cache."""
    decoder = decoder_of(kind, "aligned")
    one, two = prompts_of((1,), (2,)), prompts_of((4,), (3,))
    decoder.begin(one)
    decoder.advance(np.array([2, 3]))
    begun = decoder.begin(two)
    at_once = decoder.logits(two, np.array([[1, 2], [4, 4]]))
    advanced = decoder.advance(np.array([1, 4]))
    assert gap(np.stack((begun, advanced), axis=1), at_once) < ACCURACY


@pytest.mark.parametrize("kind", KINDS)
def test_advance_needs_a_beginning(kind: tiny.Kind) -> None:
    """Nothing to continue."""
    with pytest.raises(ValueError, match=r"advance\(\) continues what begin\(\) began"):
        decoder_of(kind, "prior").advance(np.array([1]))


@pytest.mark.parametrize(("kind", "which"), WHICH)
def test_one_row_against_eight(kind: tiny.Kind, which: str) -> None:
    """A batch is its rows, in one pass and by the cache."""
    decoder = decoder_of(kind, which)
    prompts, tokens = prompts_of(*((1 + k % 4,) for k in range(8))), EVERY[3::80][:8]
    assert len(tokens) == 8
    whole = log_softmax(decoder.logits(prompts, tokens))
    stepwise = [decoder.begin(prompts), *(decoder.advance(column) for column in tokens.T[:-1])]
    for k in range(8):
        one, own = prompts[k : k + 1], tokens[k : k + 1]
        assert gap(log_softmax(decoder.logits(one, own))[0], whole[k]) < ACCURACY
        alone = [decoder.begin(one), *(decoder.advance(column) for column in own.T[:-1])]
        for step, batch in zip(alone, stepwise, strict=True):
            assert gap(log_softmax(step)[0], log_softmax(batch)[k]) < ACCURACY


@pytest.mark.parametrize("kind", KINDS)
def test_padding_changes_nothing_before_it(kind: tiny.Kind) -> None:
    """Logits up to the end are those of the string alone."""
    decoder = decoder_of(kind, "prior")
    tokens = np.array([[3, 2, tiny.END, PAD, PAD, PAD]])
    whole = log_softmax(decoder.logits(prompts_of((1,)), tokens))[:, :3]
    assert gap(whole, log_softmax(decoder.logits(prompts_of((1,)), tokens[:, :3]))) < ACCURACY


# --- enumeration ----------------------------------------------------------------------------------------------------


def enumeration_gap(found: Enumeration, exact: Floats) -> float:
    return gap(found.log_prob(), exact)


@pytest.mark.parametrize(("kind", "which"), WHICH)
def test_enumeration_by_a_loop(kind: tiny.Kind, which: str) -> None:
    """Every string and every cut prefix, with the model asked for one prefix at a time; 1 in total."""
    for prompt in tiny.pair(kind, SIZE).prompts:
        exact = by_loop(kind, which, prompt)
        assert math.isclose(np.exp(exact).sum(), 1.0, rel_tol=1e-12)
        found = Enumeration.of(decoder_of(kind, which), np.array(prompt), SIZE.length)
        assert enumeration_gap(found, exact) < ACCURACY
        assert np.exp(found.log_prob()).sum() == pytest.approx(1.0, abs=1e-12)
        assert np.array_equal(found.tokens(), padded(outcomes()))
        chunked = Enumeration.of(decoder_of(kind, which), np.array(prompt), SIZE.length, rows=7)
        assert enumeration_gap(chunked, exact) < ACCURACY


@pytest.mark.parametrize(("kind", "which"), WHICH)
def test_scores_by_a_loop(kind: tiny.Kind, which: str) -> None:
    """log p of every token of every outcome in one pass, 0 after the end."""
    paths = outcomes()
    for prompt in tiny.pair(kind, SIZE).prompts:
        found = score.log_probs(decoder_of(kind, which), np.tile(np.array(prompt), (len(paths), 1)), padded(paths))
        assert gap(found.sum(axis=1), by_loop(kind, which, prompt)) < ACCURACY
        assert (found[padded(paths) == PAD] == 0).all()


STEPS = chain(("temperature", "2/3"), ("min_p", "1/10"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("steps", [(), STEPS], ids=["plain", "adapted"])
def test_generation_against_scores(kind: tiny.Kind, steps: Any) -> None:
    """log p, log w and log c as they were sampled through the cache, as they are scored in one pass, and enumerated."""
    pair = tiny.pair(kind, SIZE)
    for prompt in pair.prompts:
        prompts = np.tile(np.array(prompt), (64, 1))
        decoder = decoder_of(kind, "aligned")
        drawn = generate(decoder, prompts, steps, SIZE.length, rng=np.random.default_rng(3))
        assert gap(drawn.log_prob, score.log_probs(decoder, prompts, drawn.tokens)) < ACCURACY
        weight, normaliser = score.adapted(decoder, prompts, drawn.tokens, steps)
        assert gap(drawn.log_weight, weight) < ACCURACY
        assert gap(drawn.log_normaliser, normaliser) < ACCURACY
        own = Enumeration.of(decoder, np.array(prompt), SIZE.length)
        outcome = own.outcome(drawn)
        assert gap(drawn.log_prob.sum(axis=1), own.log_prob()[outcome]) < ACCURACY
        assert gap(drawn.log_sampled, own.adapted(steps)[0][outcome]) < ACCURACY
        if not steps:
            assert drawn.ended.any()
            assert not drawn.ended.all()


# --- models ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_models_are_functions_of_their_seed(kind: tiny.Kind) -> None:
    """The same weights for a seed, others for another; torch's own generator stays where it is."""
    before = torch.random.get_rng_state()
    one, two, other = (tiny.model(kind, SIZE, seed) for seed in (5, 5, 6))
    assert torch.equal(before, torch.random.get_rng_state())
    pairs = zip(one.parameters(), two.parameters(), other.parameters(), strict=True)
    same, differ = zip(*((torch.equal(a, b), not torch.equal(a, c)) for a, b, c in pairs), strict=True)
    assert all(same)
    assert any(differ)
    assert not one.training
    assert {p.dtype for p in one.parameters()} == {torch.float32}


@pytest.mark.parametrize("kind", KINDS)
def test_moved_copies(kind: tiny.Kind) -> None:
    """The prior stays; a share of 0 is the prior itself; a seed says which way."""
    prior = tiny.model(kind, SIZE, 5)
    before = [p.clone() for p in prior.parameters()]
    still, one, two, other = (
        tiny.moved(prior, seed, share) for seed, share in ((1, 0.0), (1, 0.2), (1, 0.2), (2, 0.2))
    )
    assert all(torch.equal(a, b) for a, b in zip(before, prior.parameters(), strict=True))

    def logits(model: Any) -> Floats:
        return TorchDecoder(model, tiny.END).begin(prompts_of((1,)))

    assert np.array_equal(logits(still), logits(prior))
    assert np.array_equal(logits(one), logits(two))
    assert not np.array_equal(logits(one), logits(other))
    assert gap(log_softmax(logits(one)), log_softmax(logits(prior))) > 0.01


@pytest.mark.parametrize("kind", KINDS)
def test_pairs(kind: tiny.Kind) -> None:
    """Next-token laws far from uniform, an aligned model that is not the prior, prompts that matter."""
    pair = tiny.pair(kind, SIZE)
    assert pair is tiny.pair(kind, SIZE)
    assert (pair.length, pair.prior.end, pair.aligned.end) == (SIZE.length, tiny.END, tiny.END)
    one, two = (by_loop(kind, "prior", prompt) for prompt in pair.prompts)
    own = by_loop(kind, "aligned", pair.prompts[0])
    assert gap(one, two) > 0.1
    assert gap(one, own) > 0.1
    root = next_laws(kind, "prior", pair.prompts[0])[()]
    assert root.max() - root.min() > 0.5


# --- wrong copies ---------------------------------------------------------------------------------------------------


class Wrong(TorchDecoder):
    """A decoder with its cache mishandled."""


class CacheDropped(Wrong):
    """Every step sees its own token only."""

    def advance(self, tokens: Tokens) -> Any:
        return TorchDecoder.begin(self, tokens[:, None])


class CacheOfOthers(Wrong):
    """Rows of the cache are exchanged between steps."""

    def advance(self, tokens: Tokens) -> Any:
        self._cache.reorder_cache(torch.arange(len(tokens)).roll(1))
        return TorchDecoder.advance(self, tokens)


class TokenTwice(Wrong):
    """Every token is fed twice."""

    def advance(self, tokens: Tokens) -> Any:
        TorchDecoder.advance(self, tokens)
        return TorchDecoder.advance(self, tokens)


class OnePlaceOff(Wrong):
    """Logits after each token in place of before it."""

    def logits(self, prompts: Tokens, tokens: Tokens) -> Any:
        return TorchDecoder.logits(self, prompts, np.concatenate((tokens, tokens[:, -1:]), axis=1))[:, 1:]


class HalfPrecision(Wrong):
    """Logits rounded to bfloat16."""

    def logits(self, prompts: Tokens, tokens: Tokens) -> Any:
        return torch.as_tensor(TorchDecoder.logits(self, prompts, tokens)).bfloat16().float().numpy()


class PromptDropped(Wrong):
    """Continuations of another prompt."""

    def logits(self, prompts: Tokens, tokens: Tokens) -> Any:
        return TorchDecoder.logits(self, np.full_like(prompts, 4), tokens)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "wrong",
    [CacheDropped, CacheOfOthers, TokenTwice, OnePlaceOff, HalfPrecision, PromptDropped],
    ids=lambda w: w.__name__,
)
def test_wrong_decoders_are_noticed(kind: tiny.Kind, wrong: type[TorchDecoder]) -> None:
    """By the cache against one pass, on a tenth of the sequences."""
    right = decoder_of(kind, "prior")
    tokens = EVERY[::10]
    prompts = np.tile(np.array([1]), (len(tokens), 1))
    assert cache_gap(right, prompts, tokens) < ACCURACY
    assert cache_gap(wrong(right.model, right.end), prompts, tokens) > ACCURACY


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wrong", [OnePlaceOff, HalfPrecision, PromptDropped], ids=lambda w: w.__name__)
def test_wrong_enumerations_are_noticed(kind: tiny.Kind, wrong: type[TorchDecoder]) -> None:
    """By the loop over all strings."""
    right = decoder_of(kind, "prior")
    found = Enumeration.of(wrong(right.model, right.end), np.array([1]), SIZE.length)
    assert enumeration_gap(found, by_loop(kind, "prior", (1,))) > ACCURACY
