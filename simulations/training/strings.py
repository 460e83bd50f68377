"""Strings of the prior that preferences are asked about: two of every prompt a round, drawn once and kept.

The strings depend on the prior and the prompts alone, so recipes with different rewards may share them. Every string is
drawn at T = 1 without an adaptor, and its log-probability under the prior is known from the drawing: with the adapter
off this is the reference that direct preference optimisation divides by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

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
    prompts = np.array([k for k in range(len(ids)) for _ in range(count)], dtype=np.int64)
    tokens = np.full((len(prompts), length), PAD, dtype=np.int64)
    ended, log_prob = np.zeros(len(prompts), dtype=bool), np.zeros(len(prompts))
    lengths = np.array([len(ids[k]) for k in prompts])
    for width in np.unique(lengths):
        places = np.flatnonzero(lengths == width)
        for low in range(0, len(places), rows):
            own = places[low : low + rows]
            block = np.array([ids[k] for k in prompts[own]], dtype=np.int64)
            found = generate(decoder, block, Chain(), length, rng=rng)
            tokens[own], ended[own], log_prob[own] = found.tokens, found.ended, found.log_prob.sum(axis=1)
    return Drawn(prompts, tokens, ended, log_prob)


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

    def round(self, number: int) -> Drawn:
        """Two strings of every prompt to train on: the 2k-th and the one behind it are of one prompt."""
        return self._kept(f"round-{number:03d}", number + 1, 2, held_out=False)

    def held_out(self) -> Drawn:
        """The strings of the held-out prompts."""
        return self._kept("held-out", 0, self.recipe.file.strings.held_out, held_out=True)

    def _kept(self, name: str, seed: int, count: int, *, held_out: bool) -> Drawn:
        path = self.folder / f"{name}.npz"
        with FileLock(self.folder / f"{name}.lock"):
            if not path.is_file():
                own = self.recipe.file.strings
                self.say(f"{name}: drawing {count} strings of each prompt from the prior")
                rng = np.random.default_rng([own.seed, seed])
                drawn = draw(self.decoder, self.ids(held_out), count, own.length, own.rows, rng)
                with replaced(path, durable=True) as temporary, temporary.open("xb") as file:
                    np.savez_compressed(
                        file, prompt=drawn.prompt, tokens=drawn.tokens, ended=drawn.ended, log_prob=drawn.log_prob
                    )
        with np.load(path, allow_pickle=False) as found:
            return Drawn(found["prompt"], found["tokens"], found["ended"], found["log_prob"])

    def texts(self, drawn: Drawn, *, held_out: bool) -> Iterator[tuple[str, str, list[int]]]:
        """(prompt, completion, ids of the completion) of each string."""
        prompts = self.recipe.held_out if held_out else self.recipe.prompts
        for prompt, row in zip(drawn.prompt, drawn.tokens, strict=True):
            own = [int(k) for k in row if k != PAD]
            text = self.tokenizer.decode(own, skip_special_tokens=True, clean_up_tokenization_spaces=False)
            yield prompts[int(prompt)], str(text), own


__all__ = ["Drawn", "Floats", "Say", "StringStore", "draw"]
