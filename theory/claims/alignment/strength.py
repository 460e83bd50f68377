"""alignment.strength: what a stronger alignment does to expected reward, divergence and log-likelihood."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flint import arb, arb_series, fmpq

from theory.alignment.gibbs import align
from theory.arithmetic.exact import Array, balls, log, objects
from theory.claims.alignment.models import prior_of
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile, Relation, of
from theory.claims.instances import case, integer_cases, small, usual
from theory.examples import finite as examples
from theory.language_models.rewards import Reward
from theory.language_models.tree import TreeModel
from theory.models.finite import FiniteModel
from theory.probability.exponential_family import ExponentialFamily
from theory.probability.information import kl_divergence


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """The laws p_lambda proportional to p e^{lambda r} of a model, r its reward at beta = 1, near one lambda.

    Args:
        strength: lambda = 1/beta, per reward unit.
    """

    found: FiniteModel
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

    found: FiniteModel
    strengths: tuple[fmpq, fmpq, fmpq]

    def mean_log_priors(self) -> list[arb]:
        """E L at the three strengths, nats."""
        return [Path(self.found, s).means(arb(s))[2] for s in self.strengths]


_NAMES = ("E r", "KL(p_l || p)", "E L")


_RULES = ("Var r", "lambda Var r", "Cov(L, r)")


_STEP = fmpq(1, 2**20)


def _strength(content: Path | Sway) -> Iterator[Finding]:
    if isinstance(content, Sway):
        yield from of("no-sign", _sway(content))
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
        yield Finding(f"d {name} = {rule}", series - formula, clause="slopes")
        if slack > 0:  # else the quantity is constant
            gap = abs((after - before) / (2 * step) - formula)
            yield Finding(
                f"d {name} from a difference, within h^2 |f'''|/6", slack - gap, "nonnegative", clause="slopes"
            )
    yield from of("rises", _rises(content))
    if len(content.found.aligned) == 2:
        yield from of("no-sign", _two_strings(content))


def _rises(content: Path) -> Iterator[Finding]:
    """Where r is constant, by the rewards in exact form, all laws are the prior."""
    relation: Relation = "zero" if content.found.is_prior else "positive"
    low, high = (content.means(arb(content.strength + far)) for far in (fmpq(0), fmpq(1, 3)))
    for name, before, after in zip(_NAMES[:2], low, high, strict=False):
        yield Finding(f"{name} at lambda + 1/3, less at lambda", after - before, relation)


def _two_strings(content: Path) -> Iterator[Finding]:
    """Cov(L, r) = q_1 q_2 (L_1 - L_2)(r_1 - r_2): its sign is read off the integers, the same at every lambda."""
    (p1, p2), rewards = content.found.aligned.prior, content.found.numbers.reward
    value = _exchange(content)
    if p1 == p2 or content.found.is_prior:
        yield Finding("two strings, L or r constant: Cov(L, r) = 0", value)
    else:
        more = rewards[0] - rewards[1] if p1 > p2 else rewards[1] - rewards[0]
        sign = 1 if more > 0 else -1
        what = "rises" if sign > 0 else "falls"
        yield Finding(f"two strings, the likelier has {sign:+d} reward: E L {what}", value * sign, "positive")


def _sway(content: Sway) -> Iterator[Finding]:
    first, second, third = content.mean_log_priors()
    low, middle, high = content.strengths
    yield Finding(f"E L rises from lambda = {low} to {middle}", second - first, "positive")
    yield Finding(f"E L falls from lambda = {middle} to {high}", second - third, "positive")


def paths(cases: Iterable[Case], strengths: Sequence[fmpq]) -> Iterator[Case]:
    """The cases at each strength."""
    for one in cases:
        for strength in strengths:
            yield Case(f"{one.name}, lambda = {strength}", Path(one.content, strength), one.spec)


def sway_example() -> FiniteModel:
    """p = (1, 4, 2)/7, r = (0, 1, 2): E L = -.9557, -.9491, -1.2493 at lambda = 0, 1/5, 6."""
    prior = TreeModel.table(["x", "y", "z"], objects(fmpq(w, 7) for w in (1, 4, 2)))
    return FiniteModel.of(align(prior, [Reward(exponent=fmpq(r)) for r in (0, 1, 2)]))


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


def far_sign(found: FiniteModel) -> int:
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


def _one_way(found: FiniteModel) -> Iterator[Finding]:
    """On up to three strings Cov has at most one zero in lambda (Descartes' rule for sums of exponentials), so that
    E L goes one way on [0, inf) iff Cov has one sign at 0 and far out."""
    value = _exchange(Path(found, fmpq(0))) * far_sign(found)
    yield Finding("Cov(L, r) at lambda = 0 times its sign at lambda = inf", value, "nonnegative")


def _without_strength(content: Path) -> Iterator[Finding]:
    yield Finding("d KL(p_l || p) = Var r", content.expansions()[1] - content.derivatives()[0])


def _cost_below_zero(content: Path) -> Iterator[Finding]:
    """At -lambda in the place of lambda."""
    if not content.found.is_prior:
        low, high = (content.means(arb(-content.strength + far))[1] for far in (fmpq(0), fmpq(1, 3)))
        yield Finding(f"KL at lambda = {-content.strength} + 1/3, less at {-content.strength}", high - low, "positive")


CLAIM = Claim(
    id="alignment.strength",
    sentence="A",
    clauses=(
        Clause(
            name="rises",
            text="a stronger alignment, a larger lambda = 1/beta >= 0, raises the expected reward and the divergence "
            "from the prior, unless the reward is constant",
            formula=r"0\le\lambda<\lambda':\quad\mathbb E_{p_\lambda}r<\mathbb E_{p_{\lambda'}}r,\quad"
            r"\mathrm{KL}(p_\lambda\|p)<\mathrm{KL}(p_{\lambda'}\|p)",
            formal=("alignment_strength_rises",),
        ),
        Clause(
            name="slopes",
            text="the slopes in lambda are Var r for E r, lambda Var r for KL(p_lambda || p) and Cov(L, r) for E L, "
            "all under p_lambda",
            formula=r"\frac{d\,\mathbb{E}r}{d\lambda}=\mathrm{Var}\,r,\quad "
            r"\frac{d\,\mathrm{KL}(p_\lambda\|p)}{d\lambda}=\lambda\,\mathrm{Var}\,r,\quad "
            r"\frac{d\,\mathbb{E}L}{d\lambda}=\mathrm{Cov}(L,r)",
            formal=(
                "alignment_strength_reward",
                "alignment_strength_divergence",
                "alignment_strength_likelihood",
            ),
        ),
        Clause(
            name="no-sign",
            text="E L may rise, fall or turn with lambda: on two strings it goes one way, on p = (1, 4, 2)/7, r = "
            "(0, 1, 2) it rises and then falls",
            formal=(
                "alignment_strength_two_strings",
                "alignment_strength_rises_and_falls",
            ),
        ),
    ),
    hypotheses=("finitely many strings", "p_lambda proportional to p e^{lambda r}"),
    source="derivatives of log Z(lambda): Brown (1986), Fundamentals of statistical exponential families",
    check=_strength,
    cases=_strength_cases,
    controls=(
        Control("one-way", "makes E L monotone in lambda >= 0", _one_way, integer_cases, smallest=True),
        Control(
            "never-falls", "says that d E L/dlambda is never negative", _never_falls, _smallest_paths, smallest=True
        ),
        Control(
            "no-strength",
            "leaves the factor lambda out of dKL/dlambda",
            _without_strength,
            _smallest_paths,
            smallest=True,
        ),
        Control("any-lambda", "drops lambda >= 0 for the divergence", _cost_below_zero, _smallest_paths, smallest=True),
    ),
    remark=(
        "p = (1, 4, 2)/7, r = (0, 1, 2): E L = -.9557, -.9491, -1.2493 at lambda = 0, .2, 6. The smallest example "
        "(number of strings, then the sum of the integer weights of p and e^r) is p = (1, 2, 1)/4, e^r = (1, 2, 3); "
        "two strings have none, since Cov = p_1 p_2 (L_1 - L_2)(r_1 - r_2) keeps its sign."
    ),
    figure="strength",
    order=1030,
    sketch=r"""
With $\lambda=1/\beta$ the law is $p_\lambda\propto p\,e^{\lambda r}$, and $A(\lambda)=\log Z$ has $A'=\mathbb E r$ and
$A''=\mathrm{Var}\,r$, which is positive unless $r$ is constant. $\mathrm{KL}(p_\lambda\|p)=\lambda A'-A$ has the
derivative $\lambda A''$. For every $f$, $\frac{d}{d\lambda}\mathbb E f=\mathrm{Cov}(f,r)$; for $f=L$ it can have either
sign.
""",
)
