"""metropolis.corpora: successive states of a chain in equilibrium can trade off although strings do not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import sympy as sp
from flint import arb, fmpq

from theory.arithmetic.exact import Array
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile
from theory.claims.metropolis.models import (
    Chained,
    SymbolicChain,
    chain_cases,
    is_constant,
    mean_under,
    point_law,
    three_string_chains,
    two_string_chains,
)
from theory.corpora.metropolis import (
    IndependentChain,
    corpus_variance_bound,
    largest_weight,
    summation_factor,
)
from theory.models.finite import FiniteModel


def lagged_covariances(walk: IndependentChain, pairs: Sequence[tuple[Array, Array]], size: int) -> list[list[arb]]:
    """Cov(fbar, gbar) over N = 1, ..., ``size`` states of the stationary chain, from the powers of its kernel.

    N^2 Cov = N gamma_0 + sum_k (N - k) (gamma_k(f, g) + gamma_k(g, f)), gamma_k(f, g) = E[f(Y_0) (P^k g)(Y_0)] for
    centred f, g. Takes no sides in reversibility, and knows nothing of eigenvalues.
    """
    kernel, pi = walk.kernel(), walk.target
    rows = []
    for first, second in pairs:
        f, g = first - (pi * first).sum(), second - (pi * second).sum()
        left, right = pi * f, pi * g
        step, total, row = (left * g).sum(), arb(0), []
        for length in range(1, size + 1):
            total = total + step
            row.append(total / length**2)
            f, g = kernel.dot(f), kernel.dot(g)
            step = step + (left * g).sum() + (right * f).sum()
        rows.append(row)
    return rows


def _correlation(walk: IndependentChain, found: FiniteModel, size: int) -> arb:
    """Corr(Lbar, Rbar) over N states of the stationary chain; L and R not constant."""
    log_prior, reward = found.numbers.log_prior, found.numbers.reward
    pairs = ((log_prior, reward), (log_prior, log_prior), (reward, reward))
    cov, var_l, var_r = (walk.corpus_covariance(f, g, size) for f, g in pairs)
    correlation: arb = cov / (var_l * var_r).sqrt()
    return correlation


def _corpora(content: Chained) -> Iterator[Finding]:
    walk, found = content.chain, content.found
    log_prior, reward, surprisal = found.numbers.log_prior, found.numbers.reward, found.numbers.surprisal
    star = largest_weight(walk.weight)
    pairs = [(log_prior, reward), (surprisal, surprisal)]
    by_kernel = lagged_covariances(walk, pairs, max(_SIZES))
    for name, (f, g), row in zip(("Cov(Lbar, Rbar)", "Var(Ibar)"), pairs, by_kernel, strict=True):
        for size in _SIZES:
            gap = walk.corpus_covariance(f, g, size) - row[size - 1]
            yield Finding(f"{name} at N = {size}: closed form - powers of the kernel", gap, clause="closed-form")
    variance = found.mean.var_surprisal
    for size in _SIZES:
        least = min((2 * star - 1) * size - factor for factor in summation_factor(walk.rejection(), size))
        label = f"(2 w* - 1) N - the largest variance factor, N = {size}"
        yield Finding(label, least, "nonnegative", clause="bound")
        if star > 1 and not found.mean.constant.surprisal:
            slack = corpus_variance_bound(variance, star, size) - by_kernel[1][size - 1]
            yield Finding(f"(2 w* - 1) V/N - Var(Ibar), N = {size}", slack, "positive", clause="bound")
    heaviest = point_law(len(walk), int(np.flatnonzero(walk.weight == star)[0]))
    spread = walk.corpus_covariance(heaviest, heaviest, 1)
    limit = walk.asymptotic_covariance(heaviest, heaviest)
    gap = limit / spread - (2 * star - 1)
    yield Finding("lim N Var / V - (2 w* - 1) for the indicator of x1", gap, clause="attained")
    for size in _SIZES:
        own = walk.corpus_covariance(heaviest, heaviest, size) * size / spread
        rest = limit / spread - own
        label = f"the indicator of x1: its limit - N Var / V at N = {size}, times N"
        most = 2 * star * star
        yield Finding(f"{label} >= 0", rest, "nonnegative", clause="attained")
        yield Finding(f"{label} <= 2 w*^2", most - rest * size, "nonnegative", clause="attained")
    iid = IndependentChain.towards(walk.target, walk.target)
    for size in (2, 10):
        apart = iid.corpus_covariance(log_prior, reward, size) * size - found.mean.cov
        label = f"pi proposed: N Cov(Lbar, Rbar) - Cov(L, R), N = {size}"
        yield Finding(label, apart, clause="independent")
    if content.negative_from is not None:
        yield from _sign_change(content, content.negative_from)


_SIZES = (1, 2, 3, 10)


def _sign_change(content: Chained, first: int) -> Iterator[Finding]:
    """The sign of the correlation at N = 1, ..., 400 and in the limit, both routes."""
    walk, found = content.chain, content.found
    row = lagged_covariances(walk, [(found.numbers.log_prior, found.numbers.reward)], 400)[0]
    for size, by_kernel in enumerate(row, start=1):
        closed = walk.corpus_covariance(found.numbers.log_prior, found.numbers.reward, size)
        label = f"Cov at N = {size}: closed form - powers of the kernel"
        yield Finding(label, closed - by_kernel, clause="closed-form")
        signed = by_kernel if size < first else -by_kernel
        word = ">" if size < first else "<"
        yield Finding(f"Cov(Lbar, Rbar) {word} 0 at N = {size}", signed, "positive", clause="reversal")
    for size, value in ((1, 179), (2, -65), (10, -523), (400, -727)):
        gap = fmpq(1, 2000) - abs(_correlation(walk, found, size) - fmpq(value, 1000))
        yield Finding(f"Corr at N = {size} is {value / 1000:.3f} to three digits", gap, "positive", clause="reversal")
    limit = walk.asymptotic_covariance(found.numbers.log_prior, found.numbers.reward)
    yield Finding("lim N Cov(Lbar, Rbar) < 0", -limit, "positive", clause="reversal")


def _corpora_cases(profile: Profile) -> Iterator[Case]:
    for case in chain_cases(profile):
        change = 2 if case.name.startswith("C6") else None
        yield replace(case, content=replace(case.content, negative_from=change))


def _varies(content: Chained) -> bool:
    """Whether L and R vary and the chain is no sequence of independent draws."""
    constant = content.found.mean.constant
    return not (constant.log_prior or constant.reward or is_constant(content.chain.weight))


def _iid_identity(content: Chained) -> Iterator[Finding]:
    if _varies(content):
        gap = _correlation(content.chain, content.found, 2) - content.found.mean.correlation
        yield Finding("chain, N = 2: Corr(Lbar, Rbar) - Corr(L, R)", gap)


def _same_sign(content: Chained) -> Iterator[Finding]:
    found = content.found
    if _varies(content) and found.mean.cov > 0:
        found_cov = content.chain.corpus_covariance(found.numbers.log_prior, found.numbers.reward, 10)
        yield Finding("Cov(L, R) > 0; chain, N = 10: Cov(Lbar, Rbar) >= 0", found_cov, "nonnegative")


def _smaller_bound(content: Chained) -> Iterator[Finding]:
    walk, found = content.chain, content.found
    if not found.mean.constant.surprisal:
        star = largest_weight(walk.weight)
        found_var = walk.corpus_covariance(found.numbers.surprisal, found.numbers.surprisal, 2)
        slack = found.mean.var_surprisal * (star - 1) / 2 - found_var
        yield Finding("(w* - 1) V/N - Var(Ibar), N = 2", slack, "nonnegative")


def _from_proposal(content: Chained) -> Iterator[Finding]:
    walk, found = content.chain, content.found
    if not found.mean.constant.surprisal:
        q, surprisal = walk.proposal, found.numbers.surprisal
        var = (q * surprisal * surprisal).sum() - (q * surprisal).sum() ** 2
        bound = corpus_variance_bound(found.mean.var_surprisal, largest_weight(walk.weight), 1)
        if not is_constant(walk.weight):
            yield Finding("started at q: (2 w* - 1) V/N - Var(Ibar), N = 1", bound - var, "nonnegative")


def _covariance(c: SymbolicChain, first: Sequence[sp.Expr], second: Sequence[sp.Expr]) -> sp.Expr:
    products = [a * b for a, b in zip(first, second, strict=True)]
    return mean_under(c.target, products) - mean_under(c.target, first) * mean_under(c.target, second)


CLAIM = Claim(
    id="metropolis.corpora",
    sentence="A",
    clauses=(
        Clause(
            name="reversal",
            text="corpora of successive states of a Metropolis chain can correlate negatively although strings do not: along C6 "
            "Corr(Lbar, Rbar) is +.179 at N = 1, negative for N = 2 to 400 and in the limit",
            formal=("metropolis_corpora_reversal",),
        ),
        Clause(
            name="closed-form",
            text="Cov(Lbar, Rbar) over N successive states is sum_k m_k S_N(lambda_k)/N^2, lambda_k the eigenvalues "
            "and m_k the "
            "shares of Cov(L, R) in their eigenfunctions",
            formula=r"\mathrm{Cov}(\bar L,\bar R)=\frac1{N^2}\sum_k m_k"
            r"\Bigl[N\tfrac{1+\lambda_k}{1-\lambda_k}-\tfrac{2\lambda_k(1-\lambda_k^N)}{(1-\lambda_k)^2}\Bigr]",
            formal=("metropolis_corpora_covariance",),
        ),
        Clause(
            name="bound",
            text="Var(Ibar) <= (2 w* - 1) V/N over N successive states in equilibrium, w* the largest weight pi/q",
            formula=r"\mathrm{Var}(\bar I)\le(2w^*-1)\,V/N",
            formal=("metropolis_corpora_bound",),
        ),
        Clause(
            name="attained",
            text="the factor 2 w* - 1 is the best for all functions of the state: the indicator of a heaviest state "
            "has it in "
            "the limit of large N",
            formula=r"N\,\mathrm{Var}(\bar f)/\mathrm{Var}f\to2w^*-1,\quad f=1_{x_1}",
            formal=("metropolis_corpora_attained",),
        ),
        Clause(
            name="independent",
            text="a chain that proposes from its target gives independent strings: N Cov(Lbar, Rbar) = Cov(L, R) at "
            "every N",
            formal=("metropolis_corpora_independent",),
        ),
    ),
    hypotheses=(
        "q and pi = p+ have the same finite support, of two states or more",
        "the chain starts at its target",
        "one corpus is N successive states",
    ),
    source="Liu (1996), Statistics and Computing 6, for the spectrum; Kipnis and Varadhan (1986) for the variance",
    check=_corpora,
    cases=_corpora_cases,
    controls=(
        Control(
            "iid-sign",
            "drops independence: a positive correlation is said to stay positive along every chain",
            _same_sign,
            three_string_chains,
            smallest=True,
        ),
        Control(
            "iid-identity",
            "drops independence: Corr(Lbar, Rbar) = Corr(L, R) is said to hold along every chain",
            _iid_identity,
            three_string_chains,
            smallest=True,
        ),
        Control("smaller-bound", "puts w* - 1 for 2 w* - 1", _smaller_bound, two_string_chains, smallest=True),
        Control("unstationary", "starts the chain at its proposal", _from_proposal, two_string_chains, smallest=True),
    ),
    remark="C6 has +.179 for independent strings at every N; along the chain -.065, -.523 and -.727 at N = 2, 10 and "
    "400. "
    "On two strings on which L and R vary the correlation is +1 or -1 along every chain, as for independent strings.",
    figure="metropolis",
    order=6040,
    sketch=r"""
Expand $L$ and $R$ in eigenfunctions: $\mathrm{Cov}(L_0,R_t)=\sum m_k\lambda_k^t$, summed over pairs of times.
$\lambda\le1-1/w^*$ bounds each factor by $(2w^*-1)N$. The factors differ between eigenfunctions, so the correlation
changes with $N$.
""",
)
