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

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from flint import fmpq

from theory.arithmetic.exact import to_float
from theory.automata.adaptors import needs_history, require_deterministic
from theory.automata.histories import remembering
from theory.automata.path_sums import totals
from theory.language_models.automaton import Arc, Automaton
from theory.language_models.rewards import Reward
from theory.models.automaton import AutomatonModel, critical_points
from theory.models.model import CriticalPoints
from theory.specification.adaptors import AdaptorEntry, adaptor_entry
from theory.specification.constraints import Constraint, constraint_entry
from theory.specification.documents import AdaptorTable, ArcTable, AutomatonPrior, AutomatonReward, automaton_document
from theory.specification.reader import (
    CorpusEntry,
    Reader,
    check_names,
    corpus_entry,
    located,
    parse_document,
    read_beta,
    read_reward,
)
from theory.specification.tables import SpecificationError


@dataclass(frozen=True, slots=True, eq=False)
class AutomatonSpecification:
    """An automaton as specified.

    Args:
        exact: neither prior, reward nor beta holds a bare float.
        beta: reward units per nat.
        notes: what reading changed, in words.
        constraint: a language that the model is held to.
    """

    automaton: Automaton
    adaptors: tuple[AdaptorEntry, ...]
    corpus: CorpusEntry | None
    exact: bool
    notes: tuple[str, ...]
    beta: fmpq = fmpq(1)
    kind: str = "automaton"
    constraint: Constraint | None = None

    def model(self) -> AutomatonModel:
        """The model in balls, at 256 bits or the precision of the block if that is higher.

        Raises:
            Diverges: Z is infinite.
            Undecided: the spectral radius cannot be told from 1.
        """
        return AutomatonModel.of(self.automaton)

    @property
    def states(self) -> int:
        """How many states keep mass."""
        return self.automaton.rewarded().graph.states

    @property
    def refinable(self) -> bool:
        """Whether a higher precision makes results sharper: it does."""
        return True

    def critical_points(self, *, lawful: bool) -> CriticalPoints:
        """Where there is a law, and where there is none; ``lawful``: whether there is one here."""
        return critical_points(self.automaton.rewarded(), self.beta, lawful=lawful)


def automaton_specification(document: Mapping[str, object]) -> AutomatonSpecification:
    """The specification in a parsed TOML document with prior.kind = "automaton".

    Raises:
        SpecificationError: one line that names the element that is refused.
    """
    found = automaton_document(document)
    reader = Reader()
    automaton = _automaton(reader, found.prior, found.reward)
    return AutomatonSpecification(
        automaton=automaton,
        adaptors=checked_adaptors(found.adaptor, automaton),
        corpus=None if found.corpus is None else corpus_entry(found.corpus),
        exact=not reader.floats,
        notes=(*reader.notes, *_cut_off(automaton, found.prior.states)),
        beta=read_beta(reader, found.reward.beta, needed=False),
        constraint=constraint_entry(found.constraint),
    )


def checked_adaptors(tables: Sequence[AdaptorTable], automaton: Automaton) -> tuple[AdaptorEntry, ...]:
    """The [[adaptor]] tables, which but for a global temperature need a deterministic automaton.

    Raises:
        SpecificationError: names the entry by its number.
    """
    adaptors = tuple(adaptor_entry(entry, k, other_names=True, product=True) for k, entry in enumerate(tables, start=1))
    for number, (entry, table) in enumerate(zip(adaptors, tables, strict=True), start=1):
        if entry.chain.history is not None and not table.product:
            raise SpecificationError(f"adaptor {number}: {needs_history(entry.chain.history)}")
    for number, entry in enumerate(adaptors, start=1):
        if entry.normalise == "local" or any(step.name != "temperature" for step in entry.chain):
            with located(f"adaptor {number}"):
                require_deterministic(automaton)
                if entry.chain.history is not None:
                    remembering(automaton.rewarded(), entry.chain)
    return adaptors


def read_automaton(text: str) -> AutomatonSpecification:
    """The specification written in TOML.

    Raises:
        SpecificationError: not TOML, or not the specification of an automaton.
    """
    return automaton_specification(parse_document(text))


def _automaton(reader: Reader, prior: AutomatonPrior, reward: AutomatonReward) -> Automaton:
    alphabet, states, entries = prior.alphabet, prior.states, prior.arc
    check_names(alphabet, "prior.alphabet")
    _check_state(prior.initial, "prior.initial", states)
    if len(prior.stop) != states:
        raise SpecificationError(f"prior.stop: needs {states} probabilities, one per state, got {len(prior.stop)}")
    needed = "token" in reward.model_fields_set or any(entry.reward is not None for entry in entries)
    beta = read_beta(reader, reward.beta, needed=needed)
    by_token = token_rewards(reader, reward, beta, alphabet)
    for number, entry in enumerate(entries, start=1):
        _check_state(entry.source, f"arc {number}, from", states)
        _check_state(entry.target, f"arc {number}, to", states)
    rewards = _arc_rewards(reader, entries, beta, by_token, set(alphabet))
    leaving: list[list[int]] = [[] for _ in range(states)]
    for k, entry in enumerate(entries):
        leaving[entry.source].append(k)
    token, written = [entry.token for entry in entries], [entry.prob for entry in entries]
    prob: dict[int, fmpq] = {}
    law_of_stop = []
    told = len(reader.notes)
    for state, here in enumerate(leaving):
        names = [*(f"arc {k + 1} ({token[k]!r})" for k in here), "stop"]
        row = reader.law([*(written[k] for k in here), prior.stop[state]], f"prior, state {state}", names)
        prob.update(zip(here, row, strict=False))
        law_of_stop.append(row[-1])
    divided = len(reader.notes) - told
    if divided > 1:
        reader.notes[told:] = [f"{reader.notes[told]}; so were those of {divided - 1:,} more"]
    arcs = [Arc(entry.source, entry.target, entry.token, prob[k], rewards[k]) for k, entry in enumerate(entries)]
    with located("prior.arc"):
        automaton = Automaton.of(alphabet, arcs, law_of_stop, prior.initial)
    with located("reward"):
        automaton.rewarded()
    return automaton


def _check_state(state: int, where: str, states: int) -> None:
    if not 0 <= state < states:
        raise SpecificationError(f"{where} must be one of the states 0..{states - 1}, got {state}")


def token_rewards(reader: Reader, reward: AutomatonReward, beta: fmpq, alphabet: Sequence[str]) -> dict[str, Reward]:
    """R of each token that [reward] lists.

    Raises:
        SpecificationError: names a token that is not in the alphabet, or the number that cannot be.
    """
    known = set(alphabet)
    found: dict[str, Reward] = {}
    for key, table in (("token", reward.token), ("exp_token", reward.exp_token)):
        for token, value in table.items():
            if token not in known:
                raise SpecificationError(f"reward.{key}: token {token!r} is not in prior.alphabet")
            part = read_reward(reader, value, beta, f'reward.{key} "{token}"', exponential=key != "token")
            found[token] = found.get(token, Reward()) + part
    return found


def _arc_rewards(
    reader: Reader, entries: Sequence[ArcTable], beta: fmpq, by_token: Mapping[str, Reward], alphabet: Set[str]
) -> list[Reward]:
    """R of each arc; arcs whose token and rewards are written alike share one."""
    known: dict[tuple[str, str, str], Reward] = {}
    found = []
    for number, entry in enumerate(entries, start=1):
        key = entry.token, repr(entry.reward), repr(entry.exp_reward)
        if key not in known:
            known[key] = _arc_reward(reader, entry, number, beta, by_token, alphabet)
        found.append(known[key])
    return found


def _arc_reward(
    reader: Reader,
    entry: ArcTable,
    number: int,
    beta: fmpq,
    by_token: Mapping[str, Reward],
    alphabet: Set[str],
) -> Reward:
    if entry.token not in alphabet:
        raise SpecificationError(f"arc {number}: token {entry.token!r} is not in prior.alphabet")
    total = by_token.get(entry.token, Reward())
    for key, value in (("reward", entry.reward), ("exp_reward", entry.exp_reward)):
        if value is not None:
            total += read_reward(reader, value, beta, f"arc {number}, {key}", exponential=key != "reward")
    return total


def _cut_off(automaton: Automaton, states: int) -> list[str]:
    """What trimming left out: states off all paths, and the prior's mass on infinite strings."""
    notes = []
    gone = sorted(set(range(states)) - set(automaton.state.tolist()))
    if gone:
        several = f"states {', '.join(map(str, gone))} lie" if len(gone) > 1 else f"state {gone[0]} lies"
        notes.append(f"{several} on no path from the initial state to a stop; cut off")
    return notes + infinite_strings(automaton)


def infinite_strings(automaton: Automaton) -> list[str]:
    """The mass that the prior has on infinite strings, in words; nothing where it has none."""
    rows = automaton.graph.row_sums(automaton.prob)
    if any(total != 1 for total in rows):
        mass = totals(automaton.graph, automaton.prob)[automaton.graph.initial]
        return [f"the prior gives mass {to_float(1 - mass):.6g} to infinite strings; its finite strings are kept"]
    return []


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
