"""correlation.typical: every ordered corpus listed, the toy in float64, edited formulas."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from flint import arb, fmpq
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from tests.strategies import tables
from tests.theory.claims.correlation.ordered import corpora, drawn_toy, joint, second_moments, varies
from tests.theory.claims.edits import Edit, moment, negated, rational, turns_red
from theory.alignment.gibbs import Aligned
from theory.claims.correlation.typical import CLAIM, TypicalCorpora
from theory.claims.instances import named
from theory.corpora.atoms import atoms
from theory.corpora.typicality import conditional_correlation_limit, typical_corpora
from theory.models.finite import FiniteModel


def truncated_variance(variance: float, width: float) -> float:
    """Var of a centred normal given |x| < width, by scipy."""
    scale = math.sqrt(variance)
    return float(stats.truncnorm(-width / scale, width / scale, scale=scale).var())


@given(
    tables(2, 3, 8),
    st.integers(1, 3),
    st.sampled_from([fmpq(1, 5), fmpq(1, 2), fmpq(1), fmpq(4)]),
    st.lists(st.booleans(), min_size=27, max_size=27),
)
def test_typical(aligned: Aligned, size: int, epsilon: fmpq, chosen: list[bool]) -> None:
    """A inside {|Ibar - H| <= eps}: Corr(.|A) <= -sqrt(1 - Var(Ibar|A)/max(Var(Lbar|A), Var(Rbar|A))), for any such A.

    The limit for eps = c/sqrt N is (-b(1+b)v - u)/sqrt((b^2 v + u)((1+b)^2 v + u)), v a truncated variance.
    """
    assume(varies(aligned))
    law = joint(aligned)
    line = sum(((l + r) * rational(mass) for mass, l, r in law), start=arb(0))
    typical = [one for one in corpora(law, size) if abs(line - one[1] - one[2]) < epsilon]
    event = [one for one, taken in zip(typical, chosen, strict=False) if taken]
    for some in (typical, event):
        if len(some) > 1:
            var_l, var_r, cov = second_moments(some)
            variance = second_moments([(mass, l + r, l) for mass, l, r in some])[0]
            larger = arb.max(var_l, var_r)
            if var_l > 0 and var_r > 0 and variance < larger:
                assert not cov / (var_l * var_r).sqrt() > -(1 - variance / larger).sqrt()
    found = FiniteModel.of(aligned)
    conditional = typical_corpora(atoms(found.numbers), size, epsilon).conditional_correlation()
    if conditional is not None:
        var_l, var_r, cov = second_moments(typical)
        assert (conditional - cov / (var_l * var_r).sqrt()).contains(0)
    if not found.mean.constant.surprisal:
        of_l, of_r, of_both = (float(v) for v in second_moments(law))
        v = of_l + of_r + 2 * of_both
        b = -(of_l + of_both) / v
        u = of_l - b * b * v
        cut = truncated_variance(v, float(epsilon.p) / float(epsilon.q) * math.sqrt(size))
        product = (b * b * cut + u) * ((1 + b) ** 2 * cut + u)
        limit = conditional_correlation_limit(found.mean, size, epsilon)
        if product > 1e-12:
            assert float(limit) == pytest.approx((-b * (1 + b) * cut - u) / math.sqrt(product), abs=1e-6)


def test_typical_corpora_of_the_toy() -> None:
    """N = 100,000, eps = 0.001: the limit is -.8119, from its formula in float64, and the exact value is near it."""
    own, log_prior, reward = drawn_toy()
    surprisal = -log_prior - reward
    from_l, from_i = log_prior - own @ log_prior, surprisal - own @ surprisal
    v = own @ from_i**2
    b = own @ (from_l * from_i) / v
    u = own @ (from_l - b * from_i) ** 2
    cut = truncated_variance(v, 0.001 * math.sqrt(100_000))
    expected = (-b * (1 + b) * cut - u) / math.sqrt((b * b * cut + u) * ((1 + b) ** 2 * cut + u))
    assert expected == pytest.approx(-0.8119, abs=5e-5)
    found = named("toy")[0].content
    limit = conditional_correlation_limit(found.mean, 100_000, fmpq(1, 1000))
    assert float(limit) == pytest.approx(expected, abs=1e-9)
    window = typical_corpora(atoms(found.numbers), 100_000, fmpq(1, 1000))
    assert float(window.conditional_correlation()) == pytest.approx(expected, abs=1e-5)
    # a hundred times the data at the same eps: most of the effect is gone
    late = conditional_correlation_limit(found.mean, 10_000_000, fmpq(1, 1000))
    assert -0.15 < float(late) < -0.12


def window_of_c3() -> TypicalCorpora:
    found: FiniteModel = named("C3")[0].content
    window = typical_corpora(atoms(found.numbers), 400, fmpq(1, 20))
    return TypicalCorpora(found, 400, fmpq(1, 20), window)


def turned_sums(content: TypicalCorpora) -> TypicalCorpora:
    """E[xy; typical] with the other sign."""
    sums = list(content.window.sums)
    sums[4] = -sums[4]
    return replace(content, window=replace(content.window, sums=tuple(sums)))


EDITS: dict[str, Edit] = {
    "Cov(L, I)": moment("cov_log_prior_surprisal", negated),
    "V": moment("var_surprisal", lambda v: v * fmpq(11, 10)),
    "Var L": moment("var_log_prior", lambda v: v * fmpq(11, 10)),
    "Cov": moment("cov", negated),
    "E[xy]": turned_sums,
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_formula_turns_red(edit: str) -> None:
    """The claim holds on the case, and certainly fails once a sign or a digit of one number is changed."""
    turns_red(CLAIM, window_of_c3(), EDITS[edit])
