#!/usr/bin/env bash
# transformers 5.23.0 with torch 2.13.0, on a CPU: no_repeat_ngram_size counts the padding on the left as text.
#
# Guess: a prompt gives the same law whether it stands alone or is padded on the left beside a longer one, with its
# attention mask; repetition_penalty does leave the padding out. Seen: with no_repeat_ngram_size=1 the padding token may
# not come any more. With the end token as padding, as is usual where a tokenizer has no padding token, a padded prompt's
# string cannot end: of 6,000 first tokens none is the end token, alone one in eleven is.
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
model = LlamaForCausalLM(LlamaConfig(**size, num_key_value_heads=1, bos_token_id=1, eos_token_id=2, pad_token_id=2)).eval()
with torch.no_grad():
    for weight in model.parameters():
        weight.zero_()
    # every next-token law is uniform, by logits of -2 that a penalty of 5 would take to -10
    model.model.norm.weight.fill_(1.0)
    model.model.embed_tokens.weight.fill_(1.0)
    model.lm_head.weight[:, 0] = -2.0


def ends(prompt, mask, **settings):
    """Of 6,000 first tokens, the share of the end token."""
    torch.manual_seed(0)
    rows = [torch.tensor([row]).repeat(6000, 1) for row in (prompt, mask)]
    out = model.generate(rows[0], attention_mask=rows[1], do_sample=True, top_k=0, max_new_tokens=1, **settings)
    return (out[:, -1] == 2).float().mean().item()


seen = {
    "no_repeat_ngram_size=1, alone": ends([5], [1], no_repeat_ngram_size=1),
    "no_repeat_ngram_size=1, padded": ends([2, 2, 5], [0, 0, 1], no_repeat_ngram_size=1),
    "repetition_penalty=5, alone": ends([5], [1], repetition_penalty=5.0),
    "repetition_penalty=5, padded": ends([2, 2, 5], [0, 0, 1], repetition_penalty=5.0),
}
for name, found in seen.items():
    print(f"{name}: the end comes first in {found:.4f}")
alone, padded, free, left_out = seen.values()
sys.exit(0 if alone > 0.06 and padded == 0 and free > 0.06 and left_out > 0.06 else 1)
PYTHON
