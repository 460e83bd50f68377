"""correlation.bootstrap."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import sympy as sp
from flint import arb, fmpq

from theory.arithmetic.exact import Exact, objects
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile, Proof
from theory.claims.correlation.models import correlates, joint_of, varying_tables
from theory.claims.instances import named, random_laws
from theory.claims.symbolic import cancels, covariance, mean, simplex
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
        shown, means = drawn.within(), drawn.means()
        for what, total, one, other in zip(
            _ENTRIES, sigma.entries(), shown.entries(), drawn.between().entries(), strict=True
        ):
            yield Finding(
                f"{what}: mean within a pool of {pool} = (n - 1)/n of a string's", one - total * fmpq(pool - 1, pool)
            )
            yield Finding(f"{what}: between pools of {pool} = 1/n of a string's", other - total / pool)
        yield Finding(f"mean of pools of {pool}", means.mean()[0] - mean_l)
        for size in (1, 2, 3):
            corpora = drawn.corpora(size)
            yield Finding(
                f"every pool of {pool}: covariance matrix times N = the pool's, N = {size}", _gap(corpora, drawn, size)
            )
            ratio = squared_understatement(size, pool)
            for what, total, one in zip(
                _ENTRIES, corpora.pooled().covariance().entries(), shown.entries(), strict=True
            ):
                yield Finding(
                    f"{what} over pools of {pool} = (1 + N/(n - 1)) shown, N = {size}", total - one * ratio / size
                )


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


def _bootstrap_proof() -> list[str]:
    size, pool = sp.symbols("N n", positive=True)
    sigma, l, r, both = sp.symbols("Sigma l r lr")
    shown = (pool - 1) / pool * sigma / size
    return [
        _mean_of(
            size, "N", "corpora of N strings from a pool: Cov = Cov(pool)/N, hence Corr = Corr(pool), for every N"
        ),
        _mean_of(pool, "n", "between pools: Cov of the pools' means = Sigma/n for every n"),
        cancels(
            (both - (l * r + (both - l * r) / pool)) - (pool - 1) / pool * (both - l * r),
            "within a pool: E[LR] - E[Lbar Rbar] = (n - 1)/n Sigma for every n",
        ),
        cancels(shown + sigma / pool - (1 + size / (pool - 1)) * shown, "W/N + B = (1 + N/(n - 1)) W/N"),
        cancels(
            sigma / pool - size / (pool - 1) * shown, "Var of the pool's mean = N/(n - 1) times what its corpora show"
        ),
        *(_all_pools(strings, number) for strings, number in ((2, 2), (2, 3), (3, 2), (4, 2))),
    ]


def _mean_of(size: Exact, letter: str, what: str) -> str:
    """Cov of two means of independent copies, from E e^{s Lbar + t Rbar} = phi(s/N, t/N)^N."""
    s, t, l, r, both = sp.symbols("s t l r lr")
    transform = (1 + s * l / size + t * r / size + s * t * both / size**2) ** size
    first, second, mixed = (sp.diff(transform, *by).subs({s: 0, t: 0}) for by in ((s,), (t,), (s, t)))
    return cancels(mixed - first * second - (both - l * r) / size, what)


def _all_pools(strings: int, pool: int) -> str:
    """Pool by pool, and corpus by corpus for N = 2, with free probabilities and values."""
    q = simplex(strings)
    log_prior, reward = sp.symbols(f"L1:{strings + 1}"), sp.symbols(f"R1:{strings + 1}")
    even, pairs = [sp.Rational(1, pool)] * pool, list(itertools.product(range(pool), repeat=2))
    prob, within, mean_l, mean_r, corpora = [], [], [], [], []
    for members in itertools.product(range(strings), repeat=pool):
        one, other = [log_prior[y] for y in members], [reward[y] for y in members]
        prob.append(sp.Mul(*(q[y] for y in members)))
        within.append(covariance(even, one, other))
        mean_l.append(mean(even, one))
        mean_r.append(mean(even, other))
        corpora.append(sp.Add(*((one[i] + one[j]) * (other[i] + other[j]) for i, j in pairs)) / (4 * pool**2))
    sigma = covariance(q, log_prior, reward)
    what = f"pool by pool, n = {pool}, {strings} strings: E Cov(pool), Cov of pools' means, Cov of corpora of 2"
    cancels(mean(prob, within) - sp.Rational(pool - 1, pool) * sigma, what)
    cancels(covariance(prob, mean_l, mean_r) - sigma / pool, what)
    total = mean(prob, corpora) - mean(q, log_prior) * mean(q, reward)
    return cancels(total - (1 + sp.Rational(2, pool - 1)) * sp.Rational(pool - 1, 2 * pool) * sigma, what)


CLAIM = Claim(
    id="correlation.bootstrap",
    sentence="A",
    clauses=(
        Clause(
            name="all",
            text="corpora resampled from one pool repeat the pool: its correlation at every N, and too narrow a spread",
            formula=r"\operatorname{Corr}(\bar L,\bar R\mid\text{pool})=\operatorname{Corr}(\text{pool}),\quad"
            r"\operatorname{Var}(\bar L)=\Big(1+\frac{N}{n-1}\Big)\,\mathbb E\operatorname{Var}(\bar L\mid\text{pool})",
            proof=Proof("n <= 4", _bootstrap_proof),
        ),
    ),
    hypotheses=(
        "a pool of n >= 2 independent strings",
        "corpora of N strings drawn from it with replacement",
        "the pool's L and R are not constant (for its correlation to exist)",
    ),
    source="Efron (1979), doi:10.1214/aos/1176344552; law of total covariance",
    check=_bootstrap,
    cases=_bootstrap_cases,
    controls=(
        Control(
            "no-understatement",
            "the spread over one pool's corpora is said to be the standard error",
            _no_understatement,
            lambda _: varying_tables(9),
            smallest=True,
        ),
        Control(
            "divided-by-n", "n in the place of n - 1", _divided_by_pool, lambda _: varying_tables(9), smallest=True
        ),
        Control(
            "without-replacement",
            "the corpora of a pool are drawn without replacement",
            _without_replacement,
            lambda _: varying_tables(9),
            smallest=True,
        ),
        Control(
            "pool-is-the-law",
            "the correlation over one pool's corpora is said to be that of p+",
            _pool_is_the_law,
            lambda _: varying_tables(9),
            smallest=True,
        ),
    ),
    remark=(
        "sqrt(1 + N/(n - 1)) is the root mean squared error of a resampled Lbar about E L over the root mean "
        "square of the standard deviation that its pool shows; for the pool's own mean it is sqrt(N/(n - 1)). A "
        "pool of 2,000 strings and N = 200,000: a factor of 10.05. The matrices of (L, R) are all multiples of "
        "one, so that over pools and corpora together Corr(Lbar, Rbar) is still that of p+."
    ),
    order=3060,
    sketch=r"""
Given the pool, corpora are independent draws from its empirical law: correlation.iid. The pool's covariance is on
average $\frac{n-1}n\Sigma$, its mean varies by $\Sigma/n$: total covariance gives
$\frac{n-1}{nN}\Sigma+\frac1n\Sigma=(1+\frac N{n-1})\frac{n-1}{nN}\Sigma$.
""",
)
