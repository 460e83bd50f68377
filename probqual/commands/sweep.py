"""``probqual sweep``: random models by the thousand."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from probqual.checkout import checkout_for_record, keep
from probqual.errors import BadInput, bad_files, bad_values, optional_libraries
from probqual.options import Address, Backend, BackendName, JsonPath, check_address
from probqual.output import Piece, console, emit_json, interval, made_with_progress, table

if TYPE_CHECKING:
    from theory.report.records import SweepRecord


def sweep(
    file: Annotated[Path, typer.Argument(metavar="SWEEP.toml", help="Families of models, adaptors, claims.")],
    output: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Store the sweep here, not where the file says.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Local processes.")] = os.cpu_count() or 1,
    backend: Backend = BackendName.local,
    address: Address = None,
    json_path: JsonPath = None,
    record: Annotated[bool, typer.Option("--record", help="Keep the numbers of an example for the report.")] = False,
) -> None:
    """Check the claims on thousands of random models, and count how often adaptors trade.

    It can be stopped at any moment and run again: it goes on where it stopped. What comes out does not depend on the
    backend or on the number of workers.

    Exit status: 0 no claim fails, 1 one does (its model is shown), 2 bad input.

    Example: probqual sweep examples/sweep.toml --output runs/sweep --jobs 2
    """
    check_address(backend, address)
    kept = _kept(file) if record else None
    with optional_libraries("needs joblib and pyarrow", "cluster"):
        from simulations.sweep.session import Session
    from theory.report.records import as_json

    with bad_values(), bad_files(output or file, "{file}: {reason}"):
        session = Session.open(file, output, jobs, address)
        pieces = (Piece(shard, f"{models} models", models) for shard, models in session.work())
        if not made_with_progress("sweeping", "models", session.store, pieces):
            return
        found = session.summary()
    if json_path is not None:
        emit_json(as_json(found), json_path)
    if kept is not None:
        keep(as_json(found), *kept)
    if str(json_path) != "-":
        _show(found)
    if any(claim.fails for claim in found.claims):
        typer.echo("a claim fails on this model:\n\n" + found.witnesses[0], err=True)
        raise typer.Exit(1)


def _kept(file: Path) -> tuple[Path, str]:
    """(the checkout, the name of the record) in which what this sweep file says is kept.

    Raises:
        BadInput: outside a checkout, or another file than those that the report shows.
    """
    from theory.report.records import SWEEPS

    root = checkout_for_record()
    for own, name in SWEEPS.items():
        if file.resolve() == (root / "examples" / own).resolve():
            return root, name
    named = " and ".join(f"examples/{own}" for own in SWEEPS)
    raise BadInput(f"--record keeps the numbers of {named} alone; of {file} use --json")


def _show(found: SweepRecord) -> None:
    screen = console()
    screen.print(f"{found.models:,} models, {found.strings:,} strings; key {found.key[:16]}", highlight=False)
    columns = ("models with", "value", "share, 95 %", "models")
    trading = table(*columns, title="temperature trades, share of models")
    trading.add_row("", "all", interval(found.trades), f"{found.trades.of:,}")
    groups = (
        ("strings from", found.by_strings),
        ("beta", found.by_beta),
        ("Corr_p(L, R) near", found.by_correlation),
        ("reward step", found.by_step),
        ("reward step, strings from", found.by_step_and_strings),
    )
    for name, group in groups:
        for row in group:
            trading.add_row(name, row.label, interval(row), f"{row.of:,}")
    screen.print(trading)
    columns = ("dropped hypothesis", "all", "strings +", "strings -")
    turns = table(*columns, left=columns, title="the sign of corpora is not that of strings")
    for turn in found.turns:
        turns.add_row(turn.dropped, *map(interval, (turn.turns, turn.from_positive, turn.from_negative)))
    screen.print(turns)
    outcomes = table(
        *("claim", "holds", "silent", "undecided", "fails"), left={"claim"}, title="claims, number of models"
    )
    for claim in found.claims:
        counts = (claim.holds, claim.silent, claim.undecided, claim.fails)
        outcomes.add_row(claim.id, *(f"{count:,}" for count in counts))
    screen.print(outcomes)
    if any(claim.undecided for claim in found.claims):
        screen.print(
            "note: undecided are models whose rewards differ by so much that balls of 16,384 bits do not tell the "
            "probabilities' differences from 0; smaller levels x step / beta are decided",
            highlight=False,
        )
