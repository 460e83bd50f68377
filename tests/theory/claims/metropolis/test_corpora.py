"""metropolis.corpora: the covariances of corpora by the kernel and by recursion."""

from __future__ import annotations

import pytest
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st

from tests.theory.claims.metropolis.chains import chained_tables
from theory.arithmetic.exact import objects
from theory.claims.metropolis.corpora import lagged_covariances
from theory.claims.metropolis.models import (
    Chained,
    chained,
)
from theory.corpora.metropolis import IndependentChain
from theory.examples.finite import C6_PROPOSAL, c6
from theory.models.finite import FiniteModel


@given(chained_tables(), st.integers(1, 6))
def test_corpora(content: Chained, size: int) -> None:
    """Var(fbar) <= (2 w* - 1) Var_pi(f)/N, for every f; the covariances agree with the powers of the kernel."""
    walk = content.chain
    numbers = content.found.numbers
    by_kernel = lagged_covariances(walk, [(numbers.log_prior, numbers.reward)], size)[0][-1]
    assert abs(walk.corpus_covariance(numbers.log_prior, numbers.reward, size) - by_kernel) < arb("1e-60")
    for state in range(len(walk)):
        f = objects(fmpq(int(x == state)) for x in range(len(walk)))
        variance = walk.target[state] * (1 - walk.target[state])
        assert walk.corpus_covariance(f, f, size) <= (2 * max(walk.weight) - 1) * variance / size
        if walk.weight[state] == max(walk.weight):
            # Cov(f(Y_0), f(Y_t)) = Var f (1 - 1/w*)^t, summed over all pairs of times
            decay = 1 - 1 / walk.weight[state]
            total = sum((decay ** abs(i - j) for i in range(size) for j in range(size)), start=fmpq(0))
            assert walk.corpus_covariance(f, f, size) == variance * total / size**2


def test_c6_corpora_by_recursion() -> None:
    """E[S_f S_g; Y_N = y] step by step: +.179 at N = 1, then -.065, -.523 (N = 10), -.727 (N = 400)."""
    content = chained(FiniteModel.of(c6()), C6_PROPOSAL)
    numbers, kernel, law = content.found.numbers, content.chain.kernel(), content.chain.target
    values = {"l": numbers.log_prior, "r": numbers.reward}
    first = {name: law * v for name, v in values.items()}
    second = {pair: law * values[pair[0]] * values[pair[1]] for pair in ("ll", "lr", "rr")}
    found = {}
    for size in range(1, 401):
        mean = {name: v.sum() for name, v in first.items()}
        cov = {pair: v.sum() - mean[pair[0]] * mean[pair[1]] for pair, v in second.items()}
        found[size] = cov["lr"] / (cov["ll"] * cov["rr"]).sqrt()
        one = {name: v.dot(kernel) for name, v in first.items()}
        second = {
            pair: v.dot(kernel)
            + one[pair[0]] * values[pair[1]]
            + one[pair[1]] * values[pair[0]]
            + law * values[pair[0]] * values[pair[1]]
            for pair, v in second.items()
        }
        first = {name: v + law * values[name] for name, v in one.items()}
    for size, correlation in ((1, 0.179), (2, -0.065), (10, -0.523), (400, -0.727)):
        assert float(found[size]) == pytest.approx(correlation, abs=5e-4)
    assert all(found[size] < 0 for size in range(2, 401))
    iid = IndependentChain.towards(content.chain.target, content.chain.target)
    for size in (1, 2, 10, 400):
        cov, one, two = (
            iid.corpus_covariance(f, g, size)
            for f, g in (
                (numbers.log_prior, numbers.reward),
                (numbers.log_prior, numbers.log_prior),
                (numbers.reward, numbers.reward),
            )
        )
        assert float(cov / (one * two).sqrt()) == pytest.approx(0.179, abs=5e-4)
