"""Typical corpora where surprisals are integer steps of one number."""

from __future__ import annotations

import math

import numpy as np
from flint import arb, arb_poly, fmpq

from theory.arithmetic.exact import Array, ball, floats, floor_of
from theory.corpora.atoms import Atoms, Window
from theory.corpora.inversion import transforms


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
        [transforms(arrays, np.outer(steps - mean, part), size) for part in np.array_split(angle, 1 + points // 8192)],
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
