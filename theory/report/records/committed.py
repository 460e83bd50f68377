"""The committed records, theory/data/*.json.

``probqual compare --record`` writes compare.json, ``make false-alarms`` false_alarms.json, ``make coverage``
coverage.json, ``make engines-pair`` engines_pair.json, ``probqual analyse --record NAME`` bridge_NAME.json, ``probqual
sweep examples/NAME.toml --record`` the file that ``SWEEPS`` says, ``probqual bench`` bench.json, and ``probqual bench
--against COMMIT`` bench_commands.json.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from typing import Literal

from theory.files import JsonObject
from theory.report.records.bench import BenchRecord, CommandRecord
from theory.report.records.comparison import ComparisonRecord, FalseAlarms, SampledRow
from theory.report.records.coverage import CoverageRecord
from theory.report.records.engines import EnginesPair
from theory.report.records.format import RecordError, read_record, record_of
from theory.report.records.run import GibbsAnalysis, PairAnalysis
from theory.report.records.sweep import SweepRecord
from theory.report.records.training import TrainingRecord


@dataclass(frozen=True, slots=True)
class SampledRecord:
    """A recorded run of all comparisons, with all planted faults, and a recorded count of false alarms."""

    comparison: ComparisonRecord
    alarms: FalseAlarms

    def of(self, claim_id: str) -> tuple[SampledRow, ...]:
        """The comparisons of one claim."""
        return tuple(row for row in self.comparison.rows if row.claim == claim_id)

    def verdict(self, claim_id: str) -> Literal["SAMPLED", "DIFFERS"] | None:
        """SAMPLED where all of a claim's comparisons agree, else DIFFERS; None where there are none."""
        rows = self.of(claim_id)
        if not rows:
            return None
        return "SAMPLED" if all(row.verdict == "SAMPLED" for row in rows) else "DIFFERS"


def sampled_record() -> SampledRecord:
    """The committed record."""
    comparison = read_record(ComparisonRecord, *_committed("compare.json"))
    return SampledRecord(comparison, read_record(FalseAlarms, *_committed("false_alarms.json")))


def coverage_record() -> CoverageRecord:
    """How often the intervals of ``probqual analyse`` hold the truth."""
    return read_record(CoverageRecord, *_committed("coverage.json"))


def engines_pair_record() -> EnginesPair:
    """What engines' chains did to the pair that comes with the package."""
    return read_record(EnginesPair, *_committed("engines_pair.json"))


RUNS = ("default", "smollm2-vader", "smollm2-vader-weak", "smollm2-valence", "smollm2")
"""The runs on real models that the report shows."""


def bridge_record(name: str) -> PairAnalysis | GibbsAnalysis:
    """The committed analysis of a run on real models: "default", say."""
    text, where = _committed(f"bridge_{name}.json")
    found: JsonObject = json.loads(text)
    return record_of(GibbsAnalysis, found, where) if "gibbs" in found else record_of(PairAnalysis, found, where)


TRAININGS = ("vader", "valence")
"""The adapters whose training the report shows, by the reward that was asked for."""


def training_record(name: str) -> TrainingRecord:
    """How the adapter towards a reward was trained, and what it does on held-out prompts: "vader", say."""
    return read_record(TrainingRecord, *_committed(f"training_{name}.json"))


def pair_record(name: str) -> PairAnalysis:
    """The committed analysis of a run on two models.

    Raises:
        RecordError: it is of one model and a reward.
    """
    found = bridge_record(name)
    if isinstance(found, GibbsAnalysis):
        raise RecordError(f"bridge_{name}.json: is of a prior and a reward, not of two models")
    return found


SWEEPS = {"sweep.toml": "sweep", "sweep-steps.toml": "sweep_steps"}
"""The sweep files of examples/ whose summaries are kept, and the names of their records."""


def sweep_record() -> SweepRecord:
    """The committed summary of the sweep over random models, examples/sweep.toml."""
    return read_record(SweepRecord, *_committed("sweep.json"))


def sweep_steps_record() -> SweepRecord:
    """The committed summary of the sweep over tables whose rewards have different steps, examples/sweep-steps.toml."""
    return read_record(SweepRecord, *_committed("sweep_steps.json"))


def bench_record() -> BenchRecord:
    """The committed measurements."""
    return read_record(BenchRecord, *_committed("bench.json"))


def earlier_bench_record() -> BenchRecord:
    """The measurements that were committed before."""
    return read_record(BenchRecord, *_committed("bench_earlier.json"))


def command_record() -> CommandRecord:
    """Whole commands, against the build of an earlier commit."""
    return read_record(CommandRecord, *_committed("bench_commands.json"))


def _committed(name: str) -> tuple[str, str]:
    """(the text of a committed file, its name in errors)."""
    return resources.files("theory").joinpath(f"data/{name}").read_text(encoding="utf-8"), f"theory/data/{name}"


__all__ = [
    "RUNS",
    "SWEEPS",
    "TRAININGS",
    "SampledRecord",
    "bench_record",
    "bridge_record",
    "command_record",
    "earlier_bench_record",
    "engines_pair_record",
    "pair_record",
    "sampled_record",
    "sweep_record",
    "sweep_steps_record",
    "training_record",
]
