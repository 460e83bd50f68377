"""alignment.secret-reward: log p+/p recovers the reward up to a constant, and its mean under p+ is never negative."""

from __future__ import annotations

from collections.abc import Iterator

import sympy as sp
from flint import arb, fmpq

from theory.alignment.gibbs import align, secret_reward
from theory.arithmetic.exact import Exact, objects
from theory.claims.claim import Claim, Clause, Control, Finding, Proof
from theory.claims.instances import integer_cases, usual
from theory.claims.symbolic import covariance, model, vanishes
from theory.language_models.rewards import Reward
from theory.language_models.tree import TreeModel
from theory.models.finite import FiniteModel


def _shifted(found: FiniteModel, constant: fmpq) -> FiniteModel:
    """The same model with R + c in place of R."""
    aligned = found.aligned
    mass = objects([fmpq(0)] * len(aligned.tree))
    mass[aligned.node] = aligned.prior
    prior = TreeModel.from_masses(aligned.tree, mass)
    return FiniteModel.of(align(prior, [r + Reward(exponent=constant) for r in aligned.reward], aligned.separator))


def _audit(found: FiniteModel) -> Exact:
    """E_{p+}[log p+ / p]."""
    return (found.numbers.prob * secret_reward(found.numbers.prob, found.aligned.prior)).sum()


def _secret(found: FiniteModel) -> Iterator[Finding]:
    secret = secret_reward(found.numbers.prob, found.aligned.prior)
    worst = max(
        (s - r + found.numbers.log_partition for s, r in zip(secret, found.numbers.reward, strict=True)), key=_size
    )
    yield Finding("log p+/p - R + log Z, the worst string", worst)
    if not found.is_prior:
        yield Finding("E_{p+} log p+/p > 0", _audit(found), "positive")
    moved, mean_found = _shifted(found, fmpq(3, 2)).mean, found.mean
    for name in ("mean_log_prior", "entropy", "var_log_prior", "var_reward", "cov", "var_surprisal"):
        yield Finding(f"{name} under R + 3/2", getattr(moved, name) - getattr(mean_found, name))
    yield Finding("E R under R + 3/2, less 3/2", moved.mean_reward - mean_found.mean_reward - fmpq(3, 2))


def _size(value: arb) -> float:
    return float(value.abs_upper())


def _flipped(found: FiniteModel) -> Iterator[Finding]:
    yield Finding("E_{p+}[log p/p+] >= 0", -_audit(found), "nonnegative")


def _under_prior(found: FiniteModel) -> Iterator[Finding]:
    prior = found.aligned.prior / found.aligned.prior.sum()
    secret = secret_reward(found.numbers.prob, found.aligned.prior)
    yield Finding("E_p[log p+/p] >= 0", (prior * secret).sum(), "nonnegative")


def _secret_proof() -> list[str]:
    lines = []
    for n in (2, 3, 4):
        m = model(n)
        c = sp.Symbol("c", real=True)
        moved = [r + c for r in m.reward]
        lines.append(
            vanishes(
                covariance(m.prob, m.log_prior, moved) - covariance(m.prob, m.log_prior, m.reward),
                f"Cov(L, R + c) = Cov(L, R), n = {n}",
            )
        )
        scale = sp.Symbol("a", positive=True)  # a = e^c
        total = sp.Add(*(w * scale for w in m.weight))
        lines.append(vanishes(m.weight[0] * scale / total - m.prob[0], f"p+ is unchanged under R + c, n = {n}"))
        lines.append(
            vanishes(-m.surprisal[0] - m.log_prior[0] - m.reward[0] + m.log_partition, f"log p+/p = R - log Z, n = {n}")
        )
    return lines


CLAIM = Claim(
    id="alignment.secret-reward",
    sentence="",
    clauses=(
        Clause(
            name="all",
            text="log p+/p recovers the reward up to a constant, and its mean under p+ is never negative",
            formula=r"\beta\log\frac{p_+(y)}{p(y)}=r(y)-\beta\log Z,\qquad "
            r"\mathbb{E}_{p_+}\log\frac{p_+}{p}=\mathrm{KL}(p_+\|p)\ge 0",
            proof=Proof("n <= 4", _secret_proof),
        ),
    ),
    hypotheses=("p+ is the Gibbs law of p and r",),
    source="Rafailov et al. (2023), arXiv:2305.18290; Jensen's inequality",
    check=_secret,
    cases=usual,
    everywhere=True,
    controls=(
        Control("flipped-sign", "takes log p/p+ for the secret reward", _flipped, integer_cases, smallest=True),
        Control("wrong-law", "audits the sign under p instead of p+", _under_prior, integer_cases, smallest=True),
    ),
    remark="A reward recovered from two models that has a negative mean under the aligned one has the wrong sign.",
    order=1020,
    sketch=r"""
Solve $p_+=p\,e^{r/\beta}/Z$ for $r$. The mean of $\log(p_+/p)$ under $p_+$ is a divergence, which is never negative;
a computed one that is negative is not it, its sign turned for example. A constant added to $r$ changes $\beta\log Z$
by as much and $p_+$ not at all.
""",
)
