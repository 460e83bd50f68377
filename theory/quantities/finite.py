"""Everything the toolkit knows about one specification: the numbers of ``probqual exact``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flint import arb

from theory.adaptors.exact import adapt, adapt_global, decide
from theory.adaptors.moments import Moments, moments
from theory.alignment.gibbs import Numbers
from theory.arithmetic.exact import Undecided, ball, ball_strings, exp, precision, to_float
from theory.corpora.atoms import atoms
from theory.corpora.metropolis import largest_weight, stationary_acceptance
from theory.corpora.typicality import conditional_correlation_limit, typical_corpora
from theory.probability.concentration import chebyshev
from theory.specification.finite import Specification
from theory.specification.reader import AdaptorEntry

_MODEL_KEYS = (
    "mean_log_prior",
    "mean_reward",
    "var_log_prior",
    "var_reward",
    "cov",
)


_ADAPTOR_KEYS = ("mean_log_prior", "mean_reward", "entropy", "kl_to_aligned", "cross_entropy")


def quantities(spec: Specification) -> dict[str, Any]:
    """The JSON object of ``probqual exact``: floats, and NAME_ball beside each certified one; nats.

    A number is certified, and has a ball, where every input it depends on was written exactly and no float64
    step was taken. A quantity that does not exist (a ratio over a zero variance) is None.
    """
    for bits in _PRECISIONS:
        with precision(bits):
            out = _quantities(spec)
        if out.pop("sharp"):
            break
    return out


_PRECISIONS = (256, 512, 1024, 2048, 4096)


_SHARP = 1e-31


def _quantities(spec: Specification) -> dict[str, Any]:
    """The quantities at the working precision; "sharp" says whether every moment came out with a small radius."""
    numbers = spec.aligned.balls()
    mean = moments(spec.aligned, numbers)
    out: dict[str, Any] = {"kind": spec.kind, "status": "OK", "strings": len(spec.aligned)}
    model = {
        "log_partition": numbers.log_partition,
        "entropy": mean.entropy,
        "varentropy": mean.var_surprisal,
        **{key: getattr(mean, key) for key in _MODEL_KEYS},
        "corr": mean.correlation,
        "exchange_coefficient": mean.exchange_coefficient,
    }
    sharp = _store(out, model, certified=spec.exact)
    notes = list(spec.notes)
    _store_corpus(out, spec, numbers, mean, notes)
    entries = [_adaptor(spec, numbers, entry) for entry in spec.adaptors]
    out["adaptors"] = [entry for entry, _ in entries]
    out["spectral_radius"] = None
    out["critical_temperature"] = None
    out["notes"] = notes
    out["sharp"] = sharp and all(entry_sharp for _, entry_sharp in entries)
    return out


def _store(out: dict[str, Any], values: Mapping[str, Any], *, certified: bool) -> bool:
    """Each value as a float (None stays None), with its ball where it is one and certified; whether all are sharp."""
    sharp = True
    for name, value in values.items():
        lost = isinstance(value, arb) and not value.is_finite()
        out[name] = None if value is None or lost else to_float(value)
        if isinstance(value, arb):
            sharp &= not lost and float(value.rad()) <= _SHARP * max(1.0, abs(float(value.mid())))
            if certified and not lost:
                out[f"{name}_ball"] = ball_strings(value)
    return sharp


def _store_corpus(out: dict[str, Any], spec: Specification, numbers: Numbers, mean: Moments, notes: list[str]) -> None:
    corpus = spec.corpus
    keys = ("typical_probability", "chebyshev_bound", "conditional_corr", "conditional_corr_limit")
    if corpus is None:
        out.update(dict.fromkeys(keys))
        return
    certified = spec.exact and corpus.exact
    found: dict[str, Any] = dict.fromkeys(keys)
    found["chebyshev_bound"] = chebyshev(mean.var_surprisal, corpus.size, ball(corpus.epsilon))
    found["conditional_corr_limit"] = conditional_correlation_limit(mean, corpus.size, corpus.epsilon)
    law = atoms(spec.aligned, numbers, mean)
    try:
        window = typical_corpora(law, corpus.size, corpus.epsilon)
    except Undecided as error:
        notes.append(f"typical_probability: UNDECIDED, {error}")
    else:
        found["typical_probability"] = window.mass
        constant = mean.constant.log_prior or mean.constant.reward
        found["conditional_corr"] = None if constant else window.conditional_correlation()
        out["typical_method"] = window.method
        if window.error is not None:
            out["typical_probability_error"] = window.error
    _store(out, found, certified=certified)


def _adaptor(spec: Specification, numbers: Numbers, entry: AdaptorEntry) -> tuple[dict[str, Any], bool]:
    """One entry of "adaptors", and whether all its numbers are sharp."""
    out: dict[str, Any] = {"name": entry.name, "value": entry.value, "normalise": entry.normalise}
    try:
        kept = decide(spec.aligned, numbers, entry.chain)
    except Undecided as error:
        empty = (*_ADAPTOR_KEYS, "kl_local_global", "w_max", "acceptance", "exchange_coefficient")
        return out | dict.fromkeys(empty) | {"status": "UNDECIDED", "reason": str(error)}, True
    law = adapt(spec.aligned, numbers, kept, entry.normalise)
    mean = moments(spec.aligned, numbers, law)
    values = {key: getattr(mean, key) for key in _ADAPTOR_KEYS}
    values |= dict.fromkeys(("kl_local_global", "w_max", "acceptance"))
    if spec.kind == "tree" and entry.normalise == "local":
        target = adapt_global(spec.aligned, numbers, kept)
        log_weight = target.log_prob - law.log_prob
        weight = exp(log_weight)
        values["kl_local_global"] = -(law.prob * log_weight).sum()
        values["w_max"] = largest_weight(weight)
        values["acceptance"] = stationary_acceptance(law.prob, weight)
    values["exchange_coefficient"] = mean.exchange_coefficient
    sharp = _store(out, values, certified=spec.exact and entry.exact)
    return out, sharp
