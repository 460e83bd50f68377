"""adaptors.local-entropy: local cooling may raise a string's entropy; global cooling never does."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from flint import arb, arb_series, fmpq

from theory.adaptors.exact import chain
from theory.adaptors.gauge import contexts, local_slope, path_entropy
from theory.claims.adaptors.models import TEMPERATURES, tempered
from theory.claims.adaptors.tree_models import three_string_trees
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile, Relation, of
from theory.claims.instances import case, integer_cases, usual
from theory.claims.tree_search import tree
from theory.models.finite import FiniteModel

_FEW = 100


def _entropy(found: FiniteModel, tau: fmpq) -> arb_series:
    """H(q_{tau + x}) = -sum q log q as a power series in x up to x^1, from the masses alone: no variance is formed."""
    raised = [arb_series([-i * tau, -i], 2).exp() for i in found.numbers.surprisal]
    total = sum(raised[1:], start=raised[0])
    prob = [w / total for w in raised]
    return -sum((q * q.log() for q in prob), start=arb_series([0], 2))


@dataclass(frozen=True, slots=True, eq=False)
class Cooling:
    """A model whose entropy local T = 1/2 raises and global T = 1/2 lowers."""

    found: FiniteModel


def _local_entropy(content: FiniteModel | Cooling) -> Iterator[Finding]:
    if isinstance(content, Cooling):
        yield from of("local", _raised(content.found))
        return
    found = content
    yield Finding("H(q_1) - H(p+)", _entropy(found, fmpq(1))[0] - found.mean.entropy, clause="slope")
    laws = [(tau, tempered(found, tau)) for tau in TEMPERATURES]
    for tau, at in laws:
        yield Finding(f"dH/dtau + tau V, tau = {tau}", _entropy(found, tau)[1] + tau * at.var_surprisal, clause="slope")
    relation: Relation = "zero" if found.mean.constant.surprisal else "positive"
    for (warm, before), (cold, after) in itertools.pairwise(laws):
        gap = before.entropy - after.entropy
        yield Finding(f"H falls from tau = {warm} to {cold}", gap, relation, clause="global")
    if len(found.aligned) <= _FEW:
        yield from of("local-slope", _local_slope(found))


def _local_slope(found: FiniteModel) -> Iterator[Finding]:
    """dE_loc I/dtau, which is dH(q_loc)/dtau, at 1, each by a recursion of its own."""
    numbers = found.numbers
    along = path_entropy(numbers)
    cov = (numbers.prob * (numbers.surprisal - found.mean.entropy) * along).sum()
    _, slope = local_slope(numbers, numbers.surprisal, arb(1))
    yield Finding("dE_loc I/dtau = Cov(I, sum h) - V at tau = 1", slope - cov + found.mean.var_surprisal)
    yield Finding("dH(q_loc)/dtau, context by context", _entropy_by_steps(found)[1] - cov + found.mean.var_surprisal)


def _entropy_by_steps(found: FiniteModel) -> arb_series:
    """H(q_loc) at tau = 1 + x up to x^1: H(u) = sum_t q(t|u) [H(ut) - log q(t|u)], from the last contexts backwards."""
    nothing = arb_series([0], 2)
    below = [nothing] * len(found.aligned.tree)
    for node, logs, targets in reversed(contexts(found.numbers)):
        raised = [arb_series([log, log], 2).exp() for log in logs]
        total = sum(raised[1:], start=raised[0])
        ahead = [nothing if target == node else below[target] for target in targets]
        terms = [w / total * (h - (w / total).log()) for w, h in zip(raised, ahead, strict=True)]
        below[node] = sum(terms[1:], start=terms[0])
    return below[0]


def _raised(found: FiniteModel) -> Iterator[Finding]:
    for normalise, sign in (("local", 1), ("global", -1)):
        cooled = found.moments(found.law(chain(("temperature", "1/2")), normalise))
        gain = sign * (cooled.entropy - found.mean.entropy)
        yield Finding(f"{normalise} T = 1/2 {'raises' if sign > 0 else 'lowers'} H", gain, "positive")


def _without_tau(found: FiniteModel) -> Iterator[Finding]:
    for tau in TEMPERATURES:
        slope = _entropy(found, tau)[1]
        yield Finding(f"dH/dtau = -V, tau = {tau}", slope + tempered(found, tau).var_surprisal)


def _local_too(found: FiniteModel) -> Iterator[Finding]:
    cooled = found.moments(found.law(chain(("temperature", "1/2")), "local"))
    yield Finding("H does not rise from T = 1 to local T = 1/2", found.mean.entropy - cooled.entropy, "nonnegative")


def _cases(profile: Profile) -> list[Case]:
    found = case("", tree(((), ((), ())), (1, 1, 1), (3, 2, 2)))
    return [*usual(profile), Case("[. [. .]]: p+ = (3, 2, 2)/7, T = 1/2", Cooling(found.content), found.spec)]


CLAIM = Claim(
    id="adaptors.local-entropy",
    sentence="C",
    clauses=(
        Clause(
            name="local",
            text="local cooling may raise a string's entropy: on p+ = (3, 2, 2)/7, where the last two strings share "
            "their first token, local T = 1/2 takes H from 1.079 to 1.097 nats, and global T = 1/2 to 1.018",
            formal=("adaptors_local_entropy_example",),
        ),
        Clause(
            name="global",
            text="global cooling lowers the entropy of every finite law, strictly unless I is constant",
            formula=r"\tau<\tau'\Rightarrow H(q_{\tau'})\le H(q_\tau)",
            formal=("adaptors_local_entropy_monotone",),
        ),
        Clause(
            name="slope",
            text="for every finite law and every tau > 0, dH/dtau = -tau Var I under the global temperature law q_tau",
            formula=r"\frac{d}{d\tau}H(q_\tau)=-\tau\,\mathrm{Var}_{q_\tau}I\quad\text{for } q_\tau\propto p_+^\tau",
            formal=("adaptors_local_entropy_slope",),
        ),
        Clause(
            name="local-slope",
            text="for every finite tree, dH(q_loc)/dtau = Cov(I, sum_t h_t) - V at T = 1, h_t the entropies of the "
            "next-token laws met along the string",
            formula=r"\frac{d}{d\tau}H(q_{loc})\Big|_{\tau=1}=\mathrm{Cov}\Big(I,\sum_th_t\Big)-V",
            formal=("adaptors_local_entropy_local",),
        ),
    ),
    hypotheses=(
        "finitely many strings",
        "temperature keeps p+ ** tau with tau = 1/T, normalised per step (local) or per string (global)",
    ),
    source="derivatives of an exponential family",
    check=_local_entropy,
    cases=_cases,
    controls=(
        Control(
            name="local",
            breaks="says of locally normalised temperature that cooling never raises H",
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
    remark="Local cooling may choose the branch that has more left to decide: at T = 1 it raises the entropy to first "
    "order exactly where Cov(I, sum h) > V.",
    order=4105,
    sketch=r"""
$\log q_\tau=-\tau I-A(\tau)$ with $A(\tau)=\log\sum_ye^{-\tau I(y)}$, so $H(q_\tau)=A+\tau\,\mathbb E_{q_\tau}I=A-\tau A'$
and $\frac{dH}{d\tau}=-\tau A''=-\tau\,\mathrm{Var}_{q_\tau}I$, which is negative for $\tau>0$ unless $I$ is constant.
Under local normalisation $\frac{d}{d\tau}H(q_{loc})|_1=\frac{d}{d\tau}\mathbb E_{loc}I=-V+\mathrm{Cov}(I,\sum_th_t)$
(adaptors.local-global with $f=I$), and the covariance may exceed $V$.
""",
)
