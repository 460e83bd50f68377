"""alignment.gibbs: p+ is the unique maximiser of expected reward minus beta times the divergence from the prior."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sympy as sp
from flint import arb, fmpq

from theory.arithmetic.exact import Exact
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile, Proof
from theory.claims.instances import integer_cases, law_of, reference_laws, replay, usual
from theory.claims.symbolic import mean, model, simplex, vanishes
from theory.models.finite import FiniteModel
from theory.probability.information import kl_divergence


def _objective(found: FiniteModel, weights: Sequence[Exact], direction: int = 1) -> arb:
    """E_q R - KL(q || p), the objective over beta; ``direction`` = -1 turns the divergence around."""
    law, prior = law_of(found, weights), found.aligned.prior
    divergence = kl_divergence(law.prob, prior) if direction == 1 else kl_divergence(prior, law.prob)
    return (law.prob * found.numbers.reward).sum() - divergence


def _gibbs(found: FiniteModel) -> Iterator[Finding]:
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


def _gibbs_check(content: FiniteModel | int) -> Iterator[Finding]:
    return _unbounded(content) if isinstance(content, int) else _gibbs(content)


_REMOVED = """\
[prior]
kind = "table"
strings = ["x", "y", "z"]
probs = ["1/4", "1/4", "1/2"]

[reward]
beta = "1"
values = ["0", "1", "-inf"]
"""


def _gibbs_cases(profile: Profile) -> list[Case]:
    removed = Case("r = -inf on one string", replay(_REMOVED), _REMOVED)
    return [*usual(profile), removed, *(Case(f"Z = inf, first {n} strings", n) for n in (10, 1000))]


def _plus_divergence(found: FiniteModel) -> Iterator[Finding]:
    for name, weights in reference_laws(found):
        gap = kl_divergence(law_of(found, weights).prob, found.numbers.prob)
        yield Finding(
            f"J({name}) = log Z + KL({name} || p+)", _objective(found, weights) - found.numbers.log_partition - gap
        )


def _turned_divergence(found: FiniteModel) -> Iterator[Finding]:
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
    return lines


CLAIM = Claim(
    id="alignment.gibbs",
    sentence="",
    clauses=(
        Clause(
            name="all",
            text="p+ is the unique maximiser of expected reward minus beta times the divergence from the prior",
            formula=r"\mathbb{E}_q[r]-\beta\,\mathrm{KL}(q\|p)=\beta\log Z-\beta\,\mathrm{KL}(q\|p_+)",
            proof=Proof("n <= 4", _gibbs_proof),
        ),
    ),
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
    remark="With p(k) = 2^-k and e^R = 2^k the partition sum is infinite and the objective takes every value log n.",
    order=1010,
    sketch=r"""
$r=\beta\log Z+\beta\log(p_+/p)$ on the support. Take the mean under $q$ and subtract $\beta\,\mathrm{KL}(q\|p)$: what
is left is $\beta\log Z-\beta\,\mathrm{KL}(q\|p_+)$, and a divergence is $\ge0$, with equality for $q=p_+$ only. If
$Z=\infty$, laws restricted to finite sets reach any value.
""",
)
