"""Records of runs on real models: what was sampled, and the analysis that ``probqual analyse`` makes of it."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from theory.report.records.format import STRICT


@dataclass(frozen=True, slots=True, config=STRICT)
class Estimate:
    """A number with its interval; all None where it does not exist on these samples.

    Args:
        value: the number.
        low, high: its interval; None where there is none that covers.
        note: why there is none, and what would give one: "too few strings: 640 needed".
        outside: two numbers between which it does not lie, where that is all that is known.
    """

    value: float | None
    low: float | None
    high: float | None
    note: str | None = None
    outside: tuple[float, float] | None = None

    @property
    def drawn(self) -> tuple[float, float, float]:
        """(value, low, high), NaN for what there is not."""
        value, low, high = (math.nan if v is None else v for v in (self.value, self.low, self.high))
        return value, low, high

    @property
    def bounds(self) -> tuple[float, float, float]:
        """(value, low, high) of an estimate that has all three.

        Raises:
            ValueError: it does not.
        """
        if self.value is None or self.low is None or self.high is None:
            raise ValueError(f"an estimate with an interval is needed, got {self}")
        return self.value, self.low, self.high


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class RunRecord:
    """The fields of a run file that decide what is sampled; ``chains`` as (name, value) steps, left to right.

    ``begin`` is what it came to once the tokenizer was read; ``end`` is None where the models' files say it.
    """

    prior: str
    aligned: str | None
    dtype: str
    device: str | None
    threads: int
    revision: str | None
    prompts: tuple[str, ...]
    begin: bool
    strings: int
    length: int
    seed: int
    rows: int
    reward: str
    source: str | None
    label: str | None
    beta: str
    chains: tuple[tuple[tuple[str, str], ...], ...]
    end: tuple[int, ...] | None = None
    reads: str = "text"


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class Rounding:
    """The arithmetic's size: how far strings of the start's self-check moved when they were scored another way.

    Args:
        dtype: of the models.
        token, string: the largest change of a log-probability, and of a string's sum, under either model, nats.
        secret_reward: of a string's R, nats.
        length: tokens of those strings.
        dropped: the largest next-token mass on ids that no token has, or that one of the models does not have.
    """

    dtype: str
    token: float
    string: float
    secret_reward: float
    length: int
    dropped: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class RewardEstimates:
    """What one setting did to a named reward r.

    Args:
        mean: E r, in nats where the reward has a beta, else in its own units.
        correlation: of r and L within prompts.
        slope: dE r / dE L of a small cooling of the setting's law, globally normalised: Cov(r, log q) / Cov(L, log q).
        trades: whether that cooling moves E L and E r apart: "yes", "no" or "undecided".
        front: whether no setting has both a higher E L and a higher E r, by the estimates.
        missing: strings without a number, which are left out.
        nats: whether it was divided by a beta; else it is in its own units.
    """

    mean: Estimate
    correlation: Estimate
    slope: Estimate
    trades: str
    front: bool = False
    missing: int = 0
    nats: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class RewardStep:
    """What one step of cooling, as it was sampled, did to a named reward: its change, slope over E L, and verdict."""

    mean: Estimate
    slope: Estimate
    trades: str


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class SettingEstimates:
    """What one setting did.

    Args:
        mean_log_prior, mean_reward, entropy, kl_to_aligned: nats; the reward is the secret one.
        exchange_coefficient: b.
        within_correlation, correlation, spearman: of L and R, within prompts, over all strings, and of their ranks.
        acceptance: of the chain from the local law to the global one.
        mean_external_reward: of the named reward, in ``reward_in``; None where there is the secret one alone.
        strings: how many.
        ended: the share that ended by themselves.
        tokens: their mean.
        largest_weight_seen: over the mean weight.
        identification: where Corr(L, R) may lie if the reward is known up to a function of the prompt.
        budget_residual: the largest |log w - log p+ / T| of a string, nats; None where that is infinite.
        impossible: strings that the prior gives probability 0: L = -inf and R = +inf.
        rewards: what the setting did to each named reward.
        front: whether no setting has both a higher E L and a higher E R, by the estimates.
    """

    mean_log_prior: Estimate
    mean_reward: Estimate
    entropy: Estimate
    kl_to_aligned: Estimate
    exchange_coefficient: Estimate
    within_correlation: Estimate
    correlation: Estimate
    spearman: Estimate
    acceptance: Estimate
    mean_external_reward: Estimate | None = None
    strings: int
    ended: float
    tokens: float
    largest_weight_seen: float
    identification: tuple[float, float] | None
    budget_residual: float | None
    impossible: int = 0
    rewards: dict[str, RewardEstimates] = Field(default_factory=dict)
    front: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class PooledSettings:
    """What pooling the settings does to the correlation, string by string, and corpus by corpus by size.

    Args:
        correlation, spearman: over the strings of all settings.
        within_cov, between_cov: W and B of Cov(Lbar, Rbar) = W / N + B, nats^2.
        crossing: N* = -W / B, where the covariance changes its sign if it is above 1; None for one setting.
        corpora: Corr(Lbar, Rbar) by N.
    """

    correlation: Estimate
    spearman: Estimate
    within_cov: float | None
    between_cov: float | None
    crossing: Estimate | None
    corpora: dict[str, Estimate]


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class CoolingStep:
    """What the cooler of two temperatures in front of one chain did to E L and E R, and the slope between.

    Args:
        behind: the chain, as (name, value) steps.
        warm, cool: the temperatures; "from" and "to" in JSON.
        mean_log_prior, mean_reward: their changes, nats.
        slope: of E R over E L.
        rewards: the same of each named reward.
    """

    behind: tuple[tuple[str, str], ...]
    warm: float = Field(validation_alias="from", serialization_alias="from")
    cool: float = Field(validation_alias="to", serialization_alias="to")
    mean_log_prior: Estimate
    mean_reward: Estimate
    slope: Estimate
    rewards: dict[str, RewardStep] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class PairAnalysis:
    """Two real models: every setting, what cooling did, and what pooling the settings does.

    Args:
        key: of the run.
        device: that it was sampled on.
        level: of the intervals.
        trades: whether a global temperature trades at T = 1; None where b is.
        trades_locally: whether the sampled step of cooling did; None where none was sampled, or it moved by rounding.
        exchange_slope: -(1 + b) / b at p+; None without it.
        rounding: of the models' arithmetic; None where it was not measured.
        notes: why numbers are missing, a line each.
        reward_in: the unit of the external reward: nats once it is divided by beta.
    """

    FORMAT: ClassVar[int] = 1
    MADE_BY: ClassVar[str] = "probqual analyse"

    key: str
    run: RunRecord
    device: str | None
    strings: int
    tokens: int
    level: float
    settings: tuple[SettingEstimates, ...]
    pooled: PooledSettings
    cooling: tuple[CoolingStep, ...]
    trades: str | None
    trades_locally: str | None
    exchange_slope: float | None
    rounding: Rounding | None = None
    notes: tuple[str, ...] = ()
    reward_in: Literal["reward units", "nats"] = "reward units"


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class GibbsEstimates:
    """The Gibbs posterior of a prior, from strings of the prior; ``prior_`` means are of the prior itself.

    Args:
        log_partition: log Z, mean over prompts, nats.
        acceptance: of a stationary chain.
        chain_acceptance: of one chain over the strings.
        effective_share: of the strings.
        trades: whether a global temperature trades at T = 1.
        rewards: what is known of each named reward under p+.
    """

    mean_log_prior: Estimate
    mean_reward: Estimate
    prior_mean_log_prior: Estimate
    prior_mean_reward: Estimate
    log_partition: Estimate
    exchange_coefficient: Estimate
    within_correlation: Estimate
    acceptance: Estimate
    chain_acceptance: Estimate
    effective_share: Estimate
    largest_weight_seen: float
    ended: float
    tokens: float
    trades: str
    rewards: dict[str, RewardEstimates] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class GibbsAnalysis:
    """A real prior, tilted by a reward.

    Args:
        notes: what is missing, a line each.
    """

    FORMAT: ClassVar[int] = 1
    MADE_BY: ClassVar[str] = "probqual analyse"

    key: str
    run: RunRecord
    device: str | None
    strings: int
    tokens: int
    level: float
    gibbs: GibbsEstimates
    notes: tuple[str, ...] = ()


__all__ = [
    "CoolingStep",
    "Estimate",
    "GibbsAnalysis",
    "GibbsEstimates",
    "PairAnalysis",
    "PooledSettings",
    "RewardEstimates",
    "RewardStep",
    "Rounding",
    "RunRecord",
    "SettingEstimates",
]
