"""``probqual bench``: how fast the toolkit is."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from probqual.checkout import checkout, keep
from probqual.errors import BadInput, bad_values
from probqual.options import JsonPath
from probqual.output import console, emit_json, progress, table, write

if TYPE_CHECKING:
    from theory.report.records import BenchRecord, CommandRecord


def bench(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Rows; all if left out.")] = None,
    here: Annotated[
        bool, typer.Option("--here", help="Measure in this environment, without the rows whose peers it lacks.")
    ] = False,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify", help="Fail if a ratio is far below what the record predicts for this machine; write nothing."
        ),
    ] = False,
    against: Annotated[
        str | None, typer.Option(metavar="COMMIT", help="Time whole commands, against the build of this commit.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=2, help="Rounds per row, at most.")] = 9,
    json_path: JsonPath = None,
) -> None:
    """Measure how fast the toolkit is, as ratios to named peers in one run.

    In a checkout the peers are installed into .venv-peers first, and a run of all rows also measures how cost grows
    and writes docs/benchmarks.md and docs/scaling.md. About three quarters of an hour. With --against each row is a
    command in a process of its own; a run of all of them, 20 minutes, writes that part of docs/benchmarks.md.

    Exit status: 0 measured, 1 a ratio has become worse (--verify) or two results differ, 2 bad input.

    Example: probqual bench moments spectrum --here
    """
    if verify and against is not None:
        raise BadInput("--verify is of the rows without --against; leave one of the two out")
    root = checkout()
    if not here:
        _among_peers(root)
        return
    if against is not None:
        return _against(root, against, names or [], rounds, json_path)
    from simulations.bench import catalogue
    from theory.report.records import as_json, bench_record

    try:
        with bad_values():
            able, lacking = catalogue.able(names or [])
            for name, packages in lacking.items():
                typer.echo(f"{name}: left out, {', '.join(packages)} is not installed", err=True)
            whole = root if not (names or verify or lacking) else None
            with progress("measuring", len(able) + (len(catalogue.SERIES) if whole else 0)) as advance:
                found = catalogue.record(able, rounds=rounds, checkout=whole, advance=advance)
    except catalogue.Disagreement as error:
        typer.echo(f"probqual: a row's two results differ: {error}", err=True)
        raise typer.Exit(1) from None
    if json_path is not None:
        emit_json(as_json(found), json_path)
    if whole is not None:
        _keep(found, whole)
    if str(json_path) != "-":
        _show(found)
    slower = catalogue.slower(found, bench_record()) if verify else []
    for line in slower:
        typer.echo(line, err=True)
    if slower:
        raise typer.Exit(1)


def _keep(found: BenchRecord, root: Path) -> None:
    """The record and its pages; what was the record becomes the one before."""
    from simulations.bench import pages
    from theory.report.records import as_json, bench_record, command_record

    earlier = bench_record()
    keep(as_json(earlier), root, "bench_earlier")
    keep(as_json(found), root, "bench")
    write(root / "docs" / "benchmarks.md", pages.benchmarks_page(found, earlier, command_record()))
    write(root / "docs" / "scaling.md", pages.scaling_page(found))


def _against(root: Path | None, commit: str, names: Sequence[str], rounds: int, json_path: Path | None) -> None:
    """Whole commands against the build of a commit; all of them are kept, and written into docs/benchmarks.md.

    Raises:
        BadInput: outside a checkout; no such commit or row; a row lacks a package.
        typer.Exit: two builds answer differently, or one fails.
    """
    if root is None:
        raise BadInput("--against takes the earlier build from the checkout's history; call it in a checkout")
    from simulations.bench import command_rows, commands, pages
    from simulations.bench.timing import Disagreement
    from theory.report.records import as_json, bench_record, earlier_bench_record

    try:
        with bad_values():
            wanted = command_rows.chosen(names)
            with progress("measuring", len(wanted)) as advance:
                found = commands.record(root, commit, wanted, rounds=rounds, advance=advance)
    except Disagreement as error:
        typer.echo(f"probqual: a row cannot be compared: {error}", err=True)
        raise typer.Exit(1) from None
    if json_path is not None:
        emit_json(as_json(found), json_path)
    if not names:
        keep(as_json(found), root, "bench_commands")
        page = pages.benchmarks_page(bench_record(), earlier_bench_record(), found)
        write(root / "docs" / "benchmarks.md", page)
    if str(json_path) != "-":
        _show_commands(found)


def _show_commands(found: CommandRecord) -> None:
    rows = table(
        "command", "times faster", "least", "largest", "aim", "met", "ours, s", "MB", "peer's MB", left={"command"}
    )
    for row in found.rows:
        numbers = [f"{ratio:,.4g}" for ratio in (row.ratio.median, row.ratio.low, row.ratio.high)]
        memory = [f"{peak.median / 1e6:,.0f}" for peak in (row.our_peak, row.their_peak)]
        met = "yes" if row.met else "NO"
        rows.add_row(row.name, *numbers, f"{row.aim:.3g}", met, f"{row.ours.median:.3g}", *memory)
    console().print(rows)


def _among_peers(root: Path | None) -> None:
    """The same command in the environment of the peers, which is made first.

    Raises:
        BadInput: outside a checkout, or where the peers cannot be installed.
        typer.Exit: as that command exits.
    """
    if root is None:
        raise BadInput("the peers are installed beside the checkout; outside of one use --here")
    made = subprocess.run(["make", "--quiet", "bench-peers"], cwd=root, check=False)
    if made.returncode:
        raise BadInput("make bench-peers failed; use --here to measure with what is installed")
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    command = [str(root / ".venv-peers" / "bin" / "probqual"), *sys.argv[1:], "--here"]
    done = subprocess.run(command, env=os.environ | threads, check=False)
    if done.returncode:
        raise typer.Exit(done.returncode)


def _show(found: BenchRecord) -> None:
    rows = table("row", "times faster", "least", "largest", "aim", "met", "ours, s", "limit x", left={"row"})
    for row in found.rows:
        numbers = [f"{ratio:,.4g}" for ratio in (row.ratio.median, row.ratio.low, row.ratio.high)]
        times = "" if row.limit is None else f"{row.limit.times:.3g}"
        met = "yes" if row.met else "NO"
        rows.add_row(row.name, *numbers, f"{row.aim:,g}", met, f"{row.ours.median:.3g}", times)
    console().print(rows)
