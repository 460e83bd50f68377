#!/usr/bin/env bash
# tokenizers 0.23.3: Unigram(alpha=...) without nbest_size does not sample segmentations by the power alpha of their
# probabilities; with nbest_size it does.
#
# Guess: alpha smooths as in subword regularisation (Kudo 2018): a segmentation is drawn with probability proportional to
# p^alpha, from all of them, or from the nbest_size most probable.
# Seen: with an nbest_size that holds all 13 segmentations of "aaaaa" into "a", "aa" and "aaa" the law is p^alpha. Without
# one it is another: at alpha = 1/5 its total variation distance from p^alpha is about 0.11, where 20,000 draws of a right
# sampler stay below 0.02. It is the law of a forward pass in which alpha multiplies the running sum again at every piece,
# sum(v) = log sum_u exp(alpha (score(u) + sum(u))), over the pieces u that may come before v, and which is then walked
# backwards by exp(sum(u) + alpha score(u)). At alpha = 1 they agree.
# Exit status: 0 if that is still so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tokenizers==0.23.3
"$folder/venv/bin/python" - <<'PYTHON'
import collections
import math
import sys

import tokenizers
from tokenizers import Tokenizer, models

print("tokenizers", tokenizers.__version__)
TEXT, DRAWS = "aaaaa", 20_000
SCORES = {"a": math.log(0.5), "aa": math.log(0.3), "aaa": math.log(0.2)}
VOCABULARY = [("<unk>", -20.0), *SCORES.items()]


def segmentations(length):
    if length == 0:
        yield ()
    for piece in SCORES:
        if len(piece) <= length:
            for rest in segmentations(length - len(piece)):
                yield (piece, *rest)


def power(alpha):
    weights = {s: math.exp(alpha * sum(SCORES[p] for p in s)) for s in segmentations(len(TEXT))}
    return {s: w / sum(weights.values()) for s, w in weights.items()}


def compounded(alpha):
    """Nodes are (end, piece); alpha multiplies what came before at every step."""
    nodes = [(end, piece) for end in range(1, len(TEXT) + 1) for piece in SCORES if len(piece) <= end]
    running = {}

    def before(node):
        return [other for other in nodes if other[0] == node[0] - len(node[1])]

    for node in nodes:
        left = before(node)
        running[node] = math.log(sum(math.exp(alpha * (SCORES[o[1]] + running[o])) for o in left)) if left else 0.0
    law = collections.Counter()

    def walk(choices, share, tail):
        if not choices:
            law[tail] += share
            return
        weights = [math.exp(running[c] + alpha * SCORES[c[1]]) for c in choices]
        for choice, weight in zip(choices, weights):
            walk(before(choice), share * weight / sum(weights), (choice[1], *tail))

    walk([node for node in nodes if node[0] == len(TEXT)], 1.0, ())
    return law


def drawn(alpha, nbest):
    tokenizer = Tokenizer(models.Unigram(VOCABULARY, unk_id=0, alpha=alpha, nbest_size=nbest))
    counts = collections.Counter(tuple(tokenizer.encode(TEXT).tokens) for _ in range(DRAWS))
    return {s: n / DRAWS for s, n in counts.items()}


def distance(one, other):
    return sum(abs(one.get(s, 0) - other.get(s, 0)) for s in {*one, *other}) / 2


kinds = len(power(1.0))
print(f"{kinds} segmentations of {TEXT!r}; total variation distances of {DRAWS} draws:")
right = True
for alpha in (1.0, 0.5, 0.2):
    free, best = drawn(alpha, None), drawn(alpha, 100)
    found = [distance(free, power(alpha)), distance(free, compounded(alpha)), distance(best, power(alpha))]
    print(f"alpha {alpha}: without nbest_size {found[0]:.3f} from p^alpha, {found[1]:.3f} from the compounded law; "
          f"with nbest_size=100 {found[2]:.3f} from p^alpha")
    right &= found[1] < 0.02 and found[2] < 0.02
    right &= found[0] < 0.02 if alpha == 1.0 else found[0] > {0.5: 0.02, 0.2: 0.08}[alpha]
sys.exit(0 if right else 1)
PYTHON
