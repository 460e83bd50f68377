"""Samplers of strings: every branch with chosen uniforms first, then one sample of each against its exact law.

A generator that hands out uniforms of the test's choice walks the branches. A look-up is monotone in its uniform, so
that its first and last uniform lead to an outcome only if the whole share between them does; shares along a path
multiply. What is drawn at random is drawn once, with a fixed seed, at alpha 1e-6 and power 1 - 1e-6 against a wrong
sampler, which must be caught.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from flint import fmpq, fmpq_mat
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from simulations.agreement.statistics import (
    distribution_distance,
    dkw_radius,
    dkw_sample_size,
    empirical_bernstein,
    g_critical,
    half_g,
    law_sample_size,
)
from simulations.sampling import draws
from simulations.sampling.draws import TreeWalker, corpus_means, counts, local_strings, one_by_one, strings, walks
from simulations.sampling.generate import first_above
from tests.automata import automata
from tests.strategies import trees
from theory.adaptors.exact import adapt, chain, decide
from theory.adaptors.gauge import adaptor_weights, next_token_laws, scaled
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import Array, floats, objects, to_float
from theory.corpora.enumeration import counts_of
from theory.examples.automata import random_automaton, two_states
from theory.examples.finite import random_tree
from theory.language_models.automaton import Arc, Automaton, Graph
from theory.language_models.tree import PrefixTree, TreeModel

Floats = NDArray[np.float64]
Share = tuple[fmpq, fmpq]
Places = Callable[[Share], float]

ALPHA, POWER = 1e-6, 1 - 1e-6
INSIDE = fmpq(1, 10**9)
LAST = 1 - 2.0**-53
"""The largest uniform that numpy gives."""

PLACES: tuple[Places, ...] = (
    lambda share: to_float(share[0] + (share[1] - share[0]) * INSIDE),
    lambda share: to_float((share[0] + share[1]) / 2),
    lambda share: to_float(share[1] - (share[1] - share[0]) * INSIDE),
)
"""Just above a share's lower end, in its middle, just below its upper end."""


class Steered:
    """A generator whose uniforms were chosen beforehand; none may be left over."""

    def __init__(self, uniforms: Sequence[float]) -> None:
        self.left = list(uniforms)

    def random(self, size: int | None = None) -> Any:
        taken = [self.left.pop(0) for _ in range(1 if size is None else size)]
        return taken[0] if size is None else np.array(taken)


def shares(weights: Sequence[Any]) -> list[Share]:
    """[low, high) of each outcome, in the order of the outcomes."""
    total = sum((fmpq(w) for w in weights), start=fmpq(0))
    ends = list(itertools.accumulate((fmpq(w) / total for w in weights), initial=fmpq(0)))
    return list(itertools.pairwise(ends))


def law(values: Sequence[int]) -> Floats:
    return np.array(values) / sum(values)


def agrees(found: NDArray[np.int64], prob: Floats) -> bool:
    """Whether the G test at alpha takes these counts for draws of the law."""
    return half_g(found, prob) <= g_critical(int((prob > 0).sum()), ALPHA)


def distance(one: Floats, other: Floats) -> float:
    """TV."""
    return float(np.abs(one - other).sum() / 2)


def moved(prob: Floats, share: float) -> Floats:
    """The law with so much mass taken from its likeliest outcome and given to its unlikeliest: TV is the share."""
    result = prob.copy()
    result[prob.argmax()] -= share
    result[prob.argmin()] += share
    return result


# --- strings --------------------------------------------------------------------------------------------------------


_WEIGHTS = st.lists(st.integers(0, 6), min_size=1, max_size=7).filter(any)


@given(_WEIGHTS, st.sampled_from([1, 7, 1e-12, 1e12]))
def test_strings_by_their_shares(weights: list[int], scale: float) -> None:
    """A uniform in [P(< k), P(<= k)) gives k; 0 and the last uniform give possible strings too."""
    possible = [k for k, w in enumerate(weights) if w]
    uniforms = [place(shares(weights)[k]) for k in possible for place in PLACES]
    expected = [k for k in possible for _ in PLACES]
    found = strings(np.array(weights) * scale, len(uniforms) + 2, rng=Steered([*uniforms, 0.0, LAST]))
    assert found.tolist() == [*expected, possible[0], possible[-1]]


@given(_WEIGHTS, st.lists(st.floats(0, 1, exclude_max=True), min_size=2, max_size=20))
def test_strings_are_monotone(weights: list[int], uniforms: list[float]) -> None:
    """Rising uniforms give rising strings, so that three places of a share speak for all of it."""
    found = strings(np.array(weights, dtype=float), len(uniforms), rng=Steered(sorted(uniforms)))
    assert (np.diff(found) >= 0).all()


def test_strings_sampled() -> None:
    """The law, at a sample size that tells a law at TV 1 %; that law is caught."""
    prob = law([5, 1, 8, 2, 2, 14])
    size = law_sample_size(len(prob), 0.01, ALPHA, POWER)
    for drawn, right in ((prob, True), (moved(prob, 0.01), False)):
        found = strings(drawn, size, rng=np.random.default_rng(1))
        assert agrees(np.bincount(found, minlength=len(prob)), prob) is right


# --- corpora --------------------------------------------------------------------------------------------------------


VALUES = np.array([[0.0, 1.0, 3.0], [-2.0, 0.5, 0.0]])
PROB = law([3, 2, 5])


@given(_WEIGHTS, st.integers(1, 3))
def test_one_by_one_by_its_shares(weights: list[int], size: int) -> None:
    """The mean of the strings that ``size`` uniforms in a row give, corpus by corpus."""
    possible = [k for k, w in enumerate(weights) if w]
    corpora = list(itertools.product(possible, repeat=size))[:50]
    uniforms = [place(shares(weights)[k]) for corpus in corpora for k, place in zip(corpus, PLACES, strict=False)]
    values = np.stack((np.arange(len(weights)) ** 2.0, -np.arange(len(weights))))
    found = one_by_one(np.array(weights, dtype=float), values, size, len(corpora), rng=Steered(uniforms))
    assert found == pytest.approx(np.array([values[:, list(c)].mean(axis=1) for c in corpora]), abs=1e-14)


def vector_law(prob: Floats, size: int) -> tuple[NDArray[np.int64], Floats]:
    """(every count vector, its multinomial probability)."""
    vectors = np.array(list(counts_of(len(prob), size)))
    ways = [math.factorial(size) // math.prod(math.factorial(int(k)) for k in row) for row in vectors]
    return vectors, np.array(ways) * (prob**vectors).prod(axis=1)


def vector_counts(vectors: NDArray[np.int64], found: NDArray[np.int64]) -> NDArray[np.int64]:
    """How often each count vector was drawn."""
    place = {tuple(row): k for k, row in enumerate(vectors.tolist())}
    return np.bincount([place[tuple(row)] for row in found.tolist()], minlength=len(vectors))


def test_counts_are_multinomial() -> None:
    """The law of whole count vectors, whose rows sum to N; TV 1.5 % in a string and one seed for all are caught."""
    vectors, exact = vector_law(PROB, 4)
    wrong = vector_law(moved(PROB, 0.015), 4)[1]
    corpora = law_sample_size(len(exact), distance(exact, wrong), ALPHA, POWER)
    for prob, right in ((PROB, True), (7 * PROB, True), (moved(PROB, 0.015), False)):
        found = counts(prob, 4, corpora, rng=np.random.default_rng(2))
        assert found.shape == (corpora, 3)
        assert (found.sum(axis=1) == 4).all()
        assert agrees(vector_counts(vectors, found), exact) is right
    again = np.repeat(counts(PROB, 4, 1, rng=np.random.default_rng(2)), corpora, axis=0)
    assert not agrees(vector_counts(vectors, again), exact)


@pytest.mark.parametrize("prob", [[0.0, 0.25, 0.75, 0.0], [1.0], [1e-300, 1.0], [0.1] * 10])
def test_counts_sum_to_the_size(prob: list[float]) -> None:
    """Rows sum to N, an impossible string is never counted, at the end of the law neither."""
    found = counts(np.array(prob), 100_000, 50, rng=np.random.default_rng(3))
    assert (found.sum(axis=1) == 100_000).all()
    assert (found[:, np.array(prob) == 0] == 0).all()


Means = Callable[[Floats, Floats, int, int], Floats]


def _drawn(route: Callable[..., Floats], seed: int) -> Means:
    return lambda prob, values, size, corpora: route(prob, values, size, corpora, rng=np.random.default_rng(seed))


def _distinct(prob: Floats, values: Floats, size: int, corpora: int) -> Floats:
    """A wrong route: strings that occur twice count once."""
    seen = np.minimum(counts(prob, size, corpora, rng=np.random.default_rng(4)), 1)
    return seen @ values.T / seen.sum(axis=1, keepdims=True)


def _one_seed(prob: Floats, values: Floats, size: int, corpora: int) -> Floats:
    """A wrong route: one corpus again and again."""
    return np.repeat(corpus_means(prob, values, size, 1, rng=np.random.default_rng(4)), corpora, axis=0)


def _skewed(prob: Floats, values: Floats, size: int, corpora: int) -> Floats:
    """A wrong route: another law, TV 2 %."""
    return corpus_means(moved(prob, 0.02), values, size, corpora, rng=np.random.default_rng(4))


ROUTES: list[tuple[Means, bool]] = [
    (_drawn(corpus_means, 4), True),
    (_drawn(one_by_one, 5), True),
    (_distinct, False),
    (_one_seed, False),
    (_skewed, False),
]


@pytest.mark.parametrize(("route", "right"), ROUTES)
def test_both_routes_to_corpus_means(route: Means, right: bool) -> None:
    """E fbar, Var fbar = Var f / N and the distribution function of fbar, against their exact values.

    Of the three tests each has alpha 1e-6 / 6; a wrong route fails one of them.
    """
    size, alpha = 5, ALPHA / 6
    vectors, exact = vector_law(PROB, size)
    # the law at TV 2 % moves the distribution function least: the sample is large enough for it
    gaps = []
    for values in VALUES:
        level = np.round(vectors @ values / size, 9)
        order = np.argsort(level, kind="stable")
        steps = np.cumsum((exact - vector_law(moved(PROB, 0.02), size)[1])[order])
        gaps.append(np.abs(steps[np.append(np.diff(level[order]) > 0, True)]).max())
    corpora = dkw_sample_size(float(max(gaps)), alpha, POWER)
    assert corpora < 40_000
    found = route(PROB, VALUES, size, corpora)
    assert found.shape == (corpora, 2)
    verdicts = []
    for values, drawn in zip(VALUES, found.T, strict=True):
        mean = PROB @ values
        variance = PROB @ (values - mean) ** 2 / size
        low, high = float(values.min()), float(values.max())
        verdicts.append(mean in empirical_bernstein(drawn, low, high, alpha))
        top = max((low - mean) ** 2, (high - mean) ** 2)
        verdicts.append(variance in empirical_bernstein((drawn - mean) ** 2, 0.0, top, alpha))
        level = np.round(vectors @ values / size, 9)
        support, place = np.unique(level, return_inverse=True)
        far = distribution_distance(np.round(drawn, 9), support, np.bincount(place, weights=exact))
        verdicts.append(far <= dkw_radius(corpora, alpha))
    assert all(verdicts) is right


@pytest.mark.parametrize("cells", [1, 10, 3 * 64, 1 << 30])
def test_chunks_change_nothing(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """One corpus at a time, a few, or all at once: the same draws in the same order."""
    expected = counts(PROB, 9, 100, rng=np.random.default_rng(6)) @ VALUES.T / 9
    monkeypatch.setattr(draws, "_CELLS", cells)
    assert (corpus_means(PROB, VALUES, 9, 100, rng=np.random.default_rng(6)) == expected).all()


# --- trees ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Path:
    """A string of a tree or an automaton, or what is left of it at the limit.

    Args:
        share: the share of the uniforms that each of its choices has.
        steps: prefixes or steps that it passes, the end included.
        ended: whether it reached its end.
    """

    share: tuple[Share, ...]
    steps: tuple[int, ...]
    ended: bool = True

    @property
    def prob(self) -> fmpq:
        """The measure of the uniforms that lead along it."""
        return math.prod((high - low for low, high in self.share), start=fmpq(1))


def tree_paths(tree: PrefixTree, edge: Array, end: Array) -> Iterator[Path]:
    """Every string of positive weight, its choices in the order children, end."""
    waiting: list[Path] = [Path((), (0,))]
    while waiting:
        path = waiting.pop()
        here = path.steps[-1]
        choices = [child for child in range(1, len(tree)) if tree.parent[child] == here]
        row = shares([*(edge[child] for child in choices), end[here]])
        for child, share in zip([*choices, None], row, strict=True):
            if share[0] == share[1]:
                continue
            if child is None:
                yield Path((*path.share, share), path.steps)
            else:
                waiting.append(Path((*path.share, share), (*path.steps, child)))


def script(paths: Sequence[Path]) -> list[float]:
    """Uniforms that lead three rows along each path, in the order in which rows side by side ask for them."""
    rows = [[place(share) for share in path.share] for path in paths for place in PLACES]
    longest = max(len(row) for row in rows)
    return [row[step] for step in range(longest) for row in rows if step < len(row)]


def thrice(values: Sequence[Any]) -> list[Any]:
    return [value for value in values for _ in PLACES]


@given(trees(), st.lists(st.integers(1, 9), min_size=15, max_size=15), st.data())
def test_tree_walker_by_its_shares(aligned: Aligned, gauge: list[int], data: st.DataObject) -> None:
    """Every string by the uniforms that lead to it, of measure prod w / c, c the sum of a prefix's weights.

    Weights are p+'s times a factor per prefix, some of them 0; the measures are those of p+ without what is cut off.
    """
    laws = next_token_laws(aligned)
    cut = data.draw(st.sets(st.integers(1, len(aligned.tree) - 1))) if len(aligned.tree) > 1 else set()
    factor = objects(fmpq(g) for g in gauge[: len(aligned.tree)])
    edge = objects(
        fmpq(0) if k in cut else (p * factor[aligned.tree.parent[k]] if k else p) for k, p in enumerate(laws.prob)
    )
    end = laws.end * factor
    # a prefix without a choice has no law: what is reached must go on or end
    reached = aligned.tree.descend(True, np.array([k not in cut for k in range(len(aligned.tree))]), np.logical_and)
    assume(all(c > 0 for c, r in zip(aligned.tree.sum_children(edge) + end, reached, strict=True) if r))
    paths = list(tree_paths(aligned.tree, edge, end))
    assert sum((path.prob for path in paths), start=fmpq(0)) == 1
    if not cut:
        exact = aligned.exact_prob()
        assert exact is not None
        assert {path.steps[-1]: path.prob for path in paths} == dict(zip(aligned.node.tolist(), exact, strict=True))
    rng = Steered(script(paths))
    walker = TreeWalker.of(aligned.tree, floats(edge), floats(end))
    assert walker.draw(3 * len(paths), rng=rng).tolist() == thrice([path.steps[-1] for path in paths])
    assert rng.left == []


def test_tree_walker_at_the_ends() -> None:
    """The uniforms 0 and 1 - 2^-53 take the first and the last choice of positive weight, whatever stands before."""
    aligned = random_tree(np.random.default_rng(4), 3, 3)
    laws = next_token_laws(aligned)
    walker = TreeWalker.of(aligned.tree, floats(laws.prob), floats(laws.end))
    paths = list(tree_paths(aligned.tree, laws.prob, laws.end))
    for uniform, pick in ((0.0, min), (LAST, max)):
        expected = pick(paths, key=lambda path: [low for low, _ in path.share])
        rng = Steered([uniform] * len(expected.share))
        assert walker.draw(1, rng=rng).tolist() == [expected.steps[-1]]
        assert rng.left == []


def test_choices_of_weight_0_are_not_drawn() -> None:
    """By the uniform 0 the first choice of positive weight is taken, in the first row as in a later one."""
    tree = PrefixTree.of("ab", np.array([-1, 0, 0, 2, 2]), np.array([-1, 0, 1, 0, 1]))
    walker = TreeWalker.of(tree, np.array([1.0, 0.0, 2.0, 0.0, 3.0]), np.array([0.0, 1.0, 0.0, 1.0, 1.0]))
    assert walker.draw(5, rng=Steered([0.0, 1e-9, 0.5, 0.9, 0.0] * 3)).tolist() == [4] * 5


TREE = random_tree(np.random.default_rng(5), 3, 3)
STEPS = chain(("top_k", 2), ("temperature", "1/2"))


def local(aligned: Aligned) -> Floats:
    """q_loc of every string, by ``theory.adapt``."""
    numbers = aligned.balls()
    found = adapt(numbers, decide(numbers, STEPS), "local")
    result = np.zeros(len(aligned))
    result[found.string] = floats(found.prob)
    return result


def test_local_strings_sampled() -> None:
    """q_loc of top-k 2 and T = 1/2, from weights with a factor between 1/9 and 9 per prefix; one step off is caught.

    The wrong weights raise one step at the root, so that the law of strings moves by TV 1 to 2 %.
    """
    kept = decide(TREE.balls(), STEPS)
    rng = np.random.default_rng(7)
    gauge = objects(fmpq(int(a), int(b)) for a, b in rng.integers(1, 10, (len(TREE.tree), 2)))
    weights = scaled(adaptor_weights(next_token_laws(TREE), kept), gauge)
    exact = local(TREE)
    first = next(k for k in range(1, len(TREE.tree)) if kept.edge[k] and TREE.tree.parent[k] == 0)
    raised = weights.edge.copy()
    raised[first] = raised[first] * fmpq(107, 100)
    wrong = np.zeros(len(TREE))
    for path in tree_paths(TREE.tree, raised, weights.end):
        wrong[np.searchsorted(TREE.node, path.steps[-1])] = to_float(path.prob)
    assert 0.01 <= distance(exact, wrong) <= 0.02
    size = law_sample_size(int((exact > 0).sum()), distance(exact, wrong), ALPHA, POWER)
    numbers = TREE.floats()
    for edge, right in ((weights.edge, True), (raised, False)):
        found = local_strings(numbers, edge, weights.end, size, rng=np.random.default_rng(8))
        assert agrees(np.bincount(found, minlength=len(exact)), exact) is right


def test_local_strings_refuses_weights_of_another_tree() -> None:
    """As many weights as prefixes are required."""
    with pytest.raises(ValueError, match=f"^{len(TREE.tree)} prefixes but 2 weights$"):
        local_strings(TREE.floats(), np.ones(2), np.ones(2), 5, rng=np.random.default_rng(1))


# --- automata -------------------------------------------------------------------------------------------------------


def automaton_paths(graph: Graph, law: Array, limit: int) -> Iterator[Path]:
    """Every path of positive weight, cut after ``limit`` steps."""
    waiting: list[tuple[Path, int]] = [(Path((), (), False), graph.initial)]
    while waiting:
        path, state = waiting.pop()
        if len(path.steps) == limit:
            yield path
            continue
        steps = [k for k in range(len(graph)) if graph.source[k] == state]
        for step, share in zip(steps, shares([law[k] for k in steps]), strict=True):
            following = Path((*path.share, share), (*path.steps, step), bool(graph.target[step] == graph.states))
            if following.ended:
                yield following
            else:
                waiting.append((following, int(graph.target[step])))


def tokens_of(path: Path) -> int:
    return len(path.steps) - path.ended


def length_law(graph: Graph, law: Array, limit: int) -> list[fmpq]:
    """P(k tokens, ended) for k = 0..limit - 1, then P(cut): powers of the matrix of steps, in rationals."""
    size = graph.states + 1
    entries = [[fmpq(0)] * size for _ in range(size)]
    for source, target, weight in zip(graph.source.tolist(), graph.target.tolist(), law, strict=True):
        entries[source][target] += weight
    matrix = fmpq_mat(entries)
    powers = [(matrix**k)[graph.initial, size - 1] for k in range(1, limit + 1)]
    return [*powers, 1 - sum(powers, start=fmpq(0))]


def normalised(graph: Graph, law: Array) -> Array:
    return law / graph.row_sums(law)[graph.source]


@given(automata(3, 2, 3), st.integers(0, 4), st.lists(st.integers(1, 9), min_size=3, max_size=3))
def test_walks_by_their_shares(automaton: Automaton, limit: int, gauge: list[int]) -> None:
    """Sums, length and end of every path, from the uniforms that lead along it; steps need no normalising.

    Lengths have the measure that powers of the matrix give them.
    """
    graph = automaton.graph
    weight = automaton.prob * objects(fmpq(gauge[s]) for s in graph.source)
    features = np.stack((np.arange(len(graph)) - 2.5, 2.0 ** -np.arange(len(graph)), np.ones(len(graph))))
    paths = list(automaton_paths(graph, weight, limit))
    rng = Steered(script(paths) if limit else [])
    found = walks(graph, floats(weight), features, 3 * len(paths), limit, rng=rng)
    assert rng.left == []
    assert found.length.tolist() == thrice([tokens_of(path) for path in paths])
    assert found.ended.tolist() == thrice([path.ended for path in paths])
    sums = [features[:, list(path.steps)].sum(axis=1) for path in paths]
    assert found.sums == pytest.approx(np.array(thrice(sums)).T, abs=1e-13)
    measured = [fmpq(0)] * (limit + 1)
    for path in paths:
        measured[tokens_of(path) if path.ended else limit] += path.prob
    assert measured == length_law(graph, normalised(graph, weight), limit)


@given(automata(3, 2, 3), st.lists(st.floats(0, 1, exclude_max=True), min_size=2, max_size=20))
def test_choices_are_monotone(automaton: Automaton, uniforms: list[float]) -> None:
    """Rising uniforms take later steps of a state, and, on a table, later strings."""
    graph, law = automaton.graph, floats(automaton.prob)
    rising = sorted(uniforms)
    found = walks(graph, law, np.arange(len(graph))[None, :] * 1.0, len(rising), 1, rng=Steered(rising))
    assert (np.diff(found.sums[0]) >= 0).all()
    table = PrefixTree.of("abc", np.array([-1, 0, 0, 0]), np.array([-1, 0, 1, 2]))
    walker = TreeWalker.of(table, np.array([1.0, 0.5, 2.0, 0.25]), np.array([0.0, 3.0, 1.0, 2.0]))
    ends = walker.draw(len(rising), rng=Steered([*rising, *rising]))
    assert (np.diff(ends) >= 0).all()


def test_walks_are_cut_at_the_limit() -> None:
    """A string of k tokens ends within k + 1 steps: the end counts as one."""
    one = Automaton.of(("a",), [Arc(0, 1, "a", fmpq(1)), Arc(1, 2, "a", fmpq(1))], [fmpq(0), fmpq(0), fmpq(1)])
    law = floats(one.prob)
    for limit, length, ended in ((0, 0, False), (1, 1, False), (2, 2, False), (3, 2, True), (9, 2, True)):
        found = walks(one.graph, law, np.ones((1, 3)), 4, limit, rng=np.random.default_rng(1))
        assert found.length.tolist() == [length] * 4
        assert found.ended.tolist() == [ended] * 4
        assert found.sums.tolist() == [[float(min(limit, 3))] * 4]


def test_walks_begin_at_the_initial_state() -> None:
    """State 1 here, which can only stop."""
    graph = Graph(2, 1, np.array([0, 0, 1, 1]), np.array([1, 2, 0, 2]))
    found = walks(graph, np.array([1.0, 1.0, 0.0, 1.0]), np.eye(4), 3, 5, rng=np.random.default_rng(1))
    assert found.sums.T.tolist() == [[0.0, 0.0, 0.0, 1.0]] * 3


def rewarded(seed: int) -> Automaton:
    return random_automaton(np.random.default_rng(seed), 4, 2)


@pytest.mark.parametrize("automaton", [two_states(), rewarded(1), rewarded(3)])
def test_walks_read_off_from_their_sums(automaton: Automaton) -> None:
    """Features that count the passes over each step: everything else is recomputed from them, at random uniforms."""
    graph, count, limit = automaton.graph, 500, 40
    log_prob, reward = automaton.floats()
    digits = np.eye(len(graph))
    features = np.concatenate((np.stack((log_prob, reward)), digits))
    found = walks(graph, floats(automaton.prob), features, count, limit, rng=np.random.default_rng(9))
    taken = found.sums[2:]
    assert found.sums[:2] == pytest.approx(np.stack((log_prob, reward)) @ taken, abs=1e-12)
    ends = taken[automaton.end].sum(axis=0)
    assert (ends == found.ended).all()
    assert (taken.sum(axis=0) - ends == found.length).all()
    assert (found.length[~found.ended] == limit).all()
    # a path enters every state as often as it leaves it, but for its first and its last
    balance = np.zeros((graph.states + 1, count))
    np.add.at(balance, graph.source, -taken)
    np.add.at(balance, graph.target, taken)
    balance[graph.initial] += 1
    assert ((balance == 0) | (balance == 1)).all()
    assert (balance.sum(axis=0) == 1).all()
    assert (balance[graph.states] == found.ended).all()


def test_lengths_sampled() -> None:
    """The law of lengths, cut at 8 steps, against powers of the matrix; a stop of 5 % too much weight is caught."""
    automaton, limit = two_states(), 8
    graph = automaton.graph
    exact = np.array([to_float(p) for p in length_law(graph, automaton.prob, limit)])
    other = automaton.prob.copy()
    stop = next(k for k in range(len(graph)) if automaton.end[k])
    other[stop] = other[stop] * fmpq(21, 20)
    wrong = np.array([to_float(p) for p in length_law(graph, normalised(graph, other), limit)])
    assert 0.01 <= distance(exact, wrong) <= 0.02
    count = law_sample_size(len(exact), distance(exact, wrong), ALPHA, POWER)
    for law, right in ((automaton.prob, True), (other, False)):
        found = walks(graph, floats(law), np.zeros((0, len(graph))), count, limit, rng=np.random.default_rng(10))
        lengths = np.where(found.ended, found.length, limit)
        assert agrees(np.bincount(lengths, minlength=limit + 1), exact) is right


def test_rewards_are_summed() -> None:
    """E of the sum of R and of R times length under a cut at 6 steps, exactly by paths, inside its interval."""
    automaton, limit, count = two_states(), 6, 50_000
    graph = automaton.graph
    reward = automaton.floats()[1]
    paths = list(automaton_paths(graph, automaton.prob, limit))
    found = walks(graph, floats(automaton.prob), reward[None, :], count, limit, rng=np.random.default_rng(11))
    prob = np.array([to_float(path.prob) for path in paths])
    total = np.array([reward[list(path.steps)].sum() for path in paths])
    length = np.array([tokens_of(path) for path in paths])
    for exact, drawn in ((total, found.sums[0]), (total * length, found.sums[0] * found.length)):
        low, high = float(exact.min()), float(exact.max())
        assert float(prob @ exact) in empirical_bernstein(drawn, low, high, ALPHA)
        assert float(prob @ exact) not in empirical_bernstein(np.clip(-drawn, low, high), low, high, ALPHA)


@pytest.mark.parametrize("scale", [1.0, 1e-15, 1e15, 1e17])
def test_tree_walks_at_any_scale(scale: float) -> None:
    """Weights of one prefix far above those of another: each prefix is normalised by itself."""
    row = [fmpq(1, 2), fmpq(1, 2), fmpq(0)]
    shape = TreeModel.from_next(("a", "b"), {(): [fmpq(1), fmpq(0), fmpq(0)], ("a",): row}).tree
    walker = TreeWalker.of(shape, np.array([1, scale, 1, 2.0]), np.array([0, 1, 1, 1.0]))
    ends = np.bincount(walker.draw(40_000, rng=np.random.default_rng(0)), minlength=4) / 40_000
    assert ends == pytest.approx([0, 1 / 4, 1 / 4, 1 / 2], abs=0.02)


def test_choices_without_weight_are_never_taken() -> None:
    """Not even by a uniform draw that rounds up to the whole."""
    two = PrefixTree(("a", "b"), np.array([-1, 0, 0]), np.array([-1, 0, 1]), (0, 1, 3))
    walker = TreeWalker.of(two, np.array([1.0, 1.0, 0.0]), np.array([0.0, 1.0, 1.0]))
    assert set(walker.draw(1000, rng=np.random.default_rng(0)).tolist()) == {1}
    assert first_above(np.array([[5e-324, 0.0]]), np.array([0.75])).tolist() == [0]


@pytest.mark.parametrize(
    ("weights", "expected"),
    [([2, 0, 1, 1], [0, 0, 2, 3, 3]), ([0, 2, 1, 1], [1, 1, 2, 3, 3]), ([2, 1, 1, 0], [0, 0, 1, 2, 2])],
)
def test_shares_are_closed_below_and_open_above(weights: list[int], expected: list[int]) -> None:
    """In quarters, where nothing rounds: a uniform on a border gives the string above it, never one of weight 0."""
    uniforms = [0.0, 0.25, 0.5, 0.75, LAST]
    assert strings(np.array(weights, dtype=float), 5, rng=Steered(uniforms)).tolist() == expected


def test_the_last_uniform_goes_to_the_end_of_a_deep_tree() -> None:
    """All of its words have six tokens: far from the root, sums round to the whole, and no shorter one ends."""
    depth = 6
    rows = {word: [fmpq(1, 2), fmpq(1, 2), fmpq(0)] for k in range(depth) for word in itertools.product("ab", repeat=k)}
    tree = TreeModel.from_next(("a", "b"), rows).tree
    walker = TreeWalker.of(
        tree, np.ones(len(tree)), np.array([float(len(tree.tokens(k)) == depth) for k in range(len(tree))])
    )
    (end,) = walker.draw(1, rng=Steered([LAST] * (depth + 1)))
    assert tree.tokens(int(end)) == ["b"] * depth
