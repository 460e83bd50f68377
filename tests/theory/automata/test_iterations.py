"""Iterations against numpy's solutions, and where each of them gives up."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.sparse
from numpy.typing import NDArray

from theory.automata.iterations import aggregated_sums, dominant_pair, stabilised_gradients
from theory.automata.moments import path_moments
from theory.automata.path_sums import end_sums, float_solver
from theory.language_models.automaton import Graph

Floats = NDArray[np.float64]


def test_the_iteration_solves_its_system() -> None:
    """x - M x = y against numpy's solution, M and M'; None where a step has no direction, or too few are made."""
    rng = np.random.default_rng(2)
    matrix = rng.random((40, 40)) / 45
    sparse = scipy.sparse.csr_array(matrix)
    right = rng.normal(size=40)
    for one, dense in ((sparse, matrix), (sparse.T, matrix.T)):
        found = stabilised_gradients(one, right, 1e-13, 100)
        assert found is not None
        assert np.abs(found - np.linalg.solve(np.eye(40) - dense, right)).max() < 1e-11 * np.abs(found).max()
        assert stabilised_gradients(one, right, 1e-13, 2) is None
    turn = scipy.sparse.csr_array(np.array([[1.0, 1.0], [-1.0, 1.0]]))
    assert stabilised_gradients(turn, np.array([1.0, 0.0]), 1e-13, 100) is None


def mixing(size: int, radius: float) -> Floats:
    """A dense random matrix with this largest eigenvalue, the others far below; the last state is the end."""
    matrix = np.random.default_rng(3).random((size, size)) ** 2
    matrix[-1] = 0
    return matrix * (radius / np.abs(np.linalg.eigvals(matrix[:-1, :-1])).max())


@pytest.mark.parametrize("radius", [0.5, 0.99, 1 - 1e-6])
def test_a_dominant_pair_is_of_eigenvectors(radius: float) -> None:
    """Directions and a'b = c / (1 - c) against numpy's eigenvectors; the end is 0."""
    matrix = mixing(60, radius)
    along, across = dominant_pair(scipy.sparse.csr_array(matrix))
    assert along[-1] == across[-1] == 0
    inner = matrix[:-1, :-1]
    for found, one, error in ((along, inner, 1e-5), (across, inner.T, 1e-2)):
        values, vectors = np.linalg.eig(one)
        exact = np.abs(vectors[:, np.argmax(np.abs(values))].real)
        assert np.abs(found[:-1] / np.linalg.norm(found) - exact).max() < error
    assert math.isclose(across @ along, radius / (1 - radius), rel_tol=1e-3 if radius < 0.999 else 1)


@pytest.mark.parametrize("scale", [1.1, 1.5, 1e200, 0.0])
def test_no_pair_without_an_eigenvalue_below_1(scale: float) -> None:
    """Above 1, beyond float64, and where no state leads to another."""
    along, across = dominant_pair(scipy.sparse.csr_array(mixing(30, 1) * scale))
    assert not along.any()
    assert not across.any()


@pytest.mark.parametrize("tolerance", [1e-6, 1e-12])
def test_aggregated_sums_solve_their_system(tolerance: float) -> None:
    """x - M x = y and x - M' x = y against numpy; within 20 products where the plain sums would need thousands."""
    matrix = mixing(60, 0.999)
    sparse = scipy.sparse.csr_array(matrix)
    pair = dominant_pair(sparse)
    rng = np.random.default_rng(4)
    right = np.append(rng.normal(size=59), 0.0)
    single = np.zeros(60)
    single[3] = 1
    for one, own in ((sparse, pair), (sparse.T.tocsr(), pair[::-1])):
        for y in (right, single):
            counted = Counted(one)
            found, left = aggregated_sums(counted, y, own, tolerance)
            assert left is None
            assert counted.products <= 20
            assert np.linalg.norm(y - found + one @ found) <= tolerance * np.linalg.norm(y)
            exact = np.linalg.solve(np.eye(60) - one.toarray(), y)
            assert np.abs(found - exact).max() <= 1e4 * tolerance * np.abs(exact).max()


class Counted:
    """A matrix that counts its products."""

    def __init__(self, matrix: scipy.sparse.csr_array) -> None:
        self.matrix = matrix
        self.products = 0

    def __matmul__(self, x: Floats) -> Floats:
        self.products += 1
        return self.matrix @ x


def test_aggregated_sums_of_nothing_and_of_few_tokens() -> None:
    """y = 0 needs no product; without a pair a string of at most 2 tokens is summed exactly."""
    empty = scipy.sparse.csr_array(np.zeros((3, 3)))
    counted = Counted(empty)
    none = np.zeros(3)
    found, left = aggregated_sums(counted, none, (none, none), 1e-14)
    assert left is None
    assert not found.any()
    assert counted.products == 0
    line = scipy.sparse.csr_array(np.array([[0, 0.5, 0], [0, 0, 0.25], [0, 0, 0]]))
    found, left = aggregated_sums(line, np.array([1.0, 2, 4]), (none, none), 1e-14)
    assert left is None
    assert found.tolist() == [1 + 0.5 * (2 + 0.25 * 4), 2 + 0.25 * 4, 4]


def test_aggregated_sums_end_at_the_rounding_of_x() -> None:
    """A tolerance that float64 cannot reach."""
    matrix = scipy.sparse.csr_array(mixing(60, 0.999))
    right = np.append(np.random.default_rng(5).random(59), 0.0)
    found, left = aggregated_sums(matrix, right, dominant_pair(matrix), 1e-30)
    assert left is None
    assert 0 < np.linalg.norm(right - found + matrix @ found) < 8 * 2.0**-53 * np.linalg.norm(found)


def test_slow_sums_are_left_to_go_on_from() -> None:
    """A ring: (x, r) with r = y - x + M x, no larger than y; and (0, y) for sums that grow, or are not finite."""
    size = 50
    ring = np.roll(np.eye(size), 1, axis=1) * 0.99
    ring[-1] = 0
    sparse = scipy.sparse.csr_array(ring)
    right = np.append(np.random.default_rng(6).normal(size=size - 1), 0.0)
    none = np.zeros(size)
    found, left = aggregated_sums(sparse, right, (none, none), 1e-14)
    assert left is not None
    assert found.any()
    assert np.allclose(left, right - found + sparse @ found, rtol=0, atol=1e-14)
    for growing, pair in ((3 * sparse, (none, none)), (sparse, (none + np.inf, none + 1))):
        with np.errstate(invalid="ignore"):
            found, left = aggregated_sums(growing, right, pair, 1e-14)
        assert not found.any()
        assert left is right


def test_solvers_agree_on_a_scaled_system() -> None:
    """Sparse against dense, M and M', before and after scaling by values that differ by powers of ten."""
    rng = np.random.default_rng(8)
    size, arcs = 300, 6
    target = np.concatenate((rng.integers(0, size, (size, arcs)), np.full((size, 1), size)), axis=1).ravel()
    height = np.append(10 ** rng.uniform(-6, 6, size), 1.0)
    graph = Graph(size, 0, np.repeat(np.arange(size), arcs + 1), target)
    plain = np.tile([0.16] * arcs + [0.04], size)
    weight = plain * height[graph.source] / height[target]
    right = rng.normal(size=size)
    sparse, dense = (float_solver(graph, weight, engine) for engine in ("sparse", "dense"))
    value = height[:-1]
    assert np.abs(sparse.solve(end_sums(graph, weight)) / value - 1).max() < 1e-11
    matrix = scipy.sparse.csr_array((plain, target, np.append(graph.starts, [len(graph)] * 2)), shape=(size + 1,) * 2)
    scaled = [solver.scaled(value, matrix) for solver in (sparse, dense)]
    for one, other in (
        [solver.solve(right) for solver in scaled],
        [solver.solve_transposed(right) for solver in scaled],
    ):
        assert np.abs(one - other).max() < 1e-11 * np.abs(other).max()


def test_few_states_that_stop() -> None:
    """One state of 50 stops, so that b is 0 nearly everywhere: Z = 1; the tokens of a string as by dense factors."""
    rng = np.random.default_rng(9)
    size, arcs = 1000, 10
    stops = np.arange(size) % 50 == 0
    target = np.concatenate((rng.integers(0, size, (size, arcs)), np.full((size, 1), size)), axis=1)
    weight = np.concatenate((np.full((size, arcs), 0.1), np.zeros((size, 1))), axis=1)
    weight[stops] = [0.05] * arcs + [0.5]
    found = Graph(size, 0, np.repeat(np.arange(size), arcs + 1), target.ravel()).trim(weight.ravel() > 0)
    assert found is not None
    graph, steps = found
    law, letter = weight.ravel()[steps], (graph.target < graph.states)[None].astype(np.float64)
    sparse, dense = (path_moments(graph, law, letter, engine=engine) for engine in ("sparse", "dense"))
    for one in (sparse, dense):
        assert one.error is not None
        assert abs(one.log_total) <= one.error.log_total < 1e-11
    assert sparse.error is not None
    assert dense.error is not None
    assert abs(sparse.mean[0] - dense.mean[0]) <= sparse.error.mean[0] + dense.error.mean[0] < 1e-7
    gap = abs(sparse.covariance[0, 0] - dense.covariance[0, 0])
    assert gap <= sparse.error.covariance[0, 0] + dense.error.covariance[0, 0] < 1e-3
