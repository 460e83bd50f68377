"""The table of all claims, and the section of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from theory.arithmetic.exact import power_of_ten_above
from theory.claims.claim import Claim
from theory.claims.grades import Verdict
from theory.claims.running import Result, Witness
from theory.report.markdown import markdown_table
from theory.report.records import SampledRecord
from theory.report.samples import sampled_line

MARK = {
    Verdict.PROVED: "proved",
    Verdict.CITED: "cited",
    Verdict.SYMBOLIC: "symbolic",
    Verdict.CERTIFIED: "certified",
    Verdict.TESTED: "tested",
    Verdict.REFUTED: "REFUTED",
    Verdict.UNDECIDED: "UNDECIDED",
}


def claims_table(claims: Sequence[Claim], results: Sequence[Result], sampled: SampledRecord) -> str:
    """Every claim in a line."""
    rows = []
    for claim, result in zip(claims, results, strict=True):
        residual = "" if result.residual is None else power_of_ten_above(result.residual)
        refuted = sum(control.verdict is Verdict.REFUTED for control in result.controls)
        link = f"[{claim.id}](#{anchor(claim.id)})"
        count = len(sampled.of(claim.id))
        counted = f"{sampled.verdict(claim.id)} ({count})" if count else ""
        rows.append((link, claim.title, str(result.verdict), residual, f"{refuted} of {len(result.controls)}", counted))
    legend = (
        "PROVED: by computer algebra, and certified on the named cases. CERTIFIED: in rationals or in balls, on the "
        "named "
        "cases. TESTED: within a stated tolerance, towards a limit. A control is the claim with one thing broken; it "
        "must "
        "be refuted. Residual: an upper bound of every identity's error. SAMPLED: the exact values lie in the "
        "intervals of so many comparisons with draws."
    )
    table = markdown_table(("claim", "what it says", "verdict", "residual", "controls refuted", "sampled"), rows)
    return f"## All claims\n\n{legend}\n\n{table}"


_SHOWN_ROWS = 4
"""Comparisons shown in a claim's section; all of them are in the record."""


def claim_section(claim: Claim, result: Result, sampled: SampledRecord) -> str:
    """A claim: what it says, its verdict, what it rests on, and its controls with their witnesses."""
    lines = [
        f"### {claim.id}",
        "",
        f"{claim.title}.",
        "",
        *_clauses(result, claim),
        f"- Verdict: **{result.verdict}**, {result.evidence}.",
        f"- Hypotheses: {'; '.join(claim.hypotheses)}.",
        f"- Cases: {_gathered(result.instances)}.",
    ]
    if claim.figure is not None:
        lines += ["", f"![{claim.id}](figures/{claim.figure}.png)", ""]
    if result.residual is not None:
        lines.append(f"- Worst residual of an identity: at most {power_of_ten_above(result.residual)}.")
    if result.proved:
        lines.append(f"- Proved symbolically: {'; '.join(result.proved)}.")
    lines.append(f"- Where: {_places(claim)}.")
    rows = sampled.of(claim.id)
    lines += [sampled_line(row) for row in rows[:_SHOWN_ROWS]]
    if len(rows) > _SHOWN_ROWS:
        lines.append(f"- Sampled: {len(rows) - _SHOWN_ROWS} more comparisons, {sampled.verdict(claim.id)}.")
    lines.append(f"- Source: {claim.source}.")
    if claim.remark:
        lines.append(f"- Remark: {claim.remark}")
    lines += [f"- FAILS: {_witness_text(failure)}" for failure in result.failures]
    for control in result.controls:
        found = "no witness" if control.witness is None else _witness_text(control.witness)
        order = "smallest witness" if control.smallest else "witness"
        check = next(c.check.__name__ for c in claim.controls if c.name == control.name)
        broken = f"- Control *{control.name}* (`{check}`): {control.breaks}."
        lines.append(f"{broken} **{control.verdict}**, {order}: {found}")
        if control.witness is not None and control.witness.spec and len(control.witness.spec) < _LONGEST_SPEC:
            lines += ["", *(f"      {line}".rstrip() for line in control.witness.spec.strip().splitlines()), ""]
    return "\n".join(lines)


_LONGEST_SPEC = 900


def _clauses(result: Result, claim: Claim) -> Iterator[str]:
    """Each clause with its formula, its grade and its evidence."""
    for clause, found in zip(claim.clauses, result.clauses, strict=True):
        yield f"- **{found.shown}**: {clause.text}. Evidence: {found.evidence}."
        if clause.formula:
            yield from ("", "$$" + clause.formula + "$$", "")


def _places(claim: Claim) -> str:
    """Links to the claim's proof sketch, its check and its controls, their tests, and its figure."""
    family, _, name = claim.id.replace("-", "_").partition(".")
    code, tests = f"theory/claims/{family}/{name}.py", f"tests/theory/claims/{family}"
    parts = [
        f"[sketch](docs/theory.md#{anchor(claim.id)})",
        f"check `{claim.check.__name__}` and controls in [{code}]({code})",
        f"tests in [{tests}]({tests})",
    ]
    if claim.figure is not None:
        parts.append(f"figure by [figures/{claim.figure}.py](figures/{claim.figure}.py)")
    return ", ".join(parts)


def _witness_text(witness: Witness) -> str:
    return f"{witness.case}: {witness.label} is {witness.value}."


def _gathered(names: Sequence[str]) -> str:
    """The names, runs of random laws, of borders and of corpus sizes gathered."""
    seen: dict[str, int] = {}
    for name in names:
        stem = name.split(", N =")[0]
        for kind in ("random table", "random tree", "border"):
            stem = f"{kind}s" if stem.startswith(kind) else stem
        seen[stem] = seen.get(stem, 0) + 1
    return ", ".join(stem if count == 1 else f"{stem} ({count})" for stem, count in seen.items())


def anchor(claim_id: str) -> str:
    """The anchor of a claim\'s heading."""
    return claim_id.replace(".", "")
