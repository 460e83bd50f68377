"""How a verdict is earned: a claim's check on its cases, its proofs, and its controls."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from flint import arb, fmpq

from theory.claims.claim import Case, Claim, Clause, Control, Finding, Outcome, Profile, ProofFailed
from theory.claims.formal import STALE, checked
from theory.claims.grades import STANDS, Grade, Verdict, verdict_of


@dataclass(frozen=True, slots=True)
class Witness:
    """What refutes: the case, the finding that fails, and the specification that replays it."""

    case: str
    label: str
    value: str
    spec: str = ""


@dataclass(frozen=True, slots=True)
class ControlResult:
    """A control's verdict, REFUTED as it should be, or what went wrong."""

    name: str
    breaks: str
    verdict: Verdict
    witness: Witness | None
    smallest: bool


@dataclass(frozen=True, slots=True)
class ClauseResult:
    """A clause's grade with its evidence.

    Args:
        covers: for SYMBOLIC, the models that the proof is carried out for.
        evidence: in words: what was proved or cited, and on how many cases how many findings were decided.
        silent: cases on which the check says nothing of this clause.
        proved: the identities that were proved by computer algebra.
    """

    name: str
    text: str
    grade: Grade
    covers: str
    evidence: str
    silent: int
    proved: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """The grade as it is printed: "SYMBOLIC(n <= 4)", "CERTIFIED"."""
        return f"{self.grade}({self.covers})" if self.covers else str(self.grade)


@dataclass(frozen=True, slots=True)
class Result:
    """A claim's verdict with its evidence.

    Args:
        evidence: in words: on how many cases what was decided.
        residual: the largest |residual| of an identity (an upper bound); None without identities.
        failures: findings that fail or are undecided, the first few.
        said: what came out on a model that somebody brought, in a sentence; "" on the claim's own cases.
    """

    id: str
    verdict: Verdict
    evidence: str
    instances: tuple[str, ...]
    residual: float | None
    seconds: float
    controls: tuple[ControlResult, ...]
    clauses: tuple[ClauseResult, ...] = ()
    failures: tuple[Witness, ...] = field(default=())
    said: str = ""

    @property
    def as_expected(self) -> bool:
        """The claim stands and every control is refuted."""
        return self.verdict in STANDS and all(c.verdict is Verdict.REFUTED for c in self.controls)

    @property
    def proved(self) -> tuple[str, ...]:
        """The identities that were proved by computer algebra, of all clauses."""
        return tuple(line for clause in self.clauses for line in clause.proved)


@dataclass(slots=True)
class _Tally:
    """What a check has found so far, of a clause or of a claim."""

    findings: int = 0
    identities: int = 0
    residual: float = 0.0
    tolerances: list[float] = field(default_factory=list)
    cases: set[str] = field(default_factory=set)
    worst: Outcome = "holds"

    def add(self, case: Case, finding: Finding, outcome: Outcome) -> None:
        """Count one finding."""
        self.findings += 1
        self.cases.add(case.name)
        if finding.tolerance is not None:
            self.tolerances.append(finding.tolerance)
        elif finding.relation == "zero":
            self.identities += 1
            self.residual = max(self.residual, finding.residual)
        if outcome == "fails" or (outcome == "undecided" and self.worst == "holds"):
            self.worst = outcome

    def text(self, cases: int) -> str:
        """How much was found, in words."""
        findings = f"{self.findings} {'finding' if self.findings == 1 else 'findings'}"
        found = f"{findings} on {cases} {'case' if cases == 1 else 'cases'}"
        silent = cases - len(self.cases)
        if silent and self.findings:
            found += f", silent on {silent} of them"
        if self.tolerances:
            found += f", {len(self.tolerances)} within a stated tolerance (at most {max(self.tolerances):.1g})"
        return found


def run(claim: Claim, profile: Profile) -> Result:
    """Check the claim and its controls. Cost: the claim's own."""
    start = time.perf_counter()
    names, whole, parts, failures = _tallied(claim, claim.cases(profile))
    clauses = tuple(_graded(clause, parts[clause.name], len(names)) for clause in claim.clauses)
    controls = tuple(run_control(control, profile) for control in claim.controls)
    return Result(
        id=claim.id,
        verdict=verdict_of([clause.grade for clause in clauses]),
        evidence=whole.text(len(names)),
        instances=tuple(names),
        residual=whole.residual if whole.identities and math.isfinite(whole.residual) else None,
        seconds=time.perf_counter() - start,
        controls=controls,
        clauses=clauses,
        failures=tuple(witness for _, witness in sorted(failures, key=lambda found: found[0] != "fails")[:3]),
    )


def _tallied(
    claim: Claim, cases: Iterable[Case]
) -> tuple[list[str], _Tally, dict[str, _Tally], list[tuple[Outcome, Witness]]]:
    """(the cases' names, all findings, those of each clause, what does not hold)."""
    names: list[str] = []
    whole, parts = _Tally(), {clause.name: _Tally() for clause in claim.clauses}
    failures: list[tuple[Outcome, Witness]] = []
    for case in cases:
        names.append(case.name)
        for finding in claim.check(case.content):
            outcome = finding.outcome
            whole.add(case, finding, outcome)
            parts[claim.clause(finding).name].add(case, finding, outcome)
            if outcome != "holds":
                failures.append((outcome, _witness(case, finding)))
    return names, whole, parts, failures


def run_on(claim: Claim, case: Case) -> Result | None:
    """What a claim's check finds on one case alone: no proof, no theorem and no control takes part.

    Clauses of which the check says nothing here are left out; None where it says nothing at all.
    """
    start = time.perf_counter()
    _, whole, parts, failures = _tallied(claim, [case])
    clauses = tuple(
        ClauseResult(clause.name, clause.text, _from_findings(tally), "", tally.text(1), 0)
        for clause in claim.clauses
        if (tally := parts[clause.name]).findings
    )
    if not clauses:
        return None
    return Result(
        id=claim.id,
        verdict=verdict_of([clause.grade for clause in clauses]),
        evidence=whole.text(1),
        instances=(case.name,),
        residual=whole.residual if whole.identities and math.isfinite(whole.residual) else None,
        seconds=time.perf_counter() - start,
        controls=(),
        clauses=clauses,
        failures=tuple(witness for _, witness in sorted(failures, key=lambda found: found[0] != "fails")[:3]),
    )


def _graded(clause: Clause, tally: _Tally, cases: int) -> ClauseResult:
    """The clause with its grade: no proof and no theorem makes good for a case that fails or is undecided."""
    evidence = tally.text(cases) if tally.findings else ""
    grade, covers = _from_findings(tally), ""
    proved: tuple[str, ...] = ()
    if grade in {Grade.REFUTED, Grade.UNDECIDED} and tally.findings:
        return ClauseResult(clause.name, clause.text, grade, covers, evidence, cases - len(tally.cases))
    if clause.formal and all(name in checked().statements for name in clause.formal):
        grade = Grade.FORMAL
        proofs = ", ".join(f"{name} in proofs/{checked().statements[name].proof}" for name in clause.formal)
        evidence = "; ".join(part for part in (f"proof checked by machine: {proofs}", evidence) if part)
    elif clause.cited:
        grade = Grade.CITED
        evidence = "; ".join(part for part in (clause.cited, evidence) if part)
    elif clause.proof is not None:
        try:
            proved = tuple(clause.proof.lines())
            grade, covers = Grade.SYMBOLIC, clause.proof.covers
            identities = f"{len(proved)} {'identity' if len(proved) == 1 else 'identities'} by computer algebra"
            evidence = "; ".join(part for part in (identities, evidence) if part)
        except ProofFailed as error:
            grade, evidence = Grade.UNDECIDED, f"{evidence}; the symbolic proof fails: {error}"
    if clause.formal and grade is not Grade.FORMAL:
        evidence = f"{evidence}; {STALE}"
    return ClauseResult(
        clause.name, clause.text, grade, covers, evidence or "nothing was found", cases - len(tally.cases), proved
    )


def _from_findings(tally: _Tally) -> Grade:
    if tally.worst == "fails":
        return Grade.REFUTED
    if not tally.findings or tally.worst == "undecided":
        return Grade.UNDECIDED
    return Grade.TESTED if tally.tolerances else Grade.CERTIFIED


def run_control(control: Control, profile: Profile) -> ControlResult:
    """Look for the first case on which the broken statement certainly fails."""
    undecided, looked = False, False
    for case in control.cases(profile):
        for finding in control.check(case.content):
            outcome, looked = finding.outcome, True
            undecided |= outcome == "undecided"
            if outcome == "fails":
                witness = _witness(case, finding)
                return ControlResult(control.name, control.breaks, Verdict.REFUTED, witness, control.smallest)
    verdict = Verdict.UNDECIDED if undecided or not looked else Verdict.CERTIFIED
    return ControlResult(control.name, control.breaks, verdict, None, control.smallest)


def _witness(case: Case, finding: Finding) -> Witness:
    return Witness(case.name, finding.label, number_text(finding.value), case.spec)


def number_text(value: Any) -> str:
    """A number for people: a rational as it is if short, else nine significant digits.

    >>> number_text(fmpq(1, 3)), number_text(0.125)
    ('1/3', '0.125')
    """
    if isinstance(value, fmpq) and len(str(value)) <= 16:
        return str(value)
    number = float(arb(value)) if isinstance(value, fmpq) else float(value)
    return f"{number:.9g}" if math.isfinite(number) else str(number)
