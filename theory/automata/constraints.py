"""Automata held to a regular language: the product with the language's own automaton, and what its mask keeps.

The product follows the text of every token through the language's automaton, so that its states say whether a string of
the language can still come. Its mask, renormalised at every step, is the masked law; normalised once it is the aligned
law given the language, by the Doob transform that every aligned automaton is.
"""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
from flint import fmpq

from theory.adaptors.constraints import Language
from theory.automata.adaptors import KeptSteps
from theory.automata.aligned import AlignedAutomaton, align_automaton
from theory.language_models.automaton import Arc, Automaton

MOST_STATES = 2_000
"""Of a product."""


def masked_product(automaton: Automaton, language: Language) -> tuple[AlignedAutomaton, KeptSteps]:
    """The aligned automaton with the language's state beside its own, and the steps that the mask keeps.

    Raises:
        ValueError: more than ``MOST_STATES`` states, or no string of the automaton is in the language.
    """
    graph = automaton.graph
    places: dict[tuple[int, Hashable], int] = {(graph.initial, language.start): 0}
    waiting, arcs, stops = [(graph.initial, language.start)], list[Arc](), list[fmpq]()
    by_state: list[list[int]] = [[] for _ in range(graph.states)]
    for step, source in enumerate(graph.source.tolist()):
        by_state[source].append(step)
    for own in waiting:  # grows as new pairs are met
        state, here = own
        stops.append(fmpq(0))
        for step in by_state[state]:
            if automaton.end[step]:
                stops[-1] = automaton.prob[step]
                continue
            token = automaton.alphabet[automaton.token[step]]
            target = int(graph.target[step]), None if here is None else language.step(here, token)
            if target not in places:
                if len(places) >= MOST_STATES:
                    raise ValueError(f"the product with the language has more than {MOST_STATES} states")
                places[target] = len(places)
                waiting.append(target)
            arcs.append(Arc(places[own], places[target], token, automaton.prob[step], automaton.reward[step]))
    aligned = align_automaton(Automaton.of(automaton.alphabet, arcs, stops))
    finals = np.array([here is not None and language.final(here) for _, here in waiting])[aligned.automaton.state]
    ends = aligned.automaton.end
    allowed = ~ends | finals[aligned.graph.source]
    alive = aligned.graph.stopping(allowed)
    kept = allowed.copy()
    kept[~ends] = alive[aligned.graph.target[~ends]]
    if not alive[aligned.graph.initial]:
        raise ValueError("no string of the model is in the language")
    return aligned, KeptSteps(kept, fmpq(1))


__all__ = ["MOST_STATES", "masked_product"]
