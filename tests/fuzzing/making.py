"""What near-valid files are made of: values that surprise, elements replaced, texts cut and repeated."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

NASTY: tuple[Any, ...] = (
    *("", " ", "0", "-1", "1/0", "nan", "inf", "-inf", "1e-4000", "1e4000", "1e9999", "0x1", "1_0", "1/3 ", "\u2028"),
    *("\x00", "\x1b", "é" * 50, "9" * 4001, 0, -1, 1, 2, True, False, 10**18, 10**30, -(10**30), 10**4000),
    *(0.0, -0.0, 5e-324, 1e308, -1e308, math.inf, -math.inf, math.nan, 0.1),
    *([], [[]], ["1/2"], [0.5, 0.5], {}, {"a": 1}, {"": []}, "a", "a b", "temperature", "table", "local", ["table"]),
)
PATHS = (
    ".",
    "..",
    "/",
    "~",
    "~no-such-user/x",
    "a\x00b",
    "run.toml",
    "run.toml/x",
    "x" * 300,
    "x/" * 3000,
    "\n",
    "con\x1b",
    "é",
)
"""Where no file of a run should be, or can be."""

_KEYS = ("", "x", "beta", "values", "a b", "kind")
_PIECES = ("[" * 100_000, "{a=" * 1000, "a." * 5000, '"""', "'", "\\", "\x00", "#", "\ufeff", "\u2028", "9" * 5000)


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of everything inside."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in inside:
        yield (*path, key)
        yield from _places(member, (*path, key))


@st.composite
def broken(draw: Any, documents: st.SearchStrategy[dict[str, Any]], values: tuple[Any, ...] = NASTY) -> dict[str, Any]:
    """A well-formed document with one or two elements replaced, removed or added."""
    found = json.loads(json.dumps(draw(documents)))
    for _ in range(draw(st.integers(1, 2))):
        places = list(_places(found))
        if not places:
            break
        *way, last = draw(st.sampled_from(places))
        holder: Any = found
        for key in way:
            holder = holder[key]
        match draw(st.integers(0, 3)):
            case 0:
                del holder[last]
            case 1 if isinstance(holder, dict):
                holder[draw(st.sampled_from(["", "x", "beta", "values", "a b", "kind"]))] = draw(
                    st.sampled_from(values)
                )
            case _:
                holder[last] = draw(st.sampled_from(values))
    return dict(found)


def toml(value: Any) -> str:
    """A value in TOML; tables inside are written inline."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(member)}" for key, member in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int):
        most = sys.get_int_max_str_digits()
        sys.set_int_max_str_digits(0)
        try:
            return str(value)
        finally:
            sys.set_int_max_str_digits(most)
    return json.dumps(value)


def written(document: dict[str, Any]) -> str:
    """A document as a file."""
    return "".join(f"{json.dumps(key)} = {toml(value)}\n" for key, value in document.items())


@st.composite
def garbled(draw: Any, texts: st.SearchStrategy[str], pieces: tuple[str, ...] = _PIECES) -> str:
    """A text with a piece repeated, cut out, or put in."""
    text = draw(texts)
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 40)))
    match draw(st.integers(0, 2)):
        case 0:
            return str(text[:start] + text[end:])
        case 1:
            return str(text[:end] + text[start:end] * draw(st.sampled_from([1, 50])) + text[end:])
    return str(text[:start] + draw(st.sampled_from(pieces)) + text[start:])


def files(
    documents: st.SearchStrategy[dict[str, Any]], values: tuple[Any, ...] = NASTY, *, valid: int = 2, wrong: int = 1
) -> st.SearchStrategy[str]:
    """Documents as they are, broken, and as garbled text; and any text at all.

    Args:
        documents: well formed.
        values: that elements are replaced by.
        valid, wrong: how many parts of the whole are documents as they are, and broken ones.
    """
    texts = documents.map(written)
    return st.one_of(*[texts] * valid, *[broken(documents, values).map(written)] * wrong, garbled(texts), st.text())
