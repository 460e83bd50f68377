"""Sums over all strings of a back-off model, in float64 with rigorous bounds, by products that expand nothing.

With p(w|h) as written, c(h) its sum over w, r(w) the reward of a token in nats and h.w the state after it,

    (M f)(h) = c(h)^-s G(h),   G(h) = sum over listed w [ p^s e^{tr} f(h.w) - (b p-)^s e^{tr} f(h-.w) ] + b^s G(h-),

where b is the back-off weight of h and p- = p(w|h-). An end counts as f = 1 in the sums from each state. Entries of
that sum may be negative (a listed p below b p-), while M itself never is: every bound below is of M f for f >= 0, as it
is computed, with the sum of the sizes of its terms for rounding.

(I - M)^-1 >= 0 turns each solution into a certified one: where (I - M) k >= g > 0, an error e with |(I - M) e| <= z g
is at most z k. Source: Berman and Plemmons (1994), Nonnegative matrices in the mathematical sciences, chapter 6.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy

from theory.arithmetic.exact import Diverges, Undecided
from theory.automata.path_sums import UNIT
from theory.language_models.automaton import Floats, Index, Mask
from theory.language_models.ngram import LN10, PIECE, NGramModel

_LARGEST = 600.0
"""Logarithms of weights beyond this are not taken to float64."""


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """sum over the next token of q^s e^{tr} r^j (log q)^i f for i = 0, 1, 2, each of shape (S,).

    Args:
        size: the same of the sizes of the terms, with 1 + |log q|: errors are at most ``slack`` times these.
    """

    plain: Floats
    first: Floats
    second: Floats
    size: tuple[Floats, Floats, Floats]


@dataclass(frozen=True, slots=True, eq=False)
class FailureSums:
    """M(s, t) of a back-off model as a product with vectors. Cost of one: O(arcs).

    Args:
        model: its laws are p / c.
        reward: r of each token, and of the end, which is 0; nats, shape (V + 1,); -inf removes a token.
        s, t: s > 0, t >= 0.
        live: the states that strings pass, shape (S,).
        log_mass: log c, shape (S,).
        slack: relative error of every term, rounding of the sums included; shape (S,).
    """

    model: NGramModel
    reward: Floats
    s: float
    t: float
    live: Mask
    log_mass: Floats
    slack: Floats
    _up: Floats
    _down: Floats
    _back: Floats
    _scale: Floats
    _matrix: scipy.sparse.csr_array
    _first: Index

    @staticmethod
    def of(model: NGramModel, reward: Floats, s: float, t: float, *, normalised: bool = True) -> FailureSums:
        """The sums at (s, t); of the laws as written where they are not to be ``normalised``.

        Raises:
            Undecided: weights beyond the range of float64.
        """
        kept = np.isfinite(reward)
        live = _reachable(model, kept.tobytes())
        log_mass, loose = _log_masses(model) if normalised else (np.zeros(model.states), np.zeros(model.states))
        earned = np.where(kept, t * np.where(kept, reward, 0.0), -np.inf)[model.token]
        log_prob, log_back = LN10 * model.log10_prob, LN10 * model.log10_back
        source = model.source
        raised, lowered = s * log_prob + earned, s * (log_prob[model.lower] + log_back[source]) + earned
        back = s * log_back
        largest = max(float(raised.max()), float(lowered.max()), float(back.max(initial=0.0, where=back > -np.inf)))
        if not largest < _LARGEST:
            raise Undecided("weights beyond the range of float64")
        if model.dangling is not None and not normalised:
            raised, lowered = raised + LN10 * s * model.dangling, lowered + LN10 * s * model.dangling[model.lower]
        up, down = np.exp(raised), np.exp(lowered)
        size = s * (np.abs(log_prob).max(initial=1.0) + np.abs(log_back[np.isfinite(log_back)]).max(initial=0.0))
        size += t * np.abs(reward[kept]).max(initial=0.0)
        longest = int(np.diff(model.starts).max())
        terms = 2 * PIECE + longest // PIECE + 4 * model.order + 16
        slack = (8 * size + terms) * UNIT + max(1.0, s) * (1.01 * loose + 4 * UNIT * np.abs(log_mass))
        return FailureSums(
            model,
            np.where(kept, reward, 0.0),
            s,
            t,
            live,
            log_mass,
            slack,
            up,
            down,
            np.exp(back),
            np.where(live, np.exp(-s * log_mass), 0.0),
            listed_matrix(model, up, down),
            np.searchsorted(model.pieces(), model.starts[:-1]),
        )

    @property
    def states(self) -> int:
        """S."""
        return self.model.states

    def product(self, x: Floats, end: float = 0.0) -> Floats:
        """M x and ``end`` times the ends on the states that are passed, 0 elsewhere."""
        rows = self._matrix @ self._padded(x, end)
        found = rows if len(rows) == self.states else np.add.reduceat(rows, self._first)
        return self._backed(found, self._back) * self._scale

    def _padded(self, x: Floats, end: float) -> Floats:
        """x on the states that are passed, 0 elsewhere, and the end."""
        return np.append(np.where(self.live, x, 0.0), end)

    def _backed(self, found: Floats, weight: Floats) -> Floats:
        """G from the sums over the listed arcs, shorter contexts first."""
        levels, back = self.model.levels, self.model.back
        for low, high in itertools.pairwise(levels[1:]):
            found[low:high] += weight[low:high] * found[back[low:high]]
        return found

    def sums(self, x: Floats, end: float, power: int = 0) -> Sums:
        """The sums with (log q)^i r^power, for i = 0, 1, 2; log q is that of the normalised law."""
        model = self.model
        ahead = self._padded(x, end)[model.target]
        factor = self.reward[model.token] ** power if power else 1.0
        log_prob = LN10 * model.log10_prob
        log_back = np.where(np.isfinite(model.log10_back), LN10 * model.log10_back, 0.0)
        up = self._up * factor * ahead
        down = self._down * factor * ahead[model.lower]
        log_up, log_down = log_prob, log_prob[model.lower] + log_back[model.source]
        signed = [up - down, up * log_up - down * log_down, up * log_up**2 - down * log_down**2]
        up, down = np.abs(up), np.abs(down)
        log_up, log_down = -log_prob, np.abs(log_prob[model.lower]) + np.abs(log_back[model.source])
        sizes = [up + down, up * log_up + down * log_down, up * log_up**2 + down * log_down**2]
        found = self._three(signed, log_back, -self.log_mass)
        zero, one, two = self._three(sizes, np.abs(log_back), np.abs(self.log_mass))
        return Sums(*found, size=(zero, one + zero, two + 2 * one + zero))

    def _three(self, terms: list[Floats], log_back: Floats, shift: Floats) -> tuple[Floats, Floats, Floats]:
        """Sums with powers 0, 1, 2 of a logarithm that grows by ``log_back`` on a back-off, and last by ``shift``."""
        model = self.model
        zero, one, two = (model.row_sums(term) for term in terms)
        for low, high in itertools.pairwise(model.levels[1:]):
            some = slice(low, high)
            weight, at, lag = self._back[some], model.back[some], log_back[some]
            two[some] += weight * (two[at] + 2 * lag * one[at] + lag**2 * zero[at])
            one[some] += weight * (one[at] + lag * zero[at])
            zero[some] += weight * zero[at]
        two = two + 2 * shift * one + shift**2 * zero
        one = one + shift * zero
        return zero * self._scale, one * self._scale, two * self._scale

    def size(self, x: Floats, end: float = 0.0) -> Floats:
        """The sum of the sizes of the terms of M x, x >= 0."""
        model = self.model
        ahead = self._padded(x, end)[model.target]
        found = model.row_sums(self._up * ahead + self._down * ahead[model.lower])
        return self._backed(found, self._back) * self._scale


@functools.lru_cache(maxsize=16)
def _reachable(model: NGramModel, kept: bytes) -> Mask:
    """Kept, because the sums of one model are wanted at many (s, t)."""
    return model.reachable(np.frombuffer(kept, dtype=bool))


@functools.lru_cache(maxsize=4)
def _log_masses(model: NGramModel) -> tuple[Floats, Floats]:
    """(log c, a bound of its absolute error), shape (S,).

    Raises:
        Undecided: c is not certainly > 0.
    """
    mass, size = model.masses(), model.mass_sizes()
    longest = int(np.diff(model.starts).max())
    each = (2 * PIECE + longest // PIECE + 8 * LN10 * np.abs(model.log10_prob).max(initial=1.0) + 16) * UNIT
    error = each * size
    if not (mass > 2 * error).all():
        state = int(np.argmin(mass - 2 * error))
        raise Undecided(f'the probabilities after "{" ".join(model.context(state))}" sum to {mass[state]:.3g}')
    return np.log(mass), 1.01 * error / (mass - error) + UNIT


def listed_matrix(model: NGramModel, up: Floats, down: Floats) -> scipy.sparse.csr_array:
    """The listed terms as a matrix, a row for each piece of a state's arcs; shape (pieces, S + 1)."""
    pieces = model.pieces()
    apart = np.flatnonzero(model.target != model.target[model.lower])
    length = np.diff(np.append(pieces, len(model)))
    row = np.repeat(np.arange(len(pieces), dtype=np.int32), length)
    merged = up - down
    merged[apart] = up[apart]
    values = np.concatenate((merged, -down[apart]))
    column = np.concatenate((model.target, model.target[model.lower[apart]]))
    shape = (len(pieces), model.states + 1)
    if not len(apart):
        bounds = np.append(pieces, len(model)).astype(np.int32)
        return scipy.sparse.csr_array((values, column, bounds), shape=shape)
    return scipy.sparse.csr_array((values, (np.concatenate((row, row[apart])), column)), shape=shape)


# --- certified solutions ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Certificate:
    """k > 0 with (I - M) k >= g > 0 on the states that are passed, which proves a spectral radius below 1 there."""

    k: Floats
    g: Floats


def solve(product: Callable[[Floats], Floats], right: Floats, rounds: int = 4) -> Floats:
    """x with x - M x = y, approximately: GMRES, repeated on the residual."""
    size = len(right)
    operator = scipy.sparse.linalg.LinearOperator((size, size), matvec=lambda x: x - product(x), dtype=np.float64)
    x: Floats = np.zeros(size)
    residual, best = right, np.inf
    for _ in range(rounds):
        scale = float(np.abs(residual).max())
        if not 1e-15 * float(np.abs(right).max()) < scale < best / 2:
            break
        best = scale
        step, _ = scipy.sparse.linalg.gmres(operator, residual / scale, rtol=1e-9, restart=40, maxiter=10)
        x = x + step * scale
        residual = right - x + product(x)
    return x


def certify(sums: FailureSums, scale: Floats) -> Certificate:
    """A certificate with g near ``scale`` > 0.

    Raises:
        Undecided: none was found in float64.
    """
    k = solve(sums.product, scale)
    k = np.where(sums.live, k, 1.0)
    g = k - sums.product(k) - sums.slack * sums.size(k) - 3 * UNIT * np.abs(k)
    if not (np.isfinite(k).all() and (k > 0).all() and (g > 0).all()):
        raise Undecided("float64 cannot certify that the sum over all strings is finite")
    return Certificate(k, g)


def radius_bounds(sums: FailureSums, start: Floats | None = None) -> tuple[float, float, Floats]:
    """(lower, upper, x): the spectral radius on the states that are passed, by Collatz and Wielandt's ratios.

    For x > 0, rho <= max (M x) / x; for x >= 0 with M x >= a x, rho >= a. x is an approximate Perron vector.
    """
    live = sums.live
    x = np.where(live, 1.0 if start is None else start, 0.0)
    width = np.inf
    for step in range(2000):
        y = np.maximum(sums.product(x) + 0.05 * x, 0.0)
        y = y / y.max() if y.max() > 0 else y
        x = np.where(live, np.maximum(y, 1e-290), 0.0)
        if step % 8 == 7:
            ratio = sums.product(x)[live] / x[live]
            spread = float(ratio.max() - ratio.min())
            if (step > 64 and not spread < 0.9 * width) or spread < 1e-14 * ratio.max():
                break
            width = min(spread, width)
            if step == 31:
                x = _arnoldi(sums, x)
    found = sums.product(x)
    error = sums.slack * sums.size(x) + 2 * UNIT * np.abs(found)
    some = live & (x > 1e-280)
    upper = float(np.max((found + error)[live] / x[live], initial=0.0)) * (1 + 4 * UNIT)
    lower = float(np.min((found - error)[some] / x[some], initial=np.inf)) * (1 - 4 * UNIT)
    if not np.isfinite(lower):
        lower = 0.0
    return max(0.0, lower), upper, x


def _arnoldi(sums: FailureSums, x: Floats) -> Floats:
    """A better Perron vector than x by Arnoldi's method where it finds one > 0, else x."""
    operator = scipy.sparse.linalg.LinearOperator(
        (len(x), len(x)), matvec=lambda v: sums.product(np.ravel(v)), dtype=np.float64
    )
    if len(x) <= 20:
        return x
    try:
        _, vectors = scipy.sparse.linalg.eigs(operator, k=1, which="LM", v0=x, ncv=16, maxiter=40, tol=1e-13)
    except scipy.sparse.linalg.ArpackError:
        return x
    y = np.real(vectors[:, 0] / vectors[np.argmax(np.abs(vectors[:, 0])), 0])
    return np.where(sums.live, y, 0.0) if (y[sums.live] > 0).all() else x


def decided(sums: FailureSums) -> tuple[Floats, Certificate]:
    """(the sums over all strings from each state, approximately, and what certifies them).

    Raises:
        Diverges: they are certainly infinite.
        Undecided: float64 cannot tell.
    """
    ends = sums.product(np.zeros(sums.states), 1.0)
    value = np.where(sums.live, solve(sums.product, ends), 1.0)
    try:
        if not (np.isfinite(value).all() and (value > 0).all()):
            raise Undecided("float64 finds no positive solution")
        return value, certify(sums, value)
    except Undecided as error:
        lower, _, _ = radius_bounds(sums)
        if lower >= 1:
            raise Diverges("the spectral radius is at least 1: the sum over all strings is infinite") from None
        raise Undecided(str(error)) from None


__all__ = [
    "Certificate",
    "FailureSums",
    "Sums",
    "certify",
    "decided",
    "listed_matrix",
    "radius_bounds",
    "solve",
]
