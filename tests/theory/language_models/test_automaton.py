"""Automata: what is refused, what is trimmed, strings against laws, ambiguity by brute force, n-grams of real text."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from tests.automata import acyclic_automata, automata
from theory.arithmetic.exact import balls, objects
from theory.automata.path_sums import ball_solver, totals
from theory.examples.automata import (
    SPEECH_LETTERS,
    letters,
    random_automaton,
    speeches,
    two_geometrics,
    two_states,
    vowels_over_consonants,
)
from theory.language_models.automaton import Arc, Automaton, ambiguity, is_constant, ngram, unchecked
from theory.language_models.rewards import REMOVED, Reward

HALF, THIRD = fmpq(1, 2), fmpq(1, 3)


# --- what is refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arcs", "stop", "says"),
    [
        ([Arc(0, 0, "a", THIRD)], [HALF], "state 0: the arcs and the stop must sum to 1, got 5/6"),
        ([Arc(0, 1, "a", HALF)], [HALF], "arc 1: state 1 is not one of 0..0"),
        ([Arc(0, 0, "c", HALF)], [HALF], "arc 1: token 'c' is not in the alphabet"),
        ([Arc(0, 0, "a", -HALF)], [HALF], "arc 1: a probability must be >= 0, got -1/2"),
        ([Arc(0, 0, "a", fmpq(1))], [fmpq(0)], "no string ends"),
        ([Arc(0, 0, "a", HALF)], [-HALF], "stop of state 0: a probability must be >= 0, got -1/2"),
    ],
)
def test_refused(arcs: list[Arc], stop: list[fmpq], says: str) -> None:
    with pytest.raises(ValueError, match=says.replace("(", r"\(").replace(".", r"\.")):
        Automaton.of(("a", "b"), arcs, stop)


def test_refused_initial_state_and_tokens() -> None:
    with pytest.raises(ValueError, match=r"initial state must be one of 0\.\.0, got 2"):
        Automaton.of(("a",), [], [fmpq(1)], 2)
    with pytest.raises(ValueError, match="'a' occurs twice"):
        Automaton.of(("a", "a"), [], [fmpq(1)])


# --- ambiguity ----------------------------------------------------------------------------------------------------


def test_offending_pair_of_paths() -> None:
    """a leads to 1 or 2; both then read b and stop: the string "a b" has the paths 0-1-3 and 0-2-3."""
    arcs = [Arc(0, 1, "a", HALF), Arc(0, 2, "a", HALF), Arc(1, 3, "b", fmpq(1)), Arc(2, 3, "b", fmpq(1))]
    stop = [fmpq(0), fmpq(0), fmpq(0), fmpq(1)]
    with pytest.raises(ValueError, match=r'the string "a b" has two paths: states 0-1-3 and 0-2-3; the paths'):
        Automaton.of(("a", "b"), arcs, stop)


def test_two_arcs_between_the_same_states() -> None:
    arcs = [Arc(0, 1, "a", HALF), Arc(0, 1, "a", HALF)]
    with pytest.raises(ValueError, match=r'the string "a" has two paths: states 0-1 and 0-1 by another arc'):
        Automaton.of(("a",), arcs, [fmpq(0), fmpq(1)])


def test_ambiguity_names_states_as_numbered_before_trimming() -> None:
    """State 1 cannot be reached; the others keep their numbers in the message."""
    arcs = [Arc(0, 2, "a", HALF), Arc(0, 3, "a", HALF)]
    with pytest.raises(ValueError, match="states 0-2 and 0-3"):
        Automaton.of(("a",), arcs, [fmpq(0), fmpq(1), fmpq(1), fmpq(1)])


def test_nondeterministic_but_unambiguous_is_accepted() -> None:
    """After a one branch must read b, the other c: the letter a is read twice, but no string is."""
    arcs = [Arc(0, 1, "a", HALF), Arc(0, 2, "a", HALF), Arc(1, 3, "b", fmpq(1)), Arc(2, 3, "c", fmpq(1))]
    automaton = Automaton.of(("a", "b", "c"), arcs, [fmpq(0), fmpq(0), fmpq(0), fmpq(1)])
    assert not automaton.deterministic
    assert automaton.branching() == (0, "a")
    assert ambiguity(automaton) is None


@st.composite
def _nondeterministic(draw: Any) -> Automaton:
    """One or two letters, at most three states, any number of arcs between them."""
    count = draw(st.integers(1, 3))
    arcs, stop = [], []
    for state in range(count):
        weights = [draw(st.integers(0, 2)) for _ in range(2 * count)]
        ending = draw(st.integers(0 if any(weights) and state else 1, 2))
        total = sum(weights) + ending
        stop.append(fmpq(ending, total))
        arcs += [Arc(state, k // 2, "ab"[k % 2], fmpq(w, total)) for k, w in enumerate(weights)]
    return unchecked(("a", "b"), arcs, stop)


@given(_nondeterministic())
def test_ambiguous_iff_some_string_has_two_paths(automaton: Automaton) -> None:
    """The product automaton against all strings: a shortest ambiguous one has at most S^2 + S - 1 < 12 tokens."""
    twice = ambiguity(automaton)
    if automaton.deterministic:
        assert twice is None
        return
    counted: dict[tuple[int, ...], int] = {}
    paths = np.zeros(automaton.graph.states, dtype=int)
    paths[automaton.graph.initial] = 1
    layer = {(): paths}
    longest = 11 if twice is None else len(twice.tokens)
    for _ in range(min(longest, 7) + 1):
        following: dict[tuple[int, ...], Any] = {}
        for tokens, counts in layer.items():
            for i, j, t in zip(automaton.graph.source, automaton.graph.target, automaton.token, strict=True):
                if j == automaton.graph.states:
                    counted[tokens] = counted.get(tokens, 0) + counts[i]
                elif counts[i]:
                    target = following.setdefault((*tokens, int(t)), np.zeros_like(paths))
                    target[j] += counts[i]
        layer = following
    shortest = min((len(tokens) for tokens, count in counted.items() if count > 1), default=None)
    if twice is None:
        assert shortest is None
    elif longest <= 7:
        assert shortest == len(twice.tokens)
        assert counted[tuple(automaton.alphabet.index(t) for t in twice.tokens)] > 1


def test_two_geometrics_is_ambiguous() -> None:
    assert str(ambiguity(two_geometrics())) == 'the string "a" has two paths: states 0-1 and 0-2'


# --- trimming -----------------------------------------------------------------------------------------------------


def test_states_off_all_paths_are_cut_off() -> None:
    """1 cannot stop, 2 cannot be reached: both go, and the prior has mass 1/3 on infinite strings."""
    arcs = [
        Arc(0, 0, "a", THIRD),
        Arc(0, 1, "b", THIRD),
        Arc(1, 1, "a", fmpq(1)),
        Arc(2, 0, "a", fmpq(1)),
    ]
    automaton = Automaton.of(("a", "b"), arcs, [THIRD, fmpq(0), fmpq(0)])
    assert automaton.state.tolist() == [0]
    assert len(automaton.graph) == 2
    assert totals(automaton.graph, automaton.prob)[0] == HALF


def test_steps_are_in_alphabet_order_with_the_end_last() -> None:
    automaton = Automaton.of(("a", "b"), [Arc(0, 0, "b", THIRD), Arc(0, 0, "a", THIRD)], [THIRD])
    assert automaton.token.tolist() == [0, 1, 2]
    assert automaton.end.tolist() == [False, False, True]


def test_reward_minus_infinity_removes_steps_and_what_only_they_reach() -> None:
    arcs = [Arc(0, 1, "a", HALF, REMOVED), Arc(0, 0, "b", fmpq(1, 4))]
    automaton = Automaton.of(("a", "b"), arcs, [fmpq(1, 4), fmpq(1)])
    assert automaton.graph.states == 2
    assert automaton.rewarded().graph.states == 1
    everything = Automaton.of(("a",), [Arc(0, 1, "a", fmpq(1), REMOVED)], [fmpq(0), fmpq(1)])
    with pytest.raises(ValueError, match="support is empty"):
        everything.rewarded()


# --- strings ------------------------------------------------------------------------------------------------------


@given(automata(), st.integers(0, 6))
def test_law_of_short_strings(automaton: Automaton, length: int) -> None:
    """P(y | |y| <= n) sums to 1, and with the tail the masses are those of (I - M)^-1: sum_{k <= n} e_0' M^k b."""
    law, tail = automaton.law(length)
    assert law.prob.sum() == 1
    matrix = np.zeros((automaton.graph.states,) * 2, dtype=object) + fmpq(0)
    ends = np.zeros(automaton.graph.states, dtype=object) + fmpq(0)
    for i, j, p in zip(automaton.graph.source, automaton.graph.target, automaton.prob, strict=True):
        if j == automaton.graph.states:
            ends[i] += p
        else:
            matrix[i, j] += p
    vector = np.zeros(automaton.graph.states, dtype=object) + fmpq(0)
    vector[automaton.graph.initial] = fmpq(1)
    mass = fmpq(0)
    for _ in range(length + 1):
        mass += vector @ ends
        vector = vector @ matrix
    assert 1 - tail == mass


def test_strings_are_ordered_by_length_then_alphabet() -> None:
    names = [tokens for tokens, _, _ in two_states().strings(2)]
    assert names == [(), (0,), (1,), (0, 0), (0, 1), (1, 0), (1, 1)]


def test_no_string_is_that_short() -> None:
    automaton = Automaton.of(("a",), [Arc(0, 1, "a", fmpq(1))], [fmpq(0), fmpq(1)])
    with pytest.raises(ValueError, match="no string has at most 0 tokens"):
        automaton.law(0)


@given(acyclic_automata())
def test_constant_weights(automaton: Automaton) -> None:
    """prod c e^a takes one value on all paths iff it does on every string, one by one."""
    for parts, value in (
        ([(p, fmpq(0)) for p in automaton.prob], lambda p, r: (p, fmpq(0))),
        ([(r.factor, r.exponent) for r in automaton.reward], lambda p, r: (r.factor, r.exponent)),
        (automaton.parts(), lambda p, r: (p * r.factor, r.exponent)),
    ):
        values = {value(p, r) for _, p, r in automaton.strings(automaton.graph.states)}
        assert is_constant(automaton.graph, parts) == (len(values) == 1)


@given(acyclic_automata())
def test_upwards_puts_targets_first(automaton: Automaton) -> None:
    order = {state: k for k, state in enumerate(automaton.graph.upwards())}
    assert sorted(order) == list(range(automaton.graph.states))
    for i, j in zip(automaton.graph.source.tolist(), automaton.graph.target.tolist(), strict=True):
        assert j == automaton.graph.states or order[j] < order[i]


def test_components_hold_the_cycles() -> None:
    assert [c.tolist() for c in two_states().graph.components()] == [[0, 1]]
    chain_of_two = Automaton.of(("a",), [Arc(0, 1, "a", HALF), Arc(1, 1, "a", HALF)], [HALF, HALF])
    assert [c.tolist() for c in chain_of_two.graph.components()] == [[1]]
    assert not chain_of_two.graph.acyclic


def test_random_automata_are_valid() -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        automaton = random_automaton(rng, 6, 3)
        assert automaton.deterministic
        assert all(total <= 1 for total in automaton.graph.row_sums(automaton.prob))


# --- n-grams ------------------------------------------------------------------------------------------------------


def _counted(words: list[str], order: int) -> dict[tuple[str, ...], dict[str, int]]:
    counts: dict[tuple[str, ...], dict[str, int]] = {}
    for word in words:
        for k, letter in enumerate([*word, ""]):
            row = counts.setdefault(tuple(word[max(k - order + 1, 0) : k]), {})
            row[letter] = row.get(letter, 0) + 1
    return counts


@given(st.lists(st.text("ab", max_size=5), min_size=1, max_size=6), st.integers(1, 4))
def test_ngram_model_has_the_mean_length_of_its_text(words: list[str], order: int) -> None:
    """Expected visits of a history are its count over the number of strings: the counts balance at every history."""
    counts = _counted(words, order)
    automaton = ngram(counts, order, {})
    start = np.zeros(automaton.graph.states, dtype=object) + fmpq(0)
    start[automaton.graph.initial] = fmpq(1)
    visits = ball_solver(automaton.graph, balls(automaton.prob)).solve_transposed(objects(start)[None, :])[0]
    histories = sorted(counts, key=lambda history: (len(history), history))
    for state, found in zip(automaton.state, visits, strict=True):
        assert (found - fmpq(sum(counts[histories[state]].values()), len(words))).contains(0)


def test_ngram_of_order_above_the_longest_string_is_the_text() -> None:
    words = ["ab", "ab", "b", ""]
    automaton = ngram(_counted(words, 4), 4, {})
    law, tail = automaton.law(5, "")
    assert tail == 0
    assert dict(zip(law.support, law.prob, strict=True)) == {"": fmpq(1, 4), "b": fmpq(1, 4), "ab": fmpq(1, 2)}


def test_ngram_refuses_missing_counts() -> None:
    with pytest.raises(ValueError, match="the empty history has no counts"):
        ngram({("a",): {"": 1}}, 2, {})
    with pytest.raises(ValueError, match=r"the history \('a',\) can be reached but has no counts"):
        ngram({(): {"a": 1}}, 2, {})


def test_trigrams_of_the_speeches() -> None:
    """632 histories, 6,843 trigrams, 75,853 sentences of 155.389 letters and spaces on average."""
    automaton = speeches(vowels_over_consonants(fmpq(1)))
    assert (automaton.graph.states, len(automaton.graph)) == (632, 6843)
    assert automaton.alphabet == SPEECH_LETTERS
    assert automaton.deterministic
    prior = automaton.graph.row_sums(automaton.prob)
    assert all(total == 1 for total in prior)
    rewards = {automaton.alphabet[t]: r for t, r in zip(automaton.token, automaton.reward, strict=True) if t < 27}
    assert rewards["_"] == Reward()
    assert (rewards["e"].exponent, rewards["t"].exponent) == (1, -1)


def test_unigrams_and_bigrams_sum_the_trigrams() -> None:
    assert [speeches({}, order).graph.states for order in (1, 2)] == [1, 28]
    one = speeches({}, 1)
    assert one.prob[one.end][0] == fmpq(75853, 75853 + 11786737)


def test_independent_letters() -> None:
    automaton = letters((1, 3), fmpq(4, 5))
    assert automaton.prob.tolist() == [fmpq(1, 5), fmpq(3, 5), fmpq(1, 5)]


def test_every_small_deterministic_automaton_is_unambiguous() -> None:
    for targets in itertools.product(range(2), repeat=4):
        arcs = [Arc(s, targets[2 * s + t], "ab"[t], THIRD) for s in range(2) for t in range(2)]
        assert ambiguity(Automaton.of(("a", "b"), arcs, [THIRD, THIRD])) is None
