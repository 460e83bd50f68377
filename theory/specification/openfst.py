"""Automata in OpenFst's (AT&T) text format, read and written.

[prior]
kind = "openfst"
file = "model.txt"                  # looked up beside the specification
semiring = "log"                    # weights are -log p, in nats; "probability": they are p, exact as written
epsilon = "<eps>"                   # the label that emits nothing, the default
renormalise = true                  # divide the weights of each state by their sum, however far from 1

A line is "source target label [weight]" or "state [weight]" for a final state; strings begin at the state of the first
line. With ``acceptor = false`` an arc has an input and an output label, which must be the same. A weight that is left
out is p = 1.

Epsilon arcs are removed exactly: with E their weights, the other weights are multiplied by (I - E)^-1 = I + E + E^2 +
..., which is finite iff E has a spectral radius below 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

from flint import fmpq, fmpq_mat

from theory.arithmetic.exact import rational, to_float
from theory.language_models.automaton import NOTHING, AmbiguousError, Arc, Automaton
from theory.language_models.determinise import MOST_BELIEFS, Step, determinise
from theory.language_models.rewards import Reward
from theory.specification.automaton import AutomatonSpecification, checked_adaptors, infinite_strings, token_rewards
from theory.specification.documents import DtmcDocument, HmmDocument, OpenFstDocument, OpenFstPrior, openfst_document
from theory.specification.ngram import DEFECT
from theory.specification.reader import Reader, corpus_entry, located, read_beta
from theory.specification.tables import SpecificationError

MOST_BYTES = 1 << 26
"""Of a machine's file: some three million arcs."""

MOST_EPSILON_STATES = 300
"""States that epsilon arcs leave or enter; more are not removed."""


@dataclass(slots=True)
class Machine:
    """Lines of a file.

    Args:
        number: the states by the names they have in the file, numbered as they come.
        arcs: (source, target, label, p).
        final: p of the end, by state.
    """

    number: dict[str, int] = field(default_factory=dict)
    arcs: list[tuple[int, int, str, fmpq]] = field(default_factory=list)
    final: dict[int, fmpq] = field(default_factory=dict)

    def state(self, name: str) -> int:
        """The number of a state, a new one where it has none."""
        return self.number.setdefault(name, len(self.number))


def openfst_specification(document: Mapping[str, object], folder: Path | None = None) -> AutomatonSpecification:
    """The specification in a parsed TOML document with prior.kind = "openfst".

    Args:
        document: as parsed.
        folder: where the file is looked up; the working directory if None.

    Raises:
        SpecificationError: one line that names the element that is refused, in this file or the machine's.
    """
    found = openfst_document(document)
    path = (folder or Path()) / found.prior.file
    with located(str(path)):
        machine = _parsed(read_text(path), found.prior)
        notes = normalise_machine(machine, renormalise=found.prior.renormalise)
        notes += remove_epsilon(machine, found.prior.epsilon)
    return machine_specification(machine, found, path, notes, exact=found.prior.semiring == "probability")


def machine_specification(
    machine: Machine,
    found: OpenFstDocument | DtmcDocument | HmmDocument,
    path: Path,
    notes: list[str],
    *,
    exact: bool,
    alphabet: Sequence[str] | None = None,
) -> AutomatonSpecification:
    """The specification of a machine that was read, with what the document says of rewards, adaptors and corpora.

    Args:
        machine: without epsilon arcs; its states' weights sum to 1.
        found: the document.
        path: of the machine, for errors.
        notes: what reading changed, in words.
        exact: whether its weights are what the file says.
        alphabet: the tokens in the order that decides ties; by default those of the arcs, sorted.

    Raises:
        SpecificationError: names the element that is refused.
    """
    reader = Reader()
    alphabet = alphabet or sorted({label for _, _, label, _ in machine.arcs})
    beta = read_beta(reader, found.reward.beta, needed="token" in found.reward.model_fields_set)
    by_token = token_rewards(reader, found.reward, beta, alphabet)
    with located(str(path)):
        automaton, told = _automaton(machine, alphabet, by_token)
    with located("reward"):
        automaton.rewarded()
    return AutomatonSpecification(
        automaton=automaton,
        adaptors=checked_adaptors(found.adaptor, automaton),
        corpus=None if found.corpus is None else corpus_entry(found.corpus),
        exact=exact and not reader.floats,
        notes=(*reader.notes, *notes, *told, *infinite_strings(automaton)),
        beta=beta,
        kind=found.prior.kind,
    )


def _automaton(
    machine: Machine, alphabet: Sequence[str], rewards: Mapping[str, Reward]
) -> tuple[Automaton, tuple[str, ...]]:
    """The machine's automaton and what was done to it: an ambiguous one is determinised.

    Raises:
        ValueError: a string has two paths and the beliefs over the states are too many; or no string ends.
    """
    stop = [machine.final.get(k, fmpq(0)) for k in range(len(machine.number))]
    arcs = [Arc(i, j, t, p, rewards.get(t, NOTHING)) for i, j, t, p in machine.arcs]
    try:
        return Automaton.of(alphabet, arcs, stop), ()
    except AmbiguousError as error:
        names = list(machine.number)
        twice = error.twice.told(names.__getitem__)
    other = determinise([Step(*arc) for arc in machine.arcs], stop, 0)
    if other is None:
        raise ValueError(
            f"{twice}, so that its log p is no sum along one; as a deterministic automaton the model has "
            f"infinitely many states, or more than the {MOST_BELIEFS:,} that are looked for; list its strings up to a "
            "length as a tree"
        )
    steps, stops = other
    arcs = [Arc(i, j, t, p, rewards.get(t, NOTHING)) for i, j, t, p in steps]
    told = f"prior: {twice}; determinised exactly, from {len(stop):,} states to {len(stops):,}"
    return Automaton.of(alphabet, arcs, stops), (told,)


def read_text(path: Path) -> str:
    """The text of a file that is read whole.

    Raises:
        SpecificationError: missing, unreadable, too large, or not UTF-8.
    """
    try:
        if path.is_file() and path.stat().st_size > MOST_BYTES:
            raise SpecificationError(f"has {path.stat().st_size:,} bytes; at most {MOST_BYTES:,} are read")
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise SpecificationError(f"cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise SpecificationError(f"not UTF-8 text (byte {error.start})") from None


def _parsed(text: str, prior: OpenFstPrior) -> Machine:
    machine = Machine()
    labels = 1 if prior.acceptor else 2
    known: dict[str | None, fmpq] = {}  # weights are often written alike

    def prob(written: str | None) -> fmpq:
        if written not in known:
            known[written] = _prob(written, prior.semiring)
        return known[written]

    for number, line in enumerate(text.split("\n"), start=1):
        fields = line.split()
        if not fields:
            continue
        with located(f"line {number}"):
            if len(fields) <= 2:
                state = machine.state(fields[0])
                if state in machine.final:
                    raise SpecificationError(f"state {fields[0]} is final twice")
                machine.final[state] = prob(fields[1] if len(fields) == 2 else None)
            elif len(fields) in (2 + labels, 3 + labels):
                source, target, label = machine.state(fields[0]), machine.state(fields[1]), fields[2]
                if labels == 2 and fields[3] != label:
                    raise SpecificationError(f"input label {label!r} and output label {fields[3]!r} differ")
                p = prob(fields[2 + labels] if len(fields) > 2 + labels else None)
                if p > 0:
                    machine.arcs.append((source, target, label, p))
            else:
                shape = "label" if labels == 1 else "input output"
                raise SpecificationError(f'expected "source target {shape} [weight]", got {len(fields)} fields')
    if not machine.final:
        raise SpecificationError("no state is final, so that no string ends")
    return machine


def _prob(written: str | None, semiring: str) -> fmpq:
    """The probability that a weight stands for.

    Raises:
        ValueError: no number, or no weight.
    """
    if written is None:
        return fmpq(1)
    if semiring == "probability":
        found = rational(written)
        if found < 0:
            raise ValueError(f"a probability must be >= 0, got {written}")
        return found
    try:
        weight = float(written)
    except ValueError:
        raise ValueError(f"the weight {written!r} is no number") from None
    if math.isnan(weight) or not weight > -700:
        raise ValueError(f"the weight {written} is no -log of a probability")
    return fmpq(*math.exp(-weight).as_integer_ratio())


def normalise_machine(machine: Machine, *, renormalise: bool) -> list[str]:
    """Divide the weights of each state by their sum.

    Raises:
        SpecificationError: a sum is far from 1, and it is not said to renormalise.
    """
    totals = [machine.final.get(k, fmpq(0)) for k in range(len(machine.number))]
    for i, _, _, p in machine.arcs:
        totals[i] += p
    defects = {name: totals[k] - 1 for name, k in machine.number.items() if totals[k] not in (0, 1)}
    if not defects:
        return []
    name, worst = max(defects.items(), key=lambda item: abs(item[1]))
    if abs(worst) > fmpq(*DEFECT.as_integer_ratio()) and not renormalise:
        raise SpecificationError(
            f"the weights of state {name} sum to {to_float(1 + worst):.9g}, not 1: a language model says how each "
            "state goes on; renormalise = true divides each state's by their sum"
        )
    machine.arcs = [(i, j, label, p / totals[i]) for i, j, label, p in machine.arcs]
    machine.final = {k: p / totals[k] for k, p in machine.final.items() if totals[k] != 0}
    return [
        f"prior: the weights of {len(defects)} states were divided by their sums; the furthest from 1 was that of "
        f"state {name}, {to_float(1 + worst):.9g}"
    ]


def remove_epsilon(machine: Machine, epsilon: str) -> list[str]:
    """Replace the epsilon arcs by what their paths lead to, exactly.

    Raises:
        SpecificationError: they make a cycle whose sum is infinite, or there are too many.
    """
    silent = [(i, j, p) for i, j, label, p in machine.arcs if label == epsilon]
    if not silent:
        return []
    states = sorted({k for i, j, _ in silent for k in (i, j)})
    if len(states) > MOST_EPSILON_STATES:
        raise SpecificationError(f"{len(states)} states have epsilon arcs; at most {MOST_EPSILON_STATES} are removed")
    place = {state: k for k, state in enumerate(states)}
    size = len(states)
    matrix = fmpq_mat(size, size, [fmpq(int(i == j)) for i in range(size) for j in range(size)])
    for i, j, p in silent:
        matrix[place[i], place[j]] -= p
    infinite = SpecificationError(f"the cycles of {epsilon} arcs have an infinite sum; they cannot be removed")
    try:
        closure = matrix.inv()
    except ZeroDivisionError:
        raise infinite from None
    if any(closure[i, j] < 0 for i in range(size) for j in range(size)):
        raise infinite
    leaving: dict[int, list[tuple[int, str, fmpq]]] = {state: [] for state in states}
    kept: dict[tuple[int, int, str], fmpq] = {}
    for i, j, label, p in machine.arcs:
        if label != epsilon:
            if i in place:
                leaving[i].append((j, label, p))
            else:
                kept[i, j, label] = kept.get((i, j, label), fmpq(0)) + p
    final = {k: p for k, p in machine.final.items() if k not in place}
    for i in states:
        for via in states:
            factor = closure[place[i], place[via]]
            if factor != 0:
                for j, label, p in leaving[via]:
                    kept[i, j, label] = kept.get((i, j, label), fmpq(0)) + factor * p
                final[i] = final.get(i, fmpq(0)) + factor * machine.final.get(via, fmpq(0))
    machine.arcs = [(i, j, label, p) for (i, j, label), p in kept.items()]
    machine.final = final
    return [f"prior: {len(silent)} {epsilon} arcs were removed exactly"]


def write_openfst(automaton: Automaton, *, semiring: str = "log") -> str:
    """The prior of an automaton as an acceptor; the state of the first line is the initial one.

    Args:
        automaton: its rewards are not written.
        semiring: "log" writes -log p with 17 digits, "probability" p exactly.

    Raises:
        ValueError: names a token that the format cannot hold.
    """
    check_labels(automaton, {"<eps>"})
    graph, end = automaton.graph, automaton.end
    lines = []
    order = sorted(range(len(graph)), key=lambda k: (graph.source[k] != graph.initial, k))
    for k in order:
        p = automaton.prob[k]
        weight = str(p) if semiring == "probability" else f"{-math.log(to_float(p)) + 0.0:.17g}"
        place = f"{graph.source[k]}"
        lines.append(
            f"{place}\t{weight}"
            if end[k]
            else f"{place}\t{graph.target[k]}\t{automaton.alphabet[automaton.token[k]]}\t{weight}"
        )
    return "\n".join(lines) + "\n"


def check_labels(automaton: Automaton, reserved: Set[str]) -> None:
    """Refuse tokens that are no label of a text format, whose fields are apart by spaces.

    Raises:
        ValueError: names the token.
    """
    for token in automaton.alphabet:
        if token.split() != [token] or token in reserved:
            raise ValueError(f"the token {token!r} is no label of this format: rename it (no spaces, not reserved)")


__all__ = [
    "MOST_EPSILON_STATES",
    "Machine",
    "check_labels",
    "machine_specification",
    "normalise_machine",
    "openfst_specification",
    "read_text",
    "remove_epsilon",
    "write_openfst",
]
