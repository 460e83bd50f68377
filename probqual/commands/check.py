"""``probqual check``: the claims, and the report on them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from probqual.checkout import checkout
from probqual.errors import BadInput, bad_values
from probqual.options import JsonPath, ProfileName
from probqual.output import console, emit_json, progress, reading, table, write
from theory.seed import SEED

if TYPE_CHECKING:
    from theory.claims.claim import Claim, Profile
    from theory.claims.on_model import Silent
    from theory.claims.running import Result

WORDS_BETAS = ("1/2", "1", "2")
TRIGRAM_BETAS = ("4/5", "1")

SPEECHES = ("adaptors", "rewards")
"""The two parts of the study of the speeches' word model, the longer one first."""

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Where numerical libraries read how many threads they may have."""

ENGINES = ("words", "trigrams")
"""The models on which the engines' chains take long."""


@dataclass(frozen=True, slots=True)
class Studies:
    """The models that a whole run looks at closely."""

    toy: Any
    words: tuple[Any, ...]
    trigrams: tuple[Any, ...]
    audit: tuple[Any, ...]
    speeches: tuple[Any, ...]
    engines: tuple[Any, ...]


def check(
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="ID", help="Check only this claim or family; repeatable.")
    ] = None,
    profile: Annotated[ProfileName, typer.Option(help="quick leaves out the large cases.")] = ProfileName.full,
    model: Annotated[
        Path | None,
        typer.Option(metavar="MODEL", help="Run every claim that speaks of any finite model on this one, a TOML file."),
    ] = None,
    claims_file: Annotated[
        Path | None,
        typer.Option("--claims", metavar="FILE.py", help="Take the claims of this file, CLAIMS = (...)."),
    ] = None,
    json_path: JsonPath = None,
    verify: Annotated[bool, typer.Option(help="Fail if a generated page is not what the code now writes.")] = False,
    output: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Write only the front page, to this path.")
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="With --model, name the claims that do not speak of it, and why.")
    ] = False,
    jobs: Annotated[int, typer.Option(min=1, help="Number of processes.")] = os.cpu_count() or 1,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random laws.")] = SEED,
    more: Annotated[list[str] | None, typer.Argument(metavar="ID", help="More ids, after --only.")] = None,
) -> None:
    """Run the claims and their controls; a full run of all claims also writes paper_check.md and its pages.

    With --model each claim about any finite model says in a sentence what holds on that one, and prints a witness where
    it fails; nothing is written but --json. Of a long table the 4,096 likeliest strings are checked.
    Exit status: 0 all verdicts as expected, 1 a verdict differs, 2 bad input.

    Example: probqual check --model examples/c5.toml, or probqual check --only adaptors.exchange --profile quick
    """
    from theory.claims.claim import Profile
    from theory.claims.registry import find

    chosen_profile = Profile(name=profile.value, seed=seed)
    ids = [*(only or []), *(more or [])]
    if more and not only:
        raise BadInput(f"unexpected {more[0]!r}; name claims with --only")
    own, tasks = _of_file(claims_file)
    with bad_values():
        chosen = (*(find(ids) if ids or not own or model is not None else ()), *own)
    if model is not None:
        _refuse_with_model(chosen_profile == Profile(), writes=verify or output is not None)
        return _check_model(model, chosen, json_path, verbose=verbose)
    if verbose:
        raise BadInput("--verbose goes with --model; without it every claim is listed")
    whole = not ids and not own and chosen_profile == Profile()
    if (verify or output is not None) and not whole:
        raise BadInput("the report is of all claims in the full profile: leave --only, --profile and --seed out")
    target = output if output is not None else _committed_report()
    if verify and (target is None or not target.is_file()):
        raise BadInput("there is no paper_check.md to compare with; run probqual check in the checkout first")
    tasks[:0] = [("claim", claim.id) for claim in chosen if claim not in own]
    results, studies = _run_all(tasks, chosen_profile, jobs, with_studies=whole)
    _written(chosen, results, json_path)
    differs = whole and _settle(target, studies, chosen, results, verify=verify)
    if differs or not all(result.as_expected for result in results):
        raise typer.Exit(1)


def _written(chosen: Sequence[Claim], results: Sequence[Result], json_path: Path | None) -> None:
    """The table, and the JSON if it is wanted."""
    from theory.report.records import sampled_record
    from theory.report.report import as_json

    if str(json_path) != "-":
        _show(chosen, results)
    if json_path is not None:
        record = sampled_record()
        emit_json([as_json(c, r, record) for c, r in zip(chosen, results, strict=True)], json_path)


def _committed_report() -> Path | None:
    """paper_check.md of the checkout that the current folder belongs to; None outside of one."""
    root = checkout()
    return None if root is None else root / "paper_check.md"


def _of_file(path: Path | None) -> tuple[tuple[Claim, ...], list[tuple[str, str]]]:
    """The claims of --claims, and the tasks that run them in any process."""
    from theory.claims.outside import of_file
    from theory.claims.registry import modules

    if path is None:
        return (), []
    with bad_values():
        own = of_file(path)
    taken = next((claim.id for claim in own if claim.id in modules()), None)
    if taken is not None:
        raise BadInput(f"{path}: the id {taken} is one of the project's own claims; choose another")
    return own, [("of", f"{path.resolve()} {claim.id}") for claim in own]


def _refuse_with_model(usual: bool, *, writes: bool) -> None:
    """Refuse what goes with random models, or with the report.

    Raises:
        BadInput: names the options.
    """
    if not usual:
        raise BadInput("--profile and --seed choose models at random; with --model leave them out")
    if writes:
        raise BadInput("--model writes no report: leave --verify and --output out")


def _check_model(path: Path, chosen: Sequence[Claim], json_path: Path | None, *, verbose: bool) -> None:
    """Each claim on a user's model; exits with 1 where one does not stand.

    Raises:
        BadInput: the model cannot be checked.
    """
    from theory.claims.grades import STANDS
    from theory.claims.on_model import Silent, check_on
    from theory.report.report import as_json
    from theory.specification.any_model import read_model
    from theory.specification.reader import located

    results: list[Result] = []
    silent: list[Silent] = []
    with bad_values(), located(str(path)):
        with reading() as advance:
            spec = read_model(path, advance)
        with progress("checking", len(chosen)) as advance_claims:
            for one in check_on(spec, path.name, chosen):
                advance_claims(one.id)
                if isinstance(one, Silent):
                    silent.append(one)
                else:
                    results.append(one)
    if json_path is not None:
        claims = {claim.id: claim for claim in chosen}
        told = [
            as_json(claims[r.id], r, None) | {"said": r.said, "failures": [asdict(f) for f in r.failures]}
            for r in results
        ]
        emit_json(told, json_path)
    if str(json_path) != "-":
        for line in _told(path.name, results, silent, verbose=verbose):
            console().print(line, markup=False, highlight=False, soft_wrap=True)
    if not all(result.verdict in STANDS for result in results):
        raise typer.Exit(1)


def _told(name: str, results: Sequence[Result], silent: Sequence[Silent], *, verbose: bool) -> Iterator[str]:
    """A sentence for each claim that applies, the witnesses of those that fail, and what it comes to."""
    from theory.claims.grades import STANDS

    for result in results:
        yield f"{result.id} {result.said} ({result.verdict}, {result.evidence})"
        for failure in result.failures:
            says = "FAILS" if result.verdict == "REFUTED" else "is undecided"
            yield f"{result.id} {says} on {failure.case}: {failure.label} is {failure.value}"
            if failure.spec:
                yield failure.spec
    others = [one for one in silent if not one.speaks]
    for one in silent:
        if one.speaks or verbose:
            yield f"{one.id} does not apply: {one.reason}"
    if others and not verbose:
        count = f"{len(others)} {'claim' if len(others) == 1 else 'claims'}"
        yield f"not checked here: {count} about other kinds of models, or about fixed cases (--verbose names them)"
    stand = sum(result.verdict in STANDS for result in results)
    refuted = sum(result.verdict == "REFUTED" for result in results)
    on = results[0].instances[0] if results else name
    open_ = len(results) - stand - refuted
    yield f"on {on}: {stand} of {len(results)} claims hold, {refuted} refuted, {open_} undecided"


# --- running ------------------------------------------------------------------------------------------------------


def _run_all(
    claims: Sequence[tuple[str, str]], profile: Profile, jobs: int, *, with_studies: bool
) -> tuple[list[Result], Studies]:
    """Claims and studies side by side in worker processes, the long ones first; a progress line for each that ends."""
    tasks: list[tuple[str, str]] = []
    if with_studies:
        tasks += [("engines", model) for model in ENGINES]
        tasks += [("speeches", part) for part in SPEECHES]
        tasks += [("words", beta) for beta in WORDS_BETAS]
        tasks += [("trigrams", beta) for beta in TRIGRAM_BETAS]
        tasks += [("toy", ""), ("audit", "")]
    tasks += claims
    found: dict[tuple[str, str], Any] = {}
    with progress("checking", len(tasks)) as advance:
        for task, value in _evaluated(tasks, profile, min(jobs, len(tasks))):
            found[task] = value
            advance(" ".join(task).strip())
    results = [found[task] for task in claims]
    words, trigrams, speeches, engines = (
        tuple(found[t] for t in tasks if t[0] == kind) for kind in ("words", "trigrams", "speeches", "engines")
    )
    return results, Studies(found.get(("toy", "")), words, trigrams, found.get(("audit", ""), ()), speeches, engines)


def _evaluated(tasks: Sequence[tuple[str, str]], profile: Profile, jobs: int) -> Iterator[tuple[tuple[str, str], Any]]:
    if jobs == 1:
        for task in tasks:
            yield task, evaluate(task, profile)
        return
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from multiprocessing import get_context

    # spawned, not forked: the numerical libraries hold threads, of which each process is to have one
    with _one_thread_each(), ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        futures = {pool.submit(evaluate, task, profile): task for task in tasks}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


@contextlib.contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes that are started in this block have linear algebra of one thread, unless the user says otherwise.

    Several processes of several threads wait for each other: a solve of 600 states takes ten times as long.
    """
    missing = [name for name in THREADS if name not in os.environ]
    os.environ.update(dict.fromkeys(missing, "1"))
    try:
        yield
    finally:
        for name in missing:
            del os.environ[name]


def evaluate(task: tuple[str, str], profile: Profile) -> Any:
    """One claim, or one study, by name."""
    from theory.arithmetic.exact import precision, rational
    from theory.claims.outside import of_file
    from theory.claims.registry import check
    from theory.claims.running import run
    from theory.report import engines, ngrams, studies

    kind, name = task
    if kind == "claim":
        return check(name, profile)
    if kind == "of":
        path, _, claim_id = name.rpartition(" ")
        with precision():
            return run(next(claim for claim in of_file(Path(path)) if claim.id == claim_id), profile)
    with precision():
        if kind == "toy":
            return studies.toy_study()
        if kind == "audit":
            return studies.audit_study()
        if kind == "engines":
            return (engines.words_rows if name == "words" else engines.trigram_rows)()
        if kind == "speeches":
            return (ngrams.adapted_rows if name == "adaptors" else ngrams.reward_rows)()
        return (studies.words_study if kind == "words" else studies.trigram_study)(rational(name))


# --- showing and writing ------------------------------------------------------------------------------------------


def _show(chosen: Sequence[Claim], results: Sequence[Result]) -> None:
    from theory.arithmetic.exact import power_of_ten_above
    from theory.claims.grades import Verdict

    rows = table("claim", "verdict", "residual", "controls refuted", "seconds", left={"claim", "verdict"})
    for claim, result in zip(chosen, results, strict=True):
        refuted = sum(control.verdict is Verdict.REFUTED for control in result.controls)
        residual = "" if result.residual is None else power_of_ten_above(result.residual)
        controls = f"{refuted} of {len(result.controls)}"
        rows.add_row(claim.id, str(result.verdict), residual, controls, f"{result.seconds:.2f}")
    screen = console()
    screen.print(rows)
    for result in results:
        for failure in result.failures:
            screen.print(f"{result.id} FAILS on {failure.case}: {failure.label} is {failure.value}", markup=False)
        for control in result.controls:
            if control.verdict is not Verdict.REFUTED:
                screen.print(f"{result.id}: control {control.name} is {control.verdict}, not REFUTED", markup=False)


def _settle(
    target: Path | None, studies: Studies, chosen: Sequence[Claim], results: Sequence[Result], *, verify: bool
) -> bool:
    """Write the report and the pages beside it, or compare them with those there are; whether one differs."""
    from theory.report.engines import pair_rows, small_rows
    from theory.report.ngrams import ngram_study
    from theory.report.pages import FOLDERS, FRONT, pages
    from theory.report.paper_check import with_table
    from theory.report.records import (
        RUNS,
        TRAININGS,
        bridge_record,
        coverage_record,
        sampled_record,
        sweep_record,
        sweep_steps_record,
        training_record,
    )
    from theory.report.report import Report

    if target is None:
        typer.echo("outside the checkout: no report written (name a file with --output)", err=True)
        return False
    adapted, rows = studies.speeches
    report = Report(
        claims=chosen,
        results=results,
        toy=studies.toy,
        words=studies.words,
        trigrams=studies.trigrams,
        audit=studies.audit,
        sampled=sampled_record(),
        runs={name: bridge_record(name) for name in RUNS},
        sweep=sweep_record(),
        steps=sweep_steps_record(),
        coverage=coverage_record(),
        speeches=ngram_study(rows, adapted),
        engines=(*small_rows(), *chain.from_iterable(studies.engines), *pair_rows()),
        trainings={name: training_record(name) for name in TRAININGS},
    )
    found, root, readme = pages(report), target.parent, target.parent / "README.md"
    if target != _committed_report() or not readme.is_file():
        texts, stale = {target: found[FRONT]}, []
    else:
        texts = {root / path: text for path, text in found.items()}
        texts[readme] = with_table(readme.read_text(encoding="utf-8"), report)
        stale = sorted(path for folder in FOLDERS for path in (root / folder).glob("*") if path not in texts)
    if verify:
        different = [_differs(path, text) for path, text in texts.items()]  # each says where
        for path in stale:
            typer.echo(f"{path} is of an older report; probqual check removes it", err=True)
        typer.echo(f"{len(texts) - sum(different)} of {len(texts)} pages are what the code writes", err=True)
        return any(different) or bool(stale)
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, text)
    for path in stale:
        path.unlink()
    typer.echo(f"wrote {target}" + (f" and {len(texts) - 1} pages beside it" if len(texts) > 1 else ""), err=True)
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
    return False
