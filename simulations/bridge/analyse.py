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
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from simulations.arrays import Floats
from simulations.bridge.estimates import (
    LEVEL,
    NOISE,
    Estimate,
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
from simulations.bridge.store import Store, StoreError
from theory.adaptors.exact import Chain, chain
from theory.arithmetic.exact import to_float

SIZES = (1, 10, 100, 1000)
"""Corpora of so many strings, each from one adaptor."""


def of_setting(strings: Strings, number: int, steps: Chain) -> dict[str, Any]:
    """What one setting did: means, divergence, exchange coefficient, correlations, and the chain that corrects it.

    The budget's residual is the largest |log w - log p+ / T| of a string: with it E L + E R + H(q) = -KL(q || p+) and
    KL(q || p+) = -E sum log c (at T = 1) come out of what was stored at every step.
    """
    own = strings.of(strings.setting == number)

    def log_q(s: Strings) -> Floats:
        return np.asarray(s.log_weight[number] - s.log_normaliser[number])

    def weights(s: Strings) -> Floats:
        return np.asarray(s.log_normaliser[number])

    numbers: dict[str, Callable[[Strings], float]] = {
        "mean_log_prior": mean_of(lambda s: s.log_prior),
        "mean_reward": mean_of(secret),
        "entropy": mean_of(lambda s: -log_q(s)),
        "kl_to_aligned": mean_of(lambda s: log_q(s) - s.log_aligned),
        "exchange_coefficient": exchange_coefficient,
        "within_correlation": within_correlation,
        "correlation": pearson,
        "spearman": spearman,
        "acceptance": lambda s: per_prompt(s, lambda t: acceptance(weights(t))),
    }
    if np.isfinite(own.reward).all():
        numbers["mean_external_reward"] = mean_of(lambda s: s.reward)
    found = {name: asdict(jackknife(own, statistic)) for name, statistic in numbers.items()}
    power = math.prod((1 / to_float(step.value) for step in steps if step.name == "temperature"), start=1.0)
    residual = float(np.abs(own.log_weight[number] - power * own.log_aligned).max())
    largest = per_prompt(own, lambda s: largest_over_mean(weights(s)))
    low, high = identification(own)
    return found | {
        "strings": len(own),
        "ended": float(own.ended.mean()),
        "tokens": float(own.length.mean()),
        "largest_weight_seen": largest,
        "identification": [low, high] if np.isfinite([low, high]).all() else None,
        "budget_residual": residual,
    }


@dataclass(frozen=True, slots=True)
class Parts:
    """W, the mean covariance matrix within settings, and B, that of their means: (Var L, Cov, Var R), nats^2."""

    within: tuple[float, float, float]
    between: tuple[float, float, float]

    @staticmethod
    def of(strings: Strings) -> Parts:
        """Within prompts, each setting as likely as the others."""
        l, r = within_prompts(strings, strings.log_prior), within_prompts(strings, secret(strings))
        settings = np.unique(strings.setting)
        groups = [strings.setting == s for s in settings]
        within = np.mean([np.cov(l[g], r[g], ddof=0)[[0, 0, 1], [0, 1, 1]] for g in groups], axis=0)
        means = np.array([[l[g].mean(), r[g].mean()] for g in groups])
        between = np.cov(means.T, ddof=0)[[0, 0, 1], [0, 1, 1]] if len(settings) > 1 else np.zeros(3)
        one, two, three = (float(v) for v in within)
        four, five, six = (float(v) for v in between)
        return Parts((one, two, three), (four, five, six))

    def without_noise(self, settings: int, strings: int) -> Parts:
        """B less what the means of so many settings owe to the noise of so many strings each; a variance may turn < 0.

        A mean's own covariance is W / (strings - 1), of which (1 - 1/settings) shows between the means.
        """
        if strings < 2:
            return self
        share = (1 - 1 / settings) / (strings - 1)
        one, two, three = (b - w * share for w, b in zip(self.within, self.between, strict=True))
        return Parts(self.within, (one, two, three))

    def correlation(self, size: int) -> float:
        """Corr(Lbar, Rbar) over corpora of so many strings, each corpus from one setting."""
        var_l, cov, var_r = (w / size + b for w, b in zip(self.within, self.between, strict=True))
        return cov / math.sqrt(var_l * var_r) if min(var_l, var_r) > NOISE else np.nan

    @property
    def crossing(self) -> float | None:
        """N* = -W/B; None where the covariance keeps its sign at every N >= 1."""
        w, b = self.within[1], self.between[1]
        return -w / b if w * b < 0 and abs(w) > abs(b) else None


def pooled(strings: Strings) -> dict[str, Any]:
    """What pooling the settings does to the correlation, string by string and corpus by corpus."""
    parts = _parts(strings)
    return {
        "correlation": asdict(jackknife(strings, pearson)),
        "spearman": asdict(jackknife(strings, spearman)),
        "within_cov": parts.within[1],
        "between_cov": parts.between[1],
        "crossing": parts.crossing,
        "corpora": {str(size): asdict(jackknife(strings, _corpora_of(size))) for size in SIZES},
    }


def _corpora_of(size: int) -> Callable[[Strings], float]:
    return lambda strings: _parts(strings).correlation(size)


def _parts(strings: Strings) -> Parts:
    settings = len(np.unique(strings.setting))
    return Parts.of(strings).without_noise(settings, len(strings) // settings)


def cooling(strings: Strings, chains: Sequence[Chain]) -> list[dict[str, Any]]:
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
    return found


def _step(strings: Strings, rest: Chain, warm: tuple[float, int], cool: tuple[float, int]) -> dict[str, Any]:
    both = strings.of((strings.setting == warm[1]) | (strings.setting == cool[1]))

    def change(values: Callable[[Strings], Floats]) -> Callable[[Strings], float]:
        mean = mean_of(values)
        return lambda s: mean(s.of(s.setting == cool[1])) - mean(s.of(s.setting == warm[1]))

    likelihood, reward = change(lambda s: s.log_prior), change(secret)
    return {
        "behind": [[step.name, str(step.value)] for step in rest],
        "from": warm[0],
        "to": cool[0],
        "mean_log_prior": asdict(jackknife(both, likelihood)),
        "mean_reward": asdict(jackknife(both, reward)),
        "slope": asdict(jackknife(both, lambda s: reward(s) / likelihood(s) if likelihood(s) != 0 else np.nan)),
    }


def trades_locally(step: dict[str, Any]) -> str:
    """Whether one step of cooling, as it was sampled, moved E L and E R apart: yes, no, or undecided."""
    signs = []
    for name in ("mean_log_prior", "mean_reward"):
        low, high = step[name]["low"], step[name]["high"]
        if low is None or high is None or low <= 0 <= high:
            return "undecided"
        signs.append(low > 0)
    return "no" if signs[0] == signs[1] else "yes"


def analyse(store: Store) -> dict[str, Any]:
    """Everything that is said of a run.

    Raises:
        StoreError: the run is not finished, or a shard is damaged.
    """
    configuration = store.configuration
    try:
        run = configuration["run"]
        chains = tuple(chain(*((name, value) for name, value in steps)) for steps in run["chains"])
        _, _, device = run["aligned"], run["beta"], configuration["models"].get("device")
    except (KeyError, TypeError, AttributeError, ValueError):
        raise StoreError(f"{store.folder / 'key.json'}: is damaged; the run cannot be analysed without it") from None
    strings = Strings.read(store)
    head = {
        "key": store.key,
        "run": configuration["run"],
        "device": device,
        "strings": len(strings),
        "tokens": int(strings.length.sum()),
        "level": LEVEL,
    }
    if configuration["run"]["aligned"] is None:
        return head | {"gibbs": gibbs(strings, configuration["run"]["beta"])}
    settings = [of_setting(strings, number, steps) for number, steps in enumerate(chains)]
    base = next((number for number, steps in enumerate(chains) if not steps), None)
    found = head | {
        "settings": settings,
        "pooled": pooled(strings),
        "cooling": cooling(strings, chains),
        "trades": None,
        "trades_locally": None,
        "exchange_slope": None,
    }
    plain = next((step for step in found["cooling"] if not step["behind"] and step["from"] == 1), None)
    if plain is not None:
        found["trades_locally"] = trades_locally(plain)
    if base is not None:
        b = Estimate(**settings[base]["exchange_coefficient"])
        found["trades"] = verdict_of(b)
        found["exchange_slope"] = None if not b.value else -(1 + b.value) / b.value
    return found
