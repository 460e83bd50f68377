#!/usr/bin/env bash
# mlx-lm 0.32.2 with mlx 0.32.4, on a CPU: repetition_context_size=0 penalises every token ever seen.
#
# Guess: the size is the number of last tokens that are looked at: 20 by default, 1 the last one, 0 none, so no penalty.
# Seen: 1 changes the last token's logit alone, 0 those of all tokens before, of however long a text: tokens[-0:] is the
# whole list. Going from 1 to 0 to switch the penalty off makes it as wide as it can be.
# Exit status: 0 if that is still so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet mlx-lm==0.32.2 'mlx[cpu]==0.32.4'
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import mlx.core as mx
import numpy as np
from mlx_lm.sample_utils import make_logits_processors

print("mlx-lm", version("mlx-lm"), "mlx", version("mlx"))
before = mx.array(list(range(30)))  # thirty different tokens of forty


def changed(size):
    """Which tokens' logits are not -1 any more."""
    logits = mx.full((1, 40), -1.0)
    for process in make_logits_processors(repetition_penalty=2.0, repetition_context_size=size):
        logits = process(before, logits)
    return np.flatnonzero(np.array(logits[0]) != -1).tolist()


seen = {size: changed(size) for size in (20, 1, 0)}
for size, tokens in seen.items():
    print(f"repetition_context_size={size}: {len(tokens)} tokens are penalised")
sys.exit(0 if seen == {20: list(range(10, 30)), 1: [29], 0: list(range(30))} else 1)
PYTHON
