"""What is said of stored samples: against exact laws whose samples are the law itself, and against wrong copies.

A sample that repeats each string in proportion to an integer weight has exactly its law as its empirical law, so that
every number here has an exact second route: the mixtures, chains and Gibbs laws of ``theory``.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flint import fmpq
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

pytest.importorskip("pyarrow")

import pyarrow as pa

from simulations.agreement.decoding import adapted, enumerated, tree_with_prompts
from simulations.agreement.statistics import clopper_pearson, empirical_bernstein
from simulations.bridge import analyse as analysing
from simulations.bridge import estimates as module
from simulations.bridge import gibbs as tilting
from simulations.bridge.analyse import SIZES, CovarianceParts, analyse, cooling, of_setting, pooled, trades_locally
from simulations.bridge.estimates import (
    Strings,
    exchange_coefficient,
    identification,
    jackknife,
    pearson,
    prompt_share,
    spearman,
    verdict_of,
    within_correlation,
)
from simulations.bridge.gibbs import gibbs
from simulations.bridge.runs import read_run
from simulations.bridge.sample import Models, Plan, work
from simulations.bridge.store import Store, StoreError
from simulations.sampling.generate import Sample
from tests.kills import finish, plan
from theory.adaptors.exact import chain
from theory.arithmetic.exact import objects
from theory.corpora import mixtures
from theory.corpora.metropolis import IndependentChain, stationary_acceptance
from theory.corpora.mixtures import Joint, Mixture, prompt_tree
from theory.probability.information import entropy
from theory.report.records import CoolingStep, Estimate, GibbsAnalysis, GibbsEstimates, PairAnalysis, as_json, plain

Floats = NDArray[np.float64]


def value_of(found: GibbsEstimates, name: str) -> float | None:
    """One number of an analysis, without its interval where it has one."""
    one = getattr(found, name)
    return one.value if isinstance(one, Estimate) else one


Cell = Sequence[tuple[int, fmpq, fmpq]]
"""(weight, L, I) of every string of one setting and prompt."""

CLOSE = 1e-9


def sample(cells: Mapping[tuple[int, int], Cell]) -> Strings:
    """Strings whose empirical law within each (setting, prompt) is proportional to the weights."""
    rows = [
        (setting, prompt, float(l), -float(i))
        for (setting, prompt), cell in cells.items()
        for weight, l, i in cell
        for _ in range(weight)
    ]
    setting, prompt, log_prior, log_aligned = (np.array(column) for column in zip(*rows, strict=True))
    return made(setting, prompt, log_prior, log_aligned)


def made(setting: Any, prompt: Any, log_prior: Any, log_aligned: Any, **others: Any) -> Strings:
    """Strings of one token, sampled from p+ without a reward, unless told otherwise."""
    size = len(setting)
    settings = int(np.max(setting)) + 1
    fields: dict[str, Any] = {
        "log_weight": np.tile(log_aligned, (settings, 1)),
        "log_normaliser": np.zeros((settings, size)),
        "reward": np.full(size, np.nan),
        "length": np.ones(size, dtype=np.int64),
        "ended": np.ones(size, dtype=bool),
    }
    return Strings(
        np.array(setting, dtype=np.int64),
        np.array(prompt, dtype=np.int64),
        np.array(log_prior, dtype=np.float64),
        np.array(log_aligned, dtype=np.float64),
        **(fields | others),
    )


def weighted(law: Mapping[int, Cell], points: Callable[[fmpq, fmpq], tuple[fmpq, fmpq]]) -> Mixture:
    """Prompts as parts, each as likely as it has strings; (L, I) of each string to a point."""
    totals = [fmpq(sum(w for w, *_ in cell)) for cell in law.values()]
    parts = [Joint.of([w for w, *_ in cell], [points(l, i) for _, l, i in cell]) for cell in law.values()]
    return Mixture(objects(t / sum(totals, start=fmpq(0)) for t in totals), tuple(parts))


def with_reward(l: fmpq, i: fmpq) -> tuple[fmpq, fmpq]:
    """(L, R): L + R + I = 0."""
    return l, -l - i


def with_surprisal(l: fmpq, i: fmpq) -> tuple[fmpq, fmpq]:
    """(L, I)."""
    return l, i


def mid_ranks(values: Sequence[Fraction]) -> list[Fraction]:
    """#{less} + (#{equal} + 1) / 2."""
    return [Fraction(sum(v < own for v in values)) + Fraction(sum(v == own for v in values) + 1, 2) for own in values]


@st.composite
def prompt_laws(draw: Any, smallest: int = 2) -> dict[int, Cell]:
    """Laws of (L, I) after two to five prompts, in quarters of a nat; prompts have different numbers of strings."""
    quarter = st.integers(-8, 0).map(lambda k: fmpq(k, 4))
    cell = st.lists(st.tuples(st.integers(1, 3), quarter, quarter.map(lambda v: -v)), min_size=1, max_size=4)
    return dict(enumerate(draw(st.lists(cell, min_size=smallest, max_size=5))))


def one_setting(law: Mapping[int, Cell]) -> Strings:
    """The sample of a law, by setting 0."""
    return sample({(0, prompt): cell for prompt, cell in law.items()})


# --- correlations against mixtures --------------------------------------------------------------------------------


@given(prompt_laws())
def test_exchange_coefficient_and_correlations(law: dict[int, Cell]) -> None:
    """b = E Cov(L, I | x) / E Var(I | x); rho_w from W; Pearson's from W + B; e^2 = B / (W + B) for L."""
    strings = one_setting(law)
    by_reward, by_surprisal = weighted(law, with_reward), weighted(law, with_surprisal)
    within, between = by_reward.within(), by_reward.between()
    assume(by_surprisal.within().var_reward > 0)
    assert exchange_coefficient(strings) == pytest.approx(
        float(fmpq(by_surprisal.within().cov / by_surprisal.within().var_reward)), abs=CLOSE
    )
    assume(within.var_log_prior > 0 and within.var_reward > 0)
    assert within_correlation(strings) == pytest.approx(float(within.correlation), abs=CLOSE)
    assert pearson(strings) == pytest.approx(float((within + between).correlation), abs=CLOSE)
    share = between.var_log_prior / (within + between).var_log_prior
    assert prompt_share(strings) == pytest.approx(float(share), abs=CLOSE)


@given(prompt_laws())
def test_spearman(law: dict[int, Cell]) -> None:
    """Pearson's correlation of mid-ranks, ties and repeats included."""
    pairs = [with_reward(l, i) for cell in law.values() for w, l, i in cell for _ in range(w)]
    columns = [mid_ranks([Fraction(int(v.p), int(v.q)) for v in column]) for column in zip(*pairs, strict=True)]
    points = [
        (fmpq(a.numerator, a.denominator), fmpq(b.numerator, b.denominator)) for a, b in zip(*columns, strict=True)
    ]
    exact = Joint.of([1] * len(points), points).covariance()
    assume(exact.var_log_prior > 0 and exact.var_reward > 0)
    assert spearman(one_setting(law)) == pytest.approx(float(exact.correlation), abs=CLOSE)


@given(prompt_laws())
def test_identification_ends(law: dict[int, Cell]) -> None:
    """The infimum and supremum of Corr(L, R + g(x)) over g: theory.corpora.mixtures.identification."""
    mixture = weighted(law, with_reward)
    within = mixture.within()
    assume(within.var_log_prior > 0 and within.var_reward > 0 and mixture.between().var_log_prior > 0)
    assume(within.cov != 0)
    low, high = (float(end) for end in mixtures.identification(mixture).ends())
    assert identification(one_setting(law)) == pytest.approx((low, high), abs=CLOSE)


@given(prompt_laws(), st.integers(-20, 20), st.lists(st.integers(-20, 20), min_size=5, max_size=5))
def test_what_a_reward_of_the_prompt_cannot_change(law: dict[int, Cell], level: int, extra: list[int]) -> None:
    """log p+ moved by a constant per prompt (a reward known up to g(x)): b and rho_w stay, Pearson's need not."""
    moved = {x: [(w, l, i + level + extra[x]) for w, l, i in cell] for x, cell in law.items()}
    one, two = one_setting(law), one_setting(moved)
    within = weighted(law, with_reward).within()
    assume(within.var_log_prior > 0 and within.var_reward > 0)
    assume(weighted(law, with_surprisal).within().var_reward > 0)
    assert exchange_coefficient(one) == pytest.approx(exchange_coefficient(two), abs=CLOSE)
    assert within_correlation(one) == pytest.approx(within_correlation(two), abs=CLOSE)


@given(prompt_laws())
def test_means_are_over_prompts(law: dict[int, Cell]) -> None:
    """mean_of: each prompt counts once, whatever number of strings it has."""
    exact = sum((part.mean()[0] for part in weighted(law, with_reward).parts), start=fmpq(0)) / len(law)
    assert module.mean_of(lambda s: s.log_prior)(one_setting(law)) == pytest.approx(float(exact), abs=CLOSE)


# --- settings against mixtures ------------------------------------------------------------------------------------


def setting_mixture(cells: Mapping[tuple[int, int], Cell]) -> Mixture:
    """Settings as parts; (L, R) less their means after the same prompt, over all settings."""
    level: dict[int, tuple[fmpq, fmpq]] = {}
    for x in {prompt for _, prompt in cells}:
        merged = [entry for (_, prompt), cell in cells.items() if prompt == x for entry in cell]
        level[x] = Joint.of([w for w, *_ in merged], [with_reward(l, i) for _, l, i in merged]).mean()
    parts = []
    for s in sorted({setting for setting, _ in cells}):
        entries = [(w, with_reward(l, i), level[x]) for (k, x), cell in cells.items() if k == s for w, l, i in cell]
        parts.append(Joint.of([w for w, *_ in entries], [(a - c, b - d) for _, (a, b), (c, d) in entries]))
    return Mixture.even(*parts)


@st.composite
def setting_laws(draw: Any) -> dict[tuple[int, int], Cell]:
    """Two or three settings on two or three prompts."""
    quarter = st.integers(-6, 6).map(lambda k: fmpq(k, 4))
    cell = st.lists(st.tuples(st.integers(1, 2), quarter, quarter), min_size=1, max_size=3)
    grid = itertools.product(range(draw(st.integers(2, 3))), range(draw(st.integers(2, 3))))
    return {place: draw(cell) for place in grid}


@given(setting_laws())
def test_parts_against_a_mixture_of_settings(cells: dict[tuple[int, int], Cell]) -> None:
    """W, B, W/N + B, its correlation at every N of SIZES, and N* = -W/B where it is above 1."""
    strings, mixture = sample(cells), setting_mixture(cells)
    parts = CovarianceParts.of(strings)
    for found, exact in ((parts.within, mixture.within()), (parts.between, mixture.between())):
        expected = [float(v) for v in (exact.var_log_prior, exact.cov, exact.var_reward)]
        assert found == pytest.approx(expected, abs=CLOSE)
    for size in (2, *SIZES):
        exact = mixture.corpus_covariance(size)
        if exact.var_log_prior > 0 and exact.var_reward > 0:
            assert parts.correlation(size) == pytest.approx(float(exact.correlation), abs=1e-7)
    w, b = mixture.within().cov, mixture.between().cov
    assume(w != 0 and b != 0 and w + b != 0)
    crossing = mixtures.crossing(w, b)
    assert parts.crossing == (None if crossing is None else pytest.approx(float(crossing), rel=1e-6))


@pytest.mark.parametrize(
    ("within", "between", "crossing"),
    [(4.0, -0.25, 16.0), (-4.0, 0.25, 16.0), (1.0, -2.0, None), (1.0, -1.0, None), (1.0, 2.0, None), (0.0, 1.0, None)],
)
def test_crossing_by_hand(within: float, between: float, crossing: float | None) -> None:
    """N* > 1 or None; there the covariance is 0, before it W's sign, behind it B's."""
    parts = CovarianceParts((2.0 * abs(within) + 1, within, 3.0), (1.0, between, 5.0))
    assert parts.crossing == crossing
    if crossing is not None:
        assert parts.correlation(int(crossing)) == 0
        assert np.sign(parts.correlation(int(crossing) - 1)) == np.sign(within)
        assert np.sign(parts.correlation(int(crossing) + 1)) == np.sign(between)


def test_one_setting_has_nothing_between() -> None:
    """B = 0, the correlation of corpora is rho_w at every size, and there is no crossing."""
    strings = one_setting(EXAMPLE)
    parts = CovarianceParts.of(strings)
    assert parts.between == (0, 0, 0)
    assert parts.crossing is None
    for size in SIZES:
        assert parts.correlation(size) == pytest.approx(within_correlation(strings), abs=CLOSE)


def test_pooling_by_hand() -> None:
    """Simpson: within each setting L and R rise together, between settings they do not.

    Of B = -1/8 the part (1 - 1/2) W / (6 - 1) is noise of the six strings per setting: -3/20 is left, and N* = 5/3.
    """
    cell = [(1, fmpq(0), fmpq(0)), (1, fmpq(-1), fmpq(2))]  # (L, R) = (0, 0), (-1, -1): Cov = 1/4
    cells = {(0, x): cell for x in range(3)}
    # the other setting's mean is (1/2, -1): half the difference is (1/4, -1/2), B = -1/8
    cells |= {(1, x): [(w, l + fmpq(1, 2), i + fmpq(1, 2)) for w, l, i in cell] for x in range(3)}
    found = pooled(sample(cells))
    assert found.within_cov == pytest.approx(0.25)
    assert found.between_cov == pytest.approx(-0.15)
    assert found.crossing == pytest.approx(5 / 3)
    assert found.corpora["1"].value > 0 > found.corpora["10"].value
    # prompts are alike, so leaving one out changes nothing
    assert found.correlation.low == pytest.approx(found.correlation.high)


# --- acceptance ---------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 30)), min_size=1, max_size=6), st.integers(-500, 500))
def test_acceptance_of_a_sample_is_that_of_its_law(law: list[tuple[int, int]], level: int) -> None:
    """1 - Gini is stationary_acceptance at q = the empirical law: a V-statistic, every string a proposal to itself too.

    With U the mean of min(w, w') / mean w over pairs of different strings, n V = (n - 1) U + 1.
    """
    proposal = objects(fmpq(k, sum(k for k, _ in law)) for k, _ in law)
    weight = objects(fmpq(w) for _, w in law)
    exact = stationary_acceptance(proposal, weight / (proposal * weight).sum())
    flat = [w for k, w in law for _ in range(k)]
    found = module._gini_acceptance(np.log(np.array(flat, dtype=np.float64)) + level)
    assert found == pytest.approx(float(fmpq(exact)), abs=CLOSE)
    count, mean = len(flat), Fraction(sum(flat), len(flat))
    if count > 1:
        unbiased = sum(Fraction(min(a, b)) for a, b in itertools.permutations(flat, 2)) / (count * (count - 1) * mean)
        assert count * found == pytest.approx(float((count - 1) * unbiased + 1), abs=1e-8)


def test_pairs_of_different_strings() -> None:
    """n V = (n - 1) U + 1: what is reported is the acceptance of pairs of different strings; one string has none."""
    log_weight = np.log([2.0, 9.0, 1.0, 5.0])
    assert module.acceptance(log_weight) == pytest.approx(u_statistic(log_weight))
    assert np.isnan(module.acceptance(np.zeros(1)))


def test_noise_of_few_strings_is_taken_off_between() -> None:
    """Settings that are all alike: B is 0 in the mean over samples, where the plain one is (1 - 1/K) W / n."""
    rng = np.random.default_rng(5)
    plain, corrected = [], []
    for _ in range(400):
        values = rng.standard_normal((2, 4, 8))
        means = values.mean(axis=2)
        own = CovarianceParts(
            tuple(np.mean([np.cov(v, ddof=0)[[0, 0, 1], [0, 1, 1]] for v in values.transpose(1, 0, 2)], axis=0)),
            tuple(np.cov(means, ddof=0)[[0, 0, 1], [0, 1, 1]]),
        )
        plain.append(own.between[0])
        corrected.append(own.without_noise(4, 8).between[0])
    assert np.mean(plain) == pytest.approx(3 / 4 / 8, abs=0.012)
    assert np.mean(corrected) == pytest.approx(0, abs=0.012)


def test_acceptance_of_few_strings_is_too_high() -> None:
    """Being a V-statistic it is biased: w = 1 or 3 alike gives 3/4; two strings give 7/8 in the mean of all samples."""
    half = objects([fmpq(1, 2)] * 2)
    assert stationary_acceptance(half, objects([fmpq(1, 2), fmpq(3, 2)])) == fmpq(3, 4)
    found = [module._gini_acceptance(np.log(pair)) for pair in itertools.product([1.0, 3.0], repeat=2)]
    assert np.mean(found) == pytest.approx(7 / 8)


# --- the jackknife ------------------------------------------------------------------------------------------------

EXAMPLE: dict[int, Cell] = {
    x: [(w, fmpq(-l, 4), fmpq(i, 4)) for w, l, i in cell]
    for x, cell in enumerate(
        [
            [(1, 3, 1), (2, 5, 6), (1, 9, 7)],
            [(2, 1, 4), (2, 8, 2)],
            [(1, 7, 7), (1, 2, 3), (2, 4, 1)],
            [(3, 6, 8), (1, 1, 2)],
            [(2, 2, 9), (1, 5, 3), (1, 6, 6)],
        ]
    )
}
STATISTICS = (exchange_coefficient, within_correlation, pearson, spearman, prompt_share)


def interval_by_pseudo_values(strings: Strings, statistic: Callable[[Strings], float]) -> tuple[float, float, float]:
    """K theta - (K - 1) theta_(-x), their standard error, Student's t at K - 1."""
    value = statistic(strings)
    prompts = sorted(set(strings.prompt.tolist()))
    count = len(prompts)
    pseudo = [
        count * value
        - (count - 1) * statistic(strings.of(np.array([k for k, y in enumerate(strings.prompt) if y != x])))
        for x in prompts
    ]
    low, high = stats.t.interval(0.95, count - 1, loc=value, scale=np.std(pseudo, ddof=1) / math.sqrt(count))
    return value, float(low), float(high)


@pytest.mark.parametrize("statistic", STATISTICS)
def test_jackknife_by_pseudo_values(statistic: Callable[[Strings], float]) -> None:
    """value +- t sqrt((K - 1)/K sum (theta_(-x) - mean)^2), prompts left out whole."""
    strings = one_setting(EXAMPLE)
    found = jackknife(strings, statistic)
    assert (found.value, found.low, found.high) == pytest.approx(
        interval_by_pseudo_values(strings, statistic), abs=CLOSE
    )
    shuffled = strings.of(np.random.default_rng(1).permutation(len(strings)))
    again = jackknife(shuffled, statistic)
    assert (again.value, again.low, again.high) == pytest.approx((found.value, found.low, found.high), abs=CLOSE)


def test_jackknife_of_a_mean_is_student() -> None:
    """The classical t interval of the prompts' means."""
    strings = one_setting(EXAMPLE)
    means = [strings.log_prior[strings.prompt == x].mean() for x in range(5)]
    found = jackknife(strings, module.mean_of(lambda s: s.log_prior))
    low, high = stats.t.interval(0.95, 4, loc=np.mean(means), scale=stats.sem(means))
    assert (found.value, found.low, found.high) == pytest.approx((np.mean(means), low, high), abs=CLOSE)


def test_jackknife_where_there_is_no_interval() -> None:
    """Fewer than three prompts, or a prompt without which there is no value: no interval. No value: nothing."""
    strings = one_setting({x: EXAMPLE[x] for x in (0, 1)})
    found = jackknife(strings, exchange_coefficient)
    assert found.value is not None
    assert (found.low, found.high) == (None, None)
    assert jackknife(one_setting(EXAMPLE), lambda s: math.nan) == Estimate(None, None, None)
    assert jackknife(one_setting(EXAMPLE), lambda s: math.inf) == Estimate(None, None, None)
    one = jackknife(one_setting(EXAMPLE), lambda s: 1.0 if 2 in s.prompt else math.nan)
    assert one == Estimate(1.0, None, None)


def clustered(rng: np.random.Generator, prompts: int = 8, strings: int = 6) -> Strings:
    """L = a_x + u, I = c_x - u / 2 + e: all normal; E L = -3, b = Cov(L, I) / Var I = -2/5 at Var u = 1, Var e = 1."""
    x = np.repeat(np.arange(prompts), strings)
    u, e = rng.normal(size=(2, len(x)))
    a, c = rng.normal(size=(2, prompts))
    return made(0 * x, x, -3 + 2 * a[x] + u, -(2 + c[x] - u / 2 + e))


CLUSTERED = {"mean": (-3.0, module.mean_of(lambda s: s.log_prior)), "b": (-0.4, exchange_coefficient)}


def covered(name: str, runs: int, seed: int, prompts: int = 8) -> int:
    """In how many runs the interval holds the truth."""
    truth, statistic = CLUSTERED[name]
    hits = 0
    for stream in np.random.default_rng(seed).spawn(runs):
        found = jackknife(clustered(stream, prompts), statistic)
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= truth <= found.high
    return hits


@pytest.mark.parametrize("name", CLUSTERED)
def test_coverage_on_clustered_normals(name: str) -> None:
    """2,000 samples of 8 prompts: 95 % lies within the exact binomial bounds at 1e-6 (about 2.6 % either way).

    For the mean the interval is exact; for b the bound says how far it may be off.
    """
    assert 0.95 in clopper_pearson(covered(name, 2000, 21), 2000, 1e-6)


def test_coverage_of_wrong_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    """A normal quantile at four prompts (85 %), and strings taken for independent units, are noticed."""
    monkeypatch.setattr(module.stats.t, "ppf", lambda level, _: stats.norm.ppf(level))
    assert 0.95 not in clopper_pearson(covered("mean", 1000, 22, prompts=4), 1000, 1e-6)
    monkeypatch.undo()
    hits = 0
    for stream in np.random.default_rng(23).spawn(300):
        own = clustered(stream)
        units = made(own.setting, np.arange(len(own)), own.log_prior, own.log_aligned)
        found = jackknife(units, CLUSTERED["mean"][1])
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= -3 <= found.high
    assert 0.95 not in clopper_pearson(hits, 300, 1e-6)


# --- verdicts and steps -------------------------------------------------------------------------------------------

UP, DOWN = math.nextafter(0, 1), math.nextafter(-1, -2)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (-1.0, 0.0, "no"),
        (-0.5, -0.5, "no"),
        (-1.0, -1.0, "no"),
        (0.0, 0.0, "no"),
        (UP, 3.0, "yes"),
        (-3.0, DOWN, "yes"),
        (0.0, 3.0, "undecided"),
        (0.0, UP, "undecided"),
        (-3.0, -1.0, "undecided"),
        (DOWN, -1.0, "undecided"),
        (DOWN, 0.0, "undecided"),
        (-1.0, UP, "undecided"),
        (-2.0, 1.0, "undecided"),
        (None, None, "undecided"),
    ],
)
def test_verdicts_at_every_edge(low: float | None, high: float | None, verdict: str) -> None:
    """yes outside [-1, 0], no inside it, both with their ends; else undecided."""
    assert verdict_of(Estimate(None if low is None else (low + (high or 0)) / 2, low, high)) == verdict


@pytest.mark.parametrize(
    ("likelihood", "reward", "verdict"),
    [
        ((0.1, 0.2), (0.1, 0.2), "no"),
        ((-0.2, -0.1), (-0.2, -0.1), "no"),
        ((0.1, 0.2), (-0.2, -0.1), "yes"),
        ((-0.2, -0.1), (0.1, 0.2), "yes"),
        ((0.0, 0.2), (0.1, 0.2), "undecided"),
        ((0.1, 0.2), (-0.2, 0.0), "undecided"),
        ((-0.1, 0.2), (0.1, 0.2), "undecided"),
        ((None, None), (0.1, 0.2), "undecided"),
        ((0.1, 0.2), (None, None), "undecided"),
    ],
)
def test_local_verdicts(likelihood: tuple[Any, Any], reward: tuple[Any, Any], verdict: str) -> None:
    """yes where E L and E R moved apart, no where together, undecided where an interval holds 0 or is none."""
    nothing = Estimate(None, None, None)
    means = {"mean_log_prior": Estimate(0.0, *likelihood), "mean_reward": Estimate(0.0, *reward)}
    step = CoolingStep(behind=(), warm=1.0, cool=0.5, slope=nothing, **means)
    assert trades_locally(step) == verdict


STEPS = (
    chain(("nucleus", "9/10")),
    chain(("temperature", "1/2"), ("nucleus", "9/10")),
    (),
    chain(("temperature", "1/2")),
    chain(("temperature", "2"), ("nucleus", "9/10")),
    chain(("top_k", 3), ("temperature", "1/2")),
)


def six_settings() -> Strings:
    """The example after every chain of STEPS, moved by a different amount and string by string alike."""
    cells = {
        (s, x): [(w, l + fmpq(s * s * (1 + x), 8), i - fmpq(s * (2 + x), 4)) for w, l, i in EXAMPLE[x]]
        for s, x in itertools.product(range(len(STEPS)), EXAMPLE)
    }
    return sample(cells)


def test_cooling_steps() -> None:
    """From warm to cool behind the same adaptor; a temperature that comes later is part of what is behind."""
    strings = six_settings()
    found = cooling(strings, STEPS)
    assert [(step.behind, step.warm, step.cool) for step in found] == [
        ((("nucleus", "9/10"),), 2.0, 1.0),
        ((("nucleus", "9/10"),), 1.0, 0.5),
        ((), 1.0, 0.5),
    ]
    for step, (warm, cool) in zip(found, ((4, 0), (0, 1), (2, 3)), strict=True):
        # setting s moves L by s^2 (1 + x) / 8 and R = -L - I by s (2 + x) / 4 less that; the mean of x is 2
        likelihood = (cool**2 - warm**2) * 3 / 8
        reward = (cool - warm) * 4 / 4 - likelihood
        assert step.mean_log_prior.value == pytest.approx(likelihood)
        assert step.mean_reward.value == pytest.approx(reward)
        assert step.slope.value == pytest.approx(reward / likelihood)
        both = strings.of(np.isin(strings.setting, (warm, cool)))

        def change(s: Strings, warm: int = warm, cool: int = cool) -> float:
            return float(s.log_prior[s.setting == cool].mean() - s.log_prior[s.setting == warm].mean())

        # every prompt has as many strings, so that the plain means are those over prompts
        expected = interval_by_pseudo_values(both, change)
        assert astuple(step.mean_log_prior) == pytest.approx(expected, abs=CLOSE)


# --- one setting --------------------------------------------------------------------------------------------------


def test_of_setting_against_the_law() -> None:
    """Means, entropy, KL(q || p+), acceptance and b of a setting, the others' strings left aside."""
    law, steps = EXAMPLE, chain(("temperature", "1/2"))
    whole = sample({(s, x): cell if s else [(3, fmpq(-9), fmpq(5))] for s in (0, 1) for x, cell in law.items()})
    constants = 1 - whole.log_prior / 3
    weight, normaliser = whole.log_weight.copy(), whole.log_normaliser.copy()
    weight[1], normaliser[1] = 2 * whole.log_aligned, constants
    strings = made(
        whole.setting,
        whole.prompt,
        whole.log_prior,
        whole.log_aligned,
        log_weight=weight,
        log_normaliser=normaliser,
        reward=np.where(whole.setting == 1, whole.log_prior * 2, np.nan),
        length=whole.setting + 2,
        ended=np.arange(len(whole)) % 2 == 0,
    )
    found = of_setting(strings, 1, steps)
    own = whole.of(whole.setting == 1)
    mixture = weighted(law, with_reward)
    mean_l, mean_r = (float(sum((p.mean()[k] for p in mixture.parts), start=fmpq(0)) / 5) for k in (0, 1))
    assert found.mean_log_prior.value == pytest.approx(mean_l)
    assert found.mean_reward.value == pytest.approx(mean_r)
    assert found.mean_external_reward.value == pytest.approx(2 * mean_l)
    # log q = -2 I - c, c = 1 - L/3, and E I = -E L - E R
    mean_i = -mean_l - mean_r
    log_q = -2 * mean_i - 1 + mean_l / 3
    assert found.entropy.value == pytest.approx(-log_q)
    assert found.kl_to_aligned.value == pytest.approx(log_q + mean_i)
    assert found.strings == len(own)
    assert found.tokens == 3
    assert found.budget_residual == pytest.approx(0, abs=1e-12)
    assert of_setting(strings, 1, ()).budget_residual == pytest.approx(np.abs(own.log_aligned).max())
    shares = [np.exp(1 - own.log_prior[own.prompt == x] / 3) for x in law]
    accepted = [u_statistic(np.log(w)) for w in shares]
    assert found.acceptance.value == pytest.approx(np.mean(accepted))
    assert found.largest_weight_seen == pytest.approx(np.mean([w.max() / w.mean() for w in shares]))
    assert found.identification == pytest.approx(identification(own))
    four = (found.exchange_coefficient, found.within_correlation, found.correlation, found.spearman)
    for one, statistic in zip(four, STATISTICS, strict=False):
        assert astuple(one) == pytest.approx(interval_by_pseudo_values(own, statistic), abs=CLOSE)
    assert "mean_external_reward" not in plain(of_setting(strings, 0, ()))


# --- a Gibbs law --------------------------------------------------------------------------------------------------

PRIOR = [[3, 2, 1, 2], [4, 1, 1, 2], [2, 2, 3, 1], [1, 5, 1, 1]]
EXP_REWARD = [[1, 4, 9, 2], [2, 3, 1, 7], [5, 1, 2, 3], [1, 2, 8, 3]]


def gibbs_sample(prior: Sequence[Sequence[int]], exp_reward: Sequence[Sequence[int]], beta: float) -> Strings:
    """Each answer as often as its prior weight; rewards beta log e^R."""
    rows = [
        (x, math.log(w / sum(weights)), beta * math.log(e))
        for x, (weights, rewards) in enumerate(zip(prior, exp_reward, strict=True))
        for w, e in zip(weights, rewards, strict=True)
        for _ in range(w)
    ]
    prompt, log_prior, reward = (np.array(column) for column in zip(*rows, strict=True))
    empty = np.zeros((0, len(rows)))
    return made(
        0 * prompt,
        prompt,
        log_prior,
        np.full(len(rows), np.nan),
        log_weight=empty,
        log_normaliser=empty,
        reward=reward,
    )


def exact_gibbs(prior: Sequence[Sequence[int]], exp_reward: Sequence[Sequence[int]]) -> dict[str, float]:
    """What ``gibbs`` estimates, by corpora.mixtures.prompts and corpora.metropolis; prompts of equal totals."""
    own = mixtures.prompts(prompt_tree(prior, exp_reward))
    within, (mean_l, mean_r) = own.mixture.within(), own.mixture.pooled().mean()
    # I = log Z - L - R: Var I = Var L + Var R + 2 Cov, Cov(L, I) = -Var L - Cov
    b = -(within.var_log_prior + within.cov) / (within.var_log_prior + within.var_reward + 2 * within.cov)
    accepted, effective, largest = [], [], []
    for weights, rewards in zip(prior, exp_reward, strict=True):
        q = objects(fmpq(w, sum(weights)) for w in weights)
        w = objects(fmpq(e) for e in rewards)
        w = w / (q * w).sum()
        count = sum(weights)  # strings of a sample, compared with one another but not with themselves
        accepted.append((count * stationary_acceptance(q, w) - 1) / (count - 1))
        effective.append(1 / (q * w * w).sum())
        largest.append(max(w))
    shares = [[w / sum(ws) for w in ws] for ws in prior]
    return {
        "mean_log_prior": float(mean_l),
        "mean_reward": float(mean_r),
        "prior_mean_log_prior": -float(np.mean([entropy(np.array(share)) for share in shares])),
        "prior_mean_reward": float(
            np.mean([np.array(share) @ np.log(rewards) for share, rewards in zip(shares, exp_reward, strict=True)])
        ),
        "log_partition": float((own.mixture.weight * own.log_partition).sum()),
        "exchange_coefficient": float(b),
        "within_correlation": float(within.correlation),
        "acceptance": float(sum(accepted, start=fmpq(0)) / len(prior)),
        "effective_share": float(sum(effective, start=fmpq(0)) / len(prior)),
        "largest_weight_seen": float(sum(largest, start=fmpq(0)) / len(prior)),
    }


@pytest.mark.parametrize("beta", ["1", "1/4", "3"])
def test_gibbs_against_exact_prompts(beta: str) -> None:
    """E_{p+} L and R, log Z, b, rho_w, acceptance from prior to p+, effective share and w*, prompts alike."""
    number = float(Fraction(beta))
    found = gibbs(gibbs_sample(PRIOR, EXP_REWARD, number), beta)
    for name, value in exact_gibbs(PRIOR, EXP_REWARD).items():
        estimate = value_of(found, name)
        assert estimate == pytest.approx(value, abs=CLOSE), name
    assert found.trades == verdict_of(found.exchange_coefficient)
    json.dumps(plain(found), allow_nan=False)


@given(st.data())
def test_gibbs_on_random_laws(data: st.DataObject) -> None:
    """The same for laws from small integers; every prompt's weights sum to 6."""
    rows = [[1, 2, 3], [1, 1, 4], [2, 4], [1, 1, 1, 3], [1, 2, 1, 1, 1]]
    prior = data.draw(st.lists(st.sampled_from(rows), min_size=2, max_size=4))
    exp_reward = [[data.draw(st.integers(1, 9)) for _ in row] for row in prior]
    strings = gibbs_sample(prior, exp_reward, 1.0)
    varies = [len({w * e for w, e in zip(*pair, strict=True)}) > 1 for pair in zip(prior, exp_reward, strict=True)]
    moves = [len(set(rewards)) > 1 for rewards in exp_reward]
    # else some value without one prompt is 0/0
    assume(all(varies) and all(moves))
    found = gibbs(strings, "1")
    for name, value in exact_gibbs(prior, exp_reward).items():
        estimate = value_of(found, name)
        assert estimate == pytest.approx(value, abs=CLOSE), name


def test_a_level_per_prompt_changes_no_gibbs_law() -> None:
    """r + g(x): log Z moves by the mean of g / beta, p+ does not."""
    one = gibbs_sample(PRIOR, EXP_REWARD, 1.0)
    two = gibbs_sample(PRIOR, [[e * (x + 2) for e in rewards] for x, rewards in enumerate(EXP_REWARD)], 1.0)
    first, second = gibbs(one, "1"), gibbs(two, "1")
    for name in ("mean_log_prior", "exchange_coefficient", "within_correlation", "acceptance", "effective_share"):
        assert astuple(getattr(second, name)) == pytest.approx(astuple(getattr(first, name)), abs=CLOSE)
    moved = second.log_partition.value - first.log_partition.value
    assert moved == pytest.approx(np.mean(np.log([2, 3, 4, 5])))


def test_a_chain_over_strings_by_its_definition() -> None:
    """Each step accepts where u' = 1 - u <= min(1, e^{r' - r}), u the generator's; the first tenth does not count."""
    rng = np.random.default_rng(31)
    for size in (2, 3, 11, 50, 400):
        reward = rng.normal(0, 2, size)
        strings = made(np.zeros(size), np.zeros(size), reward, reward, reward=reward)
        uniforms = 1 - np.random.default_rng(size).random(size)
        state, moves = 0, []
        for k in range(1, size):
            moves.append(uniforms[k] < min(1.0, math.exp(reward[k] - reward[state])) or reward[k] > reward[state])
            state = k if moves[-1] else state
        assert tilting._chained(strings) == pytest.approx(np.mean(moves[len(moves) // 10 :]))


def test_a_chain_over_strings_accepts_as_the_exact_one() -> None:
    """300 chains of 400 to 699 strings from a law on three points: the exact stationary acceptance, interval at 1e-6.

    w* = 2, so that after the first tenth the start is forgotten to 2^-40; lengths differ because they are the seeds.
    """
    q, w = np.array([0.5, 0.3, 0.2]), np.array([0.4, 4 / 3, 2.0])
    exact = IndependentChain(q, w).acceptance()
    streams = np.random.default_rng(32).spawn(300)
    found = []
    for size, stream in zip(range(400, 700), streams, strict=True):
        reward = np.log(w)[stream.choice(3, size, p=q)]
        found.append(tilting._chained(made(np.zeros(size), np.zeros(size), reward, reward, reward=reward)))
    assert exact in empirical_bernstein(np.array(found), 0.0, 1.0, 1e-6)
    # a chain that never takes a lighter string is off by more
    greedy = sum(q[i] * w[i] * q[w >= w[i]].sum() for i in range(3))
    assert greedy not in empirical_bernstein(np.array(found), 0.0, 1.0, 1e-6)


# --- stored runs --------------------------------------------------------------------------------------------------

RUN = """
[models]
prior = "tree"
{aligned}
[prompts]
texts = ["x", "y"]
[sampling]
strings = 60
length = {length}
rows = 32
{adaptors}
[output]
folder = "run"
"""
ALIGNED = {
    "aligned": 'aligned = "tree"',
    "adaptors": 'temperatures = ["1", "1/2"]\n[[adaptor]]\nname = []\nvalue = []\n'
    '[[adaptor]]\nname = "nucleus"\nvalue = "7/10"',
}
TILTED = {"aligned": "", "adaptors": '[reward]\nkind = "length"\nbeta = "1/2"'}
NAMES = ("x", "y", "a", "b", "c")


def stored(folder: Path, length: int, texts: Mapping[str, str], scorer: Any = None) -> Store:
    """A finished run on the tree with prompts, without torch."""
    (folder / "run.toml").write_text(RUN.format(length=length, **texts), encoding="utf-8")
    _, pair = tree_with_prompts()
    models = Models(
        prior=pair.prior,
        aligned=pair.aligned if texts["aligned"] else None,
        encode=lambda text: [NAMES.index(text)],
        decode=lambda ids: " ".join(NAMES[i] for i in ids if i < len(NAMES)),
        identity={"tree": "with prompts"},
        longest=64,
    )
    plan = Plan.of(read_run(folder / "run.toml"), models)
    store = Store.open(plan.run.folder, plan.configuration(), len(plan.shards))
    for _ in work(plan, store, scorer):
        pass
    return store


def read_by_loops(store: Store) -> list[dict[str, Any]]:
    """The stored strings, one dictionary each, lists summed one number at a time."""
    rows = []
    for shard in range(store.shards):
        for entry in store.read(shard).to_pylist():
            rows.append({k: math.fsum(v) if isinstance(v, list) and k != "tokens" else v for k, v in entry.items()})
    return rows


@pytest.mark.parametrize("length", [2, 4])
def test_reading_a_run_on_the_tree(tmp_path: Path, length: int) -> None:
    """Sums over tokens; and each string's log p, log p+, log w and log c of every setting are the tree's own.

    At length 2 most strings are cut: they are the events that a string begins so, and the numbers are of these.
    """
    store = stored(tmp_path, length, ALIGNED)
    strings, rows = Strings.read(store), read_by_loops(store)
    _, pair = tree_with_prompts()
    chains = [(), chain(("nucleus", "7/10")), chain(("temperature", "1/2"))]
    chains.append(chain(("temperature", "1/2"), ("nucleus", "7/10")))
    assert len(strings) == len(rows) == 4 * 2 * 60
    assert strings.log_weight.shape == strings.log_normaliser.shape == (4, len(rows))
    assert np.isnan(strings.reward).all()
    assert strings.ended.any()
    assert strings.ended.all() == (length == 4)
    for name in ("setting", "prompt", "ended", "log_prior", "log_aligned"):
        assert getattr(strings, name) == pytest.approx([row[name] for row in rows], abs=1e-12)
    assert strings.length.tolist() == [len(row["tokens"]) for row in rows]
    for number in range(4):
        for name in ("log_weight", "log_normaliser"):
            assert getattr(strings, name)[number] == pytest.approx([row[f"{name}_{number}"] for row in rows], abs=1e-12)
    for x in (0, 1):
        inside = np.flatnonzero(strings.prompt == x)
        own = enumerated(pair, "aligned", x, length)
        tokens = np.full((len(inside), length), -1)
        for k, place in enumerate(inside):
            tokens[k, : len(rows[place]["tokens"])] = rows[place]["tokens"]
        prior = enumerated(pair, "prior", x, length)
        outcome = own.outcome(drawn(tokens, strings.ended[inside]))
        assert strings.log_aligned[inside] == pytest.approx(own.log_prob()[outcome], abs=CLOSE)
        assert strings.log_prior[inside] == pytest.approx(prior.log_prob()[outcome], abs=CLOSE)
        for number, steps in enumerate(chains):
            log_q, log_c = own.adapted(steps)
            kept = np.isfinite(strings.log_weight[number, inside])
            assert np.array_equal(kept, np.isfinite(log_q[outcome]))
            found = (strings.log_weight - strings.log_normaliser)[number, inside]
            assert found[kept] == pytest.approx(log_q[outcome][kept], abs=1e-5)
            assert strings.log_normaliser[number, inside][kept] == pytest.approx(log_c[outcome][kept], abs=1e-5)
            assert np.isfinite(strings.log_weight[number, inside][strings.setting[inside] == number]).all()


def drawn(tokens: Any, ended: Any) -> Sample:
    """Tokens as a sample of which nothing else is known."""
    nothing = np.zeros(tokens.shape)
    return Sample(tokens, (tokens >= 0).sum(axis=1), ended, nothing, nothing, nothing)


def test_analysis_of_a_run_on_the_tree(tmp_path: Path) -> None:
    """JSON without NaN; the budget closes; KL(q || p+) = -E sum log c at T = 1; b's slope; one row per cooling step."""
    store = stored(tmp_path, 4, ALIGNED)
    strings, found = Strings.read(store), analyse(store)
    assert isinstance(found, PairAnalysis)
    json.dumps(as_json(found), allow_nan=False)
    assert found.key == store.key
    assert found.strings == len(strings)
    assert found.tokens == strings.length.sum()
    assert [step.cool for step in found.cooling] == [0.5, 0.5]
    for number, setting in enumerate(found.settings):
        own = strings.of(strings.setting == number)
        assert setting.strings == 120
        assert setting.budget_residual < 1e-5
        budget = (
            getattr(setting, name).value for name in ("mean_log_prior", "mean_reward", "entropy", "kl_to_aligned")
        )
        assert sum(budget) == pytest.approx(0, abs=1e-9)
        if number < 2:
            assert setting.kl_to_aligned.value == pytest.approx(-own.log_normaliser[number].mean(), abs=1e-5)
    b = found.settings[0].exchange_coefficient
    assert found.exchange_slope == pytest.approx(-(1 + b.value) / b.value)
    assert b.low is None, "two prompts have no interval"
    assert found.trades == "undecided"
    assert found.trades_locally == "undecided"
    assert found.settings[0].acceptance.value == pytest.approx(1)


def test_sampled_means_on_the_tree(tmp_path: Path) -> None:
    """E L under p+ and under each adaptor, from the stored strings: the exact mean, interval at 1e-6 in all."""
    strings = Strings.read(stored(tmp_path, 4, ALIGNED))
    _, pair = tree_with_prompts()
    for x, (number, steps) in itertools.product((0, 1), enumerate(((), chain(("nucleus", "7/10"))))):
        prior, prob = enumerated(pair, "prior", x, 4).log_prob(), np.exp(adapted(pair, x, steps)[0])
        likely = np.where(prob > 0, np.maximum(prior, -40), 0.0)
        values = strings.log_prior[(strings.prompt == x) & (strings.setting == number)]
        assert prob @ likely in empirical_bernstein(np.maximum(values, -40), -40.0, 0.0, 1e-6 / 4)


def test_analysis_of_a_tilted_prior(tmp_path: Path) -> None:
    """A Gibbs run: rewards read as stored, log p+ unknown, no settings; JSON without NaN."""
    store = stored(tmp_path, 4, TILTED, lambda texts, lengths: [float(n) for n in lengths])
    strings, found = Strings.read(store), analyse(store)
    json.dumps(as_json(found), allow_nan=False)
    assert np.isnan(strings.log_aligned).all()
    assert strings.log_weight.shape == strings.log_normaliser.shape == (0, 120)
    assert np.array_equal(strings.reward, strings.length)
    assert isinstance(found, GibbsAnalysis)
    assert found.gibbs == gibbs(strings, "1/2")
    by_hand = [np.log(np.exp(2.0 * strings.length[strings.prompt == x]).mean()) for x in (0, 1)]
    assert found.gibbs.log_partition.value == pytest.approx(np.mean(by_hand))


def test_a_missing_shard_is_refused(tmp_path: Path) -> None:
    """StoreError, before anything is said."""
    store = stored(tmp_path, 4, ALIGNED)
    store.path(1).unlink()
    with pytest.raises(StoreError, match=r"is (missing|damaged)"):
        analyse(store)


def test_lists_are_summed_across_chunks() -> None:
    """Chunks of different sizes, float32, lists of one; lists that are empty at the end sum to 0."""
    kind = pa.list_(pa.float32())
    column = pa.chunked_array([pa.array([[1.0, 2.0], [4.0]], kind), pa.array([[8.0], [0.5, 0.25, 16.0], [], []], kind)])
    assert module._sums(column).tolist() == [3.0, 4.0, 8.0, 16.75, 0.0, 0.0]
    assert module._sums(column.slice(1, 3)).tolist() == [4.0, 8.0, 16.75]
    assert module._sums(pa.chunked_array([], kind)).tolist() == []


def test_some_of_the_strings() -> None:
    """of() chooses in every field."""
    strings = six_settings()
    for chosen in (strings.setting == 2, np.array([5, 3, 3])):
        some = strings.of(chosen)
        assert len(some) == len(strings.log_prior[chosen])
        for name in Strings.__slots__:
            whole = getattr(strings, name)
            assert np.array_equal(getattr(some, name), whole[..., chosen], equal_nan=whole.dtype.kind == "f")


# --- wrong copies -------------------------------------------------------------------------------------------------


@cache
def exact_example() -> dict[str, float]:
    """Exact numbers of the example, and of six settings."""
    by_reward, by_surprisal = weighted(EXAMPLE, with_reward), weighted(EXAMPLE, with_surprisal).within()
    within, between = by_reward.within(), by_reward.between()
    low, high = mixtures.identification(by_reward).ends()
    settings = setting_mixture(settings_cells())
    own, means = settings.within(), settings.between()
    weight = objects(fmpq(w) for w in (1, 2, 5, 9))
    proposal = objects([fmpq(1, 4)] * 4)
    return {
        "b": float(by_surprisal.cov / by_surprisal.var_reward),
        "within": float(within.correlation),
        "pearson": float((within + between).correlation),
        "share": float(between.var_log_prior / (within + between).var_log_prior),
        "low": float(low),
        "high": float(high),
        "W": float(own.cov),
        "B": float(means.cov),
        "at 10": float(settings.corpus_covariance(10).correlation),
        "acceptance": float(stationary_acceptance(proposal, weight / (proposal * weight).sum())),
        **{f"gibbs {name}": value for name, value in exact_gibbs(PRIOR, EXP_REWARD).items()},
    }


def settings_cells() -> dict[tuple[int, int], Cell]:
    """Three settings of the example."""
    return {
        (s, x): [(w, l + fmpq(s * x, 8), i + fmpq(s * (1 - x), 4)) for w, l, i in EXAMPLE[x]]
        for s, x in itertools.product(range(3), EXAMPLE)
    }


def found_example() -> dict[str, float]:
    """The same numbers from samples."""
    strings, parts = one_setting(EXAMPLE), CovarianceParts.of(sample(settings_cells()))
    low, high = module.identification(strings)
    tilted = gibbs(gibbs_sample(PRIOR, EXP_REWARD, 0.25), "1/4")
    return {
        "b": module.exchange_coefficient(strings),
        "within": module.within_correlation(strings),
        "pearson": module.pearson(strings),
        "share": module.prompt_share(strings),
        "low": low,
        "high": high,
        "W": parts.within[1],
        "B": parts.between[1],
        "at 10": parts.correlation(10),
        "acceptance": module._gini_acceptance(np.log([2.0, 9.0, 1.0, 5.0])),
        **{f"gibbs {name}": value_of(tilted, name) for name in exact_gibbs(PRIOR, EXP_REWARD)},
    }


def wrong_numbers() -> set[str]:
    """Which numbers of the example are not the exact ones."""
    exact = exact_example()
    with np.errstate(all="ignore"):
        return {name for name, v in found_example().items() if v is None or not abs(v - exact[name]) < CLOSE}


def u_statistic(log_weight: Floats) -> float:
    """Pairs of different strings only."""
    weight = np.exp(log_weight)
    count = len(weight)
    return float((np.minimum.outer(weight, weight).sum() - weight.sum()) / (count * (count - 1) * weight.mean()))


SLIPS: dict[str, tuple[str, Any, set[str]]] = {
    "centred on the whole": ("within_prompts", lambda s, v: v - v.mean(), {"b", "within", "share"}),
    "not centred at all": ("within_prompts", lambda s, v: v, {"b", "W"}),
    "R = L - log p+": ("secret", lambda s: s.log_prior - s.log_aligned, {"within", "pearson", "W"}),
    "R = log p+": ("secret", lambda s: s.log_aligned, {"within", "pearson", "W"}),
    "covariance for correlation": ("_correlation", lambda a, b: float(np.cov(a, b)[0, 1]), {"within", "pearson"}),
    "pairs of different strings": ("_gini_acceptance", u_statistic, {"acceptance", "gibbs acceptance"}),
    "beta forgotten": ("to_float", lambda v: 1.0, {"gibbs mean_reward", "gibbs log_partition"}),
    "the sum over prompts": (
        "per_prompt",
        lambda s, f: float(np.sum([f(s.of(s.prompt == x)) for x in np.unique(s.prompt)])),
        {"gibbs log_partition"},
    ),
    "e for e^2": ("prompt_share", lambda s: math.sqrt(prompt_share(s)), {"low", "high"}),
    "rho_w's sign": ("within_correlation", lambda s: -within_correlation(s), {"low", "high"}),
}


def test_the_example_is_exact() -> None:
    """The control of the controls."""
    assert wrong_numbers() == set()


@pytest.mark.parametrize("slip", SLIPS)
def test_slips_are_noticed(slip: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each slip changes the numbers that depend on it."""
    name, wrong, numbers = SLIPS[slip]
    for owner in (analysing, module, tilting):
        if hasattr(owner, name):
            monkeypatch.setattr(owner, name, wrong)
    assert numbers <= wrong_numbers()


def test_a_run_of_another_format_is_not_analysed(tmp_path: Path) -> None:
    """One line: the file, both numbers, and what to run; a run without a number, too."""
    store = finish(plan(tmp_path))
    key = store.folder / "key.json"
    text = key.read_text(encoding="utf-8")
    for found, said in (('"format": 7', "has format 7"), ('"version": 1', "has no format number")):
        key.write_text(text.replace('"format": 1', found), encoding="utf-8")
        with pytest.raises(StoreError) as caught:
            analyse(Store.existing(store.folder))
        assert str(caught.value) == f"{key}: {said}, this version reads 1: run probqual sample again"


@pytest.mark.parametrize("word", ["run", "chains", "aligned"])
def test_keys_with_one_letter_changed(word: str, tmp_path: Path) -> None:
    """A flipped bit in the name of a field: what the analysis needs is not there."""
    store = finish(plan(tmp_path))
    text = (store.folder / "key.json").read_text(encoding="utf-8")
    (store.folder / "key.json").write_text(text.replace(f'"{word}"', f'"{word[:-1]}~"', 1), encoding="utf-8")
    with pytest.raises(StoreError, match=r"key\.json: is damaged"):
        analyse(Store.existing(store.folder))


# --- intervals of a Gibbs law -------------------------------------------------------------------------------------


def test_gibbs_intervals_against_exact_prompts() -> None:
    """The jackknife by the exact values without each prompt in turn: one that is left out counts as no prompt."""
    found = gibbs(gibbs_sample(PRIOR, EXP_REWARD, 1.0), "1")
    without = [[k for k in range(len(PRIOR)) if k != x] for x in range(len(PRIOR))]
    left = [exact_gibbs([PRIOR[k] for k in kept], [EXP_REWARD[k] for k in kept]) for kept in without]
    for name in set(left[0]) - {"largest_weight_seen"}:
        values = np.array([one[name] for one in left])
        # Student's quantile at 97.5 % and 3 degrees of freedom, from a table
        radius = 3.182446305284263 * math.sqrt(3 / 4 * ((values - values.mean()) ** 2).sum())
        estimate = getattr(found, name)
        assert estimate.high - estimate.value == pytest.approx(radius, abs=CLOSE), name
        assert estimate.value - estimate.low == pytest.approx(radius, abs=CLOSE), name


def test_numbers_of_prompts_are_names() -> None:
    """Prompts 2, 5, 8, 11 say what 0, 1, 2, 3 say; only the chain's own uniforms depend on the number."""
    strings = gibbs_sample(PRIOR, EXP_REWARD, 1.0)
    other = dataclasses.replace(strings, prompt=3 * strings.prompt + 2)
    one, two = gibbs(strings, "1"), gibbs(other, "1")
    assert dataclasses.replace(two, chain_acceptance=one.chain_acceptance) == one
