"""adaptors.exchange: a small change of temperature trades likelihood for reward iff b lies outside [-1, 0]."""

from __future__ import annotations

from collections.abc import Iterator

from flint import arb, ctx, fmpq

from theory.adaptors.gauge import all_global_series, local_slope
from theory.adaptors.moments import Moments
from theory.arithmetic.exact import Array, exp, inner, widen
from theory.claims.adaptors.models import TEMPERATURES, small_trees, tempered
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile, of
from theory.claims.instances import (
    integer_cases,
    named,
    small,
    usual,
)
from theory.models.finite import FiniteModel

_STEP = fmpq(1, 10**20)
_SMALL, _FEW = fmpq(1, 10**10), 100


def _slopes_along(found: FiniteModel, tau: fmpq) -> tuple[arb, arb]:
    """(dE L/dtau, dE R/dtau) along the global temperature, by symmetric differences whose errors are enclosed.

    The third derivative is a joint cumulant of f and three I's: a sum over the 15 partitions of the four, with weights
    that add up to 26, of products of central moments, each at most the product of the ranges. The step falls with the
    working precision, so that more digits tell slopes of any size from 0.
    """
    step = min(_STEP, fmpq(1, 1 << ctx.prec // 4))
    before, after = (exp(-found.numbers.surprisal * t) for t in (tau - step, tau + step))
    masses = before.sum(), after.sum()
    spread = _range(found.numbers.surprisal) ** 3

    def slope(values: Array) -> arb:
        low, high = inner(before, values) / masses[0], inner(after, values) / masses[1]
        return widen((high - low) / (2 * step), 26 * _range(values) * spread * step**2 / 6)

    return slope(found.numbers.log_prior), slope(found.numbers.reward)


def _range(values: Array) -> arb:
    low, high = values[0], values[0]
    for value in values[1:]:
        low, high = arb.min(low, value), arb.max(high, value)
    return high - low


def _exchange(found: FiniteModel) -> Iterator[Finding]:
    if found.mean.constant.surprisal:
        yield from of("slopes", _stays(found))
        return
    for tau in TEMPERATURES:
        at = found.mean if tau == 1 else tempered(found, tau)
        along = _slopes_along(found, tau)
        yield from of("slopes", _slopes(at, tau, along))
        yield from of("trade", _directions(at, tau, along))
        yield from of("inside", _inside(at, tau, along))
        yield from of("forms", _forms(at, tau))
    if len(found.aligned) <= _FEW:
        yield from of("second-order", _second_order(found))


def _stays(found: FiniteModel) -> Iterator[Finding]:
    """V = 0: q_tau = p+ at every temperature, and both covariances are 0."""
    yield Finding("V = 0: Cov(L, I)", found.mean.cov_log_prior_surprisal)
    for tau in TEMPERATURES:
        at = tempered(found, tau)
        yield Finding(f"V = 0: E L stays, tau = {tau}", at.mean_log_prior - found.mean.mean_log_prior)
        yield Finding(f"V = 0: E R stays, tau = {tau}", at.mean_reward - found.mean.mean_reward)


def _slopes(at: Moments, tau: fmpq, along: tuple[arb, arb]) -> Iterator[Finding]:
    b, variance = at.exchange_coefficient, at.var_surprisal
    yield Finding(f"dE L/dtau + b V, tau = {tau}", along[0] + b * variance)
    yield Finding(f"dE R/dtau - (1 + b) V, tau = {tau}", along[1] - (1 + b) * variance)
    yield Finding(f"V > 0, tau = {tau}", variance, "positive")


def _directions(at: Moments, tau: fmpq, along: tuple[arb, arb]) -> Iterator[Finding]:
    """The slopes have opposite signs where b (1 + b) > 0, one sign where it is < 0, and one is 0 where it is 0."""
    b = at.exchange_coefficient
    outside = b * (1 + b)
    if outside.contains(0):
        yield Finding(f"b = 0 or -1: one slope is 0, tau = {tau}", along[0] * along[1])
        return
    yield Finding(f"opposite slopes iff b outside [-1, 0], tau = {tau}", -along[0] * along[1] * outside, "positive")


def _inside(at: Moments, tau: fmpq, along: tuple[arb, arb]) -> Iterator[Finding]:
    """Both slopes are positive where b (1 + b) < 0."""
    b = at.exchange_coefficient
    if b * (1 + b) < 0:
        yield Finding(f"b inside: E L rises on cooling, tau = {tau}", along[0], "positive")
        yield Finding(f"b inside: E R rises on cooling, tau = {tau}", along[1], "positive")


def _forms(at: Moments, tau: fmpq) -> Iterator[Finding]:
    """The three forms of the condition have one sign, and the coordinate of larger variance gains."""
    b = at.exchange_coefficient
    # b (1 + b), from covariances: 1 + b itself has no digits left where b is next to -1
    outside = at.cov_log_prior_surprisal * (at.cov + at.var_reward) / at.var_surprisal**2
    below = -at.cov - arb.min(at.var_log_prior, at.var_reward)
    small_v = abs(at.var_log_prior - at.var_reward) - at.var_surprisal
    if outside.contains(0):
        yield Finding(f"b (1 + b) = 0, tau = {tau}", outside)
        yield Finding(f"-Cov = min(Var L, Var R), tau = {tau}", below)
        yield Finding(f"V = |Var L - Var R|, tau = {tau}", small_v)
        return
    yield Finding(f"b outside [-1, 0] iff Cov < -min(Var L, Var R), tau = {tau}", outside * below, "positive")
    yield Finding(f"b outside [-1, 0] iff V < |Var L - Var R|, tau = {tau}", outside * small_v, "positive")
    if outside > 0:
        gain = (1 + b) * (at.var_reward - at.var_log_prior)
        yield Finding(f"the coordinate of larger variance gains on cooling, tau = {tau}", gain, "positive")


def _second_order(found: FiniteModel) -> Iterator[Finding]:
    """d^2 E f/dtau^2 at T = 1 by power series; where the slope is 0 a step of 1e-10 follows its sign."""
    numbers, at, one = found.numbers, found.mean, arb(1)
    from_h = numbers.surprisal - at.entropy
    b, same = at.exchange_coefficient, at.constant
    steps = [tempered(found, 1 + sign * _SMALL) for sign in (-1, 1)]
    series_l, series_r = all_global_series(numbers, (numbers.log_prior, numbers.reward), one, 3)
    for name, values, series, own, slope, constant, reached in (
        ("L", numbers.log_prior, series_l, at.mean_log_prior, b, same.log_prior, [q.mean_log_prior for q in steps]),
        ("R", numbers.reward, series_r, at.mean_reward, 1 + b, same.reward, [q.mean_reward for q in steps]),
    ):
        bend = inner(numbers.prob * (values - own) * from_h, from_h)
        yield Finding(f"d2E {name}/dtau2", 2 * series[2] - bend)
        for side, mean_f in zip(("below", "above"), reached, strict=True):
            if constant:
                yield Finding(f"{name} is constant: E {name} stays, tau just {side} 1", mean_f - own)
            elif slope.contains(0):
                gone = (mean_f - own) * bend
                yield Finding(
                    f"slope 0: E {name} goes the way of d2E {name}/dtau2, tau just {side} 1", gone, "positive"
                )


def _negative_suffices(found: FiniteModel) -> Iterator[Finding]:
    """Cov < 0 alone would make temperature trade off: b outside [-1, 0]."""
    at = found.mean
    if not at.constant.surprisal and at.cov < 0:
        b = at.exchange_coefficient
        yield Finding("Cov < 0 implies b (1 + b) >= 0", b * (1 + b), "nonnegative")


def _finite_step(found: FiniteModel) -> Iterator[Finding]:
    """b inside (-1, 0) at T = 1 would rule out a trade as far as T = 1/2."""
    at = found.mean
    if not at.constant.surprisal and at.exchange_coefficient < 0 < 1 + at.exchange_coefficient:
        cooled = tempered(found, fmpq(2))
        lost = arb.min(cooled.mean_log_prior - at.mean_log_prior, cooled.mean_reward - at.mean_reward)
        yield Finding("b inside (-1, 0): neither mean falls from T = 1 to T = 1/2", lost, "nonnegative")


def _turned_slope(found: FiniteModel) -> Iterator[Finding]:
    at = found.mean
    if not at.constant.surprisal:
        slope, _ = _slopes_along(found, fmpq(1))
        yield Finding("dE L/dtau = +b V", slope - at.exchange_coefficient * at.var_surprisal)


def _local_too(found: FiniteModel) -> Iterator[Finding]:
    """dE L/dtau = -b V at T = 1 for temperature normalised per step."""
    at = found.mean
    if not at.constant.surprisal:
        slope = local_slope(found.numbers, found.numbers.log_prior, arb(1))[1]
        yield Finding("local dE L/dtau = -b V", slope + at.exchange_coefficient * at.var_surprisal)


def _exchange_cases(profile: Profile) -> list[Case]:
    return usual(profile) if profile.full else [*small(profile), *named("toy")]


CLAIM = Claim(
    id="adaptors.exchange",
    sentence="C",
    clauses=(
        Clause(
            name="trade",
            text="a small change of the global temperature of a finite law with V > 0 moves E L and E R in opposite "
            "directions, to first order, iff b = Cov(L, I)/V lies outside [-1, 0]",
            formula=r"\tfrac{d\mathbb E L}{d\tau}\,\tfrac{d\mathbb E R}{d\tau}<0\iff b\notin[-1,0]",
            formal=(
                "adaptors_exchange_likelihood",
                "adaptors_exchange_reward",
                "adaptors_exchange_border",
            ),
        ),
        Clause(
            name="inside",
            text="where b lies strictly inside (-1, 0) a small cooling raises E L and E R both, for every finite law with "
            "V > 0",
            formula=r"-1<b<0\Rightarrow\tfrac{d\mathbb E L}{d\tau},\tfrac{d\mathbb E R}{d\tau}>0",
            formal=(
                "adaptors_exchange_likelihood",
                "adaptors_exchange_reward",
                "adaptors_exchange_border",
            ),
        ),
        Clause(
            name="slopes",
            text="for every finite law, under q_tau, dE L/dtau = -Cov(L, I) = -b V and dE R/dtau = -Cov(R, I) = (1 + b) V, "
            "with sum V: where V > 0 the slope dE R/dE L is never -1",
            formula=r"\tfrac{d\mathbb E L}{d\tau}=-bV,\quad \tfrac{d\mathbb E R}{d\tau}=(1+b)V,\quad "
            r"b=\tfrac{\mathrm{Cov}(L,I)}{V}",
            formal=(
                "adaptors_exchange_likelihood",
                "adaptors_exchange_reward",
                "adaptors_exchange_slope",
                "adaptors_exchange_flat",
            ),
        ),
        Clause(
            name="forms",
            text="for every finite law with V > 0, b lies outside [-1, 0] iff Cov(L, R) < -min(Var L, Var R) iff V < |Var L - Var R|, with equality in "
            "all three at once; outside, the coordinate of larger variance rises on cooling",
            formula=r"b\notin[-1,0]\iff\mathrm{Cov}<-\min(\mathrm{Var}L,\mathrm{Var}R)\iff V<|\mathrm{Var}L-\mathrm{Var}R|",
            formal=("adaptors_exchange_forms",),
        ),
        Clause(
            name="second-order",
            text="where b = 0, E L does not move to first order at T = 1, and its second derivative E[(L - E L)(I - H)^2] "
            "decides unless it is 0; where b = -1 the same holds of E R",
            formula=r"\tfrac{d^2\mathbb E f}{d\tau^2}\Big|_{\tau=1}=\mathbb E[(f-\mathbb E f)(I-H)^2],\quad f=L,R",
            formal=("adaptors_exchange_second_order",),
        ),
    ),
    hypotheses=(
        "a finite law p+ with V = Var I > 0",
        "globally normalised temperature q_tau, proportional to p+ ** tau, tau = 1/T; b and V under q_tau",
        "a small change of T: a finite step needs b along the whole path",
    ),
    source="derivatives of an exponential family",
    check=_exchange,
    cases=_exchange_cases,
    everywhere=True,
    controls=(
        Control(
            "negative-suffices",
            "says that a negative covariance of L and R suffices for a trade-off",
            _negative_suffices,
            integer_cases,
            smallest=True,
        ),
        Control(
            "finite-step",
            "takes b at T = 1 for b along the path: with b inside (-1, 0) neither mean falls as far as T = 1/2",
            _finite_step,
            integer_cases,
            smallest=True,
        ),
        Control("turned", "turns the sign of dE L/dtau", _turned_slope, integer_cases, smallest=True),
        Control("local", "normalises the temperature per step", _local_too, small_trees, smallest=True),
    ),
    remark="With two strings b lies outside [-1, 0] exactly where the covariance is negative; with three a negative "
    "covariance is not enough. At b = 0: on p = (1, 4, 8), e^R = (1, 8, 2) the step to tau = 1.01 lowers E L by "
    "1.5e-5 and raises E R by 3.1e-3, and the step to tau = .99 lowers both; on p = (1, 1), e^R = (1, 2) E L never "
    "moves. A finite step is another matter: on p = (1, 1, 2), e^R = (1, 5, 2) b is -.0347, and global T = 1/2 trades.",
    figure="exchange",
    order=4010,
    sketch=r"""
$q_\tau\propto e^{-\tau I}$: $\frac d{d\tau}\mathbb E f=-\mathrm{Cov}(f,I)$. $L+R=\log Z-I$, so the two slopes sum to
$V>0$: at least one mean rises on cooling. They have opposite signs iff $b(1+b)>0$.
$bV=\mathrm{Cov}(L,I)=-\mathrm{Var}L-\mathrm{Cov}$ and $(1+b)V=\mathrm{Var}R+\mathrm{Cov}$ give the other two forms.
The second derivative of $\mathbb E f$ is the joint cumulant of $f,I,I$.
""",
)
