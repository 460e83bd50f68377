"""correlation.measure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from flint import arb, fmpq

from theory.arithmetic.exact import Exact
from theory.claims.claim import Claim, Clause, Control, Finding
from theory.claims.correlation.models import integer_varying
from theory.claims.instances import law_of, named
from theory.models.finite import FiniteModel


def unweighted_correlation(found: FiniteModel) -> arb:
    """Pearson's correlation of (L, R) with every string counted once."""
    return found.moments(law_of(found, [fmpq(1)] * len(found.aligned))).correlation


def ranks(values: Sequence[Exact]) -> list[fmpq]:
    """Ranks 1..n of numbers; those of which neither is certainly the larger share the mean rank."""
    ordered = sorted(values)
    return [fmpq(bisect_left(ordered, v) + bisect_right(ordered, v) + 1, 2) for v in values]


def unweighted_spearman(found: FiniteModel) -> arb:
    """Spearman's rank correlation of (L, R) with every string counted once."""
    one, two = ranks(list(found.numbers.log_prior)), ranks(list(found.numbers.reward))
    n = len(one)
    centre = fmpq(n + 1, 2)
    cov = sum(((a - centre) * (b - centre) for a, b in zip(one, two, strict=True)), start=fmpq(0))
    squares = [sum(((a - centre) ** 2 for a in values), start=fmpq(0)) for values in (one, two)]
    return arb(cov) / (arb(squares[0]) * squares[1]).sqrt()


def _measure(found: FiniteModel) -> Iterator[Finding]:
    pearson, spearman = unweighted_correlation(found), unweighted_spearman(found)
    yield Finding("unweighted Pearson - 0.49, the published figure", pearson - arb("0.49"), tolerance=0.005)
    yield Finding("unweighted Spearman - 0.43, the published figure", spearman - arb("0.43"), tolerance=0.005)
    yield Finding("unweighted Pearson > 0", pearson, "positive")
    yield Finding("Pearson under p+ < 0", -found.mean.correlation, "positive")


def _same_sign(found: FiniteModel) -> Iterator[Finding]:
    product = unweighted_correlation(found) * found.mean.correlation
    yield Finding("Corr(unweighted) Corr(p+) >= 0", product, "nonnegative")


CLAIM = Claim(
    id="correlation.measure",
    sentence="A",
    clauses=(
        Clause(
            name="all",
            text="the toy's published string-level correlation counts every string once; under p+ its sign is the other",
            formula=r"\mathrm{Corr}_{\mathrm{unif}}(L,R)=+.4856,\qquad \mathrm{Corr}_{p_+}(L,R)=-.1294",
        ),
    ),
    hypotheses=("the paper's toy: seed 42, 1,000 strings",),
    source="direct computation; the figures 0.49 and 0.43 are those of the published notebook",
    check=_measure,
    cases=lambda profile: named("toy"),
    controls=(
        Control(
            "same-sign", "says that the measure does not change the sign", _same_sign, integer_varying, smallest=True
        ),
    ),
    remark="A change of sign between strings and corpora in the toy is thus a change of measure, not of averaging.",
    figure="toy",
    order=3040,
    sketch=r"""
A correlation belongs to a law. The notebook's figure weighs every string alike, corpora are drawn from $p_+$; both
are computed, and their signs differ.
""",
)
