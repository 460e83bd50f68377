"""Every row of docs/tried.md, run again."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("pyarrow")

from tests.simulations.bridge.tried import PAGE, TABLES

CASES = [(title, name) for title, (cases, _) in TABLES.items() for name in cases]
SHOWN = PAGE.read_text(encoding="utf-8").splitlines()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("title", "name"), CASES, ids=[f"{title}: {name}" for title, name in CASES])
def test_row(title: str, name: str, tmp_path: Path) -> None:
    """It comes out as the page says, and what runs has the numbers of float64."""
    assert str(TABLES[title][1](name, tmp_path)) in SHOWN


def test_the_page_has_these_rows_alone() -> None:
    """In their order; each table has its heading and its line of dashes besides."""
    table = [line for line in SHOWN if line.startswith("| ")]
    assert [line.split(" | ")[0].removeprefix("| ") for line in table if line not in HEADS] == [n for _, n in CASES]


HEADS = {"| tried | came out |", "| --- | --- |"}
