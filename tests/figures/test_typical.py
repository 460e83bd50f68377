"""The figure of typical corpora: exact values against enumeration, the bound above, the limit near."""

from __future__ import annotations

import numpy as np
import pytest
from flint import fmpq

from figures import typical
from tests.figures.committed import assert_committed
from theory.arithmetic.exact import floats, precision, to_float
from theory.claims.instances import named
from theory.corpora.atoms import atoms
from theory.corpora.enumeration import all_corpora
from theory.corpora.multinomial import by_multinomial


@pytest.fixture(scope="module")
def record() -> typical.Record:
    """The numbers drawn, computed once."""
    with precision():
        return typical.compute()


def test_committed(record: typical.Record) -> None:
    """typical.csv; the toy is inverted in float64, so the last digits may differ between processors."""
    assert_committed("typical", record)


def test_enumeration(record: typical.Record) -> None:
    """Correlation, bound and probability given typicality, from all corpora of ten strings in float64, one by one."""
    found = named(typical.SMALL)[0].content
    corpora = all_corpora(found.numbers, 10)
    prob, l, r = (floats(v) for v in (corpora.prob, corpora.log_prior, corpora.reward))
    away = np.abs(l + r - to_float(found.numbers.log_partition - found.mean.entropy))
    one = record.small[0]
    for k in range(0, len(one.x), 25):
        inside = away < one.x[k]
        assert prob[inside].sum() == pytest.approx(one.probability[k], abs=1e-12)
        if np.isnan(one.exact[k]):
            assert inside.sum() < 2
            continue
        matrix = np.cov(np.stack([l, r, l + r])[:, inside], aweights=prob[inside], ddof=0)
        deviation = np.sqrt(np.diag(matrix))
        assert matrix[0, 1] / (deviation[0] * deviation[1]) == pytest.approx(one.exact[k], abs=1e-9)
        share = matrix[2, 2] / max(matrix[0, 0], matrix[1, 1])
        assert np.isnan(one.bound[k]) if share >= 1 else -np.sqrt(1 - share) == pytest.approx(one.bound[k], abs=1e-9)


def test_bound_is_above(record: typical.Record) -> None:
    """Corr(. | typical) <= the bound wherever it says something."""
    for one in (*record.small, *record.toy, *record.growing):
        says = ~np.isnan(one.bound)
        assert says.any()
        assert (one.exact[says] <= one.bound[says] + 1e-9).all()


def test_limit_is_near_at_large_sizes(record: typical.Record) -> None:
    """Within 5/N of the exact values once every step of the staircase is small; interpolated on the curve."""
    for one in (record.small[-1], *record.toy):
        limit = np.interp(np.log(one.x), np.log(one.limit[0]), one.limit[1])
        assert np.abs(one.exact - limit).max() < 5 / one.size + 2e-3


def test_toy_of_the_paper(record: typical.Record) -> None:
    """N = 100,000, epsilon = 0.001: P = 0.2089852674 and Corr = -0.8119."""
    toy = record.growing[1]
    (place,) = np.flatnonzero(toy.x == 100_000)
    assert toy.probability[place] == pytest.approx(0.2089852674, abs=1e-9)
    assert toy.exact[place] == pytest.approx(-0.811929267, abs=1e-8)


def test_more_data_undo_the_effect(record: typical.Record) -> None:
    """At fixed epsilon the correlation starts near -1 and ends at Corr under p+."""
    for one in record.growing:
        assert one.exact[0] < -0.9
        assert one.exact[-1] == pytest.approx(one.unconditional, abs=0.01)
        assert one.probability[-1] > 0.99


def test_silent_where_no_corpus_is_typical() -> None:
    """An empty band has no correlation: a gap in the line, not a number."""
    found = named(typical.SMALL)[0].content
    law = atoms(found.numbers)
    window = by_multinomial(law, 2, fmpq(1, 1000))
    assert window.conditional_correlation() is None
