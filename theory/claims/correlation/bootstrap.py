"""correlation.bootstrap."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from flint import arb, fmpq

from theory.arithmetic.exact import Exact, objects
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile
from theory.claims.correlation.models import correlates, joint_of, varying_tables
from theory.claims.instances import named, random_laws
from theory.corpora.mixtures import Joint, Mixture
from theory.corpora.resampling import (
    pools,
    squared_understatement,
)
from theory.models.finite import FiniteModel

_ENTRIES = ("Var(Lbar)", "Var(Rbar)", "Cov(Lbar, Rbar)")


def _bootstrap(found: FiniteModel) -> Iterator[Finding]:
    law = joint_of(found)
    sigma, mean_l = law.covariance(), law.mean()[0]
    for pool in (2, 3):
        drawn = pools(law, pool)
        shown, between = drawn.within(), drawn.between()
        for what, total, one, other in zip(_ENTRIES, sigma.entries(), shown.entries(), between.entries(), strict=True):
            inside = f"{what}: mean within a pool of {pool} = (n - 1)/n of a string's"
            yield Finding(inside, one - total * fmpq(pool - 1, pool), clause="about-mean")
            yield Finding(
                f"{what}: between pools of {pool} = 1/n of a string's", other - total / pool, clause="about-mean"
            )
        yield Finding(f"mean of pools of {pool}", drawn.means().mean()[0] - mean_l, clause="about-mean")
        for size in (1, 2, 3):
            yield from _resampled(drawn, size, pool)


def _resampled(drawn: Mixture, size: int, pool: int) -> Iterator[Finding]:
    """Corpora of N strings from pools of n: pool by pool, and over all pools."""
    corpora, shown, between = drawn.corpora(size), drawn.within(), drawn.between()
    same = f"every pool of {pool}: covariance matrix times N = the pool's, N = {size}"
    yield Finding(same, _gap(corpora, drawn, size), clause="pool")
    for k, (one, other) in enumerate(zip(corpora.parts, drawn.parts, strict=True)):
        own = other.covariance()
        if own.var_log_prior > 0 and own.var_reward > 0:
            gap = one.covariance().correlation - own.correlation
            yield Finding(f"pool {k + 1} of {pool}: Corr over its corpora = its own, N = {size}", gap, clause="pool")
    ratio = squared_understatement(size, pool)
    whole = corpora.pooled().covariance().entries()
    for what, total, one, other in zip(_ENTRIES, whole, shown.entries(), between.entries(), strict=True):
        error = f"{what} over pools of {pool} = (1 + N/(n - 1)) shown, N = {size}"
        yield Finding(error, total - one * ratio / size, clause="about-mean")
        about = f"{what} of the means of pools of {pool} = N/(n - 1) shown, N = {size}"
        yield Finding(about, other - one / size * fmpq(size, pool - 1), clause="about-pool")


def _gap(corpora: Mixture, drawn: Mixture, size: int) -> Exact:
    """The sum over pools and entries of |N Cov(corpora of the pool) - Cov(pool)|."""
    pairs = [(a.covariance(), b.covariance()) for a, b in zip(corpora.parts, drawn.parts, strict=True)]
    return sum(
        (abs(x * size - y) for a, b in pairs for x, y in zip(a.entries(), b.entries(), strict=True)), start=arb(0)
    )


def _bootstrap_cases(profile: Profile) -> Iterator[Case]:
    for model in (*named("C1", "C3", "C4", "C5", "C7"), *random_laws(profile)):
        if len(model.content.aligned) <= 4 and correlates(model.content):
            yield model


def _no_understatement(found: FiniteModel) -> Iterator[Finding]:
    drawn = pools(joint_of(found), 2)
    gap = drawn.corpora(2).pooled().covariance().var_log_prior - drawn.within().var_log_prior / 2
    yield Finding("Var(Lbar) over pools = mean of what one pool shows, n = N = 2", gap)


def _divided_by_pool(found: FiniteModel) -> Iterator[Finding]:
    drawn = pools(joint_of(found), 2)
    gap = drawn.corpora(2).pooled().covariance().var_log_prior - drawn.within().var_log_prior * (1 + fmpq(2, 2)) / 2
    yield Finding("Var(Lbar) over pools = (1 + N/n) shown, n = N = 2", gap)


def _without_replacement(found: FiniteModel) -> Iterator[Finding]:
    """Corpora are the pairs out of an ordered pool of three strings."""
    law = joint_of(found)
    weight, parts = [], []
    for triple in itertools.product(range(len(law)), repeat=3):
        weight.append(law.prob[triple[0]] * law.prob[triple[1]] * law.prob[triple[2]])
        values = [
            objects((v[i] + v[j]) / 2 for i, j in itertools.combinations(triple, 2))
            for v in (law.log_prior, law.reward)
        ]
        parts.append(Joint(objects([fmpq(1, 3)] * 3), values[0], values[1]))
    drawn = Mixture(objects(weight), tuple(parts))
    gap = drawn.pooled().covariance().var_log_prior - drawn.within().var_log_prior * squared_understatement(2, 3)
    yield Finding("Var(Lbar) over pools = (1 + N/(n - 1)) shown, n = 3, N = 2", gap)


def _pool_is_the_law(found: FiniteModel) -> Iterator[Finding]:
    for part in pools(joint_of(found), 3).parts:
        matrix = part.covariance()
        if matrix.var_log_prior > 0 and matrix.var_reward > 0:
            yield Finding("Corr in a pool of 3 = Corr under p+", matrix.correlation - found.mean.correlation)


CLAIM = Claim(
    id="correlation.bootstrap",
    sentence="A",
    clauses=(
        Clause(
            name="pool",
            text="corpora resampled from one pool of strings have the pool's correlation at every N, whatever that of "
            "the "
            "law is, unless L or R is constant on the pool",
            formula=r"\operatorname{Corr}(\bar L,\bar R\mid\text{pool})=\operatorname{Corr}(\text{pool})",
            formal=("correlation_bootstrap_pool",),
        ),
        Clause(
            name="about-mean",
            text="the mean squared error of a resampled Lbar about E L is 1 + N/(n - 1) times the variance of Lbar "
            "that one "
            "pool of n >= 2 independent strings shows on average",
            formula=r"\mathbb E(\bar L-\mathbb E L)^2=\Big(1+\frac{N}{n-1}\Big)\,\mathbb E\operatorname{Var}(\bar "
            r"L\mid\text{pool})",
            formal=("correlation_bootstrap_spread",),
        ),
        Clause(
            name="about-pool",
            text="the variance of the pool's own mean of L is N/(n - 1) times the variance of Lbar that one pool of n "
            ">= 2 "
            "independent strings shows on average",
            formula=r"\operatorname{Var}(\text{mean of the pool})=\frac{N}{n-1}\,\mathbb E\operatorname{Var}(\bar "
            r"L\mid\text{pool})",
            formal=("correlation_bootstrap_about_pool",),
        ),
    ),
    hypotheses=(
        "a pool of n independent strings of one law with finite variances",
        "corpora of N strings drawn from it with replacement",
    ),
    source="Efron (1979), doi:10.1214/aos/1176344552; law of total covariance",
    check=_bootstrap,
    cases=_bootstrap_cases,
    controls=(
        Control(
            "pool-is-the-law",
            "says that the correlation over one pool's corpora is that of p+",
            _pool_is_the_law,
            lambda _: varying_tables(9),
            smallest=True,
        ),
        Control(
            "no-understatement",
            "says that the spread over one pool's corpora is the standard error",
            _no_understatement,
            lambda _: varying_tables(9),
            smallest=True,
        ),
        Control(
            "divided-by-n", "puts n in the place of n - 1", _divided_by_pool, lambda _: varying_tables(9), smallest=True
        ),
        Control(
            "without-replacement",
            "draws the corpora of a pool without replacement",
            _without_replacement,
            lambda _: varying_tables(9),
            smallest=True,
        ),
    ),
    remark=(
        "As standard errors the factors are sqrt(1 + N/(n - 1)) about E L and sqrt(N/(n - 1)) about the pool's mean: "
        "10.05 "
        "and 10.00 for a pool of 2,000 strings and N = 200,000. The same factors hold for Rbar and for the "
        "covariance, so "
        "that over pools and corpora together Corr(Lbar, Rbar) is that of p+."
    ),
    order=3060,
    sketch=r"""
Given the pool, corpora are independent draws from its empirical law: correlation.iid. The pool's covariance is on
average $\frac{n-1}n\Sigma$, its mean varies by $\Sigma/n$: total covariance gives
$\frac{n-1}{nN}\Sigma+\frac1n\Sigma=(1+\frac N{n-1})\frac{n-1}{nN}\Sigma$.
""",
)
