"""The [[prior.arc]] tables of a large automaton, read as columns: a TOML document has a dictionary for each.

Only what is written plainly is read here: one table after the other, ``from``, ``to``, ``token``, ``prob`` and, where
they are given, ``reward`` and ``exp_reward`` in this order, without comments or escapes. Everything else, and the
whole grammar, is for ``tomllib``: the tables but for the first are taken out of the text, and it parses what remains.
That must then hold exactly the first arc, as it was read here, or nothing is taken out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, overload

Number = str | int | float
"""As a file writes one: a float is bare, an exact one is in quotes or whole."""

FEWEST = 1_000
"""Arcs from which it pays."""

_TEXT = r'"([^"\\\x00-\x1f\x7f]*)"'
_NUMBER = r"(-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)"
_VALUE = rf"(?:{_TEXT}|{_NUMBER})"
_WHOLE = r"(0|[1-9][0-9]{0,17})"
_KEYS = (("from", _WHOLE), ("to", _WHOLE), ("token", _TEXT), ("prob", _VALUE))
_MORE = (("reward", _VALUE), ("exp_reward", _VALUE))
_ELSEWHERE = ('"""', "'''", "\r")
"""A string over several lines may hold what looks like an arc."""

_LINE = r"[ \t]*(?:\n|\Z)"
_HEAD = "[[prior.arc]]"
_BLOCK = re.compile(
    re.escape(_HEAD)
    + _LINE
    + "".join(rf"{key}[ \t]*=[ \t]*{value}{_LINE}" for key, value in _KEYS)
    + "".join(rf"(?:{key}[ \t]*=[ \t]*{value}{_LINE})?" for key, value in _MORE)
    + r"(?:[ \t]*\n)*"
)


class ArcEntry(NamedTuple):
    """One table [[prior.arc]], with the names that the document's other tables have."""

    source: int
    target: int
    token: str
    prob: Number | None
    reward: Number | None = None
    exp_reward: Number | None = None


@dataclass(slots=True)
class ArcBlocks(Sequence[ArcEntry]):
    """The tables of a text, as columns; values that are written alike are one object."""

    source: list[int] = field(default_factory=list)
    target: list[int] = field(default_factory=list)
    token: list[str] = field(default_factory=list)
    prob: list[Number | None] = field(default_factory=list)
    reward: list[Number | None] = field(default_factory=list)
    exp_reward: list[Number | None] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.source)

    @overload
    def __getitem__(self, place: int) -> ArcEntry: ...
    @overload
    def __getitem__(self, place: slice) -> list[ArcEntry]: ...
    def __getitem__(self, place: int | slice) -> ArcEntry | list[ArcEntry]:
        if isinstance(place, slice):
            return [self[k] for k in range(*place.indices(len(self)))]
        return ArcEntry(
            self.source[place],
            self.target[place],
            self.token[place],
            self.prob[place],
            self.reward[place],
            self.exp_reward[place],
        )

    def __iter__(self) -> Iterator[ArcEntry]:
        return map(ArcEntry, self.source, self.target, self.token, self.prob, self.reward, self.exp_reward)

    def document(self, place: int) -> dict[str, object]:
        """One table as ``tomllib`` reads it."""
        found = dict(zip(("from", "to", "token", "prob", "reward", "exp_reward"), self[place], strict=True))
        return {key: value for key, value in found.items() if value is not None}


def take_arcs(text: str) -> tuple[str, ArcBlocks] | None:
    """The text without its arcs but the first, and all of them; None where fewer than ``FEWEST`` stand together.

    Cost: one pass over the text.
    """
    if text.count(_HEAD) < FEWEST or any(sign in text for sign in _ELSEWHERE):
        return None
    begin = 0 if text.startswith(_HEAD) else text.find("\n" + _HEAD) + 1
    found = _BLOCK.match(text, begin)
    if found is None:
        return None
    first = found.end()
    arcs, known, words = ArcBlocks(), _Values(), dict[str, str]()
    end = first
    while found is not None:
        source, target, token, *values = found.groups()
        arcs.source.append(known[source])  # type: ignore[arg-type]
        arcs.target.append(known[target])  # type: ignore[arg-type]
        arcs.token.append(words.setdefault(token, token))
        for column, k in ((arcs.prob, 0), (arcs.reward, 2), (arcs.exp_reward, 4)):
            text_value, number = values[k], values[k + 1]
            column.append(known[number] if text_value is None else words.setdefault(text_value, text_value))
        end = found.end()
        found = _BLOCK.match(text, end)
    return (text[:first] + text[end:], arcs) if len(arcs) >= FEWEST else None


class _Values(dict[str | None, Number | None]):
    """What a bare number is; nothing for nothing."""

    def __missing__(self, written: str | None) -> Number | None:
        if written is None:
            return None
        self[written] = found = int(written) if written.removeprefix("-").isdigit() else float(written)
        return found


def with_arcs(document: dict[str, object], arcs: ArcBlocks) -> bool:
    """Put the arcs into what was parsed without them; False where it does not hold the first of them, and it alone."""
    prior = document.get("prior")
    if not isinstance(prior, dict) or prior.get("arc") != [arcs.document(0)]:
        return False
    prior["arc"] = arcs
    return True


__all__ = ["FEWEST", "ArcBlocks", "ArcEntry", "Number", "take_arcs", "with_arcs"]
