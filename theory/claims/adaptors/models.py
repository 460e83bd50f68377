"""What the claims on adaptors share: temperatures, small trees, laws of different kinds."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np
from flint import arb, ctx, fmpq
from numpy.typing import NDArray

from theory.adaptors.exact import Adapted, adapt_global, adapt_local, chain, decide
from theory.adaptors.moments import Moments
from theory.arithmetic.exact import Array, Exact, inner, log, objects
from theory.claims.claim import Case, Profile
from theory.claims.instances import (
    named,
    references,
)
from theory.claims.tree_search import trees_by_size
from theory.models.finite import FiniteModel

TEMPERATURES = (fmpq(1, 2), fmpq(1), fmpq(2))
"""Values of tau = 1/T."""


def tempered(found: FiniteModel, tau: fmpq) -> Moments:
    """The moments of (L, R) under the global temperature law q_tau, proportional to p+ ** tau."""
    return found.moments(found.law(chain(("temperature", 1 / tau)), "global"))


def small_trees(profile: Profile) -> Iterator[Case]:
    """All trees of 3 strings with weights that sum to at most 12, smallest first, then C2.

    A tree of 2 strings takes one decision only: local and global normalisation agree on it.
    """
    yield from trees_by_size(3, 3, 12, ordered=True)
    yield from named("C2")


def laws(found: FiniteModel) -> Iterator[tuple[str, Adapted]]:
    """Laws of very different kinds on a model's strings: references, temperatures, truncations."""
    yield from references(found)
    for steps in (chain(("temperature", "1/2")), chain(("nucleus", "4/5")), chain(("top_k", 2), ("temperature", 2))):
        kept = decide(found.numbers, steps)
        label = str(steps)
        yield f"local {label}", adapt_local(found.numbers, kept)
        yield f"global {label}", adapt_global(found.numbers, kept)


def direct_divergence(found: FiniteModel, law: Adapted) -> arb:
    """KL(q || p+) from probabilities alone."""
    return arb(inner(law.prob, log_mass(law, ctx.prec) - _log_aligned(found, ctx.prec)[law.string]))


@functools.lru_cache(maxsize=4)
def _log_aligned(found: FiniteModel, _bits: int) -> Array:
    """log p+, of the probabilities."""
    return log(found.numbers.prob)


@functools.lru_cache(maxsize=16)
def log_mass(law: Adapted, _bits: int) -> Array:
    """log q, of the probabilities; kept for the divergences from other laws."""
    return log(law.prob)


def powered(found: FiniteModel, tau: Exact) -> Array:
    """The global temperature law at tau = 1 / T."""
    weight = objects((-i * tau).exp() for i in found.numbers.surprisal)
    result: Array = weight / weight.sum()
    return result


def tempered_cross_entropy(found: FiniteModel, tau: Exact) -> arb:
    """CE of the global temperature law at tau."""
    return (powered(found, tau) * found.numbers.surprisal).sum()


def power_with(surprisal: NDArray[np.float64], wanted: float) -> float:
    """tau with CE(q_tau) = wanted, by bisection in float64; CE falls in tau."""
    low, high = 0.0, 1.0

    def above(tau: float) -> bool:
        weight = np.exp(-tau * (surprisal - surprisal.min()))
        return bool(weight @ surprisal / weight.sum() > wanted)

    while above(high):
        low, high = high, 2 * high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if above(middle) else (low, middle)
    return (low + high) / 2
