"""line.sample-size: the law of corpus means against counts, and what a witness says."""

from __future__ import annotations

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
    result = run_control(CLAIM.controls[2], Profile("quick"))
    assert result.witness is not None
    assert result.witness.label == "P(N = 4) >= P(N = 3)"
    assert result.witness.value == "-4/81"
    corpus = parse_specification(result.witness.spec).corpus
    assert corpus is not None
    assert (corpus.size, corpus.epsilon) == (8, fmpq(1, 10))
