"""What ``probqual analyse`` estimates from few strings a prompt: its expectation, against sums over every sample.

Runs are small on purpose: a bias of order 1 / strings, and prompts that differ in what settings do to them, then show.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator

import numpy as np

from simulations.agreement.comparison import Comparison, event, mean
from simulations.agreement.known import Known
from simulations.agreement.setting import Experiment, Setting
from simulations.arrays import Floats, Index
from simulations.estimation.prompts import Prompts
from simulations.estimation.strings import Strings
from theory.examples.finite import table

STRINGS = 3
"""A prompt."""


@functools.cache
def two() -> Known:
    """Two strings: p = (1, 3)/4 and e^R = (4, 1)."""
    return Known.of("two strings", table((1, 3), (4, 1)))


def prompts_of(runs: int, strings: int = STRINGS) -> Prompts:
    """So many prompts with so many strings each."""
    return Prompts(np.arange(runs), np.repeat(np.arange(runs), strings), np.full(runs, strings))


def expectation(prob: Floats, strings: int, statistic: Callable[[Index], float]) -> float:
    """Of a symmetric statistic of independent strings: a sum over multisets of their numbers."""
    found = 0.0
    for chosen in itertools.combinations_with_replacement(range(len(prob)), strings):
        counts = np.bincount(chosen, minlength=len(prob))
        orders = math.factorial(strings) / math.prod(math.factorial(int(c)) for c in counts)
        found += orders * float(np.prod(prob**counts)) * statistic(np.array(chosen))
    return found


def covariance(setting: Setting) -> Iterator[Comparison]:
    """Cov(L, I) after one prompt, from three strings, without bias."""
    rng, known = setting.rng("covariance"), two()
    string = setting.parts.strings(setting.aligned(known), setting.draws * STRINGS, rng=rng)
    l, i, prob = known.log_prior, known.surprisal, known.prob
    exact = float(prob @ (l * i) - (prob @ l) * (prob @ i))
    found = setting.parts.covs(prompts_of(setting.draws), l[string], i[string])
    bound = float(np.ptp(l) * np.ptp(i)) * STRINGS / (STRINGS - 1)
    yield mean("adaptors.exchange", "Two strings, from 3 strings: Cov(L, I)", exact, found, (-bound, bound))


def _left_out(statistic: Callable[[Index], float], strings: Index) -> float:
    """n f(all) - (n - 1) mean of f(without one)."""
    left = [statistic(np.delete(strings, k)) for k in range(len(strings))]
    return len(strings) * statistic(strings) - (len(strings) - 1) * float(np.mean(left))


def tilted_mean(setting: Setting) -> Iterator[Comparison]:
    """E R under p+ from three strings of the prior by their weights, with a string left out at a time."""
    rng, known = setting.rng("tilted"), two()
    weight, reward = np.exp(known.reward), known.reward
    string = setting.parts.strings(known.prior, setting.draws * STRINGS, rng=rng)
    exact = expectation(
        known.prior, STRINGS, lambda s: _left_out(lambda k: (weight[k] * reward[k]).sum() / weight[k].sum(), s)
    )
    columns = weight[string], (weight * reward)[string]
    found = setting.parts.corrected(prompts_of(setting.draws), lambda w, v, _: v / w, *columns)
    spread = float(np.ptp(reward))
    bounds = float(reward.min()) - STRINGS * spread, float(reward.max()) + STRINGS * spread
    yield mean("alignment.gibbs", "Two strings, from 3 strings of the prior: E R, corrected", exact, found, bounds)


def acceptance(setting: Setting) -> Iterator[Comparison]:
    """The acceptance from prior to p+ from three strings, which are not proposed to themselves."""
    rng, known = setting.rng("few"), two()
    string = setting.parts.strings(known.prior, setting.draws * STRINGS, rng=rng)
    weight = np.exp(known.reward)

    def pairs(k: Index) -> float:
        return float(np.mean([min(a, b) for a, b in itertools.permutations(weight[k], 2)]) / weight[k].mean())

    exact = expectation(known.prior, STRINGS, lambda s: _left_out(pairs, s))
    found = setting.parts.acceptances(prompts_of(setting.draws), known.reward[string])
    bounds = (-float(STRINGS), float(STRINGS))
    yield mean(
        "metropolis.acceptance", "Two strings, from 3 strings of the prior: acceptance, corrected", exact, found, bounds
    )


def settings_and_prompts(setting: Setting) -> Iterator[Comparison]:
    """B of Cov(Lbar, Rbar) = W/N + B: two settings that differ on each prompt, in opposite ways, but not over both."""
    rng, known = setting.rng("between"), two()
    runs, prompts = setting.corpora // 2, 3
    l, r = _way(known, "up"), _way(known, "down")
    prompt, kind = np.repeat(np.arange(prompts), 4), rng.integers(2, size=(runs, prompts))
    number = np.tile([0, 0, 1, 1], prompts)
    # |a_k(x)| is at most half of 2 and what the strings add
    bound = (1 + float(np.ptp(l))) * (1 + float(np.ptp(r)))
    found = []
    for row in kind:
        string = setting.parts.strings(known.prob, len(prompt), rng=rng)
        moved = np.where(row[prompt] == number, 2.0, 0.0)
        found.append(float(setting.parts.between(_strings(prompt, number, l[string] + moved, r[string] - moved))[1]))
    yield mean(
        "simpson.crossing", "Two strings, 2 settings, 3 prompts, 2 strings: B", 0.0, np.array(found), (-bound, bound)
    )


def _way(known: Known, which: str) -> Floats:
    values = known.log_prior if which == "up" else known.reward
    centred: Floats = (values - known.prob @ values) / 20
    return centred


def _strings(prompt: Index, number: Index, log_prior: Floats, reward: Floats) -> Strings:
    size = len(prompt)
    zeros = np.zeros((2, size))
    return Strings(
        number,
        prompt,
        log_prior,
        log_prior + reward,
        zeros,
        zeros,
        np.zeros(size),
        np.ones(size, dtype=np.int64),
        np.ones(size, dtype=bool),
    )


def slope(setting: Setting) -> Iterator[Comparison]:
    """Fieller's set of dE R/dE L from eight prompts, whose changes are normal and may be 0: it holds the slope."""
    rng, held = setting.rng("slope of a set"), []
    for likelihood, reward in rng.normal(size=(setting.corpora, 2, 8)) + np.array([[0.5], [2.0]]):
        found = setting.parts.quotient(reward, likelihood)
        if found.low is not None and found.high is not None:
            held.append(found.low <= 4 <= found.high)
        else:
            held.append(found.outside is None or not found.outside[0] < 4 < found.outside[1])
    yield event("adaptors.local-global", "8 normal prompts: a 95 % set holds the slope", 0.95, np.array(held))


EXPERIMENTS: tuple[Experiment, ...] = (covariance, tilted_mean, acceptance, settings_and_prompts, slope)

__all__ = ["EXPERIMENTS", "expectation"]
