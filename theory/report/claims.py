"""The claims as pages: the table of all, the count of clauses by grade, and a page and witness files for each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from theory.arithmetic.exact import power_of_ten_above
from theory.claims.claim import Claim, as_sentence
from theory.claims.formal import checked
from theory.claims.grades import Grade, Verdict
from theory.claims.running import ControlResult, Result, Witness
from theory.report.markdown import markdown_table
from theory.report.records import SampledRecord
from theory.report.samples import sampled_line

MEANING = {
    Grade.FORMAL: "a machine has checked a proof for every model that the clause speaks of",
    Grade.CITED: "a textbook theorem, named with its place; it also holds on the cases",
    Grade.SYMBOLIC: "computer algebra, for the sizes named; it also holds on the cases",
    Grade.CERTIFIED: "rationals, or balls that contain the true number, on the cases listed",
    Grade.TESTED: "floating point, or a sequence towards a limit, within the tolerance stated",
    Grade.UNDECIDED: "some comparison is not certain",
    Grade.REFUTED: "a model certainly violates it",
}
"""What stands behind a clause of each grade, in a line."""

COUNTED = {
    Verdict.PROVED: "proved",
    Verdict.CITED: "cited",
    Verdict.SYMBOLIC: "symbolic",
    Verdict.CERTIFIED: "certified",
    Verdict.TESTED: "tested",
    Verdict.REFUTED: "REFUTED",
    Verdict.UNDECIDED: "UNDECIDED",
}
"""How a number of claims with one verdict is counted in words."""

PAGES = "docs/claims"
WITNESSES = "examples/witnesses"


def page_of(claim_id: str) -> str:
    """The path of a claim's page from the top of the checkout."""
    return f"{PAGES}/{claim_id}.md"


def witness_file(claim_id: str, control: str) -> str:
    """The path of the model that refutes a control, from the top of the checkout."""
    return f"{WITNESSES}/{claim_id}.{control.replace('/', '-')}.toml"


def linked(claim_id: str, start: str = "") -> str:
    """The id as a link to the claim's page."""
    return f"[{claim_id}]({start}{page_of(claim_id)})"


def tally(results: Sequence[Result]) -> str:
    """How many claims have each verdict: "30 proved, 21 certified"."""
    counts = {verdict: sum(r.verdict is verdict for r in results) for verdict in COUNTED}
    return ", ".join(f"{n} {COUNTED[v]}" for v, n in counts.items() if n)


def grades_table(results: Sequence[Result]) -> str:
    """How many clauses have each grade, and what the grade means."""
    clauses = [clause for result in results for clause in result.clauses]
    rows = []
    for grade, meaning in MEANING.items():
        count = sum(clause.grade is grade for clause in clauses)
        if count:
            rows.append((str(grade), str(count), meaning))
    rows.append(("all", str(len(clauses)), ""))
    return markdown_table(("grade", "clauses", "what stands behind it"), rows)


def claims_table(claims: Sequence[Claim], results: Sequence[Result], sampled: SampledRecord) -> str:
    """Every claim in a line."""
    rows = []
    for claim, result in zip(claims, results, strict=True):
        residual = "" if result.residual is None else power_of_ten_above(result.residual)
        refuted = sum(control.verdict is Verdict.REFUTED for control in result.controls)
        count = len(sampled.of(claim.id))
        counted = f"{sampled.verdict(claim.id)} ({count})" if count else ""
        rows.append(
            (
                linked(claim.id),
                claim.title,
                str(result.verdict),
                str(len(result.clauses)),
                residual,
                f"{refuted} of {len(result.controls)}",
                counted,
            )
        )
    head = ("claim", "its first clause", "verdict", "clauses", "residual", "controls refuted", "sampled")
    return markdown_table(head, rows)


_SHOWN_ROWS = 4
"""Comparisons shown on a claim's page; all of them are in the record."""


def claim_page(claim: Claim, result: Result, sampled: SampledRecord) -> str:
    """A claim clause by clause with what each rests on, why it is true, and its controls with their witnesses."""
    sentence = f" It belongs to sentence {claim.sentence} of the abstract." if claim.sentence else ""
    lines = [
        f"# {claim.id}",
        "",
        f"**{claim.title}.**",
        "",
        f"Verdict: **{result.verdict}**, its weakest clause's grade ([how to read it](../verdicts.md)).{sentence}",
        "",
        *(f"**FAILS**: {_witness_text(failure)}\n" for failure in result.failures),
        "## Clauses",
        "",
        *_clauses(claim, result),
        f"Every clause needs: {'; '.join(claim.hypotheses)}.",
        "",
        "## Why it is true",
        "",
        claim.sketch.strip(),
        "",
    ]
    if claim.remark:
        lines += [f"Remark: {claim.remark}", ""]
    lines += [f"Source: {claim.source}.", ""]
    if claim.figure is not None:
        lines += [f"![{claim.id}](../../figures/{claim.figure}.png)", ""]
    lines += ["## Controls", "", *_controls(claim, result), "## Evidence", "", *_evidence(claim, result, sampled)]
    return "\n".join(lines) + "\n"


def _clauses(claim: Claim, result: Result) -> Iterator[str]:
    """Each clause with its formula, its grade and its evidence."""
    for number, (clause, found) in enumerate(zip(claim.clauses, result.clauses, strict=True), start=1):
        yield from (f"{number}. {as_sentence(clause.text)}.", "")
        if clause.formula:
            yield from (f"    $${clause.formula}$$", "")
        yield from (f"    **{found.shown}**: {found.evidence}.", "")
        for name in clause.formal if found.grade is Grade.FORMAL else ():
            yield from _formal(name)


def _formal(name: str) -> Iterator[str]:
    """A formal statement as it was checked, with links to where it is stated and proved."""
    statement = checked().statements[name]
    yield f"    In Coq ([stated](../../proofs/{statement.file}), [proved](../../proofs/{statement.proof})):"
    yield ""
    yield from (f"        {line}".rstrip() for line in statement.text.splitlines())
    yield ""


def _controls(claim: Claim, result: Result) -> Iterator[str]:
    """What is broken, and the model that refutes it."""
    yield "Each control is the claim with one thing broken. It must be REFUTED: this shows that the check can fail."
    yield ""
    for control in result.controls:
        check = next(c.check.__name__ for c in claim.controls if c.name == control.name)
        yield f"- *{control.name}* (`{check}`): {control.breaks}. **{control.verdict}**, {_found(claim.id, control)}"
    yield ""


def _found(claim_id: str, control: ControlResult) -> str:
    if control.witness is None:
        return "no witness."
    order = "smallest witness" if control.smallest else "witness"
    text = f"{order} {_witness_text(control.witness)}"
    if control.witness.spec:
        path = witness_file(claim_id, control.name)
        text += f" The model: [{path}](../../{path})."
    return text


def _evidence(claim: Claim, result: Result, sampled: SampledRecord) -> Iterator[str]:
    yield f"- In all: {result.evidence}."
    yield f"- Cases: {_gathered(result.instances)}."
    if result.residual is not None:
        yield f"- The largest error of an identity is at most {power_of_ten_above(result.residual)}."
    for found in result.clauses:
        if found.proved:
            yield f"- By computer algebra, for the clause *{found.name}*:"
            yield from (f"    - {line}" for line in found.proved)
    yield f"- Where: {_places(claim)}."
    rows = sampled.of(claim.id)
    yield from (sampled_line(row) for row in rows[:_SHOWN_ROWS])
    if len(rows) > _SHOWN_ROWS:
        yield f"- Sampled: {len(rows) - _SHOWN_ROWS} more comparisons, {sampled.verdict(claim.id)}."


def _places(claim: Claim) -> str:
    """Links to the claim's check and its controls, their tests, and its figure."""
    family, _, name = claim.id.replace("-", "_").partition(".")
    code, tests = f"theory/claims/{family}/{name}.py", f"tests/theory/claims/{family}"
    parts = [
        f"check `{claim.check.__name__}` and controls in [{code}](../../{code})",
        f"tests in [{tests}](../../{tests})",
    ]
    if claim.figure is not None:
        parts.append(f"figure by [figures/{claim.figure}.py](../../figures/{claim.figure}.py)")
    return ", ".join(parts)


def _witness_text(witness: Witness) -> str:
    return f"{witness.case}: {witness.label} is {witness.value}."


def _gathered(names: Sequence[str]) -> str:
    """The names, with random models, border cases and corpus sizes counted.

    >>> _gathered(["C4, N = 2", "C4, N = 3", "random table 1", "random table 2", "border: L constant"])
    'C4 (2); random tables (2); border cases'
    """
    seen: dict[str, int] = {}
    for name in names:
        stem = name.split(", N =")[0]
        if drawn := re.match(r"(random [a-z -]*[a-z]) \d+", stem):
            stem = drawn[1] if drawn[1].endswith("s") else f"{drawn[1]}s"
        stem = "border cases" if stem.startswith("border") else stem
        seen[stem] = seen.get(stem, 0) + 1
    return "; ".join(stem if count == 1 else f"{stem} ({count})" for stem, count in seen.items())


def witness_files(claims: Sequence[Claim], results: Sequence[Result]) -> dict[str, str]:
    """{path: specification} of every model that refutes a control and can be written down."""
    return {
        witness_file(claim.id, control.name): _headed(claim, control)
        for claim, result in zip(claims, results, strict=True)
        for control in result.controls
        if control.witness is not None and control.witness.spec
    }


def _headed(claim: Claim, control: ControlResult) -> str:
    """The specification, with what it shows as a comment above."""
    assert control.witness is not None
    shown = f"{control.witness.label} is {control.witness.value}"
    order = "The smallest model" if control.smallest else "A model"
    return (
        f"# {order} that refutes the control {control.name} of {claim.id}.\n"
        f"# The control {control.breaks}.\n# Here {shown}.\n\n{control.witness.spec.strip()}\n"
    )
