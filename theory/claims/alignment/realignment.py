"""alignment.realignment: realigning token by token at decoding time, beside realigning whole strings."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from flint import arb, fmpq

from theory.adaptors.prefix_scores import guided_law, value_weights
from theory.alignment.best_of_n import reward_levels
from theory.arithmetic.exact import Array, balls
from theory.claims.adaptors.tree_models import three_string_trees
from theory.claims.alignment.guided_models import fork
from theory.claims.alignment.models import prior_of
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile, Relation, of
from theory.claims.instances import integer_cases, small
from theory.models.finite import FiniteModel
from theory.probability.exponential_family import ExponentialFamily

STRENGTHS = tuple(map(fmpq, (0, 1, 2, 4, 8, 64)))


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """A model, and how its E R moves along strengths of realignment by tokens.

    Args:
        strengths: l, rising.
        moves: the sign of the change of E R from each to the next.
        known: E R at each, to three digits after the point; () where nothing is said.
        clause: what this is evidence for.
    """

    found: FiniteModel
    strengths: tuple[fmpq, ...]
    moves: tuple[int, ...]
    known: tuple[fmpq, ...] = ()
    clause: str = "not-monotone"


def realigned(found: FiniteModel, strength: fmpq) -> Array:
    """The law drawn token by token in proportion to p(t | u)^(1-l) p+(t | u)^l, which is p(t | u) V(u t)^l."""
    return guided_law(found.aligned, value_weights(found.numbers).raised(strength))


def mean_reward(found: FiniteModel, strength: fmpq) -> arb:
    """E R under it, nats."""
    mean: arb = (realigned(found, strength) * found.numbers.reward).sum()
    return mean


def _realignment(content: FiniteModel | Path) -> Iterator[Finding]:
    if isinstance(content, Path):
        yield from of(content.clause, _along(content))
        return
    yield from of("whole-strings", _whole_strings(content))
    yield from of("same", _same(content))
    yield from of("floor", _floor(content, (fmpq(1), fmpq(3, 2), fmpq(2), fmpq(8), fmpq(64))))


def _along(content: Path) -> Iterator[Finding]:
    values = [mean_reward(content.found, strength) for strength in content.strengths]
    pairs = itertools.pairwise(zip(content.strengths, values, strict=True))
    for sign, ((low, before), (high, after)) in zip(content.moves, pairs, strict=True):
        moves = "rises" if sign > 0 else "falls"
        yield Finding(f"E R {moves} from l = {low} to {high}", (after - before) * sign, "positive")
    for strength, value, known in zip(content.strengths, values, content.known, strict=False):
        yield Finding(f"E R = {float(known)} at l = {strength}", fmpq(1, 2000) - abs(value - known), "positive")


def _whole_strings(found: FiniteModel) -> Iterator[Finding]:
    """E_l[max R - R] <= (max R - min R) (1 - p(top))/p(top) e^(-l g), g the gap between the two largest rewards."""
    prior, reward = prior_of(found), found.numbers.reward
    family = ExponentialFamily(balls(prior), reward)
    means = [(family.law(arb(strength)) * reward).sum() for strength in STRENGTHS]
    relation: Relation = "zero" if found.is_prior else "positive"
    for (low, before), (high, after) in itertools.pairwise(zip(STRENGTHS[:5], means, strict=False)):
        yield Finding(f"whole strings: E R at l = {high}, less at {low}", after - before, relation)
    levels = reward_levels(found.aligned)
    if max(levels) > 0:
        value = dict(zip(levels, reward, strict=True))
        top = sum((p for p, level in zip(prior, levels, strict=True) if level == max(levels)), fmpq(0))
        lost = {level: value[max(levels)] - r for level, r in value.items()}
        for strength in (fmpq(8), fmpq(16)):
            law = family.law(arb(strength))
            missing = sum(
                (q * lost[level] for q, level in zip(law, levels, strict=True) if level < max(levels)), arb(0)
            )
            bound = lost[0] * (1 - top) / top * (-lost[max(levels) - 1] * strength).exp()
            yield Finding(f"whole strings: max R - E R, l = {strength}", bound - missing, "nonnegative")


def _same(found: FiniteModel) -> Iterator[Finding]:
    """Total gaps between laws; a table is a tree whose strings are single tokens."""
    for strength, name, law in ((fmpq(0), "p", prior_of(found)), (fmpq(1), "p+", found.mass())):
        yield Finding(f"by tokens at l = {strength}: {name}", _gap(realigned(found, strength), law))
    if (found.aligned.tree.parent[1:] == 0).all():
        family = ExponentialFamily(balls(prior_of(found)), found.numbers.reward)
        for strength in (fmpq(1, 2), fmpq(3)):
            whole = family.law(arb(strength))
            yield Finding(f"a table at l = {strength}: whole strings", _gap(realigned(found, strength), whole))


def _gap(first: Array, second: Array) -> arb:
    return sum((abs(a - b) for a, b in zip(balls(first), balls(second), strict=True)), arb(0))


def _floor(found: FiniteModel, strengths: tuple[fmpq, ...]) -> Iterator[Finding]:
    relation: Relation = "zero" if found.is_prior else "positive"
    prior = (prior_of(found) * found.numbers.reward).sum()
    for strength in strengths:
        value = mean_reward(found, strength)
        yield Finding(f"E R - log Z, by tokens at l = {strength}", value - found.log_partition, relation)
        yield Finding(f"E R - E_p R, by tokens at l = {strength}", value - prior, relation)


def _realignment_cases(profile: Profile) -> Iterator[Case]:
    known = tuple(fmpq(k, 1000) for k in (1017, 1441, 1560, 1520, 1437, 1386))
    below = (fmpq(2858, 1000), fmpq(2810, 1000))
    anchors = (
        (fork((3, 1, 2), (4, 7, 1)), STRENGTHS, (1, 1, -1, -1, -1), known, "not-monotone"),
        (fork((1001, 1000, 1), (2000, 1, 99_000)), STRENGTHS[1:3], (-1,), (), "not-monotone"),
        (fork((1001, 1000, 1), (300, 1, 477_000)), (fmpq(0), fmpq(1, 10)), (-1,), below, "below-p"),
    )
    for one, strengths, moves, values, clause in anchors:
        yield Case(f"{one.name}, along l", Path(one.content, strengths, moves, values, clause), one.spec)
    yield from (one for one, *_ in anchors)
    yield from small(profile)


def _monotone(found: FiniteModel) -> Iterator[Finding]:
    for low, high in itertools.pairwise(STRENGTHS[1:]):
        gain = mean_reward(found, high) - mean_reward(found, low)
        yield Finding(f"E R at l = {high} >= at {low}", fmpq(0) if _still(found, low, high) else gain, "nonnegative")


def _above_aligned(found: FiniteModel) -> Iterator[Finding]:
    far = STRENGTHS[-1]
    gain = mean_reward(found, far) - found.mean.mean_reward
    yield Finding(f"E R at l = {far} >= at 1", fmpq(0) if _still(found, fmpq(1), far) else gain, "nonnegative")


def _still(found: FiniteModel, low: fmpq, high: fmpq) -> bool:
    """Whether both laws are the same, in rationals."""
    return list(realigned(found, low)) == list(realigned(found, high))


def _floor_below_one(found: FiniteModel) -> Iterator[Finding]:
    if not found.is_prior:
        yield from _floor(found, (fmpq(1, 2),))


CLAIM = Claim(
    id="alignment.realignment",
    sentence="",
    clauses=(
        Clause(
            name="not-monotone",
            text="realigning token by token at decoding time, by p^(1-l) p+^l renormalised, is not monotone in reward: "
            "on a tree of three strings E R is 1.441, 1.560 and 1.386 at l = 1, 2 and 64",
            formula=r"q_l(t\mid u)\propto p(t\mid u)^{1-l}\,p_+(t\mid u)^l",
            formal=("alignment_realignment_not_monotone",),
        ),
        Clause(
            name="whole-strings",
            text="realigning whole strings is monotone: the expected reward under p e^(lR), normalised, grows with l >= 0 towards "
            "the largest reward, unless R is constant",
            formula=r"p^{1-l}p_+^l\propto p\,e^{lR}:\quad \mathbb E_l R\uparrow\max R\quad(l\to\infty)",
            formal=(
                "alignment_realignment_strings_grow",
                "alignment_realignment_strings_limit",
            ),
        ),
        Clause(
            name="same",
            text="by tokens as by strings the law is p at l = 0 and p+ at l = 1, and the two agree at every l "
            "where strings are single tokens",
            formal=(
                "alignment_realignment_same_ends",
                "alignment_realignment_same_single",
            ),
        ),
        Clause(
            name="floor",
            text="for l >= 1 realigning by tokens earns log Z or more, and so at least what p earns; strictly more "
            "than either unless R is constant",
            formula=r"l\ge1:\quad\mathbb E_{q_l}R\ge\log Z\ge\mathbb E_pR",
            formal=("alignment_realignment_floor",),
        ),
        Clause(
            name="below-p",
            text="for 0 < l < 1 it may earn less than p: on a tree of three strings 2.810 nats at l = 1/10 and "
            "2.858 at l = 0",
            formal=("alignment_realignment_below_p",),
        ),
    ),
    hypotheses=("finitely many strings, R finite on all of them", "the end of a string is a token"),
    source="Liu et al. (2024), Decoding-time Realignment of Language Models, arXiv:2402.02992",
    check=_realignment,
    cases=_realignment_cases,
    controls=(
        Control(
            "by-tokens",
            "says of tokens what holds for whole strings: E R does not fall from l = 1 to 2, 4, 8 and 64",
            _monotone,
            three_string_trees,
            smallest=True,
        ),
        Control(
            "above-aligned",
            "puts E R at l = 1 for log Z in the floor: beyond l = 1 E R would never be below that of p+",
            _above_aligned,
            three_string_trees,
            smallest=True,
        ),
        Control(
            "floor-below-one", "drops l >= 1 from the floor: l = 1/2", _floor_below_one, integer_cases, smallest=True
        ),
    ),
    remark="The tree is [. [. .]]: one string of one token, and two that share their first. V(u) = E_p[e^R | u]. As l grows "
    "the law by tokens becomes greedy in V: on p = (3, 1, 2), e^R = (4, 7, 1), the model of the first clause, it "
    "takes the "
    "string with e^R = 4, since V = 3 behind the other token, and never sees e^R = 7. On p = (1001, 1000, 1), "
    "e^R = (2000, 1, 99000) E R is lower at l = 2 than at l = 1; the last clause is about e^R = (300, 1, 477000).",
    order=1050,
    sketch=r"""
With $V(u)=\mathbb E_p[e^R\mid u]$, $p_+(t\mid u)=p(t\mid u)V(ut)/V(u)$, so that $q_l(t\mid u)\propto p(t\mid u)V(ut)^l$: at every
prefix an exponential family in $\log V(ut)$, while the tilt of whole strings needs $\mathbb E_p[e^{lR}\mid u]$. The mean of $\log
V(ut)$ at $u$ grows with $l$, and at $l=1$ it exceeds $\log V(u)$ by $\mathrm{KL}(p_+(\cdot|u)\|p(\cdot|u))$. Along a string
$R=\log Z+\sum_t\log\frac{V(ut)}{V(u)}$, so $\mathbb E_{q_l}R\ge\log Z$ for $l\ge1$.
The weights of the prefixes change with $l$, and
a prefix with larger $V$ need not lead to a larger $\mathbb ER$: hence no monotonicity.
""",
)
