"""prompts.variance: where the two averages of a corpus of random prompts sum to, and how far from there they stray."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from flint import arb, fmpq

from theory.arithmetic.exact import Exact
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile, of
from theory.claims.instances import case
from theory.claims.prompts.models import prompt_trees, smallest_prompts
from theory.corpora.mixtures import Joint, Prompts, prompt_tree, prompts
from theory.models.finite import FiniteModel
from theory.probability.concentration import chebyshev


def _line_variance(joint: Joint) -> Exact:
    """Var(L + R)."""
    return sum(joint.covariance().entries(), start=joint.covariance().cov)


def _variance(found: FiniteModel) -> Iterator[Finding]:
    model = prompts(found.aligned)
    string = model.mixture.pooled()
    gap = _line_variance(string) - model.string_variance()
    yield Finding("E(L + R) = E_x[log Z(x) - H(x)]", sum(string.mean()) - model.centre(), clause="mean")
    yield Finding("Var(L + R) = E V(x) + Var_x(log Z(x) - H(x))", gap, clause="variance")
    for size in (2, 3) if len(string) <= 6 else (2,):
        corpora = string.corpus_means(size)
        yield Finding(f"E(Lbar + Rbar), N = {size}", sum(corpora.mean()) - model.centre(), clause="mean")
        gap = _line_variance(corpora) * size - model.string_variance()
        yield Finding(f"Var(Lbar + Rbar) times N, N = {size}", gap, clause="variance")
        yield from of("chebyshev", _tails(model, corpora, size))


def _tails(model: Prompts, corpora: Joint, size: int) -> Iterator[Finding]:
    """P(|Lbar + Rbar - centre| >= eps) <= variance / (N eps^2), by enumeration."""
    distance = [abs(gap) for gap in corpora.log_prior + corpora.reward - model.centre()]
    for epsilon in (fmpq(1, 3), fmpq(3, 5), fmpq(1)):
        tail = sum((p for p, gap in zip(corpora.prob, distance, strict=True) if not gap < epsilon), start=arb(0))
        if model.string_variance().contains(0):
            yield Finding(f"variance 0: P(|Lbar + Rbar - centre| >= {epsilon}) = 0, N = {size}", tail)
        else:
            bound = chebyshev(model.string_variance(), size, epsilon)
            yield Finding(
                f"P(|Lbar + Rbar - centre| >= {epsilon}) <= Chebyshev, N = {size}", bound - tail, "nonnegative"
            )


def _within_only(found: FiniteModel) -> Iterator[Finding]:
    model = prompts(found.aligned)
    mean_varentropy = (model.mixture.weight * model.varentropy).sum()
    yield Finding("Var(L + R) = E V(x)", _line_variance(model.mixture.pooled()) - mean_varentropy)


def _mean_partition(found: FiniteModel) -> Iterator[Finding]:
    model = prompts(found.aligned)
    weight = model.mixture.weight
    together = (weight * np.exp(model.log_partition)).sum().log() - (weight * model.entropy).sum()
    yield Finding("E(L + R) = log E_x Z(x) - E_x H(x)", sum(model.mixture.pooled().mean()) - together)


def _one_prompt_per_corpus(found: FiniteModel) -> Iterator[Finding]:
    model = prompts(found.aligned)
    corpora = model.mixture.corpora(2).pooled()
    yield Finding("Var(Lbar + Rbar) times N, N = 2", _line_variance(corpora) * 2 - model.string_variance())


def _variance_cases(profile: Profile) -> list[Case]:
    level = prompt_tree([[1, 2], [1, 2]], [[2, 1], [2, 1]])
    return [*prompt_trees(profile), case("Var(L + R) = 0: p+ uniform, one Z", level)]


SHAPES = ((1, 2), (2, 2), (2, 1, 1))
"""Answers per prompt of the symbolic models."""


CLAIM = Claim(
    id="prompts.variance",
    sentence="B",
    clauses=(
        Clause(
            name="mean",
            text="with a prompt drawn for every string the two averages of a corpus sum, in the mean, to the mean over "
            "prompts of log Z(x) - H(x)",
            formula=r"\mathbb E(\bar L+\bar R)=\mathbb E_x[\log Z(x)-H(x)]",
            formal=("prompts_variance_centre",),
        ),
        Clause(
            name="variance",
            text="N times the variance of that sum is the mean varentropy given the prompt plus the variance over prompts of "
            "log Z(x) - H(x)",
            formula=r"\operatorname{Var}(\bar L+\bar R)=\tfrac1N\big(\mathbb E_xV(x)+\operatorname{Var}_x(\log Z(x)-H(x))\big)",
            formal=("prompts_variance_split",),
        ),
        Clause(
            name="chebyshev",
            text="the sum misses the mean over prompts of log Z(x) - H(x) by eps or more with probability at most its "
            "variance over eps^2",
            formal=("prompts_variance_chebyshev",),
        ),
    ),
    hypotheses=(
        "N independent pairs (x, y): every string draws its own prompt",
        "L = log p(y | x) and y is from p+(. | x)",
        "E V(x) and Var_x(log Z(x) - H(x)) are finite",
    ),
    source="law of total variance; Chebyshev's inequality",
    check=_variance,
    cases=_variance_cases,
    controls=(
        Control(
            "within-only",
            "drops the variance of log Z(x) - H(x) over prompts",
            _within_only,
            lambda _: smallest_prompts(2, 8),
            smallest=True,
        ),
        Control(
            "mean-partition",
            "puts log E_x Z(x) in the place of E_x log Z(x)",
            _mean_partition,
            lambda _: smallest_prompts(2, 8),
            smallest=True,
        ),
        Control(
            "one-prompt-per-corpus",
            "lets every corpus, not every string, draw its prompt: the variance over prompts is then not divided by N",
            _one_prompt_per_corpus,
            lambda _: smallest_prompts(2, 8),
            smallest=True,
        ),
    ),
    remark="At fixed prompts only the first part of the variance is left: the sum spreads wider under random prompts unless "
    "log Z(x) - H(x) is the same for all of them.",
    order=7010,
    sketch=r"""
Given $x$, $L+R=\log Z(x)-I$ has mean $\log Z(x)-H(x)$ and variance $V(x)$: total variance, and independence over
strings.
""",
)
