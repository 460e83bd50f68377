"""line.concentration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flint import arb, fmpq

from theory.arithmetic.exact import Exact
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile
from theory.claims.instances import case, small
from theory.claims.line.models import SizedCorpus, certainly, outside_probability, sized, varied_cases
from theory.examples import finite as examples
from theory.models.finite import FiniteModel
from theory.probability import concentration
from theory.probability.information import renyi_entropy


def _below(content: SizedCorpus) -> Exact:
    """P(Lbar + Rbar >= log Z - H + eps) = P(Ibar <= H - eps)."""
    return content.probability(~certainly(content.deviation, -content.epsilon))


def _third_absolute_moment(found: FiniteModel) -> arb:
    gaps = [g * g * g for g in (abs(i - found.mean.entropy) for i in found.numbers.surprisal)]
    return sum((p * g for p, g in zip(found.numbers.prob, gaps, strict=True)), start=arb(0))


def _spread(found: FiniteModel) -> arb:
    """H - min I."""
    least = found.numbers.surprisal[0]
    for i in found.numbers.surprisal:
        least = arb.min(least, i)
    return found.mean.entropy - least


def _log_moment(found: FiniteModel, s: fmpq) -> arb:
    """log E e^{sI}, summed directly."""
    terms = [p * (i * s).exp() for p, i in zip(found.numbers.prob, found.numbers.surprisal, strict=True)]
    return sum(terms, start=arb(0)).log()


def _concentration(content: SizedCorpus) -> Iterator[Finding]:
    found, size, epsilon = content.found, content.size, arb(content.epsilon)
    if found.mean.constant.surprisal:
        yield Finding("V = 0: no corpus strays from H", outside_probability(content))
        return
    variance, entropy = found.mean.var_surprisal, found.mean.entropy
    outside, below = outside_probability(content), _below(content)
    yield Finding("Chebyshev bound - P", concentration.chebyshev(variance, size, epsilon) - outside, "positive")
    one_sided = concentration.one_sided_above(variance, _spread(found), size, epsilon)
    yield Finding("one-sided bound - P", one_sided - below, "positive")
    for s in (fmpq(-1), fmpq(-1, 3), fmpq(1, 3), fmpq(2)):
        moment = _log_moment(found, s)
        yield Finding(f"log E e^(sI) = s H_(1-s), s = {s}", moment - _renyi(found, 1 - s) * s)
        tail = below if s < 0 else content.probability(~certainly(-content.deviation, -content.epsilon))
        edge = entropy + (epsilon if s > 0 else -epsilon)
        yield Finding(f"Chernoff bound - P, s = {s}", concentration.chernoff(moment, s, size, edge) - tail, "positive")
    yield from _berry_esseen(content, concentration.BERRY_ESSEEN)


def _renyi(found: FiniteModel, order: fmpq) -> arb:
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
    yield Finding("V / (N^2 eps^2) - P", bound - outside_probability(content), "nonnegative")


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


def _skewed(profile: Profile) -> Iterator[Case]:
    """One likely string among many: H - I is large with small probability, which V alone does not see."""
    for strings in range(4, 12):
        aligned = examples.table((2, *(1,) * (strings - 1)), (1,) * strings)
        yield from sized([case(f"p = (2, 1, ..., 1) on {strings} strings", aligned)], (1,), fmpq(14, 25), 12)


CLAIM = Claim(
    id="line.concentration",
    sentence="B",
    clauses=(
        Clause(
            name="all",
            text="the sum of the averages concentrates at log Z - H: four bounds, none needing bounded surprisals",
            formula=r"P(|\bar L+\bar R-(\log Z-H)|\ge\varepsilon)\le\tfrac{V}{N\varepsilon^2};\quad "
            r"P(\bar L+\bar R-(\log Z-H)\ge\varepsilon)\le e^{-N\varepsilon^2/(2[V+(H-\min I)^2])};\quad "
            r"\log\mathbb E e^{sI}=sH_{1-s}(p_+)",
        ),
    ),
    hypotheses=("the strings are independent draws from p+", "V < inf", "E|I-H|^3 < inf (Berry-Esseen)"),
    source="Chebyshev; Bennett (1962) and Hoeffding (1963); Chernoff (1952) with Renyi (1961); Shevtsova (2011)",
    check=_concentration,
    cases=_concentration_cases,
    controls=(
        Control("faster-rate", "divides by N^2 instead of N", _chebyshev_squared, varied_cases, smallest=True),
        Control("variance-only", "drops (H - min I)^2 from the one-sided bound", _variance_only, _skewed),
        Control("wrong-order", "takes the Renyi entropy of order 1 + s", _wrong_order, varied_cases, smallest=True),
        Control("constant-1/4", "puts 1/4 for the Berry-Esseen constant", _quarter, varied_cases, smallest=True),
    ),
    remark="Compared with the exact law of all corpora at N = 1, 4 and 9.",
    figure="line",
    order=2020,
    sketch=r"""
$\bar L+\bar R-(\log Z-H)=-(\bar I-H)$ is a mean of $N$ independent terms of variance $V$: Chebyshev. Surprisals are
bounded below: $H-I\le m=H-\min I$. So the sum can exceed its mean by at most $m$, and Bernstein's inequality has
$V+m\varepsilon/3\le V+m^2$ in its exponent, whatever the surprisals above: the second. The logarithm of $\mathbb E
e^{sI}=\sum p_+^{1-s}$ is $s$ times a Renyi entropy: Chernoff. Berry and Esseen for the normal law.
""",
)
