"""correlation.iid."""

from __future__ import annotations

from collections.abc import Iterator

from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile, of
from theory.claims.correlation.models import EPSILON, varying
from theory.claims.instances import case, integer_cases, small
from theory.claims.line.models import SizedCorpus, sized
from theory.examples import finite as examples
from theory.models.finite import FiniteModel


def _iid(content: SizedCorpus) -> Iterator[Finding]:
    found, corpora, size = content.found, content.corpora, content.size
    if found.mean.correlation is not None:
        gap = corpora.correlation() - found.mean.correlation
        yield Finding("Corr(Lbar, Rbar) - Corr(L, R)", gap, clause="correlation")
    values = {"Lbar": corpora.log_prior, "Rbar": corpora.reward}
    moments = {
        "Cov(Lbar, Rbar)": found.mean.cov,
        "Var Lbar": found.mean.var_log_prior,
        "Var Rbar": found.mean.var_reward,
    }
    pairs = (("Lbar", "Rbar"), ("Lbar", "Lbar"), ("Rbar", "Rbar"))
    for (one, other), (name, moment) in zip(pairs, moments.items(), strict=True):
        gap = size * corpora.covariance(values[one], values[other]) - moment
        yield Finding(f"N {name} - that of a string", gap, clause="scaling")
    yield from of("sign", _sign(found))


def _sign(found: FiniteModel) -> Iterator[Finding]:
    """Cov and V - Var L - Var R: one is twice the other, and so they have one sign."""
    cov, gap = found.mean.cov, found.mean.var_surprisal - found.mean.var_log_prior - found.mean.var_reward
    yield Finding("2 Cov - (V - Var L - Var R)", 2 * cov - gap)
    if gap.contains(0):
        yield Finding("V = Var L + Var R, hence Cov = 0", cov)
    else:
        yield Finding("Cov (V - Var L - Var R) > 0", cov * gap, "positive")


def uncorrelated() -> Case:
    """L and R independent under p+ = (1, 2, 2, 4)/9, so that Cov = 0 although both vary."""
    return case("Cov = 0: p = (1, 2, 1, 2), e^R = (1, 1, 2, 2)", examples.table((1, 2, 1, 2), (1, 1, 2, 2)))


def _iid_cases(profile: Profile) -> list[Case]:
    sizes = (1, 2, 3, 5) if profile.full else (1, 2)
    return list(sized([*small(profile), uncorrelated()], sizes, EPSILON))


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


CLAIM = Claim(
    id="correlation.iid",
    sentence="A",
    clauses=(
        Clause(
            name="correlation",
            text="averaging alone creates no trade-off: corpora of N independent strings have "
            "Corr(Lbar, Rbar) = Corr(L, R) at every N, unless L or R is constant",
            formula=r"\mathrm{Corr}(\bar L,\bar R)=\mathrm{Corr}_{p_+}(L,R)\quad\forall N",
            formal=("correlation_iid_every_size",),
        ),
        Clause(
            name="scaling",
            text="over corpora of N independent strings Cov(Lbar, Rbar), Var Lbar and Var Rbar are those of one string "
            "divided by N",
            formula=r"\mathrm{Cov}(\bar L,\bar R)=\mathrm{Cov}_{p_+}(L,R)/N",
            formal=("correlation_iid_covariance",),
        ),
        Clause(
            name="sign",
            text="Cov(L, R) < 0 exactly if V < Var L + Var R, and Cov(L, R) = 0 exactly if V = Var L + Var R",
            formula=r"V=\mathrm{Var}L+\mathrm{Var}R+2\,\mathrm{Cov}(L,R)",
            formal=(
                "correlation_iid_sign",
                "correlation_iid_sign_of_strings",
            ),
        ),
    ),
    hypotheses=("the strings of a corpus are independent draws from p+", "Var L and Var R are finite"),
    source="bilinearity of the covariance",
    check=_iid,
    cases=_iid_cases,
    controls=(
        Control(
            "averaging-reverses",
            "says that the means of two strings are never positively correlated, whatever single strings do",
            _averaging_reverses,
            _pairs,
            smallest=True,
        ),
        Control("unscaled", "leaves out the factor 1/N of the covariance", _unscaled, _pairs, smallest=True),
    ),
    figure="toy",
    order=3010,
    sketch=r"""
$\mathrm{Cov}(\bar L,\bar R)=\mathrm{Cov}(L,R)/N$, and so for both variances: $N$ cancels in the ratio.
$V=\mathrm{Var}(L+R)=\mathrm{Var}L+\mathrm{Var}R+2\,\mathrm{Cov}$ decides the sign.
""",
)
