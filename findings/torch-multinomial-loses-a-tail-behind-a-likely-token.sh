#!/usr/bin/env bash
# torch 2.13.0, on a CPU: multinomial with replacement never draws a tail of mass 0.001 that stands behind a likely token.
#
# Guess: of the law p = 0.999 for token 0 and 1e-8 for each of 100,000 others, a million draws hold about 1,000 others.
# Seen: none, since the running sum is kept in float32, where 0.999 + 1e-8 is 0.999. With the same law
# in the other order, the likely token last, about 1,000 come. torch.distributions.Categorical draws the same way. In
# float64 all is well. So strings drawn from one law by many draws lose their rare tokens, and with them entropy.
# Exit status: 0 if that is still so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 torch==2.13.0
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import torch

print("torch", torch.__version__)
torch.manual_seed(0)
rare, draws = 100_000, 1_000_000
law = torch.cat((torch.tensor([0.999], dtype=torch.float64), torch.full((rare,), 1e-8, dtype=torch.float64)))
behind, before = law.float(), law.float().flip(0)
seen = {
    "float32, tail last": (torch.multinomial(behind, draws, replacement=True) > 0).sum().item(),
    "float32, tail first": (torch.multinomial(before, draws, replacement=True) < rare).sum().item(),
    "float32, Categorical": (torch.distributions.Categorical(probs=behind).sample((draws,)) > 0).sum().item(),
    "float64, tail last": (torch.multinomial(law, draws, replacement=True) > 0).sum().item(),
}
for name, count in seen.items():
    print(f"{name}: {count} of {draws} draws are rare tokens; {draws * 0.001:.0f} are expected")
lost, first, categorical, wide = seen.values()
sys.exit(0 if lost == categorical == 0 and 800 < first < 1200 and 800 < wide < 1200 else 1)
PYTHON
