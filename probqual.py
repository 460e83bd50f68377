"""The command line: exact laws, claims and their verdicts."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from enum import StrEnum
from itertools import zip_longest
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from theory import SpecificationError, answer, precision, rational, read_document
from theory.claims.claim import Claim, Profile, Result, Verdict
from theory.claims.registry import check as run_by_id
from theory.claims.registry import find
from theory.exact import power_of_ten_above
from theory.files import write_whole
from theory.report import Report, as_json, markdown
from theory.specification import located
from theory.studies import toy_study, trigram_study, words_study

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


def _stop(message: str) -> typer.Exit:
    """One line on standard error, exit status 2."""
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


@app.callback()
def probqual() -> None:
    """What the probability-quality trade-off of aligned language models establishes, checked exactly."""


@app.command()
def exact(
    spec: Annotated[Path, typer.Argument(metavar="SPEC.toml", help="A model, its reward, adaptors and a corpus.")],
    json_path: JsonPath = None,
) -> None:
    """Compute everything about one small model exactly.

    Example: probqual exact examples/c5.toml --json c5.json
    """
    try:
        with located(str(spec)):
            found = answer(read_document(spec))
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
            emit_json([as_json(c, r) for c, r in zip(chosen, results, strict=True)], json_path)
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
    """Write the report, or compare it with the one there is; whether it differs."""
    if target is None:
        typer.echo("outside the checkout: no report written (name a file with --output)", err=True)
        return False
    text = markdown(Report(chosen, results, *studies))
    if not verify:
        write(target, text)
        typer.echo(f"wrote {target}", err=True)
        return False
    old = target.read_text(encoding="utf-8").splitlines()
    for number, (one, two) in enumerate(zip_longest(old, text.splitlines()), start=1):
        if one != two:
            typer.echo(f"{target}:{number} differs\n  file: {one}\n  code: {two}", err=True)
            return True
    if target.read_text(encoding="utf-8") != text:
        typer.echo(f"{target} differs in its last line end", err=True)
        return True
    typer.echo(f"{target} is what the code writes", err=True)
    return False


Studies = tuple[Any, tuple[Any, ...], tuple[Any, ...]]


def _run_all(
    chosen: Sequence[Claim], profile: Profile, jobs: int, *, with_studies: bool
) -> tuple[list[Result], Studies]:
    """Claims and studies side by side in worker processes, the long ones first; a progress line for each that ends."""
    tasks: list[tuple[str, str]] = []
    if with_studies:
        tasks += [("words", beta) for beta in WORDS_BETAS]
        tasks += [("trigrams", beta) for beta in TRIGRAM_BETAS]
        tasks.append(("toy", ""))
    tasks += [("claim", claim.id) for claim in chosen]
    found: dict[tuple[str, str], Any] = {}
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as progress:
        bar = progress.add_task("checking", total=len(tasks))
        for task, value in _evaluated(tasks, profile, min(jobs, len(tasks))):
            found[task] = value
            progress.advance(bar)
            if not sys.stderr.isatty():
                typer.echo(f"{len(found)}/{len(tasks)} {' '.join(task).strip()}", err=True)
    results = [found["claim", claim.id] for claim in chosen]
    words, trigrams = (tuple(found[t] for t in tasks if t[0] == kind) for kind in ("words", "trigrams"))
    return results, (found.get(("toy", "")), words, trigrams)


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
            numbers = ["" if entry[k] is None else f"{entry[k]:.6g}" for k in (*keys, "w_max", "acceptance")]
            table.add_row(label, entry["normalise"], *numbers)
        console.print(table)
    for note in found["notes"]:
        console.print(f"note: {note}", markup=False)


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
