"""Models held to a language: masks that are renormalised at every step, and the law conditioned on the language.

The mask of a language L leaves at each prefix the tokens after which a string of L can still come. Renormalised
locally it gives q_loc(y) = p+(y) / prod_t a_t with a_t the mass that is allowed at step t; normalised once it is p+
given L. The conditioned law has next-token laws of its own, p+(t|u) h(ut) / h(u), with h(u) the probability that a
string beginning with u is in L: the Doob transform by the acceptance probability of prefixes.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass

import numpy as np
from flint import fmpq

from theory.adaptors.exact import Kept
from theory.alignment.gibbs import Aligned, Numbers, in_own_arithmetic
from theory.arithmetic.exact import Array
from theory.language_models.tree import Mask, zeros


@dataclass(frozen=True, slots=True)
class Language:
    """A deterministic automaton over characters, by three functions; None is the state of no return.

    Args:
        start: its first state.
        step: the state after a text.
        final: whether a string may end in a state.
    """

    start: Hashable
    step: Callable[[Hashable, str], Hashable]
    final: Callable[[Hashable], bool]

    def accepts(self, text: str) -> bool:
        """Whether a whole text is in the language."""
        return self.final(self.step(self.start, text))


def inside(aligned: Aligned, language: Language) -> Mask:
    """Which strings of a model are in a language, their tokens put together, shape (n,).

    Raises:
        ValueError: none is.
    """
    texts = ["".join(aligned.tree.tokens(int(node))) for node in aligned.node]
    found: Mask = np.array([language.accepts(text) for text in texts])
    if not found.any():
        raise ValueError(f"none of the {len(texts)} strings is in the language; {texts[0]!r}, say")
    return found


def language_mask(aligned: Aligned, inside: Mask) -> Kept:
    """What the mask of a language keeps.

    Args:
        aligned: the model.
        inside: which of its strings are in the language, shape (n,).

    Raises:
        ValueError: none is.
    """
    if not inside.any():
        raise ValueError("the language holds no string of the model")
    tree = aligned.tree
    end = np.zeros(len(tree), dtype=bool)
    end[aligned.node[inside]] = True
    below = tree.sum_subtrees(end.astype(np.int64))
    return Kept(aligned, below > 0, end, fmpq(1))


@in_own_arithmetic
def acceptance_probability(numbers: Numbers, inside: Mask) -> Array:
    """h(u) = P(the string is in the language | it begins with u), shape (prefixes,)."""
    aligned = numbers.aligned
    mass = zeros(len(aligned.tree), numbers.prob)
    mass[aligned.node[inside]] = numbers.prob[inside]
    found: Array = aligned.tree.sum_subtrees(mass) / numbers.prefix_prob
    return found


@in_own_arithmetic
def doob_steps(numbers: Numbers, inside: Mask) -> tuple[Array, Array]:
    """(p+(t|u) h(ut) / h(u) of the step to each prefix, p+(end|u) / h(u) at the language's strings), (prefixes,) each.

    The start's own step is 1; prefixes after which nothing of the language can come have 0.
    """
    aligned, accepted = numbers.aligned, acceptance_probability(numbers, inside)
    tree, kept = aligned.tree, language_mask(aligned, inside)
    step, ending = zeros(len(tree), numbers.prob), zeros(len(tree), numbers.prob)
    alive = kept.edge.copy()
    alive[0] = False
    up = tree.parent[alive]
    step[0] = numbers.prefix_prob[0] / numbers.prefix_prob[0]
    step[alive] = numbers.prefix_prob[alive] / numbers.prefix_prob[up] * accepted[alive] / accepted[up]
    ending[kept.end] = numbers.end_prob[kept.end] / accepted[kept.end]
    return step, ending


@in_own_arithmetic
def doob_law(numbers: Numbers, inside: Mask) -> Array:
    """The product of ``doob_steps`` along every string of the language, shape (m,)."""
    step, ending = doob_steps(numbers, inside)
    path = numbers.aligned.tree.descend(step[0], step, np.multiply)
    node = numbers.aligned.node[inside]
    found: Array = path[node] * ending[node]
    return found


__all__ = ["Language", "acceptance_probability", "doob_law", "doob_steps", "inside", "language_mask"]
