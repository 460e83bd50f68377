"""The spectral radius of an automaton's weights, whether its sums are finite, and the critical temperature.

Weights p^s e^{tR} have a finite sum if and only if the spectral radius of M(s, t) is below 1; a global temperature law
exists below the temperature at which it is 1.
"""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from flint import arb, arb_mat, ctx, fmpq

from theory.arithmetic.exact import Array, Diverges, Undecided, balls, floats, objects, widen
from theory.arithmetic.formal import FormalSum, formal_product
from theory.automata.path_sums import (
    DENSE,
    MAX_BITS,
    SMALL,
    UNIT,
    eliminate,
    formal_weights,
    step_weights,
    totals,
)
from theory.language_models.automaton import Automaton, Floats, Graph, Index

_WIDE = 30.0
"""Weights that differ by more than e^30 are balanced first."""

_TAME = 200.0
"""Weights in e^-200..e^200 are safe in float64."""

_FEW, _CLOSED = 400, 1e-14
"""Products of the power method before a dense matrix is solved; and bounds as close as rounding lets them come."""


# --- finite or not ------------------------------------------------------------------------------------------------


def converges(automaton: Automaton, s: fmpq, t: fmpq) -> bool:
    """Whether sum p^s e^{tR} is finite: certainly so, or certainly not. The automaton is ``rewarded()``.

    Where balls do not tell, a formal proof that I - M is singular decides (its eigenvalue 1 makes the sum infinite);
    without one the precision is doubled.

    Raises:
        Undecided: at 4,096 bits, without such a proof.
    """
    bits = first = ctx.prec
    while bits <= MAX_BITS:
        with ctx.workprec(bits):
            try:
                _decided_totals(automaton.graph, step_weights(automaton, s, t))
            except Diverges:
                return False
            except Undecided:
                if bits == first and singular(automaton, s, t):
                    return False
            else:
                return True
        bits *= 2
    raise Undecided(f"the spectral radius at (s, t) = ({s}, {t}) cannot be told from 1 at {MAX_BITS} bits")


def _decided_totals(graph: Graph, weight: Array) -> None:
    """``totals``, but for many states by the spectral radius where its enclosure is on one side of 1: much cheaper."""
    if graph.states > SMALL:
        radius = spectral_radius(graph, weight)
        if radius < 1:
            return
        if radius >= 1:
            raise Diverges("the spectral radius is at least 1: the sum over all strings is infinite")
    totals(graph, weight)


_FORMAL_STATES = 8


def singular(automaton: Automaton, s: fmpq, t: fmpq) -> bool:
    """A formal proof that det(I - M(s, t)) = 0; False where there is none.

    e to distinct rationals, and products of primes to exponents in [0, 1), are linearly independent (see
    ``theory.arithmetic.formal``), so the determinant of formal sums is 0 if and only if no term is left.
    """
    weight = formal_weights(automaton, s, t)
    if weight is None:
        return False
    for component in automaton.graph.components():
        steps, source, target = automaton.graph.inside(component)
        if len(component) > _FORMAL_STATES:
            continue
        size = range(len(component))
        rows = [[FormalSum.of(fmpq(int(i == j)), fmpq(0)) for j in size] for i in size]
        for step, i, j in zip(steps, source, target, strict=True):
            rows[i][j] = FormalSum.total((rows[i][j], weight[step].scaled(fmpq(-1))))
        if not _determinant(rows).terms:
            return True
    return False


def _determinant(rows: Sequence[Sequence[FormalSum]]) -> FormalSum:
    """By expansion along the rows, minors remembered by their columns. Cost: O(n 2^n) products."""
    minors = {0: FormalSum.of(fmpq(1), fmpq(0))}
    for row in rows:
        following: dict[int, list[FormalSum]] = {}
        for columns, minor in minors.items():
            for j, entry in enumerate(row):
                if not columns >> j & 1 and entry.terms:
                    behind = bin(columns >> (j + 1)).count("1")
                    term = formal_product(minor, entry).scaled(fmpq(-1 if behind % 2 else 1))
                    following.setdefault(columns | 1 << j, []).append(term)
        minors = {columns: FormalSum.total(terms) for columns, terms in following.items()}
    return next(iter(minors.values()), FormalSum({}))


# --- the spectral radius ------------------------------------------------------------------------------------------


def spectral_radius(graph: Graph, weight: Array) -> arb:
    """The largest modulus of an eigenvalue of M, enclosed; 0 for an acyclic graph.

    For every positive x on a strongly connected set, min (Mx)_i / x_i <= rho <= max (Mx)_i / x_i (Collatz 1942,
    Wielandt 1950); x is an approximate Perron vector, by the iteration of Noda (1971).
    """
    enclosed = balls(weight)
    return functools.reduce(arb.max, (_perron(_Block.of(graph, enclosed, c))[0] for c in graph.components()), arb(0))


@dataclass(slots=True)
class _Block:
    """M on one strongly connected set: its steps, merged per (source, target)."""

    size: int
    source: Index
    target: Index
    weight: Array

    @staticmethod
    def of(graph: Graph, weight: Array, component: Index) -> _Block:
        steps, source, target = graph.inside(component)
        merged: dict[tuple[int, int], Any] = {}
        for step, i, j in zip(steps.tolist(), source.tolist(), target.tolist(), strict=True):
            merged[i, j] = merged[i, j] + weight[step] if (i, j) in merged else weight[step]
        pairs = np.array(sorted(merged), dtype=np.int64).reshape(-1, 2)
        values = objects(merged[i, j] for i, j in pairs.tolist())
        return _Block(len(component), pairs[:, 0], pairs[:, 1], values)

    def balance(self) -> Array:
        """x with rows and columns of X^-1 M X alike in size (Osborne 1960); ones where M already is."""
        logs = np.array([float(w.mid().log()) for w in self.weight])
        shift = np.zeros(self.size)
        if np.ptp(logs) > _WIDE:
            apart = self.source != self.target
            source, target = self.source[apart], self.target[apart]
            for _ in range(200):
                row, column = (np.full(self.size, -np.inf) for _ in range(2))
                scaled = logs[apart] + shift[target] - shift[source]
                np.maximum.at(row, source, scaled)
                np.maximum.at(column, target, scaled)
                shift += (row - column) / 4
        return objects(arb(float(v)).exp().mid() for v in shift)

    def scaled(self, x: Array) -> _Block:
        """X^-1 M X, X the diagonal of x > 0."""
        return _Block(self.size, self.source, self.target, self.weight * x[self.target] / x[self.source])

    def floats(self) -> Any:
        """M in float64: dense up to 3,000 states, else sparse."""
        shape = (self.size, self.size)
        matrix = scipy.sparse.csr_array((floats(self.weight), (self.source, self.target)), shape=shape)
        return matrix.toarray() if self.size <= DENSE else matrix

    def apply(self, x: Array) -> Array:
        """M x; every state has a step inside."""
        starts = np.searchsorted(self.source, np.arange(self.size))
        result: Array = np.add.reduceat(self.weight * x[self.target], starts)
        return result

    def ratios(self, x: Array) -> tuple[arb, arb]:
        """(lower, upper): bounds of the spectral radius from the positive vector x."""
        quotients = self.apply(x) / x
        return functools.reduce(arb.min, quotients).lower(), functools.reduce(arb.max, quotients).upper()


def _perron(block: _Block, start: Array | None = None) -> tuple[arb, Array]:
    """(the spectral radius on a strongly connected set, an approximate Perron vector).

    The matrix is scaled by ``start``, or balanced, so that the vector to be found is near (1, ..., 1).
    """
    if block.size == 1:
        return block.weight[0], objects([arb(1)])
    scale = start if start is not None else block.balance()
    scaled = block.scaled(scale)
    x = _refined_perron(scaled) if block.size > SMALL else _noda(scaled)
    lower, upper = scaled.ratios(x)
    return lower.union(upper), objects((a * b).mid() for a, b in zip(scale, x, strict=True))


def _noda(block: _Block) -> Array:
    """Noda's iteration in balls: solve (max ratio - M) y = x; quadratic, and x stays positive."""
    x = objects([arb(1)] * block.size)
    lower, upper = block.ratios(x)
    for _ in range(60 + ctx.prec // 16):
        width = upper - lower
        if width <= upper * arb(2) ** (24 - ctx.prec):
            break
        matrix = arb_mat(block.size, block.size, [0] * block.size**2)
        for i in range(block.size):
            matrix[i, i] = upper
        for i, j, w in zip(block.source.tolist(), block.target.tolist(), block.weight, strict=True):
            matrix[i, j] -= w.mid()
        try:
            y = eliminate(matrix, x[None, :])[0]
        except Undecided:
            break
        largest = functools.reduce(arb.max, (v.mid() for v in y))
        y = objects((v / largest).mid() for v in y)
        if not all(v > 0 for v in y):
            break
        following = block.ratios(y)
        if not following[1] - following[0] < width:
            break
        x, (lower, upper) = y, following
    return x


def _float_perron(matrix: Any, x: Floats) -> Floats:
    """An approximate Perron vector from x > 0: the power method, then for a dense matrix Noda's iteration.

    Up to 64 states Noda's is the quicker from the start. Of more, it is for what the power method leaves open: a solve
    of 600 states takes as long as some hundreds of products.
    """
    dense = isinstance(matrix, np.ndarray)
    if not dense or len(x) > SMALL:
        steps = scipy.sparse.csr_array(matrix)
        x, gap = _closed_in(steps, x, lambda x, top: steps @ x + top * x, _FEW if dense else 20_000)
        if gap <= _CLOSED:
            return x
    if dense:
        unit = np.eye(len(x))
        x, _ = _closed_in(matrix, x, lambda x, top: np.linalg.solve(unit * top - matrix, x), 60)
    return x


def _closed_in(
    matrix: Floats | scipy.sparse.csr_array, x: Floats, step: Callable[[Floats, float], Floats], most: int
) -> tuple[Floats, float]:
    """(x after the steps that bring the bounds of the spectral radius together, how far apart they are, relatively).

    Both bounds close in on it, so that the first step after which they do not is down to rounding.
    """
    ratios = matrix @ x / x
    for _ in range(most):
        try:
            y = step(x, float(ratios.max()) * (1 + 4 * UNIT))
        except np.linalg.LinAlgError:
            break
        if not (np.isfinite(y).all() and (y > 0).all()):
            break
        following = matrix @ y / y
        if not np.ptp(following) < np.ptp(ratios):
            break
        x, ratios = y / y.max(), following
    return x, float(np.ptp(ratios) / ratios.max())


def _refined_perron(block: _Block) -> Array:
    """A float64 Perron vector, refined in balls by Newton's method on (M - lambda) x = 0 with fixed float64 factors.

    Above 3,000 states it is not refined.
    """
    matrix = block.floats()
    x = _float_perron(matrix, np.ones(block.size))
    if block.size > DENSE:
        return objects(arb(float(v)) for v in x)
    eigenvalue = float(np.median(matrix @ x / x))
    bordered = np.zeros((block.size + 1, block.size + 1))
    bordered[:-1, :-1] = matrix - np.eye(block.size) * eigenvalue
    bordered[:-1, -1] = -x
    bordered[-1, :-1] = 1.0
    factors = scipy.linalg.lu_factor(bordered)
    vector, value = objects(arb(float(v)) for v in x), arb(eigenvalue)
    best = math.inf
    for _ in range(ctx.prec):
        residual = objects(r.mid() for r in block.apply(vector) - vector * value)
        size = functools.reduce(arb.max, (abs(r) for r in residual))
        if size == 0 or not float(size.log()) < best - 1:
            break
        best = float(size.log())
        step = scipy.linalg.lu_solve(factors, np.append(floats(objects(r / size for r in residual)), 0.0))
        refined = objects((v - arb(float(d)) * size).mid() for v, d in zip(vector, step, strict=False))
        if not all(v > 0 for v in refined):
            break
        vector, value = refined, (value - arb(float(step[-1])) * size).mid()
    return vector


# --- the critical point -------------------------------------------------------------------------------------------


def critical_exponent(automaton: Automaton) -> arb | None:
    """The tau at which the spectral radius of M(tau, tau) is 1: sum (p e^R)^tau is finite iff tau is larger.

    The spectral radius falls as tau grows, log-convexly (Kingman 1961). At tau = 0 it is that of the numbers of arcs:
    above 1 iff some strongly connected set has more arcs than states, else every tau > 0 gives a finite sum and the
    result is None. The automaton is ``rewarded()`` and p+ exists, so that tau < 1.

    Found by the secant method, certified from both sides.
    """
    found: arb | None = None
    for component in automaton.graph.components():
        if len(automaton.graph.inside(component)[0]) > len(component):
            tau = _critical_on(automaton, component)
            found = tau if found is None else arb.max(found, tau)
    return found


def critical_temperature(automaton: Automaton) -> arb | None:
    """T_c = 1 / tau_c: the temperature above which p+^(1/T) has no finite normaliser; None where all have one."""
    tau = critical_exponent(automaton)
    return None if tau is None else 1 / tau


def _critical_on(automaton: Automaton, component: Index) -> arb:
    """The root of log rho(tau) on one strongly connected set: bracketed, found by secants, certified on both sides."""
    radius = RadiusAlong(automaton, component, tempered=True)
    return certified_root(radius.log, *radius.bracket(), "the critical temperature")


def certified_root(value: Callable[[arb], arb], one: arb, two: arb, what: str) -> arb:
    """The root of a monotone function of exact points, by secants from two points; its signs on both sides are certain.

    Raises:
        Undecided: there are no such signs at this precision; ``what`` is named.
    """
    value_one, value_two = value(one).mid(), value(two).mid()
    tiny = arb(2) ** (48 - ctx.prec)
    for _ in range(40):
        if value_two == value_one or abs(value_two) < tiny:
            break
        three = (two - value_two * (two - one) / (value_two - value_one)).mid()
        one, value_one, two, value_two = two, value_two, three, value(three).mid()
    size = arb.max(abs(two), arb(2) ** -64).mid()
    margin = arb(2) ** (56 - ctx.prec) * size
    while margin < size:
        before, after = value((two - margin).mid()), value((two + margin).mid())
        if (before > 0 and after < 0) or (before < 0 and after > 0):
            return widen(two, margin)
        margin *= 256
    raise Undecided(f"{what} cannot be certified at {ctx.prec} bits")


class RadiusAlong:
    """log rho of weights that change log-linearly with a number, on one strongly connected set.

    ``tempered``: the weights (p e^R)^tau, along tau. Else p e^{tR}, along t. The last Perron vector starts the next
    iteration where weights are tame.
    """

    def __init__(self, automaton: Automaton, component: Index, *, tempered: bool) -> None:
        steps, source, target = automaton.graph.inside(component)
        kinds, index = automaton.kinds()
        reward = objects(arb(r.factor).log() + r.exponent for _, r in kinds)
        prior = objects(arb(p).log() for p, _ in kinds)
        self._logs = prior + reward if tempered else reward
        self._base = objects([arb(0)] * len(kinds)) if tempered else prior
        alike = Counter(zip(source.tolist(), target.tolist(), index[steps].tolist(), strict=True))
        pairs = sorted({(i, j) for i, j, _ in alike})
        place = {pair: k for k, pair in enumerate(pairs)}
        self.entries: list[list[tuple[int, int]]] = [[] for _ in pairs]
        for (i, j, kind), count in alike.items():
            self.entries[place[i, j]].append((kind, count))
        self._size = len(component)
        self._source, self._target = (np.array([pair[k] for pair in pairs], dtype=np.int64) for k in range(2))
        self._start: Array | None = None
        self._tame = float(np.abs(floats(self._logs)).max()) < _TAME

    def _block(self, raised: Array) -> _Block:
        weight = objects(sum((raised[k] * count for k, count in entry), start=0 * raised[0]) for entry in self.entries)
        return _Block(self._size, self._source, self._target, weight)

    def log(self, at: arb) -> arb:
        """log rho at an exact point."""
        raised = objects((base + value * at.mid()).exp() for base, value in zip(self._base, self._logs, strict=True))
        radius, start = _perron(self._block(raised), self._start)
        self._start = start if self._tame else None
        return radius.log()

    def bracket(self) -> tuple[arb, arb]:
        """Two exact points near the root: in float64 where the weights are tame, else by halving [0, 1] in balls."""
        logs, x = floats(self._logs), np.ones(self._size)

        def log_radius(tau: float) -> float:
            nonlocal x
            matrix = self._block(np.exp(tau * logs)).floats()
            x = _float_perron(matrix, x)
            return math.log(float(np.median(matrix @ x / x)))

        if np.abs(logs).max() < _TAME and log_radius(0.0) > 0 > log_radius(1.0):
            root = float(scipy.optimize.brentq(log_radius, 0.0, 1.0, xtol=1e-14))
            return arb(root + 1e-9), arb(root)
        one, two = arb(0), arb(1)
        for _ in range(24):
            half = ((one + two) / 2).mid()
            one, two = (half, two) if self.log(half) > 0 else (one, half)
        return one, two


def bisected_exponent(automaton: Automaton, steps: int = 40) -> tuple[fmpq, fmpq]:
    """(finite above, infinite below): tau_c between two dyadic rationals, by halving with ``converges`` alone.

    A slow second route to ``critical_exponent`` that knows nothing of eigenvalues.
    """
    low, high = fmpq(0), fmpq(1)
    for _ in range(steps):
        middle = (low + high) / 2
        if converges(automaton, middle, middle):
            high = middle
        else:
            low = middle
    return high, low


__all__ = [
    "RadiusAlong",
    "bisected_exponent",
    "certified_root",
    "converges",
    "critical_exponent",
    "critical_temperature",
    "singular",
    "spectral_radius",
]
