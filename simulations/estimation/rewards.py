"""Named rewards: what settings and steps of cooling did to each, next to what they did to likelihood.

For a setting's law q and a reward r, a small cooling of q, globally normalised, moves E L by Cov(L, log q) and E r by
Cov(r, log q), each times -dT at T = 1: d E_T[v] / d(1/T) = Cov_T(v, log q). Their quotient is the slope, and the
cooling trades where it is negative. For q = p+ and r = R it is -(1 + b) / b.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from simulations.arrays import Floats
from simulations.estimation import intervals
from simulations.estimation.intervals import NOISE
from simulations.estimation.prompts import Prompts
from simulations.estimation.strings import Strings
from theory.report.records import Estimate, RewardEstimates, RewardStep, SettingEstimates


def of_rewards(strings: Strings, log_law: Floats) -> dict[str, RewardEstimates]:
    """Every named reward of one setting's strings.

    Args:
        strings: of one setting.
        log_law: log q of each, nats, up to a constant of its prompt.
    """
    return {name: _one(strings, log_law, values) for name, values in strings.rewards.items()}


def _one(strings: Strings, log_law: Floats, values: Floats) -> RewardEstimates:
    kept = np.isfinite(values)
    own, r, log_q = strings.of(kept), values[kept], log_law[kept]
    prompts, l = Prompts.of(own), own.log_prior
    slope = slope_of(prompts.covs(r, log_q), prompts.covs(l, log_q), prompts.covs(log_q, log_q))
    if not len(own):
        none = Estimate(None, None, None, "no string has a number of this reward")
        return RewardEstimates(mean=none, correlation=none, slope=none, trades="undecided", missing=len(kept))
    return RewardEstimates(
        mean=intervals.mean(prompts.means(r)),
        correlation=intervals.correlation(prompts.covs(l, r), prompts.covs(l, l), prompts.covs(r, r)),
        slope=slope,
        trades=verdict_of_slope(slope),
        missing=int((~kept).sum()),
    )


def slope_of(reward: Floats, likelihood: Floats, variance: Floats) -> Estimate:
    """Cov(r, log q) / Cov(L, log q) over prompts; nothing where log q does not vary, so that nothing can be cooled."""
    if not len(variance):
        return intervals.ALONE
    if not float(np.mean(variance)) > NOISE:
        return intervals.NOTHING
    return intervals.ratio(reward, likelihood)


def verdict_of_slope(slope: Estimate) -> str:
    """yes where the interval of dE r / dE L is negative, no where it is positive, else undecided."""
    if slope.low is None or slope.high is None:
        return "undecided"
    return "yes" if slope.high < 0 else "no" if slope.low > 0 else "undecided"


def rewarded_steps(before: Strings, after: Strings) -> dict[str, RewardStep]:
    """What a step from the strings of one setting to those of another did to every named reward, prompt by prompt."""
    return {name: _rewarded(before, after, name) for name in before.rewards if name in after.rewards}


def _rewarded(before: Strings, after: Strings, name: str) -> RewardStep:
    one, two = (own.of(np.isfinite(own.rewards[name])) for own in (before, after))
    common = np.intersect1d(one.prompt, two.prompt)
    one, two = (own.of(np.isin(own.prompt, common)) for own in (one, two))
    warm, cool = Prompts.of(one), Prompts.of(two)
    likelihood = cool.means(two.log_prior) - warm.means(one.log_prior)
    reward = cool.means(two.rewards[name]) - warm.means(one.rewards[name])
    means = intervals.mean(likelihood), intervals.mean(reward)
    return RewardStep(mean=means[1], slope=intervals.ratio(reward, likelihood), trades=moved_apart(*means))


def moved_apart(likelihood: Estimate, reward: Estimate) -> str:
    """Whether two changes have opposite signs: yes, no, or undecided where an interval holds 0 or is none."""
    signs = []
    for change in (likelihood, reward):
        if change.low is None or change.high is None or change.low <= 0 <= change.high:
            return "undecided"
        signs.append(change.low > 0)
    return "no" if signs[0] == signs[1] else "yes"


def with_fronts(settings: tuple[SettingEstimates, ...]) -> tuple[SettingEstimates, ...]:
    """The settings, each reward, the secret one too, marked where no other has both a higher E L and a higher mean."""
    names = dict.fromkeys(name for own in settings for name in own.rewards)
    marked: list[Mapping[str, RewardEstimates]] = [dict(own.rewards) for own in settings]
    for name in names:
        for k, front in enumerate(_front([(own.mean_log_prior, own.rewards[name].mean) for own in settings])):
            marked[k] = {**marked[k], name: replace(settings[k].rewards[name], front=front)}
    secret = _front([(own.mean_log_prior, own.mean_reward) for own in settings])
    return tuple(
        replace(own, rewards=dict(rewards), front=front)
        for own, rewards, front in zip(settings, marked, secret, strict=True)
    )


def _front(means: Sequence[tuple[Estimate, Estimate]]) -> list[bool]:
    """Which of (E L, E r) no other exceeds in one of them without falling behind in the other."""
    points = [(_value(likelihood), _value(reward)) for likelihood, reward in means]
    return [
        bool(np.isfinite([l, r]).all())
        and not any(one >= l and two >= r and (one, two) != (l, r) for one, two in points)
        for l, r in points
    ]


def _value(estimate: Estimate) -> float:
    return np.nan if estimate.value is None else estimate.value


def tilted_rewards(
    strings: Strings,
    means: Callable[[Floats], Floats],
    covs: Callable[[Floats, Floats], Floats],
    checked: Callable[[Estimate], Estimate],
) -> dict[str, RewardEstimates]:
    """Every named reward under p+, from strings of the prior by their weights; none with numbers missing.

    Args:
        strings: whose log_aligned is log p+ up to a constant of the prompt.
        means: E+[v | x] of every prompt.
        covs: Cov+(v, w | x) of every prompt.
        checked: takes an interval back where the strings are too few.
    """
    l, log_q, found = strings.log_prior, strings.log_aligned, {}
    for name, r in strings.rewards.items():
        slope = checked(slope_of(covs(r, log_q), covs(l, log_q), covs(log_q, log_q)))
        found[name] = RewardEstimates(
            mean=checked(intervals.mean(means(r))),
            correlation=checked(intervals.correlation(covs(l, r), covs(l, l), covs(r, r))),
            slope=slope,
            trades=verdict_of_slope(slope),
            missing=int((~np.isfinite(r)).sum()),
        )
    return found


__all__ = [
    "moved_apart",
    "of_rewards",
    "rewarded_steps",
    "slope_of",
    "tilted_rewards",
    "verdict_of_slope",
    "with_fronts",
]
