"""Two paths away from the prior: a stronger alignment (lambda = 1/beta), and the best of n draws."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp
from flint import arb, arb_series, fmpq

from theory.alignment.best_of_n import aligned_twin, best_of, best_of_by_enumeration, divergence_bound, reward_levels
from theory.alignment.gibbs import align
from theory.arithmetic.exact import Array, balls, log, objects
from theory.claims.claim import Case, Claim, Control, Finding, Profile
from theory.claims.instances import Instance, case, instance, integer_cases, small, usual
from theory.claims.symbolic import covariance, mean, proved, simplex, vanishes
from theory.examples import finite as examples
from theory.language_models.rewards import Reward
from theory.language_models.tree import TreeModel
from theory.probability.exponential_family import ExponentialFamily
from theory.probability.information import kl_divergence


def prior_of(found: Instance) -> Array:
    """p as rationals that sum to 1, shape (n,)."""
    prior: Array = found.aligned.prior / found.aligned.prior.sum()
    return prior


# --- strength -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """The laws p_lambda proportional to p e^{lambda r} of a model, r its reward at beta = 1, near one lambda.

    Args:
        strength: lambda = 1/beta, per reward unit.
    """

    found: Instance
    strength: fmpq

    @property
    def family(self) -> ExponentialFamily:
        """p tilted by r."""
        return ExponentialFamily(balls(prior_of(self.found)), self.found.numbers.reward)

    def means(self, strength: arb) -> tuple[arb, arb, arb]:
        """(E r, KL(p_lambda || p), E L) at a lambda."""
        law = self.family.law(strength)
        log_prior = log(prior_of(self.found))
        return (
            (law * self.found.numbers.reward).sum(),
            kl_divergence(law, prior_of(self.found)),
            (law * log_prior).sum(),
        )

    def derivatives(self) -> tuple[arb, arb, arb]:
        """(Var r, lambda Var r, Cov(L, r)) under p_lambda."""
        law, reward, log_prior = self._under()
        centred = reward - (law * reward).sum()
        variance = (law * centred * centred).sum()
        return variance, variance * self.strength, (law * centred * log_prior).sum()

    def expansions(self) -> tuple[arb, arb, arb]:
        """d/dlambda of (E r, KL, E L): coefficients of power series in which only e^{lambda r} is expanded."""
        _, reward, log_prior = self._under()
        weights = [
            arb_series([r * self.strength, r], 2).exp() * arb(p)
            for p, r in zip(prior_of(self.found), reward, strict=True)
        ]
        total = sum(weights, arb_series([0], 2))
        law = [w / total for w in weights]
        divergence = [q * (q.log() - log_p) for q, log_p in zip(law, log_prior, strict=True)]
        sums = (
            sum((q * r for q, r in zip(law, reward, strict=True)), arb_series([0], 2)),
            sum(divergence, arb_series([0], 2)),
            sum((q * value for q, value in zip(law, log_prior, strict=True)), arb_series([0], 2)),
        )
        return sums[0][1], sums[1][1], sums[2][1]

    def difference_slack(self, step: arb) -> tuple[arb, arb, arb]:
        """Bounds on (f(l + h) - f(l - h))/(2h) - f'(l): h^2/6 times a bound of |f'''|.

        With w and v the ranges of r and L: |kappa_4(r)| <= w^4, |kappa(L, r, r, r)| <= 2 v w^3, and
        KL''' = 2 kappa_3 + lambda kappa_4.
        """
        w, v = (_range(values) for values in (self.found.numbers.reward, self.found.numbers.log_prior))
        factor = step * step / 6
        steepest = abs(arb(self.strength)) + step
        return factor * w**4, factor * (2 * w**3 + steepest * w**4), factor * 2 * v * w**3

    def _under(self) -> tuple[Array, Array, Array]:
        return self.family.law(arb(self.strength)), self.found.numbers.reward, log(prior_of(self.found))


def _range(values: Array) -> arb:
    """max - min."""
    low: arb = values[0]
    high: arb = values[0]
    for value in values:
        low, high = arb.min(low, value), arb.max(high, value)
    return high - low


@dataclass(frozen=True, slots=True, eq=False)
class Sway:
    """A model whose E L rises from the first strength to the second and falls from there to the third."""

    found: Instance
    strengths: tuple[fmpq, fmpq, fmpq]

    def mean_log_priors(self) -> list[arb]:
        """E L at the three strengths, nats."""
        return [Path(self.found, s).means(arb(s))[2] for s in self.strengths]


_NAMES = ("E r", "KL(p_l || p)", "E L")
_RULES = ("Var r", "lambda Var r", "Cov(L, r)")
_STEP = fmpq(1, 2**20)


def _strength(content: Path | Sway) -> Iterator[Finding]:
    if isinstance(content, Sway):
        first, second, third = content.mean_log_priors()
        low, middle, high = content.strengths
        yield Finding(f"E L rises from lambda = {low} to {middle}", second - first, "positive")
        yield Finding(f"E L falls from lambda = {middle} to {high}", second - third, "positive")
        return
    step = arb(_STEP)
    ahead, behind = (content.means(content.strength + sign * step) for sign in (1, -1))
    rows = zip(
        _NAMES,
        _RULES,
        content.derivatives(),
        content.expansions(),
        (*zip(ahead, behind, strict=True),),
        content.difference_slack(step),
        strict=True,
    )
    for name, rule, formula, series, (after, before), slack in rows:
        yield Finding(f"d {name} = {rule}", series - formula)
        if slack > 0:  # else the quantity is constant
            gap = abs((after - before) / (2 * step) - formula)
            yield Finding(f"d {name} from a difference, within h^2 |f'''|/6", slack - gap, "nonnegative")
    if not content.found.is_prior:
        yield Finding("d E r > 0", content.derivatives()[0], "positive")


def paths(cases: Iterable[Case], strengths: Sequence[fmpq]) -> Iterator[Case]:
    """The cases at each strength."""
    for one in cases:
        for strength in strengths:
            yield Case(f"{one.name}, lambda = {strength}", Path(one.content, strength), one.spec)


def sway_example() -> Instance:
    """p = (1, 4, 2)/7, r = (0, 1, 2): E L = -.9557, -.9491, -1.2493 at lambda = 0, 1/5, 6."""
    prior = TreeModel.table(["x", "y", "z"], objects(fmpq(w, 7) for w in (1, 4, 2)))
    return instance(align(prior, [Reward(exponent=fmpq(r)) for r in (0, 1, 2)]))


def _strength_cases(profile: Profile) -> Iterator[Case]:
    fifth = fmpq(1, 5)
    yield from paths(usual(profile), (fmpq(1),))
    yield from paths(small(profile), (fmpq(0), fifth, fmpq(6)) if profile.full else (fifth,))
    example = case("p = (1, 4, 2)/7, r = (0, 1, 2)", sway_example().aligned)
    smaller = case("p = (1, 2, 1)/4, e^r = (1, 2, 3)", examples.table((1, 2, 1), (1, 2, 3)))
    yield from paths([example, smaller], (fmpq(0), fifth, fmpq(1), fmpq(6)))
    for one in (example, smaller):
        yield Case(f"{one.name}: E L up and down", Sway(one.content, (fmpq(0), fifth, fmpq(6))), one.spec)


def _smallest_paths(profile: Profile) -> Iterator[Case]:
    return paths(integer_cases(profile), (fmpq(2),))


def _exchange(content: Path) -> Any:
    """Cov(L, r) under p_lambda; 0 exactly where all strings have one probability or one reward."""
    constant = content.found.mean.constant
    return fmpq(0) if constant.log_prior or constant.reward else content.derivatives()[2]


def _never_falls(content: Path) -> Iterator[Finding]:
    yield Finding("d E L = Cov(L, r) >= 0", _exchange(content), "nonnegative")


def far_sign(found: Instance) -> int:
    """The sign of Cov(L, r) under p_lambda for all large lambda; 0 where no pair of strings decides it.

    Z^2 Cov = sum over pairs of p_i p_j (L_i - L_j)(r_i - r_j) e^{lambda (r_i + r_j)}: the pairs of the largest
    r_i + r_j with a coefficient other than 0 win. Signs of single coefficients are read off rationals.
    """
    prior, reward = list(found.aligned.prior), list(found.aligned.reward)
    values = found.numbers.reward
    groups: dict[Reward, list[tuple[int, int]]] = {}
    for i, j in itertools.combinations(range(len(prior)), 2):
        if prior[i] != prior[j] and reward[i] != reward[j]:
            groups.setdefault(reward[i] + reward[j], []).append((i, j))
    if not groups:
        return 0
    top = max(groups.values(), key=lambda pairs: float(values[pairs[0][0]] + values[pairs[0][1]]))
    signs = {(1 if prior[i] > prior[j] else -1) * (1 if values[i] > values[j] else -1) for i, j in top}
    return signs.pop() if len(signs) == 1 else 0


def _one_way(found: Instance) -> Iterator[Finding]:
    """On up to three strings Cov has at most one zero in lambda (Descartes' rule for sums of exponentials), so that
    E L goes one way on [0, inf) iff Cov has one sign at 0 and far out."""
    value = _exchange(Path(found, fmpq(0))) * far_sign(found)
    yield Finding("Cov(L, r) at lambda = 0 times its sign at lambda = inf", value, "nonnegative")


def _without_strength(content: Path) -> Iterator[Finding]:
    yield Finding("d KL(p_l || p) = Var r", content.expansions()[1] - content.derivatives()[0])


def _symbolic_path(n: int) -> tuple[Any, Any, Any, Any, Callable[[Any], Any]]:
    """(law, r, L, log Z, d/dlambda) with the weights p_i e^{lambda r_i} as symbols a_i: da_i/dlambda = r_i a_i."""
    weight = sp.symbols(f"a1:{n + 1}", positive=True)
    reward = sp.symbols(f"r1:{n + 1}", real=True)
    log_prior = sp.symbols(f"L1:{n + 1}", real=True)
    strength = sp.Symbol("lambda", real=True)
    total = sp.Add(*weight)

    def along(f: Any) -> Any:
        return sp.Add(sp.diff(f, strength), *(sp.diff(f, a) * r * a for a, r in zip(weight, reward, strict=True)))

    return [a / total for a in weight], reward, log_prior, sp.log(total), along


def _strength_proof() -> list[str]:
    lines = []
    strength = sp.Symbol("lambda", real=True)
    for n in (2, 3, 4):
        law, reward, log_prior, log_total, along = _symbolic_path(n)
        first = mean(law, reward)
        variance = covariance(law, reward, reward)
        lines.append(vanishes(along(first) - variance, f"d E r = Var r, n = {n}"))
        divergence = strength * first - log_total  # log p_l / p = lambda r - log Z
        lines.append(vanishes(along(divergence) - strength * variance, f"d KL(p_l||p) = lambda Var r, n = {n}"))
        change = along(mean(law, log_prior)) - covariance(law, log_prior, reward)
        lines.append(vanishes(change, f"d E L = Cov(L, r), n = {n}"))
    return proved(lines)


STRENGTH = Claim(
    id="alignment.strength",
    sentence="A",
    title="A stronger alignment raises the reward and the divergence; the likelihood may go either way, or both",
    statement=(
        r"\lambda=1/\beta:\quad \frac{d\,\mathbb{E}r}{d\lambda}=\mathrm{Var}\,r\ge0,\quad "
        r"\frac{d\,\mathrm{KL}(p_\lambda\|p)}{d\lambda}=\lambda\,\mathrm{Var}\,r,\quad "
        r"\frac{d\,\mathbb{E}L}{d\lambda}=\mathrm{Cov}(L,r)\ \text{of either sign}"
    ),
    hypotheses=("p_lambda proportional to p e^{lambda r}, moments under p_lambda",),
    source="derivatives of log Z(lambda): Brown (1986), Fundamentals of statistical exponential families",
    check=_strength,
    cases=_strength_cases,
    controls=(
        Control("never-falls", "gives d E L a sign: >= 0", _never_falls, _smallest_paths, smallest=True),
        Control("one-way", "makes E L monotone in lambda >= 0", _one_way, integer_cases, smallest=True),
        Control("no-strength", "forgets the factor lambda in d KL", _without_strength, _smallest_paths, smallest=True),
    ),
    proof=_strength_proof,
    remark=(
        "p = (1, 4, 2)/7, r = (0, 1, 2): E L = -.9557, -.9491, -1.2493 at lambda = 0, .2, 6. The smallest example "
        "(number of strings, then the sum of the integer weights of p and e^r) is p = (1, 2, 1)/4, e^r = (1, 2, 3); "
        "two strings have none, since Cov = p_1 p_2 (L_1 - L_2)(r_1 - r_2) keeps its sign."
    ),
)


# --- best of n ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """A model and a number n of draws from its prior."""

    found: Instance
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
    return proved(lines)


def _symbolic_best(prior: Sequence[Any], levels: Sequence[int], n: int) -> list[Any]:
    """p [F^n - F-^n]/[F - F-] as sums of powers: no division."""
    found = []
    for p, level in zip(prior, levels, strict=True):
        below = sp.Add(*(w for w, at in zip(prior, levels, strict=True) if at < level))
        upto = sp.Add(*(w for w, at in zip(prior, levels, strict=True) if at <= level))
        found.append(p * sp.Add(*(upto**k * below ** (n - 1 - k) for k in range(n))))
    return found


BEST_OF_N = Claim(
    id="alignment.best-of-n",
    sentence="",
    title="Best of n has a closed law and costs less than log n - (n-1)/n; the aligned law of equal cost earns as much",
    statement=(
        r"q_n(y)=p(y)\,\frac{F(r)^n-F(r^-)^n}{F(r)-F(r^-)},\quad \mathrm{KL}(q_n\|p)\le\log n-\tfrac{n-1}n,\quad "
        r"\mathrm{KL}(p_\lambda\|p)=\mathrm{KL}(q_n\|p)\Rightarrow\mathbb{E}_{p_\lambda}r\ge\mathbb{E}_{q_n}r"
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
    proof=_best_proof,
    remark=(
        "The bound is strict for n >= 2 on a finite support and is approached by many equiprobable strings. With two "
        "levels of reward best-of-n is an aligned law; with more the aligned law gains KL(q_n || p_lambda)/lambda."
    ),
)


CLAIMS: tuple[Claim, ...] = (STRENGTH, BEST_OF_N)
