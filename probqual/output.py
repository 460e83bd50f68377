"""What commands print and write: JSON, tables, progress."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import typer

from probqual.errors import Stopped, bad_files
from theory.files import write_whole

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def write(path: Path, text: str) -> None:
    """Write the file completely or not at all.

    Raises:
        BadInput: it cannot be written.
    """
    with bad_files(path, "{place}: cannot be written: {reason}"):
        write_whole(path, text)


def emit_json(value: Any, path: Path) -> None:
    """Write JSON to the path, or to standard output for "-".

    Raises:
        BadInput: it cannot be written.
    """
    text = json.dumps(value, indent=2, allow_nan=False) + "\n"
    if str(path) == "-":
        sys.stdout.write(text)
    else:
        write(path, text)


def console(width: int = 140) -> Console:
    """Standard output; as wide as the tables need where it is no terminal. Text in brackets is text, not a style."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else width, markup=False, emoji=False)


def table(*columns: str, left: Collection[str] = (), title: str | None = None) -> Table:
    """A table of numbers: its columns stand to the right, except those that are named."""
    from rich.table import Table

    made = Table(show_edge=False) if title is None else Table(title=title, title_justify="left")
    for column in columns:
        made.add_column(column, justify="left" if column in left else "right")
    return made


class Estimated(Protocol):
    """A number with its interval, or without; None where it does not exist."""

    @property
    def value(self) -> float | None:
        """The number itself."""

    @property
    def low(self) -> float | None:
        """The lower end."""

    @property
    def high(self) -> float | None:
        """The upper end."""


def interval(estimate: Estimated) -> str:
    """An estimate as "value [low, high]"; "" where there is none."""
    if estimate.value is None:
        return ""
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.3f}"
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"


@contextmanager
def progress(what: str, total: int, before: int = 0) -> Iterator[Callable[..., None]]:
    """A bar on a terminal, plain lines elsewhere, for ``total`` things that are done after ``before`` others.

    Gives a function to call with the name of what has ended, and with what the bar is to say from now on.
    """
    from rich.console import Console
    from rich.progress import Progress

    done = 0
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as bars:
        bar = bars.add_task(what, total=before + total, completed=before)

        def advance(name: str, saying: str = what) -> None:
            nonlocal done
            done += 1
            bars.update(bar, advance=1, description=saying)
            if not sys.stderr.isatty():
                typer.echo(f"{done}/{total} {name}", err=True)

        yield advance


@contextmanager
def waiting(words: str) -> Iterator[None]:
    """What is being waited for, on a terminal; nothing elsewhere."""
    from rich.console import Console

    screen = Console(file=sys.stderr)
    with screen.status(words) if screen.is_terminal else nullcontext():
        yield


@contextmanager
def reading() -> Iterator[Callable[[float, int], None]]:
    """A bar on a terminal, plain lines elsewhere, for a file of many rows.

    Gives a function to call with the share of the file that is read, and the rows so far. Nothing is shown of a file
    that is read at once.
    """
    shown = 0.0
    with ExitStack() as stack:
        update: Callable[..., None] | None = None

        def advance(share: float, rows: int) -> None:
            nonlocal shown, update
            if sys.stderr.isatty():
                if update is None:
                    update = stack.enter_context(_bar())
                update(completed=share, description=f"reading, {rows:,} rows")
            elif shown + 0.2 <= share < 1:
                shown = share
                typer.echo(f"reading: {rows:,} rows, {share:.0%} of the file", err=True)

        yield advance


@contextmanager
def _bar() -> Iterator[Callable[..., None]]:
    """A bar from 0 to 1 on standard error, and a function that sets what it shows."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("", total=1.0)
        yield lambda **shown: bars.update(task, **shown)


@dataclass(frozen=True, slots=True)
class Piece:
    """One shard as its progress line shows it: its number, what it holds, and how many units that is."""

    shard: int
    holds: str
    units: int


def made_with_progress(what: str, unit: str, store: Any, pieces: Iterable[Piece]) -> bool:
    """Make the missing shards of a store, with a bar or lines; whether it is finished.

    Raises:
        Stopped: Ctrl-C; the message says how to go on.
    """
    start, units, missing = time.monotonic(), 0, len(store.missing())
    with progress(what, missing, before=store.shards - missing) as advance:
        try:
            for done, piece in enumerate(pieces, start=1):
                units, passed = units + piece.units, time.monotonic() - start
                line = f"{units / passed:,.0f} {unit}/s, about {(missing - done) * passed / done:.0f} s left"
                advance(f"shard {piece.shard}: {piece.holds}; {line}", line)
        except KeyboardInterrupt:
            raise Stopped("stopped; nothing is lost, the same command goes on from here") from None
    left = len(store.missing())
    state = "finished" if not left else f"{left} are still to be made"
    typer.echo(f"{store.folder}: {store.shards - left} of {store.shards} shards, {state}; key {store.key}", err=True)
    return not left
