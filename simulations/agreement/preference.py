"""Direct preference optimisation of a tiny policy, next to the aligned law that it should arrive at.

Preferences between two strings drawn from the prior follow the Bradley-Terry law: the first is preferred with
probability sigma(R(y) - R(y')). The loss -log sigma(log pi/p(y) - log pi/p(y')) over them has its minimum, with
infinitely many preferences and a policy that can be any law, at pi = p+ = p e^R / Z. A trained policy is not quite p+;
but it is exactly the aligned law of its own secret reward log pi/p, so that every claim holds of it as it is.
Source: Rafailov et al. (2023), arXiv:2305.18290.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel

from simulations.sampling.generate import PAD, Tokens
from theory.report.records import TrainingStep

Floats = NDArray[np.float64]
Index = NDArray[np.int64]


def preferences(prior: Floats, reward: Floats, count: int, *, rng: np.random.Generator) -> tuple[Index, Index]:
    """(preferred, other) string of ``count`` pairs of independent draws from the prior, by index.

    Args:
        prior: p, shape (n,).
        reward: R = r / beta, shape (n,), nats.
        count: how many.
        rng: of the draws.
    """
    cumulative = np.cumsum(prior)
    first, second = (
        np.minimum(np.searchsorted(cumulative, rng.random(count) * cumulative[-1], side="right"), len(prior) - 1)
        for _ in range(2)
    )
    gap = reward[first] - reward[second]
    wins = rng.random(count) < 1 / (1 + np.exp(-gap))
    return np.where(wins, first, second), np.where(wins, second, first)


def train(
    prior: PreTrainedModel,
    prompt: Tokens,
    strings: Tokens,
    pairs: tuple[Index, Index],
    steps: int,
    *,
    rate: float = 3e-3,
) -> Iterator[tuple[int, float, PreTrainedModel]]:
    """(step, loss, policy) from step 0 to ``steps``: full-batch Adam from a copy of the prior. Deterministic on a CPU.

    Args:
        prior: a transformers causal model.
        prompt: ids, shape (P,).
        strings: tokens of every outcome, -1 after the last, shape (n, T).
        pairs: (preferred, other), indices of outcomes.
        steps: of the optimiser.
        rate: learning rate, falling to 0 along a cosine.
    """
    policy = copy.deepcopy(prior)
    # with many pairs over few outcomes, pairs are counted instead of repeated
    size = len(strings)
    code, count = np.unique(pairs[0] * size + pairs[1], return_counts=True)
    won, lost = torch.as_tensor(code // size), torch.as_tensor(code % size)
    weight = torch.as_tensor(count / count.sum(), dtype=torch.float32)
    with torch.no_grad():
        reference = string_log_prob(prior, prompt, strings)
    optimiser = torch.optim.Adam(policy.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, max(steps, 1))
    for step in range(steps + 1):
        secret = string_log_prob(policy, prompt, strings) - reference
        loss = -(weight * torch.nn.functional.logsigmoid(secret[won] - secret[lost])).sum()
        yield step, float(loss.detach()), policy
        if step == steps:
            return
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()


def string_log_prob(model: PreTrainedModel, prompt: Tokens, strings: Tokens) -> torch.Tensor:
    """log pi of each string given the prompt, a torch tensor of shape (n,), differentiable in the weights."""
    tokens = torch.as_tensor(np.where(strings == PAD, 0, strings))
    mask = torch.as_tensor(strings != PAD)
    whole = torch.cat((torch.as_tensor(prompt)[None, :].expand(len(tokens), -1), tokens), dim=1).to(model.device)
    logits = model(input_ids=whole[:, :-1], use_cache=False).logits[:, len(prompt) - 1 :].float()
    picked = torch.log_softmax(logits, dim=-1).gather(2, tokens.to(model.device)[..., None])[..., 0]
    return (picked * mask.to(model.device)).sum(dim=1)


def training_step(step: int, loss: float, log_prior: Floats, log_aligned: Floats, log_policy: Floats) -> TrainingStep:
    """How far a policy has come, from the three laws on all outcomes.

    Args:
        step: of training.
        loss: of the preferences, nats.
        log_prior: log p, shape (n,).
        log_aligned: log p+, shape (n,).
        log_policy: log pi, shape (n,).
    """
    exchange, correlation = exchange_and_correlation(log_prior, log_policy)
    prob, surprisal = np.exp(log_policy), -log_policy
    centred = surprisal - prob @ surprisal
    slope = (_tempered_mean(log_policy, log_prior, 1e-4) - _tempered_mean(log_policy, log_prior, -1e-4)) / 2e-4
    return TrainingStep(
        step,
        loss,
        float(np.exp(log_aligned) @ (log_aligned - log_policy)),
        float(prob @ (log_policy - log_aligned)),
        exchange,
        correlation,
        abs(slope + (exchange or 0.0) * float(prob @ centred**2)),
    )


def exchange_and_correlation(log_prior: Floats, log_policy: Floats) -> tuple[float | None, float | None]:
    """(b, Corr(L, R)) of a law for its secret reward R = log pi - log p; None where a deviation is below 1e-9 nats."""
    prob, reward = np.exp(log_policy), log_policy - log_prior
    l, r, i = (v - prob @ v for v in (log_prior, reward, -log_policy))
    var_l, var_r, var_i = (float(prob @ v**2) for v in (l, r, i))
    exchange = float(prob @ (l * i)) / var_i if var_i > _NOISE else None
    return exchange, float(prob @ (l * r)) / math.sqrt(var_l * var_r) if min(var_l, var_r) > _NOISE else None


_NOISE = 1e-18


def _tempered_mean(log_law: Floats, values: Floats, shift: float) -> float:
    """E of the values under the law to the power 1 + shift."""
    weight = np.exp(log_law * (1 + shift))
    return float(weight @ values / weight.sum())


__all__ = ["exchange_and_correlation", "preferences", "string_log_prob", "train", "training_step"]
