"""adaptors.exchange: temperature trades likelihood for reward only where b lies outside [-1, 0]."""

from __future__ import annotations

from collections.abc import Iterator

import sympy as sp
from flint import arb, fmpq

from theory.adaptors.exact import chain
from theory.adaptors.moments import Moments
from theory.arithmetic.exact import Array, objects, widen
from theory.claims.adaptors.models import TEMPERATURES, small_trees, tempered
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile, Proof
from theory.claims.instances import (
    integer_cases,
    named,
    small,
    usual,
)
from theory.claims.symbolic import covariance, mean, model, vanishes
from theory.models.finite import FiniteModel

_STEP = fmpq(1, 10**20)


def _slope(found: FiniteModel, values: Array, tau: fmpq) -> arb:
    """dE f/dtau along the global temperature, by a symmetric difference whose error is enclosed.

    The third derivative is a joint cumulant of f and three I's: a sum over the 15 partitions of the four, with weights
    that add up to 26, of products of central moments, each at most the product of the ranges.
    """
    means = []
    for t in (tau - _STEP, tau + _STEP):
        weight = objects((-i * t).exp() for i in found.numbers.surprisal)
        means.append((weight * values).sum() / weight.sum())
    error = 26 * _range(values) * _range(found.numbers.surprisal) ** 3 * _STEP**2 / 6
    return widen((means[1] - means[0]) / (2 * _STEP), error)


def _range(values: Array) -> arb:
    low, high = values[0], values[0]
    for value in values[1:]:
        low, high = arb.min(low, value), arb.max(high, value)
    return high - low


def _exchange(found: FiniteModel) -> Iterator[Finding]:
    if found.mean.constant.surprisal:
        for tau in TEMPERATURES:
            at = tempered(found, tau)
            yield Finding(f"V = 0: E L stays, tau = {tau}", at.mean_log_prior - found.mean.mean_log_prior)
            yield Finding(f"V = 0: E R stays, tau = {tau}", at.mean_reward - found.mean.mean_reward)
        return
    for tau in TEMPERATURES:
        at = tempered(found, tau)
        b, variance = at.exchange_coefficient, at.var_surprisal
        yield Finding(f"dE L/dtau + b V, tau = {tau}", _slope(found, found.numbers.log_prior, tau) + b * variance)
        yield Finding(
            f"dE R/dtau - (1 + b) V, tau = {tau}", _slope(found, found.numbers.reward, tau) - (1 + b) * variance
        )
    yield from _trichotomy(found.mean)


def _trichotomy(at: Moments) -> Iterator[Finding]:
    """The three forms of the condition have one sign, and the coordinate of larger variance gains."""
    if at.constant.log_prior or at.constant.reward:
        return
    b = at.exchange_coefficient
    outside = b * (1 + b)
    below = -at.cov - arb.min(at.var_log_prior, at.var_reward)
    small_v = abs(at.var_log_prior - at.var_reward) - at.var_surprisal
    if outside.contains(0):
        yield Finding("b (1 + b) = 0 on the border", outside)
        yield Finding("-Cov = min(Var L, Var R) on the border", below)
        return
    yield Finding("b outside [-1, 0] iff Cov < -min(Var L, Var R)", outside * below, "positive")
    yield Finding("b outside [-1, 0] iff V < |Var L - Var R|", outside * small_v, "positive")
    if outside > 0:
        gain = (1 + b) * (at.var_reward - at.var_log_prior)
        yield Finding("the coordinate of larger variance gains on cooling", gain, "positive")


def _turned_slope(found: FiniteModel) -> Iterator[Finding]:
    at = found.mean
    if not at.constant.surprisal:
        slope = _slope(found, found.numbers.log_prior, fmpq(1))
        yield Finding("dE L/dtau = +b V", slope - at.exchange_coefficient * at.var_surprisal)


def _negative_suffices(found: FiniteModel) -> Iterator[Finding]:
    """Cov < 0 alone would make temperature trade off: b outside [-1, 0]."""
    at = found.mean
    if not at.constant.surprisal and at.cov < 0:
        b = at.exchange_coefficient
        yield Finding("Cov < 0 implies b (1 + b) >= 0", b * (1 + b), "nonnegative")


def _local_too(found: FiniteModel) -> Iterator[Finding]:
    """Locally normalised temperature would raise E L + E R on cooling, as global temperature does."""
    cooled = found.moments(found.law(chain(("temperature", "1/2")), "local"))
    gain = cooled.mean_log_prior + cooled.mean_reward - found.mean.mean_log_prior - found.mean.mean_reward
    yield Finding("E L + E R rises from T = 1 to local T = 1/2", gain, "nonnegative")


def _exchange_cases(profile: Profile) -> list[Case]:
    return usual(profile) if profile.full else [*small(profile), *named("toy")]


def _exchange_proof() -> list[str]:
    lines = []
    tau = sp.Symbol("tau", positive=True)
    for n in (2, 3):
        m = model(n)
        surprisal = sp.symbols(f"I1:{n + 1}", real=True)
        weight = [sp.exp(-tau * i) for i in surprisal]
        law = [w / sum(weight) for w in weight]
        for name, values, sign in (("L", m.log_prior, -1), ("I", surprisal, -1)):
            gap = sp.diff(mean(law, values), tau) - sign * covariance(law, values, surprisal)
            shares = dict(zip(weight, m.weight, strict=True))
            lines.append(vanishes(gap.subs(shares), f"dE {name}/dtau = -Cov({name}, I) under q_tau, n = {n}"))
    b, v, var_l = sp.symbols("b V VarL", real=True)
    # Var R = Var L + 2 Cov(L, I) + V and Cov(L, R) = -Var L - Cov(L, I), with Cov(L, I) = b V
    var_r, cov = var_l + 2 * b * v + v, -var_l - b * v
    lines.append(vanishes(cov + var_l + b * v, "Cov + Var L = -b V"))
    lines.append(vanishes(cov + var_r - (1 + b) * v, "Cov + Var R = (1 + b) V"))
    lines.append(vanishes(var_r - var_l - (1 + 2 * b) * v, "Var R - Var L = (1 + 2 b) V"))
    return lines


CLAIM = Claim(
    id="adaptors.exchange",
    sentence="C",
    clauses=(
        Clause(
            name="all",
            text="temperature trades likelihood for reward only where b lies outside [-1, 0]",
            formula=r"\tfrac{d\mathbb E L}{d\tau}=-bV,\quad \tfrac{d\mathbb E R}{d\tau}=(1+b)V,\quad "
            r"b=\tfrac{\mathrm{Cov}(L,I)}{V};\qquad "
            r"b\notin[-1,0]\iff\mathrm{Cov}<-\min(\mathrm{Var}L,\mathrm{Var}R)\iff V<|\mathrm{Var}L-\mathrm{Var}R|",
            proof=Proof("n <= 4", _exchange_proof),
        ),
    ),
    hypotheses=("globally normalised temperature q_tau, proportional to p+ ** tau", "0 < V < inf"),
    source="derivatives of an exponential family",
    check=_exchange,
    cases=_exchange_cases,
    everywhere=True,
    controls=(
        Control("turned", "turns the sign of dE L/dtau", _turned_slope, integer_cases, smallest=True),
        Control(
            "negative-suffices",
            "says that a negative covariance suffices for a trade-off",
            _negative_suffices,
            integer_cases,
            smallest=True,
        ),
        Control("local", "normalises the temperature per step", _local_too, small_trees, smallest=True),
    ),
    figure="exchange",
    order=4010,
    sketch=r"""
$q_\tau\propto e^{-\tau I}$: $\frac d{d\tau}\mathbb E f=-\mathrm{Cov}(f,I)$. $L+R=\log Z-I$, so the two slopes sum to
$V>0$: at least one mean rises on cooling. They have opposite signs iff $b(1+b)>0$.
$bV=\mathrm{Cov}(L,I)=-\mathrm{Var}L-\mathrm{Cov}$ and $(1+b)V=\mathrm{Var}R+\mathrm{Cov}$ give the other two forms.
""",
)
