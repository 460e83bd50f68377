"""Show that statements with one thing changed are refused: their negation is proved, or their own proof fails on them.

``python proofs/mutants.py`` compiles the proofs, then tries each mutant of mutants.toml. A proof that is replayed must
first succeed on the statement as it is, so that its failure on the mutant means something. Exit status as check.py's.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
import tomllib
from pathlib import Path

from check import FOLDER, INSTALL, LIBRARY, OPTIONS, Refused, Statement, compile_in, inspect, run, sources


def body(text: str) -> str:
    """What a definition ``Definition NAME : Prop := BODY.`` defines.

    >>> body("Definition yes : Prop :=\\n  True.")
    'True'
    """
    return text.split(":=", 1)[1].strip().removesuffix(".")


def script(name: str, source: str) -> str:
    """The proof of a statement, without Proof and Qed."""
    found = re.search(rf"^Theorem {name}_holds\s*:\s*{name}\.\nProof\.(.*?)Qed\.$", source, re.MULTILINE | re.DOTALL)
    if found is None:
        raise Refused(f"{name} has no proof of the usual shape")
    return found.group(1).strip()


def mutated(text: str, old: str, new: str) -> str:
    """The text with the one occurrence of ``old`` replaced.

    >>> mutated("x <= y", "<=", "<")
    'x < y'

    Raises:
        Refused: it does not occur exactly once.
    """
    if text.count(old) != 1:
        raise Refused(f"{old!r} must occur once, not {text.count(old)} times, in {text}")
    return text.replace(old, new)


def attempt(folder: Path, modules: list[str], prop: str, proof: str, negated: bool) -> bool:
    """Whether Coq accepts the script as a proof of the proposition, or of its negation."""
    lines = [
        "Require Import Reals Lra Lia List Psatz.",
        "From Coquelicot Require Import Coquelicot.",
        f"From {LIBRARY} Require Import {' '.join(modules)}.",
        "Import ListNotations.\nOpen Scope R_scope.",
        f"Definition mutant : Prop :=\n{prop}.",
        f"Theorem judged : {'~ ' if negated else ''}mutant.\nProof.\n{proof}\nQed.",
    ]
    (folder / "Mutant.v").write_text("\n".join(lines) + "\n", encoding="utf-8")
    try:
        run(["coqc", *OPTIONS, "Mutant.v"], folder)
    except Refused:
        return False
    return True


def judge(folder: Path, files: tuple[Path, ...], stated: dict[str, Statement], one: dict[str, str]) -> str:
    """How a mutant is refused, in words.

    Raises:
        Refused: it is not, or it changes nothing that can be judged.
    """
    modules = [path.stem for path in files]
    statement = stated[one["statement"]]
    prop = body(mutated(statement.text, one["old"], one["new"]))
    if "refutation" in one:
        if not attempt(folder, modules, prop, one["refutation"], negated=True):
            raise Refused(f"{one['name']}: the negation is not proved")
        return "its negation is proved"
    source = "\n".join(path.read_text(encoding="utf-8") for path in files)
    proof = script(statement.name, source)
    if not attempt(folder, modules, body(statement.text), proof, negated=False):
        raise Refused(f"{one['name']}: the proof fails on the statement itself when replayed")
    if attempt(folder, modules, prop, proof, negated=False):
        raise Refused(f"{one['name']}: the mutant has the same proof")
    return "its proof fails"


def main() -> int:
    """0 if every mutant is refused, 1 if not, 2 without Coq."""
    if not shutil.which("coqc"):
        print(f"Coq is not installed: {INSTALL}", file=sys.stderr)
        return 2
    mutants = tomllib.loads((FOLDER / "mutants.toml").read_text(encoding="utf-8"))["mutant"]
    try:
        files = sources()
        stated, _ = inspect(files)
        with tempfile.TemporaryDirectory() as name:
            compile_in(Path(name), files)
            for one in mutants:
                print(f"{one['statement']}, {one['name']}: {judge(Path(name), files, stated, one)}", flush=True)
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    print(f"{len(mutants)} mutants refused")
    return 0


if __name__ == "__main__":
    sys.exit(main())
