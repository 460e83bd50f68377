"""The simulation of intervals: its truths by a second route, its samples, and that it notices intervals that miss."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest

pytest.importorskip("joblib")

from simulations.arrays import Floats
from simulations.coverage import run
from simulations.coverage.population import Pair, Population
from simulations.coverage.run import DESIGNS, Design, estimates, holds, measured, one_run
from simulations.coverage.truth import gibbs_truths, pair_truths
from simulations.estimation import gibbs as tilting
from simulations.estimation import intervals
from simulations.estimation.intervals import ANY
from simulations.estimation.prompts import Prompts
from theory.report.records import Estimate, as_json, coverage_record

PAIR = Pair(reward=1.0)


@pytest.fixture(scope="module")
def population() -> Population:
    """The middle one."""
    return Population.of(PAIR)


def test_laws_are_laws(population: Population) -> None:
    """Everything sums to 1; p+ is p e^R with one R for a string; T = 1 without adaptors is p+ itself."""
    assert np.exp(population.log_prior).sum(axis=1) == pytest.approx(np.ones(400))
    assert np.exp(population.log_aligned).sum(axis=1) == pytest.approx(np.ones(400))
    assert population.law.sum(axis=2) == pytest.approx(np.ones((400, 5)))
    assert population.log_law[:, 0] == pytest.approx(population.log_aligned)
    assert population.log_normaliser[:, 0] == pytest.approx(np.zeros((400, 40)), abs=1e-12)


def test_truths_by_drawing_without_end(population: Population) -> None:
    """A run of 4,000 prompts and 40 strings each: every truth within five standard errors of its estimate."""
    strings = population.sample(np.random.default_rng(1), 4000, 40)
    truths = pair_truths(population)
    seen = set()
    for place, found in estimates(strings, population, tilted=False):
        seen.add(place)
        value, low, high = found.drawn
        width = (high - low) / 4 if math.isfinite(high - low) else 0.05
        assert abs(value - truths[place]) <= 5 * width + 1e-9, place
    assert seen == set(truths)


def test_gibbs_truths_by_drawing_without_end(population: Population) -> None:
    """The same for the prior's strings."""
    strings = population.sample_prior(np.random.default_rng(2), 1500, 300)
    truths = gibbs_truths(population)
    seen = set()
    for place, found in estimates(strings, population, tilted=True):
        seen.add(place)
        value, low, high = found.drawn
        assert abs(value - truths[place]) <= 5 * (high - low) / 4 + 1e-9, place
    assert seen == set(truths)


def test_an_acceptance_by_all_pairs(population: Population) -> None:
    """Of the first prompts, by loops over pairs of strings."""
    law, weight = population.law[:3, 1], np.exp(population.log_normaliser[:3, 1])
    by_hand = []
    for q, w in zip(law, weight, strict=True):
        pairs = itertools.product(range(40), repeat=2)
        by_hand.append(sum(q[a] * q[b] * min(w[a], w[b]) for a, b in pairs) / (q @ w))
    from simulations.coverage.truth import _acceptances

    assert _acceptances(law, weight) == pytest.approx(by_hand)


def test_what_holds() -> None:
    """Intervals with their ends, complements, whole lines; no set is no answer."""
    assert holds(Estimate(1.0, 0.5, 2.0), 2.0)
    assert holds(Estimate(1.0, 0.5, 2.0), 2.1) is False
    assert holds(Estimate(3.0, None, None, "words", (0.0, 1.0)), 1.0)
    assert holds(Estimate(3.0, None, None, "words", (0.0, 1.0)), 0.5) is False
    assert holds(Estimate(3.0, None, None, ANY), 7.0)
    assert holds(Estimate(3.0, None, None, "too few prompts: 8 needed"), 3.0) is None


def test_every_interval_of_an_analysis_is_measured(population: Population) -> None:
    """Each design's run has a verdict on each number; a design of four prompts prints none."""
    for design in (DESIGNS[0], DESIGNS[2], DESIGNS[9]):
        truths = gibbs_truths(population) if design.gibbs else pair_truths(population)
        found = one_run(population, truths, design, 3)
        assert truths.keys() <= found.keys()
        assert all(v is None for v in found.values()) == (design.prompts < intervals.FEWEST)


SHORT = Design("short", 16, 12, PAIR)
TILTED = Design("short, tilted", 64, 16, Pair(reward=0.5), gibbs=True)


def shares(design: Design, place: str, runs: int = 150) -> float:
    """How often the intervals of one number hold the truth."""
    found = next(one for one in measured(design, runs).intervals if one.place == place)
    assert found.printed == runs
    return found.held / runs


def test_sound_intervals_cover_and_planted_faults_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Means by a half-width, and weights without their correction: both fall far below nine in ten."""
    # worker processes would not see what is planted
    monkeypatch.setattr(run.joblib, "Parallel", lambda **_: list)
    monkeypatch.setattr(run.joblib, "delayed", lambda function: function)
    # an interval in every run, whatever the weights
    monkeypatch.setattr(tilting, "WEIGHTED", 0.0)
    assert shares(SHORT, "settings.0.mean_reward") > 0.88
    assert shares(TILTED, "effective_share") > 0.85

    def plain(prompts: Prompts, statistic: object, *columns: Floats) -> Floats:
        return statistic(*map(prompts.sums, columns), prompts.count)

    monkeypatch.setattr(Prompts, "corrected", plain)
    assert shares(TILTED, "effective_share") < 0.75
    monkeypatch.setattr(intervals, "LEVEL", 0.5)
    intervals._quantile.cache_clear()
    assert shares(SHORT, "settings.0.mean_reward") < 0.7
    intervals._quantile.cache_clear()


def test_the_record_is_of_this_code() -> None:
    """Designs, settings and places are those that would be measured now, at least 400 runs each."""
    record = coverage_record()
    assert record.runs >= 400
    assert [(d.name, d.prompts, d.strings, d.gibbs) for d in record.designs] == [
        (d.name, d.prompts, d.strings, d.gibbs) for d in DESIGNS
    ]
    assert len({(d.prompts, d.strings) for d in record.designs}) >= 5
    for design in DESIGNS[2], DESIGNS[9]:
        (recorded,) = (one for one in record.designs if one.name == design.name)
        own = Population.of(design.pair)
        truths = gibbs_truths(own) if design.gibbs else pair_truths(own)
        assert {one.place for one in recorded.intervals} == set(one_run(own, truths, design, 0))
        for one in recorded.intervals:
            assert one.truth is None or one.truth == pytest.approx(truths[one.place], abs=1e-9)
    for design in record.designs:
        assert all(one.held <= one.printed <= record.runs for one in design.intervals)
    json.dumps(as_json(record), allow_nan=False)
