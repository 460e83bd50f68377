"""One next-token law with its weights in exact form: what adaptors compare, and the formal proofs that settle ties."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from flint import arb, ctx, fmpq
from numpy.typing import NDArray

from theory.arithmetic.exact import Undecided, power, sign
from theory.arithmetic.formal import FormalSum, prime_exponents


def log_parts(value: fmpq, exponent: fmpq, factor: fmpq) -> dict[int, fmpq]:
    """factor * log(value e^exponent) as coefficients of the primes' logarithms, and of 1 (key 0)."""
    parts = {prime: factor * k for prime, k in prime_exponents(value).items()}
    return parts | {0: factor * exponent}


def added(one: Mapping[int, fmpq], other: Mapping[int, fmpq]) -> dict[int, fmpq]:
    """The sum of two combinations of logarithms, as their coefficients."""
    return {key: one.get(key, fmpq(0)) + other.get(key, fmpq(0)) for key in one.keys() | other.keys()}


@dataclass(frozen=True, slots=True)
class Before:
    """The tokens before a next-token law, and the tokens that it is over; -1 is the end.

    Args:
        history: oldest first.
        tokens: one per weight of the row.
    """

    history: tuple[int, ...]
    tokens: tuple[int, ...]


_ONE = fmpq(1)

_MANY = 16
"""Tokens from which on float64 orders them first."""

_ACCURATE = 60
"""Bits of a ball that float64 rounds once: by at most 2^-52 with the radius."""

_NORMAL = 1e-290
"""Smaller ones are left to balls."""

_APART = 2.0**-50
"""Relative distance of two such numbers that cannot be the other way round."""


def rounded(balls: Iterable[arb]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(the balls in float64, which of these are within 2^-52 of all that their balls hold, relatively, and normal)."""
    told = [(float(one.mid()), one.rel_accuracy_bits()) for one in balls]
    found = np.array([number for number, _ in told])
    narrow = np.array([bits >= _ACCURATE for _, bits in told])
    return found, narrow & np.isfinite(found) & (found > _NORMAL)


@dataclass(slots=True)
class Row:
    """The next-token law at one prefix, proportional to weight ** power on the kept tokens.

    Args:
        formal: the weight of each token, exactly.
        balls: the same, enclosed at the working precision.
        power: the product of the 1 / T met so far.
        kept: indices of the kept tokens, ascending.
        before: what stood before each token and what each token is, for adaptors that need it.
        absolute: the weights are what they are, and not only proportional to it.
    """

    formal: Sequence[FormalSum]
    balls: Sequence[arb]
    power: fmpq
    kept: list[int]
    before: Before | None = None
    absolute: bool = False
    _bits: int = 0
    _whole: tuple[tuple[int, fmpq, int], arb] | None = None
    _falling: list[int] | None = None
    _raised: tuple[tuple[int, fmpq], dict[int, arb]] | None = None

    def __post_init__(self) -> None:
        self._bits = self._bits or ctx.prec

    @property
    def whole(self) -> list[int]:
        """All tokens, those that are cut among them."""
        return list(range(len(self.formal)))

    def copy(self) -> Row:
        """A row that stays as this one is now."""
        return Row(self.formal, self.balls, self.power, list(self.kept), self.before, self.absolute, self._bits)

    def base(self, token: int) -> arb:
        """The weight, enclosed at the precision of the moment."""
        return self.balls[token] if ctx.prec == self._bits else self.formal[token].ball()

    def weight(self, token: int) -> arb:
        """weight ** power."""
        if self.power == _ONE:
            return self.base(token)
        key = ctx.prec, self.power
        if self._raised is None or self._raised[0] != key:
            self._raised = key, {}
        known = self._raised[1]
        if token not in known:
            known[token] = power(self.base(token), self.power)
        return known[token]

    def weights(self, tokens: Sequence[int]) -> list[arb]:
        """weight ** power of each of these tokens."""
        if self.power == _ONE and ctx.prec == self._bits:
            return [self.balls[t] for t in tokens]
        return [self.weight(t) for t in tokens]

    def total(self, tokens: Sequence[int]) -> arb:
        """The sum of weight ** power over tokens."""
        if tokens is not self.kept:
            return sum(self.weights(tokens), start=arb(0))
        key = (ctx.prec, self.power, len(self.kept))
        if self._whole is None or self._whole[0] != key:
            self._whole = (key, sum(self.weights(self.kept), start=arb(0)))
        return self._whole[1]

    def compare(self, first: int, second: int) -> int:
        """Sign of p(first) - p(second)."""
        if ctx.prec == self._bits:
            one, two = self.balls[first], self.balls[second]
            if one > two or one < two:
                return 1 if one > two else -1
        return sign(
            lambda: self.base(first) - self.base(second),
            lambda: self.formal[first].equals(self.formal[second]),
        )

    def descending(self) -> list[int]:
        """The kept tokens by falling probability, ties to the lower index.

        The order is found once: what cuts and powers leave of the tokens is in the same one.
        """
        if self._falling is None or len(self._falling) < len(self.kept):
            self._falling = self._ordered()
        elif len(self._falling) > len(self.kept):
            kept = set(self.kept)
            self._falling = [token for token in self._falling if token in kept]
        return list(self._falling)

    def _ordered(self) -> list[int]:
        """``descending``, from the weights.

        Of many tokens float64 orders those that lie apart by more than it rounds; exact comparisons order the others.
        """

        def order(first: int, second: int) -> int:
            return self.compare(second, first) or first - second

        exactly = functools.cmp_to_key(order)
        if len(self.kept) < _MANY:
            return sorted(self.kept, key=exactly)
        numbers, narrow = rounded([self.base(token) for token in self.kept])
        if not narrow.all():
            return sorted(self.kept, key=exactly)
        falling = np.argsort(-numbers, kind="stable")
        own = numbers[falling]
        starts = np.flatnonzero(np.concatenate(([True], own[:-1] - own[1:] > _APART * own[:-1]))).tolist()
        found: list[int] = []
        tokens = np.array(self.kept)[falling].tolist()
        for start, stop in itertools.pairwise([*starts, len(own)]):
            close = tokens[start:stop]
            if stop - start > 1:
                first = self.formal[close[0]]
                alike = all(self.formal[token].equals(first) for token in close)
                close = sorted(close) if alike else sorted(close, key=exactly)
            found += close
        return found

    def against(self, tokens: Sequence[int], value: fmpq, of: Sequence[int] | None = None) -> int:
        """Sign of the sum over tokens - value * sum over ``of`` (default: all kept tokens)."""
        whole = self.kept if of is None else of
        return sign(
            lambda: self.total(tokens) - self.total(whole) * value,
            lambda: self.vanishes([(t, fmpq(1)) for t in tokens] + [(t, -value) for t in whole]),
        )

    def reaches(self, tokens: Sequence[int], value: fmpq, of: Sequence[int] | None = None) -> bool:
        """Whether sum over tokens >= value * sum over ``of`` (default: all kept tokens)."""
        return self.against(tokens, value, of) >= 0

    def combined(self, factors: Mapping[int, fmpq]) -> int:
        """Sign of sum_t k_t w_t, factors = {t: k_t}."""
        return sign(
            lambda: sum((self.weight(t) * k for t, k in factors.items()), start=arb(0)),
            lambda: self.vanishes(list(factors.items())),
        )

    def surprisals(self) -> tuple[list[arb], arb]:
        """(-log p of each kept token, entropy)."""
        weights = [self.weight(token) for token in self.kept]
        total = sum(weights, start=arb(0))
        logs = [total.log() - w.log() for w in weights]
        return logs, sum((w * s for w, s in zip(weights, logs, strict=True)), start=arb(0)) / total

    def logarithms_vanish(self, factors: Mapping[int, int], constant: tuple[fmpq, fmpq] = (fmpq(0), fmpq(1))) -> bool:
        """Formal proof that sum_t k_t (log p_t + H) + q log v = 0, factors = {t: k_t} and constant = (q, v).

        The normaliser cancels in log p_t + H = log w_t - E log w. Times the sum of the weights this is a sum of
        w_j times logarithms of rationals and rationals; the coefficient of each prime's logarithm must vanish.
        """
        parts = self._monomials()
        if parts is None:
            return False
        total = sum(factors.values())
        coefficients: dict[int, list[FormalSum]] = {}
        try:
            common = log_parts(constant[1], fmpq(0), constant[0])
            for token, factor in factors.items():
                common = added(common, log_parts(*parts[token][0], self.power * factor))
            for logarithm, weight in parts.values():
                terms = added(common, log_parts(*logarithm, -self.power * total))
                for key, coefficient in terms.items():
                    coefficients.setdefault(key, []).append(weight.scaled(coefficient))
        except Undecided:
            return False
        return all(not FormalSum.total(members).terms for members in coefficients.values())

    def _monomials(self) -> dict[int, tuple[tuple[fmpq, fmpq], FormalSum]] | None:
        """{kept token: ((c, a), w ** power)}, weights w = c e^a up to a common factor; None if they are no such."""
        ratios = [self.formal[token].ratio(self.formal[self.kept[0]]) for token in self.kept]
        rational_ratios = [ratio for ratio in ratios if ratio is not None]
        if len(rational_ratios) == len(ratios):
            bases = [FormalSum.of(ratio, fmpq(0)) for ratio in rational_ratios]
        elif all(len(self.formal[token].terms) == 1 for token in self.kept):
            bases = [self.formal[token] for token in self.kept]
        else:
            return None
        result = {}
        for token, base in zip(self.kept, bases, strict=True):
            ((exponent, radicals), coefficient) = next(iter(base.terms.items()))
            weight = base.power(self.power)
            if radicals or weight is None:
                return None
            result[token] = ((coefficient, fmpq(exponent)), weight)
        return result

    def vanishes(self, signed: Sequence[tuple[int, fmpq]]) -> bool:
        """Formal proof that sum k w = 0, signed = [(token, k)]."""
        raised = [self.formal[t].power(self.power) for t, _ in signed]
        known = [r.scaled(factor) for r, (_, factor) in zip(raised, signed, strict=True) if r is not None]
        if len(known) == len(signed):
            return not FormalSum.total(known).terms
        # sums raised to a broken power: those that are rational multiples of one another must cancel by themselves
        classes: list[tuple[FormalSum, list[FormalSum]]] = []
        for token, factor in signed:
            ratios = ((c, self.formal[token].ratio(base)) for c, (base, _) in enumerate(classes))
            place, ratio = next(((c, r) for c, r in ratios if r is not None), (len(classes), fmpq(1)))
            if place == len(classes):
                classes.append((self.formal[token], []))
            power_of_ratio = FormalSum.of(ratio, fmpq(0)).power(self.power)
            if power_of_ratio is None:
                return False
            classes[place][1].append(power_of_ratio.scaled(factor))
        return all(not FormalSum.total(members).terms for _, members in classes)

    def log_ratios(self) -> dict[int, dict[int, fmpq]] | None:
        """log(w_t / w_first) of each kept token as coefficients of primes' logarithms and of 1; None where unknown."""
        parts = self._monomials()
        if parts is None:
            return None
        try:
            logs = {t: log_parts(*monomial, self.power) for t, (monomial, _) in parts.items()}
        except Undecided:
            return None
        return {t: added(own, {k: -v for k, v in logs[self.kept[0]].items()}) for t, own in logs.items()}

    def entropies_vanish(self, factors: Mapping[int, fmpq], among: Sequence[int]) -> bool:
        """Formal proof that sum_t k_t w_t (log S - log w_t) = 0, S the sum of the weights ``among``.

        log S is a symbol of its own, unless S is rational.
        """
        parts = self._monomials()
        if parts is None:  # equal weights must cancel by themselves
            return self._classes_cancel(factors)
        whole = FormalSum.total(parts[t][1] for t in among)
        mass = FormalSum.total(parts[t][1].scaled(k) for t, k in factors.items())
        number = whole.ratio(FormalSum.of(fmpq(1), fmpq(0)))
        coefficients: dict[int, list[FormalSum]] = {}
        try:
            if number is not None:
                for prime, exponent in prime_exponents(number).items():
                    coefficients.setdefault(prime, []).append(mass.scaled(fmpq(exponent)))
            elif mass.terms:
                return False
            for token, factor in factors.items():
                for prime, k in log_parts(*parts[token][0], -self.power * factor).items():
                    coefficients.setdefault(prime, []).append(parts[token][1].scaled(k))
        except Undecided:
            return False
        return all(not FormalSum.total(members).terms for members in coefficients.values())

    def _classes_cancel(self, factors: Mapping[int, fmpq]) -> bool:
        sums: list[tuple[FormalSum, fmpq]] = []
        for token, factor in factors.items():
            place = next((k for k, (own, _) in enumerate(sums) if own.equals(self.formal[token])), None)
            if place is None:
                sums.append((self.formal[token], factor))
            else:
                sums[place] = (self.formal[token], sums[place][1] + factor)
        return all(total == 0 for _, total in sums)


__all__ = ["Before", "Row", "added", "log_parts", "rounded"]
