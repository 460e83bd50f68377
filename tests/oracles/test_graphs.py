"""The graphs of ``probqual conform`` run by the engines that read them: onnxruntime and OpenVINO."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulations.conform.graphs import write_onnx, write_openvino
from simulations.conform.law import END, MODELS, START, VOCABULARY
from simulations.sampling.adaptors import log_softmax

pytestmark = pytest.mark.oracle

IDS = np.stack([np.arange(VOCABULARY), np.arange(VOCABULARY)[::-1]])
"""Every token, in two rows."""


def from_onnx(name: str, folder: Path) -> Any:
    """The logits by onnxruntime."""
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    for file in ("tokenizer.json", "tokenizer_config.json"):
        (folder / file).write_text("{}", encoding="utf-8")
    made = write_onnx(MODELS[name](), folder / "made", folder)
    assert {path.name for path in made.iterdir()} == {
        "model.onnx",
        "genai_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    session = runtime.InferenceSession(str(made / "model.onnx"), providers=["CPUExecutionProvider"])
    return session.run(["logits"], {"input_ids": IDS})[0]


def from_openvino(name: str, folder: Path) -> Any:
    """The logits by OpenVINO on a CPU, with the inputs that openvino-genai hands over."""
    openvino = pytest.importorskip("openvino")
    made = write_openvino(MODELS[name](), folder)
    compiled = openvino.Core().compile_model(str(made / "openvino_model.xml"), "CPU")
    given = {"input_ids": IDS, "attention_mask": np.ones_like(IDS), "position_ids": np.zeros_like(IDS)}
    return compiled(given | {"beam_idx": np.zeros(len(IDS), dtype=np.int32)})["logits"]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("logits_of", [from_onnx, from_openvino])
def test_graphs_have_their_laws(logits_of: Any, name: str, tmp_path: Path) -> None:
    """log p after every token, START and END among them, in float32; what must not come is below -50."""
    found = log_softmax(logits_of(name, tmp_path).astype(np.float64).reshape(-1, VOCABULARY))
    own = MODELS[name]()
    expected = own.log_law[own.classes[IDS.reshape(-1)]]
    inside = np.isfinite(expected)
    assert {START, END} <= set(IDS.reshape(-1).tolist())
    assert np.abs(found - expected)[inside].max() < 2e-6
    assert found[~inside].max() < -50


def test_openvino_genai_samples_the_law(tmp_path: Path) -> None:
    """Its pipeline reads the folder as it is; 400 first tokens are all tokens that may come, and not one repeated."""
    openvino, genai = pytest.importorskip("openvino"), pytest.importorskip("openvino_genai")
    pipeline = genai.LLMPipeline(str(write_openvino(MODELS["fixed"](), tmp_path)), "CPU")
    config = genai.GenerationConfig()
    config.do_sample, config.max_new_tokens, config.ignore_eos = True, 400, True
    row = np.array([[START, 300]], dtype=np.int64)
    prompt = genai.TokenizedInputs(openvino.Tensor(row), openvino.Tensor(np.ones_like(row)))
    drawn = pipeline.generate(prompt, config).tokens[0]
    weights = MODELS["fixed"]().weights[0]
    assert len(drawn) == 400
    assert weights[drawn].min() > 0
    assert len(set(drawn)) > 50
