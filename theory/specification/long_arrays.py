"""TOML with long arrays of plain strings, which tomllib reads a character at a time: these are read by one expression.

An array is taken out where it follows a key at the start of a line, in a document without multi-line strings, and is
made of strings in double quotes without escapes, of commas and of white space: there it can be nothing else. tomllib
reads the rest, with a mark in the array's place. A document that it refuses so it is given whole, for its own error.
"""

from __future__ import annotations

import re
import tomllib

_SHORT = 2000
"""Characters up to which an array is left to tomllib."""

_STRING = r'"[^"\\\x00-\x1f\x7f]*+"'
_ARRAY = re.compile(
    r"^([A-Za-z0-9_-]++[ \t]*+=[ \t]*+)"
    rf"\[(?:[ \t\n]*+{_STRING}[ \t\n]*+,)*+[ \t\n]*+(?:{_STRING}[ \t\n]*+)?+\]",
    re.MULTILINE,
)
_INSIDE = re.compile(r'"([^"]*+)"')


def loads(text: str) -> dict[str, object]:
    """What ``tomllib.loads`` gives, or raises.

    >>> loads('a = ["x"]')
    {'a': ['x']}
    """
    if len(text) <= _SHORT or '"""' in text or "'''" in text:
        return tomllib.loads(text)
    text = text.replace("\r\n", "\n")
    mark = "array"
    while mark in text:
        mark += "_"
    arrays: list[list[str]] = []

    def shortened(found: re.Match[str]) -> str:
        if found.end() - found.start() <= _SHORT:
            return found[0]
        arrays.append(_INSIDE.findall(found[0], len(found[1])))
        return f'{found[1]}["{mark}{len(arrays) - 1}"]'

    short = _ARRAY.sub(shortened, text)
    if not arrays:
        return tomllib.loads(text)
    try:
        read = tomllib.loads(short)
    except ValueError:
        return tomllib.loads(text)
    marks = {f"{mark}{k}": array for k, array in enumerate(arrays)}
    return {key: _restored(member, marks) for key, member in read.items()}


def _restored(value: object, marks: dict[str, list[str]]) -> object:
    """The value with every array [mark] replaced by what it stands for."""
    if isinstance(value, dict):
        return {key: _restored(member, marks) for key, member in value.items()}
    if isinstance(value, list):
        if len(value) == 1 and isinstance(value[0], str) and value[0] in marks:
            return marks[value[0]]
        return [_restored(member, marks) for member in value]
    return value


__all__ = ["loads"]
