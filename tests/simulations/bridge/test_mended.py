"""What independent tests found wrong in the bridge: damaged files, strange rewards, races, each on a small case."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from probqual.command_line import app

pytest.importorskip("pyarrow")
pytest.importorskip("transformers")

from safetensors.torch import load_file, save_file

from simulations.bridge.analyse import analyse
from simulations.bridge.models import check_tokenizers, load
from simulations.bridge.rewards import checked, identity, scorer
from simulations.bridge.runs import RunError, read_run
from simulations.bridge.store import Store, StoreError
from tests.kills import finish, plan

PAIR = Path(__file__).resolve().parents[3] / "simulations" / "data" / "pair"


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the embedded aligned model."""
    shutil.copytree(PAIR / "aligned", tmp_path / "model")
    return tmp_path / "model"


def loaded(folder: Path) -> Any:
    return load(str(folder), dtype="float32", device="cpu")


@pytest.mark.parametrize("content", [b"", b"garbage", b"\xff" * 4000])
def test_damaged_weights(copied: Path, content: bytes) -> None:
    """Empty, or no safetensors at all."""
    (copied / "model.safetensors").write_bytes(content)
    with pytest.raises(ValueError, match="cannot be loaded"):
        loaded(copied)


@pytest.mark.parametrize("change", [{"num_attention_heads": 0}, {"num_hidden_layers": "x"}, []])
def test_damaged_configuration(copied: Path, change: Any) -> None:
    """A configuration that no model has."""
    path = copied / "config.json"
    whole = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(whole | change if isinstance(change, dict) else change), encoding="utf-8")
    with pytest.raises(ValueError, match="cannot be loaded"):
        loaded(copied)


def test_weights_that_are_missing(copied: Path) -> None:
    """A model with a random layer is refused, by the layer's name."""
    weights = load_file(copied / "model.safetensors")
    gone = "model.layers.0.mlp.down_proj.weight"
    save_file({k: v for k, v in weights.items() if k != gone}, copied / "model.safetensors", {"format": "pt"})
    with pytest.raises(ValueError, match=gone):
        loaded(copied)


def test_tokenizers_with_other_merges(copied: Path) -> None:
    """The same vocabulary, but texts are cut otherwise."""
    path = copied / "tokenizer.json"
    whole = json.loads(path.read_text(encoding="utf-8"))
    whole["model"]["merges"] = whole["model"]["merges"][:5]
    path.write_text(json.dumps(whole), encoding="utf-8")
    with pytest.raises(ValueError, match=r"the model of tokenizer\.json differs"):
        check_tokenizers(load("embedded:prior", dtype="float32", device="cpu").tokenizer, loaded(copied).tokenizer)


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


def write_module(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> str:
    (folder / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    return name


def test_reward_functions_that_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any exception of the user's code names the reward, the text and the exception."""
    name = write_module(tmp_path, monkeypatch, "failing_rewards", "def one(text):\n    return 1 / 0\n")
    reward = scorer("function", f"{name}:one")
    assert reward is not None
    with pytest.raises(ValueError, match=r"failing_rewards:one fails on 'Peace': ZeroDivisionError"):
        reward(["Peace"], [1])
    broken = write_module(tmp_path, monkeypatch, "broken_rewards", "1 / 0\n")
    for source in (f"{broken}:one", ".x:one", "no_such_module_anywhere:one"):
        with pytest.raises(ValueError, match="cannot be imported"):
            scorer("function", source)


def test_rewards_that_are_no_numbers() -> None:
    """Too large, text or nothing; a float32 is one."""
    assert checked([np.float32(0.5), 2], ["a", "b"]) == [0.5, 2.0]
    for value in (10**400, "1", None, True, float("nan")):
        with pytest.raises(ValueError, match="must be a finite number"):
            checked([value], ["a"])


def test_a_classifier_without_its_head() -> None:
    """A language model read as a classifier would give random rewards."""
    with pytest.raises(ValueError, match="random rewards"):
        scorer("classifier", str(PAIR / "prior"))


def test_what_decides_a_reward_is_part_of_the_run(copied: Path) -> None:
    """The files of a classifier and the module of a function; the others have no files."""
    before = identity("classifier", str(copied))
    assert before is not None
    (copied / "model.safetensors").write_bytes(b"other")
    assert identity("classifier", str(copied)) != before
    assert set(identity("function", "theory.arithmetic.exact:rational") or {}) == {"exact.py"}
    assert identity("vader", None) is None


def test_no_temperature_at_all(tmp_path: Path) -> None:
    run = tmp_path / "run.toml"
    run.write_text(
        '[models]\nprior = "x"\naligned = "y"\n[prompts]\ntexts = ["We"]\n[sampling]\ntemperatures = []\n'
        '[output]\nfolder = "out"\n',
        encoding="utf-8",
    )
    with pytest.raises(RunError, match="temperatures must name one"):
        read_run(run)


@pytest.mark.parametrize("content", ["{}", "[]", "null", "5", "{", '{"shards": 0}', '{"shards": "3"}'])
def test_damaged_keys(content: str, tmp_path: Path) -> None:
    """Reading and resuming both say which file is damaged."""
    store = finish(plan(tmp_path))
    (store.folder / "key.json").write_text(content, encoding="utf-8")
    with pytest.raises(StoreError, match=r"key\.json: is damaged"):
        Store.existing(store.folder)
    with pytest.raises(StoreError, match=r"key\.json: is damaged"):
        finish(plan(tmp_path))


@pytest.mark.parametrize("word", ["run", "chains", "aligned"])
def test_keys_with_one_letter_changed(word: str, tmp_path: Path) -> None:
    """A flipped bit in the name of a field: what the analysis needs is not there."""
    store = finish(plan(tmp_path))
    text = (store.folder / "key.json").read_text(encoding="utf-8")
    (store.folder / "key.json").write_text(text.replace(f'"{word}"', f'"{word[:-1]}~"', 1), encoding="utf-8")
    with pytest.raises(StoreError, match=r"key\.json: is damaged"):
        analyse(Store.existing(store.folder))


def test_a_shard_in_the_wrong_place_is_made_again(tmp_path: Path) -> None:
    """Whole, with its sidecar, but of another number: it does not count, and resuming mends it."""
    store = finish(plan(tmp_path))
    right = store.path(1).read_bytes()
    for suffix in (".parquet", ".sha256"):
        shutil.copy(store.path(0).with_suffix(suffix), store.path(1).with_suffix(suffix))
    assert store.missing() == [1]
    with pytest.raises(StoreError, match="another place"):
        store.read(1)
    assert finish(plan(tmp_path)).path(1).read_bytes() == right
    assert len(list((store.folder / "aside").iterdir())) == 2


def test_looking_changes_nothing(tmp_path: Path) -> None:
    """Only who holds a shard's lock sets a damaged one aside: others may be mending it."""
    store = finish(plan(tmp_path))
    store.path(2).write_bytes(b"damaged")
    assert not store.committed(2)
    assert store.path(2).read_bytes() == b"damaged"
    assert not list((store.folder / "aside").iterdir())


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    """Somebody's notes are no run."""
    made = plan(tmp_path)
    made.run.folder.mkdir()
    (made.run.folder / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(StoreError, match=r"notes\.txt"):
        finish(made)
    assert [p.name for p in made.run.folder.iterdir()] == ["notes.txt"]
