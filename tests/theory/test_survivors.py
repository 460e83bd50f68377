"""Boundaries and enclosures that only a mutant crosses: each test kills one that the other tests let live."""

from __future__ import annotations

from flint import arb, fmpq

from theory.arithmetic.exact import objects
from theory.corpora.large_deviations import legendre
from theory.corpora.mixtures import crossing
from theory.probability.exponential_family import ExponentialFamily


def test_no_crossing_where_one_string_has_covariance_zero() -> None:
    """W/N + B with W = -B is B (1 - 1/N): 0 at N = 1, of the sign of B at every N > 1, so that no sign changes."""
    assert crossing(fmpq(1), fmpq(-1)) is None
    assert crossing(fmpq(-3), fmpq(3)) is None
    assert crossing(fmpq(3), fmpq(-2)) == fmpq(3, 2)


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
