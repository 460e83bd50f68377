"""line.rate: divergences of any law, Chernoff at every size, and departures that are no temperatures."""

from __future__ import annotations

import pytest
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import tables, weights
from theory.arithmetic.exact import objects
from theory.claims.line.models import Band
from theory.claims.line.rate import CLAIM, beyond_by_counting
from theory.claims.line.sample_size import typical_by_counting
from theory.corpora.large_deviations import departure
from theory.examples import finite as examples
from theory.models.finite import FiniteModel
from theory.probability.information import cross_entropy, kl_divergence


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


def test_hot_departures_are_no_temperatures() -> None:
    """H + eps beyond the mean surprisal under the uniform law asks for tau < 0; up to there tau >= 0.

    Old: "the temperature family is the cheapest way to leave the line".
    """
    found = FiniteModel.of(examples.table((1, 1), (1, 2)))
    uniform = found.numbers.surprisal.sum() / 2
    room = uniform - found.mean.entropy
    assert fmpq(1, 10) < room < fmpq(1, 5)
    cool, hot = (Band(found, epsilon).departure(1) for epsilon in (fmpq(1, 10), fmpq(1, 5)))
    assert cool is not None
    assert hot is not None
    assert cool.tau > 0 > hot.tau
    assert float(hot.tau) == pytest.approx(-0.7177, abs=5e-5)
    labels = {f.label: f.outcome for f in CLAIM.check(Band(found, fmpq(1, 5))) if f.label.startswith("tau")}
    assert labels["tau < 0: H + eps is above the unweighted mean of I"] == "holds"
    labels = {f.label: f.outcome for f in CLAIM.check(Band(found, fmpq(1, 10))) if f.label.startswith("tau")}
    assert labels["tau > 0: H + eps is below the unweighted mean of I"] == "holds"
