#!/usr/bin/env bash
# onnxruntime-genai 0.18.0: top_p with top_k=0 is the nucleus in a vocabulary of 64 tokens and a larger set in one of 65.
#
# Guess: top_k=0 switches top-k off, and top_p = 0.5 keeps the shortest run of likely tokens whose mass reaches 0.5.
# Seen, on the law p(k) proportional to 1/k: with 64 tokens 6 of them come, of mass 0.52, as they should. With 65 tokens 17
# come, of mass 0.72; with 128 tokens 27 instead of 8. With top_k set to the size of the vocabulary it is the nucleus again.
# Exit status: 0 if that is still so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 onnx==1.23.2 onnxruntime-genai==0.18.0
FOLDER="$folder" "$folder/venv/bin/python" - <<'PYTHON'
import json
import os
import sys

import numpy as np
import onnx
import onnxruntime_genai as og
from onnx import TensorProto, helper
from onnx.numpy_helper import from_array

print("onnxruntime-genai", og.__version__, "onnx", onnx.__version__)


def model(law):
    """A graph whose logits are log(law) at every token."""
    size, folder = len(law), os.path.join(os.environ["FOLDER"], f"model{len(law)}")
    os.makedirs(folder)
    nodes = [
        helper.make_node("Cast", ["input_ids"], ["real"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["real", "zero"], ["nothing"]),
        helper.make_node("Unsqueeze", ["nothing", "axis"], ["column"]),
        helper.make_node("Add", ["column", "row"], ["logits"]),
    ]
    constants = [
        from_array(np.log(law).astype(np.float32).reshape(1, 1, size), "row"),
        from_array(np.array(0, dtype=np.float32), "zero"),
        from_array(np.array([2], dtype=np.int64), "axis"),
    ]
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["b", "s"])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["b", "s", size])
    graph = helper.make_graph(nodes, "law", [ids], [logits], constants)
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), f"{folder}/model.onnx")
    decoder = {"filename": "model.onnx", "head_size": 8, "hidden_size": 8, "num_attention_heads": 1}
    decoder |= {"num_key_value_heads": 1, "num_hidden_layers": 0, "session_options": {"provider_options": []}}
    decoder |= {"inputs": {"input_ids": "input_ids"}, "outputs": {"logits": "logits"}}
    config = {"type": "llama", "vocab_size": size, "context_length": 64, "bos_token_id": 0, "decoder": decoder}
    config |= {"eos_token_id": size - 1, "pad_token_id": size - 1}
    search = {"do_sample": False, "max_length": 64}
    with open(f"{folder}/genai_config.json", "w") as file:
        json.dump({"model": config, "search": search}, file)
    return og.Model(folder)


def kept(own, **settings):
    """How many different tokens come in 3,000 draws."""
    seen = set()
    for seed in range(3000):
        parameters = og.GeneratorParams(own)
        parameters.set_search_options(do_sample=True, max_length=4, random_seed=seed + 1, **settings)
        generator = og.Generator(own, parameters)
        generator.append_tokens(np.array([0], dtype=np.int32))
        generator.generate_next_token()
        seen.add(int(generator.get_next_tokens()[0]))
    return len(seen)


found = {}
for size in (64, 65, 128):
    law = 1 / np.arange(1, size + 1)
    law /= law.sum()
    own = model(law)
    nucleus = 1 + int((np.cumsum(law) < 0.5).sum())
    found[size] = (nucleus, kept(own, top_p=0.5, top_k=0), kept(own, top_p=0.5, top_k=size))
    print(f"{size} tokens: the nucleus of 0.5 has {found[size][0]}, top_k=0 keeps {found[size][1]}, top_k={size} {found[size][2]}")
right = found[64][0] == found[64][1] and all(found[size][2] == found[size][0] for size in found)
sys.exit(0 if right and found[65][1] > 10 and found[128][1] > 20 else 1)
PYTHON
