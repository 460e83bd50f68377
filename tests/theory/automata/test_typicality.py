"""Corpora of automata: against counting, the negative binomial law, pairs of strings, and one route against another."""

from __future__ import annotations

import math

import numpy as np
import pytest
from flint import fmpq
from numpy.typing import NDArray

from theory.arithmetic.exact import Undecided, to_float
from theory.automata import typicality as automaton_corpus
from theory.automata.adaptors import adapted_moments, align_automaton, unrolled, whole_law
from theory.automata.typicality import typical_automaton_corpora
from theory.corpora.atoms import atoms
from theory.corpora.typicality import typical_corpora
from theory.examples.automata import letters, two_states
from theory.language_models.automaton import Arc, Automaton
from theory.language_models.rewards import Reward

HALF = fmpq(1, 2)


def strings_of(automaton: Automaton, length: int) -> tuple[NDArray[np.float64], ...]:
    """(p+, L - E L, I - H) of every string of up to ``length`` tokens."""
    aligned = align_automaton(automaton)
    mean = adapted_moments(aligned, whole_law(aligned)).moments
    log_z = to_float(aligned.log_partition)
    rows = []
    for _, p, r in automaton.rewarded().strings(length):
        log_p = math.log(to_float(p))
        reward = to_float(r.exponent) + math.log(to_float(r.factor))
        surprisal = log_z - log_p - reward
        rows.append((math.exp(-surprisal), log_p - to_float(mean.mean_log_prior), surprisal - to_float(mean.entropy)))
    return tuple(np.array(rows).T)


def irregular() -> Automaton:
    """Two states whose probabilities hold five primes: I lies on no small lattice."""
    arcs = [
        Arc(0, 1, "a", fmpq(1, 11), Reward(exponent=fmpq(1, 3))),
        Arc(0, 0, "b", fmpq(2, 11)),
        Arc(1, 0, "a", fmpq(1, 7), Reward(factor=fmpq(5, 3))),
        Arc(1, 1, "b", fmpq(1, 7), Reward(exponent=fmpq(-1, 5))),
    ]
    return Automaton.of(("a", "b"), arcs, [fmpq(8, 11), fmpq(5, 7)])


def test_finitely_many_strings_are_summed_exactly() -> None:
    """Seven strings: the multinomial sums of the table with the same strings, in balls."""
    arcs = [Arc(s, s + 1, t, fmpq(1, 3), Reward(factor=fmpq(2 + s))) for s in range(2) for t in "ab"]
    automaton = Automaton.of(("a", "b"), arcs, [fmpq(1, 3), fmpq(1, 3), fmpq(1)])
    found = typical_automaton_corpora(align_automaton(automaton), 30, fmpq(1, 10))
    tree = unrolled(automaton, 3)
    numbers = tree.balls()
    expected = typical_corpora(atoms(numbers), 30, fmpq(1, 10))
    assert found.error is None
    assert (found.mass - expected.mass).contains(0)


@pytest.mark.parametrize(("size", "epsilon"), [(1, 0.5), (3, 0.3), (20, 0.2), (100, 0.1), (1000, 0.05)])
def test_one_letter_is_a_negative_binomial_law(size: int, epsilon: float) -> None:
    """p+ goes on with 3/4: I = n log(4/3) + log 4, and N strings have k letters with chance C(k+N-1, k) (3/4)^k/4^N."""
    aligned = align_automaton(letters((1,), HALF, [Reward(factor=fmpq(3, 2))]))
    entropy = to_float(adapted_moments(aligned, whole_law(aligned)).moments.entropy)
    k = np.arange(60 * size + 600)
    log_mass = np.array([math.lgamma(j + size) - math.lgamma(j + 1) - math.lgamma(size) for j in k])
    mass = np.exp(log_mass + k * math.log(3 / 4) - size * math.log(4))
    mean = k / size * math.log(4 / 3) + math.log(4)
    expected = mass[np.abs(mean - entropy) < epsilon].sum()
    found = typical_automaton_corpora(aligned, size, fmpq(round(100 * epsilon), 100))
    assert found.method == "lattice by Fourier transform"
    assert found.error is not None
    assert abs(found.mass - expected) < max(found.error, 1e-11)
    assert found.error < 1e-11


@pytest.mark.parametrize("epsilon", [0.3, 1.0])
@pytest.mark.parametrize("model", ["letters", "two states", "irregular"])
def test_one_string_and_pairs_of_strings(model: str, epsilon: float) -> None:
    """N = 1: all six sums over the strings of up to 12 tokens; N = 2: over pairs. The rest bounds the difference."""
    automaton = {"letters": letters((3, 2), HALF), "two states": two_states(), "irregular": irregular()}[model]
    prob, x, y = strings_of(automaton, 12)
    rest = 1 - prob.sum()
    aligned = align_automaton(automaton)
    found = typical_automaton_corpora(aligned, 1, fmpq(round(10 * epsilon), 10))
    inside = np.abs(y) < epsilon
    q, a, b = prob[inside], x[inside], y[inside]
    expected = (q.sum(), q @ a, q @ b, q @ (a * a), q @ (a * b), q @ (b * b))
    assert found.error is not None
    for value, sum_ in zip(found.sums, expected, strict=True):
        assert abs(value - sum_) < 10 * found.error + 100 * rest
    likely = prob > 1e-6
    pairs, sums = np.multiply.outer(prob[likely], prob[likely]), np.add.outer(y[likely], y[likely])
    found = typical_automaton_corpora(aligned, 2, fmpq(round(10 * epsilon), 10))
    missing = 1 - prob[likely].sum() ** 2
    assert found.error is not None
    assert abs(found.mass - pairs[np.abs(sums) < 2 * epsilon].sum()) < found.error + missing


@pytest.mark.parametrize("automaton", [letters((3, 2), HALF), letters((1, 1, 3), fmpq(2, 5))], ids=["two", "three"])
def test_lattice_and_inversion_agree(automaton: Automaton) -> None:
    """The same corpora by the lattice law and by Gil-Pelaez: probability, and the correlation given typicality."""
    aligned = align_automaton(automaton)
    steps = automaton_corpus._Steps.of(aligned)
    for size, epsilon in ((400, fmpq(1, 20)), (1000, fmpq(1, 30))):
        found = typical_automaton_corpora(aligned, size, epsilon)
        assert found.method == "lattice by Fourier transform"
        other = automaton_corpus._by_inversion(steps, size, to_float(epsilon))
        assert found.error is not None
        assert other.error is not None
        assert abs(found.mass - other.mass) < found.error + other.error
        assert found.error < 1e-10


def test_inversion_keeps_its_error_estimate_for_few_strings() -> None:
    """N = 20 on a lattice of rank 2: where |phi|^N does not die out, the stated error covers the difference."""
    aligned = align_automaton(letters((3, 2), HALF))
    steps = automaton_corpus._Steps.of(aligned)
    for size in (2, 5, 20):
        exact = typical_automaton_corpora(aligned, size, fmpq(1, 5))
        rough = automaton_corpus._by_inversion(steps, size, 0.2)
        assert exact.error is not None
        assert rough.error is not None
        assert abs(exact.mass - rough.mass) < exact.error + rough.error


def test_large_corpora_are_nearly_normal() -> None:
    """N = 10^5: P within the Berry-Esseen distance of the normal law, and the correlation near its limit."""
    aligned = align_automaton(two_states())
    mean = adapted_moments(aligned, whole_law(aligned)).moments
    size, epsilon = 100_000, fmpq(1, 200)
    found = typical_automaton_corpora(aligned, size, epsilon)
    z = 0.005 * math.sqrt(size / to_float(mean.var_surprisal))
    assert abs(found.mass - math.erf(z / math.sqrt(2))) < 0.005


def test_strings_that_are_too_long_are_undecided() -> None:
    near = letters((1,), HALF, [Reward(factor=2 - fmpq(1, 10**12))])
    with pytest.raises(Undecided, match="too long for float64"):
        typical_automaton_corpora(align_automaton(near), 10, HALF)
