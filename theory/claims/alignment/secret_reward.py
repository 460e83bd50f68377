"""alignment.secret-reward: log p+/p recovers the reward up to a constant, and its mean under p+ is never negative."""

from __future__ import annotations

from collections.abc import Iterator

from flint import arb, fmpq

from theory.alignment.gibbs import align, secret_reward
from theory.arithmetic.exact import Exact, objects
from theory.claims.claim import Claim, Clause, Control, Finding, Relation, of
from theory.claims.instances import integer_cases, usual
from theory.language_models.rewards import Reward
from theory.language_models.tree import TreeModel
from theory.models.finite import FiniteModel


def _shifted(found: FiniteModel, constant: fmpq) -> FiniteModel:
    """The same model with R + c in place of R."""
    aligned = found.aligned
    mass = objects([fmpq(0)] * len(aligned.tree))
    mass[aligned.node] = aligned.prior
    prior = TreeModel.from_masses(aligned.tree, mass)
    return FiniteModel.of(align(prior, [r + Reward(exponent=constant) for r in aligned.reward], aligned.separator))


def _audit(found: FiniteModel) -> Exact:
    """E_{p+}[log p+ / p]."""
    return (found.numbers.prob * secret_reward(found.numbers.prob, found.aligned.prior)).sum()


def _secret(found: FiniteModel) -> Iterator[Finding]:
    secret = secret_reward(found.numbers.prob, found.aligned.prior)
    worst = max(
        (s - r + found.numbers.log_partition for s, r in zip(secret, found.numbers.reward, strict=True)), key=_size
    )
    yield Finding("log p+/p - R + log Z, the worst string", worst, clause="recovers")
    relation: Relation = "zero" if found.is_prior else "positive"
    yield Finding(f"E_p+ log p+/p is {relation}", _audit(found), relation, clause="sign")
    yield from of("shift", _shift(found, fmpq(3, 2)))


def _shift(found: FiniteModel, constant: fmpq) -> Iterator[Finding]:
    moved = _shifted(found, constant)
    gap = max((abs(a - b) for a, b in zip(moved.numbers.prob, found.numbers.prob, strict=True)), key=_size)
    yield Finding(f"p+ under R + {constant}, the worst string", gap)
    for name in ("mean_log_prior", "entropy", "var_log_prior", "var_reward", "cov", "var_surprisal"):
        yield Finding(f"{name} under R + {constant}", getattr(moved.mean, name) - getattr(found.mean, name))
    gains = (
        ("E R", moved.mean.mean_reward - found.mean.mean_reward),
        ("log Z", moved.numbers.log_partition - found.numbers.log_partition),
    )
    yield from (Finding(f"{name} under R + {constant}, less {constant}", gain - constant) for name, gain in gains)


def _size(value: arb) -> float:
    return float(value.abs_upper())


def _flipped(found: FiniteModel) -> Iterator[Finding]:
    yield Finding("E_{p+}[log p/p+] >= 0", -_audit(found), "nonnegative")


def _under_prior(found: FiniteModel) -> Iterator[Finding]:
    prior = found.aligned.prior / found.aligned.prior.sum()
    secret = secret_reward(found.numbers.prob, found.aligned.prior)
    yield Finding("E_p[log p+/p] >= 0", (prior * secret).sum(), "nonnegative")


CLAIM = Claim(
    id="alignment.secret-reward",
    sentence="",
    clauses=(
        Clause(
            name="recovers",
            text="beta log(p+/p) is the reward less the constant beta log Z, on every string of positive p+",
            formula=r"\beta\log\frac{p_+(y)}{p(y)}=r(y)-\beta\log Z",
            formal=("alignment_secret_reward_identity",),
        ),
        Clause(
            name="sign",
            text="the mean of log(p+/p) under p+ is KL(p+ || p): positive, unless the reward is constant, where it is 0",
            formula=r"\mathbb{E}_{p_+}\log\frac{p_+}{p}=\mathrm{KL}(p_+\|p)\ge 0",
            formal=(
                "alignment_secret_reward_audit",
                "alignment_secret_reward_sign",
            ),
        ),
        Clause(
            name="shift",
            text="a constant added to R leaves p+, its entropy and all means, variances and covariances of L and R "
            "alone, but for E R and log Z, which grow by it",
            formal=(
                "alignment_secret_reward_shift",
                "alignment_secret_reward_shifted",
            ),
        ),
    ),
    hypotheses=("p+ is the Gibbs law of p and r on finitely many strings",),
    source="Rafailov et al. (2023), arXiv:2305.18290; Jensen's inequality",
    check=_secret,
    cases=usual,
    everywhere=True,
    controls=(
        Control("flipped-sign", "takes log p/p+ for the secret reward", _flipped, integer_cases, smallest=True),
        Control("wrong-law", "audits the sign under p instead of p+", _under_prior, integer_cases, smallest=True),
    ),
    remark="A reward recovered from two models that has a negative mean under the aligned one has the wrong sign.",
    order=1020,
    sketch=r"""
Solve $p_+=p\,e^{r/\beta}/Z$ for $r$. The mean of $\log(p_+/p)$ under $p_+$ is a divergence, which is never negative;
a computed value below 0 points to a mistake, such as a reversed sign. A constant added to $r$ changes $\beta\log Z$
by as much and $p_+$ not at all.
""",
)
