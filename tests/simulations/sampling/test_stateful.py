"""Samplers with a state: the identity of Mirostat, kept sets and running means by hand, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from simulations.agreement.statistics import clopper_pearson
from simulations.sampling.generate import generate
from simulations.sampling.stateful import AdaptiveP, Mirostat1, Mirostat2
from theory.adaptors.exact import Chain, chain

LAW = np.array([0.40, 0.20, 0.15, 0.10, 0.06, 0.05, 0.03, 0.01])


class OneLaw:
    """A decoder with one law after every prefix, and an end that never comes."""

    def __init__(self, law: NDArray[np.float64]) -> None:
        self._logits = np.log(np.append(law, 0.0), where=np.append(law, 0.0) > 0, out=np.full(len(law) + 1, -np.inf))
        self.end = len(law)

    def begin(self, prompts: NDArray[np.int64]) -> NDArray[np.float64]:
        self._rows = len(prompts)
        return np.tile(self._logits, (self._rows, 1))

    def advance(self, tokens: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.tile(self._logits, (self._rows, 1))


@pytest.mark.parametrize("version", [Mirostat1, Mirostat2])
@pytest.mark.parametrize("target", [0.7, 1.5, 2.2])
def test_the_identity(version: type[Mirostat2], target: float) -> None:
    """Mean of -log2 q(x) less the target is (mu_0 - mu_T) / (rate T), row by row."""
    rows, length, rate = 50, 40, 0.2
    own = version(target, rate, rows)
    prompts = np.zeros((rows, 1), dtype=np.int64)
    drawn = generate(
        OneLaw(LAW), prompts, Chain(), length, rng=np.random.default_rng(1), adapt=own.adapt, watch=own.watch
    )
    surprisal = -(drawn.log_weight - drawn.log_normaliser).mean(axis=1) / math.log(2)
    assert surprisal - target == pytest.approx((2 * target - own.mu) / (rate * length), abs=1e-12)


@pytest.mark.parametrize(("mu", "kept"), [(0.5, 1), (1.33, 1), (2.33, 2), (3.33, 4), (10.0, 8)])
def test_mirostat_2_keeps_by_surprisal(mu: float, kept: int) -> None:
    """-log2 of 0.4 is 1.32, of 0.2 2.32, of 0.15 2.74, of 0.1 3.32."""
    own = Mirostat2(1.0, 0.1, 1)
    own.mu = np.array([mu])
    assert np.isfinite(own.adapt(np.log(LAW)[None], Chain())).sum() == kept


@pytest.mark.parametrize("mu", [1.0, 3.0, 5.0])
def test_mirostat_1_on_a_zipf_law(mu: float) -> None:
    """p proportional to k^-s gives the exponent s itself, and k = ((s - 1) 2^mu / (1 - N^(1 - s)))^(1/s)."""
    size, s = 500, 1.5
    law = np.arange(1, size + 1) ** -s
    own = Mirostat1(1.0, 0.1, 1)
    own.mu = np.array([mu])
    kept = np.isfinite(own.adapt(np.log(law / law.sum())[None], Chain())).sum()
    assert kept == max(1, round(((s - 1) * 2**mu / (1 - size ** (1 - s))) ** (1 / s)))


def test_two_tokens_of_mirostat_by_enumeration() -> None:
    """(2, 1)/3, target 0.6 bits, rate 1, three tokens: the share of each string against all eight, at 1e-6 each."""
    law, rows = np.array([2.0, 1.0]) / 3, 20_000
    expected: dict[tuple[int, ...], float] = {}

    def walk(string: tuple[int, ...], chance: float, mu: float) -> None:
        if len(string) == 3:
            expected[string] = chance
            return
        kept = [k for k, p in enumerate(law) if -math.log2(p) <= mu] or [0]
        total = sum(law[k] for k in kept)
        for k in kept:
            walk((*string, k), chance * law[k] / total, mu - (-math.log2(law[k] / total) - 0.6))

    walk((), 1.0, 1.2)
    own = Mirostat2(0.6, 1.0, rows)
    prompts = np.zeros((rows, 1), dtype=np.int64)
    drawn = generate(OneLaw(law), prompts, Chain(), 3, rng=np.random.default_rng(2), adapt=own.adapt, watch=own.watch)
    found, counts = np.unique(drawn.tokens, axis=0, return_counts=True)
    seen = {tuple(map(int, row)): int(n) for row, n in zip(found, counts, strict=True)}
    assert seen.keys() <= expected.keys()
    for string, chance in expected.items():
        assert chance in clopper_pearson(seen.get(string, 0), rows, 1e-7)


def test_adaptive_p_by_hand() -> None:
    """The first aim is the target; afterwards the mean of p(x) with the weights of the decay pulls it back."""
    target, decay = 0.3, 0.5
    own = AdaptiveP(target, decay, 1)
    weight = own.adapt(np.log(LAW)[None], Chain())[0]
    far = np.abs(LAW - target) / 0.3
    assert weight == pytest.approx(5 - 10 * far**2 / (1 + far))
    drawn = [0, 3, 1]
    for token in drawn:
        own.watch(0, np.log(LAW)[None], np.array([token]), np.array([True]))
    sums = sum(decay ** (2 - k) * LAW[token] for k, token in enumerate(drawn)) + decay**3 * target / (1 - decay)
    assert own.weighted[0] == pytest.approx(sums)
    assert own.total[0] == pytest.approx(1 + decay + decay**2 + decay**3 / (1 - decay))


def test_rows_that_have_ended_keep_their_state() -> None:
    """Only rows that are still written move."""
    own = Mirostat2(1.0, 0.5, 2)
    own.adapt(np.log(np.tile(LAW, (2, 1))), Chain())
    own.watch(0, np.log(np.tile(LAW, (2, 1))), np.array([1, 1]), np.array([True, False]))
    assert own.mu[0] != 2.0
    assert own.mu[1] == 2.0


def test_refused() -> None:
    """No chain beside them, and no setting outside its domain."""
    with pytest.raises(ValueError, match="Mirostat stands alone"):
        Mirostat2(1.0, 0.1, 1).adapt(np.log(LAW)[None], chain(("top_k", 2)))
    with pytest.raises(ValueError, match="adaptive-p stands alone"):
        AdaptiveP(0.5, 0.5, 1).adapt(np.log(LAW)[None], chain(("top_k", 2)))
    for wrong in (lambda: Mirostat2(0.0, 0.1, 1), lambda: AdaptiveP(1.0, 0.5, 1), lambda: AdaptiveP(0.5, 1.0, 1)):
        with pytest.raises(ValueError, match="must"):
            wrong()
