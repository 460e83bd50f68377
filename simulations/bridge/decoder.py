"""A causal language model of transformers as a decoder: a forward pass in, float32 logits out.

torch is imported here and in few other places; everything downstream sees numpy arrays.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel

from simulations.sampling.generate import PAD, Mask, Tokens

Logits = NDArray[np.floating]


@dataclass(slots=True, eq=False)
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
    """

    model: PreTrainedModel
    end: int
    ends: tuple[int, ...] = ()
    kept: Mask | None = None
    whole: bool = False
    switch: Callable[[], None] | None = None
    _cache: object = field(default=None, init=False)
    _seen: Tokens | None = field(default=None, init=False)

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
        return self._next(prompts)

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
        """Logits of every token of the continuations, in one pass without a cache."""
        return self._numbers(self._pass(prompts, tokens))

    @torch.inference_mode()
    def laws(self, ids: Tokens) -> Logits:
        """Logits after each of the ids but the last, in one pass over all: shape (B, T) to (B, T - 1, V)."""
        return self._numbers(self.ready()(input_ids=self._ids(ids), use_cache=False).logits[:, :-1])

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

    def _pass(self, prompts: Tokens, tokens: Tokens) -> torch.Tensor:
        filled = np.where(tokens == PAD, self.end, tokens)
        found = self.ready()(input_ids=self._ids(np.concatenate((prompts, filled[:, :-1]), axis=1)), use_cache=False)
        return found.logits[:, prompts.shape[1] - 1 :]

    def _next(self, ids: Tokens) -> Logits:
        """Logits after the last of the ids, which go on from the cache."""
        if self.whole:
            return self._numbers(self.ready()(input_ids=self._ids(ids), use_cache=False).logits[:, -1])
        name = self._cache_name()
        given = {} if self._cache is None else {name: self._cache}
        found = self.ready()(input_ids=self._ids(ids), use_cache=True, **given)
        self._cache = getattr(found, name, None)
        return self._numbers(found.logits[:, -1])

    def _cache_name(self) -> str:
        """What the model calls its cache: recurrent models have cache_params."""
        names = inspect.signature(self.model.forward).parameters
        return "cache_params" if "cache_params" in names and "past_key_values" not in names else "past_key_values"

    def _ids(self, ids: Tokens) -> torch.Tensor:
        return torch.as_tensor(np.ascontiguousarray(ids), dtype=torch.long, device=self.device)

    def _numbers(self, logits: torch.Tensor) -> Logits:
        found: Logits = logits.float().cpu().numpy()
        if self.kept is None:
            return found
        inside: Logits = np.where(self.kept, found[..., : len(self.kept)], np.float32(-np.inf))
        return inside


__all__ = ["Logits", "TorchDecoder"]
