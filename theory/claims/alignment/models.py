"""What the claims on alignment share: the prior in rationals, and draws from it of which the best is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from flint import arb, fmpq

from theory.alignment.best_of_n import best_of, divergence_bound, reward_levels, win_rate
from theory.arithmetic.exact import Array, Exact
from theory.claims.claim import Case
from theory.models.finite import FiniteModel
from theory.probability.information import kl_divergence


def prior_of(found: FiniteModel) -> Array:
    """p as rationals that sum to 1, shape (n,)."""
    prior: Array = found.aligned.prior / found.aligned.prior.sum()
    return prior


@dataclass(frozen=True, eq=False)
class Draws:
    """A model and a number n of draws from its prior."""

    found: FiniteModel
    count: int

    @cached_property
    def levels(self) -> tuple[int, ...]:
        """The rank of each string's reward."""
        return reward_levels(self.found.aligned)

    @cached_property
    def law(self) -> Array:
        """q_n, rationals."""
        return best_of(prior_of(self.found), self.levels, self.count)

    @cached_property
    def divergence(self) -> arb:
        """KL(q_n || p), nats."""
        divergence: arb = kl_divergence(self.law, prior_of(self.found))
        return divergence

    @cached_property
    def mean_reward(self) -> arb:
        """E_{q_n} r."""
        mean_reward: arb = (self.law * self.found.numbers.reward).sum()
        return mean_reward

    @cached_property
    def shortfalls(self) -> tuple[tuple[str, Exact], tuple[str, Exact]]:
        """What is missing from the values without atoms: of the divergence, nats, and of the win rate."""
        rate = win_rate(prior_of(self.found), self.levels, self.count)
        return (
            ("log n - (n-1)/n - KL(q_n || p)", divergence_bound(self.count) - self.divergence),
            ("n/(n+1) - win rate", fmpq(self.count, self.count + 1) - rate),
        )


def drawn(cases: Iterable[Case], counts: Sequence[int]) -> Iterator[Case]:
    """The cases with each number of draws."""
    for one in cases:
        for n in counts:
            yield Case(f"{one.name}, n = {n}", Draws(one.content, n), one.spec)
