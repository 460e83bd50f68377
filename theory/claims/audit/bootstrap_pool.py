"""audit.bootstrap-pool: 200,000 strings drawn again from 2,000 show a tenth of their standard error."""

from __future__ import annotations

from collections.abc import Iterator

from theory.claims.audit.models import READ, harmless
from theory.claims.claim import Case, Claim, Clause, Finding, Profile
from theory.claims.instances import integer_cases, small
from theory.corpora.resampling import pools
from theory.models.finite import FiniteModel
from theory.reference_code import (
    bootstrap_pool,
    secret_law,
)


def _pool(found: FiniteModel) -> Iterator[Finding]:
    """The three variances of Lbar against an enumeration of all pools and all their corpora."""
    truth = secret_law(found.numbers)
    sigma = truth.covariance().var_log_prior
    for pool, size in ((2, 2), (3, 2), (2, 3)):
        drawn = pools(truth, pool)
        spread = bootstrap_pool(size, pool)
        shown = drawn.corpora(size).within().var_log_prior
        yield Finding(f"shown by pools of {pool}, N = {size}", shown - sigma * spread.shown)
        error = drawn.corpora(size).pooled().covariance().var_log_prior
        yield Finding(f"error with pools of {pool}, N = {size}", error - sigma * spread.error)
        yield Finding(
            f"of fresh strings, N = {size}", truth.corpus_means(size).covariance().var_log_prior - sigma * spread.fresh
        )


def _pool_harmless(found: FiniteModel) -> Iterator[Finding]:
    sigma = secret_law(found.numbers).covariance().var_log_prior
    spread = bootstrap_pool(200_000, 2_000)
    yield Finding("mean squared error = Var(Lbar) shown, n = 2,000, N = 200,000", sigma * (spread.error - spread.shown))


def _few(profile: Profile) -> list[Case]:
    return [c for c in small(profile) if len(c.content.aligned) <= 4]


CLAIM = Claim(
    id="audit.bootstrap-pool",
    sentence="",
    clauses=(
        Clause(
            name="all",
            text="200,000 strings drawn again from 2,000 show a tenth of their standard error",
            formula=r"\frac{\mathbb E(\bar L-\mathbb E L)^2}{\mathbb E\operatorname{Var}(\bar L\mid\text{pool})}"
            r"=1+\frac{N}{n-1}=\frac{201999}{1999}",
        ),
    ),
    hypotheses=("a pool of n independent strings", "corpora of N strings drawn from it once, with replacement"),
    source=f"{READ}: corpora of 200,000 strings from about 2,000",
    check=_pool,
    cases=_few,
    controls=(harmless("the standard error", _pool_harmless, integer_cases),),
    remark=(
        "By itself it produces tight clouds of corpora, far from each other, that repeat the sampling error of "
        "their pools; see correlation.bootstrap for the correlation, which is the pool's at every N."
    ),
    order=9090,
    sketch=r"""
The variances of correlation.bootstrap, read as the error that is shown and the error that is made.
""",
)
