"""Sums over all paths of an automaton, exactly: log Z(s, t), its derivatives, the spectral radius, the critical point.

With M_ij the total weight of the steps i -> j and b_i that of the ends, the sum over all strings of the product of
their steps' weights is Z = e_0' (I - M)^-1 b, finite if and only if the spectral radius of the trimmed M is below 1.
Weights p^s e^{tR} make Z(s, t) = sum p^s e^{tR}, and A = log Z(s, t) is the cumulant function of (L, R): its first
derivatives are the means, its second ones the covariances, under q_{s,t} proportional to p^s e^{tR}.

(I - M)^-1 >= 0 turns every computed number into a certified one. On a trimmed graph a positive solution v of
(I - M) v = b certifies a spectral radius below 1; and (I - M) k >= 1 bounds the error of a solution by k times the
largest residual.

The covariances come as expected products of martingale differences, sums of terms of the size of the result: with
h_i = E[f to go | state i], Cov(f, g) = sum_i n_i sum_j P_ij (f_ij + h^f_j - h^f_i)(g_ij + h^g_j - h^g_i), n the
expected visits and P the law of the next step. The end counts as a state.
"""

from __future__ import annotations

import copy
import functools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from flint import arb, arb_mat, ctx, fmpq, fmpq_mat
from scipy import linalg, optimize, sparse
from scipy.sparse import linalg as sparse_linalg

from theory.exact import Array, Undecided, ball, balls, floats, is_exact, objects, power, to_float, widen
from theory.formal import FormalSum, rational_power
from theory.language_models.automaton import Automaton, Floats, Graph, Index
from theory.rewards import Reward

Engine = Literal["exact", "dense", "sparse"]

_SMALL = 64
"""Up to this many states balls are solved by elimination; above, a float64 factorisation is refined."""

_DENSE = 3000
"""Up to this many states a float64 factorisation is dense: it pays where it is used again and again."""

_FEW = 400
"""Up to this many states float64 moments are dense too; above, a few sparse iterations cost less than the factors."""

_WIDE = 30.0
"""Weights that differ by more than e^30 are balanced first."""

_TAME = 200.0
"""Weights in e^-200..e^200 are safe in float64."""

_MAX_BITS = 1 << 12
_UNIT = 2.0**-53


class Diverges(ArithmeticError):
    """The sum over all paths is certainly infinite: the spectral radius is at least 1."""


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
        value = solver.solve(_end_sums(graph, balls(weight))[None, :])[0]
    if any(v <= 0 for v in value):
        raise Diverges("the spectral radius is at least 1: the sum over all strings is infinite")
    if not all(v > 0 for v in value):
        raise Undecided("the spectral radius is too close to 1 for this precision")
    one: Any = fmpq(1) if isinstance(value[0], fmpq) else arb(1)
    return np.concatenate((value, objects([one])))


def _end_sums(graph: Graph, weight: Array) -> Array:
    """b, shape (S,)."""
    zero = weight[0] * 0
    return graph.row_sums(np.where(graph.target == graph.states, weight, zero))


def _entries(graph: Graph, weight: Array) -> dict[tuple[int, int], Any]:
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
    for (i, j), w in _entries(graph, weight).items():
        matrix[i, j] -= w
    ends = fmpq_mat(size, 1, list(_end_sums(graph, weight)))
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
    if graph.states > _SMALL:
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
        for (i, j), w in _entries(graph, weight).items():
            self._matrix[i, j] -= w

    def solve(self, right: Array) -> Array:
        return _eliminate(self._matrix, right)

    def solve_transposed(self, right: Array) -> Array:
        return _eliminate(self._matrix.transpose(), right)


def _eliminate(matrix: arb_mat, right: Array) -> Array:
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
            value = factors.solve(_end_sums(graph, approximate))
        except Undecided:
            return None
        if not (np.isfinite(value).all() and (value > 0).all()):
            return None
        scale = objects(arb(float(v)) for v in np.append(value, 1.0))
        scaled = weight * scale[graph.target] / scale[graph.source]
        solver = _RefinedSolver(graph, scale[:-1], scaled, factors.scaled(value))
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

    def solve(self, right: Floats, *, rough: bool = False) -> Floats:
        """``rough``: a relative residual of 1e-6 will do, where an iteration can stop early."""

    def solve_transposed(self, right: Floats) -> Floats: ...

    def scaled(self, scale: Floats) -> _Factors:
        """The same for V^-1 M V, V the diagonal of ``scale``."""


def float_solver(graph: Graph, weight: Floats, engine: Engine | None = None) -> _Factors:
    """Dense factors up to 3,000 states, else a sparse solver; or as ``engine`` says."""
    chosen = engine or ("dense" if graph.states <= _DENSE else "sparse")
    return _DenseFactors(graph, weight) if chosen == "dense" else _SparseFactors(graph, weight)


class _DenseFactors:
    """LU with partial pivoting; a scaled system shares the factors."""

    def __init__(self, graph: Graph, weight: Floats) -> None:
        self._scale = np.ones(graph.states)
        matrix = np.zeros((graph.states + 1, graph.states + 1))
        np.subtract.at(matrix, (graph.source, graph.target), weight)
        matrix = matrix[:-1, :-1]
        matrix.flat[:: graph.states + 1] += 1.0
        self._lu, self._pivots, _ = linalg.lapack.dgetrf(matrix)
        if not np.diagonal(self._lu).all():
            raise Undecided("I - M is singular in float64")

    def solve(self, right: Floats, *, rough: bool = False) -> Floats:
        result: Floats = linalg.lapack.dgetrs(self._lu, self._pivots, right * self._scale)[0] / self._scale
        return result

    def solve_transposed(self, right: Floats) -> Floats:
        result: Floats = linalg.lapack.dgetrs(self._lu, self._pivots, right / self._scale, trans=1)[0] * self._scale
        return result

    def scaled(self, scale: Floats) -> _Factors:
        result = copy.copy(self)
        result._scale = self._scale * scale
        return result


class _SparseFactors:
    """BiCGSTAB, and a sparse LU from the first system on that it does not solve in 300 iterations."""

    _ITERATIONS = 300
    _TOLERANCE = 1e-14
    _ROUGH = 1e-6

    def __init__(self, graph: Graph, weight: Floats) -> None:
        inner = graph.target < graph.states
        shape = (graph.states, graph.states)
        matrix = sparse.csr_array((weight[inner], (graph.source[inner], graph.target[inner])), shape=shape)
        self._matrix = (sparse.eye_array(graph.states, format="csr") - matrix).tocsr()
        self._factors: Any = None

    def solve(self, right: Floats, *, rough: bool = False) -> Floats:
        return self._solve(self._matrix, right, "N", rough)

    def solve_transposed(self, right: Floats) -> Floats:
        return self._solve(self._matrix.T.tocsr(), right, "T")

    def scaled(self, scale: Floats) -> _Factors:
        found, own = copy.copy(self), self._matrix
        data = own.data * scale[own.indices] / np.repeat(scale, np.diff(own.indptr))
        found._matrix = sparse.csr_array((data, own.indices, own.indptr), shape=own.shape)
        found._factors = None
        return found

    def _solve(self, matrix: Any, right: Floats, trans: str, rough: bool = False) -> Floats:
        if self._factors is None:
            solution = self._iterate(matrix, right, (self._ROUGH,) if rough else (self._TOLERANCE, 1e-3))
            if solution is not None:
                return solution
            try:
                self._factors = sparse_linalg.splu(self._matrix.tocsc())
            except RuntimeError:
                raise Undecided("I - M is singular in float64") from None
        result: Floats = self._factors.solve(right, trans=trans)
        result += self._factors.solve(right - matrix @ result, trans=trans)
        return result

    def _iterate(self, matrix: Any, right: Floats, tolerances: Sequence[float]) -> Floats | None:
        """The solution, refined once for each further tolerance; None where the iteration does not converge."""
        solution = np.zeros_like(right)
        residual = right
        for tolerance in tolerances:
            if not residual.any():
                break
            with np.errstate(all="ignore"):
                step, failed = sparse_linalg.bicgstab(
                    matrix, residual, rtol=tolerance, atol=0.0, maxiter=self._ITERATIONS
                )
            if failed and tolerance == tolerances[0]:
                return None
            if not failed:
                solution = solution + step
                residual = right - matrix @ solution
        return solution


# --- moments ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Errors:
    """Rigorous absolute error bounds of float64 moments: of log Z, the means (K,) and the covariances (K, K)."""

    log_total: float
    mean: Floats
    covariance: Floats


@dataclass(frozen=True, slots=True, eq=False)
class PathMoments:
    """Moments of additive features under the law of paths proportional to the product of weights.

    Args:
        log_total: log of the sum over all paths.
        mean: E of each feature, shape (K,).
        covariance: shape (K, K).
        value: the sum over the paths from each state, shape (S + 1,).
        ahead: E of what each feature still earns from each state on, shape (K, S).
        error: for float64; None for balls, which bound themselves.
        visits: expected visits of each state, shape (S,); None for float64.
    """

    log_total: Any
    mean: Array
    covariance: Array
    value: Array
    ahead: Array
    error: Errors | None = None
    visits: Array | None = None


def path_moments(
    graph: Graph, weight: Array, features: Array, *, engine: Engine | None = None, accuracy: float = 2.0**-50
) -> PathMoments:
    """Total, means and covariances of K features that add up along paths, without enumerating them.

    One function, three engines: ``exact`` (rationals or balls in, balls out), ``dense`` (float64 LU, O(S^3)) and
    ``sparse`` (float64 BiCGSTAB, or sparse LU where it converges slowly). By default the arithmetic of the weights
    decides, and for float64 the number of states.

    Args:
        graph: trimmed.
        weight: > 0, shape (n,).
        features: shape (K, n).
        engine: of float64 systems: "dense", "sparse", or by size.
        accuracy: how far float64 weights and features may be from the true ones, relatively; part of the bounds.

    Raises:
        Diverges: the total is certainly infinite.
        Undecided: it cannot be certified finite in this arithmetic; use more bits, or the exact engine.
    """
    if engine is None and not is_exact(weight):
        engine = "dense" if graph.states <= _FEW else "sparse"
    if engine in ("exact", None):
        if not is_exact(weight):
            weight, features = (objects(arb(float(v)) for v in x.flat).reshape(x.shape) for x in (weight, features))
        return _exact_moments(graph, weight, balls(features))
    return _float_moments(graph, floats(weight), floats(features), engine, accuracy)


def _exact_moments(graph: Graph, weight: Array, features: Array) -> PathMoments:
    value = balls(totals(graph, weight))
    law = balls(weight) * value[graph.target] / value[graph.source]
    solver = ball_solver(graph, law)
    ahead = solver.solve(np.stack([graph.row_sums(law * f) for f in features])) if len(features) else features
    start = objects([arb(0)] * graph.states)
    start[graph.initial] = arb(1)
    visits = solver.solve_transposed(start[None, :])[0]
    flow = visits[graph.source] * law
    size = len(features)
    covariance = np.empty((size, size), dtype=object)
    still = objects([arb(0)])
    differences = [
        f + np.concatenate((h, still))[graph.target] - h[graph.source] for f, h in zip(features, ahead, strict=True)
    ]
    for k in range(size):
        for l in range(k + 1):
            covariance[k, l] = covariance[l, k] = (flow * differences[k] * differences[l]).sum()
    mean = ahead[:, graph.initial] if size else objects([])
    return PathMoments(value[graph.initial].log(), mean, covariance, value, ahead, visits=visits)


class _Scaled:
    """A float64 system scaled by its own computed solution v: M~ = V^-1 M V, with what certifies it.

    M~ is similar to M; its computed entries are right to a relative ``slack``, which also covers the rounding of sums
    over the steps of a state. The true scaled solution is 1 up to ``rho`` K, with rho the largest residual and
    K >= (I - M~)^-1 1 from a k that satisfies (I - M~) k >= delta > 0.

    Raises:
        Undecided: no such k in float64.
    """

    def __init__(self, graph: Graph, weight: Floats, engine: Engine | None, accuracy: float) -> None:
        if not np.isfinite(weight).all():
            raise Undecided("weights beyond the range of float64; use the exact engine")
        factors = float_solver(graph, weight, engine)
        value = factors.solve(_end_sums(graph, weight))
        if not (np.isfinite(value).all() and (value > 0).all()):
            raise Undecided("float64 finds no positive solution; the exact engine decides whether the sum is finite")
        self.graph = graph
        self.value = np.append(value, 1.0)
        self.law: Floats = weight * self.value[graph.target] / self.value[graph.source]
        self._factors = factors.scaled(value)
        self.slack = accuracy + (int(np.bincount(graph.source).max()) + 8) * _UNIT
        steps = self._factors.solve(np.ones(graph.states), rough=True)
        left = steps - self.rows(self.law * self.ahead(steps)) * (1 + self.slack) - 2 * _UNIT * np.abs(steps)
        delta = float(left.min())
        if not (delta > 0 and (steps > 0).all()):
            raise Undecided("float64 cannot certify that the sum is finite; use the exact engine")
        self.bound: Floats = steps / delta * (1 + 1e-9)
        mass = self.rows(self.law)
        self.rho = float((np.abs(mass - 1) + self.slack * mass + _UNIT).max())
        if not self.rho * self.bound[graph.initial] < 0.5:
            raise Undecided("float64 bounds the relative error of the sum by no less than half; use the exact engine")

    def solve(self, right: Floats) -> Floats:
        """x with x - M~ x = y, approximately."""
        return self._factors.solve(right)

    def ahead(self, x: Floats) -> Floats:
        """x at the target of each step, 0 at the end."""
        result: Floats = np.append(x, 0.0)[self.graph.target]
        return result

    def rows(self, x: Floats) -> Floats:
        """The sum over the steps of each state."""
        return self.graph.row_sums(x)


@dataclass(frozen=True, slots=True, eq=False)
class _Difference:
    """d = f_ij + h_j - h_i for a feature f and any h, with which f = h_0 + sum of d along every path.

    Args:
        value: shape (n,).
        slack: absolute error of each, shape (n,).
        drift: bound of |E[sum of d | state]| / K, at every state.
        ahead: h, shape (S,).
    """

    value: Floats
    slack: Floats
    drift: float
    ahead: Floats


def _difference(system: _Scaled, feature: Floats, accuracy: float) -> _Difference:
    graph, law = system.graph, system.law
    h = system.solve(system.rows(law * feature))
    ahead, here = system.ahead(h), h[graph.source]
    value = feature + ahead - here
    slack = accuracy * np.abs(feature) + 3 * _UNIT * (np.abs(feature) + np.abs(ahead) + np.abs(here))
    inexact = system.slack + system.rho * system.ahead(system.bound)
    drift = np.abs(system.rows(law * value)) + system.rows(law * ((np.abs(value) + slack) * inexact + slack))
    return _Difference(value, slack, float(drift.max()) * 1.01, h)


def _second_moment(system: _Scaled, one: _Difference, two: _Difference) -> tuple[float, float]:
    """Cov(f, g) = E[(sum of d)(sum of e)] - E[sum of d] E[sum of e], and a bound of its absolute error."""
    law, at = system.law, system.graph.initial
    right = system.rows(law * one.value * two.value)
    x = system.solve(right)
    d, e = np.abs(one.value) + one.slack, np.abs(two.value) + two.slack
    bound = system.ahead(system.bound)
    residual = np.abs(right + system.rows(law * system.ahead(x)) - x) + 2 * _UNIT * np.abs(x)
    residual += system.rows(
        law
        * (
            d * e * (2 * system.slack + system.rho * bound)
            + (one.slack * e + two.slack * d)
            + (d * two.drift + e * one.drift) * bound
            + system.slack * system.ahead(np.abs(x))
        )
    )
    reach = float(system.bound[at])
    short = system.rho * reach
    error = (float(residual.max()) * reach + abs(float(x[at])) * short) / (1 - short)
    return float(x[at]), 1.01 * (error + one.drift * two.drift * (reach / (1 - short)) ** 2)


def _float_moments(
    graph: Graph, weight: Floats, features: Floats, engine: Engine | None, accuracy: float
) -> PathMoments:
    """The moments in float64 with rigorous bounds of their errors."""
    system = _Scaled(graph, weight, engine, accuracy)
    at, size = graph.initial, len(features)
    reach = float(system.bound[at])
    short = system.rho * reach
    log_total = math.log(system.value[at])
    log_error = -math.log1p(-short) + 4 * _UNIT * abs(log_total) + _UNIT
    differences = [_difference(system, f, accuracy) for f in features]
    mean = np.array([d.ahead[at] for d in differences])
    mean_error = np.array([d.drift for d in differences]) * reach / (1 - short) * 1.01 + 2 * _UNIT * np.abs(mean)
    covariance, covariance_error = np.zeros((size, size)), np.zeros((size, size))
    for k in range(size):
        for l in range(k + 1):
            found = _second_moment(system, differences[k], differences[l])
            covariance[k, l], covariance_error[k, l] = found
            covariance[l, k], covariance_error[l, k] = found
    error = Errors(log_error, mean_error, covariance_error)
    ahead = np.stack([d.ahead for d in differences]) if size else np.zeros((0, graph.states))
    return PathMoments(log_total, mean, covariance, system.value, ahead, error=error)


def family(automaton: Automaton, s: fmpq, t: fmpq, *, engine: Engine = "exact") -> PathMoments:
    """A(s, t) = log sum p^s e^{tR} with its first and second derivatives: the moments of (L, R) under q_{s,t}.

    q_{s,t} is proportional to p^s e^{tR}: the prior at (1, 0), p+ at (1, 1), p+ at temperature 1/tau at (tau, tau).
    Its entropy is A - s A_s - t A_t.

    Raises:
        Diverges: there is no such law.
        Undecided: float64 cannot tell, or no formal test settles a spectral radius at 1.
    """
    automaton = automaton.rewarded()
    if engine == "exact":
        if not converges(automaton, s, t):
            raise Diverges(f"the law q at (s, t) = ({s}, {t}) has no finite normaliser")
        return _narrow_moments(automaton, s, t)
    log_prior, reward = automaton.floats()
    parts = (to_float(s) * log_prior, to_float(t) * reward)
    accuracy = (8 + 4 * sum(float(np.abs(part).max()) for part in parts)) * _UNIT
    with np.errstate(over="ignore"):
        weight = np.exp(parts[0] + parts[1])
    return path_moments(automaton.graph, weight, np.stack((log_prior, reward)), engine=engine, accuracy=accuracy)


def _narrow_moments(automaton: Automaton, s: fmpq, t: fmpq) -> PathMoments:
    """The moments at as many bits as make their balls narrow; near a spectral radius of 1 more are needed."""
    bits = ctx.prec
    while bits <= _MAX_BITS:
        with ctx.workprec(bits):
            try:
                found = path_moments(automaton.graph, step_weights(automaton, s, t), step_features(automaton))
            except Undecided:
                pass
            else:
                if all(narrow(v) for v in (found.log_total, *found.mean, *found.covariance.flat)):
                    return found
        bits *= 2
    raise Undecided(f"the moments at (s, t) = ({s}, {t}) need more than {_MAX_BITS} bits")


def narrow(value: arb) -> bool:
    """Whether a ball's radius is below 10^-30, relatively where the number is large."""
    return bool(value.is_finite()) and bool(value.rad() <= (1 + abs(value.mid())) * arb(2) ** -100)


# --- finite or not ------------------------------------------------------------------------------------------------


def converges(automaton: Automaton, s: fmpq, t: fmpq) -> bool:
    """Whether sum p^s e^{tR} is finite: certainly so, or certainly not. The automaton is ``rewarded()``.

    Where balls do not tell, a formal proof that I - M is singular decides (its eigenvalue 1 makes the sum infinite);
    without one the precision is doubled.

    Raises:
        Undecided: at 4,096 bits, without such a proof.
    """
    bits = first = ctx.prec
    while bits <= _MAX_BITS:
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
    raise Undecided(f"the spectral radius at (s, t) = ({s}, {t}) cannot be told from 1 at {_MAX_BITS} bits")


def _decided_totals(graph: Graph, weight: Array) -> None:
    """``totals``, but for many states by the spectral radius where its enclosure is on one side of 1: much cheaper."""
    if graph.states > _SMALL:
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
    ``theory.formal``), so the determinant of formal sums is 0 if and only if no term is left.
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


def formal_product(one: FormalSum, two: FormalSum) -> FormalSum:
    """The product of two formal sums, radicals included."""
    return FormalSum.total(
        _term_product(first, c, second, d) for first, c in one.terms.items() for second, d in two.terms.items()
    )


def _term_product(first: Any, c: fmpq, second: Any, d: fmpq) -> FormalSum:
    exponents = dict(first[1])
    for prime, exponent in second[1]:
        exponents[prime] = exponents.get(prime, fmpq(0)) + exponent
    whole, radicals = c * d, []
    for prime in sorted(exponents):
        exponent = exponents[prime]
        if exponent >= 1:
            whole, exponent = whole * prime, exponent - 1
        if exponent != 0:
            radicals.append((prime, exponent))
    return FormalSum({(first[0] + second[0], tuple(radicals)): whole})


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
        matrix = sparse.csr_array((floats(self.weight), (self.source, self.target)), shape=shape)
        return matrix.toarray() if self.size <= _DENSE else matrix

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
    x = _refined_perron(scaled) if block.size > _SMALL else _noda(scaled)
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
            y = _eliminate(matrix, x[None, :])[0]
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
    """An approximate Perron vector from x > 0: Noda's iteration in float64, or for a sparse matrix the power method.

    Both close in on it from both sides, so that the first iteration that does not is down to rounding.
    """
    dense = isinstance(matrix, np.ndarray)
    ratios = matrix @ x / x
    for _ in range(60 if dense else 20_000):
        try:
            top = float(ratios.max()) * (1 + 4 * _UNIT)
            y = np.linalg.solve(np.eye(len(x)) * top - matrix, x) if dense else matrix @ x + top * x
        except np.linalg.LinAlgError:
            break
        if not (np.isfinite(y).all() and (y > 0).all()):
            break
        following = matrix @ y / y
        if not np.ptp(following) < np.ptp(ratios):
            break
        x, ratios = y / y.max(), following
    return x


def _refined_perron(block: _Block) -> Array:
    """A float64 Perron vector, refined in balls by Newton's method on (M - lambda) x = 0 with fixed float64 factors.

    Above 3,000 states it is not refined.
    """
    matrix = block.floats()
    x = _float_perron(matrix, np.ones(block.size))
    if block.size > _DENSE:
        return objects(arb(float(v)) for v in x)
    eigenvalue = float(np.median(matrix @ x / x))
    bordered = np.zeros((block.size + 1, block.size + 1))
    bordered[:-1, :-1] = matrix - np.eye(block.size) * eigenvalue
    bordered[:-1, -1] = -x
    bordered[-1, :-1] = 1.0
    factors = linalg.lu_factor(bordered)
    vector, value = objects(arb(float(v)) for v in x), arb(eigenvalue)
    best = math.inf
    for _ in range(ctx.prec):
        residual = objects(r.mid() for r in block.apply(vector) - vector * value)
        size = functools.reduce(arb.max, (abs(r) for r in residual))
        if size == 0 or not float(size.log()) < best - 1:
            break
        best = float(size.log())
        step = linalg.lu_solve(factors, np.append(floats(objects(r / size for r in residual)), 0.0))
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
    radius = _RadiusAlong(automaton, component)
    one, two = radius.bracket()
    value_one, value_two = radius.log(one).mid(), radius.log(two).mid()
    tiny = arb(2) ** (48 - ctx.prec)
    for _ in range(40):
        if value_two == value_one or abs(value_two) < tiny:
            break
        three = (two - value_two * (two - one) / (value_two - value_one)).mid()
        one, value_one, two, value_two = two, value_two, three, radius.log(three).mid()
    margin = arb(2) ** (56 - ctx.prec)
    while margin < 1:
        if radius.log(two - margin) > 0 and radius.log(two + margin) < 0:
            return widen(two, margin)
        margin *= 256
    raise Undecided("the critical temperature cannot be certified at this precision")


class _RadiusAlong:
    """log rho(M(tau, tau)) on one strongly connected set; the last Perron vector starts the next iteration."""

    def __init__(self, automaton: Automaton, component: Index) -> None:
        steps, source, target = automaton.graph.inside(component)
        kinds, index = automaton.kinds()
        self._logs = objects(arb(p * r.factor).log() + r.exponent for p, r in kinds)
        alike = Counter(zip(source.tolist(), target.tolist(), index[steps].tolist(), strict=True))
        pairs = sorted({(i, j) for i, j, _ in alike})
        place = {pair: k for k, pair in enumerate(pairs)}
        self._entries: list[list[tuple[int, int]]] = [[] for _ in pairs]
        for (i, j, kind), count in alike.items():
            self._entries[place[i, j]].append((kind, count))
        self._size = len(component)
        self._source, self._target = (np.array([pair[k] for pair in pairs], dtype=np.int64) for k in range(2))
        self._start: Array | None = None

    def _block(self, raised: Array) -> _Block:
        weight = objects(sum((raised[k] * count for k, count in entry), start=0 * raised[0]) for entry in self._entries)
        return _Block(self._size, self._source, self._target, weight)

    def log(self, tau: arb) -> arb:
        """log rho at tau, an exact point."""
        raised = objects((value * tau.mid()).exp() for value in self._logs)
        radius, self._start = _perron(self._block(raised), self._start)
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
            root = float(optimize.brentq(log_radius, 0.0, 1.0, xtol=1e-14))
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
    "BallSolver",
    "Diverges",
    "Engine",
    "PathMoments",
    "ball_solver",
    "bisected_exponent",
    "converges",
    "critical_exponent",
    "critical_temperature",
    "family",
    "float_solver",
    "formal_product",
    "formal_weights",
    "narrow",
    "path_moments",
    "singular",
    "spectral_radius",
    "step_features",
    "step_weights",
    "totals",
]
