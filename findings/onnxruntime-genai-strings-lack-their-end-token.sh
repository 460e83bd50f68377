#!/usr/bin/env bash
# onnxruntime-genai 0.18.0: the string of get_sequence lacks the end token that was drawn, one that was cut has all its tokens.
#
# Guess: a string that ended by itself ends with the end token, as in transformers, so that log p of the string can be
# summed over what comes back. Seen: of 400 strings by a law whose end token has probability 1/2 none holds it, though
# get_next_tokens gave it as the last token of each that ended. A string that ends after 3 tokens and one that max_length cuts
# after 3 look alike, and a reader that sums over tokens leaves log p(end) out: here log 2 a string.
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
size, end, folder = 8, 7, os.environ["FOLDER"]
law = np.array([1 / 14] * 7 + [1 / 2])  # after every token
table = from_array(np.repeat(np.log(law)[None], size, axis=0).astype(np.float32), "table")
node = helper.make_node("Gather", ["table", "input_ids"], ["logits"], axis=0)
ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["b", "s"])
logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["b", "s", size])
graph = helper.make_graph([node], "law", [ids], [logits], [table])
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), f"{folder}/model.onnx")
decoder = {"filename": "model.onnx", "head_size": 8, "hidden_size": 8, "num_attention_heads": 1}
decoder |= {"num_key_value_heads": 1, "num_hidden_layers": 0, "session_options": {"provider_options": []}}
decoder |= {"inputs": {"input_ids": "input_ids"}, "outputs": {"logits": "logits"}}
config = {"type": "llama", "vocab_size": size, "context_length": 64, "bos_token_id": 0, "decoder": decoder}
config |= {"eos_token_id": end, "pad_token_id": 0}
with open(f"{folder}/genai_config.json", "w") as file:
    json.dump({"model": config, "search": {"do_sample": False, "max_length": 64}}, file)
model = og.Model(folder)
ended, held = 0, 0
for seed in range(1, 401):
    parameters = og.GeneratorParams(model)
    parameters.set_search_options(do_sample=True, top_k=size, max_length=6, random_seed=seed)
    generator = og.Generator(model, parameters)
    generator.append_tokens(np.array([0], dtype=np.int32))
    while not generator.is_done():
        generator.generate_next_token()
        last = int(generator.get_next_tokens()[0])
    ended += last == end
    held += end in generator.get_sequence(0)[1:].tolist()
print(f"{ended} of 400 strings ended by themselves, {held} of them hold the end token")
sys.exit(0 if ended > 350 and held == 0 else 1)
PYTHON
