"""correlation.sharp: a small varentropy forces a negative correlation, and the bound is attained."""

from __future__ import annotations

from collections.abc import Iterator

from flint import arb, fmpq

from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile, Relation
from theory.claims.correlation.models import integer_varying
from theory.claims.instances import case, usual
from theory.examples import finite as examples
from theory.models.finite import FiniteModel


def attained() -> FiniteModel:
    """I and R independent: p+ = (2, 2, 1, 1)/6 with e^R = (2, 1, 2, 1), so Cov(L, R) = -Var R and the bound is met."""
    content: FiniteModel = case("attained", examples.from_laws((1, 2, fmpq(1, 2), 1), (2, 2, 1, 1))).content
    return content


def _larger_variance(found: FiniteModel) -> arb:
    result: arb = arb.max(found.mean.var_log_prior, found.mean.var_reward)
    return result


def _on_border(found: FiniteModel) -> bool:
    """Whether Cov = -min(Var L, Var R), so that the bound is met: V = 0, b = 0 or b = -1."""
    below = found.mean.cov + arb.min(found.mean.var_log_prior, found.mean.var_reward)
    return bool(below.contains(0))


def _sharp(found: FiniteModel) -> Iterator[Finding]:
    mean, larger = found.mean, _larger_variance(found)
    rho = mean.correlation
    if rho is None:
        return
    slack = mean.var_surprisal - (1 - rho * rho) * larger
    border = _on_border(found)
    yield Finding("V - (1 - rho^2) max(Var L, Var R)", slack, "zero" if border else "nonnegative", clause="bound")
    relation: Relation = "zero" if border else "positive"
    yield Finding("equality iff Cov = -min(Var L, Var R): the slack", slack, relation, clause="equality")
    if mean.var_surprisal < larger:
        bound = (1 - mean.var_surprisal / larger).sqrt()
        yield Finding("-rho", -rho, "positive", clause="forced")
        below = -bound - rho
        yield Finding("-sqrt(1 - V/max) - rho", below, "zero" if border else "nonnegative", clause="forced")


def _sharp_attained(found: FiniteModel) -> Iterator[Finding]:
    mean, larger = found.mean, _larger_variance(found)
    slack = mean.var_surprisal - (1 - mean.correlation**2) * larger
    yield Finding("attained: V = (1 - rho^2) max", slack, clause="equality")
    gap = mean.correlation + (1 - mean.var_surprisal / larger).sqrt()
    yield Finding("attained: rho = -sqrt(1 - V/max)", gap, clause="equality")
    yield Finding("attained although V > 0", mean.var_surprisal, "positive", clause="equality")


def _sharp_check(content: FiniteModel | tuple[FiniteModel]) -> Iterator[Finding]:
    return _sharp_attained(content[0]) if isinstance(content, tuple) else _sharp(content)


def _sharp_cases(profile: Profile) -> list[Case]:
    return [*usual(profile), Case("I and R independent", (attained(),))]


def _with_sum(found: FiniteModel) -> Iterator[Finding]:
    mean = found.mean
    both = mean.var_log_prior + mean.var_reward
    yield Finding(
        "V - (1 - rho^2)(Var L + Var R)", mean.var_surprisal - (1 - mean.correlation**2) * both, "nonnegative"
    )


def _negative_anyway(found: FiniteModel) -> Iterator[Finding]:
    yield Finding("rho < 0", -found.mean.correlation, "positive")


CLAIM = Claim(
    id="correlation.sharp",
    sentence="A",
    clauses=(
        Clause(
            name="forced",
            text="a small varentropy forces a negative correlation: if V < max(Var L, Var R), then "
            "Corr(L, R) <= -sqrt(1 - V/max(Var L, Var R)) < 0",
            formula=r"V<M\Rightarrow\rho\le-\sqrt{1-V/M},\quad M=\max(\mathrm{Var}L,\mathrm{Var}R)",
            formal=(
                "correlation_sharp_correlation",
                "correlation_sharp_forced",
            ),
        ),
        Clause(
            name="bound",
            text="V >= (1 - rho^2) max(Var L, Var R) with rho = Corr(L, R), for every law on which L and R vary",
            formula=r"V\ge(1-\rho^2)\max(\mathrm{Var}L,\mathrm{Var}R)",
            formal=("correlation_sharp_variance",),
        ),
        Clause(
            name="equality",
            text="that bound is attained exactly if Cov(L, R) = -min(Var L, Var R), as for p+ = (2, 2, 1, 1)/6 with "
            "e^R = (2, 1, 2, 1), where V > 0",
            formula=r"V=(1-\rho^2)\max\iff\mathrm{Cov}(L,R)=-\min(\mathrm{Var}L,\mathrm{Var}R)",
            formal=(
                "correlation_sharp_equality",
                "correlation_sharp_example",
            ),
        ),
    ),
    hypotheses=("0 < Var L, Var R < inf",),
    source="Var(L + R) >= min_a Var(L + a R) = (1 - rho^2) Var L",
    check=_sharp_check,
    cases=_sharp_cases,
    everywhere=True,
    controls=(
        Control(
            "without-hypothesis",
            "drops V < max(Var L, Var R): the correlation is said to be negative for every law",
            _negative_anyway,
            integer_varying,
            smallest=True,
        ),
        Control("sum-for-max", "puts Var L + Var R for the maximum", _with_sum, integer_varying, smallest=True),
    ),
    order=3020,
    sketch=r"""
$V=\mathrm{Var}(L+R)\ge\min_a\mathrm{Var}(L+aR)=(1-\rho^2)\mathrm{Var}L$, the residual of the best linear guess of $L$
by $R$; the difference is $(\mathrm{Var}R+\mathrm{Cov})^2/\mathrm{Var}R$. The same holds with $L$ and $R$ exchanged. If
$V$ is below the larger variance then $\rho^2\ge1-V/\max$, and $\rho$ is negative: otherwise
$V=\mathrm{Var}L+\mathrm{Var}R+2\,\mathrm{Cov}$ would be at least both variances.
""",
)
