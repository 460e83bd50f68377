"""Whether a model gives one law, however it is asked: in one pass, through its cache, side by side or alone.

Strings are drawn by one of these ways and scored by others, so where they differ a log-probability is wrong. What a
correct model leaves is rounding, and its size decides which numbers of a run mean anything.

The ways differ by more than rounding for position embeddings that switch by length, for caches that the loop here does
not drive as the model's own ``generate`` would, and for models that look ahead. A cache that does not give the numbers
of the whole pass is not used; a whole pass that does not give those of its own prefixes is refused.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from simulations.bridge.decoder import Logits, TorchDecoder
from simulations.bridge.models import quietly
from simulations.sampling.adaptors import log_softmax
from simulations.sampling.generate import Floats, Tokens, first_above

BOUNDS = {"float32": 2e-4, "float16": 0.15, "bfloat16": 1.0}
"""By dtype: the largest difference of a next-token log-probability above ``LIKELY`` that is rounding, nats."""

LIKELY = 1e-3
"""Tokens of a smaller probability are not compared: their logits' rounding is larger and decides less."""

STRINGS = 4
"""Drawn after each prompt that is tried; two where their logits are many."""

_CELLS = 1 << 26
"""Logits that are held at once: 256 MiB of float32."""

_SAME_SHAPE = 10
"""Two passes of one shape round alike, up to what grouping by experts does: a tenth of the bound is enough."""

_PLACES = 16
"""Tokens of a string at which the whole next-token laws are compared; elsewhere the drawn tokens are."""

_COPIED = 300_000_000
"""Parameters of the largest model that is copied in float32 to measure what its own dtype rounds."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What one model's self-check found.

    Args:
        token, string: the largest change of a drawn token's log-probability, and of a string's sum, nats; at least
            one rounding of a number near 1.
        dropped: the largest next-token mass on ids that are not kept.
    """

    token: float
    string: float
    dropped: float


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Strings scored one way.

    Args:
        drawn: log p of every token, shape (B, T).
        laws: log p of every id at the places, shape (B, places, V).
        places: which tokens those are.
    """

    drawn: Floats
    laws: Floats
    places: Tokens

    def of_first(self) -> Scored:
        """The first string alone: what the length or a later token does to a law, it does to that of every string."""
        return Scored(self.drawn[:1], self.laws[:1], self.places)

    @staticmethod
    def of(logits: Iterable[Logits], tokens: Tokens) -> Scored:
        """From the logits of one step after another, each of shape (B, V).

        Raises:
            ValueError: a logit that no law has.
        """
        places = _places(tokens.shape[1])
        drawn, laws = np.zeros(tokens.shape), []
        for step, found in enumerate(logits):
            law = log_softmax(found)
            if np.isnan(law).any():
                raise ValueError("the model's logits hold NaN or infinity; try another dtype")
            drawn[:, step] = np.take_along_axis(law, tokens[:, step, None], axis=1)[:, 0]
            if step in places:
                laws.append(law)
        return Scored(drawn, np.stack(laws, axis=1), places)


def _places(length: int) -> Tokens:
    return np.unique(np.linspace(0, length - 1, min(length, _PLACES)).astype(np.int64))


def draw(writer: TorchDecoder, prompt: Tokens, length: int, rng: np.random.Generator) -> Tokens:
    """Continuations of full length, shape (B, length), from the model's law without its ends.

    A model whose cache cannot be driven here is switched to whole passes.

    Raises:
        ValueError: it cannot be read at all, or its logits are no numbers; names the architecture.
    """
    width = len(writer.kept) if writer.kept is not None else writer.width
    prompts = np.tile(prompt, (STRINGS if STRINGS * length * width <= _CELLS else 2, 1))
    try:
        return _drawn(writer, prompts, length, rng)
    except Exception:  # whatever a cache of another kind raises
        writer.whole = True
    try:
        return _drawn(writer, prompts, length, rng)
    except Exception as error:
        raise ValueError(_unreadable(writer, f"{type(error).__name__}: {' '.join(str(error).split())[:200]}")) from None


def _drawn(writer: TorchDecoder, prompts: Tokens, length: int, rng: np.random.Generator) -> Tokens:
    found = np.zeros((len(prompts), length), dtype=np.int64)
    with quietly():
        logits = writer.begin(prompts)
        for step in range(length):
            law = log_softmax(logits)
            law[:, list(writer.ends)] = -np.inf
            peak = law.max(axis=1, keepdims=True)
            weight = np.where(np.isfinite(peak), np.exp(law - np.where(np.isfinite(peak), peak, 0.0)), 1.0)
            found[:, step] = first_above(weight, rng.random(len(prompts)))
            if step + 1 < length:
                logits = writer.advance(found[:, step])
    return found


def self_check(decoder: TorchDecoder, name: str, prompt: Tokens, tokens: Tokens, rows: int = 1) -> Checked:
    """Score strings by every way; switches the decoder to whole passes where its cache gives other numbers.

    Rows of one prompt share it from here on, where that is worth it and the cache gives the same numbers.

    Args:
        decoder: is checked, with prompts side by side.
        name: of the model, for the message.
        prompt: ids, shape (P,).
        tokens: continuations, shape (B, T).
        rows: strings of one prompt that will be asked about side by side.

    Raises:
        ValueError: the ways differ by more than rounding, or the model cannot be read; names its architecture.
    """
    bound = BOUNDS[_dtype(decoder)]
    prompts = np.tile(prompt, (len(tokens), 1))
    exact = _in_float32(decoder)
    if exact is not None:
        # what switches by length is larger than float32's rounding, but may hide in that of a shorter dtype
        self_check(exact, name, prompt, tokens)
        decoder.whole |= exact.whole
    try:
        with quietly():
            whole = _in_one_pass(decoder, prompts, tokens)
            alone = [_in_one_pass(decoder, prompts[k : k + 1], tokens[k : k + 1]) for k in range(len(tokens))]
            first = whole.of_first()
            prefixes = _prefixes(decoder, prompts[:1], tokens[:1], first)
            ahead = _ahead(decoder, prompts[:1], first)
            model = None if decoder.engine is None else _in_one_pass(_without_engine(decoder), prompts, tokens)
            cached = None if decoder.whole else _through_cache(decoder, prompts, tokens)
    except Exception as error:  # whatever a model that is not of this kind raises
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise ValueError(f"{name}: {_unreadable(decoder, reason)}") from None
    if ahead > bound / _SAME_SHAPE:
        reason = f"it looks ahead: its numbers move by {ahead:.3g} nats with the token that comes last"
        raise ValueError(f"{name}: {_unreadable(decoder, reason)}")
    apart = Scored(
        np.concatenate([one.drawn for one in alone]), np.concatenate([one.laws for one in alone]), whole.places
    )
    if model is not None and not _largest(model, whole)[0] <= bound:
        reason = f"its backend gives other numbers than the model: {_largest(model, whole)[0]:.3g} nats apart"
        raise ValueError(f"{name}: {_unreadable(decoder, reason)}; leave [models] backend out")
    _check_way(decoder, name, "a string alone and beside others", whole, apart)
    _check_way(decoder, name, "a string and its prefixes", first, prefixes)
    if cached is not None and not _largest(whole, cached)[0] <= bound:
        decoder.whole, cached = True, None
    with quietly():
        shared = _sharing(decoder, prompts, tokens, rows, whole)
        wide = None if exact is None else _in_one_pass(exact, prompts, tokens)
        dropped = 0.0 if decoder.kept is None else float(decoder.dropped(prompts, tokens).max())
    changes = [_change(other, whole) for other in (apart, cached, model, wide, *shared) if other is not None]
    least = float(torch.finfo(decoder.model.dtype).eps)
    return Checked(
        token=max(least, *(float(np.abs(change).max()) for change in changes)),
        string=max(least, *(float(np.abs(change.sum(axis=1)).max()) for change in changes)),
        dropped=dropped,
    )


def _check_way(decoder: TorchDecoder, name: str, what: str, whole: Scored, other: Scored) -> None:
    """Refuse a model of which two ways to ask it differ by more than rounding.

    Raises:
        ValueError: names the architecture, the ways and by how much.
    """
    bound = BOUNDS[_dtype(decoder)]
    worst, step = _largest(whole, other)
    if not worst <= bound:
        reason = _unreadable(decoder, f"{what} differ by {worst:.3g} nats at token {step + 1}")
        raise ValueError(
            f"{name}: {reason}, and at most {bound:g} is rounding in {_dtype(decoder)}; position embeddings that "
            "switch by length need [sampling] length and prompts below the switch"
        )


def check_switch(prior: TorchDecoder, aligned: TorchDecoder, name: str, prompt: Tokens, tokens: Tokens) -> None:
    """Two decoders of one model, the second with an adapter on, have each its own law, whichever was asked before.

    Args:
        prior: has the adapter off.
        aligned: has it on, in the same model.
        name: of the adapter, for the message.
        prompt: ids, shape (P,).
        tokens: continuations, shape (B, T).

    Raises:
        ValueError: a law of one moves by asking the other, or the adapter moves no number.
    """
    prompts = np.tile(prompt, (len(tokens), 1))
    off, on, again, later = (one.logits(prompts, tokens) for one in (prior, aligned, prior, aligned))
    if not (np.array_equal(off, again) and np.array_equal(on, later)):
        raise ValueError(
            f"{name}: the base and the adapter give other numbers each time that one is switched to the other"
        )
    if np.array_equal(off, on):
        raise ValueError(f"{name}: the adapter moves no logit; it is untrained, or made for another base")


def _unreadable(decoder: TorchDecoder, reason: str) -> str:
    return f"the architecture {decoder.architecture} cannot be read here: {reason}"


def _dtype(decoder: TorchDecoder) -> str:
    return str(decoder.model.dtype).removeprefix("torch.")


def _in_one_pass(decoder: TorchDecoder, prompts: Tokens, tokens: Tokens) -> Scored:
    return Scored.of(np.moveaxis(decoder.logits(prompts, tokens), 1, 0), tokens)


def _through_cache(decoder: TorchDecoder, prompts: Tokens, tokens: Tokens) -> Scored | None:
    """Step by step, from the cache; None where the model has none that the loop here can drive."""

    def steps() -> Iterator[Logits]:
        yield decoder.begin(prompts)
        for column in tokens.T[:-1]:
            yield decoder.advance(column)

    try:
        return Scored.of(steps(), tokens)
    except Exception:  # whatever a cache of another kind raises
        decoder.whole = True
        return None


def _sharing(decoder: TorchDecoder, prompts: Tokens, tokens: Tokens, rows: int, whole: Scored) -> tuple[Scored, ...]:
    """The strings drawn and scored behind one prompt that is read once; () where that is not done.

    It is not where it spares little, where the cache cannot be spread over rows, and where that gives other numbers
    than a pass over all.
    """
    spared = decoder.spared
    before, decoder.shared = decoder.shared, decoder.shared is not False
    if not decoder.worth_sharing(rows - 1, prompts.shape[1]):
        decoder.shared = before
        return ()
    decoder.spared = 0
    try:
        cached = _through_cache(decoder, prompts, tokens)
        found = () if cached is None else (cached, _in_one_pass(decoder, prompts, tokens))
    except Exception:  # whatever a cache of another kind raises
        found = ()
    decoder.spared = spared
    decoder.whole = False  # a pass that shares nothing was right
    bound = BOUNDS[_dtype(decoder)]
    decoder.forget()
    decoder.shared = bool(found) and all(_largest(whole, way)[0] <= bound for way in found)
    return found if decoder.shared else ()


def _prefixes(decoder: TorchDecoder, prompts: Tokens, tokens: Tokens, whole: Scored) -> Scored:
    """The laws at the places, each from a pass over no more than the tokens before."""
    laws = []
    for step in whole.places:
        law = log_softmax(decoder.logits(prompts, tokens[:, : step + 1])[:, step])
        laws.append(law)
    return Scored(whole.drawn, np.stack(laws, axis=1), whole.places)


def _ahead(decoder: TorchDecoder, prompts: Tokens, whole: Scored) -> float:
    """By how much the law after a prompt's first token moves with its last one; 0 for a causal model."""
    texts = np.concatenate((prompts, np.zeros((len(prompts), 1), dtype=np.int64)), axis=1)
    others = texts.copy()
    others[:, -1] = whole.laws.shape[-1] - 1
    one, two = (Scored.of(np.moveaxis(decoder.laws(ids), 1, 0), texts[:, :-1]) for ids in (texts, others))
    return _largest(one, two)[0]


def _largest(one: Scored, two: Scored) -> tuple[float, int]:
    """(the largest difference of a likely token's log-probability, its step); infinite for what only one rules out."""
    worst, where = 0.0, 0
    for first, second, steps in (
        (one.laws, two.laws, one.places),
        (one.drawn[..., None], two.drawn[..., None], np.arange(one.drawn.shape[1])),
    ):
        likely = np.maximum(first, second) > np.log(LIKELY)
        with np.errstate(invalid="ignore"):
            gap = np.where(likely, np.abs(first - second), 0.0)
        gap = np.where(np.isnan(first) | np.isnan(second), np.inf, gap)
        place = np.unravel_index(int(gap.argmax()), gap.shape)
        if gap[place] > worst:
            worst, where = float(gap[place]), int(steps[place[1]])
    return worst, where


def _change(one: Scored, two: Scored) -> Floats:
    """By how much each token's log-probability moved; 0 for one that is ruled out, whose sum has no rounding."""
    both = np.isfinite(one.drawn) & np.isfinite(two.drawn)
    return np.where(both, np.where(both, one.drawn, 0.0) - np.where(both, two.drawn, 0.0), 0.0)


def _without_engine(decoder: TorchDecoder) -> TorchDecoder:
    """The model itself, in the passes of torch."""
    return TorchDecoder(decoder.model, decoder.end, decoder.ends, decoder.kept, decoder.whole, decoder.switch)


def _in_float32(decoder: TorchDecoder) -> TorchDecoder | None:
    """The same weights in float32; None where they are so already, or there are too many to copy."""
    if decoder.model.dtype == torch.float32 or sum(p.numel() for p in decoder.model.parameters()) > _COPIED:
        return None
    found = TorchDecoder(copy.deepcopy(decoder.ready()).float(), decoder.end, decoder.ends, decoder.kept)
    found.whole = decoder.whole
    return found


__all__ = ["BOUNDS", "LIKELY", "STRINGS", "Checked", "Scored", "check_switch", "draw", "self_check"]
