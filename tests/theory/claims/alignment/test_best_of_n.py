"""alignment.best-of-n: its cost, its win rate by counting draws, and what alignment earns for the same cost."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import pytest
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import tables
from tests.theory.claims.edits import rational
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import fraction
from theory.claims.alignment.best_of_n import CLAIM
from theory.claims.alignment.models import Draws
from theory.claims.alignment.strength import Path
from theory.examples.finite import table
from theory.models.finite import FiniteModel


@given(tables(largest=5, top=6), st.integers(2, 7))
def test_best_of_n(aligned: Aligned, n: int) -> None:
    """KL(q_n || p) < log n - (n-1)/n; and E_{p_lambda} r >= E_{q_n} r at every lambda that costs no less.

    For any lambda > 0: lambda (E_lambda r - E_q r) = KL(q || p_lambda) + KL(p_lambda || p) - KL(q || p).
    """
    draws = Draws(FiniteModel.of(aligned), n)
    assert draws.divergence < arb(n).log() - fmpq(n - 1, n)
    path = Path(draws.found, fmpq(1))
    mean_reward, cost, _ = path.means(arb(n))
    if not draws.found.is_prior and cost > draws.divergence:
        assert mean_reward > (draws.law * draws.found.numbers.reward).sum()


def exact_rows() -> dict[str, fmpq]:
    """C4: p = (8, 4, 1)/13, only the third string earns more; the best of four misses it with probability (12/13)^4."""
    low = fmpq(12, 13)
    rate = low**4 * low / 2 + (1 - low**4) * (low + fmpq(1, 13) / 2)
    return {"C4, best of 4 against one more draw: win rate": rate}


def draws(prior: tuple[int, ...], exp_reward: tuple[int, ...], n: int) -> Draws:
    return Draws(FiniteModel.of(table(prior, exp_reward)), n)


def outcomes(content: Draws, clause: str) -> dict[str, str]:
    """{label: outcome} of the clause's findings."""
    return {f.label: f.outcome for f in CLAIM.check(content) if f.clause == clause}


@given(tables(largest=4, top=5), st.integers(1, 4))
def test_win_rate(aligned: Aligned, n: int) -> None:
    """The share of n + 1 draws of which the last loses to the best of the others, ties counted half, in fractions."""
    content = Draws(FiniteModel.of(aligned), n)
    levels = content.levels
    p = [fraction(w) for w in aligned.prior]
    rate = Fraction(0)
    for drawn in itertools.product(range(len(p)), repeat=n + 1):
        best, other = max(levels[y] for y in drawn[:-1]), levels[drawn[-1]]
        won = Fraction(1) if best > other else Fraction(1, 2) if best == other else Fraction(0)
        rate += math.prod((p[y] for y in drawn), start=Fraction(1)) * won
    assert content.shortfalls[1][1] == fmpq(n, n + 1) - rational(rate)
    assert rate == Fraction(1, 2) if n == 1 else rate < Fraction(n, n + 1)


def test_what_folklore_says_with_atoms() -> None:
    """p = (1, 1)/2, r = (0, 1), n = 2: q = (1, 3)/4, KL = .1308 for .1931; 5/8 of the duels are won for 2/3."""
    content = draws((1, 1), (1, 2), 2)
    assert list(content.law) == [fmpq(1, 4), fmpq(3, 4)]
    (_, cost), (_, rate) = content.shortfalls
    by_hand = 0.25 * math.log(0.5) + 0.75 * math.log(1.5)
    assert by_hand == pytest.approx(0.1308, abs=5e-5)
    assert float(cost) == pytest.approx(math.log(2) - 0.5 - by_hand, rel=1e-12)
    assert rate == fmpq(2, 3) - fmpq(5, 8)


def test_one_draw_is_an_equality() -> None:
    """n = 1: q_1 = p, KL = 0 = log 1 - 0, and 1/2 of the duels are won, ties or not. Old: "costs less than"."""
    content = draws((1, 2, 2), (1, 1, 3), 1)
    assert list(content.law) == [fmpq(1, 5), fmpq(2, 5), fmpq(2, 5)]
    assert [f.outcome for f in CLAIM.check(content) if f.clause in {"cost", "win-rate"}] == ["holds", "holds"]
    assert content.shortfalls[1][1] == 0


def test_lambda_must_be_positive() -> None:
    """p = (1, 1)/2, r = (0, 1), lambda = -log 3: p_l = (3, 1)/4 costs what best of 2 costs and earns 1/4, not 3/4."""
    q, tilted = (0.25, 0.75), (0.75, 0.25)
    assert [w * math.exp(-math.log(3) * r) for w, r in zip((0.75, 0.75), (0, 1), strict=True)] == pytest.approx(tilted)
    cost = [sum(a * math.log(2 * a) for a in law) for law in (q, tilted)]
    assert cost[0] == pytest.approx(cost[1], rel=1e-14)
    control = next(c for c in CLAIM.controls if c.name == "any-lambda")
    (finding,) = control.check(draws((1, 1), (1, 2), 2))
    assert finding.outcome == "fails"
    assert float(finding.value) == pytest.approx((0.25 - 0.75) * math.log(2), rel=1e-12)


def test_best_of_two_may_be_an_aligned_law() -> None:
    """p = (1, 1, 1)/3, e^r = (1, 3, 5): q_2 = (1, 3, 5)/9 = p_1, on three levels of reward."""
    content = draws((1, 1, 1), (1, 3, 5), 2)
    assert list(content.law) == [fmpq(1, 9), fmpq(3, 9), fmpq(5, 9)] == list(content.found.mass())
    assert outcomes(content, "twin")["E_l r - E_q_n r is zero"] == "holds"
    assert outcomes(draws((1, 1, 1), (1, 3, 6), 2), "twin")["E_l r - E_q_n r is positive"] == "holds"


@pytest.mark.parametrize(("k", "n"), [(2, 2), (10, 3), (200, 5)])
def test_equal_strings_come_near(k: int, n: int) -> None:
    """k equal strings: the integral of n u^(n-1) over a cell of length 1/k is its mass; both gaps are below n/k."""
    mass = [((i + 1) / k) ** n - (i / k) ** n for i in range(k)]
    cost = math.log(n) - (n - 1) / n - sum(m * math.log(m * k) for m in mass)
    rate = n / (n + 1) - sum(m * (i + 0.5) / k for i, m in enumerate(mass))
    found = draws((1,) * k, tuple(range(1, k + 1)), n)
    assert [float(gap) for _, gap in found.shortfalls] == pytest.approx([cost, rate], abs=1e-12)
    assert 0 < rate < cost < n / k
    assert set(outcomes(found, "no-atoms").values()) == {"holds"}
