"""Rate, sample size and hypotheses of the line: a property each, verdicts, and witnesses that replay."""

from __future__ import annotations

import pytest
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import tables, weights
from theory.arithmetic.exact import objects
from theory.claims.claim import Claim, Profile, Verdict, run, run_control
from theory.claims.line.models import Band, replay_band
from theory.claims.line.rate import CLAIM as RATE
from theory.claims.line.rate import beyond_by_counting
from theory.claims.line.sample_size import CLAIM as SAMPLE_SIZE
from theory.claims.line.sample_size import surprisal_atoms, typical_by_counting
from theory.claims.registry import find
from theory.corpora.large_deviations import departure, size_bracket, typical_probability
from theory.examples import finite as examples
from theory.models.finite import FiniteModel
from theory.probability.information import cross_entropy, kl_divergence
from theory.specification.finite import parse_specification

CLAIMS = find(["line.rate", "line.sample-size", "line.hypotheses"])


@given(tables(smallest=3, largest=5), weights(5, 5))
def test_rate(aligned: examples.Aligned, other: list[int]) -> None:
    """KL(q || p+) - KL(q_tau || p+) = KL(q || q_tau) for every q, where CE(q_tau) = CE(q)."""
    found = FiniteModel.of(aligned)
    if found.mean.constant.surprisal:
        return
    total = sum(other[: len(aligned)])
    q = objects(fmpq(w, total) for w in other[: len(aligned)])
    solved = departure(found.numbers.prob, cross_entropy(q, found.numbers.prob))
    distance = kl_divergence(q, solved.law)
    assert (kl_divergence(q, found.numbers.prob) - solved.rate - distance).contains(0)
    assert not distance < 0


@given(tables(largest=3, top=5), st.integers(1, 6), st.sampled_from([fmpq(1, 20), fmpq(1, 5), fmpq(1, 2)]))
def test_chernoff_holds_at_every_size(aligned: examples.Aligned, size: int, epsilon: fmpq) -> None:
    """P(Ibar beyond H +- eps) <= exp(-N KL(q_tau || p+)), and the two tails and the band have mass 1."""
    band = Band(FiniteModel.of(aligned), epsilon)
    tails = {side: beyond_by_counting(band, size, side) for side in (-1, 1)}
    assert typical_by_counting(band, size) + tails[-1] + tails[1] == 1
    for side, law in band.departures():
        assert arb(tails[side]) < (-law.rate * size).exp()


@given(tables(largest=3, top=5), st.integers(1, 12), st.sampled_from([fmpq(1, 10), fmpq(1, 3)]))
def test_sample_size(aligned: examples.Aligned, size: int, epsilon: fmpq) -> None:
    """P(|Ibar - H| < eps) from the law of corpus means = the sum over counts, and lies between the normal bounds."""
    found = FiniteModel.of(aligned)
    if found.mean.constant.surprisal:
        return
    band, law = Band(found, epsilon), surprisal_atoms(found)
    exact = typical_by_counting(band, size)
    assert typical_probability(law, size, epsilon).contains(exact)
    third = sum((p * abs(x) ** 3 for p, x in zip(law.prob, law.surprisal, strict=True)), start=arb(0))
    for delta in (fmpq(1, 20), fmpq(1, 2)):
        low, high = size_bracket(found.mean.var_surprisal, third, epsilon, delta)
        assert size != low or exact < 1 - delta
        assert size < high or exact >= 1 - delta


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_verdicts(claim: Claim) -> None:
    result = run(claim, Profile("quick"))
    assert result.as_expected, result
    assert result.verdict is (Verdict.CERTIFIED if claim is SAMPLE_SIZE else Verdict.PROVED)


@pytest.mark.parametrize(
    ("claim", "name", "case"),
    [
        (RATE, "quadratic", "p = (1, 1), e^R = (1, 2), eps = 1/5"),
        (RATE, "mirrored", "p = (1, 1), e^R = (1, 2), eps = 1/5"),
        (RATE, "always-a-temperature", "p = (1, 1), e^R = (1, 2), eps = 1/5"),
        (RATE, "unconstrained", "p = (1, 1), e^R = (1, 2), eps = 1/5"),
        (SAMPLE_SIZE, "one-sided-quantile", "p = (1, 1), e^R = (1, 2), eps = 1/1000000"),
        (SAMPLE_SIZE, "first-suffices", "p = (1, 1), e^R = (1, 2), eps = 1/10"),
        (SAMPLE_SIZE, "monotone", "p = (1, 1), e^R = (1, 2), eps = 1/10"),
        (SAMPLE_SIZE, "one-tail", "p = (1, 1), e^R = (1, 2), eps = 1/10"),
    ],
)
def test_controls_are_refuted_and_their_witnesses_replay(claim: Claim, name: str, case: str) -> None:
    control = next(c for c in claim.controls if c.name == name)
    result = run_control(control, Profile("quick"))
    assert result.verdict is Verdict.REFUTED
    assert result.witness is not None
    assert result.witness.case == case
    again = list(control.check(replay_band(result.witness.spec)))
    assert any(finding.outcome == "fails" for finding in again)


def test_a_witness_names_its_band() -> None:
    result = run_control(SAMPLE_SIZE.controls[2], Profile("quick"))
    assert result.witness is not None
    assert result.witness.label == "P(N = 4) >= P(N = 3)"
    assert result.witness.value == "-4/81"
    corpus = parse_specification(result.witness.spec).corpus
    assert corpus is not None
    assert (corpus.size, corpus.epsilon) == (8, fmpq(1, 10))


def test_a_band_needs_a_corpus() -> None:
    with pytest.raises(ValueError, match=r"needs \[corpus\]"):
        replay_band('[prior]\nkind = "table"\nstrings = ["x"]\nprobs = ["1"]\n[reward]\nexp_values = ["1"]\n')


def test_hot_departures_are_no_temperatures() -> None:
    """H + eps beyond the mean surprisal under the uniform law asks for tau < 0; up to there tau >= 0."""
    found = FiniteModel.of(examples.table((1, 1), (1, 2)))
    uniform = found.numbers.surprisal.sum() / 2
    room = uniform - found.mean.entropy
    assert fmpq(1, 10) < room < fmpq(1, 5)
    cool, hot = (Band(found, epsilon).departure(1) for epsilon in (fmpq(1, 10), fmpq(1, 5)))
    assert cool is not None
    assert hot is not None
    assert cool.tau > 0 > hot.tau
