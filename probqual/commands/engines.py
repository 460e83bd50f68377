"""``probqual engines``: which law an engine's settings are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from probqual.errors import bad_values
from probqual.options import JsonPath
from probqual.output import console, emit_json, table

if TYPE_CHECKING:
    from theory.adaptors.engines import Engine, Step


def engines(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="An engine; all if left out.")] = None,
    json_path: JsonPath = None,
) -> None:
    """Print which chain of adaptors each engine samples from: its order, rules, hidden defaults, and what it ignores.

    Example: probqual engines llama.cpp
    """
    from theory.adaptors.engines import ENGINES, engine

    with bad_values():
        chosen = list(ENGINES) if name is None else [engine(name)]
    if json_path is not None:
        emit_json([_described(one) for one in chosen], json_path)
    if str(json_path) == "-":
        return
    screen = console()
    shown = table("engine", "version", "by default it samples", left={"engine", "version", "by default it samples"})
    for one in chosen:
        shown.add_row(one.name, f"{one.package} {one.version}", str(one.expand({}).chain))
    screen.print(shown)
    if name is not None:
        for line in _details(chosen[0]):
            screen.print(line, markup=False, highlight=False, soft_wrap=True)


_MOVED_BY_HEAT = {"nucleus", "min_p"}
"""Steps that keep other tokens at another temperature; a top-k does not."""


def _described(one: Engine) -> dict[str, object]:
    from theory.adaptors.observations import observations

    expansion = one.expand({})
    return {
        "name": one.name,
        "package": one.package,
        "version": one.version,
        "order": [
            {
                "setting": step.setting,
                "adaptor": step.adaptor,
                "default": step.default,
                "options": dict(step.options),
                "zero": step.zero,
            }
            for step in one.order
        ],
        "default_chain": str(expansion.chain),
        "default_steps": expansion.chain.pairs(),
        "coins": dict(one.coins),
        "ignored": list(one.ignored),
        "refused": dict(one.refused),
        "said": list(expansion.said),
        "verified": sorted({f"{seen.how}, {seen.date}" for seen in observations() if seen.engine == one.name}),
    }


def _details(one: Engine) -> list[str]:
    from theory.adaptors.observations import observations, shows_temperature

    lines = [f"    {step.setting}: {step.adaptor}, {_default(step.default)}{_rules(step)}" for step in one.order]
    lines += [f"    {coin}: of {setting}, 0 by default (0 is off)" for setting, coin in one.coins.items()]
    lines += [f"    {setting}: ignored" for setting in one.ignored]
    lines += [f"    {setting}: refused, {reason}" for setting, reason in one.refused.items()]
    lines += [f"    note: {line}" for line in one.expand({}).said]
    seen = [own for own in observations() if own.engine == one.name]
    shown = sum(shows_temperature(own, one.expand(own.settings).chain) for own in seen)
    place = []
    if any(step.adaptor in _MOVED_BY_HEAT for step in one.order):
        told = f"shown by {shown} of them" if shown else "measured before; none of the kept sets here shows it"
        place = [f"    place of the temperature: {told}"]
    lines += [f"    verified: {len(seen)} kept sets; {', '.join(sorted({f'{s.how}, {s.date}' for s in seen}))}", *place]
    return lines


def _default(value: str | None) -> str:
    return "off by default" if value is None else f"{value} by default"


def _rules(step: Step) -> str:
    rules = [f"{option} {word}" for option, word in step.options] + [f"0 is {step.zero}"]
    return f" ({', '.join(rules)})"
