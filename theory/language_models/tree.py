"""Next-token language models on a finite prefix tree.

A string is a path from the root followed by the end of the string. A table of strings is the tree of depth one
whose tokens are the strings themselves, so that one code path serves both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from theory.arithmetic.compiled import compiled
from theory.arithmetic.exact import Array, is_exact, objects
from theory.probability.law import Law

Index = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class PrefixTree:
    """The prefixes of a language model, breadth first: node 0 is the empty prefix.

    Args:
        alphabet: the tokens, in the order that decides ties.
        parent: shape (n,); ``parent[0] = -1``; non-decreasing, so that the children of a node are contiguous.
        token: shape (n,); index into the alphabet of each prefix's last token; ``token[0] = -1``.
        levels: nodes ``levels[d]:levels[d + 1]`` are the prefixes of d tokens.
    """

    alphabet: tuple[str, ...]
    parent: Index
    token: Index
    levels: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.parent)

    @staticmethod
    def of(alphabet: Sequence[str], parent: Index, token: Index) -> PrefixTree:
        """The tree with these arrays; the levels are found from the parents. Cost: O(n)."""
        levels = [0, 1]
        while levels[-1] < len(parent):
            levels.append(int(np.searchsorted(parent, levels[-1])))
        return PrefixTree(tuple(alphabet), parent, token, tuple(levels))

    def descend(self, root: Any, edge: Array, combine: Callable[[Array, Array], Array]) -> Array:
        """f(root) = root and f(u t) = combine(f(u), edge(u t)), level by level. Shape (n,). Cost: O(n)."""
        values = np.empty(len(self), dtype=edge.dtype)
        values[0] = root
        for low, high in zip(self.levels[1:], self.levels[2:], strict=False):
            values[low:high] = combine(values[self.parent[low:high]], edge[low:high])
        return values

    def sum_children(self, edge: Array) -> Array:
        """s(u) = sum over the children u t of edge(u t), 0 at leaves. Shape (n,). Cost: O(n)."""
        totals = zeros(len(self), edge)
        if len(self) > 1:
            starts = self._sibling_starts(1, len(self))
            totals[self.parent[starts + 1]] = np.add.reduceat(edge[1:], starts)
        return totals

    def sum_subtrees(self, values: Array) -> Array:
        """S(u) = sum of values over all prefixes that begin with u. Shape (n,). Cost: O(n)."""
        totals = values.copy()
        for low, high in reversed(list(zip(self.levels[1:], self.levels[2:], strict=False))):
            starts = self._sibling_starts(low, high)
            totals[self.parent[low + starts]] += np.add.reduceat(totals[low:high], starts)
        return totals

    def _sibling_starts(self, low: int, high: int) -> Index:
        """Offsets from ``low`` at which a new parent's children begin."""
        parents = self.parent[low:high]
        return np.flatnonzero(np.concatenate(([True], parents[1:] != parents[:-1])))

    def children(self, node: int) -> range:
        """The children of a node, in token order."""
        low, high = np.searchsorted(self.parent, (node, node + 1))
        return range(max(int(low), 1), int(high))

    def tokens(self, node: int) -> list[str]:
        """The tokens of the prefix that ends at ``node``."""
        path: list[str] = []
        while node > 0:
            path.append(self.alphabet[self.token[node]])
            node = int(self.parent[node])
        return path[::-1]

    def restrict(self, kept: Mask) -> tuple[PrefixTree, Index]:
        """The subtree of the kept nodes (each with its ancestors), and the old index of each new node."""
        old = np.flatnonzero(kept)
        new = np.full(len(self), -1, dtype=np.int64)
        new[old] = np.arange(len(old))
        parent = np.where(old == 0, -1, new[self.parent[old]])
        return PrefixTree.of(self.alphabet, parent, self.token[old]), old


@dataclass(frozen=True, slots=True, eq=False)
class TreeModel:
    """A language model: at each prefix u a law over next tokens and the end of the string.

    Args:
        tree: its prefixes, n of them, each of positive probability.
        prob: shape (n,); p(last token | parent prefix); 1 at the root.
        end: shape (n,); p(end | prefix); may be 0.
    """

    tree: PrefixTree
    prob: Array
    end: Array

    @staticmethod
    def from_next(alphabet: Sequence[str], rows: Mapping[tuple[str, ...], Sequence[Any]]) -> TreeModel:
        """The model with next-token laws [p(token_1), ..., p(token_V), p(end)] at the listed prefixes.

        A prefix that is not listed ends there. Branches of probability 0 are left out.

        Raises:
            ValueError: a listed prefix that the model cannot reach, a row of the wrong length, or no empty prefix.
        """
        if () not in rows:
            raise ValueError('the empty prefix "" must be listed')
        for prefix, law in rows.items():
            if len(law) != len(alphabet) + 1:
                raise ValueError(f'prefix "{" ".join(prefix)}" needs {len(alphabet) + 1} probabilities, got {len(law)}')
        exact = isinstance(rows[()][0], fmpq)
        one: Any = fmpq(1) if exact else 1.0
        prefixes: list[tuple[str, ...]] = [()]
        parent, token, prob, end = [-1], [-1], [one], []
        for node, prefix in enumerate(prefixes):  # grows while it is read: breadth first
            row = rows.get(prefix)
            if row is None:
                end.append(one)
                continue
            end.append(row[-1])
            for index, p in enumerate(row[:-1]):
                if p > 0:
                    prefixes.append((*prefix, alphabet[index]))
                    parent.append(node)
                    token.append(index)
                    prob.append(p)
        reached = set(prefixes)
        for prefix in rows:
            if prefix not in reached:
                raise ValueError(f'prefix "{" ".join(prefix)}" cannot be reached; remove it')
        wrap = objects if exact else np.array
        tree = PrefixTree.of(alphabet, np.array(parent), np.array(token))
        return TreeModel(tree, wrap(prob), wrap(end))

    @staticmethod
    def from_strings(alphabet: Sequence[str], strings: Sequence[Sequence[int]], prob: Array) -> TreeModel:
        """The model whose string law is ``prob``: next-token laws are ratios of prefix masses.

        Args:
            alphabet: the tokens, in the order that decides ties.
            strings: token indices of each string, all different.
            prob: shape (len(strings),), rationals or floats, each > 0.

        Raises:
            ValueError: a string occurs twice.
        """
        order = sorted(range(len(strings)), key=lambda k: (len(strings[k]), tuple(strings[k])))
        node_of: dict[tuple[int, ...], int] = {}
        prefixes = {tuple(strings[k][:length]) for k in order for length in range(len(strings[k]) + 1)}
        if len({tuple(s) for s in strings}) < len(strings):
            raise ValueError("a string occurs twice; merge the two")
        by_depth = sorted(prefixes | {()}, key=lambda prefix: (len(prefix), prefix))
        parent, token = [], []
        for prefix in by_depth:
            parent.append(node_of[prefix[:-1]] if prefix else -1)
            token.append(prefix[-1] if prefix else -1)
            node_of[prefix] = len(node_of)
        tree = PrefixTree.of(alphabet, np.array(parent), np.array(token))
        mass = zeros(len(tree), prob)
        for k in order:
            mass[node_of[tuple(strings[k])]] = prob[k]
        return TreeModel.from_masses(tree, mass)

    @staticmethod
    def from_masses(tree: PrefixTree, mass: Array) -> TreeModel:
        """The model whose string at node u has probability proportional to ``mass[u]`` (shape (n,), >= 0).

        p(t | u) = S(u t) / S(u) and p(end | u) = mass(u) / S(u), S the subtree sums, all > 0. For the aligned law
        this is the Doob transform of the prior's next-token laws by the future expectation of e^{r/beta}.
        """
        totals = tree.sum_subtrees(mass)
        prob = totals.copy()
        prob[1:] = totals[1:] / totals[tree.parent[1:]]
        prob[0] = totals[0] / totals[0]
        return TreeModel(tree, prob, mass / totals)

    @staticmethod
    def table(strings: Sequence[str], prob: Array) -> TreeModel:
        """The table of strings with probabilities > 0 as a tree of depth one: the whole string is the token."""
        n = len(strings)
        parent = np.concatenate(([-1], np.zeros(n, dtype=np.int64)))
        tree = PrefixTree(tuple(strings), parent, np.arange(-1, n), (0, 1, n + 1))
        one, zero = (fmpq(1), fmpq(0)) if is_exact(prob) else (1.0, 0.0)
        edges, ends = zeros(n + 1, prob), zeros(n + 1, prob)
        edges[0], edges[1:] = one, prob
        ends[0], ends[1:] = zero, one
        return TreeModel(tree, edges, ends)

    def strings(self) -> Index:
        """The nodes at which a string of positive probability ends, breadth first."""
        return np.flatnonzero(np.array(self.end != 0, dtype=bool))

    def prefix_prob(self) -> Array:
        """The probability that a string begins with each prefix. Shape (n,)."""
        return self.tree.descend(self.prob[0], self.prob, _times if is_exact(self.prob) else np.multiply)

    def string_prob(self) -> Array:
        """The probability of each string, in the order of ``strings()``. Cost: O(n)."""
        if is_exact(self.prob):
            ending = self.strings()
            return _times(self.end[ending], self.prefix_prob()[ending])
        fast_products = compiled("tree_products", len(self.prob))
        if fast_products is None:
            return self._at_strings(self.prefix_prob() * self.end)
        mass = np.empty(len(self.prob))
        ends_everywhere = fast_products(self.tree.parent, self.prob, self.end, mass)
        return mass if ends_everywhere else self._at_strings(mass)

    def _at_strings(self, values: Array) -> Array:
        """The values at the nodes where strings end; without a copy where they end everywhere."""
        ending = np.asarray(self.end != 0, dtype=bool)
        return values if ending.all() else values[ending]

    def names(self, separator: str = " ") -> tuple[str, ...]:
        """The strings as text, tokens joined by ``separator``."""
        return tuple(separator.join(self.tree.tokens(int(node))) for node in self.strings())

    def law(self, separator: str = " ") -> Law:
        """The law over whole strings."""
        return Law(self.names(separator), self.string_prob())


def _times(first: Array, second: Array) -> Array:
    """The products of rationals; the second themselves, not copies, where the first are one and the same 1.

    Equal probabilities that a table holds as one object then stay one, and whoever groups them sees it at once.
    """
    one = first[0] if len(first) else None
    if one == 1 and all(factor is one for factor in first):
        return second
    product: Array = first * second
    return product


def zeros(n: int, like: Array) -> Array:
    """n zeros of the arithmetic of ``like``: float 0.0, or the rational 0 in an object array."""
    if is_exact(like):
        blank = np.empty(n, dtype=object)
        blank[:] = fmpq(0)
        return blank
    return np.zeros(n)
