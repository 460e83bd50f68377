"""The outputs of a checkout, frozen, and the comparison of two such freezes: what a change of layout must leave alone.

python -m tests.frozen write FOLDER      # check --profile full, exact on every example, compare --profile quick
python -m tests.frozen compare OLD NEW   # what differs, seconds apart; exit status 1 if anything does
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

VOLATILE = {"seconds"}
"""Keys whose values differ from run to run."""


def commands(folder: Path) -> Iterator[tuple[str, ...]]:
    """Every command that is frozen; each writes into the folder."""
    for example in sorted((ROOT / "examples").glob("*.toml")):
        if "[prior]" in example.read_text(encoding="utf-8"):
            yield ("exact", str(example), "--json", str(folder / f"exact-{example.stem}.json"))
    yield ("check", "--json", str(folder / "check.json"), "--output", str(folder / "paper_check.md"))
    yield ("compare", "--profile", "quick", "--json", str(folder / "compare.json"))
    yield ("claims", "--json", str(folder / "claims.json"))


def write(folder: Path) -> None:
    """Freeze this checkout."""
    folder.mkdir(parents=True, exist_ok=True)
    for command in commands(folder):
        done = subprocess.run([sys.executable, "-m", "probqual", *command], cwd=ROOT, capture_output=True, text=True)
        (folder / f"{command[0]}-{Path(command[-1]).stem}.out").write_text(done.stderr if done.returncode else "")
        print(f"{' '.join(command[:2])}: exit {done.returncode}", flush=True)


def differences(old: Any, new: Any, where: str = "") -> Iterator[str]:
    """The places at which two JSON values differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(k for k in new if k not in old)]:
            if key not in VOLATILE:
                if key not in old or key not in new:
                    yield f"{where}.{key}: only in the {'new' if key in new else 'old'} one"
                else:
                    yield from differences(old[key], new[key], f"{where}.{key}")
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for place, (one, two) in enumerate(zip(old, new, strict=True)):
            yield from differences(one, two, f"{where}[{place}]")
    elif old != new or type(old) is not type(new):
        yield f"{where}: {str(old)[:80]} -> {str(new)[:80]}"


def text_differences(old: str, new: str) -> Iterator[str]:
    """The lines at which two texts differ."""
    for number, (one, two) in enumerate(zip_longest(old.splitlines(), new.splitlines()), start=1):
        if one != two:
            yield f"line {number}: {str(one)[:80]} -> {str(two)[:80]}"


def compare(old: Path, new: Path) -> int:
    """Print what differs; how much."""
    count = 0
    for name in sorted({path.name for folder in (old, new) for path in folder.iterdir()}):
        one, two = old / name, new / name
        if not (one.exists() and two.exists()):
            found = [f"only in {old if one.exists() else new}"]
        elif name.endswith(".json"):
            found = list(differences(json.loads(one.read_text()), json.loads(two.read_text())))
        else:
            found = list(text_differences(one.read_text(), two.read_text()))
        count += len(found)
        print(f"{name}: {'identical' if not found else f'{len(found)} differences'}")
        for line in found[:20]:
            print(f"    {line}")
    return count


def main(arguments: Sequence[str]) -> int:
    """The exit status."""
    match arguments:
        case ["write", folder]:
            write(Path(folder).resolve())
            return 0
        case ["compare", old, new]:
            return 1 if compare(Path(old), Path(new)) else 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
