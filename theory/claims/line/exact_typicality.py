"""line.exact-typicality: the probability that a corpus is typical is computed exactly, not bounded."""

from __future__ import annotations

from collections.abc import Iterator

from flint import arb, fmpq

from theory.arithmetic.exact import Array, Exact
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile
from theory.claims.instances import case, named, random_laws, small
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


def _typicality(content: SizedCorpus) -> Iterator[Finding]:
    if content.found.mean.constant.surprisal:
        yield Finding("V = 0: every corpus is typical", outside_probability(content))
        return
    inside = certainly(content.deviation, -content.epsilon) & certainly(-content.deviation, -content.epsilon)
    enumerated = _sums(content, inside)
    for window in _windows(content):
        for name, one, other in zip(("1", "x", "y", "x^2", "xy", "y^2"), window.sums, enumerated, strict=True):
            yield Finding(f"E[{name}; typical], {window.method} - enumeration", one - other)


def _inversion(found: FiniteModel) -> Iterator[Finding]:
    """For many atoms and N = 100,000: inversion against the Edgeworth series, whose neglected term is near 1e-13."""
    law = atoms(found.numbers)
    epsilon = fmpq(1, 1000)
    inverted = by_inversion(law, 100_000, epsilon)
    gap = inverted.mass - edgeworth_typicality(law, 100_000, epsilon)
    yield Finding(f"P(typical) = {inverted.mass:.10f} by inversion, less the Edgeworth series", gap, tolerance=1e-11)


def _typicality_check(content: SizedCorpus | FiniteModel) -> Iterator[Finding]:
    return _typicality(content) if isinstance(content, SizedCorpus) else _inversion(content)


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


def _typicality_cases(profile: Profile) -> list[Case]:
    sizes = (1, 2, 6, 10) if profile.full else (2, 6)
    return [
        *sized(small(profile), sizes, fmpq(1, 5)),
        *sized([case("eight powers of two", examples.table((1,) * 8, [2**k for k in range(8)]))], (3,), fmpq(1, 3), 8),
        *sized([one for one in random_laws(profile) if len(one.content.aligned) > 5][:4], (3,), fmpq(1, 3), 7),
        *named("toy"),
    ]


CLAIM = Claim(
    id="line.exact-typicality",
    sentence="B",
    clauses=(
        Clause(
            name="all",
            text="the probability that a corpus is typical is computed exactly, not bounded",
            formula=r"P(|\bar I-H|<\varepsilon)=\sum_{k\ \text{typical}}\binom{N}{k}\prod_j p_j^{k_j}"
            r"=\tfrac1\pi\int\varphi(u)^N\,\tfrac{\sin Nu\varepsilon}{u}\,du,\ \varphi(u)=\mathbb E e^{iu(I-H)}",
        ),
    ),
    hypotheses=("the strings are independent draws from p+",),
    source="the multinomial law; Gil-Pelaez (1951)",
    check=_typicality_check,
    cases=_typicality_cases,
    controls=(
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
        "Multinomial sums over atoms, lattice polynomials and a listing by atoms against rational enumeration of all "
        "corpora of strings; for the toy (1,000 atoms) inversion against the Edgeworth series. With few atoms "
        "inversion is refused: |phi|^N keeps returning to 1."
    ),
    figure="line",
    order=2030,
    sketch=r"""
$\bar I$ depends on the corpus through the counts of its strings, which are multinomial; strings of equal surprisal
are merged first. Where there are too many counts, invert the characteristic function of $N(\bar I-H)$, which is
$\varphi^N$.
""",
)
