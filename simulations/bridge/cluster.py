"""Shards of a run on a dask cluster: a shard is a task, and every worker loads the models once.

A worker opens the run file as `probqual sample` does on one machine, so that all that decides a number is checked there
against key.json: other weights, versions or devices are refused. It writes its shards itself, under the locks that
local workers hold, into the folder that all of them see. The command's own process loads no model: it hands out shards,
in their order, and counts what comes back. A worker that is killed costs the shard that it was making, which another
one makes again, with the same bytes.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from simulations.bridge.runs import read_runs
from simulations.bridge.sample import Made, one_shard
from simulations.bridge.samples import read_samples
from simulations.bridge.session import Session
from simulations.bridge.store import Store
from simulations.cluster import PATIENCE, WorkersLost, connected

if TYPE_CHECKING:
    from distributed import Client


@dataclass(frozen=True, slots=True)
class Job:
    """One run of a run file, as a worker opens it.

    Args:
        run: of the file.
        samples: of the strings that are to be scored; None where they are to be drawn.
        output: instead of what the file says.
        number: which of the file's adapters, from 0.
        folder: where the run is stored.
    """

    run: Path
    samples: Path | None
    output: Path | None
    number: int
    folder: Path


# --- on a worker --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Begun:
    """A run that a worker has opened: its key, its notes and name, and the order of its shards."""

    key: str
    notes: tuple[str, ...]
    name: str | None
    turns: tuple[int, ...]


_TURN = threading.Lock()
"""Models know one batch at a time, and a worker may have several threads."""

_OPEN: dict[Job, Session] = {}
"""The run whose models this process holds."""


def begin(job: Job, probe: str) -> Begun:
    """Open a run, and its store if there is none yet.

    Raises:
        ValueError: a file or the folder is not seen here, or as ``Session.open``.
        OSError: the store cannot be written.
    """
    with _TURN:
        _look(job, job.folder / "locks" / probe)
        session = _session(job)
        return Begun(session.store.key, tuple(session.notes), session.name, tuple(session.plan.turns()))


def make(job: Job, key: str, shard: int) -> Made | None:
    """Make a shard, unless it is there or somebody else makes it.

    Raises:
        ValueError: as ``begin``, or as ``work``.
        OSError: the store cannot be written.
    """
    with _TURN:
        if job not in _OPEN:
            _look(job, job.folder / "key.json")
        session = _session(job)
        if session.store.key != key:
            raise ValueError(f"{job.run}: has changed since the command began; run it again")
        return one_shard(session.plan, session.store, shard, session.maker)


def _session(job: Job) -> Session:
    if job not in _OPEN:
        _OPEN.clear()  # one pair of models at a time
        _OPEN[job] = Session.numbered(job.run, job.output, job.number, job.samples)
    return _OPEN[job]


def _look(job: Job, sign: Path) -> None:
    """Refuse to work where the files of the command are not.

    Raises:
        ValueError: names the file or folder.
    """
    for file in (job.run, job.samples):
        if file is not None and not file.is_file():
            raise ValueError(f"the worker {_here()} does not see {file}; it must lie on a disk that all workers share")
    if not sign.is_file():
        raise ValueError(
            f"the worker {_here()} does not see the store {job.folder}; it must lie on a disk that this machine and "
            "all workers share"
        )


def _here() -> str:
    from distributed import get_worker

    return str(get_worker().address)


# --- in the command's own process ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class ClusterSession:
    """A run that a cluster works on.

    Args:
        store: of the run.
        notes: lines to print before.
        name: of the adapter, where the run file names several.
        job: what workers are told.
        turns: the shards in the order in which they are made.
        client: the connection.
    """

    store: Store
    notes: Sequence[str]
    name: str | None
    job: Job
    turns: Sequence[int]
    client: Client

    def work(self) -> Iterator[Made]:
        """Have what is missing made; each shard as it is committed.

        Raises:
            WorkersLost: workers died again and again, or all of them.
            ValueError, OSError: as on a worker.
        """
        from distributed import CancelledError, as_completed
        from distributed.comm import CommClosedError
        from distributed.scheduler import KilledWorker

        missing = set(self.store.missing())
        wanted = [shard for shard in self.turns if shard in missing]
        tasks = [self.client.submit(make, self.job, self.store.key, shard, pure=False) for shard in wanted]
        try:
            for task in as_completed(tasks, loop=self.client.loop):
                found = task.result()
                if found is not None:
                    yield found
        except (KilledWorker, CommClosedError, CancelledError) as error:
            raise WorkersLost.by(error) from None
        finally:
            with contextlib.suppress(Exception):  # the scheduler may be gone; its tasks are gone with it
                self.client.cancel(tasks)


def sessions(address: str, run: Path, output: Path | None, samples: Path | None = None) -> Iterator[ClusterSession]:
    """One session for each adapter that the run file names, one after another.

    Args:
        address: of the cluster's scheduler, "tcp://...".
        run: of the run file.
        output: where to store the run instead of what the file says.
        samples: of the file of strings to score; None where they are to be drawn.

    Raises:
        ValueError: a file cannot be used, no scheduler or worker answers, or a worker refuses the run.
        OSError: the store cannot be written.
    """
    run, output, samples = run.resolve(), output and output.resolve(), samples and samples.resolve()
    runs = read_runs(run, output, samples=None if samples is None else read_samples(samples).rewards)
    with connected(address) as client:
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError:
            raise ValueError(f"the dask cluster at {address} has no worker, after {PATIENCE} s") from None
        for number, own in enumerate(runs):
            yield _begun(client, Job(run, samples, output, number, own.folder.resolve()))


def _begun(client: Client, job: Job) -> ClusterSession:
    """A worker opens the run in a folder in which this process has left a sign for it.

    Raises:
        ValueError, OSError: as ``begin``; or the folder holds something else than a run.
    """
    from distributed.comm import CommClosedError
    from distributed.scheduler import KilledWorker

    Store.prepare(job.folder)
    probe = job.folder / "locks" / f"seen.{os.getpid()}.{os.urandom(4).hex()}"
    probe.touch()
    try:
        begun = client.submit(begin, job, probe.name, pure=False).result()
    except (KilledWorker, CommClosedError) as error:
        raise WorkersLost.by(error) from None
    finally:
        probe.unlink(missing_ok=True)
        Store.leave(job.folder)
    return ClusterSession(Store.existing(job.folder), begun.notes, begun.name, job, begun.turns, client)


__all__ = ["ClusterSession", "Job", "begin", "make", "sessions"]
