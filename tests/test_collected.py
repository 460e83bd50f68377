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

from tests.test_architecture import OPTIONAL

ROOT = Path(__file__).resolve().parents[1]


BARE = f"""
import sys
from importlib.machinery import PathFinder


class Bare(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in {sorted(OPTIONAL)} else super().find_spec(name, path, target)


sys.meta_path[sys.meta_path.index(PathFinder)] = Bare
"""
"""Makes an interpreter that has none of the optional libraries, whether they are installed or not."""


def collected(path: Path, before: str = "") -> subprocess.CompletedProcess[str]:
    """What pytest finds when doctests are left out, so that an import error is an error."""
    options = ["--collect-only", "-q", "-o", "addopts=--import-mode=importlib", "-p", "no:cacheprovider"]
    program = f"{before}\nimport sys, pytest\nsys.exit(pytest.main(sys.argv[1:]))"
    command = [sys.executable, "-c", program, *options, str(path)]
    inside = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(command, cwd=ROOT, env=inside, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_every_test_module_can_be_imported() -> None:
    done = collected(ROOT / "tests")
    assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.slow
def test_the_core_collects_without_torch() -> None:
    """With no optional library every module collects or skips itself, and the core's tests are there."""
    done = collected(ROOT / "tests", BARE)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "tests/theory/claims/test_registry.py::test_verdict[adaptors.exchange]" in done.stdout


def test_an_optional_library_is_hidden(tmp_path: Path) -> None:
    """A module that needs one is not collected by the bare interpreter."""
    needs = tmp_path / "test_needs.py"
    needs.write_text("import numba\n\n\ndef test_it() -> None:\n    assert numba\n", "utf-8")
    assert "No module named 'numba'" in collected(needs, BARE).stdout


def test_a_module_that_cannot_be_imported_is_found(tmp_path: Path) -> None:
    lost = tmp_path / "test_lost.py"
    lost.write_text("from theory import no_such_name\n\n\ndef test_it() -> None:\n    assert no_such_name\n", "utf-8")
    assert collected(lost).returncode != 0
