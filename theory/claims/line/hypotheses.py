"""line.hypotheses: what the line needs, H < inf alone, and laws on which it, or a rate of approach, is lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import sympy as sp
from flint import arb, fmpq

from theory.arithmetic.exact import ball
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile, Proof, of
from theory.claims.symbolic import vanishes
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


@dataclass(frozen=True, slots=True)
class Beyond:
    """P(|Ibar - H| >= eps) for corpora of N under 1/(n log^3 n), k = 3, or P(Ibar <= bound) under 1/(n log^2 n), k = 2.

    Args:
        edge: eps or the bound, nats.
        power: surprisals are cut at string 2^power.
        claimed: what the probability does not exceed.
    """

    k: int
    size: int
    edge: fmpq
    power: int
    claimed: fmpq
    clause: str

    def probability(self) -> arb:
        """An upper bound."""
        law = log_law(self.k)
        if self.k == 2:
            return law.below(self.edge, self.size, self.power)
        return law.off_the_line(self.size, self.edge, self.power)


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
        yield _mean_falls(n, mean_l)
        yield Finding(f"E R over {n} terms >= (2^(n+1) - 4) log 2", mean_r - (2 ** (n + 1) - 4), "nonnegative")
    variance = arb(2).log() ** 2 * tower_surprisal_moments()[1]
    outside = 1 - tower_typical_probability(content.size, content.epsilon)
    bound = chebyshev(variance, content.size, ball(content.epsilon))
    yield Finding(f"V / (N eps^2) > P(not typical), N = {content.size}", bound - outside, "positive")


def _mean_falls(n: int, mean_l: fmpq) -> Finding:
    """What makes E L = -inf: the first n terms, in units of log 2, are below every bound for a large n."""
    return Finding(f"E L over {n} terms <= -2^n log 2", -mean_l - 2**n, "nonnegative")


def _beyond(content: Beyond) -> Iterator[Finding]:
    event = f"P(Ibar <= {content.edge})" if content.k == 2 else f"P(|Ibar - H| >= {content.edge})"
    label = f"{event} <= {content.claimed}, N = {content.size}, k = {content.k}"
    yield Finding(label, content.claimed - content.probability(), "nonnegative")


def _hypotheses(content: MomentOrder | Tower | Beyond) -> Iterator[Finding]:
    if isinstance(content, Tower):
        return of("no-means", _tower(content))
    if isinstance(content, Beyond):
        return of(content.clause, _beyond(content))
    return of("moments", _finite_moment(content) if content.j < content.k - 1 else _infinite_moment(content))


_CONCENTRATED = (
    Beyond(3, 10**6, fmpq(1, 10), 40_000, fmpq(12, 10**4), "without-variance"),
    Beyond(3, 10**9, fmpq(1, 10), 10**7, fmpq(1, 10**5), "mean-only"),
    Beyond(3, 10**9, fmpq(1, 100), 2 * 10**6, fmpq(3, 10**4), "mean-only"),
)

_LOST = (
    Beyond(2, 10**5, fmpq(4), 10**3, fmpq(1, 100), "no-line"),
    Beyond(2, 10**8, fmpq(7), 10**6, fmpq(1, 100), "no-line"),
    Beyond(2, 10**11, fmpq(10), 10**9, fmpq(1, 100), "no-line"),
)


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
    yield from (Case(f"1/(n log^3 n): V = inf, N = {b.size}, eps = {b.edge}", b) for b in _CONCENTRATED)
    yield from (Case(f"1/(n log^2 n): H = inf, N = {b.size}, Ibar <= {b.edge}", b) for b in _LOST)
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


def _needs_variance(content: Beyond) -> Iterator[Finding]:
    label = f"P(|Ibar - H| >= {content.edge}) > 1/100 at N = {content.size}, where V = inf"
    yield Finding(label, content.probability() - fmpq(1, 100), "positive")


def _calm_prior(terms: int) -> Iterator[Finding]:
    """p(n) proportional to 2^-2n, so that L = -2n log 2 less a constant: the sums of -2n 2^-n stay above -4."""
    for n in range(1, terms + 1):
        yield _mean_falls(n, sum((fmpq(-2 * m, 2**m) for m in range(1, n + 1)), fmpq(0)))


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
    return lines


CLAIM = Claim(
    id="line.hypotheses",
    sentence="B",
    clauses=(
        Clause(
            name="mean-only",
            text="the two averages concentrate at log Z - H as N grows whenever H < inf, even if V = inf",
            formula=r"H<\infty\Rightarrow P(|\bar I-H|\ge\varepsilon)\to0\ (N\to\infty)",
            cited="Feller, An Introduction to Probability Theory and Its Applications, volume 1 (1968), section X.1",
        ),
        Clause(
            name="without-variance",
            text="for p+ proportional to 1/(n log^3 n), where V = inf, P(|Ibar - H| >= 0.1) <= 0.0012 at N = 10^6",
        ),
        Clause(
            name="no-line",
            text="where H = inf there is no line: for p+ proportional to 1/(n log^2 n) the average surprisal exceeds 4, 7 and "
            "10 with probability 0.99 or more at N = 10^5, 10^8 and 10^11",
        ),
        Clause(
            name="moments",
            text="for p+ proportional to 1/(n log^k n), k = 2, 3, 4, E I^j is finite iff j < k - 1, so that H, V "
            "or the third moment may be missing",
            formula=r"p_+(n)\propto\frac1{n\log^kn}:\ \mathbb{E}I^j<\infty\iff j<k-1",
            proof=Proof("the integrals that enclose the tails", _hypotheses_proof),
        ),
        Clause(
            name="no-means",
            text="nothing is needed of L and R: for p+(n) = 2^-n, p proportional to 2^-4^n, Chebyshev's bound holds on the "
            "line although E L = -inf and E R = +inf",
            formula=r"p_+(n)=2^{-n},\ p\propto2^{-4^n}:\ V=2\log^22,\ \mathbb{E}L=-\infty,\ \mathbb{E}R=+\infty",
        ),
    ),
    hypotheses=(
        "the strings of a corpus are independent draws from p+",
        "the integral test needs a decreasing term, its sharper form a convex one: both are certified",
    ),
    source="Khinchin (1929); the integral test; blocks [x, x^2) for the divergence",
    check=_hypotheses,
    cases=_hypotheses_cases,
    controls=(
        Control(
            "needs-variance",
            "says that without V < inf corpora do not concentrate",
            _needs_variance,
            lambda profile: [Case("1/(n log^3 n), N = 10^6, eps = 1/10", _CONCENTRATED[0])],
        ),
        Control("truncated-sum", "calls a truncated sum, doubled, a bound on the whole", _truncated, _edge_cases),
        Control(
            "not-decreasing",
            "applies the integral test to a term that does not decrease",
            _oscillating,
            lambda profile: [Case("(1 + cos 2 pi x)/(x log^2 x), M = 3", 3)],
        ),
        Control(
            "calm-prior",
            "takes a prior proportional to 2^-2n instead of 2^-4^n: E L is then finite",
            _calm_prior,
            lambda profile: [Case("2^-n under 2^-2n", 12)],
        ),
    ),
    remark=(
        "For p+(n) proportional to 1/(n log^k n): at k = 2 H = inf, and there is no line. At k = 3 Ibar converges (H "
        "< inf), but Chebyshev's bound is void (V = inf). At k = 4 V < inf, but there is no third absolute moment "
        "(I^3 <= 4 |I - H|^3 + 4 H^3), so no Berry-Esseen bound. A moment of some order is "
        "infinite, hence E e^(sI) = inf for every s > 0: there is no exponential rate for Ibar > H + eps."
    ),
    order=2060,
    sketch=r"""
$-\log p_+(n)\sim\log n$, so $\mathbb E I^j$ behaves as $\sum\log^{j-k}n/n$, finite iff $j<k-1$. Cut the surprisals at string
$M$: either one of $N$ strings is beyond $M$, or Chebyshev's bound holds for the cut surprisals, whose mean is near $H$. At
$k=2$ the cut surprisals have means without bound, and $\bar I$ is at least their average. In the last model $I=n\log2$
under a geometric law has all moments, while $L=-4^n\log2+\text{const}$ has mean $-\infty$: the line stands although neither
mean is finite.
""",
)
