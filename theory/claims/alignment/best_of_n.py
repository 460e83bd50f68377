"""alignment.best-of-n."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import sympy as sp
from flint import arb, fmpq

from theory.alignment.best_of_n import aligned_twin, best_of, best_of_by_enumeration, divergence_bound, reward_levels
from theory.arithmetic.exact import Array
from theory.claims.alignment.models import prior_of
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile, Proof
from theory.claims.instances import case, integer_cases, small
from theory.claims.symbolic import mean, simplex, vanishes
from theory.examples import finite as examples
from theory.models.finite import FiniteModel
from theory.probability.information import kl_divergence


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """A model and a number n of draws from its prior."""

    found: FiniteModel
    count: int

    @property
    def law(self) -> Array:
        """q_n, rationals."""
        return best_of(prior_of(self.found), reward_levels(self.found.aligned), self.count)

    @property
    def divergence(self) -> arb:
        """KL(q_n || p), nats."""
        divergence: arb = kl_divergence(self.law, prior_of(self.found))
        return divergence


_MOST_TUPLES = 4000


def _best(content: Draws) -> Iterator[Finding]:
    found, n = content.found, content.count
    prior, law, levels = prior_of(found), content.law, reward_levels(found.aligned)
    yield Finding("q_n sums to 1", law.sum() - 1)
    if len(prior) ** n <= _MOST_TUPLES:
        counted = best_of_by_enumeration(prior, levels, n)
        gap = sum((abs(a - b) for a, b in zip(law, counted, strict=True)), fmpq(0))
        yield Finding("q_n by the formula and over all n-tuples, total gap", gap)
    if n == 1 or found.is_prior:
        gap = sum((abs(a - b) for a, b in zip(law, prior, strict=True)), fmpq(0))
        yield Finding("q_n = p, total gap", gap)
        return
    yield Finding("log n - (n-1)/n > KL(q_n || p)", divergence_bound(n) - content.divergence, "positive")
    reward = found.numbers.reward
    twin = aligned_twin(prior, reward, content.divergence)
    yield Finding("KL(p_l || p) = KL(q_n || p)", kl_divergence(twin.law, prior) - content.divergence)
    gain = twin.mean_reward - (law * reward).sum()
    yield Finding("E_l r - E_{q_n} r = KL(q_n || p_l)/lambda", gain - kl_divergence(law, twin.law) / twin.strength)
    if max(levels) == 1:  # two levels: both laws tilt by level, and the divergence fixes how much
        yield Finding("two levels: E_l r = E_{q_n} r", gain)
    else:
        yield Finding("E_l r > E_{q_n} r", gain, "positive")


def drawn(cases: Iterable[Case], counts: Sequence[int]) -> Iterator[Case]:
    """The cases with each number of draws."""
    for one in cases:
        for n in counts:
            yield Case(f"{one.name}, n = {n}", Draws(one.content, n), one.spec)


def _best_cases(profile: Profile) -> Iterator[Case]:
    yield from drawn(small(profile), (1, 2, 3, 5, 16) if profile.full else (2, 3))
    tied = case("p = (1, 2, 3, 1), e^r = (1, 2, 2, 3)", examples.table((1, 2, 3, 1), (1, 2, 2, 3)))
    yield from drawn([tied], (1, 2, 4))
    even = case("40 equiprobable strings, e^r = 1..40", examples.table((1,) * 40, range(1, 41)))
    yield from drawn([even], (2, 4, 64))


def _smallest_draws(count: int) -> Callable[[Profile], Iterator[Case]]:
    return lambda profile: drawn(integer_cases(profile), (count,))


def _tie_rule(content: Draws, winner: Callable[[list[int]], Sequence[int]]) -> Iterator[Finding]:
    """The formula against the enumeration with another rule: the winner uniform among ``winner(tied draws)``."""
    prior, levels = prior_of(content.found), reward_levels(content.found.aligned)
    law = [fmpq(0)] * len(prior)
    for draws in itertools.product(range(len(prior)), repeat=content.count):
        top = max(levels[y] for y in draws)
        kept = winner([y for y in draws if levels[y] == top])
        for y in kept:
            law[y] += math.prod((prior[y] for y in draws), start=fmpq(1)) / len(kept)
    for name, one, other in zip(content.found.aligned.names(), content.law, law, strict=True):
        yield Finding(f"q_n({name}), formula - enumeration", one - other)


def _ties_to_the_first(content: Draws) -> Iterator[Finding]:
    return _tie_rule(content, lambda tied: [min(tied)])


def _ties_among_strings(content: Draws) -> Iterator[Finding]:
    return _tie_rule(content, lambda tied: sorted(set(tied)))


def _smaller_bound(content: Draws) -> Iterator[Finding]:
    yield Finding(
        "log n - 1 >= KL(q_n || p)",
        divergence_bound(content.count) - fmpq(1, content.count) - content.divergence,
        "nonnegative",
    )


def _unequal(content: Draws) -> Iterator[Finding]:
    if not content.found.is_prior:
        gain = content.found.mean.mean_reward - (content.law * content.found.numbers.reward).sum()
        yield Finding("E r at lambda = 1 >= E_{q_n} r", gain, "nonnegative")


def _best_proof() -> list[str]:
    lines = []
    for levels in ((0, 1), (0, 0), (0, 1, 2), (0, 1, 1), (0, 0, 1)):
        for n in (2, 3):
            prior = simplex(len(levels), "p")
            formula = _symbolic_best(prior, levels, n)
            counted = [sp.Integer(0)] * len(levels)
            for draws in itertools.product(range(len(levels)), repeat=n):
                tied = [y for y in draws if levels[y] == max(levels[z] for z in draws)]
                for y in tied:
                    counted[y] += sp.Mul(*(prior[z] for z in draws)) / len(tied)
            gap = sp.Add(*(sp.Symbol(f"c{y}") * (a - b) for y, (a, b) in enumerate(zip(formula, counted, strict=True))))
            lines.append(vanishes(gap, f"q_n by the formula = over all n-tuples, reward levels {levels}, n = {n}"))
    u, n = sp.symbols("u n", positive=True)
    inner = u**n * (sp.log(n) + (n - 1) * sp.log(u)) - (n - 1) * u**n / n
    integrand = n * u ** (n - 1) * (sp.log(n) + (n - 1) * sp.log(u))
    lines.append(
        vanishes(
            sp.simplify((sp.diff(inner, u) - integrand) / u ** (n - 1)),
            "int n u^(n-1) log(n u^(n-1)) du = u^n (log n + (n-1) log u) - (n-1) u^n / n: from 0 to 1, log n - (n-1)/n",
        )
    )
    strength, log_total = sp.symbols("lambda logZ", real=True)
    for size in (2, 3, 4):
        q, tilt = simplex(size), simplex(size, "t")
        reward = sp.symbols(f"r1:{size + 1}", real=True)
        ratio = sp.symbols(f"d1:{size + 1}", real=True)  # log q_n / p
        toward = [strength * r - log_total for r in reward]  # log p_lambda / p
        own, other = mean(q, ratio), mean(tilt, toward)
        distance = mean(q, [a - b for a, b in zip(ratio, toward, strict=True)])
        gap = strength * (mean(tilt, reward) - mean(q, reward)) - distance - (other - own)
        lines.append(vanishes(gap, f"lambda (E_l r - E_q r) = KL(q||p_l) + KL(p_l||p) - KL(q||p), {size} strings"))
    return lines


def _symbolic_best(prior: Sequence[sp.Expr], levels: Sequence[int], n: int) -> list[sp.Expr]:
    """p [F^n - F-^n]/[F - F-] as sums of powers: no division."""
    found = []
    for p, level in zip(prior, levels, strict=True):
        below = sp.Add(*(w for w, at in zip(prior, levels, strict=True) if at < level))
        upto = sp.Add(*(w for w, at in zip(prior, levels, strict=True) if at <= level))
        found.append(p * sp.Add(*(upto**k * below ** (n - 1 - k) for k in range(n))))
    return found


CLAIM = Claim(
    id="alignment.best-of-n",
    sentence="",
    clauses=(
        Clause(
            name="all",
            text="best of n has a closed law and costs less than log n - (n-1)/n; the aligned law of equal cost earns as much",
            formula=r"q_n(y)=p(y)\,\frac{F(r)^n-F(r^-)^n}{F(r)-F(r^-)},\quad \mathrm{KL}(q_n\|p)\le\log n-\tfrac{n-1}n,\quad "
            r"\mathrm{KL}(p_\lambda\|p)=\mathrm{KL}(q_n\|p)\Rightarrow\mathbb{E}_{p_\lambda}r\ge\mathbb{E}_{q_n}r",
            proof=Proof("n <= 4", _best_proof),
        ),
    ),
    hypotheses=(
        "ties are broken uniformly among the n draws (not among the distinct strings)",
        "for lambda to exist: r takes two values at least",
    ),
    source="Beirami et al. (2024), arXiv:2401.01879; Gibbs' variational principle",
    check=_best,
    cases=_best_cases,
    controls=(
        Control(
            "ties-to-the-first",
            "gives a tie to the string listed first",
            _ties_to_the_first,
            _smallest_draws(2),
            smallest=True,
        ),
        Control(
            "ties-among-strings",
            "breaks ties uniformly among the distinct strings",
            _ties_among_strings,
            _smallest_draws(3),
            smallest=True,
        ),
        Control("smaller-bound", "takes log n - 1 for the bound", _smaller_bound, _smallest_draws(2), smallest=True),
        Control(
            "unequal-cost", "drops the hypothesis of equal KL: lambda = 1", _unequal, _smallest_draws(4), smallest=True
        ),
    ),
    remark=(
        "The bound is strict for n >= 2 on a finite support and is approached by many equiprobable strings. With two "
        "levels of reward best-of-n is an aligned law; with more the aligned law gains KL(q_n || p_lambda)/lambda."
    ),
    order=1040,
    sketch=r"""
The best of $n$ has reward at most $r$ with probability $F(r)^n$; ties are broken by $p$, which gives the closed law.
$q_n/p\le n$ grows with $F$; for continuous rewards $\mathrm{KL}=\int_0^1 n u^{n-1}\log(nu^{n-1})du=\log
n-\frac{n-1}n$, and ties only merge outcomes, which lowers a divergence. At equal KL the Gibbs law has the largest
mean reward, by alignment.gibbs.
""",
)
