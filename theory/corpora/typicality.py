"""Corpora of N independent strings: the exact law of the corpus means, and what typicality does to them.

Lbar + Rbar = log Z - Ibar, so a corpus is typical when |Ibar - H| < eps. Only the distinct values of I matter (the
atoms), with the mean and variance of L given I. Three routes give the same numbers:

- the multinomial law of the atom counts, summed over the typical counts: in balls, or in float64 by halves;
- the lattice law, when the atoms are integer steps of one number: powers of a polynomial;
- inversion of the characteristic function phi(u)^N (Gil-Pelaez 1951), for many atoms.

Where N is small and the atoms are many, all corpora are listed.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from dataclasses import replace
from typing import Any

from flint import arb, fmpq

from theory.adaptors.moments import Moments
from theory.arithmetic.exact import Undecided, ball, floats, to_float
from theory.corpora.atoms import Atoms, Window
from theory.corpora.bounds import by_bound, by_normal, by_range
from theory.corpora.inversion import LARGEST_ERROR, by_inversion, line_mass
from theory.corpora.lattice import by_lattice, by_lattice_transform, transform_points
from theory.corpora.multinomial import MOST_HALF_ATOMS, by_halves, by_multinomial, half_sizes, multinomial_cost
from theory.probability.concentration import truncated_normal_variance

_EXACT_COST = 2_000_000


_MOST_HALF_COUNTS = 3_000_000


_MOST_HALF_SIZE = 10**7
"""Halves meet once for each of some sqrt N totals."""


_OUTER_COST = 300_000


_WIDEST = 150_000
"""Counts of one atom, each of which keeps some balls."""


_LATTICE_DEGREE = 30_000


_ENUMERATED = 600_000
"""Strings in all corpora that are listed."""


_NO_MASS = 1e-10
"""Of one total of a lattice."""

_MOST_ANGLES = 50_000_000
"""Angles times atoms of a lattice transform: some seconds."""


def typical_corpora(law: Atoms, size: int, epsilon: fmpq) -> Window:
    """The exact law of |Ibar - H| < eps for corpora of N strings, by the cheapest route that certifies it.

    Args:
        law: the atoms of (L, R).
        size: N >= 1.
        epsilon: > 0, nats.
    """
    if len(law) == 1:
        spread = law.spread[0] * size
        return Window((arb(1), arb(0), arb(0), spread, arb(0), arb(0)), "one atom")
    whole = by_range(law, size, epsilon)
    if whole is not None:
        return whole
    cost, outer, widest = multinomial_cost(law, size, most=_OUTER_COST)
    if cost <= _EXACT_COST and outer <= _OUTER_COST and widest <= _WIDEST:
        return by_multinomial(law, size, epsilon)
    if law.steps is not None and max(law.steps[0]) * size <= _LATTICE_DEGREE:
        return by_lattice(law, size, epsilon)
    bounded = by_bound(law, size, epsilon)
    if bounded is not None:
        return bounded
    if size <= _MOST_HALF_SIZE and len(law) <= MOST_HALF_ATOMS and half_sizes(law, size)[1] <= _MOST_HALF_COUNTS:
        return by_halves(law, size, epsilon)
    if corpora_count(law, size) * size <= _ENUMERATED:
        return by_enumeration(law, size, epsilon)
    return _by_transform(law, size, epsilon)


def corpora_count(law: Atoms, size: int) -> float:
    """C(m + N - 1, N), the number of corpora up to order; infinite beyond float64."""
    m = len(law)
    logarithm = math.lgamma(m + size) - math.lgamma(size + 1) - math.lgamma(m)
    return math.exp(logarithm) if logarithm < 700 else math.inf


def _by_transform(law: Atoms, size: int, epsilon: fmpq) -> Window:
    """From the characteristic function; where that does not do, the normal law if its proven error is small.

    A law on a lattice is not inverted as if it were smooth: its grain would go unseen. One so fine that a single total
    has no mass to speak of (all decimals lie on some lattice) is smooth.
    """
    if transform_points(law, size) * len(law) <= _MOST_ANGLES:
        return by_lattice_transform(law, size, epsilon)
    try:
        line = line_mass(law, size)
        if line <= _NO_MASS:
            window = by_inversion(law, size, epsilon)
            return replace(window, error=(window.error or 0.0) + line)
        raise Undecided(f"the lattice of {len(law)} atoms has too many points at N = {size}")
    except Undecided as error:
        try:
            return by_normal(law, size, epsilon, LARGEST_ERROR)
        except Undecided as no_normal:
            raise Undecided(f"{error}; {no_normal}") from None


def by_enumeration(law: Atoms, size: int, epsilon: fmpq) -> Window:
    """List all corpora up to order. Cost: C(m + N - 1, N) corpora, m atoms; for small N and many atoms.

    Raises:
        Undecided: a corpus may lie on the edge of the band.
    """
    limit = ball(epsilon) * size
    sums = [arb(0) for _ in range(6)]

    for picks in itertools.combinations_with_replacement(range(len(law)), size):
        chosen = list(picks)
        y = law.surprisal[chosen].sum()
        if not abs(y) < limit:
            if abs(y) > limit:
                continue
            raise Undecided("a corpus lies on the edge of the typical band")
        orders = math.factorial(size) // math.prod(math.factorial(k) for k in Counter(picks).values())
        mass = math.prod(law.prob[chosen], start=arb(orders))
        x, spread = law.log_prior[chosen].sum(), law.spread[chosen].sum()
        for place, term in enumerate((mass, x * mass, y * mass, (x * x + spread) * mass, x * y * mass, y * y * mass)):
            sums[place] += term
    return Window(tuple(sums), "enumeration")


def edgeworth_typicality(law: Atoms, size: int, epsilon: fmpq) -> float:
    """P(|Ibar - H| < eps) by the Edgeworth series to order 1/N^2: an approximation by another route than inversion.

    The odd orders cancel in a symmetric band; the neglected term is of order 1/N^3. Petrov (1975), chapter VI.
    """
    prob, deviation = floats(law.prob), floats(law.surprisal)
    m2, m3, m4, m5, m6 = (float(prob @ deviation**k) for k in range(2, 7))
    k3 = m3 / m2**1.5
    k4 = m4 / m2**2 - 3
    k5 = (m5 - 10 * m3 * m2) / m2**2.5
    k6 = (m6 - 15 * m4 * m2 - 10 * m3**2 + 30 * m2**3) / m2**3
    x = to_float(epsilon) * math.sqrt(size / m2)
    density = math.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    hermite = [1.0, x]
    for n in range(1, 11):
        hermite.append(x * hermite[n] - n * hermite[n - 1])
    first = k4 / 24 * hermite[3] + k3**2 / 72 * hermite[5]
    second = (
        k6 / 720 * hermite[5]
        + (k4**2 / 1152 + k3 * k5 / 720) * hermite[7]
        + k3**2 * k4 / 1728 * hermite[9]
        + k3**4 / 31104 * hermite[11]
    )
    return math.erf(x / math.sqrt(2)) - float(2 * density * (first / size + second / size**2))


def conditional_correlation_limit(mean: Moments, size: int, epsilon: fmpq) -> Any:
    """The large-N correlation given typicality at c = eps sqrt N: a normal I truncated to (-c, c).

    (-b (1 + b) v - u) / sqrt((b^2 v + u) ((1 + b)^2 v + u)), v the truncated variance, u = Var L - b^2 V.
    None where V = 0 or a variance vanishes.
    """
    if mean.constant.surprisal or mean.constant.log_prior or mean.constant.reward:
        return None
    b = mean.exchange_coefficient
    exact = isinstance(b, arb)
    width = (ball(epsilon) * arb(size).sqrt()) if exact else to_float(epsilon) * math.sqrt(size)
    v = truncated_normal_variance(mean.var_surprisal, width)
    u = mean.var_log_prior - b * b * mean.var_surprisal
    product = (b * b * v + u) * ((1 + b) * (1 + b) * v + u)
    if not product > 0:
        return None
    return (-b * (1 + b) * v - u) / (product.sqrt() if exact else math.sqrt(product))
