"""What the claims on the plane of (E L, E R) share: means, members of the family, polynomial identities."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence

from flint import arb, arb_series

from theory.adaptors.frontier import Member, Pair, member
from theory.adaptors.hull import independent
from theory.arithmetic.exact import Array, Exact, inner
from theory.models.finite import FiniteModel


def means_under(found: FiniteModel, prob: Array) -> Pair:
    """(E_q L, E_q R)."""
    return inner(prob, found.numbers.log_prior), inner(prob, found.numbers.reward)


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
