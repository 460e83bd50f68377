"""Automata that remember: the product with the tokens before, for adaptors that look back.

A state of the product is a state of the automaton with what the steps of a chain look at: the last tokens, as many as
the widest window, and the set of all tokens for steps that ask only whether a token came. An automaton of finitely many
strings remembers all tokens. The law of strings stays what it was, and so do the laws of the next token.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from theory.adaptors.chains import Adaptor, Chain
from theory.arithmetic.formal import FormalSum
from theory.automata.aligned import AlignedAutomaton, formal_law
from theory.language_models.automaton import Automaton, Graph, Index

MOST_STATES = 2_000
"""Of a product."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What a state of the product knows of the tokens before.

    Args:
        last: how many of the last tokens; None for all.
        seen: whether it knows the set of all tokens, too.
    """

    last: int | None
    seen: bool

    @staticmethod
    def of(steps: Chain, acyclic: bool) -> Memory:
        """What these steps look at.

        Raises:
            ValueError: a step counts or matches over all tokens, and strings have no greatest length.
        """
        if acyclic:
            return Memory(None, False)
        looking = [step for step in steps if step.kind.history]
        windows = [int(step.number("window").p) for step in looking]
        for step, window in zip(looking, windows, strict=True):
            if not window and not _asks_for_the_set(step):
                raise ValueError(
                    f"{step.name} looks at all tokens before, of which there is no greatest number; "
                    f'give it a window, as in value = "{step.setting} window=2"'
                )
        return Memory(max(windows), not all(windows))


def _asks_for_the_set(step: Adaptor) -> bool:
    """Whether a step asks only whether a token came."""
    return step.name in {"repetition_penalty", "presence_penalty"} or (
        step.name == "no_repeat_ngram" and step.value == 1
    )


@dataclass(frozen=True, slots=True)
class _Known:
    """The tokens before, as one state knows them: the last ones, oldest first, and the set of all."""

    recent: tuple[int, ...] = ()
    seen: frozenset[int] = frozenset()

    def after(self, token: int, memory: Memory) -> _Known:
        whole = (*self.recent, token)
        recent = whole if memory.last is None else whole[len(whole) - min(len(whole), memory.last) :]
        return _Known(recent, self.seen | {token} if memory.seen else self.seen)

    def history(self, memory: Memory) -> tuple[int, ...]:
        """Tokens in which every step finds what it would find in the whole string.

        Tokens that are only known to have come stand in front, where no window reaches: the recent ones fill the
        widest one as soon as there is another.
        """
        return (*sorted(self.seen - set(self.recent)), *self.recent) if memory.seen else self.recent


@dataclass(frozen=True, slots=True, eq=False)
class Remembering:
    """A product with the tokens before.

    Args:
        automaton: the product.
        step: the step of the automaton that each of its steps is, shape (n,).
        origin: the state of the automaton that each of its states is, shape (S,).
        history: the tokens before each state, oldest first.
    """

    automaton: Automaton
    step: Index
    origin: Index
    history: tuple[tuple[int, ...], ...]

    def aligned(self, base: AlignedAutomaton) -> AlignedAutomaton:
        """p+ of the automaton as p+ of the product: nothing has to be solved again."""
        value = np.append(base.value[self.origin], base.value[-1:])
        return AlignedAutomaton(
            self.automaton, value, base.law[self.step], base.log_partition, base.features[:, self.step]
        )

    def formal(self, base: AlignedAutomaton) -> list[FormalSum]:
        """The formal next-token laws of the product's states, those of the automaton's."""
        found = formal_law(base.automaton)
        return [found[k] for k in self.step.tolist()]


@functools.lru_cache(maxsize=8)
def remembering(automaton: Automaton, steps: Chain) -> Remembering:
    """The product of a deterministic automaton with what a chain looks at. Cost: O(states of the product).

    Raises:
        ValueError: no finite product, or one of more than ``MOST_STATES`` states.
    """
    graph = automaton.graph
    memory = Memory.of(steps, graph.acyclic)
    bounds = [*graph.starts.tolist(), len(graph)]
    places = {(graph.initial, _Known()): 0}
    waiting = [(graph.initial, _Known())]
    source, target, step = list[int](), list[int](), list[int]()
    for own in waiting:  # grows as new pairs are met
        state, known = own
        for k in range(bounds[state], bounds[state + 1]):
            source.append(places[own])
            step.append(k)
            if automaton.end[k]:
                target.append(-1)
                continue
            ahead = int(graph.target[k]), known.after(int(automaton.token[k]), memory)
            if ahead not in places:
                if len(places) >= MOST_STATES:
                    raise ValueError(_too_many(memory))
                places[ahead] = len(places)
                waiting.append(ahead)
            target.append(places[ahead])
    return _product(automaton, waiting, (source, target, step), memory)


def _too_many(memory: Memory) -> str:
    what = "all tokens before" if memory.last is None or memory.seen else f"the last {memory.last} tokens"
    return f"the product with {what} has more than {MOST_STATES} states; use a smaller window, or a tree"


def _product(
    automaton: Automaton,
    pairs: Sequence[tuple[int, _Known]],
    steps: tuple[list[int], list[int], list[int]],
    memory: Memory,
) -> Remembering:
    source, target, step = (np.array(column, dtype=np.int64) for column in steps)
    target[target < 0] = len(pairs)
    origin = np.array([state for state, _ in pairs], dtype=np.int64)
    found = Automaton(
        automaton.alphabet,
        Graph(len(pairs), 0, source, target),
        automaton.token[step],
        automaton.prob[step],
        tuple(automaton.reward[k] for k in step.tolist()),
        automaton.state[origin],
    )
    return Remembering(found, step, origin, tuple(known.history(memory) for _, known in pairs))


__all__ = ["MOST_STATES", "Memory", "Remembering", "remembering"]
