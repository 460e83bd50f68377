"""Log-probabilities of strings that another model wrote, token by token, in one pass."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulations.sampling.adaptors import log_softmax, log_sum, log_weights
from simulations.sampling.generate import PAD, Decoder, Tokens, check_logits
from simulations.sampling.history import History
from simulations.sampling.row_totals import log_totals
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
    return token_log_probs(decoder.logits(prompts, tokens), tokens)


def log_probs_in_passes(decoder: Decoder, prompts: Tokens, tokens: Tokens, width: int) -> Floats:
    """What ``log_probs`` gives, in as many passes as memory wants; laws are over ``width`` ids.

    Raises:
        ValueError: as ``log_probs``.
    """
    longest = int((tokens != PAD).sum(axis=1).max(initial=1))
    result = np.zeros(tokens.shape)
    rows = max(1, min(tokens_a_pass(width) // longest, READ // (prompts.shape[1] + longest)))
    for low in range(0, len(prompts), rows):
        part = slice(low, low + rows)
        result[part, :longest] = log_probs(decoder, prompts[part], tokens[part, :longest])
    return result


def tokens_a_pass(width: int) -> int:
    """How many are scored in one forward pass over ``width`` ids: their logits are at most 32 MiB of float32."""
    return max(1, min(_TOKENS, _CELLS // width))


_TOKENS, _CELLS = 1 << 11, 1 << 23

READ = 1 << 13
"""Tokens that a forward pass reads, prompts included."""


def token_log_probs(logits: NDArray[np.floating], tokens: Tokens) -> Floats:
    """log p of each token, in float64 whatever the logits have, 0 at ``PAD``; shapes (B, T, V) and (B, T) to (B, T).

    What ``gathered(log_softmax(logits), tokens)`` gives, without an array of all tokens' log-probabilities.

    Raises:
        ValueError: as ``log_probs``.
    """
    inside = tokens != PAD
    check_logits(logits, inside)
    if not inside.all() and not np.isfinite(logits[~inside]).all():
        logits = np.where(inside[..., None], logits, 0.0)
    peak, log_total = (found.reshape(tokens.shape) for found in log_totals(logits.reshape(-1, logits.shape[-1])))
    own = np.take_along_axis(logits, np.where(inside, tokens, 0)[..., None], axis=2)[..., 0].astype(np.float64)
    return np.where(inside, (own - peak) - log_total, 0.0)


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


__all__ = ["READ", "adapted", "gathered", "log_probs", "log_probs_in_passes", "token_log_probs", "tokens_a_pass"]
