"""What is estimated of each prompt from its strings without bias: moments, acceptance rates, ranks.

A number that is not linear in a law, such as a variance, a ratio or an acceptance rate, has a bias of order 1 / strings
when it is computed from the strings of one prompt, and no interval over prompts can see that. So variances and
covariances are U-statistics, which have no bias, and ratios are corrected by leaving out one string at a time, which
leaves a bias of order 1 / strings^2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from simulations.arrays import Floats, Index, Mask
from simulations.estimation.strings import Strings


@dataclass(frozen=True, slots=True, eq=False)
class Prompts:
    """Which string belongs to which prompt.

    Args:
        names: the prompts' numbers, in order, shape (P,).
        place: of each string's prompt among them, shape (n,).
        count: strings of each, shape (P,).
    """

    names: Index
    place: Index
    count: Index

    @staticmethod
    def of(strings: Strings) -> Prompts:
        """Of the strings' own prompts."""
        names, place, count = np.unique(strings.prompt, return_inverse=True, return_counts=True)
        return Prompts(names, place, count)

    def __len__(self) -> int:
        return len(self.names)

    @property
    def strings(self) -> float:
        """Strings a prompt, on average."""
        return float(self.count.mean()) if len(self) else 0.0

    def sums(self, values: Floats) -> Floats:
        """Of a number a string, shape (P,)."""
        found: Floats = np.bincount(self.place, weights=values, minlength=len(self)).astype(np.float64)
        return found

    def means(self, values: Floats) -> Floats:
        """E[v | x], without bias, shape (P,)."""
        found: Floats = self.sums(values) / self.count
        return found

    def centred(self, values: Floats) -> Floats:
        """The values less their mean within the prompt, shape (n,)."""
        found: Floats = values - self.means(values)[self.place]
        return found

    def largest(self, values: Floats) -> Floats:
        """The largest value of every prompt, shape (P,)."""
        found = np.full(len(self), -np.inf)
        np.maximum.at(found, self.place, values)
        return found

    def scaled(self, log_weight: Floats) -> Floats:
        """Weights over the largest of their prompt, shape (n,)."""
        found: Floats = np.exp(log_weight - self.largest(log_weight)[self.place])
        return found

    def covs(self, first: Floats, second: Floats) -> Floats:
        """Cov(v, w | x) without bias, of prompts with two strings or more, shape (at most P,)."""
        products = self.sums(self.centred(first) * self.centred(second))
        several = self.count > 1
        found: Floats = products[several] / (self.count[several] - 1)
        return found

    def corrected(self, statistic: Callable[..., Floats], *columns: Floats) -> Floats:
        """A function of sums over a prompt's strings, less its bias of order 1 / strings; NaN for a single string.

        n f(all) - (n - 1) mean of f(without one string): M. H. Quenouille, "Notes on bias in estimation", Biometrika
        43, 1956.

        Args:
            statistic: of (the columns' sums, the number of strings), arrays of one shape.
            columns: one number a string each, shape (n,).
        """
        sums = [self.sums(column) for column in columns]
        whole = statistic(*sums, self.count)
        with np.errstate(invalid="ignore", divide="ignore"):
            others = [total[self.place] - column for total, column in zip(sums, columns, strict=True)]
            left = self.means(statistic(*others, self.count[self.place] - 1))
            found = self.count * whole - (self.count - 1) * left
        return np.where(self.count > 1, found, np.nan)


def acceptances(prompts: Prompts, log_weight: Floats) -> Floats:
    """E min(w, w') / E w of independent strings of each prompt, less its bias of order 1 / strings, shape (P,).

    The acceptance of independent Metropolis-Hastings at its target; two strings that are drawn are not the same draw.
    NaN for fewer than three strings.
    """
    order = np.lexsort((log_weight, prompts.place))
    place, count = prompts.place[order], prompts.count[prompts.place[order]]
    weight = prompts.scaled(log_weight)[order]
    start = np.cumsum(prompts.count) - prompts.count
    rank = np.arange(len(order)) - start[place]
    below = np.cumsum(weight)
    before = (below - weight)[start][place]
    # the sum over strings j of min(w, w_j), the string itself included
    least = below - before + weight * (count - 1 - rank)
    total, mass = np.bincount(place, weights=least), np.bincount(place, weights=weight)
    with np.errstate(invalid="ignore", divide="ignore"):
        whole = (total - mass) / ((prompts.count - 1) * mass)
        left = (total[place] - 2 * least + weight - (mass[place] - weight)) / ((count - 2) * (mass[place] - weight))
        mean_left = np.bincount(place, weights=left) / prompts.count
        found = prompts.count * whole - (prompts.count - 1) * mean_left
    return np.where(prompts.count > 2, found, np.nan)


def largest_over_mean(prompts: Prompts, log_weight: Floats) -> float:
    """The largest weight over the mean, mean over prompts."""
    scaled = prompts.scaled(log_weight)
    return float((1 / prompts.means(scaled)).mean())


def relative_variance(prompts: Prompts, log_weight: Floats) -> float:
    """Var w / (E w)^2, mean over prompts: strings over effective strings, less 1."""
    scaled = prompts.scaled(log_weight)
    return float((prompts.means(scaled**2) / prompts.means(scaled) ** 2 - 1).mean())


def strings_needed(prompts: Prompts, log_weight: Floats, share: float) -> int:
    """Strings a prompt that an estimate by weights needs: share P^(1/4) Var w / (E w)^2.

    What leaving out one string does not remove is of order (Var w / n)^2; an interval over P prompts shrinks like
    P^(-1/2). The shares are measured, so that an interval covers where there are as many: docs/results/coverage.md.
    """
    needed = share * len(prompts) ** 0.25 * relative_variance(prompts, log_weight)
    return int(np.ceil(needed)) if np.isfinite(needed) else 0


def total(prompts: Prompts, first: Floats, second: Floats) -> Floats:
    """Jackknife pseudo-values of the covariance over strings of all prompts, shape (P,); their mean has no bias.

    Cov = E E[v w | x] - (E E[v | x]) (E E[w | x]), the product over pairs of different prompts.
    """
    size = len(prompts)
    one, two, both = (prompts.means(v) for v in (first, second, first * second))
    same = one * two

    def covariance(sums: list[Floats], count: int) -> Floats:
        a, b, ab, diagonal = sums
        return ab / count - (a * b - diagonal) / (count * (count - 1))

    if size < 3:
        return np.full(size, np.nan)
    columns = (one, two, both, same)
    sums = [v.sum() for v in columns]
    without = covariance([s - v for s, v in zip(sums, columns, strict=True)], size - 1)
    found: Floats = size * covariance(sums, size) - (size - 1) * without
    return found


GROUPS = 64
"""Groups of prompts, at most, that are left out in turn where nothing shorter is known."""


def rank_moments(prompts: Prompts, first: Floats, second: Floats) -> tuple[Floats, Floats, Floats]:
    """Pseudo-values of (Cov, Var, Var) of mid-ranks over all strings, by leaving out a prompt or a group of them."""
    group = prompts.place % min(GROUPS, len(prompts))
    groups = int(group.max()) + 1 if len(group) else 0
    codes = [np.unique(v, return_inverse=True)[1] for v in (first, second)]

    def moments(kept: slice | Mask) -> Floats:
        ranks = [_mid_ranks(code[kept]) for code in codes]
        one, two = (rank - rank.mean() for rank in ranks)
        return np.array([(one * two).mean(), (one**2).mean(), (two**2).mean()])

    whole = moments(slice(None))
    if groups < 2:
        return tuple(whole[:, None])
    left = np.array([moments(group != g) for g in range(groups)])
    return tuple((groups * whole - (groups - 1) * left).T)


def _mid_ranks(codes: Index) -> Floats:
    """(#{less} + #{equal} / 2) / n of integers that keep the order."""
    counts = np.bincount(codes)
    middle = (np.cumsum(counts) - counts / 2) / len(codes)
    found: Floats = middle[codes]
    return found


__all__ = [
    "Prompts",
    "acceptances",
    "largest_over_mean",
    "rank_moments",
    "relative_variance",
    "strings_needed",
    "total",
]
