"""line.sample-size: how many strings it takes to be typical with a given probability, and how many Chebyshev asks for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from flint import arb, fmpq

from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile, of
from theory.claims.instances import (
    integer_cases,
    named,
    random_laws,
)
from theory.claims.line.models import Band, banded, counted
from theory.corpora.atoms import Atoms, atoms
from theory.corpora.large_deviations import (
    SampleSize,
    chebyshev_excess,
    chebyshev_size,
    excess_slope,
    normal_quantile,
    sample_size,
    size_bracket,
    two_rates,
    typical_probability,
)
from theory.models.finite import FiniteModel


def typical_by_counting(band: Band, size: int) -> fmpq:
    """P(|Ibar - H| < eps) in rationals."""
    return sum((p for gap, p in counted(band.found, size) if abs(gap) < band.epsilon), fmpq(0))


DELTA = fmpq(1, 20)

_KNOWN = {DELTA: fmpq(5206, 1000), fmpq(1, 100): fmpq(15072, 1000)}
"""Chebyshev's excess at these delta, to three digits after the point."""


@dataclass(frozen=True, eq=False)
class Requirement:
    """(eps, delta) for a model, and the numbers of strings found for it; None where only the bracket is asked for."""

    band: Band
    delta: fmpq
    size: SampleSize | None = None

    @property
    def variance(self) -> arb:
        """V, nats^2."""
        variance: arb = self.band.found.mean.var_surprisal
        return variance

    @cached_property
    def third(self) -> arb:
        """E|I - H|^3, nats^3."""
        law = surprisal_atoms(self.band.found)
        return sum((p * abs(x) ** 3 for p, x in zip(law.prob, law.surprisal, strict=True)), arb(0))


@lru_cache(maxsize=64)
def surprisal_atoms(found: FiniteModel) -> Atoms:
    """The law of I."""
    return atoms(found.numbers)


def required(cases: Iterable[Case], delta: fmpq) -> Iterator[Case]:
    """The banded cases with the exact numbers of strings, which the names tell."""
    for one in cases:
        band: Band = one.content
        size = sample_size(surprisal_atoms(band.found), band.found.mean.var_surprisal, band.epsilon, delta)
        name = (
            f"{one.name}, delta = {delta}: N = {size.least} (first {size.first}, Chernoff {size.chernoff}, "
            f"Chebyshev {size.chebyshev})"
        )
        yield Case(name, Requirement(band, delta, size), one.spec)


def _required(content: Requirement) -> Iterator[Finding]:
    size = content.size
    if size is None:
        limit, known = chebyshev_excess(content.delta), _KNOWN[content.delta]
        yield Finding(f"the limit is {known}", fmpq(1, 2000) - abs(limit - known), "positive", clause="limit")
        yield from of("limit", _limit(content, limit))
        return
    yield from of("exact", _far_out(content, size))
    yield from of("exact", _near(content, size))
    yield Finding("least N <= Chebyshev's N", fmpq(size.chebyshev - size.least), "nonnegative", clause="chebyshev")
    if size.first < size.least:
        fall = typical_by_counting(content.band, size.first) - typical_by_counting(content.band, size.least - 1)
        label = f"P at N = {size.first}, less P at N = {size.least - 1}"
        yield Finding(label, fall, "positive", clause="not-monotone")
    low, high = size_bracket(content.variance, content.third, content.band.epsilon, content.delta)
    yield Finding("least N > the lower Berry-Esseen bound", fmpq(size.least - low), "positive", clause="limit")
    yield Finding("least N <= the upper Berry-Esseen bound", fmpq(high - size.least), "nonnegative", clause="limit")


def _far_out(content: Requirement, size: SampleSize) -> Iterator[Finding]:
    """From N = size.chernoff on the sum of the two Chernoff bounds, which falls with N, is at most delta."""
    band, delta = content.band, content.delta
    rates = two_rates(surprisal_atoms(band.found), band.epsilon)
    for rate in rates:
        yield Finding("rate > 0, so that the Chernoff bound falls with N", rate, "positive")
    tail = sum(((-rate * size.chernoff).exp() for rate in rates), arb(0))
    yield Finding(f"delta >= Chernoff bound, N = {size.chernoff}", delta - tail, "nonnegative")
    outside = 1 - typical_by_counting(band, size.chernoff)
    yield Finding(f"Chernoff bound >= P(not typical), N = {size.chernoff}", tail - outside, "nonnegative")


def _near(content: Requirement, size: SampleSize) -> Iterator[Finding]:
    """Every N from size.least up to there, and the N before."""
    band, delta = content.band, content.delta
    law = surprisal_atoms(band.found)
    worst = arb(1)
    for n in range(size.least, size.chernoff):
        worst = arb.min(worst, typical_probability(law, n, band.epsilon) - (1 - delta))
    yield Finding(f"P >= 1 - delta for N = {size.least}..{size.chernoff - 1}, the worst", worst, "nonnegative")
    known = {n: typical_by_counting(band, n) for n in {size.first, size.least, size.least - 1, size.first - 1} if n}
    for n, exact in known.items():
        yield Finding(f"P at N = {n}, corpus law - counting", typical_probability(law, n, band.epsilon) - exact)
        if n in (size.first, size.least):
            yield Finding(f"P >= 1 - delta at N = {n}", exact - (1 - delta), "nonnegative")
        else:
            yield Finding(f"P < 1 - delta at N = {n}", 1 - delta - exact, "positive")


def _limit(content: Requirement, limit: arb) -> Iterator[Finding]:
    """N_Chebyshev / N* between its certified bounds, both within 2 C eps of the limit, relatively."""
    epsilon, delta = content.band.epsilon, content.delta
    low, high = size_bracket(content.variance, content.third, epsilon, delta)
    crude = chebyshev_size(content.variance, epsilon, delta)
    slack = 2 * excess_slope(content.variance, content.third, delta) * epsilon
    for name, n in (("upper", low + 1), ("lower", high)):
        gap = abs(fmpq(crude, n) / limit - 1)
        yield Finding(f"{name} bound of N_Chebyshev / N* over its limit, within 2 C eps", slack - gap, "nonnegative")


def _limit_cases(cases: Iterable[Case], deltas: Sequence[fmpq], powers: Iterable[int]) -> Iterator[Case]:
    for one in banded(cases, [fmpq(1, 10**k) for k in powers]):
        for delta in deltas:
            yield Case(f"{one.name}, delta = {delta}, the ratio's limit", Requirement(one.content, delta), one.spec)


def _sample_size_cases(profile: Profile) -> Iterator[Case]:
    tenth, twentieth, quarter, hundredth = (fmpq(1, k) for k in (10, 20, 4, 100))
    yield from required(banded(named("C4", "C2"), [tenth]), DELTA)
    yield from required(banded(named("C3", "C5"), [quarter]), DELTA)
    yield from required(banded(named("C4"), [fmpq(1, 5)]), quarter)  # one string is enough
    yield from _limit_cases(named("C4"), [DELTA, hundredth], (4, 6) if not profile.full else (4, 5, 6, 7, 8))
    if profile.full:
        yield from required(banded(named("C4", "C2"), [twentieth]), DELTA)
        yield from required(banded(named("C4"), [twentieth]), hundredth)
        yield from required(banded(named("C4"), [fmpq(1, 40)]), DELTA)
        yield from required(banded(named("C1", "C5", "C7"), [quarter]), hundredth)
        few = [one for one in random_laws(profile) if len(one.content.aligned) <= 3]
        yield from required(banded(few[:4], [fmpq(1, 5)]), DELTA)
        yield from _limit_cases(named("C1", "C2", "C3", "C5", "C7"), [DELTA, hundredth], (4, 6))


def _small_requirements(profile: Profile) -> Iterator[Case]:
    return banded(integer_cases(profile), (fmpq(1, 10),), tuple(range(1, 9)))


def _finest(profile: Profile) -> Iterator[Case]:
    return banded(integer_cases(profile), (fmpq(1, 10**6),))


def _one_sided_quantile(band: Band) -> Iterator[Finding]:
    z = normal_quantile(1 - 2 * DELTA)  # z_{1 - delta}
    limit = 1 / (z * z * DELTA)
    yield from _limit(Requirement(band, DELTA), limit)


def _any_delta(band: Band) -> Iterator[Finding]:
    """delta = 3/2: N* = 1, since P >= -1/2; and z_(1/4)^2 = z_(3/4)^2 puts the limit at 1.465."""
    delta, z = fmpq(3, 2), normal_quantile(fmpq(1, 2))
    ratio = chebyshev_size(band.found.mean.var_surprisal, band.epsilon, delta) * z * z * delta
    yield Finding("N_Chebyshev / N* is at most twice its limit, delta = 3/2", 2 - ratio, "nonnegative")


def _first_suffices(band: Band) -> Iterator[Finding]:
    size = sample_size(surprisal_atoms(band.found), band.found.mean.var_surprisal, band.epsilon, DELTA)
    for n in range(size.first, size.least + 1):
        yield Finding(f"P >= 0.95 at N = {n}", typical_by_counting(band, n) - (1 - DELTA), "nonnegative")


def _monotone(band: Band) -> Iterator[Finding]:
    before = fmpq(0)
    for n in band.sizes:
        now = typical_by_counting(band, n)
        yield Finding(f"P(N = {n}) >= P(N = {n - 1})", now - before, "nonnegative")
        before = now


def _one_tail(band: Band) -> Iterator[Finding]:
    law = band.departure(1)
    for n in band.sizes:
        bound = arb(0) if law is None else (-law.rate * n).exp()
        yield Finding(
            f"the upper tail's bound >= P(not typical), N = {n}",
            bound - (1 - typical_by_counting(band, n)),
            "nonnegative",
        )


CLAIM = Claim(
    id="line.sample-size",
    sentence="B",
    clauses=(
        Clause(
            name="exact",
            text="the least number N* of strings from which on a corpus is typical with probability 1 - delta or more is "
            "found exactly",
            formula=r"N^*=\min\{N:P(|\bar I_{N'}-H|<\varepsilon)\ge1-\delta\ \forall N'\ge N\}",
        ),
        Clause(
            name="not-monotone",
            text="the probability of being typical may fall as N grows: on C4 with eps = 1/10 it reaches 0.95 at N = 27, "
            "and from N = 30 on for good",
        ),
        Clause(
            name="chebyshev",
            text="Chebyshev's number, the least N with V/(N eps^2) <= delta, is at least N*",
            formula=r"N^*\le\lceil V/(\delta\varepsilon^2)\rceil",
        ),
        Clause(
            name="limit",
            text="as eps goes to 0, Chebyshev's number over N* tends to 1/(delta z^2), z the standard normal quantile of "
            "1 - delta/2: 5.206 at delta = 0.05",
            formula=r"\frac{\lceil V/(\delta\varepsilon^2)\rceil}{N^*}\to\frac1{\delta z_{1-\delta/2}^2}\ (\varepsilon\to0)",
        ),
    ),
    hypotheses=("finitely many strings and V > 0", "eps > 0 and 0 < delta < 1"),
    source="the exact law of corpus means; Chernoff (1952) beyond; the limit by Berry (1941) and Esseen (1942)",
    check=_required,
    cases=_sample_size_cases,
    controls=(
        Control(
            "first-suffices",
            "stops at the first N at which P >= 1 - delta",
            _first_suffices,
            _small_requirements,
            smallest=True,
        ),
        Control("any-delta", "drops delta < 1 for the limit: delta = 3/2", _any_delta, _finest, smallest=True),
        Control("one-sided-quantile", "uses z_(1-delta) in the limit", _one_sided_quantile, _finest, smallest=True),
        Control(
            "monotone", "says that P(|Ibar - H| < eps) grows with N", _monotone, _small_requirements, smallest=True
        ),
        Control(
            "one-tail", "leaves the lower tail out of the stopping bound", _one_tail, _small_requirements, smallest=True
        ),
    ),
    remark=(
        "P is computed at every N up to the point from which the two Chernoff bounds, which fall with N, add up to "
        "at most delta. The limit is certified too: two bounds that hold for every N enclose the ratio, and both "
        "are within 2 C eps of 5.206 (delta = 0.05) or 15.072 (delta = 0.01), C = 2 B / (z^2 phi(z) sqrt V)."
    ),
    order=2050,
    sketch=r"""
The exact probability of line.exact-typicality, searched for the last $N$ at which it is too small: it is not monotone
in $N$. Chernoff's bound is below $\delta$ for every $N$ from a certain one on, so that the search ends. As
$\varepsilon\to0$ the normal law gives $N^*\approx z^2V/\varepsilon^2$, Chebyshev $V/(\delta\varepsilon^2)$. For $\delta\ge1$ every
$N$ will do: $N^*=1$.
""",
)
