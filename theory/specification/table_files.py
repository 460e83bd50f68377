"""Tables in files, CSV or Parquet: one row a string, columns found by their names, numbers in float64.

Whatever is wrong is said with the row, counted from 1 below the names of the columns, and the column.
"""

from __future__ import annotations

import csv
import io
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from theory.specification.tables import SpecificationError

Floats = NDArray[np.float64]

Advance: TypeAlias = Callable[[float, int], None]
"""Called with the share of the file that is read, and the rows read so far."""

STRING = "string"
PRIORS = ("prob", "weight", "log_prob")
VALUES = ("reward", "log_aligned")

MOST_ROWS = 10**7
"""Of a table in a file."""

_BLOCK = 2_000
"""Rows that are converted at a time; the collector of cycles looks at all that are held."""


@dataclass(frozen=True, slots=True, eq=False)
class TableFile:
    """A table as its file holds it.

    Args:
        names: the strings, n of them, all different.
        prior: the column of the prior, shape (n,).
        value: the column of the reward or of log p+, shape (n,).
        prior_name: "prob", "weight" or "log_prob".
        value_name: "reward" or "log_aligned".
        unread: columns that are not looked at.
    """

    names: tuple[str, ...]
    prior: Floats
    value: Floats
    prior_name: str
    value_name: str
    unread: tuple[str, ...]


def read_table(path: Path, advance: Advance | None = None) -> TableFile:
    """The table in a .csv or .parquet file.

    Raises:
        SpecificationError: the file cannot be read, a column is missing, or names the first row and column that is
            refused.
    """
    try:
        if path.suffix.lower() == ".parquet":
            found = _parquet(path)
        elif path.suffix.lower() == ".csv":
            size = path.stat().st_size
            with path.open("rb") as raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as text:
                found = _csv(text, (lambda rows: advance(raw.tell() / size, rows)) if advance else None)
        else:
            raise SpecificationError(f"the name must end in .csv or .parquet, got {path.name!r}")
    except OSError as error:
        raise SpecificationError(f"cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise SpecificationError(f"not UTF-8 text (byte {error.start} of a block)") from None
    _check(found)
    return found


@dataclass(frozen=True, slots=True)
class _Header:
    """The names of the three columns that are read, and of those that are not."""

    prior: str
    value: str
    unread: tuple[str, ...]

    @staticmethod
    def of(names: Sequence[str]) -> _Header:
        for name in names:
            if names.count(name) > 1:
                raise SpecificationError(f"column {name!r} occurs twice")
        listed = ", ".join(map(repr, names[:12])) or "none"
        if STRING not in names:
            hint = "; columns are parted by commas" if len(names) == 1 and {";", "\t"} & set(names[0]) else ""
            raise SpecificationError(f"there is no column 'string' (rename one of them); its columns: {listed}{hint}")
        chosen = []
        for wanted in (PRIORS, VALUES):
            there = [name for name in wanted if name in names]
            if len(there) != 1:
                got = f"got {' and '.join(there)}" if there else f"its columns: {listed}"
                raise SpecificationError(f"needs one column of {', '.join(wanted)}; {got}")
            chosen += there
        return _Header(chosen[0], chosen[1], tuple(name for name in names if name not in {STRING, *chosen}))


# --- CSV ----------------------------------------------------------------------------------------------------------


def _csv(text: io.TextIOWrapper, advance: Callable[[int], None] | None) -> TableFile:
    rows = csv.reader(text, strict=True)
    try:
        names = [name.strip() for name in next(rows, [])]
        header = _Header.of(names)
        places = [names.index(name) for name in (STRING, header.prior, header.value)]
        strings: list[str] = []
        prior, value = [], []
        for block in _blocks(rows, len(names)):
            start = len(strings)
            strings += [row[places[0]] for row in block]
            prior.append(_numbers([row[places[1]] for row in block], header.prior, start))
            value.append(_numbers([row[places[2]] for row in block], header.value, start))
            if advance is not None:
                advance(len(strings))
    except csv.Error as error:
        raise SpecificationError(f"line {rows.line_num}: not CSV: {error}") from None
    empty = np.empty(0)
    found = np.concatenate([empty, *prior]), np.concatenate([empty, *value])
    return TableFile(tuple(strings), *found, header.prior, header.value, header.unread)


def _blocks(rows: Iterator[list[str]], width: int) -> Iterator[list[list[str]]]:
    """The rows, some at a time, each of the right width; empty lines are passed over."""
    before = 0
    while block := list(itertools.islice(rows, _BLOCK)):
        if set(map(len, block)) != {width}:
            block = [row for row in block if row]
            for place, row in enumerate(block, start=before + 1):
                if len(row) != width:
                    raise SpecificationError(f"row {place} has {len(row)} cells, and there are {width} columns")
        before += len(block)
        if before > MOST_ROWS:
            raise SpecificationError(f"more than {MOST_ROWS:,} rows; no more are read")
        yield block


def _numbers(cells: Sequence[str], column: str, before: int) -> Floats:
    """The cells of a column as float64."""
    try:
        found = np.array(list(map(float, cells)))
        if "_" not in "".join(cells):
            return found
    except ValueError:
        pass
    place = next(k for k, cell in enumerate(cells) if not _is_number(cell))
    cell = cells[place]
    hint = "; write a fraction as a decimal" if "/" in cell else "; decimals have a point" if "," in cell else ""
    said = "the cell is empty" if not cell.strip() else f"expected a number, got {cell[:40]!r}{hint}"
    raise SpecificationError(f"row {before + place + 1}, column {column}: {said}")


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


# --- Parquet ------------------------------------------------------------------------------------------------------


def _parquet(path: Path) -> TableFile:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise SpecificationError(
            f"a Parquet file needs pyarrow ({error}); install probqual[bridge], or write a .csv file"
        ) from None
    try:
        with pq.ParquetFile(path) as file:
            if file.metadata.num_rows > MOST_ROWS:
                raise SpecificationError(f"has {file.metadata.num_rows:,} rows; at most {MOST_ROWS:,} are read")
            header = _Header.of(file.schema_arrow.names)
            table = file.read(columns=[STRING, header.prior, header.value])
        for name in (STRING, header.prior, header.value):
            if table[name].null_count:
                row = table[name].is_null().to_numpy().argmax() + 1
                raise SpecificationError(f"row {row}, column {name}: the value is null")
        strings = table[STRING].cast(pa.large_string()).to_pylist()
        numbers = []
        for name in (header.prior, header.value):
            if not (pa.types.is_integer(table[name].type) or pa.types.is_floating(table[name].type)):
                raise SpecificationError(f"row 1, column {name}: expected numbers, the column is of {table[name].type}")
            numbers.append(np.asarray(table[name].cast(pa.float64()).to_numpy()))
    except pa.ArrowException as error:
        raise SpecificationError(
            f"not a Parquet file with such columns: {' '.join(str(error).split())[:160]}"
        ) from None
    return TableFile(tuple(strings), numbers[0], numbers[1], header.prior, header.value, header.unread)


# --- what every table must have -----------------------------------------------------------------------------------


def _check(found: TableFile) -> None:
    """Refuse what no law or reward can be.

    Raises:
        SpecificationError: names the first row and column.
    """
    if not found.names:
        raise SpecificationError("there are no rows; a support needs at least one string")
    if len(set(found.names)) < len(found.names):
        seen: dict[str, int] = {}
        for row, name in enumerate(found.names, start=1):
            if name in seen:
                raise SpecificationError(
                    f"row {row}, column string: {name[:60]!r} stands in row {seen[name]} already; merge the two rows"
                )
            seen[name] = row
    if found.prior_name == "log_prob":
        _refuse(found.prior, found.prior_name, np.isnan(found.prior) | (found.prior == math.inf), "a number or -inf")
        outside = found.prior == -math.inf
    else:
        _refuse(found.prior, found.prior_name, ~((found.prior >= 0) & (found.prior < math.inf)), "a finite number >= 0")
        outside = found.prior == 0
    wrong = np.isnan(found.value) | (found.value == math.inf)
    if found.value_name == "reward":
        _refuse(found.value, "reward", wrong & ~outside, "a number or -inf")
    else:
        _refuse(found.value, "log_aligned", wrong, "a number or -inf")
        off = outside & (found.value > -math.inf)
        _refuse(found.value, "log_aligned", off, "-inf where the prior has no mass: no reward makes p+ of nothing")


def _refuse(values: Floats, column: str, wrong: NDArray[np.bool_], expected: str) -> None:
    if wrong.any():
        row = int(wrong.argmax())
        raise SpecificationError(f"row {row + 1}, column {column}: expected {expected}, got {values[row]}")


__all__ = ["MOST_ROWS", "Advance", "TableFile", "read_table"]
