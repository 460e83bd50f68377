"""The figure of the speeches' word model: the numbers drawn, and what its caption says of them."""

from __future__ import annotations

import numpy as np
import pytest
from flint import arb

from figures import speeches
from tests.figures.committed import assert_committed
from theory.arithmetic.exact import precision
from theory.automata.ngram import ngram_moments, ngram_spectral_radius
from theory.examples.speech_ngrams import length, speech_bigrams, valence


@pytest.fixture(scope="module")
def record() -> speeches.Record:
    """The numbers drawn, computed once."""
    with precision():
        return speeches.compute()


def test_committed(record: speeches.Record) -> None:
    """speeches.csv is what the code computes."""
    assert_committed("speeches", record)


def test_the_caption(record: speeches.Record) -> None:
    """Every law of panel a trades against p+: one mean is larger, the other smaller."""
    temperature, mean_l, mean_r = record.cooled.T
    own = int(np.flatnonzero(temperature == 1)[0])
    others = [(l, r) for k, (l, r) in enumerate(zip(mean_l, mean_r, strict=True)) if k != own]
    for law in record.local:
        assert law.mean_log_prior is not None
        assert law.mean_reward is not None
        others.append((law.mean_log_prior, law.mean_reward))
    assert all((l > mean_l[own]) != (r > mean_r[own]) for l, r in others)
    assert (temperature.min(), temperature.max()) == (0.5, 1.005)
    assert {name: f"{x:.4g}" for name, x in record.critical_beta.items()} == {"valence": "2.686", "words": "24.35"}


def test_critical_points(record: speeches.Record) -> None:
    """The spectral radius is 1 at the critical beta, and H and T_c - 1 go to infinity and 0 towards it."""
    for name, gain in (("valence", valence), ("words", length)):
        radius = ngram_spectral_radius(speech_bigrams(), gain(record.critical_beta[name]))
        assert abs(radius - arb(1)) < 1e-8
        assert (np.diff(record.entropy[name][:, 1]) < 0).all()
        assert (np.diff(record.critical[name][:, 1]) > 0).all()
        assert record.entropy[name][0, 0] > record.critical_beta[name]


def test_means_by_differences(record: speeches.Record) -> None:
    """E R is the slope of log Z(s, t) in t: a central difference at p+."""
    temperature, _, mean_r = record.cooled.T
    own = int(np.flatnonzero(temperature == 1)[0])
    up, down = (ngram_moments(speech_bigrams(), valence(10), 1.0, t).log_total for t in (1.01, 0.99))
    assert float((up - down).mid()) / 0.02 == pytest.approx(mean_r[own], rel=1e-3)
