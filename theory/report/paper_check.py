"""paper_check.md: verdicts and exact numbers, written so that a reader of the paper may stop after the first page."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from theory.arithmetic.exact import power_of_ten_above
from theory.claims.claim import Claim, Result, Verdict, Witness
from theory.claims.correlation.models import PUBLISHED
from theory.files import JsonObject
from theory.report.markdown import markdown_table
from theory.report.records import GibbsAnalysis, PairAnalysis, SampledRecord, SweepRecord
from theory.report.samples import run_sections, sampled_line, sampled_section
from theory.report.studies import TRIGRAM_TEMPERATURES, AuditRow, ToyStudy, TrigramStudy, WordsStudy
from theory.report.sweep import percent, sweep_section

SENTENCES = {
    "A": "In corpora sampled from an aligned model, average reward and average log-likelihood trade off.",
    "B": "This has a formal treatment: in typical corpora the two averages sum to a constant.",
    "C": "The sampling adaptor chooses how much likelihood is exchanged for reward.",
}

"""The paper's three sentences."""

_MARK = {
    Verdict.PROVED: "proved",
    Verdict.CERTIFIED: "certified",
    Verdict.TESTED: "tested",
    Verdict.REFUTED: "REFUTED",
    Verdict.UNDECIDED: "UNDECIDED",
}


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
        _toy(report.toy),
        _words(report.words),
        _trigrams(report.trigrams),
        sweep_section(report.sweep),
        _audit(report),
        sampled_section(report.sampled),
        *run_sections(report.runs),
        _table(report),
        *(_section(claim, report.result(claim.id), report.sampled) for claim in report.claims),
    ]
    return "\n".join(part.strip() + "\n" for part in parts)


def as_json(claim: Claim, result: Result, sampled: SampledRecord) -> JsonObject:
    """One entry of ``probqual check --json``; ``sampled`` is what the recorded run of all comparisons says of it."""
    rows = sampled.of(claim.id)
    return {
        "id": result.id,
        "verdict": str(result.verdict),
        "evidence": result.evidence,
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
    counts = {verdict: sum(r.verdict is verdict for r in report.results) for verdict in _MARK}
    tally = ", ".join(f"{n} {_MARK[v]}" for v, n in counts.items() if n)
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
    return "(" + ", ".join(f"[{claim_id}](#{_anchor(claim_id)})" for claim_id in ids) + ")"


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


def _toy(toy: ToyStudy) -> str:
    rows = [
        ("entropy of p+", f"{toy.entropy:.10f}", f"{PUBLISHED['entropy']}", "agrees"),
        ("entropy of p", f"{toy.prior_entropy:.10f}", f"{PUBLISHED['prior_entropy']}", "agrees"),
        ("Pearson over strings, each counted once", f"{toy.unweighted_pearson:+.6f}", "+0.49", "agrees"),
        ("Spearman over strings, each counted once", f"{toy.unweighted_spearman:+.6f}", "+0.43", "agrees"),
        ("Pearson over strings under p+", f"{toy.pearson:+.6f}", "", "the law that corpora are drawn from; other sign"),
        ("varentropy V", f"{toy.varentropy:.6f}", "", ""),
        ("exchange coefficient b", f"{toy.exchange_coefficient:+.6f}", "", "inside [-1, 0]: cooling raises both"),
        (
            "P(typical), N = 100,000, eps = 0.001",
            f"{toy.typical_probability:.10f}",
            "213/1000",
            f"a count of 1,000 draws; its standard error is {_standard_error(toy):.3f}",
        ),
        ("correlation of corpora", f"{toy.pearson:+.6f}", "", "all corpora, at every N"),
        (
            "correlation of corpora given typical",
            f"{toy.conditional_correlation:+.9f}",
            "-0.92",
            "the published one is after an equal-count re-binning along L",
        ),
        ("the same, large-N limit", f"{toy.conditional_limit:+.9f}", "", "c = eps sqrt N kept"),
        (
            "the same, L re-binned to equal counts",
            f"{toy.rebinned_correlation:+.2f}",
            "-0.92",
            "a normal pair whose L is made uniform over the range of 213 corpora",
        ),
    ]
    table = markdown_table(("quantity", "exact", "published", "remark"), rows)
    return (
        "## The paper's toy\n\n"
        f"{table}\n\n"
        f"The exact column is rounded to the digits shown; P(typical) is by inversion, with an estimated error below "
        f"{power_of_ten_above(toy.typical_error)}. Two published figures differ, for stated reasons. 213 of 1,000 is a "
        "sample of a probability near 0.209. And -0.92 is measured after the typical corpora were re-binned to equal "
        "counts "
        "along L: that makes L uniform over its range and so stretches the cloud along the line; applied to the exact "
        f"correlation {toy.conditional_correlation:.4f} it gives about {toy.rebinned_correlation:.2f}."
    )


def _standard_error(toy: ToyStudy) -> float:
    p = toy.typical_probability
    return float((p * (1 - p) / PUBLISHED["corpora"]) ** 0.5)


def _words(studies: Sequence[WordsStudy]) -> str:
    lines = [
        "## Real words",
        "",
        f"The {studies[0].strings:,} words of the State of the Union speeches as strings of letters: prior = relative "
        "frequency, reward = VADER valence, adaptors act on the exact next-letter laws of p+. Beside each adaptor "
        "stands "
        "what it does to (E L, E R) against p+, decided by balls.",
        "",
        *_words_summary(studies),
        "",
        _words_moments(studies),
    ]
    for study in studies:
        lines += ["", f"### Words at beta = {study.beta}", "", _words_table(study), "", _carriers(study)]
    return "\n".join(lines)


def _words_summary(studies: Sequence[WordsStudy]) -> Iterator[str]:
    for study in studies:
        b = study.moments["exchange_coefficient"]
        where = "outside" if study.trades_off else "inside"
        turns = "; ".join(
            f"below T = {t.temperature:.4f} {t.quantity} {t.change} on further cooling" for t in study.turns
        )
        trading = [f"{row.normalise} {row.adaptor}" for row in study.rows if row.verdict.startswith("trades")]
        yield (
            f"- beta = {study.beta}: b = {b:+.6f}, {where} [-1, 0], so cooling at T = 1 "
            f"{'trades one for the other' if study.trades_off else 'moves both the same way'}. Along global "
            f"temperature "
            f"(T from 0.2 to 5): {turns or 'no change of sign'}. Trading against p+: "
            f"{', '.join(trading) or 'none of them'}."
        )


def _words_moments(studies: Sequence[WordsStudy]) -> str:
    keys = list(studies[0].moments)
    rows = [(f"beta = {s.beta}", *(f"{s.moments[key]:.6f}" for key in keys)) for s in studies]
    return markdown_table(("", *(key.replace("_", " ") for key in keys)), rows)


def _words_table(study: WordsStudy) -> str:
    p = study.moments
    rows = [("p+ itself", "", *(f"{p[k]:.4f}" for k in ("mean_log_prior", "mean_reward", "entropy")), "0", "")]
    rows += [
        (
            row.adaptor,
            row.normalise,
            f"{row.mean_log_prior:.4f}",
            f"{row.mean_reward:.4f}",
            f"{row.entropy:.4f}",
            f"{row.kl_to_aligned:.4f}",
            row.verdict,
        )
        for row in study.rows
    ]
    return markdown_table(("adaptor", "normalised", "E L", "E R", "H", "KL to p+", "against p+"), rows)


def _carriers(study: WordsStudy) -> str:
    shares = ", ".join(f"*{word}* {share:+.4f}" for word, share in study.carriers)
    return (
        f"Cov(R, I) = {study.cov_reward_surprisal:+.6f} decides the sign of dE R on cooling (negative: reward "
        f"rises). The "
        f"words that carry it, with their shares p+ (R - E R)(I - H): {shares}."
    )


def _trigrams(studies: Sequence[TrigramStudy]) -> str:
    keys = list(studies[0].moments)
    head = ("", *(key.replace("_", " ") for key in keys), "T_c", *(f"T = {t}" for t in TRIGRAM_TEMPERATURES))
    rows = [
        (
            f"beta = {s.beta}",
            *(f"{s.moments[key]:.6f}" for key in keys),
            f"{s.critical_temperature:.6f}",
            *("exists" if there else "no global law" for there in s.exists),
        )
        for s in studies
    ]
    sides = "; ".join(
        f"at beta = {s.beta} b = {s.moments['exchange_coefficient']:+.4f}, "
        f"{'no trade-off' if -1 <= s.moments['exchange_coefficient'] <= 0 else 'a trade-off'} at T = 1"
        for s in studies
    )
    return (
        "## Infinitely many strings\n\n"
        f"The letter-trigram model of the speeches' sentences ({studies[0].states} states, no longest string), with "
        f"the "
        "reward 1 per vowel and -1 per consonant over beta, which prefers open syllables. Every number comes from a "
        "matrix "
        f"in balls, none from a truncation: {sides}. Heating ends at the critical temperature T_c: above it the "
        f"weights "
        "p+ ** (1/T) of all strings have no finite sum and the globally normalised law does not exist.\n\n"
        + markdown_table(head, rows)
    )


def _audit(report: Report) -> str:
    """What the reference code computes where it departs from the definitions."""
    rows = []
    for row in report.audit:
        link = f"[audit.{row.name}](#{_anchor('audit.' + row.name)})"
        off = "" if row.off is None else _signed(row.off)
        rows.append((link, row.model, row.quantity, _signed(row.truth), _signed(row.computed), off))
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
        *(f"- [{claim.id}](#{_anchor(claim.id)}): {claim.remark}" for claim in report.claims if _audits(claim)),
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


def _signed(value: float | None) -> str:
    """Four decimals with a sign, an integer as it is."""
    if value is None:
        return "none"
    if value == int(value) and abs(value) > 2:
        return f"{value:.0f}"
    return f"{value:+.4f}" if abs(value) >= 1e-4 or value == 0 else f"{value:+.0e}"


def _table(report: Report) -> str:
    rows = []
    for claim, result in zip(report.claims, report.results, strict=True):
        residual = "" if result.residual is None else power_of_ten_above(result.residual)
        refuted = sum(control.verdict is Verdict.REFUTED for control in result.controls)
        link = f"[{claim.id}](#{_anchor(claim.id)})"
        sampled = len(report.sampled.of(claim.id))
        counted = f"{report.sampled.verdict(claim.id)} ({sampled})" if sampled else ""
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


def _section(claim: Claim, result: Result, sampled: SampledRecord) -> str:
    lines = [
        f"### {claim.id}",
        "",
        f"{claim.title}.",
        "",
        "$$" + claim.statement + "$$",
        "",
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


def _places(claim: Claim) -> str:
    """Links to the claim's proof sketch, its check and its controls, their tests, and its figure."""
    family, _, name = claim.id.replace("-", "_").partition(".")
    code, tests = f"theory/claims/{family}/{name}.py", f"tests/theory/claims/{family}"
    parts = [
        f"[sketch](docs/theory.md#{_anchor(claim.id)})",
        f"check `{claim.check.__name__}` and controls in [{code}]({code})",
        f"tests in [{tests}]({tests})",
    ]
    if claim.figure is not None:
        parts.append(f"figure by [figures/{claim.figure}.py](figures/{claim.figure}.py)")
    return ", ".join(parts)


# --- the table in README.md ---------------------------------------------------------------------------------------

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
        counts = {verdict: sum(r.verdict is verdict for r in own) for verdict in _MARK}
        tally = ", ".join(f"{n} {_MARK[v]}" for v, n in counts.items() if n)
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


def _anchor(claim_id: str) -> str:
    return claim_id.replace(".", "")
