#!/usr/bin/env bash
# torch 2.13.0, on a CPU: torch.utils.mkldnn.to_mkldnn converts the model that it is given, and its weights cannot be saved.
#
# Guess: to_mkldnn returns a converted model, and the one that was given stays as it was; both have the same number of
# parameters.
# Seen: a single layer stays as it was, but of a model with children the given one is converted, too: what is returned
# is the same object. Neither has a parameter any more, so that a count of them, for the size of a model, is 0. The
# state_dict cannot be saved: torch.save raises NotImplementedError. The numbers of a pass stay the same within rounding.
# Exit status: 0 if that is still so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 torch==2.13.0
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import io
import sys

import torch
from torch.utils.mkldnn import to_mkldnn


def size(model):
    return sum(p.numel() for p in model.parameters())


print("torch", torch.__version__)
torch.manual_seed(0)
alone = torch.nn.Linear(64, 32).eval()
to_mkldnn(alone)
print(f"a single layer: {size(alone)} parameters afterwards")

given = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.Linear(32, 8)).eval()
x = torch.randn(5, 64)
before, numbers = size(given), given(x)
found = to_mkldnn(given)
same = torch.allclose(numbers, found(x), atol=1e-5)
print(f"a model of two layers: {before} parameters before, {size(given)} afterwards in the given one, {size(found)} in "
      f"the returned one; one object: {found is given}; same numbers: {same}")
try:
    torch.save(given.state_dict(), io.BytesIO())
    saved = "works"
except Exception as error:
    saved = type(error).__name__
print(f"torch.save of the given model's state_dict: {saved}")
right = size(alone) == 2080 and before == 2344 and size(given) == size(found) == 0
sys.exit(0 if right and found is given and same and saved == "NotImplementedError" else 1)
PYTHON
