#!/usr/bin/env bash
# transformers 5.23.0 with torch 2.13.0, on a CPU: bad_words_ids=[[eos]] bans nothing, and nothing is said.
#
# Guess: bad_words_ids=[[2]] keeps token 2 from being drawn, as it does for every other token and as suppress_tokens=[2]
# does. Seen: where 2 is the end token, the entry is dropped, and 2 comes as often as under the model's own law (one in
# twelve here). As the end token of the call is what counts, one list bans a token or not by another argument.
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
from transformers import LlamaConfig, LlamaForCausalLM

print("torch", torch.__version__, "transformers", transformers.__version__)
size = dict(vocab_size=12, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1)
model = LlamaForCausalLM(LlamaConfig(**size, num_key_value_heads=1, bos_token_id=1, eos_token_id=2, pad_token_id=0)).eval()
with torch.no_grad():
    for weight in model.parameters():
        weight.zero_()  # every next-token law is uniform


def share(token, **settings):
    """Of 6,000 first tokens, how many are this one."""
    torch.manual_seed(0)
    given = torch.full((6000, 1), 5)
    out = model.generate(given, do_sample=True, top_k=0, max_new_tokens=1, pad_token_id=0, **settings)
    return (out[:, -1] == token).float().mean().item()


seen = {
    "no list": share(2),
    "bad_words_ids=[[2]], 2 ends": share(2, bad_words_ids=[[2]]),
    "bad_words_ids=[[2]], 3 ends": share(2, bad_words_ids=[[2]], eos_token_id=3),
    "bad_words_ids=[[4]], share of 4": share(4, bad_words_ids=[[4]]),
    "suppress_tokens=[2], 2 ends": share(2, suppress_tokens=[2]),
}
for name, found in seen.items():
    print(f"{name}: {found:.4f}")
free, listed, other, usual, suppressed = seen.values()
sys.exit(0 if free > 0.06 and listed > 0.06 and other == usual == suppressed == 0 else 1)
PYTHON
