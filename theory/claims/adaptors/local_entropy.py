"""adaptors.local-entropy."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import sympy as sp
from flint import arb_series, fmpq

from theory.adaptors.exact import chain
from theory.claims.adaptors.models import TEMPERATURES, tempered
from theory.claims.adaptors.tree_models import three_string_trees
from theory.claims.claim import Claim, Clause, Control, Finding, Proof, Relation
from theory.claims.instances import integer_cases, usual
from theory.claims.symbolic import covariance, mean, vanishes
from theory.models.finite import FiniteModel


def _entropy(found: FiniteModel, tau: fmpq) -> arb_series:
    """H(q_{tau + x}) = -sum q log q as a power series in x up to x^1, from the masses alone: no variance is formed."""
    raised = [arb_series([-i * tau, -i], 2).exp() for i in found.numbers.surprisal]
    total = sum(raised[1:], start=raised[0])
    prob = [w / total for w in raised]
    return -sum((q * q.log() for q in prob), start=arb_series([0], 2))


def _local_entropy(found: FiniteModel) -> Iterator[Finding]:
    yield Finding("H(q_1) - H(p+)", _entropy(found, fmpq(1))[0] - found.mean.entropy)
    laws = [(tau, tempered(found, tau)) for tau in TEMPERATURES]
    for tau, at in laws:
        yield Finding(f"dH/dtau + tau V, tau = {tau}", _entropy(found, tau)[1] + tau * at.var_surprisal)
    relation: Relation = "zero" if found.mean.constant.surprisal else "positive"
    for (warm, before), (cold, after) in itertools.pairwise(laws):
        yield Finding(f"H falls from tau = {warm} to {cold}", before.entropy - after.entropy, relation)


def _without_tau(found: FiniteModel) -> Iterator[Finding]:
    for tau in TEMPERATURES:
        slope = _entropy(found, tau)[1]
        yield Finding(f"dH/dtau = -V, tau = {tau}", slope + tempered(found, tau).var_surprisal)


def _local_too(found: FiniteModel) -> Iterator[Finding]:
    cooled = found.moments(found.law(chain(("temperature", "1/2")), "local"))
    yield Finding("H does not rise from T = 1 to local T = 1/2", found.mean.entropy - cooled.entropy, "nonnegative")


def _local_entropy_proof() -> list[str]:
    lines = []
    tau = sp.Symbol("tau", positive=True)
    for n in (2, 3, 4):
        surprisal, shares = sp.symbols(f"I1:{n + 1}", real=True), sp.symbols(f"w1:{n + 1}", positive=True)
        weight = [sp.exp(-tau * i) for i in surprisal]
        total = sp.Add(*weight)
        law = [w / total for w in weight]
        entropy = -mean(law, [-tau * i - sp.log(total) for i in surprisal])
        gap = sp.diff(entropy, tau) + tau * covariance(law, surprisal, surprisal)
        free = gap.subs(dict(zip(weight, shares, strict=True)))
        lines.append(vanishes(free, f"dH/dtau = -tau Var I under q_tau, n = {n}"))
    return lines


CLAIM = Claim(
    id="adaptors.local-entropy",
    sentence="C",
    clauses=(
        Clause(
            name="all",
            text="local cooling may raise a string's entropy; global cooling never does",
            formula=r"\frac{d}{d\tau}H(q_\tau)=-\tau\,\mathrm{Var}_{q_\tau}I\le0\quad\text{for } q_\tau\propto p_+^\tau,\ \tau>0",
            proof=Proof("n <= 4", _local_entropy_proof),
        ),
    ),
    hypotheses=(
        "finitely many strings",
        "globally normalised temperature q_tau, proportional to p+ ** tau, tau = 1/T",
        "strictly less entropy at the lower temperature unless I is constant",
    ),
    source="derivatives of an exponential family",
    check=_local_entropy,
    cases=usual,
    controls=(
        Control(
            name="local",
            breaks="says the same of locally normalised temperature",
            check=_local_too,
            cases=three_string_trees,
            smallest=True,
        ),
        Control(
            name="without-tau",
            breaks="leaves out the factor tau: dH/dtau = -V",
            check=_without_tau,
            cases=integer_cases,
            smallest=True,
        ),
    ),
    remark="Local cooling may choose the branch that has more left to decide: at T = 1 it raises the entropy exactly "
    "where Cov(I, sum h) > V, h the entropies met along the string. On p+ = (3, 2, 2)/7, one string of one token and "
    "two that share their first, H goes from 1.079 to 1.097 nats at local T = 1/2, and to 1.018 at global T = 1/2.",
    order=4105,
    sketch=r"""
$\log q_\tau=-\tau I-A(\tau)$ with $A(\tau)=\log\sum_ye^{-\tau I(y)}$, so $H(q_\tau)=A+\tau\,\mathbb E_{q_\tau}I=A-\tau A'$
and $\frac{dH}{d\tau}=-\tau A''=-\tau\,\mathrm{Var}_{q_\tau}I$, which is negative for $\tau>0$ unless $I$ is constant.
Under local normalisation $\frac{d}{d\tau}H(q_{loc})|_1=-V+\mathrm{Cov}(I,\sum_th_t)$ (adaptors.local-global with $f=I$),
and the covariance may exceed $V$.
""",
)
