"""line.concentration: how rarely the two averages of a corpus miss the line, by four bounds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from flint import arb, fmpq

from theory.arithmetic.exact import Exact
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile, of
from theory.claims.instances import case, compositions, small
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
    outside = outside_probability(content)
    if found.mean.constant.surprisal:
        yield Finding("V = 0: no corpus strays from H", outside, clause="chebyshev")
        return
    variance = found.mean.var_surprisal
    excess = concentration.chebyshev(variance, size, epsilon) - outside
    yield Finding("Chebyshev bound - P", excess, "nonnegative", clause="chebyshev")
    one_sided = concentration.one_sided_above(variance, _spread(found), size, epsilon)
    yield Finding("one-sided bound - P", one_sided - _below(content), "nonnegative", clause="one-sided")
    yield from _chernoff(content)
    yield from of("normal", _berry_esseen(content, concentration.BERRY_ESSEEN))


def _chernoff(content: SizedCorpus) -> Iterator[Finding]:
    found, epsilon = content.found, content.epsilon
    above = content.probability(~certainly(-content.deviation, -epsilon))
    for s in (fmpq(-1), fmpq(-1, 3), fmpq(1, 3), fmpq(2)):
        moment = _log_moment(found, s)
        if s < 1:
            renyi = renyi_entropy(found.numbers.prob, 1 - s)
            yield Finding(f"log E e^(sI) = s H_(1-s), s = {s}", moment - renyi * s, clause="renyi")
        tail, edge = (_below(content), -epsilon) if s < 0 else (above, epsilon)
        bound = concentration.chernoff(moment, s, content.size, found.mean.entropy + edge)
        yield Finding(f"Chernoff bound - P, s = {s}", bound - tail, "nonnegative", clause="chernoff")


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
        gap = _log_moment(content.found, s) - renyi_entropy(content.found.numbers.prob, 1 + s) * s
        yield Finding(f"log E e^(sI) = s H_(1+s), s = {s}", gap)


def _quarter(content: SizedCorpus) -> Iterator[Finding]:
    if not content.found.mean.constant.surprisal:
        yield from _berry_esseen(content, fmpq(1, 4))


def _concentration_cases(profile: Profile) -> list[Case]:
    sizes = (1, 4, 9) if profile.full else (1, 4)
    return list(sized(small(profile), sizes, fmpq(1, 4), most=4))


def _by_aligned_law(profile: Profile) -> Iterator[Case]:
    """Corpora of one string from every p+ of 2 to 7 integer weights that sum to 10 at most; eps = 1/2 nat."""
    del profile
    for strings in range(2, 8):
        for total in range(strings + 1, 11):
            for weights in compositions(strings, total):
                if list(weights) == sorted(weights, reverse=True) and math.gcd(*weights) == 1:
                    one = case(f"p+ = {weights}", examples.table(weights, (1,) * strings))
                    yield from sized([one], (1,), fmpq(1, 2), 7)


CLAIM = Claim(
    id="line.concentration",
    sentence="B",
    clauses=(
        Clause(
            name="chebyshev",
            text="the two averages of N independent strings miss log Z - H in sum by eps or more with probability at most "
            "V/(N eps^2)",
            formula=r"P(|\bar L+\bar R-(\log Z-H)|\ge\varepsilon)\le\frac{V}{N\varepsilon^2}",
            formal=("line_concentration_chebyshev",),
        ),
        Clause(
            name="one-sided",
            text="if V > 0, the sum exceeds log Z - H by eps or more with probability at most "
            "exp(-N eps^2/(2[V + (H - min I)^2])), however large the surprisals are",
            formula=r"P(\bar L+\bar R-(\log Z-H)\ge\varepsilon)\le e^{-N\varepsilon^2/(2[V+(H-\min I)^2])}",
            formal=("line_concentration_one_sided",),
        ),
        Clause(
            name="chernoff",
            text="either tail of Ibar at x has probability at most exp(N(log E e^(sI) - sx)), s > 0 above and s < 0 below",
            formula=r"P(\pm\bar I\ge\pm x)\le e^{N(\log\mathbb E e^{sI}-sx)},\ \pm s>0",
            formal=("line_concentration_chernoff",),
        ),
        Clause(
            name="renyi",
            text="for s < 1, s not 0, log E e^(sI) is s times the Renyi entropy of p+ of order 1 - s",
            formula=r"\log\mathbb E e^{sI}=s\,H_{1-s}(p_+)",
            formal=("line_concentration_renyi",),
        ),
        Clause(
            name="normal",
            text="if V > 0, the law of Ibar, standardised, differs from the normal law by at most "
            "0.4748 E|I - H|^3/(V^(3/2) sqrt N) at every point",
            formula=r"\sup_x\Big|P\Big(\frac{\bar I-H}{\sqrt{V/N}}\le x\Big)-\Phi(x)\Big|"
            r"\le\frac{0.4748\,\mathbb E|I-H|^3}{V^{3/2}\sqrt N}",
        ),
    ),
    hypotheses=(
        "the strings are independent draws from p+, and eps > 0",
        "V < inf; for the normal law also E|I - H|^3 < inf, for Chernoff's bound E e^(sI) < inf",
    ),
    source="Chebyshev; Bennett (1962) and Hoeffding (1963); Chernoff (1952) with Renyi (1961); Shevtsova (2011), "
    "arXiv:1111.6554",
    check=_concentration,
    cases=_concentration_cases,
    controls=(
        Control("faster-rate", "divides by N^2 instead of N", _chebyshev_squared, varied_cases, smallest=True),
        Control(
            "variance-only",
            "drops (H - min I)^2 from the one-sided bound",
            _variance_only,
            _by_aligned_law,
            smallest=True,
        ),
        Control("wrong-order", "takes the Renyi entropy of order 1 + s", _wrong_order, varied_cases, smallest=True),
        Control("constant-1/4", "puts 1/4 for the Berry-Esseen constant", _quarter, varied_cases, smallest=True),
    ),
    remark="Compared with the exact law of all corpora at N = 1, 4 and 9. That the averages concentrate at all needs H < inf "
    "only (line.hypotheses); V < inf is for Chebyshev's rate.",
    figure="line",
    order=2020,
    sketch=r"""
$\bar L+\bar R-(\log Z-H)=-(\bar I-H)$ is a mean of $N$ independent terms of variance $V$: Chebyshev. Surprisals are
bounded below: $H-I\le m=H-\min I$. Among the laws of mean 0, variance $V$ and maximum $m$ the one on $\{m,-V/m\}$ has the
largest $\mathbb Ee^{tX}$, $t\ge0$ (Bennett), and there Hoeffding's lemma gives $\log\mathbb Ee^{tX}\le t^2(V+m^2)/2$: the
second, whatever the surprisals above. The logarithm of $\mathbb Ee^{sI}=\sum p_+^{1-s}$ is $s$ times a Renyi entropy: Chernoff.
Berry and Esseen for the normal law.
""",
)
