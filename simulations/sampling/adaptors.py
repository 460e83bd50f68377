"""Sampling adaptors on rows of next-token log-probabilities, in float64.

The rules are those of ``theory.adaptors.exact``, decided by digits: a sum that falls short of a threshold by 1e-12, or
a probability by a 1e-12th part of it, counts as on it, so that thresholds met exactly in rationals are met here. Equal
probabilities tie, and so do distances from the entropy that agree to twelve decimals: to the lower index.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from simulations.sampling.history import History, penalised, without_repeats
from theory.adaptors.exact import Adaptor, Chain
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


def log_weights(log_prob: Floats, steps: Chain, history: History | None = None) -> Floats:
    """log w of each token: the received log-probabilities, kept (or -inf) by truncations, divided by T by temperatures.

    After XTC these are the log-probabilities of the mixture of both sides of its coin.

    Args:
        log_prob: shape (n, V), rows normalised; -inf for impossible tokens.
        steps: applied left to right; each decides on the normalised form of what it receives.
        history: the tokens before, for steps that need them.

    Raises:
        ValueError: a step needs the tokens before, and there are none given.
    """
    steps = Chain(steps)
    if steps.history is not None and history is None:
        raise ValueError(f"{steps.history.name} needs the tokens before")
    wide = log_prob.astype(np.float64)
    return _applied(_Rows(wide, wide, np.isfinite(wide).sum(axis=1, keepdims=True), history), steps)


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """What a chain has made of rows so far.

    Args:
        weight: log w, -inf where a token is cut.
        whole: the same with the tokens that truncations cut.
        possible: how many tokens the law is over, shape (n, 1).
        history: the tokens before.
        heat: 1 / T of the temperatures met.
    """

    weight: Floats
    whole: Floats
    possible: NDArray[np.int64]
    history: History | None
    heat: float = 1.0

    @property
    def law(self) -> Floats:
        """log p of the tokens that are left."""
        result: Floats = self.weight - log_sum(self.weight)[:, None]
        return result

    def cooled(self, temperature: float) -> _Rows:
        """The rows at another temperature."""
        weight, whole = self.weight / temperature, self.whole / temperature
        return replace(self, weight=weight, whole=whole, heat=self.heat / temperature)


def _applied(rows: _Rows, steps: Chain) -> Floats:
    for place, step in enumerate(steps):
        if step.name == "temperature":
            rows = rows.cooled(to_float(step.value))
        elif step.kind.random:
            return _tossed(rows, step, steps[place + 1 :])
        elif step.kind.bends:
            weight = _bent(rows, step)
            rows = replace(rows, weight=weight, whole=weight)
        elif step.kind.history:
            assert rows.history is not None, "refused before"
            rows = replace(rows, weight=_cut(rows.weight, without_repeats(rows.weight, step, rows.history)))
        else:
            rows = replace(rows, weight=_cut(rows.weight, _KEEPERS[step.name](rows.law, step, rows.whole)))
    return rows.weight


def _bent(rows: _Rows, step: Adaptor) -> Floats:
    if step.name == "dynamic_temperature":
        return _dynamic_temperature(rows, step)
    if step.name == "quadratic":
        return _quadratic(rows.weight, step)
    assert rows.history is not None, "refused before"
    return penalised(rows.weight, step, rows.history, rows.heat)


def _cut(weight: Floats, kept: Mask) -> Floats:
    """The weights that are kept, -inf elsewhere; the largest where nothing else is."""
    kept = kept & np.isfinite(weight)
    kept |= ~kept.any(axis=1, keepdims=True) & (np.arange(weight.shape[1]) == weight.argmax(axis=1)[:, None])
    result: Floats = np.where(kept, weight, -np.inf)
    return result


def _rank(key: Floats) -> NDArray[np.int64]:
    """The place of each token by ascending key, ties to the lower index."""
    order = np.argsort(key, axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(key.shape[1])[None, :], axis=1)
    return rank


def _first_of(key: Floats, length: NDArray[np.int64], step: Adaptor) -> Mask:
    """The first ``length`` of each row by ascending key, and under ties = "all" what ties with the last of them."""
    kept: Mask = _rank(key) < length[:, None]
    if step.word("ties") == "all":
        with np.errstate(invalid="ignore"):
            kept = key <= np.where(kept, key, -np.inf).max(axis=1, keepdims=True)
    return kept


def _shortest_run(law: Floats, key: Floats, step: Adaptor, whole: Floats) -> Mask:
    """The shortest run by ascending key whose mass reaches the value, or exceeds it."""
    value = to_float(step.value)
    if value >= 1:
        return np.isfinite(law)
    prob = np.exp(law) if step.name == "typical" else _shares(law, step, whole)
    mass = np.cumsum(np.take_along_axis(prob, np.argsort(key, axis=1, kind="stable"), axis=1), axis=1)
    target = value - _ON if step.word("boundary") == "reach" else value + _ON
    return _first_of(key, 1 + (mass < target).sum(axis=1), step)


def _shares(law: Floats, step: Adaptor, whole: Floats) -> Floats:
    """Each token's share of what is left, or under mass = "before" of what there was before any cut."""
    result: Floats = np.exp(law)
    if step.word("mass") == "before":
        left = np.where(np.isfinite(law), whole, -np.inf)
        result = result * np.exp(log_sum(left) - log_sum(whole))[:, None]
    return result


def _entropy(law: Floats) -> Floats:
    """H of each row, shape (n, 1), nats."""
    finite = np.where(np.isfinite(law), law, 0.0)
    result: Floats = -(np.exp(law) * finite).sum(axis=1, keepdims=True)
    return result


def _top_k(law: Floats, step: Adaptor, whole: Floats) -> Mask:
    return _first_of(-law, np.full(len(law), int(step.value.p)), step)


def _nucleus(law: Floats, step: Adaptor, whole: Floats) -> Mask:
    return _shortest_run(law, -law, step, whole)


def _typical(law: Floats, step: Adaptor, whole: Floats) -> Mask:
    distance: Floats = np.abs(-law - _entropy(law))
    return _shortest_run(law, distance.round(12), step, whole)


def _at_least(prob: Floats, threshold: Floats | float) -> Mask:
    kept: Mask = prob >= threshold * (1 - _ON)
    return kept


def _epsilon(law: Floats, step: Adaptor, whole: Floats) -> Mask:
    return _at_least(_shares(law, step, whole), to_float(step.value))


def _min_p(law: Floats, step: Adaptor, whole: Floats) -> Mask:
    return _at_least(np.exp(law), to_float(step.value) * np.exp(law.max(axis=1, keepdims=True)))


def _top_a(law: Floats, step: Adaptor, whole: Floats) -> Mask:
    return _at_least(np.exp(law), to_float(step.value) * np.exp(2 * law.max(axis=1, keepdims=True)))


def _eta(law: Floats, step: Adaptor, whole: Floats) -> Mask:
    value = to_float(step.value)
    return _at_least(np.exp(law), np.minimum(value, np.sqrt(value) * np.exp(-_entropy(law))))


def _top_n_sigma(law: Floats, step: Adaptor, whole: Floats) -> Mask:
    inside = np.isfinite(law)
    gap = np.where(inside, law.max(axis=1, keepdims=True) - law, 0.0)
    count = inside.sum(axis=1, keepdims=True)
    mean = gap.sum(axis=1, keepdims=True) / count
    spread = np.sqrt((np.where(inside, gap - mean, 0.0) ** 2).sum(axis=1, keepdims=True) / count)
    kept: Mask = inside & (gap <= to_float(step.value) * spread + _ON)
    return kept


def _top_h(law: Floats, step: Adaptor, whole: Floats) -> Mask:
    order = np.argsort(-law, axis=1, kind="stable")[:, : int(step.number("candidates").p)]
    head = np.take_along_axis(law, order, axis=1)
    head = head - log_sum(head)[:, None]
    terms = np.where(np.isfinite(head), -np.exp(head) * np.where(np.isfinite(head), head, 0.0), 0.0)
    running = np.cumsum(terms, axis=1)
    chosen = running <= to_float(step.value) * running[:, -1:] + _ON
    chosen[:, 0] = True
    kept = np.zeros(law.shape, dtype=bool)
    np.put_along_axis(kept, order, chosen, axis=1)
    return kept


def _tail_free(law: Floats, step: Adaptor, whole: Floats) -> Mask:
    count, value = np.isfinite(law).sum(axis=1), to_float(step.value)
    falling = -np.sort(-np.exp(law), axis=1)
    length = count.copy()
    for row in range(len(law)) if value < 1 else ():
        bends = np.abs(np.diff(falling[row, : count[row]], n=2))
        if len(bends) and bends.sum() > _ON:
            over = np.flatnonzero(np.cumsum(bends)[1:] / bends.sum() > value + _ON)
            length[row] = 1 + over[0] if len(over) else count[row]
    kept: Mask = _rank(-law) < length[:, None]
    return kept


def _dynamic_temperature(rows: _Rows, step: Adaptor) -> Floats:
    left = np.isfinite(rows.weight).sum(axis=1, keepdims=True)
    count = left if step.word("count") == "kept" else rows.possible
    middle, width = to_float(step.value), to_float(step.number("range"))
    low, high = max(0.0, middle - width), middle + width
    share = np.maximum(_entropy(rows.law), 0.0) / np.log(np.maximum(count, 2))
    temperature = low + (high - low) * share ** to_float(step.number("exponent"))
    result: Floats = rows.weight / np.where(left > 1, temperature, 1.0)
    return result


def _quadratic(weight: Floats, step: Adaptor) -> Floats:
    factor, curve = to_float(step.value), to_float(step.number("curve"))
    peak = weight.max(axis=1, keepdims=True)
    gap = peak - weight
    result: Floats = peak - factor * gap**2 * ((3 - curve) / 2 + (curve - 1) / 2 * np.where(np.isfinite(gap), gap, 1.0))
    return result


def _tossed(rows: _Rows, step: Adaptor, rest: Chain) -> Floats:
    """log of the mixture of two laws: with the coin the top choices are left out, without it not."""
    law, bar, coin = rows.law, to_float(step.value), to_float(step.number("probability"))
    top = np.exp(law) >= bar * (1 - _ON) if step.word("boundary") == "reach" else np.exp(law) > bar * (1 + _ON)
    if step.word("ties") == "all":
        out = top & (law > np.where(top, law, np.inf).min(axis=1, keepdims=True))
    else:
        out = top & (_rank(-law) < top.sum(axis=1, keepdims=True) - 1)
    total = np.zeros(law.shape)
    for share, weight in ((coin, np.where(out, -np.inf, rows.weight)), (1 - coin, rows.weight)):
        found = _applied(replace(rows, weight=weight), rest)
        total += share * np.exp(found - log_sum(found)[:, None])
    with np.errstate(divide="ignore"):
        result: Floats = np.log(total)
    return result


_KEEPERS: dict[str, Callable[[Floats, Adaptor, Floats], Mask]] = {
    "top_k": _top_k,
    "nucleus": _nucleus,
    "typical": _typical,
    "eta": _eta,
    "epsilon": _epsilon,
    "min_p": _min_p,
    "top_n_sigma": _top_n_sigma,
    "top_h": _top_h,
    "top_a": _top_a,
    "tail_free": _tail_free,
}


__all__ = ["log_softmax", "log_sum", "log_weights"]
