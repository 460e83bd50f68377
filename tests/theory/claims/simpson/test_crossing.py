"""simpson.crossing: corpora listed, C8, the tree of real adaptors, and no smaller witness."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import tables
from theory.alignment.gibbs import Aligned
from theory.claims.claim import Profile
from theory.claims.simpson.crossing import CLAIM, c8, mirrored, reversing_tree
from theory.corpora.mixtures import Joint, Mixture, crossing
from theory.models.finite import FiniteModel

_POINTS = st.lists(st.tuples(st.integers(1, 5), st.integers(-4, 4), st.integers(-4, 4)), min_size=1, max_size=3)


@given(_POINTS, _POINTS, st.integers(1, 4))
def test_crossing(first: Any, second: Any, share: int) -> None:
    """Cov(Lbar, Rbar) = W/N + B corpus by corpus, N <= 4: it has two signs on them iff N* = -W/B lies between."""
    parts = tuple(Joint.of([w for w, _, _ in rows], [(l, r) for _, l, r in rows]) for rows in (first, second))
    mixture = Mixture(Joint.of((share, 2), [(0, 0)] * 2).prob, parts)
    within, between = mixture.within().cov, mixture.between().cov
    found = [mixture.corpora(size).pooled().covariance().cov for size in range(1, 5)]
    assert found == [within / size + between for size in range(1, 5)]
    turn = crossing(within, between)
    assert (min(found) < 0 < max(found)) == (turn is not None and turn < 4)
    opposite = within > 0 > between and within + between > 0
    assert (turn is not None) == (opposite or (within < 0 < between and within + between < 0))
    assert mixture.pooled().corpus_means(3).covariance().cov == (within + between) / 3


def test_c8() -> None:
    """W = 4, B = -1/4: + at 15, 0 at 16, - at 17, by counting corpora; the other way round for -R."""
    for mixture, sign in ((c8(), 1), (mirrored(c8()), -1)):
        assert (mixture.within().cov, mixture.between().cov) == (4 * sign, fmpq(-sign, 4))
        found = [mixture.corpora(size).pooled().covariance().cov for size in (15, 16, 17)]
        assert found == [fmpq(sign, 60), 0, fmpq(-sign, 68)]
        assert crossing(mixture.within().cov, mixture.between().cov) == 16
        mixed = mixture.pooled().covariance().cov
        assert mixed == fmpq(15 * sign, 4)


def test_a_turn_at_one_is_none() -> None:
    """W = 1/4 = -B: 0 for single strings, -1/8 at N = 2 and negative ever after, so that no two signs are taken."""
    case = next(c for c in CLAIM.cases(Profile("quick")) if c.name.endswith("N* = 1"))
    mixture = case.content.mixture
    found = [mixture.corpora(size).pooled().covariance().cov for size in (1, 2, 3)]
    assert found == [0, fmpq(-1, 8), fmpq(-1, 6)]
    assert crossing(mixture.within().cov, mixture.between().cov) is None


def test_tree_of_real_adaptors() -> None:
    """p+ and local T = 1/2 on a tree: positive within both, N* = 139.97; p+ is (3, 6, 8)/17, T = 1/2 by hand."""
    laws = [np.array([3.0, 6.0, 8.0]) / 17, np.array([81 / 145 * 1 / 5, 81 / 145 * 4 / 5, 64 / 145])]
    log_prior, reward = np.log(np.array([1, 2, 2]) / 5), np.log([3, 3, 4])
    found = FiniteModel.of(reversing_tree())
    assert found.aligned.names() == ("a 1", "a 2", "b 1")
    covariances = [float(q @ (log_prior * reward) - (q @ log_prior) * (q @ reward)) for q in laws]
    assert min(covariances) > 0
    between = float(np.prod([(laws[0] - laws[1]) @ v for v in (log_prior, reward)])) / 4
    assert -np.mean(covariances) / between == pytest.approx(139.974, abs=1e-2)
    case = next(c for c in CLAIM.cases(Profile("quick")) if c.name.endswith("temperatures 1, 1/2"))
    mixture = case.content.mixture
    assert float(crossing(mixture.within().cov, mixture.between().cov)) == pytest.approx(139.974, abs=1e-2)
    assert mixture.corpus_covariance(139).cov > 0
    assert mixture.corpus_covariance(140).cov < 0


@given(tables(2, 2))
def test_two_strings_never_cross(aligned: Aligned) -> None:
    """Two points lie on a line: W and B have one sign, whatever the two laws are."""
    numbers = aligned.balls()
    one, two = (
        Joint(numbers.prob**power / (numbers.prob**power).sum(), numbers.log_prior, numbers.reward) for power in (1, 3)
    )
    mixture = Mixture.even(one, two)
    product: arb = mixture.within().cov * mixture.between().cov
    assert not product < 0


def test_no_smaller_witness_in_any_order_of_the_strings() -> None:
    """No table of three strings with weights up to a sum of 7, in whatever order, changes its sign; floats."""
    for weights in itertools.product(range(1, 4), repeat=6):
        if sum(weights) > 7:
            continue
        p, x = np.array(weights[:3], float), np.array(weights[3:], float)
        log_prior, reward = np.log(p), np.log(x)
        laws = [(p * x) ** power / ((p * x) ** power).sum() for power in (1, 2)]
        within = np.mean([q @ (log_prior * reward) - (q @ log_prior) * (q @ reward) for q in laws])
        between = ((laws[0] - laws[1]) @ log_prior) * ((laws[0] - laws[1]) @ reward) / 4
        assert within * between > -1e-14


def test_the_smallest_witness_by_hand() -> None:
    """p = (1, 1, 2)/4, e^R = (1, 2, 1), p+ and T = 1/2: negative within both, positive for N > 362 = N*."""
    # L and R in units of log 2 are 0 or 1, p+ = (1, 2, 2)/5, and (1, 4, 4)/9 when cooled
    points = [(0, 0), (0, 1), (1, 0)]
    mixture = Mixture.even(Joint.of((1, 2, 2), points), Joint.of((1, 4, 4), points))
    assert crossing(mixture.within().cov, mixture.between().cov) == 362
