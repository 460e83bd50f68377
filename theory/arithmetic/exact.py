"""Numbers that are either right or say that they are not: rationals, balls, certain signs.

A rational is a ``flint.fmpq``. A ball is a ``flint.arb``: a midpoint and a radius that encloses the true
value. Both live in numpy object arrays, so that one line of array code serves float64 and exact arithmetic.
The working precision of balls is a setting of FLINT; ``precision`` sets it for a block.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb, ctx, fmpq, fmpz
from numpy.typing import NDArray

Array = NDArray[Any]

Real = arb | float
"""A real number in one of two arithmetics: a ball, or float64."""
Exact = fmpq | arb
"""A real number that is exact or enclosed: a rational, or a ball."""

BITS = 256
"""Working precision of balls unless a block asks for another: radii near 1e-70."""

_MAX_BITS = 1 << 14
_LONGEST = 4000
_FRACTION = re.compile(r"([+-]?\d+)(?:/(\d+))?")
_RATIONAL = re.compile(r"[+-]?(\d+(/\d+)?|(\d+\.\d*|\.\d+|\d+)([eE][+-]?\d{1,4})?)")


class Undecided(ArithmeticError):
    """A sign that 16,384 bits do not settle and that no formal test shows to be zero."""


class Diverges(ArithmeticError):
    """The sum over all paths is certainly infinite: the spectral radius is at least 1."""


@contextmanager
def precision(bits: int = BITS) -> Iterator[None]:
    """Balls computed in this block carry ``bits`` bits."""
    with ctx.workprec(bits):
        yield


def working(bits: int | None) -> AbstractContextManager[None]:
    """Balls computed in this block carry ``bits`` bits, or those of the block around it if they are more.

    With None, for float64, nothing changes.
    """
    return nullcontext() if bits is None or bits <= ctx.prec else precision(bits)


def rational(text: str | int | float | Fraction | fmpq) -> fmpq:
    """The number that ``text`` writes, exactly; a float is read as its shortest decimal.

    >>> rational("1/7"), rational("0.05"), rational(0.1)
    (1/7, 1/20, 1/10)

    Raises:
        ValueError: not a finite rational written as "a/b", an integer or a decimal.
    """
    if isinstance(text, str) and len(text) <= _LONGEST:
        found = _FRACTION.fullmatch(text)
        if found is not None and found[2] is None:
            return fmpq(int(found[1]))
        if found is not None and (below := int(found[2])):
            return fmpq(int(found[1]), below)
    if isinstance(text, fmpq):
        return text
    if isinstance(text, bool):
        raise ValueError(f"expected a number, got {text}")
    if isinstance(text, int):
        return fmpq(text)
    if isinstance(text, float):
        if not math.isfinite(text):
            raise ValueError(f"expected a finite number, got {text}")
        text = repr(float(text))
    elif isinstance(text, Fraction):
        return fmpq(text.numerator, text.denominator)
    stripped = text.strip()
    if len(stripped) > _LONGEST:
        raise ValueError(f"a number of {len(stripped)} characters is too long; at most {_LONGEST} are read")
    if not _RATIONAL.fullmatch(stripped):
        raise ValueError(f"expected a number such as 1/7 or 0.05, got {text!r}")
    above, slash, under = stripped.partition("/")
    try:
        if slash or above.lstrip("+-").isdigit():
            return fmpq(int(above), int(under or "1"))
        decimal = Fraction(stripped)
    except ZeroDivisionError:
        raise ValueError(f"denominator 0 in {text!r}") from None
    return fmpq(decimal.numerator, decimal.denominator)


def fraction(value: fmpq) -> Fraction:
    """The same rational as a ``fractions.Fraction``."""
    return Fraction(int(value.p), int(value.q))


def objects(values: Iterable[Any]) -> Array:
    """A one-dimensional object array, whatever the elements are."""
    items = list(values)
    return np.fromiter(items, dtype=object, count=len(items))


def whole_numbers(*values: fmpq) -> tuple[int, ...]:
    """Numerators and denominators, as a key: the hash of an fmpq is that of a Fraction, and slow.

    >>> whole_numbers(fmpq(1, 2), fmpq(3))
    (1, 2, 3, 1)
    """
    return tuple(int(part) for value in values for part in (value.p, value.q))


def _each(function: Callable[[arb], arb], values: Array) -> Array:
    """The function of every element of an object array, in its shape."""
    return np.fromiter(map(function, values.flat), dtype=object, count=values.size).reshape(values.shape)


def is_exact(values: Array) -> bool:
    """Whether the array holds rationals or balls rather than float64."""
    return values.dtype == object


def balls(values: Array) -> Array:
    """The array with rationals enclosed in balls at the working precision; float64 and balls are left alone."""
    return values if not is_exact(values) or set(map(type, values.flat)) <= {arb} else _each(ball, values)


def floats(values: Array) -> NDArray[np.float64]:
    """The float64 nearest to each midpoint; float64 is left alone."""
    if not is_exact(values):
        return np.asarray(values, dtype=np.float64)
    if set(map(type, values.flat)) == {arb}:
        return np.array(list(map(float, values.flat)), dtype=np.float64).reshape(values.shape)
    return np.array([to_float(v) for v in values.flat], dtype=np.float64).reshape(values.shape)


def to_float(value: Any) -> float:
    """The float64 nearest to a rational, a ball's midpoint, or a float; infinite beyond the range of float64."""
    if isinstance(value, fmpq):
        try:
            return int(value.p) / int(value.q)
        except OverflowError:
            return math.inf if value > 0 else -math.inf
    return float(value)


def largest(values: Array) -> int:
    """The place of the largest midpoint; where midpoints are equal, the first."""
    places = list(range(len(values)))
    # rounding keeps the order: the largest is among those that round to the largest
    if set(map(type, values.flat)) == {arb}:
        rounded = floats(values).tolist()
        if not any(map(math.isnan, rounded)):
            top = max(rounded)
            places = [place for place, value in enumerate(rounded) if value == top]
    if len(places) == 1:
        return places[0]
    middles = {place: ball(values[place]).mid() for place in places}
    return max(places, key=middles.__getitem__)


def log(values: Array) -> Array:
    """Elementwise natural logarithm; rationals become balls."""
    result: Array = _each(arb.log, balls(values)) if is_exact(values) else np.log(values)
    return result


def exp(values: Array) -> Array:
    """Elementwise exponential; rationals become balls."""
    result: Array = _each(arb.exp, balls(values)) if is_exact(values) else np.exp(values)
    return result


def ball(value: Any) -> arb:
    """One number as a ball."""
    return value if isinstance(value, arb) else arb(value)


def inner(one: Array, two: Array) -> Real:
    """The sum of one_i two_i, one-dimensional; in balls and rationals from the first to the last.

    >>> inner(objects([fmpq(1, 2), fmpq(1, 3)]), objects([fmpq(1), fmpq(3)]))
    3/2
    """
    found: Real = np.dot(one, two) if is_exact(one) else (one * two).sum()
    return found


def power(base: arb, exponent: fmpq) -> arb:
    """``base ** exponent`` for base > 0."""
    if exponent.q == 1:
        return base ** int(exponent.p)
    if exponent == fmpq(1, 2):
        return base.sqrt()
    return (base.log() * exponent).exp()


def sign(value: Callable[[], arb], vanishes: Callable[[], bool]) -> int:
    """The certain sign of a number: -1, 0 or 1.

    ``value`` encloses the number at the working precision of the moment. Where the ball cannot tell,
    ``vanishes`` is asked for a formal proof of zero; without one the precision is doubled.

    Raises:
        Undecided: neither a proof of zero nor a sign at 16,384 bits.
    """
    bits = ctx.prec
    while True:
        with ctx.workprec(bits):
            number = value()
        if number > 0:
            return 1
        if number < 0:
            return -1
        if bits == ctx.prec and vanishes():
            return 0
        if bits >= _MAX_BITS:
            raise Undecided(f"sign undecided at {bits} bits: {number.str(5)}")
        bits *= 2


def narrow(value: arb) -> bool:
    """Whether a ball's radius is below 10^-30, relatively where the number is large."""
    return bool(value.is_finite()) and bool(value.rad() <= (1 + abs(value.mid())) * arb(2) ** -100)


def widen(value: arb, radius: arb) -> arb:
    """``value`` with its radius enlarged by an upper bound of ``radius`` >= 0."""
    return value + arb(0, radius.abs_upper())


def floor_of(value: arb) -> int:
    """The floor of a ball that contains no integer boundary.

    Raises:
        Undecided: the ball contains an integer.
    """
    floored = value.floor().unique_fmpz()
    if floored is None:
        raise Undecided(f"floor undecided: {value.str(5)}")
    return int(floored)


def ball_strings(value: Any, digits: int = 50) -> list[str]:
    """[midpoint, radius] in decimal; the interval they span contains the number. An infinite ball is [nan, inf].

    >>> ball_strings(fmpq(1, 4), 5)
    ['2.5e-1', '0']
    """
    if not ball(value).is_finite():
        return ["nan", "inf"]
    with precision(max(BITS, ctx.prec)):
        middle, radius, exponent = ball(value).mid_rad_10exp(digits)
    return [_decimal(middle, exponent), _decimal(radius, exponent, digits=5)]


def _decimal(mantissa: fmpz, exponent: fmpz, digits: int | None = None) -> str:
    """mantissa * 10^exponent in scientific notation; ``digits`` rounds the mantissa up."""
    whole, shift = int(mantissa), int(exponent)
    if whole == 0:
        return "0"
    if digits is not None:
        while abs(whole) >= 10**digits:
            whole, shift = -(-whole // 10), shift + 1
    figures = str(abs(whole))
    decimals = figures[1:].rstrip("0")
    tail = f".{decimals}" if decimals else ""
    return f"{'-' if whole < 0 else ''}{figures[0]}{tail}e{shift + len(figures) - 1}"


def power_of_ten_above(value: float) -> str:
    """The least power of ten that is >= value: how residuals are printed, alike on every machine.

    >>> power_of_ten_above(3e-17), power_of_ten_above(0.0)
    ('1e-16', '0')
    """
    if value == 0:
        return "0"
    if not math.isfinite(value):
        return str(value)
    exponent = math.ceil(math.log10(abs(value)))
    while float(f"1e{exponent}") < abs(value):
        exponent += 1
    while float(f"1e{exponent - 1}") >= abs(value):
        exponent -= 1
    return f"1e{exponent:+03d}" if exponent else "1e+00"
