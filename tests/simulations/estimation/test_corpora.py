"""Covariance within and between settings: its expectation over every run of a small population, and N*."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from flint import fmpq

from simulations.arrays import Floats
from simulations.estimation.corpora import SIZES, CovarianceParts, pooled
from simulations.estimation.prompts import Prompts
from simulations.estimation.settings import within_correlation
from simulations.estimation.strings import Strings, secret
from theory.corpora import mixtures
from theory.corpora.mixtures import Joint, Mixture

CLOSE = 1e-9
L = np.array([[[0.0, 2.0], [1.0, -1.0]], [[3.0, 1.0], [0.0, 4.0]]])
"""Of two kinds of prompt, two settings and two strings; and R."""
R = np.array([[[1.0, -1.0], [2.0, 0.0]], [[0.0, 5.0], [1.0, 1.0]]])
LAW = np.array([[[1, 1], [1, 3]], [[3, 1], [2, 2]]])


def run(prompt: Floats, setting: Floats, log_prior: Floats, reward: Floats) -> Strings:
    """Strings with these L and R."""
    size = len(prompt)
    return Strings(
        setting=np.array(setting, dtype=np.int64),
        prompt=np.array(prompt, dtype=np.int64),
        log_prior=np.array(log_prior, dtype=np.float64),
        log_aligned=np.array(log_prior + reward, dtype=np.float64),
        log_weight=np.zeros((2, size)),
        log_normaliser=np.zeros((2, size)),
        reward=np.zeros(size),
        length=np.ones(size, dtype=np.int64),
        ended=np.ones(size, dtype=bool),
    )


def exact_parts() -> Mixture:
    """Settings as parts of a mixture; (L, R) less their means after the same prompt over both settings."""
    parts = []
    prob = [[[fmpq(int(w), int(LAW[x, k].sum())) for w in LAW[x, k]] for k in (0, 1)] for x in (0, 1)]

    def point(x: int, k: int, y: int) -> tuple[fmpq, fmpq]:
        return fmpq(int(L[x, k, y])), fmpq(int(R[x, k, y]))

    level = [
        [sum((prob[x][k][y] * point(x, k, y)[c] for k in (0, 1) for y in (0, 1)), start=fmpq(0)) / 2 for c in (0, 1)]
        for x in (0, 1)
    ]
    for k in (0, 1):
        cells = [(prob[x][k][y] / 2, point(x, k, y), level[x]) for x in (0, 1) for y in (0, 1)]
        parts.append(Joint.of([w for w, *_ in cells], [(a - c, b - d) for _, (a, b), (c, d) in cells]))
    return Mixture.even(*parts)


def every_run() -> list[tuple[float, Strings]]:
    """Two prompts drawn from the two kinds, two strings by each setting: all runs with their probabilities."""
    prompt, setting = np.repeat([0, 1], 4), np.tile([0, 0, 1, 1], 2)
    found = []
    for kinds in itertools.product((0, 1), repeat=2):
        kind = np.array(kinds)[prompt]
        for drawn in itertools.product((0, 1), repeat=8):
            place = kind, setting, np.array(drawn)
            weight = float(np.prod(LAW[place] / LAW.sum(axis=2)[place[:2]])) / 4
            found.append((weight, run(prompt, setting, L[place], R[place])))
    return found


def between_means(strings: Strings) -> Floats:
    """The covariance of the settings' means, with the noise of strings and the settings' way with prompts in it."""
    prompts = Prompts.of(strings)
    l, r = prompts.centred(strings.log_prior), prompts.centred(secret(strings))
    means = [[v[strings.setting == k].mean() for k in (0, 1)] for v in (l, r)]
    return np.cov(means, ddof=0)[[0, 0, 1], [0, 1, 1]]


def test_parts_have_no_bias() -> None:
    """E[W] and E[B] over all 1,024 runs are those of the mixture; the plain B is far above it."""
    within, between, plain = np.zeros(3), np.zeros(3), np.zeros(3)
    for weight, strings in every_run():
        parts = CovarianceParts.of(strings)
        within += weight * parts.within.mean(axis=0)
        between += weight * parts.between.mean(axis=0)
        plain += weight * between_means(strings)
    mixture = exact_parts()
    for found, part in ((within, mixture.within()), (between, mixture.between())):
        assert found == pytest.approx([float(v) for v in (part.var_log_prior, part.cov, part.var_reward)], abs=CLOSE)
    assert plain[0] > between[0] + 0.2


def test_parts_by_pseudo_values() -> None:
    """P times the parts of all prompts less (P - 1) times those without one."""
    rng = np.random.default_rng(1)
    prompt, setting = np.repeat(np.arange(5), 9), np.tile(np.repeat(np.arange(3), 3), 5)
    strings = run(prompt, setting, *rng.normal(size=(2, 45)))

    def both(kept: Strings) -> Floats:
        parts = CovarianceParts.of(kept)
        return np.concatenate([parts.within.mean(axis=0), parts.between.mean(axis=0)])

    # the mean of the pseudo-values is the estimate itself, because it is a U-statistic
    whole, parts = both(strings), CovarianceParts.of(strings)
    left = np.array([both(strings.of(prompt != x)) for x in range(5)])
    assert left.mean(axis=0) == pytest.approx(whole, abs=CLOSE)
    assert np.concatenate([parts.within, parts.between], axis=1) == pytest.approx(5 * whole - 4 * left, abs=CLOSE)


def test_settings_that_are_alike() -> None:
    """B is 0 in the mean over samples, and so it is where settings differ on each prompt but not over all of them."""
    found, swapped = [], []
    for stream in np.random.default_rng(5).spawn(300):
        prompt, setting = np.repeat(np.arange(8), 8), np.tile(np.repeat([0, 1], 4), 8)
        noise = stream.normal(size=(2, 64))
        found.append(CovarianceParts.of(run(prompt, setting, *noise)).between.mean(axis=0))
        # each prompt has its own preferred setting, by a coin: over prompts the settings do not differ
        way = np.where(stream.random(8) < 0.5, 1.0, -1.0)[prompt] * (2 * setting - 1)
        swapped.append(CovarianceParts.of(run(prompt, setting, noise[0] + 3 * way, noise[1])).between.mean(axis=0))
    for values, scale in ((found, 1.0), (swapped, 9.0)):
        error = np.std(values, axis=0) / np.sqrt(300)
        assert (np.abs(np.mean(values, axis=0)) < 5 * error).all()
        assert error[0] < 0.05 * scale


def parts_of(within: float, between: float, prompts: int = 400) -> CovarianceParts:
    """Parts that are known almost exactly."""
    wiggle = 1e-3 * np.tile([1.0, -1.0], prompts // 2)[:, None]
    return CovarianceParts(
        np.array([2 * abs(within) + 1, within, 3.0]) + wiggle, np.array([1.0, between, 5.0]) + wiggle / 10
    )


@pytest.mark.parametrize(("within", "between", "crossing"), [(4.0, -0.25, 16.0), (-4.0, 0.25, 16.0), (1.0, -2.0, 0.5)])
def test_crossing_by_hand(within: float, between: float, crossing: float) -> None:
    """N* = -W/B: at it the covariance is 0, before it W's sign, behind it B's; below 1 there is none at N >= 1."""
    parts = parts_of(within, between)
    assert parts.crossing.value == pytest.approx(crossing, rel=1e-3)
    assert parts.crossing.low < crossing < parts.crossing.high
    if crossing > 1:
        assert parts.correlation(16).value == pytest.approx(0, abs=1e-2)
        assert np.sign(parts.correlation(15).value) == np.sign(within)
        assert np.sign(parts.correlation(17).value) == np.sign(between)
        assert mixtures.crossing(fmpq(int(4 * within), 4), fmpq(int(4 * between), 4)) == int(crossing)


def test_one_setting_has_nothing_between() -> None:
    """B = 0, the correlation of corpora is rho_w at every size, and there is no crossing."""
    rng = np.random.default_rng(7)
    strings = run(np.repeat(np.arange(9), 5), np.zeros(45), *rng.normal(size=(2, 45)))
    own = within_correlation(Prompts.of(strings), strings.log_prior, secret(strings))
    for size in SIZES:
        found = CovarianceParts.of(strings).correlation(size)
        assert found.bounds == pytest.approx(own.bounds, abs=CLOSE)
    assert pooled(strings).crossing is None


def test_large_corpora_of_few_prompts_have_no_interval() -> None:
    """Where the settings' means are known badly, the note says how many prompts it takes; with as many there is one."""
    rng = np.random.default_rng(9)

    def found(prompts: int) -> CovarianceParts:
        prompt, setting = np.repeat(np.arange(prompts), 8), np.tile(np.repeat([0, 1], 4), prompts)
        way = rng.normal(size=prompts)[prompt]
        noise = rng.normal(size=(2, 8 * prompts))
        return CovarianceParts.of(run(prompt, setting, noise[0] + setting * (1 + way), noise[1] + setting))

    few = found(12).correlation(1000)
    assert few.value is not None
    assert few.low is None
    needed = int(str(few.note).removeprefix("too few prompts: ").removesuffix(" needed").replace(",", ""))
    assert needed > 12
    assert found(12).correlation(1).low is not None
    assert found(20 * needed).correlation(1000).low is not None


def test_prompts_without_a_setting_are_left_out() -> None:
    """A prompt that one setting lacks, or has one string of, says nothing of the difference between settings."""
    rng = np.random.default_rng(11)
    prompt, setting = np.repeat(np.arange(6), 4), np.tile([0, 0, 1, 1], 6)
    whole = run(prompt, setting, *rng.normal(size=(2, 24)))
    lacking = whole.of(~((prompt == 5) & (setting == 1)))
    found, four = CovarianceParts.of(lacking), CovarianceParts.of(whole.of(prompt != 5))
    assert found.between == pytest.approx(four.between, abs=CLOSE)
    assert found.within == pytest.approx(four.within, abs=CLOSE)
