"""The limits of the line (claim B): what leaving it costs, how many strings hold it, what it cannot do without."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from flint import arb, fmpq, fmpz

from theory.arithmetic.exact import Array, ball, precision
from theory.claims.claim import Case, Claim, Control, Finding, Profile
from theory.claims.instances import (
    Instance,
    instance,
    integer_cases,
    law_of,
    named,
    random_laws,
    reference_laws,
    small,
)
from theory.claims.symbolic import mean, proved, simplex, vanishes
from theory.corpora.atoms import Atoms, atoms
from theory.corpora.enumeration import counts_of
from theory.corpora.large_deviations import (
    Departure,
    SampleSize,
    chebyshev_excess,
    chebyshev_size,
    departure,
    excess_slope,
    legendre,
    normal_quantile,
    rate_excess,
    sample_size,
    size_bracket,
    two_rates,
    typical_probability,
)
from theory.probability.concentration import chebyshev
from theory.probability.heavy_tails import (
    CUTOFF,
    TOWER_LOG_PARTITION,
    LogTerm,
    TowerString,
    convex_test,
    integral_test,
    log_law,
    tower_partial_means,
    tower_surprisal_moments,
    tower_typical_probability,
)
from theory.probability.information import cross_entropy, kl_divergence
from theory.specification.finite import parse_specification


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """A model and the half-width eps of its typical band, nats; with corpus sizes at which P is counted.

    Args:
        sizes: numbers of strings N, 1 and above.
    """

    found: Instance
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
        return Band(instance(read.aligned), read.corpus.epsilon, tuple(range(1, read.corpus.size + 1)))


def counted(found: Instance, size: int) -> Iterator[tuple[arb, fmpq]]:
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


def typical_by_counting(band: Band, size: int) -> fmpq:
    """P(|Ibar - H| < eps) in rationals."""
    return sum((p for gap, p in counted(band.found, size) if abs(gap) < band.epsilon), fmpq(0))


def beyond_by_counting(band: Band, size: int, side: int) -> fmpq:
    """P(Ibar >= H + eps), or P(Ibar <= H - eps), in rationals.

    With a rational eps > 0 and a rational p+ no corpus lies on the edge: N eps is then no sum of logarithms.
    """
    return sum((p for gap, p in counted(band.found, size) if gap * side > band.epsilon), fmpq(0))


# --- rate ---------------------------------------------------------------------------------------------------------


def same_cross_entropy(found: Instance, x: arb) -> Iterator[tuple[str, Array]]:
    """Laws q with CE(q) = x: a reference law mixed with the string of the least or of the largest surprisal."""
    surprisal = found.numbers.surprisal
    order = sorted(range(len(surprisal)), key=lambda y: float(surprisal[y]))
    for name, weights in reference_laws(found):
        base = law_of(found, weights).prob
        own = (base * surprisal).sum()
        extreme = order[-1] if own < x else order[0]
        share = (x - own) / (surprisal[extreme] - own)
        mixed = base * (1 - share)
        mixed[extreme] += share
        yield name, mixed


def _rate(band: Band) -> Iterator[Finding]:
    found = band.found
    for side, law in band.departures():
        edge = f"H {'+' if side > 0 else '-'} eps"
        yield Finding(f"CE(q_tau) = {edge}", cross_entropy(law.law, found.numbers.prob) - law.threshold)
        levels = len(set(found.aligned.weight_parts()))
        supremum = legendre(law.family, law.threshold, law.order)
        yield Finding(f"sup_s [s x - log E e^(sI)] = KL(q_tau || p+) at {edge}", supremum - law.rate)
        yield Finding(f"tau {'<' if side > 0 else '>'} 1 at {edge}", law.order * side, "positive")
        for name, q in same_cross_entropy(found, law.threshold):
            cost, distance = kl_divergence(q, found.numbers.prob), kl_divergence(q, law.law)
            yield Finding(f"KL(q||p+) = KL(q_tau||p+) + KL(q||q_tau), q = {name}", cost - law.rate - distance)
            if levels > 2:  # with two levels of p+ the mean of I fixes their masses: q may be q_tau itself
                yield Finding(f"KL(q||p+) > KL(q_tau||p+), q = {name}", cost - law.rate, "positive")
        for size in band.sizes:
            beyond = beyond_by_counting(band, size, side)
            if beyond == 0:  # no corpus of this size lies beyond
                continue
            yield Finding(f"exp(-N rate) > P beyond {edge}, N = {size}", (-law.rate * size).exp() - beyond, "positive")
            excess = rate_excess(law, size)
            if excess is not None:
                gap = law.rate + excess + arb(beyond).log() / size
                yield Finding(f"-(log P)/N < rate + O(N^-1/2) at {edge}, N = {size}", gap, "positive")


def _rate_cases(profile: Profile) -> Iterator[Case]:
    yield from banded([*small(profile), *named("toy")], (fmpq(1, 20), fmpq(1, 5)) if profile.full else (fmpq(1, 20),))
    yield from banded(
        named("C4", "C2"), (fmpq(1, 20), fmpq(1, 10)), (16, 64, 256) if profile.full else (16, 64), sized=True
    )
    yield from banded(named("C5"), (fmpq(1, 5),), (16, 32, 64) if profile.full else (24,), sized=True)


def _smallest_bands(profile: Profile) -> Iterator[Case]:
    return banded(integer_cases(profile), (fmpq(1, 5),))


def _quadratic(band: Band) -> Iterator[Finding]:
    for _, law in band.departures():
        quadratic = ball(band.epsilon) ** 2 / (2 * band.found.mean.var_surprisal)
        yield Finding("rate = eps^2 / (2 V)", law.rate - quadratic)


def _mirrored(band: Band) -> Iterator[Finding]:
    for _, law in band.departures():
        yield Finding("CE(p+^(2 - tau)) = H +- eps", law.family.mean(-law.order) - law.threshold)


def _temperature(band: Band) -> Iterator[Finding]:
    for side, law in band.departures():
        yield Finding(f"tau > 0 at H {'+' if side > 0 else '-'} eps", law.tau, "positive")


def _unconstrained(band: Band) -> Iterator[Finding]:
    for _, law in band.departures():
        for name, weights in reference_laws(band.found):
            cost = kl_divergence(law_of(band.found, weights).prob, band.found.numbers.prob)
            yield Finding(f"KL({name} || p+) >= rate", cost - law.rate, "nonnegative")


def _rate_proof() -> list[str]:
    lines = []
    s, rate_log = sp.symbols("s Lambda", real=True)
    for n in (2, 3, 4):
        q, t = simplex(n), simplex(n, "t")
        logs = sp.symbols(f"logq1:{n + 1}", real=True)
        surprisal = sp.symbols(f"I1:{n + 1}", real=True)
        tilted = [-i + s * i - rate_log for i in surprisal]  # log q_tau = -I + s I - Lambda
        cost = mean(q, [a + i for a, i in zip(logs, surprisal, strict=True)])
        least = mean(t, [a + i for a, i in zip(tilted, surprisal, strict=True)])
        distance = mean(q, [a - b for a, b in zip(logs, tilted, strict=True)])
        same = s * (mean(q, surprisal) - mean(t, surprisal))
        lines.append(
            vanishes(
                cost - least - distance - same,
                f"KL(q||p+) - KL(q_tau||p+) - KL(q||q_tau) = s (CE(q) - CE(q_tau)), n = {n}",
            )
        )
        lines.append(
            vanishes(least - s * mean(t, surprisal) + rate_log, f"KL(q_tau||p+) = s CE(q_tau) - Lambda(s), n = {n}")
        )
        weight = sp.symbols(f"a1:{n + 1}", positive=True)  # a_i = p_i^{1 - s}, so that da_i/ds = I_i a_i
        total = sp.Add(*weight)
        law = [a / total for a in weight]

        def along(f: Any, weight: tuple[Any, ...] = weight, values: tuple[Any, ...] = surprisal) -> Any:
            return sp.Add(*(sp.diff(f, a) * i * a for a, i in zip(weight, values, strict=True)))

        first = mean(law, surprisal)
        lines.append(vanishes(along(sp.log(total)) - first, f"Lambda'(s) = CE(q_(1-s)), n = {n}"))
        square = mean(law, [(i - first) ** 2 for i in surprisal])
        lines.append(vanishes(along(first) - square, f"Lambda''(s) = Var I under q_(1-s), n = {n}"))
    return proved(lines)


RATE = Claim(
    id="line.rate",
    sentence="B",
    title="The temperature family is the cheapest way to leave the line: its KL is the exponential rate of leaving",
    statement=(
        r"\lim_N-\tfrac1N\log P(\bar I\gtrless H\pm\varepsilon)=\sup_s\{s(H\pm\varepsilon)-\log\mathbb{E}e^{sI}\}"
        r"=\mathrm{KL}(q_\tau\|p_+)=\min\{\mathrm{KL}(q\|p_+):\mathrm{CE}(q)=H\pm\varepsilon\},"
        r"\quad q_\tau\propto p_+^\tau"
    ),
    hypotheses=(
        "finite support and V > 0",
        "min I < H - eps, or H + eps < max I: else no corpus leaves the line on that side",
        "q_tau is a temperature (tau > 0) only while H + eps < the mean of I under the uniform law; beyond, tau <= 0",
    ),
    source="Cramer (1938); Csiszar (1975), doi:10.1214/aop/1176996454; the bounds on P by Chernoff and Berry-Esseen",
    check=_rate,
    cases=_rate_cases,
    controls=(
        Control("quadratic", "takes eps^2 / (2 V), the normal law's rate", _quadratic, _smallest_bands, smallest=True),
        Control("mirrored", "tilts to the other side: p+^(2 - tau)", _mirrored, _smallest_bands, smallest=True),
        Control(
            "always-a-temperature",
            "drops the hypothesis H + eps < uniform mean of I, and calls q_tau a temperature",
            _temperature,
            _smallest_bands,
            smallest=True,
        ),
        Control(
            "unconstrained", "drops the constraint CE(q) = H +- eps", _unconstrained, _smallest_bands, smallest=True
        ),
    ),
    proof=_rate_proof,
    remark=(
        "Far above the line the cheapest law prefers improbable strings: tau < 0, which no temperature reaches. "
        "-(log P)/N exceeds the rate by at most |s| c / sqrt N + O(1/N), an explicit bound that holds for every N."
    ),
)


# --- sample size --------------------------------------------------------------------------------------------------

DELTA = fmpq(1, 20)


@dataclass(frozen=True, slots=True, eq=False)
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

    @property
    def third(self) -> arb:
        """E|I - H|^3, nats^3."""
        law = surprisal_atoms(self.band.found)
        return sum((p * abs(x) ** 3 for p, x in zip(law.prob, law.surprisal, strict=True)), arb(0))


def surprisal_atoms(found: Instance) -> Atoms:
    """The law of I."""
    return atoms(found.aligned, found.numbers, found.mean)


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
    band, delta, size = content.band, content.delta, content.size
    if size is None:
        yield from _limit(content, chebyshev_excess(delta))
        return
    law = surprisal_atoms(band.found)
    rates = two_rates(law, band.epsilon)
    for rate in rates:
        yield Finding("rate > 0, so that the Chernoff bound falls with N", rate, "positive")
    tail = sum(((-rate * size.chernoff).exp() for rate in rates), arb(0))
    yield Finding(f"delta >= Chernoff bound, N = {size.chernoff}", delta - tail, "nonnegative")
    outside = 1 - typical_by_counting(band, size.chernoff)
    yield Finding(f"Chernoff bound >= P(not typical), N = {size.chernoff}", tail - outside, "nonnegative")
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
    yield Finding("first N <= least N", fmpq(size.least - size.first), "nonnegative")
    yield Finding("least N <= Chebyshev's N", fmpq(size.chebyshev - size.least), "nonnegative")
    low, high = size_bracket(content.variance, content.third, band.epsilon, delta)
    yield Finding("least N > the lower Berry-Esseen bound", fmpq(size.least - low), "positive")
    yield Finding("least N <= the upper Berry-Esseen bound", fmpq(high - size.least), "nonnegative")


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
    yield from _limit(Requirement(band, DELTA), 1 / (z * z * DELTA))


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


SAMPLE_SIZE = Claim(
    id="line.sample-size",
    sentence="B",
    title="How many strings hold the line, exactly; Chebyshev asks for 5.2 times as many at delta = 0.05",
    statement=(
        r"N^*=\min\{N:P(|\bar I_{N'}-H|<\varepsilon)\ge1-\delta\ \forall N'\ge N\},\qquad "
        r"\frac{\lceil V/(\delta\varepsilon^2)\rceil}{N^*}\to\frac1{\delta z_{1-\delta/2}^2}\ (\varepsilon\to0)"
    ),
    hypotheses=("finite support and V > 0", "eps, delta > 0"),
    source="the exact law of corpus means; Chernoff (1952) beyond; the limit by Berry (1941) and Esseen (1942)",
    check=_required,
    cases=_sample_size_cases,
    controls=(
        Control("one-sided-quantile", "uses z_(1-delta) in the limit", _one_sided_quantile, _finest, smallest=True),
        Control(
            "first-suffices",
            "stops at the first N at which P >= 1 - delta",
            _first_suffices,
            _small_requirements,
            smallest=True,
        ),
        Control("monotone", "P(|Ibar - H| < eps) grows with N", _monotone, _small_requirements, smallest=True),
        Control(
            "one-tail", "leaves the lower tail out of the stopping bound", _one_tail, _small_requirements, smallest=True
        ),
    ),
    remark=(
        "P is computed at every N up to the point from which the two Chernoff bounds, which fall with N, add up to "
        "at most delta. The limit is certified too: two bounds that hold for every N enclose the ratio, and both "
        "are within 2 C eps of 5.206 (delta = 0.05) or 15.072 (delta = 0.01), C = 2 B / (z^2 phi(z) sqrt V)."
    ),
)


# --- hypotheses ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MomentOrder:
    """E I^j under p+(n) proportional to 1 / (n log^k n)."""

    k: int
    j: int


@dataclass(frozen=True, slots=True)
class Tower:
    """p+(n) = 2^-n under the prior p(n) proportional to 2^{-4^n}: its first strings, and corpora of N.

    Args:
        terms: the strings n = 1..terms are looked at.
        size: N.
        epsilon: nats.
    """

    terms: int
    size: int
    epsilon: fmpq


_CHECK_CUTOFF = 256
_ACCURACY = fmpq(1, 10**8)


def _finite_moment(content: MomentOrder) -> Iterator[Finding]:
    k, j = content.k, content.j
    fine, coarse = log_law(k), log_law(k, _CHECK_CUTOFF)
    sharp, rough = fine.raw_moment(j), coarse.raw_moment(j)
    yield Finding(f"the half-width of E I^{j} is below 1e-8", _ACCURACY - sharp.rad(), "positive")
    yield Finding("cutoff 4096 is not below cutoff 256", sharp.upper() - rough.lower(), "nonnegative")
    yield Finding("cutoff 4096 is not above cutoff 256", rough.upper() - sharp.lower(), "nonnegative")
    for power in range(k - j, k + 1):
        term = LogTerm(power, k - power)
        plain, convex = integral_test(term, CUTOFF), convex_test(term, CUTOFF)
        yield Finding(f"tail of {term}: convexity above the integral test", convex.lower() - plain.lower(), "positive")
        yield Finding(f"tail of {term}: convexity below the integral test", plain.upper() - convex.upper(), "positive")
    if j == 2:
        yield Finding("V > 0", fine.varentropy(), "positive")


def _infinite_moment(content: MomentOrder) -> Iterator[Finding]:
    law = log_law(content.k)
    start = law.minorant_start()
    yield Finding(f"I(n) > log n at n = {start}, so from there on", law.surprisal(start) - arb(start).log(), "positive")
    for x in (max(start, 2), 4, 16):
        doubling = arb(x * x).log().log() - arb(x).log().log()
        yield Finding(f"int over [{x}, {x * x}] of dt/(t log t) = log 2", doubling - arb(2).log())
        yield Finding(f"block [{x}, {x * x}) adds more than (log 2)/S", law.block(x) - arb(2).log(), "positive")


def _tower(content: Tower) -> Iterator[Finding]:
    for n in range(1, content.terms + 1):
        y = TowerString(n)
        for unit in (0, 1):
            sides = y.log_prior[unit] + y.reward[unit], TOWER_LOG_PARTITION[unit] - y.surprisal[unit]
            yield Finding(f"L + R = log Z - I for string {n}, unit {unit}", fmpq(sides[0] - sides[1]))
        first = sum((fmpq(m, 2**m) for m in range(1, n + 1)), fmpq(0))
        second = sum((fmpq(m * m, 2**m) for m in range(1, n + 1)), fmpq(0))
        mean_n, var_n = tower_surprisal_moments()
        yield Finding(f"E n = 2: what {n} terms leave is (n + 2) 2^-n", mean_n - first - fmpq(n + 2, 2**n))
        rest = fmpq(n * n + 4 * n + 6, 2**n)
        yield Finding("E n^2 = 6: what they leave", var_n + mean_n * mean_n - second - rest)
        mean_l, mean_r = tower_partial_means(n)
        yield Finding(f"E L over {n} terms <= -2^n log 2", -mean_l - 2**n, "nonnegative")
        yield Finding(f"E R over {n} terms >= (2^(n+1) - 4) log 2", mean_r - (2 ** (n + 1) - 4), "nonnegative")
    variance = arb(2).log() ** 2 * tower_surprisal_moments()[1]
    outside = 1 - tower_typical_probability(content.size, content.epsilon)
    bound = chebyshev(variance, content.size, ball(content.epsilon))
    yield Finding(f"V / (N eps^2) > P(not typical), N = {content.size}", bound - outside, "positive")


def _hypotheses(content: MomentOrder | Tower) -> Iterator[Finding]:
    if isinstance(content, Tower):
        yield from _tower(content)
    elif content.j < content.k - 1:
        yield from _finite_moment(content)
    else:
        yield from _infinite_moment(content)


def _hypotheses_cases(profile: Profile) -> Iterator[Case]:
    words = {1: "H", 2: "V"}
    for k, j in ((2, 1), (3, 1), (3, 2), (4, 1), (4, 2), (4, 3)):
        finite = j < k - 1
        what = f"{words.get(j, 'E|I - H|^3')} {'< inf' if finite else '= inf'}"
        value = ""
        if finite:
            law = log_law(k)
            number = law.entropy() if j == 1 else law.varentropy()
            value = f" ({number.str(8, radius=False)} nats{'^2' if j == 2 else ''})"
        yield Case(f"1/(n log^{k} n): {what}{value}", MomentOrder(k, j))
    for size in (1, 10, 100) if profile.full else (1, 10):
        for epsilon in (fmpq(1, 5), fmpq(1, 2)):
            name = f"2^-n under 2^-4^n: E L = -inf, E R = +inf, N = {size}, eps = {epsilon}"
            yield Case(name, Tower(30, size, epsilon))


def _truncated(content: MomentOrder) -> Iterator[Finding]:
    """A truncated sum, doubled, taken for a bound on the whole."""
    law = log_law(content.k)
    n = np.arange(2, CUTOFF + 1).astype(object)
    surprisal = law.normaliser.log() + law.table.first + law.table.second * content.k
    truncated = (surprisal**content.j / (n * law.table.first**content.k)).sum() / law.normaliser
    claimed = 2 * truncated
    blocks = law.blocks_beyond(claimed)
    certain = blocks * arb(2).log() / law.normaliser
    label = f"E I^{content.j} <= twice its first {CUTOFF} terms, against {blocks} blocks"
    yield Finding(label, claimed - certain, "nonnegative")


def _edge_cases(profile: Profile) -> Iterator[Case]:
    for k in (2, 3, 4):
        yield Case(f"1/(n log^{k} n), moment {k - 1}", MomentOrder(k, k - 1))


def _oscillating(cutoff: int) -> Iterator[Finding]:
    """f(x) = (1 + cos 2 pi x) g(x), g = 1/(x log^2 x): twice g at the whole numbers, with the integral of g.

    |int_M^inf g(x) cos(2 pi x) dx| <= g(M)/(2 pi) for a whole M, since g decreases (second mean value theorem).
    """
    term = LogTerm(2)
    series = 2 * integral_test(term, cutoff).lower()
    integral = term.integral(arb(cutoff)) + term.at(arb(cutoff)) / (2 * arb.pi())
    yield Finding(f"int_M^inf f - sum_(n > M) f(n), M = {cutoff}", integral - series, "nonnegative")


def _finite_mean(content: Tower) -> Iterator[Finding]:
    mean_l, mean_r = tower_partial_means(content.terms)
    yield Finding(f"|E L| <= 1000 log 2, first {content.terms} strings", 1000 + mean_l, "nonnegative")
    yield Finding(f"|E R| <= 1000 log 2, first {content.terms} strings", 1000 - mean_r, "nonnegative")


def _hypotheses_proof() -> list[str]:
    x, m, a = sp.symbols("x m a", positive=True)
    inner = sp.log(x)
    v, c = sp.symbols("v c", positive=True)
    lines = []
    for power in (0, 1, 2):
        terms = [sp.ff(power, i) * v ** (power - i) / c ** (i + 1) for i in range(power + 1)]
        integral = sp.exp(-c * v) * sp.Add(*terms)
        lines.append(
            vanishes(
                sp.expand((sp.diff(integral, v) + v**power * sp.exp(-c * v)) * sp.exp(c * v)),
                f"d/dv of the tail integral is -v^{power} e^(-c v)",
            )
        )
    # In w = log x and v = log w: f = v^a / (x w^m), d/dx = (1/x) d/dw and dv/dw = 1/w.
    w, y = sp.symbols("w y", positive=True)
    margin = 1 + m / w - a / (w * y)
    lines.append(
        vanishes(
            sp.simplify(-x * sp.diff(sp.log(inner) ** a / (x * inner**m), x) * x * inner**m / sp.log(inner) ** a)
            - margin.subs({w: inner, y: sp.log(inner)}),
            "-x f'/f = 1 + m/log x - a/(log x log log x)",
        )
    )
    change = sp.diff(margin, w) + sp.diff(margin, y) / w  # x dh/dx
    curvature = margin**2 + margin - change
    stated = margin**2 + margin + (m - a / y - a / y**2) / w**2
    lines.append(vanishes(curvature - stated, "x^2 f''/f = h^2 + h + (m - a/v - a/v^2)/log^2 x"))
    lines.append(
        vanishes(sp.expand_log(sp.log(2 * w), force=True) - sp.log(w) - sp.log(2), "log log x^2 - log log x = log 2")
    )
    return proved(lines)


HYPOTHESES = Claim(
    id="line.hypotheses",
    sentence="B",
    title="The line needs H and V to be finite, and nothing of L and R; each hypothesis fails in some law",
    statement=(
        r"p_+(n)\propto\frac1{n\log^kn}:\ \mathbb{E}I^j<\infty\iff j<k-1;\qquad "
        r"p_+(n)=2^{-n},\ p\propto2^{-4^n}:\ V=2\log^22,\ \mathbb{E}L=-\infty,\ \mathbb{E}R=+\infty"
    ),
    hypotheses=("the integral test needs a decreasing term, its sharper form a convex one: both are certified",),
    source="the integral test; blocks [x, x^2) for the divergence",
    check=_hypotheses,
    cases=_hypotheses_cases,
    controls=(
        Control("truncated-sum", "calls a truncated sum, doubled, a bound on the whole", _truncated, _edge_cases),
        Control(
            "not-decreasing",
            "applies the integral test to a term that does not decrease",
            _oscillating,
            lambda profile: [Case("(1 + cos 2 pi x)/(x log^2 x), M = 3", 3)],
        ),
        Control(
            "finite-mean",
            "infers a finite E L and E R from a finite V",
            _finite_mean,
            lambda profile: [Case("2^-n under 2^-4^n", Tower(12, 1, fmpq(1, 5)))],
        ),
    ),
    proof=_hypotheses_proof,
    remark=(
        "k = 2: no line, H = inf. k = 3: Ibar converges (H < inf) but Chebyshev's bound is void. k = 4: V < inf, but "
        "no third absolute moment (I^3 <= 4 |I - H|^3 + 4 H^3), so no Berry-Esseen bound. A moment of some order is "
        "infinite, hence E e^(sI) = inf for every s > 0: there is no exponential rate for Ibar > H + eps."
    ),
)


CLAIMS: tuple[Claim, ...] = (RATE, SAMPLE_SIZE, HYPOTHESES)
