"""Independent Metropolis-Hastings: closed forms against linear algebra, enumeration and a dense eigensolver."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq, fmpq_mat, fmpq_poly
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import weights
from theory.arithmetic.exact import Array, floats, log, objects
from theory.corpora.metropolis import (
    IndependentChain,
    acceptance_probability,
    corpus_variance_bound,
    largest_weight,
    stationary_acceptance,
    stationary_law,
    summation_factor,
    transition_matrix,
)
from theory.examples.finite import C6_PROPOSAL, c6
from theory.probability.information import total_variation


def law(values: list[int]) -> Array:
    """The law proportional to these integers."""
    return objects(fmpq(v, sum(values)) for v in values)


@st.composite
def chains(draw: Any, smallest: int = 1, largest: int = 6) -> IndependentChain:
    """Proposal and target from small integer weights, ties among the weights included."""
    proposal = draw(weights(smallest, largest, 6))
    target = draw(st.lists(st.integers(1, 6), min_size=len(proposal), max_size=len(proposal)))
    return IndependentChain.towards(law(proposal), law(target))


def c6_chain() -> IndependentChain:
    target = c6().exact_prob()
    assert target is not None
    return IndependentChain.towards(objects(C6_PROPOSAL), target)


def kernel_by_hand(chain: IndependentChain) -> list[list[fmpq]]:
    """P entry by entry: propose, then accept or stay."""
    n = len(chain)
    rows = []
    for x in range(n):
        row = [fmpq(0)] * n
        for y in range(n):
            accepted = min(fmpq(1), chain.weight[y] / chain.weight[x])
            row[y] += chain.proposal[y] * accepted
            row[x] += chain.proposal[y] * (1 - accepted)
        rows.append(row)
    return rows


def floating(n: int, seed: int) -> IndependentChain:
    rng = np.random.default_rng(seed)
    proposal, target = (rng.uniform(0.1, 1, n) ** 3 for _ in range(2))
    return IndependentChain.towards(proposal / proposal.sum(), target / target.sum())


# --- the kernel ---------------------------------------------------------------------------------------------------


@given(chains())
def test_kernel(chain: IndependentChain) -> None:
    """P(x, y) = q(y) min(1, w(y)/w(x)) + 1{x = y} P(refused), pi(x) P(x, y) = pi(y) P(y, x)."""
    kernel = chain.kernel()
    assert kernel.tolist() == kernel_by_hand(chain)
    flow = chain.target[:, None] * kernel
    assert (flow == flow.T).all()


@given(chains())
def test_stationary_law(chain: IndependentChain) -> None:
    """pi P = pi and sum pi = 1 have the solution q w."""
    assert (stationary_law(chain.kernel()) == chain.target).all()


def test_stationary_law_in_floats() -> None:
    chain = floating(50, 1)
    assert stationary_law(chain.kernel()) == pytest.approx(chain.target, abs=1e-14)


def test_stationary_law_needs_one_recurrent_class() -> None:
    with pytest.raises(ZeroDivisionError):
        stationary_law(objects([fmpq(1), fmpq(0), fmpq(0), fmpq(1)]).reshape(2, 2))


@given(chains(), st.integers(1, 9))
def test_correcting(chain: IndependentChain, factor: int) -> None:
    """Any multiple of pi/q gives the same chain."""
    again = IndependentChain.correcting(chain.proposal, chain.weight * fmpq(factor, 7))
    assert (again.target == chain.target).all()
    assert (acceptance_probability(chain.weight * factor) == acceptance_probability(chain.weight)).all()


def test_accepting_everything_gives_rows_of_the_proposal() -> None:
    q = law([1, 2, 3])
    kernel = transition_matrix(q, objects([fmpq(1)] * 9).reshape(3, 3))
    assert (kernel == q[None, :]).all()


# --- the spectrum -------------------------------------------------------------------------------------------------


@given(chains())
def test_rejection(chain: IndependentChain) -> None:
    """lambda(x) = sum_i q_i (1 - w_i/w_x)^+."""
    for x, value in enumerate(chain.rejection()):
        terms = [q * max(fmpq(0), 1 - w / chain.weight[x]) for q, w in zip(chain.proposal, chain.weight, strict=True)]
        assert value == sum(terms, start=fmpq(0))


@given(chains())
def test_spectrum(chain: IndependentChain) -> None:
    """det(x - P) = (x - 1) prod over all states but the one of least weight of (x - lambda)."""
    product = fmpq_poly([1])
    for eigenvalue in chain.spectrum():
        product *= fmpq_poly([-eigenvalue, 1])
    polynomial = fmpq_mat(kernel_by_hand(chain)).charpoly()
    assert [polynomial[k] for k in range(len(chain) + 1)] == [product[k] for k in range(len(chain) + 1)]
    assert list(chain.spectrum()) == sorted(chain.spectrum(), reverse=True)


def test_second_eigenvalue_of_c6() -> None:
    """w* = 8: 1 - 1/8."""
    assert largest_weight(c6_chain().weight) == 8
    assert list(c6_chain().spectrum()) == [1, fmpq(7, 8), 0]


def test_spectrum_against_a_dense_eigensolver() -> None:
    """n = 200: symmetrised by sqrt(pi), solved by LAPACK."""
    chain = floating(200, 2)
    root = np.sqrt(chain.target)
    symmetric = root[:, None] * chain.kernel() / root[None, :]
    dense = np.linalg.eigvalsh((symmetric + symmetric.T) / 2)[::-1]
    assert np.abs(symmetric - symmetric.T).max() < 1e-15
    assert chain.spectrum() == pytest.approx(dense, abs=1e-13)


def test_spectrum_of_a_million_states() -> None:
    """The trace and the ends of the spectrum are right; the benchmark row "spectrum" has the time."""
    chain = floating(10**6, 3)
    spectrum = chain.spectrum()
    assert spectrum[0] == 1
    assert spectrum[1] == pytest.approx(1 - 1 / largest_weight(chain.weight), rel=1e-9)
    trace = (chain.proposal + chain.rejection()).sum()
    assert spectrum.sum() == pytest.approx(trace, rel=1e-9)


# --- the k-step law -----------------------------------------------------------------------------------------------


@given(chains(), st.integers(0, 12), st.data())
def test_law_after(chain: IndependentChain, steps: int, data: st.DataObject) -> None:
    """mu P^k by matrix multiplication."""
    start = law(data.draw(st.lists(st.integers(1, 6), min_size=len(chain), max_size=len(chain))))
    power = fmpq_mat(kernel_by_hand(chain)) ** steps
    expected = (fmpq_mat([list(start)]) * power).entries()
    assert list(chain.law_after(steps, start)) == expected


def test_law_after_in_floats() -> None:
    """The same numbers in float64, and against a power of the matrix."""
    chain = c6_chain()
    rounded = IndependentChain.towards(floats(chain.proposal), floats(chain.target))
    for steps in (0, 1, 5, 50):
        exact = chain.law_after(steps, chain.proposal)
        assert rounded.law_after(steps, rounded.proposal) == pytest.approx(floats(exact), abs=1e-15)
    large = floating(100, 4)
    power = np.linalg.matrix_power(large.kernel(), 9)
    assert large.law_after(9, np.eye(100)[17]) == pytest.approx(power[17], abs=1e-15)


@given(chains(), st.integers(0, 8))
def test_distance(chain: IndependentChain, steps: int) -> None:
    """TV(P^k(x1, .), pi) = (1 - 1/w*)^k (1 - pi(x1)); <= (1 - 1/w*)^k from every start."""
    star = largest_weight(chain.weight)
    heaviest = next(x for x, w in enumerate(chain.weight) if w == star)
    power = fmpq_mat(kernel_by_hand(chain)) ** steps
    rows = [objects(power[x, y] for y in range(len(chain))) for x in range(len(chain))]
    distances = [total_variation(row, chain.target) for row in rows]
    assert distances[heaviest] == chain.distance_from_heaviest(steps)
    assert max(distances) <= (1 - 1 / star) ** steps
    start = objects(fmpq(int(x == heaviest)) for x in range(len(chain)))
    assert chain.distance_after(steps, start) == distances[heaviest]


# --- acceptance ---------------------------------------------------------------------------------------------------


@given(chains())
def test_stationary_acceptance(chain: IndependentChain) -> None:
    """E_pi E_q min(1, w'/w) = E min(w, w') = 1 - E|w - w'|/2."""
    q, w = chain.proposal, chain.weight
    pairs = list(itertools.product(range(len(chain)), repeat=2))
    smaller = sum((q[x] * q[y] * min(w[x], w[y]) for x, y in pairs), start=fmpq(0))
    spread = sum((q[x] * q[y] * abs(w[x] - w[y]) for x, y in pairs), start=fmpq(0))
    accepted = sum((q[x] * w[x] * q[y] * min(fmpq(1), w[y] / w[x]) for x, y in pairs), start=fmpq(0))
    assert chain.acceptance() == smaller == 1 - spread / 2 == accepted


@given(chains())
def test_plain_functions_in_three_arithmetics(chain: IndependentChain) -> None:
    """Rationals come out as rationals; balls contain them; floats are near."""
    q, w = chain.proposal, chain.weight
    exact = stationary_acceptance(q, w)
    ball = stationary_acceptance(objects(arb(v) for v in q), objects(arb(v) for v in w))
    assert isinstance(exact, fmpq)
    assert ball.contains(exact)
    assert float(ball.rad()) < 1e-60
    assert stationary_acceptance(floats(q), floats(w)) == pytest.approx(float(arb(exact)), abs=1e-15)
    assert largest_weight(objects(arb(v) for v in w)).contains(largest_weight(w))
    assert largest_weight(floats(w)) == float(arb(largest_weight(w)))


def test_a_weight_may_be_zero_in_the_acceptance() -> None:
    """q uniform on 4, target uniform on 2 of them: accepts half the time, 1/w* and 1 - TV at once."""
    weight = objects(fmpq(v) for v in (2, 2, 0, 0))
    assert stationary_acceptance(law([1, 1, 1, 1]), weight) == fmpq(1, 2)


# --- corpora ------------------------------------------------------------------------------------------------------


@given(st.integers(0, 20), st.integers(1, 20), st.integers(1, 40))
def test_summation_factor(numerator: int, more: int, size: int) -> None:
    """sum_{i, j < N} lambda^|i - j|, term by term."""
    eigenvalue = fmpq(numerator, numerator + more)
    expected = sum((eigenvalue ** abs(i - j) for i in range(size) for j in range(size)), start=fmpq(0))
    assert summation_factor(objects([eigenvalue]), size)[0] == expected


def test_summation_factor_keeps_its_digits_near_one() -> None:
    """At lambda = 1 - 1e-12, N = 1000 the closed form in float64 has no digit left."""
    eigenvalue = 1 - 1e-12
    x = fmpq(*eigenvalue.as_integer_ratio())
    exact = 1000 * (1 + x) / (1 - x) - 2 * x * (1 - x**1000) / (1 - x) ** 2
    found = summation_factor(np.array([eigenvalue]), 1000)[0]
    assert found == pytest.approx(float(arb(exact)), rel=1e-13)


@given(chains(), st.data())
def test_modes(chain: IndependentChain, data: st.DataObject) -> None:
    """Cov(f(Y_0), g(Y_t)) = sum m lambda^t, against the powers of the kernel; m >= 0 for f = g."""
    values = st.lists(st.integers(-5, 5), min_size=len(chain), max_size=len(chain))
    f, g = (objects(fmpq(v) for v in data.draw(values)) for _ in range(2))
    pi, kernel = chain.target, fmpq_mat(kernel_by_hand(chain))
    modes, rejection = chain.modes(f, g), chain.rejection()
    for lag in range(4):
        later = objects((kernel**lag * fmpq_mat([[v] for v in g])).entries())
        covariance = (pi * f * later).sum() - (pi * f).sum() * (pi * g).sum()
        assert covariance == (modes * rejection**lag).sum()
    assert (chain.modes(f, f) >= 0).all()


@given(chains(1, 3), st.integers(1, 4))
def test_corpus_covariance(chain: IndependentChain, size: int) -> None:
    """Cov(fbar, gbar), summed over every path of the stationary chain."""
    n, kernel = len(chain), kernel_by_hand(chain)
    f, g = [fmpq(k * k) for k in range(n)], [fmpq(3 * k % 4) for k in range(n)]
    first = second = product = fmpq(0)
    for path in itertools.product(range(n), repeat=size):
        prob = chain.target[path[0]]
        for x, y in itertools.pairwise(path):
            prob *= kernel[x][y]
        means = [sum((v[x] for x in path), start=fmpq(0)) / size for v in (f, g)]
        first, second, product = first + prob * means[0], second + prob * means[1], product + prob * means[0] * means[1]
    assert chain.corpus_covariance(objects(f), objects(g), size) == product - first * second


def test_variance_bound_is_attained_in_the_limit() -> None:
    """f = 1{x1} in C6: N Var(fbar)/V -> 2 w* - 1 = 15, from below."""
    chain = c6_chain()
    f = objects([fmpq(1), fmpq(0), fmpq(0)])
    variance = chain.corpus_covariance(f, f, 1)
    assert chain.asymptotic_covariance(f, f) / variance == 15
    ratios = [chain.corpus_covariance(f, f, n) / corpus_variance_bound(variance, fmpq(8), n) for n in (1, 10, 1000)]
    assert ratios == sorted(ratios)
    assert fmpq(99, 100) < ratios[-1] < 1


def test_c6_limit() -> None:
    """N Cov(fbar, gbar) -> sum m (1 + lambda)/(1 - lambda): the correlation of C6 tends to -.731."""
    chain, aligned = c6_chain(), c6()
    log_prior = log(aligned.prior)
    reward = log(objects(r.factor for r in aligned.reward))
    pairs = ((log_prior, reward), (log_prior, log_prior), (reward, reward))
    cov, one, two = (chain.asymptotic_covariance(f, g) for f, g in pairs)
    assert float(cov / (one * two).sqrt()) == pytest.approx(-0.731, abs=5e-4)
    for (f, g), limit in zip(pairs, (cov, one, two), strict=True):
        assert abs(chain.corpus_covariance(f, g, 10**6) * 10**6 - limit) < arb("1e-3")


@pytest.mark.parametrize(("size", "correlation"), [(1, 0.179), (2, -0.065), (10, -0.523), (400, -0.727)])
def test_c6_correlations(size: int, correlation: float) -> None:
    """The chain of C6 at its target: Corr(Lbar, Rbar) to three digits."""
    chain, aligned = c6_chain(), c6()
    log_prior = log(aligned.prior)
    reward = log(objects(r.factor for r in aligned.reward))
    cov, one, two = (
        chain.corpus_covariance(f, g, size) for f, g in ((log_prior, reward), (log_prior, log_prior), (reward, reward))
    )
    assert float(cov / (one * two).sqrt()) == pytest.approx(correlation, abs=5e-4)


def test_float_route_of_a_corpus() -> None:
    """float64 against rationals."""
    chain = c6_chain()
    rounded = IndependentChain.towards(floats(chain.proposal), floats(chain.target))
    f = objects(fmpq(v) for v in (1, 5, 2))
    for size in (1, 7, 400):
        exact = chain.corpus_covariance(f, f, size)
        assert rounded.corpus_covariance(floats(f), floats(f), size) == pytest.approx(float(arb(exact)), rel=1e-13)


# --- input that is refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("proposal", "weight", "message"),
    [
        ([fmpq(1, 2)], [fmpq(1), fmpq(1)], "1 proposal probabilities but 2 weights"),
        ([], [], "0 proposal probabilities"),
        ([fmpq(1), fmpq(0)], [fmpq(1), fmpq(1)], "proposal probability of state 1 must be > 0"),
        ([fmpq(1, 2)] * 2, [fmpq(2), fmpq(0)], "weight of state 1 must be > 0"),
        ([fmpq(1, 3)] * 2, [fmpq(1)] * 2, "sum to 1"),
        ([fmpq(1, 2)] * 2, [fmpq(1), fmpq(2)], "mean 1, got 3/2"),
        ([arb(1) / 2] * 2, [arb(1)] * 2, "not a ball"),
    ],
)
def test_refused(proposal: list[Any], weight: list[Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        IndependentChain(objects(proposal), objects(weight))


def test_refused_elsewhere() -> None:
    with pytest.raises(ValueError, match="state 0 must be > 0"):
        IndependentChain.towards(np.array([0.0, 1.0]), np.array([0.5, 0.5]))
    with pytest.raises(ValueError, match="0 steps or more"):
        c6_chain().law_after(-1, c6_chain().target)
    with pytest.raises(ValueError, match="at least one string"):
        summation_factor(np.array([0.5]), 0)
