"""Laws on infinitely many strings at the edge of what the line needs, with certified sums and certified divergence.

p+(n) proportional to 1 / (n log^k n), n >= 2: the moment E I^j of the surprisal exists iff j < k - 1. And
p+(n) = 2^-n, n >= 1, under the prior p proportional to 2^{-4^n}: I has every moment, L and R have no mean.

A series is a partial sum plus a tail that integrals enclose; a divergence is a minorant whose blocks each add at
least a fixed amount. No truncation stands for an infinite sum.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from flint import arb, fmpq

from theory.arithmetic.exact import Array, Undecided, floor_of, objects

CUTOFF = 4096
"""Where partial sums stop and integrals take over."""


# --- sums of (log log n)^a / (n log^m n) --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LogTerm:
    """f(x) = (log log x)^a / (x log^m x), x > 1.

    Args:
        m: the power of log x.
        a: the power of log log x, a natural number.
    """

    m: int
    a: int = 0

    def at(self, x: arb) -> arb:
        """f(x)."""
        inner = x.log()
        return inner.log() ** self.a / (x * inner**self.m)

    def integral(self, low: arb) -> arb:
        """int_low^inf f(x) dx for m > 1: with v = log log x it is int v^a e^{-(m-1) v} dv.

        Equals e^{-c v} sum_{i <= a} a!/(a-i)! v^{a-i} / c^{i+1} at v = log log low, c = m - 1.

        Raises:
            ValueError: m <= 1, where the integral is infinite.
        """
        if self.m <= 1:
            raise ValueError(f"int dx / (x log^{self.m} x) is infinite: m must be > 1")
        c, v = self.m - 1, low.log().log()
        falling = (
            fmpq(math.perm(self.a, i), c ** (i + 1)) * (v ** (self.a - i) if self.a > i else arb(1))
            for i in range(self.a + 1)
        )
        total: arb = low.log() ** -c * sum(falling, arb(0))
        return total

    def between(self, low: arb, high: arb) -> arb:
        """int_low^high f(x) dx for any m >= 1, and for m = 0 without log log x.

        Raises:
            ValueError: m < 0, or m = 0 with a power of log log x.
        """
        if self.m > 1:
            return self.integral(low) - self.integral(high)
        if self.m == 1:
            power = self.a + 1
            grown: arb = (high.log().log() ** power - low.log().log() ** power) / power
            return grown
        if self.m < 0 or self.a:
            raise ValueError(f"no closed integral of {self}: m must be >= 1, or m = a = 0")
        return high.log() - low.log()

    def slope_margin(self, x: arb) -> arb:
        """-x f'(x)/f(x) = 1 + m/log x - a/(log x log log x): f decreases from x on if it is > 0 there, x > e.

        Multiplied by log x it increases with x, so one point decides for all larger ones.
        """
        inner = x.log()
        margin = 1 + self.m / inner
        return margin - self.a / (inner * inner.log()) if self.a else margin

    def curvature_margin(self, x: arb) -> arb:
        """m - a/log log x - a/(log log x)^2: f is convex from x on if it and ``slope_margin`` are >= 0 there, x > e.

        x^2 f''/f = h^2 + h + (m - a/v - a/v^2) / log^2 x, h the slope margin and v = log log x.
        """
        if not self.a:
            return arb(self.m)
        v = x.log().log()
        return self.m - self.a / v - self.a / (v * v)


def integral_test(term: LogTerm, cutoff: int) -> arb:
    """sum_{n > M} f(n), between int_{M+1}^inf f and int_M^inf f. Needs f to decrease on [M, inf).

    Raises:
        Undecided: that f decreases from M on is not certain.
    """
    _require(cutoff > 2 and term.slope_margin(arb(cutoff)) > 0, f"{term} decreases from {cutoff} on")
    return term.integral(arb(cutoff)).union(term.integral(arb(cutoff + 1)))


def convex_test(term: LogTerm, cutoff: int) -> arb:
    """sum_{n > M} f(n), between int_{M+1}^inf f + f(M+1)/2 and int_{M+1/2}^inf f. Needs f convex on [M + 1/2, inf).

    Trapezia lie above a convex function, midpoint rectangles below it (Hermite and Hadamard).

    Raises:
        Undecided: that f is decreasing and convex from M on is not certain.
    """
    start = arb(cutoff)
    fits = cutoff > 2 and term.slope_margin(start) > 0 and term.curvature_margin(start) > 0
    _require(bool(fits), f"{term} is convex from {cutoff} on")
    after = arb(cutoff + 1)
    return (term.integral(after) + term.at(after) / 2).union(term.integral(start + fmpq(1, 2)))


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise Undecided(f"it is not certain that {what}; raise the cutoff")


@dataclass(frozen=True, slots=True, eq=False)
class Logarithms:
    """log n and log log n of n = 2..M, balls, shape (M - 1,)."""

    first: Array
    second: Array

    @staticmethod
    def up_to(cutoff: int) -> Logarithms:
        """The table for n = 2..cutoff."""
        first = np.log(objects(arb(n) for n in range(2, cutoff + 1)))
        return Logarithms(first, np.log(first))

    def partial_sum(self, term: LogTerm) -> arb:
        """sum_{n=2}^M (log log n)^a / (n log^m n)."""
        n = np.arange(2, len(self.first) + 2).astype(object)
        total: arb = (self.second**term.a / (n * self.first**term.m)).sum()
        return total

    def series(self, term: LogTerm) -> arb:
        """sum_{n >= 2} (log log n)^a / (n log^m n), m > 1, with the tail between its two convexity bounds."""
        return self.partial_sum(term) + convex_test(term, len(self.first) + 1)


# --- p+(n) proportional to 1 / (n log^k n) ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class LogLaw:
    """p+(n) = 1 / (S n log^k n), n >= 2: I(n) = log S + log n + k log log n.

    Args:
        k: >= 2, so that S is finite.
        normaliser: S, a ball.
        table: logarithms up to the cutoff of the sums.
    """

    k: int
    normaliser: arb
    table: Logarithms

    def surprisal(self, n: int) -> arb:
        """I(n), nats."""
        inner = arb(n).log()
        return self.normaliser.log() + inner + self.k * inner.log()

    def has_moment(self, j: int) -> bool:
        """Whether E I^j < inf: iff j < k - 1, by comparison with sum 1/(n log^{k-j} n)."""
        return j < self.k - 1

    def raw_moment(self, j: int) -> arb:
        """E I^j, expanded into the sums of (log log n)^a / (n log^m n).

        Raises:
            ValueError: the moment is infinite.
        """
        if not self.has_moment(j):
            raise ValueError(f"E I^{j} is infinite for k = {self.k}; it is finite for k > {j + 1}")
        total = sum((ways * self.table.series(term) for ways, term in self._expanded(j)), arb(0))
        return total / self.normaliser

    def _expanded(self, j: int) -> Iterator[tuple[arb, LogTerm]]:
        """S p+(n) I(n)^j as a sum of multiples of (log log n)^a / (n log^m n)."""
        constant = self.normaliser.log()
        for b, a in itertools.product(range(j + 1), repeat=2):
            if a + b <= j:
                ways = math.comb(j, b) * math.comb(j - b, a) * self.k**a
                power = constant ** (j - a - b) if j > a + b else arb(1)
                yield power * ways, LogTerm(self.k - b, a)

    def truncated_moment(self, j: int, power: int) -> arb:
        """E[I^j; n <= M], M = 2^power above the cutoff, finite for j <= k; beyond the cutoff sums are integrals.

        Raises:
            ValueError: j > k, or M is not above the cutoff.
        """
        cutoff = len(self.table.first) + 1
        if j > self.k or 2 ** min(power, cutoff) <= cutoff:
            raise ValueError(f"j <= {self.k} and 2^power > {cutoff} are required, got j = {j}, power = {power}")
        start, top = arb(cutoff), arb(2) ** power
        total = arb(0)
        for ways, term in self._expanded(j):
            _require(bool(term.slope_margin(start) > 0), f"{term} decreases from {cutoff} on")
            beyond = term.between(start, top).union(term.between(start + 1, top + 1))
            total += ways * (self.table.partial_sum(term) + beyond)
        return total / self.normaliser

    def tail(self, power: int) -> arb:
        """An upper bound of P(n > M), M = 2^power: the integral from M on."""
        return LogTerm(self.k).integral(arb(2) ** power) / self.normaliser

    def off_the_line(self, size: int, epsilon: fmpq, power: int) -> arb:
        """An upper bound of P(|Ibar - H| >= eps) for corpora of N, by Chebyshev on I cut off at string M = 2^power.

        Some string is beyond M, or the mean of the cut surprisals, whose expectation is below H by E[I; n > M], is
        off by eps less that. Needs H < inf, not V < inf.

        Raises:
            Undecided: that cutting costs less than eps is not certain.
        """
        first, second = (self.truncated_moment(j, power) for j in (1, 2))
        room = epsilon - (self.entropy() - first)
        _require(bool(room > 0), f"cutting at 2^{power} moves the mean by less than {epsilon}")
        return self.tail(power) * size + (second - first * first) / (room * room * size)

    def below(self, bound: fmpq, size: int, power: int) -> arb:
        """An upper bound of P(Ibar <= bound) for corpora of N: Ibar is at least the mean of I cut off at M = 2^power.

        Raises:
            Undecided: that the cut surprisals have an expectation above the bound is not certain.
        """
        first, second = (self.truncated_moment(j, power) for j in (1, 2))
        room = first - bound
        _require(bool(room > 0), f"the mean of the surprisals cut at 2^{power} is above {bound}")
        return (second - first * first) / (room * room * size)

    def entropy(self) -> arb:
        """H = E I, nats; infinite for k = 2."""
        return self.raw_moment(1)

    def varentropy(self) -> arb:
        """V = E I^2 - H^2, nats^2; infinite for k <= 3."""
        return self.raw_moment(2) - self.entropy() ** 2

    def minorant_start(self) -> int:
        """The least n0 >= 2 with I(n) >= log n for all n >= n0: log S + k log log n increases with n.

        From n0 on S p+(n) I(n)^{k-1} >= 1 / (n log n).
        """
        n = 2
        while not self.surprisal(n) - arb(n).log() > 0:
            n += 1
            _require(n <= CUTOFF, "I(n) >= log n from some n on")
        return n

    def block(self, x: int) -> arb:
        """sum_{x <= n < x^2} S p+(n) I(n)^{k-1}: at least int_x^{x^2} dt / (t log t) = log 2, for every x >= n0.

        The blocks [x, x^2), [x^2, x^4), ... are disjoint and without end: E I^{k-1} = inf. Cost: x^2 terms.
        """
        inner = np.log(objects(arb(n) for n in range(x, x * x)))
        n = np.arange(x, x * x).astype(object)
        surprisal = self.normaliser.log() + inner + np.log(inner) * self.k
        total: arb = (surprisal ** (self.k - 1) / (n * inner**self.k)).sum()
        return total

    def blocks_beyond(self, bound: arb) -> int:
        """How many blocks [x, x^2) from n0 on carry E I^{k-1} beyond ``bound``."""
        return floor_of((bound * self.normaliser / arb(2).log()).upper()) + 1


def log_law(k: int, cutoff: int = CUTOFF) -> LogLaw:
    """The law proportional to 1 / (n log^k n) on n >= 2.

    Raises:
        ValueError: k < 2, where the weights have no finite sum.
    """
    if k < 2:
        raise ValueError(f"sum 1 / (n log^{k} n) is infinite: k must be >= 2")
    table = Logarithms.up_to(cutoff)
    return LogLaw(k, table.series(LogTerm(k)), table)


# --- 2^-n under 2^{-4^n} ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TowerString:
    """String n of the law p+(n) = 2^-n with prior p(n) = 2^{-4^n} / c: values in units of log 2, and of log c.

    L = -4^n log 2 - log c, R = (4^n - n) log 2, log Z = -log c, I = n log 2.

    Args:
        n: >= 1.
    """

    n: int

    @property
    def log_prior(self) -> tuple[int, int]:
        """L as (multiple of log 2, multiple of log c)."""
        return -(4**self.n), -1

    @property
    def reward(self) -> tuple[int, int]:
        """R."""
        return 4**self.n - self.n, 0

    @property
    def surprisal(self) -> tuple[int, int]:
        """I = -log 2^-n."""
        return self.n, 0


TOWER_LOG_PARTITION = (0, -1)
"""log Z = log sum p e^R = log (sum 2^-n / c) = -log c."""


def tower_surprisal_moments() -> tuple[int, int]:
    """(E n, Var n) = (2, 2) for p+(n) = 2^-n: H = 2 log 2 nats, V = 2 log^2 2 nats^2."""
    return 2, 2


def tower_partial_means(terms: int) -> tuple[fmpq, fmpq]:
    """The sums over n <= ``terms`` of p+(n) (L + log c) and p+(n) R, in units of log 2: about -2^{M+1} and 2^{M+1}."""
    strings = [TowerString(n) for n in range(1, terms + 1)]
    mean_l = sum((fmpq(s.log_prior[0], 2**s.n) for s in strings), fmpq(0))
    mean_r = sum((fmpq(s.reward[0], 2**s.n) for s in strings), fmpq(0))
    return mean_l, mean_r


def total_of_geometrics(size: int) -> Iterator[tuple[int, fmpq]]:
    """(s, P(n_1 + ... + n_N = s)) of N independent draws from 2^-n: C(s - 1, N - 1) 2^-s, s = N, N + 1, ..."""
    for s in itertools.count(size):
        yield s, fmpq(math.comb(s - 1, size - 1), 2**s)


def tower_typical_probability(size: int, epsilon: fmpq) -> fmpq:
    """P(|Ibar - H| < eps), exactly: a finite sum, since typical corpora have a bounded total n. eps in nats.

    Raises:
        Undecided: a total may lie on the edge of the band.
    """
    inside = fmpq(0)
    for s, mass in total_of_geometrics(size):
        gap = arb(2).log() * fmpq(s - 2 * size, size)
        if gap > epsilon:
            return inside
        if abs(gap) < epsilon:
            inside += mass
        elif not abs(gap) > epsilon:
            raise Undecided(f"whether a total of {s} is typical is undecided")
    raise AssertionError("the totals have no end")
