"""What the claims on trees share: small trees, exact changes on cooling, and trees of symbols for proofs."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp
from flint import arb

from theory.adaptors.exact import chain, decide
from theory.adaptors.gauge import (
    adaptor_weights,
    global_law,
    local_law,
    next_token_laws,
)
from theory.adaptors.log_forms import Point
from theory.adaptors.order_preserving import Ranking
from theory.arithmetic.exact import Array, Exact
from theory.claims.claim import Case, Profile
from theory.claims.symbolic import cancels, simplex
from theory.claims.tree_search import trees_by_size
from theory.models.finite import FiniteModel


def rational_cases(cases: Sequence[Case]) -> list[Case]:
    """The cases on which p+ is rational."""
    return [c for c in cases if c.content.aligned.exact_prob() is not None]


def cooled_changes(found: FiniteModel) -> tuple[Array, Array]:
    """p+ and the global and local laws at T = 1/2 as changes of the strings' rational masses: (global, local)."""
    model, kept = next_token_laws(found.aligned), decide(found.numbers, chain(("temperature", "1/2")))
    weights, own = adaptor_weights(model, kept), found.aligned.exact_prob()
    return global_law(weights)[found.aligned.node] - own, local_law(weights)[found.aligned.node] - own


def three_string_trees(profile: Profile) -> Iterator[Case]:
    """All trees of three strings; with two strings there is one decision, where local and global agree."""
    del profile
    return trees_by_size(3, 3, 12, ordered=False)


Paths = tuple[tuple[str, ...], ...]


Step = tuple[tuple[str, ...], str]


SYMBOLIC_PATHS: tuple[Paths, ...] = (
    (("a",), ("b",)),
    (("a", "c"), ("a", "d"), ("b",)),
    ((), ("a",), ("a", "b"), ("a", "c")),
)
"""Strings of the symbolic trees: a table, C2's shape, and one with ends inside."""


def decisions_of(paths: Paths) -> dict[tuple[str, ...], list[str]]:
    """The next tokens of each prefix, "$" for the end."""
    found: dict[tuple[str, ...], list[str]] = {}
    for path in paths:
        for k, token in enumerate((*path, "$")):
            tokens = found.setdefault(path[:k], [])
            tokens += [token] * (token not in tokens)
    return found


def path_product(path: tuple[str, ...], weight: Mapping[Step, sp.Expr]) -> sp.Expr:
    """The product of the weights of a path's steps, its end included."""
    return sp.Mul(*(weight[path[:k], token] for k, token in enumerate((*path, "$"))))


@dataclass(frozen=True, slots=True)
class SymbolicTree:
    """A tree with free next-token laws; log p of each step is a symbol l of its own, free as well.

    Temperature enters to first order, p^tau = p (1 + x l) with x = tau - 1: derivatives at tau = 1 see no more.

    Args:
        step: p(t | u), by (prefix, next token); the laws sum to 1.
        log_step: l(t | u), likewise.
        prob: p+(y) = prod_t p(t | u) of each string.
    """

    paths: Paths
    step: Mapping[Step, Any]
    log_step: Mapping[Step, Any]
    prob: tuple[Any, ...]

    def along(self, values: Mapping[tuple[str, ...], Exact]) -> list[Exact]:
        """The sum over the prefixes of each string, itself included."""
        return [sp.Add(*(values[path[:k]] for k in range(len(path) + 1))) for path in self.paths]


def symbolic_tree_of(paths: Paths) -> SymbolicTree:
    """The tree of symbols with these paths."""
    step: dict[Step, Any] = {}
    for context, tokens in decisions_of(paths).items():
        law = simplex(len(tokens), f"p{''.join(context)}_")
        step |= {(context, token): p for token, p in zip(tokens, law, strict=True)}
    log_step = {(u, t): sp.Symbol(f"l{''.join(u)}_{t}") for u, t in step}
    return SymbolicTree(paths, step, log_step, tuple(path_product(path, step) for path in paths))


def few_string_trees(profile: Profile) -> Iterator[Case]:
    """All trees of two and three strings."""
    del profile
    return trees_by_size(2, 3, 8, ordered=True)


def least_below(values: Iterable[Exact]) -> arb:
    """The least of 0 and the values, as a ball: certainly >= 0 only where each of them is."""
    return functools.reduce(arb.min, map(arb, values), arb(0))


def ranked_rows(ranked: Ranking) -> Iterator[tuple[tuple[int, ...], tuple[bool, ...]]]:
    """Each context's tokens in order of probability, with which of them tie with the one before."""
    return zip(ranked.order, ranked.tied, strict=True)


def on_rising_line(points: Sequence[Point]) -> bool:
    """Whether all points lie on one line along which neither coordinate falls as the other rises."""
    gaps = [point - points[0] for point in points]
    along = next((gap for gap in gaps if gap.log_prior.sign() or gap.reward.sign()), None)
    if along is None:
        return True
    flat = all(gap.side(along.outward()) == 0 for gap in gaps)
    return flat and along.log_prior.sign() * along.reward.sign() >= 0


def mixture_lines() -> list[str]:
    """A law that does not rise along the order is a mixture of uniform laws on top sets: up to four tokens."""
    lines = []
    for size in (2, 3, 4):
        q = simplex(size, "q")
        share = [j * (one - two) for j, (one, two) in enumerate(itertools.pairwise([*q, 0]), start=1)]
        lines.append(cancels(sp.Add(*share) - 1, f"the weights j (q_j - q_j+1) sum to 1, {size} tokens"))
        for i in range(size):
            mixed = sp.Add(*(w / sp.Integer(j) for j, w in enumerate(share, start=1) if j > i))
            lines.append(cancels(mixed - q[i], f"q_{i + 1} is that mixture of uniform laws on top sets, {size} tokens"))
    return lines
