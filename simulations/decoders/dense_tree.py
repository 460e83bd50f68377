"""Every continuation of a prompt up to a length limit, with its exact probability under a decoder: the dense tree.

The outcomes are the strings that end within T steps and, censored, the prefixes of T tokens: together of probability
1. A model of V ids, one of which ends, has (V - 1)^d strings that end after d tokens and (V - 1)^T censored prefixes.
Everything is float64 from the logits on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulations.sampling.adaptors import log_softmax, log_sum, log_weights
from simulations.sampling.generate import Decoder, Sample, Tokens
from simulations.sampling.history import History
from theory.adaptors.exact import Chain

Floats = NDArray[np.float64]

_ROWS = 1 << 14
"""Prefixes in one forward pass."""


@dataclass(frozen=True, slots=True, eq=False)
class Enumeration:
    """The next-token laws after every prefix of fewer than T tokens.

    Args:
        end: the id that ends a string.
        laws: for d = 0..T-1, log p(. | prefix) for all (V - 1)^d prefixes of d tokens, shape ((V - 1)^d, V); prefixes
            in the order of their tokens, read as numbers in base V - 1.
    """

    end: int
    laws: tuple[Floats, ...]

    @staticmethod
    def of(decoder: Decoder, prompt: Tokens, length: int, *, rows: int = _ROWS) -> Enumeration:
        """One batched forward pass per ``rows`` prefixes. Cost: the model on sum_d (V - 1)^d prefixes.

        Args:
            decoder: whose laws are read.
            prompt: ids, shape (P,).
            length: T >= 1.
            rows: prefixes asked about side by side.
        """
        laws = []
        prefixes = np.zeros((1, 0), dtype=np.int64)
        for depth in range(length):
            dummy = np.full((len(prefixes), 1), decoder.end, dtype=np.int64)
            tokens = np.concatenate((prefixes, dummy), axis=1)
            parts = []
            for low in range(0, len(tokens), rows):
                chunk = tokens[low : low + rows]
                logits = decoder.logits(np.broadcast_to(prompt, (len(chunk), len(prompt))), chunk)
                parts.append(log_softmax(logits[:, depth]))
            laws.append(np.concatenate(parts))
            prefixes = _longer(prefixes, laws[-1].shape[1], decoder.end)
        return Enumeration(decoder.end, tuple(laws))

    @property
    def branching(self) -> int:
        """V - 1, the number of tokens that go on."""
        return int(self.laws[0].shape[1]) - 1

    @property
    def starts(self) -> Tokens:
        """Where the outcomes of d tokens begin, d = 0..T, the censored ones last, and their number: shape (T + 2,)."""
        sizes = [len(law) for law in self.laws] + [len(self.laws[-1]) * self.branching]
        return np.concatenate(([0], np.cumsum(sizes)))

    def outcome(self, sample: Sample) -> Tokens:
        """The index of each string, shape (B,).

        Raises:
            ValueError: a string that was cut before T tokens: it is a prefix of many outcomes (names the row).
        """
        short = np.flatnonzero(~sample.ended & (sample.length < len(self.laws)))
        if len(short):
            raise ValueError(f"row {short[0]} was cut after {sample.length[short[0]]} tokens, before {len(self.laws)}")
        number, depth = np.zeros(len(sample.tokens), dtype=np.int64), np.zeros(len(sample.tokens), dtype=np.int64)
        for column in sample.tokens.T[: len(self.laws)]:
            going_on = (column >= 0) & (column != self.end)
            digit = column - (column > self.end)
            number = np.where(going_on, number * self.branching + digit, number)
            depth += going_on
        result: Tokens = self.starts[depth] + number
        return result

    def log_prob(self) -> Floats:
        """log p of every outcome, nats: strings with their end, then the censored prefixes."""
        return self._along(self.laws)

    def adapted(self, steps: Chain) -> tuple[Floats, Floats]:
        """(log q_loc, sum_t log c_t) of every outcome; log q is -inf where it is cut off."""
        if Chain(steps).history is None:
            weights = [log_weights(law, steps) for law in self.laws]
        else:
            before = (History(own[:, :0], own) for own in self._prefixes())
            weights = [log_weights(law, steps, own) for law, own in zip(self.laws, before, strict=True)]
        normalisers = [log_sum(weight)[:, None] for weight in weights]
        local = self._along([weight - c for weight, c in zip(weights, normalisers, strict=True)])
        totals = self._along([np.broadcast_to(c, w.shape) for w, c in zip(weights, normalisers, strict=True)])
        return local, totals

    def _prefixes(self) -> Iterator[Tokens]:
        """The prefixes of each length, in the order of the laws' rows."""
        prefixes = np.zeros((1, 0), dtype=np.int64)
        for law in self.laws:
            yield prefixes
            prefixes = _longer(prefixes, law.shape[1], self.end)

    def _along(self, steps: Sequence[Floats]) -> Floats:
        """The sum of a function of a step along every outcome."""
        others = [t for t in range(self.branching + 1) if t != self.end]
        parts, path = [], np.zeros(1)
        for step in steps:
            whole = path[:, None] + step
            parts.append(whole[:, self.end])
            path = whole[:, others].ravel()
        return np.concatenate([*parts, path])

    def tokens(self) -> Tokens:
        """The tokens of every outcome, the end included, -1 after it: shape (n, T)."""
        length, blocks = len(self.laws), []
        prefixes = np.zeros((1, 0), dtype=np.int64)
        for depth in range(length + 1):
            block = np.full((len(prefixes), length), -1, dtype=np.int64)
            block[:, :depth] = prefixes
            if depth < length:
                block[:, depth] = self.end
                prefixes = _longer(prefixes, self.branching + 1, self.end)
            blocks.append(block)
        return np.concatenate(blocks)


def _longer(prefixes: Tokens, vocabulary: int, end: int) -> Tokens:
    """All prefixes of one token more, in order."""
    others = np.array([t for t in range(vocabulary) if t != end])
    return np.concatenate((np.repeat(prefixes, len(others), axis=0), np.tile(others, len(prefixes))[:, None]), axis=1)


__all__ = ["Enumeration"]
