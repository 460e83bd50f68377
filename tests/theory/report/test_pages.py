"""The generated pages from made-up results: every claim has one, failures show, and no number depends on a CPU."""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from flint import fmpq

from simulations.agreement.faults import FAULTS
from theory.claims.claim import Claim
from theory.claims.grades import Grade, Verdict
from theory.claims.registry import claims, repeated
from theory.claims.running import ClauseResult, ControlResult, Result, Witness
from theory.report.claims import page_of, witness_file
from theory.report.coverage import coverage_page
from theory.report.ngrams import AdaptorRow as LawRow
from theory.report.ngrams import NGramStudy, RewardRow, told
from theory.report.pages import FRONT, pages
from theory.report.paper_check import TELLING
from theory.report.records import (
    AdaptorDirections,
    ClaimOutcomes,
    ComparisonRecord,
    CoverageRecord,
    Covered,
    CoveredDesign,
    FalseAlarms,
    LabelledShare,
    NoticedFault,
    Power,
    SampledRecord,
    SampledRow,
    Seeds,
    Share,
    SignTurn,
    SweepFileRecord,
    SweepRecord,
    Training,
    TrainingStep,
    sampled_record,
    sweep_steps_record,
)
from theory.report.report import Report, as_json
from theory.report.sentences import ABSTRACT, SUMMARY
from theory.report.studies import AdaptorRow, AuditRow, ToyStudy, TrigramStudy, Turn, WordsStudy

CLAIMS = claims()
REPEATED = repeated()

SECONDS, RESIDUAL = 123.456, 3.3e-61
SPEC = '[prior]\nkind = "table"\n\nstrings = ["x", "y"]\n'
WITNESS = Witness("p = (1, 2), e^R = (1, 2)", "x = 0", "-1/3", SPEC)

TOY = ToyStudy(
    entropy=5.0053,
    prior_entropy=6.869,
    unweighted_pearson=0.4856,
    unweighted_spearman=0.4274,
    pearson=-0.1294,
    varentropy=1.424,
    exchange_coefficient=-0.018,
    typical_probability=0.20899,
    typical_error=2.5e-13,
    conditional_correlation=-0.8119,
    conditional_limit=-0.8119,
    rebinned_correlation=-0.91,
)
MOMENTS = {
    "log_partition": 0.1,
    "entropy": 6.0,
    "varentropy": 5.0,
    "mean_log_prior": -7.0,
    "mean_reward": 1.0,
    "var_log_prior": 4.0,
    "var_reward": 0.5,
    "correlation": -0.2,
    "exchange_coefficient": -1.25,
}
WORDS = WordsStudy(
    beta=fmpq(1, 2),
    strings=24937,
    moments=MOMENTS,
    rows=(AdaptorRow("temperature 1/2", "global", -6.5, 0.75, 5.5, 0.25, "trades R for L"),),
    turns=(Turn(0.5, "E R", "rises"),),
    carriers=(("peace", 0.125), ("war", -0.0625)),
    cov_reward_surprisal=0.5,
)
SPEECHES = NGramStudy(
    contexts=10,
    tokens=99,
    arcs=250,
    least_sum=0.9964,
    most_sum=1.0,
    total=0.98554,
    rows=(
        RewardRow("valence", fmpq(10), 150.0, 20500.0, -151.0, 0.25, -1.5, -0.65, 1.007, 2.6862, "peace"),
        RewardRow("words", fmpq(30), 630.0, 387000.0, -633.0, 4.3, -0.5, -0.99, 1.0016, 24.3458, "war"),
    ),
    adapted=(
        LawRow("temperature 9/10", "global", "OK", -15.0, 0.02, 13.0, 1.9, "trades R for L", 0.0),
        LawRow("top_k 50", "local", "OK", -95.0, 0.3, 82.0, 12.0, "raises both", 0.0),
        LawRow("top_k 1", "local", "LEAKS", None, None, None, None, "", 0.75),
    ),
)

SAMPLED = SampledRecord(
    ComparisonRecord(
        seed=3,
        draws=1000,
        corpora=100,
        budget=1e-6,
        spent=1e-6,
        differing=0,
        rows=(
            SampledRow("adaptors.exchange", "C4: E L", -1.5, -1.49, -1.51, -1.47, 1e-6, 1000, "SAMPLED"),
            SampledRow(
                "line.identity", "log p as scored: largest difference", 0.0, 3e-13, -1e-9, 3e-13, 0.0, 50, "SAMPLED"
            ),
        ),
        device=None,
        plant=None,
        dpo=Training(40, -0.5, 0.25, (TrainingStep(0, 0.6931, 0.25, 0.125, -1.0, None, 2e-9),)),
        faults=(
            NoticedFault("always-accept", "accepts every proposal", 5, ("metropolis.ratio",)),
            NoticedFault("unseen", "nothing", 0, ()),
        ),
    ),
    FalseAlarms(
        date="2026-01-02",
        seeds=Seeds("1", 1, 10),
        runs=10,
        comparisons=1410,
        alarms=(),
        seconds=60,
        power=Power(530000, 0.01, 1e-6, 100, {"32": 99}),
    ),
)

AUDIT = (
    AuditRow("accept-all", "C2", "E L", -1.5, -1.25, 0.25),
    AuditRow("prior-without-prompt", "two prompts", "Corr(L, R)", None, -0.125, None),
    AuditRow("hidden-top-k", "the toy", "strings kept", 194.0, 46.0, -148.0),
    AuditRow("clamped-nll", "two strings", "E R", 0.5, 0.5, 6.3e-17),
)

SHARE = Share(count=1, of=4, value=0.25, low=0.0063, high=0.806)


def labelled(label: str, value: float = 0.25) -> LabelledShare:
    return LabelledShare(label=label, **(asdict(SHARE) | {"value": value}))


SWEEP = SweepRecord(
    key="0" * 64,
    sweep=SweepFileRecord(
        models=1234,
        chunk=500,
        seed=1,
        claims=("line.identity",),
        betas=("1/2", "1"),
        levels=12,
        step="1/4",
        corpus=100,
        band="1/2",
        families=(("table", ((2,), (8,)), 12),),
        adaptors=(("top_k", "2", "local"),),
    ),
    models=1234,
    strings=5678,
    level=0.95,
    undecided=0,
    still=0,
    trades=SHARE,
    by_strings=(labelled("2"), labelled("8", 0.125)),
    by_beta=(labelled("1/2"), labelled("1")),
    by_correlation=(labelled("-0.9"), labelled("0.9")),
    by_beta_and_correlation=(),
    negative_covariance=SHARE,
    turns=(
        SignTurn(
            name="once",
            dropped="strings counted once",
            claim="correlation.measure",
            turns=SHARE,
            from_positive=SHARE,
            from_negative=SHARE,
        ),
    ),
    adaptors=(
        AdaptorDirections(
            adaptor="top_k 2", normalise="local", counts={"raises both": 4321}, trades=SHARE, lowers_both=SHARE
        ),
    ),
    claims=(ClaimOutcomes(id="line.identity", holds=1234, silent=0, undecided=0, fails=0),),
    witnesses=(),
)

STEPS = sweep_steps_record()

TRIGRAMS = TrigramStudy(
    fmpq(1), 632, {"entropy": 22.0, "exchange_coefficient": -0.997}, 1.0537, (True, True, False, False)
)


def made_up(claim: Claim) -> Result:
    """A result with which all is well."""
    controls = (ControlResult(c.name, c.breaks, Verdict.REFUTED, WITNESS, c.smallest) for c in claim.controls)
    return Result(
        id=claim.id,
        verdict=Verdict.CERTIFIED,
        evidence="7 findings on 2 cases",
        instances=("C1", "random table 1", "random table 2", "random tree 1", "C4, N = 2", "C4, N = 3"),
        residual=RESIDUAL,
        seconds=SECONDS,
        controls=tuple(controls),
        clauses=tuple(ClauseResult(c.name, c.text, Grade.CERTIFIED, "", "6 findings", 1) for c in claim.clauses),
    )


def covered(place: str, printed: int, held: int) -> Covered:
    """One interval of a design of 1,000 runs."""
    return Covered(place=place, truth=None if place.endswith("trades") else 0.5, printed=printed, held=held)


COVERAGE = CoverageRecord(
    runs=1000,
    seed=7,
    date="2026-11-30",
    designs=(
        CoveredDesign(
            name="middle",
            prompts=16,
            strings=8,
            gibbs=False,
            reward=1.0,
            settings=("p+", "temperature 1/2"),
            intervals=(
                covered("settings.0.acceptance", 1000, 1000),
                covered("settings.1.acceptance", 400, 372),
                covered("settings.0.mean_reward", 1000, 921),
                covered("settings.1.mean_reward", 1000, 950),
                covered("cooling.0.slope", 1000, 980),
                covered("cooling.1.slope", 0, 0),
                covered("cooling.2.slope", 0, 0),
                covered("cooling.0.trades", 300, 287),
                covered("cooling.1.trades", 0, 0),
                covered("cooling.2.trades", 0, 0),
                covered("pooled.corpora.1000", 0, 0),
            ),
        ),
    ),
)


def test_the_page_on_intervals() -> None:
    """Counts inside, below and above the aim; exact and absent ones are neither; verdicts by their errors."""
    page = coverage_page(COVERAGE)
    assert "4 intervals" in page
    assert "2 hold the truth in 93% to 97.5% of them, 1 less often and 1 more often" in page
    assert "Least often: 92.1%, E R, secret of the design *middle*" in page
    assert "Most often: 98.0%, cooling step, dE R / dE L" in page
    assert "wrong in 1.3% of the runs (cooling step, verdict of *middle*)" in page
    assert "| acceptance | exact | 93.0 (40.0%) |" in page
    assert "| all settings, Corr of corpora, N = 1000 | none |" in page
    assert "| verdict | 1.3% wrong, 70% undecided | 0.0% wrong, 100% undecided |" in page


def report(**changes: Result) -> Report:
    """A report on all claims; results are replaced by their ids, dots and hyphens written as underscores."""
    results = [changes.get(re.sub(r"\W", "_", claim.id), made_up(claim)) for claim in CLAIMS]
    words = [WORDS, replace(WORDS, beta=fmpq(2))]
    return Report(CLAIMS, results, TOY, words, [TRIGRAMS], AUDIT, SAMPLED, {}, SWEEP, STEPS, COVERAGE, SPEECHES)


@pytest.fixture(scope="module")
def found() -> dict[str, str]:
    """All pages when all is well."""
    return pages(report())


def front(made: Report) -> str:
    return pages(made)[FRONT]


def claim_of(claim_id: str) -> Claim:
    return next(claim for claim in CLAIMS if claim.id == claim_id)


def broken(claim_id: str, grade: Grade) -> Report:
    """The report when one claim comes out otherwise."""
    failure = Witness("C4", "E L - E R", "0.25", SPEC)
    result = made_up(claim_of(claim_id))
    clauses = (replace(result.clauses[0], grade=grade), *result.clauses[1:])
    result = replace(result, verdict=Verdict(grade), clauses=clauses, failures=(failure,))
    return report(**{re.sub(r"\W", "_", claim_id): result})


def opening(text: str) -> str:
    """What stands before the first section."""
    return text[: text.index("\n## ")]


def tables(text: str) -> list[list[str]]:
    """Runs of lines that begin with a bar."""
    rows: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.startswith("|"):
            rows[-1].append(line)
        elif rows[-1]:
            rows.append([])
    return [one for one in rows if one]


def cells(row: str) -> list[str]:
    """The cells of a row: a bar behind a backslash is text."""
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]


def row_of(text: str, claim_id: str) -> list[str]:
    """The claim's row in the table of all claims."""
    (row,) = re.findall(rf"^\| \[{re.escape(claim_id)}\].*$", text, flags=re.MULTILINE)
    return cells(row)


# --- every page ---------------------------------------------------------------------------------------------------


def test_every_claim_has_a_page_and_a_row(found: dict[str, str]) -> None:
    """The page has every clause with its formula and grade, the sketch, and every control with its witness."""
    for claim in CLAIMS:
        page = found[page_of(claim.id)]
        assert page.startswith(f"# {claim.id}\n\n**{claim.title}.**\n")
        for clause in claim.clauses:
            assert f"{clause.text[1:]}.\n" in page
            assert not clause.formula or f"\n    $${clause.formula}$$\n" in page
        assert page.count("**CERTIFIED**: 6 findings.") == len(claim.clauses)
        assert claim.sketch.strip() in page
        for control in claim.controls:
            assert f"*{control.name}* (`{control.check.__name__}`): {control.breaks}. **REFUTED**" in page
            assert f"](../../{witness_file(claim.id, control.name)})" in page
        assert row_of(found[FRONT], claim.id)[2] == "CERTIFIED"
    for quote in ABSTRACT.values():
        assert quote in found[FRONT]


def test_every_witness_is_a_file(found: dict[str, str]) -> None:
    """The specification below comments that say what it refutes and how."""
    for claim in CLAIMS:
        for control in claim.controls:
            text = found[witness_file(claim.id, control.name)]
            assert f"refutes the control {control.name} of {claim.id}.\n" in text
            assert text.endswith(SPEC.strip() + "\n")
            assert all(line.startswith("#") for line in text.split("\n\n")[0].splitlines())


def test_table_rows_have_the_cells_of_their_head(found: dict[str, str]) -> None:
    """A bar in a title, as in E[L | I], must not open another column."""
    seen = [rows for text in found.values() for rows in tables(text)]
    assert len(seen) >= 10
    for rows in seen:
        assert re.fullmatch(r"\|( --- \|)+", rows[1])
        assert {row: len(cells(row)) for row in rows} == dict.fromkeys(rows, len(cells(rows[1])))


def test_plain_lines(found: dict[str, str]) -> None:
    """No trailing blanks, one newline at the end, no runs of empty lines, no float's repr of a rational."""
    for path, text in found.items():
        assert text.endswith("\n"), path
        assert not text.endswith("\n\n"), path
        assert not re.search(r"[ \t]$", text, flags=re.MULTILINE), path
        assert "\n\n\n" not in text, path
        assert "None" not in text, path
        assert "nan" not in re.findall(r"\b\w+\b", text), path


def test_formulas_stand_alone(found: dict[str, str]) -> None:
    """Double dollars come in pairs, and none of them opens inside a sentence."""
    for claim in CLAIMS:
        page = found[page_of(claim.id)]
        shown = sum(bool(clause.formula) for clause in claim.clauses)
        assert page.count("$$") == 2 * shown + claim.sketch.count("$$")
        assert all(line.strip().startswith("$$") for line in page.splitlines() if "$$" in line)


def test_headings_differ(found: dict[str, str]) -> None:
    for path, text in found.items():
        headings = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE) if path.endswith(".md") else []
        assert len(set(headings)) == len(headings), path


def test_cases_are_gathered(found: dict[str, str]) -> None:
    assert "- Cases: C1; random tables (2); random trees; C4 (2)." in found[page_of("line.identity")]


def test_families_of_numbers(found: dict[str, str]) -> None:
    """The toy and the words are there with their figures."""
    assert "| entropy of p+ | 5.0053000000 | 5.01 |" in found[FRONT]
    assert "0.2089900000" in found[FRONT]
    assert "below 1e-12" in found[FRONT]
    words = found["docs/results/words.md"]
    for heading in ("## Words at beta = 1/2", "## Words at beta = 2", "## Infinitely many strings"):
        assert f"\n{heading}\n" in words
    assert "| temperature 1/2 | global | -6.5000 | 0.7500 | 5.5000 | 0.2500 | trades R for L |" in words
    assert "outside [-1, 0], so a small global cooling at T = 1 trades one for the other" in words
    assert "*peace* +0.1250, *war* -0.0625" in words


def test_the_page_on_the_speeches(found: dict[str, str]) -> None:
    """Its sentences are the numbers': how many trade, where b lies, what is infinite, what leaks."""
    page = found["docs/results/speeches.md"]
    assert "10 contexts, 99 words and 250 listed arcs" in page
    assert "mass 0.9855" in page
    assert "at or below 2.6862 for valence and 24.3458 for words" in page
    assert '"peace" and "war" can be repeated' in page
    assert "critical temperature of 1.00160 to 1.00700" in page
    assert "b is below -1 for 1 of the 2 rewards, from -1.50000 to -0.50000" in page
    assert (
        "Of the 2 adaptors that have a law, 1 trade against p+, and others do not: local top_k 50 raises both." in page
    )
    assert "Strings that never end take mass under local top_k 1 (0.75)" in page
    assert "| p+ itself |  | -151.000 | 0.25000 | 150.000 | 0 |  |" in page
    assert "| top_k 1 | local |  |  |  |  | LEAKS: 0.7500 is lost |" in page
    front = found[FRONT]
    assert "at T = 1 trades R for L or raises both with 2 rewards; 1 of the 2 adaptors that have a law trade" in front
    assert "above T_c = 1.0016 to 1.0070" in front
    all_trade = replace(SPEECHES, adapted=SPEECHES.adapted[:1])
    assert "Of the 1 adaptors that have a law, 1 trade against p+." in told(all_trade)


# --- the front page -----------------------------------------------------------------------------------------------


def test_the_front_page_is_short(found: dict[str, str]) -> None:
    """At most 2,500 words before the table of all claims."""
    text, ended, _ = found[FRONT].partition("\n## All claims\n")
    assert ended
    assert len(text.split()) <= 2500


def test_the_committed_front_page_is_short() -> None:
    """With what was measured on real models and engines, too: at most 2,700 words, without links and table rules."""
    page = (Path(__file__).resolve().parents[3] / FRONT).read_text(encoding="utf-8")
    text = re.sub(r"\]\([^)]*\)|\||---", "", page.partition("\n## All claims\n")[0])
    assert 1500 < len(text.split()) <= 2700


def test_the_telling_claims_serve_their_sentence() -> None:
    """A claim that is told under a sentence is one that was made for it, or for none of the three."""
    for letter, ids in TELLING.items():
        for claim_id in ids:
            assert claim_of(claim_id).sentence in {letter, ""}, claim_id


def test_clauses_are_counted_by_grade(found: dict[str, str]) -> None:
    clauses = sum(len(claim.clauses) for claim in CLAIMS)
    assert f"| CERTIFIED | {clauses} | rationals" in found[FRONT]
    assert f"| all | {clauses} |  |" in found[FRONT]
    refuted = front(broken("line.identity", Grade.REFUTED))
    assert f"| CERTIFIED | {clauses - 1} | rationals" in refuted
    assert "| REFUTED | 1 | a model certainly violates it |" in refuted


def test_turned_signs_are_counted_from_the_table(found: dict[str, str]) -> None:
    """Of the made-up rows none has two correlations; with two that do, one of them turns."""
    assert "0 departures by themselves turn the sign of a correlation." in opening(found[FRONT])
    turned = AuditRow("flipped-reward", "C3", "Corr(L, R)", 0.5, -0.5, -1.0)
    kept = AuditRow("re-binning", "C4", "Corr of corpora", -0.5, -0.75, -0.25)
    text = opening(front(replace(report(), audit=(*AUDIT, turned, kept))))
    assert "1 departures by themselves turn the sign of a correlation." in text


def test_fewer_with_size_is_said_only_if_so(found: dict[str, str]) -> None:
    """In the made-up record the share falls from 0.25 with 2 strings to 0.125; turned round it rises."""
    assert "Less often the larger the model: 25.0 %" in found["docs/results/random-models.md"]
    rising = replace(report(), sweep=replace(SWEEP, by_strings=SWEEP.by_strings[::-1]))
    text = pages(rising)["docs/results/random-models.md"]
    assert "Less often" not in text
    assert "By size: 12.5 %" in text


# --- what may not depend on the machine ---------------------------------------------------------------------------


def test_no_timing(found: dict[str, str]) -> None:
    """Seconds are in the JSON only: another run writes the same bytes."""
    assert not re.search(r"123\.4|\bseconds\b|\bms\b", "".join(found.values()))
    slower = [replace(made_up(claim), seconds=9.75) for claim in CLAIMS]
    assert pages(replace(report(), results=slower)) == found


def test_residuals_are_powers_of_ten(found: dict[str, str]) -> None:
    """3.3e-61 is printed as 1e-60, a power of ten above; no other digit of it shows."""
    text = "".join(found.values())
    assert "at most 1e-60." in text
    assert found[FRONT].count("| 1e-60 |") == len(CLAIMS)
    assert "3.3e-61" not in text
    assert not re.search(r"\d\.\d+e[-+]?\d", found[FRONT])


@pytest.mark.parametrize(
    ("residual", "shown"),
    [(0.0, "0"), (1e-70, "1e-70"), (1.0000001e-70, "1e-69"), (9.99e-75, "1e-74"), (None, ""), (0.5, "1e+00")],
)
def test_residual_of_one_claim(residual: float | None, shown: str) -> None:
    """0 is 0, a power of ten is itself, anything above it the next; without identities the cell is empty."""
    made = pages(report(line_identity=replace(made_up(claim_of("line.identity")), residual=residual)))
    assert row_of(made[FRONT], "line.identity")[4] == shown
    assert ("largest error of an identity" in made[page_of("line.identity")]) == (residual is not None)


# --- what fails ---------------------------------------------------------------------------------------------------


def test_all_is_well_on_the_first_page(found: dict[str, str]) -> None:
    """The tally, and no word of failure."""
    controls = sum(len(claim.controls) for claim in CLAIMS)
    text = opening(found[FRONT])
    assert f"by their weakest clause: {len(CLAIMS)} certified. {controls} controls must be refuted" in text
    assert f"{controls} refuted" in text
    assert "REFUTED" not in text
    assert "UNDECIDED" not in text
    assert "Not established" not in text


@pytest.mark.parametrize("grade", [Grade.REFUTED, Grade.UNDECIDED])
@pytest.mark.parametrize("claim_id", ["line.identity", "metropolis.spectrum"])
def test_a_failing_claim_is_counted_and_named_on_the_first_page(claim_id: str, grade: Grade) -> None:
    """In the tally, and by its id in a line of its own, also where the first page leans on it."""
    text = opening(front(broken(claim_id, grade)))
    assert f"{len(CLAIMS) - 1} certified, 1 {grade}" in text
    assert f"**Not established: {claim_id} is {grade}.**" in text


def test_a_sentence_without_its_clause_is_not_printed() -> None:
    """Whatever clause of a sentence falls, the sentence is replaced by what fell."""
    for sentence in SUMMARY:
        for reference in sentence.clauses:
            claim_id = reference.partition("#")[0]
            made = broken(claim_id, Grade.REFUTED)
            if made.result(claim_id).clauses[0] in made.clauses(reference):
                assert sentence.text(made).startswith(f"Not established ({reference} is REFUTED"), sentence.name


@pytest.mark.parametrize("grade", [Grade.REFUTED, Grade.UNDECIDED])
def test_a_failing_claim_shows_in_its_row_and_on_its_page(grade: Grade) -> None:
    made = pages(broken("line.identity", grade))
    assert row_of(made[FRONT], "line.identity")[2] == grade
    page = made[page_of("line.identity")]
    assert f"Verdict: **{grade}**" in page
    assert f"**{grade}**: 6 findings." in page
    assert "**FAILS**: C4: E L - E R is 0.25." in page


def with_a_loose_control(verdict: Verdict) -> tuple[Result, dict[str, str]]:
    """The pages when the first control of line.identity is not refuted."""
    result = made_up(claim_of("line.identity"))
    loose = replace(result.controls[0], verdict=verdict, witness=None)
    result = replace(result, controls=(loose, *result.controls[1:]))
    return result, pages(report(line_identity=result))


@pytest.mark.parametrize("verdict", [Verdict.CERTIFIED, Verdict.UNDECIDED])
def test_a_control_that_is_not_refuted_shows(verdict: Verdict) -> None:
    """In the table as a count, on the first page by name, on the claim's page with its verdict and no witness."""
    result, made = with_a_loose_control(verdict)
    assert row_of(made[FRONT], "line.identity")[5] == f"{len(result.controls) - 1} of {len(result.controls)}"
    lines = opening(made[FRONT]).splitlines()
    assert any("line.identity" in line and result.controls[0].name in line for line in lines)
    page = made[page_of("line.identity")]
    assert f"{result.controls[0].breaks}. **{verdict}**, no witness." in page
    assert witness_file("line.identity", result.controls[0].name) not in made


# --- JSON ---------------------------------------------------------------------------------------------------------


def test_json_has_the_keys_of_the_contract() -> None:
    """[{id, verdict, evidence, clauses, instances, residual, seconds, controls, figure, sampled}], and it is JSON."""
    claim = claim_of("line.identity")
    entry = as_json(claim, made_up(claim), SAMPLED)
    keys = "id verdict evidence clauses instances residual seconds controls figure sampled"
    assert list(entry) == keys.split()
    assert entry["clauses"] == [
        {"name": clause.name, "text": clause.text, "grade": "CERTIFIED", "evidence": "6 findings"}
        for clause in claim.clauses
    ]
    assert [list(control) for control in entry["controls"]] == [["name", "breaks", "verdict", "witness"]] * len(
        claim.controls
    )
    assert entry["controls"][0]["witness"] == {
        "case": WITNESS.case,
        "label": WITNESS.label,
        "value": WITNESS.value,
        "spec": SPEC,
    }
    again: dict[str, Any] = json.loads(json.dumps(entry, allow_nan=False))
    assert again == entry
    assert entry["id"] == "line.identity"
    assert entry["verdict"] == "CERTIFIED"
    assert entry["residual"] == RESIDUAL
    assert entry["seconds"] == SECONDS
    assert entry["instances"][0] == "C1"
    assert entry["figure"] == claim.figure


def test_json_of_a_control_without_witness() -> None:
    claim = claim_of("line.identity")
    result = made_up(claim)
    loose = replace(result.controls[0], verdict=Verdict.CERTIFIED, witness=None)
    entry = as_json(claim, replace(result, controls=(loose,), residual=None), SAMPLED)
    assert entry["controls"][0]["witness"] is None
    assert entry["controls"][0]["verdict"] == "CERTIFIED"
    assert entry["residual"] is None


def test_json_of_a_ball_without_bounds() -> None:
    """An identity that came out as no number at all is UNDECIDED, and its entry is JSON still."""
    claim = claim_of("line.identity")
    entry = as_json(claim, replace(made_up(claim), verdict=Verdict.UNDECIDED, residual=math.inf), SAMPLED)
    json.dumps(entry, allow_nan=False)


# --- what was sampled ---------------------------------------------------------------------------------------------


def test_sampled_page(found: dict[str, str]) -> None:
    """The run's settings, the false alarms, each fault with what noticed it, and the trained policy."""
    page = found["docs/results/sampled.md"]
    assert "2 comparisons of 2 claims at seed 3" in page
    assert "0 in 10 runs with fresh seeds, 1,410 comparisons (2026-01-02)" in page
    assert "99 of 100 runs on 32 equally likely outcomes" in page
    assert "Planted faults: 1 of 2 noticed" in page
    assert "| always-accept | accepts every proposal | 5 | metropolis.ratio |" in page
    assert "| 0 | 0.6931 | 0.25 | 0.125 | -1 |  | 1e-08 |" in page


def test_sampled_rows_stand_beside_their_claims(found: dict[str, str]) -> None:
    """The comparison on the claim's own page, and its verdict in the table of all claims."""
    page = found[page_of("adaptors.exchange")]
    assert "- Sampled: C4: E L is -1.50000; -1.49000 by 1,000 draws in [-1.51000, -1.47000]: **SAMPLED**." in page
    assert row_of(found[FRONT], "adaptors.exchange")[6] == "SAMPLED (1)"
    assert "log p as scored: largest difference at most 1e-12 on 50 strings" in found[page_of("line.identity")]


def test_a_row_that_differs_is_said_first() -> None:
    """On the first page, before anything is claimed; and in the JSON of its claim."""
    one, two = SAMPLED.comparison.rows
    rows = (replace(one, verdict="DIFFERS"), two)
    wrong = replace(SAMPLED, comparison=replace(SAMPLED.comparison, rows=rows))
    text = opening(front(replace(report(), sampled=wrong)))
    assert "**Not confirmed by sampling: adaptors.exchange, C4: E L: DIFFERS.**" in text
    claim = claim_of("adaptors.exchange")
    assert as_json(claim, made_up(claim), wrong)["sampled"]["verdict"] == "DIFFERS"
    unsampled = claim_of("line.rate")
    assert as_json(unsampled, made_up(unsampled), wrong)["sampled"] is None


def test_the_committed_record_is_of_this_code() -> None:
    """Every claim is sampled, nothing differs, every fault that can be planted was noticed, no run cried wolf."""
    record = sampled_record()
    found, alarms = record.comparison, record.alarms
    assert {row.claim for row in found.rows} == {claim.id for claim in REPEATED}
    assert all(row.verdict == "SAMPLED" for row in found.rows)
    assert [fault.name for fault in found.faults] == [fault.name for fault in FAULTS]
    assert all(fault.differing > 0 for fault in found.faults)
    assert found.dpo is not None
    assert alarms.runs >= 1000
    assert alarms.alarms == ()
    assert all(count >= 999 for count in alarms.power.caught.values())
