"""What a model's files say of its strings: which ids end one, whether one begins with a token, which ids are tokens."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
from transformers import PreTrainedTokenizerFast

from simulations.sampling.generate import Mask
from theory.files import JsonObject, JsonValue


@dataclass(frozen=True, slots=True)
class Conventions:
    """What one model's files say.

    Args:
        ends: file -> the ids that it says end a string.
        front: the ids that the tokenizer puts in front of a text: mostly none, or its beginning-of-string token.
        asked: what generation_config.json asks of the sampler, as "temperature = 0.6": no part of the model's law.
    """

    ends: Mapping[str, tuple[int, ...]]
    front: tuple[int, ...] = ()
    asked: tuple[str, ...] = ()

    @property
    def begins(self) -> bool:
        """Whether the tokenizer puts anything in front of a text."""
        return bool(self.front)

    @property
    def union(self) -> tuple[int, ...]:
        """The ids that any of the files names, ascending."""
        return tuple(sorted({one for ids in self.ends.values() for one in ids}))

    @staticmethod
    def of(path: Path, tokenizer: PreTrainedTokenizerFast) -> Conventions:
        """Of a folder or a GGUF file."""
        own = () if tokenizer.eos_token_id is None else (int(tokenizer.eos_token_id),)
        ends: dict[str, tuple[int, ...]] = {"tokenizer": own}
        front = _front(tokenizer)
        asked: tuple[str, ...] = ()
        if path.is_file():
            said = gguf_metadata(path)
            ends["GGUF metadata"] = _ids(
                [said.get("tokenizer.ggml.eos_token_id"), said.get("tokenizer.ggml.eot_token_id")]
            )
            stated = said.get("tokenizer.ggml.add_bos_token")
            begin = () if tokenizer.bos_token_id is None else (int(tokenizer.bos_token_id),)
            front = front if stated is None else begin if stated else ()
        else:
            config = _json(path / "config.json")
            nested = config.get("text_config")
            generation = _json(path / "generation_config.json")
            asked = _asked(generation)
            ends["generation_config.json"] = _ids([generation.get("eos_token_id")])
            ends["config.json"] = _ids(
                [config.get("eos_token_id"), nested.get("eos_token_id") if isinstance(nested, dict) else None]
            )
        return Conventions({file: ids for file, ids in ends.items() if ids}, front, asked)


_NEUTRAL: dict[str, JsonValue] = {
    "temperature": 1,
    "top_k": 0,
    "top_p": 1,
    "min_p": 0,
    "typical_p": 1,
    "epsilon_cutoff": 0,
    "eta_cutoff": 0,
    "repetition_penalty": 1,
    "no_repeat_ngram_size": 0,
    "min_length": 0,
    "min_new_tokens": 0,
    "suppress_tokens": [],
    "begin_suppress_tokens": [],
    "bad_words_ids": [],
    "forced_bos_token_id": None,
    "forced_eos_token_id": None,
}
"""What changes the law that ``generate`` of transformers draws from, with the values that leave it alone."""


def _asked(generation: JsonObject) -> tuple[str, ...]:
    """What a generation_config.json asks of the sampler."""
    found = {name: generation.get(name) for name in _NEUTRAL}
    asked = {name: value for name, value in found.items() if value is not None and value != _NEUTRAL[name]}
    return tuple(f"{name} = {str(value)[:40]}" for name, value in asked.items())


def _front(tokenizer: PreTrainedTokenizerFast) -> tuple[int, ...]:
    """What stands before a text that is encoded as the tokenizer itself would."""
    with_specials, bare = (tokenizer.encode("a", add_special_tokens=added) for added in (True, False))
    for place in range(len(with_specials) - len(bare) + 1):
        if with_specials[place : place + len(bare)] == bare:
            return tuple(int(one) for one in with_specials[:place])
    return ()


def gguf_metadata(path: Path) -> dict[str, object]:
    """The single values among a GGUF file's metadata of the tokenizer."""
    found: dict[str, object] = {}
    for name, entry in gguf.GGUFReader(path).fields.items():
        single = len(entry.types) == 1 and entry.types[0] != gguf.GGUFValueType.STRING
        if name.startswith("tokenizer.ggml.") and single:
            found[name] = entry.contents()
    return found


def _ids(values: Iterable[object]) -> tuple[int, ...]:
    """The ids in what a configuration holds: a number, a list of numbers, or nothing."""
    found: set[int] = set()
    for value in values:
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, (int, np.integer)) and not isinstance(one, bool) and one >= 0:
                found.add(int(one))
    return tuple(sorted(found))


def _json(path: Path) -> JsonObject:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def check_ends(ends: tuple[int, ...], widths: Mapping[str, int]) -> None:
    """Refuse an end that a model has no logit for: strings could never reach it.

    Raises:
        ValueError: names the id, the model and its width.
    """
    for name, width in widths.items():
        beyond = next((end for end in ends if end >= width), None)
        if beyond is not None:
            raise ValueError(
                f"the end {beyond} lies beyond the logits of {name}, which are {width} wide; "
                "say which ids end a string: [models] end = [...]"
            )


def known_ids(tokenizer: PreTrainedTokenizerFast, width: int) -> Mask:
    """Which of the ids below ``width`` are tokens, shape (width,)."""
    found = np.zeros(width, dtype=bool)
    found[[one for one in tokenizer.get_vocab().values() if one < width]] = True
    return found


__all__ = ["Conventions", "check_ends", "gguf_metadata", "known_ids"]
