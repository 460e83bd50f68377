"""Records: read back as they were written, and refused in one line where they are of another format or damaged."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from theory.files import JsonObject
from theory.report.records import (
    BenchRecord,
    CommandRecord,
    ComparisonRecord,
    CoverageRecord,
    EnginesPair,
    Estimate,
    FalseAlarms,
    FormatError,
    GibbsAnalysis,
    PairAnalysis,
    RecordError,
    Share,
    SweepRecord,
    TrainingRecord,
    as_json,
    bench_record,
    bridge_record,
    command_record,
    coverage_record,
    earlier_bench_record,
    engines_pair_record,
    pair_record,
    read_record,
    record_of,
    sampled_record,
    sweep_record,
    sweep_steps_record,
    training_record,
)
from theory.report.records.format import Recorded

DATA = Path(__file__).resolve().parents[3] / "theory" / "data"

COMMITTED: dict[str, tuple[type[Recorded], Callable[[], Recorded]]] = {
    "compare": (ComparisonRecord, lambda: sampled_record().comparison),
    "false_alarms": (FalseAlarms, lambda: sampled_record().alarms),
    "bridge_default": (PairAnalysis, lambda: bridge_record("default")),
    "bridge_smollm2": (GibbsAnalysis, lambda: bridge_record("smollm2")),
    "bridge_smollm2-vader": (PairAnalysis, lambda: bridge_record("smollm2-vader")),
    "bridge_smollm2-vader-weak": (PairAnalysis, lambda: bridge_record("smollm2-vader-weak")),
    "bridge_smollm2-valence": (PairAnalysis, lambda: bridge_record("smollm2-valence")),
    "training_vader": (TrainingRecord, lambda: training_record("vader")),
    "training_valence": (TrainingRecord, lambda: training_record("valence")),
    "engines_pair": (EnginesPair, engines_pair_record),
    "sweep": (SweepRecord, sweep_record),
    "sweep_steps": (SweepRecord, sweep_steps_record),
    "bench": (BenchRecord, bench_record),
    "bench_earlier": (BenchRecord, earlier_bench_record),
    "bench_commands": (CommandRecord, command_record),
    "coverage": (CoverageRecord, coverage_record),
}


def text_of(name: str) -> str:
    return (DATA / f"{name}.json").read_text(encoding="utf-8")


def test_every_committed_record_is_known() -> None:
    assert {path.stem for path in DATA.glob("*.json")} == set(COMMITTED)


@pytest.mark.parametrize("name", COMMITTED)
def test_committed_records_are_read_and_written_alike(name: str) -> None:
    """Every key and every number, the format in front."""
    found = as_json(COMMITTED[name][1]())
    assert found == json.loads(text_of(name))
    assert next(iter(found)) == "format"


@pytest.mark.parametrize("name", COMMITTED)
def test_another_format_is_refused(name: str) -> None:
    """One line: the file, both numbers, and what to run."""
    kind, _ = COMMITTED[name]
    other = re.sub(r'"format": \d+', '"format": 7', text_of(name), count=1)
    line = rf"^a\.json: has format 7, this version reads {kind.FORMAT}: run {kind.MADE_BY} again$"
    with pytest.raises(FormatError, match=line):
        read_record(kind, other, "a.json")


@pytest.mark.parametrize("given", [None, "1", 1.5, True, [1]])
def test_a_format_that_is_no_number_is_refused(given: object) -> None:
    """A record of before there were formats has none."""
    found: JsonObject = json.loads(text_of("bench"))
    found = {key: value for key, value in found.items() if key != "format"}
    with pytest.raises(FormatError, match="has no format number, this version reads 2: run probqual bench again"):
        record_of(BenchRecord, found, "bench.json")
    with pytest.raises(FormatError, match=r"bench\.json: has format "):
        read_record(BenchRecord, json.dumps(found | {"format": given}), "bench.json")


CHANGES: dict[str, tuple[Callable[[JsonObject], object], str]] = {
    "a field is missing": (lambda found: found.pop("models"), "models"),
    "a field is unknown": (lambda found: found.update(colour="red"), "colour"),
    "a text for a number": (lambda found: found.update(models="100000"), "models"),
    "a fraction for a count": (lambda found: found.update(models=0.5), "models"),
    "null for a number": (lambda found: found.update(level=None), "level"),
    "a number for a list": (lambda found: found.update(by_beta=3), "by_beta"),
    "deep inside": (lambda found: found["turns"][1]["turns"].update(count="many"), "turns.1.turns.count"),  # type: ignore[call-overload,index,union-attr]
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_field_of_another_type_is_refused(change: str) -> None:
    """One line that names the field."""
    alter, field = CHANGES[change]
    found: JsonObject = json.loads(text_of("sweep"))
    alter(found)
    with pytest.raises(RecordError) as caught:
        record_of(SweepRecord, found, "sweep.json")
    message = str(caught.value)
    assert message.startswith(f"sweep.json: {field}: ")
    assert message.endswith(": run probqual sweep --record again")
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize("change", [{"step": None}, {"steps": ["1", "2"]}, {"step": None, "steps": ["1"]}])
def test_a_sweep_has_a_step_or_several(change: JsonObject) -> None:
    """Neither, both, or a list of one: one line that names the element; a list of two in place of the step is read."""
    found: JsonObject = json.loads(text_of("sweep"))
    file = found["sweep"]
    assert isinstance(file, dict)
    with pytest.raises(RecordError, match=r"^sweep\.json: sweep: .*either a step or several steps: run probqual sweep"):
        record_of(SweepRecord, found | {"sweep": file | change}, "sweep.json")
    several: JsonObject = {"step": None, "steps": ["1", "2"]}
    assert record_of(SweepRecord, found | {"sweep": file | several}, "").sweep.steps == ("1", "2")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "3"])
def test_what_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(RecordError, match=r"^a\.json: is no JSON object: run probqual sweep --record again$"):
        read_record(SweepRecord, text, "a.json")


def test_what_holds_its_default_is_not_written() -> None:
    """A record of some rows has no growth and no projection; one without an external reward no mean of it."""
    partial = as_json(replace(bench_record(), growth=(), projection=None))
    assert set(as_json(bench_record())) - set(partial) == {"growth", "projection"}
    assert read_record(BenchRecord, json.dumps(partial), "") == replace(bench_record(), growth=(), projection=None)
    found = pair_record("default")
    secret = replace(found, settings=tuple(replace(own, mean_external_reward=None) for own in found.settings))
    settings = as_json(secret)["settings"]
    assert isinstance(settings, list)
    assert all(isinstance(own, dict) and "mean_external_reward" not in own for own in settings)
    assert record_of(PairAnalysis, as_json(secret), "") == secret


def test_a_wrong_value_is_refused_when_a_record_is_made() -> None:
    with pytest.raises(ValueError, match="low"):
        Estimate(value=0.5, low="0.25", high=0.75)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="count"):
        Share(count=0.5, of=2, value=None, low=None, high=None)  # type: ignore[arg-type]


def test_a_prior_and_a_reward_are_no_pair() -> None:
    assert isinstance(bridge_record("smollm2"), GibbsAnalysis)
    with pytest.raises(RecordError, match="not of two models"):
        pair_record("smollm2")


def test_bounds_want_an_interval() -> None:
    assert Estimate(0.5, 0.25, 0.75).bounds == (0.5, 0.25, 0.75)
    for one in (Estimate(0.5, None, None), Estimate(None, None, None)):
        with pytest.raises(ValueError, match="with an interval"):
            _ = one.bounds
    with pytest.raises(ValueError, match="share of something"):
        _ = Share(count=0, of=0, value=None, low=None, high=None).bounds
