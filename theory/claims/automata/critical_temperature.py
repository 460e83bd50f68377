"""automata.critical-temperature: over infinitely many strings a global temperature exists only below a critical one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from flint import arb, fmpq

from theory.arithmetic.exact import Array
from theory.automata.path_sums import step_weights
from theory.automata.spectral_radius import bisected_exponent, converges, critical_temperature
from theory.claims.automata.models import ONE, automaton_case, diverging, equality_slack, random_automata
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile, of
from theory.examples.automata import letters, two_states
from theory.language_models.automaton import Automaton
from theory.language_models.rewards import Reward
from theory.probability.information import entropy, renyi_entropy


def independent_letters(automaton: Automaton) -> tuple[Array, fmpq] | None:
    """(law of a letter, probability a of going on) under p+, for one state with letters and rational e^R; else None."""
    graph, end = automaton.graph, automaton.end
    if graph.states > 1 or any(r.exponent != 0 for r in automaton.reward):
        return None
    weight = step_weights(automaton, ONE, ONE)[~end]
    going_on = weight.sum()
    return weight / going_on, going_on


def _critical(automaton: Automaton) -> Iterator[Finding]:
    kept = automaton.rewarded()
    if not converges(kept, ONE, ONE):
        return
    found = critical_temperature(kept)
    graph = kept.graph
    branching = any(len(graph.inside(states)[0]) > len(states) for states in graph.components())
    same = fmpq(int(branching == (found is None)))
    yield Finding("T_c exists iff some strongly connected set has more arcs than states", same, clause="exists")
    if found is None:
        for temperature in (10, 1000, 10**6):
            tau = fmpq(1, temperature)
            missing = fmpq(int(not converges(kept, tau, tau)))
            yield Finding(f"no critical temperature: T = {temperature} has a normaliser", missing, clause="cycles")
        return
    yield Finding("T_c > 1", found - 1, "positive", clause="exists")
    if len(graph) <= 40:
        above, below = bisected_exponent(kept, 24)
        yield Finding("T_c is above a temperature that exists", found - 1 / arb(above), "nonnegative", clause="exists")
        margin = 1 / arb(below) - found + equality_slack()  # T_c itself is such a temperature
        yield Finding("and at most one that does not", margin, "nonnegative", clause="exists")
        yield from of("exists", _on_both_sides(kept, found))
    independent = independent_letters(kept)
    if independent is not None:
        yield from _of_letters(*independent, found)


def _on_both_sides(automaton: Automaton, critical: arb) -> Iterator[Finding]:
    """A little and far below T_c the normaliser is finite, above it and at a rational T_c it is not."""
    middle = fmpq(round(10**6 * float(1 / critical)), 10**6)
    for step in (fmpq(1, 10**5), fmpq(1, 100)):
        for tau in (middle * (1 + step), middle * (1 - step)):
            wrong = converges(automaton, tau, tau) != bool(1 / tau < critical)
            yield Finding(f"1/T = {tau}: a normaliser iff T < T_c", fmpq(int(wrong)))
    if (1 / critical).contains(arb(middle)):
        finite = fmpq(int(converges(automaton, middle, middle)))
        yield Finding("T = T_c has none", finite)


def _of_letters(law: Array, going_on: fmpq, found: arb) -> Iterator[Finding]:
    claimed = 1 - arb(going_on).log() / renyi_entropy(law, 1 / found)
    yield Finding("T_c = 1 + log(1/a) / H_{tau_c}(letters)", found - claimed, clause="letters")
    if len(set(law)) == 1:
        uniform = 1 - arb(going_on).log() / arb(len(law)).log()
        yield Finding("for uniform letters T_c = 1 - log a / log m", found - uniform, clause="uniform")
    if (len(law), going_on) == (32000, fmpq(99, 100)):
        close = arb(fmpq(1, 200000)) - abs(found - fmpq(100097, 100000))
        yield Finding("T_c = 1.00097", close, "nonnegative", clause="uniform")


def _letter_case(weights: tuple[int, ...], going_on: fmpq) -> Case:
    name = f"letters {weights}" if len(weights) < 9 else f"{len(weights):,} uniform letters"
    return automaton_case(f"{name}, a = {going_on}", letters(weights, going_on))


def _critical_cases(profile: Profile) -> Iterator[Case]:
    yield _letter_case((1,) * 32000, fmpq(99, 100))
    for weights in ((1, 1), (1, 2), (1, 2, 4), (5, 3, 1, 1)):
        for going_on in (fmpq(1, 2), fmpq(9, 10)):
            yield _letter_case(weights, going_on)
    yield automaton_case("one letter", letters((1,), fmpq(1, 2)))
    rewards = [Reward(exponent=fmpq(1, 2)), Reward()]
    yield automaton_case("letters (1, 2), r = 1/2, 0, a = 1/2", letters((1, 2), fmpq(1, 2), rewards))
    yield automaton_case("Z = inf: one state, e^R = 5, 1", diverging())
    yield automaton_case("two states, two letters", two_states())
    for name, automaton in random_automata(profile, 25 if profile.full else 3):
        yield automaton_case(name, automaton)


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


CLAIM = Claim(
    id="automata.critical-temperature",
    sentence="C",
    clauses=(
        Clause(
            name="exists",
            text="over infinitely many strings p+^(1/T) has a finite normaliser exactly below a critical T_c > 1, if "
            "some "
            "strongly connected set of states has more arcs than states",
            formula=r"p_+^{1/T}\text{ has a normaliser}\iff\rho(M(1/T,1/T))<1\iff T<T_c",
        ),
        Clause(
            name="cycles",
            text="if no strongly connected set of states has more arcs than states, p+^(1/T) has a finite normaliser "
            "at every T",
        ),
        Clause(
            name="letters",
            text="for independent letters, where the string goes on with probability a whatever came before, "
            "T_c = 1 + log(1/a)/H_(1/T_c)(letters), H the Renyi entropy of order 1/T_c",
            formula=r"T_c=1+\frac{\log(1/a)}{H_{1/T_c}(\text{letters})}",
            formal=(
                "automata_critical_temperature_letters",
                "automata_critical_temperature_exact",
            ),
        ),
        Clause(
            name="uniform",
            text="for m equally likely letters T_c = 1 - log a / log m: 1.00097 for m = 32,000 and a = .99",
            formula=r"T_c=1-\log a/\log m",
            formal=("automata_critical_temperature_uniform",),
        ),
    ),
    hypotheses=("an unambiguous automaton of finitely many states with an additive reward and a finite Z",),
    source="Kingman (1961): the spectral radius is log-convex; Renyi (1961)",
    check=_critical,
    cases=_critical_cases,
    controls=(
        Control(
            "every-temperature",
            "drops T < T_c: the global temperature 2 is said to exist",
            _hot_exists,
            _smallest_letters,
            smallest=True,
        ),
        Control(
            "shannon",
            "puts the Shannon entropy of the letters for the Renyi entropy of order 1/T_c",
            _shannon,
            _smallest_letters,
            smallest=True,
        ),
    ),
    remark=(
        "With 32,000 equally likely tokens and strings of 99 tokens on average T_c = 1.00097: a globally normalised "
        "temperature can hardly exceed 1. Letters (1, 1) with a = 1/2 have T_c = 2; at T = 2 itself the sum is "
        "infinite, "
        "which is decided formally."
    ),
    figure="automata",
    order=8030,
    sketch=r"""
$p_+^\tau$ is summable iff $\rho(M(\tau,\tau))<1$, by automata.partition. Scaled by $v$ the steps are $p_+$'s own, at
most 1, so that $\log\rho$ falls in $\tau$. At $\tau=0$ it is the logarithm of the spectral radius of the arcs counted,
above 0 iff some strongly connected set has more arcs than states. For letters $\rho=a^\tau\sum q_i^\tau$; it is 1 at
$a=(\sum q_i^\tau)^{-1/\tau}$, where $\log(1/a)=\frac1\tau\log\sum q_i^\tau=\frac{1-\tau}\tau H_\tau$.
""",
)
