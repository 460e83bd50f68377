"""adaptors.family: the laws p^s e^{tR} reach every pair of means inside the hull, and are the fronts under a budget."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from flint import arb_series, fmpq

from theory.adaptors.frontier import budget_member, member_with_means
from theory.adaptors.hull import hull
from theory.arithmetic.exact import Array, objects
from theory.claims.adaptors.front_models import FRONT, OFF_FRONT, Trial, front_budget, fronts, gains_within, own_budget
from theory.claims.adaptors.plane_models import (
    area_sum,
    depth_in,
    is_independent,
    least_of,
    means_along,
    means_under,
    member_of,
)
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile, of
from theory.claims.instances import integer_cases, named, small
from theory.models.finite import FiniteModel
from theory.probability.information import entropy, kl_divergence


def _planar(cases: Sequence[Case]) -> list[Case]:
    """The cases on which 1, L and R are independent."""
    return [c for c in cases if is_independent(c.content)]


_POWERS = ((fmpq(1), fmpq(1)), (fmpq(1), fmpq(1, 3)), (fmpq(2), fmpq(2)), (fmpq(-1), fmpq(3, 2)))


_TRIPLES_UP_TO, _FRONTS_UP_TO, _FEW = 9, 100, 10


def _reached(trial: Trial) -> Iterator[Finding]:
    """Means of members lie inside the hull and have one (s, t); the means of any law of full support are reached."""
    found = trial.found
    log_prior, reward = found.numbers.log_prior, found.numbers.reward
    corners = hull(found.numbers)
    for s, t in _POWERS:
        q, here = member_of(found, s, t), f"({s}, {t})"
        yield Finding(f"the means at {here} are inside the hull", depth_in(found, corners, q), "positive")
        back = member_with_means(log_prior, reward, q.mean_log_prior, q.mean_reward)
        yield Finding(f"s from the means at {here}", back.prior_power - s)
        yield Finding(f"t from the means at {here}", back.reward_power - t)
    for law in trial.competitors:
        wanted = means_under(found, law)
        q = member_with_means(log_prior, reward, *wanted)
        yield Finding("E L of the member with a law's means", q.mean_log_prior - wanted[0])
        yield Finding("E R of the member with a law's means", q.mean_reward - wanted[1])


def _jacobian(found: FiniteModel) -> Iterator[Finding]:
    for s, t in _POWERS:
        q, here = member_of(found, s, t), f"({s}, {t})"
        for name, direction, variances in (
            ("s", (fmpq(1), fmpq(0)), (q.var_log_prior, q.cov)),
            ("t", (fmpq(0), fmpq(1)), (q.cov, q.var_reward)),
        ):
            _, mean_l, mean_r = means_along(found, (s, t), direction)
            yield Finding(f"dE L/d{name} at {here}", mean_l[1] - variances[0])
            yield Finding(f"dE R/d{name} at {here}", mean_r[1] - variances[1])
        yield Finding(f"det Cov > 0 at {here}", q.determinant, "positive")
        if len(found.aligned) <= _TRIPLES_UP_TO:
            yield Finding(f"det Cov = sum q q q D^2 at {here}", q.determinant - area_sum(found, q))


def _flow(found: FiniteModel, turn: int = 1) -> Iterator[Finding]:
    """The 1:1 flow; ``turn`` = -1 has its second component backwards."""
    for s, t in _POWERS:
        q, here = member_of(found, s, t), f"({s}, {t})"
        _, mean_l, mean_r = means_along(found, (s, t), (q.flow[0], turn * q.flow[1]))
        yield Finding(f"E L' = det Cov along the flow at {here}", mean_l[1] - q.determinant)
        yield Finding(f"E R' = -det Cov along the flow at {here}", mean_r[1] + q.determinant)


def _spending(found: FiniteModel) -> Iterator[Finding]:
    """H' along the flow; and along s = t, whatever b is, where E L + E R rises at the rate V and H falls at tau V."""
    for s, t in _POWERS:
        q, here = member_of(found, s, t), f"({s}, {t})"
        log_partition, mean_l, mean_r = means_along(found, (s, t), q.flow)
        on_l, on_r = (arb_series([x, dx], prec=3) for x, dx in zip((s, t), q.flow, strict=True))
        falling = log_partition - on_l * mean_l - on_r * mean_r
        yield Finding(f"H' = -(s E L' + t E R') at {here}", falling[1] + mean_l[1] * s + mean_r[1] * t)
    for tau in (fmpq(1, 2), fmpq(2)):
        log_partition, mean_l, mean_r = means_along(found, (tau, tau), (1, 1))
        variance = member_of(found, tau, tau).variance((1, 1))
        yield Finding(f"(E L + E R)' = V along s = t at {tau}", mean_l[1] + mean_r[1] - variance)
        falling = log_partition - arb_series([tau, 1], prec=3) * (mean_l + mean_r)
        yield Finding(f"H' = -tau V along s = t at {tau}", falling[1] + variance * tau)


def _gibbs(trial: Trial) -> Iterator[Finding]:
    """Gibbs' identity at the base (0, 0), where the budget is the entropy, and at p+."""
    found = trial.found
    for law in trial.competitors:
        q = member_with_means(found.numbers.log_prior, found.numbers.reward, *means_under(found, law))
        label = "H(member) - H(law) = KL(law || member) at equal means"
        yield Finding(label, q.entropy - entropy(law) - kl_divergence(law, q.prob))
        base = member_of(found, fmpq(1), fmpq(1))
        one = member_of(found, fmpq(3), fmpq(2))  # base e^{2 L + R}
        means = means_under(found, law)
        lead = 2 * (means[0] - one.mean_log_prior) + means[1] - one.mean_reward
        spent = kl_divergence(law, base.prob) - one.divergence(base)
        yield Finding("f = 2 L + R at p+: E_q f - E_u f", lead - spent + kl_divergence(law, one.prob))


def _family(trial: Trial) -> Iterator[Finding]:
    yield from of("reach", _reached(trial))
    yield from of("jacobian", _jacobian(trial.found))
    yield from of("flow", _flow(trial.found))
    yield from of("entropy", _spending(trial.found))
    yield from of("gibbs", _gibbs(trial))
    if len(trial.found.aligned) <= _FRONTS_UP_TO:
        yield from of("own-front", own_budget(trial.found))
        yield from of("fronts", fronts(trial))


def _family_cases(profile: Profile) -> list[Case]:
    rng = np.random.default_rng(profile.seed)
    models = small(profile)
    cases = _planar([*(models if profile.full else models[:_FEW]), *named("toy")])
    return [Case(c.name, Trial(c.content, _random_laws(rng, len(c.content.aligned))), c.spec) for c in cases]


def _random_laws(rng: np.random.Generator, n: int) -> tuple[Array, ...]:
    """A law with weights alike, and one with weights over four orders of magnitude: near the hull's boundary."""
    alike = [int(v) for v in rng.integers(1, 13, n)]
    spread = [int(v) for v in 10 ** (4 * rng.random(n))]
    return tuple(objects(fmpq(v, sum(weights)) for v in weights) for weights in (alike, spread))


def _unconditional_jacobian(found: FiniteModel) -> Iterator[Finding]:
    q = member_of(found, fmpq(1), fmpq(1))
    determinant = q.determinant if is_independent(found) else fmpq(0)
    yield Finding("det Cov > 0 at (1, 1)", determinant, "positive")


def _backward_flow(found: FiniteModel) -> Iterator[Finding]:
    if is_independent(found):
        yield from _flow(found, turn=-1)


def _entropy_front(found: FiniteModel) -> Iterator[Finding]:
    if not is_independent(found):
        return
    base = member_of(found, fmpq(0), fmpq(0))
    budget = front_budget(found, base)
    for weights in FRONT:
        q = budget_member(found.numbers.log_prior, found.numbers.reward, base, weights, budget)
        yield Finding(f"H(q) >= h, weights ({weights[0]}, {weights[1]}): s >= 1", q.prior_power - 1, "nonnegative")
        yield Finding(f"H(q) >= h, weights ({weights[0]}, {weights[1]}): t >= 1", q.reward_power - 1, "nonnegative")


def _front_of_any_sign(found: FiniteModel) -> Iterator[Finding]:
    if not is_independent(found):
        return
    base = member_of(found, fmpq(1), fmpq(1))
    budget = front_budget(found, base)
    for weights in OFF_FRONT:
        q = budget_member(found.numbers.log_prior, found.numbers.reward, base, weights, budget)
        loss = -least_of(iter(gains_within(found, base, q, weights, budget)))
        label = f"weights ({weights[0]}, {weights[1]}): no law within the budget gains in both"
        yield Finding(label, loss, "nonnegative")


CLAIM = Claim(
    id="adaptors.family",
    sentence="C",
    clauses=(
        Clause(
            name="reach",
            text="on finitely many strings with 1, L, R independent, the laws q_{s,t} = p^s e^{tR}/Z(s,t) reach every "
            "pair of means in the interior of the hull of the (L(y), R(y)), each for exactly one (s, t)",
            formula=r"(s,t)\mapsto(\mathbb{E}L,\mathbb{E}R)\ \text{under}\ q_{s,t}\propto p^s e^{tR}"
            r"\ \text{is a bijection onto the interior of}\ \mathrm{conv}\{(L(y),R(y))\}",
            cited="Wainwright and Jordan, Graphical Models, Exponential Families, and Variational Inference (2008), "
            "proposition 3.2 and theorem 3.3",
        ),
        Clause(
            name="jacobian",
            text="the Jacobian of (s, t) -> (E L, E R) is the covariance matrix of (L, R), with determinant the sum over "
            "triples of strings of q q q D^2, D twice the area of their triangle: positive where 1, L, R are independent",
            formula=r"\frac{\partial(\mathbb{E}L,\mathbb{E}R)}{\partial(s,t)}=\mathrm{Cov}_{q_{s,t}}(L,R),\quad "
            r"\det\mathrm{Cov}=\textstyle\sum_{i<j<k}q_iq_jq_kD_{ijk}^2",
            formal=("adaptors_family_jacobian",),
        ),
        Clause(
            name="flow",
            text="along (s', t') = (Cov + Var R, -Var L - Cov) likelihood and reward are exchanged one to one: "
            "E L' = det Cov(L, R) = -E R'",
            formula=r"(\dot s,\dot t)=(\mathrm{Cov}+\mathrm{Var}R,-\mathrm{Var}L-\mathrm{Cov})\Rightarrow"
            r"\dot{\mathbb{E}L}=-\dot{\mathbb{E}R}=\det\mathrm{Cov}",
            formal=("adaptors_family_flow",),
        ),
        Clause(
            name="entropy",
            text="along every path of (s, t) the entropy changes by dH = -(s dE L + t dE R), so that at equal entropy "
            "dE R/dE L = -s/t",
            formula=r"dH(q_{s,t})=-(s\,d\mathbb{E}L+t\,d\mathbb{E}R)",
            formal=("adaptors_family_entropy",),
        ),
        Clause(
            name="gibbs",
            text="for f = a L + c R and q_u = base e^{uf}/Z, u (E_q f - E_{q_u} f) = "
            "KL(q||base) - KL(q_u||base) - KL(q||q_u) for every law q: q_u has the most E f within its divergence, u > 0",
            formula=r"u(\mathbb{E}_qf-\mathbb{E}_{q_u}f)=\mathrm{KL}(q\|q_0)-\mathrm{KL}(q_u\|q_0)-\mathrm{KL}(q\|q_u)",
            formal=("adaptors_family_gibbs",),
        ),
        Clause(
            name="fronts",
            text="within KL(q||q_{s0,t0}) <= k, k below the limit, the laws with the most a E L + c E R for weights "
            "a, c >= 0 are the members with s >= s0, t >= t0 that spend k; a member with a negative weight is dominated",
            formula=r"\text{the front under}\ \mathrm{KL}(q\|q_{s_0,t_0})\le\kappa\ \text{is}\ "
            r"\{q_{s,t}: s\ge s_0, t\ge t_0, \mathrm{KL}=\kappa\}",
        ),
        Clause(
            name="own-front",
            text="every q_{tau, tau t} with tau, t > 0, an aligned law of any strength at any temperature, has the most "
            "E L + t E R of all laws with at least its entropy",
            formal=("adaptors_family_own_front",),
        ),
    ),
    hypotheses=(
        "finitely many strings",
        "1, L, R independent",
        "fronts: a budget below -log q_{s0,t0}(argmax of a L + c R); beyond it the front lies on the hull's boundary",
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
    remark="H(q) >= h is the budget with (s0, t0) = (0, 0), the divergence from p+ is (1, 1), that from p is (1, 0). "
    "Temperature and strength together, beta / T, reach every s, t > 0. At equal entropy (1, t) sets the rate of exchange, "
    "which a global temperature (tau, tau t) keeps; the means still move along a temperature's path.",
    figure="plane",
    order=4060,
    sketch=r"""
$A(s,t)=\log\sum p^se^{tR}$ is strictly convex where $1,L,R$ are independent; its gradient $(\mathbb E L,\mathbb E R)$
is then injective with the covariance matrix as Jacobian, and onto the interior of the hull (Barndorff-Nielsen). The
flow is the cofactor direction: $\mathrm{Cov}\cdot(\dot s,\dot t)=\det\mathrm{Cov}\,(1,-1)$. On a front the gradient of the budget is a combination of $L$ and $R$ with coefficients that are not negative.
""",
)
