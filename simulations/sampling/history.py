"""Penalties that look at the tokens before, on rows of log-weights in float64. Rules: ``theory.adaptors.bends``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from theory.adaptors.bends import longest_match
from theory.adaptors.exact import Adaptor
from theory.arithmetic.exact import to_float

Floats = NDArray[np.float64]
Tokens = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """The tokens before a row of next-token laws.

    Args:
        prompt: ids, shape (n, P); what is below 0 fills shorter ones in front.
        written: ids after the prompt, shape (n, t).
    """

    prompt: Tokens
    written: Tokens

    def of(self, row: int, step: Adaptor) -> list[int]:
        """What a step looks at: its window of the written tokens, with the prompt before them where it is counted."""
        tokens = [int(t) for t in self.written[row]]
        if step.word("prompt") == "counted":
            tokens = [int(t) for t in self.prompt[row] if t >= 0] + tokens
        window = int(step.number("window").p)
        return tokens[-window:] if window else tokens

    def rows(self, chosen: Mask | NDArray[np.int64]) -> History:
        """The history of some rows."""
        return History(self.prompt[chosen], self.written[chosen])


def penalised(weight: Floats, step: Adaptor, history: History, heat: float) -> Floats:
    """Log-weights after a penalty.

    Args:
        weight: log w, shape (n, V), -inf where a token is cut.
        step: a penalty.
        history: the tokens before.
        heat: 1 / T of the temperatures met, which divide the gauge of the logits, too.
    """
    found = weight.copy()
    value = to_float(step.value)
    shift = to_float(step.number("gauge")) * heat if step.name == "repetition_penalty" else 0.0
    for row in range(len(weight)):
        tokens = history.of(row, step)
        counts = Counter(tokens)
        if step.name == "dry":
            _add_dry(found[row], step, tokens)
            continue
        seen = np.array(sorted(counts), dtype=np.int64)
        own = weight[row, seen]
        if step.name == "repetition_penalty":
            logit = own + shift
            found[row, seen] = np.where(logit > 0, logit / value, logit * value) - shift
        elif step.name == "presence_penalty":
            found[row, seen] = own - value
        else:
            found[row, seen] = own - value * np.array([counts[int(t)] for t in seen])
    return found


def _add_dry(weight: Floats, step: Adaptor, tokens: Sequence[int]) -> None:
    allowed, base = int(step.number("allowed").p), to_float(step.number("base"))
    for token in set(tokens):
        length = longest_match(tokens, token)
        if length >= allowed:
            weight[token] -= to_float(step.value) * base ** (length - allowed)


def without_repeats(weight: Floats, step: Adaptor, history: History) -> Mask:
    """False for tokens that would write n tokens a second time."""
    kept = np.ones(weight.shape, dtype=bool)
    size = int(step.value.p)
    for row in range(len(weight)):
        tokens = history.of(row, step)
        if len(tokens) < size - 1:
            continue
        last = tokens[len(tokens) - size + 1 :] if size > 1 else []
        for place in range(len(tokens) - size + 1):
            if tokens[place : place + size - 1] == last:
                kept[row, tokens[place + size - 1]] = False
    return kept


__all__ = ["History", "penalised", "without_repeats"]
