"""paper_check.md: verdicts and exact numbers, written so that a reader of the paper may stop after the first page."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from theory.claims.claim import Claim
from theory.claims.correlation.models import PUBLISHED
from theory.claims.grades import Verdict
from theory.claims.running import Result
from theory.files import JsonObject
from theory.report.claims import MARK, anchor, claim_section, claims_table
from theory.report.markdown import markdown_table
from theory.report.models import signed, toy_section, trigrams_section, words_section
from theory.report.records import GibbsAnalysis, PairAnalysis, SampledRecord, SweepRecord
from theory.report.samples import run_sections, sampled_section
from theory.report.studies import AuditRow, ToyStudy, TrigramStudy, WordsStudy
from theory.report.sweep import percent, sweep_section

SENTENCES = {
    "A": "In corpora sampled from an aligned model, average reward and average log-likelihood trade off.",
    "B": "This has a formal treatment: in typical corpora the two averages sum to a constant.",
    "C": "The sampling adaptor chooses how much likelihood is exchanged for reward.",
}
"""The paper's three sentences."""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that paper_check.md is written from."""

    claims: Sequence[Claim]
    results: Sequence[Result]
    toy: ToyStudy
    words: Sequence[WordsStudy]
    trigrams: Sequence[TrigramStudy]
    audit: Sequence[AuditRow]
    sampled: SampledRecord
    runs: Mapping[str, PairAnalysis | GibbsAnalysis]
    sweep: SweepRecord

    def result(self, claim_id: str) -> Result:
        """The result of one claim."""
        return next(result for result in self.results if result.id == claim_id)

    def smallest(self, claim_id: str, control: str) -> str:
        """The witness of a control, in words."""
        found = next(c for c in self.result(claim_id).controls if c.name == control)
        if found.witness is None:
            return "no model found"
        order = "the smallest model" if found.smallest else "a model"
        return f"{order}: {found.witness.case}"


def markdown(report: Report) -> str:
    """The whole of paper_check.md."""
    parts = [
        _opening(report),
        _pictures(),
        _sentences(report),
        toy_section(report.toy),
        words_section(report.words),
        trigrams_section(report.trigrams),
        sweep_section(report.sweep),
        _audit(report),
        sampled_section(report.sampled),
        *run_sections(report.runs),
        claims_table(report.claims, report.results, report.sampled),
        *(claim_section(claim, report.result(claim.id), report.sampled) for claim in report.claims),
    ]
    return "\n".join(part.strip() + "\n" for part in parts)


def as_json(claim: Claim, result: Result, sampled: SampledRecord) -> JsonObject:
    """One entry of ``probqual check --json``; ``sampled`` is what the recorded run of all comparisons says of it."""
    rows = sampled.of(claim.id)
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
        if rows
        else None,
    }


def _opening(report: Report) -> str:
    toy, words = report.toy, {str(study.beta): study for study in report.words}
    controls = sum(len(result.controls) for result in report.results)
    counts = {verdict: sum(r.verdict is verdict for r in report.results) for verdict in MARK}
    tally = ", ".join(f"{n} {MARK[v]}" for v, n in counts.items() if n)
    trading = "; ".join(
        f"at beta = {beta} b = {study.moments['exchange_coefficient']:+.3f}: "
        f"{'it does' if study.trades_off else 'it does not'}"
        for beta, study in words.items()
    )
    lines = [
        "The line is real: log-likelihood and reward averages of every corpus sum to log Z - Ibar, and Ibar "
        "concentrates "
        "at the entropy H (line.identity, line.concentration).",
        "The line is not yet a trade-off: for independent strings the corpus correlation equals the string correlation "
        "at every N, so averaging alone creates none (correlation.iid).",
        "What turns the sign in the paper's toy is the measure: counted once each its strings correlate "
        f"{toy.unweighted_pearson:+.4f}, under p+ itself {toy.pearson:+.4f} (correlation.measure).",
        "Keeping only typical corpora does push the correlation towards -1, in the toy to "
        f"{toy.conditional_correlation:.4f}; at fixed eps more data takes it back (correlation.typical).",
        f"The toy's share of typical corpora is {toy.typical_probability:.10f} in all digits shown, where the "
        f"notebook counted {PUBLISHED['typical']} of {PUBLISHED['corpora']} (line.exact-typicality).",
        "At T = 1 temperature trades likelihood for reward exactly where b = Cov(L, I)/V lies outside [-1, 0]; inside, "
        "both move together (adaptors.exchange).",
        f"On the words of the State of the Union speeches, does cooling at T = 1 trade? {trading}.",
        "Some aligned models have no trade-off under any temperature or truncation (adaptors.none).",
        "Every law q spends one budget, E L + E R + H(q) <= log Z; adaptors differ in the entropy they spend, not in "
        "an "
        "exchange rate of one to one (adaptors.budget).",
        f"Among {report.sweep.models:,} random models cooling at T = 1 trades in "
        f"{percent(report.sweep.trades)}, and of those whose strings have a negative covariance in "
        f"{percent(report.sweep.negative_covariance)}.",
        "Where the public reference code departs from the definitions, the procedure that it follows is carried out "
        f"on models whose truth is known; {_turning(report.audit)}.",
        f"{len(report.results)} claims: {tally}. {controls} controls, each the claim with one thing broken, all of "
        f"which "
        f"must be refuted: {sum(c.verdict is Verdict.REFUTED for r in report.results for c in r.controls)} refuted.",
    ]
    head = (
        "# What the paper establishes\n\n"
        "Tan et al., *A Probability-Quality Trade-off in Aligned Language Models and its Relation to Sampling "
        "Adaptors*, "
        "EMNLP 2024 (arXiv 2406.10203), checked on models whose laws are known exactly. L is the log-likelihood of a "
        "string under the prior p, R its reward over beta, I = -log p+ its surprisal under the aligned law p+, H and "
        "V the "
        "mean and variance of I under p+; nats throughout. The statements are this project's formalisation of the "
        "paper's sentences. Written by `probqual check`; `probqual check --verify` compares it with the code.\n"
    )
    warning = "".join(f"**{line}**\n\n" for line in _fallen(report))
    return head + "\n" + warning + "\n".join(f"{k}. {line}" for k, line in enumerate(lines, start=1))


def _fallen(report: Report) -> Iterator[str]:
    """What is not as it should be, by name: the lines below it are then not established."""
    for result in report.results:
        if not result.as_expected:
            loose = ", ".join(f"{c.name} is {c.verdict}" for c in result.controls if c.verdict is not Verdict.REFUTED)
            yield f"Not established: {result.id} is {result.verdict}" + (f"; its control {loose}." if loose else ".")
    for row in report.sampled.comparison.rows:
        if row.verdict != "SAMPLED":
            yield f"Not confirmed by sampling: {row.claim}, {row.what}: {row.verdict}."


_TELLING = (
    ("toy", "The toy: what the measure, typicality and re-binning each do to the correlation."),
    ("exchange", "Where temperature trades off: everywhere outside the grey."),
    ("plane", "What adaptors reach in the plane of the two means."),
)


def _pictures() -> str:
    """The three most telling figures."""
    return "\n\n".join(f"![{name}](figures/{name}.png)\n\n*{caption}*" for name, caption in _TELLING)


def _sentences(report: Report) -> str:
    lines = [
        "## Sentence by sentence",
        "",
        "Smallest means first by number of strings, then by the sum of the integer weights of p and e^R, after an "
        "exhaustive search. Trees are drawn in brackets, a dot for a string: in [. [. .]] a string stands beside a "
        "prefix with two continuations.",
        "",
    ]
    for letter, sentence in SENTENCES.items():
        lines += [f"**{letter}. {sentence}**", "", *(f"- {line}" for line in _standing(report, letter)), ""]
    return "\n".join(lines)


def _standing(report: Report, letter: str) -> Iterator[str]:
    """What of a sentence holds, what needs a hypothesis, with the smallest model without it, and what is false."""
    return {"A": _of_averages, "B": _of_the_line, "C": _of_adaptors}[letter](report)


def _links(*ids: str) -> str:
    return "(" + ", ".join(f"[{claim_id}](#{anchor(claim_id)})" for claim_id in ids) + ")"


def _of_averages(report: Report) -> Iterator[str]:
    """Sentence A."""
    yield (
        "*Holds* where the varentropy is small, V < max(Var L, Var R), and among typical corpora of a narrow band: the "
        f"correlation is then negative, with a sharp bound {_links('correlation.sharp', 'correlation.typical')}."
    )
    positive = report.smallest("correlation.iid", "averaging-reverses")
    yield (
        "*Needs* the conditioning. Without it averaging leaves the string correlation as it is, positive ones included "
        f"({positive}); at a fixed width of the band more data takes the effect away "
        f"{_links('correlation.iid', 'correlation.typical')}."
    )
    turned = report.smallest("metropolis.corpora", "iid-sign")
    yield (
        "*Needs* independent strings from one law. A working Metropolis chain turns a positive correlation negative by "
        f"itself ({turned}); corpora from different adaptors change sign with their size "
        f"{_links('metropolis.corpora', 'simpson.crossing')}."
    )
    measured = report.smallest("correlation.measure", "same-sign")
    yield (
        "*False* as a statement on averages of any aligned model, and not shown by the toy's change of sign: that is a "
        f"change of measure ({measured}), and rank correlation changes sign by itself "
        f"{_links('correlation.measure', 'correlation.rank', 'correlation.bootstrap')}."
    )


def _of_the_line(report: Report) -> Iterator[str]:
    """Sentence B."""
    yield (
        "*Holds* for every corpus as Lbar + Rbar = log Z - Ibar, and Ibar concentrates at H, at the exact Cramer rate; "
        f"temperature is the cheapest way off the line {_links('line.identity', 'line.concentration', 'line.rate')}."
    )
    yield (
        "*Needs* V < inf. With p+(n) proportional to 1/(n log^3 n) the entropy is finite and V is not; with "
        f"1/(n log^2 n) there is no line {_links('line.hypotheses')}."
    )
    yield (
        "*Needs* one prompt, or the constant becomes a mean over prompts and the spread gains theirs "
        f"{_links('prompts.variance', 'prompts.identification')}."
    )
    yield (
        "*Not exact* at any N: the sum is within eps with a probability that is computed, not bounded, and the "
        "Chebyshev sample size is several times too large "
        f"{_links('line.exact-typicality', 'line.sample-size')}."
    )


def _of_adaptors(report: Report) -> Iterator[str]:
    """Sentence C."""
    yield (
        "*Holds* for globally normalised temperature exactly when b = Cov(L, I)/V lies outside [-1, 0]; changing beta "
        f"chooses the rate of exchange {_links('adaptors.exchange', 'adaptors.family')}."
    )
    negative, local = (report.smallest("adaptors.exchange", name) for name in ("negative-suffices", "local"))
    token_level = report.smallest("adaptors.truncation", "token-level")
    yield (
        f"*Needs* b outside [-1, 0]: a negative covariance does not suffice ({negative}). *Needs* global "
        f"normalisation: locally normalised temperature can lower E L + E R on cooling ({local}), and whole-string "
        f"truncation gains what token truncation need not ({token_level}) "
        f"{_links('adaptors.exchange', 'adaptors.truncation', 'adaptors.local-global')}."
    )
    gauge = report.smallest("adaptors.gauge", "gauge-invariant")
    yield (
        '*Needs* the weights to be fixed: "globally normalised" is any law on the support otherwise '
        f"({gauge}) {_links('adaptors.gauge')}."
    )
    one_to_one = report.smallest("adaptors.budget", "one-to-one")
    yield (
        "*False* that every adaptor exchanges likelihood for reward, or one for one: on C1 and C3 no temperature and "
        "no truncation does, and p+ itself is dominated in both "
        f"{_links('adaptors.none', 'adaptors.interior')}; the sum moves with the entropy spent ({one_to_one}) "
        f"{_links('adaptors.budget')}."
    )


def _audit(report: Report) -> str:
    """What the reference code computes where it departs from the definitions."""
    rows = []
    for row in report.audit:
        link = f"[audit.{row.name}](#{anchor('audit.' + row.name)})"
        off = "" if row.off is None else signed(row.off)
        rows.append((link, row.model, row.quantity, signed(row.truth), signed(row.computed), off))
    table = markdown_table(("departure", "model", "quantity", "true", "computed", "off by"), rows)
    lines = [
        "## The reference code, modelled",
        "",
        "The public repository tanyjnaaman/probability-quality-paradox at commit ccec1ac was read, not run. Where it "
        "departs from the definitions, the procedure that it follows is carried out exactly here on models whose truth "
        "is known: written from a description, without any of its code. This says what the procedure, as read, does to "
        "such models. It does not say which results of the paper were made by it, nor how large the effect was there.",
        "",
        table,
        "",
        "What each could produce by itself:",
        "",
        *(f"- [{claim.id}](#{anchor(claim.id)}): {claim.remark}" for claim in report.claims if _audits(claim)),
    ]
    return "\n".join(lines)


def _turning(rows: Sequence[AuditRow]) -> str:
    """Which departures have rows where a correlation comes out with the other sign."""
    names = dict.fromkeys(
        f"audit.{row.name}"
        for row in rows
        if row.quantity.startswith("Corr") and row.truth is not None and row.computed is not None
        if row.truth * row.computed < 0
    )
    return f"{len(names)} departures by themselves turn the sign of a correlation" + (
        f" ({', '.join(names)})" if names else ""
    )


def _audits(claim: Claim) -> bool:
    return claim.id.startswith("audit.")


_STANDS = {
    "A": "Not by averaging: independent corpora correlate as their strings do, at every N. Close to the line they do.",
    "B": "Every corpus obeys it up to its mean surprisal, which concentrates where the varentropy is finite.",
    "C": "At T = 1 temperature trades exactly where b = Cov(L, I)/V is outside [-1, 0]; on some models none does.",
}


README_MARKS = ("<!-- written by probqual check -->", "<!-- end -->")


def readme_table(report: Report) -> str:
    """What stands of each sentence, in a line, with the verdicts of its claims."""
    rows = []
    for letter, sentence in SENTENCES.items():
        own = [r for c, r in zip(report.claims, report.results, strict=True) if c.sentence == letter]
        counts = {verdict: sum(r.verdict is verdict for r in own) for verdict in MARK}
        tally = ", ".join(f"{n} {MARK[v]}" for v, n in counts.items() if n)
        stands = _STANDS[letter] if all(r.as_expected for r in own) else "Not established: see paper_check.md."
        rows.append((f"{letter}. {sentence}", stands, f"{len(own)}: {tally}"))
    return markdown_table(("the paper says", "what stands", "claims"), rows)


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
