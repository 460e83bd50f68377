"""Alignment: what p+ maximises, and what its ratio to the prior says of the reward."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sympy as sp
from flint import arb, fmpq

from theory.alignment.gibbs import align, secret_reward
from theory.arithmetic.exact import objects
from theory.claims.claim import Case, Claim, Control, Finding, Profile
from theory.claims.instances import Instance, instance, integer_cases, law_of, reference_laws, usual
from theory.claims.symbolic import covariance, mean, model, proved, simplex, vanishes
from theory.language_models.rewards import Reward
from theory.language_models.tree import TreeModel
from theory.probability.information import kl_divergence

# --- gibbs --------------------------------------------------------------------------------------------------------


def _objective(found: Instance, weights: Sequence[Any], direction: int = 1) -> Any:
    """E_q R - KL(q || p), the objective over beta; ``direction`` = -1 turns the divergence around."""
    law = law_of(found, weights)
    prior = found.aligned.prior / found.aligned.prior.sum()
    divergence = kl_divergence(law.prob, prior) if direction == 1 else kl_divergence(prior, law.prob)
    return (law.prob * found.numbers.reward).sum() - divergence


def _gibbs(found: Instance) -> Iterator[Finding]:
    prior_mass = found.aligned.prior.sum()
    if prior_mass != 1:
        return
    for name, weights in reference_laws(found):
        law = law_of(found, weights)
        gap = kl_divergence(law.prob, found.numbers.prob)
        value = _objective(found, weights)
        yield Finding(f"J({name}) = log Z - KL({name} || p+)", value - found.numbers.log_partition + gap)
        yield Finding(f"J(p+) > J({name})", gap, "positive")


def _unbounded(n: int) -> Iterator[Finding]:
    """p(k) = 2^-k and e^R = 2^k: on the first n strings q_n uniform has E R - KL(q || p) = log n, without bound."""
    share = arb(fmpq(1, n))
    reward = sum((arb(2).log() * k for k in range(1, n + 1)), start=arb(0)) * share
    divergence = sum(((share.log() + arb(2).log() * k) * share for k in range(1, n + 1)), start=arb(0))
    yield Finding(f"J(q_{n}) = log {n}", reward - divergence - arb(n).log())


def _gibbs_check(content: Instance | int) -> Iterator[Finding]:
    return _unbounded(content) if isinstance(content, int) else _gibbs(content)


def _gibbs_cases(profile: Profile) -> list[Case]:
    return [*usual(profile), *(Case(f"Z = inf, first {n} strings", n) for n in (10, 1000))]


def _plus_divergence(found: Instance) -> Iterator[Finding]:
    for name, weights in reference_laws(found):
        gap = kl_divergence(law_of(found, weights).prob, found.numbers.prob)
        yield Finding(
            f"J({name}) = log Z + KL({name} || p+)", _objective(found, weights) - found.numbers.log_partition - gap
        )


def _turned_divergence(found: Instance) -> Iterator[Finding]:
    for name, weights in reference_laws(found):
        gap = _objective(found, list(found.mass()), -1) - _objective(found, weights, -1)
        yield Finding(f"with KL(p || q): J(p+) >= J({name})", gap, "nonnegative")


def _gibbs_proof() -> list[str]:
    lines = []
    for n in (2, 3, 4):
        m, q = model(n), simplex(n)
        logs = sp.symbols(f"log_q1:{n + 1}", real=True)
        objective = mean(q, m.reward) - mean(q, [a - b for a, b in zip(logs, m.log_prior, strict=True)])
        divergence = mean(q, [a + i for a, i in zip(logs, m.surprisal, strict=True)])
        lines.append(
            vanishes(objective - m.log_partition + divergence, f"E_q R - KL(q||p) = log Z - KL(q||p+), n = {n}")
        )
    return proved(lines)


GIBBS = Claim(
    id="alignment.gibbs",
    sentence="",
    title="p+ is the unique maximiser of expected reward minus beta times the divergence from the prior",
    statement=r"\mathbb{E}_q[r]-\beta\,\mathrm{KL}(q\|p)=\beta\log Z-\beta\,\mathrm{KL}(q\|p_+)",
    hypotheses=("beta > 0", "Z < inf (if Z = inf the supremum is +inf)", "q << p"),
    source="Korbak, Perez and Buckley (2022), arXiv:2205.11275; Gibbs' variational principle",
    check=_gibbs_check,
    cases=_gibbs_cases,
    everywhere=True,
    controls=(
        Control("wrong-sign", "adds the gap instead of subtracting it", _plus_divergence, usual),
        Control(
            "reversed-divergence",
            "penalises KL(p || q) instead of KL(q || p): p+ is then no maximiser",
            _turned_divergence,
            integer_cases,
            smallest=True,
        ),
    ),
    proof=_gibbs_proof,
    remark="With p(k) = 2^-k and e^R = 2^k the partition sum is infinite and the objective takes every value log n.",
)


# --- secret reward ------------------------------------------------------------------------------------------------


def _shifted(found: Instance, constant: fmpq) -> Instance:
    """The same model with R + c in place of R."""
    aligned = found.aligned
    mass = objects([fmpq(0)] * len(aligned.tree))
    mass[aligned.node] = aligned.prior
    prior = TreeModel.from_masses(aligned.tree, mass)
    return instance(align(prior, [r + Reward(exponent=constant) for r in aligned.reward], aligned.separator))


def _audit(found: Instance) -> Any:
    """E_{p+}[log p+ / p]."""
    return (found.numbers.prob * secret_reward(found.numbers.prob, found.aligned.prior)).sum()


def _secret(found: Instance) -> Iterator[Finding]:
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


def _flipped(found: Instance) -> Iterator[Finding]:
    yield Finding("E_{p+}[log p/p+] >= 0", -_audit(found), "nonnegative")


def _under_prior(found: Instance) -> Iterator[Finding]:
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
    return proved(lines)


SECRET_REWARD = Claim(
    id="alignment.secret-reward",
    sentence="",
    title="log p+/p recovers the reward up to a constant, and its mean under p+ is never negative",
    statement=(
        r"\beta\log\frac{p_+(y)}{p(y)}=r(y)-\beta\log Z,\qquad "
        r"\mathbb{E}_{p_+}\log\frac{p_+}{p}=\mathrm{KL}(p_+\|p)\ge 0"
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
    proof=_secret_proof,
    remark="A reward recovered from two models that has a negative mean under the aligned one has the wrong sign.",
)


CLAIMS: tuple[Claim, ...] = (GIBBS, SECRET_REWARD)
