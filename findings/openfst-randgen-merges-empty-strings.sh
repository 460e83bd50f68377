#!/usr/bin/env bash
# pynini 2.1.7 (OpenFst): randgen of 10,000 paths keeps all draws of the empty string as one path.
#
# Guess: randgen(npath=10000, select="log_prob") returns a machine with 10,000 paths, so that the share of a string
# among them is an estimate of its probability.
# Seen, on a machine that ends at once with probability 1/4 and else emits one label: about 7,500 paths come back. The
# draws of the empty string, about 2,500, are the final weight of the start state and count once, with weighted=True as
# well. So its share among the paths is 1 in 7,500 for a probability of 1/4, and every other share is too large by a third.
# Exit status: 0 if that is still so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pynini==2.1.7
"$folder/venv/bin/python" - <<'PYTHON'
import math
import sys

import pynini
import pywrapfst

print("pynini", pynini.__version__)


def weight(prob):
    return pywrapfst.Weight("log64", -math.log(prob))


machine = pywrapfst.VectorFst("log64")
machine.add_states(2)
machine.set_start(0)
machine.set_final(0, weight(0.25))
machine.add_arc(0, pywrapfst.Arc(1, 1, weight(0.75), 1))
machine.set_final(1, weight(1.0))
found = []
for weighted in (False, True):
    drawn = pywrapfst.randgen(machine, npath=10_000, select="log_prob", seed=3, weighted=weighted)
    ends = [state for state in drawn.states() if math.isfinite(float(drawn.final(state)))]
    empty = [state for state in ends if state == drawn.start()]
    found.append((len(ends), len(empty), float(drawn.final(drawn.start()))))
    print(f"weighted={weighted}: {len(ends)} paths, {len(empty)} of them empty, final weight {found[-1][2]}")
sys.exit(0 if all(7200 < paths < 7800 and empty == 1 and final == 0.0 for paths, empty, final in found) else 1)
PYTHON
