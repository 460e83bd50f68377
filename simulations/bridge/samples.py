"""Strings that another engine wrote, as rows of a file: what was asked, what was answered, what is said of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from simulations.bridge.layouts import Row, converted
from simulations.bridge.prompts import Prompt, as_prompt, read_rows
from theory.files import sha256

Finish = Literal["stop", "length"]
Law = Literal["raw", "adapted"]

_PROMPTS = {"prompt": "prompt", "messages": "messages", "prompt_ids": "ids"}
_KNOWN = {*_PROMPTS, "completion", "completion_ids", "finish", "setting", "logprobs", "logprobs_are"}

LARGEST_IDS = 1 << 20
"""Tokens of one string that are read."""


@dataclass(frozen=True, slots=True)
class Given:
    """One string as its file has it.

    Args:
        row: of the file, from 1.
        prompt: what it answers.
        text: of the completion; None where there are ids.
        ids: of the completion; None where there is a text.
        finish: "stop" if it ended by itself, "length" if it was cut; None where its ids say it.
        setting: the place of the run's setting, from 0, or its words; None for the only one.
        logprobs: one number a token, or one for the string; None where there are none.
        law: what they are of: the model's law, or the one that the adaptors made of it.
        rewards: by name; None for a null.
    """

    row: int
    prompt: Prompt
    text: str | None
    ids: tuple[int, ...] | None
    finish: Finish | None
    setting: int | str | None
    logprobs: tuple[float, ...] | float | None
    law: Law | None
    rewards: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Samples:
    """A file of strings.

    Args:
        strings: one or more.
        rewards: names of its reward columns.
        sha256: of the file.
        path: of the file.
        notes: how it was read.
    """

    strings: tuple[Given, ...]
    rewards: tuple[str, ...]
    sha256: str
    path: Path
    notes: tuple[str, ...]


def read_samples(path: Path) -> Samples:
    """The strings of a .jsonl or .parquet file, in our own columns or in a layout that is known.

    Other columns of numbers, or of true and false, are rewards, "reward_NAME" by the name NAME; columns of something
    else are left out, and a note says so.

    Raises:
        ValueError: it cannot be read, or a row lacks something (names the row).
    """
    if path.suffix not in {".jsonl", ".parquet"}:
        raise ValueError(f"{path}: samples are .jsonl or .parquet")
    try:
        rows, layout = converted([_object(row, k) for k, row in enumerate(read_rows(path, "samples"), start=1)])
    except ValueError as error:
        raise ValueError(_located(path, error)) from None
    if not rows:
        raise ValueError(f"{path}: holds no string")
    try:
        columns, left = _reward_columns([row for _, row in rows])
    except ValueError as error:
        raise ValueError(_located(path, error)) from None
    strings = []
    for number, row in rows:
        try:
            strings.append(_given(number, row, columns))
        except ValueError as error:
            raise ValueError(f"{path}: row {number}: {error}") from None
    notes = [f"{path.name}: read as {layout.name}: {layout.said}"] if layout is not None else []
    if columns:
        notes.append(f"reward columns: {', '.join(columns.values())}")
    if left:
        notes.append(f"columns that are no numbers (or numbers in quotes) are left out: {', '.join(left)}")
    return Samples(tuple(strings), tuple(columns.values()), sha256(path), path, tuple(notes))


def _located(path: Path, error: ValueError) -> str:
    return str(error) if str(path) in str(error) else f"{path}: {error}"


def _object(row: object, number: int) -> Row:
    if not isinstance(row, dict):
        raise ValueError(f"row {number}: must be an object, got {str(row)[:60]!r}")
    return {name: value for name, value in row.items() if value is not None}


def _reward_columns(rows: Sequence[Row]) -> tuple[dict[str, str], list[str]]:
    """(column -> name of every column of numbers, the other columns that are not known)."""
    others = list(dict.fromkeys(name for row in rows for name in row if name not in _KNOWN))
    numeric = [name for name in others if all(_number(row[name]) for row in rows if name in row)]
    columns = {name: (name.removeprefix("reward_") or name) for name in numeric}
    twice = next((name for name in columns.values() if list(columns.values()).count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"two columns are the reward {twice!r}; rename one")
    return columns, [name for name in others if name not in columns]


def _number(value: object) -> bool:
    return isinstance(value, (int, float))


def _given(number: int, row: Row, columns: Mapping[str, str]) -> Given:
    asked = {kind: row[name] for name, kind in _PROMPTS.items() if name in row}
    if "ids" in asked:
        # what the ids are of may stand beside them
        asked = {"ids": asked["ids"]}
    if len(asked) > 1:
        raise ValueError("holds prompt and messages; only one of them is read, so leave the other out")
    if not asked:
        raise ValueError(f"one of prompt, messages and prompt_ids is needed; {_columns(row)}")
    text, ids = row.get("completion"), row.get("completion_ids")
    if ids is None and text is None:
        raise ValueError(f"completion (a text) or completion_ids is needed; {_columns(row)}")
    if ids is None and not isinstance(text, str):
        raise ValueError(f"completion must be a text, got {str(text)[:60]!r}")
    finish = row.get("finish")
    if finish not in {*get_args(Finish), None}:
        raise ValueError(f"finish must be stop or length, got {finish!r}")
    if finish is None and ids is None:
        raise ValueError('a text needs finish: "stop" if it ended by itself, "length" if it was cut')
    setting = row.get("setting")
    if setting is not None and (isinstance(setting, bool) or not isinstance(setting, (int, str))):
        raise ValueError(f"setting must be its place among the run's settings, from 0, or its words, got {setting!r}")
    logprobs, law = _logprobs(row)
    return Given(
        row=number,
        prompt=as_prompt(asked),
        text=None if ids is not None else str(text),
        ids=None if ids is None else _ids(ids),
        finish="stop" if finish == "stop" else "length" if finish == "length" else None,
        setting=setting,
        logprobs=logprobs,
        law=law,
        rewards={name: _reward(row.get(column), name) for column, name in columns.items()},
    )


def _columns(row: Row) -> str:
    return f"it has {', '.join(row) if row else 'nothing'}"[:160]


def _ids(value: object) -> tuple[int, ...]:
    if not isinstance(value, list) or len(value) > LARGEST_IDS:
        raise ValueError(f"completion_ids must be a list of at most {LARGEST_IDS:,} ids, got {str(value)[:60]!r}")
    wrong = next((one for one in value if not isinstance(one, int) or isinstance(one, bool) or one < 0), None)
    if wrong is not None:
        raise ValueError(f"completion_ids must be whole numbers >= 0, got {str(wrong)[:60]!r}")
    return tuple(value)


def _logprobs(row: Row) -> tuple[tuple[float, ...] | float | None, Law | None]:
    value, law = row.get("logprobs"), row.get("logprobs_are")
    if value is None:
        return None, None
    if law not in get_args(Law):
        raise ValueError('logprobs need logprobs_are: "raw" for the model\'s own law, "adapted" for the adaptors\'')
    numbers = value if isinstance(value, list) else [value]
    found = []
    for one in numbers:
        if not isinstance(one, (int, float)) or isinstance(one, bool) or not math.isfinite(one):
            raise ValueError(f"logprobs must be finite numbers, got {str(one)[:60]!r}")
        found.append(float(one))
    return (tuple(found) if isinstance(value, list) else found[0]), ("raw" if law == "raw" else "adapted")


def _reward(value: object, name: str) -> float | None:
    if value is None:
        return None
    found = float(value) if isinstance(value, (int, float)) else math.nan
    if math.isnan(found):
        return None
    if math.isinf(found):
        raise ValueError(f"the reward {name} is {found}; it must be a finite number or null")
    return found


__all__ = ["Finish", "Given", "Law", "Samples", "read_samples"]
