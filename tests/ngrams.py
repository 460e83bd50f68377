"""Random back-off models as ARPA text, and small ones that are known by hand."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np

BIGRAM = """\\data\\
ngram 1=4
ngram 2=1

\\1-grams:
-99\t<s>
-0.522878745280338\ta\t-0.0669467896306132
-0.698970004336019\tb
-0.301029995663981\t</s>

\\2-grams:
-0.397940008672038\ta a

\\end\\
"""
"""a: .3, b: .2, end: .5, with p(a|a) = .4 listed and the back-off weight 6/7 that makes its row sum to 1."""


def random_arpa(rng: np.random.Generator, order: int, words: int, *, normal: bool = True) -> str:
    """A model of ``words`` words with some n-grams of every order; rows sum to 1 to six digits if ``normal``.

    n-grams are listed at random, their prefixes and suffixes with them.
    """
    names = ["<s>", "</s>", *(f"w{k}" for k in range(words))]
    inner = names[2:]
    listed: list[set[tuple[str, ...]]] = [{(name,) for name in names}]
    for k in range(2, order + 1):
        found = set()
        for context in sorted(listed[-1]):
            if context[-1] == "</s>":
                continue
            for word in [*inner, "</s>"]:
                gram = (*context, word)
                if "<s>" not in gram[1:] and (k == 2 or gram[1:] in listed[-1]) and rng.random() < 0.45:
                    found.add(gram)
        listed.append(found)
    prob: dict[tuple[str, ...], float] = {}
    weight: dict[tuple[str, ...], float] = {}

    def backed(context: tuple[str, ...], word: str) -> float:
        if (*context, word) in prob:
            return prob[*context, word]
        return weight.get(context, 1.0) * backed(context[1:], word)

    first = rng.dirichlet(np.ones(words + 1)) * 0.5 + np.append(np.full(words, 0.3 / words), 0.2)
    for name, p in zip([*inner, "</s>"], first, strict=True):
        prob[name,] = float(p)
    for k in range(2, order + 1):
        for context, group in itertools.groupby(sorted(listed[k - 1]), key=lambda gram: gram[:-1]):
            after = [gram[-1] for gram in group]
            share = 1.0 if len(after) == words + 1 else float(rng.uniform(0.4, 0.9))
            parts = (0.7 * rng.dirichlet(np.ones(len(after))) + 0.3 / len(after)) * share  # weights stay small
            rest = 1 - sum(backed(context[1:], word) for word in after)
            weight[context] = 1.0 if len(after) == words + 1 else (1 - share) / rest
            for word, p in zip(after, parts, strict=True):
                prob[*context, word] = float(p)
            if not normal:
                weight[context] *= float(rng.uniform(0.99, 1.01))
    lines = ["\\data\\", *(f"ngram {k}={len(grams)}" for k, grams in enumerate(listed, start=1) if grams), ""]
    for k, grams in enumerate(listed, start=1):
        if grams:
            lines.append(f"\\{k}-grams:")
            for gram in sorted(grams):
                back = f"\t{math.log10(weight[gram]):.7f}" if gram in weight else ""
                lines.append(f"{math.log10(prob.get(gram, 1e-99)):.7f}\t{' '.join(gram)}{back}")
            lines.append("")
    return "\n".join([*lines, "\\end\\", ""])


def written(folder: Path, text: str, name: str = "model.arpa") -> Path:
    """The text in a file."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path
