"""The fronts of the family p^s e^{tR} under a budget of entropy or divergence, and laws that compete with them."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

from flint import arb, fmpq

from theory.adaptors.frontier import (
    Member,
    Pair,
    budget_member,
    divergence_limit,
    gaining_direction,
)
from theory.arithmetic.exact import Array, Exact, balls
from theory.claims.adaptors.plane_models import (
    least_of,
    means_under,
    member_of,
)
from theory.claims.claim import Finding
from theory.models.finite import FiniteModel
from theory.probability.information import kl_divergence

_BASES = (
    ("H(q) >= h", fmpq(0), fmpq(0)),
    ("KL(q || p) <= k", fmpq(1), fmpq(0)),
    ("KL(q || p+) <= k", fmpq(1), fmpq(1)),
)


FRONT = ((fmpq(1), fmpq(0)), (fmpq(2), fmpq(1)), (fmpq(1), fmpq(3)), (fmpq(0), fmpq(1)))


OFF_FRONT = ((fmpq(-1), fmpq(2)), (fmpq(2), fmpq(-1)), (fmpq(-1), fmpq(-1)))


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """A model, and laws of its strings to compete with: rational probabilities > 0, each of shape (n,)."""

    found: FiniteModel
    competitors: tuple[Array, ...]


def front_budget(found: FiniteModel, base: Member) -> arb:
    """Half of the least divergence at which one of the fronts leaves the family."""
    log_prior, reward = found.numbers.log_prior, found.numbers.reward
    return least_of(divergence_limit(base, log_prior, reward, w) for w in (*FRONT, *OFF_FRONT)) / 2


def _value(means: Pair, weights: Pair) -> Exact:
    return means[0] * weights[0] + means[1] * weights[1]


def _mixture_within(base: Member, law: Array, budget: arb) -> Array:
    """(1 - share) base + share law with the share, a multiple of 1/64, as large as the budget allows."""
    law, low, high = balls(law), 0, 64
    while high - low > 1:
        middle = (low + high) // 2
        mixture = base.prob * fmpq(64 - middle, 64) + law * fmpq(middle, 64)
        low, high = (middle, high) if kl_divergence(mixture, base.prob) < budget else (low, middle)
    mixed: Array = base.prob * fmpq(64 - low, 64) + law * fmpq(low, 64)
    return mixed


def gains_within(found: FiniteModel, base: Member, q: Member, weights: Pair, budget: arb) -> tuple[arb, arb]:
    """The gains in E L and E R of a law within the budget over q = q_{base + u weights}, where a weight is < 0.

    q (1 + eps g) with gains > 0 whose weighted sum is negative: to first order its divergence falls by eps u det Cov
    times that sum.
    """
    a, b = weights
    gains = (fmpq(1), fmpq(1)) if a + b < 0 else (fmpq(1), -a / (2 * b)) if a < 0 else (-b / (2 * a), fmpq(1))
    direction = gaining_direction(q, found.numbers.log_prior, found.numbers.reward, gains)
    step = 1 / (2 * functools.reduce(arb.max, (abs(g) for g in direction)))
    law = q.prob * (1 + direction * step)
    while not kl_divergence(law, base.prob) < budget:
        step /= 2
        law = q.prob * (1 + direction * step)
    gained = means_under(found, law)
    return gained[0] - q.mean_log_prior, gained[1] - q.mean_reward


def fronts(trial: Trial) -> Iterator[Finding]:
    """The front of each budget by its weights, against its own members and against other laws within the budget."""
    found = trial.found
    log_prior, reward = found.numbers.log_prior, found.numbers.reward
    for name, s0, t0 in _BASES:
        base = member_of(found, s0, t0)
        budget = front_budget(found, base)
        front = {w: budget_member(log_prior, reward, base, w, budget) for w in FRONT}
        rivals = [_mixture_within(base, law, budget) for law in trial.competitors]
        for weights, q in front.items():
            here = f"{name}, weights ({weights[0]}, {weights[1]})"
            own = (q.mean_log_prior, q.mean_reward)
            yield Finding(f"{here}: the budget is spent", q.divergence(base) - budget)
            yield Finding(f"{here}: s >= {s0}", q.prior_power - s0, "nonnegative")
            yield Finding(f"{here}: t >= {t0}", q.reward_power - t0, "nonnegative")
            for other, rival in front.items():
                if other != weights:
                    lead = _value((own[0] - rival.mean_log_prior, own[1] - rival.mean_reward), weights)
                    yield Finding(f"{here}: beats ({other[0]}, {other[1]})", lead, "positive")
            scale = (q.prior_power + q.reward_power - s0 - t0) / (weights[0] + weights[1])
            for law in (*trial.competitors, *rivals):
                means = means_under(found, law)
                lead = _value((own[0] - means[0], own[1] - means[1]), weights)
                gap = kl_divergence(law, q.prob) - kl_divergence(law, base.prob) + budget
                yield Finding(f"{here}: Gibbs' identity", scale * lead - gap)
            for law in rivals:
                means = means_under(found, law)
                lead = _value((own[0] - means[0], own[1] - means[1]), weights)
                yield Finding(f"{here}: beats a law within the budget", lead, "positive")
        yield from _off_front(found, name, base, budget)


def own_budget(found: FiniteModel) -> Iterator[Finding]:
    """Any aligned law at any temperature, q_{tau, tau t}, is on the front of its own entropy, with weights (1, t)."""
    base = member_of(found, fmpq(0), fmpq(0))
    for tau, t in ((fmpq(1), fmpq(1)), (fmpq(2), fmpq(1, 3))):
        own = member_of(found, tau, tau * t)
        best = budget_member(found.numbers.log_prior, found.numbers.reward, base, (fmpq(1), t), own.divergence(base))
        yield Finding(f"s of the best law of the entropy of ({tau}, {tau * t})", best.prior_power - tau)
        yield Finding(f"t of the best law of the entropy of ({tau}, {tau * t})", best.reward_power - tau * t)


def _off_front(found: FiniteModel, name: str, base: Member, budget: arb) -> Iterator[Finding]:
    """With a negative weight the member of the same budget is not on the front: a law within it gains in both."""
    for weights in OFF_FRONT:
        q = budget_member(found.numbers.log_prior, found.numbers.reward, base, weights, budget)
        for coordinate, gain in zip("LR", gains_within(found, base, q, weights, budget), strict=True):
            label = f"{name}, weights ({weights[0]}, {weights[1]}): E {coordinate} gains within the budget"
            yield Finding(label, gain, "positive")
