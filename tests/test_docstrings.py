"""What public docstrings must say beyond being there, which ruff checks: errors that are raised, shapes of arrays."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

import simulations
import theory

ROOT = Path(__file__).resolve().parents[1]
FILES = [
    path
    for name in ("theory", "simulations", "figures", "probqual")
    for path in sorted((ROOT / name).rglob("*.py"))
    if path.parent.name not in {"data", "commands"}  # the docstring of a command is its help
]

SLIPS = {"AssertionError", "TypeError", "NotImplementedError", "StopIteration"}
"""Raised for slips of our own, not for what is given."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def public_functions(tree: ast.Module) -> Iterator[tuple[str, Function]]:
    """Functions of the module and methods of its classes whose names have no underscore in front."""
    for node in tree.body:
        members = node.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_") else [node]
        for member in members:
            if isinstance(member, Function) and not member.name.startswith("_"):
                owner = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
                yield owner + member.name, member


def raised(function: Function) -> set[str]:
    """The names of the exceptions that the function itself raises; not what a function inside it does."""
    found, waiting = set(), list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, Function | ast.Lambda | ast.ClassDef):
            continue
        if isinstance(node, ast.Raise) and node.exc is not None:
            target = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            if isinstance(target, ast.Name):
                found.add(target.id)
        waiting.extend(ast.iter_child_nodes(node))
    return found - SLIPS


def undocumented_errors(source: str) -> list[str]:
    """Public functions that raise what their docstring does not name."""
    found = []
    for name, function in public_functions(ast.parse(source)):
        text = ast.get_docstring(function) or ""
        _, _, section = text.partition("Raises:")
        found += [f"{name} raises {error}" for error in sorted(raised(function)) if error not in section]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_errors_are_documented(path: Path) -> None:
    assert undocumented_errors(path.read_text(encoding="utf-8")) == []


def test_an_undocumented_error_is_found() -> None:
    source = '''
def f(x):
    """Of x."""
    if x:
        raise ValueError("no")

class A:
    def g(self):
        """Nothing.

        Raises:
            ValueError: always.
        """
        raise ValueError

    def _h(self):
        raise KeyError

def k():
    """A slip."""
    raise AssertionError
'''
    assert undocumented_errors(source) == ["f raises ValueError"]


def exported() -> Iterator[tuple[str, object]]:
    for package in (theory, simulations):
        for name in package.__all__:
            yield f"{package.__name__}.{name}", getattr(package, name)


@pytest.mark.parametrize(("name", "thing"), list(exported()), ids=[name for name, _ in exported()])
def test_exported_names_are_described(name: str, thing: object) -> None:
    """Each has a docstring of its own; of a function that takes arrays it says their shapes."""
    if not (inspect.isfunction(thing) or inspect.isclass(thing)):
        return
    text = inspect.getdoc(thing)
    assert text, name
    assert text != object.__doc__
    if inspect.isfunction(thing):
        arrays = [p for p in inspect.signature(thing).parameters.values() if "Array" in str(p.annotation)]
        arrays += [p for p in inspect.signature(thing).parameters.values() if str(p.annotation) in {"Floats", "Index"}]
        module = inspect.getdoc(inspect.getmodule(thing)) or ""
        assert not arrays or "shape" in text or "(n,)" in text or "of shape (n,)" in module, (
            f"{name}: say the shapes of its arrays"
        )
