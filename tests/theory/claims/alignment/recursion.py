"""Guided decoding written out as a recursion over a tree of nested tuples, in fractions or floats."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

FORK = ((), ((), ()))


def strings_behind(shape: Any) -> int:
    return sum(map(strings_behind, shape)) if shape else 1


def guided(shape: Any, prior: Sequence[Any], weight: Callable[[Sequence[Any], Sequence[int]], Any]) -> list[Any]:
    """q of each string, left to right: at every prefix p(t | u) w(strings behind u t), normalised.

    Args:
        shape: a prefix as the tuple of its continuations; () is a string.
        prior: p of the strings.
        weight: w from p and the numbers of the strings behind a prefix.
    """

    def descend(node: Any, first: int) -> list[Any]:
        if not node:
            return [1]
        places, start = [], first
        for child in node:
            places.append(range(start, start + strings_behind(child)))
            start = places[-1].stop
        steps = [sum(prior[k] for k in behind) * weight(prior, behind) for behind in places]
        total = sum(steps)
        return [
            step / total * q
            for step, behind, child in zip(steps, places, node, strict=True)
            for q in descend(child, behind.start)
        ]

    return descend(shape, 0)


def values(exp_reward: Sequence[Any], strength: Any = 1) -> Callable[[Sequence[Any], Sequence[int]], Any]:
    """V(u)^l = E[e^R | u]^l."""

    def weight(prior: Sequence[Any], behind: Sequence[int]) -> Any:
        total = sum(prior[k] for k in behind)
        return (sum(prior[k] * exp_reward[k] for k in behind) / total) ** strength

    return weight


def means(exp_reward: Sequence[Any]) -> Callable[[Sequence[Any], Sequence[int]], float]:
    """e^{E[R | u]}: the geometric mean of e^R."""

    def weight(prior: Sequence[Any], behind: Sequence[int]) -> float:
        total = sum(prior[k] for k in behind)
        return math.exp(sum(float(prior[k] / total) * math.log(exp_reward[k]) for k in behind))

    return weight


def mean_reward(law: Sequence[Any], exp_reward: Sequence[Any]) -> float:
    """E R, nats."""
    return math.fsum(float(q) * math.log(x) for q, x in zip(law, exp_reward, strict=True) if q)


def divergence(law: Sequence[Any], prior: Sequence[Any]) -> float:
    """KL(q || p), nats; p need not be normalised."""
    total = sum(prior)
    return math.fsum(float(q) * math.log(float(q) / float(p / total)) for q, p in zip(law, prior, strict=True) if q)


def fractions(weights: Sequence[int]) -> list[Fraction]:
    """p from integer weights."""
    return [Fraction(w, sum(weights)) for w in weights]
