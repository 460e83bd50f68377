"""Independent Metropolis-Hastings by simulation: many chains side by side, and one long chain.

A chain proposes from q whatever its state is and accepts with probability min(1, w(x') / w(x)), w = pi / q. Chains are
independent of one another, so their last states are independent draws of the exact k-step law
(``theory.corpora.metropolis``): that is what is tested, never an effective sample size.

``run`` goes through all chains at once in numpy; ``long_chain`` through one, compiled where numba is installed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulations.sampling.draws import strings

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

Ratio = Callable[[Index, Index], Floats]
"""log of the acceptance ratio of (proposed, present) states."""


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """What became of chains that ran side by side.

    Args:
        last: the state of each after its steps, shape (chains,).
        accepted: how many proposals each accepted, shape (chains,).
        sums: of K functions over the states of each, the start included and the last step not: a corpus of ``steps``
            successive strings, shape (K, chains).
        steps: of each chain.
    """

    last: Index
    accepted: Index
    sums: Floats
    steps: int


def metropolis(log_weight: Floats) -> Ratio:
    """log w(x') - log w(x): the right ratio, from log w of each state, shape (n,), up to a constant."""
    return lambda proposed, present: log_weight[proposed] - log_weight[present]


def run(
    proposal: Floats, ratio: Ratio, start: Index, steps: int, values: Floats | None = None, *, rng: np.random.Generator
) -> Runs:
    """Chains from the given states, all at once: ``steps`` proposals each. Cost: O(chains x steps).

    Args:
        proposal: q, shape (n,).
        ratio: log acceptance ratio of (proposed, present); ``metropolis(log w)`` is the right one.
        start: the first state of each chain, shape (chains,).
        steps: proposals of each chain.
        values: K functions of a state to sum along the way, shape (K, n).
        rng: of proposals and decisions.
    """
    proposed = (strings(proposal, len(start), rng=rng) for _ in range(steps))
    return follow(ratio, start, proposed, np.zeros((0, len(proposal))) if values is None else values, rng=rng)


def follow(ratio: Ratio, start: Index, proposals: Iterable[Index], values: Floats, *, rng: np.random.Generator) -> Runs:
    """Chains that are offered these proposals, step by step, each of shape (chains,)."""
    present = start.copy()
    accepted = np.zeros(len(start), dtype=np.int64)
    sums = np.zeros((len(values), len(start)))
    steps = 0
    for proposed in proposals:
        sums += values[:, present]
        with np.errstate(over="ignore", invalid="ignore"):
            taken = np.log1p(-rng.random(len(start))) < ratio(proposed, present)
        present = np.where(taken, proposed, present)
        accepted += taken
        steps += 1
    return Runs(present, accepted, sums, steps)


def long_chain(
    proposal: Floats,
    weight: Floats,
    start: int,
    steps: int,
    *,
    rng: np.random.Generator,
    compiled: bool | None = None,
) -> tuple[int, int]:
    """(last state, accepted proposals) of one long chain. Cost: O(n + steps).

    Args:
        proposal: q, shape (n,).
        weight: any positive multiple of w, shape (n,).
        start: the first state.
        steps: proposals.
        rng: of proposals and decisions.
        compiled: by numba; by default where it is installed. The plain path makes the same decisions.

    Raises:
        ValueError: compiled, without numba.
    """
    if compiled and _compiled is None:
        raise ValueError("numba is not installed; pip install 'probqual[fast]'")
    fast = _compiled is not None if compiled is None else compiled
    walk: Callable[..., tuple[int, int]] = _walk if _compiled is None or not fast else _compiled
    threshold, alias = alias_table(proposal)
    tables = [threshold, np.stack((np.arange(len(alias)), alias), axis=1).ravel(), weight]
    state, accepted = start, 0
    for low in range(0, steps, _CHUNK):
        uniforms = rng.random((2, min(_CHUNK, steps - low)))
        rows = [*tables, *uniforms] if fast else [row.tolist() for row in (*tables, *uniforms)]
        state, taken = walk(*rows, state)
        accepted += taken
    return int(state), int(accepted)


_CHUNK = 1 << 14

Listed = Floats | list[float]
Places = Index | list[int]
"""What a compiled loop reads as arrays, and a plain one faster as lists."""


def _walk(
    threshold: Listed, either: Places, weight: Listed, proposals: Listed, decisions: Listed, state: int
) -> tuple[int, int]:
    """One uniform for the proposal, by Walker's table, and one for the decision, at each step.

    ``either`` holds each cell and its alias side by side: a look-up, where a branch would be guessed wrongly.
    """
    accepted, size, present = 0, len(threshold), weight[state]
    for step in range(len(proposals)):
        place = proposals[step] * size
        cell = int(place)
        proposed = either[2 * cell + (place - cell >= threshold[cell])]
        offered = weight[proposed]
        if decisions[step] * present < offered:
            state, accepted, present = proposed, accepted + 1, offered
    return state, accepted


try:
    import numba

    _compiled: Callable[..., tuple[int, int]] | None = numba.njit(_walk)
except ImportError:
    _compiled = None


def alias_table(prob: Floats) -> tuple[Floats, Index]:
    """(threshold, alias): cell k, each of probability 1/n, gives k below its threshold and its alias above.

    Source: Walker (1977), doi:10.1145/355744.355749; Vose (1991) for the construction.
    """
    size = len(prob)
    share = prob / math.fsum(prob) * size
    threshold, alias = np.ones(size), np.arange(size)
    small = [k for k in range(size) if share[k] < 1]
    large = [k for k in range(size) if share[k] >= 1]
    while small and large:
        low, high = small.pop(), large[-1]
        threshold[low], alias[low] = share[low], high
        share[high] -= 1 - share[low]
        if share[high] < 1:
            small.append(large.pop())
    return threshold, alias


__all__ = ["Ratio", "Runs", "alias_table", "follow", "long_chain", "metropolis", "run"]
