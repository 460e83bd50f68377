"""What is true of a population: every number of an analysis by sums over all prompts and strings, none by sampling."""

from __future__ import annotations

import itertools
import math

import numpy as np

from simulations.arrays import Floats
from simulations.coverage.population import Population
from simulations.estimation.corpora import SIZES

Truths = dict[str, float]
"""By the quantity's place in the analysis: "settings.1.exchange_coefficient", say."""


def pair_truths(population: Population) -> Truths:
    """Of every interval of a ``PairAnalysis`` but those of rewards."""
    found: Truths = {}
    for k in range(len(population.chains)):
        found |= {f"settings.{k}.{name}": value for name, value in _setting(population, k).items()}
    found |= {f"pooled.{name}": value for name, value in _pooled(population).items()}
    return found | _cooling(population)


def _setting(population: Population, k: int) -> Truths:
    law, l = population.law[:, k], population.log_prior
    i, log_c, log_q = -population.log_aligned, population.log_normaliser[:, k], population.log_law[:, k]
    r = -(l + i)

    def mean(values: Floats) -> Floats:
        found: Floats = np.where(law > 0, law * np.where(law > 0, values, 0), 0).sum(axis=1)
        return found

    def cov(one: Floats, two: Floats) -> Floats:
        return mean(one * two) - mean(one) * mean(two)

    within = cov(l, r).mean() / math.sqrt(cov(l, l).mean() * cov(r, r).mean())
    weight = np.where(law > 0, np.exp(log_c), 0)
    return {
        "mean_log_prior": mean(l).mean(),
        "mean_reward": mean(r).mean(),
        "entropy": -mean(log_q).mean(),
        "kl_to_aligned": mean(log_q + i).mean(),
        "exchange_coefficient": cov(l, i).mean() / cov(i, i).mean(),
        "within_correlation": within,
        "correlation": _correlation(law, l, r),
        "spearman": _correlation(law, _ranks(law, l), _ranks(law, r)),
        "acceptance": _acceptances(law, weight).mean(),
        "mean_external_reward": mean(population.named).mean(),
        "rewards.mean": mean(population.named).mean(),
        "rewards.correlation": cov(l, population.named).mean()
        / math.sqrt(cov(l, l).mean() * cov(population.named, population.named).mean()),
        "rewards.slope": cov(population.named, log_q).mean() / cov(l, log_q).mean(),
    }


def _correlation(law: Floats, one: Floats, two: Floats) -> float:
    """Over strings of all prompts, prompts alike; ``law`` of shape (..., S) is normalised by its sum."""
    share = law / law.sum()
    first, second = (v - (share * v).sum() for v in (one, two))
    return float((share * first * second).sum() / math.sqrt((share * first**2).sum() * (share * second**2).sum()))


def _ranks(law: Floats, values: Floats) -> Floats:
    """P(V < v) + P(V = v) / 2 over strings of all prompts."""
    share = np.broadcast_to(law / law.sum(), law.shape).ravel()
    # sums of logarithms in another order differ in the last digits: such values tie
    rounded = np.round(np.broadcast_to(values, law.shape).ravel(), 9)
    _, place = np.unique(rounded, return_inverse=True)
    mass = np.bincount(place, weights=share)
    middle: Floats = (np.cumsum(mass) - mass / 2)[place]
    return middle.reshape(law.shape)


def _acceptances(law: Floats, weight: Floats) -> Floats:
    """E min(w, w') / E w after every prompt, from pairs of strings."""
    found = []
    for q, w in zip(law, weight, strict=True):
        found.append((q[:, None] * q[None] * np.minimum.outer(w, w)).sum() / (q @ w))
    return np.array(found)


def _pooled(population: Population) -> Truths:
    law, l = population.law, population.log_prior[:, None]
    r = population.log_aligned[:, None] - l
    means = np.stack([(law * v).sum(axis=2) for v in (l, r)], axis=-1)
    gaps = means - means.mean(axis=1, keepdims=True)
    products = [(law * a * b).sum(axis=2) for a, b in ((l, l), (l, r), (r, r))]
    pairs = ((0, 0), (0, 1), (1, 1))
    inside = [p - means[..., a] * means[..., b] for p, (a, b) in zip(products, pairs, strict=True)]
    centre = gaps.mean(axis=0)
    between = np.array([(centre[:, a] * centre[:, b]).mean() for a, b in pairs])
    square = np.array([(gaps[..., a] * gaps[..., b]).mean() for a, b in pairs])
    within = np.array([v.mean() for v in inside]) + square - between
    whole = np.broadcast_to(l, law.shape), np.broadcast_to(r, law.shape)
    found = {
        "correlation": _correlation(law, *whole),
        "spearman": _correlation(law, *(_ranks(law, v) for v in whole)),
        "crossing": -within[1] / between[1],
    }
    for size in SIZES:
        one, both, two = within / size + between
        found[f"corpora.{size}"] = both / math.sqrt(one * two)
    return found


def _cooling(population: Population) -> Truths:
    """Steps are numbered as the analysis numbers them: by what stands behind the temperature, warm to cool."""
    law, l = population.law, population.log_prior[:, None]
    rewards = population.log_aligned[:, None] - l, population.named[:, None]
    means = [(law * v).sum(axis=2).mean(axis=0) for v in (l, *rewards)]
    plain, cut = (2, 0, 1), (3, 4)  # the settings of Pair.chains
    found: Truths = {}
    for number, (warm, cool) in enumerate([*itertools.pairwise(plain), cut]):
        likelihood, reward, named = (float(v[cool] - v[warm]) for v in means)
        found |= {
            f"cooling.{number}.mean_log_prior": likelihood,
            f"cooling.{number}.mean_reward": reward,
            f"cooling.{number}.slope": reward / likelihood,
            f"cooling.{number}.rewards.mean": named,
            f"cooling.{number}.rewards.slope": named / likelihood,
        }
    return found


def gibbs_truths(population: Population) -> Truths:
    """Of every interval of a ``GibbsAnalysis``."""
    l, a = population.log_prior, population.log_aligned
    prior, law, r, named = np.exp(l), np.exp(a), a - l, population.named

    def cov(one: Floats, two: Floats) -> float:
        means = [(law * v).sum(axis=1) for v in (one, two, one * two)]
        return float((means[2] - means[0] * means[1]).mean())

    acceptance = float(_acceptances(prior, np.exp(r)).mean())
    return {
        "mean_log_prior": float((law * l).sum(axis=1).mean()),
        "mean_reward": float((law * r).sum(axis=1).mean()),
        "prior_mean_log_prior": float((prior * l).sum(axis=1).mean()),
        "prior_mean_reward": float((prior * r).sum(axis=1).mean()),
        "log_partition": 0.0,
        "exchange_coefficient": cov(l, -a) / cov(a, a),
        "within_correlation": cov(l, r) / math.sqrt(cov(l, l) * cov(r, r)),
        "acceptance": acceptance,
        "chain_acceptance": acceptance,
        "effective_share": float((1 / (law * np.exp(r)).sum(axis=1)).mean()),
        "rewards.mean": float((law * named).sum(axis=1).mean()),
        "rewards.correlation": cov(l, named) / math.sqrt(cov(l, l) * cov(named, named)),
        "rewards.slope": cov(named, a) / cov(l, a),
    }


__all__ = ["Truths", "gibbs_truths", "pair_truths"]
