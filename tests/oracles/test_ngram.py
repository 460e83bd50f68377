"""p(w|h) of back-off models against KenLM (the package ufal-kenlm has built wheels)."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from flint import arb

from tests.ngrams import random_arpa, written
from theory.automata.ngram import ngram_critical_beta, ngram_critical_temperature, ngram_moments
from theory.language_models.arpa import read_arpa
from theory.language_models.ngram import ngram_model


@pytest.mark.oracle
@pytest.mark.parametrize("order", [2, 3, 4])
def test_ten_thousand_probabilities_are_those_of_kenlm(order: int, tmp_path: Path) -> None:
    """log10 p of each token and end of random strings; KenLM keeps float32, and sums of at most 4 of them."""
    kenlm = pytest.importorskip("kenlm")
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


@pytest.mark.oracle
def test_phones_of_pocketsphinx(tmp_path: Path) -> None:
    """The phone model that pocketsphinx ships, written as ARPA by Debian's converter; values of another code."""
    models = Path(pytest.importorskip("pocketsphinx").get_model_path()) / "en-us"
    converter = shutil.which("sphinx_lm_convert")
    if converter is None:
        pytest.skip("sphinx_lm_convert (Debian: sphinxbase-utils) is not installed")
    path = tmp_path / "phones.arpa"
    subprocess.run(
        [converter, "-i", str(models / "en-us-phone.lm.bin"), "-o", str(path), "-ofmt", "arpa"],
        check=True,
        capture_output=True,
    )
    model = ngram_model(read_arpa(path), "drop")
    vowel = np.array([*(float(token[0] in "AEIOU") for token in model.alphabet), 0.0])
    found = ngram_moments(model, vowel / 100)
    (l, r), (var_l, cov, var_r) = found.mean, found.covariance
    varentropy = var_l + 2 * cov + var_r
    assert float((found.log_total - l - r).mid()) == pytest.approx(124.613, abs=1e-3)
    assert float(varentropy.mid()) == pytest.approx(13707.2, abs=0.1)
    assert float((-(var_l + cov) / varentropy).mid()) == pytest.approx(-1.00148, abs=1e-5)
    critical = ngram_critical_temperature(model, vowel / 100).value
    assert critical is not None
    assert float(critical.mid()) == pytest.approx(1.00861, abs=1e-5)
    per_phone = ngram_critical_beta(model, np.append(np.ones(len(model.alphabet)), 0.0), arb(1)).value
    assert per_phone is not None
    assert float((1 / per_phone).mid()) == pytest.approx(0.026, abs=5e-4)
