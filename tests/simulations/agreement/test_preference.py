"""A tiny policy under preferences: their law exactly, the loss where it is known, and where training leads.

The law of preferences is measured with chosen uniforms and then sampled; training is on the smallest models that can
be enumerated, so that every divergence is a sum over all strings.
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest
from flint import fmpq
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from simulations.agreement.statistics import g_critical, half_g, law_sample_size
from tests.strategies import weights
from theory.adaptors.moments import moments
from theory.arithmetic.exact import floats, to_float
from theory.examples.finite import from_laws

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from simulations.agreement.preference import (  # noqa: E402
    exchange_and_correlation,
    preferences,
    string_log_prob,
    train,
    training_step,
)
from simulations.bridge.models import TorchDecoder  # noqa: E402
from simulations.decoders.dense_tree import Enumeration  # noqa: E402
from simulations.decoders.tiny import END, Size, model  # noqa: E402

Floats = NDArray[np.float64]

ALPHA, POWER = 1e-6, 1 - 1e-6
SIZE = Size(vocabulary=4, length=3)
PROMPT = np.array([1])
INSIDE = 1e-9


class Steered:
    """A generator whose uniforms were chosen beforehand; none may be left over."""

    def __init__(self, uniforms: Sequence[float]) -> None:
        self.left = list(uniforms)

    def random(self, size: int) -> Floats:
        taken, self.left = self.left[:size], self.left[size:]
        assert len(taken) == size
        return np.array(taken)


# --- preferences ------------------------------------------------------------------------------------------------------


def bradley_terry(prior: Floats, reward: Floats) -> Floats:
    """P(first preferred to second), shape (n, n): either order of drawing them, and sigma of the gap."""
    n = len(prior)
    found = np.zeros((n, n))
    for a, b in itertools.product(range(n), repeat=2):
        drawn = prior[a] * prior[b]
        wins = math.exp(reward[a]) / (math.exp(reward[a]) + math.exp(reward[b]))
        found[a, b] += drawn * wins
        found[b, a] += drawn * (1 - wins)
    return found


@given(weights(1, 4, 6), st.lists(st.integers(-3, 3), min_size=4, max_size=4))
def test_preferences_by_their_uniforms(prior: list[int], rewards: list[int]) -> None:
    """Both strings by their shares, and the first wins up to sigma(R - R') and no further: Bradley-Terry, measured."""
    n = len(prior)
    reward = np.array(rewards[:n], dtype=float)
    ends = np.concatenate(([0.0], np.cumsum(prior) / sum(prior)))
    rows = []
    for a, b in itertools.product(range(n), repeat=2):
        turn = math.exp(reward[a]) / (math.exp(reward[a]) + math.exp(reward[b]))
        for low, high, won, lost in ((0.0, turn, a, b), (turn, 1.0, b, a)):
            for place in (INSIDE, 0.5, 1 - INSIDE):
                uniforms = [ends[a] + (ends[a + 1] - ends[a]) * place, ends[b] + (ends[b + 1] - ends[b]) * place]
                rows.append(((*uniforms, low + (high - low) * place), (won, lost), (high - low) * prior[a] * prior[b]))
    rng: Any = Steered([row[0][k] for k in range(3) for row in rows])
    won, lost = preferences(np.array(prior, dtype=float), reward, len(rows), rng=rng)
    assert rng.left == []
    assert list(zip(won.tolist(), lost.tolist(), strict=True)) == [row[1] for row in rows]
    measured = np.zeros((n, n))
    for _, pair, measure in rows[::3]:
        measured[pair] += measure / sum(prior) ** 2
    assert measured == pytest.approx(bradley_terry(np.array(prior) / sum(prior), reward), abs=1e-14)


def test_preferences_sampled() -> None:
    """All nine pairs of three strings; a reward that is 10 % too small, or turned round, is caught."""
    prior, reward = np.array([0.5, 0.3, 0.2]), np.array([0.0, 1.2, -0.8])
    exact = bradley_terry(prior, reward).ravel()
    away = bradley_terry(prior, 0.9 * reward).ravel()
    count = law_sample_size(len(exact), float(np.abs(exact - away).sum() / 2), ALPHA, POWER)
    for scale, right in ((1.0, True), (0.9, False), (-1.0, False)):
        won, lost = preferences(prior, scale * reward, count, rng=np.random.default_rng(1))
        counts = np.bincount(3 * won + lost, minlength=9)
        assert (half_g(counts, exact) <= g_critical(9, ALPHA)) is right


def test_preferences_are_those_of_the_secret_reward() -> None:
    """A constant added to R changes no preference: only gaps count."""
    prior, reward = np.array([0.5, 0.3, 0.2]), np.array([0.0, 1.25, -0.75])
    one = preferences(prior, reward, 1000, rng=np.random.default_rng(2))
    two = preferences(prior, reward + 64.0, 1000, rng=np.random.default_rng(2))
    assert all((a == b).all() for a, b in zip(one, two, strict=True))


# --- b and the correlation --------------------------------------------------------------------------------------------


@given(weights(2, 6, 9), st.data())
def test_exchange_and_correlation(prior: list[int], data: st.DataObject) -> None:
    """b and Corr(L, R) of rational laws with R = log p+/p, as ``theory`` has them in balls."""
    law = data.draw(st.lists(st.integers(1, 9), min_size=len(prior), max_size=len(prior)))
    aligned = from_laws(prior, law)
    exact = moments(aligned.balls())
    log_prior, log_law = (np.log(np.array(v) / sum(v)) for v in (prior, law))
    assume(not exact.constant.surprisal)  # else b does not exist
    exchange, correlation = exchange_and_correlation(log_prior, log_law)
    assert exchange == pytest.approx(to_float(exact.exchange_coefficient), rel=1e-9, abs=1e-12)
    if not exact.constant.reward and not exact.constant.log_prior:
        assert correlation is not None
        assert correlation == pytest.approx(to_float(exact.correlation), rel=1e-9, abs=1e-9)


def test_no_correlation_while_the_reward_is_constant() -> None:
    """The policy is the prior: R = 0, b = Cov(L, I) / V = -1, and no correlation."""
    log_prior = np.log([0.5, 0.25, 0.25])
    assert exchange_and_correlation(log_prior, log_prior.copy()) == (pytest.approx(-1.0, abs=1e-12), None)


@given(weights(2, 5, 9), st.data())
def test_progress(prior: list[int], data: st.DataObject) -> None:
    """Both divergences, b, the correlation, and the slope of E L on cooling, which is -b V."""
    law, policy = (
        data.draw(
            st.lists(st.integers(1, 9), min_size=len(prior), max_size=len(prior)).filter(lambda v: len(set(v)) > 1)
        )
        for _ in range(2)
    )
    p, q, pi = (np.array(v) / sum(v) for v in (prior, law, policy))
    found = training_step(7, 0.5, *(np.log(v) for v in (p, q, pi)))
    assert (found.step, found.loss) == (7, 0.5)
    assert found.kl_to_policy == pytest.approx(sum(a * math.log(a / b) for a, b in zip(q, pi, strict=True)), abs=1e-12)
    assert found.kl_to_aligned == pytest.approx(sum(a * math.log(a / b) for a, b in zip(pi, q, strict=True)), abs=1e-12)
    assert (found.exchange_coefficient, found.correlation) == exchange_and_correlation(np.log(p), np.log(pi))
    assert found.slope_residual < 1e-6


# --- models -----------------------------------------------------------------------------------------------------------


@cache
def prior() -> Any:
    return model("llama", SIZE, 1)


def enumerated(policy: Any) -> Enumeration:
    return Enumeration.of(TorchDecoder(policy, END), PROMPT, SIZE.length)


@cache
def reward() -> Floats:
    """0.8 nats for each token 3."""
    found: Floats = 0.8 * (enumerated(prior()).tokens() == 3).sum(axis=1)
    return found


@cache
def log_aligned() -> Floats:
    weight = np.exp(enumerated(prior()).log_prob() + reward())
    return np.log(weight / weight.sum())


@cache
def pairs() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return preferences(np.exp(enumerated(prior()).log_prob()), reward(), 20_000, rng=np.random.default_rng(3))


def divergence(log_one: Floats, log_two: Floats) -> float:
    return float(np.exp(log_one) @ (log_one - log_two))


def trained(steps: int, **options: Any) -> list[tuple[int, float, Floats]]:
    """(step, loss, log pi of every string) at every step."""
    tokens = enumerated(prior()).tokens()
    return [
        (step, loss, enumerated(policy).log_prob())
        for step, loss, policy in train(prior(), PROMPT, tokens, pairs(), steps, **options)
    ]


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
@pytest.mark.parametrize("prompt", [[1], [2, 3, 1]])
def test_string_log_prob(kind: Any, prompt: list[int]) -> None:
    """As the enumeration has it, to 1e-4, for strings of every length and for prefixes cut at the limit."""
    policy, ids = model(kind, SIZE, 4), np.array(prompt)
    own = Enumeration.of(TorchDecoder(policy, END), ids, SIZE.length)
    assert np.exp(own.log_prob()).sum() == pytest.approx(1, abs=1e-12)
    found = string_log_prob(policy, ids, own.tokens())
    assert found.requires_grad
    assert np.abs(found.detach().numpy() - own.log_prob()).max() < 1e-4
    # and each string by itself, so that no row leans on another
    for row in (0, 5, len(own.tokens()) - 1):
        (alone,) = string_log_prob(policy, ids, own.tokens()[[row]]).detach().numpy()
        assert alone == pytest.approx(own.log_prob()[row], abs=1e-4)


def test_string_log_prob_sees_the_prompt_and_every_token() -> None:
    """Another prompt, or a string without its last token, has another log-probability."""
    own = enumerated(prior())
    found = string_log_prob(prior(), PROMPT, own.tokens()).detach().numpy()
    other = string_log_prob(prior(), np.array([2]), own.tokens()).detach().numpy()
    assert np.abs(found - other).max() > 0.1
    shorter = np.where(np.arange(SIZE.length) < (own.tokens() >= 0).sum(axis=1)[:, None] - 1, own.tokens(), -1)
    cut = string_log_prob(prior(), PROMPT, shorter).detach().numpy()
    last = [law for depth in enumerated(prior()).laws for law in depth[:, END]]
    ending = len(own.tokens()) - (SIZE.vocabulary - 1) ** SIZE.length
    assert (found - cut)[:ending] == pytest.approx(np.array(last), abs=1e-4)


def test_loss_at_the_start_is_log_2() -> None:
    """pi = p: every secret reward is 0, and sigma(0) = 1/2."""
    step, loss, log_policy = trained(0)[0]
    assert step == 0
    assert loss == pytest.approx(math.log(2), abs=1e-6)
    assert (log_policy == enumerated(prior()).log_prob()).all()


def test_training_leads_to_the_aligned_law() -> None:
    """KL(p+ || pi) and KL(pi || p+) fall below 5 % of their start; the loss comes near its least value from above.

    The least is the cross-entropy of the empirical preferences at the R that they are drawn by, or lower.
    """
    found = trained(150)
    assert [step for step, _, _ in found] == list(range(151))
    target = log_aligned()
    forward, backward = (
        [divergence(*pair) for pair in both]
        for both in (
            [(target, log_policy) for _, _, log_policy in found],
            [(log_policy, target) for _, _, log_policy in found],
        )
    )
    for kl in (forward, backward):
        assert kl[0] > 0.1
        assert kl[-1] < 0.05 * kl[0]
        assert max(kl[50:]) < kl[10] < kl[0]
    losses = [loss for _, loss, _ in found]
    gap = reward()[pairs()[0]] - reward()[pairs()[1]]
    at_reward = float(np.log1p(np.exp(-gap)).mean())
    assert losses[-1] < losses[10] < losses[0]
    assert abs(losses[-1] - at_reward) < 0.05 * (losses[0] - at_reward)


def test_loss_of_every_step() -> None:
    """-mean of log sigma(secret reward of the winner less that of the loser), from the enumerated policy."""
    log_prior = enumerated(prior()).log_prob()
    for _, loss, log_policy in trained(12)[::4]:
        secret = log_policy - log_prior
        gap = secret[pairs()[0]] - secret[pairs()[1]]
        assert loss == pytest.approx(float(np.log1p(np.exp(-gap)).mean()), abs=1e-5)


def test_flipped_preferences_lead_away() -> None:
    """With winner and loser swapped the policy goes to p e^{-R}, and KL(p+ || pi) grows."""
    tokens = enumerated(prior()).tokens()
    *_, (_, _, policy) = train(prior(), PROMPT, tokens, pairs()[::-1], 100)
    log_policy = enumerated(policy).log_prob()
    start = divergence(log_aligned(), enumerated(prior()).log_prob())
    assert divergence(log_aligned(), log_policy) > 2 * start
    weight = np.exp(enumerated(prior()).log_prob() - reward())
    assert divergence(np.log(weight / weight.sum()), log_policy) < 0.1 * start


def test_training_is_deterministic() -> None:
    """The same losses and policies, bit for bit, whatever torch's generator is set to; the prior is left alone."""
    before = copy.deepcopy(prior().state_dict())
    one = trained(10)
    state = torch.get_rng_state()
    torch.manual_seed(1234)
    two = trained(10)
    torch.set_rng_state(state)
    for (_, loss, policy), (_, again, other) in zip(one, two, strict=True):
        assert loss == again
        assert (policy == other).all()
    after = prior().state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_order_of_pairs_does_not_matter() -> None:
    """Pairs are counted: shuffled they give the same training; each twice the same loss."""
    tokens = enumerated(prior()).tokens()
    order = np.random.default_rng(5).permutation(len(pairs()[0]))
    shuffled = (pairs()[0][order], pairs()[1][order])
    twice = tuple(np.repeat(side, 2) for side in pairs())
    expected = [loss for _, loss, _ in trained(5)]
    for other in (shuffled, twice):
        assert [loss for _, loss, _ in train(prior(), PROMPT, tokens, other, 5)] == pytest.approx(expected, abs=1e-6)


def test_a_larger_rate_goes_further() -> None:
    """The rate is that of the first step: none moves nothing."""
    assert trained(3, rate=0.0)[-1][1] == pytest.approx(math.log(2), abs=1e-6)
    assert trained(3, rate=1e-3)[-1][1] < trained(3, rate=1e-4)[-1][1] < math.log(2)


def test_a_policy_is_the_aligned_law_of_its_secret_reward() -> None:
    """Whatever training made of it: p e^R / Z with R = log pi/p is pi, and b and the correlation are theory's.

    The policy's law is taken as rationals, so that theory decides for itself.
    """
    log_prior = enumerated(prior()).log_prob()
    log_policy = trained(20)[-1][2]
    one, two = ([fmpq(*float(v).as_integer_ratio()) for v in np.exp(law)] for law in (log_prior, log_policy))
    aligned = from_laws(one, two, [str(k) for k in range(len(one))])
    numbers = aligned.balls()
    assert floats(numbers.prob) == pytest.approx(np.exp(log_policy), rel=1e-12)
    exact = moments(numbers)
    exchange, correlation = exchange_and_correlation(log_prior, log_policy)
    assert exchange == pytest.approx(to_float(exact.exchange_coefficient), rel=1e-6)
    assert correlation == pytest.approx(to_float(exact.correlation), rel=1e-6)
    found = training_step(20, 0.0, log_prior, log_aligned(), log_policy)
    assert found.slope_residual < 1e-6


def test_no_variance_no_ratio() -> None:
    """A policy that is the prior up to rounding has no correlation; a uniform one has no exchange coefficient."""
    log_prior = np.log(np.array([1.0, 2.0]) / 3)
    shifted = log_prior + 0.3
    shifted -= np.log(np.exp(shifted).sum())
    assert exchange_and_correlation(log_prior, shifted)[1] is None
    assert exchange_and_correlation(log_prior, np.log(np.array([0.5, 0.5])))[0] is None
