"""Runs on a dask cluster: the store that one process makes, byte for byte, also when a worker is killed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("pyarrow")

from simulations.bridge import cluster as module
from simulations.bridge.cluster import Job, begin, make, sessions
from simulations.bridge.session import Session
from simulations.bridge.store import Store, StoreError
from tests.kills import contents
from tests.simulations.bridge.making import command, pair, run_file

SAMPLING = "strings = 6\nlength = 4\nrows = 2"
MINE = """
import os, signal
from pathlib import Path


def length(text):
    mark = Path(__file__).with_name("armed")
    try:
        mark.unlink()
    except FileNotFoundError:
        return float(len(text))
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pair, and a run of nine shards whose reward kills the process that asks first where a file says so."""
    found = tmp_path_factory.mktemp("cluster")
    pair(found)
    (found / "cluster_reward.py").write_text(MINE, "utf-8")
    run_file(found, sampling=SAMPLING, reward='kind = "function"\nsource = "cluster_reward:length"')
    texts = [{"prompt": p, "completion_ids": c} for p in ("a", "b") for c in ([2, 3, 1], [4, 1], [5, 5, 5], [3, 2, 1])]
    (found / "given.jsonl").write_text("\n".join(map(json.dumps, texts)), "utf-8")
    return found


@pytest.fixture(scope="module")
def calm(folder: Path) -> dict[str, bytes]:
    """What one process makes."""
    session = Session.open(folder / "run.toml", folder / "calm")
    list(session.work())
    return contents(session.store)


class Direct:
    """Stands for a cluster of this very process: what is handed to it is done at once."""

    loop = None

    def submit(self, function: Any, *arguments: Any, pure: bool) -> Any:
        assert not pure
        return Done(function(*arguments))

    def wait_for_workers(self, count: int, timeout: float) -> None:
        assert (count, timeout) == (1, module.PATIENCE)

    def cancel(self, tasks: Any) -> None:
        self.cancelled = len(tasks)

    def __enter__(self) -> Direct:
        return self

    def __exit__(self, *_: object) -> None:
        module._OPEN.clear()


class Done:
    """A task that is done."""

    def __init__(self, found: Any) -> None:
        self.found = found

    def result(self) -> Any:
        return self.found


@pytest.fixture
def direct(monkeypatch: pytest.MonkeyPatch) -> Iterator[Direct]:
    """Sessions on a cluster of this process."""
    distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed")
    client = Direct()
    monkeypatch.setattr(module, "connected", lambda address: client)
    monkeypatch.setattr(module, "_here", lambda: "tcp://here")
    monkeypatch.setattr(distributed, "as_completed", lambda tasks, loop: iter(tasks))
    yield client
    module._OPEN.clear()


def test_what_workers_do(folder: Path, calm: dict[str, bytes], direct: Direct) -> None:
    """Nine shards in the run's order, models loaded once; a second command finds nothing to do; no sign is left."""
    every = sessions("tcp://here", folder / "run.toml", folder / "direct")
    session = next(every)
    opened = module._OPEN.copy()
    made = list(session.work())
    assert [one.shard for one in made] == list(session.turns) == Session.open(folder / "run.toml", None).plan.turns()
    assert opened == module._OPEN
    assert len(opened) == 1
    assert contents(session.store) == calm
    assert not [path.name for path in (folder / "direct" / "locks").iterdir() if "seen" in path.name]
    assert list(session.work()) == []
    assert session.name is None
    assert list(every) == []


def test_strings_that_are_given(folder: Path, direct: Direct) -> None:
    """Scored by tasks as by one process."""
    run, given = folder / "run.toml", folder / "given.jsonl"
    (local,) = Session.of_samples(run, given, folder / "scored")
    list(local.work())
    for session in sessions("tcp://here", run, folder / "scored by tasks", given):
        assert sum(made.strings for made in session.work()) == 8
    assert contents(session.store) == contents(local.store)


def test_two_adapters(folder: Path, tmp_path: Path) -> None:
    """A number chooses the run."""
    assert Session.numbered(folder / "run.toml", tmp_path / "one", 0, None).name is None
    with pytest.raises(IndexError):
        Session.numbered(folder / "run.toml", tmp_path / "two", 1, None)


def test_a_folder_that_workers_do_not_see(folder: Path, tmp_path: Path, direct: Direct) -> None:
    """One line, before a model is loaded; and nothing is made here or there."""
    run, elsewhere = folder / "run.toml", tmp_path / "elsewhere"
    job = Job(run, None, elsewhere, 0, elsewhere)
    with pytest.raises(ValueError, match=r"the worker tcp://here does not see the store .*elsewhere; it must lie on"):
        begin(job, "seen.1.ab")
    with pytest.raises(ValueError, match=r"does not see the store .*elsewhere"):
        make(job, "0" * 64, 0)
    with pytest.raises(
        ValueError, match=r"the worker tcp://here does not see .*none\.toml; it must lie on a disk that"
    ):
        begin(Job(tmp_path / "none.toml", None, None, 0, elsewhere), "seen.1.ab")
    assert not elsewhere.exists()


def test_a_refused_run_leaves_no_folder(folder: Path, tmp_path: Path, direct: Direct) -> None:
    """Workers refuse as one process does: the line is theirs, and the folder is not made."""
    text = (folder / "run.toml").read_text("utf-8").replace('prior = "prior"', 'prior = "nowhere"')
    (folder / "wrong.toml").write_text(text, "utf-8")
    with pytest.raises(ValueError, match="nowhere"):
        list(sessions("tcp://here", folder / "wrong.toml", tmp_path / "run"))
    assert not (tmp_path / "run").exists()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("mine", "utf-8")
    with pytest.raises(StoreError, match=r"holds thesis\.txt, which is no part of a run"):
        list(sessions("tcp://here", folder / "run.toml", tmp_path / "other"))
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["thesis.txt"]


def test_a_run_file_that_changes_meanwhile(folder: Path, tmp_path: Path, direct: Direct) -> None:
    """A worker that comes later opens the file as it is then, and does not mix two runs."""
    run = folder / "changed.toml"
    run.write_text((folder / "run.toml").read_text("utf-8"), "utf-8")
    every = sessions("tcp://here", run, tmp_path / "run")
    session = next(every)
    module._OPEN.clear()
    run.write_text(run.read_text("utf-8").replace("strings = 6", "strings = 8"), "utf-8")
    with pytest.raises(StoreError, match=r"holds a run whose run\.strings is 6, not 8"):
        list(session.work())


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--backend", "dask"], "--backend dask and --address tcp://... go together"),
        (["--address", "tcp://127.0.0.1:9"], "--backend dask and --address tcp://... go together"),
        (["--backend", "dask", "--address", "tcp://127.0.0.1:9"], "no dask scheduler answers at tcp://127.0.0.1:9"),
        (["--backend", "dask", "--address", "nonsense://x"], "no dask scheduler answers at nonsense://x: "),
    ],
)
@pytest.mark.parametrize("name", ["sample", "score"])
def test_addresses(
    name: str, arguments: list[str], line: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line, and no folder."""
    pytest.importorskip("distributed", reason="dask.distributed is not installed")
    monkeypatch.setattr("simulations.cluster.ANSWER", 1)
    given = [folder / "given.jsonl"] if name == "score" else []
    done = command(name, folder / "run.toml", *given, "--output", tmp_path / "run", *arguments)
    assert done.exit_code == 2
    (said,) = done.stderr.strip().splitlines()
    assert said.startswith("probqual: ")
    assert line in said
    assert not (tmp_path / "run").exists()


def test_dask_is_not_there(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(ValueError, match=r"needs dask\.distributed .*; install probqual\[cluster\]"):
        list(sessions("tcp://127.0.0.1:9", folder / "run.toml", tmp_path / "run"))


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_dask_cluster(folder: Path, calm: dict[str, bytes], tmp_path: Path) -> None:
    """Two worker processes, of which the first that has a string to reward is killed: the same store, byte for byte."""
    distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed")
    armed = folder / "armed"
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        armed.touch()
        for session in sessions(cluster.scheduler_address, folder / "run.toml", tmp_path / "run"):
            made = [one.shard for one in session.work()]
    assert not armed.exists(), "a worker was killed"
    assert len(made) == len(set(made)) == 9
    assert contents(Store.existing(tmp_path / "run")) == calm
