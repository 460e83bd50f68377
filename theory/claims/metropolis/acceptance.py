"""metropolis.acceptance: a chain in equilibrium accepts with probability 1 less the Gini coefficient of its weights."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from flint import fmpq

from theory.arithmetic.exact import Array, objects
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile
from theory.claims.instances import compositions
from theory.claims.metropolis.models import (
    Chained,
    acceptance_cases,
    three_string_chains,
    two_string_chains,
)
from theory.corpora.metropolis import (
    largest_weight,
    stationary_acceptance,
)
from theory.probability.information import total_variation


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """A proposal q and a target pi, rationals, shapes (n,); a state may have pi = 0, and in one control q = 0."""

    proposal: Array
    target: Array

    def accepted(self) -> fmpq:
        """The probability that a chain at its target accepts: sum pi(x) q(y) min(1, pi(y) q(x) / (pi(x) q(y)))."""
        states = range(len(self.target))
        flows = (
            min(self.target[x] * self.proposal[y], self.target[y] * self.proposal[x])
            for x, y in itertools.product(states, repeat=2)
        )
        return sum(flows, start=fmpq(0))


def pair(proposal: Sequence[int], target: Sequence[int]) -> Case:
    """The case of two laws with these weights."""
    laws = [objects(fmpq(w, sum(weights)) for w in weights) for weights in (proposal, target)]
    return Case(f"proposal = {tuple(proposal)}, target = {tuple(target)}", Pair(*laws))


def _acceptance(content: Chained | Pair) -> Iterator[Finding]:
    if isinstance(content, Pair):
        one = content
    else:
        walk = content.chain
        one = Pair(walk.proposal, walk.target)
        moved = 1 - (walk.target * (walk.kernel().diagonal() - walk.proposal)).sum()
        yield Finding("acceptance - (1 - E_pi[P(x, x) - q(x)])", walk.acceptance() - moved, clause="rate")
    q, pi, w = one.proposal, one.target, one.target / one.proposal
    rate, n = stationary_acceptance(q, w), len(q)
    yield Finding("acceptance - sum pi(x) q(y) min(1, w(y)/w(x))", rate - one.accepted(), clause="rate")
    smaller = sum((q[x] * q[y] * min(w[x], w[y]) for x, y in itertools.product(range(n), repeat=2)), fmpq(0))
    yield Finding("acceptance - E min(w, w')", rate - smaller, clause="rate")
    yield Finding("acceptance - (1 - Gini(w))", rate - (1 - _gini(one)), clause="rate")
    overlap = 1 - total_variation(pi, q)
    yield Finding("acceptance - 1/w*", rate - 1 / largest_weight(w), "nonnegative", clause="lower")
    yield Finding("acceptance - (1 - TV)^2", rate - overlap * overlap, "nonnegative", clause="lower")
    yield Finding("(1 - TV) - acceptance", overlap - rate, "nonnegative", clause="upper")


def _cases(profile: Profile) -> Iterator[Case]:
    """The chains, corrections on trees, and targets that leave a state out."""
    yield from acceptance_cases(profile)
    for proposal, target in (((1, 1), (1, 0)), ((2, 1, 1), (1, 1, 0)), ((1, 2, 3, 4), (0, 3, 0, 1))):
        yield pair(proposal, target)


def _gini(content: Pair, share: fmpq = fmpq(1, 2)) -> fmpq:
    """E|w - w'| / (2 E w) under q x q; E w is the sum of pi over the states at hand, 1 for all of them."""
    q, w = content.proposal, content.target / content.proposal
    differences = abs(w[:, None] - w[None, :])
    total: fmpq = (q[:, None] * q[None, :] * differences).sum()
    return total * share / content.target.sum()


def _without_domination(content: Pair) -> Iterator[Finding]:
    """w and its Gini coefficient under q are those of the states that q proposes."""
    seen = np.flatnonzero([q > 0 for q in content.proposal])
    rest = Pair(content.proposal[seen], content.target[seen])
    yield Finding("acceptance - (1 - Gini(w))", content.accepted() - (1 - _gini(rest)))


def _undominated(_: Profile) -> Iterator[Case]:
    """Two and three states, one of which is never proposed, by the sum of the weights."""
    for states in (2, 3):
        for total in range(2 * states - 1, 10):
            for first in range(states - 1, total - states + 1):
                for q, pi in itertools.product(compositions(states - 1, first), compositions(states, total - first)):
                    yield pair((*q, 0), pi)


def _whole_overlap(content: Chained) -> Iterator[Finding]:
    walk = content.chain
    overlap = 1 - total_variation(walk.target, walk.proposal)
    yield Finding("acceptance - (1 - TV)", walk.acceptance() - overlap, "nonnegative")


def _doubled_gini(content: Chained) -> Iterator[Finding]:
    walk = content.chain
    doubled = _gini(Pair(walk.proposal, walk.target), fmpq(1))
    yield Finding("acceptance - (1 - E|w - w'|)", walk.acceptance() - 1 + doubled)


CLAIM = Claim(
    id="metropolis.acceptance",
    sentence="",
    clauses=(
        Clause(
            name="rate",
            text="for a target pi << q a chain in equilibrium accepts with probability E min(w, w') = 1 - Gini(w), w "
            "= pi/q "
            "and w' independent under q",
            formula=r"\mathbb{E}_\pi\mathbb{E}_q\min(1,w'/w)=\mathbb{E}_{q\times q}\min(w,w')=1-\mathrm{Gini}(w)",
            formal=(
                "metropolis_acceptance_identity",
                "metropolis_acceptance_absolutely_continuous",
            ),
        ),
        Clause(
            name="lower",
            text="for pi << q it accepts with probability at least 1/w* and at least (1 - TV)^2, w* the largest "
            "weight, TV "
            "the total variation between pi and q",
            formula=r"\ge\max(1/w^*,(1-\mathrm{TV})^2)",
            formal=(
                "metropolis_acceptance_star",
                "metropolis_acceptance_square",
                "metropolis_acceptance_absolutely_continuous",
            ),
        ),
        Clause(
            name="upper",
            text="for pi << q it accepts with probability at most 1 - TV",
            formula=r"\le1-\mathrm{TV}",
            formal=(
                "metropolis_acceptance_upper",
                "metropolis_acceptance_absolutely_continuous",
            ),
        ),
    ),
    hypotheses=(
        "finitely many states, and pi << q: every state of the target is proposed",
        "the chain is at its target",
        "a proposal of the present state counts as accepted",
    ),
    source="immediate from the kernel; upper bound: Jensen, E[min(w, w') | w] <= min(w, 1); lower "
    "bounds: min(w, w') >= w w'/w* and min(w, w') >= min(w, 1) min(w', 1)",
    check=_acceptance,
    cases=_cases,
    controls=(
        Control(
            "without-domination",
            "drops pi << q: some state of the target is never proposed",
            _without_domination,
            _undominated,
            smallest=True,
        ),
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
    remark="Without pi << q the rate is smaller: q = (1, 0), pi = (1, 1)/2 accepts with probability 1/2, where w is "
    "constant under q and 1 - Gini(w) = 1.",
    figure="metropolis",
    order=6030,
    sketch=r"""
At stationarity the chain accepts with $\sum\pi(x)q(y)\min(1,w_y/w_x)=\sum q(x)q(y)\min(w_x,w_y)$, and
$\min(w,w')=\frac12(w+w'-|w-w'|)$ with mean $1-\mathrm{Gini}$, since $\mathbb E_qw=1$ for $\pi\ll q$. The lower bounds
hold pointwise; the upper one is Jensen's inequality, given $w$.
""",
)
