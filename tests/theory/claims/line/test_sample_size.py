"""line.sample-size: the law of corpus means against counts, and what a witness says."""

from __future__ import annotations

import math
import statistics

import pytest
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import tables
from theory.claims.claim import Profile
from theory.claims.line.models import Band
from theory.claims.line.sample_size import CLAIM, surprisal_atoms, typical_by_counting
from theory.claims.running import run_control
from theory.corpora.large_deviations import size_bracket, typical_probability
from theory.examples import finite as examples
from theory.models.finite import FiniteModel
from theory.specification.finite import parse_specification


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


def test_a_witness_names_its_band() -> None:
    control = next(control for control in CLAIM.controls if control.name == "monotone")
    result = run_control(control, Profile("quick"))
    assert result.witness is not None
    assert result.witness.label == "P(N = 4) >= P(N = 3)"
    assert result.witness.value == "-4/81"
    corpus = parse_specification(result.witness.spec).corpus
    assert corpus is not None
    assert (corpus.size, corpus.epsilon) == (8, fmpq(1, 10))


def share_typical(q: list[tuple[float, float]], size: int, epsilon: float) -> float:
    """P(|Ibar - H| < eps) for two surprisals, the first of them of total mass q_1: a binomial sum in float64."""
    (first, one), (second, _) = q
    entropy = -one * math.log(first) - (1 - one) * math.log(second)
    return sum(
        math.comb(size, k) * one**k * (1 - one) ** (size - k)
        for k in range(size + 1)
        if abs(-(k * math.log(first) + (size - k) * math.log(second)) / size - entropy) < epsilon
    )


def test_typicality_falls_again() -> None:
    """C4, p+ = (2, 1, 2)/5, eps = 1/10: P >= .95 first at N = 27, not at 29, and from 30 to 60 at every N."""
    law = [(0.4, 0.8), (0.2, 0.2)]
    enough = {n for n in range(1, 61) if share_typical(law, n, 0.1) >= 0.95}
    assert min(enough) == 27
    assert 29 not in enough
    assert set(range(30, 61)) <= enough
    labels = [f.label for case in CLAIM.cases(Profile("quick")) for f in CLAIM.check(case.content)]
    assert "P at N = 27, less P at N = 29" in labels


def test_the_limit_needs_delta_below_one() -> None:
    """delta = 3/2: one string is enough, Chebyshev asks for V/(1.5 eps^2) without bound; 1/(delta z^2) is 1.465."""
    z = statistics.NormalDist().inv_cdf(1 - 1.5 / 2)
    assert 1 / (1.5 * z * z) == pytest.approx(1.4654, abs=5e-5)
    band = Band(FiniteModel.of(examples.table((1, 1), (1, 2))), fmpq(1, 10**6))
    control = next(control for control in CLAIM.controls if control.name == "any-delta")
    (finding,) = control.check(band)
    variance = 2 / 9 * math.log(2) ** 2
    assert float(finding.value) == pytest.approx(2 - variance / 1.5e-12 / 1.4654, rel=1e-4)
    for delta, limit in ((0.05, 5.2064), (0.01, 15.072)):
        z = statistics.NormalDist().inv_cdf(1 - delta / 2)
        assert 1 / (delta * z * z) == pytest.approx(limit, abs=5e-4)
