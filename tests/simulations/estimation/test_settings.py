"""What is said of one setting and of one step of cooling: by definition, and by laws that are known."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from flint import fmpq
from scipy import stats

from simulations.estimation.corpora import pooled
from simulations.estimation.prompts import Prompts, acceptances
from simulations.estimation.settings import (
    cooling,
    identification,
    of_setting,
    prompt_share,
    trades_locally,
    within_correlation,
)
from simulations.estimation.strings import Strings, secret
from tests.simulations.estimation.laws import EXAMPLE, made, one_setting, sample, weighted, with_reward
from theory.adaptors.exact import chain
from theory.report.records import CoolingStep, Estimate, plain

CLOSE = 1e-9


def clustered(seed: int, prompts: int = 60, strings: int = 9) -> Strings:
    """L = a_x + u, I = c_x - u / 2 + e, all normal: the noise of strings and that of prompts are known."""
    rng = np.random.default_rng(seed)
    x = np.repeat(np.arange(prompts), strings)
    u, e = rng.normal(size=(2, len(x)))
    a, c = rng.normal(size=(2, prompts))
    return made(0 * x, x, -3 + 2 * a[x] + u, -(2 + c[x] - u / 2 + e))


def by_loops(strings: Strings) -> dict[str, float]:
    """b, rho_w and Pearson's correlation from single prompts, one after the other."""
    rows = []
    for x in np.unique(strings.prompt):
        own = strings.of(strings.prompt == x)
        l, r, i = own.log_prior, secret(own), -own.log_aligned
        rows.append([np.cov(a, b)[0, 1] for a, b in ((l, i), (i, i), (l, r), (l, l), (r, r))])
    li, ii, lr, ll, rr = np.mean(rows, axis=0)
    return {"b": li / ii, "within": lr / math.sqrt(ll * rr)}


def test_b_and_the_correlation_within_prompts() -> None:
    """Quotients of mean unbiased covariances; on a large sample near the law's -2/5 and -1/2 / sqrt(5/4)."""
    strings = clustered(1, 2000)
    prompts, expected = Prompts.of(strings), by_loops(strings)
    found = of_setting(strings, 0, ())
    assert found.exchange_coefficient.value == pytest.approx(expected["b"], abs=CLOSE)
    assert found.within_correlation.value == pytest.approx(expected["within"], abs=CLOSE)
    # R = -(L + I): within a prompt R = -u / 2 - e, Cov(L, R) = -1/2, Var R = 5/4
    rho = -0.5 / math.sqrt(1.25)
    assert found.exchange_coefficient.value == pytest.approx(-0.4, abs=0.03)
    assert found.within_correlation.value == pytest.approx(rho, abs=0.03)
    assert within_correlation(prompts, strings.log_prior, secret(strings)) == found.within_correlation


def test_a_reward_of_the_prompt_changes_neither() -> None:
    """log p+ moved by a constant per prompt: b and rho_w stay to rounding, Pearson's correlation does not."""
    one = clustered(2)
    other = made(one.setting, one.prompt, one.log_prior, one.log_aligned + 3.0 * (one.prompt % 7))
    first, second = of_setting(one, 0, ()), of_setting(other, 0, ())
    assert second.exchange_coefficient.bounds == pytest.approx(first.exchange_coefficient.bounds, abs=1e-8)
    assert second.within_correlation.bounds == pytest.approx(first.within_correlation.bounds, abs=1e-8)
    assert abs(second.correlation.value - first.correlation.value) > 0.05


def test_correlations_over_all_strings() -> None:
    """Pearson's and Spearman's values near numpy's and scipy's, which are of the same strings with a bias of 1/P."""
    strings = clustered(3, 200, 5)
    found = of_setting(strings, 0, ())
    l, r = strings.log_prior, secret(strings)
    assert found.correlation.value == pytest.approx(np.corrcoef(l, r)[0, 1], abs=0.01)
    assert found.spearman.value == pytest.approx(stats.spearmanr(l, r).statistic, abs=0.01)
    assert pooled(strings).correlation == found.correlation
    few = of_setting(clustered(3, 15, 5), 0, ()).spearman
    assert few.note == "too few prompts: 16 needed"


def test_share_of_the_prompt_and_identification() -> None:
    """e^2 = Var E[L | x] / Var L = 4/5 for the normals, without the noise of nine strings; ends by their formula."""
    strings = clustered(4, 4000, 3)
    prompts, l, r = Prompts.of(strings), strings.log_prior, secret(strings)
    share = prompt_share(prompts, l)
    assert share == pytest.approx(0.8, abs=0.02)
    plain_share = 1 - np.mean([l[strings.prompt == x].var() for x in range(4000)]) / l.var()
    assert plain_share > 0.85
    rho = within_correlation(prompts, l, r).value
    ends = identification(prompts, l, r)
    assert ends == pytest.approx((-math.sqrt(share + (1 - share) * rho**2), math.sqrt(share)))


def test_identification_of_a_law_that_is_known() -> None:
    """On 2,000 copies of a law: its own rho_w, and e^2 with the variance between five prompts over 5 - 1."""
    many = {x: [(2000 * w, l, i) for w, l, i in cell] for x, cell in EXAMPLE.items()}
    strings = one_setting(many)
    found = identification(Prompts.of(strings), strings.log_prior, secret(strings))
    mixture = weighted(EXAMPLE, with_reward)
    within, between = mixture.within(), mixture.between()
    b = float(between.var_log_prior) * 5 / 4
    share = b / (float(within.var_log_prior) + b)
    rho = float(within.correlation)
    assert found == pytest.approx((-math.sqrt(share + (1 - share) * rho**2), math.sqrt(share)), abs=1e-2)


def test_one_prompt_identifies_a_point() -> None:
    """Nothing between prompts is known: rho_w itself."""
    strings = one_setting({0: EXAMPLE[0]})
    prompts = Prompts.of(strings)
    rho = within_correlation(prompts, strings.log_prior, secret(strings)).value
    assert identification(prompts, strings.log_prior, secret(strings)) == (rho, rho)


# --- steps --------------------------------------------------------------------------------------------------------


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
        assert step.slope.note == "too few prompts: 8 needed"


def test_a_temperature_inside_a_chain() -> None:
    """It is a step where rest and place are the same; another place is another chain; a penalty has no budget."""
    k, cold, hot = ("top_k", 3), ("temperature", "1/2"), ("temperature", "2")
    chains = (chain(k), chain(k, cold), chain(k, hot), chain(cold, k), chain(cold, k, cold))
    rng = np.random.default_rng(8)
    setting, prompt = np.repeat(np.arange(5), 24), np.tile(np.repeat(np.arange(8), 3), 5)
    strings = made(setting, prompt, *rng.normal(size=(2, 120)))
    assert [(s.behind, s.warm, s.cool) for s in cooling(strings, chains)] == [
        ((("top_k", "3"),), 2.0, 1.0),
        ((("top_k", "3"),), 1.0, 0.5),
        ((("top_k", "3"),), 1.0, 0.5),
    ]
    option = chain(("nucleus", "9/10 boundary=exceed"), cold)
    (one,) = cooling(strings.of(setting < 2), (chain(("nucleus", "9/10 boundary=exceed")), option))
    assert one.behind == (("nucleus", "9/10 boundary=exceed"),)
    assert of_setting(strings, 0, chains[0]).budget_residual is not None
    assert of_setting(strings, 0, chain(("repetition_penalty", "11/10"))).budget_residual is None


def test_a_step_pairs_its_prompts() -> None:
    """What is common to a prompt under both settings leaves the interval; a prompt of one of them is left out."""
    rng = np.random.default_rng(6)
    prompt, setting = np.repeat(np.arange(12), 8), np.tile(np.repeat([0, 1], 4), 12)
    level = 50 * rng.normal(size=12)[prompt]
    l = level + setting + 0.1 * rng.normal(size=96)
    strings = made(setting, prompt, l, l - setting + 0.1 * rng.normal(size=96))
    lacking = strings.of(~((prompt == 3) & (setting == 0)))
    chains = (chain(("temperature", "2")), ())
    for run, prompts in ((strings, range(12)), (lacking, [x for x in range(12) if x != 3])):
        (step,) = cooling(run, chains)
        gaps = [l[(prompt == x) & (setting == 1)].mean() - l[(prompt == x) & (setting == 0)].mean() for x in prompts]
        assert step.mean_log_prior.value == pytest.approx(np.mean(gaps))
        assert 0.9 < step.mean_log_prior.low < step.mean_log_prior.high < 1.1
        assert step.slope.low < step.slope.value < step.slope.high


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
    prompts, log_c = Prompts.of(own), 1 - own.log_prior / 3
    assert found.acceptance.value == pytest.approx(acceptances(prompts, log_c).mean())
    assert found.largest_weight_seen == pytest.approx(np.mean([w.max() / w.mean() for w in shares]))
    assert found.identification == pytest.approx(identification(prompts, own.log_prior, secret(own)))
    assert "mean_external_reward" not in plain(of_setting(strings, 0, ()))
