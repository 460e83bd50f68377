"""Tables of a file as typed, frozen models, and one line for the first thing in them that is wrong.

pydantic says what is missing, unknown or of another kind than its field, and where. ``read_as`` puts that into the one
line that our files are refused with: it names the element as its author wrote it, and says what should be there. A
field's ``description`` is put behind the element's name where it holds something else: " must be strings", ": expected
a list, got {!r}"; its ``title`` where it is missing.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails


class SpecificationError(ValueError):
    """Input that cannot be used: one line that names the element and what to do."""


class Table(BaseModel):
    """A table of a file: nothing is converted, and a key that is not a field is refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


Kind = TypeVar("Kind", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Wording:
    """How the lines about one kind of file name their elements.

    Args:
        unknown: an unknown key of the whole file.
        key: a key of a table, from the names of both.
        entry: a key of the k-th table of an array, from the name of that table and its own.
    """

    unknown: str
    key: str = "{}.{}"
    entry: str = "{}, {}"


def read_as(kind: type[Kind], document: Mapping[str, object], wording: Wording) -> Kind:
    """The document as a model.

    Raises:
        SpecificationError: names the first element that is missing, unknown, or not what its field says.
    """
    try:
        return kind.model_validate(dict(document))
    except ValidationError as error:
        # an unknown key is often a slip in the name of one that is then missing: it is said first
        first = min(error.errors(include_url=False), key=lambda e: e["type"] != "extra_forbidden")
        raise SpecificationError(_line(first, kind, wording)) from None


@dataclass(frozen=True, slots=True)
class _Element:
    """An element of a file, found by walking a model along the place of an error.

    Args:
        name: as its author wrote it.
        key: its own part of the name.
        annotation: of its field.
        said: the description of the innermost field on the way that has one.
        missed: the title of its field.
        entry: whether it is the k-th table of an array.
    """

    name: str
    key: str
    annotation: object
    said: str | None = None
    missed: str = ""
    entry: bool = False


def _line(error: ErrorDetails, kind: type[BaseModel], wording: Wording) -> str:
    """One error of pydantic, in our words."""
    parent, element = _found(error["loc"], kind, wording)
    given = error["input"]
    match error["type"]:
        case "extra_forbidden":
            within = wording.unknown if not parent.name else "unknown key {!r} in " + parent.name
            return f"{within.format(element.key)}; known: {', '.join(sorted(_keys(parent.annotation)))}"
        case "missing":
            name = f"{parent.name}: {element.key}" if parent.entry else element.name
            return f"{name} is missing{element.missed}"
        case "value_error":
            return f"{element.name}: {error['ctx']['error']}"
        case "union_tag_invalid" | "union_tag_not_found":
            kinds = [tag for member in _members(element.annotation) for tag in _tags(member)]
            return f"{element.name}: kind must be one of {', '.join(kinds)}"
        case "model_type" | "model_attributes_type" if element.entry:
            return f"{element.name} must be a table, written [[{element.key}]]"
        case _ if element.said is not None:
            return element.name + element.said.format(given)
        case "list_type" if _holds_tables(element.annotation):
            return f"{element.name} must be an array of tables, written [[{element.name}]]"
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"{element.name} must be a table"
        case "greater_than_equal":
            return f"{element.name} must be at least {error['ctx']['ge']}, got {given}"
        case "less_than_equal":
            return f"{element.name} must be at most {error['ctx']['le']}, got {given}"
        case "literal_error":
            return f"{element.name} must be one of {', '.join(_literals(element.annotation))}, got {given!r}"
    return f"{element.name} = {given!r} is of the wrong type"


def _found(place: Sequence[str | int], kind: type[BaseModel], wording: Wording) -> tuple[_Element, _Element]:
    """(the table that the last step starts from, the element itself) at a place of an error."""
    parent = element = _Element("", "", kind)
    for part in place:
        here, members = element.annotation, _members(element.annotation)
        if len(members) > 1:
            chosen = next((member for member in members if part in _tags(member)), None)
            if chosen is None:  # the name of one of several kinds of value: what is wrong is the value itself
                break
            element = replace(element, annotation=chosen)
            continue
        parent = element
        if isinstance(part, int):
            element = _entry(element, part)
        elif _is_table(here):
            element = _key(element, here, part, wording)
        else:
            element = replace(element, name=f'{element.name} "{part}"', key=part, annotation=get_args(_plain(here))[1])
        element = replace(element, said=_description(element.annotation) or element.said)
    return parent, element


def _entry(element: _Element, index: int) -> _Element:
    """The k-th element of a list: a table has its number, other values the name of their list."""
    item = _item(element.annotation)
    if not _holds_tables(element.annotation):
        return replace(element, annotation=item)
    return _Element(f"{element.key} {index + 1}", element.key, item, entry=True)


def _key(table: _Element, kind: object, key: str, wording: Wording) -> _Element:
    """A field of a table; one that it does not have has no annotation."""
    field = _fields(kind).get(key)
    annotation = None if field is None else field.annotation
    if table.name:
        name = (wording.entry if table.entry else wording.key).format(table.name.strip("[]"), key)
    else:
        name = f"[{key}]" if _is_table(annotation) else key
    if field is None:
        return _Element(name, key, None)
    return _Element(name, key, annotation, field.description or _description(annotation), field.title or "")


# --- what annotations say -----------------------------------------------------------------------------------------


def _plain(annotation: object) -> object:
    """Without the metadata, and without None where it is the only alternative."""
    if get_origin(annotation) is Annotated:
        return _plain(get_args(annotation)[0])
    if get_origin(annotation) in {Union, types.UnionType}:
        rest = [one for one in get_args(annotation) if one is not type(None)]
        return _plain(rest[0]) if len(rest) == 1 else annotation
    return annotation


def _members(annotation: object) -> tuple[object, ...]:
    """The alternatives of a union; the annotation itself where it is none."""
    plain = _plain(annotation)
    return get_args(plain) if get_origin(plain) in {Union, types.UnionType} else (plain,)


def _description(annotation: object) -> str | None:
    """The description in the metadata of an annotation, or of the one alternative to None."""
    if get_origin(annotation) in {Union, types.UnionType}:
        rest = [one for one in get_args(annotation) if one is not type(None)]
        return _description(rest[0]) if len(rest) == 1 else None
    found = (one.description for one in get_args(annotation)[1:] if isinstance(one, FieldInfo))
    return next(found, None) if get_origin(annotation) is Annotated else None


def _item(annotation: object) -> object:
    """What a list holds."""
    return next(iter(get_args(_plain(annotation))), None)


def _holds_tables(annotation: object) -> bool:
    """Whether it is a list of tables, of one kind or several."""
    return any(_is_table(member) for member in _members(_item(annotation)))


def _is_table(annotation: object) -> bool:
    plain = _plain(annotation)
    return isinstance(plain, type) and issubclass(plain, BaseModel)


def _fields(kind: object) -> dict[str, FieldInfo]:
    """The fields of a model by the keys that they are written as."""
    plain = _plain(kind)
    if not isinstance(plain, type) or not issubclass(plain, BaseModel):
        return {}
    return {field.alias or name: field for name, field in plain.model_fields.items()}


def _keys(kind: object) -> Iterator[str]:
    return iter(_fields(kind))


def _literals(annotation: object) -> list[str]:
    plain = _plain(annotation)
    return [str(value) for value in get_args(plain)] if get_origin(plain) is Literal else []


def _tags(member: object) -> list[str]:
    """The kinds that one alternative of tables stands for."""
    field = _fields(member).get("kind")
    return [] if field is None else _literals(field.annotation)


__all__ = ["SpecificationError", "Table", "Wording", "read_as"]
