"""alignment.secret-reward: divergences without a ratio of laws, the sign of C4, edited formulas."""

from __future__ import annotations

import math

import pytest
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import rationals, weights
from tests.theory.claims.edits import Edit, model, moment, negated, nudged, numbers, one_nudged, rotated, turns_red
from theory.alignment.gibbs import align, secret_reward
from theory.arithmetic.exact import objects
from theory.claims.alignment.secret_reward import CLAIM
from theory.claims.instances import named
from theory.language_models.rewards import reward_over_beta
from theory.language_models.tree import TreeModel
from theory.models.finite import FiniteModel


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


def test_wrong_sign_of_the_audit_is_negative() -> None:
    """C4: log p/p+ has the mean -KL(p+||p) < 0 under p+: p+ = (2, 1, 2)/5 and p = (8, 4, 1)/13 in float64."""
    own, prior = [0.4, 0.2, 0.4], [8 / 13, 4 / 13, 1 / 13]
    expected = sum(a * math.log(a / b) for a, b in zip(own, prior, strict=True))
    secret = secret_reward(named("C4")[0].content.numbers.prob, named("C4")[0].content.aligned.prior)
    mean = sum(a * float(s) for a, s in zip(own, secret, strict=True))
    assert mean == pytest.approx(expected, rel=1e-14)
    assert mean > 0.4


EDITS: dict[str, Edit] = {
    "R": numbers("reward", negated),
    "one R": numbers("reward", one_nudged),
    "log Z": numbers("log_partition", nudged),
    "p+": numbers("prob", rotated),
    "E L": moment("mean_log_prior", nudged),
    "E R": moment("mean_reward", nudged),
    "H": moment("entropy", nudged),
    "Cov": moment("cov", negated),
    "Var L": moment("var_log_prior", nudged),
    "Var R": moment("var_reward", nudged),
    "V": moment("var_surprisal", nudged),
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("name", ["C3", "C4", "C5"])
def test_an_edited_formula_turns_red(edit: str, name: str) -> None:
    """The claim holds on the model, and certainly fails once a sign or one digit of one number is changed."""
    turns_red(CLAIM, model(name), EDITS[edit])
