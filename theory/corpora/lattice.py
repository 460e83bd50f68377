"""Typical corpora where surprisals are integer steps of one number."""

from __future__ import annotations

import math

import numpy as np
from flint import arb, arb_poly, fmpq

from theory.arithmetic.exact import Array, ball, floats, floor_of, objects, to_float
from theory.corpora.atoms import Atoms, Window
from theory.corpora.inversion import atom_values, transforms

_ANGLES = 8192


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


def transform_points(law: Atoms, size: int) -> float:
    """How many angles ``by_lattice_transform`` takes; infinite where the atoms are on no lattice."""
    if law.steps is None:
        return math.inf
    steps = objects(fmpq(n) for n in law.steps[0])
    mean = (law.prob * steps).sum()
    variance = to_float((law.prob * (steps - mean) * (steps - mean)).sum())
    deviation = math.sqrt(variance * size)
    return float(1 << max(10, math.ceil(math.log2(60 * deviation)))) if 0 < deviation < math.inf else math.inf


def by_lattice_transform(law: Atoms, size: int, epsilon: fmpq) -> Window:
    """The lattice law in float64 for any N: P(S = s) from phi at M equidistant angles, exact up to folding mod M.

    M spans 60 standard deviations of the total, whose tails beyond are far below rounding. The sum over the typical s
    is a geometric one at each angle, so that no array of length M is kept. The steps are measured from a number of few
    bits next to their mean: what they are measured from then cancels without rounding, however large N is.

    Raises:
        ValueError: the atoms lie on no lattice.
    """
    if law.steps is None:
        raise ValueError("the atoms lie on no lattice; use by_multinomial or by_inversion")
    arrays = law.floats()
    arrays[0] /= arrays[0].sum()
    values = atom_values(arrays)
    mean = (law.prob * objects(fmpq(n) for n in law.steps[0])).sum()
    origin = fmpq(round(to_float(mean) * (1 << 20)), 1 << 20)
    steps = floats(objects(n - origin for n in law.steps[0]))
    points = int(transform_points(law, size))
    low, high = _lattice_bounds(law, size, epsilon)
    centre = round(to_float(mean * size))
    low, high = max(low, centre - points // 2, 0), min(high, centre + points // 2 - 1)
    count = high - low + 1
    if count <= 0:
        return Window((0.0,) * 6, "lattice, float64", error=1e-15)
    shift = to_float(fmpq(low + high, 2) - size * origin)
    sums = np.zeros(6)
    for first in range(0, points // 2 + 1, _ANGLES):
        angle = 2 * math.pi / points * np.arange(first, min(first + _ANGLES, points // 2 + 1))
        kernel = np.full(len(angle), float(count))
        inner = angle > 0
        kernel[inner] = np.sin(angle[inner] * (count / 2)) / np.sin(angle[inner] / 2)
        kernel *= np.where(inner & (angle < math.pi), 2.0, 1.0)  # minus the angle gives the conjugate
        sums += (transforms(values, np.outer(steps, angle), size) * np.exp(-1j * angle * shift)).real @ kernel
    spread = math.sqrt(float(arrays[0] @ (steps - to_float(mean - origin)) ** 2))
    rounding = 1e-13 + 64 * 2.0**-53 * math.sqrt(size) * (1 + float(np.abs(steps).max()) / spread)
    return Window(tuple(float(v) / points for v in sums), "lattice, float64", error=rounding)


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
