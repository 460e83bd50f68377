"""The report from made-up results: every claim is there, links work, failures show, and no number depends on a CPU."""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, replace
from typing import Any

import pytest
from flint import fmpq

from simulations.agreement.faults import FAULTS
from theory.claims.claim import Claim
from theory.claims.grades import Verdict
from theory.claims.registry import claims, repeated
from theory.claims.running import ControlResult, Result, Witness
from theory.report.paper_check import SENTENCES, Report, as_json, markdown
from theory.report.records import (
    AdaptorDirections,
    ClaimOutcomes,
    ComparisonRecord,
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
)
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
    )


def report(**changes: Result) -> Report:
    """A report on all claims; results are replaced by their ids, dots and hyphens written as underscores."""
    results = [changes.get(re.sub(r"\W", "_", claim.id), made_up(claim)) for claim in CLAIMS]
    return Report(CLAIMS, results, TOY, [WORDS, replace(WORDS, beta=fmpq(2))], [TRIGRAMS], AUDIT, SAMPLED, {}, SWEEP)


@pytest.fixture(scope="module")
def text() -> str:
    """The report when all is well."""
    return markdown(report())


def claim_of(claim_id: str) -> Claim:
    return next(claim for claim in CLAIMS if claim.id == claim_id)


def broken(claim_id: str, verdict: Verdict) -> str:
    """The report when one claim comes out otherwise."""
    failure = Witness("C4", "E L - E R", "0.25", SPEC)
    result = replace(made_up(claim_of(claim_id)), verdict=verdict, failures=(failure,))
    return markdown(report(**{re.sub(r"\W", "_", claim_id): result}))


def first_page(text: str) -> str:
    """What stands before the claims are taken one by one."""
    return text[: text.index("\n## ")]


def headings(text: str) -> list[str]:
    return re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)


def slugs(text: str) -> dict[str, str]:
    """GitHub's anchor of each heading: small letters, digits, hyphens and underscores; spaces to hyphens; -1, -2, ...
    for one that occurs again.
    """
    seen: dict[str, int] = {}
    found = {}
    for heading in headings(text):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        seen[slug] = seen.get(slug, -1) + 1
        found[slug + (f"-{seen[slug]}" if seen[slug] else "")] = heading
    return found


def tables(text: str) -> list[list[str]]:
    """Runs of lines that begin with a bar."""
    found: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.startswith("|"):
            found[-1].append(line)
        elif found[-1]:
            found.append([])
    return [rows for rows in found if rows]


def cells(row: str) -> list[str]:
    """The cells of a row: a bar behind a backslash is text."""
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]


# --- the whole ----------------------------------------------------------------------------------------------------


def test_every_claim_appears(text: str) -> None:
    """A section of its own, with its formula, and a row in the table."""
    assert text.startswith("# ")
    for claim in CLAIMS:
        assert text.count(f"\n### {claim.id}\n") == 1
        assert f"\n$$\n{claim.statement}\n$$\n" in text or f"\n$${claim.statement}$$\n" in text
        assert len(re.findall(rf"\| \[{claim.id}\]\(#[^)]*\) \|.*\| CERTIFIED \|", text)) == 1
        for control in claim.controls:
            assert f"*{control.name}* (`{control.check.__name__}`): {control.breaks}. **REFUTED**" in text
    for sentence in SENTENCES.values():
        assert sentence in text


def test_links_lead_to_headings(text: str) -> None:
    """Every link has the anchor that GitHub makes of the heading, and stands for the claim it names."""
    anchors = slugs(text)
    links = re.findall(r"\[([^\]]*)\]\(#([^)]*)\)", text)
    assert len(links) > len(CLAIMS)
    for label, target in links:
        assert target in anchors
        assert anchors[target] == label


def test_headings_differ(text: str) -> None:
    assert len(set(headings(text))) == len(headings(text)) == len(slugs(text))


def test_table_rows_have_the_cells_of_their_head(text: str) -> None:
    """A bar in a title, as in E[L | I], must not open another column."""
    found = tables(text)
    assert len(found) >= 4
    for rows in found:
        assert re.fullmatch(r"\|( --- \|)+", rows[1])
        assert {row: len(cells(row)) for row in rows} == dict.fromkeys(rows, len(cells(rows[1])))


def test_plain_lines(text: str) -> None:
    """No trailing blanks, one newline at the end, no runs of empty lines, no float's repr of a rational."""
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert not re.search(r"[ \t]$", text, flags=re.MULTILINE)
    assert "\n\n\n\n" not in text
    assert "None" not in text
    assert "nan" not in re.findall(r"\b\w+\b", text)


def test_formulas_stand_alone(text: str) -> None:
    """Double dollars come in pairs, and none of them opens inside a sentence."""
    assert text.count("$$") == 2 * len(CLAIMS)
    assert all(line.startswith("$$") for line in text.splitlines() if "$$" in line)


def test_specifications_are_code(text: str) -> None:
    """A witness's specification is indented by four beyond its list item, between empty lines."""
    lines = text.splitlines()
    places = [k for k, line in enumerate(lines) if line.strip() == "[prior]"]
    assert len(places) == sum(len(claim.controls) for claim in CLAIMS)
    for k in places:
        assert lines[k] == "      [prior]"
        assert lines[k - 1] == ""
        assert lines[k - 2].startswith("- Control ")
        assert lines[k + 1 : k + 4] == ['      kind = "table"', "", '      strings = ["x", "y"]']


def test_cases_are_gathered(text: str) -> None:
    assert "- Cases: C1, random tables (2), random trees, C4 (2)." in text or (
        "- Cases: C1, random tables (2), random trees (1), C4 (2)." in text
    )


def test_families_of_numbers(text: str) -> None:
    """The toy and the words are there with their figures."""
    assert "| entropy of p+ | 5.0053000000 | 5.01 |" in text
    assert "0.2089900000" in text
    assert "below 1e-12" in text
    for heading in ("### Words at beta = 1/2", "### Words at beta = 2"):
        assert heading in text
    assert "| temperature 1/2 | global | -6.5000 | 0.7500 | 5.5000 | 0.2500 | trades R for L |" in text
    assert "outside [-1, 0], so cooling at T = 1 trades one for the other" in text
    assert "*peace* +0.1250, *war* -0.0625" in text


# --- what may not depend on the machine ---------------------------------------------------------------------------


def test_no_timing(text: str) -> None:
    """Seconds are in the JSON only: another run writes the same bytes."""
    assert not re.search(r"123\.4|\bseconds\b|\bms\b", text)
    slower = Report(
        CLAIMS,
        [replace(made_up(claim), seconds=9.75) for claim in CLAIMS],
        TOY,
        report().words,
        [TRIGRAMS],
        AUDIT,
        SAMPLED,
        {},
        SWEEP,
    )
    assert markdown(slower) == text


def test_turned_signs_are_counted_from_the_table(text: str) -> None:
    """Of the made-up rows none has two correlations; with two that do, one of them turns."""
    assert "0 departures by themselves turn the sign of a correlation." in first_page(text)
    turned = AuditRow("flipped-reward", "C3", "Corr(L, R)", 0.5, -0.5, -1.0)
    kept = AuditRow("re-binning", "C4", "Corr of corpora", -0.5, -0.75, -0.25)
    page = first_page(markdown(replace(report(), audit=(*AUDIT, turned, kept))))
    assert "1 departures by themselves turn the sign of a correlation (audit.flipped-reward)." in page


def test_fewer_with_size_is_said_only_if_so(text: str) -> None:
    """In the made-up record the share falls from 0.25 with 2 strings to 0.125; turned round it rises."""
    assert "Less often the larger the model: 25.0 %" in text
    rising = markdown(replace(report(), sweep=replace(SWEEP, by_strings=SWEEP.by_strings[::-1])))
    assert "Less often" not in rising
    assert "By size: 12.5 %" in rising


def test_residuals_are_powers_of_ten(text: str) -> None:
    """3.3e-61 is printed as 1e-60, a power of ten above; no other digit of it shows."""
    assert "at most 1e-60." in text
    assert text.count("| 1e-60 |") == len(CLAIMS)
    assert "3.3e-61" not in text
    assert not re.search(r"\d\.\d+e[-+]?\d", text)


@pytest.mark.parametrize(
    ("residual", "shown"),
    [(0.0, "0"), (1e-70, "1e-70"), (1.0000001e-70, "1e-69"), (9.99e-75, "1e-74"), (None, ""), (0.5, "1e+00")],
)
def test_residual_of_one_claim(residual: float | None, shown: str) -> None:
    """0 is 0, a power of ten is itself, anything above it the next; without identities the cell is empty."""
    found = markdown(report(line_identity=replace(made_up(claim_of("line.identity")), residual=residual)))
    (row,) = re.findall(r"^\| \[line\.identity\].*$", found, flags=re.MULTILINE)
    assert cells(row)[3] == shown
    assert ("Worst residual" in found.split("### line.identity\n")[1].split("### ")[0]) == (residual is not None)


# --- what fails ---------------------------------------------------------------------------------------------------


def test_all_is_well_on_the_first_page(text: str) -> None:
    """The tally, and no word of failure."""
    controls = sum(len(claim.controls) for claim in CLAIMS)
    assert f"{len(CLAIMS)} claims: {len(CLAIMS)} certified. {controls} controls" in first_page(text)
    assert f"{controls} refuted" in first_page(text)
    assert "REFUTED" not in first_page(text)
    assert "UNDECIDED" not in first_page(text)


@pytest.mark.parametrize("verdict", [Verdict.REFUTED, Verdict.UNDECIDED])
@pytest.mark.parametrize("claim_id", ["line.identity", "metropolis.spectrum"])
def test_a_failing_claim_is_counted_on_the_first_page(claim_id: str, verdict: Verdict) -> None:
    assert f"{len(CLAIMS) - 1} certified, 1 {verdict}" in first_page(broken(claim_id, verdict))


@pytest.mark.parametrize(
    ("claim_id", "verdict"), [("line.identity", Verdict.REFUTED), ("metropolis.spectrum", Verdict.UNDECIDED)]
)
def test_a_failing_claim_is_named_on_the_first_page(claim_id: str, verdict: Verdict) -> None:
    """Its id and its verdict in one line, also where the first page leans on it."""
    lines = first_page(broken(claim_id, verdict)).splitlines()
    assert any(claim_id in line and verdict in line for line in lines)


@pytest.mark.parametrize("verdict", [Verdict.REFUTED, Verdict.UNDECIDED])
def test_a_failing_claim_shows_in_its_row_and_section(verdict: Verdict) -> None:
    found = broken("line.identity", verdict)
    (row,) = re.findall(r"^\| \[line\.identity\].*$", found, flags=re.MULTILINE)
    assert cells(row)[2] == verdict
    section = found.split("### line.identity\n")[1].split("\n### ")[0]
    assert f"**{verdict}**" in section
    assert "- FAILS: C4: E L - E R is 0.25." in section


def with_a_loose_control(verdict: Verdict) -> tuple[Result, str]:
    """The report when the first control of line.identity is not refuted."""
    result = made_up(claim_of("line.identity"))
    loose = replace(result.controls[0], verdict=verdict, witness=None)
    result = replace(result, controls=(loose, *result.controls[1:]))
    return result, markdown(report(line_identity=result))


@pytest.mark.parametrize("verdict", [Verdict.CERTIFIED, Verdict.UNDECIDED])
def test_a_control_that_is_not_refuted_shows(verdict: Verdict) -> None:
    """In the table as a count, in its section with its verdict and no witness."""
    result, found = with_a_loose_control(verdict)
    (row,) = re.findall(r"^\| \[line\.identity\].*$", found, flags=re.MULTILINE)
    assert cells(row)[4] == f"{len(result.controls) - 1} of {len(result.controls)}"
    section = found.split("### line.identity\n")[1].split("\n### ")[0]
    assert f"{result.controls[0].breaks}. **{verdict}**" in section
    assert "no witness" in section


def test_a_control_that_is_not_refuted_is_named_on_the_first_page() -> None:
    result, found = with_a_loose_control(Verdict.CERTIFIED)
    lines = first_page(found).splitlines()
    assert any("line.identity" in line and result.controls[0].name in line for line in lines)


# --- JSON ---------------------------------------------------------------------------------------------------------


def test_json_has_the_keys_of_the_contract() -> None:
    """[{id, verdict, evidence, instances, residual, seconds, controls: [...], figure, sampled}], and it is JSON."""
    claim = claim_of("line.identity")
    entry = as_json(claim, made_up(claim), SAMPLED)
    keys = ["id", "verdict", "evidence", "instances", "residual", "seconds", "controls", "figure", "sampled"]
    assert list(entry) == keys
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


def test_sampled_section(text: str) -> None:
    """The run's settings, the false alarms, each fault with what noticed it, and the trained policy."""
    section = text.split("## Exact against sampled\n")[1].split("\n## ")[0]
    assert "2 comparisons of 2 claims at seed 3" in section
    assert "0 in 10 runs with fresh seeds, 1,410 comparisons (2026-01-02)" in section
    assert "99 of 100 runs on 32 equally likely outcomes" in section
    assert "Planted faults: 1 of 2 noticed" in section
    assert "| always-accept | accepts every proposal | 5 | metropolis.ratio |" in section
    assert "| 0 | 0.6931 | 0.25 | 0.125 | -1 |  | 1e-08 |" in section


def test_sampled_rows_stand_beside_their_claims(text: str) -> None:
    """The comparison in the claim's own section, and its verdict in the table of all claims."""
    section = text.split("### adaptors.exchange\n")[1].split("\n### ")[0]
    assert "- Sampled: C4: E L is -1.50000; -1.49000 by 1,000 draws in [-1.51000, -1.47000]: **SAMPLED**." in section
    (row,) = re.findall(r"^\| \[adaptors\.exchange\].*$", text, flags=re.MULTILINE)
    assert cells(row)[5] == "SAMPLED (1)"
    assert "log p as scored: largest difference at most 1e-12 on 50 strings" in text


def test_a_row_that_differs_is_said_first() -> None:
    """On the first page, before anything is claimed; and in the JSON of its claim."""
    one, two = SAMPLED.comparison.rows
    rows = (replace(one, verdict="DIFFERS"), two)
    wrong = replace(SAMPLED, comparison=replace(SAMPLED.comparison, rows=rows))
    found = markdown(replace(report(), sampled=wrong))
    assert "**Not confirmed by sampling: adaptors.exchange, C4: E L: DIFFERS.**" in first_page(found)
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
