"""prompts.variance: every sequence of pairs (x, y)."""

from __future__ import annotations

import itertools
import math

import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from tests.theory.claims.prompts.conditional import conditional_models
from theory.alignment.gibbs import Aligned
from theory.corpora.mixtures import prompt_tree, prompts


@given(conditional_models(), st.integers(1, 2))
def test_variance(aligned: Aligned, size: int) -> None:
    """E(Lbar + Rbar) = E_x[log Z - H] and N Var = E V + Var_x(log Z - H), over all sequences of N pairs (x, y)."""
    model = prompts(aligned)
    pairs = [
        (w * p, l + r)
        for w, part in zip(model.mixture.weight, model.mixture.parts, strict=True)
        for p, l, r in zip(part.prob, part.log_prior, part.reward, strict=True)
    ]
    corpora = [(fmpq(1), fmpq(0))]
    for _ in range(size):
        corpora = [(p * q, s + v / size) for (p, s), (q, v) in itertools.product(corpora, pairs)]
    mean = sum(p * s for p, s in corpora)
    assert (mean - model.centre()).contains(0)
    variance = sum(p * (s - mean) * (s - mean) for p, s in corpora)
    assert (variance * size - model.string_variance()).contains(0)


@pytest.mark.parametrize(
    ("rewards", "wider"), [([[2, 1], [2, 1]], False), ([[2, 1], [4, 2]], True)], ids=["one Z", "another Z"]
)
def test_random_prompts_need_not_spread_wider(rewards: list[list[int]], wider: bool) -> None:
    """Two prompts, p = (1, 2)/3 and p+ uniform: Var(L + R) = Var log Z(x), 0 for e^R alike. Old: "spread wider".

    With e^R doubled at one prompt log Z differs by log 2: Var = (log 2)^2/4.
    """
    model = prompts(prompt_tree([[1, 2], [1, 2]], rewards))
    assert sum(float(v) for v in model.varentropy) == pytest.approx(0, abs=1e-30)
    assert float(model.string_variance()) == pytest.approx(math.log(2) ** 2 / 4 if wider else 0, abs=1e-12)
