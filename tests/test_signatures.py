"""How many functions say Any of what they take or give: no more than now, in each part of the project.

    python -m tests.test_signatures

prints the counts. A number in MOST is lowered when its part has fewer, and never raised.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

MOST: dict[str, int] = {
    "probqual": 14,
    "theory/adaptors": 6,
    "theory/arithmetic": 12,
    "theory/automata": 8,
    "theory/claims": 7,
    "theory/corpora": 31,
    "theory/language_models": 3,
    "theory/names.py": 2,
    "theory/probability": 18,
    "theory/quantities": 5,
    "theory/reference_code.py": 3,
}
"""By folder; a part that is not listed has none."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def part_of(path: Path) -> str:
    """A folder of theory or simulations, or the whole of figures or probqual."""
    parts = path.relative_to(ROOT).parts
    return "/".join(parts[:2]) if parts[0] in {"theory", "simulations"} else parts[0]


def annotations(function: Function) -> Iterator[ast.expr]:
    """What a signature says of its arguments and its result."""
    given = function.args
    several = (given.vararg, given.kwarg)
    for one in (*given.posonlyargs, *given.args, *given.kwonlyargs, *several):
        if one is not None and one.annotation is not None:
            yield one.annotation
    if function.returns is not None:
        yield function.returns


def says_any(annotation: ast.expr) -> bool:
    """Whether Any occurs in it; a quoted annotation is read, too."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        annotation = ast.parse(annotation.value, mode="eval").body
    return any(getattr(node, "id", getattr(node, "attr", None)) == "Any" for node in ast.walk(annotation))


def untyped(source: str) -> list[str]:
    """The functions of a module whose signatures say Any."""
    functions = (node for node in ast.walk(ast.parse(source)) if isinstance(node, Function))
    return [function.name for function in functions if any(says_any(a) for a in annotations(function))]


@cache
def counts() -> Counter[str]:
    """How many there are in each part."""
    found: Counter[str] = Counter()
    for folder in ("theory", "simulations", "figures", "probqual"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            found[part_of(path)] += len(untyped(path.read_text(encoding="utf-8")))
    return found


@pytest.mark.parametrize("part", sorted({*MOST, *counts()}))
def test_no_part_has_more(part: str) -> None:
    assert counts()[part] <= MOST.get(part, 0), f"{part} has {counts()[part]} functions whose signature says Any"


def test_what_is_counted() -> None:
    """Arguments of every kind and results; not bodies, not names that hold Any, not other types."""
    source = """
def a(x: Any) -> int: ...
def b(*, x: dict[str, Any] = {}) -> int: ...
def c(*rest: "list[Any]") -> int: ...
def d() -> typing.Any: ...
async def e(**more: Callable[..., Any]) -> None:
    def f(x: Any) -> None: ...
class G:
    def h(self, x, /, y: int | Any) -> None: ...
def i(x: Anything, y: object) -> list[int]:
    z: Any = x
def j(x: Annotated[str, "Any text."]) -> str: ...
"""
    assert sorted(untyped(source)) == list("abcdefh")


if __name__ == "__main__":
    for part, count in sorted(counts().items()):
        if count:
            print(f"    {part!r}: {count},".replace("'", '"'))
