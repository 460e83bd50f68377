"""The real models side by side: every cell is a number of a record, and the sentences turn with them."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from figures import training as training_figure
from theory.report.real_models import (
    base_of,
    locally,
    real_models_page,
    real_models_section,
    real_models_table,
    signed,
    slope_bound,
)
from theory.report.records import (
    RUNS,
    TRAININGS,
    Estimate,
    PairAnalysis,
    bridge_record,
    pair_record,
    training_record,
)
from theory.report.samples import interval
from theory.report.settling import apart


def runs() -> dict[str, object]:
    """The committed runs."""
    return {name: bridge_record(name) for name in RUNS}


def trainings() -> dict[str, object]:
    """The committed trainings."""
    return {name: training_record(name) for name in TRAININGS}


def test_the_most_that_a_nat_costs() -> None:
    """|(1 + b)/b| is largest at an end of the interval; an interval that holds 0 has no bound."""
    for low, high in ((-1.3, -0.7), (-5.0, -0.2), (0.5, 4.0)):
        grid = [low + (high - low) * k / 1000 for k in range(1001)]
        most = slope_bound(Estimate(grid[500], low, high))
        assert most == pytest.approx(max(abs((1 + b) / b) for b in grid))
    assert slope_bound(Estimate(-0.1, -0.3, 0.1)) is None
    assert slope_bound(Estimate(-0.1, None, None)) is None


def test_a_no_says_that_both_rise() -> None:
    """Only where both changes are above 0 with their intervals."""
    found = pair_record("smollm2-valence")
    assert locally(found) == "no, both rise"
    steps = tuple(replace(step, mean_reward=Estimate(0.0, -1.0, 1.0)) for step in found.cooling)
    assert locally(replace(found, cooling=steps)) == "no"
    assert locally(replace(found, trades_locally="undecided")) == "undecided"


def test_signs() -> None:
    """Of an interval on one side of 0, and of others."""
    assert signed(Estimate(1.0, 0.1, 2.0)) == "positive"
    assert signed(Estimate(-1.0, -2.0, -0.1)) == "negative"
    assert signed(Estimate(1.0, -0.1, 2.0)) == "not settled"
    assert signed(Estimate(1.0, None, None)) == "not settled"


def test_every_run_has_its_column() -> None:
    """b, E L and the verdict of each run stand in its column."""
    lines = real_models_table(runs(), trainings()).splitlines()  # type: ignore[arg-type]
    cells = {row.split(" | ")[0].removeprefix("| "): row.removesuffix(" |").split(" | ")[1:] for row in lines[2:]}
    for place, name in enumerate(RUNS):
        found = bridge_record(name)
        b = base_of(found).exchange_coefficient if isinstance(found, PairAnalysis) else found.gibbs.exchange_coefficient
        answer = found.trades if isinstance(found, PairAnalysis) else found.gibbs.trades
        assert cells["b"][place] == interval(b, 3)
        assert cells["does a small global cooling trade?"][place].startswith(str(answer))
    assert len({len(row) for row in cells.values()}) == 1


def test_the_sentences_turn_with_the_numbers() -> None:
    """Another sign of a correlation, or another verdict, is another sentence."""
    name, found = "smollm2-vader", pair_record("smollm2-vader")
    place = found.run.chains.index(())

    def said(correlation: Estimate, locally: str) -> str:
        base = replace(found.settings[place], within_correlation=correlation)
        settings = (*found.settings[:place], base, *found.settings[place + 1 :])
        changed = replace(found, settings=settings, trades_locally=locally)
        return real_models_section({name: changed}, "docs/results")

    falling, rising = said(Estimate(-0.5, -0.6, -0.4), "yes"), said(Estimate(0.5, 0.4, 0.6), "no")
    assert "It is negative on smollm2-vader. Where" in falling
    assert "that was sampled? Yes on smollm2-vader. So an exchange is shown on smollm2-vader by" in falling
    assert "It is positive on smollm2-vader. Where" in rising
    assert "that was sampled? No on smollm2-vader. So no exchange is shown by" in rising


def test_strength_says_what_is_told_apart() -> None:
    """The two adapters towards VADER: numbers whose intervals meet are not told apart, others are said to differ."""
    pairs = {name: pair_record(name) for name in ("smollm2-vader-weak", "smollm2-vader")}
    (line,) = [one for one in real_models_page(pairs, {}).splitlines() if "Strength" in one]
    weak, strong = (interval(base_of(found).mean_log_prior) for found in pairs.values())
    assert f"E L is {weak} and {strong}, not told apart" in line
    assert line.count("not told apart") == 3
    assert ", which differ." in line
    assert not apart(Estimate(0.0, -1.0, 1.0), Estimate(2.0, 1.0, 3.0))
    assert apart(Estimate(0.0, -1.0, 1.0), Estimate(2.0, 1.5, 2.5))
    assert apart(Estimate(2.0, 1.5, 2.5), Estimate(0.0, -1.0, 1.0))
    assert not apart(Estimate(2.0, 1.5, 2.5), Estimate(0.0, None, None))
    assert "Strength" not in real_models_page({"smollm2-vader": pairs["smollm2-vader"]}, {})


def test_no_cell_is_empty() -> None:
    """What is not known is said so: "not sampled", "not measured"."""
    lines = real_models_table(runs(), trainings()).splitlines()  # type: ignore[arg-type]
    for line in lines[2:]:
        assert all(cell.strip() for cell in line.removeprefix("|").removesuffix("|").split(" | ")), line


def test_kl_of_the_tilted_prior() -> None:
    """E R = E r/beta - E log Z, by hand from the page of that run: 0.851 and 0.588."""
    (line,) = [one for one in real_models_table(runs(), {}).splitlines() if one.startswith("| E R under p+")]  # type: ignore[arg-type]
    assert line.endswith("| 0.26 (E r/beta - log Z, no interval) |")


def test_the_page_has_the_training() -> None:
    """Numbers of the held-out prompts, and the losses as means of fifty steps."""
    page = real_models_page(runs(), trainings())  # type: ignore[arg-type]
    for name in TRAININGS:
        record = training_record(name)
        assert interval(record.held_out.correlation_with_reward, 3) in page
        assert f"{math.fsum(step.loss for step in record.history[:50]) / 50:.3f}" in page
        assert f"come a second time after step {record.fresh}" in page
        assert f"step {record.fresh + 1} on strings come a second time" in training_figure.CAPTION.replace("\n", " ")
    assert "The loss is the expectation over the Bradley-Terry law" in page
