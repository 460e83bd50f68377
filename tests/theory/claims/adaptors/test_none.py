"""adaptors.none: covariances over pairs, C1 and C3 by hand, edited formulas."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction

import pytest
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import rationals, weights
from tests.theory.claims.adaptors.rationals import covariance, parts, share
from tests.theory.claims.edits import (
    Edit,
    failures,
    ln,
    model,
    moment,
    negated,
    numbers,
    one_nudged,
    rational,
    rotated,
    turns_red,
)
from theory.adaptors.exact import chain
from theory.claims.adaptors import none
from theory.claims.adaptors.none import CLAIM, Trial
from theory.claims.claim import Profile
from theory.claims.instances import named
from theory.examples.finite import table
from theory.models.finite import FiniteModel


@given(
    weights(2, 5), weights(5, 5), st.lists(st.integers(0, 9), min_size=5, max_size=5), rationals(), st.integers(1, 5)
)
def test_none(prior: list[int], factors: list[int], chosen: list[int], tau: fmpq, count: int) -> None:
    """Where p and e^R rise together: Cov_q(L, I), Cov_q(R, I) <= 0 for every q, so that no temperature and no top-k
    moves E L and E R apart. C1: E_q R = E_q L + log 7 for every q.
    """
    n = len(prior)
    aligned = table(sorted(prior), sorted(factors[:n]))
    p, x, _, own = parts(aligned)
    log_prior, reward, surprisal = [ln(v) for v in p], [ln(v) for v in x], [-ln(v) for v in own]
    q = share(chosen, n)
    twice = [arb(0), arb(0)]
    for (m, i, l, r), (m_, i_, l_, r_) in itertools.product(
        zip(q, surprisal, log_prior, reward, strict=True), repeat=2
    ):
        twice[0] += (l - l_) * (i - i_) * rational(m * m_)
        twice[1] += (r - r_) * (i - i_) * rational(m * m_)
    for values, double in ((log_prior, twice[0]), (reward, twice[1])):
        assert (covariance(q, values, surprisal) * 2 - double).contains(0)
        assert not double > 0
    found = FiniteModel.of(aligned)
    before = found.mean
    for steps in (chain(("temperature", tau)), chain(("top_k", count))):
        for normalise in ("local", "global"):
            after = found.moments(found.law(steps, normalise))
            moves = after.mean_log_prior - before.mean_log_prior, after.mean_reward - before.mean_reward
            assert not moves[0] * moves[1] < 0
    exponents = chosen[:3]
    c_1 = [Fraction(k, 7) for k in (1, 2, 4)]
    left = math.prod(Fraction(v) ** k for v, k in zip((1, 2, 4), exponents, strict=True))
    assert left == 7 ** sum(exponents) * math.prod(v**k for v, k in zip(c_1, exponents, strict=True))


def test_c1_lies_on_one_line() -> None:
    """C1: e^R = 7 p, so E_q R = E_q L + log 7 whatever an adaptor does."""
    found: FiniteModel = named("C1")[0].content
    for name, value in (
        ("temperature", "1/2"),
        ("temperature", 3),
        ("top_k", 1),
        ("nucleus", "4/5"),
        ("typical", "1/5"),
    ):
        for normalise in ("local", "global"):
            at = found.moments(found.law(chain((name, value)), normalise))
            assert (at.mean_reward - at.mean_log_prior - arb(7).log()).contains(0)


def test_c3_under_every_truncation() -> None:
    """C3: p+ = (1, 4, 12)/17 given any of the six smaller supports moves E L and E R the same way, in float64."""
    q, log_prior, reward = (1, 4, 12), [math.log(k / 7) for k in (1, 2, 4)], [math.log(k) for k in (1, 2, 3)]

    def means(support: Sequence[int]) -> list[float]:
        total = sum(q[y] for y in support)
        return [sum(q[y] * values[y] for y in support) / total for values in (log_prior, reward)]

    whole = means(range(3))
    for size in (1, 2):
        for support in itertools.combinations(range(3), size):
            at = means(support)
            assert (at[0] - whole[0]) * (at[1] - whole[1]) > 1e-4


def test_c3_under_top_2_and_then_heat() -> None:
    """C3: top-2 and then T = 2 make (0, 1, sqrt 3)/(1 + sqrt 3), which lowers E L and raises E R; so does (0, 3, 5)/8.

    (0, 3, 5)/8 keeps the order of p+, and is what T = log 3/log(5/3) makes of the top two.
    """
    log_prior, reward = [math.log(k / 7) for k in (1, 2, 4)], [math.log(k) for k in (1, 2, 3)]

    def means(weights: Sequence[float]) -> tuple[float, float]:
        total = sum(weights)
        e_l, e_r = (sum(w * v for w, v in zip(weights, f, strict=True)) / total for f in (log_prior, reward))
        return e_l, e_r

    before, heated, ordered = means((1, 4, 12)), means((0, 1, math.sqrt(3))), means((0, 3, 5))
    assert (heated[0] - before[0], heated[1] - before[1]) == pytest.approx((-0.0090693, 0.0116173), abs=5e-8)
    assert (ordered[0] - before[0], ordered[1] - before[1]) == pytest.approx((-0.0152900, 0.0079784), abs=5e-8)
    case = next(c for c in CLAIM.cases(Profile("quick")) if c.name == "C3, top-2 then T = 2")
    found = [float(finding.value) for finding in CLAIM.check(case.content)]
    assert found == pytest.approx([before[0] - heated[0], heated[1] - before[1]], rel=1e-12)


@given(weights(2, 5), weights(5, 5))
def test_comonotone_models(prior: list[int], factors: list[int]) -> None:
    """With p and e^R in one order, cooling and keeping {I <= c} raise each mean that is not constant."""
    found = FiniteModel.of(table(sorted(prior), sorted(factors[: len(prior)])))
    assert failures(CLAIM.check(Trial(found, none._comonotone))) == []


EDITS: dict[str, tuple[str, Edit]] = {
    "R": ("C3", numbers("reward", negated)),
    "L": ("C3", numbers("log_prior", rotated)),
    "E R": ("C3", moment("mean_reward", negated)),
    "E L": ("C3", moment("mean_log_prior", lambda e: e / 2)),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_formula_turns_red(edit: str) -> None:
    """The claim holds on the model, and certainly fails once a sign or a digit of one number is changed."""
    name, change = EDITS[edit]
    turns_red(CLAIM, Trial(model(name), none._alone), change)


@pytest.mark.parametrize("edit", ["L", "Cov"])
def test_an_edited_order_turns_red(edit: str) -> None:
    """C3 with its L turned round, or its covariance: the sum over pairs is no longer Cov(R, I)."""
    change = {"L": numbers("log_prior", rotated), "Cov": moment("cov", negated)}[edit]
    turns_red(CLAIM, Trial(model("C3"), none._comonotone), change)


@pytest.mark.parametrize("name", ["reward", "log_prior"])
def test_an_edited_line_turns_red(name: str) -> None:
    """C1 with one L or R off by 1e-25: E R = E L + log 7 certainly fails."""
    turns_red(CLAIM, Trial(model("C1"), none._every_law), numbers(name, one_nudged))
