"""``probqual exact``: everything about one small model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from probqual.errors import bad_values
from probqual.options import JsonPath
from probqual.output import console, emit_json, table


def exact(
    spec: Annotated[
        Path, typer.Argument(metavar="SPEC.toml", help="A model, its reward, adaptors, a corpus; - for standard input.")
    ],
    json_path: JsonPath = None,
) -> None:
    """Compute everything about one small model exactly.

    Example: probqual exact examples/c5.toml --json c5.json
    """
    from theory.quantities.answer import answer
    from theory.specification.reader import located, parse_document, read_document

    given = str(spec) == "-"
    with bad_values(), located("standard input" if given else str(spec)):
        document = parse_document(sys.stdin.read()) if given else read_document(spec)
        found = answer(document, None if given else spec.parent)
    if json_path is not None:
        emit_json(found, json_path)
    if str(json_path) != "-":
        _show(found)


def _show(found: dict[str, Any]) -> None:
    from theory.adaptors.exact import chain

    screen = console()
    size = f"{found['strings']} strings" if found.get("strings") else "infinitely many strings"
    title = f"{found['kind']}, {size}; {found['status']} (nats)"
    model = table("quantity", "value", "radius", left={"quantity"}, title=title)
    for name, value in found.items():
        if isinstance(value, float):
            radius = found[f"{name}_ball"][1] if f"{name}_ball" in found else ""
            model.add_row(name, f"{value:.15g}", radius)
    screen.print(model)
    if found["cooling"] is not None:
        screen.print(f"a small cooling from T = 1: {found['cooling']}", markup=False, highlight=False)
    if found["adaptors"]:
        columns = ("adaptor", "normalise", "E L", "E R", "H", "KL to p+", "b", "w*", "acceptance")
        adaptors = table(*columns, left={"adaptor", "normalise"}, title="adaptors")
        keys = ("mean_log_prior", "mean_reward", "entropy", "kl_to_aligned", "exchange_coefficient")
        for entry in found["adaptors"]:
            names, values = entry["name"], entry["value"]
            steps = zip(names, values, strict=True) if isinstance(names, list) else [(names, values)]
            label = str(chain(*steps))
            numbers = [_number(entry, k) for k in (*keys, "w_max", "acceptance")]
            adaptors.add_row(label, entry["normalise"], *numbers)
        screen.print(adaptors)
    for note in found["notes"]:
        screen.print(f"note: {note}", markup=False)


def _number(entry: dict[str, Any], key: str) -> str:
    """Six digits; 0 where the ball around a tiny midpoint holds it."""
    value, (_, radius) = entry[key], entry.get(f"{key}_ball", ("", "0"))
    if value is None:
        return ""
    return "0" if abs(value) <= float(radius) else f"{value:.6g}"
