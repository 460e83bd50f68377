"""Typical corpora summed over the counts of their strings: whole, or in two halves."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from flint import arb, fmpq
from numpy.typing import NDArray

from theory.arithmetic.exact import Array, Real, Undecided, ball, floor_of, objects, to_float, widen
from theory.corpora.atoms import Atoms, Floats, Window
from theory.corpora.inversion import LARGEST_ERROR

_TAIL_BITS = 170


_MANY = 64
"""Atoms beyond which the cost of summing over their counts is estimated in float64."""

MOST_HALF_ATOMS = 24
"""Beyond so many no law is summed by halves."""


def _count_ranges(law: Atoms, size: int) -> Iterator[tuple[int, int]]:
    """For each atom, counts outside of which the binomial law has mass below 2^-170 (Chernoff)."""
    for p, rest in zip(law.prob, law.others(), strict=True):
        yield _count_range(to_float(p), to_float(rest), size)


def _rounded_ranges(law: Atoms, size: int) -> Iterator[tuple[int, int]]:
    """``_count_ranges`` of many atoms, with the others' mass summed in float64: an estimate."""
    prob = law.floats()[0]
    before, after = np.cumsum(prob) - prob, np.cumsum(prob[::-1])[::-1] - prob
    for p, rest in zip(prob.tolist(), np.maximum(before + after, 0).tolist(), strict=True):
        yield _count_range(p, rest, size)


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


def multinomial_cost(law: Atoms, size: int, most: int | None = None) -> tuple[int, int, int]:
    """(terms summed, outer count vectors, counts of the widest atom) of ``by_multinomial``.

    With more than ``most`` count vectors of some of the atoms, the numbers are those of these atoms: lower bounds.
    """
    widths: list[int] = []
    few, widest = 1, [1, 1]
    for low, high in _rounded_ranges(law, size) if len(law) > _MANY else _count_ranges(law, size):
        widths.append(high - low + 1)
        *less, one, two = sorted((*widest, widths[-1]))
        few, widest = few * less[0], [one, two]
        if most is not None and few > most:
            break
    widths.sort()
    outer = math.prod(widths[:-2])
    totals = min(size + 1, 1 + sum(width - 1 for width in widths[:-2]))
    return totals * widths[-2], outer, widths[-1]


def by_multinomial(law: Atoms, size: int, epsilon: fmpq) -> Window:
    """Sum the multinomial law of the atom counts over the typical counts.

    The multinomial is a product of Poisson laws given their total. The two widest atoms are summed by cumulative
    sums, the others enumerated; counts with mass below 2^-170 are left out and their bound goes into the radius.
    """
    ranges = list(_count_ranges(law, size))
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
    bound, factors = _outside_bound(law, size, ranges), law.reach(size)
    return Window(tuple(widen(s / total, bound * f) for s, f in zip(sums, factors, strict=True)), "multinomial")


class _PairSums:
    """Cumulative sums of t_a[k] t_b[M - k] times 1, k, k^2 over k, for each total M; remembered per M."""

    def __init__(self, first: Array, second: Array, first_low: int, second_low: int) -> None:
        self._first, self._second = first, second
        self._first_low, self._second_low = first_low, second_low
        self._known: dict[int, list[Array]] = {}

    def between(self, total: int, low: int, high: int) -> list[Real] | None:
        """The three sums over low <= k <= high; None where no k is possible."""
        start = max(self._first_low, total - (self._second_low + len(self._second) - 1))
        end = min(self._first_low + len(self._first) - 1, total - self._second_low)
        first, last = max(low - start, 0), min(high, end) - start
        if first > last:
            return None
        sums = self._known.get(total)
        if sums is None or last >= len(sums[0]):
            # as far as is asked for; all of it where a second window of the same total reaches further
            sums = self._known[total] = self._cumulate(total, start, start + last if sums is None else end)
        return [s[last] - s[first - 1] if first else s[last] for s in sums]

    def _cumulate(self, total: int, low: int, high: int) -> list[Array]:
        """The sums over low <= k <= each of low, ..., high."""
        left = self._first[low - self._first_low : high - self._first_low + 1]
        right = self._second[total - high - self._second_low : total - low - self._second_low + 1][::-1]
        term = left * right
        count = np.arange(low, high + 1).astype(object)
        sums = [term]
        for _ in range(2):
            sums.append(sums[-1] * count)
        return [np.add.accumulate(s) for s in sums]


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
    for p, rest, (low, high) in zip(law.prob, law.others(), ranges, strict=True):
        for count in (low - 1, high + 1):
            if 0 <= count <= size:
                x = arb(count) / size
                exponent = x * (x / p).log() if count > 0 else arb(0)
                if count < size:
                    exponent += (1 - x) * ((1 - x) / rest).log()
                total += (-exponent * size).exp()
    return total


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


def half_sizes(law: Atoms, size: int) -> tuple[tuple[list[int], list[int]], float]:
    """Two groups of atoms with about equally many count vectors, and the larger of the two numbers."""
    deviation = [math.sqrt(size * to_float(p)) for p in law.prob]
    groups: tuple[list[int], list[int]] = ([], [])
    volumes, extents = [0.0, 0.0], [0.0, 0.0]
    for j in sorted(range(len(law)), key=lambda j: -deviation[j]):
        side = 0 if volumes[0] <= volumes[1] else 1
        groups[side].append(j)
        d = len(groups[side])
        sphere = d / 2 * math.log(math.pi) - math.lgamma(d / 2 + 1) + d * math.log(_HALF_RADIUS)
        extents[side] += math.log(max(deviation[j], 0.5))
        volumes[side] = max(volumes[side], sphere + extents[side])
    return groups, math.exp(max(volumes)) if len(law) <= MOST_HALF_ATOMS else math.inf


def by_halves(law: Atoms, size: int, epsilon: fmpq) -> Window:
    """The multinomial law in float64: list the counts of each half of the atoms, then meet in the middle.

    For every total of the first half, the typical partners are an interval in y of the second half, found by
    bisection and summed by cumulative sums. Counts of mass below 1e-19 of the largest are left out; the error holds
    what is left out, what lies within 1e-9 of the edge of the band, and rounding, which grows with the deviation of the
    counts (by which the rounding of a mean N p is multiplied) and with the length of the cumulative sums.

    Raises:
        Undecided: the error is too large to say anything.
    """
    arrays = law.floats()
    groups, _ = half_sizes(law, size)
    first, second = (_half(arrays, group, size).sorted() for group in groups)
    limit = to_float(epsilon) * size
    sums, edge, longest = np.zeros(6), 0.0, 0
    for total in np.unique(first.total):
        low, high = np.searchsorted(second.total, (size - total, size - total + 1))
        if low == high:
            continue
        longest = max(longest, int(high - low))
        mine = slice(*np.searchsorted(first.total, (total, total + 1)))
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
    rounding = (256 + 16 * len(law) * (8 + math.sqrt(size)) + longest) * 2.0**-53
    error = scale * (edge + first.dropped + second.dropped) + rounding
    if error > LARGEST_ERROR:
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
        mass = _poisson_masses(mean, count)
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


_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188)


def _poisson_masses(mean: float, count: NDArray[np.int64]) -> Floats:
    """e^-m m^k / k! in float64, right to a few units in the last place times |k - m|.

    With k! = sqrt(2 pi k) k^k e^{-k + s(k)}, s the rest of Stirling's series, the mass is
    e^{-s(k) - d(k)} / sqrt(2 pi k) with the deviance d = k log(k / m) - k + m >= 0, whose terms of the size of k log k
    cancel on paper (Loader 2000) and not in float64, where they cost N log N units in the last place.
    """
    k = count.astype(np.float64)
    positive = np.maximum(k, 1.0)
    low = np.minimum(positive, 16.0)
    tabulated = scipy.special.gammaln(low + 1) - (low + 0.5) * np.log(low) + low - 0.5 * math.log(2 * math.pi)
    series = sum(c / positive ** (2 * n + 1) for n, c in enumerate(_STIRLING))
    rest = np.where(positive > 16, series, tabulated)
    mass: Floats = np.exp(-rest - _deviance(positive, mean)) / np.sqrt(2 * math.pi * positive)
    return np.where(k == 0, math.exp(-mean), mass)


def _deviance(k: Floats, mean: float) -> Floats:
    """k log(k / m) - k + m: near m by its series in v = (k - m) / (k + m), (k - m) v + 2 k sum v^{2j+1} / (2j + 1)."""
    v = (k - mean) / (k + mean)
    near = np.abs(v) < 0.1
    w = np.where(near, v, 0.0)
    series = (k - mean) * w + 2 * k * sum(w ** (2 * j + 1) / (2 * j + 1) for j in range(1, 12))
    far = k * np.log(k / mean) - k + mean
    result: Floats = np.where(near, series, far)
    return result
