"""What local adaptors make of a large back-off model: one context's law at a time, nothing expanded; in float64.

A local law q(w|h) sums to 1 in each context, so that the mass from each is 1 if none is lost. With P the steps between
contexts and a(h) = sum_w q f, what a feature f still earns is (I - P)^-1 a, and with n = (I - P')^-1 e_0 the expected
visits, E f = n'a. Covariances are sums over the visits of products of martingale differences, as in
``theory.automata.moments``: a second pass over the laws. There are no error bounds: numbers are those of float64.

Temperatures alone need no context's own law: ``theory.automata.ngram_tempered``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy

from theory.adaptors.chains import Chain
from theory.adaptors.float_rows import adapted_row, normalised
from theory.adaptors.moments import Constant, Moments
from theory.arithmetic.exact import Undecided, to_float
from theory.automata.failure import solve
from theory.automata.ngram import NGramMoments
from theory.automata.ngram_tempered import tempered_law
from theory.language_models.automaton import Floats, Index, Mask
from theory.language_models.ngram import LN10, NGramModel, Small

MOST_ENTRIES = 100_000_000
"""Contexts times tokens that are looked at, and transitions that are held: 12 bytes each."""

MOST_HELD = 5_000_000
"""Kept tokens of all contexts that stay in memory for the second pass, 32 bytes each; of more, laws are made again."""

_BLOCK = 512


@dataclass(frozen=True, slots=True, eq=False)
class LocalLaw:
    """A local law of strings.

    Args:
        moments: of (L, R) under it, in float64; None where mass is lost.
        leaked: the mass lost to infinite strings.
        contexts: how many its strings pass.
        arcs: how many tokens, ends included, it keeps in them.
    """

    moments: Moments | None
    leaked: float
    contexts: int
    arcs: int


@dataclass(frozen=True, slots=True, eq=False)
class _Step:
    """The kept tokens of one context: log q, the state after each (S is the end), L, R and log q - log p+."""

    log_q: Floats
    target: Index
    features: Floats


class _Laws:
    """The adapted laws of the contexts that strings pass, in the order in which they are found."""

    def __init__(self, model: NGramModel, reward: Floats, value: Floats, steps: Chain) -> None:
        self.model, self.reward, self.steps = model, reward, steps
        with np.errstate(divide="ignore"):
            self.log_ahead = np.append(np.log(value), 0.0)
        self.log_mass = np.log(model.masses())
        self.place = np.full(model.states + 1, -1)
        self.place[model.initial] = 0
        self.states = [model.initial]
        self.unigrams = model.row(0)

    def step(self, state: int) -> _Step:
        log10_prob, target = self.model.row(state, self.unigrams)
        log_aligned = normalised(LN10 * log10_prob + self.reward + self.log_ahead[target])
        kept, log_q = adapted_row(log_aligned, self.steps)
        log_prior = LN10 * log10_prob[kept] - self.log_mass[state]
        features = np.stack((log_prior, self.reward[kept], log_q, log_q - log_aligned[kept]))
        return _Step(log_q, target[kept], features)

    def found(self) -> Iterator[_Step]:
        """Each context's, from the initial one on; those that it leads to follow."""
        at = 0
        while at < len(self.states):
            if (at + 1) * len(self.reward) > MOST_ENTRIES:
                raise Undecided(
                    f"this needs each context's own law, {len(self.reward):,} tokens each, in {at:,} contexts and "
                    f"more; at most {MOST_ENTRIES:,} entries are computed"
                )
            step = self.step(self.states[at])
            new = np.unique(step.target[(self.place[step.target] < 0) & (step.target < self.model.states)])
            self.place[new] = len(self.states) + np.arange(len(new))
            self.states += new.tolist()
            yield step
            at += 1


class _Steps:
    """P between contexts, in blocks of rows, and where strings end."""

    def __init__(self) -> None:
        self.blocks: list[scipy.sparse.csr_array] = []
        self.rows: list[tuple[Small, Floats]] = []
        self.stop: list[float] = []

    def add(self, target: Index, q: Floats, end: int) -> None:
        if 16 * len(target) < end:
            column, place = np.unique(target, return_inverse=True)
            mass = np.bincount(place, weights=q)
        else:
            column = np.flatnonzero(np.bincount(target, minlength=end + 1))
            mass = np.bincount(target, weights=q, minlength=end + 1)[column]
        inside = column < end
        self.stop.append(float(mass[~inside].sum()))
        self.rows.append((column[inside].astype(np.int32), np.asarray(mass[inside], dtype=np.float64)))
        if len(self.rows) == _BLOCK:
            self.close(end)

    def close(self, columns: int) -> None:
        """Make a matrix of the rows that were added since the last."""
        if self.rows:
            ends = np.cumsum([0, *(len(column) for column, _ in self.rows)]).astype(np.int32)
            column = np.concatenate([column for column, _ in self.rows])
            values = np.concatenate([mass for _, mass in self.rows])
            self.blocks.append(scipy.sparse.csr_array((values, column, ends), shape=(len(self.rows), columns)))
            self.rows = []

    def renamed(self, place: Index, size: int) -> None:
        """Name columns by the order in which contexts were found."""
        number = place.astype(np.int32)
        for k, block in enumerate(self.blocks):
            parts = (block.data, number[block.indices], block.indptr)
            self.blocks[k] = scipy.sparse.csr_array(parts, shape=(block.shape[0], size))

    def product(self, x: Floats) -> Floats:
        return np.concatenate([block @ x for block in self.blocks])

    def transposed(self, x: Floats) -> Floats:
        found, low = np.zeros(len(x)), 0
        for block in self.blocks:
            found += block.T @ x[low : low + block.shape[0]]
            low += block.shape[0]
        return found

    def stopping(self) -> Mask:
        """The contexts from which a string can end."""
        live = np.array(self.stop) > 0
        while True:
            more = live | (self.product(live.astype(float)) > 0)
            if (more == live).all():
                return live
            live = more


def local_law(model: NGramModel, reward: Floats, whole: NGramMoments, steps: Chain) -> LocalLaw:
    """What a chain of adaptors, normalised in each context, makes of p+. Cost: O(V) a context; of temperatures O(arcs).

    Args:
        model: the prior; its laws are p / c.
        reward: R of each token and of the end, nats, shape (V + 1,).
        whole: the moments of p+, of ``ngram_moments``.
        steps: adaptors of ``theory.adaptors.float_rows``.

    Raises:
        Undecided: float64 does not tell what is kept, or there are too many contexts.
    """
    log_partition = float(whole.log_total.mid())
    if all(step.name == "temperature" for step in steps):
        tau = math.prod(1 / to_float(step.value) for step in steps)
        found = tempered_law(model, reward, whole.value, tau)
        if found is not None:
            return LocalLaw(
                _moments(found.mean, found.covariance, log_partition, reward), 0.0, found.contexts, found.arcs
            )
    return _each_context(_Laws(model, reward, whole.value, steps), log_partition)


def _each_context(laws: _Laws, log_partition: float) -> LocalLaw:
    """The law from each context's own."""
    model, reward, steps_between = laws.model, laws.reward, _Steps()
    earned, arcs = [], 0
    held: list[_Step] = []
    for step in laws.found():
        q = np.exp(step.log_q)
        earned.append(step.features @ q)
        steps_between.add(step.target, q, model.states)
        arcs += len(q)
        if arcs <= MOST_HELD:
            held.append(_Step(step.log_q, step.target, step.features[:2].copy()))
    steps_between.close(model.states)
    size = len(laws.states)
    steps_between.renamed(laws.place, size)
    live = steps_between.stopping()
    if not live.all():
        return LocalLaw(None, _leaked(steps_between, live), size, arcs)
    gain = np.array(earned).T
    start = np.zeros(size)
    start[0] = 1.0
    visits = solve(steps_between.transposed, start)
    ahead = np.array([solve(steps_between.product, row) for row in gain[:2]])
    mean = gain @ visits
    covariance = np.zeros((2, 2))
    after = np.zeros((2, model.states + 1))
    after[:, laws.states] = ahead
    for k, state in enumerate(laws.states):
        step = held[k] if k < len(held) else laws.step(state)
        gap = step.features[:2] + after[:, step.target] - ahead[:, k : k + 1]
        covariance += visits[k] * (gap * np.exp(step.log_q)) @ gap.T
    return LocalLaw(_moments(mean, covariance, log_partition, reward), 0.0, size, arcs)


def _leaked(steps: _Steps, live: Mask) -> float:
    """1 - the mass of the finite strings, which pass contexts that can end alone."""
    value = solve(lambda x: np.where(live, steps.product(x), 0.0), np.where(live, np.array(steps.stop), 0.0))
    return float(1 - value[0])


def _moments(mean: Floats, covariance: Floats, log_partition: float, reward: Floats) -> Moments:
    l, r, log_q, divergence = (float(x) for x in mean)
    (var_l, cov), (_, var_r) = covariance.tolist()
    constant = not reward[np.isfinite(reward)].any()
    return Moments(
        mean_log_prior=l,
        mean_reward=r,
        entropy=-log_q,
        cross_entropy=log_partition - l - r,
        kl_to_aligned=divergence,
        var_log_prior=var_l,
        var_reward=0.0 if constant else var_r,
        cov=0.0 if constant else cov,
        var_surprisal=var_l + 2 * cov + var_r,
        cov_log_prior_surprisal=-(var_l + cov),
        constant=Constant(log_prior=False, reward=constant, surprisal=False),
        bits=None,
    )


__all__ = ["MOST_ENTRIES", "LocalLaw", "local_law"]
