"""``probqual conform``: whether an engine samples the law that its settings name."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from probqual.errors import BadInput, bad_files, bad_values, optional_libraries
from probqual.options import JsonPath
from probqual.output import console, emit_json, table

if TYPE_CHECKING:
    from simulations.conform.checks import Finding
    from theory.adaptors.engines import Expansion


def conform(
    action: Annotated[str, typer.Argument(metavar="prepare|check", help="Write the models, or test what came out.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the models are.")],
    samples: Annotated[
        Path | None, typer.Argument(metavar="[SAMPLES]", help="JSON lines that the engine wrote.")
    ] = None,
    engine: Annotated[str | None, typer.Option("--engine", help="A name of `probqual engines`.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="The engine's own setting; repeatable.")
    ] = None,
    json_path: JsonPath = None,
) -> None:
    """Test an engine's own output against the exact law of its settings: prepare models, run them, check the samples.

    False alarms: at most 1e-6 per run. Exit status 1 where the engine does not conform.

    Example: probqual conform check models samples.jsonl --engine llama.cpp --set top_k=0
    """
    if action == "prepare":
        _prepare(folder)
    elif action == "check":
        if samples is None or engine is None:
            raise BadInput("conform check needs DIR SAMPLES --engine NAME")
        _check(folder, samples, engine, settings or [], json_path)
    else:
        raise BadInput(f"conform {action}: expected prepare or check")


def _prepare(folder: Path) -> None:
    with optional_libraries("conform prepare needs torch, transformers and gguf", "bridge"):
        from simulations.conform.prepare import prepare

    with bad_files(folder, "{place}: cannot be written: {reason}"):
        made = prepare(folder)
    for path in made.written:
        typer.echo(str(path))
    for line in made.missing:
        typer.echo(line, err=True)


def _check(folder: Path, samples: Path, name: str, settings: list[str], json_path: Path | None) -> None:
    from simulations.conform.checks import check
    from simulations.conform.folder import check_folder
    from simulations.conform.samples import read_samples
    from theory.adaptors.engines import engine

    with bad_values():
        check_folder(folder)
        given = dict(_setting(text) for text in settings)
        expansion = engine(name).expand(given)
        found = check(read_samples(samples), expansion.chain)
    if json_path is not None:
        emit_json(_described(expansion, given, found), json_path)
    if str(json_path) != "-":
        _show(expansion, found)
    if any(one.alarm for one in found):
        raise typer.Exit(1)


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name or not value:
        raise ValueError(f"--set {text}: expected NAME=VALUE")
    return name, value


def _described(expansion: Expansion, settings: dict[str, str], found: list[Finding]) -> dict[str, object]:
    return {
        "engine": expansion.engine.name,
        "version": expansion.engine.version,
        "settings": settings,
        "chain": str(expansion.chain),
        "said": list(expansion.said),
        "conforms": not any(one.alarm for one in found),
        "tests": [
            {
                "model": one.model,
                "test": one.name,
                "draws": one.draws,
                "log_evidence": one.log_evidence if math.isfinite(one.log_evidence) else None,
                "alarm": one.alarm,
                "detail": one.detail,
            }
            for one in found
        ],
    }


def _show(expansion: Expansion, found: list[Finding]) -> None:
    screen = console()
    title = f"{expansion.engine.name} {expansion.engine.version}: {expansion.chain}"
    shown = table("model", "test", "draws", "log evidence", "alarm", left={"model", "test"}, title=title)
    for one in found:
        shown.add_row(one.model, one.name, str(one.draws), f"{one.log_evidence:.1f}", "ALARM" if one.alarm else "")
    screen.print(shown)
    for one in found:
        if one.detail:
            screen.print(f"{one.model}, {one.name}: {one.detail}", markup=False, highlight=False)
    for line in expansion.said:
        screen.print(f"note: {line}", markup=False, highlight=False)
