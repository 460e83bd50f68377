"""How records are written as JSON and read back: with a format number, and every field of its type.

A record is a frozen dataclass of pydantic, so that what is not of its field's type is refused when it is made, not
when it is read. One that stands for a whole file has FORMAT, which is raised when its fields change their meaning, and
MADE_BY, what to run to have it anew.
"""

from __future__ import annotations

import json
from typing import ClassVar, Protocol, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from theory.files import JsonObject, JsonValue

STRICT = ConfigDict(extra="forbid", strict=True, defer_build=True, validate_by_name=True, validate_by_alias=True)
"""Of every record: nothing is converted, and a key that is no field is refused."""


class RecordError(ValueError):
    """A record that cannot be read; one line that says which, why, and what to run."""


class FormatError(RecordError):
    """A record of another format than this version reads."""


class Recorded(Protocol):
    """A record that stands for a whole file."""

    FORMAT: ClassVar[int]
    MADE_BY: ClassVar[str]


Found = TypeVar("Found", bound=Recorded)


def plain(record: object) -> JsonObject:
    """The fields of a record as JSON has them; one that holds its default is left out."""
    found: JsonObject = TypeAdapter(type(record)).dump_python(record, mode="json", exclude_defaults=True, by_alias=True)
    return found


def as_json(record: Recorded) -> JsonObject:
    """A record that stands for a whole file, its format number in front."""
    return {"format": record.FORMAT} | plain(record)


def read_record(kind: type[Found], text: str, where: str) -> Found:
    """The record that a JSON text holds.

    Args:
        kind: of the record.
        text: as ``as_json`` gave it.
        where: names it in errors.

    Raises:
        RecordError: no JSON object, of another format, or a field that is missing, unknown or of another type.
    """
    try:
        found: JsonValue = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise RecordError(f"{where}: is no JSON object: run {kind.MADE_BY} again")
    return record_of(kind, found, where)


def record_of(kind: type[Found], found: JsonObject, where: str) -> Found:
    """The record that a JSON object holds.

    Raises:
        FormatError: of another format.
        RecordError: a field that is missing, unknown or of another type.
    """
    given = found.get("format")
    if given != kind.FORMAT or isinstance(given, bool):
        has = f"has format {json.dumps(given)}" if "format" in found else "has no format number"
        raise FormatError(f"{where}: {has}, this version reads {kind.FORMAT}: run {kind.MADE_BY} again")
    fields = {key: value for key, value in found.items() if key != "format"}
    try:
        return TypeAdapter(kind).validate_json(json.dumps(fields))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise RecordError(f"{where}: {place}: {first['msg']}: run {kind.MADE_BY} again") from None


__all__ = ["STRICT", "FormatError", "RecordError", "Recorded", "as_json", "plain", "read_record", "record_of"]
