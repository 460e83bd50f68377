"""audit.censored-strings: strings cut at a length limit and kept as strings."""

from __future__ import annotations

from collections.abc import Iterator

from flint import arb

from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import objects
from theory.claims.audit.models import READ, deep_trees, harmless, mean_line, same_sign, small_trees
from theory.claims.claim import Claim, Clause, Finding
from theory.models.finite import FiniteModel
from theory.probability.information import entropy, kl_divergence
from theory.reference_code import (
    censored,
    depths,
    mean_reward,
)


def _censored(found: FiniteModel) -> Iterator[Finding]:
    """H = H(cut) + E H(rest | cut), and E R falls short by the mean divergence of the rests."""
    aligned, numbers = found.aligned, found.numbers
    for length in (1, 2):
        both = censored(numbers, length)
        rest_entropy, rest_divergence = arb(0), arb(0)
        for members in _rests(aligned, length):
            mass, other = numbers.prob[members], aligned.prior[members]
            rest_entropy += mass.sum() * entropy(mass / mass.sum())
            rest_divergence += mass.sum() * kl_divergence(mass / mass.sum(), objects(map(arb, other)) / sum(other))
        line = -mean_line(both.computed)
        gap = found.mean.entropy - line - rest_entropy
        yield Finding(f"H = H(cut) + E H(rest), cut at {length}", gap, clause="entropy")
        shift = mean_reward(both.truth) - mean_reward(both.computed)
        label = f"E R short by E KL(rest of p+ || rest of p), cut at {length}"
        yield Finding(label, shift - rest_divergence, clause="reward")


def _rests(aligned: Aligned, length: int) -> Iterator[list[int]]:
    """The strings that are one string once they are cut."""
    depth = depths(aligned)
    groups: dict[int, list[int]] = {}
    for y, node in enumerate(aligned.node):
        root = int(node)
        while depth[root] > length:
            root = int(aligned.tree.parent[root])
        groups.setdefault(root if depth[root] == length else -1 - y, []).append(y)
    yield from groups.values()


def _censored_harmless(found: FiniteModel) -> Iterator[Finding]:
    return same_sign(censored(found.numbers, 1))


CLAIM = Claim(
    id="audit.censored-strings",
    sentence="",
    clauses=(
        Clause(
            name="reward",
            text="strings of p+ that are cut at the length limit and kept as strings have a mean secret reward that "
            "falls short by E KL(rest of p+ || rest of p)",
            formula=r"\mathbb E R-\mathbb E R_{cut}=\mathbb E\,\mathrm{KL}(p_+(\text{rest})\|p(\text{rest}))",
            formal=("audit_censored_strings_reward",),
        ),
        Clause(
            name="entropy",
            text="their entropy falls short by the mean entropy of the rest, E H(rest)",
            formula=r"H=H_{cut}+\mathbb E\,H(\text{rest})",
            formal=("audit_censored_strings_entropy",),
        ),
    ),
    hypotheses=(
        "generation stops at a length limit, as the public code at commit ccec1ac reads, and nothing marks the "
        "strings that "
        "are cut there",
        "strings of p+",
    ),
    source=f"{READ}: generation stops at a length limit",
    check=_censored,
    cases=deep_trees,
    controls=(harmless("the sign of the correlation", _censored_harmless, small_trees),),
    remark=(
        "By itself it can turn the sign of Corr(L, R): on C2, cut after one token, where two points are left, from "
        "+1 to -1. Under p+ the computed likelihood is too high and the reward too low; under an adapted law the "
        "reward may be too high or too low."
    ),
    order=9080,
    sketch=r"""
The chain rule of entropy and of divergence, for a string and its first tokens. Divergences of the rests are $\ge0$.
""",
)
