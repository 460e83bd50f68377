"""audit.flipped-reward: A secret reward with its sign flipped turns every exchange into its opposite."""

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
    yield Finding("E R computed = -KL(p+ || p)", mean_reward(both.computed) + divergence)
    yield Finding("E R = KL(p+ || p) >= 0", mean_reward(both.truth), "zero" if found.is_prior else "positive")
    yield Finding("Cov computed = -Cov", computed.cov + truth.cov)
    yield Finding("Var R computed = Var R", computed.var_reward - truth.var_reward)
    law = found.law(COOLED, "global")
    cooled = found.moments(law)
    moved = mean_reward(flipped_reward(found.numbers, law).computed) - mean_reward(both.computed)
    yield Finding("the change of E R on cooling, reversed", moved + cooled.mean_reward - found.mean.mean_reward)


def _flipped_harmless(found: FiniteModel) -> Iterator[Finding]:
    return same_sign(flipped_reward(found.numbers))


def _flipped_mean(found: FiniteModel) -> Iterator[Finding]:
    yield Finding("E R computed >= 0", mean_reward(flipped_reward(found.numbers).computed), "nonnegative")


CLAIM = Claim(
    id="audit.flipped-reward",
    sentence="",
    clauses=(
        Clause(
            name="all",
            text="A secret reward with its sign flipped turns every exchange into its opposite",
            formula=r"r'=\log p-\log p_+:\quad \mathbb E_{p_+}r'=-\mathrm{KL}(p_+\|p)\le0,\quad"
            r"\operatorname{Cov}(L,r')=-\operatorname{Cov}(L,R)",
        ),
    ),
    hypotheses=("log p - log p+ is read as the reward",),
    source=f"{READ}: create_figures 140-142",
    check=_flipped,
    cases=small,
    controls=(
        harmless("the sign of the correlation", _flipped_harmless, integer_cases),
        Control("mean", "says that the mean of the flipped reward is not negative", _flipped_mean, integer_cases, True),
    ),
    remark=(
        "By itself it shows likelihood and reward trading off across adaptors where both rise together: on C3, "
        "where no temperature trades, the computed correlation is negative. Its mean under p+ is never positive, "
        "which is how it can be told."
    ),
    order=9020,
    sketch=r"""
$r'=-(R-\log Z)$: covariances with it are those with $R$, reversed.
""",
)
