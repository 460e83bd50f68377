"""``constraint = "REGEX"``: the language of a regular expression over the text of a string, its tokens put together."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from theory.adaptors.constraints import Language
from theory.specification.tables import SpecificationError


@dataclass(frozen=True, slots=True)
class Constraint:
    """A regular expression and its language."""

    regex: str
    language: Language


def constraint_entry(regex: str | None) -> Constraint | None:
    """The constraint of a specification; None where there is none.

    Raises:
        SpecificationError: the expression is not understood, or what compiles it is not installed.
    """
    if regex is None:
        return None
    try:
        return Constraint(regex, language(regex))
    except ValueError as error:
        raise SpecificationError(f"constraint: {error}") from None


def language(regex: str) -> Language:
    """The language of a regular expression, as the package interegular compiles it; a match is of the whole text.

    Raises:
        ValueError: the package is missing, or the expression is none, or has what no automaton knows (back references).
    """
    try:
        import interegular
    except ImportError:
        raise ValueError("it needs the package interegular: pip install interegular") from None
    try:
        compiled: Any = interegular.parse_pattern(regex).to_fsm()
    except (interegular.InvalidSyntax, interegular.Unsupported, RecursionError) as error:
        raise ValueError(f"{regex!r} is not understood: {str(error) or type(error).__name__}") from None

    def step(state: Hashable, text: str) -> Hashable:
        for character in text:
            state = compiled.map.get(state, {}).get(compiled.alphabet[character])
            if state is None or not compiled.islive(state):
                return None
        return state

    return Language(compiled.initial, step, lambda state: state in compiled.finals)


__all__ = ["Constraint", "constraint_entry", "language"]
