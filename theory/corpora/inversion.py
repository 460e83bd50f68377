"""Typical corpora by inversion of a characteristic function."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from theory.arithmetic.exact import Undecided, floats, to_float
from theory.corpora.atoms import Atoms, Floats, Window

Complexes = NDArray[np.complex128]

_SCAN, _SCAN_LENGTH = 32, 20_000


_MOST_FREQUENCIES = 1 << 13


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
    arrays = [floats(v) for v in (law.prob, law.surprisal, law.log_prior, law.spread)]
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
    coarse = _invert(measure, size, epsilon, digits, refine=1)
    fine = _invert(measure, size, epsilon, digits, refine=2)
    error = abs(coarse[0] - fine[0]) + fine[6] + grain + 1e-14
    if not error <= LARGEST_ERROR:
        atoms = len(measure.surprisal)
        raise Undecided(f"inversion with {atoms} atoms at N = {size} has an error near {error:.1g}")
    return fine[:6], float(error)


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


def _invert(measure: Measure, size: int, epsilon: float, digits: float, refine: int) -> list[float]:
    """The six sums, and the absolute contribution of the frequencies beyond."""
    prob, surprisal = measure.values[0], measure.surprisal
    deviation = math.sqrt(float(measure.values[5].sum()) / size)
    spacing = 2 * math.pi / (refine * (2 * epsilon + 30 * deviation))
    block, quiet, start = 64, 0, 1
    totals = _frequency_terms(measure, size, np.zeros(1), epsilon)[0] / 2
    while quiet < refine:
        if start > _MOST_FREQUENCIES:
            raise Undecided(f"the characteristic function does not decay with {len(prob)} atoms at N = {size}")
        terms, peak = _frequency_terms(measure, size, np.arange(start, start + block) * spacing, epsilon)
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


def _characteristic(prob: Floats, surprisal: Floats, u: Floats) -> Complexes:
    """phi(u) = E e^{iu(I - H)}."""
    angle = np.outer(surprisal, u)
    return prob @ np.cos(angle) + 1j * (prob @ np.sin(angle))


def _frequency_terms(measure: Measure, size: int, u: Floats, epsilon: float) -> tuple[Floats, float]:
    """Sums over the frequencies u of Re(E[f e^{iuX}]) sin(u eps) / u for the six f, and the largest |phi|^N."""
    rows = transforms(measure.values, np.outer(measure.surprisal, u / size), size)
    window = np.where(u == 0, epsilon, np.sin(u * epsilon) / np.where(u == 0, 1, u))
    return (rows.real * window).sum(axis=1), float(np.abs(rows[0]).max())


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
