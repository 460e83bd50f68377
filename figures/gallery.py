"""All figures by name, and how their files are written: NAME.png, NAME.svg and NAME.csv, the numbers drawn.

A figure is a module: the claims it shows (CLAIMS), a CAPTION that a reader can check, its PARAMETERS by name, the SEED
of what is drawn at random (None where nothing is), ``compute`` for the numbers and ``draw``. Files are written whole or
not at all, and are the same bytes when written twice.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Protocol

import matplotlib
from matplotlib.figure import Figure

from figures import (
    adapters,
    automata,
    engines,
    exchange,
    line,
    metropolis,
    pair,
    pair_corpora,
    plane,
    prompts,
    scaling,
    simpson,
    speeches,
    strength,
    style,
    sweep,
    toy,
    training,
    typical,
)
from theory.arithmetic.exact import precision
from theory.files import write_whole

GALLERY: dict[str, ModuleType] = {
    "toy": toy,
    "line": line,
    "typical": typical,
    "plane": plane,
    "exchange": exchange,
    "simpson": simpson,
    "metropolis": metropolis,
    "prompts": prompts,
    "automata": automata,
    "speeches": speeches,
    "strength": strength,
    "engines": engines,
    "sweep": sweep,
    "pair": pair,
    "pair_corpora": pair_corpora,
    "adapters": adapters,
    "training": training,
    "scaling": scaling,
}
"""Every figure, in the order in which a reader of the paper would ask."""

ARGUMENT: dict[str, tuple[str, ...]] = {"A": ("toy",), "B": ("line",), "C": ("exchange", "plane")}
"""The figures of the paper's argument, by its sentences: examples/notebooks/three_sentences.py draws them as well."""

CsvRow = Mapping[str, str | float]


class Drawn(Protocol):
    """The numbers of a figure, as its module's ``compute`` gives them."""

    def rows(self) -> Iterable[CsvRow]:
        """Long format."""


_DIGITS = 12

_BELOW = 2
"""Decimal places beyond the certain digits, where these are fewer than twelve."""


def regenerate(names: Sequence[str], folder: Path) -> list[Path]:
    """Compute and draw these figures (all of them for no names); the paths of the files written, three for each.

    Raises:
        ValueError: a name that no figure has.
    """
    for name in names:
        if name not in GALLERY:
            raise ValueError(f"no figure {name!r}; known: {', '.join(GALLERY)}")
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name in names or list(GALLERY):
        for suffix, content in files(name).items():
            path = folder / f"{name}{suffix}"
            write_whole(path, content)
            written.append(path)
    return written


def files(name: str) -> dict[str, bytes]:
    """The contents of a figure's files by suffix: ".png", ".svg", ".csv"."""
    module = GALLERY[name]
    with precision():
        record = module.compute()
    figure = drawn(name, record)
    with matplotlib.rc_context(style.paper()):
        contents = {
            ".png": _saved(figure, "png", _png_metadata(name)),
            ".svg": _saved(figure, "svg", _svg_metadata(name)),
        }
    return contents | {".csv": numbers(name, record).encode("utf-8")}


def drawn(name: str, record: Drawn) -> Figure:
    """A figure of these numbers, which its module has computed."""
    with matplotlib.rc_context(style.paper()):
        figure = Figure()
        GALLERY[name].draw(record, figure)
        return figure


def numbers(name: str, record: Drawn) -> str:
    """What NAME.csv says of these numbers."""
    return as_csv(record.rows(), digits(name))


def digits(name: str) -> int:
    """How many digits of a figure's numbers are certain on every processor: its module's DIGITS, else twelve.

    Sums that float64 takes in an order of the processor's choice differ in their last digits, and after them so do
    fits; a figure of such numbers prints fewer.
    """
    found: int = getattr(GALLERY[name], "DIGITS", _DIGITS)
    return found


def as_csv(rows: Iterable[CsvRow], digits: int = _DIGITS) -> str:
    """The rows as CSV: a column for each key, in the order of its first use; floats with so many digits.

    With fewer than twelve, numbers also end two places after the last digit of 1, so that what is left of sums that
    cancel is not printed.

    >>> as_csv([{"series": "exact", "x": 1.0}, {"series": "limit", "x": 2 / 3, "y": -0.0}])
    'series,x,y\\nexact,1,\\nlimit,0.666666666667,0\\n'
    """
    listed = list(rows)
    columns = list(dict.fromkeys(key for row in listed for key in row))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row.get(column, ""), digits) for column in columns] for row in listed)
    return text.getvalue()


def _cell(value: str | float, digits: int) -> str:
    """So many digits of a number; 0 without a sign."""
    if isinstance(value, str):
        return value
    number = float(value) if digits == _DIGITS else round(float(value), digits + _BELOW)
    return f"{number + 0.0:.{digits}g}"


def description(name: str) -> str:
    """What a file's metadata say: caption, claims, parameters, seed."""
    module = GALLERY[name]
    parameters = "; ".join(f"{key} = {value}" for key, value in module.PARAMETERS.items())
    seed = "none" if module.SEED is None else module.SEED
    return f"{module.CAPTION} Claims: {', '.join(module.CLAIMS)}. Parameters: {parameters}. Seed: {seed}."


def _png_metadata(name: str) -> dict[str, str | None]:
    return {"Title": name, "Description": description(name), "Software": None}


def _svg_metadata(name: str) -> dict[str, str | None]:
    return {"Title": name, "Description": description(name), "Date": None, "Creator": None}


def _saved(figure: Figure, kind: str, metadata: dict[str, str | None]) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, metadata=metadata)
    return buffer.getvalue()
