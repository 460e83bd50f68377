"""The page on engines, and its short form on the front page."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Sequence

from theory.adaptors.engines import ENGINES
from theory.report.engines import PAIR, SAME, SETTINGS, UNSETTLED, EngineRow
from theory.report.markdown import markdown_table
from theory.report.records import Estimate, engines_pair_record

ADVICE = (
    'To sample the law of transformers in llama.cpp, put the temperature first: `--samplers "temperature;top_k;top_p;'
    'min_p"`. To be rid of the hidden cuts, give transformers `top_k=0`, and llama.cpp `top_k=0`, `top_p=1`, `min_p=0` '
    "and a temperature of 1."
)

_MEANING = (
    "The defaults are what an engine does when it is asked for nothing; the nominal setting is temperature 0.7, top-k "
    "40, top-p 0.9 and min-p 0.05, as far as the engine has them, with penalties off."
)

_CAPTION = "*Each engine's law: by its defaults (filled), at the nominal setting (rings); the star is p+.*"

_BY = {"defaults": "By their defaults", "nominal": "At the nominal setting"}


def engines_page(rows: Sequence[EngineRow]) -> str:
    """The page: where engines disagree, and tables for each setting."""
    lines = [
        "# Engines",
        "",
        "Each engine's chain of adaptors (`probqual engines`) on the models whose laws are known, and on a real pair: "
        "the direction in which it moves E L and E R from p+, sampled token by token. "
        f"{_MEANING} C1 to C5 have three strings, or five: there a top-k of 40 or 50 cuts nothing, and no token "
        "repeats. The words are those of the speeches at beta = 1, spelled letter by letter. The trigrams are the "
        "letter model of the speeches' sentences at beta = 1, with infinitely many strings. A penalty takes logits as "
        "log-probabilities (gauge 0).",
        "",
        "![engines](../../figures/engines.png)",
        "",
        f"{_CAPTION[:-1]} Lines in the last panel are 95 % intervals of the difference from p+.*",
        "",
        f"Numbers of engines by what their law does to p+; on the {PAIR} that comes with the package verdicts are by "
        "95 % intervals over prompts.",
        "",
        _counts(rows),
        "",
        "By name:",
        "",
        *_verdicts(rows),
        "",
        *(f"- {line}" for line in _apart(rows)),
    ]
    exact = [row for row in rows if row.model != PAIR]
    for setting in SETTINGS:
        lines += ["", f"## {setting.capitalize()}", "", _table(exact, setting)]
    pair = [row for row in rows if row.model == PAIR]
    if pair:
        lines += ["", "## The embedded pair", "", _pair_words(), "", _pair_table(pair)]
    return "\n".join([*lines, "", ADVICE, ""])


def engines_section(rows: Sequence[EngineRow]) -> str:
    """The short form: where engines disagree."""
    return "\n\n".join(
        (
            "## Which law an engine samples",
            f"What the same settings do to E L and E R depends on the engine. {_MEANING} Of {len(ENGINES)} engines, "
            "token by token ([numbers](docs/results/engines.md), [how each was verified](docs/engines.md)):",
            "\n".join(f"- {line}" for line in _apart(rows)),
            ADVICE,
            "![engines](figures/engines.png)",
            _CAPTION,
        )
    )


def _counts(rows: Sequence[EngineRow]) -> str:
    """How many engines move each model which way."""
    table = []
    for model in dict.fromkeys(row.model for row in rows):
        table.append((model, *(_counted(_of(rows, setting, model)) for setting in SETTINGS)))
    return markdown_table(("model", f"defaults of {len(ENGINES)} engines", "one nominal setting"), table)


def _of(rows: Sequence[EngineRow], setting: str, model: str) -> list[EngineRow]:
    return [row for row in rows if (row.setting, row.model) == (setting, model)]


def _counted(own: Sequence[EngineRow]) -> str:
    """How many engines have each verdict, without what stands behind it."""
    kinds = [re.split(r": | \(", row.verdict)[0] for row in own]
    return "; ".join(f"{kind}: {kinds.count(kind)}" for kind in dict.fromkeys(kinds))


def _verdicts(rows: Sequence[EngineRow]) -> Iterator[str]:
    """One line a model and setting: which engines do what."""
    for setting in SETTINGS:
        for model in dict.fromkeys(row.model for row in rows):
            own = _of(rows, setting, model)
            verdicts = dict.fromkeys(row.verdict for row in own)
            if len(verdicts) == 1:
                yield f"- {setting}, {model}: all {next(iter(verdicts))}."
                continue
            parts = (f"{v} ({', '.join(r.engine for r in own if r.verdict == v)})" for v in verdicts)
            yield f"- {setting}, {model}: {'; '.join(parts)}."


def _apart(rows: Sequence[EngineRow]) -> Iterator[str]:
    """Where one engine raises E L or E R and another lowers it, by setting."""
    for setting in SETTINGS:
        found = []
        for model in dict.fromkeys(row.model for row in rows):
            signs = {row.direction for row in _of(rows, setting, model)} - {None}
            pairs = [(a, b) for a, b in itertools.combinations(signs, 2) if a is not None and b is not None]
            axes = [name for k, name in enumerate(("E L", "E R")) if any(a[k] != b[k] for a, b in pairs)]
            if axes:
                found.append(f"{' and '.join(axes)} on {model}")
        where = "; ".join(found)
        by = _BY[setting]
        yield f"{by}, engines disagree on which way these go: {where}." if found else f"{by}, no two engines disagree."


def _table(rows: Sequence[EngineRow], setting: str) -> str:
    own = [row for row in rows if row.setting == setting]
    table = []
    for engine in ENGINES:
        cells = [row for row in own if row.engine == engine.name]
        table.append((engine.name, cells[0].chain, *map(_cell, cells)))
    models = dict.fromkeys(row.model for row in own)
    return markdown_table(("engine", "chain", *(f"{model}: E L, E R, H" for model in models)), table)


def _cell(row: EngineRow) -> str:
    if math.isnan(row.mean_log_prior):
        return row.verdict
    return f"{row.mean_log_prior:.3f}, {row.mean_reward:.3f}, {row.entropy:.3f}: {row.verdict}"


def _pair_words() -> str:
    found = engines_pair_record()
    return (
        "The pair that comes with the package, sampled by `make engines-pair` (examples/engines.toml): "
        f"{found.strings:,} strings, {len(found.run.prompts)} prompts, at most {found.run.length} tokens a string, "
        "R = log p+/p. Differences are from p+ after the same prompts, and intervals are 95 % "
        f"over prompts, each by itself. A direction is {UNSETTLED} where one of the two differences' intervals holds 0."
    )


def _pair_table(rows: Sequence[EngineRow]) -> str:
    """One row a law; engines that share one stand together."""
    table = []
    for setting in SETTINGS:
        own = [row for row in rows if row.setting == setting]
        for words in dict.fromkeys(row.chain for row in own):
            same = [row for row in own if row.chain == words]
            found = same[0].estimates
            assert found is not None, "rows of the pair have estimates"
            moved = ("", "") if same[0].verdict == SAME else map(_interval, (found.moved_log_prior, found.moved_reward))
            means = map(_interval, (found.mean_log_prior, found.mean_reward, found.entropy))
            engines = ", ".join(row.engine for row in same)
            table.append((setting, engines, *means, *moved, f"{found.ended:.0%}", same[0].verdict))
    head = ("setting", "engines", "E L", "E R", "H", "E L less p+'s", "E R less p+'s", "ended", "verdict")
    return markdown_table(head, table)


def _interval(found: Estimate) -> str:
    value, low, high = found.bounds
    return f"{value:.1f} [{low:.1f}, {high:.1f}]"


__all__ = ["ADVICE", "engines_page", "engines_section"]
