"""How improbable it is to leave the line, and how many strings keep a corpus on it.

The laws p e^{sX} / E_p e^{sX} are the cheapest ones of their mean of X: at X = I, p = p+ they are the temperature
adaptors p+^tau with tau = 1 - s, at X = r, p the prior they are the aligned laws of strength s. Roots are balls
whose two ends have certain signs.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from flint import arb, ctx, fmpq

from theory.arithmetic.exact import Array, Undecided, ball
from theory.corpora.atoms import Atoms
from theory.corpora.typicality import typical_corpora
from theory.probability.concentration import berry_esseen, chebyshev, normal_cdf
from theory.probability.exponential_family import LARGEST, ExponentialFamily, increasing_root
from theory.probability.information import surprisal


def normal_quantile(level: fmpq) -> arb:
    """z with P(|standard normal| < z) = level, 0 < level < 1; an enclosure."""
    density = (2 / arb.pi()).sqrt()
    return increasing_root(
        lambda z: 2 * normal_cdf(z) - 1 - level, lambda z: density * (-(z * z) / 2).exp(), arb(0), arb(64)
    )


@dataclass(frozen=True, slots=True, eq=False)
class Departure:
    """The cheapest law with a given cross-entropy x, and what it costs.

    Args:
        family: p+ tilted by its own surprisal I.
        threshold: x = CE(q_tau), nats.
        order: s = 1 - tau; positive above H, negative below.
        law: q_tau proportional to p+^tau, shape (n,).
        rate: KL(q_tau || p+), summed directly, nats: P(Ibar beyond x) = exp(-N rate + o(N)).
    """

    family: ExponentialFamily
    threshold: arb
    order: arb
    law: Array
    rate: arb

    @property
    def tau(self) -> arb:
        """The inverse temperature; negative where x exceeds the mean surprisal under the uniform law."""
        return 1 - self.order


def departure(prob: Array, threshold: arb) -> Departure:
    """The law q_tau proportional to p+^tau with CE(q_tau) = x, and KL(q_tau || p+) = min {KL(q || p+): CE(q) = x}.

    For every q with CE(q) = x: KL(q || p+) = KL(q_tau || p+) + KL(q || q_tau).
    Source: Cramer (1938); Csiszar (1975), doi:10.1214/aop/1176996454.

    Args:
        prob: p+, balls, shape (n,).
        threshold: x, nats, certainly between min I and max I.

    Raises:
        ValueError: x is not between min I and max I (no law, or only one on the extreme strings, has this CE).
    """
    family = ExponentialFamily(prob, surprisal(prob))
    order = family.order_of_mean(threshold)
    law = family.law(order)
    rate: arb = (law * (np.log(law) + family.statistic)).sum()
    return Departure(family, threshold, order, law, rate)


def legendre(family: ExponentialFamily, threshold: arb, order: arb) -> arb:
    """sup_s {s x - log E e^{sX}}, certified by the signs of the derivative at the two ends of the ball ``order``.

    The function is concave: where its derivative is > 0 at the left end and < 0 at the right one, the maximum lies
    between, above both end values and below either tangent. Derivatives are coefficients of power series.

    Raises:
        Undecided: the derivative does not certainly change sign across ``order``.
    """
    ends = []
    for s in (order.lower(), order.upper()):
        series = family.expansion(s, 2)
        ends.append((s, s * threshold - series[0], threshold - series[1]))
    (left, low_value, rising), (right, high_value, falling) = ends
    if not (rising > 0 and falling < 0):
        raise Undecided(f"the maximum is not certainly inside {order.str(10)}")
    return arb.max(low_value, high_value).union(low_value + rising * (right - left))


def rate_excess(found: Departure, size: int, width: int = 2) -> arb | None:
    """A bound on -(1/N) log P(Ibar beyond x) - KL(q_tau || p+), of order N^{-1/2}; None while N is too small.

    Under q_tau^N the mean Ibar lies in [x, x + c / sqrt N] with probability at least Phi(c/sd) - 1/2 - 2 B / sqrt N
    (Berry and Esseen), and there dP/dq_tau^N >= exp(-N rate - |s| c sqrt N). Here c = width * sd.
    """
    family = found.family
    deviation = family.variance(found.order).sqrt()
    third = sum((q * abs(x - found.threshold) ** 3 for q, x in zip(found.law, family.statistic, strict=True)), arb(0))
    inside = normal_cdf(arb(width)) - fmpq(1, 2) - 2 * berry_esseen(third, deviation * deviation, size)
    if not inside > 0:
        return None
    bound: arb = abs(found.order) * deviation * width / arb(size).sqrt() - inside.log() / size
    return bound


@dataclass(frozen=True, slots=True)
class SampleSize:
    """Numbers of strings for P(|Ibar - H| < eps) >= 1 - delta.

    Args:
        first: the least N at which it holds.
        least: the least N from which on it holds.
        chernoff: the least N from which on the sum of the two Chernoff bounds is <= delta.
        chebyshev: the least N with V / (N eps^2) <= delta.
    """

    first: int
    least: int
    chernoff: int
    chebyshev: int


def two_rates(law: Atoms, epsilon: fmpq) -> tuple[arb, ...]:
    """The Cramer rates at H - eps and H + eps, of those sides on which a surprisal is that far from H.

    Raises:
        Undecided: whether one is.
    """
    family = ExponentialFamily(law.prob, law.surprisal)
    rates = []
    for side in (-1, 1):
        if any(x * side > epsilon for x in law.surprisal):
            rates.append(family.divergence(family.order_of_mean(ball(epsilon) * side)))
        elif not all(x * side < epsilon for x in law.surprisal):
            raise Undecided(f"whether some surprisal is {epsilon} from H is undecided")
    return tuple(rates)


def chernoff_size(rates: tuple[arb, ...], delta: fmpq) -> int:
    """The least N with sum_i exp(-N rate_i) <= delta: from there on P(|Ibar - H| >= eps) <= delta."""
    return least_size(lambda n: ball(delta) - sum(((-rate * n).exp() for rate in rates), arb(0)))


def chebyshev_size(variance: arb, epsilon: fmpq, delta: fmpq) -> int:
    """The least N with V / (N eps^2) <= delta."""
    return least_size(lambda n: delta - chebyshev(variance, n, ball(epsilon)))


def least_size(margin: Callable[[int], arb]) -> int:
    """The least N >= 1 with margin(N) >= 0, for a margin that increases with N.

    Raises:
        Undecided: a sign that bisection needs is not certain.
        ValueError: no N up to 2^62.
    """

    def reached(n: int) -> bool:
        value = margin(n)
        if value >= 0:
            return True
        if value < 0:
            return False
        raise Undecided(f"whether N = {n} suffices is undecided: {value.str(5)}")

    high = 1
    while not reached(high):
        high *= 2
        if high > LARGEST:
            raise ValueError("no number of strings up to 2^62 suffices")
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high


def typical_probability(law: Atoms, size: int, epsilon: fmpq) -> arb:
    """P(|Ibar - H| < eps) as a ball.

    Raises:
        Undecided: the law is too large to be summed in balls.
    """
    return _typical_probability(law, size, epsilon, ctx.prec)


@functools.lru_cache(maxsize=4096)
def _typical_probability(law: Atoms, size: int, epsilon: fmpq, _bits: int) -> arb:
    """Kept, because the search for a sample size and what checks it ask for the same sizes."""
    window = typical_corpora(law, size, epsilon)
    if window.error is not None:
        raise Undecided(f"P(typical) at N = {size} is not summed in balls but by {window.method}")
    mass: arb = window.mass
    return mass


def sample_size(law: Atoms, variance: arb, epsilon: fmpq, delta: fmpq) -> SampleSize:
    """The numbers of strings that make a corpus typical with probability >= 1 - delta, exactly.

    P is not monotone in N: it is computed at every N up to the point from which the Chernoff bound takes over.
    Cost: that many exact laws.

    Args:
        law: at least two atoms.
        variance: V, nats^2.
        epsilon: half the width of the band, nats, > 0.
        delta: how often a corpus may miss it, 0 < delta < 1.

    Raises:
        Undecided: some P equals 1 - delta, or is too near to it for balls.
    """
    chernoff = chernoff_size(two_rates(law, epsilon), delta)

    def holds(n: int) -> bool:
        margin = typical_probability(law, n, epsilon) - (1 - delta)
        if margin >= 0:
            return True
        if margin < 0:
            return False
        raise Undecided(f"P at N = {n} cannot be told from 1 - {delta}")

    least = chernoff
    while least > 1 and holds(least - 1):
        least -= 1
    first = next((n for n in range(1, least) if holds(n)), least)
    return SampleSize(first, least, chernoff, chebyshev_size(variance, epsilon, delta))


def size_bracket(variance: arb, third: arb, epsilon: fmpq, delta: fmpq) -> tuple[int, int]:
    """N' and N'' with N' < N* <= N'', N* the least N from which on (eps, delta) holds, without computing any P.

    |P(|Ibar - H| < eps) - (2 Phi(eps sqrt(N/V)) - 1)| <= 2 B / sqrt N, B = 0.4748 E|I - H|^3 / V^{3/2}: from N'' on
    the lower bound, which increases, is >= 1 - delta; at N' the upper one is < 1 - delta (N' = 0 if at none).
    Both are z^2 V / eps^2 (1 + O(eps)), z = z_{1 - delta/2}.
    Source: Berry (1941), Esseen (1942); the constant: Shevtsova (2011), arXiv:1111.6554.

    Args:
        variance: V, nats^2, > 0.
        third: E|I - H|^3, nats^3.
        epsilon: half the width of the band, nats.
        delta: how often a corpus may miss it, 0 < delta < 1.
    """

    def margin(n: int, side: int) -> arb:
        normal = 2 * normal_cdf(ball(epsilon) * (arb(n) / variance).sqrt()) - 1
        gap: arb = normal + side * 2 * berry_esseen(third, variance, n) - (1 - delta)
        return gap

    high = least_size(lambda n: margin(n, -1))
    low, top = 0, high
    while top - low > 1:  # the upper bound need not be monotone: any N at which it is < 1 - delta will do
        middle = (low + top) // 2
        low, top = (middle, top) if margin(middle, 1) < 0 else (low, middle)
    return low, high


def chebyshev_excess(delta: fmpq) -> arb:
    """The limit of N_Chebyshev / N* as eps -> 0, 0 < delta < 1: 1 / (delta z_{1 - delta/2}^2).

    >>> round(float(chebyshev_excess(fmpq(1, 20))), 4)
    5.2064
    """
    z = normal_quantile(1 - delta)
    limit: arb = 1 / (z * z * delta)
    return limit


def excess_slope(variance: arb, third: arb, delta: fmpq) -> arb:
    """C with N', N'' = z^2 V / eps^2 (1 -+ C eps + o(eps)): 2 B / (z^2 phi(z) sqrt V), per nat."""
    z = normal_quantile(1 - delta)
    density = (-(z * z) / 2).exp() / (2 * arb.pi()).sqrt()
    slope: arb = 2 * berry_esseen(third, variance, 1) / (z * z * density * variance.sqrt())
    return slope
