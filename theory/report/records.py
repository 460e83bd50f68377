"""What was sampled, as it was recorded: the report shows these files and never runs what made them.

``probqual compare --record`` writes theory/data/compare.json, ``make false-alarms`` theory/data/false_alarms.json,
``probqual sweep --record`` theory/data/sweep.json, and ``probqual bench`` theory/data/bench.json.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from typing import Any


@dataclass(frozen=True, slots=True)
class SampledRow:
    """One comparison of an exact value with draws; the fields are those of ``probqual compare --json``."""

    claim: str
    what: str
    exact: float
    estimate: float | None
    low: float | None
    high: float | None
    alpha: float
    draws: int
    verdict: str


@dataclass(frozen=True, slots=True)
class SampledRecord:
    """A recorded run of all comparisons, with all planted faults, and a recorded count of false alarms.

    Args:
        run: settings and totals of the run: seed, draws, corpora, budget, spent, differing.
        rows: in the order of the claims.
        faults: each planted fault: name, what is wrong, how many rows differ, and of which claims.
        training: of the tiny policy: target and checkpoints; None where the run had no torch.
        alarms: runs with fresh seeds: date, runs, comparisons, alarms, power.
    """

    run: dict[str, Any]
    rows: tuple[SampledRow, ...]
    faults: tuple[dict[str, Any], ...]
    training: dict[str, Any] | None
    alarms: dict[str, Any]

    def of(self, claim_id: str) -> tuple[SampledRow, ...]:
        """The comparisons of one claim."""
        return tuple(row for row in self.rows if row.claim == claim_id)

    def verdict(self, claim_id: str) -> str | None:
        """SAMPLED where all of a claim's comparisons agree, else DIFFERS; None where there are none."""
        rows = self.of(claim_id)
        if not rows:
            return None
        return "SAMPLED" if all(row.verdict == "SAMPLED" for row in rows) else "DIFFERS"


def sampled_record() -> SampledRecord:
    """The committed record."""
    run = _read("compare.json")
    rows = tuple(SampledRow(**row) for row in run.pop("rows"))
    faults, training = tuple(run.pop("faults")), run.pop("dpo")
    return SampledRecord(run, rows, faults, training, _read("false_alarms.json"))


RUNS = ("default", "smollm2")
"""The runs on real models that the report shows."""


def bridge_record(name: str) -> dict[str, Any]:
    """The committed analysis of a run on real models, as ``probqual analyse --record`` wrote it: "default", say."""
    return _read(f"bridge_{name}.json")


def sweep_record() -> dict[str, Any]:
    """The committed summary of the sweep over random models, as ``probqual sweep --record`` wrote it."""
    return _read("sweep.json")


def bench_record() -> dict[str, Any]:
    """The committed measurements of ``probqual bench``."""
    return _read("bench.json")


def _read(name: str) -> dict[str, Any]:
    text = resources.files("theory").joinpath(f"data/{name}").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


__all__ = ["RUNS", "SampledRecord", "SampledRow", "bench_record", "bridge_record", "sampled_record", "sweep_record"]
