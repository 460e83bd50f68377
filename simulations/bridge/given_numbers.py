"""Log-probabilities that came with strings, and the units that they may be in: whether numbers of ours are the same."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulations.bridge.score import String

Floats = NDArray[np.float64]

_SLACK = 3e-4
"""Rounding of a token's log-probability by another engine in float32, nats; of n tokens, sqrt(n) times as much."""

_UNITS = {"nats": 1.0, "base 2": math.log(2), "base 10": math.log(10)}


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One string with what came.

    Args:
        string: whose numbers they are.
        prompt: the ids before it.
        law: log p of every id at every token, shape (T, V), nats.
    """

    string: String
    prompt: tuple[int, ...]
    law: Floats

    @property
    def tokens(self) -> tuple[int, ...]:
        """Of the completion."""
        return self.string.tokens

    @property
    def given(self) -> Floats:
        """What came: a number a token, or one."""
        return np.atleast_1d(np.asarray(self.string.given.logprobs, dtype=np.float64))

    @property
    def single(self) -> bool:
        """Whether one number came for the whole string."""
        return not isinstance(self.string.given.logprobs, tuple)


@dataclass(frozen=True, slots=True)
class Transform:
    """Other units for the same numbers.

    Args:
        words: what they are called; "" for ours.
        unit: nats in one, with its sign.
        mean: whether a string's number is the mean of its tokens' and not their sum.
    """

    words: str
    unit: float
    mean: bool

    def of(self, numbers: Floats, case: Case) -> Floats:
        """The tokens' numbers as they would have come."""
        found = np.atleast_1d(numbers.sum()) if case.single else numbers
        return found / (len(numbers) if self.mean and case.single else 1) / self.unit


def transforms(cases: Sequence[Case]) -> Iterator[Transform]:
    """Our own units first."""
    for mean in (False, True) if any(case.single for case in cases) else (False,):
        for name, unit in _UNITS.items():
            for sign in (1, -1):
                words = ["mean for sum"] * mean + [name] * (unit != 1) + ["the sign turned"] * (sign < 0)
                yield Transform("; ".join(words), sign * unit, mean)


def slack(transform: Transform, case: Case) -> float:
    """How far a number that came may lie from one of ours, in the units that it came in."""
    found = _SLACK * (math.sqrt(len(case.tokens)) if case.single else 1.0)
    if transform.mean and case.single:
        found /= len(case.tokens)
    return found / abs(transform.unit)


def agree(transform: Transform, numbers: Sequence[Floats], cases: Sequence[Case]) -> bool:
    """Whether these are the numbers that came, up to rounding."""
    for own, case in zip(numbers, cases, strict=True):
        found = transform.of(own, case)
        if found.shape != case.given.shape or not (np.abs(found - case.given) <= slack(transform, case)).all():
            return False
    return True


__all__ = ["Case", "Floats", "Transform", "agree", "slack", "transforms"]
