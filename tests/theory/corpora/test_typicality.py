"""Corpus means: every route against all ordered N-tuples, against one another, and against the limits."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import models, tables, weights
from theory.alignment.gibbs import Aligned, align
from theory.arithmetic.exact import Array, Undecided, fraction, objects, rational, to_float
from theory.corpora.atoms import Atoms, Window, atoms
from theory.corpora.inversion import by_inversion
from theory.corpora.lattice import by_lattice, by_lattice_transform
from theory.corpora.multinomial import _count_ranges, _PairSums, _rounded_ranges, by_halves, by_multinomial
from theory.corpora.typicality import (
    by_enumeration,
    conditional_correlation_limit,
    edgeworth_typicality,
    typical_corpora,
)
from theory.examples.finite import c1, c3, c4, c5, from_laws, table, toy
from theory.language_models.rewards import Reward
from theory.language_models.tree import TreeModel
from theory.models.finite import FiniteModel
from theory.probability.concentration import berry_esseen, normal_cdf

NARROW = 1e-45
"""The widest ball an exact route may return on small corpora."""


def atoms_of(found: FiniteModel) -> Atoms:
    return atoms(found.numbers)


def all_tuples(found: FiniteModel, size: int, epsilon: fmpq) -> tuple[Fraction, list[Any], Any]:
    """(P(typical), the six sums of a Window, Corr(Lbar, Rbar | typical)) over all ordered N-tuples of strings."""
    exact = found.aligned.exact_prob()
    assert exact is not None
    masses = [fraction(p) for p in exact]
    numbers, mean = found.numbers, found.mean
    rows = []
    for strings in itertools.product(range(len(masses)), repeat=size):
        chosen = list(strings)
        y = (numbers.surprisal[chosen] - mean.entropy).sum()
        below = abs(y) < arb(size) * epsilon
        assert below or abs(y) > arb(size) * epsilon
        if below:
            x = (numbers.log_prior[chosen] - mean.mean_log_prior).sum()
            r = (numbers.reward[chosen] - mean.mean_reward).sum()
            rows.append((math.prod((masses[k] for k in strings), start=Fraction(1)), x, y, r))

    def expected(value: Any) -> Any:
        return sum((value(x, y, r) * rational(m) for m, x, y, r in rows), start=arb(0))

    mass = sum((m for m, *_ in rows), start=Fraction(0))
    sums = [expected(f) for f in (_one, _x, _y, lambda x, y, r: x * x, lambda x, y, r: x * y, lambda x, y, r: y * y)]
    if not mass:
        return mass, sums, None
    given_mass = rational(mass)
    x0, r0 = sums[1] / given_mass, expected(lambda x, y, r: r) / given_mass
    var_x = expected(lambda x, y, r: (x - x0) * (x - x0)) / given_mass
    var_r = expected(lambda x, y, r: (r - r0) * (r - r0)) / given_mass
    cov = expected(lambda x, y, r: (x - x0) * (r - r0)) / given_mass
    return mass, sums, cov / (var_x * var_r).sqrt() if var_x > 0 and var_r > 0 else None


def _one(x: Any, y: Any, r: Any) -> Any:
    return arb(1)


def _x(x: Any, y: Any, r: Any) -> Any:
    return x


def _y(x: Any, y: Any, r: Any) -> Any:
    return y


def check(window: Window, expected: tuple[Fraction, list[Any], Any]) -> None:
    """A window of balls against the tuples: they enclose, and are narrow."""
    mass, sums, correlation = expected
    found = window.conditional_correlation()
    assert (found is None) == (correlation is None)
    assert window.error is None
    assert (window.mass - rational(mass)).contains(0)
    for one, two in zip(window.sums, sums, strict=True):
        assert one.overlaps(two)
        assert one.rad() < NARROW
    assert correlation is None or found.overlaps(correlation)


def check_sums(window: Window, expected: tuple[Fraction, list[Any], Any]) -> None:
    """A float window against the tuples, whose conditional variances may be 0."""
    assert window.error is not None
    assert abs(window.mass - float(expected[0])) <= window.error < 1e-9
    assert list(window.sums) == pytest.approx([to_float(s) for s in expected[1]], abs=1e-10)


EPSILON = st.builds(fmpq, st.integers(1, 30), st.just(20))


@given(tables(largest=3), st.integers(1, 4), EPSILON)
def test_general_routes_by_all_tuples(aligned: Aligned, size: int, epsilon: fmpq) -> None:
    """The multinomial law in balls and by halves, enumeration, and the route that is chosen."""
    found = FiniteModel.of(aligned)
    law, expected = atoms_of(found), all_tuples(found, size, epsilon)
    check(typical_corpora(law, size, epsilon), expected)
    if len(law) > 1:
        check(by_multinomial(law, size, epsilon), expected)
        check(by_enumeration(law, size, epsilon), expected)
        check_sums(by_halves(law, size, epsilon), expected)


@given(st.lists(st.integers(1, 10**6), min_size=65, max_size=80), st.integers(1, 10**6))
def test_the_cost_of_many_atoms_is_estimated_in_float64(weights: list[int], size: int) -> None:
    """The ranges of the counts, from p and 1 - p in float64, are those from balls to one count in a million."""
    prob = objects(arb(w) / sum(weights) for w in weights)
    law = Atoms(prob, prob, prob, prob, None)
    for found, exact in zip(_rounded_ranges(law, size), _count_ranges(law, size), strict=True):
        for one, two in zip(found, exact, strict=True):
            assert abs(one - two) <= 1 + 1e-6 * two


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 3), st.integers(0, 3), st.data())
def test_windows_of_pair_sums(one: int, two: int, first_low: int, second_low: int, data: Any) -> None:
    """The sums of t_a[k] t_b[M - k] times 1, k and k^2 over longer and longer windows; None where empty."""
    tables = [objects(arb(data.draw(st.integers(1, 50))) for _ in range(size)) for size in (one, two)]
    joint = _PairSums(tables[0], tables[1], first_low, second_low)
    total = data.draw(st.integers(first_low + second_low - 1, first_low + second_low + one + two))
    for low, high in itertools.product(range(first_low - 1, first_low + one + 1), repeat=2):
        terms = [
            (k, tables[0][k - first_low] * tables[1][total - k - second_low])
            for k in range(max(low, first_low), min(high, first_low + one - 1) + 1)
            if 0 <= total - k - second_low < two
        ]
        found = joint.between(total, low, high)
        wanted = [sum((term * k**power for k, term in terms), start=arb(0)) for power in range(3)]
        assert found == (wanted if terms else None)


@st.composite
def lattices(draw: Any) -> Aligned:
    """Tables with p+ proportional to powers of two, at least two of them different."""
    prior = draw(weights(2, 3))
    steps = draw(st.lists(st.integers(0, 4), min_size=len(prior), max_size=len(prior)))
    steps[0] = (max(steps[1:]) + 1) if len(set(steps)) == 1 else steps[0]
    return from_laws(prior, [2**k for k in steps])


@given(lattices(), st.integers(1, 4), EPSILON)
def test_lattice_routes_by_all_tuples(aligned: Aligned, size: int, epsilon: fmpq) -> None:
    """The polynomial and its transform, where the surprisals are integer steps of log 2."""
    found = FiniteModel.of(aligned)
    law, expected = atoms_of(found), all_tuples(found, size, epsilon)
    check(by_lattice(law, size, epsilon), expected)
    check_sums(by_lattice_transform(law, size, epsilon), expected)


def tilted(prior: list[int], exponents: list[fmpq]) -> FiniteModel:
    """p proportional to ``prior`` and p+ to e^a, the exponents given."""
    model = TreeModel.table([f"y{k}" for k in range(len(prior))], objects(fmpq(w, sum(prior)) for w in prior))
    return FiniteModel.of(align(model, [Reward(a, fmpq(1, w)) for w, a in zip(prior, exponents, strict=True)]))


@given(st.lists(st.integers(0, 6), min_size=2, max_size=4, unique=True), st.integers(1, 5), EPSILON)
def test_lattices_of_powers_of_e(steps: list[int], size: int, epsilon: fmpq) -> None:
    """Uniform p and R = k/6 make a lattice of p+ that is not rational: polynomial, multinomial, enumeration."""
    law = atoms_of(tilted([1] * len(steps), [fmpq(k, 6) for k in steps]))
    assert law.steps is not None
    one, *others = (route(law, size, epsilon) for route in (by_lattice, by_multinomial, by_enumeration))
    for other in others:
        assert all(a.overlaps(b) for a, b in zip(one.sums, other.sums, strict=True))


@given(models())
def test_atoms(aligned: Aligned) -> None:
    """One atom per value of p+; E[L|I] and Var(L|I) keep E L, Var L, V and Cov(L, I); steps rebuild I."""
    found = FiniteModel.of(aligned)
    law, exact = atoms_of(found), aligned.exact_prob()
    assert exact is not None
    assert len(law) == len(set(exact))

    def mean(values: Array) -> Any:
        return (law.prob * values).sum()

    assert law.prob.sum().contains(1)
    assert mean(law.surprisal).contains(0)
    assert mean(law.log_prior).contains(0)
    assert mean(law.surprisal * law.surprisal).overlaps(found.mean.var_surprisal)
    assert mean(law.log_prior * law.log_prior + law.spread).overlaps(found.mean.var_log_prior)
    assert mean(law.log_prior * law.surprisal).overlaps(found.mean.cov_log_prior_surprisal)
    if law.steps is not None:
        steps, width = law.steps
        assert min(steps) == 0
        assert all(
            (law.surprisal[0] + width * (n - steps[0])).overlaps(i) for n, i in zip(steps, law.surprisal, strict=True)
        )


def test_which_atoms_lie_on_a_lattice() -> None:
    """Powers of one number do, any two atoms do, (2, 3, 5) does not."""
    assert atoms_of(FiniteModel.of(c1())).steps is not None
    assert sorted(atoms_of(FiniteModel.of(from_laws((1, 1, 1), (4, 16, 256)))).steps[0]) == [0, 1, 3]  # type: ignore[index]
    assert atoms_of(FiniteModel.of(table((1, 1), (3, 7)))).steps is not None
    law = atoms_of(FiniteModel.of(table((1, 1, 1), (2, 3, 5))))
    assert law.steps is None
    for route in (by_lattice, by_lattice_transform):
        with pytest.raises(ValueError, match="lattice"):
            route(law, 3, fmpq(1, 2))


# --- the band is open ---------------------------------------------------------------------------------------------


def coin() -> Atoms:
    """I - H = +1 or -1 with probability 1/2 each: sums that can lie on the edge exactly."""
    plus_minus, zero = objects([arb(-1), arb(1)]), objects([arb(0), arb(0)])
    return Atoms(objects([arb("0.5")] * 2), plus_minus, plus_minus, zero, ((0, 1), arb(2)))


@pytest.mark.parametrize("route", [by_multinomial, by_lattice, by_lattice_transform])
def test_the_edge_is_outside(route: Any) -> None:
    """|Ibar - H| = eps is not typical: of N = 4 tosses the band of 1/2 holds the total 0, one of 1/2 + 1/10^30 +-2."""
    assert to_float(route(coin(), 4, fmpq(1, 2)).mass) == pytest.approx(6 / 16, abs=1e-14)
    assert to_float(route(coin(), 4, fmpq(1, 2) + fmpq(1, 10**30)).mass) == pytest.approx(14 / 16, abs=1e-14)
    assert to_float(route(coin(), 4, fmpq(1)).mass) == pytest.approx(14 / 16, abs=1e-14)


@given(tables(largest=3), st.integers(1, 3), st.data())
def test_corpora_next_to_the_edge(aligned: Aligned, size: int, data: Any) -> None:
    """A corpus 10^-40 inside the band counts, and one 10^-40 outside does not."""
    found = FiniteModel.of(aligned)
    law = atoms_of(found)
    picks = data.draw(st.lists(st.integers(0, len(aligned) - 1), min_size=size, max_size=size))
    distance = abs((found.numbers.surprisal[picks] - found.mean.entropy).sum() / size)
    if len(law) == 1 or distance < 1e-30:
        return
    digits = int((distance * 10**60).mid().floor().fmpz())
    for shift in (-1, 1):
        epsilon = fmpq(digits, 10**60) + fmpq(shift, 10**40)
        expected = all_tuples(found, size, epsilon)
        check(by_multinomial(law, size, epsilon), expected)
        check(by_enumeration(law, size, epsilon), expected)


def test_a_band_without_corpora() -> None:
    """No corpus of one string is within 1/100 of H, so there is no correlation either."""
    law = atoms_of(FiniteModel.of(c4()))
    for window in (by_multinomial(law, 1, fmpq(1, 100)), by_enumeration(law, 1, fmpq(1, 100))):
        assert window.mass.contains(0)
        assert window.conditional_correlation() is None


@pytest.mark.parametrize("nats", [40, 800])
def test_one_string_has_nearly_all_the_mass(nats: int) -> None:
    """1 - p+(y) is below rounding, or below every double: typical are the corpora of five times y, of mass p+(y)^5."""
    model = TreeModel.table(["x", "y"], objects([fmpq(1, 3), fmpq(2, 3)]))
    law = atoms_of(FiniteModel.of(align(model, [Reward(), Reward(fmpq(nats))])))
    for window in (typical_corpora(law, 5, fmpq(1, 20)), by_enumeration(law, 5, fmpq(1, 20))):
        assert window.mass.overlaps(law.prob[1] ** 5)
    assert to_float(by_lattice(law, 5, fmpq(nats)).mass) == pytest.approx(1, abs=1e-15)


def test_one_atom_is_always_typical() -> None:
    """Uniform p+: I = H."""
    window = typical_corpora(atoms_of(FiniteModel.of(from_laws((1, 2, 3), (1, 1, 1)))), 7, fmpq(1, 1000))
    assert window.mass.contains(1)
    assert window.conditional_correlation().overlaps(arb(-1))


# --- large corpora ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [10, 1_000, 30_000])
def test_routes_agree_on_large_corpora(size: int) -> None:
    """Surprisals in steps of log 2, three atoms, p not uniform: balls where they are cheap, and both float routes."""
    law = atoms_of(FiniteModel.of(from_laws((2, 3, 5), (1, 4, 16))))
    for epsilon in (fmpq(1, math.isqrt(size)), fmpq(1, 4)):
        windows = [route(law, size, epsilon) for route in (by_lattice_transform, by_halves)]
        if size <= 1_000:
            windows += [route(law, size, epsilon) for route in (by_lattice, by_multinomial)]
            assert windows[-1].mass.overlaps(windows[-2].mass)
        masses = [to_float(window.mass) for window in windows]
        assert masses == pytest.approx([masses[-1]] * len(masses), abs=1e-10)
        correlations = [to_float(window.conditional_correlation()) for window in windows]
        assert correlations == pytest.approx([correlations[-1]] * len(windows), abs=1e-7)


@pytest.mark.parametrize(("size", "epsilon"), [(1, "1/2"), (10, "8/100"), (1_000, "8/10000"), (100_000, "6/1000000")])
@pytest.mark.parametrize("route", [by_halves, by_lattice_transform, typical_corpora])
def test_one_typical_total_has_no_correlation(route: Any, size: int, epsilon: str) -> None:
    """C1 is collinear: with Ibar fixed so are Lbar and Rbar, and floats must not divide rounding by rounding."""
    window = route(atoms_of(FiniteModel.of(c1())), size, rational(epsilon))
    assert 0.001 < to_float(window.mass) < 0.99
    assert window.conditional_correlation() is None


@pytest.mark.parametrize("size", [100, 10_000, 1_000_000])
def test_the_normal_limit(size: int) -> None:
    """eps = c/sqrt N: |P - (2 Phi(c/sqrt V) - 1)| <= 2 * 0.4748 E|I - H|^3/(V^{3/2} sqrt N)."""
    found = FiniteModel.of(table((2, 1), (3, 1)))
    law = atoms_of(found)
    variance = found.mean.var_surprisal
    third = (law.prob * abs(law.surprisal) * law.surprisal * law.surprisal).sum()
    bound = 2 * to_float(berry_esseen(third, variance, size))
    for c in (fmpq(1, 2), fmpq(1), fmpq(2)):
        mass = to_float(by_multinomial(law, size, c / math.isqrt(size)).mass)
        limit = 2 * normal_cdf(to_float(c) / math.sqrt(to_float(variance))) - 1
        assert abs(mass - limit) <= bound


def test_a_wide_band_returns_the_correlation_of_strings() -> None:
    """At a fixed eps the correlation given typicality tends to Corr_{p+}(L, R); in a narrow one it does not."""
    found = FiniteModel.of(c3())
    law = atoms_of(found)
    rho = to_float(found.mean.correlation)
    assert rho > 0.9
    wide, narrow = (by_halves(law, 20_000, epsilon) for epsilon in (fmpq(1, 4), fmpq(1, 20_000)))
    assert to_float(wide.conditional_correlation()) == pytest.approx(rho, abs=1e-6)
    assert to_float(narrow.conditional_correlation()) < 0


@pytest.mark.parametrize(("size", "tolerance"), [(400, 0.04), (40_000, 0.004)])
def test_the_limit_of_the_conditional_correlation(size: int, tolerance: float) -> None:
    """eps = c/sqrt N: the exact correlation approaches (-b(1+b)v - u)/sqrt((b^2 v + u)((1+b)^2 v + u))."""
    found = FiniteModel.of(c5())
    law = atoms_of(found)
    for c in (fmpq(1, 2), fmpq(1)):
        epsilon = c / math.isqrt(size)
        exact = to_float(typical_corpora(law, size, epsilon).conditional_correlation())
        assert exact == pytest.approx(to_float(conditional_correlation_limit(found.mean, size, epsilon)), abs=tolerance)


def test_the_limit_at_both_ends() -> None:
    """c -> infinity gives Corr(L, R), c -> 0 gives -1 as u > 0; None where a variance is 0."""
    found = FiniteModel.of(c5())
    wide = conditional_correlation_limit(found.mean, 10**8, fmpq(1, 4))
    assert wide.overlaps(found.mean.correlation)
    assert to_float(conditional_correlation_limit(found.mean, 1, fmpq(1, 10**6))) == pytest.approx(-1, abs=1e-9)
    for constant in (table((1, 1), (1, 2)), table((1, 2), (1, 1)), from_laws((1, 2), (1, 1))):
        assert conditional_correlation_limit(FiniteModel.of(constant).mean, 10, fmpq(1, 10)) is None


# --- inversion ----------------------------------------------------------------------------------------------------


def fine_lattice() -> tuple[Atoms, fmpq]:
    """300 atoms on a lattice of step 1/500 over six nats, and a width eps = 1/2 that ends between its points."""
    rng = np.random.default_rng(11)
    steps = [int(k) for k in rng.choice(3_000, size=300, replace=False)]
    prior = [int(w) for w in rng.integers(1, 12, 300)]
    return atoms_of(tilted(prior, [fmpq(k, 500) for k in steps])), fmpq(1, 2)


def test_inversion_and_edgeworth_beside_a_lattice() -> None:
    """300 atoms, N = 16: a smooth inversion misses at most one of the 7,600 points of the band, of mass 6e-6."""
    law, epsilon = fine_lattice()
    exact, inverted = by_lattice_transform(law, 16, epsilon), by_inversion(law, 16, epsilon)
    correlations = [window.conditional_correlation() for window in (exact, inverted)]
    assert abs(exact.mass - inverted.mass) < 1e-5
    assert abs(correlations[0] - correlations[1]) < 1e-5
    assert abs(edgeworth_typicality(law, 16, epsilon) - inverted.mass) < 1e-3


@pytest.mark.parametrize(("strings", "size"), [(3, 30), (3, 300), (5, 50), (6, 300)])
def test_inversion_refuses_few_atoms(strings: int, size: int) -> None:
    """|phi|^N returns, or the law of the mean is grainy: Undecided rather than a number."""
    rng = np.random.default_rng(3)
    prior, tilt = rng.integers(1, 40, (2, strings))
    law = atoms_of(FiniteModel.of(table([int(w) for w in prior], [int(w) for w in tilt])))
    with pytest.raises(Undecided):
        by_inversion(law, size, fmpq(1, math.isqrt(size)))


def test_inversion_refuses_a_coin() -> None:
    """Two atoms: the characteristic function is periodic."""
    with pytest.raises(Undecided):
        by_inversion(coin(), 100, fmpq(1, 10))


def test_toy() -> None:
    """N = 100,000, eps = 1/1000: P = 0.2089852674, correlation -.811929267 and its limit -.811929384."""
    found = FiniteModel.of(toy())
    law, size, epsilon = atoms_of(found), 100_000, fmpq(1, 1000)
    window = typical_corpora(law, size, epsilon)
    assert window.method == "inversion"
    assert window.error is not None
    assert window.error < 1e-10
    assert window.mass == pytest.approx(0.2089852674, abs=5e-11)
    assert edgeworth_typicality(law, size, epsilon) == pytest.approx(window.mass, abs=1e-11)
    assert window.conditional_correlation() == pytest.approx(-0.811929267, abs=5e-10)
    limit = conditional_correlation_limit(found.mean, size, epsilon)
    assert to_float(limit) == pytest.approx(-0.811929384, abs=5e-10)
    assert to_float(found.mean.correlation) == pytest.approx(-0.1294, abs=5e-5)


def test_edgeworth_has_an_error_of_the_third_order() -> None:
    """Against inversion on the toy: eight times less per doubling of N, down to rounding."""
    law = atoms_of(FiniteModel.of(toy()))
    gaps = []
    for size in (500, 1_000, 2_000):
        epsilon = rational(1.0 / math.sqrt(size))
        gaps.append(abs(edgeworth_typicality(law, size, epsilon) - by_inversion(law, size, epsilon).mass))
    assert gaps[1] < gaps[0] / 6
    assert gaps[2] < gaps[1] / 6
