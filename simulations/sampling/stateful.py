"""Samplers that carry a state from token to token: Mirostat in both versions, and adaptive-p. For ``generate``:

    sampler = Mirostat2(target=3.0, rate=0.1, rows=len(prompts))
    generate(decoder, prompts, Chain(), length, rng=rng, adapt=sampler.adapt, watch=sampler.watch)

They are no chains of adaptors: the law of a token depends on the surprisals of those before. Surprisals are in bits
here, as the settings of engines are.

- Mirostat 2: keep -log2 p <= mu, at least the most probable token, renormalise to q, draw x, mu -= rate (-log2 q(x) -
  target), mu_0 = 2 target.
- Mirostat 1: estimate the Zipf exponent s from the 100 most probable tokens, keep the k most probable ones, k = ((e
  2^mu) / (1 - N^-e))^(1/s) with e = s - 1, then as above.
- adaptive-p: aim at a = clip(2 t - ws / tw, 0, 1) with weights exp(5 - 10 d^2 / (1 + d)), d = |p - a| / 0.3; then ws =
  p(x) + g ws, tw = 1 + g tw; ws_0 = t / (1 - g), tw_0 = 1 / (1 - g).

For Mirostat the mean surprisal under q less the target is (mu_0 - mu_T) / (rate T), whatever is drawn.
Sources: Basu et al. (2021), arXiv:2007.14966; llama.cpp, whose tokens these formulas were seen to give.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from simulations.sampling.adaptors import log_sum
from theory.adaptors.exact import Chain

Floats = NDArray[np.float64]
Tokens = NDArray[np.int64]
Mask = NDArray[np.bool_]

_BITS = np.log(2)
_HEAD = 100


@dataclass(slots=True, eq=False)
class Mirostat2:
    """Mirostat 2 on rows of laws.

    Args:
        target: of the surprisal, bits, > 0.
        rate: > 0.
        rows: strings that are written side by side.
    """

    target: float
    rate: float
    rows: int
    mu: Floats = field(init=False)
    _weight: Floats = field(init=False)

    def __post_init__(self) -> None:
        if not (self.target > 0 and self.rate > 0):
            raise ValueError(f"target and rate must be > 0, got {self.target} and {self.rate}")
        self.mu = np.full(self.rows, 2 * self.target)

    def adapt(self, law: Floats, steps: Chain) -> Floats:
        """log w of each token, shape (rows, V), for log p of the same shape; no chain can stand with it.

        Raises:
            ValueError: there is a chain.
        """
        if steps:
            raise ValueError(f"Mirostat stands alone, got {Chain(steps)}")
        kept = self._kept(law)
        kept |= np.arange(law.shape[1]) == law.argmax(axis=1)[:, None]
        self._weight = np.where(kept & np.isfinite(law), law, -np.inf)
        return self._weight

    def _kept(self, law: Floats) -> Mask:
        result: Mask = -law / _BITS <= self.mu[:, None]
        return result

    def watch(self, step: int, law: Floats, drawn: Tokens, alive: Mask) -> None:
        """Move mu by the surprisal of what was drawn."""
        del step, law
        own = self._weight[np.arange(len(drawn)), drawn] - log_sum(self._weight)
        self.mu = np.where(alive, self.mu - self.rate * (-own / _BITS - self.target), self.mu)


@dataclass(slots=True, eq=False)
class Mirostat1(Mirostat2):
    """Mirostat 1: the cut is a top-k whose k comes from a Zipf law fitted to the head."""

    def _kept(self, law: Floats) -> Mask:
        order = np.argsort(-law, axis=1, kind="stable")
        falling = np.take_along_axis(law, order, axis=1)[:, :_HEAD]
        place = np.log(np.arange(2, falling.shape[1] + 1) / np.arange(1, falling.shape[1]))
        drops = falling[:, :-1] - falling[:, 1:]
        exponent = np.where(np.isfinite(drops), drops, 0.0) @ place / (place @ place)
        size = law.shape[1]
        excess = exponent - 1
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            whole = excess * 2**self.mu / (1 - float(size) ** -excess)
            flat = 2**self.mu / np.log(size)  # the limit of s -> 1
            k = np.where(np.abs(excess) < 1e-12, flat, whole) ** (1 / exponent)
        k = np.clip(np.where(np.isnan(k), size, np.round(k)), 1, size)
        rank = np.empty_like(order)
        np.put_along_axis(rank, order, np.arange(size)[None, :], axis=1)
        result: Mask = rank < k[:, None]
        return result


@dataclass(slots=True, eq=False)
class AdaptiveP:
    """adaptive-p on rows of laws.

    Args:
        target: of the probability of a token, in (0, 1).
        decay: g, in [0, 1).
        rows: strings that are written side by side.
    """

    target: float
    decay: float
    rows: int
    weighted: Floats = field(init=False)
    total: Floats = field(init=False)

    def __post_init__(self) -> None:
        if not (0 < self.target < 1 and 0 <= self.decay < 1):
            raise ValueError(f"target must lie in (0, 1) and decay in [0, 1), got {self.target} and {self.decay}")
        self.weighted = np.full(self.rows, self.target / (1 - self.decay))
        self.total = np.full(self.rows, 1 / (1 - self.decay))

    def adapt(self, law: Floats, steps: Chain) -> Floats:
        """log w of each token, shape (rows, V), for log p of the same shape; no chain can stand with it.

        Raises:
            ValueError: there is a chain.
        """
        if steps:
            raise ValueError(f"adaptive-p stands alone, got {Chain(steps)}")
        aim = np.clip(2 * self.target - self.weighted / self.total, 0.0, 1.0)
        far = np.abs(np.exp(law) - aim[:, None]) / 0.3
        return np.where(np.isfinite(law), 5 - 10 * far**2 / (1 + far), -np.inf)

    def watch(self, step: int, law: Floats, drawn: Tokens, alive: Mask) -> None:
        """Move the running mean of the probabilities of what was drawn."""
        del step
        own = np.exp(law[np.arange(len(drawn)), drawn])
        self.weighted = np.where(alive, own + self.decay * self.weighted, self.weighted)
        self.total = np.where(alive, 1 + self.decay * self.total, self.total)


__all__ = ["AdaptiveP", "Mirostat1", "Mirostat2"]
