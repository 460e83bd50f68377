"""Independent Metropolis-Hastings on a finite law: kernel, spectrum, k-step law, acceptance, corpora. All exact.

From state x propose x' from q, whatever x is, and accept with probability min(1, w(x') / w(x)), w = pi / q. The
kernel is P(x, x') = q(x') min(1, w(x') / w(x)) off the diagonal. Sort the states by weight, w_1 <= ... <= w_n, and
write Pi_k = pi_1 + ... + pi_k. Then P is reversible for pi, and with

    lambda_k = sum_i q_i (1 - w_i / w_k)^+,    v_k = Pi_{k-1} at k, -pi_k below k, 0 above k,

P v_k = lambda_k v_k for k = 2, ..., n: these and the eigenvalue 1 of the constant are the whole spectrum. lambda_k is
the probability that a chain at k is refused, lambda_n = 1 - 1 / w* is the largest. For every function phi

    phi(P)(x, y) = pi(y) T(max(w_x, w_y)) + phi(lambda_y) 1{x = y},
    T(w_k) = phi(1) - phi(lambda_n) + sum_{k <= i < n} (phi(lambda_{i+1}) - phi(lambda_i)) / Pi_i,

so that the k-step law costs a sort, and so do the lagged covariances of a stationary chain.

Arithmetic: float64 or rationals, without a tolerance in between; the two plain functions take balls too.
Sources: Hastings (1970); Liu (1996), Statistics and Computing 6, for the spectrum; Smith and Tierney (1996) for the
k-step law.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb, fmpq, fmpq_mat

from theory.arithmetic.exact import Array, is_exact, objects, widen
from theory.language_models.tree import Index
from theory.probability.information import total_variation
from theory.probability.law import check_sums_to_one


def largest_weight(weight: Array) -> Any:
    """w* = max w; the worst-case mixing rate is 1 - 1/w*."""
    if not is_exact(weight) or _rational(weight):
        return max(weight) if is_exact(weight) else weight.max()
    best = weight[0]
    for w in weight[1:]:
        best = arb.max(best, w)
    return best


def stationary_acceptance(proposal: Array, weight: Array) -> Any:
    """E_{q x q} min(w, w') = 1 - Gini(w): how often a chain at its target accepts.

    With w sorted upwards this is sum_i q_i w_i (q_i + 2 sum_{j > i} q_j). It lies between max(1/w*, (1 - TV)^2) and
    1 - TV, TV the distance of proposal and target. A proposal of the present state counts as accepted.
    Cost: O(n log n).

    Args:
        proposal: q, shape (n,), > 0.
        weight: w = pi / q, shape (n,), >= 0, mean 1 under q.
    """
    exact = not is_exact(weight) or _rational(weight)
    middle = weight if exact else np.array([float(w) for w in weight])
    order = np.argsort(middle, kind="stable")
    q, w = proposal[order], weight[order]
    above = q.sum() - np.add.accumulate(q)
    total = (q * w * (q + 2 * above)).sum()
    if exact:
        return total
    # float64 midpoints may misplace near-equal weights: the misplaced pairs cost at most their certain gap
    steps = [arb.max(arb(0), low - high).abs_upper() for low, high in itertools.pairwise(w)]
    return widen(total, sum(steps, start=arb(0)))


@dataclass(frozen=True, slots=True, eq=False)
class IndependentChain:
    """Independent Metropolis-Hastings with proposal q and target pi = q w.

    Args:
        proposal: q, shape (n,), each > 0, summing to 1; float64 or rationals.
        weight: w = pi / q, shape (n,), each > 0, with mean 1 under q.

    Raises:
        ValueError: a probability or weight that is not > 0 (names the first such state), sums other than 1, or balls.
    """

    proposal: Array
    weight: Array

    def __post_init__(self) -> None:
        if len(self.proposal) != len(self.weight) or not len(self.proposal):
            raise ValueError(f"{len(self.proposal)} proposal probabilities but {len(self.weight)} weights")
        _check_positive("proposal probability", self.proposal)
        _check_positive("weight", self.weight)
        check_sums_to_one(self.proposal)
        try:
            check_sums_to_one(self.target)
        except ValueError:
            mean = self.target.sum()
            raise ValueError(f"the weight must have mean 1, got {mean}; correcting() takes any multiple") from None

    @staticmethod
    def towards(proposal: Array, target: Array) -> IndependentChain:
        """The chain with proposal q and target pi, both > 0 on the same states, shapes (n,)."""
        _check_positive("proposal probability", proposal)
        return IndependentChain(proposal, target / proposal)

    @staticmethod
    def correcting(proposal: Array, multiple: Array) -> IndependentChain:
        """The chain that accepts with min(1, m(x') / m(x)): its target is proportional to q m.

        From a locally normalised law q_loc to the globally normalised q_glob, m = prod_t c_t, the product of the
        sums of the weights along the string: q_glob = q_loc prod_t c_t / C.

        Args:
            proposal: q, shape (n,).
            multiple: m, any positive multiple of pi / q, shape (n,).
        """
        return IndependentChain(proposal, multiple / (proposal * multiple).sum())

    def __len__(self) -> int:
        return len(self.proposal)

    @property
    def target(self) -> Array:
        """pi = q w."""
        return self.proposal * self.weight

    def kernel(self) -> Array:
        """P(x, x'), shape (n, n), rows sum to 1. Cost: O(n^2)."""
        return transition_matrix(self.proposal, acceptance_probability(self.weight))

    def rejection(self) -> Array:
        """lambda(x) = sum_i q_i (1 - w_i / w_x)^+, the probability that a proposal at x is refused. Shape (n,).

        Sorted upwards, w_k lambda_k = w_{k-1} lambda_{k-1} + (w_k - w_{k-1}) (q_1 + ... + q_{k-1}): no cancellation.
        Cost: O(n log n).
        """
        order, sorted_values = self._ascending()
        values = np.empty_like(sorted_values)
        values[order] = sorted_values
        return values

    def spectrum(self) -> Array:
        """The n eigenvalues of P, descending: 1, then lambda of every state but the one of least weight.

        The second is 1 - 1/w*. Source: Liu (1996). Cost: O(n log n).

        >>> IndependentChain.towards(objects([fmpq(1, 2)] * 2), objects([fmpq(2, 3), fmpq(1, 3)])).spectrum()
        array([1, 1/4], dtype=object)
        """
        _, rejection = self._ascending()
        result = rejection[::-1].copy()
        result[1:] = result[:-1].copy()
        result[0] = _one(result)
        return result

    def acceptance(self) -> Any:
        """``stationary_acceptance`` of this chain."""
        return stationary_acceptance(self.proposal, self.weight)

    def law_after(self, steps: int, start: Array) -> Array:
        """The exact law after ``steps`` steps: shape (n,). Cost: O(n log n) at any number of steps.

        Source: Smith and Tierney (1996): P^k(x, .) = T_k(max(w_x, w)) pi + lambda(x)^k delta_x.

        Args:
            steps: k >= 0.
            start: the law of the first state, shape (n,), in the arithmetic of the chain.

        Raises:
            ValueError: fewer than 0 steps.
        """
        if steps < 0:
            raise ValueError(f"a chain makes 0 steps or more, got {steps}")
        order, rejection = self._ascending()
        pi, mu = self.target[order], start[order]
        refused = rejection**steps
        rises = (refused[1:] - refused[:-1]) / np.add.accumulate(pi)[:-1]
        flow = np.add.accumulate(np.concatenate(([_one(refused) - refused[-1]], rises[::-1])))[::-1]
        # states above x pass their own T on to x, states at x or below the T of x
        above = np.add.accumulate(np.concatenate(([0 * flow[0]], (mu * flow)[:0:-1])))[::-1]
        law = np.empty_like(pi)
        law[order] = pi * (flow * np.add.accumulate(mu) + above) + mu * refused
        return law

    def distance_after(self, steps: int, start: Array) -> Any:
        """TV(law after ``steps`` steps, target), at most (1 - 1/w*)^steps from any start."""
        return total_variation(self.law_after(steps, start), self.target)

    def distance_from_heaviest(self, steps: int) -> Any:
        """TV after ``steps`` steps from x1, the state of the largest weight: (1 - 1/w*)^steps (1 - pi(x1)).

        Of several such states, from the one that comes first.
        """
        star = largest_weight(self.weight)
        first = int(np.flatnonzero(self.weight == star)[0])
        return (1 - 1 / star) ** steps * (1 - self.target[first])

    def modes(self, first: Array, second: Array) -> Array:
        """m with Cov(f(Y_0), g(Y_t)) = sum_x m_x lambda(x)^t for a stationary chain and every t >= 0.

        Sorted upwards, m_k = (pi_k Pi_{k-1} / Pi_k) (f_k - f_{<k}) (g_k - g_{<k}), f_{<k} the mean of f below k
        under pi; 0 at the least weight. For f = g no m_k is negative. Cost: O(n log n).

        Args:
            first: f, shape (n,); floats, rationals or balls.
            second: g, likewise.
        """
        order, _ = self._ascending()
        pi = self.target[order]
        mass = np.add.accumulate(pi)
        gaps = []
        for values in (first[order], second[order]):
            gaps.append(values[1:] - np.add.accumulate(pi * values)[:-1] / mass[:-1])
        found = pi[1:] * mass[:-1] / mass[1:] * gaps[0] * gaps[1]
        result = np.empty(len(pi), dtype=found.dtype)
        result[order[0]] = 0 * pi[0]
        result[order[1:]] = found
        return result

    def corpus_covariance(self, first: Array, second: Array, size: int) -> Any:
        """Cov(fbar, gbar) of the means over N successive states of a stationary chain. Cost: O(n log n).

        Args:
            first: f, shape (n,).
            second: g, shape (n,).
            size: N >= 1; N = 1 gives Cov_pi(f, g).
        """
        return (self.modes(first, second) * summation_factor(self.rejection(), size)).sum() / size**2

    def asymptotic_covariance(self, first: Array, second: Array) -> Any:
        """lim N Cov(fbar, gbar) = sum_x m_x (1 + lambda(x)) / (1 - lambda(x))."""
        rejection = self.rejection()
        return (self.modes(first, second) * ((1 + rejection) / (1 - rejection))).sum()

    def _ascending(self) -> tuple[Index, Array]:
        """The order of rising weight, and lambda in that order."""
        order = np.argsort(self.weight, kind="stable")
        q, w = self.proposal[order], self.weight[order]
        rises = (w[1:] - w[:-1]) * np.add.accumulate(q)[:-1]
        return order, np.concatenate(([0 * w[0]], np.add.accumulate(rises) / w[1:]))


def acceptance_probability(weight: Array) -> Array:
    """a(x, x') = min(1, w(x') / w(x)), shape (n, n), from any positive multiple of w."""
    ratio = weight[None, :] / weight[:, None]
    result: Array = np.where(np.asarray(ratio < 1, dtype=bool), ratio, _one(ratio))
    return result


def transition_matrix(proposal: Array, acceptance: Array) -> Array:
    """P(x, x') = q(x') a(x, x') off the diagonal, the rest stays: shape (n, n). Cost: O(n^2).

    With a = 1 everywhere every row is q: a chain that accepts everything samples from its proposal.

    Args:
        proposal: q, shape (n,).
        acceptance: a, shape (n, n), in [0, 1].
    """
    result: Array = proposal[None, :] * acceptance
    diagonal = np.diag_indices(len(proposal))
    result[diagonal] = 0 * proposal
    result[diagonal] = 1 - result.sum(axis=1)
    return result


def stationary_law(kernel: Array) -> Array:
    """The law pi with pi P = pi, for a kernel with one recurrent class; float64 or rationals, shape (n,).

    Solved as a linear system, one equation replaced by the sum. Cost: O(n^3).

    Raises:
        ZeroDivisionError, numpy.linalg.LinAlgError: there is more than one.
    """
    n = len(kernel)
    one = _one(kernel)
    system = kernel.T.copy()
    system[np.diag_indices(n)] = system[np.diag_indices(n)] - one
    system[-1] = one
    right = objects([fmpq(0)] * (n - 1) + [fmpq(1)]) if is_exact(kernel) else np.eye(n)[-1]
    if is_exact(kernel):
        solved = fmpq_mat(system.tolist()).solve(fmpq_mat([[v] for v in right]))
        return objects(solved.entries())
    solved_floats: Array = np.linalg.solve(system, right)
    return solved_floats


def summation_factor(eigenvalue: Array, size: int) -> Array:
    """sum_{i, j < N} lambda^|i - j| = N (1 + lambda) / (1 - lambda) - 2 lambda (1 - lambda^N) / (1 - lambda)^2.

    By doubling, S(M + K) = S(M) + S(K) + 2 lambda A(M) A(K) with A(M) = 1 + ... + lambda^(M-1): only sums of
    non-negative terms, so that floats keep their digits at lambda near 1. Cost: O(log N).

    Args:
        eigenvalue: lambda in [0, 1], any shape.
        size: N >= 1.

    Raises:
        ValueError: N < 1.

    >>> summation_factor(objects([fmpq(0), fmpq(1, 2), fmpq(1)]), 3)
    array([3, 11/2, 9], dtype=object)
    """
    if size < 1:
        raise ValueError(f"a corpus has at least one string, got {size}")
    one = 0 * eigenvalue + 1
    power, geometric, total = eigenvalue, one, one
    for digit in bin(size)[3:]:
        total = 2 * total + 2 * eigenvalue * geometric * geometric
        geometric = geometric * (1 + power)
        power = power * power
        if digit == "1":
            total = total + 1 + 2 * eigenvalue * geometric
            geometric = geometric + power
            power = power * eigenvalue
    return total


def corpus_variance_bound(variance: Any, largest: Any, size: int) -> Any:
    """Var(fbar) <= (2 w* - 1) V / N for the mean of f over N states of a stationary chain, V = Var_pi(f).

    (1 + lambda) / (1 - lambda) = 2 w* - 1 at lambda = 1 - 1/w*; as N grows it is attained by the indicator of the
    heaviest state.
    """
    return (2 * largest - 1) * variance / size


def _check_positive(name: str, values: Array) -> None:
    if is_exact(values) and not _rational(values):
        raise ValueError(f"a {name} must be a float64 or a rational, not a ball: states are sorted by weight")
    refused = np.flatnonzero(~np.asarray(values > 0, dtype=bool))
    if len(refused):
        state = int(refused[0])
        raise ValueError(f"the {name} of state {state} must be > 0, got {values[state]}; leave the state out")


def _rational(values: Array) -> bool:
    return all(isinstance(value, fmpq) for value in values.flat)


def _one(values: Array) -> Any:
    """The 1 of the array's arithmetic."""
    return fmpq(1) if is_exact(values) else 1.0
