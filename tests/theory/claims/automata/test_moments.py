"""automata.moments: the resolvent against martingale sums, and against the strings."""

from __future__ import annotations

import math

from flint import fmpq
from hypothesis import assume, given

from tests.automata import acyclic_automata, automata
from theory.arithmetic.exact import to_float
from theory.automata.moments import family
from theory.automata.spectral_radius import converges
from theory.claims.automata.models import one_state
from theory.claims.automata.moments import matrix_derivatives
from theory.language_models.automaton import Automaton

ONE = fmpq(1)


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


def test_surprisal_of_one_state() -> None:
    """p = (1/2)^(n+1), e^R = (3/2)^n: p+ is geometric with c = 3/4, H, V and Cov(L, I) of its length."""
    a = matrix_derivatives(one_state((1,), 1, (fmpq(3, 2),)), ONE, ONE)
    c, log_a = 0.75, math.log(0.5)
    spread = c / (1 - c) ** 2
    assert math.isclose(to_float(a.value - a.s - a.t), -math.log(1 - c) - c * math.log(c) / (1 - c))
    assert math.isclose(to_float(a.ss + 2 * a.st + a.tt), spread * math.log(c) ** 2)
    assert math.isclose(to_float(-a.ss - a.st), -spread * log_a * math.log(c))


@given(acyclic_automata(states=4))
def test_entropy_of_finitely_many_strings(automaton: Automaton) -> None:
    """H = A - A_s - A_t is -sum p+ log p+ over the strings."""
    a = matrix_derivatives(automaton.rewarded(), ONE, ONE)
    weights = [
        to_float(p * r.factor) * math.exp(to_float(r.exponent)) for _, p, r in automaton.strings(automaton.graph.states)
    ]
    entropy = -sum(w / sum(weights) * math.log(w / sum(weights)) for w in weights)
    assert math.isclose(to_float(a.value - a.s - a.t), entropy, abs_tol=1e-12)
