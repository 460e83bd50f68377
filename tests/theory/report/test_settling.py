"""What would settle an open question: the number of prompts, by two ways, and the words where there is none."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from theory.report.records import Estimate, bridge_record, pair_record
from theory.report.settling import EXCHANGE, prompts_of, settled_by, times_as_many


@pytest.mark.parametrize(
    ("estimate", "expected"),
    [
        (Estimate(1.0, 0.0, 2.0), 4.0),
        (Estimate(1.0, 0.6, 1.4), None),
        (Estimate(0.5, 0.0, 1.0), math.inf),
        (Estimate(1.0, None, None), None),
        (Estimate(None, None, None), None),
    ],
)
def test_prompts_that_would_settle_a_question(estimate: Estimate, expected: float | None) -> None:
    """(half width / distance to the border)^2, and nothing where the border lies outside."""
    assert times_as_many(estimate, (0.5,)) == expected


def test_an_interval_of_that_many_prompts_ends_at_the_border() -> None:
    """By the other way: the width falls like one over the square root, so it then reaches the border exactly."""
    estimate = Estimate(-0.9, -1.3, -0.5)
    factor = times_as_many(estimate, (-1.0, 0.0))
    assert factor is not None
    half = 0.4 / math.sqrt(factor)
    assert -0.9 - half == pytest.approx(-1.0)


def test_prompts_and_strings_that_would_settle_a_verdict() -> None:
    """The committed run: 190 prompts are the first ten at which the interval of b ends before -1, and 180 are not."""
    found = pair_record("smollm2-vader")
    b = found.settings[found.run.chains.index(())].exchange_coefficient
    assert b.low is not None
    assert b.high is not None
    assert b.value is not None
    half = {n: (b.high - b.low) / 2 * math.sqrt(len(found.run.prompts) / n) for n in (180, 190)}
    assert b.value - half[180] <= -1 < b.value - half[190]
    assert settled_by(found, b, borders=EXCHANGE).startswith("about 190 prompts, 1,520 strings of a setting,")


def test_every_estimate_of_a_question_counts() -> None:
    """The one that needs most decides; one that is clear needs nothing; one without an interval says why."""
    found = pair_record("default")
    clear, open_, wide = Estimate(1.0, 0.5, 1.5), Estimate(1.0, -0.5, 2.5), Estimate(1.0, -2.0, 4.0)
    assert settled_by(found, clear) == ""
    assert settled_by(found, clear, open_, wide) == settled_by(found, wide) != settled_by(found, open_)
    assert settled_by(found, clear, Estimate(0.1, None, None, "too few prompts: 8 needed")) == (
        "too few prompts: 8 needed"
    )
    assert settled_by(found, Estimate(0.0, -1.0, 1.0)).startswith("more than 16,000 prompts")


def test_prompts_of_a_run_that_was_stopped() -> None:
    """Those that have all their strings, not those of the run file."""
    found = pair_record("smollm2-vader")
    assert prompts_of(found) == 32
    some = replace(found, strings=8 * 8 * 14, notes=("unfinished: 32 of 56 shards are missing; ...",))
    assert prompts_of(some) == 14
    one = Estimate(1.0, -1.0, 3.0)
    assert settled_by(some, one).startswith("about 60 prompts, 480 strings of a setting")
    assert prompts_of(bridge_record("smollm2")) == 8
