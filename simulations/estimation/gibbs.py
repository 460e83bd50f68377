"""The Gibbs posterior of a prior, from strings drawn from the prior: self-normalised importance sampling.

A mean under p+ after one prompt is a ratio of two means over the strings, and its variances are ratios too: each is
corrected prompt by prompt for the bias of order 1 / strings. Where the weights are so uneven that what is left of the
bias would show, there is no interval but the number of strings that would give one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from simulations.arrays import Floats
from simulations.estimation import intervals
from simulations.estimation.intervals import verdict_of
from simulations.estimation.prompts import Prompts, acceptances, largest_over_mean, strings_needed
from simulations.estimation.rewards import tilted_rewards
from simulations.estimation.strings import Strings
from theory.arithmetic.exact import rational, to_float
from theory.report.records import Estimate, GibbsEstimates

WEIGHTED = 40.0
"""Strings a prompt, per P^(1/4) Var w / (E w)^2, from which intervals of means, b and correlations cover."""

ACCEPTED = 8.0
"""The same of acceptance rates, which are less biased."""

BURNT = 1e-2
"""How far a chain may still remember its start when counting begins."""


def gibbs(strings: Strings, beta: str) -> GibbsEstimates:
    """The aligned law p e^{r / beta} / Z from strings of the prior: by weights, and by a chain over them."""
    reward = strings.reward / to_float(rational(beta))
    tilted = _Tilted.of(replace(strings, log_aligned=strings.log_prior + reward, reward=reward))
    prompts, l, r, i = tilted.prompts, strings.log_prior, reward, -(strings.log_prior + reward)
    exchange = tilted.estimate(intervals.ratio(tilted.covs(l, i), tilted.covs(i, i), intervals.NOISE))
    rho = intervals.correlation(tilted.covs(l, r), tilted.covs(l, l), tilted.covs(r, r))
    return GibbsEstimates(
        mean_log_prior=tilted.estimate(intervals.mean(tilted.means(l))),
        mean_reward=tilted.estimate(intervals.mean(tilted.means(r))),
        prior_mean_log_prior=intervals.mean(prompts.means(l)),
        prior_mean_reward=intervals.mean(prompts.means(r)),
        log_partition=tilted.estimate(intervals.mean(tilted.log_partitions())),
        exchange_coefficient=exchange,
        within_correlation=tilted.estimate(rho),
        acceptance=accepted(prompts, r),
        chain_acceptance=tilted.chained(),
        effective_share=intervals.cut(tilted.estimate(intervals.mean(tilted.effective_shares())), 0.0, 1.0),
        largest_weight_seen=largest_over_mean(prompts, r),
        ended=float(strings.ended.mean()),
        tokens=float(strings.length.mean()),
        trades=verdict_of(exchange),
        rewards=tilted_rewards(tilted.strings, tilted.means, tilted.covs, tilted.estimate),
    )


def accepted(prompts: Prompts, log_weight: Floats) -> Estimate:
    """The acceptance of independent Metropolis-Hastings by these weights, mean over prompts."""
    found = intervals.mean(acceptances(prompts, log_weight))
    return intervals.cut(weighted(found, prompts, log_weight, ACCEPTED), 0.0, 1.0)


def weighted(found: Estimate, prompts: Prompts, log_weight: Floats, share: float) -> Estimate:
    """An estimate by weights; without its interval, and with the strings it needs, where these are too few."""
    if found.value is None or (found.low is None and found.outside is None):
        return found
    needed = strings_needed(prompts, log_weight, share)
    return found if prompts.strings >= needed else intervals.without_interval(found.value, needed, "strings")


@dataclass(frozen=True, slots=True, eq=False)
class _Tilted:
    """Strings of the prior with their weights under p+.

    Args:
        strings: ``reward`` is R, nats.
        prompts: theirs.
        weight: e^R over the largest of the prompt, shape (n,).
        top: the largest R of each prompt, shape (P,).
    """

    strings: Strings
    prompts: Prompts
    weight: Floats
    top: Floats

    @staticmethod
    def of(strings: Strings) -> _Tilted:
        prompts = Prompts.of(strings)
        return _Tilted(strings, prompts, prompts.scaled(strings.reward), prompts.largest(strings.reward))

    def estimate(self, found: Estimate) -> Estimate:
        return weighted(found, self.prompts, self.strings.reward, WEIGHTED)

    def means(self, values: Floats) -> Floats:
        """E+[v | x] of every prompt."""
        columns = (self.weight, self.weight * values)
        return self.prompts.corrected(lambda w, v, _: v / w, *columns)

    def covs(self, first: Floats, second: Floats) -> Floats:
        """Cov+(v, w | x) of every prompt."""
        one, two = self.prompts.centred(first), self.prompts.centred(second)
        columns = (self.weight, self.weight * one, self.weight * two, self.weight * one * two)
        return self.prompts.corrected(lambda w, a, b, ab, _: ab / w - a * b / w**2, *columns)

    def log_partitions(self) -> Floats:
        """log E e^R of every prompt."""
        found: Floats = self.top + self.prompts.corrected(lambda w, n: np.log(w / n), self.weight)
        return found

    def effective_shares(self) -> Floats:
        """(E w)^2 / E w^2 of every prompt."""
        return self.prompts.corrected(lambda w, ww, n: w**2 / (n * ww), self.weight, self.weight**2)

    def chained(self) -> Estimate:
        """How often one chain over each prompt's strings in their order accepts, after its first tenth.

        The chain forgets its start, a string of the prior, like (1 - 1 / w)^steps, w the largest weight over the mean.
        """
        prompts, rewards = self.prompts, self.strings.reward
        rates = [chained(rewards[prompts.place == x], int(name)) for x, name in enumerate(prompts.names)]
        found = intervals.mean(np.array(rates))
        if found.value is None or found.low is None:
            return found
        keeps = 1 - 1 / largest_over_mean(prompts, rewards)
        needed = math.ceil(10 * math.log(BURNT) / math.log(keeps)) if keeps > 0 else 0
        if prompts.strings >= needed:
            return found
        return intervals.without_interval(found.value, needed, "strings")


def chained(rewards: Floats, prompt: int) -> float:
    """How often an independent Metropolis-Hastings chain over strings of the prior accepts, after its first tenth.

    Args:
        rewards: R of the strings in their order, nats.
        prompt: its number, which seeds the chain's uniforms with the number of strings.
    """
    uniforms = np.random.default_rng([len(rewards), prompt]).random(len(rewards))
    state, moves = rewards[0], []
    for reward, uniform in zip(rewards[1:], uniforms[1:], strict=True):
        taken = bool(np.log1p(-uniform) < reward - state)
        state = reward if taken else state
        moves.append(taken)
    return float(np.mean(moves[len(moves) // 10 :])) if moves else math.nan


__all__ = ["ACCEPTED", "WEIGHTED", "accepted", "chained", "gibbs", "weighted"]
