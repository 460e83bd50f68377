"""Estimates with jackknife intervals over prompts: means, correlations, exchange coefficients, acceptance."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import stats

from simulations.arrays import Floats, Index, Mask
from simulations.bridge.key import run_key
from simulations.bridge.store import Store
from theory.report.records import Estimate

LEVEL = 0.95


@dataclass(frozen=True, slots=True, eq=False)
class Strings:
    """The stored strings, one entry each, shapes (n,); sums over tokens, nats.

    Args:
        setting, prompt: indices.
        log_prior: L.
        log_aligned: -I; NaN in a Gibbs run.
        log_weight, log_normaliser: of every setting, shape (settings, n).
        reward: of the text, reward units; NaN for the secret reward.
        length: tokens.
        ended: False for a string cut at the limit.
    """

    setting: Index
    prompt: Index
    log_prior: Floats
    log_aligned: Floats
    log_weight: Floats
    log_normaliser: Floats
    reward: Floats
    length: Index
    ended: Mask

    @staticmethod
    def read(store: Store) -> Strings:
        """All shards of a finished run.

        Raises:
            StoreError: a shard is missing or damaged, or key.json is.
        """
        table = pa.concat_tables([store.read(shard) for shard in range(store.shards)])
        settings = len(run_key(store).run.chains)
        whole = f"log_weight_{settings - 1}" in table.column_names
        return Strings(
            setting=table["setting"].to_numpy().astype(np.int64),
            prompt=table["prompt"].to_numpy().astype(np.int64),
            log_prior=_sums(table["log_prior"]),
            log_aligned=_sums(table["log_aligned"]) if whole else np.full(len(table), np.nan),
            log_weight=_rows([_sums(table[f"log_weight_{k}"]) for k in range(settings if whole else 0)], len(table)),
            log_normaliser=_rows(
                [_sums(table[f"log_normaliser_{k}"]) for k in range(settings if whole else 0)], len(table)
            ),
            reward=table["reward"].to_numpy(zero_copy_only=False).astype(np.float64),
            length=pc.list_value_length(table["tokens"]).to_numpy().astype(np.int64),
            ended=table["ended"].to_numpy(zero_copy_only=False).astype(bool),
        )

    def of(self, chosen: Mask | Index) -> Strings:
        """Some of them."""
        return Strings(
            self.setting[chosen],
            self.prompt[chosen],
            self.log_prior[chosen],
            self.log_aligned[chosen],
            self.log_weight[:, chosen],
            self.log_normaliser[:, chosen],
            self.reward[chosen],
            self.length[chosen],
            self.ended[chosen],
        )

    def __len__(self) -> int:
        return len(self.setting)


def _sums(column: pa.ChunkedArray) -> Floats:
    lengths = pc.list_value_length(column).to_numpy().astype(np.int64)
    flat = pc.list_flatten(column).to_numpy().astype(np.float64)
    found, filled = np.zeros(len(lengths)), lengths > 0
    if filled.any():
        found[filled] = np.add.reduceat(flat, (np.cumsum(lengths) - lengths)[filled])
    return found


def _rows(rows: list[Floats], size: int) -> Floats:
    return np.stack(rows) if rows else np.zeros((0, size))


def jackknife(strings: Strings, statistic: Callable[[Strings], float]) -> Estimate:
    """A statistic with its delete-one-prompt jackknife interval; without one for fewer than three prompts."""
    value = statistic(strings)
    prompts = np.unique(strings.prompt)
    if not np.isfinite(value):
        return Estimate(None, None, None)
    if len(prompts) < 3:
        return Estimate(value, None, None)
    left = np.array([statistic(strings.of(strings.prompt != prompt)) for prompt in prompts])
    if not np.isfinite(left).all():
        return Estimate(value, None, None)
    count = len(prompts)
    error = float(np.sqrt((count - 1) / count * ((left - left.mean()) ** 2).sum()))
    radius = float(stats.t.ppf((1 + LEVEL) / 2, count - 1)) * error
    return Estimate(value, value - radius, value + radius)


def within_prompts(strings: Strings, values: Floats) -> Floats:
    """The values less their mean within each prompt."""
    _, place = np.unique(strings.prompt, return_inverse=True)
    level: Floats = np.bincount(place, weights=values) / np.bincount(place)
    centred: Floats = values - level[place]
    return centred


def mean_of(values: Callable[[Strings], Floats]) -> Callable[[Strings], float]:
    """The mean over prompts of the mean within each."""

    def statistic(strings: Strings) -> float:
        _, place = np.unique(strings.prompt, return_inverse=True)
        return float((np.bincount(place, weights=values(strings)) / np.bincount(place)).mean())

    return statistic


def secret(strings: Strings) -> Floats:
    """R = log p+ - log p, nats."""
    return strings.log_aligned - strings.log_prior


def exchange_coefficient(strings: Strings) -> float:
    """b = Cov(L, I) / Var(I), within prompts."""
    surprisal = within_prompts(strings, -strings.log_aligned)
    variance = float((surprisal**2).mean())
    cov = float((within_prompts(strings, strings.log_prior) * surprisal).mean())
    return cov / variance if variance > NOISE else np.nan


NOISE = 1e-12
"""Variances below this, nats^2, are rounding."""


def _correlation(first: Floats, second: Floats) -> float:
    one, two = first - first.mean(), second - second.mean()
    var_one, var_two = float((one**2).mean()), float((two**2).mean())
    return float((one * two).mean()) / math.sqrt(var_one * var_two) if min(var_one, var_two) > NOISE else np.nan


def within_correlation(strings: Strings) -> float:
    """rho_w: Pearson's correlation of L and R within prompts."""
    return _correlation(within_prompts(strings, strings.log_prior), within_prompts(strings, secret(strings)))


def pearson(strings: Strings) -> float:
    """Pearson's correlation of L and R over strings of all prompts."""
    return _correlation(strings.log_prior, secret(strings))


def spearman(strings: Strings) -> float:
    """Spearman's correlation of L and R over strings of all prompts."""
    return _correlation(stats.rankdata(strings.log_prior), stats.rankdata(secret(strings)))


def prompt_share(strings: Strings) -> float:
    """e^2 = Var_x E[L | x] / Var L on these strings; with n of them after each prompt it is high by (1 - e^2) / n."""
    variance = float(strings.log_prior.var())
    within = float((within_prompts(strings, strings.log_prior) ** 2).mean())
    return 1 - within / variance if variance > NOISE else np.nan


def identification(strings: Strings) -> tuple[float, float]:
    """Where Corr(L, R) may lie if the reward is known only up to a function of the prompt; a point for one prompt."""
    rho, share = within_correlation(strings), prompt_share(strings)
    if len(np.unique(strings.prompt)) == 1:
        return rho, rho
    near, far = float(np.sqrt(share)), float(np.sqrt(share + (1 - share) * rho**2))
    return (-near, far) if rho > 0 else (-far, near)


def _gini_acceptance(log_weight: Floats) -> float:
    """1 - Gini of weights known up to a factor: the acceptance of a chain at its target that proposes these alike."""
    weight = np.sort(np.exp(log_weight - log_weight.max()))
    count = len(weight)
    return float((weight * (2 * (count - np.arange(count)) - 1)).sum() / (count * weight.sum()))


def acceptance(log_weight: Floats) -> float:
    """The same over pairs of different strings: of a law of very many strings, a string is not proposed to itself."""
    count = len(log_weight)
    return (count * _gini_acceptance(log_weight) - 1) / (count - 1) if count > 1 else np.nan


def largest_over_mean(log_weight: Floats) -> float:
    """The largest weight over the mean."""
    return float(1 / np.exp(log_weight - log_weight.max()).mean())


def per_prompt(strings: Strings, statistic: Callable[[Strings], float]) -> float:
    """The mean over prompts of a statistic of the strings after each."""
    return float(np.mean([statistic(strings.of(strings.prompt == x)) for x in np.unique(strings.prompt)]))


def verdict_of(b: Estimate) -> str:
    """yes where the interval of b lies outside [-1, 0], no where it lies inside, else undecided."""
    if b.low is None or b.high is None:
        return "undecided"
    if b.high < -1 or b.low > 0:
        return "yes"
    return "no" if b.low >= -1 and b.high <= 0 else "undecided"
