"""A prefix tree as a decoder: the code that samples from large models, on a model whose every number is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulations.sampling.generate import PAD, Tokens
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import floats, precision
from theory.language_models.tree import PrefixTree, TreeModel, zeros

Floats = NDArray[np.float64]


@dataclass(slots=True, eq=False)
class TreeDecoder:
    """Logits of a tree's next-token laws. The last id, one more than the alphabet's, ends the string.

    Args:
        child: the prefix after each prefix and token, -1 where there is none; shape (prefixes + 1, V). The last row is
            where ended strings stay.
        log_law: log p(token | prefix), -inf where there is none; same shape.
    """

    child: Tokens
    log_law: Floats
    _node: Tokens | None = None

    @staticmethod
    def of(tree: PrefixTree, edge: Floats, end: Floats) -> TreeDecoder:
        """From next-token laws: the probability of the step to each prefix, and of ending there; shapes (prefixes,)."""
        size, tokens = len(tree), len(tree.alphabet)
        child = np.full((size + 1, tokens + 1), -1, dtype=np.int64)
        child[tree.parent[1:], tree.token[1:]] = np.arange(1, size)
        child[:-1, tokens] = size
        child[-1] = size
        with np.errstate(divide="ignore"):
            log_law = np.full(child.shape, -np.inf)
            log_law[tree.parent[1:], tree.token[1:]] = np.log(edge[1:])
            log_law[:-1, tokens] = np.log(end)
        log_law[-1] = -np.log(tokens + 1)
        return TreeDecoder(child, log_law)

    @staticmethod
    def pair(aligned: Aligned) -> tuple[TreeDecoder, TreeDecoder]:
        """(prior, aligned): the next-token laws of p, given that the reward keeps the string, and of p+.

        Each is rounded once, from rationals where there are any, so that exact ties stay ties.
        """
        decoders = []
        with precision():
            exact = aligned.exact_prob()
            for prob in (aligned.prior, aligned.balls().prob if exact is None else exact):
                mass = zeros(len(aligned.tree), prob)
                mass[aligned.node] = prob
                law = TreeModel.from_masses(aligned.tree, mass)
                decoders.append(TreeDecoder.of(aligned.tree, floats(law.prob), floats(law.end)))
        return decoders[0], decoders[1]

    @property
    def end(self) -> int:
        """The id that ends a string."""
        return int(self.child.shape[1]) - 1

    def begin(self, prompts: Tokens) -> Floats:
        """Logits after each prompt, a path from the root."""
        self._node = self._walk(np.zeros(len(prompts), dtype=np.int64), prompts)
        return self.log_law[self._node]

    def advance(self, tokens: Tokens) -> Floats:
        """Logits after one more token per row.

        Raises:
            ValueError: nothing was begun.
        """
        if self._node is None:
            raise ValueError("advance() continues what begin() began")
        self._node = self._walk(self._node, tokens[:, None])
        return self.log_law[self._node]

    def logits(self, prompts: Tokens, tokens: Tokens) -> Floats:
        """Logits of every token at once."""
        node = self._walk(np.zeros(len(prompts), dtype=np.int64), prompts)
        result = np.empty((*tokens.shape, self.child.shape[1]))
        for place in range(tokens.shape[1]):
            result[:, place] = self.log_law[node]
            node = self._walk(node, np.where(tokens[:, place] == PAD, self.end, tokens[:, place])[:, None])
        return result

    def ends_at(self, prompts: Tokens, tokens: Tokens) -> Tokens:
        """The prefix at which each string ends, its prompt included: shape (B,)."""
        node = self._walk(np.zeros(len(prompts), dtype=np.int64), prompts)
        for column in tokens.T:
            going_on = (column != PAD) & (column != self.end)
            node = np.where(going_on, self._walk(node, np.where(going_on, column, 0)[:, None]), node)
        return node

    def _walk(self, node: Tokens, tokens: Tokens) -> Tokens:
        for column in tokens.T:
            node = self.child[node, column]
        # a token that the tree does not have leads where ended strings stay
        return np.where(node < 0, len(self.child) - 1, node)


__all__ = ["TreeDecoder"]
