"""docs/benchmarks.md and docs/scaling.md are what the committed record says, and say what is not met."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from simulations.bench.pages import benchmarks_page, quantity, ratio_text, scaling_page
from theory.report.records import MedianRange, Projection, TimeSpent, bench_record, command_record, earlier_bench_record

DOCS = Path(__file__).resolve().parents[3] / "docs"

AIMS = {
    "moments-fast": 1.3,
    "moments": 0.8,
    "enumeration-fast": 100,
    "enumeration": 40,
    "typicality": 1000,
    "automaton": 20,
    "expected-reward": 3,
    "rational": 100,
    "corpora": 400,
    "chain-python": 1000,
    "chain-fast": 20_000,
    "spectrum": 5000,
    "adaptors": 100,
    "generation": 1.8,
    "arpa": 1 / 3,
    "failure-arcs": 20,
    "exact-corpus": 1 / 1.3,
    "scoring": 1.0,
    "scoring-openvino": 1.0,
    "scoring-llama": 1.0,
    "prefix": 3.5,
    "sample-openvino-32": 0.9,
    "sample-openvino-1": 0.8,
    "sample-torch-32": 0.9,
    "reading": 0.5,
}


def test_committed_pages() -> None:
    found = {
        "benchmarks": benchmarks_page(bench_record(), earlier_bench_record(), command_record()),
        "scaling": scaling_page(bench_record()),
    }
    for name, page in found.items():
        assert (DOCS / f"{name}.md").read_text(encoding="utf-8") == page


def test_what_the_record_before_predicts() -> None:
    """Twice the rate of what the peer leans on halves the ratio that is predicted."""
    record = bench_record()
    (row,) = [one for one in record.rows if one.name == "rational"]
    assert row.leans == ("word_products_per_second", "python_steps_per_second")
    row = replace(row, ratio=MedianRange(3.0, 3.0, 3.0))
    then = replace(record, rows=(replace(row, ratio=MedianRange(4.0, 4.0, 4.0)),), measured="2001-02-03")
    twice = replace(record.rates, python_steps_per_second=2 * record.rates.python_steps_per_second)
    text = benchmarks_page(
        replace(record, rows=(row, *record.rows[:1]), rates=twice, measured="2001-02-04"), then, command_record()
    )
    assert "Measured on 2001-02-03 on" in text
    assert "the tables above on 2001-02-04." in text
    (line,) = [one for one in text.partition("## The run before")[2].splitlines() if one.startswith("| rational")]
    assert line == "| rational | 4.00 | 2.00 | 3.00 | 1.50 |"


def test_every_row_is_recorded() -> None:
    """All rows, with their aims, in one run; a shortfall has its profile."""
    rows = {row.name: row for row in bench_record().rows}
    assert {name: row.aim for name, row in rows.items()} == AIMS
    for row in rows.values():
        assert row.ratio.low <= row.ratio.median <= row.ratio.high
        assert row.met == (row.ratio.median >= row.aim)
        assert row.met or row.profile


def test_a_shortfall_is_said() -> None:
    record = bench_record()
    short = replace(record.rows[0], met=False, profile=(TimeSpent("slow_part", 0.75, 12),))
    text = benchmarks_page(replace(record, rows=(short, *record.rows[1:])), record, command_record())
    assert "**not met**" in text
    assert "75 % slow_part (12 calls)" in text


def test_without_the_optional_rates() -> None:
    record = replace(bench_record(), projection=Projection(sweep=None, adaptors=None))
    assert "## " not in scaling_page(record)


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0 s"), (999.6e-6, "1.00 ms"), (0.05, "50.0 ms"), (123.4, "123 s"), (2.5e-9, "2.50 ns")]
)
def test_quantities(value: float, text: str) -> None:
    assert quantity(value, "s") == text


def test_ratios() -> None:
    assert [ratio_text(v) for v in (0.84, 9.99, 12.34, 999.6, 3994.2)] == ["0.84", "9.99", "12.3", "1000", "3,990"]
