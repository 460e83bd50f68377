"""The Gibbs law of a prior from strings of the prior: against exact prompts, and against loops over single strings."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq

from simulations.agreement.statistics import empirical_bernstein
from simulations.arrays import Floats
from simulations.estimation.gibbs import chained, gibbs
from simulations.estimation.intervals import verdict_of
from simulations.estimation.strings import Strings
from tests.simulations.estimation.laws import made
from theory.arithmetic.exact import objects
from theory.corpora import mixtures
from theory.corpora.metropolis import IndependentChain, stationary_acceptance
from theory.corpora.mixtures import prompt_tree
from theory.probability.information import entropy
from theory.report.records import Estimate, GibbsEstimates, plain

CLOSE = 1e-9


def value_of(found: GibbsEstimates, name: str) -> float | None:
    """One number of an analysis, without its interval where it has one."""
    one = getattr(found, name)
    return one.value if isinstance(one, Estimate) else one


PRIOR = [[3, 2, 1, 2], [4, 1, 1, 2], [2, 2, 3, 1], [1, 5, 1, 1]]
EXP_REWARD = [[1, 4, 9, 2], [2, 3, 1, 7], [5, 1, 2, 3], [1, 2, 8, 3]]


def gibbs_sample(
    prior: Sequence[Sequence[int]], exp_reward: Sequence[Sequence[int]], beta: float, times: int = 1
) -> Strings:
    """Each answer so many times its prior weight; rewards beta log e^R."""
    rows = [
        (x, math.log(w / sum(weights)), beta * math.log(e))
        for x, (weights, rewards) in enumerate(zip(prior, exp_reward, strict=True))
        for w, e in zip(weights, rewards, strict=True)
        for _ in range(times * w)
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
        accepted.append(stationary_acceptance(q, w))
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
    """E_{p+} L and R, log Z, b, rho_w, acceptance from prior to p+, effective share and w*, prompts alike.

    The sample is the law itself, so that the plain estimate is exact: the correction of its bias moves it by a few
    strings' worth, below 1e-3 at 3,200 strings a prompt.
    """
    number = float(Fraction(beta))
    found = gibbs(gibbs_sample(PRIOR, EXP_REWARD, number, 400), beta)
    for name, value in exact_gibbs(PRIOR, EXP_REWARD).items():
        assert value_of(found, name) == pytest.approx(value, abs=1e-3), name
    assert found.trades == verdict_of(found.exchange_coefficient)
    json.dumps(plain(found), allow_nan=False)


def weighted_mean(strings: Strings, values: Floats) -> float:
    """E under e^R."""
    weight = np.exp(strings.reward)
    return float((weight * values).sum() / weight.sum())


def cov(strings: Strings, one: Floats, two: Floats) -> float:
    """Cov under e^R."""
    return weighted_mean(strings, one * two) - weighted_mean(strings, one) * weighted_mean(strings, two)


BY_HAND = {
    "mean_log_prior": lambda s: weighted_mean(s, s.log_prior),
    "mean_reward": lambda s: weighted_mean(s, s.reward),
    "log_partition": lambda s: math.log(np.exp(s.reward).mean()),
    "effective_share": lambda s: np.exp(s.reward).mean() ** 2 / np.exp(2 * s.reward).mean(),
    "cov L, L": lambda s: cov(s, s.log_prior, s.log_prior),
    "cov L, R": lambda s: cov(s, s.log_prior, s.reward),
    "cov R, R": lambda s: cov(s, s.reward, s.reward),
}


def test_gibbs_by_leaving_out_strings_one_by_one() -> None:
    """n f(all) - (n - 1) mean f(without one) of every prompt by loops, then means over prompts and their quotients."""
    strings = gibbs_sample(PRIOR, EXP_REWARD, 1.0)
    means = {}
    for name, statistic in BY_HAND.items():
        rows = []
        for x in range(len(PRIOR)):
            own = strings.of(strings.prompt == x)
            size = len(own)
            left = [statistic(own.of(np.arange(size) != k)) for k in range(size)]
            rows.append(size * statistic(own) - (size - 1) * float(np.mean(left)))
        means[name] = float(np.mean(rows))
    found = gibbs(strings, "1")
    for name in ("mean_log_prior", "mean_reward", "log_partition", "effective_share"):
        assert value_of(found, name) == pytest.approx(means[name], abs=CLOSE), name
    var_l, both, var_r = means["cov L, L"], means["cov L, R"], means["cov R, R"]
    assert found.within_correlation.value == pytest.approx(both / math.sqrt(var_l * var_r), abs=CLOSE)
    # I = log Z - L - R
    b = -(var_l + both) / (var_l + 2 * both + var_r)
    assert found.exchange_coefficient.value == pytest.approx(b, abs=CLOSE)


def test_a_level_per_prompt_changes_no_gibbs_law() -> None:
    """r + g(x): log Z moves by the mean of g / beta, p+ does not."""
    one = gibbs_sample(PRIOR, EXP_REWARD, 1.0)
    two = gibbs_sample(PRIOR, [[e * (x + 2) for e in rewards] for x, rewards in enumerate(EXP_REWARD)], 1.0)
    first, second = gibbs(one, "1"), gibbs(two, "1")
    for name in ("mean_log_prior", "exchange_coefficient", "within_correlation", "acceptance", "effective_share"):
        assert value_of(second, name) == pytest.approx(value_of(first, name), abs=CLOSE)
    assert second.log_partition.value - first.log_partition.value == pytest.approx(np.mean(np.log([2, 3, 4, 5])))


def uneven(prompts: int, strings: int, spread: float) -> Strings:
    """A prior's strings with independent normal L and R."""
    l, r = np.random.default_rng(prompts + strings).normal(size=(2, prompts * strings))
    empty, prompt = np.zeros((0, len(l))), np.repeat(np.arange(prompts), strings)
    return made(
        0 * prompt, prompt, l - 5, np.full(len(l), np.nan), log_weight=empty, log_normaliser=empty, reward=spread * r
    )


NAMES = (
    "mean_log_prior",
    "mean_reward",
    "log_partition",
    "exchange_coefficient",
    "within_correlation",
    "effective_share",
)


def test_uneven_weights_need_more_strings() -> None:
    """Twelve strings are too few for a strong reward, and the note says how many it takes; for a weak one they do."""
    few = gibbs(uneven(16, 12, 1.0), "1")
    for name in NAMES:
        estimate = getattr(few, name)
        assert estimate.value is not None
        assert estimate.low is None
        assert "too few strings" in str(estimate.note)
    assert few.trades == "undecided"
    assert few.prior_mean_reward.low is not None
    enough = gibbs(uneven(16, 400, 1.0), "1")
    assert all(getattr(enough, name).low is not None for name in NAMES)
    weak = gibbs(uneven(16, 12, 0.1), "1")
    assert all(getattr(weak, name).low is not None for name in NAMES)


def test_few_prompts_have_no_interval() -> None:
    """Seven prompts, however many strings."""
    found = gibbs(uneven(7, 400, 0.5), "1")
    for name in (*NAMES, "acceptance", "chain_acceptance", "prior_mean_reward"):
        assert getattr(found, name).note == "too few prompts: 8 needed"


def test_a_chain_that_remembers_its_start_has_no_interval() -> None:
    """(1 - 1/w)^(n/10) must be below 1 %: 10 ln(0.01) / ln(1 - 1/w) strings for the largest weight w over the mean."""
    strings = uneven(16, 60, 1.0)
    found = gibbs(strings, "1").chain_acceptance
    largest = gibbs(strings, "1").largest_weight_seen
    needed = math.ceil(10 * math.log(0.01) / math.log(1 - 1 / largest))
    assert needed > 60
    assert found.note == f"too few strings: {needed:,} needed"
    assert gibbs(uneven(16, 900, 0.5), "1").chain_acceptance.low is not None


def test_a_chain_over_strings_by_its_definition() -> None:
    """Each step accepts where u' = 1 - u <= min(1, e^{r' - r}), u the generator's; the first tenth does not count."""
    rng = np.random.default_rng(31)
    for size in (2, 3, 11, 50, 400):
        reward = rng.normal(0, 2, size)
        uniforms = 1 - np.random.default_rng([size, 0]).random(size)
        state, moves = 0, []
        for k in range(1, size):
            moves.append(uniforms[k] < min(1.0, math.exp(reward[k] - reward[state])) or reward[k] > reward[state])
            state = k if moves[-1] else state
        assert chained(reward, 0) == pytest.approx(np.mean(moves[len(moves) // 10 :]))


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
        found.append(chained(reward, 0))
    assert exact in empirical_bernstein(np.array(found), 0.0, 1.0, 1e-6)
    # a chain that never takes a lighter string is off by more
    greedy = sum(q[i] * w[i] * q[w >= w[i]].sum() for i in range(3))
    assert greedy not in empirical_bernstein(np.array(found), 0.0, 1.0, 1e-6)


def test_numbers_of_prompts_are_names() -> None:
    """Prompts 2, 5, 8, 11 say what 0, 1, 2, 3 say; only the chain's own uniforms depend on the number."""
    strings = gibbs_sample(PRIOR, EXP_REWARD, 1.0)
    other = dataclasses.replace(strings, prompt=3 * strings.prompt + 2)
    one, two = gibbs(strings, "1"), gibbs(other, "1")
    assert dataclasses.replace(two, chain_acceptance=one.chain_acceptance) == one
