"""Typical corpora by inversion of a characteristic function."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from theory.arithmetic.exact import Undecided, to_float
from theory.corpora.atoms import Atoms, Floats, Window

Complexes = NDArray[np.complex128]

_SCAN, _SCAN_LENGTH = 32, 20_000

_MOST_FREQUENCIES = 1 << 13

_HALF = 32
"""Multiples of the least frequency that are tabulated."""

_ENTRIES = 1 << 17
"""Complex numbers held at a time: a processor's cache holds them too."""

LARGEST_ERROR = 1e-5


def by_inversion(law: Atoms, size: int, epsilon: fmpq, *, digits: float = 1e-17) -> Window:
    """Invert the characteristic function of the corpus mean: P(|X| < e) = (1/pi) int phi(u)^N sin(u e) / u du.

    With P(|X| = e) > 0 the integral counts half of that; an irrational edge is needed for it where p+ is rational.
    The trapezoid rule with step h folds X at 2 pi / h, exact up to the tail beyond; the integral stops where
    |phi|^N < ``digits``. The error is an estimate, not a bound: the change under a halved step and a doubled range,
    plus what |phi|^N contributes where it returns within 32 times that range, plus the grain of the law (100 over the
    effective number of count vectors), which a smooth inversion cannot see. It presumes atoms in general position.

    Raises:
        Undecided: |phi|^N does not become small, or the error exceeds 1e-5.
    """
    arrays = law.floats()
    arrays[0] /= arrays[0].sum()
    grain = graininess(arrays[0], size)
    sums, error = inverted(Measure(arrays[1], atom_values(arrays)), size, to_float(epsilon), digits, grain)
    return Window(tuple(sums), "inversion", error=error)


@dataclass(frozen=True, slots=True, eq=False)
class Measure:
    """One string's law as the inversion sees it; its masses may be signed.

    Args:
        surprisal: I - H, shape (m,), nats.
        values: the masses of 1, x, y, x^2, xy and y^2 at each of these, x = L - E L and y = I - H; shape (6, m).
    """

    surprisal: Floats
    values: Floats


def inverted(measure: Measure, size: int, epsilon: float, digits: float, grain: float) -> tuple[list[float], float]:
    """The six sums over typical corpora, and the estimate of the error of the first, to which ``grain`` is added.

    Raises:
        Undecided: |phi|^N does not become small, or the error exceeds 1e-5.
    """
    rule = _trapezoid(measure, size, epsilon, digits)
    error = abs(rule.coarse - rule.sums[0]) + _returning(measure, size, rule.end) + grain + 1e-14
    if not error <= LARGEST_ERROR:
        atoms = len(measure.surprisal)
        raise Undecided(f"inversion with {atoms} atoms at N = {size} has an error near {error:.1g}")
    return rule.sums, float(error)


def line_mass(law: Atoms, size: int) -> float:
    """d / sqrt(2 pi V N): about the largest mass of one total where the atoms lie on a lattice of step d; else 0."""
    if law.steps is None:
        return 0.0
    variance = to_float((law.prob * law.surprisal * law.surprisal).sum())
    return abs(to_float(law.steps[1])) / math.sqrt(2 * math.pi * variance * size)


def graininess(prob: Floats, size: int) -> float:
    """100 / K, log K the entropy of the atom counts: (1/2) log((2 pi e N)^{m-1} prod p), at most m log-masses each."""
    entropies = np.maximum(0.0, 0.5 * np.log(2 * math.pi * math.e * size * np.maximum(prob, 1e-300))).sum()
    return 100 * math.exp(min(0.5 * math.log(2 * math.pi * math.e * size) - float(entropies), 0.0))


@dataclass(frozen=True, slots=True)
class _Rule:
    """The six sums, the first of them with twice the step over half the range, and the frequency where terms end."""

    sums: list[float]
    coarse: float
    end: float


def _deviation(measure: Measure, size: int) -> float:
    """Of the total surprisal of N strings, over N."""
    return math.sqrt(float(measure.values[5].sum()) / size)


def _trapezoid(measure: Measure, size: int, epsilon: float, digits: float) -> _Rule:
    """The trapezoid rule to the second block of frequencies in turn without a term.

    The rule of twice the step takes every other term, to its own first block without one.
    """
    spacing = 2 * math.pi / (2 * (2 * epsilon + 30 * _deviation(measure, size)))
    block, quiet, start = 2 * _HALF, 0, 1
    multiples = Multiples.of(measure, spacing / size)
    first, _ = _frequency_terms(np.zeros((6, 1), dtype=np.complex128), measure, size, np.zeros(1), epsilon)
    totals = first.sum(axis=1) / 2
    mass, peaks = [], []
    while quiet < 2:
        if start > _MOST_FREQUENCIES:
            atoms = len(measure.surprisal)
            raise Undecided(f"the characteristic function does not decay with {atoms} atoms at N = {size}")
        u = np.arange(start, start + block) * spacing
        terms, peak = _frequency_terms(multiples.around(start + _HALF), measure, size, u, epsilon)
        totals += terms.sum(axis=1)
        mass.append(terms[0])
        peaks.append(peak)
        quiet = quiet + 1 if float(peak.max()) < digits else 0
        start += block
    every_other, peak = np.concatenate(mass)[1::2], np.concatenate(peaks)[1::2]
    ends = (k + block for k in range(0, len(peak), block) if float(peak[k : k + block].max()) < digits)
    coarse = float(first[0, 0]) / 2 + float(every_other[: next(ends, None)].sum())
    scale = 2 / math.pi
    return _Rule([float(t) * spacing * scale for t in totals], coarse * 2 * spacing * scale, start * spacing)


def _returning(measure: Measure, size: int, end: float) -> float:
    """(2/pi) int |phi|^N / u du from ``end`` to at most 32 times that: what terms beyond the rule's last could add."""
    coarse = 0.5 / _deviation(measure, size)  # half the width of the bell that |phi|^N draws around each return
    u = np.arange(end, min(_SCAN * end, _SCAN_LENGTH * coarse), coarse)
    prob, surprisal = measure.values[0], measure.surprisal
    phi, error = equispaced_transform(prob, surprisal, end / size, coarse / size, len(u))
    height = np.minimum(np.abs(phi) + error, 1) ** size
    return coarse * float((height / u).sum()) * 2 / math.pi


def equispaced_transform(
    prob: Floats, surprisal: Floats, start: float, step: float, count: int
) -> tuple[Complexes, float]:
    """phi(t_k) = sum_j p_j e^{i t_k x_j} at t_k = start + k step for 0 <= k < count, and a bound of its error.

    With k = aB + h + b, B = 2h + 1 near sqrt(count) and |b| <= h, e^{i t_k x} = e^{i c_a x} (cos bsx + i sin bsx)
    with c_a = start + (aB + h) s and s = step: the sums over j are two products of real matrices. Rows are powers by
    doubling, e^{i (h + n) s x} = e^{i h s x} e^{i n s x}: some log2(count) sines and cosines a string instead of
    ``count``. Cost: O(m count) multiplications.

    Rounding, with eta = 2^-53, m strings, mass S = sum |p_j| and largest angle A: an angle has three roundings (A is
    that of a whole product, so all its angles are off by 3 eta A), a sine or cosine is off by 4 units of the last
    place, 6 eta for both, a product by 3 eta (Higham 2002, lemma 3.5), a sum of m products by (m + 4) eta, the last
    sum or difference by eta. With L = log2(count) + 2 factors the error is below S (3 A + 9 L + m + 10) eta to first
    order; twice that is returned. Errors below 1e-300 are not counted.

    Args:
        prob: p, may be signed, shape (m,).
        surprisal: x, shape (m,).
        start: t_0 >= 0.
        step: > 0.
        count: number of frequencies, >= 1.
    """
    half = math.isqrt(count) // 2
    columns = 2 * half + 1
    rows = -(-count // columns)
    found = np.zeros((rows, columns), dtype=np.complex128)
    strings = max(1, _ENTRIES // (rows + columns))
    for first in range(0, len(prob), strings):
        x = surprisal[first : first + strings]
        weight = prob[first : first + strings] * _rotation((start + half * step) * x)
        centre = _powers(columns * step, x, rows) * weight
        parts = np.concatenate((centre.real, centre.imag))
        around = _powers(step, x, half + 1)[1:]
        even, odd = (parts @ table.T for table in (around.real.copy(), around.imag.copy()))
        even, odd = (sums[:rows] + 1j * sums[rows:] for sums in (even, odd))
        found += np.column_stack(((even - 1j * odd)[:, ::-1], centre.sum(axis=1), even + 1j * odd))
    angle = float(np.abs(surprisal).max()) * (start + rows * columns * step)
    factors = math.log2(rows * columns) + 4
    error = float(np.abs(prob).sum()) * (3 * angle + 9 * factors + len(prob) + 10) * 2.0**-52
    return found.ravel()[:count], error


def _rotation(angle: Floats) -> Complexes:
    """e^{i angle}."""
    turned = np.empty(angle.shape, dtype=np.complex128)
    turned.real, turned.imag = np.cos(angle), np.sin(angle)
    return turned


def _powers(step: float, x: Floats, count: int) -> Complexes:
    """e^{i k step x} for 0 <= k < count, by doubling; shape (count, m)."""
    powers = np.ones((count, len(x)), dtype=np.complex128)
    known = 1
    while known < count:
        more = min(known, count - known)
        np.multiply(powers[:more], _rotation(known * step * x), out=powers[known : known + more])
        known += more
    return powers


@dataclass(frozen=True, slots=True, eq=False)
class Multiples:
    """sum_j v_j (e^{i k t_j} - 1) at 64 whole k at a time, for the angles t_j of one step of the frequency.

    With e^{i (c +- b) t} = e^{i c t} (cos bt +- i sin bt) the cosines and sines of b = 1, ..., 32 are tabulated once,
    by doubling, and 64 frequencies around c cost one sine a string, two of half the angle, and two products of real
    matrices. 1 is left out of all of them, as in ``transforms``: z_{a+b} = z_a + z_b + z_a z_b for z_k = e^{ikt} - 1.

    Args:
        values: v, the masses of 1, x, y, x^2, xy and y^2 at each string; shape (6, m).
        angle: t, shape (m,).
        cosine: cos bt - 1, shape (32, m).
        sine: sin bt, shape (32, m).
    """

    values: Floats
    angle: Floats
    cosine: Floats
    sine: Floats

    @staticmethod
    def of(measure: Measure, step: float) -> Multiples:
        """For the frequencies k ``step``."""
        angle = measure.surprisal * step
        cosine, sine = np.empty((2, _HALF, len(angle)))
        cosine[0], sine[0] = -2 * np.sin(angle / 2) ** 2, np.sin(angle)
        known = 1
        while known < _HALF:
            c, s = cosine[:known], sine[:known]
            last_c, last_s = cosine[known - 1], sine[known - 1]
            cosine[known : 2 * known] = c + last_c + c * last_c - s * last_s
            sine[known : 2 * known] = s + last_s + c * last_s + s * last_c
            known *= 2
        return Multiples(measure.values, angle, cosine, sine)

    def around(self, centre: int) -> Complexes:
        """The sums at k = centre - 32, ..., centre + 31; shape (6, 64)."""
        c, s = -2 * np.sin(centre * self.angle / 2) ** 2, np.sin(centre * self.angle)
        turned = np.concatenate((self.values * (1 + c), self.values * s))
        at_centre = self.values @ c + 1j * (self.values @ s)
        even, odd = (rows[:6] + 1j * rows[6:] for rows in (turned @ self.cosine.T, turned @ self.sine.T))
        below, above = (at_centre[:, None] + even + side * odd for side in (-1j, 1j))
        return np.column_stack((below[:, ::-1], at_centre, above[:, :-1]))


def _frequency_terms(
    turned: Complexes, measure: Measure, size: int, u: Floats, epsilon: float
) -> tuple[Floats, Floats]:
    """Re(E[f e^{iuX}]) sin(u eps) / u at the frequencies u for the six f, shape (6, K), and |phi|^N there."""
    rows = powers(measure.values, turned, size)
    window = np.where(u == 0, epsilon, np.sin(u * epsilon) / np.where(u == 0, 1, u))
    return rows.real * window, np.abs(rows[0])


def atom_values(arrays: Sequence[Floats]) -> Floats:
    """The masses of 1, x, y, x^2, xy and y^2 at each atom, from its prob, surprisal, log_prior and spread; (6, m)."""
    prob, surprisal, log_prior, spread = arrays
    one = np.ones_like(prob)
    return prob * np.stack((one, log_prior, surprisal, log_prior**2 + spread, log_prior * surprisal, surprisal**2))


def transforms(values: Floats, angle: Floats, size: int) -> Complexes:
    """E[f e^{i (angle_1 + ... + angle_N)}] for f = 1, x, y, x^2, xy, y^2, from each atom's angle; shape (6, K).

    ``values`` are the masses of these at each atom, shape (6, m).

    x and y are sums of N independent terms: E[x e] = N f_x phi^{N-1}, E[x^2 e] = N f_xx phi^{N-1} + N (N-1) f_x^2
    phi^{N-2}, with f_x = E[l e^{i angle}].
    """
    # e^{it} = 1 + (e^{it} - 1), the bracket without cancellation: phi^N then keeps its mass at any N
    return powers(values, values @ (-2 * np.sin(angle / 2) ** 2) + 1j * (values @ np.sin(angle)), size)


def powers(values: Floats, turned: Complexes, size: int) -> Complexes:
    """``transforms`` from the six sums of v (e^{i angle} - 1) over the atoms, shape (6, K)."""
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
