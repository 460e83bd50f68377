"""A prior and an aligned decoder that belong together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulations.sampling.generate import Decoder, Tokens


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """A prior and an aligned model, small enough to enumerate.

    Args:
        name: "tree with prompts".
        prior, aligned: decoders over the same ids.
        prompts: ids of each prompt, all of one length.
        length: T, the most tokens of a string, its end included.
        accuracy: how far a log-probability may be from its enumerated value, nats: float32 models round.
    """

    name: str
    prior: Decoder
    aligned: Decoder
    prompts: tuple[tuple[int, ...], ...]
    length: int
    accuracy: float

    def prompt(self, number: int, rows: int) -> Tokens:
        """One prompt for all rows, shape (rows, P)."""
        return np.tile(np.array(self.prompts[number], dtype=np.int64), (rows, 1))
