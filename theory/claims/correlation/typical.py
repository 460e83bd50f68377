"""correlation.typical."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from flint import arb, fmpq

from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile
from theory.claims.correlation.models import EPSILON, varying
from theory.claims.instances import named, small
from theory.claims.line.models import SizedCorpus, certainly, sized
from theory.corpora.atoms import Window, atoms
from theory.corpora.typicality import conditional_correlation_limit, typical_corpora
from theory.models.finite import FiniteModel


@dataclass(frozen=True, slots=True, eq=False)
class TypicalCorpora:
    """A model and its typical corpora at size N and half-width eps."""

    found: FiniteModel
    size: int
    epsilon: fmpq
    window: Window


def _typical_bound(content: SizedCorpus) -> Iterator[Finding]:
    """Every event inside the typical set: the typical set itself, and its halves by Lbar and by corpus index."""
    deviation = content.deviation
    inside = certainly(deviation, -content.epsilon) & certainly(-deviation, -content.epsilon)
    low = certainly(-content.corpora.log_prior, -content.found.mean.mean_log_prior)
    thinned = inside.copy()
    thinned[::3] = False
    for name, event in (("typical", inside), ("typical, Lbar < E L", inside & low), ("two thirds of it", thinned)):
        if event.sum() < 2:
            continue
        some = content.corpora.restricted(event)
        var_l, var_r = some.covariance(some.log_prior, some.log_prior), some.covariance(some.reward, some.reward)
        left = deviation[event]
        larger = arb.max(var_l, var_r)
        var_i = some.covariance(left, left)
        if var_l > 0 and var_i < larger and var_i > 0:
            rho = some.covariance(some.log_prior, some.reward) / (var_l * var_r).sqrt()
            margin = -(1 - var_i / larger).sqrt() - rho
            yield Finding(f"given {name}: -sqrt(1 - Var(I|A)/max) - Corr", margin, "positive")


_RATE = 5
"""The conditional correlation differs from its limit by less than 5/N on the named cases (the rate is 1/N)."""


def _typical_limit(content: TypicalCorpora) -> Iterator[Finding]:
    found = content.found
    conditional = content.window.conditional_correlation()
    limit = conditional_correlation_limit(found.mean, content.size, content.epsilon)
    gap = fmpq(_RATE, content.size) - abs(conditional - limit)
    yield Finding(f"{_RATE}/N - |Corr(.|typical) - limit|", gap, "positive")
    far = conditional_correlation_limit(found.mean, content.size * 10**6, content.epsilon)
    yield Finding("at fixed eps the limit returns to Corr_{p+}", far - found.mean.correlation, tolerance=1e-9)
    b = found.mean.exchange_coefficient
    narrow = conditional_correlation_limit(found.mean, 1, fmpq(1, 10**9))
    residual = found.mean.var_log_prior - b * b * found.mean.var_surprisal
    if residual > fmpq(1, 10**6):
        yield Finding("u > 0: the limit is -1 as c -> 0", narrow + 1, tolerance=1e-9)
    else:
        yield Finding("u = 0: the limit is sign(b (1 + b)) times -1", narrow + (b * (1 + b)).sgn(), tolerance=1e-9)


def _typical_check(content: SizedCorpus | TypicalCorpora) -> Iterator[Finding]:
    return _typical_bound(content) if isinstance(content, SizedCorpus) else _typical_limit(content)


def _typical_window(one: Case, size: int, epsilon: fmpq) -> Case:
    found: FiniteModel = one.content
    window = typical_corpora(atoms(found.numbers), size, epsilon)
    return Case(f"{one.name}, N = {size}, eps = {epsilon}", TypicalCorpora(found, size, epsilon, window), one.spec)


def _limit_cases(profile: Profile) -> Iterator[Case]:
    for one in named("C3", "C4", "C5"):
        for size, epsilon in ((100, fmpq(1, 10)), (400, fmpq(1, 20)), *([(1600, fmpq(1, 40))] if profile.full else [])):
            yield _typical_window(one, size, epsilon)
    for one in named("C1", "C2"):
        yield _typical_window(one, 1000, fmpq(1, 20))
    yield _typical_window(named("toy")[0], 100_000, fmpq(1, 1000))


def _typical_cases(profile: Profile) -> list[Case]:
    sizes = (3, 6) if profile.full else (3,)
    return [*varying(sized(small(profile), sizes, EPSILON)), *_limit_cases(profile)]


def _positive_sign(content: SizedCorpus) -> Iterator[Finding]:
    for finding in _typical_bound(content):
        yield Finding(f"{finding.label}, sign turned", -finding.value, "positive")


def _keeps(content: TypicalCorpora) -> Iterator[Finding]:
    """With more data at fixed eps the conditional correlation stays where it was."""
    early = content.window.conditional_correlation()
    law = atoms(content.found.numbers)
    late = typical_corpora(law, content.size * 16, content.epsilon).conditional_correlation()
    yield Finding("|Corr(.|typical)| at 16 N - that at N", abs(late) - abs(early), "nonnegative")


def _untruncated(content: TypicalCorpora) -> Iterator[Finding]:
    """The limit with V in place of the truncated variance: the unconditional correlation."""
    mean, conditional = content.found.mean, content.window.conditional_correlation()
    limit = mean.correlation
    yield Finding(
        f"{_RATE}/N - |Corr(.|typical) - Corr|", fmpq(_RATE, content.size) - abs(conditional - limit), "nonnegative"
    )


def _c4_windows(profile: Profile) -> Iterator[Case]:
    for size, epsilon in ((100, fmpq(1, 10)), (400, fmpq(1, 100))):
        yield _typical_window(named("C4")[0], size, epsilon)


def _pairs_of_six(profile: Profile) -> Iterator[Case]:
    return varying(sized(named("C4", "C5"), (6,), EPSILON))


CLAIM = Claim(
    id="correlation.typical",
    sentence="A",
    clauses=(
        Clause(
            name="all",
            text="looking only at typical corpora pushes the correlation towards -1; more data at fixed eps undoes it",
            formula=r"A\subseteq\{|\bar I-H|\le\varepsilon\}\Rightarrow "
            r"\mathrm{Corr}(\cdot|A)\le-\sqrt{1-\tfrac{\mathrm{Var}(\bar I|A)}"
            r"{\max(\mathrm{Var}(\bar L|A),\mathrm{Var}(\bar R|A))}};\quad \varepsilon=c/\sqrt N:\ "
            r"\mathrm{Corr}\to\frac{-b(1+b)v-u}{\sqrt{(b^2v+u)((1+b)^2v+u)}}",
        ),
    ),
    hypotheses=(
        "Var(Ibar | A) < max(Var(Lbar | A), Var(Rbar | A))",
        "for the limit: eps = c / sqrt N; for -1 as c -> 0: u > 0 or b outside [-1, 0]",
    ),
    source="correlation.sharp under the conditional law; the central limit theorem for (L, I)",
    check=_typical_check,
    cases=_typical_cases,
    controls=(
        Control("turned", "says that typicality raises the correlation", _positive_sign, _pairs_of_six),
        Control("fixed-eps", "says that more data at fixed eps keeps the effect", _keeps, _c4_windows),
        Control("untruncated", "puts V for the variance of the truncated normal law", _untruncated, _c4_windows),
    ),
    remark="Exact at every N; the limit is compared at a rate of 5/N.",
    figure="typical",
    order=3030,
    sketch=r"""
Apply correlation.sharp to the law of $(\bar L,\bar R)$ given $A$; in the band $\mathrm{Var}(\bar I|A)$ is small. In the limit $\sqrt N(\bar L-\mathbb E L,\bar I-H)$ is normal: the first is $b$ times the second and an independent part of variance $u$, and the second is cut to $(-c,c)$, where its variance is $v$. $c\to\infty$ takes $v\to V$ and the correlation back to $\rho$.
""",
)
