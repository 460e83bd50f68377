"""README and docs: every block runs, every local link leads somewhere, and what is generated is what the code writes.

Python blocks are doctests, run by pytest itself. A block that begins with sh is run here; with "sh make", its targets
are those that .ci/run makes; with "sh bridge" or "sh cluster" it needs that extra. A toml block is a specification, a
run or a sweep, as its second word says, and is written beside the shell block that follows it.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from theory import answer
from theory.claims.registry import claims
from theory.report.claims import witness_file
from theory.report.paper_check import README_MARKS
from theory.report.sketches import theory_page
from theory.specification.reader import parse_document

CLAIMS = claims()

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
GENERATED = [ROOT / "paper_check.md", *sorted((ROOT / "docs").glob("*/*.md"))]
WITNESSES = sorted((ROOT / "examples" / "witnesses").glob("*.toml"))
NEEDS = {"bridge": ("torch", "transformers", "pyarrow"), "cluster": ("joblib", "pyarrow")}


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its page, the words behind the fence, its text, and the toml block before it in its section."""

    page: str
    words: tuple[str, ...]
    text: str
    before: str

    @property
    def name(self) -> str:
        return f"{self.page}: {self.text.splitlines()[0][:40]}"


def blocks() -> list[Block]:
    found = []
    for page in PAGES:
        before = ""
        for words, text in re.findall(r"^```(\w[^\n]*)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S):
            own = Block(page.name, tuple(words.split()), text, before)
            found.append(own)
            if own.words[0] == "toml":
                before = text
    return found


BLOCKS = blocks()
SHELL = [b for b in BLOCKS if b.words[0] == "sh" and b.words[1:] != ("make",)]


def test_every_block_is_of_a_known_kind() -> None:
    """So that none is left out: python is run by doctest, sh and toml below."""
    kinds = {" ".join(block.words) for block in BLOCKS}
    shells, models = {"sh", "sh make", "sh bridge", "sh cluster"}, {"toml", "toml exact", "toml run", "toml sweep"}
    files = {kind for kind in kinds if kind.startswith('python title="')}  # written where the page's commands are run
    assert kinds <= {"python", *files, *shells, *models}
    assert {block.page for block in BLOCKS if block.words[0] == "python"} >= {"README.md", "tutorial.md"}


@pytest.mark.parametrize("block", SHELL, ids=lambda block: block.name)
def test_shell(block: Block, tmp_path: Path) -> None:
    """In an empty folder with the examples, as a reader would type it."""
    for name in NEEDS.get(block.words[1] if len(block.words) > 1 else "", ()):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    for name, mark in (("run.toml", "[models]"), ("sweep.toml", "[sweep]")):
        if mark in block.before and name in block.text:
            (tmp_path / name).write_text(block.before, encoding="utf-8")
    for other in BLOCKS:
        title = re.fullmatch(r'python title="(\w+\.py)"', " ".join(other.words))
        if title is not None and other.page == block.page:
            (tmp_path / title[1]).write_text(other.text, encoding="utf-8")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block.text],
        cwd=tmp_path,
        env=os.environ | {"PATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_make_targets_are_run() -> None:
    """What a block of make commands says is in .ci/run, or is the check that .ci/run makes without writing."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    targets = {
        target
        for block in BLOCKS
        if block.words == ("sh", "make")
        for line in block.text.splitlines()
        for target in line.split("#")[0].split()[1:]
    }
    assert {"check", "test", "lint"} <= targets
    assert targets - {"check"} <= set(re.findall(r"[a-z-]+", script))
    assert "probqual check --verify" in script


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.words == ("toml", "exact")], ids=lambda block: block.name)
def test_specifications(block: Block) -> None:
    """A model that is shown is a model that is read."""
    assert answer(parse_document(block.text))["status"] == "OK"


def test_other_files_parse() -> None:
    for block in BLOCKS:
        if block.words[0] == "toml":
            tomllib.loads(block.text)


# --- links --------------------------------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """The headings of a page as GitHub makes anchors of them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    found = set()
    for heading in re.findall(r"^#+ (.*)$", text, flags=re.M):
        plain = re.sub(r"[`*]|\[([^]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        found.add(re.sub(r"[^\w\- ]", "", plain).replace(" ", "-"))
    return found


@pytest.mark.parametrize("page", [*PAGES, *GENERATED], ids=lambda page: page.name)
def test_local_links(page: Path) -> None:
    """Every relative link is a file that is there, and its anchor a heading of it."""
    text = re.sub(r"^```.*?^```$|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{page.name}: {link} leads nowhere"
        if anchor:
            assert anchor in anchors(target), f"{page.name}: {link}: no such heading"


# --- what is generated --------------------------------------------------------------------------------------------


def test_theory_page() -> None:
    """docs/theory.md names every claim with a link to its page; a claim without a sketch is named."""
    page = theory_page(CLAIMS)
    assert (ROOT / "docs" / "theory.md").read_text(encoding="utf-8") == page
    for claim in CLAIMS:
        assert f"\n- [{claim.id}](claims/{claim.id}.md): {claim.title}.\n" in page
    with pytest.raises(ValueError, match=r"alignment\.gibbs has no sketch"):
        theory_page([dataclasses.replace(CLAIMS[0], sketch=" ")])


def test_generated_pages_are_of_these_claims() -> None:
    """A page a claim, no more and no less; what they say, `probqual check --verify` compares."""
    assert {path.stem for path in (ROOT / "docs" / "claims").iterdir()} == {claim.id for claim in CLAIMS}


@pytest.mark.parametrize("path", WITNESSES, ids=lambda path: path.stem)
def test_witnesses(path: Path) -> None:
    """`probqual exact` takes the file, and it is named after a claim's control."""
    assert answer(parse_document(path.read_text(encoding="utf-8")))["status"] in {"OK", "DIVERGENT"}
    assert any(path.stem == Path(witness_file(c.id, own.name)).stem for c in CLAIMS for own in c.controls)


def test_sketches_are_written() -> None:
    """Each says something, and its dollars come in pairs."""
    for claim in CLAIMS:
        assert len(claim.sketch.split()) >= 8, claim.id
        assert claim.sketch.count("$") % 2 == 0, claim.id
        assert claim.sketch.count("{") == claim.sketch.count("}"), claim.id


def test_readme_has_its_table() -> None:
    """Between the marks: the three sentences, as in paper_check.md."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text.partition(README_MARKS[0])[2].partition(README_MARKS[1])[0]
    assert table.count("\n| ") == 5
    assert "Not established" not in table


def test_versions_agree() -> None:
    """One version: pyproject.toml's; the citation repeats it."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
