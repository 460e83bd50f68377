"""The laws of the models of ``probqual conform``: known exactly, with ties, an end, and more than 64 tokens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

VOCABULARY = 320
SPECIAL = ("<unk>", "<s>", "</s>")
START, END = 1, 2
"""Ids: a string begins with one and ends with the other; id 0 has no mass."""

IMPOSSIBLE = -60.0
"""The logit of a token that must never come, where the others' are above -10."""


@dataclass(frozen=True, slots=True, eq=False)
class KnownModel:
    """A model whose next-token law depends on the class of the last token alone.

    Args:
        name: "fixed" or "markov".
        weights: whole numbers, one row per class, shape (classes, V); the law of a row is proportional to them.
        classes: of each token, shape (V,).
    """

    name: str
    weights: Index
    classes: Index

    @property
    def log_law(self) -> Floats:
        """log p of the next token after each class, shape (classes, V); -inf where it must not come."""
        with np.errstate(divide="ignore"):
            result: Floats = np.log(self.weights / self.weights.sum(axis=1, keepdims=True))
        return result

    @property
    def logits(self) -> Floats:
        """log p with ``IMPOSSIBLE`` for tokens that must not come."""
        return np.where(self.weights > 0, self.log_law, IMPOSSIBLE)


def _falling(shift: int) -> Index:
    """Whole weights: a Zipf law over the ordinary tokens, in steps so that many tie, from a place that shifts."""
    ordinary = VOCABULARY - len(SPECIAL)
    place = (np.arange(ordinary) + shift) % ordinary
    weights = np.concatenate((np.zeros(len(SPECIAL), dtype=np.int64), 4_000 // (place + 4) // 4 * 4 + 4))
    weights[END] = 240
    return weights


def fixed() -> KnownModel:
    """One law after every prefix."""
    return KnownModel("fixed", _falling(0)[None], np.zeros(VOCABULARY, dtype=np.int64))


def markov() -> KnownModel:
    """Two laws, one after tokens of even id and one after those of odd id: what pairs of tokens show."""
    return KnownModel("markov", np.stack([_falling(0), _falling(150)]), np.arange(VOCABULARY) % 2)


MODELS = {"fixed": fixed, "markov": markov}


def names() -> list[str]:
    """The vocabulary: three special tokens, and words w3, w4, ..., each with its space."""
    return [*SPECIAL, *(f"w{k}" for k in range(len(SPECIAL), VOCABULARY))]


__all__ = ["END", "IMPOSSIBLE", "MODELS", "SPECIAL", "START", "VOCABULARY", "KnownModel", "fixed", "markov", "names"]
