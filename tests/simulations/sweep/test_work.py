"""Sweeps in one process, in two, on a dask cluster, with a worker killed, and taken up again: the same rows."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyarrow", reason="pyarrow is not installed")
pytest.importorskip("joblib", reason="joblib is not installed")

from simulations.bridge.store import Store, StoreError
from simulations.sweep import work as working
from simulations.sweep.key import configuration
from simulations.sweep.plan import Sweep, read_sweep
from simulations.sweep.summary import TURNS, share, summarise
from simulations.sweep.work import Backend, commit, rows_of, work
from theory.report.records import ClaimOutcomes, Share

TEXT = """
[sweep]
models = 60
chunk = 6
claims = ["line.identity"]
[[family]]
kind = "table"
strings = [2, 3]
[[adaptor]]
name = "temperature"
value = "1/2"
normalise = "global"
[output]
folder = "out"
"""


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    path = tmp_path_factory.mktemp("sweep") / "sweep.toml"
    path.write_text(TEXT, encoding="utf-8")
    return read_sweep(path)


def opened(sweep: Sweep, folder: Path) -> Store:
    return Store.open(folder, configuration(sweep), sweep.shards)


def contents(store: Store) -> list[bytes]:
    return [store.path(shard).read_bytes() for shard in range(store.shards)]


@pytest.fixture(scope="module")
def reference(sweep: Sweep, tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """What one process makes, without joblib."""
    store = opened(sweep, tmp_path_factory.mktemp("reference"))
    for shard in range(sweep.shards):
        assert commit(sweep, store, shard, rows_of(sweep, shard, store.rng(shard)))
    return contents(store)


@pytest.mark.parametrize("jobs", [1, 2])
def test_local_processes(sweep: Sweep, reference: list[bytes], tmp_path: Path, jobs: int) -> None:
    """Every shard once, byte for byte, whatever the number of workers."""
    store = opened(sweep, tmp_path / "store")
    made = dict(work(sweep, store, Backend(jobs)))
    assert made == dict.fromkeys(range(10), 6)
    assert contents(store) == reference
    assert list(work(sweep, store, Backend(jobs))) == []


def test_taken_up_again(sweep: Sweep, reference: list[bytes], tmp_path: Path) -> None:
    """Stopped after three shards, with a fourth damaged: only what is missing is made."""
    store = opened(sweep, tmp_path / "store")
    first = work(sweep, store, Backend(1))
    done = [next(first)[0] for _ in range(3)]
    first.close()
    flipped = bytearray(store.path(done[0]).read_bytes())
    flipped[40] ^= 1
    store.path(done[0]).write_bytes(flipped)
    again = [shard for shard, _ in work(sweep, opened(sweep, tmp_path / "store"), Backend(1))]
    assert done[0] in again
    assert not set(done[1:]) & set(again)
    assert contents(store) == reference


def test_a_shard_is_committed_once(sweep: Sweep, tmp_path: Path) -> None:
    store = opened(sweep, tmp_path / "store")
    rows = rows_of(sweep, 0, store.rng(0))
    assert commit(sweep, store, 0, rows)
    assert not commit(sweep, store, 0, rows)
    with store.claim(1) as mine:
        assert mine
        assert not commit(sweep, store, 1, rows)


def test_another_sweep_is_refused(sweep: Sweep, tmp_path: Path) -> None:
    opened(sweep, tmp_path / "store")
    changed = configuration(sweep)
    changed["sweep"]["seed"] = 2
    with pytest.raises(StoreError, match=r"sweep\.seed is 1, not 2"):
        Store.open(tmp_path / "store", changed, sweep.shards)


def kill_once(sweep: Sweep, shard: int, rng: Any, mark: Path) -> Any:
    """Makes a shard; the first to come here is killed in the middle of it."""
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return shard, rows_of(sweep, shard, rng)
    os.kill(os.getpid(), signal.SIGKILL)


def test_killed_local_worker(
    sweep: Sweep, reference: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line says that the same command goes on, and it does."""
    store, mark = opened(sweep, tmp_path / "store"), tmp_path / "mark"
    with monkeypatch.context() as patch:
        patch.setattr(working, "_made", _Killing(mark))
        with pytest.raises(working.WorkersLost, match="run the same command again"):
            list(work(sweep, store, Backend(2)))
    list(work(sweep, store, Backend(2)))
    assert contents(store) == reference


class _Killing:
    """``kill_once`` with its mark, so that it can be sent to a worker."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __call__(self, sweep: Sweep, shard: int, rng: Any) -> Any:
        return kill_once(sweep, shard, rng, self.mark)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("killing", [False, True], ids=["undisturbed", "worker killed"])
def test_dask_cluster(
    sweep: Sweep, reference: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killing: bool
) -> None:
    """A cluster of two worker processes; one killed in the middle is replaced, and the rows are the same."""
    distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed")
    store, mark = opened(sweep, tmp_path / "store"), tmp_path / "mark"
    if killing:
        monkeypatch.setattr(working, "_made", _Killing(mark))
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        made = dict(work(sweep, store, Backend(1, cluster.scheduler_address)))
    assert sorted(made) == list(range(10))
    assert contents(store) == reference
    assert mark.exists() == killing


def test_no_scheduler(sweep: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed", reason="dask.distributed is not installed")
    monkeypatch.setattr("simulations.cluster.ANSWER", 1)
    store = opened(sweep, tmp_path / "store")
    with pytest.raises(ValueError, match=r"no dask scheduler answers at tcp://127\.0\.0\.1:9"):
        list(work(sweep, store, Backend(1, "tcp://127.0.0.1:9")))


def test_summary(sweep: Sweep, tmp_path: Path) -> None:
    """Counts against the rows themselves, one by one."""
    store = opened(sweep, tmp_path / "store")
    with pytest.raises(StoreError, match="is missing"):
        summarise(store)
    list(work(sweep, store, Backend(1)))
    rows = [row for shard in range(10) for row in store.read(shard).to_pylist()]
    found = summarise(store)
    assert found.models == 60
    yes = sum(row["trades"] == "yes" for row in rows)
    moved = sum(row["trades"] in {"yes", "no"} for row in rows)
    assert (found.trades.count, found.trades.of) == (yes, moved)
    assert sum(row.of for row in found.by_strings) == moved
    assert [row.label for row in found.by_strings] == ["2", "3"]
    assert found.claims == (ClaimOutcomes(id="line.identity", holds=60, silent=0, undecided=0, fails=0),)
    for turn, (_, strings, corpora, _, _) in zip(found.turns, TURNS, strict=True):
        pairs = [(row[strings], row[corpora]) for row in rows if row[strings] and row[corpora]]
        assert turn.turns.count == sum(a == -b for a, b in pairs)
        assert turn.from_positive.of == sum(a == 1 for a, _ in pairs)
    (adaptor,) = found.adaptors
    assert sum(adaptor.counts.values()) == 60
    assert adaptor.adaptor == "temperature 1/2"


def test_a_sweep_of_another_format_is_not_summarised(sweep: Sweep, tmp_path: Path) -> None:
    """One line: the file, both numbers, and what to run."""
    store = opened(sweep, tmp_path / "store")
    key = store.folder / "key.json"
    key.write_text(key.read_text(encoding="utf-8").replace('"format": 1', '"format": 7'), encoding="utf-8")
    with pytest.raises(StoreError, match=r"key\.json: has format 7, this version reads 1: run probqual sweep again$"):
        summarise(Store.existing(store.folder))


def test_share_covers() -> None:
    """Clopper-Pearson at 0 and at n of n, and its tails by the binomial law."""
    from scipy.stats import binom

    assert share([]) == Share(count=0, of=0, value=None, low=None, high=None)
    assert share([False] * 20).high == pytest.approx(1 - 0.025 ** (1 / 20))
    found = share([True] * 7 + [False] * 13)
    assert binom.sf(6, 20, found.low) == pytest.approx(0.025)
    assert binom.cdf(7, 20, found.high) == pytest.approx(0.025)


@pytest.mark.parametrize(("library", "name"), [("numpy", "numpy"), ("flint", "python-flint")])
def test_other_versions_are_another_sweep(
    library: str, name: str, sweep: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numbers depend on them: what one version began, another does not go on with; nothing is written."""
    store = opened(sweep, tmp_path / "store")
    monkeypatch.setattr(f"{library}.__version__", "0.0.1")
    with pytest.raises(StoreError, match=rf'versions\.{name} is ".*", not "0.0.1"'):
        opened(sweep, tmp_path / "store")
    assert list((store.folder / "shards").iterdir()) == []
