"""prompts.variance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import sympy as sp
from flint import arb, fmpq

from theory.arithmetic.exact import Exact
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile, Proof
from theory.claims.instances import case
from theory.claims.prompts.models import prompt_trees, smallest_prompts
from theory.claims.symbolic import cancels, covariance, mean, simplex
from theory.corpora.mixtures import Joint, Prompts, prompt_tree, prompts
from theory.models.finite import FiniteModel
from theory.probability.concentration import chebyshev


def _line_variance(joint: Joint) -> Exact:
    """Var(L + R)."""
    return sum(joint.covariance().entries(), start=joint.covariance().cov)


def _variance(found: FiniteModel) -> Iterator[Finding]:
    model = prompts(found.aligned)
    string = model.mixture.pooled()
    yield Finding("E(L + R) = E_x[log Z(x) - H(x)]", sum(string.mean()) - model.centre())
    yield Finding("Var(L + R) = E V(x) + Var_x(log Z(x) - H(x))", _line_variance(string) - model.string_variance())
    for size in (2, 3) if len(string) <= 6 else (2,):
        corpora = string.corpus_means(size)
        yield Finding(f"Var(Lbar + Rbar) times N, N = {size}", _line_variance(corpora) * size - model.string_variance())
        yield Finding(f"E(Lbar + Rbar), N = {size}", sum(corpora.mean()) - model.centre())
        yield from _tails(model, corpora, size)


def _tails(model: Prompts, corpora: Joint, size: int) -> Iterator[Finding]:
    """P(|Lbar + Rbar - centre| >= eps) <= variance / (N eps^2), by enumeration."""
    if model.string_variance().contains(0):
        return
    distance = [abs(gap) for gap in corpora.log_prior + corpora.reward - model.centre()]
    for epsilon in (fmpq(1, 3), fmpq(3, 5), fmpq(1)):
        tail = sum((p for p, gap in zip(corpora.prob, distance, strict=True) if not gap < epsilon), start=arb(0))
        bound = chebyshev(model.string_variance(), size, epsilon)
        yield Finding(f"P(|Lbar + Rbar - centre| >= {epsilon}) <= Chebyshev, N = {size}", bound - tail, "nonnegative")


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


def _variance_proof() -> list[str]:
    return [_variance_identity(shape) for shape in ((1, 2), (2, 2), (2, 1, 1))] + [_corpus_variance()]


def _variance_identity(shape: Sequence[int]) -> str:
    """S = L + R = log Z(x) - I(x, y): total mean and variance, with symbols for P(x), p+(y | x), log Z(x) and I."""
    weight = simplex(len(shape), "P")
    laws = [simplex(n, f"q{x}_") for x, n in enumerate(shape)]
    level = sp.symbols(f"z0:{len(shape)}", real=True)
    surprisal = [sp.symbols(f"i{x}_0:{n}", real=True) for x, n in enumerate(shape)]
    prob = [p * q for p, law in zip(weight, laws, strict=True) for q in law]
    line = [z - i for z, values in zip(level, surprisal, strict=True) for i in values]
    entropy = [mean(q, i) for q, i in zip(laws, surprisal, strict=True)]
    varentropy = [covariance(q, i, i) for q, i in zip(laws, surprisal, strict=True)]
    centre = [z - h for z, h in zip(level, entropy, strict=True)]
    what = f"E and Var of L + R = E and Var of log Z(x) - H(x), plus E V(x); answers per prompt {tuple(shape)}"
    cancels(mean(prob, line) - mean(weight, centre), what)
    total = covariance(prob, line, line)
    return cancels(total - mean(weight, varentropy) - covariance(weight, centre, centre), what)


def _corpus_variance() -> str:
    """Var of the mean of N independent copies of S = Var(S)/N: E e^{s Sbar} = phi(s/N)^N, N a symbol."""
    s, first, second = sp.symbols("s m1 m2")
    size = sp.Symbol("N", positive=True)
    transform = (1 + s * first / size + s**2 * second / (2 * size**2)) ** size
    slope, curvature = (sp.diff(transform, s, k).subs(s, 0) for k in (1, 2))
    return cancels(curvature - slope**2 - (second - first**2) / size, "Var(Sbar) = Var(S)/N for every N")


CLAIM = Claim(
    id="prompts.variance",
    sentence="B",
    clauses=(
        Clause(
            name="all",
            text="with random prompts the two averages sum to the mean over prompts of log Z(x) - H(x), and spread wider",
            formula=r"\mathbb E(\bar L+\bar R)=\mathbb E_x[\log Z(x)-H(x)],\quad"
            r"\operatorname{Var}(\bar L+\bar R)=\tfrac1N\big(\mathbb E_xV(x)+\operatorname{Var}_x(\log Z(x)-H(x))\big)",
            proof=Proof("n <= 4", _variance_proof),
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
            "log E_x Z(x) in the place of E_x log Z(x)",
            _mean_partition,
            lambda _: smallest_prompts(2, 8),
            smallest=True,
        ),
        Control(
            "one-prompt-per-corpus",
            "every corpus, not every string, draws its prompt: the variance over prompts is not divided by N",
            _one_prompt_per_corpus,
            lambda _: smallest_prompts(2, 8),
            smallest=True,
        ),
    ),
    order=7010,
    sketch=r"""
Given $x$, $L+R=\log Z(x)-I$ has mean $\log Z(x)-H(x)$ and variance $V(x)$: total variance, and independence over
strings.
""",
)
