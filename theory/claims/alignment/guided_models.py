"""What the claims on decoding guided by prefix scores share: small trees, and the proof that values telescope."""

from __future__ import annotations

from collections.abc import Sequence

from theory.claims.claim import Case
from theory.claims.instances import case
from theory.claims.tree_search import tree

FORK = ((), ((), ()))
"""[. [. .]]: one string of one token, and two that share their first."""


def fork(prior: Sequence[int], exp_reward: Sequence[int]) -> Case:
    """The tree [. [. .]] with p and e^R proportional to these weights."""
    return case(f"[. [. .]]: p = {tuple(prior)}, e^R = {tuple(exp_reward)}", tree(FORK, prior, exp_reward))
