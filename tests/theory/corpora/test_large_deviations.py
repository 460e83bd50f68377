"""The cheapest way off the line, and the numbers of strings, each along a second route."""

from __future__ import annotations

import pytest
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import rationals, tables
from theory.adaptors.exact import chain
from theory.arithmetic.exact import Undecided, objects
from theory.claims.line.models import Band
from theory.claims.line.sample_size import surprisal_atoms, typical_by_counting
from theory.corpora.atoms import Atoms
from theory.corpora.large_deviations import (
    chebyshev_excess,
    chebyshev_size,
    chernoff_size,
    departure,
    excess_slope,
    least_size,
    legendre,
    normal_quantile,
    rate_excess,
    sample_size,
    size_bracket,
    two_rates,
    typical_probability,
)
from theory.examples import finite as examples
from theory.models.finite import FiniteModel
from theory.probability.exponential_family import ExponentialFamily, increasing_root
from theory.probability.information import kl_divergence


@given(rationals())
def test_a_root_is_enclosed(x: fmpq) -> None:
    """x is the root of t^3 + t = x^3 + x."""
    target = x**3 + x
    root = increasing_root(lambda t: t**3 + t - target, lambda t: 3 * t * t + 1, arb(0), arb(20))
    assert root.contains(x)
    assert float(root.rad()) < 1e-50


def test_a_root_needs_its_signs() -> None:
    with pytest.raises(ValueError, match="must be < 0 at"):
        increasing_root(lambda t: t, lambda t: arb(1), arb(1), arb(2))


def test_a_root_of_a_blurred_function_is_undecided() -> None:
    with pytest.raises(Undecided, match="no certain signs"):
        increasing_root(lambda t: t + arb(0, 1e-3), lambda t: arb(1), arb(-1), arb(2))


@pytest.mark.parametrize("level", [fmpq(1, 2), fmpq(19, 20), fmpq(99, 100)])
def test_the_normal_quantile_by_the_inverse_error_function(level: fmpq) -> None:
    """z = sqrt 2 erfinv(level)."""
    assert normal_quantile(level).overlaps(arb(2).sqrt() * arb(level).erfinv())


def test_the_normal_quantile_as_printed_in_tables() -> None:
    assert float(normal_quantile(fmpq(19, 20))) == pytest.approx(1.959963984540054, rel=1e-14)


@given(tables(), st.integers(-4, 4), st.integers(1, 3))
def test_a_family_by_its_derivatives(aligned: examples.Aligned, whole: int, part: int) -> None:
    """Lambda' = E X, Lambda'' = Var X and KL(q_s || p) = s E X - Lambda, from power series and from the definition."""
    found = FiniteModel.of(aligned)
    family = ExponentialFamily(found.numbers.prob, found.numbers.reward)
    s = arb(fmpq(whole, part))
    series = family.expansion(s, 3)
    assert (series[0] - family.log_moment(s)).contains(0)
    assert (series[1] - family.mean(s)).contains(0)
    assert (2 * series[2] - family.variance(s)).contains(0)
    assert (kl_divergence(family.law(s), found.numbers.prob) - family.divergence(s)).contains(0)


@given(tables(smallest=3), st.sampled_from(["1/3", "2/3", "5/4", "3"]))
def test_a_departure_is_a_temperature(aligned: examples.Aligned, temperature: str) -> None:
    """At x = CE of global temperature T the solver finds tau = 1/T and KL(q_tau || p+)."""
    found = FiniteModel.of(aligned)
    if found.mean.constant.surprisal:
        return
    law = found.law(chain(("temperature", temperature)), "global")
    mean = found.moments(law)
    solved = departure(found.numbers.prob, mean.cross_entropy)
    (step,) = chain(("temperature", temperature))
    assert solved.tau.contains(1 / step.value)
    assert (solved.rate - mean.kl_to_aligned).contains(0)
    assert all(a.overlaps(b) for a, b in zip(solved.law, law.prob, strict=True))


def test_there_is_no_departure_beyond_the_support() -> None:
    found = FiniteModel.of(examples.c4())
    with pytest.raises(ValueError, match="not between the least and the largest"):
        departure(found.numbers.prob, found.mean.entropy + 2)


@given(tables(smallest=3), rationals(), st.booleans())
def test_the_legendre_transform_is_not_exceeded(aligned: examples.Aligned, s: fmpq, negative: bool) -> None:
    """s x - log E e^{sI} <= sup = KL(q_tau || p+), at every s."""
    found = FiniteModel.of(aligned)
    if found.mean.constant.surprisal:
        return
    x = found.numbers.surprisal.sum() / len(aligned)  # the mean surprisal under the uniform law: tau = 0
    solved = departure(found.numbers.prob, x)
    assert solved.tau.contains(0)
    supremum = legendre(solved.family, x, solved.order)
    assert supremum.overlaps(solved.rate)
    order = arb(-s if negative else s)
    assert not order * x - solved.family.log_moment(order) > supremum


def test_the_excess_over_the_rate_vanishes() -> None:
    """sqrt N times the bound stays bounded, and there is none while N is small."""
    found = FiniteModel.of(examples.c4())
    solved = departure(found.numbers.prob, found.mean.entropy + fmpq(1, 10))
    assert rate_excess(solved, 1) is None
    scaled = [rate_excess(solved, n) * arb(n).sqrt() for n in (10**2, 10**4, 10**6)]
    assert scaled[0] > scaled[1] > scaled[2]
    assert scaled[2] < 2


@given(st.integers(1, 10**9))
def test_the_least_size(least: int) -> None:
    assert least_size(lambda n: arb(n - least)) == least


def test_no_size_and_an_undecided_size() -> None:
    with pytest.raises(ValueError, match="no number of strings"):
        least_size(lambda n: arb(-1))
    with pytest.raises(Undecided, match="whether N = 1 suffices"):
        least_size(lambda n: arb(0, 1))


@given(tables(largest=3, top=4), st.sampled_from([fmpq(1, 4), fmpq(1, 2)]))
def test_the_sample_size_by_counting_corpora(aligned: examples.Aligned, epsilon: fmpq) -> None:
    """P(|Ibar - H| < eps) in rationals at every N: first, least, and nothing fails from least on."""
    delta = fmpq(20, 53)  # no mass has a denominator with the prime 53, so that P is never 1 - delta
    found = FiniteModel.of(aligned)
    if found.mean.constant.surprisal:
        return
    law = surprisal_atoms(found)
    size = sample_size(law, found.mean.var_surprisal, epsilon, delta)
    band = Band(found, epsilon)
    last = min(size.chernoff, 25)
    holds = {n: typical_by_counting(band, n) >= 1 - delta for n in range(1, last + 1)}
    assert size.first == next((n for n, good in holds.items() if good), size.first)
    assert size.least - 1 == max((n for n, good in holds.items() if not good), default=0) or size.least > last
    assert size.first <= size.least <= min(size.chernoff, size.chebyshev)
    low, high = size_bracket(found.mean.var_surprisal, _third(law), epsilon, delta)
    assert low < size.least <= high


def _third(law: Atoms) -> arb:
    return sum((p * abs(x) ** 3 for p, x in zip(law.prob, law.surprisal, strict=True)), start=arb(0))


@pytest.mark.parametrize(
    ("model", "epsilon", "delta", "numbers"),
    [
        ("c4", fmpq(1, 20), fmpq(1, 20), (114, 122, 227, 615)),
        ("c4", fmpq(1, 20), fmpq(1, 100), (195, 214, 328, 3075)),
        ("c2", fmpq(1, 10), fmpq(1, 20), (54, 61, 111, 304)),
        ("c1", fmpq(1, 4), fmpq(1, 20), (35, 39, 69, 185)),
        ("c5", fmpq(1, 4), fmpq(1, 100), (21, 21, 33, 319)),
    ],
)
def test_sample_sizes(model: str, epsilon: fmpq, delta: fmpq, numbers: tuple[int, ...]) -> None:
    """(first, least, Chernoff, Chebyshev); the last two by their definition."""
    found = FiniteModel.of(getattr(examples, model)())
    law = surprisal_atoms(found)
    size = sample_size(law, found.mean.var_surprisal, epsilon, delta)
    assert (size.first, size.least, size.chernoff, size.chebyshev) == numbers
    rates = two_rates(law, epsilon)
    for n, enough in ((size.chernoff, True), (size.chernoff - 1, False)):
        assert (sum(((-r * n).exp() for r in rates), start=arb(0)) <= delta) is enough
    assert chebyshev_size(found.mean.var_surprisal, epsilon, delta) == size.chebyshev
    assert found.mean.var_surprisal <= size.chebyshev * delta * epsilon**2
    assert found.mean.var_surprisal > (size.chebyshev - 1) * delta * epsilon**2


def test_a_tie_is_undecided() -> None:
    """P = 3/5 = 1 - delta exactly: balls cannot tell, and do not guess."""
    found = FiniteModel.of(examples.table((1, 1, 3), (1, 1, 1)))
    with pytest.raises(Undecided, match="cannot be told from 1 - 2/5"):
        sample_size(surprisal_atoms(found), found.mean.var_surprisal, fmpq(1, 2), fmpq(2, 5))


def test_no_tail_needs_one_string() -> None:
    """Where no surprisal is eps from H every corpus is typical."""
    law = surprisal_atoms(FiniteModel.of(examples.c4()))
    assert two_rates(law, fmpq(3)) == ()
    assert chernoff_size((), fmpq(1, 20)) == 1


def test_the_limit_of_the_ratio() -> None:
    """1 / (delta z^2): 5.206 at delta = 0.05, 15.07 at 0.01."""
    assert float(chebyshev_excess(fmpq(1, 20))) == pytest.approx(5.20636, abs=1e-5)
    assert float(chebyshev_excess(fmpq(1, 100))) == pytest.approx(15.07182, abs=1e-5)


def test_the_bracket_closes_like_epsilon() -> None:
    """(N'' - N')/N'' = 2 C eps (1 + o(1))."""
    found = FiniteModel.of(examples.c4())
    variance, third, delta = found.mean.var_surprisal, _third(surprisal_atoms(found)), fmpq(1, 20)
    slope = float(excess_slope(variance, third, delta))
    for power in (4, 6, 8):
        low, high = size_bracket(variance, third, fmpq(1, 10**power), delta)
        assert (high - low) / high * 10**power == pytest.approx(2 * slope, rel=30 * slope / 10**power)


def test_a_sum_in_floats_is_no_certificate() -> None:
    """A law whose corpora are inverted numerically is refused."""
    many = examples.from_laws([1] * 40, [k * k + k + 41 for k in range(40)])
    with pytest.raises(Undecided, match="not summed in balls"):
        typical_probability(surprisal_atoms(FiniteModel.of(many)), 1000, fmpq(1, 10))


def test_tilts_that_do_not_exist() -> None:
    family = ExponentialFamily(objects([arb(1) / 2, arb(1) / 2]), objects([arb(0), arb(1)]))
    with pytest.raises(ValueError, match="must be > 0"):
        family.order_of_divergence(arb(0))
    with pytest.raises(ValueError, match="out of reach"):
        family.order_of_divergence(arb(1))  # log 2 is the supremum


def test_legendre_transform_of_a_coin_from_a_wide_order() -> None:
    """sup_s {s x - log((1 + e^s)/2)} = log 2 + x log x + (1 - x) log(1 - x), attained at s = log(x/(1 - x)).

    An order known to 1/2 only gives a wide ball, which must still hold the supremum.
    """
    coin = ExponentialFamily(objects([arb(fmpq(1, 2))] * 2), objects([arb(0), arb(1)]))
    for numerator in (1, 2, 3, 5, 7):
        x = arb(fmpq(numerator, 8))
        supremum = arb(2).log() + x * x.log() + (1 - x) * (1 - x).log()
        found = legendre(coin, x, (x / (1 - x)).log() + arb(0, 0.5))
        assert found.contains(supremum)
        assert found.rad() < 0.1
