"""The local temperature law of a large back-off model, by sums over its listed arcs: nothing is expanded.

p+(w|h) is proportional to p(w|h) e^{r(w)} v(h.w), with v the sum over all strings from a state. Of a word that h does
not list p(w|h) = b(h) p(w|h-) and h.w = h-.w, so that u(w|h) = (p(w|h) e^{r(w)} v(h.w))^tau, tau = 1/T, backs off too:
u(w|h) = b(h)^tau u(w|h-). Sums over all words are sums over listed ones as in ``theory.automata.failure``,

    G f(h) = sum over listed w [ u(w|h) f(w, h) - b^tau u(w|h-) f(w, h-) ] + b^tau G f(h-),

and q(w|h) = u(w|h) / G1(h). A log p in f grows by log b where it backs off. Cost: O(arcs) instead of O(S V).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from theory.automata.failure import listed_matrix, solve
from theory.automata.path_sums import UNIT
from theory.language_models.automaton import Floats, Index, Mask
from theory.language_models.ngram import LN10, PIECE, NGramModel

_LARGEST = 600.0
"""Logarithms of weights beyond this are not taken to float64."""

_LEAST = 1e-200
"""A context whose weights sum to less has lost digits."""

_LOOSE = 1e-11
"""The relative error of a context's sum of weights beyond which its words are looked at one by one."""


@dataclass(frozen=True, slots=True, eq=False)
class Tempered:
    """What a local temperature makes of p+.

    Args:
        mean: E L, E R, E log q and KL(q || p+) of strings.
        covariance: of (L, R), shape (2, 2).
        contexts: how many its strings pass.
        arcs: how many tokens, ends included, have mass in them.
    """

    mean: Floats
    covariance: Floats
    contexts: int
    arcs: int


@dataclass(frozen=True, slots=True, eq=False)
class _Arcs:
    """A value of each listed arc, and of the same token where its state backs off to; shapes (n,)."""

    up: Floats
    down: Floats


class _Sums:
    """Sums of u f over the words of each context."""

    def __init__(self, model: NGramModel, reward: Floats, value: Floats, tau: float) -> None:
        self.model, self.tau = model, tau
        with np.errstate(divide="ignore"):
            log_ahead = np.append(np.log(value), 0.0)
        self.lag = np.where(np.isfinite(model.log10_back), LN10 * model.log10_back, 0.0)
        self.passes = np.isfinite(model.log10_back)
        self.passes[0] = False
        prior, own, ahead = LN10 * model.log10_prob, reward[model.token], log_ahead[model.target]
        possible = np.isfinite(prior) & np.isfinite(own) & np.isfinite(ahead)
        self.possible = _Arcs(possible, possible[model.lower] & self.passes[model.source])
        self.log_prior, self.reward, self.ahead = (np.where(possible, x, 0.0) for x in (prior, own, ahead))
        log_weight = self.log_prior + self.reward + self.ahead
        self.largest = float(np.abs(log_weight).max(initial=0.0) + np.abs(self.lag).max(initial=0.0))
        lower = log_weight[model.lower] + self.lag[model.source]
        self.weight = _Arcs(
            np.where(self.possible.up, np.exp(tau * log_weight), 0.0),
            np.where(self.possible.down, np.exp(tau * lower), 0.0),
        )
        self.back = np.where(self.passes, np.exp(tau * self.lag), 0.0)

    def backed(self, found: Floats, weight: Floats) -> Floats:
        """Sums over all words from those over the listed ones, shorter contexts first."""
        for low, high in itertools.pairwise(self.model.levels[1:]):
            found[low:high] += weight[low:high] * found[self.model.back[low:high]]
        return found

    def listed(self, values: _Arcs) -> Floats:
        """sum over listed w [u f - b^tau u- f-], shape (S,)."""
        return self.model.row_sums(self.weight.up * values.up - self.weight.down * values.down)

    def masses(self) -> tuple[Floats, Floats]:
        """(G1, the same of the sizes of its terms)."""
        sizes = self.model.row_sums(self.weight.up + self.weight.down)
        whole = self.model.row_sums(self.weight.up - self.weight.down)
        return self.backed(whole, self.back), self.backed(sizes, self.back)

    def counts(self) -> Floats:
        """How many words have mass in each context."""
        own = self.model.row_sums(self.possible.up.astype(float) - self.possible.down)
        return self.backed(own, self.passes.astype(float))

    def plain(self, values: Floats) -> Floats:
        """G f for an f of the listed arcs that does not change where it backs off; f of shape (n,)."""
        return self.backed(self.listed(_Arcs(values, values[self.model.lower])), self.back)

    def grown(self, values: Floats, mass: Floats) -> Floats:
        """G f for an f that grows by log b where it backs off."""
        model = self.model
        found = self.listed(_Arcs(values, values[model.lower] + self.lag[model.source]))
        for low, high in itertools.pairwise(model.levels[1:]):
            some, at = slice(low, high), model.back[low:high]
            found[some] += self.back[some] * (found[at] + self.lag[some] * mass[at])
        return found

    def products(self, x: Floats, y: Floats) -> tuple[Floats, ...]:
        """(G x, G y, G xx, G xy, G yy) for an x that grows by log b where it backs off, and a y that does not."""
        model, lag, back = self.model, self.lag, self.back
        low_x, low_y = x[model.lower] + lag[model.source], y[model.lower]
        pairs = ((x, low_x), (y, low_y), (x * x, low_x * low_x), (x * y, low_x * low_y), (y * y, low_y * low_y))
        one, two, xx, xy, yy = (self.listed(_Arcs(up, down)) for up, down in pairs)
        mass = self.masses()[0]
        for low, high in itertools.pairwise(model.levels[1:]):
            some, at = slice(low, high), model.back[low:high]
            w, g = back[some], lag[some]
            xx[some] += w * (xx[at] + 2 * g * one[at] + g**2 * mass[at])
            xy[some] += w * (xy[at] + g * two[at])
            yy[some] += w * yy[at]
            one[some] += w * (one[at] + g * mass[at])
            two[some] += w * two[at]
        return one, two, xx, xy, yy


class _Between:
    """The steps between contexts, q(h.w | h), as products with vectors of shape (S,)."""

    def __init__(self, sums: _Sums, live: Mask, mass: Floats) -> None:
        self._sums, self._live = sums, live
        self._scale = np.where(live, 1 / np.where(live, mass, 1.0), 0.0)
        self._matrix = listed_matrix(sums.model, sums.weight.up, sums.weight.down)
        self._transposed = self._matrix.T.tocsr()
        self._first: Index = np.searchsorted(sums.model.pieces(), sums.model.starts[:-1])

    def product(self, x: Floats) -> Floats:
        """The mean of x at the next context, 0 at the end."""
        rows = self._matrix @ np.append(np.where(self._live, x, 0.0), 0.0)
        found = rows if len(rows) == len(x) else np.add.reduceat(rows, self._first)
        return self._sums.backed(found, self._sums.back) * self._scale

    def transposed(self, x: Floats) -> Floats:
        """What a measure of contexts becomes after one step."""
        model = self._sums.model
        y = x * self._scale
        for low, high in reversed(list(itertools.pairwise(model.levels[1:]))):
            y += np.bincount(model.back[low:high], (self._sums.back * y)[low:high], minlength=len(y))
        pieces = np.diff(np.append(self._first, self._matrix.shape[0]))
        found: Floats = self._transposed @ np.repeat(y, pieces)
        return np.where(self._live, found[:-1], 0.0)


def tempered_law(model: NGramModel, reward: Floats, value: Floats, tau: float) -> Tempered | None:
    """p+ at temperature 1/tau in each context; None where float64 would lose digits, as far below T = 1.

    The error of each context's sum is at most a multiple of the unit roundoff and of the sizes of its terms, which is
    looked at: differences of listed terms may cancel.

    Args:
        model: the prior; its laws are p / c.
        reward: R of each token and of the end, nats, shape (V + 1,); -inf removes a token.
        value: Z from each state, 0 where no string passes; shape (S,).
        tau: 1 / T > 0.
    """
    live = model.reachable(np.isfinite(reward))
    sums, whole = _Sums(model, reward, value, tau), _Sums(model, reward, value, 1.0)
    if not max(1.0, tau) * sums.largest < _LARGEST:
        return None
    (mass, size), (plain, plain_size) = sums.masses(), whole.masses()
    terms = 2 * PIECE + int(np.diff(model.starts).max()) // PIECE + 4 * model.order + 16
    slack = (8 * max(1.0, tau) * sums.largest + terms) * UNIT
    for total, sizes in ((mass, size), (plain, plain_size)):
        if not ((total > _LEAST) & (slack * sizes <= _LOOSE * total))[live].all():
            return None
    safe = np.where(live, mass, 1.0)
    log_prior, earned, ahead = (
        f / safe for f in (sums.grown(sums.log_prior, mass), sums.plain(sums.reward), sums.plain(sums.ahead))
    )
    log_weight = log_prior + earned + ahead
    log_q = tau * log_weight - np.log(safe)
    log_aligned = log_weight - np.log(np.where(live, plain, 1.0))
    log_mass = np.log(model.masses())
    gain = np.where(live, np.array((log_prior - log_mass, earned, log_q, log_q - log_aligned)), 0.0)
    between, start = _Between(sums, live, mass), np.zeros(model.states)
    start[model.initial] = 1.0
    visits = solve(between.transposed, start)
    after = np.array([solve(between.product, row) for row in gain[:2]])
    covariance = _covariance(sums, safe, after, gain, np.where(live, visits, 0.0), model.initial)
    return Tempered(gain @ visits, covariance, int(live.sum()), round(float(sums.counts()[live].sum())))


def _covariance(sums: _Sums, mass: Floats, after: Floats, gain: Floats, visits: Floats, initial: int) -> Floats:
    """The sum over the visits of products of martingale differences f + a(h.w) - a(h), whose means are 0."""
    ahead = np.append(after - after[:, [initial]], -after[:, [initial]], axis=1)[:, sums.model.target]
    one, two, *second = (f / mass for f in sums.products(sums.log_prior + ahead[0], sums.reward + ahead[1]))
    xx, xy, yy = (float(visits @ f) for f in (second[0] - one * one, second[1] - one * two, second[2] - two * two))
    return np.array(((xx, xy), (xy, yy)))


__all__ = ["Tempered", "tempered_law"]
