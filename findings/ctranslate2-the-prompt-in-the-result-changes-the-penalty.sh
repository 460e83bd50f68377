#!/usr/bin/env bash
# CTranslate2 4.8.5: whether repetition_penalty counts the prompt's tokens depends on include_prompt_in_result.
#
# Guess: include_prompt_in_result says what is returned; the law that tokens are drawn from does not depend on it.
# Seen, on a random Llama of 20 tokens behind the prompt "<s> w7 w6" with repetition_penalty=3, 20,000 draws: with
# include_prompt_in_result=True, the default, w7 and w6 are penalised as in transformers (total variation below .02 from
# that law). With False they are not: the draws follow the model's own law, .15 in total variation from the other.
# Exit status: 0 if that is still so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 torch==2.13.0 transformers==5.23.0 ctranslate2==4.8.5
FOLDER="$folder" "$folder/venv/bin/python" - <<'PYTHON'
import os
import sys

import ctranslate2
import numpy as np
import torch
from tokenizers import Tokenizer, models
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

print("ctranslate2", ctranslate2.__version__)
NAMES = ["<unk>", "<s>", "</s>", *(f"w{k}" for k in range(3, 20))]
PENALTY, DRAWS, PROMPT = 3.0, 20_000, [1, 7, 6]

folder = os.environ["FOLDER"]
words = models.WordLevel({name: k for k, name in enumerate(NAMES)}, unk_token="<unk>")
tokenizer = PreTrainedTokenizerFast(
    tokenizer_object=Tokenizer(words), unk_token="<unk>", bos_token="<s>", eos_token="</s>"
)
torch.manual_seed(0)
shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
config = LlamaConfig(vocab_size=20, bos_token_id=1, eos_token_id=2, tie_word_embeddings=False, **shape)
model = LlamaForCausalLM(config).eval()
with torch.no_grad():
    model.lm_head.weight.mul_(10)
    logits = model(torch.tensor([PROMPT])).logits[0, -1].double().numpy()
model.save_pretrained(f"{folder}/torch")
tokenizer.save_pretrained(f"{folder}/torch")
ctranslate2.converters.TransformersConverter(f"{folder}/torch").convert(f"{folder}/converted")
generator = ctranslate2.Generator(f"{folder}/converted", device="cpu", compute_type="float32")


def law(values):
    weights = np.exp(values - values.max())
    return weights / weights.sum()


penalised = logits.copy()
for token in set(PROMPT):
    penalised[token] *= PENALTY if penalised[token] < 0 else 1 / PENALTY
own, counted = law(logits), law(penalised)


def drawn(included):
    """Shares of the first new token; a result that includes the prompt begins behind <s> and counts it as length."""
    before = len(PROMPT) - 1 if included else 0
    found = generator.generate_batch(
        [[NAMES[k] for k in PROMPT]] * DRAWS,
        max_length=before + 1,
        max_batch_size=2000,
        sampling_topk=0,
        repetition_penalty=PENALTY,
        include_prompt_in_result=included,
    )
    new = [one.sequences_ids[0][before:] for one in found]
    return np.bincount([ids[0] if ids else 2 for ids in new], minlength=20) / DRAWS


def apart(one, other):
    return float(np.abs(one - other).sum() / 2)


found = {included: drawn(included) for included in (True, False)}
for included, shares in found.items():
    print(
        f"include_prompt_in_result={included}: {apart(shares, counted):.3f} from the law with the prompt penalised, "
        f"{apart(shares, own):.3f} from the law without a penalty"
    )
same = apart(found[True], counted) < 0.03 and apart(found[False], own) < 0.03
sys.exit(0 if same and apart(own, counted) > 0.1 else 1)
PYTHON
