"""What a trained adapter does on prompts that it was not trained on.

Under the prior: how often the secret reward R = log p+ - log p orders two strings of a prompt as the Bradley-Terry law
of the stated reward r does, the loss of that law, and how R goes with r / beta within a prompt. Under p+: KL(p+ || p) =
E R. Under both: the mean of r.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.special import expit

from simulations.bridge.decoder import TorchDecoder
from simulations.estimation.intervals import correlation, mean, ratio
from simulations.training.preference import Training, log_probs
from simulations.training.strings import Drawn, Floats, draw
from theory.arithmetic.exact import rational
from theory.report.records import Estimate, HeldOut, PreferenceStep, TrainingRecord


def measured(training: Training, drawn: Drawn, prior: TorchDecoder, rng: np.random.Generator) -> TrainingRecord:
    """The record of a training that is done.

    Args:
        training: of it; the adapter is on.
        drawn: strings of the held-out prompts under the prior.
        prior: the decoder of the base, in whose layers the adapter is.
        rng: of the strings that are drawn under p+.
    """
    recipe, own = training.recipe, training.recipe.file
    training.say("held-out prompts: scoring the prior's strings")
    under_prior = training.rewards(drawn, held_out=True)
    secret = _scored(training, drawn) - drawn.log_prob
    training.say("held-out prompts: drawing from the aligned model")
    ids = training.store.ids(held_out=True)
    written = draw(prior, ids, own.strings.held_out, own.strings.length, own.strings.rows, rng)
    under_aligned = training.rewards(written, held_out=True)
    with training.model.disable_adapter():
        before = _scored(training, written)
    return TrainingRecord(
        base=own.base.model,
        reward=own.reward.kind,
        beta=str(rational(own.reward.beta)),
        prompts=len(recipe.held_out),
        strings=own.strings.held_out,
        length=own.strings.length,
        pairs=own.training.pairs,
        labels=own.training.labels,
        fresh=own.strings.rounds * (len(recipe.prompts) // own.training.pairs),
        checkpoints=tuple(own.training.checkpoints),
        history=tuple(PreferenceStep(**step) for step in training.history),
        held_out=HeldOut(
            **orders(secret, under_prior / recipe.beta, drawn),
            mean_reward_prior=_mean(under_prior, drawn),
            mean_reward_aligned=_mean(under_aligned, written),
            kl=_mean(written.log_prob - before, written),
            ended_prior=float(drawn.ended.mean()),
            ended_aligned=float(written.ended.mean()),
        ),
    )


@torch.inference_mode()
def _scored(training: Training, drawn: Drawn) -> Floats:
    ids, found = training.store.ids(held_out=True), np.zeros(len(drawn))
    rows = training.recipe.file.strings.rows
    for low in range(0, len(drawn), rows):
        own = np.arange(low, min(low + rows, len(drawn)))
        part = drawn.of(own)
        prompts = [ids[int(k)] for k in part.prompt]
        found[own] = log_probs(training.model, prompts, part.tokens, training.fill).double().cpu().numpy()
    return found


def orders(secret: Floats, reward: Floats, drawn: Drawn) -> dict[str, Estimate]:
    """Over all pairs of strings of a prompt: the order and loss of R under the law of r / beta, and how R follows it.

    The accuracy is the probability, over the law's draw of a preference, that R puts the preferred one first; the best
    accuracy is that of r itself.

    Args:
        secret: R of each string, nats, shape (n,).
        reward: r / beta of each, nats, shape (n,).
        drawn: the strings.
    """
    accuracy, best, loss, least, parts = [], [], [], [], []
    for prompt in np.unique(drawn.prompt):
        own = drawn.prompt == prompt
        first, second = np.triu_indices(int(own.sum()), 1)
        gap = reward[own][first] - reward[own][second]
        found = secret[own][first] - secret[own][second]
        sigma = expit(gap)
        accuracy.append(float(np.where(found > 0, sigma, np.where(found < 0, 1 - sigma, 0.5)).mean()))
        best.append(float(np.maximum(sigma, 1 - sigma).mean()))
        loss.append(float((sigma * np.logaddexp(0, -found) + (1 - sigma) * np.logaddexp(0, found)).mean()))
        least.append(float((sigma * np.logaddexp(0, -gap) + (1 - sigma) * np.logaddexp(0, gap)).mean()))
        # half the mean square of a difference is the unbiased variance within the prompt
        parts.append((float((found * gap).mean()) / 2, float((found**2).mean()) / 2, float((gap**2).mean()) / 2))
    cov, var_secret, var_reward = (np.array(values) for values in zip(*parts, strict=True))
    return {
        "accuracy": mean(np.array(accuracy)),
        "best_accuracy": mean(np.array(best)),
        "loss": mean(np.array(loss)),
        "least_loss": mean(np.array(least)),
        "correlation_with_reward": correlation(cov, var_secret, var_reward),
        "slope_on_reward": ratio(cov, var_reward),
    }


def _mean(values: Floats, drawn: Drawn) -> Estimate:
    """The mean over prompts of the means of their strings."""
    return mean(np.array([values[drawn.prompt == k].mean() for k in np.unique(drawn.prompt)]))


__all__ = ["measured", "orders"]
