"""adaptors.slope-bound."""

from __future__ import annotations

from collections.abc import Iterator

from flint import arb

from theory.claims.adaptors.models import TEMPERATURES, tempered
from theory.claims.claim import Claim, Clause, Control, Finding
from theory.claims.instances import (
    integer_cases,
    usual,
)
from theory.models.finite import FiniteModel


def _slope_bound(found: FiniteModel) -> Iterator[Finding]:
    for tau in TEMPERATURES:
        at = tempered(found, tau)
        if at.constant.surprisal or not at.var_reward < at.var_surprisal:
            continue
        k = arb(0) if at.constant.reward else (at.var_reward / at.var_surprisal).sqrt()
        b = at.exchange_coefficient
        margin = k * abs(b) - (1 - k) * abs(1 + b)
        collinear = at.var_log_prior * at.var_reward - at.cov * at.cov
        if collinear > 0:
            yield Finding(f"k |dE L| - (1 - k) |dE R|, tau = {tau}", margin, "positive")
        else:
            yield Finding(f"collinear, tau = {tau}: |dE R| = k V", abs(1 + b) - k)


def _without_factor(found: FiniteModel) -> Iterator[Finding]:
    at = found.mean
    if not at.constant.surprisal and at.var_reward < at.var_surprisal:
        k = (at.var_reward / at.var_surprisal).sqrt()
        b = at.exchange_coefficient
        yield Finding("k |dE L| >= |dE R|", k * abs(b) - abs(1 + b), "nonnegative")


def _without_k(found: FiniteModel) -> Iterator[Finding]:
    at = found.mean
    if not at.constant.surprisal:
        k = (at.var_reward / at.var_surprisal).sqrt()
        b = at.exchange_coefficient
        yield Finding("k |dE L| >= |1 - k| |dE R|", k * abs(b) - abs(1 - k) * abs(1 + b), "nonnegative")


CLAIM = Claim(
    id="adaptors.slope-bound",
    sentence="C",
    clauses=(
        Clause(
            name="all",
            text="where rewards vary less than surprisals, temperature moves reward by at most k/(1-k) per nat of likelihood",
            formula=r"\Bigl|\frac{d\mathbb E R}{d\mathbb E L}\Bigr|\le\frac{k}{1-k},\qquad "
            r"k=\frac{\mathrm{sd}R}{\mathrm{sd}I}<1",
        ),
    ),
    hypotheses=("globally normalised temperature", "k < 1"),
    source="Cauchy-Schwarz: |(1 + b) V| <= sd R sd I, and dE L + dE R = V dtau",
    check=_slope_bound,
    cases=usual,
    everywhere=True,
    controls=(
        Control("k-alone", "leaves out the denominator 1 - k", _without_factor, integer_cases, smallest=True),
        Control("any-k", "drops k < 1", _without_k, integer_cases, smallest=True),
    ),
    remark="Met with equality by two strings (L, R, I collinear with E R rising): the bound cannot be improved.",
    order=4020,
    sketch=r"""
$|(1+b)V|=|\mathrm{Cov}(R,I)|\le k V$. If $|1+b|\le k<1$ then $|b|\ge1-k$, so the ratio is at most $k/(1-k)$.
""",
)
