"""metropolis.acceptance: a stationary chain accepts with probability one less the Gini coefficient of its weights."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from flint import fmpq

from theory.claims.claim import Claim, Clause, Control, Finding, Proof
from theory.claims.metropolis.models import (
    Chained,
    acceptance_cases,
    symbolic_chain_of,
    three_string_chains,
    two_string_chains,
)
from theory.claims.symbolic import is_zero
from theory.corpora.metropolis import (
    IndependentChain,
    acceptance_probability,
    largest_weight,
)
from theory.probability.information import total_variation


def _acceptance(content: Chained) -> Iterator[Finding]:
    walk = content.chain
    q, w, pi = walk.proposal, walk.weight, walk.target
    rate = walk.acceptance()
    pairs = list(itertools.product(range(len(walk)), repeat=2))
    accepted = (pi[:, None] * q[None, :] * acceptance_probability(w)).sum()
    yield Finding("acceptance - sum pi(x) q(y) min(1, w(y)/w(x))", rate - accepted)
    yield Finding("acceptance - E min(w, w')", rate - sum((q[x] * q[y] * min(w[x], w[y]) for x, y in pairs), fmpq(0)))
    yield Finding("acceptance - (1 - Gini(w))", rate - (1 - _gini(walk)))
    moved = 1 - (pi * (walk.kernel().diagonal() - q)).sum()
    yield Finding("acceptance - (1 - E_pi[P(x, x) - q(x)])", rate - moved)
    overlap = 1 - total_variation(pi, q)
    yield Finding("acceptance - 1/w*", rate - 1 / largest_weight(w), "nonnegative")
    yield Finding("acceptance - (1 - TV)^2", rate - overlap * overlap, "nonnegative")
    yield Finding("(1 - TV) - acceptance", overlap - rate, "nonnegative")


def _gini(walk: IndependentChain, share: fmpq = fmpq(1, 2)) -> fmpq:
    """E|w - w'| / (2 E w) under q x q, E w = 1."""
    q, w = walk.proposal, walk.weight
    differences = abs(w[:, None] - w[None, :])
    total: fmpq = (q[:, None] * q[None, :] * differences).sum()
    return total * share


def _whole_overlap(content: Chained) -> Iterator[Finding]:
    walk = content.chain
    overlap = 1 - total_variation(walk.target, walk.proposal)
    yield Finding("acceptance - (1 - TV)", walk.acceptance() - overlap, "nonnegative")


def _doubled_gini(content: Chained) -> Iterator[Finding]:
    yield Finding("acceptance - (1 - E|w - w'|)", content.chain.acceptance() - 1 + _gini(content.chain, fmpq(1)))


def _acceptance_proof() -> list[str]:
    lines = []
    for n in (2, 3, 4):
        c = symbolic_chain_of(n)
        q, w = c.proposal, c.weight
        pairs = list(itertools.product(range(n), repeat=2))
        rate = sum(q[x] * q[y] * w[min(x, y)] for x, y in pairs)
        accepted = sum(c.target[x] * q[y] * (w[y] / w[x] if y < x else 1) for x, y in pairs)
        spread = sum(q[x] * q[y] * (w[max(x, y)] - w[min(x, y)]) for x, y in pairs)
        summed = sum(c.target[i] * (q[i] + 2 * sum(q[i + 1 :])) for i in range(n))
        lines.append(is_zero(accepted - rate, f"E_pi E_q min(1, w'/w) = E min(w, w'), n = {n}"))
        lines.append(is_zero(rate - 1 + spread / 2, f"E min(w, w') = 1 - Gini(w), n = {n}"))
        lines.append(is_zero(rate - summed, f"E min(w, w') = sum_i pi_i (q_i + 2 sum_(j > i) q_j), n = {n}"))
        if n == 2:
            # of two states the first has the smaller weight, hence pi_1 <= q_1
            lines.append(is_zero(rate - 1 + q[0] - c.target[0], "acceptance = 1 - TV on two states"))
    return lines


CLAIM = Claim(
    id="metropolis.acceptance",
    sentence="",
    clauses=(
        Clause(
            name="all",
            text="a stationary chain accepts with probability one less the Gini coefficient of its weights",
            formula=r"\mathbb{E}_\pi\mathbb{E}_q\min(1,w'/w)=\mathbb{E}_{q\times q}\min(w,w')=1-\mathrm{Gini}(w)"
            r"\in[\max(1/w^*,(1-\mathrm{TV})^2),\,1-\mathrm{TV}]",
            proof=Proof("n <= 4", _acceptance_proof),
        ),
    ),
    hypotheses=("the chain is at its target", "a proposal of the present state counts as accepted"),
    source="immediate from the kernel; upper bound: Jensen, E[min(w, w') | w] <= min(w, 1); lower "
    "bounds: min(w, w') >= w w'/w* and min(w, w') >= min(w, 1) min(w', 1)",
    check=_acceptance,
    cases=acceptance_cases,
    controls=(
        Control(
            "all-of-the-overlap",
            "takes the upper bound 1 - TV for a lower one: the square is lost",
            _whole_overlap,
            three_string_chains,
            smallest=True,
        ),
        Control(
            "no-half", "leaves out the 1/2 of the Gini coefficient", _doubled_gini, two_string_chains, smallest=True
        ),
    ),
    figure="metropolis",
    order=6030,
    sketch=r"""
At stationarity the chain accepts with $\sum\pi(x)q(y)\min(1,w_y/w_x)=\sum q(x)q(y)\min(w_x,w_y)$, and
$\min(w,w')=\frac12(w+w'-|w-w'|)$ with mean $1-\mathrm{Gini}$. The lower bounds are pointwise; the upper one is Jensen's, given $w$.
""",
)
