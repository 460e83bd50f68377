#!/usr/bin/env bash
# openvino-genai 2026.4.1, on a CPU: no_repeat_ngram_size does nothing where tokens are sampled, and nothing is said.
#
# Guess: with do_sample=True and no_repeat_ngram_size=1 no token comes twice, as in transformers and onnxruntime-genai. Seen: the
# string is the one without the setting, and 60 draws of a uniform law of 64 tokens hold repeats as chance has them (about
# 39 different tokens). The setting acts in beam search alone; the call takes it without a word.
# Exit status: 0 if that is still so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 openvino==2026.4.1 openvino-genai==2026.4.1.0
FOLDER="$folder" "$folder/venv/bin/python" - <<'PYTHON'
import json
import os
import sys

import numpy as np
import openvino
import openvino_genai
from openvino import opset13 as ops

print("openvino-genai", openvino_genai.__version__)
size, folder = 64, os.environ["FOLDER"]
# every next-token law is uniform over 64 tokens
ids, mask, places = (
    ops.parameter([-1, -1], np.int64, name=n) for n in ("input_ids", "attention_mask", "position_ids")
)
beam = ops.parameter([-1], np.int32, name="beam_idx")
for one in (ids, mask, places, beam):
    one.output(0).get_tensor().set_names({one.get_friendly_name()})
table = ops.constant(np.zeros((size, size), dtype=np.float32))
logits = ops.gather(table, ids, ops.constant(np.int64(0)))
logits.output(0).get_tensor().set_names({"logits"})
model = openvino.Model([ops.result(logits, name="logits")], [ids, mask, places, beam], "uniform")
openvino.save_model(model, f"{folder}/openvino_model.xml")
for name in ("config", "generation_config"):
    with open(f"{folder}/{name}.json", "w") as file:
        json.dump({"model_type": "llama", "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}, file)
pipeline = openvino_genai.LLMPipeline(folder, "CPU")


def strings(rows, **settings):
    """The strings of one call."""
    config = openvino_genai.GenerationConfig()
    config.do_sample, config.max_new_tokens, config.ignore_eos = True, 12, True
    for name, value in settings.items():
        setattr(config, name, value)
    prompt = np.array([[0, 5]] * rows, dtype=np.int64)
    inputs = openvino_genai.TokenizedInputs(openvino.Tensor(prompt), openvino.Tensor(np.ones_like(prompt)))
    return [tuple(row) for row in pipeline.generate(inputs, config).tokens]


free, ruled = strings(1)[0], strings(1, no_repeat_ngram_size=1)[0]
longer = strings(1, no_repeat_ngram_size=1, max_new_tokens=60)[0]
print("first tokens without and with the rule are the same:", free == ruled)
print(f"60 tokens with no_repeat_ngram_size=1: {len(set(longer))} different ones")
sys.exit(0 if free == ruled and len(set(longer)) < 50 else 1)
PYTHON
