"""What the reference code computes where it departs from the definitions, as exact procedures on known models.

Read, not run: the public repository tanyjnaaman/probability-quality-paradox at commit ccec1ac. Each procedure here is
written from a description of what that code does. It takes a model whose truth is known and gives two laws of (L, R):
the true one, and the one that the procedure works with. R is the secret reward log p+ / p unless said otherwise, so
that L + R = log p+ exactly; nats throughout.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb, fmpq

from theory.adaptors.exact import Adapted, Chain, adapt, chain, decide
from theory.alignment.gibbs import Aligned, Numbers, in_own_arithmetic
from theory.arithmetic.exact import Array, ball, balls, log, objects
from theory.corpora.mixtures import Joint
from theory.language_models.tree import zeros

CLAMP = fmpq(25)
"""The largest surprisal that one token may have, nats."""

HIDDEN = "50"
"""The top-k that a library's sampler has by default."""


@dataclass(frozen=True, slots=True, eq=False)
class Departure:
    """The law of (L, R) as it is, and as the procedure has it."""

    truth: Joint
    computed: Joint


@in_own_arithmetic
def secret_law(numbers: Numbers, law: Adapted | None = None) -> Joint:
    """(L, log p+ / p) of strings of p+, or of an adapted law."""
    aligned = numbers.aligned
    chosen = np.arange(len(aligned)) if law is None else law.string
    prob = numbers.prob if law is None else law.prob
    log_prior = numbers.log_prior[chosen]
    return Joint(prob, log_prior, -numbers.surprisal[chosen] - log_prior)


@in_own_arithmetic
def accept_all(numbers: Numbers, steps: Chain) -> Departure:
    """A Metropolis step whose test always passes: strings of q_loc are kept as strings of q_glob.

    That such a chain is stationary at its proposal, whatever ratio the test holds, is the claim metropolis.accept-all.
    """
    kept = decide(numbers, steps)
    local, whole = (adapt(numbers, kept, word) for word in ("local", "global"))
    return Departure(secret_law(numbers, whole), secret_law(numbers, local))


@in_own_arithmetic
def flipped_reward(numbers: Numbers, law: Adapted | None = None) -> Departure:
    """The secret reward as log p - log p+."""
    truth = secret_law(numbers, law)
    return Departure(truth, Joint(truth.prob, truth.log_prior, -truth.reward))


def without_prompt(
    share: Sequence[fmpq], prior: Sequence[Sequence[fmpq]], aligned: Sequence[Sequence[fmpq]]
) -> Departure:
    """Answers scored by the prior without their prompt, L' = log p(y), where L = log p(y | x).

    The law without a prompt is the mean p(y) = sum_x P(x) p(y | x), so that R' = R + log p(y | x) / p(y).

    Args:
        share: P(x), shape (K,).
        prior: p(y | x) > 0, shape (K, n).
        aligned: p+(y | x) > 0, shape (K, n).
    """
    marginal = [
        sum((w * row[y] for w, row in zip(share, prior, strict=True)), start=fmpq(0)) for y in range(len(prior[0]))
    ]
    pairs = [(x, y) for x in range(len(share)) for y in range(len(marginal))]
    prob = objects(share[x] * aligned[x][y] for x, y in pairs)
    own = log(objects(aligned[x][y] for x, y in pairs))
    scored = log(objects(prior[x][y] for x, y in pairs))
    unprompted = log(objects(marginal[y] for _, y in pairs))
    return Departure(Joint(prob, scored, own - scored), Joint(prob, unprompted, own - unprompted))


@in_own_arithmetic
def unscored_end(numbers: Numbers) -> Departure:
    """Strings scored without their end, by both models: L' is the log-probability to begin with y."""
    aligned = numbers.aligned
    begins, began = prior_prefixes(aligned)[aligned.node], numbers.prefix_prob[aligned.node]
    truth = secret_law(numbers)
    return Departure(truth, Joint(truth.prob, log(begins), log(began) - log(begins)))


def prior_prefixes(aligned: Aligned) -> Array:
    """p of every prefix, rationals, shape (prefixes,)."""
    mass = zeros(len(aligned.tree), aligned.prior)
    mass[aligned.node] = aligned.prior
    return aligned.tree.sum_subtrees(mass)


@in_own_arithmetic
def clamped(numbers: Numbers, law: Adapted | None = None) -> Departure:
    """Tokens that p+ gives less than e^-25 count as e^-25, those of p do not: R' = sum_t max(log p+, -25) - L."""
    aligned = numbers.aligned
    truth = secret_law(numbers, law)
    chosen = np.arange(len(aligned)) if law is None else law.string
    scored = -clamped_surprisal(numbers)[chosen]
    return Departure(truth, Joint(truth.prob, truth.log_prior, scored - truth.log_prior))


@in_own_arithmetic
def clamped_surprisal(numbers: Numbers) -> Array:
    """sum_t min(25, -log p+(y_t | before)) of each string, its end included."""
    aligned = numbers.aligned
    step, ending = token_surprisals(numbers)
    limit = arb(CLAMP)
    path = aligned.tree.descend(arb(0), objects(arb.min(v, limit) for v in step), np.add)
    return path[aligned.node] + objects(arb.min(v, limit) for v in ending)


@in_own_arithmetic
def token_surprisals(numbers: Numbers) -> tuple[Array, Array]:
    """-log p+ of the last token of each prefix, 0 at the root; and of the end of each string. Balls."""
    aligned = numbers.aligned
    prefix = numbers.prefix_prob
    step = objects([arb(0)] * len(prefix))
    step[1:] = log(prefix[aligned.tree.parent[1:]]) - log(prefix[1:])
    return step, -log(numbers.end_prob[aligned.node])


@in_own_arithmetic
def lost_score(numbers: Numbers, lost: Sequence[int]) -> Departure:
    """Strings of which the score under p+ came out as NaN, which is read as probability 1: R' = 0 - L.

    Args:
        aligned: a table, where a string is one token.
        numbers: its numbers in balls.
        lost: the strings concerned.
    """
    truth = secret_law(numbers)
    reward = objects(
        -l if y in set(lost) else r for y, (l, r) in enumerate(zip(truth.log_prior, truth.reward, strict=True))
    )
    return Departure(truth, Joint(truth.prob, truth.log_prior, reward))


@in_own_arithmetic
def hidden_top_k(numbers: Numbers, steps: Chain) -> tuple[Adapted, Adapted]:
    """(the law asked for, the law drawn from): a top-k of 50 acts before the adaptors; both locally normalised."""
    asked, drawn = (
        adapt(numbers, decide(numbers, order), "local") for order in (steps, Chain((*chain(("top_k", HIDDEN)), *steps)))
    )
    return asked, drawn


@in_own_arithmetic
def censored(numbers: Numbers, length: int) -> Departure:
    """Strings of at most ``length`` tokens, their end among them; longer ones are cut there and kept as strings."""
    aligned = numbers.aligned
    tree, depth = aligned.tree, depths(aligned)
    short = [y for y, node in enumerate(aligned.node) if depth[int(node)] < length]
    cut = [node for node in range(len(tree)) if depth[node] == length]
    prior = prior_prefixes(aligned)
    own = [*(aligned.prior[y] for y in short), *(prior[node] for node in cut)]
    other = [*(numbers.prob[y] for y in short), *(numbers.prefix_prob[node] for node in cut)]
    log_prior, prob = log(objects(own)), objects(other)
    return Departure(secret_law(numbers), Joint(prob, log_prior, log(prob) - log_prior))


def depths(aligned: Aligned) -> list[int]:
    """The number of tokens of each prefix."""
    levels = aligned.tree.levels
    return [d for d, (low, high) in enumerate(itertools.pairwise(levels)) for _ in range(high - low)]


@dataclass(frozen=True, slots=True)
class Spread:
    """Var(Lbar) over corpora of N strings, in units of Var L: rationals.

    Args:
        fresh: of corpora of fresh strings.
        shown: the mean over pools of n strings of what corpora resampled from one pool show.
        error: the mean squared error of such a corpus about E L.
    """

    fresh: fmpq
    shown: fmpq
    error: fmpq


def bootstrap_pool(size: int, pool: int) -> Spread:
    """Corpora of N strings that are drawn again from a pool of n.

    >>> bootstrap_pool(200_000, 2_000).error / bootstrap_pool(200_000, 2_000).shown
    201999/1999
    """
    shown = fmpq(pool - 1, pool) / size
    return Spread(fresh=fmpq(1, size), shown=shown, error=fmpq(1, pool) + shown)


def rebinned(law: Joint, bins: int) -> Joint:
    """Equal-count re-binning along L: bins of equal width between the least and the largest L, made equally heavy.

    Args:
        law: of corpora, rationals.
        bins: how many; those without mass are left out.
    """
    low, high = min(law.log_prior), max(law.log_prior)
    place = [min(int((v - low) * bins / (high - low)), bins - 1) for v in law.log_prior]
    mass = {k: sum((p for p, own in zip(law.prob, place, strict=True) if own == k), start=fmpq(0)) for k in set(place)}
    return Joint(
        objects(p / mass[k] / len(mass) for p, k in zip(law.prob, place, strict=True)), law.log_prior, law.reward
    )


def correlation(law: Joint) -> Any:
    """Corr(L, R), a ball; None where one of them is constant: where its values are balls, to within their radius."""
    covariance = law.covariance()
    for variance in (covariance.var_log_prior, covariance.var_reward):
        if not ball(variance) > 0:
            return None
    return covariance.correlation


def mean_log_prior(law: Joint) -> Any:
    """E L, a ball."""
    return (balls(law.prob) * law.log_prior).sum()


def mean_reward(law: Joint) -> Any:
    """E R, a ball."""
    return (balls(law.prob) * law.reward).sum()


__all__ = [
    "CLAMP",
    "HIDDEN",
    "Departure",
    "Spread",
    "accept_all",
    "bootstrap_pool",
    "censored",
    "clamped",
    "clamped_surprisal",
    "correlation",
    "depths",
    "flipped_reward",
    "hidden_top_k",
    "lost_score",
    "mean_log_prior",
    "mean_reward",
    "prior_prefixes",
    "rebinned",
    "secret_law",
    "token_surprisals",
    "unscored_end",
    "without_prompt",
]
