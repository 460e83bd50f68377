"""Tiny torch models: sampled and scored by the code for large ones, next to their enumeration; and a tiny DPO run."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from simulations.agreement.comparison import Comparison, law
from simulations.agreement.decoding import enumerated, pooled, sampled, written
from simulations.agreement.preference import exchange_and_correlation, preferences, train, training_step
from simulations.agreement.procedures import ChainStates
from simulations.agreement.setting import Experiment, Setting
from simulations.bridge.models import TorchDecoder
from simulations.decoders.dense_tree import Enumeration
from simulations.decoders.pair import Pair
from simulations.decoders.tiny import END, Kind, Size, model, pair
from simulations.sampling import metropolis as chains
from theory.adaptors.exact import Chain
from theory.corpora.metropolis import IndependentChain
from theory.report.records import Training, TrainingStep

Floats = NDArray[np.float64]

DPO = Size(vocabulary=4, length=4)
PREFERENCES = 40_000
CHECKPOINTS = (0, 20, 100, 400)
FAVOURITE = 3
"""The token that the reward of the Gibbs alignment and of the DPO run counts."""


def favourites(tokens: NDArray[np.int64]) -> Floats:
    """R: 0.8 nats for each favourite token."""
    counted: Floats = 0.8 * (tokens == FAVOURITE).sum(axis=1)
    return counted


def gibbs(setting: Setting, tiny: Pair, draws: int) -> Iterator[Comparison]:
    """p+ = p e^R / Z sampled from the prior alone: chains of 4 steps whose proposals the prior writes."""
    rng, steps = setting.rng(f"gibbs {tiny.name}"), 4
    prior = Pair(tiny.name, tiny.prior, tiny.prior, tiny.prompts, tiny.length, tiny.accuracy)
    own = enumerated(prior, "prior", 0, prior.length)
    log_prior, reward = own.log_prob(), favourites(own.tokens())
    exact = IndependentChain.correcting(np.exp(log_prior), np.exp(reward))
    start, *proposed = (
        own.outcome(written(setting, prior, 0, Chain(), prior.length, draws, rng)) for _ in range(steps + 1)
    )
    states = ChainStates(log_prior + reward, log_prior, log_prior + reward)
    found = chains.follow(setting.parts.ratio(states), start, proposed, np.zeros((0, len(reward))), rng=rng)
    law_after = exact.law_after(steps, exact.proposal)
    yield law("metropolis.ratio", f"{tiny.name}, prior to Gibbs alignment, 4 steps", *pooled(law_after, found.last))


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A tiny policy trained on preferences for the favourite token.

    Args:
        pair: the prior and the policy.
        progress: how far it had come at each checkpoint.
        exchange_coefficient, correlation: of p+ = p e^R / Z, where it should arrive.
    """

    pair: Pair
    progress: tuple[TrainingStep, ...]
    exchange_coefficient: float | None
    correlation: float | None

    def record(self) -> Training:
        """The checkpoints and the target."""
        return Training(PREFERENCES, self.exchange_coefficient, self.correlation, self.progress)


@functools.lru_cache(maxsize=2)
def dpo(device: str) -> Trained:
    """The trained policy; the same in every run."""
    prior = model("llama", DPO, 1, device)
    prompt = np.array([1])
    base = Pair("tiny dpo", TorchDecoder(prior, END), TorchDecoder(prior, END), ((1,),), DPO.length, 1e-4)
    own = enumerated(base, "prior", 0, DPO.length)
    log_prior, tokens = own.log_prob(), own.tokens()
    reward = favourites(tokens)
    log_aligned = log_prior + reward
    log_aligned = log_aligned - np.log(np.exp(log_aligned).sum())
    pairs = preferences(np.exp(log_prior), reward, PREFERENCES, rng=np.random.default_rng(7))
    progress, policy = [], prior
    for step, loss, trained in train(prior, prompt, tokens, pairs, CHECKPOINTS[-1]):
        if step in CHECKPOINTS:
            policy = trained
            log_policy = Enumeration.of(TorchDecoder(policy, END), prompt, DPO.length).log_prob()
            progress.append(training_step(step, loss, log_prior, log_aligned, log_policy))
    found = Pair("tiny dpo", base.prior, TorchDecoder(policy, END), ((1,),), DPO.length, 1e-4)
    return Trained(found, tuple(progress), *exchange_and_correlation(log_prior, log_aligned))


def placed(device: str | None) -> tuple[str, Size]:
    """(where to run, how large): a GPU if there is one and nothing was named; larger models on a GPU.

    Raises:
        ValueError: torch does not know or have this device.
    """
    where = device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        torch.zeros(1, device=where).cpu()
    except Exception as error:  # torch raises whatever a device's own package does
        reason = " ".join(str(error).split())[:160]
        raise ValueError(f"--device {where}: torch cannot use it here: {reason}") from None
    return where, Size(vocabulary=32, length=5) if where.startswith("cuda") else Size()


def experiments(device: str, size: Size, *, trained: bool) -> tuple[Experiment, ...]:
    """What is compared on a device: both kinds of models, the Gibbs alignment, and if wanted the trained policy."""

    def of(kind: Kind) -> Experiment:
        def compared(setting: Setting) -> Iterator[Comparison]:
            tiny = pair(kind, size, device)
            yield from sampled(setting, tiny, setting.draws // 4)
            yield from gibbs(setting, tiny, setting.draws // 8)

        compared.__name__ = kind
        return compared

    def policy(setting: Setting) -> Iterator[Comparison]:
        yield from sampled(setting, dpo(device).pair, setting.draws // 4)

    return (of("llama"), of("gpt2"), *((policy,) if trained else ()))


__all__ = ["Trained", "dpo", "experiments", "placed"]
