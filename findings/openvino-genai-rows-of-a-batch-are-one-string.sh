#!/usr/bin/env bash
# openvino-genai 2026.4.1, on a CPU: the rows of a batch with one prompt are one string, with any seed.
#
# Guess: rows of a batch are drawn independently from one stream of random numbers, as in other engines. Seen: four rows
# with one prompt give one string of 12 tokens four times, whatever rng_seed is; num_return_sequences=4 gives four strings.
# A corpus from batches of equal prompts has a quarter of the strings that it seems to have.
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


batches = [len(set(strings(4, rng_seed=seed))) for seed in range(20)]
returned = [len(set(strings(1, rng_seed=seed, num_return_sequences=4))) for seed in range(20)]
seeds = len({strings(1, rng_seed=seed)[0] for seed in range(20)})
print(f"different strings in a batch of 4, by seed: {batches}")
print(f"with num_return_sequences=4: {returned}; of 20 seeds: {seeds}")
sys.exit(0 if batches == [1] * 20 and returned == [4] * 20 and seeds == 20 else 1)
PYTHON
