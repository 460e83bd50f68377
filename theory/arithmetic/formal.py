"""Numbers that know when they are equal: sums of c * e^a * (radicals) with rational c and a.

p+(y) is proportional to p(y) e^{r(y)/beta}: a rational times e to a rational. Whether two such sums are equal
is decidable: e to distinct rationals are linearly independent over the algebraic numbers (Lindemann and
Weierstrass), and products of primes to exponents in [0, 1) are linearly independent over the rationals
(Besicovitch 1940). So ties between probabilities are decided, never guessed from digits.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from flint import arb, fmpq, fmpz

from theory.arithmetic.exact import Undecided

Radicals = tuple[tuple[int, fmpq], ...]
Key = tuple[fmpq | int, Radicals]
"""(a, radicals). An exponent 0 is an int where it can be: fmpq's hash, by a Fraction, costs a hundred times as much."""

_ZERO, _RATIONAL = fmpq(0), (0, ())

_FACTOR_BITS = 160
"""Integers above this size are not factored: the cost could be without bound."""

_POWER_BITS = 1 << 16
"""Powers above this size are not written out: a temperature of 10^-9 would need gigabytes."""


@dataclass(frozen=True, slots=True, eq=False)
class FormalSum:
    """sum_k c_k e^{a_k} prod_p p^{f_kp}, with no two terms alike and no zero coefficient."""

    terms: Mapping[Key, fmpq]

    @staticmethod
    def of(coefficient: fmpq, exponent: fmpq) -> FormalSum:
        """c e^a."""
        key: Key = _RATIONAL if exponent == _ZERO else (exponent, ())
        return FormalSum({key: coefficient} if coefficient != _ZERO else {})

    @staticmethod
    def total(summands: Iterable[FormalSum]) -> FormalSum:
        """The sum; equal terms are merged."""
        merged: dict[Key, fmpq] = {}
        for summand in summands:
            for key, coefficient in summand.terms.items():
                before = merged.get(key)
                merged[key] = coefficient if before is None else before + coefficient
        return FormalSum({key: c for key, c in merged.items() if c != 0})

    def scaled(self, factor: fmpq) -> FormalSum:
        """factor times this sum."""
        return FormalSum({key: c * factor for key, c in self.terms.items()} if factor != 0 else {})

    def equals(self, other: FormalSum) -> bool:
        """Whether the two numbers are equal (exact, not approximate)."""
        return self.terms == other.terms

    def ratio(self, other: FormalSum) -> fmpq | None:
        """self / other where that is rational, else None; other is not 0."""
        if not self.terms:
            return fmpq(0)
        if self.terms.keys() != other.terms.keys():
            return None
        ratios = [c / other.terms[key] for key, c in self.terms.items()]
        return ratios[0] if all(ratio == ratios[0] for ratio in ratios) else None

    def power(self, exponent: fmpq) -> FormalSum | None:
        """self ** exponent for a single term, or for a natural exponent up to 8; else None."""
        if exponent == 1:
            return self
        if len(self.terms) == 1:
            ((a, radicals), c) = next(iter(self.terms.items()))
            if radicals:
                return None
            split = rational_power(c, exponent) if c > 0 or exponent.q == 1 else None
            return None if split is None else FormalSum({(a * exponent, split[1]): split[0]})
        if exponent.q == 1 and 0 < exponent.p <= 8 and not any(radicals for _, radicals in self.terms):
            product = self
            for _ in range(int(exponent.p) - 1):
                product = product.times(self)
            return product
        return None

    def times(self, other: FormalSum) -> FormalSum:
        """The product of the two numbers."""
        return FormalSum.total(_product(*one, *two) for one in self.terms.items() for two in other.terms.items())

    def ball(self) -> arb:
        """An enclosure at the working precision."""
        total = arb(0)
        for (a, radicals), c in self.terms.items():
            term = arb(c) if a == 0 else arb(a).exp() * c
            for prime, exponent in radicals:
                term *= (arb(prime).log() * exponent).exp()
            total += term
        return total


def _product(one: Key, c: fmpq, other: Key, d: fmpq) -> FormalSum:
    """The product of two terms; radicals that fill up to a whole power of their prime join the coefficient."""
    exponents = dict(one[1])
    coefficient = c * d
    for prime, exponent in other[1]:
        total = exponents.pop(prime, fmpq(0)) + exponent
        if total >= 1:
            coefficient, total = coefficient * prime, total - 1
        if total != 0:
            exponents[prime] = total
    return FormalSum({(one[0] + other[0], tuple(sorted(exponents.items()))): coefficient})


def prime_exponents(value: fmpq) -> dict[int, int]:
    """The exponents of the primes in a positive rational.

    Raises:
        ValueError: not positive.
        Undecided: numerator or denominator is too large to factor.
    """
    if not value > 0:
        raise ValueError(f"only positive rationals have prime exponents, got {value}")
    exponents: dict[int, int] = {}
    for part, direction in ((value.p, 1), (value.q, -1)):
        if fmpz(part).height_bits() > _FACTOR_BITS:
            raise Undecided(f"too large to factor: {value}")
        for prime, multiplicity in fmpz(part).factor():
            exponents[int(prime)] = exponents.get(int(prime), 0) + direction * int(multiplicity)
    return exponents


def common_unit(values: Sequence[fmpq]) -> list[int] | None:
    """Integers n_j of one sign and without a common factor with v_j = u^{n_j} for one u > 0; None where there is no u.

    >>> common_unit([fmpq(1, 4), fmpq(1), fmpq(1, 8)])
    [2, 0, 3]
    """
    try:
        vectors = [{prime: k for prime, k in prime_exponents(v).items() if k} for v in values]
    except Undecided:
        return None
    unit = next((vector for vector in vectors if vector), None)
    if unit is None:
        return [0] * len(values)
    pivot = min(unit)
    multiples = []
    for vector in vectors:
        multiple = fmpq(vector.get(pivot, 0), unit[pivot])
        if any(vector.get(p, 0) != multiple * unit.get(p, 0) for p in vector.keys() | unit.keys()):
            return None
        multiples.append(multiple)
    scale = math.lcm(*(int(x.q) for x in multiples))
    whole = [int((x * scale).p) for x in multiples]
    divisor = math.gcd(*whole)
    return [x // divisor for x in whole] if min(whole) >= 0 else None


def rational_power(value: fmpq, exponent: fmpq) -> tuple[fmpq, Radicals] | None:
    """value ** exponent as (rational, radicals with exponents in (0, 1)); None if too large to factor or to write.

    >>> rational_power(fmpq(8), fmpq(1, 2))
    (2, ((2, 1/2),))
    """
    if (value.p.height_bits() + value.q.height_bits()) * abs(exponent) > _POWER_BITS:
        return None
    if exponent.q == 1:
        return value ** int(exponent.p), ()
    try:
        exponents = prime_exponents(value)
    except Undecided:
        return None
    whole, radicals = fmpq(1), []
    for prime in sorted(exponents):
        raised = exponent * exponents[prime]
        floor = int(raised.floor())
        whole *= fmpq(prime) ** floor
        if raised != floor:
            radicals.append((prime, raised - floor))
    return whole, tuple(radicals)


def logarithms_vanish(terms: Iterable[tuple[fmpq, fmpq]]) -> bool:
    """Whether sum_k q_k log v_k = 0, for rational q_k and positive rational v_k.

    Decided by unique factorisation: the logarithms of the primes are independent over the rationals.
    An argument too large to factor proves nothing, hence False.
    """
    totals: dict[int, fmpq] = {}
    try:
        for factor, value in terms:
            for prime, exponent in prime_exponents(value).items():
                totals[prime] = totals.get(prime, fmpq(0)) + factor * exponent
    except Undecided:
        return False
    return all(total == 0 for total in totals.values())


def formal_product(one: FormalSum, two: FormalSum) -> FormalSum:
    """The product of two formal sums, radicals included."""
    return FormalSum.total(
        _term_product(first, c, second, d) for first, c in one.terms.items() for second, d in two.terms.items()
    )


def _term_product(first: Key, c: fmpq, second: Key, d: fmpq) -> FormalSum:
    exponents = dict(first[1])
    for prime, exponent in second[1]:
        exponents[prime] = exponents.get(prime, fmpq(0)) + exponent
    whole, radicals = c * d, []
    for prime in sorted(exponents):
        exponent = exponents[prime]
        if exponent >= 1:
            whole, exponent = whole * prime, exponent - 1
        if exponent != 0:
            radicals.append((prime, exponent))
    return FormalSum({(first[0] + second[0], tuple(radicals)): whole})
