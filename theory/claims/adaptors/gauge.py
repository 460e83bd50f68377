"""adaptors.gauge: one factor per context leaves q_loc alone and turns q_glob into any law on its support."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from flint import fmpq

from theory.adaptors.exact import Chain, chain, decide
from theory.adaptors.gauge import (
    Weights,
    adaptor_weights,
    gauge_of,
    global_law,
    local_law,
    next_token_laws,
    scaled,
    softmax,
)
from theory.arithmetic.exact import Array, Exact, balls, objects
from theory.claims.adaptors.tree_models import (
    few_string_trees,
    rational_cases,
)
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile, of
from theory.claims.instances import small
from theory.models.finite import FiniteModel
from theory.probability.information import total_variation

_WEIGHTS = (
    chain(("temperature", "1/2")),
    chain(("temperature", 2)),
    chain(("top_k", 2)),
    chain(("nucleus", "4/5")),
    chain(("min_p", "1/2"), ("temperature", "1/3")),
)


@dataclass(frozen=True, slots=True, eq=False)
class Gauging:
    """A model, a gauge and a law to be reached.

    Args:
        gauge: gamma > 0 of each prefix, rationals.
        target: masses > 0 of the strings, rationals; restricted to a support and normalised there.
    """

    found: FiniteModel
    gauge: Array
    target: Array


def _weights(found: FiniteModel, steps: Chain) -> Weights:
    return adaptor_weights(next_token_laws(found.aligned), decide(found.numbers, steps))


def _restricted(weights: Weights, node: Array, target: Array) -> Array:
    """The target on the strings that the weights keep, by prefix, summing to 1."""
    law = weights.product() * 0
    law[node] = target
    law = objects(mass if w != 0 else fmpq(0) for mass, w in zip(law, weights.product(), strict=True))
    result: Array = law / law.sum()
    return result


def _paths_agree(weights: Weights) -> bool:
    """Whether prod_t c_t is the same along every string that the weights keep (rational weights)."""
    total = weights.normalisers()
    along = weights.tree.descend(total[0], total, np.multiply)
    return len({c for c, w in zip(along, weights.product(), strict=True) if w != 0}) == 1


def _gauge(content: Gauging) -> Iterator[Finding]:
    found = content.found
    for steps in _WEIGHTS:
        name = str(steps)
        weights = _weights(found, steps)
        yield from of("softmax", _softmax(found, steps, weights))
        moved = total_variation(local_law(scaled(weights, content.gauge)), local_law(weights))
        yield Finding(f"{name}: q_loc under gamma", moved, clause="local")
        yield from of("any-law", _any_law(content, name, weights))
        yield from of("unscored", _unscored(name, weights, content.gauge))


def _softmax(found: FiniteModel, steps: Chain, weights: Weights) -> Iterator[Finding]:
    """Both laws are those of the adaptors; they agree for softmax weights, and iff prod c is constant."""
    name, node = str(steps), found.aligned.node
    everywhere, stepwise = global_law(weights), local_law(weights)
    for normalise, law in (("global", everywhere), ("local", stepwise)):
        known = found.law(steps, normalise)
        yield Finding(f"{name}: q_{normalise}", total_variation(balls(law[node])[known.string], known.prob))
    yield Finding(f"{name}: softmax has q_glob = q_loc", total_variation(global_law(softmax(weights)), stepwise))
    if all(isinstance(w, fmpq) for w in weights.edge):
        same = everywhere.tolist() == stepwise.tolist()
        yield Finding(f"{name}: q_glob = q_loc iff prod c is constant", fmpq(same != _paths_agree(weights)))


def _any_law(content: Gauging, name: str, weights: Weights) -> Iterator[Finding]:
    everywhere, stepwise = global_law(weights), local_law(weights)
    target = _restricted(weights, content.found.aligned.node, content.target)
    for goal, law in (("a law", target), ("q_loc", stepwise)):
        gauge = gauge_of(weights, law)
        yield Finding(f"{name}: gamma for {goal} > 0", functools.reduce(_least, gauge), "positive")
        reached = scaled(weights, gauge)
        yield Finding(f"{name}: q_glob under gamma for {goal}", total_variation(global_law(reached), law))
        yield Finding(f"{name}: C = 1 under gamma for {goal}", reached.product().sum() - 1)
    own = gauge_of(weights, everywhere)
    yield Finding(f"{name}: gamma for q_glob is 1/C at the root", own[0] - 1 / weights.product().sum())
    yield Finding(f"{name}: and 1 elsewhere", total_variation(own[1:], own[1:] * 0 + 1))


def _least(first: Exact, second: Exact) -> Exact:
    return second if second < first else first


def _unscored(name: str, weights: Weights, gauge: Array) -> Iterator[Finding]:
    """Where a context that can only end is not scored, strings that differ in their last token keep their ratio."""
    product, moved = weights.product(), scaled(weights, _without_leaves(weights, gauge)).product()
    worst = fmpq(0)
    for one, two in _siblings(weights):
        gap = moved[one] * product[two] - moved[two] * product[one]
        worst = worst + abs(gap)
    yield Finding(f"{name}: without the end's weight, siblings keep their ratio", worst)


def _without_leaves(weights: Weights, gauge: Array) -> Array:
    """The gauge with factor 1 wherever nothing but the end can follow."""
    tree = weights.tree
    return objects(g if len(tree.children(u)) else fmpq(1) for u, g in enumerate(gauge))


def _siblings(weights: Weights) -> Iterator[tuple[int, int]]:
    """Pairs of strings that differ only in the last decision: another last token, or the end in its place."""
    tree, product = weights.tree, weights.product()
    for node in range(len(tree)):
        last = [u for u in tree.children(node) if not len(tree.children(u))]
        yield from itertools.pairwise(u for u in [node, *last] if product[u] != 0)


def _gauge_cases(profile: Profile) -> list[Case]:
    rng = np.random.default_rng(profile.seed)
    cases = []
    for c in rational_cases(small(profile)):
        gauge = objects(fmpq(int(a), int(b)) for a, b in rng.integers(1, 9, (len(c.content.aligned.tree), 2)))
        target = objects(fmpq(int(a)) for a in rng.integers(1, 9, len(c.content.aligned)))
        cases.append(Case(c.name, Gauging(c.content, gauge, target), c.spec))
    return cases


def _invariant(found: FiniteModel) -> Iterator[Finding]:
    weights = _weights(found, Chain())
    for gauge in itertools.product((1, 2), repeat=len(weights.tree)):
        moved = global_law(scaled(weights, objects(map(fmpq, gauge))))
        yield Finding(f"q_glob under gamma = {gauge}", total_variation(moved, global_law(weights)))


def _powers_are_softmax(found: FiniteModel) -> Iterator[Finding]:
    weights = _weights(found, chain(("temperature", "1/2")))
    gap = total_variation(global_law(weights), global_law(softmax(weights)))
    yield Finding("q_glob of p+^2 and of its softmax", gap)


def _factor_per_token(found: FiniteModel) -> Iterator[Finding]:
    weights = _weights(found, Chain())
    edge = weights.edge.copy()
    edge[1] *= 2
    gap = total_variation(local_law(Weights(weights.tree, edge, weights.end)), local_law(weights))
    yield Finding("q_loc with the first weight of the root doubled", gap)


def _reached_unscored(found: FiniteModel) -> Iterator[Finding]:
    weights = _weights(found, Chain())
    ramp = objects(fmpq(k + 1) for k in range(len(found.aligned)))
    target = _restricted(weights, found.aligned.node, ramp)
    gauge = _without_leaves(weights, gauge_of(weights, target))
    gap = total_variation(global_law(scaled(weights, gauge)), target)
    yield Finding("q_glob under the gauge for a law prop. 1, 2, ..., ends not scored", gap)


CLAIM = Claim(
    id="adaptors.gauge",
    sentence="C",
    clauses=(
        Clause(
            name="any-law",
            text="'globally normalised' means nothing until the weights are fixed: on a finite tree whose ends are "
            "scored, one factor gamma(u) > 0 per context turns q_glob into any law on its support",
            formula=r"w'_t(\cdot\mid u) = \gamma(u)\, w_t(\cdot\mid u):\quad "
            r"\{q'_{\mathrm{glob}} : \gamma > 0\} = \{q : \operatorname{supp} q = \operatorname{supp} q_{\mathrm{glob}}\}",
            formal=("adaptors_gauge_global",),
        ),
        Clause(
            name="local",
            text="a factor gamma(u) > 0 per context leaves the locally normalised law alone, on every finite tree",
            formula=r"q'_{\mathrm{loc}} = q_{\mathrm{loc}}",
            formal=("adaptors_gauge_local",),
        ),
        Clause(
            name="softmax",
            text="q_glob = q_loc iff the product of the sums c_t of the weights is the same along every string kept, as it "
            "is for softmax weights, which sum to 1 in each context",
            formula=r"q_{\mathrm{glob}}=q_{\mathrm{loc}}\iff\textstyle\prod_tc_t\ \text{constant on the support}",
            formal=(
                "adaptors_gauge_same",
                "adaptors_gauge_softmax",
            ),
        ),
        Clause(
            name="unscored",
            text="where the end is not scored at a context that can only end, strings that differ only in their last "
            "decision keep the ratio of their weights, whatever gamma",
            formal=("adaptors_gauge_unscored",),
        ),
    ),
    hypotheses=("finitely many strings", "the end of a string is a token with a weight", "gamma(u) > 0"),
    source="Moebius inversion of a product over prefixes: gamma(u) = G(u) / G(parent of u) with G = q / prod w",
    check=_gauge,
    cases=_gauge_cases,
    controls=(
        Control(
            name="gauge-invariant",
            breaks="says that global normalisation is gauge invariant, too",
            check=_invariant,
            cases=few_string_trees,
            smallest=True,
        ),
        Control(
            name="power-is-softmax",
            breaks="takes p+^(1/T) and softmax_T for the same global adaptor",
            check=_powers_are_softmax,
            cases=few_string_trees,
            smallest=True,
        ),
        Control(
            name="factor-per-token",
            breaks="lets the factor depend on the token: the local law stays",
            check=_factor_per_token,
            cases=few_string_trees,
            smallest=True,
        ),
        Control(
            name="end-not-scored",
            breaks="drops the weight of the end where nothing else can follow: every law is still reached",
            check=_reached_unscored,
            cases=few_string_trees,
            smallest=True,
        ),
    ),
    remark="A law that gives probability 0 to a string of the support is a limit of such q_glob, but not one of them.",
    order=4110,
    sketch=r"""
Locally $\gamma(u)$ cancels at each step. Globally strings gain $\prod\gamma$ over their prefixes; each string has a
prefix of its own, at which it ends, so the product can be any positive function on the support: set
$\gamma(u)=G(u)/G(\text{parent})$.
""",
)
