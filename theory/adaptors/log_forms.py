"""Rational combinations of logarithms that know when they are 0, and points of the plane of (E L, E R) made of them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

from flint import arb, ctx, fmpq

from theory.arithmetic.exact import Exact, Undecided, sign
from theory.arithmetic.formal import prime_exponents

Symbol = tuple[int, int, int, int]
"""(a, b, v, w) stands for e^(a/b) log(v/w); v = 0 for log e = 1. Integers, since they are hashed at every turn."""


@dataclass(frozen=True, slots=True, eq=False)
class LogForm:
    """sum_k c_k e^{a_k} log v_k with rational c_k, a_k and primes v_k: a number that knows when it is 0.

    No term left proves 0. The converse holds without exponentials: 1 and the logarithms of primes are independent over
    the algebraic numbers (Baker, 1966).

    Args:
        terms: c_k of each symbol, none of them 0.
        enclosure: the number, at ``bits`` bits.
    """

    terms: Mapping[Symbol, fmpq]
    enclosure: arb
    bits: int

    @staticmethod
    def of(terms: Mapping[Symbol, fmpq]) -> LogForm:
        """The form with these coefficients; those that are 0 are dropped."""
        kept = {symbol: c for symbol, c in terms.items() if c != 0}
        return LogForm(kept, _evaluated(kept), ctx.prec)

    @staticmethod
    def constant(value: fmpq) -> LogForm:
        """A rational."""
        return LogForm.of({(0, 1, 0, 1): value})

    @staticmethod
    def log(value: fmpq) -> LogForm:
        """log v for a rational v > 0; one too large to factor is a symbol of its own."""
        try:
            return LogForm.of({(0, 1, prime, 1): fmpq(k) for prime, k in prime_exponents(value).items()})
        except Undecided:
            return LogForm.of({(0, 1, int(value.p), int(value.q)): fmpq(1)})

    def plus(self, other: LogForm, factor: fmpq) -> LogForm:
        """This form and ``factor`` times another."""
        terms = dict(self.terms)
        for symbol, c in other.terms.items():
            total = terms[symbol] + c * factor if symbol in terms else c * factor
            if total != 0:
                terms[symbol] = total
            else:
                terms.pop(symbol, None)
        return LogForm(terms, self.enclosure + other.enclosure * factor, self.bits)

    def __add__(self, other: LogForm) -> LogForm:
        return self.plus(other, fmpq(1))

    def __sub__(self, other: LogForm) -> LogForm:
        return self.plus(other, fmpq(-1))

    def __neg__(self) -> LogForm:
        return self.scaled(fmpq(-1))

    def scaled(self, factor: fmpq, exponent: fmpq = fmpq(0)) -> LogForm:
        """factor e^exponent times this form."""
        if exponent == 0:
            terms = {symbol: c * factor for symbol, c in self.terms.items()} if factor != 0 else {}
            return LogForm(terms, self.enclosure * factor, self.bits)
        return LogForm.of({_shifted(symbol, exponent): c * factor for symbol, c in self.terms.items()})

    def ball(self) -> arb:
        """An enclosure at the working precision."""
        return self.enclosure if ctx.prec == self.bits else _evaluated(self.terms)

    def number(self) -> Exact:
        """The rational 0 where the form is 0, else a ball."""
        return self.ball() if self.terms else fmpq(0)

    def sign(self) -> int:
        """-1, 0 or 1."""
        return sign(self.ball, lambda: not self.terms) if self.terms else 0


def _shifted(symbol: Symbol, exponent: fmpq) -> Symbol:
    a, b, v, w = symbol
    total = fmpq(a, b) + exponent
    return int(total.p), int(total.q), v, w


def _evaluated(terms: Mapping[Symbol, fmpq]) -> arb:
    total = arb(0)
    for (a, b, v, w), c in terms.items():
        logarithm = arb(1) if v == 0 else arb(fmpq(v, w)).log()
        total += logarithm * c if a == 0 else arb(fmpq(a, b)).exp() * logarithm * c
    return total


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """A point of the plane, or a direction in it: (E L, E R) in nats, or weights (a, c) of a L + c R."""

    log_prior: LogForm
    reward: LogForm

    @staticmethod
    def whole(log_prior: int, reward: int) -> Point:
        """A point with whole coordinates."""
        return Point(LogForm.constant(fmpq(log_prior)), LogForm.constant(fmpq(reward)))

    def plus(self, other: Point, factor: fmpq) -> Point:
        """This point and ``factor`` times another."""
        return Point(self.log_prior.plus(other.log_prior, factor), self.reward.plus(other.reward, factor))

    def __add__(self, other: Point) -> Point:
        return self.plus(other, fmpq(1))

    def __sub__(self, other: Point) -> Point:
        return self.plus(other, fmpq(-1))

    def __neg__(self) -> Point:
        return self.scaled(fmpq(-1))

    def scaled(self, factor: fmpq, exponent: fmpq = fmpq(0)) -> Point:
        """factor e^exponent times the point."""
        return Point(self.log_prior.scaled(factor, exponent), self.reward.scaled(factor, exponent))

    def outward(self) -> Point:
        """The direction to the right of this one: outward, for an edge of a polygon listed counterclockwise."""
        return Point(self.reward, -self.log_prior)

    def along(self, direction: Point) -> Exact:
        """The inner product: the rational 0 where it vanishes formally, else a ball."""
        value = self.inner(direction)
        return fmpq(0) if value.contains(0) and self.orthogonal(direction) else value

    def side(self, direction: Point) -> int:
        """The sign of the inner product."""
        return sign(lambda: self.inner(direction), lambda: self.orthogonal(direction))

    def inner(self, direction: Point) -> arb:
        """The inner product, enclosed at the working precision."""
        return self.log_prior.ball() * direction.log_prior.ball() + self.reward.ball() * direction.reward.ball()

    def orthogonal(self, direction: Point) -> bool:
        """Whether the inner product is 0 as a polynomial in the symbols: a proof that it is 0."""
        product: dict[tuple[int, int, tuple[int, int], tuple[int, int]], fmpq] = {}
        for first, second in ((self.log_prior, direction.log_prior), (self.reward, direction.reward)):
            for ((a, b, *v), c), ((d, e, *w), f) in itertools.product(first.terms.items(), second.terms.items()):
                exponent, one, two = fmpq(a, b) + fmpq(d, e), (v[0], v[1]), (w[0], w[1])
                key = int(exponent.p), int(exponent.q), min(one, two), max(one, two)
                product[key] = product.get(key, fmpq(0)) + c * f
        return all(c == 0 for c in product.values())
