"""What chains of adaptors make of one next-token law in float64, where balls for each token would be too many.

Probabilities that differ by less than ``ROUNDING``, relatively, count as equal, and the earlier token comes first.
Where a mass or a threshold is as close, it is not told what is kept.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from theory.adaptors.chains import Adaptor, Chain
from theory.arithmetic.exact import Undecided, to_float

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

ROUNDING = 1e-12

KNOWN = ("temperature", "top_k", "nucleus", "typical", "min_p", "epsilon", "eta")
"""The adaptors that are applied to rows in float64, without options."""


def not_in_floats(steps: Chain) -> str:
    """Why a chain cannot be applied to rows in float64; "" where it can."""
    for step in steps:
        if step.name not in KNOWN or step.options:
            return f"{step} is not computed in float64 on a model of this size; {', '.join(KNOWN)} are"
    return ""


def adapted_row(log_prob: Floats, steps: Chain) -> tuple[Index, Floats]:
    """(the tokens that a chain keeps of a row, ascending; log q of each, normalised).

    >>> from theory.adaptors.chains import chain
    >>> kept, log_q = adapted_row(np.log([0.2, 0.5, 0.3]), chain(("top_k", 2), ("temperature", "1/2")))
    >>> kept.tolist(), np.exp(log_q).round(4).tolist()
    ([1, 2], [0.7353, 0.2647])

    Args:
        log_prob: log p of every token, nats; -inf is never kept.
        steps: adaptors of ``KNOWN``.

    Raises:
        Undecided: float64 does not tell what is kept.
    """
    kept = np.flatnonzero(log_prob > -np.inf)
    log_q = normalised(log_prob[kept])
    for step in steps:
        if step.name == "temperature":
            log_q = normalised(log_q / to_float(step.value))
        elif len(kept) > 1:
            some = _kept(log_q, step)
            kept, log_q = kept[some], normalised(log_q[some])
    return kept, log_q


def normalised(log_weight: Floats) -> Floats:
    """Less the logarithm of the sum of e^w, nats; one weight at least is finite."""
    peak = float(log_weight.max())
    found: Floats = log_weight - (peak + math.log(float(np.exp(log_weight - peak).sum())))
    return found


def _kept(log_q: Floats, step: Adaptor) -> NDArray[np.bool_]:
    value = to_float(step.value)
    if step.name == "top_k":
        return _first(log_q, int(step.value.p))
    if step.name in {"nucleus", "typical"}:
        score = log_q
        if step.name == "typical":
            score = -np.abs(log_q + _entropy(log_q))
        return np.ones(len(log_q), dtype=bool) if step.value == 1 else _first(score, _shortest(score, log_q, value))
    if step.value == 0:
        return np.ones(len(log_q), dtype=bool)
    limit = math.log(value)
    if step.name == "min_p":
        limit += float(log_q.max())
    elif step.name == "eta":
        limit = min(limit, limit / 2 - _entropy(log_q))
    slack = ROUNDING * max(1.0, abs(limit))
    passing = log_q >= limit - slack
    # at min_p 1 the threshold is the largest probability itself, and its equals are kept
    if not (step.name == "min_p" and step.value == 1) and (passing & (log_q <= limit + slack)).any():
        raise Undecided(f"{step}: float64 does not tell whether a probability is the threshold")
    return passing if passing.any() else _first(log_q, 1)


def _entropy(log_q: Floats) -> float:
    return -float(np.exp(log_q) @ log_q)


def _first(score: Floats, count: int) -> NDArray[np.bool_]:
    """The tokens of the largest scores; equal ones in their order."""
    if count >= len(score):
        return np.ones(len(score), dtype=bool)
    cut = -float(np.partition(-score, count - 1)[count - 1])
    slack = ROUNDING * max(1.0, abs(cut))
    sure = score > cut + slack
    close = np.flatnonzero(np.abs(score - cut) <= slack)
    sure[close[: count - int(sure.sum())]] = True
    return sure


_BINS, _PER_NAT = 256, 8
"""Of the distance of a score from the largest: a bin is an eighth of a nat, and the last holds the rest."""

_MARGIN = 1e-9
"""Above what rounding a sum of probabilities can change."""


def _leading(score: Floats, prob: Floats, value: float) -> Index:
    """The tokens of large scores that certainly hold the shortest run; those left out have smaller scores.

    The masses of bins of scores tell it without a sort: a bin's number falls as the score rises.
    """
    bins = np.minimum((score.max() - score) * _PER_NAT, _BINS - 1).astype(np.int64)
    mass = np.cumsum(np.bincount(bins, weights=prob, minlength=_BINS))
    return np.flatnonzero(bins <= int(np.searchsorted(mass, value + _MARGIN)))


def _shortest(score: Floats, log_q: Floats, value: float) -> int:
    """The length of the shortest run by falling score whose mass reaches the value.

    Only the leading tokens are sorted: the run lies among them, and its masses are added in the same order.
    """
    prob = np.exp(log_q)
    some = _leading(score, prob, value)
    mass = np.cumsum(prob[some[np.argsort(-score[some], kind="stable")]], dtype=np.longdouble)
    count = min(int(np.searchsorted(mass, value)) + 1, len(mass))
    if (np.abs(mass[max(count - 2, 0) : count] - value) <= ROUNDING).any():
        raise Undecided(f"float64 does not tell whether the mass of the first {count} tokens reaches {value:g}")
    return count


__all__ = ["KNOWN", "ROUNDING", "adapted_row", "normalised", "not_in_floats"]
