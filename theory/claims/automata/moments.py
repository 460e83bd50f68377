"""automata.moments: moments of (L, R) over infinitely many strings from linear systems."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from flint import arb, arb_mat, fmpq

from theory.adaptors.moments import moments
from theory.arithmetic.exact import Array
from theory.automata.adaptors import (
    adapted_moments,
    align_automaton,
    unrolled,
    whole_law,
)
from theory.automata.moments import family
from theory.automata.path_sums import step_features, step_weights
from theory.automata.spectral_radius import converges
from theory.claims.automata.models import (
    NEAR,
    ONE,
    ZERO,
    automaton_case,
    diverging,
    one_state,
    random_automata,
    smallest_automata,
)
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile, of
from theory.examples.automata import two_states
from theory.language_models.automaton import Arc, Automaton
from theory.language_models.rewards import Reward


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


_POINTS = ((ONE, ONE), (ONE, ZERO), (fmpq(3, 2), fmpq(1, 2)))


def _moments(automaton: Automaton) -> Iterator[Finding]:
    yield from of("moments", _derivatives_are_moments(automaton))
    kept = automaton.rewarded()
    if not converges(kept, ONE, ONE):
        return
    aligned = align_automaton(kept)
    a = matrix_derivatives(kept, ONE, ONE)
    found = adapted_moments(aligned, whole_law(aligned)).moments
    yield Finding("H = A - A_s - A_t", found.entropy - (a.value - a.s - a.t), clause="surprisal")
    variance = found.var_surprisal - (a.ss + 2 * a.st + a.tt)
    yield Finding("V = A_ss + 2 A_st + A_tt", variance, clause="surprisal")
    yield Finding("Cov(L, I) = -A_ss - A_st", found.cov_log_prior_surprisal + a.ss + a.st, clause="exchange")
    if kept.graph.acyclic:
        yield from of("systems", _string_sums(kept, a))


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
    mean = moments(numbers)
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
    return Automaton.of(("a", "b", "c"), arcs, [ZERO, fmpq(1, 2), fmpq(3, 5), ONE])


def _moment_cases(profile: Profile) -> Iterator[Case]:
    yield automaton_case("two states, two letters", two_states())
    yield automaton_case("six strings", diamond())
    yield automaton_case("Z = inf: one state, e^R = 5, 1", diverging())
    yield automaton_case("one state, p e^R = 1 - 10^-12", one_state((1,), 1, (2 - 2 * NEAR,)))
    for name, automaton in random_automata(profile, 30 if profile.full else 5):
        yield automaton_case(name, automaton)


def _without_products(automaton: Automaton) -> Iterator[Finding]:
    if converges(automaton, ONE, ONE):
        yield from _derivatives_are_moments(automaton, crossed=False)


def _without_prior_term(automaton: Automaton) -> Iterator[Finding]:
    if converges(automaton, ONE, ONE):
        aligned = align_automaton(automaton)
        a = matrix_derivatives(automaton, ONE, ONE)
        found = adapted_moments(aligned, whole_law(aligned)).moments
        yield Finding("H = A - A_t", found.entropy - (a.value - a.t))


CLAIM = Claim(
    id="automata.moments",
    sentence="",
    clauses=(
        Clause(
            name="moments",
            text="over infinitely many strings E L, E R, Var L, Var R and Cov(L, R) are the derivatives A_s, A_t, "
            "A_ss, A_tt "
            "and A_st of A = log Z(s, t), at (1, 1) for p+",
            formula=r"\mathbb E L=A_s,\ \mathbb E R=A_t,\ \operatorname{Var}L=A_{ss},\ \operatorname{Var}R=A_{tt},\ "
            r"\operatorname{Cov}(L,R)=A_{st}",
            formal=(
                "automata_moments_gradient",
                "automata_moments_hessian",
            ),
        ),
        Clause(
            name="systems",
            text="with N = (I - M)^-1, F = Z has F_x = e_0' N M_x N e_f and F_xy = e_0' N (M_xy + M_x N M_y + M_y N "
            "M_x) N e_f: linear systems",
            formula=r"F_x=e_0^\top N M_x N e_f,\quad F_{xy}=e_0^\top N(M_{xy}+M_xNM_y+M_yNM_x)Ne_f",
            formal=(
                "automata_moments_first",
                "automata_moments_second",
            ),
        ),
        Clause(
            name="surprisal",
            text="under p+ the entropy and the varentropy are H = A - A_s - A_t and V = A_ss + 2 A_st + A_tt at (1, 1)",
            formula=r"H=A-A_s-A_t,\ V=A_{ss}+2A_{st}+A_{tt}",
            formal=("automata_moments_entropy",),
        ),
        Clause(
            name="exchange",
            text="under p+ Cov(L, I) = -A_ss - A_st at (1, 1), so that b = -(A_ss + A_st)/V",
            formula=r"\operatorname{Cov}(L,I)=-A_{ss}-A_{st}",
        ),
    ),
    hypotheses=(
        "a deterministic automaton of finitely many states with an additive reward (in an unambiguous one, too, a string has one "
        "path; that step is not formal)",
        "the spectral radius of M(s, t) is below 1",
    ),
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
    remark=(
        "The moments are computed as expected products of martingale differences and compared with the derivatives of "
        "the resolvent; for finitely many strings both are compared with sums over the strings."
    ),
    order=8020,
    sketch=r"""
$dN=N\,dM\,N$ for $N=(I-M)^{-1}$; differentiate twice. First and second derivatives of $\log F$ are the moments of an
exponential family.
""",
)
