"""Small back-off models in balls: the decimals of the file as they are written, and no float64 step.

The same sums as ``theory.automata.failure``, as matrices with one row a state: the row of a context is that of its
back-off times the back-off weight, corrected at the words that it lists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from flint import arb, arb_mat, fmpq

from theory.arithmetic.exact import Array, Diverges, Undecided, objects
from theory.automata.path_sums import eliminate
from theory.language_models.automaton import Floats, Graph, Index
from theory.language_models.ngram import NGramModel
from theory.language_models.rewards import Reward

MOST_STATES = 120
MOST_ARCS = 6000
"""Larger models are summed in float64 with bounds."""


def is_small(model: NGramModel) -> bool:
    """Whether the model is summed in balls."""
    return model.states <= MOST_STATES and len(model) <= MOST_ARCS


def decimal(value: float) -> fmpq:
    """The decimal that was read as this float64; exact for at most 15 digits.

    >>> decimal(-0.301)
    -301/1000
    """
    sign, digits, exponent = np.format_float_scientific(value, unique=True, trim="-"), "", 0
    mantissa, _, scale = sign.partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits, exponent = whole + fraction, int(scale) - len(fraction)
    return fmpq(int(digits)) * fmpq(10) ** exponent


@dataclass(frozen=True, slots=True, eq=False)
class BallMoments:
    """log Z(s, t), E L, E R, Var L, Cov, Var R under q_{s,t}, in balls, and Z from each state."""

    log_total: arb
    mean: tuple[arb, arb]
    covariance: tuple[arb, arb, arb]
    value: Array


class _Logs:
    """log p, log of the back-off weight and R in balls; logarithms that are written alike are computed once."""

    def __init__(self, model: NGramModel, reward: Sequence[Reward]) -> None:
        ten = arb(10).log()
        self.prob = _distinct(model.log10_prob, ten)
        self.back = _distinct(model.log10_back, ten)
        self.reward = objects(
            (arb(r.factor).log() if r.factor not in (0, 1) else arb(0)) + arb(r.exponent) for r in reward
        )
        self.removed = np.array([r.removes for r in reward], dtype=bool)


def _distinct(values: Floats, ten: arb) -> Array:
    known = {v: arb(decimal(v)) * ten for v in set(values.tolist()) if v != -np.inf}
    return objects(known.get(v) for v in values.tolist())


def log_masses(model: NGramModel, reward: Sequence[Reward]) -> Array:
    """log c(h) of every state, in balls; shape (S,).

    Raises:
        Undecided: c is not certainly > 0.
    """
    logs = _Logs(model, reward)
    found = objects([arb(0)] * model.states)
    for state in range(model.states):
        arcs = range(int(model.starts[state]), int(model.starts[state + 1]))
        found[state] = sum((logs.prob[k].exp() for k in arcs), start=arb(0))
        if logs.back[state] is not None:
            covered = sum((logs.prob[model.lower[k]].exp() for k in arcs), start=arb(0))
            found[state] += logs.back[state].exp() * (found[model.back[state]] - covered)
        if not found[state] > 0:
            raise Undecided(f'the probabilities after "{" ".join(model.context(state))}" sum to {found[state]}')
    return objects(c.log() for c in found)


def _matrices(model: NGramModel, reward: Sequence[Reward], s: fmpq, t: fmpq) -> Array:
    """M with (log q)^i R^j for (i, j) = 00, 10, 20, 01, 11, 02; shape (6, S, S + 1), the ends in the last column."""
    logs, log_mass = _Logs(model, reward), log_masses(model, reward)
    live = model.reachable(np.append(~logs.removed, True))
    found = objects([arb(0)] * (6 * model.states * (model.states + 1))).reshape(6, model.states, -1)
    for state in range(model.states):
        rows = found[:, state]
        if logs.back[state] is not None:
            rows += _shifted(found[:, model.back[state]], logs.back[state]) * (logs.back[state] * s).exp()
        for k in range(int(model.starts[state]), int(model.starts[state + 1])):
            token = int(model.token[k])
            if token < len(logs.removed) and logs.removed[token]:
                continue
            earned = logs.reward[token] if token < len(logs.reward) else arb(0)
            if logs.back[state] is not None:
                below = logs.prob[model.lower[k]] + logs.back[state]
                rows[:, model.target[model.lower[k]]] -= _powers(below, earned, s, t)
            rows[:, model.target[k]] += _powers(logs.prob[k], earned, s, t)
    scaled = [_shifted(found[:, k], -log_mass[k]) * (-log_mass[k] * s).exp() for k in range(model.states)]
    result = np.stack(scaled, axis=1)
    result[:, ~live] = arb(0)
    result[:, :, :-1][:, :, ~live] = arb(0)
    return result


def _powers(log_prob: arb, reward: arb, s: fmpq, t: fmpq) -> Array:
    weight = (log_prob * s + reward * t).exp()
    return objects([arb(1), log_prob, log_prob**2, reward, log_prob * reward, reward**2]) * weight


def _shifted(rows: Array, shift: arb) -> Array:
    """The same with log q + shift for log q."""
    zero, one, two, r, lr, rr = rows
    return np.stack([zero, one + zero * shift, two + one * (2 * shift) + zero * shift**2, r, lr + r * shift, rr])


def ball_moments(model: NGramModel, reward: Sequence[Reward], s: fmpq, t: fmpq) -> BallMoments:
    """The moments at (s, t), in balls at the working precision. Cost: O(S^3).

    Args:
        model: ``is_small``.
        reward: R of each token, nats.
        s: of p, > 0.
        t: of the reward, >= 0.

    Raises:
        Diverges: the sum over all strings is certainly infinite.
        Undecided: the balls are too wide to tell.
    """
    inner = _matrices(model, reward, s, t)
    ends, inner = inner[:, :, -1], inner[:, :, :-1]
    system = arb_mat(model.states, model.states, list((np.eye(model.states, dtype=int) - inner[0]).flat))

    def solved(right: Array) -> Array:
        return eliminate(system, right[None, :])[0]

    live = model.reachable(np.array([not r.removes for r in reward] + [True]))
    v = solved(ends[0])
    if any(x <= 0 for x in v[live]):
        raise Diverges("the spectral radius is at least 1: the sum over all strings is infinite")
    if not all(x > 0 for x in v[live]):
        raise Undecided("the spectral radius is too close to 1 for this precision")
    one, two = solved(ends[1] + inner[1] @ v), solved(ends[3] + inner[3] @ v)
    ss = solved(ends[2] + inner[2] @ v + 2 * (inner[1] @ one))
    st = solved(ends[4] + inner[4] @ v + inner[1] @ two + inner[3] @ one)
    tt = solved(ends[5] + inner[5] @ v + 2 * (inner[3] @ two))
    total, l, r, ll, lr, rr = (x[model.initial] for x in (v, one, two, ss, st, tt))
    l, r = l / total, r / total
    return BallMoments(total.log(), (l, r), (ll / total - l * l, lr / total - l * r, rr / total - r * r), v)


def expanded(model: NGramModel, reward: Sequence[Reward]) -> tuple[Graph, Array, Index]:
    """(the graph of every state and token, p / c of each step in balls, its token): what failure arcs leave out.

    Args:
        model: small; there are S (V + 1) steps.
        reward: of each token; a removed one has no step.

    Raises:
        Undecided: a row's sum is not certainly > 0.
    """
    logs, log_mass = _Logs(model, reward), log_masses(model, reward)
    rows: list[tuple[int, int, int, arb]] = []
    for state in range(model.states):
        law: dict[int, tuple[int, arb]] = {}
        for place in reversed(model.chain(state)):
            passed = logs.back[place]
            if passed is None:
                law = {}
            law = {token: (target, log_prob + passed) for token, (target, log_prob) in law.items()}
            for k in range(int(model.starts[place]), int(model.starts[place + 1])):
                law[int(model.token[k])] = int(model.target[k]), logs.prob[k]
        for emitted, (reached, log_prob) in sorted(law.items()):
            if emitted == len(reward) or not reward[emitted].removes:
                rows.append((state, emitted, reached, (log_prob - log_mass[state]).exp()))
    columns = (np.array([row[place] for row in rows], dtype=np.int64) for place in range(3))
    source, token, target = columns
    found = Graph(model.states, model.initial, source, target).trim()
    assert found is not None, "every model has an end"
    graph, steps = found
    return graph, objects(rows[step][3] for step in steps), token[steps]


__all__ = ["MOST_STATES", "BallMoments", "ball_moments", "decimal", "expanded", "is_small", "log_masses"]
