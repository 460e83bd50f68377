"""The line (claim B): the two corpus averages sum to a constant, how nearly, and with what exact probability."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from flint import arb, fmpq

from theory.arithmetic.exact import Array, objects
from theory.claims.claim import Case, Claim, Control, Finding, Profile
from theory.claims.instances import Instance, case, integer_cases, named, random_laws, small
from theory.claims.symbolic import mean, model, vanishes
from theory.corpora.atoms import Window, atoms
from theory.corpora.enumeration import Corpora, all_corpora
from theory.corpora.inversion import by_inversion
from theory.corpora.lattice import by_lattice
from theory.corpora.multinomial import by_multinomial
from theory.corpora.typicality import by_enumeration, edgeworth_typicality
from theory.examples import finite as examples
from theory.probability import concentration
from theory.probability.information import renyi_entropy


@dataclass(frozen=True, slots=True, eq=False)
class SizedCorpus:
    """A model, a corpus size N, a half-width eps in nats, and all corpora of that size."""

    found: Instance
    size: int
    epsilon: fmpq
    corpora: Corpora

    @property
    def deviation(self) -> Array:
        """Ibar - H of every corpus, nats."""
        surprisal, entropy = self.found.numbers.surprisal, self.found.mean.entropy
        return objects((row * surprisal).sum() / self.size - entropy for row in self.corpora.counts.astype(object))

    def probability(self, event: Array) -> Any:
        """The probability of a boolean event, rational where p+ is."""
        return self.corpora.prob[event].sum() if event.any() else fmpq(0)


def sized(cases: Sequence[Case], sizes: Sequence[int], epsilon: fmpq, most: int = 5) -> Iterator[Case]:
    """The cases of at most ``most`` strings, at each corpus size."""
    for one in cases:
        found: Instance = one.content
        if len(found.aligned) <= most:
            for size in sizes:
                corpora = all_corpora(found.numbers, size, found.aligned.exact_prob())
                yield Case(f"{one.name}, N = {size}", SizedCorpus(found, size, epsilon, corpora), one.spec)


def certainly(values: Array, above: Any) -> Array:
    """Mask of values > above, each decided."""
    return np.array([bool(v > above) for v in values])


# --- identity -----------------------------------------------------------------------------------------------------


def _identity(content: SizedCorpus | Instance) -> Iterator[Finding]:
    found = content.found if isinstance(content, SizedCorpus) else content
    numbers = found.numbers
    if isinstance(content, SizedCorpus):
        surprisal = [(row * numbers.surprisal).sum() / content.size for row in content.corpora.counts.astype(object)]
        sums = content.corpora.log_prior + content.corpora.reward
    else:
        surprisal = [-p.log() for p in numbers.prob]
        sums = numbers.log_prior + numbers.reward
    gaps = [s - numbers.log_partition + i for s, i in zip(sums, surprisal, strict=True)]
    yield Finding("Lbar + Rbar - log Z + Ibar, the worst corpus", max(gaps, key=lambda g: float(g.abs_upper())))


def _difference(content: SizedCorpus) -> Iterator[Finding]:
    line = content.found.numbers.log_partition - content.found.mean.entropy
    for lbar, rbar, dev in zip(content.corpora.log_prior, content.corpora.reward, content.deviation, strict=True):
        yield Finding("Lbar - Rbar = log Z - Ibar", lbar - rbar - line + dev)


def _without_partition(content: SizedCorpus) -> Iterator[Finding]:
    numbers = content.found.numbers
    for row, lbar, rbar in zip(
        content.corpora.counts.astype(object), content.corpora.log_prior, content.corpora.reward, strict=True
    ):
        yield Finding("Lbar + Rbar = -Ibar", lbar + rbar + (row * numbers.surprisal).sum() / content.size)


def _identity_cases(profile: Profile) -> list[Case]:
    return [*sized(small(profile), (2, 3), fmpq(1, 10)), *named("toy")]


def _integer_pairs(profile: Profile) -> Iterator[Case]:
    """The smallest tables with corpora of one and two strings."""
    for one in integer_cases(profile):
        yield from sized([one], (1, 2), fmpq(1, 10))


def _identity_proof() -> list[str]:
    lines = []
    for n in (2, 3, 4):
        m = model(n)
        counts = sp.symbols(f"k1:{n + 1}", positive=True)
        share = [k / sp.Add(*counts) for k in counts]
        gap = mean(share, m.log_prior) + mean(share, m.reward) - m.log_partition + mean(share, m.surprisal)
        lines.append(vanishes(gap, f"Lbar + Rbar = log Z - Ibar for counts k_1..k_{n} with any sum N"))
    return lines


IDENTITY = Claim(
    id="line.identity",
    sentence="B",
    title="For every corpus the two averages sum to log Z minus the average surprisal",
    statement=r"\bar L+\bar R=\log Z-\bar I",
    hypotheses=("p+ is the Gibbs law of p and r",),
    source="the definition of p+, averaged",
    check=_identity,
    cases=_identity_cases,
    everywhere=True,
    controls=(
        Control("difference", "subtracts the averages", _difference, _integer_pairs, smallest=True),
        Control("no-partition", "leaves log Z out", _without_partition, _integer_pairs, smallest=True),
    ),
    proof=_identity_proof,
)


# --- concentration ------------------------------------------------------------------------------------------------


def _below(content: SizedCorpus) -> Any:
    """P(Lbar + Rbar >= log Z - H + eps) = P(Ibar <= H - eps)."""
    return content.probability(~certainly(content.deviation, -content.epsilon))


def _outside(content: SizedCorpus) -> Any:
    """P(|Ibar - H| >= eps)."""
    inside = certainly(content.deviation, -content.epsilon) & certainly(-content.deviation, -content.epsilon)
    return content.probability(~inside)


def _third_absolute_moment(found: Instance) -> arb:
    gaps = [g * g * g for g in (abs(i - found.mean.entropy) for i in found.numbers.surprisal)]
    return sum((p * g for p, g in zip(found.numbers.prob, gaps, strict=True)), start=arb(0))


def _spread(found: Instance) -> Any:
    """H - min I."""
    least = found.numbers.surprisal[0]
    for i in found.numbers.surprisal:
        least = arb.min(least, i)
    return found.mean.entropy - least


def _log_moment(found: Instance, s: fmpq) -> arb:
    """log E e^{sI}, summed directly."""
    terms = [p * (i * s).exp() for p, i in zip(found.numbers.prob, found.numbers.surprisal, strict=True)]
    return sum(terms, start=arb(0)).log()


def _concentration(content: SizedCorpus) -> Iterator[Finding]:
    found, size, epsilon = content.found, content.size, arb(content.epsilon)
    if found.mean.constant.surprisal:
        return
    variance, entropy = found.mean.var_surprisal, found.mean.entropy
    outside, below = _outside(content), _below(content)
    yield Finding("Chebyshev bound - P", concentration.chebyshev(variance, size, epsilon) - outside, "positive")
    one_sided = concentration.one_sided_above(variance, _spread(found), size, epsilon)
    yield Finding("one-sided bound - P", one_sided - below, "positive")
    for s in (fmpq(-1), fmpq(-1, 3), fmpq(1, 3), fmpq(2)):
        moment = _log_moment(found, s)
        if s != 0 and s != 1:
            yield Finding(f"log E e^(sI) = s H_(1-s), s = {s}", moment - _renyi(found, 1 - s) * s)
        tail = below if s < 0 else content.probability(~certainly(-content.deviation, -content.epsilon))
        edge = entropy + (epsilon if s > 0 else -epsilon)
        yield Finding(f"Chernoff bound - P, s = {s}", concentration.chernoff(moment, s, size, edge) - tail, "positive")
    yield from _berry_esseen(content, concentration.BERRY_ESSEEN)


def _renyi(found: Instance, order: fmpq) -> arb:
    """The Renyi entropy at any order but 1; order <= 0 by the same formula."""
    if order > 0:
        result: arb = renyi_entropy(found.numbers.prob, order)
        return result
    return sum(((-i * order).exp() for i in found.numbers.surprisal), start=arb(0)).log() / (1 - order)


def _berry_esseen(content: SizedCorpus, constant: fmpq) -> Iterator[Finding]:
    """sup |F - Phi| is reached at a jump, from the left or the right; the jumps are the values of Ibar."""
    found = content.found
    scale = (found.mean.var_surprisal / content.size).sqrt()
    bound = concentration.berry_esseen(_third_absolute_moment(found), found.mean.var_surprisal, content.size)
    bound = bound * constant / concentration.BERRY_ESSEEN
    order = sorted(range(len(content.deviation)), key=lambda k: float(content.deviation[k]))
    total: Any = fmpq(0)
    worst = arb(0)
    place = 0
    while place < len(order):
        here = content.deviation[order[place]]
        normal = concentration.normal_cdf(here / scale)
        before = total
        while place < len(order) and content.deviation[order[place]].overlaps(here):
            total = total + content.corpora.prob[order[place]]
            place += 1
        worst = arb.max(worst, arb.max(abs(normal - before), abs(normal - total)))
    yield Finding(f"Berry-Esseen bound with {constant} - sup |F - Phi|", bound - worst, "positive")


def _chebyshev_squared(content: SizedCorpus) -> Iterator[Finding]:
    bound = concentration.chebyshev(content.found.mean.var_surprisal, content.size**2, arb(content.epsilon))
    yield Finding("V / (N^2 eps^2) - P", bound - _outside(content), "nonnegative")


def _variance_only(content: SizedCorpus) -> Iterator[Finding]:
    bound = concentration.one_sided_above(content.found.mean.var_surprisal, arb(0), content.size, arb(content.epsilon))
    yield Finding("exp(-N eps^2 / 2V) - P", bound - _below(content), "nonnegative")


def _wrong_order(content: SizedCorpus) -> Iterator[Finding]:
    for s in (fmpq(1, 2), fmpq(-1, 2)):
        gap = _log_moment(content.found, s) - _renyi(content.found, 1 + s) * s
        yield Finding(f"log E e^(sI) = s H_(1+s), s = {s}", gap)


def _quarter(content: SizedCorpus) -> Iterator[Finding]:
    if not content.found.mean.constant.surprisal:
        yield from _berry_esseen(content, fmpq(1, 4))


def _concentration_cases(profile: Profile) -> list[Case]:
    sizes = (1, 4, 9) if profile.full else (1, 4)
    return list(sized(small(profile), sizes, fmpq(1, 4), most=4))


def _varied(profile: Profile) -> Iterator[Case]:
    """The smallest tables whose surprisal varies, with N up to 4 and several eps."""
    for one in integer_cases(profile):
        if not one.content.mean.constant.surprisal:
            for epsilon in (fmpq(1, 10), fmpq(1, 2)):
                yield from sized([one], (1, 2, 3, 4), epsilon)


def _skewed(profile: Profile) -> Iterator[Case]:
    """One likely string among many: H - I is large with small probability, which V alone does not see."""
    for strings in range(4, 12):
        aligned = examples.table((2, *(1,) * (strings - 1)), (1,) * strings)
        yield from sized([case(f"p = (2, 1, ..., 1) on {strings} strings", aligned)], (1,), fmpq(14, 25), 12)


CONCENTRATION = Claim(
    id="line.concentration",
    sentence="B",
    title="The sum of the averages concentrates at log Z - H: four bounds, none needing bounded surprisals",
    statement=(
        r"P(|\bar L+\bar R-(\log Z-H)|\ge\varepsilon)\le\tfrac{V}{N\varepsilon^2};\quad "
        r"P(\bar L+\bar R-(\log Z-H)\ge\varepsilon)\le e^{-N\varepsilon^2/(2[V+(H-\min I)^2])};\quad "
        r"\log\mathbb E e^{sI}=sH_{1-s}(p_+)"
    ),
    hypotheses=("the strings are independent draws from p+", "V < inf", "E|I-H|^3 < inf (Berry-Esseen)"),
    source="Chebyshev; Bennett (1962) and Hoeffding (1963); Chernoff (1952) with Renyi (1961); Shevtsova (2011)",
    check=_concentration,
    cases=_concentration_cases,
    controls=(
        Control("faster-rate", "divides by N^2 instead of N", _chebyshev_squared, _varied, smallest=True),
        Control("variance-only", "drops (H - min I)^2 from the one-sided bound", _variance_only, _skewed),
        Control("wrong-order", "takes the Renyi entropy of order 1 + s", _wrong_order, _varied, smallest=True),
        Control("constant-1/4", "puts 1/4 for the Berry-Esseen constant", _quarter, _varied, smallest=True),
    ),
    remark="Compared with the exact law of all corpora at N = 1, 4 and 9.",
)


# --- exact typicality ---------------------------------------------------------------------------------------------


def _windows(content: SizedCorpus) -> list[Window]:
    law = atoms(content.found.aligned, content.found.numbers, content.found.mean)
    routes = [by_multinomial(law, content.size, content.epsilon)]
    if law.steps is not None:
        routes.append(by_lattice(law, content.size, content.epsilon))
    routes.append(by_enumeration(law, content.size, content.epsilon))
    return routes


def _typicality(content: SizedCorpus) -> Iterator[Finding]:
    if content.found.mean.constant.surprisal:
        return
    inside = certainly(content.deviation, -content.epsilon) & certainly(-content.deviation, -content.epsilon)
    enumerated = _sums(content, inside)
    for window in _windows(content):
        for name, one, other in zip(("1", "x", "y", "x^2", "xy", "y^2"), window.sums, enumerated, strict=True):
            yield Finding(f"E[{name}; typical], {window.method} - enumeration", one - other)


def _inversion(found: Instance) -> Iterator[Finding]:
    """For many atoms and N = 100,000: inversion against the Edgeworth series, whose neglected term is near 1e-13."""
    law = atoms(found.aligned, found.numbers, found.mean)
    epsilon = fmpq(1, 1000)
    inverted = by_inversion(law, 100_000, epsilon)
    gap = inverted.mass - edgeworth_typicality(law, 100_000, epsilon)
    yield Finding(f"P(typical) = {inverted.mass:.10f} by inversion, less the Edgeworth series", gap, tolerance=1e-11)


def _typicality_check(content: SizedCorpus | Instance) -> Iterator[Finding]:
    return _typicality(content) if isinstance(content, SizedCorpus) else _inversion(content)


def _sums(content: SizedCorpus, inside: Array) -> list[Any]:
    """The six sums of a window, by enumeration."""
    mass = content.corpora.prob[inside]
    x = (content.corpora.log_prior[inside] - content.found.mean.mean_log_prior) * content.size
    y = content.deviation[inside] * content.size
    if not inside.any():
        return [arb(0)] * 6
    return [
        arb(mass.sum()),
        (mass * x).sum(),
        (mass * y).sum(),
        (mass * x * x).sum(),
        (mass * x * y).sum(),
        (mass * y * y).sum(),
    ]


def _normal_for_exact(content: SizedCorpus) -> Iterator[Finding]:
    scale = (content.found.mean.var_surprisal / content.size).sqrt()
    normal = 2 * concentration.normal_cdf(content.epsilon / scale) - 1
    yield Finding("P(typical) = 2 Phi(eps sqrt(N/V)) - 1", normal - (1 - _outside(content)))


def _one_fewer(content: SizedCorpus) -> Iterator[Finding]:
    law = atoms(content.found.aligned, content.found.numbers, content.found.mean)
    if content.size > 1 and len(law) > 1:
        window = by_multinomial(law, content.size - 1, content.epsilon)
        yield Finding("P(typical) at N = that at N - 1", window.mass - (1 - _outside(content)))


def _typicality_cases(profile: Profile) -> list[Case]:
    sizes = (1, 2, 6, 10) if profile.full else (2, 6)
    return [
        *sized(small(profile), sizes, fmpq(1, 5)),
        *sized([case("eight powers of two", examples.table((1,) * 8, [2**k for k in range(8)]))], (3,), fmpq(1, 3), 8),
        *sized([one for one in random_laws(profile) if len(one.content.aligned) > 5][:4], (3,), fmpq(1, 3), 7),
        *named("toy"),
    ]


EXACT_TYPICALITY = Claim(
    id="line.exact-typicality",
    sentence="B",
    title="The probability that a corpus is typical is computed exactly, not bounded",
    statement=(
        r"P(|\bar I-H|<\varepsilon)=\sum_{k\ \text{typical}}\binom{N}{k}\prod_j p_j^{k_j}"
        r"=\tfrac1\pi\int\varphi(u)^N\,\tfrac{\sin Nu\varepsilon}{u}\,du,\ \varphi(u)=\mathbb E e^{iu(I-H)}"
    ),
    hypotheses=("the strings are independent draws from p+",),
    source="the multinomial law; Gil-Pelaez (1951)",
    check=_typicality_check,
    cases=_typicality_cases,
    controls=(
        Control(
            "normal-law", "takes the normal approximation for the exact law", _normal_for_exact, _varied, smallest=True
        ),
        Control("one-fewer", "uses N - 1 strings", _one_fewer, _varied, smallest=True),
    ),
    remark=(
        "Multinomial sums over atoms, lattice polynomials and a listing by atoms against rational enumeration of all "
        "corpora of strings; for the toy (1,000 atoms) inversion against the Edgeworth series. With few atoms "
        "inversion is refused: |phi|^N keeps returning to 1."
    ),
)


CLAIMS: tuple[Claim, ...] = (IDENTITY, CONCENTRATION, EXACT_TYPICALITY)
