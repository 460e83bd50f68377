#!/usr/bin/env bash
# peft 0.21.2 with torch 2.13.0 on a CPU: the average of a LoRA adapter and its copy is the adapter twice.
#
# Guess: add_weighted_adapter(["a", "copy"], [0.5, 0.5]) gives a's own weights back, whatever combination_type says;
# the text of "linear" warns of a rough approximation, those of the others do not. Seen: "cat", "svd",
# "magnitude_prune_svd" and "dare_linear_svd" give a back. "linear", "dare_linear" and "magnitude_prune" (nothing
# pruned) give twice its weights, and "ties" gives half: A and B are combined apart, each with the root of its share,
# and multiplied afterwards. With two different adapters the result is off by the products of the one's A with the
# other's B, here by as much as the average itself. So log p+ - log p, the reward that a pair implies, is another one
# after such a merge.
# Exit status: 0 if that is still so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 transformers==5.23.0 peft==0.21.2
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import peft
import torch
import transformers
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

print("torch", torch.__version__, "transformers", transformers.__version__, "peft", peft.__version__)
torch.manual_seed(0)
size = dict(vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=4)
model = LlamaForCausalLM(LlamaConfig(**size, num_key_value_heads=4, pad_token_id=None)).double().eval()


def adapter():
    return LoraConfig(r=4, lora_alpha=4, target_modules=["q_proj", "o_proj"], init_lora_weights=False)


model = get_peft_model(model, adapter(), "first")
for name in ("copy", "other"):
    model.add_adapter(name, adapter())
layers = [part for name, part in model.named_modules() if name.endswith(("q_proj", "o_proj"))]
for layer in layers:
    for matrix in (layer.lora_A, layer.lora_B):
        matrix["copy"].weight.data.copy_(matrix["first"].weight.data)


def product(layer, name):
    """B A by hand; alpha / r is 1."""
    return layer.lora_B[name].weight.data @ layer.lora_A[name].weight.data * layer.scaling[name]


def apart(name, wanted):
    """The norm of merged - wanted over that of wanted, largest over the layers."""
    return max(float((product(layer, name) - wanted(layer)).norm() / wanted(layer).norm()) for layer in layers)


options = {"svd": {"svd_rank": 8}, "ties": {"density": 1.0}, "dare_linear": {"density": 1.0}}
options |= {"magnitude_prune": {"density": 1.0}, "magnitude_prune_svd": {"density": 1.0, "svd_rank": 8}}
options |= {"dare_linear_svd": {"density": 1.0, "svd_rank": 8}}
exact = ("cat", "svd", "magnitude_prune_svd", "dare_linear_svd")
doubled = ("linear", "dare_linear", "magnitude_prune")
seen = {}
for kind in (*exact, *doubled, "ties"):
    for second in ("copy", "other"):
        merged = f"{kind} {second}".replace(" ", "_")
        model.add_weighted_adapter(
            ["first", second], [0.5, 0.5], merged, combination_type=kind, **options.get(kind, {})
        )
    once, twice, half = (
        apart(f"{kind}_copy", lambda layer, factor=factor: factor * product(layer, "first")) for factor in (1, 2, 0.5)
    )
    mean = apart(f"{kind}_other", lambda layer: (product(layer, "first") + product(layer, "other")) / 2)
    seen[kind] = once, twice, half, mean
    print(f"{kind}: off {once:.1e} from the adapter, {twice:.1e} from twice, {half:.1e} from half; of two, {mean:.1e}")

given = torch.randint(0, 64, (8, 12))


def score(name):
    """Sum of log p of the tokens, for each row."""
    model.set_adapter(name)
    with torch.no_grad():
        logits = model(input_ids=given).logits[:, :-1]
    return torch.log_softmax(logits, -1).gather(-1, given[:, 1:, None]).sum((1, 2))


with torch.no_grad(), model.disable_adapter():
    base = torch.log_softmax(model(input_ids=given).logits[:, :-1], -1).gather(-1, given[:, 1:, None]).sum((1, 2))
print("log p+ - log p of the adapter, of the merged one:")
print([round(float(v), 4) for v in score("first") - base], [round(float(v), 4) for v in score("linear_copy") - base])
right = all(seen[kind][0] < 1e-9 and seen[kind][3] < 1e-9 for kind in exact)
wrong = all(seen[kind][1] < 1e-6 for kind in doubled) and seen["ties"][2] < 1e-6  # the roots are in float32
sys.exit(0 if right and wrong and all(seen[kind][3] > 0.5 for kind in (*doubled, "ties")) else 1)
PYTHON
