"""The figure of the line: exact tails against the binomial law, bounds above them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from flint import fmpq
from scipy.stats import binom

from figures import line
from tests.figures.committed import assert_committed
from theory.arithmetic.exact import floats, precision, to_float
from theory.claims.instances import named
from theory.corpora.atoms import atoms
from theory.corpora.enumeration import all_corpora
from theory.corpora.typicality import typical_corpora


@pytest.fixture(scope="module")
def record() -> line.Record:
    """The numbers drawn, computed once."""
    with precision():
        return line.compute()


def test_committed(record: line.Record) -> None:
    """line.csv, digit by digit."""
    assert_committed("line", record)


def test_computed_twice() -> None:
    """Two laws of ten strings are the same."""
    found = named(line.MODEL)[0].content
    law = atoms(found.numbers)
    one, two = (line.corpus_law(law, 10) for _ in range(2))
    assert [to_float(v) for v in one[1]] == [to_float(v) for v in two[1]]
    assert [to_float(v) for v in one[0]] == [to_float(v) for v in two[0]]


def test_tails_are_binomial(record: line.Record) -> None:
    """x = (1/5 - K/N) log 2 with K binomial(N, 1/5): both tails, by scipy."""
    assert record.spacing == pytest.approx(math.log(2), rel=1e-12)
    for tails in record.tails:
        for (x, y), lower in ((tails.below[:, :-1], True), (tails.above[:, 1:], False)):
            count = np.rint(tails.size * (0.2 - x / math.log(2)))
            law = binom(tails.size, 0.2)
            expected = law.sf(count - 1) if lower else law.cdf(count)
            assert y == pytest.approx(expected, rel=1e-7)
        assert tails.below[1, -1] == tails.below[1, -2]
        assert tails.above[1, 0] == tails.above[1, 1]


def test_law_of_all_corpora() -> None:
    """Merging the strings of one surprisal changes nothing: all corpora of ten strings of C4, one by one."""
    found = named(line.MODEL)[0].content
    law = atoms(found.numbers)
    x, prob = line.corpus_law(law, 10)
    corpora = all_corpora(found.numbers, 10)
    sums = floats(corpora.log_prior + corpora.reward) - to_float(found.numbers.log_partition - found.mean.entropy)
    for value, mass in zip(floats(x), floats(prob), strict=True):
        assert floats(corpora.prob)[np.abs(sums - value) < 1e-9].sum() == pytest.approx(mass, rel=1e-12)


def test_chernoff_is_the_divergence_of_bernoulli_laws(record: line.Record) -> None:
    """exp(-N KL(k || 1/5)) with k = 1/5 - x / log 2."""
    for tails in record.tails:
        x, bound = tails.chernoff[:, ~np.isnan(tails.chernoff[1])]
        k = 0.2 - x / math.log(2)
        rate = k * np.log(k / 0.2) + (1 - k) * np.log((1 - k) / 0.8)
        assert bound == pytest.approx(np.exp(-tails.size * rate), rel=1e-9)


def test_bounds_hold(record: line.Record) -> None:
    """Exact <= Chernoff <= one-sided above the line; the two exact tails together <= Chebyshev."""
    for tails in record.tails:
        law = binom(tails.size, 0.2)
        slack = 1 + 1e-9
        for x, bound in tails.chernoff[:, ~np.isnan(tails.chernoff[1])].T:
            count = tails.size * (0.2 - x / math.log(2))
            exact = law.cdf(math.floor(count + 1e-9)) if x > 0 else law.sf(math.ceil(count - 1e-9) - 1)
            assert exact <= bound * slack
        above = tails.chernoff[1, tails.chernoff[0] > 0]
        assert (above <= tails.one_sided[1] * slack).all()
        assert np.nanmin(tails.chernoff[1]) < tails.chebyshev[1].min()


def test_tails_leave_the_typical_probability(record: line.Record) -> None:
    """1 - P(. <= -eps) - P(. >= eps) = P(|Ibar - H| < eps), by the sum over counts of theory.corpora.typicality."""
    found = named(line.MODEL)[0].content
    law = atoms(found.numbers)
    for tails, epsilon in zip(record.tails, (fmpq(1, 10), fmpq(1, 20), fmpq(1, 50)), strict=True):
        value = to_float(epsilon)
        low = max(y for x, y in tails.below.T if x <= -value)
        high = max(y for x, y in tails.above.T if x >= value)
        assert 1 - low - high == pytest.approx(to_float(typical_corpora(law, tails.size, epsilon).mass), rel=1e-10)


def test_other_sizes(record: line.Record) -> None:
    """A size asked for is computed as it is among others."""
    with precision():
        other = line.compute((10, 20, 100))
    assert [tails.size for tails in other.tails] == [10, 20, 100]
    assert (other.tails[2].chernoff[1, 1:5] == record.tails[1].chernoff[1, 1:5]).all()
