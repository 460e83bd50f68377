"""What the claims on prompts share: conditional models, random ones and the smallest ones."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from flint import fmpq

from theory.alignment.gibbs import Aligned
from theory.claims.claim import Case, Profile
from theory.claims.instances import case, integer_tables
from theory.corpora.mixtures import Joint, Mixture, prompt_tree


def two_prompts() -> Aligned:
    """Prompt a: p = (1, 2)/3, e^R = (1, 3); prompt b: p = (2, 3, 1)/6, e^R = (2, 1, 5); P = (3, 6)/9."""
    return prompt_tree([[1, 2], [2, 3, 1]], [[1, 3], [2, 1, 5]])


@dataclass(frozen=True, slots=True, eq=False)
class Conditional:
    """Rational values of (L, R) given each prompt, with the ends that they must give: squares, signs kept.

    Args:
        squared_ends: (sign * infimum^2, sign * supremum^2).
    """

    mixture: Mixture
    squared_ends: tuple[fmpq, fmpq]
    attained: tuple[bool, bool]


def _square() -> Joint:
    return Joint.of((1, 1, 1, 1), [(0, 0), (0, 1), (1, 0), (1, 1)])


def _shifted(joint: Joint, by: int) -> Joint:
    return replace(joint, log_prior=joint.log_prior + by)


def edge_cases() -> Iterator[Case]:
    """The covariance within prompts positive, negative or 0, and e between 0 and 1, equal to 0, equal to 1."""
    rising = Joint.of((1, 1, 1), [(0, 0), (1, 2), (2, 1)])
    falling = replace(rising, reward=-rising.reward)
    upright = Joint.of((1, 1), [(0, 0), (0, 1)])
    open_ends = (False, False)
    # rising: Var L = Var R = 2/3, Cov = 1/3, rho_w = 1/2; two prompts 2 apart in L: e^2 = 1 / (1 + 2/3) = 3/5
    reach = fmpq(3, 5) + fmpq(2, 5) * fmpq(1, 4)
    pairs = [
        ("positive within", Mixture.even(rising, _shifted(rising, 2)), (-fmpq(3, 5), reach), (False, True)),
        ("negative within", Mixture.even(falling, _shifted(falling, 2)), (-reach, fmpq(3, 5)), (True, False)),
        ("zero within", Mixture.even(_square(), _shifted(_square(), 2)), (-fmpq(4, 5), fmpq(4, 5)), open_ends),
        ("positive within, e = 0", Mixture.even(rising, rising), (fmpq(0), fmpq(1, 4)), (False, True)),
        ("negative within, e = 0", Mixture.even(falling, falling), (-fmpq(1, 4), fmpq(0)), (True, False)),
        ("zero within, e = 0", Mixture.even(_square(), _square()), (fmpq(0), fmpq(0)), (True, True)),
        ("e = 1", Mixture.even(upright, _shifted(upright, 2)), (-fmpq(1), fmpq(1)), open_ends),
    ]
    for name, mixture, ends, attained in pairs:
        yield Case(name, Conditional(mixture, ends, attained))


@functools.lru_cache(maxsize=4)
def prompt_trees(profile: Profile) -> tuple[Case, ...]:
    """Random conditional models: 2 or 3 prompts with 1 to 4 answers, and two_prompts()."""
    rng = np.random.default_rng(profile.seed)
    found = [case("prompts a, b with 2 and 3 answers", two_prompts())]
    for k in range(30 if profile.full else 6):
        shape = [int(n) for n in rng.integers(1, 5, int(rng.integers(2, 4)))]
        shape[0] = max(shape[0], 2)
        prior, reward = ([[int(w) for w in rng.integers(1, 10, n)] for n in shape] for _ in range(2))
        found.append(case(f"random prompts {k + 1}", prompt_tree(prior, reward)))
    return tuple(found)


@functools.lru_cache(maxsize=4)
def smallest_prompts(max_strings: int, max_total: int) -> tuple[Case, ...]:
    """Conditional models in the order (number of strings (x, y), sum of the weights of P(x) p(y | x) and e^R).

    Every table of that size, with its strings dealt out to two or more prompts in every way. On two strings each
    prompt has one answer: L = 0, and there is no correlation, whatever the weights.
    """
    found = []
    for strings in range(2, max_strings + 1):
        for total in range(2 * strings, max_total + 1):
            for (p, x), blocks in itertools.product(integer_tables(strings, total), list(_partitions(strings))):
                if len(blocks) > 1:
                    prior, reward = ([[weights[k] for k in block] for block in blocks] for weights in (p, x))
                    found.append(case(f"P p = {prior}, e^R = {reward}", prompt_tree(prior, reward)))
    return tuple(found)


def _partitions(size: int) -> Iterator[list[list[int]]]:
    """The partitions of 0, ..., size - 1 into blocks."""
    if size == 0:
        yield []
        return
    for blocks in _partitions(size - 1):
        yield [*blocks, [size - 1]]
        for k, block in enumerate(blocks):
            yield [*blocks[:k], [*block, size - 1], *blocks[k + 1 :]]
