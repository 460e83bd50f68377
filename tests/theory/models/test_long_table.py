"""Long tables in float64 against the same tables in balls; what float64 cannot tell is compared exactly or not said."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from theory.adaptors.exact import ADAPTORS, Chain, chain
from theory.alignment.gibbs import align
from theory.arithmetic.exact import objects, rational, to_float
from theory.language_models.rewards import reward_over_beta
from theory.language_models.tree import TreeModel
from theory.models.finite import FiniteModel
from theory.models.long_table import Columns, LongTable
from theory.quantities.cooling import cooling

FIELDS = (
    "mean_log_prior",
    "mean_reward",
    "entropy",
    "cross_entropy",
    "kl_to_aligned",
    "var_log_prior",
    "var_reward",
    "cov",
    "var_surprisal",
    "cov_log_prior_surprisal",
    "correlation",
    "exchange_coefficient",
)


def both(weights: Sequence[int], rewards: Sequence[float], beta: fmpq = fmpq(1)) -> tuple[LongTable, FiniteModel]:
    """A table of integer weights and rewards in tenths, in float64 and in balls."""
    columns = Columns(np.array(weights, float), np.array(rewards), False, False, beta, float(sum(weights)))
    prior = TreeModel.table([f"y{k}" for k in range(len(weights))], objects(fmpq(w, sum(weights)) for w in weights))
    exact = align(prior, [reward_over_beta(r, beta) for r in rewards])
    return LongTable.of(columns), FiniteModel.of(exact)


def agree(found: object, wanted: object) -> None:
    """Moments within 1e-12, the same that do not exist, the same constants."""
    for name in FIELDS:
        one, other = getattr(found, name), getattr(wanted, name)
        assert (one is None) == (other is None), name
        if one is not None:
            assert one == pytest.approx(float(other), rel=1e-11, abs=1e-12), name
    assert found.constant == wanted.constant  # type: ignore[attr-defined]


STEPS = {
    "temperature": ["1/2", "2", "3/4"],
    "top_k": [1, 2, 3, 5],
    "nucleus": ["1/3", "7/10", "0.95", 1],
    "typical": ["1/3", "7/10", "0.95", 1],
    "eta": ["1/10", "1/3"],
    "epsilon": ["1/7", "1/50"],
    "min_p": ["0", "1/3", "1/2", "1"],
}


@st.composite
def chains(draw: st.DrawFn) -> Chain:
    names = draw(st.lists(st.sampled_from(ADAPTORS), min_size=1, max_size=3))
    return chain(*((name, draw(st.sampled_from(STEPS[name]))) for name in names))


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(-8, 8)), min_size=1, max_size=9), chains())
def test_moments_and_kept_sets_are_those_in_balls(rows: list[tuple[int, int]], steps: Chain) -> None:
    """Ties among equal rows are everywhere here; where float64 says UNDECIDED it says no number."""
    table, model = both([w for w, _ in rows], [r / 4 for _, r in rows], fmpq(2))
    agree(table.mean, model.mean)
    assert table.log_partition == pytest.approx(float(model.log_partition), abs=1e-13)
    found, wanted = table.adapted(steps, "global"), model.adapted(steps, "global")
    if found.status == "UNDECIDED":
        assert found.moments is None
        assert found.reason
    else:
        assert found.kept.tolist() == wanted.law.string.tolist()
        agree(found.moments, wanted.moments)


def test_ties_between_different_rows_are_exact() -> None:
    """log p + r is 0.3 + 0.3, 0.1 + 0.5 and 0.2 + 0.4: equal decimals, which float64 adds to different numbers."""
    assert len({0.3 + 0.3, 0.1 + 0.5, 0.2 + 0.4, 0.7 - 0.1}) > 1
    prior = np.array([0.7, 0.3, 0.1, 0.2, 5.0]) - 6
    columns = Columns(prior, np.array([-0.1, 0.3, 0.5, 0.4, 0.0]), True, False, fmpq(1), float(np.exp(prior).sum()))
    table = LongTable.of(columns)
    for k in (2, 3, 4):
        assert table.adapted(chain(("top_k", k)), "local").kept.tolist() == [*range(k - 1), 4]


def test_a_hair_of_difference_is_no_tie() -> None:
    """p of the last string is larger by 2e-16 relatively, and wins although it comes later."""
    p = np.array([0.25, 0.25, math.nextafter(0.25, 1)])
    table = LongTable.of(Columns(p, np.zeros(3), False, False, fmpq(1), float(p.sum())))
    assert table.adapted(chain(("top_k", 1)), "local").kept.tolist() == [2]


def test_an_edge_that_float64_cannot_tell_is_undecided() -> None:
    """Ten equal strings: whether five of them have the mass 1/2 is not seen in float64; with 0.55 it is."""
    table = LongTable.of(Columns(np.full(10, 0.1), np.zeros(10), False, False))
    assert table.adapted(chain(("nucleus", "1/2")), "local").status == "UNDECIDED"
    assert table.adapted(chain(("nucleus", "0.55")), "local").kept.tolist() == [0, 1, 2, 3, 4, 5]
    assert table.adapted(chain(("epsilon", "1/10")), "local").status == "UNDECIDED"
    assert table.adapted(chain(("min_p", 1)), "local").kept.tolist() == list(range(10))


def test_log_aligned_and_its_reward() -> None:
    """R = log p+ - log p, Z = 1; constants are seen although the float differences round differently."""
    p, q = np.array([0.1, 0.2, 0.7]), np.array([0.3, 0.3, 0.4])
    table = LongTable.of(Columns(np.log(p), np.log(q), True, True))
    assert table.log_partition == pytest.approx(0, abs=1e-15)
    assert table.mean.mean_reward == pytest.approx(float(q @ np.log(q / p)))
    shifted = LongTable.of(
        Columns(np.array([-1.1, -2.3, -0.7]), np.array([-0.8, -2.0, -0.4]), True, True, fmpq(1), 0.93)
    )
    assert shifted.mean.constant.reward
    assert cooling(shifted) == "E R stays"


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(-8, 8)), min_size=2, max_size=6))
def test_cooling_in_words(rows: list[tuple[int, int]]) -> None:
    """The words of the exact model, or UNDECIDED."""
    table, model = both([w for w, _ in rows], [r / 4 for _, r in rows])
    assert cooling(table) in {cooling(model), "UNDECIDED"}


def test_few_different_rows_are_summed_exactly() -> None:
    """2^12 strings of 12 biased coins take 13 values: the lattice is found, and P(typical) is that of the coins."""
    heads = np.array([bin(k).count("1") for k in range(1 << 12)])
    columns = Columns(3.0 ** (12 - heads), np.zeros(1 << 12), False, False, fmpq(1), 4.0**12)
    window = LongTable.of(columns).typical(50, rational("1/20"))
    n, entropy = 600, -0.25 * math.log(0.25) - 0.75 * math.log(0.75)
    typical = [k for k in range(n + 1) if abs((k * math.log(4) + (n - k) * math.log(4 / 3)) / 50 - 12 * entropy) < 0.05]
    wanted = sum(math.comb(n, k) * 0.25**k * 0.75 ** (n - k) for k in typical)
    assert to_float(window.mass) == pytest.approx(wanted, abs=1e-12)
