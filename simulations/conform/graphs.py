"""Models with known laws as graphs: ONNX, with the settings of onnxruntime-genai, and OpenVINO.

A graph looks up the logits that follow each token in one table: what comes before the last token changes nothing. Other
inputs that engines hand over, such as the attention mask, are taken and not used.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulations.conform.law import END, START, VOCABULARY, KnownModel

_POSITIONS = 512
_TOKENIZER = ("tokenizer.json", "tokenizer_config.json")


class Missing(ValueError):
    """A format that cannot be written; the message says which library it needs."""


def write_onnx(model: KnownModel, folder: Path, tokenizer: Path) -> Path:
    """A folder with model.onnx, genai_config.json and the tokenizer of another folder.

    Raises:
        Missing: the package onnx is not installed.
        OSError: the folder cannot be written.
    """
    try:
        import onnx
        from onnx import TensorProto, helper, numpy_helper
    except ImportError:
        raise Missing("ONNX is left out: it needs the package onnx (pip install 'probqual[graphs]')") from None
    sizes = ["batch", "sequence"]
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, sizes)
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [*sizes, VOCABULARY])
    look_up = helper.make_node("Gather", ["table", "input_ids"], ["logits"], axis=0)
    graph = helper.make_graph([look_up], model.name, [ids], [logits], [numpy_helper.from_array(_table(model), "table")])
    # opset 17 and IR 9 are read by every runtime since 2022
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(made, full_check=True)
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(made, str(folder / "model.onnx"))
    (folder / "genai_config.json").write_text(json.dumps(_genai(), indent=2) + "\n", encoding="utf-8")
    for name in _TOKENIZER:
        shutil.copyfile(tokenizer / name, folder / name)
    return folder


def write_openvino(model: KnownModel, folder: Path) -> Path:
    """A folder with openvino_model.xml and .bin, and the ids that openvino-genai asks for.

    Raises:
        Missing: the package openvino is not installed.
        OSError: the folder cannot be written.
    """
    try:
        import openvino
        from openvino import opset13 as ops
    except ImportError:
        raise Missing("OpenVINO is left out: it needs the package openvino (pip install 'probqual[graphs]')") from None
    last, mask, places = (
        ops.parameter([-1, -1], np.int64, name=name) for name in ("input_ids", "attention_mask", "position_ids")
    )
    beam = ops.parameter([-1], np.int32, name="beam_idx")
    for one in (last, mask, places, beam):
        one.output(0).get_tensor().set_names({one.get_friendly_name()})
    logits = ops.gather(ops.constant(_table(model)), last, ops.constant(np.int64(0)))
    logits.output(0).get_tensor().set_names({"logits"})
    made = openvino.Model([ops.result(logits, name="logits")], [last, mask, places, beam], model.name)
    folder.mkdir(parents=True, exist_ok=True)
    openvino.save_model(made, str(folder / "openvino_model.xml"), compress_to_fp16=False)
    ids = {"bos_token_id": START, "eos_token_id": END, "pad_token_id": 0}
    for name, own in (("generation_config.json", ids), ("config.json", {"model_type": "llama", **ids})):
        (folder / name).write_text(json.dumps(own) + "\n", encoding="utf-8")
    return folder


def _table(model: KnownModel) -> NDArray[np.float32]:
    """The logits after each token, shape (V, V)."""
    return model.logits[model.classes].astype(np.float32)


def _genai() -> dict[str, object]:
    """The settings of onnxruntime-genai: a decoder without layers, so without a cache of keys and values."""
    sizes = {"head_size": 8, "hidden_size": 8, "num_attention_heads": 1, "num_key_value_heads": 1}
    decoder = {
        "filename": "model.onnx",
        "num_hidden_layers": 0,
        **sizes,
        "inputs": {"input_ids": "input_ids"},
        "outputs": {"logits": "logits"},
        "session_options": {"provider_options": []},
    }
    ids = {"bos_token_id": START, "eos_token_id": END, "pad_token_id": 0}
    model = {"type": "llama", "vocab_size": VOCABULARY, "context_length": _POSITIONS, **ids, "decoder": decoder}
    return {"model": model, "search": {"do_sample": False, "max_length": _POSITIONS}}


__all__ = ["Missing", "write_onnx", "write_openvino"]
