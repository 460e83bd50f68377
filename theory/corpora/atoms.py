"""The law of one string as atoms of equal surprisal, and the sums over typical corpora."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb, fmpq
from numpy.typing import NDArray

from theory.alignment.gibbs import Numbers, in_own_arithmetic
from theory.arithmetic.exact import BITS, Array, Undecided, objects, working
from theory.arithmetic.formal import prime_exponents

_ROUNDING = 1e-9


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

    def __len__(self) -> int:
        return len(self.prob)


@in_own_arithmetic
def atoms(numbers: Numbers) -> Atoms:
    """Merge the strings with the same p+, decided formally. ``numbers`` in balls; cost O(n)."""
    aligned = numbers.aligned
    mean_log_prior, entropy = ((numbers.prob * v).sum() for v in (numbers.log_prior, numbers.surprisal))
    groups: dict[tuple[fmpq, fmpq], list[int]] = {}
    for y, part in enumerate(aligned.weight_parts()):
        groups.setdefault(part, []).append(y)
    prob, surprisal, log_prior, spread = [], [], [], []
    for members in groups.values():
        weight, value = numbers.prob[members], numbers.log_prior[members] - mean_log_prior
        total = weight.sum()
        centre = (weight * value).sum() / total
        prob.append(total)
        surprisal.append(numbers.surprisal[members[0]] - entropy)
        log_prior.append(centre)
        same = len({aligned.prior[y] for y in members}) == 1
        spread.append(arb(0) if same else (weight * (value - centre) * (value - centre)).sum() / total)
    steps = _lattice(list(groups), objects(surprisal))
    return Atoms(objects(prob), objects(surprisal), objects(log_prior), objects(spread), steps)


def _lattice(parts: Sequence[tuple[fmpq, fmpq]], surprisal: Array) -> tuple[tuple[int, ...], arb] | None:
    """Integer steps of log weights c e^a, found where their exponent vectors are multiples of one vector."""
    if len(parts) < 2 or len(parts) > 4096:
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
            L - E L and I - H in nats.
        method: the route taken.
        error: the absolute error of the probability, where the numbers are floats; None where they are balls.
    """

    sums: tuple[Any, ...]
    method: str
    error: float | None = None

    @property
    def mass(self) -> Any:
        """P(|Ibar - H| < eps)."""
        return self.sums[0]

    def conditional_correlation(self) -> Any:
        """Corr(Lbar, Rbar | typical), from R - E R = -(L - E L) - (I - H); None where a variance is 0."""
        with working(BITS if self.error is None else None):
            return self._correlation()

    def _correlation(self) -> Any:
        if self.error is None:
            if not self.mass > 0:
                return None
        elif self.mass <= 10 * self.error:
            return None
        mean_x, mean_y, xx, xy, yy = (s / self.mass for s in self.sums[1:])
        var_x, cov, var_y = xx - mean_x * mean_x, xy - mean_x * mean_y, yy - mean_y * mean_y
        var_r = var_x + 2 * cov + var_y
        # a single typical total has variance 0, in float64 the rounding of its square
        noise = 0.0 if self.error is None else _ROUNDING
        if not (var_x > noise * xx and var_r > noise * (xx + 2 * xy + yy)):
            return None
        root = (var_x * var_r).sqrt() if isinstance(var_x, arb) else math.sqrt(var_x * var_r)
        return -(var_x + cov) / root
