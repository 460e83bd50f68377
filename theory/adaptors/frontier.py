"""What laws of strings can reach in the plane of (E L, E R): an exponential family, a hull, and fronts under a budget.

L = log p(y) and R = r(y) / beta, in nats. The laws q_{s,t} proportional to p^s e^{tR} have L and R as their sufficient
statistics: (1, 1) is p+, (1, t) is p+ at beta / t, (tau, tau) the global temperature 1 / tau of p+, (1, 0) the prior
on the support of p+ and (0, 0) the uniform law. A(s, t) = log sum p^s e^{tR} has the means as its gradient and the
covariance as its Hessian, so that the means determine (s, t) where 1, L and R are independent.

The functions take L and R as arrays of shape (n,), in float64 or in balls. In balls the roots are certified: an
interval Newton step maps a box into its interior, hence the box holds exactly one root.
Sources: Barndorff-Nielsen (1978) for exponential families; Krawczyk (1969), Neumaier (1990) for interval Newton.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb, ctx, fmpq
from numpy.typing import NDArray

from theory.adaptors.hull import hull
from theory.alignment.gibbs import Numbers, in_own_arithmetic
from theory.arithmetic.exact import Array, Real, Undecided, exp, floats, inner, is_exact, objects, to_float

_STEPS = 200


_CLOSE, _VISIBLE, _ILL_CONDITIONED = 1e-8, 1e-10, 1e13


_SMALLEST_POWER, _LARGEST_POWER = 1e-12, 1e12


Pair = tuple[Any, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """q_{s,t} = p^s e^{tR - A(s,t)} with its moments; nats and nats^2.

    Args:
        prior_power: s.
        reward_power: t.
        prob: q(y), shape (n,).
        log_prob: log q(y), shape (n,).
        log_partition: A(s, t) = log sum p^s e^{tR}.
    """

    prior_power: Any
    reward_power: Any
    prob: Array
    log_prob: Array
    log_partition: Any
    mean_log_prior: Any
    mean_reward: Any
    var_log_prior: Any
    cov: Any
    var_reward: Any

    @property
    def determinant(self) -> Any:
        """det Cov(L, R) = Var L Var R - Cov^2: the Jacobian of (s, t) -> (E L, E R). Nats^4."""
        return self.var_log_prior * self.var_reward - self.cov * self.cov

    @property
    def entropy(self) -> Real:
        """H(q) = A - s E L - t E R, summed directly."""
        return -inner(self.prob, self.log_prob)

    @property
    def flow(self) -> Pair:
        """(s', t') = (Cov + Var R, -(Var L + Cov)): along it E L' = det Cov = -E R', an exchange of exactly 1:1."""
        return self.cov + self.var_reward, -(self.var_log_prior + self.cov)

    def divergence(self, other: Member) -> Real:
        """KL(q || other), summed directly."""
        return inner(self.prob, self.log_prob - other.log_prob)

    def variance(self, weights: Pair) -> Any:
        """Var(a L + b R) for the weights (a, b)."""
        a, b = weights
        return a * a * self.var_log_prior + 2 * a * b * self.cov + b * b * self.var_reward

    def powers_for(self, gain_log_prior: Real, gain_reward: Real) -> Pair:
        """The change of (s, t) that, to first order, changes (E L, E R) by the given gains: Cov^-1 applied to them."""
        return (
            (self.var_reward * gain_log_prior - self.cov * gain_reward) / self.determinant,
            (self.var_log_prior * gain_reward - self.cov * gain_log_prior) / self.determinant,
        )


def member(log_prior: Array, reward: Array, prior_power: Real | fmpq, reward_power: Real | fmpq) -> Member:
    """The member q_{s,t} proportional to p^s e^{tR}. Cost: O(n).

    Args:
        log_prior: L, shape (n,).
        reward: R, shape (n,).
        prior_power: s, any real; a ball gives enclosures that hold for all its values.
        reward_power: t, likewise.
    """
    exact = is_exact(log_prior)
    log_weight: Array = log_prior * prior_power + reward * reward_power
    peak: Any = arb(0) if exact else log_weight.max()
    total = exp(log_weight - peak).sum()
    log_partition = peak + (total.log() if exact else math.log(total))
    log_prob = log_weight - log_partition
    prob = exp(log_prob)
    mean_l, mean_r = inner(prob, log_prior), inner(prob, reward)
    from_l, from_r = log_prior - mean_l, reward - mean_r
    share_l, share_r = prob * from_l, prob * from_r
    return Member(
        prior_power=prior_power,
        reward_power=reward_power,
        prob=prob,
        log_prob=log_prob,
        log_partition=log_partition,
        mean_log_prior=mean_l,
        mean_reward=mean_r,
        var_log_prior=inner(share_l, from_l),
        cov=inner(share_l, from_r),
        var_reward=inner(share_r, from_r),
    )


def member_with_means(log_prior: Array, reward: Array, mean_log_prior: Real, mean_reward: Real) -> Member:
    """The one member with E L and E R as given: the law of largest entropy among all with these means.

    (s, t) maximises the concave s E L + t E R - A(s, t). Newton from (0, 0) with halved steps in float64; in balls
    Newton goes on from there and interval Newton certifies the root, its radius in ``prior_power`` and
    ``reward_power``. Cost: O(n) per step.

    Raises:
        ValueError: no member has these means: they are not in the interior of the hull of the (L, R), or too close
            to its boundary for float64.
        Undecided: the root was found, but not certified at the working precision.
    """
    start = _float_powers(floats(log_prior), floats(reward), to_float(mean_log_prior), to_float(mean_reward))
    if not is_exact(log_prior):
        return member(log_prior, reward, *start)

    def newton_step(at: Pair, slope: Member) -> Pair:
        here = member(log_prior, reward, *at)
        return slope.powers_for(mean_log_prior - here.mean_log_prior, mean_reward - here.mean_reward)

    s, t = (arb(x) for x in start)
    for _ in range(_STEPS):
        step = newton_step((s, t), member(log_prior, reward, s, t))
        s, t = (s + step[0]).mid(), (t + step[1]).mid()
        if all(abs(x) < _box_radius() for x in step):
            break
    box = tuple(x + arb(0, _box_radius() * (1 + abs(x)).mid()) for x in (s, t))
    whole = member(log_prior, reward, *box)
    if whole.determinant > 0:
        step = newton_step((s, t), whole)
        root = (s + step[0], t + step[1])
        if all(b.contains_interior(x) for b, x in zip(box, root, strict=True)):
            return member(log_prior, reward, *root)
    raise Undecided(f"the powers ({s.str(9)}, {t.str(9)}) are not certified; raise the precision")


def _box_radius() -> arb:
    """Half of the working digits: a box this small is mapped into itself, its image has the other half."""
    return arb(2) ** (-ctx.prec // 2)


def _float_powers(log_prior: Array, reward: Array, mean_log_prior: float, mean_reward: float) -> tuple[float, float]:
    """(s, t) in float64."""
    points = np.stack((log_prior - mean_log_prior, reward - mean_reward))
    scale = np.abs(points).max(axis=1)
    if not (scale > 0).all():
        raise ValueError("L or R is constant, so that 1, L and R are dependent")
    points = points / scale[:, None]
    power = np.zeros(2)
    value, mean, cov = _centred_moments(points, power)
    for _ in range(_STEPS):
        if not np.linalg.cond(cov) < _ILL_CONDITIONED:
            break
        step = -np.linalg.solve(cov, mean)
        if np.abs(step).max() <= _CLOSE * (1 + np.abs(power).max()):
            power = power + step
            return float(power[0] / scale[0]), float(power[1] / scale[1])
        drop, length = float(mean @ step), 1.0
        trial = _centred_moments(points, power + step)
        # a decrease below 1e-10 drowns in the rounding of the value, and a full step is then safe
        while drop < -_VISIBLE and trial[0] > value + length * drop / 4 and length > _CLOSE:
            length /= 2
            trial = _centred_moments(points, power + length * step)
        power = power + length * step
        value, mean, cov = trial
    raise ValueError(
        f"({mean_log_prior:.9g}, {mean_reward:.9g}) is not in the interior of the hull of the strings' (L, R), "
        "or too close to its boundary; no member has these means"
    )


def _centred_moments(points: Array, power: NDArray[np.float64]) -> tuple[float, Array, Array]:
    """A - s E L - t E R of the wanted means, its gradient and its Hessian."""
    log_weight = power @ points
    peak = float(log_weight.max())
    weight = np.exp(log_weight - peak)
    total = float(weight.sum())
    prob = weight / total
    mean = points @ prob
    centred = points - mean[:, None]
    return peak + math.log(total), mean, (centred * prob) @ centred.T


def divergence_limit(base: Member, log_prior: Array, reward: Array, weights: Pair) -> Any:
    """-log q_base(strings of largest a L + b R): below this budget the front is inside the family.

    Values that agree to the working precision count as one: the limit is then never too large.
    """
    value = _weighted(log_prior, reward, weights)
    if not is_exact(value):
        scale = float(np.abs(value).max()) or 1.0
        return -math.log(base.prob[value >= value.max() - 1e-12 * scale].sum())
    best = functools.reduce(arb.max, value)
    top = np.array([not v < best for v in value], dtype=bool)
    return -(base.prob[top].sum().log())


def budget_member(log_prior: Array, reward: Array, base: Member, weights: Pair, budget: Real) -> Member:
    """The one law that maximises a E_q L + b E_q R subject to KL(q || base) <= budget: q_{s0 + u a, t0 + u b}, u > 0.

    By Gibbs' identity u (a E_q L + b E_q R) = u (value of q_u) + KL(q || base) - KL(q_u || base) - KL(q || q_u).
    With the uniform law (0, 0) as the base the budget is log n - H(q): an entropy of at least log n - budget.
    KL(q_u || base) grows with u, at the rate u Var(a L + b R).

    Args:
        log_prior: L, shape (n,).
        reward: R, shape (n,).
        base: q_{s0,t0}: the uniform law, the prior, p+, or any other member.
        weights: (a, b), rationals or floats, not both 0; for the front both >= 0.
        budget: > 0 and below ``divergence_limit``, nats.

    Raises:
        ValueError: the budget is not in this range.
        Undecided: the root was found, but not certified at the working precision.
    """
    limit = divergence_limit(base, log_prior, reward, weights)
    if not (budget > 0 and budget < limit):
        raise ValueError(
            f"the budget must be > 0 and < {to_float(limit):.9g} nats for the weights "
            f"({to_float(weights[0]):.9g}, {to_float(weights[1]):.9g}), got {to_float(budget):.9g}"
        )
    s0, t0 = base.prior_power, base.reward_power

    def at(u: Real) -> Member:
        return member(log_prior, reward, s0 + u * weights[0], t0 + u * weights[1])

    value = floats(_weighted(log_prior, reward, weights))
    start = _float_ray(floats(base.log_prob), value, to_float(budget)) / float(np.ptp(value))
    if not is_exact(log_prior):
        return at(start)
    u = arb(start)
    for _ in range(_STEPS):
        here = at(u)
        step = (budget - here.divergence(base)) / (u * here.variance(weights))
        u = (u + step).mid()
        if abs(step) < _box_radius() * abs(u):
            break
    box = u + arb(0, _box_radius() * abs(u).mid())
    slope = box * at(box).variance(weights)
    if slope > 0:
        root = u + (budget - at(u).divergence(base)) / slope
        if box.contains_interior(root):
            return at(root)
    raise Undecided(f"the step {u.str(9)} along the weights is not certified; raise the precision")


def _weighted(log_prior: Array, reward: Array, weights: Pair) -> Array:
    value: Array = log_prior * weights[0] + reward * weights[1]
    return value


def _float_ray(log_base: Array, value: Array, budget: float) -> float:
    """u with KL(q_u || base) = budget for q_u proportional to base e^{u value}, in float64: bisection, then Newton."""
    value = (value - value.max()) / float(np.ptp(value))

    def divergence(u: float) -> tuple[float, float]:
        """KL(q_u || base) and its slope u Var(value)."""
        log_weight = log_base + u * value
        peak = float(log_weight.max())
        prob = np.exp(log_weight - peak)
        total = float(prob.sum())
        prob = prob / total
        mean = float(prob @ value)
        return u * mean - peak - math.log(total), u * float(prob @ (value - mean) ** 2)

    low, high = 0.0, 1.0
    while divergence(high)[0] < budget:
        low, high = high, high * 2
        if high > _LARGEST_POWER:
            raise ValueError(f"the budget {budget:.9g} is too close to its limit for float64")
    while high - low > _CLOSE * high and high > _SMALLEST_POWER:
        middle = (low + high) / 2
        low, high = (middle, high) if divergence(middle)[0] < budget else (low, middle)
    u = (low + high) / 2
    reached, slope = divergence(u)
    u = u + (budget - reached) / slope if slope > 0 else u
    return u


def gaining_direction(law: Member, log_prior: Array, reward: Array, gains: Pair) -> Array:
    """g with E_q g = 0 such that q (1 + eps g) has means larger by exactly eps det Cov times ``gains``. Shape (n,).

    g = (a Var R - b Cov)(L - E L) + (b Var L - a Cov)(R - E R) for the gains (a, b). A law for |eps| max |g| < 1.
    """
    a, b = gains
    on_l, on_r = a * law.var_reward - b * law.cov, b * law.var_log_prior - a * law.cov
    direction: Array = (log_prior - law.mean_log_prior) * on_l + (reward - law.mean_reward) * on_r
    return direction


@in_own_arithmetic
def gaining_mixture(numbers: Numbers, means: Pair) -> Array | None:
    """A law on at most two strings whose E L and E R are both larger than ``means``; None where there is no gain.

    The string that gains most in the poorer coordinate where one gains in both; else the mixture of the two ends of
    the edge of the hull through which the ray from the means in the direction (1, 1) leaves: equal gains, the
    largest there are. None: the means lie on the hull's upper right boundary, or the hull has no interior. Cost: O(n
    log n). Shape (n,), balls.

    Raises:
        Undecided: no gain is certain, and for some string it is not certain that there is none.
    """
    aligned = numbers.aligned
    l_gain, r_gain = numbers.log_prior - means[0], numbers.reward - means[1]
    law = objects([arb(0)] * len(aligned))
    both = [y for y in range(len(aligned)) if l_gain[y] > 0 and r_gain[y] > 0]
    if both:
        law[max(both, key=lambda y: min(to_float(l_gain[y]), to_float(r_gain[y])))] = arb(1)
        return law
    corners = hull(numbers)
    if len(corners) < 3:
        return None
    across = r_gain - l_gain  # constant along (1, 1), so the means are at 0
    for i, j in zip(corners, [*corners[1:], corners[0]], strict=True):
        if across[i] < 0 and across[j] > 0:
            share = -across[i] / (across[j] - across[i])
            if l_gain[i] + share * (l_gain[j] - l_gain[i]) > 0:
                law[i], law[j] = 1 - share, share
                return law
    unsure = next((g for g in (*l_gain, *r_gain, *across) if not (g == 0 or g > 0 or g < 0)), None)
    if unsure is not None:
        raise Undecided(f"whether two strings gain in both means is undecided: {unsure.str(5)}; raise the precision")
    return None
