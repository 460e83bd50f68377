"""Populations of prompts whose strings are enumerated, and what is true of them: exactly what ``analyse`` estimates.

After each of a few hundred prompts a prior and an aligned model have their own tree of next-token laws, of four tokens
and three steps, so 40 strings. A run draws prompts and then strings by each setting, as ``probqual sample`` does from
real models; the truths are sums over every prompt and string.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from simulations.arrays import Floats, Index
from simulations.decoders.dense_tree import Enumeration
from simulations.estimation.strings import Strings
from simulations.sampling.adaptors import log_softmax
from theory.adaptors.exact import Chain, chain

TOKENS, STEPS, END = 4, 3, 0
PROMPTS = 400
"""Prompts in a population; a run draws its own from them, alike and with repetition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """How the models of a population are made.

    Args:
        reward: the standard deviation of a string's reward before it is centred, nats.
        peak: the standard deviation of the prior's logits.
        cold: the lower temperature of the settings.
        seed: of the population.
    """

    reward: float
    peak: float = 1.0
    cold: str = "1/2"
    seed: int = 1

    @property
    def chains(self) -> tuple[Chain, ...]:
        """The settings: p+ itself, cooled, heated, cut, and cooled and cut."""
        cold = ("temperature", self.cold)
        return (
            Chain(),
            chain(cold),
            chain(("temperature", "3/2")),
            chain(("nucleus", "4/5")),
            chain(cold, ("nucleus", "4/5")),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """Every prompt's laws: M prompts, K settings, S strings; nats.

    Args:
        chains: the settings.
        log_prior, log_aligned: L and log p+, shape (M, S).
        log_law, log_normaliser: log q_loc and sum log c of every setting, shape (M, K, S).
        named: another reward, a lexicon's sum over the tokens, shape (M, S).
        length: tokens of every string, shape (S,).
    """

    chains: tuple[Chain, ...]
    log_prior: Floats
    log_aligned: Floats
    log_law: Floats
    log_normaliser: Floats
    named: Floats
    length: Index

    @staticmethod
    def of(pair: Pair) -> Population:
        """Laws from normal logits, shared by all prompts and then moved for each; rewards of tokens and of strings."""
        rng = np.random.default_rng(pair.seed)
        shared = [rng.normal(0, pair.peak, ((TOKENS - 1) ** depth, TOKENS)) for depth in range(STEPS)]
        token_reward = rng.normal(size=TOKENS)
        columns: list[list[Floats]] = [[], [], [], [], []]
        for _ in range(PROMPTS):
            prior = Enumeration(END, tuple(log_softmax(logits + rng.normal(0, 0.5, logits.shape)) for logits in shared))
            tokens, log_prior = prior.tokens(), prior.log_prob()
            named = np.where(tokens >= 0, token_reward[np.maximum(tokens, 0)], 0).sum(axis=1)
            reward = pair.reward * (0.6 * named + 0.8 * rng.normal(size=len(named)))
            aligned = Enumeration(END, _next_token_laws(log_prior + reward))
            adapted = [aligned.adapted(steps) for steps in pair.chains]
            laws, normalisers = (np.stack(parts) for parts in zip(*adapted, strict=True))
            found = (log_prior, aligned.log_prob(), laws, normalisers, named)
            for column, value in zip(columns, found, strict=True):
                column.append(value)
        log_prior, log_aligned, log_law, log_normaliser, words = (np.stack(column) for column in columns)
        length = (tokens >= 0).sum(axis=1)
        return Population(pair.chains, log_prior, log_aligned, log_law, log_normaliser, words, length)

    @property
    def law(self) -> Floats:
        """q_loc of every setting, shape (M, K, S)."""
        return np.exp(self.log_law)

    def sample(self, rng: np.random.Generator, prompts: int, strings: int) -> Strings:
        """A run of every setting: so many prompts, so many strings after each."""
        chosen = rng.integers(len(self.log_prior), size=prompts)
        settings = len(self.chains)
        drawn = _drawn(rng, self.log_law[chosen], strings)
        prompt, setting = (
            np.broadcast_to(v, drawn.shape).ravel()
            for v in (np.arange(prompts)[:, None, None], np.arange(settings)[None, :, None])
        )
        string, kind = drawn.ravel(), chosen[prompt]
        normaliser = self.log_normaliser[kind, :, string].T
        return Strings(
            setting=setting,
            prompt=prompt,
            log_prior=self.log_prior[kind, string],
            log_aligned=self.log_aligned[kind, string],
            log_weight=self.log_law[kind, :, string].T + normaliser,
            log_normaliser=normaliser,
            reward=self.named[kind, string],
            length=self.length[string],
            ended=np.ones(len(string), dtype=bool),
            rewards={"lexicon": self.named[kind, string]},
        )

    def sample_prior(self, rng: np.random.Generator, prompts: int, strings: int) -> Strings:
        """A run of the prior, whose reward is R = log p+ - log p."""
        chosen = rng.integers(len(self.log_prior), size=prompts)
        string = _drawn(rng, self.log_prior[chosen][:, None], strings).ravel()
        prompt = np.repeat(np.arange(prompts), strings)
        kind, nothing = chosen[prompt], np.zeros((0, len(string)))
        log_prior = self.log_prior[kind, string]
        return Strings(
            setting=np.zeros(len(string), dtype=np.int64),
            prompt=prompt,
            log_prior=log_prior,
            log_aligned=np.full(len(string), np.nan),
            log_weight=nothing,
            log_normaliser=nothing,
            reward=self.log_aligned[kind, string] - log_prior,
            length=self.length[string],
            ended=np.ones(len(string), dtype=bool),
            rewards={"lexicon": self.named[kind, string]},
        )


def _drawn(rng: np.random.Generator, log_law: Floats, strings: int) -> Index:
    """Independent strings of laws of shape (P, K, S): shape (P, K, strings)."""
    cumulative = np.cumsum(np.exp(log_law), axis=-1)
    cumulative /= cumulative[..., -1:]
    points = rng.random((*log_law.shape[:2], strings))
    found = np.empty(points.shape, dtype=np.int64)
    for x, k in itertools.product(*map(range, log_law.shape[:2])):
        found[x, k] = np.searchsorted(cumulative[x, k], points[x, k], side="right")
    return found


def _next_token_laws(log_mass: Floats) -> tuple[Floats, ...]:
    """The laws after every prefix from the log masses of all strings, up to a factor: sums from the leaves down."""
    starts = np.cumsum([0] + [(TOKENS - 1) ** depth for depth in range(STEPS + 1)])
    ended = [log_mass[low:high] for low, high in itertools.pairwise(starts)]
    laws, going_on = [], ended[STEPS]
    for depth in reversed(range(STEPS)):
        both = np.concatenate([ended[depth][:, None], going_on.reshape(-1, TOKENS - 1)], axis=1)
        laws.append(log_softmax(both))
        going_on = np.logaddexp.reduce(both, axis=1)
    return tuple(reversed(laws))


__all__ = ["Pair", "Population"]
