"""audit.bootstrap-pool: the factor of 10.05, and pools of three coins listed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from theory.arithmetic.exact import to_float
from theory.reference_code import bootstrap_pool


def test_the_factor_of_the_reference_code() -> None:
    """1 + 200,000/1,999 = 201,999/1,999, root 10.05; about the pool's mean 200,000/1,999, root 10.00."""
    spread = bootstrap_pool(200_000, 2_000)
    assert math.sqrt(to_float(spread.error / spread.shown)) == pytest.approx(10.05, abs=5e-3)
    assert math.sqrt(to_float((spread.error - spread.shown) / spread.shown)) == pytest.approx(10.00, abs=5e-3)


def test_spreads_of_fair_coins() -> None:
    """L = 0 or 1 with probability 1/2, n = 3, N = 5: shown and error from the binomial laws of pools and corpora."""
    spread = bootstrap_pool(5, 3)
    shown = error = 0.0
    for heads in range(4):
        mass, share = math.comb(3, heads) / 8, heads / 3
        law = np.array([math.comb(5, k) * share**k * (1 - share) ** (5 - k) for k in range(6)])
        means = np.arange(6) / 5
        shown += mass * (law @ means**2 - (law @ means) ** 2)
        error += mass * (law @ (means - 0.5) ** 2)
    assert to_float(spread.shown) / 4 == pytest.approx(shown, abs=1e-12)
    assert to_float(spread.error) / 4 == pytest.approx(error, abs=1e-12)
