"""paper_check.md: what stands of each sentence of the abstract, on one page, and the table of all claims."""

from __future__ import annotations

from collections.abc import Iterator

from theory.claims.claim import Claim
from theory.claims.grades import Verdict
from theory.claims.running import ControlResult, Result
from theory.report.claims import claims_table, grades_table, linked, tally, witness_file
from theory.report.engines_page import engines_section
from theory.report.markdown import markdown_table
from theory.report.models import toy_section
from theory.report.real_models import real_models_section
from theory.report.reference_code import COMMIT
from theory.report.report import Report
from theory.report.sentences import ABSTRACT, CAPTIONS, STANDS, SUMMARY, Sentence

TELLING = {
    "A": (
        "correlation.iid",
        "correlation.sharp",
        "correlation.typical",
        "correlation.measure",
        "metropolis.corpora",
        "simpson.crossing",
    ),
    "B": (
        "line.identity",
        "line.concentration",
        "line.hypotheses",
        "prompts.variance",
    ),
    "C": (
        "adaptors.exchange",
        "adaptors.family",
        "adaptors.budget",
        "adaptors.none",
        "adaptors.interior",
        "adaptors.local-global",
        "adaptors.gauge",
    ),
}
"""The claims that settle each sentence of the abstract; the others are in the table of all claims."""

RESULTS = "docs/results"
"""Where the pages on single models, on samples and on the reference code stand."""


def markdown(report: Report) -> str:
    """The whole of paper_check.md."""
    parts = [
        _opening(report),
        _pictures(report),
        _sentences(report),
        toy_section(report.toy),
        real_models_section(report.runs, RESULTS),
        *([engines_section(report.engines)] if report.engines else []),
        _reading(),
        _all_claims(report),
    ]
    return "\n".join(part.strip() + "\n" for part in parts)


def _opening(report: Report) -> str:
    warning = "".join(f"**{line}**\n\n" for line in _fallen(report))
    lines = "\n".join(f"{k}. {_with_links(one, report)}" for k, one in enumerate(SUMMARY, start=1))
    return (
        "# What the paper establishes\n\n"
        "Tan et al., *A Probability-Quality Trade-off in Aligned Language Models and its Relation to Sampling "
        "Adaptors*, EMNLP 2024 (arXiv 2406.10203), checked on models whose laws are known exactly. At hand were the "
        f"paper's abstract and its public code at commit {COMMIT}, not the paper's text. So the statements below are "
        "this project's formalisation of the abstract, and none is given a theorem number of the paper.\n\n"
        "L is the log-likelihood of a string under the prior p, and R its reward over beta. p+ = p e^R / Z is the "
        "aligned law, and I = -log p+ = log Z - L - R the surprisal under it, with mean H (the entropy) and variance V "
        "(the varentropy). A corpus is N independent strings from p+; a bar is its average. It is typical if "
        "|Ibar - H| < eps. Cooling lowers T, which replaces p+ by p+^(1/T), normalised over whole strings (globally) "
        "or token by token (locally). It trades R for L if E R falls and E L rises, or L for R. C1, C2, ... are "
        "[small models](docs/theory.md). Everything is in nats. Written by `probqual check`.\n\n"
        f"{warning}{lines}"
    )


def _with_links(sentence: Sentence, report: Report) -> str:
    links = ", ".join(linked(claim_id) for claim_id in sentence.claims())
    return f"{sentence.text(report)} ({links})" if links else sentence.text(report)


def _fallen(report: Report) -> Iterator[str]:
    """What is not as it should be, by name: the lines below it are then not established."""
    for result in report.results:
        if not result.as_expected:
            loose = ", ".join(f"{c.name} is {c.verdict}" for c in result.controls if c.verdict is not Verdict.REFUTED)
            yield f"Not established: {result.id} is {result.verdict}" + (f"; its control {loose}." if loose else ".")
    for row in report.sampled.comparison.rows:
        if row.verdict != "SAMPLED":
            yield f"Not confirmed by sampling: {row.claim}, {row.what}: {row.verdict}."


def _pictures(report: Report) -> str:
    """The most telling figures."""
    return "\n\n".join(f"![{one.name}](figures/{one.name}.png)\n\n*{one.text(report)}*" for one in CAPTIONS)


def _sentences(report: Report) -> str:
    lines = [
        "## The abstract, clause by clause",
        "",
        "Each row is a claim's first clause with its grade. The last column breaks one thing and names a model that "
        "refutes the broken claim; p and e^R are given up to factors. Where the search was exhaustive it is the "
        "smallest: by number of strings, then by the sum of the integer weights. Trees are in parentheses, a dot for a "
        "string: in (. (. .)) a string stands beside a prefix with two continuations.",
        "",
    ]
    for letter, quote in ABSTRACT.items():
        lines += [
            f'### {letter}. "{quote}"',
            "",
            f"*What stands.* {STANDS[letter].text(report)}",
            "",
            _standing(report, letter),
            "",
        ]
    return "\n".join(lines)


def _standing(report: Report, letter: str) -> str:
    rows = []
    for claim_id in TELLING[letter]:
        claim, result = report.claim(claim_id), report.result(claim_id)
        rows.append((f"{claim.title} ({linked(claim_id)})", _grade(result), _broken(claim, result)))
    return markdown_table(("finding", "grade", "with one thing broken"), rows)


def _grade(result: Result) -> str:
    """The grade of the first clause; the verdict of the claim in bold where it does not stand."""
    return result.clauses[0].shown if result.as_expected else f"**{result.verdict}**"


def _broken(claim: Claim, result: Result) -> str:
    """The first control whose witness is the smallest there is, else the first: what it breaks, and the model."""
    shown: ControlResult | None = next((c for c in result.controls if c.smallest), None)
    shown = shown or result.controls[0]
    if shown.witness is None:
        return f"{shown.breaks}: no model found"
    case = shown.witness.case
    if shown.witness.spec:
        case = f"[{case.replace('[', '(').replace(']', ')')}]({witness_file(claim.id, shown.name)})"
    return f"{shown.breaks}: {case}"


def _reading() -> str:
    return (
        "## How to read it\n\n"
        "Each clause of a claim has a grade that says what evidence there is for it. A claim's verdict is its weakest "
        "clause's; PROVED is kept for claims whose clauses are all machine-checked for every model or textbook "
        "theorems. [How to read a verdict](docs/verdicts.md) has the rest. More "
        f"results: [real words, letter by letter]({RESULTS}/words.md), "
        f"[real words, infinitely many strings]({RESULTS}/speeches.md), "
        f"[random models]({RESULTS}/random-models.md), [the reference code, modelled]({RESULTS}/reference-code.md), "
        f"[engines]({RESULTS}/engines.md), [exact against sampled]({RESULTS}/sampled.md)."
    )


def _all_claims(report: Report) -> str:
    return "\n\n".join(
        (
            "## All claims",
            grades_table(report.results),
            "Residual: an upper bound on the error of every identity. Controls: the claim with one thing broken; each "
            "must be refuted. SAMPLED (n): in n comparisons with draws the exact value lies in the interval.",
            claims_table(report.claims, report.results, report.sampled),
        )
    )


README_MARKS = ("<!-- written by probqual check -->", "<!-- end -->")


def readme_table(report: Report) -> str:
    """What stands of each sentence, in a line, with the verdicts of its claims."""
    rows = []
    for letter, quote in ABSTRACT.items():
        own = [r for c, r in zip(report.claims, report.results, strict=True) if c.sentence == letter]
        stands = (
            STANDS[letter].text(report) if all(r.as_expected for r in own) else "Not established: see paper_check.md."
        )
        rows.append((f'{letter}. "{quote}"', stands, f"{len(own)}: {tally(own)}"))
    return markdown_table(("the abstract says", "what stands", "claims"), rows)


def with_table(readme: str, report: Report) -> str:
    """The text of README.md with the table between its marks replaced.

    Raises:
        ValueError: the marks are not there.
    """
    before, found, rest = readme.partition(README_MARKS[0])
    _, ended, after = rest.partition(README_MARKS[1])
    if not (found and ended):
        raise ValueError(f"README.md lacks the marks {README_MARKS[0]} and {README_MARKS[1]}")
    return f"{before}{found}\n\n{readme_table(report)}\n\n{ended}{after}"
