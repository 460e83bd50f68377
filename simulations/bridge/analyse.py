"""The claims on stored samples: what adaptors did to likelihood and reward on this pair, with intervals over prompts.

Everything is conditional on the prompt: L = log p(y | x), I = -log p+(y | x), and R = -(L + I) is the secret reward
log p+/p, in nats. A string cut at the length limit is the event that a string begins with its tokens;
the claims hold of the law of such events as of any other.

Strings after one prompt share it, so prompts are the independent units: an interval is the delete-one-prompt jackknife
with Student's t at (prompts - 1) degrees of freedom. It says how far the number would move with other prompts of the
same kind.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from simulations.arrays import Floats
from simulations.bridge.estimates import (
    LEVEL,
    NOISE,
    Strings,
    acceptance,
    exchange_coefficient,
    identification,
    jackknife,
    largest_over_mean,
    mean_of,
    pearson,
    per_prompt,
    secret,
    spearman,
    verdict_of,
    within_correlation,
    within_prompts,
)
from simulations.bridge.gibbs import gibbs
from simulations.bridge.guard import guarded
from simulations.bridge.key import RunKey, rounding_of, run_key
from simulations.bridge.store import Store, StoreError
from theory.adaptors.exact import Chain, chain
from theory.arithmetic.exact import rational, to_float
from theory.report.records import CoolingStep, Estimate, GibbsAnalysis, PairAnalysis, PooledSettings, SettingEstimates

SIZES = (1, 10, 100, 1000)
"""Corpora of so many strings, each from one adaptor."""


def of_setting(strings: Strings, number: int, steps: Chain) -> SettingEstimates:
    """What one setting did: means, divergence, exchange coefficient, correlations, and the chain that corrects it.

    The budget's residual is the largest |log w - log p+ / T| of a string: with it E L + E R + H(q) = -KL(q || p+) and
    KL(q || p+) = -E sum log c (at T = 1) come out of what was stored at every step.
    """
    own = strings.of(strings.setting == number)

    def log_q(s: Strings) -> Floats:
        return np.asarray(s.log_weight[number] - s.log_normaliser[number])

    def weights(s: Strings) -> Floats:
        return np.asarray(s.log_normaliser[number])

    def estimate(statistic: Callable[[Strings], float]) -> Estimate:
        return jackknife(own, statistic)

    power = math.prod((1 / to_float(step.value) for step in steps if step.name == "temperature"), start=1.0)
    low, high = identification(own)
    return SettingEstimates(
        mean_log_prior=estimate(mean_of(lambda s: s.log_prior)),
        mean_reward=estimate(mean_of(secret)),
        entropy=estimate(mean_of(lambda s: -log_q(s))),
        kl_to_aligned=estimate(mean_of(lambda s: log_q(s) - s.log_aligned)),
        exchange_coefficient=estimate(exchange_coefficient),
        within_correlation=estimate(within_correlation),
        correlation=estimate(pearson),
        spearman=estimate(spearman),
        acceptance=estimate(lambda s: per_prompt(s, lambda t: acceptance(weights(t)))),
        mean_external_reward=estimate(mean_of(lambda s: s.reward)) if np.isfinite(own.reward).all() else None,
        strings=len(own),
        ended=float(own.ended.mean()),
        tokens=float(own.length.mean()),
        largest_weight_seen=per_prompt(own, lambda s: largest_over_mean(weights(s))),
        identification=(low, high) if np.isfinite([low, high]).all() else None,
        budget_residual=_finite(float(np.abs(own.log_weight[number] - power * own.log_aligned).max())),
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


@dataclass(frozen=True, slots=True)
class CovarianceParts:
    """W, the mean covariance matrix within settings, and B, that of their means: (Var L, Cov, Var R), nats^2."""

    within: tuple[float, float, float]
    between: tuple[float, float, float]

    @staticmethod
    def of(strings: Strings) -> CovarianceParts:
        """Within prompts, each setting as likely as the others."""
        l, r = within_prompts(strings, strings.log_prior), within_prompts(strings, secret(strings))
        settings = np.unique(strings.setting)
        groups = [strings.setting == s for s in settings]
        within = np.mean([np.cov(l[g], r[g], ddof=0)[[0, 0, 1], [0, 1, 1]] for g in groups], axis=0)
        means = np.array([[l[g].mean(), r[g].mean()] for g in groups])
        between = np.cov(means.T, ddof=0)[[0, 0, 1], [0, 1, 1]] if len(settings) > 1 else np.zeros(3)
        one, two, three = (float(v) for v in within)
        four, five, six = (float(v) for v in between)
        return CovarianceParts((one, two, three), (four, five, six))

    def without_noise(self, settings: int, strings: int) -> CovarianceParts:
        """B less what the means of so many settings owe to the noise of so many strings each; a variance may turn < 0.

        A mean's own covariance is W / (strings - 1), of which (1 - 1/settings) shows between the means.
        """
        if strings < 2:
            return self
        share = (1 - 1 / settings) / (strings - 1)
        one, two, three = (b - w * share for w, b in zip(self.within, self.between, strict=True))
        return CovarianceParts(self.within, (one, two, three))

    def correlation(self, size: int) -> float:
        """Corr(Lbar, Rbar) over corpora of so many strings, each corpus from one setting."""
        var_l, cov, var_r = (w / size + b for w, b in zip(self.within, self.between, strict=True))
        return cov / math.sqrt(var_l * var_r) if min(var_l, var_r) > NOISE else np.nan

    @property
    def crossing(self) -> float | None:
        """N* = -W/B; None where the covariance keeps its sign at every N >= 1."""
        w, b = self.within[1], self.between[1]
        return -w / b if w * b < 0 and abs(w) > abs(b) else None


def pooled(strings: Strings) -> PooledSettings:
    """What pooling the settings does to the correlation, string by string and corpus by corpus."""
    parts = _parts(strings)
    return PooledSettings(
        correlation=jackknife(strings, pearson),
        spearman=jackknife(strings, spearman),
        within_cov=_finite(parts.within[1]),
        between_cov=_finite(parts.between[1]),
        crossing=parts.crossing,
        corpora={str(size): jackknife(strings, _corpora_of(size)) for size in SIZES},
    )


def _corpora_of(size: int) -> Callable[[Strings], float]:
    return lambda strings: _parts(strings).correlation(size)


def _parts(strings: Strings) -> CovarianceParts:
    settings = len(np.unique(strings.setting))
    return CovarianceParts.of(strings).without_noise(settings, len(strings) // settings)


def cooling(strings: Strings, chains: Sequence[Chain]) -> tuple[CoolingStep, ...]:
    """For every adaptor sampled at two temperatures: what the cooler one did to E L and E R, and the slope between."""
    behind: dict[Chain, list[tuple[float, int]]] = {}
    for number, steps in enumerate(chains):
        warmed = bool(steps) and steps[0].name == "temperature"
        temperature = to_float(steps[0].value) if warmed else 1.0
        behind.setdefault(steps[1:] if warmed else steps, []).append((temperature, number))
    found = []
    for rest, members in behind.items():
        members.sort(reverse=True)
        for (warm, one), (cool, two) in itertools.pairwise(members):
            found.append(_step(strings, rest, (warm, one), (cool, two)))
    return tuple(found)


def _step(strings: Strings, rest: Chain, warm: tuple[float, int], cool: tuple[float, int]) -> CoolingStep:
    both = strings.of((strings.setting == warm[1]) | (strings.setting == cool[1]))

    def change(values: Callable[[Strings], Floats]) -> Callable[[Strings], float]:
        mean = mean_of(values)
        return lambda s: mean(s.of(s.setting == cool[1])) - mean(s.of(s.setting == warm[1]))

    likelihood, reward = change(lambda s: s.log_prior), change(secret)
    return CoolingStep(
        behind=tuple((step.name, str(step.value)) for step in rest),
        warm=warm[0],
        cool=cool[0],
        mean_log_prior=jackknife(both, likelihood),
        mean_reward=jackknife(both, reward),
        slope=jackknife(both, lambda s: reward(s) / likelihood(s) if likelihood(s) != 0 else np.nan),
    )


def trades_locally(step: CoolingStep) -> str:
    """Whether one step of cooling, as it was sampled, moved E L and E R apart: yes, no, or undecided."""
    signs = []
    for change in (step.mean_log_prior, step.mean_reward):
        if change.low is None or change.high is None or change.low <= 0 <= change.high:
            return "undecided"
        signs.append(change.low > 0)
    return "no" if signs[0] == signs[1] else "yes"


def analyse(store: Store) -> PairAnalysis | GibbsAnalysis:
    """Everything that is said of a run; what is infinite or below the models' rounding is None, with a note.

    Raises:
        StoreError: the run is not finished, a shard is damaged, or key.json is.
    """
    key = run_key(store)
    strings = Strings.read(store)
    if key.run.aligned is None:
        return GibbsAnalysis(
            key=store.key,
            run=key.run,
            device=key.device,
            strings=len(strings),
            tokens=int(strings.length.sum()),
            level=LEVEL,
            gibbs=gibbs(strings, key.run.beta),
        )
    # a prior that rules a drawn string out gives infinities, which come out as None
    with np.errstate(invalid="ignore"):
        found = _pair(store, key, replace(strings, reward=strings.reward / to_float(rational(key.run.beta))))
        same = key.models.get("prior", 0) == key.models.get("aligned", 1)
        return guarded(found, strings, rounding_of(store), same=same)


def _pair(store: Store, key: RunKey, strings: Strings) -> PairAnalysis:
    try:
        chains = tuple(chain(*steps) for steps in key.run.chains)
    except ValueError:
        raise StoreError(f"{store.folder / 'key.json'}: is damaged; the run cannot be analysed without it") from None
    settings = tuple(of_setting(strings, number, steps) for number, steps in enumerate(chains))
    steps = cooling(strings, chains)
    plain = next((step for step in steps if not step.behind and step.warm == 1), None)
    base = next((own.exchange_coefficient for own, steps in zip(settings, chains, strict=True) if not steps), None)
    return PairAnalysis(
        key=store.key,
        run=key.run,
        device=key.device,
        strings=len(strings),
        tokens=int(strings.length.sum()),
        level=LEVEL,
        settings=settings,
        pooled=pooled(strings),
        cooling=steps,
        trades=None if base is None else verdict_of(base),
        trades_locally=None if plain is None else trades_locally(plain),
        exchange_slope=-(1 + base.value) / base.value if base is not None and base.value else None,
        reward_in="nats",
    )
