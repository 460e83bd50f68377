"""The search for smallest trees: shapes are counted, and weights go from left to right."""

from __future__ import annotations

from flint import fmpq

from theory.claims.tree_search import shapes, tree, trees_by_size


def test_shapes() -> None:
    """The trees whose inner prefixes branch are counted by the small Schroeder numbers: 1, 1, 3, 11, 45."""
    assert [len(list(shapes(n))) for n in range(1, 6)] == [1, 1, 3, 11, 45]
    first = next(trees_by_size(2, 2, 4, ordered=True))
    assert first.name == "[. .]: p = (1, 1), e^R = (1, 1)"
    assert len(first.content.aligned) == 2
    ordered = [c.name for c in trees_by_size(3, 3, 7, ordered=True)]
    unordered = [c.name for c in trees_by_size(3, 3, 7, ordered=False)]
    assert set(unordered) < set(ordered)


def test_tree() -> None:
    """Weights go to the strings from left to right, whatever their depth."""
    aligned = tree((((), ()), ()), (1, 2, 3), (4, 5, 6))
    assert dict(zip(aligned.names(), aligned.prior, strict=True)) == {
        "a a": fmpq(1, 6),
        "a b": fmpq(2, 6),
        "b": fmpq(3, 6),
    }
    assert [reward.factor for reward in aligned.reward] == [6, 4, 5]
