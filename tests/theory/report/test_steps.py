"""Shares by step and number of strings: the table, the sentence that is made of it, and the page that shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from theory.report.records import LabelledShare, Share, SweepRecord, sweep_record, sweep_steps_record
from theory.report.steps import steps_table

ROOT = Path(__file__).resolve().parents[3]

Bounds = tuple[float, float, float]


def labelled(label: str, bounds: Bounds) -> LabelledShare:
    value, low, high = bounds
    return LabelledShare(label=label, count=1, of=2, value=value, low=low, high=high)


def record(cells: Mapping[tuple[str, str], Bounds]) -> SweepRecord:
    """A sweep with these shares by (step, strings), in the order that they are given in."""
    steps, sizes = (dict.fromkeys(key[k] for key in cells) for k in (0, 1))
    return replace(
        sweep_steps_record(),
        trades=Share(count=1234, of=2468, value=0.5, low=0.25, high=0.75),
        by_strings=tuple(labelled(size, (0.5, 0.25, 0.75)) for size in sizes),
        by_step=tuple(labelled(step, (0.5, 0.25, 0.75)) for step in steps),
        by_step_and_strings=tuple(labelled(" ".join(key), bounds) for key, bounds in cells.items()),
    )


def sentence(*shares: Bounds) -> str:
    """What is said of two strings with these shares along the steps 1, 2, ..."""
    text = steps_table(record({(str(k), "2"): share for k, share in enumerate(shares, start=1)}))
    return text.splitlines()[-1].partition("With 2 strings: ")[2]


def test_cells() -> None:
    """A row for each step, a column for each number of strings; no model, no number."""
    found = record({("1/4", "2"): (0.0751, 0.059, 0.0934), ("1/4", "8"): (1, 0.9, 1), ("4", "8"): (0, 0, 0.12345)})
    assert steps_table(found).splitlines()[:4] == [
        "| reward step | 2 strings | 8 strings |",
        "| --- | --- | --- |",
        "| 1/4 | 7.5 % [5.9, 9.3] | 100.0 % [90.0, 100.0] |",
        "| 4 |  | 0.0 % [0.0, 12.3] |",
    ]
    assert steps_table(found).splitlines()[4:] == [
        "",
        "Of the 2,468 models of this generator with V > 0, a small cooling at T = 1 trades in 50.0 %. "
        "With 2 strings: 7.5 % at step 1/4. With 8 strings: 100.0 % at step 1/4, falling to 0.0 % at step 4.",
    ]


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        (((0.1, 0.0, 0.2), (0.3, 0.2, 0.4), (0.5, 0.4, 0.6)), "10.0 % at step 1, rising to 50.0 % at step 3."),
        (((0.5, 0.4, 0.6), (0.3, 0.2, 0.4), (0.1, 0.0, 0.2)), "50.0 % at step 1, falling to 10.0 % at step 3."),
        (
            ((0.3, 0.2, 0.4), (0.35, 0.25, 0.45), (0.32, 0.22, 0.42)),
            "30.0 % (step 1) to 35.0 % (step 2), and the intervals of all steps overlap.",
        ),
        (
            ((0.3, 0.2, 0.4), (0.35, 0.25, 0.45), (0.4, 0.3, 0.5)),  # values rise, and chance may be all there is
            "30.0 % (step 1) to 40.0 % (step 3), and the intervals of all steps overlap.",
        ),
        (
            ((0.4, 0.3, 0.5), (0.35, 0.25, 0.45), (0.3, 0.2, 0.4)),
            "30.0 % (step 3) to 40.0 % (step 1), and the intervals of all steps overlap.",
        ),
        (
            ((0.1, 0.05, 0.15), (0.9, 0.85, 0.95), (0.3, 0.25, 0.35)),  # up and down again
            "10.0 % (step 1) to 90.0 % (step 2), and the intervals show no trend.",
        ),
        (
            ((0.3, 0.25, 0.35), (0.9, 0.85, 0.95), (0.1, 0.05, 0.15)),  # the ends alone fall
            "10.0 % (step 3) to 90.0 % (step 2), and the intervals show no trend.",
        ),
    ],
)
def test_what_is_said_along_the_steps(shares: tuple[Bounds, ...], said: str) -> None:
    """A trend is one of every step, and its ends are apart by their intervals."""
    assert sentence(*shares) == said


def test_one_step_has_no_table() -> None:
    with pytest.raises(ValueError, match="a sweep with several steps is needed, got one with step 1/4"):
        steps_table(sweep_record())


def test_the_page_shows_the_record() -> None:
    """docs/sweeps.md has the table of the committed record, word for word."""
    assert f"\n\n{steps_table(sweep_steps_record())}\n\n" in (ROOT / "docs" / "sweeps.md").read_text(encoding="utf-8")


def test_the_record_is_of_tables_that_fill_every_cell() -> None:
    """About a thousand tables in each of the nine, every model counted once, none undecided."""
    found = sweep_steps_record()
    assert (found.sweep.betas, found.sweep.steps, found.undecided) == (("1",), ("1/4", "1", "4"), 0)
    assert found.sweep.families == (("table", ((2,), (8,), (32,)), 12),)
    cells = [row.of for row in found.by_step_and_strings]
    assert len(cells) == 9
    assert min(cells) > 900
    assert sum(cells) == sum(row.of for row in found.by_step) == found.trades.of == found.models - found.still
