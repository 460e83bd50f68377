"""Tests and intervals that hold at every sample size, and the ledger that says how much error they may spend.

Nothing here is asymptotic. A test's alpha bounds the probability of a false alarm for every number of draws, so that
an alarm at alpha = 1e-6 is one.

- one event: the exact binomial law (Clopper and Pearson 1934, Biometrika 26);
- a law on K outcomes: P(N KL(p^ || p) >= x) <= e^-x (e x / d)^d for x > d = K - 1 (Agrawal 2020, arXiv:1904.02291);
- a law, looked at again and again: the Dirichlet mixture, a martingale under the law (Ville 1939; Robbins 1970);
- a distribution function: Dvoretzky, Kiefer and Wolfowitz, with Massart's constant (1990);
- a bounded mean: the empirical Bernstein bound (Maurer and Pontil 2009, arXiv:0907.3740, theorem 4).

Each comes with the number of draws that finds a stated discrepancy with a stated power. Those are guarantees too,
not approximations, and so a little larger than what is needed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import SupportsFloat

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

BUDGET = 1e-6
"""The probability of any false alarm in one run of all comparisons."""


@dataclass(frozen=True, slots=True)
class Interval:
    """[low, high] with the probability ``alpha`` that it misses.

    >>> 0.5 in Interval(0.4, 0.6, 1e-6)
    True
    """

    low: float
    high: float
    alpha: float

    def __contains__(self, value: object) -> bool:
        return isinstance(value, SupportsFloat) and self.low <= float(value) <= self.high

    @property
    def width(self) -> float:
        """high - low."""
        return self.high - self.low


@dataclass(slots=True)
class Ledger:
    """Hands out error probabilities until the budget is spent.

    Args:
        budget: the sum of all alphas, by the union bound the probability of any false alarm.
        entries: (what for, alpha), in the order of spending.
    """

    budget: float = BUDGET
    entries: list[tuple[str, float]] = field(default_factory=list)

    @property
    def spent(self) -> float:
        """The sum of what was drawn."""
        return math.fsum(alpha for _, alpha in self.entries)

    def draw(self, name: str, alpha: float) -> float:
        """Spend ``alpha`` on ``name`` and return it.

        Raises:
            ValueError: alpha is not > 0, or less than that is left.
        """
        if not alpha > 0:
            raise ValueError(f"{name}: alpha must be > 0, got {alpha}")
        if self.spent + alpha > self.budget * (1 + 1e-9):
            raise ValueError(f"{name} asks for {alpha:.3g}, but {self.budget - self.spent:.3g} of the budget is left")
        self.entries.append((name, alpha))
        return alpha

    def share(self, name: str, parts: int) -> float:
        """Spend one of ``parts`` >= 1 equal parts of the whole budget.

        Raises:
            ValueError: fewer parts than one.
        """
        if parts < 1:
            raise ValueError(f"{name}: the budget has at least one part, got {parts}")
        return self.draw(name, self.budget / parts)


# --- one event ----------------------------------------------------------------------------------------------------


def clopper_pearson(successes: int, trials: int, alpha: float) -> Interval:
    """The probabilities that the exact binomial law does not reject, each tail at alpha / 2.

    >>> clopper_pearson(0, 10, 0.05).high < 0.31
    True

    Raises:
        ValueError: not 0 <= successes <= trials, or alpha not in (0, 1).
    """
    _check_shares(alpha=alpha)
    if not 0 <= successes <= trials or trials < 1:
        raise ValueError(f"0 <= successes <= trials and trials >= 1, got {successes} of {trials}")
    low = float(special.betaincinv(successes, trials - successes + 1, alpha / 2)) if successes else 0.0
    high = float(special.betainccinv(successes + 1, trials - successes, alpha / 2)) if successes < trials else 1.0
    return Interval(low, high, alpha)


def binomial_p_value(successes: int, trials: int, prob: float) -> float:
    """Twice the smaller tail of Binomial(trials, prob) at ``successes``, at most 1.

    It is below alpha exactly where ``prob`` lies outside ``clopper_pearson(successes, trials, alpha)``.
    """
    below = float(stats.binom.cdf(successes, trials, prob))
    above = float(stats.binom.sf(successes - 1, trials, prob))
    return min(1.0, 2 * min(below, above))


def event_sample_size(prob: float, other: float, alpha: float, power: float) -> int:
    """Draws after which a test at alpha of ``prob`` rejects, with this power, where ``other`` is the truth.

    Chernoff on both sides: with a threshold t between, e^(-n kl(t || prob)) <= alpha / 2 and e^(-n kl(t || other)) <=
    1 - power; t is where both ask for the same n.

    Args:
        prob: in (0, 1); an event that is impossible or certain is refuted by the first draw against it.
        other: in [0, 1].
        alpha: of the interval.
        power: with which a wrong one is noticed.

    Raises:
        ValueError: not so, or the two are closer than 1e-6, where rounding decides.
    """
    _check_shares(prob=prob, alpha=alpha, power=power)
    if not 0 <= other <= 1:
        raise ValueError(f"other must lie in [0, 1], got {other}")
    if abs(prob - other) < 1e-6:
        raise ValueError(f"the discrepancy must be at least 1e-6, got {abs(prob - other):.3g}")
    one, two = math.log(2 / alpha), -math.log1p(-power)

    def excess(t: float) -> float:
        return _bernoulli_divergence(t, prob) * two - _bernoulli_divergence(t, other) * one

    threshold = float(optimize.brentq(excess, *sorted((prob, other)), xtol=1e-15))
    return math.ceil(one / _bernoulli_divergence(threshold, prob))


def _check_shares(**shares: float) -> None:
    for name, value in shares.items():
        if not 0 < value < 1:
            raise ValueError(f"{name} must lie in (0, 1), got {value}")


def _bernoulli_divergence(one: float, two: float) -> float:
    return float(special.rel_entr(one, two) + special.rel_entr(1 - one, 1 - two))


# --- a law on K outcomes ------------------------------------------------------------------------------------------


def half_g(counts: Counts, prob: Floats) -> float:
    """x = G / 2 = N KL(p^ || p) = sum_i n_i log(n_i / (N p_i)), nats; infinite where an impossible outcome was drawn.

    Args:
        counts: n >= 0, shape (K,).
        prob: p >= 0, shape (K,), summing to 1 within 1e-9; divided by its sum.

    Raises:
        ValueError: a negative count, or probabilities that are none.
    """
    whole = float(prob.sum())
    if not (abs(whole - 1) <= 1e-9 and (prob >= 0).all()):
        raise ValueError(f"probabilities must be >= 0 and sum to 1, got a sum of {whole}")
    if (counts < 0).any():
        raise ValueError(f"a count must be >= 0, got {counts.min()}")
    total = int(counts.sum())
    return max(0.0, float(special.rel_entr(counts.astype(np.float64), total * (prob / whole)).sum()))


def g_p_value(x: float, outcomes: int) -> float:
    """An upper bound of P(N KL(p^ || p) >= x) at every N: e^-x (e x / d)^d for x > d = outcomes - 1, else 1.

    Raises:
        ValueError: x is NaN.
    """
    if math.isnan(x):
        raise ValueError("the statistic is NaN: a count or a probability is")
    d = outcomes - 1
    if d == 0:
        return 1.0 if x <= 0 else 0.0
    if math.isinf(x):
        return 0.0
    return math.exp(d - x + d * math.log(x / d)) if x > d else 1.0


def g_critical(outcomes: int, alpha: float) -> float:
    """The x at which ``g_p_value`` is alpha: a test that rejects beyond has level alpha.

    >>> round(g_critical(32, 1e-6), 1)
    70.1
    """
    d = outcomes - 1
    if d == 0:
        return 0.0

    def excess(x: float) -> float:
        return x - d - d * math.log(x / d) + math.log(alpha)

    return float(optimize.brentq(excess, d, d + 10 * (d - math.log(alpha)), xtol=1e-9))


def law_sample_size(outcomes: int, distance: float, alpha: float, power: float) -> int:
    """Draws after which the G test at alpha finds every law at this total variation distance, with this power.

    On the event A where the truth exceeds p by the distance, p^(A) falls short of it by more than
    sqrt(log(1 / (1 - power)) / 2n) with probability 1 - power (Hoeffding); then KL(p^ || p) >= 2 TV(p^, p)^2 (Pinsker)
    reaches the critical value if n >= (sqrt(x) + sqrt(log 1 / (1 - power)))^2 / (2 distance^2).

    Raises:
        ValueError: the distance is not in (0, 1].
    """
    _check_shares(alpha=alpha, power=power)
    if not 0 < distance <= 1:
        raise ValueError(f"a total variation distance lies in (0, 1], got {distance}")
    root = math.sqrt(g_critical(outcomes, alpha)) + math.sqrt(-math.log1p(-power))
    return math.ceil(root**2 / (2 * distance**2))


def log_e_value(counts: Counts, prob: Floats, prior: float = 0.5) -> float:
    """log of the Dirichlet mixture's likelihood over that of ``prob``: a martingale of mean 1 under ``prob`` > 0.

    E = Gamma(K a) / Gamma(n + K a) prod_i Gamma(n_i + a) / Gamma(a) / p_i^{n_i}. At any number of draws, chosen while
    looking, P(E ever reaches 1 / alpha) <= alpha. Infinite where an impossible outcome was drawn; where one could have
    been, a supermartingale, with the same bound.

    Args:
        counts: shape (K,).
        prob: shape (K,).
        prior: a > 0 for each outcome; 1/2 is Jeffreys'.
    """
    total, size = float(counts.sum()), len(counts)
    mixture = special.gammaln(size * prior) - special.gammaln(total + size * prior)
    mixture += float((special.gammaln(counts + prior) - special.gammaln(prior)).sum())
    return float(mixture - special.xlogy(counts, prob).sum())


# --- a distribution function --------------------------------------------------------------------------------------


def dkw_radius(draws: int, alpha: float) -> float:
    """sup |F_n - F| exceeds sqrt(log(2 / alpha) / 2n) with probability at most alpha, whatever F is."""
    return math.sqrt(math.log(2 / alpha) / (2 * draws))


def distribution_distance(values: Floats, support: Floats, prob: Floats) -> float:
    """sup_x |F_n(x) - F(x)| for a law F on finitely many points.

    Args:
        values: draws; each is compared with the points by <=.
        support: shape (K,), ascending.
        prob: shape (K,).

    Raises:
        ValueError: no draws.
    """
    if not len(values):
        raise ValueError("no draws have no distribution function")
    ordered = np.sort(values)
    empirical = np.searchsorted(ordered, support, side="right") / len(values)
    before = np.searchsorted(ordered, support, side="left") / len(values)
    exact = np.cumsum(prob)
    gaps = np.abs(empirical - exact), np.abs(before - np.append(0.0, exact[:-1]))
    return float(max(gap.max() for gap in gaps))


def dkw_sample_size(distance: float, alpha: float, power: float) -> int:
    """Draws after which a true sup-distance in (0, 1) is found: the radius and the truth's own radius fit into it."""
    _check_shares(distance=distance, alpha=alpha, power=power)
    root = math.sqrt(math.log(2 / alpha)) + math.sqrt(math.log(2 / (1 - power)))
    return math.ceil(root**2 / (2 * distance**2))


# --- a bounded mean -----------------------------------------------------------------------------------------------


def empirical_bernstein(values: Floats, low: float, high: float, alpha: float) -> Interval:
    """mean +- [sqrt(2 V l / n) + 7 (high - low) l / (3 (n - 1))] for the mean of values in [low, high].

    V is the sample variance, l = log(4 / alpha).

    Args:
        values: independent draws, shape (n,).
        low: no value is below.
        high: no value is above.
        alpha: how often the interval may miss the mean.

    Raises:
        ValueError: fewer than 2 values, or one outside [low, high] (names the first).
    """
    return empirical_bernstein_of(_summary(values, low, high), low, high, alpha)


@dataclass(frozen=True, slots=True)
class Summary:
    """n values' mean and sample variance: all that an interval for their mean needs."""

    count: int
    mean: float
    variance: float


def _summary(values: Floats, low: float, high: float) -> Summary:
    if len(values) < 2:
        raise ValueError(f"a sample variance needs 2 values, got {len(values)}")
    slack = 1e-9 * (high - low) + 4 * np.finfo(np.float64).eps * max(abs(low), abs(high))
    inside = (values >= low - slack) & (values <= high + slack)
    if not inside.all():
        first = int(np.flatnonzero(~inside)[0])
        raise ValueError(f"value {first} is {values[first]}, outside the stated range [{low}, {high}]")
    return Summary(len(values), min(max(float(values.mean()), low), high), float(values.var(ddof=1)))


def empirical_bernstein_of(summary: Summary, low: float, high: float, alpha: float) -> Interval:
    """``empirical_bernstein`` from the summary."""
    log_term = math.log(4 / alpha)
    radius = math.sqrt(2 * summary.variance * log_term / summary.count)
    radius += 7 * (high - low) * log_term / (3 * (summary.count - 1))
    return Interval(max(low, summary.mean - radius), min(high, summary.mean + radius), alpha)


def mean_sample_size(deviation: float, spread: float, difference: float, alpha: float, power: float) -> int:
    """Draws after which the empirical Bernstein interval excludes a mean that is off by ``difference``.

    With probability ``power`` the sample deviation is at most deviation + spread sqrt(2 l / (n - 1)) and the sample
    mean within Bernstein's bound of the truth; n is the least at which the two radii fit into the difference.

    Args:
        deviation: of one value.
        spread: high - low.
        difference: > 0, in the same unit.
        alpha: of the interval.
        power: with which a wrong mean is noticed.

    Raises:
        ValueError: a difference that is not > 0, or a share outside (0, 1).
    """
    _check_shares(alpha=alpha, power=power)
    if not difference > 0:
        raise ValueError(f"the difference must be > 0, got {difference}")
    log_alpha, log_miss = math.log(4 / alpha), math.log(4 / (1 - power))

    def fits(n: int) -> bool:
        noisy = deviation + spread * math.sqrt(2 * log_miss / (n - 1))
        radius = noisy * math.sqrt(2 * log_alpha / n) + 7 * spread * log_alpha / (3 * (n - 1))
        own = deviation * math.sqrt(2 * log_miss / n) + spread * log_miss / (3 * n)
        return radius + own <= difference

    high = 4
    while not fits(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return high


def correlation_interval(
    first: Floats, second: Floats, bounds: Sequence[tuple[float, float]], alpha: float
) -> Interval:
    """Corr(X, Y) for bounded X and Y whose means are known: three intervals of alpha / 3 put together.

    The covariance and both variances are means of products of deviations; the ends are the extreme quotients. The
    interval is [-1, 1] where a variance may be 0.

    Args:
        first: X less its known mean, shape (n,).
        second: Y less its known mean, shape (n,).
        bounds: (low, high) of each.
        alpha: how often the interval may miss.
    """
    (a, b), (c, d) = bounds
    corners = [x * y for x in (a, b) for y in (c, d)]
    cov = empirical_bernstein(first * second, min(corners), max(corners), alpha / 3)
    spread = [max(low * low, high * high) for low, high in bounds]
    variances = [
        empirical_bernstein(v * v, 0.0, top, alpha / 3) for v, top in zip((first, second), spread, strict=True)
    ]
    least = math.sqrt(variances[0].low * variances[1].low)
    most = math.sqrt(variances[0].high * variances[1].high)
    if least <= 0:
        return Interval(-1.0, 1.0, alpha)
    low = cov.low / (most if cov.low > 0 else least)
    high = cov.high / (least if cov.high > 0 else most)
    return Interval(max(-1.0, low), min(1.0, high), alpha)


__all__ = [
    "BUDGET",
    "Interval",
    "Ledger",
    "Summary",
    "binomial_p_value",
    "clopper_pearson",
    "correlation_interval",
    "distribution_distance",
    "dkw_radius",
    "dkw_sample_size",
    "empirical_bernstein",
    "empirical_bernstein_of",
    "event_sample_size",
    "g_critical",
    "g_p_value",
    "half_g",
    "law_sample_size",
    "log_e_value",
    "mean_sample_size",
]
