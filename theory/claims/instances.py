"""The named models on which claims are checked, each with its numbers in balls computed once."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence

import numpy as np
from flint import ctx, fmpq

from theory.adaptors.exact import Adapted
from theory.alignment.gibbs import Aligned, align
from theory.arithmetic.exact import Array, Exact, balls, log, objects, precision
from theory.claims.claim import Case, Profile
from theory.examples import finite as examples
from theory.examples.words import speeches
from theory.language_models.rewards import reward_over_beta
from theory.language_models.tree import TreeModel
from theory.models.finite import FiniteModel
from theory.specification.finite import parse_specification, write_specification

_PRINTABLE = 40


def law_of(found: FiniteModel, weights: Sequence[Exact | int] | Array) -> Adapted:
    """The law of all strings proportional to these weights >= 0; strings of weight 0 are left out."""
    chosen = [y for y, w in enumerate(weights) if w != 0]
    positive = balls(objects(weights[y] for y in chosen))
    prob = positive / positive.sum()
    log_prob = log(prob)
    return Adapted(found.aligned, np.array(chosen), prob, log_prob, log_prob * 0)


def reference_laws(found: FiniteModel) -> list[tuple[str, list[fmpq]]]:
    """Laws of all strings, none of them p+, as weights: competitors for what p+ is said to be best at."""
    n = len(found.aligned)
    laws = [
        ("uniform", [fmpq(1)] * n),
        ("p", list(found.aligned.prior)),
        ("ramp", [fmpq(k + 1) for k in range(n)]),
        ("falling", [fmpq(1, (k + 1) * (k + 1)) for k in range(n)]),
    ]
    own = found.aligned.exact_prob()
    return [(name, w) for name, w in laws if own is None or not _proportional(w, list(own))]


def references(found: FiniteModel) -> list[tuple[str, Adapted]]:
    """The laws of ``reference_laws``; the last models' are kept, because several claims ask for them."""
    return _references(found, ctx.prec)


@functools.lru_cache(maxsize=4)
def _references(found: FiniteModel, _bits: int) -> list[tuple[str, Adapted]]:
    return [(name, law_of(found, weights)) for name, weights in reference_laws(found)]


def _proportional(first: list[fmpq], second: list[fmpq]) -> bool:
    return all(a * second[0] == b * first[0] for a, b in zip(first, second, strict=True))


def case(name: str, aligned: Aligned) -> Case:
    """A case whose content is the model, with its specification where it is short enough to print."""
    with precision():
        spec = write_specification(aligned) if len(aligned) <= _PRINTABLE else ""
        return Case(name, FiniteModel.of(aligned), spec)


def replay(spec: str) -> FiniteModel:
    """The model that a witness's specification describes."""
    return parse_specification(spec).model()


@functools.lru_cache(maxsize=16)
def _named(name: str) -> Case:
    return case(name, getattr(examples, name.lower())())


def named(*names: str) -> list[Case]:
    """The cases of these models of ``theory.examples.finite``: "C1", ..., "C7", "toy"."""
    return [_named(name) for name in names]


def small(profile: Profile) -> list[Case]:
    """C1 to C5, C7, random rational tables and trees, and the borders: what most identities are checked on."""
    return [*named("C1", "C2", "C3", "C4", "C5", "C7"), *random_laws(profile), *borders(profile)]


@functools.lru_cache(maxsize=3)
def words_case(beta: fmpq = fmpq(1)) -> Case:
    """The words of the speeches, all 24,937, aligned at this beta."""
    return case(f"words, beta = {beta}", speeches(beta))


def usual(profile: Profile) -> list[Case]:
    """The small cases, the paper's toy and, in the full profile, the words of the speeches."""
    return [*small(profile), *named("toy"), *([words_case()] if profile.full else [])]


_BORDERS = (
    ("one string", (1,), (1,)),
    ("L and R constant", (1, 1), (1, 1)),
    ("V = 0", (1, 2), (2, 1)),
    ("L constant", (1, 1), (1, 2)),
    ("R constant", (1, 2), (1, 1)),
    ("b = 0", (1, 4, 8), (1, 8, 2)),
    ("b = -1", (1, 8, 2), (1, 4, 8)),
    ("ties", (1, 1, 2, 2), (1, 1, 2, 1)),
)


@functools.lru_cache(maxsize=1)
def _borders() -> tuple[Case, ...]:
    prior = TreeModel.table(("x", "y", "z"), objects((fmpq(4, 7), fmpq(1, 7), fmpq(2, 7))))
    irrational = align(prior, [reward_over_beta(value, fmpq(1)) for value in ("0", "1/2", "1")])
    found = [case(f"border: {name}", examples.table(p, x)) for name, p, x in _BORDERS]
    return *found, case("border: p+ irrational", irrational)


def borders(profile: Profile) -> tuple[Case, ...]:
    """Where a hypothesis is just met or just not: one string; L, R or I constant; b = 0 or -1; ties; p+ irrational.

    V = 0: all p+ are equal. b = 0: Cov(L, I) = 0, L constant or not. b = -1: Cov(R, I) = 0, R constant or not.
    """
    del profile
    return _borders()


@functools.lru_cache(maxsize=4)
def random_laws(profile: Profile) -> tuple[Case, ...]:
    """Random rational tables of 2 to 7 strings and trees of up to 3 tokens and depth 3, from the profile's seed."""
    rng = np.random.default_rng(profile.seed)
    count = 40 if profile.full else 8
    cases = []
    for k in range(count):
        size = int(rng.integers(2, 8))
        cases.append(case(f"random table {k + 1}", examples.random_table(rng, size)))
    for k in range(count // 2):
        tokens, depth = int(rng.integers(2, 4)), int(rng.integers(2, 4))
        cases.append(case(f"random tree {k + 1}", examples.random_tree(rng, tokens, depth)))
    return tuple(cases)


def integer_tables(strings: int, total: int) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """All pairs (p weights, e^R weights) of positive integers with a given number of strings and sum of all weights.

    Only one of the orders of the strings is listed (pairs ascending), and only weights without a common factor.
    """
    for first in range(strings, total - strings + 1):
        for p in _sorted_parts(strings, first, 1):
            for x in compositions(strings, total - first):
                pairs = list(zip(p, x, strict=True))
                coprime = np.gcd.reduce(p) == 1 and np.gcd.reduce(x) == 1
                if coprime and all(one <= two for one, two in itertools.pairwise(pairs)):
                    yield p, x


def smallest_tables(max_strings: int, max_total: int) -> Iterator[Case]:
    """Tables in the order (number of strings, sum of the integer weights of p and e^R): for smallest witnesses."""
    for strings in range(2, max_strings + 1):
        for total in range(2 * strings, max_total + 1):
            for p, x in integer_tables(strings, total):
                yield case(f"p = {p}, e^R = {x}", examples.table(p, x))


def integer_cases(profile: Profile) -> Iterator[Case]:
    """The smallest tables in order: up to 4 strings, weights of p and e^R that sum to at most 14."""
    return smallest_tables(4, 14)


def compositions(count: int, total: int) -> Iterator[tuple[int, ...]]:
    """All tuples of so many positive integers with this sum."""
    if count == 1:
        yield (total,)
        return
    for head in range(1, total - count + 2):
        for tail in compositions(count - 1, total - head):
            yield (head, *tail)


def _sorted_parts(count: int, total: int, least: int) -> Iterator[tuple[int, ...]]:
    if count == 1:
        if total >= least:
            yield (total,)
        return
    for head in range(least, total // count + 1):
        for tail in _sorted_parts(count - 1, total - head, head):
            yield (head, *tail)
