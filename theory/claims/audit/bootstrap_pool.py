"""audit.bootstrap-pool: 200,000 strings drawn again from 2,000 show a tenth of their error."""

from __future__ import annotations

from collections.abc import Iterator

from flint import arb, fmpq

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
        yield Finding(f"shown by pools of {pool}, N = {size}", shown - sigma * spread.shown, clause="variances")
        error = drawn.corpora(size).pooled().covariance().var_log_prior
        yield Finding(f"error with pools of {pool}, N = {size}", error - sigma * spread.error, clause="variances")
        fresh = truth.corpus_means(size).covariance().var_log_prior - sigma * spread.fresh
        yield Finding(f"of fresh strings, N = {size}", fresh, clause="variances")
    read = bootstrap_pool(200_000, 2_000)
    ratio = read.error / read.shown
    yield Finding("n = 2,000, N = 200,000: error/shown - 201999/1999", ratio - fmpq(201999, 1999), clause="tenth")
    close = fmpq(1, 200) - abs(arb(ratio).sqrt() - arb("10.05"))
    yield Finding("its root is 10.05 to two decimals", close, "positive", clause="tenth")


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
            name="tenth",
            text="corpora of 200,000 strings drawn again from a pool of 2,000 show a tenth of their error: its root "
            "mean square about E L is 10.05 times what a pool shows",
            formula=r"\frac{\mathbb E(\bar L-\mathbb E L)^2}{\mathbb E\operatorname{Var}(\bar L\mid\text{pool})}"
            r"=1+\frac{N}{n-1}=\frac{201999}{1999}",
            formal=("audit_bootstrap_pool_tenth",),
        ),
        Clause(
            name="variances",
            text="for a pool of n and corpora of N, Var Lbar is shown as (n - 1)/(n N) Var L on average; the mean "
            "squared error is Var L/n more, and fresh corpora have Var L/N",
            formula=r"\tfrac{n-1}{nN}\operatorname{Var}L,\quad"
            r"\big(\tfrac{n-1}{nN}+\tfrac1n\big)\operatorname{Var}L,\quad\tfrac1N\operatorname{Var}L",
            formal=("audit_bootstrap_pool_variances",),
        ),
    ),
    hypotheses=(
        "a pool of n >= 2 independent strings",
        "corpora of N strings drawn from it with replacement, as the public code at commit ccec1ac reads: N = 200,000 "
        "from "
        "about n = 2,000",
    ),
    source=f"{READ}: corpora of 200,000 strings from about 2,000",
    check=_pool,
    cases=_few,
    controls=(harmless("the standard error", _pool_harmless, integer_cases),),
    remark=(
        "By itself it produces tight clouds of corpora, far from each other: each cloud repeats the sampling error of "
        "its pool. Within a cloud the correlation is the pool's at every N (correlation.bootstrap)."
    ),
    order=9090,
    sketch=r"""
The variances of correlation.bootstrap, read as the error that is shown and the error that is made.
""",
)
