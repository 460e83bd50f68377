"""The Gibbs posterior of a prior, from strings drawn from the prior: self-normalised importance sampling."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from simulations.arrays import Floats
from simulations.bridge.estimates import (
    NOISE,
    Strings,
    acceptance,
    jackknife,
    largest_over_mean,
    mean_of,
    per_prompt,
    verdict_of,
)
from theory.arithmetic.exact import rational, to_float
from theory.report.records import Estimate, GibbsEstimates


def gibbs(strings: Strings, beta: str) -> GibbsEstimates:
    """The aligned law p e^{r / beta} / Z from strings of the prior: by weights, and by a chain over them."""
    reward = strings.reward / to_float(rational(beta))
    tilted = replace(strings, log_aligned=strings.log_prior + reward, reward=reward)

    def estimate(statistic: Callable[[Strings], float]) -> Estimate:
        return jackknife(tilted, statistic)

    exchange = estimate(_tilted_exchange)
    return GibbsEstimates(
        mean_log_prior=estimate(lambda s: float(_tilted_weights(s) @ s.log_prior)),
        mean_reward=estimate(lambda s: float(_tilted_weights(s) @ s.reward)),
        prior_mean_log_prior=estimate(mean_of(lambda s: s.log_prior)),
        prior_mean_reward=estimate(mean_of(lambda s: s.reward)),
        log_partition=estimate(lambda s: per_prompt(s, _log_partition)),
        exchange_coefficient=exchange,
        within_correlation=estimate(_tilted_correlation),
        acceptance=estimate(lambda s: per_prompt(s, lambda t: acceptance(t.reward))),
        chain_acceptance=estimate(lambda s: per_prompt(s, _chained)),
        effective_share=estimate(lambda s: per_prompt(s, _effective_share)),
        largest_weight_seen=per_prompt(tilted, lambda s: largest_over_mean(s.reward)),
        ended=float(strings.ended.mean()),
        tokens=float(strings.length.mean()),
        trades=verdict_of(exchange),
    )


def _tilted_weights(strings: Strings) -> Floats:
    """Each string's share of p+ given its prompt, prompts alike; ``reward`` is R."""
    _, place = np.unique(strings.prompt, return_inverse=True)
    top = np.full(place.max() + 1, -np.inf)
    np.maximum.at(top, place, strings.reward)
    raw: Floats = np.exp(strings.reward - top[place])
    return raw / np.bincount(place, weights=raw)[place] / len(np.unique(place))


def _tilted_centred(strings: Strings, values: Floats) -> Floats:
    """Values less their mean under p+ given the prompt."""
    _, place = np.unique(strings.prompt, return_inverse=True)
    share = _tilted_weights(strings)
    level: Floats = np.bincount(place, weights=share * values) / np.bincount(place, weights=share)
    return np.asarray(values - level[place], dtype=np.float64)


def _tilted_exchange(strings: Strings) -> float:
    """b under p+."""
    surprisal = _tilted_centred(strings, -strings.log_aligned)
    share = _tilted_weights(strings)
    variance = float(share @ surprisal**2)
    cov = float(share @ (_tilted_centred(strings, strings.log_prior) * surprisal))
    return cov / variance if variance > NOISE else np.nan


def _tilted_correlation(strings: Strings) -> float:
    """Corr(L, R) within prompts under p+."""
    l, r = _tilted_centred(strings, strings.log_prior), _tilted_centred(strings, strings.reward)
    share = _tilted_weights(strings)
    var_l, var_r = float(share @ l**2), float(share @ r**2)
    return float(share @ (l * r)) / math.sqrt(var_l * var_r) if min(var_l, var_r) > NOISE else np.nan


def _log_partition(strings: Strings) -> float:
    """log of the mean of e^R."""
    return float(strings.reward.max()) - math.log(largest_over_mean(strings.reward))


def _effective_share(strings: Strings) -> float:
    """(sum w)^2 / sum w^2, as a share of the strings."""
    share = np.exp(strings.reward - strings.reward.max())
    return float(share.sum() ** 2 / (share**2).sum()) / len(strings)


def _chained(strings: Strings) -> float:
    """How often one chain over the strings in their order accepts, after its first tenth."""
    uniforms = np.random.default_rng([len(strings), int(strings.prompt[0])]).random(len(strings))
    state, accepted = strings.reward[0], []
    for reward, uniform in zip(strings.reward[1:], uniforms[1:], strict=True):
        taken = bool(np.log1p(-uniform) < reward - state)
        state = reward if taken else state
        accepted.append(taken)
    return float(np.mean(accepted[len(accepted) // 10 :]))
