"""The law of one string as atoms of equal surprisal, and the sums over typical corpora."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from flint import arb, fmpq
from numpy.typing import NDArray

from theory.adaptors.moments import aligned_deviations
from theory.alignment.gibbs import Aligned, Numbers, in_own_arithmetic
from theory.arithmetic.exact import BITS, Array, Real, Undecided, floats, working
from theory.arithmetic.formal import prime_exponents
from theory.language_models.tree import Index

_ROUNDING = 1e-9

_MOST_ON_LATTICE = 4096
"""Atoms among which a lattice is looked for."""


Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Atoms:
    """The law of the surprisal, with L given I.

    Args:
        prob: P(I = i_j), balls, shape (m,).
        surprisal: i_j - H, balls, shape (m,), nats; all different.
        log_prior: E[L | I = i_j] - E L, balls, shape (m,), nats.
        spread: Var(L | I = i_j), balls, shape (m,), nats^2.
        steps: integers n_j >= 0 and a step d with i_j = i_0 + n_j d, where the atoms lie on a lattice.
    """

    prob: Array
    surprisal: Array
    log_prior: Array
    spread: Array
    steps: tuple[tuple[int, ...], arb] | None
    _rounded: list[Floats] = field(default_factory=list, init=False, repr=False)

    def __len__(self) -> int:
        return len(self.prob)

    def floats(self) -> list[Floats]:
        """prob, surprisal, log_prior and spread in float64, which the caller may change; rounded once."""
        if not self._rounded:
            self._rounded.extend(floats(v) for v in (self.prob, self.surprisal, self.log_prior, self.spread))
        return [values.copy() for values in self._rounded]

    def others(self) -> list[arb]:
        """P(I != i_j) of each atom: summed, because 1 - p has no digits left where p is next to 1."""
        before = [arb(0), *itertools.accumulate(self.prob[:-1])]
        after = [arb(0), *itertools.accumulate(self.prob[:0:-1])]
        return [one + two for one, two in zip(before, reversed(after), strict=True)]

    def reach(self, size: int) -> tuple[arb, ...]:
        """What 1, |x|, |y|, x^2 and its variance given I, |xy| and y^2 are at most in a corpus of N strings."""
        x, y = (_largest(values) * size for values in (self.log_prior, self.surprisal))
        return arb(1), x, y, x * x + _largest(self.spread) * size, x * y, y * y


def _largest(values: Array) -> arb:
    """An upper bound of the absolute values."""
    return functools.reduce(arb.max, (value.abs_upper() for value in values))


@in_own_arithmetic
def atoms(numbers: Numbers) -> Atoms:
    """Merge the strings with the same p+, decided formally. ``numbers`` in balls; cost O(n)."""
    aligned = numbers.aligned
    deviation = aligned_deviations(numbers)
    alike = aligned.alike()
    first, place, count = np.unique(alike.surprisal, return_inverse=True, return_counts=True)
    prob, surprisal, log_prior = numbers.prob[first], deviation.surprisal[first], deviation.log_prior[first]
    spread = np.full(len(first), arb(0), dtype=object)
    ordered, starts = np.argsort(place, kind="stable"), np.concatenate(([0], np.cumsum(count)))
    for atom in np.flatnonzero(count > 1).tolist():
        members = ordered[starts[atom] : starts[atom + 1]]
        weight, value = numbers.prob[members], deviation.log_prior[members]
        total = prob[atom] = weight.sum()
        if (alike.log_prior[members] != alike.log_prior[members[0]]).any():
            centre = log_prior[atom] = (weight * value).sum() / total
            spread[atom] = (weight * (value - centre) * (value - centre)).sum() / total
    return Atoms(prob, surprisal, log_prior, spread, _steps(aligned, first, surprisal))


def _steps(aligned: Aligned, first: Index, surprisal: Array) -> tuple[tuple[int, ...], arb] | None:
    """The lattice of the weights of these strings, where they are few enough to look for one."""
    if len(first) > _MOST_ON_LATTICE:
        return None
    parts = aligned.weight_parts()
    return lattice_steps([parts[y] for y in first.tolist()], surprisal)


def lattice_steps(parts: Sequence[tuple[fmpq, fmpq]], surprisal: Array) -> tuple[tuple[int, ...], arb] | None:
    """Integer steps of log weights c e^a, found where their exponent vectors are multiples of one vector."""
    if len(parts) < 2 or len(parts) > _MOST_ON_LATTICE:
        return None
    first_c, first_a = parts[0]
    vectors: list[dict[int, fmpq]] = []
    try:
        for c, a in parts:
            vector = {prime: fmpq(k) for prime, k in prime_exponents(c / first_c).items() if k}
            vectors.append(vector | ({0: a - first_a} if a != first_a else {}))
    except Undecided:
        return None
    unit = vectors[1]
    pivot = min(unit)
    multiples = []
    for vector in vectors:
        multiple = vector.get(pivot, fmpq(0)) / unit[pivot]
        if vector != {key: multiple * value for key, value in unit.items() if multiple != 0}:
            return None
        multiples.append(multiple)
    scale = math.lcm(*(int(x.q) for x in multiples))
    whole = [int((x * scale).p) for x in multiples]
    divisor = math.gcd(*whole)
    whole = [x // divisor for x in whole]
    step = (surprisal[1] - surprisal[0]) / (whole[1] - whole[0])
    low = min(whole)
    return tuple(x - low for x in whole), step


@dataclass(frozen=True, slots=True)
class Window:
    """Sums over typical corpora.

    Args:
        sums: E[1_A], E[x 1_A], E[y 1_A], E[x^2 1_A], E[xy 1_A], E[y^2 1_A], with x and y the corpus totals of
            L - E L and I - H in nats; the first alone where the others are not known.
        method: the route taken.
        error: the absolute error of the probability, where the numbers are floats; None where they are balls.
    """

    sums: tuple[Any, ...]
    method: str
    error: float | None = None

    @property
    def mass(self) -> Any:
        """P(|Ibar - H| < eps); a float is moved into [0, 1], which its error reaches."""
        return self.sums[0] if self.error is None else min(max(self.sums[0], 0.0), 1.0)

    def conditional_correlation(self) -> Any:
        """Corr(Lbar, Rbar | typical), from R - E R = -(L - E L) - (I - H); None where ``unknown`` says why."""
        return self._correlation()[0]

    @property
    def unknown(self) -> str:
        """Why there is no correlation given typicality; "" where there is one."""
        return self._correlation()[1]

    def _correlation(self) -> tuple[Real | None, str]:
        with working(BITS if self.error is None else None):
            return self._in_balls() if self.error is None else self._in_floats(self.error)

    def _in_balls(self) -> tuple[Real | None, str]:
        if not self.mass > 0:
            return None, "no corpus is typical, or none that can be told from none"
        mean_x, mean_y, xx, xy, yy = (s / self.mass for s in self.sums[1:])
        var_x, cov, var_y = xx - mean_x * mean_x, xy - mean_x * mean_y, yy - mean_y * mean_y
        var_r = var_x + 2 * cov + var_y
        if not (var_x > 0 and var_r > 0):
            return None, "given typicality a variance is 0, or cannot be told from 0"
        return -(var_x + cov) / (var_x * var_r).sqrt(), ""

    def _in_floats(self, error: float) -> tuple[Real | None, str]:
        if len(self.sums) == 1:
            return None, f"not known by this route ({self.method})"
        if self.sums[0] <= 10 * error:
            return None, "P(typical) is within ten times its error of 0"
        mean_x, mean_y, xx, xy, yy = (s / self.sums[0] for s in self.sums[1:])
        var_x, cov, var_y = xx - mean_x * mean_x, xy - mean_x * mean_y, yy - mean_y * mean_y
        var_r = var_x + 2 * cov + var_y
        # a single typical total has variance 0, in float64 the rounding of the squares that it is the difference of
        if not (var_x > _ROUNDING * xx and var_r > _ROUNDING * (xx + yy)):
            return None, "given typicality a variance is 0, or below the rounding of float64"
        return -(var_x + cov) / math.sqrt(var_x * var_r), ""
