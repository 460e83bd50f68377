"""automata.critical-temperature: over infinitely many strings a global temperature exists only below a critical one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import sympy as sp
from flint import arb, fmpq

from theory.arithmetic.exact import Array
from theory.automata.path_sums import step_weights
from theory.automata.spectral_radius import bisected_exponent, converges, critical_temperature
from theory.claims.automata.models import ONE, automaton_case, diverging, equality_slack, random_automata
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile, Proof
from theory.claims.symbolic import vanishes
from theory.examples.automata import letters, two_states
from theory.language_models.automaton import Automaton
from theory.language_models.rewards import Reward
from theory.probability.information import entropy, renyi_entropy


def independent_letters(automaton: Automaton) -> tuple[Array, fmpq] | None:
    """(law of a letter, probability a of going on) under the p+ of one state with letters and rational e^R, else None."""
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
    if found is None:
        yield Finding("no critical temperature: T = 10^6 has a normaliser", fmpq(int(not converges(kept, *_HOT))))
        return
    if len(kept.graph) <= 40:
        above, below = bisected_exponent(kept, 24)
        yield Finding("T_c is above a temperature that exists", found - 1 / arb(above), "nonnegative")
        margin = 1 / arb(below) - found + equality_slack()  # T_c itself is such a temperature
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


CLAIM = Claim(
    id="automata.critical-temperature",
    sentence="C",
    clauses=(
        Clause(
            name="all",
            text="over infinitely many strings a global temperature exists only below a critical one",
            formula=r"p_+^{1/T}\text{ has a normaliser}\iff\rho(M(1/T,1/T))<1\iff T<T_c;\quad\text{independent letters: }"
            r"T_c=1+\frac{\log(1/a)}{H_{1/T_c}(\text{letters})}",
            proof=Proof("n <= 4", _critical_proof),
        ),
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
    remark=(
        "With 32,000 equally likely tokens and strings of 99 tokens on average T_c = 1.00097: globally normalised "
        "sampling has next to no room above T = 1. Letters (1, 1) with a = 1/2 have T_c = 2, and at T = 2 itself "
        "the sum is infinite, which is decided formally."
    ),
    figure="automata",
    order=8030,
    sketch=r"""
$p_+^\tau$ is summable iff $\rho(M(\tau,\tau))<1$, by automata.partition. Scaled by $v$ the steps are $p_+$'s own, at most 1, so that $\log\rho$ falls in $\tau$; it is convex, and the set is $\tau>1/T_c$. For letters $\rho=a^\tau\sum p_i^\tau$; set it to 1.
""",
)
