"""Language models over all strings: probabilistic finite-state automata with rewards that add up along the path.

A step is an arc that emits a token, or the end of the string; an end is a step to the extra state ``states``. A
string's probability is the product of its path's steps, so the path must be the only one: every automaton here is
unambiguous, and most are deterministic (a state and a token fix the arc). Only what lies on a path from the initial
state to an end is kept: states that cannot be reached or cannot stop are cut off.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy
from flint import fmpq
from numpy.typing import NDArray

from theory.arithmetic.exact import Array, floats, objects, whole_numbers
from theory.language_models.rewards import Reward
from theory.probability.law import Law, check_distinct

Index = NDArray[np.int64]


Mask = NDArray[np.bool_]


Floats = NDArray[np.float64]


Parts = Sequence[tuple[fmpq, fmpq]]


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """The steps of an automaton, without tokens and weights; every state has one.

    Args:
        states: S >= 1; state S is the end.
        initial: where strings begin.
        source: shape (n,), non-decreasing, in 0..S-1.
        target: shape (n,), in 0..S.
        starts: the first step of each state, shape (S,); found from ``source``.
    """

    states: int
    initial: int
    source: Index
    target: Index
    starts: Index = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "starts", np.searchsorted(self.source, np.arange(self.states)))

    def __len__(self) -> int:
        return len(self.source)

    def row_sums(self, values: Array) -> Array:
        """The sum over each state's steps: shape (..., n) to (..., S). Cost: O(n)."""
        result: Array = np.add.reduceat(values, self.starts, axis=-1)
        return result

    def adjacency(self, kept: Mask | None = None) -> scipy.sparse.csr_array:
        """Which states have a step to which, the end included; shape (S + 1, S + 1)."""
        source, target = (self.source, self.target) if kept is None else (self.source[kept], self.target[kept])
        shape = (self.states + 1, self.states + 1)
        return scipy.sparse.csr_array((np.ones(len(source), dtype=np.int32), (source, target)), shape=shape)

    def reachable(self, kept: Mask | None = None) -> Mask:
        """The states that can be reached by kept steps, the end included; shape (S + 1,)."""
        return _reached(self.adjacency(kept), self.initial)

    def stopping(self, kept: Mask | None = None) -> Mask:
        """The states from which kept steps lead to the end, the end included; shape (S + 1,)."""
        return _reached(self.adjacency(kept).T.tocsr(), self.states)

    def trim(self, kept: Mask | None = None) -> tuple[Graph, Index] | None:
        """The graph of the kept steps on some path to the end, and their old indices; None where there is no path."""
        useful = self.reachable(kept) & self.stopping(kept)
        if not useful[self.initial] or not useful[self.states]:
            return None
        chosen = useful[self.source] & useful[self.target]
        if kept is not None:
            chosen &= kept
        steps = np.flatnonzero(chosen)
        new = np.cumsum(useful) - 1
        states = int(useful.sum()) - 1
        return Graph(states, int(new[self.initial]), new[self.source[steps]], new[self.target[steps]]), steps

    def components(self) -> list[Index]:
        """The strongly connected sets of states that hold a cycle, each ascending."""
        inner = self.adjacency()[: self.states, : self.states]
        _, label = scipy.sparse.csgraph.connected_components(inner, directed=True, connection="strong")
        loops = self.source[self.source == self.target]
        cyclic = (np.bincount(label) > 1) | np.isin(np.arange(label.max() + 1), label[loops])
        order = np.argsort(label, kind="stable")
        bounds = np.searchsorted(label[order], np.arange(label.max() + 2))
        return [order[bounds[c] : bounds[c + 1]] for c in np.flatnonzero(cyclic)]

    def inside(self, component: Index) -> tuple[Index, Index, Index]:
        """(steps, sources, targets) inside a set of states, the states renumbered from 0."""
        place = np.full(self.states + 1, -1, dtype=np.int64)
        place[component] = np.arange(len(component))
        steps = np.flatnonzero((place[self.source] >= 0) & (place[self.target] >= 0))
        return steps, place[self.source[steps]], place[self.target[steps]]

    @property
    def acyclic(self) -> bool:
        """Whether there are finitely many paths."""
        return not self.components()

    def upwards(self) -> list[int]:
        """The states of an acyclic graph, each after all states that its steps lead to."""
        successors: list[set[int]] = [set() for _ in range(self.states)]
        for i, j in zip(self.source.tolist(), self.target.tolist(), strict=True):
            if j < self.states:
                successors[i].add(j)
        order: list[int] = []
        waiting = [(self.initial, iter(sorted(successors[self.initial])))]
        seen = {self.initial}
        while waiting:
            state, rest = waiting[-1]
            step = next((j for j in rest if j not in seen), None)
            if step is None:
                order.append(state)
                waiting.pop()
            else:
                seen.add(step)
                waiting.append((step, iter(sorted(successors[step]))))
        return order


def _reached(adjacency: scipy.sparse.csr_array, start: int) -> Mask:
    found = np.zeros(adjacency.shape[0], dtype=bool)
    found[scipy.sparse.csgraph.breadth_first_order(adjacency, start, directed=True, return_predecessors=False)] = True
    return found


NOTHING = Reward()


@dataclass(frozen=True, slots=True)
class Arc:
    """One arc: emit ``token`` with probability ``prob`` at ``source``, earn ``reward``, go on at ``target``."""

    source: int
    target: int
    token: str
    prob: fmpq
    reward: Reward = NOTHING


@dataclass(frozen=True, slots=True)
class Ambiguity:
    """A string with two paths: its tokens, and the states of either path."""

    tokens: tuple[str, ...]
    first: tuple[int, ...]
    second: tuple[int, ...]

    def __str__(self) -> str:
        return self.told(str)

    def told(self, name: Callable[[int], str]) -> str:
        """In words, with the names that states have for who wrote them."""
        one, two = ("-".join(map(name, path)) for path in (self.first, self.second))
        if one == two:
            two += " by another arc"
        return f'the string "{" ".join(self.tokens)}" has two paths: states {one} and {two}'


class AmbiguousError(ValueError):
    """A string has two paths, so that its probability is no product along one.

    Args:
        twice: the string and its paths.
    """

    def __init__(self, twice: Ambiguity) -> None:
        super().__init__(f"{twice}; the paths of an unambiguous automaton spell different strings")
        self.twice = twice


@dataclass(frozen=True, slots=True, eq=False)
class Automaton:
    """An unambiguous automaton with an additive reward, exact; trimmed.

    Args:
        alphabet: the tokens, in the order that decides ties.
        graph: its steps, n of them; at each state the arcs in alphabet order, then the end.
        token: shape (n,); index into the alphabet; ``len(alphabet)`` is the end.
        prob: shape (n,), rationals > 0; a state's sum to 1, or to less where a state that cannot stop was cut off.
        reward: R = r / beta of each step, nats; the end earns 0.
        state: the number that each state had before trimming, shape (S,).
    """

    alphabet: tuple[str, ...]
    graph: Graph
    token: Index
    prob: Array
    reward: tuple[Reward, ...]
    state: Index

    @staticmethod
    def of(alphabet: Sequence[str], arcs: Sequence[Arc], stop: Sequence[fmpq], initial: int = 0) -> Automaton:
        """The automaton with these arcs, which stops at state i with probability ``stop[i]``.

        Arcs and stops of probability 0 are left out.

        Raises:
            ValueError: a state or token that does not exist, a negative probability, a state whose probabilities do
                not sum to 1, or no string at all.
            AmbiguousError: a string with two paths (names it and them).
        """
        automaton = unchecked(alphabet, arcs, stop, initial)
        totals = [fmpq(p) for p in stop]
        for arc in arcs:
            totals[arc.source] += arc.prob
        for state, total in enumerate(totals):
            if total != 1:
                raise ValueError(f"state {state}: the arcs and the stop must sum to 1, got {total}")
        twice = ambiguity(automaton)
        if twice is not None:
            raise AmbiguousError(twice)
        return automaton

    @property
    def end(self) -> Mask:
        """Which steps are ends, shape (n,)."""
        ends: Mask = self.graph.target == self.graph.states
        return ends

    @property
    def deterministic(self) -> bool:
        """Whether no state has two arcs with the same token."""
        return self.branching() is None

    def branching(self) -> tuple[int, str] | None:
        """A state, as first numbered, and a token that two of its arcs emit; None for a deterministic automaton."""
        same = np.flatnonzero((np.diff(self.graph.source) == 0) & (np.diff(self.token) == 0))
        if not len(same):
            return None
        step = int(same[0])
        return int(self.state[self.graph.source[step]]), self.alphabet[self.token[step]]

    def parts(self) -> list[tuple[fmpq, fmpq]]:
        """(c, a) of each step, with p e^R = c e^a."""
        return [(p * r.factor, r.exponent) for p, r in zip(self.prob, self.reward, strict=True)]

    def kinds(self) -> tuple[list[tuple[fmpq, Reward]], Index]:
        """The different (p, R) among the steps, and which of them each step has, shape (n,)."""
        place: dict[tuple[int, ...], int] = {}
        found: list[tuple[fmpq, Reward]] = []
        index = []
        for p, r in zip(self.prob, self.reward, strict=True):
            key = whole_numbers(p, r.factor, r.exponent)
            if key not in place:
                place[key] = len(found)
                found.append((p, r))
            index.append(place[key])
        return found, np.array(index, dtype=np.int64)

    def restrict(self, kept: Mask) -> Automaton | None:
        """The automaton of the kept steps, trimmed; None where no string is left."""
        found = self.graph.trim(kept)
        if found is None:
            return None
        graph, steps = found
        reward = tuple(self.reward[k] for k in steps)
        useful = np.unique(self.graph.source[steps])
        return Automaton(self.alphabet, graph, self.token[steps], self.prob[steps], reward, self.state[useful])

    def rewarded(self) -> Automaton:
        """The part on which p e^R > 0: without the steps of reward -inf.

        Raises:
            ValueError: no string keeps mass.
        """
        found = self.restrict(np.array([not r.removes for r in self.reward], dtype=bool))
        if found is None:
            raise ValueError("the support is empty: every string has reward -inf, so Z = 0")
        return found

    def floats(self) -> tuple[Floats, Floats]:
        """(log p, R) of each step in float64, shapes (n,)."""
        reward = floats(objects(r.exponent for r in self.reward)) + np.log(
            floats(objects(r.factor for r in self.reward))
        )
        return np.log(floats(self.prob)), reward

    def strings(self, length: int) -> Iterator[tuple[tuple[int, ...], fmpq, Reward]]:
        """(tokens, p, R) of every string of at most ``length`` tokens, shorter ones first. Cost: their number."""
        graph, starts = self.graph, np.append(self.graph.starts, len(self.graph))
        layer: list[tuple[tuple[int, ...], int, fmpq, Reward]] = [((), graph.initial, fmpq(1), Reward())]
        for _ in range(length + 1):
            following = []
            for tokens, state, prob, reward in layer:
                for step in range(int(starts[state]), int(starts[state + 1])):
                    p, r = prob * self.prob[step], reward + self.reward[step]
                    if graph.target[step] == graph.states:
                        yield tokens, p, r
                    else:
                        following.append(((*tokens, int(self.token[step])), int(graph.target[step]), p, r))
            layer = following

    def law(self, length: int, separator: str = " ") -> tuple[Law, fmpq]:
        """(the law of a string given that it has at most ``length`` tokens, the mass of all longer ones).

        Raises:
            ValueError: no string is that short.
        """
        found = [(separator.join(self.alphabet[t] for t in tokens), p) for tokens, p, _ in self.strings(length)]
        if not found:
            raise ValueError(f"no string has at most {length} tokens")
        mass = sum((p for _, p in found), start=fmpq(0))
        return Law(tuple(name for name, _ in found), objects(p / mass for _, p in found)), 1 - mass


def unchecked(alphabet: Sequence[str], arcs: Sequence[Arc], stop: Sequence[fmpq], initial: int = 0) -> Automaton:
    """The trimmed automaton with these weights, which need neither sum to 1 nor be unambiguous.

    Raises:
        ValueError: a state or token that does not exist, a negative probability, or no string at all.
    """
    check_distinct(alphabet)
    states = len(stop)
    place = {token: k for k, token in enumerate(alphabet)}
    if not 0 <= initial < states:
        raise ValueError(f"the initial state must be one of 0..{states - 1}, got {initial}")
    for number, arc in enumerate(arcs, start=1):
        for state in (arc.source, arc.target):
            if not 0 <= state < states:
                raise ValueError(f"arc {number}: state {state} is not one of 0..{states - 1}")
        if arc.token not in place:
            raise ValueError(f"arc {number}: token {arc.token!r} is not in the alphabet")
        if arc.prob < 0:
            raise ValueError(f"arc {number}: a probability must be >= 0, got {arc.prob}")
    for state, p in enumerate(stop):
        if p < 0:
            raise ValueError(f"stop of state {state}: a probability must be >= 0, got {p}")
    end = len(alphabet)
    steps = [(a.source, place[a.token], a.target, a.prob, a.reward) for a in arcs if a.prob != 0]
    steps += [(state, end, states, p, Reward()) for state, p in enumerate(stop) if p != 0]
    steps.sort(key=lambda step: step[:3])
    source, token, target = (np.array([step[k] for step in steps], dtype=np.int64) for k in range(3))
    found = Graph(states, initial, source, target).trim()
    if found is None:
        raise ValueError("no string ends: no path leads from the initial state to a stop")
    graph, kept = found
    return Automaton(
        alphabet=tuple(alphabet),
        graph=graph,
        token=token[kept],
        prob=objects(steps[k][3] for k in kept),
        reward=tuple(steps[k][4] for k in kept),
        state=np.unique(source[kept]),
    )


def ambiguity(automaton: Automaton) -> Ambiguity | None:
    """A shortest string with two paths, found on the product of the automaton with itself; None where there is none.

    Cost: O(n) for a deterministic automaton, else at most O(n^2). The states are named as first numbered.
    Source: Eilenberg (1974); Weber and Seidl (1991) on the squared automaton.
    """
    if automaton.deterministic:
        return None
    graph = automaton.graph
    starts = np.append(graph.starts, len(graph)).tolist()
    target, token = graph.target.tolist(), automaton.token.tolist()
    origin = (graph.initial, graph.initial, False)
    came: dict[tuple[int, int, bool], tuple[tuple[int, int, bool], int] | None] = {origin: None}
    waiting = deque([origin])
    while waiting:
        pair = waiting.popleft()
        one, two, differ = pair
        for e, f in itertools.product(range(starts[one], starts[one + 1]), range(starts[two], starts[two + 1])):
            if token[e] != token[f]:
                continue
            following = (target[e], target[f], differ or e != f)
            if following in came:
                continue
            came[following] = (pair, token[e])
            if following == (graph.states, graph.states, True):
                return _offending_pair(automaton, came, following)
            if target[e] < graph.states:
                waiting.append(following)
    return None


def _offending_pair(automaton: Automaton, came: Mapping[Any, Any], last: tuple[int, int, bool]) -> Ambiguity:
    """Walk back from the end of both paths; the end itself is not one of their states."""
    tokens: list[str] = []
    pairs: list[tuple[int, int]] = []
    step = came[last]
    while step is not None:
        pair, token = step
        pairs.append(pair[:2])
        if token < len(automaton.alphabet):
            tokens.append(automaton.alphabet[token])
        step = came[pair]
    first, second = zip(*((int(automaton.state[i]), int(automaton.state[j])) for i, j in reversed(pairs)), strict=True)
    return Ambiguity(tuple(reversed(tokens)), first, second)


def is_constant(graph: Graph, parts: Parts) -> bool:
    """Whether prod c e^a takes one value on all paths from the initial state to the end, decided exactly.

    ``parts`` are (c, a) of each step, c > 0. On a trimmed graph it does so iff every state has one value to go.
    """
    potential = potentials(graph, parts)
    for step, (c, a) in enumerate(parts):
        ahead = potential[int(graph.target[step])]
        if (c * ahead[0], a + ahead[1]) != potential[int(graph.source[step])]:
            return False
    return True


def potentials(graph: Graph, parts: Parts) -> list[tuple[fmpq, fmpq]]:
    """(c, a) of some path from each state to the end, one with the fewest steps; shape (S + 1,)."""
    value: list[tuple[fmpq, fmpq] | None] = [None] * graph.states + [(fmpq(1), fmpq(0))]
    order = np.argsort(graph.target, kind="stable")
    bounds = np.searchsorted(graph.target[order], np.arange(graph.states + 2)).tolist()
    waiting = deque([graph.states])
    while waiting:
        state = waiting.popleft()
        ahead = value[state]
        assert ahead is not None, "the queue holds states with a value"
        for step in order[bounds[state] : bounds[state + 1]].tolist():
            source = int(graph.source[step])
            if value[source] is None:
                c, a = parts[step]
                value[source] = (c * ahead[0], a + ahead[1])
                waiting.append(source)
    assert all(v is not None for v in value), "the graph is trimmed"
    return [v for v in value if v is not None]


def ngram(counts: Mapping[tuple[str, ...], Mapping[str, int]], order: int, reward: Mapping[str, Reward]) -> Automaton:
    """The n-gram model with next-token laws proportional to counts: a state is the last ``order - 1`` tokens.

    Strings begin with the empty history. Every history that an arc leads to must have counts.

    Args:
        counts: for each history, the count of each next token; the token "" is the end of the string.
        order: n >= 1: 3 for trigrams.
        reward: R of each token, 0 where it is not listed.

    Raises:
        ValueError: the empty history, or one that can be reached, has no counts.
    """
    histories = sorted(counts, key=lambda history: (len(history), history))
    number = {history: k for k, history in enumerate(histories)}
    if () not in number:
        raise ValueError("the empty history has no counts; strings begin with it")
    alphabet = sorted({token for row in counts.values() for token in row if token})
    arcs, stop = [], []
    for history in histories:
        row = counts[history]
        total = sum(row.values())
        stop.append(fmpq(row.get("", 0), total))
        for token, count in row.items():
            following = (*history, token)[-(order - 1) :] if order > 1 else ()
            if token and count:
                if following not in number:
                    raise ValueError(f"the history {following} can be reached but has no counts")
                arcs.append(
                    Arc(number[history], number[following], token, fmpq(count, total), reward.get(token, NOTHING))
                )
    return Automaton.of(alphabet, arcs, stop, number[()])
