"""Draws from laws, trees and automata whose exact answer is known, many at a time.

A draw is an inverse-CDF look-up in float64; a corpus is drawn as its counts: nothing else of it matters to a mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from theory.alignment.gibbs import Numbers
from theory.arithmetic.exact import Array, floats
from theory.language_models.automaton import Graph
from theory.language_models.tree import PrefixTree

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

_CELLS = 1 << 22
"""Counts of corpora are drawn in chunks of about so many numbers, 32 MiB."""


def strings(prob: Floats, count: int, *, rng: np.random.Generator) -> Index:
    """``count`` independent strings, by their index: shape (count,).

    Args:
        prob: shape (n,), >= 0; divided by its sum.
        count: how many.
        rng: of the draws.
    """
    cumulative = np.cumsum(prob)
    found = np.searchsorted(cumulative, rng.random(count) * cumulative[-1], side="right")
    inside: Index = np.minimum(found, len(prob) - 1)
    return inside


def counts(prob: Floats, size: int, corpora: int, *, rng: np.random.Generator) -> Index:
    """How often each string occurs in each corpus of ``size`` independent strings: shape (corpora, n)."""
    found: Index = np.asarray(rng.multinomial(size, _normalised(prob), size=corpora))
    return found


def corpus_means(prob: Floats, values: Floats, size: int, corpora: int, *, rng: np.random.Generator) -> Floats:
    """Means over corpora of ``size`` independent strings: shape (corpora, K). Cost: corpora x n binomial draws.

    Args:
        prob: shape (n,).
        values: K functions of a string, shape (K, n).
        size: N, strings in a corpus.
        corpora: how many.
        rng: of the draws.
    """
    chunk = max(1, _CELLS // len(prob))
    parts = [
        counts(prob, size, min(chunk, corpora - low), rng=rng) @ values.T / size for low in range(0, corpora, chunk)
    ]
    return np.concatenate(parts)


def one_by_one(prob: Floats, values: Floats, size: int, corpora: int, *, rng: np.random.Generator) -> Floats:
    """The same by a loop over strings: what ``corpus_means`` is compared with. Cost: corpora x size look-ups."""
    cumulative = np.cumsum(prob)
    result = np.zeros((corpora, len(values)))
    for corpus in range(corpora):
        for _ in range(size):
            found = np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right")
            result[corpus] += values[:, min(int(found), len(prob) - 1)]
    return result / size


def _normalised(prob: Floats) -> Floats:
    """numpy's multinomial takes what is missing from 1 as the last outcome's, so the sum must be right."""
    law: Floats = prob / prob.sum()
    return law


def _choose(cumulative: Floats, low: Index, high: Index, uniform: Floats) -> Index:
    """For each row the first place in low..high - 1 whose running total from ``low`` exceeds a share of the whole.

    Args:
        cumulative: running totals of all weights, a 0 in front, shape (n + 1,).
        low: where each row's weights begin.
        high: where they end.
        uniform: the share, in [0, 1).
    """
    start = cumulative[low]
    found = np.searchsorted(cumulative[1:], start + uniform * (cumulative[high] - start), side="right")
    return np.clip(found, low, high - 1)


@dataclass(frozen=True, slots=True, eq=False)
class TreeWalker:
    """Draws strings of a prefix tree token by token.

    Args:
        low: where each prefix's choices begin in ``cumulative``, shape (prefixes + 1,).
        cumulative: running totals of the weights of all choices, a 0 in front: the children, then the end.
        target: the prefix that a choice leads to; -1 for the end.
    """

    low: Index
    cumulative: Floats
    target: Index

    @staticmethod
    def of(tree: PrefixTree, edge: Floats, end: Floats) -> TreeWalker:
        """From weights of each step and end, not necessarily normalised, shapes (prefixes,)."""
        size = len(tree)
        source = np.concatenate((tree.parent[1:], np.arange(size)))
        target = np.concatenate((np.arange(1, size), np.full(size, -1)))
        weight = np.concatenate((edge[1:], end))
        # every prefix on its own scale, and nothing of weight 0 that rounding could choose
        weight = weight / np.bincount(source, weights=weight, minlength=size)[source]
        order = np.argsort(source, kind="stable")
        order = order[weight[order] > 0]
        low = np.searchsorted(source[order], np.arange(size + 1))
        return TreeWalker(low, np.append(0.0, np.cumsum(weight[order])), target[order])

    def draw(self, count: int, *, rng: np.random.Generator) -> Index:
        """The prefixes at which ``count`` strings end: shape (count,)."""
        node = np.zeros(count, dtype=np.int64)
        alive = np.arange(count)
        while len(alive):
            here = node[alive]
            choice = _choose(self.cumulative, self.low[here], self.low[here + 1], rng.random(len(alive)))
            following = self.target[choice]
            going_on = following >= 0
            node[alive[going_on]] = following[going_on]
            alive = alive[going_on]
        return node


def local_strings(numbers: Numbers, edge: Array, end: Array, count: int, *, rng: np.random.Generator) -> Index:
    """``count`` strings of q_loc, by index, drawn token by token from weights that need no normalising.

    Args:
        aligned: the model, a tree.
        numbers: the model's, in floats.
        edge: w of the step to each prefix, shape (prefixes,).
        end: w of ending at each prefix, shape (prefixes,).
        count: how many.
        rng: of the draws.

    Raises:
        ValueError: another number of prefixes than the model has.
    """
    aligned = numbers.aligned
    if len(edge) != len(numbers.prefix_prob):
        raise ValueError(f"{len(numbers.prefix_prob)} prefixes but {len(edge)} weights")
    ends = TreeWalker.of(aligned.tree, floats(edge), floats(end)).draw(count, rng=rng)
    return np.searchsorted(aligned.node, ends)


@dataclass(frozen=True, slots=True, eq=False)
class Walks:
    """Strings of an automaton.

    Args:
        sums: of each feature along each string, shape (K, count).
        length: tokens of each string, the end not counted, shape (count,).
        ended: whether the string reached its end within the limit, shape (count,).
    """

    sums: Floats
    length: Index
    ended: NDArray[np.bool_]


def walks(graph: Graph, law: Floats, features: Floats, count: int, limit: int, *, rng: np.random.Generator) -> Walks:
    """``count`` strings of an automaton, step by step, each cut after ``limit`` steps, the end counted as one.

    Args:
        graph: of the automaton.
        law: weights of the steps, normalised per state here, shape (n,).
        features: shape (K, n).
        count: how many.
        limit: steps after which a walk is cut.
        rng: of the draws.
    """
    low = np.append(graph.starts, len(graph))
    cumulative = np.append(0.0, np.cumsum(law / graph.row_sums(law)[graph.source]))
    state = np.full(count, graph.initial)
    sums, length = np.zeros((len(features), count)), np.zeros(count, dtype=np.int64)
    alive = np.arange(count)
    for _ in range(limit):
        here = state[alive]
        step = _choose(cumulative, low[here], low[here + 1], rng.random(len(alive)))
        sums[:, alive] += features[:, step]
        state[alive] = graph.target[step]
        alive = alive[graph.target[step] < graph.states]
        length[alive] += 1
        if not len(alive):
            break
    ended = np.ones(count, dtype=bool)
    ended[alive] = False
    return Walks(sums, length, ended)


__all__ = [
    "TreeWalker",
    "Walks",
    "corpus_means",
    "counts",
    "local_strings",
    "one_by_one",
    "strings",
    "walks",
]
