"""The figure of engines: what it draws is what the report says, and what the caption says."""

from __future__ import annotations

import pytest

from figures import engines
from figures.gallery import as_csv
from tests.figures.committed import assert_committed
from theory.adaptors.engines import ENGINES
from theory.arithmetic.exact import precision


@pytest.fixture(scope="module")
def record() -> engines.Record:
    """The numbers drawn, computed once."""
    with precision():
        return engines.compute()


def test_committed(record: engines.Record) -> None:
    """engines.csv, digit by digit: everything is a ball."""
    assert_committed("engines", record)


def test_computed_twice(record: engines.Record) -> None:
    """Nothing is drawn at random."""
    assert as_csv(engines.compute().rows()) == as_csv(record.rows())


def test_the_caption(record: engines.Record) -> None:
    """Which engines trade which way."""
    own = {(row.model, row.engine): row.verdict for row in record.engines if row.setting == "defaults"}
    by_model = {
        model: {engine: v for (m, engine), v in own.items() if m == model and v != "as p+"}
        for model in ("C2", "C3", "C4", "C5")
    }
    assert {e for e, v in by_model["C4"].items() if v == "trades L for R"} == {"llama.cpp", "ctransformers"}
    greedy = {"node-llama-cpp", "gpt4all", "ctranslate2", "mlx-lm"}
    assert {e for e, v in by_model["C4"].items() if v == "trades R for L"} == greedy
    assert set(by_model["C5"].values()) == {"trades R for L"}
    assert set(by_model["C2"].values()) == {"lowers both"}
    assert set(by_model["C3"].values()) == {"raises both"}
    assert {(r.model, r.engine) for r in record.engines if r.setting == "defaults" and r.model == "trigrams"} == {
        ("trigrams", one.name) for one in ENGINES if one.name not in {*greedy, "ctransformers"}
    }
    ends = [r.estimates.moved_reward.bounds[2] for r in record.engines if r.engine == "mlx-lm" and r.estimates]
    assert round(ends[0] + record.aligned["pair"][1]) == 30
