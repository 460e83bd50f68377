"""Rewards of strings, kept as R = r / beta in a form that stays exact: R = a + log x, so e^R = x e^a."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from flint import fmpq

from theory.arithmetic.exact import rational

_ZERO = fmpq(0)


@dataclass(frozen=True, slots=True)
class Reward:
    """One summand of R = r / beta, in nats: exponent + log factor.

    Args:
        exponent: a, rational.
        factor: x >= 0, rational; x = 0 is the reward -inf, which removes the string.
    """

    exponent: fmpq = fmpq(0)
    factor: fmpq = fmpq(1)

    def __post_init__(self) -> None:
        if self.factor < _ZERO:
            raise ValueError(f"e^(r/beta) must be >= 0, got {self.factor}")

    @property
    def removes(self) -> bool:
        """Whether the reward is -inf."""
        return bool(self.factor == _ZERO)

    def __add__(self, other: Reward) -> Reward:
        return Reward(self.exponent + other.exponent, self.factor * other.factor)


REMOVED = Reward(factor=fmpq(0))
"""The reward -inf."""


def reward_over_beta(value: str | int | float | fmpq, beta: fmpq) -> Reward:
    """r / beta for a reward r in reward units; "-inf" removes the string.

    >>> reward_over_beta("1/2", fmpq(2))
    Reward(exponent=1/4, factor=1)

    Raises:
        ValueError: r = +inf, NaN, or not a number.
    """
    if isinstance(value, str) and value.strip().lower() in {"-inf", "-infinity"}:
        return REMOVED
    if isinstance(value, float) and value == -math.inf:
        return REMOVED
    return Reward(exponent=rational(value) / beta)


def exp_reward(value: str | int | float | fmpq) -> Reward:
    """The reward whose e^{r/beta} is given, a rational >= 0.

    Raises:
        ValueError: negative, infinite, NaN, or not a number.
    """
    return Reward(factor=rational(value))


def total_reward(parts: Sequence[Reward]) -> Reward:
    """The sum of rewards; no parts is the reward 0."""
    return sum(parts, start=Reward())
