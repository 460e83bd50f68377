"""Files that are written whole or not at all, their hashes, and what JSON holds."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
JsonObject: TypeAlias = dict[str, JsonValue]


@contextmanager
def replaced(path: Path, *, durable: bool = False) -> Iterator[Path]:
    """A temporary neighbour to write to, which takes the path's place at the end: nobody ever sees half a file.

    An error leaves the path as it was, and no neighbour. A killed process may leave one, named .NAME.PID.RANDOM.

    Args:
        path: of the file.
        durable: the new name is on the disk before this returns; what is written, ``sync`` puts there.

    Raises:
        OSError: the folder does not exist or cannot be written, or the path is a folder.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    if durable:
        sync(path.parent)


def write_whole(path: Path, content: str | bytes, *, durable: bool = False) -> None:
    """Write a file completely or not at all.

    Args:
        path: of the file.
        content: a text is written in UTF-8.
        durable: it is whole or as it was also after a power cut.

    Raises:
        OSError: the folder does not exist or cannot be written, or the path is a folder.
    """
    with replaced(path, durable=durable) as temporary:
        with temporary.open("xb") as file:
            file.write(content.encode("utf-8") if isinstance(content, str) else content)
        if durable:
            sync(temporary)


def read_at_most(path: Path, most: int) -> bytes:
    """What a file holds, if that is not too much; also of a pipe or a device, whose size nobody knows before.

    Args:
        path: of the file.
        most: bytes.

    Raises:
        OSError: it cannot be read.
        ValueError: it holds more.
    """
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"has more than {most:,} bytes, which is the most that is read")
    return content


def sync(path: Path) -> None:
    """Have the system put on the disk what was written to a file, or the names in a folder.

    Windows does not open folders, and writes their names by itself.

    Raises:
        OSError: it cannot be opened, or the disk fails.
    """
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDWR if path.is_file() else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256(content: str | bytes | Path) -> str:
    """The SHA-256 of a text in UTF-8, of bytes, or of the file at a path, in hexadecimal digits.

    >>> sha256("abc")[:16]
    'ba7816bf8f01cfea'

    Raises:
        OSError: the file cannot be read.
    """
    if isinstance(content, Path):
        with content.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    return hashlib.sha256(content.encode("utf-8") if isinstance(content, str) else content).hexdigest()


__all__ = ["JsonObject", "JsonValue", "read_at_most", "replaced", "sha256", "sync", "write_whole"]
