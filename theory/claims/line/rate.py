"""line.rate: the cheapest laws off the line, and how fast the probability of leaving it falls."""

from __future__ import annotations

from collections.abc import Iterator

from flint import arb, fmpq

from theory.arithmetic.exact import Array, ball
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile, of
from theory.claims.instances import (
    integer_cases,
    law_of,
    named,
    reference_laws,
    small,
)
from theory.claims.line.models import Band, banded, counted
from theory.corpora.large_deviations import (
    Departure,
    legendre,
    rate_excess,
)
from theory.models.finite import FiniteModel
from theory.probability.information import cross_entropy, kl_divergence


def beyond_by_counting(band: Band, size: int, side: int) -> fmpq:
    """P(Ibar >= H + eps), or P(Ibar <= H - eps), in rationals.

    With a rational eps > 0 and a rational p+ no corpus lies on the edge: N eps is then no sum of logarithms.
    """
    return sum((p for gap, p in counted(band.found, size) if gap * side > band.epsilon), fmpq(0))


def same_cross_entropy(found: FiniteModel, x: arb) -> Iterator[tuple[str, Array]]:
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
    level = found.numbers.surprisal.sum() / len(found.aligned)
    for side, law in band.departures():
        edge = f"H {'+' if side > 0 else '-'} eps"
        gap = cross_entropy(law.law, found.numbers.prob) - law.threshold
        yield Finding(f"CE(q_tau) = {edge}", gap, clause="cheapest")
        yield Finding(f"tau {'<' if side > 0 else '>'} 1 at {edge}", law.order * side, "positive", clause="cheapest")
        warm = law.threshold < level
        label = f"tau {'>' if warm else '<'} 0: {edge} is {'below' if warm else 'above'} the unweighted mean of I"
        yield Finding(label, (law.tau if warm else -law.tau), "positive", clause="cheapest")
        yield from _others(band, law, edge)
        supremum = legendre(law.family, law.threshold, law.order)
        label = f"sup_s [s x - log E e^(sI)] = KL(q_tau || p+) at {edge}"
        yield Finding(label, supremum - law.rate, clause="legendre")
        yield from of("rate", _beyond(band, side, law, edge))


def _others(band: Band, law: Departure, edge: str) -> Iterator[Finding]:
    """Other laws of that cross-entropy, which cost KL(q || q_tau) more."""
    for name, q in same_cross_entropy(band.found, law.threshold):
        cost, distance = kl_divergence(q, band.found.numbers.prob), kl_divergence(q, law.law)
        label = f"KL(q||p+) = KL(q_tau||p+) + KL(q||q_tau) at {edge}, q = {name}"
        yield Finding(label, cost - law.rate - distance, clause="split")
        if any(bool(a != b) for a, b in zip(q, law.law, strict=True)):
            label = f"KL(q||p+) > KL(q_tau||p+) at {edge}, q = {name}"
            yield Finding(label, cost - law.rate, "positive", clause="cheapest")


def _beyond(band: Band, side: int, law: Departure, edge: str) -> Iterator[Finding]:
    for size in band.sizes:
        beyond = beyond_by_counting(band, size, side)  # > 0: so many copies of one string lie beyond
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
    yield from banded(named("C4"), (fmpq(1, 5),), (16,), sized=True)  # no string lies below H - eps


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


CLAIM = Claim(
    id="line.rate",
    sentence="B",
    clauses=(
        Clause(
            name="cheapest",
            text="among laws of mean surprisal x off the line the nearest to p+ is a power p+^tau: a temperature, "
            "tau > 0, iff x is below the unweighted mean of I",
            formula=r"q_\tau\propto p_+^\tau,\ \mathrm{CE}(q_\tau)=x:\quad "
            r"\mathrm{KL}(q_\tau\|p_+)=\min\{\mathrm{KL}(q\|p_+):\mathrm{CE}(q)=x\},\quad "
            r"\tau>0\iff x<\tfrac1n\sum_yI(y)",
            formal=("line_rate_cheapest_power",),
        ),
        Clause(
            name="split",
            text="every law q of the same mean surprisal costs KL(q || p+) = KL(q_tau || p+) + KL(q || q_tau)",
            formula=r"\mathrm{KL}(q\|p_+)=\mathrm{KL}(q_\tau\|p_+)+\mathrm{KL}(q\|q_\tau)",
            formal=("line_rate_cheapest",),
        ),
        Clause(
            name="legendre",
            text="KL(q_tau || p+) is the largest value of sx - log E e^(sI) over all s, reached at s = 1 - tau",
            formula=r"\mathrm{KL}(q_\tau\|p_+)=\sup_s\{sx-\log\mathbb{E}e^{sI}\}",
            formal=("line_rate_legendre",),
        ),
        Clause(
            name="rate",
            text="Ibar lies beyond x, away from H, with probability P < exp(-N KL(q_tau || p+)), and -(log P)/N "
            "tends to KL(q_tau || p+)",
            formula=r"\lim_N-\tfrac1N\log P(\bar I\gtrless H\pm\varepsilon)=\mathrm{KL}(q_\tau\|p_+)",
            cited="Dembo and Zeitouni, Large Deviations Techniques and Applications (1998), theorem 2.2.3",
        ),
    ),
    hypotheses=(
        "finitely many strings and V > 0",
        "x = H - eps > min I or x = H + eps < max I, eps > 0: else no corpus leaves the line on that side",
    ),
    source="Cramer (1938); Csiszar (1975), doi:10.1214/aop/1176996454; the bounds on P by Chernoff and Berry-Esseen",
    check=_rate,
    cases=_rate_cases,
    controls=(
        Control(
            "always-a-temperature",
            "drops the hypothesis H + eps < unweighted mean of I, and calls q_tau a temperature",
            _temperature,
            _smallest_bands,
            smallest=True,
        ),
        Control("quadratic", "takes eps^2 / (2 V), the normal law's rate", _quadratic, _smallest_bands, smallest=True),
        Control("mirrored", "tilts to the other side: p+^(2 - tau)", _mirrored, _smallest_bands, smallest=True),
        Control(
            "unconstrained", "drops the constraint CE(q) = H +- eps", _unconstrained, _smallest_bands, smallest=True
        ),
    ),
    remark=(
        "Far above the line the cheapest law prefers improbable strings: on p+ = (1, 2)/3 with eps = 1/5 it has tau = -.718, "
        "which no temperature reaches. -(log P)/N exceeds the rate by at most |s| c / sqrt N + O(1/N), an explicit bound "
        "that holds for every N and is checked on the named corpora."
    ),
    figure="line",
    order=2040,
    sketch=r"""
Cramer: the rate at $x=H\pm\varepsilon$ is the Legendre transform of $s\mapsto\log\mathbb E e^{sI}=\log\sum p_+^{1-s}$.
The supremum is at the $s=1-\tau$ at which $q_\tau\propto p_+^\tau$ has cross-entropy $x$, and its value there is
$\mathrm{KL}(q_\tau\|p_+)$. For any other $q$ of that cross-entropy
$\mathrm{KL}(q\|p_+)=\mathrm{KL}(q\|q_\tau)+\mathrm{KL}(q_\tau\|p_+)$. The mean of $I$ under $q_\tau$ falls in $\tau$, from
$\max I$ to $\min I$; at $\tau=1$ it is $H$ and at $\tau=0$, the uniform law, the unweighted mean of $I$.
""",
)
