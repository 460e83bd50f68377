"""What engines' chains did to strings of a real pair, beside strings of the aligned model itself."""

from __future__ import annotations

from typing import ClassVar

from pydantic.dataclasses import dataclass

from theory.report.records.format import STRICT
from theory.report.records.run import Estimate, RunRecord


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class EngineEstimates:
    """One chain, with intervals over prompts; nats.

    Args:
        mean_log_prior, mean_reward, entropy: E L, E R and H of its strings; the reward is the secret one.
        moved_log_prior, moved_reward: E L and E R less those of p+ after the same prompts.
        ended: the share of strings that ended by themselves.
    """

    mean_log_prior: Estimate
    mean_reward: Estimate
    entropy: Estimate
    moved_log_prior: Estimate
    moved_reward: Estimate
    ended: float


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class EnginesPair:
    """A run whose settings are the chains of engines; ``settings`` in the order of the run's chains.

    Args:
        key: of the run.
        device: that it was sampled on.
        level: of the intervals, each by itself.
    """

    FORMAT: ClassVar[int] = 1
    MADE_BY: ClassVar[str] = "make engines-pair"

    key: str
    run: RunRecord
    device: str | None
    strings: int
    tokens: int
    level: float
    settings: tuple[EngineEstimates, ...]


__all__ = ["EngineEstimates", "EnginesPair"]
