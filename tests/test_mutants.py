"""The list of mutants is about the present source; running them is ``make mutants``."""

from __future__ import annotations

import ast
import shutil
from collections import Counter
from pathlib import Path

import pytest

from tests.mutants import (
    MUTANTS,
    ROOT,
    Broken,
    Copy,
    Found,
    Mutant,
    Original,
    Stage,
    definition,
    definitions,
    fate,
    main,
    named,
    read_list,
    stages,
)
from theory.claims.registry import find


def meaning(source: str) -> str:
    """What a module computes: its syntax tree without docstrings."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body[0] = ast.Pass()
    return ast.dump(tree)


# --- the list -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", sorted({mutant.where for mutant in MUTANTS}))
def test_every_mutant_applies_once(where: str) -> None:
    """The name is of one definition; each passage stands in it exactly once, and replacing it gives another program."""
    present = meaning((ROOT / definition(where).path).read_text(encoding="utf-8"))
    for mutant in MUTANTS:
        if mutant.where == where:
            assert meaning(mutant.applied()) != present, mutant.name


def test_names_are_unique() -> None:
    """A survivor is known by its name."""
    assert [name for name, count in Counter(m.name for m in MUTANTS).items() if count > 1] == []


def test_no_mutant_is_listed_twice() -> None:
    """Two names for one change would count it twice."""
    changes = Counter((m.definition(), m.old, m.new) for m in MUTANTS)
    assert [change for change, count in changes.items() if count > 1] == []


@pytest.mark.parametrize(("part", "mutants", "modules"), [("theory", 200, 30), ("simulations", 60, 15)])
def test_mutants_are_many_and_spread(part: str, mutants: int, modules: int) -> None:
    """In both parts of the project, and in many modules of each."""
    chosen = named([part])
    assert len(chosen) >= mutants
    assert len({mutant.definition().module for mutant in chosen}) >= modules


def test_what_should_kill_them_exists() -> None:
    """Every mutant has test files of its own, and the families of claims are known."""
    for mutant in MUTANTS:
        first, *others = stages(mutant.definition())
        assert first.what == "tests", f"no test file imports what {mutant.name} breaks"
        assert first.names, f"no test file imports what {mutant.name} breaks"
        for stage in others:
            if stage.what == "claims":
                find(stage.names)


# --- where a mutant is --------------------------------------------------------------------------------------------


LAW = """TOTAL = 1

class Law:
    def sum(self):
        return TOTAL + 0

def sum():
    return 0
"""
DRAWS = """try:
    import numba
    FAST = 1
except ImportError:
    FAST = 0

def draw():
    def inner():
        return 1

    a = 1
    return inner() + a

@staticmethod
def count():
    return 1
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project: what is defined where, what is tested by what."""
    files = {
        "theory/law.py": LAW,
        "theory/claims/line/rate.py": "from theory import law\n",
        "theory/claims/models.py": "from theory.law import Law\n",
        "simulations/__init__.py": "",
        "simulations/files.py": "def read():\n    return 0\n",
        "simulations/store.py": "from simulations.files import read\n",
        "simulations/draws.py": DRAWS,
        "tests/theory/test_law.py": "from theory.law import Law\n",
        "tests/test_line.py": "from theory import law\n",
        "tests/laws.py": "import theory.law\n",
        "tests/test_store.py": "from simulations import store\n",
        "tests/test_draws.py": "def test():\n    from simulations.draws import draw\n",
    }
    for name, source in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(source, encoding="utf-8")
    return tmp_path


def test_what_is_defined(project: Path) -> None:
    """Functions, classes and the constants of a module, wherever in it they stand; not what a function assigns."""
    assert [one.name for one in definitions(project)] == [
        "theory.law.TOTAL",
        "theory.law.Law",
        "theory.law.Law.sum",
        "theory.law.sum",
        "simulations.draws.FAST",
        "simulations.draws.FAST",
        "simulations.draws.draw",
        "simulations.draws.draw.inner",
        "simulations.draws.count",
        "simulations.files.read",
    ]


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("TOTAL", "theory.law.TOTAL"),
        ("Law.sum", "theory.law.Law.sum"),
        ("law.sum", "theory.law.sum"),
        ("inner", "simulations.draws.draw.inner"),
        ("simulations.draws.count", "simulations.draws.count"),
    ],
)
def test_a_name_as_short_as_is_unambiguous(name: str, full: str, project: Path) -> None:
    """The end of the full name, by whole words."""
    assert definition(name, project).name == full


def test_an_ambiguous_name_is_refused(project: Path) -> None:
    """With the candidates and where they stand; so is a name that one module gives twice."""
    with pytest.raises(ValueError, match="sum is ambiguous") as caught:
        definition("sum", project)
    assert "theory.law.Law.sum (theory/law.py:4)" in str(caught.value)
    assert "theory.law.sum (theory/law.py:7)" in str(caught.value)
    with pytest.raises(ValueError, match=r"FAST is ambiguous: .*draws.py:3.*draws.py:5"):
        definition("FAST", project)


@pytest.mark.parametrize("name", ["sums", "aw.sum", "Law.summ", "law"])
def test_an_unknown_name_is_refused(name: str, project: Path) -> None:
    """With what is close to it; a module is not a name, nor is a part of a word."""
    with pytest.raises(ValueError, match=f"nothing is called {name}; close to it: theory.law.") as caught:
        definition(name, project)
    assert "(theory/law.py:" in str(caught.value)
    with pytest.raises(ValueError, match="nothing is called"):
        Mutant("m", name, "a", "b").applied(project)


@pytest.mark.parametrize(
    ("where", "old"),
    [
        ("law.sum", "return 1"),  # stands nowhere
        ("law.sum", "TOTAL + 0"),  # stands in another function
        ("draw", "return 1\n\n    a = 2"),
        ("inner", "a = 1"),  # stands behind it
        ("draw", "1"),  # stands twice
        ("Law.sum", "class Law"),  # stands before it
    ],
)
def test_a_passage_must_stand_once_in_its_definition(where: str, old: str, project: Path) -> None:
    """A passage that is missing, ambiguous or elsewhere is refused, so that no mutant is silently empty."""
    with pytest.raises(ValueError, match=r"occurs \d times in .*; it must occur once"):
        Mutant("m", where, old, "2").applied(project)


def test_a_passage_is_replaced_where_it_is_meant(project: Path) -> None:
    """``return 1`` stands in three places of the module; the others stay. A decorator belongs to its function."""
    source = (project / "simulations/draws.py").read_text(encoding="utf-8")
    changed = Mutant("m", "count", "return 1", "return 2").applied(project)
    assert changed.replace("return 2", "return 1") == source
    assert changed.endswith("def count():\n    return 2\n")
    assert "@classmethod\ndef count" in Mutant("m", "count", "@staticmethod", "@classmethod").applied(project)
    assert Mutant("m", "TOTAL", "1", "2").applied(project).startswith("TOTAL = 2\n")


def test_a_file_that_moves(project: Path) -> None:
    """The list does not notice."""
    mutant = Mutant("m", "count", "return 1", "return 2")
    before = mutant.applied(project)
    (project / "simulations/sampling").mkdir()
    (project / "simulations/draws.py").rename(project / "simulations/sampling/walks.py")
    definitions.cache_clear()
    definition.cache_clear()
    assert mutant.definition(project).name == "simulations.sampling.walks.count"
    assert mutant.applied(project) == before


@pytest.mark.parametrize(
    "text",
    [
        "[a]\nb = 'c'",
        "[a]\nb = ['c']",
        "[a]\nb = ['c', 1]",
        "[a]\nb = ['c', 'd', 'e']",
        "b = ['c', 'd']",
        "[a.b]\nc = ['d', 'e']",
    ],
)
def test_what_is_no_list_of_mutants(text: str) -> None:
    with pytest.raises(ValueError, match=r"must be \[old, new\], got"):
        read_list(text)


# --- what should notice -------------------------------------------------------------------------------------------


def test_stages(project: Path) -> None:
    """The file that mirrors the module, the test files that import it, the families of claims that do, everything."""
    whole = Stage("tests", ())
    assert stages(definition("TOTAL", project), project) == (
        Stage("tests", ("tests/theory/test_law.py",)),
        Stage("tests", ("tests/test_line.py",)),
        Stage("claims", ("line",)),
        whole,
    )
    through = Stage("tests", ("tests/test_store.py",))  # of what imports it
    assert stages(definition("read", project), project) == (through, whole)
    assert stages(definition("draw", project), project) == (Stage("tests", ("tests/test_draws.py",)), whole)


def test_parts_of_the_project() -> None:
    """A mutant by its name; mutants by any whole words of where they are."""
    assert [mutant.name for mutant in named(["log-to-base-two"])] == ["log-to-base-two"]
    assert set(named(["theory"])) | set(named(["simulations"])) == set(MUTANTS) == set(named([]))
    assert {mutant.definition().module for mutant in named(["store.Store"])} == {"simulations.bridge.store"}
    for name in ("stor", "bridge.Store", "figures"):
        with pytest.raises(ValueError, match=f"is called '{name}'"):
            named([name])


# --- the runner ---------------------------------------------------------------------------------------------------


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    """A copy of a project that has one function and its tests."""
    made = Copy(tmp_path / "original")
    for name in ("home", "tmp", "copy/simulations", "copy/tests/simulations"):
        (made.folder / name).mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "tests/judging.py", made.root / "tests")
    (made.root / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    return made


def written(copy: Copy, name: str, source: str) -> str:
    (copy.root / name).write_text(source, encoding="utf-8")
    return name


def test_a_test_file_that_is_skipped_is_said(copy: Copy) -> None:
    """Wholly skipped counts as not run, with the reason; partly skipped counts as run."""
    lost = written(copy, "tests/test_lost.py", "import pytest\n\npytest.importorskip('no_such_library')\n")
    marked = written(
        copy, "tests/test_marked.py", "import pytest\n\n@pytest.mark.skip(reason='why')\ndef test(): pass\n"
    )
    half = written(
        copy, "tests/test_half.py", "import pytest\n\n@pytest.mark.skip\ndef test(): pass\n\n\ndef test_it(): pass\n"
    )
    found = copy.run(Stage("tests", (lost, marked, half)))
    assert not found.killer
    one, two = found.unrun
    assert one.startswith(f"{lost}: Skipped: could not import 'no_such_library'")
    assert two == f"{marked}: Skipped: why"
    assert copy.run(Stage("tests", (lost,))) == Found("", (one,))


def test_the_first_failure_is_named(copy: Copy) -> None:
    two = "import pytest\n\n@pytest.mark.parametrize('x', ['y', 'a - b'])\ndef test_two(x): assert len(x) == 1, x\n"
    failing = written(copy, "tests/test_it.py", "def test_one(): pass\n\n\n" + two)
    assert copy.run(Stage("tests", (failing,))).killer == "tests/test_it.py::test_two[a - b]"


def test_a_file_that_cannot_be_imported_is_a_failure(copy: Copy) -> None:
    failing = written(copy, "tests/test_it.py", "import no_such_module\n")
    assert copy.run(Stage("tests", (failing,))).killer == failing


def test_runs_stay_in_their_folder(copy: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Home, caches and temporary files of a run are beside its copy; nothing of ours leaks in, and hubs are off."""
    monkeypatch.setenv("HF_HOME", "/elsewhere")
    monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")
    code = (
        "import os, pathlib, sys, tempfile; print(pathlib.Path.home(), tempfile.gettempdir(), os.getcwd(), sep='\\n')"
    )
    code += "; print(*(v for v in os.environ.values() if 'elsewhere' in v), os.environ['HF_HUB_OFFLINE'])"
    done = copy.python("-c", code)
    places = [str(copy.folder / name) for name in ("home", "tmp", "copy")]
    assert done.stdout.split("\n") == [*places, "1", ""]


def test_a_copy_imports_itself(tmp_path: Path) -> None:
    """Not the installed package."""
    copy = Copy.of_project(tmp_path / "original")
    done = copy.again(tmp_path / "again").python(
        "-c", "import theory, simulations; print(theory.__file__, simulations.__file__)"
    )
    assert done.stdout.split() == [
        str(tmp_path / "again/copy" / part / "__init__.py") for part in ("theory", "simulations")
    ]


WALK = "def total():\n    return 1\n"
ITS_TEST = "def test():\n    from simulations.walk import total\n    assert total() == 1\n"


@pytest.mark.parametrize("broken", ["", "def test_before(): assert False\n"])
def test_a_failure_counts_where_the_project_passes(broken: str, copy: Copy, tmp_path: Path) -> None:
    """A mutant is killed by what passes without it; what fails without it, too, is no kill. Nothing kills the same."""
    written(copy, "simulations/__init__.py", "")
    written(copy, "simulations/walk.py", WALK)
    written(copy, "tests/simulations/test_walk.py", broken + ITS_TEST)
    mutant = Mutant("m", "total", "return 1", "return 2")
    if broken:
        with pytest.raises(Broken, match=r"this fails: .*::test_before"):
            fate(mutant, Original(copy), tmp_path)
    else:
        found = fate(mutant, Original(copy), tmp_path)
        assert found.line().startswith("simulations.walk.total m: KILLED by tests/simulations/test_walk.py::test (")
        found = fate(Mutant("n", "total", "return 1", "return 2 - 1"), Original(copy), tmp_path)
        assert found.line().startswith("simulations.walk.total n: SURVIVED")
    assert (copy.root / "simulations/walk.py").read_text(encoding="utf-8") == WALK


def test_a_survivor_whose_tests_were_not_run_is_not_judged(copy: Copy, tmp_path: Path) -> None:
    """Where a library is missing, nothing is said of the mutant."""
    written(copy, "simulations/__init__.py", "")
    written(copy, "simulations/walk.py", WALK)
    test = written(copy, "tests/simulations/test_walk.py", "import pytest\n\npytest.importorskip('no_such_library')\n")
    found = fate(Mutant("m", "total", "return 1", "return 2"), Original(copy), tmp_path)
    assert found.line().startswith(f"simulations.walk.total m: NOT JUDGED: not run: {test}: Skipped: could not import")


def test_the_list_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["Store.claim", "--list"]) == 0
    assert capsys.readouterr().out.startswith("simulations.bridge.store.Store.claim every-shard-has-the-same-lock: ")
    assert main(["no-such-mutant"]) == 2
    assert "'no-such-mutant'" in capsys.readouterr().err
