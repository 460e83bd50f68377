"""The same code on a GPU, where there is one: numbers of the CPU within rounding, and the same draws from the key."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("pyarrow")

import torch

from tests.simulations.bridge.making import analysed, command, float64_scores, key, llama, pair, rows, run_file

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")

ENOUGH = 'texts = ["a", "b", "c d", "d", "a b", "b a", "c", "d d"]\nbegin = true'


@pytest.mark.parametrize(("dtype", "bound"), [("float32", 1e-4), ("bfloat16", 0.5)])
def test_log_probabilities_on_a_gpu(tmp_path: Path, dtype: str, bound: float) -> None:
    """Stored log p of every string against float64 on the CPU, prior and aligned; analyse reads the run."""
    pair(tmp_path)
    models = f'prior = "prior"\naligned = "aligned"\ndtype = "{dtype}"'
    path = run_file(tmp_path, models=models, prompts=ENOUGH)
    done = command("sample", path, "--device", "cuda")
    assert done.exit_code == 0, done.output
    prompts = key(tmp_path)["prompt_ids"]
    for row in rows(tmp_path):
        for name, seed in (("log_prior", 11), ("log_aligned", 12)):
            exact = float64_scores(llama(seed), prompts[row["prompt"]], row["tokens"])
            assert np.abs(np.array(row[name]) - exact).max() < bound
    assert analysed(tmp_path)["device"] == "cuda"


def test_an_adapter_is_trained_on_a_gpu(tmp_path: Path) -> None:
    """Training ends with an adapter and a record."""
    pytest.importorskip("peft")
    from tests.simulations.training.test_adapter import recipe_of

    done = command("train", "--pair", recipe_of(tmp_path), "--output", tmp_path / "out", "--device", "cuda")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "out" / "adapter" / "adapter_model.safetensors").is_file()
    assert (tmp_path / "out" / "record.json").is_file()
