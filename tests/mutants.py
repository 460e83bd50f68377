"""Mutants: theory and simulations with one thing broken, and the proof that tests or claims notice.

    python tests/mutants.py [NAME...] [--list] [--jobs 2]

Each mutant replaces one passage of one function, class or module constant, in a copy of the project: a sign, a factor,
a boundary, a hypothesis, a seed. ``mutants.toml`` lists them under the names of those definitions. NAME is a mutant or
a part of the project: ``simulations``, ``bridge``, ``bridge.store``, ``Store.claim``.

First the tests of the module are run, ``tests/theory/a/test_b.py`` for ``theory/a/b.py``; then the test files that
import it; then, for theory, the claims whose families import it; then the whole suite. The first failure kills the
mutant, if the same run passes where nothing is mutated. What nothing kills is a hole in the tests, listed by name at
the end. A test file of which every test is skipped counts as not run, and is named. Exit status: 0 if all are killed, 1
if one is not, 2 if the project does not pass as it is or a mutant does not apply.

The patches are written by hand: a generic mutation operator swaps + for -, but does not write a reversed divergence,
a missing proposal ratio, or local for global.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import functools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

PARTS = ("theory", "simulations")
"""Where mutants may be."""

LEFT_OUT = (".git", ".venv*", ".*_cache", ".hypothesis", "__pycache__", "build", "dist", "test_mutants.py")
"""What a copy does without; test_mutants.py fails wherever a source is not the one that the list is about."""

PATIENCE_S = 1800
"""A run that takes longer has not failed: its mutant survives."""


# --- where they are -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Definition:
    """A function, class or module constant of the project.

    Args:
        name: in full: theory.adaptors.exact.decide, simulations.bridge.store.Store.claim.
        path: its file, relative to the root.
        lines: its first line, decorators included, and the one after its last, counted from 0.
    """

    name: str
    path: Path
    lines: tuple[int, int]

    @property
    def module(self) -> str:
        """The dotted name of its module."""
        return _dotted(self.path)

    def __str__(self) -> str:
        return f"{self.name} ({self.path}:{self.lines[0] + 1})"


def _dotted(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@functools.cache
def definitions(root: Path) -> tuple[Definition, ...]:
    """Every function, class and module constant below theory/ and simulations/."""
    found = []
    for part in PARTS:
        for path in sorted((root / part).rglob("*.py")):
            own = path.relative_to(root)
            module = _dotted(own)
            for name, node in _defined(ast.parse(path.read_text(encoding="utf-8")), module, module):
                first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
                found.append(Definition(name, own, (first - 1, node.end_lineno)))
    return tuple(found)


def _defined(scope: ast.AST, prefix: str, module: str) -> Iterator[tuple[str, Any]]:
    """(full name, node) of what is defined in a scope; of assignments only those at the level of the module."""
    for node in ast.iter_child_nodes(scope):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield f"{prefix}.{node.name}", node
            yield from _defined(node, f"{prefix}.{node.name}", module)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and prefix == module:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from ((f"{prefix}.{target.id}", node) for target in targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.stmt | ast.ExceptHandler):  # the bodies of if, try, with
            yield from _defined(node, prefix, module)


@functools.cache
def definition(name: str, root: Path = ROOT) -> Definition:
    """The one definition whose full name ends in ``name``.

    Raises:
        ValueError: there is none, or more than one; lists the candidates.
    """
    known = definitions(root)
    found = [one for one in known if f".{one.name}".endswith(f".{name}")]
    if len(found) == 1:
        return found[0]
    if found:
        raise ValueError(f"{name} is ambiguous: {', '.join(map(str, found))}")
    last = name.rpartition(".")[2]
    near = difflib.get_close_matches(last, {one.name.rpartition(".")[2] for one in known}, n=3)
    candidates = [str(one) for one in known if one.name.rpartition(".")[2] in near][:5]
    raise ValueError(f"nothing is called {name}; close to it: {', '.join(candidates) or 'nothing'}")


# --- the list -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mutant:
    """One passage of one definition, and what is put in its place.

    Args:
        name: a few words, as a slug.
        where: the name of a function, class or module constant, as short as is unambiguous.
        old: the passage; it stands exactly once in the source of that definition.
        new: its replacement, which changes what is computed.
    """

    name: str
    where: str
    old: str
    new: str

    def definition(self, root: Path = ROOT) -> Definition:
        """What it breaks."""
        return definition(self.where, root)

    def applied(self, root: Path = ROOT) -> str:
        """The mutated source of the module.

        Raises:
            ValueError: ``where`` does not name one definition, or the passage does not stand in it exactly once.
        """
        found = self.definition(root)
        lines = (root / found.path).read_text(encoding="utf-8").splitlines(keepends=True)
        first, end = found.lines
        own = "".join(lines[first:end])
        count = own.count(self.old)
        if count != 1:
            raise ValueError(f"{self.name}: {self.old!r} occurs {count} times in {found}; it must occur once")
        return "".join(lines[:first]) + own.replace(self.old, self.new) + "".join(lines[end:])


def read_list(text: str) -> tuple[Mutant, ...]:
    """The mutants of a TOML text: a table for each definition, in it ``name = [old, new]``.

    Raises:
        ValueError: it is no such text (says where).
    """
    found = []
    for where, table in tomllib.loads(text).items():
        for name, patch in table.items() if isinstance(table, dict) else [("", table)]:
            if not (name and isinstance(patch, list) and [type(passage) for passage in patch] == [str, str]):
                raise ValueError(f"[{where}] {name} must be [old, new], got {patch!r}")
            found.append(Mutant(name, where, *patch))
    return tuple(found)


MUTANTS = read_list(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def named(names: Sequence[str]) -> tuple[Mutant, ...]:
    """The mutants with these names, or of these parts of the project; all for no names.

    Raises:
        ValueError: a name that is neither.
    """

    def called(mutant: Mutant, name: str) -> bool:
        return name == mutant.name or f".{name}." in f".{mutant.definition().name}."

    strange = next((name for name in names if not any(called(mutant, name) for mutant in MUTANTS)), None)
    if strange is not None:
        raise ValueError(
            f"no mutant, and no part of the project with mutants, is called {strange!r}; --list names them"
        )
    return tuple(mutant for mutant in MUTANTS if not names or any(called(mutant, name) for name in names))


# --- what should notice -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stage:
    """Something that is run on a mutant.

    Args:
        what: "tests" or "claims".
        names: test files, or families of claims; all for ().
    """

    what: str
    names: tuple[str, ...]


def stages(found: Definition, root: Path = ROOT) -> tuple[Stage, ...]:
    """What is run on a mutant of this definition until something fails."""
    own = Path("tests") / found.path.with_name(f"test_{found.path.name}")
    mirror = (str(own),) if (root / own).is_file() else ()
    files = [mirror, tuple(path for path in _testing({found.module}, root) if path not in mirror)]
    steps = [Stage("tests", names) for names in files if names]
    if found.path.parts[0] == "theory":  # claims do not import simulations
        within = [path for path in _importing({found.module}, root, "theory/claims") if len(path.parts) == 4]
        steps.append(Stage("claims", tuple(sorted({path.parts[2] for path in within}))))
    return (*steps, Stage("tests", ()))


def _testing(modules: set[str], root: Path) -> tuple[str, ...]:
    """The test files that import one of these modules; where none does, those of the modules that import them."""
    found = tuple(str(path) for path in _importing(modules, root, "tests") if path.name.startswith("test_"))
    wider = {_dotted(path) for part in PARTS for path in _importing(modules, root, part)} - modules
    return found or (_testing(wider, root) if wider else ())


def _importing(modules: set[str], root: Path, below: str) -> Iterator[Path]:
    """The files below a folder that import one of these modules, relative to the root."""
    return (path for path, names in _imports(root, below).items() if modules & names)


@functools.cache
def _imports(root: Path, below: str) -> dict[Path, frozenset[str]]:
    """What the files below a folder import: of ``from a import b`` both a and a.b."""
    found = {}
    for path in sorted((root / below).rglob("*.py")):
        names: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module is not None:
                names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        found[path.relative_to(root)] = frozenset(names)
    return found


# --- running them -------------------------------------------------------------------------------------------------


class Unusable(Exception):
    """A run that says nothing about a mutant: the message is the one line that is shown."""


class Broken(Exception):
    """The project does not pass as it is: the message is the one line that is shown."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a stage found.

    Args:
        killer: the first test or claim that failed; "" where all pass.
        unrun: the test files of which every test was skipped, each with a reason.
    """

    killer: str
    unrun: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of the project in a folder of its own, with the only home and temporary folder that its runs know."""

    folder: Path

    @property
    def root(self) -> Path:
        """Where the copy is."""
        return self.folder / "copy"

    @staticmethod
    def of_project(folder: Path) -> Copy:
        """The project, without what tests do not need.

        Raises:
            Broken: Python that runs there imports the project from somewhere else.
        """
        made = Copy(folder)
        shutil.copytree(ROOT, made.root, ignore=shutil.ignore_patterns(*LEFT_OUT))
        (folder / "home").mkdir()
        (folder / "tmp").mkdir()
        names = ", ".join((*PARTS, "probqual"))
        done = made.python("-c", f"import {names}\nfor module in ({names}): print(module.__file__)")
        if done.returncode or not all(Path(line).is_relative_to(made.root) for line in done.stdout.splitlines()):
            raise Broken(f"not the copy is imported but {done.stdout or done.stderr}")
        return made

    def again(self, folder: Path) -> Copy:
        """A copy of the copy, with what the home has gathered (fonts, say) but an empty temporary folder."""
        for name in ("copy", "home"):
            shutil.copytree(self.folder / name, folder / name)
        (folder / "tmp").mkdir()
        return Copy(folder)

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Python in the copy, which is what it imports."""
        home, temporary = str(self.folder / "home"), str(self.folder / "tmp")
        environment = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
        environment |= dict.fromkeys(("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"), home)
        environment |= dict.fromkeys(("TMPDIR", "JOBLIB_TEMP_FOLDER"), temporary)
        environment |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        environment |= dict.fromkeys(("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"), "1")
        environment |= {"PYTHONPATH": str(self.root), "HYPOTHESIS_PROFILE": "quick"}
        try:
            return subprocess.run(
                [sys.executable, *arguments],
                cwd=self.root,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=PATIENCE_S,
            )
        except subprocess.TimeoutExpired:
            raise Unusable(f"longer than {PATIENCE_S} s: {' '.join(arguments[:3])}") from None

    def run(self, stage: Stage) -> Found:
        """What a stage finds here."""
        return self._tests(stage.names) if stage.what == "tests" else self._claims(stage.names)

    def _tests(self, names: Sequence[str]) -> Found:
        done = self.python("-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "tests.judging", *names)
        unrun = tuple(re.findall(r"^NOT RUN (.+)$", done.stdout, re.MULTILINE))
        if done.returncode == 0 or (done.returncode == 5 and unrun):  # 5: nothing was collected
            return Found("", unrun)
        failed = re.search(r"^(?:FAILED|ERROR) ([^[\n]+?(?:\[.*?\])?)(?: - |$)", done.stdout, re.MULTILINE)
        if done.returncode not in {1, 2} or failed is None:  # 2: a test file cannot be collected
            raise Unusable(f"pytest exits with {done.returncode}: {_last_line(done.stdout + done.stderr)}")
        return Found(failed.group(1), unrun)

    def _claims(self, names: Sequence[str]) -> Found:
        verdicts = self.folder / "tmp" / "verdicts.json"
        verdicts.unlink(missing_ok=True)
        chosen = [part for claim in names for part in ("--only", claim)]
        command = ("-m", "probqual", "check", "--profile", "quick", "--jobs", "1", "--json", str(verdicts), *chosen)
        done = self.python(*command)
        if done.returncode == 0:
            return Found("")
        if done.returncode != 1:
            raise Unusable(f"probqual check exits with {done.returncode}: {_last_line(done.stderr)}")
        if verdicts.exists():
            for claim in json.loads(verdicts.read_text(encoding="utf-8")):
                if claim["verdict"] not in {"PROVED", "CERTIFIED", "TESTED"}:
                    return Found(f"{claim['id']} {claim['verdict']}")
                for control in claim["controls"]:
                    if control["verdict"] != "REFUTED":
                        return Found(f"{claim['id']}, control {control['name']} {control['verdict']}")
        return Found(f"probqual check: {_last_line(done.stderr)}")


def _last_line(text: str) -> str:
    return next((line for line in reversed(text.splitlines()) if line.strip()), "no output")


@dataclass(frozen=True, slots=True)
class Original:
    """The project as it is: a failure counts only where the same stage passes here."""

    copy: Copy
    _found: dict[Stage, Found] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def passes(self, stage: Stage) -> Found:
        """What a stage finds where nothing is mutated.

        Raises:
            Broken: it finds a failure, or cannot be run.
        """
        with self._lock:
            if stage not in self._found:
                try:
                    self._found[stage] = self.copy.run(stage)
                except Unusable as error:
                    raise Broken(f"nothing is mutated yet: {error}") from None
            if self._found[stage].killer:
                raise Broken(f"nothing is mutated yet and this fails: {self._found[stage].killer}")
            return self._found[stage]


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a mutant.

    Args:
        place: what the mutant breaks.
        killer: the test or the claim that failed; "" where it survived.
        trouble: why it could not be judged, in words; "" where it was.
    """

    mutant: Mutant
    place: Definition
    killer: str
    trouble: str
    seconds: float

    def line(self) -> str:
        """One line for people."""
        if self.killer:
            fate = f"KILLED by {self.killer}"
        else:
            fate = f"NOT JUDGED: {self.trouble}" if self.trouble else "SURVIVED"
        return f"{self.place.name} {self.mutant.name}: {fate} ({self.seconds:.1f} s)"


def fate(mutant: Mutant, original: Original, scratch: Path) -> Fate:
    """Apply a mutant to a fresh copy of the project inside ``scratch`` and look for what fails."""
    start = time.perf_counter()
    killer, unrun = "", []
    root = original.copy.root
    place = mutant.definition(root)
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        copy = original.copy.again(Path(folder))
        (copy.root / place.path).write_text(mutant.applied(root), encoding="utf-8")
        try:
            for stage in stages(place, root):
                seen = copy.run(stage)
                if seen.killer:
                    original.passes(stage)
                    killer = seen.killer
                    break
                unrun += seen.unrun if stage.names else []
        except Unusable as error:
            return Fate(mutant, place, "", str(error), time.perf_counter() - start)
    trouble = f"not run: {'; '.join(unrun)}" if unrun else ""
    return Fate(mutant, place, killer, trouble, time.perf_counter() - start)


def run(chosen: Sequence[Mutant], jobs: int) -> list[Fate]:
    """The fate of each mutant, printed as it is known."""
    fates = []
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        scratch = Path(folder).resolve()
        original = Original(Copy.of_project(scratch / "original"))
        root = original.copy.root
        for mutant in chosen:
            mutant.applied(root)
        unrun: set[str] = set()
        for first in dict.fromkeys(stages(mutant.definition(root), root)[0] for mutant in chosen):
            unrun |= set(original.passes(first).unrun)
        print("the project as it is: all pass", flush=True)
        for line in sorted(unrun):
            print(f"not run: {line}", flush=True)
        with ThreadPoolExecutor(jobs) as pool:
            waiting = [pool.submit(fate, mutant, original, scratch) for mutant in chosen]
            try:
                for done in as_completed(waiting):
                    fates.append(done.result())
                    print(fates[-1].line(), flush=True)
            except Broken:
                pool.shutdown(cancel_futures=True)
                raise
    return fates


def main(arguments: Sequence[str]) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(
        prog="mutants", description="Break theory or simulations in one place and see what notices."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="mutants, or parts of the project; all if left out")
    parser.add_argument("--list", action="store_true", help="name the mutants and what they change")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default 2)")
    options = parser.parse_args(arguments)
    start = time.perf_counter()
    try:
        chosen = named(options.names)
        if options.list:
            for mutant in chosen:
                print(f"{mutant.definition().name} {mutant.name}: {mutant.old!r} -> {mutant.new!r}")
            return 0
        fates = run(chosen, max(options.jobs, 1))
    except (ValueError, Broken) as error:
        print(f"mutants: {error}", file=sys.stderr)
        return 2
    modules = Counter(one.place.module for one in fates)
    killed = Counter(one.place.module for one in fates if one.killer)
    for module in sorted(modules):
        print(f"{module}: {killed[module]} of {modules[module]} killed")
    print(f"{killed.total()} of {len(fates)} mutants killed in {time.perf_counter() - start:.0f} s")
    left = [one for one in fates if not one.killer]
    for one in left:
        print(one.line())
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
