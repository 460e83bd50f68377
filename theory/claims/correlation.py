"""Correlation (claim A): what averaging, typicality and the choice of measure do to Corr(L, R)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp
from flint import arb, fmpq

from theory.arithmetic.exact import to_float
from theory.claims.claim import Case, Claim, Control, Finding, Profile
from theory.claims.instances import Instance, case, integer_cases, law_of, named, small, usual
from theory.claims.line import SizedCorpus, certainly, sized
from theory.claims.symbolic import covariance, model, vanishes
from theory.corpora.atoms import Window, atoms
from theory.corpora.typicality import conditional_correlation_limit, typical_corpora
from theory.examples import finite as examples

_EPSILON = fmpq(1, 4)


def varying(cases: Sequence[Case] | Iterator[Case]) -> Iterator[Case]:
    """The cases on which neither L nor R is constant, so that a correlation exists."""
    for one in cases:
        found = one.content.found if isinstance(one.content, SizedCorpus) else one.content
        if found.mean.correlation is not None:
            yield one


# --- iid ----------------------------------------------------------------------------------------------------------


def _iid(content: SizedCorpus) -> Iterator[Finding]:
    found = content.found
    yield Finding("Corr(Lbar, Rbar) - Corr(L, R)", content.corpora.correlation() - found.mean.correlation)
    gap = found.mean.var_surprisal - found.mean.var_log_prior - found.mean.var_reward
    yield Finding("2 Cov - (V - Var L - Var R)", 2 * found.mean.cov - gap)


def _iid_cases(profile: Profile) -> list[Case]:
    sizes = (2, 3, 5) if profile.full else (2,)
    return list(varying(sized(small(profile), sizes, _EPSILON)))


def _pairs(profile: Profile) -> Iterator[Case]:
    """Corpora of two strings from the smallest tables."""
    for one in integer_cases(profile):
        yield from varying(sized([one], (2,), _EPSILON))


def _unscaled(content: SizedCorpus) -> Iterator[Finding]:
    corpora = content.corpora
    yield Finding(
        "Cov(Lbar, Rbar) = Cov(L, R)", corpora.covariance(corpora.log_prior, corpora.reward) - content.found.mean.cov
    )


def _averaging_reverses(content: SizedCorpus) -> Iterator[Finding]:
    """If averaging created the trade-off, the corpus correlation would be negative wherever corpora are averaged."""
    yield Finding("Corr(Lbar, Rbar) <= 0 at N = 2", -content.corpora.correlation(), "nonnegative")


def _iid_proof() -> list[str]:
    lines = []
    size = sp.Symbol("N", positive=True)
    for n in (2, 3, 4):
        m = model(n)
        cov = covariance(m.prob, m.log_prior, m.reward)
        # E[sum sum] over N draws: N terms with equal index, N (N - 1) with different ones
        l_mean, r_mean = (sum(p * v for p, v in zip(m.prob, values, strict=True)) for values in (m.log_prior, m.reward))
        product = sum(p * a * b for p, a, b in zip(m.prob, m.log_prior, m.reward, strict=True))
        corpus = (size * product + size * (size - 1) * l_mean * r_mean) / size**2 - l_mean * r_mean
        lines.append(vanishes(corpus - cov / size, f"Cov(Lbar, Rbar) = Cov(L, R) / N for every N, n = {n}"))
        surprisal = [-a - b for a, b in zip(m.log_prior, m.reward, strict=True)]
        gap = covariance(m.prob, surprisal, surprisal) - covariance(m.prob, m.log_prior, m.log_prior)
        gap = gap - covariance(m.prob, m.reward, m.reward) - 2 * cov
        lines.append(vanishes(gap, f"V = Var L + Var R + 2 Cov, n = {n}"))
    return lines


IID = Claim(
    id="correlation.iid",
    sentence="A",
    title="Averaging alone creates no trade-off: the corpus correlation is the string correlation at every N",
    statement=(
        r"\mathrm{Corr}(\bar L,\bar R)=\mathrm{Corr}_{p_+}(L,R)\ \forall N;\qquad "
        r"<0\iff V<\mathrm{Var}L+\mathrm{Var}R"
    ),
    hypotheses=("the strings of a corpus are independent draws from one law", "0 < Var L, Var R < inf"),
    source="bilinearity of the covariance",
    check=_iid,
    cases=_iid_cases,
    controls=(
        Control("unscaled", "leaves out the factor 1/N of the covariance", _unscaled, _pairs, smallest=True),
        Control(
            "averaging-reverses",
            "says that the averages trade off whatever the strings do",
            _averaging_reverses,
            _pairs,
            smallest=True,
        ),
    ),
    proof=_iid_proof,
)


# --- sharp --------------------------------------------------------------------------------------------------------


def attained() -> Instance:
    """I and R independent: p+ = (2, 2, 1, 1)/6 with e^R = (2, 1, 2, 1), so Cov(L, R) = -Var R and the bound is met."""
    content: Instance = case("attained", examples.from_laws((1, 2, fmpq(1, 2), 1), (2, 2, 1, 1))).content
    return content


def _larger_variance(found: Instance) -> arb:
    result: arb = arb.max(found.mean.var_log_prior, found.mean.var_reward)
    return result


def _sharp(found: Instance) -> Iterator[Finding]:
    mean, larger = found.mean, _larger_variance(found)
    rho = mean.correlation
    if rho is None:
        return
    yield Finding("V - (1 - rho^2) max(Var L, Var R)", mean.var_surprisal - (1 - rho * rho) * larger, "positive")
    if mean.var_surprisal < larger:
        bound = (1 - mean.var_surprisal / larger).sqrt()
        yield Finding("-sqrt(1 - V/max) - rho", -bound - rho, "positive")


def _sharp_attained(found: Instance) -> Iterator[Finding]:
    mean, larger = found.mean, _larger_variance(found)
    yield Finding("attained: V = (1 - rho^2) max", mean.var_surprisal - (1 - mean.correlation**2) * larger)
    yield Finding("attained: rho = -sqrt(1 - V/max)", mean.correlation + (1 - mean.var_surprisal / larger).sqrt())


def _sharp_check(content: Instance | tuple[Instance]) -> Iterator[Finding]:
    return _sharp_attained(content[0]) if isinstance(content, tuple) else _sharp(content)


def _sharp_cases(profile: Profile) -> list[Case]:
    return [*varying(usual(profile)), Case("I and R independent", (attained(),))]


def _with_sum(found: Instance) -> Iterator[Finding]:
    mean = found.mean
    both = mean.var_log_prior + mean.var_reward
    yield Finding(
        "V - (1 - rho^2)(Var L + Var R)", mean.var_surprisal - (1 - mean.correlation**2) * both, "nonnegative"
    )


def _always(found: Instance) -> Iterator[Finding]:
    yield Finding(
        "rho <= -sqrt|1 - V/max|",
        -abs(1 - found.mean.var_surprisal / _larger_variance(found)).sqrt() - found.mean.correlation,
        "nonnegative",
    )


def _integer_varying(profile: Profile) -> Iterator[Case]:
    return varying(integer_cases(profile))


SHARP = Claim(
    id="correlation.sharp",
    sentence="A",
    title="A small varentropy forces a negative correlation, and the bound is attained",
    statement=(
        r"V\ge(1-\rho^2)\max(\mathrm{Var}L,\mathrm{Var}R);\qquad "
        r"V<\max\Rightarrow\rho\le-\sqrt{1-V/\max}"
    ),
    hypotheses=("0 < Var L, Var R < inf", "V < max(Var L, Var R) for the second part"),
    source="Var(L + R) >= min_a Var(L + a R) = (1 - rho^2) Var L",
    check=_sharp_check,
    cases=_sharp_cases,
    everywhere=True,
    controls=(
        Control("sum-for-max", "puts Var L + Var R for the maximum", _with_sum, _integer_varying, smallest=True),
        Control("without-hypothesis", "drops V < max(Var L, Var R)", _always, _integer_varying, smallest=True),
    ),
)


# --- typical ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class TypicalCorpora:
    """A model and its typical corpora at size N and half-width eps."""

    found: Instance
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
        if var_l > 0 and var_r > 0 and var_i < larger and var_i > 0:
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
    elif residual.contains(0):
        yield Finding("u = 0: the limit is sign(b (1 + b)) times -1", narrow + (b * (1 + b)).sgn(), tolerance=1e-9)


def _typical_check(content: SizedCorpus | TypicalCorpora) -> Iterator[Finding]:
    return _typical_bound(content) if isinstance(content, SizedCorpus) else _typical_limit(content)


def _typical_window(one: Case, size: int, epsilon: fmpq) -> Case:
    found: Instance = one.content
    window = typical_corpora(atoms(found.aligned, found.numbers, found.mean), size, epsilon)
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
    return [*varying(sized(small(profile), sizes, _EPSILON)), *_limit_cases(profile)]


def _positive_sign(content: SizedCorpus) -> Iterator[Finding]:
    for finding in _typical_bound(content):
        yield Finding(f"{finding.label}, sign turned", -finding.value, "positive")


def _keeps(content: TypicalCorpora) -> Iterator[Finding]:
    """With more data at fixed eps the conditional correlation stays where it was."""
    early = content.window.conditional_correlation()
    law = atoms(content.found.aligned, content.found.numbers, content.found.mean)
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
    return varying(sized(named("C4", "C5"), (6,), _EPSILON))


TYPICAL = Claim(
    id="correlation.typical",
    sentence="A",
    title="Looking only at typical corpora pushes the correlation towards -1; more data at fixed eps undoes it",
    statement=(
        r"A\subseteq\{|\bar I-H|\le\varepsilon\}\Rightarrow "
        r"\mathrm{Corr}(\cdot|A)\le-\sqrt{1-\tfrac{\mathrm{Var}(\bar I|A)}"
        r"{\max(\mathrm{Var}(\bar L|A),\mathrm{Var}(\bar R|A))}};\quad \varepsilon=c/\sqrt N:\ "
        r"\mathrm{Corr}\to\frac{-b(1+b)v-u}{\sqrt{(b^2v+u)((1+b)^2v+u)}}"
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
)


# --- measure ------------------------------------------------------------------------------------------------------


def unweighted_correlation(found: Instance) -> Any:
    """Pearson's correlation of (L, R) with every string counted once."""
    return found.moments(law_of(found, [fmpq(1)] * len(found.aligned))).correlation


def ranks(values: Sequence[Any]) -> list[fmpq]:
    """Ranks 1..n of certain numbers; equal ones (by their key) share the mean rank."""
    order = sorted(range(len(values)), key=lambda k: to_float(values[k]))
    result = [fmpq(0)] * len(values)
    start = 0
    while start < len(order):
        stop = start + 1
        while stop < len(order) and not values[order[stop]] > values[order[stop - 1]]:
            stop += 1
        for k in order[start:stop]:
            result[k] = fmpq(start + 1 + stop, 2)
        start = stop
    return result


def unweighted_spearman(found: Instance) -> arb:
    """Spearman's rank correlation of (L, R) with every string counted once."""
    one, two = ranks(list(found.numbers.log_prior)), ranks(list(found.numbers.reward))
    n = len(one)
    centre = fmpq(n + 1, 2)
    cov = sum(((a - centre) * (b - centre) for a, b in zip(one, two, strict=True)), start=fmpq(0))
    squares = [sum(((a - centre) ** 2 for a in values), start=fmpq(0)) for values in (one, two)]
    return arb(cov) / (arb(squares[0]) * squares[1]).sqrt()


PUBLISHED = {"entropy": 5.01, "prior_entropy": 6.87, "pearson": 0.49, "spearman": 0.43, "typical": 213, "corpora": 1000}
"""What the published notebook prints for its toy, to the digits it prints."""


def _measure(found: Instance) -> Iterator[Finding]:
    pearson, spearman = unweighted_correlation(found), unweighted_spearman(found)
    yield Finding("unweighted Pearson - 0.49, the published figure", pearson - arb("0.49"), tolerance=0.005)
    yield Finding("unweighted Spearman - 0.43, the published figure", spearman - arb("0.43"), tolerance=0.005)
    yield Finding("unweighted Pearson > 0", pearson, "positive")
    yield Finding("Pearson under p+ < 0", -found.mean.correlation, "positive")


def _same_sign(found: Instance) -> Iterator[Finding]:
    product = unweighted_correlation(found) * found.mean.correlation
    yield Finding("Corr(unweighted) Corr(p+) >= 0", product, "nonnegative")


MEASURE = Claim(
    id="correlation.measure",
    sentence="A",
    title="The toy's published string-level correlation counts every string once; under p+ its sign is the other",
    statement=r"\mathrm{Corr}_{\mathrm{unif}}(L,R)=+.4856,\qquad \mathrm{Corr}_{p_+}(L,R)=-.1294",
    hypotheses=("the paper's toy: seed 42, 1,000 strings",),
    source="direct computation; the figures 0.49 and 0.43 are those of the published notebook",
    check=_measure,
    cases=lambda profile: named("toy"),
    controls=(
        Control(
            "same-sign", "says that the measure does not change the sign", _same_sign, _integer_varying, smallest=True
        ),
    ),
    remark="A change of sign between strings and corpora in the toy is thus a change of measure, not of averaging.",
)


CLAIMS: tuple[Claim, ...] = (IID, SHARP, TYPICAL, MEASURE)
