"""audit.re-binning: equal-count re-binning along L changes the correlation of corpora."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from flint import fmpq

from theory.arithmetic.exact import objects
from theory.claims.audit.models import READ, harmless
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile
from theory.claims.instances import compositions
from theory.corpora.mixtures import Covariance, Joint
from theory.reference_code import (
    correlation,
    rebinned,
)


@dataclass(frozen=True, slots=True, eq=False)
class Corpora:
    """All corpora of N strings of a law of (L, R), rationals, and the bins they are sorted into."""

    law: Joint
    bins: int


def corpora_of(weights: Sequence[int], points: Sequence[tuple[int, int]], size: int, bins: int) -> Case:
    """Corpora of N strings with p+ and (L, R) given by integers: L and R are known up to a common unit."""
    law = Joint.of(weights, points).corpus_means(size)
    return Case(f"p+ = {tuple(weights)}, (L, R) = {tuple(points)}, N = {size}, {bins} bins", Corpora(law, bins))


C4_POINTS = ((3, 0), (2, 0), (0, 3))
"""(log p, log e^R) of C4's strings in units of log 2, L measured from log 1/13."""


def _rebinning_cases(_: Profile) -> list[Case]:
    return [
        corpora_of((2, 1, 2), C4_POINTS, 10, 10),
        corpora_of((2, 1, 2), C4_POINTS, 20, 20),
        corpora_of((1, 4, 12), ((0, 0), (1, 1), (2, 3)), 12, 8),
        corpora_of((3, 2, 2, 1), ((0, 0), (1, 0), (0, 1), (2, 2)), 6, 5),
    ]


def _small_corpora(_: Profile) -> Iterator[Case]:
    """Two strings of N = 2, then three of N = 2, in two and three bins, by the sum of the weights."""
    for points in (((0, 0), (1, 1)), ((0, 1), (1, 0), (2, 2))):
        for total in range(2, 9):
            for weights in compositions(len(points), total):
                for bins in (2, 3):
                    yield corpora_of(weights, points, 2, bins)


def _rebinned(content: Corpora) -> Iterator[Finding]:
    """E[R | bin] and Var(R | bin) stay, the bins become equally heavy: Cov by the law of total covariance."""
    law, made = content.law, rebinned(content.law, content.bins)
    low, high = min(law.log_prior), max(law.log_prior)
    edges = [low + (high - low) * fmpq(k, content.bins) for k in range(1, content.bins)]
    place = [sum(v >= edge for edge in edges) for v in law.log_prior]
    parts = []
    for k in sorted(set(place)):
        members = np.flatnonzero([own == k for own in place])
        mass = law.prob[members] / law.prob[members].sum()
        parts.append(Joint(mass, law.log_prior[members], law.reward[members]))
    count = len(parts)
    within = _average([part.covariance() for part in parts])
    means = [part.mean() for part in parts]
    between = Joint(objects([fmpq(1, count)] * count), objects(l for l, _ in means), objects(r for _, r in means))
    for name, value, one, other in zip(
        ("Var L", "Var R", "Cov"),
        made.covariance().entries(),
        within.entries(),
        between.covariance().entries(),
        strict=True,
    ):
        yield Finding(f"{name} of equally heavy bins", value - one - other)


def _average(matrices: Sequence[Covariance]) -> Covariance:
    share = fmpq(1, len(matrices))
    total = matrices[0].scaled(share)
    for matrix in matrices[1:]:
        total = total + matrix.scaled(share)
    return total


def _rebinned_harmless(content: Corpora) -> Iterator[Finding]:
    one, other = correlation(content.law), correlation(rebinned(content.law, content.bins))
    if one is not None and other is not None:
        yield Finding("Corr after re-binning = Corr", other - one)


def _none_out_of_none(content: Corpora) -> Iterator[Finding]:
    if content.law.covariance().cov == 0:
        yield Finding("Cov after re-binning, where it was 0", rebinned(content.law, content.bins).covariance().cov)


def _curved(_: Profile) -> list[Case]:
    law = Joint.of([1, 2, 1], [(0, -2), (1, 3), (4, 0)])
    return [Case("weights (1, 2, 1), (L, R) = ((0, -2), (1, 3), (4, 0)), 4 bins", Corpora(law, 4))]


CLAIM = Claim(
    id="audit.re-binning",
    sentence="",
    clauses=(
        Clause(
            name="total",
            text="equal-count re-binning along L replaces Cov(L, R) by the mean covariance within bins plus the "
            "covariance of "
            "the bins' means, all bins counted alike; so it does both variances",
            formula=r"\operatorname{Cov}'=\overline{\operatorname{Cov}(\cdot\mid\text{bin})}+"
            r"\operatorname{Cov}_{\text{uniform over bins}}(\mathbb E[\bar L|\text{bin}],\mathbb E[\bar R|\text{bin}])",
            formal=("audit_re_binning_covariance",),
        ),
    ),
    hypotheses=(
        "bins of equal width in L are made equally heavy, as the public code at commit ccec1ac reads",
        "rational L and R of finitely many corpora",
    ),
    source=f"{READ}: the toy's typical corpora before their correlation is taken",
    check=_rebinned,
    cases=_rebinning_cases,
    controls=(
        harmless("the correlation", _rebinned_harmless, _small_corpora, smallest=False),
        Control(
            "none-out-of-none",
            "says that where there is no covariance re-binning makes none",
            _none_out_of_none,
            _curved,
        ),
    ),
    remark=(
        "By itself it takes the toy's -0.81 to about -0.91, where the notebook prints -0.92, if (Lbar, Rbar) is taken "
        "for a normal pair and L is spread evenly over the mean range of 213 corpora. If E[R | L] is constant the "
        "correlation is 0 before and after. If it is 0 because E[R | L] is curved, it may differ from 0 afterwards."
    ),
    order=9100,
    sketch=r"""
The law of total covariance over the bins, whose weights have become equal.
""",
)
