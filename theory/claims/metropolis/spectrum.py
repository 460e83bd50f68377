"""metropolis.spectrum."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import sympy as sp
from flint import fmpq, fmpq_mat, fmpq_poly

from theory.arithmetic.exact import Array, objects
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile, Proof
from theory.claims.metropolis.models import (
    Chained,
    SymbolicChain,
    chain_cases,
    correction_cases,
    mean_under,
    point_law,
    symbolic_chain_of,
    total_gap,
    two_string_chains,
)
from theory.claims.symbolic import is_zero
from theory.corpora.metropolis import (
    largest_weight,
)
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
    yield Finding("the characteristic polynomial of P", _eigenvalue_gap(kernel, spectrum))
    yield Finding("second eigenvalue - (1 - 1/w*)", spectrum[1] - (1 - 1 / star))
    yield Finding("pi P - pi", total_gap(objects((pi[:, None] * kernel).sum(axis=0)), pi))
    heaviest = int(np.flatnonzero(walk.weight == star)[0])
    for steps in (0, 1, 2, 5):
        power = _power(kernel, steps)
        closed = np.array([walk.law_after(steps, point_law(n, x)) for x in range(n)], dtype=object)
        yield Finding(f"P^{steps} in closed form", total_gap(closed, power))
        distances = [total_variation(row, pi) for row in power]
        yield Finding(
            f"TV after {steps} steps from x1 - (1 - 1/w*)^{steps} (1 - pi(x1))",
            distances[heaviest] - walk.distance_from_heaviest(steps),
        )
        slack = (1 - 1 / star) ** steps - max(distances)
        yield Finding(f"(1 - 1/w*)^{steps} - TV from the worst start", slack, "nonnegative")


def _spectrum_cases(profile: Profile) -> Iterator[Case]:
    yield from chain_cases(profile)
    yield from itertools.islice(correction_cases(profile), 40 if profile.full else 5)


def _smallest_weight_rate(content: Chained) -> Iterator[Finding]:
    spectrum, weight = content.chain.spectrum(), content.chain.weight
    yield Finding("second eigenvalue - (1 - min w)", spectrum[1] - (1 - min(weight)))


def _every_state(content: Chained) -> Iterator[Finding]:
    yield Finding("trace - sum over all states", content.chain.kernel().trace() - content.chain.rejection().sum())


def _heaviest_is_worst(content: Chained) -> Iterator[Finding]:
    walk = content.chain
    for state in range(len(walk)):
        distance = walk.distance_after(1, point_law(len(walk), state))
        yield Finding(
            f"TV after a step: from x1 less from state {state + 1}",
            walk.distance_from_heaviest(1) - distance,
            "nonnegative",
        )


def _spectrum_proof() -> list[str]:
    lines = []
    for n in (2, 3, 4):
        c = symbolic_chain_of(n)
        for k in range(1, n):
            vector = [-c.target[k]] * k + [c.mass[k - 1]] + [0] * (n - k - 1)
            for row, value in zip(c.kernel, vector, strict=True):
                is_zero(mean_under(row, vector) - c.rejection[k] * value, f"P v = lambda v, n = {n}, k = {k + 1}")
        lines.append(f"P v_k = lambda_k v_k for k = 2, ..., n, n = {n}")
        lines.append(is_zero(c.rejection[-1] - 1 + 1 / c.weight[-1], f"lambda_n = 1 - 1/w*, n = {n}"))
    for n in (2, 3):
        c = symbolic_chain_of(n, "f")
        phi = c.free[0]
        raised = [a * b for a, b in zip([1, *c.rejection[1:]], phi, strict=True)]
        now, later, still = (_function_of_kernel(c, values) for values in (phi, raised, [phi[0]] * n))
        for x, y in itertools.product(range(n), repeat=2):
            stepped = mean_under(c.kernel[x], [row[y] for row in now])
            is_zero(stepped - later[x][y], f"one more step, n = {n}")
            is_zero(still[x][y] - (phi[0] if x == y else 0), f"no step, n = {n}")
        lines.append(f"P phi(P) = (lambda phi)(P) and 1(P) = 1, hence the k-step law at every k, n = {n}")
    return lines


def _function_of_kernel(c: SymbolicChain, phi: Sequence[sp.Expr]) -> list[list[sp.Expr]]:
    """phi(P) in closed form; phi[0] is phi(1), phi[k] is phi(lambda_k).

    At the least weight phi(lambda_1) cancels between T and the diagonal: any value does, and 0 is taken.
    """
    n = len(c.target)
    own = [0 * phi[0], *phi[1:]]
    flow = [phi[0] - phi[-1]] * n
    for k in range(n - 2, -1, -1):
        flow[k] = flow[k + 1] + (own[k + 1] - own[k]) / c.mass[k]
    return [[c.target[y] * flow[max(x, y)] + (own[x] if x == y else 0) for y in range(n)] for x in range(n)]


CLAIM = Claim(
    id="metropolis.spectrum",
    sentence="",
    clauses=(
        Clause(
            name="all",
            text="every eigenvalue, every k-step law and the distance from the heaviest state are known in closed form",
            formula=r"\lambda_k=\sum_i q_i(1-w_i/w_k)^+\ (k\text{ not of least weight}),\quad"
            r"\lambda_{\max}=1-1/w^*,\quad \mathrm{TV}(P^k(x_1,\cdot),\pi)=(1-1/w^*)^k(1-\pi(x_1))",
            proof=Proof("n <= 4", _spectrum_proof),
        ),
    ),
    hypotheses=("q and pi have the same finite support", "x_1 is a state of the largest weight"),
    source="Liu (1996), Statistics and Computing 6; Smith and Tierney (1996); Mengersen and Tweedie (1996)",
    check=_spectrum,
    cases=_spectrum_cases,
    controls=(
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
    remark="The eigenvalue 1 stands in for the state of least weight, whose lambda is 0. From any start the distance "
    "is at most (1 - 1/w*)^k, and another start than the heaviest state can be further away.",
    figure="metropolis",
    order=6020,
    sketch=r"""
Number states by rising weight, and let $\Pi_{k-1}$ be the mass of those below $k$. The function that is $\Pi_{k-1}$
at $k$, $-\pi_k$ below and 0 above is kept by the kernel up to the factor $\lambda_k$, the probability that a chain at
$k$ is refused. From the heaviest state a proposal that is accepted is a draw from $\pi$, which gives the distance.
""",
)
