"""correlation.typical: what conditioning on typicality does to the correlation of corpora."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flint import arb, fmpq

from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile
from theory.claims.correlation.limit_models import limit_at, monotone, turning
from theory.claims.correlation.models import integer_varying, varying
from theory.claims.instances import case, named, small
from theory.claims.line.models import SizedCorpus, certainly, sized
from theory.corpora.atoms import Window, atoms
from theory.corpora.typicality import conditional_correlation_limit, typical_corpora
from theory.examples import finite as examples
from theory.models.finite import FiniteModel
from theory.probability.concentration import truncated_normal_variance

_HALF = fmpq(1, 2)


@dataclass(frozen=True, slots=True, eq=False)
class TypicalCorpora:
    """A model and its typical corpora at size N and half-width eps.

    Args:
        settled: N eps^2 is so large that the correlation given typicality is back at Corr(L, R).
    """

    found: FiniteModel
    size: int
    epsilon: fmpq
    window: Window
    settled: bool = False


def _bound(content: SizedCorpus) -> Iterator[Finding]:
    """All corpora, the typical ones, and parts of those: by Lbar and by the number of the corpus."""
    deviation = content.deviation
    inside = certainly(deviation, -content.epsilon) & certainly(-deviation, -content.epsilon)
    low = certainly(-content.corpora.log_prior, -content.found.mean.mean_log_prior)
    thinned = inside.copy()
    thinned[::3] = False
    events = (
        ("any", inside | True),
        ("typical", inside),
        ("typical, Lbar < E L", inside & low),
        ("two thirds", thinned),
    )
    for name, event in events:
        if not event.any():
            continue
        some, own = content.corpora.restricted(event), deviation[event]
        var_i = some.covariance(own, own)
        if name != "any":
            yield Finding(f"{name}: eps^2 - Var(Ibar|A)", content.epsilon**2 - var_i, "nonnegative", clause="band")
        var_l, var_r = some.covariance(some.log_prior, some.log_prior), some.covariance(some.reward, some.reward)
        larger = arb.max(var_l, var_r)
        if var_i < larger:
            cov = some.covariance(some.log_prior, some.reward)
            margin = -(1 - var_i / larger).sqrt() - cov / (var_l * var_r).sqrt()
            attained = (cov + arb.min(var_l, var_r)).contains(0)
            label = f"{name}: -sqrt(1 - Var(Ibar|A)/max) - Corr"
            yield Finding(label, margin, "zero" if attained else "nonnegative", clause="bound")


_RATE = 5
"""The conditional correlation differs from its limit by less than 5/N on the named cases (the rate is 1/N)."""


def _limit(content: TypicalCorpora) -> Iterator[Finding]:
    found, conditional = content.found, content.window.conditional_correlation()
    limit = conditional_correlation_limit(found.mean, content.size, content.epsilon)
    label = f"Corr(.|typical) - limit, N = {content.size}, eps = {content.epsilon}"
    yield Finding(label, conditional - limit, tolerance=_RATE / content.size, clause="limit")
    if content.settled:
        yield Finding(
            "Corr(.|typical) - Corr(L, R)", conditional - found.mean.correlation, tolerance=1e-9, clause="fixed"
        )
    if _residual(found).contains(0):
        side = _side(found.mean.exchange_coefficient)
        yield Finding("u = 0: Corr(.|typical) is -1 for b outside, +1 inside", conditional + side, clause="narrow")


def _side(b: arb) -> int:
    """1 for b outside [-1, 0], -1 inside; L and R vary, so that b is no end where u = 0."""
    return 1 if b * (1 + b) > 0 else -1


def _residual(found: FiniteModel) -> arb:
    """u = Var(L - b I)."""
    b = found.mean.exchange_coefficient
    u: arb = found.mean.var_log_prior - b * b * found.mean.var_surprisal
    return u


def _narrowing(found: FiniteModel) -> Iterator[Finding]:
    """The limit as a function of c and of v: its value at both ends, and how it moves between them."""
    mean, b, u = found.mean, found.mean.exchange_coefficient, _residual(found)
    whole = limit_at(b, u, mean.var_surprisal)
    yield Finding("v = V: the limit - Corr(L, R)", whole - mean.correlation, clause="fixed")
    last = mean.var_surprisal
    for c in (fmpq(1), fmpq(1, 8), fmpq(1, 1000)):
        v = truncated_normal_variance(mean.var_surprisal, c)
        at_c = conditional_correlation_limit(mean, 1, c)
        yield Finding(f"c = {c}: the limit - its formula", at_c - limit_at(b, u, v), clause="narrow")
        yield Finding(f"c = {c}: c^2 - v", c * c - v, "nonnegative", clause="narrow")
        yield Finding(f"c = {c}: v is smaller than at the wider band", last - v, "positive", clause="narrow")
        last = v
    if u.contains(0):  # L is an affine function of I, as the models' equal rationals have it
        side = _side(b)
        yield Finding("u = 0: the limit at c = 1/1000 is -1 for b outside, +1 inside", at_c + side, clause="narrow")
        yield Finding("u = 0: and so it is at v = V", whole + side, clause="turn")
        return
    rest = v / u - (1 - at_c * at_c)
    yield Finding("u > 0, c = 1/1000: v/u - (1 - limit^2)", rest, "nonnegative", clause="narrow")
    yield Finding("u > 0, c = 1/1000: the limit is negative", -at_c, "positive", clause="narrow")
    yield from turning(b, u, mean.var_surprisal)


def _typical_check(content: SizedCorpus | TypicalCorpora | FiniteModel) -> Iterator[Finding]:
    if isinstance(content, SizedCorpus):
        return _bound(content)
    return _limit(content) if isinstance(content, TypicalCorpora) else _narrowing(content)


def _typical_window(one: Case, size: int, epsilon: fmpq, *, settled: bool = False) -> Case:
    found: FiniteModel = one.content
    window = typical_corpora(atoms(found.numbers), size, epsilon)
    spec = one.spec + f'\n[corpus]\nsize = {size}\nepsilon = "{epsilon}"\n' if one.spec else ""
    return Case(f"{one.name}, N = {size}, eps = {epsilon}", TypicalCorpora(found, size, epsilon, window, settled), spec)


def weakened() -> Case:
    """Corr = -.745356, yet -.739704 given |Ibar - H| < 1/20 at N = 400: b = .24, u = .070 < b (1 + b) V = .105."""
    return case("p = (1, 1, 2), e^R = (1, 5, 1)", examples.table((1, 1, 2), (1, 5, 1)))


def weakened_more() -> Case:
    """Corr = -.99341, and the limit at c = 1/5 is -.97483: b = -2.61, u = .114 < b (1 + b) V = 1.789."""
    return case("p = (1, 20, 400), e^R = (30, 8, 1)", examples.table((1, 20, 400), (30, 8, 1)))


def _limit_cases(profile: Profile) -> Iterator[Case]:
    for one in named("C3", "C4", "C5"):
        for size, epsilon in ((100, fmpq(1, 10)), (400, fmpq(1, 20)), *([(1600, fmpq(1, 40))] if profile.full else [])):
            yield _typical_window(one, size, epsilon)
        yield _typical_window(one, 400, _HALF, settled=True)
    for one in named("C1", "C2"):
        yield _typical_window(one, 1000, fmpq(1, 20))
    for name, p, x in (("b = 1", (1, 2), (4, 1)), ("b = -2", (1, 4), (2, 1))):
        yield _typical_window(case(f"u = 0, {name}: p = {p}, e^R = {x}", examples.table(p, x)), 100, fmpq(1, 10))
    yield _typical_window(weakened(), 400, fmpq(1, 20))
    yield _typical_window(weakened_more(), 400, fmpq(1, 100))
    yield _typical_window(named("toy")[0], 100_000, fmpq(1, 1000))


def _spread(cases: Sequence[Case] | Iterator[Case]) -> Iterator[Case]:
    """The cases on which L, R and I vary."""
    return (one for one in varying(cases) if not one.content.mean.constant.surprisal)


def _typical_cases(profile: Profile) -> list[Case]:
    sizes = (3, 6) if profile.full else (3,)
    models = [*small(profile), weakened(), weakened_more(), *named("toy")]
    return [*varying(sized(small(profile), sizes, _HALF)), *_spread(models), *_limit_cases(profile)]


def _lowers(content: SizedCorpus) -> Iterator[Finding]:
    """Typical corpora are no more positively correlated than all corpora."""
    inside = certainly(content.deviation, -content.epsilon) & certainly(-content.deviation, -content.epsilon)
    if not inside.any():
        return
    some = content.corpora.restricted(inside)
    var_l, var_r = some.covariance(some.log_prior, some.log_prior), some.covariance(some.reward, some.reward)
    if var_l > 0 and var_r > 0:
        before = content.found.mean.correlation
        yield Finding("Corr(L, R) - Corr(.|typical)", before - some.correlation(), "nonnegative")


def _positive_sign(content: SizedCorpus) -> Iterator[Finding]:
    for finding in _bound(content):
        if finding.clause == "bound":
            yield Finding(f"{finding.label}, turned around", -finding.value, "nonnegative")


def _down_to_minus_one(found: FiniteModel) -> Iterator[Finding]:
    yield Finding(
        "the limit at c = 1/1000 is negative", -conditional_correlation_limit(found.mean, 1, fmpq(1, 1000)), "positive"
    )


def _always_falls(found: FiniteModel) -> Iterator[Finding]:
    mean, b, u = found.mean, found.mean.exchange_coefficient, _residual(found)
    if u > fmpq(1, 10**20):
        steps = monotone([mean.var_surprisal * (1 - fmpq(k, 8)) for k in range(8)], b, u, -1)
        yield from steps


def _keeps(content: TypicalCorpora) -> Iterator[Finding]:
    """With more data at fixed eps the conditional correlation stays where it was."""
    early = content.window.conditional_correlation()
    law = atoms(content.found.numbers)
    late = typical_corpora(law, content.size * 16, content.epsilon).conditional_correlation()
    yield Finding("|Corr(.|typical)| at 16 N - that at N", abs(late) - abs(early), "nonnegative")


def _untruncated(content: TypicalCorpora) -> Iterator[Finding]:
    """The limit with V in place of the truncated variance: the unconditional correlation."""
    mean, conditional = content.found.mean, content.window.conditional_correlation()
    yield Finding("Corr(.|typical) - Corr", conditional - mean.correlation, tolerance=_RATE / content.size)


def _c4_windows(profile: Profile) -> Iterator[Case]:
    for size, epsilon in ((100, fmpq(1, 10)), (400, fmpq(1, 100))):
        yield _typical_window(named("C4")[0], size, epsilon)


def _pairs(profile: Profile) -> Iterator[Case]:
    """Corpora of two strings from the smallest tables, typical to within 1/2."""
    for one in integer_varying(profile):
        yield from sized([one], (2,), _HALF)


CLAIM = Claim(
    id="correlation.typical",
    sentence="A",
    clauses=(
        Clause(
            name="bound",
            text="given any event A, such as typicality, on which Var(Ibar | A) < M, the larger of Var(Lbar | A) and "
            "Var(Rbar | A), corpora have Corr(Lbar, Rbar | A) <= -sqrt(1 - Var(Ibar | A)/M) < 0",
            formula=r"\mathrm{Var}(\bar I|A)<M\Rightarrow\mathrm{Corr}(\bar L,\bar R|A)\le"
            r"-\sqrt{1-\mathrm{Var}(\bar I|A)/M},\quad M=\max(\mathrm{Var}(\bar L|A),\mathrm{Var}(\bar R|A))",
            formal=(
                "correlation_typical_conditional",
                "correlation_typical_forced",
            ),
        ),
        Clause(
            name="band",
            text="Var(Ibar | A) <= eps^2 for every event A inside the typical set |Ibar - H| <= eps",
            formula=r"A\subseteq\{|\bar I-H|\le\varepsilon\}\Rightarrow\mathrm{Var}(\bar I|A)\le\varepsilon^2",
            formal=("correlation_typical_band",),
        ),
        Clause(
            name="limit",
            text="for eps = c/sqrt N the correlation given typicality tends to "
            "(-b(1 + b)v - u)/sqrt((b^2 v + u)((1 + b)^2 v + u)), u = Var(L - b I), v the variance of N(0, V) cut to "
            "(-c, c)",
            formula=r"\varepsilon=c/\sqrt N:\ \mathrm{Corr}\to\frac{-b(1+b)v-u}{\sqrt{(b^2v+u)((1+b)^2v+u)}}",
        ),
        Clause(
            name="narrow",
            text="as c -> 0 that limit tends to -1 exactly if u > 0 or b lies outside [-1, 0]; otherwise it is +1 at "
            "every c",
            formula=r"\lim_{c\to0}=-1\iff u>0\ \text{or}\ b\notin[-1,0]",
            formal=(
                "correlation_typical_narrow",
                "correlation_typical_narrow_in_width",
            ),
        ),
        Clause(
            name="turn",
            text="for u > 0 a smaller c lowers that limit, except that if u < b(1 + b)V it first raises it, until v = "
            "u/(b(1 + b)); for u = 0 it stays",
            formula=r"\operatorname{sgn}\frac{d\,\mathrm{limit}}{dv}=\operatorname{sgn}\big(u\,(u-b(1+b)v)\big)",
            formal=(
                "correlation_typical_turn",
                "correlation_typical_turn_in_width",
            ),
        ),
        Clause(
            name="fixed",
            text="at fixed eps the correlation given typicality returns to Corr(L, R) as N grows",
            formula=r"\varepsilon\text{ fixed},\ N\to\infty:\ \mathrm{Corr}(\bar L,\bar R\mid|\bar I-H|<\varepsilon)\to"
            r"\mathrm{Corr}(L,R)",
        ),
    ),
    hypotheses=(
        "the strings of a corpus are independent draws from p+",
        "neither L nor R is constant",
        "V > 0 for b, u, v",
    ),
    source="correlation.sharp under the conditional law; the central limit theorem for (L, I)",
    check=_typical_check,
    cases=_typical_cases,
    controls=(
        Control(
            "lowers",
            "says that typical corpora are never more positively correlated than all corpora (N = 2, eps = 1/2)",
            _lowers,
            _pairs,
            smallest=True,
        ),
        Control(
            "down-to-minus-one",
            "drops u > 0 or b outside [-1, 0]: the limit is said to be negative for small c, whatever the law",
            _down_to_minus_one,
            lambda profile: _spread(integer_varying(profile)),
            smallest=True,
        ),
        Control(
            "narrowing-lowers",
            "drops the exception: for u > 0 a narrower band is said to lower the limit for every law",
            _always_falls,
            lambda profile: _spread(integer_varying(profile)),
            smallest=True,
        ),
        Control("turned", "turns the bound around (N = 2, eps = 1/2)", _positive_sign, _pairs, smallest=True),
        Control("fixed-eps", "says that more data at fixed eps keeps the effect", _keeps, _c4_windows),
        Control("untruncated", "puts V for the variance of the cut normal law", _untruncated, _c4_windows),
    ),
    remark=(
        "Conditioning on typicality does not push every correlation towards -1. C1 and C2 stay at +1 in every band. "
        "For "
        "p = (1, 1, 2), e^R = (1, 5, 1), N = 400 and eps = 1/20 it moves the correlation from -.745356 to -.739704; "
        "for p = (1, 20, 400), "
        "e^R = (30, 8, 1) and eps sqrt N = 1/5 from -.99341 to -.97483, in the limit of large N. The correlations at "
        "finite N are exact; they are tested to be within 5/N of the limit."
    ),
    figure="typical",
    order=3030,
    sketch=r"""
Apply correlation.sharp to the law of $(\bar L,\bar R)$ given $A$; a variable in a band of half-width $\varepsilon$
has variance at most $\varepsilon^2$. In the limit $\sqrt N(\bar L-\mathbb E L,\bar I-H)$ is normal: the first is $b$
times the second and an independent part of variance $u$, and the second is cut to $(-c,c)$, where its variance is $v$.
One less the square of the limit is $uv/((b^2v+u)((1+b)^2v+u))\le v/u$, which is largest at $v=u/|b(1+b)|$.
$c\to\infty$ takes $v$ to $V$ and the correlation back to $\rho$.
""",
)
