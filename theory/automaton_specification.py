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

from flint import arb, ctx, fmpq

from theory.automaton_adaptors import (
    AdaptedAutomaton,
    AdaptedMoments,
    AlignedAutomaton,
    KeptSteps,
    Leak,
    adapt_automaton_global,
    adapt_automaton_local,
    adapted_moments,
    align_automaton,
    decide_automaton,
    finite_acceptance,
    largest_ratio,
    local_global_divergence,
    require_deterministic,
    string_count,
    unrolled,
    whole_law,
)
from theory.automaton_corpus import typical_automaton_corpora
from theory.automaton_moments import narrow
from theory.concentration import chebyshev
from theory.corpus import conditional_correlation_limit
from theory.exact import BITS, Undecided, ball, ball_strings, precision, to_float
from theory.language_models.automaton import Arc, Automaton
from theory.path_sums import Diverges, step_weights, totals
from theory.rewards import Reward
from theory.specification import (
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
from theory.spectral_radius import critical_temperature, spectral_radius
from theory.tradeoff import Moments

_MODEL_KEYS = (
    "log_partition",
    "entropy",
    "varentropy",
    "mean_log_prior",
    "mean_reward",
    "var_log_prior",
    "var_reward",
    "cov",
    "corr",
    "exchange_coefficient",
)
_CORPUS_KEYS = ("typical_probability", "chebyshev_bound", "conditional_corr", "conditional_corr_limit")
_MOMENT_KEYS = ("mean_log_prior", "mean_reward", "entropy", "kl_to_aligned", "cross_entropy")
_RATIO_KEYS = ("kl_local_global", "w_max", "acceptance")
_ADAPTOR_KEYS = (*_MOMENT_KEYS, *_RATIO_KEYS, "exchange_coefficient")

_MOST_BITS = 2048
"""Near a spectral radius of 1 the working precision is doubled up to this."""

_STRINGS = 5000
"""Up to this many strings a finite automaton's acceptance is summed over them."""


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


# --- reading ------------------------------------------------------------------------------------------------------


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


# --- quantities ---------------------------------------------------------------------------------------------------


def automaton_quantities(document: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON object of ``probqual exact`` for an automaton: floats, and NAME_ball beside each certified one; nats.

    A law that diverges has status "DIVERGENT" and null moments; "UNDECIDED" where its spectral radius cannot be told
    from 1. A local law that loses mass has leaked_mass > 0 and null moments.

    Raises:
        SpecificationError: one line that names the element that is refused.
    """
    spec = automaton_specification(document)
    bits = BITS
    while True:
        with precision(bits):
            out, wide = _quantities(spec)
        if not wide or bits >= _MOST_BITS:
            return out
        bits *= 2


def _quantities(spec: AutomatonSpecification) -> tuple[dict[str, Any], bool]:
    """(the JSON object at the working precision, whether more bits may certify more)."""
    rewarded = spec.automaton.rewarded()
    notes = list(spec.notes)
    out: dict[str, Any] = {
        "kind": "automaton",
        "status": "OK",
        "strings": string_count(rewarded.graph),
        "states": rewarded.graph.states,
    }
    radius = spectral_radius(rewarded.graph, step_weights(rewarded, fmpq(1), fmpq(1)))
    wide = False
    try:
        aligned = align_automaton(rewarded)
        wide = _with_law(out, spec, aligned, notes)
    except Diverges as error:
        _without_law(out, spec, "DIVERGENT", str(error), notes)
    except Undecided as error:
        _without_law(out, spec, "UNDECIDED", str(error), notes)
        wide = True
    _store(out, {"spectral_radius": radius}, certified=spec.exact)
    out["notes"] = notes
    return out, wide


def _without_law(out: dict[str, Any], spec: AutomatonSpecification, status: str, reason: str, notes: list[str]) -> None:
    out["status"] = status
    out.update(dict.fromkeys((*_MODEL_KEYS, *_CORPUS_KEYS)))
    out["adaptors"] = [_entry(entry) | {"status": status} for entry in spec.adaptors]
    out["critical_temperature"] = None
    notes.append(reason)


def _with_law(out: dict[str, Any], spec: AutomatonSpecification, aligned: AlignedAutomaton, notes: list[str]) -> bool:
    """Whether a ball came out wide, or an adaptor undecided."""
    mean = adapted_moments(aligned, whole_law(aligned)).moments
    model = {
        "log_partition": aligned.log_partition,
        "entropy": mean.cross_entropy,
        "varentropy": mean.var_surprisal,
        **{key: getattr(mean, key) for key in _MODEL_KEYS[3:8]},
        "corr": mean.correlation,
        "exchange_coefficient": mean.exchange_coefficient,
    }
    wide = _store(out, model, certified=spec.exact)
    if wide and ctx.prec < _MOST_BITS:
        return True
    _store_corpus(out, spec, aligned, mean, notes)
    entries = [_adapted(spec, aligned, entry, k, notes) for k, entry in enumerate(spec.adaptors, start=1)]
    out["adaptors"] = [entry for entry, _ in entries]
    wide |= _store(out, {"critical_temperature": critical_temperature(aligned.automaton)}, certified=spec.exact)
    return wide or any(again for _, again in entries)


def _store(out: dict[str, Any], values: Mapping[str, Any], *, certified: bool) -> bool:
    """Each value as a float (None stays None), with its ball where it is one and certified; whether one is wide."""
    wide = False
    for name, value in values.items():
        out[name] = None if value is None else to_float(value)
        if isinstance(value, arb):
            wide |= not narrow(value)
            if certified and value.is_finite():
                out[f"{name}_ball"] = ball_strings(value)
    return wide


def _store_corpus(
    out: dict[str, Any], spec: AutomatonSpecification, aligned: AlignedAutomaton, mean: Moments, notes: list[str]
) -> None:
    found: dict[str, Any] = dict.fromkeys(_CORPUS_KEYS)
    corpus = spec.corpus
    if corpus is None:
        out.update(found)
        return
    found["chebyshev_bound"] = chebyshev(mean.var_surprisal, corpus.size, ball(corpus.epsilon))
    found["conditional_corr_limit"] = conditional_correlation_limit(mean, corpus.size, corpus.epsilon)
    try:
        window = typical_automaton_corpora(aligned, corpus.size, corpus.epsilon)
    except Undecided as error:
        notes.append(f"typical_probability: UNDECIDED, {error}")
    else:
        found["typical_probability"] = window.mass
        constant = mean.constant.log_prior or mean.constant.reward
        found["conditional_corr"] = None if constant else _within_one(window.conditional_correlation())
        out["typical_method"] = window.method
        if window.error is not None:
            out["typical_probability_error"] = window.error
    _store(out, found, certified=spec.exact and corpus.exact)


def _within_one(correlation: Any) -> Any:
    """A float64 correlation without the rounding beyond -1 and 1; None and balls as they are."""
    return max(-1.0, min(1.0, correlation)) if isinstance(correlation, float) else correlation


def _entry(entry: AdaptorEntry) -> dict[str, Any]:
    head = {"name": entry.name, "value": entry.value, "normalise": entry.normalise}
    return head | dict.fromkeys(_ADAPTOR_KEYS)


def _adapted(
    spec: AutomatonSpecification, aligned: AlignedAutomaton, entry: AdaptorEntry, number: int, notes: list[str]
) -> tuple[dict[str, Any], bool]:
    """(the entry, whether more bits may certify more)."""
    out = _entry(entry)
    certified = spec.exact and entry.exact
    try:
        kept = decide_automaton(aligned, entry.chain)
    except Undecided as error:
        return out | {"status": "UNDECIDED", "reason": str(error)}, False
    try:
        law = (adapt_automaton_local if entry.normalise == "local" else adapt_automaton_global)(aligned, kept)
        if law is None:
            notes.append(f"adaptor {number}: no finite string has all its tokens kept, and there is no global law")
            return out | {"status": "EMPTY"}, False
        if isinstance(law, Leak):
            wide = _store(out, {"leaked_mass": law.mass}, certified=certified)
            return out | {"status": "LEAKS"}, wide
        found = adapted_moments(aligned, law)
        values = {key: getattr(found.moments, key) for key in _MOMENT_KEYS}
        if entry.normalise == "local":
            values |= {"leaked_mass": arb(0)} | _local_global(aligned, law, found, kept, entry)
    except Diverges as error:
        notes.append(f"adaptor {number}: {error}")
        return out | {"status": "DIVERGENT"}, False
    except Undecided as error:
        return out | {"status": "UNDECIDED", "reason": str(error)}, True
    values["exchange_coefficient"] = found.moments.exchange_coefficient
    wide = _store(out, values, certified=certified)
    return out | {"status": "OK"}, wide


def _local_global(
    aligned: AlignedAutomaton, law: AdaptedAutomaton, found: AdaptedMoments, kept: KeptSteps, entry: AdaptorEntry
) -> dict[str, Any]:
    """KL(q_loc || q_glob), max q_glob / q_loc and the acceptance, where there is a global law and a closed form."""
    values: dict[str, Any] = dict.fromkeys(_RATIO_KEYS)
    try:
        target = adapt_automaton_global(aligned, kept)
    except (Diverges, Undecided):
        return values
    assert target is not None, "a local law without a leak has finite strings"
    log_total = adapted_moments(aligned, target).log_total
    values["kl_local_global"] = local_global_divergence(found, log_total)
    values["w_max"] = largest_ratio(law, log_total, kept.power)
    count = string_count(aligned.graph)
    if count is not None and count <= _STRINGS:
        finite = unrolled(aligned.automaton, aligned.graph.states)
        values["acceptance"], values["w_max"] = finite_acceptance(finite, entry.chain)
    return values


__all__ = [
    "AutomatonSpecification",
    "automaton_quantities",
    "automaton_specification",
    "read_automaton",
    "write_automaton",
]
