"""Numbers: what is parsed, what a ball encloses, and signs that are certain or refused."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from flint import arb, ctx, fmpq
from hypothesis import example, given
from hypothesis import strategies as st
from mpmath import mp

from tests.reference import real
from theory.arithmetic.exact import (
    Undecided,
    ball,
    ball_strings,
    balls,
    exp,
    floats,
    floor_of,
    fraction,
    inner,
    is_exact,
    largest,
    log,
    objects,
    power,
    power_of_ten_above,
    precision,
    rational,
    sign,
    to_float,
    widen,
)

FRACTIONS = st.fractions(max_denominator=10**30)
POSITIVE = st.fractions(min_value=Fraction(1, 1000), max_value=1000, max_denominator=1000)
FINITE = st.floats(allow_nan=False, allow_infinity=False)


def number(value: Fraction) -> fmpq:
    return fmpq(value.numerator, value.denominator)


def exactly(endpoint: arb) -> Fraction:
    """The value of a ball of radius 0."""
    mantissa, exponent = endpoint.man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def agrees(value: object, expected: object) -> bool:
    """Whether a ball is within 1e-60 of a number known to 75 digits."""
    return bool(abs(arb(value) - arb(mp.nstr(expected, 75))) < 1e-60)


@given(FRACTIONS)
def test_fractions_are_read_as_written(value: Fraction) -> None:
    """rational("a/b") = a/b, whatever the spaces and the sign; ``fraction`` is its inverse."""
    text = f" {value.numerator}/{value.denominator}\n"
    assert rational(text) == rational(value) == number(value)
    assert fraction(rational(value)) == value
    assert rational(f"+{abs(value.numerator)}/{value.denominator}") == number(abs(value))


@given(st.integers(-(10**30), 10**30), st.integers(0, 40), st.integers(-300, 300))
def test_decimals_are_read_exactly(mantissa: int, places: int, exponent: int) -> None:
    """rational("m.f e k") is the decimal, not the float nearest to it."""
    digits = f"{abs(mantissa):0{places + 1}d}"
    cut = len(digits) - places
    text = f"{'-' if mantissa < 0 else ''}{digits[:cut]}.{digits[cut:]}e{exponent}"
    assert fraction(rational(text)) == Fraction(mantissa) * Fraction(10) ** (exponent - places)


@given(FINITE)
def test_floats_are_read_as_their_shortest_decimal(value: float) -> None:
    assert fraction(rational(value)) == Fraction(Decimal(repr(value)))
    assert to_float(rational(value)) == value


def test_forms_of_numbers() -> None:
    assert rational("5.") == rational(5) == rational("5e0") == rational("0.5E1") == fmpq(5)
    assert rational("-.5") == rational(-0.5) == fmpq(-1, 2)
    assert rational(fmpq(2, 4)) == fmpq(1, 2)


def test_numpy_floats_are_floats() -> None:
    """numpy's float64 is a Python float, so it is read as its shortest decimal, too."""
    assert rational(np.float64(0.1)) == fmpq(1, 10)


@pytest.mark.parametrize(
    "text", ["", " ", "a", "1/0", "1/2/3", "1/2.5", "1.5/2", "1 / 2", "--1", "1_000", "0x10", "1e", "inf", "nan", "."]
)
def test_text_that_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"denominator 0|expected a number") as caught:
        rational(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, True, False])
def test_values_that_are_no_numbers_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match=f"expected a .*number, got {value}"):
        rational(value)


def test_objects_are_one_dimensional() -> None:
    for items in ([], [fmpq(1)], [[1, 2], [3, 4]], [(1,), (2, 3)], [[5]], ["ab", None]):
        array = objects(items)
        assert array.shape == (len(items),)
        assert array.tolist() == items
        assert is_exact(array)
    assert not is_exact(np.array([1.0]))


@given(st.lists(st.tuples(POSITIVE, POSITIVE), min_size=1, max_size=6))
def test_inner_products_are_the_sums_of_products(pairs: list[tuple[Fraction, Fraction]]) -> None:
    """In rationals and float64 the same number; in balls the same midpoint and radius."""
    one, two = (objects(number(v) for v in row) for row in zip(*pairs, strict=True))
    assert inner(one, two) == (one * two).sum()
    assert inner(floats(one), floats(two)) == (floats(one) * floats(two)).sum()
    with ctx.workprec(256):
        found, expected = inner(log(one), log(two)), (log(one) * log(two)).sum()
        assert isinstance(found, arb)
        assert found.mid() == expected.mid()
        assert found.rad() == expected.rad()


@given(st.lists(POSITIVE, min_size=1, max_size=4))
def test_arrays_in_two_arithmetics(values: list[Fraction]) -> None:
    """log and exp enclose the logarithm and the exponential; float64 stays float64; shapes are kept."""
    exact = objects(number(v) for v in values)
    with mp.workdps(80):
        for v, above, below in zip(values, log(exact), exp(-exact), strict=True):
            assert agrees(above, mp.log(real(v)))
            assert agrees(below, mp.exp(-real(v)))
    rounded = floats(exact)
    assert rounded.dtype == np.float64
    assert rounded.tolist() == [float(v) for v in values]
    assert balls(rounded) is rounded
    enclosed = balls(exact)
    assert balls(enclosed) is enclosed
    assert np.array_equal(log(rounded), np.log(rounded))
    assert np.array_equal(exp(-rounded), np.exp(-rounded))
    assert balls(exact.reshape(1, -1)).shape == floats(exact.reshape(1, -1)).shape == (1, len(values))


@given(FRACTIONS)
def test_to_float_is_the_nearest(value: Fraction) -> None:
    """No float64 is nearer, for the rational itself and for a ball around it."""
    for nearest in (to_float(number(value)), to_float(arb(number(value)))):
        gap = abs(Fraction(nearest) - value)
        for other in (math.nextafter(nearest, math.inf), math.nextafter(nearest, -math.inf)):
            assert gap <= abs(Fraction(other) - value)


@given(POSITIVE, st.fractions(min_value=-5, max_value=5, max_denominator=12))
def test_powers(base: Fraction, exponent: Fraction) -> None:
    """base ** exponent, relative to its size."""
    with mp.workdps(80):
        expected = mp.power(real(base), real(exponent))
        assert agrees(power(ball(number(base)), number(exponent)) / arb(mp.nstr(expected, 75)), mp.one)


@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3), st.integers(0, 2)), min_size=1, max_size=8))
def test_the_largest_midpoint(parts: list[tuple[int, int, int]]) -> None:
    """Also among midpoints that float64 cannot tell apart, or that are beyond it; the first of equal ones."""
    with ctx.workprec(256):
        scale = arb(2) ** 1100
        middles = [(arb(a) + arb(b) * arb(2) ** -90) * (scale if c == 0 else 1) for a, b, c in parts]
        exact = [Fraction(a * 2**90 + b) * (2**1100 if c == 0 else 1) for a, b, c in parts]
        assert largest(objects(middles)) == exact.index(max(exact))
        rationals = objects(fmpq(value.numerator) for value in exact)
        assert exact[largest(rationals)] == max(exact)


def test_a_midpoint_that_is_no_number() -> None:
    """It is passed over: a comparison with it is not certain."""
    assert largest(objects([arb(1), arb("nan"), arb(2)])) == 2


def test_precision_lasts_for_a_block() -> None:
    before = ctx.prec
    with precision(500):
        assert ctx.prec == 500
        inner = arb(1) / 3
    assert ctx.prec == before == 256
    assert inner.rad() < (arb(1) / 3).rad()


@given(st.integers(2, 50).filter(lambda n: math.isqrt(n) ** 2 != n), st.integers(1, 1200), st.booleans())
def test_sign_escalates_precision(n: int, digits: int, above: bool) -> None:
    """floor(10^k sqrt n) / 10^k < sqrt n < (floor(10^k sqrt n) + 1) / 10^k, at any k."""
    near = fmpq(math.isqrt(n * 10 ** (2 * digits)) + above, 10**digits)
    assert sign(lambda: arb(n).sqrt() - near, lambda: False) == (-1 if above else 1)
    assert ctx.prec == 256


def test_sign_doubles_the_bits_and_asks_for_a_proof_once() -> None:
    bits: list[int] = []
    asked: list[int] = []

    def value() -> arb:
        bits.append(ctx.prec)
        return arb(2).sqrt() - fmpq(math.isqrt(2 * 10**600), 10**300)

    assert sign(value, lambda: bool(asked.append(ctx.prec))) == 1
    assert bits == [256, 512, 1024]
    assert asked == [256]


def test_sign_believes_a_certain_ball_before_a_proof() -> None:
    assert sign(lambda: arb.pi() - 3, lambda: pytest.fail("needs no proof")) == 1
    assert sign(lambda: 3 - arb.pi(), lambda: pytest.fail("needs no proof")) == -1
    assert sign(lambda: arb(2).sqrt() ** 2 - 2, lambda: True) == 0


@pytest.mark.parametrize("value", [lambda: arb(2).sqrt() ** 2 - 2, lambda: arb("nan"), lambda: arb(0, 1)])
def test_sign_refuses_to_guess(value: object) -> None:
    """A zero without a proof, no number at all, a ball that never shrinks."""
    with pytest.raises(Undecided, match="sign undecided at 16384 bits"):
        sign(value, lambda: False)


def test_sign_at_more_bits_than_it_would_try() -> None:
    """The precision in force may be above 16,384 bits; a ball that decides there is believed."""
    with precision(1 << 15):
        assert sign(lambda: arb.pi() - 3, lambda: False) == 1


@given(FRACTIONS, st.fractions(min_value=0, max_value=10, max_denominator=1000))
def test_widen_encloses_both_sides(middle: Fraction, radius: Fraction) -> None:
    """[q - r, q + r] lies inside; the radius is no more than 1 % too large; of an uncertain r the largest counts."""
    wide = widen(ball(number(middle)), ball(number(radius)))
    low, high = exactly(wide.lower()), exactly(wide.upper())
    assert low <= middle - radius <= middle + radius <= high
    assert high - low <= 2 * radius * Fraction(101, 100) + abs(middle) * Fraction(1, 10**60)
    unsure = widen(ball(number(middle)), arb(1, number(radius / 20)))
    assert exactly(unsure.lower()) <= middle - 1 - radius / 20
    assert exactly(unsure.upper()) >= middle + 1 + radius / 20


@given(st.fractions(min_value=-(10**6), max_value=10**6, max_denominator=1000))
def test_floor_is_certain_or_refused(value: Fraction) -> None:
    """The floor of q; a ball of radius 1/1000 around q decides exactly where no integer lies in it."""
    assert floor_of(ball(number(value))) == math.floor(value) or value.denominator == 1
    wide = widen(ball(number(value)), ball(fmpq(1, 999)))
    if abs(value - round(value)) > Fraction(1, 998):
        assert floor_of(wide) == math.floor(value)
    elif abs(value - round(value)) < Fraction(1, 1000):
        with pytest.raises(Undecided, match="floor undecided"):
            floor_of(wide)


def interval(value: object, digits: int) -> tuple[Fraction, Fraction]:
    """The printed [midpoint - radius, midpoint + radius], read back."""
    middle, radius = (Fraction(text) for text in ball_strings(value, digits))
    assert radius >= 0
    return middle - radius, middle + radius


@given(FRACTIONS, st.integers(1, 90))
def test_printed_intervals_contain_rationals(value: Fraction, digits: int) -> None:
    low, high = interval(number(value), digits)
    assert low <= value <= high
    assert high - low <= abs(value) * Fraction(10) ** (2 - digits) + Fraction(1, 10**60)


@given(POSITIVE.filter(lambda q: q < 30 and q != 1), st.integers(1, 90))
def test_printed_intervals_contain_transcendental_numbers(value: Fraction, digits: int) -> None:
    """e^-q and log q, known to 200 digits; the interval is wider than what is not known."""
    with mp.workdps(200):
        known = (mp.exp(-real(value)), mp.log(real(value)))
        decimals = [Fraction(mp.nstr(x, 190)) for x in known]
    slack = Fraction(1, 10**150)
    for computed, expected in zip(((-arb(number(value))).exp(), arb(number(value)).log()), decimals, strict=True):
        low, high = interval(computed, digits)
        assert low + slack < expected < high - slack
        assert high - low <= abs(expected) * Fraction(10) ** (2 - digits) + Fraction(1, 10**60)


@given(FRACTIONS, st.fractions(min_value=0, max_value=10**6, max_denominator=10**20), st.integers(1, 60))
def test_printed_intervals_contain_wide_balls(middle: Fraction, radius: Fraction, digits: int) -> None:
    """Every point of the ball lies in the printed interval, rounding of midpoint and radius included."""
    wide = widen(ball(number(middle)), ball(number(radius)))
    low, high = interval(wide, digits)
    assert low <= exactly(wide.lower()) <= exactly(wide.upper()) <= high


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "0 +/- inf"])
def test_printed_interval_of_an_infinite_ball(text: str) -> None:
    """No finite interval contains it, so it is refused or printed as what it is; [0, 0] would claim a certain 0."""
    try:
        printed = ball_strings(arb(text))
    except (ArithmeticError, ValueError):
        return
    assert not all(math.isfinite(float(part)) for part in printed)


def test_printed_digits() -> None:
    assert ball_strings(fmpq(-5, 4)) == ["-1.25e0", "0"]
    assert ball_strings(fmpq(1200)) == ["1.2e3", "0"]
    assert ball_strings(0) == ["0", "0"]
    assert ball_strings(arb.pi(), 30)[0].startswith("3.14159265358979323846264338327")


@given(st.floats(1e-300, 1e300), st.sampled_from([1, -1]))
@example(1.0, 1)
@example(1000.0, 1)
@example(1e-23, 1)
@example(9.999999999999999e-17, 1)
@example(math.nextafter(1e-5, 1), 1)
@example(math.nextafter(10, 11), -1)
def test_power_of_ten_above(value: float, direction: int) -> None:
    """10^(k-1) < |x| <= 10^k, as floats; written 1e-16, 1e+00, 1e+03."""
    text = power_of_ten_above(direction * value)
    exponent = int(text.removeprefix("1e"))
    assert text == f"1e{exponent:+03d}"
    assert float(f"1e{exponent - 1}") < value <= float(text)


def test_power_of_ten_above_nothing_and_infinity() -> None:
    assert power_of_ten_above(0.0) == power_of_ten_above(-0.0) == "0"
    assert power_of_ten_above(math.inf) == "inf"
    assert power_of_ten_above(math.nan) == "nan"
