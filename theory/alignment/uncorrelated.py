"""A formal proof that L or R is uncorrelated with I = -log p+ under p+, on finitely many strings.

L, R and I are sums of logarithms of primes, and rationals, with rational factors; a covariance is a sum of products of
two of them, and is 0 if the factor of each product is. That is proved without digits. The converse is an open question
of number theory: where no proof is found, nothing is said.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from flint import fmpq

from theory.alignment.gibbs import Aligned
from theory.arithmetic.formal import FormalSum, formal_product, prime_exponents

MOST_STRINGS, MOST_PRIMES = 400, 16
"""Larger models are not proved formally."""

Logs = Mapping[int, fmpq]
"""A sum of logarithms of primes, and of 1 (the key 0), by their factors."""

Pair = tuple[Logs, Logs]
"""X and I of one string or step."""


def logs(factor: fmpq, exponent: fmpq) -> Logs:
    """log(factor e^exponent).

    Raises:
        Undecided: the factor is too large to be factored.
    """
    found = {prime: fmpq(k) for prime, k in prime_exponents(factor).items() if k}
    return found | ({0: exponent} if exponent != 0 else {})


def keys_of(rows: Sequence[Pair]) -> list[int]:
    """The primes that occur, and 0 for 1."""
    return sorted({key for row in rows for side in row for key in side})


def uncorrelated(aligned: Aligned, *, prior: bool) -> bool:
    """A proof of Cov(L, I) = 0 (``prior``) or Cov(R, I) = 0: W^2 Cov = W sum w X I - (sum w X)(sum w I), by factors.

    Raises:
        Undecided: a probability is too large to be factored.
    """
    if len(aligned) > MOST_STRINGS:
        return False
    parts = aligned.weight_parts()
    one = parts[0]
    first = aligned.prior[0] if prior else aligned.reward[0].factor
    rows: list[Pair] = []
    for p, r, (c, a) in zip(aligned.prior, aligned.reward, parts, strict=True):
        x = logs(p / first, fmpq(0)) if prior else logs(r.factor / first, r.exponent - aligned.reward[0].exponent)
        rows.append((x, logs(c / one[0], a - one[1])))
    keys = keys_of(rows)
    if len(keys) > MOST_PRIMES:
        return False
    weights = [FormalSum.of(c / one[0], a - one[1]) for c, a in parts]

    def mean(values: Sequence[fmpq]) -> FormalSum:
        return FormalSum.total(w.scaled(v) for w, v in zip(weights, values, strict=True))

    total, zero = FormalSum.total(weights), fmpq(0)
    for j, k in itertools.combinations_with_replacement(keys, 2):
        summands = []
        for one_key, other in {(j, k), (k, j)}:
            xs, ys = [x.get(one_key, zero) for x, _ in rows], [i.get(other, zero) for _, i in rows]
            both = [x * y for x, y in zip(xs, ys, strict=True)]
            summands += [formal_product(total, mean(both)), formal_product(mean(xs), mean(ys)).scaled(fmpq(-1))]
        if FormalSum.total(summands).terms:
            return False
    return True


__all__ = ["MOST_PRIMES", "MOST_STRINGS", "Logs", "Pair", "keys_of", "logs", "uncorrelated"]
