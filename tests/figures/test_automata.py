"""The automata's figure: eigenvalues, closed formulas and dense solves in float64."""

from __future__ import annotations

import math

import numpy as np
import pytest
from flint import fmpq
from numpy.typing import NDArray
from scipy import optimize

from figures import automata
from tests.figures.committed import assert_committed
from theory.arithmetic.exact import floats, precision, to_float
from theory.automata.adaptors import align_automaton
from theory.claims.automata.ambiguity import sums_of_squares
from theory.examples.automata import speeches, two_geometrics, two_states, vowels_over_consonants
from theory.language_models.automaton import Automaton

Floats = NDArray[np.float64]


@pytest.fixture(scope="module")
def record() -> automata.Record:
    """The numbers drawn, computed once."""
    with precision():
        return automata.compute()


@pytest.fixture(scope="module")
def bigrams() -> Automaton:
    """The letter bigrams."""
    return speeches(vowels_over_consonants(fmpq(8)), 2)


def _radius(automaton: Automaton, s: float, t: float) -> float:
    """The spectral radius of M(s, t), by LAPACK."""
    log_prior, reward = automaton.floats()
    return float(abs(np.linalg.eigvals(_moves(automaton, np.exp(s * log_prior + t * reward)))).max())


def _moves(automaton: Automaton, weight: Floats) -> Floats:
    graph = automaton.graph
    moves = np.zeros((graph.states, graph.states + 1))
    np.add.at(moves, (graph.source, graph.target), weight)
    return moves[:, :-1]


def test_committed(record: automata.Record) -> None:
    """automata.csv; sums over lengths are products of matrices in float64."""
    assert_committed("automata", record)


def test_computed_twice(record: automata.Record, bigrams: Automaton) -> None:
    """Nothing is drawn at random: the boundary, a law and the sums again."""
    heights = [fmpq(k) for k in range(-7, 8)]
    assert (automata.domain(bigrams, heights).boundary == record.bigrams.boundary).all()
    assert (automata.sums() == record.sums).all()


def test_boundaries(record: automata.Record, bigrams: Automaton) -> None:
    """The spectral radius is 1 on the lines and on s = t = 1/T_c, below 1 to the right, above to the left."""
    for automaton, domain in ((two_states(), record.two_states), (bigrams, record.bigrams)):
        for s, t in (*domain.boundary, (1 / domain.critical, 1 / domain.critical)):
            assert _radius(automaton, s, t) == pytest.approx(1, abs=1e-9)
            assert _radius(automaton, s + 0.01, t) < 1 < _radius(automaton, s - 0.01, t)
        root = optimize.brentq(lambda tau, a=automaton: math.log(_radius(a, tau, tau)), 0.2, 1.2, xtol=1e-14)
        assert domain.critical == pytest.approx(1 / root, abs=1e-10)


def test_critical_temperatures(record: automata.Record) -> None:
    """T_c - 1 = log(1/a) / log V for uniform letters; 32,000 tokens that go on with .99: 1.00097."""
    for name, size in (("2 letters", 2), ("26 letters", 26), ("32,000 tokens", 32_000)):
        mean, excess = record.letters[name].T
        assert excess == pytest.approx(np.log1p(1 / mean) / math.log(size), rel=1e-12)
    mean_length, found = record.models["32,000 tokens"]
    assert found == pytest.approx(math.log(100 / 99) / math.log(32_000), rel=1e-12)
    assert mean_length == pytest.approx(0.99 / 0.01)
    assert 1 + found == pytest.approx(1.00097, abs=5e-6)


def test_lengths(record: automata.Record, bigrams: Automaton) -> None:
    """Each law sums to 1, and far out falls or grows by the spectral radius of M(1/T, 1/T) per letter."""
    for (temperature, cap), law in record.lengths.items():
        assert len(law) == cap + 1
        assert law.sum() == pytest.approx(1, abs=1e-12)
        assert law[-1] / law[-2] == pytest.approx(_radius(bigrams, 1 / temperature, 1 / temperature), rel=1e-9)
    for (temperature, _), law in record.lengths.items():
        assert (law[-50:].sum() > 0.98) == (temperature > record.bigrams.critical)


def test_mean_lengths(record: automata.Record, bigrams: Automaton) -> None:
    """Uncut: by solving with I - M; cut: below the uncut one; local: near the mean of p+ on both sides of T_c."""
    law = floats(align_automaton(bigrams).law)
    start = np.eye(bigrams.graph.states)[bigrams.graph.initial]
    for temperature, mean in record.mean_length["no cap"][::6]:
        moves = _moves(bigrams, law ** (1 / temperature))
        ends = np.bincount(bigrams.graph.source[bigrams.end], law[bigrams.end] ** (1 / temperature), len(start))
        inverse = np.linalg.inv(np.eye(len(start)) - moves)
        assert mean == pytest.approx(start @ inverse @ moves @ inverse @ ends / (start @ inverse @ ends), rel=1e-8)
        assert temperature < record.bigrams.critical
    for cap in (100, 400, 1600):
        temperature, mean = record.mean_length[f"cap {cap}"].T
        assert (np.diff(mean) > 0).all()
        assert mean[-1] > 0.9 * cap
    assert record.mean_length["local"][:, 1] == pytest.approx(np.full(6, 36.5), abs=2.5)


def test_leak(record: automata.Record) -> None:
    """P(more than n) = 1/(n+2) at T = 1, and tends to pi/sinh(pi) at T = 1/2."""
    length, mass = record.survival["T = 1/1"].T
    assert mass == pytest.approx(1 / (length + 2), rel=1e-12)
    assert record.infinite == pytest.approx(math.pi / math.sinh(math.pi), abs=1e-15)
    cooled = record.survival["T = 1/2"][:, 1]
    assert (cooled > record.infinite).all()
    assert cooled[-1] == pytest.approx(record.infinite, abs=1e-3)


def test_ambiguity(record: automata.Record) -> None:
    """Two geometric series over paths; over strings, at s = 2, the product automaton: .1971 against .3678."""
    s, paths, strings = record.sums.T
    closed = 0.5**s * (0.7**s / (1 - 0.3**s) + 0.4**s / (1 - 0.6**s))
    assert paths == pytest.approx(closed, rel=1e-12)
    at = int(np.flatnonzero(s == 2)[0])
    assert (paths[at], strings[at]) == pytest.approx(
        [to_float(v) for v in sums_of_squares(two_geometrics())], rel=1e-12
    )
    assert (paths[at], strings[at]) == pytest.approx((0.1971, 0.3678), abs=5e-5)
    assert ((paths > strings) == (s < 1))[s != 1].all()
