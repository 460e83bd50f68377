"""What the claims on the plane of (E L, E R) share: means, members of the family, polynomial identities."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator, Sequence

import sympy as sp
from flint import arb, arb_series

from theory.adaptors.frontier import Member, Pair, member
from theory.adaptors.hull import independent
from theory.arithmetic.exact import Array, Exact
from theory.claims.symbolic import is_zero
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


def means_along(found: FiniteModel, at: Pair, direction: Pair) -> tuple[arb_series, arb_series, arb_series]:
    """A, E L and E R at (s, t) + h (s', t') as power series in h: derivatives without a formula for them."""
    total = first = second = arb_series([0], prec=3)
    for log_prior, reward in zip(found.numbers.log_prior, found.numbers.reward, strict=True):
        exponent = [log_prior * s + reward * t for s, t in (at, direction)]
        weight = arb_series(exponent, prec=3).exp()
        total, first, second = total + weight, first + weight * log_prior, second + weight * reward
    return total.log(), first / total, second / total


def depth_in(found: FiniteModel, corners: Sequence[int], q: Member) -> arb:
    """> 0 where the means lie strictly inside the hull: the least of the areas on the left of its edges."""
    log_prior, reward = found.numbers.log_prior, found.numbers.reward
    return least_of(
        (log_prior[j] - log_prior[i]) * (q.mean_reward - reward[i])
        - (reward[j] - reward[i]) * (q.mean_log_prior - log_prior[i])
        for i, j in zip(corners, [*corners[1:], corners[0]], strict=True)
    )


def area_sum(found: FiniteModel, q: Member) -> arb:
    """sum over triples of q_i q_j q_k D_ijk^2, D the determinant of (1, L, R): det Cov by Cauchy and Binet."""
    total = arb(0)
    for i, j, k in itertools.combinations(range(len(found.aligned)), 3):
        area = doubled_area(found.numbers.log_prior, found.numbers.reward, i, j, k)
        total += q.prob[i] * q.prob[j] * q.prob[k] * area * area
    return total


def slope_of(polynomial: sp.Expr, w: Sequence[sp.Expr], rate: Sequence[sp.Expr]) -> sp.Expr:
    """The derivative of a polynomial in the weights where log w_i moves at the rate r_i."""
    return sum(polynomial.diff(x) * x * r for x, r in zip(w, rate, strict=True))


def slope_of_mean(w: Sequence[sp.Expr], values: Sequence[sp.Expr], rate: Sequence[sp.Expr]) -> sp.Expr:
    """Z^2 times the derivative of E f."""
    total, first = sum(w), sum_of_products(w, values)
    return slope_of(first, w, rate) * total - first * slope_of(total, w, rate)


def covariance_of(w: Sequence[sp.Expr], one: Sequence[sp.Expr], two: Sequence[sp.Expr]) -> sp.Expr:
    """Z^2 Cov(f, g)."""
    return sum_of_products(w, one, two) * sum(w) - sum_of_products(w, one) * sum_of_products(w, two)


def area_line(n: int) -> str:
    """The Gram determinant of (1, L, R), by Cauchy and Binet: det Cov > 0 unless all triples are collinear."""
    w, log_prior, reward = ring_symbols(n, "wLR")
    one, first, second = sum(w), sum_of_products(w, log_prior), sum_of_products(w, reward)
    ll, lr, rr = (
        sum_of_products(w, log_prior, log_prior),
        sum_of_products(w, log_prior, reward),
        sum_of_products(w, reward, reward),
    )
    gram = (ll * one - first**2) * (rr * one - second**2) - (lr * one - first * second) ** 2
    triples = itertools.combinations(range(n), 3)
    areas = sum(w[i] * w[j] * w[k] * doubled_area(log_prior, reward, i, j, k) ** 2 for i, j, k in triples)
    return is_zero(gram - one * areas, f"Z^3 det Cov = sum over triples of w w w D^2, n = {n}")


def gibbs_line(n: int) -> str:
    """Gibbs' identity with log q_u = log base + u f - K, for any laws q and q_u."""
    law, best, log_law, log_base, f, u, shift = ring_symbols(n, "qxacf", "uK")
    law, best = ((*prob[:-1], 1 - sum(prob[:-1])) for prob in (law, best))
    log_best = [c + u * v - shift for c, v in zip(log_base, f, strict=True)]

    def divergence(prob: Sequence[sp.Expr], one: Sequence[sp.Expr], two: Sequence[sp.Expr]) -> sp.Expr:
        return sum_of_products(prob, [a - b for a, b in zip(one, two, strict=True)])

    spent = divergence(law, log_law, log_base) - divergence(best, log_best, log_base)
    gap = u * (sum_of_products(law, f) - sum_of_products(best, f)) - spent + divergence(law, log_law, log_best)
    return is_zero(gap, f"u (E_q f - E_u f) = KL(q||base) - KL(q_u||base) - KL(q||q_u), n = {n}")
