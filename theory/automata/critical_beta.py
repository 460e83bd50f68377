"""The critical beta of an automaton: the largest beta at which Z = sum p e^{r/beta} is infinite.

Along t, with R = r / beta at t = 1, the sum of p e^{tR} is that at beta / t, and finite iff the spectral radius of
M(1, t) is below 1. log rho is convex in t (Kingman 1961) and negative at t = 0, so it meets 0 at most once, and does
iff some cycle has a positive reward: then rho grows without end, and else it never grows.
"""

from __future__ import annotations

from dataclasses import dataclass

from flint import arb, fmpq

from theory.arithmetic.exact import Undecided, sign
from theory.automata.spectral_radius import RadiusAlong, certified_root
from theory.language_models.automaton import Automaton, Index

_MOST_DOUBLINGS = 60
_MOST_COMPARISONS = 200_000


@dataclass(frozen=True, slots=True)
class CriticalBeta:
    """The critical beta in reward units per nat, or why there is none."""

    value: arb | None
    reason: str = ""


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
    return CriticalBeta(arb(beta) / found)


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


__all__ = ["CriticalBeta", "critical_beta"]
