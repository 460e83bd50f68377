"""Back-off n-gram models as aligned models: small ones in balls of the written decimals, large ones in float64 bounds.

Global temperature keeps the back-off structure. A local temperature and every cut decide in each context by itself,
which does not: for them a small model is expanded into an automaton, one arc per state and token, whose probabilities
are rounded to float64, and their numbers have no balls. On a large one local adaptors are applied to one context's law
at a time in float64; global cuts, corrections and corpora are refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from flint import arb, ctx, fmpq

from theory.adaptors.exact import Chain
from theory.adaptors.float_rows import not_in_floats
from theory.adaptors.moments import Constant, Moments
from theory.arithmetic.exact import BITS, Diverges, Undecided, ball, to_float, working
from theory.automata.ngram import (
    Crossing,
    NGramMoments,
    ngram_critical_beta,
    ngram_critical_temperature,
    ngram_moments,
    ngram_spectral_radius,
    refuse_far_beyond,
    repeated_token,
)
from theory.automata.ngram_exact import ball_moments, is_small
from theory.automata.ngram_local import local_law
from theory.corpora.atoms import Window
from theory.language_models.automaton import Arc, Automaton, Floats
from theory.language_models.ngram import NGramModel
from theory.language_models.rewards import Reward
from theory.models.automaton import AutomatonModel
from theory.models.model import Adaptation, Correction, CriticalPoints

MOST_EXPANDED = 100_000
"""Arcs, of an automaton with one for each state and token."""


def reward_floats(rewards: tuple[Reward, ...]) -> Floats:
    """R of each token and of the end, nats; -inf for a removed token."""
    found = [float("-inf") if r.removes else to_float(arb(r.factor).log() + arb(r.exponent)) for r in rewards]
    return np.array([*found, 0.0])


@dataclass(frozen=True, eq=False)
class AlignedNGram:
    """p+ of a back-off model whose rows are divided by their sums, with a reward per token.

    Args:
        model: the prior.
        rewards: R = r / beta of each token.
        log_partition: log Z, nats.
        mean: the moments of (L, R) under p+.
        bits: the precision of the balls.
    """

    model: NGramModel
    rewards: tuple[Reward, ...]
    log_partition: arb
    mean: Moments
    bits: int

    @staticmethod
    def of(model: NGramModel, rewards: tuple[Reward, ...]) -> AlignedNGram:
        """The model tilted by its reward.

        Raises:
            Diverges: Z is infinite.
            Undecided: the spectral radius cannot be told from 1.
        """
        with working(BITS):
            log_total, mean = _moments(model, rewards, fmpq(1), None)
            return AlignedNGram(model, rewards, log_total, mean, ctx.prec)

    @property
    def strings(self) -> int | None:
        """None: infinitely many."""
        return None

    @property
    def states(self) -> int:
        """How many contexts it has."""
        return self.model.states

    @property
    def expands(self) -> bool:
        """Whether the model is small enough to be expanded."""
        return self.model.expanded <= MOST_EXPANDED

    @cached_property
    def _whole(self) -> tuple[Floats, NGramMoments]:
        reward = reward_floats(self.rewards)
        return reward, ngram_moments(self.model, reward)

    def _local(self, steps: Chain) -> Adaptation:
        """A local law of a large model, one context at a time.

        Raises:
            Undecided: there are too many contexts, or float64 does not tell what is kept.
        """
        reason = not_in_floats(steps)
        if reason:
            raise Undecided(reason)
        reward, whole = self._whole
        law = local_law(self.model, reward, whole, steps)
        if law.moments is None:
            return Adaptation(steps, "LEAKS", leaked_mass=law.leaked, reason="mass is lost to infinite strings")
        return Adaptation(steps, "OK", law, law.moments, 0.0)

    @cached_property
    def _expanded(self) -> AutomatonModel:
        if not self.expands:
            raise Undecided(
                f"this needs each context's own law, an automaton of {self.model.expanded:,} arcs; at most "
                f"{MOST_EXPANDED:,} are expanded (a global temperature and local adaptors need none): "
                "use a model of fewer contexts or words"
            )
        return AutomatonModel.of(expanded_automaton(self.model, self.rewards))

    def adapted(self, steps: Chain, normalise: str) -> Adaptation:
        """What a chain of adaptors makes of p+."""
        with working(self.bits):
            try:
                if normalise == "global" and all(step.name == "temperature" for step in steps):
                    tau = fmpq(1)
                    for step in steps:
                        tau /= step.value
                    _, mean = _moments(self.model, self.rewards, tau, self.log_partition)
                    return Adaptation(steps, "OK", tau, mean, arb(0))
                if normalise == "local" and not self.expands:
                    return self._local(steps)
                found = self._expanded.adapted(steps, normalise)
            except Diverges as error:
                return Adaptation(steps, "DIVERGENT", reason=str(error))
            except Undecided as error:
                return Adaptation(steps, "UNDECIDED", reason=str(error))
        return found if found.moments is None else replace(found, moments=_rounded(found.moments))

    def correction(self, local: Adaptation) -> Correction:
        """From a local law of this model to the global one, on the expanded automaton."""
        if not self.expands:
            names = ("kl_local_global", "w_max", "acceptance")
            return Correction(reasons=dict.fromkeys(names, "the model is too large to expand"))
        found = self._expanded.correction(local)
        kl, ratio, accepted = (
            None if v is None else to_float(v) for v in (found.kl_local_global, found.w_max, found.acceptance)
        )
        return Correction(kl, ratio, accepted, found.reasons)

    def typical(self, size: int, epsilon: fmpq) -> Window:
        """The sums over corpora of ``size`` strings with |Ibar - H| < epsilon, on the expanded automaton.

        Raises:
            Undecided: the model is too large to expand, or see ``theory.automata.typicality``.
        """
        return self._expanded.typical(size, epsilon)

    def plane(self) -> None:
        """None: infinitely many strings."""
        return None

    def keeps_all(self, found: Adaptation) -> bool:
        """False: it is not looked for."""
        del found
        return False

    def uncorrelated(self, *, prior: bool) -> bool:
        """False: it is not looked for."""
        del prior
        return False


def ngram_critical_points(
    model: NGramModel, rewards: tuple[Reward, ...], beta: fmpq, *, lawful: bool
) -> CriticalPoints:
    """The spectral radius of a back-off model, its critical temperature and its critical beta; more bits sharpen none.

    Args:
        model: its laws are divided by their sums.
        rewards: R = r / beta of each token.
        beta: reward units per nat.
        lawful: whether there is an aligned law.
    """
    reward = reward_floats(rewards)
    found, reasons = dict[str, arb](), {}
    searches: dict[str, Callable[[], Crossing]] = {
        "spectral_radius": lambda: Crossing(ngram_spectral_radius(model, reward)),
        "critical_temperature": lambda: ngram_critical_temperature(model, reward),
        "critical_beta": lambda: ngram_critical_beta(model, reward, ball(beta)),
    }
    for name, search in searches.items():
        if name == "critical_temperature" and not lawful:
            reasons[name] = "there is no aligned law"
            continue
        try:
            crossing = search()
        except Undecided as error:
            reasons[name] = str(error)
            continue
        reasons[name] = crossing.reason
        if crossing.value is not None:
            found[name] = crossing.value
    cycle = repeated_token(model, reward) if "critical_beta" in found else ()
    return CriticalPoints(
        found.get("spectral_radius"), found.get("critical_temperature"), found.get("critical_beta"), reasons, cycle
    )


def _moments(
    model: NGramModel, rewards: tuple[Reward, ...], tau: fmpq, log_partition: arb | None
) -> tuple[arb, Moments]:
    """(log of the sum of (p e^R)^tau, the moments under p+ at temperature 1 / tau)."""
    if is_small(model):
        exact = ball_moments(model, rewards, tau, tau)
        log_total, (l, r), (var_l, cov, var_r) = exact.log_total, exact.mean, exact.covariance
    else:
        reward = reward_floats(rewards)
        refuse_far_beyond(model, reward * to_float(tau))
        found = ngram_moments(model, reward, to_float(tau), to_float(tau))
        log_total, (l, r), (var_l, cov, var_r) = found.log_total, found.mean, found.covariance
    log_z = log_total if log_partition is None else log_partition
    cross = log_z - l - r
    entropy = cross if log_partition is None else log_total - ball(tau) * (l + r)
    used = set(model.token.tolist())
    constant = all(x == Reward() for k, x in enumerate(rewards) if k in used and not x.removes)
    moments = Moments(
        mean_log_prior=l,
        mean_reward=r,
        entropy=entropy,
        cross_entropy=cross,
        kl_to_aligned=arb(0) if log_partition is None else cross - entropy,
        var_log_prior=var_l,
        var_reward=arb(0) if constant else var_r,
        cov=arb(0) if constant else cov,
        var_surprisal=var_l + 2 * cov + var_r,
        cov_log_prior_surprisal=-(var_l + cov),
        constant=Constant(log_prior=False, reward=constant, surprisal=False),
        bits=ctx.prec,
    )
    return log_total, moments


def _rounded(mean: Moments) -> Moments:
    """In float64."""
    names = [name for name in Moments.__slots__ if name not in ("constant", "bits")]
    changed: dict[str, Any] = {name: to_float(getattr(mean, name)) for name in names}
    return replace(mean, **changed, bits=None)


def expanded_automaton(model: NGramModel, rewards: tuple[Reward, ...]) -> Automaton:
    """One arc per state and token; each row in float64, then divided by its sum as rationals."""
    end = len(model.alphabet)
    arcs: list[Arc] = []
    stop = []
    for state in range(model.states):
        log10_prob, target = model.row(state)
        prob = [fmpq(*float(p).as_integer_ratio()) for p in 10.0**log10_prob]
        total = sum(prob, start=fmpq(0))
        for token, (p, where) in enumerate(zip(prob[:end], target.tolist(), strict=False)):
            arcs.append(Arc(state, where, model.alphabet[token], p / total, rewards[token]))
        stop.append(prob[end] / total)
    return Automaton.of(model.alphabet, arcs, stop, model.initial)


__all__ = ["MOST_EXPANDED", "AlignedNGram", "expanded_automaton", "ngram_critical_points", "reward_floats"]
