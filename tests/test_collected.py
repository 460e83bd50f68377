"""No test module is lost in silence.

With --doctest-ignore-import-errors, which lets doctests of optional modules be skipped, pytest also takes a test module
that cannot be imported for one without tests.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def collected(path: Path) -> subprocess.CompletedProcess[str]:
    """What pytest finds when doctests are left out, so that an import error is an error."""
    options = ["--collect-only", "-q", "-o", "addopts=--import-mode=importlib", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *options, str(path)]
    inside = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(command, cwd=ROOT, env=inside, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_every_test_module_can_be_imported() -> None:
    done = collected(ROOT / "tests")
    assert done.returncode == 0, done.stdout[-2000:]


def test_a_module_that_cannot_be_imported_is_found(tmp_path: Path) -> None:
    lost = tmp_path / "test_lost.py"
    lost.write_text("from theory import no_such_name\n\n\ndef test_it() -> None:\n    assert no_such_name\n", "utf-8")
    assert collected(lost).returncode != 0
