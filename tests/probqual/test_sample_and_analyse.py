"""``probqual sample`` and ``probqual analyse``: what they print and write, and one line for everything that is wrong.

Runs are of the tree with prompts, put in the place of loaded models, unless loading is what is tested.
"""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("pyarrow")

import pyarrow.parquet as pq
from safetensors.torch import load_file, save_file

from probqual import working
from probqual.command_line import app
from simulations.agreement.decoding import tree_with_prompts
from simulations.bridge import session
from simulations.bridge.runs import Run
from simulations.bridge.sample import Models
from simulations.bridge.store import Store
from tests.kills import NAMES

ROOT = Path(__file__).resolve().parents[2]
PAIR = ROOT / "simulations" / "data" / "pair"


def run(*arguments: str | Path) -> Any:
    """The command in this process, in a terminal narrower than any message: exit_code, stdout, stderr."""
    return CliRunner(env={"COLUMNS": "40"}).invoke(app, [str(a) for a in arguments])


def refused(done: Any) -> str:
    """The one line of a command that ended with status 2 and printed nothing else."""
    assert done.exit_code == 2, (done.output, done.exception)
    assert done.stdout == ""
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("probqual: ")
    return str(line)


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, with its bytes."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


TABLES = {
    "models": 'prior = "tree"\naligned = "tree"',
    "prompts": 'texts = ["x", "y", "x a"]',
    "sampling": 'strings = 4\nlength = 3\nrows = 8\ntemperatures = ["1", "1/2"]',
    "reward": 'kind = "length"',
    "adaptor": "",
    "output": 'folder = "run"',
}
REAL = {
    "models": 'prior = "embedded:prior"\naligned = "embedded:aligned"\ndevice = "cpu"',
    "prompts": 'texts = ["The", "We must"]',
    "sampling": "strings = 2\nlength = 4",
}


def written(folder: Path, **changes: str) -> Path:
    """A run file of these tables; an adaptor, or a table that is none, is taken as it is."""
    parts = [body if body.startswith("[") else f"[{name}]\n{body}" for name, body in (TABLES | changes).items() if body]
    (folder / "run.toml").write_text("\n".join(parts), "utf-8")
    return folder / "run.toml"


def tree_models(run: Run, models: object = None) -> Models:
    _, pair = tree_with_prompts()
    return Models(
        prior=pair.prior,
        aligned=None if run.aligned is None else pair.aligned,
        encode=lambda text: [NAMES.index(token) for token in text.split()],
        decode=lambda ids: " ".join(NAMES[i] for i in ids if i < len(NAMES)),
        identity={"tree": "with prompts", "device": "cpu"},
        longest=64,
    )


@pytest.fixture
def tree(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tree in the place of what would be loaded."""
    monkeypatch.setattr(session, "load_models", tree_models)


# --- sampling -----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("tree")
def test_sample_and_again(tmp_path: Path) -> None:
    """A line per shard and one at the end, on standard error; a second time only that nothing is missing."""
    path = written(tmp_path)
    first = run("sample", path)
    assert first.exit_code == 0, first.output
    assert first.stdout == ""
    lines = first.stderr.splitlines()
    store = Store.existing(tmp_path / "run")
    assert store.shards == 4
    assert [line.split()[0] for line in lines[:-1]] == ["1/4", "2/4", "3/4", "4/4"]
    assert "4 of 4 shards, finished" in lines[-1]
    assert store.key in lines[-1]
    before = files(tmp_path)
    second = run("sample", path)
    assert second.exit_code == 0
    assert second.stdout == ""
    assert second.stderr.splitlines() == lines[-1:]
    assert files(tmp_path) == before


@pytest.mark.usefixtures("tree")
def test_output(tmp_path: Path) -> None:
    """--output stores elsewhere and nothing beside the run file; the key is the same."""
    (tmp_path / "there").mkdir()
    path = written(tmp_path / "there")
    assert run("sample", path, "--output", tmp_path / "here" / "below").exit_code == 0
    assert set(files(tmp_path / "there")) == {"run.toml"}
    assert run("sample", path).exit_code == 0
    here, there = (files(p) for p in (tmp_path / "here" / "below", tmp_path / "there" / "run"))
    assert here == there


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize("after", [0, 1, 3])
def test_interrupted(after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C: status 130 and how to go on; the same command goes on and makes only what is missing."""
    path = written(tmp_path)
    calm = run("sample", path, "--output", tmp_path / "calm")
    assert calm.exit_code == 0
    real = session.work

    def stops(*arguments: Any) -> Iterator[Any]:
        worker = real(*arguments)
        for _ in range(after):
            yield next(worker)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(session, "work", stops)
        done = run("sample", path)
    assert done.exit_code == 130
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == after + 1
    assert "the same command goes on" in done.stderr.splitlines()[-1]
    assert len(Store.existing(tmp_path / "run").missing()) == 4 - after
    assert "unfinished" not in done.stderr
    again = run("sample", path)
    assert again.exit_code == 0
    assert again.stderr.splitlines()[:-1] == [
        line for line in again.stderr.splitlines() if f"/{4 - after} shard" in line
    ]
    assert len(again.stderr.splitlines()) == 4 - after + 1
    assert files(tmp_path / "run") == files(tmp_path / "calm")


def test_loading_is_shown_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal says so until a session is there, and elsewhere nothing is written; sessions keep their order."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for screen, words in ((Terminal(), "loading the models"), (io.StringIO(), "")):
        monkeypatch.setattr(sys, "stderr", screen)
        assert list(working.opened(iter([1, 2, 3]))) == [1, 2, 3]  # type: ignore[list-item, comparison-overlap]
        assert words in screen.getvalue()
        assert bool(screen.getvalue()) == bool(words)


def test_a_device_that_is_not_there(tmp_path: Path) -> None:
    """One line that names it; with a cluster the option is refused, for the run files of the workers say theirs."""
    path = written(tmp_path)
    assert "[models] device 'cuda:99'" in refused(run("sample", path, "--device", "cuda:99"))
    line = refused(run("sample", path, "--device", "cpu", "--backend", "dask", "--address", "tcp://127.0.0.1:9"))
    assert "--device is of this machine" in line


@pytest.mark.usefixtures("tree")
def test_minutes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the time is over nothing new begins, and that is said; the same command goes on."""
    path = written(tmp_path)
    calm = run("sample", path, "--output", tmp_path / "calm")
    assert calm.exit_code == 0
    none = run("sample", path, "--minutes", "0")
    assert none.exit_code == 0
    assert "not begun, the time is over; the same command goes on" in none.stderr
    assert len(Store.existing(tmp_path / "run").missing()) == 4
    assert run("analyse", tmp_path / "run").exit_code == 2
    times = iter([0.0, 0.0, 0.0, *[120.0] * 50])  # the end is set, one look before the work, then two minutes are over
    with monkeypatch.context() as patch:
        patch.setattr(working, "time", types.SimpleNamespace(monotonic=lambda: next(times)))
        some = run("sample", path, "--minutes", "1")
    assert some.exit_code == 0, some.output
    assert "stopped for the time; the same command goes on, and analyse reads what is there" in some.stderr
    assert 0 < len(Store.existing(tmp_path / "run").missing()) < 4
    again = run("sample", path, "--minutes", "60")
    assert again.exit_code == 0
    assert "stopped" not in again.stderr
    assert files(tmp_path / "run") == files(tmp_path / "calm")


@pytest.mark.usefixtures("tree")
def test_shards_of_another_worker(tmp_path: Path) -> None:
    """What another worker holds is left to it, and said."""
    path = written(tmp_path)
    opened = session.Session.open(path, None)
    with opened.store.claim(2) as mine:
        assert mine
        done = run("sample", path)
    assert done.exit_code == 0
    assert "3 of 4 shards, 1 are still to be made" in done.stderr


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize(
    ("owner", "name", "code"),
    [
        (os, "replace", errno.ENOSPC),
        (os, "fsync", errno.ENOSPC),
        (pq, "write_table", errno.ENOSPC),
        (os, "replace", errno.EROFS),
        (Path, "mkdir", errno.EROFS),
        (Path, "mkdir", errno.EACCES),
    ],
    ids=lambda v: v if isinstance(v, str) else errno.errorcode[v] if isinstance(v, int) else v.__name__,
)
@pytest.mark.parametrize("late", [False, True])
def test_a_disk_that_refuses(
    owner: Any, name: str, code: int, late: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Full or read-only, from the first write or later: one line that says so, and afterwards the run goes on."""
    path = written(tmp_path)
    calls, real = 0, getattr(owner, name)

    def refuses(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if not late or calls > 3:
            raise OSError(code, os.strerror(code))
        return real(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, refuses)
        done = run("sample", path)
    assert done.exit_code == 2, done.exception
    assert done.stdout == ""
    *lines, last = done.stderr.splitlines()
    assert all("shard" in line for line in lines)
    assert last.startswith("probqual: ")
    assert os.strerror(code) in last
    assert not [p for p in tmp_path.rglob(".*") if p.is_file()], "no temporary file is left"
    assert run("sample", path).exit_code == 0
    assert run("sample", path, "--output", tmp_path / "calm").exit_code == 0
    assert files(tmp_path / "run") == files(tmp_path / "calm")


@pytest.mark.usefixtures("tree")
def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    path = written(tmp_path)
    (tmp_path / "run").write_text("mine", "utf-8")
    before = files(tmp_path)
    assert str(tmp_path / "run") in refused(run("sample", path))
    assert files(tmp_path) == before


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize(
    ("table", "body", "field"),
    [
        ("sampling", "strings = 5\nlength = 3\nrows = 8", "strings"),
        ("sampling", "strings = 4\nlength = 3\nrows = 8\nseed = 2", "seed"),
        ("prompts", 'texts = ["x", "y"]', "prompt"),
        ("reward", 'kind = "length"\nbeta = 2', "beta"),
        ("adaptor", '[[adaptor]]\nname = "top_k"\nvalue = 2', "chains"),
        ("models", 'prior = "tree"\naligned = "tree"\ndtype = "bfloat16"', "dtype"),
    ],
)
def test_another_run_in_the_folder(table: str, body: str, field: str, tmp_path: Path) -> None:
    """A run file that was changed does not go on with what the old one made; the line names a field that differs."""
    body = body + '\ntemperatures = ["1", "1/2"]' if table == "sampling" else body
    assert run("sample", written(tmp_path)).exit_code == 0
    before = files(tmp_path / "run")
    line = refused(run("sample", written(tmp_path, **{table: body})))
    assert field in line
    assert "another folder" in line
    assert files(tmp_path / "run") == before


@pytest.mark.usefixtures("tree")
def test_damage_is_mended(tmp_path: Path) -> None:
    """A shard that was damaged is made again by the same command; what was there is kept aside."""
    path = written(tmp_path)
    assert run("sample", path).exit_code == 0
    calm = files(tmp_path / "run")
    shard = Store.existing(tmp_path / "run").path(1)
    shard.write_bytes(shard.read_bytes()[:-1])
    done = run("sample", path)
    assert done.exit_code == 0
    assert [line.split(":")[0] for line in done.stderr.splitlines()[:-1]] == ["1/1 shard 1"]
    after = files(tmp_path / "run")
    assert {name: after[name] for name in calm} == calm
    assert {name for name in after if name not in calm} == {"aside/00001.parquet.0", "aside/00001.sha256.0"}


def test_the_real_pair(tmp_path: Path) -> None:
    """Sampled, gone on with, and analysed."""
    path = written(tmp_path, **REAL)
    done = run("sample", path)
    assert done.exit_code == 0, done.output
    assert "2 of 2 shards, finished" in done.stderr
    assert len(run("sample", path).stderr.splitlines()) == 1
    found = json.loads(run("analyse", tmp_path / "run", "--json", "-").stdout)
    assert found["strings"] == 4
    assert found["device"] == "cpu"


def test_a_prior_alone(tmp_path: Path) -> None:
    """Without an aligned model, strings of the prior are tilted by the reward; they must differ in it."""
    models, sampling = 'prior = "embedded:prior"\ndevice = "cpu"', "strings = 20\nlength = 6"
    path = written(tmp_path, **(REAL | {"models": models, "sampling": sampling}))
    assert run("sample", path).exit_code == 0
    found = json.loads(run("analyse", tmp_path / "run", "--json", "-").stdout)
    assert "gibbs" in found
    assert run("analyse", tmp_path / "run").exit_code == 0


# --- what sample refuses ------------------------------------------------------------------------------------------

ADAPTOR = "[[adaptor]]\n"
GIBBS = {"models": 'prior = "tree"'}
MODELS = TABLES["models"]

REFUSED: dict[str, tuple[dict[str, str], str]] = {
    "unknown table": ({"adaptor": "[sampler]\nx = 1"}, "sampler"),
    "unknown key": ({"sampling": "stings = 3"}, "stings"),
    "wrong type": ({"sampling": 'length = "40"'}, "length"),
    "missing prior": ({"models": 'aligned = "tree"'}, "prior"),
    "no prompts": ({"prompts": ""}, "[prompts]"),
    "no texts": ({"prompts": "texts = []"}, "[prompts]"),
    "texts and file": ({"prompts": 'texts = ["x"]\nfile = "f"'}, "[prompts]"),
    "prompt file missing": ({"prompts": 'file = "none.txt"'}, "none.txt"),
    "prompt file empty": ({"prompts": 'file = "empty.txt"'}, "[prompts]"),
    "prompt file not UTF-8": ({"prompts": 'file = "latin.txt"'}, "UTF-8"),
    "prompt twice": ({"prompts": 'texts = ["x", "x"]'}, "'x'"),
    "prompt without tokens": ({"prompts": 'texts = ["x", ""]\nbegin = false'}, "begin = true"),
    "prompt too long": ({"sampling": "length = 64"}, "64"),
    "one string": ({"sampling": "strings = 1"}, "strings"),
    "length 0": ({"sampling": "length = 0"}, "length"),
    "negative seed": ({"sampling": "seed = -1"}, "seed"),
    "temperature 0": ({"sampling": 'temperatures = ["0"]'}, "temperature"),
    "temperature in words": ({"sampling": 'temperatures = ["warm"]'}, "warm"),
    "unknown adaptor": ({"adaptor": ADAPTOR + 'name = "beam"\nvalue = 4'}, "'beam'"),
    "outside the domain": ({"adaptor": ADAPTOR + 'name = "nucleus"\nvalue = 2'}, "nucleus"),
    "lists of different lengths": ({"adaptor": ADAPTOR + 'name = ["top_k"]\nvalue = [1, 2]'}, "2 values"),
    "setting twice": ({"adaptor": ADAPTOR + ADAPTOR}, "twice"),
    "adaptors without aligned": (GIBBS | {"adaptor": ADAPTOR + 'name = "top_k"\nvalue = 1'}, "adaptors"),
    "no reward without aligned": (GIBBS | {"reward": ""}, "reward"),
    "unknown reward": ({"reward": 'kind = "bleu"'}, "'bleu'"),
    "beta 0": ({"reward": 'kind = "length"\nbeta = 0'}, "beta"),
    "function that is not there": ({"reward": 'kind = "function"\nsource = "os:no_such"'}, "no_such"),
    "module that is not there": ({"reward": 'kind = "function"\nsource = "no_such_module:f"'}, "no_such_module"),
    "function without source": ({"reward": 'kind = "function"'}, "source"),
    "classifier folder missing": ({"reward": 'kind = "classifier"\nsource = "/no/such/folder"'}, "/no/such/folder"),
    "unknown dtype": ({"models": MODELS + '\ndtype = "int8"'}, "'int8'"),
    "output climbs out": ({"output": 'folder = "../x"'}, "../x"),
    "output is the folder": ({"output": 'folder = "."'}, "[output]"),
    "no output": ({"output": ""}, "--output"),
}


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize("name", REFUSED)
def test_sample_refuses(name: str, tmp_path: Path) -> None:
    """One line, status 2, nothing written: neither beside the run file nor above it."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "empty.txt").write_bytes(b"\n")
    (tmp_path / "in" / "latin.txt").write_bytes(b"caf\xe9\n")
    changes, said = REFUSED[name]
    path = written(tmp_path / "in", **changes)
    before = files(tmp_path)
    line = refused(run("sample", path))
    assert said in line
    assert files(tmp_path) == before
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["empty.txt", "in", "latin.txt", "run.toml"]


@pytest.mark.parametrize(
    ("content", "said"), [(None, "No such file"), (b"[models", "TOML"), (b'prior = "\xff"', "UTF-8"), (b"", "prior")]
)
def test_no_run_file(content: bytes | None, said: str, tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    if content is not None:
        path.write_bytes(content)
    before = files(tmp_path)
    line = refused(run("sample", path))
    assert said in line
    assert str(path) in line
    assert files(tmp_path) == before


FUNCTIONS = """
def nan(text):
    return float("nan")
def word(text):
    return "good"
def nothing(text):
    return None
def raises(text):
    raise ValueError("cannot be scored:\\n" + text)
"""


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize(
    ("name", "said"), [("nan", "nan"), ("word", "'good'"), ("nothing", "None"), ("raises", "cannot be scored")]
)
def test_rewards_that_are_no_numbers(name: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, and no shard; with a reward that works the folder can be used."""
    (tmp_path / "functions_of_a_user.py").write_text(FUNCTIONS, "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    try:
        path = written(tmp_path, reward=f'kind = "function"\nsource = "functions_of_a_user:{name}"')
        assert said in refused(run("sample", path))
    finally:
        sys.modules.pop("functions_of_a_user", None)
    assert list((tmp_path / "run" / "shards").iterdir()) == []


# --- models that cannot be used -----------------------------------------------------------------------------------


def edit(name: str, act: Callable[[Any], None]) -> Callable[[Path], None]:
    def edits(folder: Path) -> None:
        found = json.loads((folder / name).read_text("utf-8"))
        act(found)
        (folder / name).write_text(json.dumps(found), "utf-8")

    return edits


def swap(tokenizer: Any) -> None:
    vocab = tokenizer["model"]["vocab"]
    one, two = sorted(vocab, key=vocab.__getitem__)[300:302]
    vocab[one], vocab[two] = vocab[two], vocab[one]


def pickle_only(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def not_a_number(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    tensors["model.layers.1.mlp.down_proj.weight"].fill_(float("nan"))
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


DAMAGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "missing weights": (lambda folder: (folder / "model.safetensors").unlink(), "no weights"),
    "pickle only": (pickle_only, "pytorch_model.bin, a pickle"),
    "no configuration": (lambda folder: (folder / "config.json").unlink(), "config.json"),
    "damaged configuration": (lambda folder: (folder / "config.json").write_bytes(b"{"), "cannot be loaded"),
    "damaged tokenizer": (lambda folder: (folder / "tokenizer.json").write_bytes(b"{"), "cannot be loaded"),
    "other shapes": (edit("config.json", lambda c: c.update(intermediate_size=64)), "cannot be loaded"),
    "other tokenizer": (edit("tokenizer.json", swap), "different tokenizers"),
    "fewer positions": (edit("config.json", lambda c: c.update(max_position_embeddings=5)), "5 positions"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_models_that_are_refused(damage: str, tmp_path: Path) -> None:
    """One line, status 2, nothing written."""
    act, said = DAMAGES[damage]
    shutil.copytree(PAIR / "aligned", tmp_path / "model")
    act(tmp_path / "model")
    path = written(tmp_path, **(REAL | {"models": f'prior = "embedded:prior"\naligned = "{tmp_path / "model"}"'}))
    before = files(tmp_path)
    assert said in refused(run("sample", path))
    assert files(tmp_path) == before


@pytest.mark.parametrize("role", ["prior", "aligned"])
def test_weights_that_are_no_numbers(role: str, tmp_path: Path) -> None:
    """Logits of NaN are met when the models are checked: one line, and no store."""
    shutil.copytree(PAIR / role, tmp_path / "model")
    not_a_number(tmp_path / "model")
    models = {"prior": "embedded:prior", "aligned": "embedded:aligned", role: str(tmp_path / "model")}
    path = written(tmp_path, **(REAL | {"models": "\n".join(f'{k} = "{v}"' for k, v in models.items())}))
    assert "NaN" in refused(run("sample", path))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("models", "said"),
    [
        ('prior = "embedded:prior"\naligned = "embedded:none"', "embedded:none"),
        ('prior = "/no/such/folder"\naligned = "embedded:aligned"', "/no/such/folder"),
        ('prior = "MODEL.pt"\naligned = "embedded:aligned"', "a pickle"),
        ('prior = "embedded:prior"\naligned = "embedded:aligned"\ndevice = "toaster"', "'toaster'"),
        ('prior = "embedded:prior"\naligned = "embedded:aligned"\ndevice = "cuda:99"', "'cuda:99'"),
    ],
)
def test_models_that_are_not_there(models: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_bytes(b"\x80\x04.")
    path = written(tmp_path, **(REAL | {"models": models.replace("MODEL", str(tmp_path / "model"))}))
    before = files(tmp_path)
    assert said in refused(run("sample", path))
    assert files(tmp_path) == before


def test_a_library_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without torch or pyarrow: what to install, for both commands."""
    for name in ("session", "analyse"):
        monkeypatch.delattr(f"simulations.bridge.{name}")
        monkeypatch.setitem(sys.modules, f"simulations.bridge.{name}", None)
    for done in (run("sample", written(tmp_path)), run("analyse", tmp_path)):
        assert "install probqual[bridge]" in refused(done)


# --- analysing ----------------------------------------------------------------------------------------------------


@pytest.fixture
def finished(tree: None, tmp_path: Path) -> Path:
    assert run("sample", written(tmp_path)).exit_code == 0
    return tmp_path / "run"


def test_analyse_prints_json_alone(finished: Path) -> None:
    before = files(finished.parent)
    done = run("analyse", finished, "--json", "-")
    assert done.exit_code == 0, done.output
    assert done.stderr == ""
    found = json.loads(done.stdout)
    assert found["key"] == Store.existing(finished).key
    assert found["strings"] == 2 * 3 * 4
    assert len(found["settings"]) == 2
    assert files(finished.parent) == before, "nothing is written"


def test_analyse_prints_a_table(finished: Path) -> None:
    """A row per setting; --json PATH writes the same numbers as well."""
    done = run("analyse", finished, "--json", finished.parent / "out.json")
    assert done.exit_code == 0, done.output
    assert "temperature 1/2" in done.stdout
    assert "p+" in done.stdout
    assert "\x1b" not in done.stdout
    written_out = json.loads((finished.parent / "out.json").read_text("utf-8"))
    assert written_out == json.loads(run("analyse", finished, "--json", "-").stdout)


def test_no_run(tmp_path: Path) -> None:
    """A folder without a run, one that is not there, a file."""
    (tmp_path / "file").write_text("x", "utf-8")
    before = files(tmp_path)
    for folder in (tmp_path, tmp_path / "none", tmp_path / "file"):
        line = refused(run("analyse", folder))
        assert str(folder) in line
        assert "no run" in line
    assert files(tmp_path) == before
    assert not (tmp_path / "none").exists()


def test_an_unfinished_run(finished: Path) -> None:
    """It is said how much is missing and what the numbers are of; with no shard the first one is named."""
    for path in (finished / "shards").glob("00002.*"):
        path.unlink()
    done = run("analyse", finished, "--json", "-")
    assert done.exit_code == 0, done.output
    (note,) = [one for one in json.loads(done.stdout)["notes"] if one.startswith("unfinished")]
    assert note.startswith("unfinished: 1 of 4 shards are missing; the numbers are of the prompts that have all")
    shown = run("analyse", finished, "--plot", finished.parent / "some.png")
    assert shown.exit_code == 0, shown.output
    assert "small step at T = 1: undecided (too few prompts: 8 needed)" in " ".join(shown.stdout.split())
    for path in (finished / "shards").glob("*"):
        path.unlink()
    line = refused(run("analyse", finished, "--json", "-"))
    assert "00000.parquet" in line
    assert "sample the run again" in line


@pytest.mark.parametrize("name", ["00001.parquet", "00001.sha256"])
def test_a_damaged_shard(name: str, finished: Path) -> None:
    """One bit: named, nothing analysed; sampled again, the analysis is the one from before."""
    before = run("analyse", finished, "--json", "-").stdout
    path = finished / "shards" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    assert "00001.parquet" in refused(run("analyse", finished, "--json", "out.json"))
    assert run("sample", finished.parent / "run.toml").exit_code == 0
    assert run("analyse", finished, "--json", "-").stdout == before


def test_a_damaged_key(finished: Path) -> None:
    (finished / "key.json").write_bytes(b'{"format": ')
    assert "key.json" in refused(run("analyse", finished))


def test_a_shard_of_another_run(finished: Path, tmp_path: Path) -> None:
    """Whole, but of another run: not analysed."""
    path = written(tmp_path, sampling=TABLES["sampling"] + "\nseed = 2")
    assert run("sample", path, "--output", tmp_path / "other").exit_code == 0
    for suffix in (".parquet", ".sha256"):
        shutil.copy(tmp_path / "other" / "shards" / f"00001{suffix}", finished / "shards" / f"00001{suffix}")
    assert "another run" in refused(run("analyse", finished))


def test_json_that_cannot_be_written(finished: Path) -> None:
    assert "cannot be written" in refused(run("analyse", finished, "--json", finished / "none" / "out.json"))


def test_record_outside_a_checkout(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--record keeps numbers in the checkout; outside of one it says so."""
    monkeypatch.chdir(finished.parent)
    assert "--record" in refused(run("analyse", finished, "--record", "mine"))


def test_arguments() -> None:
    """A missing argument is the command line's own refusal."""
    for command in ("sample", "analyse"):
        assert run(command).exit_code == 2
        assert run(command, "a", "b").exit_code == 2


@pytest.mark.parametrize("device", ["hpu", "meta", "privateuseone", "nowhere"])
def test_devices_that_are_not_there(device: str, tmp_path: Path) -> None:
    """Whatever torch raises about a device is one line."""
    run = tmp_path / "run.toml"
    run.write_text(
        f'[models]\nprior = "embedded:prior"\naligned = "embedded:aligned"\ndevice = "{device}"\n'
        '[prompts]\ntexts = ["We"]\n[output]\nfolder = "out"\n',
        encoding="utf-8",
    )
    done = CliRunner().invoke(app, ["sample", str(run)])
    assert done.exit_code == 2
    (line,) = done.stderr.strip().splitlines()
    assert f"device '{device}'" in line
    assert not (tmp_path / "out").exists()
