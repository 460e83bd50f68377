"""Models in the form that independent libraries take them: OpenFst (pynini) and Storm (stormpy).

Both are installed by ``make bench-peers``, never by the project itself.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable

import numpy as np
from flint import fmpq

from theory.arithmetic.exact import Array, rational
from theory.language_models.automaton import Floats, Graph

DELTA = 1e-12
"""Where OpenFst stops: at a change of this size, in nats."""

STORM_PRECISION = "1/100000000000000"


def openfst(graph: Graph, log_weight: Floats, less: float = 0.0) -> Callable[[], float]:
    """log of the sum over all paths by generalised single-source shortest distance in the log semiring, minus ``less``.

    Mohri (2002): it adds what is left over, state by state, until no addition exceeds ``DELTA``. OpenFst's Python hands
    out nine digits; ``less``, near the result, is taken off the ends' weights so that these are digits of what is left.
    """
    wrapped = importlib.import_module("pywrapfst")
    fst = wrapped.VectorFst("log64")
    fst.add_states(graph.states + 1)
    fst.set_start(graph.initial)
    fst.set_final(graph.states, wrapped.Weight("log64", less))
    for source, target, cost in zip(graph.source.tolist(), graph.target.tolist(), (-log_weight).tolist(), strict=True):
        fst.add_arc(source, wrapped.Arc(1, 1, wrapped.Weight("log64", cost), target))
    return lambda: -float(wrapped.shortestdistance(fst, reverse=True, delta=DELTA)[graph.initial])


def storm(graph: Graph, law: Array, reward: Array, *, sound: bool = True) -> Callable[[], float | fmpq]:
    """The expected reward until the end of the string, from the initial state.

    Args:
        graph: of the model.
        law: next-step probabilities; float64, or rationals for Storm's exact arithmetic.
        reward: >= 0 of each step, in the same arithmetic.
        sound: with the methods that bound their error, Storm's default; else by plain power iteration.
    """
    return _query(graph, law, 'R{"reward"}=? [F "end"]', graph.row_sums(law * reward), sound)


def storm_total(graph: Graph, weight: Array, *, sound: bool = True) -> Callable[[], float | fmpq]:
    """Z, for weights that sum to at most 1 at each state: the probability to reach the end; the rest is lost."""
    return _query(graph, weight, 'P=? [F "end"]', None, sound)


def _query(graph: Graph, law: Array, text: str, earned: Array | None, sound: bool) -> Callable[[], float | fmpq]:
    stormpy = importlib.import_module("stormpy")
    exact = law.dtype == object
    kind, number = (stormpy.Rational, lambda v: stormpy.Rational(str(v))) if exact else (float, float)
    zero: float | fmpq = fmpq(0) if exact else 0.0
    end, lost = graph.states, graph.states + 1
    rows: list[dict[int, float | fmpq]] = [{} for _ in range(graph.states)]
    for source, target, p in zip(graph.source.tolist(), graph.target.tolist(), law, strict=True):
        rows[source][target] = rows[source].get(target, zero) + p
    if earned is None:
        rows = [row | {lost: missing} if (missing := 1 - sum(row.values())) > 0 else row for row in rows]
    builder = stormpy.datastructures.SparseMatrixBuilder[kind](graph.states + 2, graph.states + 2, 0, False)
    for state, row in enumerate([*rows, {end: zero + 1}, {lost: zero + 1}]):
        for target in sorted(row):
            builder.add_next_value(state, target, number(row[target]))
    labels = stormpy.models.StateLabeling(graph.states + 2)
    for label, state in (("init", graph.initial), ("end", end)):
        labels.add_label(label)
        labels.add_label_to_state(label, state)
    rewards = {}
    if earned is not None:
        values = [number(v) for v in [*earned, zero, zero]]
        rewards["reward"] = stormpy.models.SparseRewardModel[kind](optional_state_reward_vector=values)
    parts = stormpy.models.SparseModelComponents[kind](
        transition_matrix=builder.build(), state_labeling=labels, reward_models=rewards
    )
    model = stormpy.models.SparseDtmc[kind](parts)
    (query,) = stormpy.parse_properties(text)
    environments = stormpy.environments
    setting = environments.exact() if exact else environments.sound() if sound else environments.Environment()
    if not exact:
        setting.solver().native().precision = stormpy.Rational(STORM_PRECISION)
        if not sound:
            setting.solver().set_linear_equation_solver_type(environments.EquationSolverType.NATIVE)
            setting.solver().native().method = environments.NativeLinearEquationSolverMethod.POWER

    def answer() -> float | fmpq:
        value = stormpy.model_checking(model, query, environment=setting).get_value(graph.initial)
        return rational(str(value)) if exact else value

    return answer


def chain(rng: np.random.Generator, states: int, tokens: int, length: float) -> tuple[Graph, Floats, Floats]:
    """A dense random language model: the graph, its weights p e^R, and the features (L, R), shape (2, n).

    Each state goes on with ``tokens`` tokens to random states, laws uniform Dirichlet, and stops with probability
    1 / (length + 1): strings of the prior have ``length`` tokens on average. R of an arc is normal of deviation 0.05.
    """
    stop = 1 / (length + 1)
    law = np.concatenate((rng.dirichlet(np.ones(tokens), states) * (1 - stop), np.full((states, 1), stop)), axis=1)
    target = np.concatenate((rng.integers(0, states, (states, tokens)), np.full((states, 1), states)), axis=1)
    reward = rng.normal(0, 0.05, law.shape)
    reward[:, -1] = 0
    graph = Graph(states, 0, np.repeat(np.arange(states), tokens + 1), target.ravel())
    log_prior = np.log(law.ravel())
    return graph, np.exp(log_prior + reward.ravel()), np.stack((log_prior, reward.ravel()))


def doob(graph: Graph, weight: Array, value: Array) -> Array:
    """The next-step laws of the paths' law: weight_ij v_j / v_i."""
    law: Array = weight * value[graph.target] / value[graph.source]
    return law
