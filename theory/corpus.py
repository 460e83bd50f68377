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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb, arb_poly, fmpq
from numpy.typing import NDArray
from scipy.special import gammaln

from theory.alignment import Aligned, Numbers
from theory.concentration import truncated_normal_variance
from theory.exact import Array, Undecided, ball, floats, floor_of, objects, to_float, widen
from theory.formal import prime_exponents
from theory.tradeoff import Moments

_TAIL_BITS = 170
_EXACT_COST = 4_000_000
_MOST_HALF_COUNTS = 8_000_000
_MOST_HALF_ATOMS = 24
_OUTER_COST = 300_000
_LATTICE_DEGREE = 30_000
_ENUMERATED = 600_000
_SCAN, _SCAN_LENGTH = 32, 20_000
_MOST_FREQUENCIES = 1 << 13
_LARGEST_ERROR = 1e-5
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


def atoms(aligned: Aligned, numbers: Numbers, mean: Moments) -> Atoms:
    """Merge the strings with the same p+, decided formally. ``numbers`` in balls; cost O(n)."""
    groups: dict[tuple[fmpq, fmpq], list[int]] = {}
    for y, part in enumerate(aligned.weight_parts()):
        groups.setdefault(part, []).append(y)
    prob, surprisal, log_prior, spread = [], [], [], []
    for members in groups.values():
        weight, value = numbers.prob[members], numbers.log_prior[members] - mean.mean_log_prior
        total = weight.sum()
        centre = (weight * value).sum() / total
        prob.append(total)
        surprisal.append(numbers.surprisal[members[0]] - mean.cross_entropy)
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
    cost, outer = multinomial_cost(law, size)
    if cost <= _EXACT_COST and outer <= _OUTER_COST:
        return by_multinomial(law, size, epsilon)
    if law.steps is not None and max(law.steps[0]) * size <= _LATTICE_DEGREE:
        return by_lattice(law, size, epsilon)
    if _half_sizes(law, size)[1] <= _MOST_HALF_COUNTS:
        return by_halves(law, size, epsilon)
    if math.comb(len(law) + size - 1, size) <= _ENUMERATED:
        return by_enumeration(law, size, epsilon)
    if law.steps is not None:
        return by_lattice_transform(law, size, epsilon)
    return by_inversion(law, size, epsilon)


# --- the multinomial law ------------------------------------------------------------------------------------------


def _count_ranges(law: Atoms, size: int) -> list[tuple[int, int]]:
    """For each atom, counts outside of which the binomial law has mass below 2^-170 (Chernoff)."""
    return [_count_range(to_float(p), to_float(1 - p), size) for p in law.prob]


def _count_range(p: float, rest: float, size: int) -> tuple[int, int]:
    """``rest`` is 1 - p, which float64 could not subtract where p is close to 1; either may be 0.0."""

    def share(x: float, mass: float) -> float:
        return 0.0 if x == 0 else math.inf if mass == 0 else x * math.log(x / mass)

    def tail_bits(k: int) -> float:
        return size * (share(k / size, p) + share((size - k) / size, rest)) / math.log(2)

    def edge(near: int, far: int) -> int:
        """The last count towards ``far`` whose tail is heavier than the limit."""
        if tail_bits(far) < _TAIL_BITS:
            return far
        while abs(far - near) > 1:
            middle = (near + far) // 2
            if tail_bits(middle) < _TAIL_BITS:
                near = middle
            else:
                far = middle
        return near

    centre = min(max(round(p * size), 0), size)
    return edge(centre, 0), edge(centre, size)


def multinomial_cost(law: Atoms, size: int) -> tuple[int, int]:
    """(terms summed, outer count vectors) of ``by_multinomial``."""
    widths = sorted(high - low + 1 for low, high in _count_ranges(law, size))
    outer = math.prod(widths[:-2])
    totals = min(size + 1, 1 + sum(width - 1 for width in widths[:-2]))
    return totals * widths[-2], outer


def by_multinomial(law: Atoms, size: int, epsilon: fmpq) -> Window:
    """Sum the multinomial law of the atom counts over the typical counts.

    The multinomial is a product of Poisson laws given their total. The two widest atoms are summed by cumulative
    sums, the others enumerated; counts with mass below 2^-170 are left out and their bound goes into the radius.
    """
    ranges = _count_ranges(law, size)
    order = sorted(range(len(law)), key=lambda j: ranges[j][1] - ranges[j][0])
    one, two = order[-2:]
    if law.surprisal[one] < law.surprisal[two]:
        one, two = two, one
    outer = order[:-2]
    tables = [_poisson_table(law.prob[j], size, ranges[j]) for j in range(len(law))]
    joint = _PairSums(tables[one], tables[two], ranges[one][0], ranges[two][0])
    shift, step = law.surprisal[two], law.surprisal[one] - law.surprisal[two]
    l_shift, l_step = law.log_prior[two], law.log_prior[one] - law.log_prior[two]
    s_shift, s_step = law.spread[two], law.spread[one] - law.spread[two]
    limit = ball(epsilon) * size
    sums = [arb(0) for _ in range(6)]
    for counts in _compositions([ranges[j] for j in outer], size):
        rest = size - sum(counts)
        weight = arb(1)
        y, x, spread = shift * rest, l_shift * rest, s_shift * rest
        for j, k in zip(outer, counts, strict=True):
            weight = weight * tables[j][k - ranges[j][0]]
            y, x = y + law.surprisal[j] * k, x + law.log_prior[j] * k
            spread = spread + law.spread[j] * k
        low = floor_of((-limit - y) / step) + 1
        high = -floor_of((y - limit) / step) - 1
        found = joint.between(rest, low, high)
        if found is None:
            continue
        m0, m1, m2 = (weight * m for m in found)
        dy, dx, ds = step, l_step, s_step
        for place, term in enumerate(
            (
                m0,
                x * m0 + dx * m1,
                y * m0 + dy * m1,
                (x * x + spread) * m0 + (2 * x * dx + ds) * m1 + dx * dx * m2,
                x * y * m0 + (x * dy + y * dx) * m1 + dx * dy * m2,
                y * y * m0 + 2 * y * dy * m1 + dy * dy * m2,
            )
        ):
            sums[place] = sums[place] + term
    total = _poisson_mass(arb(size), size)
    reach = [_largest(v) * size for v in (law.log_prior, law.surprisal)]
    bound = _outside_bound(law, size, ranges)
    widest = _largest(law.spread) * size
    factors = (arb(1), reach[0], reach[1], reach[0] * reach[0] + widest, reach[0] * reach[1], reach[1] * reach[1])
    return Window(tuple(widen(s / total, bound * f) for s, f in zip(sums, factors, strict=True)), "multinomial")


class _PairSums:
    """Cumulative sums of t_a[k] t_b[M - k] times 1, k, k^2 over k, for each total M; remembered per M."""

    def __init__(self, first: Array, second: Array, first_low: int, second_low: int) -> None:
        self._first, self._second = first, second
        self._first_low, self._second_low = first_low, second_low
        self._known: dict[int, tuple[int, list[Array]] | None] = {}

    def between(self, total: int, low: int, high: int) -> list[Any] | None:
        """The three sums over low <= k <= high; None where no k is possible."""
        if total not in self._known:
            self._known[total] = self._cumulate(total)
        known = self._known[total]
        if known is None:
            return None
        start, sums = known
        first, last = max(low - start, 0), min(high - start, len(sums[0]) - 1)
        if first > last:
            return None
        return [s[last] - s[first - 1] if first else s[last] for s in sums]

    def _cumulate(self, total: int) -> tuple[int, list[Array]] | None:
        low = max(self._first_low, total - (self._second_low + len(self._second) - 1))
        high = min(self._first_low + len(self._first) - 1, total - self._second_low)
        if low > high:
            return None
        left = self._first[low - self._first_low : high - self._first_low + 1]
        right = self._second[total - high - self._second_low : total - low - self._second_low + 1][::-1]
        term = left * right
        count = np.arange(low, high + 1).astype(object)
        sums = [term]
        for _ in range(2):
            sums.append(sums[-1] * count)
        return low, [np.add.accumulate(s) for s in sums]


def _compositions(ranges: Sequence[tuple[int, int]], size: int) -> Iterator[tuple[int, ...]]:
    """Count vectors within the ranges whose sum is at most N."""
    for counts in itertools.product(*(range(low, high + 1) for low, high in ranges)):
        if sum(counts) <= size:
            yield counts


def _poisson_mass(mean: arb, count: int) -> arb:
    """e^-m m^k / k!"""
    return (mean.log() * count - mean - arb(count + 1).lgamma()).exp()


def _poisson_table(p: arb, size: int, span: tuple[int, int]) -> Array:
    """Poisson masses of mean N p at the counts low..high, by the ratio of neighbours."""
    mean = p * size
    masses = [_poisson_mass(mean, span[0])]
    for count in range(span[0] + 1, span[1] + 1):
        masses.append(masses[-1] * mean / count)
    return objects(masses)


def _outside_bound(law: Atoms, size: int, ranges: Sequence[tuple[int, int]]) -> arb:
    """Certain bound on the probability that some count leaves its range: Chernoff, summed over the atoms."""
    total = arb(0)
    for p, (low, high) in zip(law.prob, ranges, strict=True):
        for count in (low - 1, high + 1):
            if 0 <= count <= size:
                x = arb(count) / size
                exponent = x * (x / p).log() if count > 0 else arb(0)
                if count < size:
                    exponent += (1 - x) * ((1 - x) / (1 - p)).log()
                total += (-exponent * size).exp()
    return total


def _largest(values: Array) -> arb:
    """An upper bound of the absolute values."""
    bound = arb(0)
    for value in values:
        bound = arb.max(bound, value.abs_upper())
    return bound


# --- the multinomial law by halves ---------------------------------------------------------------------------------

_HALF_RADIUS = 9.3
"""Counts beyond this many standard deviations have Poisson mass below 1e-19 of the largest."""


@dataclass(frozen=True, slots=True, eq=False)
class _Half:
    """Count vectors of some of the atoms: totals, Poisson masses, y, x and spread, shape (vectors,) each.

    Args:
        dropped: the Poisson mass of the vectors that were left out.
    """

    total: NDArray[np.int64]
    mass: Floats
    y: Floats
    x: Floats
    spread: Floats
    dropped: float

    def sorted(self) -> _Half:
        """By total, then by y."""
        order = np.lexsort((self.y, self.total))
        rows = (self.mass[order], self.y[order], self.x[order], self.spread[order])
        return _Half(self.total[order], *rows, self.dropped)


def _half_sizes(law: Atoms, size: int) -> tuple[tuple[list[int], list[int]], float]:
    """Two groups of atoms with about equally many count vectors, and the larger of the two numbers."""
    deviation = [math.sqrt(size * to_float(p)) for p in law.prob]
    groups: tuple[list[int], list[int]] = ([], [])
    volumes = [0.0, 0.0]
    for j in sorted(range(len(law)), key=lambda j: -deviation[j]):
        side = 0 if volumes[0] <= volumes[1] else 1
        groups[side].append(j)
        d = len(groups[side])
        sphere = d / 2 * math.log(math.pi) - math.lgamma(d / 2 + 1) + d * math.log(_HALF_RADIUS)
        volumes[side] = max(volumes[side], sphere + sum(math.log(max(deviation[k], 0.5)) for k in groups[side]))
    return groups, math.exp(max(volumes)) if len(law) <= _MOST_HALF_ATOMS else math.inf


def by_halves(law: Atoms, size: int, epsilon: fmpq) -> Window:
    """The multinomial law in float64: list the counts of each half of the atoms, then meet in the middle.

    For every total of the first half, the typical partners are an interval in y of the second half, found by
    bisection and summed by cumulative sums. Counts of mass below 1e-19 of the largest are left out; the error holds
    what is left out, what lies within 1e-9 of the edge of the band, and rounding.

    Raises:
        Undecided: the error is too large to say anything.
    """
    arrays = [floats(v) for v in (law.prob, law.surprisal, law.log_prior, law.spread)]
    groups, _ = _half_sizes(law, size)
    first, second = (_half(arrays, group, size) for group in groups)
    second = second.sorted()
    limit = to_float(epsilon) * size
    sums, edge = np.zeros(6), 0.0
    for total in np.unique(first.total):
        low, high = np.searchsorted(second.total, (size - total, size - total + 1))
        if low == high:
            continue
        mine = first.total == total
        w, y, x, spread = first.mass[mine], first.y[mine], first.x[mine], first.spread[mine]
        m, v, u, t = (values[low:high] for values in (second.mass, second.y, second.x, second.spread))
        cumulated = np.zeros((6, high - low + 1))
        np.cumsum(np.stack((m, m * u, m * v, m * (u * u + t), m * u * v, m * v * v)), axis=1, out=cumulated[:, 1:])
        start, stop = np.searchsorted(v, -limit - y, side="right"), np.searchsorted(v, limit - y, side="left")
        s0, sx, sy, sxx, sxy, syy = cumulated[:, np.maximum(stop, start)] - cumulated[:, start]
        sums += [
            w @ s0,
            w @ (x * s0 + sx),
            w @ (y * s0 + sy),
            w @ ((x * x + spread) * s0 + 2 * x * sx + sxx),
            w @ (x * y * s0 + x * sy + y * sx + sxy),
            w @ (y * y * s0 + 2 * y * sy + syy),
        ]
        for border in (-limit - y, limit - y):
            near = np.searchsorted(v, border + 1e-9) - np.searchsorted(v, border - 1e-9)
            edge += float(w @ np.where(near > 0, near * m.max(), 0.0))
    scale = 1 / to_float(_poisson_mass(arb(size), size))
    error = scale * (edge + first.dropped + second.dropped) + 1e-12
    if error > _LARGEST_ERROR:
        raise Undecided(f"{len(law)} atoms at N = {size}: summing by halves has an error near {error:.1g}")
    return Window(tuple(float(s) * scale for s in sums), "multinomial by halves, float64", error=error)


def _half(arrays: Sequence[Floats], group: Sequence[int], size: int) -> _Half:
    """The count vectors of these atoms, built atom by atom, light ones dropped on the way.

    y and x are measured from their means, which add up to 0 over the two halves: small numbers keep their digits.
    """
    prob, surprisal, log_prior, spread = arrays
    found = _Half(np.zeros(1, dtype=np.int64), np.ones(1), np.zeros(1), np.zeros(1), np.zeros(1), 0.0)
    for j in group:
        mean = prob[j] * size
        reach = _HALF_RADIUS * math.sqrt(mean) + 30
        count = np.arange(max(0, math.floor(mean - reach)), min(size, math.ceil(mean + reach)) + 1)
        mass = np.exp(count * math.log(mean) - mean - gammaln(count + 1))
        joint = np.multiply.outer(found.mass, mass)
        heavy = joint > 1e-19 * joint.max()
        old, new = np.nonzero(heavy)
        k = count[new]
        found = _Half(
            found.total[old] + k,
            joint[old, new],
            found.y[old] + (k - mean) * surprisal[j],
            found.x[old] + (k - mean) * log_prior[j],
            found.spread[old] + k * spread[j],
            found.dropped + float(joint[~heavy].sum()),
        )
    return found


# --- the lattice law ----------------------------------------------------------------------------------------------


def by_lattice(law: Atoms, size: int, epsilon: fmpq) -> Window:
    """Sum the law of the total surprisal where the atoms are integer steps of one number.

    With P(z) = sum p_j z^{n_j}, Q = sum p_j l_j z^{n_j}, Q2 = sum p_j (l_j^2 + v_j) z^{n_j}, the coefficients of P^N,
    N Q P^{N-1} and N Q2 P^{N-1} + N (N-1) Q^2 P^{N-2} are the mass, E[x; S] and E[x^2; S] at each total S.

    Raises:
        ValueError: the atoms are on no lattice.
    """
    if law.steps is None:
        raise ValueError("the atoms lie on no lattice; use by_multinomial or by_inversion")
    steps, step = law.steps

    def polynomial(values: Array) -> arb_poly:
        coefficients = [arb(0)] * (max(steps) + 1)
        for n, value in zip(steps, values, strict=True):
            coefficients[n] += value
        return arb_poly(coefficients)

    p = polynomial(law.prob)
    q = polynomial(law.prob * law.log_prior)
    q2 = polynomial(law.prob * (law.log_prior * law.log_prior + law.spread))
    base = p ** (size - 2) if size >= 2 else arb_poly([0])
    previous = base * p if size >= 2 else arb_poly([1])
    mass, first, second = previous * p, q * previous * size, q2 * previous * size + q * q * base * (size * (size - 1))
    origin = (law.surprisal[0] - step * steps[0]) * size
    low, high = _lattice_bounds(law, size, epsilon)
    sums = [arb(0) for _ in range(6)]
    for s in range(max(low, 0), min(high, max(steps) * size) + 1):
        y = origin + step * s
        m, x = mass[s], first[s]
        for place, term in enumerate((m, x, y * m, second[s], y * x, y * y * m)):
            sums[place] += term
    return Window(tuple(sums), "lattice")


def by_lattice_transform(law: Atoms, size: int, epsilon: fmpq) -> Window:
    """The lattice law in float64 for any N: P(S = s) from phi at M equidistant angles, exact up to folding mod M.

    M spans 60 standard deviations of the total, whose tails beyond are far below rounding.

    Raises:
        ValueError: the atoms lie on no lattice.
    """
    if law.steps is None:
        raise ValueError("the atoms lie on no lattice; use by_multinomial or by_inversion")
    arrays = [floats(v) for v in (law.prob, law.surprisal, law.log_prior, law.spread)]
    arrays[0] /= arrays[0].sum()
    steps = np.array(law.steps[0], dtype=np.float64)
    mean = float(arrays[0] @ steps)
    deviation = math.sqrt(float(arrays[0] @ (steps - mean) ** 2) * size)
    points = 1 << max(10, math.ceil(math.log2(60 * deviation)))
    angle = 2 * math.pi * np.fft.fftfreq(points)
    centre = round(mean * size)
    rows = np.concatenate(
        [_transforms(arrays, np.outer(steps - mean, part), size) for part in np.array_split(angle, 1 + points // 8192)],
        axis=1,
    )
    # a real S - N mean has its mass at whole S: turn to the nearest one, then the transform is a plain FFT
    masses = np.fft.fft(rows * np.exp(-1j * angle * (centre - mean * size)), axis=1).real / points
    low, high = _lattice_bounds(law, size, epsilon)
    total = np.arange(max(low, centre - points // 2, 0), min(high, centre + points // 2 - 1) + 1) - centre
    return Window(tuple(float(m[total].sum()) for m in masses), "lattice, float64", error=1e-12)


def _lattice_bounds(law: Atoms, size: int, epsilon: fmpq) -> tuple[int, int]:
    """The least and largest total of steps that is typical."""
    assert law.steps is not None
    steps, step = law.steps
    origin = (law.surprisal[0] - step * steps[0]) * size
    limit = ball(epsilon) * size
    bounds = [(-limit - origin) / step, (limit - origin) / step]
    if step < 0:
        bounds.reverse()
    return floor_of(bounds[0]) + 1, -floor_of(-bounds[1]) - 1


# --- all corpora --------------------------------------------------------------------------------------------------


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


# --- inversion ----------------------------------------------------------------------------------------------------


def by_inversion(law: Atoms, size: int, epsilon: fmpq, *, digits: float = 1e-17) -> Window:
    """Invert the characteristic function of the corpus mean: P(|X| < e) = (1/pi) int phi(u)^N sin(u e) / u du.

    The trapezoid rule with step h folds X at 2 pi / h, exact up to the tail beyond; the integral stops where
    |phi|^N < ``digits``. The error is an estimate, not a bound: the change under a halved step and a doubled range,
    plus what |phi|^N contributes where it returns within 32 times that range, plus the grain of the law (100 over the
    effective number of count vectors), which a smooth inversion cannot see. It presumes atoms in general position.

    Raises:
        Undecided: |phi|^N does not become small, or the error exceeds 1e-5.
    """
    arrays = [floats(v) for v in (law.prob, law.surprisal, law.log_prior, law.spread)]
    arrays[0] /= arrays[0].sum()
    coarse = _invert(arrays, size, to_float(epsilon), digits, refine=1)
    fine = _invert(arrays, size, to_float(epsilon), digits, refine=2)
    error = abs(coarse[0] - fine[0]) + fine[6] + _graininess(law, size) + 1e-14
    if error > _LARGEST_ERROR:
        raise Undecided(f"inversion with {len(law)} atoms at N = {size} has an error near {error:.1g}")
    return Window(tuple(fine[:6]), "inversion", error=float(error))


def _graininess(law: Atoms, size: int) -> float:
    """100 / K, log K the entropy of the atom counts: (1/2) log((2 pi e N)^{m-1} prod p), at most m log-masses each."""
    entropies = (max(0.0, 0.5 * math.log(2 * math.pi * math.e * size * to_float(p))) for p in law.prob)
    return 100 * math.exp(min(0.5 * math.log(2 * math.pi * math.e * size) - sum(entropies), 0.0))


def _invert(arrays: Sequence[Floats], size: int, epsilon: float, digits: float, refine: int) -> list[float]:
    """The six sums, and the absolute contribution of the frequencies beyond."""
    prob, surprisal = arrays[0], arrays[1]
    deviation = math.sqrt(float(prob @ surprisal**2) / size)
    spacing = 2 * math.pi / (refine * (2 * epsilon + 30 * deviation))
    block, quiet, start = 64, 0, 1
    totals = _frequency_terms(arrays, size, np.zeros(1), epsilon)[0] / 2
    while quiet < refine:
        if start > _MOST_FREQUENCIES:
            raise Undecided(f"the characteristic function does not decay with {len(prob)} atoms at N = {size}")
        terms, peak = _frequency_terms(arrays, size, np.arange(start, start + block) * spacing, epsilon)
        totals += terms
        quiet = quiet + 1 if peak < digits else 0
        start += block
    scale = 2 / math.pi
    returning = 0.0
    if refine > 1:
        coarse = 0.5 / deviation  # half the width of the bell that |phi|^N draws around each return
        u = np.arange(start * spacing, min(_SCAN * start * spacing, _SCAN_LENGTH * coarse), coarse)
        for part in np.array_split(u, 1 + len(u) * len(prob) // 4_000_000):
            returning += coarse * float((np.abs(_characteristic(prob, surprisal, part / size)) ** size / part).sum())
    return [*(float(t) * spacing * scale for t in totals), returning * scale]


def _characteristic(prob: Floats, surprisal: Floats, u: Floats) -> Any:
    """phi(u) = E e^{iu(I - H)}."""
    angle = np.outer(surprisal, u)
    return prob @ np.cos(angle) + 1j * (prob @ np.sin(angle))


def _frequency_terms(arrays: Sequence[Floats], size: int, u: Floats, epsilon: float) -> tuple[Floats, float]:
    """Sums over the frequencies u of Re(E[f e^{iuX}]) sin(u eps) / u for the six f, and the largest |phi|^N."""
    rows = _transforms(arrays, np.outer(arrays[1], u / size), size)
    window = np.where(u == 0, epsilon, np.sin(u * epsilon) / np.where(u == 0, 1, u))
    return (rows.real * window).sum(axis=1), float(np.abs(rows[0]).max())


def _transforms(arrays: Sequence[Floats], angle: Floats, size: int) -> Any:
    """E[f e^{i (angle_1 + ... + angle_N)}] for f = 1, x, y, x^2, xy, y^2, from each atom's angle; shape (6, K).

    x and y are sums of N independent terms: E[x e] = N f_x phi^{N-1}, E[x^2 e] = N f_xx phi^{N-1} + N (N-1) f_x^2
    phi^{N-2}, with f_x = E[l e^{i angle}].
    """
    prob, surprisal, log_prior, spread = arrays
    one = np.ones_like(prob)
    values = prob * np.stack((one, log_prior, surprisal, log_prior**2 + spread, log_prior * surprisal, surprisal**2))
    # e^{it} = 1 + (e^{it} - 1), the bracket without cancellation: phi^N then keeps its mass at any N
    turned = values @ (-2 * np.sin(angle / 2) ** 2) + 1j * (values @ np.sin(angle))
    bulk = np.exp(max(size - 2, 0) * np.log1p(turned[0]))
    phi, f_x, f_y, f_xx, f_xy, f_yy = turned + values.sum(axis=1)[:, None]
    lower, whole = (bulk * phi, bulk * phi * phi) if size >= 2 else (np.ones_like(phi), phi)
    pair = bulk * (size * (size - 1))
    return np.stack(
        (
            whole,
            size * f_x * lower,
            size * f_y * lower,
            size * f_xx * lower + pair * f_x * f_x,
            size * f_xy * lower + pair * f_x * f_y,
            size * f_yy * lower + pair * f_y * f_y,
        )
    )


# --- the limit ----------------------------------------------------------------------------------------------------


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
