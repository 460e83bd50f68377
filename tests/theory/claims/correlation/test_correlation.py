"""Correlation: a property for each claim by listing ordered corpora, figures, and formulas that turn red."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from tests.strategies import models, tables
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import fraction, objects
from theory.claims.claim import Claim
from theory.claims.correlation.iid import CLAIM as IID
from theory.claims.correlation.measure import CLAIM as MEASURE
from theory.claims.correlation.measure import ranks, unweighted_correlation, unweighted_spearman
from theory.claims.correlation.sharp import CLAIM as SHARP
from theory.claims.correlation.sharp import attained
from theory.claims.correlation.typical import CLAIM as TYPICAL
from theory.claims.correlation.typical import TypicalCorpora
from theory.claims.instances import named
from theory.claims.line.models import SizedCorpus, sized
from theory.corpora.atoms import atoms
from theory.corpora.typicality import conditional_correlation_limit, typical_corpora
from theory.models.finite import FiniteModel

TINY = fmpq(1, 10**25)


def rational(value: Fraction) -> fmpq:
    return fmpq(value.numerator, value.denominator)


def ln(value: Fraction) -> arb:
    return arb(rational(value)).log()


def joint(aligned: Aligned) -> list[tuple[Fraction, arb, arb]]:
    """(p+, L, R) of every string, p+ rational."""
    p, x = [fraction(v) for v in aligned.prior], [fraction(r.factor) for r in aligned.reward]
    z = sum(a * b for a, b in zip(p, x, strict=True))
    return [(a * b / z, ln(a), ln(b)) for a, b in zip(p, x, strict=True)]


def varies(aligned: Aligned) -> bool:
    """Whether neither L nor R is constant."""
    return len(set(aligned.prior)) > 1 and len({r.factor for r in aligned.reward}) > 1


def corpora(law: Sequence[tuple[Fraction, arb, arb]], size: int) -> list[tuple[Fraction, arb, arb]]:
    """(P, Lbar, Rbar) of every ordered corpus of N strings."""
    return [
        (
            math.prod((mass for mass, _, _ in drawn), start=Fraction(1)),
            sum((l for _, l, _ in drawn), start=arb(0)) / size,
            sum((r for _, _, r in drawn), start=arb(0)) / size,
        )
        for drawn in itertools.product(law, repeat=size)
    ]


def second_moments(law: Sequence[tuple[Fraction, arb, arb]]) -> tuple[arb, arb, arb]:
    """(Var L, Var R, Cov), E[fg] - E f E g, of a law that need not sum to 1."""
    total = rational(sum((mass for mass, _, _ in law), start=Fraction(0)))

    def mean(values: list[arb]) -> arb:
        return sum((v * rational(mass) for v, (mass, _, _) in zip(values, law, strict=True)), start=arb(0)) / total

    one, two = [l for _, l, _ in law], [r for _, _, r in law]
    pairs = ((one, one), (two, two), (one, two))
    var_l, var_r, cov = (
        mean([a * b for a, b in zip(*pair, strict=True)]) - mean(pair[0]) * mean(pair[1]) for pair in pairs
    )
    return var_l, var_r, cov


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


@given(models(), st.fractions(-3, 3, max_denominator=6))
def test_sharp(aligned: Aligned, slope: Fraction) -> None:
    """V = Var(L + R) >= min_a Var(L + a R) = (1 - rho^2) Var L, and the same with L and R exchanged.

    V < max(Var L, Var R) implies rho <= -sqrt(1 - V/max).
    """
    assume(varies(aligned))
    law = joint(aligned)
    var_l, var_r, cov = second_moments(law)
    variance = second_moments([(mass, l + r, l) for mass, l, r in law])[0]
    left = var_l * var_r - cov * cov
    # (1 - rho^2) Var L = (Var L Var R - Cov^2) / Var R, below the variance of every L + a R
    a = rational(slope)
    assert not var_l + 2 * a * cov + a * a * var_r < left / var_r
    assert not var_r + 2 * a * cov + a * a * var_l < left / var_l
    assert not variance < left / var_r
    assert not variance < left / var_l
    larger = arb.max(var_l, var_r)
    rho = cov / (var_l * var_r).sqrt()
    if variance < larger:
        assert not rho > -(1 - variance / larger).sqrt()
        assert rho < 0
    found = FiniteModel.of(aligned).mean
    assert (found.var_surprisal - variance).contains(0)
    assert (found.correlation - rho).contains(0)


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


# --- figures ------------------------------------------------------------------------------------------------------


def test_c4_in_units_of_log_two() -> None:
    """p+ = (2, 1, 2)/5, L = (3, 2, 0), R = (0, 0, 3): Var L = 46/25, Var R = 54/25, Cov = -48/25, V = 4/25, b = 1/2."""
    mass, prior, reward = (Fraction(2, 5), Fraction(1, 5), Fraction(2, 5)), (3, 2, 0), (0, 0, 3)

    def cov(one: Sequence[int], two: Sequence[int]) -> Fraction:
        first, second = (sum(m * v for m, v in zip(mass, values, strict=True)) for values in (one, two))
        return Fraction(sum(m * a * b for m, a, b in zip(mass, one, two, strict=True)) - first * second)

    minus = [-a - r for a, r in zip(prior, reward, strict=True)]
    exact = {
        "var_log_prior": (cov(prior, prior), Fraction(46, 25)),
        "var_reward": (cov(reward, reward), Fraction(54, 25)),
        "cov": (cov(prior, reward), Fraction(-48, 25)),
        "var_surprisal": (cov(minus, minus), Fraction(4, 25)),
        "cov_log_prior_surprisal": (cov(prior, minus), Fraction(2, 25)),
    }
    found = named("C4")[0].content.mean
    unit = arb(2).log() * arb(2).log()
    for name, (computed, stated) in exact.items():
        assert computed == stated
        assert (getattr(found, name) - unit * rational(stated)).contains(0)
    assert (found.exchange_coefficient - fmpq(1, 2)).contains(0)
    assert float(found.correlation) == pytest.approx(-48 / math.sqrt(46 * 54), rel=1e-14)


def test_where_the_sharp_bound_is_attained() -> None:
    """I and R independent, in units of log 2: V = 2/9, Var R = 1/4, Var L = 17/36, Cov = -1/4, rho^2 = 9/17."""
    found = attained().mean
    unit = arb(2).log() * arb(2).log()
    stated = {"var_surprisal": (2, 9), "var_reward": (1, 4), "var_log_prior": (17, 36), "cov": (-1, 4)}
    for name, (above, below) in stated.items():
        assert (getattr(found, name) - unit * fmpq(above, below)).contains(0)
    assert (found.correlation * found.correlation - fmpq(9, 17)).contains(0)
    assert Fraction(2, 9) == (1 - Fraction(9, 17)) * Fraction(17, 36)
    assert float(found.correlation) == pytest.approx(-math.sqrt(1 - (2 / 9) / (17 / 36)), rel=1e-14)


def drawn_toy() -> tuple[Any, Any, Any]:
    """(p+, L, R) of the toy as numpy draws it."""
    rng = np.random.RandomState(42)
    own = rng.dirichlet([0.1] * 1000)
    logits = own ** (1 / 42) + rng.uniform(-0.42, 0.42, 1000)
    prior = np.exp(logits) / np.exp(logits).sum()
    return own, np.log(prior), np.log(own) - np.log(prior)


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


# --- formulas that turn red ---------------------------------------------------------------------------------------

Edit = Callable[[FiniteModel], FiniteModel]


def numbers(name: str, change: Callable[[Any], Any]) -> Edit:
    """The instance with one of its arrays changed."""
    return lambda found: replace(found, numbers=replace(found.numbers, **{name: change(getattr(found.numbers, name))}))


def mean(name: str, change: Callable[[Any], Any]) -> Edit:
    """The instance with one of its moments changed."""
    return lambda found: replace(found, mean=replace(found.mean, **{name: change(getattr(found.mean, name))}))


def negated(value: Any) -> Any:
    return -value


def nudged(value: Any) -> Any:
    return value + TINY


def hundredth(value: Any) -> Any:
    return value / 100


def sized_c5(size: int) -> SizedCorpus:
    (one,) = sized(named("C5"), (size,), fmpq(1, 4))
    content: SizedCorpus = one.content
    return content


def window_of_c3() -> TypicalCorpora:
    found: FiniteModel = named("C3")[0].content
    window = typical_corpora(atoms(found.numbers), 400, fmpq(1, 20))
    return TypicalCorpora(found, 400, fmpq(1, 20), window)


def model_edits(claim: Claim, make: Callable[[], Any], edits: dict[str, Edit]) -> dict[str, Any]:
    """Edits of the model that a case holds, or is."""

    def changed(content: Any, edit: Edit) -> Any:
        if isinstance(content, tuple):
            return (edit(content[0]),)
        return edit(content) if isinstance(content, FiniteModel) else replace(content, found=edit(content.found))

    return {
        f"{claim.id}, {name}": (claim, make, lambda content, edit=edit: changed(content, edit))
        for name, edit in edits.items()
    }


def corpus_edit(name: str, change: Callable[[Any], Any]) -> Callable[[SizedCorpus], SizedCorpus]:
    """The corpora with one of their own arrays changed."""

    def edited(content: SizedCorpus) -> SizedCorpus:
        old = content.corpora
        return replace(content, corpora=replace(old, **{name: change(getattr(old, name))}))

    return edited


def turned_sums(content: TypicalCorpora) -> TypicalCorpora:
    """E[xy; typical] with the other sign."""
    sums = list(content.window.sums)
    sums[4] = -sums[4]
    return replace(content, window=replace(content.window, sums=tuple(sums)))


def first_nudged(values: Any) -> Any:
    return objects([values[0] + TINY, *values[1:]])


EDITS: dict[str, tuple[Claim, Callable[[], Any], Callable[[Any], Any]]] = {
    **model_edits(
        IID,
        lambda: sized_c5(2),
        {
            "Cov": mean("cov", negated),
            "Var L": mean("var_log_prior", nudged),
            "Var R": mean("var_reward", nudged),
            "V": mean("var_surprisal", nudged),
        },
    ),
    "correlation.iid, one Lbar": (IID, lambda: sized_c5(2), corpus_edit("log_prior", first_nudged)),
    "correlation.iid, Rbar": (IID, lambda: sized_c5(2), corpus_edit("reward", negated)),
    "correlation.iid, P": (IID, lambda: sized_c5(2), corpus_edit("prob", lambda mass: mass[::-1])),
    **model_edits(
        SHARP,
        lambda: named("C4")[0].content,
        {
            "Cov": mean("cov", negated),
            "V": mean("var_surprisal", hundredth),
            "Var R": mean("var_reward", lambda v: 2 * v),
        },
    ),
    **{
        f"attained, {key}": value
        for key, value in model_edits(
            SHARP,
            lambda: (attained(),),
            {"Cov": mean("cov", negated), "V": mean("var_surprisal", nudged), "Var L": mean("var_log_prior", nudged)},
        ).items()
    },
    **model_edits(
        TYPICAL,
        window_of_c3,
        {
            "Cov(L, I)": mean("cov_log_prior_surprisal", negated),
            "V": mean("var_surprisal", lambda v: v * fmpq(11, 10)),
            "Var L": mean("var_log_prior", lambda v: v * fmpq(11, 10)),
            "Cov": mean("cov", negated),
        },
    ),
    "correlation.typical, E[xy]": (TYPICAL, window_of_c3, turned_sums),
    **model_edits(
        MEASURE,
        lambda: named("toy")[0].content,
        {"Cov": mean("cov", negated), "R": numbers("reward", negated), "L": numbers("log_prior", negated)},
    ),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_formula_turns_red(edit: str) -> None:
    """The claim holds on the case, and certainly fails once a sign or a digit of one number is changed."""
    claim, make, change = EDITS[edit]
    content = make()
    assert {finding.outcome for finding in claim.check(content)} == {"holds"}
    assert "fails" in {finding.outcome for finding in claim.check(change(content))}
