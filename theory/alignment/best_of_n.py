"""Best of n: draw n strings from the prior, keep one of the largest reward; and the aligned law that costs as much.

Only the levels of the reward matter: the law of the winner has the prior's shape inside each level.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

from flint import arb, fmpq

from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import Array, Undecided, balls, objects
from theory.language_models.rewards import Reward
from theory.probability.exponential_family import ExponentialFamily


def reward_levels(aligned: Aligned) -> tuple[int, ...]:
    """The rank of each string's reward, 0 the least; equal exactly where the rewards are equal.

    Rewards a + log x are equal only if a and x are (e^a is irrational for rational a != 0); others differ with
    certainty in balls.

    Raises:
        Undecided: two different rewards overlap at the working precision.
    """
    distinct = list(dict.fromkeys(aligned.reward))
    values = [arb(r.exponent) + arb(r.factor).log() for r in distinct]
    order = sorted(range(len(distinct)), key=lambda k: values[k].mid())
    for low, high in itertools.pairwise(order):
        if not values[low] < values[high]:
            raise Undecided(f"which of two rewards is larger is undecided: {distinct[low]}, {distinct[high]}")
    rank: dict[Reward, int] = {distinct[k]: place for place, k in enumerate(order)}
    return tuple(rank[r] for r in aligned.reward)


def best_of(prior: Array, levels: tuple[int, ...], n: int) -> Array:
    """q_n(y) = p(y) [F(r)^n - F(r-)^n] / [F(r) - F(r-)], F the distribution function of r under p; shape (strings,).

    Ties are broken uniformly among the n draws.
    Source: Beirami et al. (2024), arXiv:2401.01879.

    Args:
        prior: p, rationals (or balls, floats), summing to 1.
        levels: the rank of each string's reward.
        n: number of draws, >= 1.
    """
    mass: dict[int, Any] = dict.fromkeys(sorted(set(levels)), 0)
    for p, at in zip(prior, levels, strict=True):
        mass[at] = mass[at] + p
    below, factor = 0, {}
    for level, own in mass.items():
        factor[level] = ((below + own) ** n - below**n) / own
        below = below + own
    return objects(p * factor[at] for p, at in zip(prior, levels, strict=True))


def best_of_by_enumeration(prior: Array, levels: tuple[int, ...], n: int) -> Array:
    """The same law from all n-tuples of draws, the winner uniform among the places that hold the largest reward.

    Cost: strings ** n.
    """
    law = [fmpq(0)] * len(prior)
    for draws in itertools.product(range(len(prior)), repeat=n):
        top = max(levels[y] for y in draws)
        winners = [y for y in draws if levels[y] == top]
        chance = math.prod((prior[y] for y in draws), start=fmpq(1)) / len(winners)
        for y in winners:
            law[y] += chance
    return objects(law)


def win_rate(prior: Array, levels: tuple[int, ...], n: int) -> fmpq:
    """How often the best of n has a larger reward than one more draw from the prior, ties counted half.

    sum over levels of [F(r)^n - F(r-)^n] [F(r) + F(r-)]/2: below n/(n+1), the value without ties, for n >= 2.

    Args:
        prior: p, rationals summing to 1.
        levels: the rank of each string's reward.
        n: number of draws, >= 1.
    """
    below, total = fmpq(0), fmpq(0)
    for level in sorted(set(levels)):
        upto = below + sum((p for p, at in zip(prior, levels, strict=True) if at == level), fmpq(0))
        total += (upto**n - below**n) * (upto + below) / 2
        below = upto
    return total


def divergence_bound(n: int) -> arb:
    """log n - (n - 1) / n, nats: KL(q_n || p) for a reward without atoms, and never exceeded.

    F has jumps; with U uniform on [F(r-), F(r)], q_n/p = E[n U^{n-1} | r], and x log x is convex.
    """
    return arb(n).log() - fmpq(n - 1, n)


@dataclass(frozen=True, slots=True, eq=False)
class AlignedTwin:
    """The law p_lambda proportional to p e^{lambda r} with KL(p_lambda || p) = KL(q || p).

    Args:
        strength: lambda = 1 / beta, a ball that certainly holds the root, per reward unit.
        law: p_lambda, shape (n,).
        mean_reward: E_{p_lambda} r, reward units.
    """

    strength: arb
    law: Array
    mean_reward: arb


def aligned_twin(prior: Array, reward: Array, divergence: arb) -> AlignedTwin:
    """The aligned law at the same divergence from the prior: E_{p_lambda} r - E_q r = KL(q || p_lambda) / lambda >= 0.

    Args:
        prior: p, shape (n,).
        reward: r in balls, shape (n,), at least two values.
        divergence: KL(q || p), certainly between 0 and -log p(argmax r), nats.

    Raises:
        ValueError: the divergence is not in that range.
    """
    family = ExponentialFamily(balls(prior), reward)
    strength = family.order_of_divergence(divergence)
    law = family.law(strength)
    mean: arb = (law * reward).sum()
    return AlignedTwin(strength, law, mean)
