"""The numbers of ``probqual exact`` for a model of any kind: the same keys, written in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from flint import arb, ctx, fmpq

from theory.arithmetic.exact import BITS, Undecided, ball, ball_strings, precision, to_float
from theory.automata.adaptors import string_count
from theory.automata.moments import narrow
from theory.automata.path_sums import Diverges, step_weights
from theory.automata.spectral_radius import critical_temperature, spectral_radius
from theory.corpora.typicality import conditional_correlation_limit
from theory.models.model import Adaptation, AlignedModel, Correction
from theory.probability.concentration import chebyshev
from theory.specification.automaton import AutomatonSpecification, automaton_specification
from theory.specification.finite import Specification, specification
from theory.specification.reader import AdaptorEntry, CorpusEntry

Output = dict[str, Any]
"""A JSON object: each quantity as a float or None, and NAME_ball, [midpoint, radius], beside each certified one."""

_MOST_BITS = 4096
"""Where a ball comes out wide the working precision is doubled, up to this."""

_MOMENTS = ("mean_log_prior", "mean_reward", "var_log_prior", "var_reward", "cov")
_MODEL = ("log_partition", "entropy", "varentropy", *_MOMENTS, "corr", "exchange_coefficient")
_TYPICAL = ("typical_probability", "chebyshev_bound", "conditional_corr", "conditional_corr_limit")
_ADAPTED = ("mean_log_prior", "mean_reward", "entropy", "kl_to_aligned", "cross_entropy")
_CORRECTION = tuple(field.name for field in fields(Correction))
_ENTRY = (*_ADAPTED, *_CORRECTION, "exchange_coefficient", "leaked_mass")


def answer(document: Mapping[str, Any]) -> Output:
    """The JSON object of ``probqual exact`` for a parsed specification of any kind: table, tree or automaton.

    Raises:
        SpecificationError: names the element that is refused.
    """
    prior = document.get("prior")
    if isinstance(prior, dict) and prior.get("kind") == "automaton":
        return quantities(automaton_specification(document))
    return quantities(specification(document))


def quantities(spec: Specification | AutomatonSpecification) -> Output:
    """Everything the toolkit knows about a specification: floats, and NAME_ball beside each certified one; nats.

    A number is certified, and has a ball, where every input it depends on was written exactly and no float64 step was
    taken. A quantity that does not exist (a ratio over a zero variance) is None. Where there is no law, ``status``
    says why: "DIVERGENT", or "UNDECIDED" where a spectral radius cannot be told from 1; of an adaptor also "EMPTY" and
    "LEAKS".
    """
    bits = BITS
    while True:
        with precision(bits):
            found = _Writer(spec)
            found.write()
        if not found.wide or bits >= _MOST_BITS:
            return found.out
        bits *= 2


class _Writer:
    """Writes the quantities at the working precision; ``wide`` is whether more bits may certify more."""

    def __init__(self, spec: Specification | AutomatonSpecification) -> None:
        self.spec = spec
        self.out: Output = {"kind": spec.kind, "status": "OK"}
        self.notes = list(spec.notes)
        self.wide = False

    def write(self) -> None:
        """All of it; only the model's own numbers where they are too wide to go on with."""
        automaton = self.spec.automaton.rewarded() if isinstance(self.spec, AutomatonSpecification) else None
        radius = critical = None
        try:
            model = self.spec.model()
        except (Diverges, Undecided) as error:
            assert automaton is not None, "a finite model has a law"
            self.wide = isinstance(error, Undecided)
            self._size(string_count(automaton.graph), automaton.graph.states)
            self._without_law("UNDECIDED" if self.wide else "DIVERGENT", str(error))
        else:
            self._size(model.strings, None if automaton is None else automaton.graph.states)
            self._model(model)
            if self.wide and ctx.prec < _MOST_BITS:
                return
            self._corpus(model)
            self.out["adaptors"] = [self._adaptor(model, entry, k) for k, entry in enumerate(self.spec.adaptors, 1)]
        if automaton is not None:
            radius = spectral_radius(automaton.graph, step_weights(automaton, fmpq(1), fmpq(1)))
            critical = critical_temperature(automaton) if self.out["status"] == "OK" else None
        wide = self.wide
        self._store(self.out, {"spectral_radius": radius}, self.spec.exact)
        self.wide = wide  # enclosed by iteration, not by the working precision
        self._store(self.out, {"critical_temperature": critical}, self.spec.exact)
        self.out["notes"] = self.notes

    def _size(self, strings: int | None, states: int | None) -> None:
        self.out |= {"strings": strings, "states": states}

    def _without_law(self, status: str, reason: str) -> None:
        self.out["status"] = status
        self.out |= dict.fromkeys((*_MODEL, *_TYPICAL, "typical_method", "typical_probability_error"))
        self.out["adaptors"] = [_entry(entry) | {"status": status, "reason": reason} for entry in self.spec.adaptors]
        self.notes.append(reason)

    def _model(self, model: AlignedModel) -> None:
        mean = model.mean
        values = {
            "log_partition": model.log_partition,
            "entropy": mean.cross_entropy,
            "varentropy": mean.var_surprisal,
            **{key: getattr(mean, key) for key in _MOMENTS},
            "corr": mean.correlation,
            "exchange_coefficient": mean.exchange_coefficient,
        }
        self._store(self.out, values, self.spec.exact)

    def _corpus(self, model: AlignedModel) -> None:
        corpus, mean = self.spec.corpus, model.mean
        self.out |= dict.fromkeys((*_TYPICAL, "typical_method", "typical_probability_error"))
        if corpus is None:
            return
        found = {
            "chebyshev_bound": chebyshev(mean.var_surprisal, corpus.size, ball(corpus.epsilon)),
            "conditional_corr_limit": conditional_correlation_limit(mean, corpus.size, corpus.epsilon),
            **self._window(model, corpus),
        }
        wide = self.wide
        self._store(self.out, found, self.spec.exact and corpus.exact)
        self.wide = wide  # a sum over corpora is as sharp as its route makes it, whatever the precision

    def _window(self, model: AlignedModel, corpus: CorpusEntry) -> dict[str, Any]:
        """P(typical) and the correlation given it, by the best route there is."""
        try:
            window = model.typical(corpus.size, corpus.epsilon)
        except Undecided as error:
            self.notes.append(f"typical_probability: UNDECIDED, {error}")
            return {}
        self.out |= {"typical_method": window.method, "typical_probability_error": window.error}
        constant = model.mean.constant.log_prior or model.mean.constant.reward
        correlation = None if constant else _within_one(window.conditional_correlation())
        return {"typical_probability": window.mass, "conditional_corr": correlation}

    def _adaptor(self, model: AlignedModel, entry: AdaptorEntry, number: int) -> Output:
        """One entry of "adaptors"."""
        found = model.adapted(entry.chain, entry.normalise)
        out = _entry(entry) | {"status": found.status, "reason": found.reason or None}
        self.wide |= found.more_bits
        if found.status in {"EMPTY", "DIVERGENT"}:
            self.notes.append(f"adaptor {number}: {found.reason}")
        values = {"leaked_mass": found.leaked_mass} | self._adapted(model, found, entry)
        self._store(out, values, self.spec.exact and entry.exact)
        return out

    def _adapted(self, model: AlignedModel, found: Adaptation, entry: AdaptorEntry) -> dict[str, Any]:
        if found.moments is None:
            return {}
        values = {key: getattr(found.moments, key) for key in _ADAPTED}
        if entry.normalise == "local" and self.spec.kind != "table":  # a table's one token is the whole string
            correction = model.correction(found)
            values |= {key: getattr(correction, key) for key in _CORRECTION}
        return values | {"exchange_coefficient": found.moments.exchange_coefficient}

    def _store(self, out: Output, values: Mapping[str, Any], certified: bool) -> None:
        """Each value as a float (None stays None), with its ball where it is one and certified."""
        for name, value in values.items():
            lost = isinstance(value, arb) and not value.is_finite()
            out[name] = None if value is None or lost else to_float(value)
            if isinstance(value, arb):
                self.wide |= not narrow(value)
                if certified and not lost:
                    out[f"{name}_ball"] = ball_strings(value)


def _entry(entry: AdaptorEntry) -> Output:
    """The keys of an entry, all there whatever comes out."""
    head = {"name": entry.name, "value": entry.value, "normalise": entry.normalise}
    return head | dict.fromkeys(_ENTRY) | {"status": "OK", "reason": None}


def _within_one(correlation: Any) -> Any:
    """A float64 correlation without the rounding beyond -1 and 1; None and balls as they are."""
    return max(-1.0, min(1.0, correlation)) if isinstance(correlation, float) else correlation


__all__ = ["answer", "quantities"]
