"""automata.partition: sums over infinitely many strings, whether they are finite, and the aligned law."""

from __future__ import annotations

from collections.abc import Iterator

from flint import arb, fmpq, fmpq_mat

from theory.arithmetic.exact import Array, Exact, objects
from theory.automata.adaptors import (
    doob,
)
from theory.automata.path_sums import step_weights, totals
from theory.automata.spectral_radius import converges
from theory.claims.automata.models import (
    NEAR,
    ONE,
    ZERO,
    automaton_case,
    by_length,
    entries,
    one_state,
    random_automata,
    smallest_automata,
)
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile, of
from theory.examples.automata import two_states
from theory.language_models.automaton import Arc, Automaton
from theory.language_models.rewards import Reward


def _formula(automaton: Automaton, weight: Array) -> fmpq | None:
    """e_0' (I - M)^-1 b as a number, whatever the spectral radius; None where I - M is singular. Rational weights."""
    graph = automaton.graph
    matrix, ends = entries(graph, weight, ZERO)
    rows = [[fmpq(int(i == j)) - w for j, w in enumerate(row)] for i, row in enumerate(matrix)]
    try:
        return fmpq_mat(rows).solve(fmpq_mat([[b] for b in ends]))[graph.initial, 0]
    except ZeroDivisionError:
        return None


def _tail_bound(automaton: Automaton, weight: Array, length: int) -> tuple[fmpq, fmpq, fmpq]:
    """(bound, least x, theta): longer strings weigh at most theta^(n+1) x_0 c/(1 - theta), if M x <= theta x, b <= c x.

    Such an x > 0 with theta < 1 is (I - M)^-1 1; whether they are so is for the check to say. Rational weights.
    """
    graph = automaton.graph
    matrix, ends = entries(graph, weight, weight[0] * 0)
    rows = [[fmpq(int(i == j)) - w for j, w in enumerate(row)] for i, row in enumerate(matrix)]
    solved = fmpq_mat(rows).solve(fmpq_mat([[ONE]] * graph.states))
    x = [solved[i, 0] for i in range(graph.states)]
    images = [sum((w * v for w, v in zip(row, x, strict=True)), start=ZERO) for row in matrix]
    theta, scale = (max(a / v for a, v in zip(values, x, strict=True)) for values in (images, ends))
    return theta ** (length + 1) * x[graph.initial] * scale / (1 - theta), min(x), theta


def _partition(automaton: Automaton) -> Iterator[Finding]:
    kept = automaton.rewarded()
    for s, t in ((ONE, ONE), (2 * ONE, ONE), (ONE, ZERO)):
        yield from _sums(kept, s, t)
    if not converges(kept, ONE, ONE):
        return
    weight = step_weights(kept, ONE, ONE)
    tilted = doob(kept)
    for state, total in enumerate(tilted.graph.row_sums(tilted.prob)):
        yield Finding(f"the Doob law at state {state} sums to 1", total - 1, clause="aligned")
    yield from of("aligned", _string_by_string(kept, tilted.prob, totals(kept.graph, weight)[kept.graph.initial]))
    ended = totals(tilted.graph, tilted.prob)[tilted.graph.initial]
    yield Finding("p+ has no mass on infinite strings", ended - 1, clause="aligned")


def _sums(kept: Automaton, s: fmpq, t: fmpq) -> Iterator[Finding]:
    """Z(s, t), s and t whole, against its strings one by one, and whether it is finite."""
    weight, at = step_weights(kept, s, t), f"(s, t) = ({s}, {t})"
    lengths = by_length(kept, weight, 6)
    strings: dict[int, fmpq] = {}
    for tokens, p, r in kept.strings(6):
        strings[len(tokens)] = strings.get(len(tokens), ZERO) + p ** int(s.p) * r.factor ** int(t.p)
    for length, total in enumerate(lengths):
        gap = total - strings.get(length, ZERO)
        yield Finding(f"{at}: strings of {length} tokens, one by one", gap, clause="formula")
    if not converges(kept, s, t):
        yield from of("finite", _diverging(kept, weight))
        return
    partition = totals(kept.graph, weight)[kept.graph.initial]
    rest = partition - sum(lengths, start=ZERO)
    bound, least, theta = _tail_bound(kept, weight, 6)
    yield Finding(f"{at}: Z - the strings up to 6 tokens", rest, "nonnegative", clause="formula")
    yield Finding(f"{at}: the tail that theta allows - what is left", bound - rest, "nonnegative", clause="formula")
    yield Finding(f"{at}: some x > 0 has M x = x - 1", least, "positive", clause="finite")
    yield Finding(f"{at}: and M x <= theta x with theta < 1", 1 - theta, "positive", clause="finite")


def _string_by_string(automaton: Automaton, law: Array, partition: Exact) -> Iterator[Finding]:
    tilted = Automaton(automaton.alphabet, automaton.graph, automaton.token, law, automaton.reward, automaton.state)
    for (tokens, p, r), (_, q, _) in zip(automaton.strings(3), tilted.strings(3), strict=True):
        yield Finding(f"p+ of the string {tokens}", q - p * r.factor / partition)


def _diverging(automaton: Automaton, weight: Array) -> Iterator[Finding]:
    """Longer strings do not weigh less in the end: 200 more tokens at least double the sum of the first 100."""
    masses = by_length(automaton, objects(arb(w) for w in weight), 400)
    first, later = sum(masses[:100], start=arb(0)), sum(masses[100:], start=arb(0))
    yield Finding(
        "no end in sight: the strings of 100 to 400 tokens outweigh the shorter ones", later - first, "positive"
    )
    formula = _formula(automaton, weight)
    if formula is not None:
        yield Finding(
            "where the matrix formula gives a number, the sum has passed it", first + later - formula, "positive"
        )


def _partition_cases(profile: Profile) -> Iterator[Case]:
    yield automaton_case("two states, two letters", two_states())
    for near in (-NEAR, ZERO, NEAR):
        yield automaton_case(f"one state, p e^R = 1 + {near}", one_state((1,), 1, (2 + 2 * near,)))
        yield automaton_case(f"two states, spectral radius^2 = 1 + {near}", _alternating(1 + near))
    for name, automaton in random_automata(profile, 30 if profile.full else 6):
        yield automaton_case(name, automaton)
    for factor in (2, 3, 5):
        yield automaton_case(f"one state, e^R = {factor}", one_state((1, 1), 2, (factor, 1)))


def _alternating(square: fmpq) -> Automaton:
    """a leads from state 0 to 1 and back, each time with probability 1/2: the radius is the root of ``square``."""
    half = fmpq(1, 2)
    arcs = [Arc(0, 1, "a", half, Reward(factor=fmpq(4))), Arc(1, 0, "a", half, Reward(factor=square))]
    return Automaton.of(("a",), arcs, [half, half])


def _formula_always(automaton: Automaton) -> Iterator[Finding]:
    weight = step_weights(automaton, ONE, ONE)
    formula = _formula(automaton, weight)
    if formula is not None:
        short = sum(by_length(automaton, weight, 6), start=ZERO)
        yield Finding(
            "e_0' (I - M)^-1 b is at least the sum of the strings up to 6 tokens", formula - short, "nonnegative"
        )


def _tilted_without_future(automaton: Automaton) -> Iterator[Finding]:
    if converges(automaton, ONE, ONE):
        weight = step_weights(automaton, ONE, ONE)
        law = weight / automaton.graph.row_sums(weight)[automaton.graph.source]
        yield from _string_by_string(automaton, law, totals(automaton.graph, weight)[automaton.graph.initial])


CLAIM = Claim(
    id="automata.partition",
    sentence="",
    clauses=(
        Clause(
            name="formula",
            text="over infinitely many strings Z(s, t) = sum_y p(y)^s e^(t R(y)) is the matrix formula "
            "e_0' (I - M(s, t))^-1 e_f wherever the spectral radius of M(s, t), the matrix of the arcs' p^s e^(t R), is "
            "below 1",
            formula=r"Z(s,t)=\sum_y p^s e^{tR}=e_0^\top(I-M(s,t))^{-1}e_f",
            formal=(
                "automata_partition_formula",
                "automata_partition_inverse",
                "automata_partition_by_length",
            ),
        ),
        Clause(
            name="finite",
            text="Z(s, t) is finite exactly if the spectral radius of the trimmed M(s, t) is below 1",
            formula=r"Z(s,t)<\infty\iff\rho(M(s,t))<1",
            formal=("automata_partition_iff",),
        ),
        Clause(
            name="aligned",
            text="if Z is finite, the aligned law is again an automaton: p+(j | i) = M_ij v_j/v_i with v = (I - M)^-1 "
            "e_f",
            formula=r"p_+(j\mid i)=M_{ij}\,v_j/v_i,\ v=(I-M)^{-1}e_f",
            formal=(
                "automata_partition_doob_law",
                "automata_partition_doob_strings",
            ),
        ),
    ),
    hypotheses=(
        "a deterministic automaton of finitely many states, trimmed (in an unambiguous one, too, a string has one "
        "path; that step is not formal)",
        "the reward adds up along the path; the end earns nothing",
    ),
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
    remark=(
        "Rationals decide the border: at a spectral radius of 1, and of 1 - 10^-12 and 1 + 10^-12, finite and infinite "
        "are told apart with certainty. At 1 and above I - M may be invertible, and the formula then gives a number "
        "that "
        "is not Z."
    ),
    figure="automata",
    order=8010,
    sketch=r"""
Paths of length $n$ sum to $e_0'M^ne_f$; the series converges iff $\rho(M)<1$ for a trimmed automaton (Perron and
Frobenius). Multiplying the weight of a step by what can follow it, $v_j$, and dividing it by what could follow before,
$v_i$, makes rows sum to 1; along a string the $v$ cancel down to $Z$.
""",
)
