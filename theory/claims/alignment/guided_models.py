"""What the claims on decoding guided by prefix scores share: small trees, and the proof that values telescope."""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from theory.claims.adaptors.tree_models import SYMBOLIC_PATHS, Paths, decisions_of
from theory.claims.claim import Case
from theory.claims.instances import case
from theory.claims.symbolic import cancels
from theory.claims.tree_search import tree

FORK = ((), ((), ()))
"""[. [. .]]: one string of one token, and two that share their first."""


def fork(prior: Sequence[int], exp_reward: Sequence[int]) -> Case:
    """The tree [. [. .]] with p and e^R proportional to these weights."""
    return case(f"[. [. .]]: p = {tuple(prior)}, e^R = {tuple(exp_reward)}", tree(FORK, prior, exp_reward))


def telescoping_proof() -> list[str]:
    """p(t | u) V(u t), normalised at every prefix, multiplies to p e^R / Z: p and e^R of every string are symbols."""
    lines = []
    for paths in SYMBOLIC_PATHS:
        prior, exp_reward = (sp.symbols(f"{name}1:{len(paths) + 1}", positive=True) for name in "px")
        weight = [p * x for p, x in zip(prior, exp_reward, strict=True)]
        total = sp.Add(*weight)
        for path, own in zip(paths, weight, strict=True):
            law = sp.Integer(1)
            for k, token in enumerate((*path, "$")):
                steps = {t: _guided_step(paths, path[:k], t, prior, weight) for t in decisions_of(paths)[path[:k]]}
                law *= steps[token] / sp.Add(*steps.values())
            what = f"the value-guided probability of string {path or 'end'} of {len(paths)} is p e^R / Z"
            lines.append(cancels(law - own / total, what))
    return lines


def _guided_step(
    paths: Paths, prefix: tuple[str, ...], token: str, prior: Sequence[sp.Expr], weight: Sequence[sp.Expr]
) -> sp.Expr:
    """p(t | u) V(u t) from sums over the strings that begin with u and with u t."""

    def total(values: Sequence[sp.Expr], begin: tuple[str, ...]) -> sp.Expr:
        return sp.Add(*(v for v, y in zip(values, paths, strict=True) if (*y, "$")[: len(begin)] == begin))

    begin = (*prefix, token)
    return total(prior, begin) / total(prior, prefix) * total(weight, begin) / total(prior, begin)
