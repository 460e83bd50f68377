"""The temperature and the cuts behind log-probabilities that came: looked for on a grid, by what they do to numbers.

With log p of the ids in descending order and C_n(T) = sum_{j <= n} p_j^(1/T), a temperature, top-k and nucleus leave
the first n ids, and the drawn id at rank r has log q = log p_r / T - log C_n(T). n follows from k and from the mass of
the nucleus, which is of the heated law where the temperature comes first, as in vLLM and transformers, and of the
model's own law where it comes last, as in llama.cpp. One sort of each law gives the numbers of every setting.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from simulations.bridge.given_numbers import Case, Floats, Transform, agree, slack, transforms
from theory.adaptors.exact import chain

FEWEST = 4
"""Numbers that came which a search needs: with fewer, one of its many settings fits by chance."""

_TEMPERATURES = range(5, 201)
"""Hundredths."""

_TOP_K = (0, *range(1, 101), 128, 150, 200, 250, 256, 300, 400, 500, 512, 1000, 1024)
"""0: none."""

_NUCLEUS = (1000, *range(500, 1000, 10), 995, 999)
"""Thousandths of the mass; 1000: none."""

_ENOUGH = 8
"""Tokens of the string that the whole grid is compared with, where there is one."""

_ON = 1e-12


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of a sampler.

    Args:
        temperature: in hundredths.
        top_k: 0 for none.
        nucleus: in thousandths; 1000 for none.
        last: whether the temperature comes after the cuts.
    """

    temperature: int = 100
    top_k: int = 0
    nucleus: int = 1000
    last: bool = False

    @property
    def words(self) -> str:
        """As a diagnosis names it."""
        heated = [("temperature", str(Fraction(self.temperature, 100)))] if self.temperature != 100 else []
        cuts = [("top_k", str(self.top_k))] if self.top_k else []
        cuts += [("nucleus", str(Fraction(self.nucleus, 1000)))] if self.nucleus != 1000 else []
        steps = chain(*(cuts + heated if self.last else heated + cuts))
        return f"after temperature and cuts: {steps}" if heated and cuts else f"after {'cuts: ' * bool(cuts)}{steps}"

    @property
    def oddness(self) -> tuple[int, ...]:
        """Small for what people set: few steps, round numbers, the temperature first."""
        steps = (self.temperature != 100) + (self.top_k > 0) + (self.nucleus != 1000)
        rough = sum(value % by != 0 for value in (self.temperature, self.top_k) for by in (5, 10))
        return steps, rough + sum(self.nucleus % by != 0 for by in (10, 50)), self.last


@dataclass(frozen=True, slots=True, eq=False)
class _Laws:
    """The laws of one string in descending order.

    Args:
        case: the string.
        sorted: log p, shape (T, V).
        rank: of the tokens that were drawn, from 0, shape (T,).
    """

    case: Case
    sorted: Floats
    rank: NDArray[np.int64]

    @staticmethod
    def of(case: Case) -> _Laws:
        tokens = np.array(case.tokens)
        drawn = case.law[np.arange(len(tokens)), tokens][:, None]
        earlier = np.arange(case.law.shape[1])[None] < tokens[:, None]
        rank = ((case.law > drawn) | ((case.law == drawn) & earlier)).sum(axis=1)
        return _Laws(case, -np.sort(-case.law, axis=1), rank)

    def heated(self, temperature: int) -> tuple[Floats, Floats]:
        """(log p / T less its first, C of every length) of a temperature in hundredths."""
        weight = (self.sorted - self.sorted[:, :1]) * (100 / temperature)
        return weight, np.cumsum(np.exp(weight), axis=1)

    def numbers(self, temperature: int, top_k: Sequence[int], nucleus: Sequence[int], *, last: bool) -> Floats:
        """log q of every drawn token under every k with every mass, shape (T, K * M); -inf where it is cut."""
        weight, mass = self.heated(temperature)
        deciding = self.heated(100)[1] if last else mass
        size = mass.shape[1]
        kept = np.array([k - 1 if 0 < k < size else size - 1 for k in top_k])
        share = np.array(nucleus) / 1000 * (1 - _ON)
        whole = np.array(nucleus) == 1000
        found = np.empty((len(weight), len(kept) * len(share)))
        for row, (own, heated, sums, rank) in enumerate(zip(deciding, weight, mass, self.rank, strict=True)):
            end = np.minimum(np.searchsorted(own, own[kept][:, None] * share[None]), kept[:, None])
            end = np.where(whole[None], kept[:, None], end)
            found[row] = np.where(rank > end, -np.inf, heated[rank] - np.log(sums[end])).ravel()
        return found


def sampler(cases: Sequence[Case]) -> tuple[Setting, Transform] | None:
    """The setting, and the units, in which the models' laws give the numbers that came; None where none does.

    Of several that give them, as masses between which no id lies, the most usual one.
    """
    if sum(case.given.size for case in cases) < FEWEST:
        return None
    by_length = sorted(cases, key=lambda case: len(case.tokens))
    first = next((case for case in by_length if len(case.tokens) >= _ENOUGH), by_length[-1])
    laws = [_Laws.of(first), *(_Laws.of(case) for case in cases if case is not first)]
    units = list(transforms(cases))
    for setting, unit in sorted(_candidates(laws[0], units), key=lambda one: one[0].oddness):
        if all(_gives(own, setting, unit) for own in laws[1:]):
            return setting, unit
    return None


def _gives(laws: _Laws, setting: Setting, unit: Transform) -> bool:
    numbers = laws.numbers(setting.temperature, [setting.top_k], [setting.nucleus], last=setting.last)
    return agree(unit, [numbers[:, 0]], [laws.case])


def _candidates(laws: _Laws, units: Sequence[Transform]) -> Iterator[tuple[Setting, Transform]]:
    """What gives the numbers of one string."""
    pairs = [(k, m) for k in _TOP_K for m in _NUCLEUS]
    for temperature in _TEMPERATURES:
        whole = temperature % 5 == 0
        for last in (False, True) if whole and temperature != 100 else (False,):
            asked = (_TOP_K, _NUCLEUS) if whole else ((0,), (1000,))
            numbers = laws.numbers(temperature, *asked, last=last)
            for unit in units:
                for place in np.flatnonzero(_fits(numbers, laws.case, unit)):
                    k, m = pairs[place]
                    if (temperature, k, m) != (100, 0, 1000) and not (last and (k, m) == (0, 1000)):
                        yield Setting(temperature, k, m, last), unit


def _fits(numbers: Floats, case: Case, unit: Transform) -> NDArray[np.bool_]:
    """Which columns, each a setting's numbers of the tokens, are what came: ``agree`` of many at once."""
    found = numbers.sum(axis=0)[None] if case.single else numbers
    if len(found) != case.given.size:
        return np.zeros(found.shape[1], dtype=bool)
    scale = unit.unit * (len(numbers) if unit.mean and case.single else 1)
    gaps: Floats = np.abs(found / scale - case.given[:, None])
    return np.asarray((gaps <= slack(unit, case)).all(axis=0))


__all__ = ["FEWEST", "Setting", "sampler"]
