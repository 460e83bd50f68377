"""Automata against OpenFst and Storm in one run: ``make bench`` prints the ratios.

Strings of 100 tokens on average (the letter trigrams of the speeches: 155) and of 20. Building a model is not timed,
on either side. Ours computes all six moments of (L, R) with rigorous error bounds; OpenFst log Z alone; Storm the
expected reward alone, which stands against ours with its variance.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from flint import fmpq

from tests.peers import chain, doob, openfst, storm, storm_total
from theory.automaton_moments import path_moments, totals
from theory.exact import Array, objects
from theory.language_models.automaton import Graph, random_automaton

SIZES = [(100, 10), (1000, 20)]
LENGTHS = [20, 100]


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize(("states", "tokens"), SIZES)
class TestMoments:
    """Six moments against one log Z by OpenFst at delta 1e-12."""

    def test_six_moments(self, benchmark: Any, states: int, tokens: int, length: int) -> None:
        benchmark.group = f"moments of {states} states x {tokens} tokens, strings of {length}"
        graph, weight, features = chain(np.random.default_rng(7), states, tokens, length)
        found = benchmark(path_moments, graph, weight, features)
        assert found.error.log_total < 1e-11

    def test_openfst_log_partition(self, benchmark: Any, states: int, tokens: int, length: int) -> None:
        benchmark.group = f"moments of {states} states x {tokens} tokens, strings of {length}"
        graph, weight, features = chain(np.random.default_rng(7), states, tokens, length)
        found = benchmark.pedantic(openfst(graph, np.log(weight)), rounds=5, warmup_rounds=1)
        assert found == pytest.approx(path_moments(graph, weight, features).log_total, abs=1e-6)


@pytest.mark.parametrize("length", LENGTHS)
class TestExpectedReward:
    """Expected reward and its variance, 1,000 states, against Storm's expected reward at precision 1e-14."""

    @staticmethod
    def model(length: int) -> tuple[Any, Any, Any]:
        graph, weight, features = chain(np.random.default_rng(8), 1000, 20, length)
        law = doob(graph, weight, path_moments(graph, weight, features).value)
        return graph, law, np.where(graph.target < graph.states, features[1] - features[1].min(), 0.0)

    def test_moments(self, benchmark: Any, length: int) -> None:
        benchmark.group = f"expected reward, 1,000 states, strings of {length}"
        graph, law, reward = self.model(length)
        found = benchmark(path_moments, graph, law, reward[None, :])
        assert found.error.mean[0] < 1e-9 * found.mean[0]

    @pytest.mark.parametrize("sound", [True, False], ids=["sound", "power-iteration"])
    def test_storm(self, benchmark: Any, length: int, sound: bool) -> None:
        benchmark.group = f"expected reward, 1,000 states, strings of {length}"
        graph, law, reward = self.model(length)
        found = benchmark.pedantic(storm(graph, law, reward, sound=sound), rounds=5, warmup_rounds=1)
        assert found == pytest.approx(path_moments(graph, law, reward[None, :]).mean[0], rel=1e-9)


@pytest.mark.benchmark(group="sparse automaton of 100,000 states x 10 arcs")
def test_sparse(benchmark: Any) -> None:
    """Six moments; the peak memory of a process that does nothing else is in the extra column."""
    graph, weight, features = chain(np.random.default_rng(9), 100_000, 10, 100)
    found = benchmark.pedantic(path_moments, args=(graph, weight, features), rounds=2)
    assert found.error.log_total < 1e-9
    code = (
        "import resource, numpy as np; from tests.peers import chain;"
        "from theory.automaton_moments import path_moments;"
        "path_moments(*chain(np.random.default_rng(9), 100_000, 10, 100));"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"  # KiB on Linux
    )
    peak = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    benchmark.extra_info["peak_gib"] = round(int(peak.stdout) * 2**-20, 2)
    print(f"\nsparse automaton: peak memory {benchmark.extra_info['peak_gib']} GiB")


@pytest.mark.benchmark(group="rational Z of 100 states x 3 tokens")
class TestRational:
    """Z as a rational number of thousands of digits; e^R <= 1, so that Storm can read it as a probability."""

    @staticmethod
    def model() -> tuple[Graph, Array]:
        found = random_automaton(np.random.default_rng(10), 100, 3).rewarded()
        arcs = zip(found.reward, found.end, strict=True)
        factor = objects(fmpq(1) if end else r.factor * fmpq(6, 7) for r, end in arcs)
        return found.graph, found.prob * factor

    def test_flint(self, benchmark: Any) -> None:
        graph, weight = self.model()
        value = benchmark(totals, graph, weight)[graph.initial]
        assert 0 < value < 1

    def test_storm_exact(self, benchmark: Any) -> None:
        graph, weight = self.model()
        found = benchmark.pedantic(storm_total(graph, weight), rounds=2)
        assert found == totals(graph, weight)[graph.initial]
