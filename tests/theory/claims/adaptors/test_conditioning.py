"""adaptors.conditioning: corpora of one type, and which models have corpora on the line."""

from __future__ import annotations

import math

import pytest
from flint import arb, fmpq
from hypothesis import assume, given
from hypothesis import strategies as st

from theory.adaptors.frontier import Member, member_with_means
from theory.adaptors.hull import independent
from theory.arithmetic.exact import objects
from theory.claims.adaptors.conditioning import line_corpora
from theory.corpora.on_the_line import exact_corpora, sequences
from theory.examples.finite import table
from theory.models.finite import FiniteModel
from theory.probability.information import kl_divergence


@given(st.lists(st.integers(-2, 2), min_size=4, max_size=4), st.lists(st.integers(1, 4), min_size=4, max_size=4))
def test_conditioning(prior: list[int], counts: list[int]) -> None:
    """P(Lbar = l, Rbar = m) = exp(-N KL(q || p+)) P_q(Lbar = l, Rbar = m), q the member with E L = l and E R = m."""
    points = list(zip(prior, (0, 0, 1, 2), strict=True))
    aligned = table([fmpq(2) ** a for a, _ in points], [fmpq(2) ** (k - a) for a, k in points])
    numbers, size = aligned.balls(), sum(counts)
    assume(independent(numbers))
    shares = objects(fmpq(k, size) for k in counts)
    q = member_with_means(
        numbers.log_prior, numbers.reward, (shares * numbers.log_prior).sum(), (shares * numbers.reward).sum()
    )
    totals = tuple(sum(k * point[c] for k, point in zip(counts, points, strict=True)) for c in (0, 1))
    types = exact_corpora(points, size, totals)
    assert tuple(counts) in types
    own, other = (
        sum((arb(sequences(k)) * math.prod(p**x for p, x in zip(law, k, strict=True)) for k in types), start=arb(0))
        for law in (aligned.exact_prob(), q.prob)
    )
    gap = own - (-size * kl_divergence(q.prob, numbers.prob)).exp() * other
    assert gap.contains(0)
    assert gap.rad() < 1e-60
    assert own <= (-size * kl_divergence(q.prob, numbers.prob)).exp()


def test_line_corpora() -> None:
    """(1, 2, 1, 2) with e^R = (1, 1/2, 2, 2): 5/4 is E k; at l = E L the member is p+ itself."""
    found = FiniteModel.of(table((1, 2, 1, 2), (1, fmpq(1, 2), 2, 2)))
    corpora = line_corpora(found, fmpq(5, 8), 32)
    assert corpora.points == ((0, 0), (1, 0), (0, 1), (1, 2))
    assert corpora.level == fmpq(5, 4)
    assert corpora.cell == 1
    own = corpora.conditioned()
    assert all((power - 1).contains(0) for power in (own.prior_power, own.reward_power))


def test_line_corpora_refused() -> None:
    """Odd sizes have no corpus on the line, other models no lattice in powers of two."""
    found = FiniteModel.of(table((1, 2, 1, 2), (1, fmpq(1, 2), 2, 2)))
    with pytest.raises(ValueError, match="N = 31 strings cannot"):
        line_corpora(found, fmpq(1, 2), 31)
    with pytest.raises(ValueError, match="not a power of two"):
        line_corpora(FiniteModel.of(table((1, 3, 1), (1, 1, 2))), fmpq(1, 2), 32)


def test_the_band_must_shrink() -> None:
    """p+ = (1, 1, 2, 4)/8 with a = (0, 2, 1, -2): all corpora of 256 strings with Lbar = log p(x), in float64.

    Those with Ibar = H exactly have shares within 1/512 of q. Those in a band of fixed width are nearer the q_{s,t} on
    the band's edge than they are to q.
    """
    size, level = 256, 320
    corpora = line_corpora(FiniteModel.of(table((4, 16, 8, 1), (1, fmpq(1, 4), 1, 16))), fmpq(0), size)
    types = [
        (size + second - 3 * last, second, 2 * (last - second), last)
        for last in range(size)
        for second in range(last + 1)
    ]
    types = [counts for counts in types if counts[0] >= 0]
    log_mass = [
        math.fsum(k * math.log(w) - math.lgamma(k + 1) for k, w in zip(counts, (1, 1, 2, 4), strict=True))
        for counts in types
    ]

    def shares(width: float) -> list[float]:
        inside = [abs(counts[2] + 2 * counts[3] - level) < width * size for counts in types]
        mass = [near * math.exp(value - max(log_mass)) for near, value in zip(inside, log_mass, strict=True)]
        total = math.fsum(mass) * size
        return [math.fsum(m * c[y] for m, c in zip(mass, types, strict=True)) / total for y in range(4)]

    def apart(law: list[float], member: Member) -> float:
        return sum(abs(v - float(m)) for v, m in zip(law, member.prob, strict=True)) / 2

    q = corpora.conditioned()
    inward = 1 if q.reward_power < 1 else -1
    edge = corpora.conditioned(corpora.level + inward * corpora.width)
    assert apart(shares(1e-3), q) < 1 / 512
    assert apart(shares(1 / 16), edge) < apart(shares(1 / 16), q) / 4
    assert apart(shares(1 / 16), q) > 0.06
