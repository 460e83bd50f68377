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
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy import stats

from simulations.bridge.store import Store, StoreError
from theory.adaptors import Chain, chain
from theory.exact import rational, to_float

Floats = NDArray[np.float64]
Index = NDArray[np.int64]
Mask = NDArray[np.bool_]

LEVEL = 0.95
SIZES = (1, 10, 100, 1000)
"""Corpora of so many strings, each from one adaptor."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval; all None where it does not exist on these samples."""

    value: float | None
    low: float | None
    high: float | None


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
            StoreError: a shard is missing or damaged.
        """
        table = pa.concat_tables([store.read(shard) for shard in range(store.shards)])
        settings = len(store.configuration["run"]["chains"])
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


# --- intervals ----------------------------------------------------------------------------------------------------


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


def _by_prompt(strings: Strings, values: Floats) -> Floats:
    """The values less their mean within each prompt."""
    _, place = np.unique(strings.prompt, return_inverse=True)
    level: Floats = np.bincount(place, weights=values) / np.bincount(place)
    centred: Floats = values - level[place]
    return centred


def _mean(values: Callable[[Strings], Floats]) -> Callable[[Strings], float]:
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
    surprisal = _by_prompt(strings, -strings.log_aligned)
    variance = float((surprisal**2).mean())
    cov = float((_by_prompt(strings, strings.log_prior) * surprisal).mean())
    return cov / variance if variance > _NOISE else np.nan


_NOISE = 1e-12
"""Variances below this, nats^2, are rounding."""


def _correlation(first: Floats, second: Floats) -> float:
    one, two = first - first.mean(), second - second.mean()
    var_one, var_two = float((one**2).mean()), float((two**2).mean())
    return float((one * two).mean()) / math.sqrt(var_one * var_two) if min(var_one, var_two) > _NOISE else np.nan


def within_correlation(strings: Strings) -> float:
    """rho_w: Pearson's correlation of L and R within prompts."""
    return _correlation(_by_prompt(strings, strings.log_prior), _by_prompt(strings, secret(strings)))


def pearson(strings: Strings) -> float:
    """Pearson's correlation of L and R over strings of all prompts."""
    return _correlation(strings.log_prior, secret(strings))


def spearman(strings: Strings) -> float:
    """Spearman's correlation of L and R over strings of all prompts."""
    return _correlation(stats.rankdata(strings.log_prior), stats.rankdata(secret(strings)))


def prompt_share(strings: Strings) -> float:
    """e^2 = Var_x E[L | x] / Var L on these strings; with n of them after each prompt it is high by (1 - e^2) / n."""
    variance = float(strings.log_prior.var())
    within = float((_by_prompt(strings, strings.log_prior) ** 2).mean())
    return 1 - within / variance if variance > _NOISE else np.nan


def identification(strings: Strings) -> tuple[float, float]:
    """Where Corr(L, R) may lie if the reward is known only up to a function of the prompt; a point for one prompt."""
    rho, share = within_correlation(strings), prompt_share(strings)
    if len(np.unique(strings.prompt)) == 1:
        return rho, rho
    near, far = float(np.sqrt(share)), float(np.sqrt(share + (1 - share) * rho**2))
    return (-near, far) if rho > 0 else (-far, near)


# --- one setting --------------------------------------------------------------------------------------------------


def _gini_acceptance(log_weight: Floats) -> float:
    """1 - Gini of weights known up to a factor: the acceptance of a chain at its target that proposes these alike."""
    weight = np.sort(np.exp(log_weight - log_weight.max()))
    count = len(weight)
    return float((weight * (2 * (count - np.arange(count)) - 1)).sum() / (count * weight.sum()))


def acceptance(log_weight: Floats) -> float:
    """The same over pairs of different strings: of a law of very many strings, a string is not proposed to itself."""
    count = len(log_weight)
    return (count * _gini_acceptance(log_weight) - 1) / (count - 1) if count > 1 else np.nan


def _largest(log_weight: Floats) -> float:
    """The largest weight over the mean."""
    return float(1 / np.exp(log_weight - log_weight.max()).mean())


def _per_prompt(strings: Strings, statistic: Callable[[Strings], float]) -> float:
    return float(np.mean([statistic(strings.of(strings.prompt == x)) for x in np.unique(strings.prompt)]))


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
        "mean_log_prior": _mean(lambda s: s.log_prior),
        "mean_reward": _mean(secret),
        "entropy": _mean(lambda s: -log_q(s)),
        "kl_to_aligned": _mean(lambda s: log_q(s) - s.log_aligned),
        "exchange_coefficient": exchange_coefficient,
        "within_correlation": within_correlation,
        "correlation": pearson,
        "spearman": spearman,
        "acceptance": lambda s: _per_prompt(s, lambda t: acceptance(weights(t))),
    }
    if np.isfinite(own.reward).all():
        numbers["mean_external_reward"] = _mean(lambda s: s.reward)
    found = {name: asdict(jackknife(own, statistic)) for name, statistic in numbers.items()}
    power = math.prod((1 / to_float(step.value) for step in steps if step.name == "temperature"), start=1.0)
    residual = float(np.abs(own.log_weight[number] - power * own.log_aligned).max())
    largest = _per_prompt(own, lambda s: _largest(weights(s)))
    low, high = identification(own)
    return found | {
        "strings": len(own),
        "ended": float(own.ended.mean()),
        "tokens": float(own.length.mean()),
        "largest_weight_seen": largest,
        "identification": [low, high] if np.isfinite([low, high]).all() else None,
        "budget_residual": residual,
    }


# --- all settings -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Parts:
    """W, the mean covariance matrix within settings, and B, that of their means: (Var L, Cov, Var R), nats^2."""

    within: tuple[float, float, float]
    between: tuple[float, float, float]

    @staticmethod
    def of(strings: Strings) -> Parts:
        """Within prompts, each setting as likely as the others."""
        l, r = _by_prompt(strings, strings.log_prior), _by_prompt(strings, secret(strings))
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
        return cov / math.sqrt(var_l * var_r) if min(var_l, var_r) > _NOISE else np.nan

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
        mean = _mean(values)
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


# --- verdicts -----------------------------------------------------------------------------------------------------


def verdict_of(b: Estimate) -> str:
    """yes where the interval of b lies outside [-1, 0], no where it lies inside, else undecided."""
    if b.low is None or b.high is None:
        return "undecided"
    if b.high < -1 or b.low > 0:
        return "yes"
    return "no" if b.low >= -1 and b.high <= 0 else "undecided"


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


# --- a prior tilted by a reward -----------------------------------------------------------------------------------


def gibbs(strings: Strings, beta: str) -> dict[str, Any]:
    """The aligned law p e^{r / beta} / Z from strings of the prior: by weights, and by a chain over them."""
    reward = strings.reward / to_float(rational(beta))
    tilted = replace(strings, log_aligned=strings.log_prior + reward, reward=reward)
    estimate = jackknife(tilted, _tilted_exchange)
    statistics: dict[str, Callable[[Strings], float]] = {
        "mean_log_prior": lambda s: float(_tilted_weights(s) @ s.log_prior),
        "mean_reward": lambda s: float(_tilted_weights(s) @ s.reward),
        "prior_mean_log_prior": _mean(lambda s: s.log_prior),
        "prior_mean_reward": _mean(lambda s: s.reward),
        "log_partition": lambda s: _per_prompt(s, _log_partition),
        "exchange_coefficient": _tilted_exchange,
        "within_correlation": _tilted_correlation,
        "acceptance": lambda s: _per_prompt(s, lambda t: acceptance(t.reward)),
        "chain_acceptance": lambda s: _per_prompt(s, _chained),
        "effective_share": lambda s: _per_prompt(s, _effective_share),
    }
    return {name: asdict(jackknife(tilted, statistic)) for name, statistic in statistics.items()} | {
        "largest_weight_seen": _per_prompt(tilted, lambda s: _largest(s.reward)),
        "ended": float(strings.ended.mean()),
        "tokens": float(strings.length.mean()),
        "trades": verdict_of(estimate),
    }


def _tilted_weights(strings: Strings) -> Floats:
    """Each string's share of p+ given its prompt, prompts alike; ``reward`` is R."""
    _, place = np.unique(strings.prompt, return_inverse=True)
    top = np.full(place.max() + 1, -np.inf)
    np.maximum.at(top, place, strings.reward)
    raw: Floats = np.exp(strings.reward - top[place])
    return raw / np.bincount(place, weights=raw)[place] / len(np.unique(place))


def _tilted_centred(strings: Strings, values: Floats) -> Floats:
    """Values less their mean under p+ given the prompt."""
    _, place = np.unique(strings.prompt, return_inverse=True)
    share = _tilted_weights(strings)
    level: Floats = np.bincount(place, weights=share * values) / np.bincount(place, weights=share)
    return np.asarray(values - level[place], dtype=np.float64)


def _tilted_exchange(strings: Strings) -> float:
    """b under p+."""
    surprisal = _tilted_centred(strings, -strings.log_aligned)
    share = _tilted_weights(strings)
    variance = float(share @ surprisal**2)
    cov = float(share @ (_tilted_centred(strings, strings.log_prior) * surprisal))
    return cov / variance if variance > _NOISE else np.nan


def _tilted_correlation(strings: Strings) -> float:
    """Corr(L, R) within prompts under p+."""
    l, r = _tilted_centred(strings, strings.log_prior), _tilted_centred(strings, strings.reward)
    share = _tilted_weights(strings)
    var_l, var_r = float(share @ l**2), float(share @ r**2)
    return float(share @ (l * r)) / math.sqrt(var_l * var_r) if min(var_l, var_r) > _NOISE else np.nan


def _log_partition(strings: Strings) -> float:
    """log of the mean of e^R."""
    return float(strings.reward.max()) - math.log(_largest(strings.reward))


def _effective_share(strings: Strings) -> float:
    """(sum w)^2 / sum w^2, as a share of the strings."""
    share = np.exp(strings.reward - strings.reward.max())
    return float(share.sum() ** 2 / (share**2).sum()) / len(strings)


def _chained(strings: Strings) -> float:
    """How often one chain over the strings in their order accepts, after its first tenth."""
    uniforms = np.random.default_rng([len(strings), int(strings.prompt[0])]).random(len(strings))
    state, accepted = strings.reward[0], []
    for reward, uniform in zip(strings.reward[1:], uniforms[1:], strict=True):
        taken = bool(np.log1p(-uniform) < reward - state)
        state = reward if taken else state
        accepted.append(taken)
    return float(np.mean(accepted[len(accepted) // 10 :]))


__all__ = ["Estimate", "Parts", "Strings", "analyse", "gibbs", "jackknife", "verdict_of"]
