#!/usr/bin/env bash
# CTranslate2 4.8.5: set_random_seed has no effect on a Generator that was used before.
#
# Guess: set_random_seed(7) before each of two equal calls of generate_batch makes them draw the same strings.
# Seen, on a random Llama of 20 tokens, one thread: the two calls draw different strings. With the seed set before the
# Generator is made, two fresh Generators draw the same strings: the seed reaches threads that have not drawn yet.
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
import torch
from tokenizers import Tokenizer, models
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

print("ctranslate2", ctranslate2.__version__)
NAMES = ["<unk>", "<s>", "</s>", *(f"w{k}" for k in range(3, 20))]

folder = os.environ["FOLDER"]
words = models.WordLevel({name: k for k, name in enumerate(NAMES)}, unk_token="<unk>")
tokenizer = PreTrainedTokenizerFast(
    tokenizer_object=Tokenizer(words), unk_token="<unk>", bos_token="<s>", eos_token="</s>"
)
torch.manual_seed(0)
shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
LlamaForCausalLM(
    LlamaConfig(vocab_size=20, bos_token_id=1, eos_token_id=2, tie_word_embeddings=False, **shape)
).save_pretrained(f"{folder}/torch")
tokenizer.save_pretrained(f"{folder}/torch")
ctranslate2.converters.TransformersConverter(f"{folder}/torch").convert(f"{folder}/converted")


def made():
    return ctranslate2.Generator(
        f"{folder}/converted", device="cpu", compute_type="float32", inter_threads=1, intra_threads=1
    )


def drawn(generator):
    found = generator.generate_batch([["<s>", "w7"]] * 4, max_length=8, sampling_topk=0, include_prompt_in_result=False)
    return [one.sequences_ids[0] for one in found]


fresh = []
for _ in range(2):
    ctranslate2.set_random_seed(7)
    own = made()
    fresh.append(drawn(own))
used = []
for _ in range(2):
    ctranslate2.set_random_seed(7)
    used.append(drawn(own))
print("two fresh generators, the seed set before each:", "the same" if fresh[0] == fresh[1] else "different")
print("one generator, the seed set before each call:", "the same" if used[0] == used[1] else "different")
sys.exit(0 if fresh[0] == fresh[1] and used[0] != used[1] else 1)
PYTHON
