"""Working on a run, for the commands that make a store: notes before, progress, and what to know after."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import typer

from probqual.output import Piece, made_with_progress, waiting


class _Made(Protocol):
    """One shard that is done."""

    @property
    def shard(self) -> int: ...
    @property
    def strings(self) -> int: ...
    @property
    def tokens(self) -> int: ...
    @property
    def impossible(self) -> int: ...


class _Store(Protocol):
    """Where shards are."""

    @property
    def folder(self) -> Path: ...
    @property
    def shards(self) -> int: ...
    @property
    def key(self) -> str: ...
    def missing(self) -> list[int]: ...


class _Session(Protocol):
    """A run that is ready to go on."""

    @property
    def name(self) -> str | None: ...
    @property
    def store(self) -> _Store: ...
    @property
    def notes(self) -> Sequence[str]: ...
    def work(self) -> Iterator[_Made]: ...


def opened(sessions: Iterator[_Session]) -> Iterator[_Session]:
    """The sessions, one after another; a terminal shows meanwhile that models are loaded and checked."""
    while True:
        # a model of 135 million parameters takes a minute, in which nothing else would be seen
        with waiting("loading the models, and scoring a few strings by every way"):
            session = next(sessions, None)
        if session is None:
            return
        yield session


class Clock:
    """The minutes that a command may begin new work in, counted from its start; None for as many as it takes."""

    def __init__(self, minutes: float | None) -> None:
        self._end = None if minutes is None else time.monotonic() + 60 * minutes

    @property
    def over(self) -> bool:
        """Whether nothing new may begin."""
        return self._end is not None and time.monotonic() >= self._end


def worked(session: _Session, what: str, clock: Clock) -> bool:
    """Make what is missing of a run; False where the time was over before it was made.

    Args:
        session: a run that is ready to go on.
        what: is done, for the progress bar: "sampling".
        clock: says when nothing new may begin.

    Raises:
        Stopped: Ctrl-C.
    """
    if session.name is not None:
        typer.echo(f"{session.name}: stored in {session.store.folder}", err=True)
    for note in session.notes if session.store.missing() else ():
        typer.echo(note, err=True)
    impossible = 0

    def pieces() -> Iterator[Piece]:
        nonlocal impossible
        for made in session.work():
            impossible += made.impossible
            yield Piece(made.shard, f"{made.strings} strings", made.tokens)
            if clock.over:
                return

    if clock.over and session.store.missing():
        typer.echo(f"{session.store.folder}: not begun, the time is over; the same command goes on", err=True)
        return False
    finished = made_with_progress(what, "tokens", session.store, pieces())
    stopped = clock.over and not finished
    if stopped:
        typer.echo("stopped for the time; the same command goes on, and analyse reads what is there", err=True)
    if impossible:
        typer.echo(f"{impossible} strings have probability 0 under the prior: log_prior is -inf for them", err=True)
    return not stopped
