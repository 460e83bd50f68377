"""The word model of the speeches: the numbers of docs/ngrams.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flint import arb

from theory.automata.ngram import (
    ngram_critical_beta,
    ngram_critical_temperature,
    ngram_moments,
    repeated_token,
    total_as_written,
)
from theory.examples.speech_ngrams import length, speech_bigrams, valence

PAGE = Path(__file__).resolve().parents[3] / "docs" / "ngrams.md"


def table(name: str) -> list[list[float]]:
    """The numbers of the rows of a reward."""
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith(f"| {name} |")]
    return [[float(cell.replace(",", "")) for cell in row.strip("| ").split(" | ")[1:]] for row in rows]


def near(value: arb, shown: float) -> bool:
    """Whether a certified number is what the page shows, to half of its sixth digit."""
    return bool(abs(value - shown) <= abs(shown) * 1e-5)


@pytest.mark.parametrize("name", ["valence", "words"])
def test_the_page_shows_the_numbers(name: str) -> None:
    model = speech_bigrams()
    rows = table(name)
    assert len(rows) >= 2
    beta, *shown = rows[0]
    gain = (valence if name == "valence" else length)(beta)
    found = ngram_moments(model, gain)
    (l, r), (var_l, cov, var_r) = found.mean, found.covariance
    varentropy = var_l + 2 * cov + var_r
    critical = ngram_critical_temperature(model, gain).value
    least = ngram_critical_beta(model, gain, arb(beta)).value
    assert critical is not None
    assert least is not None
    corr = cov / (var_l * var_r).sqrt()
    values = (found.log_total - l - r, varentropy, -(var_l + cov) / varentropy, corr, critical, least)
    for place, (value, number) in enumerate(zip(values, shown, strict=True)):
        assert near(value, number) if place != 3 else abs(value - number) < 5.1e-4  # Corr has three digits
        assert value.rad() < abs(value.mid()) * 1e-7
    assert repeated_token(model, gain)


def test_what_the_page_says_of_the_model() -> None:
    model = speech_bigrams()
    text = PAGE.read_text(encoding="utf-8")
    assert f"{model.states:,} contexts and {len(model):,} arcs" in text
    expanded = model.states * (len(model.alphabet) + 1)
    assert re.search(rf"{round(expanded / 1e6)} million arcs", text)
    assert 0.9963 < model.masses().min() < model.masses().max() < 1
    assert total_as_written(model) == pytest.approx(0.9855, abs=1e-4)
