"""Moments of an automaton's strings: log Z(s, t), its first and second derivatives, exactly or with rigorous bounds.

Weights p^s e^{tR} make Z(s, t) = sum p^s e^{tR}, and A = log Z(s, t) is the cumulant function of (L, R): its first
derivatives are the means, its second ones the covariances, under q_{s,t} proportional to p^s e^{tR}.

The covariances come as expected products of martingale differences, sums of terms of the size of the result: with
h_i = E[f to go | state i], Cov(f, g) = sum_i n_i sum_j P_ij (f_ij + h^f_j - h^f_i)(g_ij + h^g_j - h^g_i), n the
expected visits and P the law of the next step. The end counts as a state.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb, ctx, fmpq

from theory.arithmetic.exact import Array, Undecided, balls, floats, is_exact, objects, to_float
from theory.automata.path_sums import (
    MAX_BITS,
    UNIT,
    Diverges,
    Engine,
    ball_solver,
    end_sums,
    float_solver,
    step_features,
    step_weights,
    totals,
)
from theory.automata.spectral_radius import converges
from theory.language_models.automaton import Automaton, Floats, Graph

_FEW = 400
"""Up to this many states float64 moments are dense too; above, a few sparse iterations cost less than the factors."""


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
        self.value = np.append(value, 1.0)
        self.law: Floats = weight * self.value[graph.target] / self.value[graph.source]
        self._factors = factors.scaled(value)
        self.slack = accuracy + (int(np.bincount(graph.source).max()) + 8) * UNIT
        steps = self._factors.solve(np.ones(graph.states), rough=True)
        left = steps - self.rows(self.law * self.ahead(steps)) * (1 + self.slack) - 2 * UNIT * np.abs(steps)
        delta = float(left.min())
        if not (delta > 0 and (steps > 0).all()):
            raise Undecided("float64 cannot certify that the sum is finite; use the exact engine")
        self.bound: Floats = steps / delta * (1 + 1e-9)
        mass = self.rows(self.law)
        self.rho = float((np.abs(mass - 1) + self.slack * mass + UNIT).max())
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
    slack = accuracy * np.abs(feature) + 3 * UNIT * (np.abs(feature) + np.abs(ahead) + np.abs(here))
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
    residual = np.abs(right + system.rows(law * system.ahead(x)) - x) + 2 * UNIT * np.abs(x)
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
    log_error = -math.log1p(-short) + 4 * UNIT * abs(log_total) + UNIT
    differences = [_difference(system, f, accuracy) for f in features]
    mean = np.array([d.ahead[at] for d in differences])
    mean_error = np.array([d.drift for d in differences]) * reach / (1 - short) * 1.01 + 2 * UNIT * np.abs(mean)
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
