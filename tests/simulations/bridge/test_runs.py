"""Run files: what is read from them, in which order, and one line for everything that cannot be used."""

from __future__ import annotations

import os
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.bridge.runs import Run, RunError, read_run, read_runs
from theory.adaptors.exact import chain

ROOT = Path(__file__).resolve().parents[3]

UNRECORDED = {"folder", "base", "kinds", "rewards", "template", "backend", "said"}
"""Fields of a run that decide no draw by themselves: where it lies, how its prompts were written, and what else the key
holds in places of its own, named rewards, the template with the ids that it gave, and a backend with its version.
What is said of engines follows from their chains."""

WHOLE = {
    "top": "",
    "models": 'prior = "p"\naligned = "q"',
    "prompts": 'texts = ["We must", "The"]',
    "sampling": "",
    "reward": "",
    "adaptor": "",
    "output": 'folder = "run"',
}
"""A run file by its tables; what is empty is left out."""


def text(**changes: str) -> str:
    """The run file with some tables changed; an adaptor is a list of tables."""
    tables = WHOLE | changes
    return "\n".join(
        body if name == "top" or body.startswith("[") else f"[{name}]\n{body}" for name, body in tables.items() if body
    )


def written(folder: Path, **changes: str) -> Path:
    path = folder / "run.toml"
    path.write_text(text(**changes), "utf-8")
    return path


def refused(path: Path) -> str:
    """What read_run says, in one line that begins with the file."""
    with pytest.raises(RunError) as caught:
        read_run(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert len(message.splitlines()) == 1
    return message.removeprefix(f"{path}: ")


# --- what is read -------------------------------------------------------------------------------------------------


def test_defaults(tmp_path: Path) -> None:
    """What the module's docstring says is taken where nothing is said."""
    run = read_run(written(tmp_path))
    assert run == Run(
        prior="p",
        aligned="q",
        dtype="float32",
        device=None,
        threads=1,
        revision=None,
        prompts=("We must", "The"),
        begin=None,
        strings=16,
        length=40,
        seed=1,
        rows=128,
        reward="secret",
        source=None,
        label=None,
        beta="1",
        chains=((),),
        folder=tmp_path.resolve() / "run",
        end=None,
        reads="text",
        kinds=(),
        base=tmp_path.resolve(),
    )


def test_every_key(tmp_path: Path) -> None:
    """Every key of every table arrives in its field."""
    path = written(
        tmp_path,
        models='prior = "p"\naligned = "q"\ndtype = "bfloat16"\ndevice = "cuda:1"\nthreads = 3\n'
        'revision = "r"\nend = [5, 1, 5]',
        prompts='file = "below/prompts.txt"\nbegin = false',
        sampling='strings = 5\nlength = 6\nseed = 7\nrows = 8\ntemperatures = ["1", 0.5, 2]',
        reward='kind = "classifier"\nsource = "s"\nlabel = "l"\nreads = "completion"\nbeta = 0.25',
        adaptor='[[adaptor]]\n[[adaptor]]\nname = ["top_k", "nucleus"]\nvalue = [50, "19/20"]',
        output='folder = "a/b"',
    )
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "prompts.txt").write_text("one\n\n  \ntwo words \r\nthree", "utf-8")
    run = read_run(path)
    cut = chain(("top_k", 50), ("nucleus", "19/20"))
    half, two = chain(("temperature", "1/2")), chain(("temperature", 2))
    assert run == Run(
        prior="p",
        aligned="q",
        dtype="bfloat16",
        device="cuda:1",
        threads=3,
        revision="r",
        prompts=("one", "two words ", "three"),
        begin=False,
        strings=5,
        length=6,
        seed=7,
        rows=8,
        reward="classifier",
        source="s",
        label="l",
        beta="1/4",
        chains=((), cut, half, half + cut, two, two + cut),
        folder=tmp_path.resolve() / "a" / "b",
        end=(1, 5),
        reads="completion",
        base=tmp_path.resolve(),
    )


def test_another_folder(tmp_path: Path) -> None:
    """--output is taken as it is, wherever it lies, and no [output] is needed."""
    path = written(tmp_path, output="")
    for output in (tmp_path / ".." / "elsewhere", tmp_path, Path("relative")):
        assert read_run(path, output).folder == output


def test_the_folder_of_a_run_is_beside_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the run file, not below the current folder; as are the prompts."""
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "p.txt").write_text("x\n", "utf-8")
    written(tmp_path / "there", prompts='file = "p.txt"')
    monkeypatch.chdir(tmp_path)
    run = read_run(Path("there/run.toml"))
    assert run.folder == tmp_path.resolve() / "there" / "run"
    assert run.prompts == ("x",)


def test_example() -> None:
    """The example is readable: sixteen prompts, eight adaptors at four temperatures."""
    run = read_run(ROOT / "examples" / "default.toml")
    assert len(run.prompts) == 16
    assert len(run.chains) == len(set(run.chains)) == 32
    assert run.chains[0] == ()


def test_what_decides_is_in_the_canonical_form(tmp_path: Path) -> None:
    """All fields but the folder, in values that JSON keeps; the folder does not count."""
    adaptor = '[[adaptor]]\nname = "nucleus"\nvalue = 0.9'
    path = written(tmp_path, adaptor=adaptor, sampling='temperatures = ["1/2"]')
    found = read_run(path).canonical()
    assert set(found) == {field.name for field in fields(Run)} - UNRECORDED - {"end", "reads"}
    named = replace(read_run(path), end=(3,), reads="completion").canonical()
    assert set(named) == {field.name for field in fields(Run)} - UNRECORDED
    assert found["chains"] == [[["temperature", "1/2"], ["nucleus", "9/10"]]]
    assert found["prompts"] == ["We must", "The"]
    assert read_run(path, tmp_path / "other").canonical() == found


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ('beta = "1/4"', "beta = 0.25"),
        ('beta = "2/8"', 'beta = "0.25"'),
        ("beta = 1", ""),
    ],
)
def test_one_number_written_twice_is_one_run(one: str, two: str, tmp_path: Path) -> None:
    """The run key depends on what a number is, not on how it is written."""
    assert read_run(written(tmp_path, reward=one)).canonical() == read_run(written(tmp_path, reward=two)).canonical()


def test_gibbs(tmp_path: Path) -> None:
    """Without an aligned model: the prior tilted by a named reward, no adaptors."""
    run = read_run(written(tmp_path, models='prior = "p"', reward='kind = "length"'))
    assert run.aligned is None
    assert run.chains == ((),)


# --- what is refused ----------------------------------------------------------------------------------------------

GIBBS = {"models": 'prior = "p"', "reward": 'kind = "vader"'}
ADAPTOR = "[[adaptor]]\n"

REFUSED: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "unknown table": ({"adaptor": "[sampler]\nseed = 1"}, ("[sampler]", "sampling")),
    "unknown top-level key": ({"top": "seed = 3"}, ("seed",)),
    "unknown key": ({"sampling": "strngs = 3"}, ("[sampling]", "'strngs'", "strings")),
    "unknown key of output": ({"output": 'folder = "run"\nkeep = true'}, ("[output]", "'keep'")),
    "table is a value": ({"top": "prompts = 3", "prompts": ""}, ("[prompts]",)),
    "table is a list": ({"prompts": '[[prompts]]\ntexts = ["a"]'}, ("[prompts]",)),
    "wrong type": ({"sampling": 'strings = "16"'}, ("[sampling] strings", "'16'")),
    "float for a whole number": ({"sampling": "strings = 16.0"}, ("[sampling] strings",)),
    "bool for a whole number": ({"sampling": "seed = true"}, ("[sampling] seed",)),
    "number for a bool": ({"prompts": 'texts = ["a"]\nbegin = 1'}, ("[prompts] begin",)),
    "bool for beta": ({"reward": "beta = true"}, ("[reward] beta",)),
    "prior is a number": ({"models": "prior = 3"}, ("[models] prior",)),
    "missing prior": ({"models": 'aligned = "q"'}, ("[models]", "prior")),
    "no models": ({"models": ""}, ("[models]", "prior")),
    "no prompts": ({"prompts": ""}, ("[prompts]", "texts", "file")),
    "texts and file": ({"prompts": 'texts = ["a"]\nfile = "f"'}, ("[prompts]", "both")),
    "no texts": ({"prompts": "texts = []"}, ("[prompts]",)),
    "texts that are numbers": ({"prompts": 'texts = ["a", 1]'}, ("[prompts] texts",)),
    "prompt twice": ({"prompts": 'texts = ["a", "b", "a"]'}, ("[prompts]", "'a'", "twice")),
    "prompt file missing": ({"prompts": 'file = "f.txt"'}, ("[prompts] file", "f.txt", "No such file")),
    "prompt file is a folder": ({"prompts": 'file = "."'}, ("[prompts] file", "directory")),
    "strings 1": ({"sampling": "strings = 1"}, ("[sampling] strings", "2", "got 1")),
    "length 0": ({"sampling": "length = 0"}, ("[sampling] length", "got 0")),
    "more strings than floats count": ({"sampling": f"strings = 1{'0' * 4000}"}, ("[sampling] strings", "at most")),
    "longer than floats count": ({"sampling": f"length = 1{'0' * 400}"}, ("[sampling] length", "at most")),
    "more digits than are shown": ({"sampling": f"strings = 0x{'F' * 5000}"}, ("sampling.strings", "4,000 digits")),
    "a seed of 65 bits": ({"sampling": "seed = 18446744073709551616"}, ("[sampling] seed", "at most")),
    "rows 0": ({"sampling": "rows = 0"}, ("[sampling] rows", "got 0")),
    "threads 0": ({"models": 'prior = "p"\naligned = "q"\nthreads = 0'}, ("[models] threads", "got 0")),
    "negative seed": ({"sampling": "seed = -1"}, ("[sampling] seed", "got -1")),
    "temperature 0": ({"sampling": 'temperatures = ["0"]'}, ("temperature", "> 0", "got 0")),
    "temperature -1": ({"sampling": "temperatures = [-1]"}, ("temperature", "got -1")),
    "temperature next to 0": ({"sampling": 'temperatures = ["1e-4000"]'}, ("temperatures", "10^-9", "got 1e-4000")),
    "temperature beyond floats": (
        {"adaptor": ADAPTOR + f'name = "temperature"\nvalue = "{"9" * 400}"'},
        ("adaptor 1",),
    ),
    "tokens beyond floats": (
        {"adaptor": ADAPTOR + f'name = ["top_k", "typical"]\nvalue = [{"9" * 400}, "1/2"]'},
        ("adaptor 1", "top_k", "at most", "400 digits"),
    ),
    "no ends": ({"models": 'prior = "p"\naligned = "q"\nend = []'}, ("[models] end", "not empty")),
    "temperature in words": ({"sampling": 'temperatures = ["1", "warm"]'}, ("temperatures", "'warm'")),
    "temperature in a list": ({"sampling": "temperatures = [[1]]"}, ("temperatures",)),
    "temperature nan": ({"sampling": "temperatures = [nan]"}, ("temperatures", "nan")),
    "temperature true": ({"sampling": "temperatures = [true]"}, ("temperatures",)),
    "unknown adaptor": ({"adaptor": ADAPTOR + 'name = "top_p"\nvalue = "1/2"'}, ("adaptor 1", "'top_p'", "nucleus")),
    "outside the domain": ({"adaptor": ADAPTOR + 'name = "nucleus"\nvalue = "3/2"'}, ("adaptor 1", "3/2", "(0, 1]")),
    "half a token": ({"adaptor": ADAPTOR + 'name = "top_k"\nvalue = "3/2"'}, ("adaptor 1", "3/2", "whole")),
    "value in words": ({"adaptor": ADAPTOR + 'name = "top_k"\nvalue = "five"'}, ("adaptor 1", "'five'")),
    "value is a table": ({"adaptor": ADAPTOR + 'name = "top_k"\nvalue = { k = 1 }'}, ("adaptor 1",)),
    "name is a number": ({"adaptor": ADAPTOR + "name = 3\nvalue = 1"}, ("adaptor 1",)),
    "name is a table": ({"adaptor": ADAPTOR + "name = [{ a = 1 }]\nvalue = [1]"}, ("adaptor 1",)),
    "more names than values": (
        {"adaptor": ADAPTOR + 'name = ["top_k", "nucleus"]\nvalue = [5]'},
        ("adaptor 1", "2 names", "1 values"),
    ),
    "name without value": ({"adaptor": ADAPTOR + 'name = "top_k"'}, ("adaptor 1", "1 names", "0 values")),
    "unknown key of an adaptor": ({"adaptor": ADAPTOR + "[[adaptor]]\nk = 5"}, ("adaptor 2", "'k'", "value")),
    "adaptor is a table": ({"adaptor": '[adaptor]\nname = "top_k"\nvalue = 2'}, ("[[adaptor]]",)),
    "adaptors are numbers": ({"top": "adaptor = [1]"}, ("[[adaptor]]",)),
    "setting twice": (
        {"adaptor": ADAPTOR + 'name = "nucleus"\nvalue = 0.5\n' + ADAPTOR + 'name = "nucleus"\nvalue = "1/2"'},
        ("nucleus 1/2", "twice"),
    ),
    "temperature twice": ({"sampling": 'temperatures = ["1/2", 0.5]'}, ("temperature 1/2", "twice")),
    "temperature and adaptor alike": (
        {
            "sampling": 'temperatures = ["1", "1/2"]',
            "adaptor": ADAPTOR + ADAPTOR + 'name = "temperature"\nvalue = "1/2"',
        },
        ("temperature 1/2", "twice"),
    ),
    "adaptors without aligned": (GIBBS | {"adaptor": ADAPTOR + 'name = "top_k"\nvalue = 2'}, ("adaptors", "Gibbs")),
    "temperature without aligned": (GIBBS | {"sampling": 'temperatures = ["1/2"]'}, ("adaptors", "Gibbs")),
    "no reward without aligned": ({"models": 'prior = "p"'}, ("aligned", "reward")),
    "unknown reward": ({"reward": 'kind = "bleu"'}, ("[reward] kind", "'bleu'", "vader")),
    "beta 0": ({"reward": "beta = 0"}, ("[reward] beta", "got 0")),
    "beta negative": ({"reward": 'beta = "-1/2"'}, ("[reward] beta", "got -1/2")),
    "beta next to 0": ({"reward": 'beta = "1e-4000"'}, ("[reward] beta", "10^-9", "got 1e-4000")),
    "beta inf": ({"reward": "beta = inf"}, ("inf",)),
    "beta in words": ({"reward": 'beta = "low"'}, ("'low'",)),
    "unknown dtype": ({"models": 'prior = "p"\naligned = "q"\ndtype = "float64"'}, ("dtype", "'float64'", "bfloat16")),
    "no output": ({"output": ""}, ("[output]", "--output")),
    "output climbs out": ({"output": 'folder = "../x"'}, ("[output] folder", "'../x'", "--output")),
    "output climbs out later": ({"output": 'folder = "a/../../x"'}, ("[output] folder", "--output")),
    "output is absolute": ({"output": 'folder = "/tmp/x"'}, ("[output] folder", "'/tmp/x'")),
    "output is the folder itself": ({"output": 'folder = "."'}, ("[output] folder", "'.'")),
    "output is the folder in disguise": ({"output": 'folder = "a/.."'}, ("[output] folder",)),
    "output with a NUL": ({"output": 'folder = "a\\u0000b"'}, ("[output] folder", "null byte")),
    "output is empty": ({"output": 'folder = ""'}, ("[output] folder", "''")),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str, tmp_path: Path) -> None:
    """One line that names the table and key, what arrived, and where it helps what is known."""
    changes, said = REFUSED[name]
    message = refused(written(tmp_path, **changes))
    assert all(part in message for part in said), message
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run.toml"], "nothing is written"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", ("[prompts]", "no prompt")),
        (b"\n  \n\t\n", ("[prompts]", "no prompt")),
        (b"caf\xe9\n", ("[prompts] file", "UTF-8")),
        (b"one\ntwo\none\n", ("[prompts]", "'one'", "twice")),
    ],
    ids=["empty", "blank", "latin-1", "twice"],
)
def test_prompt_files(content: bytes, said: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "f.txt").write_bytes(content)
    message = refused(written(tmp_path, prompts='file = "f.txt"'))
    assert all(part in message for part in said), message


def test_output_behind_a_link(tmp_path: Path) -> None:
    """A link that leads out is a way out."""
    (tmp_path / "in").mkdir()
    os.symlink(tmp_path, tmp_path / "in" / "link")
    assert "must lie below" in refused(written(tmp_path / "in", output='folder = "link/x"'))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[models\n", "not TOML"),
        (b"[models]\n[models]\n", "not TOML"),
        (b'[models]\nprior = "caf\xe9"\n', "not UTF-8"),
        (b"\xff\xfe[\x00", "not UTF-8"),
    ],
    ids=["syntax", "table twice", "latin-1", "utf-16"],
)
def test_no_run_file(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_bytes(content)
    assert said in refused(path)


def test_missing_run_file(tmp_path: Path) -> None:
    assert "No such file" in refused(tmp_path / "none.toml")
    assert "directory" in refused(tmp_path)


TREES = st.recursive(
    st.one_of(
        st.booleans(),
        st.integers(-3, 3).map(str),
        st.floats(allow_nan=True, width=16).map(str),
        st.sampled_from(['"x"', '"1/2"', '""', '"top_k"', "1979-05-27", "[]", "{}"]),
    ).map(lambda v: str(v).lower() if isinstance(v, bool) else v),
    lambda inner: st.lists(inner, max_size=3).map(lambda v: f"[{', '.join(v)}]"),
    max_leaves=4,
)

KEYS = [
    ("models", key) for key in ("prior", "aligned", "dtype", "device", "threads", "revision")
] + [
    ("sampling", key) for key in ("strings", "length", "seed", "rows", "temperatures")
] + [
    ("reward", key) for key in ("kind", "source", "label", "beta")
] + [("prompts", "texts"), ("prompts", "file"), ("prompts", "begin"), ("output", "folder")]  # fmt: skip


@given(place=st.sampled_from(KEYS), value=TREES)
def test_any_value_anywhere(place: tuple[str, str], value: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A run or a RunError of one line: no value of TOML, in no place, is a traceback."""
    table, key = place
    base = {"models": 'prior = "p"\n', "prompts": "", "output": ""}.get(table, "")
    if place == ("models", "prior"):
        base = ""
    if place == ("prompts", "begin"):
        base = 'texts = ["a"]\n'
    _one_line(tmp_path_factory, **{table: f"{base}{key} = {value}"})


@given(name=TREES, value=TREES)
def test_any_adaptor(name: str, value: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    _one_line(tmp_path_factory, adaptor=f"[[adaptor]]\nname = {name}\nvalue = {value}")


def _one_line(factory: pytest.TempPathFactory, **changes: str) -> None:
    path = factory.getbasetemp() / "any.toml"
    path.write_text(text(**changes), "utf-8")
    said = None
    try:
        read_run(path)
    except RunError as error:
        said = str(error)
    assert said is None or len(said.splitlines()) == 1


def test_no_temperature_at_all(tmp_path: Path) -> None:
    run = tmp_path / "run.toml"
    run.write_text(
        '[models]\nprior = "x"\naligned = "y"\n[prompts]\ntexts = ["We"]\n[sampling]\ntemperatures = []\n'
        '[output]\nfolder = "out"\n',
        encoding="utf-8",
    )
    with pytest.raises(RunError, match="temperatures must name one"):
        read_run(run)


@pytest.mark.parametrize("name", [field.name for field in fields(Run) if field.name not in UNRECORDED])
def test_every_field_makes_another_key(name: str, tmp_path: Path) -> None:
    """A run that differs in one field alone, whichever it is, has another canonical form and so another store."""
    run = read_run(written(tmp_path))
    others: dict[type, object] = {
        str: "another",
        bool: not run.begin,
        int: 1000,
        tuple: (chain(("top_k", 3)),) if name == "chains" else ("another",),
        type(None): "another",
    }
    special: dict[str, object] = {"end": (7,), "begin": False, "reads": "completion"}
    changed = replace(run, **{name: special.get(name, others[type(getattr(run, name))])})
    assert changed.canonical() != run.canonical()
    assert {key for key, value in changed.canonical().items() if value != run.canonical().get(key)} == {name}


# --- rules, engines and the place of temperatures -----------------------------------------------------------------

SWEPT = '[[adaptor]]\nname = ["top_k", "temperature", "nucleus"]\nvalue = [40, "swept", "9/10 boundary=exceed"]'


def test_a_marked_place_of_the_temperatures(tmp_path: Path) -> None:
    """Each temperature at its place, 1 left out; chains without a mark have it in front."""
    adaptors = SWEPT + '\n[[adaptor]]\nname = "top_k"\nvalue = 3'
    found = read_run(written(tmp_path, adaptor=adaptors, sampling='temperatures = ["1", "1/2"]'))
    last = ("nucleus", "9/10 boundary=exceed")
    assert found.chains == (
        chain(("top_k", 40), last),
        chain(("top_k", 3)),
        chain(("top_k", 40), ("temperature", "1/2"), last),
        chain(("temperature", "1/2"), ("top_k", 3)),
    )


def test_what_engines_ignore_is_said(tmp_path: Path) -> None:
    """In a run as in a specification: the chain, and the settings that do nothing."""
    adaptors = '[[adaptor]]\nengine = "transformers.js"\nsettings = {top_p = "0.9", temperature = "swept"}'
    found = read_run(written(tmp_path, adaptor=adaptors))
    assert found.said == (
        "adaptor 1: transformers.js: expands to top_k 50",
        "adaptor 1: transformers.js: top_p = 0.9 is ignored by the engine",
    )
    assert read_run(written(tmp_path, adaptor="[[adaptor]]")).said == ()


def test_engines_in_a_run_file(tmp_path: Path) -> None:
    """An engine's chain; its own temperature may be the one that is swept, at its own place."""
    adaptors = '[[adaptor]]\nengine = "llama.cpp"\nsettings = {temperature = "swept", min_p = "0"}'
    found = read_run(written(tmp_path, adaptor=adaptors, sampling='temperatures = ["2"]'))
    assert found.chains == (chain(("top_k", 40), ("nucleus", "19/20"), ("temperature", 2)),)
    found = read_run(written(tmp_path, adaptor='[[adaptor]]\nengine = "transformers"'))
    assert found.chains == (chain(("top_k", "50 ties=all")),)


def test_recorded_chains_are_as_they_were(tmp_path: Path) -> None:
    """Without options a step is its name and its value, so that older keys stay; options stand behind the value."""
    adaptors = '[[adaptor]]\nname = ["temperature", "nucleus"]\nvalue = ["0.5", "9/10"]'
    record = read_run(written(tmp_path, adaptor=adaptors)).record()
    assert record.chains == ((("temperature", "1/2"), ("nucleus", "9/10")),)
    record = read_run(written(tmp_path, adaptor=SWEPT)).record()
    assert record.chains == ((("top_k", "40"), ("nucleus", "9/10 boundary=exceed")),)
    assert tuple(chain(*steps) for steps in record.chains) == read_run(written(tmp_path, adaptor=SWEPT)).chains


@pytest.mark.parametrize(
    ("adaptor", "message"),
    [
        ('name = ["temperature", "temperature"]\nvalue = ["swept", "swept"]', "one swept temperature at most"),
        ('engine = "llama.cpp"\nname = "top_k"\nvalue = 3', "leave yours out"),
        ('engine = "rwkv"\nsettings = {top_p = "1"}', "top token wherever"),
        ('name = "top_k"\nvalue = 3\nsettings = {top_k = 3}', "settings are an engine's"),
    ],
)
def test_refused_engines_and_marks(adaptor: str, message: str, tmp_path: Path) -> None:
    """One line that names the adaptor."""
    said = refused(written(tmp_path, adaptor=f"[[adaptor]]\n{adaptor}"))
    assert "adaptor 1" in said
    assert message in said


def test_a_device_instead_of_the_files(tmp_path: Path) -> None:
    """--device is what the file would have said, in the run and so in its key; openvino still refuses a GPU."""
    path = written(tmp_path)
    (own,), (other,) = read_runs(path), read_runs(path, device="cuda:1")
    assert other.device == other.record().device == "cuda:1" != own.device
    assert replace(other, device=own.device) == own
    text_of = path.read_text("utf-8").replace("[models]", '[models]\nbackend = "openvino"')
    path.write_text(text_of, "utf-8")
    with pytest.raises(RunError, match="runs on the CPU, not on cuda:1"):
        read_runs(path, device="cuda:1")
