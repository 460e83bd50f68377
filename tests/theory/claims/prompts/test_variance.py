"""prompts.variance: every sequence of pairs (x, y)."""

from __future__ import annotations

import itertools

from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from tests.theory.claims.prompts.conditional import conditional_models
from theory.alignment.gibbs import Aligned
from theory.corpora.mixtures import prompts


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
