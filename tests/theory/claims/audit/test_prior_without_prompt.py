"""audit.prior-without-prompt: the shift, by drawing."""

from __future__ import annotations

import numpy as np

from theory.arithmetic.exact import precision
from theory.claims.audit.prior_without_prompt import CLAIM
from theory.claims.claim import Profile


def test_prompts_by_drawing() -> None:
    """A million pairs (x, y): the mean of log p(y | x) / p(y) is within six standard errors of the exact shift."""
    content = next(iter(CLAIM.cases(Profile("quick")))).content
    rng = np.random.default_rng(1)
    prior = np.array([[float(p.p) / float(p.q) for p in row] for row in content.prior])
    prompt = rng.integers(0, 2, 1_000_000)
    answer = (rng.random(1_000_000) > prior[prompt, 0]).astype(int)
    pointwise = np.log(prior[prompt, answer] / prior.mean(axis=0)[answer])
    with precision():
        both = content.departure()
        exact = float((both.computed.prob * both.computed.reward).sum())
    assert abs(pointwise.mean() - exact) < 6 * pointwise.std() / 1000
