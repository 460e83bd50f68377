"""The numbers committed beside a figure, compared with those computed now."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path
from typing import Any

from figures.gallery import as_csv, digits

FOLDER = Path(__file__).resolve().parents[2] / "figures"


def table(text: str) -> tuple[list[str], list[list[str]]]:
    """The columns of a CSV, and its rows."""
    columns, *rows = csv.reader(io.StringIO(text))
    return columns, rows


def assert_committed(name: str, record: Any) -> None:
    """NAME.csv is what the record writes, byte for byte."""
    text = as_csv(record.rows(), digits(name))
    kept = (FOLDER / f"{name}.csv").read_text(encoding="utf-8")
    assert text == kept, f"{name}.csv is not what the code writes; run probqual figures {name}"


def assert_close(text: str, kept: str, tolerance: float) -> None:
    """Two CSVs with the same columns and words, and numbers that differ by at most the tolerance."""
    (columns, rows), (old_columns, old_rows) = table(text), table(kept)
    assert columns == old_columns
    assert len(rows) == len(old_rows)
    for number, (row, old) in enumerate(zip(rows, old_rows, strict=True), start=2):
        for cell, old_cell in zip(row, old, strict=True):
            assert cell == old_cell or _near(cell, old_cell, tolerance), f"line {number}: {row} against {old}"


def _near(one: str, two: str, tolerance: float) -> bool:
    try:
        return math.isclose(float(one), float(two), rel_tol=tolerance, abs_tol=tolerance)
    except ValueError:
        return False
