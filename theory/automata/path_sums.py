"""Sums over all paths of an automaton: log-weights of its steps, totals from each state, and what solves for them.

With M_ij the total weight of the steps i -> j and b_i that of the ends, the sum over all strings of the product of
their steps' weights is Z = e_0' (I - M)^-1 b, finite if and only if the spectral radius of the trimmed M is below 1.

(I - M)^-1 >= 0 turns every computed number into a certified one. On a trimmed graph a positive solution v of
(I - M) v = b certifies a spectral radius below 1; and (I - M) k >= 1 bounds the error of a solution by k times the
largest residual.
"""

from __future__ import annotations

import copy
import functools
import math
from collections.abc import Sequence
from typing import Any, Literal, Protocol

import numpy as np
import scipy
from flint import arb, arb_mat, ctx, fmpq, fmpq_mat

from theory.arithmetic.exact import Array, Diverges, Undecided, ball, balls, floats, objects, power, widen
from theory.arithmetic.formal import FormalSum, rational_power
from theory.automata.iterations import aggregated_sums, dominant_pair, stabilised_gradients
from theory.language_models.automaton import Automaton, Floats, Graph
from theory.language_models.rewards import Reward

Engine = Literal["exact", "dense", "sparse"]

SMALL = 64
"""Up to this many states balls are solved by elimination; above, a float64 factorisation is refined."""

DENSE = 3000
"""Up to this many states a float64 factorisation is dense: it pays where it is used again and again."""

MAX_BITS = 1 << 12
"""More than this are never tried."""

UNIT = 2.0**-53
"""The rounding of float64, relative."""

REFINED, UNREFINED, ROUGH = (1e-14, 1e-3), (1e-14,), (1e-6,)
"""Tolerances of iterative solutions, each of what the one before it left over."""


# --- weights ------------------------------------------------------------------------------------------------------


def step_weights(automaton: Automaton, s: fmpq, t: fmpq) -> Array:
    """p^s e^{tR} of each step, shape (n,): rationals where all of them are, else balls at the working precision."""
    kinds, index = automaton.kinds()
    rational = s.q == 1 and all(r.exponent * t == 0 and (t.q == 1 or r.factor == 1) for _, r in kinds)
    raised = _rational_weight if rational else _ball_weight
    return objects(raised(p, r, s, t) for p, r in kinds)[index]


def _rational_weight(p: fmpq, r: Reward, s: fmpq, t: fmpq) -> Any:
    return p ** int(s.p) * (r.factor ** int(t.p) if r.factor != 1 else fmpq(1))


def _ball_weight(p: fmpq, r: Reward, s: fmpq, t: fmpq) -> Any:
    factor = power(arb(r.factor), t) if r.factor != 1 else arb(1)
    return power(arb(p), s) * factor * (arb(r.exponent * t).exp() if r.exponent != 0 else arb(1))


def formal_weights(automaton: Automaton, s: fmpq, t: fmpq) -> list[FormalSum] | None:
    """The same as formal numbers; None where a probability is too large to factor."""
    result = []
    for p, r in zip(automaton.prob, automaton.reward, strict=True):
        whole, radicals = fmpq(1), dict[int, fmpq]()
        for base, exponent in ((p, s), (r.factor, t)):
            split = rational_power(base, exponent)
            if split is None:
                return None
            whole *= split[0]
            for prime, fraction in split[1]:
                radicals[prime] = radicals.get(prime, fmpq(0)) + fraction
        for prime, fraction in list(radicals.items()):
            floor = int(fraction.floor())
            whole *= fmpq(prime) ** floor
            radicals[prime] = fraction - floor
        kept = tuple((prime, fraction) for prime, fraction in sorted(radicals.items()) if fraction != 0)
        result.append(FormalSum({(r.exponent * t, kept): whole}))
    return result


def step_features(automaton: Automaton) -> Array:
    """(log p, R) of each step in balls, shape (2, n), nats."""
    kinds, index = automaton.kinds()
    log_prior = objects(arb(p).log() for p, _ in kinds)
    reward = objects((arb(r.factor).log() if r.factor != 1 else arb(0)) + r.exponent for _, r in kinds)
    return np.stack((log_prior[index], reward[index]))


# --- totals: the sum over all paths from each state ---------------------------------------------------------------


def totals(graph: Graph, weight: Array) -> Array:
    """v_i = the sum over all paths from state i to the end of the product of weights; shape (S + 1,), v_S = 1.

    Rational weights give rationals, balls give balls. The graph is trimmed and the weights are > 0, so that
    (I - M) v = b, v > 0 has a solution if and only if the spectral radius is below 1.

    Raises:
        Diverges: it is certainly at least 1.
        Undecided: the balls are too wide to tell.
    """
    if all(isinstance(w, fmpq) for w in weight):
        value = _rational_totals(graph, weight)
    else:
        solver = ball_solver(graph, balls(weight))
        value = solver.solve(end_sums(graph, balls(weight))[None, :])[0]
    if any(v <= 0 for v in value):
        raise Diverges("the spectral radius is at least 1: the sum over all strings is infinite")
    if not all(v > 0 for v in value):
        raise Undecided("the spectral radius is too close to 1 for this precision")
    one: Any = fmpq(1) if isinstance(value[0], fmpq) else arb(1)
    return np.concatenate((value, objects([one])))


def end_sums(graph: Graph, weight: Array) -> Array:
    """b, shape (S,)."""
    ends = np.flatnonzero(graph.target == graph.states)
    result = np.full(graph.states, weight[0] * 0, dtype=weight.dtype)
    np.add.at(result, graph.source[ends], weight[ends])
    return result


def entries(graph: Graph, weight: Array) -> dict[tuple[int, int], Any]:
    """The entries of M that are not 0."""
    found: dict[tuple[int, int], Any] = {}
    for i, j, w in zip(graph.source.tolist(), graph.target.tolist(), weight, strict=True):
        if j < graph.states:
            found[i, j] = found[i, j] + w if (i, j) in found else w
    return found


def _rational_totals(graph: Graph, weight: Array) -> Array:
    size = graph.states
    matrix = fmpq_mat(size, size, [0] * (size * size))
    for i in range(size):
        matrix[i, i] = 1
    for (i, j), w in entries(graph, weight).items():
        matrix[i, j] -= w
    ends = fmpq_mat(size, 1, list(end_sums(graph, weight)))
    try:
        solution = matrix.solve(ends)
    except ZeroDivisionError:
        raise Diverges("I - M is singular: the spectral radius is at least 1") from None
    return objects(solution[i, 0] for i in range(size))


class BallSolver(Protocol):
    """Encloses solutions of x - M x = y and x - M' x = y; arguments of shape (K, S), one system per row."""

    def solve(self, right: Array) -> Array:
        """x with x - M x = y."""

    def solve_transposed(self, right: Array) -> Array:
        """x with x - M' x = y."""


def ball_solver(graph: Graph, weight: Array) -> BallSolver:
    """Elimination in balls for few states; for many, a refined float64 factorisation where that can be certified."""
    if graph.states > SMALL:
        refined = _RefinedSolver.of(graph, weight)
        if refined is not None:
            return refined
    return _EliminationSolver(graph, weight)


class _EliminationSolver:
    def __init__(self, graph: Graph, weight: Array) -> None:
        size = graph.states
        self._matrix = arb_mat(size, size, [0] * (size * size))
        for i in range(size):
            self._matrix[i, i] = 1
        for (i, j), w in entries(graph, weight).items():
            self._matrix[i, j] -= w

    def solve(self, right: Array) -> Array:
        return eliminate(self._matrix, right)

    def solve_transposed(self, right: Array) -> Array:
        return eliminate(self._matrix.transpose(), right)


def eliminate(matrix: arb_mat, right: Array) -> Array:
    """x with A x = y for each row y of ``right``, shape (K, S), in balls.

    Raises:
        Undecided: a pivot may be 0 at this precision.
    """
    columns, size = right.shape
    try:
        solution = matrix.solve(arb_mat(size, columns, [ball(y) for y in right.T.flat]))
    except ZeroDivisionError:
        raise Undecided("I - M is singular, or the spectral radius too close to 1 for this precision") from None
    return objects(solution[i, k] for k in range(columns) for i in range(size)).reshape(columns, size)


class _RefinedSolver:
    """Balls by iterative refinement: float64 factors, residuals in balls, and k with (I - M) k >= delta > 0.

    The system is scaled by an approximate solution v: M~ = V^-1 M V, whose rows sum to about 1 with the ends. The
    error of x is at most k max|residual| / delta, by (I - M~)^-1 >= 0 and (I - M~)^-1 1 <= k / delta.
    """

    def __init__(self, graph: Graph, scale: Array, scaled: Array, factors: _Factors) -> None:
        self._graph = graph
        self._inner = np.flatnonzero(graph.target < graph.states)
        self._scale = scale
        self._weight = scaled[self._inner]
        self._factors = factors
        self._source, self._target = graph.source[self._inner], graph.target[self._inner]
        self._by_target = np.argsort(self._target, kind="stable")
        self._bounds: dict[bool, tuple[Array, arb]] = {}

    @staticmethod
    def of(graph: Graph, weight: Array) -> _RefinedSolver | None:
        """The solver, or None where float64 cannot certify a spectral radius below 1."""
        approximate = floats(weight)
        if not np.isfinite(approximate).all():
            return None
        try:
            factors = float_solver(graph, approximate)
            value = factors.solve(end_sums(graph, approximate))
        except Undecided:
            return None
        if not (np.isfinite(value).all() and (value > 0).all()):
            return None
        scale = objects(arb(float(v)) for v in np.append(value, 1.0))
        scaled = weight * scale[graph.target] / scale[graph.source]
        factors = factors.scaled(value, step_matrix(graph, scaled_weights(graph, approximate, value)))
        solver = _RefinedSolver(graph, scale[:-1], scaled, factors)
        try:
            for transposed in (False, True):
                solver._bounds[transposed] = solver._certificate(transposed)
        except Undecided:
            return None
        return solver

    def solve(self, right: Array) -> Array:
        return np.stack([self._refine(y / self._scale, False) * self._scale for y in right])

    def solve_transposed(self, right: Array) -> Array:
        return np.stack([self._refine(y * self._scale, True) / self._scale for y in right])

    def _apply(self, x: Array, transposed: bool) -> Array:
        """M~ x or M~' x."""
        if transposed:
            terms, place = (self._weight * x[self._source])[self._by_target], self._target[self._by_target]
        else:
            terms, place = self._weight * x[self._target], self._source
        result = objects([arb(0)] * self._graph.states)
        first = np.flatnonzero(np.concatenate(([True], place[1:] != place[:-1])))
        result[place[first]] = np.add.reduceat(terms, first)
        return result

    def _approximate(self, right: Floats, transposed: bool) -> Floats:
        return self._factors.solve_transposed(right) if transposed else self._factors.solve(right)

    def _certificate(self, transposed: bool) -> tuple[Array, arb]:
        """(k, delta) with k > 0 and (I - M~) k >= delta > 0."""
        approximate = self._approximate(np.ones(self._graph.states), transposed)
        if not (np.isfinite(approximate).all() and (approximate > 0).all()):
            raise Undecided("no positive certificate in float64")
        k = objects(arb(float(v)) for v in approximate)
        delta = functools.reduce(arb.min, k - self._apply(k, transposed))
        if not delta > 0:
            raise Undecided("no certificate in float64")
        return k, delta

    def _refine(self, right: Array, transposed: bool) -> Array:
        x = objects([arb(0)] * self._graph.states)
        residual, best = right, math.inf
        for _ in range(ctx.prec):
            size = functools.reduce(arb.max, (abs(r).mid() for r in residual))
            if size == 0 or not float(size.log()) < best - 1:
                break
            best = float(size.log())
            step = self._approximate(floats(objects(r.mid() / size for r in residual)), transposed)
            x = objects((v + arb(float(d)) * size).mid() for v, d in zip(x, step, strict=True))
            residual = right - x + self._apply(x, transposed)
        k, delta = self._bounds[transposed]
        largest = functools.reduce(arb.max, (r.abs_upper() for r in residual))
        return objects(widen(v, largest * kv / delta) for v, kv in zip(x, k, strict=True))


# --- float64 factorisations ---------------------------------------------------------------------------------------


class _Factors(Protocol):
    """Approximate solutions of x - M x = y and x - M' x = y in float64, shapes (S,)."""

    def solve(self, right: Floats, *, tolerances: Sequence[float] = REFINED) -> Floats:
        """``tolerances``: the relative residual at which an iteration may stop, and again on what is left over."""

    def solve_transposed(self, right: Floats, *, tolerances: Sequence[float] = REFINED) -> Floats: ...

    def scaled(self, scale: Floats, matrix: scipy.sparse.csr_array) -> _Factors:
        """The same for V^-1 M V, V the diagonal of ``scale``; ``matrix`` has its steps."""


def float_solver(graph: Graph, weight: Floats, engine: Engine | None = None) -> _Factors:
    """Dense factors up to 3,000 states, else a sparse solver; or as ``engine`` says."""
    chosen = engine or ("dense" if graph.states <= DENSE else "sparse")
    return _DenseFactors(graph, weight) if chosen == "dense" else _SparseFactors(graph, weight)


class _DenseFactors:
    """LU with partial pivoting; a scaled system shares the factors."""

    def __init__(self, graph: Graph, weight: Floats) -> None:
        self._scale = np.ones(graph.states)
        matrix = np.zeros((graph.states + 1, graph.states + 1))
        np.subtract.at(matrix, (graph.source, graph.target), weight)
        matrix = matrix[:-1, :-1]
        matrix.flat[:: graph.states + 1] += 1.0
        self._lu, self._pivots, _ = scipy.linalg.lapack.dgetrf(matrix)
        if not np.diagonal(self._lu).all():
            raise Undecided("I - M is singular in float64")

    def solve(self, right: Floats, *, tolerances: Sequence[float] = REFINED) -> Floats:
        result: Floats = scipy.linalg.lapack.dgetrs(self._lu, self._pivots, right * self._scale)[0] / self._scale
        return result

    def solve_transposed(self, right: Floats, *, tolerances: Sequence[float] = REFINED) -> Floats:
        solved: Floats = scipy.linalg.lapack.dgetrs(self._lu, self._pivots, right / self._scale, trans=1)[0]
        return solved * self._scale

    def scaled(self, scale: Floats, matrix: scipy.sparse.csr_array) -> _Factors:
        result = copy.copy(self)
        result._scale = self._scale * scale
        return result


def step_matrix(graph: Graph, weight: Floats) -> scipy.sparse.csr_array:
    """M with the end as a last state from which no step leads, shape (S + 1, S + 1); it shares the graph's arrays."""
    pointers = np.append(graph.starts, (len(graph), len(graph)))
    return scipy.sparse.csr_array((weight, graph.target, pointers), shape=(graph.states + 1, graph.states + 1))


def scaled_weights(graph: Graph, weight: Floats, scale: Floats) -> Floats:
    """The weights of V^-1 M V, V the diagonal of ``scale``, shape (S,), and 1 at the end; shape (n,)."""
    result, ahead = np.empty(len(graph)), np.append(scale, 1.0)
    for low in range(0, len(graph), _PIECE):
        some = slice(low, low + _PIECE)
        part = ahead.take(graph.target[some])
        part *= weight[some]
        np.divide(part, scale.take(graph.source[some]), out=result[some])
    return result


_PIECE = 1 << 12
"""Steps at a time, so that temporary arrays stay in the cache."""


class _SparseFactors:
    """Aggregated sums; from where they settle slowly BiCGSTAB, and a sparse LU where that needs over 300 iterations.

    The end is a state too, where the right side and x are 0; so M is the steps as they are.
    """

    _ITERATIONS = 300

    def __init__(self, graph: Graph, weight: Floats) -> None:
        self._matrix = step_matrix(graph, weight)
        self._pair = dominant_pair(self._matrix)
        self._factors: Any = None

    def solve(self, right: Floats, *, tolerances: Sequence[float] = REFINED) -> Floats:
        return self._solve(self._matrix, right, "N", tolerances)

    def solve_transposed(self, right: Floats, *, tolerances: Sequence[float] = REFINED) -> Floats:
        return self._solve(self._matrix.T, right, "T", tolerances)

    def scaled(self, scale: Floats, matrix: scipy.sparse.csr_array) -> _Factors:
        found = copy.copy(self)
        found._matrix, found._factors = matrix, None
        scale = np.append(scale, 1.0)
        with np.errstate(over="ignore"):
            pair = self._pair[0] / scale, self._pair[1] * scale
        found._pair = pair if np.isfinite(pair).all() else (0 * scale, 0 * scale)
        return found

    def _solve(self, matrix: scipy.sparse.csr_array, right: Floats, trans: str, tolerances: Sequence[float]) -> Floats:
        right = np.append(right, 0.0)
        if self._factors is None:
            solution = self._iterate(matrix, right, self._pair if trans == "N" else self._pair[::-1], tolerances)
            if solution is not None:
                return solution[:-1]
            try:
                whole = scipy.sparse.eye_array(len(right), format="csr") - self._matrix
                self._factors = scipy.sparse.linalg.splu(whole.tocsc())
            except RuntimeError:
                raise Undecided("I - M is singular in float64") from None
        result: Floats = self._factors.solve(right, trans=trans)
        result += self._factors.solve(right - result + matrix @ result, trans=trans)
        return result[:-1]

    def _iterate(
        self,
        matrix: scipy.sparse.csr_array,
        right: Floats,
        pair: tuple[Floats, Floats],
        tolerances: Sequence[float],
    ) -> Floats | None:
        """The solution; by BiCGSTAB refined once for each further tolerance. None where neither iteration converges."""
        with np.errstate(over="ignore", invalid="ignore"):
            solution, residual = aggregated_sums(matrix, right, pair, math.prod(tolerances))
        if residual is None:
            return solution
        first = tolerances[0] * float(np.linalg.norm(right) / np.linalg.norm(residual))
        for tolerance in (first, *tolerances[1:]):
            if not residual.any():
                break
            step = stabilised_gradients(matrix, residual, tolerance, self._ITERATIONS)
            if step is not None:
                solution = solution + step
                residual = right - solution + matrix @ solution
            elif tolerance == first:
                return None
        return solution


__all__ = [
    "DENSE",
    "MAX_BITS",
    "REFINED",
    "ROUGH",
    "SMALL",
    "UNIT",
    "UNREFINED",
    "BallSolver",
    "Diverges",
    "Engine",
    "ball_solver",
    "eliminate",
    "end_sums",
    "entries",
    "float_solver",
    "formal_weights",
    "scaled_weights",
    "step_features",
    "step_matrix",
    "step_weights",
    "totals",
]
