"""What adaptors can reach: the family q_{s,t}, fronts under a budget, lines of string-level adaptors, conditioning."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy as sp
from flint import arb, arb_series, fmpq, fmpz_poly

from theory.adaptors.exact import chain
from theory.adaptors.frontier import (
    Member,
    Pair,
    budget_member,
    divergence_limit,
    exact_corpora,
    gaining_direction,
    gaining_mixture,
    hull,
    independent,
    member,
    member_with_means,
    sequences,
)
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import Array, balls, objects, to_float
from theory.claims.claim import Case, Claim, Control, Finding, Profile, ProofFailed
from theory.claims.instances import Instance, case, integer_cases, named, small, usual
from theory.examples import finite as examples
from theory.probability.information import entropy, kl_divergence


def _means(found: Instance, prob: Array) -> Pair:
    """(E_q L, E_q R)."""
    return (prob * found.numbers.log_prior).sum(), (prob * found.numbers.reward).sum()


def _member(found: Instance, prior_power: Any, reward_power: Any) -> Member:
    return member(found.numbers.log_prior, found.numbers.reward, prior_power, reward_power)


def _independent(found: Instance) -> bool:
    return independent(found.aligned, found.numbers)


def _planar(cases: Sequence[Case]) -> list[Case]:
    """The cases on which 1, L and R are independent."""
    return [c for c in cases if _independent(c.content)]


def _least(values: Iterator[arb]) -> arb:
    return functools.reduce(arb.min, values)


# --- family -------------------------------------------------------------------------------------------------------

_POWERS = ((fmpq(1), fmpq(1)), (fmpq(1), fmpq(1, 3)), (fmpq(2), fmpq(2)), (fmpq(-1), fmpq(3, 2)))
_BASES = (
    ("H(q) >= h", fmpq(0), fmpq(0)),
    ("KL(q || p) <= k", fmpq(1), fmpq(0)),
    ("KL(q || p+) <= k", fmpq(1), fmpq(1)),
)
_FRONT = ((fmpq(1), fmpq(0)), (fmpq(2), fmpq(1)), (fmpq(1), fmpq(3)), (fmpq(0), fmpq(1)))
_OFF_FRONT = ((fmpq(-1), fmpq(2)), (fmpq(2), fmpq(-1)), (fmpq(-1), fmpq(-1)))
_TRIPLES_UP_TO, _FRONTS_UP_TO, _FEW = 9, 100, 10


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """A model, and laws of its strings to compete with: rational probabilities > 0, each of shape (n,)."""

    found: Instance
    competitors: tuple[Array, ...]


def _along(found: Instance, at: Pair, direction: Pair) -> tuple[arb_series, arb_series, arb_series]:
    """A, E L and E R at (s, t) + h (s', t') as power series in h: derivatives without a formula for them."""
    total = first = second = arb_series([0], prec=3)
    for log_prior, reward in zip(found.numbers.log_prior, found.numbers.reward, strict=True):
        exponent = [log_prior * s + reward * t for s, t in (at, direction)]
        weight = arb_series(exponent, prec=3).exp()
        total, first, second = total + weight, first + weight * log_prior, second + weight * reward
    return total.log(), first / total, second / total


def _area(x: Any, y: Any, i: int, j: int, k: int) -> Any:
    """The determinant of (1, x, y) at i, j, k: twice the area of the triangle, > 0 counterclockwise."""
    return (x[j] - x[i]) * (y[k] - y[i]) - (x[k] - x[i]) * (y[j] - y[i])


def _area_sum(found: Instance, q: Member) -> arb:
    """sum over triples of q_i q_j q_k D_ijk^2, D the determinant of (1, L, R): det Cov by Cauchy and Binet."""
    total = arb(0)
    for i, j, k in itertools.combinations(range(len(found.aligned)), 3):
        area = _area(found.numbers.log_prior, found.numbers.reward, i, j, k)
        total += q.prob[i] * q.prob[j] * q.prob[k] * area * area
    return total


def _depth(found: Instance, corners: Sequence[int], q: Member) -> arb:
    """> 0 where the means lie strictly inside the hull: the least of the areas on the left of its edges."""
    log_prior, reward = found.numbers.log_prior, found.numbers.reward
    return _least(
        (log_prior[j] - log_prior[i]) * (q.mean_reward - reward[i])
        - (reward[j] - reward[i]) * (q.mean_log_prior - log_prior[i])
        for i, j in zip(corners, [*corners[1:], corners[0]], strict=True)
    )


def _diffeomorphism(trial: Trial) -> Iterator[Finding]:
    found = trial.found
    log_prior, reward = found.numbers.log_prior, found.numbers.reward
    corners = hull(found.aligned, found.numbers)
    for s, t in _POWERS:
        q, here = _member(found, s, t), f"({s}, {t})"
        yield Finding(f"det Cov > 0 at {here}", q.determinant, "positive")
        if len(found.aligned) <= _TRIPLES_UP_TO:
            yield Finding(f"det Cov = sum q q q D^2 at {here}", q.determinant - _area_sum(found, q))
        yield Finding(f"the means at {here} are inside the hull", _depth(found, corners, q), "positive")
        back = member_with_means(log_prior, reward, q.mean_log_prior, q.mean_reward)
        yield Finding(f"s from the means at {here}", back.prior_power - s)
        yield Finding(f"t from the means at {here}", back.reward_power - t)
    for law in trial.competitors:
        wanted = _means(found, law)
        q = member_with_means(log_prior, reward, *wanted)
        yield Finding("E L of the member with a law's means", q.mean_log_prior - wanted[0])
        yield Finding("E R of the member with a law's means", q.mean_reward - wanted[1])
        yield Finding("H(member) - H(law) = KL(law || member)", q.entropy - entropy(law) - kl_divergence(law, q.prob))


def _flow(found: Instance, turn: int = 1) -> Iterator[Finding]:
    """The 1:1 flow; ``turn`` = -1 has its second component backwards."""
    for s, t in _POWERS:
        q, here = _member(found, s, t), f"({s}, {t})"
        along = (q.flow[0], turn * q.flow[1])
        log_partition, mean_l, mean_r = _along(found, (s, t), along)
        yield Finding(f"E L' = det Cov along the flow at {here}", mean_l[1] - q.determinant)
        yield Finding(f"E R' = -det Cov along the flow at {here}", mean_r[1] + q.determinant)
        on_l, on_r = (arb_series([x, dx], prec=3) for x, dx in zip((s, t), along, strict=True))
        falling = log_partition - on_l * mean_l - on_r * mean_r
        yield Finding(f"H' = -(s E L' + t E R') at {here}", falling[1] + mean_l[1] * s + mean_r[1] * t)


def _cooling(found: Instance) -> Iterator[Finding]:
    """Along s = t, whatever b is, E L + E R rises at the rate V and H falls at the rate tau V."""
    for tau in (fmpq(1, 2), fmpq(2)):
        log_partition, mean_l, mean_r = _along(found, (tau, tau), (1, 1))
        variance = _member(found, tau, tau).variance((1, 1))
        yield Finding(f"(E L + E R)' = V along s = t at {tau}", mean_l[1] + mean_r[1] - variance)
        falling = log_partition - arb_series([tau, 1], prec=3) * (mean_l + mean_r)
        yield Finding(f"H' = -tau V along s = t at {tau}", falling[1] + variance * tau)


def _budget(found: Instance, base: Member) -> arb:
    """Half of the least divergence at which one of the fronts leaves the family."""
    log_prior, reward = found.numbers.log_prior, found.numbers.reward
    return _least(divergence_limit(base, log_prior, reward, w) for w in (*_FRONT, *_OFF_FRONT)) / 2


def _value(means: Pair, weights: Pair) -> Any:
    return means[0] * weights[0] + means[1] * weights[1]


def _mixture_within(base: Member, law: Array, budget: arb) -> Array:
    """(1 - share) base + share law with the share, a multiple of 1/64, as large as the budget allows."""
    law, low, high = balls(law), 0, 64
    while high - low > 1:
        middle = (low + high) // 2
        mixture = base.prob * fmpq(64 - middle, 64) + law * fmpq(middle, 64)
        low, high = (middle, high) if kl_divergence(mixture, base.prob) < budget else (low, middle)
    mixed: Array = base.prob * fmpq(64 - low, 64) + law * fmpq(low, 64)
    return mixed


def _gains_within(found: Instance, base: Member, q: Member, weights: Pair, budget: arb) -> tuple[arb, arb]:
    """The gains in E L and E R of a law within the budget over q = q_{base + u weights}, where a weight is < 0.

    q (1 + eps g) with gains > 0 whose weighted sum is negative: to first order its divergence falls by eps u det Cov
    times that sum.
    """
    a, b = weights
    gains = (fmpq(1), fmpq(1)) if a + b < 0 else (fmpq(1), -a / (2 * b)) if a < 0 else (-b / (2 * a), fmpq(1))
    direction = gaining_direction(q, found.numbers.log_prior, found.numbers.reward, gains)
    step = 1 / (2 * functools.reduce(arb.max, (abs(g) for g in direction)))
    law = q.prob * (1 + direction * step)
    while not kl_divergence(law, base.prob) < budget:
        step /= 2
        law = q.prob * (1 + direction * step)
    gained = _means(found, law)
    return gained[0] - q.mean_log_prior, gained[1] - q.mean_reward


def _fronts(trial: Trial) -> Iterator[Finding]:
    found = trial.found
    log_prior, reward = found.numbers.log_prior, found.numbers.reward
    for name, s0, t0 in _BASES:
        base = _member(found, s0, t0)
        budget = _budget(found, base)
        front = {w: budget_member(log_prior, reward, base, w, budget) for w in _FRONT}
        rivals = [_mixture_within(base, law, budget) for law in trial.competitors]
        for weights, q in front.items():
            here = f"{name}, weights ({weights[0]}, {weights[1]})"
            own = (q.mean_log_prior, q.mean_reward)
            yield Finding(f"{here}: the budget is spent", q.divergence(base) - budget)
            yield Finding(f"{here}: s >= {s0}", q.prior_power - s0, "nonnegative")
            yield Finding(f"{here}: t >= {t0}", q.reward_power - t0, "nonnegative")
            for other, rival in front.items():
                if other != weights:
                    lead = _value((own[0] - rival.mean_log_prior, own[1] - rival.mean_reward), weights)
                    yield Finding(f"{here}: beats ({other[0]}, {other[1]})", lead, "positive")
            scale = (q.prior_power + q.reward_power - s0 - t0) / (weights[0] + weights[1])
            for law in (*trial.competitors, *rivals):
                means = _means(found, law)
                lead = _value((own[0] - means[0], own[1] - means[1]), weights)
                gap = kl_divergence(law, q.prob) - kl_divergence(law, base.prob) + budget
                yield Finding(f"{here}: Gibbs' identity", scale * lead - gap)
            for law in rivals:
                means = _means(found, law)
                lead = _value((own[0] - means[0], own[1] - means[1]), weights)
                yield Finding(f"{here}: beats a law within the budget", lead, "positive")
        yield from _off_front(found, name, base, budget)


def _own_budget(found: Instance) -> Iterator[Finding]:
    """Any aligned law at any temperature, q_{tau, tau t}, is on the front of its own entropy, with weights (1, t)."""
    base = _member(found, fmpq(0), fmpq(0))
    for tau, t in ((fmpq(1), fmpq(1)), (fmpq(2), fmpq(1, 3))):
        own = _member(found, tau, tau * t)
        if found.mean.constant.surprisal and t == 1:
            continue
        best = budget_member(found.numbers.log_prior, found.numbers.reward, base, (fmpq(1), t), own.divergence(base))
        yield Finding(f"s of the best law of the entropy of ({tau}, {tau * t})", best.prior_power - tau)
        yield Finding(f"t of the best law of the entropy of ({tau}, {tau * t})", best.reward_power - tau * t)


def _off_front(found: Instance, name: str, base: Member, budget: arb) -> Iterator[Finding]:
    """With a negative weight the member of the same budget is not on the front: a law within it gains in both."""
    for weights in _OFF_FRONT:
        q = budget_member(found.numbers.log_prior, found.numbers.reward, base, weights, budget)
        for coordinate, gain in zip("LR", _gains_within(found, base, q, weights, budget), strict=True):
            label = f"{name}, weights ({weights[0]}, {weights[1]}): E {coordinate} gains within the budget"
            yield Finding(label, gain, "positive")


def _family(trial: Trial) -> Iterator[Finding]:
    yield from _diffeomorphism(trial)
    yield from _flow(trial.found)
    yield from _cooling(trial.found)
    if len(trial.found.aligned) <= _FRONTS_UP_TO:
        yield from _own_budget(trial.found)
        yield from _fronts(trial)


def _family_cases(profile: Profile) -> list[Case]:
    rng = np.random.default_rng(profile.seed)
    models = small(profile)
    cases = _planar([*models, *named("toy")] if profile.full else models[:_FEW])
    return [Case(c.name, Trial(c.content, _random_laws(rng, len(c.content.aligned))), c.spec) for c in cases]


def _random_laws(rng: np.random.Generator, n: int) -> tuple[Array, ...]:
    """A law with weights alike, and one with weights over four orders of magnitude: near the hull's boundary."""
    alike = [int(v) for v in rng.integers(1, 13, n)]
    spread = [int(v) for v in 10 ** (4 * rng.random(n))]
    return tuple(objects(fmpq(v, sum(weights)) for v in weights) for weights in (alike, spread))


def _unconditional_jacobian(found: Instance) -> Iterator[Finding]:
    q = _member(found, fmpq(1), fmpq(1))
    determinant = q.determinant if _independent(found) else fmpq(0)
    yield Finding("det Cov > 0 at (1, 1)", determinant, "positive")


def _backward_flow(found: Instance) -> Iterator[Finding]:
    if _independent(found):
        yield from _flow(found, turn=-1)


def _entropy_front(found: Instance) -> Iterator[Finding]:
    if not _independent(found):
        return
    base = _member(found, fmpq(0), fmpq(0))
    budget = _budget(found, base)
    for weights in _FRONT:
        q = budget_member(found.numbers.log_prior, found.numbers.reward, base, weights, budget)
        yield Finding(f"H(q) >= h, weights ({weights[0]}, {weights[1]}): s >= 1", q.prior_power - 1, "nonnegative")
        yield Finding(f"H(q) >= h, weights ({weights[0]}, {weights[1]}): t >= 1", q.reward_power - 1, "nonnegative")


def _front_of_any_sign(found: Instance) -> Iterator[Finding]:
    if not _independent(found):
        return
    base = _member(found, fmpq(1), fmpq(1))
    budget = _budget(found, base)
    for weights in _OFF_FRONT:
        q = budget_member(found.numbers.log_prior, found.numbers.reward, base, weights, budget)
        loss = -_least(iter(_gains_within(found, base, q, weights, budget)))
        label = f"weights ({weights[0]}, {weights[1]}): no law within the budget gains in both"
        yield Finding(label, loss, "nonnegative")


def _symbols(n: int, families: str, scalars: str = "") -> tuple[Any, ...]:
    """Generators of one polynomial ring: a tuple of n for each letter in ``families``, then the scalars."""
    names = [f"{letter}{k + 1}" for letter in families for k in range(n)]
    found = sp.ring([*names, *scalars], sp.QQ)[1:]
    return (*(found[k * n : (k + 1) * n] for k in range(len(families))), *found[len(names) :])


def _sum(*factors: Sequence[Any]) -> Any:
    """sum_i of the products of the i-th entries."""
    return sum(math.prod(row) for row in zip(*factors, strict=True))


def _vanishes(polynomial: Any, what: str) -> str:
    """Prove a polynomial identity: every coefficient is 0.

    Raises:
        ProofFailed: one is not.
    """
    if polynomial != 0:
        raise ProofFailed(f"{what}: leaves {polynomial}")
    return what


def _cumulant_lines(n: int) -> Iterator[str]:
    """The means have the covariance as their Jacobian, times Z^2; log w_i = s L_i + t R_i."""
    w, log_prior, reward, u, v = _symbols(n, "wLR", "uv")
    total = sum(w)

    def slope(polynomial: Any, rate: Sequence[Any]) -> Any:
        return sum(polynomial.diff(x) * x * r for x, r in zip(w, rate, strict=True))

    for name, values, rate, other in (
        ("d E L / ds = Var L", log_prior, log_prior, log_prior),
        ("d E L / dt = Cov", log_prior, reward, reward),
        ("d E R / ds = Cov", reward, log_prior, log_prior),
        ("d E R / dt = Var R", reward, reward, reward),
    ):
        quotient = slope(_sum(w, values), rate) * total - _sum(w, values) * slope(total, rate)
        covariance = _sum(w, values, other) * total - _sum(w, values) * _sum(w, other)
        yield _vanishes(quotient - covariance, f"{name}, n = {n}")
    along = [u * x + v * r for x, r in zip(log_prior, reward, strict=True)]
    gap = slope(total, along) - u * _sum(w, log_prior) - v * _sum(w, reward)
    yield _vanishes(gap, f"A' = s' E L + t' E R, so that H' = -(s E L' + t E R'), n = {n}")


def _area_line(n: int) -> str:
    """The Gram determinant of (1, L, R), by Cauchy and Binet: det Cov > 0 unless all triples are collinear."""
    w, log_prior, reward = _symbols(n, "wLR")
    one, first, second = sum(w), _sum(w, log_prior), _sum(w, reward)
    ll, lr, rr = _sum(w, log_prior, log_prior), _sum(w, log_prior, reward), _sum(w, reward, reward)
    gram = (ll * one - first**2) * (rr * one - second**2) - (lr * one - first * second) ** 2
    triples = itertools.combinations(range(n), 3)
    areas = sum(w[i] * w[j] * w[k] * _area(log_prior, reward, i, j, k) ** 2 for i, j, k in triples)
    return _vanishes(gram - one * areas, f"Z^3 det Cov = sum over triples of w w w D^2, n = {n}")


def _gibbs_line(n: int) -> str:
    """Gibbs' identity with log q_u = log base + u f - K, for any laws q and q_u."""
    law, best, log_law, log_base, f, u, shift = _symbols(n, "qxacf", "uK")
    law, best = ((*prob[:-1], 1 - sum(prob[:-1])) for prob in (law, best))
    log_best = [c + u * v - shift for c, v in zip(log_base, f, strict=True)]

    def divergence(prob: Sequence[Any], one: Sequence[Any], two: Sequence[Any]) -> Any:
        return _sum(prob, [a - b for a, b in zip(one, two, strict=True)])

    spent = divergence(law, log_law, log_base) - divergence(best, log_best, log_base)
    gap = u * (_sum(law, f) - _sum(best, f)) - spent + divergence(law, log_law, log_best)
    return _vanishes(gap, f"u (E_q f - E_u f) = KL(q||base) - KL(q_u||base) - KL(q||q_u), n = {n}")


def _family_proof() -> list[str]:
    ((var_l,), (cov,), (var_r,)) = _symbols(1, "VCW")
    flow, determinant = (cov + var_r, -(var_l + cov)), var_l * var_r - cov**2
    lines = [
        _vanishes(var_l * flow[0] + cov * flow[1] - determinant, "E L' = Var L s' + Cov t' = det Cov along the flow"),
        _vanishes(cov * flow[0] + var_r * flow[1] + determinant, "E R' = Cov s' + Var R t' = -det Cov along the flow"),
    ]
    for n in (2, 3, 4):
        lines += [*_cumulant_lines(n), _gibbs_line(n)]
    return [*lines, _area_line(3), _area_line(4)]


FAMILY = Claim(
    id="adaptors.family",
    sentence="C",
    title="the laws p^s e^{tR} reach every pair of means inside the hull, and are the fronts under a budget",
    statement=(
        r"(s,t)\mapsto(\mathbb{E}L,\mathbb{E}R)\ \text{under}\ q_{s,t}\propto p^s e^{tR}"
        r"\ \text{is a diffeomorphism onto the interior of}\ \mathrm{conv}\{(L(y),R(y))\};\quad "
        r"(\dot s,\dot t)=(\mathrm{Cov}+\mathrm{Var}R,-\mathrm{Var}L-\mathrm{Cov})\Rightarrow"
        r"\dot{\mathbb{E}L}=-\dot{\mathbb{E}R}=\det\mathrm{Cov};\quad"
        r"\text{the front under}\ \mathrm{KL}(q\|q_{s_0,t_0})\le\kappa\ \text{is}\ "
        r"\{q_{s,t}: s\ge s_0, t\ge t_0, \mathrm{KL}=\kappa\}"
    ),
    hypotheses=(
        "finite support",
        "1, L, R independent",
        "budget < -log q_{s0,t0}(argmax of aL + bR): beyond it the front lies on the hull's boundary",
    ),
    source="Barndorff-Nielsen (1978), Information and Exponential Families; Csiszar (1975) for the projections",
    check=_family,
    cases=_family_cases,
    controls=(
        Control(
            "dependent",
            "drops the hypothesis that 1, L and R be independent",
            _unconditional_jacobian,
            integer_cases,
            smallest=True,
        ),
        Control("backward-flow", "flips the sign of t' in the flow", _backward_flow, integer_cases, smallest=True),
        Control(
            "entropy-for-divergence",
            "puts the entropy's budget in the place of the divergence from p+",
            _entropy_front,
            integer_cases,
            smallest=True,
        ),
        Control(
            "any-weights",
            "drops the hypothesis that the weights of E L and E R be >= 0",
            _front_of_any_sign,
            integer_cases,
            smallest=True,
        ),
    ),
    proof=_family_proof,
    remark=(
        "H(q) >= h is the case (s0, t0) = (0, 0), the divergence from p+ is (1, 1), that from p is (1, 0). At q_{s,t}"
        " the entropy changes by -(s dE L + t dE R), so that at equal entropy dE R / dE L = -s/t:"
        " beta / T, the two together, reach every s, t > 0; beta alone (1, t) sets the rate, and a global"
        " temperature (tau, tau t) keeps it and spends entropy. Means still move along a temperature's path."
    ),
)


# --- interior -----------------------------------------------------------------------------------------------------


def _spent(found: Instance, name: str, law: Array) -> Iterator[Finding]:
    """What the law gains in both, and that it pays in entropy: the gains sum to H - H(q) - KL(q || p+)."""
    gain_l, gain_r = _gains(found, law)
    yield Finding(f"{name}: E L gains", gain_l, "positive")
    yield Finding(f"{name}: E R gains", gain_r, "positive")
    fallen = found.mean.entropy - entropy(law)
    yield Finding(f"{name}: gains = H - H(q) - KL", gain_l + gain_r - fallen + kl_divergence(law, found.numbers.prob))
    yield Finding(f"{name}: H(q) < H", fallen, "positive")


def _gains(found: Instance, law: Array) -> Pair:
    """(E_q L - E L, E_q R - E R)."""
    reached = _means(found, law)
    return reached[0] - found.mean.mean_log_prior, reached[1] - found.mean.mean_reward


def _tilted(found: Instance) -> tuple[Array, arb]:
    """(p+ (1 + eps g), eps det Cov) with eps = 1 / (2 max |g|): a law with equal gains eps det Cov in both."""
    own = _member(found, fmpq(1), fmpq(1))
    direction = gaining_direction(own, found.numbers.log_prior, found.numbers.reward, (fmpq(1), fmpq(1)))
    step = 1 / (2 * functools.reduce(arb.max, (abs(g) for g in direction)))
    return found.numbers.prob * (1 + direction * step), own.determinant * step


def _mixed(found: Instance) -> Array | None:
    return gaining_mixture(found.aligned, found.numbers, (found.mean.mean_log_prior, found.mean.mean_reward))


def _dominated(found: Instance) -> Iterator[Finding]:
    law, gain = _tilted(found)
    gain_l, gain_r = _gains(found, law)
    yield Finding("p+ (1 + eps g) has mass 1", law.sum() - 1)
    yield Finding("p+ (1 + eps g) is a law", _least(iter(law)), "positive")
    yield Finding("p+ (1 + eps g): E L gains eps det Cov", gain_l - gain)
    yield Finding("p+ (1 + eps g): E R gains eps det Cov", gain_r - gain)
    yield from _spent(found, "p+ (1 + eps g)", law)
    mixture = _mixed(found)
    yield Finding("one or two strings gain in both", fmpq(mixture is not None), "positive")
    if mixture is not None:
        yield from _spent(found, "one or two strings", mixture)


def _on_a_line(found: Instance) -> Iterator[Finding]:
    """Where 1, L, R are dependent p+ is Pareto-optimal iff (L, R) is one point, or on a line that falls."""
    ends = hull(found.aligned, found.numbers)
    low, high = ends[0], ends[-1]
    step_l, step_r = _steps(found, low, high)
    if len(ends) == 1:
        yield Finding("one point: Var L = 0", found.mean.var_log_prior)
        yield Finding("one point: Var R = 0", found.mean.var_reward)
    elif step_l > 0 and step_r < 0:
        for y in range(len(found.aligned)):
            offset_l, offset_r = _steps(found, low, y)
            yield Finding("a falling line: no law gains in one alone", offset_l * step_r - offset_r * step_l)
    else:
        gain_l, gain_r = _gains_at(found, high, step_l, step_r)
        yield Finding("a line that does not fall: its upper end does not lose E L", gain_l, "nonnegative")
        yield Finding("a line that does not fall: its upper end does not lose E R", gain_r, "nonnegative")
        yield Finding("a line that does not fall: its upper end gains", gain_l + gain_r, "positive")


def _gains_at(found: Instance, string: int, step_l: Any, step_r: Any) -> Pair:
    """(L, R) of a string less (E L, E R), 0 exactly where the line is vertical or horizontal."""
    gain_l = found.numbers.log_prior[string] - found.mean.mean_log_prior
    gain_r = found.numbers.reward[string] - found.mean.mean_reward
    return gain_l if step_l != 0 else fmpq(0), gain_r if step_r != 0 else fmpq(0)


def _steps(found: Instance, one: int, two: int) -> tuple[Any, Any]:
    """(L, R) of the second string minus that of the first, 0 exactly where they are equal."""
    prior, reward = found.aligned.prior, found.aligned.reward
    step_l = found.numbers.log_prior[two] - found.numbers.log_prior[one] if prior[one] != prior[two] else fmpq(0)
    step_r = found.numbers.reward[two] - found.numbers.reward[one] if reward[one] != reward[two] else fmpq(0)
    return step_l, step_r


def _interior(found: Instance) -> Iterator[Finding]:
    yield from _dominated(found) if _independent(found) else _on_a_line(found)


def _best_gain(found: Instance) -> Any:
    """E L + E R gained by the law found that loses in neither; 0 exactly where there is none."""
    if _independent(found):
        return sum(_gains(found, _tilted(found)[0]), start=arb(0))
    ends = hull(found.aligned, found.numbers)
    steps = _steps(found, ends[0], ends[-1])
    if len(ends) == 1 or (steps[0] > 0 and steps[1] < 0):
        return fmpq(0)
    return sum(_gains_at(found, ends[-1], *steps), start=arb(0))


def _always_dominated(found: Instance) -> Iterator[Finding]:
    yield Finding("some law gains and loses in neither", _best_gain(found), "positive")


def _dominated_if_both_vary(found: Instance) -> Iterator[Finding]:
    if not (found.mean.constant.log_prior or found.mean.constant.reward):
        yield from _always_dominated(found)


def _dominated_for_free(found: Instance) -> Iterator[Finding]:
    if _independent(found):
        yield Finding("H(q) >= H of the law that gains", entropy(_tilted(found)[0]) - found.mean.entropy, "nonnegative")


def _interior_proof() -> list[str]:
    """The tilt p+ (1 + eps g) with g = c (L - E L) + d (R - E R), times Z or Z^2; then c and d for gains (a, b)."""
    lines = []
    for n in (2, 3, 4):
        w, log_prior, reward, c, d = _symbols(n, "wLR", "cd")
        total, first, second = sum(w), _sum(w, log_prior), _sum(w, reward)
        direction = [c * (x * total - first) + d * (r * total - second) for x, r in zip(log_prior, reward, strict=True)]
        lines.append(_vanishes(_sum(w, direction), f"E g = 0, n = {n}"))
        for name, values in (("L", log_prior), ("R", reward)):
            covariances = [
                _sum(w, other, values) * total - _sum(w, other) * _sum(w, values) for other in (log_prior, reward)
            ]
            gap = _sum(w, direction, values) - c * covariances[0] - d * covariances[1]
            lines.append(_vanishes(gap, f"E[g {name}] = c Cov(L, {name}) + d Cov(R, {name}), n = {n}"))
    (var_l,), (cov,), (var_r,), a, b = _symbols(1, "VCW", "ab")
    on_l, on_r, determinant = a * var_r - b * cov, b * var_l - a * cov, var_l * var_r - cov**2
    return [
        *lines,
        _vanishes(on_l * var_l + on_r * cov - a * determinant, "c = a Var R - b Cov, d = b Var L - a Cov: a det Cov"),
        _vanishes(on_l * cov + on_r * var_r - b * determinant, "the same c and d: b det Cov"),
    ]


def _interior_cases(profile: Profile) -> list[Case]:
    falling = case("p = (4, 2, 1), e^R = (1, 2, 4)", examples.table((4, 2, 1), (1, 2, 4)))
    return [*usual(profile), falling]


INTERIOR = Claim(
    id="adaptors.interior",
    sentence="C",
    title="without a budget some law has both more likelihood and more reward than the aligned model",
    statement=(
        r"1,L,R\ \text{independent}\Rightarrow q=p_+(1+\varepsilon g),\quad"
        r"\mathbb{E}_qL-\mathbb{E}L=\mathbb{E}_qR-\mathbb{E}R=\varepsilon\det\mathrm{Cov}>0,\quad "
        r"g=(\mathrm{Var}R-\mathrm{Cov})(L-\mathbb{E}L)+(\mathrm{Var}L-\mathrm{Cov})(R-\mathbb{E}R)"
    ),
    hypotheses=("finite support", "1, L, R independent"),
    source="the means under a law of full support lie in the interior of the hull; Rockafellar (1970), section 6",
    check=_interior,
    cases=_interior_cases,
    everywhere=True,
    controls=(
        Control(
            "dependent",
            "drops the hypothesis that 1, L and R be independent",
            _always_dominated,
            integer_cases,
            smallest=True,
        ),
        Control("both-vary", "asks only that L and R both vary", _dominated_if_both_vary, integer_cases, smallest=True),
        Control("free", "says that the gain costs no entropy", _dominated_for_free, integer_cases, smallest=True),
    ),
    proof=_interior_proof,
    remark=(
        "Dependence alone does not save p+: on a rising, horizontal or vertical line (C1, C2) the upper end is better."
        " p+ is Pareto-optimal iff all (L, R) are one point or lie on one line that falls. Any law that gains in both"
        " has a smaller entropy, by the sum of the gains and KL(q || p+)."
    ),
)


# --- affine-line --------------------------------------------------------------------------------------------------


def _levels(aligned: Aligned) -> list[list[int]]:
    """The strings of equal p+, decided formally."""
    groups: dict[tuple[fmpq, fmpq], list[int]] = {}
    for y, part in enumerate(aligned.weight_parts()):
        groups.setdefault(part, []).append(y)
    return list(groups.values())


def _level_means(found: Instance, levels: Sequence[Sequence[int]]) -> list[tuple[arb, arb]]:
    """(l(i) - E L, i - H) of each level, l(i) = E[L | I = i]."""
    pairs = []
    for level in levels:
        prob = found.numbers.prob[level]
        mean_l = (prob * found.numbers.log_prior[level]).sum() / prob.sum()
        surprisal = found.numbers.surprisal[level[0]]
        pairs.append((mean_l - found.mean.mean_log_prior, surprisal - found.mean.entropy))
    return pairs


def _string_level(found: Instance, levels: Sequence[Sequence[int]]) -> Iterator[tuple[str, Array]]:
    """Laws p+ g(I): global temperatures, thresholds on I, each level by itself, and a g without order."""
    for temperature in ("1/2", "2"):
        law, _ = found.adapted(chain(("temperature", temperature)), "global")
        yield f"temperature {temperature}", law.prob
    order = sorted(range(len(levels)), key=lambda j: float(found.numbers.surprisal[levels[j][0]]))
    for k in range(1, len(order)):
        yield f"the {k} most probable levels", _kept(found, [levels[j] for j in order[:k]])
        yield f"all but the {k} most probable levels", _kept(found, [levels[j] for j in order[k:]])
    for j in order:
        yield f"level {j + 1} alone", _kept(found, [levels[j]])
    weight = found.numbers.prob * 0
    for j, level in enumerate(levels):
        weight[level] = found.numbers.prob[level] * (1 + (5 * j + 3) % 7)
    yield "g without order", weight / weight.sum()


def _kept(found: Instance, levels: Sequence[Sequence[int]]) -> Array:
    """p+ restricted to these levels."""
    law = found.numbers.prob * 0
    for level in levels:
        law[level] = found.numbers.prob[level]
    kept: Array = law / law.sum()
    return kept


def _off_line(found: Instance, law: Array, b: arb) -> arb:
    """(1 + b)(E_q L - E L) + b (E_q R - E R): 0 on the line of slope -(1 + b)/b through p+."""
    gain_l, gain_r = _gains(found, law)
    return arb((1 + b) * gain_l + b * gain_r)


def _affine_line(found: Instance) -> Iterator[Finding]:
    if found.mean.constant.surprisal:
        return
    levels = _levels(found.aligned)
    means = _level_means(found, levels)
    b = found.mean.exchange_coefficient
    residuals = [mean_l - b * surprisal for mean_l, surprisal in means]
    affine = not any(r != 0 for r in residuals)
    for name, law in _string_level(found, levels):
        share = [law[level].sum() for level in levels]
        expected = sum((w * mean_l for w, (mean_l, _) in zip(share, means, strict=True)), start=arb(0))
        yield Finding(f"E_q L = E_q l(I), {name}", _gains(found, law)[0] - expected)
        if affine:
            yield Finding(f"on the line of slope -(1+b)/b, {name}", _off_line(found, law, b))
    if affine:
        for residual in residuals:
            yield Finding("l(i) = E L + b (i - H)", residual)
    else:
        worst = max(range(len(levels)), key=lambda j: abs(float(residuals[j])))
        away = abs(_off_line(found, _kept(found, [levels[worst]]), b))
        yield Finding("l is not affine, and a level leaves the line", away, "positive")


def _line_without_affine(found: Instance) -> Iterator[Finding]:
    if found.mean.constant.surprisal:
        return
    for name, law in _string_level(found, _levels(found.aligned)):
        yield Finding(f"on the line, {name}", _off_line(found, law, found.mean.exchange_coefficient))


def _two_levels(found: Instance) -> bool:
    """Two values of I: l is then affine, whatever it is."""
    return len(_levels(found.aligned)) == 2


def _line_of_inverse_slope(found: Instance) -> Iterator[Finding]:
    if _two_levels(found):
        b = found.mean.exchange_coefficient
        for name, law in _string_level(found, _levels(found.aligned)):
            gain_l, gain_r = _gains(found, law)
            yield Finding(f"on the line of slope -b/(1+b), {name}", b * gain_l + (1 + b) * gain_r)


def _line_of_truncations(found: Instance) -> Iterator[Finding]:
    """Top-k of the whole strings: among equal strings it keeps the first, so it is no function of I."""
    if not _two_levels(found):
        return
    for k in range(1, len(found.aligned)):
        law, _ = found.adapted(chain(("top_k", k)), "global")
        whole = found.numbers.prob * 0
        whole[law.string] = law.prob
        yield Finding(f"on the line, top-{k}", _off_line(found, whole, found.mean.exchange_coefficient))


def _affine_models() -> list[Case]:
    """p+ weights in geometric progression, and p with its geometric means in one, on three values of I."""
    models = (
        ("b = 1", (1, 4, 2, 8, 8), (4, 4, 2, 2, 1)),
        ("b = -2", (243, 27, 3, 27, 1, 1), (9, 9, 3, 3, 1, 1)),
        ("b = 0", (1, 4, 2, 2, 1, 4), (4, 4, 2, 2, 1, 1)),
        ("b = -1", (2, 8, 1, 4, 1), (4, 4, 2, 2, 1)),
        ("b = -1/2", (2, 8, 1, 4, 1), (16, 16, 4, 4, 1)),
        ("b = 1/2", (8, 2, 16, 4, 16), (16, 16, 4, 4, 1)),
    )
    return [case(f"affine l, {name}", examples.from_laws(p, own)) for name, p, own in models]


def _affine_cases(profile: Profile) -> list[Case]:
    return [*_affine_models(), *small(profile)]


def _affine_proof() -> list[str]:
    lines = []
    for sizes in ((1, 2), (2, 2), (1, 1, 2)):
        log_prior, g = _symbols(sum(sizes), "Lg")
        level = [j for j, size in enumerate(sizes) for _ in range(size)]
        # up to a common factor q is one number g on each level, since p+ is
        law = [g[j] for j in level]
        given = [sum(x for x, k in zip(log_prior, level, strict=True) if k == j) / size for j, size in enumerate(sizes)]
        gap = _sum(law, log_prior) - _sum(law, [given[j] for j in level])
        lines.append(_vanishes(gap, f"E_q L = E_q l(I), levels of {sizes} strings"))
    for n in (2, 3, 4):
        prob, i, b, log_z, mean_l, mean_i = _symbols(n, "qi", "bZEH")
        prob = (*prob[:-1], 1 - sum(prob[:-1]))
        gain_l = _sum(prob, [mean_l + b * (x - mean_i) for x in i]) - mean_l
        gain_r = log_z - mean_l - gain_l - _sum(prob, i) - (log_z - mean_l - mean_i)
        lines.append(_vanishes((1 + b) * gain_l + b * gain_r, f"l affine: all on the line, {n} levels"))
    given, i, log_z = _symbols(3, "li", "Z")
    reward = [log_z - x - y for x, y in zip(given, i, strict=True)]
    gap = _area(given, reward, 0, 1, 2) + _area(given, i, 0, 1, 2)
    lines.append(_vanishes(gap, "three levels are on a line iff three points of l are"))
    return lines


AFFINE_LINE = Claim(
    id="adaptors.affine-line",
    sentence="C",
    title="adaptors that see only the string's probability move on one line iff E[L | I] is affine in I",
    statement=(
        r"q=p_+g(I)\Rightarrow \mathbb{E}_qL=\mathbb{E}_q\,\ell(I),\ \ell(i)=\mathbb{E}[L\mid I=i];\quad"
        r"\ell\ \text{affine}\iff (1+b)(\mathbb{E}_qL-\mathbb{E}L)+b(\mathbb{E}_qR-\mathbb{E}R)=0"
        r"\ \text{for every such}\ q"
    ),
    hypotheses=("Var I > 0", "q is p+ times a function of I: equal strings are kept or dropped together"),
    source="the tower rule; an affine regression has the slope b = Cov(L, I) / Var I",
    check=_affine_line,
    cases=_affine_cases,
    everywhere=True,
    controls=(
        Control(
            "not-affine", "drops the hypothesis that l be affine", _line_without_affine, integer_cases, smallest=True
        ),
        Control(
            "ties-by-index",
            "lets a truncation break ties between equal strings by their index, so that q is no function of I",
            _line_of_truncations,
            integer_cases,
            smallest=True,
        ),
        Control("inverse-slope", "turns the slope upside down", _line_of_inverse_slope, integer_cases, smallest=True),
    ),
    proof=_affine_proof,
    remark=(
        "Global temperature and thresholds on I are such adaptors; top-k and nucleus over whole strings are where"
        " no tie is cut. With two values of I (C2, C4) l is always affine."
    ),
)


# --- conditioning -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class LineCorpora:
    """Corpora with Ibar = H and Lbar = l exactly, of a model whose p and e^R are powers of two up to a factor.

    Args:
        points: (a, k) of each string: 2^a and 2^k are its p and p+ over the first string's, so that I falls by k log 2.
        share: the mean of a that Lbar = l asks for.
        size: N, such that N E a and N E k are whole.
        width: half the width of a typical band of I, in units of log 2.
    """

    found: Instance
    points: tuple[tuple[int, int], ...]
    share: fmpq
    size: int
    width: fmpq

    @property
    def level(self) -> fmpq:
        """E k under p+: Ibar = H iff the mean of k is this."""
        weights = [fmpq(2) ** k for _, k in self.points]
        total = sum(weights, start=fmpq(0))
        return sum((w * k for w, (_, k) in zip(weights, self.points, strict=True)), start=fmpq(0)) / total

    def conditioned(self, level: Any = None) -> Member:
        """The member with E L = l and E_q I = H + (E k - level) log 2."""
        numbers, wanted = self.found.numbers, self.level if level is None else level
        unit = arb(2).log()
        mean_l = numbers.log_prior[0] + unit * self.share
        mean_r = numbers.reward[0] + unit * (wanted - self.share)
        return member_with_means(numbers.log_prior, numbers.reward, mean_l, mean_r)

    @property
    def cell(self) -> int:
        """The area of a cell of the lattice of corpus totals of (a, k)."""
        pairs = itertools.combinations(self.points[1:], 2)
        return math.gcd(*(one[0] * two[1] - one[1] * two[0] for one, two in pairs))


def line_corpora(found: Instance, share: fmpq, size: int, width: fmpq = fmpq(1, 16)) -> LineCorpora:
    """The corpora on the line of a model in powers of two.

    Raises:
        ValueError: a ratio of two strings' p or p+ is not a power of two, or N E a or N E k is not whole.
    """
    parts = found.aligned.weight_parts()
    points = tuple(
        (_binary_exponent(p / found.aligned.prior[0]), _binary_exponent(c / parts[0][0]))
        for p, (c, _) in zip(found.aligned.prior, parts, strict=True)
    )
    corpora = LineCorpora(found, points, share, size, width)
    if (share * size).q != 1 or (corpora.level * size).q != 1:
        raise ValueError(f"N = {size} strings cannot have Lbar = l and Ibar = H exactly")
    return corpora


def _binary_exponent(ratio: fmpq) -> int:
    exponent = int(ratio.p).bit_length() - int(ratio.q).bit_length()
    if ratio != fmpq(2) ** exponent:
        raise ValueError(f"{ratio} is not a power of two")
    return exponent


@dataclass(frozen=True, slots=True, eq=False)
class Types:
    """The corpora of an event, counted.

    Args:
        weight: the number of corpora, each times 2^{its total of k}.
        shares: the expected share of each string given the event, rationals, shape (n,).
    """

    weight: fmpq
    shares: Array


def _types(corpora: LineCorpora, levels: Iterable[int]) -> Types:
    """The corpora with Lbar = l whose totals of k are among these."""
    n, total = len(corpora.points), fmpq(0)
    counted = [fmpq(0)] * n
    first = int((corpora.share * corpora.size).p)
    for level in levels:
        ways, by_string = 0, [0] * n
        for counts in exact_corpora(corpora.points, corpora.size, (first, level)):
            number = sequences(counts)
            ways += number
            by_string = [old + number * k for old, k in zip(by_string, counts, strict=True)]
        scale = fmpq(2) ** level
        total += scale * ways
        counted = [old + scale * new for old, new in zip(counted, by_string, strict=True)]
    return Types(total, objects(c / (total * corpora.size) for c in counted))


def _on_line(corpora: LineCorpora) -> Types:
    return _types(corpora, [int((corpora.level * corpora.size).p)])


def _log_probability(corpora: LineCorpora, types: Types) -> arb:
    """log P(event): each corpus has probability 2^{its total of k} over (sum of 2^k)^N."""
    total = sum((fmpq(2) ** k for _, k in corpora.points), start=fmpq(0))
    return arb(types.weight).log() - arb(total).log() * corpora.size


def _by_generating_function(corpora: LineCorpora) -> Types:
    """The same as ``_on_line`` from coefficients of (sum_y x^{a_y} z^{k_y})^N, with z a high power of x."""
    size = corpora.size
    low = [min(point[c] for point in corpora.points) for c in (0, 1)]
    raised = [(a - low[0], k - low[1]) for a, k in corpora.points]
    fold = size * max(a for a, _ in raised) + 1
    degrees = [a + fold * k for a, k in raised]
    coefficients = [0] * (max(degrees) + 1)
    for degree in degrees:
        coefficients[degree] += 1
    fewer = fmpz_poly(coefficients) ** (size - 1)
    level = int((corpora.level * size).p)
    target = int((corpora.share * size).p) - size * low[0] + fold * (level - size * low[1])
    first = [fmpq(fewer[target - degree]) if target >= degree else fmpq(0) for degree in degrees]
    ways = sum(first, start=fmpq(0))
    return Types(ways * fmpq(2) ** level, objects(x / ways for x in first))


def _correction(q: Member, found: Instance) -> Array:
    """-1/2 the part of the Mahalanobis distance of (L, R) under q that is orthogonal to 1, L and R: the 1/N term."""
    from_l, from_r = found.numbers.log_prior - q.mean_log_prior, found.numbers.reward - q.mean_reward
    on_l, on_r = q.powers_for(from_l, from_r)
    distance = from_l * on_l + from_r * on_r
    slope_l, slope_r = q.powers_for((q.prob * from_l * distance).sum(), (q.prob * from_r * distance).sum())
    correction: Array = (2 + from_l * slope_l + from_r * slope_r - distance) * fmpq(1, 2)
    return correction


def _local_factor(corpora: LineCorpora, q: Member) -> arb:
    """P_q(event) to first order: the area of a lattice cell over 2 pi N sqrt(det Cov_q(a, k))."""
    spread = q.determinant.sqrt() / arb(2).log() ** 2
    return arb(corpora.cell / (2 * arb.pi() * corpora.size * spread))


def _distance(one: Array, two: Array) -> arb:
    """The total variation distance of two laws."""
    return arb(sum((abs(arb(a - b)) for a, b in zip(one, two, strict=True)), start=arb(0)) / 2)


_SECOND_ROUTE_UP_TO = 32


def _conditioning(corpora: LineCorpora) -> Iterator[Finding]:
    found, size = corpora.found, corpora.size
    q, types = corpora.conditioned(), _on_line(corpora)
    exponent = found.mean.entropy - q.entropy
    log_probability = _log_probability(corpora, types)
    yield Finding("CE(q) = H", (q.prob * found.numbers.surprisal).sum() - found.mean.entropy)
    yield Finding("H(p+) - H(q) = KL(q || p+)", exponent - kl_divergence(q.prob, found.numbers.prob))
    yield Finding("P < exp(-N [H(p+) - H(q)])", -log_probability - exponent * size, "positive")
    if size <= _SECOND_ROUTE_UP_TO:
        yield from _exactly_tilted(corpora, q, log_probability + exponent * size)
        again = _by_generating_function(corpora)
        yield Finding("P from the generating function", types.weight - again.weight)
        for share, other in zip(types.shares, again.shares, strict=True):
            yield Finding("share from the generating function", share - other)
    decay = -log_probability / size
    yield Finding("-log P / N -> H(p+) - H(q)", decay - exponent, tolerance=2 * math.log(size) / size)
    factor = (log_probability + exponent * size).exp() / _local_factor(corpora, q)
    yield Finding("P exp(N [H(p+) - H(q)]) over its local limit -> 1", factor - 1, tolerance=2 / size)
    yield Finding("TV(a string's law given the event, q) -> 0", _distance(types.shares, q.prob), tolerance=0.5 / size)
    corrected = q.prob * (1 + _correction(q, found) / size)
    yield Finding("the same with the 1/N term", _distance(types.shares, corrected), tolerance=1 / size**2)
    yield from _typical_band(corpora)


def _exactly_tilted(corpora: LineCorpora, q: Member, log_tilted: arb) -> Iterator[Finding]:
    """p+ and q give corpora on the line probabilities in one ratio, exp(-N [H(p+) - H(q)]): exact at every N."""
    first, level = (int((value * corpora.size).p) for value in (corpora.share, corpora.level))
    under_q = arb(0)
    for counts in exact_corpora(corpora.points, corpora.size, (first, level)):
        mass = arb(sequences(counts))
        for prob, count in zip(q.prob, counts, strict=True):
            mass *= prob**count
        under_q += mass
    yield Finding("P exp(N [H(p+) - H(q)]) = P_q", log_tilted.exp() - under_q)


def _band(corpora: LineCorpora) -> Types:
    """The corpora with Lbar = l and |Ibar - H| < width log 2."""
    low, high = ((corpora.level + sign * corpora.width) * corpora.size for sign in (-1, 1))
    return _types(corpora, range(int(low.floor()) + 1, int(high.ceil())))


def _edge(corpora: LineCorpora) -> Member:
    """The law nearest p+ with E L = l and CE in the closed band: at its edge, on the side where t tends to 1."""
    inwards = 1 if corpora.conditioned().reward_power < 1 else -1
    return corpora.conditioned(corpora.level + inwards * corpora.width)


def _typical_band(corpora: LineCorpora) -> Iterator[Finding]:
    """With a fixed width of the band the limit is another member, the nearest to p+ on the band's edge."""
    edge, middle = _edge(corpora), corpora.conditioned()
    side = (edge.reward_power - 1) * (middle.reward_power - 1)
    yield Finding("fixed band: the edge is nearest, t - 1 keeps its sign", side, "positive")
    for width in (corpora.width, corpora.width / 16):
        away = _distance(_edge(replace(corpora, width=width)).prob, middle.prob)
        yield Finding("TV(the edge's member, q) -> 0 with the width", away, tolerance=2 * to_float(width))
    root = math.isqrt(corpora.size)
    if root * root == corpora.size:
        away = _distance(_band(replace(corpora, width=fmpq(1, 2 * root))).shares, middle.prob)
        yield Finding("band of width ~ 1/sqrt N: TV(a string's law, q) -> 0", away, tolerance=1 / root)
    away = _distance(_band(corpora).shares, edge.prob)
    yield Finding("fixed band: TV(a string's law, the edge's member) -> 0", away, tolerance=4 / corpora.size)


def _reversed_exponent(corpora: LineCorpora) -> Iterator[Finding]:
    q = corpora.conditioned()
    wrong = kl_divergence(corpora.found.numbers.prob, q.prob)
    log_factor = _log_probability(corpora, _on_line(corpora)) + wrong * corpora.size
    factor = log_factor.exp() / _local_factor(corpora, q)
    yield Finding("P exp(N KL(p+ || q)) over its local limit -> 1", factor - 1, tolerance=2 / corpora.size)


def _fixed_band(corpora: LineCorpora) -> Iterator[Finding]:
    away = _distance(_band(corpora).shares, corpora.conditioned().prob)
    yield Finding("fixed band: TV(a string's law, q) -> 0", away, tolerance=4 / corpora.size)


def _any_corpus(corpora: LineCorpora) -> Iterator[Finding]:
    levels = [k for _, k in corpora.points]
    anywhere = _types(corpora, range(min(levels) * corpora.size, max(levels) * corpora.size + 1))
    away = _distance(anywhere.shares, corpora.conditioned().prob)
    yield Finding("TV(a string's law given Lbar = l, q) -> 0", away, tolerance=0.5 / corpora.size)


_LINE_MODELS = (
    ((4, 16, 8, 1), (1, fmpq(1, 4), 1, 16), (fmpq(0), fmpq(-1)), (32, 64, 128, 256)),
    ((1, 2, 1, 2), (1, fmpq(1, 2), 2, 2), (fmpq(1, 2), fmpq(3, 4)), (32, 64, 128, 256)),
    ((2, 8, 2, 4, 1), (1, fmpq(1, 4), 2, 1, 4), (fmpq(1),), (32, 64)),
)
"""Weights of p, e^R, the means of a, and N; those of p+ sum to a power of two, so that Ibar = H for all these N."""


def _line_cases(profile: Profile) -> Iterator[Case]:
    for prior, factor, shares, sizes in _LINE_MODELS:
        table = case("", examples.table(prior, factor))
        for share, size in itertools.product(shares, sizes if profile.full else sizes[:2]):
            name = f"p = {prior}, e^R = ({', '.join(map(str, factor))}), l = log p(x) + {share} log 2, N = {size}"
            yield Case(name, line_corpora(table.content, share, size), table.spec)


def _long_corpora(profile: Profile) -> Iterator[Case]:
    """N = 256: the limit is near enough to be told from another."""
    prior, factor, shares, sizes = _LINE_MODELS[0]
    table = case("", examples.table(prior, factor))
    yield Case(f"p = {prior}, N = {sizes[-1]}", line_corpora(table.content, shares[0], sizes[-1]), table.spec)


CONDITIONING = Claim(
    id="adaptors.conditioning",
    sentence="C",
    title="strings of a corpus on the line with Lbar = l follow the 1:1 member of the family",
    statement=(
        r"P(\bar L=l,\bar I=H)=e^{-N[H(p_+)-H(q)]}P_q(\bar L=l,\bar I=H),\quad "
        r"P(y_1=y\mid\bar L=l,\bar I=H)\to q(y),\quad q=q_{s,t}:\ \mathbb{E}_qL=l,\ \mathrm{CE}(q)=H"
    ),
    hypotheses=(
        "(l, log Z - H - l) inside the hull of the (L, R)",
        "Ibar = H, or a typical band that shrinks with N",
        "here p and e^R powers of two up to a factor, so that corpora lie on the line exactly",
    ),
    source="Csiszar (1984), Ann. Probab. 12, 768-793; Dembo and Zeitouni (1998), section 7.3",
    check=_conditioning,
    cases=_line_cases,
    controls=(
        Control(
            "reversed-exponent", "puts KL(p+ || q) for KL(q || p+) in the exponent", _reversed_exponent, _long_corpora
        ),
        Control("fixed-band", "keeps the width of the typical band fixed as N grows", _fixed_band, _long_corpora),
        Control("any-corpus", "drops the typicality and conditions on Lbar = l alone", _any_corpus, _long_corpora),
    ),
    exact=False,
    remark=(
        "The first identity is exact at every N; P_q is within 2/N of its local limit. For N >= 32 the string's law is"
        " within 1/(2N) of q in total variation, and within 1/N^2 with its 1/N term: -q(y)/2 times the part of the"
        " Mahalanobis distance of (L, R) that is orthogonal to 1, L and R. In a band of fixed width the limit is not "
        "the"
        " the 1:1 member but the one on the band's edge that is nearest p+: the width must shrink as N grows."
    ),
)

CLAIMS: tuple[Claim, ...] = (FAMILY, INTERIOR, AFFINE_LINE, CONDITIONING)
