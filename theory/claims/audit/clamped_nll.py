"""audit.clamped-nll: a clamp of 25 nats per token, on p+ and not on p, changes next to nothing on strings of p+."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from flint import arb, fmpq

from theory.alignment.gibbs import Aligned, align
from theory.arithmetic.exact import objects
from theory.claims.audit.models import READ, harmless, same_means
from theory.claims.claim import Case, Claim, Clause, Finding, Profile
from theory.claims.instances import case, law_of, small
from theory.language_models.rewards import Reward
from theory.language_models.tree import TreeModel
from theory.models.finite import FiniteModel
from theory.reference_code import (
    CLAMP,
    clamped,
    mean_reward,
    token_surprisals,
)


def far_apart() -> Aligned:
    """p = (1, 1)/2 and R = (0, -40): p+ of the second string is near e^-40."""
    prior = TreeModel.table(("x", "y"), objects([fmpq(1, 2), fmpq(1, 2)]))
    return align(prior, [Reward(), Reward(exponent=fmpq(-40))])


def _clamped(found: FiniteModel) -> Iterator[Finding]:
    """E_q R off by E_q sum_t (-log p+ - 25)^+; on strings of p+ itself by less than e^-26 per token of the tree."""
    aligned, numbers = found.aligned, found.numbers
    step, ending = token_surprisals(numbers)
    zero, limit = arb(0), arb(CLAMP)
    over = objects(arb.max(v - limit, zero) for v in step)
    path = aligned.tree.descend(zero, over, np.add)[aligned.node] + objects(arb.max(v - limit, zero) for v in ending)
    for name, law in (("p+", None), ("p", law_of(found, list(aligned.prior)))):
        both = clamped(numbers, law)
        shift = mean_reward(both.computed) - mean_reward(both.truth)
        prob = numbers.prob if law is None else law.prob
        yield Finding(f"E R under {name} off by the mean excess", shift - (prob * path).sum(), clause="excess")
        if law is None:
            steps = len(aligned.tree) - 1 + len(aligned)
            slack = (-limit - 1).exp() * steps - shift
            yield Finding("on strings of p+ within e^-26 per token", slack, "nonnegative", clause="own-strings")


def _clamped_harmless(found: FiniteModel) -> Iterator[Finding]:
    return same_means(clamped(found.numbers, law_of(found, list(found.aligned.prior))), "strings of p")


def _far(_: Profile) -> list[Case]:
    return [case("p = (1, 1), R = (0, -40)", far_apart())]


CLAIM = Claim(
    id="audit.clamped-nll",
    sentence="",
    clauses=(
        Clause(
            name="own-strings",
            text="a clamp of 25 nats per token on p+ alone changes little on strings of p+: it raises E R by at most "
            "e^-26 for "
            "every token of the tree",
            formula=r"\mathbb E_{p_+}R'-\mathbb E_{p_+}R\le e^{-26}\cdot\#\{\text{tokens of the tree}\}",
            formal=(
                "audit_clamped_nll_shift",
                "audit_clamped_nll_bound",
            ),
        ),
        Clause(
            name="excess",
            text="on strings of p+ and of p it raises E R by the mean of sum_t (-log p+(y_t | y_<t) - 25)^+",
            formula=r"\mathbb E_q R'-\mathbb E_q R=\mathbb E_q\sum_t(-\log p_+(y_t|y_{<t})-25)^+",
            formal=("audit_clamped_nll_shift",),
        ),
    ),
    hypotheses=(
        "the public code at commit ccec1ac, as read, clamps the tokens' surprisals under p+, not those under p",
    ),
    source=f"{READ}: compute_nll 323-327",
    check=_clamped,
    cases=lambda profile: [*_far(profile), *small(profile)],
    controls=(harmless("both means on strings of the prior", _clamped_harmless, _far, smallest=False),),
    remark=(
        "By itself it shifts E R on strings of p+ by at most e^-26 per token of the vocabulary and step, below 2e-7 "
        "nats a "
        "step for 32,000 tokens. On strings of another law it caps the surprisal under p+; reading the code does not "
        "show how often that happened."
    ),
    order=9050,
    sketch=r"""
The clamp takes $(-\log p_+-25)^+$ off each token. Under $p_+$ a token beyond it by $x$ contributes at most
$x\,e^{-25-x}\le e^{-26}$, a step of $V$ tokens at most $V$ times as much.
""",
)
