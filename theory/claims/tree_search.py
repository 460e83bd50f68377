"""Exhaustive search over small trees, the smallest first: for the smallest witness of a claim that needs a tree."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

from flint import fmpq

from theory.alignment.gibbs import Aligned, align
from theory.arithmetic.exact import objects
from theory.claims.claim import Case
from theory.claims.instances import case, compositions
from theory.language_models.rewards import Reward
from theory.language_models.tree import TreeModel

Shape = tuple[Any, ...]
"""A prefix as the tuple of its continuations; () is a string that ends."""


def shapes(strings: int) -> Iterator[Shape]:
    """All trees with that many strings whose inner prefixes have two continuations at least, the flattest first.

    A prefix with one continuation takes no decision, and an end beside other tokens is a string like any other, so
    that these are all trees as far as laws of strings go.
    """
    found = [()] if strings == 1 else [c for parts in range(strings, 1, -1) for c in _forests(parts, strings)]
    return iter(found)


def _forests(trees: int, strings: int) -> Iterator[Shape]:
    if trees == 0:
        yield from [()] * (strings == 0)
        return
    for first in range(1, strings - trees + 2):
        for head, tail in itertools.product(shapes(first), _forests(trees - 1, strings - first)):
            yield (head, *tail)


def tree(shape: Shape, prior: Sequence[int], exp_reward: Sequence[int]) -> Aligned:
    """The aligned tree of this shape with p and e^R of its strings, from left to right, proportional to the weights."""
    strings = list(_leaves(shape))
    total = sum(prior)
    model = TreeModel.from_strings("abcdef"[: _widest(shape)], strings, objects(fmpq(w, total) for w in prior))
    reward = {tuple("abcdef"[k] for k in y): x for y, x in zip(strings, exp_reward, strict=True)}
    return align(model, [Reward(factor=fmpq(reward[tuple(model.tree.tokens(int(u)))])) for u in model.strings()])


def trees_by_size(fewest: int, most: int, largest: int, *, ordered: bool) -> Iterator[Case]:
    """Every tree of ``fewest`` to ``most`` strings with integer weights of p and e^R, by (strings, sum of the weights).

    Weights with a common factor are left out. Unless ``ordered``, so are trees that differ only in the order of the
    continuations, which decides nothing but ties.
    """
    for strings in range(fewest, most + 1):
        for total in range(2 * strings, largest + 1):
            yield from _trees_of_size(strings, total, ordered)


@functools.lru_cache(maxsize=64)
def _trees_of_size(strings: int, total: int, ordered: bool) -> tuple[Case, ...]:
    found = []
    for shape, weights in itertools.product(shapes(strings), list(compositions(2 * strings, total))):
        p, x = weights[:strings], weights[strings:]
        coprime = math.gcd(*p) == 1 == math.gcd(*x)
        if coprime and (ordered or _sorted(_labelled(shape, iter(zip(p, x, strict=True))))):
            found.append(case(f"{_drawn(shape)}: p = {p}, e^R = {x}", tree(shape, p, x)))
    return tuple(found)


def _leaves(shape: Shape, prefix: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    if not shape:
        yield prefix
    for k, child in enumerate(shape):
        yield from _leaves(child, (*prefix, k))


def _widest(shape: Shape) -> int:
    return max([len(shape), *map(_widest, shape)])


def _drawn(shape: Shape) -> str:
    """The shape in brackets, a dot for a string.

    >>> _drawn((((), ()), ()))
    '[[. .] .]'
    """
    return f"[{' '.join(map(_drawn, shape))}]" if shape else "."


def _labelled(shape: Shape, pairs: Iterator[tuple[int, int]]) -> Any:
    """The shape with the strings' weights in the place of its leaves."""
    return [_labelled(child, pairs) for child in shape] if shape else next(pairs)


def _sorted(labelled: Any) -> bool:
    """Whether the continuations stand in one agreed order everywhere."""
    if isinstance(labelled, tuple):
        return True
    return all(map(_sorted, labelled)) and all(repr(a) <= repr(b) for a, b in itertools.pairwise(labelled))
