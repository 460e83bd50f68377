"""line.hypotheses: truncated moments by sums and quadrature in float64, and what the mended sentences rest on."""

from __future__ import annotations

import math

import numpy as np
import pytest
from flint import fmpq
from scipy import integrate

from theory.claims.line.hypotheses import CLAIM, Beyond, Tower
from theory.probability.heavy_tails import log_law, tower_partial_means

START = 10**6


def by_quadrature(k: int, j: int, power: float) -> float:
    """E[I^j; n <= 2^power] under 1/(n log^k n): 10^6 terms, then int (log S + w + k log w)^j w^-k dw, w = log n.

    The substitution w = e^v leaves a smooth integrand; the first neglected term is f(10^6)/2, below 1e-8.
    """
    n = np.arange(2, START + 1)
    weight = 1 / (n * np.log(n) ** k)
    low = math.log(START + 0.5)
    total = weight.sum() + low ** (1 - k) / (k - 1)

    def surprisal(w: float) -> float:
        return math.log(total) + w + k * math.log(w)

    def integrand(v: float) -> float:
        return surprisal(math.exp(v)) ** j * math.exp((1 - k) * v)

    inner = np.log(n)
    begun = (weight * (math.log(total) + inner + k * np.log(inner)) ** j).sum()
    rest, _ = integrate.quad(integrand, math.log(low), math.log(power * math.log(2)), limit=500, epsrel=1e-11)
    return float((begun + rest) / total)


@pytest.mark.parametrize(("k", "j", "power"), [(3, 1, 40_000), (3, 2, 40_000), (2, 1, 1000), (2, 2, 1000), (4, 3, 100)])
def test_truncated_moments(k: int, j: int, power: int) -> None:
    exact = log_law(k).truncated_moment(j, power)
    assert float(exact) == pytest.approx(by_quadrature(k, j, power), rel=1e-6)
    assert float(exact.rad()) < 1e-3 * float(exact)


def test_concentration_without_a_variance() -> None:
    """k = 3: V = inf, yet P(|Ibar - H| >= .1) <= .0012 at N = 10^6. Old: "needs V < inf".

    Cut at 2^40000: 10^6 P(n > 2^40000) + Var/(10^6 room^2), by quadrature.
    """
    top, size, epsilon = 40_000 * math.log(2), 10**6, 0.1
    total = 2.0658865389
    missing = size / (2 * total * top**2)
    mean, square = by_quadrature(3, 1, 40_000), by_quadrature(3, 2, 40_000)
    entropy = float(log_law(3).entropy())
    bound = missing + (square - mean**2) / (size * (epsilon - (entropy - mean)) ** 2)
    assert bound == pytest.approx(0.0011913, abs=5e-7)
    assert float(log_law(3).off_the_line(size, fmpq(1, 10), 40_000)) == pytest.approx(bound, rel=1e-4)
    growing = [by_quadrature(3, 2, power) for power in (10**3, 10**6, 10**9)]
    assert growing[1] - growing[0] > 3 < growing[2] - growing[1], "E[I^2; n <= M] grows by log log M: V is infinite"


def test_no_line_without_an_entropy() -> None:
    """k = 2: the mean of I cut at 2^1000, 2^(10^6), ... passes 4 and 7: so does Ibar, and has no limit."""
    for power, size, edge in ((10**3, 10**5, 4), (10**6, 10**8, 7)):
        mean, square = by_quadrature(2, 1, power), by_quadrature(2, 2, power)
        assert mean > edge
        assert (square - mean**2) / (size * (mean - edge) ** 2) < 0.01
        (finding,) = CLAIM.check(Beyond(2, size, fmpq(edge), power, fmpq(1, 100), "no-line"))
        assert (finding.outcome, finding.clause) == ("holds", "no-line")
    (finding,) = CLAIM.check(Beyond(2, 10**5, fmpq(4), 1000, fmpq(1, 1000), "no-line"))
    assert finding.outcome == "fails", "0.0055 is above 0.001"


def test_means_without_bound() -> None:
    """2^-n under 2^-4^n: 30 terms of E L and E R by hand, each about 2^n; under 2^-2n they stay above -4."""
    mean_l, mean_r = tower_partial_means(30)
    assert mean_l == -sum(2**n for n in range(1, 31))
    assert mean_r == sum(2**n for n in range(1, 31)) - sum(fmpq(n, 2**n) for n in range(1, 31))
    assert {f.clause for f in CLAIM.check(Tower(3, 1, fmpq(1, 5)))} == {"no-means"}
    calm = next(control for control in CLAIM.controls if control.name == "calm-prior")
    findings = list(calm.check(12))
    assert all(finding.outcome == "fails" for finding in findings)
    assert all(fmpq(-4) < -(finding.value + 2**n) <= -1 for n, finding in enumerate(findings, 1))
