"""Every corpus of N strings, one by one: the slow and obvious route that the fast ones are compared with."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb, fmpq, fmpz

from theory.alignment.gibbs import Numbers, in_own_arithmetic
from theory.arithmetic.exact import Array, objects


@dataclass(frozen=True, slots=True, eq=False)
class Corpora:
    """All corpora of N independent strings, up to order.

    Args:
        prob: the probability of each corpus, shape (corpora,).
        log_prior: Lbar of each, nats.
        reward: Rbar of each, nats.
        counts: how often each string occurs, shape (corpora, n).
    """

    prob: Array
    log_prior: Array
    reward: Array
    counts: Array

    def restricted(self, event: Array) -> Corpora:
        """The corpora in an event (a boolean mask of positive probability), with the conditional law."""
        prob = self.prob[event]
        return Corpora(prob / prob.sum(), self.log_prior[event], self.reward[event], self.counts[event])

    def mean(self, values: Array) -> Any:
        """E of a function of the corpus."""
        return (self.prob * values).sum()

    def covariance(self, first: Array, second: Array) -> Any:
        """Cov of two functions of the corpus."""
        return (self.prob * (first - self.mean(first)) * (second - self.mean(second))).sum()

    def correlation(self) -> Any:
        """Corr(Lbar, Rbar); both variances must be positive."""
        var_l = self.covariance(self.log_prior, self.log_prior)
        var_r = self.covariance(self.reward, self.reward)
        return self.covariance(self.log_prior, self.reward) / (var_l * var_r).sqrt()


@in_own_arithmetic
def all_corpora(numbers: Numbers, size: int, prob: Array | None = None) -> Corpora:
    """The multinomial law of the string counts. Cost: C(N + n - 1, n - 1) corpora, n the number of strings.

    Args:
        numbers: in balls.
        size: N >= 1.
        prob: the law of one string; p+ if left out, rationals where they are at hand.
    """
    law = numbers.prob if prob is None else prob
    counts = np.array(list(counts_of(len(law), size)))
    weight = objects(_multinomial(law, row, size) for row in counts)
    as_objects = counts.astype(object)
    log_prior = objects((row * numbers.log_prior).sum() / size for row in as_objects)
    reward = objects((row * numbers.reward).sum() / size for row in as_objects)
    return Corpora(weight, log_prior, reward, counts)


def counts_of(kinds: int, size: int) -> Iterator[tuple[int, ...]]:
    """All count vectors of ``kinds`` non-negative integers that sum to ``size``."""
    if kinds == 1:
        yield (size,)
        return
    for first in range(size + 1):
        for rest in counts_of(kinds - 1, size - first):
            yield (first, *rest)


def _multinomial(law: Array, counts: Array, size: int) -> Any:
    """N! / prod k_i! * prod p_i^{k_i}."""
    ways = fmpz(math.factorial(size) // math.prod(math.factorial(int(k)) for k in counts))
    mass: Any = fmpq(ways) if isinstance(law[0], fmpq) else arb(ways)
    for p, k in zip(law, counts, strict=True):
        mass *= p ** int(k)
    return mass
