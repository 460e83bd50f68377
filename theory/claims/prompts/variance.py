"""prompts.variance: where the two averages of a corpus of random prompts sum to, and how far from there they stray."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import sympy as sp
from flint import arb, fmpq

from theory.arithmetic.exact import Exact
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile, Proof, of
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


@dataclass(frozen=True, slots=True)
class _Line:
    """L + R = log w(x, y) with weights w = p(y | x) e^R, and what the laws q = w/Z(x) make of it; logs are symbols.

    Args:
        weight: P(x).
        prob: P(x) q(y | x).
        line: L + R of each pair.
        centre: log Z(x) - H(x), H from q alone.
        varentropy: Var_q(-log q) given x.
    """

    weight: Sequence[sp.Expr]
    prob: list[sp.Expr]
    line: list[sp.Expr]
    centre: list[sp.Expr]
    varentropy: list[sp.Expr]


def _symbolic_line(shape: Sequence[int]) -> _Line:
    weight = simplex(len(shape), "P")
    raw = [sp.symbols(f"w{x}_0:{n}", positive=True) for x, n in enumerate(shape)]
    total = [sp.Add(*row) for row in raw]
    symbols = {sp.log(w): sp.Symbol(f"l_{w}") for row in raw for w in row}
    symbols |= {sp.log(z): sp.Symbol(f"z{x}") for x, z in enumerate(total) if sp.log(z) not in symbols}

    def log(value: sp.Expr) -> sp.Expr:
        return sp.expand_log(sp.log(value)).subs(symbols)

    laws = [[w / z for w in row] for row, z in zip(raw, total, strict=True)]
    surprisal = [[-log(q) for q in law] for law in laws]
    return _Line(
        weight,
        [p * q for p, law in zip(weight, laws, strict=True) for q in law],
        [log(w) for row in raw for w in row],
        [log(z) - mean(q, i) for z, q, i in zip(total, laws, surprisal, strict=True)],
        [covariance(q, i, i) for q, i in zip(laws, surprisal, strict=True)],
    )


def _mean_proof() -> list[str]:
    lines = []
    for shape in SHAPES:
        known = _symbolic_line(shape)
        gap = mean(known.prob, known.line) - mean(known.weight, known.centre)
        lines.append(cancels(gap, f"E(L + R) = E_x[log Z(x) - H(x)]; answers per prompt {shape}"))
    return lines


def _variance_proof() -> list[str]:
    lines = []
    for shape in SHAPES:
        known = _symbolic_line(shape)
        between = covariance(known.weight, known.centre, known.centre)
        gap = covariance(known.prob, known.line, known.line) - mean(known.weight, known.varentropy) - between
        what = f"Var(L + R) = E V(x) + Var_x(log Z(x) - H(x)); answers per prompt {shape}"
        lines.append(cancels(gap, what))
    return [*lines, _corpus_variance()]


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
            name="mean",
            text="with a prompt drawn for every string the two averages of a corpus sum, in the mean, to the mean over "
            "prompts of log Z(x) - H(x)",
            formula=r"\mathbb E(\bar L+\bar R)=\mathbb E_x[\log Z(x)-H(x)]",
            proof=Proof("2 or 3 prompts of 1 or 2 answers", _mean_proof),
            formal=("prompts_variance_centre",),
        ),
        Clause(
            name="variance",
            text="N times the variance of that sum is the mean varentropy given the prompt plus the variance over prompts of "
            "log Z(x) - H(x)",
            formula=r"\operatorname{Var}(\bar L+\bar R)=\tfrac1N\big(\mathbb E_xV(x)+\operatorname{Var}_x(\log Z(x)-H(x))\big)",
            proof=Proof("N any, 2 or 3 prompts of 1 or 2 answers", _variance_proof),
            formal=("prompts_variance_split",),
        ),
        Clause(
            name="chebyshev",
            text="the sum misses the mean over prompts of log Z(x) - H(x) by eps or more with probability at most its "
            "variance over eps^2",
            cited="Feller, An Introduction to Probability Theory and Its Applications, volume 1 (1968), section IX.6",
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
