"""A causal language model of transformers as a decoder: a forward pass in, float32 logits out.

torch is imported here and in few other places; everything downstream sees numpy arrays. The passes are those of the
model itself, or of an engine that has its weights.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel

from simulations.bridge.room import roomy
from simulations.sampling.generate import PAD, Mask, Tokens

Logits = NDArray[np.floating]

_SPARED_LOGITS = 1 << 20
"""Logits that are made and thrown away: where a pass would have more that nobody needs, the head leaves them out."""

_SPARED_PRODUCTS = 1 << 33
"""Multiplications that a prefix read once must spare, about a tenth of a second: rows with less are read in full."""


_CACHE = "past_key_values"


class Engine(Protocol):
    """The passes of a model in float32, over ids behind those that a cache has seen."""

    def read(self, ids: Tokens, cache: object | None, keep: int) -> tuple[torch.Tensor, object]:
        """(logits after the last ``keep`` ids, the cache that has seen them, too): shapes (B, T) to (B, keep, V)."""

    def spread(self, cache: object, rows: Tokens) -> object:
        """Another cache, of these rows of one: a row may occur several times."""


@dataclass(eq=False)
class TorchDecoder:
    """A transformers causal language model, read through its cache.

    Args:
        model: in evaluation mode, on its device.
        end: an id that ends a string; it also fills what stands after the end.
        ends: all ids that end a string; by default ``end`` alone.
        kept: the ids that the law is over, shape (V,): the others get probability 0 and the law is renormalised. None
            for all ids that the model has logits for.
        whole: every step is a pass over the whole string, for a model whose cache does not give the same numbers.
            Cost: O(T) passes of O(T) tokens instead of O(T) of one.
        switch: called before each pass, where two decoders share a model: has the model be this decoder's.
        engine: makes the passes; None for the model itself.
        shared: whether rows of one prompt read it once, and each goes on from that cache. None where nobody has
            checked yet that the cache allows it: then they do not.
        spared: the multiplications that a shared prompt must spare.
    """

    model: PreTrainedModel
    end: int
    ends: tuple[int, ...] = ()
    kept: Mask | None = None
    whole: bool = False
    switch: Callable[[], None] | None = None
    engine: Engine | None = None
    shared: bool | None = None
    spared: int = _SPARED_PRODUCTS
    _cache: object = field(default=None, init=False)
    _seen: Tokens | None = field(default=None, init=False)
    _prefix: tuple[bytes, object] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.ends = self.ends or (self.end,)

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self.model.device

    @property
    def architecture(self) -> str:
        """The name of the model's class."""
        return type(self.model).__name__

    def ready(self) -> PreTrainedModel:
        """The model as this decoder reads it."""
        if self.switch is not None:
            self.switch()
        return self.model

    @torch.inference_mode()
    def begin(self, prompts: Tokens) -> Logits:
        """Logits after each prompt; the cache is begun anew."""
        self._cache, self._seen = None, prompts
        distinct, own = np.unique(prompts, axis=0, return_inverse=True)
        if not self.worth_sharing(len(prompts) - len(distinct), prompts.shape[1]):
            return self._next(prompts)
        logits, cache = self._read(distinct, None, 1)
        own = own.reshape(-1)
        self._cache = self._spread(cache, own)
        return self._numbers(logits[:, -1])[own]

    @torch.inference_mode()
    def advance(self, tokens: Tokens) -> Logits:
        """Logits after one more token per row, from the cache.

        Raises:
            ValueError: nothing was begun, or the model keeps no cache.
        """
        if self._seen is None:
            raise ValueError("advance() continues what begin() began")
        if self.whole:
            self._seen = np.concatenate((self._seen, tokens[:, None]), axis=1)
            return self._next(self._seen)
        if self._cache is None:
            raise ValueError(f"{self.architecture} keeps no cache")
        return self._next(tokens[:, None])

    @torch.inference_mode()
    def logits(self, prompts: Tokens, tokens: Tokens) -> Logits:
        """Logits of every token of the continuations, in one pass without a cache, or one behind each shared prompt."""
        distinct, own = np.unique(prompts, axis=0, return_inverse=True)
        if not self._is_read(distinct) and not self.worth_sharing(len(prompts) - len(distinct), prompts.shape[1]):
            return self._numbers(self._pass(prompts, tokens))
        if len(distinct) == 1:
            return self._behind(distinct[0], tokens)
        parts = [np.flatnonzero(own.reshape(-1) == k) for k in range(len(distinct))]
        found = [self._behind(prompt, tokens[rows]) for prompt, rows in zip(distinct, parts, strict=True)]
        result: Logits = np.concatenate(found)[np.argsort(np.concatenate(parts))]
        return result

    @torch.inference_mode()
    def laws(self, ids: Tokens) -> Logits:
        """Logits after each of the ids but the last, in one pass over all: shape (B, T) to (B, T - 1, V)."""
        return self._numbers(self._all(ids, ids.shape[1])[:, :-1])

    @torch.inference_mode()
    def dropped(self, prompts: Tokens, tokens: Tokens) -> NDArray[np.float64]:
        """The mass that the model gives to ids that are not kept, at every token of the continuations: shape (B, T)."""
        if self.kept is None:
            return np.zeros(tokens.shape)
        raw = self._pass(prompts, tokens).double().cpu()
        inside = torch.as_tensor(np.flatnonzero(self.kept))
        mass = torch.logsumexp(raw[..., inside], -1) - torch.logsumexp(raw, -1)
        found: NDArray[np.float64] = -np.expm1(np.minimum(mass.numpy(), 0.0))
        return found

    @torch.inference_mode()
    def kept_of_a_token(self) -> int:
        """Bytes that the cache grows by with a token; 0 where it does not, or cannot be asked."""
        try:
            ids = [torch.zeros((1, length), dtype=torch.long, device=self.device) for length in (2, 3)]
            found = [self.ready()(input_ids=own, use_cache=True).past_key_values for own in ids]
            one, two = (sum(layer.keys.nbytes + layer.values.nbytes for layer in cache.layers) for cache in found)
        except Exception:  # whatever a cache of another kind raises
            return 0
        return int(two - one)

    def release(self) -> None:
        """Drop the cache of the strings that were written last; a prompt's is kept."""
        self._cache = self._seen = None

    def forget(self) -> None:
        """Keep no cache, of a string or of a prompt."""
        self._cache = self._seen = self._prefix = None

    def worth_sharing(self, rows: int, length: int) -> bool:
        """Whether to read prompts of this length once, where that spares so many rows of them."""
        return bool(self.shared) and not self.whole and length > 1 and rows * length * self._size > self.spared

    @cached_property
    def _size(self) -> int:
        """Multiplications of a token: about as many as there are weights."""
        return sum(weight.numel() for weight in self.model.parameters())

    def _pass(self, prompts: Tokens, tokens: Tokens) -> torch.Tensor:
        return self._all(np.concatenate((prompts, self._filled(tokens)[:, :-1]), axis=1), tokens.shape[1])

    def _filled(self, tokens: Tokens) -> Tokens:
        return np.where(tokens == PAD, self.end, tokens)

    def _is_read(self, distinct: Tokens) -> bool:
        """Whether the only prompt is the one whose cache is kept."""
        if not self.shared or self._prefix is None or len(distinct) > 1:
            return False
        return bool(self._prefix[0] == distinct[0].tobytes())

    def _behind(self, prompt: Tokens, tokens: Tokens) -> Logits:
        """Logits of every token behind a prompt that is read once, all but its last id, whose logits are wanted."""
        if self._prefix is None or self._prefix[0] != prompt.tobytes():
            self._prefix = (prompt.tobytes(), self._read(prompt[None, :-1], None, 1)[1])
        rows = len(tokens)
        ids = np.concatenate((np.full((rows, 1), prompt[-1]), self._filled(tokens)[:, :-1]), axis=1)
        cache = self._spread(self._prefix[1], np.zeros(rows, dtype=np.int64))
        return self._numbers(self._read(ids, cache, tokens.shape[1])[0])

    def _next(self, ids: Tokens) -> Logits:
        """Logits after the last of the ids, which go on from the cache."""
        if self.whole:
            return self._numbers(self._all(ids, 1)[:, -1])
        logits, self._cache = self._read(ids, self._cache, 1)
        return self._numbers(logits[:, -1])

    def _all(self, ids: Tokens, keep: int) -> torch.Tensor:
        """Logits after the last ``keep`` ids, in one pass over all of them."""
        if self.engine is not None:
            return self.engine.read(ids, None, keep)[0]
        found = self.ready()(input_ids=self._ids(ids), use_cache=False, **self._head(ids, keep))
        return found.logits[:, -keep:]

    def _read(self, ids: Tokens, cache: object | None, keep: int) -> tuple[torch.Tensor, object]:
        """(logits after the last ``keep`` ids, the cache that has seen them, too)."""
        if self.engine is not None:
            return self.engine.read(ids, cache, keep)
        name = self._cache_name
        given = {} if cache is None else {name: cache}
        found = self.ready()(input_ids=self._ids(ids), use_cache=True, **given, **self._head(ids, keep))
        return found.logits[:, -keep:], roomy(getattr(found, name, None))

    def _spread(self, cache: object, rows: Tokens) -> object:
        """Another cache, of these rows of one; raises whatever a cache of another kind does."""
        if self.engine is not None:
            return self.engine.spread(cache, rows)
        found: Any = copy.deepcopy(cache)
        found.reorder_cache(torch.as_tensor(rows, device=self.device))
        return found

    def _head(self, ids: Tokens, keep: int) -> dict[str, int]:
        """What has the model leave out logits that nobody needs, where that is worth it and the model can."""
        spared = (ids.shape[1] - keep) * len(ids) * self.width
        return {"logits_to_keep": keep} if spared > _SPARED_LOGITS and "logits_to_keep" in self._names else {}

    @cached_property
    def width(self) -> int:
        """Ids that the model has an embedding for."""
        return int(self.model.get_input_embeddings().weight.shape[0])

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(inspect.signature(self.model.forward).parameters)

    @cached_property
    def _cache_name(self) -> str:
        """What the model calls its cache: recurrent models have cache_params."""
        return "cache_params" if "cache_params" in self._names and "past_key_values" not in self._names else _CACHE

    def _ids(self, ids: Tokens) -> torch.Tensor:
        return torch.as_tensor(np.ascontiguousarray(ids), dtype=torch.long, device=self.device)

    def _numbers(self, logits: torch.Tensor) -> Logits:
        found: Logits = logits.float().cpu().numpy()
        if self.kept is None:
            return found
        inside: Logits = np.where(self.kept, found[..., : len(self.kept)], np.float32(-np.inf))
        return inside


def probe(decoder: TorchDecoder) -> Logits:
    """Logits of a few ids, as the decoder reads its model now: shape (1, 16, V)."""
    ids = np.arange(_PROBED, dtype=np.int64)[None] * _STRIDE % decoder.width
    found: Logits = decoder.laws(ids)
    return found


_PROBED, _STRIDE = 17, 31

__all__ = ["Engine", "Logits", "TorchDecoder", "probe"]
