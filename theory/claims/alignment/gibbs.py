"""alignment.gibbs: p+ is the unique maximiser of expected reward minus beta times the divergence from the prior."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from flint import arb, ctx, fmpq

from theory.adaptors.exact import Adapted
from theory.arithmetic.exact import Array, inner, log
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile
from theory.claims.instances import integer_cases, law_of, references, replay, usual
from theory.models.finite import FiniteModel
from theory.probability.heavy_tails import TOWER_LOG_PARTITION, TowerString
from theory.probability.information import kl_divergence


def _objective(found: FiniteModel, law: Adapted) -> arb:
    """E_q R - KL(q || p), the objective over beta."""
    divergence = inner(law.prob, law.log_prob - _logs(found, ctx.prec)[0][law.string])
    return arb(inner(law.prob, found.numbers.reward[law.string]) - divergence)


def _turned_objective(found: FiniteModel, law: Adapted) -> arb:
    """E_q R - KL(p || q)."""
    divergence = kl_divergence(found.aligned.prior[law.string], law.prob)
    return arb(inner(law.prob, found.numbers.reward[law.string]) - divergence)


def _gap(found: FiniteModel, law: Adapted) -> arb:
    """KL(q || p+)."""
    return arb(inner(law.prob, law.log_prob - _logs(found, ctx.prec)[1][law.string]))


@functools.lru_cache(maxsize=4)
def _logs(found: FiniteModel, _bits: int) -> tuple[Array, Array]:
    """(log p, log p+), of the probabilities."""
    return log(found.aligned.prior), log(found.numbers.prob)


def _competitors(found: FiniteModel) -> Iterator[tuple[str, Adapted]]:
    """Laws other than p+: some on all strings, and where there are two or more, some that leave strings out."""
    yield from references(found)
    n = len(found.aligned)
    if n > 1:
        yield "the first string", law_of(found, [fmpq(1), *[fmpq(0)] * (n - 1)])
        yield "all strings but the first", law_of(found, [fmpq(0), *[fmpq(1)] * (n - 1)])


def _gibbs(found: FiniteModel) -> Iterator[Finding]:
    best = _objective(found, law_of(found, list(found.mass())))
    log_partition = found.numbers.log_partition
    yield Finding("J(p+) = log Z", best - log_partition, clause="gap")
    for name, law in _competitors(found):
        value = _objective(found, law)
        yield Finding(f"J({name}) = log Z - KL({name} || p+)", value - log_partition + _gap(found, law), clause="gap")
        yield Finding(f"J(p+) > J({name})", best - value, "positive", clause="maximiser")
    half = (len(found.aligned) + 1) // 2
    weight = (found.numbers.prob[:half]).sum() * log_partition.exp()
    tilted = law_of(found, [*found.mass()[:half], *[fmpq(0)] * (len(found.aligned) - half)])
    reached = _objective(found, tilted) - weight.log()
    yield Finding(f"J(p+ given the first {half}) = log of the sum of their p e^R", reached, clause="infinite-sum")


def _unbounded(n: int) -> Iterator[Finding]:
    """p(k) = 2^-k and e^R = 2^k: on the first n strings q_n uniform has E R - KL(q || p) = log n, without bound."""
    share = arb(fmpq(1, n))
    reward = sum((arb(2).log() * k for k in range(1, n + 1)), start=arb(0)) * share
    divergence = sum(((share.log() + arb(2).log() * k) * share for k in range(1, n + 1)), start=arb(0))
    yield Finding(f"J(q_{n}) = log {n}", reward - divergence - arb(n).log(), clause="infinite-sum")


def _infinite_means(y: TowerString) -> Iterator[Finding]:
    """One string of p+(n) = 2^-n under p(n) = 2^{-4^n}/c, 1/16 < c < 1/15: units of log 2, and of log c.

    The terms of E R and of KL(p+ || p) = E[R + log c] are at least log 2 from n = 2 on, as log c > -4 log 2.
    """
    for unit, log_z in enumerate(TOWER_LOG_PARTITION):
        inside = y.reward[unit] + y.surprisal[unit] + y.log_prior[unit]
        yield Finding(f"R - log p+/p = log Z on string {y.n}, unit {unit}", inside - log_z, clause="infinite-means")
    mass = fmpq(1, 2**y.n)
    for name, value in (("E R", y.reward[0]), ("KL(p+ || p)", y.reward[0] - 4)):
        yield Finding(f"term {y.n} of {name} >= log 2", mass * value - 1, "nonnegative", clause="infinite-means")


def _gibbs_check(content: FiniteModel | TowerString | int) -> Iterator[Finding]:
    if isinstance(content, TowerString):
        return _infinite_means(content)
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
    divergent = [Case(f"Z = inf, first {n} strings", n) for n in (10, 1000)]
    tower = [Case(f"2^-n under 2^-4^n, string {n}", TowerString(n)) for n in (2, 3, 4, 10, 30)]
    return [*usual(profile), removed, *divergent, *tower]


def _plus_divergence(found: FiniteModel) -> Iterator[Finding]:
    for name, law in _competitors(found):
        excess = _objective(found, law) - found.numbers.log_partition - _gap(found, law)
        yield Finding(f"J({name}) = log Z + KL({name} || p+)", excess)


def _turned_divergence(found: FiniteModel) -> Iterator[Finding]:
    best = _turned_objective(found, law_of(found, list(found.mass())))
    for name, law in references(found):
        gap = best - _turned_objective(found, law)
        yield Finding(f"with KL(p || q): J(p+) >= J({name})", gap, "nonnegative")


CLAIM = Claim(
    id="alignment.gibbs",
    sentence="",
    clauses=(
        Clause(
            name="maximiser",
            text="p+ is the only law that maximises expected reward minus beta times the divergence from the prior, "
            "on finitely many strings",
            formula=r"p_+=\arg\max_{q\ll p}\big\{\mathbb E_q[r]-\beta\,\mathrm{KL}(q\|p)\big\}",
            formal=("alignment_gibbs_unique",),
        ),
        Clause(
            name="gap",
            text="every law q on the strings of positive p+ falls short of the maximum, beta log Z, by exactly "
            "beta KL(q || p+)",
            formula=r"\mathbb{E}_q\Big[r-\beta\log\frac qp\Big]=\beta\log Z-\beta\,\mathrm{KL}(q\|p_+)",
            formal=("alignment_gibbs_gap",),
        ),
        Clause(
            name="infinite-sum",
            text="p+ given a finite set of strings reaches beta times the log of the set's sum of p e^(r/beta), so "
            "that Z = inf leaves no upper bound",
            formula=r"\max_{q(A)=1}\mathbb{E}_q\Big[r-\beta\log\frac qp\Big]=\beta\log\sum_{y\in A}p(y)e^{r(y)/\beta}",
            formal=(
                "alignment_gibbs_finite_set",
                "alignment_gibbs_no_upper_bound",
            ),
        ),
        Clause(
            name="infinite-means",
            text="on infinitely many strings E_q r and KL(q || p) may both be infinite while r - beta log(q/p) has a "
            "mean: p+(n) = 2^-n, p proportional to 2^-4^n, q = p+",
            formal=("alignment_gibbs_infinite_means",),
        ),
    ),
    hypotheses=(
        "beta > 0",
        "Z < inf, except in the clause on Z = inf",
        "q << p+; a string that p or e^r gives mass 0 has mass 0 under q, or the objective is -inf",
        "on infinitely many strings the objective is the single mean E_q[r - beta log(q/p)], which exists for every q",
    ),
    source="Korbak, Perez and Buckley (2022), arXiv:2205.11275; Gibbs' variational principle",
    check=_gibbs_check,
    cases=_gibbs_cases,
    everywhere=True,
    controls=(
        Control(
            "reversed-divergence",
            "penalises KL(p || q) instead of KL(q || p): p+ is then no maximiser",
            _turned_divergence,
            integer_cases,
            smallest=True,
        ),
        Control("wrong-sign", "adds the gap instead of subtracting it", _plus_divergence, integer_cases, smallest=True),
    ),
    remark="With p(k) = 2^-k and e^R = 2^k the partition sum is infinite and the objective takes every value log n. "
    "With p proportional to 2^-4^n and p+ = 2^-n the difference E r - beta KL(p+ || p) is inf - inf at p+ itself.",
    order=1010,
    sketch=r"""
On the support of $p_+$, $r=\beta\log Z+\beta\log(p_+/p)$. Subtract $\beta\log(q/p)$ and take the mean under $q$: what
is left is $\beta\log Z-\beta\,\mathrm{KL}(q\|p_+)$. A divergence is at least 0, and 0 for $q=p_+$ only. The mean exists,
since $\mathbb E_q[\log(p_+/q)]^+\le\mathbb E_q[p_+/q]\le1$. The same on a finite set $A$ of strings gives
$\beta\log\sum_Ap\,e^{r/\beta}$, which grows to $\beta\log Z$ with $A$. In the last clause the $n$-th terms of $\mathbb E R$
and of $\mathrm{KL}(p_+\|p)$ are at least $\log2$ for $n\ge2$, because $4^n-n-4\ge2^n$.
""",
)
