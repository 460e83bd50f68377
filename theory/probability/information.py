"""Information measures of finite laws, in nats: 0 log 0 = 0, and a divergence off the support is infinite.

Every function takes probabilities of shape (n,), float64 or exact, and costs O(n). A function of two laws takes
them on the same outcomes, in the same order; there a probability may be 0.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from flint import fmpq

from theory.arithmetic.exact import Array, balls, exp, inner, is_exact, log


def surprisal(prob: Array) -> Array:
    """-log p of each outcome; p > 0."""
    return -log(prob)


def entropy(prob: Array) -> Any:
    """H(p) = E_p[-log p]; Shannon (1948)."""
    positive = prob[_positive(prob)]
    return inner(balls(positive), surprisal(positive))


def varentropy(prob: Array) -> Any:
    """Var_p[-log p], nats^2; Kontoyiannis and Verdu (2014), arXiv:1212.2668."""
    positive = prob[_positive(prob)]
    information = surprisal(positive)
    weights = balls(positive)
    deviation = information - (weights * information).sum()
    # a product, not a power: the square of a ball that holds 0 may come out as nan
    return (weights * deviation * deviation).sum()


def renyi_entropy(prob: Array, order: Any) -> Any:
    """H_a(p) = log(sum p^a) / (1 - a) for order a > 0, a != 1; Renyi (1961).

    Raises:
        ValueError: order 1 (use ``entropy``) or an order that is not > 0.
    """
    if not order > 0 or order == 1:
        raise ValueError(f"the Renyi order must be > 0 and not 1, got {order}")
    total = exp(log(prob[_positive(prob)]) * order).sum()
    return np.log(total) / (1 - order) if not is_exact(prob) else total.log() / (1 - order)


def cross_entropy(law: Array, model: Array) -> Any:
    """CE(q, m) = E_q[-log m]; infinite where q has mass that m lacks."""
    inside = _positive(law)
    if _certainly_off(law, model):
        return math.inf
    return (balls(law[inside]) * surprisal(model[inside])).sum()


def kl_divergence(law: Array, model: Array) -> Any:
    """KL(q || m) = E_q[log(q / m)] >= 0, summed directly; Kullback and Leibler (1951)."""
    inside = _positive(law)
    if _certainly_off(law, model):
        return math.inf
    return inner(balls(law[inside]), log(law[inside]) - log(model[inside]))


def total_variation(law: Array, other: Array) -> Any:
    """TV(q, m) = (1/2) sum |q - m|."""
    return np.abs(law - other).sum() * (fmpq(1, 2) if is_exact(law) else 0.5)


def _certainly_off(law: Array, model: Array) -> bool:
    """Whether the law certainly has mass where the model has none."""
    return any(bool(q > 0) and bool(m == 0) for q, m in zip(law, model, strict=True))


def _positive(prob: Array) -> Array:
    # a ball that only may be 0 stays in: the result is then not finite, rather than certain and wrong
    return np.array([not p == 0 for p in prob], dtype=bool) if is_exact(prob) else prob > 0  # noqa: SIM201
