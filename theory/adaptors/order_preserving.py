"""What locally normalised adaptors that keep the next-token order can reach in the plane of (E L, E R).

At each context the tokens stand by falling p+(t | u), ties to the lower index, the end last. An adaptor keeps the
order if q(t | u) never rises along it. Temperature, top-k, nucleus, min-p, epsilon and eta do, and so does any chain
of them, with settings that may differ from context to context; locally typical need not.

Such a q(. | u) is a mixture of the uniform laws on the top j tokens, with weights j (q_j - q_{j+1}) >= 0. In terms of
the masses q(u) of prefixes the condition is linear, q(u t_j) >= q(u t_{j+1}), so that the laws of strings form a
polytope whose corners take at every context some uniform top-j law. Its image under (E L, E R) is a convex polygon,
and the support function max_q E_q[a L + c R] is the backward programme V(u) = max_j (V(u t_1) + ... + V(u t_j)) / j.

Corners have rational laws, so their coordinates are rational combinations of logarithms: every side of every line is
decided formally. Source: the uniform laws on top sets generate the monotone cone (Robertson, Wright and Dykstra, 1988).
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from flint import arb, fmpq

from theory.adaptors.exact import Row
from theory.adaptors.log_forms import LogForm, Point
from theory.alignment.gibbs import Aligned, Numbers, in_own_arithmetic
from theory.arithmetic.exact import Array, Exact, Undecided, floor_of, objects, sign
from theory.language_models.tree import zeros


@dataclass(frozen=True, slots=True, eq=False)
class Average:
    """total / count: the mean of the values of the top tokens, divided only where it is needed."""

    total: Point
    count: int

    def point(self) -> Point:
        """The mean as a point."""
        return self.total if self.count == 1 else self.total.scaled(fmpq(1, self.count))

    def side(self, other: Average, direction: Point) -> int:
        """The sign of this mean minus another, along a direction."""
        return sign(lambda: self._ahead(other, direction), lambda: (self.point() - other.point()).orthogonal(direction))

    def excess(self, other: Average, direction: Point) -> Exact:
        """This mean minus another, along a direction: the rational 0 where it vanishes formally, else a ball."""
        value = self._ahead(other, direction)
        return fmpq(0) if value.contains(0) and self.side(other, direction) == 0 else value

    def _ahead(self, other: Average, direction: Point) -> arb:
        return self.total.inner(direction) / self.count - other.total.inner(direction) / other.count


AXES = ((1, 0), (0, 1), (-1, 0), (0, -1))
"""The directions of the plane's axes, as whole numbers."""


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """The next tokens of p+ at every prefix, by falling probability.

    Args:
        aligned: the model.
        order: for each prefix where its next tokens lead, the most probable first: to a later prefix, or, for the
            end, to the prefix itself.
        tied: for each prefix, whether the k-th token is as probable as the one after it.
        point: (L, R) of the string that ends at each prefix, None where none does.
    """

    aligned: Aligned
    order: tuple[tuple[int, ...], ...]
    tied: tuple[tuple[bool, ...], ...]
    point: tuple[Point | None, ...]

    def strings(self) -> list[Point]:
        """(L, R) of each string."""
        return [point for point in self.point if point is not None]


@in_own_arithmetic
def ranking(numbers: Numbers) -> Ranking:
    """The order of the next tokens at every prefix, decided formally. Cost: the sum of the sorts.

    Args:
        aligned: the model.
        numbers: ``aligned.balls()`` at the working precision.
    """
    aligned = numbers.aligned
    tree = aligned.tree
    formal, own = aligned.prefix_weights(), dict(zip(aligned.node.tolist(), aligned.weights(), strict=True))
    orders, ties = [], []
    for node in range(len(tree)):
        targets = list(tree.children(node))
        weights = [formal[child] for child in targets]
        enclosures = [numbers.prefix_prob[child] for child in targets]
        if node in own:
            targets.append(node)
            weights.append(own[node])
            enclosures.append(numbers.prefix_prob[node] * numbers.end_prob[node])
        row = Row(weights, enclosures, fmpq(1), list(range(len(targets))))
        places = row.descending() if len(targets) > 1 else [0]
        orders.append(tuple(targets[k] for k in places))
        ties.append(tuple(row.compare(first, second) == 0 for first, second in itertools.pairwise(places)))
    points: list[Point | None] = [None] * len(tree)
    for node, point in zip(aligned.node, string_points(aligned), strict=True):
        points[int(node)] = point
    return Ranking(aligned, tuple(orders), tuple(ties), tuple(points))


def string_points(aligned: Aligned) -> list[Point]:
    """(L, R) of each string, formally."""
    return [
        Point(LogForm.log(prior), LogForm.log(reward.factor) + LogForm.constant(reward.exponent))
        for prior, reward in zip(aligned.prior, aligned.reward, strict=True)
    ]


def mean_point(points: Sequence[Point], weights: Array) -> Point:
    """sum_y weights(y) (L(y), R(y)) for rational weights of shape (strings,)."""
    return functools.reduce(Point.__add__, (p.scaled(w) for p, w in zip(points, weights, strict=True)))


@dataclass(frozen=True, slots=True, eq=False)
class Corner:
    """The adaptor that is uniform on the top tokens of each context.

    Args:
        tops: how many tokens each prefix keeps.
        point: its (E L, E R).
    """

    tops: tuple[int, ...]
    point: Point


def support(ranked: Ranking, *directions: Point) -> Corner:
    """A corner with the largest a E L + c E R among all order-preserving adaptors.

    V(u) = max_j (V(u t_1) + ... + V(u t_j)) / j, backwards from the ends. A later direction decides between averages
    that tie along the earlier ones; what still ties keeps fewer tokens. Cost: O(prefixes).
    """
    return _programme(ranked, directions)[0]


def _programme(ranked: Ranking, directions: Sequence[Point]) -> tuple[Corner, list[list[Average]]]:
    """The corner, and at each prefix the averages over its top j tokens, j = 1, 2, ..., of the best continuations."""
    nowhere = Point.whole(0, 0)
    best: list[Point] = [nowhere] * len(ranked.order)
    tops, averages = [1] * len(best), [[Average(nowhere, 1)]] * len(best)
    for node in range(len(best) - 1, -1, -1):
        values = (_own(ranked, node) if target == node else best[target] for target in ranked.order[node])
        row = [Average(total, j) for j, total in enumerate(itertools.accumulate(values), start=1)]
        for average in row[1:]:
            sides = (average.side(row[tops[node] - 1], direction) for direction in directions)
            if next((side > 0 for side in sides if side), False):
                tops[node] = average.count
        averages[node], best[node] = row, row[tops[node] - 1].point()
    return Corner(tuple(tops), best[0]), averages


def _own(ranked: Ranking, node: int) -> Point:
    point = ranked.point[node]
    if point is None:
        raise AssertionError(f"no string ends at prefix {node}")
    return point


def polygon(ranked: Ranking) -> tuple[Corner, ...]:
    """The corners of the set of all reachable (E L, E R), counterclockwise; one or two where it is flat.

    Two corners are joined by an edge when nothing lies beyond it; else the farthest corner beyond it comes between.
    Cost: two programmes for each corner.
    """
    right, up = Point.whole(1, 0), Point.whole(0, 1)
    first, last = support(ranked, right, up), support(ranked, -right, -up)
    if not _differs(first.point - last.point):
        return (first,)
    return (*_chain(ranked, first, last), *_chain(ranked, last, first))


def _chain(ranked: Ranking, first: Corner, last: Corner) -> tuple[Corner, ...]:
    """The corners from ``first`` up to, not including, ``last``."""
    edge = last.point - first.point
    between = support(ranked, edge.outward(), edge)
    if (between.point - first.point).side(edge.outward()) <= 0:
        return (first,)
    return (*_chain(ranked, first, between), *_chain(ranked, between, last))


def _differs(gap: Point) -> bool:
    return gap.log_prior.sign() != 0 or gap.reward.sign() != 0


def normals(corners: Sequence[Corner]) -> list[Point]:
    """Directions whose supporting lines enclose exactly the polygon of these corners."""
    if len(corners) == 1:
        return [Point.whole(*axis) for axis in AXES]
    edges = [two.point - one.point for one, two in zip(corners, [*corners[1:], corners[0]], strict=True)]
    flat = edges if len(corners) == 2 else []
    return [*(edge.outward() for edge in edges), *flat]


def corner_law(ranked: Ranking, tops: Sequence[int]) -> Array:
    """q(y) = prod_t 1/j of each string whose tokens are all kept, else 0: rationals, shape (strings,)."""
    mass = [fmpq(0)] * len(ranked.order)
    mass[0] = fmpq(1)
    ending = [fmpq(0)] * len(mass)
    for node, order in enumerate(ranked.order):
        for target in order[: tops[node]]:
            (ending if target == node else mass)[target] = mass[node] / tops[node]
    return objects(ending[int(node)] for node in ranked.aligned.node)


def every_corner(ranked: Ranking) -> Iterator[tuple[int, ...]]:
    """All choices of how many top tokens to keep, at the contexts that are then reached (1 elsewhere)."""

    def choices(waiting: Sequence[int]) -> Iterator[dict[int, int]]:
        if not waiting:
            yield {}
            return
        node, rest = waiting[0], waiting[1:]
        for j in range(1, len(ranked.order[node]) + 1):
            deeper = [target for target in ranked.order[node][:j] if target != node]
            for chosen in choices([*rest, *deeper]):
                yield {node: j} | chosen

    for chosen in choices([0]):
        yield tuple(chosen.get(node, 1) for node in range(len(ranked.order)))


def corner_count(ranked: Ranking) -> int:
    """How many choices ``every_corner`` lists."""
    counts = [1] * len(ranked.order)
    for node in range(len(counts) - 1, -1, -1):
        ways = itertools.accumulate(
            (1 if target == node else counts[target] for target in ranked.order[node]), lambda a, b: a * b
        )
        counts[node] = sum(ways)
    return counts[0]


Slopes = tuple[tuple[Any, ...], ...]
"""j [q(u t_j) - q(u t_{j+1})] at each prefix u, by rank j = 1, 2, ...; all >= 0 exactly when q keeps the order."""


def slopes(ranked: Ranking, law: Array) -> Slopes:
    """How steeply a law of strings falls along the ranks of each prefix.

    Divided by q(u) these are the weights with which q(. | u) mixes the uniform laws on the top j tokens.

    Args:
        ranked: the model with its tokens in order.
        law: q(y), shape (strings,), summing to 1: rationals; or, for a law that an adaptor makes, balls where it keeps
            a string and the rational 0 elsewhere. An adaptor treats equals alike: tokens of equal probability that
            are both kept have equal masses, and their slope is the rational 0.
    """
    tree = ranked.aligned.tree
    own = zeros(len(tree), law)
    own[ranked.aligned.node] = law
    mass = tree.sum_subtrees(own)
    rows = []
    for node, order in enumerate(ranked.order):
        masses = [*(own[t] if t == node else mass[t] for t in order), fmpq(0)]
        alike = [
            tied and not (_is_zero(first) or _is_zero(second)) and isinstance(first, arb)
            for tied, first, second in zip(ranked.tied[node], masses, masses[1:], strict=False)
        ]
        steps = zip([*alike, False], itertools.pairwise(masses), strict=True)
        rows.append(tuple(fmpq(0) if a else (one - two) * j for j, (a, (one, two)) in enumerate(steps, start=1)))
    return tuple(rows)


def losses(ranked: Ranking, direction: Point) -> Slopes:
    """V(u) - (mean of V over the top j tokens) at each prefix u, by rank j: the rational 0 or a ball > 0."""
    corner, averages = _programme(ranked, [direction])
    return tuple(
        tuple(row[top - 1].excess(average, direction) for average in row)
        for top, row in zip(corner.tops, averages, strict=True)
    )


def slack(lost: Slopes, law: Slopes) -> Any:
    """max of a E L + c E R over the order-preserving adaptors, minus the same under a law q: >= 0 if q keeps the order.

    It is the sum over prefixes u and ranks j of j [q(u t_j) - q(u t_{j+1})] times V(u) - (mean of V over the top j
    tokens). No two terms cancel if q keeps the order, so that a law on the boundary is seen there: the rational 0.

    Args:
        lost: ``losses`` along (a, c).
        law: ``slopes`` of q.
    """
    pairs = ((a, b) for first, second in zip(lost, law, strict=True) for a, b in zip(first, second, strict=True))
    return sum((a * b for a, b in pairs if not (_is_zero(a) or _is_zero(b))), start=fmpq(0))


def _is_zero(value: Exact) -> bool:
    """Whether a number is the rational 0 (a ball around 0 is not)."""
    return isinstance(value, fmpq) and value == 0


@dataclass(frozen=True, slots=True, eq=False)
class Exchange:
    """Whether an order-preserving adaptor raises one mean over its value under p+ and lowers the other.

    Args:
        raises: the mean that is to rise; the other is to fall.
        mixture: laws of corners with rational weights > 0 that sum to 1, whose mixture does it; () where nothing does.
        separator: where nothing does, a direction (a, c) that p+ itself maximises, with c >= 0 >= a to raise the
            reward and a >= 0 >= c to raise the prior's log-likelihood, not both 0; None where something does.
    """

    raises: Literal["reward", "log_prior"]
    mixture: tuple[tuple[fmpq, Corner], ...]
    separator: Point | None

    @property
    def possible(self) -> bool:
        """Whether some order-preserving adaptor does it."""
        return bool(self.mixture)

    def law(self, ranked: Ranking) -> Array:
        """The law of strings that does it, rationals of shape (strings,)."""
        result: Array = sum(corner_law(ranked, corner.tops) * weight for weight, corner in self.mixture)
        return result


def exchange(ranked: Ranking, corners: Sequence[Corner], raises: Literal["reward", "log_prior"]) -> Exchange:
    """Decide whether the polygon meets the open quadrant at p+ in which one mean rises and the other falls.

    p+ is in the polygon. Either some mixture of at most two corners lies in the quadrant, or a line through p+
    separates the two; its normal is then that of an edge or of an axis.

    Args:
        ranked: the model with its tokens in order.
        corners: ``polygon(ranked)``.
        raises: the mean that is to rise.

    Raises:
        Undecided: p+ is not rational and lies too near to the boundary.
    """
    gaps = _from_aligned(ranked, [corner.point for corner in corners])
    # turned so that the quadrant is always: L falls, R rises
    turned = gaps if raises == "reward" else [-gap for gap in gaps]
    for corner, gap in zip(corners, turned, strict=True):
        if gap.log_prior.sign() < 0 < gap.reward.sign():
            return Exchange(raises, ((fmpq(1), corner),), None)
    for (one, start), (two, stop) in itertools.permutations(zip(corners, turned, strict=True), 2):
        share = _share_inside(start, stop)
        if share is not None:
            return Exchange(raises, ((1 - share, one), (share, two)), None)
    for normal in [Point.whole(-1, 0), Point.whole(0, 1), *normals(corners)]:
        for direction in (normal, -normal):
            apart = direction.log_prior.sign() <= 0 <= direction.reward.sign()
            if apart and all(gap.side(direction) <= 0 for gap in turned):
                return Exchange(raises, (), direction if raises == "reward" else -direction)
    raise Undecided("neither a mixture of two corners nor a separating line is certain at the working precision")


def _from_aligned(ranked: Ranking, points: Sequence[Point]) -> list[Point]:
    """(point - (E L, E R) under p+) times the total weight sum_y p(y) e^R(y), for each point."""
    total: dict[fmpq, fmpq] = {}
    centre = Point.whole(0, 0)
    for own, (c, a) in zip(ranked.strings(), ranked.aligned.weight_parts(), strict=True):
        total[a] = total.get(a, fmpq(0)) + c
        centre = centre + own.scaled(c, a)
    return [functools.reduce(Point.__add__, (p.scaled(c, a) for a, c in total.items()), -centre) for p in points]


def _share_inside(start: Point, stop: Point) -> fmpq | None:
    """A rational t in (0, 1) with L < 0 < R at (1 - t) start + t stop, if there is one; start has R > 0, stop L < 0."""
    if start.reward.sign() <= 0 or stop.log_prior.sign() >= 0:
        return None
    # L < 0 from t = low on, R > 0 up to t = high
    low, high = arb(0), arb(1)
    if start.log_prior.sign() > 0:
        low = start.log_prior.ball() / (start.log_prior - stop.log_prior).ball()
    if stop.reward.sign() < 0:
        high = start.reward.ball() / (start.reward - stop.reward).ball()
    if not low < high:
        return None
    denominator = 2
    while True:
        share = fmpq(floor_of(((low + high) / 2 * denominator).mid()), denominator)
        if low < share < high:
            return share
        denominator *= 2
