"""Corpora drawn again from one pool of strings, and rank correlations of corpora.

A pool of n independent strings is a random law of its own, the empirical one. Corpora of N strings drawn from it with
replacement are corpora from one part of a mixture over pools: theory.corpora.mixtures with W = (n - 1)/n Sigma and
B = Sigma/n, Sigma the covariance matrix of (L, R) in one string.

Ranks are mid-distribution ranks, (F(x) + F(x-)) / 2, so that ties cost nothing: Spearman's correlation is Pearson's of
the ranks. They are exact where p+ and e^R are rational, since equal corpus means are equal products of integers.
Sources: Efron (1979), doi:10.1214/aos/1176344552; Kruskal (1958), doi:10.1080/01621459.1958.10501481.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from flint import arb, fmpq

from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import Real, ball, objects
from theory.corpora.enumeration import counts_of
from theory.corpora.mixtures import Joint, Mixture


def pools(law: Joint, size: int) -> Mixture:
    """All pools of n independent strings: their probabilities, and the empirical law of (L, R) in each.

    Cost: C(n + m - 1, m - 1) pools, m the number of strings.
    """
    weight, parts = [], []
    for counts in counts_of(len(law), size):
        drawn = [j for j, c in enumerate(counts) if c]
        ways = math.factorial(size) // math.prod(math.factorial(c) for c in counts)
        weight.append(math.prod((law.prob[j] ** counts[j] for j in drawn), start=fmpq(ways)))
        parts.append(Joint(objects(fmpq(counts[j], size) for j in drawn), law.log_prior[drawn], law.reward[drawn]))
    return Mixture(objects(weight), tuple(parts))


def squared_understatement(size: int, pool: int) -> fmpq:
    """1 + N/(n - 1): Var(Lbar) over pools and corpora, by the mean of its variance over one pool's corpora.

    The numerator is the mean squared error of a resampled corpus mean about E L; the root of the denominator is the
    spread that corpora from one pool show.

    >>> squared_understatement(200_000, 2_000)
    201999/1999

    Raises:
        ValueError: n < 2, where the corpora of one pool do not vary.
    """
    if pool < 2:
        raise ValueError(f"a pool of at least two strings is required, got {pool}")
    return 1 + fmpq(size, pool - 1)


# --- ranks --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RankMoments:
    """Second moments of the mid-distribution ranks of two variables: rationals."""

    cov: fmpq
    var_first: fmpq
    var_second: fmpq

    @property
    def correlation(self) -> Any:
        """Spearman's correlation, a ball; None where a variable is constant."""
        if self.var_first == 0 or self.var_second == 0:
            return None
        return ball(self.cov) / ball(self.var_first * self.var_second).sqrt()


def rank_moments(weight: Sequence[int], first: Sequence[Real], second: Sequence[Real]) -> RankMoments:
    """The moments of the ranks of two variables on the same points. Cost: O(m log m).

    Args:
        weight: integers > 0 proportional to the probabilities.
        first: the values of one variable, in exact numbers that can be compared.
        second: those of the other.

    >>> rank_moments([1, 1, 1], [1, 2, 3], [1, 3, 2]).correlation.str(5, radius=False)
    '0.50000'
    """
    total = sum(weight)
    one, two = _centred_ranks(weight, first, total), _centred_ranks(weight, second, total)
    scale = 4 * total**3
    return RankMoments(
        cov=fmpq(sum(w * a * b for w, a, b in zip(weight, one, two, strict=True)), scale),
        var_first=fmpq(sum(w * a * a for w, a in zip(weight, one, strict=True)), scale),
        var_second=fmpq(sum(w * b * b for w, b in zip(weight, two, strict=True)), scale),
    )


def _centred_ranks(weight: Sequence[int], values: Sequence[Real], total: int) -> list[int]:
    """2 T (rank - 1/2), with T the sum of the weights: the weight below less the weight above."""
    ranks, below = [0] * len(values), 0
    order = sorted(range(len(values)), key=values.__getitem__)
    for _, tied in itertools.groupby(order, key=values.__getitem__):
        members = list(tied)
        mass = sum(weight[k] for k in members)
        for k in members:
            ranks[k] = 2 * below + mass - total
        below += mass
    return ranks


def corpus_rank_moments(aligned: Aligned, size: int) -> RankMoments:
    """The ranks of Lbar and Rbar over corpora of N strings from p+; N = 1 gives those of L and R under p+.

    N Lbar and N Rbar are ordered by the integers prod p(y)^c(y) and prod e^{R(y) c(y)}, up to a common factor.
    Cost: C(N + m - 1, m - 1) corpora of m strings.

    Raises:
        ValueError: e^R is not rational up to one factor, so that p+ is not rational.
    """
    prob = aligned.exact_prob()
    if prob is None:
        raise ValueError("p+ must be rational for exact ranks: write the reward as e^(r/beta)")
    factors = (_whole(values) for values in (prob, aligned.prior, [r.factor for r in aligned.reward]))
    mass, likelihood, merit = ([[w**c for c in range(size + 1)] for w in weights] for weights in factors)
    factorial = [math.factorial(c) for c in range(size + 1)]
    weight, first, second = [], [], []
    for counts in counts_of(len(aligned), size):
        weight.append(
            factorial[size]
            // math.prod(factorial[c] for c in counts)
            * math.prod(row[c] for row, c in zip(mass, counts, strict=True))
        )
        first.append(math.prod(row[c] for row, c in zip(likelihood, counts, strict=True)))
        second.append(math.prod(row[c] for row, c in zip(merit, counts, strict=True)))
    return rank_moments(weight, first, second)


def _whole(values: Iterable[fmpq]) -> list[int]:
    """Integers in the same proportions."""
    ratios = list(values)
    scale = math.lcm(*(int(v.q) for v in ratios))
    return [int((v * scale).p) for v in ratios]


def rank_correlation_limit(correlation: Real) -> arb:
    """(6/pi) arcsin(rho/2): Spearman's correlation of a bivariate normal law whose Pearson correlation is rho.

    Corr of (Lbar, Rbar) is rho at every N and their law tends to the normal one, so that this is the large-N limit of
    Spearman's correlation of corpora. Source: Pearson (1907); Kruskal (1958).
    """
    return 6 * (ball(correlation) / 2).asin() / arb.pi()


__all__ = [
    "RankMoments",
    "corpus_rank_moments",
    "pools",
    "rank_correlation_limit",
    "rank_moments",
    "squared_understatement",
]
