#!/usr/bin/env bash
# node-llama-cpp 3.21.1 (npm), on a CPU: without a seed, evaluations that begin within one second draw the same tokens.
#
# Guess: a call of evaluate without a seed has random numbers of its own. Seen: the seed is the clock in whole seconds, so 200
# first tokens of a uniform law over 256 are a handful of different ones, where chance gives about 139; with a seed of its
# own for each call there are as many as chance gives. Whatever draws many short strings in a loop repeats each of them.
# Exit status: 0 if that is still so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 gguf==0.19.0
FOLDER="$folder" "$folder/venv/bin/python" - <<'PYTHON'
import os

import gguf
import numpy as np

width, size = 64, 259  # every weight is 0, so that every next-token law is uniform
writer = gguf.GGUFWriter(os.environ["FOLDER"] + "/uniform.gguf", "llama")
writer.add_context_length(512)
writer.add_embedding_length(width)
writer.add_block_count(1)
writer.add_feed_forward_length(width)
writer.add_head_count(1)
writer.add_head_count_kv(1)
writer.add_rope_dimension_count(width)
writer.add_layer_norm_rms_eps(1e-6)
writer.add_file_type(gguf.LlamaFileType.ALL_F32)
writer.add_tokenizer_model("llama")
writer.add_token_list(["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))])
writer.add_token_scores([0.0] * size)
kinds = gguf.TokenType
writer.add_token_types([kinds.UNKNOWN, kinds.CONTROL, kinds.CONTROL, *[kinds.BYTE] * 256])
writer.add_bos_token_id(1)
writer.add_eos_token_id(2)
for name in ("token_embd", "output"):
    writer.add_tensor(f"{name}.weight", np.zeros((size, width), dtype=np.float32))
for name in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"):
    writer.add_tensor(f"blk.0.{name}.weight", np.zeros((width, width), dtype=np.float32))
for name in ("blk.0.attn_norm", "blk.0.ffn_norm", "output_norm"):
    writer.add_tensor(f"{name}.weight", np.ones(width, dtype=np.float32))
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
PYTHON
cd "$folder"
echo '{"type": "module"}' > package.json
npm install --silent --ignore-scripts --omit=optional node-llama-cpp@3.21.1
npm install --silent --ignore-scripts --omit=optional --no-save @node-llama-cpp/linux-x64@3.21.1
cat > draw.js <<'JAVASCRIPT'
import {getLlama} from "node-llama-cpp";

const llama = await getLlama({gpu: false, build: "never", logLevel: "error", maxThreads: 1});
const model = await llama.loadModel({modelPath: "uniform.gguf"});
const context = await model.createContext({contextSize: 64, threads: 1});
const sequence = context.getSequence();

async function different(settings) {
    const seen = new Set();
    for (let call = 0; call < 200; call++) {
        await sequence.clearHistory();
        for await (const token of sequence.evaluate([1, 5], {temperature: 1, topK: 0, topP: 1, ...settings(call)})) {
            seen.add(token);
            break;
        }
    }
    return seen.size;
}

const start = Date.now();
const unseeded = await different(() => ({}));
const seconds = Math.ceil((Date.now() - start) / 1000) + 1;
const seeded = await different((call) => ({seed: 1000 + call}));
console.log(`200 calls without a seed: ${unseeded} different tokens; with seeds of their own: ${seeded}`);
// one kind of token a second at most
process.exit(unseeded <= seconds && unseeded < 100 && seeded > 110 ? 0 : 1);
JAVASCRIPT
node draw.js
