"""What is fast, measured against a plain alternative in one run: ``make bench`` prints the ratios; nothing is asserted.

pytest-benchmark prints each group's times with the ratio to its fastest member in parentheses.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from flint import fmpq
from numpy.typing import NDArray

from theory.corpus import atoms, by_inversion
from theory.exact import floats
from theory.language_models.examples import dense_tree, toy
from theory.language_models.tree import TreeModel
from theory.tradeoff import float_moments, moments

TOKENS, DEPTH = 4, 10


@pytest.fixture(scope="module")
def tree() -> TreeModel:
    return dense_tree(np.random.default_rng(1), TOKENS, DEPTH)


def nested(tree: TreeModel) -> tuple[list[list[float]], list[float]]:
    """The same laws as plain lists: a row of token probabilities per inner prefix, the end of each prefix."""
    inner = tree.tree.levels[-2]
    return tree.prob[1:].reshape(inner, TOKENS).tolist(), tree.end.tolist()


def depth_first(rows: list[list[float]], ends: list[float]) -> list[float]:
    """The probability of every string by a depth-first walk."""
    inner, found = len(rows), []
    stack = [(0, 1.0)]
    while stack:
        node, mass = stack.pop()
        found.append(mass * ends[node])
        if node < inner:
            child = TOKENS * node + 1
            for p in rows[node]:
                stack.append((child, mass * p))
                child += 1
    return found


def whole_arrays(prior: NDArray[np.float64], reward: NDArray[np.float64]) -> tuple[float, ...]:
    """The eight moments by sums over whole-array temporaries."""
    peak = reward.max()
    weight = prior * np.exp(reward - peak)
    total = weight.sum()
    prob = weight / total
    log_prior = np.log(prior)
    log_partition = np.log(total) + peak
    surprisal = log_partition - log_prior - reward
    mean_l, mean_r, entropy = (prob * log_prior).sum(), (prob * reward).sum(), (prob * surprisal).sum()
    return (
        float(log_partition),
        float(entropy),
        float((prob * (surprisal - entropy) ** 2).sum()),
        float(mean_l),
        float(mean_r),
        float((prob * (log_prior - mean_l) ** 2).sum()),
        float((prob * (reward - mean_r) ** 2).sum()),
        float((prob * (log_prior - mean_l) * (reward - mean_r)).sum()),
    )


@pytest.mark.benchmark(group=f"enumerate a tree of {TOKENS} tokens to length {DEPTH}")
class TestEnumeration:
    def test_levels(self, benchmark: Any, tree: TreeModel) -> None:
        assert len(benchmark(tree.string_prob)) == 1_398_101

    def test_depth_first_walk(self, benchmark: Any, tree: TreeModel) -> None:
        rows, ends = nested(tree)
        found = benchmark.pedantic(depth_first, args=(rows, ends), rounds=3)
        assert sum(found) == pytest.approx(1)


@pytest.mark.benchmark(group="eight moments of a table of 1,000,000 strings")
class TestMoments:
    @pytest.fixture
    def table(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        rng = np.random.default_rng(2)
        prior = rng.random(1_000_000)
        return prior / prior.sum(), rng.normal(size=1_000_000)

    def test_chunks(self, benchmark: Any, table: Any) -> None:
        found = benchmark(float_moments, *table)
        plain = whole_arrays(*table)
        assert found.varentropy == pytest.approx(plain[2], rel=1e-11)

    def test_whole_arrays(self, benchmark: Any, table: Any) -> None:
        benchmark(whole_arrays, *table)


@pytest.mark.benchmark(group="toy: exact P(typical), against ONE of its 1,000 corpora of 100,000 strings")
class TestTypicality:
    def test_inversion(self, benchmark: Any) -> None:
        aligned = toy()
        numbers = aligned.balls()
        law = atoms(aligned, numbers, moments(aligned, numbers))
        found = benchmark(by_inversion, law, 100_000, fmpq(1, 1000))
        assert found.mass == pytest.approx(0.2089852674, abs=5e-11)

    def test_one_corpus_string_by_string(self, benchmark: Any) -> None:
        """A thousandth of the alternative: multiply its ratio by 1,000."""
        law = floats(toy().balls().prob)
        cumulative, surprisal = np.cumsum(law), -np.log(law)
        rng = np.random.default_rng(3)

        def corpus() -> float:
            total = 0.0
            for _ in range(100_000):
                total += surprisal[min(int(np.searchsorted(cumulative, rng.random())), 999)]
            return total / 100_000

        assert benchmark.pedantic(corpus, rounds=3) == pytest.approx(5.005, abs=0.05)
