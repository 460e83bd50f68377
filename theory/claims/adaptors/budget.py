"""adaptors.budget."""

from __future__ import annotations

from collections.abc import Iterator

import sympy as sp

from theory.adaptors.moments import Moments
from theory.claims.adaptors.models import direct_divergence, laws
from theory.claims.claim import Claim, Clause, Control, Finding, Proof
from theory.claims.instances import (
    integer_cases,
    usual,
)
from theory.claims.symbolic import mean, model, simplex, vanishes
from theory.models.finite import FiniteModel


def _budget(found: FiniteModel) -> Iterator[Finding]:
    before: Moments | None = None
    for name, law in laws(found):
        at = found.moments(law)
        divergence = direct_divergence(found, law)
        total = at.mean_log_prior + at.mean_reward + at.entropy
        yield Finding(f"E L + E R + H - log Z + KL, {name}", total - found.numbers.log_partition + divergence)
        if before is not None:
            step = at.mean_log_prior - before.mean_log_prior + at.mean_reward - before.mean_reward
            yield Finding(f"step of E L + E R + CE to {name}", step + at.cross_entropy - before.cross_entropy)
        before = at


def _wrong_divergence(found: FiniteModel) -> Iterator[Finding]:
    for name, law in laws(found):
        at = found.moments(law)
        total = at.mean_log_prior + at.mean_reward + at.entropy
        yield Finding(
            f"E L + E R + H = log Z + KL, {name}", total - found.numbers.log_partition - direct_divergence(found, law)
        )


def _one_to_one(found: FiniteModel) -> Iterator[Finding]:
    """Between p+ and any other law reward would be bought nat for nat."""
    for name, law in laws(found):
        at = found.moments(law)
        step = at.mean_log_prior - found.mean.mean_log_prior + at.mean_reward - found.mean.mean_reward
        yield Finding(f"E L + E R at {name} = at p+", step)


def _budget_proof() -> list[str]:
    lines = []
    for n in (2, 3, 4):
        m, q = model(n), simplex(n)
        logs = sp.symbols(f"log_q1:{n + 1}", real=True)
        entropy = -mean(q, logs)
        divergence = mean(q, [a + i for a, i in zip(logs, m.surprisal, strict=True)])
        gap = mean(q, m.log_prior) + mean(q, m.reward) + entropy - m.log_partition + divergence
        lines.append(vanishes(gap, f"E L + E R + H(q) = log Z - KL(q||p+), n = {n}"))
    return lines


CLAIM = Claim(
    id="adaptors.budget",
    sentence="C",
    clauses=(
        Clause(
            name="all",
            text="Likelihood, reward and entropy share one budget; only the entropy spent and the divergence move their sum",
            formula=r"\mathbb E_qL+\mathbb E_qR+H(q)=\log Z-\mathrm{KL}(q\|p_+)\le\log Z;\qquad "
            r"\frac{\Delta\mathbb E R}{\Delta\mathbb E L}=-1-\frac{\Delta\mathrm{CE}}{\Delta\mathbb E L}",
            proof=Proof("n <= 4", _budget_proof),
        ),
    ),
    hypotheses=("q << p+",),
    source="the definition of p+; Gibbs' inequality",
    check=_budget,
    cases=usual,
    everywhere=True,
    controls=(
        Control("plus-divergence", "adds the divergence", _wrong_divergence, integer_cases, smallest=True),
        Control(
            "one-to-one",
            "says that every adaptor stays on the line of slope -1",
            _one_to_one,
            integer_cases,
            smallest=True,
        ),
    ),
    order=4030,
    sketch=r"""
Take the mean of $L+R=\log Z+\log p_+$ under $q$ and add $H(q)$. The slope follows from $\Delta\mathbb E
L+\Delta\mathbb E R=-\Delta\mathrm{CE}$.
""",
)
