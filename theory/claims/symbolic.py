"""Symbolic models on n strings, for proofs by computer algebra: every mass and every reward is a symbol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp

from theory.claims.claim import ProofFailed


@dataclass(frozen=True, slots=True)
class SymbolicModel:
    """An aligned model on n strings with free p_i > 0 and x_i = e^{R_i} > 0; everything else is derived from them.

    Args:
        prior: p_i, symbols; their sum is not used, so they need not sum to 1.
        exp_reward: x_i, symbols.
        weight: p_i x_i; Z is their sum.
        log_prior: L_i = log p_i.
        reward: R_i = log x_i.
        log_partition: log Z.
        surprisal: I_i = -log p+_i.
        prob: p+_i = p_i x_i / Z.
    """

    prior: tuple[Any, ...]
    exp_reward: tuple[Any, ...]
    weight: tuple[Any, ...]
    log_prior: tuple[Any, ...]
    reward: tuple[Any, ...]
    log_partition: Any
    surprisal: tuple[Any, ...]
    prob: tuple[Any, ...]


def model(n: int) -> SymbolicModel:
    """The model on n strings."""
    prior = sp.symbols(f"p1:{n + 1}", positive=True)
    exp_reward = sp.symbols(f"x1:{n + 1}", positive=True)
    weight = tuple(p * x for p, x in zip(prior, exp_reward, strict=True))
    total = sp.Add(*weight)
    prob = tuple(w / total for w in weight)
    return SymbolicModel(
        prior=prior,
        exp_reward=exp_reward,
        weight=weight,
        log_prior=tuple(map(sp.log, prior)),
        reward=tuple(map(sp.log, exp_reward)),
        log_partition=sp.log(total),
        surprisal=tuple(-sp.log(q) for q in prob),
        prob=prob,
    )


def simplex(n: int, name: str = "q") -> tuple[sp.Expr, ...]:
    """A law on n strings: q_1, ..., q_{n-1} free, the last their complement."""
    free = sp.symbols(f"{name}1:{n}", positive=True) if n > 1 else ()
    return (*free, 1 - sp.Add(*free))


def mean(prob: Sequence[sp.Expr], values: Sequence[sp.Expr]) -> sp.Expr:
    """E[f]."""
    return sp.Add(*(p * v for p, v in zip(prob, values, strict=True)))


def covariance(prob: Sequence[sp.Expr], first: Sequence[sp.Expr], second: Sequence[sp.Expr]) -> sp.Expr:
    """Cov(f, g) = E[f g] - E f E g."""
    products = [a * b for a, b in zip(first, second, strict=True)]
    return mean(prob, products) - mean(prob, first) * mean(prob, second)


def vanishes(expression: sp.Expr, what: str) -> str:
    """Prove that an expression is 0: evaluate it at three rational points first, then cancel it symbolically.

    Raises:
        ProofFailed: it is not 0 at some point, or it does not cancel.
    """
    symbols = sorted(expression.free_symbols, key=str)
    for k in range(3):
        point = {
            s: sp.Rational(2 + 3 * i + 5 * k, 7 + i + 11 * k * (i + 1))
            / len(symbols)
            * (1 if s.is_positive or (i + k) % 2 else -1)
            for i, s in enumerate(symbols)
        }
        if abs(sp.N(expression.subs(point), 30)) > sp.Float("1e-20"):
            raise ProofFailed(f"{what}: not 0 at {point}")
    numerator = sp.fraction(sp.together(expression))[0]
    if sp.expand(sp.expand_log(numerator)) != 0:
        raise ProofFailed(f"{what}: does not cancel")
    return what
