"""Log-probabilities of strings that another model wrote, token by token, in one pass."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulations.sampling.adaptors import log_softmax, log_sum, log_weights
from simulations.sampling.generate import PAD, Decoder, Tokens, check_logits
from simulations.sampling.history import History
from theory.adaptors.exact import Chain

Floats = NDArray[np.float64]


def log_probs(decoder: Decoder, prompts: Tokens, tokens: Tokens) -> Floats:
    """log p(token | prompt, tokens before), the end included; 0 after the last. Shape (B, T), nats.

    Args:
        decoder: hands out the logits of every token at once.
        prompts: ids, shape (B, P), the same that the strings were drawn after.
        tokens: ids, ``PAD`` after the last, shape (B, T).

    Raises:
        ValueError: a logit that is NaN or infinite where a token stands (names row and token).
    """
    return gathered(log_softmax(_logits(decoder, prompts, tokens)), tokens)


def adapted(decoder: Decoder, prompts: Tokens, tokens: Tokens, steps: Chain) -> tuple[Floats, Floats]:
    """(log w, log c) of each token under a chain of adaptors, shapes (B, T); log w is -inf where it is cut off."""
    law = log_softmax(_logits(decoder, prompts, tokens))
    if Chain(steps).history is None:
        weight = log_weights(law.reshape(-1, law.shape[-1]), steps).reshape(law.shape)
    else:
        past = (History(prompts, tokens[:, :step]) for step in range(law.shape[1]))
        weight = np.stack([log_weights(law[:, k], steps, own) for k, own in enumerate(past)], axis=1)
    return gathered(weight, tokens), np.where(tokens != PAD, log_sum(weight), 0.0)


def gathered(values: Floats, tokens: Tokens) -> Floats:
    """The value at each token, 0 at ``PAD``: shapes (B, T, V) and (B, T) to (B, T)."""
    picked = np.take_along_axis(values, np.where(tokens == PAD, 0, tokens)[..., None], axis=2)[..., 0]
    return np.where(tokens == PAD, 0.0, picked)


def _logits(decoder: Decoder, prompts: Tokens, tokens: Tokens) -> NDArray[np.floating]:
    logits, inside = decoder.logits(prompts, tokens), tokens != PAD
    check_logits(logits, inside)
    return np.where(inside[..., None], logits, 0.0)


__all__ = ["adapted", "gathered", "log_probs"]
