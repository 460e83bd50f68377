"""The search for smallest trees: complete against brute force, in order, and weights go from left to right."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import weights
from tests.theory.claims.edits import content_of
from theory.alignment.gibbs import Aligned
from theory.claims.claim import Case
from theory.claims.instances import (
    case,
)
from theory.claims.tree_search import shapes, tree, trees_by_size

Drawn = Any
"""A tree as nested tuples; () is a string."""


def grouped(drawn: Drawn) -> Iterator[Drawn]:
    """The trees that arise when two or more neighbours below one prefix, not all, get a prefix of their own."""
    for low, high in itertools.combinations(range(len(drawn) + 1), 2):
        if 2 <= high - low < len(drawn):
            yield (*drawn[:low], drawn[low:high], *drawn[high:])
    for k, child in enumerate(drawn):
        for other in grouped(child):
            yield (*drawn[:k], other, *drawn[k + 1 :])


def all_shapes(strings: int) -> set[Drawn]:
    """All trees with inner prefixes of two continuations or more: the flat one, grouped in every way."""
    found, waiting = set(), [((),) * strings]
    while waiting:
        drawn = waiting.pop()
        if drawn not in found:
            found.add(drawn)
            waiting += grouped(drawn)
    return found


@pytest.mark.parametrize("strings", [2, 3, 4, 5])
def test_shapes_are_complete(strings: int) -> None:
    """Every tree once, the flat one first."""
    listed = list(shapes(strings))
    assert listed[0] == ((),) * strings
    assert len(set(listed)) == len(listed)
    assert set(listed) == all_shapes(strings)


def test_one_string_is_one_tree() -> None:
    assert list(shapes(1)) == [()]


def leaves(drawn: Drawn, prefix: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The strings of a tree, from left to right, its continuations named a, b, c, ..."""
    if not drawn:
        return [prefix]
    return [y for letter, child in zip("abcdef", drawn, strict=False) for y in leaves(child, (*prefix, letter))]


Content = tuple[tuple[tuple[str, ...], Fraction, Fraction], ...]


def tree_content(one: Case) -> Content:
    """(string, p, e^R) for every string of a case."""
    aligned: Aligned = one.content.aligned
    names = [tuple(aligned.tree.tokens(int(node))) for node in aligned.node]
    return tuple(sorted(zip(names, *content_of(one), strict=True)))


def trees_by_brute_force(strings: int, total: int) -> set[Content]:
    found = set()
    for values in itertools.product(range(1, total - 2 * strings + 2), repeat=2 * strings):
        p, x = values[:strings], values[strings:]
        if sum(values) == total and math.gcd(*p) == 1 == math.gcd(*x):
            for drawn in all_shapes(strings):
                rows = zip(leaves(drawn), (Fraction(w, sum(p)) for w in p), map(Fraction, x), strict=True)
                found.add(tuple(sorted(rows)))
    return found


@pytest.mark.parametrize(("strings", "total"), [(2, 4), (2, 6), (2, 8), (3, 6), (3, 7), (3, 8), (4, 9)])
def test_ordered_trees_are_complete(strings: int, total: int) -> None:
    """Every tree with every order of its weights, once."""
    listed = [tree_content(one) for one in trees_by_size(strings, strings, total, ordered=True)]
    expected = [trees_by_brute_force(strings, each) for each in range(2 * strings, total + 1)]
    assert len(set(listed)) == len(listed)
    assert set(listed) == set().union(*expected)
    # in the order of the sums
    places = [k for content in listed for k, group in enumerate(expected) if content in group]
    assert places == sorted(places)


def unordered(content: Content, prefix: tuple[str, ...] = ()) -> Any:
    """What is left of a tree when the order of the continuations does not count."""
    here = [(p, x) for name, p, x in content if name == prefix]
    if here:
        return here[0]
    below = {name[len(prefix)] for name, _, _ in content if name[: len(prefix)] == prefix}
    return tuple(sorted((unordered(content, (*prefix, t)) for t in below), key=repr))


@pytest.mark.parametrize(("strings", "total"), [(2, 8), (3, 8), (3, 9)])
def test_unordered_trees_are_one_of_each_kind(strings: int, total: int) -> None:
    """One tree of every class up to the order of the continuations."""
    every = [tree_content(one) for one in trees_by_size(strings, strings, total, ordered=True)]
    listed = [tree_content(one) for one in trees_by_size(strings, strings, total, ordered=False)]
    assert set(listed) <= set(every)
    kinds = [unordered(content) for content in listed]
    assert len(set(kinds)) == len(kinds)
    assert set(kinds) == {unordered(content) for content in every}


def test_smaller_trees_come_first() -> None:
    """By the number of strings, whatever their weights."""
    lengths = [len(one.content.aligned) for one in trees_by_size(2, 3, 7, ordered=False)]
    assert lengths == sorted(lengths)
    assert set(lengths) == {2, 3}


@given(st.sampled_from(sorted(all_shapes(4), key=repr)), weights(4, 4), weights(4, 4))
def test_tree(drawn: Drawn, p: list[int], x: list[int]) -> None:
    """The k-th string from the left has p_k / sum p and e^R = x_k."""
    found = tree_content(case("drawn", tree(drawn, p, x)))
    shares = [Fraction(w, sum(p)) for w in p]
    assert found == tuple(sorted(zip(leaves(drawn), shares, map(Fraction, x), strict=True)))


def test_shapes() -> None:
    """The trees whose inner prefixes branch are counted by the small Schroeder numbers: 1, 1, 3, 11, 45."""
    assert [len(list(shapes(n))) for n in range(1, 6)] == [1, 1, 3, 11, 45]
    first = next(trees_by_size(2, 2, 4, ordered=True))
    assert first.name == "[. .]: p = (1, 1), e^R = (1, 1)"
    assert len(first.content.aligned) == 2
    ordered = [c.name for c in trees_by_size(3, 3, 7, ordered=True)]
    unordered = [c.name for c in trees_by_size(3, 3, 7, ordered=False)]
    assert set(unordered) < set(ordered)


def test_weights_go_from_left_to_right() -> None:
    """Weights go to the strings from left to right, whatever their depth."""
    aligned = tree((((), ()), ()), (1, 2, 3), (4, 5, 6))
    assert dict(zip(aligned.names(), aligned.prior, strict=True)) == {
        "a a": fmpq(1, 6),
        "a b": fmpq(2, 6),
        "b": fmpq(3, 6),
    }
    assert [reward.factor for reward in aligned.reward] == [6, 4, 5]
