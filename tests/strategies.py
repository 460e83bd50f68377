"""Hypothesis strategies for laws and models with small integer weights: every mass is rational and shrinks well."""

from __future__ import annotations

from typing import Any

from flint import fmpq
from hypothesis import strategies as st

from theory.alignment.gibbs import Aligned, align
from theory.examples.finite import from_laws, table
from theory.language_models.rewards import Reward
from theory.language_models.tree import TreeModel


def weights(smallest: int = 2, largest: int = 6, top: int = 12) -> st.SearchStrategy[list[int]]:
    """Lists of positive integer weights."""
    return st.lists(st.integers(1, top), min_size=smallest, max_size=largest)


def rationals(low: int = 1, top: int = 12) -> st.SearchStrategy[fmpq]:
    """Positive rationals with small numerator and denominator."""
    return st.builds(fmpq, st.integers(low, top), st.integers(1, top))


@st.composite
def tables(draw: Any, smallest: int = 2, largest: int = 6, top: int = 12) -> Aligned:
    """Aligned tables: p and e^R proportional to small integers."""
    prior = draw(weights(smallest, largest, top))
    return table(prior, draw(st.lists(st.integers(1, top), min_size=len(prior), max_size=len(prior))))


@st.composite
def pairs_of_laws(draw: Any, smallest: int = 2, largest: int = 6, top: int = 12) -> Aligned:
    """Aligned tables given as (p, p+): e^R = p+ / p."""
    prior = draw(weights(smallest, largest, top))
    return from_laws(prior, draw(st.lists(st.integers(1, top), min_size=len(prior), max_size=len(prior))))


@st.composite
def trees(draw: Any, tokens: int = 2, depth: int = 3, top: int = 6) -> Aligned:
    """Aligned trees: next-token laws from integer weights (0 leaves a branch out), e^R of each string an integer."""
    alphabet = tuple("abcdefgh"[:tokens])
    rows: dict[tuple[str, ...], list[fmpq]] = {}
    waiting: list[tuple[str, ...]] = [()]
    while waiting:
        prefix = waiting.pop()
        row = [draw(st.integers(0, top)) for _ in alphabet] + [draw(st.integers(1, top))]
        rows[prefix] = [fmpq(w, sum(row)) for w in row]
        if len(prefix) + 1 < depth:
            waiting += [(*prefix, t) for t, w in zip(alphabet, row, strict=False) if w]
    model = TreeModel.from_next(alphabet, rows)
    return align(model, [Reward(factor=fmpq(draw(st.integers(1, top)))) for _ in model.strings()])


def models() -> st.SearchStrategy[Aligned]:
    """Tables and trees."""
    return st.one_of(tables(), pairs_of_laws(), trees())
