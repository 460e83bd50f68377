"""correlation.rank."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from flint import acb, arb, fmpq

from theory.arithmetic.exact import Array, Exact, objects, to_float
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile
from theory.claims.correlation.models import correlates, joint_of, varying_tables
from theory.claims.instances import case, named
from theory.corpora.resampling import (
    RankMoments,
    corpus_rank_moments,
    rank_correlation_limit,
)
from theory.examples import finite as examples
from theory.models.finite import FiniteModel


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """A model, the corpus sizes at which its ranks are enumerated, and what is known of it.

    Args:
        sizes: increasing; the last ones are compared with the limit.
        rate: C, where |Spearman(N) - limit| <= C/N is tested for N >= 10; None for half the larger kurtosis.
        reverses: from this N on the enumerated corpora have the sign that the strings lack; None where they agree.
        figures: (Spearman of strings, limit of corpora), three decimals; () where none are given.
    """

    found: FiniteModel
    sizes: tuple[int, ...]
    rate: float | None = None
    reverses: int | None = None
    figures: tuple[float, ...] = ()


def _half_kurtosis(found: FiniteModel) -> float:
    """kappa/2, kappa the larger kurtosis of L and R under p+: N times the distance to the limit stays below it.

    The order 1/N is what an Edgeworth expansion suggests: Spearman's correlation is 12 P(L1 < L2, R1 < R3) - 3 for
    independent corpora, and the third cumulants, of order 1/sqrt N, enter this orthant through derivatives of the
    normal density that vanish at its corner, or as those of L1 - L2 and R1 - R3, which are 0. The constant is
    observed, not proved; a rare string far out makes the distance large, and with it kappa.
    """
    joint = joint_of(found)
    kurtosis = [
        sum(p * (v - centre) ** 4 for p, v in zip(joint.prob, values, strict=True)) / (variance * variance)
        for values, centre, variance in zip(
            (joint.log_prior, joint.reward), joint.mean(), joint.covariance().entries(), strict=False
        )
    ]
    return max(to_float(k) for k in kurtosis) / 2


_RANK_ENTRIES = ("cov of the ranks", "variance of the ranks of Lbar", "variance of the ranks of Rbar")


C7_RATE = 1.5
"""In C7 N |Spearman(N) - limit| falls from 1.24 at N = 10 to 0.40 at N = 40."""


def _rank(content: Ranked) -> Iterator[Finding]:
    found = content.found
    rho = found.mean.correlation
    limit = rank_correlation_limit(rho)
    gap = limit - 12 * _orthant(rho / 2) + 3
    yield Finding("(6/pi) arcsin(rho/2) = 12 P(X > 0, Y > 0) - 3, Corr(X, Y) = rho/2", gap, clause="normal")
    for size in (1, 2):
        pairs = zip(
            _RANK_ENTRIES, _moments(corpus_rank_moments(found.aligned, size)), _concordance(found, size), strict=True
        )
        for what, one, other in pairs:
            yield Finding(f"{what} = a mean of signs / 4, N = {size}", one - other, clause="signs")
    rate = content.rate or _half_kurtosis(found)
    moments = {size: corpus_rank_moments(found.aligned, size) for size in content.sizes}
    for size in content.sizes:
        if size >= 10:
            gap = moments[size].correlation - limit
            label = f"Spearman at N = {size}: within {rate:.3g}/N of its limit"
            yield Finding(label, gap, "zero", rate / size, clause="limit")
    if content.reverses is not None:
        yield Finding("the limit > 0", limit, "positive", clause="turns")
        for size, moment in moments.items():
            side = 1 if size >= content.reverses else -1
            yield Finding(f"sign of Spearman at N = {size}", moment.cov * side, "positive", clause="turns")
    if content.figures:
        strings = corpus_rank_moments(found.aligned, 1).correlation
        for what, value, figure in zip(("strings", "limit"), (strings, limit), content.figures, strict=True):
            close = fmpq(1, 2000) - abs(value - fmpq(round(1000 * figure), 1000))
            yield Finding(f"{what}: {figure} to three decimals", close, "positive", clause="turns")


def _moments(ranks: RankMoments) -> tuple[fmpq, fmpq, fmpq]:
    return ranks.cov, ranks.var_first, ranks.var_second


def _concordance(found: FiniteModel, size: int) -> tuple[Exact, Exact, Exact]:
    """E[sgn(L1 - L2) sgn(R1 - R3)]/4 over three independent corpora, and the same with L, L and with R, R.

    The second route to the moments of ranks: corpus means in balls, compared one by one; a difference whose ball
    holds 0 counts as a tie.
    """
    corpora = joint_of(found).corpus_means(size)
    above_l, above_r = (_mean_signs(corpora.prob, v) for v in (corpora.log_prior, corpora.reward))
    return tuple(
        (corpora.prob * a * b).sum() / 4 for a, b in ((above_l, above_r), (above_l, above_l), (above_r, above_r))
    )


def _mean_signs(prob: Array, values: Array) -> Array:
    """P(V < v_i) - P(V > v_i)."""
    return objects(
        sum((p * _sign(value - other) for p, other in zip(prob, values, strict=True)), start=arb(0)) for value in values
    )


def _sign(gap: arb) -> int:
    return 1 if gap > 0 else -1 if gap < 0 else 0


def _orthant(correlation: arb) -> arb:
    """P(X > 0, Y > 0) for standard normal X, Y: the integral of phi(x) Phi(c x), c = r/sqrt(1 - r^2), by quadrature.

    Source: Sheppard (1899) for its value 1/4 + arcsin(r)/(2 pi). The tail beyond 20 is below 1e-88.
    """
    c = correlation / (1 - correlation * correlation).sqrt()
    root = arb(2).sqrt()

    def density(x: acb, _: bool) -> acb:
        return (-x * x / 2).exp() * (1 + (x * c / root).erf()) / 2

    return acb.integral(density, 0, 20).real / (2 * arb.pi()).sqrt()


def _rank_cases(profile: Profile) -> Iterator[Case]:
    sizes = (1, 2, 3, 10, 20, 40) if profile.full else (1, 2, 3, 10, 20)
    model = named("C7")[0]
    yield Case("C7", Ranked(model.content, sizes, C7_RATE, reverses=3, figures=(-0.488, 0.465)), model.spec)
    smallest = case("", examples.table((1, 2, 3), (1, 3, 2)))
    name = "p = (1, 2, 3), e^R = (1, 3, 2)"
    yield Case(
        name,
        Ranked(smallest.content, (1, 2, 3, 4, 10, 20, 40), 1.0, reverses=4, figures=(-0.469, 0.192)),
        smallest.spec,
    )
    for model in named("C3", "C4", "C5"):
        yield Case(model.name, Ranked(model.content, sizes, 0.1), model.spec)
    if profile.full:
        yield from _random_rankings(np.random.default_rng(profile.seed), count=6)


def _random_rankings(rng: np.random.Generator, count: int) -> Iterator[Case]:
    """Tables of 3 and 4 strings whose kurtosis is below 6: at N = 20 a tolerance of 0.15 still says something."""
    found = 0
    while found < count:
        drawn = case("", examples.random_table(rng, 3 + found % 2))
        if correlates(drawn.content) and _half_kurtosis(drawn.content) < 3:
            found += 1
            yield Case(f"random table {found} of moderate kurtosis", Ranked(drawn.content, (20, 40)), drawn.spec)


def _same_sign(found: FiniteModel) -> Iterator[Finding]:
    ranks = corpus_rank_moments(found.aligned, 1)
    product = found.mean.cov * ranks.cov
    yield Finding("Spearman of strings and limit of corpora: the same sign", product, "nonnegative")


def _kendall(found: FiniteModel) -> Iterator[Finding]:
    size = 20
    limit = 2 * found.mean.correlation.asin() / arb.pi()
    gap = corpus_rank_moments(found.aligned, size).correlation - limit
    yield Finding(f"C7: Spearman at N = {size} within {C7_RATE}/N of (2/pi) arcsin(rho)", gap, "zero", C7_RATE / size)


CLAIM = Claim(
    id="correlation.rank",
    sentence="A",
    clauses=(
        Clause(
            name="turns",
            text="averaging can turn the sign of Spearman's correlation: in C7 it is -.488 for strings, positive for "
            "corpora of 3, 10 and 20 strings, and .465 in the limit",
        ),
        Clause(
            name="limit",
            text="as N grows the Spearman correlation of Lbar and Rbar tends to (6/pi) arcsin(rho/2), rho = Corr(L, "
            "R), for "
            "every finite law on which L and R vary",
            formula=r"\rho_S(\bar L,\bar R)\to\frac6\pi\arcsin\frac{\rho}{2},\quad\rho=\operatorname{Corr}_{p_+}(L,R)",
        ),
        Clause(
            name="signs",
            text="the covariance of the mid-distribution ranks of corpora is a quarter of "
            "E[sgn(L1 - L2) sgn(R1 - R3)] over three independent corpora",
            formula=r"\operatorname{Cov}(\mathrm{rank}\,\bar L,\mathrm{rank}\,\bar R)="
            r"\tfrac14\mathbb E[\operatorname{sgn}(\bar L_1-\bar L_2)\operatorname{sgn}(\bar R_1-\bar R_3)]",
        ),
        Clause(
            name="normal",
            text="12 P(X > 0, Y > 0) - 3 = (6/pi) arcsin(rho/2) for standard normal X and Y of correlation rho/2",
            formula=r"12\,P(X>0,Y>0)-3=\frac6\pi\arcsin\frac{\rho}{2}",
        ),
    ),
    hypotheses=(
        "the strings of a corpus are independent draws from p+",
        "0 < Var L, Var R < inf",
        "Spearman's correlation is that of mid-distribution ranks",
    ),
    source="Pearson (1907); Kruskal (1958), doi:10.1080/01621459.1958.10501481; the central limit theorem",
    check=_rank,
    cases=_rank_cases,
    controls=(
        Control(
            "same-sign",
            "says that Spearman's correlation of strings has the sign that corpora have in the limit",
            _same_sign,
            lambda _: varying_tables(12),
            smallest=True,
        ),
        Control(
            "kendall",
            "takes (2/pi) arcsin(rho), the limit of Kendall's tau, for that of Spearman's correlation",
            _kendall,
            lambda _: named("C7"),
        ),
    ),
    remark=(
        "The ranks are exact at every N. The limit is tested to C/N for N from 10 to 40: C = 1.5 for C7, and on random "
        "tables half the larger kurtosis of L and R. That constant is observed, not proved; one rare string with a "
        "large "
        "|L| or |R| can delay the limit as much as one likes. The smallest model whose sign changes between strings "
        "and "
        "the limit has 3 strings: p = (1, 2, 3)/6, e^R = (1, 3, 2), with -0.469 and 0.192."
    ),
    order=3050,
    sketch=r"""
By the central limit theorem $(\bar L,\bar R)$ becomes a normal pair of correlation $\rho$. Spearman's correlation is
$12\,P(L_1<L_2,R_1<R_3)-3$ over independent copies; for a normal pair the two differences have correlation $\rho/2$, and
the orthant has probability $\frac14+\frac1{2\pi}\arcsin\frac\rho2$. The ranks of single strings do not depend on
distances, so their correlation may have another sign than $\rho$.
""",
)
