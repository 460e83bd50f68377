"""What moves where: an adaptor's means against those of p+, what any law reaches, and where cooling changes its way.

Along global temperature 1/tau, dE L/dtau = -Cov(L, I) and dE R/dtau = -Cov(R, I) under the law at tau. What a small
further cooling does changes where one of the two covariances changes its sign.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from theory.adaptors.exact import chain
from theory.adaptors.moments import Moments
from theory.arithmetic.exact import Real, ball, rational, to_float, widen
from theory.models.long_table import ROUNDING
from theory.models.model import Adaptation, AlignedModel
from theory.quantities.cooling import UNDECIDED, WORDS

Floats = NDArray[np.float64]

Slopes = Callable[[float], tuple[float, float] | None]
"""dE L/dtau and dE R/dtau at tau; None where there is no law, or no sign."""

EFFECTS = WORDS | {
    (-1, -1): "lowers both",
    (0, 1): "raises R",
    (0, -1): "lowers R",
    (1, 0): "raises L",
    (-1, 0): "lowers L",
}
"""What an adaptor does, from the signs of its changes of E L and E R."""

_HOTTEST, _COLDEST = 16.0, 1 / 16
_STEPS, _STEPS_OF_LONG, _STEPS_OF_AUTOMATA = 129, 33, 13
_LONG, _MOST_STATES = 20_000, 12
_CLOSE = 1e-9
_LOOSE = 1e-9
"""What float64 sums over infinitely many strings may be off by, relatively."""


def effect(model: AlignedModel, found: Adaptation) -> str:
    """What an adaptor does to E L and E R of p+: one of ``EFFECTS``, or "UNDECIDED"."""
    if found.moments is None:
        return UNDECIDED
    if not [step for step in found.steps if not _does_nothing(step.name, to_float(step.value))]:
        return EFFECTS[0, 0]
    signs = []
    for constant, before, after in (
        (model.mean.constant.log_prior, model.mean.mean_log_prior, found.moments.mean_log_prior),
        (model.mean.constant.reward, model.mean.mean_reward, found.moments.mean_reward),
    ):
        gap = after - before
        if model.mean.bits is not None and found.moments.bits is None:  # float64 beside balls
            gap = widen(ball(to_float(gap)), ball(_LOOSE * (1 + abs(to_float(before)))))
        signs.append(0 if constant else _sign(gap, model.mean.bits))
    if None in signs:
        return EFFECTS[0, 0] if model.keeps_all(found) else UNDECIDED
    return EFFECTS[signs[0] or 0, signs[1] or 0]


def _does_nothing(name: str, value: float) -> bool:
    return (name in {"temperature", "nucleus", "typical"} and value == 1) or (name == "min_p" and value == 0)


def _sign(gap: Real, bits: int | None) -> int | None:
    """The certain sign of a number that is not known to be 0; None where none is certain."""
    if bits is None and abs(to_float(gap)) <= ROUNDING:
        return None
    return 1 if bool(gap > 0) else -1 if bool(gap < 0) else None


def reach(model: AlignedModel) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """The least and the largest L, and R, of a string of p+: no law of these strings has means beyond them; nats.

    None for infinitely many strings.
    """
    rows = model.plane()
    if rows is None:
        return None
    log_prior, reward, _ = rows
    return (float(log_prior.min()), float(log_prior.max())), (float(reward.min()), float(reward.max()))


@dataclass(frozen=True, slots=True)
class Turn:
    """Where cooling changes its way: at this temperature, from what it did above to what it does below."""

    temperature: float
    above: str
    below: str


def turns(model: AlignedModel) -> tuple[Turn, ...] | None:
    """The temperatures from 16 to 1/16 at which a small further cooling of p+ changes what it does, falling.

    A scan in float64 of 129 temperatures (33 for more than 20,000 strings; 13 between 4 and 1/4 for automata and
    back-off models), each change then located to nine digits. Two changes between neighbours of the scan are not seen.
    None for an automaton or a back-off model of more than 12 states. Cost: O(n) per temperature.
    """
    rows = model.plane()
    if rows is not None:
        at: Slopes = _SlopesOfStrings(*rows)
        grid = np.geomspace(1 / _HOTTEST, 1 / _COLDEST, _STEPS if len(rows[0]) <= _LONG else _STEPS_OF_LONG)
    elif model.states is not None and model.states <= _MOST_STATES:
        at = _SlopesOfModel(model)
        grid = np.geomspace(1 / 4, 4, _STEPS_OF_AUTOMATA)
    else:
        return None
    found = [(float(tau), slopes) for tau in grid if (slopes := at(float(tau))) is not None]
    changes = []
    for (low, before), (high, after) in itertools.pairwise(found):
        for k in (0, 1):
            if before[k] * after[k] < 0:
                changes.append((_root(at, k, low, high, before[k], after[k]), k))
    made = []
    for tau, k in sorted(changes):
        around = at(tau)
        if around is None:
            continue
        above, below = list(around), list(around)
        index = next(i for i, (one, _) in enumerate(found) if one >= tau)
        above[k], below[k] = found[index - 1][1][k], found[index][1][k]
        made.append(Turn(1 / tau, _words(above), _words(below)))
    return tuple(made)


def _words(slopes: list[float]) -> str:
    signs = tuple(0 if slope == 0 else 1 if slope > 0 else -1 for slope in slopes)
    return EFFECTS[signs[0], signs[1]]


@dataclass(frozen=True, slots=True, eq=False)
class _SlopesOfStrings:
    """The slopes of E L and E R in tau at any tau, from the strings; None where float64 does not tell their signs."""

    log_prior: Floats
    reward: Floats
    surprisal: Floats

    def __call__(self, tau: float) -> tuple[float, float] | None:
        # measured from the likeliest string, on which nearly all mass may lie: the others then keep their digits
        top = int(self.surprisal.argmin())
        above = self.surprisal - self.surprisal[top]
        weight = np.exp(-tau * above)
        weight /= weight.sum()
        from_i = above - weight @ above
        variance = float(weight @ from_i**2)
        found = []
        for row in (self.log_prior, self.reward):
            values = row - row[top]
            slope = -float((weight * from_i) @ values)
            spread = math.sqrt(variance * float(weight @ (values - weight @ values) ** 2))
            found.append(0.0 if abs(slope) <= 1e3 * ROUNDING * spread else slope)
        return (found[0], found[1]) if variance > 0 else None


@dataclass(frozen=True, slots=True, eq=False)
class _SlopesOfModel:
    """The same of a model of infinitely many strings; None where there is no law at this temperature."""

    model: AlignedModel

    def __call__(self, tau: float) -> tuple[float, float] | None:
        found: Moments | None = self.model.adapted(chain(("temperature", 1 / rational(tau))), "global").moments
        if found is None or found.constant.surprisal:
            return None
        slope_l = -to_float(found.cov_log_prior_surprisal)
        return slope_l, to_float(found.var_surprisal) - slope_l


def _root(slopes: Slopes, k: int, low: float, high: float, at_low: float, at_high: float) -> float:
    """Where the k-th slope, of opposite signs at the ends, is 0: regula falsi with halved ends (Illinois)."""
    for _ in range(60):
        middle = (low * at_high - high * at_low) / (at_high - at_low)
        value = (slopes(middle) or (0.0, 0.0))[k]
        if value == 0 or high - low <= _CLOSE * high:
            return middle
        if value * at_high < 0:
            low, at_low = high, at_high
        else:
            at_low /= 2
        last, high, at_high = high, middle, value
        if abs(last - high) <= _CLOSE * abs(high):
            return high
    return high


__all__ = ["EFFECTS", "Turn", "effect", "reach", "turns"]
