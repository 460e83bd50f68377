"""alignment.best-of-n: the law of the best of n draws, what it costs, how often it wins, and what alignment earns."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence

from flint import arb, fmpq

from theory.alignment.best_of_n import (
    aligned_twin,
    best_of_by_enumeration,
    divergence_bound,
)
from theory.arithmetic.exact import balls
from theory.claims.alignment.models import Draws, drawn, prior_of
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile, Relation, of
from theory.claims.instances import case, integer_cases, small
from theory.examples import finite as examples
from theory.probability.exponential_family import ExponentialFamily
from theory.probability.information import kl_divergence

_MOST_TUPLES = 4000


def _best(content: Draws) -> Iterator[Finding]:
    yield from of("law", _law(content))
    n, strings, levels = content.count, len(content.levels), max(content.levels) + 1
    relation: Relation = "zero" if n == 1 else "positive"
    for clause, (name, shortfall) in zip(("cost", "win-rate"), content.shortfalls, strict=True):
        yield Finding(name, shortfall, relation, clause=clause)
        if n > 1 and levels == strings and len(set(prior_of(content.found))) == 1:
            yield Finding(
                f"{name}, at most n/k on k = {strings}", fmpq(n, strings) - shortfall, "positive", clause="no-atoms"
            )
    if n > 1 and levels > 1:
        yield from _twin(content)


def _law(content: Draws) -> Iterator[Finding]:
    prior, law, n = prior_of(content.found), content.law, content.count
    yield Finding("q_n sums to 1", law.sum() - 1)
    if len(prior) ** n <= _MOST_TUPLES:
        counted = best_of_by_enumeration(prior, content.levels, n)
        gap = sum((abs(a - b) for a, b in zip(law, counted, strict=True)), fmpq(0))
        yield Finding("q_n by the formula and over all n-tuples, total gap", gap)


def _twin(content: Draws) -> Iterator[Finding]:
    prior, law, reward = prior_of(content.found), content.law, content.found.numbers.reward
    twin = aligned_twin(prior, reward, content.divergence)
    yield Finding("lambda > 0", twin.strength, "positive", clause="twin")
    yield Finding("KL(p_l || p) = KL(q_n || p)", kl_divergence(twin.law, prior) - content.divergence, clause="twin")
    gain = twin.mean_reward - content.mean_reward
    relation: Relation = "positive" if any(bool(a != b) for a, b in zip(law, twin.law, strict=True)) else "zero"
    yield Finding(f"E_l r - E_q_n r is {relation}", gain, relation, clause="twin")
    if max(content.levels) == 1:  # two levels: both laws tilt by level, and the divergence fixes how much
        yield Finding("two levels: E_l r = E_q_n r", gain, clause="twin")
    for strength in (fmpq(1, 2), fmpq(3)):
        tilted = ExponentialFamily(balls(prior), reward).law(arb(strength))
        left = ((tilted * reward).sum() - content.mean_reward) * strength
        right = kl_divergence(law, tilted) + kl_divergence(tilted, prior) - content.divergence
        yield Finding(
            f"l (E_l r - E_q r) = KL(q||p_l) + KL(p_l||p) - KL(q||p), l = {strength}", left - right, clause="price"
        )


def _best_cases(profile: Profile) -> Iterator[Case]:
    yield from drawn(small(profile), (1, 2, 3, 5, 16) if profile.full else (1, 2, 3))
    tied = case("p = (1, 2, 3, 1), e^r = (1, 2, 2, 3)", examples.table((1, 2, 3, 1), (1, 2, 2, 3)))
    yield from drawn([tied], (1, 2, 4))
    even = case("40 equiprobable strings, e^r = 1..40", examples.table((1,) * 40, range(1, 41)))
    yield from drawn([even], (2, 4, 64))
    yield from drawn([case("p = (1, 1, 1), e^r = (1, 3, 5)", examples.table((1, 1, 1), (1, 3, 5)))], (2,))
    many = case("1,000 equiprobable strings, e^r = 1..1000", examples.table((1,) * 1000, range(1, 1001)))
    yield from drawn([many] if profile.full else [], (2, 8))


def _smallest_draws(count: int) -> Callable[[Profile], Iterator[Case]]:
    return lambda profile: drawn(integer_cases(profile), (count,))


def _rewarded_draws(profile: Profile) -> Iterator[Case]:
    """n = 2 on the smallest tables whose reward is not constant."""
    return drawn((one for one in integer_cases(profile) if not one.content.is_prior), (2,))


def _tie_rule(content: Draws, winner: Callable[[list[int]], Sequence[int]]) -> Iterator[Finding]:
    """The formula against the enumeration with another rule: the winner uniform among ``winner(tied draws)``."""
    prior, levels = prior_of(content.found), content.levels
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
        gain = content.found.mean.mean_reward - content.mean_reward
        yield Finding("E r at lambda = 1 >= E_{q_n} r", gain, "nonnegative")


def _equal(which: int) -> Callable[[Draws], list[Finding]]:
    """The divergence (0) or the win rate (1) as it is without atoms."""
    return lambda content: [Finding(f"{content.shortfalls[which][0]} = 0", content.shortfalls[which][1])]


def _any_sign(content: Draws) -> Iterator[Finding]:
    """The lambda < 0 of the same divergence, where the least reward is rare enough for it."""
    prior, divergence = prior_of(content.found), content.divergence
    rarest = sum((p for p, at in zip(prior, content.levels, strict=True) if at == 0), fmpq(0))
    if divergence < -arb(rarest).log():
        twin = aligned_twin(prior, -content.found.numbers.reward, divergence)
        gain = -twin.mean_reward - content.mean_reward
        yield Finding("E_l r >= E_{q_n} r at the lambda < 0 of equal KL", gain, "nonnegative")


def _strict_on_three(content: Draws) -> Iterator[Finding]:
    """q_n is p_1 itself where their rationals agree: the gain is then 0, whatever the number of levels."""
    if max(content.levels) > 1:
        same = list(content.law) == list(content.found.mass())
        gain = (
            fmpq(0)
            if same
            else aligned_twin(prior_of(content.found), content.found.numbers.reward, content.divergence).mean_reward
            - content.mean_reward
        )
        yield Finding("three levels or more: E_l r > E_{q_n} r", gain, "positive")


CLAIM = Claim(
    id="alignment.best-of-n",
    sentence="",
    clauses=(
        Clause(
            name="cost",
            text="on finitely many strings best of n has a divergence KL(q_n || p) of at most log n - (n-1)/n, with "
            "equality at n = 1 only",
            formula=r"\mathrm{KL}(q_n\|p)\le\log n-\tfrac{n-1}n",
            formal=(
                "alignment_best_of_n_bound",
                "alignment_best_of_n_cost",
            ),
        ),
        Clause(
            name="win-rate",
            text="on finitely many strings best of n beats one more draw, ties counted half, with probability at most "
            "n/(n+1), with equality at n = 1 only",
            formula=r"P(r(Y_n)>r(Y))+\tfrac12P(r(Y_n)=r(Y))\le\tfrac n{n+1}",
            formal=("alignment_best_of_n_win_rate",),
        ),
        Clause(
            name="no-atoms",
            text="a reward without atoms costs log n - (n-1)/n and wins n/(n+1) exactly; k equiprobable strings with "
            "different rewards fall short of either by less than n/k",
            formula=r"\int_0^1 nu^{n-1}\log(nu^{n-1})\,du=\log n-\tfrac{n-1}n,\qquad \int_0^1u\,nu^{n-1}du=\tfrac n{n+1}",
            formal=(
                "alignment_best_of_n_no_atoms",
                "alignment_best_of_n_equiprobable",
            ),
        ),
        Clause(
            name="law",
            text="best of n, ties broken among the draws, gives a string p(y) times the growth of F^n over that of "
            "F at its reward",
            formula=r"q_n(y)=p(y)\,\frac{F(r)^n-F(r^-)^n}{F(r)-F(r^-)}",
            formal=(
                "alignment_best_of_n_law",
                "alignment_best_of_n_normalised",
            ),
        ),
        Clause(
            name="price",
            text="for every law q on the strings and every lambda, lambda times the reward that p_lambda earns beyond q "
            "is KL(q || p_lambda) plus what p_lambda costs beyond q",
            formula=r"\lambda(\mathbb E_{p_\lambda}r-\mathbb E_qr)=\mathrm{KL}(q\|p_\lambda)+\mathrm{KL}(p_\lambda\|p)-\mathrm{KL}(q\|p)",
            formal=("alignment_best_of_n_price",),
        ),
        Clause(
            name="twin",
            text="for n >= 2 and a reward that is not constant, an aligned law with lambda > 0 costs as much as "
            "best of n and earns more, unless the two are one law",
            formula=r"\lambda>0,\ \mathrm{KL}(p_\lambda\|p)=\mathrm{KL}(q_n\|p)\Rightarrow\mathbb{E}_{p_\lambda}r\ge\mathbb{E}_{q_n}r",
            formal=("alignment_best_of_n_twin_exists",),
        ),
    ),
    hypotheses=(
        "n >= 1 independent draws from p",
        "ties are broken uniformly among the n draws (not among the distinct strings)",
        "p_lambda proportional to p e^{lambda r}",
    ),
    source="Beirami et al. (2024), arXiv:2401.01879; Gibbs' variational principle",
    check=_best,
    cases=_best_cases,
    controls=(
        Control(
            "cost-without-atoms",
            "takes KL(q_n || p) = log n - (n-1)/n, n = 2, although the reward has atoms",
            _equal(0),
            _rewarded_draws,
            smallest=True,
        ),
        Control(
            "win-rate-without-atoms",
            "takes n/(n+1) for the win rate, n = 2, although the reward has atoms",
            _equal(1),
            _rewarded_draws,
            smallest=True,
        ),
        Control("any-lambda", "drops lambda > 0", _any_sign, _rewarded_draws, smallest=True),
        Control(
            "strict-on-three-levels",
            "says that with three levels of reward p_lambda always earns more",
            _strict_on_three,
            _rewarded_draws,
            smallest=True,
        ),
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
        "p = (1, 1), r = (0, 1), n = 2: KL = .1308, not log 2 - 1/2 = .1931; the win rate is .625, not 2/3. With two "
        "levels of reward best of n is an aligned law; with three it may be: p = (1, 1, 1), e^r = (1, 3, 5), n = 2, "
        "lambda = 1. At lambda = -log 3 the aligned law on p = (1, 1), r = (0, 1) has the KL of best of 2, but its "
        "expected reward is 1/4, not 3/4."
    ),
    order=1040,
    sketch=r"""
The best of $n$ has reward at most $r$ with probability $F(r)^n$; ties are broken by $p$, which gives the closed law. With
$U$ uniform on $[F(r^-),F(r)]$, $q_n/p=\mathbb E[nU^{n-1}\mid r]$. Jensen's inequality for $x\log x$ gives the bound on KL, and
that $u$ and $nu^{n-1}$ both grow gives the one on the win rate. Both are strict for $n\ge2$ if $F$ jumps. On $k$ equal jumps the
first falls short by at most $(n-1)\,\mathbb E[1/\lceil kU\rceil]\le n/k$ with $U\sim nu^{n-1}$, the second by at most $1/(2k)$. At
equal KL the clause on the price leaves $\mathrm{KL}(q_n\|p_\lambda)/\lambda\ge0$; and $\lambda>0$ exists, since $q_n/p$ is at
most $1/p(r=\max r)$ and KL grows from 0 to the logarithm of that.
""",
)
