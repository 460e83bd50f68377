"""audit.unscored-end: strings scored without their end have the probabilities of prefixes, which need not sum to 1."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

from flint import fmpq

from theory.alignment.gibbs import Aligned, align
from theory.arithmetic.exact import log, objects
from theory.claims.audit.models import READ, deep_trees, first_failing, harmless, mean_line, same_sign
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile, Relation
from theory.claims.instances import case, compositions
from theory.claims.tree_search import Shape, shapes
from theory.language_models.rewards import Reward
from theory.language_models.tree import TreeModel
from theory.models.finite import FiniteModel
from theory.reference_code import (
    mean_log_prior,
    prior_prefixes,
    token_surprisals,
    unscored_end,
)


def _unscored_end(found: FiniteModel) -> Iterator[Finding]:
    """L' is the log of a prefix probability; those of all strings sum to how many strings Y begins with, on average."""
    aligned = found.aligned
    both = unscored_end(found.numbers)
    _, ending = token_surprisals(found.numbers)
    prior = prior_prefixes(aligned)
    gain = (found.numbers.prob * log(prior[aligned.node] / aligned.prior)).sum()
    shift = mean_log_prior(both.computed) - mean_log_prior(both.truth)
    yield Finding("E L off by -E log p(end)", shift - gain, clause="shift")
    total = (found.numbers.prob * ending).sum()
    line = mean_line(both.computed) - mean_line(both.truth)
    yield Finding("E(L + R) off by -E log p+(end)", line - total, clause="shift")
    mass = sum((prior[int(node)] for node in aligned.node), start=fmpq(0))
    strings = set(map(int, aligned.node))
    begun = [sum(u in strings for u in _ancestry(aligned, int(node))) for node in aligned.node]
    counted = sum((p * count for p, count in zip(aligned.prior, begun, strict=True)), start=fmpq(0))
    yield Finding("sum e^L' = E number of strings that Y begins with", mass - counted, clause="prefixes")
    relation: Relation = "zero" if max(begun) == 1 else "positive"
    yield Finding("sum e^L' - 1: 0 iff no string begins another", mass - 1, relation, clause="prefixes")


def _ancestry(aligned: Aligned, node: int) -> Iterator[int]:
    while node >= 0:
        yield node
        node = int(aligned.tree.parent[node])


def _unscored_harmless(found: FiniteModel) -> Iterator[Finding]:
    return same_sign(unscored_end(found.numbers))


def _still_a_law(found: FiniteModel) -> Iterator[Finding]:
    mass = sum((prior_prefixes(found.aligned)[int(node)] for node in found.aligned.node), start=fmpq(0))
    yield Finding("sum e^L' = 1", mass - sum(found.aligned.prior, start=fmpq(0)))


def _ended(_: Profile) -> Iterator[Case]:
    """All trees of 2 to 4 strings in which one string begins another, by (strings, sum of the weights).

    Those of ``tree_search``, with one continuation of a prefix, or none, turned into the end of the string. Without
    such an end every string ends with certainty.
    """
    for count in (2, 3, 4):
        forms = [y for shape in shapes(count) for y in _with_ends(shape) if _begins_another(y)]
        for total in range(2 * count, 13):
            for strings, weights in itertools.product(forms, list(compositions(2 * count, total))):
                p, x = weights[:count], weights[count:]
                if math.gcd(*p) == 1 == math.gcd(*x):
                    yield _ended_case(strings, p, x)


def _with_ends(shape: Shape) -> Iterator[tuple[tuple[int, ...], ...]]:
    """The strings of a shape, for every choice of prefixes whose first bare continuation is the end itself."""
    if not shape:
        yield ((),)
        return
    leaf = shape.index(()) if () in shape else None
    for end in (False, True) if leaf is not None else (False,):
        tokens = [child for k, child in enumerate(shape) if not (end and k == leaf)]
        for parts in itertools.product(*(list(_with_ends(child)) for child in tokens)):
            inner = tuple((t, *rest) for t, part in enumerate(parts) for rest in part)
            yield ((), *inner) if end else inner


def _begins_another(strings: tuple[tuple[int, ...], ...]) -> bool:
    beginnings = {string[:k] for string in strings for k in range(len(string))}
    return not beginnings.isdisjoint(strings)


def _ended_case(strings: tuple[tuple[int, ...], ...], prior: Sequence[int], exp_reward: Sequence[int]) -> Case:
    names = ["".join("abcd"[k] for k in y) or "-" for y in strings]
    alphabet = "abcd"[: 1 + max(max(y, default=0) for y in strings)]
    model = TreeModel.from_strings(alphabet, strings, objects(fmpq(w, sum(prior)) for w in prior))
    order = sorted(range(len(strings)), key=lambda k: (len(strings[k]), strings[k]))
    rewards = [Reward(factor=fmpq(exp_reward[k])) for k in order]
    return case(f"strings {', '.join(names)}: p = {tuple(prior)}, e^R = {tuple(exp_reward)}", align(model, rewards))


def ended() -> Case:
    """The smallest of those whose correlation changes its sign when ends are not scored."""
    return first_failing(_ended(Profile()), _unscored_harmless)


CLAIM = Claim(
    id="audit.unscored-end",
    sentence="",
    clauses=(
        Clause(
            name="prefixes",
            text="strings scored without their end have the probabilities of prefixes, which sum to the mean number of "
            "strings that a string of p begins with: 1 only if no string begins another",
            formula=r"\sum_y e^{L'(y)}=\mathbb E_p\,\#\{y: Y\text{ begins with }y\}",
            formal=(
                "audit_unscored_end_mass",
                "audit_unscored_end_prefixes",
            ),
        ),
        Clause(
            name="shift",
            text="E L is then off by -E log p(end | Y), and E(L + R) by -E log p+(end | Y)",
            formula=r"\mathbb E L'-\mathbb E L=-\mathbb E\log p(\mathrm{end}\mid Y)",
            formal=("audit_unscored_end_shift",),
        ),
    ),
    hypotheses=("the public code at commit ccec1ac, as read, scores the end of the string under neither model",),
    source=f"{READ}: the end of a string is not among the tokens that are scored",
    check=_unscored_end,
    cases=deep_trees,
    controls=(
        harmless("the sign of the correlation", _unscored_harmless, _ended),
        Control("still-a-law", "says that the scores are still probabilities", _still_a_law, _ended, smallest=True),
    ),
    remark=(
        "By itself it can turn the sign of Corr(L, R), since the probability of the end differs between strings and "
        "between the two models. If no string begins another, it has no effect."
    ),
    order=9040,
    sketch=r"""
Without its last factor the score is the probability that a string begins with $y$. Summed over strings, each $Y$ is
counted once for every string that it begins with, itself included.
""",
)
