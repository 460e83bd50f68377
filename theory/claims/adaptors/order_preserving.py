"""adaptors.order-preserving: what local adaptors that keep the next-token order reach is a polygon."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence

from flint import arb, fmpq

from theory.adaptors.exact import Chain, chain
from theory.adaptors.log_forms import Point
from theory.adaptors.moments import Moments
from theory.adaptors.order_preserving import (
    AXES,
    Corner,
    Exchange,
    Ranking,
    Slopes,
    corner_count,
    corner_law,
    every_corner,
    exchange,
    losses,
    mean_point,
    normals,
    polygon,
    ranking,
    slack,
    slopes,
    string_points,
    support,
)
from theory.arithmetic.exact import objects
from theory.claims.adaptors.tree_models import (
    few_string_trees,
    least_below,
    on_rising_line,
    ranked_rows,
)
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile, of
from theory.claims.instances import case, small
from theory.claims.tree_search import tree, trees_by_size
from theory.models.finite import FiniteModel

_KEEPING = (
    chain(("temperature", "1/2")),
    chain(("temperature", 2)),
    chain(("top_k", 1)),
    chain(("top_k", 2)),
    chain(("nucleus", "1/2")),
    chain(("nucleus", "4/5")),
    chain(("min_p", "1/2")),
    chain(("epsilon", "1/5")),
    chain(("eta", "1/2")),
    chain(("top_k", 3), ("temperature", "3/2"), ("nucleus", "3/4")),
)
_TYPICAL = tuple(chain(("typical", value)) for value in ("1/10", "1/4", "1/2", "3/4", "9/10"))
_DIRECTIONS = (*AXES, (1, 1), (-1, 1), (2, -1), (-1, -3))
_MANY_CORNERS, _MANY_STRINGS = 150, 20


def _slopes(found: FiniteModel, ranked: Ranking, steps: Chain) -> tuple[Slopes, Moments]:
    """The slopes along the ranks of the local law of an adaptor, and its moments."""
    law = found.law(steps, "local")
    means = found.moments(law)
    mass = objects([fmpq(0)] * len(found.aligned))
    mass[law.string] = law.prob
    return slopes(ranked, mass), means


def _inner(direction: Point, log_prior: arb, reward: arb) -> arb:
    return direction.log_prior.ball() * log_prior + direction.reward.ball() * reward


def _order_preserving(found: FiniteModel) -> Iterator[Finding]:
    ranked = ranking(found.numbers)
    corners = polygon(ranked)
    yield from of("polygon", _corners(ranked, corners))
    yield from _inside(found, ranked, corners)
    for raises in ("reward", "log_prior"):
        yield from of("decided", _exchanged(found, ranked, exchange(ranked, corners, raises)))
    if not any(itertools.chain.from_iterable(ranked.tied)):
        possible = [exchange(ranked, corners, raises).possible for raises in ("reward", "log_prior")]
        rising = on_rising_line(string_points(found.aligned))
        label = "without ties: no exchange iff the strings lie on a line that does not fall"
        yield Finding(label, fmpq(any(possible) == rising), clause="without-ties")


def _corners(ranked: Ranking, corners: Sequence[Corner]) -> Iterator[Finding]:
    """The polygon against its support function, the laws of its corners, and all laws of corners one by one."""
    points = ranked.strings()
    for axis in _DIRECTIONS:
        direction = Point.whole(*axis)
        best = support(ranked, direction).point
        gaps = [(best - corner.point).along(direction) for corner in corners]
        yield Finding(f"no corner beyond the support function along {axis}", least_below(gaps), "nonnegative")
        yield Finding(
            f"a corner attains it along {axis}", fmpq(not any(gap == 0 for gap in gaps if isinstance(gap, fmpq)))
        )
    for corner in corners:
        apart = mean_point(points, corner_law(ranked, corner.tops)) - corner.point
        yield Finding("E L of a corner, from its law", apart.log_prior.number())
        yield Finding("E R of a corner, from its law", apart.reward.number())
    mixture = sum(corner_law(ranked, corner.tops) * fmpq(k + 1) for k, corner in enumerate(corners))
    steep = least_below(itertools.chain.from_iterable(slopes(ranked, mixture / mixture.sum())))
    yield Finding("a mixture of the corners keeps the order", steep, "nonnegative")
    if corner_count(ranked) <= _MANY_CORNERS:
        facets = [(normal, support(ranked, normal).point) for normal in normals(corners)]
        every = [mean_point(points, corner_law(ranked, tops)) for tops in every_corner(ranked)]
        beyond = least_below((best - point).along(normal) for point in every for normal, best in facets)
        yield Finding(f"none of {len(every)} choices of top tokens lies outside", beyond, "nonnegative")


def _inside(found: FiniteModel, ranked: Ranking, corners: Sequence[Corner]) -> Iterator[Finding]:
    """Adaptors keep the order, and lie on the inner side of every edge."""
    facets = [(normal, support(ranked, normal).point, losses(ranked, normal)) for normal in normals(corners)]
    for steps in _KEEPING:
        law, means = _slopes(found, ranked, steps)
        steep = least_below(itertools.chain.from_iterable(law))
        yield Finding(f"{steps} keeps the order", steep, "nonnegative", clause="inside")
        for k, (normal, best, lost) in enumerate(facets):
            inside = slack(lost, law)
            yield Finding(f"{steps} is inside edge {k + 1}", inside, "nonnegative", clause="inside")
            gap = best.log_prior.ball() - means.mean_log_prior, best.reward.ball() - means.mean_reward
            apart = _inner(normal, *gap) - inside
            yield Finding(f"{steps}: its distance to edge {k + 1}, by ranks", apart, clause="programme")


def _exchanged(found: FiniteModel, ranked: Ranking, decided: Exchange) -> Iterator[Finding]:
    """The certificate: an adaptor that makes the exchange, or the line that separates."""
    side = 1 if decided.raises == "reward" else -1
    if decided.separator is not None:
        a, c = decided.separator.log_prior.number(), decided.separator.reward.number()
        yield Finding(f"separator, raising {decided.raises}: sign of a", -side * a, "nonnegative")
        yield Finding(f"separator, raising {decided.raises}: sign of c", side * c, "nonnegative")
        yield Finding(f"separator, raising {decided.raises}: not 0", abs(arb(a)) + abs(arb(c)), "positive")
        most = slack(losses(ranked, decided.separator), slopes(ranked, found.mass()))
        yield Finding(f"no order-preserving adaptor raises {decided.raises} and lowers the other", most)
        return
    law = decided.law(ranked)
    steep = least_below(itertools.chain.from_iterable(slopes(ranked, law)))
    yield Finding(f"the adaptor that raises {decided.raises} is a law", law.sum() - 1)
    yield Finding(f"the adaptor that raises {decided.raises} keeps the order", steep, "nonnegative")
    change = law - found.numbers.prob
    yield Finding(f"raising {decided.raises}: R moves", side * (change * found.numbers.reward).sum(), "positive")
    yield Finding(f"raising {decided.raises}: L moves", -side * (change * found.numbers.log_prior).sum(), "positive")


def _order_cases(profile: Profile) -> list[Case]:
    # every context ties, so that p+ is a corner; L and R fall together from branch to branch, off any one line
    tied = tree(((), ((), ()), ((), (), ())), (9, 6, 6, 4, 4, 4), (8, 6, 6, 6, 6, 6))
    chosen = [c for c in small(profile) if len(c.content.aligned) <= _MANY_STRINGS]
    return [*chosen, case("a tree of ties", tied)]


def _typical_inside(found: FiniteModel) -> Iterator[Finding]:
    ranked = ranking(found.numbers)
    facets = [losses(ranked, normal) for normal in normals(polygon(ranked))]
    for steps in _TYPICAL:
        law, _ = _slopes(found, ranked, steps)
        for k, lost in enumerate(facets):
            yield Finding(f"{steps} is inside edge {k + 1}", slack(lost, law), "nonnegative")


def _one_k(found: FiniteModel) -> Iterator[Finding]:
    ranked = ranking(found.numbers)
    points = string_points(found.aligned)
    widest = max(map(len, ranked.order))
    tops = [tuple(min(k, len(order)) for order in ranked.order) for k in range(1, widest + 1)]
    reached = [mean_point(points, corner_law(ranked, top)) for top in tops]
    for k, normal in enumerate(normals(polygon(ranked))):
        best = support(ranked, normal).point
        gaps = [(best - point).along(normal) for point in reached]
        attained = any(isinstance(gap, fmpq) for gap in gaps)
        value = fmpq(0) if attained else functools.reduce(arb.min, map(arb, gaps))
        yield Finding(f"the best top-k with one k for all contexts reaches edge {k + 1}", value)


def _comonotone_is_safe(found: FiniteModel) -> Iterator[Finding]:
    ranked = ranking(found.numbers)
    ordered = [ranked.point[u] for u in ranked.order[0]] if len(ranked.aligned.tree.levels) == 3 else []
    falls = [one - two for one, two in itertools.pairwise(point for point in ordered if point is not None)]
    if not falls or any(ranked.tied[0]) or not all(f.log_prior.sign() >= 0 <= f.reward.sign() for f in falls):
        return
    for raises in ("reward", "log_prior"):
        decided = exchange(ranked, polygon(ranked), raises)
        if decided.possible:
            change = decided.law(ranked) - found.numbers.prob
            product = (change * found.numbers.log_prior).sum() * (change * found.numbers.reward).sum()
            yield Finding(f"E L and E R move together where E {raises} rises", product, "nonnegative")


def _ties_either_way(found: FiniteModel) -> Iterator[Finding]:
    ranked = ranking(found.numbers)
    last = [order[next((k for k, tie in enumerate([*ties, False]) if not tie))] for order, ties in ranked_rows(ranked)]
    node = 0
    while last[node] != node:
        node = last[node]
    law = objects(fmpq(int(u == node)) for u in found.aligned.node)
    for k, normal in enumerate(normals(polygon(ranked))):
        value = slack(losses(ranked, normal), slopes(ranked, law))
        yield Finding(f"the last of the most probable tokens only: inside edge {k + 1}", value, "nonnegative")


def _ordered_triples(profile: Profile) -> Iterator[Case]:
    """All trees of three strings, tables among them, in every order.

    With two strings there is one decision, (L, R) lie on one line, and the more probable string is the more typical.
    """
    del profile
    return trees_by_size(3, 3, 11, ordered=True)


CLAIM = Claim(
    id="adaptors.order-preserving",
    sentence="C",
    clauses=(
        Clause(
            name="polygon",
            text="the (E L, E R) of locally normalised adaptors that keep the next-token order, context by context, fill a "
            "convex polygon, whose farthest point in any direction a backward programme over the tree finds",
            formula=r"\max_q \mathbb{E}_q[aL + cR] = V(\varepsilon),\quad"
            r" V(u) = \max_j \tfrac1j \textstyle\sum_{i \le j} V(u t_i),\quad"
            r" p_+(t_1 \mid u) \ge p_+(t_2 \mid u) \ge \dots",
            formal=(
                "adaptors_order_preserving_bound",
                "adaptors_order_preserving_attained",
                "adaptors_order_preserving_convex",
                "adaptors_order_preserving_corners",
            ),
        ),
        Clause(
            name="programme",
            text="a law q that keeps the order loses V(root) - E_q f = sum over contexts u and ranks j of "
            "q(u) j (q_j - q_{j+1}) [V(u) - mean of V over the top j tokens], and none of these terms is negative",
            formula=r"V(\varepsilon)-\mathbb E_qf=\textstyle\sum_{u,j}q(u)\,j(q_j-q_{j+1})"
            r"\bigl[V(u)-\tfrac1j\sum_{i\le j}V(ut_i)\bigr]",
            formal=("adaptors_order_preserving_programme",),
        ),
        Clause(
            name="inside",
            text="temperature, top-k, nucleus, min-p, epsilon and eta sampling, one after another or alone, keep the order "
            "and lie in the polygon; locally typical sampling need not",
        ),
        Clause(
            name="decided",
            text="whether an order-preserving adaptor can raise one mean of p+ and lower the other is decided with a "
            "certificate: a mixture of at most two corners that does, or a line through p+ that none crosses",
        ),
        Clause(
            name="without-ties",
            text="where no two tokens of a context tie, no order-preserving adaptor trades off iff all (L, R) lie on one "
            "line that does not fall; on C3 one does, though no temperature alone and no truncation alone",
        ),
    ),
    hypotheses=(
        "finitely many strings",
        "q(t | u) does not rise along the order of p+(t | u), ties to the lower index, the end last",
        "normalised at each context; settings may differ from context to context",
    ),
    source="the uniform laws on top sets generate the monotone cone: Robertson, Wright and Dykstra (1988)",
    check=_order_preserving,
    cases=_order_cases,
    controls=(
        Control(
            name="typical",
            breaks="counts locally typical sampling among the adaptors that keep the order",
            check=_typical_inside,
            cases=_ordered_triples,
            smallest=True,
        ),
        Control(
            name="one-k",
            breaks="drops 'context-dependent': one k for all contexts",
            check=_one_k,
            cases=_ordered_triples,
            smallest=True,
        ),
        Control(
            name="ties-either-way",
            breaks="drops 'ties to the lower index'",
            check=_ties_either_way,
            cases=few_string_trees,
            smallest=True,
        ),
        Control(
            name="comonotone-is-safe",
            breaks="says that no order-preserving adaptor trades where L and R rise with p+, as no temperature alone "
            "and no truncation alone does",
            check=_comonotone_is_safe,
            cases=_ordered_triples,
            smallest=True,
        ),
    ),
    remark="On C1 and C2 the points (L, R) lie on a line that does not fall. On C3 they do not, and order-preserving "
    "adaptors trade L for R as well as R for L. With ties p+ may be a corner of the polygon; then no order-preserving "
    "adaptor trades, although L and R are not collinear (the case 'a tree of ties').",
    figure="plane",
    order=4120,
    sketch=r"""
Laws that fall along the order are mixtures of uniform laws on the top $j$ tokens, so a linear function of the means
is largest where every context has one of these; the best average behind each token is found first: a backward
programme. In the masses $m(u)$ of prefixes the constraints are linear, $\sum_tm(ut)=m(u)$ and $m(ut_i)\ge
m(ut_{i+1})$: a polytope, on which $(\mathbb E L,\mathbb E R)$ is linear, so that its image is a polygon.
""",
)
