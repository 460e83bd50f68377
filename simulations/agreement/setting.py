"""What an experiment is given: procedures, how many draws, and its own stream of randomness."""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from simulations.agreement.comparison import Comparison
from simulations.agreement.known import Known
from simulations.agreement.procedures import Parts
from simulations.decoders.tree import TreeDecoder
from simulations.sampling.generate import generate
from theory.adaptors.exact import Chain

Floats = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """How a run of comparisons is made.

    Args:
        seed: of the run; every experiment derives its own stream from it and its name.
        draws: independent strings (or chains) per comparison.
        corpora: corpora per comparison.
        parts: the procedures.
    """

    seed: int
    draws: int = 200_000
    corpora: int = 50_000
    parts: Parts = field(default_factory=Parts)

    def rng(self, name: str) -> np.random.Generator:
        """The stream of an experiment: the same whatever else is run."""
        return np.random.default_rng(np.random.SeedSequence([self.seed, zlib.crc32(name.encode())]))

    def aligned(self, known: Known, beta: float = 1.0) -> Floats:
        """p+ of a model with R = r / beta, as the procedures make it of the prior and r."""
        return self.parts.tilted(known.log_prior, known.reward * beta, beta)

    def strings(self, prob: Floats, rng: np.random.Generator) -> Index:
        """Independent strings of a law."""
        return self.parts.strings(prob, self.draws, rng=rng)

    def adapted(self, known: Known, steps: Chain, normalise: str, rng: np.random.Generator) -> Index:
        """Independent strings of an adapted p+, written token by token; nothing of the exact adapted law is used.

        Global ones are local ones that are kept with probability prod_t c_t, which is at most 1 for truncations and
        for temperatures up to 1; on a table, where a string is one token, the two are the same.
        """
        asked, mode = self.parts.steps(steps), self.parts.normalise(normalise)
        table = len(known.aligned.tree.levels) == 3
        found = [self._written(known, asked, self.draws, mode == "global" and not table, rng)]
        while (count := sum(map(len, found))) < self.draws:
            found.append(self._written(known, asked, max(1000, self.draws - count), True, rng))
        return np.concatenate(found)[: self.draws]

    def _written(self, known: Known, steps: Chain, count: int, corrected: bool, rng: np.random.Generator) -> Index:
        decoder = decoder_of(known)
        prompts = np.zeros((count, 0), dtype=np.int64)
        depth = len(known.aligned.tree.levels) - 1
        drawn = generate(decoder, prompts, steps, depth, rng=rng, adapt=self.parts.adapt)
        kept = np.ones(count, dtype=bool)
        if corrected:
            log_product = drawn.log_normaliser.sum(axis=1)
            if log_product.max() > 1e-9:
                raise ValueError("only weights that sum to at most 1 at every step can be corrected by rejection")
            kept = np.log1p(-rng.random(count)) < log_product
        return np.searchsorted(known.aligned.node, decoder.ends_at(prompts, drawn.tokens)[kept])


@functools.lru_cache(maxsize=32)
def decoder_of(known: Known) -> TreeDecoder:
    """p+ of a model, token by token."""
    return TreeDecoder.pair(known.aligned)[1]


Experiment = Callable[[Setting], Iterable[Comparison]]

__all__ = ["Experiment", "Setting"]
