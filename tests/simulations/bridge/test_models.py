"""Loading models: what is read and what never is, and the decoder against the model itself."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from huggingface_hub.errors import LocalEntryNotFoundError
from safetensors.torch import load_file, save_file

import simulations.bridge.models as module
from simulations.bridge.models import LoadedModel, check_tokenizers, load, versions
from simulations.bridge.pairs import load_models
from simulations.bridge.runs import Run
from simulations.sampling.generate import PAD

PAIR = Path(module.__file__).resolve().parents[1] / "data" / "pair"


def get(name: str | Path, **changes: Any) -> LoadedModel:
    return load(str(name), **({"dtype": "float32", "device": "cpu"} | changes))


@pytest.fixture(scope="module")
def prior() -> LoadedModel:
    return get("embedded:prior")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The embedded prior in a folder of its own."""
    shutil.copytree(PAIR / "prior", tmp_path / "model")
    return tmp_path / "model"


def refused(name: str | Path) -> str:
    """One line that begins with the name."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        get(name)
    message = str(caught.value)
    assert message.startswith(f"{name}: ")
    assert len(message.splitlines()) == 1
    return message


# --- loading ------------------------------------------------------------------------------------------------------


def test_the_embedded_pair(prior: LoadedModel) -> None:
    """Both models load, are different, and share their tokenizer."""
    aligned = get("embedded:aligned")
    assert prior.longest == aligned.longest == 256
    assert prior.decoder.end == aligned.decoder.end == prior.tokenizer.eos_token_id
    assert not prior.decoder.model.training
    assert prior.identity != aligned.identity
    assert prior.identity["tokenizer.json"] == aligned.identity["tokenizer.json"]
    check_tokenizers(prior.tokenizer, aligned.tokenizer)


def test_a_folder(prior: LoadedModel, copy: Path) -> None:
    """A copy is the same model: its identity is of contents, not of places."""
    other = get(copy)
    assert other.identity == prior.identity
    prompts = np.array([[0, 5, 9]])
    assert np.array_equal(other.decoder.begin(prompts), prior.decoder.begin(prompts))


def test_identity_is_of_every_file_that_decides(copy: Path, prior: LoadedModel) -> None:
    """SHA-256 of weights, configuration and tokenizer, as anybody can compute them."""
    names = {"model.safetensors", "config.json", "tokenizer.json"}
    assert set(prior.identity) == names
    for name in names:
        assert prior.identity[name] == hashlib.sha256((PAIR / "prior" / name).read_bytes()).hexdigest()
    config = json.loads((copy / "config.json").read_text("utf-8"))
    (copy / "config.json").write_text(json.dumps(config | {"rms_norm_eps": 1e-5}), "utf-8")
    assert {n for n, h in get(copy).identity.items() if h != prior.identity[n]} == {"config.json"}


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_dtypes(dtype: str) -> None:
    """The weights are in the dtype, logits in float32 whatever it is."""
    found = get("embedded:prior", dtype=dtype)
    assert str(found.decoder.model.dtype) == f"torch.{dtype}"
    logits = found.decoder.begin(np.array([[0, 5]]))
    assert logits.dtype == np.float32
    assert logits.shape == (1, 1024)
    assert np.isfinite(logits).all()


def test_loading_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    get("embedded:prior")
    assert capfd.readouterr() == ("", "")


def test_versions() -> None:
    assert set(versions()) == {"torch", "transformers", "numpy"}
    assert versions()["torch"] == torch.__version__


# --- the decoder --------------------------------------------------------------------------------------------------


def test_decoder_against_the_model(prior: LoadedModel) -> None:
    """begin, advance and logits are the model's own logits at the right places."""
    rng = np.random.default_rng(3)
    prompts, tokens = rng.integers(1, 1024, (3, 4)), rng.integers(1, 1024, (3, 5))
    with torch.inference_mode():
        whole = prior.decoder.model(torch.tensor(np.concatenate((prompts, tokens), axis=1))).logits.numpy()
    scored = prior.decoder.logits(prompts, tokens)
    assert scored.shape == (3, 5, 1024)
    assert np.abs(scored - whole[:, 3:-1]).max() <= 1e-4
    steps = [prior.decoder.begin(prompts), *(prior.decoder.advance(tokens[:, t]) for t in range(4))]
    assert np.abs(np.stack(steps, axis=1) - scored).max() <= 1e-4


def test_a_cache_is_begun_anew(prior: LoadedModel) -> None:
    """What was decoded before does not matter, whatever its shape."""
    one, two = np.array([[0, 7, 8]]), np.array([[0, 9], [0, 11]])
    first = prior.decoder.begin(one)
    prior.decoder.advance(np.array([5]))
    prior.decoder.begin(two)
    assert np.array_equal(prior.decoder.begin(one), first)


def test_what_stands_after_the_end_does_not_matter(prior: LoadedModel) -> None:
    """PAD changes no logit before it."""
    prompts = np.array([[0, 7]])
    long, short = np.array([[5, 6, 0, PAD, PAD]]), np.array([[5, 6, 0]])
    assert np.abs(prior.decoder.logits(prompts, long)[:, :3] - prior.decoder.logits(prompts, short)).max() <= 1e-5


def test_advance_before_begin() -> None:
    with pytest.raises(ValueError, match="begin"):
        get("embedded:prior").decoder.advance(np.array([3]))


# --- what is refused ----------------------------------------------------------------------------------------------


def no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def pickle_only(folder: Path) -> None:
    no_weights(folder)
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04.")


def no_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def damaged_config(folder: Path) -> None:
    (folder / "config.json").write_text("{", "utf-8")


def unknown_architecture(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "no such model"}', "utf-8")


def code_of_others(folder: Path) -> None:
    (folder / "config.json").write_text(
        '{"model_type": "mine", "auto_map": {"AutoModelForCausalLM": "mine.M", "AutoConfig": "mine.C"}}', "utf-8"
    )
    (folder / "mine.py").write_text(f"open({str(folder / 'ran')!r}, 'w').close()", "utf-8")


DAMAGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "no weights": (no_weights, "no weights"),
    "pickle only": (pickle_only, "pytorch_model.bin, a pickle"),
    "no config": (no_config, "no config.json"),
    "damaged config": (damaged_config, "cannot be loaded"),
    "unknown architecture": (unknown_architecture, "cannot be loaded"),
    "code of others": (code_of_others, "cannot be loaded"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_folders(damage: str, copy: Path) -> None:
    act, said = DAMAGES[damage]
    act(copy)
    assert said in refused(copy)
    assert not (copy / "ran").exists()


def test_no_folder(tmp_path: Path) -> None:
    assert "no such folder" in refused(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    assert "no weights" in refused(tmp_path / "empty")


@pytest.mark.parametrize("name", ["", " ", "a\0b", "x" * 300, "~no-such-user/model"])
def test_names_that_no_folder_has(name: str, tmp_path: Path) -> None:
    """Beside a run file, too: the line shows the name as it was written."""
    with pytest.raises(ValueError, match=re.escape(repr(name))):
        load(name, dtype="float32", device="cpu", base=tmp_path)


@pytest.mark.parametrize("name", ["model.pt", "model.bin", "model.pth", "model.ckpt", "model.pkl"])
def test_pickles(name: str, tmp_path: Path) -> None:
    """A pickle is never opened: this one would leave a file."""
    (tmp_path / name).write_bytes(f"cposix\nsystem\n(S'touch {tmp_path / 'ran'}'\ntR.".encode())
    assert "a pickle, which can run code" in refused(tmp_path / name)
    assert not (tmp_path / "ran").exists()


def test_other_files(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("weights", "utf-8")
    assert "no GGUF" in refused(tmp_path / "notes.txt")


def test_embedded_names() -> None:
    message = refused("embedded:posterior")
    assert "embedded:prior" in message
    assert "embedded:aligned" in message


def test_the_hub_does_not_give_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, however many its error has."""

    def fails(*arguments: Any, **named: Any) -> str:
        raise LocalEntryNotFoundError("no network\nand nothing\nin the cache")

    monkeypatch.setattr(module, "snapshot_download", fails)
    assert "the hub does not give it" in refused("someone/model")


def test_the_hub_is_asked_for_no_pickle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only patterns without code or pickles are downloaded, at the revision that was named."""
    asked: dict[str, Any] = {}

    def gives(name: str, **named: Any) -> str:
        asked.update(named, name=name)
        return str(PAIR / "prior")

    monkeypatch.setattr(module, "snapshot_download", gives)
    get("someone/model", revision="abc")
    assert asked["name"] == "someone/model"
    assert asked["revision"] == "abc"
    assert not [p for p in asked["allow_patterns"] if p.endswith((".bin", ".pt", ".py", ".pth", "*"))]


# --- tokenizers ---------------------------------------------------------------------------------------------------


def edited(folder: Path, act: Callable[[dict[str, Any]], None]) -> Any:
    """The tokenizer of the folder after a change to its vocabulary."""
    from transformers import AutoTokenizer

    found = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    act(found["model"]["vocab"])
    (folder / "tokenizer.json").write_text(json.dumps(found), "utf-8")
    return AutoTokenizer.from_pretrained(folder)


def swap(vocab: dict[str, int]) -> None:
    one, two = sorted(vocab, key=vocab.__getitem__)[300:302]
    vocab[one], vocab[two] = vocab[two], vocab[one]


def test_tokens_that_changed_places(copy: Path, prior: LoadedModel) -> None:
    """The same tokens with other ids: named with both ids, whichever comes first."""
    other = edited(copy, swap)
    with pytest.raises(ValueError, match=r"different tokenizers: '.*' has id 30[01] and 30[01]"):
        check_tokenizers(prior.tokenizer, other)
    with pytest.raises(ValueError, match="different tokenizers"):
        check_tokenizers(other, prior.tokenizer)
    check_tokenizers(prior.tokenizer, prior.tokenizer)


def test_another_token(copy: Path, prior: LoadedModel) -> None:
    other = edited(copy, lambda vocab: vocab.update({"zzzz": 1024}))
    with pytest.raises(ValueError, match="'zzzz' has id None and 1024"):
        check_tokenizers(prior.tokenizer, other)


def test_another_end() -> None:
    """The same vocabulary, but another token ends a string: ends are the run's, not the tokenizers' to agree on."""

    class Tokenizer:
        def __init__(self, end: int) -> None:
            self.eos_token_id = end

        def get_vocab(self) -> dict[str, int]:
            return {"a": 0, "b": 1}

    check_tokenizers(Tokenizer(0), Tokenizer(1))


# --- a pair -------------------------------------------------------------------------------------------------------


def a_run(**changes: Any) -> Run:
    fields: dict[str, Any] = {
        "prior": "embedded:prior",
        "aligned": "embedded:aligned",
        "dtype": "float32",
        "device": "cpu",
        "threads": 1,
        "revision": None,
        "prompts": ("The",),
        "begin": True,
        "strings": 2,
        "length": 4,
        "seed": 1,
        "rows": 8,
        "reward": "secret",
        "source": None,
        "label": None,
        "beta": "1",
        "chains": ((),),
        "folder": Path("unused"),
    }
    return Run(**(fields | changes))


def test_a_pair(prior: LoadedModel) -> None:
    """Its prompts begin with the beginning-of-string token where that is asked for; text and ids come back."""
    found = load_models(a_run())
    text = "We must do it."
    bare = load_models(a_run(begin=False)).encode(text)
    assert found.encode(text) == [prior.tokenizer.bos_token_id, *bare]
    assert found.decode(bare) == found.decode(found.encode(text)) == text
    assert found.encode("") == [prior.tokenizer.bos_token_id]
    assert found.longest == 256
    assert found.identity["prior"] == prior.identity
    assert found.identity["aligned"] == get("embedded:aligned").identity
    assert found.identity["device"] == "cpu"
    assert found.identity["versions"] == versions()


def test_a_prior_alone(prior: LoadedModel) -> None:
    found = load_models(a_run(aligned=None, reward="length"))
    assert found.aligned is None
    assert found.identity["aligned"] is None
    assert found.identity["prior"] == prior.identity


def test_one_model_twice_is_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from simulations.bridge import adapters

    calls = []
    monkeypatch.setattr(adapters, "load", lambda name, **named: calls.append(name) or get(name))
    found = load_models(a_run(aligned="embedded:prior"))
    assert calls == ["embedded:prior"]
    assert found.prior is found.aligned


@pytest.mark.parametrize("device", ["nonsense", "cuda:99", "mps:0", "cpu:-1", "CPU", "xla"])
def test_devices_that_are_not_there(device: str) -> None:
    with pytest.raises(ValueError, match="device") as caught:
        load_models(a_run(device=device))
    assert len(str(caught.value).splitlines()) == 1
    assert repr(device) in str(caught.value)


def test_tokenizers_of_a_pair(copy: Path) -> None:
    edited(copy, swap)
    with pytest.raises(ValueError, match="prior and aligned have different tokenizers"):
        load_models(a_run(aligned=str(copy)))


def test_positions_are_those_that_both_have(copy: Path) -> None:
    config = json.loads((copy / "config.json").read_text("utf-8"))
    (copy / "config.json").write_text(json.dumps(config | {"max_position_embeddings": 100}), "utf-8")
    assert load_models(a_run(aligned=str(copy))).longest == 100


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
