"""Corpora that draw their adaptor anew: covariance within and between settings, Simpson's N*, and their intervals.

A corpus draws a setting k, all alike, and then N strings by it, each after a prompt of its own. With a_k(x) the mean of
(L, R) by setting k after prompt x, less the mean over settings, Cov(Lbar, Rbar) = W / N + B:

    W = mean over k of (E Cov_k(L, R | x) + Cov_x(a_k(x)))
    B = mean over k of E[a_k(x)] E[a_k(x)]^T

Every product of means is taken over pairs of different prompts, and what the noise of the strings adds to the square of
a mean is subtracted, so that W and B have no bias: neither the strings nor the settings' own way with a prompt is taken
for a difference between settings.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simulations.arrays import Floats
from simulations.estimation import intervals
from simulations.estimation.prompts import Prompts, rank_moments, total
from simulations.estimation.strings import Strings, secret
from theory.report.records import Estimate, PooledSettings

SIZES = (1, 10, 100, 1000)
"""Corpora of so many strings, each from one adaptor."""


RANKED = 16
"""Prompts that the interval of a rank correlation needs."""

SETTLED = 0.15
"""The standard error of B over W / N + B, of both variances, up to which the interval of a correlation covers."""


@dataclass(frozen=True, slots=True, eq=False)
class CovarianceParts:
    """W and B as jackknife pseudo-values over prompts, whose means have no bias: (Var L, Cov, Var R), nats^2.

    Args:
        within, between: shape (P, 3).
    """

    within: Floats
    between: Floats

    @staticmethod
    def of(strings: Strings) -> CovarianceParts:
        """From prompts with two strings or more by every setting."""
        count, mean, cov = _cells(strings)
        whole = (count > 1).all(axis=1)
        count, mean, cov = count[whole], mean[whole], cov[whole]
        prompts, settings = count.shape
        if prompts < 2:
            nothing = np.full((prompts, 3), np.nan)
            return CovarianceParts(nothing, nothing)
        gaps = mean - mean.mean(axis=1, keepdims=True)
        noise = cov / count[:, :, None]
        # of a_k(x) as estimated, mean over k: (1 - 1/K) of the mean noise of one cell
        noisy = noise.mean(axis=1) * (1 - 1 / settings)
        own = _outer(gaps).mean(axis=1)
        per_prompt = np.concatenate((cov.mean(axis=1) + own - noisy, own), axis=1)

        def parts(sums: Floats, gap_sums: Floats, size: int) -> Floats:
            within, squares = sums[..., :3] / size, sums[..., 3:]
            pairs = (_outer(gap_sums).mean(axis=-2) - squares) / (size * (size - 1))
            return np.concatenate((within - pairs, pairs), axis=-1)

        sums, gap_sums = per_prompt.sum(axis=0), gaps.sum(axis=0)
        found = parts(sums, gap_sums, prompts)
        if prompts < 3:
            pseudo = np.tile(found, (prompts, 1))
        else:
            pseudo = prompts * found - (prompts - 1) * parts(sums - per_prompt, gap_sums - gaps, prompts - 1)
        return CovarianceParts(pseudo[:, :3], pseudo[:, 3:])

    def correlation(self, size: int) -> Estimate:
        """Corr(Lbar, Rbar) over corpora of so many strings, each corpus from one setting.

        Where B is known too badly for the variances W / size + B, there is no interval.
        """
        var_l, cov, var_r = (self.within / size + self.between).T
        found = intervals.correlation(cov, var_l, var_r)
        if found.value is None or found.low is None:
            return found
        noise = max(
            float(b.std(ddof=1)) / abs(float(v.mean()))
            for b, v in ((self.between[:, 0], var_l), (self.between[:, 2], var_r))
        )
        needed = math.ceil((noise / SETTLED) ** 2)
        return found if len(cov) >= needed else intervals.without_interval(found.value, needed)

    @property
    def crossing(self) -> Estimate:
        """N* = -W / B: where the covariance changes its sign if N* > 1; it keeps it at every N >= 1 if N* < 1."""
        return intervals.ratio(-self.within[:, 1], self.between[:, 1])


def _outer(means: Floats) -> Floats:
    """(l^2, l r, r^2) of pairs in the last axis."""
    l, r = means[..., 0], means[..., 1]
    return np.stack((l * l, l * r, r * r), axis=-1)


def _cells(strings: Strings) -> tuple[Floats, Floats, Floats]:
    """Of every prompt and setting: strings, shape (P, K); mean (L, R), (P, K, 2); and covariance matrix, (P, K, 3)."""
    prompts = Prompts.of(strings)
    names, setting = np.unique(strings.setting, return_inverse=True)
    cell, shape = prompts.place * len(names) + setting, (len(prompts), len(names))

    def sums(values: Floats) -> Floats:
        found: Floats = np.bincount(cell, weights=values, minlength=shape[0] * shape[1]).astype(np.float64)
        return found

    with np.errstate(invalid="ignore", divide="ignore"):
        count = sums(np.ones(len(strings)))
        columns = (strings.log_prior, secret(strings))
        means = [sums(v) / count for v in columns]
        l, r = (v - m[cell] for v, m in zip(columns, means, strict=True))
        covs = [sums(v) / (count - 1) for v in (l * l, l * r, r * r)]
    return count.reshape(shape), np.stack(means, axis=-1).reshape(*shape, 2), np.stack(covs, axis=-1).reshape(*shape, 3)


def pooled(strings: Strings) -> PooledSettings:
    """What pooling the settings does to the correlation, string by string and corpus by corpus."""
    parts, prompts = CovarianceParts.of(strings), Prompts.of(strings)
    return PooledSettings(
        correlation=pearson(prompts, strings),
        spearman=spearman(prompts, strings),
        within_cov=_finite(parts.within[:, 1]),
        between_cov=_finite(parts.between[:, 1]),
        crossing=parts.crossing if len(np.unique(strings.setting)) > 1 else None,
        corpora={str(size): parts.correlation(size) for size in SIZES},
    )


def pearson(prompts: Prompts, strings: Strings) -> Estimate:
    """Pearson's correlation of L and R over strings of all prompts, prompts alike."""
    l, r = strings.log_prior, secret(strings)
    return intervals.correlation(total(prompts, l, r), total(prompts, l, l), total(prompts, r, r))


def spearman(prompts: Prompts, strings: Strings) -> Estimate:
    """Spearman's correlation of L and R over strings of all prompts."""
    if not (np.isfinite(strings.log_prior).all() and np.isfinite(strings.log_aligned).all()):
        return intervals.NOTHING
    found = intervals.correlation(*rank_moments(prompts, strings.log_prior, secret(strings)))
    if found.value is None or len(prompts) >= RANKED:
        return found
    return intervals.without_interval(found.value, RANKED)


def _finite(values: Floats) -> float | None:
    mean = float(values.mean()) if len(values) else np.nan
    return mean if np.isfinite(mean) else None


__all__ = ["SIZES", "CovarianceParts", "pearson", "pooled", "spearman"]
