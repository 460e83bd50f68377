"""What a claim is, and how its verdict is earned.

A check looks at cases (models, with whatever else the claim needs) and yields findings: numbers that the claim says
are zero, or not negative, or positive. A ball decides only when it is certain. A control breaks one thing - a sign,
a factor, a hypothesis - and must yield a finding that certainly fails: its witness.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from flint import arb, fmpq

from theory.seed import SEED

CERTAIN_RADIUS = 1e-30
"""A ball that holds 0 certifies an identity to its radius; wider than this it certifies nothing."""


class Verdict(StrEnum):
    """How far a claim has been established."""

    PROVED = "PROVED"
    """Symbolically, and certified on the named instances."""
    CERTIFIED = "CERTIFIED"
    """In rationals or balls, on the named instances."""
    TESTED = "TESTED"
    """In float64, or along a sequence towards a limit, within a stated tolerance."""
    SAMPLED = "SAMPLED"
    """By draws, with an interval and an error probability."""
    REFUTED = "REFUTED"
    """A witness certainly violates it."""
    UNDECIDED = "UNDECIDED"
    """Some comparison is not certain."""


Outcome = Literal["holds", "fails", "undecided"]
Relation = Literal["zero", "nonnegative", "positive"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One number that the claim makes a statement about.

    Args:
        label: which part of the claim, in words; "E R - E L - log 7", say.
        value: rational, ball or float.
        relation: what the claim says of it.
        tolerance: for floats, and for the distance to a limit: how far from the relation it may be. None asks for
            certainty.
    """

    label: str
    value: Any
    relation: Relation = "zero"
    tolerance: float | None = None

    @property
    def outcome(self) -> Outcome:
        """Whether the number certainly does what the claim says."""
        value = self.value
        if self.tolerance is not None:
            value = value if isinstance(value, arb) else arb(value)
            slack = arb(self.tolerance)
            low = value + slack
            if self.relation == "zero":
                return _decide(bool(abs(value) <= slack), bool(abs(value) > slack))
            return _decide(bool(low >= 0), bool(low < 0))
        if isinstance(value, float):
            raise TypeError(f"{self.label}: a float needs a tolerance")
        if self.relation == "zero":
            if isinstance(value, fmpq | int):
                return _decide(value == 0, value != 0)
            tight = value.is_finite() and float(value.rad()) <= CERTAIN_RADIUS
            return _decide(tight and value.contains(0), bool(value != 0))
        if self.relation == "nonnegative":
            return _decide(bool(value >= 0), bool(value < 0))
        return _decide(bool(value > 0), bool(value <= 0))

    @property
    def residual(self) -> float:
        """An upper bound of |value| for an identity that is certain, else 0."""
        if self.relation != "zero" or self.tolerance is not None:
            return 0.0
        return float(arb(self.value).abs_upper())


def _decide(holds: bool, fails: bool) -> Outcome:
    return "holds" if holds else "fails" if fails else "undecided"


@dataclass(frozen=True, slots=True)
class Profile:
    """How much is checked: "quick" or "full", and the seed of the random laws."""

    name: Literal["quick", "full"] = "full"
    seed: int = SEED

    @property
    def full(self) -> bool:
        """Whether nothing is left out."""
        return self.name == "full"


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """Something a claim is checked on.

    Args:
        name: "C4", "random table 17", "C6, N = 10".
        content: what the check takes: a model, or a tuple of them with parameters.
        spec: the model as a specification that ``probqual exact`` accepts; "" where it is too large to print.
    """

    name: str
    content: Any
    spec: str = ""


Check = Callable[[Any], Iterable[Finding]]
Cases = Callable[[Profile], Iterable[Case]]


@dataclass(frozen=True, slots=True)
class Control:
    """The claim with one thing broken; it must be refuted.

    Args:
        name: a few words, as a slug: "wrong-sign".
        breaks: what is broken, in a sentence: "drops the hypothesis V < inf".
        check: the broken statement.
        cases: where a witness is looked for, the smallest first.
        smallest: whether the cases are exhaustive in the order (number of strings, sum of the integer weights), so
            that the witness is the smallest there is.
    """

    name: str
    breaks: str
    check: Check
    cases: Cases
    smallest: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement, what it needs, and how it is checked.

    Args:
        id: "family.bullet".
        sentence: "A", "B" or "C", the paper's sentence it belongs to; "" for none.
        title: what it says, in a line of plain words.
        statement: the formula, LaTeX.
        hypotheses: what it needs.
        source: where it is from, or what it leans on.
        check: findings on one case.
        cases: the named instances.
        controls: at least one.
        proof: a symbolic proof of the identities: returns what was proved, one line each, or raises ProofFailed.
        exact: the check is in rationals or balls; else it is a test in floats or towards a limit.
        remark: what a reader should know beyond the verdict.
        figure: the name of the figure that shows it.
        everywhere: the check takes any FiniteModel, a finite aligned model, and says nothing where a hypothesis fails.
        order: its place in the report, a number no other claim has; families stand together.
        sketch: why it is true, Markdown with LaTeX between dollars.
    """

    id: str
    sentence: Literal["A", "B", "C", ""]
    title: str
    statement: str
    hypotheses: tuple[str, ...]
    source: str
    check: Check
    cases: Cases
    controls: tuple[Control, ...]
    proof: Callable[[], Sequence[str]] | None = None
    exact: bool = True
    remark: str = ""
    figure: str | None = None
    everywhere: bool = False
    order: int = 0
    sketch: str = ""

    def __post_init__(self) -> None:
        if not self.controls:
            raise ValueError(f"{self.id}: a claim needs a control that can fail")


class ProofFailed(ArithmeticError):
    """An expression that should be 0 is not, or could not be shown to be."""


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
class Result:
    """A claim's verdict with its evidence.

    Args:
        evidence: in words: what was proved, on how many cases what was decided.
        residual: the largest |residual| of an identity (an upper bound); None without identities.
        failures: findings that fail or are undecided, the first few.
    """

    id: str
    verdict: Verdict
    evidence: str
    instances: tuple[str, ...]
    residual: float | None
    seconds: float
    controls: tuple[ControlResult, ...]
    proved: tuple[str, ...] = ()
    failures: tuple[Witness, ...] = field(default=())

    @property
    def as_expected(self) -> bool:
        """The claim stands and every control is refuted."""
        stands = self.verdict in {Verdict.PROVED, Verdict.CERTIFIED, Verdict.TESTED}
        return stands and all(c.verdict is Verdict.REFUTED for c in self.controls)


def run(claim: Claim, profile: Profile) -> Result:
    """Check the claim and its controls. Cost: the claim's own."""
    start = time.perf_counter()
    names: list[str] = []
    findings = identities = 0
    tolerances: list[float] = []
    residual = 0.0
    failures: list[tuple[Outcome, Witness]] = []
    for case in claim.cases(profile):
        names.append(case.name)
        for finding in claim.check(case.content):
            findings += 1
            outcome = finding.outcome
            if finding.tolerance is not None:
                tolerances.append(finding.tolerance)
            if finding.relation == "zero" and finding.tolerance is None:
                identities += 1
                residual = max(residual, finding.residual)
            if outcome != "holds":
                failures.append((outcome, _witness(case, finding)))
    verdict = Verdict.CERTIFIED if claim.exact else Verdict.TESTED
    proved: tuple[str, ...] = ()
    if not findings or any(outcome == "undecided" for outcome, _ in failures):
        verdict = Verdict.UNDECIDED
    if any(outcome == "fails" for outcome, _ in failures):
        verdict = Verdict.REFUTED
    evidence = f"{findings} findings on {len(names)} {'case' if len(names) == 1 else 'cases'}"
    if tolerances:
        evidence += f", {len(tolerances)} of them within a stated tolerance (at most {max(tolerances):.1g})"
    if claim.proof is not None and verdict is Verdict.CERTIFIED:
        try:
            proved = tuple(claim.proof())
            verdict = Verdict.PROVED
        except ProofFailed as error:
            verdict, evidence = Verdict.UNDECIDED, f"{evidence}; the symbolic proof fails: {error}"
    controls = tuple(run_control(control, profile) for control in claim.controls)
    return Result(
        id=claim.id,
        verdict=verdict,
        evidence=evidence,
        instances=tuple(names),
        residual=residual if identities and math.isfinite(residual) else None,
        seconds=time.perf_counter() - start,
        controls=controls,
        proved=proved,
        failures=tuple(witness for _, witness in sorted(failures, key=lambda found: found[0] != "fails")[:3]),
    )


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
