"""audit.prior-without-prompt: a prior scored without the prompt adds log p(y | x) / p(y) to the secret reward."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from flint import arb, fmpq

from theory.arithmetic.exact import objects
from theory.claims.audit.models import READ, harmless, same_means
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile
from theory.probability.information import entropy, kl_divergence
from theory.reference_code import (
    Departure,
    correlation,
    mean_reward,
    without_prompt,
)


@dataclass(frozen=True, slots=True)
class Prompted:
    """P(x), p(y | x) and p+(y | x), rationals."""

    share: tuple[fmpq, ...]
    prior: tuple[tuple[fmpq, ...], ...]
    aligned: tuple[tuple[fmpq, ...], ...]

    def departure(self) -> Departure:
        """What scoring without the prompt does."""
        return without_prompt(self.share, self.prior, self.aligned)


def _law(weights: Sequence[int]) -> tuple[fmpq, ...]:
    return tuple(fmpq(w, sum(weights)) for w in weights)


def unrewarded(*rows: Sequence[int]) -> Prompted:
    """Equally likely prompts with p(y | x) proportional to the rows, and p+ = p: the reward is 0 everywhere."""
    laws = tuple(map(_law, rows))
    return Prompted(_law([1] * len(rows)), laws, laws)


def _prompted(profile: Profile) -> Iterator[Case]:
    """Two named models without a reward, and random ones with one."""
    yield Case("prompts (2, 1)/3 and (1, 3)/4, no reward", unrewarded((2, 1), (1, 3)))
    yield Case("prompts (3, 1)/4 and (1, 3)/4, no reward", unrewarded((3, 1), (1, 3)))
    rng = np.random.default_rng(profile.seed)
    for k in range(20 if profile.full else 5):
        rows, answers = int(rng.integers(2, 4)), int(rng.integers(2, 5))
        share, *laws = ([int(w) for w in rng.integers(1, 9, size)] for size in [rows, *[answers] * (2 * rows)])
        prior, aligned = tuple(map(_law, laws[:rows])), tuple(map(_law, laws[rows:]))
        yield Case(f"random prompts {k + 1}", Prompted(_law(share), prior, aligned))


def _two_prompts(_: Profile) -> Iterator[Case]:
    """Two equally likely prompts with two or three answers, no reward, by the sum of the weights."""
    for total in range(4, 11):
        for answers in (2, 3):
            for weights in itertools.product(range(1, total), repeat=2 * answers):
                if sum(weights) == total:
                    first, second = weights[:answers], weights[answers:]
                    yield Case(f"p(y | a) = {first}, p(y | b) = {second}, no reward", unrewarded(first, second))


def _without_prompt(content: Prompted) -> Iterator[Finding]:
    """R gains KL(p+(. | x) || p(.)) - KL(p+(. | x) || p(. | x)) on average; without a reward, I(X; Y)."""
    both = content.departure()
    marginal = objects(
        sum((w * row[y] for w, row in zip(content.share, content.prior, strict=True)), start=fmpq(0))
        for y in range(len(content.prior[0]))
    )
    expected = arb(0)
    for w, own, prior in zip(content.share, content.aligned, content.prior, strict=True):
        mass = objects(own)
        expected += w * (kl_divergence(mass, marginal) - kl_divergence(mass, objects(prior)))
    shift = mean_reward(both.computed) - mean_reward(both.truth)
    yield Finding("E R off by the mean of the divergences", shift - expected, clause="shift")
    for part in ("L + R computed", "L + R"):
        law = both.computed if part.endswith("computed") else both.truth
        line = (objects(map(arb, law.prob)) * (law.log_prior + law.reward)).sum()
        own_line = sum(
            (w * -entropy(objects(own)) for w, own in zip(content.share, content.aligned, strict=True)), start=arb(0)
        )
        yield Finding(f"E({part}) = -H(Y | X)", line - own_line, clause="line")
    if content.prior == content.aligned:
        conditional = sum(
            (w * entropy(objects(row)) for w, row in zip(content.share, content.prior, strict=True)), start=arb(0)
        )
        gap = mean_reward(both.computed) - entropy(marginal) + conditional
        yield Finding("no reward: E R computed = H(Y) - H(Y | X)", gap, clause="information")
        yield Finding("no reward: E R", mean_reward(both.truth), clause="information")


def _without_prompt_harmless(content: Prompted) -> Iterator[Finding]:
    return same_means(content.departure(), "no prompt")


def _no_sign_from_nothing(content: Prompted) -> Iterator[Finding]:
    found = correlation(content.departure().computed)
    if found is not None:
        yield Finding("Corr computed, where the reward is 0", found)


CLAIM = Claim(
    id="audit.prior-without-prompt",
    sentence="",
    clauses=(
        Clause(
            name="shift",
            text="a prior scored without the prompt adds log p(y | x)/p(y) to the secret reward: E R is off by "
            "E_x[KL(p+(. | x) || p) - KL(p+(. | x) || p(. | x))]",
            formula=r"\mathbb E R'-\mathbb E R="
            r"\mathbb E_x\big[\mathrm{KL}(p_+(\cdot|x)\|p)-\mathrm{KL}(p_+(\cdot|x)\|p(\cdot|x))\big]",
            formal=("audit_prior_without_prompt_shift",),
        ),
        Clause(
            name="information",
            text="where there is no reward, p+ = p, the mean that is computed is the mutual information of prompt and "
            "answer",
            formula=r"p_+=p:\quad\mathbb E R'=I(X;Y)",
            formal=("audit_prior_without_prompt_information",),
        ),
        Clause(
            name="line",
            text="the mean of L + R is right, -H(Y | X), so that the line does not show the difference",
            formula=r"\mathbb E(L'+R')=-H(Y\mid X)",
            formal=("audit_prior_without_prompt_line",),
        ),
    ),
    hypotheses=(
        "the public code at commit ccec1ac, as read, scores the answer alone under the prior, and the secret reward is "
        "log p+ - L",
        "without a prompt the prior is the mean of p(. | x) over prompts",
    ),
    source=f"{READ}: the prior's NLL is of the answer alone",
    check=_without_prompt,
    cases=_prompted,
    controls=(
        harmless("both means", _without_prompt_harmless, _two_prompts, smallest=False),
        Control(
            "no-sign-from-nothing",
            "says that L and R do not correlate where the reward is 0",
            _no_sign_from_nothing,
            _two_prompts,
        ),
    ),
    remark=(
        "By itself it gives a secret reward, and a correlation with likelihood of either sign, where there is no "
        "reward "
        "at all. The sum of L and the secret reward is still right, so the mistake does not show on the line."
    ),
    order=9030,
    sketch=r"""
$R'-R=\log p(y|x)-\log p(y)$. Its mean under $P(x)p_+(y|x)$ is the difference of two divergences from $p_+$, and for
$p_+=p$ the mutual information, which is $\ge0$.
""",
)
