"""metropolis.accept-all: a chain that accepts every proposal samples from its proposal, whatever its target."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from flint import fmpq

from theory.arithmetic.exact import objects
from theory.claims.claim import Claim, Clause, Control, Finding
from theory.claims.metropolis.models import (
    AdaptedModel,
    Chained,
    acceptance_cases,
    correction,
    is_constant,
    total_gap,
    tree_cases,
    two_string_chains,
)
from theory.corpora.metropolis import (
    stationary_law,
    transition_matrix,
)
from theory.probability.information import total_variation


def _accept_all(content: Chained) -> Iterator[Finding]:
    walk = content.chain
    q, n = walk.proposal, len(walk)
    kernel = transition_matrix(q, objects([fmpq(1)] * n * n).reshape(n, n))
    yield Finding("every row of the kernel is q", total_gap(kernel, np.tile(q, (n, 1))), clause="draws")
    f = objects(fmpq(k * k + 1) for k in range(n))
    after = kernel.dot(f)
    cov = (q * f * after).sum() - (q * f).sum() * (q * after).sum()
    yield Finding("Cov(f(Y_0), f(Y_1))", cov, clause="draws")
    stationary = stationary_law(kernel)
    yield Finding("the stationary law is q", total_gap(stationary, q), clause="target")
    same = is_constant(walk.weight)
    apart = total_variation(stationary, walk.target)
    yield Finding("TV(stationary law, target)", apart, "zero" if same else "positive", clause="target")


def _stays_at_target(content: Chained) -> Iterator[Finding]:
    q, n = content.chain.proposal, len(content.chain)
    kernel = transition_matrix(q, objects([fmpq(1)] * n * n).reshape(n, n))
    yield Finding("sum |stationary law - target|", total_gap(stationary_law(kernel), content.chain.target))


def _local_is_global(content: AdaptedModel) -> Iterator[Finding]:
    correct = correction(content)
    if correct is not None:
        yield from _stays_at_target(correct)


CLAIM = Claim(
    id="metropolis.accept-all",
    sentence="C",
    clauses=(
        Clause(
            name="draws",
            text="a chain that accepts every proposal moves to an independent draw from its proposal at every step, "
            "whatever "
            "its state and its target",
            formula=r"a\equiv1\Rightarrow P(x,\cdot)=q\text{ for every }x,\quad \mu P=q",
            formal=("metropolis_accept_all_step",),
        ),
        Clause(
            name="target",
            text="its stationary law is the proposal, hence the target exactly if the target is the proposal",
            formula=r"\pi P=\pi\iff\pi=q",
            formal=("metropolis_accept_all_stationary",),
        ),
    ),
    hypotheses=("proposal and target have the same finite support",),
    source="immediate; a test written as a one-element tuple is true whatever it holds",
    check=_accept_all,
    cases=acceptance_cases,
    controls=(
        Control(
            "stationary-at-the-target",
            "says that the chain that always accepts keeps its target",
            _stays_at_target,
            two_string_chains,
            smallest=True,
        ),
        Control(
            "local-is-global",
            "says that locally normalised samples, all accepted, follow q_glob",
            _local_is_global,
            tree_cases,
        ),
    ),
    remark="The public code at commit ccec1ac, as read, has such a test; audit.accept-all says what follows.",
    figure="metropolis",
    order=6050,
    sketch=r"""
A proposal that is always accepted makes the next state a draw from $q$, whatever came before.
""",
)
