"""Back-off models with failure arcs: against the expanded automaton in balls, and values measured elsewhere."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from flint import arb, fmpq

from tests.ngrams import BIGRAM, random_arpa, written
from theory.arithmetic.exact import Diverges, balls, objects, precision
from theory.automata.moments import path_moments
from theory.automata.ngram import (
    aligned_row,
    ngram_critical_beta,
    ngram_critical_temperature,
    ngram_moments,
    refuse_far_beyond,
    sampled_string,
    total_as_written,
)
from theory.automata.ngram_exact import ball_moments, expanded
from theory.language_models.arpa import read_arpa
from theory.language_models.ngram import NGramModel, ngram_model
from theory.language_models.rewards import Reward


def model_of(folder: Path, text: str, unknown: str | None = None) -> NGramModel:
    return ngram_model(read_arpa(written(folder, text)), unknown)


def in_floats(rewards: list[Reward]) -> np.ndarray:
    return np.array([float(arb(r.exponent).mid()) for r in rewards] + [0.0])


@pytest.mark.parametrize("seed", range(200))
def test_failure_arcs_agree_with_the_expanded_automaton(seed: int, tmp_path: Path) -> None:
    """log Z and five moments: float64 to 1e-12 of the expanded automaton in 256-bit balls; balls enclose the same."""
    rng = np.random.default_rng([7, seed])
    order = 2 + seed % 3
    model = model_of(tmp_path, random_arpa(rng, order, 2 + seed % 2, normal=seed % 5 != 0))
    rewards = [Reward(fmpq(int(k), 40)) for k in rng.integers(-8, 5, size=len(model.alphabet))]
    with precision():
        graph, law, token = expanded(model, rewards)
        gains = objects([arb(r.exponent) for r in rewards] + [arb(0)])[token]
        features = np.stack((objects(p.log() for p in law), gains))
        weight = law * objects(r.exp() for r in gains)
        try:
            truth = path_moments(graph, weight, balls(features))
        except Diverges:
            with pytest.raises(Diverges):
                ngram_moments(model, in_floats(rewards))
            return
        found = ngram_moments(model, in_floats(rewards))
        known = (truth.log_total, *truth.mean, truth.covariance[0, 0], truth.covariance[0, 1], truth.covariance[1, 1])
        rough = (found.log_total, *found.mean, *found.covariance)
        for value, right in zip(rough, known, strict=True):
            assert value.overlaps(right)
            assert abs(value.mid() - right) < 1e-12 * (1 + abs(right))
        if seed % 4 == 0:
            exact = ball_moments(model, rewards, fmpq(1), fmpq(1))
            for value, right in zip((exact.log_total, *exact.mean, *exact.covariance), known, strict=True):
                assert value.overlaps(right)
                assert value.rad() < 1e-50


def test_small_bigram_has_mass_one(tmp_path: Path) -> None:
    """Z = 1 with the back-off arc as a failure arc; as an epsilon arc the listed bigram counts twice: Z = 35/26."""
    model = model_of(tmp_path, BIGRAM)
    found = ngram_moments(model, np.zeros(3))
    assert found.log_total.contains(0)
    assert total_as_written(model) == pytest.approx(1, abs=1e-13)
    # Z_0 = .5 + .3 Z_a + .2 Z_0 and Z_a = .4 Z_a + 6/7 Z_0, where the epsilon arc leads to all of state 0
    after_a = fmpq(6, 7) / (1 - fmpq(2, 5))
    assert fmpq(1, 2) / (1 - fmpq(1, 5) - fmpq(3, 10) * after_a) == fmpq(35, 26)


def test_diverges_beyond_the_critical_beta(tmp_path: Path) -> None:
    model = model_of(tmp_path, random_arpa(np.random.default_rng(3), 3, 3))
    length = np.array([1.0, 1.0, 1.0, 0.0])
    critical = ngram_critical_beta(model, length, arb(1)).value
    assert critical is not None
    below, above = (float(critical.mid()) * f for f in (1 - 1e-6, 1 + 1e-6))
    with pytest.raises(Diverges):
        ngram_moments(model, length / below)
    assert ngram_moments(model, length / above).log_total > 0
    assert ngram_critical_beta(model, -length, arb(1)).value is None


def test_no_law_above_the_critical_temperature(tmp_path: Path) -> None:
    model = model_of(tmp_path, random_arpa(np.random.default_rng(4), 3, 3))
    reward = np.array([0.1, -0.1, 0.0, 0.0])
    critical = ngram_critical_temperature(model, reward).value
    assert critical is not None
    tau = float((1 / critical).mid())
    with pytest.raises(Diverges):
        ngram_moments(model, reward, tau * (1 - 1e-6), tau * (1 - 1e-6))
    ngram_moments(model, reward, tau * (1 + 1e-6), tau * (1 + 1e-6))


def test_length_has_its_critical_beta_in_closed_form(tmp_path: Path) -> None:
    """For one state, p_a + p_b = 1/2: the radius e^{1/beta} / 2 is 1 at beta = 1 / log 2."""
    rows = "-0.522878745280338 a\n-0.698970004336019 b\n-0.301029995663981 </s>"
    text = f"\\data\\\nngram 1=3\n\n\\1-grams:\n{rows}\n\\end\\\n"
    found = ngram_critical_beta(model_of(tmp_path, text), np.array([1.0, 1.0, 0.0]), arb(1))
    assert found.value is not None
    assert abs(found.value - 1 / arb(2).log()) < 1e-9


def test_removed_tokens_lie_on_no_string(tmp_path: Path) -> None:
    """Without a, the strings of the bigram are b^n: Z = .5 / (1 - .2)."""
    found = ngram_moments(model_of(tmp_path, BIGRAM), np.array([-np.inf, 0.0, 0.0]))
    assert abs(found.log_total - arb(fmpq(5, 8)).log()) < 1e-12


def test_rewards_beyond_float64_diverge(tmp_path: Path) -> None:
    model = model_of(tmp_path, BIGRAM)
    with pytest.raises(Diverges):
        refuse_far_beyond(model, np.array([2000.0, -1.0, 0.0]))
    refuse_far_beyond(model, np.array([-2000.0, -1.0, 0.0]))
    critical = ngram_critical_beta(model, np.array([2000.0, 0.0, 0.0]), arb(1)).value
    assert critical is not None
    same = ngram_critical_beta(model, np.array([2.0, 0.0, 0.0]), arb(1)).value
    assert same is not None
    assert abs(critical / same - 1000) < 1e-6


def test_aligned_laws_state_for_state(tmp_path: Path) -> None:
    """Each row of Doob's transform sums to 1 as it is, and strings have p+ = p e^R / Z."""
    model = model_of(tmp_path, random_arpa(np.random.default_rng(8), 3, 3))
    reward = np.array([0.1, -0.3, 0.05, 0.0])
    found = ngram_moments(model, reward)
    mass = model.masses()
    for tokens in itertools.product(range(3), repeat=3):
        state, aligned, weight = model.initial, 1.0, 1.0
        for token in (*tokens, 3):
            prob, target = aligned_row(model, reward, found.value, state)
            log10_prob, _ = model.row(state)
            aligned *= prob[token]
            weight *= 10.0 ** log10_prob[token] / mass[state] * np.exp(reward[token])
            state = int(target[token])
        assert aligned == pytest.approx(weight / np.exp(float(found.log_total.mid())), rel=1e-11)


def test_sampled_strings_have_the_mean_log_probability(tmp_path: Path) -> None:
    """The mean of R over 4,000 strings: Chebyshev's bound with the exact variance at a failure rate of 1e-4."""
    model = model_of(tmp_path, random_arpa(np.random.default_rng(8), 3, 3))
    reward = np.array([0.1, -0.3, 0.05, 0.0])
    found = ngram_moments(model, reward)
    rng = np.random.default_rng(20261130)
    place = {token: k for k, token in enumerate(model.alphabet)}
    draws = [
        sum(reward[place[token]] for token in sampled_string(model, reward, found.value, rng)) for _ in range(4000)
    ]
    width = (float(found.covariance[2].mid()) / 4000 / 1e-4) ** 0.5
    assert abs(np.mean(draws) - float(found.mean[1].mid())) < width
    empty = sum(draw == 0 for draw in draws) / 4000
    start, _ = aligned_row(model, reward, found.value, model.initial)
    assert abs(empty - start[-1]) < (start[-1] * (1 - start[-1]) / 4000 / 1e-4) ** 0.5
