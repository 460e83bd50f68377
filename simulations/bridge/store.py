"""A folder of Parquet shards that is either right or says that it is not, whatever kills its writers.

A shard is written to a temporary name, synced, read back and compared, renamed, and then given a sidecar with its
SHA-256: the sidecar is the commit mark. A shard without one does not exist; a shard that no longer matches its own is
set aside. Pages carry checksums, so that reading a damaged page fails.

Workers need no coordinator: each holds a lock of the operating system on the shard that it makes, which ends with the
process however it ends. A shard's draws depend on the run's key and the shard's number alone, so it does not matter who
makes it, or how often. A lock is a file that is open, and whoever removes that file lets a second worker in: the first
one then stops with a line, and does not commit.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from theory.files import JsonObject, JsonValue, replaced, sha256, sync, write_whole


class StoreError(ValueError):
    """A store that cannot be used as asked; the message says which file or field, and what to do."""


@dataclass(frozen=True, slots=True)
class Held:
    """A lock that this process holds.

    Args:
        path: of the file that it is on.
        file: device and inode of that file: another one of this name is another lock.
    """

    path: Path
    file: tuple[int, int]

    def check(self) -> None:
        """Stop where the lock was removed: somebody else may hold one of this name by now.

        Raises:
            StoreError: names it.
        """
        if _file(self.path) != self.file:
            raise StoreError(
                f"{self.path}: was removed while its shard was being made, and another process may be making it, too; "
                "leave locks/ alone and run the same command again"
            )


def _file(path: Path) -> tuple[int, int] | None:
    """Device and inode of a file; None where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


@dataclass(frozen=True, slots=True)
class Store:
    """The shards of one run.

    Args:
        folder: of the run: key.json, shards/, locks/, aside/.
        key: SHA-256 of the canonical configuration.
        shards: how many there are when the run is done.
        stream: what the draws come from: SHA-256 of the configuration without what was resolved; "" for the key.
    """

    folder: Path
    key: str
    shards: int
    stream: str = ""

    @staticmethod
    def open(folder: Path, configuration: Mapping[str, JsonValue], shards: int) -> Store:
        """The store of this configuration, made or continued.

        Raises:
            StoreError: the folder holds a run with another configuration (names a field that differs), or other files.
            OSError: it cannot be written.
        """
        text = canonical(configuration)
        key = sha256(text)
        Store.prepare(folder)
        with _locked(folder / "locks" / "key") as held:
            assert held is not None, "waits until it is free"
            for left in folder.glob(".key.json.*"):
                left.unlink(missing_ok=True)
            there = folder / "key.json"
            if there.is_file():
                _same_configuration(_configuration(folder), json.loads(text), folder)
            elif any((folder / "shards").iterdir()):
                raise StoreError(f"{folder}: has shards but no key.json; remove it or name another folder")
            else:
                write_whole(there, text + "\n", durable=True)
        return Store(folder, key, shards, _stream(configuration))

    @staticmethod
    def prepare(folder: Path) -> None:
        """The folders of a store, before it is one.

        Raises:
            StoreError: the folder holds other files.
            OSError: it cannot be written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        strange = next((p.name for p in sorted(folder.iterdir()) if p.name.lstrip(".").split(".")[0] not in _OWN), None)
        if strange is not None:
            raise StoreError(f"{folder}: holds {strange}, which is no part of a run; name another folder")
        for name in _FOLDERS:
            (folder / name).mkdir(exist_ok=True)

    @staticmethod
    def leave(folder: Path) -> None:
        """Take away the folders of a store that never became one."""
        if not (folder / "key.json").is_file():
            for own in (*(folder / name for name in _FOLDERS), folder):
                with suppress(OSError):  # one that is not empty stays
                    own.rmdir()

    @staticmethod
    def existing(folder: Path) -> Store:
        """The finished or unfinished store in a folder.

        Raises:
            StoreError: there is none.
        """
        if not (folder / "key.json").is_file():
            runs = sorted(str(path.parent) for path in folder.glob("*/key.json"))
            if runs:
                raise StoreError(f"{folder}: holds a run for each of several adapters; name one: {', '.join(runs)}")
            raise StoreError(f"{folder}: holds no run (no key.json); sample one first")
        configuration = _configuration(folder)
        text = canonical(configuration)
        return Store(folder, sha256(text), _shards(configuration), _stream(configuration))

    @property
    def configuration(self) -> JsonObject:
        """What the key is the hash of."""
        return _configuration(self.folder)

    def rng(self, shard: int) -> np.random.Generator:
        """The stream of a shard: SeedSequence([stream, shard])."""
        stream = self.stream or self.key
        return np.random.default_rng(np.random.SeedSequence([int(stream[:32], 16), int(stream[32:], 16), shard]))

    def keep_check(self, found: Mapping[str, JsonValue]) -> None:
        """Keep what the self-check of the models found, unless a worker has done so before."""
        if not (self.folder / _CHECK).is_file():
            write_whole(self.folder / _CHECK, json.dumps(found, indent=1, sort_keys=True) + "\n", durable=True)

    def check(self) -> JsonObject | None:
        """What the self-check of the models found; None where there was none.

        Raises:
            StoreError: the file is damaged.
        """
        path = self.folder / _CHECK
        try:
            found: JsonValue = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise StoreError(f"{path}: is damaged; remove it and sample the run again to measure it anew")
        return found

    def path(self, shard: int) -> Path:
        """Where a shard is."""
        return self.folder / "shards" / f"{shard:05d}.parquet"

    def committed(self, shard: int) -> bool:
        """Whether a shard of this run and this number is there and matches its sidecar. Changes nothing."""
        return self._fault(shard) is None

    def _fault(self, shard: int) -> str | None:
        """What is wrong with a shard, None where nothing is.

        Raises:
            StoreError: a folder has the name of the shard or of its sidecar.
        """
        found = self._opened(shard)
        return found if isinstance(found, str) else None

    def _opened(self, shard: int) -> pq.ParquetFile | str:
        """A shard in memory that matches its sidecar and is of this run and number; or what is wrong with it.

        Raises:
            StoreError: a folder has the name of the shard or of its sidecar.
        """
        path, mark = self.path(shard), self._mark(shard)
        for file in (path, mark):
            if file.is_dir():
                raise StoreError(f"{file}: is a folder where a file of the run should be; move it away")
        try:
            content = path.read_bytes()
            if sha256(content) != mark.read_text(encoding="ascii", errors="replace").strip():
                return "is damaged"
            file = pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True)
        except FileNotFoundError:
            return "is missing"
        except pa.ArrowInvalid:
            return "is damaged"
        metadata = file.schema_arrow.metadata or {}
        if metadata.get(b"run key") != self.key.encode() or metadata.get(b"shard") != str(shard).encode():
            return "belongs to another run, or to another place in this one"
        return file

    def missing(self) -> list[int]:
        """The shards that are still to be made."""
        return [shard for shard in range(self.shards) if not self.committed(shard)]

    def unwritten(self) -> list[int]:
        """The shards that nobody has finished writing: a file or its sidecar is not there. Reads none of them."""
        return [k for k in range(self.shards) if not (self.path(k).exists() and self._mark(k).exists())]

    def claim(self, shard: int) -> AbstractContextManager[Held | None]:
        """A context that holds the shard's lock: gives it, or None where another worker has it."""
        return _locked(self.folder / "locks" / f"{shard:05d}", wait=False)

    def write(self, shard: int, table: pa.Table, held: Held | None = None) -> None:
        """Commit a shard; call while its lock is held.

        Args:
            shard: its number.
            table: its rows.
            held: its lock, as ``claim`` gives it; None where no other process knows the folder.

        Raises:
            StoreError: what was read back is not what was written, or the lock was removed meanwhile.
            OSError: a full disk, a read-only folder.
        """
        try:
            with replaced(self.path(shard), durable=True) as temporary:
                digest = self._written(shard, table, temporary)
                _still(held)
            write_whole(self._mark(shard), f"{digest}\n", durable=True)
        except OSError:  # who came in where a lock was removed tidies up what it takes for a killed worker's
            _still(held)
            raise
        _still(held)

    def _written(self, shard: int, table: pa.Table, path: Path) -> str:
        """The SHA-256 of a shard that was written to a path, and reads back as it should."""
        said = (table.schema.metadata or {}) | {b"run key": self.key.encode(), b"shard": str(shard).encode()}
        pq.write_table(
            table.replace_schema_metadata(said),
            path,
            compression="zstd",
            compression_level=3,
            write_page_checksum=True,
            write_statistics=False,
            use_dictionary=False,
            column_encoding=_encodings(table.schema),
            store_schema=True,
        )
        sync(path)
        if not pq.read_table(path, page_checksum_verification=True).equals(table):
            raise StoreError(f"{path}: reads back differently than it was written; the disk may be failing")
        return sha256(path)

    def tidy(self, shard: int) -> None:
        """Remove what a killed writer of this shard left, and set a damaged one aside; call while its lock is held."""
        for left in (self.folder / "shards").glob(f".{shard:05d}.*"):
            left.unlink(missing_ok=True)
        if self._mark(shard).is_file() and not self.committed(shard):
            for file in (self._mark(shard), self.path(shard)):
                if file.is_file():
                    file.replace(self._aside(file.name))

    def read(self, shard: int, but: Container[str] = ()) -> pa.Table:
        """A committed shard.

        Args:
            shard: its number.
            but: columns that are left out, so that reading the others takes less.

        Raises:
            StoreError: it is not there, or does not match its sidecar.
        """
        found = self._opened(shard)
        if isinstance(found, str):
            raise StoreError(f"{self.path(shard)}: {found}; sample the run again to mend it")
        return found.read([name for name in found.schema_arrow.names if name not in but])

    def _mark(self, shard: int) -> Path:
        return self.path(shard).with_suffix(".sha256")

    def _aside(self, name: str) -> Path:
        number = 0
        while (self.folder / "aside" / f"{name}.{number}").exists():
            number += 1
        return self.folder / "aside" / f"{name}.{number}"


def _encodings(schema: pa.Schema) -> dict[str, str] | None:
    """Lists of floats byte by byte: the bytes of signs and exponents, which are few, then stand together."""
    listed = [f.name for f in schema if pa.types.is_list(f.type) and pa.types.is_floating(f.type.value_type)]
    return {f"{name}.list.element": "BYTE_STREAM_SPLIT" for name in listed} or None


_FOLDERS = ("shards", "locks", "aside")

_OWN = {"key", "check", *_FOLDERS}

_CHECK = "check.json"
"""Beside the key, not in it: rounding differs from machine to machine, and workers of several may share a run."""

_BESIDE_DRAWS = {"resolved", "accounting", "rewards", "samples"}
"""Of a configuration: what no draw depends on."""


def _stream(configuration: Mapping[str, JsonValue]) -> str:
    return sha256(canonical({name: value for name, value in configuration.items() if name not in _BESIDE_DRAWS}))


def _configuration(folder: Path) -> JsonObject:
    """What key.json holds.

    Raises:
        StoreError: it is damaged.
    """
    path = folder / "key.json"
    try:
        found: JsonValue = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(found, dict) and _shards(found) >= 1:
            return found
    except ValueError:
        pass
    raise StoreError(f"{path}: is damaged; the run cannot be read or continued without it")


def _shards(configuration: Mapping[str, JsonValue]) -> int:
    """How many shards a configuration asks for; 0 where it does not say."""
    found = configuration.get("shards")
    return found if isinstance(found, int) else 0


def canonical(configuration: Mapping[str, JsonValue]) -> str:
    """One text for one configuration: keys sorted, no spaces to choose."""
    return json.dumps(configuration, sort_keys=True, indent=1, ensure_ascii=True)


def _same_configuration(old: JsonValue, new: JsonValue, folder: Path, path: str = "") -> None:
    """Refuse to go on with a run under another configuration.

    Raises:
        StoreError: names the field that differs, and both values.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted(old.keys() | new.keys()):
            if name not in old or name not in new:
                raise StoreError(f"{folder}: holds a run whose {path}{name} differs; name another folder")
            _same_configuration(old[name], new[name], folder, f"{path}{name}.")
    elif old != new:
        one, two = (json.dumps(v)[:80] for v in (old, new))
        name = path.rstrip(".")
        why = _SAID.get(name, "")
        raise StoreError(
            f"{folder}: holds a run whose {name} is {one}, not {two}{why}; name another folder to start anew"
        )


_SAID = {
    "samples.sha256": ": its strings are of another file",
    "accounting.context": ": its strings stand after other prompts",
}
"""What a difference in these fields comes from."""


def _still(held: Held | None) -> None:
    if held is not None:
        held.check()


@contextmanager
def _locked(path: Path, *, wait: bool = True) -> Iterator[Held | None]:
    """Hold the lock that a file stands for; gives None where another has it and is not waited for.

    Raises:
        StoreError: the name is a folder's.
    """
    if path.is_dir():
        raise StoreError(f"{path}: is a folder where a lock of the run should be; move it away")
    # never a marker file instead of a lock of the system: a killed worker would leave it
    lock = FileLock(path, blocking=wait, fallback_to_soft=False)
    while True:
        before = _file(path)
        try:
            lock.acquire()
        except Timeout:
            yield None
            return
        if before is not None and _file(path) == before:
            break
        lock.release()  # the file is new, or was removed in between: others would not see a lock on the old one
    try:
        yield Held(path, before)
    finally:
        lock.release()


__all__ = ["Held", "Store", "StoreError", "canonical"]
