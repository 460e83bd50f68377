"""Prompts that several rows share: read once, and every row has the numbers of a whole pass of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch

from simulations.agreement.decoding import tree_with_prompts
from simulations.bridge.cost import check_memory
from simulations.bridge.decoder import TorchDecoder
from simulations.bridge.self_check import BOUNDS, self_check
from simulations.sampling.generate import PAD, Tokens, generate, release
from tests.simulations.bridge.architectures import ARCHITECTURES
from tests.simulations.bridge.making import llama
from theory.adaptors.exact import Chain, chain

PROMPT: Tokens = np.array([0, 2, 3, 4, 5, 2, 4, 3, 2], dtype=np.int64)


def strings(rows: int, length: int = 5) -> Tokens:
    return np.random.default_rng(3).integers(2, 6, (rows, length))


def checked(model: Any) -> TorchDecoder:
    """A decoder that shares whatever it can: nothing is too little to spare."""
    decoder = TorchDecoder(model, 1, spared=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        self_check(decoder, "it", PROMPT, strings(4), rows=4)
    return decoder


def logits_by_steps(decoder: TorchDecoder, prompts: Tokens, tokens: Tokens) -> Any:
    found = [decoder.begin(prompts)]
    found += [decoder.advance(column) for column in tokens.T[:-1]]
    return np.stack(found, axis=1)


SHARED = ("Llama", "GPT-2", "Qwen3", "Gemma 2, a window of 4", "Mistral, a window of 4", "BLOOM")
OTHERS = (
    "Mamba",
    "RecurrentGemma",
    "Falcon-H1",
    "Qwen3-Next, linear attention",
    "Phi-3, long factors from 32 tokens on",
)


@pytest.mark.parametrize("name", [*SHARED, *OTHERS])
def test_shared_prompts_change_no_number(name: str) -> None:
    """Of two prompts with several strings each, in an order of their own, against a decoder that shares nothing."""
    decoder = checked(ARCHITECTURES[name].make(5))
    plain = TorchDecoder(decoder.model, 1, whole=True)
    assert decoder.shared or name in OTHERS
    other = PROMPT[::-1].copy()
    prompts = np.array([PROMPT, other, PROMPT, PROMPT, other, other, other])
    tokens = strings(len(prompts))
    expected = plain.logits(prompts, tokens)
    for _ in range(2):  # the second time the last prompt is known
        assert np.abs(decoder.logits(prompts, tokens) - expected).max() <= BOUNDS["float32"]
    one = np.tile(PROMPT, (3, 1))
    for _ in range(2):
        found, alone = decoder.logits(one, tokens[:3]), plain.logits(one, tokens[:3])
        assert np.abs(found - alone).max() <= BOUNDS["float32"]
    assert np.abs(logits_by_steps(decoder, prompts, tokens) - expected).max() <= BOUNDS["float32"]


class Counting:
    """A model that counts the ids it is given."""

    def __init__(self, model: Any) -> None:
        self.model, self.ids = model, 0

    def __enter__(self) -> Counting:
        self._hook = self.model.register_forward_pre_hook(self._count, with_kwargs=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._hook.remove()

    def _count(self, model: Any, args: Any, kwargs: Any) -> None:
        self.ids += kwargs["input_ids"].numel()


def test_a_shared_prompt_is_read_once() -> None:
    """16 strings of 5 tokens behind 9: 9 + 16 x 4 ids are read to draw them, and 8 + 16 x 5 to score them."""
    decoder = checked(llama(7))
    prompts, tokens = np.tile(PROMPT, (16, 1)), strings(16)
    with Counting(decoder.model) as counted:
        logits_by_steps(decoder, prompts, tokens)
        assert counted.ids == 9 + 16 * 4
    decoder.forget()
    with Counting(decoder.model) as counted:
        for low in range(0, 16, 4):
            decoder.logits(prompts[low : low + 4], tokens[low : low + 4])
        assert counted.ids == 8 + 16 * 5


def test_little_is_not_shared() -> None:
    """Unless it is checked that it may be, and where too few multiplications are spared."""
    prompts, tokens = np.tile(PROMPT, (16, 1)), strings(16)
    small = TorchDecoder(llama(7), 1)
    self_check(small, "it", PROMPT, strings(4), rows=16)
    assert small.shared is None
    for decoder in (small, TorchDecoder(llama(7), 1, spared=0)):
        with Counting(decoder.model) as counted:
            decoder.logits(prompts, tokens)
            assert counted.ids == 16 * (9 + 4)
            decoder.begin(prompts)
            assert counted.ids == 16 * (9 + 4) + 16 * 9


def test_what_the_self_check_reads() -> None:
    """Four strings of 5 tokens behind 9 in one pass, alone and from the cache; one, over its prefixes and ahead."""
    decoder = TorchDecoder(llama(7), 1)
    with Counting(decoder.model) as counted:
        self_check(decoder, "it", PROMPT, strings(4))
    whole, prefixes, ahead = 4 * (9 + 4), sum(9 + step for step in range(5)), 2 * (9 + 1)
    assert counted.ids == 3 * whole + prefixes + ahead


@pytest.mark.parametrize("fault", ["rows", "raises", "lost"])
def test_caches_that_cannot_be_spread_are_noticed(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache that gives rows other numbers, none, or that has no rows: the prompt is read with every row then."""
    original = TorchDecoder._spread

    def spread(self: TorchDecoder, cache: Any, rows: Tokens) -> object:
        if fault == "raises":
            raise AttributeError("reorder_cache")
        found: Any = original(self, cache, rows)
        for layer in found.layers:
            layer.values = torch.zeros_like(layer.values) if fault == "lost" else layer.values.flip(-2)
        return found

    monkeypatch.setattr(TorchDecoder, "_spread", spread)
    decoder = checked(llama(7))
    assert decoder.shared is False
    assert not decoder.whole
    prompts, tokens = np.tile(PROMPT, (4, 1)), strings(4)
    plain = TorchDecoder(decoder.model, 1)
    assert np.array_equal(decoder.logits(prompts, tokens), plain.logits(prompts, tokens))
    assert np.array_equal(decoder.begin(prompts), plain.begin(prompts))


@pytest.mark.parametrize("steps", [Chain(), chain(("nucleus", "9/10"))], ids=str)
def test_draws_behind_a_shared_prompt(steps: Chain) -> None:
    """The same strings as when every row reads the prompt, with the same log-probabilities but for rounding."""
    decoder = checked(llama(7))
    plain = TorchDecoder(decoder.model, 1)
    decoder.ends = plain.ends = (1, 3)
    prompts = np.array([PROMPT, PROMPT, PROMPT[::-1]] * 5)
    one, two = (generate(d, prompts, steps, 6, rng=np.random.default_rng(1)) for d in (decoder, plain))
    assert (one.tokens == two.tokens).all()
    assert (one.tokens == PAD).any()
    assert np.abs(one.log_prob - two.log_prob).max() <= 1e-5


def test_the_head_leaves_out_what_nobody_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The logits that are asked for are those of a pass that makes all of them."""
    model = llama(7)
    prompts, tokens = np.tile(PROMPT, (3, 1)), strings(3)
    plain = TorchDecoder(model, 1).logits(prompts, tokens)
    first = TorchDecoder(model, 1).begin(prompts)
    monkeypatch.setattr("simulations.bridge.decoder._SPARED_LOGITS", 0)
    made: list[int] = []
    hook = model.lm_head.register_forward_hook(lambda module, given, found: made.append(found.shape[1]))
    assert np.abs(TorchDecoder(model, 1).logits(prompts, tokens) - plain).max() <= 1e-5
    assert np.abs(TorchDecoder(model, 1).begin(prompts) - first).max() <= 1e-5
    hook.remove()
    assert made == [tokens.shape[1], 1]


def test_a_cache_is_released() -> None:
    """The strings' goes, the prompt's stays; a decoder without one is left as it is."""
    decoder = checked(llama(7))
    prompts, tokens = np.tile(PROMPT, (4, 1)), strings(4)
    decoder.logits(prompts, tokens)
    decoder.begin(prompts)
    release(decoder)
    with pytest.raises(ValueError, match="continues what begin"):
        decoder.advance(tokens[:, 0])
    with Counting(decoder.model) as counted:
        decoder.logits(prompts, tokens)
        assert counted.ids == tokens.size
    release(tree_with_prompts()[1].prior)


def test_memory_counts_the_prompt() -> None:
    """Two heads of 8 numbers, keys and values, in float32: 128 bytes of a token; a recurrent model keeps none."""
    assert TorchDecoder(llama(7), 1).kept_of_a_token() == 2 * 2 * 8 * 4
    assert TorchDecoder(ARCHITECTURES["Mamba"].make(5), 1).kept_of_a_token() == 0
    check_memory(4, 6, 1, 10, 1 << 20, 0)
    with pytest.raises(ValueError, match=r"behind up to 1,048,576 of a prompt, need about .* set rows to"):
        check_memory(4, 6, 1, 10, 1 << 20, 1 << 30)
