"""The critical beta of an automaton: the largest beta at which Z = sum p e^{r/beta} is infinite.

Along t, with R = r / beta at t = 1, the sum of p e^{tR} is that at beta / t, and finite iff the spectral radius of
M(1, t) is below 1. log rho is convex in t (Kingman 1961) and negative at t = 0, so it meets 0 at most once, and does
iff some cycle has a positive reward: then rho grows without end, and else it never grows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from flint import arb, fmpq

from theory.arithmetic.exact import Undecided, sign
from theory.automata.spectral_radius import RadiusAlong, certified_root
from theory.language_models.automaton import Automaton, Index

_MOST_DOUBLINGS = 60
_MOST_COMPARISONS = 200_000


@dataclass(frozen=True, slots=True)
class CriticalBeta:
    """The critical beta in reward units per nat, or why there is none.

    Args:
        value: None where there is none.
        reason: why.
        cycle: the tokens of a cycle whose reward is positive, the largest per token where that was searched for.
    """

    value: arb | None
    reason: str = ""
    cycle: tuple[str, ...] = ()


def critical_beta(automaton: Automaton, beta: fmpq) -> CriticalBeta:
    """The beta at or below which Z is infinite. Rewards given as e^{r/beta} count as r = beta log of them.

    Args:
        automaton: ``rewarded()``; Z may be infinite at the given beta.
        beta: at which R of the automaton is r / beta.

    Raises:
        Undecided: the sign of a cycle's reward, or the root, is not settled.
    """
    found: arb | None = None
    components = automaton.graph.components()
    if not components:
        return CriticalBeta(None, "there are finitely many strings, so Z is finite at every beta")
    for component in components:
        t = _critical_on(automaton, component)
        if t is not None:
            found = t if found is None else arb.min(found, t)
    if found is None:
        return CriticalBeta(None, "no cycle has a positive reward, so Z is finite at every beta")
    cycles = [cycle for component in components if (cycle := gaining_cycle(automaton, component))]
    best = max(cycles, key=lambda steps: _mean_reward(automaton, steps), default=[])
    tokens = tuple(automaton.alphabet[automaton.token[step]] for step in best)
    return CriticalBeta(arb(beta) / found, cycle=tokens)


def _critical_on(automaton: Automaton, component: Index) -> arb | None:
    """The t at which the spectral radius on one strongly connected set is 1; None where it stays below."""
    radius = RadiusAlong(automaton, component, tempered=False)
    low, high = arb(0), arb(1)
    for doubling in range(_MOST_DOUBLINGS):
        if radius.log(high) > 0:
            break
        if doubling == 4 and not _gains(automaton, component):
            return None
        low, high = high, 2 * high
    else:
        raise Undecided(f"the critical beta lies below 2^-{_MOST_DOUBLINGS} of the given one")
    for _ in range(_MOST_DOUBLINGS if low == 0 else 0):  # Z is infinite already: down to where it is finite
        half = (high / 2).mid()
        if radius.log(half) > 0:
            high = half
        else:
            low = half
            break
    for _ in range(24):
        middle = ((low + high) / 2).mid()
        if radius.log(middle) > 0:
            high = middle
        else:
            low = middle
    return certified_root(radius.log, low, high, "the critical beta")


def gaining_cycle(automaton: Automaton, component: Index) -> list[int]:
    """The steps of the cycle of largest mean reward, in float64, if its reward is certainly positive; else none.

    Source: Karp (1978), A characterization of the minimum cycle mean in a digraph. Cost: O(states x arcs).
    """
    steps, source, target = automaton.graph.inside(component)
    size = len(component)
    if size * len(steps) > _MOST_COMPARISONS:
        return []
    gain = automaton.floats()[1][steps]
    best = np.full((size + 1, size), -np.inf)
    best[0, 0] = 0.0
    came = np.full((size + 1, size), -1, dtype=np.int64)
    for length in range(size):
        for k, (i, j) in enumerate(zip(source.tolist(), target.tolist(), strict=True)):
            if best[length, i] + gain[k] > best[length + 1, j]:
                best[length + 1, j], came[length + 1, j] = best[length, i] + gain[k], k
    candidates = []
    for end in np.flatnonzero(best[size] > -np.inf).tolist():
        walk: list[int] = []
        at = end
        for length in range(size, 0, -1):
            walk.append(int(came[length, at]))
            at = int(source[walk[-1]])
        candidates += _cycles(walk[::-1], source, target)
    found = [[int(steps[k]) for k in cycle] for cycle in candidates]
    chosen = max(found, key=lambda cycle: _mean_reward(automaton, cycle), default=[])
    exponent, factor = fmpq(0), fmpq(1)
    for step in chosen:
        exponent, factor = exponent + automaton.reward[step].exponent, factor * automaton.reward[step].factor
    return chosen if chosen and _above((exponent, factor), (fmpq(0), fmpq(1))) else []


def _cycles(walk: list[int], source: Index, target: Index) -> list[list[int]]:
    """The simple cycles that a walk closes on its way."""
    found, open_arcs, place = [], list[int](), {int(source[walk[0]]): 0}
    for arc in walk:
        open_arcs.append(arc)
        at = int(target[arc])
        if at in place:
            found.append(open_arcs[place[at] :])
            for closed in open_arcs[place[at] : -1]:
                del place[int(target[closed])]
            del open_arcs[place[at] :]
        else:
            place[at] = len(open_arcs)
    return found


def _mean_reward(automaton: Automaton, steps: list[int]) -> float:
    rewards = automaton.floats()[1]
    return float(rewards[steps].mean())


def _gains(automaton: Automaton, component: Index) -> bool:
    """Whether some cycle has a positive reward: longest walks that still grow after as many rounds as there are states.

    Sums a + log x of rewards are compared exactly: a + log x = 0 only for a = 0, x = 1 (Lindemann).

    Raises:
        Undecided: too many comparisons.
    """
    steps, source, target = automaton.graph.inside(component)
    best: dict[tuple[int, int], tuple[fmpq, fmpq]] = {}
    for step, i, j in zip(steps.tolist(), source.tolist(), target.tolist(), strict=True):
        reward = automaton.reward[step]
        pair = (reward.exponent, reward.factor)
        if (i, j) not in best or _above(pair, best[i, j]):
            best[i, j] = pair
    size = len(component)
    if size * len(best) > _MOST_COMPARISONS:
        raise Undecided(f"whether a cycle of {size} states has a positive reward takes too many comparisons")
    longest = [(fmpq(0), fmpq(1))] * size
    for _ in range(size + 1):
        grown = False
        for (i, j), (a, x) in best.items():
            walk = (longest[j][0] + a, longest[j][1] * x)
            if _above(walk, longest[i]):
                longest[i], grown = walk, True
        if not grown:
            return False
    return True


def _above(one: tuple[fmpq, fmpq], two: tuple[fmpq, fmpq]) -> bool:
    """Whether a + log x of the first is larger."""
    exponent, factor = one[0] - two[0], one[1] / two[1]
    if factor == 1:
        return bool(exponent > 0)
    if exponent == 0:
        return bool(factor > 1)
    return sign(lambda: arb(factor).log() + exponent, lambda: False) > 0


__all__ = ["CriticalBeta", "critical_beta", "gaining_cycle"]
