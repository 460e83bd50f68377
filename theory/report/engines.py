"""What the defaults of each engine, and one nominal setting, do to E L and E R of known models and of a real pair."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass

from flint import fmpq

from theory.adaptors.engines import ENGINES, Engine
from theory.adaptors.exact import Chain, chain
from theory.adaptors.moments import Moments
from theory.arithmetic.exact import Real, Undecided, precision, to_float
from theory.claims.instances import named, words_case
from theory.examples.automata import speeches, vowels_over_consonants
from theory.models.automaton import AutomatonModel
from theory.models.finite import FiniteModel
from theory.report.records import EngineEstimates, Estimate, engines_pair_record
from theory.report.studies import DIRECTIONS, compared

NOMINAL = {"temperature": "7/10", "top_k": "40", "nucleus": "9/10", "min_p": "1/20"}
"""One setting, by what its values are; each engine has it under its own names, as far as it has it."""

SETTINGS = ("defaults", "nominal")
SMALL = ("C1", "C2", "C3", "C4", "C5")
WORDS, TRIGRAMS, PAIR = "words", "trigrams", "pair"
SAME = "as p+"
UNSETTLED = "not settled"


@dataclass(frozen=True, slots=True)
class EngineRow:
    """What one engine's chain makes of one model.

    Args:
        engine: its name.
        setting: "defaults" or "nominal".
        chain: in words.
        model: its name.
        mean_log_prior, mean_reward, entropy: E L, E R and H of the law that the engine samples, nats; NaN where there
            is no such law.
        verdict: against p+; why there is no law.
        estimates: of a real pair, whose numbers have intervals; None where they are exact.
    """

    engine: str
    setting: str
    chain: str
    model: str
    mean_log_prior: float
    mean_reward: float
    entropy: float
    verdict: str
    estimates: EngineEstimates | None = None

    @property
    def direction(self) -> tuple[bool, bool] | None:
        """(whether E L rises, whether E R does); None where the verdict says neither."""
        return next((signs for signs, words in DIRECTIONS.items() if words == self.verdict), None)


def nominal(engine: Engine) -> dict[str, str]:
    """The nominal setting in an engine's own names; its penalties off."""
    found = {step.setting: NOMINAL[step.adaptor] for step in engine.order if step.adaptor in NOMINAL}
    return found | {step.setting: "1" for step in engine.order if step.adaptor == "repetition_penalty" and step.default}


def chains() -> Iterator[tuple[Engine, str, Chain]]:
    """(engine, setting, what it samples by) of every engine, by its defaults and at the nominal setting."""
    for engine in ENGINES:
        yield engine, SETTINGS[0], engine.expand({}).chain
        yield engine, SETTINGS[1], engine.expand(nominal(engine)).chain


@functools.cache
def small_rows() -> tuple[EngineRow, ...]:
    """Every engine and setting on C1 to C5, decided in balls."""
    with precision():
        return tuple(row for case in named(*SMALL) for row in _rows(case.name, case.content))


@functools.cache
def trigram_rows() -> tuple[EngineRow, ...]:
    """The same on the letter trigrams of the speeches at beta = 1, infinitely many strings. Cost: 20 seconds."""
    with precision():
        return tuple(_rows(TRIGRAMS, AutomatonModel.of(speeches(vowels_over_consonants(fmpq(1))))))


@functools.cache
def pair_rows() -> tuple[EngineRow, ...]:
    """The same on the pair that comes with the package, estimated from the recorded strings."""
    found = engines_pair_record()
    estimates = {chain(*steps): own for steps, own in zip(found.run.chains, found.settings, strict=True)}
    rows = []
    for engine, setting, steps in chains():
        own = estimates[steps]
        mean_l, mean_r, entropy = (
            math.nan if e.value is None else e.value for e in (own.mean_log_prior, own.mean_reward, own.entropy)
        )
        verdict = _moved(own.moved_log_prior, own.moved_reward) if steps else SAME
        rows.append(EngineRow(engine.name, setting, str(steps), PAIR, mean_l, mean_r, entropy, verdict, own))
    return tuple(rows)


@functools.cache
def words_rows() -> tuple[EngineRow, ...]:
    """The same on the words of the speeches at beta = 1. Cost: 20 seconds."""
    with precision():
        return tuple(_rows(WORDS, words_case().content))


def _rows(name: str, found: FiniteModel | AutomatonModel) -> Iterator[EngineRow]:
    """A model under all engines; engines with the same chain share the work."""
    laws: dict[Chain, tuple[Moments | None, str]] = {}
    for engine, setting, steps in chains():
        if steps not in laws:
            laws[steps] = _of_tree(found, steps) if isinstance(found, FiniteModel) else _of_automaton(found, steps)
        at, verdict = laws[steps]
        means = [math.nan] * 3 if at is None else [_rounded(v) for v in (at.mean_log_prior, at.mean_reward, at.entropy)]
        yield EngineRow(engine.name, setting, str(steps), name, means[0], means[1], means[2], verdict)


def _of_tree(found: FiniteModel, steps: Chain) -> tuple[Moments, str]:
    at = found.moments(found.law(steps, "local"))
    return at, _verdict(found.mean, at)


def _of_automaton(found: AutomatonModel, steps: Chain) -> tuple[Moments | None, str]:
    """The law of strings, or why there is none: a penalty, or strings that never end."""
    if steps.history is not None:
        return None, "no law: a penalty needs the tokens before, which states do not hold"
    adapted = found.adapted(steps, "local")
    if adapted.status == "LEAKS":
        return None, f"never ends (probability {to_float(adapted.leaked_mass):.3g})"
    assert adapted.moments is not None, f"{steps}: {adapted.reason}"
    return adapted.moments, _verdict(found.mean, adapted.moments)


def _verdict(before: Moments, at: Moments) -> str:
    if not at.kl_to_aligned > 0:
        return SAME
    try:
        return compared(before, at)
    except Undecided:
        return "one of the two stays"


def _moved(likelihood: Estimate, reward: Estimate) -> str:
    """The direction where both intervals leave out 0."""
    signs = []
    for change in (likelihood, reward):
        if change.low is None or change.high is None or change.low <= 0 <= change.high:
            return UNSETTLED
        signs.append(change.low > 0)
    return DIRECTIONS[signs[0], signs[1]]


def _rounded(value: Real) -> float:
    """Twelve digits behind the point, without the sign of 0."""
    return round(to_float(value), 12) + 0.0


__all__ = [
    "NOMINAL",
    "PAIR",
    "SAME",
    "SETTINGS",
    "SMALL",
    "TRIGRAMS",
    "UNSETTLED",
    "WORDS",
    "EngineRow",
    "chains",
    "nominal",
    "pair_rows",
    "small_rows",
    "trigram_rows",
    "words_rows",
]
