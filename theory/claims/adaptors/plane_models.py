"""What the claims on the plane of (E L, E R) share: means, members of the family, polynomial identities."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence

import sympy as sp
from flint import arb

from theory.adaptors.frontier import Member, Pair, member
from theory.adaptors.hull import independent
from theory.arithmetic.exact import Array, Exact
from theory.models.finite import FiniteModel


def means_under(found: FiniteModel, prob: Array) -> Pair:
    """(E_q L, E_q R)."""
    return (prob * found.numbers.log_prior).sum(), (prob * found.numbers.reward).sum()


def member_of(found: FiniteModel, prior_power: Exact, reward_power: Exact) -> Member:
    """The member p^s e^{tR} of the family, s and t the powers of prior and reward."""
    return member(found.numbers.log_prior, found.numbers.reward, prior_power, reward_power)


def is_independent(found: FiniteModel) -> bool:
    """Whether 1, L and R are linearly independent on the strings."""
    return independent(found.numbers)


def least_of(values: Iterator[arb]) -> arb:
    """The least of some balls, as a ball."""
    return functools.reduce(arb.min, values)


def doubled_area(x: Sequence[Exact] | Array, y: Sequence[Exact] | Array, i: int, j: int, k: int) -> Exact:
    """The determinant of (1, x, y) at i, j, k: twice the area of the triangle, > 0 counterclockwise."""
    return (x[j] - x[i]) * (y[k] - y[i]) - (x[k] - x[i]) * (y[j] - y[i])


def ring_symbols(n: int, families: str, scalars: str = "") -> tuple[sp.Expr, ...]:
    """Generators of one polynomial ring: a tuple of n for each letter in ``families``, then the scalars."""
    names = [f"{letter}{k + 1}" for letter in families for k in range(n)]
    found = sp.ring([*names, *scalars], sp.QQ)[1:]
    return (*(found[k * n : (k + 1) * n] for k in range(len(families))), *found[len(names) :])


def sum_of_products(*factors: Sequence[sp.Expr]) -> sp.Expr:
    """sum_i of the products of the i-th entries."""
    return sum(math.prod(row) for row in zip(*factors, strict=True))


def gains_of(found: FiniteModel, law: Array) -> Pair:
    """(E_q L - E L, E_q R - E R)."""
    reached = means_under(found, law)
    return reached[0] - found.mean.mean_log_prior, reached[1] - found.mean.mean_reward
