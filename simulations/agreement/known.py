"""Models whose exact answer is known, in float64 for comparison with samples: computed in balls, then rounded."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from flint import fmpq
from numpy.typing import NDArray
from scipy import special

from theory.adaptors.exact import Chain, adapt, decide
from theory.adaptors.moments import Moments, moments
from theory.alignment.gibbs import Aligned, Numbers, align
from theory.arithmetic.exact import floats, objects, precision, to_float
from theory.claims.tree_search import tree as small_tree
from theory.corpora.enumeration import counts_of
from theory.examples import finite as examples
from theory.language_models.rewards import Reward
from theory.language_models.tree import TreeModel

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """An aligned model with its strings' numbers, each rounded once from a ball.

    Args:
        name: "C5".
        aligned: the exact model.
        numbers: in balls.
        moments: under p+, in balls.
        log_prior, reward, surprisal: L, R and I of each string, shape (n,), nats.
        prob: p+ of each string, shape (n,), summing to 1.
        prior: p of each string, shape (n,).
    """

    name: str
    aligned: Aligned
    numbers: Numbers
    moments: Moments
    log_prior: Floats
    reward: Floats
    surprisal: Floats
    prob: Floats
    prior: Floats

    @staticmethod
    def of(name: str, aligned: Aligned) -> Known:
        """The model; computed at 256 bits."""
        with precision():
            numbers = aligned.balls()
            return Known(
                name,
                aligned,
                numbers,
                moments(numbers),
                floats(numbers.log_prior),
                floats(numbers.reward),
                floats(numbers.surprisal),
                floats(numbers.prob),
                floats(aligned.prior),
            )

    @property
    def log_partition(self) -> float:
        """log Z, nats."""
        return to_float(self.numbers.log_partition)

    @property
    def entropy(self) -> float:
        """H(p+), nats."""
        return to_float(self.moments.entropy)

    def adapted(self, steps: Chain, normalise: str) -> Floats:
        """q of every string, 0 where it is cut off: shape (n,)."""
        return _adapted(self, steps, normalise)[0]

    def adapted_moments(self, steps: Chain, normalise: str) -> Moments:
        """The moments under q, in balls."""
        return _adapted(self, steps, normalise)[1]

    def log_normaliser(self, steps: Chain) -> Floats:
        """sum_t log c_t of every string under local normalising, 0 where it is cut off: shape (n,), nats."""
        return _adapted(self, steps, "local")[2]

    def bounds(self, values: Floats) -> tuple[float, float]:
        """The least and the largest value of a function of a string."""
        return float(values.min()), float(values.max())


@functools.lru_cache(maxsize=256)
def _adapted(known: Known, steps: Chain, normalise: str) -> tuple[Floats, Moments, Floats]:
    with precision():
        found = adapt(known.numbers, decide(known.numbers, steps), normalise)
        prob, normaliser = np.zeros(len(known.prob)), np.zeros(len(known.prob))
        prob[found.string] = floats(found.prob)
        normaliser[found.string] = floats(found.log_normaliser)
        for shared in (prob, normaliser):
            shared.setflags(write=False)
        return prob, moments(known.numbers, found), normaliser


@functools.lru_cache(maxsize=32)
def example(name: str) -> Known:
    """C1 to C7, or the toy, by name."""
    return Known.of(name, getattr(examples, name.lower())())


@functools.lru_cache(maxsize=8)
def tree(seed: int, tokens: int = 3, depth: int = 3) -> Known:
    """A random tree that is the same in every run."""
    return Known.of(f"tree {seed}", examples.random_tree(np.random.default_rng(seed), tokens, depth))


@functools.lru_cache(maxsize=8)
def fork(prior: tuple[int, int, int], exp_reward: tuple[int, int, int]) -> Known:
    """One string of one token, and two that share their first, with p and e^R proportional to these weights."""
    return Known.of(f"[. [. .]], p = {prior}, e^R = {exp_reward}", small_tree(((), ((), ())), prior, exp_reward))


@functools.lru_cache(maxsize=8)
def strengths(beta: fmpq) -> Known:
    """p = (1, 4, 2)/7 with r = (0, 1, 2) at this beta."""
    model = TreeModel.table(["x", "y", "z"], objects([fmpq(1, 7), fmpq(4, 7), fmpq(2, 7)]))
    return Known.of(f"beta = {beta}", align(model, [Reward(exponent=fmpq(r) / beta) for r in range(3)]))


@functools.lru_cache(maxsize=16)
def compositions(kinds: int, size: int) -> NDArray[np.int64]:
    """All count vectors of a corpus, shape (corpora, kinds)."""
    found = np.array(list(counts_of(kinds, size)))
    found.setflags(write=False)
    return found


def corpus_law(prob: Floats, size: int) -> tuple[NDArray[np.int64], Floats]:
    """(all count vectors, the multinomial probability of each) in float64: right to about 1e-13."""
    counts = compositions(len(prob), size)
    log_factorial = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, size + 1)))))
    log_ways = log_factorial[size] - log_factorial[counts].sum(axis=1)
    weight = np.exp(log_ways + special.xlogy(counts, prob).sum(axis=1))
    return counts, weight / weight.sum()


__all__ = ["Known", "compositions", "corpus_law", "example", "fork", "strengths", "tree"]
