"""Aligned and adapted automata: against the tree of the same strings, next-token laws by hand, leaks and ties."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.automata import acyclic_automata, automata
from theory.adaptors.exact import Chain, adapt, adapt_global, adapt_local, chain, decide
from theory.adaptors.moments import Moments, moments
from theory.arithmetic.exact import Diverges, Undecided, exp, to_float
from theory.automata.adaptors import (
    AdaptedAutomaton,
    AlignedAutomaton,
    Leak,
    adapt_automaton_global,
    adapt_automaton_local,
    adapted_moments,
    align_automaton,
    decide_automaton,
    doob,
    formal_law,
    largest_ratio,
    local_global_divergence,
    string_count,
    unrolled,
    whole_law,
)
from theory.automata.moments import family
from theory.automata.path_sums import totals
from theory.automata.spectral_radius import converges, critical_temperature
from theory.corpora.metropolis import largest_weight
from theory.examples.automata import letters, random_automaton, two_states
from theory.language_models.automaton import Arc, Automaton
from theory.language_models.rewards import Reward
from theory.models.finite import FiniteModel

ONE, HALF = fmpq(1), fmpq(1, 2)
MOMENTS = (
    "mean_log_prior",
    "mean_reward",
    "entropy",
    "cross_entropy",
    "kl_to_aligned",
    "var_log_prior",
    "var_reward",
    "cov",
    "var_surprisal",
    "cov_log_prior_surprisal",
)
CHAINS = (
    chain(("temperature", "1/2")),
    chain(("temperature", "3/2")),
    chain(("top_k", 1)),
    chain(("top_k", 2)),
    chain(("nucleus", "3/5")),
    chain(("typical", "1/2")),
    chain(("eta", "1/2")),
    chain(("epsilon", "1/4")),
    chain(("min_p", "1/2")),
    chain(("top_k", 2), ("temperature", "2/3"), ("nucleus", "3/4")),
)


def same(found: Any, expected: Any) -> bool:
    """Two balls for one number: they overlap, and both are narrow."""
    gap = found - expected
    return bool(gap.contains(0)) and float(gap.rad()) < 1e-40 * (1 + abs(to_float(expected)))


def agree(found: Moments, expected: Moments) -> None:
    for name in MOMENTS:
        assert same(getattr(found, name), getattr(expected, name)), name
    assert found.constant == expected.constant
    for name in ("correlation", "exchange_coefficient"):
        one, two = getattr(found, name), getattr(expected, name)
        assert (one is None) == (two is None), name


def adapted(aligned: AlignedAutomaton, steps: Chain, normalise: str) -> AdaptedAutomaton:
    law = (adapt_automaton_local if normalise == "local" else adapt_automaton_global)(
        aligned, decide_automaton(aligned, steps)
    )
    assert isinstance(law, AdaptedAutomaton)
    return law


# --- against the tree of the same strings -------------------------------------------------------------------------


@given(acyclic_automata(states=4), st.sampled_from(CHAINS), st.sampled_from(["local", "global"]))
def test_finite_automaton_is_the_tree_of_its_strings(automaton: Automaton, steps: Chain, normalise: str) -> None:
    """An acyclic automaton and the tree of its strings: equal kept sets, hence equal moments under every adaptor."""
    aligned = align_automaton(automaton)
    tree = unrolled(automaton, automaton.graph.states)
    numbers = tree.balls()
    law = adapt(numbers, decide(numbers, steps), normalise)
    found = adapted_moments(aligned, adapted(aligned, steps, normalise))
    agree(found.moments, moments(numbers, law))


@given(acyclic_automata(states=4), st.sampled_from(CHAINS))
def test_local_against_global_on_finitely_many_strings(automaton: Automaton, steps: Chain) -> None:
    """KL(q_loc || q_glob) = log C - E sum log c_t and max q_glob / q_loc are those of the strings."""
    aligned = align_automaton(automaton)
    tree = unrolled(automaton, automaton.graph.states)
    numbers = tree.balls()
    kept = decide(numbers, steps)
    local, target = adapt_local(numbers, kept), adapt_global(numbers, kept)
    log_weight = target.log_prob - local.log_prob
    law = adapted(aligned, steps, "local")
    log_total = adapted_moments(aligned, adapted(aligned, steps, "global")).log_total
    divergence = local_global_divergence(adapted_moments(aligned, law), log_total)
    assert same(divergence, -(local.prob * log_weight).sum())
    ratio = largest_ratio(law, log_total).value
    assert ratio is not None
    assert same(ratio, largest_weight(exp(log_weight)))
    whole = FiniteModel.of(tree)
    assert same(ratio, whole.correction(whole.adapted(steps, "local")).w_max)


def test_string_count() -> None:
    """(1 + 2 + 4) strings of up to two letters; infinitely many on a cycle."""
    arcs = [Arc(s, s + 1, t, fmpq(1, 3)) for s in range(2) for t in "ab"]
    assert string_count(Automaton.of(("a", "b"), arcs, [fmpq(1, 3), fmpq(1, 3), ONE]).graph) == 7
    assert string_count(two_states().graph) is None


# --- the aligned law ----------------------------------------------------------------------------------------------


@given(automata(exponents=False))
def test_doob_transform_is_the_aligned_law(automaton: Automaton) -> None:
    """p+(y) = p(y) e^{R(y)} / Z for every string of up to 4 tokens; next-token laws sum to 1; no mass is lost."""
    assume(converges(automaton.rewarded(), ONE, ONE))
    tilted = doob(automaton)
    partition = totals(tilted.graph, tilted.prob * 1)[tilted.graph.initial]
    assert partition == 1
    assert all(total == 1 for total in tilted.graph.row_sums(tilted.prob))
    log_z = family(automaton, ONE, ONE).log_total
    for (_, p, r), (_, q, _) in zip(automaton.rewarded().strings(4), tilted.strings(4), strict=True):
        assert same(arb(q), arb(p * r.factor) / log_z.exp())


def test_doob_needs_rational_weights() -> None:
    with pytest.raises(ValueError, match="must be rational"):
        doob(letters((1,), HALF, [Reward(exponent=HALF)]))


def test_diverging_reward_has_no_aligned_law() -> None:
    with pytest.raises(Diverges, match="Z is infinite"):
        align_automaton(letters((1,), HALF, [Reward(factor=fmpq(2))]))


@given(automata(states=3))
def test_formal_law_is_the_law(automaton: Automaton) -> None:
    """Formal weights, with e^{1/3} and e^{-1/2} in them, are proportional to the balls at every state."""
    assume(converges(automaton.rewarded(), ONE, ONE))
    aligned = align_automaton(automaton)
    weight = np.array([w.ball() for w in formal_law(aligned.automaton)], dtype=object)
    law = weight / aligned.graph.row_sums(weight)[aligned.graph.source]
    assert all(same(one, two) for one, two in zip(law, aligned.law, strict=True))


def test_formal_law_of_many_states_keeps_a_symbol_per_state() -> None:
    """Steps of equal weight to one state are equal formally; the balls are those of the law."""
    automaton = random_automaton(np.random.default_rng(2), 150, 3)
    aligned = align_automaton(automaton)
    formal = formal_law(aligned.automaton)
    assert all(same(one.ball(), two) for one, two in zip(formal[:20], aligned.law, strict=False))
    for step in range(len(formal) - 1):
        expected = (
            aligned.automaton.parts()[step] == aligned.automaton.parts()[step + 1]
            and aligned.graph.target[step] == aligned.graph.target[step + 1]
        )
        assert formal[step].equals(formal[step + 1]) == expected


# --- kept sets ----------------------------------------------------------------------------------------------------


def _one_state(probs: list[tuple[str, fmpq, Reward]], stop: fmpq) -> Automaton:
    return Automaton.of(tuple(t for t, _, _ in probs), [Arc(0, 0, t, p, r) for t, p, r in probs], [stop])


def test_ties_go_to_the_lower_index_and_the_end_comes_last() -> None:
    """a and b tie formally although e^{1/3} is irrational; a loop and the end tie too: top-1 keeps a."""
    tie = Reward(exponent=fmpq(-1, 3))
    automaton = _one_state([("a", fmpq(1, 4), tie), ("b", fmpq(1, 8), tie + Reward(factor=fmpq(2)))], fmpq(5, 8))
    aligned = align_automaton(automaton)
    assert decide_automaton(aligned, chain(("top_k", 2))).step.tolist() == [True, False, True]
    even = align_automaton(letters((1,), HALF))
    assert decide_automaton(even, chain(("top_k", 1))).step.tolist() == [True, False]
    assert decide_automaton(even, chain(("nucleus", HALF))).step.tolist() == [True, False]


def test_thresholds_are_met_exactly() -> None:
    """p+ = (1/4, 1/4, 1/2) of irrational weights: epsilon 1/4 and min-p 1/2 keep all, nucleus 1/2 one letter."""
    up = Reward(exponent=HALF)
    half = Automaton.of(
        ("a", "b", "c"),
        [Arc(0, 1, "a", fmpq(1, 4), up), Arc(0, 1, "b", fmpq(1, 4), up), Arc(0, 1, "c", HALF, up)],
        [fmpq(0), ONE],
    )
    aligned = align_automaton(half)
    for steps, kept in (
        (chain(("epsilon", "1/4")), [True, True, True]),
        (chain(("min_p", "1/2")), [True, True, True]),
        (chain(("nucleus", "1/2")), [False, False, True]),
        (chain(("nucleus", "3/4")), [True, False, True]),
    ):
        assert decide_automaton(aligned, steps).step.tolist()[:3] == kept


def test_truncation_needs_a_deterministic_automaton() -> None:
    arcs = [Arc(0, 1, "a", HALF), Arc(0, 2, "a", HALF), Arc(1, 3, "b", ONE), Arc(2, 3, "c", ONE)]
    automaton = Automaton.of(("a", "b", "c"), arcs, [fmpq(0), fmpq(0), fmpq(0), ONE])
    aligned = align_automaton(automaton)
    with pytest.raises(ValueError, match="state 0 has two arcs with token 'a'"):
        decide_automaton(aligned, chain(("top_k", 1)))
    cool = decide_automaton(aligned, chain(("temperature", "1/2")))
    with pytest.raises(ValueError, match="deterministic"):
        adapt_automaton_local(aligned, cool)
    law = adapt_automaton_global(aligned, cool)
    assert law is not None
    assert same(adapted_moments(aligned, law).moments.entropy, arb(2).log())


# --- infinite support ---------------------------------------------------------------------------------------------


def test_global_temperature_is_the_family() -> None:
    """p+^tau / C = q_{tau, tau}: the same means and covariances, and C = Z(tau, tau) / Z^tau."""
    aligned = align_automaton(two_states())
    for temperature in ("1/2", "4/5", "3/2", "2"):
        steps = chain(("temperature", temperature))
        tau = steps[0].value ** -1
        found = adapted_moments(aligned, adapted(aligned, steps, "global"))
        expected = family(two_states(), tau, tau)
        assert same(found.moments.mean_log_prior, expected.mean[0])
        assert same(found.moments.var_reward, expected.covariance[1, 1])
        assert same(found.log_total, expected.log_total - aligned.log_partition * tau)


@given(automata(states=3), st.sampled_from(CHAINS))
def test_local_law_of_infinitely_many_strings(automaton: Automaton, steps: Chain) -> None:
    """Next-token laws one prefix at a time give the same q_loc: E over strings of up to 7 tokens, and the rest."""
    assume(automaton.deterministic and converges(automaton.rewarded(), ONE, ONE))
    aligned = align_automaton(automaton)
    kept = decide_automaton(aligned, steps)
    law = adapt_automaton_local(aligned, kept)
    graph = aligned.graph
    p = np.array([to_float(v) for v in aligned.law]) ** to_float(kept.power) * kept.step
    step_law = p / np.bincount(graph.source, p)[graph.source]
    starts = [*graph.starts.tolist(), len(graph)]
    log_prior = [to_float(v) for v in aligned.features[0]]
    layer = [(graph.initial, 1.0, 0.0)]
    mass = mean = 0.0
    for _ in range(8):
        following = []
        for state, q, l in layer:
            for step in range(starts[state], starts[state + 1]):
                if step_law[step] > 0:
                    there = (int(graph.target[step]), q * step_law[step], l + log_prior[step])
                    if there[0] == graph.states:
                        mass, mean = mass + there[1], mean + there[1] * there[2]
                    else:
                        following.append(there)
        layer = following
    left = sum(q for _, q, _ in layer)
    assert abs(mass + left - 1) < 1e-12
    if isinstance(law, Leak):
        assert to_float(law.mass) <= left + 1e-12
        return
    found = adapted_moments(aligned, law)
    if left < 1e-12:
        assert abs(to_float(found.moments.mean_log_prior) - mean) < 1e-9
    assert to_float(found.moments.mean_log_prior) <= mean + 1e-9


def test_largest_ratio_is_attained() -> None:
    """max q_glob / q_loc over strings of up to 9 tokens is the formula's; longer ones have smaller ratios."""
    aligned = align_automaton(two_states())
    for steps in (chain(("temperature", "1/2")), chain(("top_k", 2)), chain(("nucleus", "3/4"))):
        kept = decide_automaton(aligned, steps)
        local = adapt_automaton_local(aligned, kept)
        assert isinstance(local, AdaptedAutomaton)
        log_total = adapted_moments(aligned, adapted(aligned, steps, "global")).log_total
        ratio = largest_ratio(local, log_total).value
        assert ratio is not None
        weight = [to_float(v) for v in exp(local.log_sum)]
        starts = [*local.graph.starts.tolist(), len(local.graph)]
        best, layer = 0.0, {local.graph.initial: 1.0}
        for _ in range(10):
            following: dict[int, float] = {}
            for state, product in layer.items():
                for step in range(starts[state], starts[state + 1]):
                    there, value = int(local.graph.target[step]), product * weight[step]
                    if there == local.graph.states:
                        best = max(best, value)
                    else:
                        following[there] = max(following.get(there, 0.0), value)
            layer = following
        assert math.isclose(best / math.exp(to_float(log_total)), to_float(ratio), rel_tol=1e-12)


def test_there_is_no_largest_ratio_when_warming_a_cycle() -> None:
    aligned = align_automaton(two_states())
    kept = decide_automaton(aligned, chain(("temperature", "3/2")))
    local = adapt_automaton_local(aligned, kept)
    assert isinstance(local, AdaptedAutomaton)
    found = largest_ratio(local, arb(0))
    assert found.value is None
    assert "cycle" in found.reason


# --- what cannot happen on a finite tree --------------------------------------------------------------------------


def test_leaks() -> None:
    """Top-1 that keeps a loop loses all mass; one that leads into a loop with chance 3/5 loses 3/5, say."""
    everything = align_automaton(letters((3,), fmpq(3, 4)))
    kept = decide_automaton(everything, chain(("top_k", 1)))
    law = adapt_automaton_local(everything, kept)
    assert isinstance(law, Leak)
    assert law.mass == 1
    assert adapt_automaton_global(everything, kept) is None
    arcs = [Arc(0, 1, "a", fmpq(3, 5)), Arc(1, 1, "a", fmpq(9, 10))]
    partly = align_automaton(Automaton.of(("a",), arcs, [fmpq(2, 5), fmpq(1, 10)]))
    law = adapt_automaton_local(partly, decide_automaton(partly, chain(("epsilon", "1/5"))))
    assert isinstance(law, Leak)
    assert same(law.mass, arb(fmpq(3, 5)))
    rest = adapt_automaton_global(partly, decide_automaton(partly, chain(("epsilon", "1/5"))))
    assert rest is not None
    assert same(adapted_moments(partly, rest).moments.entropy, arb(0))


@given(automata(states=3), st.sampled_from(["1/2", "3/4", "2", "5"]))
def test_temperatures_do_not_leak(automaton: Automaton, temperature: str) -> None:
    """A temperature keeps every step, and on finitely many states every string ends almost surely."""
    assume(converges(automaton.rewarded(), ONE, ONE))
    aligned = align_automaton(automaton)
    law = adapt_automaton_local(aligned, decide_automaton(aligned, chain(("temperature", temperature))))
    assert isinstance(law, AdaptedAutomaton)
    total = totals(law.graph, law.weight)[law.graph.initial]
    assert (total - 1).contains(0)


def test_global_temperature_exists_below_the_critical_one() -> None:
    aligned = align_automaton(two_states())
    critical = critical_temperature(two_states())
    assert critical is not None
    near = round(to_float(critical) * 10**6)
    below, above = (chain(("temperature", fmpq(near + k, 10**6))) for k in (-2, 2))
    assert adapt_automaton_global(aligned, decide_automaton(aligned, below)) is not None
    with pytest.raises(Diverges, match="no finite normaliser"):
        adapt_automaton_global(aligned, decide_automaton(aligned, above))


def test_truncated_part_may_exist_where_the_whole_does_not() -> None:
    """Top-2 of two letters and an end leaves one loop or none: every temperature has a normaliser."""
    aligned = align_automaton(letters((3, 2), fmpq(5, 6)))
    with pytest.raises(Diverges):
        adapt_automaton_global(aligned, decide_automaton(aligned, chain(("temperature", 10))))
    kept = decide_automaton(aligned, chain(("min_p", "9/10"), ("temperature", 10)))
    assert kept.step.tolist() == [True, False, False]
    assert adapt_automaton_global(aligned, kept) is None


def test_whole_law_is_the_aligned_law() -> None:
    aligned = align_automaton(two_states())
    found = adapted_moments(aligned, whole_law(aligned))
    expected = family(two_states(), ONE, ONE)
    assert same(found.moments.cov, expected.covariance[0, 1])
    assert found.moments.kl_to_aligned.contains(0)
    assert found.log_total.contains(0)


def test_tie_among_many_states_is_undecided() -> None:
    """Two letters to different states of equal value: equal by symmetry, which symbols do not show."""
    size = 130
    arcs = [Arc(0, 1, "a", fmpq(1, 4)), Arc(0, 2, "b", fmpq(1, 4))]
    arcs += [Arc(s, s + 2 if s + 2 < size else s, "a", HALF) for s in range(1, size)]
    automaton = Automaton.of(("a", "b"), arcs, [HALF, *[HALF] * (size - 1)])
    aligned = align_automaton(automaton)
    with pytest.raises(Undecided, match="130 states"):
        decide_automaton(aligned, chain(("top_k", 2)))
