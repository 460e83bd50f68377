"""What goes wrong, as one line on standard error and an exit status."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

BAD_INPUT = 2
"""Exit status where what the user gave cannot be used."""

OWN_FAULT = 70
"""Exit status of an error that is not the user's: EX_SOFTWARE of sysexits.h."""

INTERRUPTED = 130
"""Exit status after Ctrl-C."""

_LONGEST, _LAST = 800, 300
"""Characters of a line, and those of them that are its end: what a file holds may be longer than anybody reads."""

_WRONG_CALL: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
"""What the parser of the command line raises."""


class BadInput(Exception):
    """What the user gave cannot be used; the message is the one line that is shown."""


class Stopped(Exception):
    """Ctrl-C came; the message says how to go on."""


@contextmanager
def bad_values() -> Iterator[None]:
    """What is read inside is the user's.

    Raises:
        BadInput: for every ValueError inside, with its message.
    """
    try:
        yield
    except ValueError as error:
        raise BadInput(str(error)) from error


@contextmanager
def bad_files(place: Path, says: str) -> Iterator[None]:
    """Files that are read or written inside are where the user wants them.

    Args:
        place: the file or folder that the user named.
        says: the message, with {place}, {file} (the very file, if the error names one) and {reason} in it.

    Raises:
        BadInput: for every OSError inside, and where no file can have that name.
    """
    if "\0" in str(place):
        raise BadInput(f"{str(place)!r}: a path holds no NUL")
    try:
        yield
    except OSError as error:
        file, reason = error.filename or place, error.strerror or error
        raise BadInput(says.format(place=place, file=file, reason=reason)) from error


@contextmanager
def optional_libraries(needs: str, extra: str) -> Iterator[None]:
    """What is imported inside may be missing.

    Args:
        needs: what needs which libraries, in words.
        extra: the extra of the project that has them.

    Raises:
        BadInput: for every ImportError inside, with what to install.
    """
    try:
        yield
    except ImportError as error:
        raise BadInput(f"{needs} ({error}); install probqual[{extra}]") from error


def exit_status(call: Callable[[], int | None], debug: Callable[[], bool]) -> int:
    """The exit status of a command, once it is run; the one place where errors become a line.

    Args:
        call: runs it, and returns its exit status or None for 0.
        debug: whether a traceback is wanted; asked after the call. A fault of ours is then not caught at all.
    """
    try:
        status = call() or 0
    except BadInput as error:
        if debug():
            traceback.print_exception(error.__cause__ or error)
        return _said(f"probqual: {error}", BAD_INPUT)
    except _WRONG_CALL as error:
        what = " ".join(error.format_message().split()).rstrip(".")
        return _said(f"probqual: {what}; probqual --help shows what can be called", BAD_INPUT)
    except Stopped as stop:
        return _said(str(stop), INTERRUPTED)
    except Exception as error:
        if debug():
            raise
        reason = " ".join(str(error).split())[:300]
        return _said(f"probqual: unexpected {type(error).__name__}: {reason}; --debug shows where", OWN_FAULT)
    if status == INTERRUPTED:
        typer.echo("stopped; nothing half-written is left, the same command starts again", err=True)
    return status


def _said(line: str, status: int) -> int:
    typer.echo(one_line(line), err=True)
    return status


def one_line(text: str) -> str:
    r"""The text in one line that a terminal shows as it is: the middle of a long one is left out.

    >>> one_line("a\nb \x1b[1m")
    'a b \\x1b[1m'
    """
    line = " ".join(text.split())
    if len(line) > _LONGEST:
        line = f"{line[: _LONGEST - _LAST]} ... {line[-_LAST:]}"
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in line)
