"""Claims that need a tree: local against global normalisation, their gauge, what order-preserving adaptors reach."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from flint import arb, fmpq
from numpy.typing import NDArray

from theory.adaptors.exact import Chain, chain, decide
from theory.adaptors.gauge import (
    Weights,
    adaptor_weights,
    gauge_of,
    global_law,
    global_series,
    local_law,
    local_series,
    local_slope,
    next_token_laws,
    path_entropy,
    scaled,
    softmax,
)
from theory.adaptors.moments import Moments
from theory.adaptors.order_preserving import (
    AXES,
    Corner,
    Exchange,
    LogForm,
    Point,
    Ranking,
    Slopes,
    corner_count,
    corner_law,
    every_corner,
    exchange,
    fractional_truncation,
    losses,
    mean_point,
    normals,
    polygon,
    ranking,
    slack,
    slopes,
    string_points,
    support,
    thinned,
)
from theory.alignment.gibbs import align
from theory.arithmetic.exact import Array, balls, floats, objects, rational, to_float
from theory.claims.claim import Case, Claim, Control, Finding, Profile, ProofFailed
from theory.claims.instances import Instance, case, named, small
from theory.claims.symbolic import covariance, mean, simplex
from theory.claims.tree_search import tree, trees_by_size
from theory.language_models.rewards import reward_over_beta
from theory.language_models.tree import TreeModel
from theory.probability.information import total_variation

_HALF, _TWO = fmpq(1, 2), fmpq(2)


def _rational(cases: Sequence[Case]) -> list[Case]:
    return [c for c in cases if c.content.aligned.exact_prob() is not None]


# --- local-global -------------------------------------------------------------------------------------------------

_STEP = fmpq(1, 2**60)


@dataclass(frozen=True, slots=True, eq=False)
class Cooling:
    """A model, and what T = 1/2 does to its means.

    Args:
        moves: the signs of the changes of E L and E R, global, then of E L and E R, local; () where nothing is said.
    """

    found: Instance
    moves: tuple[int, ...] = ()


def _cooled(found: Instance) -> tuple[Array, Array]:
    """p+ and the global and local laws at T = 1/2 as changes of the strings' rational masses: (global, local)."""
    model, kept = next_token_laws(found.aligned), decide(found.aligned, found.numbers, chain(("temperature", "1/2")))
    weights, own = adaptor_weights(model, kept), found.aligned.exact_prob()
    return global_law(weights)[found.aligned.node] - own, local_law(weights)[found.aligned.node] - own


def _moves(found: Instance) -> list[tuple[str, LogForm, LogForm]]:
    """(mean, its change under global T = 1/2, its change under local T = 1/2) for E L and E R, formally."""
    points = string_points(found.aligned)
    everywhere, stepwise = (mean_point(points, change) for change in _cooled(found))
    return [("E L", everywhere.log_prior, stepwise.log_prior), ("E R", everywhere.reward, stepwise.reward)]


def _quotient(found: Instance, values: Array, normalise: str) -> Any:
    """d E f / d tau at 1 as a symmetric difference of adapted laws, less h^2/6 times an enclosure of d^3 E f."""
    means = []
    for tau in (1 + _STEP, 1 - _STEP):
        law, _ = found.adapted(chain(("temperature", 1 / tau)), normalise)
        means.append((law.prob * values[law.string]).sum())
    around = arb(1, float(_STEP))
    if normalise == "local":
        third = local_series(found.aligned, found.numbers, values, around, 4)[3]
    else:
        third = global_series(found.numbers, values, around, 4)[3]
    return (means[0] - means[1]) / (2 * _STEP) - _STEP**2 * third


def _local_global(content: Cooling, side: int = 1) -> Iterator[Finding]:
    found = content.found
    numbers = found.numbers
    along = path_entropy(found.aligned, numbers)
    yield Finding("E sum h = H", (numbers.prob * along).sum() - found.mean.entropy)
    for name, values in (("L", numbers.log_prior), ("R", numbers.reward), ("I", numbers.surprisal)):
        centred = numbers.prob * (values - (numbers.prob * values).sum())
        formula = -side * (centred * along).sum()
        mean_value, slope = local_slope(found.aligned, numbers, values, arb(1))
        yield Finding(f"E_loc {name} = E {name} at tau = 1", mean_value - (numbers.prob * values).sum())
        yield Finding(f"d(E_glob - E_loc) {name}, recursion", -(centred * numbers.surprisal).sum() - slope - formula)
        gap = _quotient(found, values, "global") - _quotient(found, values, "local")
        yield Finding(f"d(E_glob - E_loc) {name}, difference of laws", gap - formula)
    if content.moves:
        first, second = _moves(found)
        changes = (first[1], second[1], first[2], second[2])
        for label, form, sign in zip(
            ("glob E L", "glob E R", "loc E L", "loc E R"), changes, content.moves, strict=True
        ):
            yield Finding(f"change of {label} at T = 1/2 has sign {sign:+d}", form.number() * sign, "positive")


def _plus_covariance(found: Instance) -> Iterator[Finding]:
    return _local_global(Cooling(found), side=-1)


def _same_law(found: Instance) -> Iterator[Finding]:
    everywhere, stepwise = _cooled(found)
    yield Finding("TV(q_loc, q_glob) at T = 1/2", total_variation(everywhere, stepwise))


def _never_opposite(found: Instance) -> Iterator[Finding]:
    moves = _moves(found)
    both = all(everywhere.sign() * stepwise.sign() < 0 for _, everywhere, stepwise in moves)
    products = (everywhere.ball() * stepwise.ball() for _, everywhere, stepwise in moves)
    worst = functools.reduce(arb.max, products) if both else fmpq(0)
    yield Finding("E L or E R moves the same way under local and global T = 1/2", worst, "nonnegative")


def _never_as_c2(found: Instance) -> Iterator[Finding]:
    moves = _moves(found)
    as_c2 = all(everywhere.sign() > 0 > stepwise.sign() for _, everywhere, stepwise in moves)
    value = functools.reduce(arb.max, (stepwise.ball() for _, _, stepwise in moves)) if as_c2 else fmpq(0)
    yield Finding("not: global raises E L and E R, local lowers both", value, "nonnegative")


def _local_global_cases(profile: Profile) -> list[Case]:
    anchors = [
        ("C2", named("C2")[0], (1, 1, -1, -1)),
        ("3 strings, weights 12", _anchor((1, 3, 2), (3, 1, 2)), (1, 1, -1, -1)),
        ("3 strings, weights 10", _anchor((1, 2, 1), (2, 1, 3)), (-1, 1, 1, -1)),
    ]
    moved = [Case(name, Cooling(c.content, moves), c.spec) for name, c, moves in anchors]
    return [*moved, *(Case(c.name, Cooling(c.content), c.spec) for c in small(profile) if c.name != "C2")]


def _anchor(prior: Sequence[int], exp_reward: Sequence[int]) -> Case:
    return case("", tree((((), ()), ()), prior, exp_reward))


def _triples(profile: Profile) -> Iterator[Case]:
    """All trees of three strings; with two strings there is one decision, where local and global agree."""
    del profile
    return trees_by_size(3, 3, 12, ordered=False)


Paths = tuple[tuple[str, ...], ...]
Step = tuple[tuple[str, ...], str]

_PATHS: tuple[Paths, ...] = (
    (("a",), ("b",)),
    (("a", "c"), ("a", "d"), ("b",)),
    ((), ("a",), ("a", "b"), ("a", "c")),
)
"""Strings of the symbolic trees: a table, C2's shape, and one with ends inside."""


def _decisions(paths: Paths) -> dict[tuple[str, ...], list[str]]:
    """The next tokens of each prefix, "$" for the end."""
    found: dict[tuple[str, ...], list[str]] = {}
    for path in paths:
        for k, token in enumerate((*path, "$")):
            tokens = found.setdefault(path[:k], [])
            tokens += [token] * (token not in tokens)
    return found


def _product(path: tuple[str, ...], weight: Mapping[Step, Any]) -> Any:
    return sp.Mul(*(weight[path[:k], token] for k, token in enumerate((*path, "$"))))


@dataclass(frozen=True, slots=True)
class SymbolicTree:
    """A tree with free next-token laws; log p of each step is a symbol l of its own, free as well.

    Temperature enters to first order, p^tau = p (1 + x l) with x = tau - 1: derivatives at tau = 1 see no more.

    Args:
        step: p(t | u), by (prefix, next token); the laws sum to 1.
        log_step: l(t | u), likewise.
        prob: p+(y) = prod_t p(t | u) of each string.
    """

    paths: Paths
    step: Mapping[Step, Any]
    log_step: Mapping[Step, Any]
    prob: tuple[Any, ...]

    def along(self, values: Mapping[tuple[str, ...], Any]) -> list[Any]:
        """The sum over the prefixes of each string, itself included."""
        return [sp.Add(*(values[path[:k]] for k in range(len(path) + 1))) for path in self.paths]


def _symbolic_tree(paths: Paths) -> SymbolicTree:
    step: dict[Step, Any] = {}
    for context, tokens in _decisions(paths).items():
        law = simplex(len(tokens), f"p{''.join(context)}_")
        step |= {(context, token): p for token, p in zip(tokens, law, strict=True)}
    log_step = {(u, t): sp.Symbol(f"l{''.join(u)}_{t}") for u, t in step}
    return SymbolicTree(paths, step, log_step, tuple(_product(path, step) for path in paths))


def _cancels(expression: Any, what: str) -> str:
    """Prove that a rational function is 0, in the field of rational functions of its symbols.

    Raises:
        ProofFailed: it is another function.
    """
    symbols = sorted(expression.free_symbols, key=str)
    if (sp.field(symbols, sp.QQ)[0].from_expr(expression) if symbols else expression) != 0:
        raise ProofFailed(f"{what}: does not cancel")
    return what


def _local_global_proof() -> list[str]:
    lines = []
    for paths in _PATHS:
        found, decisions = _symbolic_tree(paths), _decisions(paths)
        entropy = {u: -sp.Add(*(found.step[u, t] * found.log_step[u, t] for t in ts)) for u, ts in decisions.items()}
        x, values = sp.Symbol("x"), sp.symbols(f"f1:{len(paths) + 1}")
        raised = {key: p * (1 + x * found.log_step[key]) for key, p in found.step.items()}
        total = {u: sp.Add(*(raised[u, t] for t in ts)) for u, ts in decisions.items()}
        stepwise = [_product(path, {key: w / total[key[0]] for key, w in raised.items()}) for path in paths]
        everywhere = [_product(path, raised) for path in paths]
        gap = mean(everywhere, values) / sp.Add(*everywhere) - mean(stepwise, values)
        slope = sp.diff(gap, x).subs(x, 0) + covariance(found.prob, values, found.along(entropy))
        lines.append(_cancels(slope, f"d(E_glob - E_loc) f = -Cov(f, sum h), {len(paths)} strings"))
    return lines


_LOCAL_GLOBAL = Claim(
    id="adaptors.local-global",
    sentence="C",
    title="local and global temperature differ by the covariance with the entropies met along the string",
    statement=r"\frac{d}{d\tau}\left(\mathbb{E}_{\mathrm{glob}} f - \mathbb{E}_{\mathrm{loc}} f\right)\Big|_{\tau=1}"
    r" = -\operatorname{Cov}_{p_+}\Big(f, \sum_t h_t\Big)",
    hypotheses=(
        "finitely many strings",
        "f any function of the string",
        "h_t entropies of p+'s next-token laws, end included",
    ),
    source="differentiates q_glob prop. p+^tau and q_loc = prod p+(t|u)^tau / c_tau(u)",
    check=_local_global,
    cases=_local_global_cases,
    controls=(
        Control(
            name="wrong-sign",
            breaks="plus the covariance instead of minus",
            check=_plus_covariance,
            cases=_triples,
            smallest=True,
        ),
        Control(
            name="same-law",
            breaks="drops the covariance: local and global temperature make the same law",
            check=_same_law,
            cases=_triples,
            smallest=True,
        ),
        Control(
            name="same-direction",
            breaks="says that local and global T = 1/2 never move both means in opposite directions",
            check=_never_opposite,
            cases=_triples,
            smallest=True,
        ),
        Control(
            name="both-cool",
            breaks="says that no tree has both means raised by global and lowered by local T = 1/2, as C2 has",
            check=_never_as_c2,
            cases=_triples,
            smallest=True,
        ),
    ),
    proof=_local_global_proof,
    remark="On a table the two are one law; wherever the entropies met along the string sum to the same number they "
    "agree to first order. Trees of 3 strings show what C2 shows with 5: the smallest where local and global T = 1/2 "
    "move both means in opposite directions has weights that sum to 10, and there even the direction of the exchange "
    "turns; the smallest of C2's own pattern has 12.",
)


# --- gauge --------------------------------------------------------------------------------------------------------

_WEIGHTS = (
    chain(("temperature", "1/2")),
    chain(("temperature", 2)),
    chain(("top_k", 2)),
    chain(("nucleus", "4/5")),
    chain(("min_p", "1/2"), ("temperature", "1/3")),
)


@dataclass(frozen=True, slots=True, eq=False)
class Gauging:
    """A model, a gauge and a law to be reached.

    Args:
        gauge: gamma > 0 of each prefix, rationals.
        target: masses > 0 of the strings, rationals; restricted to a support and normalised there.
    """

    found: Instance
    gauge: Array
    target: Array


def _weights(found: Instance, steps: Chain) -> Weights:
    return adaptor_weights(next_token_laws(found.aligned), decide(found.aligned, found.numbers, steps))


def _restricted(weights: Weights, node: Array, target: Array) -> Array:
    """The target on the strings that the weights keep, by prefix, summing to 1."""
    law = weights.product() * 0
    law[node] = target
    law = objects(mass if w != 0 else fmpq(0) for mass, w in zip(law, weights.product(), strict=True))
    result: Array = law / law.sum()
    return result


def _paths_agree(weights: Weights) -> bool:
    """Whether prod_t c_t is the same along every string that the weights keep (rational weights)."""
    total = weights.normalisers()
    along = weights.tree.descend(total[0], total, np.multiply)
    return len({c for c, w in zip(along, weights.product(), strict=True) if w != 0}) == 1


def _gauge(content: Gauging) -> Iterator[Finding]:
    found = content.found
    node = found.aligned.node
    for steps in _WEIGHTS:
        name = _name(steps)
        weights = _weights(found, steps)
        everywhere, stepwise = global_law(weights), local_law(weights)
        for normalise, law in (("global", everywhere), ("local", stepwise)):
            known, _ = found.adapted(steps, normalise)
            yield Finding(f"{name}: q_{normalise}", total_variation(balls(law[node])[known.string], known.prob))
        moved = scaled(weights, content.gauge)
        yield Finding(f"{name}: q_loc under gamma", total_variation(local_law(moved), stepwise))
        yield Finding(f"{name}: softmax has q_glob = q_loc", total_variation(global_law(softmax(weights)), stepwise))
        target = _restricted(weights, node, content.target)
        for goal, law in (("a law", target), ("q_loc", stepwise)):
            gauge = gauge_of(weights, law)
            yield Finding(f"{name}: gamma for {goal} > 0", functools.reduce(_least, gauge), "positive")
            reached = scaled(weights, gauge)
            yield Finding(f"{name}: q_glob under gamma for {goal}", total_variation(global_law(reached), law))
            yield Finding(f"{name}: C = 1 under gamma for {goal}", reached.product().sum() - 1)
        own = gauge_of(weights, everywhere)
        yield Finding(f"{name}: gamma for q_glob is 1/C at the root", own[0] - 1 / weights.product().sum())
        yield Finding(f"{name}: and 1 elsewhere", total_variation(own[1:], own[1:] * 0 + 1))
        if all(isinstance(w, fmpq) for w in weights.edge):
            same = everywhere.tolist() == stepwise.tolist()
            yield Finding(f"{name}: q_glob = q_loc iff prod c is constant", fmpq(same != _paths_agree(weights)))
        yield from _unscored(name, weights, content.gauge)


def _least(first: Any, second: Any) -> Any:
    return second if second < first else first


def _unscored(name: str, weights: Weights, gauge: Array) -> Iterator[Finding]:
    """Where a context that can only end is not scored, strings that differ in their last token keep their ratio."""
    product, moved = weights.product(), scaled(weights, _without_leaves(weights, gauge)).product()
    worst = fmpq(0)
    for one, two in _siblings(weights):
        gap = moved[one] * product[two] - moved[two] * product[one]
        worst = worst + abs(gap)
    yield Finding(f"{name}: without the end's weight, siblings keep their ratio", worst)


def _without_leaves(weights: Weights, gauge: Array) -> Array:
    """The gauge with factor 1 wherever nothing but the end can follow."""
    tree = weights.tree
    return objects(g if len(tree.children(u)) else fmpq(1) for u, g in enumerate(gauge))


def _siblings(weights: Weights) -> Iterator[tuple[int, int]]:
    """Pairs of strings that differ only in the last decision: another last token, or the end in its place."""
    tree, product = weights.tree, weights.product()
    for node in range(len(tree)):
        last = [u for u in tree.children(node) if not len(tree.children(u))]
        yield from itertools.pairwise(u for u in [node, *last] if product[u] != 0)


def _gauge_cases(profile: Profile) -> list[Case]:
    rng = np.random.default_rng(profile.seed)
    cases = []
    for c in _rational(small(profile)):
        gauge = objects(fmpq(int(a), int(b)) for a, b in rng.integers(1, 9, (len(c.content.aligned.tree), 2)))
        target = objects(fmpq(int(a)) for a in rng.integers(1, 9, len(c.content.aligned)))
        cases.append(Case(c.name, Gauging(c.content, gauge, target), c.spec))
    return cases


def _invariant(found: Instance) -> Iterator[Finding]:
    weights = _weights(found, ())
    for gauge in itertools.product((1, 2), repeat=len(weights.tree)):
        moved = global_law(scaled(weights, objects(map(fmpq, gauge))))
        yield Finding(f"q_glob under gamma = {gauge}", total_variation(moved, global_law(weights)))


def _powers_are_softmax(found: Instance) -> Iterator[Finding]:
    weights = _weights(found, chain(("temperature", "1/2")))
    gap = total_variation(global_law(weights), global_law(softmax(weights)))
    yield Finding("q_glob of p+^2 and of its softmax", gap)


def _factor_per_token(found: Instance) -> Iterator[Finding]:
    weights = _weights(found, ())
    edge = weights.edge.copy()
    edge[1] *= 2
    gap = total_variation(local_law(Weights(weights.tree, edge, weights.end)), local_law(weights))
    yield Finding("q_loc with the first weight of the root doubled", gap)


def _reached_unscored(found: Instance) -> Iterator[Finding]:
    weights = _weights(found, ())
    ramp = objects(fmpq(k + 1) for k in range(len(found.aligned)))
    target = _restricted(weights, found.aligned.node, ramp)
    gauge = _without_leaves(weights, gauge_of(weights, target))
    gap = total_variation(global_law(scaled(weights, gauge)), target)
    yield Finding("q_glob under the gauge for a law prop. 1, 2, ..., ends not scored", gap)


def _few(profile: Profile) -> Iterator[Case]:
    """All trees of two and three strings."""
    del profile
    return trees_by_size(2, 3, 8, ordered=True)


def _gauge_proof() -> list[str]:
    lines = []
    for paths in _PATHS:
        n, decisions = len(paths), _decisions(paths)
        weight = {(u, t): sp.Symbol(f"w{''.join(u)}_{t}") for u, ts in decisions.items() for t in ts}
        factor = {u: sp.Symbol(f"g{''.join(u)}") for u in decisions}
        total = {u: sp.Add(*(weight[u, t] for t in ts)) for u, ts in decisions.items()}
        product = [_product(path, weight) for path in paths]
        stepwise = [_product(path, {key: w / total[key[0]] for key, w in weight.items()}) for path in paths]
        moved = {key: factor[key[0]] * w for key, w in weight.items()}
        for path, law in zip(paths, stepwise, strict=True):
            sums = {u: sp.Add(*(moved[u, t] for t in ts)) for u, ts in decisions.items()}
            gap = _product(path, {key: w / sums[key[0]] for key, w in moved.items()}) - law
            what = f"q_loc({' '.join(path)}) is free of gamma, {n} strings"
            lines.append(_cancels(gap, what))
        lines.append(
            _cancels(sp.Add(*stepwise) - 1, f"softmax weights have C = 1, so that q_glob = q_loc, {n} strings")
        )
        target = simplex(n, "q")
        height = {path: q / w for path, q, w in zip(paths, target, product, strict=True)}
        height = {u: height.get(u, sp.Symbol(f"G{''.join(u)}")) for u in decisions}
        gauge = {u: height[u] / height[u[:-1]] if u else height[u] for u in decisions}
        reached = [_product(path, {key: gauge[key[0]] * w for key, w in weight.items()}) for path in paths]
        for path, have, want in zip(paths, reached, target, strict=True):
            lines.append(_cancels(have - want, f"gamma = G(u) / G(parent) reaches q({' '.join(path)}), {n} strings"))
    return lines


_GAUGE = Claim(
    id="adaptors.gauge",
    sentence="C",
    title="a factor per context leaves the local law alone and can turn the global law into any law on its support",
    statement=r"w'_t(\cdot\mid u) = \gamma(u)\, w_t(\cdot\mid u):\quad q'_{\mathrm{loc}} = q_{\mathrm{loc}},\qquad"
    r"\{q'_{\mathrm{glob}} : \gamma > 0\} = \{q : \operatorname{supp} q = \operatorname{supp} q_{\mathrm{glob}}\}",
    hypotheses=("finitely many strings", "the end of a string is a token with a weight", "gamma(u) > 0"),
    source="Moebius inversion of a product over prefixes: gamma(u) = G(u) / G(parent of u) with G = q / prod w",
    check=_gauge,
    cases=_gauge_cases,
    controls=(
        Control(
            name="gauge-invariant",
            breaks="says that global normalisation is gauge invariant, too",
            check=_invariant,
            cases=_few,
            smallest=True,
        ),
        Control(
            name="power-is-softmax",
            breaks="takes p+^(1/T) and softmax_T for the same global adaptor",
            check=_powers_are_softmax,
            cases=_few,
            smallest=True,
        ),
        Control(
            name="factor-per-token",
            breaks="lets the factor depend on the token: the local law stays",
            check=_factor_per_token,
            cases=_few,
            smallest=True,
        ),
        Control(
            name="end-not-scored",
            breaks="drops the weight of the end where nothing else can follow: every law is still reached",
            check=_reached_unscored,
            cases=_few,
            smallest=True,
        ),
    ),
    proof=_gauge_proof,
    remark="'Globally normalised' means nothing until the weights are fixed. Where the end is not scored at a context "
    "that can only end, strings that differ only in their last decision keep the ratio of their weights, whatever "
    "the gauge. A law that loses a string of the support is a limit of gauges, not one.",
)


# --- order-preserving ---------------------------------------------------------------------------------------------

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


def _name(steps: Chain) -> str:
    return ", ".join(f"{step.name} {step.value}" for step in steps)


def _first_below(values: Iterable[Any]) -> Any:
    """The first value that is not certainly >= 0, else 0."""
    return next((value for value in values if not value >= 0), fmpq(0))


def _slopes(found: Instance, ranked: Ranking, steps: Chain) -> tuple[Slopes, Moments]:
    """The slopes along the ranks of the local law of an adaptor, and its moments."""
    law, means = found.adapted(steps, "local")
    mass = objects([fmpq(0)] * len(found.aligned))
    mass[law.string] = law.prob
    return slopes(ranked, mass), means


def _inner(direction: Point, log_prior: Any, reward: Any) -> Any:
    return direction.log_prior.ball() * log_prior + direction.reward.ball() * reward


def _order_preserving(found: Instance) -> Iterator[Finding]:
    ranked = ranking(found.aligned, found.numbers)
    corners = polygon(ranked)
    yield from _corners(ranked, corners)
    yield from _inside(found, ranked, corners)
    for raises in ("reward", "log_prior"):
        yield from _exchanged(found, ranked, exchange(ranked, corners, raises))
    if not any(itertools.chain.from_iterable(ranked.tied)):
        yields = any(exchange(ranked, corners, raises).possible for raises in ("reward", "log_prior"))
        rising = _on_rising_line(string_points(found.aligned))
        yield Finding(
            "without ties: no exchange iff the strings lie on a line that does not fall", fmpq(yields == rising)
        )


def _corners(ranked: Ranking, corners: Sequence[Corner]) -> Iterator[Finding]:
    """The polygon against its support function, the laws of its corners, and all laws of corners one by one."""
    points = ranked.strings()
    for axis in _DIRECTIONS:
        direction = Point.whole(*axis)
        best = support(ranked, direction).point
        gaps = [(best - corner.point).along(direction) for corner in corners]
        yield Finding(f"no corner beyond the support function along {axis}", _first_below(gaps), "nonnegative")
        yield Finding(
            f"a corner attains it along {axis}", fmpq(not any(gap == 0 for gap in gaps if isinstance(gap, fmpq)))
        )
    for corner in corners:
        apart = mean_point(points, corner_law(ranked, corner.tops)) - corner.point
        yield Finding("E L of a corner, from its law", apart.log_prior.number())
        yield Finding("E R of a corner, from its law", apart.reward.number())
    mixture = sum(corner_law(ranked, corner.tops) * fmpq(k + 1) for k, corner in enumerate(corners))
    steep = _first_below(itertools.chain.from_iterable(slopes(ranked, mixture / mixture.sum())))
    yield Finding("a mixture of the corners keeps the order", steep, "nonnegative")
    if corner_count(ranked) <= _MANY_CORNERS:
        facets = [(normal, support(ranked, normal).point) for normal in normals(corners)]
        every = [mean_point(points, corner_law(ranked, tops)) for tops in every_corner(ranked)]
        beyond = _first_below((best - point).along(normal) for point in every for normal, best in facets)
        yield Finding(f"none of {len(every)} choices of top tokens lies outside", beyond, "nonnegative")


def _inside(found: Instance, ranked: Ranking, corners: Sequence[Corner]) -> Iterator[Finding]:
    """Adaptors keep the order, and lie on the inner side of every edge."""
    facets = [(normal, support(ranked, normal).point, losses(ranked, normal)) for normal in normals(corners)]
    for steps in _KEEPING:
        law, means = _slopes(found, ranked, steps)
        steep = _first_below(itertools.chain.from_iterable(law))
        yield Finding(f"{_name(steps)} keeps the order", steep, "nonnegative")
        for k, (normal, best, lost) in enumerate(facets):
            inside = slack(lost, law)
            yield Finding(f"{_name(steps)} is inside edge {k + 1}", inside, "nonnegative")
            gap = best.log_prior.ball() - means.mean_log_prior, best.reward.ball() - means.mean_reward
            yield Finding(f"{_name(steps)}: its distance to edge {k + 1}, by ranks", _inner(normal, *gap) - inside)


def _exchanged(found: Instance, ranked: Ranking, decided: Exchange) -> Iterator[Finding]:
    """The certificate: an adaptor that makes the exchange, or the line that separates."""
    side = 1 if decided.raises == "reward" else -1
    if decided.separator is not None:
        a, c = decided.separator.log_prior.number(), decided.separator.reward.number()
        yield Finding(f"separator, raising {decided.raises}: sign of a", -side * a, "nonnegative")
        yield Finding(f"separator, raising {decided.raises}: sign of c", side * c, "nonnegative")
        yield Finding(f"separator, raising {decided.raises}: not 0", abs(a) + abs(c), "positive")
        most = slack(losses(ranked, decided.separator), slopes(ranked, found.mass()))
        yield Finding(f"no order-preserving adaptor raises {decided.raises} and lowers the other", most)
        return
    law = decided.law(ranked)
    steep = _first_below(itertools.chain.from_iterable(slopes(ranked, law)))
    yield Finding(f"the adaptor that raises {decided.raises} is a law", law.sum() - 1)
    yield Finding(f"the adaptor that raises {decided.raises} keeps the order", steep, "nonnegative")
    change = law - found.numbers.prob
    yield Finding(f"raising {decided.raises}: R moves", side * (change * found.numbers.reward).sum(), "positive")
    yield Finding(f"raising {decided.raises}: L moves", -side * (change * found.numbers.log_prior).sum(), "positive")


def _on_rising_line(points: Sequence[Point]) -> bool:
    """Whether all points lie on one line along which neither coordinate falls as the other rises."""
    gaps = [point - points[0] for point in points]
    along = next((gap for gap in gaps if gap.log_prior.sign() or gap.reward.sign()), None)
    if along is None:
        return True
    flat = all(gap.side(along.outward()) == 0 for gap in gaps)
    return flat and along.log_prior.sign() * along.reward.sign() >= 0


def _order_cases(profile: Profile) -> list[Case]:
    # every context ties, so that p+ is a corner; L and R fall together from branch to branch, off any one line
    tied = tree(((), ((), ()), ((), (), ())), (9, 6, 6, 4, 4, 4), (8, 6, 6, 6, 6, 6))
    values = ("0", "1/2", "1")
    irrational = align(
        TreeModel.table(("x", "y", "z"), objects((fmpq(4, 7), fmpq(1, 7), fmpq(2, 7)))),
        [reward_over_beta(value, fmpq(1)) for value in values],
    )
    chosen = [c for c in small(profile) if len(c.content.aligned) <= _MANY_STRINGS]
    return [*chosen, case("a tree of ties", tied), case("r = 0, 1/2, 1", irrational)]


def _typical_inside(found: Instance) -> Iterator[Finding]:
    ranked = ranking(found.aligned, found.numbers)
    facets = [losses(ranked, normal) for normal in normals(polygon(ranked))]
    for steps in _TYPICAL:
        law, _ = _slopes(found, ranked, steps)
        for k, lost in enumerate(facets):
            yield Finding(f"{_name(steps)} is inside edge {k + 1}", slack(lost, law), "nonnegative")


def _one_k(found: Instance) -> Iterator[Finding]:
    ranked = ranking(found.aligned, found.numbers)
    points = string_points(found.aligned)
    widest = max(map(len, ranked.order))
    tops = [tuple(min(k, len(order)) for order in ranked.order) for k in range(1, widest + 1)]
    reached = [mean_point(points, corner_law(ranked, top)) for top in tops]
    for k, normal in enumerate(normals(polygon(ranked))):
        best = support(ranked, normal).point
        gaps = [(best - point).along(normal) for point in reached]
        attained = any(isinstance(gap, fmpq) for gap in gaps)
        value = fmpq(0) if attained else functools.reduce(arb.min, gaps)
        yield Finding(f"the best top-k with one k for all contexts reaches edge {k + 1}", value)


def _comonotone_is_safe(found: Instance) -> Iterator[Finding]:
    ranked = ranking(found.aligned, found.numbers)
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


def _ties_either_way(found: Instance) -> Iterator[Finding]:
    ranked = ranking(found.aligned, found.numbers)
    last = [order[next((k for k, tie in enumerate([*ties, False]) if not tie))] for order, ties in _rows(ranked)]
    node = 0
    while last[node] != node:
        node = last[node]
    law = objects(fmpq(int(u == node)) for u in found.aligned.node)
    for k, normal in enumerate(normals(polygon(ranked))):
        value = slack(losses(ranked, normal), slopes(ranked, law))
        yield Finding(f"the last of the most probable tokens only: inside edge {k + 1}", value, "nonnegative")


def _rows(ranked: Ranking) -> Iterator[tuple[tuple[int, ...], tuple[bool, ...]]]:
    return zip(ranked.order, ranked.tied, strict=True)


def _ordered_triples(profile: Profile) -> Iterator[Case]:
    """All trees of three strings, tables among them, in every order.

    With two strings there is one decision, (L, R) lie on one line, and the more probable string is the more typical.
    """
    del profile
    return trees_by_size(3, 3, 11, ordered=True)


def _order_proof() -> list[str]:
    lines = []
    for size in (2, 3, 4):
        q = simplex(size, "q")
        share = [j * (one - two) for j, (one, two) in enumerate(itertools.pairwise([*q, 0]), start=1)]
        lines.append(_cancels(sp.Add(*share) - 1, f"the weights j (q_j - q_j+1) sum to 1, {size} tokens"))
        for i in range(size):
            mixed = sp.Add(*(w / sp.Integer(j) for j, w in enumerate(share, start=1) if j > i))
            lines.append(
                _cancels(mixed - q[i], f"q_{i + 1} is that mixture of uniform laws on top sets, {size} tokens")
            )
    for paths in _PATHS:
        found = _symbolic_tree(paths)
        decisions, values = _decisions(paths), sp.symbols(f"f1:{len(paths) + 1}")
        best = {u: sp.Symbol(f"V{''.join(u)}") for u in decisions}
        ends = dict(zip(paths, values, strict=True))
        total = best[()] - mean(found.prob, values)
        for u, tokens in decisions.items():
            reach = sp.Mul(*(found.step[u[:k], token] for k, token in enumerate(u)))
            ahead = sp.Add(*(found.step[u, t] * (ends[u] if t == "$" else best[*u, t]) for t in tokens))
            total -= reach * (best[u] - ahead)
        lines.append(_cancels(total, f"V(root) - E_q f = sum q(u) [V(u) - E_q V(next)], {len(paths)} strings"))
    return lines


_ORDER_PRESERVING = Claim(
    id="adaptors.order-preserving",
    sentence="C",
    title="what local adaptors that keep the next-token order can reach is a polygon, found by a backward programme",
    statement=r"\max_q \mathbb{E}_q[aL + cR] = V(\varepsilon),\quad"
    r" V(u) = \max_j \tfrac1j \textstyle\sum_{i \le j} V(u t_i),\quad p_+(t_1 \mid u) \ge p_+(t_2 \mid u) \ge \dots",
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
            cases=_few,
            smallest=True,
        ),
        Control(
            name="comonotone-is-safe",
            breaks="says that no adaptor trades off where L and R rise with p+, so no temperature or truncation",
            check=_comonotone_is_safe,
            cases=_ordered_triples,
            smallest=True,
        ),
    ),
    proof=_order_proof,
    remark="Whether some order-preserving adaptor trades off against p+ is decided with a certificate: a mixture of at "
    "most two corners that does, or a line through p+ that nothing crosses. Where no two tokens tie, p+ is inside, and "
    "nothing trades off only if all (L, R) lie on one line that does not fall (C1, C2). C3 is not such a line: no "
    "temperature and no truncation trades off there, but an order-preserving adaptor does, both ways. With ties p+ may "
    "be a corner, and nothing trade off although L and R are not collinear ('a tree of ties').",
)


# --- attainability ------------------------------------------------------------------------------------------------

_SHARES = (fmpq(1, 8), _HALF, fmpq(9, 10))
_TEMPERATURES = ((_HALF, fmpq(1)), (fmpq(1), _TWO), (_TWO, fmpq(5)))
_MASSES = (fmpq(1, 10), fmpq(1, 3), _HALF, fmpq(2, 3), fmpq(9, 10), fmpq(1))
_BRACKET = fmpq(1, 2**30)


def _powered(found: Instance, tau: Any) -> Array:
    """The global temperature law at tau = 1 / T."""
    weight = objects((-i * tau).exp() for i in found.numbers.surprisal)
    result: Array = weight / weight.sum()
    return result


def _cross_entropy(found: Instance, tau: Any) -> Any:
    return (_powered(found, tau) * found.numbers.surprisal).sum()


def _power_with(surprisal: NDArray[np.float64], wanted: float) -> float:
    """tau with CE(q_tau) = wanted, by bisection in float64; CE falls in tau."""
    low, high = 0.0, 1.0

    def above(tau: float) -> bool:
        weight = np.exp(-tau * (surprisal - surprisal.min()))
        return bool(weight @ surprisal / weight.sum() > wanted)

    while above(high):
        low, high = high, 2 * high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if above(middle) else (low, middle)
    return (low + high) / 2


def _extremes(found: Instance) -> tuple[list[int], list[int]]:
    """The strings of least surprisal, and those of the least surprisal above it, by equality of rationals."""
    prob = found.mass()
    levels = sorted(set(prob), reverse=True)
    return [y for y, p in enumerate(prob) if p == levels[0]], [y for y, p in enumerate(prob) if p == levels[1]]


def _attained(found: Instance) -> Iterator[Finding]:
    yield from _temperature_continuous(found)
    if not found.mean.constant.surprisal:
        yield from _temperature_attains(found)
    yield from _truncation_attains(found)


def _temperature_attains(found: Instance) -> Iterator[Finding]:
    """Along global temperature CE takes every value between min I and the plain average of I, each once."""
    surprisal = found.numbers.surprisal
    first, second = _extremes(found)
    low, high, spread = (
        surprisal[first[0]],
        surprisal.sum() / len(surprisal),
        surprisal[second[0]] - surprisal[first[0]],
    )
    widest = functools.reduce(arb.max, surprisal) - low
    for share in _SHARES:
        wanted = low + (high - low) * share
        tau = rational(_power_with(floats(surprisal), to_float(wanted)))
        before, after = (_cross_entropy(found, tau * (1 + side * _BRACKET)) for side in (-1, 1))
        yield Finding(f"CE > {share} of the way just before tau", before - wanted, "positive")
        yield Finding(f"CE < {share} of the way just after tau", wanted - after, "positive")
        law = _powered(found, arb(tau))
        variance = (law * (surprisal - (law * surprisal).sum()) ** 2).sum()
        yield Finding(f"-dCE/dtau = Var I > 0 at {share} of the way", variance, "positive")
    rest = fmpq(len(surprisal) - len(first), len(first))
    cold, hot = fmpq(16), fmpq(1, 64)
    near = _cross_entropy(found, cold) - low
    yield Finding("min I is not attained", near, "positive")
    yield Finding("min I is approached", widest * rest * (-spread * cold).exp() - near, "nonnegative")
    near = high - _cross_entropy(found, hot)
    yield Finding("the plain average of I is not attained", near, "positive")
    yield Finding("the plain average of I is approached", widest * widest / 4 * hot - near, "nonnegative")


def _temperature_continuous(found: Instance) -> Iterator[Finding]:
    """|E f at tau - E f at tau'| <= |tau - tau'| range(f) range(I) / 4; locally with the ranges of the steps' log "
    "p+."""
    numbers, constant = found.numbers, found.mean.constant
    everywhere = _range(numbers.surprisal) if not constant.surprisal else fmpq(0)
    for normalise, reach in (("global", everywhere), ("local", _range_along(found))):
        for one, two in _TEMPERATURES:
            (_, before), (_, after) = (found.adapted(chain(("temperature", 1 / tau)), normalise) for tau in (one, two))
            gaps = (
                ("L", constant.log_prior, numbers.log_prior, after.mean_log_prior - before.mean_log_prior),
                ("R", constant.reward, numbers.reward, after.mean_reward - before.mean_reward),
            )
            for name, same, values, gap in gaps:
                label = f"E {name}, {normalise}, tau {one} to {two}"
                if same or not isinstance(reach, arb):
                    yield Finding(f"{label}: stays", gap)
                else:
                    bound = _range(values) * reach * (two - one) / 4
                    yield Finding(f"{label}: moves no faster than its bound", bound - abs(gap), "nonnegative")


def _range(values: Array) -> Any:
    return functools.reduce(arb.max, values) - functools.reduce(arb.min, values)


def _range_along(found: Instance) -> Any:
    """The largest sum of the ranges of log p+(. | prefix) along a string; the rational 0 where all tokens tie."""
    ranked = ranking(found.aligned, found.numbers)
    numbers, tree_ = found.numbers, found.aligned.tree
    total: list[Any] = [fmpq(0)] * len(tree_)
    for node, (order, ties) in enumerate(_rows(ranked)):
        if node:
            total[node] = total[tree_.parent[node]]
        if not all(ties):
            masses = [numbers.prefix_prob[t] * (numbers.end_prob[t] if t == node else 1) for t in order]
            total[node] = total[node] + masses[0].log() - masses[-1].log()
    moving = [total[u] for u in found.aligned.node if isinstance(total[u], arb)]
    return functools.reduce(arb.max, moving) if moving else fmpq(0)


def _truncation_attains(found: Instance) -> Iterator[Finding]:
    """With a fraction of the threshold string every mass is kept, and every mean between p+ and the mode is met."""
    prob = found.mass()
    points, surprisal = string_points(found.aligned), [-LogForm.log(p) for p in prob]
    laws = []
    for mass in _MASSES:
        weights = fractional_truncation(prob, mass)
        fractions = sum(w not in (fmpq(0), p) for w, p in zip(weights, prob, strict=True))
        yield Finding(f"mass {mass} is kept", weights.sum() - mass)
        yield Finding(f"mass {mass}: weights within p+", min(*(prob - weights), *weights), "nonnegative")
        yield Finding(f"mass {mass}: one string at most is kept in part", fmpq(1 - fractions), "nonnegative")
        laws.append((mass, weights / mass))
    for (mass, law), (more, wider) in itertools.pairwise(laws):
        rise = _form_mean(surprisal, wider - law)
        yield Finding(f"CE does not fall from mass {mass} to {more}", rise.number(), "nonnegative")
        near = 1 - mass / more - total_variation(law, wider)
        yield Finding(f"TV <= 1 - m/m' from mass {mass} to {more}", near, "nonnegative")
    for mass, law in laws:
        other = thinned(prob, range(len(prob)), mass) / mass
        loss = _form_mean(surprisal, other - law)
        yield Finding(f"mass {mass}: thinning in another order has no smaller CE", loss.number(), "nonnegative")
    mode = max(range(len(prob)), key=lambda y: (prob[y], -y))
    for name, forms in (("L", [point.log_prior for point in points]), ("R", [point.reward for point in points])):
        for share in _SHARES:
            wanted = _form_mean(forms, prob).scaled(1 - share) + forms[mode].scaled(share)
            law = _truncation_with_mean(prob, [form - wanted for form in forms])
            met = sum((w * (form - wanted).ball() for w, form in zip(law, forms, strict=True)), start=arb(0))
            yield Finding(f"E {name} is met {share} of the way to the mode", met)
            yield Finding(
                f"E {name}, {share} of the way: weights within p+", _first_below([*law, *(prob - law)]), "nonnegative"
            )


def _form_mean(forms: Sequence[LogForm], law: Array) -> LogForm:
    return functools.reduce(LogForm.__add__, (form.scaled(w) for form, w in zip(forms, law, strict=True)))


def _truncation_with_mean(prob: Array, gaps: Sequence[LogForm]) -> Array:
    """Weights of a truncation with a threshold fraction under which f - wanted, given as ``gaps``, averages 0."""
    weights = objects([fmpq(0)] * len(prob))
    running = LogForm.constant(fmpq(0))
    start = 0
    for place in sorted(range(len(prob)), key=lambda k: (-prob[k], k)):
        before, step = running, gaps[place].scaled(prob[place])
        running = before + step
        start = start or running.sign()
        if running.sign() * start <= 0:
            weights[place] = prob[place] if running.sign() == 0 else -before.ball() / step.ball() * prob[place]
            return weights
        weights[place] = prob[place]
    raise AssertionError("the wanted mean is not between that of the mode and that of p+")


def _whole_strings(found: Instance) -> Iterator[Finding]:
    prob = found.mass()
    kept = list(itertools.accumulate(sorted(prob, reverse=True)))
    for mass in _MASSES:
        yield Finding(f"whole strings keep mass {mass}", min(abs(total - mass) for total in kept))


def _local_falls(found: Instance) -> Iterator[Finding]:
    _, stepwise = _cooled(found)
    surprisal = [-LogForm.log(p) for p in found.mass()]
    change = _form_mean(surprisal, stepwise)
    yield Finding("local T = 1/2 does not raise CE", (-change).number(), "nonnegative")


def _attained_cases(profile: Profile) -> list[Case]:
    return _rational(small(profile))


def _attained_proof() -> list[str]:
    lines = []
    for size in (2, 3, 4):
        weight = sp.symbols(f"w1:{size + 1}", positive=True)
        values, x = sp.symbols(f"f1:{size + 1}"), sp.Symbol("x")
        surprisal = sp.symbols(f"I1:{size + 1}")
        prob = [w / sp.Add(*weight) for w in weight]
        moved = [w * (1 - x * i) for w, i in zip(weight, surprisal, strict=True)]
        slope = sp.diff(mean(moved, values) / sp.Add(*moved), x).subs(x, 0)
        what = f"dE f/dtau = -Cov_q(f, I) along global temperature, {size} strings"
        lines.append(_cancels(slope + covariance(prob, values, surprisal), what))
        mass, fraction = sp.Add(*weight[:-1]), sp.Symbol("t")
        kept = mass + fraction * weight[-1]
        part = (mean(weight[:-1], surprisal[:-1]) + fraction * weight[-1] * surprisal[-1]) / kept
        rate = sp.diff(part, fraction) / sp.diff(kept, fraction)
        what = f"dCE/dm = (I of the threshold string - CE) / m, {size} strings"
        lines.append(_cancels(rate - (surprisal[-1] - part) / kept, what))
    return lines


_ATTAINABILITY = Claim(
    id="adaptors.attainability",
    sentence="C",
    title="temperature, and truncation with a fractional threshold string, attain everything in between",
    statement=r"\{\mathrm{CE}(q_\tau) : \tau > 0\} = \left(\min I,\ \tfrac1n \textstyle\sum_y I(y)\right),\qquad"
    r" \mathrm{CE}(q_m) = \tfrac1m \textstyle\int_0^m I(s)\,ds \text{ for every kept mass } m \in (0, 1]",
    hypotheses=(
        "n strings, n finite; for temperature not all of the same probability",
        "temperature: p+^tau normalised over whole strings; continuity also for local normalisation",
        "truncation: strings by falling p+, the one on the threshold kept with a fraction of its weight",
    ),
    source="intermediate values of continuous functions; the lemma of Neyman and Pearson (1933)",
    check=_attained,
    cases=_attained_cases,
    controls=(
        Control(
            name="whole-strings",
            breaks="drops the fraction: whole strings keep every mass",
            check=_whole_strings,
            cases=_few,
            smallest=True,
        ),
        Control(
            name="local-falls",
            breaks="takes local for global temperature: cooling lowers CE",
            check=_local_falls,
            cases=_triples,
            smallest=True,
        ),
    ),
    proof=_attained_proof,
    remark="The ends of the interval of temperature are approached and not attained: CE - min I <= range(I) (n - k)/k "
    "e^(-tau gap) for k modes, and the plain average of I less CE is at most tau range(I)^2 / 4. The means are "
    "Lipschitz in tau: |dE f/dtau| <= range(f) range(I)/4 globally, and locally with the ranges of log p+(. | prefix) "
    "summed along the string in the place of range(I). q_m has TV(q_m, q_m') <= 1 - m/m', the largest E L + E R of all "
    "laws q <= p+/m, and meets every value of E f between E_{p+} f and f at the mode.",
)


CLAIMS: tuple[Claim, ...] = (_LOCAL_GLOBAL, _GAUGE, _ORDER_PRESERVING, _ATTAINABILITY)
