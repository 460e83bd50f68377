"""What cuts keep of many next-token laws at once, in float64, wherever its error cannot change the answer.

A row holds the weights of one law as float64 numbers within 2^-51 of the true ones, relatively. Two weights of a row
are made the same number where they are formally equal, and a row is given up where others lie closer than ``_APART``:
so the order of a row's tokens is exact. What is left to decide compares a mass or a threshold:

- y = w^p is off by at most 8 x 2^-51 + 2^-49 < 2^-47 for p <= 8, elementary functions being right to 2^-49 (theirs is
  a few units in the last place), and a sum of m of them by m 2^-53 more: both sides of a comparison together by less
  than 2^-45 + m 2^-51, which ``_slack`` is a large multiple of;
- s = log(sum) - log y and the entropy are off by at most 2^-44 + m 2^-51 times 1 + the largest |log y| + |log sum|.

A row in which some comparison is closer than that is not sure: exact arithmetic decides it (``theory.adaptors.cuts``).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from theory.adaptors.chains import Adaptor, Chain
from theory.arithmetic.exact import to_float, whole_numbers
from theory.arithmetic.formal import FormalSum
from theory.language_models.tree import Mask

Floats = NDArray[np.float64]
Scalar = TypeVar("Scalar", bound=np.generic)

_APART = 2.0**-40
"""Unequal weights of a row differ by more, relatively; also the least slack of a comparison."""

_LEAST, _MOST = fmpq(1, 8), fmpq(8)
"""Powers of weights between which the bounds hold."""

_SMALLEST = 1e-30
"""Smaller weights, relative to the largest of their row, are left to exact arithmetic: their powers may underflow."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Next-token laws of m tokens each.

    Args:
        weight: as the module says, the largest of each row being 1; shape (rows, m).
        known: the rows whose order is exact; shape (rows,).
        alike: the first token of equal weight; shape (rows, m).
    """

    weight: Floats
    known: Mask
    alike: NDArray[np.int64]

    @staticmethod
    def of(weight: Floats, formal: Sequence[Sequence[FormalSum]], accurate: Mask) -> Rows:
        """Rows of weights in any scale.

        Args:
            weight: each within 2^-52 of the true one, relatively; shape (rows, m).
            formal: the weights of each row exactly.
            accurate: the rows of which that is true; shape (rows,).
        """
        weight = np.where(accurate[:, None], weight, 1.0)
        weight = weight / weight.max(axis=1, keepdims=True)
        known = accurate & _every(weight >= _SMALLEST)
        order = np.argsort(-weight, axis=1, kind="stable")
        ordered = _ordered(weight, order)
        close = (ordered[:, :-1] - ordered[:, 1:] <= _APART * ordered[:, :-1]) & known[:, None]
        alike = np.broadcast_to(np.arange(weight.shape[1]), weight.shape).copy()
        for row, place in np.argwhere(close).tolist():
            if not known[row]:
                continue
            first, second = int(order[row, place]), int(order[row, place + 1])
            if formal[row][first].equals(formal[row][second]):
                alike[row, second] = alike[row, first]
            else:
                known[row] = False
        alike = _earliest(alike)
        return Rows(_ordered(weight, alike), known, alike)

    def cut(self, steps: Chain) -> tuple[Mask, Mask]:
        """(what the chain keeps, shape (rows, m); the rows in which that is certain, shape (rows,))."""
        alive, sure, power = np.ones(self.weight.shape, dtype=bool), self.known.copy(), fmpq(1)
        cut = False
        for step in steps:
            if step.name == "temperature":
                power /= step.value
            elif not _LEAST <= power <= _MOST:
                return alive, np.zeros_like(sure)
            else:
                law = _Law.of(self, alive, power) if cut else _uncut(self, whole_numbers(power))
                kept, certain = _CUTS[step.name](law, step)
                alive, sure, cut = kept & alive, sure & certain, True
        return alive, sure


def _ordered(values: NDArray[Scalar], order: NDArray[np.int64]) -> NDArray[Scalar]:
    """The values of each row in an order, shape (rows, m); numpy's take_along_axis takes five times as long."""
    return values[np.arange(len(order))[:, None], order]


def _every(mask: Mask) -> Mask:
    """Whether all of a row hold."""
    found: Mask = np.logical_and.reduce(mask, axis=1)
    return found


def _earliest(alike: NDArray[np.int64]) -> NDArray[np.int64]:
    """The least token of each class: ``alike`` names one member, the first that was met."""
    least = np.full(alike.shape, alike.shape[1])
    rows = np.arange(len(alike))[:, None]
    np.minimum.at(least, (np.broadcast_to(rows, alike.shape), alike), np.arange(alike.shape[1])[None, :])
    return _ordered(least, alike)


def handles(steps: Chain) -> bool:
    """Whether a chain consists of steps that are decided here, without options."""
    return all(step.name == "temperature" or (step.name in _CUTS and not step.options) for step in steps)


@dataclass(frozen=True, slots=True, eq=False)
class _Law:
    """The tokens that are left of each row.

    Args:
        rows: all tokens.
        alive: those that are left; shape (rows, m).
        power: p.
        weight: w^p, 0 where a token is cut; shape (rows, m).
        total: their sum; shape (rows, 1).
        falling: the tokens by falling weight, equal ones in their order, those that are cut last; shape (rows, m).
        slack: of a comparison of sums, relative to both sides.
    """

    rows: Rows
    alive: Mask
    power: float
    weight: Floats
    total: Floats
    falling: NDArray[np.int64]
    slack: float

    @staticmethod
    def of(rows: Rows, alive: Mask, power: fmpq) -> _Law:
        raised = rows.weight if power == 1 else rows.weight ** to_float(power)
        weight = np.where(alive, raised, 0.0)
        slack = _APART * (1 + weight.shape[1] / 256)
        total, falling = weight.sum(axis=1, keepdims=True), _order(alive, -rows.weight)
        return _Law(rows, alive, to_float(power), weight, total, falling, slack)

    def reaching(self, order: NDArray[np.int64], value: float) -> tuple[NDArray[np.int64], Mask]:
        """(the length of the shortest run in this order whose mass reaches the value, whether it is certain)."""
        mass = np.cumsum(_ordered(self.weight, order), axis=1)
        wanted = value * self.total
        sure = _every(np.abs(mass - wanted) > self.slack * self.total)
        return (mass < wanted).sum(axis=1) + 1, sure

    def passing(self, passes: Mask) -> Mask:
        """What passes, or the most probable token where nothing does."""
        none = _every(~(passes & self.alive))
        best = _first(self.falling, np.ones(len(none), dtype=np.int64))
        return np.where(none[:, None], best, passes)

    def at_least(self, limit: Floats) -> tuple[Mask, Mask]:
        """(weight >= limit, whether it is certain), shapes (rows, m)."""
        return self.weight >= limit, ~self.alive | (np.abs(self.weight - limit) > self.slack * (self.weight + limit))

    def surprisals(self) -> tuple[Floats, Floats, Floats]:
        """(-log p of each token, the entropy, a bound of the error of their difference): (rows, m), twice (rows, 1).

        Tokens of equal weight have the same number.
        """
        logs = _ordered(np.log(self.rows.weight) * self.power, self.rows.alike)
        whole = np.log(self.total)
        found = whole - logs
        entropy = (self.weight * found).sum(axis=1, keepdims=True) / self.total
        return found, entropy, self.slack * (1 + np.abs(logs).max(axis=1, keepdims=True) + np.abs(whole))


@functools.lru_cache(maxsize=16)
def _uncut(rows: Rows, power: tuple[int, ...]) -> _Law:
    """All tokens; kept, because most chains begin with them."""
    return _Law.of(rows, np.ones(rows.weight.shape, dtype=bool), fmpq(*power))


def _order(alive: Mask, key: Floats) -> NDArray[np.int64]:
    """The tokens by rising key, equal ones in their order, those that are cut last."""
    return np.argsort(np.where(alive, key, np.inf), axis=1, kind="stable")


def _first(order: NDArray[np.int64], count: NDArray[np.int64]) -> Mask:
    """The first ``count`` tokens of each row's order."""
    kept = np.zeros(order.shape, dtype=bool)
    kept[np.arange(len(order))[:, None], order] = np.arange(order.shape[1]) < count[:, None]
    return kept


Decided = tuple[Mask, Mask]
"""What is kept, shape (rows, m), and where that is certain, shape (rows,)."""


def _top_k(law: _Law, step: Adaptor) -> Decided:
    count = np.minimum(law.alive.sum(axis=1), min(int(step.value.p), law.alive.shape[1]))
    return _first(law.falling, count), np.ones(len(count), dtype=bool)


def _nucleus(law: _Law, step: Adaptor) -> Decided:
    if step.value == 1:
        return law.alive, np.ones(len(law.alive), dtype=bool)
    count, sure = law.reaching(law.falling, to_float(step.value))
    return _first(law.falling, count), sure


def _typical(law: _Law, step: Adaptor) -> Decided:
    """Distances that are not of equal weights must lie apart as far as the run goes, and one place further."""
    if step.value == 1:
        return law.alive, np.ones(len(law.alive), dtype=bool)
    surprisal, entropy, error = law.surprisals()
    distance = np.abs(surprisal - entropy)
    order = _order(law.alive, distance)
    count, sure = law.reaching(order, to_float(step.value))
    there, alike, ordered = (_ordered(values, order) for values in (law.alive, law.rows.alike, distance))
    tied = (ordered[:, 1:] - ordered[:, :-1] <= 2 * error) & (alike[:, 1:] != alike[:, :-1]) & there[:, 1:]
    within = np.arange(1, order.shape[1]) <= count[:, None]
    return _first(order, count), sure & _every(~(tied & within))


def _epsilon(law: _Law, step: Adaptor) -> Decided:
    passes, sure = law.at_least(to_float(step.value) * law.total)
    return law.passing(passes), _every(sure)


def _min_p(law: _Law, step: Adaptor) -> Decided:
    passes, sure = law.at_least(to_float(step.value) * law.weight.max(axis=1, keepdims=True))
    return law.passing(passes), _every(sure)


def _eta(law: _Law, step: Adaptor) -> Decided:
    """p >= min(e, sqrt(e) exp(-H)): either of the two suffices."""
    value = to_float(step.value)
    above, sure = law.at_least(value * law.total)
    surprisal, entropy, error = law.surprisals()
    gap = 2 * (entropy - surprisal) - np.log(value)
    certain = np.abs(gap) > 4 * error + _APART
    typical = gap >= 0
    told = (sure & certain) | (sure & above) | (certain & typical) | ~law.alive
    return law.passing(above | typical), _every(told)


_CUTS: dict[str, Callable[[_Law, Adaptor], Decided]] = {
    "top_k": _top_k,
    "nucleus": _nucleus,
    "typical": _typical,
    "epsilon": _epsilon,
    "min_p": _min_p,
    "eta": _eta,
}


__all__ = ["Rows", "handles"]
