"""correlation.measure: against numpy and scipy, the toy drawn again, edited formulas."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from scipy import stats

from tests.strategies import models
from tests.theory.claims.correlation.ordered import drawn_toy, varies
from tests.theory.claims.edits import Edit, model, moment, negated, numbers, turns_red
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import fraction
from theory.claims.correlation.measure import CLAIM, ranks, unweighted_correlation, unweighted_spearman
from theory.claims.instances import named
from theory.models.finite import FiniteModel


@given(models())
def test_measure(aligned: Aligned) -> None:
    """Corr_unif(L, R) counts every string once: Pearson and Spearman of (log p, log e^R) by numpy and scipy."""
    assume(varies(aligned))
    found = FiniteModel.of(aligned)
    p, x = ([float(v) for v in values] for values in zip(*_pairs(aligned), strict=True))
    pearson = np.corrcoef(np.log(p), np.log(x))[0, 1]
    assert float(unweighted_correlation(found)) == pytest.approx(pearson, abs=1e-9)
    spearman = stats.spearmanr(p, x).statistic
    assert float(unweighted_spearman(found)) == pytest.approx(spearman, abs=1e-9)
    one, two = ([2 * fraction(k) for k in ranks(list(v))] for v in (found.numbers.log_prior, found.numbers.reward))
    assert [one, two] == [[2 * Fraction(k) for k in stats.rankdata(v)] for v in (p, x)]


def _pairs(aligned: Aligned) -> list[tuple[Fraction, Fraction]]:
    return [(fraction(p), fraction(r.factor)) for p, r in zip(aligned.prior, aligned.reward, strict=True)]


def test_toy_changes_its_sign_with_the_measure() -> None:
    """r = +.4856 and rho = +.43 with every string counted once, -.1294 under p+."""
    own, log_prior, reward = drawn_toy()
    plain = np.corrcoef(log_prior, reward)[0, 1]
    from_l, from_r = log_prior - own @ log_prior, reward - own @ reward
    weighted = own @ (from_l * from_r) / math.sqrt((own @ from_l**2) * (own @ from_r**2))
    spearman = stats.spearmanr(log_prior, reward).statistic
    assert plain == pytest.approx(0.4856, abs=5e-5)
    assert weighted == pytest.approx(-0.1294, abs=5e-5)
    assert spearman == pytest.approx(0.43, abs=5e-3)
    found = named("toy")[0].content
    assert float(unweighted_correlation(found)) == pytest.approx(plain, abs=1e-10)
    assert float(unweighted_spearman(found)) == pytest.approx(spearman, abs=1e-10)
    assert float(found.mean.correlation) == pytest.approx(weighted, abs=1e-10)


EDITS: dict[str, Edit] = {
    "Cov": moment("cov", negated),
    "R": numbers("reward", negated),
    "L": numbers("log_prior", negated),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_formula_turns_red(edit: str) -> None:
    """The claim holds on the case, and certainly fails once a sign or a digit of one number is changed."""
    turns_red(CLAIM, model("toy"), EDITS[edit])
