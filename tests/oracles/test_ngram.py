"""p(w|h) of back-off models against KenLM (the package ufal-kenlm has built wheels)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.ngrams import random_arpa, written
from theory.language_models.arpa import read_arpa
from theory.language_models.ngram import ngram_model

kenlm = pytest.importorskip("kenlm")


@pytest.mark.oracle
@pytest.mark.parametrize("order", [2, 3, 4])
def test_ten_thousand_probabilities_are_those_of_kenlm(order: int, tmp_path: Path) -> None:
    """log10 p of each token and end of random strings; KenLM keeps float32, and sums of at most 4 of them."""
    rng = np.random.default_rng([31, order])
    pairs = 0
    for number in range(6):
        path = written(tmp_path, random_arpa(rng, order, 4, normal=False), f"{number}.arpa")
        theirs, ours = kenlm.Model(str(path)), ngram_model(read_arpa(path))
        for _ in range(100):
            tokens = [ours.alphabet[k] for k in rng.integers(0, 4, size=int(rng.integers(1, 12)))]
            known = [score for score, _, _ in theirs.full_scores(" ".join(tokens))]
            found = list(ours.scores(tokens))
            np.testing.assert_allclose(found, known, rtol=0, atol=4e-6)
            pairs += len(found)
    assert pairs > 10_000 / 3
