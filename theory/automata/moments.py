"""Moments of an automaton's strings: log Z(s, t), its first and second derivatives, exactly or with rigorous bounds.

Weights p^s e^{tR} make Z(s, t) = sum p^s e^{tR}, and A = log Z(s, t) is the cumulant function of (L, R): its first
derivatives are the means, its second ones the covariances, under q_{s,t} proportional to p^s e^{tR}.

The covariances come as expected products of martingale differences, sums of terms of the size of the result: with
h_i = E[f to go | state i], Cov(f, g) = sum_i n_i sum_j P_ij (f_ij + h^f_j - h^f_i)(g_ij + h^g_j - h^g_i), n the
expected visits and P the law of the next step. The end counts as a state.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb, ctx, fmpq

from theory.arithmetic.exact import Array, Undecided, balls, floats, is_exact, objects, to_float
from theory.automata.path_sums import (
    MAX_BITS,
    ROUGH,
    UNIT,
    UNREFINED,
    Diverges,
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
from theory.language_models.automaton import Automaton, Floats, Graph

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
        value = factors.solve(end_sums(graph, weight))
        if not (np.isfinite(value).all() and (value > 0).all()):
            raise Undecided("float64 finds no positive solution; the exact engine decides whether the sum is finite")
        self.graph = graph
        self._steps = np.diff(graph.starts, append=len(graph))
        self.value = np.append(value, 1.0)
        self.law = scaled_weights(graph, weight, value)
        self._matrix = step_matrix(graph, self.law)
        self._factors = factors.scaled(value, self._matrix)
        self.slack = accuracy + (int(self._steps.max()) + 8) * UNIT
        steps = self._factors.solve(np.ones(graph.states), tolerances=ROUGH)
        left = steps - self.following(steps) * (1 + self.slack) - 2 * UNIT * np.abs(steps)
        delta = float(left.min())
        if not (delta > 0 and (steps > 0).all()):
            raise Undecided("float64 cannot certify that the sum is finite; use the exact engine")
        self.bound: Floats = steps / delta * (1 + 1e-9)
        mass = self.rows(self.law)
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

    def ahead(self, x: Floats) -> Floats:
        """x at the target of each step, 0 at the end."""
        result: Floats = np.append(x, 0.0).take(self.graph.target)
        return result

    def here(self, x: Floats) -> Floats:
        """x at the source of each step."""
        return np.repeat(x, self._steps)

    def rows(self, x: Floats) -> Floats:
        """The sum over the steps of each state."""
        return self.graph.row_sums(x)


@dataclass(frozen=True, slots=True, eq=False)
class _Difference:
    """d = f_ij + h_j - h_i for a feature f and any h, with which f = h_0 + sum of d along every path.

    Args:
        value: shape (n,).
        slack: absolute error of each, shape (n,).
        size: |d| + slack, shape (n,).
        drift: bound of |E[sum of d | state]| / K, at every state.
        ahead: h, shape (S,).
        left: E[d at the next step], shape (S,): the residual of h.
    """

    value: Floats
    slack: Floats
    size: Floats
    drift: float
    ahead: Floats
    left: Floats


def _difference(system: _Scaled, feature: Floats, accuracy: float, inexact: Floats) -> _Difference:
    h = system.solve(system.rows(system.law * feature))
    value, here = system.ahead(h), system.here(h)
    slack = np.abs(value)
    value -= here
    value += feature
    slack += np.abs(here, out=here)
    slack *= 3 * UNIT
    size = np.abs(feature, out=here)
    size *= accuracy + 3 * UNIT
    slack += size
    doubt = np.multiply(system.law, value, out=size)
    left = system.rows(doubt)
    size = np.abs(value)
    size += slack
    np.multiply(size, inexact, out=doubt)
    doubt += slack
    doubt *= system.law
    drift = np.abs(left) + system.rows(doubt)
    return _Difference(value, slack, size, float(drift.max()) * 1.01, h, left)


def _mean(system: _Scaled, visits: Floats, one: _Difference) -> tuple[float, float]:
    """E f = h_0 + E[sum of d], the latter about n'left, and a bound of its absolute error."""
    at = system.graph.initial
    short = system.rho * float(system.bound[at])
    more = float(visits @ one.left)
    found = float(one.ahead[at]) + more
    error = one.drift * float(system.bound[at]) / (1 - short) * 1.01
    return found, error + abs(more) + 2 * UNIT * abs(found)


_BLOCK = 8
"""So many terms of a long sum are added in float64, their sums exactly."""


@dataclass(frozen=True, slots=True, eq=False)
class _Covariances:
    """Cov(f, g) = E[(sum of d)(sum of e)] - E[sum of d] E[sum of e] from the expected visits, with error bounds.

    With u the true scaled solution and X_i = E[(sum of d)(sum of e) | i], Y = u X satisfies (I - M~) Y = R,
    R_i = sum_j M~_ij (u_j d e + d u_j E_j + e u_j D_j), where u_j |D_j| <= drift K_j. With n about (I - M~')^-1 e_0 and
    its residual q = e_0 - (I - M~')n, Y_0 = n'R + q'(I - M~)^-1 R, and |(I - M~)^-1 R| <= K max|R|.

    R is taken to be sum_j M~_ij d e, and each term of it is off by no more than
    K_j (drift_d e + drift_e d) + slack_d e + slack_e d + inexact d e with the sizes of d and e. Summed with |n|, these
    are inner products over the steps.

    Args:
        visits: n, shape (S,).
        missed: bound of sum_j |q_j| K_j.
        reached: sum over the steps of |n| M~ K times the size of each d, shape (F,).
        loose: sum over the steps of |n| M~ times the slack of one d and the size of another, shape (F, F).
        vague: the same with inexact and the size of both; inexact is the relative error of a step's weight times u.
        most: bounds of K and of inexact; and of the size and the slack of each d.
    """

    system: _Scaled
    differences: Sequence[_Difference]
    visits: Floats
    missed: float
    reached: Floats
    loose: Floats
    vague: Floats
    most: tuple[float, float, list[tuple[float, float]]]

    @staticmethod
    def of(system: _Scaled, differences: Sequence[_Difference], ahead: Floats, inexact: Floats) -> _Covariances:
        """From K at the target of each step and ``inexact``, shapes (n,); both are overwritten."""
        visits, missed = system.visits()
        largest = [(float(d.size.max()), float(d.slack.max())) for d in differences]
        most = float(ahead.max()), float(inexact.max()), largest
        flow = system.here(np.abs(visits))
        flow *= system.law
        ahead *= flow
        inexact *= flow
        reached = np.array([ahead @ d.size for d in differences])
        loose, vague = (
            np.array([[weight @ e.size for e in differences] for weight in weights])
            for weights in ((flow * d.slack for d in differences), (inexact * d.size for d in differences))
        )
        return _Covariances(system, differences, visits, missed, reached, loose, vague, most)

    def row(self, k: int) -> Iterator[tuple[float, float]]:
        """Cov(f_k, f_l), l = 0, ..., k, and a bound of its absolute error. 1.01 is for the rounding of the bounds."""
        system, one = self.system, self.differences[k]
        weighted = system.law * one.value
        reach = float(system.bound[system.graph.initial])
        short = system.rho * reach
        blocks = np.arange(0, system.graph.states, _BLOCK)
        for l, two in enumerate(self.differences[: k + 1]):
            right = system.rows(weighted * two.value)
            terms = self.visits * right
            found = math.fsum(np.add.reduceat(terms, blocks).tolist())
            error = one.drift * self.reached[l] + two.drift * self.reached[k]
            error += self.loose[k, l] + self.loose[l, k] + self.vague[k, l]
            error += (_BLOCK + 2) * UNIT * float(np.abs(terms).sum())
            error += self.missed * (float(np.abs(right).max()) + self._most_doubt(k, l))
            error = (error + abs(found) * short) / (1 - short)
            yield found, 1.01 * (error + one.drift * two.drift * (reach / (1 - short)) ** 2)

    def _most_doubt(self, k: int, l: int) -> float:
        """How far sum_j M~_ij d e is from R_i at most; the sum of M~_ij is below 2."""
        steps, inexact, largest = self.most
        (d, s), (e, t) = largest[k], largest[l]
        doubt = steps * (self.differences[k].drift * e + self.differences[l].drift * d)
        return 2 * (doubt + s * e + t * d + inexact * d * e)


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
    bound = system.ahead(system.bound)
    inexact = system.rho * bound
    inexact += system.slack
    differences = [_difference(system, f, accuracy, inexact) for f in features]
    inexact += system.slack
    covariances = _Covariances.of(system, differences, bound, inexact)
    for k, one in enumerate(differences):
        mean[k], error.mean[k] = _mean(system, covariances.visits, one)
        for l, found in enumerate(covariances.row(k)):
            covariance[k, l], error.covariance[k, l] = found
            covariance[l, k], error.covariance[l, k] = found
    ahead = np.stack([d.ahead for d in differences])
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


def narrow(value: arb) -> bool:
    """Whether a ball's radius is below 10^-30, relatively where the number is large."""
    return bool(value.is_finite()) and bool(value.rad() <= (1 + abs(value.mid())) * arb(2) ** -100)


__all__ = [
    "Errors",
    "PathMoments",
    "family",
    "narrow",
    "path_moments",
]
