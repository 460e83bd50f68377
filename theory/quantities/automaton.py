"""The numbers of ``probqual exact`` for an automaton."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flint import arb, ctx, fmpq

from theory.adaptors.moments import Moments
from theory.arithmetic.exact import BITS, Undecided, ball, ball_strings, precision, to_float
from theory.automata.adaptors import (
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
    string_count,
    unrolled,
    whole_law,
)
from theory.automata.moments import narrow
from theory.automata.path_sums import Diverges, step_weights
from theory.automata.spectral_radius import critical_temperature, spectral_radius
from theory.automata.typicality import typical_automaton_corpora
from theory.corpora.typicality import conditional_correlation_limit
from theory.probability.concentration import chebyshev
from theory.specification.automaton import AutomatonSpecification, automaton_specification
from theory.specification.reader import (
    AdaptorEntry,
)

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
