"""Path sums of automata, against OpenFst and Storm."""

from __future__ import annotations

import numpy as np
from flint import fmpq

from simulations.bench import machine
from simulations.bench.peers import chain, doob, openfst, storm, storm_total
from simulations.bench.timing import PYTHON, WORDS, Benchmark, Disagreement, Limit, TwoWays, close, two_ways
from theory.arithmetic.exact import Array, objects
from theory.automata.moments import PathMoments, path_moments
from theory.automata.path_sums import totals
from theory.language_models.automaton import Graph

LENGTH = 100
"""Tokens of a string, on average."""


def _reading(graph: Graph) -> Limit:
    """Weights, features and both ends of every arc from memory once."""
    return Limit("reading every arc once", 5 * 8 * len(graph.source) / machine.bytes_per_second())


def _six_moments() -> TwoWays:
    graph, weight, features = chain(np.random.default_rng(7), 1000, 20, LENGTH)
    theirs = openfst(graph, np.log(weight))

    def agree(ours: PathMoments, other: float) -> None:
        close(1e-6)(ours.log_total, other)

    return two_ways(lambda: path_moments(graph, weight, features), theirs, agree, limit=_reading(graph))


def _expected_reward() -> TwoWays:
    graph, weight, features = chain(np.random.default_rng(8), 1000, 20, LENGTH)
    law = doob(graph, weight, path_moments(graph, weight, features).value)
    reward = np.where(graph.target < graph.states, features[1] - features[1].min(), 0.0)

    def agree(ours: PathMoments, other: float | fmpq) -> None:
        close(1e-9)(ours.mean[0], float(other))

    theirs = storm(graph, law, reward)
    return two_ways(lambda: path_moments(graph, law, reward[None, :]), theirs, agree, limit=_reading(graph))


def rational_chain(states: int, tokens: int) -> tuple[Graph, Array]:
    """Integer weights and e^R of 2/7 to 1 on every arc: a rational Z."""
    rng = np.random.default_rng(10)
    target = np.concatenate((rng.integers(0, states, (states, tokens)), np.full((states, 1), states)), axis=1)
    weights, factors = rng.integers(1, 7, target.shape), rng.integers(2, 8, target.shape)
    factors[:, -1] = 7
    arcs = [
        fmpq(int(w), int(row.sum())) * fmpq(int(f), 7)
        for row, own in zip(weights, factors, strict=True)
        for w, f in zip(row, own, strict=True)
    ]
    return Graph(states, 0, np.repeat(np.arange(states), tokens + 1), target.ravel()), objects(arcs)


def _rational() -> TwoWays:
    graph, weight = rational_chain(100, 10)

    def agree(ours: fmpq, theirs: float | fmpq) -> None:
        if ours != theirs:
            raise Disagreement(f"{ours} against {theirs}")

    # lifting a solution from one prime costs at least one elimination modulo it
    limit = Limit("n^3 / 3 products of words", graph.states**3 / 3 / machine.word_products_per_second())
    return two_ways(lambda: totals(graph, weight)[graph.initial], storm_total(graph, weight), agree, limit=limit)


ROWS: tuple[Benchmark, ...] = (
    Benchmark(
        "automaton",
        "automaton of 1,000 states x 20 tokens, six moments with error bounds",
        "OpenFst (pynini): log Z alone, one direction, delta 1e-12",
        20,
        ("pywrapfst",),
        _six_moments,
        (WORDS, PYTHON),
    ),
    Benchmark(
        "expected-reward",
        "automaton of 1,000 states x 20 tokens, expected reward with its variance",
        "Storm: expected reward, precision 1e-14",
        3,
        ("stormpy",),
        _expected_reward,
        (WORDS, PYTHON),
    ),
    Benchmark(
        "rational",
        "automaton of 100 states x 10 tokens, exact rational Z",
        "Storm, exact",
        100,
        ("stormpy",),
        _rational,
        (WORDS, PYTHON),
    ),
)

__all__ = ["LENGTH", "ROWS", "rational_chain"]
