"""Files of every kind at random, the same ones each time: see ``tests.fuzzing``."""

from __future__ import annotations

from importlib import import_module

import pytest

from tests.fuzzing import specifications
from tests.fuzzing.watching import run


def test_specifications_at_random() -> None:
    """Some hundred files: exit 0 or 2, quickly, in little memory, no null without a word."""
    seen = run(specifications.FILES, specifications.check, 300, derandomize=True)
    assert seen.failures == []
    assert set(seen.statuses) == {0, 2}
    assert min(seen.statuses.values()) > 30


@pytest.mark.parametrize(
    ("kind", "inputs", "needed"),
    [
        ("sweeps", 120, ["pyarrow", "joblib"]),
        ("runs", 80, ["torch", "pyarrow"]),
        ("prompts", 120, ["torch", "pyarrow"]),
    ],
)
def test_files_at_random(kind: str, inputs: int, needed: list[str]) -> None:
    """Exit 0 with what the file asks for, or 2 with one line and nothing begun."""
    for library in needed:
        pytest.importorskip(library)
    module = import_module(f"tests.fuzzing.{kind}")
    seen = run(module.FILES, module.check, inputs, derandomize=True)
    assert seen.failures == []
    assert set(seen.statuses) == {0, 2}
    assert min(seen.statuses.values()) > inputs // 20
