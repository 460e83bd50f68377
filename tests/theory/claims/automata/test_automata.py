"""The automata family: a property per claim, the published numbers, and controls whose witnesses replay."""

from __future__ import annotations

import itertools
import math
import tomllib
from typing import Any

import pytest
from flint import arb, fmpq
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.automata import acyclic_automata, automata
from theory.adaptors.exact import chain
from theory.arithmetic.exact import to_float
from theory.automata.adaptors import Leak, adapt_automaton_local, align_automaton, decide_automaton, doob
from theory.automata.moments import family
from theory.automata.path_sums import Diverges, step_weights, totals
from theory.automata.spectral_radius import converges, critical_temperature
from theory.claims.automata.ambiguity import sums_of_squares
from theory.claims.automata.leak import Adapted, Hazard
from theory.claims.automata.models import one_state, smallest_automata
from theory.claims.automata.moments import matrix_derivatives
from theory.claims.claim import Claim, Control, Profile, Verdict, run, run_control
from theory.claims.registry import find
from theory.examples.automata import letters, two_geometrics
from theory.language_models.automaton import Arc, Automaton, ambiguity, unchecked
from theory.quantities.answer import answer
from theory.specification.automaton import read_automaton

CLAIMS = find(["automata"])

ONE = fmpq(1)
BY_ID = {claim.id: claim for claim in CLAIMS}
EXPECTED = {
    "automata.partition": Verdict.PROVED,
    "automata.moments": Verdict.PROVED,
    "automata.critical-temperature": Verdict.PROVED,
    "automata.leak": Verdict.CERTIFIED,
    "automata.ambiguity": Verdict.CERTIFIED,
}


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_verdict(claim: Claim) -> None:
    result = run(claim, Profile("quick"))
    assert result.verdict is EXPECTED[claim.id], result.failures
    assert result.as_expected


CONTROLS = [(claim, control) for claim in CLAIMS for control in claim.controls]


@pytest.mark.parametrize(("claim", "control"), CONTROLS, ids=lambda x: getattr(x, "name", getattr(x, "id", "")))
def test_control_is_refuted_and_its_witness_replays(claim: Claim, control: Control) -> None:
    """What a specification holds fails the broken statement again, and the true one holds on it."""
    result = run_control(control, Profile("quick"))
    assert result.verdict is Verdict.REFUTED
    assert result.witness is not None
    if not result.witness.spec:
        return
    document = tomllib.loads(result.witness.spec)
    spec = read_automaton(result.witness.spec)
    content: Any = spec.automaton
    if spec.adaptors:
        content = Adapted(spec.automaton, spec.adaptors[0].chain)
    assert any(finding.outcome == "fails" for finding in control.check(content))
    assert all(finding.outcome == "holds" for finding in claim.check(content))
    assert answer(document)["status"] in {"OK", "DIVERGENT"}


def test_smallest_automata_are_in_order() -> None:
    """Letters, then the sum of the integer weights of p and e^R; the first is a fair coin with no reward."""
    cases = list(itertools.islice(smallest_automata(2, 7), 60))
    sizes = [len(case.content.graph) for case in cases]
    assert sizes == sorted(sizes)
    assert cases[0].name == "one state, letters (1,) and end 1, e^R = (1,)"


# --- partition ----------------------------------------------------------------------------------------------------


@given(automata(states=3, exponents=False))
def test_partition(automaton: Automaton) -> None:
    """Z = e_0' (I - M)^-1 b is the sum over strings: partial sums by length grow to it, or without bound."""
    kept = automaton.rewarded()
    weight = step_weights(kept, ONE, ONE)
    short = [to_float(p * r.factor) for _, p, r in kept.strings(5)]
    try:
        found = totals(kept.graph, weight)[kept.graph.initial]
    except Diverges:
        assert not converges(kept, ONE, ONE)
        return
    assert sum(short) <= to_float(found) * (1 + 1e-12)
    tilted = doob(kept)
    for (_, p, r), (_, q, _) in zip(kept.strings(3), tilted.strings(3), strict=True):
        assert q == p * r.factor / found


def test_smallest_witness_without_the_radius() -> None:
    """p = 1/2, e^R = 3: the radius is 3/2, and the formula gives (1/2)/(1 - 3/2) = -1 for a sum of positive terms."""
    automaton = one_state((1,), 1, (3,))
    with pytest.raises(Diverges):
        totals(automaton.graph, step_weights(automaton, ONE, ONE))
    witness = run_control(BY_ID["automata.partition"].controls[0], Profile("quick")).witness
    assert witness is not None
    assert witness.case == "one state, letters (1,) and end 1, e^R = (3,)"


# --- moments ------------------------------------------------------------------------------------------------------


@given(automata(states=3))
def test_moments(automaton: Automaton) -> None:
    """E L = A_s, E R = A_t, Var L = A_ss, Cov = A_st, Var R = A_tt from the resolvent, against martingale sums."""
    kept = automaton.rewarded()
    assume(converges(kept, ONE, ONE))
    a, found = matrix_derivatives(kept, ONE, ONE), family(kept, ONE, ONE)
    pairs = [
        (a.value, found.log_total),
        (a.s, found.mean[0]),
        (a.t, found.mean[1]),
        (a.ss, found.covariance[0, 0]),
        (a.st, found.covariance[0, 1]),
        (a.tt, found.covariance[1, 1]),
    ]
    for one, two in pairs:
        assert (one - two).contains(0)
        assert float((one - two).rad()) < 1e-30


@given(acyclic_automata(states=4))
def test_entropy_of_finitely_many_strings(automaton: Automaton) -> None:
    """H = A - A_s - A_t is -sum p+ log p+ over the strings."""
    a = matrix_derivatives(automaton.rewarded(), ONE, ONE)
    weights = [
        to_float(p * r.factor) * math.exp(to_float(r.exponent)) for _, p, r in automaton.strings(automaton.graph.states)
    ]
    entropy = -sum(w / sum(weights) * math.log(w / sum(weights)) for w in weights)
    assert math.isclose(to_float(a.value - a.s - a.t), entropy, abs_tol=1e-12)


# --- critical temperature -----------------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 9), min_size=2, max_size=5), st.integers(1, 9), st.integers(1, 9))
def test_critical_temperature(weights: list[int], go: int, stop: int) -> None:
    """a^tau sum q^tau = 1 at tau = 1/T_c, which is T_c = 1 + log(1/a) / H_{1/T_c}(letters)."""
    going_on = fmpq(go, go + stop)
    found = critical_temperature(letters(weights, going_on))
    assert found is not None
    tau = 1 / found
    total = sum(((arb(going_on * w) / sum(weights)) ** tau for w in weights), start=arb(0))
    assert (total - 1).contains(0)
    assert found > 1


def test_published_numbers() -> None:
    """1.00097; pi / sinh(pi) = .27203; .1971 over paths against .3678 over strings."""
    critical = critical_temperature(letters((1,) * 32000, fmpq(99, 100)))
    assert critical is not None
    assert f"{to_float(critical):.5f}" == "1.00097"
    assert f"{to_float(Hazard(2).infinite()):.5f}" == "0.27203"
    assert f"{math.pi / math.sinh(math.pi):.5f}" == "0.27203"
    paths, strings = sums_of_squares(two_geometrics())
    assert (f"{to_float(paths):.4f}", f"{to_float(strings):.4f}") == ("0.1971", "0.3678")


# --- leak ---------------------------------------------------------------------------------------------------------


@given(st.integers(2, 6), st.integers(1, 60))
def test_leak(tau: int, length: int) -> None:
    """P(infinite) = prod m^tau / (m^tau + 1): below every survival, and above it times e^{-sum m^-tau}."""
    infinite = Hazard(tau).infinite()
    survival = Hazard(tau).survival(length)
    assert infinite < arb(survival)
    rest = 1 / ((tau - 1) * (length + 1) ** (tau - 1))
    assert to_float(infinite) >= to_float(survival) * math.exp(-rest) * (1 - 1e-12)
    assert float(infinite.rad()) < 1e-60


def test_prior_of_the_leak_keeps_its_mass() -> None:
    """P(more than n letters) = prod (1 - 1/(k+2)) over k <= n = 1/(n + 2)."""
    product = ONE
    for k in range(10):
        product *= 1 - fmpq(1, k + 2)
        assert Hazard(1).survival(k) == product == fmpq(1, k + 2)


@given(automata(states=3))
def test_finite_automata_leak_iff_they_reach_a_dead_end(automaton: Automaton) -> None:
    """Top-1 runs along one path: it leaks all its mass, or none; and it does iff the path meets itself."""
    kept = automaton.rewarded()
    assume(converges(kept, ONE, ONE))
    aligned = align_automaton(kept)
    decided = decide_automaton(aligned, chain(("top_k", 1)))
    state, seen = kept.graph.initial, set[int]()
    while state != kept.graph.states and state not in seen:
        seen.add(state)
        (step,) = [k for k in range(len(kept.graph)) if kept.graph.source[k] == state and decided.step[k]]
        state = int(kept.graph.target[step])
    law = adapt_automaton_local(aligned, decided)
    assert isinstance(law, Leak) == (state != kept.graph.states)
    if isinstance(law, Leak):
        assert law.mass == 1


# --- ambiguity ----------------------------------------------------------------------------------------------------


@given(automata(states=3, exponents=False))
def test_deterministic_automata_are_unambiguous(automaton: Automaton) -> None:
    """The sum of p^2 over paths is that over strings."""
    paths, strings = sums_of_squares(automaton)
    assert ambiguity(automaton) is None
    assert paths == strings


@given(st.integers(0, 4), st.integers(0, 4), st.integers(1, 4))
def test_ambiguity(first: int, second: int, stop: int) -> None:
    """Two loops with one letter: over strings the ratio is (u + v)^2, over paths u^2 + v^2."""
    assume(first + second > 0)
    total = first + second + stop
    automaton = unchecked(("a",), [Arc(0, 0, "a", fmpq(w, total)) for w in (first, second)], [fmpq(stop, total)])
    paths, strings = sums_of_squares(automaton)
    u, v, end = fmpq(first, total), fmpq(second, total), fmpq(stop, total)
    assert strings == end**2 / (1 - (u + v) ** 2)
    assert paths == end**2 / (1 - u**2 - v**2)
    assert (ambiguity(automaton) is None) == (paths == strings)
