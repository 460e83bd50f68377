"""Random exact models: a prior of rational probabilities, and rewards that follow it, oppose it, or do neither.

The coupling c in [-1, 1] is drawn for each model: each string's reward is, with probability |c|, the level that its
place among the probabilities suggests (the most probable string the highest level for c > 0, the lowest for c < 0), and
otherwise any level. So the correlation of reward and log p takes every value, at every size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from flint import fmpq

from simulations.sweep.plan import Family, Sweep
from theory.alignment.gibbs import Aligned, align
from theory.arithmetic.exact import Array, objects
from theory.examples.finite import random_tree_model
from theory.language_models.rewards import Reward
from theory.language_models.tree import TreeModel


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """A random model, and how it was drawn."""

    aligned: Aligned
    family: str
    beta: fmpq
    step: fmpq
    coupling: float


def draw(sweep: Sweep, *, rng: np.random.Generator) -> Drawn:
    """A model of the sweep."""
    family = sweep.families[int(rng.integers(len(sweep.families)))]
    beta = sweep.betas[int(rng.integers(len(sweep.betas)))]
    coupling = float(rng.uniform(-1, 1))
    step = sweep.steps[int(rng.integers(len(sweep.steps)))] if sweep.draws_steps else sweep.steps[0]
    prior = _prior(family, rng)
    levels = coupled_levels(prior.string_prob(), coupling, sweep.levels, rng=rng)
    rewards = [Reward(exponent=int(level) * step / beta) for level in levels]
    return Drawn(align(prior, rewards), family.kind, beta, step, coupling)


def _prior(family: Family, rng: np.random.Generator) -> TreeModel:
    size = family.sizes[int(rng.integers(len(family.sizes)))]
    if family.kind == "tree":
        tokens, depth = size
        return random_tree_model(rng, tokens, depth, family.largest)
    (strings,) = size
    if family.kind == "zipf":
        left_out = int(rng.integers(1, strings + 2))
        weight = [fmpq(1, rank) for rank in range(1, strings + 2) if rank != left_out]
    else:
        weight = [fmpq(int(v)) for v in rng.integers(1, family.largest + 1, strings)]
    total = sum(weight, start=fmpq(0))
    return TreeModel.table([f"s{k}" for k in range(strings)], objects(w / total for w in weight))


def coupled_levels(prob: Array, coupling: float, levels: int, *, rng: np.random.Generator) -> list[int]:
    """A level in 0..levels for each string, tied to its place among the probabilities as strongly as ``coupling`` says.

    Args:
        prob: p, rationals, shape (n,).
        coupling: c in [-1, 1].
        levels: the highest level.
        rng: of the draws.
    """
    n = len(prob)
    rank = np.empty(n, dtype=np.int64)
    rank[sorted(range(n), key=lambda y: prob[y])] = np.arange(n)
    suggested = (rank if coupling > 0 else n - 1 - rank) * (levels + 1) // n
    free = rng.integers(0, levels + 1, n)
    return [int(v) for v in np.where(rng.random(n) < abs(coupling), suggested, free)]


__all__ = ["Drawn", "coupled_levels", "draw"]
