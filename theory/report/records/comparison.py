"""Records of comparisons between exact values and draws: ``probqual compare`` and ``make false-alarms``."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic.dataclasses import dataclass

from theory.report.records.format import STRICT


@dataclass(frozen=True, slots=True, config=STRICT)
class SampledRow:
    """One comparison of an exact value with draws; None for what is infinite or does not exist."""

    claim: str
    what: str
    exact: float | None
    estimate: float | None
    low: float | None
    high: float | None
    alpha: float
    draws: int
    verdict: Literal["SAMPLED", "DIFFERS"]


@dataclass(frozen=True, slots=True, config=STRICT)
class NoticedFault:
    """A planted fault: what is done wrong, how many rows differ for it, and of which claims."""

    name: str
    wrong: str
    differing: int
    claims: tuple[str, ...]


@dataclass(frozen=True, slots=True, config=STRICT)
class TrainingStep:
    """How far a policy that is trained on preferences has come at one step.

    Args:
        step: of training.
        loss: of the preferences, nats.
        kl_to_policy: KL(p+ || pi), nats.
        kl_to_aligned: KL(pi || p+), nats.
        exchange_coefficient: b of the policy, for its own secret reward.
        correlation: Corr(L, R) of the policy, for its own secret reward; None while that is constant.
        slope_residual: |dE L / dtau + b V| at tau = 1, the claim adaptors.exchange for that reward, by differences.
    """

    step: int
    loss: float
    kl_to_policy: float
    kl_to_aligned: float
    exchange_coefficient: float | None
    correlation: float | None
    slope_residual: float


@dataclass(frozen=True, slots=True, config=STRICT)
class Training:
    """A tiny policy trained on preferences, and b and Corr(L, R) of p+ = p e^R / Z, where it should arrive."""

    preferences: int
    exchange_coefficient: float | None
    correlation: float | None
    progress: tuple[TrainingStep, ...]


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class ComparisonRecord:
    """A run of all comparisons, as ``probqual compare --record`` keeps it.

    Args:
        seed, draws, corpora: how it was made; draws and corpora per comparison.
        budget, spent: of the probability of a false alarm in the whole run.
        differing: rows that do not agree.
        rows: in the order of the claims.
        device: that torch ran on; None for the one by default.
        plant: the fault that was planted; None for none.
        dpo: the trained policy; None where the run had no torch.
        faults: each planted fault, in a record that plants all of them.
    """

    FORMAT: ClassVar[int] = 1
    MADE_BY: ClassVar[str] = "probqual compare --record"

    seed: int
    draws: int
    corpora: int
    budget: float
    spent: float
    differing: int
    rows: tuple[SampledRow, ...]
    device: str | None
    plant: str | None
    dpo: Training | None
    faults: tuple[NoticedFault, ...] = ()


@dataclass(frozen=True, slots=True, config=STRICT)
class Seeds:
    """Of many runs: the entropy of the sequence that they come from, the first and the last."""

    entropy: str
    first: int
    last: int


@dataclass(frozen=True, slots=True, config=STRICT)
class Power:
    """How often a sampler off by so much in total variation is caught, by number of equally likely outcomes."""

    draws: int
    distance: float
    alpha: float
    runs: int
    caught: dict[str, int]


@dataclass(frozen=True, slots=True, config=STRICT)
class FalseAlarms:
    """Runs of all comparisons with fresh seeds: how many comparisons, and a line for each that differed."""

    FORMAT: ClassVar[int] = 1
    MADE_BY: ClassVar[str] = "make false-alarms"

    date: str
    seeds: Seeds
    runs: int
    comparisons: int
    alarms: tuple[str, ...]
    seconds: int
    power: Power


__all__ = [
    "ComparisonRecord",
    "FalseAlarms",
    "NoticedFault",
    "Power",
    "SampledRow",
    "Seeds",
    "Training",
    "TrainingStep",
]
