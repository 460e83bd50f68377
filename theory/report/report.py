"""What the generated pages are written from, and the JSON of a claim."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from theory.claims.claim import Claim
from theory.claims.running import ClauseResult, Result
from theory.files import JsonObject
from theory.report.engines import EngineRow
from theory.report.ngrams import NGramStudy
from theory.report.records import (
    CoverageRecord,
    GibbsAnalysis,
    PairAnalysis,
    SampledRecord,
    SweepRecord,
    TrainingRecord,
)
from theory.report.studies import AuditRow, ToyStudy, TrigramStudy, WordsStudy


@dataclass(frozen=True, slots=True)
class Report:
    """The claims with their results, the studies, and the committed records."""

    claims: Sequence[Claim]
    results: Sequence[Result]
    toy: ToyStudy
    words: Sequence[WordsStudy]
    trigrams: Sequence[TrigramStudy]
    audit: Sequence[AuditRow]
    sampled: SampledRecord
    runs: Mapping[str, PairAnalysis | GibbsAnalysis]
    sweep: SweepRecord
    steps: SweepRecord
    coverage: CoverageRecord
    speeches: NGramStudy
    engines: Sequence[EngineRow] = ()
    trainings: Mapping[str, TrainingRecord] = field(default_factory=dict)

    def claim(self, claim_id: str) -> Claim:
        """The claim of an id."""
        return next(claim for claim in self.claims if claim.id == claim_id)

    def result(self, claim_id: str) -> Result:
        """The result of one claim."""
        return next(result for result in self.results if result.id == claim_id)

    def clauses(self, reference: str) -> tuple[ClauseResult, ...]:
        """The graded clauses that a reference names: "claim#clause", or "claim" for all of its clauses.

        Raises:
            KeyError: the claim has no such clause.
        """
        claim_id, _, name = reference.partition("#")
        found = tuple(c for c in self.result(claim_id).clauses if not name or c.name == name)
        if not found:
            raise KeyError(f"{claim_id} has no clause {name!r}")
        return found


def as_json(claim: Claim, result: Result, sampled: SampledRecord | None) -> JsonObject:
    """One entry of ``probqual check --json``; ``sampled`` is what the recorded run of all comparisons says of it.

    Args:
        claim: the statement.
        result: what was found.
        sampled: None where a sample of the recorded models says nothing, on a model of the user's.
    """
    rows = () if sampled is None else sampled.of(claim.id)
    return {
        "id": result.id,
        "verdict": str(result.verdict),
        "evidence": result.evidence,
        "clauses": [
            {"name": found.name, "text": found.text, "grade": found.shown, "evidence": found.evidence}
            for found in result.clauses
        ],
        "instances": list(result.instances),
        "residual": result.residual if result.residual is not None and math.isfinite(result.residual) else None,
        "seconds": round(result.seconds, 3),
        "controls": [
            {
                "name": control.name,
                "breaks": control.breaks,
                "verdict": str(control.verdict),
                "witness": None if control.witness is None else asdict(control.witness),
            }
            for control in result.controls
        ],
        "figure": claim.figure,
        "sampled": {
            "verdict": sampled.verdict(claim.id),
            "alpha": math.fsum(row.alpha for row in rows),
            "comparisons": [asdict(row) for row in rows],
        }
        if sampled is not None and rows
        else None,
    }
