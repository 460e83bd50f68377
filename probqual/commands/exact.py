"""``probqual exact``: everything about one small model."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from probqual.errors import BadInput, bad_files, bad_values
from probqual.options import JsonPath
from probqual.output import console, emit_json, reading, table

if TYPE_CHECKING:
    from theory.quantities.answer import Output

_KEYS = ("mean_log_prior", "mean_reward", "entropy", "kl_to_aligned", "exchange_coefficient")


def exact(
    spec: Annotated[
        Path, typer.Argument(metavar="SPEC.toml", help="A model, its reward, adaptors, a corpus; - for standard input.")
    ],
    json_path: JsonPath = None,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Draw the model in the plane of (E L, E R): .png, .svg or .pdf."),
    ] = None,
) -> None:
    """Compute everything about one model: a table of strings, a tree, an automaton, an n-gram model.

    It also says in words what cooling and the adaptors of the file do to E L and E R. Numbers in quotes are exact; a
    table of up to a million strings may stand in a CSV or Parquet file that SPEC.toml names.

    Example: probqual exact examples/c5.toml --json c5.json --plot c5.png
    """
    if plot is not None and plot.suffix.lower() not in {".png", ".svg", ".pdf"}:
        raise BadInput(f"--plot {plot}: the name must end in .png, .svg or .pdf")
    from theory.quantities.answer import quantities
    from theory.specification.any_model import any_specification
    from theory.specification.reader import located, parse_document, read_document

    given = str(spec) == "-"
    with bad_values(), located("standard input" if given else str(spec)), reading() as advance:
        document = parse_document(sys.stdin.read()) if given else read_document(spec)
        model = any_specification(document, Path() if given else spec.parent, advance)
    with bad_values(), located("standard input" if given else str(spec)):
        found = quantities(model)
    if plot is not None:
        from figures.own_plane import save

        with bad_values(), bad_files(plot, "{place}: cannot be written: {reason}"):
            save(model, plot)
    if json_path is not None:
        emit_json(found, json_path)
    if str(json_path) != "-":
        _show(found)


def _show(found: dict[str, Any]) -> None:
    from theory.quantities.answer import chain_text
    from theory.quantities.labels import LABELS, in_words

    screen = console()
    size = f"{found['strings']} strings" if found.get("strings") else "infinitely many strings"
    title = f"{found['kind']}, {size}; {found['status']} (nats)"
    model = table("quantity", "value", "radius", left={"quantity"}, title=title)
    for name, value in found.items():
        if isinstance(value, float):
            radius = found[f"{name}_ball"][1] if f"{name}_ball" in found else ""
            model.add_row(LABELS[name], f"{value:.15g}", radius)
    screen.print(model)
    for line in _said(found):
        screen.print(line, markup=False, highlight=False, soft_wrap=True)
    if found["adaptors"]:
        columns = ("adaptor", "normalise", "what it does", "E L", "E R", "H", "KL to p+", "b", "w*", "acceptance")
        adaptors = table(*columns, left=set(columns[:3]), title="adaptors")
        for place, entry in enumerate(found["adaptors"], 1):
            engine = f"{entry['engine']}: " if "engine" in entry else ""
            label = f"{place} {engine}{chain_text(entry)}"
            numbers = [_number(entry, k) for k in (*_KEYS, "w_max", "acceptance")]
            adaptors.add_row(label, entry["normalise"], entry["effect"] or "", *numbers)
        screen.print(adaptors)
    if "constraint" in found:
        held = found["constraint"]
        title = f"held to {held['regex']!r}, P = {held['probability']:.6g}; KL {held['kl_masked_conditioned']:.6g}"
        laws = table("law", "E L", "E R", "H", "KL to p+", left={"law"}, title=title)
        for name in ("masked", "conditioned"):
            laws.add_row(name, *(_number(held[name], key) for key in _KEYS[:4]))
        screen.print(laws)
    for note in in_words(found["notes"]):
        screen.print(f"note: {note}", markup=False, highlight=False, soft_wrap=True)


def _said(found: Output) -> Iterator[str]:
    """The answer in words: what cooling does and where it changes, what is in reach, which adaptors trade."""
    if found["cooling"] is not None:
        yield f"a small cooling from T = 1: {found['cooling']}"
    for turn in found["turns"] or []:
        yield f"cooling on from T = {turn['temperature']:.6g}: {turn['below']}; above it: {turn['above']}"
    if found["turns"] == []:
        yield "cooling on from any T looked at does the same"
    if found["reach"] is not None:
        of_l, of_r = ("{:.6g} to {:.6g}".format(*found["reach"][key]) for key in ("mean_log_prior", "mean_reward"))
        yield f"laws of its strings have E L from {of_l} and E R from {of_r}"
    trading = [k for k, entry in enumerate(found["adaptors"], 1) if (entry["effect"] or "").startswith("trades")]
    if found["adaptors"]:
        yield f"adaptors that trade: {', '.join(map(str, trading)) or 'none'} of {len(found['adaptors'])}"


def _number(entry: dict[str, Any], key: str) -> str:
    """Six digits; 0 where the ball around a tiny midpoint holds it."""
    value, (_, radius) = entry[key], entry.get(f"{key}_ball", ("", "0"))
    if value is None:
        return ""
    return "0" if abs(value) <= float(radius) else f"{value:.6g}"
