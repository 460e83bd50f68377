"""Samplers against the loops they replace, in one run: ``make bench`` prints how many times faster they are.

The slow side makes a small part of the work; both sides are timed per unit of it, the best of five.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from simulations import chains, draws
from theory.language_models.examples import toy

Floats = NDArray[np.float64]


def best(work: Callable[[], Any], units: int, rounds: int = 5) -> float:
    """Seconds per unit, the best of so many rounds."""
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds) / units


def report(benchmark: Any, name: str, fast: float, slow: float) -> None:
    """Keep and print the ratio."""
    benchmark.extra_info[name] = round(slow / fast)
    print(f"\n{name}: {slow / fast:,.0f} times faster ({fast:.3g} s against {slow:.3g} s per unit)")


@pytest.mark.benchmark(group="1,000 corpora of 100,000 strings of the toy")
def test_corpora(benchmark: Any) -> None:
    """By counts, against a loop over strings that draws and adds one string at a time."""
    numbers = toy().floats()
    prob, values = numbers.prob, np.stack((numbers.log_prior, numbers.reward))
    rng = np.random.default_rng(1)
    found = benchmark(draws.corpus_means, prob, values, 100_000, 1000, rng=rng)
    assert found.mean(axis=0) == pytest.approx(values @ prob, abs=0.01)
    fast = best(lambda: draws.corpus_means(prob, values, 100_000, 1000, rng=rng), 1000)
    slow = best(lambda: draws.one_by_one(prob, values, 10_000, 1, rng=rng), 1, rounds=3) * 10
    report(benchmark, "corpora by counts, one corpus", fast, slow)
    cumulative = np.cumsum(prob)

    def by_index() -> float:
        total = 0.0
        for _ in range(10_000):
            total += values[0][min(int(np.searchsorted(cumulative, rng.random())), 999)]
        return total

    report(benchmark, "against a loop that adds one feature", fast, best(by_index, 1, rounds=3) * 10)


def row_by_row(frame: Any, steps: int, rng: np.random.Generator) -> tuple[Any, int]:
    """A chain over the rows of a data frame: a row is sampled, compared with the present one, and appended."""
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    weights = np.exp(frame["log_proposal"])
    present = frame.sample(n=1, weights=weights, random_state=rng).iloc[0]
    accepted, rows = 0, []
    for _ in range(steps):
        offered = frame.sample(n=1, weights=weights, random_state=rng).iloc[0]
        ratio = np.exp(
            offered["log_target"] - present["log_target"] + present["log_proposal"] - offered["log_proposal"]
        )
        if rng.random() < min(1.0, ratio):
            present, accepted = offered, accepted + 1
        rows.append(present)
    return pandas.DataFrame(rows), accepted


@pytest.mark.benchmark(group="independent Metropolis-Hastings on 50 strings, 1,000,000 proposals")
def test_chain(benchmark: Any) -> None:
    """Compiled, in plain Python, and over all chains at once, against row-by-row work in a data frame."""
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    rng = np.random.default_rng(2)
    proposal, weight = rng.dirichlet(np.ones(50)), rng.random(50) + 0.1
    weight /= proposal @ weight
    frame = pandas.DataFrame(
        {
            "string": [f"s{k}" for k in range(50)],
            "log_proposal": np.log(proposal),
            "log_target": np.log(proposal * weight),
        }
    )
    slow = best(lambda: row_by_row(frame, 300, rng), 300, rounds=3)
    plain = best(lambda: chains.long_chain(proposal, weight, 0, 200_000, rng=rng, compiled=False), 200_000)
    report(benchmark, "plain Python, one proposal", plain, slow)
    ratio, start = chains.metropolis(np.log(weight)), np.zeros(100_000, dtype=np.int64)
    vectorised = best(lambda: chains.run(proposal, ratio, start, 10, rng=rng), 1_000_000)
    report(benchmark, "numpy over 100,000 chains, one proposal", vectorised, slow)
    pytest.importorskip("numba", reason="numba is not installed")
    chains.long_chain(proposal, weight, 0, 10, rng=rng)
    fast = best(lambda: chains.long_chain(proposal, weight, 0, 2_000_000, rng=rng), 2_000_000)
    report(benchmark, "compiled, one proposal", fast, slow)
    benchmark(chains.long_chain, proposal, weight, 0, 1_000_000, rng=rng)
