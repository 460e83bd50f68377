"""What the claims on trees share: small trees, exact changes on cooling, and trees of symbols for proofs."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence

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
