"""Concentration bounds against exact binomial tails, closed forms and 30-digit quadrature.

With two strings of probability p and 1 - p, the surprisal takes two values c apart: Ibar - H is c (K / N - (1 - p)),
K binomial. So every tail is a rational, and every bound can be compared with what it bounds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from flint import arb, fmpq
from hypothesis import assume, given
from hypothesis import strategies as st
from mpmath import mp

from tests.reference import real
from tests.strategies import rationals, weights
from theory.arithmetic.exact import Array, ball, objects
from theory.probability.concentration import (
    BERRY_ESSEEN,
    berry_esseen,
    chebyshev,
    chernoff,
    normal_cdf,
    one_sided_above,
    truncated_normal_variance,
)
from theory.probability.information import entropy, renyi_entropy, surprisal, varentropy

CHANCES = st.builds(lambda a, b: fmpq(a, a + b), st.integers(1, 9), st.integers(1, 9))
SIZES = st.integers(1, 40)
GAPS = st.builds(fmpq, st.integers(1, 9), st.just(10))


def law(values: list[int]) -> Array:
    return objects(fmpq(v, sum(values)) for v in values)


def binomial(size: int, p: fmpq) -> list[fmpq]:
    """P(K = k) for k = 0, ..., N."""
    return [math.comb(size, k) * p**k * (1 - p) ** (size - k) for k in range(size + 1)]


def tail(size: int, p: fmpq, event: Callable[[fmpq], bool]) -> fmpq:
    """P(K / N is in the event)."""
    return sum((m for k, m in enumerate(binomial(size, p)) if event(fmpq(k, size))), start=fmpq(0))


def zero(value: Any) -> bool:
    """Whether a ball holds 0 and is tight."""
    return bool(arb(value).contains(0)) and float(arb(value).rad()) < 1e-60


@given(CHANCES, SIZES, GAPS)
def test_chebyshev_bounds_the_binomial_tail(p: fmpq, size: int, gap: fmpq) -> None:
    """P(|K/N - p| >= d) <= p (1 - p) / (N d^2), rationals throughout; c cancels."""
    bound = chebyshev(p * (1 - p), size, gap)
    assert bound == p * (1 - p) / (size * gap**2)
    assert tail(size, p, lambda x: abs(x - p) >= gap) <= bound
    c = (ball(p) / (1 - p)).log()
    assert p == fmpq(1, 2) or zero(chebyshev(c * c * p * (1 - p), size, c * gap) - bound)


def test_chebyshev_is_attained() -> None:
    """{-1, 1} with equal chances has P(|X| >= 1) = V = 1; the bound is not capped at 1."""
    assert chebyshev(fmpq(1), 1, fmpq(1)) == 1
    assert chebyshev(0.5, 2, 0.25) == 4.0


@given(CHANCES, SIZES, GAPS)
def test_one_sided_bound_on_two_strings(p: fmpq, size: int, gap: fmpq) -> None:
    """With p > 1/2: c = log(p / (1 - p)), s = c (1 - p), V = c^2 p (1 - p), so at eps = c d the bound is
    exp(-N d^2 / (2 (1 - p))), and it bounds P(K / N >= p + d), K the count of the likelier string.
    """
    assume(p > fmpq(1, 2))
    c = (ball(p) / (1 - p)).log()
    bound = one_sided_above(c * c * p * (1 - p), c * (1 - p), size, c * gap)
    assert zero(bound - (-arb(size * gap**2 / (2 * (1 - p)))).exp())
    assert bound > tail(size, p, lambda x: x - p >= gap)


@given(weights(2, 6), rationals(1, 20))
def test_one_sided_moment_inequality(values: list[int], t: fmpq) -> None:
    """log E e^{tX} <= t^2 (V + s^2) / 2 for X = H - I, s = H - min I and t >= 0; strictly unless X = 0."""
    assume(len(set(values)) > 1)
    prob = law(values)
    above = entropy(prob) - surprisal(prob)
    spread = entropy(prob) + ball(max(prob)).log()
    moment = sum((p * (x * t).exp() for p, x in zip(prob, above, strict=True)), start=arb(0))
    assert moment.log() < t * t * (varentropy(prob) + spread * spread) / 2


@given(rationals(1, 30), rationals(), rationals(1, 20))
def test_one_sided_extremal_law(variance: fmpq, spread: fmpq, t: fmpq) -> None:
    """X = s with chance V / (V + s^2), else -V/s: mean 0, variance V. Both cases of the proof and what they give:
    V <= 3 s^2: log E e^{tX} <= t^2 (s + V/s)^2 / 8 <= t^2 (V + s^2) / 2; V >= s^2: log E e^{tX} <= t^2 V / 2.
    """
    chance = variance / (variance + spread**2)
    low = -variance / spread
    assert chance * spread + (1 - chance) * low == 0
    assert chance * spread**2 + (1 - chance) * low**2 == variance
    log_moment = ((arb(t * spread)).exp() * chance + (arb(t * low)).exp() * (1 - chance)).log()
    if variance <= 3 * spread**2:
        assert (spread + variance / spread) ** 2 / 4 <= variance + spread**2
        assert log_moment < t**2 * (spread + variance / spread) ** 2 / 8
    if variance >= spread**2:
        assert log_moment < t**2 * variance / 2
    assert log_moment < t**2 * (variance + spread**2) / 2


@given(CHANCES, CHANCES, SIZES)
def test_chernoff_bounds_the_binomial_tail(p: fmpq, x: fmpq, size: int) -> None:
    """At the best order s = log(x (1 - p) / (p (1 - x))) the bound is exp(-N kl(x || p)), on either side of p."""
    order = (ball(x) * (1 - p) / (p * (1 - x))).log()
    log_moment = (order.exp() * p + 1 - p).log()
    bound = chernoff(log_moment, order, size, x)
    rate = x * (ball(x) / p).log() + (1 - x) * (ball(1 - x) / (1 - p)).log()
    assert zero(bound - (-size * rate).exp())
    if x == p:
        assert zero(bound - 1)
    else:
        assert bound > tail(size, p, (lambda mean: mean >= x) if x > p else (lambda mean: mean <= x))


@given(weights(2, 6), st.builds(fmpq, st.integers(-6, 6), st.just(7)).filter(bool), SIZES)
def test_chernoff_of_surprisals(values: list[int], s: fmpq, size: int) -> None:
    """log E e^{sI} = s H_{1-s}, so that the bound is (E e^{s(I - x)})^N."""
    prob, threshold = law(values), fmpq(5, 4)
    bound = chernoff(s * renyi_entropy(prob, 1 - s), s, size, threshold)
    moment = sum((p * (s * (i - threshold)).exp() for p, i in zip(prob, surprisal(prob), strict=True)), start=arb(0))
    assert zero(bound / moment**size - 1)


@given(CHANCES, st.integers(1, 25))
def test_berry_esseen_bounds_the_binomial_error(p: fmpq, size: int) -> None:
    """sup_x |P((K - Np) / sqrt(N p q) <= x) - Phi(x)| is met at the jumps, from the left or from the right."""
    q = 1 - p
    bound = berry_esseen(ball(p * q * (p * p + q * q)), ball(p * q), size)
    scale = arb(size * p * q).sqrt()
    below = fmpq(0)
    for k, mass in enumerate(binomial(size, p)):
        normal = normal_cdf((k - size * p) / scale)
        assert abs(below - normal) < bound
        below += mass
        assert abs(below - normal) < bound


@given(rationals(), rationals(), SIZES, rationals())
def test_berry_esseen_is_scale_free(third: fmpq, variance: fmpq, size: int, scale: fmpq) -> None:
    """0.4748 E|X|^3 / (V^{3/2} sqrt N): the unit of X cancels, four times the strings halve it; floats agree."""
    bound = berry_esseen(ball(third), ball(variance), size)
    with mp.workdps(80):
        expected = real("0.4748") * real(third) / (real(variance) ** real("3/2") * mp.sqrt(size))
        assert abs(bound - arb(mp.nstr(expected, 75))) < 1e-60
    assert zero(berry_esseen(ball(third * scale**3), ball(variance * scale**2), size) - bound)
    assert zero(berry_esseen(ball(third), ball(variance), 4 * size) * 2 - bound)
    assert math.isclose(berry_esseen(float(ball(third)), float(ball(variance)), size), float(bound), rel_tol=1e-13)
    assert BERRY_ESSEEN * 2500 == 1187


@given(rationals(1, 30), rationals(1, 5), SIZES, GAPS)
def test_bounds_shrink_with_size_and_tolerance(variance: fmpq, spread: fmpq, size: int, gap: fmpq) -> None:
    """More strings or a wider tolerance never loosen a bound; more variance or spread never tighten it."""
    v, s, eps = ball(variance), ball(spread), ball(gap)
    for bound in (lambda v, _, n, e: chebyshev(v, n, e), one_sided_above):
        base = bound(v, s, size, eps)
        assert bound(v, s, size + 1, eps) < base
        assert bound(v, s, size, 2 * eps) < base
        assert bound(2 * v, s, size, eps) > base
    assert one_sided_above(v, 2 * s, size, eps) > one_sided_above(v, s, size, eps)
    assert berry_esseen(s, v, size + 1) < berry_esseen(s, v, size)


@given(st.builds(fmpq, st.integers(-400, 400), st.integers(20, 60)))
def test_normal_cdf(x: fmpq) -> None:
    """Phi(x), with full relative accuracy in the left tail; Phi(x) + Phi(-x) = 1."""
    with mp.workdps(80):
        expected = mp.ncdf(real(x))
        assert abs(normal_cdf(ball(x)) - arb(mp.nstr(expected, 75))) < 1e-60
        assert math.isclose(normal_cdf(float(ball(x))), float(expected), rel_tol=1e-12)
    assert zero(normal_cdf(ball(x)) + normal_cdf(-ball(x)) - 1)


@pytest.mark.parametrize("width", [fmpq(1, 100), fmpq(1, 3), fmpq(1), fmpq(5, 2), fmpq(8)])
@pytest.mark.parametrize("variance", [fmpq(1, 9), fmpq(1), fmpq(7)])
def test_truncated_normal_variance_is_an_integral(variance: fmpq, width: fmpq) -> None:
    """int x^2 phi(x / sd) dx / int phi(x / sd) dx over (-c, c), c the half width."""
    with mp.workdps(30):
        v, points = real(variance), mp.linspace(-real(width), real(width), 9)
        mass = mp.quad(lambda x: mp.exp(-x * x / (2 * v)), points)
        expected = mp.quad(lambda x: x * x * mp.exp(-x * x / (2 * v)), points) / mass
        assert abs(truncated_normal_variance(ball(variance), ball(width)) - arb(mp.nstr(expected, 28))) < 1e-20


@given(rationals(), rationals(1, 6), rationals())
def test_truncated_normal_variance_scales_and_grows(variance: fmpq, width: fmpq, scale: fmpq) -> None:
    """0 < v < min(V, c^2 / 3), more for a wider window and for a wider normal; v(k^2 V, k c) = k^2 v(V, c)."""
    v = truncated_normal_variance(ball(variance), ball(width))
    assert v > 0
    assert v < ball(variance)
    assert v < ball(width) ** 2 / 3
    assert truncated_normal_variance(ball(variance), ball(width * fmpq(11, 10))) > v
    assert truncated_normal_variance(ball(variance * fmpq(11, 10)), ball(width)) > v
    assert zero(truncated_normal_variance(ball(variance * scale**2), ball(width * scale)) / (v * scale**2) - 1)
    assert math.isclose(truncated_normal_variance(float(ball(variance)), float(ball(width))), float(v), rel_tol=1e-8)


@pytest.mark.parametrize("width", [1e-2, 1e-4, 1e-6, 1e-8])
def test_truncated_normal_variance_of_a_narrow_window(width: float) -> None:
    """v = c^2/3 - 2 c^4/45 + O(c^6) at V = 1, the normal being flat near 0; in float64 as in balls."""
    expected = width**2 / 3 - 2 * width**4 / 45
    exact = truncated_normal_variance(arb(1), arb(width))
    assert abs(float(exact) / expected - 1) < 1e-9
    assert math.isclose(truncated_normal_variance(1.0, width), expected, rel_tol=1e-6)


ONE = fmpq(1, 3)
BOUNDS: list[Callable[[Any], Any]] = [
    lambda x: chebyshev(x, 10, x),
    lambda x: one_sided_above(x, x, 10, x),
    lambda x: chernoff(x, x, 10, x),
    lambda x: berry_esseen(x, x, 10),
    lambda x: truncated_normal_variance(x, x),
    normal_cdf,
]


@pytest.mark.parametrize(
    "bound", BOUNDS, ids=["chebyshev", "one-sided", "chernoff", "berry-esseen", "truncated", "cdf"]
)
def test_one_code_path(bound: Callable[[Any], Any]) -> None:
    """Floats, rationals and balls give the same number; a ball gives a ball."""
    exact = bound(ball(ONE))
    assert isinstance(exact, arb)
    assert math.isclose(bound(1 / 3), float(exact), rel_tol=1e-13)
    assert math.isclose(float(ball(bound(ONE))), float(exact), rel_tol=1e-13)


@pytest.mark.parametrize(
    "bound",
    [
        lambda ball_, rational_: chebyshev(rational_, 10, ball_),
        lambda ball_, rational_: one_sided_above(rational_, rational_, 10, ball_),
        lambda ball_, rational_: chernoff(ball_, rational_, 10, rational_),
        lambda ball_, rational_: berry_esseen(ball_, rational_, 10),
        lambda ball_, rational_: berry_esseen(rational_, ball_, 10),
        lambda ball_, rational_: truncated_normal_variance(rational_, ball_),
        lambda ball_, rational_: truncated_normal_variance(ball_, rational_),
    ],
)
def test_a_ball_in_gives_a_ball_out(bound: Callable[[arb, fmpq], Any]) -> None:
    """One ball among rationals is enough, and nothing is rounded to a float on the way."""
    mixed, pure = bound(ball(ONE), ONE), bound(ball(ONE), ball(ONE))
    assert isinstance(mixed, arb)
    assert zero(mixed - pure)
