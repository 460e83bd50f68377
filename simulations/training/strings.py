"""Strings of the prior that preferences are asked about: two of every prompt a round, drawn once and kept.

The strings depend on the prior and the prompts alone, so recipes with different rewards may share them. Every string is
drawn at T = 1 without an adaptor, and its log-probability under the prior is known from the drawing: with the adapter
off this is the reference that direct preference optimisation divides by.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerFast

from simulations.bridge.decoder import TorchDecoder
from simulations.sampling.generate import PAD, Mask, Tokens, generate
from simulations.training.recipe import Recipe, keep_key
from theory.adaptors.exact import Chain
from theory.files import JsonObject, replaced

Floats = NDArray[np.float64]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """Strings of several prompts, one after another.

    Args:
        prompt: the index of each string's prompt, shape (n,).
        tokens: ids, ``PAD`` after the last, shape (n, T).
        ended: whether each reached an end, shape (n,).
        log_prob: under the law that it was drawn from, nats, shape (n,).
    """

    prompt: Tokens
    tokens: Tokens
    ended: Mask
    log_prob: Floats

    def of(self, chosen: Tokens) -> Drawn:
        """Some of them."""
        return Drawn(self.prompt[chosen], self.tokens[chosen], self.ended[chosen], self.log_prob[chosen])

    def __len__(self) -> int:
        return len(self.prompt)


class OutOfTime(Exception):
    """It was told to stop before all strings were drawn; those that are there are kept."""


@dataclass(slots=True, eq=False)
class Drawing:
    """Strings that are being drawn, block by block: prompts of one length side by side.

    Args:
        drawn: its strings; those of blocks to come hold nothing yet.
        blocks: the places of the strings that are written at once.
        done: blocks that are drawn.
        rng: of the draws; its state after ``done`` blocks.
    """

    drawn: Drawn
    blocks: list[Tokens]
    rng: np.random.Generator
    done: int = 0

    @staticmethod
    def begun(ids: Sequence[Sequence[int]], count: int, length: int, rows: int, rng: np.random.Generator) -> Drawing:
        """Nothing drawn yet: so many strings of each prompt, of so many tokens at most, so many rows at once."""
        prompts = np.array([k for k in range(len(ids)) for _ in range(count)], dtype=np.int64)
        tokens = np.full((len(prompts), length), PAD, dtype=np.int64)
        lengths = np.array([len(ids[k]) for k in prompts])
        blocks = []
        for width in np.unique(lengths):
            places = np.flatnonzero(lengths == width)
            blocks += [places[low : low + rows] for low in range(0, len(places), rows)]
        return Drawing(Drawn(prompts, tokens, np.zeros(len(prompts), dtype=bool), np.zeros(len(prompts))), blocks, rng)

    def go_on(self, decoder: TorchDecoder, ids: Sequence[Sequence[int]]) -> int:
        """Draw the next block from the law of a decoder; the tokens that it has."""
        own, into = self.blocks[self.done], self.drawn
        block = np.array([ids[k] for k in into.prompt[own]], dtype=np.int64)
        found = generate(decoder, block, Chain(), into.tokens.shape[1], rng=self.rng)
        into.tokens[own], into.ended[own], into.log_prob[own] = found.tokens, found.ended, found.log_prob.sum(axis=1)
        self.done += 1
        return int(found.length.sum())

    def keep(self, path: Path) -> None:
        """Write what is drawn, whole or not at all; with it, where the generator stands."""
        own = self.drawn
        parts: dict[str, Any] = {
            "prompt": own.prompt,
            "tokens": own.tokens,
            "ended": own.ended,
            "log_prob": own.log_prob,
        }
        if self.done < len(self.blocks):
            parts |= {"done": np.array(self.done), "state": np.array(json.dumps(self.rng.bit_generator.state))}
        with replaced(path, durable=True) as temporary, temporary.open("xb") as file:
            np.savez_compressed(file, **parts)

    def resume(self, path: Path) -> None:
        """Go on from what ``keep`` wrote before all blocks were done."""
        with np.load(path, allow_pickle=False) as found:
            self.drawn = Drawn(found["prompt"], found["tokens"], found["ended"], found["log_prob"])
            self.done, self.rng.bit_generator.state = int(found["done"]), json.loads(str(found["state"]))


def draw(
    decoder: TorchDecoder,
    ids: Sequence[Sequence[int]],
    count: int,
    length: int,
    rows: int,
    rng: np.random.Generator,
) -> Drawn:
    """So many strings of each prompt, prompts of one length side by side.

    Args:
        decoder: the law.
        ids: of the prompts.
        count: strings of a prompt.
        length: tokens at most.
        rows: strings that are written at once.
        rng: of the draws.
    """
    drawing = Drawing.begun(ids, count, length, rows, rng)
    while drawing.done < len(drawing.blocks):
        drawing.go_on(decoder, ids)
    return drawing.drawn


@dataclass(frozen=True, slots=True)
class StringStore:
    """A folder with the strings of each round, and those of the held-out prompts.

    Args:
        folder: where they lie.
        recipe: says how they are drawn.
        decoder: the prior, the adapter off.
        tokenizer: of the prior.
        front: ids in front of every prompt.
        say: takes a line of progress.
    """

    folder: Path
    recipe: Recipe
    decoder: TorchDecoder
    tokenizer: PreTrainedTokenizerFast
    front: tuple[int, ...]
    say: Say

    def check(self, identity: JsonObject) -> None:
        """Begin the folder, or refuse one of other strings.

        Raises:
            ValueError: it holds strings that were drawn otherwise; names what differs.
            OSError: it cannot be written.
        """
        keep_key(self.folder / "strings.json", self.recipe.strings_key() | {"identity": identity}, "strings")

    def ids(self, held_out: bool) -> list[list[int]]:
        """The prompts as tokens."""
        texts = self.recipe.held_out if held_out else self.recipe.prompts
        return [[*self.front, *self.tokenizer.encode(text, add_special_tokens=False)] for text in texts]

    def ready(self, until: Callable[[], bool]) -> bool:
        """Draw all that is missing; False where it was told to stop before, and a later call goes on.

        Args:
            until: asked before each block whether to stop.
        """
        try:
            self._kept("held-out", 0, self.recipe.file.strings.held_out, until, held_out=True)
            for number in range(self.recipe.file.strings.rounds):
                self._kept(f"round-{number:03d}", number + 1, 2, until, held_out=False)
        except OutOfTime:
            return False
        return True

    def round(self, number: int) -> Drawn:
        """Two strings of every prompt to train on: the 2k-th and the one behind it are of one prompt."""
        return self._kept(f"round-{number:03d}", number + 1, 2, _never, held_out=False)

    def held_out(self) -> Drawn:
        """The strings of the held-out prompts."""
        return self._kept("held-out", 0, self.recipe.file.strings.held_out, _never, held_out=True)

    def _kept(self, name: str, seed: int, count: int, until: Callable[[], bool], *, held_out: bool) -> Drawn:
        path, part = self.folder / f"{name}.npz", self.folder / f"{name}.part.npz"
        with FileLock(self.folder / f"{name}.lock"):
            if not path.is_file():
                own, ids = self.recipe.file.strings, self.ids(held_out)
                rng = np.random.default_rng([own.seed, seed])
                drawing = Drawing.begun(ids, count, own.length, own.rows, rng)
                if part.is_file():
                    drawing.resume(part)
                self._draw(name, drawing, ids, part, until)
                drawing.keep(path)
                part.unlink(missing_ok=True)
        with np.load(path, allow_pickle=False) as found:
            return Drawn(found["prompt"], found["tokens"], found["ended"], found["log_prob"])

    def _draw(self, name: str, drawing: Drawing, ids: list[list[int]], part: Path, until: Callable[[], bool]) -> None:
        """Draw the blocks that are missing, each kept as it is done.

        Raises:
            OutOfTime: it was told to stop.
        """
        total = sum(len(own) for own in drawing.blocks)
        there = sum(len(own) for own in drawing.blocks[: drawing.done])
        going = f", going on after {there}" if there else ""
        self.say(f"{name}: drawing {total} strings from the prior{going}")
        start, first, tokens = time.monotonic(), there, 0
        while drawing.done < len(drawing.blocks):
            if until():
                raise OutOfTime
            there += len(drawing.blocks[drawing.done])
            tokens += drawing.go_on(self.decoder, ids)
            if drawing.done < len(drawing.blocks):
                drawing.keep(part)
            passed = time.monotonic() - start
            left = (total - there) * passed / (there - first)
            self.say(f"{name}: {there} of {total} strings; {tokens / passed:,.0f} tokens/s, about {left:.0f} s left")

    def texts(self, drawn: Drawn, *, held_out: bool) -> Iterator[tuple[str, str, list[int]]]:
        """(prompt, completion, ids of the completion) of each string."""
        prompts = self.recipe.held_out if held_out else self.recipe.prompts
        for prompt, row in zip(drawn.prompt, drawn.tokens, strict=True):
            own = [int(k) for k in row if k != PAD]
            text = self.tokenizer.decode(own, skip_special_tokens=True, clean_up_tokenization_spaces=False)
            yield prompts[int(prompt)], str(text), own


def _never() -> bool:
    return False


__all__ = ["Drawing", "Drawn", "Floats", "Say", "StringStore", "draw"]
