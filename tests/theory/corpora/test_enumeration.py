"""All corpora of N strings up to order, against all ordered N-tuples."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import tables
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import fraction
from theory.corpora.enumeration import all_corpora, counts_of
from theory.examples.finite import c4, table
from theory.models.finite import FiniteModel


@given(tables(largest=3), st.integers(1, 4))
def test_corpora_by_all_tuples(aligned: Aligned, size: int) -> None:
    """The law of the counts is that of N independent strings; Lbar and Rbar are means over them."""
    numbers, exact = FiniteModel.of(aligned).numbers, aligned.exact_prob()
    assert exact is not None
    found = all_corpora(numbers, size, exact)
    expected: Counter[tuple[int, ...]] = Counter()
    for strings in itertools.product(range(len(aligned)), repeat=size):
        counts = tuple(strings.count(y) for y in range(len(aligned)))
        expected[counts] += math.prod((fraction(exact[y]) for y in strings), start=Fraction(1))  # type: ignore[assignment]
    assert {tuple(row): fraction(p) for row, p in zip(found.counts.tolist(), found.prob, strict=True)} == expected
    for row, log_prior, reward in zip(found.counts, found.log_prior, found.reward, strict=True):
        strings = [y for y, count in enumerate(row) for _ in range(count)]
        assert (log_prior * size).overlaps(numbers.log_prior[strings].sum())
        assert (reward * size).overlaps(numbers.reward[strings].sum())


@given(tables(largest=3), st.integers(1, 5))
def test_moments_of_corpora(aligned: Aligned, size: int) -> None:
    """E Lbar = E L, Cov(Lbar, Rbar) = Cov(L, R)/N, and Corr(Lbar, Rbar) = Corr(L, R) at every N; in balls too."""
    found = FiniteModel.of(aligned)
    for corpora in (all_corpora(found.numbers, size), all_corpora(found.numbers, size, aligned.exact_prob())):
        assert corpora.mean(corpora.log_prior).overlaps(found.mean.mean_log_prior)
        assert corpora.mean(corpora.reward).overlaps(found.mean.mean_reward)
        assert (corpora.covariance(corpora.log_prior, corpora.reward) * size).overlaps(found.mean.cov)
        if found.mean.correlation is not None:
            assert corpora.correlation().overlaps(found.mean.correlation)


def test_another_law_of_one_string() -> None:
    """``prob`` replaces p+: under the uniform law E Lbar is the plain mean of L."""
    found = FiniteModel.of(c4())
    uniform = np.array([fmpq(1, 3)] * 3, dtype=object)
    corpora = all_corpora(found.numbers, 3, uniform)
    assert corpora.prob.sum() == 1
    assert corpora.mean(corpora.log_prior).overlaps(found.numbers.log_prior.sum() / 3)


def test_given_an_event() -> None:
    """p+ = (2, 1, 2)/5, N = 2: given that the first string occurs, it occurs twice with chance 4/16."""
    found = FiniteModel.of(c4())
    corpora = all_corpora(found.numbers, 2, c4().exact_prob())
    given_first = corpora.restricted(corpora.counts[:, 0] > 0)
    assert given_first.prob.sum() == 1
    assert given_first.prob[given_first.counts[:, 0] == 2].sum() == fmpq(1, 4)
    assert len(given_first.log_prior) == len(given_first.reward) == len(given_first.prob) == 3


@pytest.mark.parametrize(("kinds", "size"), [(1, 5), (2, 4), (3, 3), (4, 6)])
def test_counts(kinds: int, size: int) -> None:
    """C(N + k - 1, k - 1) different vectors of sum N."""
    found = list(counts_of(kinds, size))
    assert len(set(found)) == len(found) == math.comb(size + kinds - 1, kinds - 1)
    assert all(len(row) == kinds and sum(row) == size and min(row) >= 0 for row in found)


def test_one_string() -> None:
    """The corpora of one string are the strings."""
    found = FiniteModel.of(table((1, 2, 4), (1, 2, 3)))
    corpora = all_corpora(found.numbers, 1)
    order = corpora.counts.argmax(axis=1)
    assert all(p.overlaps(q) for p, q in zip(corpora.prob, found.numbers.prob[order], strict=True))
