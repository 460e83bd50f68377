#!/usr/bin/env bash
# transformers 5.23.0 with torch 2.13.0, on a CPU: a mixture-of-experts model answers in float32 and raises in float64.
#
# Guess: .double() of any causal language model gives the same logits to more digits, as it does for Llama.
# Seen: Mixtral and Qwen3-MoE with tiny random weights raise a RuntimeError from the grouped matrix product, which takes
# float32, bfloat16 and float16 only; Llama of the same size agrees with its float32 logits. So a reference in float64,
# which checks of log-probabilities lean on, is not available for these models without another experts' implementation.
# Exit status: 0 if that is still so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 transformers==5.23.0
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import torch
import transformers
from transformers import LlamaConfig, LlamaForCausalLM, MixtralConfig, MixtralForCausalLM, Qwen3MoeConfig, Qwen3MoeForCausalLM

print("torch", torch.__version__, "transformers", transformers.__version__)
size = dict(vocab_size=32, hidden_size=16, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2)
size |= dict(num_key_value_heads=2, bos_token_id=1, eos_token_id=2)
experts = dict(moe_intermediate_size=16, num_experts=4, num_experts_per_tok=2, head_dim=8)
models = {
    "Llama": LlamaForCausalLM(LlamaConfig(**size)),
    "Mixtral": MixtralForCausalLM(MixtralConfig(**size, num_local_experts=4)),
    "Qwen3-MoE": Qwen3MoeForCausalLM(Qwen3MoeConfig(**size, **experts)),
}
ids = torch.tensor([[1, 5, 7, 9]])
seen = {}
for name, model in models.items():
    with torch.no_grad():
        single = model.eval()(ids).logits
        try:
            gap = float((model.double()(ids).logits - single).abs().max())
            seen[name] = "agrees" if gap < 1e-4 else f"differs by {gap}"
        except RuntimeError as error:
            seen[name] = "raises"
            print(name, "in float64:", str(error).splitlines()[0])
print(seen)
sys.exit(0 if seen == {"Llama": "agrees", "Mixtral": "raises", "Qwen3-MoE": "raises"} else 1)
PYTHON
