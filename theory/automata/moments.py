"""Moments of an automaton's strings: log Z(s, t), its first and second derivatives, exactly or with rigorous bounds.

Weights p^s e^{tR} make Z(s, t) = sum p^s e^{tR}, and A = log Z(s, t) is the cumulant function of (L, R): its first
derivatives are the means, its second ones the covariances, under q_{s,t} proportional to p^s e^{tR}.

The covariances come as expected products of martingale differences, sums of terms of the size of the result: with
h_i = E[f to go | state i], Cov(f, g) = sum_i n_i sum_j P_ij (f_ij + h^f_j - h^f_i)(g_ij + h^g_j - h^g_i), n the
expected visits and P the law of the next step. The end counts as a state.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb, ctx, fmpq

from theory.arithmetic.exact import Array, Diverges, Undecided, balls, floats, is_exact, narrow, objects, to_float
from theory.automata.path_sums import (
    MAX_BITS,
    ROUGH,
    UNIT,
    UNREFINED,
    Engine,
    ball_solver,
    end_sums,
    float_solver,
    scaled_weights,
    step_features,
    step_matrix,
    step_weights,
    totals,
)
from theory.automata.spectral_radius import converges
from theory.language_models.automaton import Automaton, Floats, Graph, Index

_FEW = 400
"""Up to this many states float64 moments are dense too; above, a few sparse iterations cost less than the factors."""

_MANY_STEPS = 200
"""Into one state."""


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
    ``sparse`` (float64, O(n) an iteration; BiCGSTAB or sparse LU where partial sums settle slowly). By default the
    arithmetic of the weights decides, and for float64 the number of states.

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
        value = factors.solve(end_sums(graph, weight))
        if not (np.isfinite(value).all() and (value > 0).all()):
            raise Undecided("float64 finds no positive solution; the exact engine decides whether the sum is finite")
        self.graph = graph
        self.runs = _runs(graph)
        self.value = np.append(value, 1.0)
        self.law = scaled_weights(graph, weight, value)
        self._matrix = step_matrix(graph, self.law)
        self._factors = factors.scaled(value, self._matrix)
        self.slack = accuracy + (max(int(run.count.max()) for run in self.runs) + 8) * UNIT
        steps = self._factors.solve(np.ones(graph.states), tolerances=ROUGH)
        left = steps - self.following(steps) * (1 + self.slack) - 2 * UNIT * np.abs(steps)
        delta = float(left.min())
        if not (delta > 0 and (steps > 0).all()):
            raise Undecided("float64 cannot certify that the sum is finite; use the exact engine")
        self.bound: Floats = steps / delta * (1 + 1e-9)
        mass = graph.row_sums(self.law)
        # a sum of m weights has m + 1 roundings, two of them in each weight; slack is for sums of products
        self.rho = float((np.abs(mass - 1) + (self.slack - 5 * UNIT) * mass + UNIT).max())
        if not self.rho * self.bound[graph.initial] < 0.5:
            raise Undecided("float64 bounds the relative error of the sum by no less than half; use the exact engine")

    def solve(self, right: Floats) -> Floats:
        """x with x - M~ x = y, approximately."""
        return self._factors.solve(right, tolerances=UNREFINED)

    def visits(self) -> tuple[Floats, float]:
        """n, about (I - M~')^-1 e_0, and a bound of sum_j |e_0 - (I - M~')n|_j K_j.

        Where very many steps lead into one state they are added in the widest float.
        """
        graph = self.graph
        start = np.zeros(graph.states)
        start[graph.initial] = 1.0
        visits = self._factors.solve_transposed(start, tolerances=UNREFINED)
        steps = int(np.bincount(graph.target)[:-1].max(initial=0))
        real = np.longdouble if steps > _MANY_STEPS else np.float64
        into = self._matrix.T.astype(real, copy=False)
        arrivals = (into @ np.append(visits, 0.0).astype(real))[:-1]
        largest = (into @ np.append(np.abs(visits), 0.0).astype(real))[:-1] if (visits < 0).any() else arrivals
        slack = self.slack + (steps + 2) * float(np.finfo(real).eps) / 2
        residual = np.abs(start - visits + arrivals) + slack * largest + 2 * UNIT * np.abs(visits)
        return visits, float(residual @ self.bound) * (1 + 1e-9)

    def following(self, x: Floats) -> Floats:
        """M~ x."""
        result: Floats = (self._matrix @ np.append(x, 0.0))[:-1]
        return result

    def expected(self, features: Floats) -> Floats:
        """E[f at the next step | state] with the weights M~: shape (F, n) to (F, S)."""
        parts = [run.sums(self.law[run.steps] * features[:, run.steps]) for run in self.runs]
        return np.concatenate(parts, axis=1)


_LONG = 1 << 12
"""Steps of a run; arrays of 64 KB stay in the cache, and those above 128 KB are new pages each time."""


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    """States in a row with their steps, few enough for temporary arrays.

    Args:
        states, steps: which.
        starts: the first step of each state, from the run's first on.
        count: steps of each state.
    """

    states: slice
    steps: slice
    starts: Index
    count: Index

    def here(self, x: Floats) -> Floats:
        """x, shape (..., S), at the source of each step."""
        return x[..., self.states].repeat(self.count, axis=-1)

    def sums(self, x: Floats) -> Floats:
        """The sum over the steps of each state: shape (..., steps) to (..., states)."""
        result: Floats = np.add.reduceat(x, self.starts, axis=-1)
        return result


def _runs(graph: Graph) -> list[_Run]:
    starts = np.append(graph.starts, len(graph))
    count = np.diff(starts)
    cuts = sorted({*np.searchsorted(graph.starts, np.arange(0, len(graph), _LONG)).tolist(), graph.states})
    return [
        _Run(slice(i, j), slice(starts[i], starts[j]), starts[i:j] - starts[i], count[i:j])
        for i, j in itertools.pairwise(cuts)
    ]


class _Differences:
    """d = f_ij + h_j - h_i for each feature f and any h, with which f = h_0 + sum of d along every path.

    What is needed of them are sums over the steps: of each state for values, with the expected visits n for bounds. The
    slack of d bounds its absolute error, its size is |d| + slack; inexact is the relative error of a step's weight
    times u, the true scaled solution.

    Args:
        ahead: h, shape (F, S).
        left: E[d at the next step], shape (F, S): the residual of h.
        products: sum_j M~_ij d e of each two, shape (F, F, S).
        drift: bound of |E[sum of d | state]| / K at every state, shape (F,).
        reached: sum of |n| M~ K times the size of d, shape (F,).
        loose: sum of |n| M~ times the slack of one d and the size of another, shape (F, F).
        vague: the same with inexact and the size of both.
        slack, size: bounds of each, shape (F,).
    """

    def __init__(self, system: _Scaled, features: Floats, accuracy: float, visits: Floats) -> None:
        count, states = len(features), system.graph.states
        self.ahead = np.stack([system.solve(right) for right in system.expected(features)])
        self.left = np.empty((count, states))
        self.products = np.empty((count, count, states))
        self.drift, self.reached, self.size = np.zeros((3, count))
        self.loose, self.vague = np.zeros((2, count, count))
        passed, bound = np.abs(visits), np.append(system.bound, 0.0)
        after = np.append(self.ahead, np.zeros((count, 1)), axis=1)
        for run in system.runs:
            target, law = system.graph.target[run.steps], system.law[run.steps]
            found = _difference(after.take(target, axis=1), run.here(after), features[:, run.steps], accuracy)
            self._add(run, law, run.here(passed) * law, bound.take(target), system, *found)
        self.drift *= 1.01
        # |f| is at most the sum of |d|, |h_i| and |h_j|
        self.slack = (accuracy + 8 * UNIT) * (self.size + 2 * np.abs(self.ahead).max(axis=1))

    def _add(
        self,
        run: _Run,
        law: Floats,
        flow: Floats,
        bound: Floats,
        system: _Scaled,
        value: Floats,
        slack: Floats,
        size: Floats,
    ) -> None:
        """The steps of one run; ``flow`` is |n| M~, ``bound`` K at the targets."""
        np.maximum(self.size, size.max(axis=1), out=self.size)
        weighted = law * value
        left = run.sums(weighted)
        self.left[:, run.states] = left
        self.products[:, :, run.states] = run.sums(weighted[:, None] * value)
        self.loose += (slack * flow) @ size.T
        self.reached += size @ (flow * bound)
        bound *= system.rho
        bound += system.slack
        doubt = np.multiply(size, bound, out=weighted)
        doubt += slack
        doubt *= law
        np.maximum(self.drift, (np.abs(left) + run.sums(doubt)).max(axis=1), out=self.drift)
        bound += system.slack
        bound *= flow
        self.vague += (size * bound) @ size.T


def _difference(ahead: Floats, here: Floats, features: Floats, accuracy: float) -> tuple[Floats, Floats, Floats]:
    """(d, its slack, its size) on some steps, from h at both their ends; shapes (F, steps)."""
    value = ahead - here
    value += features
    slack = np.abs(ahead, out=ahead)
    slack += np.abs(here, out=here)
    slack *= 3 * UNIT
    size = np.abs(features, out=here)
    size *= accuracy + 3 * UNIT
    slack += size
    np.abs(value, out=size)
    size += slack
    return value, slack, size


_BLOCK = 8
"""So many terms of a long sum are added in float64, their sums exactly."""


@dataclass(frozen=True, slots=True, eq=False)
class _Visited:
    """Moments from the expected visits: Cov(f, g) = E[(sum of d)(sum of e)] - E[sum of d] E[sum of e].

    With u the true scaled solution and X_i = E[(sum of d)(sum of e) | i], Y = u X satisfies (I - M~) Y = R,
    R_i = sum_j M~_ij (u_j d e + d u_j E_j + e u_j D_j), where u_j |D_j| <= drift K_j. With n about (I - M~')^-1 e_0 and
    its residual q = e_0 - (I - M~')n, Y_0 = n'R + q'(I - M~)^-1 R, and |(I - M~)^-1 R| <= K max|R|.

    R is taken to be sum_j M~_ij d e; a term of it is off by no more than K_j (drift_d e + drift_e d) + slack_d e
    + slack_e d + inexact d e, with the sizes of d and e. The factor 1.01 is for the rounding of these bounds.

    Args:
        visits: n, shape (S,).
        missed: bound of sum_j |q_j| K_j.
    """

    system: _Scaled
    differences: _Differences
    visits: Floats
    missed: float

    def mean(self, k: int) -> tuple[float, float]:
        """E f = h_0 + E[sum of d], the latter about n'left, and a bound of its absolute error."""
        at, own = self.system.graph.initial, self.differences
        short = self.system.rho * float(self.system.bound[at])
        more = float(self.visits @ own.left[k])
        found = float(own.ahead[k, at]) + more
        error = float(own.drift[k]) * float(self.system.bound[at]) / (1 - short) * 1.01
        return found, error + abs(more) + 2 * UNIT * abs(found)

    def covariance(self, k: int, l: int) -> tuple[float, float]:
        """Cov(f_k, f_l), l <= k, and a bound of its absolute error."""
        own, right = self.differences, self.differences.products[k, l]
        terms = self.visits * right
        found = math.fsum(np.add.reduceat(terms, np.arange(0, len(terms), _BLOCK)).tolist())
        error = float(own.drift[k] * own.reached[l] + own.drift[l] * own.reached[k])
        error += float(own.loose[k, l] + own.loose[l, k] + own.vague[k, l])
        error += (_BLOCK + 2) * UNIT * float(np.abs(terms).sum())
        error += self.missed * (float(np.abs(right).max()) + self._most_doubt(k, l))
        reach = float(self.system.bound[self.system.graph.initial])
        short = self.system.rho * reach
        error = (error + abs(found) * short) / (1 - short)
        return found, 1.01 * (error + float(own.drift[k] * own.drift[l]) * (reach / (1 - short)) ** 2)

    def _most_doubt(self, k: int, l: int) -> float:
        """How far sum_j M~_ij d e is from R_i at most; the sum of M~_ij is below 2."""
        own, most = self.differences, float(self.system.bound.max())
        doubt = most * (own.drift[k] * own.size[l] + own.drift[l] * own.size[k])
        doubt += own.slack[k] * own.size[l] + own.slack[l] * own.size[k]
        return 2 * float(doubt + (self.system.rho * most + 2 * self.system.slack) * own.size[k] * own.size[l])


def _float_moments(
    graph: Graph, weight: Floats, features: Floats, engine: Engine | None, accuracy: float
) -> PathMoments:
    """The moments in float64 with rigorous bounds of their errors."""
    system = _Scaled(graph, weight, engine, accuracy)
    size = len(features)
    short = system.rho * float(system.bound[graph.initial])
    log_total = math.log(system.value[graph.initial])
    log_error = -math.log1p(-short) + 4 * UNIT * abs(log_total) + UNIT
    error = Errors(log_error, np.zeros(size), np.zeros((size, size)))
    mean, covariance, none = np.zeros(size), np.zeros((size, size)), np.zeros((0, graph.states))
    if not size:
        return PathMoments(log_total, mean, covariance, system.value, none, error=error)
    visits, missed = system.visits()
    visited = _Visited(system, _Differences(system, features, accuracy, visits), visits, missed)
    for k in range(size):
        mean[k], error.mean[k] = visited.mean(k)
        for l in range(k + 1):
            found = visited.covariance(k, l)
            covariance[k, l], error.covariance[k, l] = found
            covariance[l, k], error.covariance[l, k] = found
    return PathMoments(log_total, mean, covariance, system.value, visited.differences.ahead, error=error)


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
    accuracy = (8 + 4 * sum(float(np.abs(part).max()) for part in parts)) * UNIT
    with np.errstate(over="ignore"):
        weight = np.exp(parts[0] + parts[1])
    return path_moments(automaton.graph, weight, np.stack((log_prior, reward)), engine=engine, accuracy=accuracy)


def _narrow_moments(automaton: Automaton, s: fmpq, t: fmpq) -> PathMoments:
    """The moments at as many bits as make their balls narrow; near a spectral radius of 1 more are needed."""
    bits = ctx.prec
    while bits <= MAX_BITS:
        with ctx.workprec(bits):
            try:
                found = path_moments(automaton.graph, step_weights(automaton, s, t), step_features(automaton))
            except Undecided:
                pass
            else:
                if all(narrow(v) for v in (found.log_total, *found.mean, *found.covariance.flat)):
                    return found
        bits *= 2
    raise Undecided(f"the moments at (s, t) = ({s}, {t}) need more than {MAX_BITS} bits")


__all__ = [
    "Errors",
    "PathMoments",
    "family",
    "path_moments",
]
