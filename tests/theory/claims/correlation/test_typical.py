"""correlation.typical: every ordered corpus listed, the witnesses and the toy in float64, edited formulas."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import special, stats

from tests.strategies import tables
from tests.theory.claims.correlation.ordered import corpora, drawn_toy, joint, second_moments, varies
from tests.theory.claims.edits import Edit, moment, negated, nudged, rational, turns_red
from theory.alignment.gibbs import Aligned
from theory.claims.claim import Profile
from theory.claims.correlation.typical import CLAIM, TypicalCorpora, weakened, weakened_more
from theory.claims.instances import named
from theory.claims.running import run_control
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


def counted(prior: Sequence[int], exp_reward: Sequence[int], size: int, epsilon: float) -> tuple[float, float]:
    """(Corr(L, R), Corr(Lbar, Rbar | typical)) of three strings in float64: all counts, by their multinomial law."""
    p, x = np.array(prior, float), np.array(exp_reward, float)
    own = p * x / (p * x).sum()
    log_prior, reward = np.log(p / p.sum()), np.log(x)
    counts = np.array([(i, j, size - i - j) for i in range(size + 1) for j in range(size + 1 - i)])
    mass = np.exp(special.gammaln(size + 1) - special.gammaln(counts + 1).sum(axis=1) + counts @ np.log(own))
    typical = np.abs(counts @ -np.log(own) / size + own @ np.log(own)) < epsilon
    values = counts @ np.array([log_prior, reward]).T / size
    return (
        float(_matrix(own, np.array([log_prior, reward]).T)),
        float(_matrix(mass[typical] / mass[typical].sum(), values[typical])),
    )


def _matrix(mass: Any, values: Any) -> float:
    matrix = np.cov(values.T, aweights=mass, ddof=0)
    found: float = matrix[0, 1] / math.sqrt(matrix[0, 0] * matrix[1, 1])
    return found


def test_typicality_may_raise_the_correlation() -> None:
    """-.745356 becomes -.739704 at N = 400, eps = 1/20; .923760 becomes 1 at N = 2, eps = 1/2."""
    before, after = counted((1, 1, 2), (1, 5, 1), 400, 0.05)
    assert (before, after) == (pytest.approx(-0.745356, abs=5e-7), pytest.approx(-0.739704, abs=5e-7))
    found = weakened().content
    window = typical_corpora(atoms(found.numbers), 400, fmpq(1, 20))
    assert float(window.conditional_correlation()) == pytest.approx(after, abs=1e-9)
    before, after = counted((1, 1, 2), (1, 2, 4), 2, 0.5)
    assert (before, after) == (pytest.approx(0.923760, abs=5e-7), pytest.approx(1))
    witness = run_control(next(c for c in CLAIM.controls if c.name == "lowers"), Profile("quick")).witness
    assert witness is not None
    assert witness.case == "p = (1, 1, 2), e^R = (1, 2, 4), N = 2"


def test_narrowing_may_weaken_the_limit() -> None:
    """p = (1, 20, 400), e^R = (30, 8, 1): -.99341, and -.97483 at eps sqrt N = 1/5; least at v = u/(b (1 + b))."""
    p, x = np.array([1, 20, 400.0]), np.array([30, 8, 1.0])
    own = p * x / (p * x).sum()
    log_prior, surprisal = np.log(p), -np.log(own)
    from_l, from_i = log_prior - own @ log_prior, surprisal - own @ surprisal
    variance = own @ from_i**2
    b = own @ (from_l * from_i) / variance
    u = own @ (from_l - b * from_i) ** 2

    def limit(v: float) -> float:
        return float((-b * (1 + b) * v - u) / math.sqrt((b * b * v + u) * ((1 + b) ** 2 * v + u)))

    assert limit(variance) == pytest.approx(-0.99341, abs=5e-6)
    assert limit(truncated_variance(variance, 0.2)) == pytest.approx(-0.97483, abs=5e-6)
    assert 0 < u < b * (1 + b) * variance
    turn = u / (b * (1 + b))
    grid = np.linspace(turn / 50, variance, 2001)
    assert grid[int(np.argmax([limit(v) for v in grid]))] == pytest.approx(turn, abs=variance / 1000)
    found = weakened_more().content
    assert float(conditional_correlation_limit(found.mean, 25, fmpq(1, 25))) == pytest.approx(-0.97483, abs=5e-6)
    before, after = counted((1, 20, 400), (30, 8, 1), 400, 0.01)
    assert before < after < -0.97


@pytest.mark.parametrize("name", ["C1", "C2"])
def test_collinear_models_stay_at_one(name: str) -> None:
    """C1 and C2: R - L is constant, so that every band has correlation +1."""
    found = named(name)[0].content
    for size, epsilon in ((5, fmpq(1)), (50, fmpq(1, 10)), (1000, fmpq(1, 20))):
        window = typical_corpora(atoms(found.numbers), size, epsilon)
        assert float(window.conditional_correlation()) == pytest.approx(1, abs=1e-12)


@given(tables(2, 4, 8), st.floats(0.01, 3))
def test_the_limit_at_a_narrow_band(aligned: Aligned, width: float) -> None:
    """1 - limit^2 = u v / ((b^2 v + u)((1 + b)^2 v + u)) <= v/u, hence -1 in the end for u > 0; b, u, v in float64."""
    assume(varies(aligned))
    mean = FiniteModel.of(aligned).mean
    assume(not mean.constant.surprisal)
    b, variance = float(mean.exchange_coefficient), float(mean.var_surprisal)
    u = float(mean.var_log_prior) - b * b * variance
    assume(u > 1e-6)
    c = fmpq(round(width * 1000), 1000)
    v = truncated_variance(variance, float(c.p) / float(c.q))
    limit = float(conditional_correlation_limit(mean, 1, c))
    assert 1 - limit**2 == pytest.approx(u * v / ((b * b * v + u) * ((1 + b) ** 2 * v + u)), rel=1e-5, abs=1e-9)
    assert 1 - limit**2 <= v / u + 1e-9


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
    "E[xy]": turned_sums,
}

LIMIT_EDITS: dict[str, Edit] = {
    "Cov": moment("cov", negated),
    "V": moment("var_surprisal", nudged),
    "Var L": moment("var_log_prior", nudged),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_formula_turns_red(edit: str) -> None:
    """The claim holds on the case, and certainly fails once a sign or a digit of one number is changed."""
    turns_red(CLAIM, window_of_c3(), EDITS[edit])


@pytest.mark.parametrize("edit", LIMIT_EDITS)
def test_an_edited_limit_turns_red(edit: str) -> None:
    """The limit at v = V is Corr(L, R), and certainly not once a digit of one number is changed."""
    turns_red(CLAIM, named("C4")[0].content, LIMIT_EDITS[edit])
