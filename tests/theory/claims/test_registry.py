"""The registry: what every claim says of itself, its verdict in the quick profile, and that its witnesses replay."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import BITS
from theory.claims.automata.leak import Adapted
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile
from theory.claims.grades import Grade, Verdict
from theory.claims.instances import replay
from theory.claims.registry import check, claims, find
from theory.claims.running import Result, run
from theory.models.finite import FiniteModel
from theory.quantities.answer import answer
from theory.specification.automaton import read_automaton
from theory.specification.finite import parse_specification

CLAIMS = claims()

QUICK = Profile("quick")
IDS = [claim.id for claim in CLAIMS]
BY_ID = {claim.id: claim for claim in CLAIMS}
CLAUSES = [clause for claim in CLAIMS for clause in claim.clauses]
CLAUSE_IDS = [f"{claim.id}-{clause.name}" for claim in CLAIMS for clause in claim.clauses]
CONTROLS = [(claim, control) for claim in CLAIMS for control in claim.controls]
CONTROL_IDS = [f"{claim.id}-{control.name}" for claim, control in CONTROLS]
SMALLEST = [(claim, control) for claim, control in CONTROLS if control.smallest]

WANTED = """
alignment: gibbs secret-reward strength best-of-n realignment controlled-decoding
line: identity concentration rate exact-typicality sample-size hypotheses
correlation: iid sharp typical measure rank bootstrap
adaptors: exchange slope-bound budget truncation affine-line family interior local-global gauge none order-preserving
adaptors: conditioning local-entropy mirostat attainability
simpson: crossing
metropolis: ratio spectrum acceptance corpora accept-all
prompts: variance identification
"""
"""What is to be verified on finite models, by family."""


# --- what a claim says of itself ----------------------------------------------------------------------------------


def test_every_bullet_is_there() -> None:
    wanted = {
        f"{family}.{bullet}"
        for family, bullets in (line.split(": ") for line in WANTED.strip().splitlines())
        for bullet in bullets.split()
    }
    assert wanted <= set(IDS)


def test_ids_are_unique_and_families_stand_together() -> None:
    assert len(set(IDS)) == len(IDS)
    families = [family for family, _ in itertools.groupby(IDS, key=lambda claim_id: claim_id.split(".")[0])]
    assert len(set(families)) == len(families)


@pytest.mark.parametrize("claim", CLAIMS, ids=IDS)
def test_a_claim_is_complete(claim: Claim) -> None:
    """An id of the form family.bullet; words for all that the report prints; controls that say what they break."""
    assert re.fullmatch(r"[a-z]+\.[a-z]+(-[a-z]+)*", claim.id)
    assert claim.sentence in {"A", "B", "C", ""}
    assert len({clause.text for clause in claim.clauses}) == len(claim.clauses)
    assert claim.hypotheses
    assert all(claim.hypotheses)
    assert claim.source
    assert claim.controls
    names = [control.name for control in claim.controls]
    assert len(set(names)) == len(names)
    for control in claim.controls:
        assert re.fullmatch(r"[a-z0-9/]+(-[a-z0-9/]+)*", control.name)
        assert control.breaks
        assert control.check is not claim.check


@pytest.mark.parametrize("clause", CLAUSES, ids=CLAUSE_IDS)
def test_a_formula_is_latex(clause: Clause) -> None:
    """LaTeX that stands between double dollars: braces match, and so do left and right."""
    formula, depth = clause.formula, 0
    for brace in re.findall(r"(?<!\\)[{}]", formula):
        depth += 1 if brace == "{" else -1
        assert depth >= 0
    assert depth == 0
    assert "$" not in formula
    assert not re.search(r"\\q?quad[A-Za-z]", formula), "a command runs into the letter behind it"
    assert len(re.findall(r"\\left(?![a-z])", formula)) == len(re.findall(r"\\right(?![a-z])", formula))
    assert formula == formula.strip()


@pytest.mark.parametrize("clause", CLAUSES, ids=CLAUSE_IDS)
def test_a_clause_is_read_once(clause: Clause) -> None:
    """Plain words and plain formulas, at most 50 words."""
    assert "\\" not in clause.text
    assert "$" not in clause.text
    assert len(clause.text.split()) <= 50


@pytest.mark.parametrize("claim", CLAIMS, ids=IDS)
def test_texts_are_single_lines(claim: Claim) -> None:
    texts = [claim.source, claim.remark, *claim.hypotheses, *(c.breaks for c in claim.controls)]
    assert all("\n" not in text for text in texts)


# --- find ---------------------------------------------------------------------------------------------------------


def test_find_nothing_is_everything() -> None:
    assert find([]) == CLAIMS


def test_find_by_id_and_family() -> None:
    """In the registry's order, each once, whatever the order asked for."""
    assert [claim.id for claim in find(["adaptors.none"])] == ["adaptors.none"]
    assert find(["simpson", "alignment.gibbs", "simpson.crossing", "alignment.gibbs"]) == tuple(
        claim for claim in CLAIMS if claim.id in {"alignment.gibbs", "simpson.crossing"}
    )
    assert [claim.id for claim in find(["line"])] == [claim_id for claim_id in IDS if claim_id.startswith("line.")]


@pytest.mark.parametrize(
    ("wanted", "near"),
    [
        ("adaptors.nine", "adaptors.none"),
        ("adaptors.", "adaptors.none"),
        ("nothing", "adaptors"),
        ("nothing.gibbs", "alignment"),
        ("", "alignment"),
        ("adaptors.exchange.more", "adaptors.exchange"),
        ("Adaptors", "adaptors"),
        ("adapt", "adaptors"),
    ],
)
def test_find_refuses_what_no_claim_is(wanted: str, near: str) -> None:
    """The message names what was asked for and what there is."""
    with pytest.raises(ValueError, match=rf"no claim '{re.escape(wanted)}'; known: .*{re.escape(near)}"):
        find(["alignment.gibbs", wanted])


def test_check_sets_the_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    """A claim run by its id runs in balls of 256 bits, whatever the precision was."""
    monkeypatch.setattr("flint.ctx.prec", 53, raising=False)
    result = check("adaptors.none", QUICK)
    assert result.id == "adaptors.none"
    assert result.residual is not None
    assert result.residual < 2.0 ** -(BITS - 16)


# --- verdicts -----------------------------------------------------------------------------------------------------


@functools.cache
def result_of(claim_id: str) -> Result:
    """The claim in the quick profile, run once; called inside a test, so in balls of 256 bits."""
    return run(BY_ID[claim_id], QUICK)


@pytest.mark.parametrize("claim_id", IDS)
def test_verdict(claim_id: str) -> None:
    """Every clause has the best grade that it has evidence for, and every control is refuted."""
    claim, result = BY_ID[claim_id], result_of(claim_id)
    assert result.failures == ()
    for clause, found in zip(claim.clauses, result.clauses, strict=True):
        assert found.grade in _earned(clause), f"{clause.name}: {found.evidence}"
        assert (found.grade is Grade.SYMBOLIC) == bool(found.proved)
    assert [c.name for c in result.controls if c.verdict is not Verdict.REFUTED] == []
    assert result.as_expected


def _earned(clause: Clause) -> set[Grade]:
    if clause.formal:
        return {Grade.FORMAL}
    if clause.cited:
        return {Grade.CITED}
    return {Grade.SYMBOLIC} if clause.proof is not None else {Grade.CERTIFIED, Grade.TESTED}


@pytest.mark.parametrize("claim_id", IDS)
def test_evidence(claim_id: str) -> None:
    """Cases have names of their own; identities are tight; a clause is never silent on all cases."""
    result = result_of(claim_id)
    assert len(set(result.instances)) == len(result.instances)
    if result.residual is not None:
        assert 0 <= result.residual < 1e-30
    for clause in result.clauses:
        assert clause.silent < len(result.instances) or clause.grade in {Grade.FORMAL, Grade.SYMBOLIC, Grade.CITED}


# --- witnesses ----------------------------------------------------------------------------------------------------


def witness_case(control: Control, name: str) -> Case:
    """The case of that name, made again."""
    return next(case for case in control.cases(QUICK) if case.name == name)


def models_in(content: Any, depth: int = 3) -> Iterator[Aligned]:
    """The aligned models in a case's content: its own, and those of its fields."""
    if isinstance(content, Aligned):
        yield content
    elif isinstance(content, tuple | list):
        for part in content:
            yield from models_in(part, depth)
    elif dataclasses.is_dataclass(content) and depth:
        for part in dataclasses.fields(content):
            yield from models_in(getattr(content, part.name), depth - 1)


def rows(aligned: Aligned) -> list[tuple[Any, ...]]:
    """p and R of every string, whatever its name."""
    return [(p, r.exponent, r.factor) for p, r in zip(aligned.prior, aligned.reward, strict=True)]


@pytest.mark.parametrize(("claim", "control"), CONTROLS, ids=CONTROL_IDS)
def test_witness_replays(claim: Claim, control: Control) -> None:
    """The witness fails again: read from its specification, or with its parameters in the case of that name."""
    found = next(c for c in result_of(claim.id).controls if c.name == control.name)
    assert found.breaks == control.breaks
    assert found.witness is not None
    witness = found.witness
    again = witness_case(control, witness.case)
    assert again.spec == witness.spec
    content = again.content
    if 'kind = "automaton"' in witness.spec:
        assert read_automaton(witness.spec).automaton.graph is not None
    elif witness.spec:
        model = parse_specification(witness.spec).aligned
        held = list(models_in(content))
        assert not held or rows(model) in [rows(one) for one in held]
        if isinstance(content, FiniteModel):
            content = replay(witness.spec)
    failing = [finding for finding in control.check(content) if finding.outcome == "fails"]
    assert failing
    assert witness.label in [finding.label for finding in failing]


WITNESSES = {
    "alignment.strength": {
        "never-falls": "p = (1, 2), e^R = (2, 1), lambda = 2",
        "one-way": "p = (1, 1, 2), e^R = (1, 3, 2)",
        "no-strength": "p = (1, 1), e^R = (1, 2), lambda = 2",
    },
    "alignment.best-of-n": {
        "ties-to-the-first": "p = (1, 1), e^R = (1, 1), n = 2",
        "ties-among-strings": "p = (1, 2), e^R = (1, 1), n = 3",
        "smaller-bound": "p = (1, 1), e^R = (1, 1), n = 2",
        "unequal-cost": "p = (1, 1), e^R = (1, 2), n = 4",
    },
    "line.rate": {
        "quadratic": "p = (1, 1), e^R = (1, 2), eps = 1/5",
        "mirrored": "p = (1, 1), e^R = (1, 2), eps = 1/5",
        "always-a-temperature": "p = (1, 1), e^R = (1, 2), eps = 1/5",
        "unconstrained": "p = (1, 1), e^R = (1, 2), eps = 1/5",
    },
    "line.sample-size": {
        "one-sided-quantile": "p = (1, 1), e^R = (1, 2), eps = 1/1000000",
        "first-suffices": "p = (1, 1), e^R = (1, 2), eps = 1/10",
        "monotone": "p = (1, 1), e^R = (1, 2), eps = 1/10",
        "one-tail": "p = (1, 1), e^R = (1, 2), eps = 1/10",
    },
    "correlation.rank": {
        "same-sign": "p = (1, 2, 3), e^R = (1, 3, 2)",
        "kendall": "C7",
    },
    "correlation.bootstrap": {
        "no-understatement": "p = (1, 2), e^R = (1, 2)",
        "divided-by-n": "p = (1, 2), e^R = (1, 2)",
        "without-replacement": "p = (1, 2), e^R = (1, 2)",
        "pool-is-the-law": "p = (1, 1, 2), e^R = (1, 2, 1)",
    },
    "adaptors.family": {
        "dependent": "p = (1, 1), e^R = (1, 1)",
        "backward-flow": "p = (1, 1, 2), e^R = (1, 2, 1)",
        "entropy-for-divergence": "p = (1, 1, 2), e^R = (1, 2, 1)",
        "any-weights": "p = (1, 1, 2), e^R = (1, 2, 1)",
    },
    "adaptors.interior": {
        "dependent": "p = (1, 1), e^R = (1, 1)",
        "both-vary": "p = (1, 2), e^R = (2, 1)",
        "free": "p = (1, 1, 2), e^R = (1, 2, 1)",
    },
    "adaptors.affine-line": {
        "not-affine": "p = (1, 1, 2), e^R = (1, 2, 2)",
        "ties-by-index": "p = (1, 1, 2), e^R = (1, 2, 1)",
        "inverse-slope": "p = (1, 1), e^R = (1, 2)",
    },
    "adaptors.local-global": {
        "wrong-sign": "[. [. .]]: p = (1, 1, 1), e^R = (1, 1, 2)",
        "same-law": "[. [. .]]: p = (1, 1, 1), e^R = (1, 1, 1)",
        "same-direction": "[. [. .]]: p = (1, 1, 2), e^R = (3, 2, 1)",
        "both-cool": "[. [. .]]: p = (2, 1, 3), e^R = (2, 3, 1)",
    },
    "adaptors.gauge": {
        "gauge-invariant": "[. .]: p = (1, 1), e^R = (1, 1)",
        "power-is-softmax": "[. [. .]]: p = (1, 1, 1), e^R = (1, 1, 1)",
        "factor-per-token": "[. .]: p = (1, 1), e^R = (1, 1)",
        "end-not-scored": "[. .]: p = (1, 1), e^R = (1, 1)",
    },
    "adaptors.order-preserving": {
        "typical": "[. . .]: p = (1, 1, 1), e^R = (1, 1, 2)",
        "one-k": "[. [. .]]: p = (1, 1, 1), e^R = (2, 1, 2)",
        "ties-either-way": "[. .]: p = (1, 2), e^R = (2, 1)",
        "comonotone-is-safe": "[. . .]: p = (1, 1, 2), e^R = (1, 2, 2)",
    },
    "adaptors.attainability": {
        "whole-strings": "[. .]: p = (1, 1), e^R = (1, 1)",
        "local-falls": "[. [. .]]: p = (1, 1, 1), e^R = (3, 2, 2)",
    },
    "simpson.crossing": {
        "mixed-by-string": "p = (1, 2), e^R = (1, 2)",
        "within-decides": "p = (1, 1, 2), e^R = (1, 2, 1)",
        "one-direction": "p = (1, 1, 2), e^R = (1, 2, 1)",
        "opposite-signs-suffice": "p = (1, 1, 2), e^R = (1, 4, 3)",
    },
    "metropolis.ratio": {
        "aligned-ratio-with-temperature": "p = (1, 1), e^R = (1, 2)",
        "only-at-temperature-one": "p = (1, 1), e^R = (1, 1)",
    },
    "metropolis.spectrum": {
        "heaviest-is-worst": "p = (1, 1), e^R = (1, 2), proposal = (1, 1)",
    },
    "metropolis.acceptance": {
        "all-of-the-overlap": "p = (1, 1, 1), e^R = (1, 1, 2), proposal = (1, 2, 1)",
    },
    "metropolis.corpora": {
        "iid-identity": "p = (1, 1, 2), e^R = (1, 2, 1), proposal = (1, 1, 2)",
        "iid-sign": "p = (1, 2, 3), e^R = (1, 3, 2), proposal = (1, 1, 2)",
    },
    "metropolis.accept-all": {
        "stationary-at-the-target": "p = (1, 1), e^R = (1, 1), proposal = (1, 2)",
    },
    "prompts.variance": {
        "within-only": "P p = [[1], [1]], e^R = [[1], [2]]",
        "mean-partition": "P p = [[1], [1]], e^R = [[1], [2]]",
        "one-prompt-per-corpus": "P p = [[1], [1]], e^R = [[1], [2]]",
    },
    "prompts.identification": {
        "identified": "P p = [[1, 1], [1]], e^R = [[1, 2], [1]]",
        "any-sign": "P p = [[1], [1, 2]], e^R = [[1], [2, 1]]",
        "without-share": "P p = [[1, 2], [1]], e^R = [[1, 2], [1]]",
        "closed-interval": "P p = [[1, 2], [1]], e^R = [[1, 2], [1]]",
    },
    "automata.partition": {
        "no-radius": "one state, letters (1,) and end 1, e^R = (3,)",
    },
}
"""Witnesses whose smallness was found by hand or by another search, by claim and control."""


@pytest.mark.parametrize("claim_id", WITNESSES)
def test_witnesses_are_these(claim_id: str) -> None:
    """The cases by which the report knows these controls refuted."""
    found = {c.name: c.witness.case for c in result_of(claim_id).controls if c.witness is not None}
    assert {name: found[name] for name in WITNESSES[claim_id]} == WITNESSES[claim_id]


@pytest.mark.parametrize("claim_id", [claim_id for claim_id in IDS if claim_id.startswith("automata.")])
def test_a_claim_holds_on_the_automata_that_refute_its_controls(claim_id: str) -> None:
    """What breaks is the broken statement: the true one holds on the same specification, and exact answers it."""
    for control in result_of(claim_id).controls:
        assert control.witness is not None
        if not control.witness.spec:
            continue
        spec = read_automaton(control.witness.spec)
        content = Adapted(spec.automaton, spec.adaptors[0].chain) if spec.adaptors else spec.automaton
        assert all(finding.outcome == "holds" for finding in BY_ID[claim_id].check(content))
        assert answer(tomllib.loads(control.witness.spec))["status"] in {"OK", "DIVERGENT"}


@pytest.mark.parametrize(
    ("claim", "control"), SMALLEST, ids=[f"{claim.id}-{control.name}" for claim, control in SMALLEST]
)
def test_smallest_witness(claim: Claim, control: Control) -> None:
    """Before the smallest witness nothing fails; what is not decided there is a tie to 30 digits."""
    found = next(c for c in result_of(claim.id).controls if c.name == control.name)
    assert found.smallest
    assert found.witness is not None
    name = found.witness.case
    sizes = []
    for case in itertools.takewhile(lambda case: case.name != name, control.cases(QUICK)):
        for finding in control.check(case.content):
            tie = finding.outcome == "undecided" and Finding("tie", finding.value).outcome == "holds"
            assert tie or finding.outcome == "holds", f"{case.name}: {finding.label}"
        sizes += [len(aligned) for aligned in itertools.islice(models_in(case.content), 1)]
    assert sizes == sorted(sizes)
