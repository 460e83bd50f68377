"""Penalties on automata: the product with the tokens before against trees and against strings listed one by one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from flint import fmpq

from simulations.sampling.adaptors import log_sum, log_weights
from simulations.sampling.history import History
from tests.theory.specification.test_automaton import CYCLE
from theory.adaptors.exact import Chain, chain
from theory.arithmetic.exact import to_float
from theory.automata.adaptors import unrolled
from theory.automata.histories import MOST_STATES, remembering
from theory.language_models.automaton import Arc, Automaton
from theory.language_models.rewards import Reward
from theory.models.automaton import AutomatonModel
from theory.models.finite import FiniteModel
from theory.specification.automaton import read_automaton
from theory.specification.reader import SpecificationError

CHAINS = [
    chain(("repetition_penalty", "3/2 window=2")),
    chain(("repetition_penalty", "2 gauge=3")),
    chain(("presence_penalty", "1/2"), ("nucleus", "9/10")),
    chain(("frequency_penalty", "1/2 window=3")),
    chain(("dry", "1 allowed=1 window=3")),
    chain(("no_repeat_ngram", "2 window=4")),
    chain(("no_repeat_ngram", "1")),
    chain(("frequency_penalty", "1/3 window=1"), ("presence_penalty", "-1/4"), ("temperature", "1/2")),
]


def q(text: str) -> fmpq:
    top, _, bottom = text.partition("/")
    return fmpq(int(top), int(bottom or 1))


def cyclic() -> Automaton:
    """Strings of a and b of every length, each state likely to stop; b earns 1/3."""
    gain = Reward(exponent=q("1/3"))
    arcs = [
        Arc(0, 0, "a", q("1/5")),
        Arc(0, 1, "b", q("1/10"), gain),
        Arc(1, 0, "a", q("1/10")),
        Arc(1, 1, "b", q("1/5"), gain),
    ]
    return Automaton.of(("a", "b"), arcs, [q("7/10"), q("7/10")])


def layered() -> Automaton:
    """Strings of at most four tokens: every state leads to the next layer."""
    arcs = [
        Arc(k, k + 1, token, prob, Reward(exponent=q("1/2")) if token == "a" else Reward())
        for k in range(4)
        for token, prob in (("a", q("2/5")), ("b", q("1/5")), ("c", q("1/5")))
    ]
    return Automaton.of(("a", "b", "c"), arcs, [*[q("1/5")] * 4, fmpq(1)])


@pytest.mark.parametrize("steps", CHAINS, ids=str)
@pytest.mark.parametrize("normalise", ["local", "global"])
def test_an_automaton_of_few_strings_is_its_tree(steps: Chain, normalise: str) -> None:
    """The law of strings has the same moments, locally and globally."""
    automaton = layered()
    model = AutomatonModel.of(automaton)
    tree = FiniteModel.of(unrolled(automaton, automaton.graph.states))
    found, expected = model.adapted(steps, normalise).moments, tree.moments(tree.law(steps, normalise))
    assert found is not None
    for name in ("mean_log_prior", "mean_reward", "entropy", "kl_to_aligned", "cov"):
        assert to_float(getattr(found, name)) == pytest.approx(to_float(getattr(expected, name)), abs=1e-12)


def listed(model: AutomatonModel, steps: Chain) -> dict[str, float]:
    """E L, E R and H of the local law by its likelier strings, one by one in float64; the mass of the others."""
    aligned = model.aligned
    graph, automaton = aligned.graph, aligned.automaton
    bounds = [*graph.starts.tolist(), len(graph)]
    law, features = np.array([to_float(p) for p in aligned.law]), np.vectorize(to_float)(aligned.features)
    total = dict.fromkeys(("mean_log_prior", "mean_reward", "entropy"), 0.0) | {"missing": 1.0}
    waiting = [(graph.initial, (), 1.0, np.zeros(2))]
    while waiting:
        state, written, mass, sums = waiting.pop()
        own = range(bounds[state], bounds[state + 1])
        # the end is a token of its own, which no history holds
        row = np.log(law[own.start : own.stop])[None]
        history = History(np.zeros((1, 0), dtype=np.int64), np.array([written], dtype=np.int64).reshape(1, -1))
        weight = log_weights(row, steps, history)
        for k, chance in zip(own, np.exp(weight - log_sum(weight)[:, None])[0], strict=True):
            after, new = mass * chance, sums + features[:, k]
            if automaton.end[k] and after > 0:
                total["mean_log_prior"] += after * new[0]
                total["mean_reward"] += after * new[1]
                total["entropy"] -= after * math.log(after)
                total["missing"] -= after
            elif after > 1e-11:
                waiting.append((int(graph.target[k]), (*written, int(automaton.token[k])), after, new))
    return total


@pytest.mark.parametrize("steps", CHAINS, ids=str)
def test_infinitely_many_strings_against_a_list_of_them(steps: Chain) -> None:
    """Exact moments of the product against the strings one by one; those left out have |L|, R and I below 100."""
    model = AutomatonModel.of(cyclic())
    found, expected = model.adapted(steps, "local").moments, listed(model, steps)
    missing = expected.pop("missing")
    assert found is not None
    assert abs(missing) < 1e-6
    for name, value in expected.items():
        assert to_float(getattr(found, name)) == pytest.approx(value, abs=100 * abs(missing) + 1e-12)


def test_the_product_remembers_what_is_asked() -> None:
    """Windows of 2 over two tokens: 1 + 2 + 4 pasts, in the state that the last token fixes; sets: 1 + 2 + 2."""
    found = remembering(cyclic(), chain(("presence_penalty", "1 window=2")))
    assert sorted(found.history) == [(), (0,), (0, 0), (0, 1), (1,), (1, 0), (1, 1)]
    found = remembering(cyclic(), chain(("presence_penalty", "1")))
    assert sorted(found.history) == [(), (0,), (0, 1), (0, 1), (1,)]
    assert (found.automaton.prob == cyclic().prob[found.step]).all()


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ('name = "dry"\nvalue = "1 window=2"', "product = true"),
        ('name = "dry"\nvalue = "1"\nproduct = true', "no greatest number"),
        ('name = "frequency_penalty"\nvalue = "1"\nproduct = true', 'value = "1 window=2"'),
        ('name = "frequency_penalty"\nvalue = "1 window=20"\nproduct = true', f"more than {MOST_STATES} states"),
        ('name = "top_k"\nvalue = 1\nproduct = true', "no step here needs them"),
        ('engine = "gpt4all"\nproduct = true', f"more than {MOST_STATES} states"),
    ],
)
def test_what_cannot_be_followed_is_refused(entry: str, message: str) -> None:
    """Unless it is asked for and finite, with the entry's number and what to do."""
    with pytest.raises(SpecificationError, match="adaptor 1: ") as error:
        read_automaton(f"{CYCLE}[[adaptor]]\n{entry}")
    assert message in str(error.value)


def test_a_penalty_that_is_asked_for_is_read() -> None:
    """And its law is there."""
    found = read_automaton(f'{CYCLE}[[adaptor]]\nname = "presence_penalty"\nvalue = "1"\nproduct = true')
    assert found.model().adapted(found.adaptors[0].chain, "local").status == "OK"
