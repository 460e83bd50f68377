"""The page on engines: what the defaults of each, and one nominal setting, do to E L and E R of known models."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from theory.adaptors.engines import ENGINES, Engine
from theory.adaptors.exact import Chain
from theory.adaptors.moments import Moments
from theory.arithmetic.exact import Real, Undecided, precision, to_float
from theory.claims.instances import named, words_case
from theory.models.finite import FiniteModel
from theory.report.markdown import markdown_table
from theory.report.studies import compared

NOMINAL = {"temperature": "7/10", "top_k": "40", "nucleus": "9/10", "min_p": "1/20"}
"""One setting, by what its values are; each engine has it under its own names, as far as it has it."""

SMALL = ("C1", "C2", "C3", "C4", "C5")
SAME = "as p+"


@dataclass(frozen=True, slots=True)
class EngineRow:
    """What one engine's chain makes of one model.

    Args:
        engine: its name.
        setting: "defaults" or "nominal".
        chain: in words.
        model: its name.
        mean_log_prior, mean_reward, entropy: E L, E R and H of the law that the engine samples, nats.
        verdict: against p+.
    """

    engine: str
    setting: str
    chain: str
    model: str
    mean_log_prior: float
    mean_reward: float
    entropy: float
    verdict: str


def nominal(engine: Engine) -> dict[str, str]:
    """The nominal setting in an engine's own names; its penalties off."""
    found = {step.setting: NOMINAL[step.adaptor] for step in engine.order if step.adaptor in NOMINAL}
    return found | {step.setting: "1" for step in engine.order if step.adaptor == "repetition_penalty" and step.default}


@functools.cache
def small_rows() -> tuple[EngineRow, ...]:
    """Every engine and setting on C1 to C5, decided in balls."""
    with precision():
        return tuple(row for case in named(*SMALL) for row in _rows(case.name, case.content))


@functools.cache
def engine_rows() -> tuple[EngineRow, ...]:
    """The same with the words of the speeches at beta = 1. Cost: about two minutes."""
    with precision():
        return (*small_rows(), *_rows(WORDS, words_case().content))


WORDS = "words"


def _rows(name: str, found: FiniteModel) -> Iterator[EngineRow]:
    """A model under all engines; engines with the same chain share the work."""
    laws: dict[Chain, tuple[Moments, str]] = {}
    for engine in ENGINES:
        for setting, values in (("defaults", {}), ("nominal", nominal(engine))):
            steps = engine.expand(values).chain
            if steps not in laws:
                at = found.moments(found.law(steps, "local"))
                laws[steps] = at, _verdict(found, at)
            at, verdict = laws[steps]
            means = [_rounded(at.mean_log_prior), _rounded(at.mean_reward), _rounded(at.entropy)]
            yield EngineRow(engine.name, setting, str(steps), name, means[0], means[1], means[2], verdict)


def _verdict(found: FiniteModel, at: Moments) -> str:
    if not at.kl_to_aligned > 0:
        return SAME
    try:
        return compared(found.mean, at)
    except Undecided:
        return "one of the two stays"


def _rounded(value: Real) -> float:
    """Twelve digits behind the point, without the sign of 0."""
    return round(to_float(value), 12) + 0.0


def engines_page(rows: Sequence[EngineRow]) -> str:
    """The page: where engines disagree, and a table for each setting."""
    lines = [
        "# Engines",
        "",
        "Each engine's chain of adaptors (`probqual engines`) on the models whose laws are known: the direction in "
        "which it moves E L and E R from p+, sampled token by token. The defaults are what an engine does when it is "
        "asked for nothing; the nominal setting is temperature 0.7, top-k 40, top-p 0.9 and min-p 0.05, as far as the "
        "engine has them, with penalties off. C1 to C5 have three strings, or five: there a top-k of 40 or 50 cuts "
        "nothing, and no token repeats. The words are those of the speeches at beta = 1, spelled letter by letter; a "
        "penalty takes logits as log-probabilities (gauge 0).",
        "",
        "![engines](../../figures/engines.png)",
        "",
        *_disagreements(rows),
    ]
    for setting in ("defaults", "nominal"):
        lines += ["", f"## {setting.capitalize()}", "", _table(rows, setting)]
    lines += [
        "",
        "To sample the law of transformers in llama.cpp, put the temperature first: `--samplers "
        '"temperature;top_k;top_p;min_p"`. To be rid of the hidden cuts, give transformers `top_k=0`, and llama.cpp '
        "`top_k=0`, `top_p=1`, `min_p=0` and a temperature of 1.",
        "",
    ]
    return "\n".join(lines)


def _disagreements(rows: Sequence[EngineRow]) -> Iterator[str]:
    """One line a model and setting: which directions the engines that move at all disagree on."""
    for setting in ("defaults", "nominal"):
        for model in dict.fromkeys(row.model for row in rows):
            own = [row for row in rows if (row.setting, row.model) == (setting, model)]
            verdicts = dict.fromkeys(row.verdict for row in own)
            if len(verdicts) == 1:
                yield f"- {setting}, {model}: all {next(iter(verdicts))}."
                continue
            parts = (f"{v} ({', '.join(r.engine for r in own if r.verdict == v)})" for v in verdicts)
            yield f"- {setting}, {model}: {'; '.join(parts)}."


def _table(rows: Sequence[EngineRow], setting: str) -> str:
    own = [row for row in rows if row.setting == setting]
    table = []
    for engine in ENGINES:
        cells = [row for row in own if row.engine == engine.name]
        moved = (f"{row.mean_log_prior:.3f}, {row.mean_reward:.3f}, {row.entropy:.3f}: {row.verdict}" for row in cells)
        table.append((engine.name, cells[0].chain, *moved))
    models = dict.fromkeys(row.model for row in own)
    return markdown_table(("engine", "chain", *(f"{model}: E L, E R, H" for model in models)), table)


__all__ = ["EngineRow", "engine_rows", "engines_page", "nominal", "small_rows"]
