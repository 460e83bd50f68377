"""correlation.iid."""

from __future__ import annotations

from collections.abc import Iterator

import sympy as sp

from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile, Proof
from theory.claims.correlation.models import EPSILON, varying
from theory.claims.instances import integer_cases, small
from theory.claims.line.models import SizedCorpus, sized
from theory.claims.symbolic import covariance, model, vanishes


def _iid(content: SizedCorpus) -> Iterator[Finding]:
    found = content.found
    yield Finding("Corr(Lbar, Rbar) - Corr(L, R)", content.corpora.correlation() - found.mean.correlation)
    gap = found.mean.var_surprisal - found.mean.var_log_prior - found.mean.var_reward
    yield Finding("2 Cov - (V - Var L - Var R)", 2 * found.mean.cov - gap)


def _iid_cases(profile: Profile) -> list[Case]:
    sizes = (2, 3, 5) if profile.full else (2,)
    return list(varying(sized(small(profile), sizes, EPSILON)))


def _pairs(profile: Profile) -> Iterator[Case]:
    """Corpora of two strings from the smallest tables."""
    for one in integer_cases(profile):
        yield from varying(sized([one], (2,), EPSILON))


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


CLAIM = Claim(
    id="correlation.iid",
    sentence="A",
    clauses=(
        Clause(
            name="all",
            text="averaging alone creates no trade-off: the corpus correlation is the string correlation at every N",
            formula=r"\mathrm{Corr}(\bar L,\bar R)=\mathrm{Corr}_{p_+}(L,R)\ \forall N;\qquad "
            r"<0\iff V<\mathrm{Var}L+\mathrm{Var}R",
            proof=Proof("n <= 4", _iid_proof),
        ),
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
    figure="toy",
    order=3010,
    sketch=r"""
$\mathrm{Cov}(\bar L,\bar R)=\mathrm{Cov}(L,R)/N$, and so for both variances: $N$ cancels in the ratio.
$V=\mathrm{Var}(L+R)=\mathrm{Var}L+\mathrm{Var}R+2\,\mathrm{Cov}$ decides the sign.
""",
)
