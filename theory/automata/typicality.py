"""Corpora of N strings of an automaton: P(|Ibar - H| < eps) and Corr(Lbar, Rbar | typical) from path sums.

phi(u) = E e^{iu(I - H)} is log Z at a complex argument: a sum over paths with complex weights, one linear system per
frequency, and its derivatives give E[x e^{iuX}] and E[x^2 e^{iuX}] for x = L - E L. Three routes:

- finitely many strings: the exact sums of ``theory.corpora.typicality``, certified;
- I on a lattice of up to three dimensions (sums of few logarithms): a discrete Fourier transform over the lattice,
  whose points are then summed one by one;
- else Gil-Pelaez inversion of phi^N.

The last two are float64 with an estimate of the error, and give no ball.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from flint import arb, fmpq, fmpq_mat, fmpz_mat
from numpy.typing import NDArray

from theory.arithmetic.exact import Undecided, balls, floats, objects, to_float
from theory.arithmetic.formal import prime_exponents
from theory.automata.adaptors import AlignedAutomaton, string_count, unrolled
from theory.automata.moments import path_moments
from theory.corpora.atoms import Window, atoms
from theory.corpora.typicality import typical_corpora
from theory.language_models.automaton import Graph, potentials

Floats = NDArray[np.floating[Any]]
Complexes = NDArray[np.complex128]

_STRINGS = 2000
_LONGEST = 1e7
_BATCHED_STATES = 48
_RANK, _GRID = 3, 1 << 22
_NEGLIGIBLE = 1e-25
_BLOCK = 8
_FREQUENCIES = 1 << 15
_SILENT = 1e-17


def typical_automaton_corpora(aligned: AlignedAutomaton, size: int, epsilon: fmpq) -> Window:
    """Sums over the corpora of N strings with |Ibar - H| < eps, by the best route there is.

    Args:
        aligned: the aligned automaton.
        size: N >= 1.
        epsilon: > 0, nats.

    Raises:
        Undecided: strings too long for float64; or, for finitely many, see ``theory.corpora.typicality``.
    """
    count = string_count(aligned.graph)
    if count is not None and count <= _STRINGS:
        finite = unrolled(aligned.automaton, aligned.graph.states)
        numbers = finite.balls()
        return typical_corpora(atoms(numbers), size, epsilon)
    steps = _Steps.of(aligned)
    if steps.visits > _LONGEST:
        raise Undecided(f"strings of {steps.visits:.3g} steps on average are too long for float64")
    lattice = _lattice(aligned)
    if lattice is not None:
        grid = _Grid.of(aligned, lattice, size)
        if grid is not None:
            return _by_lattice(steps, lattice, grid, size, to_float(epsilon))
    return _by_inversion(steps, size, to_float(epsilon))


# --- path sums with complex weights -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Steps:
    """p+ step by step in float64, with I and L as martingale differences: their sums along a path are I - H, L - E L.

    Args:
        law: shape (n,); a state's sum to 1.
        surprisal, log_prior: shape (n,), nats.
        visits: the expected number of states that a string passes: how far rounding adds up.
    """

    graph: Graph
    law: Floats
    surprisal: Floats
    log_prior: Floats
    visits: float

    @staticmethod
    def of(aligned: AlignedAutomaton) -> _Steps:
        graph = aligned.graph
        features = np.stack((-aligned.features[0] - aligned.features[1], aligned.features[0]))
        found = path_moments(graph, aligned.law, features)
        still = objects([arb(0)])
        surprisal, log_prior = (
            floats(f + np.concatenate((h, still))[graph.target] - h[graph.source])
            for f, h in zip(features, found.ahead, strict=True)
        )
        assert found.visits is not None, "balls come with visits"
        return _Steps(graph, floats(aligned.law), surprisal, log_prior, to_float(found.visits.sum()))

    def rounding(self, size: int) -> float:
        """An estimate of what rounding contributes to a probability of N strings."""
        return 1e-13 + size * self.visits * 2e-16

    def transforms(self, angle: Floats, kinds: int) -> tuple[Complexes, ...]:
        """The first ``kinds`` of phi - 1 and E[f e^{i theta}] for f = x, x^2, y, xy, y^2; 1, 3 or 6 of shape (F,).

        x is the sum of ``log_prior``, y that of ``surprisal`` and theta that of ``angle``, shape (F, n), on a path.
        phi - 1 is solved for as such, so that phi^N keeps its mass at any N.
        """
        found = [self._chunk(part, kinds) for part in np.array_split(angle, max(1, len(angle) // self._chunk_size()))]
        return tuple(np.concatenate(parts) for parts in zip(*found, strict=True))

    def _chunk_size(self) -> int:
        return max(1, 2_000_000 // max(self.graph.states**2, len(self.graph)))

    def _chunk(self, angle: Floats, kinds: int) -> tuple[Complexes, ...]:
        graph, at, x, y = self.graph, self.graph.initial, self.log_prior, self.surprisal
        turned = -2 * np.sin(angle / 2) ** 2 + 1j * np.sin(angle)
        weight = self.law * (1 + turned)
        system = _Systems(graph, weight)

        def ahead(values: Complexes) -> Complexes:
            padded = np.concatenate((values, np.zeros((len(values), 1), dtype=np.complex128)), axis=1)
            return padded[:, graph.target]

        def total(terms: Complexes) -> Complexes:
            return system.solve(graph.row_sums(weight * terms))

        gain = system.solve(graph.row_sums(self.law * turned))
        if kinds == 1:
            return (gain[:, at],)
        whole = 1 + ahead(gain)
        h_x = total(x * whole)
        result = [gain[:, at], h_x[:, at], total(x * x * whole + 2 * x * ahead(h_x))[:, at]]
        if kinds == 6:
            h_y = total(y * whole)
            result += [
                h_y[:, at],
                total(x * y * whole + x * ahead(h_y) + y * ahead(h_x))[:, at],
                total(y * y * whole + 2 * y * ahead(h_y))[:, at],
            ]
        return tuple(result)


class _Systems:
    """(I - M) z = g for many complex M on one graph: inverses in a batch for few states, sparse LU one by one else."""

    def __init__(self, graph: Graph, weight: Complexes) -> None:
        inner = np.flatnonzero(graph.target < graph.states)
        source, target, states = graph.source[inner], graph.target[inner], graph.states
        self._inverses: Any = None
        self._factors: list[Any] = []
        if states <= _BATCHED_STATES:
            place = scipy.sparse.csr_array(
                (np.ones(len(inner)), (source * states + target, np.arange(len(inner)))), shape=(states**2, len(inner))
            )
            matrices = (place @ weight[:, inner].T).T.reshape(-1, states, states)
            self._inverses = np.linalg.inv(np.eye(states) - matrices)
            return
        identity = scipy.sparse.eye_array(states, format="csc")
        for row in weight:
            matrix = scipy.sparse.csc_array((row[inner], (source, target)), shape=(states, states))
            self._factors.append(scipy.sparse.linalg.splu((identity - matrix).tocsc()))

    def solve(self, right: Complexes) -> Complexes:
        """z, shape (F, S)."""
        if self._inverses is not None:
            result: Complexes = np.matmul(self._inverses, right[:, :, None])[:, :, 0]
            return result
        return np.stack([f.solve(g) for f, g in zip(self._factors, right, strict=True)])


# --- the lattice law ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Lattice:
    """Integers n of each step with I - H = base + (sum of n along the path) . unit on every path.

    Args:
        steps: shape (k, n).
        unit: shape (k,), nats.
        base: nats.
    """

    steps: NDArray[np.int64]
    unit: Floats
    base: float


def _lattice(aligned: AlignedAutomaton) -> _Lattice | None:
    """The lattice that the values of I generate, where its rank is at most three; None else, or where factoring fails.

    Along a fixed path from each state to the end nothing is counted; every other step counts how its weight differs,
    as a vector of exponents of primes and of e.
    """
    graph, parts = aligned.graph, aligned.automaton.parts()
    potential = potentials(graph, parts)
    residual = []
    for (c, a), i, j in zip(parts, graph.source.tolist(), graph.target.tolist(), strict=True):
        residual.append((c * potential[j][0] / potential[i][0], a + potential[j][1] - potential[i][1]))
    counted = [r for r in residual if r != (1, 0)]
    try:
        if not counted or fmpz_mat(_vectors(counted[:12])[0]).rank() > _RANK:
            return None
        vectors, primes, scale = _vectors(residual)
    except Undecided:
        return None
    different = [list(v) for v in sorted({tuple(v) for v in vectors}) if any(v)]
    if fmpz_mat(different[-12:]).rank() > _RANK:
        return None
    reduced = fmpz_mat(different).hnf().tolist()
    basis = [[int(v) for v in row] for row in reduced if any(v != 0 for v in row)]
    if len(basis) > _RANK:
        return None
    rows = fmpq_mat([[fmpq(v) for v in row] for row in basis])
    right = fmpq_mat([[fmpq(v) for v in row] for row in vectors])
    coordinates = (rows * rows.transpose()).solve(rows * right.transpose())
    steps = np.array([[int(coordinates[k, e].p) for e in range(len(vectors))] for k in range(len(basis))])
    logs = [arb(prime).log() for prime in primes] + [arb(1) / scale]
    unit = [-sum((value * log for value, log in zip(row, logs, strict=True)), start=arb(0)) for row in basis]
    mean = path_moments(graph, aligned.law, -balls(aligned.features).sum(axis=0)[None]).mean[0]
    c, a = potential[graph.initial]
    base = -(arb(c).log() + a) - mean
    return _Lattice(steps, floats(objects(unit)), to_float(base))


def _vectors(weights: Sequence[tuple[fmpq, fmpq]]) -> tuple[list[list[int]], list[int], int]:
    """(exponents of each c e^a by the primes, and of e in units of 1/scale; the primes; the scale)."""
    exponents = [prime_exponents(c) for c, _ in weights]
    primes = sorted(set().union(*exponents))
    scale = math.lcm(*(int(a.q) for _, a in weights))
    return (
        [
            [*(e.get(prime, 0) for prime in primes), int((a * scale).p)]
            for e, (_, a) in zip(exponents, weights, strict=True)
        ],
        primes,
        scale,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Grid:
    """The box of lattice points that carries N strings' sum: ``shape`` around ``centre``.

    ``mean`` is that of one string, ``ahead`` what each state still expects; shapes (k,) and (k, S).
    """

    shape: tuple[int, ...]
    centre: NDArray[np.int64]
    mean: Floats
    ahead: Floats

    @staticmethod
    def of(aligned: AlignedAutomaton, lattice: _Lattice, size: int) -> _Grid | None:
        """The grid, or None where it is too large."""
        features = objects(fmpq(int(v)) for v in lattice.steps.flat).reshape(lattice.steps.shape)
        found = path_moments(aligned.graph, aligned.law, features)
        mean, deviation = floats(found.mean), np.sqrt(np.maximum(floats(np.diagonal(found.covariance)), 0))
        half = deviation * (8 * math.sqrt(size) + 32) + 4
        shape = tuple(_BLOCK * scipy.fft.next_fast_len(math.ceil(2 * h / _BLOCK)) for h in half)
        if math.prod(shape) > _GRID:
            return None
        return _Grid(shape, np.rint(mean * size).astype(np.int64), mean, floats(found.ahead))

    def frequencies(self, size: int) -> tuple[Floats, ...]:
        """The angles along each axis, in FFT order, in (-pi, pi]."""
        return tuple(2 * math.pi * scipy.fft.fftfreq(n) for n in self.shape)


def _by_lattice(steps: _Steps, lattice: _Lattice, grid: _Grid, size: int, epsilon: float) -> Window:
    """Sum the law of the total over the lattice points in the band, from its discrete Fourier transform."""
    graph = steps.graph
    padded = np.concatenate((grid.ahead, np.zeros((len(grid.shape), 1))), axis=1)
    counted = lattice.steps + padded[:, graph.target] - padded[:, graph.source]
    axes = grid.frequencies(size)
    mass, first, second = (np.zeros(grid.shape, dtype=np.complex128) for _ in range(3))
    for index in _relevant(steps, counted, axes, size):
        theta = np.stack([axis[i] for axis, i in zip(axes, index, strict=True)], axis=1)
        gain, f_x, f_xx = steps.transforms(theta @ counted, 3)
        phase = np.exp(1j * (theta @ (grid.mean * size - grid.centre)))
        bulk = np.exp(max(size - 2, 0) * np.log1p(gain)) * phase
        one, two = (bulk * (1 + gain), bulk * (1 + gain) ** 2) if size >= 2 else (phase, phase * (1 + gain))
        mass[index] = two
        first[index] = size * f_x * one
        second[index] = size * f_xx * one + (size * (size - 1)) * f_x**2 * bulk
    mass, first, second = (scipy.fft.fftn(a) / math.prod(grid.shape) for a in (mass, first, second))
    mass, first, second = mass.real, first.real, second.real
    offsets = [scipy.fft.fftfreq(n, 1 / n) for n in grid.shape]
    along = [(offset + centre) * unit for offset, centre, unit in zip(offsets, grid.centre, lattice.unit, strict=True)]
    y = lattice.base * size + np.sum(np.meshgrid(*along, indexing="ij"), axis=0)
    band = np.abs(y) < epsilon * size
    inside, x, xx, y = mass[band], first[band], second[band], y[band]
    sums = (inside.sum(), x.sum(), (y * inside).sum(), xx.sum(), (y * x).sum(), (y * y * inside).sum())
    edge = sum(
        float(np.abs(np.compress(np.abs(offset) >= 0.45 * n, mass, axis=k)).sum())
        for k, (offset, n) in enumerate(zip(offsets, grid.shape, strict=True))
    )
    error = edge + abs(float(mass.sum()) - 1) + steps.rounding(size)
    return Window(tuple(float(s) for s in sums), "lattice by Fourier transform", error=error)


def _relevant(
    steps: _Steps, counted: Floats, axes: tuple[Floats, ...], size: int
) -> Iterator[tuple[NDArray[np.int64], ...]]:
    """The grid's frequencies at which |phi|^N may matter: all of a small grid, else blocks next to a coarse one."""
    shape = tuple(len(axis) for axis in axes)
    stride = 1 if math.prod(shape) <= _FREQUENCIES else _BLOCK
    coarse = tuple(n // stride for n in shape)
    chosen = np.ones(coarse, dtype=bool)
    if stride > 1:
        index = np.indices(coarse).reshape(len(shape), -1)
        theta = np.stack([axis[i * stride] for axis, i in zip(axes, index, strict=True)], axis=1)
        size_of = np.empty(len(theta))
        for part in np.array_split(np.arange(len(theta)), 1 + len(theta) // _FREQUENCIES):
            gain = steps.transforms(theta[part] @ counted, 1)[0]
            size_of[part] = np.abs(np.exp(size * np.log1p(gain)))
        loud = (size_of > _NEGLIGIBLE).reshape(coarse)
        chosen = np.zeros(coarse, dtype=bool)
        for shift in itertools.product((-1, 0, 1), repeat=len(shape)):
            chosen |= np.roll(loud, shift, axis=tuple(range(len(shape))))
    corner = np.argwhere(chosen)
    offset = np.stack(np.meshgrid(*[np.arange(stride)] * len(shape), indexing="ij"), axis=-1).reshape(-1, len(shape))
    for part in np.array_split(corner, 1 + len(corner) * len(offset) // _FREQUENCIES):
        points = (part[:, None, :] * stride + offset[None]).reshape(-1, len(shape))
        if len(points):
            yield tuple(points.T)


# --- inversion ----------------------------------------------------------------------------------------------------


def _by_inversion(steps: _Steps, size: int, epsilon: float) -> Window:
    """P(|X| < e) = (1/pi) int phi(u)^N sin(u e) / u du for the corpus mean X of I - H, and likewise its moments.

    The trapezoid rule with step h folds X at 2 pi / h. Where |phi|^N does not die out, as with small N, the integrand
    is tapered by a normal density: that blurs X by 1/U, and only what lies so close to the boundary can be misplaced.

    The error is an estimate, not a bound: the change under a doubled step, the mass near the boundary where X is
    blurred, and |phi|^N / u beyond the range.
    """
    deviation = math.sqrt(_variance(steps) / size)
    step = 2 * math.pi / (2 * epsilon + 60 * deviation)
    few = steps.graph.states <= _BATCHED_STATES
    blocks, quiet, block = [_frequency_rows(steps, size, np.zeros(1))], 0, 256 if few else 32
    count = 1
    limit = min(1 << 17, (1 << 22) // steps.graph.states**2) if few else 1 << 11
    while quiet < 2 and count < limit:
        blocks.append(_frequency_rows(steps, size, np.arange(count, count + block) * step))
        quiet = quiet + 1 if float(np.abs(blocks[-1][0]).max()) < _SILENT else 0
        count += block
    rows, u = np.concatenate(blocks, axis=1).real, np.arange(count) * step
    blur = 0.0 if quiet == 2 else 6 / u[-1]
    taper = np.exp(-((blur * u) ** 2) / 2)

    def integral(width: float, stride: int) -> Floats:
        window = taper * np.where(u == 0, width, np.sin(u * width) / np.where(u == 0, 1, u))
        window[0] /= 2
        result: Floats = (rows[:, ::stride] @ window[::stride]) * (step * stride * 2 / math.pi)
        return result

    sums = integral(epsilon, 1)
    error = abs(float(sums[0] - integral(epsilon, 2)[0])) + steps.rounding(size) + 1e-12
    if blur:
        error += abs(float((integral(epsilon + 6 * blur, 1) - integral(epsilon - 6 * blur, 1))[0]))
    else:
        error += _beyond(steps, size, float(u[-1]), 0.5 / deviation)
    return Window(tuple(float(v) for v in sums), "inversion", error=error)


def _beyond(steps: _Steps, size: int, start: float, width: float) -> float:
    """Twice int |phi|^N / u du over a long range beyond: on a lattice of few dimensions |phi| keeps returning to 1."""
    few = steps.graph.states <= _BATCHED_STATES
    u = start + width * np.arange(1, 1 + (min(1 << 16, (1 << 20) // steps.graph.states**2) if few else 64))
    total = 0.0
    for part in np.array_split(u, 1 + len(u) // _FREQUENCIES):
        gain = steps.transforms(np.outer(part / size, steps.surprisal), 1)[0]
        total += float((np.abs(np.exp(size * np.log1p(gain))) / part).sum())
    return 4 / math.pi * width * total


def _variance(steps: _Steps) -> float:
    """V from the martingale differences: expected visits times squares."""
    graph = steps.graph
    system = _Systems(graph, steps.law[None].astype(np.complex128))
    return float(system.solve(graph.row_sums(steps.law * steps.surprisal**2)[None])[0, graph.initial].real)


def _frequency_rows(steps: _Steps, size: int, u: Floats) -> Complexes:
    """E[f e^{iuX}] for f = 1, x, y, x^2, xy, y^2, with x and y the corpus totals; shape (6, F)."""
    gain, f_x, f_xx, f_y, f_xy, f_yy = steps.transforms(np.outer(u / size, steps.surprisal), 6)
    bulk = np.exp(max(size - 2, 0) * np.log1p(gain))
    phi = 1 + gain
    one, two = (bulk * phi, bulk * phi * phi) if size >= 2 else (np.ones_like(phi), phi)
    pair = bulk * (size * (size - 1))
    return np.stack(
        (
            two,
            size * f_x * one,
            size * f_y * one,
            size * f_xx * one + pair * f_x * f_x,
            size * f_xy * one + pair * f_x * f_y,
            size * f_yy * one + pair * f_y * f_y,
        )
    )


__all__ = ["typical_automaton_corpora"]
