"""The joint law of (L, R) under any law of strings: moments, exchange coefficient, correlation, slopes.

L = log p(y) and R = r(y)/beta in nats; I = -log p+(y) = log Z - L - R. Zero variances are recognised formally
(equal rationals), so that a ratio with a zero denominator is None rather than a large number.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from flint import arb, ctx
from numpy.typing import NDArray

from theory.adaptors.exact import Adapted
from theory.alignment.gibbs import Aligned, Numbers, in_own_arithmetic, remembered
from theory.arithmetic.compiled import compiled
from theory.arithmetic.exact import Array, Real, inner, is_exact, largest, to_float, working
from theory.frames import Row, as_frame, as_html

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Constant:
    """Which of L, R and I take one value only on a law's support, decided by equality of rationals."""

    log_prior: bool
    reward: bool
    surprisal: bool


@dataclass(frozen=True, slots=True)
class Moments:
    """First and second moments of (L, R) under a law q of strings; nats and nats^2.

    Args:
        entropy: H(q) = -E_q log q.
        cross_entropy: CE(q) = -E_q log p+ = E_q I.
        kl_to_aligned: KL(q || p+), summed directly.
        var_surprisal: Var_q(I); the varentropy V when q = p+.
        cov_log_prior_surprisal: Cov_q(L, I).
        bits: the precision of the balls; None for float64.
    """

    mean_log_prior: Any
    mean_reward: Any
    entropy: Any
    cross_entropy: Any
    kl_to_aligned: Any
    var_log_prior: Any
    var_reward: Any
    cov: Any
    var_surprisal: Any
    cov_log_prior_surprisal: Any
    constant: Constant
    bits: int | None

    @property
    def correlation(self) -> Any:
        """Corr_q(L, R); None where a variance is 0."""
        if self.constant.log_prior or self.constant.reward:
            return None
        with working(self.bits):
            return self.cov / _sqrt(self.var_log_prior * self.var_reward)

    @property
    def exchange_coefficient(self) -> Any:
        """b_q = Cov_q(L, I) / Var_q(I); None where Var_q(I) = 0."""
        if self.constant.surprisal:
            return None
        with working(self.bits):
            return self.cov_log_prior_surprisal / self.var_surprisal

    def rows(self) -> list[Row]:
        """One row: every number as a float, ratios that do not exist as None."""
        names = [f.name for f in fields(self) if f.name not in {"constant", "bits"}]
        values = {name: getattr(self, name) for name in (*names, "correlation", "exchange_coefficient")}
        return [{name: None if value is None else to_float(value) for name, value in values.items()}]

    def to_frame(self) -> pd.DataFrame:
        """``rows()`` as a pandas data frame.

        Raises:
            ImportError: pandas is not installed.
        """
        return as_frame(self.rows())

    def _repr_html_(self) -> str:
        return as_html([{"moment": name, "value": value} for name, value in self.rows()[0].items()])


def constants(aligned: Aligned, string: Array | None = None) -> Constant:
    """Which of L, R, I are constant on the given strings (default: all)."""
    rows = aligned.alike().rows
    chosen = rows if string is None else rows[:, string]
    return Constant(*np.logical_and.reduce(chosen == chosen[:, :1], axis=1).tolist())


@dataclass(frozen=True, slots=True, eq=False)
class Centred:
    """L, R and I of some strings under a law of them: the means, and the distances from these, shape (m,)."""

    mean_log_prior: Any
    mean_reward: Any
    mean_surprisal: Any
    log_prior: Array
    reward: Array
    surprisal: Array


@in_own_arithmetic
def centred(numbers: Numbers, prob: Array, chosen: Array) -> Centred:
    """L, R and I of the chosen strings, centred under ``prob``.

    Balls are measured from the most probable string, and strings that share its exact value share its 0: the
    distances keep their digits also where nearly all mass is on strings that are alike.
    """
    aligned = numbers.aligned
    rows = (numbers.log_prior[chosen], numbers.reward[chosen], numbers.surprisal[chosen])
    if not is_exact(prob):
        own: list[Any] = [inner(prob, row) for row in rows]
        return Centred(*own, *(row - mean for row, mean in zip(rows, own, strict=True)))
    anchor, alike = largest(prob), aligned.alike().rows[:, chosen]
    means: list[Any] = []
    distances: list[Array] = []
    at_anchor = alike == alike[:, [anchor]]
    for row, same in zip(rows, at_anchor, strict=True):
        from_anchor = row - row[anchor]
        from_anchor[same] = arb(0)
        shift = inner(prob, from_anchor)
        means.append(row[anchor] + shift)
        distances.append(from_anchor - shift)
    return Centred(*means, *distances)


@functools.lru_cache(maxsize=1)
def _deviations(numbers: Numbers, _bits: int) -> Centred:
    return centred(numbers, numbers.prob, np.arange(len(numbers.aligned)))


def aligned_deviations(numbers: Numbers) -> Centred:
    """L, R and I of every string, centred under p+: the last model's are kept, for its moments and its corpora."""
    return _deviations(numbers, ctx.prec)


@remembered
def moments(numbers: Numbers, law: Adapted | None = None) -> Moments:
    """The moments of (L, R) under an adapted law (default: p+ itself). Cost: O(n).

    Raises:
        ValueError: the law is of another model.
    """
    aligned = numbers.same(numbers.aligned if law is None else law.aligned)
    if law is None:
        prob, log_prob, chosen = numbers.prob, -numbers.surprisal, np.arange(len(aligned))
    else:
        prob, log_prob, chosen = law.prob, law.log_prob, law.string
    found = aligned_deviations(numbers) if law is None else centred(numbers, prob, chosen)
    from_l, from_r, from_i = found.log_prior, found.reward, found.surprisal
    share_l, share_r, share_i = prob * from_l, prob * from_r, prob * from_i
    surprisal = numbers.surprisal[chosen]
    return Moments(
        mean_log_prior=found.mean_log_prior,
        mean_reward=found.mean_reward,
        entropy=-inner(prob, log_prob),
        cross_entropy=inner(prob, surprisal),
        kl_to_aligned=inner(prob, log_prob + surprisal),
        var_log_prior=inner(share_l, from_l),
        var_reward=inner(share_r, from_r),
        cov=inner(share_l, from_r),
        var_surprisal=inner(share_i, from_i),
        cov_log_prior_surprisal=inner(share_l, from_i),
        constant=constants(aligned, chosen),
        bits=numbers.bits,
    )


@dataclass(frozen=True, slots=True)
class FloatMoments:
    """Moments of (L, R) under p+ in float64: nats and nats^2."""

    log_partition: float
    entropy: float
    varentropy: float
    mean_log_prior: float
    mean_reward: float
    var_log_prior: float
    var_reward: float
    cov: float


_CHUNK = 8192
_SAFE_EXPONENT = 600.0
_FAR = 100.0


def float_moments(prior: Floats, reward: Floats, chunk: int = _CHUNK) -> FloatMoments:
    """All moments of (L, R) under p+ = p e^R / Z in one pass that stays in cache.

    With w = p e^{R - c} and L, R measured from a shift near their means, the sums of w, wL, wR, wL^2, wLR, wR^2 are
    accumulated chunk by chunk, then centred: Var L = S_LL / Z - (S_L / Z)^2. Cost: O(n), no temporary longer than a
    chunk.

    Args:
        prior: p, shape (n,), > 0, summing to 1.
        reward: R = r / beta, shape (n,), finite, nats.
        chunk: strings at a time; of the path without numba.
    """
    shifts = _near_means(prior[:chunk], reward[:chunk])
    log_mass, mean_l, mean_r, var_l, var_r, cov = _shifted_sums(prior, reward, *shifts, chunk)
    far = mean_l**2 > _FAR * var_l or mean_r**2 > _FAR * var_r
    if far:  # the first strings misled: centring would lose digits
        shifts = (shifts[0] + mean_l, shifts[1] + mean_r)
        log_mass, mean_l, mean_r, var_l, var_r, cov = _shifted_sums(prior, reward, *shifts, chunk)
    mean_l, mean_r = mean_l + shifts[0], mean_r + shifts[1]
    return FloatMoments(
        log_partition=log_mass,
        entropy=log_mass - mean_l - mean_r,
        varentropy=var_l + var_r + 2 * cov,
        mean_log_prior=mean_l,
        mean_reward=mean_r,
        var_log_prior=var_l,
        var_reward=var_r,
        cov=cov,
    )


def _shifted_sums(
    prior: Floats, reward: Floats, shift_l: float, shift_r: float, chunk: int
) -> tuple[float, float, float, float, float, float]:
    """log Z, the means of L and R less their shifts, Var L, Var R and Cov, in one pass."""
    peak = float(reward.max())
    # one shift serves mean and exponent unless a reward far above the mean would overflow e^{R - c}
    exponent = shift_r if peak - shift_r < _SAFE_EXPONENT else peak
    fast_sums = compiled("moment_sums", len(prior))
    if fast_sums is not None:
        sums = fast_sums(prior, reward, exponent, shift_l, shift_r)
    else:
        sums = _chunk_sums(prior, reward, exponent, shift_l, shift_r, chunk)
    mass, s_l, s_r, s_ll, s_lr, s_rr = (float(s) for s in sums)
    mean_l, mean_r = s_l / mass, s_r / mass
    var_l, cov, var_r = s_ll / mass - mean_l**2, s_lr / mass - mean_l * mean_r, s_rr / mass - mean_r**2
    return math.log(mass) + exponent, mean_l, mean_r, var_l, var_r, cov


def _chunk_sums(prior: Floats, reward: Floats, exponent: float, shift_l: float, shift_r: float, chunk: int) -> Floats:
    """The sums of w, wL, wR, wL^2, wLR, wR^2 with w = p e^{R - exponent} and L, R measured from their shifts."""
    ones, l, r, w, wl, wr = (np.ones(chunk), *(np.empty(chunk) for _ in range(5)))
    sums = np.zeros(6)
    for low in range(0, len(prior), chunk):
        p = prior[low : low + chunk]
        if len(p) < chunk:
            ones, l, r, w, wl, wr = (row[: len(p)] for row in (ones, l, r, w, wl, wr))
        np.subtract(reward[low : low + chunk], exponent, out=r)
        np.exp(r, out=w)
        np.multiply(w, p, out=w)
        if exponent != shift_r:
            r += exponent - shift_r
        np.log(p, out=l)
        np.subtract(l, shift_l, out=l)
        np.multiply(w, l, out=wl)
        np.multiply(w, r, out=wr)
        sums += (w.dot(ones), wl.dot(ones), wr.dot(ones), wl.dot(l), wl.dot(r), wr.dot(r))
    return sums


def _near_means(prior: Floats, reward: Floats) -> tuple[float, float]:
    """The means of L and R on the first strings: close enough to E L and E R that centring loses no digits."""
    weight = prior * np.exp(reward - reward.max())
    weight /= weight.sum()
    return float(weight @ np.log(prior)), float(weight @ reward)


def _sqrt(value: Real) -> Real:
    return value.sqrt() if isinstance(value, arb) else np.sqrt(value)


__all__ = ["Constant", "FloatMoments", "Moments", "constants", "float_moments", "moments"]
