"""metropolis.spectrum: eigenvalues, k-step laws and distances of an independent Metropolis-Hastings chain."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator

import numpy as np
from flint import fmpq, fmpq_mat, fmpq_poly

from theory.arithmetic.exact import Array, objects
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile
from theory.claims.metropolis.models import (
    Chained,
    chain_cases,
    chained_case,
    correction_cases,
    point_law,
    total_gap,
    two_string_chains,
)
from theory.corpora.metropolis import (
    IndependentChain,
    largest_weight,
)
from theory.examples.finite import table
from theory.models.finite import FiniteModel
from theory.probability.information import total_variation


def _power(kernel: Array, steps: int) -> Array:
    """P^k by matrix multiplication."""
    n = len(kernel)
    result = fmpq_mat(kernel.tolist()) ** steps
    return objects(result.entries()).reshape(n, n)


def _eigenvalue_gap(kernel: Array, eigenvalues: Array) -> fmpq:
    """sum |coefficients of det(x - P) - prod (x - lambda)|."""
    product = _times_polynomial(eigenvalues)
    exact = fmpq_mat(kernel.tolist()).charpoly()
    size = len(kernel) + 1
    return sum((abs(exact[k] - product[k]) for k in range(size)), start=fmpq(0))


def _times_polynomial(roots: Array) -> fmpq_poly:
    return functools.reduce(lambda one, two: one * two, (fmpq_poly([-r, fmpq(1)]) for r in roots))


def _spectrum(content: Chained) -> Iterator[Finding]:
    walk = content.chain
    n, kernel, pi = len(walk), walk.kernel(), walk.target
    star = largest_weight(walk.weight)
    spectrum = walk.spectrum()
    yield Finding("the characteristic polynomial of P", _eigenvalue_gap(kernel, spectrum), clause="eigenvalues")
    yield Finding("and of 1 and lambda, state by state", _eigenvalue_gap(kernel, _listed(walk)), clause="eigenvalues")
    yield Finding("second eigenvalue - (1 - 1/w*)", spectrum[1] - (1 - 1 / star), clause="second")
    kept = total_gap(objects((pi[:, None] * kernel).sum(axis=0)), pi)
    yield Finding("pi P - pi", kept, clause="eigenvalues")
    heaviest = int(np.flatnonzero(walk.weight == star)[0])
    for steps in (0, 1, 2, 5):
        power = _power(kernel, steps)
        closed = np.array([walk.law_after(steps, point_law(n, x)) for x in range(n)], dtype=object)
        yield Finding(f"P^{steps} in closed form", total_gap(closed, power), clause="steps")
        distances = [total_variation(row, pi) for row in power]
        gap = distances[heaviest] - (1 - 1 / star) ** steps * (1 - pi[heaviest])
        yield Finding(f"TV after {steps} steps from x1 - (1 - 1/w*)^{steps} (1 - pi(x1))", gap, clause="heaviest")
        own = distances[heaviest] - walk.distance_from_heaviest(steps)
        yield Finding(f"TV after {steps} steps from x1, in closed form", own, clause="heaviest")
        slack = (1 - 1 / star) ** steps - max(distances)
        yield Finding(f"(1 - 1/w*)^{steps} - TV from the worst start", slack, "nonnegative", clause="any-start")


def _listed(walk: IndependentChain) -> Array:
    """1, and sum_i q_i (1 - w_i/w_k)^+ of every state k but the first of least weight."""
    q, w = walk.proposal, walk.weight
    least = int(np.flatnonzero(w == min(w))[0])
    refused = [sum((a * (1 - b / c) for a, b in zip(q, w, strict=True) if b < c), start=fmpq(0)) for c in w]
    return objects([fmpq(1), *refused[:least], *refused[least + 1 :]])


def _spectrum_cases(profile: Profile) -> Iterator[Case]:
    yield tied()
    yield from chain_cases(profile)
    yield from itertools.islice(correction_cases(profile), 40 if profile.full else 5)


def tied() -> Case:
    """Two states of least weight: q = (2, 1, 1)/4 and w = (2/3, 2/3, 2), eigenvalues 1, 1/2 and 0."""
    return chained_case("least weight twice", FiniteModel.of(table((2, 1, 1), (1, 1, 3))), (2, 1, 1))


def _smallest_weight_rate(content: Chained) -> Iterator[Finding]:
    spectrum, weight = content.chain.spectrum(), content.chain.weight
    yield Finding("second eigenvalue - (1 - min w)", spectrum[1] - (1 - min(weight)))


def _every_state(content: Chained) -> Iterator[Finding]:
    yield Finding("trace - sum over all states", content.chain.kernel().trace() - content.chain.rejection().sum())


def _without_ties(content: Chained) -> Iterator[Finding]:
    weight = content.chain.weight
    listed = 1 + sum(w > min(weight) for w in weight)
    yield Finding("number of states - number of eigenvalues", fmpq(len(weight) - listed))


def _heaviest_is_worst(content: Chained) -> Iterator[Finding]:
    walk = content.chain
    for state in range(len(walk)):
        distance = walk.distance_after(1, point_law(len(walk), state))
        yield Finding(
            f"TV after a step: from x1 less from state {state + 1}",
            walk.distance_from_heaviest(1) - distance,
            "nonnegative",
        )


CLAIM = Claim(
    id="metropolis.spectrum",
    sentence="",
    clauses=(
        Clause(
            name="eigenvalues",
            text="the eigenvalues of independent Metropolis-Hastings are 1 and lambda_k = sum_i q_i (1 - w_i/w_k)^+ of every state k but one of least "
            "weight, "
            "w = pi/q",
            formula=r"\lambda_k=\sum_i q_i(1-w_i/w_k)^+",
            formal=(
                "metropolis_spectrum_eigenvalues",
                "metropolis_spectrum_complete",
            ),
        ),
        Clause(
            name="second",
            text="the second largest eigenvalue is 1 - 1/w*, w* the largest weight",
            formula=r"\lambda_{\max}=1-1/w^*",
            formal=("metropolis_spectrum_second",),
        ),
        Clause(
            name="steps",
            text="the law after k steps is P^k(x, y) = pi(y) T_k(max(w_x, w_y)) + lambda_x^k 1{x = y}, with T_k a sum "
            "over "
            "the states of larger weight",
            formula=r"T_k(w_j)=1-\lambda_n^k+\sum_{j\le "
            r"i<n}(\lambda_{i+1}^k-\lambda_i^k)/\Pi_i,\quad\Pi_i=\pi_1+\dots+\pi_i",
        ),
        Clause(
            name="heaviest",
            text="from a state x1 of the largest weight the distance in total variation after k steps is "
            "(1 - 1/w*)^k (1 - pi(x1))",
            formula=r"\mathrm{TV}(P^k(x_1,\cdot),\pi)=(1-1/w^*)^k(1-\pi(x_1))",
            formal=("metropolis_spectrum_heaviest",),
        ),
        Clause(
            name="any-start",
            text="from any start the distance in total variation after k steps is at most (1 - 1/w*)^k",
            formula=r"\mathrm{TV}(P^k(x,\cdot),\pi)\le(1-1/w^*)^k",
            formal=("metropolis_spectrum_every_start",),
        ),
    ),
    hypotheses=("q and pi have the same finite support, of two states or more",),
    source="Liu (1996), Statistics and Computing 6; Smith and Tierney (1996); Mengersen and Tweedie (1996)",
    check=_spectrum,
    cases=_spectrum_cases,
    controls=(
        Control(
            "without-ties",
            "leaves out all states of least weight, not one of them",
            _without_ties,
            two_string_chains,
            smallest=True,
        ),
        Control(
            "reciprocal-weights",
            "takes q/pi for the weight: second eigenvalue 1 - 1/max(q/pi) = 1 - min w",
            _smallest_weight_rate,
            two_string_chains,
            smallest=True,
        ),
        Control(
            "every-state",
            "takes lambda of all n states, the one of least weight included, for the spectrum",
            _every_state,
            two_string_chains,
            smallest=True,
        ),
        Control(
            "heaviest-is-worst",
            "takes the distance from the heaviest state for the largest over all starts",
            _heaviest_is_worst,
            two_string_chains,
            smallest=True,
        ),
    ),
    remark="lambda is 0 at a state of least weight. One such state is left out, and every further one adds an "
    "eigenvalue "
    "0: q = (2, 1, 1)/4 with w = (2/3, 2/3, 2) has the eigenvalues 1, 1/2 and 0. After k steps from another start "
    "than a heaviest state the chain can be further from its target.",
    figure="metropolis",
    order=6020,
    sketch=r"""
Number states by rising weight, and let $\Pi_{k-1}$ be the mass of those below $k$. The function that is $\Pi_{k-1}$
at $k$, $-\pi_k$ below and 0 above is kept by the kernel up to the factor $\lambda_k$, the probability that a chain at
$k$ is refused. From a heaviest state a proposal that is accepted is a draw from $\pi$, which gives the distance. From
any state $P(x,\cdot)\ge\pi/w^*$, which gives the bound.
""",
)
