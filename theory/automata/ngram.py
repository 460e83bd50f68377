"""Moments, critical points and laws of back-off models over all strings, in float64 with rigorous bounds.

With N = (I - M)^-1 and b the ends, v = N b and its derivatives are v_s = N (b_s + M_s v), v_ss = N (b_ss + M_ss v +
2 M_s v_s), and so on: six systems give log Z(s, t) and all first and second moments of (L, R). L = log q of the
normalised laws. log q <= 0 makes -M_s a nonnegative matrix, so that an error carried into the next system is bounded by
M_s of the certificate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy
from flint import arb

from theory.arithmetic.exact import Diverges, Undecided, widen
from theory.automata.failure import Certificate, FailureSums, Sums, decided, radius_bounds, solve
from theory.automata.path_sums import UNIT
from theory.language_models.automaton import Floats, Index
from theory.language_models.ngram import NGramModel

_SAFE = 300.0
"""Rewards up to this are weights that float64 holds."""


@dataclass(frozen=True, slots=True, eq=False)
class NGramMoments:
    """log Z(s, t) and the moments of (L, R) under q_{s,t} proportional to p^s e^{tR}: enclosures, nats.

    Args:
        log_total: log Z(s, t).
        mean: E L, E R.
        covariance: Var L, Cov, Var R.
        value: Z from each state, approximately, shape (S,).
    """

    log_total: arb
    mean: tuple[arb, arb]
    covariance: tuple[arb, arb, arb]
    value: Floats


def refuse_far_beyond(model: NGramModel, reward: Floats) -> None:
    """Tell a Z that is certainly infinite where e^R is beyond float64: log rho is convex, so it stays above 0.

    Raises:
        Diverges: the critical beta is above the one that R was divided by.
        Undecided: float64 does not settle it.
    """
    if float(reward.max()) > _SAFE:
        critical = ngram_critical_beta(model, reward, arb(1)).value
        if critical is not None and critical > 1:
            raise Diverges("the spectral radius is at least 1: the sum over all strings is infinite")


def ngram_moments(model: NGramModel, reward: Floats, s: float = 1.0, t: float = 1.0) -> NGramMoments:
    """The moments at (s, t), s > 0. Cost: some hundred products of O(arcs) each.

    Args:
        model: its laws are p / c.
        reward: R = r / beta of each token and of the end, which is 0; nats, shape (V + 1,); -inf removes a token.
        s: of p, > 0.
        t: of the reward, >= 0: the prior at (1, 0), p+ at (1, 1), p+ at temperature 1/tau at (tau, tau).

    Raises:
        Diverges: the sum over all strings is certainly infinite.
        Undecided: float64 cannot certify that it is finite.
    """
    return _Family(FailureSums.of(model, reward, s, t)).moments()


@dataclass(frozen=True, slots=True, eq=False)
class _Derivative:
    """A derivative of v, and z with |error| <= z k."""

    value: Floats
    error: float


class _Family:
    def __init__(self, sums: FailureSums) -> None:
        self.sums = sums
        start, self.certificate = decided(sums)
        live = sums.live
        used = np.unique(sums.model.token)
        self.largest = float(np.abs(sums.reward[used]).max(initial=0.0))
        k = self.certificate.k
        of_k = sums.sums(k, 0.0)
        reach = sums.slack
        self.first_k = -of_k.first + reach * of_k.size[1]
        self.second_k = of_k.second + reach * of_k.size[2]
        self.plain_k = np.where(live, k, 0.0)
        ends = sums.product(np.zeros(sums.states), 1.0)
        self.v = self._refined(ends, sums.slack * sums.size(np.zeros(sums.states), 1.0), start)

    def _refined(self, right: Floats, loose: Floats, start: Floats | None = None) -> _Derivative:
        """x = N y for a y that is known up to ``loose``."""
        sums, live = self.sums, self.sums.live
        x = solve(sums.product, right) if start is None else np.where(live, start, 0.0)
        moved = sums.product(x)
        residual = right + moved - x
        error = np.abs(residual) + loose + sums.slack * sums.size(np.abs(x))
        error += 4 * UNIT * (np.abs(right) + np.abs(moved) + np.abs(x))
        return _Derivative(x, 1.01 * float((error / self.certificate.g)[live].max()))

    def _terms(self, x: _Derivative, end: float, power: int) -> Sums:
        return self.sums.sums(x.value, end, power)

    def moments(self) -> NGramMoments:
        """By the six systems."""
        slack, big, v = self.sums.slack, self.largest, self.v
        of_v, of_vr, of_vrr = (self._terms(v, 1.0, power) for power in range(3))
        one = self._refined(of_v.first, slack * of_v.size[1] + v.error * self.first_k)
        two = self._refined(of_vr.plain, slack * of_vr.size[0] + v.error * big * self.plain_k)
        of_one, of_two = self._terms(one, 0.0, 0), self._terms(two, 0.0, 0)
        of_one_r, of_two_r = self._terms(one, 0.0, 1), self._terms(two, 0.0, 1)
        ss = self._refined(
            of_v.second + 2 * of_one.first,
            slack * (of_v.size[2] + 2 * of_one.size[1]) + v.error * self.second_k + 2 * one.error * self.first_k,
        )
        st = self._refined(
            of_vr.first + of_two.first + of_one_r.plain,
            slack * (of_vr.size[1] + of_two.size[1] + of_one_r.size[0])
            + (v.error * big + two.error) * self.first_k
            + one.error * big * self.plain_k,
        )
        tt = self._refined(
            of_vrr.plain + 2 * of_two_r.plain,
            slack * (of_vrr.size[0] + 2 * of_two_r.size[0]) + (v.error * big + 2 * two.error) * big * self.plain_k,
        )
        total, l, r, ll, lr, rr = (self._at_start(x) for x in (v, one, two, ss, st, tt))
        if not total > 0:
            raise Undecided("float64 bounds the sum over all strings by no positive number")
        l, r = l / total, r / total
        covariance = (ll / total - l * l, lr / total - l * r, rr / total - r * r)
        return NGramMoments(total.log(), (l, r), covariance, v.value)

    def _at_start(self, x: _Derivative) -> arb:
        at = self.sums.model.initial
        return widen(arb(float(x.value[at])), arb(float(self.certificate.k[at])) * arb(x.error))


# --- critical points ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Crossing:
    """Where a spectral radius is 1: certified on both sides, or why there is no such point."""

    value: arb | None
    reason: str = ""


_STEPS = (1e-12, 1e-11, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5)


class _Along:
    """log of the spectral radius along a line of (s, t), from one Perron vector to the next."""

    def __init__(self, model: NGramModel, reward: Floats, *, tempered: bool) -> None:
        self._model, self._reward, self._tempered = model, reward, tempered
        self._start: Floats | None = None

    def bounds(self, at: float) -> tuple[float, float]:
        """(lower, upper) of the radius at a point."""
        sums = FailureSums.of(self._model, self._reward, at if self._tempered else 1.0, at)
        lower, upper, self._start = radius_bounds(sums, self._start)
        return lower, upper

    def log(self, at: float) -> float:
        """About its logarithm."""
        lower, upper = self.bounds(at)
        return 0.5 * (math.log(max(lower, 1e-300)) + math.log(max(upper, 1e-300)))

    def certified(self, root: float, *, falls: bool) -> arb:
        """An enclosure of the point where the radius is 1, near ``root``.

        Raises:
            Undecided: float64 does not settle on which side of 1 the radius is.
        """
        for step in _STEPS:
            one, two = root * (1 - step), root * (1 + step)
            (above, _), (_, below) = (self.bounds(x) for x in ((one, two) if falls else (two, one)))
            if above > 1 > below:
                return arb(one).union(arb(two))
        raise Undecided("float64 does not settle where the spectral radius is 1")


def ngram_spectral_radius(model: NGramModel, reward: Floats) -> arb:
    """An enclosure of the spectral radius of M(1, 1).

    Args:
        model: its laws are p / c.
        reward: R of each token and of the end, nats.
    """
    lower, upper, _ = radius_bounds(FailureSums.of(model, reward, 1.0, 1.0))
    return arb(lower).union(arb(upper))


def ngram_critical_temperature(model: NGramModel, reward: Floats) -> Crossing:
    """T_c: above it the global temperature law of p+ has no finite normaliser. p+ exists.

    Raises:
        Undecided: float64 does not settle it.
    """
    along = _Along(model, reward, tempered=True)
    low = 0.5
    while along.log(low) <= 0:
        low /= 4
        if low < 1e-6:
            return Crossing(None, "the global law exists at every temperature")
    root = float(scipy.optimize.brentq(along.log, low, 1.0, xtol=1e-14, rtol=1e-13))
    return Crossing(1 / along.certified(root, falls=True))


def ngram_critical_beta(model: NGramModel, reward: Floats, beta: arb) -> Crossing:
    """The beta at or below which Z is infinite; log rho is convex along t = 1 / beta, and negative at t = 0.

    Args:
        model: its laws are p / c.
        reward: R = r / beta at the given ``beta``, nats, shape (V + 1,).
        beta: reward units per nat.

    Raises:
        Undecided: float64 does not settle it.
    """
    if not (reward[np.unique(model.token)] > 0).any():
        return Crossing(None, "no token has a positive reward, so Z is finite at every beta")
    along = _Along(model, reward, tempered=False)
    low, high = 0.0, min(1.0, _SAFE / float(reward.max()))
    while along.log(high) <= 0:
        low, high = high, 2 * high
    if low == 0.0:
        low = high / 2
        while along.log(low) > 0:
            low, high = low / 2, low
    root = float(scipy.optimize.brentq(along.log, low, high, xtol=1e-15 * high, rtol=1e-13))
    return Crossing(beta / along.certified(root, falls=False))


def repeated_token(model: NGramModel, reward: Floats) -> tuple[str, ...]:
    """The token of largest positive reward that can follow itself for ever; empty where none can."""
    for token in np.argsort(-reward[:-1], kind="stable").tolist():
        if not reward[token] > 0:
            break
        state = model.initial
        for _ in range(model.order + 1):
            found = model.arc(state, token)
            if found is None:
                break
            state = int(model.target[found[0]])
        else:
            return (model.alphabet[token],)
    return ()


def total_as_written(model: NGramModel) -> float:
    """The sum over all strings of what the file gives them, rows that do not sum to 1 included.

    Raises:
        Diverges, Undecided: see ``decided``.
    """
    value, _ = decided(FailureSums.of(model, np.zeros(len(model.alphabet) + 1), 1.0, 0.0, normalised=False))
    return float(value[model.initial])


def aligned_row(model: NGramModel, reward: Floats, value: Floats, state: int) -> tuple[Floats, Index]:
    """(p+(w | state) for every token and last the end, the states after them): Doob's transform by Z from each state.

    Args:
        model: its laws are p / c.
        reward: R of each token and of the end, nats.
        value: Z from each state, of ``ngram_moments``.
        state: one that is passed.
    """
    log10_prob, target = model.row(state)
    ahead = np.append(value, 1.0)[target]
    with np.errstate(divide="ignore"):
        weight = 10.0**log10_prob * np.exp(reward) * ahead
    return weight / weight.sum(), target


def sampled_string(
    model: NGramModel, reward: Floats, value: Floats, rng: np.random.Generator, longest: int = 1_000_000
) -> tuple[str, ...]:
    """One string drawn from p+, by its laws state for state. Cost: O(V) a token.

    Args:
        model: its laws are p / c.
        reward: R of each token and of the end, nats.
        value: Z from each state, of ``ngram_moments``.
        rng: what draws.
        longest: more tokens are an error.

    Raises:
        ValueError: the string is longer.
    """
    tokens: list[str] = []
    state = model.initial
    while len(tokens) <= longest:
        prob, target = aligned_row(model, reward, value, state)
        drawn = min(int(np.searchsorted(np.cumsum(prob), rng.random(), side="right")), len(prob) - 1)
        if drawn == len(model.alphabet):
            return tuple(tokens)
        tokens.append(model.alphabet[drawn])
        state = int(target[drawn])
    raise ValueError(f"a string of more than {longest:,} tokens was drawn")


__all__ = [
    "Certificate",
    "Crossing",
    "Diverges",
    "NGramMoments",
    "aligned_row",
    "ngram_critical_beta",
    "ngram_critical_temperature",
    "ngram_moments",
    "ngram_spectral_radius",
    "refuse_far_beyond",
    "repeated_token",
    "sampled_string",
    "total_as_written",
]
