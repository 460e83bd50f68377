"""Infinite support: matrix formulas for all strings of an automaton, and what temperatures and adaptors break there."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from flint import arb, arb_mat, fmpq, fmpq_mat

from theory.adaptors.exact import Chain, chain
from theory.adaptors.moments import moments
from theory.arithmetic.exact import Array, objects
from theory.automata.adaptors import (
    KeptSteps,
    Leak,
    adapt_automaton_local,
    adapted_moments,
    align_automaton,
    decide_automaton,
    doob,
    unrolled,
    whole_law,
)
from theory.automata.moments import family
from theory.automata.path_sums import step_features, step_weights, totals
from theory.automata.spectral_radius import bisected_exponent, converges, critical_temperature
from theory.claims.claim import Case, Claim, Control, Finding, Profile, ProofFailed
from theory.claims.symbolic import vanishes
from theory.examples.automata import letters, random_automaton, two_geometrics, two_states
from theory.language_models.automaton import Arc, Automaton, Graph, ambiguity, unchecked
from theory.language_models.rewards import Reward
from theory.probability.information import entropy, renyi_entropy
from theory.specification.automaton import write_automaton

_ONE, _ZERO = fmpq(1), fmpq(0)
_NEAR = fmpq(1, 10**12)


def _case(name: str, automaton: Automaton) -> Case:
    return Case(name, automaton, write_automaton(automaton) if len(automaton.graph) <= 40 else "")


def one_state(weights: Sequence[int], stop: int, factors: Sequence[int | fmpq]) -> Automaton:
    """One state: the letters t0, t1, ... and the end with probabilities proportional to integers, e^R per letter."""
    going_on = fmpq(sum(weights), sum(weights) + stop)
    return letters(weights, going_on, [Reward(factor=fmpq(x)) for x in factors])


def smallest_automata(most_letters: int, most: int) -> Iterator[Case]:
    """Automata of one state, in the order (letters, sum of the integer weights of p and e^R)."""
    for count in range(1, most_letters + 1):
        for total in range(2 * count + 1, most + 1):
            for parts in itertools.product(range(1, total), repeat=2 * count):
                stop = total - sum(parts)
                weights, factors = parts[:count], parts[count:]
                if stop >= 1 and list(zip(weights, factors, strict=True)) == sorted(zip(weights, factors, strict=True)):
                    name = f"one state, letters {weights} and end {stop}, e^R = {factors}"
                    yield _case(name, one_state(weights, stop, factors))


def _random(profile: Profile, count: int) -> Iterator[tuple[str, Automaton]]:
    """Random automata of 1 to 5 states and 2 letters, from the profile's seed."""
    rng = np.random.default_rng(profile.seed)
    for k in range(count):
        yield f"random automaton {k + 1}", random_automaton(rng, int(rng.integers(1, 6)), 2)


# --- partition ----------------------------------------------------------------------------------------------------


def _entries(graph: Graph, weight: Array, zero: Any) -> tuple[list[list[Any]], list[Any]]:
    """(M, b) as lists."""
    matrix = [[zero] * graph.states for _ in range(graph.states)]
    ends = [zero] * graph.states
    for i, j, w in zip(graph.source.tolist(), graph.target.tolist(), weight, strict=True):
        if j == graph.states:
            ends[i] += w
        else:
            matrix[i][j] += w
    return matrix, ends


def _formula(automaton: Automaton) -> fmpq | None:
    """e_0' (I - M)^-1 b as a number, whatever the spectral radius; None where I - M is singular."""
    graph = automaton.graph
    matrix, ends = _entries(graph, step_weights(automaton, _ONE, _ONE), _ZERO)
    rows = [[fmpq(int(i == j)) - w for j, w in enumerate(row)] for i, row in enumerate(matrix)]
    try:
        return fmpq_mat(rows).solve(fmpq_mat([[b] for b in ends]))[graph.initial, 0]
    except ZeroDivisionError:
        return None


def _by_length(automaton: Automaton, weight: Array, length: int) -> list[Any]:
    """The total weight of the strings of 0, 1, ..., ``length`` tokens: e_0' M^k b."""
    matrix, ends = _entries(automaton.graph, weight, weight[0] * 0)
    found = []
    ahead = ends
    for _ in range(length + 1):
        found.append(ahead[automaton.graph.initial])
        ahead = [sum((w * x for w, x in zip(row, ahead, strict=True)), start=weight[0] * 0) for row in matrix]
    return found


def _tail_bound(automaton: Automaton, weight: Array, length: int) -> Any:
    """A bound on the weight of all longer strings: theta^(n+1) x_0 c / (1 - theta), with M x <= theta x, b <= c x.

    Such an x > 0 with theta < 1 is (I - M)^-1 1; what it has to satisfy is checked, not assumed. Rational weights.
    """
    graph = automaton.graph
    matrix, ends = _entries(graph, weight, weight[0] * 0)
    rows = [[fmpq(int(i == j)) - w for j, w in enumerate(row)] for i, row in enumerate(matrix)]
    solved = fmpq_mat(rows).solve(fmpq_mat([[_ONE]] * graph.states))
    x = [solved[i, 0] for i in range(graph.states)]
    if not all(v > 0 for v in x):
        return None
    images = [sum((w * v for w, v in zip(row, x, strict=True)), start=_ZERO) for row in matrix]
    theta, scale = (max(a / v for a, v in zip(values, x, strict=True)) for values in (images, ends))
    return theta ** (length + 1) * x[graph.initial] * scale / (1 - theta) if theta < 1 else None


def _partition(automaton: Automaton) -> Iterator[Finding]:
    kept = automaton.rewarded()
    weight = step_weights(kept, _ONE, _ONE)
    by_length = _by_length(kept, weight, 6)
    strings: dict[int, fmpq] = {}
    for tokens, p, r in kept.strings(6):
        strings[len(tokens)] = strings.get(len(tokens), _ZERO) + p * r.factor
    for length, total in enumerate(by_length):
        yield Finding(f"strings of {length} tokens, one by one", total - strings.get(length, _ZERO))
    if not converges(kept, _ONE, _ONE):
        yield from _diverging(kept, weight)
        return
    partition = totals(kept.graph, weight)[kept.graph.initial]
    rest = partition - sum(by_length, start=_ZERO)
    bound = _tail_bound(kept, weight, 6)
    yield Finding("Z is at least the sum of the strings up to 6 tokens", rest, "nonnegative")
    if bound is not None:
        yield Finding("and exceeds it by no more than a certified tail", bound - rest, "nonnegative")
    tilted = doob(kept)
    for state, total in enumerate(tilted.graph.row_sums(tilted.prob)):
        yield Finding(f"the Doob law at state {state} sums to 1", total - 1)
    yield from _string_by_string(kept, tilted.prob, partition)
    yield Finding("p+ has no mass on infinite strings", totals(tilted.graph, tilted.prob)[tilted.graph.initial] - 1)


def _string_by_string(automaton: Automaton, law: Array, partition: Any) -> Iterator[Finding]:
    tilted = Automaton(automaton.alphabet, automaton.graph, automaton.token, law, automaton.reward, automaton.state)
    for (tokens, p, r), (_, q, _) in zip(automaton.strings(3), tilted.strings(3), strict=True):
        yield Finding(f"p+ of the string {tokens}", q - p * r.factor / partition)


def _diverging(automaton: Automaton, weight: Array) -> Iterator[Finding]:
    """Longer strings do not weigh less in the end: 200 more tokens at least double the sum of the first 100."""
    masses = _by_length(automaton, objects(arb(w) for w in weight), 400)
    first, later = sum(masses[:100], start=arb(0)), sum(masses[100:], start=arb(0))
    yield Finding(
        "no end in sight: the strings of 100 to 400 tokens outweigh the shorter ones", later - first, "positive"
    )
    formula = _formula(automaton)
    if formula is not None:
        yield Finding(
            "where the matrix formula gives a number, the sum has passed it", first + later - formula, "positive"
        )


def _partition_cases(profile: Profile) -> Iterator[Case]:
    yield _case("two states, two letters", two_states())
    for near in (-_NEAR, _ZERO, _NEAR):
        yield _case(f"one state, p e^R = 1 + {near}", one_state((1,), 1, (2 + 2 * near,)))
        yield _case(f"two states, spectral radius^2 = 1 + {near}", _alternating(1 + near))
    for name, automaton in _random(profile, 30 if profile.full else 6):
        yield _case(name, automaton)
    for factor in (2, 3, 5):
        yield _case(f"one state, e^R = {factor}", one_state((1, 1), 2, (factor, 1)))


def _alternating(square: fmpq) -> Automaton:
    """a leads from state 0 to 1 and back, each time with probability 1/2: the radius is the root of ``square``."""
    half = fmpq(1, 2)
    arcs = [Arc(0, 1, "a", half, Reward(factor=fmpq(4))), Arc(1, 0, "a", half, Reward(factor=square))]
    return Automaton.of(("a",), arcs, [half, half])


def _partition_proof() -> list[str]:
    return [_doob_is_a_law(states) for states in (1, 2, 3)]


def _doob_is_a_law(states: int) -> str:
    """With free weights and v = (I - M)^-1 b: the M_ij v_j / v_i and b_i / v_i sum to 1, and v cancels along a path."""
    matrix = sp.Matrix(states, states, lambda i, j: sp.Symbol(f"m{i}{j}", positive=True))
    ends = sp.Matrix(states, 1, lambda i, _: sp.Symbol(f"b{i}", positive=True))
    system = sp.eye(states) - matrix
    numerators = system.adjugate() * ends
    determinant = system.det()
    what = (
        f"{states} state{'s' if states > 1 else ''}: the Doob law is a law, and p+(y) = p(y) e^R / Z along every path"
    )
    for i in range(states):
        row = sum(matrix[i, j] * numerators[j] for j in range(states)) + ends[i] * determinant
        if sp.expand(row - numerators[i]) != 0:
            raise ProofFailed(what)
    path = [0, *range(states), 0]
    product, weight = sp.Integer(1), sp.Integer(1)
    for i, j in itertools.pairwise(path):
        product *= matrix[i, j] * numerators[j] / numerators[i]
        weight *= matrix[i, j]
    product *= ends[0] * determinant / numerators[0]
    if sp.cancel(product - weight * ends[0] * determinant / numerators[0]) != 0:
        raise ProofFailed(what)
    return what


def _formula_always(automaton: Automaton) -> Iterator[Finding]:
    formula = _formula(automaton)
    if formula is not None:
        short = sum(_by_length(automaton, step_weights(automaton, _ONE, _ONE), 6), start=_ZERO)
        yield Finding(
            "e_0' (I - M)^-1 b is at least the sum of the strings up to 6 tokens", formula - short, "nonnegative"
        )


def _tilted_without_future(automaton: Automaton) -> Iterator[Finding]:
    if converges(automaton, _ONE, _ONE):
        weight = step_weights(automaton, _ONE, _ONE)
        law = weight / automaton.graph.row_sums(weight)[automaton.graph.source]
        yield from _string_by_string(automaton, law, totals(automaton.graph, weight)[automaton.graph.initial])


# --- moments ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Derivatives:
    """A = log F with first and second derivatives, from the matrix formula."""

    value: arb
    s: arb
    t: arb
    ss: arb
    st: arb
    tt: arb


def matrix_derivatives(automaton: Automaton, s: fmpq, t: fmpq, *, crossed: bool = True) -> Derivatives:
    """F_x = e_0' N M_x N e_f and F_xy = e_0' N (M_xy + M_x N M_y + M_y N M_x) N e_f, with N = (I - M)^-1.

    The end is a state f of its own, so that M has S + 1 rows. ``crossed = False`` leaves the products out.
    """
    graph = automaton.graph
    size = graph.states + 1
    weight = step_weights(automaton, s, t)
    log_prior, reward = step_features(automaton)

    def matrix(values: Array) -> arb_mat:
        found = arb_mat(size, size, [0] * size**2)
        for i, j, v in zip(graph.source.tolist(), graph.target.tolist(), values, strict=True):
            found[i, j] += v
        return found

    identity = arb_mat([[int(i == j) for j in range(size)] for i in range(size)])
    inverse = (identity - matrix(weight)).inv()
    m_s, m_t = matrix(weight * log_prior), matrix(weight * reward)
    second = {
        "ss": (matrix(weight * log_prior * log_prior), m_s, m_s),
        "st": (matrix(weight * log_prior * reward), m_s, m_t),
        "tt": (matrix(weight * reward * reward), m_t, m_t),
    }

    def corner(inner: arb_mat) -> arb:
        return (inverse * inner * inverse)[graph.initial, size - 1]

    total = inverse[graph.initial, size - 1]
    f_s, f_t = corner(m_s) / total, corner(m_t) / total
    found = {
        key: corner(m + one * inverse * two + two * inverse * one if crossed else m) / total
        for key, (m, one, two) in second.items()
    }
    return Derivatives(total.log(), f_s, f_t, found["ss"] - f_s * f_s, found["st"] - f_s * f_t, found["tt"] - f_t * f_t)


_POINTS = ((_ONE, _ONE), (_ONE, _ZERO), (fmpq(3, 2), fmpq(1, 2)))


def _moments(automaton: Automaton) -> Iterator[Finding]:
    yield from _derivatives_are_moments(automaton)
    kept = automaton.rewarded()
    if not converges(kept, _ONE, _ONE):
        return
    aligned = align_automaton(kept)
    a = matrix_derivatives(kept, _ONE, _ONE)
    found = adapted_moments(aligned, whole_law(aligned)).moments
    yield Finding("H = A - A_s - A_t", found.entropy - (a.value - a.s - a.t))
    yield Finding("V = A_ss + 2 A_st + A_tt", found.var_surprisal - (a.ss + 2 * a.st + a.tt))
    yield Finding("Cov(L, I) = -A_ss - A_st", found.cov_log_prior_surprisal + a.ss + a.st)
    if kept.graph.acyclic:
        yield from _string_sums(kept, a)


def _derivatives_are_moments(automaton: Automaton, *, crossed: bool = True) -> Iterator[Finding]:
    kept = automaton.rewarded()
    for s, t in _POINTS:
        if not converges(kept, s, t):
            continue
        a, q = matrix_derivatives(kept, s, t, crossed=crossed), family(kept, s, t)
        at = f"at ({s}, {t})"
        yield Finding(f"A {at}", q.log_total - a.value)
        yield Finding(f"E L = A_s {at}", q.mean[0] - a.s)
        yield Finding(f"E R = A_t {at}", q.mean[1] - a.t)
        yield Finding(f"Var L = A_ss {at}", q.covariance[0, 0] - a.ss)
        yield Finding(f"Cov = A_st {at}", q.covariance[0, 1] - a.st)
        yield Finding(f"Var R = A_tt {at}", q.covariance[1, 1] - a.tt)


def _string_sums(automaton: Automaton, a: Derivatives) -> Iterator[Finding]:
    """Finitely many strings: the same numbers, summed over them."""
    finite = unrolled(automaton, automaton.graph.states)
    numbers = finite.balls()
    mean = moments(finite, numbers)
    yield Finding("log Z over the strings", numbers.log_partition - a.value)
    yield Finding("E L over the strings", mean.mean_log_prior - a.s)
    yield Finding("E R over the strings", mean.mean_reward - a.t)
    yield Finding("Var L over the strings", mean.var_log_prior - a.ss)
    yield Finding("Cov over the strings", mean.cov - a.st)
    yield Finding("Var R over the strings", mean.var_reward - a.tt)


def diamond() -> Automaton:
    """Six strings: a or b, then a, b or the end, then c or the end; states meet again."""
    third = fmpq(1, 3)
    arcs = [
        Arc(0, 1, "a", 2 * third, Reward(factor=fmpq(3, 2))),
        Arc(0, 2, "b", third, Reward(exponent=fmpq(1, 3))),
        Arc(1, 2, "a", fmpq(1, 4), Reward(factor=fmpq(1, 2))),
        Arc(1, 3, "b", fmpq(1, 4)),
        Arc(2, 3, "c", fmpq(2, 5), Reward(exponent=fmpq(-1, 2), factor=fmpq(2))),
    ]
    return Automaton.of(("a", "b", "c"), arcs, [_ZERO, fmpq(1, 2), fmpq(3, 5), _ONE])


def _moment_cases(profile: Profile) -> Iterator[Case]:
    yield _case("two states, two letters", two_states())
    yield _case("six strings", diamond())
    yield _case("one state, p e^R = 1 - 10^-12", one_state((1,), 1, (2 - 2 * _NEAR,)))
    for name, automaton in _random(profile, 30 if profile.full else 5):
        yield _case(name, automaton)


def _without_products(automaton: Automaton) -> Iterator[Finding]:
    if converges(automaton, _ONE, _ONE):
        yield from _derivatives_are_moments(automaton, crossed=False)


def _without_prior_term(automaton: Automaton) -> Iterator[Finding]:
    if converges(automaton, _ONE, _ONE):
        aligned = align_automaton(automaton)
        a = matrix_derivatives(automaton, _ONE, _ONE)
        found = adapted_moments(aligned, whole_law(aligned)).moments
        yield Finding("H = A - A_t", found.entropy - (a.value - a.t))


def _moments_proof() -> list[str]:
    return [_entropy_of_one_state(), *(_derivatives_by_hand(states) for states in (1, 2))]


def _entropy_of_one_state() -> str:
    """p = b a^n, e^R = x^n: H of the geometric law p+ = (1 - ax)(ax)^n, and A - A_s - A_t."""
    a, b, x, s, t = sp.symbols("a b x s t", positive=True)
    value = s * sp.log(b) - sp.log(1 - a**s * x**t)
    claimed = (value - sp.diff(value, s) - sp.diff(value, t)).subs({s: 1, t: 1})
    c = a * x
    known = -sp.log(1 - c) - c * (sp.log(a) + sp.log(x)) / (1 - c)
    return vanishes(claimed - known, "one state: A - A_s - A_t = -log(1 - c) - c log c / (1 - c), c = ax, is H")


def _derivatives_by_hand(states: int) -> str:
    """F = e_0' (I - M)^-1 e_f with free entries: its derivatives by m_ij, and by m_ij and m_kl.

    They are e_0' N E_ij N e_f and e_0' N (E_ij N E_kl + E_kl N E_ij) N e_f, E_ij the matrix unit; the chain rule for
    m_ij(s, t) makes F_x and F_xy of them, since both formulas are linear in M_xy and in M_x, M_y each.
    """
    size = states + 1
    matrix = sp.Matrix(states, size, lambda i, j: sp.Symbol(f"m{i}{j}")).col_join(sp.zeros(1, size))
    inverse = (sp.eye(size) - matrix).inv(method="ADJ").applyfunc(sp.cancel)
    total, places = inverse[0, size - 1], list(itertools.product(range(states), range(size)))
    what = f"{states} state{'s' if states > 1 else ''}, free weights: F_x, F_xy are derivatives of e_0' (I - M)^-1 e_f"
    for i, j in places:
        first = sp.diff(total, matrix[i, j])
        if sp.cancel(first - inverse[0, i] * inverse[j, size - 1]) != 0:
            raise ProofFailed(what)
        for k, l in places:
            forth = inverse[0, i] * inverse[j, k] * inverse[l, size - 1]
            back = inverse[0, k] * inverse[l, i] * inverse[j, size - 1]
            if sp.cancel(sp.diff(first, matrix[k, l]) - forth - back) != 0:
                raise ProofFailed(what)
    return what


# --- critical temperature -----------------------------------------------------------------------------------------


def independent_letters(automaton: Automaton) -> tuple[Array, fmpq] | None:
    """(law of a letter, probability a of going on) under the p+ of an automaton of one state with rational e^R."""
    graph, end = automaton.graph, automaton.end
    if graph.states > 1 or end.all() or any(r.exponent != 0 for r in automaton.reward):
        return None
    weight = step_weights(automaton, _ONE, _ONE)[~end]
    going_on = weight.sum()
    return weight / going_on, going_on


def _critical(automaton: Automaton) -> Iterator[Finding]:
    kept = automaton.rewarded()
    if not converges(kept, _ONE, _ONE):
        return
    found = critical_temperature(kept)
    if found is None:
        yield Finding("no critical temperature: T = 10^6 has a normaliser", fmpq(int(not converges(kept, *_HOT))))
        return
    if len(kept.graph) <= 40:
        above, below = bisected_exponent(kept, 24)
        yield Finding("T_c is above a temperature that exists", found - 1 / arb(above), "nonnegative")
        margin = (1 / arb(below) - found if below > 0 else arb(1)) + _slack()  # T_c itself is such a temperature
        yield Finding("and at most one that does not", margin, "nonnegative")
    independent = independent_letters(kept)
    if independent is not None:
        law, going_on = independent
        claimed = 1 - arb(going_on).log() / renyi_entropy(law, 1 / found)
        yield Finding("T_c = 1 + log(1/a) / H_{tau_c}(letters)", found - claimed)
        if len(set(law)) == 1:
            uniform = 1 - arb(going_on).log() / arb(len(law)).log()
            yield Finding("for uniform letters T_c = 1 - log a / log V", found - uniform)
        if (len(law), going_on) == (32000, fmpq(99, 100)):
            yield Finding("T_c = 1.00097", arb(fmpq(1, 200000)) - abs(found - fmpq(100097, 100000)), "nonnegative")


_HOT = (fmpq(1, 10**6), fmpq(1, 10**6))


def _letter_case(weights: tuple[int, ...], going_on: fmpq) -> Case:
    name = f"letters {weights}" if len(weights) < 9 else f"{len(weights):,} uniform letters"
    return _case(f"{name}, a = {going_on}", letters(weights, going_on))


def _critical_cases(profile: Profile) -> Iterator[Case]:
    yield _letter_case((1,) * 32000, fmpq(99, 100))
    for weights in ((1, 1), (1, 2), (1, 2, 4), (5, 3, 1, 1)):
        for going_on in (fmpq(1, 2), fmpq(9, 10)):
            yield _letter_case(weights, going_on)
    yield _case("one letter", letters((1,), fmpq(1, 2)))
    yield _case("two states, two letters", two_states())
    for name, automaton in _random(profile, 25 if profile.full else 3):
        yield _case(name, automaton)


def _critical_proof() -> list[str]:
    """a^tau sum q^tau = 1 at tau = 1/T_c, hence H_tau = log(sum q^tau) / (1 - tau) = tau log(1/a) / (1 - tau)."""
    tau, cost = sp.symbols("tau c", positive=True)
    renyi = tau * cost / (1 - tau)
    what = "independent letters: a^tau sum q^tau = 1 gives 1/tau = 1 + log(1/a) / H_tau"
    return [vanishes(1 / tau - 1 - cost / renyi, what)]


def _smallest_letters(_: Profile) -> Iterator[Case]:
    """Two letters, in the order of the sum of their weights and those of going on and stopping."""
    for total in range(4, 14):
        for one, two, go in itertools.product(range(1, total), repeat=3):
            if one <= two and total - one - two - go >= 1:
                yield _letter_case((one, two), fmpq(go, total - one - two))


def _shannon(automaton: Automaton) -> Iterator[Finding]:
    found, independent = critical_temperature(automaton), independent_letters(automaton)
    if found is not None and independent is not None:
        law, going_on = independent
        yield Finding("T_c = 1 + log(1/a) / H(letters)", found - 1 + arb(going_on).log() / entropy(law))


def _hot_exists(automaton: Automaton) -> Iterator[Finding]:
    exists = converges(automaton, fmpq(1, 2), fmpq(1, 2))
    yield Finding("the global temperature 2 has a normaliser", fmpq(int(not exists)))


# --- leak ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hazard:
    """One letter, repeated; after n of them the string ends with probability 1/(n+2). Infinitely many states.

    A local temperature 1/tau goes on with probability m^tau / (m^tau + 1), m = n + 1.
    """

    tau: int

    def survival(self, length: int) -> fmpq:
        """The probability of more than ``length`` letters, exactly."""
        product = _ONE
        for m in range(1, length + 2):
            product *= fmpq(m**self.tau, m**self.tau + 1)
        return product

    def infinite(self, length: int = 40) -> arb:
        """The probability of an infinite string: survival times the product over m > n + 1, n = ``length``.

        -log of that product is sum_k (-1)^(k+1) zeta(tau k, n + 2) / k; the terms fall and alternate, so that the
        first one left out bounds the error. tau >= 2.
        """
        start = length + 2
        total, term = arb(0), arb(1)
        for k in range(1, 80):
            term = arb(self.tau * k).zeta(arb(start)) / k
            total += term if k % 2 else -term
        return arb(self.survival(length)) * (-(total + arb(0, term.abs_upper()))).exp()


@dataclass(frozen=True, slots=True, eq=False)
class Adapted:
    """An automaton and a chain of local adaptors."""

    automaton: Automaton
    steps: Chain


def _leak(content: Hazard | Adapted) -> Iterator[Finding]:
    if isinstance(content, Adapted):
        yield from _finite_leak(content)
        return
    infinite = content.infinite()
    short, long = content.survival(50), content.survival(400)
    slack = (-arb(fmpq(1, 400 ** (content.tau - 1) * (content.tau - 1)))).exp()
    yield Finding("P(infinite) is below P(more than 400 letters)", arb(long) - infinite, "nonnegative")
    yield Finding("and above it times e^{-sum of m^-tau over m > 401}", infinite - arb(long) * slack, "nonnegative")
    yield Finding("longer strings are rarer", short - long, "positive")
    if content.tau == 2:
        yield Finding("P(infinite) = pi / sinh(pi)", infinite - arb.pi() / arb.pi().sinh())
        yield Finding("P(infinite) = .27203", arb(fmpq(1, 200000)) - abs(infinite - fmpq(27203, 100000)), "nonnegative")
    prior = Hazard(1)
    yield Finding(
        "the prior itself does not leak: P(more than n letters) = 1/(n + 2)", prior.survival(30) - fmpq(1, 32)
    )


def _finite_leak(content: Adapted) -> Iterator[Finding]:
    """The leaked mass between the mass that is lost, and that which may still be, after 40 tokens."""
    kept = content.automaton.rewarded()
    if not converges(kept, _ONE, _ONE):
        return
    aligned = align_automaton(kept)
    decided = decide_automaton(aligned, content.steps)
    found = adapt_automaton_local(aligned, decided)
    mass = found.mass if isinstance(found, Leak) else arb(0)
    graph = kept.graph
    dead = ~graph.stopping(decided.step)
    lost, open_ = _after(graph, _local_law(aligned.law, graph, decided), dead, 40)
    yield Finding("at least what is lost after 40 tokens", mass - lost + _slack(), "nonnegative")
    yield Finding("at most that and what still runs", lost + open_ - mass + _slack(), "nonnegative")
    doomed = bool((graph.reachable(decided.step) & dead)[: graph.states].any())
    yield Finding("it leaks iff it reaches a state that cannot stop", fmpq(int(doomed != isinstance(found, Leak))))
    if all(step.name == "temperature" for step in content.steps):
        yield Finding("a temperature on finitely many states does not leak", fmpq(int(isinstance(found, Leak))))


def _slack() -> arb:
    """Both sides may be equal numbers in different balls: allow 10^-40."""
    return arb(fmpq(1, 10**40))


def _local_law(law: Array, graph: Graph, kept: KeptSteps) -> Array:
    weight = objects(p.log() * kept.power for p in law)
    weight = objects(w.exp() if m else arb(0) for w, m in zip(weight, kept.step, strict=True))
    result: Array = weight / graph.row_sums(weight)[graph.source]
    return result


def _after(graph: Graph, law: Array, dead: Any, length: int) -> tuple[arb, arb]:
    """(mass in states that cannot stop, mass in the others) after ``length`` tokens."""
    mass = [arb(0)] * (graph.states + 1)
    mass[graph.initial] = arb(1)
    for _ in range(length):
        following = [arb(0)] * (graph.states + 1)
        for i, j, q in zip(graph.source.tolist(), graph.target.tolist(), law, strict=True):
            following[j] += mass[i] * q
        mass = following
    lost = sum((m for m, d in zip(mass[:-1], dead, strict=False) if d), start=arb(0))
    return lost, sum(mass[:-1], start=arb(0)) - lost


_CHAINS = (chain(("top_k", 1)), chain(("nucleus", "1/2")), chain(("typical", "2/5")), chain(("temperature", "1/2")))


def _adapted_case(name: str, automaton: Automaton, steps: Chain) -> Case:
    entries = "".join(f'[[adaptor]]\nname = "{a.name}"\nvalue = "{a.value}"\nnormalise = "local"\n' for a in steps)
    label = ", ".join(f"local {a.name} {a.value}" for a in steps)
    return Case(f"{name}, {label}", Adapted(automaton, steps), _case("", automaton).spec + entries)


def _leak_cases(profile: Profile) -> Iterator[Case]:
    for tau in (2, 3, 4):
        yield Case(f"stop hazard 1/(n+2), T = 1/{tau}", Hazard(tau))
    for steps in _CHAINS:
        yield _adapted_case("two states, two letters", two_states(), steps)
        for name, automaton in _random(profile, 12 if profile.full else 2):
            yield _adapted_case(name, automaton, steps)


def _without_temperature(content: Hazard) -> Iterator[Finding]:
    bound = arb(content.survival(50)) - arb.pi() / arb.pi().sinh()
    yield Finding("P(more than 50 letters) is at least pi / sinh(pi)", bound, "nonnegative")


def _never_leaks(content: Adapted) -> Iterator[Finding]:
    if converges(content.automaton, _ONE, _ONE):
        aligned = align_automaton(content.automaton)
        found = adapt_automaton_local(aligned, decide_automaton(aligned, content.steps))
        mass = found.mass if isinstance(found, Leak) else arb(0)
        yield Finding("the local law has total mass 1", mass)


# --- ambiguity ----------------------------------------------------------------------------------------------------


def sums_of_squares(automaton: Automaton) -> tuple[fmpq, fmpq]:
    """(over paths, over strings) of p^2: Z(2, 0) of the automaton, and Z of its product with itself."""
    graph = automaton.graph
    size = graph.states
    by_token: dict[int, list[tuple[int, int, fmpq]]] = {}
    for i, j, t, p in zip(
        graph.source.tolist(), graph.target.tolist(), automaton.token.tolist(), automaton.prob, strict=True
    ):
        by_token.setdefault(t, []).append((i, j, p))
    matrix = fmpq_mat(size * size, size * size, [int(k % (size * size + 1) == 0) for k in range(size**4)])
    ends = fmpq_mat(size * size, 1, [0] * size**2)
    for steps in by_token.values():
        for (i, j, p), (k, l, q) in itertools.product(steps, repeat=2):
            if j < size and l < size:
                matrix[i * size + k, j * size + l] -= p * q
            elif j == l == size:
                ends[i * size + k, 0] += p * q
    start = graph.initial * size + graph.initial
    squares = objects(p * p for p in automaton.prob)
    return totals(graph, squares)[graph.initial], matrix.solve(ends)[start, 0]


def _ambiguity(automaton: Automaton) -> Iterator[Finding]:
    paths, strings = sums_of_squares(automaton)
    law: dict[tuple[int, ...], fmpq] = {}
    for tokens, p, _ in automaton.strings(4):
        law[tokens] = law.get(tokens, _ZERO) + p
    short = sum((p * p for p in law.values()), start=_ZERO)
    longer = 1 - sum(law.values(), start=_ZERO)
    yield Finding(
        "the product automaton is at least the sum over strings up to 4 tokens", strings - short, "nonnegative"
    )
    yield Finding(
        "and exceeds it by at most (the mass of the longer ones)^2", longer**2 - (strings - short), "nonnegative"
    )
    twice = ambiguity(automaton)
    if twice is None:
        yield Finding("unambiguous: the sum over paths is that over strings", paths - strings)
    else:
        yield Finding("ambiguous: the sum over paths is too small", strings - paths, "positive")


def _anchors(automaton: Automaton) -> Iterator[Finding]:
    yield from _ambiguity(automaton)
    paths, strings = sums_of_squares(automaton)
    for name, value, claimed in (("paths", paths, fmpq(1971, 10**4)), ("strings", strings, fmpq(3678, 10**4))):
        yield Finding(f"over {name}: {float(arb(claimed))}", fmpq(1, 20000) - abs(value - claimed), "nonnegative")


def _check_ambiguity(content: tuple[Automaton, bool]) -> Iterator[Finding]:
    automaton, anchored = content
    yield from (_anchors if anchored else _ambiguity)(automaton)


def _ambiguous(rng: np.random.Generator, states: int) -> Automaton:
    """Two letters and integer weights; every state may have several arcs with one letter."""
    arcs, stop = [], []
    for state in range(states):
        weights = rng.integers(0, 4, (2, states))
        ending = int(rng.integers(1, 5))
        total = int(weights.sum()) + ending
        arcs += [Arc(state, j, "ab"[t], fmpq(int(weights[t, j]), total)) for t in range(2) for j in range(states)]
        stop.append(fmpq(ending, total))
    return unchecked(("a", "b"), arcs, stop)


def _ambiguity_cases(profile: Profile) -> Iterator[Case]:
    yield Case("a leads to either of two geometric laws, 3/10 and 3/5", (two_geometrics(), True))
    yield Case("two states, two letters", (two_states(), False), write_automaton(two_states()))
    yield Case("two arcs a that meet no more", (_unambiguous(), False), write_automaton(_unambiguous()))
    rng = np.random.default_rng(profile.seed)
    for k in range(20 if profile.full else 4):
        automaton = random_automaton(rng, int(rng.integers(1, 5)), 2)
        yield Case(f"random automaton {k + 1}", (automaton, False), write_automaton(automaton))
        yield Case(f"random nondeterministic automaton {k + 1}", (_ambiguous(rng, int(rng.integers(1, 3))), False))


def _unambiguous() -> Automaton:
    """Nondeterministic but unambiguous: after a, one branch must end with b and the other with c."""
    half = fmpq(1, 2)
    arcs = [
        Arc(0, 1, "a", half),
        Arc(0, 2, "a", half),
        Arc(1, 1, "a", half),
        Arc(1, 3, "b", half),
        Arc(2, 2, "a", fmpq(1, 3)),
        Arc(2, 3, "c", fmpq(2, 3)),
    ]
    return Automaton.of(("a", "b", "c"), arcs, [_ZERO, _ZERO, _ZERO, _ONE])


def _paths_are_strings(content: tuple[Automaton, bool]) -> Iterator[Finding]:
    paths, strings = sums_of_squares(content[0])
    yield Finding("the sum of p^2 over paths is that over strings", paths - strings)


def _smallest_ambiguous(_: Profile) -> Iterator[Case]:
    """One state and one letter with one or two arcs, then two states; by the sum of the weights."""
    for total in range(2, 5):
        for first, second in itertools.product(range(total), repeat=2):
            stop = total - first - second
            if first >= second and first and stop >= 1:
                arcs = [Arc(0, 0, "a", fmpq(w, total)) for w in (first, second)]
                name = f"one state, arcs a with weights {(first, second)} and end {stop}"
                yield Case(name, (unchecked(("a",), arcs, [fmpq(stop, total)]), False))


def _path_moments_suffice(content: tuple[Automaton, bool]) -> Iterator[Finding]:
    """The other power: s = 1, where ambiguity does no harm, is claimed to differ."""
    automaton = content[0]
    if ambiguity(automaton) is None:
        return
    paths = totals(automaton.graph, automaton.prob)[automaton.graph.initial]
    yield Finding("ambiguous: sum of p over paths is below 1", 1 - paths, "positive")


# --- the claims ---------------------------------------------------------------------------------------------------

CLAIMS = (
    Claim(
        id="automata.partition",
        sentence="",
        title="Over infinitely many strings, log Z is a matrix formula, and the aligned law is again an automaton",
        statement=(
            r"Z(s,t)=\sum_y p^s e^{tR}=e_0^\top(I-M(s,t))^{-1}e_f<\infty\iff\rho(M(s,t))<1;\quad "
            r"p_+(j\mid i)=M_{ij}\,v_j/v_i,\ v=(I-M)^{-1}e_f"
        ),
        hypotheses=("an unambiguous automaton, trimmed", "the reward adds up along the path; the end earns nothing"),
        source="Droste, Kuich and Vogler (2009), Handbook of Weighted Automata; Doob (1957)",
        check=_partition,
        cases=_partition_cases,
        controls=(
            Control(
                "no-radius",
                "drops rho < 1: the matrix formula is said to give Z whenever it gives a number",
                _formula_always,
                lambda _: smallest_automata(2, 9),
                smallest=True,
            ),
            Control(
                "no-future",
                "leaves v out of p+'s next-token laws: each state's law is tilted by the step's own reward alone",
                _tilted_without_future,
                lambda _: smallest_automata(2, 9),
                smallest=True,
            ),
        ),
        proof=_partition_proof,
        remark=(
            "Exact rationals decide the borderline: at a spectral radius of 1, or 1 -+ 10^-12, finite and infinite are "
            "told apart with certainty."
        ),
    ),
    Claim(
        id="automata.moments",
        sentence="",
        title="All first and second moments of (L, R) over infinitely many strings come from a few linear systems",
        statement=(
            r"F_x=e_0^\top N M_x N e_f,\ F_{xy}=e_0^\top N(M_{xy}+M_xNM_y+M_yNM_x)Ne_f,\ N=(I-M)^{-1},\ A=\log F:"
            r"\quad\mathbb E L=A_s,\ \mathbb E R=A_t,\ H=A-A_s-A_t,\ V=A_{ss}+2A_{st}+A_{tt},\ "
            r"\operatorname{Cov}(L,R)=A_{st}"
        ),
        hypotheses=("an unambiguous automaton with an additive reward", "the spectral radius of M(s, t) is below 1"),
        source="derivatives of a resolvent; Eisner (2002), doi:10.3115/1073083.1073085, for expectations",
        check=_moments,
        cases=_moment_cases,
        controls=(
            Control(
                "no-products",
                "leaves M_x N M_y + M_y N M_x out of the second derivatives",
                _without_products,
                lambda _: smallest_automata(1, 9),
                smallest=True,
            ),
            Control(
                "no-prior-term",
                "leaves A_s out of the entropy: H = A - A_t",
                _without_prior_term,
                lambda _: smallest_automata(1, 9),
                smallest=True,
            ),
        ),
        proof=_moments_proof,
        remark=(
            "Computed as expected products of martingale differences, compared with the derivatives of the resolvent "
            "and, for finitely many strings, with sums over them."
        ),
    ),
    Claim(
        id="automata.critical-temperature",
        sentence="C",
        title="Over infinitely many strings a global temperature exists only below a critical one",
        statement=(
            r"p_+^{1/T}\text{ has a normaliser}\iff\rho(M(1/T,1/T))<1\iff T<T_c;\quad\text{independent letters: }"
            r"T_c=1+\frac{\log(1/a)}{H_{1/T_c}(\text{letters})}"
        ),
        hypotheses=(
            "an unambiguous automaton with an additive reward and a finite Z",
            "some strongly connected set of states has more arcs than states; else every temperature exists",
            "for the formula: the string goes on with probability a, whatever came before",
        ),
        source="Kingman (1961): the spectral radius is log-convex; Renyi (1961)",
        check=_critical,
        cases=_critical_cases,
        controls=(
            Control(
                "shannon",
                "takes the Shannon entropy of the letters for the Renyi entropy of order 1/T_c",
                _shannon,
                _smallest_letters,
                smallest=True,
            ),
            Control(
                "every-temperature",
                "drops T < T_c: the global temperature 2 is said to exist",
                _hot_exists,
                _smallest_letters,
                smallest=True,
            ),
        ),
        proof=_critical_proof,
        remark=(
            "With 32,000 equally likely tokens and strings of 99 tokens on average T_c = 1.00097: globally normalised "
            "sampling has next to no room above T = 1. Letters (1, 1) with a = 1/2 have T_c = 2, and at T = 2 itself "
            "the sum is infinite, which is decided formally."
        ),
    ),
    Claim(
        id="automata.leak",
        sentence="C",
        title="A local adaptor can lose mass to infinite strings",
        statement=(
            r"\text{stop hazard }\tfrac1{n+2},\ T=\tfrac12:\ P(\infty)=\prod_{m\ge1}\frac{m^2}{m^2+1}="
            r"\frac{\pi}{\sinh\pi};\quad\text{finite automata: it leaks}\iff\text{it reaches a state that cannot stop}"
        ),
        hypotheses=(
            "one letter, repeated, and the end after n letters with probability 1/(n+2): infinitely many states",
        ),
        source="Euler's product for sinh; Welleck et al. (2020), arXiv:2002.02492, on inconsistent decoding",
        check=_leak,
        cases=_leak_cases,
        controls=(
            Control(
                "no-temperature",
                "leaves the temperature out (T = 1): the prior itself is said to leak as much",
                _without_temperature,
                lambda _: [Case("stop hazard 1/(n+2), T = 1", Hazard(1))],
            ),
            Control(
                "never-leaks",
                "a local law is said to have total mass 1 (local top-1)",
                _never_leaks,
                lambda _: (_adapted_case(c.name, c.content, _CHAINS[0]) for c in smallest_automata(1, 6)),
                smallest=True,
            ),
        ),
        remark=(
            "P(infinite) = .27203. The prior has no mass on infinite strings, and its survival 1/(n+2) is so slow that "
            "cooling each step, which favours going on, loses 27% of the mass. Temperatures leak on infinitely many "
            "states only, truncations on finite automata too."
        ),
    ),
    Claim(
        id="automata.ambiguity",
        sentence="",
        title="For an ambiguous automaton sums over paths are not sums over strings, except at s = 1",
        statement=(
            r"\sum_y p(y)^2=(e_0\otimes e_0)^\top\Bigl(I-\sum_a M_a\otimes M_a\Bigr)^{-1}(b\otimes b)\ \ge\ Z(2,0),"
            r"\quad\text{with equality}\iff\text{unambiguous}"
        ),
        hypotheses=("rational weights whose rows sum to 1",),
        source="Mohri (2002), doi:10.25596/jalc-2002-321, on products of weighted automata",
        check=_check_ambiguity,
        cases=_ambiguity_cases,
        controls=(
            Control(
                "no-unambiguity",
                "drops the hypothesis: the sum of p^2 over paths is said to be that over strings",
                _paths_are_strings,
                _smallest_ambiguous,
                smallest=True,
            ),
            Control(
                "first-power",
                "s = 1 in the place of s = 2: the sum of p over paths is said to fall short too",
                _path_moments_suffice,
                _smallest_ambiguous,
            ),
        ),
        remark="Two geometric laws 3/10 and 3/5 behind one letter: .1971 over paths against .3678 over strings.",
    ),
)
