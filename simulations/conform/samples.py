"""What an engine wrote after the prompt of a known model, read from a file of JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError
from pydantic.dataclasses import dataclass as checked

from simulations.conform.law import END, MODELS, VOCABULARY

PROMPT = (1, 300)
"""Ids that stand before every string: the start, and a token of even id."""

LENGTH = 16
"""Tokens at most, the end included."""

PAD = -1


@checked(frozen=True, slots=True, kw_only=True, config={"extra": "forbid", "strict": True})
class _Line:
    """One string, as a line of the file has it."""

    model: str
    tokens: list[int]
    call: int = Field(ge=0)
    row: int = Field(default=0, ge=0)
    seed: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Strings:
    """Strings of one model, in the order of the file.

    Args:
        tokens: ids, ``PAD`` after the last, shape (n, LENGTH).
        call: which call of the engine wrote each.
        row: which row of a batch it was.
        seed: -1 where none was given.
    """

    tokens: NDArray[np.int64]
    call: NDArray[np.int64]
    row: NDArray[np.int64]
    seed: NDArray[np.int64]

    def chosen(self, which: NDArray[np.bool_]) -> Strings:
        """Some of the strings."""
        return Strings(self.tokens[which], self.call[which], self.row[which], self.seed[which])


class SamplesError(ValueError):
    """A file of samples that cannot be used; the message says which line and why."""


def read_samples(path: Path) -> dict[str, Strings]:
    """The strings in a file, by model.

    Raises:
        SamplesError: it cannot be read, or a line is no string of a known model (names the line).
    """
    found: dict[str, list[_Line]] = {}
    try:
        for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if text.strip():
                line = _line(text, f"{path}: line {number}")
                found.setdefault(line.model, []).append(line)
    except (OSError, UnicodeDecodeError) as error:
        raise SamplesError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if not found:
        raise SamplesError(f"{path}: holds no string")
    return {name: _strings(lines) for name, lines in found.items()}


def _line(text: str, where: str) -> _Line:
    try:
        line = _Line(**json.loads(text))
    except (json.JSONDecodeError, TypeError, ValidationError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
        raise SamplesError(f"{where}: is no string of a known model: {reason}") from None
    if line.model not in MODELS:
        raise SamplesError(f"{where}: model {line.model!r} is not known; known: {', '.join(MODELS)}")
    for problem in _problems(line.tokens):
        raise SamplesError(f"{where}: {problem}")
    return line


def _problems(tokens: list[int]) -> Iterator[str]:
    strange = next((token for token in tokens if not 0 <= token < VOCABULARY), None)
    if strange is not None:
        yield f"token {strange} is none of the {VOCABULARY} ids"
    if not 1 <= len(tokens) <= LENGTH:
        yield f"has {len(tokens)} tokens; 1 to {LENGTH} are asked for, the end included"
    if END in tokens[:-1]:
        yield "goes on after its end; cut it there if the engine pads"


def _strings(lines: list[_Line]) -> Strings:
    tokens = np.full((len(lines), LENGTH), PAD, dtype=np.int64)
    for place, line in enumerate(lines):
        tokens[place, : len(line.tokens)] = line.tokens
    columns = ([line.call for line in lines], [line.row for line in lines])
    seeds = [-1 if line.seed is None else line.seed for line in lines]
    return Strings(tokens, np.array(columns[0]), np.array(columns[1]), np.array(seeds))


__all__ = ["LENGTH", "PAD", "PROMPT", "SamplesError", "Strings", "read_samples"]
