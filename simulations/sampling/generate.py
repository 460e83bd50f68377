"""Strings from a language model that hands out logits, one token for all rows at a time, with their log-probabilities.

A decoder knows its model and its cache; this module knows adaptors and randomness. Logits come as float32, adaptors
decide in float64 unless the caller brings its own, and a token is the first whose cumulative weight exceeds a uniform
draw: the uniforms come from the caller's generator, so that a seed means the same on every device.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from simulations.sampling.adaptors import log_softmax, log_sum, log_weights
from simulations.sampling.history import History
from simulations.sampling.row_totals import inverse_cdf
from theory.adaptors.exact import Chain

Floats = NDArray[np.float64]
Tokens = NDArray[np.int64]
Mask = NDArray[np.bool_]

PAD = -1
"""What stands in ``tokens`` after the end of a string."""


class Decoder(Protocol):
    """A language model over token ids 0..V-1, some of which end the string.

    One that has several such ids names all of them as ``ends``, a tuple.
    """

    @property
    def end(self) -> int:
        """The id of a token that ends a string."""

    def begin(self, prompts: Tokens) -> NDArray[np.floating]:
        """Logits of the first token after each prompt: shapes (B, P) to (B, V). Prompts are of one length."""

    def advance(self, tokens: Tokens) -> NDArray[np.floating]:
        """Logits after one more token per row: shapes (B,) to (B, V). Rows that have ended get any token."""

    def logits(self, prompts: Tokens, tokens: Tokens) -> NDArray[np.floating]:
        """Logits of every token of the continuation at once: shapes (B, P) and (B, T) to (B, T, V).

        ``PAD`` stands after the end; logits there are not used.
        """


def ends_of(decoder: Decoder) -> tuple[int, ...]:
    """All ids that end a string of this decoder."""
    found: tuple[int, ...] = getattr(decoder, "ends", (decoder.end,))
    return found


def release(decoder: Decoder) -> None:
    """Has a decoder drop the cache of the strings that it wrote last, if it keeps one: the next begin anew."""
    drop: Callable[[], None] | None = getattr(decoder, "release", None)
    if drop is not None:
        drop()


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Continuations of prompts, each with what was known of every token when it was drawn.

    A string that reached its end has it as its last token, scored like any other. One that was cut at the length limit
    has not: it is censored, the event that a string begins with these tokens.

    Args:
        tokens: ids, ``PAD`` after the last; shape (B, T).
        length: tokens of each row, the end included, shape (B,).
        ended: whether the row reached its end, shape (B,).
        log_prob: log p of each token under the decoder's law, before adaptors; 0 after the last; shape (B, T), nats.
        log_weight: log w of each token, shape (B, T), nats.
        log_normaliser: log c at each step, shape (B, T), nats.
    """

    tokens: Tokens
    length: Tokens
    ended: Mask
    log_prob: Floats
    log_weight: Floats
    log_normaliser: Floats

    @property
    def log_sampled(self) -> Floats:
        """log q_loc of each string (or censored prefix): sum of log w - log c, shape (B,), nats."""
        result: Floats = (self.log_weight - self.log_normaliser).sum(axis=1)
        return result


def first_above(weight: Floats, uniform: Floats) -> Tokens:
    """The first token whose cumulative share exceeds the uniform draw: inverse-CDF sampling, in float64.

    Args:
        weight: >= 0, shape (B, V), each row with a positive sum.
        uniform: in [0, 1), shape (B,).
    """
    cumulative = np.cumsum(weight, axis=1)
    found = (cumulative <= uniform[:, None] * cumulative[:, -1:]).sum(axis=1)
    # a product that rounds up to the whole would go past the last token that has weight
    last = weight.shape[1] - 1 - (weight[:, ::-1] > 0).argmax(axis=1)
    return np.asarray(np.minimum(found, last), dtype=np.int64)


def _unadapted(logits: NDArray[np.floating], uniform: Floats) -> tuple[Tokens, Floats]:
    """(a token of the model's own law, its log p) per row, in one exponential of the logits' own precision.

    Running totals are float64, so that a float32 law of 10^5 tokens loses no mass to rounding.
    """
    rows = np.arange(len(logits))
    peak = logits.max(axis=1, keepdims=True)
    weight = logits - peak
    np.exp(weight, out=weight)
    drawn, total = inverse_cdf(weight, uniform)
    for row in np.flatnonzero(weight[rows, drawn] == 0):  # a target that rounded up to the whole
        drawn[row] = np.flatnonzero(weight[row])[-1]
    own = logits[rows, drawn].astype(np.float64)
    return drawn, own - peak[:, 0].astype(np.float64) - np.log(total)


Adapt = Callable[..., Floats]
"""What turns rows of log-probabilities into log-weights: (rows, chain), and a history where a step needs one."""


Draw = Callable[[int, NDArray[np.floating], Floats, Mask], tuple[Tokens, Floats, Floats, Floats]]
"""Draws a token a row: of a step's number, logits, uniform draws and which rows are still being written, each row's
token, log p, log w and log c; what it says of rows that have ended is not used."""


Watch = Callable[[int, Floats, Tokens, Mask], None]
"""Called after every step with its number, the laws, what was drawn, and the rows that were still being written."""


def generate(
    decoder: Decoder,
    prompts: Tokens,
    steps: Chain,
    length: int,
    *,
    rng: np.random.Generator,
    adapt: Adapt = log_weights,
    watch: Watch | None = None,
    draw: Draw | None = None,
) -> Sample:
    """One continuation of each prompt, locally adapted, of at most ``length`` tokens.

    Args:
        decoder: hands out logits, one token at a time.
        prompts: ids, shape (B, P), of one length.
        steps: the adaptors, applied to every next-token law; () samples from the model.
        length: T >= 1.
        rng: of the uniform draws, one a row and step.
        adapt: the adaptors themselves; faults are planted here.
        watch: sees the laws at every step, so that other adaptors can be asked about it.
        draw: draws the tokens in place of ``adapt`` and ``watch``, by the same steps.

    Raises:
        ValueError: no room for a token, or a logit that is NaN or +inf (names row and step).
    """
    if length < 1:
        raise ValueError(f"a string needs room for a token, got a length limit of {length}")
    rows, steps = len(prompts), Chain(steps)
    tokens = np.full((rows, length), PAD, dtype=np.int64)
    log_prob, log_weight, log_normaliser = (np.zeros((rows, length)) for _ in range(3))
    alive, ends = np.ones(rows, dtype=bool), ends_of(decoder)
    logits = decoder.begin(prompts)
    for step in range(length):
        check_logits(logits[:, None], alive[:, None], step)
        uniform = rng.random(rows)
        if draw is None and not alive.all():
            logits = np.where(alive[:, None], logits, 0.0)  # rows that have ended may hold anything
        if draw is not None:
            drawn, own, kept, total = draw(step, logits, uniform, alive)
        elif not steps and adapt is log_weights and watch is None:
            drawn, own = _unadapted(logits, uniform)
            kept, total = own, np.zeros(rows)
        else:
            law = log_softmax(logits)
            past = () if steps.history is None else (History(prompts, tokens[:, :step]),)
            weight = adapt(law, steps, *past)
            drawn = first_above(np.exp(weight - weight.max(axis=1, keepdims=True)), uniform)
            own, kept = (np.take_along_axis(values, drawn[:, None], axis=1)[:, 0] for values in (law, weight))
            total = log_sum(weight)
            if watch is not None:
                watch(step, law, drawn, alive.copy())
        tokens[alive, step] = drawn[alive]
        for target, values in ((log_prob, own), (log_weight, kept), (log_normaliser, total)):
            target[:, step] = np.where(alive, values, 0.0)
        alive &= ~np.isin(drawn, ends)
        if not alive.any() or step + 1 == length:
            break
        logits = decoder.advance(drawn)
    return Sample(tokens, (tokens != PAD).sum(axis=1), ~alive, log_prob, log_weight, log_normaliser)


def check_logits(logits: NDArray[np.floating], used: Mask, first: int = 0) -> None:
    """Refuse logits that no law has.

    Args:
        logits: of consecutive tokens, shape (B, T, V).
        used: which of them matter, shape (B, T).
        first: how many tokens stand before them.

    Raises:
        ValueError: NaN, +inf, or a row of -inf; names the row and the token.
    """
    wrong = ~np.isfinite(logits.max(axis=-1)) & used  # the largest is NaN if any is
    if wrong.any():
        row, step = (int(k) for k in np.argwhere(wrong)[0])
        raise ValueError(
            f"row {row}, token {first + step + 1}: the model's logits hold NaN or infinity; try another dtype"
        )


__all__ = ["PAD", "Decoder", "Draw", "Sample", "check_logits", "ends_of", "first_above", "generate", "release"]
