"""The procedures that comparisons are made with: samplers, scorers and ratios, each in one place.

``Parts()`` is the right set. A planted fault (``simulations.agreement.faults``) is the same set with one of them done
wrong, and a comparison has to notice; that is why every comparison asks for its procedures here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulations.estimation import intervals
from simulations.estimation.corpora import CovarianceParts
from simulations.estimation.prompts import Prompts, acceptances
from simulations.estimation.strings import Strings
from simulations.sampling import draws, score
from simulations.sampling import metropolis as chains
from simulations.sampling.adaptors import log_weights
from simulations.sampling.generate import Decoder, Sample, Tokens
from theory.adaptors.exact import Chain
from theory.report.records import Estimate

Floats = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class ChainStates:
    """What an independent Metropolis-Hastings chain may know of each of its states, shapes (n,), nats.

    Args:
        log_target: log pi, up to a constant.
        log_proposal: log q.
        log_aligned: log p+, before any adaptor.
    """

    log_target: Floats
    log_proposal: Floats
    log_aligned: Floats


def tilted(log_prior: Floats, reward: Floats, beta: float) -> Floats:
    """p+ proportional to p e^{r / beta}, shape (n,)."""
    log_weight = log_prior + reward / beta
    weight = np.exp(log_weight - log_weight.max())
    law: Floats = weight / weight.sum()
    return law


def weight_ratio(states: ChainStates) -> chains.Ratio:
    """w(x') / w(x) with w = pi / q."""
    return chains.metropolis(states.log_target - states.log_proposal)


def corpus_means(counts: Index, values: Floats) -> Floats:
    """Means over corpora of K functions of a string: shapes (corpora, n) and (K, n) to (corpora, K)."""
    means: Floats = counts @ values.T / counts.sum(axis=1, keepdims=True)
    return means


def string_log_prob(decoder: Decoder, prompts: Tokens, sample: Sample) -> Floats:
    """log p of each string given its prompt, its end included where it has one; of a censored one, of the prefix event.

    Shape (B,), nats.
    """
    total: Floats = score.log_probs(decoder, prompts, sample.tokens).sum(axis=1)
    return total


def secret_reward(log_aligned: Floats, log_prior: Floats) -> Floats:
    """log p+ - log p: the reward over beta, up to a constant."""
    return log_aligned - log_prior


def unchanged(steps: Chain) -> Chain:
    """The adaptors that were asked for."""
    return steps


def between(strings: Strings) -> Floats:
    """B of Cov(Lbar, Rbar) = W / N + B over corpora that draw their setting: (Var L, Cov, Var R), without bias."""
    found: Floats = CovarianceParts.of(strings).between.mean(axis=0)
    return found


@dataclass(frozen=True, slots=True)
class Parts:
    """The procedures by name; each field's default is the right one."""

    tilted: Callable[[Floats, Floats, float], Floats] = tilted
    strings: Callable[..., Index] = draws.strings
    counts: Callable[..., Index] = draws.counts
    corpus_means: Callable[[Index, Floats], Floats] = corpus_means
    ratio: Callable[[ChainStates], chains.Ratio] = weight_ratio
    steps: Callable[[Chain], Chain] = unchanged
    adapt: Callable[[Floats, Chain], Floats] = log_weights
    normalise: Callable[[str], str] = str
    string_log_prob: Callable[[Decoder, Tokens, Sample], Floats] = string_log_prob
    secret_reward: Callable[[Floats, Floats], Floats] = secret_reward
    covs: Callable[[Prompts, Floats, Floats], Floats] = Prompts.covs
    corrected: Callable[..., Floats] = Prompts.corrected
    acceptances: Callable[[Prompts, Floats], Floats] = acceptances
    between: Callable[[Strings], Floats] = between
    quotient: Callable[[Floats, Floats], Estimate] = intervals.ratio


__all__ = [
    "ChainStates",
    "Parts",
    "between",
    "corpus_means",
    "secret_reward",
    "string_log_prob",
    "tilted",
    "unchanged",
    "weight_ratio",
]
