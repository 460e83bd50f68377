"""audit.flipped-reward: a secret reward taken as log p - log p+ moves against R."""

from __future__ import annotations

from collections.abc import Iterator

from theory.claims.audit.models import COOLED, READ, harmless, same_sign
from theory.claims.claim import Claim, Clause, Control, Finding
from theory.claims.instances import integer_cases, small
from theory.models.finite import FiniteModel
from theory.probability.information import kl_divergence
from theory.reference_code import (
    flipped_reward,
    mean_reward,
)


def _flipped(found: FiniteModel) -> Iterator[Finding]:
    both = flipped_reward(found.numbers)
    truth, computed = both.truth.covariance(), both.computed.covariance()
    divergence = kl_divergence(found.mass(), found.aligned.prior)
    yield Finding("E R computed = -KL(p+ || p)", mean_reward(both.computed) + divergence, clause="mean")
    own = mean_reward(both.truth)
    yield Finding("E R = KL(p+ || p) >= 0", own, "zero" if found.is_prior else "positive", clause="mean")
    yield Finding("Cov computed = -Cov", computed.cov + truth.cov, clause="sign")
    yield Finding("Var R computed = Var R", computed.var_reward - truth.var_reward, clause="sign")
    law = found.law(COOLED, "global")
    cooled = found.moments(law)
    moved = mean_reward(flipped_reward(found.numbers, law).computed) - mean_reward(both.computed)
    gap = moved + cooled.mean_reward - found.mean.mean_reward
    yield Finding("the change of E R at global T = 1/2, reversed", gap, clause="change")


def _flipped_harmless(found: FiniteModel) -> Iterator[Finding]:
    return same_sign(flipped_reward(found.numbers))


def _flipped_mean(found: FiniteModel) -> Iterator[Finding]:
    yield Finding("E R computed >= 0", mean_reward(flipped_reward(found.numbers).computed), "nonnegative")


CLAIM = Claim(
    id="audit.flipped-reward",
    sentence="",
    clauses=(
        Clause(
            name="sign",
            text="a secret reward taken as log p - log p+ has the covariance -Cov(L, R) with L and the variance of R, "
            "hence "
            "the correlation -Corr(L, R)",
            formula=r"r'=\log p-\log p_+:\quad\operatorname{Cov}(L,r')=-\operatorname{Cov}(L,R)",
            formal=("audit_flipped_reward_covariance",),
        ),
        Clause(
            name="mean",
            text="its mean under p+ is -KL(p+ || p), which is negative unless p+ = p",
            formula=r"\mathbb E_{p_+}r'=-\mathrm{KL}(p_+\|p)\le0",
            formal=(
                "audit_flipped_reward_mean",
                "audit_flipped_reward_negative",
            ),
        ),
        Clause(
            name="change",
            text="from p+ to its global temperature 1/2 its mean changes by as much as E R, in the opposite direction",
            formal=("audit_flipped_reward_exchange",),
        ),
    ),
    hypotheses=("the public code at commit ccec1ac, as read, takes log p - log p+ for the secret reward",),
    source=f"{READ}: create_figures 140-142",
    check=_flipped,
    cases=small,
    controls=(
        harmless("the sign of the correlation", _flipped_harmless, integer_cases),
        Control("mean", "says that the mean of the flipped reward is not negative", _flipped_mean, integer_cases, True),
    ),
    remark=(
        "By itself it makes likelihood and reward appear to trade off across adaptors where both rise together: on "
        "C3, where no temperature trades, the computed correlation is negative. The mistake shows in the mean of the "
        "flipped reward under p+, which is never positive."
    ),
    order=9020,
    sketch=r"""
$r'=-(R-\log Z)$: covariances with it are those with $R$, reversed.
""",
)
