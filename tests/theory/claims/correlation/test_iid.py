"""correlation.iid: every ordered corpus listed, edited formulas."""

from __future__ import annotations

from fractions import Fraction

import pytest
from flint import fmpq
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.strategies import tables
from tests.theory.claims.correlation.ordered import corpora, joint, second_moments, varies
from tests.theory.claims.edits import Edit, first_nudged, moment, negated, nudged, of_corpora, turns_red
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import fraction
from theory.claims.correlation.iid import CLAIM, uncorrelated
from theory.claims.instances import named
from theory.claims.line.models import SizedCorpus, sized
from theory.models.finite import FiniteModel


@given(tables(2, 4, 8), st.integers(1, 3))
def test_iid(aligned: Aligned, size: int) -> None:
    """Corr(Lbar, Rbar) = Corr_{p+}(L, R) at every N, over all ordered corpora; < 0 iff V < Var L + Var R."""
    assume(varies(aligned))
    law = joint(aligned)
    var_l, var_r, cov = second_moments(law)
    of_corpora = second_moments(corpora(law, size))
    for whole, single in zip(of_corpora, (var_l, var_r, cov), strict=True):
        assert (whole * size - single).contains(0)
    correlation = of_corpora[2] / (of_corpora[0] * of_corpora[1]).sqrt()
    found = FiniteModel.of(aligned).mean
    assert (correlation - found.correlation).contains(0)
    variance = second_moments([(mass, -l - r, l) for mass, l, r in law])[0]
    assert (variance - found.var_surprisal).contains(0)
    slack = var_l + var_r - variance
    assert bool(correlation < 0) == bool(slack > 0)
    assert bool(correlation > 0) == bool(slack < 0)


def test_uncorrelated_strings() -> None:
    """p+ = (1, 2, 2, 4)/9 is a product of (1, 2)/3 and (1, 2)/3: Cov(L, R) = 0 and V = Var L + Var R, both positive."""
    content = uncorrelated().content
    assert [fraction(q) for q in content.mass()] == [Fraction(k, 9) for k in (1, 2, 2, 4)]
    var_l, var_r, cov = second_moments(joint(content.aligned))
    assert cov.contains(0)
    assert var_l > 0
    assert var_r > 0
    assert (content.mean.var_surprisal - var_l - var_r).contains(0)


def corpora_of_c5() -> SizedCorpus:
    (one,) = sized(named("C5"), (2,), fmpq(1, 4))
    content: SizedCorpus = one.content
    return content


EDITS: dict[str, Edit] = {
    "Cov": moment("cov", negated),
    "Var L": moment("var_log_prior", nudged),
    "Var R": moment("var_reward", nudged),
    "V": moment("var_surprisal", nudged),
    "one Lbar": of_corpora("log_prior", first_nudged),
    "Rbar": of_corpora("reward", negated),
    "P": of_corpora("prob", lambda mass: mass[::-1]),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_formula_turns_red(edit: str) -> None:
    """The claim holds on the case, and certainly fails once a sign or a digit of one number is changed."""
    turns_red(CLAIM, corpora_of_c5(), EDITS[edit])
