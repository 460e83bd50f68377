"""Sampling adaptors on rows of next-token log-probabilities, in float64.

The rules are those of ``theory.adaptors.exact``, decided by digits: a sum that falls short of a threshold by 1e-12, or
a probability by a 1e-12th part of it, counts as on it, so that thresholds met exactly in rationals are met here. Equal
probabilities tie, and so do distances from the entropy that agree to twelve decimals: to the lower index.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from theory.adaptors.exact import Chain
from theory.arithmetic.exact import to_float

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_ON = 1e-12
"""How far below a threshold still counts as on it."""


def log_softmax(logits: NDArray[np.floating]) -> Floats:
    """log p of each token in float64, along the last axis."""
    wide = logits.astype(np.float64)
    wide -= wide.max(axis=-1, keepdims=True)
    wide -= np.log(np.exp(wide).sum(axis=-1, keepdims=True))
    return wide


def log_sum(log_weight: Floats) -> Floats:
    """log of the sum of weights along the last axis; -inf where there are none."""
    with np.errstate(divide="ignore"):
        peak = log_weight.max(axis=-1)
        safe = np.where(np.isfinite(peak), peak, 0.0)
        result: Floats = np.log(np.exp(log_weight - safe[..., None]).sum(axis=-1)) + safe
    return result


def log_weights(log_prob: Floats, steps: Chain) -> Floats:
    """log w of each token: the received log-probabilities, kept (or -inf) by truncations, divided by T by temperatures.

    Args:
        log_prob: shape (n, V), rows normalised; -inf for impossible tokens.
        steps: applied left to right; each decides on the normalised form of what it receives.
    """
    weight = log_prob.astype(np.float64)
    for step in steps:
        if step.name == "temperature":
            weight = weight / to_float(step.value)
        else:
            law = weight - log_sum(weight)[:, None]
            kept = _KEEPERS[step.name](law, to_float(step.value))
            kept |= ~kept.any(axis=1, keepdims=True) & (np.arange(law.shape[1]) == law.argmax(axis=1)[:, None])
            weight = np.where(kept & np.isfinite(law), weight, -np.inf)
    return weight


def _rank(key: Floats) -> NDArray[np.int64]:
    """The place of each token by ascending key, ties to the lower index."""
    order = np.argsort(key, axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(key.shape[1])[None, :], axis=1)
    return rank


def _shortest_run(law: Floats, key: Floats, value: float) -> Mask:
    """The shortest run by ascending key whose mass reaches the value."""
    if value >= 1:
        return np.isfinite(law)
    order = np.argsort(key, axis=1, kind="stable")
    mass = np.cumsum(np.exp(np.take_along_axis(law, order, axis=1)), axis=1)
    length = 1 + (mass < value - _ON).sum(axis=1)
    kept = np.zeros(law.shape, dtype=bool)
    np.put_along_axis(kept, order, np.arange(law.shape[1])[None, :] < length[:, None], axis=1)
    return kept


def _entropy(law: Floats) -> Floats:
    """H of each row, shape (n, 1), nats."""
    finite = np.where(np.isfinite(law), law, 0.0)
    result: Floats = -(np.exp(law) * finite).sum(axis=1, keepdims=True)
    return result


def _top_k(law: Floats, value: float) -> Mask:
    kept: Mask = _rank(-law) < value
    return kept


def _nucleus(law: Floats, value: float) -> Mask:
    return _shortest_run(law, -law, value)


def _typical(law: Floats, value: float) -> Mask:
    distance: Floats = np.abs(-law - _entropy(law))
    return _shortest_run(law, distance.round(12), value)


def _at_least(law: Floats, threshold: Floats | float) -> Mask:
    kept: Mask = np.exp(law) >= threshold * (1 - _ON)
    return kept


def _epsilon(law: Floats, value: float) -> Mask:
    return _at_least(law, value)


def _min_p(law: Floats, value: float) -> Mask:
    return _at_least(law, value * np.exp(law.max(axis=1, keepdims=True)))


def _eta(law: Floats, value: float) -> Mask:
    return _at_least(law, np.minimum(value, np.sqrt(value) * np.exp(-_entropy(law))))


_KEEPERS: dict[str, Callable[[Floats, float], Mask]] = {
    "top_k": _top_k,
    "nucleus": _nucleus,
    "typical": _typical,
    "eta": _eta,
    "epsilon": _epsilon,
    "min_p": _min_p,
}


__all__ = ["log_softmax", "log_sum", "log_weights"]
