"""Typicality where sums cannot be taken whole: certain strings, wide bands, corpora of 10^12 strings."""

from __future__ import annotations

import math

import numpy as np
import pytest
from flint import arb, fmpq
from mpmath import mp

from theory.arithmetic.exact import Undecided, precision, rational, to_float
from theory.corpora.atoms import Atoms, atoms
from theory.corpora.bounds import by_bound, by_normal, by_range
from theory.corpora.inversion import by_inversion
from theory.corpora.lattice import by_lattice_transform
from theory.corpora.multinomial import _poisson_masses, by_halves, by_multinomial
from theory.corpora.typicality import edgeworth_typicality, typical_corpora
from theory.models.finite import FiniteModel
from theory.specification.finite import specification

FOUR = (["1/10", "2/10", "3/10", "4/10"], ["0", "1/3", "1/2", "1"])
LATTICE = (["4/7", "2/7", "1/7"], ["0", "0", "0"])


def model(probs: list[str], values: list[str], beta: str = "1") -> FiniteModel:
    prior = {"kind": "table", "strings": [f"y{k}" for k in range(len(probs))], "probs": probs}
    return specification({"prior": prior, "reward": {"beta": beta, "values": values}}).model()


def law(probs: list[str], values: list[str], beta: str = "1") -> Atoms:
    return atoms(model(probs, values, beta).numbers)


@pytest.mark.parametrize("gap", ["17", "18", "400", "18000000"])
def test_one_string_is_nearly_certain(gap: str) -> None:
    """p = (1/3, 2/3), R = (0, 10 gap), N = 100: typical are 100 times the heavy string, and its mass is 1/(1 + e/2)."""
    window = typical_corpora(law(["1/3", "2/3"], ["0", gap], "1/10"), 100, fmpq(1, 20))
    with precision(4096):
        light = (-10 * arb(gap)).exp() / 2
        expected = (-100 * light.log1p()).exp()
    assert window.mass.overlaps(expected)
    assert to_float(window.mass.rad()) < 1e-40
    assert 0 < to_float(window.mass) <= 1


@pytest.mark.parametrize("nats", [20, 180, 2000])
def test_moments_keep_their_digits(nats: int) -> None:
    """p = (1/3, 1/2, 1/6), R = (0, nats, nats/2) against sums at 4,000 digits: relatively, however small they are."""
    mean = model(["1/3", "1/2", "1/6"], ["0", str(nats), f"{nats}/2"]).mean
    with mp.workdps(4000):
        p = [mp.mpf(1) / 3, mp.mpf(1) / 2, mp.mpf(1) / 6]
        reward = [mp.mpf(0), mp.mpf(nats), mp.mpf(nats) / 2]
        weight = [a * mp.e**r for a, r in zip(p, reward, strict=True)]
        total = sum(weight)
        q = [w / total for w in weight]
        log_prior, surprisal = [mp.log(a) for a in p], [-mp.log(a) for a in q]

        def covariance(one: list[mp.mpf], two: list[mp.mpf]) -> mp.mpf:
            first, second = (sum(a * v for a, v in zip(q, values, strict=True)) for values in (one, two))
            return sum(a * (x - first) * (y - second) for a, x, y in zip(q, one, two, strict=True))

        expected = {
            "cross_entropy": sum(a * i for a, i in zip(q, surprisal, strict=True)),
            "var_log_prior": covariance(log_prior, log_prior),
            "var_reward": covariance(reward, reward),
            "cov": covariance(log_prior, reward),
            "var_surprisal": covariance(surprisal, surprisal),
            "correlation": covariance(log_prior, reward)
            / mp.sqrt(covariance(log_prior, log_prior) * covariance(reward, reward)),
            "exchange_coefficient": covariance(log_prior, surprisal) / covariance(surprisal, surprisal),
        }
        texts = {name: mp.nstr(value, 60) for name, value in expected.items()}
    for name, text in texts.items():
        found = getattr(mean, name)
        assert abs(found / arb(text) - 1) < 1e-45, name


def test_a_band_wider_than_the_range() -> None:
    """Every corpus is typical: P = 1 exactly, and the correlation is that of strings, at any N."""
    found = model(*FOUR)
    for size in (1, 10**6, 10**15):
        window = typical_corpora(atoms(found.numbers), size, fmpq(10))
        assert window.mass == 1
        assert window.conditional_correlation().overlaps(found.mean.correlation)
    assert by_range(atoms(found.numbers), 10, fmpq(1)) is None


@pytest.mark.parametrize("strings", [(["1/3", "2/3"], ["0", "1/2"]), (["1/2", "1/3", "1/6"], ["0", "1/3", "1/2"])])
def test_the_bound_holds(strings: tuple[list[str], list[str]]) -> None:
    """Sums over a band that a Chernoff bound settles are those of the multinomial law."""
    one = law(*strings)
    window, summed = by_bound(one, 2000, fmpq(1, 2)), by_multinomial(one, 2000, fmpq(1, 2))
    assert window is not None
    assert all(a.overlaps(b) for a, b in zip(window.sums, summed.sums, strict=True))
    assert to_float(window.mass) <= 1
    assert by_bound(one, 2000, fmpq(1, 50)) is None


def test_four_strings_and_a_million() -> None:
    """P is never above 1, the error grows with N and covers: summed by halves, inverted, and by Edgeworth's series."""
    one, size = law(*FOUR), 40_000
    wide = by_halves(one, 10**4, fmpq(1, 10))
    assert wide.error is not None
    assert abs(wide.sums[0] - 1) <= wide.error < 1e-11
    assert wide.mass <= 1
    halves, inverted = by_halves(one, size, fmpq(1, 1000)), by_inversion(one, size, fmpq(1, 1000))
    assert halves.error is not None
    assert inverted.error is not None
    assert abs(halves.mass - inverted.mass) <= halves.error + inverted.error
    million = typical_corpora(one, 10**6, fmpq(1, 2000))
    assert million.error is not None
    assert abs(million.mass - edgeworth_typicality(one, 10**6, fmpq(1, 2000))) <= million.error
    assert to_float(typical_corpora(one, 10**6, fmpq(1, 20)).mass) == 1


@pytest.mark.parametrize("mean", [0.3, 40.0, 1e6, 3e11])
def test_poisson_masses(mean: float) -> None:
    """e^-m m^k / k! in float64 against balls, out to nine deviations."""
    low, high = max(0, int(mean - 9 * math.sqrt(mean))), int(mean + 9 * math.sqrt(mean)) + 2
    count = np.unique(np.linspace(low, high, 40).astype(np.int64))
    for k, mass in zip(count.tolist(), _poisson_masses(mean, count), strict=True):
        exact = (arb(mean).log() * k - arb(mean) - arb(k + 1).lgamma()).exp()
        assert abs(mass / to_float(exact) - 1) < 1e-13 * (1 + math.sqrt(mean) / 100)


@pytest.mark.parametrize("size", [10**6, 10**8])
def test_lattices_of_many_points(size: int) -> None:
    """4/7, 2/7, 1/7: the transform is within the proven error of the normal law, and halving the band is consistent."""
    one, epsilon = law(*LATTICE), fmpq(1, math.isqrt(size))
    window, normal = by_lattice_transform(one, size, epsilon), by_normal(one, size, epsilon, 1.0)
    assert window.error is not None
    assert normal.error is not None
    assert window.error < 1e-9
    assert abs(window.mass - normal.mass) <= normal.error


def test_the_transform_at_a_size_that_the_multinomial_reaches() -> None:
    one, epsilon = law(*LATTICE), rational("1/40")
    summed, transformed = by_multinomial(one, 1500, epsilon), by_lattice_transform(one, 1500, epsilon)
    assert transformed.error is not None
    assert abs(to_float(summed.mass) - transformed.mass) <= transformed.error


def test_lattices_beyond_all_sums() -> None:
    """N = 10^12: P(|Ibar - H| < 1/20) = 1 by a bound, and in a narrow band the normal law with its proven error."""
    one, size = law(*LATTICE), 10**12
    assert to_float(typical_corpora(one, size, fmpq(1, 20)).mass) == 1
    window = typical_corpora(one, size, fmpq(1, 10**6))
    assert window.error is not None
    assert window.error < 1e-5
    assert abs(window.mass - edgeworth_typicality(one, size, fmpq(1, 10**6))) <= window.error
    assert window.conditional_correlation() is None
    assert "normal" in window.unknown


def test_a_coarse_lattice_is_not_taken_for_a_smooth_law() -> None:
    """Steps 0, 1 and 10^9 + 7 at N = 10^6: no array of that length, no smooth inversion, no number."""
    wide = law(["1/3", "1/3", "1/3"], ["0", "1", "1000000007"], "1000000000")
    with pytest.raises(Undecided):
        typical_corpora(wide, 10**6, fmpq(1, 4000))


def test_two_strings_a_thousand_million_times() -> None:
    """p = (1/3, 2/3), R = (0, 1): by the transform in a second, within the proven error of the normal law."""
    one = law(["1/3", "2/3"], ["0", "1"])
    window = typical_corpora(one, 10**9, fmpq(1, 10**6))
    normal = by_normal(one, 10**9, fmpq(1, 10**6), 1.0)
    assert normal.error is not None
    assert window.method == "lattice, float64"
    assert abs(window.mass - normal.mass) <= normal.error
