"""adaptors.constrained: masking tokens by a grammar, step by step, is not the model conditioned on the language."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from theory.adaptors.constraints import acceptance_probability, doob_law, doob_steps, language_mask
from theory.adaptors.exact import adapt_global, adapt_local
from theory.adaptors.moments import Moments
from theory.claims.adaptors.tree_models import three_string_trees
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile, of
from theory.claims.instances import case, small
from theory.claims.tree_search import tree
from theory.language_models.tree import Mask
from theory.models.finite import FiniteModel


@dataclass(frozen=True, slots=True, eq=False)
class Constrained:
    """A model and the strings that a language has of it."""

    found: FiniteModel
    inside: Mask

    def means(self) -> tuple[Moments, Moments]:
        """The moments of the masked law and of the conditioned one."""
        kept = language_mask(self.found.aligned, self.inside)
        numbers = self.found.numbers
        return self.found.moments(adapt_local(numbers, kept)), self.found.moments(adapt_global(numbers, kept))


@dataclass(frozen=True, slots=True, eq=False)
class Moved:
    """A model on which conditioning moves E L and E R, against masking, in the directions (+1 up, -1 down)."""

    constrained: Constrained
    directions: tuple[int, int]


def _constrained(content: Constrained | Moved) -> Iterator[Finding]:
    if isinstance(content, Moved):
        yield from of("directions", _directions(content))
        return
    numbers, inside = content.found.numbers, content.inside
    kept = language_mask(content.found.aligned, inside)
    local, whole = adapt_local(numbers, kept), adapt_global(numbers, kept)
    mass = numbers.prob[inside].sum()
    for place, string in enumerate(local.string):
        own = numbers.prob[string]
        yield Finding("q_loc prod a_t - p+", (local.log_prob + local.log_normaliser)[place] - own.log(), clause="mask")
        yield Finding("p+(y | L) P(L) - p+(y)", whole.prob[place] * mass - own, clause="mask")
    gap = whole.log_prob - local.log_prob
    allowed = local.log_normaliser
    forward, backward = (whole.prob * gap).sum(), -(local.prob * gap).sum()
    along = (whole.prob * allowed).sum()
    yield Finding("KL(p_L || q_loc)", forward - along + mass.log(), clause="divergence")
    along = (local.prob * allowed).sum()
    yield Finding("KL(q_loc || p_L)", backward - mass.log() + along, clause="divergence")
    for place, product in enumerate(doob_law(numbers, inside)):
        yield Finding("prod of p(t|u) h(ut)/h(u) - p+(y | L)", product - whole.prob[place], clause="doob")
    step, ending = doob_steps(numbers, inside)
    sums = content.found.aligned.tree.sum_children(step) + ending
    for prefix in np.flatnonzero(kept.edge):
        yield Finding("sum over t of p(t|u) h(ut)/h(u) - 1", sums[prefix] - 1, clause="doob")
    yield Finding("h at the start - P(L)", acceptance_probability(numbers, inside)[0] - mass, clause="doob")


def _directions(content: Moved) -> Iterator[Finding]:
    local, whole = content.constrained.means()
    for name, key, sign in zip(("E L", "E R"), ("mean_log_prior", "mean_reward"), content.directions, strict=True):
        gain = sign * (getattr(whole, key) - getattr(local, key))
        yield Finding(f"conditioning {'raises' if sign > 0 else 'lowers'} {name}", gain, "positive")


def _same_law(content: FiniteModel) -> Iterator[Finding]:
    inside = all_but_the_last(content)
    kept = language_mask(content.aligned, inside)
    one, two = adapt_local(content.numbers, kept), adapt_global(content.numbers, kept)
    for place in range(len(one.string)):
        yield Finding("masked - conditioned", one.prob[place] - two.prob[place])


def _never_lower(content: Moved) -> Iterator[Finding]:
    local, whole = content.constrained.means()
    yield Finding("E L, conditioned - masked", whole.mean_log_prior - local.mean_log_prior, "nonnegative")


def all_but_the_last(found: FiniteModel) -> Mask:
    """All strings but the last one."""
    inside = np.ones(len(found.aligned), dtype=bool)
    inside[-1] = len(inside) == 1
    return inside


def _every_other(found: FiniteModel) -> Mask:
    result: Mask = np.arange(len(found.aligned)) % 2 == 0
    return result


Weights = tuple[int, int, int]

DIRECTIONS: tuple[tuple[Weights, Weights, tuple[int, int]], ...] = (
    ((1, 2, 1), (1, 2, 1), (-1, -1)),
    ((1, 2, 1), (2, 1, 1), (-1, 1)),
    ((2, 1, 1), (1, 2, 1), (1, -1)),
    ((2, 1, 1), (2, 1, 1), (1, 1)),
)
"""p and e^R of [. [. .]], and where conditioning on its first two strings moves E L and E R, against masking."""


def _moved_cases(profile: Profile | None = None) -> Iterator[Case]:
    """[. [. .]] with the language of its first two strings: one in a branch of its own, one that shares its branch."""
    del profile
    for prior, reward, directions in DIRECTIONS:
        own = case("", tree(((), ((), ())), prior, reward))
        inside = np.array([True, True, False])
        name = f"[. [. .]]: p = {prior}, e^R = {reward}, without its last string"
        yield Case(name, Moved(Constrained(own.content, inside), directions), own.spec)


def _cases(profile: Profile) -> list[Case]:
    found = []
    for own in small(profile):
        for name, inside in (("every other string", _every_other), ("all but the last", all_but_the_last)):
            found.append(Case(f"{own.name}, {name}", Constrained(own.content, inside(own.content)), own.spec))
    return [*found, *_moved_cases()]


CLAIM = Claim(
    id="adaptors.constrained",
    sentence="C",
    clauses=(
        Clause(
            name="mask",
            text="masking the tokens after which a language allows no string, and renormalising at every step, gives "
            "p+ / prod_t a_t on the language, a_t the mass allowed at step t; the model conditioned on the language is "
            "p+ / P(language) there",
            formula=r"q_{loc}(y)=\frac{p_+(y)}{\prod_ta_t(y)},\qquad p_+(y\mid\mathcal L)=\frac{p_+(y)}{P(\mathcal L)}"
            r"\qquad(y\in\mathcal L)",
        ),
        Clause(
            name="divergence",
            text="KL(p+(.|language) || q_loc) = E[sum_t log a_t | language] - log P(language), and "
            "KL(q_loc || p+(.|language)) = log P(language) - E_loc sum_t log a_t",
            formula=r"\mathrm{KL}(p_{\mathcal L}\Vert q_{loc})=\mathbb E_{p_{\mathcal L}}\sum_t\log a_t-\log P(\mathcal L)",
        ),
        Clause(
            name="doob",
            text="the conditioned law has the next-token laws p+(t|u) h(ut) / h(u), with h(u) the probability that a "
            "string beginning with u is in the language",
            formula=r"p_{\mathcal L}(t\mid u)=p_+(t\mid u)\,\frac{h(ut)}{h(u)},\qquad h(u)=P(y\in\mathcal L\mid u)",
        ),
        Clause(
            name="directions",
            text="from masking to conditioning E L and E R may each rise or fall: all four pairs of directions occur on "
            "trees of three strings with whole weights of sum 8",
        ),
    ),
    hypotheses=("finitely many strings", "the language holds a string of the model"),
    source="Doob (1957); masks that renormalise locally were measured in two engines",
    check=_constrained,
    cases=_cases,
    controls=(
        Control(
            name="same-law",
            breaks="says that masking at every step is conditioning",
            check=_same_law,
            cases=three_string_trees,
            smallest=True,
        ),
        Control(
            name="raises-likelihood",
            breaks="says that conditioning never has less E L than masking",
            check=_never_lower,
            cases=_moved_cases,
        ),
    ),
    remark="A mask looks one token ahead, and so it goes into branches in which hardly anything is allowed later on. The "
    "two agree where the allowed mass along a string does not depend on the string.",
    order=4150,
    sketch=r"""
A mask keeps the steps to prefixes of strings of $\mathcal L$. The product of the kept steps is $p_+(y)$, each divided by the sum
$a_t$ of what was kept there: $q_{loc}=p_+/\prod a_t$. Normalised once, the same weights give $p_+/P(\mathcal L)$. So
$\log(p_{\mathcal L}/q_{loc})=\sum_t\log a_t-\log P(\mathcal L)$, whose means under the two laws are the divergences. With
$h(u)=\sum_{y\in\mathcal L,\,y\succeq u}p_+(y)/p_+(u)$ the products of $p_+(t|u)h(ut)/h(u)$ telescope to $p_+(y)/h(\varnothing)$.
""",
)
