"""A store that is killed, damaged, shared and refused: it has a shard whole or not at all, and says which.

The model is the tree with prompts, so a shard takes milliseconds. A crash is an operation of the file system from which
on nothing that the process does reaches the disk; it is put before, after and in the middle of every such operation.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import errno
import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pyarrow")


import pyarrow as pa
import pyarrow.parquet as pq

from simulations.bridge import store as store_module
from simulations.bridge.sample import Plan, draw_shard, work
from simulations.bridge.store import Store, StoreError, canonical
from tests.kills import contents, finish, flip, kill, plan

ROOT = Path(__file__).resolve().parents[3]
SHARDS = 4
"""Of the run that is crashed: its first shards; the store does not know of the others."""


def opened(made: Plan, shards: int | None = None) -> Store:
    return Store.open(made.run.folder, made.configuration(), len(made.shards) if shards is None else shards)


def make(made: Plan, store: Store, shard: int) -> None:
    """What a worker does about one shard."""
    with store.claim(shard) as mine:
        assert mine
        store.tidy(shard)
        store.write(shard, draw_shard(made, made.shards[shard], None, rng=store.rng(shard)), mine)


def first(made: Plan) -> Plan:
    """The first shards of a run."""
    return dataclasses.replace(made, shards=made.shards[:SHARDS])


@pytest.fixture
def made(tmp_path: Path) -> Plan:
    return first(plan(tmp_path / "run"))


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The bytes of the run that nothing disturbed."""
    return contents(finish(first(plan(tmp_path_factory.mktemp("calm")))))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A finished run, to be copied."""
    return finish(first(plan(tmp_path_factory.mktemp("whole"))))


def copied(store: Store, folder: Path) -> Store:
    shutil.copytree(store.folder, folder)
    return dataclasses.replace(store, folder=folder)


def temporary(store: Store) -> list[str]:
    return sorted(p.name for p in (store.folder / "shards").iterdir() if p.name.startswith("."))


# --- what is written ----------------------------------------------------------------------------------------------


def test_a_store(made: Plan, calm: dict[str, bytes]) -> None:
    """Shards with sidecars, a key that is the hash of key.json's configuration, nothing set aside."""
    store = finish(made)
    assert contents(store) == calm
    names = [f"{k:05d}.{kind}" for k in range(SHARDS) for kind in ("parquet", "sha256")]
    assert sorted(p.name for p in (store.folder / "shards").iterdir()) == names
    assert list((store.folder / "aside").iterdir()) == []
    assert store.missing() == []
    assert store.configuration == made.configuration()
    again = Store.existing(store.folder)
    assert again == store
    assert len(store.key) == 64


def test_a_shard_reads_as_it_was_drawn(made: Plan) -> None:
    store = finish(made)
    for number, shard in enumerate(made.shards):
        drawn = draw_shard(made, shard, None, rng=store.rng(number))
        read = store.read(number)
        assert read.equals(drawn)
        said = {b"run key": store.key.encode(), b"shard": str(number).encode(), b"layout": b"2"}
        assert read.schema.metadata == said


def test_a_store_that_is_complete_is_left_alone(made: Plan) -> None:
    """Going on with a finished run changes no file, not even its time."""
    store = finish(made)
    before = {p: (p.stat().st_mtime_ns, p.stat().st_ino) for p in (store.folder / "shards").iterdir()}
    assert list(work(made, opened(made), None)) == []
    assert {p: (p.stat().st_mtime_ns, p.stat().st_ino) for p in (store.folder / "shards").iterdir()} == before


def test_the_key_does_not_depend_on_the_order_of_keys(made: Plan) -> None:
    """One configuration, one text; another, another text."""
    found = made.configuration()
    turned = {name: found[name] for name in reversed(found)}
    assert canonical(turned) == canonical(found)
    assert canonical(found | {"format": 2}) != canonical(found)


def test_every_shard_has_its_own_stream(made: Plan, tmp_path: Path) -> None:
    """No two shards, and no two runs that differ in the seed alone, draw alike."""
    store = opened(made)
    other = dataclasses.replace(
        plan(tmp_path / "other"), run=dataclasses.replace(made.run, seed=2, folder=tmp_path / "third")
    )
    streams = [tuple(s.rng(k).random(4)) for s in (store, opened(other)) for k in range(50)]
    assert len(set(streams)) == 100


# --- a crash at every step ----------------------------------------------------------------------------------------


class Crash(BaseException):
    """The process is gone."""


class Disk:
    """The operations by which a store reaches the disk; from the chosen one on, none does."""

    def __init__(self, patch: pytest.MonkeyPatch, at: int, moment: str, error: Callable[[], BaseException]) -> None:
        self.calls, self.at, self.moment, self.error, self.gone = 0, at, moment, error, False
        self.names: list[str] = []
        for owner, name in ((os, "replace"), (os, "fsync"), (os, "open"), (pq, "write_table"), (pq, "read_table")):
            patch.setattr(owner, name, self.wrapped(name, getattr(owner, name)))
        unlink = os.unlink
        patch.setattr(os, "unlink", lambda *a, **k: None if self.dead else unlink(*a, **k))

    @property
    def dead(self) -> bool:
        """A process that is gone does not tidy up; one that met an error does."""
        return self.gone and isinstance(self.error(), Crash)

    def wrapped(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def operation(*arguments: Any, **named: Any) -> Any:
            if self.dead:
                raise Crash
            self.calls += 1
            self.names.append(name)
            if self.calls != self.at:
                return real(*arguments, **named)
            if self.moment == "after" or (self.moment == "middle" and name == "write_table"):
                found = None
                with contextlib.suppress(FileExistsError):  # a lock's file is opened as a new one first
                    found = real(*arguments, **named)
                if name == "open" and found is not None:
                    os.close(found)
                if self.moment == "middle":
                    os.truncate(arguments[1], os.stat(arguments[1]).st_size // 2)
            self.gone = True
            raise self.error()

        return operation


def steps(act: Callable[[], object]) -> list[str]:
    """The operations of an undisturbed run of something."""
    with pytest.MonkeyPatch.context() as patch:
        disk = Disk(patch, 0, "before", Crash)
        act()
        return disk.names


def test_the_steps_of_a_commit(made: Plan) -> None:
    """Write, sync, read back, rename, sync the folder; then the mark, the same way."""
    store = opened(made)
    names = [name for name in steps(lambda: make(made, store, 0)) if name != "open"]
    assert names == ["write_table", "fsync", "read_table", "replace", "fsync", "fsync", "replace", "fsync"]


ERRORS: dict[str, Callable[[], BaseException]] = {
    "killed": Crash,
    "interrupted": KeyboardInterrupt,
    "full disk": lambda: OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
}


@pytest.mark.parametrize("kind", ERRORS)
@pytest.mark.parametrize("moment", ["before", "middle", "after"])
def test_a_crash_at_every_step_of_a_commit(kind: str, moment: str, tmp_path: Path, calm: dict[str, bytes]) -> None:
    """Afterwards the shard is not there, or there whole; going on gives the bytes of an undisturbed run."""
    made = first(plan(tmp_path / "count"))
    store = opened(made)
    names = steps(lambda: make(made, store, 0))
    assert len(names) >= 8
    seen = set()
    places = [k for k, name in enumerate(names, start=1) if moment != "middle" or name == "write_table"]
    for at in places:
        made = first(plan(tmp_path / f"at{at}"))
        store = opened(made)
        with pytest.MonkeyPatch.context() as patch:
            disk = Disk(patch, at, moment, ERRORS[kind])
            with pytest.raises(type(ERRORS[kind]())):
                make(made, store, 0)
            assert disk.gone
        if kind != "killed":
            assert temporary(store) == [], "an error leaves no temporary file"
        again = opened(made)
        there = again.committed(0)
        seen.add(there)
        if there:
            assert again.path(0).read_bytes() == calm["00000.parquet"]
            again.read(0)
        else:
            with pytest.raises(StoreError, match=r"is (missing|damaged)"):
                again.read(0)
        finish(made)
        assert contents(again) == calm
        assert temporary(again) == []
        assert list((again.folder / "aside").iterdir()) == [], "nothing was damaged"
    assert False in seen
    assert (moment != "after") or True in seen


@pytest.mark.parametrize("kind", ERRORS)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_crash_while_the_key_is_written(kind: str, moment: str, tmp_path: Path, calm: dict[str, bytes]) -> None:
    """key.json is there whole or not at all, and the run can begin or go on."""
    counted = first(plan(tmp_path / "count"))
    total = len(steps(lambda: opened(counted)))
    for at in range(1, total + 1):
        made = first(plan(tmp_path / f"at{at}"))
        with pytest.MonkeyPatch.context() as patch:
            Disk(patch, at, moment, ERRORS[kind])
            with pytest.raises(type(ERRORS[kind]())):
                opened(made)
        key = made.run.folder / "key.json"
        assert not key.exists() or key.read_bytes() == calm["key.json"]
        assert contents(finish(made)) == calm


STATES: dict[str, dict[str, bytes | None]] = {
    "half a temporary shard": {".00000.parquet.1": b"PAR1half"},
    "temporary shards of several": {".00000.parquet.1": b"", ".00000.parquet.2": b"PAR1", ".00000.sha256.3": b"ab"},
    "a shard without its mark": {"00000.sha256": None},
    "half a shard without its mark": {"00000.parquet": b"PAR1half", "00000.sha256": None},
    "an empty shard without its mark": {"00000.parquet": b"", "00000.sha256": None},
    "a shard and a temporary mark": {"00000.sha256": None, ".00000.sha256.1": b"0" * 65},
    "a mark without its shard": {"00000.parquet": None},
    "an empty mark": {"00000.sha256": b""},
    "a mark that is no text": {"00000.sha256": b"\xff\xfe\x00"},
    "half a mark": {"00000.sha256": b"0123456789abcdef"},
    "an empty shard": {"00000.parquet": b""},
}


@pytest.mark.parametrize("state", STATES)
def test_what_is_left_behind(state: str, whole: Store, calm: dict[str, bytes], tmp_path: Path) -> None:
    """From every such state, going on gives the undisturbed bytes; what was damaged under a mark is kept in aside/."""
    store = copied(whole, tmp_path / "copy")
    left = STATES[state]
    for name, content in left.items():
        path = store.folder / "shards" / name
        if content is None:
            path.unlink()
        else:
            path.write_bytes(content)
    if any(name.startswith(".") for name in left) and "00000.sha256" not in left:
        store.path(0).with_suffix(".sha256").unlink()
    marked = store.path(0).with_suffix(".sha256").exists()
    damaged = {p.name: p.read_bytes() for p in (store.folder / "shards").glob("00000.*")}
    with pytest.raises(StoreError):
        store.read(0)
    made = first(plan(tmp_path / "plan"))
    made = dataclasses.replace(made, run=dataclasses.replace(made.run, folder=store.folder))
    assert [one.shard for one in work(made, opened(made), None)] == [0]
    assert contents(store) == calm
    assert temporary(store) == []
    aside = {p.name.removesuffix(".0"): p.read_bytes() for p in (store.folder / "aside").iterdir()}
    assert aside == (damaged if marked else {})


def test_what_is_set_aside_is_kept(whole: Store, tmp_path: Path) -> None:
    """However often a shard is damaged, every version stays."""
    store = copied(whole, tmp_path / "copy")
    right, mark = store.path(1).read_bytes(), store.path(1).with_suffix(".sha256").read_bytes()
    for k in range(3):
        store.path(1).write_bytes(right + bytes([k]))
        store.path(1).with_suffix(".sha256").write_bytes(mark)
        assert store.missing() == [1]
        store.tidy(1)
        store.path(1).write_bytes(right)
    aside = sorted((store.folder / "aside").glob("*.parquet.*"))
    assert [p.read_bytes() for p in aside] == [right + bytes([k]) for k in range(3)]


def test_what_is_read_back_differently_is_not_committed(made: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    store = opened(made)
    monkeypatch.setattr(pq, "read_table", lambda *a, **k: pa.table({"x": [1]}))
    with pytest.raises(StoreError, match="reads back differently"):
        make(made, store, 0)
    assert list((store.folder / "shards").iterdir()) == []


# --- kills and flips ----------------------------------------------------------------------------------------------


def test_kills(tmp_path: Path) -> None:
    """Killed a dozen times at random moments, now and then two workers at once, the run ends in the same bytes."""
    killed = kill(tmp_path, 12, np.random.default_rng(12))
    assert killed.kills >= 12
    assert killed.identical


def test_flips(tmp_path: Path) -> None:
    """Every flip of one bit in a shard or its sidecar is noticed."""
    flips, noticed = flip(tmp_path, 60, np.random.default_rng(60))
    assert noticed == flips == 60


@pytest.mark.parametrize("suffix", [".parquet", ".sha256"])
def test_flips_are_mended(suffix: str, whole: Store, calm: dict[str, bytes], tmp_path: Path) -> None:
    """After a flip, going on makes that shard anew and no other."""
    store = copied(whole, tmp_path / "copy")
    made = first(plan(tmp_path / "plan"))
    made = dataclasses.replace(made, run=dataclasses.replace(made.run, folder=store.folder))
    path = store.path(2).with_suffix(suffix)
    right = path.read_bytes()
    for place in (0, len(right) // 2, len(right) - 2):
        path.write_bytes(right[:place] + bytes([right[place] ^ 1]) + right[place + 1 :])
        assert [one.shard for one in work(made, opened(made), None)] == [2]
        assert contents(store) == calm


# --- several workers ----------------------------------------------------------------------------------------------

WORKER = """
import sys
from pathlib import Path
from simulations.bridge.sample import work
from simulations.bridge.store import Store
from tests.kills import plan
made = plan(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
store = Store.open(made.run.folder, made.configuration(), len(made.shards))
for one in work(made, store, None):
    print(one.shard, flush=True)
    sys.stdin.readline()
"""


def started(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_two_workers(tmp_path: Path) -> None:
    """Two processes that begin at once, before there is a store: every shard is written by one of them.

    Each waits, holding its first shard's lock, until the other has made one too; then both go on at full speed.
    """
    workers = [started(WORKER, str(tmp_path / "shared")) for _ in range(2)]
    try:
        for worker in workers:
            assert said(worker) == "ready"
        for worker in workers:
            tell(worker, 1)
        outputs = [[int(said(worker))] for worker in workers]
        for worker in workers:
            tell(worker, 80)
        for worker, output in zip(workers, outputs, strict=True):
            rest, _ = worker.communicate(timeout=60)
            assert worker.returncode == 0
            output += [int(line) for line in rest.split()]
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    assert sorted(shard for output in outputs for shard in output) == list(range(80))
    shared = Store.existing(tmp_path / "shared" / "run")
    assert shared.missing() == []
    assert contents(shared) == contents(finish(plan(tmp_path / "alone")))


def said(worker: subprocess.Popen[str]) -> str:
    assert worker.stdout is not None
    return worker.stdout.readline().strip()


def tell(worker: subprocess.Popen[str], lines: int) -> None:
    assert worker.stdin is not None
    worker.stdin.write("\n" * lines)
    worker.stdin.flush()


HOLDER = """
import sys
from pathlib import Path
from simulations.bridge.store import Store
with Store.existing(Path(sys.argv[1])).claim(0) as mine:
    print(mine is not None, flush=True)
    sys.stdin.readline()
"""


def test_a_lock_ends_with_its_holder(made: Plan, calm: dict[str, bytes]) -> None:
    """While another process holds a shard it is left to it; once that is killed, the shard is made."""
    store = opened(made)
    holder = started(HOLDER, str(store.folder))
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        with store.claim(0) as mine:
            assert not mine
        with store.claim(1) as mine:
            assert mine
        assert [one.shard for one in work(made, store, None)] == [1, 2, 3]
        assert store.missing() == [0]
        os.kill(holder.pid, signal.SIGKILL)
    finally:
        holder.kill()
        holder.communicate(timeout=30)
    assert [one.shard for one in work(made, store, None)] == [0]
    assert contents(store) == calm


@pytest.mark.parametrize("moment", ["drawing", "writing", "marking", "after"])
def test_a_lock_that_is_removed_under_its_holder(
    moment: str, made: Plan, calm: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second worker comes in and makes the shard; the first one says so instead of writing it as well."""
    store = opened(made)
    table = draw_shard(made, made.shards[0], None, rng=store.rng(0))
    others: list[int] = []

    def intrude() -> None:
        if not others:
            others.append(0)
            (store.folder / "locks" / "00000").unlink()
            with store.claim(0) as second:
                assert second is not None
                store.tidy(0)
                store.write(0, table, second)

    with store.claim(0) as first:
        assert first is not None
        steps = {"writing": "sync", "marking": "write_whole"}
        if moment in steps:
            whole = getattr(store_module, steps[moment])
            monkeypatch.setattr(store_module, steps[moment], lambda *a, **k: (intrude(), whole(*a, **k)))
        elif moment == "drawing":
            intrude()
        with contextlib.nullcontext() if moment == "after" else pytest.raises(StoreError, match="00000: was removed"):
            store.write(0, table, first)
        if moment == "after":
            (store.folder / "locks" / "00000").unlink()
            with store.claim(0) as second:
                assert second is not None
                assert store.committed(0)
    assert [one.shard for one in work(made, store, None)] == [1, 2, 3]
    assert contents(store) == calm


def test_a_lock_on_a_file_that_was_removed_is_none(made: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """Removed between its opening and its locking: nobody else would see that lock, so another is taken."""
    store = opened(made)
    acquire, removed = store_module.FileLock.acquire, []

    def late(lock: Any) -> Any:
        found = acquire(lock)
        if not removed:
            removed.append(Path(lock.lock_file).unlink())
        return found

    monkeypatch.setattr(store_module.FileLock, "acquire", late)
    with store.claim(0) as mine:
        assert mine is not None
        mine.check()
        with store.claim(0) as second:
            assert second is None


@pytest.mark.parametrize("name", ["shards/00001.parquet", "shards/00001.sha256", "locks/00001", "locks/key"])
def test_a_folder_where_a_file_should_be(name: str, whole: Store, tmp_path: Path) -> None:
    """One line that names it, whoever looks; nothing is removed."""
    store = copied(whole, tmp_path / "run")
    (store.folder / name).unlink(missing_ok=True)
    (store.folder / name).mkdir()
    (store.folder / name / "kept").touch()
    if name == "locks/00001":
        (store.folder / "shards" / "00001.parquet").unlink()
    made = first(plan(tmp_path))
    with pytest.raises(StoreError, match=f"{name.split('/')[1]}: is a folder"):
        list(work(made, opened(made), None))
    if name.startswith("shards"):
        with pytest.raises(StoreError, match="is a folder"):
            store.read(1)
    assert (store.folder / name / "kept").exists()


def test_a_lock_ends_with_its_context(made: Plan) -> None:
    store = opened(made)
    claim = store.claim(0)
    assert claim.__enter__()
    assert claim.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None) is not True
    with store.claim(0) as mine, store.claim(0) as second:
        assert mine
        assert not second


def test_a_shard_that_another_made_meanwhile_is_not_made_again(made: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the first look and the lock another worker may have committed it."""
    store = opened(made)
    claim = Store.claim

    def late(self: Store, shard: int) -> Any:
        if not self.path(shard).exists():
            self.write(shard, draw_shard(made, made.shards[shard], None, rng=self.rng(shard)))
        return claim(self, shard)

    monkeypatch.setattr(Store, "claim", late)
    assert list(work(made, store, None)) == []
    assert store.missing() == []


def test_the_store_is_imported_without_fcntl() -> None:
    """As on Windows, which has none: the lock of the system there is another."""
    code = "import sys; sys.modules['fcntl'] = None; import simulations.bridge.store"
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# --- key.json -----------------------------------------------------------------------------------------------------


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every field, tables and their values alike."""
    if path:
        yield path
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, (*path, name))


def changed(configuration: dict[str, Any], path: tuple[str | int, ...], act: str) -> dict[str, Any]:
    """The configuration with one field changed, removed, or another added beside it."""
    found = copy.deepcopy(configuration)
    table: Any = found
    for name in path[:-1]:
        table = table[name]
    if act == "removed":
        del table[path[-1]]
    elif act == "added":
        table[f"{path[-1]}_more"] = 1
    else:
        old = table[path[-1]]
        if isinstance(old, bool) or old is None:
            table[path[-1]] = "something" if old is None else not old
        elif isinstance(old, int):
            table[path[-1]] = old + 1
        elif isinstance(old, str):
            table[path[-1]] = old + "x"
        elif isinstance(old, list):
            table[path[-1]] = [*old, old[0]]
        else:
            table[path[-1]] = {}
    return found


CONFIGURATION = {
    "format": 1,
    "run": {
        "seed": 1,
        "beta": "1/4",
        "begin": True,
        "device": None,
        "prompts": ["x", "y"],
        "chains": [[], [["a", "1"]]],
    },
    "models": {"prior": {"model.safetensors": "ab", "config.json": "cd"}, "aligned": None, "versions": {"numpy": "2"}},
    "prompt_ids": [[0], [1]],
    "shards": 4,
}


@pytest.mark.parametrize("act", ["changed", "removed", "added"])
@pytest.mark.parametrize("which", ["made up", "real"])
def test_every_field_counts(act: str, which: str, tmp_path: Path) -> None:
    """Any field changed, removed or added: refused in one line that names it, in either direction; nothing changes."""
    configuration = CONFIGURATION if which == "made up" else plan(tmp_path / "plan").configuration()
    folder = tmp_path / "run"
    Store.open(folder, configuration, 4)
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    paths = list(leaves(configuration))
    assert len(paths) > 15
    for path in paths:
        other = changed(configuration, path, act)
        named = ".".join(str(part) for part in path) + ("_more" if act == "added" else "")
        with pytest.raises(StoreError) as caught:
            Store.open(folder, other, 4)
        message = str(caught.value)
        assert len(message.splitlines()) == 1
        assert str(folder) in message
        assert f"whose {named}" in message, message
        assert "another folder" in message
    assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == before
    Store.open(folder, configuration, 4)


def test_both_values_are_shown(tmp_path: Path) -> None:
    Store.open(tmp_path / "run", CONFIGURATION, 4)
    with pytest.raises(StoreError, match=r'whose run\.beta is "1/4", not "1/4x"'):
        Store.open(tmp_path / "run", changed(CONFIGURATION, ("run", "beta"), "changed"), 4)


def test_elements_of_lists_count(tmp_path: Path) -> None:
    """Also within a list, and in the order of one."""
    Store.open(tmp_path / "run", CONFIGURATION, 4)
    for name, other in (
        ("prompts", ["y", "x"]),
        ("prompts", ["x"]),
        ("chains", [[["a", "1"]], []]),
        ("chains", [[], [["a", "2"]]]),
    ):
        found = copy.deepcopy(CONFIGURATION)
        found["run"][name] = other  # type: ignore[index]
        with pytest.raises(StoreError, match=rf"whose run\.{name} "):
            Store.open(tmp_path / "run", found, 4)


def test_shards_without_a_key(whole: Store, tmp_path: Path) -> None:
    """Nobody knows what they are: refused, and left as they are."""
    store = copied(whole, tmp_path / "copy")
    (store.folder / "key.json").unlink()
    before = {p: p.read_bytes() for p in store.folder.rglob("*") if p.is_file()}
    with pytest.raises(StoreError, match=r"has shards but no key\.json"):
        Store.open(store.folder, CONFIGURATION, 4)
    with pytest.raises(StoreError, match=r"no key\.json"):
        Store.existing(store.folder)
    assert {p: p.read_bytes() for p in store.folder.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("content", [b"", b"{", b"\x00" * 40, b"\xff\xfe", b'{"format": 1'], ids=repr)
def test_a_damaged_key(content: bytes, whole: Store, tmp_path: Path) -> None:
    """One line, and the shards stay."""
    store = copied(whole, tmp_path / "copy")
    (store.folder / "key.json").write_bytes(content)
    with pytest.raises(StoreError, match=r"key\.json: is damaged"):
        Store.existing(store.folder)
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        Store.open(store.folder, whole.configuration, SHARDS)
    assert len(str(caught.value).splitlines()) == 1
    assert len(list((store.folder / "shards").iterdir())) == 2 * SHARDS


def test_a_key_that_was_changed_later(whole: Store, tmp_path: Path) -> None:
    """The shards say of which run they are: a key.json edited by hand does not adopt them."""
    store = copied(whole, tmp_path / "copy")
    configuration = store.configuration
    configuration["run"]["seed"] += 1
    (store.folder / "key.json").write_text(canonical(configuration) + "\n", "utf-8")
    with pytest.raises(StoreError, match="another run"):
        Store.existing(store.folder).read(0)


# --- folders that cannot be used ----------------------------------------------------------------------------------


def test_a_folder_that_is_a_file(made: Plan, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine", "utf-8")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OSError, match="file"):
            Store.open(folder, made.configuration(), SHARDS)
    assert (tmp_path / "file").read_text("utf-8") == "mine"


def test_a_read_only_folder(made: Plan, calm: dict[str, bytes]) -> None:
    """An OSError that names the file; once it can be written the run goes on."""
    folder = made.run.folder
    opened(made)
    modes = {p: p.stat().st_mode for p in (folder, folder / "shards")}
    for path in modes:
        path.chmod(0o555)
    try:
        if os.access(folder / "shards", os.W_OK):
            pytest.skip("root may write anywhere")
        with pytest.raises(OSError, match="shards"):
            finish(made)
    finally:
        for path, mode in modes.items():
            path.chmod(mode)
    assert contents(finish(made)) == calm


@pytest.mark.parametrize("where", ["rename", "mark"])
def test_a_folder_that_becomes_read_only(
    where: str, made: Plan, calm: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As above, by a file system that refuses: nothing half-written, and the run goes on afterwards."""
    store = opened(made)
    replace, calls = os.replace, 0

    def refuses(source: Any, target: Any) -> None:
        nonlocal calls
        calls += 1
        if calls >= (1 if where == "rename" else 2):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target))
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", refuses)
        with pytest.raises(PermissionError, match="Permission denied"):
            next(work(made, store, None))
    assert store.missing() == [0, 1, 2, 3]
    assert temporary(store) == []
    assert contents(finish(made)) == calm


def test_a_shard_of_another_run(whole: Store, tmp_path: Path) -> None:
    """Copied in with its sidecar it is whole, but not of this run: reading refuses it."""
    store = copied(whole, tmp_path / "copy")
    other = first(plan(tmp_path / "other"))
    other = dataclasses.replace(other, run=dataclasses.replace(other.run, seed=2))
    stranger = finish(other)
    assert stranger.key != store.key
    for suffix in (".parquet", ".sha256"):
        shutil.copy(stranger.path(1).with_suffix(suffix), store.path(1).with_suffix(suffix))
    with pytest.raises(StoreError, match="another run"):
        store.read(1)
    for shard in (0, 2, 3):
        store.read(shard)


def test_a_shard_of_another_run_alone(whole: Store, tmp_path: Path, calm: dict[str, bytes]) -> None:
    """Copied in without its sidecar it does not match the one that is there, and is made anew."""
    store = copied(whole, tmp_path / "copy")
    shutil.copy(store.path(0), store.path(1))
    assert store.missing() == [1]
    made = first(plan(tmp_path / "plan"))
    made = dataclasses.replace(made, run=dataclasses.replace(made.run, folder=store.folder))
    assert contents(finish(made)) == calm


def test_no_run(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(StoreError, match="holds no run"):
            Store.existing(folder)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["{}", "[]", "null", "5", "{", '{"shards": 0}', '{"shards": "3"}'])
def test_damaged_keys(content: str, tmp_path: Path) -> None:
    """Reading and resuming both say which file is damaged."""
    store = finish(plan(tmp_path))
    (store.folder / "key.json").write_text(content, encoding="utf-8")
    with pytest.raises(StoreError, match=r"key\.json: is damaged"):
        Store.existing(store.folder)
    with pytest.raises(StoreError, match=r"key\.json: is damaged"):
        finish(plan(tmp_path))


def test_a_shard_in_the_wrong_place_is_made_again(tmp_path: Path) -> None:
    """Whole, with its sidecar, but of another number: it does not count, and resuming mends it."""
    store = finish(plan(tmp_path))
    right = store.path(1).read_bytes()
    for suffix in (".parquet", ".sha256"):
        shutil.copy(store.path(0).with_suffix(suffix), store.path(1).with_suffix(suffix))
    assert store.missing() == [1]
    with pytest.raises(StoreError, match="another place"):
        store.read(1)
    assert finish(plan(tmp_path)).path(1).read_bytes() == right
    assert len(list((store.folder / "aside").iterdir())) == 2


def test_looking_changes_nothing(tmp_path: Path) -> None:
    """Only who holds a shard's lock sets a damaged one aside: others may be mending it."""
    store = finish(plan(tmp_path))
    store.path(2).write_bytes(b"damaged")
    assert not store.committed(2)
    assert store.path(2).read_bytes() == b"damaged"
    assert not list((store.folder / "aside").iterdir())


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    """Somebody's notes are no run."""
    made = plan(tmp_path)
    made.run.folder.mkdir()
    (made.run.folder / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(StoreError, match=r"notes\.txt"):
        finish(made)
    assert [p.name for p in made.run.folder.iterdir()] == ["notes.txt"]


# --- streams --------------------------------------------------------------------------------------------------------


def test_every_digit_of_the_key_counts(tmp_path: Path) -> None:
    """Runs whose keys differ in one hexadecimal digit, wherever in the key, draw apart; the same key draws alike."""
    key = hashlib.sha256(b"a run").hexdigest()
    keys = [key, *(key[:k] + f"{15 - int(key[k], 16):x}" + key[k + 1 :] for k in range(64))]
    streams = [tuple(Store(tmp_path, one, 1).rng(0).random(4)) for one in keys]
    assert len(set(streams)) == 65
    assert streams[0] == tuple(Store(tmp_path, key, 1).rng(0).random(4))


def test_what_gets_its_name_is_on_the_disk(made: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the numbers of the files: each is synced before it is renamed, and its folder is synced afterwards."""
    store = opened(made)
    log: list[tuple[str, int]] = []
    fsync, replace = os.fsync, os.replace

    def synced(handle: int) -> None:
        log.append(("synced", os.fstat(handle).st_ino))
        fsync(handle)

    def renamed(source: Any, target: Any) -> None:
        log.append(("renamed", os.stat(source).st_ino))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed)
    make(made, store, 0)
    folder = ("synced", store.path(0).parent.stat().st_ino)
    files = [store.path(0).stat().st_ino, store.path(0).with_suffix(".sha256").stat().st_ino]
    assert [number for what, number in log if what == "renamed"] == files, "the mark comes last"
    for number in files:
        place = log.index(("renamed", number))
        assert ("synced", number) in log[:place]
        assert folder in log[place:]
