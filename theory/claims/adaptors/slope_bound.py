"""adaptors.slope-bound: where rewards vary less than surprisals, temperature moves reward by k/(1-k) per nat at most."""

from __future__ import annotations

from collections.abc import Iterator

from flint import arb, fmpq

from theory.adaptors.moments import Moments
from theory.claims.adaptors.models import TEMPERATURES, tempered
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile, of
from theory.claims.instances import case, integer_cases, usual
from theory.examples import finite as examples
from theory.models.finite import FiniteModel


def _slope_bound(found: FiniteModel) -> Iterator[Finding]:
    for tau in TEMPERATURES:
        at = tempered(found, tau)
        yield from of("rate", _rate(at, tau))
        if not at.constant.surprisal and at.var_reward < at.var_surprisal:
            yield from of("bound", _bound(at, tau))


def _rate(at: Moments, tau: fmpq) -> Iterator[Finding]:
    """Cov(R, I)^2 < Var R V, and = where R, I or the other is constant or they lie on one line."""
    against = at.cov + at.var_reward  # -Cov(R, I) = dE R/dtau
    slack = at.var_reward * at.var_surprisal - against * against
    if at.constant.reward or at.constant.surprisal:
        yield Finding(f"R or I constant: dE R/dtau = 0, tau = {tau}", against)
    elif _collinear(at):
        yield Finding(f"L, R and I on one line: |dE R/dtau| = sd R sd I, tau = {tau}", slack)
    else:
        yield Finding(f"|dE R/dtau| < sd R sd I, tau = {tau}", slack, "positive")


def _collinear(at: Moments) -> bool:
    """Whether det Cov(L, R) is 0, or a ball around 0."""
    return not at.var_log_prior * at.var_reward - at.cov * at.cov > 0


def _bound(at: Moments, tau: fmpq) -> Iterator[Finding]:
    """k |dE L| - (1 - k) |dE R|, over V: 0 where R = c - k I, positive elsewhere."""
    k = arb(0) if at.constant.reward else (at.var_reward / at.var_surprisal).sqrt()
    b = at.exchange_coefficient
    margin = k * abs(b) - (1 - k) * abs(1 + b)
    if at.constant.reward or (_collinear(at) and 1 + b > 0):
        yield Finding(f"R = c - k I: k |dE L| = (1 - k) |dE R|, tau = {tau}", margin)
    else:
        yield Finding(f"k |dE L| > (1 - k) |dE R|, tau = {tau}", margin, "positive")


def _without_factor(found: FiniteModel) -> Iterator[Finding]:
    at = found.mean
    if not at.constant.surprisal and at.var_reward < at.var_surprisal:
        k = (at.var_reward / at.var_surprisal).sqrt()
        b = at.exchange_coefficient
        yield Finding("k |dE L| >= |dE R|", k * abs(b) - abs(1 + b), "nonnegative")


def _any_k(found: FiniteModel) -> Iterator[Finding]:
    at = found.mean
    if not at.constant.surprisal and at.var_reward > at.var_surprisal and at.exchange_coefficient != 0:
        k = (at.var_reward / at.var_surprisal).sqrt()
        b = at.exchange_coefficient
        yield Finding("k > 1: |dE R/dE L| <= k/(1 - k)", k / (1 - k) - abs((1 + b) / b), "nonnegative")


def _slope_bound_cases(profile: Profile) -> list[Case]:
    """On (1, 8), (2, 1) R = c + k I with k = 1/2: E R falls on cooling, and the bound is strict."""
    return [*usual(profile), case("p = (1, 8), e^R = (2, 1)", examples.table((1, 8), (2, 1)))]


CLAIM = Claim(
    id="adaptors.slope-bound",
    sentence="C",
    clauses=(
        Clause(
            name="bound",
            text="where rewards vary less than surprisals, k = sd R/sd I < 1, global temperature moves E R by at most "
            "k/(1-k) per nat of E L, to first order, with equality iff R = c - k I",
            formula=r"\Bigl|\frac{d\mathbb E R}{d\mathbb E L}\Bigr|\le\frac{k}{1-k},\qquad "
            r"k=\frac{\mathrm{sd}R}{\mathrm{sd}I}<1",
            formal=("adaptors_slope_bound_equality",),
        ),
        Clause(
            name="rate",
            text="for every finite law |dE R/dtau| <= sd R sd I under q_tau, with equality iff R or I is constant or "
            "L, R and I lie on one line",
            formula=r"\Bigl|\frac{d\mathbb E R}{d\tau}\Bigr|=|\mathrm{Cov}(R,I)|\le\mathrm{sd}R\;\mathrm{sd}I",
            formal=("adaptors_slope_bound_rate",),
        ),
    ),
    hypotheses=("a finite law", "globally normalised temperature; k, b and V under q_tau"),
    source="Cauchy-Schwarz: |(1 + b) V| <= sd R sd I, and dE L + dE R = V dtau",
    check=_slope_bound,
    cases=_slope_bound_cases,
    everywhere=True,
    controls=(
        Control("k-alone", "leaves out the denominator 1 - k", _without_factor, integer_cases, smallest=True),
        Control("any-k", "drops k < 1", _any_k, integer_cases, smallest=True),
    ),
    remark="Two strings on which E R rises meet the bound with equality, so it cannot be improved. For k >= 1 there "
    "is no "
    "bound: where b = 0 the mean E L stands still to first order while E R moves, and k is then at least 1.",
    order=4020,
    sketch=r"""
$|(1+b)V|=|\mathrm{Cov}(R,I)|\le k V$. If $|1+b|\le k<1$ then $|b|\ge1-k$, so the ratio is at most $k/(1-k)$. Equality
asks for $1+b=k$: the covariance of $R$ and $I$ is $-kV=-\mathrm{sd}R\,\mathrm{sd}I$.
""",
)
