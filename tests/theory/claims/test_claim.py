"""Verdicts: what a finding, a claim and a control come out as, on claims made up for the purpose."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

import pytest
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st

from theory.claims.claim import (
    CERTAIN_RADIUS,
    Case,
    Claim,
    Clause,
    Control,
    Finding,
    Profile,
    Proof,
    ProofFailed,
    Relation,
    of,
)
from theory.claims.grades import Grade, Verdict, verdict_of
from theory.claims.running import number_text, run, run_control

QUICK = Profile("quick")
NAN = arb("nan")
RELATIONS: tuple[Relation, ...] = ("zero", "nonnegative", "positive")


def cases(*values: Any) -> Callable[[Profile], list[Case]]:
    """One case per value: the value is the content, its position the name."""
    return lambda profile: [Case(f"case {k}", value, f"spec {k}") for k, value in enumerate(values, start=1)]


def zero(value: Any) -> Iterator[Finding]:
    """Says that the content is 0."""
    yield Finding("the content", value)


def positive(value: Any) -> Iterator[Finding]:
    """Says that the content is > 0."""
    yield Finding("the content", value, "positive")


ONLY = Clause("only", "the content is nothing", "x=0")
REFUTABLE = Control("off-by-one", "says that 1 is 0", zero, cases(fmpq(1)))


def claim(*values: Any, controls: Sequence[Control] = (REFUTABLE,), **changes: Any) -> Claim:
    """A claim that these values are 0, unless changed."""
    made = Claim(
        id="made.up",
        sentence="",
        clauses=(ONLY,),
        hypotheses=("none",),
        source="made up",
        check=zero,
        cases=cases(*values),
        controls=tuple(controls),
    )
    return dataclasses.replace(made, **changes)


# --- one finding --------------------------------------------------------------------------------------------------


@given(
    st.fractions(min_value=-2, max_value=2, max_denominator=6),
    st.one_of(st.just(Fraction(0)), st.fractions(min_value=Fraction(1, 8), max_value=2, max_denominator=8)),
    st.sampled_from(RELATIONS),
)
def test_ball(middle: Fraction, radius: Fraction, relation: Relation) -> None:
    """holds iff every point of the ball does what is said, fails iff none does; a wide ball around 0 is undecided."""
    low, high = middle - radius, middle + radius
    holds, fails = {
        "zero": (low == high == 0, low > 0 or high < 0),
        "nonnegative": (low >= 0, high < 0),
        "positive": (low > 0, high <= 0),
    }[relation]
    # a ball around 1/3 is a little wider than it: exact endpoints need binary fractions
    binary = all(x.denominator & (x.denominator - 1) == 0 for x in (middle, radius))
    value = arb(fmpq(middle.numerator, middle.denominator)) + arb(0, float(radius))
    expected = "holds" if holds else "fails" if fails else "undecided"
    if binary or 0 not in (low, high):
        assert Finding("x", value, relation).outcome == expected
    else:
        assert Finding("x", value, relation).outcome in {expected, "undecided"}


@given(st.fractions(min_value=-1, max_value=1, max_denominator=9), st.sampled_from(RELATIONS))
def test_rational(value: Fraction, relation: Relation) -> None:
    """A rational is never undecided."""
    truth = {"zero": value == 0, "nonnegative": value >= 0, "positive": value > 0}[relation]
    number = fmpq(value.numerator, value.denominator)
    assert Finding("x", number, relation).outcome == ("holds" if truth else "fails")


@given(
    st.floats(-2, 2, allow_subnormal=False),
    st.sampled_from([0.0, 1e-9, 0.25, 1.0]),
    st.sampled_from(RELATIONS),
    st.booleans(),
)
def test_tolerance(value: float, tolerance: float, relation: Relation, as_ball: bool) -> None:
    """Within a tolerance t: |x| <= t for zero, x >= -t for the others; the border is inside, balls as floats."""
    # exactly, because value + tolerance in float64 would round
    sum_of_both = Fraction(value) + Fraction(tolerance)
    truth = abs(Fraction(value)) <= Fraction(tolerance) if relation == "zero" else sum_of_both >= 0
    number = arb(value) if as_ball else value
    assert Finding("x", number, relation, tolerance).outcome == ("holds" if truth else "fails")


@pytest.mark.parametrize("radius", [0.0, CERTAIN_RADIUS / 2, CERTAIN_RADIUS, CERTAIN_RADIUS * 2, 1.0, math.inf])
def test_width_of_a_certain_identity(radius: float) -> None:
    """A ball that holds 0 certifies an identity up to the stated radius; wider it certifies nothing."""
    outcome = Finding("x", arb(0, radius)).outcome
    # radii are rounded up to 30 bits, so the border itself may be outside
    if radius != CERTAIN_RADIUS:
        assert outcome == ("holds" if radius < CERTAIN_RADIUS else "undecided")
    assert outcome != "fails"


def test_a_certain_violation_fails_however_small_or_wide() -> None:
    """1e-60 is not 0; 5 +- 4 is not 0; -5 +- 4 is not >= 0; 0 is not > 0."""
    assert Finding("x", arb("1e-60")).outcome == "fails"
    assert Finding("x", arb(5, 4)).outcome == "fails"
    assert Finding("x", arb(-5, 4), "nonnegative").outcome == "fails"
    assert Finding("x", arb(0), "positive").outcome == "fails"
    assert Finding("x", fmpq(0), "nonnegative").outcome == "holds"


@pytest.mark.parametrize("relation", RELATIONS)
@pytest.mark.parametrize("tolerance", [None, 1.0, math.inf])
@pytest.mark.parametrize("value", [NAN, NAN - NAN, arb(0) / 0, arb(-1).log()], ids=["nan", "nan - nan", "0/0", "log"])
def test_nan_never_passes(value: arb, tolerance: float | None, relation: Relation) -> None:
    """A ball that is no number decides nothing, whatever the tolerance."""
    assert Finding("x", value, relation, tolerance).outcome == "undecided"


@pytest.mark.parametrize("relation", RELATIONS)
def test_a_float_that_is_no_number_never_passes(relation: Relation) -> None:
    assert Finding("x", math.nan, relation, 1.0).outcome == "undecided"
    assert Finding("x", -math.inf, relation, 1.0).outcome == "fails"


@pytest.mark.parametrize("relation", RELATIONS)
def test_a_float_needs_a_tolerance(relation: Relation) -> None:
    with pytest.raises(TypeError, match="the label: a float needs a tolerance"):
        _ = Finding("the label", 0.0, relation).outcome


def test_residual() -> None:
    """An upper bound of |x| for identities; 0 for everything else."""
    assert Finding("x", arb(0, 1e-40)).residual >= 1e-40
    assert Finding("x", fmpq(-1, 3)).residual >= 1 / 3
    assert Finding("x", fmpq(5), "positive").residual == 0
    assert Finding("x", 0.5, "zero", 1.0).residual == 0


# --- one claim ----------------------------------------------------------------------------------------------------


def test_certified() -> None:
    result = run(claim(fmpq(0), arb(0, 1e-50)), QUICK)
    assert result.verdict is Verdict.CERTIFIED
    assert result.as_expected
    assert result.instances == ("case 1", "case 2")
    assert result.evidence == "2 findings on 2 cases"
    assert result.residual is not None
    assert 1e-50 <= result.residual < 1.1e-50
    assert result.failures == ()
    assert result.seconds >= 0


def with_proof(lines: Callable[[], Sequence[str]]) -> tuple[Clause]:
    """The only clause, with a proof."""
    return (dataclasses.replace(ONLY, proof=Proof("n <= 4", lines)),)


def test_symbolic() -> None:
    """A proof by computer algebra lifts a certified clause, and says what it covers; the word PROVED is not for it."""
    result = run(claim(fmpq(0), clauses=with_proof(lambda: ["a = a", "b = b"])), QUICK)
    assert result.verdict is Verdict.SYMBOLIC
    (clause,) = result.clauses
    assert (clause.grade, clause.shown) == (Grade.SYMBOLIC, "SYMBOLIC(n <= 4)")
    assert clause.evidence == "2 identities by computer algebra; 1 finding on 1 case"
    assert result.proved == ("a = a", "b = b")
    assert result.as_expected


def failing_proof() -> list[str]:
    raise ProofFailed("a = b: does not cancel")


def test_a_proof_that_fails_leaves_the_claim_undecided() -> None:
    result = run(claim(fmpq(0), clauses=with_proof(failing_proof)), QUICK)
    assert result.verdict is Verdict.UNDECIDED
    assert "a = b: does not cancel" in result.clauses[0].evidence
    assert result.proved == ()
    assert not result.as_expected


def test_no_proof_makes_good_for_a_failing_case() -> None:
    """Neither a violation nor a doubt is overruled by computer algebra, which proves what is written for it."""
    for clauses in (with_proof(lambda: ["0 = 0"]), (dataclasses.replace(ONLY, cited="Somebody, theorem 1"),)):
        assert run(claim(fmpq(0), fmpq(1), clauses=clauses), QUICK).verdict is Verdict.REFUTED
        assert run(claim(fmpq(0), arb(0, 1), clauses=clauses), QUICK).verdict is Verdict.UNDECIDED


def test_tested() -> None:
    """A clause with a finding within a tolerance is tested, and the tolerance is evidence."""

    def check(value: float) -> Iterator[Finding]:
        yield Finding("near 0", value, tolerance=0.25)

    result = run(claim(0.1, -0.2, check=check), QUICK)
    assert result.verdict is Verdict.TESTED
    assert result.evidence == "2 findings on 2 cases, 2 within a stated tolerance (at most 0.2)"
    assert result.residual is None
    assert result.as_expected
    assert run(claim(0.1, 0.3, check=check), QUICK).verdict is Verdict.REFUTED


# --- clauses ------------------------------------------------------------------------------------------------------

TWO = (ONLY, Clause("other", "the content is not negative"))


def two(value: Any) -> Iterator[Finding]:
    """Evidence for both clauses; for the first only where the content is no rational."""
    yield from of("other", [Finding("x", value, "nonnegative")])
    if isinstance(value, arb):
        yield from of("only", zero(value))


def test_a_finding_counts_for_its_clause_alone() -> None:
    """x = 0 fails on 1, x >= 0 does not: one clause is refuted, the other keeps its grade, the claim its weakest."""
    result = run(claim(fmpq(3), arb(1), clauses=TWO, check=two), QUICK)
    assert [(c.name, c.grade, c.silent) for c in result.clauses] == [
        ("only", Grade.REFUTED, 1),
        ("other", Grade.CERTIFIED, 0),
    ]
    assert result.verdict is Verdict.REFUTED
    assert result.clauses[0].evidence == "1 finding on 2 cases, silent on 1 of them"
    assert result.evidence == "3 findings on 2 cases"


def test_a_clause_without_findings_is_undecided() -> None:
    result = run(claim(fmpq(3), clauses=TWO, check=two), QUICK)
    assert [c.grade for c in result.clauses] == [Grade.UNDECIDED, Grade.CERTIFIED]
    assert result.clauses[0].evidence == "nothing was found"
    assert result.verdict is Verdict.UNDECIDED


def test_a_cited_theorem() -> None:
    """It is named, and its findings must hold; with others certified the claim is certified."""
    cited = dataclasses.replace(TWO[1], cited="Somebody, A Book, theorem 1")
    result = run(claim(arb(0), clauses=(ONLY, cited), check=two), QUICK)
    assert [c.shown for c in result.clauses] == ["CERTIFIED", "CITED"]
    assert result.clauses[1].evidence == "Somebody, A Book, theorem 1; 1 finding on 1 case"
    assert result.verdict is Verdict.CERTIFIED


@pytest.mark.parametrize("name", ["", "unknown"])
def test_a_finding_for_no_clause_is_refused(name: str) -> None:
    found = claim(fmpq(0), clauses=TWO, check=lambda value: of(name, zero(value)))
    with pytest.raises(ValueError, match=f"made.up: finding 'the content' is for clause '{name}'; known: only, other"):
        run(found, QUICK)


@pytest.mark.parametrize("clauses", [(), (ONLY, ONLY)], ids=["none", "twice"])
def test_clauses_have_names_of_their_own(clauses: tuple[Clause, ...]) -> None:
    with pytest.raises(ValueError, match="a claim needs clauses, each with a name of its own"):
        claim(fmpq(0), clauses=clauses)


@pytest.mark.parametrize(("name", "text"), [("Two words", "x"), ("", "x"), ("x", ""), ("x", "x."), ("x", "x\ny")])
def test_a_clause_is_a_named_line(name: str, text: str) -> None:
    with pytest.raises(ValueError, match="clause"):
        Clause(name, text)


def test_title() -> None:
    """The text of the first clause, with a capital unless it begins with a symbol."""
    assert claim(fmpq(0)).title == "The content is nothing"
    assert claim(fmpq(0), clauses=(Clause("x", "p+ is a law"),)).title == "p+ is a law"
    assert claim(fmpq(0), clauses=(Clause("x", "E L rises"),)).title == "E L rises"


@pytest.mark.parametrize(
    ("grades", "verdict"),
    [
        ("FORMAL", "PROVED"),
        ("FORMAL CITED", "PROVED"),
        ("CITED", "CITED"),
        ("FORMAL SYMBOLIC", "SYMBOLIC"),
        ("FORMAL CITED CERTIFIED", "CERTIFIED"),
        ("SYMBOLIC TESTED CERTIFIED", "TESTED"),
        ("FORMAL UNDECIDED", "UNDECIDED"),
        ("UNDECIDED REFUTED FORMAL", "REFUTED"),
        ("", "UNDECIDED"),
    ],
)
def test_the_weakest_clause_is_the_verdict(grades: str, verdict: str) -> None:
    assert verdict_of([Grade(grade) for grade in grades.split()]) is Verdict(verdict)


def test_refuted() -> None:
    """One certain violation refutes, whatever else holds or is undecided, and is shown with its specification."""
    result = run(claim(fmpq(0), arb(0, 1), fmpq(1, 3), fmpq(0)), QUICK)
    assert result.verdict is Verdict.REFUTED
    assert not result.as_expected
    (violation, doubt) = result.failures
    assert doubt.case == "case 2"
    assert (violation.case, violation.label, violation.value, violation.spec) == (
        "case 3",
        "the content",
        "1/3",
        "spec 3",
    )


def test_a_violation_is_shown_even_after_many_doubts() -> None:
    """The witness of a refutation is among the failures that are kept."""
    result = run(claim(*[arb(0, 1)] * 5, fmpq(7)), QUICK)
    assert result.verdict is Verdict.REFUTED
    assert "7" in [failure.value for failure in result.failures]


@pytest.mark.parametrize("value", [arb(0, 1), NAN, arb(0, math.inf)], ids=["wide", "nan", "infinite"])
def test_undecided(value: arb) -> None:
    result = run(claim(fmpq(0), value), QUICK)
    assert result.verdict is Verdict.UNDECIDED
    assert not result.as_expected
    assert [failure.case for failure in result.failures] == ["case 2"]


def test_a_tight_inequality_needs_the_formal_zero() -> None:
    """sqrt 2 sqrt 2 - 2 >= 0 is undecided in balls; as a rational it holds."""
    tight = arb(2).sqrt() * arb(2).sqrt() - 2

    def check(value: Any) -> Iterator[Finding]:
        yield Finding("x^2 - 2", value, "nonnegative")

    assert run(claim(tight, check=check), QUICK).verdict is Verdict.UNDECIDED
    assert run(claim(fmpq(0), check=check), QUICK).verdict is Verdict.CERTIFIED


def test_no_findings_are_no_evidence() -> None:
    """Neither no cases nor a check that yields nothing certifies."""
    assert run(claim(), QUICK).verdict is Verdict.UNDECIDED
    assert run(claim(fmpq(0), check=lambda value: iter(())), QUICK).verdict is Verdict.UNDECIDED
    assert run(claim(check=zero, clauses=with_proof(lambda: ["0 = 0"])), QUICK).verdict is Verdict.SYMBOLIC


def test_profile_reaches_the_cases() -> None:
    seen = []

    def listed(profile: Profile) -> list[Case]:
        seen.append(profile)
        return [Case("0", fmpq(0))]

    run(claim(cases=listed), Profile("full", seed=7))
    assert seen == [Profile("full", seed=7)]
    assert Profile().full
    assert not QUICK.full


# --- controls -----------------------------------------------------------------------------------------------------


def test_a_claim_without_control_is_refused() -> None:
    with pytest.raises(ValueError, match=r"made\.up: a claim needs a control that can fail"):
        claim(fmpq(0), controls=())


def test_control_stops_at_its_first_witness() -> None:
    """Cases are looked at in order, lazily; the first certain violation is the witness."""

    def forever(profile: Profile) -> Iterator[Case]:
        yield Case("holds", fmpq(0))
        yield Case("no number", NAN)
        yield Case("fails", fmpq(2), "its spec")
        raise AssertionError("looked on after the witness")

    result = run_control(Control("name", "breaks", zero, forever, smallest=True), QUICK)
    assert result.verdict is Verdict.REFUTED
    assert result.smallest
    assert result.witness is not None
    assert dataclasses.astuple(result.witness) == ("fails", "the content", "2", "its spec")


@pytest.mark.parametrize(
    ("values", "verdict"), [([fmpq(0)], Verdict.CERTIFIED), ([fmpq(0), arb(0, 1)], Verdict.UNDECIDED)]
)
def test_a_control_that_is_not_refuted_shows(values: list[Any], verdict: Verdict) -> None:
    """A control that holds, or cannot be decided, has no witness and the claim is not as expected."""
    idle = Control("idle", "breaks nothing", zero, cases(*values))
    result = run(claim(fmpq(0), controls=(REFUTABLE, idle)), QUICK)
    assert result.verdict is Verdict.CERTIFIED
    assert [control.verdict for control in result.controls] == [Verdict.REFUTED, verdict]
    assert result.controls[1].witness is None
    assert not result.as_expected


def test_a_control_that_looked_at_nothing_certifies_nothing() -> None:
    """No findings are no evidence, for a control as for a claim."""
    result = run_control(Control("empty", "breaks nothing", zero, cases()), QUICK)
    assert result.witness is None
    assert result.verdict is Verdict.UNDECIDED


def test_controls_run_whatever_the_claim_comes_to() -> None:
    assert run(claim(fmpq(1)), QUICK).controls[0].verdict is Verdict.REFUTED
    assert run(claim(fmpq(0), check=positive), QUICK).controls[0].verdict is Verdict.REFUTED


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (fmpq(-1, 3), "-1/3"),
        (fmpq(10**9 + 7, 10**9 + 9), "0.999999998"),
        (arb(2).sqrt(), "1.41421356"),
        (arb(0, 1), "0"),
        (NAN, "nan"),
        (math.inf, "inf"),
        (0.1, "0.1"),
        (7, "7"),
    ],
)
def test_number_text(value: Any, text: str) -> None:
    assert number_text(value) == text
