"""automata.leak: a local adaptor can lose mass to infinite strings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from flint import arb, fmpq

from theory.adaptors.exact import Chain, chain
from theory.arithmetic.exact import Array, objects
from theory.automata.adaptors import (
    KeptSteps,
    Leak,
    adapt_automaton_local,
    align_automaton,
    decide_automaton,
)
from theory.automata.spectral_radius import converges
from theory.claims.automata.models import (
    ONE,
    automaton_case,
    diverging,
    equality_slack,
    random_automata,
    smallest_automata,
)
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile, of
from theory.examples.automata import two_states
from theory.language_models.automaton import Automaton, Graph, Mask


@dataclass(frozen=True, slots=True)
class Hazard:
    """One letter, repeated; after n of them the string ends with probability 1/(n+2). Infinitely many states.

    A local temperature 1/tau goes on with probability m^tau / (m^tau + 1), m = n + 1.
    """

    tau: int

    def survival(self, length: int) -> fmpq:
        """The probability of more than ``length`` letters, exactly."""
        product = ONE
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
        return _finite_leak(content)
    return of("hazard" if content.tau > 1 else "prior", _hazard(content))


def _hazard(content: Hazard) -> Iterator[Finding]:
    if content.tau == 1:
        for length in (0, 1, 30, 400):
            gap = content.survival(length) - fmpq(1, length + 2)
            yield Finding(f"P(more than {length} letters) = 1/(n + 2)", gap)
        return
    infinite = content.infinite()
    short, long = content.survival(50), content.survival(400)
    slack = (-arb(fmpq(1, 400 ** (content.tau - 1) * (content.tau - 1)))).exp()
    yield Finding("P(infinite) is below P(more than 400 letters)", arb(long) - infinite, "nonnegative")
    yield Finding("and above it times e^{-sum of m^-tau over m > 401}", infinite - arb(long) * slack, "nonnegative")
    yield Finding("P(infinite) > 0", infinite, "positive")
    yield Finding("longer strings are rarer", short - long, "positive")
    for length in (0, 1, 10):
        walked = content.survival(length) - _walked(content.tau, length)
        yield Finding(f"P(more than {length} letters), step by step from the hazard", walked)
    if content.tau == 2:
        yield Finding("P(infinite) = pi / sinh(pi)", infinite - arb.pi() / arb.pi().sinh())
        close = arb(fmpq(1, 200000)) - abs(infinite - fmpq(27203, 100000))
        yield Finding("P(infinite) = .27203", close, "nonnegative")


def _walked(tau: int, length: int) -> fmpq:
    """Each step of the prior, ((n + 1)/(n + 2), 1/(n + 2)), raised to tau and renormalised."""
    survival = ONE
    for n in range(length + 1):
        going_on, ending = fmpq(n + 1, n + 2) ** tau, fmpq(1, n + 2) ** tau
        survival *= going_on / (going_on + ending)
    return survival


def _finite_leak(content: Adapted) -> Iterator[Finding]:
    """The leaked mass between the mass that is lost, and that which may still be, after 40 tokens."""
    kept = content.automaton.rewarded()
    if not converges(kept, ONE, ONE):
        return
    aligned = align_automaton(kept)
    decided = decide_automaton(aligned, content.steps)
    found = adapt_automaton_local(aligned, decided)
    mass = found.mass if isinstance(found, Leak) else arb(0)
    graph = kept.graph
    dead = ~graph.stopping(decided.step)
    lost, open_ = _after(graph, _local_law(aligned.law, graph, decided), dead, 40)
    least, most = mass - lost + equality_slack(), lost + open_ - mass + equality_slack()
    yield Finding("at least what is lost after 40 tokens", least, "nonnegative", clause="finite")
    yield Finding("at most that and what still runs", most, "nonnegative", clause="finite")
    doomed = bool((graph.reachable(decided.step) & dead)[: graph.states].any())
    apart = fmpq(int(doomed != isinstance(found, Leak)))
    yield Finding("it leaks iff it reaches a state that cannot stop", apart, clause="finite")
    if all(step.name == "temperature" for step in content.steps):
        leaks = fmpq(int(isinstance(found, Leak)))
        yield Finding("a temperature on finitely many states does not leak", leaks, clause="temperature")
        yield Finding("and nothing is lost after 40 tokens", lost, clause="temperature")


def _local_law(law: Array, graph: Graph, kept: KeptSteps) -> Array:
    weight = objects(p.log() * kept.power for p in law)
    weight = objects(w.exp() if m else arb(0) for w, m in zip(weight, kept.step, strict=True))
    result: Array = weight / graph.row_sums(weight)[graph.source]
    return result


def _after(graph: Graph, law: Array, dead: Mask, length: int) -> tuple[arb, arb]:
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


_CHAINS = (
    chain(("top_k", 1)),
    chain(("nucleus", "1/2")),
    chain(("typical", "2/5")),
    chain(("temperature", "1/2")),
    chain(("temperature", 2)),
)


def _adapted_case(name: str, automaton: Automaton, steps: Chain) -> Case:
    entries = "".join(f'[[adaptor]]\nname = "{a.name}"\nvalue = "{a.value}"\nnormalise = "local"\n' for a in steps)
    label = ", ".join(f"local {a.name} {a.value}" for a in steps)
    return Case(f"{name}, {label}", Adapted(automaton, steps), automaton_case("", automaton).spec + entries)


def _leak_cases(profile: Profile) -> Iterator[Case]:
    yield Case("stop hazard 1/(n+2), T = 1", Hazard(1))
    for tau in (2, 3, 4):
        yield Case(f"stop hazard 1/(n+2), T = 1/{tau}", Hazard(tau))
    yield _adapted_case("Z = inf: one state, e^R = 5, 1", diverging(), _CHAINS[0])
    for steps in _CHAINS:
        yield _adapted_case("two states, two letters", two_states(), steps)
        for name, automaton in random_automata(profile, 12 if profile.full else 2):
            yield _adapted_case(name, automaton, steps)


def _without_temperature(content: Hazard) -> Iterator[Finding]:
    bound = arb(content.survival(50)) - arb.pi() / arb.pi().sinh()
    yield Finding("P(more than 50 letters) is at least pi / sinh(pi)", bound, "nonnegative")


def _never_leaks(content: Adapted) -> Iterator[Finding]:
    if converges(content.automaton, ONE, ONE):
        aligned = align_automaton(content.automaton)
        found = adapt_automaton_local(aligned, decide_automaton(aligned, content.steps))
        mass = found.mass if isinstance(found, Leak) else arb(0)
        yield Finding("the local law has total mass 1", mass)


CLAIM = Claim(
    id="automata.leak",
    sentence="C",
    clauses=(
        Clause(
            name="hazard",
            text="a local temperature can lose mass to infinite strings: of strings of one letter that end with "
            "probability 1/(n + 2) after n letters, T = 1/2 loses pi/sinh(pi) = .27203",
            formula=r"T=\tfrac12:\ P(\infty)=\prod_{m\ge1}\frac{m^2}{m^2+1}=\frac{\pi}{\sinh\pi}",
        ),
        Clause(
            name="prior",
            text="that law itself loses nothing: it has more than n letters with probability 1/(n + 2), which tends "
            "to 0",
            formal=(
                "automata_leak_prior",
                "automata_leak_law",
            ),
        ),
        Clause(
            name="finite",
            text="on finitely many states a chain of local adaptors leaks exactly if it reaches a state from which it "
            "cannot "
            "stop, and it leaks the mass that reaches such states",
        ),
        Clause(
            name="temperature",
            text="on finitely many states a local temperature does not leak",
            formal=("automata_leak_temperature",),
        ),
    ),
    hypotheses=("p+ is a law on finite strings: without the adaptor nothing is lost",),
    source="Euler's product for sinh; Welleck et al. (2020), arXiv:2002.02492, on inconsistent decoding",
    check=_leak,
    cases=_leak_cases,
    controls=(
        Control(
            "never-leaks",
            "says that every local law has total mass 1 (local top-1)",
            _never_leaks,
            lambda _: (_adapted_case(c.name, c.content, _CHAINS[0]) for c in smallest_automata(1, 6)),
            smallest=True,
        ),
        Control(
            "no-temperature",
            "leaves the temperature out (T = 1): the law itself is said to leak as much",
            _without_temperature,
            lambda _: [Case("stop hazard 1/(n+2), T = 1", Hazard(1))],
        ),
    ),
    remark=(
        "Cooling each step favours going on, the more probable token, and so loses 27 % of the mass. A temperature "
        "leaks "
        "on infinitely many states only; a truncation can leak on a finite automaton."
    ),
    figure="automata",
    order=8040,
    sketch=r"""
With stop hazard $h_n=\frac1{n+2}$ and $T=\frac12$ the local law goes on with $(1-h)^2/((1-h)^2+h^2)=m^2/(m^2+1)$,
$m=n+1$: an infinite product with a positive limit. A finite automaton leaks iff a state that it reaches cannot reach
the end.
""",
)
