"""Back-off models: reading against KenLM, and log Z as failure arcs against OpenFst on the expanded machine."""

from __future__ import annotations

import importlib
import tempfile
from pathlib import Path

import numpy as np

from simulations.bench.peers import openfst
from simulations.bench.timing import MEMORY, PYTHON, WORDS, Benchmark, Disagreement, TwoWays, close, two_ways
from theory.arithmetic.exact import to_float
from theory.automata.ngram import NGramMoments, ngram_moments
from theory.language_models.arpa import read_arpa
from theory.language_models.automaton import Graph
from theory.language_models.ngram import LN10, NGramModel, ngram_model


def zipf_bigrams(words: int, pairs: int) -> str:
    """A bigram model in ARPA text: unigrams by Zipf's law; half of a row's mass on some pairs, the rest backs off."""
    rng = np.random.default_rng(12)
    prob = 1 / np.arange(1, words + 1)
    prob *= 0.95 / prob.sum()
    drawn = [rng.choice(words, size=2 * pairs, p=prob / prob.sum()) for _ in range(2)]
    grams = np.unique(drawn[0].astype(np.int64) * words + drawn[1])
    grams = np.sort(rng.permutation(grams)[:pairs])
    left, right = grams // words, grams % words
    listed = np.bincount(left, weights=prob[right], minlength=words)
    count = np.bincount(left, minlength=words)
    back = np.where(count > 0, 0.5 / np.maximum(1 - listed, 0.01), 1.0)
    share = 0.5 * prob[right] / listed[left]
    lines = ["\\data\\", f"ngram 1={words + 2}", f"ngram 2={len(grams)}", "", "\\1-grams:", "-99\t<s>\t0"]
    lines.append(f"{np.log10(0.05):.7f}\t</s>")
    lines += [f"{p:.7f}\tword{k}\t{b:.7f}" for k, (p, b) in enumerate(zip(np.log10(prob), np.log10(back), strict=True))]
    lines += ["", "\\2-grams:"]
    rows = zip(np.log10(share).tolist(), left.tolist(), right.tolist(), strict=True)
    lines += [f"{p:.7f}\tword{i}\tword{j}" for p, i, j in rows]
    return "\n".join([*lines, "", "\\end\\", ""])


def _written(words: int, pairs: int) -> Path:
    path = Path(tempfile.mkdtemp(prefix="probqual-")) / "model.arpa"
    path.write_text(zipf_bigrams(words, pairs), encoding="utf-8")
    return path


def _reading() -> TwoWays:
    path = _written(60_000, 2_000_000)
    kenlm = importlib.import_module("kenlm")
    settings = kenlm.Config()
    settings.show_progress = False

    def agree(ours: NGramModel, theirs: float) -> None:
        close(1e-5)(sum(ours.scores(["word3", "word1"])), theirs)

    def load() -> float:
        return float(kenlm.Model(str(path), settings).score("word3 word1"))

    return two_ways(lambda: ngram_model(read_arpa(path)), load, agree)


def expanded_weights(model: NGramModel, reward: np.ndarray) -> tuple[Graph, np.ndarray]:
    """The machine with an arc for each context and token, and log of p e^R / c of each arc."""
    mass = np.log(model.masses())
    rows = [model.row(state) for state in range(model.states)]
    weight = np.concatenate([LN10 * p + reward - mass[state] for state, (p, _) in enumerate(rows)])
    target = np.concatenate([to for _, to in rows])
    source = np.repeat(np.arange(model.states), len(reward))
    kept = np.isfinite(weight)
    return Graph(model.states, model.initial, source[kept], target[kept]), weight[kept]


def _log_partition() -> TwoWays:
    path = _written(400, 4000)
    model = ngram_model(read_arpa(path))
    reward = np.append(np.where(np.arange(len(model.alphabet)) % 7 == 0, 0.01, 0.0), 0.0)
    graph, weight = expanded_weights(model, reward)

    def agree(ours: NGramMoments, theirs: float) -> None:
        if not abs(to_float(ours.log_total) - theirs) < 1e-6:
            raise Disagreement(f"{ours.log_total} against {theirs}")

    return two_ways(lambda: ngram_moments(model, reward), openfst(graph, weight), agree)


ROWS: tuple[Benchmark, ...] = (
    Benchmark(
        "arpa",
        "reading a model of 2,000,000 bigrams from ARPA text",
        "KenLM: loading the same file",
        1 / 3,
        ("kenlm",),
        _reading,
        (MEMORY, PYTHON),
    ),
    Benchmark(
        "failure-arcs",
        "bigrams of 400 words, log Z and five moments with error bounds, as failure arcs",
        "OpenFst (pynini): log Z alone, on the expanded machine of 160,000 arcs, delta 1e-12",
        20,
        ("pywrapfst",),
        _log_partition,
        (WORDS, PYTHON),
    ),
)

__all__ = ["ROWS", "expanded_weights", "zipf_bigrams"]
