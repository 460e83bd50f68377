"""What adaptors did to likelihood and reward, setting by setting and from one temperature to the next.

Everything is conditional on the prompt: L = log p(y | x), I = -log p+(y | x), and R = -(L + I) is the secret reward
log p+/p, in nats. A string cut at the length limit is the event that a string begins with its tokens;
the claims hold of the law of such events as of any other.

Strings after one prompt share it, so prompts are the independent units: every number is a mean over prompts, or a
function of such means, of what is estimated without bias from the strings of one prompt (prompts.py), and its interval
is over prompts (intervals.py). It says how far the number would move with other prompts of the same kind.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from simulations.arrays import Floats
from simulations.estimation import intervals
from simulations.estimation.corpora import pearson, spearman
from simulations.estimation.gibbs import accepted
from simulations.estimation.intervals import NOISE
from simulations.estimation.prompts import Prompts, largest_over_mean
from simulations.estimation.rewards import moved_apart, of_rewards, rewarded_steps
from simulations.estimation.strings import Strings, secret
from simulations.sampling.sorted_rows import is_window
from theory.adaptors.exact import Chain
from theory.arithmetic.exact import to_float
from theory.report.records import CoolingStep, Estimate, SettingEstimates


def of_setting(strings: Strings, number: int, steps: Chain) -> SettingEstimates:
    """What one setting did: means, divergence, exchange coefficient, correlations, and the chain that corrects it.

    The budget's residual is the largest |log w - log p+ / T| of a string: with it E L + E R + H(q) = -KL(q || p+) and
    KL(q || p+) = -E sum log c (at T = 1) come out of what was stored at every step. Chains that bend the law, such as
    penalties, have none.
    """
    own = strings.of(strings.setting == number)
    prompts = Prompts.of(own)
    l, r, i, log_c = own.log_prior, secret(own), -own.log_aligned, own.log_normaliser[number]
    log_q = own.log_weight[number] - log_c

    def mean(values: Floats) -> Estimate:
        return intervals.mean(prompts.means(values))

    power = math.prod((1 / to_float(step.value) for step in steps if step.name == "temperature"), start=1.0)
    residual = float(np.abs(own.log_weight[number] - power * own.log_aligned).max())
    return SettingEstimates(
        mean_log_prior=mean(l),
        mean_reward=mean(r),
        entropy=mean(-log_q),
        kl_to_aligned=mean(log_q + i),
        exchange_coefficient=exchange(prompts, l, i),
        within_correlation=within_correlation(prompts, l, r),
        correlation=pearson(prompts, own),
        spearman=spearman(prompts, own),
        acceptance=accepted(prompts, log_c),
        mean_external_reward=mean(own.reward) if np.isfinite(own.reward).all() else None,
        strings=len(own),
        ended=float(own.ended.mean()),
        tokens=float(own.length.mean()),
        largest_weight_seen=largest_over_mean(prompts, log_c),
        identification=identification(prompts, l, r),
        budget_residual=_finite(residual) if is_window(Chain(steps)) else None,
        rewards=of_rewards(own, log_q),
    )


def exchange(prompts: Prompts, log_prior: Floats, surprisal: Floats) -> Estimate:
    """b = E Cov(L, I | x) / E Var(I | x)."""
    covs = prompts.covs(log_prior, surprisal)
    return intervals.ratio(covs, prompts.covs(surprisal, surprisal), NOISE) if len(covs) else intervals.ALONE


def within_correlation(prompts: Prompts, first: Floats, second: Floats) -> Estimate:
    """rho_w = E Cov(v, w | x) / sqrt(E Var(v | x) E Var(w | x))."""
    return intervals.correlation(*(prompts.covs(a, b) for a, b in ((first, second), (first, first), (second, second))))


def prompt_share(prompts: Prompts, values: Floats) -> float:
    """e^2 = Var_x E[v | x] / Var v, cut to [0, 1]; NaN where the variance is rounding."""
    within = prompts.covs(values, values)
    means = prompts.means(values)
    if len(within) < len(prompts) or len(prompts) < 2:
        return math.nan
    inside = float(within.mean())
    between = float(means.var(ddof=1)) - float((within / prompts.count).mean())
    return max(between, 0.0) / (inside + max(between, 0.0)) if inside > NOISE else math.nan


def identification(prompts: Prompts, log_prior: Floats, reward: Floats) -> tuple[float, float] | None:
    """Where Corr(L, R) may lie if the reward is known only up to a function of the prompt; a point for one prompt."""
    rho = within_correlation(prompts, log_prior, reward).value
    if rho is None:
        return None
    if len(prompts) == 1:
        return rho, rho
    share = prompt_share(prompts, log_prior)
    near, far = math.sqrt(share), math.sqrt(share + (1 - share) * rho**2)
    if not math.isfinite(share):
        return None
    return (-near, far) if rho > 0 else (-far, near)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def cooling(strings: Strings, chains: Sequence[Chain]) -> tuple[CoolingStep, ...]:
    """For every chain sampled at two temperatures: what the cooler one did to E L and E R, and the slope between.

    The temperature stands at one place of the chain, mostly in front; a chain without one has T = 1 there.
    """
    heated: dict[tuple[Chain, int], list[tuple[float, int]]] = {}
    plain: dict[Chain, int] = {}
    for number, given in enumerate(chains):
        steps = Chain(given)
        places = [k for k, step in enumerate(steps) if step.name == "temperature"]
        if len(places) == 1:
            (place,) = places
            rest = Chain((*steps[:place], *steps[place + 1 :]))
            heated.setdefault((rest, place), []).append((to_float(steps[place].value), number))
        elif not places:
            plain[steps] = number
    order = {key: min(number for _, number in members) for key, members in heated.items()}
    found = []
    for rest, place in sorted(heated, key=lambda key: min(order[key], plain.get(key[0], len(chains)))):
        members = heated[rest, place] + ([(1.0, plain[rest])] if rest in plain else [])
        members.sort(reverse=True)
        for (warm, one), (cool, two) in itertools.pairwise(members):
            found.append(_step(strings, rest, (warm, one), (cool, two)))
    return tuple(found)


def _step(strings: Strings, rest: Chain, warm: tuple[float, int], cool: tuple[float, int]) -> CoolingStep:
    before, after = (strings.of(strings.setting == number) for _, number in (warm, cool))
    common = np.intersect1d(before.prompt, after.prompt)
    before, after = (own.of(np.isin(own.prompt, common)) for own in (before, after))
    one, two = Prompts.of(before), Prompts.of(after)
    likelihood = two.means(after.log_prior) - one.means(before.log_prior)
    reward = two.means(secret(after)) - one.means(secret(before))
    return CoolingStep(
        behind=tuple((step.name, step.setting) for step in rest),
        warm=warm[0],
        cool=cool[0],
        mean_log_prior=intervals.mean(likelihood),
        mean_reward=intervals.mean(reward),
        slope=intervals.ratio(reward, likelihood),
        rewards=rewarded_steps(before, after),
    )


def trades_locally(step: CoolingStep) -> str:
    """Whether one step of cooling, as it was sampled, moved E L and E R apart: yes, no, or undecided."""
    return moved_apart(step.mean_log_prior, step.mean_reward)


__all__ = [
    "cooling",
    "identification",
    "of_setting",
    "prompt_share",
    "trades_locally",
    "within_correlation",
]
