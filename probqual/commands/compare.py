"""``probqual compare``: the claims again, by sampling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from probqual.errors import BadInput, bad_values, optional_libraries
from probqual.options import JsonPath, ProfileName
from probqual.output import console, emit_json, progress, table
from theory.seed import SEED

if TYPE_CHECKING:
    from simulations.agreement.faults import Fault
    from simulations.agreement.run import Outcome
    from simulations.agreement.setting import Experiment
    from theory.report.records import NoticedFault, Training


def compare(
    profile: Annotated[ProfileName, typer.Option(help="quick makes a tenth of the draws.")] = ProfileName.full,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all draws.")] = SEED,
    draws: Annotated[
        int | None, typer.Option(metavar="N", help="Strings per comparison; the number of corpora scales with it.")
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(help="Where the tiny torch models run: cpu, cuda, cuda:1; by default a GPU if there is one."),
    ] = None,
    plant: Annotated[
        str | None, typer.Option(metavar="NAME", help="Do one procedure wrong on purpose; a row must DIFFER.")
    ] = None,
    list_plants: Annotated[
        bool,
        typer.Option("--list-plants", help="Print the names of the faults; with --json, also what each does wrong."),
    ] = False,
    claims_file: Annotated[
        Path | None,
        typer.Option("--claims", metavar="FILE.py", help="Run only the comparisons of this file, EXPERIMENTS = (...)."),
    ] = None,
    json_path: JsonPath = None,
    record: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Also plant every fault, and record everything for the report.")
    ] = None,
) -> None:
    """Repeat all claims except the audit claims by sampling from models whose exact answer is known.

    Exit status: 0 every comparison is SAMPLED, 1 one DIFFERS (as it must with a planted fault), 2 bad input.

    Example: probqual compare --profile quick --plant inverted-ratio
    """
    from simulations.agreement.faults import FAULTS, planted
    from simulations.agreement.run import EXPERIMENTS, caught, run, setting
    from theory.report.records import as_json

    if list_plants:
        return _list_plants(json_path)
    if record is not None and plant is not None:
        raise BadInput("--record keeps a run without a fault, and plants all of them itself: leave --plant out")
    with bad_values():
        chosen = setting(profile.value, seed, draws, None if plant is None else planted(plant).parts)
    if claims_file is not None and record is not None:
        raise BadInput("--record is of the project's own comparisons: leave --claims out")
    extra, trained = _torch_experiments(device, profile) if claims_file is None else (_of_file(claims_file), None)
    experiments = extra if claims_file else (*EXPERIMENTS, *extra)
    with progress("comparing", len(experiments)) as advance:
        found = run(chosen, experiments, advance)
    answer = found.record(device, plant, trained)
    if record is not None:
        with progress("planting", len(FAULTS)) as advance:
            faults = tuple(_noticed(fault, out, advance) for fault, out in caught(seed, experiments))
        answer = replace(answer, faults=faults)
        emit_json(as_json(answer), record)
    if json_path is not None:
        emit_json(as_json(answer), json_path)
    if str(json_path) != "-":
        _show(found, trained)
    if found.differing:
        raise typer.Exit(1)


def _list_plants(json_path: Path | None) -> None:
    from simulations.agreement.faults import FAULTS

    if json_path is None:
        typer.echo("\n".join(fault.name for fault in FAULTS))
    else:
        emit_json([{"name": fault.name, "wrong": fault.wrong} for fault in FAULTS], json_path)


def _of_file(path: Path) -> tuple[Experiment, ...]:
    """The comparisons of --claims.

    Raises:
        BadInput: the file cannot be run, or has none.
    """
    from theory.claims.outside import experiments_of_file

    with bad_values():
        found = experiments_of_file(path)
    if not found:
        raise BadInput(f"{path}: there is no EXPERIMENTS = (...) in it")
    return tuple(cast("Experiment", one) for one in found)


def _torch_experiments(device: str | None, profile: ProfileName) -> tuple[tuple[Experiment, ...], Training | None]:
    """The comparisons on tiny torch models, and how far the trained one came; nothing where torch is not installed.

    Raises:
        BadInput: a device was named, and torch is not installed or does not have it.
    """
    try:
        with optional_libraries("--device needs torch and transformers", "bridge"):
            from simulations.agreement import models
    except BadInput:
        if device is not None:
            raise
        typer.echo("without torch and transformers: the tiny models are left out (install probqual[bridge])", err=True)
        return (), None
    with bad_values():
        where, size = models.placed(device)
    trained = models.dpo(where).record() if profile is ProfileName.full else None
    return models.experiments(where, size, trained=profile is ProfileName.full), trained


def _noticed(fault: Fault, found: Outcome, advance: Callable[[str], None]) -> NoticedFault:
    from theory.report.records import NoticedFault

    advance(fault.name)
    claims_hit = tuple(dict.fromkeys(row.claim for row in found.differing))
    return NoticedFault(fault.name, fault.wrong, len(found.differing), claims_hit)


def _show(found: Outcome, trained: Training | None) -> None:
    screen = console()
    rows = table("claim", "what", "exact", "estimate", "interval", "verdict", left={"claim", "what", "verdict"})
    for row in found.rows:
        span = f"[{row.low:.5f}, {row.high:.5f}]"
        rows.add_row(row.claim, row.what, f"{row.exact:.5f}", f"{row.estimate:.5f}", span, row.verdict)
    screen.print(rows)
    if trained is not None:
        title = "DPO on a tiny model: how far from p+, and its own exchange coefficient"
        columns = ("step", "loss", "KL(p+ || pi)", "KL(pi || p+)", "b", "Corr(L, R)", "slope residual")
        training = table(*columns, title=title)
        for one in trained.progress:
            training.add_row(*("" if v is None else f"{v:.5g}" for v in astuple(one)))
        screen.print(training)
    chance = sum(row.alpha > 0 for row in found.rows)
    screen.print(
        f"{len(found.rows)} comparisons, {chance} of them by chance at alpha {found.spent / max(chance, 1):.2g} each, "
        f"{found.spent:.2g} in all; {len(found.differing)} differ",
        highlight=False,
    )
