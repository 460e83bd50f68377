"""Prefix trees against recursion in plain Python, in rationals and in float64 alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st

from theory.arithmetic.exact import Array, floats, is_exact, objects
from theory.language_models.tree import PrefixTree, TreeModel, zeros

ALPHABET = ("a", "b", "c")
Prefix = tuple[str, ...]
Rows = dict[Prefix, list[fmpq]]
Number = Callable[[fmpq], Any]
ARITHMETIC = st.sampled_from([fmpq, lambda q: int(q.p) / int(q.q)])


@st.composite
def next_laws(draw: Any, depth: int = 3, top: int = 4) -> Rows:
    """Next-token laws of some prefixes; a token or the end may have probability 0, and so may all but one."""
    rows: Rows = {}
    waiting: list[Prefix] = [()]
    while waiting:
        prefix = waiting.pop()
        row = draw(st.lists(st.integers(0, top), min_size=4, max_size=4).filter(any))
        rows[prefix] = [fmpq(w, sum(row)) for w in row]
        if len(prefix) + 1 < depth:
            waiting += [(*prefix, t) for t, w in zip(ALPHABET, row, strict=False) if w and draw(st.booleans())]
    return rows


@st.composite
def string_laws(draw: Any) -> dict[tuple[int, ...], fmpq]:
    """Strings of token indices, the empty one among them at times, with probabilities in no order."""
    strings = st.lists(st.integers(0, 2), max_size=4).map(tuple)
    weights = draw(st.dictionaries(strings, st.integers(1, 9), min_size=1, max_size=8))
    total = sum(weights.values())
    return {string: fmpq(w, total) for string, w in weights.items()}


def walk(rows: Rows, prefix: Prefix = (), mass: fmpq = fmpq(1)) -> Iterator[tuple[Prefix, fmpq]]:
    """Every string of positive probability with it, depth first; a prefix that is not listed ends."""
    row = rows.get(prefix)
    if row is None:
        yield prefix, mass
        return
    if row[-1] != 0:
        yield prefix, mass * row[-1]
    for token, p in zip(ALPHABET, row, strict=False):
        if p != 0:
            yield from walk(rows, (*prefix, token), mass * p)


def prefixes(rows: Rows) -> list[Prefix]:
    """The prefixes of positive probability, breadth first, siblings in token order."""
    found = {string[:k] for string, _ in walk(rows) for k in range(len(string) + 1)}
    return sorted(found, key=lambda prefix: (len(prefix), prefix))


def model(rows: Rows, number: Number = fmpq) -> TreeModel:
    return TreeModel.from_next(ALPHABET, {prefix: [number(p) for p in row] for prefix, row in rows.items()})


def paths(tree: PrefixTree) -> list[Prefix]:
    """Each node's tokens, from parents and tokens alone."""
    found: list[Prefix] = [()]
    for node in range(1, len(tree)):
        found.append((*found[tree.parent[node]], tree.alphabet[tree.token[node]]))
    return found


def same(found: Array, expected: list[fmpq]) -> bool:
    """Equal rationals, or floats within 1e-15."""
    if is_exact(found):
        return bool(found.tolist() == expected)
    return len(found) == len(expected) and np.allclose(found, floats(objects(expected)), rtol=1e-14, atol=1e-15)


@given(next_laws(), ARITHMETIC)
def test_model_from_next_token_laws(rows: Rows, number: Number) -> None:
    """p(y) = prod p(y_t | y_<t) p(end | y), by recursion over prefixes."""
    found = model(rows, number)
    expected = dict(walk(rows))
    law = found.law()
    assert sorted(law.support) == sorted(" ".join(string) for string in expected)
    assert same(law.prob, [expected[tuple(name.split())] for name in law.support])
    assert found.prob.dtype == found.end.dtype == law.prob.dtype
    mass = [sum((p for y, p in expected.items() if y[: len(u)] == u), start=fmpq(0)) for u in prefixes(rows)]
    assert same(found.prefix_prob(), mass)


@given(next_laws())
def test_shape_of_a_tree(rows: Rows) -> None:
    """Nodes are the prefixes breadth first, siblings in token order; levels count tokens; children are contiguous."""
    tree = model(rows).tree
    nodes = prefixes(rows)
    assert paths(tree) == nodes
    assert [tuple(tree.tokens(node)) for node in range(len(tree))] == nodes
    assert (np.diff(tree.parent) >= 0).all()
    depths = [len(prefix) for prefix in nodes]
    assert tree.levels == (*(depths.index(d) for d in range(max(depths) + 1)), len(nodes))
    for node, prefix in enumerate(nodes):
        assert [nodes[child] for child in tree.children(node)] == [u for u in nodes if u and u[:-1] == prefix]


@given(next_laws(), ARITHMETIC)
def test_next_token_laws_sum_to_one(rows: Rows, number: Number) -> None:
    """sum_t p(t | u) + p(end | u) = 1 at every prefix."""
    found = model(rows, number)
    assert same(found.tree.sum_children(found.prob) + found.end, [fmpq(1)] * len(found.tree))


@given(next_laws(), st.data(), ARITHMETIC)
def test_sums_over_children_and_subtrees(rows: Rows, data: Any, number: Number) -> None:
    """s(u) = sum over children of f, S(u) = sum of f over all prefixes that begin with u; f itself is left alone."""
    tree = model(rows).tree
    nodes = prefixes(rows)
    values = [fmpq(data.draw(st.integers(-9, 9)), 7) for _ in nodes]
    array = objects(values) if number is fmpq else floats(objects(values))
    children = [sum((v for u, v in zip(nodes, values, strict=True) if u[:-1] == w and u), fmpq(0)) for w in nodes]
    below = [sum((v for u, v in zip(nodes, values, strict=True) if u[: len(w)] == w), fmpq(0)) for w in nodes]
    assert same(tree.sum_children(array), children)
    assert same(tree.sum_subtrees(array), below)
    assert same(array, values)


@given(next_laws())
def test_descend_folds_along_the_path(rows: Rows) -> None:
    """f(u t) = combine(f(u), edge(u t)), in this order: with + on text it spells the prefix."""
    tree = model(rows).tree
    edge = objects("".join(prefix[-1:]) for prefix in prefixes(rows))
    spelled = tree.descend("<", edge, np.add)
    assert spelled.tolist() == ["<" + "".join(prefix) for prefix in prefixes(rows)]
    depth = tree.descend(0, np.ones(len(tree), dtype=np.int64), np.add)
    assert depth.tolist() == [len(prefix) for prefix in prefixes(rows)]


@given(next_laws(), st.data())
def test_restrict_keeps_what_it_is_told(rows: Rows, data: Any) -> None:
    """The kept nodes, each with its ancestors, in the old order; the result is again a tree breadth first."""
    tree = model(rows).tree
    nodes = prefixes(rows)
    chosen = data.draw(st.sets(st.sampled_from(nodes)))
    kept = {u[:k] for u in chosen for k in range(len(u) + 1)} | {()}
    smaller, old = tree.restrict(np.array([u in kept for u in nodes]))
    assert paths(smaller) == [u for u in nodes if u in kept] == [nodes[k] for k in old]
    assert smaller.alphabet == tree.alphabet
    assert smaller.levels[-1] == len(smaller)
    assert same(smaller.sum_subtrees(objects([fmpq(1)] * len(smaller)))[:1], [fmpq(len(kept))])


@given(string_laws(), ARITHMETIC)
def test_model_from_strings(strings: dict[tuple[int, ...], fmpq], number: Number) -> None:
    """The string law is the one given, and p(t | u) = P(u t ...) / P(u ...)."""
    prob = [number(p) for p in strings.values()]
    found = TreeModel.from_strings(ALPHABET, list(strings), objects(prob) if number is fmpq else np.array(prob))
    expected = {tuple(ALPHABET[k] for k in string): p for string, p in strings.items()}
    nodes = paths(found.tree)
    mass = {u: sum((p for y, p in expected.items() if y[: len(u)] == u), start=fmpq(0)) for u in nodes}
    assert set(nodes) == {y[:k] for y in expected for k in range(len(y) + 1)}
    assert same(found.string_prob(), [expected[nodes[k]] for k in found.strings()])
    assert same(found.prob, [mass[u] / mass[u[:-1]] for u in nodes])
    assert same(found.end, [expected.get(u, fmpq(0)) / mass[u] for u in nodes])


@given(next_laws(), st.data(), ARITHMETIC)
def test_model_from_masses(rows: Rows, data: Any, number: Number) -> None:
    """p(y) = mass(y) / total mass; a prefix without a string of its own has p(end | u) = 0."""
    tree = model(rows).tree
    leaves = tree.sum_children(np.ones(len(tree))) == 0
    mass = [fmpq(data.draw(st.integers(int(leaf), 6))) for leaf in leaves]
    array = objects(mass) if number is fmpq else floats(objects(mass))
    found = TreeModel.from_masses(tree, array)
    ending = [k for k, m in enumerate(mass) if m != 0]
    assert found.strings().tolist() == ending
    assert same(found.string_prob(), [mass[k] / sum(mass, fmpq(0)) for k in ending])
    assert same(tree.sum_children(found.prob) + found.end, [fmpq(1)] * len(tree))
    again = TreeModel.from_masses(tree, found.prefix_prob() * found.end)
    assert np.allclose(floats(again.prob), floats(found.prob), rtol=1e-14, atol=0)
    assert number is not fmpq or again.prob.tolist() == found.prob.tolist()


@given(next_laws())
def test_doob_transform(rows: Rows) -> None:
    """The law prop. p(y) g(y) has next-token laws p(t | u) h(u t) / h(u), h(u) = E[g | u]: here g = 1 + tokens."""
    prior = model(rows)
    nodes = prefixes(rows)
    gain = objects(fmpq(1 + len(u)) for u in nodes)
    tilted = TreeModel.from_masses(prior.tree, prior.prefix_prob() * prior.end * gain)
    strings = dict(walk(rows))
    future = []
    for u in nodes:
        begun = {y: p for y, p in strings.items() if y[: len(u)] == u}
        future.append(sum((p * (1 + len(y)) for y, p in begun.items()), fmpq(0)) / sum(begun.values(), fmpq(0)))
    parent = prior.tree.parent
    assert same(tilted.prob[1:], [prior.prob[k] * future[k] / future[parent[k]] for k in range(1, len(nodes))])
    assert same(tilted.end, [prior.end[k] * gain[k] / future[k] for k in range(len(nodes))])


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), ARITHMETIC)
def test_table_is_a_tree_of_depth_one(weights: list[int], number: Number) -> None:
    """Each string is a token: its probability at the root, then the end; the root itself never ends."""
    prob = [fmpq(w, sum(weights)) for w in weights]
    names = [f"string {k}" for k in range(len(weights))]
    found = TreeModel.table(names, objects(prob) if number is fmpq else floats(objects(prob)))
    assert found.names() == tuple(names)
    assert same(found.law().prob, prob)
    assert found.tree.levels == (0, 1, len(names) + 1)
    assert same(found.end, [fmpq(0)] + [fmpq(1)] * len(names))
    assert same(found.prob, [fmpq(1), *prob])


def test_names_join_tokens() -> None:
    """The separator joins tokens; the empty string is "", and two strings of one name are refused."""
    half = fmpq(1, 2)
    found = TreeModel.from_next(("a", "b"), {(): [half, fmpq(0), half], ("a",): [fmpq(0), fmpq(1), fmpq(0)]})
    assert found.names() == ("", "a b")
    assert found.names("") == ("", "ab")
    twice = TreeModel.from_strings(("a", "aa"), [(0, 0), (1,)], objects([half, half]))
    assert twice.law().support == ("aa", "a a")
    with pytest.raises(ValueError, match="'aa' occurs twice"):
        twice.law("")


def test_the_empty_string_alone() -> None:
    """One node is a tree, too."""
    for found in (
        TreeModel.from_next(("a",), {(): [fmpq(0), fmpq(1)]}),
        TreeModel.from_strings(("a",), [()], objects([fmpq(1)])),
    ):
        assert found.names() == ("",)
        assert found.tree.levels == (0, 1)
        assert found.string_prob().tolist() == [fmpq(1)]
        assert found.tree.sum_children(found.prob).tolist() == [fmpq(0)]
        assert found.tree.sum_subtrees(found.prob).tolist() == [fmpq(1)]
        assert list(found.tree.children(0)) == []


@pytest.mark.parametrize(
    ("prefix", "message"),
    [
        (("b",), 'prefix "b" cannot be reached'),
        (("a", "b"), 'prefix "a b" cannot be reached'),
        (("c",), 'prefix "c" cannot be reached'),
    ],
)
def test_a_prefix_that_cannot_be_reached_is_refused(prefix: Prefix, message: str) -> None:
    """After a token of probability 0, after a prefix that ends, after a token that does not exist."""
    rows = {(): [fmpq(1, 2), fmpq(0), fmpq(1, 2)], prefix: [fmpq(0), fmpq(0), fmpq(1)]}
    with pytest.raises(ValueError, match=message):
        TreeModel.from_next(("a", "b"), rows)


def test_the_empty_prefix_is_needed() -> None:
    with pytest.raises(ValueError, match='the empty prefix "" must be listed'):
        TreeModel.from_next(("a",), {("a",): [fmpq(0), fmpq(1)]})


def test_zeros_keep_the_arithmetic() -> None:
    assert zeros(2, np.ones(3)).dtype == np.float64
    assert zeros(2, objects([arb(1)])).tolist() == [fmpq(0)] * 2
    assert zeros(2, np.ones(3)).tolist() == [0.0] * 2
