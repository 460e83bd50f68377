"""The record of an adapter's training by preferences: what ``probqual train --record`` keeps."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from theory.report.records.format import STRICT
from theory.report.records.run import Estimate


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class PreferenceStep:
    """One step of direct preference optimisation.

    Args:
        loss: mean of -log sigma(R_w - R_l), nats.
        in_order: share of the pairs whose preferred string has the larger secret reward.
        rate: of learning.
    """

    loss: float
    in_order: float
    rate: float


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class HeldOut:
    """What an adapter does after prompts that it was not trained on; intervals are 95 % over prompts.

    Args:
        accuracy: probability that R orders two strings of the prior as the Bradley-Terry law of r does.
        best_accuracy: that of r itself.
        loss, least_loss: mean of -log sigma under that law, by R, and by r / beta itself, nats.
        correlation_with_reward: of R and r within prompts, on strings of the prior.
        slope_on_reward: of R on r / beta within prompts; 1 where R is what was asked for.
        mean_reward_prior, mean_reward_aligned: of r, reward units.
        kl: KL(p+ || p) = E R, nats.
        ended_prior, ended_aligned: shares of strings that ended by themselves.
    """

    accuracy: Estimate
    best_accuracy: Estimate
    loss: Estimate
    least_loss: Estimate
    correlation_with_reward: Estimate
    slope_on_reward: Estimate
    mean_reward_prior: Estimate
    mean_reward_aligned: Estimate
    kl: Estimate
    ended_prior: float
    ended_aligned: float


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class TrainingRecord:
    """How an adapter was trained, and what it does.

    Args:
        base: the prior.
        reward: kind of the stated reward.
        beta: reward units per nat.
        prompts: held out.
        strings: of each of them.
        length: tokens at most.
        pairs: of a step.
        labels: "expected", the loss in expectation over the Bradley-Terry law, or "drawn", one draw a pair.
        fresh: steps before the strings come a second time.
        checkpoints: steps after which a weaker adapter was kept.
        history: the steps.
        held_out: what the adapter does.
    """

    FORMAT: ClassVar[int] = 1
    MADE_BY: ClassVar[str] = "probqual train --record"

    base: str
    reward: str
    beta: str
    prompts: int
    strings: int
    length: int
    pairs: int
    labels: str
    fresh: int
    checkpoints: tuple[int, ...]
    history: tuple[PreferenceStep, ...] = Field(min_length=1)
    held_out: HeldOut


__all__ = ["HeldOut", "PreferenceStep", "TrainingRecord"]
