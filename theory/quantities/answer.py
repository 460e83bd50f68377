"""The numbers of ``probqual exact`` for a model of any kind: the same keys, written in one place."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from flint import arb, ctx

from theory.adaptors.exact import chain
from theory.adaptors.moments import Moments
from theory.adaptors.other_names import OTHER_NAMES
from theory.arithmetic.exact import BITS, Diverges, Exact, Undecided, ball, ball_strings, narrow, precision, to_float
from theory.corpora.typicality import conditional_correlation_limit
from theory.models.model import Adaptation, AlignedModel, Constrainable
from theory.probability.concentration import chebyshev
from theory.quantities.cooling import UNDECIDED, cooling
from theory.quantities.directions import effect, reach, turns
from theory.specification.adaptors import AdaptorEntry
from theory.specification.any_model import AnySpecification, any_specification
from theory.specification.constraints import Constraint
from theory.specification.reader import CorpusEntry
from theory.specification.tables import SpecificationError

Output = dict[str, Any]
"""A JSON object: each quantity as a float or None, and NAME_ball, [midpoint, radius], beside each certified one."""

_MOST_BITS = 4096
"""Where a ball comes out wide the working precision is doubled, up to this."""

_MOST_STRINGS = 10**300

_MOMENTS = ("mean_log_prior", "mean_reward", "var_log_prior", "var_reward", "cov")
_MODEL = ("log_partition", "entropy", "varentropy", *_MOMENTS, "corr", "exchange_coefficient")
_TYPICAL = ("typical_probability", "chebyshev_bound", "conditional_corr", "conditional_corr_limit")
_ADAPTED = ("mean_log_prior", "mean_reward", "entropy", "kl_to_aligned", "cross_entropy")
_CORRECTION = ("kl_local_global", "w_max", "acceptance")
_ENTRY = (*_ADAPTED, *_CORRECTION, "exchange_coefficient", "leaked_mass")


def answer(document: Mapping[str, Any], beside: Path = Path()) -> Output:
    """The JSON object of ``probqual exact`` for a parsed specification of any kind.

    Args:
        document: the parsed TOML document.
        beside: the folder in which the file of a table is looked up.

    Raises:
        SpecificationError: names the element that is refused.
    """
    return quantities(any_specification(document, beside))


def quantities(spec: AnySpecification) -> Output:
    """Everything the toolkit knows about a specification: floats, and NAME_ball beside each certified one; nats.

    A number is certified, and has a ball, where every input it depends on was written exactly and no float64 step was
    taken. A quantity that does not exist (a ratio over a zero variance) is None, and a note with its name says why.
    Where there is no law, ``status`` says so: "DIVERGENT", or "UNDECIDED" where a spectral radius cannot be told from
    1; of an adaptor also "EMPTY" and "LEAKS".
    """
    bits = BITS
    while True:
        with precision(bits):
            found = _Writer(spec)
            found.write()
        if not found.wide or bits >= _MOST_BITS or not spec.refinable:
            return found.out
        bits *= 2


class _Writer:
    """Writes the quantities at the working precision; ``wide`` is whether more bits may certify more."""

    def __init__(self, spec: AnySpecification) -> None:
        self.spec = spec
        self.out: Output = {"kind": spec.kind, "status": "OK"}
        self.notes = [*spec.notes]
        self.wide = False

    def write(self) -> None:
        """All of it; only the model's own numbers where they are too wide to go on with."""
        try:
            model = self.spec.model()
        except (Diverges, Undecided) as error:
            self.wide = isinstance(error, Undecided)
            self._size(None, self.spec.states)  # finitely many strings have a law
            self._without_law("UNDECIDED" if self.wide else "DIVERGENT", str(error))
        else:
            self._size(model.strings, model.states)
            self._model(model)
            if self.wide and ctx.prec < _MOST_BITS and self.spec.refinable:
                return
            self._directions(model)
            self._corpus(model)
            self.notes += [line for entry in self.spec.adaptors for line in entry.said]
            self.out["adaptors"] = [self._adaptor(model, entry, k) for k, entry in enumerate(self.spec.adaptors, 1)]
            if self.spec.constraint is not None:
                self.out["constraint"] = self._constraint(model, self.spec.constraint)
        self._critical_points()
        self.out["notes"] = self.notes

    def _null(self, names: Iterable[str], reason: str, where: str = "") -> None:
        """Say why these are null; one note for all of them."""
        listed = ", ".join(names)
        if listed:
            self.notes.append(f"{where}{listed}: null, {reason}")

    def _size(self, strings: int | None, states: int | None) -> None:
        if strings is not None and strings > _MOST_STRINGS:
            self._null(["strings"], "more than 10^300")
            strings = None
        elif strings is None:
            self._null(["strings"], "infinitely many")
        if states is None:
            self._null(["states"], "only an automaton has them")
        self.out |= {"strings": strings, "states": states}

    def _without_law(self, status: str, reason: str) -> None:
        self.out["status"] = status
        names = (*_MODEL, "cooling", "reach", "turns", *_TYPICAL, "typical_method", "typical_probability_error")
        self.out |= dict.fromkeys(names)
        self._null(names, f"{status}: {reason}")
        self.out["adaptors"] = [_entry(entry) | {"status": status, "reason": reason} for entry in self.spec.adaptors]

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
        self._store(self.out, values, self.spec.exact, _constant(mean))
        self.out["cooling"] = cooling(model)
        if self.out["cooling"] == UNDECIDED and mean.bits is None:
            self.notes.append("cooling: UNDECIDED, a slope is within the rounding of float64 of 0")
        elif self.out["cooling"] == UNDECIDED:
            self.wide = True
            self.notes.append(f"cooling: UNDECIDED, no sign at {ctx.prec} bits, and no proof that E L or E R stays")

    def _directions(self, model: AlignedModel) -> None:
        """What any law of the strings reaches, and where cooling changes its way."""
        found, changes = reach(model), turns(model)
        if found is None:
            self._null(["reach"], "infinitely many strings, or too many to list")
            self.out["reach"] = None
        else:
            self.out["reach"] = {"mean_log_prior": list(found[0]), "mean_reward": list(found[1])}
        if changes is None:
            self._null(["turns"], "looked for only up to 2,000 strings, or 12 states")
        self.out["turns"] = None if changes is None else [asdict(turn) for turn in changes]

    def _critical_points(self) -> None:
        """The spectral radius and the two critical points, where there are infinitely many strings."""
        found, wide = self.spec.critical_points(lawful=self.out["status"] == "OK"), self.wide
        names = ("spectral_radius", "critical_temperature", "critical_beta")
        if found is None:
            self.out |= dict.fromkeys(names)
            self._null(names, "finitely many strings, so every law has a finite normaliser")
            return
        self._cycle(found.cycle)
        values = dict(zip(names, (found.spectral_radius, found.temperature, found.beta), strict=True))
        self._store(self.out, values, self.spec.exact, found.reasons)
        self._above(found.beta)
        self.wide = wide or found.more_bits  # the radius is enclosed by iteration, not by the working precision

    def _cycle(self, tokens: tuple[str, ...]) -> None:
        """Name the cycle whose reward makes Z infinite at a small beta."""
        if tokens:
            shown = " ".join(tokens[:12]) + (" ..." if len(tokens) > 12 else "")
            self.notes.append(f'critical_beta: Z is infinite at a small beta since "{shown}" can be repeated at a gain')

    def _above(self, critical: Exact | None) -> None:
        """Say at which beta there is a law, where there is none."""
        if self.out["status"] == "DIVERGENT" and critical is not None:
            least = to_float(critical)
            place = 4 - math.floor(math.log10(least))
            shown = math.ceil(least * 10**place * (1 + 1e-12)) / 10**place
            self.notes.append(f"beta must be above {shown:.5g}: at less, Z is infinite")

    def _corpus(self, model: AlignedModel) -> None:
        corpus, mean = self.spec.corpus, model.mean
        names = (*_TYPICAL, "typical_method", "typical_probability_error")
        self.out |= dict.fromkeys(names)
        if corpus is None:
            self._null(names, "there is no [corpus]")
            return
        why = dict.fromkeys(("conditional_corr", "conditional_corr_limit"), _constant(mean).get("corr", ""))
        if not why["conditional_corr_limit"]:
            none = "the varentropy is 0" if mean.constant.surprisal else "a limiting variance is 0, or not told from 0"
            why["conditional_corr_limit"] = none
        found = {
            "chebyshev_bound": chebyshev(mean.var_surprisal, corpus.size, ball(corpus.epsilon)),
            "conditional_corr_limit": conditional_correlation_limit(mean, corpus.size, corpus.epsilon),
            **self._window(model, corpus, why),
        }
        wide = self.wide
        self._store(self.out, found, self.spec.exact and corpus.exact, why)
        self.wide = wide  # a sum over corpora is as sharp as its route makes it, whatever the precision

    def _window(self, model: AlignedModel, corpus: CorpusEntry, why: dict[str, str]) -> Output:
        """P(typical) and the correlation given it, by the best route there is; ``why`` takes what is not known."""
        names = ("typical_probability", "conditional_corr", "typical_method", "typical_probability_error")
        try:
            window = model.typical(corpus.size, corpus.epsilon)
        except Undecided as error:
            self._null(names[2:], "no route was taken")
            why |= {name: why.get(name) or f"UNDECIDED, {error}" for name in names[:2]}
            return dict.fromkeys(names[:2])
        self.out |= {"typical_method": window.method, "typical_probability_error": window.error}
        if window.error is None:
            self._null(names[3:], "the numbers are balls, which bound themselves")
        correlation = None
        if not why["conditional_corr"]:
            correlation = _within_one(window.conditional_correlation())
            why["conditional_corr"] = window.unknown
        return {"typical_probability": window.mass, "conditional_corr": correlation}

    def _adaptor(self, model: AlignedModel, entry: AdaptorEntry, number: int) -> Output:
        """One entry of "adaptors"."""
        found = model.adapted(entry.chain, entry.normalise)
        out = _entry(entry) | {"status": found.status, "reason": found.reason}
        self.wide |= found.more_bits
        where = f"adaptor {number}: "
        if found.status in {"EMPTY", "DIVERGENT"}:
            self.notes.append(where + found.reason)
        values, why = self._adapted(model, found, entry)
        why["leaked_mass"] = "a global law loses none" if entry.normalise == "global" else "not known"
        values["leaked_mass"] = found.leaked_mass
        out["effect"] = None if found.moments is None else effect(model, found)
        if found.moments is None:
            why["effect"] = f"{found.status}: {found.reason}"
            values["effect"] = None
        self._store(out, values, self.spec.exact and entry.exact, why, where)
        return out

    def _constraint(self, model: AlignedModel, constraint: Constraint) -> Output:
        """The model held to a language: masked token by token, and conditioned."""
        assert isinstance(model, Constrainable), "others are read without a constraint"
        try:
            found = model.held(constraint.language)
        except ValueError as error:
            raise SpecificationError(f"constraint: {error}") from None
        out: Output = {"regex": constraint.regex}
        values = {
            "probability": found.probability,
            "kl_masked_conditioned": found.from_masked,
            "kl_conditioned_masked": found.from_conditioned,
        }
        why = {"kl_conditioned_masked": "no closed form is known on automata"}
        self._store(out, values, self.spec.exact, why, "constraint: ")
        for name, mean in (("masked", found.masked), ("conditioned", found.conditioned)):
            out[name] = {}
            moments = {key: getattr(mean, key) for key in _ADAPTED}
            self._store(out[name], moments, self.spec.exact, _constant(mean), f"constraint, {name}: ")
        return out

    def _adapted(self, model: AlignedModel, found: Adaptation, entry: AdaptorEntry) -> tuple[Output, dict[str, str]]:
        """The numbers of an adapted law, and why some are not there."""
        values: Output = dict.fromkeys(_ENTRY)
        if found.moments is None:
            return values, dict.fromkeys(_ENTRY, f"{found.status}: {found.reason}")
        why = _constant(found.moments)
        values |= {key: getattr(found.moments, key) for key in _ADAPTED}
        values["exchange_coefficient"] = found.moments.exchange_coefficient
        if self.spec.kind == "table":  # its one token is the whole string
            why |= dict.fromkeys(_CORRECTION, "local and global agree on a table")
        elif entry.normalise == "global":
            why |= dict.fromkeys(_CORRECTION, "a global law needs no correction")
        else:
            correction = model.correction(found)
            values |= {key: getattr(correction, key) for key in _CORRECTION}
            why |= correction.reasons
        return values, why

    def _store(
        self, out: Output, values: Mapping[str, Any], certified: bool, why: Mapping[str, str], where: str = ""
    ) -> None:
        """Each value as a float, with its ball where it is one and certified; None with a note that says why.

        A ball of radius below 10^-30 around 0 is written as 0, and not as the digits of its midpoint.
        """
        nulls: dict[str, list[str]] = {}
        for name, value in values.items():
            lost = isinstance(value, arb) and not value.is_finite()
            if isinstance(value, arb):
                self.wide |= not narrow(value)
                if certified and not lost:
                    out[f"{name}_ball"] = ball_strings(value)
            number = None if value is None or lost else _plain(value)
            if lost:
                reason = f"the precision ran out at {ctx.prec} bits; that does not make it 0"
            elif value is None:
                reason = why.get(name) or "it does not exist"
            elif number is None:
                reason = "beyond the range of float64" + ("; its ball has it" if f"{name}_ball" in out else "")
            else:
                reason = ""
            out[name] = number
            if reason:
                nulls.setdefault(reason, []).append(name)
        for reason, names in nulls.items():
            self._null(names, reason, where)


def _plain(value: Any) -> float | None:
    """A number as a float without the sign of 0; None beyond the range of float64."""
    if isinstance(value, arb) and value.contains(0) and narrow(value):
        return 0.0
    number = to_float(value)
    return number + 0.0 if math.isfinite(number) else None


def _constant(mean: Moments) -> dict[str, str]:
    """Why ratios of these moments do not exist, by their names."""
    found = {}
    if mean.constant.log_prior or mean.constant.reward:
        which = " and ".join(
            name for name, constant in (("L", mean.constant.log_prior), ("R", mean.constant.reward)) if constant
        )
        found["corr"] = f"a variance is 0: {which} take{'s' if ' ' not in which else ''} one value only"
    if mean.constant.surprisal:
        found["exchange_coefficient"] = "a variance is 0: I takes one value only"
    return found


def _entry(entry: AdaptorEntry) -> Output:
    """The keys of an entry, all there whatever comes out."""
    head = {"name": entry.name, "value": entry.value, "normalise": entry.normalise}
    if entry.engine is not None:
        head |= {"engine": entry.engine}
    if entry.engine is not None or any(step.options for step in entry.chain):
        head |= {"chain": str(entry.chain)}
    return head | dict.fromkeys((*_ENTRY, "effect")) | {"status": "OK", "reason": ""}


def chain_text(entry: Mapping[str, Any]) -> str:
    """The chain of an entry in words, by our names: as it expands, where an engine or options made it."""
    if "chain" in entry:
        return str(entry["chain"])
    names, values = entry["name"], entry["value"]
    steps = zip(names, values, strict=True) if isinstance(names, list) else [(names, values)]
    return str(chain(*((OTHER_NAMES.get(name, name), value) for name, value in steps)))


def _within_one(correlation: Any) -> Any:
    """A float64 correlation without the rounding beyond -1 and 1; None and balls as they are."""
    return max(-1.0, min(1.0, correlation)) if isinstance(correlation, float) else correlation


__all__ = ["answer", "chain_text", "quantities"]
