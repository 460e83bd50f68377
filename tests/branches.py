"""Which branches of the claims' checks no listed case reaches, and on which cases a check says nothing.

Every condition in theory/claims is made to tell which way it went: the test of an ``if``, of a conditional expression
and of a filter in a comprehension, each part of an ``and`` or ``or`` in it, the body of a loop and of a handler. Then
every claim's check runs over all its listed cases, and every control over its own up to its witness. Looked at are the
functions that a check enters, wherever they stand in theory/claims; a branch that only a failing number takes is
reached by a control.
"""

from __future__ import annotations

import argparse
import ast
import importlib.machinery
import importlib.util
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, Literal

from theory.arithmetic.exact import precision
from theory.claims.claim import Claim, Profile

ROOT = Path(__file__).resolve().parents[1]
_NAME = "__branches__"
"""What a module that tells its branches calls its notes."""


@dataclass(frozen=True, slots=True)
class Place:
    """A condition, loop or handler: where it stands and inside which function."""

    path: str
    line: int
    function: str
    text: str
    ways: tuple[str, ...]

    def said(self, way: str) -> str:
        """The branch in one line, for people."""
        return f"{self.path}:{self.line} {self.function}: {self.text} -> {way}"


@dataclass(slots=True)
class Notes:
    """Which ways the conditions went and which functions were entered, while something is being watched."""

    places: list[Place] = field(default_factory=list)
    gone: set[tuple[Place, str]] = field(default_factory=set)
    entered: set[tuple[str, str]] = field(default_factory=set)
    watching: Literal["check", "control", ""] = ""

    def test(self, number: int, value: Any) -> bool:
        """Note the truth of a condition and hand it on."""
        truth = bool(value)
        self.mark(number, str(truth).lower())
        return truth

    def mark(self, number: int, way: str) -> None:
        """Note that the place went this way."""
        if self.watching:
            self.gone.add((self.places[number], way))

    def enter(self, path: str, function: str) -> None:
        """Note that a check entered the function."""
        if self.watching == "check":
            self.entered.add((path, function))

    def unreached(self) -> list[str]:
        """The branches, in functions that were entered, that nothing went."""
        return [
            place.said(way)
            for place in self.places
            if (place.path, place.function) in self.entered
            for way in place.ways
            if (place, way) not in self.gone
        ]


class _Telling(ast.NodeTransformer):
    """Rewrites a module so that its conditions, loops, handlers and functions tell the notes."""

    def __init__(self, notes: Notes, path: str) -> None:
        self.notes, self.path = notes, path
        self.function: list[str] = []

    def _call(self, method: str, *arguments: ast.expr) -> ast.Call:
        return ast.Call(ast.Attribute(ast.Name(_NAME, ast.Load()), method, ast.Load()), list(arguments), [])

    def _place(self, node: ast.AST, text: str, ways: Sequence[str]) -> ast.Constant:
        line = getattr(node, "lineno", 0)
        place = Place(self.path, line, ".".join(self.function) or "<module>", text, tuple(ways))
        self.notes.places.append(place)
        return ast.Constant(len(self.notes.places) - 1)

    def _condition(self, test: ast.expr) -> ast.expr:
        """A test and each part of it, so that a guard of two reasons needs a case for each."""
        if isinstance(test, ast.BoolOp):
            return ast.BoolOp(test.op, [self._condition(part) for part in test.values])
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            return ast.UnaryOp(test.op, self._condition(test.operand))
        number = self._place(test, ast.unparse(test), ("true", "false"))
        return self._call("test", number, self.visit(test))

    def _first(self, body: list[ast.stmt], call: ast.Call) -> list[ast.stmt]:
        return [ast.Expr(call), *[self.visit(statement) for statement in body]]

    def _visit_function(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self.function.append(node.name)
        enter = self._call("enter", ast.Constant(self.path), ast.Constant(".".join(self.function)))
        node.body = self._first(node.body, enter)
        self.function.pop()
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        return self._visit_function(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        self.function.append(node.name)
        node.body = [self.visit(statement) for statement in node.body]
        self.function.pop()
        return node

    def visit_If(self, node: ast.If) -> ast.If:
        node.test = self._condition(node.test)
        node.body = [self.visit(statement) for statement in node.body]
        node.orelse = [self.visit(statement) for statement in node.orelse]
        return node

    def visit_While(self, node: ast.While) -> ast.While:
        node.test = self._condition(node.test)
        node.body = [self.visit(statement) for statement in node.body]
        node.orelse = [self.visit(statement) for statement in node.orelse]
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.IfExp:
        return ast.IfExp(self._condition(node.test), self.visit(node.body), self.visit(node.orelse))

    def visit_comprehension(self, node: ast.comprehension) -> ast.comprehension:
        tests = [self._condition(test) for test in node.ifs]
        return ast.comprehension(node.target, self.visit(node.iter), tests, node.is_async)

    def visit_For(self, node: ast.For) -> ast.For:
        number = self._place(node, f"for {ast.unparse(node.target)} in {ast.unparse(node.iter)}", ("body",))
        node.iter = self.visit(node.iter)
        node.body = self._first(node.body, self._call("mark", number, ast.Constant("body")))
        node.orelse = [self.visit(statement) for statement in node.orelse]
        return node

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.ExceptHandler:
        caught = ast.unparse(node.type) if node.type else ""
        number = self._place(node, f"except {caught}".rstrip(), ("body",))
        node.body = self._first(node.body, self._call("mark", number, ast.Constant("body")))
        return node


def telling(source: str, path: str, notes: Notes) -> CodeType:
    """The module of this source, compiled so that it tells the notes, which it knows as ``__branches__``."""
    tree = _Telling(notes, path).visit(ast.parse(source))
    return compile(ast.fix_missing_locations(tree), path, "exec")


class _Loader(importlib.machinery.SourceFileLoader):
    """Loads a module that tells its branches."""

    def __init__(self, name: str, path: str, notes: Notes) -> None:
        super().__init__(name, path)
        self.notes = notes

    def get_code(self, fullname: str) -> CodeType:
        path = Path(self.path)
        shown = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else path.name
        return telling(path.read_text("utf-8"), shown, self.notes)

    def exec_module(self, module: ModuleType) -> None:
        setattr(module, _NAME, self.notes)
        super().exec_module(module)


class Finder:
    """Makes the modules of theory.claims tell the notes; claim.py, which runs no check, is left alone."""

    def __init__(self, notes: Notes) -> None:
        self.notes = notes

    def find_spec(self, name: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        """The module's specification with the telling loader; None for what is not a claim's."""
        if not name.startswith("theory.claims.") or name == "theory.claims.claim":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.origin is not None:
            spec.loader = _Loader(name, spec.origin, self.notes)
        return spec


@dataclass(frozen=True, slots=True)
class Row:
    """What one claim's cases came to."""

    claim: str
    cases: int
    silent: tuple[str, ...]


def watch(claim: Claim, profile: Profile, notes: Notes) -> Row:
    """Run the claim's check and its controls; what makes the cases is not watched."""
    silent, count = [], 0
    for case in claim.cases(profile):
        count += 1
        notes.watching = "check"
        findings = sum(1 for _ in claim.check(case.content))
        notes.watching = ""
        if not findings:
            silent.append(case.name)
    for control in claim.controls:
        for case in control.cases(profile):
            notes.watching = "control"
            witness = any(finding.outcome == "fails" for finding in control.check(case.content))
            notes.watching = ""
            if witness:
                break
    return Row(claim.id, count, tuple(silent))


def table(rows: Iterable[Row]) -> Iterator[str]:
    """One line a claim: cases, silent cases and their names."""
    yield f"{'claim':36}{'cases':>7}{'silent':>8}"
    for row in rows:
        shown = ", ".join(row.silent[:6]) + (", .." if len(row.silent) > 6 else "")
        yield f"{row.claim:36}{row.cases:7}{len(row.silent):8}  {shown}".rstrip()


def main() -> int:
    """Print the table and the branches that are unreached; 1 if there are any.

    Of some claims only, what they share with the others is left out: a case of another may reach it.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("only", nargs="*", help="ids or families of claims; all by default")
    parser.add_argument("--profile", choices=("quick", "full"), default="quick")
    options = parser.parse_args()
    notes = Notes()
    sys.meta_path.insert(0, Finder(notes))
    registry = importlib.import_module("theory.claims.registry")
    profile = Profile(options.profile)
    with precision():
        rows = [watch(claim, profile, notes) for claim in registry.find(options.only)]
    own = {registry.modules()[row.claim].replace(".", "/") + ".py" for row in rows}
    unreached = [b for b in notes.unreached() if not options.only or b.partition(":")[0] in own]
    print("\n".join(table(rows)))
    print(f"\n{len(unreached)} branches unreached" + "".join(f"\n  {branch}" for branch in unreached))
    return 1 if unreached else 0


if __name__ == "__main__":
    raise SystemExit(main())
