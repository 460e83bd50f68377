"""Compile the proofs, have Coq's checker verify them, and write what was proved, from which axioms, to checked.json.

``python proofs/check.py`` needs coqc, coqchk and Coquelicot; without them it says how to install them and exits with 2.
It exits with 1 if a proof fails, if a statement has no theorem of exactly its type, or if an axiom is used that is not
one of the standard library's on real numbers. ``--verify`` compares with checked.json instead of writing it, and
``--fast`` leaves out Coq's checker, which takes most of the time. Nothing but Python's standard library is imported.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
FORMAT = 1
INSTALL = "apt-get install coq libcoq-coquelicot"
LIBRARY = "ProbQual"
OPTIONS = ("-w", "-ambiguous-paths", "-Q", ".", LIBRARY)

AXIOMS = {
    "ClassicalDedekindReals.sig_forall_dec",
    "ClassicalDedekindReals.sig_not_dec",
    "FunctionalExtensionality.functional_extensionality_dep",
    "Classical_Prop.classic",
}
"""What Coq's standard library assumes of real numbers and of functions, and the law of the excluded middle."""

_FORBIDDEN = re.compile(
    r"\b(Admitted|admit|give_up|Axioms?|Parameters?|Conjectures?|bypass_check"
    r"|Unset\s+(?:Guard|Positivity|Universe)\s+Checking)\b"
)
_STATEMENT = re.compile(
    r"^\(\*\* (?P<claim>[a-z-]+\.[a-z0-9-]+)(?:, control (?P<control>[a-z0-9/-]+))?: "
    r"(?P<sentence>(?:(?!\*\)).)*?) \*\)\n(?P<text>Definition (?P<name>\w+) : Prop :=(?:(?!\n\n).)*?\.)$",
    re.MULTILINE | re.DOTALL,
)
_PROP = re.compile(r"^Definition (\w+) : Prop\b", re.MULTILINE)
_THEOREM = re.compile(r"^Theorem (\w+)_holds\s*:\s*(\w+)\.$", re.MULTILINE)


class Refused(Exception):
    """The proofs do not establish what they should; the message says what and where."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of a claim's clause, or of a control, as its source has it."""

    name: str
    claim: str
    control: str | None
    sentence: str
    text: str
    file: str


def sha256(content: bytes | str) -> str:
    """The SHA-256 of bytes or of a text in UTF-8."""
    return hashlib.sha256(content.encode("utf-8") if isinstance(content, str) else content).hexdigest()


def without_comments(source: str) -> str:
    """A Coq source without its comments, which may be nested."""
    depth, kept = 0, []
    for part in re.split(r"(\(\*|\*\))", source):
        if part == "(*":
            depth += 1
        elif part == "*)":
            depth -= 1
        elif depth == 0:
            kept.append(part)
    return "".join(kept)


def sources(folder: Path = FOLDER) -> tuple[Path, ...]:
    """The files of _CoqProject, in the order of their imports.

    Raises:
        Refused: a source lies in the folder and is not listed, or the other way.
    """
    lines = (folder / "_CoqProject").read_text(encoding="utf-8").splitlines()
    listed = [line for line in lines if line.endswith(".v")]
    present = {path.name for path in folder.glob("*.v")}
    if set(listed) != present or len(listed) != len(present):
        raise Refused(f"_CoqProject and the folder must list the same files; they differ by {set(listed) ^ present}")
    return tuple(folder / name for name in listed)


def statements(files: Sequence[Path]) -> dict[str, Statement]:
    """{name: statement} of the files named ...Statements.v.

    Raises:
        Refused: a Prop without arguments that has no comment with a claim's id in front of it.
    """
    found: dict[str, Statement] = {}
    for path in files:
        if not path.stem.endswith("Statements"):
            continue
        source = path.read_text(encoding="utf-8")
        for match in _STATEMENT.finditer(source):
            part = match.groupdict()
            sentence = " ".join(part["sentence"].split())
            name = part["name"]
            found[name] = Statement(name, part["claim"], part["control"], sentence, part["text"], path.name)
        bare = [name for name in _PROP.findall(source) if name not in found]
        if bare:
            raise Refused(f"{path.name}: {bare[0]} needs a comment (** claim-id: sentence. *) in front of it")
    return found


def theorems(files: Sequence[Path]) -> dict[str, Path]:
    """{statement: file} of the theorems ``Theorem NAME_holds : NAME.``

    Raises:
        Refused: one of another shape, or two of one statement.
    """
    found: dict[str, Path] = {}
    for path in files:
        for name, kind in _THEOREM.findall(without_comments(path.read_text(encoding="utf-8"))):
            if name != kind or name in found:
                raise Refused(f"{path.name}: {name}_holds must prove {name}, once; it proves {kind}")
            found[name] = path
    return found


def inspect(files: Sequence[Path]) -> tuple[dict[str, Statement], dict[str, Path]]:
    """The statements and where each is proved, from the text alone.

    Raises:
        Refused: something is assumed instead of proved, or a statement and its theorem do not match.
    """
    for path in files:
        assumed = _FORBIDDEN.search(without_comments(path.read_text(encoding="utf-8")))
        if assumed:
            raise Refused(f"{path.name}: {assumed.group()} is an assumption, not a proof")
    stated, proved = statements(files), theorems(files)
    if set(stated) != set(proved):
        raise Refused(f"every statement needs one theorem, and the other way: {sorted(set(stated) ^ set(proved))}")
    return stated, proved


def run(command: Sequence[str], folder: Path) -> str:
    """The standard output of a command.

    Raises:
        Refused: it fails; with what it printed.
    """
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(f"{' '.join(command)}\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return done.stdout


def compile_in(folder: Path, files: Sequence[Path]) -> None:
    """Copy the sources to a folder and compile them there.

    Raises:
        Refused: a proof fails.
    """
    for path in files:
        shutil.copy(path, folder / path.name)
        run(["coqc", *OPTIONS, path.name], folder)


def assumptions(folder: Path, stated: Mapping[str, Statement], proved: Mapping[str, Path]) -> list[str]:
    """The axioms that Coq prints of all theorems, once it has accepted each as a proof of exactly its statement.

    Asked of one tuple of all theorems: Coq then walks through what they share once.

    Raises:
        Refused: a theorem proves something else, or an axiom is used that is not allowed.
    """
    modules = sorted({path.stem for path in proved.values()} | {Path(one.file).stem for one in stated.values()})
    lines = [f"From {LIBRARY} Require {' '.join(modules)}."]
    for name, one in stated.items():
        lines.append(f"Definition exactly_{name} : {Path(one.file).stem}.{name} := {proved[name].stem}.{name}_holds.")
    everything = ", ".join(f"exactly_{name}" for name in stated)
    lines += [f"Definition everything := ({everything}).", "Print Assumptions everything."]
    (folder / "Assumptions.v").write_text("\n".join(lines) + "\n", encoding="utf-8")
    printed = run(["coqc", *OPTIONS, "Assumptions.v"], folder)
    axioms = set(re.findall(r"^([A-Za-z_][\w.']*)(?=\s*(?::|$))", printed, re.MULTILINE)) - {"Axioms"}
    if axioms - AXIOMS or not ("Axioms:" in printed or "Closed under the global context" in printed):
        raise Refused(f"the proofs rest on {sorted(axioms - AXIOMS)}, which is not among the axioms allowed")
    return sorted(axioms)


def versions() -> dict[str, str]:
    """Of Coq and of Coquelicot, the latter as Debian's or opam's package says; else 'unknown'."""
    coq = re.search(r"version ([\w.+]+)", run(["coqc", "--version"], FOLDER))
    for command in (
        ["dpkg-query", "-W", "-f=${Version}", "libcoq-coquelicot"],
        ["opam", "show", "-f", "installed-version", "coq-coquelicot"],
    ):
        if shutil.which(command[0]):
            printed = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
            if re.match(r"\d", printed):
                return {"coq": coq.group(1) if coq else "unknown", "coquelicot": re.split(r"[-+~]", printed)[0]}
    return {"coq": coq.group(1) if coq else "unknown", "coquelicot": "unknown"}


def record(
    files: Sequence[Path],
    stated: Mapping[str, Statement],
    proved: Mapping[str, Path],
    axioms: Sequence[str],
) -> dict[str, Any]:
    """What checked.json holds."""
    return {
        "format": FORMAT,
        "versions": versions(),
        "axioms": list(axioms),
        "sources": {path.name: sha256(path.read_bytes()) for path in files},
        "statements": {
            name: {
                "claim": one.claim,
                "control": one.control,
                "sentence": one.sentence,
                "file": one.file,
                "proof": proved[name].name,
                "text": one.text,
                "sha256": sha256(one.text),
            }
            for name, one in sorted(stated.items())
        },
    }


def write(path: Path, content: Mapping[str, Any]) -> None:
    """The file whole or not at all."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    temporary.replace(path)


def check(*, verify: bool, fast: bool) -> str:
    """Prove everything and write or compare checked.json; a line on what was proved.

    Raises:
        Refused: something is not proved, or checked.json differs.
    """
    files = sources()
    stated, proved = inspect(files)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        compile_in(folder, files)
        checker = ["coqchk", "-silent", "-Q", ".", LIBRARY, *(f"{LIBRARY}.{path.stem}" for path in files)]
        with ThreadPoolExecutor() as pool:
            checked = None if fast else pool.submit(run, checker, folder)
            axioms = assumptions(folder, stated, proved)
            if checked is not None:
                checked.result()
    content, path = record(files, stated, proved, axioms), FOLDER / "checked.json"
    if verify:
        written = json.loads(path.read_text(encoding="utf-8"))
        if {**written, "versions": None} != {**content, "versions": None}:
            raise Refused("checked.json is not what the proofs give; run `make proofs`")
    elif not fast:
        write(path, content)
    controls = sum(one.control is not None for one in stated.values())
    claims = len({one.claim for one in stated.values()})
    return f"{len(stated) - controls} clauses of {claims} claims and {controls} controls proved; {len(AXIOMS)} axioms"


def main() -> int:
    """0 if everything is proved, 1 if not, 2 without Coq."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--verify", action="store_true", help="compare with checked.json instead of writing it")
    parser.add_argument("--fast", action="store_true", help="leave out coqchk, and write nothing")
    given = parser.parse_args()
    if not (shutil.which("coqc") and shutil.which("coqchk")):
        print(f"Coq is not installed: {INSTALL}", file=sys.stderr)
        return 2
    try:
        print(check(verify=given.verify, fast=given.fast))
    except Refused as refused:
        missing = "Cannot find" in str(refused) and "Coquelicot" in str(refused)
        print(f"Coquelicot is not installed: {INSTALL}" if missing else refused, file=sys.stderr)
        return 2 if missing else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
