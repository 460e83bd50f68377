"""alignment.best-of-n: its cost and what alignment earns for it."""

from __future__ import annotations

from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import tables
from theory.alignment.gibbs import Aligned
from theory.claims.alignment.best_of_n import Draws
from theory.claims.alignment.strength import Path
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
