"""Hidden Markov models that stop: read as automata, determinised exactly.

[prior]
kind = "hmm"
alphabet = ["a", "b"]
start = ["1/2", "1/2"]                            # of the first hidden state; sums to 1
transition = [["1/4", "1/2"], ["0", "1/2"]]       # row i: from i to each state; with stop[i] it sums to 1
emission = [["1", "0"], ["1/3", "2/3"]]           # row i: the token that state i emits; sums to 1
stop = ["1/4", "1/2"]                             # that the string ends behind the token of state i

p(w_1 ... w_n) is the sum over hidden states s of start(s_1) emission(s_1, w_1) prod_k transition(s_k-1, s_k)
emission(s_k, w_k) times stop(s_n). A string has many paths, so that log p is no sum along one. The deterministic
automaton whose states are the beliefs over the hidden states has the same law; it is finite for some models only.
Without a stop there is no law over finite strings.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from theory.specification.automaton import AutomatonSpecification
from theory.specification.documents import HmmPrior, hmm_document
from theory.specification.openfst import Machine, machine_specification
from theory.specification.reader import Reader, check_names
from theory.specification.tables import SpecificationError

MOST_ARCS = 200_000
"""Hidden states squared times tokens."""


def hmm_specification(document: Mapping[str, object]) -> AutomatonSpecification:
    """The specification in a parsed TOML document with prior.kind = "hmm".

    Raises:
        SpecificationError: one line that names the element that is refused.
    """
    found = hmm_document(document)
    reader = Reader()
    machine = _machine(reader, found.prior)
    return machine_specification(
        machine, found, Path("prior"), list(reader.notes), exact=not reader.floats, alphabet=found.prior.alphabet
    )


def _machine(reader: Reader, prior: HmmPrior) -> Machine:
    """State 0 is before the first token, and is called start; state i + 1 is behind a token of hidden state i."""
    check_names(prior.alphabet, "prior.alphabet")
    states, tokens = len(prior.start), prior.alphabet
    if states == 0:
        raise SpecificationError("prior.start: the list is empty; a hidden Markov model has at least one state")
    for name, rows in (("transition", prior.transition), ("emission", prior.emission), ("stop", prior.stop)):
        if len(rows) != states:
            raise SpecificationError(f"prior.{name}: needs {states} entries as prior.start has, got {len(rows)}")
    if states * states * len(tokens) > MOST_ARCS:
        raise SpecificationError(
            f"prior: {states} states and {len(tokens)} tokens make {states * states * len(tokens):,} arcs; "
            f"at most {MOST_ARCS:,} are read"
        )
    names = [f"state {i}" for i in range(states)]
    start = reader.law(prior.start, "prior.start", names)
    emission = [reader.law(row, f"prior.emission, state {i}", tokens) for i, row in enumerate(prior.emission)]
    going = [
        reader.law([*row, prior.stop[i]], f"prior.transition, state {i}", [*names, "stop"])
        for i, row in enumerate(prior.transition)
    ]
    machine = Machine(number={"start": 0} | {str(i): i + 1 for i in range(states)})
    machine.final = {i + 1: row[-1] for i, row in enumerate(going)}
    for source, row in enumerate([start, *going]):
        for target in range(states):
            for token, p in zip(tokens, emission[target], strict=True):
                weight = row[target] * p
                if weight > 0:
                    machine.arcs.append((source, target + 1, token, weight))
    return machine


__all__ = ["MOST_ARCS", "hmm_specification"]
