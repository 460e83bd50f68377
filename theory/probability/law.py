"""A law: finitely many named outcomes with their probabilities, in float64 or exactly."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb, fmpq

from theory.arithmetic.exact import Array, ball, balls, floats, is_exact, objects

_FLOAT_SLACK = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Law:
    """A probability law on a finite support.

    Args:
        support: the outcomes' names, all different; n of them.
        prob: shape (n,), each > 0, summing to 1; float64, rationals or balls.

    Raises:
        ValueError: a name twice, a probability that is not > 0, or a sum other than 1 (exactly for
            rationals, within the ball for balls, within 1e-9 for floats).
    """

    support: tuple[str, ...]
    prob: Array

    def __post_init__(self) -> None:
        if len(self.support) != len(self.prob):
            raise ValueError(f"{len(self.support)} outcomes but {len(self.prob)} probabilities")
        if not self.support:
            raise ValueError("a law needs at least one outcome")
        check_distinct(self.support)
        for name, p in zip(self.support, self.prob, strict=True):
            if not p > 0:
                raise ValueError(f"the probability of {name!r} must be > 0, got {p}")
        check_sums_to_one(self.prob)

    @staticmethod
    def of(weights: Mapping[str, Any]) -> Law:
        """The law proportional to ``weights``; outcomes of weight 0 are left out.

        >>> Law.of({"x": fmpq(1), "y": fmpq(3)}).prob
        array([1/4, 3/4], dtype=object)

        Raises:
            ValueError: a weight that is negative, infinite, NaN, or a ball that may be 0; or no weight is positive.
        """
        # for a ball that may be 0 neither w == 0 nor w != 0 is certain
        kept = {name: w for name, w in weights.items() if not w == 0}  # noqa: SIM201
        for name, w in kept.items():
            if not (w > 0 and (isinstance(w, fmpq) or math.isfinite(float(w)))):
                raise ValueError(f"the weight of {name!r} must be >= 0 and finite, got {w}")
        if not kept:
            raise ValueError("a law needs at least one outcome of weight > 0")
        exact = any(isinstance(w, fmpq | arb) for w in kept.values())
        total = sum(kept.values(), start=fmpq(0)) if exact else sum(kept.values())
        shares = [w / total for w in kept.values()]
        return Law(tuple(kept), objects(shares) if exact else np.array(shares, dtype=np.float64))

    def __len__(self) -> int:
        return len(self.support)

    def balls(self) -> Law:
        """The same law in balls at the working precision."""
        return Law(self.support, balls(self.prob))

    def floats(self) -> Law:
        """The same law in float64."""
        return Law(self.support, floats(self.prob))

    def mean(self, values: Array) -> Any:
        """E[f] for the values f of shape (n,)."""
        return (self.prob * values).sum()

    def covariance(self, first: Array, second: Array) -> Any:
        """Cov(f, g) = E[(f - E f)(g - E g)], in the unit of f times the unit of g."""
        return (self.prob * (first - self.mean(first)) * (second - self.mean(second))).sum()

    def variance(self, values: Array) -> Any:
        """Var(f) = Cov(f, f)."""
        return self.covariance(values, values)


def check_distinct(names: Sequence[str]) -> None:
    """Refuse a name that occurs twice.

    Raises:
        ValueError: names the first repeated one.
    """
    if len(set(names)) == len(names):
        return
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{name!r} occurs twice; merge the two entries")
        seen.add(name)


def check_sums_to_one(prob: Array) -> None:
    """Refuse probabilities whose sum is certainly not 1.

    Raises:
        ValueError: says what the sum is.
    """
    total = prob.sum()
    if not is_exact(prob):
        fits = abs(float(total) - 1) <= _FLOAT_SLACK
    elif isinstance(total, fmpq):
        fits = total == 1
    else:
        fits = ball(total).contains(1)
    if not fits:
        raise ValueError(f"probabilities must sum to 1, got {total}; use Law.of() for weights")
