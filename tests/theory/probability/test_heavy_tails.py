"""Infinite sums against an integral of zeta, and laws at the edge of the line's hypotheses."""

from __future__ import annotations

import itertools

import mpmath as mp
import numpy as np
import pytest
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st

from theory.arithmetic.exact import Undecided
from theory.probability.heavy_tails import (
    Logarithms,
    LogTerm,
    TowerString,
    convex_test,
    integral_test,
    log_law,
    total_of_geometrics,
    tower_partial_means,
    tower_typical_probability,
)

TERMS = st.builds(LogTerm, st.integers(2, 5), st.integers(0, 3))


def series_by_zeta(m: float) -> mp.mpf:
    """sum_{n >= 2} 1/(n log^m n) = (1/Gamma(m)) int_0^inf t^{m-1} (zeta(1 + t) - 1) dt."""
    return mp.quad(lambda t: t ** (m - 1) * (mp.zeta(1 + t) - 1), [0, 1, 5, 20, 100]) / mp.gamma(m)


@pytest.mark.parametrize("m", [2, 3, 4])
def test_a_series_by_zeta(m: int) -> None:
    assert float(Logarithms.up_to(1024).series(LogTerm(m))) == pytest.approx(float(series_by_zeta(m)), abs=1e-7)


def test_a_series_with_log_log_by_a_derivative() -> None:
    """sum (log log n)/(n log^m n) = -d/dm sum 1/(n log^m n)."""
    expected = -float(mp.diff(series_by_zeta, 3))
    assert float(Logarithms.up_to(1024).series(LogTerm(3, 1))) == pytest.approx(expected, abs=1e-7)


@given(st.builds(LogTerm, st.integers(2, 5), st.integers(0, 2)), st.integers(160, 400), st.integers(1, 100))
def test_tails_by_the_sum_between_two_cutoffs(term: LogTerm, cutoff: int, more: int) -> None:
    """tail(M) = f(M+1) + ... + f(M+k) + tail(M+k), for both enclosures; the sharper lies in the plain one."""
    middle = sum((term.at(arb(n)) for n in range(cutoff + 1, cutoff + more + 1)), start=arb(0))
    for test in (integral_test, convex_test):
        assert (test(term, cutoff) - middle).overlaps(test(term, cutoff + more))
    plain, sharp = integral_test(term, cutoff), convex_test(term, cutoff)
    assert plain.lower() < sharp.lower()
    assert sharp.upper() < plain.upper()


@given(TERMS, st.integers(30, 1000))
def test_an_integral_lies_between_its_rectangles(term: LogTerm, x: int) -> None:
    """f(x+1) < int_x^{x+1} f < f(x), where f decreases."""
    piece = term.integral(arb(x)) - term.integral(arb(x + 1))
    assert term.at(arb(x + 1)) < piece < term.at(arb(x))


@given(TERMS, st.integers(30, 300))
def test_slope_and_curvature_by_neighbours(term: LogTerm, x: int) -> None:
    """f decreases and is convex at whole numbers from a point on at which both margins are >= 0."""
    here, next_one, after = (term.at(arb(x + k)) for k in range(3))
    if term.slope_margin(arb(x)) > 0:
        assert next_one < here
        if term.curvature_margin(arb(x)) > 0:
            assert here + after > 2 * next_one


def test_a_rising_term_is_refused() -> None:
    """(log log x)^3 / (x log^2 x) still rises at x = 4."""
    term = LogTerm(2, 3)
    assert term.at(arb(5)) > term.at(arb(4))
    for test in (integral_test, convex_test):
        with pytest.raises(Undecided, match="raise the cutoff"):
            test(term, 4)


def test_infinite_sums_are_refused() -> None:
    with pytest.raises(ValueError, match="infinite"):
        LogTerm(1).integral(arb(2))
    with pytest.raises(ValueError, match="k must be >= 2"):
        log_law(1)
    with pytest.raises(ValueError, match=r"E I\^1 is infinite for k = 2"):
        log_law(2, 64).entropy()
    with pytest.raises(ValueError, match=r"E I\^2 is infinite for k = 3"):
        log_law(3, 64).varentropy()


@pytest.mark.parametrize(("k", "entropy"), [(3, 1.317523804), (4, 0.687272005)])
def test_entropies(k: int, entropy: float) -> None:
    """H = log S + (S_{k-1} - k S'_k)/S_k, S_m as an integral of zeta."""
    found = log_law(k).entropy()
    total = series_by_zeta(k)
    expected = mp.log(total) + (series_by_zeta(k - 1) - k * mp.diff(series_by_zeta, k)) / total
    assert float(found) == pytest.approx(float(expected), abs=1e-8)
    assert float(found) == pytest.approx(entropy, abs=1e-9)
    assert float(found.rad()) < 1e-8


def test_the_varentropy_of_k_4() -> None:
    """V = 2.118236503 nats^2, and E (log n)^2 = S_2/S_4, E log n = S_3/S_4 give what the log log terms leave."""
    law = log_law(4)
    assert float(law.varentropy()) == pytest.approx(2.118236503, abs=1e-9)
    n = np.arange(2, 4097)
    weight = 1 / (n * np.log(n) ** 4)
    surprisal = float(law.normaliser.log()) + np.log(n) + 4 * np.log(np.log(n))
    partial = float((weight * surprisal**2).sum()) / float(law.normaliser)
    second = float(law.raw_moment(2))
    # the tail beyond M is between int and 4 int of 1/(t log^2 t), up to S: I <= 2 log n there
    left = 1 / np.log(4096) / float(law.normaliser)
    assert 0.9 * left < second - partial < 4 * left


@pytest.mark.parametrize("k", [2, 3, 4])
@pytest.mark.parametrize("x", [3, 5, 12])
def test_a_block_by_floats(k: int, x: int) -> None:
    """sum_{x <= n < x^2} I^{k-1}/(n log^k n) >= log 2."""
    law = log_law(k, 256)
    n = np.arange(x, x * x)
    surprisal = float(law.normaliser.log()) + np.log(n) + k * np.log(np.log(n))
    assert float(law.block(x)) == pytest.approx(float((surprisal ** (k - 1) / (n * np.log(n) ** k)).sum()), rel=1e-6)
    assert law.block(x) > arb(2).log()


def test_minorants_begin_early() -> None:
    """I(n) >= log n from n = 2 on for k = 2, from 3 on for k = 3 and 4."""
    assert [log_law(k, 512).minorant_start() for k in (2, 3, 4)] == [2, 3, 3]


def test_blocks_go_beyond_any_bound() -> None:
    law = log_law(2, 256)
    blocks = law.blocks_beyond(arb(100))
    assert blocks == 305
    assert blocks * arb(2).log() / law.normaliser > 100
    assert (blocks - 1) * arb(2).log() / law.normaliser < 100


def test_the_totals_of_geometric_draws() -> None:
    """P(n_1 + n_2 = s) by pairs."""
    for s, mass in itertools.islice(total_of_geometrics(2), 6):
        assert mass == sum(fmpq(1, 2**n) * fmpq(1, 2 ** (s - n)) for n in range(1, s))


@pytest.mark.parametrize("epsilon", [fmpq(1, 5), fmpq(1, 2), fmpq(9, 10)])
def test_typical_corpora_of_the_tower(epsilon: fmpq) -> None:
    """P(|n_1 + n_2 + n_3 - 6| log 2 < 3 eps) by triples."""
    total = fmpq(0)
    for draws in itertools.product(range(1, 12), repeat=3):
        if abs(sum(draws) - 6) * arb(2).log() < 3 * epsilon:
            total += fmpq(1, 2 ** sum(draws))
    assert tower_typical_probability(3, epsilon) == total


def test_the_tower_has_no_means() -> None:
    """p+(n) L(n) = -2^n log 2 + ..., so the partial sums are 2 - 2^{M+1} for L."""
    for terms in (1, 5, 20):
        mean_l, mean_r = tower_partial_means(terms)
        assert mean_l == 2 - 2 ** (terms + 1)
        assert mean_l + mean_r == -sum((fmpq(n, 2**n) for n in range(1, terms + 1)), fmpq(0))
    assert TowerString(2).log_prior == (-16, -1)
