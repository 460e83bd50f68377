"""Formal equality against 100-digit numerics: where they differ, the sums differ; where they agree, a proof exists."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import pytest
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp

from tests.reference import real
from tests.strategies import rationals
from theory.arithmetic.exact import Undecided, sign
from theory.arithmetic.formal import FormalSum, logarithms_vanish, prime_exponents, rational_power

SIGNED = st.builds(fmpq, st.integers(-6, 6), st.integers(1, 6))
EXPONENTS = st.builds(fmpq, st.integers(-2, 2), st.integers(1, 2))
Terms = list[tuple[fmpq, fmpq]]
TERMS = st.lists(st.tuples(SIGNED, EXPONENTS), max_size=4)


def total(terms: Terms) -> FormalSum:
    return FormalSum.total(FormalSum.of(c, a) for c, a in terms)


def value(terms: Terms) -> Any:
    """sum c e^a at the working precision of mpmath."""
    return mp.fsum(real(c) * mp.exp(real(a)) for c, a in terms)


def root(radicand: fmpq, exponent: fmpq = fmpq(1, 2)) -> FormalSum:
    found = FormalSum.of(radicand, fmpq(0)).power(exponent)
    assert found is not None
    return found


def encloses(found: FormalSum, expected: Any) -> bool:
    return bool(abs(found.ball() - arb(mp.nstr(expected, 75))) < 1e-50)


@given(TERMS, TERMS, SIGNED)
def test_sums_are_equal_when_the_numbers_are(first: Terms, second: Terms, factor: fmpq) -> None:
    """sum c e^a = sum d e^b iff they agree to 80 digits (Lindemann and Weierstrass)."""
    one, other = total(first), total(second)
    with mp.workdps(100):
        assert one.equals(other) == (abs(value(first) - value(second)) < mp.mpf("1e-80"))
        assert encloses(one, value(first))
        assert encloses(one.scaled(factor), real(factor) * value(first))
    assert all(c != 0 for c in one.terms.values())


@given(TERMS, st.randoms(use_true_random=False), SIGNED)
def test_equality_ignores_how_a_sum_is_written(terms: Terms, shuffle: Any, part: fmpq) -> None:
    """c e^a = part e^a + (c - part) e^a, in any order; a sum less itself is 0."""
    split = [(x, a) for c, a in terms for x in (part, c - part)]
    shuffle.shuffle(split)
    assert total(terms).equals(total(split))
    assert FormalSum.total([total(split), total(terms).scaled(fmpq(-1))]).equals(FormalSum({}))


def convergents_of_e(count: int) -> Iterator[fmpq]:
    """The continued fraction [2; 1, 2, 1, 1, 4, 1, 1, 6, ...] (Euler), cut off after each term."""
    before, now = (0, 1), (1, 0)
    for k in range(count):
        term = 2 if k == 0 else (2 * (k + 1) // 3 if k % 3 == 2 else 1)
        before, now = now, (term * now[0] + before[0], term * now[1] + before[1])
        yield fmpq(*now)


def test_e_is_no_rational() -> None:
    """Convergents of e come within 1e-120 of it, below and above in turn; none of them is e."""
    one = FormalSum.of(fmpq(1), fmpq(1))
    for k, convergent in enumerate(convergents_of_e(120)):
        other = FormalSum.of(convergent, fmpq(0))
        gap = FormalSum.total([one, other.scaled(fmpq(-1))])
        assert not one.equals(other)
        assert one.ratio(other) is None
        assert sign(gap.ball, lambda gap=gap: gap.equals(FormalSum({}))) == (-1 if k % 2 else 1)
    assert abs(gap.ball()) < 1e-70


@given(rationals(1, 60), st.builds(fmpq, st.integers(-7, 7), st.integers(1, 6)))
def test_rational_power_is_canonical(base: fmpq, exponent: fmpq) -> None:
    """x^(n/d) = w prod p^f: raised to the d, both sides are the same rational; p prime, ascending, 0 < f < 1."""
    found = rational_power(base, exponent)
    assert found is not None
    whole, radicals = found
    primes, fractions = [p for p, _ in radicals], [f for _, f in radicals]
    assert primes == sorted(set(primes))
    assert all(math.prod(p % k for k in range(2, p)) > 0 for p in primes)
    assert all(0 < f < 1 for f in fractions)
    d = int(exponent.q)
    left = whole**d
    for p, f in radicals:
        assert (f * d).q == 1
        left *= fmpq(p) ** int((f * d).p)
    assert left == base ** int(exponent.p)


@given(rationals(), EXPONENTS, st.integers(1, 9))
def test_perfect_powers_have_rational_roots(c: fmpq, a: fmpq, degree: int) -> None:
    """(c^k e^{k a})^{1/k} = c e^a."""
    found = FormalSum.of(c**degree, a * degree).power(fmpq(1, degree))
    assert found is not None
    assert found.equals(FormalSum.of(c, a))


@given(rationals(1, 30), EXPONENTS, st.builds(fmpq, st.integers(-6, 6), st.integers(1, 6)))
def test_power_of_one_term(c: fmpq, a: fmpq, exponent: fmpq) -> None:
    """(c e^a)^x = c^x e^{a x}, numerically."""
    found = FormalSum.of(c, a).power(exponent)
    assert found is not None
    with mp.workdps(80):
        expected = mp.power(real(c), real(exponent)) * mp.exp(real(a) * real(exponent))
        assert bool(abs(found.ball() / arb(mp.nstr(expected, 75)) - 1) < 1e-60)


@given(TERMS, st.integers(1, 8))
def test_natural_power_of_a_sum(terms: Terms, exponent: int) -> None:
    """(sum c e^a)^k for k <= 8, numerically; from the ninth power on, and for roots, there is no formal answer."""
    found = total(terms).power(fmpq(exponent))
    assert found is not None
    with mp.workdps(80):
        assert encloses(found, value(terms) ** exponent)
    if len(total(terms).terms) > 1:
        assert total(terms).power(fmpq(9)) is None
        assert total(terms).power(fmpq(1, 2)) is None


def test_square_roots_of_eight() -> None:
    """sqrt 8 = 2 sqrt 2, sqrt 2 + sqrt 8 = sqrt 18, sqrt(1/2) = sqrt 2 / 2, 4^(1/2) = 8^(1/3) = 2."""
    assert root(fmpq(8)).equals(root(fmpq(2)).scaled(fmpq(2)))
    assert root(fmpq(8)).ratio(root(fmpq(2))) == 2
    assert FormalSum.total([root(fmpq(2)), root(fmpq(8))]).equals(root(fmpq(18)))
    assert root(fmpq(1, 2)).equals(root(fmpq(2)).scaled(fmpq(1, 2)))
    assert root(fmpq(4)).equals(root(fmpq(8), fmpq(1, 3)))
    assert not root(fmpq(2)).equals(root(fmpq(4), fmpq(1, 3)))
    assert root(fmpq(2)).ratio(root(fmpq(3))) is None


@given(st.lists(st.tuples(SIGNED, st.integers(1, 30)), max_size=5), st.lists(st.integers(1, 50), max_size=3))
def test_sums_of_square_roots(terms: list[tuple[fmpq, int]], others: list[int]) -> None:
    """sum c sqrt n = sum sqrt m iff they agree to 80 digits (Besicovitch)."""
    one = FormalSum.total(root(fmpq(n)).scaled(c) for c, n in terms)
    other = FormalSum.total(root(fmpq(m)) for m in others)
    with mp.workdps(100):
        gap = mp.fsum(real(c) * mp.sqrt(n) for c, n in terms) - mp.fsum(map(mp.sqrt, others))
        assert one.equals(other) == (abs(gap) < mp.mpf("1e-80"))


@given(st.integers(1, 12), st.integers(1, 12))
def test_sums_of_square_roots_that_agree(square: int, n: int) -> None:
    """k sqrt n = sqrt(k^2 n) = sum of k times sqrt n, but never k sqrt(n) = sqrt(k^2 n + 1)."""
    many = FormalSum.total([root(fmpq(n))] * square)
    assert many.equals(root(fmpq(square * square * n)))
    assert not many.equals(root(fmpq(square * square * n + 1)))


@given(TERMS, SIGNED)
def test_ratio_is_the_rational_factor(terms: Terms, factor: fmpq) -> None:
    """(k x) / x = k."""
    one = total(terms)
    if one.terms and factor != 0:
        assert one.scaled(factor).ratio(one) == factor


@given(TERMS, TERMS)
def test_ratio_is_rational_or_none(first: Terms, second: Terms) -> None:
    """x / y = k exactly where x = k y."""
    one, other = total(first), total(second)
    k = one.ratio(other)
    if k is not None:
        assert one.equals(other.scaled(k))
    else:
        candidates = [c / d for c, d in itertools.product(one.terms.values(), other.terms.values())]
        assert not any(one.equals(other.scaled(c)) for c in candidates)


def test_ratio_of_sums_that_share_their_terms() -> None:
    one_plus_e = total([(fmpq(1), fmpq(0)), (fmpq(1), fmpq(1))])
    assert one_plus_e.ratio(total([(fmpq(1), fmpq(0)), (fmpq(2), fmpq(1))])) is None
    assert one_plus_e.ratio(total([(fmpq(1), fmpq(1)), (fmpq(1), fmpq(2))])) is None
    assert one_plus_e.ratio(one_plus_e.scaled(fmpq(3))) == fmpq(1, 3)


@pytest.mark.parametrize("exponent", [fmpq(1, 2), fmpq(1, 3), fmpq(3, 4)])
def test_roots_of_negative_numbers(exponent: fmpq) -> None:
    """(-8)^(1/2) is not real, and the root of a negative number is never positive: there is no formal answer."""
    found = FormalSum.of(fmpq(-8), fmpq(0)).power(exponent)
    assert found is None or found.ball() < 0


@given(rationals(1, 10**6))
def test_prime_exponents_multiply_back(number: fmpq) -> None:
    exponents = prime_exponents(number)
    product = fmpq(1)
    for prime, exponent in exponents.items():
        assert exponent != 0
        assert all(prime % k for k in range(2, math.isqrt(prime) + 1))
        product *= fmpq(prime) ** exponent
    assert product == number


LOGARITHMS = st.lists(st.tuples(SIGNED, rationals(1, 12)), max_size=4)


@given(LOGARITHMS)
def test_logarithms_vanish_when_the_sum_does(terms: Terms) -> None:
    """sum q log v = 0 iff it is below 1e-80."""
    with mp.workdps(100):
        numeric = mp.fsum(real(q) * mp.log(real(v)) for q, v in terms)
        assert logarithms_vanish(terms) == (abs(numeric) < mp.mpf("1e-80"))


@given(LOGARITHMS, st.integers(2, 5), rationals(1, 12))
def test_logarithms_that_vanish(terms: Terms, power: int, other: fmpq) -> None:
    """q log(v^k w) - k q log v - q log w = 0; one more log 2 and it is not."""
    balanced = [
        part for q, v in terms for part in ((q, v**power * other), (-q * power, v), (-q, other), (fmpq(3), fmpq(1)))
    ]
    assert logarithms_vanish(balanced)
    assert not logarithms_vanish([*balanced, (fmpq(1, 10**30), fmpq(2))])


def test_numbers_too_large_to_factor_prove_nothing() -> None:
    """2^200 has 201 bits: no factors, hence no proof, although log 2^200 = 200 log 2."""
    large = fmpq(2) ** 200
    with pytest.raises(Undecided, match="too large to factor"):
        prime_exponents(1 / large)
    assert rational_power(large, fmpq(1, 2)) is None
    assert rational_power(large, fmpq(2)) == (large * large, ())
    assert FormalSum.of(large, fmpq(0)).power(fmpq(1, 2)) is None
    assert not logarithms_vanish([(fmpq(1), large), (fmpq(-200), fmpq(2))])
