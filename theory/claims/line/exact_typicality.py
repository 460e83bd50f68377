"""line.exact-typicality: the probability that a corpus is typical is computed exactly, not bounded."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from flint import acb, arb, fmpq

from theory.arithmetic.exact import Array, Exact
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile, of
from theory.claims.instances import case, integer_cases, named, random_laws, small
from theory.claims.line.models import SizedCorpus, certainly, outside_probability, sized, varied_cases
from theory.corpora.atoms import Window, atoms
from theory.corpora.inversion import by_inversion
from theory.corpora.lattice import by_lattice
from theory.corpora.multinomial import by_multinomial
from theory.corpora.typicality import by_enumeration, edgeworth_typicality
from theory.examples import finite as examples
from theory.models.finite import FiniteModel
from theory.probability import concentration


def _windows(content: SizedCorpus) -> list[Window]:
    law = atoms(content.found.numbers)
    routes = [by_multinomial(law, content.size, content.epsilon)]
    if law.steps is not None:
        routes.append(by_lattice(law, content.size, content.epsilon))
    routes.append(by_enumeration(law, content.size, content.epsilon))
    return routes


@dataclass(frozen=True, slots=True, eq=False)
class Edge:
    """A model whose p+ are in ratios of powers of 2, corpora of N, and a half-width eps in units of log 2.

    I - H is then a rational multiple of log 2: which corpora lie on the edges of the band is decided in rationals.
    """

    found: FiniteModel
    size: int
    reach: fmpq

    @property
    def deviations(self) -> list[fmpq]:
        """(I - H)/log 2 of each string."""
        mass = list(self.found.mass())
        powers = [fmpq(_binary_order(p / mass[0])) for p in mass]
        mean = sum((p * k for p, k in zip(mass, powers, strict=True)), fmpq(0))
        return [mean - k for k in powers]

    def probability(self, share_of_edge: fmpq) -> fmpq:
        """P(|Ibar - H| < eps) and this share of P(|Ibar - H| = eps), over all sequences of N strings."""
        total = fmpq(0)
        for row in itertools.product(zip(self.found.mass(), self.deviations, strict=True), repeat=self.size):
            gap = abs(sum((d for _, d in row), fmpq(0))) - self.reach * self.size
            chance = math.prod((p for p, _ in row), start=fmpq(1))
            total += chance if gap < 0 else chance * share_of_edge if gap == 0 else 0
        return total

    def integral(self) -> arb:
        """(1/pi) int phi(u)^N sin(N u eps)/u e^{-(su)^2/2} du over the line, s = 1/200: P with normal noise of sd s/N.

        Beyond |u| = 3,000 the integrand is below e^{-112}; noise moves a corpus across an edge that it is not on with
        probability below e^{-200} where that edge is 1/10 away.
        """
        noise, unit = fmpq(1, 200), arb(2).log()
        rows = [(acb(p), acb(0, unit * d)) for p, d in zip(self.found.mass(), self.deviations, strict=True)]
        reach = unit * self.reach * self.size

        def integrand(u: acb, analytic: bool) -> acb:
            del analytic
            phi = sum((p * (u * turn).exp() for p, turn in rows), acb(0))
            return phi**self.size * (u * reach).sinc() * reach * (-(u * u) * noise * noise / 2).exp()

        fine = arb(2) ** -110
        value: arb = acb.integral(integrand, 0, 3000, abs_tol=fine, rel_tol=fine).real * 2 / arb.pi()
        return value


def _binary_order(ratio: fmpq) -> int:
    """k where the ratio is 2^k."""
    return int(ratio.p).bit_length() - int(ratio.q).bit_length()


def edges(cases: Iterable[Case], sizes: Sequence[int]) -> Iterator[Case]:
    """The cases with ratios of powers of 2, not all 1, at the half-widths of their deviations and between them."""
    for one in cases:
        mass = list(one.content.mass())
        if len(set(mass)) == 1 or any(p / mass[0] != fmpq(2) ** _binary_order(p / mass[0]) for p in mass):
            continue
        for size in sizes:
            on_edge = sorted({abs(d) for d in Edge(one.content, size, fmpq(1)).deviations}, reverse=True)
            for reach in [d for d in on_edge if d > 0]:
                yield Case(f"{one.name}, N = {size}, eps = {reach} log 2", Edge(one.content, size, reach), one.spec)
            apart = on_edge[0] + fmpq(1, 4)
            yield Case(f"{one.name}, N = {size}, eps = {apart} log 2", Edge(one.content, size, apart), one.spec)


def _typicality(content: SizedCorpus) -> Iterator[Finding]:
    if content.found.mean.constant.surprisal:
        yield Finding("V = 0: every corpus is typical", outside_probability(content))
        return
    inside = certainly(content.deviation, -content.epsilon) & certainly(-content.deviation, -content.epsilon)
    enumerated = _sums(content, inside)
    for window in _windows(content):
        for name, one, other in zip(("1", "x", "y", "x^2", "xy", "y^2"), window.sums, enumerated, strict=True):
            yield Finding(f"E[{name}; typical], {window.method} - enumeration", one - other)


_NEAR = arb(10) ** -25


def _half_edge(content: Edge) -> Iterator[Finding]:
    gap = abs(content.integral() - content.probability(fmpq(1, 2)))
    yield Finding("the integral is P(< eps) + P(= eps)/2, within 1e-25", _NEAR - gap, "nonnegative")


def _toy(found: FiniteModel) -> Iterator[Finding]:
    """For many atoms and N = 100,000: inversion against the Edgeworth series, whose neglected term is near 1e-13."""
    law = atoms(found.numbers)
    epsilon = fmpq(1, 1000)
    inverted = by_inversion(law, 100_000, epsilon)
    gap = inverted.mass - edgeworth_typicality(law, 100_000, epsilon)
    yield Finding(f"P(typical) = {inverted.mass:.10f} by inversion, less the Edgeworth series", gap, tolerance=1e-11)
    yield Finding("P(typical) - 0.20899", inverted.mass - 0.20899, tolerance=5e-6)


def _typicality_check(content: SizedCorpus | FiniteModel | Edge) -> Iterator[Finding]:
    if isinstance(content, Edge):
        return of("inversion", _half_edge(content))
    return of("sum", _typicality(content)) if isinstance(content, SizedCorpus) else of("toy", _toy(content))


def _sums(content: SizedCorpus, inside: Array) -> list[Exact]:
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
    yield Finding("P(typical) = 2 Phi(eps sqrt(N/V)) - 1", normal - (1 - outside_probability(content)))


def _one_fewer(content: SizedCorpus) -> Iterator[Finding]:
    law = atoms(content.found.numbers)
    if content.size > 1 and len(law) > 1:
        window = by_multinomial(law, content.size - 1, content.epsilon)
        yield Finding("P(typical) at N = that at N - 1", window.mass - (1 - outside_probability(content)))


def _edge_left_out(content: Edge) -> Iterator[Finding]:
    gap = content.integral() - content.probability(fmpq(0))
    yield Finding("the integral is P(|Ibar - H| < eps), within 1e-25", _NEAR - abs(gap), "nonnegative")


def _smallest_edges(profile: Profile) -> Iterator[Case]:
    return edges(integer_cases(profile), (1,))


def _typicality_cases(profile: Profile) -> list[Case]:
    sizes = (1, 2, 6, 10) if profile.full else (2, 6)
    powers = [case("p+ = (1, 1, 2, 8)/12", examples.table((1, 1, 2, 8), (1,) * 4)), *named("C1")]
    return [
        *sized(small(profile), sizes, fmpq(1, 5)),
        *sized([case("eight powers of two", examples.table((1,) * 8, [2**k for k in range(8)]))], (3,), fmpq(1, 3), 8),
        *sized([one for one in random_laws(profile) if len(one.content.aligned) > 5][:4], (3,), fmpq(1, 3), 7),
        *edges([case("p+ = (1, 2)/3", examples.table((1, 1), (1, 2))), *powers], (1, 3)),
        *named("toy"),
    ]


CLAIM = Claim(
    id="line.exact-typicality",
    sentence="B",
    clauses=(
        Clause(
            name="sum",
            text="the probability that a corpus of N strings is typical is a finite sum of multinomial probabilities, "
            "computed in rationals or balls",
            formula=r"P(|\bar I-H|<\varepsilon)=\sum_{k:\,|\bar I_k-H|<\varepsilon}\binom{N}{k}\prod_j p_j^{k_j}",
        ),
        Clause(
            name="inversion",
            text="inverting the characteristic function of N(Ibar - H) gives P(|Ibar - H| < eps) and half of "
            "P(|Ibar - H| = eps)",
            formula=r"\tfrac1\pi\int\varphi(u)^N\,\tfrac{\sin Nu\varepsilon}{u}\,du=P(|\bar I-H|<\varepsilon)"
            r"+\tfrac12P(|\bar I-H|=\varepsilon),\quad\varphi(u)=\mathbb E e^{iu(I-H)}",
        ),
        Clause(
            name="toy",
            text="corpora of 100,000 strings of the paper's toy are typical at eps = 0.001 with probability 0.20899, by "
            "inversion and by an Edgeworth series",
        ),
    ),
    hypotheses=("the strings are independent draws from p+, finitely many strings", "eps > 0"),
    source="the multinomial law; Gil-Pelaez (1951)",
    check=_typicality_check,
    cases=_typicality_cases,
    controls=(
        Control(
            "edge-left-out",
            "takes the integral for P(|Ibar - H| < eps) although a corpus lies on an edge",
            _edge_left_out,
            _smallest_edges,
            smallest=True,
        ),
        Control(
            "normal-law",
            "takes the normal approximation for the exact law",
            _normal_for_exact,
            varied_cases,
            smallest=True,
        ),
        Control("one-fewer", "uses N - 1 strings", _one_fewer, varied_cases, smallest=True),
    ),
    remark=(
        "Three ways to compute the probability are compared with an enumeration in rationals of all corpora: "
        "multinomial sums over atoms (strings of one surprisal, merged), lattice polynomials, and a listing by atoms. "
        "On p+ = (1, 2)/3 with N = 1 and eps = (2/3) log 2 the integral is 5/6 and the probability 2/3. For a "
        "rational p+ and a "
        "rational eps no corpus lies on an edge. For the toy (1,000 atoms) the inversion is in floats, and its error "
        "is estimated, not enclosed in a ball. With few atoms inversion is refused, since |phi|^N returns close to 1 "
        "again and again."
    ),
    figure="line",
    order=2030,
    sketch=r"""
$\bar I$ depends on the corpus through the counts of its strings, which are multinomial; strings of equal surprisal
are merged first. Where there are too many counts, invert the characteristic function of $N(\bar I-H)$, which is
$\varphi^N$: $\frac1\pi\int\cos(ud)\sin(ua)\frac{du}u$ is 1 for $|d|<a$, 0 for $|d|>a$, and $\frac12$ for $|d|=a$.
""",
)
