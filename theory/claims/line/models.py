"""What the claims on the line share: corpora of a given size, and the band around H that typical ones lie in."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from flint import arb, fmpq, fmpz

from theory.arithmetic.exact import Array, Exact, ball, objects, precision
from theory.claims.claim import Case, Profile
from theory.claims.instances import (
    integer_cases,
)
from theory.corpora.enumeration import Corpora, all_corpora, counts_of
from theory.corpora.large_deviations import (
    Departure,
    departure,
)
from theory.models.finite import FiniteModel
from theory.specification.finite import parse_specification


@dataclass(frozen=True, eq=False)
class SizedCorpus:
    """A model, a corpus size N, a half-width eps in nats, and all corpora of that size."""

    found: FiniteModel
    size: int
    epsilon: fmpq
    corpora: Corpora

    @cached_property
    def deviation(self) -> Array:
        """Ibar - H of every corpus, nats."""
        surprisal, entropy = self.found.numbers.surprisal, self.found.mean.entropy
        return objects((row * surprisal).sum() / self.size - entropy for row in self.corpora.counts.astype(object))

    def probability(self, event: Array) -> Exact:
        """The probability of a boolean event, rational where p+ is."""
        return self.corpora.prob[event].sum() if event.any() else fmpq(0)


def sized(cases: Sequence[Case], sizes: Sequence[int], epsilon: fmpq, most: int = 5) -> Iterator[Case]:
    """The cases of at most ``most`` strings, at each corpus size."""
    for one in cases:
        found: FiniteModel = one.content
        if len(found.aligned) <= most:
            for size in sizes:
                corpora = all_corpora(found.numbers, size, found.aligned.exact_prob())
                yield Case(f"{one.name}, N = {size}", SizedCorpus(found, size, epsilon, corpora), one.spec)


def certainly(values: Array, above: Exact) -> Array:
    """Mask of values > above, each decided."""
    return np.array([bool(v > above) for v in values])


def outside_probability(content: SizedCorpus) -> Exact:
    """P(|Ibar - H| >= eps)."""
    inside = certainly(content.deviation, -content.epsilon) & certainly(-content.deviation, -content.epsilon)
    return content.probability(~inside)


def varied_cases(profile: Profile) -> Iterator[Case]:
    """The smallest tables whose surprisal varies, with N up to 4 and several eps."""
    for one in integer_cases(profile):
        if not one.content.mean.constant.surprisal:
            for epsilon in (fmpq(1, 10), fmpq(1, 2)):
                yield from sized([one], (1, 2, 3, 4), epsilon)


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """A model and the half-width eps of its typical band, nats; with corpus sizes at which P is counted.

    Args:
        sizes: numbers of strings N, 1 and above.
    """

    found: FiniteModel
    epsilon: fmpq
    sizes: tuple[int, ...] = ()

    def threshold(self, side: int) -> arb:
        """H - eps (side -1) or H + eps (side 1)."""
        edge: arb = self.found.mean.entropy + ball(self.epsilon) * side
        return edge

    def departure(self, side: int) -> Departure | None:
        """The cheapest law on that edge of the band; None where no string is that far from H."""
        x = self.threshold(side)
        if not any((i - x) * side > 0 for i in self.found.numbers.surprisal):
            return None
        return departure(self.found.numbers.prob, x)

    def departures(self) -> list[tuple[int, Departure]]:
        """Those of both sides that exist."""
        return [(side, law) for side in (-1, 1) if (law := self.departure(side)) is not None]


def banded(
    cases: Iterable[Case], epsilons: Sequence[fmpq], sizes: tuple[int, ...] = (), *, sized: bool = False
) -> Iterator[Case]:
    """The cases with V > 0 at each half-width, which their specification has; ``sized`` names the largest N too."""
    for one in cases:
        if one.content.mean.constant.surprisal:
            continue
        for epsilon in epsilons:
            extra = f'\n[corpus]\nsize = {max(sizes, default=1)}\nepsilon = "{epsilon}"\n' if one.spec else ""
            at = f", N up to {max(sizes)}" if sized else ""
            yield Case(f"{one.name}, eps = {epsilon}{at}", Band(one.content, epsilon, sizes), one.spec + extra)


def replay_band(spec: str) -> Band:
    """The band, with corpora up to its size, that a witness's specification describes.

    Raises:
        ValueError: the specification has no [corpus].
    """
    with precision():
        read = parse_specification(spec)
        if read.corpus is None:
            raise ValueError("the specification needs [corpus] with size and epsilon")
        return Band(FiniteModel.of(read.aligned), read.corpus.epsilon, tuple(range(1, read.corpus.size + 1)))


def counted(found: FiniteModel, size: int) -> Iterator[tuple[arb, fmpq]]:
    """(Ibar - H, probability) of every count vector of the strings' distinct p+, in rationals.

    Cost: C(N + m - 1, m - 1) for m distinct values. p+ must be rational.
    """
    strings = list(found.mass())
    values = {p: -arb(p).log() - found.mean.entropy for p in strings}
    masses = [p * strings.count(p) for p in values]
    for counts in counts_of(len(values), size):
        ways = fmpz(math.factorial(size) // math.prod(math.factorial(k) for k in counts))
        mass = math.prod((p**k for p, k in zip(masses, counts, strict=True)), start=fmpq(ways))
        total = sum((i * k for i, k in zip(values.values(), counts, strict=True)), arb(0))
        yield total / size, mass
