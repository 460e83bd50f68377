"""What a small cooling from T = 1 does to E L and E R, decided: by balls, or by a formal proof that one stays.

Along global temperature 1/tau, dE L/dtau = -Cov(L, I) and dE R/dtau = -Cov(R, I) at tau = 1, both under p+. L, R and I
are sums of logarithms of primes, and rationals, with rational factors; a covariance is a sum of products of two of
them, and is 0 if the factor of each product is. That is proved without digits; the converse is an open question of
number theory, so what is neither proved nor of certain sign is UNDECIDED.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence

from flint import arb, fmpq, fmpq_mat

from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import Undecided
from theory.arithmetic.formal import FormalSum, prime_exponents
from theory.automata.adaptors import doob, unrolled
from theory.automata.spectral_radius import formal_product
from theory.language_models.automaton import Automaton
from theory.models.automaton import AutomatonModel
from theory.models.finite import FiniteModel
from theory.models.long_table import ROUNDING
from theory.models.model import AlignedModel

UNDECIDED = "UNDECIDED"

WORDS = {
    (1, 1): "raises both",
    (1, -1): "trades R for L",
    (-1, 1): "trades L for R",
    (0, 1): "E L stays",
    (1, 0): "E R stays",
    (0, 0): "nothing moves",
}
"""From the signs of what E L and E R do. Not both fall: their sum rises by V."""

_STRINGS, _PRIMES, _STATES = 400, 16, 40
"""Larger models are not proved formally."""

Logs = Mapping[int, fmpq]
"""A sum of logarithms of primes, and of 1 (the key 0), by their factors."""

Pair = tuple[Logs, Logs]
"""X and I of one string or step."""


def cooling(model: AlignedModel) -> str:
    """One of ``WORDS``, or "UNDECIDED"; more bits may decide that."""
    mean = model.mean
    if mean.constant.surprisal:
        return WORDS[0, 0]
    if mean.constant.log_prior:
        return WORDS[0, 1]
    if mean.constant.reward:
        return WORDS[1, 0]
    with_l = mean.cov_log_prior_surprisal
    with_r = -(mean.cov + mean.var_reward)
    if mean.bits is None:
        spread = math.sqrt(mean.var_surprisal) * math.sqrt(mean.var_log_prior + mean.var_reward)
        if min(abs(with_l), abs(with_r)) <= ROUNDING * spread:
            return UNDECIDED
    up_l = _rise(with_l, lambda: _vanishes(model, prior=True))
    up_r = _rise(with_r, lambda: _vanishes(model, prior=False))
    return UNDECIDED if up_l is None or up_r is None else WORDS[up_l, up_r]


def _rise(covariance: arb, vanishes: Callable[[], bool]) -> int | None:
    """The sign of minus a covariance; None where it is not known."""
    if covariance < 0:
        return 1
    if covariance > 0:
        return -1
    return 0 if vanishes() else None


def _vanishes(model: AlignedModel, *, prior: bool) -> bool:
    """A formal proof that Cov(L, I) = 0, or that Cov(R, I) = 0."""
    try:
        if isinstance(model, FiniteModel):
            return _finite(model.aligned, prior)
        if isinstance(model, AutomatonModel):
            automaton = model.aligned.automaton
            if model.strings is not None and model.strings <= _STRINGS:
                return _finite(unrolled(automaton, automaton.graph.states), prior)
            return _rational(automaton, prior)
    except Undecided:
        pass
    return False


def _logs(factor: fmpq, exponent: fmpq) -> dict[int, fmpq]:
    """log(factor e^exponent)."""
    found = {prime: fmpq(k) for prime, k in prime_exponents(factor).items() if k}
    return found | ({0: exponent} if exponent != 0 else {})


def _finite(aligned: Aligned, prior: bool) -> bool:
    """W^2 Cov = W sum w X I - (sum w X)(sum w I) over the strings, factor by factor."""
    if len(aligned) > _STRINGS:
        return False
    parts = aligned.weight_parts()
    one = parts[0]
    first = aligned.prior[0] if prior else aligned.reward[0].factor
    rows: list[Pair] = []
    for p, r, (c, a) in zip(aligned.prior, aligned.reward, parts, strict=True):
        x = _logs(p / first, fmpq(0)) if prior else _logs(r.factor / first, r.exponent - aligned.reward[0].exponent)
        rows.append((x, _logs(c / one[0], a - one[1])))
    keys = sorted({key for row in rows for side in row for key in side})
    if len(keys) > _PRIMES:
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


def _rational(automaton: Automaton, prior: bool) -> bool:
    """Covariances of the prime factors' counts along the paths of an automaton with a rational law, as rationals."""
    try:
        law = doob(automaton)
    except ValueError:
        return False
    graph = law.graph
    if graph.states > _STATES:
        return False
    rows: list[Pair] = []
    for p, r in zip(automaton.prob, automaton.reward, strict=True):
        rows.append((_logs(p if prior else r.factor, fmpq(0)), _logs(p * r.factor, fmpq(0))))
    keys = sorted({key for row in rows for side in row for key in side})
    if len(keys) > _PRIMES:
        return False
    size, zero = graph.states, fmpq(0)
    matrix = fmpq_mat(size, size, [fmpq(int(i == j)) for i in range(size) for j in range(size)])
    steps = list(zip(graph.source.tolist(), graph.target.tolist(), law.prob, strict=True))
    for i, j, w in steps:
        if j < size:
            matrix[i, j] -= w
    inverse = matrix.inv()
    visits = [inverse[graph.initial, i] for i in range(size)]

    def differences(values: Sequence[fmpq]) -> list[fmpq]:
        right = fmpq_mat(size, 1, [zero] * size)
        for (i, _, w), value in zip(steps, values, strict=True):
            right[i, 0] += w * value
        solved = inverse * right
        ahead = [*(solved[i, 0] for i in range(size)), zero]
        return [value + ahead[j] - ahead[i] for (i, j, _), value in zip(steps, values, strict=True)]

    of_x, of_i = ({k: differences([row[s].get(k, zero) for row in rows]) for k in keys} for s in range(2))
    flow = [visits[i] * w for i, _, w in steps]
    for j, k in itertools.combinations_with_replacement(keys, 2):
        total = zero
        for one, other in {(j, k), (k, j)}:
            total += sum((f * x * y for f, x, y in zip(flow, of_x[one], of_i[other], strict=True)), start=zero)
        if total != 0:
            return False
    return True


__all__ = ["UNDECIDED", "WORDS", "cooling"]
