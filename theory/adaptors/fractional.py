"""Truncations with a fractional threshold string: what a kept mass between two cut-offs amounts to."""

from __future__ import annotations

from collections.abc import Iterable

from flint import fmpq

from theory.arithmetic.exact import Array
from theory.language_models.tree import zeros


def fractional_truncation(prob: Array, mass: fmpq) -> Array:
    """Weights that keep exactly the mass m: the likeliest strings whole, and a fraction of the one on the threshold.

    q_m = weights / m has CE(q_m) = (1/m) int_0^m I(s) ds with I(s) the rising quantile function of the surprisal:
    continuous and non-decreasing in m, from min I to H. Among all q <= p+ / m it has the least CE, that is the
    largest E L + E R. Source: the lemma of Neyman and Pearson (1933).

    Args:
        prob: p+(y), rationals, shape (n,); ties go to the lower index.
        mass: m, 0 < m <= 1.

    Raises:
        ValueError: m is not in (0, 1].
    """
    if not 0 < mass <= 1:
        raise ValueError(f"the kept mass must be in (0, 1], got {mass}")
    return thinned(prob, sorted(range(len(prob)), key=lambda k: (-prob[k], k)), mass)


def thinned(prob: Array, order: Iterable[int], mass: fmpq) -> Array:
    """The strings in a given order, each whole, until the mass is reached; the last one in part. Shape (n,)."""
    weights, left = zeros(len(prob), prob), mass
    for place in order:
        weights[place] = min(prob[place], left)
        left -= weights[place]
    return weights
