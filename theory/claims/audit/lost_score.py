"""audit.lost-score: a score that is NaN, read as probability 1."""

from __future__ import annotations

from collections.abc import Iterator

from flint import arb

from theory.arithmetic.exact import objects
from theory.claims.audit.models import READ, first_failing, harmless, mean_line, same_sign
from theory.claims.claim import Case, Claim, Clause, Finding, Profile
from theory.claims.instances import integer_cases, small
from theory.models.finite import FiniteModel
from theory.reference_code import (
    lost_score,
    mean_reward,
)


def lost_case() -> Case:
    """The smallest table whose correlation changes its sign when its last string's score is lost."""
    return first_failing(integer_cases(Profile()), _lost_harmless)


def _lost_score(found: FiniteModel) -> Iterator[Finding]:
    """E R off by the mean surprisal of what is lost; Cov off by the covariance of L with it."""
    n = len(found.aligned)
    prob, log_prior = found.numbers.prob, found.numbers.log_prior
    for lost in ([n - 1], list(range(0, n, 2))):
        both = lost_score(found.numbers, lost)
        gain = objects(v if y in lost else arb(0) for y, v in enumerate(found.numbers.surprisal))
        mean = (prob * gain).sum()
        gap = mean_reward(both.computed) - mean_reward(both.truth) - mean
        yield Finding("E R off by E[-log p+; lost]", gap, clause="mean")
        shift = both.computed.covariance().cov - both.truth.covariance().cov
        cov = (prob * gain * log_prior).sum() - mean * (prob * log_prior).sum()
        yield Finding("Cov off by Cov(L, -log p+ 1{lost})", shift - cov, clause="covariance")
        line = objects(arb(0) if y in lost else -v for y, v in enumerate(found.numbers.surprisal))
        yield Finding("E(L + R) computed", mean_line(both.computed) - (prob * line).sum(), clause="line")


def _lost_harmless(found: FiniteModel) -> Iterator[Finding]:
    return same_sign(lost_score(found.numbers, [len(found.aligned) - 1]))


CLAIM = Claim(
    id="audit.lost-score",
    sentence="",
    clauses=(
        Clause(
            name="mean",
            text="a score of p+ that is NaN, read as probability 1, adds its surprisal to the secret reward: with a "
            "set B of "
            "strings lost E R is off by E[-log p+(Y); Y in B]",
            formula=r"\mathbb E R'-\mathbb E R=\mathbb E[-\log p_+(Y);\,Y\in B]",
            formal=("audit_lost_score_shift",),
        ),
        Clause(
            name="covariance",
            text="Cov(L, R) is off by Cov(L, -log p+ 1_B)",
            formula=r"\operatorname{Cov}(L,R')-\operatorname{Cov}(L,R)=\operatorname{Cov}(L,-\log p_+\mathbf 1_B)",
            formal=("audit_lost_score_shift",),
        ),
        Clause(name="line", text="E(L + R) becomes E[log p+(Y); Y not in B]", formal=("audit_lost_score_line",)),
    ),
    hypotheses=(
        "the public code at commit ccec1ac, as read, replaces NaN by a surprisal of 0",
        "the strings of B, of one token each, are scored NaN under p+",
    ),
    source=f"{READ}: compute_nll 323-327",
    check=_lost_score,
    cases=small,
    controls=(harmless("the sign of the correlation", _lost_harmless, integer_cases),),
    remark=(
        "By itself it can turn the sign of Corr(L, R), if it happens at a token of a string. At padding a surprisal "
        "of 0 is right. Reading the code does not show how often it happened elsewhere."
    ),
    order=9060,
    sketch=r"""
What is lost is read as 0 in $-\log p_+$, so $R'-R$ is its surprisal; take the mean, and the covariance with $L$.
""",
)
