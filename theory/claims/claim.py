"""What a claim is: a statement in clauses, a check that finds numbers for each, and controls that must fail.

A check looks at cases (models, with whatever else the claim needs) and yields findings: numbers that a clause says
are zero, or not negative, or positive. A ball decides only when it is certain. A control breaks one thing (a sign, a
factor, a hypothesis) and must yield a finding that certainly fails: its witness.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from flint import arb, fmpq

from theory.seed import SEED

CERTAIN_RADIUS = 1e-30
"""A ball that holds 0 certifies an identity to its radius; wider than this it certifies nothing."""


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
        clause: the name of the clause that it is evidence for; "" for the only one of a claim with one clause.
    """

    label: str
    value: Any
    relation: Relation = "zero"
    tolerance: float | None = None
    clause: str = ""

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


def of(clause: str, findings: Iterable[Finding]) -> Iterator[Finding]:
    """The findings as evidence for the clause of this name."""
    return (Finding(f.label, f.value, f.relation, f.tolerance, clause) for f in findings)


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
class Proof:
    """A proof by computer algebra of the clause that it belongs to.

    Args:
        covers: the models it is carried out for: "n <= 4", "3 trees", "N any, n <= 3".
        lines: carries it out; returns what was proved, one identity each, or raises ProofFailed.
    """

    covers: str
    lines: Callable[[], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Clause:
    """One sentence of a claim, and what can stand behind it besides the findings of the claim's check.

    Args:
        name: a few words, as a slug, unlike the claim's other clauses: "slopes".
        text: the sentence in words and plain formulas, with what it needs, without a full stop. It is printed wherever
            the clause is spoken of, so it must be true as it stands.
        formula: the same in LaTeX; "" where words are clearer.
        proof: by computer algebra.
        cited: the textbook theorem that it is, with its place.
        formal: the names of its statements in proofs/Statements.v.
    """

    name: str
    text: str
    formula: str = ""
    proof: Proof | None = None
    cited: str = ""
    formal: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", self.name):
            raise ValueError(f"a clause's name is a slug of lower-case words, got {self.name!r}")
        if not self.text or self.text != self.text.strip().rstrip(".") or "\n" in self.text:
            raise ValueError(f"clause {self.name}: its text is one line without a full stop, got {self.text!r}")


def as_sentence(text: str) -> str:
    """The text with a capital, unless it begins with a symbol.

    >>> as_sentence("every law"), as_sentence("p+ is a law"), as_sentence("a law"), as_sentence("b is 0")
    ('Every law', 'p+ is a law', 'A law', 'b is 0')
    """
    word = text.split(" ", 1)[0].rstrip(",:")
    plain = word == "a" or (len(word) > 1 and word.replace("-", "").isalpha() and word.islower())
    return text[0].upper() + text[1:] if plain else text


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement in clauses, what it needs, and how it is checked.

    Args:
        id: "family.bullet".
        sentence: "A", "B" or "C", the paper's sentence it belongs to; "" for none.
        clauses: the statement, at least one; the text of the first is the claim's title.
        hypotheses: what all of them need.
        source: where it is from, or what it leans on.
        check: findings on one case, each for a clause.
        cases: the named instances.
        controls: at least one.
        remark: what a reader should know beyond the verdict.
        figure: the name of the figure that shows it.
        everywhere: the check takes any FiniteModel, a finite aligned model, and says nothing where a hypothesis fails.
        order: its place in the report, a number no other claim has; families stand together.
        sketch: why it is true, Markdown with LaTeX between dollars.
    """

    id: str
    sentence: Literal["A", "B", "C", ""]
    clauses: tuple[Clause, ...]
    hypotheses: tuple[str, ...]
    source: str
    check: Check
    cases: Cases
    controls: tuple[Control, ...]
    remark: str = ""
    figure: str | None = None
    everywhere: bool = False
    order: int = 0
    sketch: str = ""

    def __post_init__(self) -> None:
        if not self.controls:
            raise ValueError(f"{self.id}: a claim needs a control that can fail")
        names = [clause.name for clause in self.clauses]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"{self.id}: a claim needs clauses, each with a name of its own, got {names}")

    @property
    def title(self) -> str:
        """What it says, in a line: the text of its first clause."""
        return as_sentence(self.clauses[0].text)

    def clause(self, finding: Finding) -> Clause:
        """The clause that a finding is evidence for.

        Raises:
            ValueError: the finding names no clause of this claim, or none although there are several.
        """
        if not finding.clause and len(self.clauses) == 1:
            return self.clauses[0]
        for clause in self.clauses:
            if clause.name == finding.clause:
                return clause
        known = ", ".join(clause.name for clause in self.clauses)
        raise ValueError(f"{self.id}: finding {finding.label!r} is for clause {finding.clause!r}; known: {known}")


class ProofFailed(ArithmeticError):
    """An expression that should be 0 is not, or could not be shown to be."""
