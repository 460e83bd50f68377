"""Prompts as people keep them: lines of text, JSON lines or Parquet, with texts, chats or ids; and their tokens."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from theory.files import read_at_most

Kind = Literal["prompt", "messages", "ids"]

KINDS: tuple[Kind, ...] = ("prompt", "messages", "ids")


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt as it was given.

    Args:
        kind: "prompt" for a text, "messages" for a chat, "ids" for tokens.
        given: the text; the chat or the ids as JSON.
    """

    kind: Kind
    given: str

    @property
    def messages(self) -> list[dict[str, object]]:
        """The chat."""
        found: list[dict[str, object]] = json.loads(self.given)
        return found

    @property
    def ids(self) -> list[int]:
        """The tokens."""
        found: list[int] = json.loads(self.given)
        return found


_TEXT, _LINES, _COLUMNS = {"", ".txt", ".text", ".md"}, {".jsonl", ".ndjson"}, {".parquet", ".pq"}
"""Of files with a prompt a line, an object a line, and columns."""


_MOST_BYTES = 1 << 27
"""Of prompts that are read: 128 MiB."""

_BATCH = 64
"""Rows of a Parquet file that are held at once beside the prompts: a few bytes may stand for a long text many times."""


def read_prompts(path: Path) -> list[Prompt]:
    """The prompts of a file: .jsonl or .parquet with ``prompt``, ``messages`` or ``ids`` in every row, or .txt.

    Of a text, each line is a prompt unless it is blank; only a line feed ends a line (a carriage return before it goes
    with it), and a byte order mark is no part of one.

    Raises:
        ValueError: it cannot be read, is of another kind, or a row is not a prompt (names the row).
    """
    kind = path.suffix.lower()
    if kind not in _TEXT | _LINES | _COLUMNS:
        raise ValueError(
            f"[prompts] file {path}: {kind} is not read; .txt (a prompt a line), .jsonl and .parquet (rows with "
            "prompt, messages or ids) are"
        )
    if kind not in _TEXT:
        return _rows(read_rows(path, "[prompts] file", KINDS, _MOST_BYTES), path)
    return _texts(_lines(path, "[prompts] file", _MOST_BYTES), path)


def read_rows(path: Path, what: str, columns: Sequence[str] | None = None, most: int | None = None) -> list[object]:
    """The rows of a .parquet or .jsonl file.

    Args:
        path: of the file.
        what: names it in errors.
        columns: of a .parquet file that are read; all if None.
        most: bytes that are read; no bound if None.

    Raises:
        ValueError: it cannot be read.
        RowError: a line is no JSON; names it.
    """
    if path.suffix.lower() in _COLUMNS:
        try:
            return _parquet(path, columns, most)
        except OSError as error:
            raise ValueError(f"{what} {path}: cannot be read: {error.strerror or error}") from None
        except RowError:
            raise
        except ValueError as error:  # a path with a NUL, or a file that is no Parquet
            raise ValueError(f"{what} {str(path)!r}: {' '.join(str(error).split())[:120]}") from None
    rows: list[object] = []
    for number, line in enumerate(_lines(path, what, most), start=1):
        try:
            rows += [json.loads(line)] if line.strip() else []
        except (ValueError, RecursionError):
            raise RowError(f"{what} {path}: line {number} is no JSON") from None
    return rows


class RowError(ValueError):
    """A row of a prompt file that is no prompt; the message names it."""


def _lines(path: Path, what: str, most: int | None) -> list[str]:
    """The lines of a text file, each ended by a line feed alone."""
    try:
        content = (path.read_bytes() if most is None else read_at_most(path, most)).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{what} {path}: is not UTF-8 text") from None
    except OSError as error:
        raise ValueError(f"{what} {path}: cannot be read: {error.strerror or error}") from None
    except ValueError as error:  # a path with a NUL, or a file that is too long
        raise ValueError(f"{what} {str(path)!r}: {' '.join(str(error).split())[:120]}") from None
    if "\0" in content:
        line = content.count("\n", 0, content.index("\0")) + 1
        raise ValueError(f"{what} {path}: line {line} holds a NUL; UTF-8 is read, and this may be UTF-16")
    return [line.removesuffix("\r") for line in content.split("\n")]


def _texts(lines: Sequence[str], path: Path) -> list[Prompt]:
    """Lines of text, each a prompt unless it is blank."""
    found = [Prompt("prompt", line) for line in lines if line.strip()]
    if found and all(_is_row(one.given) for one in found):
        raise ValueError(f"[prompts] file {path}: its lines are JSON objects; a file of these is named .jsonl")
    return found


def _is_row(line: str) -> bool:
    """Whether a line of text is an object as .jsonl has them."""
    if not line.startswith("{"):
        return False
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return bool(found.keys() & set(KINDS))


def _parquet(path: Path, columns: Sequence[str] | None, most: int | None) -> list[object]:
    """The rows of a Parquet file, of some of its columns.

    Raises:
        ValueError: it is none, or pyarrow is not installed.
    """
    try:
        arrow, parquet = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise ValueError("a .parquet file needs pyarrow; install probqual[bridge]") from None
    found: list[object] = []
    size = 0
    try:
        file = parquet.ParquetFile(path)
        given = file.schema_arrow.names
        named = list(given) if columns is None else [name for name in columns if name in given]
        for batch in file.iter_batches(_BATCH, columns=named) if named else ():
            size += batch.nbytes
            if most is not None and size > most:
                raise ValueError(f"holds more than {most:,} bytes of prompts")
            found += batch.to_pylist()
    except arrow.ArrowException as error:
        raise ValueError(str(error)) from None
    return found if named else [None] * min(1, file.metadata.num_rows)


def _rows(rows: Iterable[object], path: Path) -> list[Prompt]:
    found = []
    for number, row in enumerate(rows, start=1):
        try:
            found.append(as_prompt(row))
        except ValueError as error:
            raise RowError(f"[prompts] file {path}: row {number}: {error}") from None
    return found


def as_prompt(row: object) -> Prompt:
    """The prompt that a row holds as ``prompt``, ``messages`` or ``ids``.

    Raises:
        ValueError: it holds none, several, or one of another type.
    """
    given = {k: v for k, v in row.items() if k in KINDS and v is not None} if isinstance(row, dict) else {}
    if len(given) != 1:
        raise ValueError("one of prompt, messages and ids is needed")
    ((kind, value),) = given.items()
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (UnicodeEncodeError, TypeError, RecursionError):
        raise ValueError(f"{kind} must be what JSON in UTF-8 can hold, got {ascii(value)[:60]}") from None
    if kind == "prompt":
        if not isinstance(value, str):
            raise ValueError(f"prompt must be a text, got {str(value)[:60]!r}")
        return Prompt("prompt", value)
    if not isinstance(value, list) or not value:
        raise ValueError(f"{kind} must be a list that is not empty, got {str(value)[:60]!r}")
    if kind == "ids":
        wrong = next((one for one in value if not isinstance(one, int) or isinstance(one, bool) or one < 0), None)
        if wrong is not None:
            raise ValueError(f"ids must be whole numbers >= 0, got {str(wrong)[:60]!r}")
        return Prompt("ids", json.dumps(value))
    for message in value:
        if not (isinstance(message, dict) and all(isinstance(message.get(k), str) for k in ("role", "content"))):
            raise ValueError(f"each of messages needs a role and a content, got {str(message)[:60]!r}")
    return Prompt("messages", json.dumps(value, ensure_ascii=False, sort_keys=True))


def first_twice(prompts: Sequence[Prompt]) -> Prompt | None:
    """The first prompt that was given before; None where all differ."""
    seen: set[Prompt] = set()
    for one in prompts:
        if one in seen:
            return one
        seen.add(one)
    return None


_TYPICAL = " the"
"""What often goes on after a text that ends with a word."""

_SHOWN = 3


def tokenisation_warnings(texts: Mapping[str, Sequence[int]], encode: Callable[[str], list[int]]) -> list[str]:
    """Of texts whose tokens are not those that a longer text begins with: a line with both tokenisations each.

    A model that was trained on whole texts has hardly seen the tokens of such a prompt, so that its next-token law is
    that of a rare event.

    Args:
        texts: prompt -> its ids.
        encode: the ids of a text, as the prompts' were made.
    """
    lines = []
    for text, ids in texts.items():
        if not text or not ids:
            continue
        bare, spaced = text.rstrip(), text != text.rstrip()
        longer = encode(bare + _TYPICAL) if spaced else encode(text + _TYPICAL)
        if spaced:
            lines.append(
                f"warning: the prompt {text[-40:]!r} ends in a space: its tokens end in {list(ids[-3:])}, those of "
                f"{(bare + _TYPICAL)[-44:]!r} in {longer[-3:]}"
            )
        elif longer[: len(ids)] != list(ids):
            lines.append(
                f"warning: the prompt {text[-40:]!r} has the tokens {list(ids[-3:])} at its end, but "
                f"{(text + _TYPICAL)[-44:]!r} goes on from {longer[: len(ids)][-3:]}"
            )
    more = len(lines) - _SHOWN
    return lines[:_SHOWN] + ([f"warning: and {more} prompts more whose tokens merge so"] if more > 0 else [])


__all__ = ["KINDS", "Kind", "Prompt", "as_prompt", "first_twice", "read_prompts", "read_rows", "tokenisation_warnings"]
