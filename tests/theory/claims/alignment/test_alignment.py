"""alignment.gibbs and alignment.secret-reward: a property each in rationals, figures, and formulas that turn red."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import models, rationals, weights
from theory.alignment.gibbs import Aligned, align, secret_reward
from theory.arithmetic.exact import fraction, objects
from theory.claims.alignment.gibbs import CLAIM as GIBBS
from theory.claims.alignment.secret_reward import CLAIM as SECRET_REWARD
from theory.claims.claim import Claim
from theory.claims.instances import law_of, named
from theory.language_models.rewards import reward_over_beta
from theory.language_models.tree import TreeModel
from theory.models.finite import FiniteModel
from theory.probability.information import kl_divergence

TINY = fmpq(1, 10**25)


def rational(value: Fraction) -> fmpq:
    return fmpq(value.numerator, value.denominator)


def ln(value: Fraction) -> arb:
    return arb(rational(value)).log()


def power_product(bases: list[Fraction], exponents: list[int]) -> Fraction:
    """prod_i bases_i ** exponents_i."""
    return math.prod((b**k for b, k in zip(bases, exponents, strict=True)), start=Fraction(1))


@given(models(), st.lists(st.integers(0, 12), min_size=15, max_size=15))
def test_gibbs(aligned: Aligned, chosen: list[int]) -> None:
    """E_q[R] - KL(q||p) = log Z - KL(q||p+) <= log Z, with equality for q = p+ only.

    For q = k/K with integers k both sides times K are logarithms of rationals, prod (p e^R / q)^k prod (q/p+)^k = Z^K,
    and the inequality is that between weighted means.
    """
    k = chosen[: len(aligned)]
    k[0] += not any(k)
    size = sum(k)
    p, x = [fraction(v) for v in aligned.prior], [fraction(r.factor) for r in aligned.reward]
    z = sum((a * b for a, b in zip(p, x, strict=True)), start=Fraction(0))
    own = [a * b / z for a, b in zip(p, x, strict=True)]
    q = [Fraction(n, size) for n in k]
    objective = power_product([a * b / c if c else Fraction(1) for a, b, c in zip(p, x, q, strict=True)], k)
    gap = power_product([c / a for c, a in zip(q, own, strict=True)], k)
    assert objective * gap == z**size
    assert gap == 1 if q == own else gap > 1
    found = FiniteModel.of(aligned)
    law = law_of(found, [rational(c) for c in q])
    value = (law.prob * found.numbers.reward[law.string]).sum() - kl_divergence(law.prob, aligned.prior[law.string])
    assert (value * size - ln(objective)).contains(0)
    assert (kl_divergence(law.prob, found.numbers.prob[law.string]) * size - ln(gap)).contains(0)
    assert (found.numbers.log_partition - ln(z)).contains(0)


@given(weights(2, 5), st.lists(rationals(-6, 6), min_size=5, max_size=5), rationals(1, 6), rationals(-6, 6))
def test_secret_reward(prior: list[int], values: list[fmpq], beta: fmpq, constant: fmpq) -> None:
    """beta log(p+/p) = r - beta log Z, E_{p+} log(p+/p) = KL(p+||p) >= 0, and r + const changes E R and log Z alone."""
    names = [f"y{k}" for k in range(len(prior))]
    p = [fmpq(w, sum(prior)) for w in prior]
    model = TreeModel.table(names, objects(p))

    def aligned_by(rewards: list[fmpq]) -> FiniteModel:
        return FiniteModel.of(align(model, [reward_over_beta(r, beta) for r in rewards]))

    r = values[: len(p)]
    found, moved = aligned_by(r), aligned_by([v + constant for v in r])
    raw = [arb(a) * arb(v / beta).exp() for a, v in zip(p, r, strict=True)]
    z = sum(raw, start=arb(0))
    secret = secret_reward(found.numbers.prob, found.aligned.prior)
    for s, v in zip(secret, r, strict=True):
        assert (s * beta - v + z.log() * beta).contains(0)
    # E log(p+/p) = d/dlambda log Z(lambda) - log Z, lambda = 1/beta: the divergence without a ratio of laws
    divergence = sum((w * v for w, v in zip(raw, r, strict=True)), start=arb(0)) / (z * beta) - z.log()
    mean = (found.numbers.prob * secret).sum()
    assert (mean - divergence).contains(0)
    assert mean > 0 or len(set(r)) == 1
    for name in ("mean_log_prior", "entropy", "var_log_prior", "var_reward", "cov", "var_surprisal"):
        assert (getattr(moved.mean, name) - getattr(found.mean, name)).contains(0)
    assert (moved.mean.mean_reward - found.mean.mean_reward - constant / beta).contains(0)
    assert (moved.numbers.log_partition - found.numbers.log_partition - constant / beta).contains(0)


def test_objective_of_the_uniform_law() -> None:
    """C1: Z = 3, and the uniform law reaches log(12/7), short of log 3 by KL = log(7/4)."""
    found = named("C1")[0].content
    law = law_of(found, [fmpq(1)] * 3)
    value = (law.prob * found.numbers.reward).sum() - kl_divergence(law.prob, found.aligned.prior)
    assert (value - ln(Fraction(12, 7))).contains(0)
    assert (found.numbers.log_partition - arb(3).log()).contains(0)
    assert (kl_divergence(law.prob, found.numbers.prob) - ln(Fraction(7, 4))).contains(0)


@pytest.mark.parametrize("n", [1, 2, 30])
def test_objective_without_bound(n: int) -> None:
    """p(k) = 2^-k, e^R = 2^k: the uniform law on n strings has prod p e^R n = n^n, so J = log n."""
    assert math.prod(Fraction(2**k, 2**k) * n for k in range(1, n + 1)) == n**n
    (finding,) = GIBBS.check(n)
    assert finding.outcome == "holds"
    assert finding.label == f"J(q_{n}) = log {n}"


def test_wrong_sign_of_the_audit_is_negative() -> None:
    """C4: log p/p+ has the mean -KL(p+||p) < 0 under p+: p+ = (2, 1, 2)/5 and p = (8, 4, 1)/13 in float64."""
    own, prior = [0.4, 0.2, 0.4], [8 / 13, 4 / 13, 1 / 13]
    expected = sum(a * math.log(a / b) for a, b in zip(own, prior, strict=True))
    secret = secret_reward(named("C4")[0].content.numbers.prob, named("C4")[0].content.aligned.prior)
    mean = sum(a * float(s) for a, s in zip(own, secret, strict=True))
    assert mean == pytest.approx(expected, rel=1e-14)
    assert mean > 0.4


# --- formulas that turn red ---------------------------------------------------------------------------------------

Edit = Callable[[FiniteModel], FiniteModel]


def numbers(name: str, change: Callable[[Any], Any]) -> Edit:
    """The instance with one of its arrays changed."""
    return lambda found: replace(found, numbers=replace(found.numbers, **{name: change(getattr(found.numbers, name))}))


def mean(name: str, change: Callable[[Any], Any]) -> Edit:
    """The instance with one of its moments changed."""
    return lambda found: replace(found, mean=replace(found.mean, **{name: change(getattr(found.mean, name))}))


def negated(value: Any) -> Any:
    return -value


def nudged(value: Any) -> Any:
    return value + TINY


def one_nudged(values: Any) -> Any:
    """The last entry alone is changed."""
    return objects([*values[:-1], values[-1] + TINY])


def rotated(values: Any) -> Any:
    """Every string has the number of the next."""
    return objects([*values[1:], values[0]])


EDITS: dict[str, tuple[Claim, Edit]] = {
    "gibbs, R": (GIBBS, numbers("reward", negated)),
    "gibbs, one R": (GIBBS, numbers("reward", one_nudged)),
    "gibbs, log Z": (GIBBS, numbers("log_partition", nudged)),
    "gibbs, -log Z": (GIBBS, numbers("log_partition", negated)),
    "gibbs, p+": (GIBBS, numbers("prob", rotated)),
    "secret, R": (SECRET_REWARD, numbers("reward", negated)),
    "secret, one R": (SECRET_REWARD, numbers("reward", one_nudged)),
    "secret, log Z": (SECRET_REWARD, numbers("log_partition", nudged)),
    "secret, p+": (SECRET_REWARD, numbers("prob", rotated)),
    "secret, E L": (SECRET_REWARD, mean("mean_log_prior", nudged)),
    "secret, E R": (SECRET_REWARD, mean("mean_reward", nudged)),
    "secret, H": (SECRET_REWARD, mean("entropy", nudged)),
    "secret, Cov": (SECRET_REWARD, mean("cov", negated)),
    "secret, Var L": (SECRET_REWARD, mean("var_log_prior", nudged)),
    "secret, Var R": (SECRET_REWARD, mean("var_reward", nudged)),
    "secret, V": (SECRET_REWARD, mean("var_surprisal", nudged)),
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("name", ["C3", "C4", "C5"])
def test_an_edited_formula_turns_red(edit: str, name: str) -> None:
    """The claim holds on the model, and certainly fails once a sign or one digit of one number is changed."""
    claim, change = EDITS[edit]
    found = named(name)[0].content
    assert {finding.outcome for finding in claim.check(found)} == {"holds"}
    assert "fails" in {finding.outcome for finding in claim.check(change(found))}
