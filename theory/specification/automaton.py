"""Specifications of automata, and everything the toolkit knows about one: ``probqual exact`` for infinite support.

[prior]
kind = "automaton"
alphabet = ["a", "b"]
states = 2
initial = 0                         # 0 where it is left out
stop = ["1/2", "1/4"]               # per state; with its arcs it sums to 1
[[prior.arc]]
from = 0
to = 1
token = "a"
prob = "1/2"
reward = "1/3"                      # optional, as is exp_reward; both add to the token's
[reward]
beta = "1"
token = {a = "1/2"}                 # and exp_token
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flint import fmpq

from theory.arithmetic.exact import to_float
from theory.automata.adaptors import (
    require_deterministic,
)
from theory.automata.path_sums import totals
from theory.language_models.automaton import Arc, Automaton
from theory.language_models.rewards import Reward
from theory.models.automaton import AutomatonModel
from theory.specification.reader import (
    AdaptorEntry,
    CorpusEntry,
    Reader,
    SpecificationError,
    adaptor_entry,
    corpus_entry,
    located,
    read_beta,
    read_reward,
    read_strings,
    refuse_unknown,
    section,
)


@dataclass(frozen=True, slots=True, eq=False)
class AutomatonSpecification:
    """An automaton as specified.

    Args:
        exact: neither prior, reward nor beta holds a bare float.
        notes: what reading changed, in words.
    """

    automaton: Automaton
    adaptors: tuple[AdaptorEntry, ...]
    corpus: CorpusEntry | None
    exact: bool
    notes: tuple[str, ...]
    kind: str = "automaton"

    def model(self) -> AutomatonModel:
        """The model in balls, at 256 bits or the precision of the block if that is higher.

        Raises:
            Diverges: Z is infinite.
            Undecided: the spectral radius cannot be told from 1.
        """
        return AutomatonModel.of(self.automaton)


def automaton_specification(document: Mapping[str, Any]) -> AutomatonSpecification:
    """The specification in a parsed TOML document with prior.kind = "automaton".

    Raises:
        SpecificationError: one line that names the element that is refused.
    """
    refuse_unknown(document, {"prior", "reward", "adaptor", "corpus"}, "the specification")
    prior, reward = section(document, "prior"), section(document, "reward")
    if prior.get("kind") != "automaton":
        raise SpecificationError(f'prior.kind must be "automaton" here, got {prior.get("kind")!r}')
    reader = Reader()
    automaton = _automaton(reader, prior, reward)
    entries = document.get("adaptor", [])
    if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise SpecificationError("adaptor must be an array of tables, written [[adaptor]]")
    adaptors = tuple(adaptor_entry(entry, k) for k, entry in enumerate(entries, start=1))
    for number, entry in enumerate(adaptors, start=1):
        if entry.normalise == "local" or any(step.name != "temperature" for step in entry.chain):
            with located(f"adaptor {number}"):
                require_deterministic(automaton)
    return AutomatonSpecification(
        automaton=automaton,
        adaptors=adaptors,
        corpus=corpus_entry(document["corpus"]) if "corpus" in document else None,
        exact=not reader.floats,
        notes=(*reader.notes, *_cut_off(automaton, len(prior["stop"]))),
    )


def read_automaton(text: str) -> AutomatonSpecification:
    """The specification written in TOML.

    Raises:
        SpecificationError: not TOML, or not the specification of an automaton.
    """
    try:
        return automaton_specification(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise SpecificationError(f"TOML syntax: {error}") from None


def _automaton(reader: Reader, prior: Mapping[str, Any], reward: Mapping[str, Any]) -> Automaton:
    refuse_unknown(prior, {"kind", "alphabet", "states", "initial", "stop", "arc"}, "[prior]")
    refuse_unknown(reward, {"beta", "token", "exp_token"}, "[reward]")
    for key in ("alphabet", "states", "stop"):
        if key not in prior:
            raise SpecificationError(f"prior.{key} is missing")
    alphabet = read_strings(prior["alphabet"], "prior.alphabet")
    states = _whole(prior["states"], "prior.states", 1, None)
    initial = _whole(prior.get("initial", 0), "prior.initial", 0, states)
    stop = prior["stop"]
    if not isinstance(stop, list) or len(stop) != states:
        got = len(stop) if isinstance(stop, list) else repr(stop)
        raise SpecificationError(f"prior.stop: needs {states} probabilities, one per state, got {got}")
    entries = prior.get("arc", [])
    if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise SpecificationError("prior.arc must be an array of tables, written [[prior.arc]]")
    beta = read_beta(reader, reward, needed="token" in reward or any("reward" in e for e in entries))
    by_token = _token_rewards(reader, reward, beta, alphabet)
    ends = [(_state_of(e, "from", k, states), _state_of(e, "to", k, states)) for k, e in enumerate(entries, start=1)]
    rewards = [_arc_reward(reader, e, k, beta, by_token, alphabet) for k, e in enumerate(entries, start=1)]
    prob: dict[int, fmpq] = {}
    law_of_stop = []
    for state in range(states):
        here = [k for k, (source, _) in enumerate(ends) if source == state]
        names = [*(f"arc {k + 1} ({entries[k]['token']!r})" for k in here), "stop"]
        row = reader.law([*(entries[k]["prob"] for k in here), stop[state]], f"prior, state {state}", names)
        prob.update(zip(here, row, strict=False))
        law_of_stop.append(row[-1])
    arcs = [
        Arc(source, target, entry["token"], prob[k], rewards[k])
        for k, ((source, target), entry) in enumerate(zip(ends, entries, strict=True))
    ]
    with located("prior.arc"):
        automaton = Automaton.of(alphabet, arcs, law_of_stop, initial)
    with located("reward"):
        automaton.rewarded()
    return automaton


def _whole(value: Any, where: str, low: int, below: int | None) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < low or (below is not None and value >= below):
        wanted = f"a whole number >= {low}" if below is None else f"one of the states {low}..{below - 1}"
        raise SpecificationError(f"{where} must be {wanted}, got {value!r}")
    return value


def _state_of(entry: Mapping[str, Any], key: str, number: int, states: int) -> int:
    refuse_unknown(entry, {"from", "to", "token", "prob", "reward", "exp_reward"}, f"arc {number}")
    for needed in ("from", "to", "token", "prob"):
        if needed not in entry:
            raise SpecificationError(f"arc {number}: {needed} is missing")
    return _whole(entry[key], f"arc {number}, {key}", 0, states)


def _token_rewards(reader: Reader, reward: Mapping[str, Any], beta: fmpq, alphabet: list[str]) -> dict[str, Reward]:
    found: dict[str, Reward] = {}
    for key in ("token", "exp_token"):
        table = reward.get(key, {})
        if not isinstance(table, dict):
            raise SpecificationError(f"reward.{key} must be a table, one number per token")
        for token, value in table.items():
            if token not in alphabet:
                raise SpecificationError(f"reward.{key}: token {token!r} is not in prior.alphabet")
            part = read_reward(reader, value, beta, f'reward.{key} "{token}"', exponential=key != "token")
            found[token] = found.get(token, Reward()) + part
    return found


def _arc_reward(
    reader: Reader,
    entry: Mapping[str, Any],
    number: int,
    beta: fmpq,
    by_token: Mapping[str, Reward],
    alphabet: list[str],
) -> Reward:
    if entry["token"] not in alphabet:
        raise SpecificationError(f"arc {number}: token {entry['token']!r} is not in prior.alphabet")
    total = by_token.get(entry["token"], Reward())
    for key in ("reward", "exp_reward"):
        if key in entry:
            total += read_reward(reader, entry[key], beta, f"arc {number}, {key}", exponential=key != "reward")
    return total


def _cut_off(automaton: Automaton, states: int) -> list[str]:
    """What trimming left out: states off all paths, and the prior's mass on infinite strings."""
    notes = []
    gone = sorted(set(range(states)) - set(automaton.state.tolist()))
    if gone:
        several = f"states {', '.join(map(str, gone))} lie" if len(gone) > 1 else f"state {gone[0]} lies"
        notes.append(f"{several} on no path from the initial state to a stop; cut off")
    rows = automaton.graph.row_sums(automaton.prob)
    if any(total != 1 for total in rows):
        mass = totals(automaton.graph, automaton.prob)[automaton.graph.initial]
        notes.append(f"the prior gives mass {to_float(1 - mass):.6g} to infinite strings; its finite strings are kept")
    return notes


def write_automaton(automaton: Automaton) -> str:
    """The automaton as a specification that ``read_automaton`` takes back; rewards are written per arc."""
    graph, end = automaton.graph, automaton.end
    stop = [fmpq(0)] * graph.states
    arcs = []
    for k in range(len(graph)):
        source = int(graph.source[k])
        if end[k]:
            stop[source] = automaton.prob[k]
            continue
        lines = ["[[prior.arc]]", f"from = {source}", f"to = {int(graph.target[k])}"]
        lines += [f'token = "{automaton.alphabet[automaton.token[k]]}"', f'prob = "{automaton.prob[k]}"']
        reward = automaton.reward[k]
        if reward.exponent != 0:
            lines.append(f'reward = "{reward.exponent}"')
        if reward.factor != 1:
            lines.append(f'exp_reward = "{reward.factor}"')
        arcs.append("\n".join(lines))
    head = [
        "[prior]",
        'kind = "automaton"',
        f"alphabet = [{', '.join(f'{chr(34)}{t}{chr(34)}' for t in automaton.alphabet)}]",
        f"states = {graph.states}",
        f"initial = {graph.initial}",
        f"stop = [{', '.join(f'{chr(34)}{p}{chr(34)}' for p in stop)}]",
    ]
    return "\n".join([*head, *arcs, "[reward]", 'beta = "1"']) + "\n"
