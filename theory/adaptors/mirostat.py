"""Mirostat: truncation at a threshold on the surprisal, moved by feedback after every token.

At step t the tokens of surprisal at most mu_t are kept, the most probable one at least, and renormalised; then
mu_{t+1} = mu_t - eta (I_t - target), with I_t = -log p+(token | prefix) of the law before truncation.
Source: Basu, Ramachandran, Keskar and Varshney (2021), arXiv:2007.14966, in the version 2 that truncates at mu itself.
There surprisals are in bits; here they are in nats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb, fmpq

from theory.adaptors.exact import Adapted
from theory.adaptors.gauge import contexts
from theory.alignment.gibbs import Numbers, in_own_arithmetic
from theory.arithmetic.exact import Array, Undecided, log, objects
from theory.language_models.tree import Index


@dataclass(frozen=True, slots=True)
class Feedback:
    """What Mirostat is set to.

    Args:
        target: the surprisal per token that is asked for, nats.
        rate: eta, > 0.
        start: mu_0, nats; the paper starts at twice the target.
    """

    target: fmpq
    rate: fmpq
    start: fmpq

    def __post_init__(self) -> None:
        if not self.rate > 0:
            raise ValueError(f"the learning rate must be > 0, got {self.rate}")

    def after(self, threshold: arb, surprisal: arb) -> arb:
        """mu after a token of this surprisal."""
        return threshold - self.rate * (surprisal - self.target)


@dataclass(frozen=True, slots=True, eq=False)
class Guided:
    """The law of whole strings that Mirostat makes of p+, and where its threshold ends.

    Args:
        law: q, on the strings that are reached.
        threshold: mu after each string of the model, its end included, reached or not; shape (n,), nats.
        length: how many tokens each string has, its end included; shape (n,).
    """

    law: Adapted
    threshold: Array
    length: Index


def kept_below(surprisal: Sequence[arb], threshold: arb) -> list[int]:
    """The tokens of surprisal at most the threshold, the most probable one at least.

    Raises:
        Undecided: a surprisal and the threshold are too near each other to be told apart.
    """
    kept = []
    for token, value in enumerate(surprisal):
        if value <= threshold:
            kept.append(token)
        elif not value > threshold:
            raise Undecided(f"the surprisal {value} and the threshold {threshold} are not told apart")
    return kept or [min(range(len(surprisal)), key=lambda token: float(surprisal[token]))]


@in_own_arithmetic
def guided(numbers: Numbers, feedback: Feedback) -> Guided:
    """Mirostat on a tree, from the root on. Cost: O(prefixes).

    Raises:
        Undecided: see ``kept_below``.
    """
    aligned = numbers.aligned
    size = len(aligned.tree)
    mu: list[Any] = [arb(feedback.start)] * size
    reach: list[Any] = [arb(1)] + [arb(0)] * (size - 1)
    lost: list[Any] = [arb(0)] * size
    steps, place = [0] * size, {int(u): y for y, u in enumerate(aligned.node)}
    ends: list[tuple[Any, Any, Any, int]] = [(arb(0), arb(0), arb(0), 0)] * len(place)
    for node, logs, targets in contexts(numbers):
        surprisal = [-value for value in logs]
        kept = set(kept_below(surprisal, mu[node]))
        mass = sum(((-surprisal[k]).exp() for k in kept), start=arb(0))
        for k, target in enumerate(targets):
            share = (-surprisal[k]).exp() / mass if k in kept else arb(0)
            after = feedback.after(mu[node], surprisal[k])
            found = reach[node] * share, lost[node] + mass.log(), after, steps[node] + 1
            if target == node:
                ends[place[node]] = found
            else:
                reach[target], lost[target], mu[target], steps[target] = found
    prob, normaliser, threshold, length = (list(column) for column in zip(*ends, strict=True))
    string = np.array([y for y, q in enumerate(prob) if q > 0])
    law = objects(prob)[string]
    return Guided(
        Adapted(aligned, string, law, log(law), objects(normaliser)[string]), objects(threshold), np.array(length)
    )


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Sequences of as many tokens each, by how often each token stands in them.

    Args:
        count: how often each token stands in a sequence; shape (tokens,).
        prob: the probability of all sequences with these counts.
        threshold: mu after them, whatever their order, nats.
    """

    count: tuple[int, ...]
    prob: arb
    threshold: arb


def repeated(surprisal: Sequence[arb], feedback: Feedback, steps: int) -> list[Counts]:
    """Mirostat on one next-token law, drawn from again and again: all sequences of so many tokens, by their counts.

    The threshold depends on the counts alone, and the set that is kept on the threshold. Cost: O(steps^tokens).

    Raises:
        Undecided: see ``kept_below``.
    """
    tokens = len(surprisal)
    mass = [(-value).exp() for value in surprisal]
    layer = {(0,) * tokens: (arb(1), arb(feedback.start))}
    for _ in range(steps):
        ahead: dict[tuple[int, ...], tuple[arb, arb]] = {}
        for count, (prob, mu) in layer.items():
            kept = kept_below(surprisal, mu)
            total = sum((mass[k] for k in kept), start=arb(0))
            for k in kept:
                one = (*count[:k], count[k] + 1, *count[k + 1 :])
                before = ahead[one][0] if one in ahead else arb(0)
                ahead[one] = before + prob * mass[k] / total, feedback.after(mu, surprisal[k])
        layer = ahead
    return [Counts(count, prob, mu) for count, (prob, mu) in layer.items()]


__all__ = ["Counts", "Feedback", "Guided", "guided", "kept_below", "repeated"]
