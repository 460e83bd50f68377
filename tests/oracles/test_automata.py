"""Path sums against OpenFst and Storm, which share nothing with them, and every float engine against balls.

``make oracles`` installs the two libraries and runs this.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest
from flint import fmpq, fmpq_mat

from simulations.bench.peers import DELTA, doob, openfst, storm, storm_total
from theory.arithmetic.exact import Array, ball, floats, objects, to_float
from theory.automata.moments import PathMoments, family, path_moments
from theory.automata.path_sums import Engine, step_weights, totals
from theory.automata.spectral_radius import converges, spectral_radius
from theory.examples.automata import random_automaton
from theory.language_models.automaton import Automaton

pytestmark = pytest.mark.oracle


def without(name: str) -> pytest.MarkDecorator:
    """Skips where a library is not installed."""
    return pytest.mark.skipif(importlib.util.find_spec(name) is None, reason=f"{name} is not installed")


ONE = fmpq(1)


@cache
def models() -> tuple[Automaton, ...]:
    """100 random automata of 2 to 12 states and 2 to 4 tokens whose rewarded law exists."""
    rng = np.random.default_rng(20261125)

    def drawn() -> Iterator[Automaton]:
        while True:
            found = random_automaton(rng, int(rng.integers(2, 13)), int(rng.integers(2, 5))).rewarded()
            if converges(found, ONE, ONE):
                yield found

    return tuple(model for model, _ in zip(drawn(), range(100), strict=False))


@cache
def exact(number: int) -> PathMoments:
    return family(models()[number], ONE, ONE)


@without("pywrapfst")
def test_openfst_finds_log_partition() -> None:
    """|log Z - log Z'| <= delta times the contributions that OpenFst may have dropped.

    It drops what changes a state's sum by less than delta. A drop at state i counts visits_i times in the total; a
    state is reached by at most its in-degree of arcs in each of the log(delta) / log(rho) rounds until what is left
    over has shrunk to delta.
    """
    worst = 0.0
    for number, model in enumerate(models()):
        weight = step_weights(model, ONE, ONE)
        ours = exact(number)
        less = to_float(ours.log_total)
        gap = abs(openfst(model.graph, np.log(floats(weight)), less)())
        radius = to_float(spectral_radius(model.graph, weight))
        rounds = 1 + math.log(DELTA) / math.log(max(radius, 1e-6))
        degree = int(np.bincount(model.graph.target).max())
        slack = DELTA * degree * rounds * sum(map(to_float, ours.visits)) + 1e-14
        assert gap <= slack, f"model {number}: {gap} is more than {slack}"
        worst = max(worst, gap)
    assert worst > 0, "OpenFst works in floats"


@without("stormpy")
@pytest.mark.parametrize("sound", [True, False])
def test_storm_finds_expected_tokens_and_surprisal(sound: bool) -> None:
    """E[number of tokens] and H = E[-log p+] of the aligned automaton, to Storm's precision of 1e-14 per state.

    Power iteration stops at a change of 1e-14; what is left is that over 1 - rho. Rounding adds 1e-15 per visit.
    """
    for number, model in enumerate(models()):
        graph, ours = model.graph, exact(number)
        law = doob(graph, floats(step_weights(model, ONE, ONE)), floats(ours.value))
        surprisal = -np.log(law)
        tokens = np.where(model.end, 0.0, 1.0)
        visits = float(sum(map(to_float, ours.visits)))
        radius = to_float(spectral_radius(graph, step_weights(model, ONE, ONE)))
        entropy = to_float(ours.log_total - ours.mean[0] - ours.mean[1])
        for reward, expected in ((tokens, visits - 1), (surprisal, entropy)):
            found = storm(graph, law, reward, sound=sound)()
            slack = 1e-14 * (1 + abs(expected)) / (1 - radius) + 4e-15 * visits * (1 + abs(expected))
            assert abs(found - expected) <= slack, f"model {number}: {found} is not {expected} within {slack}"


@without("stormpy")
def test_storm_in_rationals() -> None:
    """E[number of tokens] of the aligned automaton, the same rational by Storm's exact engine and by FLINT."""
    for model in models()[:30]:
        graph = model.graph
        weight = step_weights(model, ONE, ONE)
        value = totals(graph, weight)
        law = doob(graph, weight, value)
        tokens = objects(fmpq(0) if end else fmpq(1) for end in model.end)
        assert storm(graph, law, tokens)() == _expected_tokens(model, law)


@without("stormpy")
def test_storm_finds_total_in_rationals() -> None:
    """Z itself, where no reward is above 0, as the probability to reach the end."""
    for model in models()[:30]:
        weight = objects(min(w, p) for w, p in zip(step_weights(model, ONE, ONE), model.prob, strict=True))
        assert storm_total(model.graph, weight)() == totals(model.graph, weight)[model.graph.initial]


def _expected_tokens(model: Automaton, law: Array) -> fmpq:
    """The states visited before the end, less the first: n - 1, with n' (I - P) = e_0' solved in rationals."""
    graph = model.graph
    system = fmpq_mat(graph.states, graph.states, [0] * graph.states**2)
    for state in range(graph.states):
        system[state, state] += 1
    for source, target, p in zip(graph.source.tolist(), graph.target.tolist(), law, strict=True):
        if target < graph.states:
            system[target, source] -= p
    start = fmpq_mat(graph.states, 1, [int(state == graph.initial) for state in range(graph.states)])
    visits: fmpq = sum(system.solve(start).entries(), start=fmpq(0))
    return visits - 1


@pytest.mark.parametrize("engine", ["dense", "sparse"])
def test_float_engines_against_balls(engine: Engine) -> None:
    """All six moments within 1e-13 of a 256-bit solve, relatively above 1, and within their own bounds."""
    for number, model in enumerate(models()):
        found, ours = family(model, ONE, ONE, engine=engine), exact(number)
        assert found.error is not None
        pairs = [
            (found.log_total, ours.log_total, found.error.log_total),
            *zip(found.mean, ours.mean, found.error.mean, strict=True),
            *zip(found.covariance.flat, ours.covariance.flat, found.error.covariance.flat, strict=True),
        ]
        for value, true, bound in pairs:
            gap = abs(float(ball(float(value)) - true))
            assert gap <= bound
            assert gap <= 1e-13 * max(1.0, abs(to_float(true))), f"model {number}: off by {gap}"


def test_default_engine_is_one_of_them() -> None:
    """The arithmetic of the weights decides; float64 gives what the dense engine gives for few states."""
    model = models()[0]
    log_prior, reward = model.floats()
    features = np.stack((log_prior, reward))
    found = path_moments(model.graph, np.exp(log_prior + reward), features)
    assert found.log_total == path_moments(model.graph, np.exp(log_prior + reward), features, engine="dense").log_total
