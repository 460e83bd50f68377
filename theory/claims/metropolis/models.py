"""What the claims on Metropolis chains share: chains, their cases, and chains of symbols for proofs."""

from __future__ import annotations

import functools
import itertools
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy as sp
from flint import fmpq

from theory.adaptors.exact import Chain, Kept, chain, decide
from theory.arithmetic.exact import Array, objects, rational
from theory.claims.claim import Case, Profile
from theory.claims.instances import borders, integer_tables, named, random_laws
from theory.corpora.metropolis import (
    IndependentChain,
)
from theory.examples.finite import C6_PROPOSAL, table
from theory.language_models.tree import TreeModel
from theory.models.finite import FiniteModel
from theory.specification.finite import parse_specification, write_specification

_SOLVABLE = 20
"""Trees with more strings are left out: linear systems over the rationals are solved."""


@dataclass(frozen=True, slots=True, eq=False)
class Chained:
    """A model with an independent Metropolis-Hastings chain, in rationals, towards p+.

    Args:
        chain: its states are the model's strings; of an adaptor, the kept ones, and its target is q_glob.
        negative_from: the corpus correlation is claimed positive below this N and negative from it on, up to N = 400.
    """

    found: FiniteModel
    chain: IndependentChain
    negative_from: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class AdaptedModel:
    """A model with a chain of adaptors."""

    found: FiniteModel
    steps: Chain


@dataclass(frozen=True, slots=True, eq=False)
class Rational:
    """What a chain of adaptors makes of p+, in rationals; shapes (m,).

    Args:
        local: q_loc of the kept strings.
        product: prod_t c_t along each.
        glob: q_glob.
        restricted: p+ given that the string is kept.
        power: 1 / T.
    """

    local: Array
    product: Array
    glob: Array
    restricted: Array
    power: fmpq


def chained(found: FiniteModel, proposal: Sequence[fmpq | int]) -> Chained:
    """The chain towards p+ that proposes from these weights.

    Raises:
        ValueError: p+ is not rational.
    """
    target = found.aligned.exact_prob()
    if target is None:
        raise ValueError("the claims on chains need a rational p+; give exp_values")
    total = sum((fmpq(w) for w in proposal), start=fmpq(0))
    return Chained(found, IndependentChain.towards(objects(fmpq(w) / total for w in proposal), target))


def chained_case(name: str, found: FiniteModel, proposal: Sequence[fmpq | int]) -> Case:
    """A case with the proposal in its name, and in a comment of its specification."""
    content = chained(found, proposal)
    comment = "# proposal = [" + ", ".join(f'"{q}"' for q in content.chain.proposal) + "]\n"
    weights = ", ".join(str(q) for q in proposal)
    return Case(f"{name}, proposal = ({weights})", content, comment + write_specification(found.aligned))


def replay(spec: str) -> FiniteModel | Chained | AdaptedModel:
    """What a witness's specification describes: with the proposal of its first line, or with its adaptors, if any."""
    parsed, (head, *_) = parse_specification(spec), spec.split("\n")
    found = FiniteModel.of(parsed.aligned)
    if head.startswith("# proposal"):
        return chained(found, [rational(q) for q in tomllib.loads(head.removeprefix("# "))["proposal"]])
    return AdaptedModel(found, parsed.adaptors[0].chain) if parsed.adaptors else found


def adapted_case(name: str, found: FiniteModel, steps: Chain) -> Case:
    """A case with the adaptors in its name and in its specification."""
    words = str(steps)
    names, values = (", ".join(f'"{v}"' for v in vs) for vs in zip(*((s.name, s.value) for s in steps), strict=True))
    entry = f'\n[[adaptor]]\nname = [{names}]\nvalue = [{values}]\nnormalise = "local"\n'
    return Case(f"{name}, {words}", AdaptedModel(found, steps), write_specification(found.aligned) + entry)


def smallest_chains(strings: int, max_total: int) -> Iterator[Case]:
    """Chains on so many strings, in the order of the sum of the integer weights of p, e^R and the proposal."""
    found = functools.lru_cache(maxsize=None)(lambda p, x: FiniteModel.of(table(p, x)))
    for total in range(3 * strings, max_total + 1):
        for first in range(2 * strings, total - strings + 1):
            for p, x in integer_tables(strings, first):
                for q in _positive_integers(strings, total - first):
                    if _one_of_each_order(p, x, q):
                        yield chained_case(f"p = {p}, e^R = {x}", found(p, x), q)


def _positive_integers(count: int, total: int) -> Iterator[tuple[int, ...]]:
    for bars in itertools.combinations(range(1, total), count - 1):
        values = tuple(high - low for low, high in itertools.pairwise((0, *bars, total)))
        if np.gcd.reduce(values) == 1:
            yield values


def _one_of_each_order(p: Sequence[int], x: Sequence[int], q: Sequence[int]) -> bool:
    """Of the orders of the strings, all the same model, the ascending one."""
    return all(one <= two for one, two in itertools.pairwise(zip(p, x, q, strict=True)))


def two_string_chains(profile: Profile) -> Iterator[Case]:
    """All chains on two strings, smallest first."""
    return smallest_chains(2, 14)


def three_string_chains(profile: Profile) -> Iterator[Case]:
    """For controls that two strings cannot refute: there Corr(L, R) is +-1, and acceptance is 1 - TV exactly."""
    return smallest_chains(3, 16)


@functools.lru_cache(maxsize=4)
def chain_cases(profile: Profile) -> tuple[Case, ...]:
    """C6; C4 proposing from its target and from its prior; V = 0; random tables, proposals from the profile's seed."""
    (c4,), (c6,) = named("C4"), named("C6")
    cases = [chained_case("C6", c6.content, C6_PROPOSAL)]
    cases.append(chained_case("C4", c4.content, c4.content.mass()))
    cases.append(chained_case("C4", c4.content, c4.content.aligned.prior))
    cases.append(chained_case("V = 0: p = (1, 2), e^R = (2, 1)", FiniteModel.of(table((1, 2), (2, 1))), (1, 3)))
    rng = np.random.default_rng(profile.seed)
    for case in random_laws(profile):
        if case.name.startswith("random table"):
            proposal = rng.integers(1, 13, len(case.content.aligned))
            cases.append(chained_case(case.name, case.content, [int(v) for v in proposal]))
    return tuple(cases)


_STEPS = (
    chain(("temperature", "1/2")),
    chain(("nucleus", "3/5")),
    chain(("temperature", "1/2"), ("nucleus", "3/5")),
    chain(("top_k", 2), ("temperature", "1/3")),
    chain(("temperature", "1/2"), ("typical", "1/2")),
    chain(("min_p", "1/2")),
    chain(("temperature", 2), ("top_k", 2)),
)


def tree_cases(profile: Profile) -> Iterator[Case]:
    """C2, random trees of few strings and a table with an irrational p+, under each chain of adaptors."""
    trees = [c for c in random_laws(profile) if c.name.startswith("random tree")]
    irrational = [c for c in borders(profile) if c.content.aligned.exact_prob() is None]
    for case in (*named("C2"), *trees, *irrational):
        if 1 < len(case.content.aligned) <= _SOLVABLE:
            for steps in _STEPS:
                yield adapted_case(case.name, case.content, steps)


def correction_cases(profile: Profile) -> Iterator[Case]:
    """The chains from q_loc to q_glob of the trees."""
    for case in tree_cases(profile):
        content = correction(case.content)
        if content is not None:
            yield replace(case, content=content)


def correction(content: AdaptedModel) -> Chained | None:
    """The chain from q_loc to q_glob; None where they are not rational, or only one string is kept."""
    law = adapted_law(content.found, content.steps)
    if law is None or len(law.local) == 1:
        return None
    return Chained(content.found, IndependentChain.correcting(law.local, law.product))


def adapted_law(found: FiniteModel, steps: Chain) -> Rational | None:
    """q_loc, prod c_t, q_glob and p+ restricted, in rationals; None where 1 / T is not a whole number.

    Each string is walked by itself, so that the route shares nothing with ``theory.adaptors.exact`` but the kept sets.
    """
    aligned, prob = found.aligned, found.aligned.exact_prob()
    kept = decide(found.numbers, steps)
    if prob is None or kept.power.q != 1:
        return None
    power = int(kept.power.p)
    mass = objects([fmpq(0)] * len(aligned.tree))
    mass[aligned.node] = prob
    model = TreeModel.from_masses(aligned.tree, mass)
    chosen = np.flatnonzero(kept.strings())
    local, product, weight = [], [], []
    for node in aligned.node[chosen]:
        steps_of_string = _walk(model, kept, int(node), power)
        weights, sums = zip(*steps_of_string, strict=True)
        local.append(_times(w / c for w, c in steps_of_string))
        product.append(_times(sums))
        weight.append(_times(weights))
    raised, own = objects(weight), prob[chosen]
    return Rational(objects(local), objects(product), raised / raised.sum(), own / own.sum(), kept.power)


def _walk(model: TreeModel, kept: Kept, node: int, power: int) -> list[tuple[fmpq, fmpq]]:
    """(w_t, c_t) of each step of the string that ends at ``node``, its end included."""
    path = [node]
    while path[0] > 0:
        path.insert(0, int(model.tree.parent[path[0]]))
    found = []
    for place, at in enumerate(path):
        children = [child for child in model.tree.children(at) if kept.edge[child]]
        ending = model.end[at] ** power if kept.end[at] else fmpq(0)
        total = sum((model.prob[child] ** power for child in children), start=ending)
        step = ending if at == node else model.prob[path[place + 1]] ** power
        found.append((step, total))
    return found


def _times(values: Iterable[fmpq]) -> fmpq:
    return functools.reduce(lambda one, two: one * two, values, fmpq(1))


def total_gap(first: Array, second: Array) -> fmpq:
    """sum |f - g|: 0 iff they agree everywhere."""
    return sum((abs(a - b) for a, b in zip(first.flat, second.flat, strict=True)), start=fmpq(0))


def point_law(n: int, state: int) -> Array:
    """The law that is 1 at one state."""
    return objects(fmpq(int(k == state)) for k in range(n))


def is_constant(values: Array) -> bool:
    """Whether all values are equal."""
    return all(v == values[0] for v in values)


@dataclass(frozen=True, slots=True, eq=False)
class SymbolicChain:
    """A chain on n states in the order of rising weight, so that every min(1, w_j / w_i) is known.

    All entries are elements of one field of rational functions, where equal means equal: in lowest terms.

    Args:
        proposal: q on the simplex.
        weight: w_i, with mean 1 under q.
        target: pi.
        kernel: P, rows.
        rejection: lambda.
        mass: Pi_k = pi_1 + ... + pi_k.
        free: n further symbols for each name asked for.
    """

    proposal: list[Any]
    weight: list[Any]
    target: list[Any]
    kernel: list[list[Any]]
    rejection: list[Any]
    mass: list[Any]
    free: list[list[Any]]


def mean_under(law: Sequence[sp.Expr], values: Sequence[sp.Expr]) -> sp.Expr:
    """E f under a law."""
    return sum(a * b for a, b in zip(law, values, strict=True))


def acceptance_cases(profile: Profile) -> Iterator[Case]:
    """The chains, and some of the corrections on trees."""
    yield from chain_cases(profile)
    yield from itertools.islice(correction_cases(profile), 60 if profile.full else 10)
