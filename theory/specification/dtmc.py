"""Markov chains as explicit files of PRISM (.tra with .lab) and Storm (.drn): tokens are the labels of the states.

[prior]
kind = "dtmc"
file = "model.tra"                  # or model.drn, which holds its labels
labels = "model.lab"                # of a .tra file

A string is the labels of the states that are entered after the initial one, in their order; it ends where a state is
entered that is never left. A state without a label emits nothing. "init" marks the initial state; "init" and
"deadlock" are no tokens. Probabilities are exact as written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flint import fmpq

from theory.arithmetic.exact import rational
from theory.language_models.automaton import Automaton
from theory.specification.automaton import AutomatonSpecification
from theory.specification.documents import dtmc_document
from theory.specification.openfst import (
    Machine,
    check_labels,
    machine_specification,
    normalise_machine,
    read_text,
    remove_epsilon,
)
from theory.specification.reader import located
from theory.specification.tables import SpecificationError

_SILENT = ""
_MARKS = {"init", "deadlock"}


@dataclass(slots=True)
class _Chain:
    """States by their names in the file: where each goes with which probability, and its labels."""

    steps: dict[str, dict[str, fmpq]] = field(default_factory=dict)
    labels: dict[str, list[str]] = field(default_factory=dict)

    def step(self, source: str, target: str, written: str) -> None:
        p = rational(written)
        if p < 0:
            raise SpecificationError(f"a probability must be >= 0, got {written}")
        row = self.steps.setdefault(source, {})
        if target in row:
            raise SpecificationError(f"the step from {source} to {target} stands twice")
        row[target] = p


def dtmc_specification(document: Mapping[str, object], folder: Path | None = None) -> AutomatonSpecification:
    """The specification in a parsed TOML document with prior.kind = "dtmc".

    Args:
        document: as parsed.
        folder: where the files are looked up; the working directory if None.

    Raises:
        SpecificationError: one line that names the element that is refused.
    """
    found = dtmc_document(document)
    place = folder or Path()
    path = place / found.prior.file
    chain = _Chain()
    drn = path.suffix.lower() == ".drn"
    with located(str(path)):
        (_drn if drn else _tra)(read_text(path), chain)
    if drn != (found.prior.labels is None):
        told = "a .drn file holds its labels" if drn else "a .tra file needs a .lab file, whose labels are the tokens"
        raise SpecificationError(f"prior.labels: {told}")
    if found.prior.labels is not None:
        with located(str(place / found.prior.labels)):
            _lab(read_text(place / found.prior.labels), chain)
    with located(str(path)):
        machine = _machine(chain)
        notes = normalise_machine(machine, renormalise=found.prior.renormalise)
        if remove_epsilon(machine, _SILENT):
            notes.append("prior: states without a label emit nothing; steps into them were removed exactly")
    return machine_specification(machine, found, path, notes, exact=True)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line.strip()


def _tra(text: str, chain: _Chain) -> None:
    lines = list(_lines(text))
    if not lines or len(lines[0][1].split()) != 2:
        raise SpecificationError('line 1: expected "STATES TRANSITIONS" of a Markov chain')
    for number, line in lines[1:]:
        fields = line.split()
        with located(f"line {number}"):
            if len(fields) != 3:
                raise SpecificationError(f'expected "source target probability", got {len(fields)} fields')
            chain.step(*fields)
    announced = lines[0][1].split()[1]
    if announced != str(len(lines) - 1):
        raise SpecificationError(f"line 1 announces {announced} transitions, the file has {len(lines) - 1}")


_NAMED = re.compile(r'(\d+)="([^"]*)"')


def _lab(text: str, chain: _Chain) -> None:
    lines = list(_lines(text))
    names = dict(_NAMED.findall(lines[0][1])) if lines else {}
    if not names:
        raise SpecificationError('line 1: expected labels, as 0="init" 1="a"')
    for number, line in lines[1:]:
        state, colon, rest = line.partition(":")
        with located(f"line {number}"):
            unknown = [k for k in rest.split() if k not in names]
            if not colon or unknown:
                raise SpecificationError(f'expected "state: labels", numbers of line 1, got {line!r}')
            chain.labels.setdefault(state.strip(), []).extend(names[k] for k in rest.split())


def _drn(text: str, chain: _Chain) -> None:
    state: str | None = None
    model, actions = False, 0
    for number, line in _lines(text):
        with located(f"line {number}"):
            if line.startswith("@type:") and line.split(":")[1].strip() != "DTMC":
                raise SpecificationError(f"only a DTMC is read, got {line.split(':')[1].strip()!r}")
            if line == "@model":
                model = True
            elif not model or line.startswith("//"):
                continue
            elif line.startswith("state "):
                fields = line.split()
                state, actions = fields[1], 0
                chain.steps.setdefault(state, {})
                chain.labels[state] = [name for name in fields[2:] if not name.startswith(("[", "!"))]
            elif line.startswith("action"):
                actions += 1
                if actions > 1:
                    raise SpecificationError(f"state {state} has two actions; a Markov chain has one")
            else:
                target, colon, written = line.partition(":")
                if not colon or state is None:
                    raise SpecificationError(f'expected "target : probability", got {line!r}')
                chain.step(state, target.strip(), written.strip())
    if not model:
        raise SpecificationError("there is no line @model")


def _machine(chain: _Chain) -> Machine:
    """Steps that emit the label of the state they enter; states that are never left are final."""
    initial = [state for state, labels in chain.labels.items() if "init" in labels]
    if len(initial) != 1:
        raise SpecificationError(f'exactly one state must have the label "init", got {len(initial)}')
    token = {}
    for state, labels in chain.labels.items():
        tokens = [name for name in labels if name not in _MARKS]
        if len(tokens) > 1:
            raise SpecificationError(f"state {state} has the labels {', '.join(tokens)}; one is its token")
        token[state] = tokens[0] if tokens else _SILENT
    machine = Machine()
    machine.state(initial[0])
    for source, row in chain.steps.items():
        for target, p in row.items():
            ends = source == target and row[target] == 1
            if p > 0 and not ends:
                machine.arcs.append((machine.state(source), machine.state(target), token.get(target, _SILENT), p))
    for state in {*chain.steps, *machine.number}:
        if not any(target != state and p > 0 for target, p in chain.steps.get(state, {}).items()):
            row = chain.steps.get(state, {})
            if row.get(state, fmpq(1)) == 1:
                machine.final[machine.state(state)] = fmpq(1)
    if not machine.final:
        raise SpecificationError("every state is left again, so that no string ends")
    return machine


def write_drn(automaton: Automaton) -> str:
    """The prior of an automaton as a Markov chain of Storm: a state for each token and where it leads, and an end.

    Raises:
        ValueError: names a token that the format cannot hold.
    """
    check_labels(automaton, _MARKS | {token for token in automaton.alphabet if token.startswith(("[", "!"))})
    graph, end = automaton.graph, automaton.end
    pairs = sorted({(int(graph.target[k]), int(automaton.token[k])) for k in range(len(graph)) if not end[k]})
    place = {pair: k + 1 for k, pair in enumerate(pairs)}
    last = len(pairs) + 1
    lines = ["@type: DTMC", "@parameters", "", "@reward_models", "", "@nr_states", str(last + 1), "@model"]
    for number, (at, token) in enumerate([(graph.initial, None), *pairs]):
        lines.append(f"state {number} {'init' if token is None else automaton.alphabet[token]}")
        lines.append("\taction 0")
        for k in range(int(graph.starts[at]), int(graph.starts[at + 1]) if at + 1 < graph.states else len(graph)):
            target = last if end[k] else place[int(graph.target[k]), int(automaton.token[k])]
            lines.append(f"\t\t{target} : {automaton.prob[k]}")
    lines += [f"state {last}", "\taction 0", f"\t\t{last} : 1"]
    return "\n".join(lines) + "\n"


__all__ = ["dtmc_specification", "write_drn"]
