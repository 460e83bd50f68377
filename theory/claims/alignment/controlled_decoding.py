"""alignment.controlled-decoding: what two scorers of prefixes make of a prior, drawn token by token."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from flint import arb, fmpq

from theory.adaptors.prefix_scores import PrefixWeights, guided_law, mean_scores, value_weights
from theory.arithmetic.exact import Array, balls
from theory.claims.adaptors.tree_models import three_string_trees
from theory.claims.alignment.guided_models import fork
from theory.claims.alignment.models import prior_of
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile, Relation, of
from theory.claims.instances import small
from theory.models.finite import FiniteModel
from theory.probability.information import kl_divergence


@dataclass(frozen=True, slots=True, eq=False)
class Loss:
    """A model on which the mean scorer earns less and costs more than p+; (E R, KL) of both, to six digits."""

    found: FiniteModel
    mean_scorer: tuple[fmpq, fmpq]
    aligned: tuple[fmpq, fmpq]


def mean_guided(found: FiniteModel) -> Array:
    """The law drawn token by token in proportion to p(t | u) e^{E[R | u t]}."""
    return guided_law(found.aligned, mean_scores(found.numbers).exp())


def earned_and_paid(found: FiniteModel, law: Array) -> tuple[arb, arb]:
    """(E_q R, KL(q || p)), nats."""
    return (law * found.numbers.reward).sum(), kl_divergence(law, prior_of(found))


def _controlled(content: FiniteModel | Loss) -> Iterator[Finding]:
    if isinstance(content, Loss):
        yield from of("mean-may-lose", _loses(content))
        return
    exact = guided_law(content.aligned, value_weights(content.numbers))
    gap = sum((abs(a - b) for a, b in zip(balls(exact), balls(content.mass()), strict=True)), arb(0))
    yield Finding("the law guided by log E[e^R | u] is p+, total gap", gap, clause="exact")
    law = mean_guided(content)
    earned, paid = earned_and_paid(content, law)
    constant: Relation = "zero" if content.is_prior else "positive"
    prior = (prior_of(content) * content.numbers.reward).sum()
    yield Finding("mean scorer: E R - E_p R", earned - prior, constant, clause="mean-gains")
    other: Relation = "positive" if any(bool(a != b) for a, b in zip(law, balls(exact), strict=True)) else "zero"
    yield Finding("mean scorer: log Z - (E R - KL)", content.log_partition - earned + paid, other, clause="objective")


def _loses(content: Loss) -> Iterator[Finding]:
    found = content.found
    lower = earned_and_paid(found, mean_guided(found))
    upper = earned_and_paid(found, found.mass())
    yield Finding("E R of p+, less that of the mean scorer", upper[0] - lower[0], "positive")
    yield Finding("KL of the mean scorer, less that of p+", lower[1] - upper[1], "positive")
    for name, values, known in (("mean scorer", lower, content.mean_scorer), ("p+", upper, content.aligned)):
        for what, value, digits in zip(("E R", "KL"), values, known, strict=True):
            near = fmpq(1, 10**6) - abs(value - digits)
            yield Finding(f"{what} of the {name} is {float(digits)} to 1e-6", near, "positive")


def _controlled_cases(profile: Profile) -> Iterator[Case]:
    one = fork((1, 1, 1), (3, 1, 4))
    lower, upper = (
        (fmpq(1104568, 10**6), fmpq(129760, 10**6)),
        (fmpq(1105127, 10**6), fmpq(124298, 10**6)),
    )
    yield Case(f"{one.name}, mean scorer", Loss(one.content, lower, upper), one.spec)
    yield one
    yield from small(profile)


def _mean_is_exact(found: FiniteModel) -> Iterator[Finding]:
    yield Finding("q of the first string - p+", (mean_guided(found) - balls(found.mass()))[0])


def _never_less(found: FiniteModel) -> Iterator[Finding]:
    earned, _ = earned_and_paid(found, mean_guided(found))
    gain = fmpq(0) if _exact_by_shape(found) else earned - found.mean.mean_reward
    yield Finding("mean scorer: E R >= that of p+", gain, "nonnegative")


def _never_both(found: FiniteModel) -> Iterator[Finding]:
    """The larger of what it earns more than p+ and of what it costs less."""
    advantage: arb | fmpq = fmpq(0)
    if not _exact_by_shape(found):
        earned, paid = earned_and_paid(found, mean_guided(found))
        reward, cost = earned_and_paid(found, found.mass())
        advantage = arb.max(earned - reward, cost - paid)
    yield Finding("mean scorer: more reward than p+ or less KL", advantage, "nonnegative")


def _exact_by_shape(found: FiniteModel) -> bool:
    """Whether every prefix but the empty one has one value of R behind it, which both scorers then give."""
    tree = found.aligned.tree
    behind: list[set[fmpq]] = [set() for _ in range(len(tree))]
    for node, reward in zip(found.aligned.node, found.aligned.reward, strict=True):
        place = int(node)
        while place > 0:
            behind[place].add(reward.factor)
            place = int(tree.parent[place])
    return all(len(values) <= 1 for values in behind[1:])


def _plain_mean(found: FiniteModel) -> Iterator[Finding]:
    """log of the mean of e^R over the strings behind u, each counted once instead of by p."""
    aligned = found.aligned
    count, total = [0] * len(aligned.tree), [fmpq(0)] * len(aligned.tree)
    for node, reward in zip(aligned.node, aligned.reward, strict=True):
        place = int(node)
        while place >= 0:
            count[place] += 1
            total[place] += reward.factor
            place = int(aligned.tree.parent[place])
    exact = value_weights(found.numbers)
    plain = exact.prefix.copy()
    plain[:] = [s / n for s, n in zip(total, count, strict=True)]
    law = guided_law(aligned, PrefixWeights(plain, exact.string))
    yield Finding("q of the first string - p+", (law - found.mass())[0])


CLAIM = Claim(
    id="alignment.controlled-decoding",
    sentence="",
    clauses=(
        Clause(
            name="exact",
            text="drawing each token in proportion to p(t | u) E[e^R | ut], the prefix scorer log E[e^R | u], samples p+ exactly",
            formula=r"q(t\mid u)\propto p(t\mid u)\,e^{S(ut)},\quad S(u)=\log\mathbb E_p[e^R\mid u]\ \Rightarrow\ q=p_+",
            formal=(
                "alignment_controlled_decoding_aligned_law",
                "alignment_controlled_decoding_scorer",
            ),
        ),
        Clause(
            name="mean-gains",
            text="the mean scorer E[R | u] in its place earns more than p, unless R is constant, when its law is p",
            formula=r"S(u)=\mathbb E_p[R\mid u]\ \Rightarrow\ \mathbb E_qR\ge\mathbb E_pR",
            formal=("alignment_controlled_decoding_mean_gains",),
        ),
        Clause(
            name="mean-may-lose",
            text="the mean scorer may earn less than p+ and cost more: on a tree of three strings 1.104568 < "
            "1.105127 nats of reward for .12976 > .12430 of KL",
            formal=("alignment_controlled_decoding_mean_may_lose",),
        ),
        Clause(
            name="objective",
            text="E R - KL(q || p) of the mean scorer's law is below log Z, which p+ reaches, unless it is p+",
            formula=r"\mathbb E_qR-\mathrm{KL}(q\|p)\le\log Z",
            formal=("alignment_controlled_decoding_objective",),
        ),
    ),
    hypotheses=(
        "finitely many strings, R finite on all of them",
        "the end of a string is a token, scored by R of the string",
    ),
    source="Mudgal et al. (2023), Controlled Decoding from Language Models, arXiv:2310.17022; Doob's transform",
    check=_controlled,
    cases=_controlled_cases,
    controls=(
        Control(
            "never-both",
            "says that the mean scorer earns more than p+ or costs less",
            _never_both,
            three_string_trees,
            smallest=True,
        ),
        Control(
            "never-less",
            "says that the mean scorer earns at least what p+ does",
            _never_less,
            three_string_trees,
            smallest=True,
        ),
        Control(
            "mean-is-exact", "takes E[R | u] for log E[e^R | u]", _mean_is_exact, three_string_trees, smallest=True
        ),
        Control(
            "plain-mean",
            "averages e^R over the strings behind u without p",
            _plain_mean,
            three_string_trees,
            smallest=True,
        ),
    ),
    remark="The tree is [. [. .]] with p = (1, 1, 1), e^R = (3, 1, 4): one string of one token, and two that share their first. "
    "E[R | u] <= log E[e^R | u] by Jensen's inequality: the mean scorer undervalues what is uncertain. With e^R = (4, "
    "3, 1) on the same tree the mean scorer earns more reward than p+, 1.125 nats, at a larger KL, .147.",
    order=1060,
    sketch=r"""
The sum over $t$ of $p(t\mid u)\,\mathbb E_p[e^R\mid ut]$ is $\mathbb E_p[e^R\mid u]$: normalised, the steps multiply to
$p\,e^R/Z$. For $m(u)=\mathbb E_p[R\mid u]$ the mean of $m(ut)$ under $p(\cdot\mid u)$ is $m(u)$; weights $e^{m(ut)}$ grow with
$m(ut)$ and can only raise it. Along a string the gains add up to $R-\mathbb E_pR$. The objective is alignment.gibbs.
""",
)
