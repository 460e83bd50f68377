"""automata.ambiguity: for an ambiguous automaton sums of powers over paths are not sums over strings."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from flint import arb, fmpq, fmpq_mat

from theory.arithmetic.exact import objects
from theory.automata.path_sums import totals
from theory.claims.automata.models import ONE, ZERO, by_length
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile
from theory.examples.automata import random_automaton, two_geometrics, two_states
from theory.language_models.automaton import Arc, Automaton, ambiguity, unchecked
from theory.specification.automaton import write_automaton


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
            if j < size:  # then l is a state too: the end has a token of its own
                matrix[i * size + k, j * size + l] -= p * q
            else:
                ends[i * size + k, 0] += p * q
    start = graph.initial * size + graph.initial
    squares = objects(p * p for p in automaton.prob)
    return totals(graph, squares)[graph.initial], matrix.solve(ends)[start, 0]


def _ambiguity(automaton: Automaton) -> Iterator[Finding]:
    paths, strings = sums_of_squares(automaton)
    law: dict[tuple[int, ...], fmpq] = {}
    for tokens, p, _ in automaton.strings(4):
        law[tokens] = law.get(tokens, ZERO) + p
    short = sum((p * p for p in law.values()), start=ZERO)
    longer = 1 - sum(law.values(), start=ZERO)
    rest = strings - short
    yield Finding("the product automaton - the strings up to 4 tokens", rest, "nonnegative", clause="product")
    most = longer**2 - rest
    yield Finding("(the mass of the longer ones)^2 - the excess", most, "nonnegative", clause="product")
    if ambiguity(automaton) is None:
        yield Finding("unambiguous: the sum over paths is that over strings", paths - strings, clause="squares")
    else:
        yield Finding("ambiguous: the sum over paths is too small", strings - paths, "positive", clause="squares")
    paths_up_to_4 = sum(by_length(automaton, automaton.prob, 4), start=ZERO)
    gap = paths_up_to_4 - (1 - longer)
    yield Finding("up to 4 tokens, the sum of p over paths - that over strings", gap, clause="first-power")


def _anchors(automaton: Automaton) -> Iterator[Finding]:
    yield from _ambiguity(automaton)
    paths, strings = sums_of_squares(automaton)
    for name, value, claimed in (("paths", paths, fmpq(1971, 10**4)), ("strings", strings, fmpq(3678, 10**4))):
        close = fmpq(1, 20000) - abs(value - claimed)
        yield Finding(f"over {name}: {float(arb(claimed))}", close, "nonnegative", clause="figures")


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
    return Automaton.of(("a", "b", "c"), arcs, [ZERO, ZERO, ZERO, ONE])


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


CLAIM = Claim(
    id="automata.ambiguity",
    sentence="",
    clauses=(
        Clause(
            name="squares",
            text="the sum of p^2 over the paths of an automaton is below that over its strings exactly if the "
            "automaton is "
            "ambiguous, and equal to it otherwise",
            formula=r"Z(2,0)\le\sum_y p(y)^2,\quad\text{with equality}\iff\text{unambiguous}",
            formal=("automata_ambiguity_squares",),
        ),
        Clause(
            name="product",
            text="the sum of p^2 over strings is (e_0 x e_0)' (I - sum_a M_a x M_a)^-1 (b x b), the sum over paths of "
            "the "
            "product of the automaton with itself",
            formula=r"\sum_y p(y)^2=(e_0\otimes e_0)^\top\Bigl(I-\sum_a M_a\otimes M_a\Bigr)^{-1}(b\otimes b)",
        ),
        Clause(
            name="first-power",
            text="the sum of p itself over paths is that over strings, whether the automaton is ambiguous or not",
            formal=("automata_ambiguity_first_power",),
        ),
        Clause(
            name="figures",
            text="for one letter a that leads to either of two geometric laws, 3/10 and 3/5, the sum of p^2 is .1971 "
            "over paths "
            "and .3678 over strings",
        ),
    ),
    hypotheses=("finitely many states, rational weights whose rows sum to 1",),
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
            "puts s = 1 in the place of s = 2: the sum of p over paths is said to fall short too",
            _path_moments_suffice,
            _smallest_ambiguous,
        ),
    ),
    remark="At s = 1, for Z and the mean reward, paths suffice; entropies and temperatures need an unambiguous "
    "automaton.",
    figure="automata",
    order=8050,
    sketch=r"""
$p(y)=\sum_{\text{paths}}$, so $p(y)^2$ runs over pairs of paths of the same string: the product automaton. Sums over
paths of squares leave the mixed pairs out, which are positive where a string has two paths.
""",
)
